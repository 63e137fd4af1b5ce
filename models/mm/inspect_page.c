/*
 * inspect_page.c - the page allocator seen from outside, uncharged.
 *
 * Compiled without instrumentation. mm_inspect_zones() reads counters,
 * mm_inspect_zone_types() counts list entries; mm_check_pages() walks every list and holds it against
 * the struct pages, the counts and the other lists. Both are called between
 * operations.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "models/mm/inspect.h"
#include "models/mm/page_internal.h"

static const char *const zone_names[MAX_NR_ZONES] = { "DMA", "DMA32", "Normal", "Movable" };

const char *mm_zone_name(u32 zone_idx)
{
	return zone_names[zone_idx];
}
static const char *const type_names[MIGRATE_TYPES] = { "unmovable", "movable", "reclaimable",
						       "highatomic" };

/* ---- zones ---- */

static u64 list_length(const struct list_head *head)
{
	const struct list_head *p;
	u64 n = 0;

	list_for_each(p, head)
		n++;
	return n;
}

static s64 zone_free_pages(const struct zone *zone)
{
	s64 sum = zone->vm_stat[NR_FREE_PAGES];
	u32 cpu;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		sum += per_cpu_ptr(zone->per_cpu_zonestats, cpu)->vm_stat_diff[NR_FREE_PAGES];
	return sum;
}

static void count_pageblocks(const struct zone *zone, u32 *count)
{
	u64 pfn;

	for (pfn = ALIGN_DOWN(zone->zone_start_pfn, PAGEBLOCK_NR_PAGES); pfn < zone_end_pfn(zone);
	     pfn += PAGEBLOCK_NR_PAGES)
		count[get_pageblock_migratetype(pfn) % MIGRATE_TYPES]++;
}

void mm_inspect_pageblocks(u32 node, u32 zone_idx, u32 count[4])
{
	for (u32 mt = 0; mt < MIGRATE_TYPES; mt++)
		count[mt] = 0;
	count_pageblocks(&kdata->node_data[node]->node_zones[zone_idx], count);
}

u32 mm_inspect_pageblock_type(u64 pfn)
{
	return get_pageblock_migratetype(pfn);
}

u64 mm_inspect_max_pfn(void)
{
	return kdata->max_pfn;
}

u32 mm_inspect_pageblock_order(void)
{
	return PAGEBLOCK_ORDER;
}

static void count_free_blocks(const struct zone *zone, struct mm_zone_types *types)
{
	u32 order, mt;

	for (order = 0; order < MAX_ORDER; order++)
		for (mt = 0; mt < MIGRATE_TYPES; mt++)
			types->nr_free[order][mt] = list_length(&zone->free_area[order].free_list[mt]);
}

void mm_inspect_zone_types(u32 node, u32 zone_idx, struct mm_zone_types *types)
{
	const struct zone *zone = &kdata->node_data[node]->node_zones[zone_idx];

	*types = (struct mm_zone_types){ 0 };
	count_free_blocks(zone, types);
	count_pageblocks(zone, types->pageblocks);
}

static void add_free_blocks(const struct free_area *area, u32 order, u16 *in_block)
{
	const struct page *page;
	u64 pfn, end;
	u32 mt;

	for (mt = 0; mt < MIGRATE_TYPES; mt++)
		list_for_each_entry(page, &area->free_list[mt], lru)
			for (pfn = page_to_pfn(page), end = pfn + (1ull << order); pfn < end;) {
				u64 next = ALIGN_DOWN(pfn, PAGEBLOCK_NR_PAGES) + PAGEBLOCK_NR_PAGES;

				next = next < end ? next : end;
				in_block[pfn >> PAGEBLOCK_ORDER] += (u16)(next - pfn);
				pfn = next;
			}
}

void mm_inspect_free_pages(u16 *in_block)
{
	const struct zone *zone;
	u32 order;

	for_each_populated_zone(zone)
		for (order = 0; order < MAX_ORDER; order++)
			add_free_blocks(&zone->free_area[order], order, in_block);
}

