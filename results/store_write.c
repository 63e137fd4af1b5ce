/*
 * store_write.c - a run's records, row by row. See store.h for what callers
 * promise and schema.sql for where the rows go.
 */
#include "results/store_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WHAT(buf, ...)                                                                                 \
	({                                                                                             \
		snprintf(buf, sizeof(buf), __VA_ARGS__);                                               \
		buf;                                                                                   \
	})

/* A random (version 4) uuid: the one thing in a run that no seed decides. */
static int make_uuid(char uuid[37], struct kms_error *err)
{
	u8 b[16];
	char *c = uuid;

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return kms_fail(err, KMS_EFAIL, "no random numbers for the run's uuid: %s", strerror(errno));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (int i = 0; i < 16; i++)
		c += sprintf(c, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	return 0;
}

static const char *text(const char *s)
{
	return s ? s : "";
}

static int define_metrics(struct store *store, struct kms_error *err)
{
	int rc = 0;

	for (u32 i = 0; i < NR_METRICS && !rc; i++) {
		const struct metric_def *m = &metric_defs[i];

		rc = STORE_PUT(store, ST_METRIC_DEF, m->name, err, SV_T(m->name), SV_T(m->unit),
			       SV_I(m->better), SV_T(m->definition));
	}
	return rc;
}

static void forget_run(struct store *store)
{
	for (u32 i = 0; i < store->nr_parts; i++)
		free(store->part_names[i]);
	free(store->part_names);
	store->part_names = NULL;
	store->nr_parts = store->nr_caches = store->nr_zones = store->nr_queued = 0;
	store->run = 0;
}

static int keep_part_names(struct store *store, const struct run_info *info, struct kms_error *err)
{
	store->part_names = calloc(info->nr_parts + 1, sizeof(*store->part_names));
	if (!store->part_names)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	for (store->nr_parts = 0; store->nr_parts < info->nr_parts; store->nr_parts++) {
		char *name = strdup(info->part_names[store->nr_parts]);

		if (!name)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		store->part_names[store->nr_parts] = name;
	}
	return 0;
}

int store_begin_run(struct store *store, const struct run_info *info, s64 *run_id, struct kms_error *err)
{
	char uuid[37];
	int rc;

	if (store->run)
		return kms_fail(err, KMS_EFAIL, "run %lld has not ended", (long long)store->run);
	forget_run(store);
	rc = make_uuid(uuid, err);
	if (!rc)
		rc = keep_part_names(store, info, err);
	if (!rc)
		rc = STORE_PUT(store, ST_BEGIN_RUN, "the run", err, SV_T(uuid), SV_T(text(info->name)),
			       SV_T(text(info->title)), SV_T(text(info->tool_version)),
			       SV_T(text(info->compiler)), SV_T(text(info->compiler_flags)),
			       SV_T(text(info->host)), SV_T(info->config_json ? info->config_json : "{}"),
			       SV_T(text(info->config_hash)), SV_T(text(info->trace_hash)),
			       SV_T(text(info->workload)), SV_T(text(info->machine)),
			       SV_T(text(info->policy)), SV_T(text(info->timing)),
			       SV_T(text(info->pacing)), SV_I((s64)info->seed), SV_U(info->ram_bytes));
	if (rc)
		return rc;
	store->run = sqlite3_last_insert_rowid(store->db);
	*run_id = store->run;
	rc = define_metrics(store, err);
	return rc ? rc : store_phase(store, (u32)-1, "measured part", false, err);
}

int store_phase(struct store *store, u32 phase, const char *name, bool warm_up, struct kms_error *err)
{
	char what[128];
	int rc;

	rc = STORE_PUT(store, ST_PHASE, WHAT(what, "phase %d ('%s')", (int)phase, name), err,
		       SV_I(store->run), SV_I((s32)phase), SV_T(name), SV_I(warm_up));
	return rc ? rc : store_flush(store, err);
}

int store_metric(struct store *store, int phase, enum metric_id metric, double value, struct kms_error *err)
{
	const struct metric_def *m = &metric_defs[metric];
	char what[128];

	if (isnan(value))
		return 0;
	return STORE_PUT(store, ST_METRIC, WHAT(what, "metric '%s' of phase %d", m->name, phase), err,
			 SV_I(store->run), SV_I(phase), SV_D(value), SV_T(m->name), SV_T(m->unit),
			 SV_I(m->better), SV_T(m->definition));
}

static int add_series(struct store *store, const struct store_sample *s, s64 *id, struct kms_error *err)
{
	struct store_series *more;
	sqlite3_stmt *stmt;
	int rc;

	if (store->nr_series == store->max_series) {
		store->max_series = store->max_series ? 2 * store->max_series : 32;
		more = realloc(store->series, store->max_series * sizeof(*more));
		if (!more)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		store->series = more;
	}
	rc = STORE_PUT(store, ST_SERIES, "a series", err, SV_T(s->series), SV_T(s->unit));
	if (rc)
		return rc;
	stmt = store_statement(store, ST_SERIES_ID, err);
	if (!stmt)
		return KMS_EFAIL;
	sqlite3_bind_text(stmt, 1, s->series, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, s->unit, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_ROW)
		return store_sqlite_error(store, "reading a series", err);
	*id = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	more = &store->series[store->nr_series];
	*more = (struct store_series){.key = s->series, .name = strdup(s->series), .id = *id};
	if (!more->name)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	store->nr_series++;
	return store_commit(store, err);
}

static int find_series(struct store *store, const struct store_sample *s, s64 *id, struct kms_error *err)
{
	for (u32 i = 0; i < store->nr_series; i++) {
		if (store->series[i].key == s->series && !strcmp(store->series[i].name, s->series)) {
			*id = store->series[i].id;
			return 0;
		}
	}
	for (u32 i = 0; i < store->nr_series; i++) {
		if (!strcmp(store->series[i].name, s->series)) {
			*id = store->series[i].id;
			return 0;
		}
	}
	return add_series(store, s, id, err);
}

/* In the order of the table's key: neighbours land on the same page. */
static int by_key(const void *a, const void *b)
{
	const struct store_queued *x = a, *y = b;
	const s64 kx[] = {x->series, x->sample.node, x->sample.zone, x->sample.order, x->at};
	const s64 ky[] = {y->series, y->sample.node, y->sample.zone, y->sample.order, y->at};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(kx); i++)
		if (kx[i] != ky[i])
			return kx[i] < ky[i] ? -1 : 1;
	return 0;
}

