/*
 * series.h - a lab's experiment carried out several times with other settings,
 * the same figures of each run side by side: a table, values for questions, rows
 * for a picture.
 */
#ifndef SIM_LABS_SERIES_H
#define SIM_LABS_SERIES_H

#include "sim/labs/lab.h"

#define SERIES_RUNS 32
#define SERIES_FIGURES 8

/* A figure of each run: the metric `key`, or what a query with one parameter, the run, gives. */
struct series_figure {
	const char *key, *heading;
	const char *sql;  /* NULL: metric key */
	double scale;	  /* 0: 1 */
	const char *unit; /* after scaling; NULL: none */
	int digits;	  /* behind the decimal point */
};

struct series {
	struct lab_run *r;
	const char *key, *heading; /* of the table and of its first column */
	const struct series_figure *figures;
	u32 nr_figures, nr;
	char label[SERIES_RUNS][32];
	double found[SERIES_RUNS][SERIES_FIGURES];
	s64 run[SERIES_RUNS];
};

void series_init(struct series *s, struct lab_run *r, const char *key, const char *heading,
		 const struct series_figure *figures, u32 nr_figures);
/*
 * Carry out one run; settings are path=value, separated by blanks. Each figure also
 * becomes the lab's value KEY_LABEL.
 */
int series_run(struct series *s, struct kms_error *err, const char *label, const char *settings, ...)
	KMS_PRINTF(4, 5);
/* A row of figures that are known already. */
void series_add(struct series *s, const char *label, const double *found);
/* Print the table. */
void series_show(struct series *s);
double series_found(const struct series *s, u32 row, const char *key);
/* Label and figures by tab, a line a row; the headings as a comment. Caller frees; NULL: out of memory. */
char *series_rows(const struct series *s);
/* series_rows() and the commands as a picture (lab_picture()). */
int series_picture(struct series *s, const char *name, const char *title, const char *commands,
		   struct kms_error *err);

#endif
