/*
 * compare.h - what the files of the verb `compare` share.
 *
 * compare.c has the verb; compare_columns.c finds out what stands in which
 * column, compare_config.c in what they differ; compare_jobs.c runs what is missing, each run in a process and a
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
	char hash[33], trace_hash[33], cost_hash[33];
	s64 run;    /* 0: not there yet */
	struct cmp_job *same; /* an earlier one that is the same run */
	char label[96];
};

struct cmp_column {
	char label[64];	/* whole */
	char shown[64]; /* in the table: the label, or a letter where the labels are long */
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
/* Fill in what the table calls the columns. */
void cmp_name_columns(struct cmp *cmp);
/* A column of table run. */
int cmp_run_text(struct cmp *cmp, s64 run, const char *column, char *buf, size_t n, struct kms_error *err);

/* compare_config.c */
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
void cmp_print_words(const struct cmp *cmp, int width, FILE *out);

/* compare_fail.c: before anything runs, and at the end; *failed: how many rules were broken */
int cmp_check_rules(const struct cli *cli, struct kms_error *err);
int cmp_judge_rules(const struct cmp *cmp, FILE *out, u32 *failed, struct kms_error *err);

/* compare_diverge.c: of the two columns' first runs; closes cmp->store */
int cmp_check_diverge(const struct cmp *cmp, struct kms_error *err);
int cmp_diverge(struct cmp *cmp, struct kms_error *err);

/* compare_answers.c */
/* What an allocation of a run answered. */
struct cmp_answer {
	u64 seq;     /* of the request in the workload */
	u64 address; /* offset in RAM, ~0: failed */
	u64 size;
	u32 op, site, cache, order;
	u32 object; /* of several that the request asked for */
};
/*
 * Carry out two configurations at the same time, each in a process, up to the
 * first answer that differs. Returns 1 with the two answers, 0 when all
 * are equal, or an error. *equal: how many answers were.
 */
int cmp_compare_answers(struct cmp_job *const jobs[2], const char *db, struct cmp_answer answers[2],
			u64 *equal, struct kms_error *err);

#endif
