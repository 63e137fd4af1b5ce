/*
 * series.c - series.h: runs side by side.
 */
#include "sim/labs/series.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "results/query.h"
#include "sim/labs/internal.h"

#define MOST_SETTINGS 16

void series_init(struct series *s, struct lab_run *r, const char *key, const char *heading,
		 const struct series_figure *figures, u32 nr_figures)
{
	*s = (struct series){.r = r, .key = key, .heading = heading, .figures = figures, .nr_figures = nr_figures};
}

static double look_up(const struct series *s, s64 run, const struct series_figure *f)
{
	struct kms_error err;
	struct query q;
	double value = 0;

	if (!f->sql) {
		value = lab_metric(s->r, run, f->key);
	} else {
		query_begin(&q, lab_store(s->r), &err, f->sql, "i", run);
		if (query_next(&q))
			value = query_double(&q, 0);
		if (query_end(&q))
			lab_fail(s->r, "%s of run %lld: %s", f->key, (long long)run, err.text);
	}
	return value * (f->scale != 0 ? f->scale : 1);
}

/* Letters, digits and underscores only: what {name} in a question may be. */
static void value_name(char name[LAB_NAME], const char *key, const char *label)
{
	snprintf(name, LAB_NAME, "%s_%s", key, label);
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
}

static const char *unit_of(const struct series_figure *f)
{
	return f->unit ? f->unit : "";
}

void series_add(struct series *s, const char *label, const double *found)
{
	char name[LAB_NAME];

	if (s->nr == SERIES_RUNS) {
		lab_fail(s->r, "more than %d runs in a series", SERIES_RUNS);
		return;
	}
	snprintf(s->label[s->nr], sizeof(s->label[0]), "%s", label);
	for (u32 i = 0; i < s->nr_figures; i++) {
		s->found[s->nr][i] = found[i];
		value_name(name, s->figures[i].key, label);
		lab_value(s->r, name, unit_of(&s->figures[i]), found[i]);
	}
	s->nr++;
}

int series_run(struct series *s, struct kms_error *err, const char *label, const char *settings, ...)
{
	const char *list[MOST_SETTINGS];
	double found[SERIES_FIGURES];
	char text[1024], *save, *one;
	size_t n = 0;
	va_list args;
	s64 run;
	int rc;

	va_start(args, settings);
	vsnprintf(text, sizeof(text), settings, args);
	va_end(args);
	for (one = strtok_r(text, " ", &save); one && n < MOST_SETTINGS; one = strtok_r(NULL, " ", &save))
		list[n++] = one;
	rc = lab_experiment(s->r, label, list, n, &run, err);
	if (rc)
		return kms_fail_in(err, "run %s", label);
	for (u32 i = 0; i < s->nr_figures; i++)
		found[i] = look_up(s, run, &s->figures[i]);
	if (s->nr < SERIES_RUNS)
		s->run[s->nr] = run;
	series_add(s, label, found);
	return 0;
}

void series_show(struct series *s)
{
	const char *cells[SERIES_FIGURES + 1] = {s->heading};
	char text[SERIES_FIGURES][40];

	for (u32 i = 0; i < s->nr_figures; i++)
		cells[i + 1] = s->figures[i].heading;
	lab_table_begin(s->r, s->key, cells, s->nr_figures + 1);
	for (u32 row = 0; row < s->nr; row++) {
		cells[0] = s->label[row];
		for (u32 i = 0; i < s->nr_figures; i++) {
			const char *unit = unit_of(&s->figures[i]);

			snprintf(text[i], sizeof(text[i]), "%.*f%s%s", s->figures[i].digits, s->found[row][i],
				 *unit ? " " : "", unit);
			cells[i + 1] = text[i];
		}
		lab_table_row(s->r, cells);
	}
	lab_table_end(s->r);
}

double series_found(const struct series *s, u32 row, const char *key)
{
	for (u32 i = 0; i < s->nr_figures && row < s->nr; i++)
		if (!strcmp(s->figures[i].key, key))
			return s->found[row][i];
	lab_fail(s->r, "no figure %s in row %u", key, row);
	return 0;
}

char *series_rows(const struct series *s)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	fprintf(out, "# %s", s->heading);
	for (u32 i = 0; i < s->nr_figures; i++)
		fprintf(out, "\t%s", s->figures[i].heading);
	for (u32 row = 0; row < s->nr; row++) {
		fprintf(out, "\n%s", s->label[row]);
		for (u32 i = 0; i < s->nr_figures; i++)
			fprintf(out, "\t%.6g", s->found[row][i]);
	}
	fputc('\n', out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

int series_picture(struct series *s, const char *name, const char *title, const char *commands,
		   struct kms_error *err)
{
	char *rows = series_rows(s);
	int rc = rows ? lab_picture(s->r, name, title, rows, commands, err) :
			kms_fail(err, KMS_EFAIL, "out of memory");

	free(rows);
	return rc;
}
