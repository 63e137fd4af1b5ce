/*
 * state_fuzz.c - libFuzzer on saved states of memory (run --save-state,
 * workload.start_state). tests/e2e/fuzz.sh runs it.
 *
 * The base is the state of a short run, made anew at the start. Checksums would
 * stop nearly every mutation, so the first byte of an input chooses:
 *
 *	0	the file itself
 *	1	changes to the file's bytes
 *	2	changes to the description, as it is after decompression; the
 *		harness packs it again and mends the checksums
 *	3	changes to the heads of the pieces of memory, checksums mended
 *
 * A change is three bytes where, one byte how many bytes follow (0 to 8; with bit
 * 6 they are inserted, with bit 7 as many are taken out), and these.
 */
#include <xxhash.h>
#include <zstd.h>

#include "sim/run/state.h"
#include "tests/fuzz/fuzz_run.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

const char *__lsan_default_suppressions(void);

/* A check of memory that leads nowhere is broken off. */
const char *__lsan_default_suppressions(void)
{
	return "leak:mm_check";
}

static const char text[] =
	"{\"machine\": {\"cpus\": 2, \"memory\": {\"size\": \"64MiB\"}}, \"timing\": \"functional\","
	" \"workload\": {\"adversary\": \"checkerboard\", \"memory\": \"machine\", \"max_requests\": 300}}";

static struct bytes base, description;
static char state_path[96];

/* One run; save and start may be NULL. */
static int run(const char *save, const char *start, struct kms_error *err)
{
	struct run_options options = { .save_state = save };
	char setting[128];
	const char *settings[] = { setting, "workload.resume=true" };

	snprintf(setting, sizeof(setting), "workload.start_state=%s", start ? start : "");
	return fuzz_run(text, settings, start ? 2 : 0, &options, err);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct kms_error err = { 0 };
	u8 *raw;
	FILE *f;
	size_t n, packed;

	snprintf(state_path, sizeof(state_path), "%s.kms", fuzz_directory());
	if (run(state_path, NULL, &err))
		fprintf(stderr, "%s\n", err.text);
	FUZZ_REQUIRE(!err.code);
	f = fopen(state_path, "rb");
	raw = malloc(64 << 20);
	n = fread(raw, 1, 64 << 20, f);
	fclose(f);
	bytes_put(&base, raw, n);
	free(raw);
	packed = get_le64(base.data + STATE_AT_PACKED);
	bytes_reserve(&description, get_le64(base.data + STATE_AT_RAW));
	description.length = ZSTD_decompress(description.data, get_le64(base.data + STATE_AT_RAW),
					     base.data + STATE_HEADER_BYTES, packed);
	FUZZ_REQUIRE(!ZSTD_isError(description.length));
	fprintf(stderr, "base: %zu bytes, description %zu\n", base.length, description.length);
	FUZZ_REQUIRE(!run(NULL, state_path, &err));
	return 0;
}

/* A copy of from with the changes. */
static struct bytes changed(const u8 *from, size_t length, const u8 *data, size_t size)
{
	struct bytes to = { 0 };

	bytes_put(&to, from, length);
	while (size >= 4 && to.length) {
		size_t at = (data[0] | data[1] << 8 | data[2] << 16) % to.length;
		size_t n = data[3] & 15, rest = to.length - at;
		u8 how = data[3];

		data += 4;
		size -= 4;
		n = n < size ? n : size;
		if (how & 0x80) {
			n = n < rest ? n : rest;
			memmove(to.data + at, to.data + at + n, rest - n);
			to.length -= n;
			continue;
		}
		if (how & 0x40) {
			bytes_reserve(&to, n);
			memmove(to.data + at + n, to.data + at, rest);
			to.length += n;
			rest += n;
		}
		memcpy(to.data + at, data, n < rest ? n : rest);
		data += n;
		size -= n;
	}
	return to;
}

static struct bytes with_description(const struct bytes *d)
{
	size_t old = get_le64(base.data + STATE_AT_PACKED), room = ZSTD_compressBound(d->length), packed;
	u8 header[STATE_HEADER_BYTES];
	struct bytes file = { 0 };

	bytes_put(&file, base.data, STATE_HEADER_BYTES);
	bytes_reserve(&file, room);
	packed = ZSTD_compress(file.data + file.length, room, d->data, d->length, 1);
	file.length += packed;
	memcpy(header, base.data, sizeof(header));
	put_le64(header + STATE_AT_RAW, d->length);
	put_le64(header + STATE_AT_PACKED, packed);
	put_le64(header + STATE_AT_DESCRIPTION_HASH, XXH64(d->data, d->length, 0));
	put_le64(header + STATE_AT_HASH, XXH64(header, STATE_AT_HASH, 0));
	memcpy(file.data, header, sizeof(header));
	bytes_put(&file, base.data + STATE_HEADER_BYTES + old, base.length - STATE_HEADER_BYTES - old);
	return file;
}

/* Each change, four bytes, goes to the head of one piece: which, where in it, what. */
static struct bytes with_heads(const u8 *data, size_t size)
{
	size_t at = STATE_HEADER_BYTES + get_le64(base.data + STATE_AT_PACKED), chunks = 0;
	XXH64_state_t *hash = XXH64_createState();
	struct bytes file = { 0 };
	u8 *footer;

	bytes_put(&file, base.data, base.length);
	XXH64_reset(hash, 0);
	while (at + STATE_CHUNK_HEADER_BYTES + STATE_FOOTER_BYTES <= file.length) {
		u8 *head = file.data + at;
		u32 packed = get_le32(head + 12);
		bool last = !get_le32(head + 8);

		for (size_t i = 0; i + 4 <= size; i += 4)
			if (data[i] == (u8)chunks)
				head[data[i + 1] % 24] = data[i + 3];
		put_le64(head + 24, XXH64(head, 24, 0));
		XXH64_update(hash, head, STATE_CHUNK_HEADER_BYTES);
		chunks++;
		at += STATE_CHUNK_HEADER_BYTES + packed;
		if (last)
			break;
	}
	footer = file.data + file.length - STATE_FOOTER_BYTES;
	put_le64(footer, chunks);
	put_le64(footer + 8, XXH64_digest(hash));
	put_le64(footer + 16, XXH64(footer, 16, 0));
	XXH64_freeState(hash);
	return file;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct kms_error err = { 0 };
	struct bytes file = { 0 }, part;
	int fd;

	if (!size || data[0] > 3)
		return -1;
	if (data[0] == 0) {
		bytes_put(&file, data + 1, size - 1);
	} else if (data[0] == 1) {
		file = changed(base.data, base.length, data + 1, size - 1);
	} else if (data[0] == 2) {
		part = changed(description.data, description.length, data + 1, size - 1);
		file = with_description(&part);
		bytes_free(&part);
	} else {
		file = with_heads(data + 1, size - 1);
	}
	fd = open(state_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	fuzz_write(fd, file.data, file.length);
	close(fd);
	bytes_free(&file);
	fuzz_result(run(NULL, state_path, &err), &err);
	return 0;
}
