/*
 * import_gt_slab.c - the recorded slab layer's lines into requests: caches, which
 * all slab layers have, and SLUB's allocations and frees.
 *
 * kmalloc caches become kmalloc() and kfree() with the bytes asked for, other
 * caches stay caches, under the number of the cache they were first created as.
 * What the slab layer allocates for its own caches is a step of creating them.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/import_gt.h"

typedef unsigned long long ull;

/* ---- caches ---- */

/* A new entry of the trace's caches; its number, or -1. */
static s64 define_cache(struct gt_import *im, const struct kms_cache_def *def)
{
	struct kms_workload_info *info = &im->info;
	u32 capacity = im->cache_capacity, capacity2 = capacity, capacity3 = capacity, want = info->nr_caches + 1;
	struct kms_cache_def *caches = gt_grow(im, info->caches, &capacity, want, sizeof(*caches));
	u32 *alias_of;
	bool *destroyed;

	if (!caches)
		return -1;
	info->caches = caches;
	alias_of = gt_grow(im, im->alias_of, &capacity2, want, sizeof(*alias_of));
	if (!alias_of)
		return -1;
	im->alias_of = alias_of;
	destroyed = gt_grow(im, im->destroyed, &capacity3, want, sizeof(*destroyed));
	if (!destroyed)
		return -1;
	im->destroyed = destroyed;
	im->cache_capacity = capacity;
	caches[info->nr_caches] = *def;
	alias_of[info->nr_caches] = 0;
	destroyed[info->nr_caches] = false;
	return info->nr_caches++;
}

static int emit_cache(struct gt_import *im, u8 op, u32 id)
{
	struct kms_request rq = gt_request(im, op);

	rq.cache = id;
	return gt_emit(im, &rq, NULL);
}

static int create_requested(struct gt_import *im)
{
	struct kms_cache_def def = {
		.object_size = (u32)gt_value_number(im, "size=", 10),
		.align = (u32)gt_value_number(im, "align=", 10),
		.flags = (u32)gt_value_number(im, "flags=", 16),
		.useroffset = (u32)gt_value_number(im, "useroffset=", 10),
		.usersize = (u32)gt_value_number(im, "usersize=", 10),
		.ctor = gt_value_number(im, "ctor=", 10) != 0,
	};
	size_t length = 0;
	const char *name = gt_value(im, "name=", &length);

	if (im->bad)
		return 0;
	def.name = strndup(name ? name : "", length);
	if (!def.name)
		return gt_no_memory(im);
	im->flow->creating = define_cache(im, &def);
	return im->flow->creating < 0 ? KMS_EFAIL : 0;
}

/* The creation that this flow began is done, with a cache of its own or an alias. */
static int created(struct gt_import *im, bool alias)
{
	size_t length = 0;
	const char *name = gt_value(im, alias ? "to=" : "name=", &length);
	s64 id = im->flow->creating;
	struct gt_cache *cache;

	im->flow->creating = -1;
	if (!name || id < 0) {
		gt_leave_out(im, REASON_REPEATED);
		return 0;
	}
	cache = gt_cache_at(im, name, length);
	if (!cache)
		return KMS_EFAIL;
	if (alias) {
		im->alias_of[id] = (u32)(cache - im->caches) + 1;
	} else {
		cache->id = (u32)id;
		cache->created = true;
	}
	return emit_cache(im, REQ_CACHE_CREATE, (u32)id);
}

/* Merged caches go one name at a time: aliases first, whichever. */
static int destroyed(struct gt_import *im)
{
	size_t length = 0;
	const char *name = gt_value(im, "name=", &length);
	struct gt_cache *cache = name ? gt_cache_at(im, name, length) : NULL;
	u32 id;

	if (!cache || !cache->created) {
		gt_leave_out(im, REASON_FREE_UNKNOWN);
		return 0;
	}
	for (id = im->info.nr_caches; id; id--)
		if (im->alias_of[id - 1] == (u32)(cache - im->caches) + 1 && !im->destroyed[id - 1])
			break;
	if (!id) {
		id = cache->id + 1;
		cache->created = false;
	}
	im->destroyed[id - 1] = true;
	return emit_cache(im, REQ_CACHE_DESTROY, id - 1);
}

