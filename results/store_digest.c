/*
 * store_digest.c - one number over everything simulated in a run.
 *
 * XXH3-128 over the rows of the tables below, in the order of their keys. Each
 * value is fed as a type byte and its bytes in little-endian order; names stand
 * for ids, so a run's digest does not depend on what else is in the database.
 * Left out: ids, uuid, times of day, tool version, compiler, host facts, metric
 * definitions, and the labels that a person chooses (name, title, workload,
 * machine, policy) together with the configuration text and its hash, which
 * hold labels and paths: what they decide shows in the values. What schema
 * versions 2 and 3 added is passed over where a run has none of it, so that older
 * runs keep their digests. docs/results.md says the same to users.
 */
#include "results/store_internal.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

/*
 * Every statement has one parameter, the run's id, and a total order. CROSS JOIN
 * makes SQLite walk samples in the order of its keys instead of sorting them.
 */
static const struct digest_table {
	const char *name, *sql;
} tables[] = {
	{"run", "SELECT status, trace_hash, timing, pacing, seed, ram_bytes FROM run WHERE id = ?"},
	{"phase", "SELECT phase, name, warm_up FROM phase WHERE run = ? ORDER BY phase"},
	{"run_metric", "SELECT rm.phase, m.name, m.unit, rm.value FROM run_metric rm"
		       " JOIN metric m ON m.id = rm.metric WHERE rm.run = ?"
		       " ORDER BY rm.phase, m.name, m.unit, m.definition"},
	{"sample", "SELECT n.name, n.unit, s.node, s.zone, s.page_order, s.request, s.time_ps, s.phase,"
		   " s.value FROM series n CROSS JOIN sample s ON s.series = n.id WHERE s.run = ?"
		   " ORDER BY n.name, n.unit, s.node, s.zone, s.page_order, s.request, s.time_ps, s.phase"},
	{"latency", "SELECT phase, operation, path, count, sum_ps, min_ps, max_ps FROM latency"
		    " WHERE run = ? ORDER BY phase, operation, path"},
	{"latency_part", "SELECT l.phase, l.operation, l.path, p.part, p.name, p.ps FROM latency l"
			 " JOIN latency_part p ON p.latency = l.id WHERE l.run = ?"
			 " ORDER BY l.phase, l.operation, l.path, p.part"},
	{"latency_bucket", "SELECT l.phase, l.operation, l.path, b.low_ps, b.high_ps, b.count FROM latency l"
			   " JOIN latency_bucket b ON b.latency = l.id WHERE l.run = ?"
			   " ORDER BY l.phase, l.operation, l.path, b.low_ps"},
	{"slab_cache", "SELECT position, name, object_size, size, align, page_order, objects_per_slab, slabs,"
		       " slab_bytes, objects, inuse, free_cpu, free_partial, partial_slabs,"
		       " requested_bytes, rounding_bytes, tail_bytes, allocs, frees"
		       " FROM slab_cache WHERE run = ? ORDER BY position"},
	{"zone", "SELECT node, position, name, start_pfn, spanned, present, managed, free_pages, pcp_pages,"
		 " watermark_min, watermark_low, watermark_high FROM zone WHERE run = ?"
		 " ORDER BY node, name"},
	{"zone_order", "SELECT node, zone, page_order, free_blocks FROM zone_order WHERE run = ?"
		       " ORDER BY node, zone, page_order"},
	{"call_site", "SELECT name, allocs, frees, live, live_bytes, requested_bytes, waste_bytes,"
		      " waste_bytes_total FROM call_site WHERE run = ? ORDER BY name"},
	{"lock_wait", "SELECT name, holder, acquired, contended, wait_ps, wait_max_ps FROM lock_wait"
		      " WHERE run = ? ORDER BY name, holder"},
	{"counter", "SELECT category, name, value FROM counter WHERE run = ? ORDER BY category, name"},
	{"slab_cache_2", "SELECT position, active_objects, cpu_slabs, min_partial, cpu_partial, aliases, flags"
			 " FROM slab_cache WHERE run = ? AND active_objects IS NOT NULL ORDER BY position"},
	{"slab_stat", "SELECT position, name, value FROM slab_stat WHERE run = ? ORDER BY position, name"},
	{"zone_2", "SELECT node, name, zone_index, watermark_promo, watermark_boost, free_counter, highatomic"
		   " FROM zone WHERE run = ? AND zone_index IS NOT NULL ORDER BY node, name"},
	{"zone_reserve", "SELECT node, zone, class, pages FROM zone_reserve WHERE run = ?"
			 " ORDER BY node, zone, class"},
	{"zone_order_type", "SELECT node, zone, migratetype, page_order, free_blocks FROM zone_order_type"
			    " WHERE run = ? ORDER BY node, zone, migratetype, page_order"},
	{"zone_pageblock", "SELECT node, zone, migratetype, blocks FROM zone_pageblock WHERE run = ?"
			   " ORDER BY node, zone, migratetype"},
	{"zone_pcp", "SELECT node, zone, cpu, pages, high, batch, high_min, high_max, stat_threshold"
		     " FROM zone_pcp WHERE run = ? ORDER BY node, zone, cpu"},
	{"vm_counter", "SELECT node, zone, name, value FROM vm_counter WHERE run = ?"
		       " ORDER BY node, zone, name"},
	{"slab_fill", "SELECT position, fill, slabs FROM slab_fill WHERE run = ? ORDER BY position, fill"},
	{"page_map", "SELECT cell, request, time_ps, phase, first_pfn, pages, migratetype, free, movable, slab,"
		     " other FROM page_map WHERE run = ? ORDER BY cell, request, time_ps, phase"},
	{"request_size", "SELECT kind, low, high, count, requested_bytes, held_bytes FROM request_size"
			 " WHERE run = ? ORDER BY kind, low"},
};

