/*
 * fallback.c - pageblocks changing hands: stealing and the high-atomic reserve.
 *
 * When buddy.c finds no block of the wanted migratetype, a block of another
 * type is moved over, and with it, if enough of its pageblock goes along, the
 * pageblock's type. A small reserve of pageblocks is kept for high-order
 * atomic requests in the same way. All of it under the zone's lock.
 */
#include "models/mm/page_internal.h"

/* The two types to try for mt, in this order. */
static u32 fallback_type(u32 mt, u32 choice)
{
	if (choice == 0)
		return mt == MIGRATE_RECLAIMABLE ? MIGRATE_UNMOVABLE : MIGRATE_RECLAIMABLE;
	return mt == MIGRATE_MOVABLE ? MIGRATE_UNMOVABLE : MIGRATE_MOVABLE;
}

/*
 * May the rest of the block's pageblock be taken along? Only movable requests
 * finding a small block may not: their pages can be moved out again.
 */
static bool can_steal_fallback(u32 order, u32 start_mt)
{
	return order >= PAGEBLOCK_ORDER / 2 || start_mt != MIGRATE_MOVABLE ||
	       kdata->page_group_by_mobility_disabled;
}

/* Type of the list of this order to take a block from, or -1. */
static int find_suitable_fallback(const struct zone *zone, u32 order, u32 start_mt, bool *can_steal)
{
	const struct free_area *area = &zone->free_area[order];
	u32 choice;

	if (!area->nr_free)
		return -1;
	for (choice = 0; choice < 2; choice++) {
		u32 mt = fallback_type(start_mt, choice);

		if (list_empty(&area->free_list[mt]))
			continue;
		*can_steal = can_steal_fallback(order, start_mt);
		return (int)mt;
	}
	return -1;
}

/* Would a request of this type find a block of this order that it may take with its pageblock? */
bool fallback_can_steal(const struct zone *zone, u32 order, u32 start_mt)
{
	bool can_steal = false;

	return find_suitable_fallback(zone, order, start_mt, &can_steal) >= 0 && can_steal;
}

/* Raise the zone's watermarks for a while, so that reclaim makes room in whole pageblocks. */
static bool boost_watermark(struct zone *zone)
{
	u64 limit, boost;

	if (!kdata->watermark_boost_factor)
		return false;
	if (zone->managed_pages < 4 * PAGEBLOCK_NR_PAGES)
		return false;
	limit = mult_frac(zone->_watermark[WMARK_HIGH], kdata->watermark_boost_factor,
			  WATERMARK_SCALE);
	if (!limit)
		return false;
	limit = max(limit, (u64)PAGEBLOCK_NR_PAGES);
	boost = zone->watermark_boost + PAGEBLOCK_NR_PAGES;
	WRITE_ONCE(zone->watermark_boost, min(boost, limit));
	trace_step(boost, zone_id(zone), zone->watermark_boost);
	return true;
}

/* In use and held by somebody who can let go of it: on an LRU list. A tail asks its head. */
static bool page_is_movable(const struct page *page)
{
	u64 head = READ_ONCE(page->compound_head);

	if (head & 1)
		page = (const struct page *)(head - 1);
	return READ_ONCE(page->flags) & PG_lru;
}

/*
 * Move the free blocks of the page's pageblock to mt's lists (their tails, in
 * ascending order). Returns the pages moved; *movable counts pages in use that
 * could be moved away. A pageblock that sticks out of the zone's end is left alone.
 */