static int write_queue(struct store *store, struct kms_error *err)
{
	int rc = 0;

	qsort(store->queue, store->nr_queued, sizeof(*store->queue), by_key);
	for (u32 i = 0; i < store->nr_queued && !rc; i++) {
		const struct store_sample *s = &store->queue[i].sample;

		rc = STORE_PUT(store, ST_SAMPLE, "a sample", err, SV_I(store->run),
			       SV_I(store->queue[i].series), SV_I(s->node), SV_I(s->zone), SV_I(s->order),
			       SV_U(s->request), SV_U(s->time), SV_I(s->phase), SV_I(s->value));
	}
	store->nr_queued = 0;
	return rc;
}

int store_flush(struct store *store, struct kms_error *err)
{
	int rc = store->nr_queued ? write_queue(store, err) : 0;

	return rc ? rc : store_commit(store, err);
}

int store_sample(struct store *store, const struct store_sample *sample, struct kms_error *err)
{
	s64 id = 0;
	int rc;

	if (!store->run)
		return kms_fail(err, KMS_EFAIL, "a sample belongs to no run");
	rc = find_series(store, sample, &id, err);
	if (rc)
		return rc;
	store->queue[store->nr_queued] =
		(struct store_queued){.series = id, .at = store->nr_queued, .sample = *sample};
	store->nr_queued++;
	return store->nr_queued == STORE_BATCH_ROWS ? store_flush(store, err) : 0;
}

int store_latency(struct store *store, int phase, const char *operation, const char *path,
		  const struct histogram *h, const u64 *part_ps, struct kms_error *err)
{
	char what[160];
	s64 id;
	int rc;

	WHAT(what, "latency of %s/%s in phase %d", operation, path, phase);
	rc = STORE_PUT(store, ST_LATENCY, what, err, SV_I(store->run), SV_I(phase), SV_T(operation),
		       SV_T(path), SV_U(h->count), SV_U(h->sum), SV_U(h->min), SV_U(h->max));
	id = sqlite3_last_insert_rowid(store->db);
	for (u32 i = 0; i < store->nr_parts && !rc; i++)
		rc = STORE_PUT(store, ST_LATENCY_PART, what, err, SV_I(id), SV_I(i),
			       SV_T(store->part_names[i]), SV_U(part_ps[i]));
	for (u32 i = 0; i < HISTOGRAM_BUCKETS && !rc; i++) {
		if (h->bucket[i])
			rc = STORE_PUT(store, ST_LATENCY_BUCKET, what, err, SV_I(id),
				       SV_U(histogram_low(i)), SV_U(histogram_high(i)), SV_U(h->bucket[i]));
	}
	return rc;
}

