/*
 * lines.h - the lines of a text file, plain or zstd-compressed, streamed.
 */
#ifndef WORKLOADS_LINES_H
#define WORKLOADS_LINES_H

#include <stdio.h>

#include "sim/engine/base.h"

struct lines {
	char *path; /* as found, for messages */
	FILE *file;
	void *zstd; /* ZSTD_DStream; NULL: plain */
	char *in;
	size_t in_at, in_length;
	char *text;
	size_t at, length, capacity;
	u64 number; /* of the line read last, from 1 */
	bool end, frame_open, full;
};

/* Opens directory/name or, failing that, directory/name.zst. */
int lines_open(struct lines *l, const char *directory, const char *name, struct kms_error *err);
bool lines_exist(const char *directory, const char *name);
/* 1: *line is the next line, NUL-terminated, its own until the next call; 0 end; < 0 error. */
int lines_next(struct lines *l, char **line, struct kms_error *err);
void lines_close(struct lines *l);

#endif
