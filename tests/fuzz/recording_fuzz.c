/*
 * recording_fuzz.c - libFuzzer on recordings as `validate` reads and replays
 * them: trace, dumps, boot parameters, kernel options, boot messages.
 * tests/e2e/fuzz.sh runs it.
 */
#include "sim/validate/validate.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct validate_options options = { .shown = 3, .resync = size & 1 };
	struct validate_result result;
	struct kms_error err = { 0 };

	if (!fuzz_folder(data, size))
		return -1;
	fuzz_result(validate_recording(fuzz_directory(), &options, &result, &err), &err);
	validate_free(&result);
	return 0;
}
