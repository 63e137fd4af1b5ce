/*
 * report.c - from what record.c and account.c kept to the database.
 *
 * Every metric of results/metrics.def is computed here, per phase and for the
 * measured part as a whole (all phases that are not warm-up). What a run could
 * not measure (latencies without cycle timing) is left out, not stored as zero.
 */
#include "sim/run/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the measured part as one phase ---- */

static void add_op(struct op_record **to, const struct op_record *from)
{
	if (!*to)
		*to = calloc(1, sizeof(**to));
	if (!*to)
		return;
	histogram_merge(&(*to)->histogram, &from->histogram);
	for (u32 i = 0; i < NR_PARTS; i++)
		(*to)->part[i] += from->part[i];
}

static void add_phase(struct phase_record *to, const struct phase_record *from)
{
	for (u32 op = 0; op < NR_OPERATIONS; op++)
		for (u32 path = 0; path < NR_MM_PATHS; path++) {
			to->count[op][path] += from->count[op][path];
			if (from->ops[op][path])
				add_op(&to->ops[op][path], from->ops[op][path]);
		}
	if (!to->used)
		to->start_time = from->start_time;
	to->used = true;
	to->failed += from->failed;
	to->object_wait += from->object_wait;
	to->sync_wait += from->sync_wait;
	to->accesses += from->accesses;
	to->insns_x1024 += from->insns_x1024;
	to->samples += from->samples;
	to->fragmentation_sum += from->fragmentation_sum;
	to->utilisation_sum += from->utilisation_sum;
	to->end_time = from->end_time;
	to->end_requests += from->end_requests - from->start_requests;
	if (from->requested_peak > to->requested_peak)
		to->requested_peak = from->requested_peak;
	if (from->held_peak > to->held_peak)
		to->held_peak = from->held_peak;
	for (size_t i = 0; i < sizeof(to->hw) / sizeof(u64); i++)
		((u64 *)&to->hw)[i] += ((const u64 *)&from->hw)[i];
	to->lock_wait += from->lock_wait;
	to->lock_contended += from->lock_contended;
	for (u32 i = 0; i < NR_TRACEPOINTS; i++)
		to->trace_counts[i] += from->trace_counts[i];
	memcpy(to->bytes_end, from->bytes_end, sizeof(to->bytes_end));
	to->unusable_end = from->unusable_end;
	to->index_end = from->index_end;
	to->fragmenting += from->fragmenting;
	to->whole_new += from->whole_new;
	to->whole_freed += from->whole_freed;
	to->unmovable_in_movable = from->unmovable_in_movable;
}

static void free_phase(struct phase_record *p)
{
	for (u32 op = 0; p && op < NR_OPERATIONS; op++)
		for (u32 path = 0; path < NR_MM_PATHS; path++)
			free(p->ops[op][path]);
	free(p);
}

/* ---- metrics ---- */

struct metrics {
	double value[NR_METRICS];
	bool known[NR_METRICS];
};

static void set(struct metrics *m, enum metric_id id, double value)
{
	m->value[id] = value;
	m->known[id] = true;
}

static void set_ratio(struct metrics *m, enum metric_id id, double part, double whole)
{
	if (whole > 0)
		set(m, id, part / whole);
}

static u64 count_class(const struct phase_record *p, char class, int path)
{
	u64 n = 0;

	for (u32 op = 0; op < NR_REQUESTS; op++)
		for (int i = 0; i < NR_MM_PATHS; i++)
			if ((!class || kms_request_classes[op] == class) && (path < 0 || i == path))
				n += p->count[op][i];
	return n;
}

static u64 count_ops(const struct phase_record *p, const u8 *ops, size_t n, int path)
{
	u64 sum = 0;

	for (size_t k = 0; k < n; k++)
		for (int i = 0; i < NR_MM_PATHS; i++)
			if (path < 0 || i == path)
				sum += p->count[ops[k]][i];
	return sum;
}

/* Sum over the policies' tracepoints of one meaning: a run passes those of its own. */
static u64 count_points(const struct phase_record *p, const u32 *points, size_t n)
{
	u64 sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p->trace_counts[points[i]];
	return sum;
}

static void slab_metrics(struct metrics *m, const struct phase_record *p)
{
	static const u8 ops[] = { REQ_KMALLOC, REQ_KFREE, REQ_CACHE_ALLOC, REQ_CACHE_FREE };
	static const u8 own_paths[] = { PATH_SLAB_FAST, PATH_SHEAF, PATH_SHEAF_SWAP, PATH_PCP,
					PATH_KMALLOC_LARGE };
	static const u32 new[] = { TP_slab_new, TP_ac_grow, TP_slob_new_page };
	static const u32 freed[] = { TP_slab_discard, TP_ac_destroy, TP_slob_free_page };
	u64 own = 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(own_paths); i++)
		own += count_ops(p, ops, sizeof(ops), own_paths[i]);
	set_ratio(m, M_FAST_PATH, (double)own, (double)count_ops(p, ops, sizeof(ops), -1));
	set(m, M_SLABS_NEW, (double)(count_points(p, new, KMS_ARRAY_SIZE(new)) + p->whole_new));
	set(m, M_SLABS_FREED, (double)(count_points(p, freed, KMS_ARRAY_SIZE(freed)) + p->whole_freed));
}

