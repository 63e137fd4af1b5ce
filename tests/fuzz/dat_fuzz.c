/*
 * dat_fuzz.c - libFuzzer on trace.dat records. tests/e2e/fuzz.sh runs it.
 *
 * A whole file is read by trace-cmd's library in a process of its own, where a
 * fuzzer sees nothing. What is the importer's own work, making events of records
 * whose formats may lack fields or place them outside, is fuzzed here: the
 * input is event formats as text, a NUL byte, and records, each a byte for its
 * length and that many bytes. An input that begins with the magic bytes of
 * trace.dat is a whole file; it goes the usual way, in another process.
 */
#include "tests/fuzz/fuzz.h"
#include "workloads/import_dat.c"
#include "workloads/trace_info.h"

const char *__lsan_default_suppressions(void);

/* Formats that the library cannot parse stay in its memory. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libtraceevent";
}

static char output[96];

static void check_output(int ret, const struct kms_error *err)
{
	struct kms_error local = { 0 };
	struct trace_summary summary;

	fuzz_result(ret, err);
	FUZZ_REQUIRE(!ret == !access(output, F_OK));
	if (ret)
		return;
	FUZZ_REQUIRE(!trace_summarize(&summary, output, &local) && !summary.inconsistent);
	trace_summary_free(&summary);
	unlink(output);
}

static void whole_file(const u8 *data, size_t size)
{
	struct kms_error err = { 0 };
	struct import_result result;
	char path[64];
	int fd = fuzz_file(data, size, path);

	check_output(import_recording_with(path, output, NULL, &result, &err), &err);
	close(fd);
}

/* The formats, each from "name:" to the next. */
static void parse_formats(struct tep_handle *tep, const char *text)
{
	const char *next;

	for (; text && *text; text = next) {
		next = strstr(text + 1, "\nname:");
		next = next ? next + 1 : text + strlen(text);
		tep_parse_event(tep, text, (unsigned long)(next - text), "kmem");
	}
}

static int one_record(struct dat_reader *r, struct tep_handle *tep, const u8 *data, u32 length, int cpu)
{
	u8 *copy = malloc(length ? length : 1); /* of its very size, for the address sanitizer */
	struct tep_record record = { .ts = r->records * 100, .size = (int)length, .data = copy,
				     .cpu = cpu, .missed_events = length == 3 };
	const struct dat_format *f;
	struct kmem_event ev;
	int ret;

	memcpy(copy, data, length);
	r->records++;
	f = length >= 2 ? format_of(r, tep, copy[0] | copy[1] << 8) : NULL;
	if (!f || f->kind < 0)
		ret = 0;
	else if (!decode(r, f, &record, &ev))
		ret = malformed(r, kmem_event_names[f->kind], "something else");
	else
		ret = kmem_event(&r->im, &ev);
	free(copy);
	return ret ? ret : r->im.err->code;
}

static void records(const char *formats, const u8 *data, size_t size)
{
	struct kms_error err = { 0 };
	struct import_result result = { 0 };
	const struct import_job job = { .source = "formats", .output = output, .result = &result, .err = &err };
	struct dat_reader *r = calloc(1, sizeof(*r));
	struct tep_handle *tep = tep_alloc();
	int ret;

	r->job = &job;
	tep_set_loglevel(TEP_LOG_NONE);
	parse_formats(tep, formats);
	ret = kmem_begin(&r->im, &job);
	while (size > 1 && !ret) {
		size_t length = data[0] < size - 1 ? data[0] : size - 1;

		ret = one_record(r, tep, data + 1, (u32)length, data[0] % 3);
		data += 1 + length;
		size -= 1 + length;
	}
	if (!ret)
		ret = kmem_finish(&r->im, &job, NULL);
	check_output(ret, &err);
	kmem_free(&r->im);
	live_free(&r->sites);
	free(r->formats);
	free(r);
	tep_free(tep);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const u8 *end = memchr(data, '\0', size);
	char *formats;

	if (!output[0])
		snprintf(output, sizeof(output), "%s.kmt", fuzz_directory());
	if (size > 3 && !memcmp(data, "\x17\x08\x44", 3)) {
		whole_file(data, size);
		return 0;
	}
	if (!end)
		return -1;
	formats = fuzz_text(data, (size_t)(end - data));
	records(formats, end + 1, size - (size_t)(end + 1 - data));
	free(formats);
	return 0;
}
