#!/bin/sh
# Bad input of every kind: what is said, where it points, how the program ends.
. tests/e2e/lib.sh
trace=workloads/slub-up.kmt

# expect NAME EXIT_STATUS TEXT COMMAND...: the command says TEXT on stderr
expect() {
	name=$1 wanted=$2 text=$3; shift 3
	"$@" >"$work/out" 2>"$work/err"
	got=$?
	if [ $got -ne "$wanted" ]; then not_ok "$name" "exit status $got, wanted $wanted" "$(head -n 3 "$work/err")"
	elif ! grep -qF -- "$text" "$work/err"; then not_ok "$name" "wanted: $text" "found:  $(head -n 3 "$work/err")"
	else ok "$name"; fi
}
# config NAME TEXT JSON: as $work/c.json, printed only
config() {
	printf '%s' "$3" >"$work/c.json"
	expect "config: $1" 2 "$2" "$kmemsim" run "$work/c.json" --print-config
}
# setting NAME TEXT PATH=VALUE: over a sound experiment
setting() {
	expect "setting: $1" 2 "$2" "$kmemsim" run configs/experiments/slub-up.json --print-config --set "$3"
}
c=$work/c.json

# ---- configurations ----
config "syntax, comma missing" "$c:2:2: syntax error: expected ',' or '}', found '\"'" '{"name": "x"
 "seed": 1}'
config "syntax, comma too many" "$c:1:15: syntax error: expected a key in double quotes, found '}'" '{"name": "x", }'
config "syntax, cut off" "found the end of the text" '{"name": "x", "machine": {'
config "empty" "$c:1:1: syntax error: expected a value, found the end of the text" ''
config "comment" "(JSON has no comments)" '{} // nothing'
config "unknown key" "$c:1:2: unknown key \"machin\"; did you mean \"machine\"?" '{"machin": {}}'
config "unknown key deeper" "$c:1:14: /machine: unknown key \"l1\"; did you mean \"l1d\"?" '{"machine": {"l1": {}}}'
config "duplicate key" "$c:1:12: duplicate key \"seed\", first given on line 1" '{"seed": 1,"seed": 2}'
config "wrong type" "$c:1:10: /seed: expected a whole number from 0, found string \"seven\"" '{"seed": "seven"}'
config "enum" "did you mean \"functional\"?" '{"workload": {"trace": "x"}, "timing": "functonal"}'
config "neither trace nor synthetic" "$c:1:14: /workload: expected either \"trace\" or \"synthetic\"" '{"workload": {}}'
config "both trace and synthetic" "/workload/synthetic: both" '{"workload": {"trace": "x", "synthetic": {}}}'
config "missing file" "$c:1:13: /machine: cannot read the file $work/none.json named here: No such file" '{"machine": "none.json"}'
config "cycle" "$c includes itself" '{"extends": "c.json"}'
config "0 CPUs" "/machine/cpus: expected a whole number from 1 to 256" '{"machine": {"cpus": 0}}'
config "2^40 CPUs" "found 1099511627776" '{"machine": {"cpus": 1099511627776}}'
config "cache of odd size" "$c:1:30: /machine/l1d/size: " '{"machine": {"l1d": {"size": "33000"}}}'
config "line not 64" "/machine/l2/line: " '{"machine": {"l2": {"line": 48}}}'
config "bytes" "did you mean \"64KiB\"?" '{"machine": {"l1d": {"size": "64KB"}}}'
config "control characters stay inside" "unknown key \"\\x1b[2J\"" '{"\u001b[2J": 1}'
expect "config: no such file" 2 "none.json: cannot read this file: No such file or directory" "$kmemsim" run none.json
expect "config: a directory" 2 "configs: cannot read this file: it is a directory" "$kmemsim" run configs
setting "unknown" "--set machine.cpu=2: /machine: unknown key \"cpu\"; did you mean \"cpus\"?" machine.cpu=2
setting "no value" "expected path=value, found no '='" seed
setting "no array" "/machine: this is not an array" 'machine[0]=1'
setting "wrong" "--set timing=slow: /timing: expected one of cycle, functional, found string \"slow\"" timing=slow
setting "zone larger than RAM" "/machine/memory/" machine.memory.movable=1TiB
run_one="$kmemsim run configs/experiments/slub-up.json --timing functional -o $work/r.db"
expect "allocator: unknown" 2 "did you mean" $run_one --set allocator.slab=slup
expect "phase: unknown" 2 "did you mean" $run_one --set 'workload.warm_up=["bot"]'

