/*
 * sheaves.c - SLUB with sheaves: allocation and free of objects.
 *
 * The fast paths need no atomic operation: the CPU's own lock is a plain word.
 * Whenever sheaves cannot serve a request (another node's memory is wanted,
 * the CPU's lock is held, the caller must not sleep and the barn is empty) it
 * goes to SLUB as it would without them, and so do slab caches without sheaves.
 *
 * Behaviour: Linux 6.18 (slub.md 12). Nothing interrupts an operation here, so
 * that a CPU finds its lock held only when it is inside such an operation
 * already; what 6.18 does then is done all the same.
 */
#include "models/mm/sheaves.h"

/* ---- the main sheaf is empty ---- */

/* A full sheaf from slabs: the empty one given, or a new one. NULL: memory is out. */
static struct slab_sheaf *make_full_sheaf(struct kmem_cache *s, struct slab_sheaf *empty, gfp_t gfp)
{
	u32 capacity = READ_ONCE(s->sheaf_capacity);

	gfp |= __GFP_NOMEMALLOC | __GFP_NOWARN;
	if (!empty)
		empty = alloc_empty_sheaf(s, gfp, capacity);
	if (unlikely(!empty))
		return NULL;
	if (likely(refill_sheaf(s, empty, capacity, gfp)))
		return empty;
	free_empty_sheaf(empty); /* memory is short: no sheaf is kept for nothing */
	return NULL;
}

/*
 * The CPU was unlocked while a full sheaf was made: put it where there is
 * place for it now. pre: pcs is locked.
 */
static void install_full_sheaf(struct slub_percpu_sheaves *pcs, struct slab_sheaf *full,
			       struct node_barn *barn)
{
	struct slab_sheaf *main_sheaf = READ_ONCE(pcs->main), *spare = READ_ONCE(pcs->spare);

	if (likely(!READ_ONCE(main_sheaf->size))) {
		barn_put_empty(barn, main_sheaf);
		WRITE_ONCE(pcs->main, full);
	} else if (!spare) {
		WRITE_ONCE(pcs->spare, full);
	} else if (!READ_ONCE(spare->size)) {
		barn_put_empty(barn, spare);
		WRITE_ONCE(pcs->spare, full);
	} else {
		barn_put_full(barn, full);
	}
}

/* Refill from slabs: takes the CPU's lock off meanwhile. False: unlocked, without an object. */
static bool refill_from_slabs(struct kmem_cache *s, struct slub_percpu_sheaves *pcs,
			      struct node_barn *barn, gfp_t gfp)
{
	struct slab_sheaf *empty = READ_ONCE(pcs->spare), *full;

	if (empty)
		WRITE_ONCE(pcs->spare, NULL);
	else
		empty = barn_get_empty(barn);
	pcs_unlock(pcs);
	full = make_full_sheaf(s, empty, gfp);
	if (unlikely(!full))
		return false;
	if (unlikely(!pcs_trylock(pcs))) {
		barn_put_full(barn, full);
		return false;
	}
	install_full_sheaf(pcs, full, barn);
	return true;
}

/* Put another sheaf in place of the exhausted one. False: unlocked, and slabs have to serve. */
static bool replace_empty_main(struct kmem_cache *s, struct slub_percpu_sheaves *pcs, gfp_t gfp)
{
	struct slab_sheaf *spare = READ_ONCE(pcs->spare), *full;
	struct node_barn *barn;

	if (spare && READ_ONCE(spare->size)) {
		swap_sheaves(pcs);
		return true;
	}
	barn = local_barn(s);
	full = barn ? barn_replace_empty(barn, READ_ONCE(pcs->main)) : NULL;
	if (full) {
		WRITE_ONCE(pcs->main, full);
		return true;
	}
	if (barn && (gfp & __GFP_DIRECT_RECLAIM))
		return refill_from_slabs(s, pcs, barn, gfp);
	pcs_unlock(pcs);
	return false;
}

/* ---- the main sheaf is full ---- */

/* Objects of the main sheaf go back to slabs, the last 32 at a time. False: the CPU is locked. */
bool flush_main_sheaf(struct kmem_cache *s)
{
	struct slub_percpu_sheaves *pcs = this_cpu_sheaves(s);
	void *objects[PCS_BATCH_MAX];
	u32 left;

	do {
		struct slab_sheaf *main_sheaf;
		u32 batch;

		if (!pcs_trylock(pcs))
			return false;
		main_sheaf = READ_ONCE(pcs->main);
		left = READ_ONCE(main_sheaf->size);
		batch = min(left, PCS_BATCH_MAX);
		left -= batch;
		WRITE_ONCE(main_sheaf->size, left);
		memcpy(objects, &main_sheaf->objects[left], batch * sizeof(void *));
		pcs_unlock(pcs);
		if (batch) {
			slub_free_bulk(s, batch, objects);
			trace1(sheaf_flush, batch);
		}
	} while (left);
	return true;
}

