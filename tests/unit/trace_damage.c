/*
 * trace_damage.c - files that are not what they should be: each has its own
 * message, and no damage gets past the checksums.
 */
#include <sys/types.h>
#include <xxhash.h>

#include "trace_common.h"
#include "workloads/trace_file.h"

#define REQUESTS 3000

/* A trace with two CPUs and a few blocks; its bytes. */
static u8 *make_trace(const char *path, size_t *length)
{
	struct kms_workload_info info = { 0 };
	struct kms_error err = { 0 };
	struct trace_writer *w;
	u64 x = 7;

	assert_int_equal(trace_writer_open(&w, path, 2, &err), 0);
	for (u32 i = 0; i < REQUESTS; i++) {
		struct kms_object_ref ref = { i, 0 };
		struct kms_request rq = { .op = REQ_KMALLOC, .size = next_random(&x) % 5000, .n = 1,
					  .refs = &ref, .cpu = i & 1, .time = i * 50 + next_random(&x) % 50 };

		assert_int_equal(trace_writer_add(w, &rq, &err), 0);
	}
	workload_info_add_site(&info, "", 0);
	assert_int_equal(trace_writer_finish(w, &info, &err), 0);
	workload_info_free(&info);
	return read_file(path, length);
}

/* Open and read all; *hash is of the requests when that went well. */
static int read_all(const char *path, u64 *hash, struct kms_error *err)
{
	XXH64_state_t *state = XXH64_createState();
	struct kms_stream *stream;
	struct kms_request rq;
	int ret;

	*err = (struct kms_error){ 0 };
	XXH64_reset(state, 0);
	ret = trace_open(&stream, path, err);
	for (u32 cpu = 0; !ret && cpu < stream->info->nr_cpus; cpu++) {
		while ((ret = stream->next(stream, cpu, &rq, err)) > 0) {
			const u64 fields[] = { rq.seq, rq.time, rq.size, rq.op, rq.cpu,
					       rq.refs[0].slot, rq.refs[0].generation };

			XXH64_update(state, fields, sizeof(fields));
		}
	}
	if (stream)
		stream->close(stream);
	*hash = XXH64_digest(state);
	XXH64_freeState(state);
	assert_int_equal(err->code, ret);
	if (ret)
		assert_non_null(strstr(err->text, path));
	return ret;
}

static void test_every_flipped_bit(void **state)
{
	const char *path = in_dir("flip.kmt");
	struct kms_error err;
	size_t length, caught = 0, tried = 0;
	u8 *data = make_trace(path, &length);
	u64 good, hash;

	assert_int_equal(read_all(path, &good, &err), 0);
	for (size_t at = 0; at < length; at += at < 200 || at + 2000 > length ? 1 : 7) {
		data[at] ^= (u8)(1u << (at % 8));
		write_file(path, data, length);
		if (read_all(path, &hash, &err))
			caught++;
		else
			assert_int_equal(hash, good);
		tried++;
		data[at] ^= (u8)(1u << (at % 8));
	}
	/* what is not caught decompressed to the same bytes; that must be next to nothing */
	assert_true(tried > 2000);
	assert_true(caught * 100 >= tried * 99);
	free(data);
}

static void test_every_truncation(void **state)
{
	const char *path = in_dir("cut.kmt");
	struct kms_error err;
	size_t length;
	u8 *data = make_trace(path, &length);
	u64 hash;

	for (size_t n = 0; n < length; n += n < 200 || n + 200 > length ? 1 : 37) {
		write_file(path, data, n);
		assert_int_equal(read_all(path, &hash, &err), KMS_EUSAGE);
		if (!n)
			assert_non_null(strstr(err.text, "is empty"));
		else
			assert_non_null(strstr(err.text, "truncated"));
	}
	data = realloc(data, length + 1);
	data[length] = 0;
	write_file(path, data, length + 1);
	assert_int_equal(read_all(path, &hash, &err), KMS_EUSAGE);
	free(data);
}

static void expect(const char *path, const char *what)
{
	struct kms_error err = { 0 };
	struct kms_stream *stream = (void *)1;

	assert_int_equal(trace_open(&stream, path, &err), KMS_EUSAGE);
	assert_null(stream);
	if (!strstr(err.text, what))
		fail_msg("expected '%s' in '%s'", what, err.text);
}

