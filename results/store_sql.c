/*
 * store_sql.c - the statements that write rows, prepared on first use, and the
 * transactions around them.
 */
#include "results/store_internal.h"

#include <stdio.h>

static const char *const statements[NR_STORE_STMTS] = {
	[ST_BEGIN_RUN] = "INSERT INTO run (uuid, started, name, title, tool_version, compiler,"
			 " compiler_flags, host, config, config_hash, trace_hash, workload, machine,"
			 " policy, timing, pacing, seed, ram_bytes)"
			 " VALUES (?,strftime('%Y-%m-%dT%H:%M:%fZ','now'),?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[ST_METRIC_DEF] = "INSERT INTO metric (name, unit, better, definition) VALUES (?,?,?,?)"
			  " ON CONFLICT DO NOTHING",
	[ST_PHASE] = "INSERT INTO phase VALUES (?,?,?,?)",
	[ST_METRIC] = "INSERT OR REPLACE INTO run_metric SELECT ?, ?, id, ? FROM metric"
		      " WHERE name = ? AND unit = ? AND better = ? AND definition = ?",
	[ST_SERIES] = "INSERT INTO series (name, unit) VALUES (?,?) ON CONFLICT DO NOTHING",
	[ST_SERIES_ID] = "SELECT id FROM series WHERE name = ? AND unit = ?",
	[ST_SAMPLE] = "INSERT OR REPLACE INTO sample VALUES (?,?,?,?,?,?,?,?,?)",
	[ST_LATENCY] = "INSERT INTO latency (run, phase, operation, path, count, sum_ps, min_ps, max_ps)"
		       " VALUES (?,?,?,?,?,?,?,?)",
	[ST_LATENCY_PART] = "INSERT INTO latency_part VALUES (?,?,?,?)",
	[ST_LATENCY_BUCKET] = "INSERT INTO latency_bucket VALUES (?,?,?,?)",
	[ST_CACHE] = "INSERT INTO slab_cache VALUES"
		     " (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[ST_SLAB_STAT] = "INSERT INTO slab_stat VALUES (?,?,?,?)",
	[ST_SLAB_FILL] = "INSERT INTO slab_fill VALUES (?,?,?,?)",
	[ST_PAGE_CELL] = "INSERT INTO page_map VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
	[ST_SIZE] = "INSERT INTO request_size VALUES (?,?,?,?,?,?,?)",
	[ST_ZONE] = "INSERT INTO zone VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[ST_ZONE_RESERVE] = "INSERT INTO zone_reserve VALUES (?,?,?,?,?)",
	[ST_ZONE_ORDER] = "INSERT INTO zone_order VALUES (?,?,?,?,?)",
	[ST_ZONE_ORDER_TYPE] = "INSERT INTO zone_order_type VALUES (?,?,?,?,?,?)",
	[ST_ZONE_PAGEBLOCK] = "INSERT INTO zone_pageblock VALUES (?,?,?,?,?)",
	[ST_ZONE_PCP] = "INSERT INTO zone_pcp VALUES (?,?,?,?,?,?,?,?,?,?)",
	[ST_VM_COUNTER] = "INSERT INTO vm_counter VALUES (?,?,?,?,?)",
	[ST_SITE] = "INSERT INTO call_site VALUES (?,?,?,?,?,?,?,?,?)",
	[ST_LOCK] = "INSERT INTO lock_wait VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
		    " acquired = acquired + excluded.acquired, contended = contended + excluded.contended,"
		    " wait_ps = wait_ps + excluded.wait_ps,"
		    " wait_max_ps = max(wait_max_ps, excluded.wait_max_ps)",
	[ST_COUNTER] = "INSERT INTO counter VALUES (?,?,?,?)",
	[ST_HOST] = "INSERT OR REPLACE INTO host_fact VALUES (?,?,?,?)",
	[ST_END_RUN] = "UPDATE run SET status = ?2,"
		       " finished = strftime('%Y-%m-%dT%H:%M:%fZ','now') WHERE id = ?1",
	[ST_SET_DIGEST] = "UPDATE run SET digest = ?2 WHERE id = ?1",
};

sqlite3_stmt *store_statement(struct store *store, enum store_stmt st, struct kms_error *err)
{
	sqlite3_stmt **stmt = &store->stmt[st];

	if (*stmt) {
		sqlite3_reset(*stmt);
	} else if (sqlite3_prepare_v3(store->db, statements[st], -1, SQLITE_PREPARE_PERSISTENT, stmt,
				      NULL) != SQLITE_OK) {
		store_sqlite_error(store, "preparing a statement", err);
		return NULL;
	}
	return *stmt;
}

static int bind_value(sqlite3_stmt *stmt, int i, const struct store_value *v)
{
	switch (v->type) {
	case SV_INT:
		return sqlite3_bind_int64(stmt, i, v->i);
	case SV_UINT:
		return v->u > INT64_MAX ? SQLITE_TOOBIG : sqlite3_bind_int64(stmt, i, (s64)v->u);
	case SV_REAL:
		return sqlite3_bind_double(stmt, i, v->d);
	default:
		return sqlite3_bind_text(stmt, i, v->s, -1, SQLITE_STATIC);
	}
}

/* A constraint that fails is a mistake of the caller, and worth better words than SQLite's. */
static int put_error(struct store *store, const char *what, struct kms_error *err)
{
	char doing[256];

	switch (sqlite3_extended_errcode(store->db)) {
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_UNIQUE:
		return kms_fail(err, KMS_EFAIL, "%s is stored twice in run %lld", what,
				(long long)store->run);
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return kms_fail(err, KMS_EFAIL,
				"%s belongs to a phase that was not declared, or to no run", what);
	}
	snprintf(doing, sizeof(doing), "storing %s", what);
	return store_sqlite_error(store, doing, err);
}

static int begin(struct store *store, struct kms_error *err)
{
	if (store->mode != STORE_WRITE)
		return kms_fail(err, KMS_EFAIL, "database '%s' was opened for reading", store->path);
	if (!sqlite3_get_autocommit(store->db))
		return 0;
	store->rows = 0;
	return store_exec(store, "BEGIN IMMEDIATE", err);
}

int store_commit(struct store *store, struct kms_error *err)
{
	if (sqlite3_get_autocommit(store->db))
		return 0;
	return store_exec(store, "COMMIT", err);
}

int store_put(struct store *store, enum store_stmt st, const char *what,
	      const struct store_value *values, u32 n, struct kms_error *err)
{
	sqlite3_stmt *stmt;
	int rc;

	rc = begin(store, err);
	if (rc)
		return rc;
	stmt = store_statement(store, st, err);
	if (!stmt)
		return KMS_EFAIL;
	for (u32 i = 0; i < n; i++) {
		rc = bind_value(stmt, (int)i + 1, &values[i]);
		if (rc == SQLITE_TOOBIG)
			return kms_fail(err, KMS_EFAIL,
					"%s: value %llu exceeds what SQLite can hold (2^63 - 1)", what,
					(unsigned long long)values[i].u);
	}
	rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	if (rc != SQLITE_DONE)
		return put_error(store, what, err);
	return ++store->rows >= STORE_BATCH_ROWS ? store_commit(store, err) : 0;
}