/* An empty sheaf has been got while the CPU was unlocked. pre: pcs is locked. */
static void install_empty_sheaf(struct kmem_cache *s, struct slub_percpu_sheaves *pcs,
				struct slab_sheaf *empty, struct node_barn *barn)
{
	u32 capacity = READ_ONCE(s->sheaf_capacity);
	struct slab_sheaf *main_sheaf = READ_ONCE(pcs->main), *spare = READ_ONCE(pcs->spare);

	if (likely(!spare)) {
		WRITE_ONCE(pcs->spare, main_sheaf);
		WRITE_ONCE(pcs->main, empty);
	} else if (READ_ONCE(main_sheaf->size) < capacity) {
		barn_put_empty(barn, empty);
	} else if (READ_ONCE(spare->size) < capacity) {
		swap_sheaves(pcs);
		barn_put_empty(barn, empty);
	} else {
		barn_put_full(barn, main_sheaf);
		WRITE_ONCE(pcs->main, empty);
	}
}

/* The barn is full of full sheaves: empty the spare one and use it. Unlocks. */
static struct slab_sheaf *flush_spare(struct kmem_cache *s, struct slub_percpu_sheaves *pcs)
{
	struct slab_sheaf *spare = READ_ONCE(pcs->spare);

	trace0(sheaf_barn_put_fail);
	WRITE_ONCE(pcs->spare, NULL);
	pcs_unlock(pcs);
	flush_sheaf(s, spare);
	return spare;
}

/* Make room by another sheaf or by flushing. False: unlocked, and slabs have to take the object. */
static bool replace_full_main(struct kmem_cache *s, struct slub_percpu_sheaves *pcs)
{
	struct node_barn *barn = local_barn(s);
	struct slab_sheaf *spare, *empty;
	bool too_many = false;

	if (unlikely(!barn)) {
		pcs_unlock(pcs);
		return false;
	}
	spare = READ_ONCE(pcs->spare);
	if (spare && READ_ONCE(spare->size) < READ_ONCE(s->sheaf_capacity)) {
		swap_sheaves(pcs);
		return true;
	}
	if (spare)
		empty = barn_replace_full(barn, READ_ONCE(pcs->main), &too_many);
	else
		empty = barn_get_empty(barn);
	if (empty) {
		if (!spare)
			WRITE_ONCE(pcs->spare, READ_ONCE(pcs->main));
		WRITE_ONCE(pcs->main, empty);
		return true;
	}
	if (too_many) {
		empty = flush_spare(s, pcs);
	} else {
		pcs_unlock(pcs);
		empty = alloc_empty_sheaf(s, GFP_NOWAIT, READ_ONCE(s->sheaf_capacity));
	}
	if (unlikely(!empty)) {
		if (spare)
			trace0(sheaf_barn_put_fail);
		return flush_main_sheaf(s) && pcs_trylock(pcs);
	}
	if (unlikely(!pcs_trylock(pcs))) {
		barn_put_empty(barn, empty);
		return false;
	}
	install_empty_sheaf(s, pcs, empty, barn);
	return true;
}

/* ---- one object ---- */

/* NULL: the sheaves have none to offer for this request. */
static void *alloc_from_pcs(struct kmem_cache *s, gfp_t gfp, int node)
{
	struct slub_percpu_sheaves *pcs = this_cpu_sheaves(s);
	struct slab_sheaf *main_sheaf;
	void *object;
	u32 size;

	if (unlikely(node != NUMA_NO_NODE && node != numa_mem_id()))
		return NULL;
	if (unlikely(!pcs_trylock(pcs)))
		return NULL;
	main_sheaf = READ_ONCE(pcs->main);
	size = READ_ONCE(main_sheaf->size);
	if (unlikely(!size)) {
		if (!replace_empty_main(s, pcs, gfp))
			return NULL;
		main_sheaf = READ_ONCE(pcs->main);
		size = READ_ONCE(main_sheaf->size);
	}
	object = READ_ONCE(main_sheaf->objects[size - 1]);
	/* it was put into the sheaf for any node, and may come from a remote one */
	if (unlikely(node != NUMA_NO_NODE) && (int)page_to_nid(virt_to_head_page(object)) != node) {
		pcs_unlock(pcs);
		return NULL;
	}
	WRITE_ONCE(main_sheaf->size, size - 1);
	pcs_unlock(pcs);
	trace0(sheaf_alloc);
	return object;
}

