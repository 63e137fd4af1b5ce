/*
 * import_queue.c - the last requests of an import, before they are written.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/import_internal.h"

int import_queue_init(struct import_queue *q, struct trace_writer *writer, struct kms_error *err)
{
	*q = (struct import_queue){ .writer = writer };
	q->ring = calloc(IMPORT_QUEUE, sizeof(*q->ring));
	return q->ring ? 0 : kms_fail(err, KMS_EFAIL, "no host memory for importing");
}

void import_queue_free(struct import_queue *q)
{
	for (u32 i = 0; q->ring && i < IMPORT_QUEUE; i++)
		free(q->ring[i].many);
	free(q->ring);
	*q = (struct import_queue){ 0 };
}

static int write_oldest(struct import_queue *q, struct kms_error *err)
{
	struct queued *e = &q->ring[q->head++ % IMPORT_QUEUE];
	int ret = 0;

	if (!e->cancelled) {
		e->request.refs = e->many ? e->many : &e->one;
		ret = trace_writer_add(q->writer, &e->request, err);
		q->written++;
	}
	free(e->many);
	e->many = NULL;
	return ret;
}

int import_queue_add(struct import_queue *q, const struct kms_request *request, u64 *number,
		     struct kms_error *err)
{
	int ret = q->tail - q->head == IMPORT_QUEUE ? write_oldest(q, err) : 0;
	struct queued *e = &q->ring[q->tail % IMPORT_QUEUE];

	if (ret)
		return ret;
	*e = (struct queued){ .request = *request };
	if (request->n == 1)
		e->one = request->refs[0];
	if (request->n > 1) {
		e->many = malloc(request->n * sizeof(*e->many));
		if (!e->many)
			return kms_fail(err, KMS_EFAIL, "no host memory for importing");
		memcpy(e->many, request->refs, request->n * sizeof(*e->many));
	}
	if (number)
		*number = q->tail;
	q->tail++;
	return 0;
}

struct queued *import_queue_find(struct import_queue *q, u64 number)
{
	return number >= q->head && number < q->tail ? &q->ring[number % IMPORT_QUEUE] : NULL;
}

int import_queue_extend(struct queued *e, struct kms_object_ref ref, struct kms_error *err)
{
	u32 n = e->request.n;
	struct kms_object_ref *many;

	if (!(n & (n - 1))) {
		many = realloc(e->many, 2 * (size_t)n * sizeof(*many));
		if (!many)
			return kms_fail(err, KMS_EFAIL, "no host memory for importing");
		if (!e->many)
			many[0] = e->one;
		e->many = many;
	}
	e->many[n] = ref;
	e->request.n = n + 1;
	return 0;
}

int import_queue_flush(struct import_queue *q, struct kms_error *err)
{
	int ret = 0;

	while (q->head != q->tail && !ret)
		ret = write_oldest(q, err);
	return ret;
}
