/*
 * trace_info.c - one pass over a trace, in recorded order.
 *
 * Keeps a table of what is live, indexed by slot as replay does, so it also
 * finds requests that contradict each other.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/ordered.h"
#include "workloads/trace_info.h"
#include "workloads/trace_reader.h"

#define PAGE_BYTES 4096u

struct live_object {
	u64 bytes;
	u64 time;
	u32 generation;
	u32 pages, pages_left; /* of blocks freed in parts */
	u32 site, cache; /* cache + 1; 0 none */
	u16 cpu;
	bool live;
};

struct pass {
	struct trace_summary *s;
	struct live_object *objects;
	u64 live, live_bytes;
	struct trace_phase_summary *phase;
};

static u32 size_class(u64 size)
{
	u32 class = size > 1 ? 64 - (u32)__builtin_clzll(size - 1) : 0;

	return class < TRACE_SIZE_CLASSES ? class : TRACE_SIZE_CLASSES - 1;
}

static u64 object_bytes(const struct kms_request *rq)
{
	switch (rq->op) {
	case REQ_PAGE_ALLOC:
		return rq->order < 32 ? (u64)PAGE_BYTES << rq->order : 0;
	case REQ_PAGE_ALLOC_BULK:
		return PAGE_BYTES;
	default:
		return rq->size;
	}
}

static u32 object_pages(const struct kms_request *rq)
{
	if (rq->op == REQ_PAGE_ALLOC_EXACT)
		return (u32)((rq->size + PAGE_BYTES - 1) / PAGE_BYTES);
	return rq->order < 32 ? 1u << rq->order : 0;
}

static bool uses_cache(const struct kms_request *rq)
{
	return rq->op == REQ_CACHE_ALLOC || rq->op == REQ_CACHE_ALLOC_BULK;
}

static void rank(struct trace_rank *ranks, u32 i, u32 n, u64 bytes, bool freed)
{
	if (i >= n)
		return;
	if (freed) {
		ranks[i].live_end--;
		return;
	}
	ranks[i].allocs++;
	ranks[i].live_end++;
	ranks[i].bytes += bytes;
}

static void rank_object(struct trace_summary *s, const struct live_object *o, bool freed)
{
	rank(s->sites, o->site, s->info->nr_sites, o->bytes, freed);
	if (o->cache)
		rank(s->cache_ranks, o->cache - 1, s->info->nr_caches, o->bytes, freed);
}

static void note_lifetime(struct trace_summary *s, u64 ns)
{
	u32 class = ns ? 64 - (u32)__builtin_clzll(ns) : 0;

	s->lifetimes[class < TRACE_LIFETIMES ? class : TRACE_LIFETIMES - 1]++;
}

/* The next point of the curve when its share of the requests is done. */
static void note_curve(struct pass *p, const struct kms_request *rq)
{
	struct trace_summary *s = p->s;
	u64 due = s->info->requests * (s->nr_curve + 1) / TRACE_CURVE;

	if (s->nr_curve < TRACE_CURVE && rq->seq + 1 >= due)
		s->curve[s->nr_curve++] = (struct trace_live_point){rq->seq, rq->time, p->live, p->live_bytes};
}

static void note_alloc(struct pass *p, const struct kms_request *rq)
{
	struct trace_summary *s = p->s;

	for (u32 i = 0; i < rq->n; i++) {
		struct live_object *o = &p->objects[rq->refs[i].slot];

		s->inconsistent += o->live;
		*o = (struct live_object){
			.bytes = object_bytes(rq), .generation = rq->refs[i].generation,
			.time = rq->time, .site = rq->site, .cache = uses_cache(rq) ? rq->cache + 1 : 0,
			.pages = object_pages(rq), .pages_left = object_pages(rq), .cpu = rq->cpu,
			.live = true,
		};
		s->bytes[rq->op] += o->bytes;
		rank_object(s, o, false);
		p->live_bytes += o->bytes;
		if (rq->op == REQ_KMALLOC)
			s->kmalloc_sizes[size_class(rq->size)]++;
		if (rq->op == REQ_PAGE_ALLOC && rq->order < KMS_ARRAY_SIZE(s->page_orders))
			s->page_orders[rq->order]++;
	}
	s->allocs += rq->n;
	p->live += rq->n;
	p->phase->allocs += rq->n;
	if (p->live > s->live_peak)
		s->live_peak = p->live;
	if (p->live_bytes > s->live_bytes_peak)
		s->live_bytes_peak = p->live_bytes;
}

/* A part that is freed must lie within its block. */
static bool within(const struct live_object *o, const struct kms_request *rq)
{
	return rq->op != REQ_PAGE_FREE_PART ||
	       (rq->order < 32 && (u64)rq->part + (1u << rq->order) <= o->pages);
}

