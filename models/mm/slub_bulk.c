/*
 * slub_bulk.c - SLUB: many objects in one call.
 *
 * Bulk allocation pops this CPU's freelist with interrupts off and no atomic
 * operation per object. Bulk free gathers objects of one slab into a list that
 * is freed as a whole, looking a few objects ahead in the caller's array.
 *
 * Behaviour: Linux 6.1 (kmem_cache_alloc_bulk, kmem_cache_free_bulk).
 */
#include "models/mm/slub.h"

#define LOOKAHEAD 3 /* objects of other slabs passed over before a list is closed */

/* Fill objects[] from freelists; returns how many before memory was out. */
static size_t alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t n, void **objects)
{
	struct kmem_cache_cpu *c = this_cpu_ptr(s->cpu_slab);
	size_t i;

	trace_step(s_bulk_begin, (u64)s, n);
	local_irq_save();
	for (i = 0; i < n; i++) {
		void *object = c->freelist;

		if (unlikely(!object)) {
			c->tid = next_tid(c->tid);
			local_irq_restore();
			objects[i] = slub_alloc_slow(s, gfp, NUMA_NO_NODE, c);
			if (unlikely(!objects[i]))
				return i;
			local_irq_save();
			continue;
		}
		c->freelist = get_freepointer(s, object);
		objects[i] = object;
		trace_step(s_bulk_alloc, (u64)s, (u64)object, n, i);
	}
	c->tid = next_tid(c->tid);
	local_irq_restore();
	return n;
}

/* n objects in freelist order, or none: returns n or 0. */
int slub_alloc_bulk(struct kmem_cache *s, u32 gfp, size_t n, void **objects)
{
	size_t got;

	gfp &= READ_ONCE(kdata->gfp_allowed_mask);
	got = alloc_bulk(s, gfp, n, objects);
	trace1(slab_bulk_alloc, got);
	if (unlikely(got < n)) {
		if (got)
			slub_free_bulk(s, got, objects);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		slub_zero_object(s, gfp, objects[i]);
	return (int)n;
}

/*
 * Free the last object of the array with its neighbours of the same slab.
 * Objects of other slabs met on the way are moved behind the gathered ones'
 * places, so that the first *n entries are left. Returns what is left.
 */
static size_t free_detached_list(struct kmem_cache *s, size_t n, void **objects)
{
	void *tail = objects[--n], *head = tail;
	struct page *slab = virt_to_head_page(tail);
	size_t left = n;
	u32 count = 1, lookahead = LOOKAHEAD;

	if (!s) {
		if (unlikely(!page_is_slab(slab))) {
			free_large_kmalloc(slab, tail);
			return left;
		}
		s = slab->slab_cache;
	}
	set_freepointer(s, tail, NULL);
	while (n) {
		void *object = objects[--n];

		if (virt_to_head_page(object) == slab) {
			set_freepointer(s, object, head);
			head = object;
			count++;
			left--;
			if (n != left) {
				objects[n] = objects[left];
				objects[left] = object;
			}
		} else if (!--lookahead) {
			break;
		}
	}
	slub_free_list(s, slab, head, tail, count);
	return left;
}

/* Free an array of objects, reordering it; s NULL: kmalloc objects of any cache. */
void slub_free_bulk(struct kmem_cache *s, size_t n, void **objects)
{
	size_t left = n;

	while (left)
		left = free_detached_list(s, left, objects);
	trace1(slab_bulk_free, n);
}
