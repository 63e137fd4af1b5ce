/*
 * policies.c - verb `policies`: the slab layers that "allocator": {"slab": ...}
 * may name.
 */
#include "models/mm/mm.h"
#include "results/json.h"
#include "sim/cli/internal.h"

static void print_json(void)
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '[');
	for (u32 i = 0; i < mm_ops_plain.nr_policies; i++) {
		const struct slab_policy *p = mm_ops_plain.policies[i];

		json_open(&j, NULL, '{');
		json_text(&j, "name", p->name);
		json_text(&j, "summary", p->summary);
		json_text(&j, "source", p->source);
		json_close(&j, '}');
	}
	json_close(&j, ']');
}

static int run_policies(struct cli *cli, struct kms_error *err)
{
	static const char *const headings[] = {"name", "what it is", "described in"};
	struct cli_table *t;

	if (cli->json) {
		print_json();
		return 0;
	}
	t = cli_table_new(headings, 3);
	for (u32 i = 0; i < mm_ops_plain.nr_policies; i++) {
		const struct slab_policy *p = mm_ops_plain.policies[i];

		cli_table_row(t, (const char *const[]){p->name, p->summary, p->source});
	}
	cli_table_print(t, stdout);
	return 0;
}

const struct cli_verb cli_verb_policies = {
	.name = "policies",
	.args = "",
	.summary = "list the allocator policies that a configuration may name",
	.examples = "kmemsim policies                                        a table\n"
		    "kmemsim policies --json                                 for scripts\n"
		    "kmemsim run EXPERIMENT.json --set allocator.slab=slub   run one of them",
	.run = run_policies,
};
