/*
 * plot.c - `kmemsim plot [RUN...]`: pictures of runs.
 */
#include "plots/plot.h"
#include "results/json.h"
#include "sim/cli/internal.h"

#include <stdlib.h>
#include <string.h>

static void list_types(const struct cli *cli)
{
	static const char *const headings[] = {"type", "what it shows", "reads", "runs"};
	struct cli_table *t = cli->json ? NULL : cli_table_new(headings, 4);
	struct json j;

	json_start(&j, stdout);
	if (cli->json) {
		json_open(&j, NULL, '{');
		json_open(&j, "types", '[');
	}
	for (u32 i = 0; plot_types[i]; i++) {
		const struct plot_type *type = plot_types[i];
		char runs[32];

		snprintf(runs, sizeof(runs), type->max_runs > type->min_runs ? "%u-%u" : "%u",
			 type->min_runs, type->max_runs);
		if (t) {
			cli_table_row(t, (const char *const[]){type->name, type->summary, type->needs, runs});
			continue;
		}
		json_open(&j, NULL, '{');
		json_text(&j, "name", type->name);
		json_text(&j, "summary", type->summary);
		json_text(&j, "needs", type->needs);
		json_uint(&j, "min_runs", type->min_runs);
		json_uint(&j, "max_runs", type->max_runs);
		json_close(&j, '}');
	}
	if (t) {
		cli_table_print(t, stdout);
		return;
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

#define MAX_TYPES 64

/* Types asked for ("a,b", repeatable); 0 when none was: then every type that can be drawn is. */
static int wanted_types(const struct cli *cli, const struct plot_type **types, struct kms_error *err)
{
	const char *const *values;
	size_t n_values;
	int n = 0, rc = 0;

	values = cli_values(cli, "type", &n_values);
	for (size_t i = 0; i < n_values && !rc; i++) {
		char *list = strdup(values[i]), *save = NULL;

		if (!list)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		for (char *name = strtok_r(list, ",", &save); name && !rc;
		     name = strtok_r(NULL, ",", &save)) {
			if (n == MAX_TYPES)
				rc = kms_fail(err, KMS_EUSAGE, "more than %d plot types", MAX_TYPES);
			else
				rc = plot_find_type(name, &types[n++], err);
		}
		free(list);
	}
	if (!rc && n_values && !n)
		rc = kms_fail(err, KMS_EUSAGE, "--type names no plot type (see `kmemsim plot --list`)");
	return rc ? rc : n;
}

struct plotting {
	struct cli *cli;
	struct store *store;
	s64 runs[PLOT_MAX_RUNS];
	u32 nr_runs, drawn;
	struct plot_options options;
	struct json json;
};

/* An image of characters goes to the terminal as it is. */
static void print_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		size_t n = strlen(line);

		while (n && strchr(" \n\f", line[n - 1]))
			line[--n] = 0;
		puts(line);
	}
	if (f)
		fclose(f);
}

static void report_file(struct plotting *p, const struct plot_type *type, const char *key, const char *suffix)
{
	char path[4096], safe[4096];

	snprintf(path, sizeof(path), "%s/%s.%s", p->options.dir, type->name, suffix);
	if (p->cli->json)
		json_text(&p->json, key, path);
	else if (!strcmp(suffix, plot_formats[PLOT_TEXT].suffix))
		print_text(path);
	else
		printf("%s\n", cli_safe(safe, sizeof(safe), path));
}

static void report(struct plotting *p, const struct plot_type *type)
{
	if (p->cli->json)
		json_open(&p->json, NULL, '{');
	if (p->cli->json)
		json_text(&p->json, "type", type->name);
	for (u32 i = 0; i < NR_PLOT_FORMATS; i++)
		if (p->options.formats >> i & 1)
			report_file(p, type, plot_formats[i].name, plot_formats[i].suffix);
	if (p->cli->json) {
		report_file(p, type, "gp", "gp");
		report_file(p, type, "tsv", "tsv");
		json_close(&p->json, '}');
	}
	p->drawn++;
}

/* A type that was asked for by name must be drawable; of all types, those that are not are skipped. */
static int draw(struct plotting *p, const struct plot_type *type, bool asked_for, struct kms_error *err)
{
	char why[256];
	int rc;

	rc = plot_draw(p->store, type, p->runs, p->nr_runs, &p->options, why, err);
	if (rc == PLOT_NO_DATA && asked_for)
		return kms_fail(err, KMS_EUSAGE, "cannot draw '%s': %s", type->name, why);
	if (rc == PLOT_NO_DATA) {
		if (!p->cli->quiet)
			fprintf(stderr, "not drawn: %s: %s\n", type->name, why);
		return 0;
	}
	if (!rc)
		report(p, type);
	return rc;
}

