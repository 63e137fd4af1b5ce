#!/bin/sh
# Our own reclaim and compaction on a recorded workload: sound, repeatable, on every compiler.
. tests/e2e/lib.sh
sql() { sqlite3 "$work/p.db" "$1"; }
run "$work/p.db" slub-pressure --check && a=$(digest "$work/p.db")
run "$work/p.db" slub-pressure && b=$(digest "$work/p.db")
same "cycle timing under pressure repeats, checked or not" "$a" "$b"
run "$work/p.db" slub-pressure --timing functional --check
is "three runs are complete" "$(sql "select count(*) from run where status='complete'")" 3
is "latency parts add up to the latency" "$(sql 'select count(*) from check_latency_parts')" 0
is "states of bytes add up to RAM" "$(sql 'select count(*) from check_byte_partition')" 0
is "time was spent in reclaim" "$(sql "select sum(ps) > 0 from latency_part where name = 'reclaim'")" 1
is "pages were reclaimed and moved in every run" \
	"$(sql "select count(*) from counter where category = 'owner' and name in ('page_cache_reclaimed', 'pages_moved') and value > 1000")" 6
is "what was reclaimed is what the counters say" \
	"$(sql "select count(*) from counter o where o.category = 'owner' and o.name = 'page_cache_reclaimed' and o.value <>
		(select sum(value) from counter v where v.run = o.run and v.category = 'vmstat' and v.name like 'pgsteal%')")" 0
is "no allocation failed" "$(sql "select max(value) from run_metric join metric on metric.id = run_metric.metric where metric.name = 'failed_allocations'")" 0.0
if [ -x "$build-clang/kmemsim" ]; then
	kmemsim=$build-clang/kmemsim
	run "$work/c.db" slub-pressure && same "gcc and clang agree under pressure" "$a" "$(digest "$work/c.db")"
fi
exit $status
