/*
 * trace_edit.c - `trace cut`, `cat`, `pack`, `anonymise`, `merge` and `make`.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/json.h"
#include "sim/cli/trace.h"
#include "workloads/edit.h"
#include "workloads/text.h"

void cli_trace_counts(const struct cli *cli, const struct cli_trace_count *counts, size_t n, const char *output)
{
	static const char *const headings[] = {"count", "what"};
	struct cli_table *t;
	struct json j;
	char buf[32];

	if (cli->json) {
		json_start(&j, stdout);
		json_open(&j, NULL, '{');
		json_text(&j, "trace", output);
		for (size_t i = 0; i < n; i++)
			json_uint(&j, counts[i].key, counts[i].value);
		json_close(&j, '}');
		return;
	}
	t = cli_table_new(headings, 2);
	for (size_t i = 0; i < n; i++)
		cli_table_row(t, (const char *const[]){cli_count(buf, sizeof(buf), counts[i].value), counts[i].text});
	cli_table_print(t, stdout);
}

int cli_trace_output(const struct cli *cli, const char **output, struct kms_error *err)
{
	*output = cli_value(cli, "output", NULL);
	return *output ? 0 : kms_fail(err, KMS_EUSAGE, "where to? expected -o FILE");
}

#define NR_REWRITE_COUNTS 5

static void rewrite_counts(const struct rewrite_counts *c, struct cli_trace_count out[NR_REWRITE_COUNTS])
{
	const struct cli_trace_count counts[NR_REWRITE_COUNTS] = {
		{"requests", "requests written", c->requests},
		{"objects", "objects allocated by them", c->objects},
		{"live_at_end", "of these, still allocated at the end", c->live_at_end},
		{"requests_dropped", "requests left out", c->requests_dropped},
		{"frees_dropped", "frees left out, of objects that are not in the result", c->frees_dropped},
	};

	memcpy(out, counts, sizeof(counts));
}

/* "1.5s", "200 ms", "3us", "10" (ns), in ns. */
static int time_option(const struct cli *cli, const char *option, u64 *ns, struct kms_error *err)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"", 1}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}};
	const char *text = cli_value(cli, option, NULL);
	char *end;
	double v;

	*ns = 0;
	if (!text)
		return 0;
	v = strtod(text, &end);
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(units) && isdigit((u8)*text); i++) {
		if (strcmp(end, units[i].unit) || !(v * units[i].ns < 1e18))
			continue;
		*ns = (u64)llround(v * units[i].ns);
		return 0;
	}
	return kms_fail(err, KMS_EUSAGE, "--%s: expected a time such as 1.5s, 200ms, 30us or 10ns, found \"%s\"",
			option, text);
}

static int cpu_options(const struct cli *cli, struct cut_options *o, struct kms_error *err)
{
	size_t n;
	const char *const *cpus = cli_values(cli, "cpu", &n);

	for (size_t i = 0; i < n; i++) {
		char *end;
		unsigned long cpu = strtoul(cpus[i], &end, 10);

		if (!isdigit((u8)*cpus[i]) || *end || cpu > 255)
			return kms_fail(err, KMS_EUSAGE, "--cpu: expected a CPU from 0 to 255, found \"%s\"", cpus[i]);
		o->cpus[cpu] = o->some_cpus = true;
	}
	return 0;
}

int cli_trace_cut(struct cli *cli, struct kms_error *err)
{
	struct cut_options o = {.live = cli_flag(cli, "live")};
	struct cli_trace_count counts[NR_REWRITE_COUNTS + 4];
	struct cut_counts c;
	const char *output;
	int rc;

	o.phases = cli_values(cli, "phase", &o.nr_phases);
	o.caches = cli_values(cli, "cache", &o.nr_caches);
	if (cli_trace_output(cli, &output, err) || time_option(cli, "from", &o.from, err) ||
	    time_option(cli, "to", &o.to, err) || cpu_options(cli, &o, err))
		return KMS_EUSAGE;
	rc = trace_cut(cli->args[1], output, &o, &c, err);
	if (rc)
		return rc;
	rewrite_counts(&c.all, counts);
	counts[5] = (struct cli_trace_count){"live_before",
		o.live ? "objects alive at the beginning, allocated first" :
			 "objects alive at the beginning, left out (--live allocates them first)", c.live_before};
	counts[6] = (struct cli_trace_count){"freed_after", "frees outside the time: their objects stay", c.freed_after};
	counts[7] = (struct cli_trace_count){"freed_elsewhere",
		"objects that a CPU left out freed: their own CPU frees them", c.freed_elsewhere};
	counts[8] = (struct cli_trace_count){"boot_steps", "boot steps left out: it begins on a booted kernel",
					     c.boot_steps};
	cli_trace_counts(cli, counts, KMS_ARRAY_SIZE(counts), output);
	return 0;
}

