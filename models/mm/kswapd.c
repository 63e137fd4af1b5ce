/*
 * kswapd.c - a node's reclaim thread: keep free pages between the marks.
 *
 * Whoever finds a zone below its low mark leaves what it wanted in the node and
 * wakes the thread (kms_wake_kthread()). It reclaims (vmscan.c) until one zone
 * is above its high mark for that order, takes back the boost of the marks that
 * it worked for, hands over to kcompactd and sleeps (page_alloc.md 18).
 */
#include "models/mm/reclaim.h"

/* ---- is there enough? ---- */

static s64 zone_page_state_snapshot(const struct zone *zone)
{
	s64 x = READ_ONCE(zone->vm_stat[NR_FREE_PAGES]);
	u32 cpu;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		if (kdata->cpu_online[cpu])
			x += READ_ONCE(per_cpu_ptr(READ_ONCE(zone->per_cpu_zonestats), cpu)
					       ->vm_stat_diff[NR_FREE_PAGES]);
	return x < 0 ? 0 : x;
}

/* Exact where the per-CPU differentials could hide too much. */
bool zone_watermark_ok_safe(struct zone *zone, u32 order, u64 mark, u32 highest_zoneidx)
{
	s64 pages = zone_page_state(zone, NR_FREE_PAGES);

	if (zone->percpu_drift_mark && (u64)pages < zone->percpu_drift_mark)
		pages = zone_page_state_snapshot(zone);
	return __zone_watermark_ok(zone, order, mark, highest_zoneidx, 0, pages);
}

/* One zone up to the index is above its high mark; true as well when there is no zone. */
static bool pgdat_balanced(struct pglist_data *pgdat, u32 order, u32 highest_zoneidx)
{
	bool any = false;
	u32 i;

	for (i = 0; i <= highest_zoneidx && i < MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->node_zones[i];

		if (!READ_ONCE(zone->managed_pages))
			continue;
		any = true;
		if (zone_watermark_ok_safe(zone, order, wmark_pages(zone, WMARK_HIGH),
					   highest_zoneidx))
			return true;
	}
	return !any;
}

static bool pgdat_watermark_boosted(const struct pglist_data *pgdat, u32 highest_zoneidx)
{
	u32 i;

	for (i = 0; i <= highest_zoneidx && i < MAX_NR_ZONES; i++)
		if (READ_ONCE(pgdat->node_zones[i].managed_pages) &&
		    READ_ONCE(pgdat->node_zones[i].watermark_boost))
			return true;
	return false;
}

/* ---- waking it ---- */

/* pre: the request may wait for nothing; order and index are remembered, awake or not */
void wake_kswapd(struct pglist_data *pgdat, u32 highest_zoneidx, u32 order)
{
	u32 index = READ_ONCE(pgdat->kswapd_highest_zoneidx);

	if (index == MAX_NR_ZONES || index < highest_zoneidx)
		WRITE_ONCE(pgdat->kswapd_highest_zoneidx, highest_zoneidx);
	if (READ_ONCE(pgdat->kswapd_order) < (s32)order)
		WRITE_ONCE(pgdat->kswapd_order, (s32)order);
	if (READ_ONCE(pgdat->kswapd_awake))
		return;
	trace3(mm_vmscan_wakeup_kswapd, pgdat->node_id, highest_zoneidx, order);
	kms_wake_kthread(KTHREAD_KSWAPD, (u32)pgdat->node_id, kswapd);
}

/*
 * A zone runs low, or its marks were boosted. Where reclaim has proved hopeless
 * or there is enough but in pieces, those who cannot compact for themselves
 * get kcompactd instead. A node that never had pages on LRU lists has nothing to
 * reclaim or to move: only boosts are worth waking anybody for.
 */
void wakeup_kswapd(struct zone *zone, gfp_t gfp, u32 order, u32 highest_zoneidx)
{
	struct pglist_data *pgdat = READ_ONCE(zone->zone_pgdat);

	if (!READ_ONCE(zone->managed_pages) || stepping())
		return;
	if (READ_ONCE(pgdat->kswapd_awake)) {
		wake_kswapd(pgdat, highest_zoneidx, order);
		return;
	}
	if (!READ_ONCE(pgdat->lru_used) && !pgdat_watermark_boosted(pgdat, highest_zoneidx))
		return;
	if (READ_ONCE(pgdat->kswapd_failures) >= MAX_RECLAIM_RETRIES ||
	    (pgdat_balanced(pgdat, order, highest_zoneidx) &&
	     !pgdat_watermark_boosted(pgdat, highest_zoneidx))) {
		if (!(gfp & __GFP_DIRECT_RECLAIM))
			wakeup_kcompactd(pgdat, order, highest_zoneidx);
		return;
	}
	wake_kswapd(pgdat, highest_zoneidx, order);
}

