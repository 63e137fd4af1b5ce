/*
 * lines.h - the lines of a text file, plain or compressed (zstd, gzip), streamed.
 */
#ifndef WORKLOADS_LINES_H
#define WORKLOADS_LINES_H

#include <stdio.h>

#include "sim/engine/base.h"

struct lines {
	char *path; /* as found, for messages */
	FILE *file;
	void *zstd; /* ZSTD_DStream; NULL: plain, or gz */
	void *gz;   /* gzFile */
	char *in;
	size_t in_at, in_length;
	char *text;
	size_t at, length, capacity;
	u64 number; /* of the line read last, from 1 */
	bool end, frame_open, full;
};

/* Opens directory/name or, failing that, directory/name.zst. */
int lines_open(struct lines *l, const char *directory, const char *name, struct kms_error *err);
/* Opens just this file; whether it is compressed is seen from its first bytes. */
int lines_open_file(struct lines *l, const char *path, struct kms_error *err);
/* Up to capacity bytes of the text, whatever they are; for a first look. */
int lines_peek(const char *path, char *text, size_t capacity, size_t *length, struct kms_error *err);
/* All of the text, decompressed, into an open file. */
int lines_unpack(const char *path, int fd, struct kms_error *err);
bool lines_exist(const char *directory, const char *name);
/* 1: *line is the next line, NUL-terminated, its own until the next call; 0 end; < 0 error. */
int lines_next(struct lines *l, char **line, struct kms_error *err);
void lines_close(struct lines *l);

#endif
