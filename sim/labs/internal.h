/*
 * internal.h - one lab being carried out; shared by the framework's files.
 */
#ifndef SIM_LABS_INTERNAL_H
#define SIM_LABS_INTERNAL_H

#include <cjson/cJSON.h>

#include "sim/labs/lab.h"

#define LAB_NAME 48

struct lab_question {
	char *id, *ask, *answer, *unit, *why;
	double tolerance; /* relative */
};

struct lab_config {
	char *title, *goal, *book;
	cJSON *experiment, *parameters;
	struct cfg_array questions;
};

struct lab_figure {
	char name[LAB_NAME];
	char unit[24];
	double value;
};

struct lab_checked {
	char what[160];
	double found, expected;
	bool holds, compares; /* compares: found and expected mean something */
};

enum lab_item_kind { LAB_TEXT, LAB_TABLE };

/* A paragraph or a table; cells row by row, the headings first. */
struct lab_item {
	enum lab_item_kind kind;
	char *text;
	char key[LAB_NAME];
	char **cells;
	u32 columns, nr_cells;
};

struct lab_run {
	const struct lab *lab;
	struct lab_options options;
	char path[512]; /* of the configuration */
	char guide[128];
	struct cfg *cfg;
	struct lab_config config;
	struct lab_figure *params, *values;
	u32 nr_params, nr_values;
	struct lab_checked *checks;
	u32 nr_checks;
	struct lab_item *items;
	u32 nr_items;
	struct sandbox box;
	bool box_open, done;
	struct store *store;
	char *pictures; /* file names, a line each */
	char failed[256]; /* what a lab asked for that is not there */
};

/* output.c */
void lab_fail(struct lab_run *r, const char *fmt, ...) KMS_PRINTF(2, 3);
const struct lab_figure *lab_find_figure(const struct lab_figure *list, u32 n, const char *name);
void lab_output_free(struct lab_run *r);
/* "1,234", "12.5" */
char *lab_number(char *buf, size_t n, double value);

/* ask.c */
extern const struct cfg_table lab_question_table;
/* text with {name} replaced by parameters and figures; caller frees. */
char *lab_fill_in(const struct lab_run *r, const char *text);
/* The right answer, false when the lab has no such figure. */
bool lab_answer(const struct lab_run *r, const struct lab_question *q, double *answer);
bool lab_answer_right(const struct lab_run *r, const struct lab_question *q, double given);

#endif
