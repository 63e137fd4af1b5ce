/*
 * fit.c - from what was measured to a machine description.
 *
 * Latencies are read where they are not mixed: a chase over half of a cache's
 * size is served by that cache. Whatever cannot be measured from a program -
 * interrupt switching, the price of an invalidation alone, the DRAM's timing -
 * keeps typical values, and "source" says which.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/calibrate/calibrate.h"

#define TYPICAL_CONTROLLER_NS 20.0
#define DRAM_IDLE_NS 31.0 /* closed row of DDR4-2400T: tRCD + CL + BL/2 = 38 clocks, beside the controller */
#define HOP_NS 3.0 /* what a machine charges beside the LLC's look-up; its defaults */
#define DIRECTORY_NS 0.5
#define MOST_LLC (64ull << 20)

/* The chase at the largest size not above `bytes`. */
static double chase_at(const struct calibrate_host *h, u64 bytes)
{
	double ns = h->nr_sizes ? h->chase[0].median : 1;

	for (u32 i = 0; i < h->nr_sizes && h->size[i] <= bytes; i++)
		ns = h->chase[i].median;
	return ns;
}

static u64 power_of_two(u64 n)
{
	u64 p = 1;

	while (p * 2 <= n)
		p *= 2;
	return p;
}

/* What a chase over sixteen times the L2 takes beyond it: one line in sixteen is still there. */
static double llc_ns(const struct calibrate_host *h, u64 l2, u64 llc)
{
	u64 bytes = power_of_two(l2 * 16 < llc / 2 ? l2 * 16 : llc / 2);
	double in_l2 = fmin(0.5, (double)l2 / (double)bytes);

	return (chase_at(h, bytes) - in_l2 * chase_at(h, l2 / 8)) / (1 - in_l2);
}

static double cycles(const struct calibrate_host *h, double ns)
{
	return ns * h->ghz.median;
}

/* Whole sets of a power-of-two number, as the machine's caches want it. */
static void cache_json(FILE *out, const char *key, struct calibrate_cache c, double latency, bool plru, const char *more)
{
	u64 ways = c.ways ? c.ways : 16, sets;

	if (ways > 64)
		ways = 16;
	if (plru)
		ways = power_of_two(ways);
	sets = power_of_two(c.size / 64 / ways);
	fprintf(out, "\t\"%s\": {\"size\": %llu, \"ways\": %llu, \"line\": 64, \"latency_cycles\": %.0f, \"replacement\": \"%s\"%s},\n",
		key, (unsigned long long)(sets * ways * 64), (unsigned long long)ways, latency < 1 ? 1 : latency,
		plru ? "tree-plru" : "lru", more);
}

/*
 * Instructions enter at the measured rate, and an L1 hit is one of them. An atomic
 * is measured behind atomics, where nothing hides it.
 */
static void core_json(FILE *out, const struct calibrate_host *h)
{
	double dispatch = fmax(1, h->dispatch.median), retire = floor(h->retire.median + 0.5);

	fprintf(out,
		"\t\"core\": {\"model\": \"ooo\", \"ghz\": %.3f, \"width\": %.0f, \"ipc\": %.2f, \"retire_width\": %.0f, \"l1_dependences\": true,\n"
		"\t\t\"l1_hit_cycles\": %.3f, \"atomic_cycles\": %.1f, \"fence_cycles\": %.1f},\n",
		h->ghz.median, ceil(dispatch), dispatch, fmin(retire, 64), 1 / dispatch,
		fmax(0, cycles(h, h->atomic.median) - 1 / dispatch), cycles(h, h->fence.median));
}

/* Did a chase go far beyond the last cache? */
static bool dram_measured(const struct calibrate_host *h)
{
	const struct calibrate_topology *t = &h->topology;

	return h->nr_sizes && h->size[h->nr_sizes - 1] >= 2 * (t->llc.size ? t->llc.size : t->l2.size);
}

static void source_json(FILE *out, const struct calibrate_host *h)
{
	fprintf(out,
		"\t\"source\": \"measured with kmemsim calibrate on %s: clock, instructions that enter and leave a cycle, latencies of the caches%s by chases, atomics, fences, a line between two cores; sizes and ways from hwloc; interrupt switching, out-of-order window, prefetchers, TLBs and the DRAM's own timing are the defaults%s\",\n",
		h->topology.cpu, dram_measured(h) ? " and of DRAM" : "", h->topology.llc.size > MOST_LLC ? "; the L3 is larger and taken as 64 MiB" : "");
}

char *calibrate_machine(const struct calibrate_host *h, const char *name)
{
	const struct calibrate_topology *t = &h->topology;
	struct calibrate_cache llc = t->llc.size ? t->llc : t->l2;
	double l1 = cycles(h, chase_at(h, t->l1d.size / 2)), l2 = fmax(l1 + 1, cycles(h, chase_at(h, t->l2.size / 8)));
	double l3 = fmax(l2 + 1, cycles(h, llc_ns(h, t->l2.size, llc.size)));
	double beyond = dram_measured(h) ? fmax(1, h->chase[h->nr_sizes - 1].median - l3 / h->ghz.median - DRAM_IDLE_NS)
					 : TYPICAL_CONTROLLER_NS;
	double transfer = fmax(1, h->transfer.median - l3 / h->ghz.median);
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	if (llc.size > MOST_LLC)
		llc.size = MOST_LLC;
	fprintf(out, "{\n\t\"name\": \"%s\",\n", name);
	source_json(out, h);
	fprintf(out, "\t\"cpus\": %u,\n", t->cores);
	core_json(out, h);
	cache_json(out, "l1d", t->l1d, l1, false, "");
	cache_json(out, "l2", t->l2, l2, false, "");
	cache_json(out, "llc", llc, fmax(l2 + 1, l3 - cycles(h, HOP_NS + DIRECTORY_NS)), false, "");
	fprintf(out, "\t\"prefetch\": {\"l1\": \"stride\", \"l2\": \"stride\"},\n");
	fprintf(out, "\t\"coherence\": {\"cache_to_cache_ns\": %.1f, \"invalidate_ns\": %.1f},\n", transfer, transfer * 0.7);
	fprintf(out, "\t\"dram\": {\"extends\": \"configs/dram/ddr4-2400.json\", \"channels\": 2, \"controller_ns\": %.1f},\n", beyond);
	fprintf(out, "\t\"memory\": {\"size\": \"1GiB\"}\n}\n");
	return fclose(out) ? NULL : text;
}
