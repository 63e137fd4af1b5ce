#!/bin/sh
# The configuration's page, its schema and the files that come with the program agree.
. tests/e2e/lib.sh
page=docs/configuration.md
sed -n '/^### experiment/,$p' $page >"$work/page"
"$kmemsim" schema --markdown >"$work/reference"
if cmp -s "$work/page" "$work/reference"; then ok "the reference in $page is current"
else not_ok "the reference in $page is current" "bring it up to date with: make docs" \
	"$(diff "$work/page" "$work/reference" | head -n 5)"; fi

for f in configs/experiments/*.json; do
	if "$kmemsim" run "$f" --print-config --json >"$work/first.json" 2>"$work/err"; then ok "$f loads"
	else not_ok "$f loads" "$(cat "$work/err")"; continue; fi
	grep -q '"matrix"' "$f" && continue # many configurations, printed one after the other
	"$kmemsim" run "$work/first.json" --print-config --json 2>&1 | sed "s,$work/,," >"$work/second.json"
	# names of files are relative to the file they stand in; the rest is the same text
	grep -v '"trace":\|"costs":' "$work/first.json" >"$work/a"
	grep -v '"trace":\|"costs":' "$work/second.json" >"$work/b"
	is "$f, resolved, loads to the same" "$(cksum <"$work/b")" "$(cksum <"$work/a")"
done
is "experiments are found from another folder" \
	"$(cd / && "$OLDPWD/$kmemsim" run configs/experiments/slub-up.json --print-config 2>&1 | sed -n 's/^name = \("[a-z-]*"\).*/\1/p')" '"slub-up"'

if ! python3 -c 'import jsonschema' 2>/dev/null; then ok "schema (skipped: no python3-jsonschema here)"; exit $status; fi
for t in experiment machine; do "$kmemsim" schema $t >"$work/$t.schema"; done
valid() { # SCHEMA FILE
	python3 - "$work/$1.schema" "$2" 2>"$work/err" <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
getattr(jsonschema, "Draft202012Validator")(schema).validate(json.load(open(sys.argv[2])))
END
}
yes() { if valid "$1" "$2"; then ok "schema accepts $3"; else not_ok "schema accepts $3" "$(tail -n 3 "$work/err")"; fi; }
no() { echo "$2" >"$work/x.json"; if valid experiment "$work/x.json"; then not_ok "schema refuses $1"; else ok "schema refuses $1"; fi; }
for f in configs/experiments/*.json; do yes experiment "$f" "$f"; done
for f in configs/machines/*.json; do yes machine "$f" "$f"; done
yes experiment "$work/first.json" "a resolved experiment"
echo '{"seed": "0xffff", "periodic": {"vmstat": "1.5 ms"}, "machine": {"l2": {"size": "0.5MiB"}}, "timing": null}' >"$work/x.json"
yes experiment "$work/x.json" "all notations"
no "an unknown key" '{"sed": 1}'
no "an unknown key deeper" '{"machine": {"l2": {"sise": 1}}}'
no "a wrong type" '{"check": "yes"}'
no "a wrong name" '{"timing": "slow"}'
no "a number out of range" '{"machine": {"cpus": 0}}'
no "a wrong unit" '{"machine": {"l2": {"size": "64KB"}}}'
exit $status
