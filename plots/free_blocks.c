/*
 * free_blocks.c - the buddy allocator's free blocks of each order over time, and
 * what they are worth: the two figures of external fragmentation.
 *
 * All zones together, one strip an order, the largest blocks on top. Each strip
 * has its own scale from 0 to its largest value: orders differ by thousands,
 * and when one runs out matters as much for the rare ones.
 */
#include "plots/plot_internal.h"
#include "results/extfrag.h"

#include <string.h>

#define ORDERS EXTFRAG_ORDERS

typedef void write_row(FILE *out, double x, const u64 blocks[ORDERS]);

static void blocks_row(FILE *out, double x, const u64 blocks[ORDERS])
{
	fprintf(out, "%.10g", x);
	for (int order = 0; order < ORDERS; order++)
		fprintf(out, "\t%llu", (unsigned long long)blocks[order]);
	fputc('\n', out);
}

/* The index only where a request of that order would fail. */
static void extfrag_row(FILE *out, double x, const u64 blocks[ORDERS])
{
	fprintf(out, "%.10g", x);
	for (u32 order = 0; order < ORDERS; order++)
		fprintf(out, "\t%g", extfrag_unusable(blocks, order) / 10.0);
	for (u32 order = 0; order < ORDERS; order++) {
		int index = extfrag_index(blocks, order);

		if (index < 0)
			fputs("\tNaN", out);
		else
			fprintf(out, "\t%g", index / 10.0);
	}
	fputc('\n', out);
}

/* The query gives a row an order and instant; the file has a row an instant. */
static int write_data(struct plot *p, const struct plot_axis *axis, write_row *write, u64 max[ORDERS],
		      struct kms_error *err)
{
	u64 blocks[ORDERS] = {0};
	s64 at[3] = {-1, -1, -1};
	struct query q;

	query_begin(&q, p->store, err,
		    "SELECT s.request, s.time_ps, s.phase, s.page_order, sum(s.value) FROM sample s"
		    " JOIN series n ON n.id = s.series WHERE s.run = ? AND n.name = 'free_blocks'"
		    " AND s.page_order BETWEEN 0 AND 10 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
		    "i", p->runs[0].id);
	while (query_next(&q)) {
		s64 now[3] = {query_int(&q, 0), query_int(&q, 1), query_int(&q, 2)}, order;

		if (memcmp(now, at, sizeof(at))) {
			if (at[0] >= 0)
				write(p->data, plot_axis_x(axis, at[0], at[1]), blocks);
			memset(blocks, 0, sizeof(blocks));
			memcpy(at, now, sizeof(at));
		}
		order = query_int(&q, 3);
		blocks[order] = (u64)query_int(&q, 4);
		max[order] = blocks[order] > max[order] ? blocks[order] : max[order];
	}
	if (at[0] >= 0)
		write(p->data, plot_axis_x(axis, at[0], at[1]), blocks);
	return query_end(&q);
}

#define TOP 0.76
#define BOTTOM 0.115
#define LEFT 85.0
#define PANEL 700.0

/* Block sizes as people say them: order 0 is one page of 4 KiB. */
static void size_text(int order, char *buf, size_t n)
{
	u32 kib = 4u << order;

	snprintf(buf, n, kib < 1024 ? "%u KiB" : "%u MiB", kib < 1024 ? kib : kib / 1024);
}

struct strips {
	const char *y_label, *note;
	bool extfrag; /* both figures, 0 to 100 %; else blocks, each strip with its own scale */
};

static void strip_body(struct plot *p, const struct strips *s, int order)
{
	const char *name = p->type->name;

	if (!s->extfrag) {
		fprintf(p->body, "plot '%s.tsv' using 1:%d with filledcurves y=0 fillstyle solid 1.0 noborder fillcolor rgb '%s' notitle\n",
			name, order + 2, order % 2 ? PLOT_SKY : PLOT_BLUE);
		return;
	}
	fprintf(p->body, "plot '%s.tsv' using 1:%d with filledcurves y=0 fillstyle solid 1.0 noborder fillcolor rgb '%s' notitle, \\\n",
		name, order + 2, PLOT_SKY);
	fprintf(p->body, "  '' using 1:%d with lines linewidth 1.6 linecolor rgb '%s' notitle\n", order + 2 + ORDERS,
		PLOT_BLACK);
}

