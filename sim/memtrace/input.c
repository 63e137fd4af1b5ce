/*
 * input.c - input.h: one buffer of unpacked bytes over a file; unpack.c knows how.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/memtrace/input.h"
#include "sim/memtrace/unpack.h"

enum { RAW = 1 << 17, TEXT = 1 << 18, LONGEST = 1 << 16 };

struct memtrace_input {
	char path[256];
	int fd;
	struct unpack *unpack; /* NULL: plain */
	struct unpack_bytes raw;
	const char *wrong; /* with the packed data, behind what was handed out; NULL: nothing */
	bool file_end;
	bool nul; /* text may hold a NUL byte */
	u64 line, unpacked; /* lines and bytes so far */
	size_t start, end; /* of what is in text */
	char text[TEXT + 1];
	u8 raw_bytes[RAW];
};

/* The first call waits for enough bytes to tell how they are packed. */
static int fill_raw(struct memtrace_input *in, size_t at_least, struct kms_error *err)
{
	size_t have = 0;

	in->file_end = false;
	while (have < at_least && !in->file_end) {
		ssize_t n = read(in->fd, in->raw_bytes + have, RAW - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kms_fail(err, KMS_EUSAGE, "%s: cannot read: %s", in->path, strerror(errno));
		have += (size_t)n;
		in->file_end = !n;
	}
	in->raw = (struct unpack_bytes){in->raw_bytes, have, 0};
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
	return fill_raw(in, UNPACK_MAGIC, err);
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
	if (!rc)
		rc = unpack_open(&in->unpack, in->raw_bytes, in->raw.size, path, err);
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
	unpack_close(in->unpack);
	free(in);
}

static int bad_packing(const struct memtrace_input *in, const char *what, struct kms_error *err)
{
	char lines[40] = "";

	if (in->line)
		snprintf(lines, sizeof(lines), ", %llu lines", (unsigned long long)in->line);
	return kms_fail(err, KMS_EUSAGE, "%s: the %s data %s; %llu bytes%s could be unpacked before",
			in->path, unpack_name(in->unpack), what, (unsigned long long)in->unpacked, lines);
}

static int take_packed(struct memtrace_input *in, struct unpack_bytes *out, struct kms_error *err)
{
	char what[120];

	if (!in->wrong) {
		in->wrong = unpack_step(in->unpack, &in->raw, out, in->file_end);
		in->unpacked += out->pos;
	}
	if (!in->wrong || out->pos)
		return 0;
	snprintf(what, sizeof(what), "are damaged (%s)", in->wrong);
	return bad_packing(in, what, err);
}

static void take_plain(struct memtrace_input *in, struct unpack_bytes *out)
{
	size_t left = in->raw.size - in->raw.pos, room = out->size - out->pos;
	size_t n = left < room ? left : room;

	memcpy(out->at + out->pos, in->raw_bytes + in->raw.pos, n);
	out->pos += n;
	in->raw.pos += n;
}

/* Bytes of one refill into buf, 0 only at the end. */
static int produce(struct memtrace_input *in, char *buf, size_t n, size_t *got, struct kms_error *err)
{
	struct unpack_bytes out = {(u8 *)buf, n, 0};
	bool end = false;
	int rc = 0;

	while (!rc && !out.pos && !end) {
		if (in->raw.pos == in->raw.size && !in->file_end)
			rc = fill_raw(in, 1, err);
		if (rc)
			break;
		end = in->file_end && in->raw.pos == in->raw.size;
		if (in->unpack)
			rc = take_packed(in, &out, err);
		else
			take_plain(in, &out);
	}
	*got = out.pos;
	if (!rc && !out.pos && in->unpack && !unpack_complete(in->unpack))
		return bad_packing(in, "end in the middle", err);
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
	in->nul = memchr(bytes, 0, n) != NULL;
	return 0;
}

/* More text behind what is there; moves the rest to the front. */
static int more_text(struct memtrace_input *in, size_t *got, struct kms_error *err)
{
	memmove(in->text, in->text + in->start, in->end - in->start);
	in->end -= in->start;
	in->start = 0;
	int rc = produce(in, in->text + in->end, TEXT - in->end, got, err);

	if (rc)
		return rc;
	in->nul |= memchr(in->text + in->end, 0, *got) != NULL;
	in->end += *got;
	return 0;
}

static int take_line(struct memtrace_input *in, char **line, size_t length, size_t skip,
		     struct kms_error *err)
{
	*line = in->text + in->start;
	(*line)[length] = 0;
	in->start += length + skip;
	in->line++;
	if (in->nul && strlen(*line) != length)
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
