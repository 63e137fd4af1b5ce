/*
 * sample_run.h - a plausible run in a database, without running anything.
 *
 * For tests of what reads results: two flavours of the same workload (a slab
 * allocator, and every object in pages of its own), with phases, byte
 * partition, free blocks, latencies with parts, caches, zones, locks, sites.
 */
#ifndef TESTS_UNIT_SAMPLE_RUN_H
#define TESTS_UNIT_SAMPLE_RUN_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/store.h"

#define SAMPLE_RAM (256ull << 20)
#define SAMPLE_REQUESTS 400000ull
#define SAMPLE_POINTS 240

static const char *const sample_parts[] = {"exec",	"tlb",		"l1",	"l2",	"llc",
					   "coherence", "interconnect", "dram", "lock", "reclaim"};

struct sample_options {
	const char *name, *title, *timing;
	bool no_slab;
	bool functional; /* no latencies, no simulated time */
	u64 seed;
};

static u64 sample_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static double sample_normal(u64 *state)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += (double)(sample_random(state) >> 11) / 9007199254740992.0;
	return sum - 6;
}

static int sample_phase_of(double x)
{
	return x < 0.25 ? 0 : x < 0.8 ? 1 : 2;
}

static int sample_bytes(struct store *store, struct store_sample *s, const struct sample_options *o,
			double x, struct kms_error *err)
{
	double load = (x < 0.25 ? x * 3 : x < 0.8 ? 0.75 + 0.2 * sin(x * 30) : 2.5 * (1 - x) + 0.25);
	s64 requested = (s64)(load * 40e6), metadata = 5 << 20, reserved = 9 << 20;
	s64 rounding = o->no_slab ? requested / 50 : (s64)((double)requested * 0.09);
	s64 page_order = o->no_slab ? (s64)((double)requested * 1.7) : requested / 60;
	s64 tail = o->no_slab ? 0 : requested / 70;
	s64 partial = o->no_slab ? 0 : (s64)(2e6 + 9e6 * (x > 0.7 ? (x - 0.7) * 3 : 0));
	s64 cpu = o->no_slab ? 700000 : (s64)(1.5e6 + 4e5 * sin(x * 80));
	const struct {
		const char *name;
		s64 value;
	} all[] = {
		{"bytes.requested", requested},
		{"bytes.rounding", rounding},
		{"bytes.slab_tail", tail},
		{"bytes.free_partial", partial},
		{"bytes.cpu_cached", cpu},
		{"bytes.page_order", page_order},
		{"bytes.metadata", metadata},
		{"bytes.reserved", reserved},
		{"bytes.free", (s64)SAMPLE_RAM - requested - rounding - tail - partial - cpu -
				       page_order - metadata - reserved},
	};
	int rc = 0;

	s->unit = "bytes";
	s->node = s->zone = s->order = -1;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(all) && !rc; i++) {
		s->series = all[i].name;
		s->value = all[i].value;
		rc = store_sample(store, s, err);
	}
	return rc;
}

/* DRAM traffic, how full slabs are, and a map of eight pageblocks. */
static int sample_maps(struct store *store, const struct sample_options *o, struct store_sample s, int i,
		       struct kms_error *err)
{
	static const char *const dram[] = {"dram.reads", "dram.writes", "dram.row_hits", "dram.row_misses",
					   "dram.row_conflicts"};
	int rc = 0;

	s.node = s.zone = s.order = -1;
	s.unit = "bursts";
	for (int k = 0; k < 5 && !rc && !o->functional; k++) {
		s.series = dram[k];
		s.value = (s64)i * i * (20 - 3 * k);
		rc = store_sample(store, &s, err);
	}
	s.unit = "slabs";
	for (int k = 0; k < NR_STORE_SLAB_FILLS && !rc && i % 4 == 0; k++) {
		s.series = store_slab_series[k];
		s.value = 20 * k + i;
		rc = store_sample(store, &s, err);
	}
	for (u32 cell = 0; cell < 8 && !rc && i % 40 == 0; cell++) {
		struct store_page_cell c = {.cell = cell, .first_pfn = cell * 512, .pages = 512};

		c.migratetype = (cell + (u32)i / 80) % 5;
		c.movable = cell * 60;
		c.slab = (u32)i;
		c.free = 512 - c.movable > c.slab ? 512 - c.movable - c.slab : 0;
		c.other = i > 100 ? 10 : 0;
		rc = store_page_cell(store, &s, &c, err);
	}
	return rc;
}

