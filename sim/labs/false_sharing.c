/*
 * false_sharing.c - lab "false-sharing": four CPUs count, each in an object of its
 * own; whether the objects share a cache line is a matter of size and alignment.
 */
#include "sim/labs/bench.h"
#include "sim/labs/series.h"

#define CPUS 4u
#define HWCACHE_ALIGN 0x2000u /* SLAB_HWCACHE_ALIGN */
#define LINE 64

static const struct series_figure figures[] = {
	{.key = "spacing", .heading = "bytes to the next object"},
	{.key = "lines", .heading = "lines in use"},
	{.key = "cycles", .heading = "a write takes", .unit = "cycles", .digits = 1},
	{.key = "transfers", .heading = "lines moved between CPUs"},
};

static const struct {
	const char *label;
	u32 align, flags;
} ways[] = {
	{"align 0", 0, 0},
	{"SLAB_HWCACHE_ALIGN", 0, HWCACHE_ALIGN},
	{"align 64", LINE, 0},
};
#define WAYS KMS_ARRAY_SIZE(ways)

static u32 lines_of(void *const objects[CPUS])
{
	u32 lines = 0;

	for (u32 i = 0; i < CPUS; i++) {
		bool seen = false;

		for (u32 j = 0; j < i; j++)
			seen |= (u64)objects[i] / LINE == (u64)objects[j] / LINE;
		lines += !seen;
	}
	return lines;
}

/* In turn, each CPU writes its own; the first round only fetches the lines. */
static int count(struct bench *b, void *const objects[CPUS], u32 rounds, double *cycles, double *transfers,
		 struct kms_error *err)
{
	struct bench_cost cost;
	int rc = 0;

	*cycles = *transfers = 0;
	for (u32 i = 0; i < (rounds + 1) * CPUS && !rc; i++) {
		rc = bench_touch(b, i % CPUS, &objects[i % CPUS], 1, 8, true, &cost, err);
		if (rc || i < CPUS)
			continue;
		*cycles += cost.cycles / (rounds * CPUS);
		*transfers += (double)cost.hw.cache_to_cache;
	}
	return rc;
}

static int measure(struct series *s, u32 way, u32 size, u32 rounds, struct kms_error *err)
{
	void *objects[CPUS];
	struct kmem_cache *cache;
	struct bench b;
	double cycles, transfers;
	int rc = bench_open(&b, s->r, "", err);

	if (!rc)
		rc = bench_cache_create(&b, size, ways[way].align, ways[way].flags, &cache, err);
	for (u32 i = 0; i < CPUS && !rc; i++)
		rc = bench_cache_alloc(&b, 0, cache, &objects[i], err);
	if (!rc)
		rc = count(&b, objects, rounds, &cycles, &transfers, err);
	if (!rc)
		series_add(s, ways[way].label, (const double[]){(double)((u8 *)objects[1] - (u8 *)objects[0]),
			lines_of(objects), cycles, transfers});
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u32 size = (u32)lab_param(r, "bytes"), rounds = (u32)lab_param(r, "rounds");
	struct series s;
	int rc = 0;

	lab_say(r, "CPU 0 allocates four counters of %u bytes, one for each CPU; then the CPUs count in turn, %u times each:",
		size, rounds);
	series_init(&s, r, "ways", "slab cache made with", figures, KMS_ARRAY_SIZE(figures));
	for (u32 i = 0; i < WAYS && !rc; i++)
		rc = measure(&s, i, size, rounds, err);
	if (rc)
		return rc;
	series_show(&s);
	lab_value(r, "times", "", series_found(&s, 0, "cycles") / series_found(&s, 2, "cycles"));
	lab_check(r, "packed, the line moves with every write", series_found(&s, 0, "transfers"), rounds * CPUS);
	lab_check(r, "a line for each: nothing moves", series_found(&s, 2, "transfers"), 0);
	lab_check(r, "align 64 puts each on a line of its own", series_found(&s, 2, "lines"), CPUS);
	lab_check(r, "SLAB_HWCACHE_ALIGN packs small objects all the same", series_found(&s, 1, "lines"),
		  1);
	lab_check_that(r, series_found(&s, 0, "cycles") > 5 * series_found(&s, 2, "cycles"),
		       "sharing a line costs more than five times as much");
	return series_picture(&s, "cost", "Four CPUs count, each in an object of its own",
			      "set datafile separator '\\t'\nset style fill solid 0.9 border lt -1\nset boxwidth 0.5\n"
			      "set ylabel 'cycles per write'\nset yrange [0:*]\nset nokey\n"
			      "plot 'false-sharing-cost.tsv' using 4:xtic(1) with boxes lc rgb '#d55e00', "
			      "'' using 0:4:(sprintf('%.1f cycles, %d line%s', $4, $3, $3 > 1 ? 's' : '')) with labels "
			      "offset 0,0.7\n", err);
}

const struct lab lab_false_sharing = {.name = "false-sharing", .run = run};
