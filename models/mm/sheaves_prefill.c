/*
 * sheaves_prefill.c - sheaves that a caller owns, and frees after a grace period.
 *
 * A caller that must not fail later takes a sheaf with enough objects while it
 * may still wait for memory, allocates from it, and returns it.
 *
 * A CPU gathers objects to be freed after a grace period in a sheaf of their
 * own. Grace periods are not simulated: such a sheaf counts as over when it is
 * full, and goes to the barn as a full one.
 *
 * Behaviour: Linux 6.18 (slub.md 12).
 */
#include "models/mm/sheaves.h"

/* ---- sheaves in a caller's hands ---- */

static void flush_and_free(struct kmem_cache *s, struct slab_sheaf *sheaf)
{
	flush_sheaf(s, sheaf);
	free_empty_sheaf(sheaf);
}

/* The spare sheaf, else what the barn has; NULL: neither. */
static struct slab_sheaf *take_sheaf(struct kmem_cache *s)
{
	struct slub_percpu_sheaves *pcs = this_cpu_sheaves(s);
	struct slab_sheaf *sheaf;
	struct node_barn *barn;

	if (!pcs_trylock(pcs))
		return NULL;
	sheaf = READ_ONCE(pcs->spare);
	if (sheaf) {
		WRITE_ONCE(pcs->spare, NULL);
	} else {
		barn = local_barn(s);
		sheaf = barn ? barn_get_any(barn) : NULL;
	}
	pcs_unlock(pcs);
	return sheaf;
}

/*
 * A sheaf with at least n objects, or NULL when memory is out. More than a
 * sheaf of the cache holds: one of that size, which never gets into the barn.
 */
static struct slab_sheaf *prefill(struct kmem_cache *s, u32 gfp, u32 n)
{
	u32 usual = READ_ONCE(s->sheaf_capacity), capacity = max(n, usual);
	struct slab_sheaf *sheaf = n <= usual ? take_sheaf(s) : NULL;

	if (!sheaf)
		sheaf = alloc_empty_sheaf(s, gfp, capacity);
	if (!sheaf)
		return NULL;
	if (READ_ONCE(sheaf->size) < n && !refill_sheaf(s, sheaf, n > usual ? n : usual, gfp)) {
		flush_and_free(s, sheaf);
		return NULL;
	}
	WRITE_ONCE(sheaf->capacity, capacity);
	trace1(sheaf_prefill, capacity);
	return sheaf;
}

/* Back to this CPU as its spare sheaf, else filled up to the barn, else given up. */
static void return_sheaf(struct kmem_cache *s, u32 gfp, struct slab_sheaf *sheaf)
{
	struct slub_percpu_sheaves *pcs = this_cpu_sheaves(s);
	u32 capacity = READ_ONCE(s->sheaf_capacity);
	struct node_barn *barn = local_barn(s);

	if (READ_ONCE(sheaf->capacity) != capacity) {
		flush_and_free(s, sheaf);
		return;
	}
	if (pcs_trylock(pcs)) {
		bool free_place = !READ_ONCE(pcs->spare);

		if (free_place)
			WRITE_ONCE(pcs->spare, sheaf);
		pcs_unlock(pcs);
		if (free_place)
			return;
	}
	if (!barn || READ_ONCE(barn->nr_full) >= MAX_FULL_SHEAVES ||
	    !refill_sheaf(s, sheaf, capacity, gfp))
		flush_and_free(s, sheaf);
	else
		barn_put_full(barn, sheaf);
}

/* At least n objects in *sheaf again, in another one if need be. False: memory is out, *sheaf is as it was. */
static bool refill(struct kmem_cache *s, u32 gfp, struct slab_sheaf **sheaf, u32 n)
{
	struct slab_sheaf *old = *sheaf, *larger;

	if (READ_ONCE(old->size) >= n)
		return true;
	if (READ_ONCE(old->capacity) >= n)
		return refill_sheaf(s, old, READ_ONCE(old->capacity), gfp);
	larger = prefill(s, gfp, n);
	if (!larger)
		return false;
	return_sheaf(s, gfp, old);
	*sheaf = larger;
	return true;
}

