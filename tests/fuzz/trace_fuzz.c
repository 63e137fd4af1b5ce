/*
 * trace_fuzz.c - libFuzzer on the trace reader.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. -o trace_fuzz \
 *		tests/fuzz/trace_fuzz.c workloads/{block_decode,block_encode,info,request}.c \
 *		workloads/{trace_reader,trace_writer}.c sim/engine/base.c -lzstd -lxxhash
 *	mkdir corpus && ./trace_fuzz -runs=0 -seed_corpus=corpus	(writes the seeds)
 *	./trace_fuzz -max_total_time=60 corpus
 *
 * The checksums would stop nearly every mutation at the door. So an input is
 * not a whole file: its first byte chooses what it replaces, and the harness
 * puts a valid file around it:
 *
 *	0	the file itself
 *	1	the columns of a block, as they are after decompression
 *	2	the info block, as it is after decompression
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "workloads/block.h"
#include "workloads/info.h"
#include "workloads/trace.h"
#include "workloads/trace_file.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct bytes default_info(void)
{
	struct kms_workload_info info = { .nr_cpus = 1, .slots = 100, .nr_nodes = 1 };
	struct bytes out = { 0 };

	for (int i = 0; i < 4; i++)
		workload_info_add_site(&info, "site", 4);
	workload_info_add_phase(&info, "phase");
	info.nr_caches = 1;
	info.caches = calloc(1, sizeof(*info.caches));
	info.caches[0].name = strdup("cache");
	workload_info_encode(&info, &out);
	workload_info_free(&info);
	return out;
}

/* Append data as a zstd frame; returns the frame's length. */
static u32 put_packed(struct bytes *file, const u8 *data, size_t n)
{
	size_t room = ZSTD_compressBound(n);

	bytes_reserve(file, room);
	n = ZSTD_compress(file->data + file->length, room, data, n, 1);
	file->length += n;
	return (u32)n;
}

static void put_block(struct bytes *file, struct bytes *index, const u8 *data, size_t n)
{
	struct trace_block_header h = { .raw = (u32)n, .records = 1000, .hash = XXH64(data, n, 0) };
	u8 raw[8 + TRACE_BLOCK_HEADER_BYTES] = { 0 };
	size_t at = file->length;

	bytes_put(file, raw, TRACE_BLOCK_HEADER_BYTES);
	h.compressed = put_packed(file, data, n);
	put_le64(raw, at);
	trace_block_header_put(raw + 8, &h);
	memcpy(file->data + at, raw + 8, TRACE_BLOCK_HEADER_BYTES);
	bytes_put(index, raw, sizeof(raw));
}

static struct bytes whole_file(const u8 *block, size_t n, const u8 *info, size_t info_length)
{
	u8 header[TRACE_HEADER_BYTES] = TRACE_MAGIC, footer[TRACE_FOOTER_BYTES] = { 0 };
	struct bytes file = { 0 }, index = { 0 };

	put_le32(header + HEADER_VERSION, KMS_TRACE_VERSION);
	put_le32(header + HEADER_NR_CPUS, 1);
	put_le64(header + HEADER_HASH, XXH64(header, HEADER_HASH, 0));
	bytes_put(&file, header, sizeof(header));
	put_block(&file, &index, block, n);
	put_le64(footer + FOOTER_INFO, file.length);
	put_le32(footer + FOOTER_INFO_COMPRESSED, put_packed(&file, info, info_length));
	put_le32(footer + FOOTER_INFO_RAW, (u32)info_length);
	put_le64(footer + FOOTER_INFO_HASH, XXH64(info, info_length, 0));
	put_le64(footer + FOOTER_INDEX, file.length);
	put_le64(footer + FOOTER_BLOCKS, 1);
	put_le64(footer + FOOTER_INDEX_HASH, XXH64(index.data, index.length, 0));
	put_le64(footer + FOOTER_HASH, XXH64(footer, FOOTER_HASH, 0));
	memcpy(footer + FOOTER_END_MARK, TRACE_END_MARK, 8);
	bytes_put(&file, index.data, index.length);
	bytes_put(&file, footer, sizeof(footer));
	bytes_free(&index);
	return file;
}

