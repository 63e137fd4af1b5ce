/*
 * policies.c - verb `policies`: the slab layers that "allocator": {"slab": ...}
 * may name, and the parameters that each heeds.
 */
#include <stdlib.h>
#include <string.h>

#include "models/mm/mm.h"
#include "results/json.h"
#include "sim/cli/internal.h"
#include "sim/plugin/plugin.h"

#define WIDTH 88

/* "-1 to 1000", "true or false", "6.18, all" */
static char *param_values(char *buf, size_t n, const struct slab_param *p)
{
	if (!strcmp(p->type, "bool"))
		snprintf(buf, n, "true or false");
	else if (p->choices)
		snprintf(buf, n, "%s", p->choices);
	else if (!strcmp(p->type, "string"))
		snprintf(buf, n, "text");
	else
		snprintf(buf, n, "%lld to %lld", (long long)p->min, (long long)p->max);
	return buf;
}

/* ---- JSON ---- */

static void json_param(struct json *j, const struct slab_param *p)
{
	json_open(j, NULL, '{');
	json_text(j, "name", p->name);
	json_text(j, "type", p->type);
	json_text(j, "default", p->def);
	if (p->choices) {
		json_text(j, "choices", p->choices);
	} else if (strcmp(p->type, "bool")) {
		json_int(j, "min", p->min);
		json_int(j, "max", p->max);
	}
	json_text(j, "unit", p->unit);
	json_text(j, "doc", p->doc);
	json_close(j, '}');
}

static void json_policy(struct json *j, const struct slab_policy *p)
{
	json_open(j, NULL, '{');
	json_text(j, "name", p->name);
	json_text(j, "summary", p->summary);
	json_text(j, "source", p->source);
	json_open(j, "parameters", '[');
	for (u32 i = 0; i < p->nr_params; i++)
		json_param(j, &p->params[i]);
	json_close(j, ']');
	json_close(j, '}');
}

/* ---- for people ---- */

static void print_table(void)
{
	static const char *const headings[] = {"name", "what it is", "described in"};
	struct cli_table *t = cli_table_new(headings, 3);

	for (u32 i = 0; i < mm_ops_plain.nr_policies; i++) {
		const struct slab_policy *p = mm_ops_plain.policies[i];

		cli_table_row(t, (const char *const[]){p->name, p->summary, p->source});
	}
	cli_table_print(t, stdout);
}

static void print_policy(const struct slab_policy *p)
{
	char values[100];

	printf("%s\n    ", p->name);
	cli_wrap(stdout, p->summary, 4, 4, WIDTH);
	printf("    ");
	cli_wrap(stdout, p->source, 4, 4, WIDTH);
	printf("\nParameters, below \"%s\" in a configuration:\n",
	       p == plugin_policy() ? "allocator\": {\"policy_params" : "allocator");
	if (!p->nr_params)
		printf("  none of its own\n");
	for (u32 i = 0; i < p->nr_params; i++) {
		const struct slab_param *param = &p->params[i];

		printf("  %s = %s  (%s%s%s)\n      ", param->name, param->def,
		       param_values(values, sizeof(values), param), *param->unit ? " " : "",
		       param->unit);
		cli_wrap(stdout, param->doc, 6, 6, WIDTH);
	}
}

/* ---- */

static const struct slab_policy *find(const char *name, struct kms_error *err)
{
	const char *names[64];
	u32 n = mm_ops_plain.nr_policies < 64 ? mm_ops_plain.nr_policies : 64;

	if (plugin_is_file(name))
		return plugin_load(name, err) ? NULL : plugin_policy();

	for (u32 i = 0; i < n; i++) {
		names[i] = mm_ops_plain.policies[i]->name;
		if (!strcmp(names[i], name))
			return mm_ops_plain.policies[i];
	}
	cli_unknown(err, "policy", name, names, n);
	return NULL;
}

int cli_list_policies(const struct cli *cli, const char *name, struct kms_error *err)
{
	const struct slab_policy *one = name ? find(name, err) : NULL;
	struct json j;

	if (name && !one)
		return KMS_EUSAGE;
	if (!cli->json) {
		if (one)
			print_policy(one);
		else
			print_table();
		return 0;
	}
	json_start(&j, stdout);
	if (one) {
		json_policy(&j, one);
		return 0;
	}
	json_open(&j, NULL, '[');
	for (u32 i = 0; i < mm_ops_plain.nr_policies; i++)
		json_policy(&j, mm_ops_plain.policies[i]);
	json_close(&j, ']');
	return 0;
}

static int run_policies(struct cli *cli, struct kms_error *err)
{
	return cli_list_policies(cli, cli->nr_args ? cli->args[0] : NULL, err);
}

const struct cli_verb cli_verb_policies = {
	.name = "policies",
	.args = "[NAME|FILE.so]",
	.summary = "list the allocator policies that a configuration may name, or one with its parameters",
	.examples = "kmemsim policies                                        a table\n"
		    "kmemsim policies sheaves                                one, with its parameters\n"
		    "kmemsim policies ./mine.so                              one of your own\n"
		    "kmemsim policies --json                                 for scripts\n"
		    "kmemsim run EXPERIMENT.json --set allocator.slab=slub   run one of them",
	.max_args = 1,
	.run = run_policies,
};