int cli_trace_cat(struct cli *cli, struct kms_error *err)
{
	if (cli->json)
		return kms_fail(err, KMS_EUSAGE, "trace cat prints the trace's own text; expected no --json");
	return trace_to_text(cli->args[1], stdout, err);
}

int cli_trace_pack(struct cli *cli, struct kms_error *err)
{
	struct cli_trace_count count = {"requests", "requests written", 0};
	const char *output;
	int rc = cli_trace_output(cli, &output, err);

	if (!rc)
		rc = trace_from_text(cli->args[1], output, &count.value, err);
	if (!rc)
		cli_trace_counts(cli, &count, 1, output);
	return rc;
}

static int print_rewrite(const struct cli *cli, const struct rewrite_counts *c, const char *output)
{
	struct cli_trace_count counts[NR_REWRITE_COUNTS];

	rewrite_counts(c, counts);
	cli_trace_counts(cli, counts, NR_REWRITE_COUNTS, output);
	return 0;
}

int cli_trace_anonymise(struct cli *cli, struct kms_error *err)
{
	struct anonymise_options o = {cli_flag(cli, "keep-caches"), cli_flag(cli, "keep-phases"), 0};
	struct rewrite_counts c;
	const char *output;
	int rc;

	if (cli_trace_output(cli, &output, err) || time_option(cli, "coarsen", &o.coarsen, err))
		return KMS_EUSAGE;
	rc = trace_anonymise(cli->args[1], output, &o, &c, err);
	return rc ? rc : print_rewrite(cli, &c, output);
}

int cli_trace_merge(struct cli *cli, struct kms_error *err)
{
	struct rewrite_counts c;
	const char *output;
	int rc = cli_trace_output(cli, &output, err);

	if (!rc)
		rc = trace_merge(cli->args + 1, (size_t)cli->nr_args - 1, output, cli_flag(cli, "same-cpus"), &c, err);
	return rc ? rc : print_rewrite(cli, &c, output);
}

static int load_config(struct cli *cli, struct cfg **cfg, struct experiment_config *config, struct kms_error *err)
{
	size_t n;
	const char *const *given = cli_values(cli, "set", &n), *seed = cli_value(cli, "seed", NULL), **sets;
	char text[64];
	int rc;

	sets = calloc(n + 1, sizeof(*sets));
	if (!sets)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	snprintf(text, sizeof(text), "seed=%s", seed ? seed : "");
	if (seed)
		sets[0] = text;
	for (size_t i = 0; i < n; i++)
		sets[(seed != NULL) + i] = given[i];
	rc = cfg_load(cfg, &experiment_config_table, config, cli->args[1], sets, n + (seed != NULL), err);
	free(sets);
	return rc;
}

int cli_trace_make(struct cli *cli, struct kms_error *err)
{
	struct experiment_config config;
	struct kms_stream *stream;
	struct rewrite_counts c;
	struct cfg *cfg;
	const char *output;
	int rc = cli_trace_output(cli, &output, err);

	if (!rc)
		rc = load_config(cli, &cfg, &config, err);
	if (rc)
		return rc;
	rc = run_open_workload(&stream, &config, err);
	if (!rc) {
		rc = trace_make(stream, output, &c, err);
		stream->close(stream);
	}
	cfg_free(cfg);
	return rc ? rc : print_rewrite(cli, &c, output);
}
