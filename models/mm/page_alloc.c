/*
 * page_alloc.c - the page allocator's entry points (Linux 6.1).
 *
 * An allocation walks the zones of its zonelist, takes the first whose
 * watermark allows it (watermark.c), gets a block from this CPU's lists
 * (pcp.c) or straight from the zone's free lists (buddy.c), and prepares its
 * struct pages. When every zone was below its low mark, the slow path
 * (slowpath.c) takes over.
 */
#include "models/mm/page_internal.h"

/* ---- taking a block from a zone ---- */

static struct page *rmqueue_buddy_once(struct zone *zone, u32 order, u32 mt, u32 alloc_flags)
{
	struct page *page = NULL;

	spin_lock_irqsave(&zone->lock, LOCK_ZONE);
	if (alloc_flags & ALLOC_HIGHATOMIC)
		page = __rmqueue_smallest(zone, order, MIGRATE_HIGHATOMIC);
	if (!page) {
		page = __rmqueue(zone, order, mt, alloc_flags);
		if (!page && (alloc_flags & (ALLOC_OOM | ALLOC_NON_BLOCK)))
			page = __rmqueue_smallest(zone, order, MIGRATE_HIGHATOMIC);
	}
	if (page) {
		__mod_zone_page_state(zone, NR_FREE_PAGES, -((s64)1 << order));
		trace_step(rmq_buddy, page_to_pfn(page), order, mt, page->index, alloc_flags,
			   zone_id(zone));
	}
	spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
	return page;
}

static struct page *rmqueue_buddy(struct zone *preferred, struct zone *zone, u32 order, u32 mt,
				  u32 alloc_flags)
{
	struct page *page;

	if (stepping() && kms_step_leaves_out(zone_id(zone), ~0u)) /* found nothing, before others freed */
		return NULL;
	page = rmqueue_buddy_once(zone, order, mt, alloc_flags);
	if (!page)
		return NULL;
	trace3(mm_rmqueue_buddy, order, mt, page_to_pfn(page));
	check_new_pages(page, order);
	count_vm_events(PGALLOC_DMA + zone->zone_idx, 1ul << order);
	zone_statistics(preferred, zone, 1);
	return page;
}

static struct page *rmqueue(struct zone *preferred, struct zone *zone, u32 order, u32 alloc_flags,
			    u32 mt)
{
	struct page *page = NULL;

	if (pcp_allowed_order(order)) {
		page = rmqueue_pcplist(preferred, zone, order, mt, alloc_flags);
		if (page && order)
			trace1(mm_page_alloc_order, order);
	}
	if (!page)
		page = rmqueue_buddy(preferred, zone, order, mt, alloc_flags);
	if (unlikely(zone_flag(zone, ZONE_BOOSTED_WATERMARK)) && (alloc_flags & ALLOC_KSWAPD)) {
		__atomic_fetch_and(&zone->flags, ~(1ul << ZONE_BOOSTED_WATERMARK),
				   __ATOMIC_SEQ_CST);
		wakeup_kswapd(zone, 0, 0, zone->zone_idx);
	}
	return page;
}

/* The block becomes the caller's: one reference, contents and tail pages as asked for. */
void prep_new_page(struct page *page, u32 order, gfp_t gfp, u32 alloc_flags,
		   const struct zone *zone)
{
	page->private = 0;
	WRITE_ONCE(page->_refcount, 1);
	if (unlikely(!(page->flags & PG_init)))
		init_page_zone(page, zone);
	if (gfp & __GFP_ZERO) {
		trace2(mm_prep_zero, 1ul << order, order);
		memset(page_address(page), 0, PAGE_SIZE << order);
	}
	if (order && (gfp & __GFP_COMP))
		prep_compound_page(page, order);
	/* whoever asks for a movable page can let go of it, also one that keeps it off the lists */
	if (gfp & __GFP_MOVABLE)
		page->flags |= PG_lru;
	/* a page from the emergency reserves is marked so */
	page->lru.next = alloc_flags & ALLOC_NO_WATERMARKS ? (struct list_head *)2 : NULL;
}

/* ---- choosing a zone ---- */

/* A zone on another node: rather mix pageblocks here than go there. */
static bool leaves_node(const struct zone *zone, const struct zone *preferred)
{
	return kdata->nr_online_nodes > 1 && zone != preferred && zone->node != preferred->node;
}

