/*
 * compaction.c - making large free blocks by moving pages (page_alloc.md 19).
 *
 * compact_zone() drives the two scanners until a block of the wanted size is
 * there, they meet, or a merged block was caught on its way to the free lists.
 * Direct compaction does so for an allocation, kcompactd for whoever asked
 * kswapd. Where it has failed, the next attempts are put off, up to 64 of them.
 */
#include "models/mm/compaction.h"

/* ---- deferral ---- */

void defer_compaction(struct zone *zone, u32 order)
{
	u32 shift = READ_ONCE(zone->compact_defer_shift);

	WRITE_ONCE(zone->compact_considered, 0);
	if ((s32)order < READ_ONCE(zone->compact_order_failed))
		WRITE_ONCE(zone->compact_order_failed, (s32)order);
	shift = min(shift + 1, (u32)COMPACT_MAX_DEFER_SHIFT);
	WRITE_ONCE(zone->compact_defer_shift, shift);
	trace3(mm_compaction_deferred, READ_ONCE(zone->zone_idx), order, shift);
}

/* Of those orders that failed, only every 2^shift-th attempt is made. */
bool compaction_deferred(struct zone *zone, u32 order)
{
	u32 limit = 1u << READ_ONCE(zone->compact_defer_shift), considered;

	if ((s32)order < READ_ONCE(zone->compact_order_failed))
		return false;
	considered = READ_ONCE(zone->compact_considered) + 1;
	WRITE_ONCE(zone->compact_considered, min(considered, limit));
	return considered < limit;
}

void compaction_defer_reset(struct zone *zone, u32 order, bool alloc_success)
{
	if (alloc_success) {
		WRITE_ONCE(zone->compact_considered, 0);
		WRITE_ONCE(zone->compact_defer_shift, 0);
	}
	if ((s32)order >= READ_ONCE(zone->compact_order_failed))
		WRITE_ONCE(zone->compact_order_failed, (s32)order + 1);
}

/* The longest time out is over: forget the hints too. */
static bool compaction_restarting(const struct zone *zone, u32 order)
{
	return (s32)order >= READ_ONCE(zone->compact_order_failed) &&
	       READ_ONCE(zone->compact_defer_shift) == COMPACT_MAX_DEFER_SHIFT &&
	       READ_ONCE(zone->compact_considered) >= 1u << COMPACT_MAX_DEFER_SHIFT;
}

/* ---- where the scanners begin ---- */

static void set_cached_migrate(struct zone *zone, u64 pfn)
{
	WRITE_ONCE(zone->compact_cached_migrate_pfn[0], pfn);
	WRITE_ONCE(zone->compact_cached_migrate_pfn[1], pfn);
}

static void reset_cached_positions(struct zone *zone)
{
	set_cached_migrate(zone, READ_ONCE(zone->zone_start_pfn));
	WRITE_ONCE(zone->compact_cached_free_pfn, pageblock_start_pfn(zone_end(zone) - 1));
}

/*
 * Clear the hint of a pageblock that a sample (every eighth page) shows to have
 * a page to move, or a free one. A place to move to must be movable.
 */
static bool reset_isolation_pfn(struct zone *zone, u64 pfn, bool source, bool target)
{
	u64 at = max(pageblock_start_pfn(pfn), READ_ONCE(zone->zone_start_pfn));
	u64 end = min(pageblock_end_pfn(pfn), zone_end(zone));

	if (source && target && !get_pageblock_skip(pfn))
		return true;
	if (!source && target && get_pageblock_migratetype(pfn) != MIGRATE_MOVABLE)
		return false;
	for (; at < end; at += 1ul << PAGE_ALLOC_COSTLY_ORDER) {
		const struct page *page = pfn_to_page(at);

		if ((source && PageLRU(page)) || (target && PageBuddy(page))) {
			change_pageblock_skip(pfn, false);
			return true;
		}
	}
	return false;
}

