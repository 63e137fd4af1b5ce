/*
 * latency.c - what operations cost: the distribution, and where the time goes.
 *
 * The distribution's y axis counts nines: 0, 90, 99, 99.9 % are one step apart,
 * so that the tail, which is what one looks for, has as much room as the rest.
 */
#include "plots/plot_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPERATIONS 8
#define MAX_PARTS 16

struct operation {
	char name[104]; /* with its path, where it is one of several */
	char operation[48], path[48]; /* path "": all of them */
	u64 count;
	double mean_ns;
};

static const struct line_style {
	const char *color;
	u32 dash, point;
} line_styles[MAX_OPERATIONS] = {
	{PLOT_BLUE, 1, 5},    {PLOT_RED, 2, 7}, {PLOT_GREEN, 4, 9}, {PLOT_PURPLE, 5, 11},
	{PLOT_ORANGE, 1, 13}, {PLOT_SKY, 2, 4}, {PLOT_BLACK, 4, 6}, {"#8c6d1f", 5, 8},
};

static const char by_operation[] =
	"SELECT operation, '', sum(count), sum(sum_ps) / 1000.0 / sum(count) FROM latency_measured"
	" WHERE run = ? AND count > 0 GROUP BY operation ORDER BY sum(count) DESC, operation";
static const char by_path[] =
	"SELECT operation, path, sum(count), sum(sum_ps) / 1000.0 / sum(count) FROM latency_measured"
	" WHERE run = ? AND count > 0 GROUP BY operation, path ORDER BY sum(sum_ps) DESC, operation, path";

/* The first of what sql selects. Returns how many, or an error. */
static int read_operations(struct plot *p, const char *sql, struct operation ops[MAX_OPERATIONS],
			   u32 *left_out, struct kms_error *err)
{
	struct query q;
	int n = 0;

	*left_out = 0;
	if (strcmp(p->runs[0].timing, "cycle"))
		return 0;
	query_begin(&q, p->store, err, sql, "i", p->runs[0].id);
	while (query_next(&q)) {
		struct operation *op = &ops[n];

		if (n == MAX_OPERATIONS) {
			++*left_out;
			continue;
		}
		snprintf(op->operation, sizeof(op->operation), "%s", query_text(&q, 0));
		snprintf(op->path, sizeof(op->path), "%s", query_text(&q, 1));
		snprintf(op->name, sizeof(op->name), "%s%s%s", op->operation, *op->path ? ": " : "", op->path);
		op->count = (u64)query_int(&q, 2);
		op->mean_ns = query_double(&q, 3);
		n++;
	}
	return query_end(&q) ? q.rc : n;
}

static int no_latencies(struct plot *p)
{
	if (strcmp(p->runs[0].timing, "cycle"))
		return plot_no_data(p, "run %lld has no cycle timing, so it has no latencies; run it again with timing \"cycle\"",
				    (long long)p->runs[0].id);
	return plot_no_data(p, "run %lld has no latencies of its measured part", (long long)p->runs[0].id);
}

static void operation_title(FILE *out, const struct operation *op)
{
	char text[96], count[32];

	plot_with_commas(op->count, count, sizeof(count));
	snprintf(text, sizeof(text), "%.44s (%s)", op->name, count);
	fputs(" title ", out);
	plot_quote(out, text, 44);
}

static void left_out_note(FILE *out, u32 left_out, const char *what)
{
	if (left_out)
		fprintf(out, "set label '%u %s not shown' at screen 0.99, screen 0.02 right font ',10' textcolor rgb '#555555'\n",
			left_out, what);
}

/* ---- distribution ---- */

static const double marked[] = {0.5, 0.99, 0.999};

/* Block: two points a bucket, the foot and the top of a step at its upper bound. */
static void write_curve(struct plot *p, const struct histogram *h)
{
	double last = log10(2.0 * (double)h->count), nines = 0;
	u64 seen = 0;

	plot_block(p, "latency_ns\tshare\tnines (-log10(1 - share), cut at the largest value); two rows a step");
	for (u32 i = 0; i < HISTOGRAM_BUCKETS; i++) {
		u64 high = histogram_high(i) < h->max ? histogram_high(i) : h->max;
		double share;

		if (!h->bucket[i])
			continue;
		seen += h->bucket[i];
		share = (double)seen / (double)h->count;
		fprintf(p->data, "%.10g\t%.10g\t%.10g\n", (double)high / 1000,
			share - (double)h->bucket[i] / (double)h->count, nines);
		nines = seen == h->count ? last : -log10(1 - share);
		fprintf(p->data, "%.10g\t%.10g\t%.10g\n", (double)high / 1000, share, nines);
	}
}

