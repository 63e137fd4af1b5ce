/*
 * input.h - the bytes of a trace file, plain, zstd, gzip or xz (by their first bytes), as a stream.
 */
#ifndef SIM_MEMTRACE_INPUT_H
#define SIM_MEMTRACE_INPUT_H

#include "sim/engine/base.h"

struct memtrace_input;

/* path "-": standard input. KMS_EUSAGE: not there, a directory, not
 * readable, packed in another way. */
int memtrace_input_open(struct memtrace_input **in, const char *path, struct kms_error *err);
void memtrace_input_close(struct memtrace_input *in);

/* The next n bytes at most; *got 0 at the end. KMS_EUSAGE: packed data damaged or cut off. */
int memtrace_input_read(struct memtrace_input *in, void *buf, size_t n, size_t *got,
			struct kms_error *err);

/* Put back the n bytes read first; nothing else was read. KMS_EFAIL: too many. */
int memtrace_input_unread(struct memtrace_input *in, const void *bytes, size_t n,
			  struct kms_error *err);

/*
 * The next line without its newline, 0-terminated, valid until the next call;
 * *line NULL at the end. Refuses lines of 64 KiB and more, and NUL bytes.
 */
int memtrace_input_line(struct memtrace_input *in, char **line, size_t *length,
			struct kms_error *err);
u64 memtrace_input_line_number(const struct memtrace_input *in); /* of the last line, from 1 */

#endif
