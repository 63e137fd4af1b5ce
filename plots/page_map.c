/*
 * page_map.c - physical memory over time: the migratetype of every pageblock and
 * what it holds most of; and how full the slabs are.
 *
 * The database has a row of a cell only where it changed, so a rectangle lasts
 * until the cell's next row.
 */
#include "plots/plot_internal.h"

#include <string.h>

#define NO_KIND 255

static const struct plot_part types[] = {
	{"unmovable", PLOT_BLUE, 3},	{"movable", "#dcebf5", 3}, {"reclaimable", PLOT_ORANGE, 3},
	{"high-atomic", PLOT_RED, 4}, {"not the allocator\u2019s", PLOT_BLACK, 1},
};

/* The first three: the cell is free for the larger part, and what else it holds most of. */
enum use { FREE, MOVABLE, SLAB, OTHER, RESERVED, NR_USES };
static const struct plot_part uses[NR_USES] = {
	{"free", "#ffffff", 3},	      {"movable (user, cache)", PLOT_SKY, 3}, {"slabs", PLOT_ORANGE, 3},
	{"other kernel pages", PLOT_BLUE, 3}, {"not the allocator\u2019s", PLOT_BLACK, 1},
};

struct map {
	struct plot_axis axis;
	double mib; /* where the last cell ends */
	s64 cells;
};

/* What a cell holds most of; row: free, movable, slab, other, pages, in the columns from first on. */
static u32 use_of(const struct query *q, int first)
{
	s64 n[NR_USES], sum = 0;
	u32 most = 0;

	for (int i = 0; i < RESERVED; i++)
		sum += n[i] = query_int(q, first + i);
	n[RESERVED] = query_int(q, first + RESERVED) - sum;
	for (u32 i = 1; i < NR_USES; i++)
		if (n[i] > n[most])
			most = i;
	return most;
}

#define MIB(pages) ((double)(pages) / 256)

static void write_box(struct plot *p, double from, double to, double low, double high, u32 kind)
{
	if (to > from && kind != NO_KIND)
		fprintf(p->data, "%.10g\t%.10g\t%.10g\t%.10g\t%u\n", from, to, low, high, kind);
}

/* A block: rectangles of equal kind, cell by cell. by_use: else by migratetype. */
static int write_boxes(struct plot *p, struct map *map, bool by_use, struct kms_error *err)
{
	double from = 0, low = 0, high = 0;
	u32 kind = NO_KIND;
	s64 cell = -1;
	struct query q;

	plot_block(p, by_use ? "from x\tto x\tfrom MiB\tto MiB\tuse: 0 free, 1 movable, 2 slabs, 3 other kernel pages, 4 none of the allocator's"
			     : "from x\tto x\tfrom MiB\tto MiB\tmigratetype: 0 unmovable, 1 movable, 2 reclaimable, 3 high-atomic, 4 none");
	query_begin(&q, p->store, err,
		    "SELECT cell, request, time_ps, first_pfn, migratetype, free, movable, slab, other, pages"
		    " FROM page_map WHERE run = ? ORDER BY cell, request, time_ps, phase",
		    "i", p->runs[0].id);
	while (query_next(&q)) {
		double x = plot_axis_x(&map->axis, query_int(&q, 1), query_int(&q, 2));
		u32 now = by_use ? use_of(&q, 5) : (u32)query_int(&q, 4) % KMS_ARRAY_SIZE(types);

		if (query_int(&q, 0) != cell) {
			write_box(p, from, map->axis.max, low, high, kind);
			cell = query_int(&q, 0);
			low = MIB(query_int(&q, 3));
			high = low + MIB(query_int(&q, 9));
			map->mib = high > map->mib ? high : map->mib;
			map->cells++;
			kind = NO_KIND;
		}
		if (now == kind)
			continue;
		write_box(p, from, x, low, high, kind);
		from = x;
		kind = now;
	}
	write_box(p, from, map->axis.max, low, high, kind);
	return query_end(&q);
}

#define TOP 0.80
#define MIDDLE 0.455
#define BOTTOM 0.085
#define LEFT 105.0
#define PANEL 680.0
#define LEGEND 275.0

static int panel(struct plot *p, const struct map *map, u32 block, const struct plot_part *parts, u32 n,
		 double bottom, double top, struct kms_error *err)
{
	FILE *out = p->body;
	int rc;

	fprintf(out, "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.4f\nset tmargin at screen %.4f\n",
		LEFT / p->width, (LEFT + PANEL) / p->width, bottom, top);
	rc = plot_phases(p, out, &map->axis, &p->runs[0],
			 top > MIDDLE ? &(struct plot_panel){PANEL, TOP, 60} : NULL, err);
	for (u32 k = n; k-- > 0;)
		fprintf(out, "%s'%s.tsv' index %u using ($5==%u?$1:NaN):3:1:2:3:4 with boxxyerror fillstyle %s noborder fillcolor rgb '%s' notitle",
			k + 1 < n ? ", \\\n  " : "plot ", p->type->name, block, k, plot_fill(parts[k].pattern),
			parts[k].color);
	fputc('\n', out);
	plot_unset_phases(out);
	return rc;
}

