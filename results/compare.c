/*
 * compare.c - figures of several runs side by side; see compare.h.
 *
 * compare_read.c has the figures of one run; here they become rows of cells,
 * one a column, and where two runs part is looked for.
 */
#include "results/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/query.h"

/* ---- rows ---- */

static struct compare_row *find_row(const struct comparison *c, const char *name)
{
	for (u32 i = 0; i < c->nr_rows; i++)
		if (!strcmp(c->rows[i].figure.name, name))
			return &c->rows[i];
	return NULL;
}

const struct compare_row *comparison_find(const struct comparison *c, const char *name)
{
	return find_row(c, name);
}

static void free_row(struct compare_row *row, u32 nr_columns)
{
	for (u32 i = 0; row->cells && i < nr_columns; i++)
		free(row->cells[i].values);
	free(row->cells);
}

void comparison_free(struct comparison *c)
{
	for (u32 i = 0; i < c->nr_rows; i++)
		free_row(&c->rows[i], c->nr_columns);
	free(c->rows);
	*c = (struct comparison){0};
}

/* A new row before position at. */
static struct compare_row *insert_row(struct comparison *c, u32 at, const struct compare_figure *figure)
{
	struct compare_row *more, row = {.figure = *figure, .best = -1};

	if (c->nr_rows == c->cap) {
		more = realloc(c->rows, (c->cap + 64) * 2 * sizeof(*more));
		if (!more)
			return NULL;
		c->rows = more;
		c->cap = (c->cap + 64) * 2;
	}
	row.cells = calloc(c->nr_columns, sizeof(*row.cells));
	if (!row.cells)
		return NULL;
	memmove(&c->rows[at + 1], &c->rows[at], (c->nr_rows - at) * sizeof(*c->rows));
	c->rows[at] = row;
	c->nr_rows++;
	return &c->rows[at];
}

static bool add_value(struct compare_cell *cell, u32 capacity, double value)
{
	if (!cell->values)
		cell->values = calloc(capacity, sizeof(double));
	if (!cell->values)
		return false;
	cell->values[cell->interval.n++] = value;
	return true;
}

/* A figure that only this run has goes behind the one it follows there. */
static int add_values(struct comparison *c, u32 column, u32 capacity, const struct compare_values *values,
		      struct kms_error *err)
{
	u32 at = 0;

	for (u32 i = 0; i < values->n; i++) {
		const struct compare_value *v = &values->all[i];
		struct compare_row *row = find_row(c, v->figure.name);

		if (!row)
			row = insert_row(c, at, &v->figure);
		if (!row || !add_value(&row->cells[column], capacity, v->value))
			return kms_fail(err, KMS_EFAIL, "out of memory");
		at = (u32)(row - c->rows) + 1;
	}
	return 0;
}

/* Ranks anew, by the order in which operations and locks now stand. */
static void rank_rows(struct comparison *c)
{
	u32 next[NR_COMPARE_SECTIONS] = {0};
	char last[NR_COMPARE_SECTIONS][112] = {{0}};

	for (u32 i = 0; i < c->nr_rows; i++) {
		struct compare_figure *f = &c->rows[i].figure;
		const char *dot = strchr(f->name, '.');
		size_t n = dot ? (size_t)(dot - f->name) + 1 + strcspn(dot + 1, ".") : 0;

		f->rank = 0;
		if (!n || f->section == COMPARE_WASTE)
			continue;
		if (strncmp(last[f->section], f->name, n) || last[f->section][n]) {
			memcpy(last[f->section], f->name, n);
			last[f->section][n] = 0;
			next[f->section]++;
		}
		f->rank = next[f->section] - 1;
	}
}

static int section_order(const struct compare_row *row)
{
	return (int)row->figure.section;
}

/* By section; stable. */
static int sort_rows(struct comparison *c, struct kms_error *err)
{
	struct compare_row *sorted = malloc((c->nr_rows + 1) * sizeof(*sorted));
	u32 n = 0;

	if (!sorted)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	for (int section = 0; section < NR_COMPARE_SECTIONS; section++)
		for (u32 i = 0; i < c->nr_rows; i++)
			if (section_order(&c->rows[i]) == section)
				sorted[n++] = c->rows[i];
	memcpy(c->rows, sorted, n * sizeof(*sorted));
	free(sorted);
	return 0;
}

/* ---- judging ---- */

static bool better_than(const struct compare_row *row, u32 a, u32 b)
{
	const struct interval *x = &row->cells[a].interval, *y = &row->cells[b].interval;

	return intervals_part(x, y) && (x->mean > y->mean) == (row->figure.better > 0);
}

