/*
 * show_run.c - sections of `show` about the run as a whole: summary, metrics, phases, coverage, counters.
 */
#include <string.h>

#include "sim/cli/show.h"

static const struct fact {
	const char *label, *key, *sql;
	enum show_kind kind;
} facts[] = {
	{"run", "id", "id", SHOW_TEXT},
	{"name", "name", "name", SHOW_TEXT},
	{"title", "title", "title", SHOW_TEXT},
	{"uuid", "uuid", "uuid", SHOW_TEXT},
	{"status", "status", "CASE status WHEN 'running' THEN 'incomplete' ELSE status END", SHOW_TEXT},
	{"started", "started", "started", SHOW_TEXT},
	{"finished", "finished", "finished", SHOW_TEXT},
	{"policy", "policy", "policy", SHOW_TEXT},
	{"machine", "machine", "machine", SHOW_TEXT},
	{"RAM", "ram_bytes", "ram_bytes", SHOW_BYTES},
	{"workload", "workload", "workload", SHOW_TEXT},
	{"timing", "timing", "timing", SHOW_TEXT},
	{"pacing", "pacing", "pacing", SHOW_TEXT},
	{"seed", "seed", "printf('%llu', seed)", SHOW_TEXT},
	{"kmemsim", "tool_version", "tool_version", SHOW_TEXT},
	{"compiler", "compiler", "compiler", SHOW_TEXT},
	{"compiler flags", "compiler_flags", "compiler_flags", SHOW_TEXT},
	{"config hash", "config_hash", "config_hash", SHOW_TEXT},
	{"trace hash", "trace_hash", "trace_hash", SHOW_TEXT},
	{"cost table hash", "cost_hash", "cost_hash", SHOW_TEXT},
	{"model hash", "model_hash", "model_hash", SHOW_TEXT},
	{"digest", "digest", "digest", SHOW_TEXT},
};

static bool is_number(const char *key)
{
	return !strcmp(key, "id") || !strcmp(key, "seed") || !strcmp(key, "ram_bytes");
}

static void json_fact(struct show *s, const struct fact *f, const struct query *q)
{
	if (query_is_null(q, 0))
		json_null(&s->json, f->key);
	else if (is_number(f->key))
		json_raw(&s->json, f->key, query_text(q, 0));
	else
		json_text(&s->json, f->key, query_text(q, 0));
}

static int one_fact(struct show *s, const struct fact *f)
{
	char sql[160], text[1024];
	struct query q;

	snprintf(sql, sizeof(sql), "SELECT %s FROM run WHERE id = ?", f->sql);
	query_begin(&q, s->store, s->err, sql, "i", s->run);
	if (query_next(&q)) {
		if (s->cli->json)
			json_fact(s, f, &q);
		else if (f->kind == SHOW_BYTES)
			printf("%-15s %s\n", f->label, show_cell(text, f->kind, query_double(&q, 0)));
		else if (*query_text(&q, 0))
			printf("%-15s %s\n", f->label, cli_safe(text, sizeof(text), query_text(&q, 0)));
	}
	return query_end(&q);
}

/* "host: replay 0.85 s" */
static void print_host_fact(const struct query *q)
{
	char value[SHOW_CELL], safe[64], name[64];
	const char *unit = query_text(q, 2);

	if (!strcmp(unit, "bytes"))
		printf("host: %s %s\n", cli_safe(name, sizeof(name), query_text(q, 0)),
		       show_cell(value, SHOW_BYTES, query_double(q, 1)));
	else
		printf("host: %s %s %s\n", cli_safe(name, sizeof(name), query_text(q, 0)),
		       show_cell(value, SHOW_COUNT, query_double(q, 1)),
		       cli_safe(safe, sizeof(safe), unit));
}

