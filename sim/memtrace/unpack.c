/*
 * unpack.c - unpack.h: the three libraries' streams.
 */
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "sim/memtrace/unpack.h"

#define GZIP_WINDOW (15 + 16) /* the largest, with gzip's header */
#define XZ_MEMORY (1ull << 30) /* what a decoder may take; xz -9 needs 65 MiB */

struct packing {
	const char *name;
	u8 magic[UNPACK_MAGIC];
	u8 length, any; /* bytes; bits of the first that may be anything */
	int (*open)(struct unpack *u); /* NULL: known by name only */
	void (*close)(struct unpack *u);
	const char *(*step)(struct unpack *u, struct unpack_bytes *in, struct unpack_bytes *out, bool last);
};

struct unpack {
	const struct packing *packing;
	bool complete;
	ZSTD_DStream *zstd;
	z_stream gzip;
	lzma_stream xz;
};

/* ---- zstd ---- */

static int open_zstd(struct unpack *u)
{
	u->zstd = ZSTD_createDStream();
	return u->zstd ? 0 : KMS_EFAIL;
}

static void close_zstd(struct unpack *u)
{
	ZSTD_freeDStream(u->zstd);
}

static const char *step_zstd(struct unpack *u, struct unpack_bytes *in, struct unpack_bytes *out,
			     bool last)
{
	ZSTD_inBuffer from = {in->at, in->size, in->pos};
	ZSTD_outBuffer to = {out->at, out->size, out->pos};
	size_t rc;

	if (u->complete && in->pos == in->size)
		return NULL;
	rc = ZSTD_decompressStream(u->zstd, &to, &from);
	in->pos = from.pos;
	out->pos = to.pos;
	u->complete = !rc;
	return ZSTD_isError(rc) ? ZSTD_getErrorName(rc) : NULL;
}

/* ---- gzip ---- */

static int open_gzip(struct unpack *u)
{
	return inflateInit2(&u->gzip, GZIP_WINDOW) == Z_OK ? 0 : KMS_EFAIL;
}

static void close_gzip(struct unpack *u)
{
	inflateEnd(&u->gzip);
}

/* The next member; zeros between and behind members are padding of tapes. */
static bool next_member(struct unpack *u, struct unpack_bytes *in)
{
	while (in->pos < in->size && !in->at[in->pos])
		in->pos++;
	if (in->pos == in->size)
		return false;
	inflateReset(&u->gzip);
	u->complete = false;
	return true;
}

static const char *step_gzip(struct unpack *u, struct unpack_bytes *in, struct unpack_bytes *out,
			     bool last)
{
	int rc;

	if (u->complete && !next_member(u, in))
		return NULL;
	u->gzip.next_in = in->at + in->pos;
	u->gzip.avail_in = (uInt)(in->size - in->pos);
	u->gzip.next_out = out->at + out->pos;
	u->gzip.avail_out = (uInt)(out->size - out->pos);
	rc = inflate(&u->gzip, Z_NO_FLUSH);
	in->pos = in->size - u->gzip.avail_in;
	out->pos = out->size - u->gzip.avail_out;
	u->complete = rc == Z_STREAM_END;
	if (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR)
		return NULL;
	return u->gzip.msg ? u->gzip.msg : zError(rc);
}

/* ---- xz ---- */

static int open_xz(struct unpack *u)
{
	u->xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&u->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK ? 0 : KMS_EFAIL;
}

static void close_xz(struct unpack *u)
{
	lzma_end(&u->xz);
}

static const char *xz_error(lzma_ret rc)
{
	switch (rc) {
	case LZMA_FORMAT_ERROR:
		return "what follows is not xz";
	case LZMA_OPTIONS_ERROR:
		return "options that this liblzma does not know";
	case LZMA_MEMLIMIT_ERROR:
		return "unpacking takes more than 1 GiB of memory";
	case LZMA_MEM_ERROR:
		return "out of memory";
	default:
		return "the check sum or the structure is wrong";
	}
}

static const char *step_xz(struct unpack *u, struct unpack_bytes *in, struct unpack_bytes *out,
			   bool last)
{
	lzma_ret rc;

	u->xz.next_in = in->at + in->pos;
	u->xz.avail_in = in->size - in->pos;
	u->xz.next_out = out->at + out->pos;
	u->xz.avail_out = out->size - out->pos;
	rc = lzma_code(&u->xz, last ? LZMA_FINISH : LZMA_RUN);
	in->pos = in->size - u->xz.avail_in;
	out->pos = out->size - u->xz.avail_out;
	u->complete = rc == LZMA_STREAM_END;
	return rc == LZMA_OK || rc == LZMA_STREAM_END || rc == LZMA_BUF_ERROR ? NULL : xz_error(rc);
}

/* ---- which ---- */

static const struct packing packings[] = {
	{"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, 0, open_zstd, close_zstd, step_zstd},
	{"zstd", {0x50, 0x2a, 0x4d, 0x18}, 4, 0x0f, open_zstd, close_zstd, step_zstd}, /* pzstd */
	{"gzip", {0x1f, 0x8b, 0x08}, 3, 0, open_gzip, close_gzip, step_gzip},
	{"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, 0, open_xz, close_xz, step_xz},
	{"bzip2", {'B', 'Z', 'h'}, 3, 0, NULL, NULL, NULL},
	{"lzip", {'L', 'Z', 'I', 'P'}, 4, 0, NULL, NULL, NULL},
	{"lz4", {0x04, 0x22, 0x4d, 0x18}, 4, 0, NULL, NULL, NULL},
	{"zip", {'P', 'K', 3, 4}, 4, 0, NULL, NULL, NULL},
};

static const struct packing *find(const u8 *magic, size_t n)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(packings); i++) {
		const struct packing *p = &packings[i];

		if (n >= p->length && !((magic[0] ^ p->magic[0]) & ~p->any) &&
		    !memcmp(magic + 1, p->magic + 1, p->length - 1u))
			return p;
	}
	return NULL;
}

int unpack_open(struct unpack **out, const u8 *magic, size_t n, const char *path,
		struct kms_error *err)
{
	const struct packing *packing = find(magic, n);
	struct unpack *u;

	*out = NULL;
	if (!packing)
		return 0;
	if (!packing->open)
		return kms_fail(err, KMS_EUSAGE,
				"%s: packed with %s, expected a plain file, or zstd, gzip or xz; unpack it, or "
				"pipe it into this command with \"-\" as the trace", path, packing->name);
	u = calloc(1, sizeof(*u));
	if (!u || packing->open(u)) {
		free(u);
		return kms_fail(err, KMS_EFAIL, "out of memory");
	}
	u->packing = packing;
	*out = u;
	return 0;
}

void unpack_close(struct unpack *u)
{
	if (u)
		u->packing->close(u);
	free(u);
}

const char *unpack_step(struct unpack *u, struct unpack_bytes *in, struct unpack_bytes *out, bool last)
{
	return u->packing->step(u, in, out, last);
}

bool unpack_complete(const struct unpack *u)
{
	return u->complete;
}

const char *unpack_name(const struct unpack *u)
{
	return u->packing->name;
}