static int sample_series(struct store *store, const struct sample_options *o, struct kms_error *err)
{
	u64 state = o->seed + 77;
	int rc = 0;

	for (int i = 0; i <= SAMPLE_POINTS && !rc; i++) {
		double x = (double)i / SAMPLE_POINTS;
		struct store_sample s = {
			.time = o->functional ? 0 : (kms_ps)(x * 0.35 * (double)KMS_PS_PER_S),
			.request = (u64)(x * (double)SAMPLE_REQUESTS),
			.phase = sample_phase_of(x),
		};

		rc = sample_bytes(store, &s, o, x, err);
		if (!rc)
			rc = sample_maps(store, o, s, i, err);
		s.series = "free_blocks";
		s.unit = "blocks";
		s.node = 0;
		for (s.zone = 1; s.zone <= 2; s.zone++) {
			for (s.order = 0; s.order <= 10 && !rc; s.order++) {
				double blocks = 900 * exp(-0.55 * s.order) * (0.2 + x) +
						(double)(sample_random(&state) % 20) / (1 + s.order) +
						(s.order == 10 ? 24 * (1 - x) : 0);

				s.value = (s64)blocks;
				rc = store_sample(store, &s, err);
			}
		}
		s.series = "requests_done";
		s.unit = "requests";
		s.node = s.zone = s.order = -1;
		s.value = (s64)s.request;
		if (!rc)
			rc = store_sample(store, &s, err);
	}
	return rc;
}

static int sample_latency(struct store *store, int phase, const char *operation, const char *path,
			  u64 n, double median_ns, double spread, u64 seed, struct kms_error *err)
{
	static const double weight[] = {0.3, 0, 0.2, 0.08, 0.12, 0.1, 0.03, 0.15, 0.02, 0};
	struct histogram *h = calloc(1, sizeof(*h));
	u64 parts[KMS_ARRAY_SIZE(sample_parts)] = {0}, state = seed * 2654435761u + 12345, left;
	int rc;

	for (u64 i = 0; i < n; i++)
		histogram_add(h, (u64)(1000 * median_ns * exp(spread * sample_normal(&state))));
	left = h->sum;
	for (size_t i = 1; i < KMS_ARRAY_SIZE(parts); i++) {
		parts[i] = (u64)((double)h->sum * weight[i]);
		left -= parts[i];
	}
	parts[0] = left;
	rc = store_latency(store, phase, operation, path, h, parts, err);
	free(h);
	return rc;
}

static int sample_latencies(struct store *store, u64 seed, struct kms_error *err)
{
	static const struct {
		const char *operation, *path;
		u64 n;
		double median, spread;
	} all[] = {
		{"kmalloc", "fast", 20000, 14, 0.25},	{"kmalloc", "slow_partial", 900, 160, 0.4},
		{"kmalloc", "new_slab", 60, 900, 0.3},	{"kfree", "fast", 17000, 11, 0.3},
		{"kfree", "slow", 2500, 70, 0.5},	{"cache_alloc", "fast", 9000, 13, 0.2},
		{"cache_free", "fast", 8800, 11, 0.3},	{"page_alloc", "pcp", 4000, 40, 0.5},
		{"page_alloc", "buddy", 300, 420, 0.6}, {"page_free", "pcp", 3900, 38, 0.4},
		{"touch", "all", 20000, 22, 0.9},	{"vmstat", "all", 40, 2100, 0.2},
	};
	int rc = 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(all) && !rc; i++)
		for (int phase = 0; phase < 3 && !rc; phase++)
			rc = sample_latency(store, phase, all[i].operation, all[i].path, all[i].n / 3 + 1,
					    all[i].median, all[i].spread, seed + i * 7 + (u64)phase, err);
	return rc;
}

