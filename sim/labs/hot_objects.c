/*
 * hot_objects.c - lab "hot-objects": an object is freed and allocated again;
 * meanwhile its CPU reads other memory, from nothing to much more than its caches hold.
 */
#include <stdlib.h>

#include "sim/labs/bench.h"
#include "sim/labs/series.h"

#define MOST_PAGES 8192u /* 32 MiB */

static const struct series_figure figures[] = {
	{.key = "cycles", .heading = "writing the object takes", .unit = "cycles", .digits = 1},
	{.key = "lines", .heading = "lines"},
	{.key = "l1", .heading = "in L1"},
	{.key = "l2", .heading = "in L2"},
	{.key = "llc", .heading = "in the LLC"},
	{.key = "dram", .heading = "from DRAM"},
	{.key = "same", .heading = "same address as before"},
};

static const u32 kib[] = {0, 16, 128, 1024, 4096, 32768};
#define STEPS KMS_ARRAY_SIZE(kib)

/* Allocate, write, free, read `pages` others, allocate, write: the last is measured. */
static int reuse(struct bench *b, void **others, u32 pages, u64 bytes, struct series *s, const char *label,
		 struct kms_error *err)
{
	struct bench_cost cost = {0};
	void *first, *again;
	int rc = bench_kmalloc(b, 0, bytes, -1, &first, err);

	if (!rc)
		rc = bench_touch(b, 0, &first, 1, bytes, true, NULL, err);
	if (!rc)
		rc = bench_kfree(b, 0, first, err);
	if (!rc && pages)
		rc = bench_touch(b, 0, others, pages, 4096, false, NULL, err);
	if (!rc)
		rc = bench_kmalloc(b, 0, bytes, -1, &again, err);
	if (!rc)
		rc = bench_touch(b, 0, &again, 1, bytes, true, &cost, err);
	if (!rc)
		rc = bench_kfree(b, 0, again, err);
	if (!rc)
		series_add(s, label, (const double[]){cost.cycles, (double)(cost.hw.l1_hits + cost.hw.l1_misses),
			(double)cost.hw.l1_hits, (double)cost.hw.l2_hits, (double)cost.hw.llc_hits,
			(double)cost.hw.dram_reads, first == again});
	return rc;
}

static int measure(struct series *s, struct lab_run *r, struct kms_error *err)
{
	void **others = calloc(MOST_PAGES, sizeof(*others));
	u64 bytes = (u64)lab_param(r, "bytes");
	char label[32];
	struct bench b;
	int rc = others ? bench_open(&b, r, "", err) : kms_fail(err, KMS_EFAIL, "out of memory");

	for (u32 i = 0; i < MOST_PAGES && !rc; i++)
		rc = bench_pages(&b, 0, 0, &others[i], err);
	for (u32 i = 0; i < STEPS && !rc; i++) {
		snprintf(label, sizeof(label), "%u KiB", kib[i]);
		rc = reuse(&b, others, kib[i] / 4, bytes, s, label, err);
	}
	free(others);
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	double lines = (double)((lab_param(r, "bytes") + 63) / 64);
	struct series s;
	int rc;

	lab_say(r, "An object of %lld bytes is written, freed, and allocated again. In between the CPU reads other "
		   "memory:", (long long)lab_param(r, "bytes"));
	series_init(&s, r, "reuse", "read in between", figures, KMS_ARRAY_SIZE(figures));
	rc = measure(&s, r, err);
	if (rc)
		return rc;
	series_show(&s);
	lab_value(r, "times", "", series_found(&s, STEPS - 1, "cycles") / series_found(&s, 0, "cycles"));
	for (u32 i = 0; i < STEPS; i++)
		lab_check(r, "the object freed last is handed out first", series_found(&s, i, "same"), 1);
	lab_check(r, "used at once, every line is in L1", series_found(&s, 0, "l1"), lines);
	/* taking the object from its list, the allocator reads the link in it */
	lab_check(r, "after 32 MiB all lines come from DRAM but the one with the allocator's link",
		  series_found(&s, STEPS - 1, "dram"), lines - 1);
	for (u32 i = 1; i < STEPS; i++)
		lab_check_that(r, series_found(&s, i, "cycles") >= series_found(&s, i - 1, "cycles"),
			       "the longer ago, the colder: %u KiB", kib[i]);
	lab_check_that(r, series_found(&s, STEPS - 1, "cycles") >= 10 * series_found(&s, 0, "cycles"),
		       "from DRAM the object costs at least ten times as much as from L1");
	return series_picture(&s, "reuse", "Writing an object that was freed and allocated again",
			      "set datafile separator '\\t'\nset style fill solid 0.9 border lt -1\nset boxwidth 0.6\n"
			      "set xlabel 'other memory the CPU read in between'\nset ylabel 'cycles (logarithmic)'\n"
			      "set logscale y\nset yrange [1:*]\nset nokey\n"
			      "plot 'hot-objects-reuse.tsv' using 2:xtic(1) with boxes lc rgb '#0072b2', "
			      "'' using 0:2:(sprintf('%.0f', $2)) with labels offset 0,0.7\n", err);
}

const struct lab lab_hot_objects = {.name = "hot-objects", .run = run};
