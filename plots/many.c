/*
 * many.c - many runs in one picture: memory against latency, and bars of the
 * chief figures with what chance makes of them over several seeds.
 */
#include "plots/plot_internal.h"
#include "results/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *color;
	u32 point, pattern;
} styles[] = {
	{PLOT_BLUE, 7, 3},  {PLOT_ORANGE, 5, 4}, {PLOT_GREEN, 9, 3}, {PLOT_RED, 11, 5},
	{PLOT_PURPLE, 13, 3}, {PLOT_SKY, 6, 2},  {PLOT_BLACK, 4, 1}, {PLOT_GREY, 8, 3},
};
#define STYLES KMS_ARRAY_SIZE(styles)

/* ---- memory against latency ---- */

struct point {
	double x, y;
	u32 policy; /* the first run of its policy */
	bool best;
};

static int read_point(struct plot *p, u32 r, struct point *at, struct kms_error *err)
{
	struct query q;

	*at = (struct point){NAN, NAN, r, true};
	query_begin(&q, p->store, err,
		    "SELECT name, value FROM metric_value WHERE run = ? AND phase = -1"
		    " AND name IN ('latency_mean', 'held_bytes_peak')",
		    "i", p->runs[r].id);
	while (query_next(&q))
		*(strcmp(query_text(&q, 0), "latency_mean") ? &at->y : &at->x) = query_double(&q, 1);
	for (u32 i = r; i-- > 0;)
		if (!strcmp(p->runs[i].policy, p->runs[r].policy))
			at->policy = i;
	return query_end(&q);
}

/* A run is beaten when another needs less memory and less time. */
static void find_best(struct point *points, u32 n)
{
	for (u32 i = 0; i < n; i++)
		for (u32 k = 0; k < n; k++)
			if (k != i && points[k].x <= points[i].x && points[k].y <= points[i].y &&
			    (points[k].x < points[i].x || points[k].y < points[i].y || k < i))
				points[i].best = false;
}

static int by_x(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return x->x != y->x ? (x->x < y->x ? -1 : 1) : (x->y > y->y) - (x->y < y->y);
}

static void write_frontier(struct plot *p, const struct point *points, double divide)
{
	struct point sorted[PLOT_MAX_RUNS];

	memcpy(sorted, points, p->nr_runs * sizeof(*points));
	qsort(sorted, p->nr_runs, sizeof(*sorted), by_x);
	plot_block(p, "mean latency (ns)\tpeak memory; the runs that no other beats in both");
	for (u32 i = 0; i < p->nr_runs; i++)
		if (sorted[i].best)
			fprintf(p->data, "%.10g\t%.10g\n", sorted[i].x, sorted[i].y / divide);
}

static u32 at_same_place(const struct point *points, u32 from, u32 to, const struct point *at)
{
	u32 n = 0;

	for (u32 i = from; i < to; i++)
		n += points[i].x == at->x && points[i].y == at->y;
	return n;
}

static void name_points(struct plot *p, const struct point *points, double divide)
{
	for (u32 r = 0; r < p->nr_runs && p->nr_runs <= 24; r++) {
		u32 before = at_same_place(points, 0, r, &points[r]);
		u32 after = at_same_place(points, r + 1, p->nr_runs, &points[r]);
		char text[96], more[32] = "";

		if (before)
			continue;
		if (after)
			snprintf(more, sizeof(more), " and %u equal", after);
		snprintf(text, sizeof(text), "run %lld %.24s%s", (long long)p->runs[r].id, p->runs[r].name, more);
		fputs("set label ", p->body);
		plot_quote(p->body, text, 48);
		fprintf(p->body, " at first %.10g, first %.10g left offset character 0.8, %s font ',10' front\n",
			points[r].x, points[r].y / divide, r % 2 ? "0.5" : "-0.5");
	}
}

