#!/bin/sh
# A run that is interrupted or killed leaves a readable database that says so.
. tests/e2e/lib.sh
sql() { sqlite3 "$1" "$2"; }
big="--set workload.synthetic.requests=8000000"
begun() { # DB: wait until the run is in the database and some samples are
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		sleep 1; [ "$(sql "$1" 'select count(*) from sample' 2>/dev/null || echo 0)" -gt 0 ] && return 0
	done
}
"$kmemsim" run configs/experiments/synthetic.json $big --db "$work/i.db" -q >/dev/null 2>&1 &
pid=$!
begun "$work/i.db"; kill -INT $pid; wait $pid
is "SIGINT: exit status 130" $? 130
is "SIGINT: the run is marked interrupted" "$(sql "$work/i.db" 'select status from run')" interrupted
is "SIGINT: what was measured is there" "$(sql "$work/i.db" 'select count(*) > 0 from run_metric')" 1
is "SIGINT: sums hold" "$(sql "$work/i.db" 'select (select count(*) from check_byte_partition) + (select count(*) from check_latency_parts)')" 0
"$kmemsim" run configs/experiments/synthetic.json $big --db "$work/k.db" -q >/dev/null 2>&1 &
pid=$!
begun "$work/k.db"; kill -KILL $pid; wait $pid 2>/dev/null
is "SIGKILL: the database is sound" "$(sql "$work/k.db" 'pragma integrity_check')" ok
is "SIGKILL: the run is marked running" "$(sql "$work/k.db" 'select status from run')" running
"$kmemsim" list --db "$work/k.db" | grep -q incomplete && ok "SIGKILL: list says incomplete" || not_ok "SIGKILL: list says incomplete"
"$kmemsim" show latest --db "$work/k.db" >/dev/null && ok "SIGKILL: show reads it" || not_ok "SIGKILL: show reads it"
exit $status