static void inspect_zone(const struct zone *zone, struct mm_zone_info *info)
{
	u32 cpu, i;

	*info = (struct mm_zone_info){
		.node = (u32)zone->node,
		.zone_idx = zone->zone_idx,
		.name = zone_names[zone->zone_idx],
		.start_pfn = zone->zone_start_pfn,
		.spanned = zone->spanned_pages,
		.present = zone->present_pages,
		.managed = zone->managed_pages,
		.watermark_boost = zone->watermark_boost,
		.highatomic = zone->nr_reserved_highatomic,
		.free_counter = (u64)zone_page_state(zone, NR_FREE_PAGES),
		.nr_free_pages = (u64)zone_free_pages(zone),
		.pcp_high = zone->pageset_high,
		.pcp_batch = zone->pageset_batch,
	};
	for (i = 0; i < KMS_ARRAY_SIZE(info->watermark); i++)
		info->watermark[i] = zone->_watermark[i];
	for (i = 0; i < KMS_ARRAY_SIZE(info->reserve); i++)
		info->reserve[i] = zone->lowmem_reserve[i];
	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		info->pcp_pages += (u64)per_cpu_ptr(zone->per_cpu_pageset, cpu)->count;
	for (i = 0; i < MAX_ORDER; i++)
		info->nr_free[i] = zone->free_area[i].nr_free;
}

u32 mm_inspect_zones(struct mm_zone_info *zones, u32 max_zones)
{
	const struct zone *zone;
	u32 n = 0;

	for_each_populated_zone(zone) {
		if (n == max_zones)
			break;
		inspect_zone(zone, &zones[n++]);
	}
	return n;
}

/* ---- invariants ---- */

/* One check on its way through all lists. seen: a bit for each frame found free. */
struct page_check {
	const struct zone *zone;
	u8 *seen;
	struct kms_error *err;
};

static int bad_zone(const struct page_check *c, const char *what, u64 found, u64 expected)
{
	return kms_fail(c->err, KMS_EFAIL,
			"page allocator, node %d zone %s: %s is %" PRIu64 ", expected %" PRIu64,
			c->zone->node, zone_names[c->zone->zone_idx], what, found, expected);
}

static int bad_page(const struct page_check *c, u64 pfn, u32 order, const char *what)
{
	return kms_fail(c->err, KMS_EFAIL,
			"page allocator, node %d zone %s: frame 0x%" PRIx64 ", order %u: %s",
			c->zone->node, zone_names[c->zone->zone_idx], pfn, order, what);
}

/* Mark a block's frames as free; false if one of them already is. */
static bool mark_free(struct page_check *c, u64 pfn, u32 order)
{
	u64 end = pfn + (1ul << order);

	for (; pfn < end; pfn++) {
		u8 bit = (u8)(1u << pfn % 8);

		if (c->seen[pfn / 8] & bit)
			return false;
		c->seen[pfn / 8] |= bit;
	}
	return true;
}

/* What holds for every block that nobody owns, on whatever list. */
static int check_free_block(struct page_check *c, const struct page *page, u32 order)
{
	u64 pfn = page_to_pfn(page);

	if (pfn < c->zone->zone_start_pfn || pfn + (1ul << order) > zone_end_pfn(c->zone))
		return bad_page(c, pfn, order, "is free outside the zone");
	if (pfn & ((1ul << order) - 1))
		return bad_page(c, pfn, order, "is not aligned to its order");
	if (!mark_free(c, pfn, order))
		return bad_page(c, pfn, order, "is free twice");
	if (page->_refcount)
		return bad_page(c, pfn, order, "is free and referenced");
	if (page->index >= MIGRATE_TYPES && !PageBuddy(page))
		return bad_page(c, pfn, order, "carries no migratetype");
	return 0;
}

static bool is_free_buddy(const struct page *page, const struct zone *zone, u32 order)
{
	return zone_spans_pfn(zone, page_to_pfn(page)) && PageBuddy(page) &&
	       buddy_order(page) == order;
}

