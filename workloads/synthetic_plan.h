/*
 * synthetic_plan.h - a synthetic workload's description made ready to draw from.
 *
 * synthetic_plan.c turns the configuration into classes with their
 * distributions, GFP flags, call sites and caches, and phases with a table of
 * classes for each CPU; synthetic.c draws from it.
 */
#ifndef WORKLOADS_SYNTHETIC_PLAN_H
#define WORKLOADS_SYNTHETIC_PLAN_H

#include "workloads/dist.h"
#include "workloads/maker.h"
#include "workloads/synthetic.h"

struct plan_class {
	struct synthetic_class config;
	struct dist size, order, lifetime, batch;
	double weight;
	u32 gfp, site, cache;
	u64 nodemask;
	u8 alloc_op, free_op;
};

struct plan_phase {
	const char *name;
	u32 first_class, nr_classes;
	const double *weights; /* NULL: the classes' own */
	const double *cpu_weights; /* NULL: equal */
	u64 requests;
	double drain, rate; /* rate: allocations per second and CPU */
};

struct plan {
	const struct synthetic_config *config;
	struct plan_class *classes;
	u32 nr_classes;
	struct plan_phase *phases;
	u32 nr_phases;
	u64 requests; /* of all phases */
};

/* Names go into the maker's info. False: out of host memory. */
bool plan_init(struct plan *plan, const struct synthetic_config *config, struct maker *maker);
void plan_free(struct plan *plan);
/*
 * Classes that a CPU draws from when done of the phase's allocations are made; *table NULL: it
 * never has any. False: out of host memory.
 */
bool plan_table(const struct plan *plan, const struct plan_phase *phase, u64 done, u32 cpu,
		gsl_ran_discrete_t **table);
/* After how many of the phase's allocations, more than done, its tables change; UINT64_MAX: no more. */
u64 plan_next_table(const struct plan *plan, const struct plan_phase *phase, u64 done);
u64 plan_quota(const struct plan *plan, const struct plan_phase *phase, u32 cpu);
/* How fast a CPU must be to make its part while the others make theirs; of all CPUs the mean is 1. */
double plan_pace(const struct plan *plan, const struct plan_phase *phase, u32 cpu);

#endif
