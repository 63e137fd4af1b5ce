/*
 * trace_reader.c - a trace file as a stream of requests.
 *
 * Opening checks the fixed parts, the index and the info block; each data block
 * is checked when its CPU gets there. One block a CPU is in memory. A damaged
 * file is an error with the number and place of the block, never a crash: no
 * length is believed before it has been compared with what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "workloads/block.h"
#include "workloads/info.h"
#include "workloads/trace.h"
#include "workloads/trace_file.h"
#include "workloads/trace_reader.h"

struct block_entry {
	u64 offset;
	struct trace_block_header header;
};

struct reader_cpu {
	struct block_decoder decoder;
	u32 *blocks; /* of this CPU, in order: indices into entries */
	u32 nr_blocks, next_block;
	u32 record; /* in the current block, for messages */
	u8 *raw;
	bool open;
};

struct trace_reader {
	struct kms_stream stream;
	struct kms_workload_info info;
	char *path;
	int fd;
	u64 size;
	struct block_entry *entries;
	u64 nr_blocks;
	u32 *block_lists;
	struct reader_cpu *cpus;
	ZSTD_DCtx *zstd;
	struct trace_file_info file;
	u8 packed[TRACE_BLOCK_HEADER_BYTES + ZSTD_COMPRESSBOUND(BLOCK_RAW_MAX)];
};

typedef unsigned long long ull;

static int bad_trace(const struct trace_reader *r, struct kms_error *err, const char *what)
{
	return kms_fail(err, KMS_EUSAGE, "'%s': %s", r->path, what);
}

