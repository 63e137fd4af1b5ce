/*
 * costs_fuzz.c - libFuzzer on cost tables. tests/e2e/fuzz.sh runs it.
 */
#include "models/rt/costs.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct kms_error err = { 0 };
	struct cost_table table;
	char path[64];
	int fd = fuzz_file(data, size, path), ret;

	ret = costs_load(&table, path, &err);
	fuzz_result(ret, &err);
	if (!ret)
		costs_free(&table);
	close(fd);
	return 0;
}
