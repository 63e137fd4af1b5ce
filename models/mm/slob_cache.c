/*
 * slob_cache.c - SLOB: kmalloc() and slab caches on top of slob.c.
 *
 * kmalloc() puts the size in front of the object, in 8 bytes that are not part
 * of its alignment; from a page less 8 bytes on it takes whole pages. A slab
 * cache is nothing but a size and an alignment: no slabs, no merging, no
 * per-CPU lists, and objects of a page or more are page blocks.
 *
 * Differences from the kernel: typesafe-by-RCU objects are given back at once,
 * where the kernel waits for a grace period; constructors, which the kernel
 * runs at every allocation, are ids and do nothing.
 */
#include "models/mm/slob.h"

#define KMALLOC_HEADER ARCH_KMALLOC_MINALIGN

static void slob_init(void)
{
	struct slob_cache *boot = &kdata->slob_boot_cache;

	kdata->slab_policy = SLAB_POLICY_SLOB;
	for (u32 i = 0; i < NR_SLOB_LISTS; i++)
		INIT_LIST_HEAD(&kdata->free_slob[i]);
	INIT_LIST_HEAD(&kdata->slab_caches);
	boot->name = BOOT_NAME | BOOT_NAME_KMEM_CACHE;
	boot->size = sizeof(struct slob_cache);
	boot->object_size = boot->size;
	boot->align = ARCH_KMALLOC_MINALIGN;
	boot->refcount = 1;
	kdata->kmem_cache = (struct kmem_cache *)boot;
	kdata->slab_state = SLAB_UP;
}

/* ---- kmalloc ---- */

/* The pointer that is returned is aligned to a power-of-two size, not the header before it. */
static void *slob_kmalloc(size_t size, u32 gfp, int node)
{
	u32 align = ARCH_KMALLOC_MINALIGN;
	u32 *header;

	if (unlikely(size >= PAGE_SIZE - KMALLOC_HEADER)) {
		trace1(slob_large, true);
		return kmalloc_large_node(size, gfp, node);
	}
	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (!(size & (size - 1)))
		align = max(align, (u32)size);
	header = slob_alloc(size + KMALLOC_HEADER, gfp, align, node, KMALLOC_HEADER);
	if (unlikely(!header))
		return NULL;
	WRITE_ONCE(*header, (u32)size);
	trace1(slob_kmalloc, size);
	trace_step(o_kmalloc, (u64)header + KMALLOC_HEADER, size, (u64)(s64)node);
	return (u8 *)header + KMALLOC_HEADER;
}

static void slob_kfree(const void *object)
{
	u32 *header = (u32 *)((u64)object - KMALLOC_HEADER);
	struct page *head;

	if (unlikely(zero_or_null(object)))
		return;
	trace_step(o_kfree, (u64)object);
	head = virt_to_head_page(object);
	if (unlikely(!page_is_slab(head))) {
		trace1(slob_large, false);
		free_large_kmalloc(head, (void *)object);
		return;
	}
	trace0(slob_kfree);
	slob_free(header, (u64)READ_ONCE(*header) + KMALLOC_HEADER);
}

/* Usable bytes: what was asked for, in whole units. */
static size_t slob_ksize(const void *object)
{
	struct page *head;

	if (zero_or_null(object))
		return 0;
	head = virt_to_head_page(object);
	if (!page_is_slab(head))
		return PAGE_SIZE << compound_order(head);
	return (u64)slob_units(READ_ONCE(*(u32 *)((u64)object - KMALLOC_HEADER))) * SLOB_UNIT;
}

static void *slob_krealloc(const void *object, size_t size, u32 gfp)
{
	return krealloc_by(object, size, gfp, slob_ksize(object), slob_kmalloc, slob_kfree);
}

/* ---- objects of slab caches ---- */

/* Objects of a page or more are blocks of pages, not compound. */
static void *alloc_block(u32 size, gfp_t gfp, int node)
{
	u32 order = (u32)get_order(size);
	struct page *page = alloc_pages_node(gfp, order, node);

	if (!page)
		return NULL;
	account_slab_pages(page, (s64)(PAGE_SIZE << order), false);
	trace3(kmalloc_large, order, size, true);
	return page_address(page);
}

static void free_block(void *object, u32 size)
{
	struct page *page = virt_to_page(object);
	u32 order = (u32)get_order(size);

	account_slab_pages(page, -(s64)(PAGE_SIZE << order), false);
	trace3(kmalloc_large, order, size, false);
	__free_pages(page, order);
}

