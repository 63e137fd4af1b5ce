#!/bin/sh
# A fitted profile against the trace it was fitted to: both run on the same
# machine of 256 MiB, and the drawn workload must come near the recorded one in
# what allocators see of it. Prints the table of docs/workloads.md.
. tests/e2e/lib.sh
runs="--timing functional --set workload.memory=machine --set workload.warm_up=[] -q"

value() { # run, metric
	sqlite3 "$work/f.db" "SELECT value FROM run_metric JOIN metric ON metric.id = metric WHERE phase < 0 AND run = $1 AND name = '$2'"
}
json() { sed -n "s/^ *\"$1\": *\([-0-9.e]*\),*$/\1/p" "$work/fit"; }
near() { # name, real, drawn, most: distance as part of the real one
	if [ -n "$2" ] && [ -n "$3" ] && awk "BEGIN { d = ($3 - $2) / $2; exit !(d <= $4 && d >= -$4) }"; then
		ok "$name: $1"
	else
		not_ok "$name: $1" "trace $2, profile $3, allowed $4"
	fi
}
below() { # name, value, bound
	if [ -n "$2" ] && awk "BEGIN { exit !($2 <= $3) }"; then ok "$name: $1"; else not_ok "$name: $1" "found $2, wanted at most $3"; fi
}
line() { # heading, metric, awk format expression of v
	printf '| %s | %s | %s |\n' "$1" "$(awk "BEGIN { v = $(value 1 "$2"); printf $3 }")" "$(awk "BEGIN { v = $(value 2 "$2"); printf $3 }")"
}
pair() { printf '| %s | %s | %s |\n' "$1" "$(awk "BEGIN { v = $(json "$2"); printf $4 }")" "$(awk "BEGIN { v = $(json "$3"); printf $4 }")"; }

for name in slub-up slub-smp4; do
	rm -f "$work/f.db"
	cpus=1; [ $name = slub-smp4 ] && cpus=4
	"$kmemsim" trace fit workloads/$name.kmt -o "$work/p.json" --json >"$work/fit" || not_ok "$name: fitted"
	for set in "workload.max_requests=0" "workload.trace=null --set workload.synthetic=$work/p.json"; do
		# shellcheck disable=SC2086
		run "$work/f.db" $name $runs --set 'machine.memory.nodes[0].memory=256MiB' \
			--set "machine.memory.nodes[0].cpus=$cpus" --set $set || not_ok "$name: runs"
	done
	echo "| | $name | its profile |"
	pair "objects allocated" allocations profile_allocations '"%d", v'
	pair "of them freed" freed_share profile_freed_share '"%.1f %%", 100 * v'
	pair "frees on another CPU" remote_free_share profile_remote_free_share '"%.1f %%", 100 * v'
	pair "frees of 128 or more together" swept_share profile_swept_share '"%.1f %%", 100 * v'
	echo "| Kolmogorov-Smirnov distance of sizes | | $(json ks_sizes | cut -c1-5) |"
	echo "| ... of lifetimes | | $(json ks_lifetimes | cut -c1-5) |"
	echo "| bytes alive: mean distance, of their mean | | $(json live_bytes_distance | cut -c1-5) |"
	line "slab requests on the fast path" fast_path_share '"%.1f %%", 100 * v'
	line "page requests served by per-CPU lists" pcp_hit_share '"%.1f %%", 100 * v'
	line "slabs allocated" slabs_allocated '"%d", v'
	line "slabs given back" slabs_freed '"%d", v'
	line "slab utilisation" slab_utilisation '"%.1f %%", 100 * v'
	line "free objects in partial slabs, mean" waste_partial_slabs '"%.2f MiB", v / 1048576'
	line "internal fragmentation" internal_fragmentation '"%.1f %%", 100 * v'
	line "unusable free space index, order 9" unusable_index_order9 '"%.3f", v'
	line "fallbacks to other migratetypes" fallback_events '"%d", v'
	line "bytes held, peak" held_bytes_peak '"%.1f MiB", v / 1048576'
	line "bytes held at the end" held_bytes '"%.1f MiB", v / 1048576'
	below "sizes" "$(json ks_sizes)" 0.06
	below "lifetimes" "$(json ks_lifetimes)" 0.04
	below "bytes alive" "$(json live_bytes_distance)" 0.05
	near "frees together" "$(json swept_share)" "$(json profile_swept_share)" 0.03
	near "slabs allocated" "$(value 1 slabs_allocated)" "$(value 2 slabs_allocated)" 0.06
	near "slabs given back" "$(value 1 slabs_freed)" "$(value 2 slabs_freed)" 0.08
	near "partial slabs" "$(value 1 waste_partial_slabs)" "$(value 2 waste_partial_slabs)" 0.3
	near "fast path" "$(value 1 fast_path_share)" "$(value 2 fast_path_share)" 0.02
	near "peak" "$(value 1 held_bytes_peak)" "$(value 2 held_bytes_peak)" 0.12
	below "fragmentation" "$(awk "BEGIN { d = $(value 2 unusable_index_order9) - $(value 1 unusable_index_order9); print d < 0 ? -d : d }")" 0.05
done
exit $status