static int shrunk(struct gt_import *im)
{
	size_t length = 0;
	const char *name = gt_value(im, "name=", &length);
	struct gt_cache *cache = name ? gt_cache_at(im, name, length) : NULL;

	if (!cache || !cache->created) {
		gt_leave_out(im, REASON_FREE_UNKNOWN);
		return 0;
	}
	return emit_cache(im, REQ_CACHE_SHRINK, cache->id);
}

static bool is_word(const char *word, size_t length, const char *what)
{
	return length == strlen(what) && !memcmp(word, what, length);
}

int gt_cache_text(struct gt_import *im, const char *word, size_t length, bool *used)
{
	if (is_word(word, length, "CACHE_CREATE_REQ"))
		return create_requested(im);
	if (is_word(word, length, "CACHE_NEW"))
		return created(im, false);
	if (is_word(word, length, "CACHE_ALIAS"))
		return created(im, true);
	if (is_word(word, length, "CACHE_DESTROY"))
		return destroyed(im);
	if (is_word(word, length, "CACHE_SHRINK"))
		return shrunk(im);
	if (is_word(word, length, "CACHE_BOOT")) {
		*used = false;
		return gt_slab_init(im);
	}
	*used = false;
	return 0;
}

/* A cache that was there before the recording began: created at its first use. */
static int create_unseen(struct gt_import *im, const char *name, size_t length, struct gt_cache *cache,
			 u32 size)
{
	struct kms_cache_def def = { .name = strndup(name, length), .object_size = size };
	s64 id = def.name ? define_cache(im, &def) : -1;

	if (id < 0)
		return gt_no_memory(im);
	cache->id = (u32)id;
	cache->created = true;
	return emit_cache(im, REQ_CACHE_CREATE, (u32)id);
}

/* ---- allocation ---- */

int gt_take_cache(struct gt_import *im, const char **name, size_t *length, struct gt_cache **cache)
{
	*name = gt_word(im, length);
	*cache = gt_cache_at(im, *name, *length);
	return *cache ? 0 : KMS_EFAIL;
}

int gt_allocated(struct gt_import *im, const char *name, size_t length, u64 address,
		 struct kms_request *rq)
{
	struct gt_cache *cache = gt_cache_at(im, name, length);
	struct kms_object_ref ref;
	struct gt_object *object;
	u32 stale;
	int ret = 0;

	if (!cache || im->bad)
		return cache ? 0 : KMS_EFAIL;
	if (cache->kind == GT_CACHE_INTERNAL) {
		gt_leave_out(im, REASON_CACHE_STRUCTURE);
		return address ? gt_address_add(im, address, GT_INTERNAL) : 0;
	}
	if (cache->kind == GT_CACHE_USER && !cache->created)
		ret = create_unseen(im, name, length, cache, (u32)rq->size);
	if (gt_address_take(im, address, &stale)) /* its free was not seen */
		gt_leave_out(im, REASON_FREE_UNKNOWN);
	if (!ret)
		ret = gt_new_object(im, &ref, &object);
	if (!ret && address)
		ret = gt_address_add(im, address, ref.slot);
	if (ret)
		return ret;
	rq->op = cache->kind == GT_CACHE_KMALLOC ? REQ_KMALLOC : REQ_CACHE_ALLOC;
	rq->cache = cache->kind == GT_CACHE_KMALLOC ? 0 : cache->id;
	rq->n = 1;
	rq->refs = &ref;
	return gt_emit(im, rq, NULL);
}

int gt_fast_alloc(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_KMALLOC);
	size_t length;
	const char *name = gt_word(im, &length);
	u64 address = gt_hex(im);

	rq.gfp = (u32)gt_hex(im);
	rq.node = (s16)gt_dec(im);
	rq.size = (u64)gt_dec(im);
	rq.site = gt_site(im);
	return gt_allocated(im, name, length, address, &rq);
}

