/*
 * waste_compare.c - what each run held at its peak and at its end, by cause.
 */
#include "plots/plot_internal.h"

#define BAR 0.40   /* half a bar's width; a run's two bars are 1 apart */
#define STRIDE 2.8 /* from run to run */

struct bars {
	double held_max;
	u32 n;
};

/* One row: position and cumulated causes, for the bar of a run at an instant. */
static int write_bar(struct plot *p, s64 run, const struct query_instant *at, double x,
		     struct bars *bars, struct kms_error *err)
{
	struct query q;

	query_begin(&q, p->store, err,
		    "SELECT " PLOT_CAUSE_COLUMNS " FROM byte_partition WHERE run = ? AND request = ?"
		    " AND time_ps = ? AND phase = ?",
		    "iiii", run, at->request, at->time_ps, at->phase);
	if (query_next(&q)) {
		s64 sum = 0;

		fprintf(p->data, "%g", x);
		for (int c = 0; c < PLOT_CAUSES; c++) {
			sum += query_int(&q, c);
			fprintf(p->data, "\t%lld", (long long)sum);
		}
		fputc('\n', p->data);
		bars->held_max = (double)sum > bars->held_max ? (double)sum : bars->held_max;
		bars->n++;
	}
	return query_end(&q);
}

/* Under each pair of bars stands the run, above each bar what it adds up to. */
static void write_labels(struct plot *p, const char *unit, double divide)
{
	FILE *out = p->settings;

	for (u32 r = 0; r < p->nr_runs; r++) {
		char label[160];

		fprintf(out, "set label 'at its peak' at first %g, graph -0.04 center font ',11'\n",
			STRIDE * r);
		fprintf(out, "set label 'at the end' at first %g, graph -0.04 center font ',11'\n",
			STRIDE * r + 1);
		snprintf(label, sizeof(label), "run %lld %.40s", (long long)p->runs[r].id, p->runs[r].name);
		fputs("set label ", out);
		plot_quote(out, label, 30);
		fprintf(out, " at first %g, graph -0.10 center\n", STRIDE * r + 0.5);
		snprintf(label, sizeof(label), "policy %.40s", p->runs[r].policy);
		fputs("set label ", out);
		plot_quote(out, label, 30);
		fprintf(out, " at first %g, graph -0.155 center font ',11'\n", STRIDE * r + 0.5);
	}
	fprintf(out,
		"held(t) = sprintf('%%.1f %s', t/%.0f)\n"
		"wasted(r, t) = sprintf('%%.1f %%%% waste', t > 0 ? 100*(t-r)/t : 0)\n",
		unit, divide);
}

static void write_body(struct plot *p, double divide)
{
	FILE *out = p->body;
	char scale[32];

	snprintf(scale, sizeof(scale), "/%.0f", divide);
	plot_stack_bars(out, p, &(struct plot_stack){.column = 2, .parts = plot_causes, .n = PLOT_CAUSES,
						     .half = BAR, .scale = scale, .titles = true});
	fprintf(out, ", \\\n  '' using 1:($7/%.0f):(held($7)) with labels offset 0,1.7 notitle", divide);
	fprintf(out, ", \\\n  '' using 1:($7/%.0f):(wasted($2,$7)) with labels offset 0,0.6 font ',10' notitle\n",
		divide);
}

static int draw(struct plot *p, struct kms_error *err)
{
	struct query_instant peak, end;
	struct bars bars = {0};
	const char *unit;
	double divide;
	int rc = 0;

	plot_block(p, "x\trequested\t+size rounding\t+slab tail\t+page order\t+free in partial slabs"
		      "\t+cached per CPU (bytes, each column with those before it)");
	for (u32 r = 0; r < p->nr_runs && rc >= 0; r++) {
		rc = query_instants(p->store, p->runs[r].id, &peak, &end, err);
		if (!rc)
			return plot_no_data(p, "run %lld has no samples of the byte partition; run it again with more sampling.samples (the default records them)",
					    (long long)p->runs[r].id);
		if (rc > 0)
			rc = write_bar(p, p->runs[r].id, &peak, STRIDE * r, &bars, err);
		if (!rc)
			rc = write_bar(p, p->runs[r].id, &end, STRIDE * r + 1, &bars, err);
	}
	if (rc < 0)
		return rc;
	divide = plot_byte_unit(bars.held_max, &unit);
	bars.held_max = bars.held_max > 0 ? bars.held_max : 1;
	p->width = 480 + 270 * p->nr_runs;
	plot_title(p, "Memory held at the peak and at the end, by cause");
	fprintf(p->settings,
		"set tmargin at screen %.2f\nset xrange [-0.8:%g]\nset yrange [0:%g]\nunset xtics\nset bmargin 5\n",
		p->nr_runs > 1 ? 0.90 : 0.82, STRIDE * (p->nr_runs - 1) + 1.8,
		1.18 * bars.held_max / divide);
	fprintf(p->settings,
		"set ylabel 'bytes held [%s]'\nset rmargin 30\nset key at graph 1.03, graph 1 left top Left reverse samplen 2.5 spacing 1.3\n",
		unit);
	write_labels(p, unit, divide);
	write_body(p, divide);
	return 0;
}

const struct plot_type plot_type_waste_compare = {
	.name = "waste-compare",
	.summary = "bytes held by cause, at the peak and at the end, as bars for one or several runs",
	.needs = "sample: bytes.*",
	.min_runs = 1,
	.max_runs = 8,
	.draw = draw,
};
