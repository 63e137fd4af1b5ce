/*
 * text_fuzz.c - libFuzzer on traces in text form: what is taken comes back as the
 * same trace. tests/e2e/fuzz.sh runs it.
 */
#include "tests/fuzz/fuzz.h"
#include "workloads/text.h"
#include "workloads/trace_info.h"

static char *print(const char *trace, size_t *length)
{
	struct kms_error err = { 0 };
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	FUZZ_REQUIRE(out && !trace_to_text(trace, out, &err));
	fclose(out);
	return text;
}

/* pre: text came of a trace. It packs again, and prints as the same text. */
static void again(const char *text, size_t length, const char *output)
{
	struct kms_error err = { 0 };
	char path[64], *second;
	size_t n;
	u64 requests;
	int fd = fuzz_file((const u8 *)text, length, path);

	if (trace_from_text(path, output, &requests, &err))
		fprintf(stderr, "finding: what was printed is refused: %s\n", err.text);
	FUZZ_REQUIRE(!err.code);
	second = print(output, &n);
	FUZZ_REQUIRE(n == length && !memcmp(text, second, n));
	free(second);
	close(fd);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct kms_error err = { 0 };
	char path[64], output[96], *text;
	size_t length;
	u64 requests = 0;
	int fd = fuzz_file(data, size, path), ret;

	snprintf(output, sizeof(output), "%s.kmt", fuzz_directory());
	ret = trace_from_text(path, output, &requests, &err);
	fuzz_result(ret, &err);
	FUZZ_REQUIRE(!ret == !access(output, F_OK));
	if (!ret) {
		text = print(output, &length);
		again(text, length, output);
		free(text);
		unlink(output);
	}
	close(fd);
	return 0;
}
