/*
 * unpack.h - zstd, gzip and xz behind one call, for input.c.
 */
#ifndef SIM_MEMTRACE_UNPACK_H
#define SIM_MEMTRACE_UNPACK_H

#include "sim/engine/base.h"

struct unpack;

enum { UNPACK_MAGIC = 6 }; /* first bytes of a file that tell how it is packed */

struct unpack_bytes {
	u8 *at;
	size_t size, pos;
};

/*
 * *u: by the first n bytes of a file; NULL: not packed. KMS_EUSAGE: packed in a way that is not
 * known here, path is for the message.
 */
int unpack_open(struct unpack **u, const u8 *magic, size_t n, const char *path,
		struct kms_error *err);
void unpack_close(struct unpack *u); /* or NULL */

/*
 * Moves both pos as far as there are bytes and room; `last`: no more bytes will come. What is
 * packed may be several pieces one behind the other. NULL, or what is wrong with the bytes.
 */
const char *unpack_step(struct unpack *u, struct unpack_bytes *in, struct unpack_bytes *out, bool last);

bool unpack_complete(const struct unpack *u); /* nothing is missing at the end */
const char *unpack_name(const struct unpack *u);

#endif
