#!/bin/sh
# The presets of other kernel versions: complete runs that keep every invariant,
# each different from 6.1 where it should be, and 6.1's the defaults.
. tests/e2e/lib.sh
db=$work/v.db
for v in 5.4 5.10 6.1 6.18; do
	run "$db" slub-up --set timing=functional --set workload.pacing=order --set name="linux-$v" \
		--set allocator=configs/policies/linux-$v.json --set sampling.samples=50 --check
done
run "$db" slub-up --set timing=functional --set workload.pacing=order --set sampling.samples=50
is "presets run to the end" "$(sqlite3 "$db" "select count(*) from run where status = 'complete'")" 5
digest_of() { "$kmemsim" digest "$1" --db "$db"; }
same "6.1 is the default" "$(digest_of linux-6.1)" "$(digest_of slub-up)"
for v in 5.4 6.18; do
	[ "$(digest_of linux-$v)" != "$(digest_of linux-6.1)" ] && ok "$v differs from 6.1" || not_ok "$v differs from 6.1"
done
high() { sqlite3 "$db" "select high from zone_pcp join run on run.id = zone_pcp.run where run.name = '$1' and zone = 'DMA32'"; }
is "six batches before 5.14" "$(high linux-5.10)" 90
is "a share of the low watermark in 6.1" "$(high linux-6.1)" 568
is "between share and an eighth in 6.18" "$(sqlite3 "$db" "select high between high_min and high_max and high_min < high_max from zone_pcp join run on run.id = zone_pcp.run where run.name = 'linux-6.18' and zone = 'DMA32'")" 1
run "$work/c.db" slub-smp4 --set workload.max_requests=60000 --set allocator=configs/policies/linux-6.18.json --check &&
	ok "6.18 in cycle timing on four CPUs" || not_ok "6.18 in cycle timing on four CPUs"
exit $status