/*
 * Forget hints from both ends inwards; the scanners begin at the outermost
 * pageblocks that are worth it. The kernel does it when a direct compaction had
 * gone all the way (compact_blockskip_flush).
 */
static void __reset_isolation_suitable(struct zone *zone)
{
	u64 migrate = READ_ONCE(zone->zone_start_pfn), last = zone_end(zone) - 1, free_at = last;
	u64 lowest = last, highest = migrate;
	bool source_set = false, free_set = false;

	if (!READ_ONCE(zone->compact_blockskip_flush))
		return;
	WRITE_ONCE(zone->compact_blockskip_flush, false);
	for (; migrate < free_at; migrate += PAGEBLOCK_NR_PAGES, free_at -= PAGEBLOCK_NR_PAGES) {
		if (reset_isolation_pfn(zone, migrate, true, source_set) && migrate < lowest) {
			source_set = true;
			lowest = migrate;
			WRITE_ONCE(zone->compact_init_migrate_pfn, lowest);
			set_cached_migrate(zone, lowest);
		}
		if (reset_isolation_pfn(zone, free_at, free_set, true) && free_at > highest) {
			free_set = true;
			highest = free_at;
			WRITE_ONCE(zone->compact_init_free_pfn, highest);
			WRITE_ONCE(zone->compact_cached_free_pfn, highest);
		}
		if (free_at < PAGEBLOCK_NR_PAGES)
			break;
	}
	if (lowest >= highest) {
		set_cached_migrate(zone, migrate);
		WRITE_ONCE(zone->compact_cached_free_pfn, free_at);
	}
}

/* kswapd goes to sleep: things may have changed. */
void reset_isolation_suitable(struct pglist_data *pgdat)
{
	u32 i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		if (populated_zone(&pgdat->node_zones[i]))
			__reset_isolation_suitable(&pgdat->node_zones[i]);
}

static void place_scanners(struct compact_control *cc)
{
	struct zone *zone = cc->zone;
	u64 start = READ_ONCE(zone->zone_start_pfn), end = zone_end(zone);

	if (cc->whole_zone) {
		cc->migrate_pfn = start;
		cc->free_pfn = pageblock_start_pfn(end - 1);
		return;
	}
	cc->migrate_pfn = READ_ONCE(zone->compact_cached_migrate_pfn[cc->mode != MIGRATE_ASYNC]);
	cc->free_pfn = READ_ONCE(zone->compact_cached_free_pfn);
	if (cc->free_pfn < start || cc->free_pfn >= end) {
		cc->free_pfn = pageblock_start_pfn(end - 1);
		WRITE_ONCE(zone->compact_cached_free_pfn, cc->free_pfn);
	}
	if (cc->migrate_pfn < start || cc->migrate_pfn >= end) {
		cc->migrate_pfn = start;
		set_cached_migrate(zone, start);
	}
	if (cc->migrate_pfn <= READ_ONCE(zone->compact_init_migrate_pfn))
		cc->whole_zone = true;
}

/* ---- is it worth it? ---- */

/*
 * 0..1000: an allocation of this order would fail for lack of memory (0) or
 * because what is free is in pieces (1000); -1000 if it would not fail.
 */
static s64 fragmentation_index(const struct zone *zone, u32 order)
{
	u64 blocks = 0, pages = 0, suitable = 0, requested = 1ul << order;
	u32 o;

	for (o = 0; o < MAX_ORDER; o++) {
		u64 n = READ_ONCE(zone->free_area[o].nr_free);

		blocks += n;
		pages += n << o;
		if (o >= order)
			suitable += n << (o - order);
	}
	if (!blocks)
		return 0;
	if (suitable)
		return -1000;
	return 1000 - (s64)((1000 + pages * 1000 / requested) / blocks);
}

