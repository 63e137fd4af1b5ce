/*
 * slab.c - SLAB: allocating and freeing objects.
 *
 * An allocation pops the CPU's array, a free pushes to it. An empty array is
 * refilled from the node's shared array, from slabs with free objects or from
 * a new slab; from an array that is full the oldest objects go to the shared
 * array or back to their slabs.
 *
 * Behaviour: Linux 6.1 (____cache_alloc, cache_alloc_refill, cache_flusharray,
 * ___cache_free). Interrupts are off throughout, except while pages are asked
 * for; other CPUs only meet at the node's list_lock.
 */
#include "models/mm/slab.h"

/* ---- allocation ---- */

/* Move up to *batch objects of a slab to the array; *batch counts down. */
static void take_from_slab(struct slab_cache *s, struct array_cache *ac, struct page *slab, s32 *batch)
{
	u32 first = READ_ONCE(slab->active), active = first;
	u32 num = READ_ONCE(s->num);

	while (active < num && *batch > 0) {
		u32 avail = READ_ONCE(ac->avail);
		void *object = slab_get_object(s, slab);

		WRITE_ONCE(ac->entry[avail], object);
		WRITE_ONCE(ac->avail, avail + 1);
		active++;
		--*batch;
	}
	trace3(ac_block, active - first, active, page_to_pfn(slab));
	trace_step(l_block, (u64)s, page_to_pfn(slab), active, ac->avail);
}

/* From the node's shared array, or else from its slabs: partial ones first. */
static void refill_from_node(struct slab_cache *s, struct slab_node *n, struct array_cache *ac, s32 batch)
{
	struct array_cache *shared;
	u32 got;

	spin_lock(&n->list_lock, LOCK_SLAB_NODE);
	shared = READ_ONCE(n->shared);
	got = shared ? slab_transfer(ac, shared, (u32)batch) : 0;
	if (got) {
		shared->touched = 1;
		trace1(ac_refill_shared, got);
	} else {
		trace0(ac_refill_node);
		while (batch > 0) {
			struct page *slab = slab_first(n);

			if (!slab)
				break;
			take_from_slab(s, ac, slab, &batch);
			slab_fixup_lists(s, n, slab);
		}
		got = READ_ONCE(ac->avail);
		n->free_objects -= got;
	}
	spin_unlock(&n->list_lock, LOCK_SLAB_NODE);
}

/* Is there a free object on the node? A look without the lock. */
static bool node_has_objects(struct slab_node *n)
{
	struct array_cache *shared = READ_ONCE(n->shared);

	return READ_ONCE(n->free_objects) || (shared && READ_ONCE(shared->avail));
}

static void *pop(struct array_cache *ac)
{
	u32 avail = READ_ONCE(ac->avail) - 1;

	WRITE_ONCE(ac->touched, 1);
	WRITE_ONCE(ac->avail, avail);
	return READ_ONCE(ac->entry[avail]);
}

/* Fill the CPU's empty array and take one object; NULL when the node has no memory. */
static void *refill(struct slab_cache *s, gfp_t gfp)
{
	struct array_cache *ac = this_cpu_ptr(READ_ONCE(s->cpu_cache));
	int nid = (int)numa_node_id();
	struct slab_node *n = READ_ONCE(s->node[nid]);
	s32 batch = (s32)READ_ONCE(ac->batchcount);

	trace0(ac_refill);
	if (!READ_ONCE(ac->touched) && batch > REFILL_UNTOUCHED)
		batch = REFILL_UNTOUCHED;
	trace_step(l_refill, (u64)s, (u64)(s64)batch, n->free_objects, ac->touched, (u64)nid);
	if (node_has_objects(n))
		refill_from_node(s, n, ac, batch);
	if (!READ_ONCE(ac->avail)) {
		struct page *slab = slab_grow_begin(s, slab_exact_node(gfp), nid);

		if (slab) {
			take_from_slab(s, ac, slab, &batch);
			slab_grow_end(s, slab);
		}
		if (!READ_ONCE(ac->avail))
			return NULL;
	}
	return pop(ac);
}

