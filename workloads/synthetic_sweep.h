/*
 * synthetic_sweep.h - frees of a synthetic workload that come together: when a
 * process exits, a file system is unmounted, a cache is dropped.
 *
 * A sweep happens when the workload has made so many allocations, and takes a
 * share of what waits for it from each class that it takes from, whatever CPU
 * allocated it. synthetic.c puts objects into the pools and frees what comes out.
 */
#ifndef WORKLOADS_SYNTHETIC_SWEEP_H
#define WORKLOADS_SYNTHETIC_SWEEP_H

#include "workloads/synthetic_living.h"
#include "workloads/synthetic_plan.h"

struct sweep_part {
	u32 class;
	double share;
};

struct sweep {
	u64 due; /* allocations; UINT64_MAX: never again */
	struct sweep_part *parts;
	u32 nr_parts;
};

struct sweeps {
	const struct plan *plan;
	struct sweep *sweeps; /* as many as config->sweeps */
	struct living_list *pools; /* by class, oldest first */
	u64 next; /* the earliest due */
};

/* False: out of host memory. */
bool sweeps_init(struct sweeps *s, const struct plan *plan);
void sweeps_free(struct sweeps *s);
/* Number of a sweep that is due after so many allocations, or -1. It will not be due again but by its period. */
s64 sweeps_due(struct sweeps *s, u64 allocations);
/*
 * Moves a part's objects out of their pool into a list, first to be freed first. Where
 * not all are taken, those that the sweep's own CPUs allocated go first.
 */
bool sweeps_take(struct sweeps *s, u32 sweep, const struct sweep_part *part, gsl_rng *rng, struct living_list *out);

#endif