static void *sheaves_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	void *object;

	if (!has_sheaves(s))
		return slub_alloc_node(s, gfp, node);
	object = alloc_from_pcs(s, gfp & READ_ONCE(kdata->gfp_allowed_mask), node);
	if (unlikely(!object))
		return slub_alloc_node(s, gfp, node);
	slub_zero_object(s, gfp, object);
	return object;
}

/* False: the object must go to its slab. */
static bool free_to_pcs(struct kmem_cache *s, void *object)
{
	struct slub_percpu_sheaves *pcs = this_cpu_sheaves(s);
	struct slab_sheaf *main_sheaf;
	u32 size;

	if (unlikely(!pcs_trylock(pcs)))
		return false;
	main_sheaf = READ_ONCE(pcs->main);
	size = READ_ONCE(main_sheaf->size);
	/* a main sheaf flushed for want of an empty one may have been filled again */
	while (unlikely(size == READ_ONCE(s->sheaf_capacity))) {
		if (!replace_full_main(s, pcs))
			return false;
		main_sheaf = READ_ONCE(pcs->main);
		size = READ_ONCE(main_sheaf->size);
	}
	WRITE_ONCE(main_sheaf->objects[size], object);
	WRITE_ONCE(main_sheaf->size, size + 1);
	pcs_unlock(pcs);
	trace0(sheaf_free);
	return true;
}

static bool is_local(struct page *slab)
{
	return (int)page_to_nid(slab) == numa_mem_id();
}

static void free_object(struct kmem_cache *s, struct page *slab, void *object)
{
	if (has_sheaves(s) && likely(is_local(slab)) && likely(free_to_pcs(s, object)))
		return;
	slub_free_list(s, slab, object, object, 1);
}

/* ---- many objects ---- */

/* As many as the sheaves have, ascending slices from their ends; 0..n. */
static size_t alloc_bulk_from_pcs(struct kmem_cache *s, size_t n, void **objects)
{
	struct slub_percpu_sheaves *pcs = this_cpu_sheaves(s);
	size_t got = 0;

	while (got < n && pcs_trylock(pcs)) {
		struct slab_sheaf *main_sheaf = READ_ONCE(pcs->main);
		u32 size = READ_ONCE(main_sheaf->size), batch;

		/* a caller that must not sleep: what the barn lacks comes from slabs directly */
		if (!size) {
			if (!replace_empty_main(s, pcs, GFP_NOWAIT))
				break;
			main_sheaf = READ_ONCE(pcs->main);
			size = READ_ONCE(main_sheaf->size);
		}
		batch = n - got < size ? (u32)(n - got) : size;
		size -= batch;
		WRITE_ONCE(main_sheaf->size, size);
		memcpy(objects + got, &main_sheaf->objects[size], batch * sizeof(void *));
		pcs_unlock(pcs);
		got += batch;
	}
	trace1(sheaf_bulk_alloc, got);
	return got;
}

static int sheaves_alloc_bulk(struct kmem_cache *s, u32 gfp, size_t n, void **objects)
{
	size_t got;

	if (!has_sheaves(s))
		return slub_alloc_bulk(s, gfp, n, objects);
	got = alloc_bulk_from_pcs(s, n, objects);
	if (got < n && !slub_alloc_bulk(s, gfp, n - got, objects + got)) {
		if (got)
			slub_free_bulk(s, got, objects);
		return 0;
	}
	for (size_t i = 0; i < got; i++)
		slub_zero_object(s, gfp, objects[i]);
	return (int)n;
}

/* Room in the main sheaf for a bulk free. False: unlocked; nothing is allocated or flushed for it. */
static bool make_bulk_room(struct kmem_cache *s, struct slub_percpu_sheaves *pcs)
{
	struct slab_sheaf *spare = READ_ONCE(pcs->spare), *empty = NULL;
	struct node_barn *barn;
	bool too_many;

	if (spare && READ_ONCE(spare->size) < READ_ONCE(s->sheaf_capacity)) {
		swap_sheaves(pcs);
		return true;
	}
	barn = local_barn(s);
	if (barn && !spare)
		empty = barn_get_empty(barn);
	else if (barn)
		empty = barn_replace_full(barn, READ_ONCE(pcs->main), &too_many);
	if (!empty) {
		if (spare)
			trace0(sheaf_barn_put_fail);
		pcs_unlock(pcs);
		return false;
	}
	if (!spare)
		WRITE_ONCE(pcs->spare, READ_ONCE(pcs->main));
	WRITE_ONCE(pcs->main, empty);
	return true;
}

