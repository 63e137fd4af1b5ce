/*
 * maker.c - the stream behind generators of requests (maker.h).
 */
#include "workloads/maker.h"

#include <stdlib.h>
#include <string.h>

#include "workloads/info.h"

static bool queue_add(struct maker_queue *q, const struct made *made)
{
	if (q->tail - q->head == q->capacity) {
		u64 capacity = q->capacity ? 2 * q->capacity : 64;
		struct made *grown = malloc(capacity * sizeof(*grown));

		if (!grown)
			return false;
		for (u64 i = q->head; i < q->tail; i++)
			grown[i % capacity] = q->ring[i % q->capacity];
		free(q->ring);
		q->ring = grown;
		q->capacity = capacity;
	}
	q->ring[q->tail++ % q->capacity] = *made;
	return true;
}

static void emit(struct maker *m, u32 cpu, struct kms_request rq, struct kms_object_ref ref)
{
	struct made made = {rq, ref};

	made.request.seq = m->seq++;
	made.request.cpu = (u16)cpu;
	made.request.node = -1;
	made.request.time = m->time;
	m->info.cpu_requests[cpu]++;
	m->failed |= !queue_add(&m->queues[cpu], &made);
}

void maker_phase(struct maker *m, u32 phase)
{
	m->info.barriers[m->info.nr_barriers++] = m->seq;
	emit(m, 0, (struct kms_request){.op = REQ_PHASE, .part = phase}, (struct kms_object_ref){0});
}

void maker_create_cache(struct maker *m, u32 cache)
{
	emit(m, 0, (struct kms_request){.op = REQ_CACHE_CREATE, .cache = cache},
	     (struct kms_object_ref){0});
}

void maker_alloc(struct maker *m, u32 cpu, struct kms_request rq, struct kms_object_ref *ref)
{
	rq.n = 1;
	if (!slot_take(&m->slots, cpu, ref)) {
		m->failed = true;
		*ref = (struct kms_object_ref){0};
		return;
	}
	emit(m, cpu, rq, *ref);
}

void maker_release(struct maker *m, u32 cpu, u8 op, u8 order, struct kms_object_ref ref)
{
	emit(m, cpu, (struct kms_request){.op = op, .order = order, .n = 1}, ref);
	m->failed |= !slot_give(&m->slots, cpu, ref);
}

bool maker_site(struct maker *m, const char *name, u32 *site)
{
	s64 at;

	for (u32 i = 0; i < m->info.nr_sites; i++) {
		if (!strcmp(m->info.sites[i], name)) {
			*site = i;
			return true;
		}
	}
	at = workload_info_add_site(&m->info, name, strlen(name));
	*site = (u32)at;
	return at >= 0;
}

bool maker_cache(struct maker *m, const struct kms_cache_def *def, u32 *cache)
{
	struct kms_workload_info *info = &m->info;
	struct kms_cache_def *grown;

	for (u32 i = 0; i < info->nr_caches; i++) {
		if (!strcmp(info->caches[i].name, def->name)) {
			*cache = i;
			return true;
		}
	}
	grown = realloc(info->caches, (info->nr_caches + 1) * sizeof(*grown));
	if (!grown)
		return false;
	info->caches = grown;
	grown[info->nr_caches] = *def;
	grown[info->nr_caches].name = strdup(def->name);
	if (!grown[info->nr_caches].name)
		return false;
	*cache = info->nr_caches++;
	return true;
}

static void end(struct maker *m)
{
	m->ended = true;
	m->info.requests = m->seq;
	m->info.slots = m->slots.next;
	m->info.duration_ns = m->time;
}

static int maker_next(struct kms_stream *stream, u32 cpu, struct kms_request *request,
		      struct kms_error *err)
{
	struct maker *m = KMS_CONTAINER_OF(stream, struct maker, stream);
	struct maker_queue *q = &m->queues[cpu];
	const struct made *made;

	while (q->head == q->tail && !m->ended && !m->failed)
		if (!m->step(m))
			end(m);
	if (m->failed)
		return kms_fail(err, KMS_EFAIL, "no host memory for making the workload");
	if (q->head == q->tail)
		return 0;
	made = &q->ring[q->head++ % q->capacity];
	*request = made->request;
	q->out = made->ref;
	request->refs = &q->out;
	return 1;
}

static void maker_close(struct kms_stream *stream)
{
	struct maker *m = KMS_CONTAINER_OF(stream, struct maker, stream);

	maker_free(m);
	m->destroy(m);
}

bool maker_init(struct maker *m, u32 nr_cpus, const char *source, u32 max_phases)
{
	u32 none;

	m->stream = (struct kms_stream){&m->info, maker_next, maker_close};
	m->info.nr_cpus = nr_cpus;
	m->info.nr_nodes = 1;
	m->info.source = strdup(source);
	m->info.kernel = strdup("");
	m->info.allocator = strdup("");
	m->info.barriers = calloc(max_phases + 1ul, sizeof(*m->info.barriers));
	return m->info.source && m->info.kernel && m->info.allocator && m->info.barriers &&
	       maker_site(m, "", &none);
}

void maker_free(struct maker *m)
{
	for (u32 i = 0; i < MAKER_MAX_CPUS; i++)
		free(m->queues[i].ring);
	slot_pool_free(&m->slots);
	workload_info_free(&m->info);
}