static bool zone_allows(struct zone *zone, u32 order, u32 alloc_flags, gfp_t gfp,
			const struct alloc_context *ac)
{
	u64 mark = wmark_pages(zone, alloc_flags & ALLOC_WMARK_MASK);
	s64 free_pages;
	bool ok;

	if (unlikely(kms_tunable(TUNE_PCP_AUTO_TUNE)))
		pcp_tune_watermark(zone, order, ac->highest_zoneidx, alloc_flags, gfp);

	ok = zone_watermark_fast(zone, order, mark, ac->highest_zoneidx, alloc_flags, gfp);
	if (stepping())
		ok = kms_step_watermark(zone_id(zone), ok);
	if (ok)
		return true;
	free_pages = zone_page_state(zone, NR_FREE_PAGES);
	trace3(mm_watermark_fail, zone->zone_idx, order, free_pages);
	trace_step(wmark_fail, zone_id(zone), order, alloc_flags, mark, (u64)free_pages);
	return alloc_flags & ALLOC_NO_WATERMARKS;
}

static struct page *try_zones(gfp_t gfp, u32 order, u32 *alloc_flags,
			      const struct alloc_context *ac)
{
	struct zone *preferred = ac->preferred_zoneref->zone, *zone;
	struct zoneref *ref = ac->preferred_zoneref;

	for_each_zone_nodemask(zone, ref, ac->highest_zoneidx, ac->nodemask) {
		struct page *page;

		if ((*alloc_flags & ALLOC_NOFRAGMENT) && leaves_node(zone, preferred))
			return NULL;
		if (stepping() && kms_step_leaves_out(zone_id(zone), gfp))
			continue;
		if (!zone_allows(zone, order, *alloc_flags, gfp, ac))
			continue;
		page = rmqueue(preferred, zone, order, *alloc_flags, ac->migratetype);
		if (!page)
			continue;
		prep_new_page(page, order, gfp, *alloc_flags, zone);
		if (unlikely(*alloc_flags & ALLOC_HIGHATOMIC))
			reserve_highatomic_pageblock(page, zone);
		return page;
	}
	return NULL;
}

struct page *get_page_from_freelist(gfp_t gfp, u32 order, u32 alloc_flags,
				    const struct alloc_context *ac)
{
	struct page *page = try_zones(gfp, order, &alloc_flags, ac);

	if (likely(page) || !(alloc_flags & ALLOC_NOFRAGMENT))
		return page;
	alloc_flags &= ~ALLOC_NOFRAGMENT;
	return try_zones(gfp, order, &alloc_flags, ac);
}

void prepare_alloc_context(gfp_t gfp, int nid, u64 nodemask, struct alloc_context *ac)
{
	ac->highest_zoneidx = gfp_zone(gfp);
	ac->zonelist = node_zonelist(nid, gfp);
	ac->migratetype = gfp_migratetype(gfp);
	ac->nodemask = nodemask;
	ac->preferred_zoneref =
		next_zones_nodemask(ac->zonelist->_zonerefs, ac->highest_zoneidx, nodemask);
}

/* Keep pageblocks pure where there is a DMA32 zone to fall back to instead. */
static u32 alloc_flags_nofragment(struct zone *preferred, gfp_t gfp)
{
	u32 alloc_flags = gfp & __GFP_KSWAPD_RECLAIM; /* the same bit */

	if (!preferred || preferred->zone_idx != ZONE_NORMAL)
		return alloc_flags;
	if (kdata->nr_online_nodes > 1 && !populated_zone(preferred - 1))
		return alloc_flags;
	return alloc_flags | ALLOC_NOFRAGMENT;
}

/* ---- allocation ---- */

/* A block of 2^order pages, or NULL; a trial of this node's zones first. nodemask 0: any node's. */
struct page *__alloc_pages(gfp_t gfp, u32 order, int preferred_nid, u64 nodemask)
{
	struct alloc_context ac;
	struct page *page = NULL;
	u32 alloc_flags = WMARK_LOW;

