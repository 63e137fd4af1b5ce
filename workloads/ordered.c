/*
 * ordered.c - merging the CPUs of a stream by sequence number (ordered.h).
 */
#include "workloads/ordered.h"

#include <stdlib.h>

static int fetch(struct ordered *o, u32 cpu, struct kms_error *err)
{
	int got = o->stream->next(o->stream, cpu, &o->heads[cpu], err);

	o->done[cpu] = got <= 0;
	return got < 0 ? got : 0;
}

int ordered_open(struct ordered *o, struct kms_stream *stream, struct kms_error *err)
{
	u32 n = stream->info->nr_cpus;
	int ret = 0;

	*o = (struct ordered){.stream = stream, .current = -1};
	o->heads = calloc(n, sizeof(*o->heads));
	o->done = calloc(n, sizeof(*o->done));
	if (!o->heads || !o->done)
		ret = kms_fail(err, KMS_EFAIL, "no host memory for reading a workload");
	for (u32 cpu = 0; cpu < n && !ret; cpu++)
		ret = fetch(o, cpu, err);
	if (ret)
		ordered_close(o);
	return ret;
}

/* The CPU whose next request comes first, -1 when all are done. */
static s32 earliest(const struct ordered *o)
{
	s32 best = -1;

	for (u32 cpu = 0; cpu < o->stream->info->nr_cpus; cpu++)
		if (!o->done[cpu] && (best < 0 || o->heads[cpu].seq < o->heads[best].seq))
			best = (s32)cpu;
	return best;
}

int ordered_next(struct ordered *o, const struct kms_request **rq, struct kms_error *err)
{
	int ret = o->current >= 0 ? fetch(o, (u32)o->current, err) : 0;

	if (ret)
		return ret;
	o->current = earliest(o);
	if (o->current < 0)
		return 0;
	*rq = &o->heads[o->current];
	return 1;
}

void ordered_close(struct ordered *o)
{
	free(o->heads);
	free(o->done);
	*o = (struct ordered){.current = -1};
}

int ordered_each(struct kms_stream *stream,
		 int (*visit)(void *arg, const struct kms_request *rq, struct kms_error *err), void *arg,
		 struct kms_error *err)
{
	const struct kms_request *rq;
	struct ordered in;
	int ret = ordered_open(&in, stream, err), got = 1;

	if (ret)
		return ret;
	while (!ret && (got = ordered_next(&in, &rq, err)) > 0)
		ret = visit(arg, rq, err);
	ordered_close(&in);
	return ret ? ret : got;
}
