/*
 * show_cost.c - sections of `show` about what requests cost: latencies, parts, locks.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/cli/show.h"

/* path NULL: all paths of the operation together. */
static void json_latency(struct show *s, const char *operation, const char *path, const struct histogram *h)
{
	struct json *j = &s->json;

	json_open(j, NULL, '{');
	json_text(j, "operation", operation);
	if (path)
		json_text(j, "path", path);
	else
		json_null(j, "path");
	json_uint(j, "count", h->count);
	json_double(j, "mean_ns", (double)h->sum / (double)h->count / 1000);
	json_double(j, "p50_ns", (double)histogram_quantile(h, 0.5) / 1000);
	json_double(j, "p99_ns", (double)histogram_quantile(h, 0.99) / 1000);
	json_double(j, "p999_ns", (double)histogram_quantile(h, 0.999) / 1000);
	json_double(j, "max_ns", (double)h->max / 1000);
	json_double(j, "total_ns", (double)h->sum / 1000);
	json_close(j, '}');
}

static void latency_row(struct cli_table *t, const char *operation, const char *path, const struct histogram *h)
{
	char v[6][SHOW_CELL];
	const char *cells[] = {
		operation,
		path,
		show_cell(v[0], SHOW_COUNT, (double)h->count),
		show_cell(v[1], SHOW_NS, (double)h->sum / (double)h->count / 1000),
		show_cell(v[2], SHOW_NS, (double)histogram_quantile(h, 0.5) / 1000),
		show_cell(v[3], SHOW_NS, (double)histogram_quantile(h, 0.99) / 1000),
		show_cell(v[4], SHOW_NS, (double)histogram_quantile(h, 0.999) / 1000),
		show_cell(v[5], SHOW_NS, (double)h->max / 1000),
	};

	cli_table_row(t, cells);
}

/* path NULL: the operation as a whole. */
static int one_latency(struct show *s, struct cli_table *t, const char *operation, const char *path,
		       struct histogram *h)
{
	int rc = query_histogram(s->store, s->run, operation, path, h, s->err);

	if (rc || !h->count)
		return rc;
	if (t)
		latency_row(t, path ? "" : operation, path ? path : "all", h);
	else
		json_latency(s, operation, path, h);
	return 0;
}

/* Operations by total time, each whole first and then, where there are several, its paths. */
static int latency_rows(struct show *s, struct cli_table *t, struct histogram *h)
{
	char operation[128] = "";
	struct query q;
	int rc = 0;

	query_begin(&q, s->store, s->err,
		    "WITH l AS (SELECT operation, path, sum(sum_ps) AS ps FROM latency_measured"
		    " WHERE run = ? AND count > 0 GROUP BY operation, path)"
		    " SELECT operation, path, count(*) OVER (PARTITION BY operation),"
		    " sum(ps) OVER (PARTITION BY operation) AS whole FROM l"
		    " ORDER BY whole DESC, operation, ps DESC, path",
		    "i", s->run);
	while (!rc && query_next(&q)) {
		if (strcmp(operation, query_text(&q, 0))) {
			snprintf(operation, sizeof(operation), "%s", query_text(&q, 0));
			rc = one_latency(s, t, query_text(&q, 0), NULL, h);
		}
		if (!rc && (query_int(&q, 2) > 1 || s->cli->json))
			rc = one_latency(s, t, query_text(&q, 0), query_text(&q, 1), h);
	}
	return query_end(&q) ? q.rc : rc;
}

/* Why there is nothing to show, or NULL. */
static const char *no_latencies(struct show *s)
{
	s64 n = 0;

	if (!s->cycle)
		return "no latencies: the run had no cycle timing";
	if (query_one_int(s->store, "SELECT count(*) FROM latency_measured WHERE run = ? AND count > 0", s->run, 0,
			  &n, s->err) || n)
		return NULL;
	return "no latencies were stored";
}

int show_latency(struct show *s)
{
	static const char *const headings[] = {"operation", "path", "count", "mean", "p50", "p99", "p99.9", "max"};
	const char *none = no_latencies(s);
	struct histogram *h = malloc(sizeof(*h));
	struct cli_table *t = NULL;
	int rc = 0;

	if (!h)
		return kms_fail(s->err, KMS_EFAIL, "out of memory");
	if (s->cli->json)
		json_open(&s->json, "latency", '[');
	else if (none)
		printf("%s\n", none);
	else
		t = cli_table_new(headings, 8);
	if (!none)
		rc = latency_rows(s, t, h);
	if (t)
		cli_table_print(t, stdout);
	if (s->cli->json)
		json_close(&s->json, ']');
	free(h);
	return rc;
}

