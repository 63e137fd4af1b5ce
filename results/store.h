/*
 * store.h - results in one SQLite file.
 *
 * The writer batches rows in transactions and is called only between
 * operations, never from a model's hot path. A run is marked 'running' in its
 * first transaction and 'complete', 'interrupted' or 'failed' in its last: a
 * run that was killed leaves a readable database with the run still marked
 * 'running', which readers report as incomplete. schema.sql documents the
 * tables.
 */
#ifndef RESULTS_STORE_H
#define RESULTS_STORE_H

#include "results/histogram.h"
#include "sim/engine/base.h"

enum metric_id {
#define METRIC(id, name, unit, better, definition) id,
#include "results/metrics.def"
#undef METRIC
	NR_METRICS
};

struct metric_def {
	const char *name, *unit, *definition;
	int better;
};
extern const struct metric_def metric_defs[NR_METRICS];

/* docs/metrics.md, in Markdown; the caller frees it. NULL: out of memory. */
char *metrics_reference(void);

struct store;

enum store_mode { STORE_READ, STORE_WRITE };

/*
 * Open, create (STORE_WRITE) or migrate a database. Refuses with a clear
 * message: not a database, another tool's database, newer schema, read-only,
 * locked (after 5 s), a directory, missing.
 */
int store_open(struct store **store, const char *path, enum store_mode mode, struct kms_error *err);
int store_close(struct store *store, struct kms_error *err); /* commits */
struct sqlite3 *store_db(struct store *store);		     /* for queries */

struct run_info {
	const char *name, *title;
	const char *tool_version, *compiler, *compiler_flags, *host;
	const char *config_json, *config_hash, *trace_hash;
	const char *workload, *machine, *policy, *timing, *pacing;
	u64 seed;
	u64 ram_bytes;
	const char *const *part_names; /* latency parts, in order */
	u32 nr_parts;
};

int store_begin_run(struct store *store, const struct run_info *info, s64 *run_id, struct kms_error *err);
int store_phase(struct store *store, u32 phase, const char *name, bool warm_up, struct kms_error *err);

/*
 * Commit all that was recorded so far. Samples are kept in memory and written
 * in batches; the other records are written at once, in a transaction that
 * locks the database for other writers until it is committed: call this at the
 * end of a burst of records (store_phase() and store_end_run() do it).
 */
int store_flush(struct store *store, struct kms_error *err);

/*
 * phase -1: the whole measured part; store_begin_run() declares it. A value
 * that is not a number is unknown and not stored. Metrics of a phase may be
 * stored again: the last value holds.
 */
int store_metric(struct store *store, int phase, enum metric_id metric, double value, struct kms_error *err);

/*
 * Time series: what names the series, labels may be -1. The program's own:
 * unit "bytes": bytes.requested, .rounding, .slab_tail, .free_partial,
 * .cpu_cached, .page_order, .free, .metadata, .reserved (labels all -1), which
 * add up to the run's ram_bytes; "blocks": free_blocks (node, zone, order),
 * pageblocks.unmovable, .movable, .reclaimable, .highatomic (node, zone); "permille":
 * extfrag.unusable, extfrag.index (node, zone, order); "events", since the start:
 * extfrag.events, extfrag.fragmenting; "pages": unmovable_in_movable; "bursts", since the
 * start: dram.reads, .writes, .row_hits, .row_misses, .row_conflicts; "slabs": slabs.* below. A second sample of the same request count, time,
 * phase and labels replaces the first.
 */
struct store_sample {
	const char *series; /* static text */
	const char *unit;
	kms_ps time; /* simulated */
	u64 request; /* requests completed */
	int phase, node, zone, order;
	s64 value;
};
int store_sample(struct store *store, const struct store_sample *sample, struct kms_error *err);

/* Slabs by the share of their objects that is in use: >0, 25, 50, 75 % and more; full; a CPU's. */
enum store_slab_fill {
	STORE_SLAB_EMPTY, STORE_SLAB_Q1, STORE_SLAB_Q2, STORE_SLAB_Q3, STORE_SLAB_Q4, STORE_SLAB_FULL,
	STORE_SLAB_CPU, NR_STORE_SLAB_FILLS
};
extern const char *const store_slab_series[NR_STORE_SLAB_FILLS]; /* unit "slabs" */

#define STORE_MIGRATETYPES 4 /* unmovable, movable, reclaimable, high-atomic */

/*
 * What a pageblock, or some in a row, hold, in pages; a cell that is as it was at
 * the map before may be left out. when: its time, request and phase count.
 */