static void *slob_cache_alloc(struct kmem_cache *cache, u32 gfp, int node)
{
	struct slob_cache *s = (struct slob_cache *)cache;
	u32 size = READ_ONCE(s->size);
	void *object;

	if (size >= PAGE_SIZE)
		object = alloc_block(size, gfp, node);
	else
		object = slob_alloc(size, gfp, READ_ONCE(s->align), node, 0);
	trace_step(o_cache_alloc, (u64)object, (u64)s, (u64)(s64)node, size);
	return object;
}

static void give_back(void *object, u32 size)
{
	if (size < PAGE_SIZE)
		slob_free(object, size);
	else
		free_block(object, size);
}

static void slob_cache_free(struct kmem_cache *cache, void *object)
{
	struct slob_cache *s = (struct slob_cache *)cache;
	u32 size = READ_ONCE(s->size);

	trace_step(o_cache_free, (u64)object, (u64)s, size);
	if (unlikely(READ_ONCE(s->flags) & SLAB_TYPESAFE_BY_RCU)) {
		struct slob_rcu *footer = (struct slob_rcu *)((u64)object + size) - 1;

		WRITE_ONCE(footer->size, size);
		WRITE_ONCE(footer->func, 0);
		WRITE_ONCE(footer->next, 0);
		size = READ_ONCE(footer->size);
		if (stepping()) /* a recording shows when the grace period is over */
			return;
	}
	give_back(object, size);
}

/* s NULL: kfree_bulk() */
static void slob_free_bulk(struct kmem_cache *s, size_t n, void **objects)
{
	for (size_t i = 0; i < n; i++) {
		if (s)
			slob_cache_free(s, objects[i]);
		else
			slob_kfree(objects[i]);
	}
}

static int slob_cache_alloc_bulk(struct kmem_cache *s, u32 gfp, size_t n, void **objects)
{
	for (size_t i = 0; i < n; i++) {
		objects[i] = slob_cache_alloc(s, gfp, NUMA_NO_NODE);
		if (unlikely(!objects[i])) {
			slob_free_bulk(s, i, objects);
			return 0;
		}
	}
	return (int)n;
}

/* ---- slab caches ---- */

static void describe(struct slob_cache *s, const struct kmem_cache_args *args)
{
	u32 size = args->size;

	if (args->flags & SLAB_TYPESAFE_BY_RCU)
		size += sizeof(struct slob_rcu);
	s->name = args->name;
	s->object_size = args->size;
	s->size = (u32)slob_units(size) * SLOB_UNIT;
	s->align = calculate_alignment(args->flags, args->align, args->size);
	s->flags = args->flags;
	s->useroffset = args->useroffset;
	s->usersize = args->usersize;
	s->ctor = args->ctor;
	s->refcount = 1;
}

/* NULL when memory is out, or no page block could hold an object. */
static struct kmem_cache *slob_cache_create(const struct kmem_cache_args *args)
{
	struct slob_cache *s;

	if (get_order((u64)args->size + sizeof(struct slob_rcu)) >= MAX_ORDER)
		return NULL;
	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	s = slob_cache_alloc(kdata->kmem_cache, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE);
	if (s) {
		describe(s, args);
		list_add(&s->list, &kdata->slab_caches);
		trace_step(cache_new, (u64)s);
	}
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	trace1(kmem_cache_create, false);
	return (struct kmem_cache *)s;
}

/* The caller has freed all objects. */
static void slob_cache_destroy(struct kmem_cache *cache)
{
	struct slob_cache *s = (struct slob_cache *)cache;

	trace0(kmem_cache_destroy);
	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	list_del(&s->list);
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	slob_cache_free(kdata->kmem_cache, s);
}

/* There is nothing to shrink: an empty page is never kept. */
static void slob_cache_shrink(struct kmem_cache *s)
{
	(void)s;
}

static const struct slab_ops slob_ops = {
	.init = slob_init,
	.kmalloc = slob_kmalloc,
	.kfree = slob_kfree,
	.ksize = slob_ksize,
	.krealloc = slob_krealloc,
	.cache_create = slob_cache_create,
	.cache_destroy = slob_cache_destroy,
	.cache_shrink = slob_cache_shrink,
	.cache_alloc = slob_cache_alloc,
	.cache_free = slob_cache_free,
	.cache_alloc_bulk = slob_cache_alloc_bulk,
	.free_bulk = slob_free_bulk,
};

const struct slab_policy slob_policy = {
	.name = "slob",
	.summary = "SLOB: first fit in shared pages, one global lock, no per-CPU lists",
	.source = "Linux 6.1 (mm/slob.c, removed in 6.4)",
	.ops = &slob_ops,
	SLAB_PARAMS(slob_break1, slob_break2),
};