static int host_facts(struct show *s)
{
	struct query q;

	query_begin(&q, s->store, s->err,
		    "SELECT name, value, unit FROM host_fact WHERE run = ? ORDER BY name", "i", s->run);
	if (s->cli->json)
		json_open(&s->json, "host", '[');
	while (query_next(&q)) {
		if (!s->cli->json) {
			print_host_fact(&q);
			continue;
		}
		json_open(&s->json, NULL, '{');
		json_text(&s->json, "name", query_text(&q, 0));
		json_double(&s->json, "value", query_double(&q, 1));
		json_text(&s->json, "unit", query_text(&q, 2));
		json_close(&s->json, '}');
	}
	if (s->cli->json)
		json_close(&s->json, ']');
	return query_end(&q);
}

int show_summary(struct show *s)
{
	int rc = 0;

	if (s->cli->json)
		json_open(&s->json, "summary", '{');
	for (size_t i = 0; i < KMS_ARRAY_SIZE(facts) && !rc; i++)
		rc = one_fact(s, &facts[i]);
	if (!rc)
		rc = host_facts(s);
	if (s->cli->json)
		json_close(&s->json, '}');
	return rc;
}

static enum show_kind kind_of_unit(const char *unit)
{
	if (!strcmp(unit, "ns"))
		return SHOW_NS;
	if (!strcmp(unit, "bytes"))
		return SHOW_BYTES;
	return strcmp(unit, "ratio") ? SHOW_COUNT : SHOW_SHARE;
}

static const char *better_text(s64 better)
{
	return better > 0 ? "higher" : better < 0 ? "lower" : "neither";
}

static void json_metric(struct show *s, const struct query *q)
{
	json_open(&s->json, NULL, '{');
	json_text(&s->json, "name", query_text(q, 0));
	json_int(&s->json, "phase", query_int(q, 5));
	json_double(&s->json, "value", query_double(q, 1));
	json_text(&s->json, "unit", query_text(q, 2));
	json_text(&s->json, "better", better_text(query_int(q, 3)));
	json_text(&s->json, "definition", query_text(q, 4));
	json_close(&s->json, '}');
}

/* Units that the value does not show. */
static void metric_row(struct show *s, struct cli_table *t, const struct query *q)
{
	enum show_kind kind = kind_of_unit(query_text(q, 2));
	char value[SHOW_CELL], both[2 * SHOW_CELL], unit[SHOW_CELL];
	const char *cells[4];

	show_cell(value, kind, query_double(q, 1));
	snprintf(both, sizeof(both), kind == SHOW_COUNT ? "%s %s" : "%s", value,
		 cli_safe(unit, sizeof(unit), query_text(q, 2)));
	cells[0] = query_text(q, 0);
	cells[1] = both;
	cells[2] = better_text(query_int(q, 3));
	cells[3] = query_text(q, 4);
	cli_table_row(t, cells);
	(void)s;
}

int show_metrics(struct show *s)
{
	static const char *const headings[] = {"metric", "value", "better", "definition"};
	struct cli_table *t = s->cli->json ? NULL : cli_table_new(headings, s->definitions ? 4 : 2);
	struct query q;

	query_begin(&q, s->store, s->err,
		    "SELECT v.name, v.value, v.unit, v.better, v.definition, v.phase FROM metric_value v"
		    " JOIN metric m ON m.name = v.name AND m.definition = v.definition"
		    " WHERE v.run = ? AND (v.phase = -1 OR ?) ORDER BY v.phase, m.id",
		    "ii", s->run, (s64)s->cli->json);
	if (s->cli->json)
		json_open(&s->json, "metrics", '[');
	while (query_next(&q)) {
		if (s->cli->json)
			json_metric(s, &q);
		else
			metric_row(s, t, &q);
	}
	if (s->cli->json)
		json_close(&s->json, ']');
	else
		cli_table_print(t, stdout);
	return query_end(&q);
}

#define PHASE_METRIC(name) "max(v.value) FILTER (WHERE v.name = '" name "')"

