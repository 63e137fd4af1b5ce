/*
 * compact_free.c - compaction's upper scanner: free pages to move pages to.
 *
 * First a look through the movable free lists, from their ends, for a block high
 * up in the zone; lists are turned so that the next look begins elsewhere. If
 * that brings nothing, pageblocks are walked from the zone's end downwards.
 * Free blocks leave the lists without an allocation and become single pages.
 */
#include "models/mm/compaction.h"

/* ---- taking a free block off its list ---- */

/* zone->lock is held. False if the zone would fall to its min mark. */
static bool __isolate_free_page(struct zone *zone, struct page *page, u32 order)
{
	u64 mark = READ_ONCE(zone->_watermark[WMARK_MIN]) + (1ul << order);

	if (!__zone_watermark_ok(zone, 0, mark, 0, 0, zone_page_state(zone, NR_FREE_PAGES)))
		return false;
	isolate_free_block(zone, page, order);
	WRITE_ONCE(page->private, order);
	return true;
}

/* Blocks taken, chained in the order in which they came. */
struct block_chain {
	struct page *first, *last;
};

static void chain_block(struct compact_control *cc, struct block_chain *chain, struct page *page,
			u32 order)
{
	page->lru.next = NULL;
	if (chain->last)
		chain->last->lru.next = (struct list_head *)page;
	else
		chain->first = page;
	chain->last = page;
	cc->nr_freepages += 1u << order;
}

/* Every page with a reference of its own, the last page of the last block on top. */
static void split_map_pages(struct compact_control *cc, const struct block_chain *chain)
{
	struct page *block = chain->first;

	while (block) {
		struct page *next = (struct page *)READ_ONCE(block->lru.next);
		u64 nr = 1ul << block->private, i;

		WRITE_ONCE(block->private, 0);
		for (i = 0; i < nr; i++) {
			WRITE_ONCE(block[i]._refcount, 1);
			block[i].lru.next = (struct list_head *)cc->freepages;
			cc->freepages = block + i;
		}
		block = next;
	}
}

u64 release_freepages(struct compact_control *cc)
{
	u64 highest = 0;

	while (cc->freepages) {
		struct page *page = cc->freepages;
		u64 pfn = page_to_pfn(page);

		cc->freepages = (struct page *)READ_ONCE(page->lru.next);
		__free_pages(page, 0);
		highest = max(highest, pfn);
	}
	cc->nr_freepages = 0;
	return highest;
}

/* ---- one pageblock ---- */

/*
 * Walk [*start_pfn, end_pfn) in steps of stride and take free blocks until there
 * are as many pages as are to be moved. Returns the pages taken; *start_pfn is
 * where it stopped.
 */
static u32 isolate_freepages_block(struct compact_control *cc, u64 *start_pfn, u64 end_pfn,
				   u32 stride, struct block_chain *chain)
{
	struct zone *zone = cc->zone;
	u64 pfn = *start_pfn, scanned = 0;
	u32 isolated = 0;
	bool locked = false;

	for (; pfn < end_pfn; pfn += stride) {
		struct page *page = pfn_to_page(pfn);
		u32 order;

		if (locked && pfn % COMPACT_CLUSTER_MAX == 0) {
			spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
			locked = false;
		}
		scanned++;
		if (PageHead(page)) {
			pfn += (1ul << compound_order(page)) - 1;
			continue;
		}
		if (!PageBuddy(page))
			continue;
		if (!locked) {
			spin_lock_irqsave(&zone->lock, LOCK_ZONE);
			locked = true;
			if (!PageBuddy(page))
				continue;
		}
		order = buddy_order(page);
		if (!__isolate_free_page(zone, page, order))
			break;
		chain_block(cc, chain, page, order);
		isolated += 1u << order;
		scanned += (1ul << order) - 1;
		pfn += (1ul << order) - 1;
		if (cc->nr_migratepages <= cc->nr_freepages) {
			pfn++;
			break;
		}
	}
	if (locked)
		spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
	*start_pfn = min(pfn, end_pfn);
	cc->free_scanned += scanned;
	trace3(mm_compaction_isolate_freepages, scanned, isolated, *start_pfn);
	count_vm_events(COMPACTISOLATED, isolated);
	return isolated;
}

/* ---- the fast search ---- */

