/*
 * compaction.h - one compaction of a zone, between its files.
 *
 * Two scanners walk towards each other: compact_scan.c from below collects pages
 * that can be moved, compact_free.c from above free pages to move them to;
 * compaction.c drives them and decides when to stop, migrate.c moves the pages.
 */
#ifndef MODELS_MM_COMPACTION_H
#define MODELS_MM_COMPACTION_H

#include "models/mm/reclaim.h"

enum migrate_mode { MIGRATE_ASYNC, MIGRATE_SYNC_LIGHT, MIGRATE_SYNC };

#define MAX_THROTTLE_NAPS 2 /* as long as one sleeps for pages to come back to the lists: 20 ms */
#define WHOLE_ZONE_ORDER (-1) /* no block of a certain order is wanted: compact as far as it goes */

/*
 * On the host's stack. Free pages in hand are chained by lru.next, newest
 * first; frames up to migrate_pfn are behind the lower scanner, from free_pfn's
 * pageblock on behind the upper.
 */
struct compact_control {
	struct zone *zone;
	struct page *freepages;
	u32 nr_freepages, nr_migratepages;
	struct page *migratepages[MAX_PAGEBLOCK_NR_PAGES];
	u64 migrate_pfn, free_pfn;
	u64 fast_start_pfn; /* lowest pageblock that a fast search found; ~0: used up */
	u64 migrate_scanned, free_scanned, migrated;
	s32 order;
	u32 alloc_flags, highest_zoneidx, migratetype, mode;
	s32 search_order; /* where the fast search for free pages begins */
	u32 fast_search_fail;
	bool direct, whole_zone, ignore_skip_hint, ignore_block_suitable, rescan, proactive;
};

/* Field by field: a compiler would clear a structure of this size with memset(). */
static inline void init_compact_control(struct compact_control *cc, s32 order, gfp_t gfp)
{
	cc->zone = NULL;
	cc->freepages = NULL;
	cc->nr_freepages = cc->nr_migratepages = 0;
	cc->migrate_pfn = cc->free_pfn = cc->fast_start_pfn = 0;
	cc->migrate_scanned = cc->free_scanned = cc->migrated = 0;
	cc->order = order;
	cc->search_order = order;
	cc->fast_search_fail = 0;
	cc->migratetype = gfp_migratetype(gfp);
	cc->alloc_flags = cc->highest_zoneidx = 0;
	cc->mode = MIGRATE_SYNC_LIGHT;
	cc->direct = cc->whole_zone = cc->rescan = cc->proactive = false;
	cc->ignore_skip_hint = cc->ignore_block_suitable = false;
}

/* A direct compactor waits for a block: __free_one_page() may hand it over. On the host's stack. */
struct capture_control {
	struct compact_control *cc;
	struct page *page;
};

/* ---- pageblocks: compaction's bit, "nothing was found here lately" ---- */

#define PAGEBLOCK_SKIP 8ul

static inline bool get_pageblock_skip(u64 pfn)
{
	u64 word = READ_ONCE(*pageblock_word(pfn));

	return word >> pageblock_shift(pfn) & PAGEBLOCK_SKIP;
}
void change_pageblock_skip(u64 pfn, bool skip);

static inline u64 zone_end(const struct zone *zone)
{
	u64 start = READ_ONCE(zone->zone_start_pfn);

	return start + READ_ONCE(zone->spanned_pages);
}

static inline u64 pageblock_start_pfn(u64 pfn)
{
	return ALIGN_DOWN(pfn, PAGEBLOCK_NR_PAGES);
}

static inline u64 pageblock_end_pfn(u64 pfn)
{
	return pageblock_start_pfn(pfn) + PAGEBLOCK_NR_PAGES;
}

/* Boundaries of blocks of an order, which is 0 or more. */
static inline u64 block_start_pfn(u64 pfn, s32 order)
{
	return ALIGN_DOWN(pfn, 1ul << order);
}

static inline u64 block_end_pfn(u64 pfn, s32 order)
{
	return block_start_pfn(pfn, order) + (1ul << order);
}

/* How many entries a fast search may look at: fewer after each failure. */
static inline u32 freelist_scan_limit(const struct compact_control *cc)
{
	return (COMPACT_CLUSTER_MAX >> min(cc->fast_search_fail, 31u)) + 1;
}

/* page becomes the first (the last) entry, those around it keep their order. */
void move_freelist_head(struct list_head *freelist, struct page *page, u32 order);
void move_freelist_tail(struct list_head *freelist, struct page *page, u32 order);

/* compaction.c: one zone; capture: for whom, NULL for nobody */
u32 compact_zone(struct compact_control *cc, struct zone *zone, struct capture_control *capture);
bool compaction_deferred(struct zone *zone, u32 order);
void defer_compaction(struct zone *zone, u32 order);

/* compact_daemon.c */
void kcompactd_compact(struct pglist_data *pgdat, u32 order, u32 highest_zoneidx);
u32 fragmentation_score_zone(const struct zone *zone);
u32 fragmentation_score_wmark(bool low);

/* compact_scan.c: fills migratepages; the number found, ISOLATE_ABORT: stop compacting */
#define ISOLATE_ABORT (~0u)
u32 isolate_migratepages(struct compact_control *cc);

/* compact_free.c: fills freepages */
void isolate_freepages(struct compact_control *cc);
/* The rest back to the allocator; the highest frame among them, 0 none. */
u64 release_freepages(struct compact_control *cc);

/* migrate.c: empties migratepages; 0, or why pages were put back */
enum migrate_result { MIGRATE_DONE, MIGRATE_SOME_FAILED, MIGRATE_NO_TARGET };
u32 migrate_pages(struct compact_control *cc);

#endif
