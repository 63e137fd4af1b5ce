/*
 * buddy.c - a zone's free lists: taking, splitting and merging blocks.
 *
 * free_area[order] has one list per migratetype and one count for all of them.
 * Only the first page of a free block is marked (PageBuddy, order in private).
 * Blocks are taken from a list's head. pcp.c and page_alloc.c call in here with
 * the zone's lock held; fallback.c steps in when a migratetype has run out.
 */
#include "models/mm/page_internal.h"

static void set_buddy_order(struct page *page, u32 order)
{
	page->private = order;
	page->page_type |= PAGE_TYPE_BUDDY;
}

/* Behind the last block of a lower address, sought from the end. */
static void insert_by_address(struct page *page, struct list_head *list)
{
	struct list_head *before = READ_ONCE(list->prev);

	while (before != list && before > &page->lru)
		before = READ_ONCE(before->prev);
	list_add(&page->lru, before);
}

/* free_list_order: the kernel's lists are stacks, but for blocks that are better used last. */
static void insert_block(struct page *page, struct list_head *list, bool tail)
{
	u32 free_list_order = kms_tunable(TUNE_FREE_LIST_ORDER);

	if (unlikely(free_list_order == FREE_LIST_ADDRESS))
		insert_by_address(page, list);
	else if (tail || unlikely(free_list_order == FREE_LIST_FIFO))
		list_add_tail(&page->lru, list);
	else
		list_add(&page->lru, list);
}

static void add_to_free_list(struct page *page, struct zone *zone, u32 order, u32 mt, bool tail)
{
	struct free_area *area = &zone->free_area[order];

	insert_block(page, &area->free_list[mt], tail);
	area->nr_free++;
}

void del_page_from_free_list(struct page *page, struct zone *zone, u32 order)
{
	list_del(&page->lru);
	page->page_type &= ~PAGE_TYPE_BUDDY;
	page->private = 0;
	zone->free_area[order].nr_free--;
}

/* To the tail of mt's list of the same order; the pageblock keeps its type. */
void move_to_free_list(struct page *page, struct zone *zone, u32 order, u32 mt)
{
	__list_unlink(&page->lru);
	insert_block(page, &zone->free_area[order].free_list[mt], true);
}

/* ---- freeing ---- */

/*
 * Is this page the first of a free block of that order, in this zone? The zone
 * is looked at last: until then the page may be in use and not ours to read
 * more of. No check that the frame exists: the memmap covers whole blocks of
 * the largest order.
 */
static bool page_is_buddy(struct page *page, const struct zone *zone, u32 order)
{
	return PageBuddy(page) && buddy_order(page) == order && page_zone(page) == zone;
}

/* From pageblock size up, two blocks merge if their types are equal or both ordinary. */
static bool pageblocks_merge(u32 mt, u64 buddy_pfn)
{
	u32 buddy_mt = get_pageblock_migratetype(buddy_pfn);

	return buddy_mt == mt ||
	       (migratetype_is_mergeable(mt) && migratetype_is_mergeable(buddy_mt));
}

/* If the pair next to this one is free as a whole, this block may soon merge twice: use it last. */
static bool buddy_merge_likely(u64 pfn, u64 buddy_pfn, const struct zone *zone, u32 order)
{
	u64 pair = pfn & buddy_pfn;

	if (order + 1 >= kms_tunable(TUNE_MAX_PAGE_ORDER) || !kms_tunable(TUNE_MERGE_LOOKAHEAD))
		return false;
	return page_is_buddy(pfn_to_page(pair ^ 1ul << (order + 1)), zone, order + 1);
}

/* In a replay: does the recording show direct compaction taking the block over, off any list? */
static bool captured(const struct page *page, u64 pfn, struct zone *zone, u32 order, u32 mt)
{
	(void)page;
	if (!trace_step_next(pg_capture, pfn, order, mt, zone_id(zone)))
		return false;
	__mod_zone_page_state(zone, NR_FREE_PAGES, -((s64)1 << order));
	return true;
}

/* All pageblocks of a block become of one type. */
static void set_pageblocks(u64 pfn, u32 order, u32 mt)
{
	u64 end = pfn + (1ul << order);

	for (; pfn < end; pfn += PAGEBLOCK_NR_PAGES)
		if (get_pageblock_migratetype(pfn) != mt)
			set_pageblock_migratetype(pfn, mt);
}

