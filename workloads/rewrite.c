/*
 * rewrite.c - see rewrite.h.
 */
#include "workloads/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "workloads/info.h"

int rewrite_open(struct rewrite *rw, const char *path, u32 nr_cpus, struct kms_error *err)
{
	memset(rw, 0, sizeof(*rw));
	return trace_writer_open(&rw->writer, path, nr_cpus, err);
}

static int no_memory(struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "no host memory for the objects of a trace");
}

static struct rewrite_object *entry(struct rewrite_map *map, u32 slot)
{
	if (slot >= map->capacity) {
		u64 capacity = map->capacity ? map->capacity : 1024;
		struct rewrite_object *grown;

		while (capacity <= slot)
			capacity *= 2;
		grown = realloc(map->objects, capacity * sizeof(*grown));
		if (!grown)
			return NULL;
		memset(grown + map->capacity, 0, (capacity - map->capacity) * sizeof(*grown));
		map->objects = grown;
		map->capacity = capacity;
	}
	return &map->objects[slot];
}

const struct rewrite_object *rewrite_find(const struct rewrite_map *map, struct kms_object_ref ref)
{
	const struct rewrite_object *o = ref.slot < map->capacity ? &map->objects[ref.slot] : NULL;

	return o && o->known && o->generation == ref.generation ? o : NULL;
}

void rewrite_drop(struct rewrite *rw)
{
	rw->counts.requests_dropped++;
}

static int take_over(struct rewrite *rw, struct rewrite_map *map, const struct kms_request *rq,
		     const bool *keep, u32 *n, struct kms_error *err)
{
	for (u32 i = 0; i < rq->n; i++) {
		struct rewrite_object *o = entry(map, rq->refs[i].slot);

		if (!o)
			return no_memory(err);
		rw->counts.live_at_end -= o->known; /* a slot that is allocated over */
		o->known = !keep || keep[i];
		if (!o->known)
			continue;
		o->generation = rq->refs[i].generation;
		o->cpu = rq->cpu;
		o->pages_left = rq->op == REQ_PAGE_ALLOC_EXACT ? (u32)((rq->size + 4095) / 4096) : 1u << (rq->order & 31);
		if (!slot_take(&rw->slots, rq->cpu, &o->ref))
			return no_memory(err);
		rw->refs[(*n)++] = o->ref;
		rw->counts.objects++;
		rw->counts.live_at_end++;
	}
	return 0;
}

/* Does this free end the object? A block freed in parts lives until its last. */
static bool ends(struct rewrite_object *o, const struct kms_request *rq)
{
	u32 pages = 1u << (rq->order & 31);

	if (kms_request_classes[rq->op] != 'F')
		return false;
	if (rq->op != REQ_PAGE_FREE_PART || pages >= o->pages_left)
		return true;
	o->pages_left -= pages;
	return false;
}

static int name_again(struct rewrite *rw, struct rewrite_map *map, const struct kms_request *rq, u32 *n,
		      struct kms_error *err)
{
	bool frees = kms_request_classes[rq->op] == 'F';

	for (u32 i = 0; i < rq->n; i++) {
		struct rewrite_object *o;

		if (!rewrite_find(map, rq->refs[i])) {
			rw->counts.frees_dropped += frees;
			continue;
		}
		o = &map->objects[rq->refs[i].slot];
		rw->refs[(*n)++] = o->ref;
		if (!ends(o, rq))
			continue;
		rw->counts.live_at_end--;
		o->known = false;
		if (!slot_give(&rw->slots, rq->cpu, o->ref))
			return no_memory(err);
	}
	return 0;
}

int rewrite_add(struct rewrite *rw, struct rewrite_map *map, const struct kms_request *rq, const bool *keep,
		struct kms_error *err)
{
	struct kms_request out = *rq;
	int ret;

	out.n = 0;
	if (kms_request_classes[rq->op] == 'A')
		ret = take_over(rw, map, rq, keep, &out.n, err);
	else
		ret = name_again(rw, map, rq, &out.n, err);
	if (ret)
		return ret;
	if (rq->n && !out.n) {
		rewrite_drop(rw);
		return 0;
	}
	out.refs = rw->refs;
	if (out.time < rw->last_time)
		out.time = rw->last_time;
	rw->last_time = out.time;
	out.seq = rw->counts.requests++;
	return trace_writer_add(rw->writer, &out, err);
}

int rewrite_finish(struct rewrite *rw, struct kms_workload_info *info, struct kms_error *err)
{
	struct trace_writer *w = rw->writer;

	rw->writer = NULL;
	slot_pool_free(&rw->slots);
	return trace_writer_finish(w, info, err);
}

void rewrite_abort(struct rewrite *rw)
{
	trace_writer_abort(rw->writer);
	rw->writer = NULL;
	slot_pool_free(&rw->slots);
}

void rewrite_map_free(struct rewrite_map *map)
{
	free(map->objects);
	*map = (struct rewrite_map){0};
}

bool rewrite_copy_info(struct kms_workload_info *to, const struct kms_workload_info *from)
{
	struct bytes bytes = {0};
	bool ok = !workload_info_encode(from, &bytes) && !workload_info_decode(to, bytes.data, bytes.length, NULL);

	bytes_free(&bytes);
	return ok;
}

int rewrite_end(struct rewrite *rw, int ret, const struct kms_workload_info *from, struct kms_error *err)
{
	struct kms_workload_info info = {0};

	if (!ret && !rewrite_copy_info(&info, from))
		ret = kms_fail(err, KMS_EFAIL, "no host memory for a trace's names");
	if (ret)
		rewrite_abort(rw);
	else
		ret = rewrite_finish(rw, &info, err);
	workload_info_free(&info);
	return ret;
}