	if (unlikely(order > kms_tunable(TUNE_MAX_PAGE_ORDER)))
		return NULL;
	gfp &= kdata->gfp_allowed_mask;
	prepare_alloc_context(gfp, preferred_nid, nodemask, &ac);
	if (unlikely(!ac.preferred_zoneref->zone)) { /* a node without memory, and no other allowed */
		alloc_flags |= gfp & __GFP_KSWAPD_RECLAIM;
		trace_step(pg_slow, order, alloc_flags);
	} else {
		alloc_flags |= alloc_flags_nofragment(ac.preferred_zoneref->zone, gfp);
		page = get_page_from_freelist(gfp, order, alloc_flags, &ac);
		if (unlikely(!page)) {
			trace_step(pg_slow, order, alloc_flags);
			page = alloc_pages_slowpath(gfp, order, &ac);
		}
	}
	trace3(mm_page_alloc, page ? page_to_pfn(page) : ~0ul, order, ac.migratetype);
	trace_step(pg_alloc, page ? page_to_pfn(page) : ~0ul, order, ac.migratetype, alloc_flags);
	return page;
}

/* This CPU's node, but for a task's memory policy: only recordings have those. */
static int preferred_node(void)
{
	int nid = (int)numa_node_id();

	return stepping() ? kms_step_node(nid) : nid;
}

struct page *alloc_pages_node(gfp_t gfp, u32 order, int nid)
{
	return __alloc_pages(gfp, order, nid < 0 ? preferred_node() : nid, 0);
}

/* For a task whose memory policy binds it: pages of these nodes only, the nearest first. */
struct page *alloc_pages_nodemask(gfp_t gfp, u32 order, int nid, u64 nodemask)
{
	return __alloc_pages(gfp, order, nid < 0 ? preferred_node() : nid, nodemask);
}

/* The first zone of the preferred node that can give n pages at once; NULL: do it singly. */
static struct zone *bulk_zone(gfp_t gfp, u32 n, const struct alloc_context *ac)
{
	struct zone *preferred = ac->preferred_zoneref->zone, *zone;
	struct zoneref *ref = ac->preferred_zoneref;

	for_each_zone_nodemask(zone, ref, ac->highest_zoneidx, ac->nodemask) {
		if (leaves_node(zone, preferred))
			return NULL;
		if (zone_watermark_fast(zone, 0, wmark_pages(zone, WMARK_LOW) + n,
					ac->highest_zoneidx, WMARK_LOW, gfp))
			return zone;
	}
	return NULL;
}

/* Without per-CPU lists a bulk request is many single ones. */
static u32 alloc_pages_singly(gfp_t gfp, int nid, u32 n, struct page **pages)
{
	u32 i;

	for (i = 0; i < n; i++) {
		pages[i] = __alloc_pages(gfp, 0, nid, 0);
		if (!pages[i])
			break;
	}
	trace2(mm_page_alloc_bulk, i, n);
	return i;
}

/*
 * Up to n order-0 pages into the array's empty slots; returns how many slots
 * are filled from its start. May stop early, but not without trying for one.
 */
u32 __alloc_pages_bulk(gfp_t gfp, int nid, u32 n, struct page **pages)
{
	struct alloc_context ac;
	struct zone *zone = NULL;
	u32 have = 0, got = 0, i;

	if (nid < 0)
		nid = (int)numa_node_id();
	while (have < n && pages[have])
		have++;
	if (have == n) {
		trace_step(pg_bulk, n, n, gfp_migratetype(gfp), WMARK_LOW);
		return n;
	}
	if (unlikely(!pcp_allowed_order(0)))
		return have + alloc_pages_singly(gfp, nid, n - have, pages + have);
	gfp &= kdata->gfp_allowed_mask;
	prepare_alloc_context(gfp, nid, 0, &ac);
	if (n - have > 1 && ac.preferred_zoneref->zone)
		zone = bulk_zone(gfp, n, &ac);
	if (zone)
		got = rmqueue_pcplist_many(ac.preferred_zoneref->zone, zone, ac.migratetype,
					   WMARK_LOW, pages + have, n - have);
	for (i = have; i < have + got; i++)
		prep_new_page(pages[i], 0, gfp, 0, zone);
	if (!got) {
		pages[have] = __alloc_pages(gfp, 0, nid, 0);
		got = pages[have] != NULL;
	}
	trace2(mm_page_alloc_bulk, got, n);
	trace_step(pg_bulk, have + got, n, ac.migratetype, WMARK_LOW);
	return have + got;
}

/* ---- freeing ---- */