/* Everything replay would index an array with must be in range. */
static void check(const struct kms_workload_info *info, const struct kms_request *rq)
{
	if (rq->op >= NR_REQUESTS || rq->n > KMS_MAX_BULK || !block_right_number(rq))
		abort();
	if ((rq->site && rq->site >= info->nr_sites) || (rq->cache && rq->cache >= info->nr_caches))
		abort();
	if (rq->op == REQ_PHASE && rq->part >= info->nr_phases)
		abort();
	for (u32 i = 0; i < rq->n; i++)
		if (rq->refs[i].slot >= info->slots)
			abort();
}

static void read_file(const u8 *data, size_t size)
{
	struct kms_error err = { 0 };
	struct kms_stream *stream;
	struct kms_request rq;
	char path[64];
	int fd = memfd_create("trace", 0);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!trace_open(&stream, path, &err)) {
		for (u32 cpu = 0; cpu < stream->info->nr_cpus; cpu++)
			while (stream->next(stream, cpu, &rq, &err) > 0)
				check(stream->info, &rq);
		stream->close(stream);
	} else if (err.code != KMS_EUSAGE || !err.text[0]) {
		abort();
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct bytes info, file;

	if (!size || size > BLOCK_RAW_MAX)
		return 0;
	if (data[0] > 2) {
		return -1;
	} else if (!data[0]) {
		read_file(data + 1, size - 1);
		return 0;
	}
	info = default_info();
	file = data[0] == 1 ? whole_file(data + 1, size - 1, info.data, info.length)
			    : whole_file((const u8 *)"", 0, data + 1, size - 1);
	read_file(file.data, file.length);
	bytes_free(&file);
	bytes_free(&info);
	return 0;
}

/* ---- seeds ---- */

static void write_seed(const char *directory, u8 kind, const u8 *data, size_t n)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/seed-%u", directory, kind);
	f = fopen(path, "wb");
	if (!f || fputc(kind, f) == EOF || fwrite(data, 1, n, f) != n || fclose(f))
		abort();
}

/* A block with requests of every kind. */
static size_t make_block(u8 raw[BLOCK_RAW_MAX])
{
	struct block_places places = { 0 };
	struct block_encoder e;
	struct kms_object_ref refs[4];
	size_t length;

	if (block_encoder_init(&e, &places))
		abort();
	for (u32 i = 0; i < 1000; i++) {
		struct kms_request rq = { .seq = i, .time = i * 37, .op = (u8)(i % NR_REQUESTS),
					  .size = 1 + i % 7, .site = i % 4, .refs = refs, .gfp = 0xcc0 };

		for (u32 k = 0; k < 4; k++)
			refs[k] = (struct kms_object_ref){ (i / NR_REQUESTS * 4 + k) % 100, i / 400 };
		while (!block_right_number(&rq) && rq.n < 4)
			rq.n++;
		block_encoder_add(&e, &rq);
	}
	length = block_encoder_finish(&e, raw);
	block_encoder_free(&e);
	free(places.slots);
	return length;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static u8 raw[BLOCK_RAW_MAX];
	struct bytes info, file;
	size_t n;

	for (int i = 1; i < *argc; i++) {
		const char *at = (*argv)[i];

		if (strncmp(at, "-seed_corpus=", 13))
			continue;
		n = make_block(raw);
		info = default_info();
		file = whole_file(raw, n, info.data, info.length);
		write_seed(at + 13, 0, file.data, file.length);
		write_seed(at + 13, 1, raw, n);
		write_seed(at + 13, 2, info.data, info.length);
		bytes_free(&file);
		bytes_free(&info);
	}
	return 0;
}