/* Block: the marked quantiles of an operation that has enough requests to have them. */
static void write_marks(struct plot *p, const struct histogram *h)
{
	plot_block(p, "latency_ns\tquantile\tnines");
	for (size_t i = 0; i < KMS_ARRAY_SIZE(marked); i++)
		if ((double)h->count * (1 - marked[i]) >= 1)
			fprintf(p->data, "%.10g\t%g\t%.10g\n",
				(double)histogram_quantile(h, marked[i]) / 1000, marked[i],
				-log10(1 - marked[i]));
}

/* The panel is as wide whatever the legend needs. */
static void cdf_settings(struct plot *p, double min_ns, double max_ns, double top, const char *headline,
			 const char *legend)
{
	FILE *out = p->settings;
	double right = 750.0 / p->width, key = 818.0 / p->width;

	plot_title(p, headline);
	fprintf(out, "set tmargin at screen 0.83\nset logscale x\nset xrange [%.4g:%.4g]\nset yrange [0:%.4g]\n",
		min_ns * 0.8, max_ns * 1.25, top);
	fputs("set xlabel 'simulated latency [ns], logarithmic'\n"
	      "set ylabel 'share at or below [%]; each step up leaves a tenth'\n"
	      "set ytics ('0' 0, '50' 0.30103, '90' 1, '99' 2, '99.9' 3, '99.99' 4, '99.999' 5, '99.9999' 6, '99.99999' 7)\n"
	      "set grid xtics\n",
	      out);
	fprintf(out, "set rmargin at screen %.4f\nset key at screen %.4f, graph 1 left top Left reverse samplen 4 spacing 1.3 title '%s (count)' left\n",
		right, key, legend);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(marked); i++)
		fprintf(out,
			"set arrow from graph 0, first %.6g to graph 1, first %.6g nohead back dashtype 3 linecolor rgb '#666666'\n"
			"set label 'p%g' at graph 1.005, first %.6g left font ',11' textcolor rgb '#444444'\n",
			-log10(1 - marked[i]), -log10(1 - marked[i]), 100 * marked[i],
			-log10(1 - marked[i]));
}

static void cdf_body(struct plot *p, const struct operation *ops, int n)
{
	for (int i = 0; i < n; i++) {
		const struct line_style *s = &line_styles[i];

		fprintf(p->body,
			"%s'%s.tsv' index %d using 1:3 with lines linewidth 1.8 dashtype %u linecolor rgb '%s' notitle",
			i ? ", \\\n  " : "plot ", p->type->name, 2 * i, s->dash, s->color);
		fprintf(p->body,
			", \\\n  '' index %d using 1:3 with points pointtype %u pointsize 1.3 linecolor rgb '%s' notitle",
			2 * i + 1, s->point, s->color);
		fprintf(p->body,
			", \\\n  keyentry with linespoints linewidth 1.8 dashtype %u pointtype %u linecolor rgb '%s'",
			s->dash, s->point, s->color);
		operation_title(p->body, &ops[i]);
	}
	fputc('\n', p->body);
}

static int draw_curves(struct plot *p, const char *sql, const char *headline, const char *legend,
		       const char *others, struct kms_error *err)
{
	struct operation ops[MAX_OPERATIONS];
	double min = INFINITY, max = 0, top = 0;
	struct histogram *h;
	u32 left_out;
	int n, rc = 0;

	n = read_operations(p, sql, ops, &left_out, err);
	if (n <= 0)
		return n ? n : no_latencies(p);
	h = malloc(sizeof(*h));
	if (!h)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	for (int i = 0; i < n && !rc; i++) {
		rc = query_histogram(p->store, p->runs[0].id, ops[i].operation,
				     *ops[i].path ? ops[i].path : NULL, h, err);
		if (rc)
			break;
		write_curve(p, h);
		write_marks(p, h);
		min = fmin(min, fmax((double)histogram_quantile(h, 0.01) / 1000, 0.1));
		max = fmax(max, (double)h->max / 1000);
		top = fmax(top, log10(2.0 * (double)h->count));
	}
	free(h);
	if (rc)
		return rc;
	cdf_settings(p, min, max, top, headline, legend);
	left_out_note(p->settings, left_out, others);
	cdf_body(p, ops, n);
	return 0;
}

static int draw_cdf(struct plot *p, struct kms_error *err)
{
	p->width = 1120;
	return draw_curves(p, by_operation, "Latency by operation: how many take how long", "operation",
			   "operations with fewer requests", err);
}

