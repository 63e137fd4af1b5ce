/*
 * cycles_published.c - cycles per call on the Haswell machine beside published ones.
 *
 * The micro-benchmarks of the kernel's slab_test and page_bench01 modules, run
 * on configs/machines/haswell-i7-4790k.json: N allocations of a size, then N
 * frees (medians of nothing: the simulation repeats exactly); pairs of an
 * allocation and its free; blocks of pages by order. Published: (a) to (i) are
 * tables of kernels of 2014 to 2023, most without naming the CPU, (e) to (g)
 * from an i7-4790K; docs/validation-cycles.md has the sources.
 *
 * With arguments ("table", then settings of the machine such as llc.size=32MiB)
 * it prints the tables of that page; without, it tests that every ratio between
 * neighbouring sizes lies in the band that the published tables span, 15 %
 * wider, except where known[] says, with its reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/config/cfg.h"
#include "sim/run/system.h"

#define N 10000u
#define SIZES 12u
#define ORDERS 10u
#define GFP 0xcc0u /* GFP_KERNEL */
#define WIDER 0.15

struct series {
	double alloc[SIZES], free[SIZES], pair[SIZES];
};

struct results {
	struct series slub, slab;
	double pages[ORDERS];
};

static struct results results;
static const struct mm_ops *mm;
static const struct slab_ops *ops;

/* ---- the micro-benchmarks, on simulated CPU 0 ---- */

static kms_ps now(void)
{
	return sim_this_cpu()->clock;
}

static double cycles_each(kms_ps ps, u32 n)
{
	return (double)ps / 250 / n; /* 4 GHz */
}

static void slab_test(void *arg)
{
	static void *objects[N];
	struct series *s = arg;

	for (u32 i = 0; i < SIZES; i++) {
		size_t size = 8ul << i;
		kms_ps start = now();

		for (u32 n = 0; n < N; n++)
			objects[n] = ops->kmalloc(size, GFP, -1);
		s->alloc[i] = cycles_each(now() - start, N);
		start = now();
		for (u32 n = 0; n < N; n++)
			ops->kfree(objects[n]);
		s->free[i] = cycles_each(now() - start, N);
		start = now();
		for (u32 n = 0; n < N; n++)
			ops->kfree(ops->kmalloc(size, GFP, -1));
		s->pair[i] = cycles_each(now() - start, N);
	}
}

static void page_bench(void *arg)
{
	double *cycles = arg;

	for (u32 order = 0; order < ORDERS; order++) {
		kms_ps start;

		for (u32 n = 0; n < N + N / 10; n++) {
			if (n == N / 10) /* warm by now */
				start = now();
			mm->free_pages(mm->alloc_pages(GFP, order, -1), order);
		}
		cycles[order] = cycles_each(now() - start, N);
	}
}

static const char *settings[16] = { "cpus=1" };
static size_t nr_settings = 1;

static void run(const char *policy, sim_thread_fn *fn, void *result)
{
	static const struct mm_params params = { .watermark_scale_factor = 10,
						 .watermark_boost_factor = 15000, .slub_max_order = 3,
						 .slub_cpu_partial = true, .cpu_partial = ~0ull,
						 .min_partial = ~0ull, .sheaf_capacity = ~0ull,
						 .slab_max_order = ~0ull, .slab_limit = ~0ull,
						 .slab_batchcount = ~0ull, .slab_shared = ~0ull,
						 .page_group_by_mobility = true };
	struct machine_config machine;
	struct system system;
	struct system_config config = { .machine = &machine, .params = &params, .slab = policy,
					.costs = "configs/costs/linux-6.1.json", .seed = 1,
					.cycle = true };
	struct kms_error err = { 0 };
	struct cfg *cfg;

	if (cfg_load(&cfg, &machine_config_table, &machine, "configs/machines/haswell-i7-4790k.json",
		     settings, nr_settings, &err) ||
	    system_start(&system, &config, &err) || system_boot_rest(&system, &err))
		fail_msg("%s", err.text);
	mm = system.mm;
	ops = system.policy->ops;
	sim_thread_start(0, "benchmark", fn, result);
	if (engine_run(&err))
		fail_msg("%s", err.text);
	system_stop(&system);
	cfg_free(cfg);
}

/* ---- published ---- */

