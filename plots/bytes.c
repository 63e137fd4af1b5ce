/*
 * bytes.c - memory held, by cause: over time, and side by side for several runs.
 *
 * Held is everything but free, metadata and reserved. What was asked for is
 * one colour; everything else is what the allocator adds, each cause in its own
 * colour and pattern.
 */
#include "plots/plot_internal.h"

const struct plot_part plot_causes[PLOT_CAUSES] = {
	{"requested", PLOT_GREY, 3},
	{"size rounding", PLOT_ORANGE, 3},
	{"slab tail", PLOT_BLACK, 1},
	{"page-order rounding", PLOT_RED, 4},
	{"free in partial slabs", PLOT_BLUE, 5},
	{"cached per CPU", PLOT_GREEN, 3},
};

/* What all runs of a picture share, so that panels can be compared. */
struct scale {
	struct plot_axis axis;
	double held, share; /* largest, in bytes and per cent */
	double divide;
	const char *unit;
};

/* One block: x, the cumulated causes, and the held bytes' share that is waste. */
static int write_series(struct plot *p, s64 run, struct scale *scale, struct kms_error *err)
{
	struct query q;

	plot_block(p, "x\trequested\t+size rounding\t+slab tail\t+page order\t+free in partial slabs"
		      "\t+cached per CPU (bytes, each column with those before it)");
	query_begin(&q, p->store, err,
		    "SELECT request, time_ps, " PLOT_CAUSE_COLUMNS
		    " FROM byte_partition WHERE run = ? ORDER BY request, time_ps, phase",
		    "i", run);
	while (query_next(&q)) {
		double share;
		s64 sum = 0;

		fprintf(p->data, "%.10g", plot_axis_x(&scale->axis, query_int(&q, 0), query_int(&q, 1)));
		for (int c = 0; c < PLOT_CAUSES; c++) {
			sum += query_int(&q, 2 + c);
			fprintf(p->data, "\t%lld", (long long)sum);
		}
		fputc('\n', p->data);
		share = sum ? 100 - 100.0 * (double)query_int(&q, 2) / (double)sum : 0;
		scale->held = (double)sum > scale->held ? (double)sum : scale->held;
		scale->share = share > scale->share ? share : scale->share;
	}
	return query_end(&q);
}

#define TOP 0.77 /* of the upper panels; above: phases, and what run a column is */
#define LEFT 85.0
#define RIGHT 250.0
#define GAP 42.0
#define PANEL 690.0
#define SEVERAL_PANEL 480.0

static double panel_width(const struct plot *p)
{
	return p->nr_runs == 1 ? PANEL : SEVERAL_PANEL;
}

/* Margins of column r, between two heights (shares of the image). */
static void place(FILE *out, const struct plot *p, u32 r, double bottom, double top)
{
	double left = LEFT + r * (panel_width(p) + GAP);

	fprintf(out, "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.4f\nset tmargin at screen %.4f\n",
		left / p->width, (left + panel_width(p)) / p->width, bottom, top);
}

/* Names and numbers of the y axis stand at the first column only: all columns share the scale. */
static void y_axis(FILE *out, u32 r, const char *label, double max)
{
	fprintf(out, "set yrange [0:%g]\n", max);
	if (r)
		fputs("unset ylabel\nset format y ''\n", out);
	else
		fprintf(out, "set ylabel '%s'\nset format y '%%g'\n", label);
}

static int column(struct plot *p, u32 r, const struct scale *s, struct kms_error *err)
{
	bool last = r + 1 == p->nr_runs;
	char label[256], by[32];
	FILE *out = p->body;
	int rc;

	place(out, p, r, 0.43, TOP);
	if (p->nr_runs > 1) {
		snprintf(label, sizeof(label), "run %lld \u2018%.60s\u2019: policy %.40s",
			 (long long)p->runs[r].id, p->runs[r].name, p->runs[r].policy);
		fputs("set label ", out);
		plot_quote(out, label, 56);
		fputs(" at graph 0.5, screen 0.90 center font ',12'\n", out);
	}
	snprintf(label, sizeof(label), "bytes held [%s]", s->unit);
	y_axis(out, r, label, 1.05 * s->held / s->divide);
	fputs("unset xlabel\nset format x ''\n", out);
	if (last)
		fprintf(out, "set key at screen %.4f, screen 0.77 left top Left reverse samplen 2.5 spacing 1.3\n",
			(p->width - RIGHT + 12) / p->width);
	else
		fputs("unset key\n", out);
	rc = plot_phases(p, out, &s->axis, &p->runs[r],
			 &(struct plot_panel){panel_width(p), TOP, last ? 60 : GAP - 8}, err);
	if (rc)
		return rc;
	snprintf(by, sizeof(by), "/%.0f", s->divide);
	plot_stack_areas(out, p, &(struct plot_stack){.block = r, .column = 2, .parts = plot_causes,
						      .n = PLOT_CAUSES, .scale = by, .titles = last});
	plot_unset_phases(out);

	place(out, p, r, 0.12, 0.39);
	fputs("unset key\nset format x '%g'\n", out);
	fprintf(out, "set xlabel '%s'\n", s->axis.label);
	y_axis(out, r, "waste [% of held]", s->share > 50 ? 100 : 1.1 * s->share);
	rc = plot_phases(p, out, &s->axis, &p->runs[r], NULL, err);
	plot_stack_areas(out, p, &(struct plot_stack){.block = r, .column = 3, .parts = plot_causes + 1,
						      .n = PLOT_CAUSES - 1, .base = "$2",
						      .scale = "*100/($7>0?$7:1)"});
	plot_unset_phases(out);
	return rc;
}

static int draw_fragmentation(struct plot *p, struct kms_error *err)
{
	struct scale s = {0};
	int rc = plot_axis_of(p, "bytes.*", &s.axis, err);

	if (rc <= 0)
		return rc ? rc : plot_no_data(p, "no samples of the byte partition; run it again with more sampling.samples (the default records them)");
	p->width = (u32)(LEFT + RIGHT + p->nr_runs * panel_width(p) + (p->nr_runs - 1) * GAP);
	p->height = 680;
	rc = 0;
	for (u32 r = 0; r < p->nr_runs && !rc; r++)
		rc = write_series(p, p->runs[r].id, &s, err);
	if (rc)
		return rc;
	s.divide = plot_byte_unit(s.held, &s.unit);
	s.held = s.held > 0 ? s.held : 1;
	s.share = s.share > 0 ? s.share : 1;
	fprintf(p->settings, "set xrange [%.10g:%.10g]\n", s.axis.min, s.axis.max);
	plot_title(p, "Internal fragmentation: memory taken from the page allocator by cause, and its share of waste");
	for (u32 r = 0; r < p->nr_runs && !rc; r++)
		rc = column(p, r, &s, err);
	return rc;
}

const struct plot_type plot_type_fragmentation = {
	.name = "fragmentation",
	.summary = "bytes held over time, stacked by cause; several runs side by side on one scale",
	.needs = "sample: bytes.*",
	.min_runs = 1,
	.max_runs = 4,
	.draw = draw_fragmentation,
};
