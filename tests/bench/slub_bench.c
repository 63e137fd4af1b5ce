/*
 * slub_bench.c - how fast allocator code runs: native, functional, cycle.
 *
 * The same loop of kmalloc(64)/kfree pairs, which stay on SLUB's fast path, is
 * run natively (the plain flavour without tracepoints), functionally (with
 * them) and in cycle timing on 1, 4 and 16 simulated CPUs that interleave at
 * every access. Repeats are interleaved and medians are reported, so that the
 * ratios hold when the host's speed drifts. Prints one line per case:
 * name, million operations/s, million accesses/s, times slower than native.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/config/cfg.h"
#include "sim/engine/ram.h"
#include "sim/run/system.h"

#define REPEATS 5
#define GFP_KERNEL_BITS 0xcc0u
#define SIZE 64

extern const struct mm_ops mm_ops_native;

struct bench_case {
	const char *name;
	u32 cpus;
	bool cycle;
	const struct mm_ops *mm;
	u64 pairs; /* per CPU */
	double ops[REPEATS], accesses[REPEATS];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct worker {
	const struct slab_ops *slab;
	u64 pairs;
};

static void pairs(void *arg)
{
	const struct worker *w = arg;

	for (u64 i = 0; i < w->pairs; i++)
		w->slab->kfree(w->slab->kmalloc(SIZE, GFP_KERNEL_BITS, -1));
}

static const struct slab_ops *slub_of(const struct mm_ops *mm)
{
	for (u32 i = 0; i < mm->nr_policies; i++)
		if (!strcmp(mm->policies[i]->name, "slub"))
			return mm->policies[i]->ops;
	return NULL;
}

static u64 all_accesses(u32 cpus)
{
	u64 n = 0;

	for (u32 i = 0; i < cpus; i++)
		n += sim_accesses(engine_cpu(i));
	return n;
}

static int run_case(struct bench_case *c, int repeat, const struct machine_config *machine,
		    const struct mm_params *params, struct kms_error *err)
{
	struct machine_config m = *machine;
	struct system s;
	struct system_config sc = { .machine = &m, .params = params, .slab = "slub", .cycle = c->cycle,
				    .costs = c->cycle ? "configs/costs/linux-6.1.json" : NULL, .seed = 1 };
	struct worker warm = { slub_of(c->mm), 1000 }, w = { slub_of(c->mm), c->pairs };
	double t;
	int ret;

	m.cpus = c->cpus;
	ret = system_start(&s, &sc, err);
	if (!ret)
		ret = system_boot_rest(&s, err);
	if (ret)
		return ret;
	for (u32 cpu = 0; cpu < c->cpus && c->cycle; cpu++)
		sim_thread_start(cpu, "warm-up", pairs, &warm);
	if (c->cycle)
		ret = engine_run(err);
	else
		pairs(&warm);
	for (u32 cpu = 0; cpu < c->cpus && c->cycle; cpu++)
		sim_thread_start(cpu, "pairs", pairs, &w);
	u64 before = all_accesses(c->cpus);
	t = now();
	if (c->cycle)
		ret = ret ? ret : engine_run(err);
	else
		pairs(&w);
	t = now() - t;
	c->ops[repeat] = (double)(2 * c->pairs * c->cpus) / t;
	c->accesses[repeat] = (double)(all_accesses(c->cpus) - before) / t;
	system_stop(&s);
	return ret;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v)
{
	qsort(v, REPEATS, sizeof(*v), by_value);
	return v[REPEATS / 2];
}

int main(void)
{
	static struct bench_case cases[] = {
		{ "native", 1, false, &mm_ops_native, 4000000, { 0 }, { 0 } },
		{ "functional", 1, false, &mm_ops_plain, 4000000, { 0 }, { 0 } },
		{ "cycle, 1 CPU", 1, true, &mm_ops_cycle, 400000, { 0 }, { 0 } },
		{ "cycle, 4 CPUs", 4, true, &mm_ops_cycle, 100000, { 0 }, { 0 } },
		{ "cycle, 16 CPUs", 16, true, &mm_ops_cycle, 25000, { 0 }, { 0 } },
	};
	struct mm_params params = { .watermark_scale_factor = 10, .watermark_boost_factor = 15000,
				    .slub_max_order = 3, .slub_cpu_partial = true,
				    .page_group_by_mobility = true };
	struct machine_config machine;
	struct kms_error err = { 0 };
	struct cfg *cfg;
	double native = 0;

	if (cfg_load(&cfg, &machine_config_table, &machine, "configs/machines/desktop-1cpu.json", NULL, 0, &err))
		goto failed;
	for (int r = 0; r < REPEATS; r++)
		for (size_t i = 0; i < KMS_ARRAY_SIZE(cases); i++)
			if (run_case(&cases[i], r, &machine, &params, &err))
				goto failed;
	printf("%-16s %12s %14s %16s\n", "SLUB fast path", "Mops/s", "Maccesses/s", "x native time");
	for (size_t i = 0; i < KMS_ARRAY_SIZE(cases); i++) {
		double ops = median(cases[i].ops), accesses = median(cases[i].accesses);

		native = i ? native : ops;
		printf("%-16s %12.2f %14.1f %16.2f\n", cases[i].name, ops / 1e6, accesses / 1e6, native / ops);
	}
	cfg_free(cfg);
	return 0;
failed:
	fprintf(stderr, "slub_bench: %s\n", err.text);
	return 1;
}
