/*
 * run_fuzz.c - libFuzzer on what a trace makes of a run: whatever requests it has,
 * the run is refused, ends with a message, or is carried out, on every slab layer, with the
 * allocators' invariants kept. tests/e2e/fuzz.sh runs it.
 *
 * The first byte chooses the slab layer, the rest is a trace as text (text.h).
 */
#include "tests/fuzz/fuzz_run.h"
#include "workloads/text.h"

static const char *const layers[] = { "slub", "slab", "slob", "sheaves", "noslab" };

static int run(const char *layer, const char *trace, struct kms_error *err)
{
	static const struct run_options options = { .check = true };
	char text[400];

	snprintf(text, sizeof(text), "{\"machine\": {\"cpus\": 2, \"memory\": {\"size\": \"64MiB\"}},"
		 "\"timing\": \"functional\", \"allocator\": {\"slab\": \"%s\"},"
		 "\"workload\": {\"trace\": \"%s\", \"memory\": \"machine\"},"
		 "\"sampling\": {\"samples\": 4, \"page_maps\": 1}}", layer, trace);
	return fuzz_run(text, NULL, 0, &options, err);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct kms_error err = { 0 };
	char path[64], trace[96];
	u64 requests;
	int fd, rc;

	if (!size || data[0] >= KMS_ARRAY_SIZE(layers))
		return -1;
	fd = fuzz_file(data + 1, size - 1, path);
	snprintf(trace, sizeof(trace), "%s.kmt", fuzz_directory());
	rc = trace_from_text(path, trace, &requests, &err);
	close(fd);
	if (rc)
		return -1;
	rc = run(layers[data[0]], trace, &err);
	/* a run may fail (out of memory, a bug that the allocator found), with a message */
	FUZZ_REQUIRE(!rc || (err.code == rc && err.text[0]));
	unlink(trace);
	return 0;
}
