/*
 * import.c - which importer reads a source.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "workloads/import_internal.h"

static const struct importer *const importers[] = { &import_groundtruth };

static int unrecognised(const char *source, struct kms_error *err)
{
	char expected[512] = "";

	for (size_t i = 0; i < KMS_ARRAY_SIZE(importers); i++) {
		size_t n = strlen(expected);

		snprintf(expected + n, sizeof(expected) - n, "%s%s", i ? ", or " : "", importers[i]->what);
	}
	return kms_fail(err, KMS_EUSAGE, "'%s' is not a recording that can be imported; expected %s", source,
			expected);
}

int import_recording(const char *source, const char *output, struct import_result *result,
		     struct kms_error *err)
{
	struct stat st;

	memset(result, 0, sizeof(*result));
	if (stat(source, &st))
		return kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", source, strerror(errno));
	for (size_t i = 0; i < KMS_ARRAY_SIZE(importers); i++)
		if (importers[i]->recognises(source))
			return importers[i]->import(source, output, result, err);
	return unrecognised(source, err);
}