static void plot_points(struct plot *p, const struct point *points)
{
	u32 nr_policies = 0;

	fprintf(p->body, "plot '%s.tsv' index 1 using 1:2 with steps linewidth 1.2 dashtype 2 linecolor rgb '#666666' title 'no run is better in both'",
		p->type->name);
	for (u32 r = 0; r < p->nr_runs; r++) {
		u32 s = nr_policies % STYLES;

		if (points[r].policy != r)
			continue;
		nr_policies++;
		fprintf(p->body, ", \\\n  '%s.tsv' index 0 using ($5==%u?$2:NaN):3 with points pointtype %u pointsize 1.5 linewidth 1.2 linecolor rgb '%s' title ",
			p->type->name, r, styles[s].point, styles[s].color);
		plot_quote(p->body, p->runs[r].policy, 30);
	}
	fputc('\n', p->body);
}

static void pareto_axes(struct plot *p, const struct point *points, double divide, const char *unit)
{
	double x[2] = {INFINITY, 0}, y[2] = {INFINITY, 0}, dx, dy;

	for (u32 r = 0; r < p->nr_runs; r++) {
		x[0] = fmin(x[0], points[r].x);
		x[1] = fmax(x[1], points[r].x);
		y[0] = fmin(y[0], points[r].y / divide);
		y[1] = fmax(y[1], points[r].y / divide);
	}
	dx = fmax(x[1] - x[0], 0.02 * x[1]);
	dy = fmax(y[1] - y[0], 0.02 * y[1]);
	fprintf(p->body, "set xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n", x[0] - 0.12 * dx, x[1] + 0.35 * dx,
		y[0] - 0.15 * dy, y[1] + 0.15 * dy);
	fprintf(p->body, "set xlabel 'mean latency of a request [ns]'\nset ylabel 'memory held at the peak [%s]'\n", unit);
	fputs("set lmargin at screen 0.105\nset rmargin at screen 0.70\nset bmargin at screen 0.12\nset tmargin at screen 0.86\n"
	      "set grid xtics ytics\nset key at screen 0.715, screen 0.86 left top Left reverse title 'policy' left\n"
	      "set label 'better: down and to the left' at graph 0.02, graph 0.03 left font ',10' textcolor rgb '#444444'\n",
	      p->body);
}

static int draw_pareto(struct plot *p, struct kms_error *err)
{
	struct point points[PLOT_MAX_RUNS];
	const char *unit;
	double divide, max = 0;
	int rc = 0;

	for (u32 r = 0; r < p->nr_runs && !rc; r++) {
		rc = read_point(p, r, &points[r], err);
		if (!rc && (isnan(points[r].x) || isnan(points[r].y)))
			return plot_no_data(p, "run %lld has no latencies or no peak of memory; run it again with timing \"cycle\" and more sampling.samples (the default records them)",
					    (long long)p->runs[r].id);
		max = fmax(max, points[r].y);
	}
	if (rc)
		return rc;
	find_best(points, p->nr_runs);
	divide = plot_byte_unit(max, &unit);
	plot_block(p, "number\tmean latency (ns)\tpeak memory\trun\tnumber of the first of its policy");
	for (u32 r = 0; r < p->nr_runs; r++)
		fprintf(p->data, "%u\t%.10g\t%.10g\t%lld\t%u\n", r, points[r].x, points[r].y / divide,
			(long long)p->runs[r].id, points[r].policy);
	write_frontier(p, points, divide);
	p->width = 1100;
	plot_title(p, "Memory against latency: what each run needs of both");
	pareto_axes(p, points, divide, unit);
	name_points(p, points, divide);
	plot_points(p, points);
	return 0;
}

const struct plot_type plot_type_pareto = {
	.name = "pareto",
	.summary = "memory against latency of many runs, and which no other run beats in both",
	.needs = "run_metric: latency_mean (cycle timing), held_bytes_peak",
	.min_runs = 2,
	.max_runs = PLOT_MAX_RUNS,
	.draw = draw_pareto,
};

/* ---- chief figures, over seeds ---- */

#define MAX_COLUMNS 8

static const struct {
	const char *name, *label;
} figures[] = {
	{"latency_mean", "mean latency"},	  {"latency_p99", "p99 latency"},
	{"held_bytes_peak", "peak memory"},	  {"internal_fragmentation", "internal frag."},
	{"llc_misses_per_request", "LLC misses"}, {"line_transfers", "line transfers"},
	{"lock_wait", "lock wait"},		  {"dram_reads", "DRAM reads"},
};

