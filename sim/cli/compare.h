/*
 * compare.h - what the files of the verb `compare` share.
 *
 * compare.c has the verb; compare_columns.c finds out what stands in which
 * column; compare_jobs.c runs what is missing, each run in a process and a
 * database of its own; compare_table.c and compare_export.c print,
 * compare_words.c says it in a sentence, compare_fail.c judges --fail-on, and
 * compare_diverge.c looks for the place where two runs part.
 */
#ifndef SIM_CLI_COMPARE_H
#define SIM_CLI_COMPARE_H

#include "results/compare.h"
#include "sim/cli/internal.h"
#include "sim/config/matrix.h"

/* One run that a column is made of. */
struct cmp_job {
	struct cfg *cfg;
	struct experiment_config config;
	char *json; /* resolved */
	char hash[33], trace_hash[33];
	s64 run;    /* 0: not there yet */
	struct cmp_job *same; /* an earlier one that is the same run */
	char label[96];
};

struct cmp_column {
	char label[64];
	struct cmp_job *jobs; /* of a configuration */
	u32 nr_jobs;
	struct compare_column ids;
};

struct cmp {
	struct cli *cli;
	struct cmp_column *columns;
	u32 nr_columns;
	bool has_configs, has_runs;
	struct store *store;
	struct comparison c;
	u32 top;   /* operations and locks in the table */
	u64 sections; /* a bit each */
	bool all;
};

/* compare_columns.c */
int cmp_load_columns(struct cmp *cmp, struct kms_error *err);
void cmp_free_columns(struct cmp *cmp);
/* After all runs are there: ids of the columns' runs; columns of runs that differ in their seed only become one. */
int cmp_find_runs(struct cmp *cmp, struct kms_error *err);
/* Look for complete runs of the jobs in the database. */
int cmp_find_stored(struct cmp *cmp, struct kms_error *err);
/* What the columns' runs differ in, beside what they measured: one line each, on out. */
int cmp_print_differences(struct cmp *cmp, FILE *out, const char *indent, struct kms_error *err);

/* compare_jobs.c */
int cmp_run_missing(struct cmp *cmp, struct kms_error *err);

/* compare_table.c */
enum cmp_style { CMP_TERMINAL, CMP_MARKDOWN };
void cmp_print_table(const struct cmp *cmp, enum cmp_style style, int width, FILE *out);
/* A figure as people read it. */
const char *cmp_value(char *buf, size_t n, const struct compare_figure *f, double value);
const char *cmp_difference(char *buf, size_t n, const struct compare_row *row, u32 column);

/* compare_export.c */
void cmp_print_csv(const struct cmp *cmp, FILE *out);
void cmp_print_json(const struct cmp *cmp, FILE *out);

/* compare_words.c */
void cmp_print_words(const struct cmp *cmp, FILE *out);

/* compare_fail.c: before anything runs, and at the end; *failed: how many rules were broken */
int cmp_check_rules(const struct cli *cli, struct kms_error *err);
int cmp_judge_rules(const struct cmp *cmp, FILE *out, u32 *failed, struct kms_error *err);

/* compare_diverge.c */
int cmp_diverge(struct cli *cli, struct kms_error *err);

#endif
