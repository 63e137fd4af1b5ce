/*
 * fit.h - a workload in statistics: what `trace fit` makes a synthetic profile
 * of, and what it compares the profile's own requests with.
 *
 * One pass over any stream, with memory bounded by its live objects and its
 * kinds of allocations. Bulk requests count as their single objects.
 */
#ifndef WORKLOADS_FIT_H
#define WORKLOADS_FIT_H

#include "workloads/request.h"

#define FIT_LIFETIMES 240 /* buckets, four to a doubling */
#define FIT_SIZES 24	  /* different sizes of one class that are kept apart */

struct fit_key {
	u32 phase, kind; /* kind: 0 kmalloc, 1 cache, 2 pages */
	u32 what;	 /* size class, cache, order */
	u32 gfp, site;
	u32 part; /* of the phase; over all phases */
};

/* A class at a sweep (fit_sweep.h): of its objects that some sweep frees. */
struct fit_sweep {
	u32 sweep;
	u64 born; /* since the sweep before was over */
	u64 died; /* in this one */
	double share; /* that it takes of what waits then: fit_sweep_shares() */
	double born_sum, born_squares, died_sum; /* of their places in the order of all allocations */
};

enum fit_victims { FIT_OLDEST, FIT_YOUNGEST, FIT_ANY };

struct fit_class {
	struct fit_key key;
	u64 allocs;
	u64 frees, remote_frees; /* one by one */
	u64 swept, remote_swept;
	struct fit_sweep *sweeps; /* ascending */
	u32 nr_sweeps;
	u64 lifetimes[FIT_LIFETIMES];
	struct {
		u64 size, n;
	} sizes[FIT_SIZES];
	u32 nr_sizes;
};

struct fit_phase {
	u64 allocs, begin, end; /* ns */
	u64 first; /* allocations before it */
	u64 cpu_allocs[256];
};

/* A sweep: when, and by which CPU. */
struct fit_moment {
	u64 at; /* allocations over all CPUs */
	u64 frees;
	u32 cpu;
};

/* Part of a phase: the allocations from one sweep to another. */
struct fit_part {
	u64 begin, end; /* allocations over all CPUs */
};

#define FIT_CURVE 512

/* Bytes alive at every step allocations; the step doubles as the curve becomes full. */
struct fit_curve {
	u64 bytes[FIT_CURVE];
	u32 n;
	u64 step;
	u64 live, peak;
};

struct fit {
	struct fit_class *classes;
	u32 nr_classes;
	struct fit_phase *phases;
	u32 nr_phases;
	struct fit_part *parts;
	u32 nr_parts;
	u64 sweep_least; /* frees that make a sweep */
	struct fit_moment *moments;
	u32 nr_moments;
	struct fit_curve curve;
	u64 allocs, frees, remote_frees, swept;
	u64 lifetimes[FIT_LIFETIMES]; /* of all */
	u64 sizes[64 * 8 + 8];	      /* bytes of all, eight buckets to a doubling */
	void *index;		      /* of classes, by key */
	u32 index_size;
};

/* sweep_least: as many frees together are a sweep. */
int fit_stream(struct fit *fit, struct kms_stream *stream, u64 sweep_least, struct kms_error *err);
void fit_free(struct fit *fit);
/* Classes with fewer than share of their phase's allocations become one, without call site. */
bool fit_merge_rare(struct fit *fit, double share);

/* Sets the shares of c->sweeps; which objects they take. */
enum fit_victims fit_sweep_shares(struct fit_class *c);

/* The lifetimes [low, next low) that a bucket counts. */
u64 fit_lifetime_low(u32 bucket);
/* Kolmogorov-Smirnov distance of two samples counted in the same buckets; 0 when one is empty. */
double fit_distance(const u64 *a, const u64 *b, size_t n);
/* Mean distance of two curves, as part of the first one's mean; 0 when one is empty. */
double fit_curve_distance(const struct fit_curve *a, const struct fit_curve *b);

#endif
