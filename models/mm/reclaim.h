/*
 * reclaim.h - what the files of the slow path call of each other.
 *
 *   slowpath.c    an allocation that failed at first: what to try, how often
 *   vmscan.c      reclaim: how much of which LRU list, direct reclaim
 *   shrinker.c    slab objects that owners give back
 *   kswapd.c      the node's reclaim thread: balance, boosts, sleep
 *   lru.c         the lists of pages that owners can let go of
 *   compaction.c  compaction of a zone: when, how far, deferral; kcompactd
 *   compact_scan.c  its migration scanner;  compact_free.c  its free scanner
 *   migrate.c     moving pages
 *   oom.c         the last resort
 *
 * Pages in user hands are single pages that an owner (files and processes, not
 * modelled) put on an LRU list with lru_cache_add(). Page cache can be
 * reclaimed; it counts as clean. Anonymous pages can only be moved: there is
 * no swap. kms_owner_...() (kernel.h) tell the owner (docs/reclaim.md).
 */
#ifndef MODELS_MM_RECLAIM_H
#define MODELS_MM_RECLAIM_H

#include "models/mm/page_internal.h"

#define DEF_PRIORITY 12
#define MAX_RECLAIM_RETRIES 16
#define MAX_COMPACT_RETRIES 16
#define COMPACT_MAX_DEFER_SHIFT 6
#define COMPACT_CLUSTER_MAX SWAP_CLUSTER_MAX
#define HZ_MS 10 /* a jiffy of the recorded kernels (HZ = 100) */
#define KSWAPD_NAP_MS 100

/* Free pages that compaction for an order needs to work with. */
static inline u64 compact_gap(u32 order)
{
	return 2ul << order;
}

static inline void page_set_flags(struct page *page, u64 bits)
{
	u64 flags = READ_ONCE(page->flags);

	WRITE_ONCE(page->flags, flags | bits);
}

static inline void page_clear_flags(struct page *page, u64 bits)
{
	u64 flags = READ_ONCE(page->flags);

	WRITE_ONCE(page->flags, flags & ~bits);
}

static inline struct pglist_data *page_pgdat(struct page *page)
{
	return READ_ONCE(page_zone(page)->zone_pgdat);
}

/* ---- lru.c ---- */

#define NO_TASK (-1)

static inline u64 node_page_state(const struct pglist_data *pgdat, u32 item)
{
	s64 x = READ_ONCE(pgdat->vm_stat[item]);

	return x < 0 ? 0 : (u64)x;
}

static inline bool PageLRU(const struct page *page)
{
	return READ_ONCE(page->flags) & PG_lru_listed;
}

bool get_page_unless_zero(struct page *page);
/* pre: the node's lru_lock is held; the caller has a reference. */
void del_page_from_lru_list(struct page *page);
/*
 * Take pages off the end of a list, each with a reference: at most nr are looked at, those
 * of zones above reclaim_idx not counted. Returns how many were taken. pre: lru_lock is held
 */
u32 isolate_lru_pages(struct lruvec *lruvec, u32 lru, u32 nr, u32 reclaim_idx, struct page **taken,
		      u32 *scanned);
/* Back to the heads of their lists, giving up the references; a page nobody else holds is freed. */
void putback_lru_pages(struct page **pages, u32 n);

/* ---- vmscan.c ---- */

/* One reclaim under way. On the host's stack. */
struct scan_control {
	u64 nr_to_reclaim, nr_reclaimed, nr_scanned;
	u32 order, reclaim_idx;
	s32 priority;
	bool kswapd, compaction_ready, may_deactivate, skipped_deactivate, force_deactivate;
};

u64 try_to_free_pages(u32 order, gfp_t gfp, const struct alloc_context *ac);
bool shrink_node(struct pglist_data *pgdat, struct scan_control *sc);
u64 zone_reclaimable_pages(const struct zone *zone);
bool allow_direct_reclaim(struct pglist_data *pgdat);

/* ---- shrinker.c ---- */

u64 shrink_slab(struct pglist_data *pgdat, s32 priority);

/* ---- kswapd.c ---- */

void wake_kswapd(struct pglist_data *pgdat, u32 highest_zoneidx, u32 order);
bool zone_watermark_ok_safe(struct zone *zone, u32 order, u64 mark, u32 highest_zoneidx);

/* ---- compaction.c ---- */

enum compact_result {
	COMPACT_NOT_SUITABLE_ZONE, COMPACT_SKIPPED, COMPACT_DEFERRED, COMPACT_NO_SUITABLE_PAGE,
	COMPACT_CONTINUE, COMPACT_COMPLETE, COMPACT_PARTIAL_SKIPPED, COMPACT_CONTENDED,
	COMPACT_SUCCESS
};

enum compact_priority {
	COMPACT_PRIO_SYNC_FULL, /* the whole zone, whatever the hints say */
	COMPACT_PRIO_SYNC_LIGHT,
	COMPACT_PRIO_ASYNC,
	MIN_COMPACT_PRIORITY = COMPACT_PRIO_SYNC_FULL,
	MIN_COMPACT_COSTLY_PRIORITY = COMPACT_PRIO_SYNC_LIGHT,
	DEF_COMPACT_PRIORITY = COMPACT_PRIO_SYNC_LIGHT,
	INIT_COMPACT_PRIORITY = COMPACT_PRIO_ASYNC
};

/* *capture: a block that was caught for the caller, or NULL. */
u32 try_to_compact_pages(gfp_t gfp, u32 order, u32 alloc_flags, const struct alloc_context *ac,
			 u32 priority, struct page **capture);
u32 compaction_suitable(struct zone *zone, u32 order, u32 alloc_flags, u32 highest_zoneidx);
bool compaction_zonelist_suitable(const struct alloc_context *ac, u32 order, u32 alloc_flags);
void compaction_defer_reset(struct zone *zone, u32 order, bool alloc_success);
void reset_isolation_suitable(struct pglist_data *pgdat);
void wakeup_kcompactd(struct pglist_data *pgdat, u32 order, u32 highest_zoneidx);

/* ---- oom.c ---- */

bool out_of_memory(gfp_t gfp);

#endif
