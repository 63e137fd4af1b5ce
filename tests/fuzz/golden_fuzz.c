/*
 * golden_fuzz.c - libFuzzer on golden vectors (validate --golden): read, and
 * replayed. tests/e2e/fuzz.sh runs it.
 */
#include "sim/validate/golden.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct golden_report report;
	struct kms_error err = { 0 };
	char path[64];
	int fd = fuzz_file(data, size, path);

	fuzz_result(golden_validate(path, &report, &err), &err);
	close(fd);
	return 0;
}
