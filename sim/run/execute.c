/*
 * execute.c - one request of the workload on the allocators.
 *
 * Knows what each request means; knows neither pacing nor clocks. After an
 * allocation it notes what was asked for and what was held (account.c), which
 * costs no simulated time.
 */
#include "sim/run/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The run ends after this request. */
static void KMS_PRINTF(3, 4) cannot(struct run *run, int code, const char *fmt, ...)
{
	va_list args;

	run->replay.wrong = code;
	va_start(args, fmt);
	vsnprintf(run->replay.why, sizeof(run->replay.why), fmt, args);
	va_end(args);
}

/*
 * Enter an allocation's result. Returns the object, NULL when the allocation
 * failed (memory NULL): its free will then be a no-op.
 */
static struct object *enter(struct run *run, const struct kms_request *rq, struct kms_object_ref ref,
			    void *memory, u64 requested, u32 cache)
{
	struct object *object = objects_add(&run->objects, ref);

	if (!object) {
		run->replay.out_of_memory = true;
		return NULL;
	}
	object->memory = memory;
	object->cache = cache;
	object->site = rq->site;
	object->requested = requested;
	if (memory)
		return object;
	object->state = OBJECT_FAILED;
	run->recorder.phases[run->recorder.phase].failed++;
	return NULL;
}

static void enter_pages(struct run *run, const struct kms_request *rq, struct kms_object_ref ref,
			const struct page *page, u32 order, u64 pages, u64 requested)
{
	struct object *object = enter(run, rq, ref, page ? mm_page_address(page) : NULL, requested,
				      OBJECT_PAGES);

	if (!object)
		return;
	object->order = (u8)order;
	object->pages_left = (u32)pages;
	object->held = pages * SIM_PAGE_BYTES;
	account_alloc(&run->account, object);
}

/* s: the slab cache that was asked, NULL kmalloc(). */
static void enter_object(struct run *run, const struct kms_request *rq, struct kms_object_ref ref,
			 const struct kmem_cache *s, void *memory, u32 cache)
{
	struct object *object = enter(run, rq, ref, memory, rq->size, cache);

	if (!object)
		return;
	object->slab = mm_object_is_slab(memory);
	object->held = mm_object_held_bytes(s, memory);
	if (object->requested > object->held) /* no cache of that size is left: serving_cache() */
		object->requested = object->held;
	account_alloc(&run->account, object);
	shrink_adds(run, object, ref);
}

static void do_page_alloc(struct run *run, const struct kms_request *rq)
{
	u32 nodes = mm_inspect_nodes();

	if (KMS_UNLIKELY(rq->nodemask && nodes < 64 && !(rq->nodemask & ((1ull << nodes) - 1)))) {
		cannot(run, KMS_EUSAGE, "nodemask 0x%llx, but the machine's nodes are 0 to %u",
		       (unsigned long long)rq->nodemask, nodes - 1);
		return;
	}
	struct page *page = run->mm->alloc_pages_nodemask(rq->gfp, rq->order, rq->node, rq->nodemask);

	enter_pages(run, rq, rq->refs[0], page, rq->order, 1ull << rq->order,
		   (u64)SIM_PAGE_BYTES << rq->order);
}

static void do_page_exact(struct run *run, const struct kms_request *rq)
{
	struct page *page = run->mm->alloc_pages_exact(rq->size, rq->gfp);
	u64 pages = (rq->size + SIM_PAGE_BYTES - 1) >> SIM_PAGE_SHIFT;

	enter_pages(run, rq, rq->refs[0], page, 0, pages, rq->size);
}

static void do_page_bulk(struct run *run, const struct kms_request *rq)
{
	struct page *pages[KMS_MAX_BULK];
	u32 got;

	memset(pages, 0, rq->n * sizeof(*pages));
	got = run->mm->alloc_pages_bulk(rq->gfp, rq->node, rq->n, pages);

	for (u32 i = 0; i < rq->n; i++)
		enter_pages(run, rq, rq->refs[i], i < got ? pages[i] : NULL, 0, 1, SIM_PAGE_BYTES);
}

