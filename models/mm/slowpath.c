/*
 * slowpath.c - an allocation whose first attempt failed (page_alloc.md 14, 15).
 *
 * Wakes kswapd, tries again with what the request's flags entitle it to, then,
 * if the caller may wait: direct compaction, direct reclaim, both again with
 * rising effort, in the end the out-of-memory killer. Each helper that returns a
 * page has tried the free lists after its own work.
 */
#include "models/mm/reclaim.h"

/* One request on its way through; page_alloc.c's context does not change. */
struct slow_request {
	gfp_t gfp;
	u32 order, alloc_flags;
	const struct alloc_context *ac;
	struct alloc_context wide; /* what ac becomes without the nodemask */
	u32 compact_priority, compact_result;
	u32 compaction_retries, no_progress_loops;
	u64 progress;
};

static bool is_costly(u32 order)
{
	return order > PAGE_ALLOC_COSTLY_ORDER;
}

static struct page *try_freelists(const struct slow_request *rq)
{
	return get_page_from_freelist(rq->gfp, rq->order, rq->alloc_flags, rq->ac);
}

static void wake_all_kswapds(const struct slow_request *rq)
{
	const struct alloc_context *ac = rq->ac;
	struct zoneref *ref = ac->preferred_zoneref;
	struct zone *zone;
	s32 last_node = -1;

	for_each_zone_nodemask(zone, ref, ac->highest_zoneidx, ac->nodemask) {
		if (READ_ONCE(zone->managed_pages) && zone->node != last_node) {
			wakeup_kswapd(zone, rq->gfp, rq->order, ac->highest_zoneidx);
			last_node = zone->node;
		}
	}
}

/* What the GFP flags entitle to once the low mark was missed. */
static u32 gfp_to_alloc_flags(gfp_t gfp, u32 order)
{
	u32 flags = WMARK_MIN | ALLOC_CPUSET;

	flags |= gfp & __GFP_HIGH; /* the bit of ALLOC_MIN_RESERVE */
	flags |= gfp & __GFP_KSWAPD_RECLAIM;
	if (gfp & __GFP_DIRECT_RECLAIM)
		return flags;
	if (!(gfp & __GFP_NOMEMALLOC)) {
		flags |= ALLOC_NON_BLOCK;
		if (order && (flags & ALLOC_MIN_RESERVE))
			flags |= ALLOC_HIGHATOMIC;
	}
	if (flags & ALLOC_MIN_RESERVE)
		flags &= ~ALLOC_CPUSET;
	return flags;
}

static bool may_use_all(gfp_t gfp)
{
	return (gfp & __GFP_MEMALLOC) && !(gfp & __GFP_NOMEMALLOC);
}

/* Who may use reserves, or cannot wait, is not held to the nodes that its policy allows. */
static void forget_nodemask(struct slow_request *rq)
{
	const struct alloc_context *ac = rq->ac;

	if (likely(!ac->nodemask))
		return;
	rq->wide.zonelist = ac->zonelist;
	rq->wide.preferred_zoneref =
		next_zones_zonelist(ac->zonelist->_zonerefs, ac->highest_zoneidx);
	rq->wide.nodemask = 0;
	rq->wide.migratetype = ac->migratetype;
	rq->wide.highest_zoneidx = ac->highest_zoneidx;
	rq->ac = &rq->wide;
}

/* ---- compaction ---- */

static struct page *direct_compact(struct slow_request *rq, u32 priority)
{
	struct page *page = NULL;

	if (!rq->order)
		return NULL;
	kms_reclaim_begin();
	rq->compact_result = try_to_compact_pages(rq->gfp, rq->order, rq->alloc_flags, rq->ac,
						  priority, &page);
	kms_reclaim_end();
	if (rq->compact_result == COMPACT_SKIPPED)
		return NULL;
	count_vm_events(COMPACTSTALL, 1);
	if (page)
		prep_new_page(page, rq->order, rq->gfp, rq->alloc_flags, page_zone(page));
	else
		page = try_freelists(rq);
	if (!page) {
		count_vm_events(COMPACTFAIL, 1);
		kms_cond_resched();
		return NULL;
	}
	WRITE_ONCE(page_zone(page)->compact_blockskip_flush, false);
	compaction_defer_reset(page_zone(page), rq->order, true);
	count_vm_events(COMPACTSUCCESS, 1);
	return page;
}

