/*
 * page_internal.h - what the page allocator's own files call of each other.
 *
 * From the outside in:
 *   page_alloc.c  entry points: choose a zone, prepare a page, take it back
 *   watermark.c   may this zone give up a block?  and where the marks come from
 *   zonelist.c    which zone after which
 *   pcp.c         per-CPU page lists between the entry points and the zone
 *   buddy.c       free lists of a zone: take, split, merge
 *   fallback.c    pageblocks: stealing from other migratetypes, reserves
 *   slowpath.c    what to try when that failed; reclaim and compaction: reclaim.h
 *   boot.c, percpu.c, vmstat.c   set-up, per-CPU memory, counters
 * Rules are those of Linux 6.1 (late stable releases).
 */
#ifndef MODELS_MM_PAGE_INTERNAL_H
#define MODELS_MM_PAGE_INTERNAL_H

#include "models/mm/internal.h"

/* Free-page internal flags: FPI_TO_TAIL puts the block at its list's end. */
#define FPI_NONE 0x0u
#define FPI_TO_TAIL 0x2u
#define FPI_SKIP_POISON 0x4u /* of no effect here */

#define SWAP_CLUSTER_MAX 32u
#define PCP_BATCH_SCALE_MAX 5 /* a CPU's surplus is freed in at most batch << 5 at a time */
#define WATERMARK_SCALE 10000ul /* unit of watermark_scale_factor and watermark_boost_factor */

/* Bits of page->flags that outlive a free: identity, not state. */
#define PAGE_FLAGS_KEPT (~0ul << PAGE_ZONE_SHIFT | PG_init)

/* What one allocation request has been translated to. On the host's stack. */
struct alloc_context {
	struct zonelist *zonelist;
	struct zoneref *preferred_zoneref;
	u64 nodemask; /* nodes that may serve it; 0: all */
	u32 migratetype;
	u32 highest_zoneidx;
};

/* percpu: differentials of a node's counters, counted in pages */
struct per_cpu_nodestat {
	s8 stat_threshold;
	s8 vm_node_stat_diff[NR_VM_NODE_STAT_ITEMS];
};

/* ---- zones ---- */

static inline bool populated_zone(const struct zone *zone)
{
	return zone->present_pages != 0;
}

static inline u64 zone_end_pfn(const struct zone *zone)
{
	return zone->zone_start_pfn + zone->spanned_pages;
}

static inline bool zone_spans_pfn(const struct zone *zone, u64 pfn)
{
	return pfn >= zone->zone_start_pfn && pfn < zone_end_pfn(zone);
}

static inline bool zone_flag(const struct zone *zone, u32 flag)
{
	return READ_ONCE(zone->flags) & 1ul << flag;
}

/* Watermark mark of enum zone_watermarks as it now stands, boost included. */
static inline u64 wmark_pages(const struct zone *zone, u32 mark)
{
	return READ_ONCE(zone->_watermark[mark]) + READ_ONCE(zone->watermark_boost);
}

/* Zones of all nodes: node by node, zone index ascending; after NULL comes the first. */
static inline struct zone *next_populated_zone(const struct zone *zone)
{
	u32 nid = zone ? (u32)zone->node : 0, idx = zone ? zone->zone_idx + 1 : 0;

	for (; nid < READ_ONCE(kdata->nr_node_ids); nid++, idx = 0) {
		struct zone *zones = kdata->node_data[nid]->node_zones;

		for (; idx < MAX_NR_ZONES; idx++)
			if (populated_zone(&zones[idx]))
				return &zones[idx];
	}
	return NULL;
}
#define for_each_populated_zone(z)                                                                 \
	for (z = next_populated_zone(NULL); z; z = next_populated_zone(z))

static inline u32 gfp_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	if (gfp & __GFP_DMA32)
		return ZONE_DMA32;
	if ((gfp & (__GFP_HIGHMEM | __GFP_MOVABLE)) == (__GFP_HIGHMEM | __GFP_MOVABLE))
		return ZONE_MOVABLE;
	return ZONE_NORMAL;
}

static inline u32 gfp_migratetype(gfp_t gfp)
{
	if (kdata->page_group_by_mobility_disabled)
		return MIGRATE_UNMOVABLE;
	return (gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE)) / __GFP_MOVABLE;
}

static inline bool migratetype_is_mergeable(u32 mt)
{
	return mt < MIGRATE_PCPTYPES;
}

/* How steps name a zone (steps.def). */
static inline u64 zone_id(const struct zone *zone)
{
	return (u64)zone->node << 8 | zone->zone_idx;
}

/* x * n / d without leaving 64 bits, rounded as the kernel does. */
static inline u64 mult_frac(u64 x, u64 n, u64 d)
{
	return x / d * n + x % d * n / d;
}