static void *alloc_local(struct slab_cache *s, gfp_t gfp)
{
	struct array_cache *ac = this_cpu_ptr(READ_ONCE(s->cpu_cache));

	trace0(ac_alloc);
	return likely(READ_ONCE(ac->avail)) ? pop(ac) : refill(s, gfp);
}

/* Interrupts are off. */
static void *alloc_one(struct slab_cache *s, gfp_t gfp, int node)
{
	int local = (int)numa_node_id();
	void *object = NULL;

	if (node == NUMA_NO_NODE)
		node = local;
	else if (node != local && !READ_ONCE(s->node[node]))
		return slab_alloc_anywhere(s, gfp);
	if (node == local)
		object = alloc_local(s, gfp);
	return likely(object) ? object : slab_alloc_from_node(s, gfp, node);
}

static void zero_object(struct slab_cache *s, gfp_t gfp, void *object)
{
	if (unlikely(gfp & __GFP_ZERO) && object) {
		u32 bytes = READ_ONCE(s->object_size);

		trace1(slab_zero, bytes);
		memset(object, 0, bytes);
	}
}

/* One object of the cache; node NUMA_NO_NODE: this CPU's. NULL when memory is out. */
void *slab_alloc_node(struct slab_cache *s, gfp_t gfp, int node)
{
	void *object;

	gfp &= READ_ONCE(kdata->gfp_allowed_mask);
	local_irq_save();
	object = alloc_one(s, gfp, node);
	trace_step(l_alloc, (u64)s, (u64)object, (u64)(s64)node);
	local_irq_restore();
	zero_object(s, gfp, object);
	return object;
}

/* ---- freeing ---- */

/* The array is full: its oldest objects go to the node. */
static void flush(struct slab_cache *s, struct array_cache *ac)
{
	int nid = (int)numa_node_id();
	struct slab_node *n = READ_ONCE(s->node[nid]);
	u32 batch = READ_ONCE(ac->batchcount), room = 0, used = 0;
	struct page *empty = NULL;
	struct array_cache *shared;

	spin_lock(&n->list_lock, LOCK_SLAB_NODE);
	shared = READ_ONCE(n->shared);
	if (shared) {
		used = READ_ONCE(shared->avail);
		room = READ_ONCE(shared->limit) - used;
	}
	trace_step(l_flush, (u64)s, batch, shared ? used : ~0u, (u64)nid);
	if (room) {
		batch = min(batch, room);
		memcpy(&shared->entry[used], ac->entry, batch * sizeof(void *));
		WRITE_ONCE(shared->avail, used + batch);
		trace1(ac_flush_shared, batch);
	} else {
		empty = slab_free_block(s, n, ac->entry, batch, nid);
	}
	spin_unlock(&n->list_lock, LOCK_SLAB_NODE);
	slab_drop_oldest(ac, batch);
	trace2(ac_flush, READ_ONCE(ac->avail), batch);
	slab_destroy_chain(s, empty);
}

/* Free one object; interrupts are off. */
void slab_free_object(struct slab_cache *s, void *object)
{
	struct array_cache *ac = this_cpu_ptr(READ_ONCE(s->cpu_cache));
	u32 avail;

	trace0(ac_free);
	trace_step(l_free, (u64)s, (u64)object, ac->avail);
	if (READ_ONCE(kdata->nr_online_nodes) > 1) {
		int nid = (int)page_to_nid(virt_to_head_page(object));

		if (nid != (int)numa_node_id()) {
			slab_free_alien(s, object, nid);
			return;
		}
	}
	avail = READ_ONCE(ac->avail);
	if (unlikely(avail >= READ_ONCE(ac->limit))) {
		flush(s, ac);
		avail = READ_ONCE(ac->avail);
	}
	WRITE_ONCE(ac->avail, avail + 1);
	WRITE_ONCE(ac->entry[avail], object);
}

/* ---- requests ---- */