static u64 move_freepages_block(struct zone *zone, struct page *page, u32 mt, u64 *movable)
{
	u64 first = page_to_pfn(page), pfn = ALIGN_DOWN(first, PAGEBLOCK_NR_PAGES);
	u64 end = pfn + PAGEBLOCK_NR_PAGES, moved = 0, seen = 0;

	*movable = 0;
	if (!zone_spans_pfn(zone, pfn))
		pfn = first;
	first = pfn;
	if (end > zone_end_pfn(zone))
		return 0;
	while (pfn < end) {
		u32 order;

		page = pfn_to_page(pfn);
		seen++;
		if (!PageBuddy(page)) {
			*movable += page_is_movable(page);
			pfn++;
			continue;
		}
		order = buddy_order(page);
		move_to_free_list(page, zone, order, mt);
		pfn += 1ul << order;
		moved += 1ul << order;
	}
	trace1(mm_steal_scan, seen);
	*movable = trace_step_in(move_free, *movable, first, end - 1, mt, moved);
	return moved;
}

/* Move the free blocks of the pageblock over, and its type if half of it is then of that kind. */
static bool steal_pageblock(struct zone *zone, struct page *page, u32 old_mt, u32 start_mt)
{
	u64 movable, alike = 0;
	u64 moved = move_freepages_block(zone, page, start_mt, &movable);

	if (!moved)
		return false;
	if (start_mt == MIGRATE_MOVABLE)
		alike = movable;
	else if (old_mt == MIGRATE_MOVABLE)
		alike = PAGEBLOCK_NR_PAGES - (moved + movable);
	if (moved + alike >= PAGEBLOCK_NR_PAGES / 2 || kdata->page_group_by_mobility_disabled)
		set_pageblock_migratetype(page_to_pfn(page), start_mt);
	return true;
}

static void steal_suitable_fallback(struct zone *zone, struct page *page, u32 alloc_flags,
				    u32 start_mt, bool whole_block)
{
	u32 order = buddy_order(page), old_mt = get_pageblock_migratetype(page_to_pfn(page)), i;

	if (old_mt == MIGRATE_HIGHATOMIC)
		goto single_block;
	if (order >= PAGEBLOCK_ORDER) {
		for (i = 0; i < 1u << (order - PAGEBLOCK_ORDER); i++)
			set_pageblock_migratetype(page_to_pfn(page) + i * PAGEBLOCK_NR_PAGES,
						  start_mt);
		goto single_block;
	}
	if (boost_watermark(zone) && (alloc_flags & ALLOC_KSWAPD))
		__atomic_fetch_or(&zone->flags, 1ul << ZONE_BOOSTED_WATERMARK, __ATOMIC_SEQ_CST);
	if (whole_block && steal_pageblock(zone, page, old_mt, start_mt))
		return;
single_block:
	move_to_free_list(page, zone, order, start_mt);
}

/*
 * The order to steal at: the largest there is, so that few pageblocks get
 * mixed. A movable request that could take only part of a pageblock takes the
 * smallest block instead. -1: no other type has any.
 */
static int choose_fallback(const struct zone *zone, u32 order, u32 min_order, u32 start_mt,
			   u32 *chosen, bool *can_steal)
{
	u32 current;
	int mt = -1;

	for (current = kms_tunable(TUNE_MAX_PAGE_ORDER) + 1; mt < 0 && current-- > min_order;)
		mt = find_suitable_fallback(zone, current, start_mt, can_steal);
	*chosen = current;
	if (mt < 0 || *can_steal || start_mt != MIGRATE_MOVABLE || current <= order)
		return mt;
	for (mt = -1, current = order; mt < 0; current++)
		mt = find_suitable_fallback(zone, current, start_mt, can_steal);
	*chosen = current - 1;
	return mt;
}

/* Make free blocks of another type start_mt's. True: the caller's next look finds one. */
bool __rmqueue_fallback(struct zone *zone, u32 order, u32 start_mt, u32 alloc_flags)
{
	u32 min_order = order, chosen;
	struct page *page;
	bool can_steal = false;
	int mt;

	if (order < PAGEBLOCK_ORDER && (alloc_flags & ALLOC_NOFRAGMENT))
		min_order = PAGEBLOCK_ORDER;
	mt = choose_fallback(zone, order, min_order, start_mt, &chosen, &can_steal);
	if (mt < 0)
		return false;
	page = list_first_entry(&zone->free_area[chosen].free_list[mt], struct page, lru);
	trace_step(extfrag, page_to_pfn(page), order, chosen, start_mt, (u64)mt, zone_id(zone),
		   alloc_flags, can_steal);
	steal_suitable_fallback(zone, page, alloc_flags, start_mt, can_steal);
	trace3(mm_page_alloc_extfrag, order << 8 | chosen, start_mt, mt);
	return true;
}

