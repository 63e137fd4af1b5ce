/*
 * import_fuzz.c - libFuzzer on the importers of single files. tests/e2e/fuzz.sh
 * builds and runs it; its corpus is in tests/fuzz/corpus/import.
 *
 * An input is a recording, after a byte that says whether the format is told from
 * the content (0) or given. Whatever it holds, the importer either refuses it
 * with a message and leaves nothing behind, or writes a trace that reads without
 * an error and frees nothing that was not allocated. Files of trace-cmd are read by
 * its library in a process of its own, where a fuzzer sees nothing: damage to
 * them is tried in tests/unit/import_formats.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workloads/import.h"
#include "workloads/trace_info.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const char *const formats[] = { NULL, "ftrace", "trace-cmd-report", "perf-script", "mtrace", "rep" };

static char output[64];

static void check_trace(void)
{
	struct kms_error err = { 0 };
	struct trace_summary s;

	if (trace_summarize(&s, output, &err) || s.inconsistent) {
		fprintf(stderr, "the trace is wrong: %s\n", err.text);
		abort();
	}
	trace_summary_free(&s);
	unlink(output);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct import_options options = { .strict = false };
	struct kms_error err = { 0 };
	struct import_result result;
	char path[64];
	int fd, ret;

	if (!size)
		return 0;
	if (data[0] >= KMS_ARRAY_SIZE(formats) || (size > 3 && !memcmp(data + 1, "\x17\x08\x44", 3)))
		return -1;
	options.format = formats[data[0]];
	if (!output[0])
		snprintf(output, sizeof(output), "/dev/shm/kms-fuzz-%d.kmt", getpid());
	fd = memfd_create("recording", 0);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = import_recording_with(path, output, &options, &result, &err);
	close(fd);
	if (!ret)
		check_trace();
	else if (!err.text[0] || !access(output, F_OK))
		abort();
	return 0;
}
