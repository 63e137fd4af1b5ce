/*
 * loops.h - the code that calibration times: loops around allocator calls, and
 * kernels of ordinary instruction work.
 *
 * loops.c is compiled twice, as the allocators are: natively, to be timed on
 * this computer, and with hooks, to be run on the simulated machine. What the
 * loops keep between calls (slots, pick, sizes) lies in simulated memory, so
 * that both flavours make the same accesses.
 */
#ifndef SIM_CALIBRATE_TIMED_LOOPS_H
#define SIM_CALIBRATE_TIMED_LOOPS_H

#include "models/mm/mm.h"

#define LOOP_BULK 32u /* objects a bulk call */

struct loop_job {
	const struct mm_ops *mm;
	const struct slab_ops *slab;
	struct kmem_cache *cache;
	uint64_t size; /* of one kmalloc() */
	uint32_t order;
	uint32_t n;	 /* calls of each kind in a round */
	uint32_t rounds;
	void **slots;	       /* [n] */
	const uint32_t *pick;  /* [n] order of the frees */
	const uint32_t *sizes; /* [n] */
};

enum loop_id {
	LOOP_KMALLOC_PAIRS, LOOP_KMALLOC_BATCH, LOOP_KMALLOC_SHUFFLED, LOOP_KMALLOC_MIXED,
	LOOP_CACHE_PAIRS, LOOP_CACHE_BATCH, LOOP_CACHE_BULK,
	LOOP_PAGE_PAIRS, LOOP_PAGE_BATCH, LOOP_PAGE_BULK,
	LOOP_LISTS, LOOP_TABLE, LOOP_RECORDS, LOOP_CHASE,
	NR_LOOPS
};

typedef void loop_fn(const struct loop_job *job);
extern const struct mm_ops mm_ops_native __attribute__((visibility("default"))); /* the plain flavour without tracepoints */
extern loop_fn *const calibrate_loops_cycle[NR_LOOPS];
extern loop_fn *const calibrate_loops_native[NR_LOOPS];

#endif
