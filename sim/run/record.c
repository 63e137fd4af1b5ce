/*
 * record.c - what happened, while it happens: operations, phases, samples.
 *
 * Between record_begin() and record_end() lies one operation of one CPU. Its
 * latency is the advance of that CPU's clock and is split by the engine's
 * parts, so the parts of any sum of operations add up to its latency exactly.
 * Histograms are made when the first operation of their kind, path and phase
 * ends. report.c turns all this into metrics and tables.
 */
#include "results/extfrag.h"
#include "sim/run/internal.h"

#include <stdlib.h>
#include <string.h>

const char *run_operation_name(u32 operation)
{
	static const char *const own[] = { "touch", "vmstat", "lru_add", "kswapd", "kcompactd", "slab_work" };

	if (operation < NR_REQUESTS)
		return kms_request_names[operation];
	return own[operation - NR_REQUESTS];
}

int record_init(struct run *run, struct kms_error *err)
{
	struct recorder *r = &run->recorder;

	r->nr_phases = run->info->nr_phases ? run->info->nr_phases : 1;
	r->phases = calloc(r->nr_phases, sizeof(*r->phases));
	if (!r->phases)
		return kms_fail(err, KMS_EFAIL, "no memory for %u phases", r->nr_phases);
	return 0;
}

void record_free(struct recorder *r)
{
	for (u32 p = 0; r->phases && p < r->nr_phases; p++)
		for (u32 op = 0; op < NR_OPERATIONS; op++)
			for (u32 path = 0; path < NR_MM_PATHS; path++)
				free(r->phases[p].ops[op][path]);
	free(r->phases);
	*r = (struct recorder){ 0 };
}

/* ---- operations ---- */

void record_begin(struct run *run, u32 cpu, u32 operation, struct op_mark *mark)
{
	rt_begin_op(cpu);
	if (run->cycle) {
		struct sim_cpu *c = sim_this_cpu();

		c->tag = operation;
		mark->clock = c->clock;
		mark->accesses = sim_accesses(c);
		mark->idle = c->idle;
		memcpy(mark->part, c->part, sizeof(mark->part));
	}
}

static struct op_record *op_record_of(struct phase_record *p, u32 operation, u32 path)
{
	struct op_record **slot = &p->ops[operation][path];

	if (!*slot)
		*slot = calloc(1, sizeof(**slot));
	return *slot;
}

void record_end(struct run *run, u32 cpu, u32 operation, const struct op_mark *mark)
{
	struct phase_record *p = &run->recorder.phases[run->recorder.phase];
	const struct rt_op *op = rt_op(cpu);
	struct op_record *record;
	struct sim_cpu *c;

	p->count[operation][op->path]++;
	if (operation < NR_REQUESTS)
		p->insns_x1024 += op->insns_x1024;
	if (!run->cycle)
		return;
	c = sim_this_cpu();
	record = op_record_of(p, operation, op->path);
	if (!record) {
		run->replay.out_of_memory = true;
		return;
	}
	histogram_add(&record->histogram, c->clock - mark->clock);
	for (u32 i = 0; i < NR_PARTS; i++)
		record->part[i] += c->part[i] - mark->part[i];
	record->part[PART_WAIT] += c->idle - mark->idle;
	if (operation < NR_REQUESTS)
		p->accesses += sim_accesses(c) - mark->accesses;
}

/* ---- phases ---- */

static void lock_totals(u64 *wait, u64 *contended)
{
	*wait = *contended = 0;
	for (u32 i = 0; i < rt_nr_locks; i++) {
		const struct sim_lock_stat *s = sim_lock_stat(i);

		*wait += s->wait;
		*contended += s->contended;
	}
}

/* All of struct hw_stats is u64 counters. */
static void subtract_counters(u64 *to, const u64 *from, const u64 *base, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += from[i] - base[i];
}

#define MAX_ZONES 256
static struct mm_zone_info zones[MAX_ZONES];

static void sum_free_blocks(u64 nr_free[EXTFRAG_ORDERS])
{
	u32 n = mm_inspect_zones(zones, MAX_ZONES);

	memset(nr_free, 0, EXTFRAG_ORDERS * sizeof(*nr_free));
	for (u32 i = 0; i < n; i++)
		for (u32 o = 0; o < EXTFRAG_ORDERS; o++)
			nr_free[o] += zones[i].nr_free[o];
}