/* Returns how many of the array's first objects found place. */
static size_t free_bulk_to_pcs(struct kmem_cache *s, size_t n, void **objects)
{
	struct slub_percpu_sheaves *pcs = this_cpu_sheaves(s);
	u32 capacity = READ_ONCE(s->sheaf_capacity);
	size_t done = 0;

	while (done < n && pcs_trylock(pcs)) {
		struct slab_sheaf *main_sheaf = READ_ONCE(pcs->main);
		u32 size = READ_ONCE(main_sheaf->size), batch;

		if (size == capacity) {
			if (!make_bulk_room(s, pcs))
				break;
			main_sheaf = READ_ONCE(pcs->main);
			size = READ_ONCE(main_sheaf->size);
		}
		batch = n - done < capacity - size ? (u32)(n - done) : capacity - size;
		memcpy(&main_sheaf->objects[size], objects + done, batch * sizeof(void *));
		WRITE_ONCE(main_sheaf->size, size + batch);
		pcs_unlock(pcs);
		done += batch;
	}
	trace1(sheaf_bulk_free, done);
	return done;
}

/* Objects of other nodes leave the array, up to 32 of them; *n is what is left, *seen where to go on. */
static u32 gather_remote(void **objects, size_t *n, size_t *seen, void **remote)
{
	u32 nr = 0;

	while (*seen < *n && nr < PCS_BATCH_MAX) {
		void *object = objects[*seen];

		if (likely(is_local(virt_to_head_page(object)))) {
			++*seen;
			continue;
		}
		remote[nr++] = object;
		objects[*seen] = objects[--*n];
	}
	return nr;
}

static void sheaves_free_bulk(struct kmem_cache *s, size_t n, void **objects)
{
	void *remote[PCS_BATCH_MAX];
	size_t seen = 0, done;
	u32 nr_remote;

	if (!s || !has_sheaves(s)) {
		slub_free_bulk(s, n, objects);
		return;
	}
	while ((nr_remote = gather_remote(objects, &n, &seen, remote)) == PCS_BATCH_MAX)
		slub_free_bulk(s, nr_remote, remote);
	done = free_bulk_to_pcs(s, n, objects);
	if (done < n)
		slub_free_bulk(s, n - done, objects + done);
	if (nr_remote)
		slub_free_bulk(s, nr_remote, remote);
}

/* ---- requests ---- */

static void *sheaves_kmalloc(size_t size, u32 gfp, int node)
{
	if (unlikely(size > KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_large_node(size, gfp, node);
	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	return sheaves_alloc_node(kmalloc_slab(size, gfp), gfp, node);
}

static void sheaves_kfree(const void *object)
{
	struct page *slab = kfree_slab(object);

	if (unlikely(!slab))
		return;
	trace0(kfree);
	free_object(READ_ONCE(slab->slab_cache), slab, (void *)object);
}

static void *sheaves_krealloc(const void *object, size_t size, u32 gfp)
{
	return krealloc_by(object, size, gfp, slub_ksize(object), sheaves_kmalloc, sheaves_kfree);
}

static void *sheaves_cache_alloc(struct kmem_cache *s, u32 gfp, int node)
{
	return sheaves_alloc_node(s, gfp, node);
}

static void sheaves_free(struct kmem_cache *s, void *object)
{
	free_object(s, virt_to_head_page(object), object);
}

static const struct slab_ops sheaves_ops = {
	.init = sheaves_init,
	.kmalloc = sheaves_kmalloc,
	.kfree = sheaves_kfree,
	.ksize = slub_ksize,
	.krealloc = sheaves_krealloc,
	.cache_create = sheaves_cache_create,
	.cache_destroy = sheaves_cache_destroy,
	.cache_shrink = sheaves_cache_shrink,
	.cache_alloc = sheaves_cache_alloc,
	.cache_free = sheaves_free,
	.cache_alloc_bulk = sheaves_alloc_bulk,
	.free_bulk = sheaves_free_bulk,
	.sheaves = &sheaf_ops,
};

const struct slab_policy sheaves_policy = {
	.name = "sheaves",
	.summary = "SLUB with sheaves: per-CPU arrays of free objects, stores of them per node",
	.source = "Linux 6.18 (mm/slub.c) for the sheaves, 6.1 for SLUB underneath",
	.ops = &sheaves_ops,
	SLAB_PARAMS(slab_nomerge, sheaf_caches),
};