static int read_at(const struct trace_reader *r, u64 offset, void *to, size_t n, struct kms_error *err)
{
	u8 *at = to;

	while (n) {
		ssize_t got = pread(r->fd, at, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", r->path, strerror(errno));
		if (!got)
			return bad_trace(r, err, "truncated while it was being read");
		at += got;
		offset += (u64)got;
		n -= (size_t)got;
	}
	return 0;
}

/* ---- opening ---- */

static int open_file(struct trace_reader *r, struct kms_error *err)
{
	struct stat st;

	r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block */
	if (r->fd < 0 || fstat(r->fd, &st))
		return kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", r->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return bad_trace(r, err, "is a directory, expected a trace file (to turn a recording's "
				 "directory into one: kmemsim import)");
	if (!S_ISREG(st.st_mode))
		return bad_trace(r, err, "is not a regular file, expected a trace file");
	if (!st.st_size)
		return bad_trace(r, err, "is empty, expected a trace file");
	r->size = (u64)st.st_size;
	return 0;
}

static int read_header(struct trace_reader *r, struct kms_error *err)
{
	u8 header[TRACE_HEADER_BYTES] = { 0 };
	size_t n = r->size < sizeof(header) ? (size_t)r->size : sizeof(header);
	int ret = read_at(r, 0, header, n, err);
	u32 version;

	if (ret)
		return ret;
	if (memcmp(header, TRACE_MAGIC, n < 8 ? n : 8))
		return bad_trace(r, err, "is not a trace (it does not begin with " TRACE_MAGIC ")");
	if (n < sizeof(header))
		return bad_trace(r, err, "truncated: it ends within its header");
	if (get_le64(header + HEADER_HASH) != XXH64(header, HEADER_HASH, 0))
		return bad_trace(r, err, "header damaged (checksum)");
	version = get_le32(header + HEADER_VERSION);
	if (!version || version > KMS_TRACE_VERSION)
		return kms_fail(err, KMS_EUSAGE, "'%s': trace format version %u, this program reads up to %u",
				r->path, version, KMS_TRACE_VERSION);
	r->file.version = version;
	r->info.nr_cpus = get_le32(header + HEADER_NR_CPUS);
	if (!r->info.nr_cpus || r->info.nr_cpus > KMS_ARRAY_SIZE(r->info.cpu_requests))
		return kms_fail(err, KMS_EUSAGE, "'%s': a trace of %u CPUs, expected 1 to %zu", r->path,
				r->info.nr_cpus, KMS_ARRAY_SIZE(r->info.cpu_requests));
	return 0;
}

static int read_footer(struct trace_reader *r, u8 *footer, struct kms_error *err)
{
	int ret;

	if (r->size < TRACE_HEADER_BYTES + TRACE_FOOTER_BYTES)
		return bad_trace(r, err, "truncated: no end mark");
	ret = read_at(r, r->size - TRACE_FOOTER_BYTES, footer, TRACE_FOOTER_BYTES, err);
	if (ret)
		return ret;
	if (memcmp(footer + FOOTER_END_MARK, TRACE_END_MARK, 8))
		return bad_trace(r, err, "truncated: no end mark");
	if (get_le64(footer + FOOTER_HASH) != XXH64(footer, FOOTER_HASH, 0))
		return bad_trace(r, err, "footer damaged (checksum)");
	return 0;
}

static int decompress(const struct trace_reader *r, void *to, size_t n, const void *from, size_t packed)
{
	return ZSTD_decompressDCtx(r->zstd, to, n, from, packed) == n ? 0 : -1;
}

static int read_info(struct trace_reader *r, const u8 *footer, struct kms_error *err)
{
	u64 offset = get_le64(footer + FOOTER_INFO), index = get_le64(footer + FOOTER_INDEX);
	u32 length = get_le32(footer + FOOTER_INFO_COMPRESSED), raw = get_le32(footer + FOOTER_INFO_RAW);
	u32 cpus = r->info.nr_cpus;
	u8 *packed, *data;
	int ret;

	if (offset > r->size || index < offset || index - offset != length || raw > TRACE_INFO_MAX)
		return bad_trace(r, err, "footer damaged (it points outside the file)");
	packed = malloc(length + 1ul);
	data = malloc(raw + 1ul);
	if (!packed || !data)
		ret = kms_fail(err, KMS_EFAIL, "'%s': no host memory for its info block", r->path);
	else
		ret = read_at(r, offset, packed, length, err);
	if (!ret && (decompress(r, data, raw, packed, length) ||
		     XXH64(data, raw, 0) != get_le64(footer + FOOTER_INFO_HASH)))
		ret = kms_fail(err, KMS_EUSAGE, "'%s': info block at byte %llu damaged (checksum)", r->path,
			       (ull)offset);
	if (!ret && workload_info_decode(&r->info, data, raw, err)) {
		ret = err ? (int)err->code : KMS_EUSAGE;
		kms_fail_in(err, "'%s'", r->path);
	}
	if (!ret && r->info.nr_cpus != cpus)
		ret = bad_trace(r, err, "header and info block differ in the number of CPUs");
	free(packed);
	free(data);
	return ret;
}

/* Blocks must follow each other without a gap from the header to the info block. */
static int check_entry(const struct trace_reader *r, u64 n, u64 *offset)
{
	const struct trace_block_header *h = &r->entries[n].header;

	if (r->entries[n].offset != *offset || h->cpu >= r->info.nr_cpus || h->raw > BLOCK_RAW_MAX ||
	    h->compressed > ZSTD_COMPRESSBOUND(BLOCK_RAW_MAX) || !h->records)
		return -1;
	*offset += TRACE_BLOCK_HEADER_BYTES + h->compressed;
	return 0;
}

static int check_index(const struct trace_reader *r, const u8 *footer, struct kms_error *err)
{
	u64 offset = TRACE_HEADER_BYTES;

	for (u64 i = 0; i < r->nr_blocks; i++)
		if (check_entry(r, i, &offset))
			return kms_fail(err, KMS_EUSAGE, "'%s': index damaged (entry of block %llu)", r->path,
					(ull)i);
	if (offset != get_le64(footer + FOOTER_INFO))
		return bad_trace(r, err, "index damaged (it does not cover the file)");
	return 0;
}

static int read_index(struct trace_reader *r, const u8 *footer, struct kms_error *err)
{
	u64 offset = get_le64(footer + FOOTER_INDEX), end = r->size - TRACE_FOOTER_BYTES;
	size_t bytes;
	u8 *data;
	int ret;

	r->nr_blocks = get_le64(footer + FOOTER_BLOCKS);
	if (offset > end || (end - offset) % TRACE_INDEX_ENTRY_BYTES ||
	    r->nr_blocks != (end - offset) / TRACE_INDEX_ENTRY_BYTES || r->nr_blocks > UINT32_MAX)
		return bad_trace(r, err, "footer damaged (index of another length)");
	bytes = (size_t)(end - offset);
	data = malloc(bytes + 1);
	r->entries = calloc(r->nr_blocks + 1, sizeof(*r->entries));
	if (!data || !r->entries) {
		free(data);
		return kms_fail(err, KMS_EFAIL, "'%s': no host memory for its index", r->path);
	}
	ret = read_at(r, offset, data, bytes, err);
	if (!ret && XXH64(data, bytes, 0) != get_le64(footer + FOOTER_INDEX_HASH))
		ret = kms_fail(err, KMS_EUSAGE, "'%s': index at byte %llu damaged (checksum)", r->path,
			       (ull)offset);
	for (u64 i = 0; !ret && i < r->nr_blocks; i++) {
		r->entries[i].offset = get_le64(data + i * TRACE_INDEX_ENTRY_BYTES);
		trace_block_header_get(&r->entries[i].header, data + i * TRACE_INDEX_ENTRY_BYTES + 8);
	}
	free(data);
	return ret ? ret : check_index(r, footer, err);
}

/* Each CPU's blocks, in file order. */
static int list_blocks(struct trace_reader *r, struct kms_error *err)
{
	u32 *at;

	r->cpus = calloc(r->info.nr_cpus, sizeof(*r->cpus));
	r->block_lists = at = malloc((r->nr_blocks + 1) * sizeof(*at));
	if (!r->cpus || !at)
		return kms_fail(err, KMS_EFAIL, "'%s': no host memory for its index", r->path);
	for (u64 i = 0; i < r->nr_blocks; i++) {
		r->cpus[r->entries[i].header.cpu].nr_blocks++;
		r->file.raw_bytes += r->entries[i].header.raw;
	}
	for (u32 cpu = 0; cpu < r->info.nr_cpus; cpu++) {
		r->cpus[cpu].blocks = at;
		at += r->cpus[cpu].nr_blocks;
		r->cpus[cpu].nr_blocks = 0;
	}
	for (u64 i = 0; i < r->nr_blocks; i++) {
		struct reader_cpu *c = &r->cpus[r->entries[i].header.cpu];

		c->blocks[c->nr_blocks++] = (u32)i;
	}
	return 0;
}

/* ---- reading ---- */

static int open_cpu(struct trace_reader *r, struct reader_cpu *c, struct kms_error *err)
{
	const struct block_limits limits = { r->info.slots, r->info.nr_caches, r->info.nr_sites,
					     r->info.nr_phases };

	if (!c->raw)
		c->raw = malloc(BLOCK_RAW_MAX);
	if (!c->raw || block_decoder_init(&c->decoder, &limits))
		return kms_fail(err, KMS_EFAIL, "'%s': no host memory for a block", r->path);
	c->open = true;
	return 0;
}

static int damaged(const struct trace_reader *r, u32 block, const char *how, struct kms_error *err)
{
	return kms_fail(err, KMS_EUSAGE, "'%s': block %u at byte %llu damaged (%s)", r->path, block,
			(ull)r->entries[block].offset, how);
}

static int read_block(struct trace_reader *r, struct reader_cpu *c, struct kms_error *err)
{
	u32 block = c->blocks[c->next_block++];
	const struct block_entry *e = &r->entries[block];
	u8 header[TRACE_BLOCK_HEADER_BYTES];
	int ret = read_at(r, e->offset, r->packed, TRACE_BLOCK_HEADER_BYTES + e->header.compressed, err);

	if (ret)
		return ret;
	trace_block_header_put(header, &e->header);
	if (memcmp(header, r->packed, sizeof(header)))
		return damaged(r, block, "its header differs from the index", err);
	if (decompress(r, c->raw, e->header.raw, r->packed + sizeof(header), e->header.compressed) ||
	    XXH64(c->raw, e->header.raw, 0) != e->header.hash)
		return damaged(r, block, "checksum", err);
	if (!block_decoder_begin(&c->decoder, c->raw, e->header.raw, e->header.records,
				 e->header.first_seq))
		return damaged(r, block, "its columns do not fill it", err);
	c->record = 0;
	return 0;
}

static int bad_record(const struct trace_reader *r, const struct reader_cpu *c, const char *wrong,
		      struct kms_error *err)
{
	u32 block = c->blocks[c->next_block - 1];

	return kms_fail(err, KMS_EUSAGE, "'%s': block %u at byte %llu, record %u: %s", r->path, block,
			(ull)r->entries[block].offset, c->record, wrong);
}

static int trace_next(struct kms_stream *stream, u32 cpu, struct kms_request *request,
		      struct kms_error *err)
{
	struct trace_reader *r = KMS_CONTAINER_OF(stream, struct trace_reader, stream);
	struct reader_cpu *c = &r->cpus[cpu];
	const char *wrong;
	int ret;

	if (KMS_UNLIKELY(!c->decoder.records)) {
		if (c->next_block == c->nr_blocks)
			return 0;
		ret = c->open ? 0 : open_cpu(r, c, err);
		if (!ret)
			ret = read_block(r, c, err);
		if (ret) {
			c->decoder.records = 0;
			return ret;
		}
	}
	wrong = block_decoder_next(&c->decoder, request);
	if (KMS_UNLIKELY(wrong)) {
		c->decoder.records = 0;
		return bad_record(r, c, wrong, err);
	}
	request->cpu = (u16)cpu;
	c->record++;
	return 1;
}

static void trace_close(struct kms_stream *stream)
{
	struct trace_reader *r = KMS_CONTAINER_OF(stream, struct trace_reader, stream);

	for (u32 i = 0; r->cpus && i < r->info.nr_cpus; i++) {
		block_decoder_free(&r->cpus[i].decoder);
		free(r->cpus[i].raw);
	}
	free(r->cpus);
	free(r->entries);
	free(r->block_lists);
	workload_info_free(&r->info);
	ZSTD_freeDCtx(r->zstd);
	if (r->fd >= 0)
		close(r->fd);
	free(r->path);
	free(r);
}

static int reader_init(struct trace_reader *r, struct kms_error *err)
{
	u8 footer[TRACE_FOOTER_BYTES];
	int ret = open_file(r, err);

	if (!ret)
		ret = read_header(r, err);
	if (!ret)
		ret = read_footer(r, footer, err);
	if (!ret)
		ret = read_info(r, footer, err);
	if (!ret)
		ret = read_index(r, footer, err);
	if (!ret)
		ret = list_blocks(r, err);
	r->file.file_bytes = r->size;
	r->file.blocks = r->nr_blocks;
	return ret;
}

int trace_open(struct kms_stream **stream, const char *path, struct kms_error *err)
{
	struct trace_reader *r = calloc(1, sizeof(*r));
	struct kms_error local = { 0 };
	int ret;

	*stream = NULL;
	if (!r)
		return kms_fail(err, KMS_EFAIL, "no host memory for reading '%s'", path);
	r->fd = -1;
	r->stream = (struct kms_stream){ &r->info, trace_next, trace_close };
	r->path = strdup(path);
	r->zstd = ZSTD_createDCtx();
	if (!r->path || !r->zstd)
		ret = kms_fail(err, KMS_EFAIL, "no host memory for reading '%s'", path);
	else
		ret = reader_init(r, err ? err : &local);
	if (ret) {
		trace_close(&r->stream);
		return ret;
	}
	*stream = &r->stream;
	return 0;
}

const struct trace_file_info *trace_file_info(const struct kms_stream *stream)
{
	return &KMS_CONTAINER_OF(stream, const struct trace_reader, stream)->file;
}

int trace_file_hash(const char *path, char hex[33], struct kms_error *err)
{
	XXH3_state_t *state = XXH3_createState();
	FILE *f = fopen(path, "rb");
	XXH128_canonical_t hash;
	u8 data[65536];
	size_t n = 1;
	int ret = 0;

	if (!f || !state) {
		ret = kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", path, strerror(errno));
		goto out;
	}
	XXH3_128bits_reset(state);
	while ((n = fread(data, 1, sizeof(data), f)))
		XXH3_128bits_update(state, data, n);
	if (ferror(f))
		ret = kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", path, strerror(errno));
	XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(state));
	for (unsigned i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash.digest[i]);
out:
	if (f)
		fclose(f);
	XXH3_freeState(state);
	return ret;
}
