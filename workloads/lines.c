/*
 * lines.c - see lines.h. The buffer grows to the longest line, up to a limit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "workloads/lines.h"

#define READ_BYTES (256u << 10)
#define LINE_MAX_BYTES (16u << 20)

bool lines_exist(const char *directory, const char *name)
{
	char *path = NULL;
	bool found;

	if (asprintf(&path, "%s/%s.zst", directory, name) < 0)
		return false;
	found = !access(path, F_OK);
	path[strlen(path) - 4] = '\0';
	found |= !access(path, F_OK);
	free(path);
	return found;
}

int lines_open(struct lines *l, const char *directory, const char *name, struct kms_error *err)
{
	memset(l, 0, sizeof(*l));
	if (asprintf(&l->path, "%s/%s.zst", directory, name) < 0) {
		l->path = NULL;
		return kms_fail(err, KMS_EFAIL, "no host memory");
	}
	l->file = fopen(l->path, "rb");
	if (l->file) {
		l->zstd = ZSTD_createDStream();
	} else {
		l->path[strlen(l->path) - 4] = '\0';
		l->file = fopen(l->path, "rb");
	}
	if (!l->file) {
		kms_fail(err, KMS_EUSAGE, "cannot read '%s' (nor '%s.zst'): %s", l->path, l->path,
			 strerror(errno));
		lines_close(l);
		return KMS_EUSAGE;
	}
	l->in = malloc(READ_BYTES);
	l->capacity = 2 * READ_BYTES;
	l->text = malloc(l->capacity + 1);
	if (l->in && l->text)
		return 0;
	lines_close(l);
	return kms_fail(err, KMS_EFAIL, "no host memory");
}

void lines_close(struct lines *l)
{
	if (l->file)
		fclose(l->file);
	ZSTD_freeDStream(l->zstd);
	free(l->in);
	free(l->text);
	free(l->path);
	memset(l, 0, sizeof(*l));
}

static int read_error(const struct lines *l, struct kms_error *err)
{
	return kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", l->path, strerror(errno));
}

/* Room for at least READ_BYTES after what is there. */
static int make_room(struct lines *l, struct kms_error *err)
{
	char *grown;

	if (l->at) {
		memmove(l->text, l->text + l->at, l->length - l->at);
		l->length -= l->at;
		l->at = 0;
	}
	if (l->capacity - l->length >= READ_BYTES)
		return 0;
	if (l->capacity > LINE_MAX_BYTES)
		return kms_fail(err, KMS_EUSAGE, "%s:%llu: line longer than %u MiB", l->path,
				(unsigned long long)l->number + 1, LINE_MAX_BYTES >> 20);
	grown = realloc(l->text, 2 * l->capacity + 1);
	if (!grown)
		return kms_fail(err, KMS_EFAIL, "no host memory for a line of '%s'", l->path);
	l->text = grown;
	l->capacity *= 2;
	return 0;
}

static int fill_plain(struct lines *l, struct kms_error *err)
{
	size_t n = fread(l->text + l->length, 1, l->capacity - l->length, l->file);

	l->length += n;
	l->end = !n;
	return !n && ferror(l->file) ? read_error(l, err) : 0;
}

static int fill_zstd(struct lines *l, struct kms_error *err)
{
	ZSTD_outBuffer out = { l->text, l->capacity, l->length };
	ZSTD_inBuffer in;
	size_t ret;

	if (l->in_at == l->in_length && !l->full) {
		l->in_at = 0;
		l->in_length = fread(l->in, 1, READ_BYTES, l->file);
		if (!l->in_length && ferror(l->file))
			return read_error(l, err);
		if (!l->in_length) {
			l->end = true;
			if (l->frame_open)
				return kms_fail(err, KMS_EUSAGE, "'%s': truncated zstd frame", l->path);
			return 0;
		}
	}
	in = (ZSTD_inBuffer){ l->in, l->in_length, l->in_at };
	ret = ZSTD_decompressStream(l->zstd, &out, &in);
	if (ZSTD_isError(ret))
		return kms_fail(err, KMS_EUSAGE, "'%s': damaged after line %llu: %s", l->path,
				(unsigned long long)l->number, ZSTD_getErrorName(ret));
	l->frame_open = ret != 0;
	l->full = out.pos == out.size; /* more may be waiting inside the decoder */
	l->in_at = in.pos;
	l->length = out.pos;
	return 0;
}

int lines_next(struct lines *l, char **line, struct kms_error *err)
{
	for (;;) {
		char *start = l->text + l->at;
		char *stop = memchr(start, '\n', l->length - l->at);
		int ret;

		if (!stop && l->end && l->at < l->length)
			stop = l->text + l->length;
		if (stop) {
			l->at = (size_t)(stop - l->text) + 1;
			if (l->at > l->length)
				l->at = l->length;
			*stop = '\0';
			*line = start;
			l->number++;
			return 1;
		}
		if (l->end)
			return 0;
		ret = make_room(l, err);
		if (!ret)
			ret = l->zstd ? fill_zstd(l, err) : fill_plain(l, err);
		if (ret)
			return ret;
	}
}