static void close_phase(struct run *run)
{
	struct recorder *r = &run->recorder;
	struct phase_record *p = &r->phases[r->phase];
	u64 wait, contended, nr_free[EXTFRAG_ORDERS];
	struct hw_stats hw;

	if (!p->used)
		return;
	p->end_time = run_time(run);
	p->end_requests = run->replay.done;
	subtract_counters(p->trace_counts, rt_trace_counts(), r->trace_counts, NR_TRACEPOINTS);
	account_bytes(run, p->bytes_end);
	sum_free_blocks(nr_free);
	p->unusable_end = extfrag_unusable(nr_free, HUGE_PAGE_ORDER) / 1000.0;
	p->index_end = extfrag_index(nr_free, HUGE_PAGE_ORDER) / 1000.0;
	p->fragmenting += run->mobility.fragmenting - r->fragmenting;
	p->whole_new += run->slab_stats.whole_new - r->whole_new;
	p->whole_freed += run->slab_stats.whole_freed - r->whole_freed;
	p->unmovable_in_movable = run->mobility.in_movable;
	if (!run->cycle)
		return;
	machine_stats(run->machine, -1, &hw);
	subtract_counters((u64 *)&p->hw, (const u64 *)&hw, (const u64 *)&r->hw, sizeof(hw) / sizeof(u64));
	lock_totals(&wait, &contended);
	p->lock_wait += wait - r->lock_wait;
	p->lock_contended += contended - r->lock_contended;
}

static bool is_warm_up(const struct run *run, const char *name)
{
	const struct cfg_array *warm_up = &run->config->workload.warm_up;

	for (size_t i = 0; i < warm_up->n; i++)
		if (!strcmp(((char **)warm_up->items)[i], name))
			return true;
	return false;
}

int record_phase(struct run *run, u32 phase, struct kms_error *err)
{
	struct recorder *r = &run->recorder;
	struct phase_record *p = &r->phases[phase];
	const char *name = phase < run->info->nr_phases ? run->info->phases[phase] : "all";

	close_phase(run);
	r->phase = phase;
	memcpy(r->trace_counts, rt_trace_counts(), sizeof(r->trace_counts));
	r->fragmenting = run->mobility.fragmenting;
	r->whole_new = run->slab_stats.whole_new;
	r->whole_freed = run->slab_stats.whole_freed;
	if (run->cycle) {
		machine_stats(run->machine, -1, &r->hw);
		lock_totals(&r->lock_wait, &r->lock_contended);
	}
	if (p->used)
		return 0;
	p->used = true;
	p->warm_up = is_warm_up(run, name);
	p->start_time = run_time(run);
	p->start_requests = run->replay.done;
	return store_phase(run->store, phase, name, p->warm_up, err);
}

void record_close(struct run *run)
{
	close_phase(run);
	run->recorder.closed = true;
}

/* ---- samples ---- */

/* Bytes asked for from slab caches, of the bytes of their slabs. */
static double slab_utilisation(const struct run *run, const s64 b[NR_BYTE_STATES])
{
	s64 slots = (s64)run->account.slab_requested + b[BYTES_ROUNDING] + b[BYTES_FREE_PARTIAL] + b[BYTES_SLAB_TAIL] +
		    (s64)run->account.slab_free_cpu;

	return slots ? (double)run->account.slab_requested / (double)slots : 1.0;
}

static int sample_bytes(struct run *run, const struct store_sample *base, struct kms_error *err)
{
	struct phase_record *p = &run->recorder.phases[run->recorder.phase];
	s64 b[NR_BYTE_STATES], sum = 0;
	u64 held;
	int ret = 0;

	account_bytes(run, b);
	for (u32 i = 0; i < NR_BYTE_STATES && !ret; i++) {
		struct store_sample s = *base;

		s.series = byte_state_series[i];
		s.value = b[i];
		sum += b[i];
		ret = store_sample(run->store, &s, err);
	}
	if (!ret && sum != (s64)run->account.ram_bytes)
		ret = kms_fail(err, KMS_EFAIL,
			       "byte partition adds up to %lld, RAM has %llu bytes (after request %llu)",
			       (long long)sum, (unsigned long long)run->account.ram_bytes,
			       (unsigned long long)run->replay.done);
	held = run->account.ram_bytes - (u64)(b[BYTES_FREE] + b[BYTES_METADATA] + b[BYTES_RESERVED]);
	p->samples++;
	if (held)
		p->fragmentation_sum += (double)(b[BYTES_ROUNDING] + b[BYTES_SLAB_TAIL] + b[BYTES_PAGE_ORDER]) /
					(double)held;
	p->utilisation_sum += slab_utilisation(run, b);
	if ((u64)b[BYTES_REQUESTED] > p->requested_peak)
		p->requested_peak = (u64)b[BYTES_REQUESTED];
	if (held > p->held_peak)
		p->held_peak = held;
	return ret;
}

