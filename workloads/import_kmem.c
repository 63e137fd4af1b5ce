/*
 * import_kmem.c - slab objects among the kmem events, and what all events share.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/import_kmem.h"

#define ZERO_SIZE_PTR 16 /* what kmalloc(0) gives: kfree() of it does nothing */

const char *const kmem_event_names[NR_KMEM_KINDS] = {
#define KMEM_NAME(id, name, step) [id] = name,
	KMEM_EVENTS(KMEM_NAME)
#undef KMEM_NAME
};

static const bool is_step[NR_KMEM_KINDS] = {
#define KMEM_STEP(id, name, step) [id] = step,
	KMEM_EVENTS(KMEM_STEP)
#undef KMEM_STEP
};

int kmem_find_event(const char *name, size_t length)
{
	static const u8 lengths[NR_KMEM_KINDS] = {
#define KMEM_LENGTH(id, text, step) [id] = sizeof(text) - 1,
		KMEM_EVENTS(KMEM_LENGTH)
#undef KMEM_LENGTH
	};

	for (int i = 0; i < NR_KMEM_KINDS; i++)
		if (lengths[i] == length && !memcmp(kmem_event_names[i], name, length))
			return i;
	return -1;
}

int kmem_no_memory(struct kmem_import *im)
{
	return kms_fail(im->err, KMS_EFAIL, "no host memory for importing");
}

u32 kmem_site(struct kmem_import *im, const char *text, size_t length)
{
	s64 site;
	size_t n = 0;

	while (n < length && text[n] != '/' && text[n] != ' ')
		n++;
	site = names_enter(&im->sites, text, n);
	if (site < 0)
		kmem_no_memory(im);
	return site < 0 ? KMS_NO_SITE : (u32)site;
}

u32 kmem_name(struct kmem_import *im, const char *text, size_t length)
{
	s64 name = names_enter(&im->names, text, length);

	if (name < 0)
		kmem_no_memory(im);
	return name < 0 ? KMEM_NO_NAME : (u32)name;
}

/* ---- requests ---- */

static struct spooled plain_request(const struct kmem_import *im, const struct kmem_event *ev, u8 op)
{
	return (struct spooled){
		.time = im->time, .gfp = ev->gfp, .site = ev->site, .cpu = (u16)ev->cpu,
		.node = (s16)ev->node, .op = op, .order = (u8)ev->order, .context = ev->context,
	};
}

int kmem_new_request(struct kmem_import *im, const struct kmem_event *ev, u8 op, struct spooled *rq)
{
	struct kms_object_ref ref;

	*rq = plain_request(im, ev, op);
	if (!slot_take(&im->slots, ev->cpu, &ref))
		return kmem_no_memory(im);
	rq->slot = ref.slot;
	rq->generation = ref.generation;
	return 0;
}

int kmem_free_request(struct kmem_import *im, const struct kmem_event *ev, const struct live *e, u8 op,
		      u64 *number)
{
	struct spooled rq = plain_request(im, ev, op);

	rq.gfp = 0;
	rq.node = -1;
	rq.order = e->order;
	rq.slot = e->slot;
	rq.generation = e->generation;
	rq.cache = op == REQ_CACHE_FREE ? e->cache : 0;
	if (!slot_give(&im->slots, ev->cpu, (struct kms_object_ref){ e->slot, e->generation }))
		return kmem_no_memory(im);
	return spool_add(&im->spool, &rq, number, im->err);
}

int kmem_free_old(struct kmem_import *im, const struct kmem_event *ev, u8 op, u32 name, bool replay)
{
	struct live object = { .order = (u8)ev->order };
	struct kmem_old *old;

	im->result->live_at_start++;
	if (!replay) {
		im->reasons[KMEM_UNKNOWN_SIZE]++;
		return 0;
	}
	if (im->nr_old == im->old_capacity) {
		u64 capacity = im->old_capacity ? 2 * im->old_capacity : 1024;
		struct kmem_old *grown = realloc(im->old, capacity * sizeof(*grown));

		if (!grown)
			return kmem_no_memory(im);
		im->old = grown;
		im->old_capacity = capacity;
	}
	if (im->slots.next > UINT32_MAX)
		return kmem_no_memory(im);
	object.slot = (u32)im->slots.next++; /* never used so far: so it can be since the start */
	if (op == REQ_CACHE_FREE)
		object.cache = KMEM_BY_NAME | name;
	old = &im->old[im->nr_old++];
	*old = (struct kmem_old){ .slot = object.slot, .name = name, .order = object.order,
				  .page = op == REQ_PAGE_FREE };
	return kmem_free_request(im, ev, &object, op, &old->free_record);
}

/* ---- slab objects ---- */

enum object_kind { OBJECT_KMALLOC, OBJECT_CACHE, OBJECT_INTERNAL };

static int free_object(struct kmem_import *im, const struct kmem_event *ev, struct live *object)
{
	u8 op = object->kind == OBJECT_KMALLOC ? REQ_KFREE : REQ_CACHE_FREE;
	int ret = 0;

	if (object->kind == OBJECT_INTERNAL)
		im->reasons[KMEM_CACHE_STRUCTURE]++;
	else
		ret = kmem_free_request(im, ev, object, op, NULL);
	recent_add(&im->freed, object->key);
	live_remove(&im->objects, object);
	return ret;
}

/* No kernel address and no page's key has only this bit clear. */
u64 kmem_gone_key(u64 ptr)
{
	return ptr ^ 1ull << 62;
}

int kmem_object_gone(struct kmem_import *im, const struct kmem_event *ev, struct live *object)
{
	struct kmem_event at = *ev;

	im->implied_frees++;
	at.site = KMS_NO_SITE;
	return free_object(im, &at, object);
}