static void request_metrics(struct metrics *m, const struct phase_record *p)
{
	static const u8 page_ops[] = { REQ_PAGE_ALLOC, REQ_PAGE_FREE };

	set(m, M_REQUESTS, (double)count_class(p, 0, -1));
	set(m, M_ALLOCATIONS, (double)count_class(p, 'A', -1));
	set(m, M_FAILED, (double)p->failed);
	set_ratio(m, M_PCP_HIT, (double)count_ops(p, page_ops, sizeof(page_ops), PATH_PCP),
		  (double)count_ops(p, page_ops, sizeof(page_ops), -1));
	set(m, M_EXTFRAG, (double)p->trace_counts[TP_mm_page_alloc_extfrag]);
	set(m, M_FRAGMENTING, (double)p->fragmenting);
	slab_metrics(m, p);
}

static void latency_metrics(struct metrics *m, const struct phase_record *p)
{
	struct histogram *all = calloc(1, sizeof(*all));

	if (!all)
		return;
	for (u32 op = 0; op < NR_REQUESTS; op++)
		for (u32 path = 0; path < NR_MM_PATHS; path++)
			if (p->ops[op][path] && kms_request_classes[op] != 'C')
				histogram_merge(all, &p->ops[op][path]->histogram);
	set(m, M_SIM_TIME, (double)(p->end_time - p->start_time) / KMS_PS_PER_NS);
	set(m, M_BUSY, (double)all->sum / KMS_PS_PER_NS);
	if (all->count) {
		set(m, M_LAT_MEAN, (double)all->sum / (double)all->count / KMS_PS_PER_NS);
		set(m, M_LAT_P50, (double)histogram_quantile(all, 0.5) / KMS_PS_PER_NS);
		set(m, M_LAT_P99, (double)histogram_quantile(all, 0.99) / KMS_PS_PER_NS);
		set(m, M_LAT_P999, (double)histogram_quantile(all, 0.999) / KMS_PS_PER_NS);
	}
	set(m, M_ORDER_WAIT, (double)p->object_wait / KMS_PS_PER_NS);
	free(all);
}

static void hardware_metrics(struct metrics *m, const struct phase_record *p)
{
	double requests = m->value[M_REQUESTS];
	const struct hw_stats *hw = &p->hw;

	set(m, M_INSTRUCTIONS, (double)(p->insns_x1024 / 1024));
	set(m, M_ACCESSES, (double)p->accesses);
	set_ratio(m, M_L1_MISS, (double)hw->l1_misses, requests);
	set_ratio(m, M_L2_MISS, (double)hw->l2_misses, requests);
	set_ratio(m, M_LLC_MISS, (double)hw->llc_misses, requests);
	set(m, M_TRANSFERS, (double)hw->cache_to_cache);
	set(m, M_INVALIDATIONS, (double)hw->invalidations);
	set(m, M_DRAM_READS, (double)hw->dram_reads);
	set(m, M_DRAM_WRITES, (double)hw->dram_writes);
	set_ratio(m, M_ROW_HITS, (double)hw->row_hits,
		  (double)(hw->row_hits + hw->row_misses + hw->row_conflicts));
	set(m, M_LOCK_WAIT, (double)p->lock_wait / KMS_PS_PER_NS);
	set(m, M_LOCK_CONTENDED, (double)p->lock_contended);
}

static void byte_metrics(const struct run *run, struct metrics *m, const struct phase_record *p)
{
	const s64 *b = p->bytes_end;

	if (!p->used) /* the run ended before the measured part began */
		return;
	set(m, M_REQUESTED, (double)b[BYTES_REQUESTED]);
	set(m, M_HELD, (double)((s64)run->account.ram_bytes - b[BYTES_FREE] - b[BYTES_METADATA] -
				b[BYTES_RESERVED]));
	set(m, M_WASTE_ROUNDING, (double)b[BYTES_ROUNDING]);
	set(m, M_WASTE_TAIL, (double)b[BYTES_SLAB_TAIL]);
	set(m, M_WASTE_PARTIAL, (double)b[BYTES_FREE_PARTIAL]);
	set(m, M_WASTE_CPU, (double)b[BYTES_CPU_CACHED]);
	set(m, M_WASTE_ORDER, (double)b[BYTES_PAGE_ORDER]);
	set(m, M_UNUSABLE_9, p->unusable_end);
	set(m, M_INDEX_9, p->index_end);
	set(m, M_UNMOVABLE_IN_MOVABLE, (double)p->unmovable_in_movable);
	if (!p->samples)
		return;
	set(m, M_REQUESTED_PEAK, (double)p->requested_peak);
	set(m, M_HELD_PEAK, (double)p->held_peak);
	set(m, M_INTERNAL_FRAG, p->fragmentation_sum / (double)p->samples);
	set(m, M_SLAB_UTIL, p->utilisation_sum / (double)p->samples);
}