/* ---- fallback "claim": a pageblock is taken as a whole or not at all ---- */

/* Like move_freepages_block(), but only looks. False: the pageblock sticks out of the zone. */
static bool count_pageblock(const struct zone *zone, u64 first, u64 *spare, u64 *movable)
{
	u64 pfn = ALIGN_DOWN(first, PAGEBLOCK_NR_PAGES), end = pfn + PAGEBLOCK_NR_PAGES, seen = 0;

	*spare = *movable = 0;
	if (!zone_spans_pfn(zone, pfn) || end > zone_end_pfn(zone))
		return false;
	while (pfn < end) {
		const struct page *page = pfn_to_page(pfn);
		u64 n = 1;

		seen++;
		if (PageBuddy(page)) {
			n = 1ul << buddy_order(page);
			*spare += n;
		} else {
			*movable += page_is_movable(page);
		}
		pfn += n;
	}
	trace1(mm_steal_scan, seen);
	return true;
}

/*
 * Types that CPUs' lists keep can be out of date: is the pageblock in the high-atomic reserve?
 * Its count must not lose it. (No kernel both claims and keeps types.)
 */
static bool reserve_under_old_type(u64 pfn)
{
	return kms_tunable(TUNE_FREED_TYPE) == FREED_TYPE_CACHED &&
	       get_pageblock_migratetype(pfn) == MIGRATE_HIGHATOMIC;
}

/* Make the block's pageblock start_mt's if half of it is free or alike; a block of it then. */
static struct page *try_to_claim_block(struct zone *zone, struct page *page, u32 current, u32 order,
				       u32 start_mt, u32 block_mt, u32 alloc_flags)
{
	u64 spare, movable, alike = 0, pfn = page_to_pfn(page);
	u32 i;

	if (reserve_under_old_type(pfn))
		return NULL;
	if (current >= PAGEBLOCK_ORDER) {
		for (i = 0; i < 1u << (current - PAGEBLOCK_ORDER); i++)
			set_pageblock_migratetype(pfn + i * PAGEBLOCK_NR_PAGES, start_mt);
		return take_free_block(page, zone, order, current, start_mt);
	}
	if (boost_watermark(zone) && (alloc_flags & ALLOC_KSWAPD))
		__atomic_fetch_or(&zone->flags, 1ul << ZONE_BOOSTED_WATERMARK, __ATOMIC_SEQ_CST);
	if (!count_pageblock(zone, pfn, &spare, &movable))
		return NULL;
	if (start_mt == MIGRATE_MOVABLE)
		alike = movable;
	else if (block_mt == MIGRATE_MOVABLE)
		alike = PAGEBLOCK_NR_PAGES - (spare + movable);
	if (spare + alike < PAGEBLOCK_NR_PAGES / 2 && !kdata->page_group_by_mobility_disabled)
		return NULL;
	move_freepages_block(zone, page, start_mt, &movable);
	set_pageblock_migratetype(pfn, start_mt);
	return __rmqueue_smallest(zone, order, start_mt);
}

/* From the largest blocks of other types down, as long as their order makes a claim worth while. */
struct page *__rmqueue_claim(struct zone *zone, u32 order, u32 start_mt, u32 alloc_flags)
{
	u32 min_order = order, current;