/*
 * The object behind a reference, by value: while an allocator runs, other CPUs
 * do too, and the table's entries may move.
 */
static struct object look_up(const struct run *run, struct kms_object_ref ref)
{
	return *objects_find(&run->objects, ref);
}

static void forget(struct run *run, struct kms_object_ref ref)
{
	const struct object *object = objects_find(&run->objects, ref);

	if (object->state == OBJECT_LIVE || object->state == OBJECT_FREEING)
		account_free_object(&run->account, object);
	objects_remove(&run->objects, ref);
}

/* From here on the allocators can neither take nor move what is freed. */
static struct object begin_free(struct run *run, struct kms_object_ref ref, bool *live)
{
	struct object *object = objects_find(&run->objects, ref);

	*live = owner_begins_free(run, object);
	return *object;
}

static void do_page_free(struct run *run, const struct kms_request *rq)
{
	bool live;
	const struct object object = begin_free(run, rq->refs[0], &live);

	if (live && object.lru)
		run->mm->put_page(mm_virt_to_page(object.memory));
	else if (live)
		run->mm->free_pages(mm_virt_to_page(object.memory), object.order);
	forget(run, rq->refs[0]);
}

static void do_page_free_part(struct run *run, const struct kms_request *rq)
{
	struct object object = look_up(run, rq->refs[0]);
	struct object *entry;
	u32 pages = 1u << rq->order;

	if (object.state == OBJECT_LIVE)
		run->mm->free_pages(mm_virt_to_page((char *)object.memory + (u64)rq->part * SIM_PAGE_BYTES),
				    rq->order);
	entry = objects_find(&run->objects, rq->refs[0]);
	if (entry->state != OBJECT_LIVE || entry->pages_left <= pages) {
		forget(run, rq->refs[0]);
		return;
	}
	entry->pages_left -= pages;
	account_free_part(&run->account, entry, (u64)pages * SIM_PAGE_BYTES);
}

static void do_page_free_list(struct run *run, const struct kms_request *rq)
{
	struct page *pages[KMS_MAX_BULK];
	bool lru = false, live;
	u32 n = 0;

	if (owner_drops(run, rq))
		return;
	for (u32 i = 0; i < rq->n; i++) {
		const struct object object = begin_free(run, rq->refs[i], &live);

		if (live)
			pages[n++] = mm_virt_to_page(object.memory);
		lru |= object.lru;
	}
	if (lru)
		run->mm->release_pages(pages, n);
	else
		run->mm->free_page_list(pages, n);
	for (u32 i = 0; i < rq->n; i++)
		forget(run, rq->refs[i]);
}

static void do_page_split(struct run *run, const struct kms_request *rq)
{
	const struct object object = look_up(run, rq->refs[0]);

	if (object.state == OBJECT_LIVE)
		run->mm->split_page(mm_virt_to_page(object.memory), object.order);
}

#define GFP_DMA_BIT 0x01u
#define GFP_RECLAIMABLE_BIT 0x10u

static void do_kmalloc(struct run *run, const struct kms_request *rq)
{
	void *memory = run->slab->kmalloc(rq->size, rq->gfp, rq->node);
	u32 type = rq->gfp & GFP_DMA_BIT ? 1 : rq->gfp & GFP_RECLAIMABLE_BIT ? 2 : 0;

	enter_object(run, rq, rq->refs[0], NULL, memory, OBJECT_KMALLOC + account_kmalloc_class(rq->size, type));
}

static void do_kfree(struct run *run, const struct kms_request *rq)
{
	bool live;
	const struct object object = begin_free(run, rq->refs[0], &live);

	if (live)
		run->slab->kfree(object.memory);
	forget(run, rq->refs[0]);
}

/* Objects in a sheaf that Linux 6.18 gives this cache; 0: it has none there. */
static u32 sheaf_capacity(const char *name)
{
	return !strcmp(name, "maple_node") || !strcmp(name, "vm_area_struct") ? 32 : 0;
}

