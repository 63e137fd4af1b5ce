#!/bin/sh
# compare: what it runs is what `run` runs, side by side or not; it goes on
# where it was interrupted, judges rules, and finds where two runs part.
. tests/e2e/lib.sh
sql() { sqlite3 "$1" "$2"; }
compare() { "$kmemsim" compare "$@" -q 2>"$work/err"; }
experiment=configs/experiments/slub-up.json
short="--set workload.max_requests=135000"
digests() { sql "$1" 'select group_concat(digest, " ") from (select digest from run order by digest)'; }

# the same runs by run, one at a time, and four at a time
for slab in slub noslab; do for order in 1 3; do
	run "$work/run.db" slub-up $short --set allocator.slab=$slab --set allocator.slub_max_order=$order
done; done
vary="--vary allocator.slab=slub,noslab --vary allocator.slub_max_order=1,3"
compare $experiment $short $vary --db "$work/one.db" --jobs 1 >"$work/one.txt"
is "compare runs what is missing" "$?,$(sql "$work/one.db" 'select count(*) from run')" 0,4
compare $experiment $short $vary --db "$work/four.db" --jobs 4 >/dev/null
same "one process or four give the same runs" "$(digests "$work/one.db")" "$(digests "$work/four.db")"
same "compare and run give the same runs" "$(digests "$work/run.db")" "$(digests "$work/four.db")"
is "the merged database is sound" "$(sql "$work/four.db" 'pragma integrity_check; select count(*) from pragma_foreign_key_check; select count(*) from check_byte_partition; select count(*) from check_latency_parts' | tr '\n' ' ')" "ok 0 0 0 "
is "nothing is left beside the databases" "$(ls -d "$work"/*-runs-* 2>/dev/null)" ""
compare $experiment $short $vary --db "$work/one.db" >"$work/again.txt"
is "stored runs are used again" "$(sql "$work/one.db" 'select count(*) from run')" 4
same "and say the same" "$(cat "$work/one.txt")" "$(cat "$work/again.txt")"
compare $experiment $short $vary --db "$work/one.db" --again >/dev/null
is "--again runs them once more" "$(sql "$work/one.db" 'select count(*), count(distinct digest || config_hash) from run')" "8|4"
grep -q 'slub, slub_max_order=3' "$work/one.txt" && ok "columns are named" || not_ok "columns are named" "$(head -5 "$work/one.txt")"

# figures of the table are those of the database
p99=$(sql "$work/run.db" 'select round(value, 6) from metric_value where name = "latency_p99" and phase = -1 and run = 1')
is "JSON has the stored p99" "$(compare 1 3 --db "$work/run.db" --json | jq -r '.figures[] | select(.name == "latency_p99") | .columns[0].mean' 2>/dev/null ||
	compare 1 3 --db "$work/run.db" --csv | awk -F, '$1 == "\"latency_p99\"" {print $7; exit}')" "$p99"

# a matrix in the file
cat >"$work/matrix.json" <<END
{"extends": "$PWD/$experiment", "workload": {"max_requests": 135000},
 "matrix": {"allocator.slab": ["slub", "noslab"], "allocator.slub_max_order": [1, 3]}}
END
"$kmemsim" run "$work/matrix.json" --db "$work/matrix.db" -q >/dev/null
same "run carries out a matrix" "$(digests "$work/run.db")" "$(digests "$work/matrix.db")"
compare "$work/matrix.json" --db "$work/matrix.db" >/dev/null
is "compare finds its runs" "$?,$(sql "$work/matrix.db" 'select count(*) from run')" 0,4

# rules
compare 1 3 --db "$work/run.db" --fail-on 'held_bytes_peak>+5%' >/dev/null; is "--fail-on: exit status 3" $? 3
compare 1 3 --db "$work/run.db" --fail-on 'held_bytes_peak<+0%' >/dev/null; is "--fail-on: kept, exit status 0" $? 0
compare 1 3 --db "$work/run.db" --fail-on 'latency.kmalloc.p98>+5%' >/dev/null; is "--fail-on: unknown figure, exit status 2" $? 2

# seeds
compare configs/experiments/synthetic.json --set workload.synthetic.requests=20000 --seeds 5 \
	--vary allocator.slab=slub,noslab --db "$work/seeds.db" >"$work/seeds.txt"
is "five seeds of two columns" "$(sql "$work/seeds.db" 'select count(*), count(distinct seed) from run')" "10|5"
grep -q '±' "$work/seeds.txt" && ok "means have intervals" || not_ok "means have intervals"
compare 1 2 3 4 5 6 7 8 9 10 --db "$work/seeds.db" --section memory >"$work/ids.txt"
same "stored runs on several seeds are the same columns" "$(grep 'held, peak' "$work/ids.txt" | tr -s ' ')" "$(grep 'held, peak' "$work/seeds.txt" | tr -s ' ')"

# a run that fails: its error, no half of it stored
compare configs/experiments/slub-up.json --vary allocator.slab=slub,slubb --db "$work/bad.db" >/dev/null
is "a run that cannot be: exit status 2" $? 2
grep -q "did you mean 'slub'" "$work/err" && ok "its error is told" || not_ok "its error is told" "$(cat "$work/err")"

# interrupted: what was done stays, the rest is done by the same command
long="configs/experiments/synthetic.json --set workload.synthetic.requests=150000 --seeds 6 --vary allocator.slab=slub,noslab --jobs 2"
"$kmemsim" compare $long --db "$work/int.db" -q >/dev/null 2>"$work/err" &
pid=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
	sleep 0.3; [ "$(sql "$work/int.db" 'select count(*) from run' 2>/dev/null || echo 0)" -gt 0 ] && break
done
kill -INT $pid; wait $pid
is "SIGINT: exit status 130" $? 130
grep -q 'goes on' "$work/err" && ok "SIGINT: says what is done" || not_ok "SIGINT: says what is done" "$(cat "$work/err")"
done_before=$(sql "$work/int.db" 'select count(*) from run')
[ "$done_before" -gt 0 ] && [ "$done_before" -lt 12 ] && ok "SIGINT: some runs are done" || not_ok "SIGINT: some runs are done" "$done_before"
is "SIGINT: whole runs only" "$(sql "$work/int.db" "select count(*) from run where status <> 'complete'")" 0
is "SIGINT: nothing is left" "$(ls -d "$work"/*-runs-* 2>/dev/null)" ""
sleep 0.2
is "SIGINT: no process is left" "$(pgrep -P $pid)" ""
compare $long --db "$work/int.db" >/dev/null
is "the same command goes on" "$(sql "$work/int.db" 'select count(*), count(distinct config_hash) from run')" "12|12"

# where runs part
why=configs/experiments/why-slabs-slub.json
compare $why --set workload.max_requests=60000 --vary allocator.slub_cpu_partial=true,false --diverge \
	--db "$work/div.db" >"$work/div.txt"
grep -q '^Answers: the first that differs is that of request' "$work/div.txt" && ok "diverge names the first answer" ||
	not_ok "diverge names the first answer" "$(cat "$work/div.txt")"
compare 1 1 --diverge --db "$work/div.db" >"$work/div.txt"
grep -q '^Answers: all [0-9,]* are equal' "$work/div.txt" && ok "a run does not part from itself" ||
	not_ok "a run does not part from itself" "$(cat "$work/div.txt")"
exit $status
