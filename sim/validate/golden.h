/*
 * golden.h - vectors recorded by test modules on real kernels, replayed.
 *
 * A golden file holds the parameters of pseudo-random request sequences and the
 * answers a kernel gave: frames for the page allocator (tests R and R2, with
 * the allocator's whole state before and after), objects for a private slab
 * cache (tests S). docs/validation-golden.md describes the text. Files are
 * plain, gzip or zstd.
 */
#ifndef SIM_VALIDATE_GOLDEN_H
#define SIM_VALIDATE_GOLDEN_H

#include <stdio.h>

#include "sim/engine/base.h"

#define GOLDEN_MAX_RUNS 64
#define GOLDEN_MAX_NOTES 12
#define GOLDEN_NOTE_BYTES 256

/* One test of the file. */
struct golden_run_report {
	char kind[4]; /* "R", "R2", "S", "K" */
	u64 line;
	char what[96]; /* its parameters in words */
	u64 total, exact;
	bool skipped; /* depends on a state that was not recorded */
};

struct golden_report {
	char file[512];
	struct golden_run_report runs[GOLDEN_MAX_RUNS];
	u32 nr_runs;
	int final_state;   /* 1 equal, 0 different, -1 not recorded */
	u64 state_differs; /* lists and fields that differ */
	bool ok;	   /* every answer exact and no state different */
	/* first differences, one line each: where, what was expected, what came */
	char notes[GOLDEN_MAX_NOTES][GOLDEN_NOTE_BYTES];
	u32 nr_notes;
	u64 more_notes; /* that found no room */
};

/*
 * Replay a file. 0: *report is complete, whether or not the answers were equal.
 * KMS_EUSAGE: the file cannot be read (file, line, found, expected), or holds
 * tests of an allocator that is not modelled.
 */
int golden_validate(const char *path, struct golden_report *report, struct kms_error *err);

/* All sections, or those of one kind (NULL: all). */
void golden_sum(const struct golden_report *report, const char *kind, u64 *total, u64 *exact);

/* A table and the first differences, for people. */
void golden_print(const struct golden_report *report, FILE *out);
/* One object: file, answers by section, final_state_equal, ok, differences, skipped. */
void golden_json(const struct golden_report *report, FILE *out);

#endif