int store_cache(struct store *store, const struct store_cache *c, struct kms_error *err)
{
	char what[128];

	return STORE_PUT(store, ST_CACHE, WHAT(what, "slab cache '%s'", c->name), err, SV_I(store->run),
			 SV_I(store->nr_caches++), SV_T(c->name), SV_I(c->object_size), SV_I(c->size),
			 SV_I(c->align), SV_I(c->order), SV_I(c->objects_per_slab), SV_U(c->slabs),
			 SV_U(c->slab_bytes), SV_U(c->objects), SV_U(c->inuse), SV_U(c->free_cpu),
			 SV_U(c->free_partial), SV_U(c->partial_slabs), SV_U(c->requested_bytes),
			 SV_U(c->rounding_bytes), SV_U(c->tail_bytes), SV_U(c->allocs), SV_U(c->frees),
			 SV_U(c->active_objects), SV_U(c->cpu_slabs), SV_I(c->min_partial),
			 SV_I(c->cpu_partial), SV_I(c->aliases), SV_I(c->flags));
}

int store_slab_stat(struct store *store, const char *name, u64 value, struct kms_error *err)
{
	char what[128];

	return STORE_PUT(store, ST_SLAB_STAT, WHAT(what, "slab statistics counter '%s'", name), err,
			 SV_I(store->run), SV_I((s64)store->nr_caches - 1), SV_T(name), SV_U(value));
}

const char *const store_slab_series[NR_STORE_SLAB_FILLS] = {
	[STORE_SLAB_EMPTY] = "slabs.empty", [STORE_SLAB_Q1] = "slabs.q1",     [STORE_SLAB_Q2] = "slabs.q2",
	[STORE_SLAB_Q3] = "slabs.q3",	    [STORE_SLAB_Q4] = "slabs.q4",     [STORE_SLAB_FULL] = "slabs.full",
	[STORE_SLAB_CPU] = "slabs.cpu",
};

int store_slab_fill(struct store *store, enum store_slab_fill fill, u64 slabs, struct kms_error *err)
{
	return STORE_PUT(store, ST_SLAB_FILL, "how full slabs are", err, SV_I(store->run),
			 SV_I((s64)store->nr_caches - 1), SV_T(store_slab_series[fill] + strlen("slabs.")),
			 SV_U(slabs));
}

int store_page_cell(struct store *store, const struct store_sample *when, const struct store_page_cell *c,
		    struct kms_error *err)
{
	return STORE_PUT(store, ST_PAGE_CELL, "a cell of the page map", err, SV_I(store->run), SV_I(c->cell),
			 SV_U(when->request), SV_U(when->time), SV_I(when->phase), SV_U(c->first_pfn),
			 SV_I(c->pages), SV_I(c->migratetype), SV_I(c->free), SV_I(c->movable), SV_I(c->slab),
			 SV_I(c->other));
}

int store_size(struct store *store, const struct store_size *s, struct kms_error *err)
{
	return STORE_PUT(store, ST_SIZE, "a size", err, SV_I(store->run), SV_T(s->kind), SV_U(s->low),
			 SV_U(s->high), SV_U(s->count), SV_U(s->requested_bytes), SV_U(s->held_bytes));
}

/* Free blocks, in all and by migratetype, and pageblocks. */
static int store_zone_blocks(struct store *store, const struct store_zone *z, const char *what,
			     struct kms_error *err)
{
	int rc = 0;

	for (u32 i = 0; i < KMS_ARRAY_SIZE(z->nr_free) && !rc; i++)
		rc = STORE_PUT(store, ST_ZONE_ORDER, what, err, SV_I(store->run), SV_I(z->node),
			       SV_T(z->name), SV_I(i), SV_U(z->nr_free[i]));
	for (u32 mt = 0; mt < STORE_MIGRATETYPES && !rc; mt++) {
		rc = STORE_PUT(store, ST_ZONE_PAGEBLOCK, what, err, SV_I(store->run), SV_I(z->node),
			       SV_T(z->name), SV_I(mt), SV_U(z->pageblocks[mt]));
		for (u32 i = 0; i < KMS_ARRAY_SIZE(z->nr_free) && !rc; i++)
			rc = STORE_PUT(store, ST_ZONE_ORDER_TYPE, what, err, SV_I(store->run),
				       SV_I(z->node), SV_T(z->name), SV_I(mt), SV_I(i),
				       SV_U(z->nr_free_type[i][mt]));
	}
	return rc;
}