/* ---- balancing ---- */

static void set_reclaim_active(struct pglist_data *pgdat, u32 highest_zoneidx, bool active)
{
	const u64 bit = 1ul << ZONE_RECLAIM_ACTIVE;
	u32 i;

	for (i = 0; i <= highest_zoneidx && i < MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->node_zones[i];

		if (!READ_ONCE(zone->managed_pages))
			continue;
		if (active)
			__atomic_fetch_or(&zone->flags, bit, __ATOMIC_SEQ_CST);
		else
			__atomic_fetch_and(&zone->flags, ~bit, __ATOMIC_SEQ_CST);
	}
}

/* What one pass sets out for: a high mark of every zone. True if it scanned that much. */
static bool kswapd_shrink_node(struct pglist_data *pgdat, struct scan_control *sc)
{
	u32 i;

	sc->nr_to_reclaim = 0;
	for (i = 0; i <= sc->reclaim_idx && i < MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->node_zones[i];

		if (READ_ONCE(zone->managed_pages))
			sc->nr_to_reclaim +=
				max(wmark_pages(zone, WMARK_HIGH), (u64)SWAP_CLUSTER_MAX);
	}
	shrink_node(pgdat, sc);
	/* twice the block was reclaimed: that it is not there now is a matter of compaction */
	if (sc->order && sc->nr_reclaimed >= compact_gap(sc->order))
		sc->order = 0;
	return sc->nr_scanned >= sc->nr_to_reclaim;
}

/* The boost that a pass begins with, by zone. */
static u64 note_boosts(const struct pglist_data *pgdat, u32 highest_zoneidx, u64 *boosts)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i <= highest_zoneidx && i < MAX_NR_ZONES; i++) {
		boosts[i] = 0;
		if (READ_ONCE(pgdat->node_zones[i].managed_pages))
			boosts[i] = READ_ONCE(pgdat->node_zones[i].watermark_boost);
		sum += boosts[i];
	}
	return sum;
}

static void take_back_boosts(struct pglist_data *pgdat, u32 highest_zoneidx, const u64 *boosts)
{
	u32 i;

	for (i = 0; i <= highest_zoneidx && i < MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->node_zones[i];
		u64 boost;

		if (!boosts[i])
			continue;
		spin_lock_irqsave(&zone->lock, LOCK_ZONE);
		boost = zone->watermark_boost;
		zone->watermark_boost = boost - min(boost, boosts[i]);
		spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
	}
}

/*
 * The passes. For a boost alone it stops early: as soon as a pass brings
 * nothing, and without ever raising the pressure above DEF_PRIORITY - 2. A node
 * whose pages in user hands are unknown (none was ever put on a list) is not
 * held against reclaim: the real one would have found page cache.
 */
static void balance_passes(struct pglist_data *pgdat, u32 highest_zoneidx, u64 boost,
			   struct scan_control *sc)
{
	for (sc->priority = DEF_PRIORITY; sc->priority >= 1;) {
		bool balanced = pgdat_balanced(pgdat, sc->order, highest_zoneidx), raise = true;
		u64 reclaimed = sc->nr_reclaimed;

		if (!balanced && boost) {
			boost = 0;
			sc->priority = DEF_PRIORITY;
			continue;
		}
		if (balanced && !boost)
			return;
		if (boost && sc->priority == DEF_PRIORITY - 2)
			raise = false;
		sc->nr_scanned = 0;
		if (kswapd_shrink_node(pgdat, sc))
			raise = false;
		reclaimed = sc->nr_reclaimed - reclaimed;
		boost -= min(boost, reclaimed);
		if (boost && !reclaimed)
			break;
		if (raise || !reclaimed)
			sc->priority--;
	}
	if (!sc->nr_reclaimed && READ_ONCE(pgdat->lru_used)) {
		s32 failures = READ_ONCE(pgdat->kswapd_failures);

		WRITE_ONCE(pgdat->kswapd_failures, failures + 1);
	}
}