/* Harder, if a failure may be due to what the priority leaves out. */
static bool raise_compact_priority(struct slow_request *rq)
{
	u32 least = is_costly(rq->order) ? MIN_COMPACT_COSTLY_PRIORITY : MIN_COMPACT_PRIORITY;

	if (rq->compact_priority <= least)
		return false;
	rq->compact_priority--;
	rq->compaction_retries = 0;
	return true;
}

static bool should_compact_retry(struct slow_request *rq)
{
	u32 most = MAX_COMPACT_RETRIES / (is_costly(rq->order) ? 4 : 1);

	if (!rq->order)
		return false;
	switch (rq->compact_result) {
	case COMPACT_SKIPPED:
		return compaction_zonelist_suitable(rq->ac, rq->order, rq->alloc_flags);
	case COMPACT_SUCCESS:
		rq->compaction_retries++;
		break;
	case COMPACT_COMPLETE:
	case COMPACT_DEFERRED:
	case COMPACT_CONTENDED:
	case COMPACT_PARTIAL_SKIPPED:
		return raise_compact_priority(rq);
	}
	return rq->compaction_retries <= most || raise_compact_priority(rq);
}

/* ---- reclaim ---- */

/* Pages hidden in the high-atomic reserve and on per-CPU lists come back before giving up. */
static struct page *direct_reclaim(struct slow_request *rq)
{
	struct page *page;

	kms_reclaim_begin();
	rq->progress = try_to_free_pages(rq->order, rq->gfp, rq->ac);
	kms_reclaim_end();
	if (!rq->progress)
		return NULL;
	page = try_freelists(rq);
	if (page)
		return page;
	unreserve_highatomic_pageblock(rq->ac, false);
	drain_all_pages();
	return try_freelists(rq);
}

/* Would the min mark be met if all that can be reclaimed were free? */
static bool should_reclaim_retry(struct slow_request *rq)
{
	const struct alloc_context *ac = rq->ac;
	struct zoneref *ref = ac->preferred_zoneref;
	struct zone *zone;

	if (rq->progress && !is_costly(rq->order))
		rq->no_progress_loops = 0;
	else
		rq->no_progress_loops++;
	if (rq->no_progress_loops > MAX_RECLAIM_RETRIES)
		return unreserve_highatomic_pageblock(ac, true);
	for_each_zone_nodemask(zone, ref, ac->highest_zoneidx, ac->nodemask) {
		u64 available = zone_reclaimable_pages(zone);

		available += (u64)zone_page_state(zone, NR_FREE_PAGES);
		if (__zone_watermark_ok(zone, rq->order, wmark_pages(zone, WMARK_MIN),
					ac->highest_zoneidx, rq->alloc_flags, (s64)available)) {
			kms_cond_resched();
			return true;
		}
	}
	return unreserve_highatomic_pageblock(ac, true);
}

/* ---- out of memory ---- */

/* Killing somebody helps neither large requests nor those that live with a failure. */
static bool may_oom_kill(const struct slow_request *rq)
{
	if (is_costly(rq->order) || (rq->gfp & (__GFP_RETRY_MAYFAIL | __GFP_THISNODE)))
		return false;
	return rq->ac->highest_zoneidx >= ZONE_NORMAL;
}

static struct page *alloc_pages_may_oom(struct slow_request *rq)
{
	gfp_t gfp = (rq->gfp | __GFP_HARDWALL) & ~__GFP_DIRECT_RECLAIM;
	struct page *page;

	rq->progress = 0;
	if (!spin_trylock(&kdata->oom_lock, LOCK_OOM)) { /* somebody is at it */
		rq->progress = 1;
		kms_nap(HZ_MS);
		return NULL;
	}
	page = get_page_from_freelist(gfp, rq->order, WMARK_HIGH | ALLOC_CPUSET, rq->ac);
	if (!page && may_oom_kill(rq)) {
		rq->progress = out_of_memory(rq->gfp);
		if (rq->gfp & __GFP_NOFAIL)
			page = get_page_from_freelist(rq->gfp, rq->order, ALLOC_NO_WATERMARKS,
						      rq->ac);
	}
	spin_unlock(&kdata->oom_lock, LOCK_OOM);
	return page;
}

/* ---- in order ---- */

