/*
 * watermark.c - may a zone give up a block, and where its marks come from.
 *
 * The tests read the zone's global free counter without the per-CPU
 * differentials (vmstat.c), as the kernel does. The marks are computed once
 * the machine has booted far enough, from min_free_kbytes and the zone sizes
 * of that moment.
 */
#include "models/mm/page_internal.h"

/* ---- the tests ---- */

/* Free pages that this request may not count on. */
static u64 watermark_unusable(const struct zone *zone, u32 order, u32 alloc_flags)
{
	u64 unusable = (1ul << order) - 1;

	if (!(alloc_flags & ALLOC_RESERVES))
		unusable += READ_ONCE(zone->nr_reserved_highatomic);
	return unusable;
}

/* How far below the mark urgent requests may go. */
static s64 reserve_adjusted(s64 mark, u32 alloc_flags)
{
	if (!(alloc_flags & ALLOC_RESERVES))
		return mark;
	if (alloc_flags & ALLOC_MIN_RESERVE) {
		mark -= mark / 2;
		if (alloc_flags & ALLOC_NON_BLOCK)
			mark -= mark / 4;
	}
	if (alloc_flags & ALLOC_OOM)
		mark -= mark / 2;
	return mark;
}

/* Is there a block of at least this order that the request may have? */
static bool zone_has_block(const struct zone *zone, u32 order, u32 alloc_flags)
{
	u32 most = kms_tunable(TUNE_MAX_PAGE_ORDER);

	for (; order <= most; order++) {
		const struct free_area *area = &zone->free_area[order];
		u32 mt;

		if (!READ_ONCE(area->nr_free))
			continue;
		for (mt = 0; mt < MIGRATE_PCPTYPES; mt++)
			if (!list_empty(&area->free_list[mt]))
				return true;
		if ((alloc_flags & (ALLOC_HIGHATOMIC | ALLOC_OOM)) &&
		    !list_empty(&area->free_list[MIGRATE_HIGHATOMIC]))
			return true;
	}
	return false;
}

bool __zone_watermark_ok(struct zone *zone, u32 order, u64 mark, u32 highest_zoneidx,
			 u32 alloc_flags, s64 free_pages)
{
	s64 left = free_pages - (s64)watermark_unusable(zone, order, alloc_flags);

	if (left <= reserve_adjusted((s64)mark, alloc_flags) +
			    (s64)zone->lowmem_reserve[highest_zoneidx])
		return false;
	return !order || zone_has_block(zone, order, alloc_flags);
}

/* The allocation path's test: one comparison for most order-0 requests. */
bool zone_watermark_fast(struct zone *zone, u32 order, u64 mark, u32 highest_zoneidx,
			 u32 alloc_flags, gfp_t gfp)
{
	s64 free_pages = zone_page_state(zone, NR_FREE_PAGES);

	if (!order) {
		s64 usable = free_pages - (s64)watermark_unusable(zone, 0, alloc_flags);

		if (usable > (s64)(mark + zone->lowmem_reserve[highest_zoneidx]))
			return true;
	}
	if (__zone_watermark_ok(zone, order, mark, highest_zoneidx, alloc_flags, free_pages))
		return true;
	/* an atomic request need not stay above a mark that was raised only for a while */
	if (order || !(gfp & __GFP_ATOMIC) || !zone->watermark_boost ||
	    (alloc_flags & ALLOC_WMARK_MASK) != WMARK_MIN)
		return false;
	return __zone_watermark_ok(zone, 0, zone->_watermark[WMARK_MIN], highest_zoneidx,
				   alloc_flags, free_pages);
}

/* ---- the marks ---- */

/* Pages above the high mark in this node's zones (and those it falls back to) up to an index. */
u64 nr_free_zone_pages(u32 highest_zoneidx)
{
	struct zoneref *ref = next_zones_zonelist(
		node_zonelist((int)numa_node_id(), 0)->_zonerefs, highest_zoneidx);
	struct zone *zone;
	u64 sum = 0;

	for_each_zone_zonelist(zone, ref, highest_zoneidx) {
		u64 high = wmark_pages(zone, WMARK_HIGH);

		if (zone->managed_pages > high)
			sum += zone->managed_pages - high;
	}
	return sum;
}

u64 int_sqrt(u64 x)
{
	u64 root = 0, bit;

	for (bit = 1ul << 31; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= x)
			root |= bit;
	return root;
}

/* Square root of the memory: 4 MiB keep 512 KiB free, 16 GiB 16 MiB (page_alloc.md 10.1). */
static void calculate_min_free_kbytes(void)
{
	u64 lowmem_kbytes = nr_free_zone_pages(ZONE_NORMAL) * (PAGE_SIZE >> 10);
	u64 kbytes = int_sqrt(lowmem_kbytes * 16);

	if (kdata->min_free_kbytes)
		return; /* set by the administrator */
	kbytes = max(kbytes, 128ul);
	kdata->min_free_kbytes = min(kbytes, 262144ul);
}

