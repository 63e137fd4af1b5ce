/*
 * reclaim.c - where reclaim and compaction come in when they exist.
 *
 * There are no page cache and no anonymous memory in these models yet, so
 * nothing can be reclaimed and nothing migrated. What is here does what the
 * kernel would in that case, and says where the rest belongs.
 */
#include "models/mm/page_internal.h"

/*
 * A zone runs low, or its watermarks were boosted. The kernel wakes kswapd,
 * which reclaims down to the high marks and, once that is done, takes the boost
 * away again. With nothing to reclaim its pass is over at once, and only the
 * end of the boost remains.
 */
void wakeup_kswapd(struct zone *zone, u32 order, u32 highest_zoneidx)
{
	(void)order;
	(void)highest_zoneidx;
	if (stepping())
		return;
	if (READ_ONCE(zone->watermark_boost))
		WRITE_ONCE(zone->watermark_boost, 0);
}

/*
 * The caller may sleep and wait for memory: direct reclaim, direct compaction
 * and their retries belong here. What is left without them: give up a
 * pageblock of the high-atomic reserve. True: the free lists are worth another look.
 */
bool direct_reclaim(u32 order, gfp_t gfp, const struct alloc_context *ac)
{
	count_vm_events(ALLOCSTALL, 1);
	if ((gfp & __GFP_NORETRY) || order > PAGE_ALLOC_COSTLY_ORDER)
		return false;
	return unreserve_highatomic_pageblock(ac, true);
}