int gt_slow_begin(struct gt_import *im)
{
	struct gt_flow *f = im->flow;
	size_t length;

	gt_word(im, &length);
	f->slow_gfp = (u32)gt_hex(im);
	gt_dec(im);
	gt_dec(im);
	f->slow_site = gt_site(im);
	f->slow = true;
	return 0;
}

static int bulk_object(struct gt_import *im, u64 address);

int gt_slow_alloc(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_KMALLOC);
	struct gt_flow *f = im->flow;
	struct gt_cache *cache;
	const char *name;
	size_t length;
	u64 address;
	int ret = gt_take_cache(im, &name, &length, &cache);

	if (ret)
		return ret;
	address = gt_hex(im);
	gt_hex(im);
	rq.node = (s16)gt_dec(im);
	rq.size = (u64)gt_dec(im);
	rq.gfp = f->slow_gfp;
	rq.site = f->slow_site;
	if (!f->slow)
		im->result->unknown++;
	f->slow = false;
	if (f->bulk_want && f->bulk_cache == (u32)(cache - im->caches)) {
		f->bulk_size = (u32)rq.size;
		return bulk_object(im, address);
	}
	return gt_allocated(im, name, length, address, &rq);
}

/* ---- bulk allocation ---- */

int gt_bulk_begin(struct gt_import *im)
{
	struct gt_flow *f = im->flow;
	struct gt_cache *cache;
	const char *name;
	size_t length;
	u64 *objects;
	s64 n;
	int ret = gt_take_cache(im, &name, &length, &cache);

	if (ret)
		return ret;
	n = gt_dec(im);
	if (im->bad)
		return 0;
	if (n < 1 || n > KMS_MAX_BULK)
		return kms_fail(im->err, KMS_EUSAGE, "%s:%llu: bulk allocation of %lld objects, expected 1 to %u",
				im->lines.path, (ull)im->lines.number, (long long)n, KMS_MAX_BULK);
	objects = gt_grow(im, f->bulk_objects, &f->bulk_capacity, (u32)n, sizeof(*objects));
	if (!objects)
		return KMS_EFAIL;
	f->bulk_objects = objects;
	f->bulk_want = (u32)n;
	f->bulk_got = 0;
	f->bulk_cache = (u32)(cache - im->caches);
	f->bulk_size = 0;
	f->bulk_gfp = (u32)gt_hex(im);
	f->bulk_site = gt_site(im);
	return 0;
}

/* kmalloc caches have no request for bulk allocation: nothing in the kernel does that. */
static int one_by_one(struct gt_import *im, const char *name, struct kms_request *rq)
{
	struct gt_flow *f = im->flow;
	int ret = 0;

	rq->gfp = f->bulk_gfp;
	rq->site = f->bulk_site;
	rq->size = f->bulk_size;
	for (u32 i = 0; i < f->bulk_got && !ret; i++)
		ret = gt_allocated(im, name, strlen(name), f->bulk_objects[i], rq);
	f->bulk_want = f->bulk_got = 0;
	return ret;
}

/* The bulk allocation is over, with as many objects as it got. */
static int bulk_done(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_CACHE_ALLOC_BULK);
	struct gt_flow *f = im->flow;
	struct gt_cache *cache = &im->caches[f->bulk_cache];
	struct kms_object_ref refs[KMS_MAX_BULK];
	struct gt_object *object;
	const char *name = im->cache_names.texts[f->bulk_cache];
	int ret = 0;

	if (cache->kind != GT_CACHE_USER)
		return one_by_one(im, name, &rq);
	if (!cache->created)
		ret = create_unseen(im, name, strlen(name), cache, f->bulk_size);
	for (u32 i = 0; i < f->bulk_got && !ret; i++) {
		ret = gt_new_object(im, &refs[i], &object);
		if (!ret)
			ret = gt_address_add(im, f->bulk_objects[i], refs[i].slot);
	}
	rq.cache = cache->id;
	rq.gfp = f->bulk_gfp;
	rq.site = f->bulk_site;
	rq.size = cache->created ? im->info.caches[cache->id].object_size : 0;
	rq.n = f->bulk_got;
	rq.refs = refs;
	f->bulk_want = f->bulk_got = 0;
	if (ret || !rq.n)
		return ret;
	return gt_emit(im, &rq, NULL);
}

