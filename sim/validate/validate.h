/*
 * validate.h - replaying a recording of a real kernel against the allocators.
 *
 * A recording is a folder with a trace of every request to the page allocator
 * and the slab layer, of the steps inside them, and dumps of the allocators'
 * state (docs/validation.md). Requests are given to the plain flavour of the
 * allocators in the recorded order, from the empty buddy on; every answer,
 * every step and every dump is compared.
 */
#ifndef SIM_VALIDATE_VALIDATE_H
#define SIM_VALIDATE_VALIDATE_H

#include <stddef.h>

#include "sim/engine/base.h"

struct validate_options {
	bool compaction;    /* compare the model's own compaction with the recorded one, too */
	bool resync;	    /* after a wrong answer go on as if the recorded one had come */
	unsigned shown;	    /* mismatches to describe */
	volatile int *stop; /* set from outside: give up; NULL: nobody does */
};

struct validate_count {
	const char *name; /* "page_alloc", "pcp_free" */
	u64 total, exact;
};

struct validate_snapshot {
	char name[64]; /* of the dump's file, without state- and .txt */
	u64 lists, different;
};

/* One difference, in words; all texts end without a newline. */
struct validate_miss {
	u64 line; /* of the trace, from 1 */
	char *expected, *came, *state;
};

struct validate_result {
	u64 events;	  /* lines of the trace */
	u64 wall_ns;	  /* reading, sorting out and replaying */
	double exact;	  /* percent of all answers and steps */
	bool ok;	  /* nothing different at all */
	char stopped[512]; /* why the replay ended early; empty: it did not */
	struct validate_count *answers, *steps, *counters;
	size_t nr_answers, nr_steps, nr_counters; /* only kinds that occur */
	struct validate_count *compaction; /* lines that it would have written; no part of exact and ok */
	size_t nr_compaction;
	struct validate_snapshot *snapshots;
	size_t nr_snapshots;
	u64 missing_dumps; /* that the trace names and the folder does not have */
	struct validate_miss *misses;
	size_t nr_misses;
};

/*
 * KMS_EUSAGE: no recording, or a damaged one (file:line); KMS_EFAIL: host
 * trouble; KMS_EINTERRUPTED. Differences are no error. Give back with
 * validate_free(), also after a failure.
 */
int validate_recording(const char *dir, const struct validate_options *options,
		       struct validate_result *result, struct kms_error *err);
void validate_free(struct validate_result *result);

#endif