static int draw_paths(struct plot *p, struct kms_error *err)
{
	p->width = 1270;
	return draw_curves(p, by_path, "Latency by path through the allocator: those that cost most time in all",
			   "operation: path", "paths that cost less time in all", err);
}

/* ---- split ---- */

/* Known parts keep their colour in every picture; others get what is left. */
static const struct part_style {
	const char *name;
	struct plot_part style;
} part_styles[] = {
	{"exec", {"instructions", PLOT_GREY, 3}},
	{"tlb", {"TLB", PLOT_YELLOW, 3}},
	{"l1", {"L1 cache", PLOT_SKY, 3}},
	{"l2", {"L2 cache", PLOT_BLUE, 2}},
	{"llc", {"last-level cache", PLOT_BLUE, 3}},
	{"coherence", {"coherence", PLOT_ORANGE, 3}},
	{"interconnect", {"interconnect", PLOT_PURPLE, 5}},
	{"dram", {"DRAM", PLOT_GREEN, 3}},
	{"lock", {"lock wait", PLOT_RED, 4}},
	{"reclaim", {"reclaim, compaction", PLOT_BLACK, 1}},
	{"wait", {"work by other CPUs", PLOT_PURPLE, 1}},
};

struct part {
	char name[32];
	struct plot_part style;
};

static int read_parts(struct plot *p, struct part parts[MAX_PARTS], struct kms_error *err)
{
	struct query q;
	int n = 0;

	query_begin(&q, p->store, err,
		    "SELECT name, sum(ps) FROM latency_split WHERE run = ? GROUP BY part, name"
		    " HAVING sum(ps) > 0 ORDER BY part",
		    "i", p->runs[0].id);
	while (query_next(&q) && n < MAX_PARTS) {
		struct part *part = &parts[n++];

		snprintf(part->name, sizeof(part->name), "%s", query_text(&q, 0));
		part->style = (struct plot_part){"another part", PLOT_PURPLE, (u32)n % 8};
		for (size_t i = 0; i < KMS_ARRAY_SIZE(part_styles); i++)
			if (!strcmp(part->name, part_styles[i].name))
				part->style = part_styles[i].style;
	}
	return query_end(&q) ? q.rc : n;
}

/* One row an operation: position, mean in ns, then the parts cumulated, in ns a request. */
static int write_split(struct plot *p, const struct operation *op, int position,
		       const struct part *parts, int n, struct kms_error *err)
{
	double sum = 0;
	struct query q;

	fprintf(p->data, "%d\t%.10g", position, op->mean_ns);
	for (int i = 0; i < n; i++) {
		query_begin(&q, p->store, err,
			    "SELECT sum(ps) FROM latency_split WHERE run = ? AND operation = ? AND name = ?",
			    "iss", p->runs[0].id, op->name, parts[i].name);
		if (query_next(&q))
			sum += query_double(&q, 0) / 1000 / (double)op->count;
		if (query_end(&q))
			return q.rc;
		fprintf(p->data, "\t%.10g", sum);
	}
	fputc('\n', p->data);
	return 0;
}

static void split_columns(struct plot *p, const struct part *parts, int n)
{
	plot_block(p, "stacked: each part's column holds those before it as well; ns a request");
	fputs("# position\tmean_ns", p->data);
	for (int i = 0; i < n; i++)
		fprintf(p->data, "\t+%s", parts[i].style.label);
	fputc('\n', p->data);
}

static void split_bars(FILE *out, const struct plot *p, const struct part *parts, int n, const char *scale)
{
	struct plot_part styles[MAX_PARTS];

	for (int i = 0; i < n; i++)
		styles[i] = parts[i].style;
	plot_stack_bars(out, p, &(struct plot_stack){.column = 3, .parts = styles, .n = (u32)n, .half = 0.36,
						     .scale = scale});
}

static void split_legend(FILE *out, const struct part *parts, int n)
{
	struct plot_part styles[MAX_PARTS];

	for (int i = 0; i < n; i++)
		styles[i] = parts[i].style;
	plot_legend(out, styles, (u32)n, 0.80, 0.15, 0.82, NULL);
}

static int by_mean(const void *a, const void *b)
{
	double x = ((const struct operation *)a)->mean_ns, y = ((const struct operation *)b)->mean_ns;

	return (x > y) - (x < y);
}

/*
 * Where the axis of means ends: bars beyond 8 medians are cut, or a rare
 * background job would flatten all others. Their numbers say how long they are.
 */
