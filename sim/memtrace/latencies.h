/*
 * latencies.h - exact counts of latencies in clocks, and what is read off them.
 */
#ifndef SIM_MEMTRACE_LATENCIES_H
#define SIM_MEMTRACE_LATENCIES_H

#include "sim/engine/base.h"

struct latencies {
	u64 *counts; /* [latency] */
	u64 size, n, sum, max;
};

/* False: out of memory. */
bool latencies_add(struct latencies *l, u64 latency);
void latencies_free(struct latencies *l);
u64 latencies_min(const struct latencies *l);
/* The smallest latency that at least this part (0..1) of all do not exceed; 0 of none. */
u64 latencies_quantile(const struct latencies *l, double part);

#endif