struct columns {
	struct compare_column of[MAX_COLUMNS];
	s64 runs[MAX_COLUMNS][PLOT_MAX_RUNS];
	char *config[MAX_COLUMNS];
	u32 first[MAX_COLUMNS]; /* its first run's place in p->runs */
	u32 n;
};

/* The configuration but for the seed: runs that share it are one column. */
static int place_run(struct plot *p, u32 r, struct columns *c, struct kms_error *err)
{
	char *config = NULL;
	struct query q;
	u32 i;

	query_begin(&q, p->store, err, "SELECT json_remove(config, '$.seed') FROM run WHERE id = ?", "i", p->runs[r].id);
	if (query_next(&q))
		config = strdup(query_text(&q, 0));
	if (query_end(&q) || !config) {
		free(config);
		return q.rc ? q.rc : kms_fail(err, KMS_EFAIL, "out of memory");
	}
	for (i = 0; i < c->n && strcmp(c->config[i], config); i++)
		;
	if (i < c->n) {
		free(config);
	} else if (c->n == MAX_COLUMNS) {
		free(config);
		return plot_no_data(p, "it draws at most %d configurations at once; runs that differ in their seed only are one", MAX_COLUMNS);
	} else {
		c->config[c->n] = config;
		c->first[c->n++] = r;
	}
	c->of[i].runs = c->runs[i];
	c->runs[i][c->of[i].nr_runs++] = p->runs[r].id;
	return 0;
}

struct bars {
	u32 shown[KMS_ARRAY_SIZE(figures)], n;
	double max; /* % of the first column */
};

/* A block a column: place, per cent of the first column's mean, ends of the interval. */
static void write_bars(struct plot *p, const struct comparison *cmp, struct bars *b)
{
	for (u32 f = 0; f < KMS_ARRAY_SIZE(figures); f++) {
		const struct compare_row *row = comparison_find(cmp, figures[f].name);

		if (row && row->cells[0].interval.n && row->cells[0].interval.mean > 0)
			b->shown[b->n++] = f;
	}
	for (u32 c = 0; c < cmp->nr_columns; c++) {
		plot_block(p, "place\tmean\tlow\thigh end of its 95 % interval (% of the first column's mean)\tmean as measured");
		for (u32 i = 0; i < b->n; i++) {
			const struct compare_row *row = comparison_find(cmp, figures[b->shown[i]].name);
			const struct interval *v = &row->cells[c].interval;
			double base = row->cells[0].interval.mean;

			if (!v->n)
				continue;
			fprintf(p->data, "%g\t%.6g\t%.6g\t%.6g\t%.10g\n",
				i + 0.84 * ((c + 0.5) / cmp->nr_columns - 0.5), 100 * v->mean / base,
				100 * v->low / base, 100 * v->high / base, v->mean);
			b->max = fmax(b->max, 100 * v->high / base);
		}
	}
}

/* "530 ns", the first column's, under the figure's name. */
static void value_text(const struct compare_figure *f, double value, char *buf, size_t n)
{
	const char *unit;
	char count[32];
	double divide;

	if (!strcmp(f->unit, "bytes")) {
		divide = plot_byte_unit(value, &unit);
		snprintf(buf, n, "%.4g %s", value / divide, unit);
	} else if (!strcmp(f->unit, "ratio")) {
		snprintf(buf, n, "%.3g %%%%", 100 * value); /* a tic's label */
	} else if (!strcmp(f->unit, "ns") && value >= 10000) {
		snprintf(buf, n, "%.4g \u00b5s", value / 1000);
	} else if (value >= 10000 && value < 1e18) {
		plot_with_commas((u64)(value + 0.5), count, sizeof(count));
		snprintf(buf, n, "%s %s", count, f->unit);
	} else {
		snprintf(buf, n, "%.4g %s", value, f->unit);
	}
}

