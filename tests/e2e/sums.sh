#!/bin/sh
# Time and bytes are partitioned: parts add up to the whole, exactly, in SQL.
. tests/e2e/lib.sh
sql() { sqlite3 "$work/s.db" "$1"; }
run "$work/s.db" slub-smp4 --set workload.max_requests=80000 --set sampling.samples=100 --check
run "$work/s.db" slub-up --timing functional --check
run "$work/s.db" why-slabs-noslab
run "$work/s.db" synthetic --set workload.synthetic.requests=30000 --check
is "four runs are complete" "$(sql "select count(*) from run where status='complete'")" 4
is "latency parts add up to the latency" "$(sql 'select count(*) from check_latency_parts')" 0
is "states of bytes add up to RAM" "$(sql 'select count(*) from check_byte_partition')" 0
is "latencies were stored" "$(sql 'select count(*) > 50 from latency')" 1
is "byte samples were stored" "$(sql "select count(*) > 2000 from sample join series on series.id = sample.series where series.name like 'bytes.%'")" 1
is "at least 20 metrics have values" "$(sql 'select count(distinct metric) >= 20 from run_metric where run = 1')" 1
is "every metric has a definition" "$(sql "select count(*) from metric where length(definition) < 20")" 0
# the recorded kernel was asked three times for more than kmalloc can give (4 MiB), in bench-ksize
is "what failed is what failed on the real kernel" "$(sql "select group_concat(value) from (select value from run_metric join metric on metric.id = run_metric.metric where metric.name = 'failed_allocations' and phase = -1 and run in (2, 3, 4) order by run)")" "3.0,3.0,0.0"
exit $status
