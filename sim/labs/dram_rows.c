/*
 * dram_rows.c - lab "dram-rows": the same number of cold lines in four orders, and
 * how many find their DRAM row open.
 */
#include <gsl/gsl_randist.h>
#include <stdlib.h>

#include "sim/engine/rng.h"
#include "sim/labs/bench.h"
#include "sim/labs/series.h"

#define BLOCK (4u << 20) /* an order-10 block */
#define LINES (BLOCK / 64)
#define PAGES (BLOCK / 4096)

static const struct series_figure figures[] = {
	{.key = "hits", .heading = "row was open", .unit = "%", .digits = 1},
	{.key = "conflicts", .heading = "another row was", .unit = "%", .digits = 1},
	{.key = "ns", .heading = "a line takes", .unit = "ns", .digits = 1},
	{.key = "lines", .heading = "lines from DRAM"},
};

enum way { SEQUENTIAL, PAGES_SHUFFLED, STRIDE, RANDOM, WAYS };
static const char *const labels[WAYS] = {"in order", "pages shuffled", "one of each page", "random lines"};

/* Addresses of the lines in the order in which they are read: all of the block, or of STRIDE some. */
static u32 order_of(enum way way, u8 *block, void **list, gsl_rng *rng)
{
	u32 pages[PAGES], n = 0;

	for (u32 i = 0; i < PAGES; i++)
		pages[i] = i;
	if (way == PAGES_SHUFFLED)
		gsl_ran_shuffle(rng, pages, PAGES, sizeof(*pages));
	for (u32 i = 0; i < PAGES; i++)
		for (u32 line = 0; line < (way == STRIDE ? 1 : 64); line++)
			list[n++] = block + (size_t)pages[i] * 4096 + line * 64;
	if (way == RANDOM)
		gsl_ran_shuffle(rng, list, n, sizeof(*list));
	return n;
}

static int measure(struct series *s, enum way way, void **list, struct kms_error *err)
{
	gsl_rng *rng = rng_open((u64)lab_param(s->r, "run_seed"), "lab.dram-rows");
	struct bench_cost cost;
	struct bench b;
	void *block;
	double all;
	u32 n = 0;
	int rc = bench_open(&b, s->r, "", err);

	if (!rc)
		rc = bench_pages(&b, 0, 10, &block, err);
	if (!rc) {
		n = order_of(way, block, list, rng);
		rc = bench_touch(&b, 0, list, n, 8, false, &cost, err);
	}
	gsl_rng_free(rng);
	if (rc)
		return rc;
	all = (double)(cost.hw.row_hits + cost.hw.row_misses + cost.hw.row_conflicts);
	series_add(s, labels[way], (const double[]){100 * (double)cost.hw.row_hits / all,
		100 * (double)cost.hw.row_conflicts / all,
		cost.cycles / n / b.box->config.machine.core.ghz, (double)cost.hw.dram_reads});
	return 0;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	void **list = calloc(LINES, sizeof(*list));
	struct series s;
	int rc = list ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");

	lab_say(r, "A block of 4 MiB that is in no cache is read, a word of each line:");
	series_init(&s, r, "orders", "lines", figures, KMS_ARRAY_SIZE(figures));
	for (enum way way = 0; way < WAYS && !rc; way++)
		rc = measure(&s, way, list, err);
	free(list);
	if (rc)
		return rc;
	series_show(&s);
	lab_value(r, "times", "", series_found(&s, RANDOM, "ns") / series_found(&s, SEQUENTIAL, "ns"));
	lab_check(r, "every line is read once", series_found(&s, SEQUENTIAL, "lines"), LINES);
	lab_check(r, "in whatever order", series_found(&s, RANDOM, "lines"), LINES);
	lab_check_that(r, series_found(&s, SEQUENTIAL, "hits") > 90, "in order, nine of ten find their row open");
	lab_check_that(r, series_found(&s, PAGES_SHUFFLED, "hits") > 80, "page by page, four of five still do");
	lab_check_that(r, series_found(&s, RANDOM, "hits") < 30, "at random, not one in three does");
	lab_check_that(r, series_found(&s, RANDOM, "ns") > series_found(&s, SEQUENTIAL, "ns"),
		       "a line whose row must be opened takes longer");
	return series_picture(&s, "hits", "DRAM rows, by the order in which lines are read",
			      "set datafile separator '\\t'\nset style data histograms\nset style histogram clustered gap 1\n"
			      "set style fill solid 0.9 border lt -1\nset yrange [0:100]\nset ylabel 'row was open (%)'\n"
			      "set y2label 'ns per line'\nset y2range [0:*]\nset y2tics\nset ytics nomirror\n"
			      "set key outside top center horizontal\n"
			      "plot 'dram-rows-hits.tsv' using 2:xtic(1) lc rgb '#0072b2' title 'row was open (left axis)', "
			      "'' using 4 axes x1y2 lc rgb '#d55e00' fs pattern 2 title 'ns per line (right axis)'\n", err);
}

const struct lab lab_dram_rows = {.name = "dram-rows", .run = run};