/* The tables from here on came with schema versions 2 and 3: fed only when they have rows. */
#define FIRST_TABLE_OF_2 13

static void feed_u64(XXH3_state_t *state, char type, u64 value)
{
	u64 le = htole64(value);

	XXH3_128bits_update(state, &type, 1);
	XXH3_128bits_update(state, &le, sizeof(le));
}

static void feed_text(XXH3_state_t *state, const void *text, size_t n)
{
	feed_u64(state, 's', n);
	XXH3_128bits_update(state, text, n);
}

static void feed_column(XXH3_state_t *state, sqlite3_stmt *stmt, int i)
{
	double d;
	u64 bits;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		feed_u64(state, 'i', (u64)sqlite3_column_int64(stmt, i));
		break;
	case SQLITE_FLOAT:
		d = sqlite3_column_double(stmt, i);
		memcpy(&bits, &d, sizeof(bits));
		feed_u64(state, 'd', bits);
		break;
	case SQLITE_NULL:
		feed_u64(state, 'n', 0);
		break;
	default:
		feed_text(state, sqlite3_column_text(stmt, i), (size_t)sqlite3_column_bytes(stmt, i));
	}
}

/* Returns the number of rows fed, or an error. */
static s64 feed_table(struct store *store, XXH3_state_t *state, const struct digest_table *table,
		      s64 run, struct kms_error *err)
{
	bool if_any = table - tables >= FIRST_TABLE_OF_2;
	sqlite3_stmt *stmt;
	s64 rows = 0;
	int rc;

	if (sqlite3_prepare_v2(store->db, table->sql, -1, &stmt, NULL) != SQLITE_OK)
		return store_sqlite_error(store, "computing the digest", err);
	if (!if_any)
		feed_text(state, table->name, strlen(table->name));
	sqlite3_bind_int64(stmt, 1, run);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (if_any && !rows)
			feed_text(state, table->name, strlen(table->name));
		for (int i = 0; i < sqlite3_column_count(stmt); i++)
			feed_column(state, stmt, i);
		rows++;
	}
	if (rows || !if_any)
		feed_u64(state, 'r', (u64)rows);
	if (rc != SQLITE_DONE)
		rows = store_sqlite_error(store, "computing the digest", err);
	sqlite3_finalize(stmt);
	return rows;
}

int store_digest(struct store *store, s64 run_id, char hex[33], struct kms_error *err)
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t hash;
	s64 rows = 0;

	if (!state)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	XXH3_128bits_reset(state);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(tables) && rows >= 0; i++) {
		rows = feed_table(store, state, &tables[i], run_id, err);
		if (i == 0 && rows == 0)
			rows = kms_fail(err, KMS_EUSAGE, "no run %lld in '%s'", (long long)run_id,
					store->path);
	}
	hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	if (rows < 0)
		return (int)rows;
	snprintf(hex, 33, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
	return 0;
}
