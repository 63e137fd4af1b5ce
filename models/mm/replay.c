/*
 * replay.c - what a recording shows besides requests, for its replay.
 *
 * Drains, the vmstat worker, compaction's work on the free lists, flushes of
 * CPU slabs, grace periods: a replay (sim/validate) takes from the recording
 * when they happen and calls here; what they do is the allocators' own code.
 */
#include "models/mm/compaction.h"
#include "models/mm/slab.h"
#include "models/mm/slob.h"
#include "models/mm/slub.h"

#if defined(KMS_FLAVOUR_PLAIN)

static struct zone *zone_at(u32 node, u32 idx)
{
	return &kdata->node_data[node]->node_zones[idx];
}

static void replay_drain_pages_zone(u32 cpu, u32 node, u32 idx)
{
	drain_pages_zone(cpu, zone_at(node, idx));
}

static void replay_drain_zone_pages(u32 node, u32 idx)
{
	struct zone *zone = zone_at(node, idx);

	drain_zone_pages(zone, this_cpu_ptr(zone->per_cpu_pageset));
}

static void replay_fold_zone(u32 node, u32 idx)
{
	struct zone *zone = zone_at(node, idx);

	fold_zone(zone, this_cpu_ptr(zone->per_cpu_pageset));
}

static void replay_set_watermarks(u64 min_free_kbytes)
{
	kdata->min_free_kbytes = min_free_kbytes;
	setup_per_zone_wmarks();
	calculate_totalreserve_pages();
}

static void replay_isolate_free_block(u64 pfn)
{
	struct page *page = pfn_to_page(pfn);

	BUG_ON(!PageBuddy(page));
	isolate_free_block(page_zone(page), page, buddy_order(page));
}

static u32 replay_compact(u32 gfp, u32 order, u32 alloc_flags, int nid, u32 priority)
{
	struct page *captured = NULL;
	struct alloc_context ac;

	prepare_alloc_context(gfp, nid, 0, &ac);
	return try_to_compact_pages(gfp, order, alloc_flags, &ac, priority, &captured);
}

static void replay_compact_daemon(u32 nid, u32 order, u32 highest_zoneidx)
{
	kcompactd_compact(kdata->node_data[nid], order, highest_zoneidx);
}

static void replay_compact_succeeded(u32 node, u32 idx, u32 order)
{
	struct zone *zone = zone_at(node, idx);

	zone->compact_blockskip_flush = false;
	compaction_defer_reset(zone, order, true);
}

static void replay_kswapd_sleeps(u32 node)
{
	reset_isolation_suitable(kdata->node_data[node]);
}

static void replay_flush_cpu(struct kmem_cache *s)
{
	slub_flush_cpu(s, this_cpu_ptr(s->cpu_slab));
}

static void replay_free_slab(struct kmem_cache *s, u64 pfn)
{
	struct page *slab = pfn_to_page(pfn);

	slub_free_slab(s, slab, compound_order(slab));
}

/* ---- SLAB ---- */

static struct slab_node *local_node(const struct kmem_cache *s)
{
	return to_slab_cache(s)->node[numa_node_id()];
}

static void replay_slab_reap(struct kmem_cache *s, int alien_node, bool node_too)
{
	int nid = (int)numa_node_id();

	if (alien_node >= 0)
		slab_reap_alien(to_slab_cache(s), local_node(s), (u32)alien_node);
	slab_reap_array(to_slab_cache(s), local_node(s), nid);
	if (node_too)
		slab_reap_node(to_slab_cache(s), local_node(s), nid);
}

static void replay_slab_drain_cpu(struct kmem_cache *s)
{
	slab_drain_this_cpu(to_slab_cache(s));
}

static void replay_slab_free_pages(struct kmem_cache *s, u64 pfn)
{
	slab_put_pages(to_slab_cache(s), pfn_to_page(pfn));
}

static struct array_cache __percpu *replay_slab_arrays(u32 entries)
{
	return __alloc_percpu(array_bytes(entries), sizeof(void *));
}

/* ---- SLOB ---- */

static void replay_slob_free(void *block, u64 bytes)
{
	slob_free(block, bytes);
}

static bool replay_slob_has_room(u64 bytes, u32 align, int node, u32 align_offset)
{
	return slob_has_room(bytes, align, node, align_offset);
}

const struct mm_replay_ops mm_replay_ops = {
	.drain_pages_zone = replay_drain_pages_zone,
	.drain_zone_pages = replay_drain_zone_pages,
	.set_watermarks = replay_set_watermarks,
	.fold_zone = replay_fold_zone,
	.isolate_free_block = replay_isolate_free_block,
	.compact = replay_compact,
	.compact_daemon = replay_compact_daemon,
	.compact_succeeded = replay_compact_succeeded,
	.kswapd_sleeps = replay_kswapd_sleeps,
	.flush_cpu = replay_flush_cpu,
	.free_slab = replay_free_slab,
	.slab_enter = slab_enter_running,
	.slab_arrays = replay_slab_arrays,
	.slab_reap = replay_slab_reap,
	.slab_drain_cpu = replay_slab_drain_cpu,
	.slab_free_pages = replay_slab_free_pages,
	.slob_free = replay_slob_free,
	.slob_has_room = replay_slob_has_room,
};
#endif
