/*
 * sizes.h - kmalloc() of one size after the other: what each really gets.
 * For the labs "actual-size" and "saw-tooth".
 */
#ifndef SIM_LABS_SIZES_H
#define SIM_LABS_SIZES_H

#include "sim/labs/kit.h"

struct size_point {
	u64 asked, got; /* bytes; got 0: refused */
};

static inline u64 size_wasted(const struct size_point *p)
{
	return p->got ? p->got - p->asked : 0;
}

/* In whole percent of what was asked for, cut off, as both editions count. */
static inline u64 size_waste_percent(const struct size_point *p)
{
	return size_wasted(p) * 100 / p->asked;
}

/*
 * From `from` on in steps until kmalloc() refuses, or max points. The refused one
 * is the last if keep_refused. *n: how many.
 */
int sizes_measure(struct kit *k, u64 from, u64 step, bool keep_refused, struct size_point *points, u32 max, u32 *n,
		  struct kms_error *err);

/* The rule in words: size classes up to 8 KiB, powers of two of pages up to 4 MiB; 0 beyond. */
u64 sizes_rule(u64 bytes);

#endif