static int draw_map(struct plot *p, struct kms_error *err)
{
	struct map map = {0};
	double x;
	int rc = plot_axis_of(p, "slabs.*", &map.axis, err);

	if (rc > 0)
		rc = write_boxes(p, &map, false, err);
	if (!rc && map.cells)
		rc = write_boxes(p, &map, true, err);
	if (rc)
		return rc;
	if (!map.cells)
		return plot_no_data(p, "run %lld has no page maps; run it again with more sampling.samples and sampling.page_maps (the defaults record them)",
				    (long long)p->runs[0].id);
	p->width = (u32)(LEFT + PANEL + LEGEND);
	p->height = 860;
	x = (LEFT + PANEL + 14) / p->width;
	fputs("unset key\nunset grid\n", p->settings);
	plot_title(p, "Physical memory over time: pageblocks by migratetype, and by what they hold most of");
	plot_legend(p->body, types, KMS_ARRAY_SIZE(types), x, MIDDLE + 0.03, TOP, "migratetype");
	plot_legend(p->body, uses, NR_USES, x, BOTTOM, MIDDLE - 0.01, "holds mostly");
	fprintf(p->body, "set xrange [%.10g:%.10g]\nset yrange [0:%.10g]\nset ylabel 'physical address [MiB]'\nset format x ''\n",
		map.axis.min, map.axis.max, map.mib);
	rc = panel(p, &map, 0, types, KMS_ARRAY_SIZE(types), MIDDLE + 0.03, TOP, err);
	fprintf(p->body, "set format x '%%g'\nset xlabel '%s'\n", map.axis.label);
	return rc ? rc : panel(p, &map, 1, uses, NR_USES, BOTTOM, MIDDLE - 0.01, err);
}

const struct plot_type plot_type_page_map = {
	.name = "page-map",
	.summary = "every pageblock over time, by migratetype and by what it holds",
	.needs = "page_map (sampling.page_maps)",
	.min_runs = 1,
	.max_runs = 1,
	.draw = draw_map,
};

/* ---- slabs over time ---- */

static int write_slabs(struct plot *p, const struct plot_axis *axis, double *max, struct kms_error *err)
{
	struct query q;

	plot_block(p, "x\ta CPU's\t+full\t+75 % and more\t+50 to 75 %\t+25 to 50 %\t+up to 25 %\t+empty (slabs, each column with those before it)");
	query_begin(&q, p->store, err,
		    "SELECT request, time_ps, sum(value) FILTER (WHERE series = 'slabs.cpu'),"
		    " sum(value) FILTER (WHERE series = 'slabs.full'), sum(value) FILTER (WHERE series = 'slabs.q4'),"
		    " sum(value) FILTER (WHERE series = 'slabs.q3'), sum(value) FILTER (WHERE series = 'slabs.q2'),"
		    " sum(value) FILTER (WHERE series = 'slabs.q1'), sum(value) FILTER (WHERE series = 'slabs.empty')"
		    " FROM sample_value WHERE run = ? AND series GLOB 'slabs.*' GROUP BY request, time_ps, phase"
		    " ORDER BY request, time_ps, phase",
		    "i", p->runs[0].id);
	while (query_next(&q)) {
		s64 sum = 0;

		fprintf(p->data, "%.10g", plot_axis_x(axis, query_int(&q, 0), query_int(&q, 1)));
		for (int k = 0; k < PLOT_FILLS; k++) {
			sum += query_int(&q, k + 2);
			fprintf(p->data, "\t%lld", (long long)sum);
		}
		fputc('\n', p->data);
		*max = (double)sum > *max ? (double)sum : *max;
	}
	return query_end(&q);
}

static int draw_slabs(struct plot *p, struct kms_error *err)
{
	struct plot_axis axis;
	double max = 0;
	int rc = plot_axis_of(p, "slabs.*", &axis, err);

	if (rc > 0)
		rc = write_slabs(p, &axis, &max, err);
	if (rc)
		return rc;
	if (max <= 0)
		return plot_no_data(p, "run %lld has no samples of how full slabs are; run it again with more sampling.samples and sampling.page_maps (the defaults record them) (SLUB or SLAB)",
				    (long long)p->runs[0].id);
	p->width = (u32)(LEFT + PANEL + LEGEND);
	fputs("unset key\n", p->settings);
	plot_title(p, "How full slabs are over time, all caches");
	plot_legend(p->body, plot_fills, PLOT_FILLS, (LEFT + PANEL + 14) / p->width, 0.12, 0.76, "objects in use");
	fprintf(p->body, "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen 0.12\nset tmargin at screen 0.76\n",
		LEFT / p->width, (LEFT + PANEL) / p->width);
	fprintf(p->body, "set xrange [%.10g:%.10g]\nset yrange [0:%.6g]\nset ylabel 'slabs'\nset xlabel '%s'\nset grid ytics back linewidth 0.6 dashtype 1 linecolor rgb '#cccccc'\n",
		axis.min, axis.max, 1.05 * max, axis.label);
	rc = plot_phases(p, p->body, &axis, &p->runs[0], &(struct plot_panel){PANEL, 0.76, 60}, err);
	plot_stack_areas(p->body, p, &(struct plot_stack){.column = 2, .parts = plot_fills, .n = PLOT_FILLS,
							  .scale = ""});
	plot_unset_phases(p->body);
	return rc;
}

const struct plot_type plot_type_slabs_time = {
	.name = "slabs-over-time",
	.summary = "how full the slabs of all caches are, over time",
	.needs = "sample: slabs.* (sampling.page_maps)",
	.min_runs = 1,
	.max_runs = 1,
	.draw = draw_slabs,
};
