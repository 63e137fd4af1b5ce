#!/bin/sh
# Pictures as a user asks for them: every type from real runs, every format, byte for byte, in time;
# what is missing, wrong or hostile is said or comes out as text.
. tests/e2e/lib.sh
two=$work/a.db # lib.sh's run sets $db
short="--set workload.max_requests=150000"
for policy in slub slab; do
	run "$two" slub-smp4 $short --set "allocator.slab=\"$policy\"" --set "name=\"$policy\"" || not_ok "run on $policy"
done
plot() { "$kmemsim" plot --db "$two" "$@" >"$work/out" 2>"$work/err"; }
types=$("$kmemsim" plot --list --json | sed -n 's/.*"name": *"\([a-z-]*\)".*/\1/p')
is "plot --list names every type" "$("$kmemsim" plot --list | tail -n +2 | wc -l)" "$(echo "$types" | wc -l)"

# ---- each type, in time ----
for type in $types; do
	runs="slub slab"
	plot $runs --type "$type" -o "$work/one" || runs=slab
	[ $type = line-transfers ] && ! sqlite3 "$two" "SELECT 1 FROM hot_word LIMIT 1" >/dev/null 2>&1 && continue
	seconds=$(bash -c 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>"$0"' "$work/err" "$kmemsim" plot --db "$two" $runs --type "$type" \
		-o "$work/one" 2>&1 | awk '{print ($1 + $2 < 2) ? "below 2 s" : $1 + $2 " s of CPU time"}')
	is "$type is drawn, in time" "$seconds $(ls "$work/one/$type.svg" 2>/dev/null | wc -l)" "below 2 s 1"
done

# ---- formats, the newest run, the same bytes ----
plot -o "$work/first" --format svg,png,pdf,dumb -q && ok "the newest run, in every format" || not_ok "the newest run, in every format" "$(cat "$work/err")"
grep -q "slab-smp4\|run 2" "$work/out" && ok "text is printed as well" || not_ok "text is printed as well"
mv "$work/out" "$work/first.out"; sleep 1
plot -o "$work/second" --format svg,png,pdf,dumb -q
if diff -r "$work/first" "$work/second" >"$work/diff"; then ok "the same bytes twice"; else not_ok "the same bytes twice" "$(cat "$work/diff")"; fi
(cd "$work/second" && rm -f *.svg *.png *.pdf *.txt && for script in *.gp; do gnuplot -d "$script" || exit 1; done) 2>"$work/err"
rm -f "$work"/first/*.pdf "$work"/second/*.pdf # gnuplot alone puts a date into those
if diff -r "$work/first" "$work/second" >"$work/diff"; then ok "the scripts alone draw the same"; else not_ok "the scripts alone draw the same" "$(cat "$work/err" "$work/diff")"; fi

# ---- what is wrong is said ----
refused() { # NAME CODE TEXT [ARGUMENT...]
	name=$1 code=$2 text=$3; shift 3
	"$kmemsim" plot "$@" >"$work/out" 2>"$work/err"; found=$?
	if [ $found = "$code" ] && grep -q -- "$text" "$work/err" && [ "$(wc -l <"$work/err")" -le 2 ]; then ok "$name"
	else not_ok "$name" "exit $found: $(cat "$work/err")"; fi
}
refused "unknown type" 2 "did you mean 'page-map'" --db "$two" --type page-mpa
refused "unknown run" 2 "slub" --db "$two" slubb
refused "unknown format" 2 "svg, png, pdf, dumb" --db "$two" --format jpg
refused "unknown axis" 2 "did you mean \"time\"" --db "$two" --x tim
refused "no database" 2 "kmemsim run" --db "$work/none.db"
echo text >"$work/text.db"; refused "no database at all" 2 "not a SQLite database" --db "$work/text.db"
sqlite3 "$work/other.db" "CREATE TABLE t (x); PRAGMA application_id = 99"
refused "another tool's database" 2 "another program" --db "$work/other.db"
refused "too many runs for a type" 2 "draws 1 run at once" --db "$two" slub slab --type page-map
refused "too few" 2 "draws 2 to" --db "$two" slub --type pareto
refused "a folder that cannot be made" 2 "cannot create folder" --db "$two" --type fragmentation -o "$work/text.db/x"
PATH=/nonexistent "$kmemsim" plot --db "$two" --type fragmentation -o "$work/no" 2>"$work/err"; code=$?
is "gnuplot missing" "$code $(grep -c "install the Debian package gnuplot-nox" "$work/err")" "1 1"

run "$work/b.db" slub-smp4 --set workload.max_requests=20000 --set sampling.samples=1 --set timing='"functional"'
for type in fragmentation waste-compare free-blocks extfrag; do
	refused "$type: how to record what is missing" 2 "more sampling.samples" --db "$work/b.db" --type $type -o "$work/no"
done
for type in page-map slabs-over-time; do
	refused "$type: how to record what is missing" 2 "more sampling.samples and sampling.page_maps" --db "$work/b.db" --type $type -o "$work/no"
done
for type in latency-cdf latency-paths latency-split dram; do
	refused "$type: how to record what is missing" 2 'timing "cycle"' --db "$work/b.db" --type $type -o "$work/no"
done
[ ! -e "$work/no/page-map.gp" ] && ok "nothing half-written" || not_ok "nothing half-written"

# ---- hostile names ----
printf '"it'"'"'s \\"q\\" \\\\ `touch owned` %%s %%d \\n _a ^b {c} @d $(touch owned) \\u001b[31m\\u009b31m \\u202e; system("touch owned") #"' |
	sed 's/system("touch owned")/system(\\"touch owned\\")/' >"$work/name"
sqlite3 "$two" "UPDATE run SET name = json_extract(readfile('$work/name'), '\$'), title = json_extract(readfile('$work/name'), '\$'), policy = json_extract(readfile('$work/name'), '\$') WHERE id = 2; UPDATE slab_cache SET name = (SELECT name FROM run WHERE id = 2) || position WHERE run = 2; UPDATE call_site SET name = (SELECT name FROM run WHERE id = 2) || name WHERE run = 2; UPDATE phase SET name = (SELECT name FROM run WHERE id = 2) || phase WHERE run = 2; UPDATE lock_wait SET name = (SELECT name FROM run WHERE id = 2) || name WHERE run = 2"
here=$PWD
case $kmemsim in /*) ;; *) kmemsim=$here/$kmemsim ;; esac
mkdir "$work/h" && cd "$work/h" || exit 1
"$kmemsim" plot 2 --db "$two" -o h --format svg,png,pdf,dumb >"$work/out" 2>"$work/err"; code=$?
"$kmemsim" plot 1 2 --db "$two" -o h2 --format svg,dumb >>"$work/out" 2>>"$work/err"; code=$code$?
is "hostile names are drawn" "$code $(cat "$work/err" | grep -v "not drawn")" "00 "
is "and do nothing" "$(find "$work" -name 'owned*' | wc -l)" 0
is "and reach no terminal" "$(cat "$work/out" "$work/err" h/*.svg h/*.gp h/*.tsv h/*.txt h2/*.svg | LC_ALL=C tr -d '\n\t\f -~\302-\364\200-\277' | wc -c) $(cat h/*.txt "$work/out" | LC_ALL=C grep -c "$(printf '\302\233')")" "0 0"
grep -q "touch owned" h/waste-caches.svg && ok "and come out as text" || not_ok "and come out as text"
cd "$here" || exit 1
exit $status