static double means_end(const struct operation *ops, int n)
{
	struct operation sorted[MAX_OPERATIONS];
	int last = n - 1;

	memcpy(sorted, ops, (size_t)n * sizeof(*ops));
	qsort(sorted, (size_t)n, sizeof(*sorted), by_mean);
	while (last > 0 && sorted[last].mean_ns > 8 * sorted[n / 2].mean_ns)
		last--;
	return 1.05 * sorted[last].mean_ns;
}

static void means_panel(struct plot *p, const struct operation *ops, int nr_ops,
			const struct part *parts, int n)
{
	double end = means_end(ops, nr_ops);
	FILE *out = p->body;

	fputs("set bmargin at screen 0.53\nset tmargin at screen 0.82\nset border 3\nset tics nomirror out\nset grid ytics\nunset key\nunset xlabel\nset format y '%g'\nset xtics scale 0\n",
	      out);
	fprintf(out, "set ylabel 'mean latency [ns]' offset character 0\nset yrange [0:%.4g]\nset ytics nomirror autofreq\nset xtics (",
		end);
	for (int i = 0; i < nr_ops; i++)
		fprintf(out, "%s'' %d", i ? ", " : "", i);
	fputs(")\n", out);
	split_bars(out, p, parts, n, "");
	fprintf(out, ", \\\n  '' using 1:($2 < %.6g ? $2 : %.6g):(sprintf($2 > %.6g ? '\u2191 %%.0f' : $2 < 100 ? '%%.1f' : '%%.0f', $2)) with labels offset 0,0.6 font ',11' notitle\n",
		end, 0.998 * end, end);
}

static void shares_panel(struct plot *p, const struct operation *ops, int nr_ops,
			 const struct part *parts, int n)
{
	FILE *out = p->body;

	fputs("set bmargin at screen 0.15\nset tmargin at screen 0.48\nset ylabel 'share of its time [%]'\n"
	      "set yrange [0:100]\nset ytics nomirror 20\nset xtics (",
	      out);
	for (int i = 0; i < nr_ops; i++) {
		char text[96], count[32];

		plot_with_commas(ops[i].count, count, sizeof(count));
		snprintf(text, sizeof(text), "%.16s", ops[i].name);
		fputs(i ? ", " : "", out);
		plot_quote_tic(out, text, 16);
		fprintf(out, ".\"\\n%s\" %d", count, i);
	}
	fputs(") font ',10'\nset xlabel 'operation and its count' offset 0,-0.3\n", out);
	split_bars(out, p, parts, n, "*100/($2>0?$2:1)");
	fputc('\n', out);
}

static int draw_split(struct plot *p, struct kms_error *err)
{
	struct operation ops[MAX_OPERATIONS];
	struct part parts[MAX_PARTS];
	u32 left_out;
	int n, nr_parts, rc = 0;

	n = read_operations(p, by_operation, ops, &left_out, err);
	if (n <= 0)
		return n ? n : no_latencies(p);
	nr_parts = read_parts(p, parts, err);
	if (nr_parts <= 0)
		return nr_parts ? nr_parts
				: plot_no_data(p, "run %lld's latencies have no parts",
					       (long long)p->runs[0].id);
	split_columns(p, parts, nr_parts);
	for (int i = 0; i < n && !rc; i++)
		rc = write_split(p, &ops[i], i, parts, nr_parts, err);
	if (rc)
		return rc;
	p->height = 700;
	plot_title(p, "Where the time of an operation goes");
	fprintf(p->body, "set lmargin at screen 0.095\nset rmargin at screen 0.78\n");
	left_out_note(p->body, left_out, "operations with fewer requests");
	split_legend(p->body, parts, nr_parts);
	fprintf(p->body, "set xrange [-0.6:%g]\n", n - 0.4);
	means_panel(p, ops, n, parts, nr_parts);
	shares_panel(p, ops, n, parts, nr_parts);
	return 0;
}

const struct plot_type plot_type_latency_cdf = {
	.name = "latency-cdf",
	.summary = "distribution of latencies by operation, with p50, p99 and p99.9",
	.needs = "latency, latency_bucket (cycle timing)",
	.min_runs = 1,
	.max_runs = 1,
	.draw = draw_cdf,
};

const struct plot_type plot_type_latency_paths = {
	.name = "latency-paths",
	.summary = "distribution of latencies by path: fast, per-CPU list, new slab, buddy, ...",
	.needs = "latency, latency_bucket (cycle timing)",
	.min_runs = 1,
	.max_runs = 1,
	.draw = draw_paths,
};

const struct plot_type plot_type_latency_split = {
	.name = "latency-split",
	.summary = "mean latency of each operation, stacked by cause",
	.needs = "latency, latency_part (cycle timing)",
	.min_runs = 1,
	.max_runs = 1,
	.draw = draw_split,
};