struct store_page_cell {
	u32 cell;	 /* from 0, by address */
	u32 migratetype; /* of most of its pageblocks; STORE_MIGRATETYPES: of none */
	u64 first_pfn;
	u32 pages;
	u32 free, movable, slab, other; /* the rest never was the page allocator's to give */
};
int store_page_cell(struct store *store, const struct store_sample *when, const struct store_page_cell *cell,
		    struct kms_error *err);

/*
 * Latency of one operation kind on one path in one phase: histogram and the sum
 * of each part, in ps; the parts add up to h->sum. The paths of an operation are
 * disjoint (readers add them up). phase -1 may be left out: readers then take
 * all phases that are no warm-up.
 */
int store_latency(struct store *store, int phase, const char *operation, const char *path,
		  const struct histogram *h, const u64 *part_ps, struct kms_error *err);

struct store_cache {
	const char *name;
	u32 object_size, size, align, order, objects_per_slab;
	u64 slabs, slab_bytes, objects, inuse, free_cpu, free_partial, partial_slabs;
	u64 requested_bytes, rounding_bytes, tail_bytes, allocs, frees;
	u64 active_objects; /* as /proc/slabinfo counts them */
	u64 cpu_slabs;
	u32 min_partial, cpu_partial, aliases, flags;
};
/* In the order of their creation. */
int store_cache(struct store *store, const struct store_cache *cache, struct kms_error *err);

/* An event counter of the cache stored last. */
int store_slab_stat(struct store *store, const char *name, u64 value, struct kms_error *err);

/* Slabs of the cache stored last that are so full. */
int store_slab_fill(struct store *store, enum store_slab_fill fill, u64 slabs, struct kms_error *err);

/* All allocations of kind "kmalloc", "cache" or "pages" that asked for low to high bytes. */
struct store_size {
	const char *kind;
	u64 low, high, count, requested_bytes, held_bytes;
};
int store_size(struct store *store, const struct store_size *size, struct kms_error *err);

#define STORE_ZONES 4	     /* of a node */

struct store_zone {
	u32 node, index;
	const char *name;
	u64 start_pfn, spanned, present, managed, free_pages, pcp_pages;
	u64 watermark_min, watermark_low, watermark_high, watermark_promo, watermark_boost;
	u64 free_counter; /* as watermark tests read it */
	u64 highatomic;	  /* pages reserved */
	u64 reserve[STORE_ZONES];
	u64 nr_free[11];
	u64 nr_free_type[11][STORE_MIGRATETYPES];
	u64 pageblocks[STORE_MIGRATETYPES];
};
int store_zone(struct store *store, const struct store_zone *zone, struct kms_error *err);

struct store_pcp {
	u32 node;
	const char *zone;
	u32 cpu;
	s64 pages, high, batch, high_min, high_max, stat_threshold;
};
int store_pcp(struct store *store, const struct store_pcp *pcp, struct kms_error *err);

/* A counter by the kernel's name: of a zone, of a node (zone ""), or an event (node -1, zone ""). */
int store_vm_counter(struct store *store, int node, const char *zone, const char *name, s64 value,
		     struct kms_error *err);

struct store_site {
	const char *name;
	u64 allocs, frees, live, live_bytes, requested_bytes, waste_bytes, waste_bytes_total;
};
int store_site(struct store *store, const struct store_site *site, struct kms_error *err);

/* Locks of the same name and holder add up. */
struct store_lock {
	const char *name, *holder; /* holder "": totals of the lock */
	u64 acquired, contended;
	u64 wait_ps, wait_max_ps;
};
int store_lock(struct store *store, const struct store_lock *lock, struct kms_error *err);

/*
 * Named counters that are no metrics. Groups in use: "path" (tracepoints
 * passed), "hardware", "left_out" (requests of the workload that were not carried
 * out, by reason; shown with the coverage).
 */
int store_counter(struct store *store, const char *group, const char *name, u64 value,
		  struct kms_error *err);

/* Host-side facts, kept apart and left out of the digest: seconds, requests/s, resident bytes. */
int store_host(struct store *store, const char *name, double value, const char *unit, struct kms_error *err);

/* status: "complete", "interrupted", "failed". Commits. */
int store_end_run(struct store *store, const char *status, struct kms_error *err);

/* Digest over all simulated values of a run (host facts, ids and times of day excluded): 32 hex digits. */
int store_digest(struct store *store, s64 run_id, char hex[33], struct kms_error *err);

/*
 * "12", a run's name (its newest), "latest" or a uuid prefix of at least four
 * digits to an id, tried in this order. Unknown: an error with the nearest name.
 */
int store_find_run(struct store *store, const char *what, s64 *run_id, struct kms_error *err);

#endif