void *slab_kmalloc(size_t size, u32 gfp, int node)
{
	struct kmem_cache *s;
	u32 index;

	if (unlikely(size > KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_large_node(size, gfp, node);
	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	index = kmalloc_index(size);
	trace2(ac_kmalloc, size <= 192, index);
	s = READ_ONCE(kdata->kmalloc_caches[kmalloc_type(gfp)][index]);
	return slab_alloc_node(to_slab_cache(s), gfp, node);
}

void slab_kfree(const void *object)
{
	struct page *slab = kfree_slab(object);

	if (unlikely(!slab))
		return;
	trace0(ac_kfree);
	local_irq_save();
	slab_free_object(slab_owner(slab), (void *)object);
	local_irq_restore();
}

/* Bytes that the owner of an object may use: never more than the cache's objects were made for. */
size_t slab_ksize(const void *object)
{
	struct page *slab;

	if (zero_or_null(object))
		return 0;
	slab = virt_to_head_page(object);
	if (!page_is_slab(slab))
		return PAGE_SIZE << compound_order(slab);
	return READ_ONCE(slab_owner(slab)->object_size);
}

static void *slab_krealloc(const void *object, size_t size, u32 gfp)
{
	return krealloc_by(object, size, gfp, slab_ksize(object), slab_kmalloc, slab_kfree);
}

void *slab_cache_alloc(struct kmem_cache *s, u32 gfp, int node)
{
	return slab_alloc_node(to_slab_cache(s), gfp, node);
}

void slab_cache_free(struct kmem_cache *s, void *object)
{
	local_irq_save();
	slab_free_object(to_slab_cache(s), object);
	local_irq_restore();
}

/* n objects one after the other, or none: returns n or 0. */
int slab_alloc_bulk(struct kmem_cache *cache, u32 gfp, size_t n, void **objects)
{
	struct slab_cache *s = to_slab_cache(cache);
	size_t got;

	gfp &= READ_ONCE(kdata->gfp_allowed_mask);
	local_irq_save();
	for (got = 0; got < n; got++) {
		objects[got] = alloc_one(s, gfp, NUMA_NO_NODE);
		trace_step(l_alloc, (u64)s, (u64)objects[got], (u64)NUMA_NO_NODE);
		if (unlikely(!objects[got]))
			break;
	}
	local_irq_restore();
	trace1(slab_bulk_alloc, got);
	if (unlikely(got < n)) {
		slab_free_bulk(cache, got, objects);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		zero_object(s, gfp, objects[i]);
	return (int)n;
}

/* cache NULL: kmalloc objects of any cache. */
void slab_free_bulk(struct kmem_cache *cache, size_t n, void **objects)
{
	local_irq_save();
	for (size_t i = 0; i < n; i++) {
		struct slab_cache *s = to_slab_cache(cache);

		if (!s) {
			struct page *slab = virt_to_head_page(objects[i]);

			if (unlikely(!page_is_slab(slab))) {
				local_irq_restore();
				free_large_kmalloc(slab, objects[i]);
				local_irq_save();
				continue;
			}
			s = slab_owner(slab);
		}
		slab_free_object(s, objects[i]);
	}
	local_irq_restore();
	trace1(slab_bulk_free, n);
}

/* ---- the policy ---- */

static const struct slab_ops slab_ops = {
	.init = slab_init,
	.kmalloc = slab_kmalloc,
	.kfree = slab_kfree,
	.ksize = slab_ksize,
	.krealloc = slab_krealloc,
	.cache_create = slab_cache_create,
	.cache_destroy = slab_cache_destroy,
	.cache_shrink = slab_cache_shrink,
	.cache_alloc = slab_cache_alloc,
	.cache_free = slab_cache_free,
	.cache_alloc_bulk = slab_alloc_bulk,
	.free_bulk = slab_free_bulk,
	.init_late = slab_init_late,
	.cpu_prepare = slab_cpu_prepare,
	.periodic = slab_reap,
	.periodic_ns = 2000000000,
};

const struct slab_policy slab_policy = {
	.name = "slab",
	.summary = "SLAB: arrays of free objects per CPU, node and remote node; three slab lists per node",
	.source = "Linux 6.1 (mm/slab.c), without debugging and freelist randomisation",
	.ops = &slab_ops,
	SLAB_PARAMS(slab_max_order, slab_nomerge),
	.percpu_bytes = slab_percpu_bytes,
};