static void bar_axes(struct plot *p, const struct comparison *cmp, const struct bars *b)
{
	double top = fmin(b->max * 1.12, 400);
	FILE *out = p->body;

	fprintf(out, "set lmargin at screen 0.085\nset rmargin at screen 0.985\nset bmargin at screen 0.19\nset tmargin at screen 0.80\n"
		     "set xrange [-0.6:%g]\nset yrange [0:%.4g]\nset ylabel '%% of the first column'\nset xtics scale 0 (",
		b->n - 0.4, top);
	for (u32 i = 0; i < b->n; i++) {
		const struct compare_row *row = comparison_find(cmp, figures[b->shown[i]].name);
		char value[48];

		value_text(&row->figure, row->cells[0].interval.mean, value, sizeof(value));
		fprintf(out, "%s\"%s\\n100 %%%% is\\n%s\" %u", i ? ", " : "", figures[b->shown[i]].label, value, i);
	}
	fputs(") font ',10'\nset arrow from graph 0, first 100 to graph 1, first 100 nohead back dashtype 3 linecolor rgb '#444444'\n"
	      "set key at screen 0.985, screen 0.93 right top horizontal maxcols 4 maxrows 2 samplen 2.5\n"
	      "set label 'lower is better; bars beyond the top are cut. whiskers: 95 % confidence interval of the mean over seeds (bootstrap), where there are several' at screen 0.5, screen 0.02 center font ',10' textcolor rgb '#444444'\n",
	      out);
}

static void plot_bars(struct plot *p, const struct columns *c)
{
	double half = 0.40 / c->n;

	for (u32 i = 0; i < c->n; i++) {
		const struct plot_run *run = &p->runs[c->first[i]];
		char title[128];

		fprintf(p->body, "%s'%s.tsv' index %u using 1:(0):($1-%g):($1+%g):(0):2 with boxxyerror fillstyle %s border linecolor rgb 'black' fillcolor rgb '%s' linewidth 0.7 title ",
			i ? ", \\\n  " : "plot ", p->type->name, i, half, half, plot_fill(styles[i].pattern),
			styles[i].color);
		snprintf(title, sizeof(title), "%.40s (%.20s), %u %s", run->name, run->policy, c->of[i].nr_runs,
			 c->of[i].nr_runs == 1 ? "run" : "seeds");
		plot_quote(p->body, title, 44);
	}
	for (u32 i = 0; i < c->n; i++)
		if (c->of[i].nr_runs > 1)
			fprintf(p->body, ", \\\n  '%s.tsv' index %u using 1:3:(0):($4-$3) with vectors heads size screen 0.006,90 linewidth 1.4 linecolor rgb 'black' notitle",
				p->type->name, i);
	fputc('\n', p->body);
}

static int draw_columns(struct plot *p, struct columns *c, struct kms_error *err)
{
	struct comparison cmp = {0};
	struct bars b = {0};
	int rc = compare_columns(&cmp, p->store, c->of, c->n, err);

	if (!rc) {
		write_bars(p, &cmp, &b);
		if (!b.n)
			rc = plot_no_data(p, "these runs have none of the figures that it shows; run them again with timing \"cycle\"");
	}
	if (!rc) {
		p->width = 1240;
		plot_title(p, "The chief figures, as shares of the first column\u2019s");
		bar_axes(p, &cmp, &b);
		plot_bars(p, c);
	}
	comparison_free(&cmp);
	return rc;
}

static int draw_comparison(struct plot *p, struct kms_error *err)
{
	struct columns *c = calloc(1, sizeof(*c));
	int rc = c ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");

	for (u32 r = 0; r < p->nr_runs && !rc; r++)
		rc = place_run(p, r, c, err);
	if (!rc)
		rc = draw_columns(p, c, err);
	for (u32 i = 0; c && i < c->n; i++)
		free(c->config[i]);
	free(c);
	return rc;
}

const struct plot_type plot_type_comparison = {
	.name = "comparison",
	.summary = "the chief figures of several configurations as bars, with intervals over seeds",
	.needs = "run_metric; several runs that differ in their seed only for intervals",
	.min_runs = 2,
	.max_runs = PLOT_MAX_RUNS,
	.draw = draw_comparison,
};
