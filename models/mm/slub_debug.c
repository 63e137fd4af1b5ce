/*
 * slub_debug.c - SLUB: slab caches with debug options.
 *
 * What the options change in results is the room an object takes and the way
 * it goes: red zones, a free pointer behind the object and tracks of its last
 * users make its slot larger, and every operation works on the slab itself
 * under the node's list_lock, one object at a time. Patterns are written
 * and verified only on demand (slub_check.c).
 *
 * Behaviour: Linux 6.1, spec section 2b.
 */
#include "models/mm/slub.h"

/* ---- layout ---- */

/* The free pointer may not lie in the object if its contents matter while it is free. */
static bool free_pointer_behind(const struct kmem_cache *s)
{
	u32 flags = s->flags;

	if ((flags & (SLAB_TYPESAFE_BY_RCU | SLAB_POISON)) || s->ctor)
		return true;
	return (flags & SLAB_RED_ZONE) && s->object_size < sizeof(void *);
}

/*
 * An object's slot: left red zone, object, right red zone at least a word long,
 * free pointer, tracks, alignment. Sets inuse, offset (from the object's start)
 * and red_left_pad; returns the stride.
 */
u32 slub_object_layout(struct kmem_cache *s)
{
	u32 flags = s->flags, object_size = s->object_size, word = (u32)sizeof(void *);
	u32 size = ALIGN(object_size, word), pad = 0;

	if ((flags & SLAB_RED_ZONE) && size == object_size)
		size += word;
	s->inuse = size;
	if (free_pointer_behind(s)) {
		s->offset = size;
		size += word;
	} else {
		s->offset = kms_tunable(TUNE_FREE_POINTER) == FREE_POINTER_START ? 0 :
			    ALIGN_DOWN(object_size / 2, word);
	}
	if (flags & SLAB_STORE_USER) {
		size += SLUB_TRACKS_BYTES;
		if (flags & SLAB_KMALLOC)
			size += (u32)sizeof(u32); /* the size that was asked for */
	}
	if (flags & SLAB_RED_ZONE) {
		pad = ALIGN(word, s->align);
		size += word + pad;
	}
	s->red_left_pad = pad;
	return ALIGN(size, s->align);
}

/* ---- full slabs: listed only where users are tracked; under list_lock ---- */

static void add_full(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab)
{
	if (s->flags & SLAB_STORE_USER)
		list_add(&slab->lru, &n->full);
}

static void remove_full(struct kmem_cache *s, struct page *slab)
{
	if (s->flags & SLAB_STORE_USER)
		list_del(&slab->lru);
}

/* ---- allocation ---- */

/* The first free object of a slab, which has one. */
static void *take_first(struct kmem_cache *s, struct page *slab)
{
	void *object = slab->freelist;

	slab->freelist = get_freepointer(s, object);
	slab->counters++;
	if (slub_checks())
		slub_check_alloc(s, object);
	return object;
}

static bool slab_full(const struct page *slab)
{
	u64 counters = READ_ONCE(slab->counters);

	return counters_inuse(counters) == counters_objects(counters);
}

/* One object of a slab on the node's partial list; list_lock is held. */
void *slub_debug_take(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab)
{
	void *object = take_first(s, slab);

	if (slab_full(slab)) {
		slub_remove_partial(n, slab);
		add_full(s, n, slab);
	}
	return object;
}

/* One object of a new slab, which goes to its node's list and is counted there. */
void *slub_debug_take_new(struct kmem_cache *s, struct page *slab)
{
	struct kmem_cache_node *n = slab_node(s, slab);
	u32 objects = counters_objects(READ_ONCE(slab->counters));
	void *object = take_first(s, slab);

	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	if (slab_full(slab))
		add_full(s, n, slab);
	else
		slub_add_partial(n, slab, false);
	atomic_inc(&n->nr_slabs);
	atomic_add(&n->total_objects, objects);
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	return object;
}

/* ---- freeing ---- */

/* Put a slab that has got free objects where it belongs; true: it is to be given back. */
static bool replace_slab(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab,
			 bool was_full)
{
	bool spare = !counters_inuse(READ_ONCE(slab->counters)) &&
		     READ_ONCE(n->nr_partial) >= s->min_partial;

	if (was_full) {
		remove_full(s, slab);
		if (!spare)
			slub_add_partial(n, slab, true);
	} else if (spare) {
		slub_remove_partial(n, slab);
	}
	trace3(slab_free_list_lock, 0, s,
	       (!spare && was_full) | (spare && !was_full) << 1 | spare << 2);
	return spare;
}

/* Free count linked objects of one slab. */
void slub_debug_free(struct kmem_cache *s, struct page *slab, void *head, void *tail, u32 count)
{
	struct kmem_cache_node *n = slab_node(s, slab);
	void *prior;
	bool spare;

	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	if (slub_checks() && count == 1 && !slub_check_free(s, slab, head)) {
		spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
		return;
	}
	prior = slab->freelist;
	set_freepointer(s, tail, prior);
	slab->freelist = head;
	WRITE_ONCE(slab->counters, READ_ONCE(slab->counters) - count);
	spare = replace_slab(s, n, slab, !prior);
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	if (spare)
		slub_discard(s, slab);
}
