/*
 * free_blocks.c - the buddy allocator's free blocks of each order over time.
 *
 * All zones together. Orders are a scale, so their colours are one too (light
 * to dark); dashes and point shapes tell neighbours apart without colour.
 */
#include "plots/plot_internal.h"

#include <string.h>

#define ORDERS 11

static const char *const order_colors[ORDERS] = {"#b8a11a", "#8fb02a", "#57b35a", "#2aa87a", "#1f968b",
						 "#27808e", "#31688e", "#3b528b", "#46327e", "#440154",
						 "#000000"};

static void write_row(FILE *out, double x, const s64 blocks[ORDERS])
{
	fprintf(out, "%.10g", x);
	for (int order = 0; order < ORDERS; order++)
		fprintf(out, "\t%lld", (long long)blocks[order]);
	fputc('\n', out);
}

/* The query gives a row an order and instant; the file has a row an instant. */
static int write_data(struct plot *p, const struct plot_axis *axis, u32 *rows, s64 *max, struct kms_error *err)
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
		s64 now[3] = {query_int(&q, 0), query_int(&q, 1), query_int(&q, 2)};

		if (memcmp(now, at, sizeof(at))) {
			if (*rows)
				write_row(p->data, plot_axis_x(axis, at[0], at[1]), blocks);
			memset(blocks, 0, sizeof(blocks));
			memcpy(at, now, sizeof(at));
			++*rows;
		}
		blocks[query_int(&q, 3)] = query_int(&q, 4);
		*max = query_int(&q, 4) > *max ? query_int(&q, 4) : *max;
	}
	if (*rows)
		write_row(p->data, plot_axis_x(axis, at[0], at[1]), blocks);
	return query_end(&q);
}

/* Block sizes as people say them: order 0 is one page of 4 KiB. */
static void size_text(int order, char *buf, size_t n)
{
	u32 kib = 4u << order;

	snprintf(buf, n, kib < 1024 ? "%u KiB" : "%u MiB", kib < 1024 ? kib : kib / 1024);
}

static void write_body(struct plot *p, u32 nr_points)
{
	static const u32 dashes[] = {1, 2, 4, 5};

	for (int order = 0; order < ORDERS; order++) {
		char size[16];

		size_text(order, size, sizeof(size));
		fprintf(p->body, "%s'%s.tsv' using 1:($%d>0?$%d:0.5) with linespoints linewidth 1.6 dashtype %u pointtype %d pointsize 0.6 pointinterval %u linecolor rgb '%s' title 'order %2d (%s)'",
			!order ? "plot " : ", \\\n  ", p->type->name, order + 2, order + 2,
			dashes[order % 4], order + 4, nr_points / 12 + 1, order_colors[order], order, size);
	}
	fputc('\n', p->body);
}

static int draw(struct plot *p, struct kms_error *err)
{
	struct plot_axis axis;
	u32 rows = 0;
	s64 max = 1;
	int rc = plot_axis_of(p, "free_blocks", &axis, err);

	if (rc <= 0)
		return rc ? rc : plot_no_data(p, "no samples of free blocks (series free_blocks)");
	rc = write_data(p, &axis, &rows, &max, err);
	if (rc)
		return rc;
	p->width = 1080;
	plot_title(p, "Free blocks of each order over time, all zones");
	fprintf(p->settings, "set tmargin at screen 0.77\nset lmargin at screen 0.105\nset rmargin at screen 0.75\nset xrange [%.10g:%.10g]\nset xlabel '%s'\n",
		axis.min, axis.max, axis.label);
	fprintf(p->settings, "set logscale y\nset yrange [0.4:%g]\nset ytics add ('0' 0.5)\nset ylabel 'free blocks [logarithmic, 0 at the bottom]'\n"
			     "set key at graph 1.03, graph 1 left top Left reverse samplen 3.5 spacing 1.3\n", 2.0 * (double)max);
	rc = plot_phases(p, p->settings, &axis, &p->runs[0], 695, true, err);
	write_body(p, rows);
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
