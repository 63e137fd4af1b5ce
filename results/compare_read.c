/*
 * compare_read.c - the figures of one run, each with a name, from the database.
 *
 * Metrics keep their names. latency.OPERATION[.PATH].STATISTIC is about the
 * requests of the measured part, peak.CAUSE about the sample at which the run
 * held most, lock.NAME... about the whole run.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results/compare.h"
#include "results/query.h"

const char *const compare_section_names[NR_COMPARE_SECTIONS] = {
	"work", "latency", "paths", "memory", "waste", "contention", "sharing", "hardware", "other",
};
const char *const compare_section_titles[NR_COMPARE_SECTIONS] = {
	"Work", "Latency", "Latency by path", "Memory", "Where it was when most was held",
	"Contention (single locks: over the whole run)", "Contended cache lines by field (whole run)",
	"Caches and DRAM", "Further metrics",
};

/* ---- a growing list ---- */

static struct compare_value *add(struct compare_values *v)
{
	struct compare_value *more;

	if (v->n == v->cap) {
		more = realloc(v->all, (v->cap + 64) * 2 * sizeof(*more));
		if (!more)
			return NULL;
		v->all = more;
		v->cap = (v->cap + 64) * 2;
	}
	v->all[v->n] = (struct compare_value){0};
	return &v->all[v->n++];
}

void compare_values_free(struct compare_values *v)
{
	free(v->all);
	*v = (struct compare_values){0};
}

/* ---- metrics ---- */

/* In which section a metric stands, and what people read; in this order. */
static const struct shown_metric {
	const char *name, *label;
	enum compare_section section;
	bool detail;
} shown_metrics[] = {
	{"requests", "requests carried out", COMPARE_WORK, false},
	{"allocations", "allocations", COMPARE_WORK, true},
	{"failed_allocations", "failed allocations", COMPARE_WORK, false},
	{"coverage", "coverage of the workload", COMPARE_WORK, true},
	{"simulated_time", "simulated time", COMPARE_WORK, false},
	{"cpu_time", "time inside requests, all CPUs", COMPARE_WORK, false},
	{"object_wait", "wait for others' objects", COMPARE_WORK, true},
	{"instructions", "instructions", COMPARE_WORK, false},
	{"fast_path_share", "slab fast path", COMPARE_WORK, false},
	{"pcp_hit_share", "per-CPU page lists", COMPARE_WORK, false},
	{"slabs_allocated", "slabs allocated", COMPARE_WORK, false},
	{"slabs_freed", "slabs freed", COMPARE_WORK, false},
	{"fallback_events", "fallbacks", COMPARE_WORK, false},
	{"fragmenting_fallbacks", "of these, fragmenting", COMPARE_WORK, false},
	{"latency_mean", "all requests  mean", COMPARE_LATENCY, false},
	{"latency_p50", "all requests  p50", COMPARE_LATENCY, false},
	{"latency_p99", "all requests  p99", COMPARE_LATENCY, false},
	{"latency_p999", "all requests  p99.9", COMPARE_LATENCY, false},
	{"requested_bytes_peak", "requested, peak", COMPARE_MEMORY, false},
	{"held_bytes_peak", "held, peak", COMPARE_MEMORY, false},
	{"requested_bytes", "requested, end", COMPARE_MEMORY, false},
	{"held_bytes", "held, end", COMPARE_MEMORY, false},
	{"internal_fragmentation", "internal fragmentation", COMPARE_MEMORY, false},
	{"slab_utilisation", "slab utilisation", COMPARE_MEMORY, false},
	{"unusable_index_order9", "free, but no huge page", COMPARE_MEMORY, false},
	{"fragmentation_index_order9", "fragmentation index, order 9", COMPARE_MEMORY, false},
	{"unmovable_in_movable_pages", "unmovable in movable blocks", COMPARE_MEMORY, false},
	{"waste_size_rounding", "size rounding, end", COMPARE_WASTE, true},
	{"waste_slab_tail", "slab tails, end", COMPARE_WASTE, true},
	{"waste_page_order", "page-order rounding, end", COMPARE_WASTE, true},
	{"waste_partial_slabs", "free in partial slabs, end", COMPARE_WASTE, true},
	{"waste_cpu_cached", "cached by CPUs, end", COMPARE_WASTE, true},
	{"lock_wait", "lock wait, all CPUs", COMPARE_CONTENTION, false},
	{"contended_locks", "contended acquisitions", COMPARE_CONTENTION, false},
	{"line_transfers", "cache lines between CPUs", COMPARE_CONTENTION, false},
	{"invalidations", "invalidations", COMPARE_CONTENTION, false},
	{"l1_misses_per_request", "L1 misses per request", COMPARE_HARDWARE, false},
	{"l2_misses_per_request", "L2 misses per request", COMPARE_HARDWARE, false},
	{"llc_misses_per_request", "LLC misses per request", COMPARE_HARDWARE, false},
	{"memory_accesses", "memory accesses", COMPARE_HARDWARE, false},
	{"dram_reads", "DRAM reads", COMPARE_HARDWARE, false},
	{"dram_writes", "DRAM writes", COMPARE_HARDWARE, false},
	{"dram_row_hit_rate", "DRAM row hits", COMPARE_HARDWARE, false},
};

