/*
 * rows.c - a horizontal bar a name, stacked, in a column a run: which caches,
 * call sites, locks have most of something. The names that matter most stand on
 * top and are the same in every column.
 */
#include "plots/plot_internal.h"

#include <stdlib.h>
#include <string.h>

struct plot_row *plot_row_of(struct plot_rows *rows, const char *name)
{
	struct plot_row *row;

	for (u32 i = 0; i < rows->n; i++)
		if (!strcmp(rows->rows[i].name, name))
			return &rows->rows[i];
	if (rows->n == rows->cap) {
		u32 cap = rows->cap ? 2 * rows->cap : 64;
		struct plot_row *more = realloc(rows->rows, cap * sizeof(*more));

		if (!more)
			return NULL;
		rows->rows = more;
		rows->cap = cap;
	}
	row = &rows->rows[rows->n++];
	memset(row, 0, sizeof(*row));
	row->name = strdup(name);
	if (!row->name) {
		rows->n--;
		return NULL;
	}
	return row;
}

void plot_rows_free(struct plot_rows *rows)
{
	for (u32 i = 0; i < rows->n; i++)
		free(rows->rows[i].name);
	free(rows->rows);
}

static double sum_of(const struct plot_rows *rows, const struct plot_row *row, u32 run)
{
	double sum = 0;

	for (u32 i = 0; i < rows->nr_parts; i++)
		sum += row->part[run][i];
	return sum;
}

static int largest_first(const void *a, const void *b)
{
	const struct plot_row *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Rows by their largest sum over the runs; empty ones go. */
static void sort(struct plot_rows *rows, u32 nr_runs)
{
	u32 kept = 0;

	for (u32 i = 0; i < rows->n; i++) {
		struct plot_row *row = &rows->rows[i];

		for (u32 r = 0; r < nr_runs; r++) {
			double sum = sum_of(rows, row, r);

			row->weight = sum > row->weight ? sum : row->weight;
			rows->max = sum > rows->max ? sum : rows->max;
		}
	}
	if (rows->n)
		qsort(rows->rows, rows->n, sizeof(*rows->rows), largest_first);
	while (kept < rows->n && rows->rows[kept].weight > 0)
		kept++;
	rows->left_out = kept > PLOT_ROWS ? kept - PLOT_ROWS : 0;
	rows->shown = kept > PLOT_ROWS ? PLOT_ROWS : kept;
}

static void write_run(struct plot *p, const struct plot_rows *rows, u32 r, const char *columns)
{
	plot_block(p, columns);
	for (u32 i = 0; i < rows->shown; i++) {
		const struct plot_row *row = &rows->rows[i];
		double whole = sum_of(rows, row, r), sum = 0;

		fprintf(p->data, "%u", i);
		for (u32 k = 0; k < rows->nr_parts; k++) {
			sum += row->part[r][k];
			fprintf(p->data, "\t%.10g", rows->share ? (whole > 0 ? 100 * sum / whole : 0) : sum);
		}
		fputs("\n# that was ", p->data);
		plot_quote(p->data, row->name, 80);
		fputc('\n', p->data);
	}
}

#define LEFT 255.0
#define LEGEND 290.0
#define GAP 26.0
#define TOP 105.0
#define BOTTOM 95.0
#define ROW 26.0

static double panel_width(const struct plot *p)
{
	return p->nr_runs == 1 ? 640 : p->nr_runs == 2 ? 420 : 320;
}

static void column(struct plot *p, const struct plot_rows *rows, u32 r, double max)
{
	double left = LEFT + r * (panel_width(p) + GAP);
	FILE *out = p->body;
	char text[160], scale[32];

	fprintf(out, "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.5f\nset tmargin at screen %.5f\n",
		left / p->width, (left + panel_width(p)) / p->width, BOTTOM / p->height,
		(p->height - TOP) / p->height);
	fprintf(out, "set xrange [0:%.6g]\nset yrange [%g:-0.6]\nset grid xtics\nunset grid\nset grid xtics back linewidth 0.6 dashtype 1 linecolor rgb '#cccccc'\n",
		max, (rows->shown > 4 ? rows->shown : 4) - 0.4);
	fprintf(out, "set xlabel '%s'\nset xtics nomirror autofreq\nset ytics scale 0 (", rows->x_label);
	for (u32 i = 0; i < rows->shown; i++) {
		fputs(i ? ", " : "", out);
		plot_quote_tic(out, r ? "" : rows->rows[i].name, 27);
		fprintf(out, " %u", i);
	}
	fputs(") font ',11'\n", out);
	if (p->nr_runs > 1) {
		snprintf(text, sizeof(text), "run %lld \u2018%.60s\u2019: policy %.40s", (long long)p->runs[r].id,
			 p->runs[r].name, p->runs[r].policy);
		fputs("set label ", out);
		plot_quote(out, text, (u32)(panel_width(p) / 7.5));
		fputs(" at graph 0.5, graph 1.02 center font ',12'\n", out);
	}
	for (u32 i = 0; i < rows->shown; i++) {
		double sum = rows->share ? 100 : sum_of(rows, &rows->rows[i], r) / rows->divide;

		fputs("set label ", out);
		plot_quote(out, rows->rows[i].note[r], 40);
		fprintf(out, " at first %.8g, first %u left offset character 0.6, 0 font ',10' front\n", sum, i);
	}
	snprintf(scale, sizeof(scale), "/%.10g", rows->share ? 1 : rows->divide);
	plot_stack_bars(out, p, &(struct plot_stack){.block = r, .column = 2, .parts = rows->parts,
						     .n = rows->nr_parts, .half = 0.36, .scale = scale,
						     .horizontal = true});
	fputs("\nunset label\n", out);
}

int plot_rows_draw(struct plot *p, struct plot_rows *rows, const char *headline, const char *columns)
{
	double max;

	sort(rows, p->nr_runs);
	if (!rows->shown)
		return plot_no_data(p, "%s", rows->none);
	rows->divide = rows->divide > 0 ? rows->divide : plot_byte_unit(rows->max, &rows->unit);
	max = rows->share ? 100 * (1 + rows->room) : rows->max / rows->divide * (1 + rows->room);
	if (rows->unit)
		snprintf(rows->x_label, sizeof(rows->x_label), "%s [%s]", rows->what, rows->unit);
	p->width = (u32)(LEFT + LEGEND + p->nr_runs * panel_width(p) + (p->nr_runs - 1) * GAP);
	p->height = (u32)(TOP + BOTTOM + ROW * (rows->shown > 7 ? rows->shown : 7));
	for (u32 r = 0; r < p->nr_runs; r++)
		write_run(p, rows, r, columns);
	fputs("unset key\n", p->settings);
	plot_title(p, headline);
	if (rows->left_out)
		fprintf(p->body, "set label '%u more have less' at screen 0.99, screen 0.02 right font ',10' textcolor rgb '#555555'\n",
			rows->left_out);
	if (rows->footnote)
		fprintf(p->body, "set label '%s' at screen 0.01, screen 0.02 left font ',10' textcolor rgb '#555555'\n",
			rows->footnote);
	plot_legend(p->body, rows->parts, rows->nr_parts, (p->width - LEGEND + 14) / p->width,
		    BOTTOM / p->height, (p->height - TOP) / p->height, rows->legend);
	for (u32 r = 0; r < p->nr_runs; r++)
		column(p, rows, r, max);
	return 0;
}