/*
 * khugepaged wants huge pages to be had: two free pageblocks a zone, and as many
 * as there are pairs of migratetypes, so that none must steal another's; at most
 * a twentieth of what is free. Three zones: 67584 KiB. Not below 512 MiB of RAM.
 */
static bool raise_min_free_kbytes(void)
{
	u64 pageblock = 1ul << kms_tunable(TUNE_PAGEBLOCK_ORDER), zones = 0, managed = 0, pages;
	struct zone *zone;

	if (!kms_tunable(TUNE_TRANSPARENT_HUGEPAGE))
		return false;
	for_each_populated_zone(zone) {
		managed += zone->managed_pages;
		zones += zone->zone_idx != ZONE_MOVABLE;
	}
	if (managed < 512ul << (20 - PAGE_SHIFT))
		return false;
	pages = pageblock * zones * (2 + MIGRATE_PCPTYPES * MIGRATE_PCPTYPES);
	pages = min(pages, nr_free_zone_pages(ZONE_NORMAL) / 20) << (PAGE_SHIFT - 10);
	if (pages <= kdata->min_free_kbytes)
		return false;
	kdata->min_free_kbytes = pages;
	return true;
}

static void set_zone_wmarks(struct zone *zone, u64 pages_min, u64 lowmem_pages)
{
	u64 least = pages_min * zone->managed_pages / lowmem_pages;
	u64 scaled = mult_frac(zone->managed_pages, kdata->watermark_scale_factor, WATERMARK_SCALE);
	u64 distance = max(least >> 2, scaled);

	spin_lock_irqsave(&zone->lock, LOCK_ZONE);
	zone->watermark_boost = 0;
	zone->_watermark[WMARK_MIN] = least;
	zone->_watermark[WMARK_LOW] = least + distance;
	zone->_watermark[WMARK_HIGH] = least + 2 * distance;
	zone->_watermark[WMARK_PROMO] = least + 3 * distance;
	trace_step(wmark_set, zone_id(zone), least, least + distance, least + 2 * distance);
	spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
}

/* Watermarks of all zones from min_free_kbytes, and what depends on them. */
void setup_per_zone_wmarks(void)
{
	u64 pages_min = kdata->min_free_kbytes >> (PAGE_SHIFT - 10), lowmem_pages = 0;
	struct zone *zone;

	for_each_populated_zone(zone)
		if (zone->zone_idx != ZONE_MOVABLE)
			lowmem_pages += zone->managed_pages;
	for_each_populated_zone(zone)
		set_zone_wmarks(zone, pages_min, lowmem_pages);
	for_each_populated_zone(zone)
		zone_pcp_update(zone, 0);
}

/* What a zone keeps back from requests that could also have used higher zones (10.3). */
static void setup_lowmem_reserve(struct pglist_data *pgdat)
{
	u32 i, j;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->node_zones[i];
		u64 ratio = kdata->lowmem_reserve_ratio[i], managed = 0;

		for (j = i + 1; j < MAX_NR_ZONES; j++) {
			managed += pgdat->node_zones[j].managed_pages;
			zone->lowmem_reserve[j] =
				ratio && zone->managed_pages ? managed / ratio : 0;
		}
	}
}

void calculate_totalreserve_pages(void)
{
	struct zone *zone;
	u64 total = 0;
	u32 nid, i;

	for (nid = 0; nid < kdata->nr_node_ids; nid++)
		kdata->node_data[nid]->totalreserve_pages = 0;
	for_each_populated_zone(zone) {
		u64 reserve = 0;

		for (i = zone->zone_idx; i < MAX_NR_ZONES; i++)
			reserve = max(reserve, zone->lowmem_reserve[i]);
		reserve += wmark_pages(zone, WMARK_HIGH);
		reserve = min(reserve, zone->managed_pages);
		zone->zone_pgdat->totalreserve_pages += reserve;
		total += reserve;
	}
	kdata->totalreserve_pages = total;
}

/*
 * The kernel does this from a postcore initcall: other CPUs are up by then, and
 * the early restrictions on reclaim and I/O in GFP flags are over.
 */
void init_per_zone_wmark_min(void)
{
	u32 nid;

	kdata->gfp_allowed_mask = ~0u;
	kdata->boot_cpu_apart = 0;
	calculate_min_free_kbytes();
	setup_per_zone_wmarks();
	if (raise_min_free_kbytes()) /* the kernel does so a little later, when khugepaged starts */
		setup_per_zone_wmarks();
	refresh_zone_stat_thresholds();
	for (nid = 0; nid < kdata->nr_node_ids; nid++)
		setup_lowmem_reserve(kdata->node_data[nid]);
	calculate_totalreserve_pages();
}