/* Returns the order it has worked for: 0 if it gave up on a larger one. */
static u32 balance_pgdat(struct pglist_data *pgdat, u32 order, u32 highest_zoneidx)
{
	struct scan_control sc = { .order = order, .reclaim_idx = highest_zoneidx, .kswapd = true };
	u64 boosts[MAX_NR_ZONES], boosted;

	count_vm_events(PAGEOUTRUN, 1);
	boosted = note_boosts(pgdat, highest_zoneidx, boosts);
	set_reclaim_active(pgdat, highest_zoneidx, true);
	balance_passes(pgdat, highest_zoneidx, boosted, &sc);
	set_reclaim_active(pgdat, highest_zoneidx, false);
	if (boosted) {
		take_back_boosts(pgdat, highest_zoneidx, boosts);
		wakeup_kcompactd(pgdat, PAGEBLOCK_ORDER, highest_zoneidx);
	}
	return sc.order;
}

/* ---- sleeping ---- */

static bool prepare_kswapd_sleep(struct pglist_data *pgdat, u32 order, u32 highest_zoneidx)
{
	if (READ_ONCE(pgdat->kswapd_failures) >= MAX_RECLAIM_RETRIES || !READ_ONCE(pgdat->lru_used))
		return true;
	return pgdat_balanced(pgdat, order, highest_zoneidx);
}

static u32 wanted_zoneidx(const struct pglist_data *pgdat, u32 previous)
{
	u32 index = READ_ONCE(pgdat->kswapd_highest_zoneidx);

	return index == MAX_NR_ZONES ? previous : index;
}

/* A nap first: if the node is still balanced after it, true: sleep until woken. */
static bool kswapd_try_to_sleep(struct pglist_data *pgdat, u32 alloc_order, u32 reclaim_order,
				u32 highest_zoneidx)
{
	bool woken = false;

	WRITE_ONCE(pgdat->kswapd_awake, 0); /* from here on it can be woken */
	if (prepare_kswapd_sleep(pgdat, reclaim_order, highest_zoneidx)) {
		reset_isolation_suitable(pgdat);
		wakeup_kcompactd(pgdat, alloc_order, highest_zoneidx);
		woken = kms_nap(KSWAPD_NAP_MS);
		if (woken) {
			u32 index = wanted_zoneidx(pgdat, highest_zoneidx);

			WRITE_ONCE(pgdat->kswapd_highest_zoneidx, index);
			if (READ_ONCE(pgdat->kswapd_order) < (s32)reclaim_order)
				WRITE_ONCE(pgdat->kswapd_order, (s32)reclaim_order);
		}
	}
	if (!woken && prepare_kswapd_sleep(pgdat, reclaim_order, highest_zoneidx))
		return true;
	WRITE_ONCE(pgdat->kswapd_awake, 1);
	count_vm_events(woken ? KSWAPD_LOW_WMARK_HIT_QUICKLY : KSWAPD_HIGH_WMARK_HIT_QUICKLY, 1);
	return false;
}

/* What kswapd of a node does from being woken until it sleeps again. */
void kswapd(u32 nid)
{
	struct pglist_data *pgdat = kdata->node_data[nid];
	u32 highest_zoneidx = MAX_NR_ZONES - 1, alloc_order, reclaim_order;

	if (READ_ONCE(pgdat->kswapd_awake))
		return;
	WRITE_ONCE(pgdat->kswapd_awake, 1);
	set_pgdat_percpu_threshold(pgdat, true);
	do {
		alloc_order = (u32)READ_ONCE(pgdat->kswapd_order);
		highest_zoneidx = wanted_zoneidx(pgdat, highest_zoneidx);
		WRITE_ONCE(pgdat->kswapd_order, 0);
		WRITE_ONCE(pgdat->kswapd_highest_zoneidx, (u32)MAX_NR_ZONES);
		trace3(mm_vmscan_kswapd_wake, nid, highest_zoneidx, alloc_order);
		reclaim_order = balance_pgdat(pgdat, alloc_order, highest_zoneidx);
		if (reclaim_order >= alloc_order) { /* what was asked for meanwhile */
			alloc_order = reclaim_order = (u32)READ_ONCE(pgdat->kswapd_order);
			highest_zoneidx = wanted_zoneidx(pgdat, highest_zoneidx);
		}
	} while (!kswapd_try_to_sleep(pgdat, alloc_order, reclaim_order, highest_zoneidx));
	set_pgdat_percpu_threshold(pgdat, false);
	trace1(mm_vmscan_kswapd_sleep, nid);
}