static void do_cache_create(struct run *run, const struct kms_request *rq)
{
	const struct kms_cache_def *def = &run->info->caches[rq->cache];
	struct kmem_cache_args args = {
		.name = rq->cache, .size = def->object_size, .align = def->align, .flags = def->flags,
		.useroffset = def->useroffset, .usersize = def->usersize, .ctor = def->ctor,
		.sheaf_capacity = sheaf_capacity(def->name),
	};

	if (!strcmp(def->name, "pid")) /* the first that a booting kernel makes once CPU 0 is identified */
		mm_ops_plain.cpu_online(0);
	if (rq->cache < run->held_caches)
		return; /* it is there */
	run->caches[rq->cache] = run->slab->cache_create(&args);
	if (!run->caches[rq->cache])
		cannot(run, KMS_EFAIL, "no memory is left to create the slab cache \"%s\"", def->name);
}

/*
 * The cache that a request goes to. A recording names merged caches by the
 * first of them; where they are not merged, a request for more than that one's
 * objects came from the alias with objects of just this size.
 */
static u32 serving_cache(const struct run *run, const struct kms_request *rq)
{
	if (rq->size <= mm_cache_object_size(run->caches[rq->cache]))
		return rq->cache;
	for (u32 i = 0; i < run->info->nr_caches; i++)
		if (run->caches[i] && !run->cache_gone[i] && run->info->caches[i].object_size == rq->size)
			return i;
	return rq->cache;
}

static void do_cache_alloc(struct run *run, const struct kms_request *rq)
{
	u32 cache = serving_cache(run, rq);
	struct kmem_cache *s = run->caches[cache];

	enter_object(run, rq, rq->refs[0], s, run->slab->cache_alloc(s, rq->gfp, rq->node), cache);
}

static void do_cache_free(struct run *run, const struct kms_request *rq)
{
	bool live;
	const struct object object = begin_free(run, rq->refs[0], &live);

	if (live)
		run->slab->cache_free(run->caches[object.cache], object.memory);
	forget(run, rq->refs[0]);
}

static void do_cache_bulk(struct run *run, const struct kms_request *rq)
{
	void *objects[KMS_MAX_BULK];
	u32 cache = serving_cache(run, rq);
	struct kmem_cache *s = run->caches[cache];
	int got = run->slab->cache_alloc_bulk(s, rq->gfp, rq->n, objects);

	for (u32 i = 0; i < rq->n; i++)
		enter_object(run, rq, rq->refs[i], s, (int)i < got ? objects[i] : NULL, cache);
}

static struct kmem_cache *cache_of(const struct run *run, const struct object *object)
{
	return object->cache < OBJECT_KMALLOC ? run->caches[object->cache] : NULL;
}

/* One call for each row of objects of one cache: one in all, where caches are merged as recorded. */
static void do_free_bulk(struct run *run, const struct kms_request *rq)
{
	void *objects[KMS_MAX_BULK];
	struct kmem_cache *s = NULL;
	u32 n = 0;

	for (u32 i = 0; i < rq->n; i++) {
		bool live;
		const struct object object = begin_free(run, rq->refs[i], &live);

		if (!live)
			continue;
		if (n && cache_of(run, &object) != s) {
			run->slab->free_bulk(s, n, objects);
			n = 0;
		}
		s = cache_of(run, &object);
		objects[n++] = object.memory;
	}
	if (n)
		run->slab->free_bulk(s, n, objects);
	for (u32 i = 0; i < rq->n; i++)
		forget(run, rq->refs[i]);
}

