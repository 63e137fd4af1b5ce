/*
 * memtrace.c - `kmemsim memtrace`: a trace of memory accesses through the hardware models.
 *
 * The modes are in sim/memtrace, one file each; here are the options and the
 * printing of what they found.
 */
#include "results/json.h"
#include "sim/cli/internal.h"
#include "sim/memtrace/memtrace.h"

#include <stdlib.h>
#include <string.h>

typedef int mode_fn(const struct memtrace_options *o, struct memtrace_result *r,
		    struct kms_error *err);

static const struct mode {
	const char *option;
	mode_fn *run;
} modes[] = {
	{"dram-only", memtrace_dram_only},
	{"cachegrind", memtrace_cachegrind},
	{"coherence", memtrace_coherence},
};

static void print_figure(struct json *j, const struct memtrace_figure *f)
{
	switch (f->kind) {
	case MEMTRACE_COUNT:
		json_uint(j, f->name, f->count);
		break;
	case MEMTRACE_NUMBER:
		json_double(j, f->name, f->number);
		break;
	case MEMTRACE_TEXT:
		json_text(j, f->name, f->text);
		break;
	}
}

static void print_json(const struct memtrace_result *r)
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	for (u32 i = 0; i < r->nr_figures; i++)
		print_figure(&j, &r->figures[i]);
	json_bool(&j, "complete", !r->stopped);
	json_close(&j, '}');
}

static void print_people(const struct memtrace_result *r)
{
	static const char *const headings[] = {"figure", "value", "unit"};
	struct cli_table *t = cli_table_new(headings, 3);
	char value[80];

	for (u32 i = 0; i < r->nr_figures; i++) {
		const struct memtrace_figure *f = &r->figures[i];
		const char *cells[] = {f->name, value, f->unit};

		if (f->kind == MEMTRACE_COUNT)
			cli_count(value, sizeof(value), f->count);
		else if (f->kind == MEMTRACE_NUMBER)
			snprintf(value, sizeof(value), "%.4f", f->number);
		else
			cli_safe(value, sizeof(value), f->text);
		cli_table_row(t, cells);
	}
	cli_table_print(t, stdout);
}

static int count_option(const struct cli *cli, const char *name, u64 *value, struct kms_error *err)
{
	const char *text = cli_value(cli, name, "0");
	char *end;

	*value = strtoull(text, &end, 10);
	if (end == text || *end || *text == '-')
		return kms_fail(err, KMS_EUSAGE, "--%s: found \"%s\", expected a whole number", name, text);
	return 0;
}

static int find_mode(const struct cli *cli, mode_fn **run, struct kms_error *err)
{
	const struct mode *found = NULL;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!cli_flag(cli, modes[i].option))
			continue;
		if (found)
			return kms_fail(err, KMS_EUSAGE, "--%s and --%s are different modes, expected one",
					found->option, modes[i].option);
		found = &modes[i];
	}
	*run = found ? found->run : memtrace_machine;
	return 0;
}

static int memtrace(struct cli *cli, struct kms_error *err)
{
	static struct memtrace_result result;
	struct memtrace_options o = {
		.trace = cli->args[0],
		.machine = cli_value(cli, "machine", NULL),
		.i1 = cli_value(cli, "I1", NULL),
		.d1 = cli_value(cli, "D1", NULL),
		.ll = cli_value(cli, "LL", NULL),
		.l1 = cli_value(cli, "l1", NULL),
		.format = cli_value(cli, "format", NULL),
		.convert = cli_value(cli, "convert", NULL),
		.dinero = cli_flag(cli, "dinero"),
		.log = cli_value(cli, "log", NULL),
		.stop = &cli_interrupted,
	};
	mode_fn *run = NULL;
	int rc = find_mode(cli, &run, err);

	o.set = cli_values(cli, "set", &o.nr_set);
	if (!rc)
		rc = count_option(cli, "limit", &o.limit, err);
	if (!rc)
		rc = count_option(cli, "seed", &o.seed, err);
	if (!rc)
		rc = run(&o, &result, err);
	if (rc)
		return rc;
	if (cli->json)
		print_json(&result);
	else
		print_people(&result);
	if (result.stopped)
		cli->exit_status = EXIT_INTERRUPTED;
	return 0;
}

static const struct cli_option options[] = {
	{"machine", 'm', "FILE", "machine JSON (configs/machines)"},
	{"set", 's', "PATH=VALUE", "override a key of the machine; may be repeated"},
	{"dram-only", 0, NULL, "drive one DRAM controller: 0xADDR READ|WRITE CYCLE"},
	{"cachegrind", 0, NULL, "count I1, D1 and LL misses as cachegrind does: I|L|S|M ADDR SIZE"},
	{"coherence", 0, NULL, "private L1 caches under atomic MESI: CPU R|W ADDR"},
	{"I1", 0, "SIZE,WAYS,LINE", "instruction cache of --cachegrind [32768,8,64]"},
	{"D1", 0, "SIZE,WAYS,LINE", "data cache of --cachegrind [32768,8,64]"},
	{"LL", 0, "SIZE,WAYS,LINE", "last-level cache of --cachegrind [8388608,16,64]"},
	{"l1", 0, "SIZE,WAYS", "private caches of --coherence [32768,8]"},
	{"dinero", 0, NULL, "with --cachegrind: split at lines, write-back L1s over a unified L2"},
	{"convert", 0, "FILE", "with --cachegrind: write the trace in binary form, count nothing"},
	{"format", 0, "NAME", "format of the trace [guessed]"},
	{"log", 0, "FILE", "write the DRAM command log"},
	{"limit", 0, "N", "stop after N accesses"},
	{"seed", 0, "N", "of random replacement"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_memtrace = {
	.name = "memtrace",
	.args = "TRACE",
	.summary = "drive caches, coherence and DRAM with a trace of accesses",
	.examples =
		"kmemsim memtrace --dram-only --machine configs/machines/reference-ddr4-2400.json rand.trc\n"
		"kmemsim memtrace --cachegrind --D1 16384,2,64 program.lackey.zst --json\n"
		"kmemsim memtrace --coherence --l1 1024,2 falseshare.txt\n"
		"kmemsim memtrace --machine configs/machines/desktop-4cpu.json falseshare.txt\n",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = memtrace,
};
