/*
 * pcp_tune.c - per-CPU page lists that find their own size (Linux 6.7 and later).
 *
 * high moves between high_min, the list's share of the low watermark, and
 * high_max, its share of an eighth of the zone: it grows while the CPU
 * allocates or frees in bursts, and goes down with time, under reclaim and
 * when the zone falls below its high watermark. Refills double while nothing
 * is freed (alloc_factor), overflows give back as much as was freed in a row
 * (free_count). pcp.c calls in here for lists whose free_factor says so.
 *
 * Behaviour: spec page_alloc.md 24, as of 6.12.
 */
#include "models/mm/page_internal.h"

#define PREV_FREE_HIGH_ORDER 0x1 /* pcp->flags: the last free was of order 1..3 */

static s32 clamp(s32 x, s32 low, s32 high)
{
	return x < low ? low : min(x, high);
}

/* high brought between its limits, which may have changed. */
static s32 current_high(struct per_cpu_pages *pcp)
{
	s32 low = READ_ONCE(pcp->high_min), most = READ_ONCE(pcp->high_max);
	s32 high = clamp(READ_ONCE(pcp->high), low, most);

	WRITE_ONCE(pcp->high, high);
	return high;
}

static bool tunable(const struct per_cpu_pages *pcp)
{
	s32 low = READ_ONCE(pcp->high_min);

	return low != READ_ONCE(pcp->high_max);
}

/* Refills of single pages double from one to the next, up to what fits. */
static s32 grow_refill(struct per_cpu_pages *pcp, s32 high, s32 base, s32 batch, u8 factor)
{
	s32 most = high - pcp->count - base;

	most = max(most, base);
	if (batch <= most && factor < PCP_BATCH_SCALE_MAX)
		pcp->alloc_factor = (u8)(factor + 1);
	return min(batch, most);
}

/* Blocks to refill a list with. */
u32 pcp_tune_refill(struct per_cpu_pages *pcp, const struct zone *zone, u32 order)
{
	s32 base = READ_ONCE(pcp->batch), high = current_high(pcp), batch = base;
	u8 factor = READ_ONCE(pcp->alloc_factor);

	if (high < base)
		return 1;
	if (!order)
		batch <<= factor;
	if (tunable(pcp) && !zone_flag(zone, ZONE_BELOW_HIGH)) {
		s32 most = READ_ONCE(pcp->high_max);

		high = min(high + batch, most);
		WRITE_ONCE(pcp->high, high);
	}
	if (!order)
		batch = grow_refill(pcp, high, base, batch, factor);
	if (batch > 1) {
		batch >>= order;
		batch = max(batch, 2);
	}
	return (u32)batch;
}

/* Larger blocks freed in a row: they would only keep others from merging. */
static bool frees_high_orders(struct per_cpu_pages *pcp, u32 order, s32 batch, s32 free_count)
{
	u8 flags = READ_ONCE(pcp->flags);
	bool before = flags & PREV_FREE_HIGH_ORDER;

	if (order && order <= PAGE_ALLOC_COSTLY_ORDER) {
		WRITE_ONCE(pcp->flags, flags | PREV_FREE_HIGH_ORDER);
		if (kms_tunable(TUNE_PCP_FREE_HIGH_BATCH) && pcp->count < batch)
			return false;
		return before && free_count >= batch;
	}
	if (before)
		WRITE_ONCE(pcp->flags, flags & (u8)~PREV_FREE_HIGH_ORDER);
	return false;
}

/* Lower the mark; returns what it is then. */
static s32 lower_high(struct per_cpu_pages *pcp, s32 high, s32 by)
{
	s32 low = READ_ONCE(pcp->high_min);

	high = max(high - by, low);
	WRITE_ONCE(pcp->high, high);
	return high;
}

