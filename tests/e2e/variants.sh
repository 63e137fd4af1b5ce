#!/bin/sh
# Sheaves and the page allocator's variants on recorded work: every invariant at
# every sample, in both timings, and each of them changes what happens.
. tests/e2e/lib.sh
for config in slub-up slub-smp4; do
	for timing in functional cycle; do
		for caches in 6.18 all; do
			if run "$work/s.db" $config --timing $timing --check --set allocator.slab=sheaves \
				--set allocator.sheaf_caches=$caches; then ok "$config, $timing: sheaves, $caches"
			else not_ok "$config, $timing: sheaves, $caches"; fi
		done
	done
done
run "$work/v.db" slub-smp4 --timing functional && default=$(digest "$work/v.db")
variant() { # setting...
	options=""
	for s; do options="$options --set allocator.$s"; done
	if ! run "$work/v.db" slub-smp4 --timing functional --check $options; then not_ok "$*"; return; fi
	d=$(digest "$work/v.db")
	if [ "$d" = "$default" ]; then not_ok "$* changes the run" "digest $d in both"; return; fi
	if run "$work/v.db" slub-smp4 --check --set workload.max_requests=60000 $options; then ok "$*"
	else not_ok "$* in cycle timing"; fi
}
variant no_pcp_lists=true
variant pcp_batch=1 pcp_high=8
variant no_merge_lookahead=true
variant free_list_order=fifo
variant free_list_order=address
variant pageblock_order=4
variant pageblock_order=7 max_page_order=8
variant pageblock_order=10
variant page_group_by_mobility=false
variant cpu_partial=0
variant min_partial=0
variant slub_min_order=2
variant slub_max_order=0
variant slub_min_objects=64
variant slab_nomerge=true
variant watermark_scale_factor=500
variant lowmem_reserve_ratio=[2,2,2,2]
variant percpu_pagelist_high_fraction=8
variant min_free_kbytes=65536
# SLAB's and SLOB's parameters, each with its effect.
layer() { # policy
	policy=$1
	run "$work/l.db" slub-smp4 --timing functional --policy $policy && layer_default=$(digest "$work/l.db")
}
changes() { # setting...
	options=""
	for s; do options="$options --set allocator.$s"; done
	if ! run "$work/l.db" slub-smp4 --timing functional --check --policy $policy $options; then not_ok "$policy: $*"; return; fi
	d=$(digest "$work/l.db")
	if [ "$d" = "$layer_default" ]; then not_ok "$policy: $* changes the run" "digest $d in both"; else ok "$policy: $*"; fi
}
layer slab
changes slab_max_order=0
changes slab_max_order=3
changes slab_limit=10
changes slab_batchcount=1
changes slab_shared=0
changes slab_limit=2000 slab_batchcount=500 slab_shared=2
changes slab_nomerge=true
changes cache_reap_ms=0
changes cache_reap_ms=100
layer slob
changes slob_break1=64
changes slob_break2=512
# Without sheaves the layer is SLUB, but for the size of a cache's node structure.
run "$work/s.db" slub-up --timing functional --set allocator.slab=sheaves --set allocator.sheaf_capacity=0
is "capacity 0: no sheaf is made" "$(sqlite3 "$work/s.db" \
	"SELECT coalesce(sum(value), 0) FROM counter WHERE run = (SELECT max(id) FROM run) AND name LIKE 'sheaf%'")" 0
exit $status
