/*
 * validate.c - `kmemsim validate --golden FILE`: the kernel's own answers.
 */
#include "sim/cli/cli.h"
#include "sim/validate/golden.h"

static int validate(struct cli *cli, struct kms_error *err)
{
	static struct golden_report report;
	const char *path = cli_value(cli, "golden", NULL);
	int rc;

	if (!path)
		return kms_fail(err, KMS_EUSAGE, "expected --golden FILE");
	rc = golden_validate(path, &report, err);
	if (rc)
		return rc;
	if (cli->json)
		golden_json(&report, stdout);
	else
		golden_print(&report, stdout);
	if (!report.ok)
		cli->exit_status = EXIT_BEYOND;
	return 0;
}

static const struct cli_option options[] = {
	{"golden", 0, "FILE", "vectors recorded by test modules (plain, .gz or .zst)"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_validate = {
	.name = "validate",
	.args = "",
	.summary = "replay what a real kernel did and compare every answer",
	.examples = "kmemsim validate --golden g1.txt.gz   replay golden vectors\n",
	.options = options,
	.min_args = 0,
	.max_args = 0,
	.run = validate,
};