/* State of one search through the orders. */
struct fast_search {
	u64 low_pfn, min_pfn; /* wanted at least, accepted at least */
	u64 highest;	      /* pageblock of the highest block seen */
	u32 limit, scanned;
	bool first_time;
};

/* From smaller to smaller orders and round again from the largest; -1 when back at the start. */
static s32 next_search_order(struct compact_control *cc, s32 order)
{
	order--;
	if (order < 0)
		order = cc->order - 1;
	if (order != cc->search_order)
		return order;
	cc->search_order--;
	if (cc->search_order < 0)
		cc->search_order = cc->order - 1;
	return -1;
}

/*
 * From the end of one list: a block at low_pfn or above; failing that the last
 * candidate above min_pfn. The list is turned so that what was looked at comes
 * last to be looked at again.
 */
static struct page *search_order(struct compact_control *cc, struct fast_search *s, u32 order,
				 u32 *looked_at)
{
	struct list_head *list = &cc->zone->free_area[order].free_list[MIGRATE_MOVABLE];
	struct list_head *entry;
	struct page *page = NULL, *found = NULL;
	u64 candidate = 0;

	for (entry = READ_ONCE(list->prev); entry != list; entry = READ_ONCE(entry->prev)) {
		u64 pfn;

		page = list_entry(entry, struct page, lru);
		pfn = page_to_pfn(page);
		(*looked_at)++;
		if (pfn >= s->highest)
			s->highest = max(pageblock_start_pfn(pfn), READ_ONCE(cc->zone->zone_start_pfn));
		if (pfn >= s->low_pfn) {
			cc->fast_search_fail = 0;
			cc->search_order = (s32)order;
			found = page;
			break;
		}
		if (pfn >= s->min_pfn && pfn > candidate) {
			candidate = pfn;
			s->limit >>= 1;
		}
		if (*looked_at >= s->limit)
			break;
	}
	if (!found && candidate)
		found = page = pfn_to_page(candidate);
	if (page && (found || entry != list))
		move_freelist_head(list, page, order);
	return found;
}

/* Search order after order; the block found is taken and chained. */
static struct page *search_orders(struct compact_control *cc, struct fast_search *s,
				  struct block_chain *chain)
{
	struct page *page = NULL;
	s32 order;

	for (order = cc->search_order; !page && order >= 0; order = next_search_order(cc, order)) {
		u32 looked_at = 0;

		if (!READ_ONCE(cc->zone->free_area[order].nr_free))
			continue;
		spin_lock_irqsave(&cc->zone->lock, LOCK_ZONE);
		page = search_order(cc, s, (u32)order, &looked_at);
		s->scanned += looked_at;
		if (page && __isolate_free_page(cc->zone, page, (u32)order)) {
			chain_block(cc, chain, page, (u32)order);
			s->scanned += (1u << order) - 1;
			count_vm_events(COMPACTISOLATED, 1ul << order);
		} else if (page) { /* too little is free: end the search */
			order = cc->search_order + 1;
			page = NULL;
		}
		spin_unlock_irqrestore(&cc->zone->lock, LOCK_ZONE);
		if (looked_at >= s->limit)
			s->limit = max(s->limit >> 1, 1u);
	}
	return page;
}

/* The rest of the pageblock in which a block was found. */
static void fast_isolate_around(struct compact_control *cc, u64 pfn, struct block_chain *chain)
{
	u64 start = max(pageblock_start_pfn(pfn), READ_ONCE(cc->zone->zone_start_pfn));
	u64 end = min(pageblock_end_pfn(pfn), zone_end(cc->zone));

	if (cc->nr_freepages >= cc->nr_migratepages)
		return;
	if (cc->direct && cc->mode == MIGRATE_ASYNC)
		return;
	isolate_freepages_block(cc, &start, end, 1, chain);
	if (start == end)
		change_pageblock_skip(pfn, true);
}

/*
 * Nothing at or above the wanted place. At the beginning of a pass the search goes
 * on around the highest block that was seen, or in the middle between the scanners;
 * returns that frame, 0 none. Once the scanners have passed each other the wanted
 * places are no frames.
 */
