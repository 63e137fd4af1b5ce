/*
 * prefetch.h - hardware prefetchers into L1D and L2.
 *
 * The stream of accesses carries no instruction addresses, so strides are
 * recognised per 4 KiB page, as stream prefetchers do: two equal distances
 * between misses of a page in a row are a stride. A prefetch never leaves the
 * page, never waits for a miss register (it is dropped), and its line is usable
 * when it arrives (core.c keeps what is under way).
 */
#ifndef MODELS_HW_PREFETCH_H
#define MODELS_HW_PREFETCH_H

#include "models/hw/machine_config.h"

#define PREFETCH_STREAMS 16u

struct hw_request;

struct prefetch_stream {
	u64 page, line;
	s64 stride;
	u64 used;
};

struct prefetcher {
	u32 kind; /* enum hw_prefetcher */
	u32 degree;
	u64 clock;
	struct prefetch_stream streams[PREFETCH_STREAMS];
};

/*
 * An L1 miss that set out at start has been served: train both prefetchers and
 * let them run ahead, from when the miss had its register.
 */
void prefetch_miss(const struct hw_request *rq, kms_ps start);

#endif
