/*
 * list.c - `kmemsim list`: the runs of a database, one line each.
 */
#include "results/json.h"
#include "results/query.h"
#include "sim/cli/cli.h"

#define COLUMNS                                                                                            \
	"SELECT id, started, status, name, policy, machine, workload, timing, pacing, requests, coverage," \
	" latency_mean_ns, latency_p99_ns, held_bytes_peak, internal_fragmentation, seed, digest"          \
	" FROM run_summary ORDER BY id"

static void json_optional(struct json *j, const char *key, const struct query *q, int column)
{
	if (query_is_null(q, column))
		json_null(j, key);
	else
		json_double(j, key, query_double(q, column));
}

static void json_run(struct json *j, const struct query *q)
{
	static const char *const texts[] = {"started", "status",   "name",   "policy",
					    "machine", "workload", "timing", "pacing"};

	json_open(j, NULL, '{');
	json_int(j, "id", query_int(q, 0));
	for (int i = 0; i < 8; i++)
		json_text(j, texts[i], query_text(q, 1 + i));
	json_optional(j, "requests", q, 9);
	json_optional(j, "coverage", q, 10);
	json_optional(j, "latency_mean_ns", q, 11);
	json_optional(j, "latency_p99_ns", q, 12);
	json_optional(j, "held_bytes_peak", q, 13);
	json_optional(j, "internal_fragmentation", q, 14);
	json_uint(j, "seed", (u64)query_int(q, 15));
	if (query_is_null(q, 16))
		json_null(j, "digest");
	else
		json_text(j, "digest", query_text(q, 16));
	json_close(j, '}');
}

static int list_json(struct store *store, const char *path, struct kms_error *err)
{
	struct query q;
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_text(&j, "database", path);
	json_open(&j, "runs", '[');
	query_begin(&q, store, err, COLUMNS, "");
	while (query_next(&q))
		json_run(&j, &q);
	json_close(&j, ']');
	json_close(&j, '}');
	return query_end(&q);
}

/* The value as people read it, "-" when the run has none. */
static const char *cell(char buf[32], const struct query *q, int column, char kind)
{
	if (query_is_null(q, column))
		return "-";
	switch (kind) {
	case 'n':
		return cli_rounded(buf, 32, query_double(q, column));
	case 't':
		return cli_time_ns(buf, 32, query_double(q, column));
	case 'b':
		return cli_bytes(buf, 32, query_double(q, column));
	default:
		snprintf(buf, 32, "%.1f %%", 100 * query_double(q, column));
		return buf;
	}
}

static void table_row(struct cli_table *t, const struct query *q)
{
	char id[32], started[32], b[4][32];
	const char *const cells[] = {
		id,
		started,
		query_text(q, 2),
		query_text(q, 3),
		query_text(q, 4),
		query_text(q, 5),
		query_text(q, 7),
		cell(b[0], q, 9, 'n'),
		cell(b[1], q, 11, 't'),
		cell(b[2], q, 13, 'b'),
		cell(b[3], q, 14, '%'),
	};

	snprintf(id, sizeof(id), "%lld", (long long)query_int(q, 0));
	snprintf(started, sizeof(started), "%.19s", query_text(q, 1));
	cli_table_row(t, cells);
}

static int list_table(struct store *store, const char *path, struct kms_error *err)
{
	static const char *const headings[] = {"id",	 "started",    "status",    "name",
					       "policy", "machine",    "timing",    "requests",
					       "mean",	 "held, peak", "int. frag."};
	struct cli_table *t = NULL;
	struct query q;

	query_begin(&q, store, err, COLUMNS, "");
	while (query_next(&q)) {
		if (!t)
			t = cli_table_new(headings, 11);
		table_row(t, &q);
	}
	if (t)
		cli_table_print(t, stdout);
	else if (!q.rc)
		fprintf(stderr, "database '%s' holds no runs; `kmemsim run CONFIG` makes one\n", path);
	return query_end(&q);
}

static int list(struct cli *cli, struct kms_error *err)
{
	const char *path = cli_db(cli);
	struct store *store;
	int rc;

	rc = store_open(&store, path, STORE_READ, err);
	if (rc)
		return rc;
	rc = cli->json ? list_json(store, path, err) : list_table(store, path, err);
	store_close(store, NULL);
	return rc;
}

static const struct cli_option options[] = {CLI_OPTION_DB, {NULL, 0, NULL, NULL}};

const struct cli_verb cli_verb_list = {
	.name = "list",
	.args = "",
	.summary = "list the runs of a database",
	.examples = "kmemsim list                       all runs of the default database\n"
		    "kmemsim list --db results/thesis.db\n"
		    "kmemsim list --json                for programs\n",
	.options = options,
	.min_args = 0,
	.max_args = 0,
	.run = list,
};