/* Give a block to the free lists, merged as far as it goes (page_alloc.md 6). */
void __free_one_page(struct page *page, u64 pfn, struct zone *zone, u32 order, u32 mt, u32 fpi)
{
	u32 start = order, most = kms_tunable(TUNE_MAX_PAGE_ORDER);
	u64 buddy_pfn = 0, first = pfn;
	bool capture = kms_capture() != NULL, tail;

	__mod_zone_page_state(zone, NR_FREE_PAGES, (s64)1 << order);
	while (order < most) {
		struct page *buddy;

		if (captured(page, pfn, zone, order, mt))
			return;
		if (unlikely(capture) && compaction_capture(zone, page, order, mt)) {
			__mod_zone_page_state(zone, NR_FREE_PAGES, -((s64)1 << order));
			return;
		}
		buddy_pfn = pfn ^ 1ul << order;
		buddy = pfn_to_page(buddy_pfn);
		if (!page_is_buddy(buddy, zone, order))
			break;
		if (order >= PAGEBLOCK_ORDER && !pageblocks_merge(mt, buddy_pfn))
			break;
		del_page_from_free_list(buddy, zone, order);
		if (order >= PAGEBLOCK_ORDER && kms_tunable(TUNE_FREED_TYPE) == FREED_TYPE_EXACT)
			set_pageblocks(buddy_pfn, order, mt);
		pfn &= buddy_pfn;
		page = pfn_to_page(pfn);
		order++;
	}
	set_buddy_order(page, order);
	tail = (fpi & FPI_TO_TAIL) || buddy_merge_likely(pfn, buddy_pfn, zone, order);
	add_to_free_list(page, zone, order, mt, tail);
	trace3(mm_buddy_free, order - start, order, tail);
	trace_step(buddy_free, first, start, mt, order, tail, fpi, pfn, zone_id(zone));
}

/* ---- taking ---- */

/* Take a free block as a whole off its list, for compaction. */
void isolate_free_block(struct zone *zone, struct page *page, u32 order)
{
	u64 pfn = page_to_pfn(page), end = pfn + (1ul << order);
	u32 mt = get_pageblock_migratetype(pfn);

	del_page_from_free_list(page, zone, order);
	__mod_zone_page_state(zone, NR_FREE_PAGES, -((s64)1 << order));
	trace_step(isolate_free, pfn, order, mt, zone_id(zone));
	if (order < PAGEBLOCK_ORDER - 1)
		return;
	for (; pfn < end; pfn += PAGEBLOCK_NR_PAGES)
		if (migratetype_is_mergeable(get_pageblock_migratetype(pfn)))
			set_pageblock_migratetype(pfn, MIGRATE_MOVABLE);
}

/* Split a block of order high down to low: upper halves go back to list heads. */
static void expand(struct zone *zone, struct page *page, u32 low, u32 high, u32 mt)
{
	if (low == high)
		return;
	trace1(mm_expand, high - low);
	while (high > low) {
		struct page *upper;

		high--;
		upper = page + (1ul << high);
		add_to_free_list(upper, zone, high, mt, false);
		set_buddy_order(upper, high);
	}
}

/* Take a free block of order from off its list and cut it down to order; the rest becomes mt's. */
struct page *take_free_block(struct page *page, struct zone *zone, u32 order, u32 from, u32 mt)
{
	trace3(mm_rmqueue, from - order, order, from);
	del_page_from_free_list(page, zone, from);
	expand(zone, page, order, from, mt);
	page->index = mt;
	trace_step(buddy_del, page_to_pfn(page), order, from, mt, zone_id(zone));
	return page;
}

/* The smallest block that will do, of exactly this migratetype; NULL if there is none. */
struct page *__rmqueue_smallest(struct zone *zone, u32 order, u32 mt)
{
	u32 current, most = kms_tunable(TUNE_MAX_PAGE_ORDER);

	for (current = order; current <= most; current++) {
		struct list_head *list = &zone->free_area[current].free_list[mt];
		struct page *page = list_first_entry_or_null(list, struct page, lru);

		if (!page)
			continue;
		return take_free_block(page, zone, order, current, mt);
	}
	return NULL;
}

/*
 * With fallback "claim": a claimed pageblock serves the next requests as well,
 * a stolen block does not, so a refill goes straight on to the next steal.
 */
static struct page *claim_or_steal(struct zone *zone, u32 order, u32 mt, u32 alloc_flags, u32 *mode)
{
	struct page *page;

	if (*mode <= RMQUEUE_CLAIM) {
		page = __rmqueue_claim(zone, order, mt, alloc_flags);
		*mode = RMQUEUE_NORMAL;
		if (page)
			return page;
	}
	if (alloc_flags & ALLOC_NOFRAGMENT)
		return NULL;
	page = __rmqueue_steal(zone, order, mt);
	if (page)
		*mode = RMQUEUE_STEAL;
	return page;
}

/* A block of mt, if need be of another type. mode: RMQUEUE_NORMAL before the first of a batch. */
struct page *__rmqueue_mode(struct zone *zone, u32 order, u32 mt, u32 alloc_flags, u32 *mode)
{
	struct page *page = NULL;

	do {
		if (*mode == RMQUEUE_NORMAL)
			page = __rmqueue_smallest(zone, order, mt);
		if (page)
			return page;
		if (kms_tunable(TUNE_FALLBACK) == FALLBACK_CLAIM)
			return claim_or_steal(zone, order, mt, alloc_flags, mode);
	} while (__rmqueue_fallback(zone, order, mt, alloc_flags));
	return NULL;
}

struct page *__rmqueue(struct zone *zone, u32 order, u32 mt, u32 alloc_flags)
{
	u32 mode = RMQUEUE_NORMAL;

	return __rmqueue_mode(zone, order, mt, alloc_flags, &mode);
}
