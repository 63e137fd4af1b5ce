/*
 * mm_ops.c - the one symbol that each flavour of the allocators exports.
 *
 * Compiled once per flavour; everything else in this directory is hidden, so
 * that the two flavours can live in one program.
 */
#include "models/mm/internal.h"
#include "models/mm/vmalloc.h"

extern const struct vmalloc_ops vmalloc_ops;

#ifdef KMS_FLAVOUR_CYCLE
#define MM_OPS mm_ops_cycle
#else
#define MM_OPS mm_ops_plain
#endif

const struct mm_ops MM_OPS = {
	.boot = mm_boot,
	.setup_pagesets = setup_per_cpu_pageset,
	.init_watermarks = init_per_zone_wmark_min,
	.cpu_online = mm_cpu_online,
	.release_reserved = free_reserved_block,
	.alloc_pages = alloc_pages_node,
	.alloc_pages_nodemask = alloc_pages_nodemask,
	.free_pages = __free_pages,
	.alloc_pages_exact = alloc_pages_exact,
	.split_page = split_page,
	.alloc_pages_bulk = __alloc_pages_bulk,
	.free_page_list = free_unref_page_list,
	.drain_all_pages = drain_all_pages,
	.lru_cache_add = lru_cache_add,
	.mark_page_accessed = mark_page_accessed,
	.put_page = put_page,
	.register_shrinker = register_shrinker,
	.release_pages = release_pages,
	.kswapd = kswapd,
	.kcompactd = kcompactd,
	.proactive_compact = proactive_compact,
	.compact_node = compact_node,
	.refresh_cpu_vm_stats = refresh_cpu_vm_stats,
	.policies = slab_policy_table,
	.nr_policies = NR_SLAB_POLICIES,
	.alloc_percpu = __alloc_percpu,
	.free_percpu = free_percpu,
	.vmalloc = &vmalloc_ops,
};