static u32 suitable_with(struct zone *zone, u32 order, u32 alloc_flags, u32 highest_zoneidx,
			 u64 available)
{
	u64 mark = wmark_pages(zone, alloc_flags & ALLOC_WMARK_MASK);

	if (__zone_watermark_ok(zone, order, mark, highest_zoneidx, alloc_flags,
				zone_page_state(zone, NR_FREE_PAGES)))
		return COMPACT_SUCCESS;
	mark = wmark_pages(zone, order > PAGE_ALLOC_COSTLY_ORDER ? WMARK_LOW : WMARK_MIN);
	if (!__zone_watermark_ok(zone, 0, mark + compact_gap(order), highest_zoneidx, 0,
				 (s64)available))
		return COMPACT_SKIPPED;
	return COMPACT_CONTINUE;
}

/* COMPACT_SUCCESS: a block is there already; COMPACT_SKIPPED: it would not help; or CONTINUE. */
u32 compaction_suitable(struct zone *zone, u32 order, u32 alloc_flags, u32 highest_zoneidx)
{
	u32 result = suitable_with(zone, order, alloc_flags, highest_zoneidx,
				   (u64)zone_page_state(zone, NR_FREE_PAGES));

	if (result == COMPACT_CONTINUE && order > PAGE_ALLOC_COSTLY_ORDER) {
		s64 index = fragmentation_index(zone, order);

		if (index >= 0 && (u64)index <= kdata->extfrag_threshold)
			result = COMPACT_SKIPPED;
	}
	trace3(mm_compaction_suitable, READ_ONCE(zone->zone_idx), order, result);
	return result;
}

/* Could compaction work in any zone once reclaim has done what it can? */
bool compaction_zonelist_suitable(const struct alloc_context *ac, u32 order, u32 alloc_flags)
{
	struct zoneref *ref = ac->preferred_zoneref;
	struct zone *zone;

	for_each_zone_nodemask(zone, ref, ac->highest_zoneidx, ac->nodemask) {
		u64 available = zone_reclaimable_pages(zone) / order;

		available += (u64)zone_page_state(zone, NR_FREE_PAGES);
		if (suitable_with(zone, order, alloc_flags, ac->highest_zoneidx, available) !=
		    COMPACT_SKIPPED)
			return true;
	}
	return false;
}

/* ---- one zone ---- */

static bool scanners_met(const struct compact_control *cc)
{
	return cc->free_pfn >> PAGEBLOCK_ORDER <= cc->migrate_pfn >> PAGEBLOCK_ORDER;
}

/* A block of the type, or one that could be taken over with its pageblock. */
static bool block_available(const struct compact_control *cc)
{
	u32 order;

	for (order = (u32)cc->order; order < MAX_ORDER; order++) {
		const struct free_area *area = &cc->zone->free_area[order];

		if (!list_empty(&area->free_list[cc->migratetype]))
			return true;
		if (fallback_can_steal(cc->zone, order, cc->migratetype))
			return true;
	}
	return false;
}

/* Down to the lower mark; kswapd at work is the better cure. */
static u32 proactive_finished(const struct compact_control *cc)
{
	if (READ_ONCE(cc->zone->zone_pgdat)->kswapd_awake)
		return COMPACT_PARTIAL_SKIPPED;
	return fragmentation_score_zone(cc->zone) > fragmentation_score_wmark(true) ?
		       COMPACT_CONTINUE : COMPACT_SUCCESS;
}

/* A pageblock once begun is finished: what is freed in it stays in one piece. */
static u32 __compact_finished(struct compact_control *cc)
{
	if (scanners_met(cc)) {
		reset_cached_positions(cc->zone);
		if (cc->direct)
			WRITE_ONCE(cc->zone->compact_blockskip_flush, true);
		return cc->whole_zone ? COMPACT_COMPLETE : COMPACT_PARTIAL_SKIPPED;
	}
	if (cc->proactive)
		return proactive_finished(cc);
	if (cc->order == WHOLE_ZONE_ORDER || cc->migrate_pfn % PAGEBLOCK_NR_PAGES)
		return COMPACT_CONTINUE;
	return block_available(cc) ? COMPACT_SUCCESS : COMPACT_CONTINUE;
}