static int sample_tables(struct store *store, struct kms_error *err)
{
	const struct store_cache caches[] = {
		{.name = "kmalloc-64", .object_size = 64, .size = 64, .align = 64, .objects_per_slab = 64,
		 .slabs = 900, .slab_bytes = 900 * 4096, .objects = 57600, .inuse = 50000, .free_cpu = 3000,
		 .free_partial = 4600, .partial_slabs = 200, .requested_bytes = 2700000,
		 .rounding_bytes = 500000, .allocs = 900000, .frees = 850000},
		{.name = "dentry", .object_size = 192, .size = 192, .align = 8, .objects_per_slab = 21,
		 .slabs = 400, .slab_bytes = 400 * 4096, .objects = 8400, .inuse = 8000, .free_cpu = 100,
		 .free_partial = 300, .partial_slabs = 30, .requested_bytes = 1536000, .tail_bytes = 25600,
		 .allocs = 60000, .frees = 52000},
		{.name = "inode_cache", .object_size = 600, .size = 608, .align = 8, .order = 2,
		 .objects_per_slab = 26, .slabs = 120, .slab_bytes = 120 * 16384, .objects = 3120,
		 .inuse = 1500, .free_cpu = 60, .free_partial = 1560, .partial_slabs = 70,
		 .requested_bytes = 900000, .rounding_bytes = 12000, .tail_bytes = 69120, .allocs = 9000,
		 .frees = 7500},
	};
	const struct store_zone zones[] = {
		{.node = 0, .name = "DMA32", .start_pfn = 16, .spanned = 4080, .present = 4000,
		 .managed = 3900, .free_pages = 1200, .pcp_pages = 40, .watermark_min = 30,
		 .watermark_low = 40, .watermark_high = 50, .nr_free = {100, 50, 20, 9, 4, 3, 2, 1, 1, 0, 0}},
		{.node = 0, .name = "Normal", .start_pfn = 4096, .spanned = 61440, .present = 61440,
		 .managed = 60000, .free_pages = 9000, .pcp_pages = 400, .watermark_min = 600,
		 .watermark_low = 750, .watermark_high = 900,
		 .nr_free = {700, 350, 120, 80, 30, 20, 12, 9, 3, 2, 4}},
	};
	const struct store_site sites[] = {
		{"alloc_skb+0x3f", 90000, 89000, 1000, 1100000, 60000000, 220000, 9000000},
		{"getname_flags+0x4b", 20000, 19990, 10, 41000, 1200000, 40000, 80000000},
		{"", 300, 10, 290, 80000, 90000, 900, 1200},
	};
	const struct store_lock locks[] = {
		{"zone->lock", "", 12000, 800, 45000000, 210000},
		{"zone->lock", "rmqueue_bulk", 0, 500, 33000000, 210000},
		{"zone->lock", "free_pcppages_bulk", 0, 300, 12000000, 90000},
		{"list_lock", "", 5000, 60, 900000, 30000},
	};
	int rc = 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(caches) && !rc; i++) {
		rc = store_cache(store, &caches[i], err);
		for (int k = 0; k < NR_STORE_SLAB_FILLS && !rc; k++)
			rc = store_slab_fill(store, k, 10 * i + (u64)k + 1, err);
	}
	for (u64 size = 8; size <= 4096 && !rc; size += 24)
		rc = store_size(store, &(struct store_size){"kmalloc", size, size, 5, 5 * size,
							    5ull << (64 - __builtin_clzll(size - 1))}, err);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(zones) && !rc; i++)
		rc = store_zone(store, &zones[i], err);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(sites) && !rc; i++)
		rc = store_site(store, &sites[i], err);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(locks) && !rc; i++)
		rc = store_lock(store, &locks[i], err);
	if (!rc)
		rc = store_counter(store, "left_out", "free of an object allocated before the trace",
				   1234, err);
	if (!rc)
		rc = store_counter(store, "path", "mm_page_alloc", 35000, err);
	if (!rc)
		rc = store_counter(store, "hardware", "l1_misses", 812345, err);
	return rc;
}

static int sample_metrics(struct store *store, const struct sample_options *o, struct kms_error *err)
{
	static const enum metric_id timed[] = {M_SIM_TIME, M_BUSY,    M_LAT_MEAN,
					       M_LAT_P50,  M_LAT_P99, M_LAT_P999};
	int rc = 0;

	for (int phase = -1; phase < 3 && !rc; phase++) {
		rc = store_metric(store, phase, M_REQUESTS, SAMPLE_REQUESTS / (phase < 0 ? 1 : 3), err);
		if (!rc)
			rc = store_metric(store, phase, M_COVERAGE, 0.997, err);
		if (!rc)
			rc = store_metric(store, phase, M_HELD_PEAK, o->no_slab ? 107e6 : 52e6, err);
		if (!rc)
			rc = store_metric(store, phase, M_INTERNAL_FRAG, o->no_slab ? 0.63 : 0.1, err);
		for (size_t i = 0; i < KMS_ARRAY_SIZE(timed) && !rc && !o->functional; i++)
			rc = store_metric(store, phase, timed[i], 17.25 * (double)(i + 1), err);
	}
	return rc;
}

/* Everything but the end of the run. */
static int sample_begin(struct store *store, const struct sample_options *o, s64 *run, struct kms_error *err)
{
	struct run_info info = {
		.name = o->name,
		.title = o->title ? o->title : "Boot and small-file workload on SLUB",
		.tool_version = "0.1.0",
		.compiler = "gcc 12.2.0",
		.compiler_flags = "-O1",
		.host = "test",
		.config_json = "{\"name\":\"x\"}",
		.config_hash = "c0ffee",
		.trace_hash = "decade",
		.workload = "slub-up",
		.machine = "small",
		.policy = o->no_slab ? "noslab" : "slub",
		.timing = o->functional ? "functional" : "cycle",
		.pacing = "asap",
		.seed = o->seed,
		.ram_bytes = SAMPLE_RAM,
		.part_names = sample_parts,
		.nr_parts = KMS_ARRAY_SIZE(sample_parts),
	};
	int rc;

	rc = store_begin_run(store, &info, run, err);
	if (!rc)
		rc = store_phase(store, 0, "boot", true, err);
	if (!rc)
		rc = store_phase(store, 1, "untar", false, err);
	if (!rc)
		rc = store_phase(store, 2, "rm -r", false, err);
	if (!rc)
		rc = sample_series(store, o, err);
	if (!rc && !o->functional)
		rc = sample_latencies(store, o->seed + o->no_slab * 1000, err);
	if (!rc)
		rc = sample_tables(store, err);
	return rc ? rc : sample_metrics(store, o, err);
}

static inline int sample_run(struct store *store, const struct sample_options *o, s64 *run, struct kms_error *err)
{
	int rc = sample_begin(store, o, run, err);

	if (!rc)
		rc = store_host(store, "seconds", 1.5, "s", err);
	return rc ? rc : store_end_run(store, "complete", err);
}

#endif