int store_zone(struct store *store, const struct store_zone *z, struct kms_error *err)
{
	char what[128];
	int rc;

	WHAT(what, "zone %s of node %u", z->name, z->node);
	rc = STORE_PUT(store, ST_ZONE, what, err, SV_I(store->run), SV_I(z->node),
		       SV_I(store->nr_zones++), SV_T(z->name), SV_U(z->start_pfn), SV_U(z->spanned),
		       SV_U(z->present), SV_U(z->managed), SV_U(z->free_pages), SV_U(z->pcp_pages),
		       SV_U(z->watermark_min), SV_U(z->watermark_low), SV_U(z->watermark_high),
		       SV_I(z->index), SV_U(z->watermark_promo), SV_U(z->watermark_boost),
		       SV_U(z->free_counter), SV_U(z->highatomic));
	for (u32 i = 0; i < STORE_ZONES && !rc; i++)
		rc = STORE_PUT(store, ST_ZONE_RESERVE, what, err, SV_I(store->run), SV_I(z->node),
			       SV_T(z->name), SV_I(i), SV_U(z->reserve[i]));
	return rc ? rc : store_zone_blocks(store, z, what, err);
}

int store_pcp(struct store *store, const struct store_pcp *p, struct kms_error *err)
{
	char what[128];

	return STORE_PUT(store, ST_ZONE_PCP, WHAT(what, "page lists of CPU %u, zone %s", p->cpu, p->zone),
			 err, SV_I(store->run), SV_I(p->node), SV_T(p->zone), SV_I(p->cpu), SV_I(p->pages),
			 SV_I(p->high), SV_I(p->batch), SV_I(p->high_min), SV_I(p->high_max),
			 SV_I(p->stat_threshold));
}

int store_vm_counter(struct store *store, int node, const char *zone, const char *name, s64 value,
		     struct kms_error *err)
{
	char what[128];

	return STORE_PUT(store, ST_VM_COUNTER, WHAT(what, "kernel counter '%s'", name), err,
			 SV_I(store->run), SV_I(node), SV_T(zone), SV_T(name), SV_I(value));
}

int store_site(struct store *store, const struct store_site *s, struct kms_error *err)
{
	char what[160];

	return STORE_PUT(store, ST_SITE, WHAT(what, "call site '%s'", s->name), err, SV_I(store->run),
			 SV_T(s->name), SV_U(s->allocs), SV_U(s->frees), SV_U(s->live), SV_U(s->live_bytes),
			 SV_U(s->requested_bytes), SV_U(s->waste_bytes), SV_U(s->waste_bytes_total));
}

int store_lock(struct store *store, const struct store_lock *l, struct kms_error *err)
{
	char what[160];

	return STORE_PUT(store, ST_LOCK, WHAT(what, "lock '%s'", l->name), err, SV_I(store->run),
			 SV_T(l->name), SV_T(text(l->holder)), SV_U(l->acquired), SV_U(l->contended),
			 SV_U(l->wait_ps), SV_U(l->wait_max_ps));
}

int store_counter(struct store *store, const char *group, const char *name, u64 value, struct kms_error *err)
{
	char what[160];

	return STORE_PUT(store, ST_COUNTER, WHAT(what, "counter '%s' of '%s'", name, group), err,
			 SV_I(store->run), SV_T(group), SV_T(name), SV_U(value));
}

int store_host(struct store *store, const char *name, double value, const char *unit, struct kms_error *err)
{
	char what[160];

	if (isnan(value))
		return 0;
	return STORE_PUT(store, ST_HOST, WHAT(what, "host fact '%s'", name), err, SV_I(store->run),
			 SV_T(name), SV_D(value), SV_T(unit));
}

int store_end_run(struct store *store, const char *status, struct kms_error *err)
{
	char hex[33];
	int rc;

	if (!store->run)
		return kms_fail(err, KMS_EFAIL, "no run to end");
	rc = store_flush(store, err);
	if (!rc)
		rc = STORE_PUT(store, ST_END_RUN, "the end of the run", err, SV_I(store->run), SV_T(status));
	if (!rc)
		rc = store_digest(store, store->run, hex, err);
	if (!rc)
		rc = STORE_PUT(store, ST_SET_DIGEST, "the digest", err, SV_I(store->run), SV_T(hex));
	if (!rc)
		rc = store_commit(store, err);
	if (rc)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	forget_run(store);
	return rc;
}

int store_close(struct store *store, struct kms_error *err)
{
	int rc = 0;

	if (!store)
		return 0;
	if (store->run)
		rc = store_flush(store, err);
	forget_run(store);
	for (u32 i = 0; i < NR_STORE_STMTS; i++)
		sqlite3_finalize(store->stmt[i]);
	for (u32 i = 0; i < store->nr_series; i++)
		free(store->series[i].name);
	sqlite3_close(store->db);
	free(store->series);
	free(store->queue);
	free(store->path);
	free(store);
	return rc;
}