int show_phases(struct show *s)
{
	static const struct show_column columns[] = {
		{"phase", "phase", SHOW_COUNT},
		{"name", "name", SHOW_TEXT},
		{"measured", "measured", SHOW_TEXT},
		{"requests", "requests", SHOW_COUNT},
		{"sim. time", "simulated_time_ns", SHOW_NS},
		{"mean", "latency_mean_ns", SHOW_NS},
		{"p99", "latency_p99_ns", SHOW_NS},
		{"held, peak", "held_bytes_peak", SHOW_BYTES},
		{"int. frag.", "internal_fragmentation", SHOW_SHARE},
	};

	return show_query(
		s, "phases", "no phases", columns, KMS_ARRAY_SIZE(columns),
		"SELECT p.phase, p.name, CASE p.warm_up WHEN 1 THEN 'warm-up' ELSE 'yes' END, " PHASE_METRIC("requests") ", " PHASE_METRIC("simulated_time") ", " PHASE_METRIC(
			"latency_mean") ", " PHASE_METRIC("latency_p99") ", " PHASE_METRIC("held_bytes_peak") ", " PHASE_METRIC("internal_fragmentation") " FROM phase p LEFT JOIN metric_value v ON v.run = p.run AND v.phase = p.phase"
																			  " WHERE p.run = ?1 AND p.phase >= 0 GROUP BY p.phase ORDER BY p.phase");
}

/* Who decided about pages that the recorded kernel reclaimed; nothing where it reclaimed none. */
static int show_reclaim(struct show *s)
{
	static const char *const words[][2] = {
		{"recorded_reclaim_dropped", "their recorded reclaim was left out; this run's own decided"},
		{"recorded_reclaim_kept", "they went when the recording says; pages in use stayed"},
	};
	char count[SHOW_CELL];
	s64 n;
	int rc = 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(words) && !rc; i++) {
		struct query q;

		query_begin(&q, s->store, s->err,
			    "SELECT value FROM counter WHERE run = ? AND category = 'owner' AND name = ?", "is",
			    s->run, words[i][0]);
		n = query_next(&q) ? query_int(&q, 0) : 0;
		rc = query_end(&q);
		if (s->cli->json)
			json_int(&s->json, words[i][0], n);
		else if (n)
			printf("%s pages had been reclaimed by the recorded kernel: %s\n",
			       show_cell(count, SHOW_COUNT, (double)n), words[i][1]);
	}
	return rc;
}

int show_coverage(struct show *s)
{
	static const struct show_column columns[] = {{"left out at import", "what", SHOW_TEXT},
						     {"events", "count", SHOW_COUNT}};
	char share[SHOW_CELL];
	struct query q;

	query_begin(&q, s->store, s->err,
		    "SELECT value FROM metric_value WHERE run = ? AND phase = -1 AND name = 'coverage'",
		    "i", s->run);
	if (query_next(&q)) {
		if (s->cli->json)
			json_double(&s->json, "coverage", query_double(&q, 0));
		else
			printf("%s of the measured part's requests were carried out\n",
			       show_cell(share, SHOW_SHARE, query_double(&q, 0)));
	}
	if (query_end(&q) || show_reclaim(s))
		return s->err->code;
	return show_query(s, "left_out", "nothing was left out when the workload was imported", columns, 2,
			  "SELECT name, value FROM counter WHERE run = ?1 AND category = 'left_out'"
			  " ORDER BY value DESC, name LIMIT ?2");
}

int show_counters(struct show *s)
{
	static const struct show_column columns[] = {{"group", "group", SHOW_TEXT},
						     {"counter", "name", SHOW_TEXT},
						     {"value", "value", SHOW_COUNT}};

	return show_query(s, "counters", "no counters", columns, 3,
			  "SELECT category, name, value FROM counter WHERE run = ?1 AND category <> 'left_out'"
			  " ORDER BY category, name");
}