/* The mark at which pages go back; 0: now. count: pages on the lists. */
static s32 tuned_high(struct per_cpu_pages *pcp, const struct zone *zone, s32 batch, s32 count,
		      s32 free_count, bool free_high)
{
	s32 high = current_high(pcp), burst = max(free_count, batch), low, most;

	if (!high)
		return 0;
	if (free_high) {
		lower_high(pcp, high, batch << PCP_BATCH_SCALE_MAX);
		return 0;
	}
	if (zone_flag(zone, ZONE_RECLAIM_ACTIVE)) {
		high = lower_high(pcp, high, burst);
		return min(batch << 2, high);
	}
	if (!tunable(pcp))
		return high;
	low = READ_ONCE(pcp->high_min);
	if (zone_flag(zone, ZONE_BELOW_HIGH)) {
		lower_high(pcp, high, burst);
		return max(count, low);
	}
	if (count >= high && high < free_count + batch) {
		most = READ_ONCE(pcp->high_max);
		WRITE_ONCE(pcp->high, clamp(free_count + batch, low, most));
	}
	return high;
}

/* A block was put on a list: how many pages go back to the zone; 0 none. */
s32 pcp_tune_free(struct per_cpu_pages *pcp, struct zone *zone, u32 order)
{
	s32 batch = READ_ONCE(pcp->batch), most = batch << PCP_BATCH_SCALE_MAX, high;
	s32 free_count = READ_ONCE(pcp->free_count), count = READ_ONCE(pcp->count);
	u8 factor = READ_ONCE(pcp->alloc_factor);
	bool free_high;

	WRITE_ONCE(pcp->alloc_factor, factor >> 1);
	free_high = frees_high_orders(pcp, order, batch, free_count);
	if (free_count < most) {
		free_count += 1 << order;
		WRITE_ONCE(pcp->free_count, (s16)free_count);
	}
	high = tuned_high(pcp, zone, batch, count, free_count, free_high);
	if (count < high)
		return 0;
	if (free_high)
		return min(count, most);
	if (high < batch)
		return 1;
	return clamp(free_count, batch, high - batch);
}

/* Pages went back: is the zone above its high mark again? */
void pcp_tune_freed(struct zone *zone)
{
	if (!zone_flag(zone, ZONE_BELOW_HIGH))
		return;
	if (__zone_watermark_ok(zone, 0, wmark_pages(zone, WMARK_HIGH), ZONE_MOVABLE, 0,
				zone_page_state(zone, NR_FREE_PAGES)))
		__atomic_fetch_and(&zone->flags, ~(1ul << ZONE_BELOW_HIGH), __ATOMIC_SEQ_CST);
}

/* An allocation looks at the zone: note when it falls below its high mark. */
void pcp_tune_watermark(struct zone *zone, u32 order, u32 highest_zoneidx, u32 alloc_flags, gfp_t gfp)
{
	if (zone_flag(zone, ZONE_BELOW_HIGH))
		return;
	if (!zone_watermark_fast(zone, order, wmark_pages(zone, WMARK_HIGH), highest_zoneidx,
				 alloc_flags, gfp))
		__atomic_fetch_or(&zone->flags, 1ul << ZONE_BELOW_HIGH, __ATOMIC_SEQ_CST);
}

/* The vmstat worker's look at this CPU's lists: high decays, what is above it goes back. */
bool pcp_tune_decay(struct zone *zone, struct per_cpu_pages *pcp)
{
	s32 batch = READ_ONCE(pcp->batch), most = batch << PCP_BATCH_SCALE_MAX;
	s32 low = READ_ONCE(pcp->high_min), high = READ_ONCE(pcp->high), excess;
	s32 count = READ_ONCE(pcp->count);

	if (high > low) {
		s32 held = count - most;

		high -= high >> 3;
		high = max(high, held);
		high = max(high, low);
		pcp->high = high;
	}
	excess = count - high;
	if (excess <= 0)
		return high > low;
	while (excess > 0) {
		s32 n = min(excess, most);

		spin_lock(&pcp->lock, LOCK_PCP);
		free_pcppages_bulk(zone, n, pcp, 0);
		spin_unlock(&pcp->lock, LOCK_PCP);
		excess -= n;
	}
	return true;
}
