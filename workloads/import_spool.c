/*
 * import_spool.c - what the first pass of an import found, until the second
 * writes it.
 *
 * An ordinary recording says late what an event was: a page turns out to be a
 * slab's when an object in it is handed out, a cache gets its name when an
 * object is freed. So requests wait in a file without a name beside the output,
 * of which only the end is in memory, and the last word is written over the
 * first guess.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/import_internal.h"

static int io_error(const char *what, struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "cannot %s the temporary file of the import: %s", what,
			strerror(errno));
}

int import_temporary(const char *path, struct kms_error *err)
{
	char *name = NULL;
	int fd;

	if (asprintf(&name, "%s.XXXXXX", path) < 0)
		return kms_fail(err, KMS_EFAIL, "no host memory for importing");
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		kms_fail(err, KMS_EUSAGE, "cannot create a temporary file beside '%s': %s", path,
			 strerror(errno));
	else
		unlink(name);
	free(name);
	return fd;
}

int spool_init(struct spool *s, const char *output, struct kms_error *err)
{
	s->buffer = malloc(SPOOL_BUFFER * sizeof(*s->buffer));
	if (!s->buffer)
		return kms_fail(err, KMS_EFAIL, "no host memory for importing");
	s->fd = import_temporary(output, err);
	return s->fd < 0 ? KMS_EUSAGE : 0;
}

void spool_free(struct spool *s)
{
	if (s->buffer && s->fd >= 0)
		close(s->fd);
	free(s->buffer);
	*s = (struct spool){ .fd = -1 };
}

static int write_all(int fd, const void *data, size_t n, u64 at)
{
	const char *from = data;

	while (n) {
		ssize_t done = pwrite(fd, from, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		from += done;
		at += (u64)done;
		n -= (size_t)done;
	}
	return 0;
}

static int flush(struct spool *s, struct kms_error *err)
{
	u64 n = s->n - s->first;

	if (write_all(s->fd, s->buffer, n * sizeof(*s->buffer), s->first * sizeof(*s->buffer)))
		return io_error("write", err);
	s->first = s->n;
	return 0;
}

int spool_add(struct spool *s, const struct spooled *rq, u64 *number, struct kms_error *err)
{
	if (s->n - s->first == SPOOL_BUFFER) {
		int ret = flush(s, err);

		if (ret)
			return ret;
	}
	if (number)
		*number = s->n;
	s->buffer[s->n++ - s->first] = *rq;
	return 0;
}

static int overwrite(struct spool *s, u64 number, size_t offset, const void *data, size_t n,
		     struct kms_error *err)
{
	if (number >= s->first)
		memcpy((char *)&s->buffer[number - s->first] + offset, data, n);
	else if (write_all(s->fd, data, n, number * sizeof(*s->buffer) + offset))
		return io_error("write", err);
	return 0;
}

int spool_drop(struct spool *s, u64 number, struct kms_error *err)
{
	const bool yes = true;

	return overwrite(s, number, offsetof(struct spooled, dropped), &yes, sizeof(yes), err);
}

int spool_set_cache(struct spool *s, u64 number, u32 cache, struct kms_error *err)
{
	return overwrite(s, number, offsetof(struct spooled, cache), &cache, sizeof(cache), err);
}

static int visit_buffer(struct spool *s, u64 n, int (*visit)(void *arg, struct spooled *rq), void *arg)
{
	int ret = 0;

	for (u64 i = 0; i < n && !ret; i++)
		ret = visit(arg, &s->buffer[i]);
	return ret;
}

int spool_play(struct spool *s, int (*visit)(void *arg, struct spooled *rq), void *arg,
	       struct kms_error *err)
{
	u64 n, at = 0;
	int ret;

	if (!s->first)
		return visit_buffer(s, s->n, visit, arg);
	ret = flush(s, err);
	while (!ret && at < s->n) {
		size_t bytes;
		ssize_t got = 0;

		n = s->n - at < SPOOL_BUFFER ? s->n - at : SPOOL_BUFFER;
		bytes = n * sizeof(*s->buffer);
		for (size_t have = 0; have < bytes; have += (size_t)got) {
			got = pread(s->fd, (char *)s->buffer + have, bytes - have,
				    (off_t)(at * sizeof(*s->buffer) + have));
			if (got <= 0)
				return io_error("read", err);
		}
		ret = visit_buffer(s, n, visit, arg);
		at += n;
	}
	return ret;
}

int spool_write(struct trace_writer *w, const struct spooled *q, struct kms_error *err)
{
	struct kms_object_ref ref = { q->slot, q->generation };
	struct kms_request rq = {
		.time = q->time, .size = q->size, .gfp = q->gfp, .cache = q->cache, .site = q->site,
		.part = q->part, .n = 1, .node = q->node, .cpu = q->cpu, .op = q->op, .order = q->order,
		.context = q->context, .refs = &ref,
	};

	if (kms_request_classes[q->op] == 'C' && q->op != REQ_PAGE_SPLIT)
		rq.n = 0;
	return trace_writer_add(w, &rq, err);
}
