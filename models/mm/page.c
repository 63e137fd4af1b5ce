/*
 * page.c - struct page and pageblocks: identity, types, compound pages.
 *
 * A struct page that was never written reads as zeros. Its zone and node are
 * filled in when somebody first needs them, found by its frame number; the
 * kernel fills them in for every page at boot. Pageblock types are four bits
 * each in the page's memory section.
 */
#include "models/mm/page_internal.h"

void init_page_zone(struct page *page, const struct zone *zone)
{
	u64 identity = (u64)zone->node << PAGE_NODE_SHIFT | (u64)zone->zone_idx << PAGE_ZONE_SHIFT;

	page->flags |= identity | PG_init;
}

struct zone *pfn_to_zone(u64 pfn)
{
	struct zone *zone;

	for_each_populated_zone(zone)
		if (zone_spans_pfn(zone, pfn))
			return zone;
	BUG_ON(!"page frame in no zone");
	__builtin_unreachable();
}

/* pre: the page is the caller's own, or free under its zone's lock (the first look writes). */
struct zone *page_zone(struct page *page)
{
	u64 flags = READ_ONCE(page->flags);

	if (unlikely(!(flags & PG_init))) {
		init_page_zone(page, pfn_to_zone(page_to_pfn(page)));
		flags = READ_ONCE(page->flags);
	}
	return &kdata->node_data[flags >> PAGE_NODE_SHIFT]
			->node_zones[flags >> PAGE_ZONE_SHIFT & (MAX_NR_ZONES - 1)];
}

u32 page_to_nid(struct page *page)
{
	u64 flags = READ_ONCE(page->flags);

	if (unlikely(!(flags & PG_init)))
		return (u32)page_zone(page)->node;
	return (u32)(flags >> PAGE_NODE_SHIFT);
}

/* ---- pageblocks ---- */

void set_pageblock_migratetype(u64 pfn, u32 mt)
{
	u64 *word = pageblock_word(pfn);
	u32 shift = pageblock_shift(pfn);
	u64 old = READ_ONCE(*word), type;

	type = kdata->page_group_by_mobility_disabled && mt < MIGRATE_PCPTYPES ? 0 : mt;
	trace3(mm_set_pageblock, pfn, type, old >> shift & PAGEBLOCK_MASK);
	while (!__atomic_compare_exchange_n(word, &old,
					    (old & ~(PAGEBLOCK_MASK << shift)) | type << shift,
					    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	trace_step(set_pb_mt, pfn, type, old >> shift & PAGEBLOCK_MASK);
}

/* ---- blocks of several pages ---- */

void prep_compound_page(struct page *page, u32 order)
{
	u64 nr = 1ul << order, i;

	trace2(mm_prep_compound, nr - 1, order);
	page->flags |= PG_head;
	for (i = 1; i < nr; i++) {
		page[i].mapping = TAIL_MAPPING;
		WRITE_ONCE(page[i].compound_head, (u64)page | 1);
		page[i].private = 0;
	}
	page[1].compound_dtor = 1;
	page[1].compound_order = (u8)order;
}

u32 compound_order(struct page *head)
{
	return PageHead(head) ? head[1].compound_order : 0;
}

void check_new_pages(const struct page *page, u32 order)
{
	u64 nr = 1ul << order, i;

	trace1(mm_prep_pages, nr);
	for (i = 0; i < nr; i++)
		check_free_page(page + i);
}
