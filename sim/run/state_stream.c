/*
 * state_stream.c - a workload behind a saved state.
 *
 * Of another workload: its slots, slab caches and call sites are numbered behind
 * the state's, but for caches that the state has already - the follow-on workload
 * uses those, with their half-filled slabs - and its times begin where the state
 * was saved. Of the same workload: the requests before are left out.
 */
#include "sim/run/state.h"

#include <stdlib.h>
#include <string.h>

struct aged_stream {
	struct kms_stream stream; /* first */
	struct kms_stream *inner;
	struct kms_workload_info info; /* its tables are ours or the state's; never freed as a whole */
	u32 *caches, *sites; /* numbers of the inner workload's */
	u64 first;	     /* request to begin with */
	u32 slots;	     /* the state's */
	u64 time;	     /* ns, added */
	struct kms_object_ref refs[KMS_MAX_BULK];
};

static void translate(struct aged_stream *s, struct kms_request *rq)
{
	for (u32 i = 0; i < rq->n; i++)
		s->refs[i] = (struct kms_object_ref){ rq->refs[i].slot + s->slots, rq->refs[i].generation };
	rq->refs = s->refs;
	rq->time += s->time;
	if (rq->cache < s->inner->info->nr_caches)
		rq->cache = s->caches[rq->cache];
	if (rq->site < s->inner->info->nr_sites)
		rq->site = s->sites[rq->site];
}

static int aged_next(struct kms_stream *stream, u32 cpu, struct kms_request *rq, struct kms_error *err)
{
	struct aged_stream *s = (struct aged_stream *)stream;
	int got;

	do
		got = s->inner->next(s->inner, cpu, rq, err);
	while (got > 0 && rq->seq < s->first);
	if (got > 0 && s->caches)
		translate(s, rq);
	return got;
}

static void aged_close(struct kms_stream *stream)
{
	struct aged_stream *s = (struct aged_stream *)stream;

	if (s->caches) {
		free(s->info.caches); /* the names belong to the state and the inner workload */
		free(s->info.sites);
	}
	free(s->caches);
	free(s->sites);
	s->inner->close(s->inner);
	free(s);
}

static bool same_cache(const struct kms_cache_def *a, const struct kms_cache_def *b)
{
	return a->object_size == b->object_size && a->align == b->align && a->flags == b->flags &&
	       a->ctor == b->ctor && a->useroffset == b->useroffset && a->usersize == b->usersize &&
	       !strcmp(a->name, b->name);
}

static int number_caches(struct aged_stream *s, const struct state *state)
{
	const struct kms_workload_info *inner = s->inner->info, *old = &state->info;
	struct cursor c = state->rest; /* caches come first: place in RAM, gone */
	bool *there = calloc(old->nr_caches + 1, sizeof(*there));
	u32 n = old->nr_caches;

	s->caches = calloc(inner->nr_caches + 1, sizeof(*s->caches));
	s->info.caches = calloc(old->nr_caches + inner->nr_caches + 1, sizeof(*s->info.caches));
	if (!there || !s->caches || !s->info.caches) {
		free(there);
		return KMS_EFAIL;
	}
	for (u32 i = 0; i < old->nr_caches; i++) {
		there[i] = cursor_varint(&c) != 0;
		there[i] &= !cursor_varint(&c);
		s->info.caches[i] = old->caches[i];
	}
	for (u32 i = 0; i < inner->nr_caches; i++) {
		u32 k = 0;

		while (k < old->nr_caches && !(there[k] && same_cache(&old->caches[k], &inner->caches[i])))
			k++;
		s->caches[i] = k < old->nr_caches ? k : n;
		if (k == old->nr_caches)
			s->info.caches[n++] = inner->caches[i];
	}
	s->info.nr_caches = n;
	free(there);
	return 0;
}

struct named_site {
	const char *text;
	u32 number;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct named_site *)a)->text, ((const struct named_site *)b)->text);
}

static int number_sites(struct aged_stream *s, const struct state *state)
{
	const struct kms_workload_info *inner = s->inner->info, *old = &state->info;
	struct named_site *sorted = calloc(old->nr_sites + 1, sizeof(*sorted)), *found;
	u32 n = old->nr_sites;

	s->sites = calloc(inner->nr_sites + 1, sizeof(*s->sites));
	s->info.sites = calloc(old->nr_sites + inner->nr_sites + 1, sizeof(*s->info.sites));
	if (!sorted || !s->sites || !s->info.sites) {
		free(sorted);
		return KMS_EFAIL;
	}
	for (u32 i = 0; i < old->nr_sites; i++) {
		s->info.sites[i] = old->sites[i];
		sorted[i] = (struct named_site){ old->sites[i], i };
	}
	qsort(sorted, old->nr_sites, sizeof(*sorted), by_text);
	for (u32 i = 0; i < inner->nr_sites; i++) {
		const struct named_site key = { inner->sites[i], 0 };

		found = bsearch(&key, sorted, old->nr_sites, sizeof(*sorted), by_text);
		s->sites[i] = found ? found->number : n;
		if (!found)
			s->info.sites[n++] = inner->sites[i];
	}
	s->info.nr_sites = n;
	free(sorted);
	return 0;
}

/* The memory map is the state's: there is no other behind it. */
static void take_memory_map(struct kms_workload_info *info, const struct kms_workload_info *from)
{
	info->zones = from->zones;
	info->nr_zones = from->nr_zones;
	info->free = from->free;
	info->nr_free = from->nr_free;
	info->late = from->late;
	info->nr_late = from->nr_late;
	info->nr_nodes = from->nr_nodes;
	info->min_free_kbytes = from->min_free_kbytes;
	memcpy(info->cpu_node, from->cpu_node, sizeof(info->cpu_node));
}

int state_stream(struct kms_stream **stream, const struct state *state, bool resume, struct kms_error *err)
{
	struct kms_stream *inner = *stream;
	struct aged_stream *s = calloc(1, sizeof(*s));
	int ret = s ? 0 : KMS_EFAIL;

	if (!ret && !resume && state->info.slots + inner->info->slots > UINT32_MAX) {
		free(s);
		return kms_fail(err, KMS_EUSAGE, "the state and the workload have more than 2^32 objects together");
	}
	if (!ret) {
		s->stream = (struct kms_stream){ .info = &s->info, .next = aged_next, .close = aged_close };
		s->inner = inner;
		s->info = *inner->info;
		s->first = resume ? state->requests : 0;
	}
	if (!ret && !resume) {
		s->slots = (u32)state->info.slots;
		s->time = state->recorded_time;
		s->info.slots += state->info.slots;
		take_memory_map(&s->info, &state->info);
		s->info.caches = NULL;
		s->info.sites = NULL;
		ret = number_caches(s, state);
		if (!ret)
			ret = number_sites(s, state);
	}
	if (!ret) {
		*stream = &s->stream;
		return 0;
	}
	if (s) {
		free(s->caches);
		free(s->sites);
		if (!resume) {
			free(s->info.caches);
			free(s->info.sites);
		}
		free(s);
	}
	return kms_fail(err, KMS_EFAIL, "no host memory for a workload behind a state");
}
