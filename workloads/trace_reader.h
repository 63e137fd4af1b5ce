/*
 * trace_reader.h - what the reader knows of the file itself, for trace_info.c.
 */
#ifndef WORKLOADS_TRACE_READER_H
#define WORKLOADS_TRACE_READER_H

#include "workloads/request.h"

struct trace_file_info {
	u32 version;
	u64 file_bytes, raw_bytes, blocks;
};

/* pre: the stream comes from trace_open(). */
const struct trace_file_info *trace_file_info(const struct kms_stream *stream);

#endif
