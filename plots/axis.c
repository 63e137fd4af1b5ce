/*
 * axis.c - the x axis of time series, and the phases marked on it.
 */
#include "plots/plot_internal.h"

#include <stdlib.h>
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
 * while simulated time is what differs between allocators. Requests that come
 * as fast as they can make some phases take no time worth seeing.
 */
static bool wants_time(const struct plot *p)
{
	if (p->nr_runs > 1 || p->x == PLOT_X_REQUESTS)
		return false;
	return p->x == PLOT_X_TIME || !strcmp(p->runs[0].pacing, "timestamps");
}

int plot_axis_of(struct plot *p, const char *glob, struct plot_axis *axis, struct kms_error *err)
{
	double low[2] = {0, 0}, high[2] = {0, 0};
	bool advances = wants_time(p);

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

#define CHAR_WIDTH 6.4 /* of a phase name, in SVG units */
#define ROWS 3
#define ROW_HEIGHT 0.03 /* share of the image */
#define MAX_PHASES 256

struct phase_mark {
	char name[64];
	bool warm_up;
	double from, to;    /* on the axis */
	double left, right; /* of the name, in SVG units from the panel's left edge */
	int row;	    /* -1: no room for the name */
};

static int read_phases(struct plot *p, const struct plot_axis *axis, const struct plot_run *run,
		       struct phase_mark *marks, struct kms_error *err)
{
	struct query q;
	int n = 0;

	query_begin(&q, p->store, err,
		    "SELECT p.name, p.warm_up, min(s.request), min(s.time_ps) FROM sample s"
		    " JOIN phase p ON p.run = s.run AND p.phase = s.phase WHERE s.run = ? AND s.series ="
		    " (SELECT s2.series FROM sample s2 WHERE s2.run = ?1 LIMIT 1)"
		    " GROUP BY p.phase ORDER BY min(s.request), min(s.time_ps), p.phase",
		    "i", run->id);
	while (query_next(&q) && n < MAX_PHASES) {
		struct phase_mark *m = &marks[n++];

		m->warm_up = query_int(&q, 1);
		snprintf(m->name, sizeof(m->name), "%.40s%s", query_text(&q, 0),
			 m->warm_up ? " (warm-up)" : "");
		m->from = plot_axis_x(axis, query_int(&q, 2), query_int(&q, 3));
		m->to = axis->max;
		m->row = -1;
		if (n > 1)
			m[-1].to = m->from;
	}
	return query_end(&q) ? q.rc : n;
}

static int longest_first(const void *a, const void *b)
{
	const struct phase_mark *x = *(struct phase_mark *const *)a, *y = *(struct phase_mark *const *)b;
	double dx = x->to - x->from, dy = y->to - y->from;

	if (dx != dy)
		return dx > dy ? -1 : 1;
	return (x->from > y->from) - (x->from < y->from);
}

static bool row_is_free(struct phase_mark *const *placed, int n, int row, const struct phase_mark *m)
{
	for (int i = 0; i < n; i++)
		if (placed[i]->row == row && m->left < placed[i]->right && placed[i]->left < m->right)
			return false;
	return true;
}

/* Names of long phases first, each in the lowest row that has room; short ones may go without. */
static void place_names(struct phase_mark *marks, int n, const struct plot_axis *axis,
			const struct plot_panel *panel)
{
	struct phase_mark *order[MAX_PHASES];

	for (int i = 0; i < n; i++)
		order[i] = &marks[i];
	qsort(order, (size_t)n, sizeof(*order), longest_first);
	for (int i = 0; i < n; i++) {
		struct phase_mark *m = order[i];
		size_t chars = strlen(m->name) < 24 ? strlen(m->name) : 24;

		m->left = (m->from - axis->min) / (axis->max - axis->min) * panel->width;
		m->right = m->left + ((double)chars + 1.5) * CHAR_WIDTH;
		for (int row = 0; row < ROWS && m->row < 0 && m->right < panel->width + panel->slack; row++)
			if (row_is_free(order, i, row, m))
				m->row = row;
	}
}

/* A phase's line reaches up to its name. */
static void write_mark(FILE *out, const struct phase_mark *m, const struct plot_panel *panel)
{
	char top[32] = "graph 1";

	if (m->warm_up)
		fprintf(out, "set object rectangle from first %.10g, graph 0 to first %.10g, graph 1 behind fillcolor rgb '#eeeeee' fillstyle solid noborder\n",
			m->from, m->to);
	if (panel && m->row >= 0) {
		double y = panel->top + ROW_HEIGHT * m->row;

		if (m->row > 0)
			snprintf(top, sizeof(top), "screen %.4f", y + 0.022);
		fputs("if (!text) set label ", out);
		plot_quote(out, m->name, 24);
		fprintf(out, " at first %.10g, screen %.4f offset character 0.3, 0 left font ',10' textcolor rgb '#444444'\n",
			m->from, y + 0.016);
	}
	fprintf(out, "if (!text) set arrow from first %.10g, graph 0 to first %.10g, %s nohead front linewidth 0.8 dashtype 3 linecolor rgb '#666666'\n",
		m->from, m->from, top);
}

int plot_phases(struct plot *p, FILE *out, const struct plot_axis *axis, const struct plot_run *run,
		const struct plot_panel *panel, struct kms_error *err)
{
	struct phase_mark *marks = calloc(MAX_PHASES, sizeof(*marks));
	int n;

	if (!marks)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	n = read_phases(p, axis, run, marks, err);
	if (n > 0 && panel)
		place_names(marks, n, axis, panel);
	for (int i = 0; i < n; i++)
		write_mark(out, &marks[i], panel);
	free(marks);
	return n < 0 ? n : 0;
}

void plot_unset_phases(FILE *out)
{
	fputs("unset arrow\nunset object\nunset label\n", out);
}