/* ---- page state ---- */

static inline bool PageBuddy(const struct page *page)
{
	return READ_ONCE(page->page_type) & PAGE_TYPE_BUDDY;
}

static inline bool PageHead(const struct page *page)
{
	return READ_ONCE(page->flags) & PG_head;
}

static inline u32 buddy_order(const struct page *page)
{
	return (u32)page->private;
}

static inline u32 pcppage_migratetype(const struct page *page)
{
	return (u32)page->index;
}

/* One pass of the sanity checks over a page that should be free: four words of its line. */
static inline void check_free_page(const struct page *page)
{
	BUG_ON(READ_ONCE(page->page_type)); /* mapped, or still on a buddy list */
	BUG_ON(READ_ONCE(page->mapping));
	BUG_ON(READ_ONCE(page->_refcount));
	BUG_ON(READ_ONCE(page->flags) & (PG_locked | PG_slab | PG_reserved | PG_lru_listed));
}

/* ---- pageblocks: types of four bits, 16 to a word of the memory section ---- */

#define PAGEBLOCK_BITS 4
#define PAGEBLOCK_MASK 7ul /* the fourth bit belongs to compaction */

static inline u64 *pageblock_word(u64 pfn)
{
	struct mem_section *section = &kdata->mem_section[pfn >> SECTION_PFN_SHIFT];
	u64 block = (pfn & ((1ul << SECTION_PFN_SHIFT) - 1)) >> PAGEBLOCK_ORDER;

	return pageblock_words(section->usage) + block * PAGEBLOCK_BITS / 64;
}

static inline u32 pageblock_shift(u64 pfn)
{
	return (u32)(pfn >> PAGEBLOCK_ORDER) * PAGEBLOCK_BITS % 64;
}

static inline u32 get_pageblock_migratetype(u64 pfn)
{
	u64 word = READ_ONCE(*pageblock_word(pfn));

	return (u32)(word >> pageblock_shift(pfn) & PAGEBLOCK_MASK);
}

/* page.c */
void init_page_zone(struct page *page, const struct zone *zone);
struct zone *pfn_to_zone(u64 pfn);
void set_pageblock_migratetype(u64 pfn, u32 mt);
void prep_compound_page(struct page *page, u32 order);
void check_new_pages(const struct page *page, u32 order);

/* buddy.c: zone->lock is held */
void __free_one_page(struct page *page, u64 pfn, struct zone *zone, u32 order, u32 mt, u32 fpi);
struct page *__rmqueue_smallest(struct zone *zone, u32 order, u32 mt);
struct page *__rmqueue(struct zone *zone, u32 order, u32 mt, u32 alloc_flags);
void isolate_free_block(struct zone *zone, struct page *page, u32 order);
struct page *__rmqueue_mode(struct zone *zone, u32 order, u32 mt, u32 alloc_flags, u32 *mode);
struct page *take_free_block(struct page *page, struct zone *zone, u32 order, u32 from, u32 mt);
void move_to_free_list(struct page *page, struct zone *zone, u32 order, u32 mt);
void del_page_from_free_list(struct page *page, struct zone *zone, u32 order);

/* Where a refill goes on looking, with fallback "claim". */
enum rmqueue_mode { RMQUEUE_NORMAL, RMQUEUE_CLAIM, RMQUEUE_STEAL };

/* fallback.c: zone->lock is held by the first four */
struct page *__rmqueue_claim(struct zone *zone, u32 order, u32 start_mt, u32 alloc_flags);
struct page *__rmqueue_steal(struct zone *zone, u32 order, u32 start_mt);
bool fallback_can_steal(const struct zone *zone, u32 order, u32 start_mt);
bool __rmqueue_fallback(struct zone *zone, u32 order, u32 start_mt, u32 alloc_flags);
void reserve_highatomic_pageblock(struct page *page, struct zone *zone);
bool unreserve_highatomic_pageblock(const struct alloc_context *ac, bool force);

/* pcp.c */
static inline bool pcp_allowed_order(u32 order)
{
	return kms_tunable(TUNE_PCP_ORDERS) >> order & 1;
}

static inline u32 pindex_to_order(u32 pindex)
{
	u32 order = pindex / MIGRATE_PCPTYPES;

	return order > PAGE_ALLOC_COSTLY_ORDER ? PAGEBLOCK_ORDER : order;
}
struct page *rmqueue_pcplist(struct zone *preferred, struct zone *zone, u32 order, u32 mt,
			     u32 alloc_flags);
u32 rmqueue_pcplist_many(struct zone *preferred, struct zone *zone, u32 mt, u32 alloc_flags,
			 struct page **pages, u32 n);
