/*
 * merge.c - one results database into another; see merge.h.
 *
 * Nothing here knows the tables by name except `run`: what a table's rows hang
 * on is read from its foreign keys, so that a new table of schema.sql is merged
 * without a change here. Three kinds of tables:
 *   - rows that belong to a run, with an id: the id is shifted behind those
 *     that are in the target (run itself, latency);
 *   - names that runs share (metric, series): matched by all their columns;
 *   - the others: copied, with the columns that refer to one of the above mapped.
 */
#include "results/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results/query.h"
#include "results/store_internal.h"

#define MAX_TABLES 64
#define MAX_COLUMNS 48
#define MAX_NAME 64

struct column {
	char name[MAX_NAME];
	char table[MAX_NAME], to[MAX_NAME]; /* what it refers to; "": nothing */
};

struct table {
	char name[MAX_NAME];
	struct column columns[MAX_COLUMNS];
	u32 nr_columns;
	bool has_id; /* INTEGER PRIMARY KEY called id */
	bool shared; /* names that runs have in common */
	s64 shift;   /* of ids, where they are not shared */
};

struct merge {
	struct store *into;
	struct table *tables;
	u32 n;
	struct kms_error *err;
};

static struct table *find_table(const struct merge *m, const char *name)
{
	for (u32 i = 0; i < m->n; i++)
		if (!strcmp(m->tables[i].name, name))
			return &m->tables[i];
	return NULL;
}