static void test_other_files(void **state)
{
	const char *path = in_dir("other.kmt");

	expect(in_dir("nowhere.kmt"), "No such file or directory");
	expect(test_dir, "is a directory");
	write_file(path, "", 0);
	expect(path, "is empty");
	write_file(path, "hello", 5);
	expect(path, "is not a trace");
	write_file(path, "{\"this\": \"is JSON and longer than a header of a trace, with some room to spare\"}", 80);
	expect(path, "is not a trace");
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	expect(in_dir("fifo"), "is not a regular file");
	if (geteuid()) {
		assert_int_equal(chmod(path, 0), 0);
		expect(path, "Permission denied");
	}
}

static void test_newer_version(void **state)
{
	const char *path = in_dir("newer.kmt");
	size_t length;
	u8 *data = make_trace(path, &length);

	put_le32(data + HEADER_VERSION, 7);
	write_file(path, data, length);
	expect(path, "header damaged");
	put_le64(data + HEADER_HASH, XXH64(data, HEADER_HASH, 0));
	write_file(path, data, length);
	expect(path, "trace format version 7, this program reads up to 1");
	put_le32(data + HEADER_VERSION, 1);
	put_le32(data + HEADER_NR_CPUS, 1000);
	put_le64(data + HEADER_HASH, XXH64(data, HEADER_HASH, 0));
	write_file(path, data, length);
	expect(path, "a trace of 1000 CPUs, expected 1 to 256");
	free(data);
}

static void test_block_is_named(void **state)
{
	const char *path = in_dir("block.kmt");
	struct kms_error err;
	size_t length;
	u8 *data = make_trace(path, &length);
	u32 packed = get_le32(data + TRACE_HEADER_BYTES + 12);
	size_t second = TRACE_HEADER_BYTES + TRACE_BLOCK_HEADER_BYTES + packed;
	char expected[64];
	u64 hash;

	data[second + TRACE_BLOCK_HEADER_BYTES + 100] ^= 0x10;
	write_file(path, data, length);
	assert_int_equal(read_all(path, &hash, &err), KMS_EUSAGE);
	snprintf(expected, sizeof(expected), "block 1 at byte %zu damaged (checksum)", second);
	assert_non_null(strstr(err.text, expected));
	data[second + TRACE_BLOCK_HEADER_BYTES + 100] ^= 0x10;
	data[second + 16] ^= 1;
	write_file(path, data, length);
	assert_int_equal(read_all(path, &hash, &err), KMS_EUSAGE);
	assert_non_null(strstr(err.text, "its header differs from the index"));
	free(data);
}

static void test_cannot_write(void **state)
{
	struct kms_error err = { 0 };
	struct trace_writer *w = (void *)1;

	assert_int_equal(trace_writer_open(&w, test_dir, 1, &err), KMS_EUSAGE);
	assert_null(w);
	assert_non_null(strstr(err.text, "found a directory, expected a regular file"));
	err.code = 0;
	assert_int_equal(trace_writer_open(&w, in_dir("no/such/dir.kmt"), 1, &err), KMS_EUSAGE);
	assert_non_null(strstr(err.text, "No such file or directory"));
}

/* A full device: the error says so, and no file is left under the final name. */
static void test_disk_full(void **state)
{
	struct kms_workload_info info = { 0 };
	struct kms_error err = { 0 };
	struct trace_writer *w;
	const char *path = in_dir("full.kmt");

	if (access("/dev/full", W_OK))
		skip();
	assert_int_equal(symlink("/dev/full", in_dir("full.kmt.partial")), 0);
	assert_int_equal(trace_writer_open(&w, path, 1, &err), KMS_EFAIL);
	assert_null(w);
	assert_non_null(strstr(err.text, "No space left on device"));
	assert_int_not_equal(access(path, F_OK), 0);
	workload_info_free(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_flipped_bit),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_newer_version),
		cmocka_unit_test(test_block_is_named),
		cmocka_unit_test(test_cannot_write),
		cmocka_unit_test(test_disk_full),
	};

	return cmocka_run_group_tests_name("trace_damage", tests, make_dir, remove_dir);
}