void free_unref_page(struct page *page, u32 order);
void free_unref_pages(struct page **pages, u32 n); /* no references left; the array is kept */
void drain_pages_zone(u32 cpu, struct zone *zone);
void drain_zone_all_cpus(struct zone *zone);
void drain_zone_pages(struct zone *zone, struct per_cpu_pages *pcp);
void free_pcppages_bulk(struct zone *zone, s32 count, struct per_cpu_pages *pcp, u32 pindex);

/* pcp_tune.c: pcp->lock is held, but for the last two */
#define PCP_AUTO_TUNED (-1) /* free_factor of lists that are auto-tuned */
u32 pcp_tune_refill(struct per_cpu_pages *pcp, const struct zone *zone, u32 order);
s32 pcp_tune_free(struct per_cpu_pages *pcp, struct zone *zone, u32 order);
void pcp_tune_freed(struct zone *zone);
bool pcp_tune_decay(struct zone *zone, struct per_cpu_pages *pcp);
void pcp_tune_watermark(struct zone *zone, u32 order, u32 highest_zoneidx, u32 alloc_flags, gfp_t gfp);
void zone_pcp_update(struct zone *zone, u32 coming_cpus);

/* page_alloc.c */
struct page *get_page_from_freelist(gfp_t gfp, u32 order, u32 alloc_flags,
				    const struct alloc_context *ac);
void prepare_alloc_context(gfp_t gfp, int nid, u64 nodemask, struct alloc_context *ac);
void prep_new_page(struct page *page, u32 order, gfp_t gfp, u32 alloc_flags,
		   const struct zone *zone);
void free_pages_prepare(struct page *page, u32 order, bool check_head);
void free_one_page(struct zone *zone, struct page *page, u64 pfn, u32 order, u32 mt, u32 fpi);

/* watermark.c */
bool __zone_watermark_ok(struct zone *zone, u32 order, u64 mark, u32 highest_zoneidx,
			 u32 alloc_flags, s64 free_pages);
bool zone_watermark_fast(struct zone *zone, u32 order, u64 mark, u32 highest_zoneidx,
			 u32 alloc_flags, gfp_t gfp);
void setup_per_zone_wmarks(void);
void calculate_totalreserve_pages(void);
u64 nr_free_zone_pages(u32 highest_zoneidx);
u64 int_sqrt(u64 x);

/* zonelist.c */
void build_all_zonelists(const struct mm_boot *boot);
struct zonelist *node_zonelist(int nid, gfp_t gfp);

/* The first entry from z on of at most this zone index; its zone is NULL at the end. */
static inline struct zoneref *next_zones_zonelist(struct zoneref *z, u32 highest_zoneidx)
{
	while ((u32)z->zone_idx > highest_zoneidx)
		z++;
	return z;
}

#define for_each_zone_zonelist(z, ref, highest_zoneidx)                                            \
	for (; (z = (ref)->zone);                                                                  \
	     ref = next_zones_zonelist((ref) + 1, highest_zoneidx))

/* Likewise, and only of nodes of the mask (0: of all). */
static inline struct zoneref *next_zones_nodemask(struct zoneref *z, u32 highest_zoneidx,
						  u64 nodemask)
{
	z = next_zones_zonelist(z, highest_zoneidx);
	while (unlikely(nodemask) && z->zone && !(nodemask >> z->zone->node & 1))
		z = next_zones_zonelist(z + 1, highest_zoneidx);
	return z;
}

#define for_each_zone_nodemask(z, ref, highest_zoneidx, nodemask)                                  \
	for (; (z = (ref)->zone);                                                                  \
	     ref = next_zones_nodemask((ref) + 1, highest_zoneidx, nodemask))

/* slowpath.c, kswapd.c */
struct page *alloc_pages_slowpath(gfp_t gfp, u32 order, const struct alloc_context *ac);
void wakeup_kswapd(struct zone *zone, gfp_t gfp, u32 order, u32 highest_zoneidx);

/* compaction.h's capture_control: the block that a direct compactor waits for */
struct capture_control;
bool compaction_capture(const struct zone *zone, struct page *page, u32 order, u32 mt);

/* vmstat.c */
static inline s64 zone_page_state(const struct zone *zone, u32 item)
{
	s64 x = READ_ONCE(zone->vm_stat[item]);

	return x < 0 ? 0 : x;
}
u32 fold_zone(struct zone *zone, struct per_cpu_pages *pcp);
void zone_statistics(struct zone *preferred, struct zone *zone, u64 n);
void set_pgdat_percpu_threshold(struct pglist_data *pgdat, bool pressure);

#endif