/* Position in shown_metrics, or behind it: a metric of a newer version is shown as well. */
static size_t metric_position(const char *name)
{
	size_t i = 0;

	while (i < KMS_ARRAY_SIZE(shown_metrics) && strcmp(shown_metrics[i].name, name))
		i++;
	return i;
}

static void fill_metric(struct compare_value *v, const struct query *q)
{
	size_t at = metric_position(query_text(q, 0));
	struct compare_figure *f = &v->figure;
	bool known = at < KMS_ARRAY_SIZE(shown_metrics);

	snprintf(f->name, sizeof(f->name), "%s", query_text(q, 0));
	snprintf(f->unit, sizeof(f->unit), "%s", query_text(q, 1));
	f->better = (int)query_int(q, 2);
	v->value = query_double(q, 3);
	f->section = known ? shown_metrics[at].section : COMPARE_OTHER;
	f->detail = known && shown_metrics[at].detail;
	snprintf(f->label, sizeof(f->label), "%.50s", known ? shown_metrics[at].label : f->name);
	for (char *c = f->label; !known && *c; c++)
		*c = *c == '_' ? ' ' : *c;
}

static int by_position(const void *a, const void *b)
{
	const struct compare_value *x = a, *y = b;
	size_t px = metric_position(x->figure.name), py = metric_position(y->figure.name);

	return px != py ? (px < py ? -1 : 1) : strcmp(x->figure.name, y->figure.name);
}

static int read_metrics(struct store *store, s64 run, struct compare_values *values,
			struct kms_error *err)
{
	struct query q;
	int rc = 0;

	query_begin(&q, store, err,
		    "SELECT name, unit, better, value FROM metric_value WHERE run = ? AND phase = -1",
		    "i", run);
	while (!rc && query_next(&q)) {
		struct compare_value *v = add(values);

		if (v)
			fill_metric(v, &q);
		else
			rc = kms_fail(err, KMS_EFAIL, "out of memory");
	}
	if (values->n)
		qsort(values->all, values->n, sizeof(*values->all), by_position);
	return query_end(&q) ? q.rc : rc;
}

/* ---- latencies ---- */

