/*
 * synthetic.h - a workload drawn from distributions (GSL), described in JSON.
 *
 * The generator makes the same stream of requests for the same seed, one per
 * CPU, and is a struct kms_stream like a trace, so replay sees no difference.
 * docs/workloads.md explains the description; synthetic_config.c has its table.
 */
#ifndef WORKLOADS_SYNTHETIC_H
#define WORKLOADS_SYNTHETIC_H

#include "sim/config/cfg.h"
#include "workloads/request.h"

enum synthetic_dist {
	DIST_CONSTANT, DIST_UNIFORM, DIST_EXPONENTIAL, DIST_LOGNORMAL, DIST_PARETO, DIST_WEIBULL,
	DIST_DISCRETE, DIST_ZIPF, DIST_EMPIRICAL, DIST_BIMODAL
};

/* A distribution; a and b mean what the distribution's documentation says. */
struct dist_config {
	u32 kind; /* enum synthetic_dist */
	double a, b;
	double share;		  /* bimodal: of the second mode */
	double min, max;	  /* values are clamped */
	struct cfg_array values;  /* discrete, zipf, empirical: doubles */
	struct cfg_array weights; /* discrete: as many; empirical: one fewer */
};

enum synthetic_request { SYNTHETIC_KMALLOC, SYNTHETIC_CACHE, SYNTHETIC_PAGES };
enum synthetic_mobility { MOBILITY_UNMOVABLE, MOBILITY_MOVABLE, MOBILITY_RECLAIMABLE };
enum synthetic_free_order { FREE_BY_LIFETIME, FREE_FIFO, FREE_LIFO, FREE_RANDOM };
enum synthetic_sweep_order { SWEEP_FIFO, SWEEP_LIFO, SWEEP_RANDOM };
enum synthetic_arrivals { ARRIVALS_THINK, ARRIVALS_POISSON, ARRIVALS_BURSTS, ARRIVALS_DIURNAL };

/* Allocations of one kind. */
struct synthetic_class {
	char *name;  /* its call site */
	double weight;
	double from, to; /* part of its phase in which it allocates: 0 to 1 */
	u32 request; /* enum synthetic_request */
	char *cache; /* SYNTHETIC_CACHE: its name; NULL: the class's */
	struct dist_config size; /* bytes; a cache's object size is a constant */
	u64 align, flags;
	bool constructor;
	struct dist_config order;
	u32 mobility;
	u64 gfp; /* 0: by mobility */
	struct dist_config lifetime;
	double immortal; /* share that is never freed */
	double swept;	 /* share that lives until a sweep takes it */
	struct cfg_array sweeps;       /* u64: numbers of those that take from it; empty: all */
	struct cfg_array sweep_shares; /* double, one a sweep: of what waits; empty: all of it */
	double sweep_remote_share; /* of what one takes that other CPUs than its own allocated */
	u32 sweep_order; /* enum synthetic_sweep_order */
	u32 free_order;
	struct dist_config batch; /* other than by lifetime: objects allocated before all are freed */
	double remote_free_share;
	struct cfg_array cpus, free_cpus; /* u64; empty: all, the allocating one */
	struct cfg_array nodes; /* u64; SYNTHETIC_PAGES: where they may come from; empty: anywhere */
};

struct synthetic_phase {
	char *name;
	u64 requests; /* 0: the rest, in equal parts */
	struct cfg_array weights; /* double, one a class; empty: the classes' own */
	struct cfg_array classes; /* struct synthetic_class; empty: the workload's */
	struct cfg_array cpu_weights; /* double, one a CPU; empty: the workload's */
	double rate; /* 0: the arrivals' */
	double drain; /* share of what is alive that is freed at the end, in random order */
};

/* Objects of many classes die together. */
struct sweep_config {
	u64 at, every; /* allocations over all CPUs; every 0: once */
	struct cfg_array cpus; /* u64: that free; empty: each its own */
};

struct arrivals_config {
	u32 kind;	/* enum synthetic_arrivals */
	double rate;	/* allocations per second and CPU */
	struct dist_config on, off; /* bursts: ns */
	kms_ps period;	/* diurnal */
	double swing;	/* diurnal: 0 to 1 */
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
	u32 free_order;
	struct dist_config batch;
	struct arrivals_config arrivals;
	struct cfg_array cpu_weights; /* double, one a CPU; empty: equal */
	struct cfg_array classes; /* struct synthetic_class; empty: made from the keys above */
	struct cfg_array sweeps;  /* struct sweep_config */
	struct cfg_array phases;  /* struct synthetic_phase; empty: one */
};

extern const struct cfg_table synthetic_config_table;
extern const struct cfg_table synthetic_dist_table; /* struct dist_config */

int synthetic_open(struct kms_stream **stream, const struct synthetic_config *config, u64 seed,
		   struct kms_error *err);

#endif