struct published {
	const char *name;
	double value[SIZES];
};

static const struct published slub_alloc[] = {
	{ "(a) 2015", { 49, 48, 53, 64, 74, 84, 83, 81, 104, 142, 238, 403 } },
	{ "(a) after", { 46, 46, 49, 57, 66, 84, 77, 80, 102, 135, 238, 399 } },
	{ "(b) 2014", { 68, 69, 78, 97, 111, 114, 110, 114, 155, 203, 361, 597 } },
	{ "(c) 2016", { 67, 68, 76, 88, 100, 128, 108, 112, 161, 231, 341, 481 } },
};
static const struct published slub_free[] = {
	{ "(a) 2015", { 62, 64, 70, 77, 84, 114, 116, 120, 136, 165, 226, 264 } },
	{ "(a) after", { 61, 63, 69, 76, 83, 110, 114, 116, 131, 163, 218, 262 } },
	{ "(b) 2014", { 107, 108, 112, 112, 119, 139, 142, 156, 174, 209, 265, 286 } },
	{ "(c) 2016", { 101, 109, 119, 114, 122, 149, 152, 158, 208, 239, 270, 323 } },
};
static const struct published slab_alloc[] = {
	{ "(d) 2016", { 99, 109, 129, 141, 152, 195, 257, 393, 649, 806, 814, 892 } },
	{ "(d) random", { 130, 118, 121, 176, 178, 205, 262, 342, 701, 803, 835, 896 } },
	{ "(d) other", { 137, 118, 112, 126, 135, 165, 174, 242, 478, 747, 774, 849 } },
};
static const struct published slab_free[] = {
	{ "(d) 2016", { 112, 140, 137, 141, 148, 167, 199, 251, 228, 370, 411, 455 } },
	{ "(d) random", { 86, 86, 85, 102, 100, 109, 136, 157, 238, 364, 404, 441 } },
	{ "(d) other", { 126, 119, 119, 123, 131, 104, 126, 160, 239, 364, 404, 430 } },
};
static const struct published pages[] = {
	{ "(h) 4.6-rc1", { 272, 395, 433, 503, 682, 910, 1384, 2335, 4108, 8398 } },
	{ "(h) tree", { 231, 351, 357, 397, 481, 652, 1054, 1852, 3156, 6790 } },
	{ "(i) 6.2-rc", { 246, 300, 328, 357, 516, 801 } },
};

static const struct comparison {
	const char *title;
	const struct published *published;
	u32 nr_published, n;
	const double *simulated;
} comparisons[] = {
	{ "SLUB, allocation, by size", slub_alloc, 4, SIZES, results.slub.alloc },
	{ "SLUB, free, by size", slub_free, 4, SIZES, results.slub.free },
	{ "SLAB, allocation, by size", slab_alloc, 3, SIZES, results.slab.alloc },
	{ "SLAB, free, by size", slab_free, 3, SIZES, results.slab.free },
	{ "pages, allocation and free, by order", pages, 3, ORDERS, results.pages },
};

/* ---- comparison ---- */

/* The ratios between step i and i + 1 that the published tables span. */
static void band(const struct comparison *c, u32 i, double *low, double *high)
{
	*low = 1e9;
	*high = 0;
	for (u32 p = 0; p < c->nr_published; p++) {
		const double *v = c->published[p].value;
		double ratio = v[i + 1] / v[i];

		if (v[i] == 0 || v[i + 1] == 0)
			continue;
		*low = ratio < *low ? ratio : *low;
		*high = ratio > *high ? ratio : *high;
	}
	*low *= 1 - WIDER;
	*high *= 1 + WIDER;
}

static bool inside(const struct comparison *c, u32 i)
{
	double low, high, ratio = c->simulated[i + 1] / c->simulated[i];

	band(c, i, &low, &high);
	return ratio >= low && ratio <= high;
}