static int store_metrics(struct run *run, int phase, const struct phase_record *p, struct kms_error *err)
{
	struct metrics m = { 0 };
	int ret = 0;

	request_metrics(&m, p);
	byte_metrics(run, &m, p);
	if (run->cycle) {
		latency_metrics(&m, p);
		hardware_metrics(&m, p);
	}
	if (phase < 0 && run->info->requests)
		set(&m, M_COVERAGE, (double)run->replay.done / (double)run->info->requests);
	for (int id = 0; id < NR_METRICS && !ret; id++)
		if (m.known[id])
			ret = store_metric(run->store, phase, (enum metric_id)id, m.value[id], err);
	return ret;
}

static int store_latencies(struct run *run, int phase, const struct phase_record *p, struct kms_error *err)
{
	int ret = 0;

	for (u32 op = 0; op < NR_OPERATIONS; op++)
		for (u32 path = 0; path < NR_MM_PATHS && !ret; path++)
			if (p->ops[op][path])
				ret = store_latency(run->store, phase, run_operation_name(op),
						    rt_path_names[path], &p->ops[op][path]->histogram,
						    p->ops[op][path]->part, err);
	return ret;
}

static int report_phases(struct run *run, struct kms_error *err)
{
	struct recorder *r = &run->recorder;
	struct phase_record *whole = calloc(1, sizeof(*whole));
	int ret = whole ? 0 : kms_fail(err, KMS_EFAIL, "no memory for the summary");

	for (u32 i = 0; i < r->nr_phases && !ret; i++) {
		if (!r->phases[i].used)
			continue;
		if (!r->phases[i].warm_up)
			add_phase(whole, &r->phases[i]);
		ret = store_metrics(run, (int)i, &r->phases[i], err);
		if (!ret)
			ret = store_latencies(run, (int)i, &r->phases[i], err);
	}
	if (!ret)
		ret = store_metrics(run, -1, whole, err);
	if (!ret)
		ret = store_latencies(run, -1, whole, err);
	free_phase(whole);
	return ret;
}

/* ---- tables ---- */

static int report_sizes(struct run *run, struct kms_error *err)
{
	static const char *const kinds[NR_SIZE_KINDS] = { "kmalloc", "cache", "pages" };
	int ret = 0;

	for (u32 kind = 0; kind < NR_SIZE_KINDS; kind++)
		for (u32 i = 0; i < SIZES_MAX && !ret; i++) {
			const struct size_account *s = &run->account.sizes[kind][i];
			u64 high = i <= SIZES_EXACT ? i : SIZES_EXACT + (u64)(i - SIZES_EXACT) * 1024;
			struct store_size row = {
				.kind = kinds[kind], .low = i <= SIZES_EXACT ? i : high - 1023,
				.high = i == SIZES_MAX - 1 ? INT64_MAX : high, .count = s->count,
				.requested_bytes = s->requested, .held_bytes = s->held,
			};

			if (s->count)
				ret = store_size(run->store, &row, err);
		}
	return ret;
}

static int report_sites(struct run *run, struct kms_error *err)
{
	int ret = 0;

	for (u32 i = 0; i < run->info->nr_sites && !ret; i++) {
		const struct site_account *s = &run->account.sites[i];
		struct store_site row = {
			.name = run->info->sites[i], .allocs = s->allocs, .frees = s->frees, .live = s->live,
			.live_bytes = s->live_bytes, .requested_bytes = s->requested_bytes,
			.waste_bytes = s->waste_live, .waste_bytes_total = s->waste_total,
		};

		if (s->allocs)
			ret = store_site(run->store, &row, err);
	}
	return ret;
}

static int report_locks(struct run *run, struct kms_error *err)
{
	int ret = 0;

	for (u32 i = 0; i < rt_nr_locks && run->cycle && !ret; i++) {
		const struct sim_lock_stat *s = sim_lock_stat(i);
		struct store_lock row = { .name = rt_lock_names[i], .holder = "", .acquired = s->acquired,
					  .contended = s->contended, .wait_ps = s->wait, .wait_max_ps = s->wait_max };

		if (!s->acquired)
			continue;
		ret = store_lock(run->store, &row, err);
		for (u32 tag = 0; tag < NR_OPERATIONS && !ret; tag++) {
			row = (struct store_lock){ .name = rt_lock_names[i], .holder = run_operation_name(tag),
						   .wait_ps = s->wait_by_tag[tag] };
			if (row.wait_ps)
				ret = store_lock(run->store, &row, err);
		}
	}
	return ret;
}

