/*
 * schema.c - verb `schema`: the experiment's JSON Schema, or its reference page.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/cli/internal.h"
#include "sim/config/experiment.h"

static const struct cfg_table *const tables[] = {&experiment_config_table, &machine_config_table,
						 &synthetic_config_table};

static const struct cfg_table *find_table(const char *name, struct kms_error *err)
{
	const char *names[KMS_ARRAY_SIZE(tables)];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(tables); i++) {
		names[i] = tables[i]->name;
		if (!strcmp(name, names[i]))
			return tables[i];
	}
	cli_unknown(err, "section", name, names, KMS_ARRAY_SIZE(tables));
	return NULL;
}

static int run_schema(struct cli *cli, struct kms_error *err)
{
	const struct cfg_table *table = &experiment_config_table;
	char *text;

	if (cli->nr_args)
		table = find_table(cli->args[0], err);
	if (!table)
		return KMS_EUSAGE;
	text = cli_flag(cli, "markdown") ? cfg_reference(table) : cfg_schema(table);
	if (!text)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	printf("%s%s", text, *text && text[strlen(text) - 1] != '\n' ? "\n" : "");
	free(text);
	return 0;
}

static const struct cli_option options[] = {
	{"markdown", 0, NULL, "the reference page of docs/configuration.md instead"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_schema = {
	.name = "schema",
	.args = "[experiment|machine|synthetic]",
	.summary = "print the JSON Schema of experiments, for editors and checkers",
	.examples = "kmemsim schema > experiment.schema.json    for an editor's completion\n"
		    "kmemsim schema machine                     of a machine file\n"
		    "kmemsim schema --markdown                  the reference as a page",
	.options = options,
	.max_args = 1,
	.run = run_schema,
};
