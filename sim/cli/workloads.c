/*
 * workloads.c - verb `workloads`: the named workloads and their parameters.
 */
#include <string.h>

#include "results/json.h"
#include "sim/cli/internal.h"
#include "workloads/adversary.h"

#define WIDTH 98

static u64 default_of(const struct adversary *a, u32 param)
{
	return ((const u64 *)&a->defaults)[param];
}

static void json_one(struct json *j, const struct adversary *a)
{
	json_open(j, NULL, '{');
	json_text(j, "name", a->name);
	json_text(j, "group", a->group);
	json_text(j, "summary", a->summary);
	json_text(j, "effect", a->effect);
	json_open(j, "parameters", '[');
	for (u32 i = 0; i < ADVERSARY_PARAMS; i++) {
		if (!a->docs[i])
			continue;
		json_open(j, NULL, '{');
		json_text(j, "name", adversary_param_names[i]);
		json_uint(j, "default", default_of(a, i));
		json_text(j, "doc", a->docs[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void print_one(const struct adversary *a)
{
	printf("%s (%s)\n    ", a->name, a->group);
	cli_wrap(stdout, a->summary, 4, 4, WIDTH);
	printf("    shows in: ");
	cli_wrap(stdout, a->effect, 14, 14, WIDTH);
	printf("\nParameters, below \"workload\": {\"adversary\": \"%s\", \"parameters\": {...}}:\n", a->name);
	for (u32 i = 0; i < ADVERSARY_PARAMS; i++)
		if (a->docs[i])
			printf("  %-8s = %-8llu %s\n", adversary_param_names[i],
			       (unsigned long long)default_of(a, i), a->docs[i]);
}

static void print_table(void)
{
	static const char *const headings[] = {"name", "what", "what it does"};
	struct cli_table *t = cli_table_new(headings, 3);

	for (u32 i = 0; i < nr_adversaries; i++)
		cli_table_row(t, (const char *const[]){adversaries[i].name, adversaries[i].group,
						       adversaries[i].summary});
	cli_table_print(t, stdout);
}

static const struct adversary *find(const char *name, struct kms_error *err)
{
	for (u32 i = 0; i < nr_adversaries; i++)
		if (!strcmp(adversaries[i].name, name))
			return &adversaries[i];
	cli_unknown(err, "workload", name, adversary_choices + 1, nr_adversaries);
	return NULL;
}

static int run_workloads(struct cli *cli, struct kms_error *err)
{
	const struct adversary *one = cli->nr_args ? find(cli->args[0], err) : NULL;
	struct json j;

	if (cli->nr_args && !one)
		return KMS_EUSAGE;
	if (!cli->json) {
		if (one)
			print_one(one);
		else
			print_table();
		return 0;
	}
	json_start(&j, stdout);
	if (one) {
		json_one(&j, one);
		return 0;
	}
	json_open(&j, NULL, '[');
	for (u32 i = 0; i < nr_adversaries; i++)
		json_one(&j, &adversaries[i]);
	json_close(&j, ']');
	return 0;
}

const struct cli_verb cli_verb_workloads = {
	.name = "workloads",
	.args = "[NAME]",
	.summary = "list the named workloads (adversaries and micro-benchmarks), or one with its parameters",
	.examples = "kmemsim workloads                                       a table\n"
		    "kmemsim workloads checkerboard                          one, with its parameters\n"
		    "kmemsim run configs/experiments/adversary.json --set workload.adversary=ping-pong  run one",
	.max_args = 1,
	.run = run_workloads,
};
