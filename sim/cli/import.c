/*
 * import.c - verb `import`: a recording into a trace.
 */
#include "results/json.h"
#include "sim/cli/internal.h"
#include "workloads/import.h"

struct count {
	const char *key, *text;
	u64 value;
};

static void print_json(const struct count *counts, size_t n, const char *source, const char *output)
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_text(&j, "source", source);
	json_text(&j, "trace", output);
	for (size_t i = 0; i < n; i++)
		json_uint(&j, counts[i].key, counts[i].value);
	json_close(&j, '}');
}

static void print_table(const struct count *counts, size_t n)
{
	static const char *const headings[] = {"count", "what"};
	struct cli_table *t = cli_table_new(headings, 2);
	char buf[32];

	for (size_t i = 0; i < n; i++)
		cli_table_row(t, (const char *const[]){cli_count(buf, sizeof(buf), counts[i].value), counts[i].text});
	cli_table_print(t, stdout);
}

static int run_import(struct cli *cli, struct kms_error *err)
{
	const char *output = cli_value(cli, "output", NULL), *source = cli->args[0];
	struct import_result r = {0};
	int rc;

	if (!output)
		return kms_fail(err, KMS_EUSAGE, "where to? expected -o FILE");
	rc = import_recording(source, output, &r, err);
	if (rc)
		return rc;
	const struct count counts[] = {
		{"events", "events read", r.events},
		{"requests", "requests written", r.requests},
		{"outcomes", "events that are the recorded allocator's own steps, left out", r.outcomes},
		{"slab_pages", "page requests of the slab layer, left out", r.slab_pages},
		{"frees_without_alloc", "frees of what was allocated before the recording", r.frees_without_alloc},
		{"live_at_end", "objects still allocated at the end", r.live_at_end},
		{"unknown", "events not understood", r.unknown},
	};

	if (cli->json)
		print_json(counts, KMS_ARRAY_SIZE(counts), source, output);
	else
		print_table(counts, KMS_ARRAY_SIZE(counts));
	return 0;
}

static const struct cli_option options[] = {
	{"output", 'o', "FILE", "trace to write; must be given"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_import = {
	.name = "import",
	.args = "RECORDING",
	.summary = "make a trace of the recording of a real kernel",
	.examples = "kmemsim import RECORDING -o boot.kmt                    a folder or file with the events\n"
		    "kmemsim import RECORDING -o boot.kmt --json             its counts for scripts\n"
		    "kmemsim run EXPERIMENT.json --trace boot.kmt            and then run it",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run_import,
};