static struct column *find_column(struct table *t, const char *name)
{
	for (u32 i = 0; i < t->nr_columns; i++)
		if (!strcmp(t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

/* ---- reading the schema ---- */

static int read_columns(struct merge *m, struct table *t)
{
	struct query q;

	query_begin(&q, m->into, m->err, "SELECT name, pk, type FROM pragma_table_info(?, 'main')", "s",
		    t->name);
	while (query_next(&q) && t->nr_columns < MAX_COLUMNS) {
		struct column *c = &t->columns[t->nr_columns++];

		snprintf(c->name, MAX_NAME, "%s", query_text(&q, 0));
		if (query_int(&q, 1) && !strcmp(c->name, "id"))
			t->has_id = true;
	}
	return query_end(&q);
}

/* Of several keys that a column is part of, any leads to the same root. */
static int read_references(struct merge *m, struct table *t)
{
	struct query q;

	query_begin(&q, m->into, m->err,
		    "SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?, 'main')", "s", t->name);
	while (query_next(&q)) {
		struct column *c = find_column(t, query_text(&q, 0));

		if (!c)
			continue;
		snprintf(c->table, MAX_NAME, "%s", query_text(&q, 1));
		snprintf(c->to, MAX_NAME, "%s", query_text(&q, 2));
	}
	return query_end(&q);
}

static int read_schema(struct merge *m)
{
	struct query q;
	int rc;

	query_begin(&q, m->into, m->err,
		    "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
		    " ORDER BY rowid",
		    "");
	while (query_next(&q) && m->n < MAX_TABLES)
		snprintf(m->tables[m->n++].name, MAX_NAME, "%s", query_text(&q, 0));
	rc = query_end(&q);
	for (u32 i = 0; i < m->n && !rc; i++) {
		rc = read_columns(m, &m->tables[i]);
		if (!rc)
			rc = read_references(m, &m->tables[i]);
	}
	return rc;
}

/* The table whose id a column holds, by way of other tables' keys; NULL: none. */
static struct table *root_of(const struct merge *m, const struct column *c)
{
	for (u32 depth = 0; *c->table && depth < MAX_TABLES; depth++) {
		struct table *t = find_table(m, c->table);

		if (!t)
			return NULL;
		if (t->has_id && !strcmp(c->to, "id"))
			return t;
		c = find_column(t, c->to);
		if (!c)
			return NULL;
	}
	return NULL;
}

static bool belongs_to_a_run(const struct merge *m, const struct table *t)
{
	if (!strcmp(t->name, "run"))
		return true;
	for (u32 i = 0; i < t->nr_columns; i++) {
		const struct table *root = root_of(m, &t->columns[i]);

		if (root && root != t && belongs_to_a_run(m, root))
			return true;
	}
	return false;
}

/* ---- ids ---- */

static int read_shift(struct merge *m, struct table *t)
{
	char sql[160];
	struct query q;

	snprintf(sql, sizeof(sql), "SELECT coalesce(max(id), 0) FROM main.%s", t->name);
	query_begin(&q, m->into, m->err, sql, "");
	if (query_next(&q))
		t->shift = query_int(&q, 0);
	return query_end(&q);
}

/* Columns but the id, with a prefix each. */
static void put_names(char *sql, size_t n, const struct table *t, const char *prefix)
{
	size_t len = strlen(sql);
	bool first = true;

	for (u32 i = 0; i < t->nr_columns; i++) {
		if (t->has_id && !strcmp(t->columns[i].name, "id"))
			continue;
		len += (size_t)snprintf(sql + len, n - len, "%s%s%s", first ? "" : ", ", prefix,
					t->columns[i].name);
		first = false;
	}
}

#define SQL_SIZE 8192

/* Add the names that are missing, and note which id each has here. */
static int merge_shared(struct merge *m, struct table *t)
{
	char *sql = calloc(1, SQL_SIZE);
	size_t len;
	int rc;

	if (!sql)
		return kms_fail(m->err, KMS_EFAIL, "out of memory");
	snprintf(sql, SQL_SIZE, "INSERT OR IGNORE INTO main.%s (", t->name);
	put_names(sql, SQL_SIZE, t, "");
	strcat(sql, ") SELECT ");
	put_names(sql, SQL_SIZE, t, "");
	len = strlen(sql);
	snprintf(sql + len, SQL_SIZE - len, " FROM merged.%s ORDER BY id", t->name);
	rc = store_exec(m->into, sql, m->err);
	len = (size_t)snprintf(sql, SQL_SIZE,
			       "CREATE TEMP TABLE map_%s AS SELECT f.id AS old, t.id AS new"
			       " FROM merged.%s f JOIN main.%s t ON 1",
			       t->name, t->name, t->name);
	for (u32 i = 0; i < t->nr_columns; i++)
		if (strcmp(t->columns[i].name, "id"))
			len += (size_t)snprintf(sql + len, SQL_SIZE - len, " AND f.%s IS t.%s",
						t->columns[i].name, t->columns[i].name);
	if (!rc)
		rc = store_exec(m->into, sql, m->err);
	free(sql);
	return rc;
}

/* ---- rows ---- */

static size_t put_value(char *sql, size_t n, const struct merge *m, const struct table *t,
			const struct column *c)
{
	const struct table *root = t->has_id && !strcmp(c->name, "id") ? t : root_of(m, c);

	if (!root)
		return (size_t)snprintf(sql, n, "f.%s", c->name);
	if (root->shared)
		return (size_t)snprintf(sql, n, "(SELECT new FROM temp.map_%s WHERE old = f.%s)",
					root->name, c->name);
	return (size_t)snprintf(sql, n, "f.%s + %lld", c->name, (long long)root->shift);
}

static int merge_rows(struct merge *m, const struct table *t)
{
	char *sql = malloc(SQL_SIZE);
	size_t len;
	int rc;

	if (!sql)
		return kms_fail(m->err, KMS_EFAIL, "out of memory");
	len = (size_t)snprintf(sql, SQL_SIZE, "INSERT INTO main.%s (", t->name);
	for (u32 i = 0; i < t->nr_columns; i++)
		len += (size_t)snprintf(sql + len, SQL_SIZE - len, "%s%s", i ? ", " : "",
					t->columns[i].name);
	len += (size_t)snprintf(sql + len, SQL_SIZE - len, ") SELECT ");
	for (u32 i = 0; i < t->nr_columns; i++) {
		len += (size_t)snprintf(sql + len, SQL_SIZE - len, "%s", i ? ", " : "");
		len += put_value(sql + len, SQL_SIZE - len, m, t, &t->columns[i]);
	}
	snprintf(sql + len, SQL_SIZE - len, " FROM merged.%s f", t->name);
	rc = store_exec(m->into, sql, m->err);
	free(sql);
	return rc;
}

static int check_uuids(struct merge *m)
{
	char uuid[64] = "";
	struct query q;
	int rc;

	query_begin(&q, m->into, m->err,
		    "SELECT uuid FROM merged.run WHERE uuid IN (SELECT uuid FROM main.run)", "");
	if (query_next(&q))
		snprintf(uuid, sizeof(uuid), "%s", query_text(&q, 0));
	rc = query_end(&q);
	if (!rc && *uuid)
		rc = kms_fail(m->err, KMS_EUSAGE, "run %s is in '%s' already", uuid, m->into->path);
	return rc;
}

static int merge_tables(struct merge *m)
{
	int rc = check_uuids(m);

	for (u32 i = 0; i < m->n && !rc; i++) {
		struct table *t = &m->tables[i];

		t->shared = t->has_id && !belongs_to_a_run(m, t);
		if (t->has_id)
			rc = t->shared ? merge_shared(m, t) : read_shift(m, t);
	}
	for (u32 i = 0; i < m->n && !rc; i++)
		if (!m->tables[i].shared)
			rc = merge_rows(m, &m->tables[i]);
	for (u32 i = 0; i < m->n && !rc; i++) {
		char sql[128];

		snprintf(sql, sizeof(sql), "DROP TABLE temp.map_%s", m->tables[i].name);
		if (m->tables[i].shared)
			rc = store_exec(m->into, sql, m->err);
	}
	return rc;
}

static int first_new_run(struct merge *m, s64 *first_run)
{
	struct query q;

	query_begin(&q, m->into, m->err,
		    "SELECT min(id) FROM main.run WHERE uuid IN (SELECT uuid FROM merged.run)", "");
	if (query_next(&q))
		*first_run = query_int(&q, 0);
	return query_end(&q);
}

static int merge_attached(struct merge *m, s64 *first_run)
{
	int rc = store_exec(m->into, "BEGIN IMMEDIATE", m->err);

	if (rc)
		return rc;
	rc = read_schema(m);
	if (!rc)
		rc = merge_tables(m);
	if (!rc)
		rc = first_new_run(m, first_run);
	if (!rc)
		rc = store_exec(m->into, "COMMIT", m->err);
	if (rc)
		sqlite3_exec(m->into->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static int attach(struct store *into, const char *from, struct kms_error *err)
{
	char *sql = sqlite3_mprintf("ATTACH DATABASE %Q AS merged", from);
	int rc = sql ? store_exec(into, sql, err) : kms_fail(err, KMS_EFAIL, "out of memory");

	sqlite3_free(sql);
	return rc;
}

int store_merge(struct store *into, const char *from, s64 *first_run, struct kms_error *err)
{
	struct merge m = {.into = into, .err = err};
	struct store *check;
	int rc;

	*first_run = 0;
	rc = store_open(&check, from, STORE_WRITE, err); /* migrates, refuses what is not ours */
	if (rc)
		return rc;
	store_close(check, NULL);
	rc = store_flush(into, err);
	if (!rc)
		rc = attach(into, from, err);
	if (rc)
		return rc;
	m.tables = calloc(MAX_TABLES, sizeof(*m.tables));
	rc = m.tables ? merge_attached(&m, first_run) : kms_fail(err, KMS_EFAIL, "out of memory");
	free(m.tables);
	sqlite3_exec(into->db, "DETACH DATABASE merged", NULL, NULL, NULL);
	return rc ? kms_fail_in(err, "merging '%s'", from) : 0;
}
