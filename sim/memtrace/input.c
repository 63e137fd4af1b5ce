/*
 * input.c - input.h: one buffer of decompressed bytes over a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "sim/memtrace/input.h"

enum { RAW = 1 << 17, TEXT = 1 << 18, LONGEST = 1 << 16 };

static const unsigned char zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};

struct memtrace_input {
	char path[256];
	int fd;
	ZSTD_DStream *zstd; /* NULL: plain */
	ZSTD_inBuffer raw;
	size_t frame_left; /* 0: between zstd frames */
	bool file_end;
	u64 line;
	size_t start, end; /* of what is in text */
	char text[TEXT + 1];
	char raw_bytes[RAW];
};

static int fill_raw(struct memtrace_input *in, struct kms_error *err)
{
	ssize_t n = read(in->fd, in->raw_bytes, RAW);

	if (n < 0)
		return kms_fail(err, KMS_EUSAGE, "%s: cannot read: %s", in->path, strerror(errno));
	in->raw = (ZSTD_inBuffer){in->raw_bytes, (size_t)n, 0};
	in->file_end = !n;
	return 0;
}

static int open_file(struct memtrace_input *in, const char *path, struct kms_error *err)
{
	struct stat st;

	snprintf(in->path, sizeof(in->path), "%s", path);
	in->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(0);
	if (in->fd < 0)
		return kms_fail(err, KMS_EUSAGE, "%s: cannot open: %s", path, strerror(errno));
	if (!fstat(in->fd, &st) && S_ISDIR(st.st_mode))
		return kms_fail(err, KMS_EUSAGE, "%s: is a directory, expected a trace file", path);
	return fill_raw(in, err);
}

int memtrace_input_open(struct memtrace_input **out, const char *path, struct kms_error *err)
{
	struct memtrace_input *in = malloc(sizeof(*in));
	int rc;

	*out = NULL;
	if (!in)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	memset(in, 0, offsetof(struct memtrace_input, text));
	rc = open_file(in, path, err);
	if (!rc && in->raw.size >= 4 && !memcmp(in->raw_bytes, zstd_magic, 4)) {
		in->zstd = ZSTD_createDStream();
		if (!in->zstd)
			rc = kms_fail(err, KMS_EFAIL, "out of memory");
	}
	if (rc) {
		memtrace_input_close(in);
		return rc;
	}
	*out = in;
	return 0;
}

void memtrace_input_close(struct memtrace_input *in)
{
	if (!in)
		return;
	if (in->fd >= 0)
		close(in->fd);
	ZSTD_freeDStream(in->zstd);
	free(in);
}

static int decompress(struct memtrace_input *in, ZSTD_outBuffer *out, struct kms_error *err)
{
	size_t rc = ZSTD_decompressStream(in->zstd, out, &in->raw);

	if (ZSTD_isError(rc))
		return kms_fail(err, KMS_EUSAGE, "%s: damaged zstd data: %s", in->path,
				ZSTD_getErrorName(rc));
	in->frame_left = rc;
	return 0;
}

/* Bytes of one refill into buf, 0 only at the end. */
static int produce(struct memtrace_input *in, char *buf, size_t n, size_t *got, struct kms_error *err)
{
	ZSTD_outBuffer out = {buf, n, 0};
	int rc = 0;

	while (!rc && !out.pos) {
		bool empty = in->raw.pos == in->raw.size;

		if (empty && !in->file_end)
			rc = fill_raw(in, err);
		if (rc || (in->file_end && empty))
			break;
		if (in->zstd) {
			rc = decompress(in, &out, err);
			continue;
		}
		out.pos = n < in->raw.size - in->raw.pos ? n : in->raw.size - in->raw.pos;
		memcpy(buf, in->raw_bytes + in->raw.pos, out.pos);
		in->raw.pos += out.pos;
	}
	*got = out.pos;
	if (!rc && !out.pos && in->zstd && in->frame_left)
		return kms_fail(err, KMS_EUSAGE, "%s: the zstd data end in the middle", in->path);
	return rc;
}

int memtrace_input_read(struct memtrace_input *in, void *buf, size_t n, size_t *got,
			struct kms_error *err)
{
	if (in->start == in->end)
		return produce(in, buf, n, got, err);
	*got = n < in->end - in->start ? n : in->end - in->start;
	memcpy(buf, in->text + in->start, *got);
	in->start += *got;
	return 0;
}

int memtrace_input_unread(struct memtrace_input *in, const void *bytes, size_t n,
			  struct kms_error *err)
{
	if (n > TEXT || in->start != in->end)
		return kms_fail(err, KMS_EFAIL, "%s: cannot read this again", in->path);
	memcpy(in->text, bytes, n);
	in->start = 0;
	in->end = n;
	return 0;
}

/* More text behind what is there; moves the rest to the front. */
static int more_text(struct memtrace_input *in, size_t *got, struct kms_error *err)
{
	memmove(in->text, in->text + in->start, in->end - in->start);
	in->end -= in->start;
	in->start = 0;
	int rc = produce(in, in->text + in->end, TEXT - in->end, got, err);

	in->end += rc ? 0 : *got;
	return rc;
}

static int take_line(struct memtrace_input *in, char **line, size_t length, size_t skip,
		     struct kms_error *err)
{
	*line = in->text + in->start;
	(*line)[length] = 0;
	in->start += length + skip;
	in->line++;
	if (strlen(*line) != length)
		return kms_fail(err, KMS_EUSAGE, "%s:%llu: a NUL byte, expected a line of text", in->path,
				(unsigned long long)in->line);
	return 0;
}

int memtrace_input_line(struct memtrace_input *in, char **line, size_t *length,
			struct kms_error *err)
{
	size_t got;
	int rc;

	for (;;) {
		size_t have = in->end - in->start;
		char *text = in->text + in->start, *newline = memchr(text, '\n', have);

		*length = newline ? (size_t)(newline - text) : have;
		if (newline)
			return take_line(in, line, *length, 1, err);
		if (have >= LONGEST)
			return kms_fail(err, KMS_EUSAGE, "%s:%llu: a line of more than 64 KiB", in->path,
					(unsigned long long)in->line + 1);
		rc = more_text(in, &got, err);
		if (rc)
			return rc;
		if (got)
			continue;
		*line = NULL;
		return have ? take_line(in, line, have, 0, err) : 0;
	}
}

u64 memtrace_input_line_number(const struct memtrace_input *in)
{
	return in->line;
}
