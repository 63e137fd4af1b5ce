/*
 * trace_common.h - a folder for files, and a small generator of random numbers,
 * shared by the tests of workloads/.
 */
#ifndef TESTS_UNIT_TRACE_COMMON_H
#define TESTS_UNIT_TRACE_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "workloads/info.h"
#include "workloads/trace.h"

static char test_dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(test_dir, sizeof(test_dir), "/tmp/kmemsim-test-XXXXXX");
	return mkdtemp(test_dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", test_dir);
	return system(command);
}

/* A path in the test's folder; a few can be in use at a time. */
static inline const char *in_dir(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", test_dir, name);
	return path;
}

static inline void write_file(const char *path, const void *data, size_t n)
{
	FILE *f;

	unlink(path); /* truncating in place makes some file systems wait for the disk */
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline u8 *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	u8 *data;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*n = (size_t)ftell(f);
	rewind(f);
	data = malloc(*n + 1);
	assert_int_equal(fread(data, 1, *n, f), *n);
	fclose(f);
	return data;
}

/* xorshift64*: the tests' own numbers, the same everywhere. */
static inline u64 next_random(u64 *x)
{
	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return *x * 0x2545f4914f6cdd1dull;
}

/* What a test writes or expects: a request with its own copy of the objects. */
struct kept {
	struct kms_request rq;
	struct kms_object_ref *refs;
};

static inline void keep(struct kept *k, const struct kms_request *rq)
{
	k->rq = *rq;
	k->refs = rq->n ? malloc(rq->n * sizeof(*k->refs)) : NULL;
	if (rq->n)
		memcpy(k->refs, rq->refs, rq->n * sizeof(*k->refs));
	k->rq.refs = k->refs;
}

static inline void free_kept(struct kept *k, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(k[i].refs);
	free(k);
}

static inline void assert_same_request(const struct kms_request *a, const struct kms_request *b)
{
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->op, b->op);
	assert_int_equal(a->time, b->time);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->gfp, b->gfp);
	assert_int_equal(a->cache, b->cache);
	assert_int_equal(a->site, b->site);
	assert_int_equal(a->part, b->part);
	assert_int_equal(a->node, b->node);
	assert_int_equal(a->cpu, b->cpu);
	assert_int_equal(a->order, b->order);
	assert_int_equal(a->context, b->context);
	assert_int_equal(a->n, b->n);
	if (a->n)
		assert_memory_equal(a->refs, b->refs, a->n * sizeof(*a->refs));
}

/* All requests of a stream in global order (n of them); the caller frees them. */
static inline struct kept *read_stream(struct kms_stream *stream, size_t *n)
{
	const struct kms_workload_info *info = stream->info;
	struct kept *all = calloc(info->requests + 1, sizeof(*all));
	struct kms_error err = { 0 };
	struct kms_request rq;
	int got = 0;

	*n = 0;
	for (u32 cpu = 0; cpu < info->nr_cpus; cpu++) {
		while ((got = stream->next(stream, cpu, &rq, &err)) > 0) {
			assert_true(rq.seq < info->requests);
			assert_int_equal(rq.cpu, cpu);
			assert_null(all[rq.seq].refs);
			keep(&all[rq.seq], &rq);
			++*n;
		}
		if (got < 0)
			fail_msg("%s", err.text);
	}
	assert_int_equal(*n, info->requests);
	return all;
}

#endif