static void note_free(struct pass *p, const struct kms_request *rq, struct kms_object_ref ref)
{
	struct live_object *o = &p->objects[ref.slot];
	u64 bytes = o->bytes;

	if (!o->live || o->generation != ref.generation || !within(o, rq)) {
		p->s->inconsistent++;
		return;
	}
	p->s->remote_frees += o->cpu != rq->cpu;
	if (rq->op == REQ_PAGE_FREE_PART && rq->order < 32 && 1u << rq->order < o->pages_left) {
		u64 part = (u64)PAGE_BYTES << rq->order;

		o->pages_left -= 1u << rq->order;
		bytes = part < bytes ? part : bytes;
		o->bytes -= bytes;
		p->live_bytes -= bytes;
		return;
	}
	o->live = false;
	rank_object(p->s, o, true);
	note_lifetime(p->s, rq->time - o->time);
	p->live_bytes -= bytes;
	p->live--;
	p->s->frees++;
	p->phase->frees++;
}

static void begin_phase(struct pass *p, const struct kms_request *rq)
{
	p->phase = &p->s->phases[rq->part];
	if (p->phase->requests)
		return;
	p->phase->first_seq = rq->seq;
	p->phase->start_ns = rq->time;
}

static void note(struct pass *p, const struct kms_request *rq)
{
	struct trace_summary *s = p->s;
	u64 since = p->phase->start_ns + p->phase->duration_ns;

	if (rq->op == REQ_PHASE)
		begin_phase(p, rq);
	else if (rq->time > since)
		p->phase->duration_ns += rq->time - since;
	s->ops[rq->op]++;
	s->objects[rq->op] += rq->n;
	s->cpu_requests[rq->cpu]++;
	p->phase->requests++;
	if (kms_request_classes[rq->op] == 'A')
		note_alloc(p, rq);
	else if (kms_request_classes[rq->op] == 'F')
		for (u32 i = 0; i < rq->n; i++)
			note_free(p, rq, rq->refs[i]);
	p->phase->live_end = p->live;
	p->phase->live_bytes_end = p->live_bytes;
	note_curve(p, rq);
}

static int walk(struct pass *p, struct kms_error *err)
{
	const struct kms_request *rq;
	struct ordered in;
	u64 expected = 0;
	int ret = ordered_open(&in, p->s->stream, err);

	if (ret)
		return ret;
	while ((ret = ordered_next(&in, &rq, err)) > 0) {
		p->s->inconsistent += rq->seq != expected;
		expected = rq->seq + 1;
		note(p, rq);
	}
	ordered_close(&in);
	p->s->live_end = p->live;
	p->s->live_bytes_end = p->live_bytes;
	return ret;
}

static int summarize(struct trace_summary *s, struct kms_error *err)
{
	const struct kms_workload_info *info = s->info;
	struct pass p = { .s = s };
	int ret;

	/* requests before the first phase mark belong to a phase of their own, the last */
	s->nr_phases = info->nr_phases;
	s->phases = calloc(info->nr_phases + 1ul, sizeof(*s->phases));
	p.objects = calloc(info->slots + 1, sizeof(*p.objects));
	s->sites = calloc(info->nr_sites + 1ul, sizeof(*s->sites));
	s->cache_ranks = calloc(info->nr_caches + 1ul, sizeof(*s->cache_ranks));
	if (!s->phases || !p.objects || !s->sites || !s->cache_ranks) {
		ret = kms_fail(err, KMS_EFAIL, "no host memory for %llu objects",
			       (unsigned long long)info->slots);
	} else {
		for (u32 i = 0; i < info->nr_phases; i++)
			s->phases[i].name = info->phases[i];
		p.phase = &s->phases[info->nr_phases];
		ret = walk(&p, err);
	}
	free(p.objects);
	return ret;
}

int trace_summarize(struct trace_summary *s, const char *path, struct kms_error *err)
{
	const struct trace_file_info *file;
	int ret;

	memset(s, 0, sizeof(*s));
	ret = trace_open(&s->stream, path, err);
	if (ret)
		return ret;
	s->info = s->stream->info;
	file = trace_file_info(s->stream);
	s->version = file->version;
	s->file_bytes = file->file_bytes;
	s->raw_bytes = file->raw_bytes;
	s->blocks = file->blocks;
	ret = trace_file_hash(path, s->hash, err);
	if (!ret)
		ret = summarize(s, err);
	if (ret)
		trace_summary_free(s);
	return ret;
}

void trace_summary_free(struct trace_summary *s)
{
	free(s->phases);
	free(s->sites);
	free(s->cache_ranks);
	if (s->stream)
		s->stream->close(s->stream);
	memset(s, 0, sizeof(*s));
}
