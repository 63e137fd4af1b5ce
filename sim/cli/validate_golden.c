/*
 * validate_golden.c - `kmemsim validate --golden FILE`; the verb is in validate.c.
 */
#include "sim/cli/internal.h"
#include "sim/validate/golden.h"

int cli_validate_golden(struct cli *cli, const char *path, double least, struct kms_error *err)
{
	static struct golden_report report;
	u64 total, exact;
	int rc = golden_validate(path, &report, err);

	if (rc)
		return rc;
	if (cli->json)
		golden_json(&report, stdout);
	else
		golden_print(&report, stdout);
	golden_sum(&report, NULL, &total, &exact);
	if ((least >= 100 && !report.ok) || 100.0 * (double)exact < least * (double)total)
		cli->exit_status = EXIT_BEYOND;
	return 0;
}