static u32 compact_finished(struct compact_control *cc)
{
	u32 result = __compact_finished(cc);

	return (u32)trace_step_in(compact_finished, result, zone_id(cc->zone), result);
}

/*
 * A round: collect pages and move them. last_migrated is where pages were last
 * moved from and not yet drained, 0 nowhere. Returns COMPACT_CONTINUE or why to stop.
 */
static u32 compact_round(struct compact_control *cc, bool *update_cached, u64 *last_migrated)
{
	struct zone *zone = cc->zone;
	u64 start = cc->migrate_pfn;
	u32 result;

	cc->rescan = pageblock_start_pfn(*last_migrated) == pageblock_start_pfn(start);
	result = isolate_migratepages(cc);
	if (result == ISOLATE_ABORT) {
		putback_lru_pages(cc->migratepages, cc->nr_migratepages);
		cc->nr_migratepages = 0;
		return COMPACT_CONTENDED;
	}
	if (!result) {
		if (*update_cached)
			WRITE_ONCE(zone->compact_cached_migrate_pfn[1],
				   READ_ONCE(zone->compact_cached_migrate_pfn[0]));
		return COMPACT_CONTINUE;
	}
	*update_cached = false;
	*last_migrated = start;
	result = migrate_pages(cc);
	if (result == MIGRATE_DONE)
		return COMPACT_CONTINUE;
	if (result == MIGRATE_NO_TARGET && !scanners_met(cc))
		return COMPACT_CONTENDED;
	if (cc->direct && cc->mode == MIGRATE_ASYNC) {
		cc->migrate_pfn = block_end_pfn(cc->migrate_pfn - 1, cc->order);
		*last_migrated = 0; /* that block cannot be had: no need to drain for it */
	}
	return COMPACT_CONTINUE;
}

/* Once a block of the wanted size has been left, what was freed in it is to merge. */
static void drain_behind(struct compact_control *cc, u64 *last_migrated)
{
	if (cc->order <= 0 || !*last_migrated)
		return;
	if (*last_migrated < block_start_pfn(cc->migrate_pfn, cc->order)) {
		drain_pages_zone(smp_processor_id(), cc->zone);
		*last_migrated = 0;
	}
}

/* Free pages left over go back; the free scanner may begin above them next time. */
static void give_back(struct compact_control *cc)
{
	u64 highest = release_freepages(cc);

	if (!highest)
		return;
	highest = pageblock_start_pfn(highest);
	if (highest > READ_ONCE(cc->zone->compact_cached_free_pfn))
		WRITE_ONCE(cc->zone->compact_cached_free_pfn, highest);
}

u32 compact_zone(struct compact_control *cc, struct zone *zone, struct capture_control *capture)
{
	u64 last_migrated = 0;
	bool update_cached;
	u32 result;

	cc->zone = zone;
	cc->migrate_scanned = cc->free_scanned = cc->migrated = 0;
	if (cc->order != WHOLE_ZONE_ORDER) {
		result = compaction_suitable(zone, (u32)cc->order, cc->alloc_flags,
					     cc->highest_zoneidx);
		result = (u32)trace_step_in(compact_suitable, result, zone_id(zone), (u64)cc->order,
					    result);
		if (result == COMPACT_SUCCESS || result == COMPACT_SKIPPED)
			return result;
		if (compaction_restarting(zone, (u32)cc->order))
			__reset_isolation_suitable(zone);
	}
	cc->fast_start_pfn = 0;
	place_scanners(cc);
	update_cached = cc->mode == MIGRATE_ASYNC &&
			READ_ONCE(zone->compact_cached_migrate_pfn[0]) ==
				READ_ONCE(zone->compact_cached_migrate_pfn[1]);
	trace3(mm_compaction_begin, cc->migrate_pfn, cc->free_pfn, cc->mode);
	while ((result = compact_finished(cc)) == COMPACT_CONTINUE) {
		result = compact_round(cc, &update_cached, &last_migrated);
		if (result != COMPACT_CONTINUE)
			break;
		drain_behind(cc, &last_migrated);
		if (capture && READ_ONCE(capture->page)) {
			result = COMPACT_SUCCESS;
			break;
		}
	}
	give_back(cc);
	count_vm_events(COMPACTMIGRATE_SCANNED, cc->migrate_scanned);
	count_vm_events(COMPACTFREE_SCANNED, cc->free_scanned);
	trace3(mm_compaction_end, cc->migrated, READ_ONCE(zone->zone_idx), result);
	return result;
}