static const struct statistic {
	const char *name;
	double quantile; /* 0: the mean */
} statistics[] = {{"mean", 0}, {"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}};

struct operation {
	const char *name, *path; /* path NULL: all */
	u32 rank;
	double share; /* of the operation's requests, where there is a path */
};

static int add_statistic(struct compare_values *values, const struct operation *op, const char *what,
			 const char *unit, double value)
{
	struct compare_value *v = add(values);
	struct compare_figure *f;
	char whose[40];

	if (!v)
		return KMS_EFAIL;
	f = &v->figure;
	snprintf(f->name, sizeof(f->name), "latency.%s%s%s.%s", op->name, op->path ? "." : "",
		 op->path ? op->path : "", what);
	snprintf(whose, sizeof(whose), "%.18s%s%.20s", op->name, op->path ? " " : "",
		 op->path ? op->path : "");
	snprintf(f->label, sizeof(f->label), "%s  %s", whose, what);
	snprintf(f->unit, sizeof(f->unit), "%s", unit);
	f->section = op->path ? COMPARE_PATHS : COMPARE_LATENCY;
	f->rank = op->rank;
	f->better = strcmp(unit, "ns") ? 0 : -1;
	f->detail = op->path && (!strcmp(what, "mean") || !strcmp(what, "p99.9"));
	v->value = value;
	return 0;
}

static int add_latency(struct compare_values *values, const struct operation *op,
		       const struct histogram *h, struct kms_error *err)
{
	int rc = op->path ? add_statistic(values, op, "share", "ratio", op->share) : 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(statistics) && !rc; i++) {
		const struct statistic *s = &statistics[i];
		double ps = s->quantile ? (double)histogram_quantile(h, s->quantile)
					: (double)h->sum / (double)h->count;

		rc = add_statistic(values, op, s->name, "ns", ps / KMS_PS_PER_NS);
	}
	return rc ? kms_fail(err, KMS_EFAIL, "out of memory") : 0;
}

static int read_latency(struct store *store, s64 run, struct operation *op, struct histogram *h,
			double *count, struct compare_values *values, struct kms_error *err)
{
	int rc = query_histogram(store, run, op->name, op->path, h, err);

	if (rc || !h->count)
		return rc;
	if (!op->path)
		*count = (double)h->count;
	op->share = (double)h->count / *count;
	return add_latency(values, op, h, err);
}

/* Operations by total time, each whole first and then its paths. */
static int read_latencies(struct store *store, s64 run, struct histogram *h,
			  struct compare_values *values, struct kms_error *err)
{
	struct operation op = {.rank = ~0u};
	char name[64] = "";
	double count = 1;
	struct query q;
	int rc = 0;

	query_begin(&q, store, err,
		    "WITH l AS (SELECT operation, path, sum(sum_ps) AS ps FROM latency_measured"
		    " WHERE run = ? AND count > 0 GROUP BY operation, path)"
		    " SELECT operation, path, sum(ps) OVER (PARTITION BY operation) AS whole FROM l"
		    " ORDER BY whole DESC, operation, ps DESC, path",
		    "i", run);
	while (!rc && query_next(&q)) {
		op.name = query_text(&q, 0);
		op.path = NULL;
		if (strcmp(name, op.name)) {
			snprintf(name, sizeof(name), "%s", op.name);
			op.rank++;
			rc = read_latency(store, run, &op, h, &count, values, err);
		}
		op.path = query_text(&q, 1);
		if (!rc)
			rc = read_latency(store, run, &op, h, &count, values, err);
	}
	return query_end(&q) ? q.rc : rc;
}

/* ---- bytes at the peak ---- */

static const struct {
	const char *column, *label;
	int better;
} states[] = {
	{"requested", "requested", 0},
	{"rounding", "lost to size rounding", -1},
	{"slab_tail", "lost in slab tails", -1},
	{"page_order", "lost to page-order rounding", -1},
	{"free_partial", "free in partial slabs", -1},
	{"cpu_cached", "cached by CPUs", -1},
};

static int read_peak(struct store *store, s64 run, struct compare_values *values, struct kms_error *err)
{
	struct query_instant peak, end;
	struct query q;
	int rc = query_instants(store, run, &peak, &end, err);

	if (rc <= 0)
		return rc;
	query_begin(&q, store, err,
		    "SELECT requested, rounding, slab_tail, page_order, free_partial, cpu_cached"
		    " FROM byte_partition WHERE run = ? AND request = ? AND time_ps = ? AND phase = ?",
		    "iiii", run, peak.request, peak.time_ps, peak.phase);
	rc = 0;
	if (query_next(&q)) {
		for (int i = 0; i < (int)KMS_ARRAY_SIZE(states) && !rc; i++) {
			struct compare_value *v = add(values);

			if (!v) {
				rc = kms_fail(err, KMS_EFAIL, "out of memory");
				break;
			}
			snprintf(v->figure.name, sizeof(v->figure.name), "peak.%s", states[i].column);
			snprintf(v->figure.label, sizeof(v->figure.label), "%s", states[i].label);
			strcpy(v->figure.unit, "bytes");
			v->figure.better = states[i].better;
			v->figure.section = COMPARE_WASTE;
			v->value = query_double(&q, i);
		}
	}
	return query_end(&q) ? q.rc : rc;
}

/* ---- locks ---- */

static int add_lock(struct compare_values *values, const char *lock, const char *what, const char *unit,
		    double value, u32 rank)
{
	struct compare_value *v = add(values);

	if (!v)
		return KMS_EFAIL;
	snprintf(v->figure.name, sizeof(v->figure.name), "lock.%s.%s", lock, what);
	snprintf(v->figure.label, sizeof(v->figure.label), "lock %.30s  %s", lock, what);
	snprintf(v->figure.unit, sizeof(v->figure.unit), "%s", unit);
	v->figure.better = strcmp(what, "acquired") ? -1 : 0;
	v->figure.section = COMPARE_CONTENTION;
	v->figure.rank = rank;
	v->value = value;
	return 0;
}

static int read_locks(struct store *store, s64 run, struct compare_values *values, struct kms_error *err)
{
	struct query q;
	int rc = 0;
	u32 rank = 0;

	query_begin(&q, store, err,
		    "SELECT name, acquired, contended, wait_ps / 1000.0 FROM lock_wait"
		    " WHERE run = ? AND holder = '' ORDER BY wait_ps DESC, acquired DESC, name",
		    "i", run);
	for (; !rc && query_next(&q); rank++) {
		const char *name = query_text(&q, 0);

		rc = add_lock(values, name, "acquired", "times", query_double(&q, 1), rank);
		if (!rc)
			rc = add_lock(values, name, "contended", "times", query_double(&q, 2), rank);
		if (!rc)
			rc = add_lock(values, name, "wait", "ns", query_double(&q, 3), rank);
		if (rc)
			kms_fail(err, KMS_EFAIL, "out of memory");
	}
	return query_end(&q) ? q.rc : rc;
}

/* ---- contended lines ---- */

static int add_field(struct compare_values *values, const char *structure, const char *field,
		     const char *what, double value)
{
	struct compare_value *v = add(values);
	char *name;

	if (!v)
		return KMS_EFAIL;
	if (!strncmp(structure, "struct ", 7))
		structure += 7;
	name = v->figure.name;
	snprintf(name, sizeof(v->figure.name), "field.%.44s:%.44s.%s", structure, field, what);
	for (char *c = name; *c; c++)
		*c = *c == ' ' ? '_' : *c == ',' ? '+' : *c;
	snprintf(v->figure.label, sizeof(v->figure.label), "%.18s%s%.24s  %s", structure, *field ? "." : "",
		 field, what);
	strcpy(v->figure.unit, "times");
	v->figure.better = -1;
	v->figure.section = COMPARE_SHARING;
	v->value = value;
	return 0;
}

static int read_fields(struct store *store, s64 run, struct compare_values *values, struct kms_error *err)
{
	struct query q;
	int rc = 0;

	query_begin(&q, store, err,
		    "SELECT structure, field, caused, false_sharing FROM contended_field"
		    " WHERE run = ? AND caused > 0 ORDER BY caused DESC, structure, field",
		    "i", run);
	while (!rc && query_next(&q)) {
		const char *structure = query_text(&q, 0), *field = query_text(&q, 1);

		rc = add_field(values, structure, field, "conflicts", query_double(&q, 2));
		if (!rc)
			rc = add_field(values, structure, field, "false", query_double(&q, 3));
		if (rc)
			kms_fail(err, KMS_EFAIL, "out of memory");
	}
	return query_end(&q) ? q.rc : rc;
}

int compare_read(struct store *store, s64 run, struct compare_values *values, struct kms_error *err)
{
	struct histogram *h = malloc(sizeof(*h));
	int rc;

	*values = (struct compare_values){0};
	if (!h)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	rc = read_metrics(store, run, values, err);
	if (!rc)
		rc = read_latencies(store, run, h, values, err);
	if (!rc)
		rc = read_peak(store, run, values, err);
	if (!rc)
		rc = read_locks(store, run, values, err);
	if (!rc)
		rc = read_fields(store, run, values, err);
	free(h);
	return rc;
}
