/*
 * vmstat.c - counters with per-CPU differentials.
 *
 * A CPU adds to an 8-bit differential of its own and passes it on to the zone's
 * (node's) and the machine's counter when it grows beyond a threshold; a
 * periodic worker passes on the rest. Readers see the global counters only, so
 * what a watermark test reads may be off by a few pages per CPU, as in the kernel.
 */
#include "models/mm/page_internal.h"

#define MAX_STAT_THRESHOLD 125

static void zone_page_state_add(struct zone *zone, u32 item, s64 x)
{
	atomic_add(&zone->vm_stat[item], x);
	atomic_add(&kdata->vm_zone_stat[item], x);
}

static bool exceeds(s64 x, s8 threshold)
{
	return x > threshold || x < -threshold;
}

/* pre: nothing else on this CPU changes the zone's counters meanwhile (interrupts off) */
void __mod_zone_page_state(struct zone *zone, u32 item, s64 delta)
{
	struct per_cpu_zonestat *stat = this_cpu_ptr(zone->per_cpu_zonestats);
	s64 x = delta + stat->vm_stat_diff[item];

	if (unlikely(exceeds(x, stat->stat_threshold))) {
		zone_page_state_add(zone, item, x);
		x = 0;
	}
	stat->vm_stat_diff[item] = (s8)x;
}

/* delta in bytes for the items that end in _B; kept in pages. */
void mod_node_page_state(struct pglist_data *pgdat, u32 item, s64 delta)
{
	struct per_cpu_nodestat *stat =
		this_cpu_ptr((struct per_cpu_nodestat __percpu *)pgdat->per_cpu_nodestats);
	s64 x;

	if (item == NR_SLAB_RECLAIMABLE_B || item == NR_SLAB_UNRECLAIMABLE_B)
		delta /= (s64)PAGE_SIZE;
	x = delta + stat->vm_node_stat_diff[item];
	if (unlikely(exceeds(x, stat->stat_threshold))) {
		atomic_add(&pgdat->vm_stat[item], x);
		x = 0;
	}
	stat->vm_node_stat_diff[item] = (s8)x;
}

void count_vm_events(u32 event, u64 n)
{
	this_cpu_ptr(kdata->vm_event_states)->event[event] += n;
}

static void count_numa_event(struct zone *zone, u32 item, u64 n)
{
	this_cpu_ptr(zone->per_cpu_zonestats)->vm_numa_event[item] += n;
}

/* n allocations that wanted the preferred zone were served from zone. */
void zone_statistics(struct zone *preferred, struct zone *zone, u64 n)
{
	if (zone->node == preferred->node) {
		count_numa_event(zone, NUMA_HIT, n);
	} else {
		count_numa_event(zone, NUMA_MISS, n);
		count_numa_event(preferred, NUMA_FOREIGN, n);
	}
	count_numa_event(zone, zone->node == (s32)numa_node_id() ? NUMA_LOCAL : NUMA_OTHER, n);
}

/* ---- the worker ---- */

u32 fold_zone(struct zone *zone, struct per_cpu_pages *pcp)
{
	struct per_cpu_zonestat *stat = this_cpu_ptr(zone->per_cpu_zonestats);
	u32 item, folded = 0;

	for (item = 0; item < NR_VM_ZONE_STAT_ITEMS; item++) {
		s8 x = __atomic_exchange_n(&stat->vm_stat_diff[item], 0, __ATOMIC_SEQ_CST);

		if (!x)
			continue;
		zone_page_state_add(zone, item, x);
		pcp->expire = 3;
		trace_step(vmstat_fold, zone_id(zone), (u64)x, (u64)zone->vm_stat[item]);
		folded++;
	}
	return folded;
}

/* Pages of a remote node that this CPU has not used for three rounds go home. */
static void expire_remote_pages(struct zone *zone, struct per_cpu_pages *pcp)
{
	if (!pcp->expire || !pcp->count)
		return;
	if (zone->node == (s32)numa_node_id()) {
		pcp->expire = 0;
		return;
	}
	if (--pcp->expire == 0)
		drain_zone_pages(zone, pcp);
}

