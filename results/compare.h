/*
 * compare.h - figures of several runs side by side.
 *
 * A figure has a name ("latency_p99", "latency.kmalloc.fast.p99",
 * "peak.slab_tail", "lock.zone.wait"), a column is one or more runs that
 * differ in nothing but their seed. compare.c reads them from the database,
 * compare_interval.c says what several seeds tell. Nothing here prints.
 */
#ifndef RESULTS_COMPARE_H
#define RESULTS_COMPARE_H

#include "results/store.h"

/* ---- several seeds: mean and interval ---- */

#define COMPARE_RESAMPLES 10000

/* n values; low and high are the bounds of the mean's 95 % confidence interval. */
struct interval {
	u32 n;
	double mean, low, high;
};

/*
 * Bootstrap: the mean of n values drawn with replacement, COMPARE_RESAMPLES
 * times; the interval is between two quantiles of these means. The quantiles
 * are those that are right for few values (Hesterberg, What Teachers Should
 * Know About the Bootstrap, 2014, "expanded percentile interval"). One value:
 * the interval is that value. The random numbers are a stream of their own, so
 * equal values give equal intervals.
 */
struct interval interval_of(const double *values, u32 n);
/* The same for the ratio of two means, each over its own values. */
struct interval interval_of_ratio(const double *above, u32 nr_above, const double *below, u32 nr_below);
/* Neither has a value in common with the other. */
bool intervals_part(const struct interval *a, const struct interval *b);

/* ---- figures ---- */

enum compare_section {
	COMPARE_WORK,
	COMPARE_LATENCY,
	COMPARE_PATHS,
	COMPARE_MEMORY,
	COMPARE_WASTE,
	COMPARE_CONTENTION,
	COMPARE_SHARING,
	COMPARE_HARDWARE,
	COMPARE_OTHER,
	NR_COMPARE_SECTIONS
};
extern const char *const compare_section_names[NR_COMPARE_SECTIONS];
extern const char *const compare_section_titles[NR_COMPARE_SECTIONS];

struct compare_figure {
	char name[112];
	char label[56]; /* for people; two spaces part what it is about from the statistic */
	char unit[16];	/* "ns", "bytes", "ratio", or what is counted */
	int better;	/* +1 higher, -1 lower, 0 neither */
	enum compare_section section;
	bool detail;	/* for machines; the table leaves it out */
	u32 rank;	/* of the operation or lock within its section, from 0; 0 elsewhere */
};

/* What one run measured. */
struct compare_value {
	struct compare_figure figure;
	double value;
};
struct compare_values {
	struct compare_value *all;
	u32 n, cap;
};
int compare_read(struct store *store, s64 run, struct compare_values *values, struct kms_error *err);
void compare_values_free(struct compare_values *values);

/* ---- the comparison ---- */

struct compare_column {
	s64 *runs;
	u32 nr_runs;
};

struct compare_cell {
	double *values; /* of the runs that have the figure */
	struct interval interval; /* n 0: none has */
};

struct compare_row {
	struct compare_figure figure;
	struct compare_cell *cells; /* one a column */
	int best;		    /* the column that is better than all others, -1: none is */
};

struct comparison {
	struct compare_row *rows;
	u32 nr_rows, cap, nr_columns;
};

/* Column 0 is the baseline. Rows are ordered by section, in the baseline's order. */
int compare_columns(struct comparison *c, struct store *store, const struct compare_column *columns,
		    u32 nr_columns, struct kms_error *err);
void comparison_free(struct comparison *c);
const struct compare_row *comparison_find(const struct comparison *c, const char *name);
/* Difference of a column from the baseline in percent; NAN where there is none. */
double compare_difference(const struct compare_row *row, u32 column);
/* The column's interval and the baseline's part. */
bool compare_parts(const struct compare_row *row, u32 column);

/* ---- where two runs part ---- */

#define COMPARE_CAUSES 5
extern const char *const compare_cause_names[COMPARE_CAUSES]; /* columns of view byte_partition */

struct compare_instant {
	s64 request, time_ps;
	s64 held, waste[COMPARE_CAUSES];
};

/*
 * The first sample of run a at which the waste of the two runs, by one cause or
 * in sum, differs by more than threshold of what is held; b is looked at where it
 * was after as many requests. Returns 1 when found (*cause is its index, or
 * COMPARE_CAUSES for the sum; *before is the request count of the sample before),
 * 0 when they stay together.
 */
int compare_diverge(struct store *store, s64 a, s64 b, double threshold, struct compare_instant at[2],
		    u32 *cause, s64 *before, struct kms_error *err);

#endif