/* Undo what prep_compound_page() and the owner did to the tail pages. */
static void free_tail_pages(struct page *page, u32 order)
{
	bool compound = PageHead(page);
	u64 i;

	if (compound)
		__atomic_fetch_and(&page[1].flags, PAGE_FLAGS_KEPT, __ATOMIC_SEQ_CST);
	for (i = 1; i < 1ul << order; i++) {
		struct page *tail = page + i;

		if (compound) {
			BUG_ON(tail->compound_head != ((u64)page | 1));
			tail->mapping = 0;
			WRITE_ONCE(tail->compound_head, 0);
		}
		check_free_page(tail);
		WRITE_ONCE(tail->flags, READ_ONCE(tail->flags) & PAGE_FLAGS_KEPT);
	}
}

/*
 * A block leaves its owner's hands. Pages bound for a per-CPU list have their
 * head checked when they leave that list, others now.
 */
void free_pages_prepare(struct page *page, u32 order, bool check_head)
{
	trace3(mm_page_free, (1ul << order) - 1, order, page_to_pfn(page));
	trace_step(pg_free, page_to_pfn(page), order);
	if (order)
		free_tail_pages(page, order);
	if (page->mapping & 3)
		page->mapping = 0;
	if (check_head)
		check_free_page(page);
	page->flags &= PAGE_FLAGS_KEPT;
	page->private = 0;
}

/* Since 6.10: each pageblock of the block by itself, as what it is now. */
static void free_by_pageblock(struct zone *zone, struct page *page, u64 pfn, u32 order, u32 fpi)
{
	u64 end = pfn + (1ul << order);
	u32 piece = min(order, PAGEBLOCK_ORDER);

	for (; pfn < end; pfn += 1ul << piece, page += 1ul << piece) {
		u32 mt = get_pageblock_migratetype(pfn);

		__free_one_page(page, pfn, zone, piece, mt, fpi);
	}
}

void free_one_page(struct zone *zone, struct page *page, u64 pfn, u32 order, u32 mt, u32 fpi)
{
	trace2(mm_free_direct, order, pfn);
	spin_lock_irqsave(&zone->lock, LOCK_ZONE);
	if (kms_tunable(TUNE_FREED_TYPE) == FREED_TYPE_EXACT)
		free_by_pageblock(zone, page, pfn, order, fpi);
	else
		__free_one_page(page, pfn, zone, order, mt, fpi);
	spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
}

static void __free_pages_ok(struct page *page, u32 order, u32 fpi)
{
	u64 pfn = page_to_pfn(page);
	struct zone *zone;
	u32 mt;

	free_pages_prepare(page, order, true);
	mt = get_pageblock_migratetype(pfn);
	zone = page_zone(page);
	free_one_page(zone, page, pfn, order, mt, fpi);
	count_vm_events(PGFREE, 1ul << order);
}

static void free_the_page(struct page *page, u32 order)
{
	if (pcp_allowed_order(order))
		free_unref_page(page, order);
	else
		__free_pages_ok(page, order, FPI_NONE);
}

/*
 * Drop the caller's reference. If somebody else holds the first page of a block
 * that is not compound, the rest is freed and that page stays.
 */
void __free_pages(struct page *page, u32 order)
{
	bool head = PageHead(page);

	trace1(mm_free_pages, order);
	if (atomic_dec_and_test(&page->_refcount)) {
		free_the_page(page, order);
		return;
	}
	BUG_ON(page->_refcount < 0);
	if (head)
		return;
	while (order-- > 0)
		free_the_page(page + (1ul << order), order);
}

/* ---- blocks that are not powers of two, or not in one piece ---- */

/* A block of 2^order pages becomes as many pages with a reference each. */
void split_page(struct page *page, u32 order)
{
	u64 i;

	for (i = 1; i < 1ul << order; i++)
		WRITE_ONCE(page[i]._refcount, 1);
	trace_step(pg_split, page_to_pfn(page), order);
}

/* pre: size > 0. The surplus of the block goes straight back, to the tails of the free lists. */
struct page *alloc_pages_exact(u64 size, gfp_t gfp)
{
	u32 order = (u32)get_order(size);
	u64 n = DIV_ROUND_UP(size, PAGE_SIZE), i;
	struct page *page = alloc_pages_node(gfp & ~(__GFP_COMP | __GFP_HIGHMEM), order, -1);

	if (!page)
		return NULL;
	trace_step(pg_exact, page_to_pfn(page), order, size, n);
	for (i = n - 1; i > 0; i--)
		WRITE_ONCE(page[i]._refcount, 1);
	for (i = n; i < 1ul << order; i++)
		__free_pages_ok(page + i, 0, FPI_TO_TAIL);
	trace2(mm_page_alloc_exact, (1ul << order) - n, order);
	return page;
}
