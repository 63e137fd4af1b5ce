/*
 * vmscan.c - reclaim: page cache from the ends of the LRU lists (page_alloc.md 17).
 *
 * Each pass over a node scans a part of its lists that doubles from priority to
 * priority, 32 pages at a time, until enough was freed. There is no swap, so
 * anonymous lists are not scanned; page cache counts as clean, so nothing is
 * written, and an owner refuses only what it is freeing itself.
 */
#include "models/mm/reclaim.h"

/* ---- sizes ---- */

u64 zone_reclaimable_pages(const struct zone *zone)
{
	return (u64)zone_page_state(zone, NR_ZONE_LRU_BASE + LRU_INACTIVE_FILE) +
	       (u64)zone_page_state(zone, NR_ZONE_LRU_BASE + LRU_ACTIVE_FILE);
}

static u64 lruvec_lru_size(const struct pglist_data *pgdat, u32 lru, u32 reclaim_idx)
{
	u64 size = 0;
	u32 i;

	for (i = 0; i <= reclaim_idx && i < MAX_NR_ZONES; i++)
		if (READ_ONCE(pgdat->node_zones[i].managed_pages))
			size += (u64)zone_page_state(&pgdat->node_zones[i], NR_ZONE_LRU_BASE + lru);
	return size;
}

/* The active list may be as long as the inactive one, and longer above 1 GiB: by sqrt(10 * GiB). */
static bool inactive_is_low(const struct pglist_data *pgdat)
{
	u64 inactive = node_page_state(pgdat, NR_LRU_BASE + LRU_INACTIVE_FILE);
	u64 active = node_page_state(pgdat, NR_LRU_BASE + LRU_ACTIVE_FILE);
	u64 gib = (inactive + active) >> (30 - PAGE_SHIFT);

	return inactive * (gib ? int_sqrt(10 * gib) : 1) < active;
}

/* ---- one cluster ---- */

/*
 * Free what the owner lets go of; the rest goes back. The owner's reference is
 * ours once it let go.
 */
static u32 shrink_page_list(struct page **pages, u32 n)
{
	struct page *freed[SWAP_CLUSTER_MAX];
	u32 nr_freed = 0, kept = 0, i;

	for (i = 0; i < n; i++) {
		struct page *page = pages[i];
		u64 mapping = READ_ONCE(page->mapping), index = READ_ONCE(page->index);

		if ((mapping & 1) || !kms_owner_lets_go(mapping >> 2, index)) {
			pages[kept++] = page;
			continue;
		}
		WRITE_ONCE(page->mapping, 0);
		BUG_ON(atomic_sub(&page->_refcount, 2) != 2);
		mod_node_page_state(page_pgdat(page), NR_ISOLATED_FILE, -1);
		freed[nr_freed++] = page;
	}
	putback_lru_pages(pages, kept);
	free_unref_pages(freed, nr_freed);
	return nr_freed;
}

static u32 shrink_inactive_list(struct pglist_data *pgdat, u32 lru, u32 nr, struct scan_control *sc)
{
	struct lruvec *lruvec = &pgdat->lruvec;
	struct page *pages[SWAP_CLUSTER_MAX];
	u32 scanned, taken, reclaimed;

	spin_lock_irqsave(&lruvec->lru_lock, LOCK_LRU);
	taken = isolate_lru_pages(lruvec, lru, nr, sc->reclaim_idx, pages, &scanned);
	count_vm_events(sc->kswapd ? PGSCAN_KSWAPD : PGSCAN_DIRECT, scanned);
	spin_unlock_irqrestore(&lruvec->lru_lock, LOCK_LRU);
	sc->nr_scanned += taken;
	if (!taken)
		return 0;
	reclaimed = shrink_page_list(pages, taken);
	count_vm_events(sc->kswapd ? PGSTEAL_KSWAPD : PGSTEAL_DIRECT, reclaimed);
	trace3(mm_vmscan_lru_shrink_inactive, taken, reclaimed, sc->priority);
	return reclaimed;
}