	if (order < PAGEBLOCK_ORDER && (alloc_flags & ALLOC_NOFRAGMENT))
		min_order = PAGEBLOCK_ORDER;
	for (current = MAX_ORDER; current-- > min_order;) {
		bool can_claim = false;
		int mt = find_suitable_fallback(zone, current, start_mt, &can_claim);
		struct page *page;

		if (mt < 0)
			continue;
		if (!can_claim)
			return NULL;
		page = list_first_entry(&zone->free_area[current].free_list[mt], struct page, lru);
		page = try_to_claim_block(zone, page, current, order, start_mt, (u32)mt, alloc_flags);
		if (page) {
			trace3(mm_page_alloc_extfrag, order << 8 | current, start_mt, mt);
			return page;
		}
	}
	return NULL;
}

/* The smallest block of another type; what is cut off stays that type's. */
struct page *__rmqueue_steal(struct zone *zone, u32 order, u32 start_mt)
{
	u32 current;

	for (current = order; current < MAX_ORDER; current++) {
		bool ignored;
		int mt = find_suitable_fallback(zone, current, start_mt, &ignored);
		struct page *page;

		if (mt < 0)
			continue;
		page = list_first_entry(&zone->free_area[current].free_list[mt], struct page, lru);
		trace3(mm_page_alloc_extfrag, order << 8 | current, start_mt, mt);
		return take_free_block(page, zone, order, current, (u32)mt);
	}
	return NULL;
}

/* ---- the reserve for high-order atomic requests ---- */

/* Set the pageblock of a page just allocated aside, up to 1 % of the zone and a pageblock. */
void reserve_highatomic_pageblock(struct page *page, struct zone *zone)
{
	u64 limit = zone->managed_pages / 100 + PAGEBLOCK_NR_PAGES, movable;

	if (READ_ONCE(zone->nr_reserved_highatomic) >= limit)
		return;
	spin_lock_irqsave(&zone->lock, LOCK_ZONE);
	if (zone->nr_reserved_highatomic < limit &&
	    migratetype_is_mergeable(get_pageblock_migratetype(page_to_pfn(page)))) {
		zone->nr_reserved_highatomic += PAGEBLOCK_NR_PAGES;
		trace_step(highatomic, page_to_pfn(page), zone->nr_reserved_highatomic,
			   zone_id(zone));
		set_pageblock_migratetype(page_to_pfn(page), MIGRATE_HIGHATOMIC);
		move_freepages_block(zone, page, MIGRATE_HIGHATOMIC, &movable);
	}
	spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
}

/* Return one reserved pageblock that has a free block; true if that made pages available. */
static bool unreserve_in_zone(struct zone *zone, u32 mt)
{
	u64 movable, moved = 0;
	u32 order;

	spin_lock_irqsave(&zone->lock, LOCK_ZONE);
	for (order = 0; order < MAX_ORDER && !moved; order++) {
		struct list_head *list = &zone->free_area[order].free_list[MIGRATE_HIGHATOMIC];
		struct page *page = list_first_entry_or_null(list, struct page, lru);

		if (!page)
			continue;
		if (get_pageblock_migratetype(page_to_pfn(page)) == MIGRATE_HIGHATOMIC)
			zone->nr_reserved_highatomic -=
				min(PAGEBLOCK_NR_PAGES, zone->nr_reserved_highatomic);
		trace_step(unreserve, page_to_pfn(page), zone->nr_reserved_highatomic,
			   zone_id(zone), mt);
		set_pageblock_migratetype(page_to_pfn(page), mt);
		moved = move_freepages_block(zone, page, mt, &movable);
		trace3(mm_highatomic_unreserve, page_to_pfn(page), moved, zone->zone_idx);
	}
	spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
	return moved != 0;
}

/* One pageblock is kept unless forced. */
bool unreserve_highatomic_pageblock(const struct alloc_context *ac, bool force)
{
	struct zoneref *ref = ac->preferred_zoneref;
	struct zone *zone;

	for_each_zone_nodemask(zone, ref, ac->highest_zoneidx, ac->nodemask) {
		if (!force && zone->nr_reserved_highatomic <= PAGEBLOCK_NR_PAGES)
			continue;
		if (unreserve_in_zone(zone, ac->migratetype))
			return true;
	}
	return false;
}
