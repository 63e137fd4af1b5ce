/*
 * tlb.h - address translation: two levels of TLB, and walks through the caches.
 *
 * Each window of simulated memory (sim/engine/ram.h) is mapped by pages of one
 * size: the direct map by 1 GiB or 2 MiB pages, the vmemmap by 2 MiB ones. The
 * first level has an array per page size and replaces in order of arrival, so
 * that a hit changes nothing and the engine's short cut may serve it. The
 * second level is a set-associative LRU cache of all page sizes it holds.
 *
 * A miss of both walks the tables: 4 levels for 4 KiB pages, 3 for 2 MiB, 2 for
 * 1 GiB, less those whose entry the walker keeps. Each step reads an 8-byte
 * entry of a table that lies behind the end of RAM, through L1D like a load.
 */
#ifndef MODELS_HW_TLB_H
#define MODELS_HW_TLB_H

#include "models/hw/cache.h"
#include "sim/engine/ram.h"

#define TLB_WINDOWS 2
#define TLB_LEVELS 4 /* 0: entries of 4 KiB pages ... 3: root */
#define TLB_WALK_MAX 64
#define TLB_NONE (~0ull)

struct hw_cpu;
struct hw_request;

struct tlb_array {
	u64 *pages; /* sets * ways: offset >> page shift, or TLB_NONE */
	u32 *next;  /* per set: the way to fill next */
	u32 set_mask, ways;
};

struct tlb {
	u64 last[TLB_WINDOWS];	/* a page of each window that the first level holds */
	u32 shift[TLB_WINDOWS]; /* of the window's pages; 63: no TLB is modelled */
	u32 leaf[TLB_WINDOWS];	/* level of its leaf entries */
	struct tlb_array l1[HW_NR_PAGE_SIZES];
	struct cache l2;
	bool has_l2, l2_holds_1g;
	u32 walk_entries;
	u64 walked[TLB_LEVELS][TLB_WALK_MAX]; /* entries the walker keeps, by level */
};

int tlb_init(struct tlb *tlb, const struct tlb_config *config, u32 cpu, struct kms_error *err);
void tlb_exit(struct tlb *tlb);

/* Whether the first level holds the page; sets last[]. */
bool tlb_find(struct tlb *tlb, u64 off);
/* It does not: get the translation, charging the request. */
void tlb_miss(struct hw_request *rq, u64 off);

static inline u32 tlb_window(u64 off)
{
	return off >= SIM_WINDOW2_OFF;
}

/* The same page of the window as last time, or a look-up. */
static inline bool tlb_has(struct tlb *tlb, u64 off)
{
	u32 window = tlb_window(off);

	return KMS_LIKELY(tlb->last[window] == off >> tlb->shift[window]) || tlb_find(tlb, off);
}

#endif
