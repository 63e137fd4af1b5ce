/*
 * touch.h - how much of an object its user touches, and where.
 *
 * What is drawn depends on the seed and the request alone, not on the order in
 * which CPUs get to theirs, nor on where a run began.
 */
#ifndef WORKLOADS_TOUCH_H
#define WORKLOADS_TOUCH_H

#include "workloads/dist.h"

#define TOUCH_PIECE 8 /* bytes touched at every stride */

struct touch_config {
	u64 write_bytes; /* written after an allocation, at most the object; 0 none */
	u64 read_bytes;	 /* read before a free */
	struct dist_config write_share, read_share; /* of the object, 0 to 1; the larger of the two counts */
	u64 stride; /* bytes from one piece to the next; 0: all bytes */
};

struct touch {
	const struct touch_config *config;
	struct dist write, read;
	gsl_rng *rng;
	u64 seed;
};

/* False: out of host memory. */
bool touch_init(struct touch *t, const struct touch_config *config, u64 seed);
void touch_free(struct touch *t);
/* Whether anything is written (read) at all. */
bool touch_any(const struct touch *t, bool write);
/* Bytes from the object's start on that are within reach of its i-th object of request seq. */
u64 touch_reach(struct touch *t, bool write, u64 seq, u32 i, u64 size);

#endif
