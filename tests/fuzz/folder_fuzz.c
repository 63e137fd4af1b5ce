/*
 * folder_fuzz.c - libFuzzer on the import of recordings that are folders: trace,
 * dumps, statistics. tests/e2e/fuzz.sh runs it.
 */
#include "tests/fuzz/fuzz.h"
#include "workloads/import.h"
#include "workloads/trace_info.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct import_result result;
	struct trace_summary summary;
	struct kms_error err = { 0 };
	char output[96], partial[112];
	int ret;

	if (!fuzz_folder(data, size))
		return -1;
	snprintf(output, sizeof(output), "%s.kmt", fuzz_directory());
	snprintf(partial, sizeof(partial), "%s.partial", output);
	ret = import_recording_with(fuzz_directory(), output, NULL, &result, &err);
	fuzz_result(ret, &err);
	FUZZ_REQUIRE(access(partial, F_OK));
	FUZZ_REQUIRE(!ret == !access(output, F_OK));
	if (ret)
		return 0;
	FUZZ_REQUIRE(!trace_summarize(&summary, output, &err));
	FUZZ_REQUIRE(!summary.inconsistent);
	trace_summary_free(&summary);
	unlink(output);
	return 0;
}
