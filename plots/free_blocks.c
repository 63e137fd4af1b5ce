/*
 * free_blocks.c - the buddy allocator's free blocks of each order over time.
 *
 * All zones together, one strip an order, the largest blocks on top. Each strip
 * has its own scale from 0 to its largest value: orders differ by thousands,
 * and when one runs out matters as much for the rare ones.
 */
#include "plots/plot_internal.h"

#include <string.h>

#define ORDERS 11

static void write_row(FILE *out, double x, const s64 blocks[ORDERS])
{
	fprintf(out, "%.10g", x);
	for (int order = 0; order < ORDERS; order++)
		fprintf(out, "\t%lld", (long long)blocks[order]);
	fputc('\n', out);
}

/* The query gives a row an order and instant; the file has a row an instant. */
static int write_data(struct plot *p, const struct plot_axis *axis, s64 max[ORDERS], struct kms_error *err)
{
	s64 blocks[ORDERS] = {0}, at[3] = {-1, -1, -1};
	struct query q;

	plot_block(p, "x\torder 0\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10 (free blocks)");
	query_begin(&q, p->store, err,
		    "SELECT s.request, s.time_ps, s.phase, s.page_order, sum(s.value) FROM sample s"
		    " JOIN series n ON n.id = s.series WHERE s.run = ? AND n.name = 'free_blocks'"
		    " AND s.page_order BETWEEN 0 AND 10 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
		    "i", p->runs[0].id);
	while (query_next(&q)) {
		s64 now[3] = {query_int(&q, 0), query_int(&q, 1), query_int(&q, 2)}, order;

		if (memcmp(now, at, sizeof(at))) {
			if (at[0] >= 0)
				write_row(p->data, plot_axis_x(axis, at[0], at[1]), blocks);
			memset(blocks, 0, sizeof(blocks));
			memcpy(at, now, sizeof(at));
		}
		order = query_int(&q, 3);
		blocks[order] = query_int(&q, 4);
		max[order] = blocks[order] > max[order] ? blocks[order] : max[order];
	}
	if (at[0] >= 0)
		write_row(p->data, plot_axis_x(axis, at[0], at[1]), blocks);
	return query_end(&q);
}

#define TOP 0.76
#define BOTTOM 0.10
#define LEFT 85.0
#define PANEL 700.0

/* Block sizes as people say them: order 0 is one page of 4 KiB. */
static void size_text(int order, char *buf, size_t n)
{
	u32 kib = 4u << order;

	snprintf(buf, n, kib < 1024 ? "%u KiB" : "%u MiB", kib < 1024 ? kib : kib / 1024);
}

static int strip(struct plot *p, const struct plot_axis *axis, int order, s64 max, struct kms_error *err)
{
	double height = (TOP - BOTTOM) / ORDERS, top = TOP - (ORDERS - 1 - order) * height;
	bool first = order == ORDERS - 1;
	FILE *out = p->body;
	char size[16];
	int rc;

	size_text(order, size, sizeof(size));
	fprintf(out, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n", top, top - 0.8 * height);
	fprintf(out, "set yrange [0:%lld]\nset ytics nomirror ('' 0, %lld) font ',10'\n",
		(long long)(max ? max : 1), (long long)(max ? max : 1));
	fprintf(out, "set label 'order %d (%s)' at graph 1.015, graph 0.5 left\n", order, size);
	if (!order)
		fprintf(out, "set format x '%%g'\nset xlabel '%s'\n", axis->label);
	rc = plot_phases(p, out, axis, &p->runs[0], first ? &(struct plot_panel){PANEL, TOP, 60} : NULL,
			 err);
	fprintf(out, "plot '%s.tsv' using 1:%d with filledcurves y=0 fillstyle solid 1.0 noborder fillcolor rgb '%s' notitle\n",
		p->type->name, order + 2, order % 2 ? PLOT_SKY : PLOT_BLUE);
	plot_unset_phases(out);
	return rc;
}

static int draw(struct plot *p, struct kms_error *err)
{
	struct plot_axis axis;
	s64 max[ORDERS] = {0};
	int rc = plot_axis_of(p, "free_blocks", &axis, err);

	if (rc <= 0)
		return rc ? rc : plot_no_data(p, "no samples of free blocks (series free_blocks)");
	rc = write_data(p, &axis, max, err);
	if (rc)
		return rc;
	p->width = 960;
	p->height = 760;
	fprintf(p->settings, "set xrange [%.10g:%.10g]\nunset key\nunset grid\n", axis.min, axis.max);
	plot_title(p, "Free blocks of each order over time, all zones; every strip from 0 to its largest value");
	fprintf(p->body,
		"set lmargin at screen %.4f\nset rmargin at screen %.4f\nset format x ''\nunset xlabel\n",
		LEFT / p->width, (LEFT + PANEL) / p->width);
	fprintf(p->body, "set label 'free blocks' at screen 0.022, screen %.3f center rotate by 90\n",
		(TOP + BOTTOM) / 2);
	for (int order = ORDERS - 1; order >= 0 && !rc; order--)
		rc = strip(p, &axis, order, max[order], err);
	return rc;
}

const struct plot_type plot_type_free_blocks = {
	.name = "free-blocks",
	.summary = "free blocks of each order of the buddy allocator over time",
	.needs = "sample: free_blocks",
	.min_runs = 1,
	.max_runs = 1,
	.draw = draw,
};
