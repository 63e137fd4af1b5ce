/*
 * noslab.c - the policy without slab caches: every object is whole pages.
 *
 * What slab caches exist to avoid, made measurable: kmalloc() and
 * kmem_cache_alloc() round up to 2^order pages, as kmalloc does for large
 * sizes in every kernel. A "slab cache" is only a descriptor, which takes a
 * page itself.
 *
 * Uses struct kmem_cache with SLAB_WHOLE_PAGES set; cpu_slab->tid counts each
 * CPU's allocations minus frees, so that inspect_slab.c can report live objects.
 */
#include "models/mm/slab_common.h"

static void noslab_init(void)
{
	kdata->slab_policy = SLAB_POLICY_NOSLAB;
	INIT_LIST_HEAD(&kdata->slab_caches);
	kdata->slab_state = SLAB_UP;
}

/* ---- kmalloc ---- */

static void *noslab_kmalloc(size_t size, u32 gfp, int node)
{
	return unlikely(!size) ? ZERO_SIZE_PTR : kmalloc_large_node(size, gfp, node);
}

static void noslab_kfree(const void *object)
{
	if (likely(!zero_or_null(object)))
		free_large_kmalloc(virt_to_head_page(object), (void *)object);
}

static size_t noslab_ksize(const void *object)
{
	if (zero_or_null(object))
		return 0;
	return PAGE_SIZE << compound_order(virt_to_head_page(object));
}

static void *noslab_krealloc(const void *object, size_t size, u32 gfp)
{
	return krealloc_by(object, size, gfp, noslab_ksize(object), kmalloc_large_node, noslab_kfree);
}

/* ---- "slab caches" ---- */

static struct kmem_cache *describe(struct kmem_cache *s, const struct kmem_cache_args *args)
{
	u32 order = (u32)get_order(max(args->size, 1u));

	kmem_cache_describe(s, args);
	s->flags = args->flags | SLAB_WHOLE_PAGES;
	s->size = (u32)(PAGE_SIZE << order);
	s->inuse = s->size;
	s->oo = order << 16 | 1;
	s->min = s->oo;
	if (args->flags & SLAB_CACHE_DMA)
		s->allocflags |= __GFP_DMA;
	if (args->flags & SLAB_CACHE_DMA32)
		s->allocflags |= __GFP_DMA32;
	if (args->flags & SLAB_RECLAIM_ACCOUNT)
		s->allocflags |= __GFP_RECLAIMABLE;
	s->cpu_slab = __alloc_percpu(sizeof(struct kmem_cache_cpu), 2 * sizeof(void *));
	return s->cpu_slab ? s : NULL;
}

static struct kmem_cache *noslab_cache_create(const struct kmem_cache_args *args)
{
	struct page *page;
	struct kmem_cache *s;

	if (get_order(args->size) >= MAX_ORDER)
		return NULL;
	page = alloc_pages_node(GFP_KERNEL | __GFP_ZERO, 0, NUMA_NO_NODE);
	if (!page)
		return NULL;
	s = describe(page_address(page), args);
	if (!s) {
		__free_pages(page, 0);
		return NULL;
	}
	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	list_add(&s->list, &kdata->slab_caches);
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	trace1(kmem_cache_create, false);
	return s;
}

/* The caller has freed all objects. */
static void noslab_cache_destroy(struct kmem_cache *s)
{
	trace0(kmem_cache_destroy);
	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	list_del(&s->list);
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	free_percpu(s->cpu_slab, sizeof(struct kmem_cache_cpu));
	__free_pages(virt_to_page(s), 0);
}

static void noslab_cache_shrink(struct kmem_cache *s)
{
	(void)s;
}

static void *noslab_cache_alloc(struct kmem_cache *s, u32 gfp, int node)
{
	void *object = kmalloc_large_node(s->object_size, gfp | s->allocflags, node);

	if (likely(object))
		this_cpu_ptr(s->cpu_slab)->tid++;
	return object;
}

static void noslab_cache_free(struct kmem_cache *s, void *object)
{
	free_large_kmalloc(virt_to_head_page(object), object);
	this_cpu_ptr(s->cpu_slab)->tid--;
}

static void noslab_free_bulk(struct kmem_cache *s, size_t n, void **objects)
{
	for (size_t i = n; i > 0; i--) {
		if (s)
			noslab_cache_free(s, objects[i - 1]);
		else
			noslab_kfree(objects[i - 1]);
	}
	trace1(slab_bulk_free, n);
}

static int noslab_cache_alloc_bulk(struct kmem_cache *s, u32 gfp, size_t n, void **objects)
{
	for (size_t i = 0; i < n; i++) {
		objects[i] = noslab_cache_alloc(s, gfp, NUMA_NO_NODE);
		if (unlikely(!objects[i])) {
			noslab_free_bulk(s, i, objects);
			return 0;
		}
	}
	trace1(slab_bulk_alloc, n);
	return (int)n;
}

const struct slab_ops noslab_ops = {
	.init = noslab_init,
	.kmalloc = noslab_kmalloc,
	.kfree = noslab_kfree,
	.ksize = noslab_ksize,
	.krealloc = noslab_krealloc,
	.cache_create = noslab_cache_create,
	.cache_destroy = noslab_cache_destroy,
	.cache_shrink = noslab_cache_shrink,
	.cache_alloc = noslab_cache_alloc,
	.cache_free = noslab_cache_free,
	.cache_alloc_bulk = noslab_cache_alloc_bulk,
	.free_bulk = noslab_free_bulk,
};

const struct slab_policy noslab_policy = {
	.name = "noslab",
	.summary = "no slab caches: every object is rounded up to whole pages",
	.source = "none: a thought experiment; pages as kmalloc() takes them for large sizes",
	.ops = &noslab_ops,
};