static int draw_all(struct plotting *p, struct kms_error *err)
{
	const struct plot_type *types[MAX_TYPES];
	int n, rc = 0;

	n = wanted_types(p->cli, types, err);
	if (n < 0)
		return n;
	if (p->cli->json) {
		json_start(&p->json, stdout);
		json_open(&p->json, NULL, '{');
		json_text(&p->json, "folder", p->options.dir);
		json_open(&p->json, "plots", '[');
	}
	for (int i = 0; i < n && !rc; i++)
		rc = draw(p, types[i], true, err);
	for (u32 i = 0; !n && plot_types[i] && !rc && !cli_interrupted; i++)
		rc = draw(p, plot_types[i], false, err);
	if (p->cli->json) {
		json_close(&p->json, ']');
		json_close(&p->json, '}');
	}
	if (!rc && cli_interrupted)
		return kms_fail(err, KMS_EINTERRUPTED, "interrupted after %u plots", p->drawn);
	if (!rc && !p->drawn)
		return kms_fail(err, KMS_EUSAGE, "nothing could be drawn");
	return rc;
}

/* Without a name: the newest run. */
static int find_runs(struct plotting *p, struct kms_error *err)
{
	int rc = 0;

	if (!p->cli->nr_args)
		return store_find_run(p->store, "latest", &p->runs[p->nr_runs++], err);
	for (int i = 0; i < p->cli->nr_args && !rc; i++)
		rc = store_find_run(p->store, p->cli->args[i], &p->runs[p->nr_runs++], err);
	return rc;
}

static int add_format(u32 *formats, const char *name, struct kms_error *err)
{
	const char *names[NR_PLOT_FORMATS];

	for (u32 i = 0; i < NR_PLOT_FORMATS; i++) {
		names[i] = plot_formats[i].name;
		if (strcmp(name, names[i]))
			continue;
		*formats |= 1u << i;
		return 0;
	}
	return cli_unknown(err, "image format", name, names, NR_PLOT_FORMATS);
}

static int parse_formats(const struct cli *cli, u32 *formats, struct kms_error *err)
{
	char *list = strdup(cli_value(cli, "format", "svg,png")), *save = NULL;
	int rc = 0;

	if (!list)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	for (char *name = strtok_r(list, ",", &save); name && !rc; name = strtok_r(NULL, ",", &save))
		rc = add_format(formats, name, err);
	free(list);
	if (!rc && !*formats)
		return kms_fail(err, KMS_EUSAGE, "--format names no image format: svg, png, pdf or dumb");
	return rc;
}

static int parse_x(const struct cli *cli, enum plot_x *x, struct kms_error *err)
{
	static const char *const names[] = {"time", "requests"};
	const char *value = cli_value(cli, "x", NULL);

	*x = PLOT_X_DEFAULT;
	if (!value)
		return 0;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(names); i++)
		if (!strcmp(value, names[i])) {
			*x = i ? PLOT_X_REQUESTS : PLOT_X_TIME;
			return 0;
		}
	return cli_unknown(err, "value of --x", value, names, KMS_ARRAY_SIZE(names));
}

static int plot(struct cli *cli, struct kms_error *err)
{
	struct plotting p = {.cli = cli, .options = {.dir = cli_value(cli, "output", NULL)}};
	char default_dir[512];
	int rc;

	if (cli_flag(cli, "list")) {
		list_types(cli);
		return 0;
	}
	rc = parse_x(cli, &p.options.x, err);
	if (!rc)
		rc = parse_formats(cli, &p.options.formats, err);
	if (!rc)
		rc = store_open(&p.store, cli_db(cli), STORE_READ, err);
	if (rc)
		return rc;
	rc = find_runs(&p, err);
	if (!rc && !p.options.dir) {
		rc = plot_default_dir(p.store, p.runs, p.nr_runs, default_dir, sizeof(default_dir), err);
		p.options.dir = default_dir;
	}
	if (!rc)
		rc = draw_all(&p, err);
	store_close(p.store, NULL);
	return rc;
}

static const struct cli_option options[] = {
	CLI_OPTION_DB,
	{"type", 't', "TYPE,...", "draw these plot types [all that the runs have data for]"},
	{"output", 'o', "DIR", "folder for the pictures [plots/out/NAME-ID]"},
	{"format", 'f', "FORMAT,...", "svg, png, pdf, or dumb: text, printed as well [svg,png]"},
	{"x", 'x', "AXIS", "x axis of time series: time or requests [requests; time with pacing timestamps]"},
	{"list", 0, NULL, "list the plot types and stop"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_plot = {
	.name = "plot",
	.args = "[RUN...]",
	.summary = "draw pictures of runs: SVG, PNG, PDF or text, the gnuplot script and data beside them",
	.examples = "kmemsim plot                                         every picture of the newest run\n"
		    "kmemsim plot slub-up --type latency-cdf -o figures   one picture, into figures/\n"
		    "kmemsim plot slub-up no-slab                         two runs side by side\n"
		    "kmemsim plot --type fragmentation --format dumb      in the terminal\n",
	.options = options,
	.min_args = 0,
	.max_args = PLOT_MAX_RUNS,
	.run = plot,
};