/* Below pageblock size, two free buddies are one free block. */
static int check_buddy_block(struct page_check *c, const struct page *page, u32 order)
{
	u64 pfn = page_to_pfn(page);

	if (!PageBuddy(page))
		return bad_page(c, pfn, order, "is on a free list and not marked free");
	if (buddy_order(page) != order)
		return bad_page(c, pfn, order, "is on a free list and marked with another order");
	if (order < PAGEBLOCK_ORDER &&
	    is_free_buddy(pfn_to_page(pfn ^ 1ul << order), c->zone, order))
		return bad_page(c, pfn, order, "and its buddy are free and not merged");
	return check_free_block(c, page, order);
}

/* Walk a list, at most limit entries, links in both directions. */
static int check_list(struct page_check *c, const struct list_head *head, u32 order, u64 limit,
		      int (*check)(struct page_check *, const struct page *, u32), u64 *count)
{
	const struct list_head *p;

	list_for_each(p, head) {
		const struct page *page = container_of(p, const struct page, lru);
		int rc;

		if (++*count > limit)
			return bad_page(c, page_to_pfn(page), order, "is on a list that is too long");
		if (p->prev->next != p || p->next->prev != p)
			return bad_page(c, page_to_pfn(page), order, "has broken list links");
		rc = check(c, page, order);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_free_lists(struct page_check *c)
{
	u64 pages = 0, counted = (u64)zone_free_pages(c->zone);
	u32 order, mt;
	int rc = 0;

	for (order = 0; order < MAX_ORDER; order++) {
		const struct free_area *area = &c->zone->free_area[order];
		u64 blocks = 0;

		for (mt = 0; mt < MIGRATE_TYPES && !rc; mt++)
			rc = check_list(c, &area->free_list[mt], order, area->nr_free,
					check_buddy_block, &blocks);
		if (rc)
			return kms_fail_in(c->err, "%s list", type_names[mt - 1]);
		if (blocks != area->nr_free)
			return bad_zone(c, "nr_free of an order", area->nr_free, blocks);
		pages += blocks << order;
	}
	return pages == counted ? 0 : bad_zone(c, "NR_FREE_PAGES", counted, pages);
}

static int check_pcp_block(struct page_check *c, const struct page *page, u32 order)
{
	if (PageBuddy(page))
		return bad_page(c, page_to_pfn(page), order, "is on a CPU's list and marked free");
	return check_free_block(c, page, order);
}

static int check_pcp(struct page_check *c, u32 cpu)
{
	const struct per_cpu_pages *pcp = per_cpu_ptr(c->zone->per_cpu_pageset, cpu);
	u64 pages = 0;
	u32 i;

	if (pcp->lock.slock)
		return bad_zone(c, "a CPU's list lock", pcp->lock.slock, 0);
	for (i = 0; i < NR_PCP_LISTS; i++) {
		u64 blocks = 0;
		int rc = check_list(c, &pcp->lists[i], pindex_to_order(i), (u64)pcp->count,
				    check_pcp_block, &blocks);

		if (rc)
			return kms_fail_in(c->err, "cpu %u list %u", cpu, i);
		pages += blocks << pindex_to_order(i);
	}
	if (pages != (u64)pcp->count)
		return bad_zone(c, "count of a CPU's lists", (u64)pcp->count, pages);
	return 0;
}

static int check_zone(struct page_check *c)
{
	u32 blocks[MIGRATE_TYPES] = { 0 }, cpu;
	u64 reserved;
	int rc = 0;

	if (c->zone->lock.slock)
		return bad_zone(c, "the zone's lock", c->zone->lock.slock, 0);
	rc = check_free_lists(c);
	for (cpu = 0; cpu < kdata->nr_cpu_ids && !rc; cpu++)
		rc = check_pcp(c, cpu);
	if (rc)
		return rc;
	count_pageblocks(c->zone, blocks);
	reserved = blocks[MIGRATE_HIGHATOMIC] * PAGEBLOCK_NR_PAGES;
	if (c->zone->nr_reserved_highatomic != reserved)
		return bad_zone(c, "nr_reserved_highatomic", c->zone->nr_reserved_highatomic,
				reserved);
	return 0;
}

/* ---- pages in user hands ---- */

static s64 node_count(const struct pglist_data *pgdat, u32 item)
{
	const struct per_cpu_nodestat __percpu *stats =
		(const struct per_cpu_nodestat __percpu *)pgdat->per_cpu_nodestats;
	s64 sum = pgdat->vm_stat[item];
	u32 cpu;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		sum += per_cpu_ptr(stats, cpu)->vm_node_stat_diff[item];
	return sum;
}

/* In use, on no free list, marked for the list it is on, and on one list only. */
static int check_lru_page(struct page_check *c, const struct page *page, u32 lru)
{
	u64 pfn = page_to_pfn(page);
	u32 belongs = (page->flags & PG_anon ? LRU_INACTIVE_ANON : LRU_INACTIVE_FILE) +
		      !!(page->flags & PG_active);

	if (!mark_free(c, pfn, 0))
		return bad_page(c, pfn, 0, "is on an LRU list and free, or on it twice");
	if (!(page->flags & PG_lru_listed) || lru != belongs)
		return bad_page(c, pfn, 0, "is on an LRU list that it is not marked for");
	if (page->_refcount != 1 || PageBuddy(page))
		return bad_page(c, pfn, 0, "is on an LRU list and not held by its owner alone");
	if ((page->mapping & 1) != (lru < LRU_INACTIVE_FILE))
		return bad_page(c, pfn, 0, "is on an LRU list of another kind of owner");
	return 0;
}

/* pre: all free frames are marked in c->seen */
static int check_lru(struct page_check *c, const struct pglist_data *pgdat)
{
	u32 lru;

	c->zone = pgdat->node_zones;
	while (!populated_zone(c->zone))
		c->zone++;
	if (pgdat->lruvec.lru_lock.slock)
		return bad_zone(c, "the node's lru_lock", pgdat->lruvec.lru_lock.slock, 0);
	for (lru = 0; lru < NR_LRU_LISTS; lru++) {
		u64 counted = (u64)node_count(pgdat, NR_LRU_BASE + lru), pages = 0;
		int rc = check_list(c, &pgdat->lruvec.lists[lru], lru, counted, check_lru_page,
				    &pages);

		if (rc)
			return kms_fail_in(c->err, "LRU list %u", lru);
		if (pages != counted)
			return bad_zone(c, "the count of an LRU list", counted, pages);
	}
	for (lru = NR_ISOLATED_ANON; lru <= NR_ISOLATED_FILE; lru++)
		if (node_count(pgdat, lru))
			return bad_zone(c, "pages taken off LRU lists", (u64)node_count(pgdat, lru),
					0);
	return 0;
}

int mm_check_pages(struct kms_error *err)
{
	struct page_check c = { .err = err };
	s64 sum = 0;
	int rc = 0;
	u32 nid;

	c.seen = calloc(kdata->max_pfn / 8 + 1, 1);
	if (!c.seen)
		return kms_fail(err, KMS_EFAIL, "no memory to check %" PRIu64 " frames",
				kdata->max_pfn);
	for (c.zone = next_populated_zone(NULL); c.zone && !rc;
	     c.zone = next_populated_zone(c.zone)) {
		sum += c.zone->vm_stat[NR_FREE_PAGES];
		rc = check_zone(&c);
	}
	for (nid = 0; nid < kdata->nr_node_ids && !rc; nid++)
		rc = check_lru(&c, kdata->node_data[nid]);
	free(c.seen);
	if (!rc && sum != kdata->vm_zone_stat[NR_FREE_PAGES])
		rc = kms_fail(err, KMS_EFAIL,
			      "page allocator: the machine counts %" PRId64
			      " free pages, its zones %" PRId64,
			      kdata->vm_zone_stat[NR_FREE_PAGES], sum);
	return rc;
}