/* NULL: the sheaf is empty. */
static void *alloc_from_sheaf(struct kmem_cache *s, u32 gfp, struct slab_sheaf *sheaf)
{
	u32 size = READ_ONCE(sheaf->size);
	void *object;

	if (!size)
		return NULL;
	object = READ_ONCE(sheaf->objects[size - 1]);
	WRITE_ONCE(sheaf->size, size - 1);
	trace0(sheaf_alloc);
	slub_zero_object(s, gfp, object);
	return object;
}

/* ---- after a grace period ---- */

/* A sheaf for this CPU's rcu_free; NULL: memory is out. pre: pcs is locked; it is again afterwards. */
static struct slab_sheaf *rcu_sheaf(struct kmem_cache *s, struct slub_percpu_sheaves *pcs)
{
	struct slab_sheaf *sheaf = READ_ONCE(pcs->spare);
	struct node_barn *barn;

	if (sheaf && !READ_ONCE(sheaf->size)) {
		WRITE_ONCE(pcs->spare, NULL);
		return sheaf;
	}
	barn = local_barn(s);
	sheaf = barn ? barn_get_empty(barn) : NULL;
	if (sheaf)
		return sheaf;
	pcs_unlock(pcs);
	sheaf = alloc_empty_sheaf(s, GFP_NOWAIT, READ_ONCE(s->sheaf_capacity));
	if (!pcs_trylock(pcs))
		BUG_ON(true);
	return sheaf;
}

static bool all_local(const struct slab_sheaf *sheaf, int nid)
{
	u32 size = READ_ONCE(sheaf->size);

	for (u32 i = 0; i < size; i++)
		if ((int)page_to_nid(virt_to_head_page(READ_ONCE(sheaf->objects[i]))) != nid)
			return false;
	return true;
}

/* The grace period of a full sheaf is over. */
static void put_rcu_sheaf(struct kmem_cache *s, struct slab_sheaf *sheaf)
{
	int nid = READ_ONCE(sheaf->node);
	struct node_barn *barn = node_barn(s, (u32)nid);

	if (barn && all_local(sheaf, nid) && READ_ONCE(barn->nr_full) < MAX_FULL_SHEAVES) {
		barn_put_full(barn, sheaf);
		return;
	}
	flush_sheaf(s, sheaf);
	if (barn && READ_ONCE(barn->nr_empty) < MAX_EMPTY_SHEAVES)
		barn_put_empty(barn, sheaf);
	else
		free_empty_sheaf(sheaf);
}

/* Free an object after a grace period. A cache without sheaves, or memory is out: at once. */
static void kfree_rcu(struct kmem_cache *s, void *object)
{
	struct slub_percpu_sheaves *pcs;
	struct slab_sheaf *sheaf;
	u32 size;

	if (!has_sheaves(s)) {
		slub_cache_free(s, object);
		return;
	}
	pcs = this_cpu_sheaves(s);
	if (!pcs_trylock(pcs)) {
		slub_cache_free(s, object);
		return;
	}
	sheaf = READ_ONCE(pcs->rcu_free);
	if (!sheaf) {
		sheaf = rcu_sheaf(s, pcs);
		WRITE_ONCE(pcs->rcu_free, sheaf);
	}
	if (unlikely(!sheaf)) {
		pcs_unlock(pcs);
		slub_cache_free(s, object);
		return;
	}
	size = READ_ONCE(sheaf->size) + 1;
	WRITE_ONCE(sheaf->objects[size - 1], object);
	WRITE_ONCE(sheaf->size, size);
	if (size == READ_ONCE(s->sheaf_capacity)) {
		WRITE_ONCE(pcs->rcu_free, NULL);
		WRITE_ONCE(sheaf->node, numa_mem_id());
	}
	pcs_unlock(pcs);
	trace1(sheaf_free_rcu, size);
	if (size == READ_ONCE(s->sheaf_capacity))
		put_rcu_sheaf(s, sheaf);
}

const struct sheaf_ops sheaf_ops = {
	.prefill = prefill,
	.return_sheaf = return_sheaf,
	.refill = refill,
	.alloc = alloc_from_sheaf,
	.kfree_rcu = kfree_rcu,
};
