/*
 * axis.c - the x axis of time series, and the phases marked on it.
 */
#include "plots/plot_internal.h"

#include <string.h>

static const struct unit {
	double divide;
	const char *time_label;
} time_units[] = {
	{1e3, "simulated time [ns]"},
	{1e6, "simulated time [\u00b5s]"},
	{1e9, "simulated time [ms]"},
	{1e12, "simulated time [s]"},
};

static const struct request_unit {
	double divide;
	const char *label;
} request_units[] = {
	{1, "requests completed"},
	{1e3, "requests completed [thousands]"},
	{1e6, "requests completed [millions]"},
	{1e9, "requests completed [billions]"},
};

/* The largest unit that leaves at least 10 of it on the axis. */
static void choose_unit(struct plot_axis *axis, double max)
{
	u32 i = 0;

	if (axis->by_time) {
		while (i + 1 < KMS_ARRAY_SIZE(time_units) && max / time_units[i + 1].divide >= 10)
			i++;
		axis->divide = time_units[i].divide;
		axis->label = time_units[i].time_label;
		return;
	}
	while (i + 1 < KMS_ARRAY_SIZE(request_units) && max / request_units[i + 1].divide >= 10)
		i++;
	axis->divide = request_units[i].divide;
	axis->label = request_units[i].label;
}

struct extent {
	s64 request[2], time[2];
	s64 n;
};

static int read_extent(struct plot *p, s64 run, const char *glob, struct extent *e, struct kms_error *err)
{
	struct query q;

	memset(e, 0, sizeof(*e));
	query_begin(&q, p->store, err,
		    "SELECT count(*), min(s.request), max(s.request), min(s.time_ps), max(s.time_ps)"
		    " FROM sample s JOIN series n ON n.id = s.series WHERE s.run = ? AND n.name GLOB ?",
		    "is", run, glob);
	if (query_next(&q)) {
		e->n = query_int(&q, 0);
		for (int i = 0; i < 2; i++) {
			e->request[i] = query_int(&q, 1 + i);
			e->time[i] = query_int(&q, 3 + i);
		}
	}
	return query_end(&q);
}

/*
 * Several runs share the axis: then requests, which mean the same in each,
 * while simulated time is what differs between allocators.
 */
int plot_axis_of(struct plot *p, const char *glob, struct plot_axis *axis, struct kms_error *err)
{
	double low[2] = {0, 0}, high[2] = {0, 0};
	bool advances = p->nr_runs == 1;

	for (u32 r = 0; r < p->nr_runs; r++) {
		struct extent e;
		int rc = read_extent(p, p->runs[r].id, glob, &e, err);

		if (rc)
			return rc;
		if (!e.n)
			return 0;
		advances = advances && e.time[1] > e.time[0];
		for (int t = 0; t < 2; t++) {
			const s64 *v = t ? e.time : e.request;

			low[t] = r && low[t] < (double)v[0] ? low[t] : (double)v[0];
			high[t] = high[t] > (double)v[1] ? high[t] : (double)v[1];
		}
	}
	axis->by_time = advances;
	choose_unit(axis, high[advances]);
	axis->min = low[advances] / axis->divide;
	axis->max = high[advances] / axis->divide;
	if (axis->max <= axis->min)
		axis->max = axis->min + 1;
	return 1;
}

double plot_axis_x(const struct plot_axis *axis, s64 request, s64 time_ps)
{
	return (double)(axis->by_time ? time_ps : request) / axis->divide;
}

#define CHAR_WIDTH 6.6 /* of a phase name, in SVG units */
#define ROWS 2

/* A name is written where the row above the panel still has room for it; its line is drawn always. */
static void phase_name(FILE *out, const char *name, double x, double from, double to, u32 width,
		       double row_end[ROWS])
{
	double left = (x - from) / (to - from) * width;
	size_t chars = strlen(name) < 24 ? strlen(name) : 24;

	for (u32 row = 0; row < ROWS; row++) {
		if (left < row_end[row] || left + (double)chars * CHAR_WIDTH > width + 40)
			continue;
		row_end[row] = left + ((double)chars + 2) * CHAR_WIDTH;
		fputs("set label ", out);
		plot_quote(out, name, 24);
		fprintf(out, " at first %.10g, graph 1 offset character 0, character %.2f left font ',10' textcolor rgb '#444444'\n",
			x, 0.55 + 0.95 * row);
		return;
	}
}

int plot_phases(struct plot *p, FILE *out, const struct plot_axis *axis, const struct plot_run *run,
		u32 panel_width, bool names, struct kms_error *err)
{
	double row_end[ROWS] = {-1, -1}, warm_from = -1;
	struct query q;

	query_begin(&q, p->store, err,
		    "SELECT p.name, p.warm_up, min(s.request), min(s.time_ps) FROM sample s"
		    " JOIN phase p ON p.run = s.run AND p.phase = s.phase WHERE s.run = ? AND s.series ="
		    " (SELECT s2.series FROM sample s2 WHERE s2.run = ?1 LIMIT 1)"
		    " GROUP BY p.phase ORDER BY p.phase", "i", run->id);
	while (query_next(&q)) {
		double x = plot_axis_x(axis, query_int(&q, 2), query_int(&q, 3));

		if (warm_from >= 0)
			fprintf(out, "set object rectangle from first %.10g, graph 0 to first %.10g, graph 1 behind fillcolor rgb '#eeeeee' fillstyle solid noborder\n",
				warm_from, x);
		warm_from = query_int(&q, 1) ? x : -1;
		fprintf(out, "set arrow from first %.10g, graph 0 to first %.10g, graph 1 nohead front linewidth 1 dashtype 3 linecolor rgb '#666666'\n",
			x, x);
		if (names) {
			char label[160];

			snprintf(label, sizeof(label), "%.120s%s", query_text(&q, 0),
				 query_int(&q, 1) ? " (warm-up)" : "");
			phase_name(out, label, x, axis->min, axis->max, panel_width, row_end);
		}
	}
	if (warm_from >= 0)
		fprintf(out, "set object rectangle from first %.10g, graph 0 to first %.10g, graph 1 behind fillcolor rgb '#eeeeee' fillstyle solid noborder\n",
			warm_from, axis->max);
	return query_end(&q);
}

void plot_unset_phases(FILE *out)
{
	fputs("unset arrow\nunset object\nunset label\n", out);
}
