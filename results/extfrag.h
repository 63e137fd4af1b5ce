/*
 * extfrag.h - the kernel's two figures of external fragmentation.
 *
 * Both say how badly a zone is off for blocks of an order, from the number of
 * free blocks of each order; pages on per-CPU lists do not count as free.
 * Integers, rounded as the kernel rounds them (mm/vmstat.c of Linux 6.1; spec
 * page_alloc.md 23).
 */
#ifndef RESULTS_EXTFRAG_H
#define RESULTS_EXTFRAG_H

#include "sim/engine/base.h"

#define EXTFRAG_ORDERS 11

/* Thousandths of the free memory that lie in blocks smaller than order; 1000 when nothing is free. */
int extfrag_unusable(const u64 nr_free[EXTFRAG_ORDERS], u32 order);

/*
 * Why an allocation of that order fails, in thousandths: towards 0 for lack of
 * memory, towards 1000 for fragmentation. -1000: it would not fail. 0 when no
 * block is free at all.
 */
int extfrag_index(const u64 nr_free[EXTFRAG_ORDERS], u32 order);

#endif
