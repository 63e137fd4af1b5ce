/*
 * show.c - `kmemsim show RUN`: what a run did and what it cost, section by section.
 */
#include "sim/cli/show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/internal.h"

const struct show_section show_sections[] = {
	{"summary", NULL, true, show_summary},
	{"metrics", "Metrics of the measured part", true, show_metrics},
	{"phases", "Phases", true, show_phases},
	{"latency", "Latency by operation and path, measured part", true, show_latency},
	{"parts", "Where the time goes, measured part (share of each operation's time)", true, show_parts},
	{"bytes", "Bytes by state", true, show_bytes},
	{"caches", "Slab caches with most waste, at the end", true, show_caches},
	{"zones", "Zones, at the end (pages)", true, show_zones},
	{"locks", "Locks, by time waited for them", true, show_locks},
	{"fields", "Contended cache lines by field, over the whole run", true, show_fields},
	{"lines", "Contended cache lines, over the whole run", true, show_lines},
	{"sites", "Call sites with most bytes wasted over the run", true, show_sites},
	{"coverage", "Coverage", true, show_coverage},
	{"counters", "Counters", false, show_counters},
	{NULL, NULL, false, NULL},
};

const char *show_cell(char cell[SHOW_CELL], enum show_kind kind, double value)
{
	switch (kind) {
	case SHOW_BYTES:
		return cli_bytes(cell, SHOW_CELL, value);
	case SHOW_NS:
		return cli_time_ns(cell, SHOW_CELL, value);
	case SHOW_SHARE:
		snprintf(cell, SHOW_CELL, "%.1f %%", 100 * value);
		return cell;
	default:
		if (value >= 0 && (value >= 1000 || value == floor(value)))
			return cli_rounded(cell, SHOW_CELL, value);
		snprintf(cell, SHOW_CELL, "%.4g", value);
		return cell;
	}
}

static void json_row(struct show *s, const struct query *q, const struct show_column *columns, int n)
{
	json_open(&s->json, NULL, '{');
	for (int i = 0; i < n; i++) {
		if (query_is_null(q, i))
			json_null(&s->json, columns[i].key);
		else if (columns[i].kind == SHOW_TEXT)
			json_text(&s->json, columns[i].key, query_text(q, i));
		else if (columns[i].kind == SHOW_NS || columns[i].kind == SHOW_SHARE)
			json_double(&s->json, columns[i].key, query_double(q, i));
		else
			json_int(&s->json, columns[i].key, query_int(q, i));
	}
	json_close(&s->json, '}');
}

#define MAX_COLUMNS 16

static void table_row(struct cli_table *t, const struct query *q, const struct show_column *columns, int n)
{
	char text[MAX_COLUMNS][SHOW_CELL];
	const char *cells[MAX_COLUMNS];

	for (int i = 0; i < n; i++) {
		if (query_is_null(q, i))
			cells[i] = "-";
		else if (columns[i].kind == SHOW_TEXT)
			cells[i] = query_text(q, i);
		else
			cells[i] = show_cell(text[i], columns[i].kind, query_double(q, i));
	}
	cli_table_row(t, cells);
}

int show_query(struct show *s, const char *key, const char *empty, const struct show_column *columns,
	       int n, const char *sql)
{
	const char *headings[MAX_COLUMNS];
	struct cli_table *t = NULL;
	struct query q;
	u64 rows = 0;

	for (int i = 0; i < n; i++)
		headings[i] = columns[i].heading;
	query_begin(&q, s->store, s->err, sql, strstr(sql, "?2") ? "ii" : "i", s->run,
		    s->cli->json ? (s64)-1 : (s64)s->top);
	if (s->cli->json)
		json_open(&s->json, key, '[');
	for (; query_next(&q); rows++) {
		if (s->cli->json) {
			json_row(s, &q, columns, n);
			continue;
		}
		if (!t)
			t = cli_table_new(headings, n);
		table_row(t, &q, columns, n);
	}
	if (s->cli->json)
		json_close(&s->json, ']');
	else if (t)
		cli_table_print(t, stdout);
	else if (!q.rc)
		printf("%s\n", empty);
	return query_end(&q);
}

static int find_section(const char *name, u64 *wanted, struct kms_error *err)
{
	const char *names[KMS_ARRAY_SIZE(show_sections)];
	size_t n = 0;

	for (; show_sections[n].name; n++) {
		names[n] = show_sections[n].name;
		if (!strcmp(name, names[n])) {
			*wanted |= 1ull << n;
			return 0;
		}
	}
	return cli_unknown(err, "section", name, names, n);
}

