/*
 * trace_writer.c - requests in global order into a trace file.
 *
 * Each CPU has a block being filled; a full one is compressed and written at
 * once, so memory is bounded by the CPUs, plus 56 bytes of index a block. The
 * file is path.partial until it is whole.
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

/* Blocks are small and written once: worth the best that is still quick. */
#define TRACE_ZSTD_LEVEL 15

struct trace_writer {
	char *path, *partial;
	int fd;
	u64 offset;
	u32 nr_cpus;
	struct block_encoder *cpus;
	struct block_places places;
	u64 seq, slots;
	u64 first_time, last_time;
	u64 cpu_requests[256];
	struct bytes index, barriers;
	struct bytes late; /* struct kms_range of every page release */
	u32 nr_boot_steps;
	u64 nr_blocks;
	ZSTD_CCtx *zstd;
	u8 raw[BLOCK_RAW_MAX];
	u8 packed[TRACE_BLOCK_HEADER_BYTES + ZSTD_COMPRESSBOUND(BLOCK_RAW_MAX)];
};

static int no_memory(struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "no host memory for writing a trace");
}

static int write_all(struct trace_writer *w, const void *data, size_t n, struct kms_error *err)
{
	const u8 *at = data;

	while (n) {
		ssize_t done = write(w->fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return kms_fail(err, KMS_EFAIL, "cannot write '%s': %s", w->partial,
					strerror(errno));
		at += done;
		n -= (size_t)done;
		w->offset += (u64)done;
	}
	return 0;
}

static int write_header(struct trace_writer *w, struct kms_error *err)
{
	u8 header[TRACE_HEADER_BYTES] = { 0 };

	memcpy(header, TRACE_MAGIC, 8);
	put_le32(header + HEADER_VERSION, KMS_TRACE_VERSION);
	put_le32(header + HEADER_NR_CPUS, w->nr_cpus);
	put_le64(header + HEADER_HASH, XXH64(header, HEADER_HASH, 0));
	return write_all(w, header, sizeof(header), err);
}

static void writer_free(struct trace_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	for (u32 i = 0; w->cpus && i < w->nr_cpus; i++)
		block_encoder_free(&w->cpus[i]);
	free(w->cpus);
	free(w->places.slots);
	bytes_free(&w->index);
	bytes_free(&w->barriers);
	bytes_free(&w->late);
	ZSTD_freeCCtx(w->zstd);
	free(w->path);
	free(w->partial);
	free(w);
}

void trace_writer_abort(struct trace_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		unlink(w->partial);
	writer_free(w);
}

static int writer_init(struct trace_writer *w, const char *path, struct kms_error *err)
{
	w->path = strdup(path);
	if (!w->path || asprintf(&w->partial, "%s.partial", path) < 0)
		return no_memory(err);
	w->zstd = ZSTD_createCCtx();
	w->cpus = calloc(w->nr_cpus, sizeof(*w->cpus));
	if (!w->zstd || !w->cpus)
		return no_memory(err);
	for (u32 i = 0; i < w->nr_cpus; i++)
		if (block_encoder_init(&w->cpus[i], &w->places))
			return no_memory(err);
	ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, TRACE_ZSTD_LEVEL);
	if (kms_check_output(path, err))
		return KMS_EUSAGE;
	w->fd = open(w->partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (w->fd < 0)
		return kms_fail(err, KMS_EUSAGE, "cannot create '%s': %s", w->partial, strerror(errno));
	return write_header(w, err);
}

int trace_writer_open(struct trace_writer **out, const char *path, u32 nr_cpus, struct kms_error *err)
{
	struct trace_writer *w;

	*out = NULL;
	if (!nr_cpus || nr_cpus > KMS_ARRAY_SIZE(w->cpu_requests))
		return kms_fail(err, KMS_EUSAGE, "a trace of %u CPUs, expected 1 to %zu", nr_cpus,
				KMS_ARRAY_SIZE(w->cpu_requests));
	w = calloc(1, sizeof(*w));
	if (!w)
		return no_memory(err);
	w->fd = -1;
	w->nr_cpus = nr_cpus;
	if (writer_init(w, path, err)) {
		trace_writer_abort(w);
		return err ? (int)err->code : KMS_EFAIL;
	}
	*out = w;
	return 0;
}

static int compress(struct trace_writer *w, void *to, size_t room, const void *from, size_t n,
		    u32 *length, struct kms_error *err)
{
	size_t packed = ZSTD_compress2(w->zstd, to, room, from, n);

	if (ZSTD_isError(packed))
		return kms_fail(err, KMS_EFAIL, "cannot compress a block: %s", ZSTD_getErrorName(packed));
	*length = (u32)packed;
	return 0;
}

static int flush_block(struct trace_writer *w, u32 cpu, struct kms_error *err)
{
	struct block_encoder *e = &w->cpus[cpu];
	struct trace_block_header header = {
		.cpu = cpu, .records = e->records, .refs = e->nr_refs,
		.first_seq = e->first_seq, .last_seq = e->last_seq,
	};
	u8 offset[8];
	int ret;

	if (!e->records)
		return 0;
	header.raw = (u32)block_encoder_finish(e, w->raw);
	header.hash = XXH64(w->raw, header.raw, 0);
	ret = compress(w, w->packed + TRACE_BLOCK_HEADER_BYTES,
		       sizeof(w->packed) - TRACE_BLOCK_HEADER_BYTES, w->raw, header.raw,
		       &header.compressed, err);
	if (ret)
		return ret;
	trace_block_header_put(w->packed, &header);
	put_le64(offset, w->offset);
	bytes_put(&w->index, offset, sizeof(offset));
	bytes_put(&w->index, w->packed, TRACE_BLOCK_HEADER_BYTES);
	w->nr_blocks++;
	return write_all(w, w->packed, TRACE_BLOCK_HEADER_BYTES + header.compressed, err);
}

static int check(const struct trace_writer *w, const struct kms_request *rq, struct kms_error *err)
{
	const char *wrong = NULL;

	if (rq->cpu >= w->nr_cpus)
		wrong = "its CPU is beyond the trace's CPUs";
	else if (rq->op >= NR_REQUESTS)
		wrong = "unknown kind";
	else if (!block_right_number(rq) || rq->n > KMS_MAX_BULK)
		wrong = "wrong number of objects for its kind";
	else if (w->seq && rq->time < w->last_time)
		wrong = "its time is before the request's before it";
	if (!wrong)
		return 0;
	return kms_fail(err, KMS_EUSAGE, "request %llu (%s on CPU %u): %s", (unsigned long long)w->seq,
			rq->op < NR_REQUESTS ? kms_request_names[rq->op] : "?", rq->cpu, wrong);
}

/* What replay must know before it begins. */
static void note_for_info(struct trace_writer *w, const struct kms_request *rq)
{
	const struct kms_range range = { rq->size, rq->size + (1ull << (rq->order & 63)) };

	if (rq->op == REQ_PHASE || rq->op == REQ_BOOT)
		bytes_put(&w->barriers, &rq->seq, sizeof(rq->seq));
	if (rq->op == REQ_PAGE_RELEASE)
		bytes_put(&w->late, &range, sizeof(range));
	w->nr_boot_steps += rq->op == REQ_BOOT;
}

int trace_writer_add(struct trace_writer *w, const struct kms_request *request, struct kms_error *err)
{
	struct kms_request rq = *request;
	struct block_encoder *e;
	int ret = check(w, &rq, err);

	if (ret)
		return ret;
	e = &w->cpus[rq.cpu];
	if (!block_encoder_fits(e, &rq)) {
		ret = flush_block(w, rq.cpu, err);
		if (ret)
			return ret;
	}
	if (!w->seq)
		w->first_time = rq.time;
	w->last_time = rq.time;
	rq.seq = w->seq++;
	note_for_info(w, &rq);
	for (u32 i = 0; i < rq.n; i++)
		if (rq.refs[i].slot >= w->slots)
			w->slots = (u64)rq.refs[i].slot + 1;
	w->cpu_requests[rq.cpu]++;
	block_encoder_add(e, &rq);
	return e->failed ? no_memory(err) : 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct kms_range *x = a, *y = b;

	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

/* The released pages in ascending order, touching ranges joined. */
static int complete_late(struct trace_writer *w, struct kms_workload_info *info)
{
	struct kms_range *ranges = (struct kms_range *)w->late.data;
	size_t n = w->late.length / sizeof(*ranges);
	u32 joined = 0;

	free(info->late);
	info->late = NULL;
	info->nr_late = 0;
	if (w->late.failed)
		return -1;
	if (!n)
		return 0;
	qsort(ranges, n, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < n; i++) {
		if (ranges[i].pfn > ranges[joined].end)
			ranges[++joined] = ranges[i];
		else if (ranges[i].end > ranges[joined].end)
			ranges[joined].end = ranges[i].end;
	}
	info->nr_late = joined + 1;
	info->late = malloc(info->nr_late * sizeof(*ranges));
	if (!info->late)
		return -1;
	memcpy(info->late, ranges, info->nr_late * sizeof(*ranges));
	return 0;
}

/* What only the writer knows; the caller's info gets it too. */
static int complete_info(struct trace_writer *w, struct kms_workload_info *info, struct kms_error *err)
{
	info->nr_cpus = w->nr_cpus;
	info->requests = w->seq;
	info->slots = w->slots;
	info->duration_ns = w->last_time - w->first_time;
	memcpy(info->cpu_requests, w->cpu_requests, sizeof(info->cpu_requests));
	free(info->barriers);
	info->nr_barriers = (u32)(w->barriers.length / sizeof(u64));
	info->barriers = malloc(w->barriers.length ? w->barriers.length : 1);
	info->nr_boot_steps = w->nr_boot_steps;
	if (!info->barriers || w->barriers.failed || w->index.failed || complete_late(w, info))
		return no_memory(err);
	if (w->barriers.length)
		memcpy(info->barriers, w->barriers.data, w->barriers.length);
	return 0;
}

static int write_info(struct trace_writer *w, const struct kms_workload_info *info, u8 *footer,
		      struct kms_error *err)
{
	struct bytes raw = { 0 };
	size_t room;
	u8 *packed = NULL;
	u32 length = 0;
	int ret;

	if (workload_info_encode(info, &raw) || raw.length > TRACE_INFO_MAX) {
		bytes_free(&raw);
		return no_memory(err);
	}
	room = ZSTD_compressBound(raw.length);
	packed = malloc(room);
	ret = packed ? compress(w, packed, room, raw.data, raw.length, &length, err) : no_memory(err);
	if (!ret) {
		put_le64(footer + FOOTER_INFO, w->offset);
		put_le32(footer + FOOTER_INFO_COMPRESSED, length);
		put_le32(footer + FOOTER_INFO_RAW, (u32)raw.length);
		put_le64(footer + FOOTER_INFO_HASH, XXH64(raw.data, raw.length, 0));
		ret = write_all(w, packed, length, err);
	}
	free(packed);
	bytes_free(&raw);
	return ret;
}

static int write_end(struct trace_writer *w, const struct kms_workload_info *info, struct kms_error *err)
{
	u8 footer[TRACE_FOOTER_BYTES] = { 0 };
	int ret = write_info(w, info, footer, err);

	if (ret)
		return ret;
	put_le64(footer + FOOTER_INDEX, w->offset);
	put_le64(footer + FOOTER_BLOCKS, w->nr_blocks);
	put_le64(footer + FOOTER_INDEX_HASH, XXH64(w->index.data, w->index.length, 0));
	put_le64(footer + FOOTER_HASH, XXH64(footer, FOOTER_HASH, 0));
	memcpy(footer + FOOTER_END_MARK, TRACE_END_MARK, 8);
	ret = write_all(w, w->index.data, w->index.length, err);
	return ret ? ret : write_all(w, footer, sizeof(footer), err);
}

/* The rename is only safe once the directory is on disk; a failure here loses nothing written. */
static void sync_directory(const char *path)
{
	char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
	int fd;

	if (slash)
		slash[slash == copy] = '\0';
	fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!fsync(fd);
		close(fd);
	}
	free(copy);
}

static int publish(struct trace_writer *w, struct kms_error *err)
{
	int failed = fsync(w->fd) && errno != EINVAL;

	failed |= close(w->fd);
	w->fd = -1;
	if (!failed && !rename(w->partial, w->path)) {
		sync_directory(w->path);
		return 0;
	}
	kms_fail(err, KMS_EFAIL, "cannot write '%s': %s", w->path, strerror(errno));
	unlink(w->partial);
	return KMS_EFAIL;
}

int trace_writer_finish(struct trace_writer *w, struct kms_workload_info *info, struct kms_error *err)
{
	int ret = 0;

	for (u32 cpu = 0; cpu < w->nr_cpus && !ret; cpu++)
		ret = flush_block(w, cpu, err);
	if (!ret)
		ret = complete_info(w, info, err);
	if (!ret)
		ret = write_end(w, info, err);
	if (ret) {
		trace_writer_abort(w);
		return ret;
	}
	ret = publish(w, err);
	writer_free(w);
	return ret;
}