static u64 search_failed(struct compact_control *cc, const struct fast_search *s)
{
	u64 start = READ_ONCE(cc->zone->zone_start_pfn), pfn = 0;

	cc->fast_search_fail++;
	if (!s->first_time)
		return 0;
	if (s->highest >= s->min_pfn)
		pfn = s->highest;
	else if (cc->direct && s->min_pfn < kdata->max_pfn)
		pfn = max(s->min_pfn, start);
	if (pfn)
		cc->free_pfn = pfn;
	return pfn;
}

static void fast_isolate_freepages(struct compact_control *cc, struct block_chain *chain)
{
	u64 distance = cc->free_pfn - cc->migrate_pfn;
	struct fast_search s = { .limit = max(freelist_scan_limit(cc) >> 1, 1u) };
	struct zone *zone = cc->zone;
	struct page *page;
	u64 around;

	if (cc->free_pfn >= READ_ONCE(zone->compact_init_free_pfn)) {
		s.limit = PAGEBLOCK_NR_PAGES >> 1;
		s.first_time = true;
	}
	s.low_pfn = pageblock_start_pfn(cc->free_pfn - (distance >> 2));
	s.min_pfn = pageblock_start_pfn(cc->free_pfn - (distance >> 1));
	cc->search_order = min(cc->order - 1, cc->search_order);
	page = search_orders(cc, &s, chain);
	cc->free_scanned += s.scanned;
	trace3(mm_compaction_fast_search, s.scanned, page != NULL, page ? page_to_pfn(page) : 0);
	around = page ? page_to_pfn(page) : search_failed(cc, &s);
	if (s.highest && s.highest >= READ_ONCE(zone->compact_cached_free_pfn))
		WRITE_ONCE(zone->compact_cached_free_pfn, s.highest - PAGEBLOCK_NR_PAGES);
	if (around)
		fast_isolate_around(cc, around, chain);
}

/* ---- the walk ---- */

/* Movable, not skipped, and not free as a whole: that one is what compaction is for. */
static bool suitable_migration_target(const struct compact_control *cc, u64 pfn)
{
	const struct page *page = pfn_to_page(pfn);

	if (PageBuddy(page) && READ_ONCE(page->private) >= PAGEBLOCK_ORDER)
		return false;
	return cc->ignore_block_suitable || get_pageblock_migratetype(pfn) == MIGRATE_MOVABLE;
}

static void update_pageblock_skip(struct compact_control *cc, u64 pfn)
{
	change_pageblock_skip(pfn, true);
	if (pfn < READ_ONCE(cc->zone->compact_cached_free_pfn))
		WRITE_ONCE(cc->zone->compact_cached_free_pfn, pfn);
}

/* Pageblock by pageblock downwards, to the lower scanner's. Sets free_pfn. */
static void walk_pageblocks(struct compact_control *cc, struct block_chain *chain)
{
	u64 start = cc->free_pfn, block = pageblock_start_pfn(start);
	u64 low = pageblock_end_pfn(cc->migrate_pfn), last = zone_end(cc->zone);
	u32 stride = cc->mode == MIGRATE_ASYNC ? COMPACT_CLUSTER_MAX : 1;

	while (block >= low) {
		u64 end = min(block + PAGEBLOCK_NR_PAGES, last);
		u32 isolated = 0;

		if (block % (COMPACT_CLUSTER_MAX * PAGEBLOCK_NR_PAGES) == 0)
			kms_cond_resched();
		if (suitable_migration_target(cc, block) &&
		    (cc->ignore_skip_hint || !get_pageblock_skip(block))) {
			isolated = isolate_freepages_block(cc, &start, end, stride, chain);
			if (start == end)
				update_pageblock_skip(cc, block);
			if (cc->nr_freepages >= cc->nr_migratepages) {
				if (start >= end)
					start = block - PAGEBLOCK_NR_PAGES;
				break;
			}
			if (start < end)
				break;
			stride = isolated ? 1 : min(COMPACT_CLUSTER_MAX, stride << 1);
		}
		block -= PAGEBLOCK_NR_PAGES;
		start = block;
	}
	cc->free_pfn = start;
}

void isolate_freepages(struct compact_control *cc)
{
	struct block_chain chain = { NULL, NULL };

	if (cc->order > 0)
		fast_isolate_freepages(cc, &chain);
	if (!cc->nr_freepages)
		walk_pageblocks(cc, &chain);
	split_map_pages(cc, &chain);
}
