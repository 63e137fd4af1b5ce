/*
 * compare_diverge.c - `compare --diverge A B`: where two runs first part.
 */
#include "sim/cli/compare.h"

int cmp_diverge(struct cli *cli, struct kms_error *err)
{
	return kms_fail(err, KMS_EUSAGE, "not yet");
}
