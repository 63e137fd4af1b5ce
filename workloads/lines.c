/*
 * lines.c - see lines.h. The buffer grows to the longest line, up to a limit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
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

static int buffers(struct lines *l, struct kms_error *err)
{
	l->in = malloc(READ_BYTES);
	l->capacity = 2 * READ_BYTES;
	l->text = malloc(l->capacity + 1);
	if (l->in && l->text)
		return 0;
	lines_close(l);
	return kms_fail(err, KMS_EFAIL, "no host memory");
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
	return buffers(l, err);
}

static int cannot_read(struct lines *l, struct kms_error *err)
{
	int ret = kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", l->path, strerror(errno));

	lines_close(l);
	return ret;
}

int lines_open_file(struct lines *l, const char *path, struct kms_error *err)
{
	static const u8 zstd[4] = { 0x28, 0xb5, 0x2f, 0xfd }, gz[2] = { 0x1f, 0x8b };
	u8 magic[4] = { 0 };

	memset(l, 0, sizeof(*l));
	l->path = strdup(path);
	if (!l->path)
		return kms_fail(err, KMS_EFAIL, "no host memory");
	l->file = fopen(path, "rb");
	if (!l->file || (!fread(magic, 1, sizeof(magic), l->file) && ferror(l->file)))
		return cannot_read(l, err);
	rewind(l->file);
	if (!memcmp(magic, zstd, sizeof(zstd)))
		l->zstd = ZSTD_createDStream();
	if (!memcmp(magic, gz, sizeof(gz))) {
		l->gz = gzopen(path, "rb");
		if (!l->gz)
			return cannot_read(l, err);
	}
	return buffers(l, err);
}

void lines_close(struct lines *l)
{
	if (l->file)
		fclose(l->file);
	if (l->gz)
		gzclose(l->gz);
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

static int fill_gz(struct lines *l, struct kms_error *err)
{
	int n = gzread(l->gz, l->text + l->length, (unsigned)(l->capacity - l->length)), code;
	const char *what = gzerror(l->gz, &code);

	if (n > 0)
		l->length += (size_t)n;
	l->end = n <= 0;
	if (n >= 0 && (code == Z_OK || code == Z_STREAM_END))
		return 0;
	return kms_fail(err, KMS_EUSAGE, "'%s': damaged after line %llu: %s", l->path,
			(unsigned long long)l->number, what);
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

static int fill(struct lines *l, struct kms_error *err)
{
	return l->zstd ? fill_zstd(l, err) : l->gz ? fill_gz(l, err) : fill_plain(l, err);
}

int lines_peek(const char *path, char *text, size_t capacity, size_t *length, struct kms_error *err)
{
	struct lines l;
	int ret = lines_open_file(&l, path, err);

	while (!ret && !l.end && l.length < capacity) {
		ret = make_room(&l, err);
		if (!ret)
			ret = fill(&l, err);
	}
	*length = 0;
	if (!ret) {
		*length = l.length < capacity ? l.length : capacity;
		memcpy(text, l.text, *length);
	}
	lines_close(&l);
	return ret;
}

int lines_unpack(const char *path, int fd, struct kms_error *err)
{
	struct lines l;
	int ret = lines_open_file(&l, path, err);

	while (!ret && !l.end) {
		l.at = l.length = 0;
		ret = fill(&l, err);
		while (!ret && l.at < l.length) {
			ssize_t n = write(fd, l.text + l.at, l.length - l.at);

			if (n <= 0 && errno != EINTR)
				ret = kms_fail(err, KMS_EFAIL, "cannot write what '%s' unpacks to: %s", path,
					       strerror(errno));
			l.at += n > 0 ? (size_t)n : 0;
		}
	}
	lines_close(&l);
	return ret;
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
			ret = fill(l, err);
		if (ret)
			return ret;
	}
}