/* True: a compaction that failed is the end of a large request that says so (NORETRY). */
static bool first_compaction(struct slow_request *rq, struct page **page)
{
	*page = NULL;
	if (!(rq->gfp & __GFP_DIRECT_RECLAIM) || !(rq->gfp & __GFP_IO) || may_use_all(rq->gfp))
		return false;
	if (!is_costly(rq->order) && (!rq->order || rq->ac->migratetype == MIGRATE_MOVABLE))
		return false;
	*page = direct_compact(rq, INIT_COMPACT_PRIORITY);
	if (*page || !is_costly(rq->order) || !(rq->gfp & __GFP_NORETRY))
		return false;
	if (rq->compact_result == COMPACT_SKIPPED || rq->compact_result == COMPACT_DEFERRED)
		return true;
	if (rq->gfp & __GFP_THISNODE)
		return true;
	rq->compact_priority = INIT_COMPACT_PRIORITY;
	return false;
}

/* One round: true if there should be another. */
static bool retry(struct slow_request *rq, struct page **page)
{
	if (rq->alloc_flags & ALLOC_KSWAPD)
		wake_all_kswapds(rq);
	if (may_use_all(rq->gfp))
		rq->alloc_flags = ALLOC_NO_WATERMARKS | (rq->alloc_flags & ALLOC_KSWAPD);
	if (!(rq->alloc_flags & ALLOC_CPUSET))
		forget_nodemask(rq);
	*page = try_freelists(rq);
	if (*page || !(rq->gfp & __GFP_DIRECT_RECLAIM))
		return false;
	*page = direct_reclaim(rq);
	if (*page)
		return false;
	*page = direct_compact(rq, rq->compact_priority);
	if (*page || (rq->gfp & __GFP_NORETRY))
		return false;
	if (is_costly(rq->order) && !((rq->gfp & __GFP_IO) && (rq->gfp & __GFP_RETRY_MAYFAIL)))
		return false;
	if (should_reclaim_retry(rq))
		return true;
	if (rq->progress && should_compact_retry(rq))
		return true;
	*page = alloc_pages_may_oom(rq);
	if (*page || !rq->progress)
		return false;
	rq->no_progress_loops = 0;
	return true;
}

/*
 * What remains of a request that cannot fail: where the kernel tries for ever,
 * here the reserves are its last chance.
 */
static struct page *last_chance(const struct slow_request *rq)
{
	struct page *page = NULL;

	if ((rq->gfp & __GFP_NOFAIL) && (rq->gfp & __GFP_DIRECT_RECLAIM))
		page = get_page_from_freelist(rq->gfp, rq->order, ALLOC_MIN_RESERVE, rq->ac);
	return page;
}

/* The replay of a recording says when reclaim and compaction have given reason to try again. */
static struct page *replayed_slowpath(struct slow_request *rq)
{
	u32 order = rq->order, alloc_flags = rq->alloc_flags, flags, attempts = 0;
	struct page *page = NULL;
	gfp_t gfp = rq->gfp;
	u64 captured;

	/* as the request may, from the reserves, and once more before memory counts as out */
	while (!page && (flags = kms_step_retry(alloc_flags,
						ALLOC_NO_WATERMARKS | (alloc_flags & ALLOC_KSWAPD),
						WMARK_HIGH | ALLOC_CPUSET)) != ~0u) {
		if (attempts++ && !(flags & ALLOC_CPUSET)) /* from the second attempt on */
			forget_nodemask(rq);
		if (flags == STEP_UNRESERVE)
			unreserve_highatomic_pageblock(rq->ac, true);
		else
			page = get_page_from_freelist(gfp, order, flags, rq->ac);
	}
	captured = page ? ~0ul : kms_step_captured();
	if (captured == ~0ul)
		return page;
	page = pfn_to_page(captured);
	prep_new_page(page, order, gfp, alloc_flags, page_zone(page));
	return page;
}

struct page *alloc_pages_slowpath(gfp_t gfp, u32 order, const struct alloc_context *ac)
{
	struct slow_request rq = {
		.gfp = gfp,
		.order = order,
		.ac = ac,
		.compact_priority = DEF_COMPACT_PRIORITY,
	};
	struct page *page;

	rq.alloc_flags = gfp_to_alloc_flags(gfp, order);
	trace2(mm_page_alloc_slowpath, order, gfp);
	if (stepping())
		return replayed_slowpath(&rq);
	if (rq.alloc_flags & ALLOC_KSWAPD)
		wake_all_kswapds(&rq);
	page = try_freelists(&rq);
	if (page)
		return page;
	if (first_compaction(&rq, &page))
		return last_chance(&rq);
	while (!page && retry(&rq, &page))
		;
	return page ? page : last_chance(&rq);
}
