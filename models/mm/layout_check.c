/*
 * layout_check.c - holds mm_types.h to the layout measured from real kernels.
 *
 * Sizes and offsets of Linux 6.1.192 on x86-64 (SMP, 64 nodes, 4 migratetypes,
 * no memory cgroups, SLUB without statistics). No code: if this file compiles,
 * the structures lie as the kernel's do, cache line by cache line.
 */
#include "models/mm/page_internal.h"
#include "models/mm/slab.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)
#define AT(type, member, offset)                                                                   \
	_Static_assert(offsetof(type, member) == (offset), "offset of " #type "." #member)

SIZE(struct page, 64);
AT(struct page, flags, 0);
AT(struct page, lru, 8);
AT(struct page, compound_head, 8);
AT(struct page, next, 8);
AT(struct page, slabs, 16);
AT(struct page, compound_dtor, 16);
AT(struct page, compound_order, 17);
AT(struct page, mapping, 24);
AT(struct page, slab_cache, 24);
AT(struct page, index, 32);
AT(struct page, freelist, 32);
AT(struct page, private, 40);
AT(struct page, counters, 40);
AT(struct page, s_mem, 40);
AT(struct page, page_type, 48);
AT(struct page, active, 48);
AT(struct page, _refcount, 52);

SIZE(struct free_area, 72);
AT(struct free_area, nr_free, 64);

SIZE(struct per_cpu_pages, 256);
AT(struct per_cpu_pages, lock, 0);
AT(struct per_cpu_pages, count, 4);
AT(struct per_cpu_pages, high, 8);
AT(struct per_cpu_pages, batch, 12);
AT(struct per_cpu_pages, free_factor, 16);
AT(struct per_cpu_pages, expire, 18);
AT(struct per_cpu_pages, lists, 24);

SIZE(struct per_cpu_zonestat, 64);
AT(struct per_cpu_zonestat, vm_stat_diff, 0);
AT(struct per_cpu_zonestat, stat_threshold, 10);
AT(struct per_cpu_zonestat, vm_numa_event, 16);

SIZE(struct zone, 1216);
AT(struct zone, _watermark, 0);
AT(struct zone, watermark_boost, 32);
AT(struct zone, nr_reserved_highatomic, 40);
AT(struct zone, lowmem_reserve, 48);
AT(struct zone, node, 80);
AT(struct zone, zone_pgdat, 88);
AT(struct zone, per_cpu_pageset, 96);
AT(struct zone, per_cpu_zonestats, 104);
AT(struct zone, pageset_high, 112);
AT(struct zone, pageset_batch, 116);
AT(struct zone, zone_start_pfn, 120);
AT(struct zone, managed_pages, 128);
AT(struct zone, spanned_pages, 136);
AT(struct zone, present_pages, 144);
AT(struct zone, name, 152);
AT(struct zone, initialized, 160);
AT(struct zone, free_area, 192);
AT(struct zone, flags, 984);
AT(struct zone, lock, 992);
AT(struct zone, percpu_drift_mark, 1024);
AT(struct zone, compact_cached_free_pfn, 1032);
AT(struct zone, compact_cached_migrate_pfn, 1040);
AT(struct zone, compact_init_migrate_pfn, 1056);
AT(struct zone, compact_init_free_pfn, 1064);
AT(struct zone, compact_considered, 1072);
AT(struct zone, compact_defer_shift, 1076);
AT(struct zone, compact_order_failed, 1080);
AT(struct zone, compact_blockskip_flush, 1084);
AT(struct zone, contiguous, 1085);
AT(struct zone, vm_stat, 1088);
AT(struct zone, vm_numa_event, 1168);

SIZE(struct zoneref, 16);
SIZE(struct zonelist, 4112);

SIZE(struct pglist_data, 14016);
AT(struct pglist_data, node_zones, 0);
AT(struct pglist_data, node_zonelists, 4864);
AT(struct pglist_data, nr_zones, 13088);
AT(struct pglist_data, node_start_pfn, 13096);
AT(struct pglist_data, node_present_pages, 13104);
AT(struct pglist_data, node_spanned_pages, 13112);
AT(struct pglist_data, node_id, 13120);
AT(struct pglist_data, totalreserve_pages, 13360);
AT(struct pglist_data, flags, 13608);
AT(struct pglist_data, per_cpu_nodestats, 13632);
AT(struct pglist_data, vm_stat, 13640);
AT(struct pglist_data, memtier, 13968);

SIZE(struct mem_section, 32);
AT(struct mem_section, usage, 8);
SIZE(struct mem_section_usage, 56);
AT(struct mem_section_usage, pageblock_flags, 24);

SIZE(struct kmem_cache_cpu, 32);
AT(struct kmem_cache_cpu, freelist, 0);
AT(struct kmem_cache_cpu, tid, 8);
AT(struct kmem_cache_cpu, slab, 16);
AT(struct kmem_cache_cpu, partial, 24);

SIZE(struct kmem_cache_node, 64);
AT(struct kmem_cache_node, list_lock, 0);
AT(struct kmem_cache_node, nr_partial, 8);
AT(struct kmem_cache_node, partial, 16);
AT(struct kmem_cache_node, nr_slabs, 32);
AT(struct kmem_cache_node, total_objects, 40);
AT(struct kmem_cache_node, full, 48);

SIZE(struct kmem_cache, 712);
AT(struct kmem_cache, cpu_slab, 0);
AT(struct kmem_cache, flags, 8);
AT(struct kmem_cache, min_partial, 16);
AT(struct kmem_cache, size, 24);
AT(struct kmem_cache, object_size, 28);
AT(struct kmem_cache, reciprocal_size, 32);
AT(struct kmem_cache, offset, 40);
AT(struct kmem_cache, cpu_partial, 44);
AT(struct kmem_cache, cpu_partial_slabs, 48);
AT(struct kmem_cache, oo, 52);
AT(struct kmem_cache, min, 56);
AT(struct kmem_cache, allocflags, 60);
AT(struct kmem_cache, refcount, 64);
AT(struct kmem_cache, ctor, 72);
AT(struct kmem_cache, inuse, 80);
AT(struct kmem_cache, align, 84);
AT(struct kmem_cache, red_left_pad, 88);
AT(struct kmem_cache, name, 96);
AT(struct kmem_cache, list, 104);
AT(struct kmem_cache, kobj, 120);
AT(struct kmem_cache, remote_node_defrag_ratio, 184);
AT(struct kmem_cache, useroffset, 188);
AT(struct kmem_cache, usersize, 192);
AT(struct kmem_cache, node, 200);

AT(struct page, units, 40);
SIZE(struct slob_cache, 64);
AT(struct slob_cache, object_size, 0);
AT(struct slob_cache, size, 4);
AT(struct slob_cache, align, 8);
AT(struct slob_cache, flags, 12);
AT(struct slob_cache, useroffset, 16);
AT(struct slob_cache, usersize, 20);
AT(struct slob_cache, name, 24);
AT(struct slob_cache, refcount, 32);
AT(struct slob_cache, ctor, 40);
AT(struct slob_cache, list, 48);
/* SLAB: the kernel's struct kmem_cache and struct kmem_cache_node have names of their own here. */
SIZE(struct slab_cache, 632);
AT(struct slab_cache, cpu_cache, 0);
AT(struct slab_cache, batchcount, 8);
AT(struct slab_cache, limit, 12);
AT(struct slab_cache, shared, 16);
AT(struct slab_cache, size, 20);
AT(struct slab_cache, reciprocal, 24);
AT(struct slab_cache, flags, 32);
AT(struct slab_cache, num, 36);
AT(struct slab_cache, gfporder, 40);
AT(struct slab_cache, allocflags, 44);
AT(struct slab_cache, colour, 48);
AT(struct slab_cache, colour_off, 56);
AT(struct slab_cache, freelist_size, 60);
AT(struct slab_cache, ctor, 64);
AT(struct slab_cache, name, 72);
AT(struct slab_cache, list, 80);
AT(struct slab_cache, refcount, 96);
AT(struct slab_cache, object_size, 100);
AT(struct slab_cache, align, 104);
AT(struct slab_cache, useroffset, 108);
AT(struct slab_cache, usersize, 112);
AT(struct slab_cache, node, 120);

SIZE(struct slab_node, 120);
AT(struct slab_node, list_lock, 0);
AT(struct slab_node, slabs_partial, 8);
AT(struct slab_node, slabs_full, 24);
AT(struct slab_node, slabs_free, 40);
AT(struct slab_node, total_slabs, 56);
AT(struct slab_node, free_slabs, 64);
AT(struct slab_node, free_objects, 72);
AT(struct slab_node, free_limit, 80);
AT(struct slab_node, colour_next, 84);
AT(struct slab_node, shared, 88);
AT(struct slab_node, alien, 96);
AT(struct slab_node, next_reap, 104);
AT(struct slab_node, free_touched, 112);

SIZE(struct array_cache, 16);
AT(struct array_cache, avail, 0);
AT(struct array_cache, limit, 4);
AT(struct array_cache, batchcount, 8);
AT(struct array_cache, touched, 12);
AT(struct array_cache, entry, 16);

SIZE(struct alien_cache, 24);
AT(struct alien_cache, lock, 0);
AT(struct alien_cache, ac, 8);