/* From the end of the active list to the head of the inactive one. */
static void shrink_active_list(struct pglist_data *pgdat, u32 lru, u32 nr, struct scan_control *sc)
{
	struct lruvec *lruvec = &pgdat->lruvec;
	struct page *pages[SWAP_CLUSTER_MAX];
	u32 scanned, taken, i;

	spin_lock_irqsave(&lruvec->lru_lock, LOCK_LRU);
	taken = isolate_lru_pages(lruvec, lru, nr, sc->reclaim_idx, pages, &scanned);
	spin_unlock_irqrestore(&lruvec->lru_lock, LOCK_LRU);
	for (i = 0; i < taken; i++)
		page_clear_flags(pages[i], PG_active | PG_referenced);
	count_vm_events(PGDEACTIVATE, taken);
	trace2(mm_vmscan_lru_shrink_active, taken, lru);
	putback_lru_pages(pages, taken);
}

/* ---- a node ---- */

static u32 shrink_list(struct pglist_data *pgdat, u32 lru, u32 nr, struct scan_control *sc)
{
	if (lru == LRU_INACTIVE_FILE)
		return shrink_inactive_list(pgdat, lru, nr, sc);
	if (sc->may_deactivate)
		shrink_active_list(pgdat, lru, nr, sc);
	else
		sc->skipped_deactivate = true;
	return 0;
}

/*
 * A direct reclaimer at the first priority goes through all that it set out to;
 * otherwise a round that has reclaimed enough is the last: without anonymous
 * pages to weigh against there is nothing to adjust.
 */
static void shrink_lruvec(struct pglist_data *pgdat, struct scan_control *sc)
{
	bool all = !sc->kswapd && sc->priority == DEF_PRIORITY;
	u64 left[NR_LRU_LISTS], reclaimed = 0;
	u32 lru;

	for (lru = LRU_INACTIVE_FILE; lru < NR_LRU_LISTS; lru++)
		left[lru] = lruvec_lru_size(pgdat, lru, sc->reclaim_idx) >> sc->priority;
	while (left[LRU_INACTIVE_FILE] || left[LRU_ACTIVE_FILE]) {
		for (lru = LRU_INACTIVE_FILE; lru < NR_LRU_LISTS; lru++) {
			u64 n = min(left[lru], (u64)SWAP_CLUSTER_MAX);

			left[lru] -= n;
			if (n)
				reclaimed += shrink_list(pgdat, lru, (u32)n, sc);
		}
		kms_cond_resched();
		if (reclaimed >= sc->nr_to_reclaim && !all)
			break;
	}
	sc->nr_reclaimed += reclaimed;
}

/* For a large block: not yet enough for compaction to work with, and more to be had? */
static bool should_continue_reclaim(struct pglist_data *pgdat, u64 reclaimed,
				    const struct scan_control *sc)
{
	u32 i;

	if (!sc->order ||
	    (sc->order <= PAGE_ALLOC_COSTLY_ORDER && sc->priority >= DEF_PRIORITY - 2))
		return false;
	if (!reclaimed)
		return false;
	for (i = 0; i <= sc->reclaim_idx && i < MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->node_zones[i];

		if (READ_ONCE(zone->managed_pages) &&
		    compaction_suitable(zone, sc->order, 0, sc->reclaim_idx) != COMPACT_SKIPPED)
			return false;
	}
	return node_page_state(pgdat, NR_LRU_BASE + LRU_INACTIVE_FILE) > compact_gap(sc->order);
}

/* True if anything was reclaimed. */
bool shrink_node(struct pglist_data *pgdat, struct scan_control *sc)
{
	bool progress = false;
	u64 before;

	do {
		before = sc->nr_reclaimed;
		sc->may_deactivate = sc->force_deactivate || inactive_is_low(pgdat);
		shrink_lruvec(pgdat, sc);
		sc->nr_reclaimed += shrink_slab(pgdat, sc->priority);
		if (sc->nr_reclaimed > before)
			progress = true;
	} while (should_continue_reclaim(pgdat, sc->nr_reclaimed - before, sc));
	if (progress)
		WRITE_ONCE(pgdat->kswapd_failures, 0);
	return progress;
}

/* ---- direct reclaim ---- */

