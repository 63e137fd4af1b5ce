/*
 * calibrate.c - `kmemsim calibrate`: measure this computer, write its machine JSON.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "results/json.h"
#include "sim/calibrate/calibrate.h"
#include "sim/cli/calibrate.h"

static const struct {
	const char *name, *unit;
	size_t offset;
} figures[] = {
	{"clock", "GHz", offsetof(struct calibrate_host, ghz)},
	{"dispatch", "per cycle", offsetof(struct calibrate_host, dispatch)},
	{"retire", "per cycle", offsetof(struct calibrate_host, retire)},
	{"l1_hit", "ns", offsetof(struct calibrate_host, hit)},
	{"page_walk", "ns", offsetof(struct calibrate_host, walk)},
	{"atomic", "ns", offsetof(struct calibrate_host, atomic)},
	{"fence", "ns", offsetof(struct calibrate_host, fence)},
	{"line_transfer", "ns", offsetof(struct calibrate_host, transfer)},
	{"read_stream", "GB/s", offsetof(struct calibrate_host, read_stream)},
	{"write_stream", "GB/s", offsetof(struct calibrate_host, write_stream)},
};

static const struct calibrate_value *figure(const struct calibrate_host *h, size_t i)
{
	return (const struct calibrate_value *)((const char *)h + figures[i].offset);
}

static void print_figures(const struct calibrate_host *h)
{
	static const char *const headings[] = {"measured", "median", "unit", "spread"};
	struct cli_table *t = cli_table_new(headings, 4);
	char median[32], spread[32];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(figures); i++) {
		snprintf(median, sizeof(median), "%.2f", figure(h, i)->median);
		snprintf(spread, sizeof(spread), "%.1f %%", 100 * figure(h, i)->spread);
		cli_table_row(t, (const char *const[]){figures[i].name, median, figures[i].unit, spread});
	}
	printf("%s, %u cores\n\n", h->topology.cpu, h->topology.cores);
	cli_table_print(t, stdout);
}

static void print_chases(const struct calibrate_host *h, const double *simulated)
{
	static const char *const headings[] = {"chase over", "measured ns", "spread", "simulated ns", "difference"};
	struct cli_table *t = cli_table_new(headings, 5);
	char cell[5][32];

	for (u32 i = 0; i < h->nr_sizes; i++) {
		double measured = h->chase[i].median;

		cli_bytes(cell[0], sizeof(cell[0]), (double)h->size[i]);
		snprintf(cell[1], sizeof(cell[1]), "%.2f", measured);
		snprintf(cell[2], sizeof(cell[2]), "%.1f %%", 100 * h->chase[i].spread);
		snprintf(cell[3], sizeof(cell[3]), "%.2f", simulated[i]);
		snprintf(cell[4], sizeof(cell[4]), "%+.1f %%", 100 * (simulated[i] / measured - 1));
		cli_table_row(t, (const char *const[]){cell[0], cell[1], cell[2], cell[3], cell[4]});
	}
	printf("\n");
	cli_table_print(t, stdout);
}

static void json_value(struct json *j, const char *key, const struct calibrate_value *v, const char *unit)
{
	json_open(j, key, '{');
	json_double(j, "median", v->median);
	json_double(j, "spread", v->spread);
	json_text(j, "unit", unit);
	json_close(j, '}');
}

static void print_json(const struct calibrate_host *h, const double *simulated)
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_text(&j, "cpu", h->topology.cpu);
	json_uint(&j, "cores", h->topology.cores);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(figures); i++)
		json_value(&j, figures[i].name, figure(h, i), figures[i].unit);
	json_open(&j, "chase", '[');
	for (u32 i = 0; i < h->nr_sizes; i++) {
		json_open(&j, NULL, '{');
		json_uint(&j, "bytes", h->size[i]);
		json_double(&j, "measured_ns", h->chase[i].median);
		json_double(&j, "spread", h->chase[i].spread);
		json_double(&j, "simulated_ns", simulated[i]);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

static int limit(const struct cli *cli, u64 *bytes, struct kms_error *err)
{
	const char *text = cli_value(cli, "largest", "0");
	char *end;
	u64 mib = strtoull(text, &end, 10);

	*bytes = mib << 20;
	if (end == text || *end || *text == '-' || mib > 4096)
		return kms_fail(err, KMS_EUSAGE, "--largest: found \"%s\", expected MiB, at most 4096", text);
	return 0;
}

static void print(const struct cli *cli, const struct calibrate_host *h, const double *simulated)
{
	if (cli->json) {
		print_json(h, simulated);
		return;
	}
	print_figures(h);
	print_chases(h, simulated);
}

/* Measure, fit, simulate the chases; the machine as text, which the caller frees. */
static int measure(struct cli *cli, struct calibrate_host *host, double *simulated, char **text, struct kms_error *err)
{
	u64 most;
	int rc = limit(cli, &most, err);

	if (!rc)
		rc = calibrate_measure(host, most, &cli_interrupted, err);
	if (!rc && cli_interrupted)
		rc = kms_fail(err, KMS_EINTERRUPTED, "interrupted; nothing was written");
	if (rc)
		return rc;
	*text = calibrate_machine(host, cli_value(cli, "name", "host"));
	return *text ? calibrate_simulate(host, *text, simulated, err) : kms_fail(err, KMS_EFAIL, "out of memory");
}

