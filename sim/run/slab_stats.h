/*
 * slab_stats.h - SLUB's event counters, as a kernel with CONFIG_SLUB_STATS keeps them.
 *
 * Counted from tracepoints on the host's side, so that they cost no simulated
 * time and take no simulated memory. One set for each slab cache, over all CPUs.
 */
#ifndef SIM_RUN_SLAB_STATS_H
#define SIM_RUN_SLAB_STATS_H

#include "models/mm/inspect.h"

/* In the kernel's order, by its names. */
enum slab_stat {
	STAT_ALLOC_FASTPATH, STAT_ALLOC_SLOWPATH, STAT_FREE_FASTPATH, STAT_FREE_SLOWPATH,
	STAT_FREE_FROZEN, STAT_FREE_ADD_PARTIAL, STAT_FREE_REMOVE_PARTIAL, STAT_ALLOC_FROM_PARTIAL,
	STAT_ALLOC_SLAB, STAT_ALLOC_REFILL, STAT_ALLOC_NODE_MISMATCH, STAT_FREE_SLAB,
	STAT_CPUSLAB_FLUSH, STAT_DEACTIVATE_FULL, STAT_DEACTIVATE_EMPTY, STAT_DEACTIVATE_TO_HEAD,
	STAT_DEACTIVATE_TO_TAIL, STAT_DEACTIVATE_REMOTE_FREES, STAT_DEACTIVATE_BYPASS,
	STAT_ORDER_FALLBACK, STAT_CMPXCHG_DOUBLE_CPU_FAIL, STAT_CMPXCHG_DOUBLE_FAIL,
	STAT_CPU_PARTIAL_ALLOC, STAT_CPU_PARTIAL_FREE, STAT_CPU_PARTIAL_NODE, STAT_CPU_PARTIAL_DRAIN,
	NR_SLAB_STATS
};
extern const char *const slab_stat_names[NR_SLAB_STATS];

struct slab_stats {
	u64 (*count)[NR_SLAB_STATS]; /* by mm_inspect_cache_slot() */
	u32 slots;
	u64 whole_new, whole_freed; /* blocks of pages that are one object, any policy */
};

/* Count from now on: before the slab layer starts. KMS_EFAIL: no memory. */
int slab_stats_start(struct slab_stats *s, struct kms_error *err);
void slab_stats_stop(struct slab_stats *s);
const u64 *slab_stats_of(const struct slab_stats *s, const struct kmem_cache *cache);

#endif
