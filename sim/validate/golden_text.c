/*
 * golden_text.c - a golden file's text: plain, gzip or zstd by its first bytes.
 */
#include "sim/validate/golden_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define READ_BYTES (256u << 10)
#define MAX_TEXT_BYTES (512ull << 20)

struct text {
	const char *path;
	char *bytes;
	size_t length, capacity;
	struct kms_error *err;
};

/* Room for READ_BYTES and a NUL behind what is there. */
static int make_room(struct text *t)
{
	size_t wanted = t->capacity ? 2 * t->capacity : 4 * READ_BYTES;
	char *grown;

	if (t->capacity - t->length > READ_BYTES)
		return 0;
	if (t->length > MAX_TEXT_BYTES)
		return kms_fail(t->err, KMS_EUSAGE, "'%s': more than %llu MiB of text", t->path,
				MAX_TEXT_BYTES >> 20);
	grown = realloc(t->bytes, wanted);
	if (!grown)
		return kms_fail(t->err, KMS_EFAIL, "no host memory for the text of '%s'", t->path);
	t->bytes = grown;
	t->capacity = wanted;
	return 0;
}

static int damaged(const struct text *t, const char *why)
{
	u64 line = 1;

	for (size_t i = 0; i < t->length; i++)
		line += t->bytes[i] == '\n';
	return kms_fail(t->err, KMS_EUSAGE, "%s:%llu: the compressed file is damaged: %s", t->path,
			(unsigned long long)line, why);
}

/* gzip; zlib passes plain files through as they are. */
static int read_gzip(struct text *t)
{
	gzFile file = gzopen(t->path, "rb");
	int rc = 0, n = 1;

	if (!file)
		return kms_fail(t->err, KMS_EUSAGE, "cannot read '%s': %s", t->path, strerror(errno));
	while (!rc && n > 0) {
		rc = make_room(t);
		if (rc)
			break;
		n = gzread(file, t->bytes + t->length, READ_BYTES);
		t->length += n > 0 ? (size_t)n : 0;
	}
	if (!rc) {
		const char *why = gzerror(file, &n);

		if (n == Z_ERRNO)
			rc = kms_fail(t->err, KMS_EUSAGE, "cannot read '%s': %s", t->path,
				      strerror(errno));
		else if (n != Z_OK && n != Z_STREAM_END)
			rc = damaged(t, why);
	}
	gzclose(file);
	return rc;
}

static int decode_zstd(struct text *t, FILE *file, ZSTD_DStream *stream, char *in)
{
	size_t left = 1; /* of the current frame */

	for (;;) {
		ZSTD_inBuffer input = { in, fread(in, 1, READ_BYTES, file), 0 };
		ZSTD_outBuffer output = { 0 };

		if (!input.size)
			break;
		while (input.pos < input.size || (left && output.pos == output.size)) {
			int rc = make_room(t);

			if (rc)
				return rc;
			output = (ZSTD_outBuffer){ t->bytes + t->length, READ_BYTES, 0 };
			left = ZSTD_decompressStream(stream, &output, &input);
			if (ZSTD_isError(left))
				return damaged(t, ZSTD_getErrorName(left));
			t->length += output.pos;
		}
	}
	if (ferror(file))
		return kms_fail(t->err, KMS_EUSAGE, "cannot read '%s': %s", t->path, strerror(errno));
	return left ? damaged(t, "it ends inside a zstd frame") : 0;
}

static int read_zstd(struct text *t, FILE *file)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	char *in = malloc(READ_BYTES);
	int rc;

	if (stream && in)
		rc = decode_zstd(t, file, stream, in);
	else
		rc = kms_fail(t->err, KMS_EFAIL, "no host memory to unpack '%s'", t->path);
	free(in);
	ZSTD_freeDStream(stream);
	return rc;
}

int golden_text(const char *path, char **text, size_t *bytes, struct kms_error *err)
{
	static const u8 zstd_magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
	struct text t = { .path = path, .err = err };
	FILE *file = fopen(path, "rb");
	u8 magic[4] = { 0 };
	int rc;

	if (!file)
		return kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", path, strerror(errno));
	if (fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
	    !memcmp(magic, zstd_magic, sizeof(magic))) {
		rewind(file);
		rc = read_zstd(&t, file);
	} else if (ferror(file)) {
		rc = kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", path, strerror(errno));
	} else {
		rc = read_gzip(&t);
	}
	fclose(file);
	if (!rc)
		rc = make_room(&t);
	if (rc) {
		free(t.bytes);
		return rc;
	}
	t.bytes[t.length] = '\0';
	*text = t.bytes;
	*bytes = t.length;
	return 0;
}
