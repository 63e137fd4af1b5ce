/*
 * edit.h - traces made of traces: cut.c, anonymise.c, merge.c, and make of any
 * workload. Inputs are read once, in order; outputs are whole or not there.
 */
#ifndef WORKLOADS_EDIT_H
#define WORKLOADS_EDIT_H

#include "workloads/rewrite.h"

/* What is taken over: allocations within all of these, and the frees of their objects. */
struct cut_options {
	u64 from, to;		  /* ns of the trace's time, [from, to); to 0: the end */
	const char *const *phases; /* names; none: all */
	size_t nr_phases;
	const char *const *caches; /* slab caches by name, "kmalloc", "pages"; none: all */
	size_t nr_caches;
	bool cpus[256];
	bool some_cpus; /* cpus counts: the others' requests are left out */
	bool live;	/* objects alive at the beginning are allocated first */
};

struct cut_counts {
	struct rewrite_counts all;
	u64 live_before;    /* objects alive at the beginning, left out or (live) allocated first */
	u64 freed_after;    /* objects whose free lies outside the time */
	u64 freed_elsewhere; /* objects freed by a CPU left out: their own CPU frees them */
	u64 boot_steps;	    /* left out: what remains runs on a booted kernel */
};

int trace_cut(const char *input, const char *output, const struct cut_options *options,
	      struct cut_counts *counts, struct kms_error *err);

struct anonymise_options {
	bool keep_caches, keep_phases;
	u64 coarsen; /* ns: times are rounded down to multiples of it; 0: as they are */
};

int trace_anonymise(const char *input, const char *output, const struct anonymise_options *options,
		    struct rewrite_counts *counts, struct kms_error *err);

/* Side by side: each input on CPUs of its own, or (same_cpus) on the CPUs of the same numbers. */
int trace_merge(const char *const *inputs, size_t n, const char *output, bool same_cpus,
		struct rewrite_counts *counts, struct kms_error *err);

/* Any workload as a trace file. */
int trace_make(struct kms_stream *stream, const char *output, struct rewrite_counts *counts,
	       struct kms_error *err);

#endif