static int bulk_object(struct gt_import *im, u64 address)
{
	struct gt_flow *f = im->flow;

	f->bulk_objects[f->bulk_got++] = address;
	return f->bulk_got == f->bulk_want ? bulk_done(im) : 0;
}

int gt_bulk_alloc(struct gt_import *im)
{
	struct gt_cache *cache;
	const char *name;
	size_t length;
	u64 address;
	int ret = gt_take_cache(im, &name, &length, &cache);

	if (ret)
		return ret;
	address = gt_hex(im);
	if (im->bad)
		return 0;
	if (!im->flow->bulk_want || im->flow->bulk_cache != (u32)(cache - im->caches)) {
		im->result->unknown++;
		return 0;
	}
	return bulk_object(im, address);
}

/* What a failed bulk allocation got, it frees again in bulk, which the next lines show. */
int gt_slow_fail(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_KMALLOC);
	struct gt_flow *f = im->flow;
	struct gt_cache *cache;
	const char *name;
	size_t length;
	int ret = gt_take_cache(im, &name, &length, &cache);

	if (ret)
		return ret;
	rq.gfp = (u32)gt_hex(im);
	rq.node = (s16)gt_dec(im);
	rq.site = f->slow_site;
	f->slow = false;
	if (f->bulk_want && f->bulk_cache == (u32)(cache - im->caches))
		return bulk_done(im);
	if (cache->created)
		rq.size = im->info.caches[cache->id].object_size;
	return gt_allocated(im, name, length, 0, &rq);
}

/*
 * The request of the same call, if it is the newest of all: an object of it may
 * not be allocated before, or freed before, what another CPU did meanwhile.
 */
static struct queued *same_call(struct gt_import *im, const struct kms_request *rq)
{
	u64 last = im->flow->last_request;
	struct queued *q = last + 1 == im->queue.tail ? import_queue_find(&im->queue, last) : NULL;
	const struct kms_request *was = q ? &q->request : NULL;

	return was && !q->cancelled && was->op == rq->op && was->cache == rq->cache && was->site == rq->site &&
	       was->gfp == rq->gfp && was->cpu == rq->cpu && was->n < KMS_MAX_BULK ? q : NULL;
}

static int join_call(struct gt_import *im, struct kms_request *rq, struct kms_object_ref ref)
{
	struct queued *q = same_call(im, rq);

	if (q)
		return import_queue_extend(q, ref, im->err);
	rq->n = 1;
	rq->refs = &ref;
	return gt_emit(im, rq, NULL);
}

int gt_bulk_allocated(struct gt_import *im, struct gt_cache *cache, u64 address, struct kms_request *rq)
{
	struct kms_object_ref ref;
	struct gt_object *object;
	u32 stale;
	int ret;

	if (gt_address_take(im, address, &stale))
		gt_leave_out(im, REASON_FREE_UNKNOWN);
	ret = gt_new_object(im, &ref, &object);
	if (!ret)
		ret = gt_address_add(im, address, ref.slot);
	rq->op = REQ_CACHE_ALLOC_BULK;
	rq->cache = cache->id;
	rq->size = im->info.caches[cache->id].object_size;
	return ret ? ret : join_call(im, rq, ref);
}

/* ---- free ---- */

/* The object at an address goes; false: there is none that a request allocated. */
static bool drop_at(struct gt_import *im, u64 address, struct kms_object_ref *ref)
{
	u32 slot;

	if (!gt_address_take(im, address, &slot)) {
		gt_leave_out(im, REASON_FREE_UNKNOWN);
		return false;
	}
	if (slot == GT_INTERNAL) {
		gt_leave_out(im, REASON_CACHE_STRUCTURE);
		return false;
	}
	*ref = gt_drop_object(im, slot);
	return true;
}