static int strip(struct plot *p, const struct strips *s, const struct plot_axis *axis, int order, u64 max,
		 struct kms_error *err)
{
	double height = (TOP - BOTTOM) / ORDERS, top = TOP - (ORDERS - 1 - order) * height;
	bool first = order == ORDERS - 1;
	FILE *out = p->body;
	char size[16];
	int rc;

	max = s->extfrag ? 100 : max ? max : 1;
	size_text(order, size, sizeof(size));
	fprintf(out, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n", top, top - 0.8 * height);
	fprintf(out, "set yrange [0:%llu]\nset ytics nomirror ('' 0, %llu) font ',10'\n",
		(unsigned long long)max, (unsigned long long)max);
	fprintf(out, "set label 'order %d (%s)' at graph 1.015, graph 0.5 left\n", order, size);
	if (!order)
		fprintf(out, "set format x '%%g'\nset xlabel '%s'\n", axis->label);
	rc = plot_phases(p, out, axis, &p->runs[0], first ? &(struct plot_panel){PANEL, TOP, 60} : NULL,
			 err);
	strip_body(p, s, order);
	plot_unset_phases(out);
	return rc;
}

static int draw_strips(struct plot *p, const struct strips *s, const struct plot_axis *axis, const u64 *max,
		       const char *headline, struct kms_error *err)
{
	int rc = 0;

	p->width = 960;
	p->height = 760;
	fprintf(p->settings, "set xrange [%.10g:%.10g]\nunset key\nunset grid\n", axis->min, axis->max);
	plot_title(p, headline);
	fprintf(p->body,
		"set lmargin at screen %.4f\nset rmargin at screen %.4f\nset format x ''\nunset xlabel\n",
		LEFT / p->width, (LEFT + PANEL) / p->width);
	fprintf(p->body, "set label '%s' at screen 0.022, screen %.3f center rotate by 90\n", s->y_label,
		(TOP + BOTTOM) / 2);
	if (s->note)
		fprintf(p->body, "set label '%s' at screen 0.5, screen 0.012 center font ',9' textcolor rgb '#444444'\n",
			s->note);
	for (int order = ORDERS - 1; order >= 0 && !rc; order--)
		rc = strip(p, s, axis, order, max[order], err);
	return rc;
}

static int no_free_blocks(struct plot *p)
{
	return plot_no_data(p, "run %lld has no samples of free blocks; run it again with more sampling.samples (the default records them)",
			    (long long)p->runs[0].id);
}

static int draw_blocks(struct plot *p, struct kms_error *err)
{
	static const struct strips strips = {.y_label = "free blocks"};
	struct plot_axis axis;
	u64 max[ORDERS] = {0};
	int rc = plot_axis_of(p, "free_blocks", &axis, err);

	if (rc <= 0)
		return rc ? rc : no_free_blocks(p);
	plot_block(p, "x\torder 0\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10 (free blocks)");
	rc = write_data(p, &axis, blocks_row, max, err);
	return rc ? rc : draw_strips(p, &strips, &axis, max, "Free blocks of each order over time, all zones; every strip from 0 to its largest value", err);
}

static int draw_extfrag(struct plot *p, struct kms_error *err)
{
	static const struct strips strips = {
		.y_label = "area: unusable free space [%]   line: fragmentation index [%]",
		.note = "area: free memory in blocks too small for the order. line, only while a request would fail:"
			" 0 lack of memory, 100 fragmentation",
		.extfrag = true,
	};
	struct plot_axis axis;
	u64 max[ORDERS] = {0};
	int rc = plot_axis_of(p, "free_blocks", &axis, err);

	if (rc <= 0)
		return rc ? rc : no_free_blocks(p);
	plot_block(p, "x\tunusable free space of order 0\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10\tfragmentation index of order 0\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10 (%; NaN: a request would not fail)");
	rc = write_data(p, &axis, extfrag_row, max, err);
	if (rc)
		return rc;
	return draw_strips(p, &strips, &axis, max, "External fragmentation of each order over time, all zones", err);
}

const struct plot_type plot_type_free_blocks = {
	.name = "free-blocks",
	.summary = "free blocks of each order of the buddy allocator over time",
	.needs = "sample: free_blocks",
	.min_runs = 1,
	.max_runs = 1,
	.draw = draw_blocks,
};

const struct plot_type plot_type_extfrag = {
	.name = "extfrag",
	.summary = "unusable free space and fragmentation index of each order over time",
	.needs = "sample: free_blocks",
	.min_runs = 1,
	.max_runs = 1,
	.draw = draw_extfrag,
};
