/*
 * tunables.h - parameters that are fixed at boot and cost no memory access.
 *
 * What the kernel fixes when it is built (pageblock_order, the largest order)
 * or patches into its code (static keys) is no variable in simulated RAM: a
 * run with the defaults makes exactly the accesses of a kernel that knows no
 * such parameter. models/rt keeps them and sets them from struct mm_params.
 */
#ifndef MODELS_MM_TUNABLES_H
#define MODELS_MM_TUNABLES_H

#include <stdbool.h>
#include <stdint.h>

enum kms_tunable {
	TUNE_PCP_ORDERS,      /* bit n: blocks of order n have per-CPU lists */
	TUNE_PCP_BATCH,	      /* 0: from the zone's size */
	TUNE_PCP_HIGH,	      /* 0: from the watermarks */
	TUNE_MERGE_LOOKAHEAD, /* 1: blocks that may soon merge again are used last */
	TUNE_FREE_LIST_ORDER, /* enum free_list_order */
	TUNE_PAGEBLOCK_ORDER,
	TUNE_MAX_PAGE_ORDER,  /* inclusive */
	TUNE_CPU_PARTIAL,     /* TUNE_UNSET: by object size */
	TUNE_MIN_PARTIAL,     /* TUNE_UNSET: by object size */
	TUNE_REMOTE_NODE_DEFRAG_RATIO, /* percent */
	/* SLAB; TUNE_UNSET: as the kernel chooses */
	TUNE_SLAB_MAX_ORDER,
	TUNE_SLAB_LIMIT,
	TUNE_SLAB_BATCHCOUNT,
	TUNE_SLAB_SHARED,
	TUNE_NOALIENCACHE,
	TUNE_SLOB_BREAK1, /* bytes */
	TUNE_SLOB_BREAK2,
	TUNE_SHEAF_CAPACITY,  /* 0: no sheaves; TUNE_UNSET: as the kernel */
	TUNE_SHEAF_CACHES,    /* enum sheaf_caches */
	/* behaviours of other kernel versions (mm.h) */
	TUNE_PCP_AUTO_TUNE,
	TUNE_PCP_HIGH_FROM,
	TUNE_PCP_FREE_BATCH,
	TUNE_PCP_DRAIN,
	TUNE_PCP_FREE_HIGH_BATCH,
	TUNE_FREED_TYPE,
	TUNE_FALLBACK,
	TUNE_SLAB_ORDER,
	TUNE_FREE_POINTER,
	TUNE_CPU_PARTIAL_LIMIT,
	TUNE_TRANSPARENT_HUGEPAGE, /* 1: khugepaged runs */
	TUNE_SLUB_DEBUG,     /* slab cache flags, and SLUB_DEBUG_SAME_ORDER */
	TUNE_SLAB_HARDENED,  /* 1: a free object that links to itself is a bug */
	NR_TUNABLES
};
#define TUNE_UNSET 0xffffffffu
#define SLUB_DEBUG_SAME_ORDER 1u /* no debug option may make a cache's slabs larger */

struct mm_params;

/* models/rt/tunables.c. Written before a run, never during one. */
extern uint32_t kms_tunables[NR_TUNABLES];
void kms_set_params(const struct mm_params *params);
/* The letters of the boot parameter slub_debug (any of "FZPUO", or "-") as flags; false: no such letter. */
bool kms_slub_debug_flags(const char *text, uint32_t *flags);

#ifdef KMS_FLAVOUR_CYCLE
uint32_t kms_tunable(enum kms_tunable tunable) __attribute__((pure));
#else
static inline uint32_t kms_tunable(enum kms_tunable tunable)
{
	return kms_tunables[tunable];
}
#endif

#endif
