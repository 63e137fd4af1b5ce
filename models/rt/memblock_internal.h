/*
 * memblock_internal.h - what memblock.c shares with the two kinds of machine.
 */
#ifndef MODELS_RT_MEMBLOCK_INTERNAL_H
#define MODELS_RT_MEMBLOCK_INTERNAL_H

#include "models/rt/memblock.h"
#include "sim/engine/ram.h"

#define MIB (1ull << 20)
#define PFN(bytes) ((bytes) >> SIM_PAGE_SHIFT)
#define PFN_UP(bytes) PFN((bytes) + SIM_PAGE_BYTES - 1)

enum { ZONE_KIND_DMA, ZONE_KIND_DMA32, ZONE_KIND_NORMAL, ZONE_KIND_MOVABLE, ZONE_KINDS };

/* Ranges of a node that kernel data may be put into, filled from their lower ends. */
struct gap_list {
	struct mm_range *ranges;
	u32 n, capacity;
};

/* A layout being made. */
struct layout {
	struct memblock *mb;
	struct gap_list gaps[MEMBLOCK_MAX_NODES];
	struct mm_range node[MEMBLOCK_MAX_NODES]; /* configured machines */
	u32 nr_nodes, nr_cpus;
	struct kms_error *err;
};

int memblock_check_counts(u32 nr_cpus, u64 nr_nodes, struct kms_error *err);
void memblock_begin(struct layout *l, struct memblock *mb, u32 nr_cpus, u32 nr_nodes, u64 distance,
		    struct kms_error *err);
int memblock_add_gap(struct layout *l, u32 node, u64 pfn, u64 end);
/* Room for n free ranges. */
int memblock_alloc_free_list(struct memblock *mb, u32 n, struct kms_error *err);
/* Node data, per-CPU areas, section table, struct pages. pre: zones and gaps are there */
int memblock_place_kernel_data(struct layout *l);
/* Gives back what the layout itself needed, and on failure the result too. Returns rc. */
int memblock_finish(struct layout *l, int rc);

#endif