/* Boot steps are not measured: they run in the plain flavour and cost no simulated time. */
static void do_boot(struct run *run, const struct kms_request *rq)
{
	if (run->aged)
		return; /* long done */
	switch (rq->part) {
	case BOOT_SLAB_INIT:
		run->policy_plain->ops->init();
		break;
	case BOOT_PAGESETS:
		if (run->policy_plain->ops->init_late)
			run->policy_plain->ops->init_late();
		mm_ops_plain.setup_pagesets();
		run->kernel_up = true;
		break;
	case BOOT_WATERMARKS:
		mm_ops_plain.init_watermarks();
		break;
	case BOOT_CPU_ONLINE:
		if (run->policy_plain->ops->cpu_prepare)
			run->policy_plain->ops->cpu_prepare(rq->order);
		mm_ops_plain.cpu_online(rq->order);
		break;
	}
}

static void do_cache_destroy(struct run *run, const struct kms_request *rq)
{
	if (rq->cache < run->held_caches)
		return; /* it has objects that are not this workload's */
	run->slab->cache_destroy(run->caches[rq->cache]);
	run->cache_gone[rq->cache] = true;
}

static void do_cache_shrink(struct run *run, const struct kms_request *rq)
{
	run->slab->cache_shrink(run->caches[rq->cache]);
}

/* The recorded kernel's late boot memory; on another memory map there is no such thing. */
static void do_page_release(struct run *run, const struct kms_request *rq)
{
	if (run->recorded_memory && !run->aged)
		run->mm->release_reserved(rq->size, rq->order);
}

/* Pages go back as pages, objects as objects; the allocators trust their callers. */
static bool suits(const struct run *run, const struct kms_request *rq)
{
	bool pages = rq->op == REQ_PAGE_FREE || rq->op == REQ_PAGE_FREE_PART || rq->op == REQ_PAGE_FREE_LIST ||
		     rq->op == REQ_PAGE_SPLIT;

	if (!pages && rq->op != REQ_KFREE && rq->op != REQ_CACHE_FREE && rq->op != REQ_FREE_BULK)
		return true;
	for (u32 i = 0; i < rq->n; i++) {
		const struct object *object = objects_find(&run->objects, rq->refs[i]);

		if (!object || object->state != OBJECT_LIVE)
			continue;
		if ((object->cache == OBJECT_PAGES) != pages)
			return false;
		if (rq->op == REQ_PAGE_FREE_PART && object->order && /* 0: exact pages, how many is not kept */
		    rq->part + (1ull << rq->order) > 1ull << object->order)
			return false;
	}
	return true;
}

void execute(struct run *run, const struct kms_request *rq)
{
	static void (*const action[NR_REQUESTS])(struct run *, const struct kms_request *) = {
		[REQ_PAGE_ALLOC] = do_page_alloc,
		[REQ_PAGE_FREE] = do_page_free,
		[REQ_PAGE_FREE_PART] = do_page_free_part,
		[REQ_PAGE_ALLOC_BULK] = do_page_bulk,
		[REQ_PAGE_FREE_LIST] = do_page_free_list,
		[REQ_PAGE_ALLOC_EXACT] = do_page_exact,
		[REQ_PAGE_SPLIT] = do_page_split,
		[REQ_PAGE_RELEASE] = do_page_release,
		[REQ_KMALLOC] = do_kmalloc,
		[REQ_KFREE] = do_kfree,
		[REQ_CACHE_CREATE] = do_cache_create,
		[REQ_CACHE_DESTROY] = do_cache_destroy,
		[REQ_CACHE_SHRINK] = do_cache_shrink,
		[REQ_CACHE_ALLOC] = do_cache_alloc,
		[REQ_CACHE_FREE] = do_cache_free,
		[REQ_CACHE_ALLOC_BULK] = do_cache_bulk,
		[REQ_FREE_BULK] = do_free_bulk,
		[REQ_BOOT] = do_boot,
	};

	if (!suits(run, rq)) {
		cannot(run, KMS_EUSAGE, "request %llu of the trace, %s, does not suit what was allocated: another kind of "
		       "memory, or pages that it does not have", (unsigned long long)rq->seq, kms_request_names[rq->op]);
		return;
	}
	if (action[rq->op])
		action[rq->op](run, rq);
}