static int add_object(struct kmem_import *im, const struct kmem_event *ev, struct kmem_key *key)
{
	bool cache = ev->kind == KMEM_CACHE_ALLOC || ev->kind == KMEM_CACHE_ALLOC_NODE;
	struct live *object = live_add(&im->objects, ev->ptr);
	struct spooled rq;
	int ret;

	if (!object)
		return kmem_no_memory(im);
	if (key->internal) {
		object->kind = OBJECT_INTERNAL;
		im->reasons[KMEM_CACHE_STRUCTURE]++;
		return 0;
	}
	object->kind = cache ? OBJECT_CACHE : OBJECT_KMALLOC;
	key->cached |= cache;
	ret = kmem_new_request(im, ev, cache ? REQ_CACHE_ALLOC : REQ_KMALLOC, &rq);
	if (ret)
		return ret;
	rq.size = ev->bytes_req;
	rq.order = 0;
	rq.cache = cache ? (u32)(key - im->keys) : 0;
	if (cache && ev->name != KMEM_NO_NAME)
		ret = kmem_named(im, ev, key, &rq.cache);
	if (ret)
		return ret;
	object->cache = rq.cache;
	object->slot = rq.slot;
	object->generation = rq.generation;
	return spool_add(&im->spool, &rq, &object->record, im->err);
}

static int object_alloc(struct kmem_import *im, const struct kmem_event *ev)
{
	struct kmem_key *key;
	struct live *before;
	int ret = 0;

	if (ev->hidden || !ev->ptr) {
		im->reasons[ev->hidden ? KMEM_NO_ADDRESS : KMEM_FAILED]++;
		return 0;
	}
	key = kmem_key_of(im, ev->site, ev->bytes_req, ev->bytes_alloc);
	if (!key)
		return kmem_no_memory(im);
	before = live_find(&im->objects, ev->ptr);
	if (before) {
		im->result->alloc_over_live++;
		ret = kmem_object_gone(im, ev, before);
	} else if (recent_forget(&im->freed, kmem_gone_key(ev->ptr))) {
		im->result->alloc_over_live++;
	}
	if (!ret)
		ret = kmem_slab_page(im, ev, key);
	return ret ? ret : add_object(im, ev, key);
}

static int free_unknown(struct kmem_import *im, const struct kmem_event *ev)
{
	bool named = ev->kind == KMEM_CACHE_FREE && ev->name != KMEM_NO_NAME;

	im->result->frees_without_alloc++;
	recent_forget(&im->freed, kmem_gone_key(ev->ptr));
	if (recent_has(&im->freed, ev->ptr)) {
		im->reasons[KMEM_UNSEEN_ALLOC]++;
		return 0;
	}
	recent_add(&im->freed, ev->ptr);
	return kmem_free_old(im, ev, REQ_CACHE_FREE, ev->name, named);
}

static int object_free(struct kmem_import *im, const struct kmem_event *ev)
{
	struct live *object;
	int ret;

	im->cpus[ev->cpu].freed = ev->ptr;
	if (ev->hidden) {
		im->reasons[KMEM_NO_ADDRESS]++;
		return 0;
	}
	if (ev->ptr <= ZERO_SIZE_PTR) {
		im->result->null_frees++;
		im->reasons[KMEM_NULL_FREE]++;
		return 0;
	}
	object = live_find(&im->objects, ev->ptr);
	if (!object)
		return free_unknown(im, ev);
	im->result->frees_matched++;
	if (object->kind == OBJECT_CACHE && ev->name != KMEM_NO_NAME && !(object->cache & KMEM_BY_NAME)) {
		ret = kmem_learn(im, ev, object);
		if (ret)
			return ret;
	}
	return free_object(im, ev, object);
}

/* ---- events ---- */

/* Time starts at the first event and never goes back: a merged file may have small steps back. */
static void advance(struct kmem_import *im, const struct kmem_event *ev)
{
	if (!im->started) {
		im->started = true;
		im->first_time = ev->time;
	}
	if (ev->time > im->first_time && ev->time - im->first_time > im->time)
		im->time = ev->time - im->first_time;
	if (ev->cpu >= im->nr_cpus)
		im->nr_cpus = ev->cpu + 1;
	if (ev->node >= (s32)im->nr_nodes)
		im->nr_nodes = (u32)ev->node + 1;
}

int kmem_event(struct kmem_import *im, const struct kmem_event *ev)
{
	im->result->events++;
	advance(im, ev);
	if (is_step[ev->kind]) {
		im->steps[ev->kind]++;
		return 0;
	}
	switch (ev->kind) {
	case KMEM_PAGE_ALLOC:
		return kmem_page_alloc(im, ev);
	case KMEM_PAGE_FREE:
		return kmem_page_free(im, ev);
	case KMEM_KFREE:
	case KMEM_CACHE_FREE:
		return object_free(im, ev);
	default:
		return object_alloc(im, ev);
	}
}

/* ---- begin, end ---- */

int kmem_begin(struct kmem_import *im, const struct import_job *job)
{
	*im = (struct kmem_import){ .result = job->result, .err = job->err, .slabs = job->slabs,
				    .nr_cpus = 1, .nr_nodes = 1 };
	im->spool.fd = -1;
	if (!recent_init(&im->freed) || names_enter(&im->sites, "", 0) != KMS_NO_SITE)
		return kmem_no_memory(im);
	return spool_init(&im->spool, job->output, im->err);
}

void kmem_free(struct kmem_import *im)
{
	spool_free(&im->spool);
	slot_pool_free(&im->slots);
	names_free(&im->sites);
	names_free(&im->names);
	live_free(&im->objects);
	live_free(&im->blocks);
	recent_free(&im->freed);
	free(im->keys);
	free(im->key_table);
	free(im->sizes);
	free(im->old);
}
