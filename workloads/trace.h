/*
 * trace.h - the trace file: versioned, checksummed, compressed, indexed.
 *
 * Layout (all integers little-endian; docs/trace-format.md has the bytes):
 * header, blocks, info block, index, footer. A block holds records of one CPU:
 * a zstd frame with its own XXH64 of the raw bytes. Records are varint-coded
 * deltas. Each CPU's blocks are read on their own, so replay holds one block a
 * CPU in memory however long the trace is, and the global order is merged from
 * the sequence numbers.
 */
#ifndef WORKLOADS_TRACE_H
#define WORKLOADS_TRACE_H

#include "workloads/request.h"

#define KMS_TRACE_VERSION 1

struct trace_writer;

/* Written to path.partial and renamed by trace_writer_finish(), so no half file is left. */
int trace_writer_open(struct trace_writer **w, const char *path, u32 nr_cpus, struct kms_error *err);
/* Requests in global order; request->seq is assigned here. */
int trace_writer_add(struct trace_writer *w, const struct kms_request *request, struct kms_error *err);
int trace_writer_finish(struct trace_writer *w, struct kms_workload_info *info, struct kms_error *err);
void trace_writer_abort(struct trace_writer *w);

/*
 * Open for replay. Errors say what is wrong: not a trace, newer version,
 * truncated (no end mark), block N damaged (checksum), a directory, unreadable.
 */
int trace_open(struct kms_stream **stream, const char *path, struct kms_error *err);

/* XXH3-128 of the whole file, as 32 hex digits. */
int trace_file_hash(const char *path, char hex[33], struct kms_error *err);

#endif