/* One point of a series, as base says where and when. */
static int sample(struct run *run, const struct store_sample *base, const char *series, const char *unit,
		  s64 value, struct kms_error *err)
{
	struct store_sample s = *base;

	s.series = series;
	s.unit = unit;
	s.value = value;
	return store_sample(run->store, &s, err);
}

static int sample_orders(struct run *run, struct store_sample base, const struct mm_zone_info *zone,
			 struct kms_error *err)
{
	int ret = 0;

	for (u32 o = 0; o < EXTFRAG_ORDERS && !ret; o++) {
		base.order = (int)o;
		ret = sample(run, &base, "free_blocks", "blocks", (s64)zone->nr_free[o], err);
		if (!ret)
			ret = sample(run, &base, "extfrag.unusable", "permille",
				     extfrag_unusable(zone->nr_free, o), err);
		if (!ret)
			ret = sample(run, &base, "extfrag.index", "permille",
				     extfrag_index(zone->nr_free, o), err);
	}
	return ret;
}

static int sample_pageblocks(struct run *run, const struct store_sample *base,
			     const struct mm_zone_info *zone, struct kms_error *err)
{
	static const char *const series[MOBILITY_TYPES] = { "pageblocks.unmovable", "pageblocks.movable",
							    "pageblocks.reclaimable", "pageblocks.highatomic" };
	u32 count[MOBILITY_TYPES];
	int ret = 0;

	mm_inspect_pageblocks(zone->node, zone->zone_idx, count);
	for (u32 mt = 0; mt < MOBILITY_TYPES && !ret; mt++)
		ret = sample(run, base, series[mt], "blocks", count[mt], err);
	return ret;
}

static int sample_mobility(struct run *run, const struct store_sample *base, struct kms_error *err)
{
	int ret = sample(run, base, "extfrag.events", "events",
			 (s64)rt_trace_counts()[TP_mm_page_alloc_extfrag], err);

	if (!ret)
		ret = sample(run, base, "extfrag.fragmenting", "events", (s64)run->mobility.fragmenting, err);
	if (!ret)
		ret = sample(run, base, "unmovable_in_movable", "pages", (s64)run->mobility.in_movable, err);
	return ret;
}

/* Lines to and from DRAM and what they found, since the start. */
static int sample_dram(struct run *run, const struct store_sample *base, struct kms_error *err)
{
	static const char *const series[] = { "dram.reads", "dram.writes", "dram.row_hits",
					      "dram.row_misses", "dram.row_conflicts" };
	struct hw_stats hw;
	int ret = 0;

	if (!run->cycle)
		return 0;
	machine_stats(run->machine, -1, &hw);
	const u64 value[] = { hw.dram_reads, hw.dram_writes, hw.row_hits, hw.row_misses, hw.row_conflicts };

	for (size_t i = 0; i < KMS_ARRAY_SIZE(series) && !ret; i++)
		ret = sample(run, base, series[i], "bursts", (s64)value[i], err);
	return ret;
}

int record_sample(struct run *run, struct kms_error *err)
{
	u32 n = mm_inspect_zones(zones, MAX_ZONES);
	struct store_sample base = {
		.unit = "bytes", .time = run_time(run), .request = run->replay.done,
		.phase = (int)run->recorder.phase, .node = -1, .zone = -1, .order = -1,
	};
	int ret = sample_bytes(run, &base, err);

	if (!ret)
		ret = sample_mobility(run, &base, err);
	if (!ret)
		ret = sample_dram(run, &base, err);
	if (!ret)
		ret = page_map_sample(run, &base, err);
	for (u32 i = 0; i < n && !ret; i++) {
		struct store_sample here = base;

		here.node = (int)zones[i].node;
		here.zone = (int)zones[i].zone_idx;
		ret = sample_orders(run, here, &zones[i], err);
		if (!ret)
			ret = sample_pageblocks(run, &here, &zones[i], err);
	}
	return ret;
}
