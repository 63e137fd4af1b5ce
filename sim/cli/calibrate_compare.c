/*
 * calibrate_compare.c - `kmemsim calibrate --compare` and `--count`: the native
 * build of the allocators against its simulation (sim/calibrate/compare.h), and
 * the cost table that it is charged with (sim/calibrate/count.h).
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/rt/costs.h"
#include "results/json.h"
#include "sim/calibrate/compare.h"
#include "sim/calibrate/count.h"
#include "sim/cli/calibrate.h"
#include "sim/config/data.h"

#define RETRIES 3u
#define COUNTED_ON "configs/machines/desktop-1cpu.json" /* what a call passes does not depend on it */

int cli_write_new(const char *path, const char *text, struct kms_error *err)
{
	FILE *f = fopen(path, "wx");
	int bad;

	if (!f)
		return kms_fail(err, KMS_EUSAGE, "cannot create %s: %s", path, strerror(errno));
	bad = fputs(text, f) < 0;
	bad |= fclose(f);
	return bad ? kms_fail(err, KMS_EFAIL, "cannot write %s: %s", path, strerror(errno)) : 0;
}

/* ---- comparing ---- */

static void print_table(const struct compare_result *r)
{
	static const char *const headings[] = {"workload", "native cycles/op", "spread", "simulated", "error", "judged"};
	struct cli_table *t = cli_table_new(headings, 6);
	char cell[4][32];

	for (u32 i = 0; i < r->n; i++) {
		const struct compare_row *row = &r->rows[i];

		snprintf(cell[0], sizeof(cell[0]), "%.2f", row->native.median);
		snprintf(cell[1], sizeof(cell[1]), "%.1f %%", 100 * row->native.spread);
		snprintf(cell[2], sizeof(cell[2]), "%.2f", row->simulated);
		snprintf(cell[3], sizeof(cell[3]), "%+.1f %%", 100 * row->error);
		cli_table_row(t, (const char *const[]){row->workload->name, cell[0], cell[1], cell[2], cell[3],
						       row->judged ? "yes" : "no"});
	}
	cli_table_print(t, stdout);
	printf("\n%u of %u workloads judged: mean error %.1f %%, largest %.1f %%\n", r->judged, r->n, 100 * r->mean_error,
	       100 * r->worst_error);
	printf("a load from the last cache: %.0f ns now, %.0f ns on the simulated machine\n", r->now_ns, r->llc_ns);
}

static void print_json(const struct compare_result *r, const char *verdict)
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_uint(&j, "judged", r->judged);
	json_double(&j, "mean_error", r->mean_error);
	json_double(&j, "largest_error", r->worst_error);
	json_double(&j, "llc_ns", r->now_ns);
	json_double(&j, "simulated_llc_ns", r->llc_ns);
	json_text(&j, "beyond", verdict ? verdict : "");
	json_open(&j, "workloads", '[');
	for (u32 i = 0; i < r->n; i++) {
		const struct compare_row *row = &r->rows[i];

		json_open(&j, NULL, '{');
		json_text(&j, "workload", row->workload->name);
		json_double(&j, "native_cycles_per_op", row->native.median);
		json_double(&j, "spread", row->native.spread);
		json_double(&j, "simulated_cycles_per_op", row->simulated);
		json_double(&j, "error", row->error);
		json_uint(&j, "judged", row->judged);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

static int least(const struct cli *cli, u32 *n, struct kms_error *err)
{
	const char *text = cli_value(cli, "least", "12");
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*n = (u32)value;
	if (end == text || *end || *text == '-' || value > calibrate_nr_workloads)
		return kms_fail(err, KMS_EUSAGE, "--least: found \"%s\", expected a number of workloads, at most %u", text,
				calibrate_nr_workloads);
	return 0;
}

/* Instructions counted in another compiler's code say little about this program. */
static int check_costs(const char *path, bool quiet, struct kms_error *err)
{
	struct cost_table table;
	int rc = costs_load(&table, path, err);

	if (rc)
		return rc;
	if (!quiet && !strstr(table.source, "(" __VERSION__ ")"))
		fprintf(stderr, CLI_PROGRAM ": %s does not name the compiler of this program (" __VERSION__
			"): it counts another compiler's code; `kmemsim calibrate --count -o FILE` counts this one's\n", path);
	costs_free(&table);
	return 0;
}

int cli_calibrate_compare(struct cli *cli, const char *machine, struct kms_error *err)
{
	static struct compare_result result;
	struct compare_limits limits = {.spread = 0.05, .mean = 0.15, .each = 0.30};
	char costs[4096], text[256];
	const char *verdict;
	int rc = least(cli, &limits.least, err);

	data_find(cli_value(cli, "costs", "configs/costs/native-gcc-12.json"), costs, sizeof(costs));
	if (!rc)
		rc = check_costs(costs, cli->quiet, err);
	if (!rc)
		rc = compare_run(&result, machine, costs, &limits, RETRIES, &cli_interrupted, err);
	if (rc)
		return rc;
	verdict = compare_verdict(&result, &limits, text, sizeof(text));
	if (cli->json)
		print_json(&result, verdict);
	else
		print_table(&result);
	if (verdict) {
		fprintf(stderr, CLI_PROGRAM ": %s\n", verdict);
		cli->exit_status = EXIT_BEYOND;
	}
	return 0;
}

/* ---- counting ---- */

static void print_fit(const struct count_fit *fit, bool json)
{
	struct json j;

	if (!json) {
		printf("%u calls counted, %.0f instructions in one on average, charged with a mean error of %.1f %%\n",
		       fit->calls, fit->insns, 100 * fit->mean_error);
		return;
	}
	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_uint(&j, "calls", fit->calls);
	json_double(&j, "insns_per_call", fit->insns);
	json_double(&j, "mean_error", fit->mean_error);
	json_close(&j, '}');
}

static int count_all(struct count_table *t, const char *machine, bool quiet, struct kms_error *err)
{
	static const char *const layers[] = {"slub", "slab", "slob"};
	int rc = 0;

	for (u32 i = 0; i < KMS_ARRAY_SIZE(layers) && !rc; i++) {
		if (!quiet)
			fprintf(stderr, "counting %s ...\n", layers[i]);
		rc = count_stream(t, layers[i], machine, &cli_interrupted, err);
	}
	return rc ? rc : count_loops(t, machine, err);
}

int cli_calibrate_count(struct cli *cli, const char *path, struct kms_error *err)
{
	static struct count_fit fit;
	struct count_table table = {0};
	char machine[4096], *text = NULL;
	int rc;

	data_find(COUNTED_ON, machine, sizeof(machine));
	rc = count_all(&table, machine, cli->quiet, err);
	if (!rc)
		rc = count_solve(&table, &fit, err);
	if (!rc && !(text = count_costs(&fit, cli_value(cli, "name", "native"))))
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	if (!rc && path)
		rc = cli_write_new(path, text, err);
	if (!rc && !path)
		fputs(text, stdout);
	if (!rc && path)
		print_fit(&fit, cli->json);
	free(text);
	count_free(&table);
	return rc;
}
