/*
 * sizes.c - waste against the size asked for: the saw-tooth of the size classes,
 * and which sizes the workload really pays for.
 */
#include "plots/plot_internal.h"

#define MAX_RUNS 4

static int write_run(struct plot *p, u32 r, s64 *n, double *total, struct kms_error *err)
{
	struct query q;

	plot_block(p, "size asked for (bytes)\twaste of each (bytes)\twaste of each (% of what it holds)\tallocations\twaste of all (bytes)");
	query_begin(&q, p->store, err,
		    "SELECT 1.0 * sum(requested_bytes) / sum(count),"
		    " 1.0 * (sum(held_bytes) - sum(requested_bytes)) / sum(count),"
		    " 100.0 * (sum(held_bytes) - sum(requested_bytes)) / max(sum(held_bytes), 1), sum(count),"
		    " sum(held_bytes) - sum(requested_bytes)"
		    " FROM request_size WHERE run = ? AND low > 0 GROUP BY low, high ORDER BY low",
		    "i", p->runs[r].id);
	while (query_next(&q)) {
		fprintf(p->data, "%.10g\t%.10g\t%.6g\t%lld\t%lld\n", query_double(&q, 0), query_double(&q, 1),
			query_double(&q, 2), (long long)query_int(&q, 3), (long long)query_int(&q, 4));
		*total = query_double(&q, 4) > *total ? query_double(&q, 4) : *total;
		++*n;
	}
	return query_end(&q);
}

static void curves(struct plot *p, const char *using, bool key)
{
	static const struct {
		const char *color;
		u32 point;
	} style[MAX_RUNS] = {{PLOT_BLUE, 7}, {PLOT_RED, 8}, {PLOT_GREEN, 4}, {PLOT_PURPLE, 10}};
	char title[160];

	for (u32 r = 0; r < p->nr_runs; r++) {
		fprintf(p->body, "%s'%s.tsv' index %u using %s with points pointtype %u pointsize 0.8 linewidth 0.8 linecolor rgb '%s' ",
			r ? ", \\\n  " : "plot ", p->type->name, r, using, style[r].point, style[r].color);
		if (!key) {
			fputs("notitle", p->body);
			continue;
		}
		snprintf(title, sizeof(title), "run %lld \u2018%.40s\u2019: policy %.24s", (long long)p->runs[r].id,
			 p->runs[r].name, p->runs[r].policy);
		fputs("title ", p->body);
		plot_quote(p->body, title, 56);
	}
	fputc('\n', p->body);
}

static int draw(struct plot *p, struct kms_error *err)
{
	double total = 0;
	s64 n = 0;
	int rc = 0;

	for (u32 r = 0; r < p->nr_runs && !rc; r++)
		rc = write_run(p, r, &n, &total, err);
	if (rc)
		return rc;
	if (!n)
		return plot_no_data(p, "no record of allocations by size; run it again with this version");
	p->height = 760;
	plot_title(p, "Waste against the size asked for, of all allocations of the run");
	fprintf(p->body,
		"unset logscale\nset lmargin at screen 0.095\nset rmargin at screen 0.97\nset logscale x 2\nset grid xtics ytics\nset xrange [*:*]\n"
		"set bmargin at screen 0.47\nset tmargin at screen 0.83\nset format x ''\nset xtics nomirror 4\nunset xlabel\nset format y '%%g'\nset ytics nomirror 20\n"
		"set yrange [0:100]\nset ylabel 'waste of each [%% of held]'\nset key at screen 0.5, screen 0.905 center top horizontal Left reverse samplen 1\n");
	curves(p, "1:3", true);
	fprintf(p->body,
		"unset key\nset bmargin at screen 0.10\nset tmargin at screen 0.42\nset xtics nomirror 4 ('1' 1, '4' 4, '16' 16, '64' 64, '256' 256, '1 Ki' 1024, '4 Ki' 4096, '16 Ki' 16384, '64 Ki' 65536, '256 Ki' 262144, '1 Mi' 1048576, '4 Mi' 4194304)\n"
		"set format x '%%g'\nset xlabel 'size asked for [bytes], logarithmic'\nset logscale y\nset yrange [1:%.6g]\n"
		"set ytics ('1 B' 1, '16 B' 16, '256 B' 256, '4 KiB' 4096, '64 KiB' 65536, '1 MiB' 1048576, '16 MiB' 16777216, '256 MiB' 268435456, '4 GiB' 4294967296)\n"
		"set ylabel 'waste of all together, log.'\n",
		total > 10 ? 2 * total : 20);
	curves(p, "1:($5>0?$5:NaN)", false);
	return 0;
}

const struct plot_type plot_type_waste_size = {
	.name = "waste-size",
	.summary = "waste against the size asked for: the saw-tooth, and what it adds up to",
	.needs = "request_size",
	.min_runs = 1,
	.max_runs = MAX_RUNS,
	.draw = draw,
};
