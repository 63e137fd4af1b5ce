/*
 * minimise.h - the shortest trace that still shows something (delta debugging).
 *
 * The parts that are left out are objects: an allocation with all its frees.
 * First the trace's end is cut off by bisection, then ddmin (Zeller and
 * Hildebrandt, 2002) leaves out ever smaller groups of objects. Each candidate
 * is written as a trace file and given to the caller's test.
 */
#ifndef WORKLOADS_MINIMISE_H
#define WORKLOADS_MINIMISE_H

#include "workloads/request.h"

struct minimise_options {
	u64 max_tests;
	/* 0 with *holds set, or an error, which ends the search. */
	int (*test)(void *arg, const char *trace, bool *holds, struct kms_error *err);
	/* After every test, for progress; may be NULL. */
	void (*report)(void *arg, u64 tests, u64 requests, u64 objects);
	void *arg;
};

struct minimise_result {
	u64 tests;
	u64 requests_before, objects_before, requests, objects;
	bool minimal; /* no single object can be left out any more; false: max_tests was reached */
};

/* Error, also when the test does not hold on the input itself. Nothing is written then. */
int trace_minimise(const char *input, const char *output, const struct minimise_options *options,
		   struct minimise_result *result, struct kms_error *err);

#endif