int gt_freed(struct gt_import *im, u64 address, struct gt_cache *cache)
{
	struct kms_request rq = gt_request(im, REQ_CACHE_FREE);
	struct kms_object_ref ref;

	if (!drop_at(im, address, &ref))
		return 0;
	rq.op = cache->kind == GT_CACHE_KMALLOC ? REQ_KFREE : REQ_CACHE_FREE;
	rq.cache = cache->kind == GT_CACHE_KMALLOC ? 0 : cache->id;
	rq.n = 1;
	rq.refs = &ref;
	return gt_emit(im, &rq, NULL);
}

int gt_free(struct gt_import *im)
{
	struct gt_flow *f = im->flow;
	struct gt_cache *cache;
	const char *name;
	size_t length;
	u64 address;
	s64 n;
	int ret = gt_take_cache(im, &name, &length, &cache);

	if (ret)
		return ret;
	address = gt_hex(im);
	gt_hex(im);
	n = gt_dec(im);
	if (im->bad)
		return 0;
	if (f->chain_left) {
		f->chain_left -= n < f->chain_left ? (u32)n : f->chain_left;
		gt_leave_out(im, REASON_BULK_CHAIN);
		return 0;
	}
	return gt_freed(im, address, cache);
}

int gt_bulk_freed(struct gt_import *im, u64 address, struct gt_cache *cache)
{
	struct kms_request rq = gt_request(im, REQ_FREE_BULK);
	struct kms_object_ref ref;

	if (!drop_at(im, address, &ref))
		return 0;
	rq.cache = cache->kind == GT_CACHE_USER ? cache->id : 0;
	return join_call(im, &rq, ref);
}

static int free_bulk(struct gt_import *im, u32 cache)
{
	struct kms_request rq = gt_request(im, REQ_FREE_BULK);
	struct gt_flow *f = im->flow;
	int ret = 0;

	rq.cache = im->caches[cache].kind == GT_CACHE_USER ? im->caches[cache].id : 0;
	for (u32 done = 0; done < f->nr_dying && !ret; done += rq.n) {
		rq.n = f->nr_dying - done < KMS_MAX_BULK ? f->nr_dying - done : KMS_MAX_BULK;
		rq.refs = f->dying + done;
		ret = gt_emit(im, &rq, NULL);
	}
	f->nr_dying = 0;
	return ret;
}

/* An object of a bulk free: found by address, or a block of pages. */
static bool dying_slot(struct gt_import *im, u64 address, u32 *slot)
{
	u64 pfn = address >> 12;
	struct gt_object *object;

	if (gt_address_take(im, address, slot))
		return *slot != GT_INTERNAL;
	if (pfn >= im->nr_pages || im->pages[pfn].kind != GT_PAGE_OBJECT)
		return false;
	*slot = im->pages[pfn].slot;
	object = &im->objects[*slot];
	if (!object->large || object->pfn != pfn)
		return false;
	gt_set_pages(im, pfn, object->pages,
		     (struct gt_page){ .kind = GT_PAGE_OUTCOME, .reason = REASON_LARGE_PAGE });
	return true;
}

int gt_bulk_free(struct gt_import *im)
{
	struct gt_flow *f = im->flow;
	struct kms_object_ref *dying;
	struct gt_cache *cache;
	const char *name;
	size_t length;
	u64 address;
	s64 n, i;
	u32 slot;
	int ret = gt_take_cache(im, &name, &length, &cache);

	if (ret)
		return ret;
	address = gt_hex(im);
	n = gt_dec(im);
	i = gt_dec(im);
	if (im->bad)
		return 0;
	dying = gt_grow(im, f->dying, &f->dying_capacity, f->nr_dying + 1, sizeof(*dying));
	if (!dying)
		return KMS_EFAIL;
	f->dying = dying;
	f->chain_left++;
	if (dying_slot(im, address, &slot))
		dying[f->nr_dying++] = gt_drop_object(im, slot);
	else
		gt_leave_out(im, REASON_FREE_UNKNOWN);
	return i + 1 == n ? free_bulk(im, (u32)(cache - im->caches)) : 0;
}