/* Before seconds of work, not after. */
static int check_output(const char *path, struct kms_error *err)
{
	if (path && !access(path, F_OK))
		return kms_fail(err, KMS_EUSAGE, "cannot create %s: the file exists", path);
	return 0;
}

static int check_options(const struct cli *cli, struct kms_error *err)
{
	bool compare = cli_flag(cli, "compare"), machine = cli_value(cli, "machine", NULL);

	if (compare && cli_flag(cli, "count"))
		return kms_fail(err, KMS_EUSAGE, "--compare and --count exclude each other");
	if (machine && !compare)
		return kms_fail(err, KMS_EUSAGE, "--machine belongs to --compare: without it this computer is measured");
	if (machine && cli_value(cli, "output", NULL))
		return kms_fail(err, KMS_EUSAGE, "--output has nothing to write: with --machine nothing is measured");
	return 0;
}

static int calibrate(struct cli *cli, struct kms_error *err)
{
	static struct calibrate_host host;
	double simulated[CALIBRATE_SIZES] = {0};
	const char *path = cli_value(cli, "output", NULL), *machine = cli_value(cli, "machine", NULL);
	bool compare = cli_flag(cli, "compare");
	char *text = NULL;
	int rc = check_output(path, err);

	if (!rc)
		rc = check_options(cli, err);
	if (rc)
		return rc;
	if (cli_flag(cli, "count"))
		return cli_calibrate_count(cli, path, err);
	if (!machine)
		rc = measure(cli, &host, simulated, &text, err);
	if (!rc && !machine && path)
		rc = cli_write_new(path, text, err);
	if (!rc && compare)
		rc = cli_calibrate_compare(cli, machine ? machine : text, err);
	else if (!rc)
		print(cli, &host, simulated);
	free(text);
	return rc;
}

static const struct cli_option options[] = {
	{"output", 'o', "FILE", "write the machine JSON (with --count the cost table) here; an existing file is not overwritten"},
	{"name", 0, "NAME", "name of the machine [host], or of the cost table [native]"},
	{"largest", 0, "MIB", "largest chase [4 times the last cache, at most 512]"},
	{"compare", 0, NULL,
	 "time the native build of the allocators here, and run it on the machine that was measured; exit status 3 if the "
	 "mean error is above 15 %, one above 30 %, or too few could be judged (spread below 5 %)"},
	{"machine", 0, "FILE", "with --compare: a machine JSON of this computer, in place of measuring it again"},
	{"costs", 0, "FILE", "with --compare: cost table of the native build [configs/costs/native-gcc-12.json]"},
	{"least", 0, "N", "with --compare: workloads that must be judged [12]"},
	{"count", 0, NULL, "single-step the native build (x86-64) and write its cost table"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_calibrate = {
	.name = "calibrate",
	.args = "",
	.summary = "measure this computer and describe it as a machine to simulate",
	.examples = "kmemsim calibrate                        what was measured, beside the simulated machine\n"
		    "kmemsim calibrate -o host.json           and the machine as JSON\n"
		    "kmemsim calibrate --compare              the allocators natively, and on that machine\n"
		    "kmemsim calibrate --compare --machine host.json   without measuring again\n"
		    "kmemsim calibrate --count -o costs.json  instructions of the native build by path segment\n"
		    "kmemsim run configs/experiments/slub-smp4.json --set machine=host.json\n",
	.options = options,
	.min_args = 0,
	.max_args = 0,
	.run = calibrate,
};
