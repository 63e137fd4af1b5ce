/*
 * query.c - reading results; see query.h.
 */
#include "results/query.h"

#include <stdarg.h>
#include <string.h>

#include "results/store_internal.h"

void query_begin(struct query *q, struct store *store, struct kms_error *err, const char *sql,
		 const char *args, ...)
{
	va_list ap;

	*q = (struct query){.store = store, .err = err};
	if (sqlite3_prepare_v2(store->db, sql, -1, &q->stmt, NULL) != SQLITE_OK) {
		q->rc = store_sqlite_error(store, "reading results", err);
		return;
	}
	va_start(ap, args);
	for (int i = 0; args[i]; i++) {
		if (args[i] == 'i')
			sqlite3_bind_int64(q->stmt, i + 1, va_arg(ap, s64));
		else
			sqlite3_bind_text(q->stmt, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
	}
	va_end(ap);
}

bool query_next(struct query *q)
{
	int step;

	if (q->rc)
		return false;
	step = sqlite3_step(q->stmt);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		q->rc = store_sqlite_error(q->store, "reading results", q->err);
	return step == SQLITE_ROW;
}

int query_end(struct query *q)
{
	sqlite3_finalize(q->stmt);
	q->stmt = NULL;
	return q->rc;
}

s64 query_int(const struct query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

double query_double(const struct query *q, int column)
{
	return sqlite3_column_double(q->stmt, column);
}

const char *query_text(const struct query *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q->stmt, column);

	return text ? text : "";
}

bool query_is_null(const struct query *q, int column)
{
	return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

int query_one_int(struct store *store, const char *sql, s64 run, s64 def, s64 *value, struct kms_error *err)
{
	struct query q;

	*value = def;
	query_begin(&q, store, err, sql, "i", run);
	if (query_next(&q) && !query_is_null(&q, 0))
		*value = query_int(&q, 0);
	return query_end(&q);
}

/* Bounds of the merged histogram; the buckets follow. */
static int read_bounds(struct store *store, s64 run, const char *operation, const char *path,
		       struct histogram *h, struct kms_error *err)
{
	struct query q;

	query_begin(&q, store, err,
		    "SELECT sum(count), sum(sum_ps), min(min_ps), max(max_ps) FROM latency_measured"
		    " WHERE run = ?1 AND operation = ?2 AND (?3 IS NULL OR path = ?3) AND count > 0",
		    "iss", run, operation, path);
	if (query_next(&q)) {
		h->count = (u64)query_int(&q, 0);
		h->sum = (u64)query_int(&q, 1);
		h->min = (u64)query_int(&q, 2);
		h->max = (u64)query_int(&q, 3);
	}
	return query_end(&q);
}

int query_histogram(struct store *store, s64 run, const char *operation, const char *path,
		    struct histogram *h, struct kms_error *err)
{
	struct query q;
	int rc;

	memset(h, 0, sizeof(*h));
	rc = read_bounds(store, run, operation, path, h, err);
	if (rc)
		return rc;
	query_begin(&q, store, err,
		    "SELECT b.low_ps, sum(b.count) FROM latency_measured l"
		    " JOIN latency_bucket b ON b.latency = l.id"
		    " WHERE l.run = ?1 AND l.operation = ?2 AND (?3 IS NULL OR l.path = ?3) GROUP BY b.low_ps",
		    "iss", run, operation, path);
	while (query_next(&q))
		h->bucket[histogram_index((u64)query_int(&q, 0))] += (u64)query_int(&q, 1);
	return query_end(&q);
}

#define HELD "requested + rounding + slab_tail + page_order + free_partial + cpu_cached"

static int read_instant(struct store *store, s64 run, const char *sql, struct query_instant *at,
			struct kms_error *err)
{
	struct query q;
	int rc, found = 0;

	query_begin(&q, store, err, sql, "i", run);
	if (query_next(&q)) {
		*at = (struct query_instant){query_int(&q, 0), query_int(&q, 1), query_int(&q, 2)};
		found = 1;
	}
	rc = query_end(&q);
	return rc ? rc : found;
}

int query_instants(struct store *store, s64 run, struct query_instant *peak, struct query_instant *end,
		   struct kms_error *err)
{
	int rc;

	rc = read_instant(store, run,
			  "SELECT b.request, b.time_ps, b.phase FROM byte_partition b"
			  " JOIN phase p ON p.run = b.run AND p.phase = b.phase WHERE b.run = ?"
			  " ORDER BY p.warm_up, " HELD " DESC, request, time_ps, b.phase LIMIT 1", peak, err);
	if (rc != 1)
		return rc;
	return read_instant(store, run,
			    "SELECT request, time_ps, phase FROM byte_partition WHERE run = ?"
			    " ORDER BY request DESC, time_ps DESC, phase DESC LIMIT 1", end, err);
}