# ---- traces ----
with_trace() { expect "trace: $1" 2 "$2" $run_one --trace "$work/t.kmt"; }
size=$(wc -c <$trace)
head -c $((size / 2)) $trace >"$work/t.kmt"; with_trace truncated "truncated"
cp $trace "$work/t.kmt"; printf '\377\377' | dd of="$work/t.kmt" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
with_trace "a flipped bit" "t.kmt"
: >"$work/t.kmt"; with_trace "empty" "is empty"
echo hello >"$work/t.kmt"; with_trace "something else" "is not a trace"
rm "$work/t.kmt"; with_trace "missing" "No such file or directory"
mkdir "$work/t.kmt"; with_trace "a directory" "is a directory"
rmdir "$work/t.kmt"
expect "trace info: something else" 2 "is not a trace" "$kmemsim" trace info Makefile
expect "import: no recording" 2 "" "$kmemsim" import configs -o "$work/i.kmt"
expect "import: where to" 2 "expected -o FILE" "$kmemsim" import configs
if ls "$work"/i.kmt* >/dev/null 2>&1; then not_ok "import: leaves nothing behind"; else ok "import: leaves nothing behind"; fi
is "a refused trace leaves no complete run" \
	"$(sqlite3 "$work/r.db" "select count(*) from run where status = 'complete'" 2>/dev/null || echo 0)" 0

# ---- databases ----
expect "database: missing" 2 "" "$kmemsim" list --db "$work/none.db"
head -c 20000 /dev/zero | tr '\0' x >"$work/text.db"
expect "database: no database" 2 "text.db" "$kmemsim" list --db "$work/text.db"
expect "database: a directory" 2 "directory" "$kmemsim" list --db configs
sqlite3 "$work/other.db" 'create table t (a)'
expect "database: another tool's" 2 "other.db" "$kmemsim" run configs/experiments/slub-up.json -o "$work/other.db"
run "$work/good.db" slub-up --timing functional --set workload.max_requests=2000
cp "$work/good.db" "$work/newer.db"; sqlite3 "$work/newer.db" 'pragma user_version = 9999'
expect "database: newer" 2 "newer" "$kmemsim" show latest --db "$work/newer.db"
expect "database: no such run" 2 "no run" "$kmemsim" show 77 --db "$work/good.db"
expect "database: no such folder" 2 "" "$kmemsim" run configs/experiments/slub-up.json -o "$work/none/x.db"

sqlite3 "$work/good.db" 'begin immediate' '.system sleep 9' & holder=$!
sleep 1
expect "database: locked" 1 "is locked by another process" "$kmemsim" run configs/experiments/slub-up.json --timing functional -o "$work/good.db"
wait $holder
chmod 755 "$work"; chmod 444 "$work/good.db"
as=; [ "$(id -u)" = 0 ] && as="setpriv --reuid=65534 --regid=65534 --clear-groups"
expect "database: read-only" 2 "good.db" $as "$kmemsim" run configs/experiments/slub-up.json --timing functional -o "$work/good.db"
mkdir "$work/small"
if unshare -m true 2>/dev/null; then
	expect "database: disk full" 1 "full" unshare -m sh -c "mount -t tmpfs -o size=200k none $work/small &&
		exec $kmemsim run configs/experiments/slub-up.json --timing functional -o $work/small/x.db"
else ok "database: disk full (skipped: no mounts here)"; fi

# ---- the command line ----
expect "command: unknown" 2 "unknown command \"rum\"; did you mean \"run\"?" "$kmemsim" rum
expect "option: unknown" 2 "run has no option --sed; did you mean" "$kmemsim" run x.json --sed 3
expect "option: no value" 2 "--set needs a value: PATH=VALUE" "$kmemsim" run x.json --set
expect "arguments: none" 2 "expected CONFIG files or --again RUN, found nothing" "$kmemsim" run
expect "arguments: too many" 2 "is too many" "$kmemsim" version x
expect "option first" 2 "expected a command before the options" "$kmemsim" --json run
expect "help: unknown topic" 2 "did you mean \"config\"?" "$kmemsim" help confg
if [ -w /dev/full ]; then
	expect "output: disk full" 1 "cannot write to standard output: No space left on device" \
		sh -c "exec \"$kmemsim\" help config >/dev/full"
fi
{ sleep 1; "$kmemsim" help config 2>"$work/err"; echo $? >"$work/out"; } | true
is "output: closed pipe" "$(cat "$work/out") $(grep -c 'Broken pipe' "$work/err")" "1 1"

# ---- help ----
for verb in $("$kmemsim" | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	is "help: $verb begins with examples" "$("$kmemsim" $verb --help | head -n 1)" "Examples:"
done
exit $status