/* ---- for an allocation ---- */

/* While it runs, blocks of the order that this task's frees merge to are caught (buddy.c). */
static u32 compact_zone_order(struct zone *zone, u32 order, gfp_t gfp, u32 priority,
			      u32 alloc_flags, u32 highest_zoneidx, struct page **captured)
{
	struct compact_control cc;
	struct capture_control capture = { .cc = &cc, .page = NULL };
	u32 result;

	init_compact_control(&cc, (s32)order, gfp);
	cc.mode = priority == COMPACT_PRIO_ASYNC ? MIGRATE_ASYNC : MIGRATE_SYNC_LIGHT;
	cc.alloc_flags = alloc_flags;
	cc.highest_zoneidx = highest_zoneidx;
	cc.direct = true;
	cc.whole_zone = cc.ignore_skip_hint = cc.ignore_block_suitable =
		priority == MIN_COMPACT_PRIORITY;
	kms_set_capture(&capture);
	result = compact_zone(&cc, zone, &capture);
	kms_set_capture(NULL);
	*captured = capture.page;
	return capture.page ? COMPACT_SUCCESS : result;
}

/*
 * A freed block has merged to an order: does the compactor on whose task this
 * runs want it? Then it keeps it from the free lists. A movable pageblock is not
 * to be mixed for less than itself. zone->lock is held.
 */
bool compaction_capture(const struct zone *zone, struct page *page, u32 order, u32 mt)
{
	struct capture_control *capture = kms_capture();

	if (capture->page || capture->cc->zone != zone || (s32)order != capture->cc->order)
		return false;
	if (!migratetype_is_mergeable(mt) && mt != MIGRATE_HIGHATOMIC)
		return false;
	if (order < PAGEBLOCK_ORDER && mt == MIGRATE_MOVABLE)
		return false;
	capture->page = page;
	trace3(mm_compaction_capture, page_to_pfn(page), order, mt);
	trace_step(pg_capture, page_to_pfn(page), order, mt, zone_id(zone));
	return true;
}

u32 try_to_compact_pages(gfp_t gfp, u32 order, u32 alloc_flags, const struct alloc_context *ac,
			 u32 priority, struct page **capture)
{
	struct zoneref *ref = ac->preferred_zoneref;
	u32 best = COMPACT_SKIPPED;
	struct zone *zone;

	if (!(gfp & __GFP_IO))
		return COMPACT_SKIPPED;
	for_each_zone_nodemask(zone, ref, ac->highest_zoneidx, ac->nodemask) {
		u32 status;

		if (priority > MIN_COMPACT_PRIORITY && compaction_deferred(zone, order)) {
			best = max((u32)COMPACT_DEFERRED, best);
			continue;
		}
		status = compact_zone_order(zone, order, gfp, priority, alloc_flags,
					    ac->highest_zoneidx, capture);
		best = max(status, best);
		if (status == COMPACT_SUCCESS) {
			compaction_defer_reset(zone, order, false);
			break;
		}
		if (priority != COMPACT_PRIO_ASYNC &&
		    (status == COMPACT_COMPLETE || status == COMPACT_PARTIAL_SKIPPED))
			defer_compaction(zone, order);
	}
	return best;
}
