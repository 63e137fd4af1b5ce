/*
 * store_find.c - what a person calls a run, to its id.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results/query.h"
#include "results/store_internal.h"

#define MIN_UUID_PREFIX 4

/* First column of the first row; 1 found, 0 none, or an error. */
static int look_up(struct store *store, const char *sql, const char *what, s64 *id, struct kms_error *err)
{
	struct query q;
	int rc, found = 0;

	query_begin(&q, store, err, sql, "s", what);
	if (query_next(&q) && !query_is_null(&q, 0)) {
		*id = query_int(&q, 0);
		found = 1;
	}
	rc = query_end(&q);
	return rc ? rc : found;
}

static bool is_uuid_prefix(const char *what)
{
	size_t n = strlen(what);

	return n >= MIN_UUID_PREFIX && strspn(what, "0123456789abcdefABCDEF-") == n;
}

static int find_by_uuid(struct store *store, const char *what, s64 *id, struct kms_error *err)
{
	s64 matches;
	int rc;

	if (!is_uuid_prefix(what))
		return 0;
	rc = look_up(store, "SELECT count(*) FROM run WHERE substr(uuid, 1, length(?1)) = lower(?1)", what,
		     &matches, err);
	if (rc < 0)
		return rc;
	if (matches > 1)
		return kms_fail(err, KMS_EUSAGE, "uuid prefix '%s' fits %lld runs; give more digits", what,
				(long long)matches);
	return look_up(store, "SELECT id FROM run WHERE substr(uuid, 1, length(?1)) = lower(?1)", what, id,
		       err);
}

struct names {
	char **name;
	size_t n;
};

static int read_names(struct store *store, struct names *names, struct kms_error *err)
{
	struct query q;

	query_begin(&q, store, err, "SELECT DISTINCT name FROM run ORDER BY name", "");
	while (query_next(&q)) {
		char **more = realloc(names->name, (names->n + 1) * sizeof(*more));

		if (!more)
			break;
		names->name = more;
		more[names->n] = strdup(query_text(&q, 0));
		names->n += more[names->n] != NULL;
	}
	return query_end(&q);
}

static int unknown_run(struct store *store, const char *what, struct kms_error *err)
{
	struct names names = {0};
	const char *nearest;
	s64 last = 0;
	int rc;

	rc = read_names(store, &names, err);
	if (!rc)
		rc = look_up(store, "SELECT max(id) FROM run WHERE ?1 IS NOT NULL", what, &last, err);
	if (rc >= 0 && !last)
		rc = kms_fail(err, KMS_EUSAGE, "database '%s' holds no runs; `kmemsim run CONFIG` makes one",
			      store->path);
	nearest = rc >= 0 ? kms_nearest(what, (const char *const *)names.name, names.n) : NULL;
	if (nearest)
		rc = kms_fail(err, KMS_EUSAGE, "no run '%s' in '%s'; did you mean '%s'?", what, store->path,
			      nearest);
	else if (rc >= 0)
		rc = kms_fail(err, KMS_EUSAGE, "no run '%s' in '%s'; expected an id (the newest is %lld), a name, a uuid prefix or 'latest' (see `kmemsim list`)",
			      what, store->path, (long long)last);
	for (size_t i = 0; i < names.n; i++)
		free(names.name[i]);
	free(names.name);
	return rc;
}

int store_find_run(struct store *store, const char *what, s64 *run_id, struct kms_error *err)
{
	struct kms_error local = {0};
	int rc = 0;

	err = err ? err : &local;
	if (*what && strspn(what, "0123456789") == strlen(what))
		rc = look_up(store, "SELECT id FROM run WHERE id = CAST(?1 AS INTEGER)", what, run_id, err);
	if (!rc)
		rc = look_up(store, "SELECT max(id) FROM run WHERE name = ?1", what, run_id, err);
	if (!rc && !strcmp(what, "latest"))
		rc = look_up(store, "SELECT max(id) FROM run WHERE ?1 IS NOT NULL", what, run_id, err);
	if (!rc)
		rc = find_by_uuid(store, what, run_id, err);
	if (!rc)
		rc = unknown_run(store, what, err);
	return rc < 0 ? rc : 0;
}