static void print_comparison(const struct comparison *c)
{
	printf("\n%s\n%-8s", c->title, c->n == ORDERS ? "order" : "size");
	for (u32 p = 0; p < c->nr_published; p++)
		printf(" %11s", c->published[p].name);
	printf(" %11s  next/this  band\n", "simulated");
	for (u32 i = 0; i < c->n; i++) {
		double low, high;

		printf("%-8u", c->n == ORDERS ? i : 8u << i);
		for (u32 p = 0; p < c->nr_published; p++)
			printf(" %11.0f", c->published[p].value[i]);
		printf(" %11.1f", c->simulated[i]);
		if (i + 1 < c->n) {
			band(c, i, &low, &high);
			printf("  %9.2f  %.2f-%.2f%s", c->simulated[i + 1] / c->simulated[i], low, high,
			       inside(c, i) ? "" : "  outside");
		}
		printf("\n");
	}
}

static void measure(void)
{
	run("slub", slab_test, &results.slub);
	run("slab", slab_test, &results.slab);
	run("slub", page_bench, results.pages);
}

static void print_tables(void)
{
	printf("allocation + free pairs, cycles: SLUB %.1f (64 bytes) %.1f (256 bytes), SLAB %.1f (256 "
	       "bytes)\n",
	       results.slub.pair[3], results.slub.pair[5], results.slab.pair[5]);
	for (u32 i = 0; i < KMS_ARRAY_SIZE(comparisons); i++)
		print_comparison(&comparisons[i]);
}

/* ---- tests ---- */

/* Steps outside their band, and why; docs/validation-cycles.md says more. */
#define CAPACITY "10000 objects leave the 8 MiB L3 sooner than that of the published machines"
#define OTHER_PATH "6.1 serves it by another path than the kernels of the tables"
#define PRISTINE "on a machine just booted every free merges to order 10, every allocation splits again"
static const struct {
	u32 comparison, step;
	const char *reason;
} known[] = {
	{ 0, 5, CAPACITY }, { 0, 6, CAPACITY }, { 0, 7, CAPACITY }, { 0, 8, CAPACITY }, { 0, 10, OTHER_PATH },
	{ 1, 5, CAPACITY }, { 1, 6, CAPACITY }, { 1, 10, OTHER_PATH },
	{ 2, 8, CAPACITY }, { 2, 10, OTHER_PATH },
	{ 3, 6, CAPACITY }, { 3, 9, CAPACITY }, { 3, 10, OTHER_PATH },
	{ 4, 3, PRISTINE }, { 4, 8, OTHER_PATH },
};

static bool is_known(u32 comparison, u32 step)
{
	for (u32 i = 0; i < KMS_ARRAY_SIZE(known); i++)
		if (known[i].comparison == comparison && known[i].step == step)
			return true;
	return false;
}

static void ratios_are_inside(void **state)
{
	(void)state;
	for (u32 c = 0; c < KMS_ARRAY_SIZE(comparisons); c++)
		for (u32 i = 0; i + 1 < comparisons[c].n; i++)
			if (!inside(&comparisons[c], i) && !is_known(c, i)) {
				print_comparison(&comparisons[c]);
				fail_msg("%s: step %u", comparisons[c].title, i);
			}
}

/* Expected of 6.1's longer paths on the CPU whose 2015 pair takes 42 to 47 cycles: 55 to 75. */
static void pair_is_inside(void **state)
{
	(void)state;
	assert_true(results.slub.pair[3] >= 55 && results.slub.pair[3] <= 75);
	assert_true(results.slub.pair[5] >= 55 && results.slub.pair[5] <= 75);
}

/* Up to 256 bytes, where the caches hold everything: between the smallest and the largest. */
static void small_sizes_are_inside(void **state)
{
	(void)state;
	for (u32 c = 0; c < 2; c++)
		for (u32 i = 0; i < 5; i++) {
			double low = 1e9, high = 0;

			for (u32 p = 0; p < comparisons[c].nr_published; p++) {
				double v = comparisons[c].published[p].value[i];

				low = v < low ? v : low;
				high = v > high ? v : high;
			}
			assert_true(comparisons[c].simulated[i] >= low * (1 - WIDER));
			assert_true(comparisons[c].simulated[i] <= high * (1 + WIDER));
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ratios_are_inside),
		cmocka_unit_test(pair_is_inside),
		cmocka_unit_test(small_sizes_are_inside),
	};

	for (int i = 2; i < argc && nr_settings < KMS_ARRAY_SIZE(settings); i++)
		settings[nr_settings++] = argv[i];
	measure();
	if (argc > 1) {
		print_tables();
		return 0;
	}
	return cmocka_run_group_tests_name("cycles_published", tests, NULL, NULL);
}