static void find_best(struct comparison *c, struct compare_row *row)
{
	u32 seen = 0;

	row->best = -1;
	if (!row->figure.better)
		return;
	for (u32 i = 0; i < c->nr_columns; i++) {
		bool best = row->cells[i].interval.n;

		seen += best;
		for (u32 j = 0; j < c->nr_columns && best; j++)
			best = i == j || !row->cells[j].interval.n || better_than(row, i, j);
		if (best)
			row->best = (int)i;
	}
	if (seen < 2)
		row->best = -1;
}

static void judge(struct comparison *c)
{
	for (u32 i = 0; i < c->nr_rows; i++) {
		struct compare_row *row = &c->rows[i];

		for (u32 k = 0; k < c->nr_columns; k++)
			row->cells[k].interval =
				interval_of(row->cells[k].values, row->cells[k].interval.n);
		find_best(c, row);
	}
}

double compare_difference(const struct compare_row *row, u32 column)
{
	const struct interval *base = &row->cells[0].interval, *other = &row->cells[column].interval;

	if (!base->n || !other->n || !column)
		return NAN;
	if (base->mean == other->mean)
		return 0;
	return base->mean != 0 ? 100 * (other->mean - base->mean) / fabs(base->mean) : NAN;
}

bool compare_parts(const struct compare_row *row, u32 column)
{
	return intervals_part(&row->cells[0].interval, &row->cells[column].interval);
}

int compare_columns(struct comparison *c, struct store *store, const struct compare_column *columns,
		    u32 nr_columns, struct kms_error *err)
{
	int rc = 0;

	*c = (struct comparison){.nr_columns = nr_columns};
	for (u32 i = 0; i < nr_columns; i++)
		for (u32 k = 0; k < columns[i].nr_runs && !rc; k++) {
			struct compare_values values;

			rc = compare_read(store, columns[i].runs[k], &values, err);
			if (!rc)
				rc = add_values(c, i, columns[i].nr_runs, &values, err);
			compare_values_free(&values);
		}
	if (!rc)
		rc = sort_rows(c, err);
	if (rc)
		return rc;
	rank_rows(c);
	judge(c);
	return 0;
}

/* ---- where two runs part ---- */

const char *const compare_cause_names[COMPARE_CAUSES] = {
	"rounding", "slab_tail", "page_order", "free_partial", "cpu_cached",
};

static void read_instant(const struct query *q, int first, struct compare_instant *at)
{
	at->request = query_int(q, first);
	at->time_ps = query_int(q, first + 1);
	at->held = query_int(q, first + 2); /* what was requested; the waste comes on top */
	for (int i = 0; i < COMPARE_CAUSES; i++) {
		at->waste[i] = query_int(q, first + 3 + i);
		at->held += at->waste[i];
	}
}

/* 1: they differ, by *cause. */
static int differ(const struct compare_instant at[2], double threshold, u32 *cause)
{
	s64 held = at[0].held > at[1].held ? at[0].held : at[1].held, sum = 0, largest = 0;

	for (u32 i = 0; i < COMPARE_CAUSES; i++) {
		s64 d = at[0].waste[i] - at[1].waste[i];

		sum += d;
		if (llabs(d) > largest) {
			largest = llabs(d);
			*cause = i;
		}
	}
	if (llabs(sum) > largest) {
		largest = llabs(sum);
		*cause = COMPARE_CAUSES;
	}
	return (double)largest > threshold * (double)held;
}

#define STATE "request, time_ps, requested, rounding, slab_tail, page_order, free_partial, cpu_cached"

int compare_diverge(struct store *store, s64 a, s64 b, double threshold, struct compare_instant at[2],
		    u32 *cause, s64 *before, struct kms_error *err)
{
	struct query qa, qb;
	int found = 0;
	bool more;

	*before = 0;
	memset(at, 0, 2 * sizeof(*at));
	query_begin(&qa, store, err,
		    "SELECT " STATE " FROM byte_partition WHERE run = ? ORDER BY request, time_ps", "i", a);
	query_begin(&qb, store, err,
		    "SELECT " STATE " FROM byte_partition WHERE run = ? ORDER BY request, time_ps", "i", b);
	more = query_next(&qb);
	while (!found && query_next(&qa)) {
		*before = at[0].request;
		read_instant(&qa, 0, &at[0]);
		while (more && query_int(&qb, 0) <= at[0].request) {
			read_instant(&qb, 0, &at[1]);
			more = query_next(&qb);
		}
		if (at[1].request) /* b's samples may begin later */
			found = differ(at, threshold, cause);
	}
	if (query_end(&qa) | query_end(&qb))
		return qa.rc ? qa.rc : qb.rc;
	return found;
}
