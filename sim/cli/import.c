/*
 * import.c - verb `import`: a recording into a trace.
 */
#include <string.h>

#include "results/json.h"
#include "sim/cli/internal.h"
#include "workloads/import.h"

struct count {
	const char *key, *text;
	u64 value;
};

#define NR_COUNTS 10

static void counts_of(const struct import_result *r, struct count counts[NR_COUNTS])
{
	const struct count all[NR_COUNTS] = {
		{"events", "events read", r->events},
		{"requests", "requests written", r->requests},
		{"slab_pages_dropped", "page requests of the slab layer, left out", r->slab_pages},
		{"frees_without_alloc", "frees of what was not seen allocated",
		 r->frees_without_alloc},
		{"live_at_start", "objects that were there before the recording", r->live_at_start},
		{"live_at_end", "objects still allocated at the end", r->live_at_end},
		{"unknown_lines", "lines or records not understood", r->unknown},
		{"lost_events", "events that the recording says it lost", r->lost},
		{"null_frees", "frees of NULL", r->null_frees},
		{"alloc_over_live", "allocations of an address whose free was not recorded",
		 r->alloc_over_live},
	};

	memcpy(counts, all, sizeof(all));
}

static void print_json(const struct import_result *r)
{
	struct count counts[NR_COUNTS];
	struct json j;

	counts_of(r, counts);
	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_text(&j, "format", r->format);
	if (r->begins_in_middle)
		json_bool(&j, "begins_in_middle", true);
	for (size_t i = 0; i < NR_COUNTS; i++)
		json_uint(&j, counts[i].key, counts[i].value);
	json_double(&j, "matched", import_matched(r));
	json_double(&j, "coverage", import_coverage(r));
	json_close(&j, '}');
}

static void print_table(const struct import_result *r)
{
	static const char *const headings[] = {"count", "what"};
	struct cli_table *t = cli_table_new(headings, 2);
	struct count counts[NR_COUNTS];
	char buf[32];

	counts_of(r, counts);
	for (size_t i = 0; i < NR_COUNTS; i++)
		cli_table_row(t, (const char *const[]){cli_count(buf, sizeof(buf), counts[i].value),
						       counts[i].text});
	cli_table_print(t, stdout);
	if (r->begins_in_middle)
		printf("the recording begins after the kernel's boot: what was in use by then is not in the trace\n");
	printf("format %s, %.2f%% of the events covered, %.2f%% of the frees matched\n", r->format,
	       100 * import_coverage(r), 100 * import_matched(r));
}

static int run_import(struct cli *cli, struct kms_error *err)
{
	const char *output = cli_value(cli, "output", NULL), *source = cli->args[0];
	struct import_options options = {
		.format = cli_value(cli, "format", NULL), .strict = cli_flag(cli, "strict"),
		.slabs = cli_value(cli, "slabs", NULL),
	};
	struct import_result r = {0};
	int rc;

	if (!output)
		return kms_fail(err, KMS_EUSAGE, "where to? expected -o FILE");
	rc = import_recording_with(source, output, &options, &r, err);
	if (rc)
		return rc;
	if (r.lost)
		fprintf(stderr, "kmemsim: the recording lost %llu events; what they allocated or freed is not in the trace\n",
			(unsigned long long)r.lost);
	if (cli->json)
		print_json(&r);
	else
		print_table(&r);
	return 0;
}

static const struct cli_option options[] = {
	{"output", 'o', "FILE", "trace to write; must be given"},
	{"format", 0, "NAME", "groundtruth, ftrace, trace-cmd-report, perf-script, trace.dat, mtrace or rep; "
			      "otherwise told from the content"},
	{"strict", 0, NULL, "stop at the first malformed record, instead of counting it"},
	{"slabs", 0, "FILE", "slab.tsv of a capture, or the machine's /proc/slabinfo: names for slab caches that no event names"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_import = {
	.name = "import",
	.args = "RECORDING",
	.summary = "make a trace of the recording of a real kernel or program",
	.examples =
		"kmemsim import trace.txt -o boot.kmt                    the text of "
		"/sys/kernel/tracing/trace\n"
		"kmemsim import trace.dat -o boot.kmt                    recorded by trace-cmd record -e kmem\n"
		"kmemsim import perf.txt.zst -o boot.kmt --json          perf script > perf.txt; counts for "
		"scripts\n"
		"kmemsim import RECORDING -o boot.kmt                    a folder with the events\n"
		"kmemsim run EXPERIMENT.json --trace boot.kmt            and then run it",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run_import,
};