#define MAX_PARTS 12

struct part_names {
	char name[MAX_PARTS][24];
	s64 part[MAX_PARTS];
	int n;
};

static int read_parts(struct show *s, struct part_names *parts)
{
	struct query q;

	parts->n = 0;
	query_begin(&q, s->store, s->err,
		    "SELECT part, name FROM latency_split WHERE run = ? GROUP BY part, name HAVING sum(ps) > 0"
		    " ORDER BY part", "i", s->run);
	while (query_next(&q) && parts->n < MAX_PARTS) {
		parts->part[parts->n] = query_int(&q, 0);
		cli_safe(parts->name[parts->n++], 24, query_text(&q, 1));
	}
	return query_end(&q);
}

/* Operation NULL: all of them. */
static int parts_row(struct show *s, struct cli_table *t, const struct part_names *parts, const char *operation)
{
	double ps[MAX_PARTS] = {0}, sum = 0;
	char text[MAX_PARTS + 2][SHOW_CELL];
	const char *cells[MAX_PARTS + 2];
	struct query q;

	query_begin(&q, s->store, s->err,
		    "SELECT part, sum(ps) FROM latency_split WHERE run = ?1 AND (?2 IS NULL OR operation = ?2)"
		    " GROUP BY part", "is", s->run, operation);
	while (query_next(&q)) {
		for (int i = 0; i < parts->n; i++)
			if (parts->part[i] == query_int(&q, 0))
				ps[i] = query_double(&q, 1);
		sum += query_double(&q, 1);
	}
	cells[0] = operation ? operation : "all";
	cells[1] = show_cell(text[1], SHOW_NS, sum / 1000);
	for (int i = 0; i < parts->n; i++)
		cells[2 + i] = show_cell(text[2 + i], SHOW_SHARE, sum > 0 ? ps[i] / sum : 0);
	if (!query_end(&q))
		cli_table_row(t, cells);
	return q.rc;
}

static int parts_table(struct show *s)
{
	const char *headings[MAX_PARTS + 2] = {"operation", "total"};
	struct part_names parts;
	struct cli_table *t;
	struct query q;
	int rc;

	rc = read_parts(s, &parts);
	if (rc)
		return rc;
	for (int i = 0; i < parts.n; i++)
		headings[2 + i] = parts.name[i];
	t = cli_table_new(headings, parts.n + 2);
	query_begin(&q, s->store, s->err,
		    "SELECT operation FROM latency_measured WHERE run = ? AND count > 0 GROUP BY operation"
		    " ORDER BY sum(sum_ps) DESC, operation", "i", s->run);
	while (!rc && query_next(&q))
		rc = parts_row(s, t, &parts, query_text(&q, 0));
	if (!rc)
		rc = parts_row(s, t, &parts, NULL);
	cli_table_print(t, stdout);
	return query_end(&q) ? q.rc : rc;
}

int show_parts(struct show *s)
{
	static const struct show_column columns[] = {
		{"operation", "operation", SHOW_TEXT}, {"part", "part", SHOW_TEXT}, {"ps", "ps", SHOW_COUNT}};
	const char *none = no_latencies(s);

	if (s->cli->json)
		return show_query(s, "parts", "", columns, 3,
				  "SELECT operation, name, ps FROM latency_split WHERE run = ?1"
				  " ORDER BY operation, part");
	if (!none)
		return parts_table(s);
	printf("%s\n", none);
	return 0;
}

int show_locks(struct show *s)
{
	static const struct show_column columns[] = {
		{"lock", "name", SHOW_TEXT},	       {"held in", "holder", SHOW_TEXT},
		{"acquired", "acquired", SHOW_COUNT},  {"contended", "contended", SHOW_COUNT},
		{"waited", "wait_ns", SHOW_NS},	       {"longest", "wait_max_ns", SHOW_NS},
	};

	return show_query(s, "locks", "no locks were recorded", columns, KMS_ARRAY_SIZE(columns),
			  "SELECT name, CASE holder WHEN '' THEN 'all' ELSE holder END, CASE holder WHEN '' THEN acquired END, contended,"
			  " wait_ps / 1000.0, wait_max_ps / 1000.0 FROM lock_wait l WHERE run = ?1"
			  " ORDER BY (SELECT max(wait_ps) FROM lock_wait m WHERE m.run = l.run AND m.name = l.name)"
			  " DESC, name, holder <> '', wait_ps DESC, holder LIMIT ?2");
}
