/*
 * validate.c - `kmemsim validate DIR`: the kernel's own answers. Golden files: validate_golden.c.
 */
#include "sim/validate/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results/json.h"
#include "sim/cli/internal.h"

/* ---- for programs ---- */

static void json_counts(struct json *j, const char *key, const struct validate_count *counts,
			size_t n)
{
	json_open(j, key, '{');
	for (size_t i = 0; i < n; i++) {
		json_open(j, counts[i].name, '{');
		json_uint(j, "total", counts[i].total);
		json_uint(j, "exact", counts[i].exact);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void json_snapshots(struct json *j, const struct validate_result *r)
{
	json_open(j, "snapshots", '[');
	for (size_t i = 0; i < r->nr_snapshots; i++) {
		json_open(j, NULL, '{');
		json_text(j, "name", r->snapshots[i].name);
		json_uint(j, "lists", r->snapshots[i].lists);
		json_uint(j, "different", r->snapshots[i].different);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_misses(struct json *j, const struct validate_result *r)
{
	json_open(j, "mismatches", '[');
	for (size_t i = 0; i < r->nr_misses; i++) {
		json_open(j, NULL, '{');
		json_uint(j, "line", r->misses[i].line);
		json_text(j, "expected", r->misses[i].expected);
		json_text(j, "came", r->misses[i].came);
		json_text(j, "state", r->misses[i].state);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void print_json(const char *dir, const struct validate_result *r)
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_text(&j, "recording", dir);
	json_counts(&j, "answers", r->answers, r->nr_answers);
	json_counts(&j, "steps", r->steps, r->nr_steps);
	json_snapshots(&j, r);
	if (r->nr_counters)
		json_counts(&j, "counters", r->counters, r->nr_counters);
	if (r->nr_compaction)
		json_counts(&j, "compaction", r->compaction, r->nr_compaction);
	json_misses(&j, r);
	if (r->stopped[0])
		json_text(&j, "stopped", r->stopped);
	if (r->missing_dumps)
		json_uint(&j, "missing_dumps", r->missing_dumps);
	json_uint(&j, "events", r->events);
	json_double(&j, "exact_percent", r->exact);
	json_bool(&j, "ok", r->ok);
	json_close(&j, '}');
}

/* ---- for people ---- */

static void table_row(struct cli_table *t, const char *name, u64 total, u64 other, bool percent)
{
	char a[32], b[32], c[32];
	const char *cells[4] = {name, cli_count(a, sizeof(a), total), cli_count(b, sizeof(b),
										other), c};

	if (percent)
		snprintf(c, sizeof(c), "%.4f %%",
			 total ? 100.0 * (double)other / (double)total : 0);
	cli_table_row(t, cells);
}

static void print_counts(const char *heading, const struct validate_count *counts, size_t n)
{
	const char *headings[] = {heading, "total", "exact", "rate"};
	struct cli_table *t;

	if (!n)
		return;
	t = cli_table_new(headings, 4);
	for (size_t i = 0; i < n; i++)
		table_row(t, counts[i].name, counts[i].total, counts[i].exact, true);
	cli_table_print(t, stdout);
	printf("\n");
}

static void print_snapshots(const struct validate_result *r)
{
	const char *headings[] = {"snapshot", "lists", "different"};
	struct cli_table *t = cli_table_new(headings, 3);

	for (size_t i = 0; i < r->nr_snapshots; i++)
		table_row(t, r->snapshots[i].name, r->snapshots[i].lists,
			  r->snapshots[i].different, false);
	cli_table_print(t, stdout);
	printf("\n");
}

static void print_misses(const struct validate_result *r)
{
	char text[2000];

	for (size_t i = 0; i < r->nr_misses; i++) {
		const struct validate_miss *m = &r->misses[i];

		printf("line %llu\n  expected %s\n", (unsigned long long)m->line,
		       cli_safe(text, sizeof(text), m->expected ? m->expected : ""));
		printf("  came     %s\n", cli_safe(text, sizeof(text), m->came ? m->came : ""));
		if (m->state && m->state[0])
			printf("  state    %s\n", cli_safe(text, sizeof(text), m->state));
	}
	if (r->nr_misses)
		printf("\n");
}

static void print_people(const char *dir, const struct validate_result *r)
{
	char events[32];
	double seconds = (double)r->wall_ns / 1e9;

	print_counts("answers", r->answers, r->nr_answers);
	print_counts("steps", r->steps, r->nr_steps);
	print_snapshots(r);
	print_counts("counters", r->counters, r->nr_counters);
	print_counts("compaction, foretold", r->compaction, r->nr_compaction);
	print_misses(r);
	if (r->stopped[0])
		printf("stopped: %s\n", r->stopped);
	if (r->missing_dumps)
		printf("not compared: dumps that the trace names, but the folder does not have: %llu\n",
		       (unsigned long long)r->missing_dumps);
	printf("%s: %s, %.6g %% of %s events in %.2f s (%.2f million a second)\n", dir,
	       r->ok ? "everything exact" : "NOT exact", r->exact, cli_count(events,
									     sizeof(events), r->events),
	       seconds, seconds > 0 ? (double)r->events / 1e6 / seconds : 0);
}

/* ---- the verb ---- */

static int number_option(const struct cli *cli, const char *name, const char *def, double most,
			 double *value, struct kms_error *err)
{
	const char *text = cli_value(cli, name, def);
	char *end;

	*value = strtod(text, &end);
	if (end == text || *end || !(*value >= 0 && *value <= most))
		return kms_fail(err, KMS_EUSAGE,
				"--%s: found \"%s\", expected a number from 0 to %.0f", name,
				text, most);
	return 0;
}

static int validate(struct cli *cli, struct kms_error *err)
{
	struct validate_options options = {.resync = cli_flag(cli, "resync"),
					   .compaction = cli_flag(cli, "compaction"),
					   .stop = &cli_interrupted};
	struct validate_result result;
	double least, shown;
	int rc = number_option(cli, "min", "100", 100, &least, err);

	if (!rc)
		rc = number_option(cli, "show", "10", 100000, &shown, err);
	if (rc)
		return rc;
	if (cli_value(cli, "golden", NULL)) {
		if (cli->nr_args)
			return kms_fail(err, KMS_EUSAGE, "expected either DIR or --golden FILE, not both");
		return cli_validate_golden(cli, cli_value(cli, "golden", NULL), least, err);
	}
	if (!cli->nr_args)
		return kms_fail(err, KMS_EUSAGE, "expected DIR or --golden FILE");
	options.shown = (unsigned)shown;
	rc = validate_recording(cli->args[0], &options, &result, err);
	if (!rc && cli->json)
		print_json(cli->args[0], &result);
	else if (!rc)
		print_people(cli->args[0], &result);
	if (!rc && (result.exact < least || result.stopped[0] || (least >= 100 && !result.ok)))
		cli->exit_status = EXIT_BEYOND;
	validate_free(&result);
	return rc;
}

static const struct cli_option options[] = {
	{"resync", 0, NULL, "after a wrong answer go on as if the recorded one had come"},
	{"compaction", 0, NULL, "try the model's own compaction beside each recorded one (docs/reclaim.md)"},
	{"golden", 0, "FILE", "replay vectors of test modules instead (plain, .gz or .zst)"},
	{"min", 0, "PERCENT", "exit with 3 when fewer answers and steps are exact [100]"},
	{"show", 0, "N", "describe the first N differences [10]"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_validate = {
	.name = "validate",
	.args = "DIR | --golden FILE",
	.summary = "replay what a real kernel did and compare every answer",
	.examples = "kmemsim validate recordings/slub-up           every answer, step and snapshot\n"
		    "kmemsim validate recordings/slub-up --json    the same for programs\n"
		    "kmemsim validate DIR --resync --min 99.9      go on with the recorded answers\n"
		    "kmemsim validate --golden FILE                vectors of test modules (tests/golden)\n",
	.options = options,
	.min_args = 0,
	.max_args = 1,
	.run = validate,
};