static u32 fold_node(struct pglist_data *pgdat)
{
	struct per_cpu_nodestat *stat =
		this_cpu_ptr((struct per_cpu_nodestat __percpu *)pgdat->per_cpu_nodestats);
	u32 item, folded = 0;

	for (item = 0; item < NR_VM_NODE_STAT_ITEMS; item++) {
		s8 x = __atomic_exchange_n(&stat->vm_node_stat_diff[item], 0, __ATOMIC_SEQ_CST);

		if (!x)
			continue;
		atomic_add(&pgdat->vm_stat[item], x);
		folded++;
	}
	return folded;
}

/* This CPU's vmstat worker: once a second while there is something to fold. */
void refresh_cpu_vm_stats(void)
{
	struct zone *zone;
	u32 folded = 0, nid;

	for_each_populated_zone(zone) {
		struct per_cpu_pages *pcp = this_cpu_ptr(zone->per_cpu_pageset);

		folded += fold_zone(zone, pcp);
		if (unlikely(kms_tunable(TUNE_PCP_AUTO_TUNE)))
			folded += pcp_tune_decay(zone, pcp);
		expire_remote_pages(zone, pcp);
	}
	for (nid = 0; nid < kdata->nr_node_ids; nid++)
		folded += fold_node(kdata->node_data[nid]);
	trace1(vmstat_refresh, folded);
}

/* ---- thresholds ---- */

static s8 calculate_normal_threshold(const struct zone *zone)
{
	u32 chunks = (u32)(zone->managed_pages >> (27 - PAGE_SHIFT)); /* of 128 MiB */
	int threshold = 2 * fls(kdata->nr_online_cpus) * (1 + fls(chunks));

	return (s8)min(threshold, MAX_STAT_THRESHOLD);
}

static void set_zone_threshold(struct zone *zone, s8 threshold)
{
	struct per_cpu_nodestat __percpu *nodestats =
		(struct per_cpu_nodestat __percpu *)zone->zone_pgdat->per_cpu_nodestats;
	u32 cpu;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		struct per_cpu_nodestat *node = per_cpu_ptr(nodestats, cpu);

		if (!kdata->cpu_online[cpu])
			continue;
		per_cpu_ptr(READ_ONCE(zone->per_cpu_zonestats), cpu)->stat_threshold = threshold;
		node->stat_threshold = max(node->stat_threshold, threshold);
	}
}

static void clear_node_thresholds(const struct pglist_data *pgdat)
{
	u32 cpu;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		per_cpu_ptr((struct per_cpu_nodestat __percpu *)pgdat->per_cpu_nodestats, cpu)
			->stat_threshold = 0;
}

/*
 * Thresholds by zone size and CPUs online. Where all CPUs' differentials could
 * hide more than lies between two marks, percpu_drift_mark asks for exact sums.
 */
void refresh_zone_stat_thresholds(void)
{
	struct zone *zone;
	u32 nid;

	for (nid = 0; nid < kdata->nr_node_ids; nid++)
		clear_node_thresholds(kdata->node_data[nid]);
	for_each_populated_zone(zone) {
		s8 threshold = calculate_normal_threshold(zone);
		u64 drift = (u64)kdata->nr_online_cpus * (u64)threshold;
		u64 low = wmark_pages(zone, WMARK_LOW), least = wmark_pages(zone, WMARK_MIN);

		set_zone_threshold(zone, threshold);
		if (drift > low - least)
			zone->percpu_drift_mark = wmark_pages(zone, WMARK_HIGH) + drift;
	}
}

/* So low that what the CPUs hide from the marks is less than lies between two of them. */
static s8 calculate_pressure_threshold(const struct zone *zone)
{
	u64 low = wmark_pages(zone, WMARK_LOW), least = wmark_pages(zone, WMARK_MIN);
	u64 threshold = max((low - least) / kdata->nr_online_cpus, 1ul);

	return (s8)min(threshold, (u64)MAX_STAT_THRESHOLD);
}

/* While kswapd is at work, counters of zones whose differentials matter are kept more exact. */
void set_pgdat_percpu_threshold(struct pglist_data *pgdat, bool pressure)
{
	u32 i, cpu;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->node_zones[i];
		s8 threshold;

		if (!populated_zone(zone) || !zone->percpu_drift_mark)
			continue;
		threshold = pressure ? calculate_pressure_threshold(zone) :
				       calculate_normal_threshold(zone);
		for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
			if (kdata->cpu_online[cpu])
				WRITE_ONCE(per_cpu_ptr(READ_ONCE(zone->per_cpu_zonestats), cpu)->stat_threshold,
					   threshold);
	}
}