static int report_hardware(struct run *run, struct kms_error *err)
{
	struct hw_stats s;
	int ret = 0;

	if (!run->cycle)
		return 0;
	machine_stats(run->machine, -1, &s);
#define HW(field)                                                                                  \
	if (!ret)                                                                                  \
		ret = store_counter(run->store, "hardware", #field, s.field, err)
	HW(reads); HW(writes); HW(atomics); HW(prefetches);
	HW(l1_hits); HW(l1_misses); HW(l2_hits); HW(l2_misses); HW(llc_hits); HW(llc_misses);
	HW(cache_to_cache); HW(invalidations); HW(upgrades); HW(write_backs); HW(evictions);
	HW(dram_reads); HW(dram_writes); HW(row_hits); HW(row_misses); HW(row_conflicts);
	HW(refresh_stalls); HW(remote_node);
	HW(tlb_misses); HW(tlb_walks); HW(walk_reads); HW(hw_prefetches); HW(mshr_waits);
	HW(mshr_merges); HW(core_stalls);
#undef HW
	return ret;
}

/* Fallbacks by type wanted and type of the block taken. */
static int report_fallbacks(struct run *run, struct kms_error *err)
{
	char name[64];
	int ret = 0;

	for (u32 want = 0; want < MOBILITY_TYPES; want++)
		for (u32 got = 0; got < MOBILITY_TYPES && !ret; got++) {
			if (!run->mobility.fallbacks[want][got])
				continue;
			snprintf(name, sizeof(name), "%s from %s", mobility_type_names[want],
				 mobility_type_names[got]);
			ret = store_counter(run->store, "fallback", name,
					    run->mobility.fallbacks[want][got], err);
		}
	return ret;
}

static int report_counters(struct run *run, struct kms_error *err)
{
	const struct recorder *r = &run->recorder;
	u64 object_wait = 0, sync_wait = 0;
	int ret = 0;

	for (u32 i = 0; i < NR_TRACEPOINTS && !ret; i++)
		if (rt_trace_counts()[i]) /* zeros would make a digest depend on points that nobody passed */
			ret = store_counter(run->store, "tracepoint", rt_tracepoint_names[i], rt_trace_counts()[i], err);
	for (u32 i = 0; i < run->info->nr_left_out && !ret; i++)
		ret = store_counter(run->store, "left_out", run->info->left_out[i].what,
				    run->info->left_out[i].count, err);
	for (u32 i = 0; i < r->nr_phases; i++) {
		object_wait += r->phases[i].object_wait;
		sync_wait += r->phases[i].sync_wait;
	}
	if (!ret)
		ret = store_counter(run->store, "wait_ps", "object", object_wait, err);
	if (!ret)
		ret = store_counter(run->store, "wait_ps", "order_border_sample", sync_wait, err);
	return ret;
}

/* What became of the workload's own pages, and /proc/vmstat; nothing where nothing happened. */
static int report_reclaim(struct run *run, struct kms_error *err)
{
	const struct owner_counts *n = &run->owner;
	const struct {
		const char *name;
		u64 value;
	} counts[] = {
		{ "page_cache_listed", n->page_cache }, { "anonymous_listed", n->anonymous },
		{ "page_cache_reclaimed", n->reclaimed }, { "pages_moved", n->moved },
		{ "frees_of_reclaimed_pages", n->frees_of_gone },
		{ "recorded_reclaim_dropped", n->recorded_reclaim },
		{ "tasks_killed", n->killed_tasks }, { "pages_of_killed_tasks", n->killed_pages },
		{ "slab_objects_reclaimed", n->shrunk },
	};
	int ret = 0;

	if (run->config->workload.reclaim != RECLAIM_OWN)
		return n->kept_reclaim ? store_counter(run->store, "owner", "recorded_reclaim_kept",
						       n->kept_reclaim, err)
				       : 0;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(counts) && !ret; i++)
		ret = store_counter(run->store, "owner", counts[i].name, counts[i].value, err);
	for (u32 i = 0; mm_vm_event_name(i) && !ret; i++)
		ret = store_counter(run->store, "vmstat", mm_vm_event_name(i), mm_inspect_vm_event(i), err);
	return ret;
}

int report(struct run *run, struct kms_error *err)
{
	int (*const parts[])(struct run *, struct kms_error *) = {
		report_phases, report_caches, report_zones, report_vm_counters, report_sites, report_sizes,
		report_locks, report_lines, report_hardware,
		report_counters, report_fallbacks, report_reclaim,
	};
	int ret = 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(parts) && !ret; i++)
		ret = parts[i](run, err);
	return ret;
}
