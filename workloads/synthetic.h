/*
 * synthetic.h - a workload drawn from distributions (GSL), described in JSON.
 *
 * The generator makes the same stream of requests for the same seed, one per
 * CPU, and is a struct kms_stream like a trace, so replay sees no difference.
 */
#ifndef WORKLOADS_SYNTHETIC_H
#define WORKLOADS_SYNTHETIC_H

#include "sim/config/cfg.h"
#include "workloads/request.h"

enum synthetic_dist {
	DIST_CONSTANT, DIST_UNIFORM, DIST_EXPONENTIAL, DIST_LOGNORMAL, DIST_PARETO, DIST_WEIBULL, DIST_DISCRETE
};

/* A distribution; a and b mean what the distribution's documentation says. */
struct dist_config {
	u32 kind; /* enum synthetic_dist */
	double a, b;
	double min, max;	  /* values are clamped */
	struct cfg_array values;  /* discrete: doubles */
	struct cfg_array weights; /* discrete: doubles, as many */
};

struct synthetic_config {
	u64 requests;		/* allocations, over all CPUs */
	u64 cpus;
	struct dist_config size;     /* bytes */
	struct dist_config lifetime; /* in allocations of the same CPU until the free */
	struct dist_config think;    /* ns between requests */
	double page_share;	/* of allocations that go to the page allocator */
	struct dist_config order;	/* of page allocations */
	double movable_share;	/* of page allocations */
	double remote_free_share; /* freed by another CPU than the allocating one */
};

extern const struct cfg_table synthetic_config_table;

int synthetic_open(struct kms_stream **stream, const struct synthetic_config *config, u64 seed,
		   struct kms_error *err);

#endif
