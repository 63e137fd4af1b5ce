/*
 * compare_export.c - the comparison for programs: CSV and JSON, with every figure.
 */
#include <math.h>
#include <string.h>

#include "results/json.h"
#include "sim/cli/compare.h"

static void put_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++)
		fprintf(out, *text == '"' ? "\"%c" : "%c", *text);
	fputc('"', out);
}

/* A line a figure and column. */
void cmp_print_csv(const struct cmp *cmp, FILE *out)
{
	fputs("figure,section,unit,better,column,runs,mean,low,high,difference_percent,parts,best\n", out);
	for (u32 i = 0; i < cmp->c.nr_rows; i++)
		for (u32 k = 0; k < cmp->c.nr_columns; k++) {
			const struct compare_row *row = &cmp->c.rows[i];
			const struct interval *v = &row->cells[k].interval;
			double d = compare_difference(row, k);

			if (!v->n)
				continue;
			put_quoted(row->figure.name, out);
			fprintf(out, ",%s,%s,%d,", compare_section_names[row->figure.section],
				row->figure.unit, row->figure.better);
			put_quoted(cmp->columns[k].label, out);
			fprintf(out, ",%u,%.10g,%.10g,%.10g,", v->n, v->mean, v->low, v->high);
			if (isfinite(d))
				fprintf(out, "%.6g", d);
			fprintf(out, ",%d,%d\n", k && compare_parts(row, k), row->best == (int)k);
		}
}

static void json_column(struct json *j, const struct cmp_column *column)
{
	json_open(j, NULL, '{');
	json_text(j, "label", column->label);
	json_open(j, "runs", '[');
	for (u32 i = 0; i < column->ids.nr_runs; i++)
		json_int(j, NULL, column->ids.runs[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void json_cell(struct json *j, const struct compare_row *row, u32 column)
{
	const struct interval *v = &row->cells[column].interval;

	if (!v->n) {
		json_null(j, NULL);
		return;
	}
	json_open(j, NULL, '{');
	json_uint(j, "runs", v->n);
	json_double(j, "mean", v->mean);
	json_double(j, "low", v->low);
	json_double(j, "high", v->high);
	if (column) {
		json_double(j, "difference_percent", compare_difference(row, column));
		json_bool(j, "parts", compare_parts(row, column));
	}
	json_open(j, "values", '[');
	for (u32 i = 0; i < v->n; i++)
		json_double(j, NULL, row->cells[column].values[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void json_row(struct json *j, const struct compare_row *row, u32 nr_columns)
{
	json_open(j, NULL, '{');
	json_text(j, "name", row->figure.name);
	json_text(j, "section", compare_section_names[row->figure.section]);
	json_text(j, "unit", row->figure.unit);
	json_int(j, "better", row->figure.better);
	if (row->best < 0)
		json_null(j, "best");
	else
		json_int(j, "best", row->best);
	json_open(j, "columns", '[');
	for (u32 k = 0; k < nr_columns; k++)
		json_cell(j, row, k);
	json_close(j, ']');
	json_close(j, '}');
}

void cmp_print_json(const struct cmp *cmp, FILE *out)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_text(&j, "database", cli_db(cmp->cli));
	json_open(&j, "columns", '[');
	for (u32 k = 0; k < cmp->nr_columns; k++)
		json_column(&j, &cmp->columns[k]);
	json_close(&j, ']');
	json_open(&j, "figures", '[');
	for (u32 i = 0; i < cmp->c.nr_rows; i++)
		json_row(&j, &cmp->c.rows[i], cmp->c.nr_columns);
	json_close(&j, ']');
	json_close(&j, '}');
}
