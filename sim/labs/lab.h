/*
 * lab.h - teaching experiments: one command each, every number checked.
 *
 * A lab is a C file here (what is done), a JSON file in configs/labs (machine,
 * allocator, parameters, questions) and a guide in docs/labs. table.c lists
 * them all. The framework: lab.c carries one out, output.c keeps what it says,
 * ask.c puts the questions, grade.c marks answers; sim/cli/lab.c is the verb.
 *
 * Parameters have the values of the book unless a seed is given: then those
 * with a range are drawn from it, so that every student has other numbers, and
 * checks against published figures (lab_check_book()) are left out.
 */
#ifndef SIM_LABS_LAB_H
#define SIM_LABS_LAB_H

#include <stdio.h>

#include "sim/teach/sandbox.h"

struct lab_run;
struct store;

struct lab {
	const char *name;
	int (*run)(struct lab_run *r, struct kms_error *err);
};

extern const struct lab *const lab_table[]; /* ends with NULL */
/* KMS_EUSAGE with the nearest name. */
int lab_find(const char *name, const struct lab **lab, struct kms_error *err);

struct lab_options {
	bool seeded;
	u64 seed;
	const char *db;	    /* database for labs that carry out whole runs; NULL: in memory */
	const char *dir;    /* folder for pictures; NULL: draw none */
	volatile int *stop;
};

/*
 * Read the lab's configuration and carry it out. Afterwards lab_close(),
 * whatever the result. KMS_EFAIL: the lab could not be carried out; checks that
 * do not hold are no error here (lab_ok()).
 */
int lab_carry_out(struct lab_run **run, const struct lab *lab, const struct lab_options *options,
		  struct kms_error *err);
/* The configuration alone: title, parameters and questions. Also to be closed. */
int lab_open(struct lab_run **run, const struct lab *lab, const struct lab_options *options,
	     struct kms_error *err);
void lab_close(struct lab_run *run);
bool lab_ok(const struct lab_run *run);

const char *lab_title(const struct lab_run *run);
const char *lab_goal(const struct lab_run *run);
const char *lab_source(const struct lab_run *run); /* the book's experiment, or "" */
const char *lab_guide(const struct lab_run *run);  /* docs/labs/NAME.md */

void lab_print(const struct lab_run *run, bool answers, FILE *out);
void lab_json(const struct lab_run *run, bool answers, FILE *out);

/* ---- for labs: what they do it with ---- */

/* A number of "parameters"; the lab fails when there is none of that name. */
s64 lab_param(struct lab_run *r, const char *name);
/* Checks against the published numbers make sense: no seed was given. */
bool lab_is_book(const struct lab_run *r);

/* A booted machine as "experiment" describes it; opened at the first call, closed with the lab. */
struct sandbox *lab_sandbox(struct lab_run *r, struct kms_error *err);
/* A fresh one with further settings (path=value). */
struct sandbox *lab_sandbox_with(struct lab_run *r, const char *const *settings, size_t n, struct kms_error *err);
/* Close it, so that the next call boots a fresh one. */
void lab_sandbox_reset(struct lab_run *r);
/*
 * One operation of CPU 0 on it, without a log; a kernel bug is KMS_EFAIL and the
 * sandbox is gone. (sandbox_do() for other CPUs, and to watch.)
 */
int lab_do(struct lab_run *r, void (*fn)(void *arg), void *arg, struct kms_error *err);

/*
 * Carry out a whole run of "experiment" with further settings (path=value) and
 * keep it in the database; *id is its run. The sandbox is closed first.
 */
int lab_experiment(struct lab_run *r, const char *name, const char *const *settings, size_t n, s64 *id,
		   struct kms_error *err);
/* A metric of such a run (docs/metrics.md); the lab fails when it has none of that name. */
double lab_metric(struct lab_run *r, s64 id, const char *metric);
struct store *lab_store(struct lab_run *r); /* NULL before the first experiment */

/* What the reader sees, in this order. */
void lab_say(struct lab_run *r, const char *fmt, ...) KMS_PRINTF(2, 3); /* a line or paragraph */
void lab_table_begin(struct lab_run *r, const char *key, const char *const *headings, u32 columns);
void lab_table_row(struct lab_run *r, const char *const *cells);
void lab_table_end(struct lab_run *r);

/* A figure by name: questions, checks and --json refer to it. */
void lab_value(struct lab_run *r, const char *name, const char *unit, double value);

/* What must hold. Numbers must be equal; the _book form counts only without a seed. */
void lab_check(struct lab_run *r, const char *what, double found, double expected);
void lab_check_book(struct lab_run *r, const char *what, double found, double expected);
void lab_check_that(struct lab_run *r, bool holds, const char *fmt, ...) KMS_PRINTF(3, 4);

/*
 * A picture: data (rows of tab-separated text, # comments) and the plot commands
 * of a gnuplot script that reads it as 'NAME.tsv'. SVG and PNG with script and
 * data beside them, in the folder given; nothing when there is none.
 */
int lab_picture(struct lab_run *r, const char *name, const char *title, const char *data,
		const char *commands, struct kms_error *err);

#endif