/* A bit for each section to print. */
static int wanted_sections(const struct cli *cli, u64 *wanted, struct kms_error *err)
{
	const char *const *values;
	size_t n;
	int rc = 0;

	*wanted = 0;
	values = cli_values(cli, "section", &n);
	for (size_t i = 0; i < n && !rc; i++) {
		char *list = strdup(values[i]), *save = NULL;

		if (!list)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		for (char *name = strtok_r(list, ",", &save); name && !rc; name = strtok_r(NULL, ",", &save))
			rc = find_section(name, wanted, err);
		free(list);
	}
	if (!rc && cli_flag(cli, "metrics"))
		*wanted |= 1 << 1;
	for (size_t i = 0; show_sections[i].name && !rc && !n && !cli_flag(cli, "metrics"); i++)
		if (show_sections[i].by_default || cli->json)
			*wanted |= 1ull << i;
	return rc;
}

static int print_sections(struct show *s, u64 wanted)
{
	bool first = true;
	int rc = 0;

	for (size_t i = 0; show_sections[i].name && !rc; i++) {
		if (!(wanted & 1ull << i))
			continue;
		if (!s->cli->json && show_sections[i].title)
			printf("%s%s\n", first ? "" : "\n", show_sections[i].title);
		first = false;
		rc = show_sections[i].print(s);
	}
	return rc;
}

static int show_run(struct show *s, u64 wanted)
{
	s64 cycle;
	int rc;

	rc = store_find_run(s->store, s->cli->args[0], &s->run, s->err);
	if (!rc)
		rc = query_one_int(s->store, "SELECT timing = 'cycle' FROM run WHERE id = ?", s->run, 0,
				   &cycle, s->err);
	if (rc)
		return rc;
	s->cycle = cycle;
	if (cli_value(s->cli, "as", NULL))
		return show_as(s, cli_value(s->cli, "as", NULL));
	if (!s->cli->json)
		return print_sections(s, wanted);
	json_start(&s->json, stdout);
	json_open(&s->json, NULL, '{');
	json_int(&s->json, "run", s->run);
	rc = print_sections(s, wanted);
	json_close(&s->json, '}');
	return rc;
}

static int parse_top(const struct cli *cli, u64 *top, struct kms_error *err)
{
	const char *text = cli_value(cli, "top", "10");
	char *end;

	*top = strtoull(text, &end, 10);
	if (*end || *text < '0' || *text > '9' || !*top || *top > 1000000)
		return kms_fail(err, KMS_EUSAGE, "--top %s: expected a number from 1 to 1000000", text);
	return 0;
}

static int show(struct cli *cli, struct kms_error *err)
{
	struct show s = {.cli = cli, .err = err, .definitions = cli_flag(cli, "metrics")};
	u64 wanted;
	int rc;

	if (cli_value(cli, "as", NULL) && (cli_value(cli, "section", NULL) || cli_flag(cli, "metrics")))
		return kms_fail(err, KMS_EUSAGE, "--as prints one file; it goes with neither --section nor --metrics");
	rc = wanted_sections(cli, &wanted, err);
	if (!rc)
		rc = parse_top(cli, &s.top, err);
	if (!rc)
		rc = store_open(&s.store, cli_db(cli), STORE_READ, err);
	if (rc)
		return rc;
	rc = show_run(&s, wanted);
	store_close(s.store, NULL);
	return rc;
}

static const struct cli_option options[] = {
	CLI_OPTION_DB,
	{"section", 's', "NAME,...", "only these sections [all but counters]"},
	{"metrics", 0, NULL, "only the metrics, each with its definition"},
	{"as", 0, "NAME", "the end state as the kernel's slabinfo, buddyinfo, pagetypeinfo, zoneinfo, extfrag_index or unusable_index"},
	{"top", 0, "N", "rows of rankings (caches, locks, call sites) [10]"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_show = {
	.name = "show",
	.args = "RUN",
	.summary = "show what a run did and what it cost",
	.examples = "kmemsim show latest                      the newest run\n"
		    "kmemsim show slub-up --section latency   one section\n"
		    "kmemsim show 12 --metrics                every metric with its definition\n"
		    "kmemsim show latest --as slabinfo        as /proc/slabinfo would have been\n",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = show,
};
