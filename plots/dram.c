/*
 * dram.c - what reaches DRAM over time: bytes a second of simulated time, and
 * how often a row was found open.
 *
 * The samples hold counts since the start; a row of the data is what came
 * between two samples.
 */
#include "plots/plot_internal.h"

#define COUNTS 5 /* reads, writes, row hits, misses, conflicts */
#define LINE 64.0

static const struct plot_part row_parts[] = {
	{"row open (hit)", PLOT_SKY, 3},
	{"no row open (miss)", PLOT_GREY, 3},
	{"another row open (conflict)", PLOT_RED, 4},
};

struct dram {
	struct plot_axis axis;
	double max; /* GB/s */
	u32 rows;
};

static void write_interval(struct plot *p, struct dram *d, double x, double ps, const s64 n[COUNTS])
{
	double hits = (double)n[2], misses = (double)n[3], all = hits + misses + (double)n[4];
	double read = (double)n[0] * LINE * 1000 / ps, written = (double)n[1] * LINE * 1000 / ps;

	d->max = read + written > d->max ? read + written : d->max;
	fprintf(p->data, "%.10g\t%.6g\t%.6g", x, read, read + written);
	if (all > 0)
		fprintf(p->data, "\t%.6g\t%.6g\t100\n", 100 * hits / all, 100 * (hits + misses) / all);
	else
		fputs("\t0\t0\t0\n", p->data);
	d->rows++;
}

static int write_data(struct plot *p, struct dram *d, struct kms_error *err)
{
	s64 before[COUNTS + 1] = {0};
	struct query q;

	plot_block(p, "x\tread\t+written (GB/s)\trow hits\t+misses\t+conflicts (% of the accesses to rows; all 0: there were none); since the row before");
	query_begin(&q, p->store, err,
		    "SELECT s.request, s.time_ps, sum(s.value) FILTER (WHERE n.name = 'dram.reads'),"
		    " sum(s.value) FILTER (WHERE n.name = 'dram.writes'),"
		    " sum(s.value) FILTER (WHERE n.name = 'dram.row_hits'),"
		    " sum(s.value) FILTER (WHERE n.name = 'dram.row_misses'),"
		    " sum(s.value) FILTER (WHERE n.name = 'dram.row_conflicts')"
		    " FROM sample s JOIN series n ON n.id = s.series WHERE s.run = ? AND n.name GLOB 'dram.*'"
		    " GROUP BY s.request, s.time_ps, s.phase ORDER BY s.time_ps, s.request, s.phase",
		    "i", p->runs[0].id);
	while (query_next(&q)) {
		s64 now[COUNTS + 1], more[COUNTS];

		for (int i = 0; i <= COUNTS; i++)
			now[i] = query_int(&q, i + 1);
		for (int i = 0; i < COUNTS; i++)
			more[i] = now[i + 1] - before[i + 1];
		if (now[0] <= before[0])
			continue;
		write_interval(p, d, plot_axis_x(&d->axis, query_int(&q, 0), now[0]),
			       (double)(now[0] - before[0]), more);
		for (int i = 0; i <= COUNTS; i++)
			before[i] = now[i];
	}
	return query_end(&q);
}

#define TOP 0.77
#define LEFT 105.0
#define PANEL 660.0
#define LEGEND 320.0

static void place(FILE *out, const struct plot *p, double bottom, double top)
{
	fprintf(out, "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.4f\nset tmargin at screen %.4f\n",
		LEFT / p->width, (LEFT + PANEL) / p->width, bottom, top);
}

static int panels(struct plot *p, const struct dram *d, struct kms_error *err)
{
	static const struct plot_part traffic[] = {{"read", PLOT_BLUE, 3}, {"written", PLOT_ORANGE, 4}};
	double x = (LEFT + PANEL + 14) / p->width;
	FILE *out = p->body;
	int rc;

	plot_legend(out, traffic, KMS_ARRAY_SIZE(traffic), x, 0.43, TOP, NULL);
	plot_legend(out, row_parts, KMS_ARRAY_SIZE(row_parts), x, 0.12, 0.39, NULL);
	fprintf(out, "set xrange [%.10g:%.10g]\nset grid ytics back linewidth 0.6 dashtype 1 linecolor rgb '#cccccc'\n",
		d->axis.min, d->axis.max);
	place(out, p, 0.43, TOP);
	fprintf(out, "set ylabel 'bandwidth [GB/s]'\nset yrange [0:%.4g]\nset format x ''\n", 1.08 * d->max);
	rc = plot_phases(p, out, &d->axis, &p->runs[0], &(struct plot_panel){PANEL, TOP, 60}, err);
	plot_stack_areas(out, p, &(struct plot_stack){.column = 2, .parts = traffic, .n = 2, .scale = ""});
	plot_unset_phases(out);
	place(out, p, 0.12, 0.39);
	fprintf(out, "set ylabel 'accesses to rows [%%]'\nset yrange [0:100]\nset format x '%%g'\nset xlabel '%s'\n",
		d->axis.label);
	if (!rc)
		rc = plot_phases(p, out, &d->axis, &p->runs[0], NULL, err);
	plot_stack_areas(out, p, &(struct plot_stack){.column = 4, .parts = row_parts, .n = 3, .scale = ""});
	plot_unset_phases(out);
	return rc;
}

static int draw(struct plot *p, struct kms_error *err)
{
	struct dram d = {0};
	int rc = plot_axis_of(p, "dram.*", &d.axis, err);

	if (rc <= 0)
		return rc ? rc
			  : plot_no_data(p, "run %lld has no samples of DRAM traffic; run it again with timing \"cycle\" and more sampling.samples (the default records them)",
					 (long long)p->runs[0].id);
	rc = write_data(p, &d, err);
	if (rc)
		return rc;
	if (d.rows < 2)
		return plot_no_data(p, "run %lld has samples of DRAM traffic at fewer than two times", (long long)p->runs[0].id);
	d.max = d.max > 0 ? d.max : 1;
	p->width = (u32)(LEFT + PANEL + LEGEND);
	p->height = 680;
	fputs("unset key\n", p->settings);
	plot_title(p, "DRAM over time: bandwidth, and what accesses found in the row buffers");
	return panels(p, &d, err);
}

const struct plot_type plot_type_dram = {
	.name = "dram",
	.summary = "DRAM bandwidth and row hits over time",
	.needs = "sample: dram.* (cycle timing)",
	.min_runs = 1,
	.max_runs = 1,
	.draw = draw,
};
