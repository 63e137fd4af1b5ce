/*
 * inspect_stat.c - counters and per-CPU lists seen from outside, uncharged.
 *
 * Compiled without instrumentation. Counters are reported under the names that
 * the kernel's /proc files give them; only those that these models keep.
 */
#include "models/mm/inspect.h"
#include "models/mm/page_internal.h"

static const struct {
	u32 item;
	const char *name;
} node_items[] = {
	{ NR_SLAB_RECLAIMABLE_B, "nr_slab_reclaimable" },
	{ NR_SLAB_UNRECLAIMABLE_B, "nr_slab_unreclaimable" },
}, zone_items[] = {
	{ NR_FREE_PAGES, "nr_free_pages" },
}, events[] = {
	{ PGALLOC_DMA, "pgalloc_dma" },		{ PGALLOC_DMA32, "pgalloc_dma32" },
	{ PGALLOC_NORMAL, "pgalloc_normal" },	{ PGALLOC_MOVABLE, "pgalloc_movable" },
	{ PGFREE, "pgfree" },			{ ALLOCSTALL, "allocstall" },
};

static const char *const numa_names[NR_NUMA_STATS] = { "numa_hit", "numa_miss", "numa_foreign",
							"numa_interleave", "numa_local", "numa_other" };

u32 mm_inspect_cpus(void)
{
	return kdata->nr_online_cpus;
}

void mm_inspect_pcp(u32 node, u32 zone_idx, u32 cpu, struct mm_pcp_info *info)
{
	const struct zone *zone = &kdata->node_data[node]->node_zones[zone_idx];
	const struct per_cpu_pages *pcp = per_cpu_ptr(zone->per_cpu_pageset, cpu);

	*info = (struct mm_pcp_info){
		.count = pcp->count,
		.high = pcp->high,
		.batch = pcp->batch,
		.high_min = pcp->free_factor < 0 ? pcp->high_min : pcp->high,
		.high_max = pcp->free_factor < 0 ? pcp->high_max : pcp->high,
		.stat_threshold = per_cpu_ptr(zone->per_cpu_zonestats, cpu)->stat_threshold,
	};
}

/*
 * Where its per-CPU part lies: the kernel keeps a cache's event counters there
 * as well. Slab layers without one share slot 0, where nothing is counted.
 */
u32 mm_inspect_cache_slot(const struct kmem_cache *s)
{
	if (kdata->slab_policy != SLAB_POLICY_SLUB && kdata->slab_policy != SLAB_POLICY_NOSLAB)
		return 0;
	return (u32)((u64)s->cpu_slab / (2 * sizeof(void *)));
}

u32 mm_inspect_cache_slots(void)
{
	return (u32)(kdata->percpu_unit_bytes / (2 * sizeof(void *)));
}

static s64 not_negative(s64 x)
{
	return x < 0 ? 0 : x;
}

void mm_inspect_zone_counters(u32 node, u32 zone_idx, mm_counter_fn *fn, void *arg)
{
	const struct zone *zone = &kdata->node_data[node]->node_zones[zone_idx];

	for (u32 i = 0; i < KMS_ARRAY_SIZE(zone_items); i++)
		fn(arg, zone_items[i].name, not_negative(zone->vm_stat[zone_items[i].item]));
	for (u32 i = 0; i < NR_NUMA_STATS; i++) {
		s64 sum = (s64)zone->vm_numa_event[i];

		for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
			sum += (s64)per_cpu_ptr(zone->per_cpu_zonestats, cpu)->vm_numa_event[i];
		fn(arg, numa_names[i], sum);
	}
}

void mm_inspect_node_counters(u32 node, mm_counter_fn *fn, void *arg)
{
	const struct pglist_data *pgdat = kdata->node_data[node];

	for (u32 i = 0; i < KMS_ARRAY_SIZE(node_items); i++)
		fn(arg, node_items[i].name, not_negative(pgdat->vm_stat[node_items[i].item]));
}

void mm_inspect_events(mm_counter_fn *fn, void *arg)
{
	for (u32 i = 0; i < KMS_ARRAY_SIZE(events); i++) {
		s64 sum = 0;

		for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
			sum += (s64)per_cpu_ptr(kdata->vm_event_states, cpu)->event[events[i].item];
		fn(arg, events[i].name, sum);
	}
}
