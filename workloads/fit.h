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
};

struct fit_class {
	struct fit_key key;
	u64 allocs, frees, remote_frees;
	u64 lifetimes[FIT_LIFETIMES];
	struct {
		u64 size, n;
	} sizes[FIT_SIZES];
	u32 nr_sizes;
};

struct fit_phase {
	u64 allocs, begin, end; /* ns */
};

struct fit {
	struct fit_class *classes;
	u32 nr_classes;
	struct fit_phase *phases;
	u32 nr_phases;
	u64 allocs, frees, remote_frees;
	u64 cpu_allocs[256];
	u64 lifetimes[FIT_LIFETIMES]; /* of all */
	u64 sizes[64 * 8 + 8];	      /* bytes of all, eight buckets to a doubling */
	void *index;		      /* of classes, by key */
	u32 index_size;
};

int fit_stream(struct fit *fit, struct kms_stream *stream, struct kms_error *err);
void fit_free(struct fit *fit);
/* Classes with fewer than share of their phase's allocations become one, without call site. */
bool fit_merge_rare(struct fit *fit, double share);

/* The lifetimes [low, next low) that a bucket counts. */
u64 fit_lifetime_low(u32 bucket);
/* Kolmogorov-Smirnov distance of two samples counted in the same buckets; 0 when one is empty. */
double fit_distance(const u64 *a, const u64 *b, size_t n);

#endif
