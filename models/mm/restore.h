/*
 * restore.h - putting the page allocator into a recorded state, and holding it
 * against one, uncharged.
 *
 * The counterpart of inspect.h: compiled without instrumentation (restore_*.c),
 * called between operations, on a machine that has booted with the same nodes,
 * zones and CPUs. sim/validate/restore.c boots such a machine.
 */
#ifndef MODELS_MM_RESTORE_H
#define MODELS_MM_RESTORE_H

#include "models/mm/mm.h"
#include "sim/engine/base.h"

#define MM_SAVED_NO_SECTION 15 /* a pageblock in no memory section */
#define MM_SAVED_BUDDY (~0u)   /* a list's cpu: a free list of the zone itself */

/* Counts are pages; nr_free_pages is the zone's own counter, without the CPUs' differentials. */
struct mm_saved_zone {
	u32 node, zone_idx;
	u64 start_pfn, spanned, present, managed;
	u64 watermark[3], watermark_boost;
	s64 nr_free_pages;
	u64 lowmem_reserve[4];
	s32 pageset_high, pageset_batch;
	u64 nr_reserved_highatomic, flags;
	bool highatomic_known; /* the two above were recorded: compare them */
};

/* One CPU's part of a zone. */
struct mm_saved_pcp {
	u32 zone; /* index of mm_saved_pages.zones */
	u32 cpu;
	s32 count, high, batch;
	s32 free_factor, expire;
	s32 nr_free_diff, stat_threshold;
};

/* Frames from head to tail. */
struct mm_saved_list {
	u32 zone;
	u32 cpu;       /* MM_SAVED_BUDDY, or whose per-CPU list it is */
	u32 order, mt; /* free list */
	u32 pindex;    /* per-CPU list */
	u32 nr;
	const u64 *pfns;
	const u8 *types; /* per-CPU list: migratetypes that the pages carry; NULL: that of the list */
};

/* Types of a zone's pageblocks, from the one that its first frame lies in. */
struct mm_saved_blocks {
	u32 zone, nr;
	const u8 *types; /* migratetypes, or MM_SAVED_NO_SECTION */
};

/* What was not recorded is not there: lists that are missing count as empty only when restored. */
struct mm_saved_pages {
	struct mm_saved_zone *zones;
	struct mm_saved_pcp *pcps;
	struct mm_saved_list *lists;
	struct mm_saved_blocks *blocks;
	u32 nr_zones, nr_pcps, nr_lists, nr_blocks;
};

/*
 * Make this the state of the allocator. pre: zones exist as in the state, every
 * frame lies in its zone, aligned to its order, and none occurs twice (which
 * mm_check_pages() would find). Pages on no list belong to somebody, without
 * references: give them one before they are freed.
 */
void mm_restore_pages(const struct mm_saved_pages *state);

/*
 * Compare the allocator with a recorded state: every list in order, every field.
 * differs() gets each difference in words. Returns their number.
 */
typedef void mm_differs_fn(void *arg, const char *what);
u64 mm_compare_pages(const struct mm_saved_pages *state, mm_differs_fn *differs, void *arg);

/* The block's owner is not one whose pages lie on LRU lists, although it asked for movable ones. */
void mm_page_off_lru(struct page *page);

#endif