/* Enough is free for compaction to be the better way to a large block. */
static bool compaction_ready(struct zone *zone, const struct scan_control *sc)
{
	u32 suitable = compaction_suitable(zone, sc->order, 0, sc->reclaim_idx);

	if (suitable == COMPACT_SUCCESS)
		return true;
	if (suitable == COMPACT_SKIPPED)
		return false;
	return zone_watermark_ok_safe(zone, 0,
				      wmark_pages(zone, WMARK_HIGH) + compact_gap(sc->order),
				      sc->reclaim_idx);
}

/* Each node of the zonelist once, unless compaction of its zones could do. */
static void shrink_zones(const struct alloc_context *ac, struct scan_control *sc)
{
	struct zoneref *ref = ac->preferred_zoneref;
	const struct pglist_data *last = NULL;
	struct zone *zone;

	for_each_zone_nodemask(zone, ref, sc->reclaim_idx, ac->nodemask) {
		if (sc->order > PAGE_ALLOC_COSTLY_ORDER && compaction_ready(zone, sc)) {
			sc->compaction_ready = true;
			continue;
		}
		if (READ_ONCE(zone->zone_pgdat) == last)
			continue;
		last = READ_ONCE(zone->zone_pgdat);
		shrink_node(READ_ONCE(zone->zone_pgdat), sc);
	}
}

static u64 do_try_to_free_pages(const struct alloc_context *ac, struct scan_control *sc)
{
	count_vm_events(ALLOCSTALL, 1);
	for (;;) {
		for (sc->priority = DEF_PRIORITY; sc->priority >= 0; sc->priority--) {
			sc->nr_scanned = 0;
			shrink_zones(ac, sc);
			if (sc->nr_reclaimed >= sc->nr_to_reclaim || sc->compaction_ready)
				break;
		}
		if (sc->nr_reclaimed)
			return sc->nr_reclaimed;
		if (sc->compaction_ready)
			return 1;
		if (!sc->skipped_deactivate || sc->force_deactivate)
			return 0;
		sc->force_deactivate = true;
	}
}

/* Half of what the min marks keep is free, so that those who reclaim can still allocate. */
bool allow_direct_reclaim(struct pglist_data *pgdat)
{
	u64 reserve = 0, available = 0;
	u32 i;

	if (READ_ONCE(pgdat->kswapd_failures) >= MAX_RECLAIM_RETRIES)
		return true;
	for (i = 0; i <= ZONE_NORMAL; i++) {
		struct zone *zone = &pgdat->node_zones[i];

		if (!READ_ONCE(zone->managed_pages) || !zone_reclaimable_pages(zone))
			continue;
		reserve += wmark_pages(zone, WMARK_MIN);
		available += (u64)zone_page_state(zone, NR_FREE_PAGES);
	}
	return !reserve || available > reserve / 2;
}

/*
 * Leave it to kswapd for up to a second. The kernel sleeps until kswapd says
 * so; here the task looks again every jiffy. kswapd is woken if it sleeps.
 */
static void throttle_direct_reclaim(const struct alloc_context *ac)
{
	struct pglist_data *pgdat = ac->preferred_zoneref->zone->zone_pgdat;
	u32 i;

	if (kms_in_kthread() || allow_direct_reclaim(pgdat))
		return;
	count_vm_events(PGSCAN_DIRECT_THROTTLE, 1);
	trace1(mm_vmscan_throttled, pgdat->node_id);
	for (i = 0; i < 1000 / HZ_MS && !allow_direct_reclaim(pgdat); i++) {
		wake_kswapd(pgdat, ZONE_NORMAL, 0);
		kms_nap(HZ_MS);
	}
}

/* Returns the pages reclaimed, or 1 if compaction is worth a try instead. */
u64 try_to_free_pages(u32 order, gfp_t gfp, const struct alloc_context *ac)
{
	struct scan_control sc = {
		.nr_to_reclaim = SWAP_CLUSTER_MAX,
		.order = order,
		.reclaim_idx = ac->highest_zoneidx,
	};
	u64 reclaimed;

	throttle_direct_reclaim(ac);
	trace2(mm_vmscan_direct_reclaim_begin, order, gfp);
	reclaimed = do_try_to_free_pages(ac, &sc);
	trace1(mm_vmscan_direct_reclaim_end, reclaimed);
	return reclaimed;
}
