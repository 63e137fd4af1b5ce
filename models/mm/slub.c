/*
 * slub.c - SLUB: allocation of objects and of slabs.
 *
 * The fast path takes the first object of this CPU's freelist with one
 * compare-and-exchange of (freelist, transaction id). The slow path looks for
 * free objects where they are cheapest: the CPU slab's own freelist in struct
 * page (objects that others freed), this CPU's chain of partial slabs, the
 * partial list of the node, those of other nodes, a new slab.
 *
 * Behaviour: Linux 6.1 (slab_alloc_node, ___slab_alloc, new_slab). Interrupts and preemption do not
 * strike inside an operation here, but any access may be followed by other
 * CPUs' work, and slub_new_slab() may sleep.
 */
#include "models/mm/slub.h"

/* Flags of a request that a new slab's pages are asked with. */
#define GFP_RECLAIM_MASK                                                                           \
	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | __GFP_FS | __GFP_NOWARN | __GFP_RETRY_MAYFAIL |   \
	 __GFP_NOFAIL | __GFP_NORETRY | __GFP_MEMALLOC | __GFP_NOMEMALLOC | __GFP_ATOMIC)
#define GFP_CONSTRAINT_MASK (__GFP_HARDWALL | __GFP_THISNODE)

static bool node_match(struct page *slab, int node)
{
	return node == NUMA_NO_NODE || (int)page_to_nid(slab) == node;
}

/* ---- new slabs ---- */

static struct page *alloc_slab_page(gfp_t gfp, int node, u32 oo)
{
	return alloc_pages_node(gfp, oo_order(oo), node);
}

/* The cache's order, gently; then the smallest that holds an object, in earnest. */
static struct page *alloc_slab_pages(struct kmem_cache *s, gfp_t gfp, int node, u32 *oo)
{
	gfp_t gentle = (gfp | __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_NOFAIL;
	struct page *page;

	if ((gentle & __GFP_DIRECT_RECLAIM) && oo_order(s->oo) > oo_order(s->min))
		gentle = (gentle | __GFP_NOMEMALLOC) & ~__GFP_RECLAIM;
	*oo = s->oo;
	page = alloc_slab_page(gentle, node, s->oo);
	if (page)
		return page;
	*oo = s->min;
	page = alloc_slab_page(gfp, node, *oo);
	if (page)
		trace2(slab_order_fallback, oo_order(*oo), s);
	return page;
}

/* Link all objects in address order: one word is written in each. */
static void init_freelist(struct kmem_cache *s, void *first, u32 objects)
{
	void *object = first;

	for (u32 i = 1; i < objects; i++) {
		void *next = (char *)object + s->size;

		set_freepointer(s, object, next);
		object = next;
	}
	set_freepointer(s, object, NULL);
}

/*
 * A slab with all objects free, not frozen, on no list and not yet counted by
 * its node. NULL when memory is out. Constructors are not run: they are ids.
 */
struct page *slub_new_slab(struct kmem_cache *s, gfp_t gfp, int node)
{
	struct page *slab;
	u32 oo, objects, flags;
	void *first;
	gfp_t slab_gfp;

	gfp &= GFP_RECLAIM_MASK | GFP_CONSTRAINT_MASK;
	slab_gfp = (gfp & READ_ONCE(kdata->gfp_allowed_mask)) | s->allocflags;
	slab = alloc_slab_pages(s, slab_gfp, node, &oo);
	if (!slab)
		return NULL;
	objects = oo_objects(oo);
	slab->counters = counters_make(0, objects, false);
	flags = READ_ONCE(s->flags);
	account_slab_pages(slab, (s64)(PAGE_SIZE << oo_order(oo)), flags & SLAB_RECLAIM_ACCOUNT);
	slab->slab_cache = s;
	slab->flags |= PG_slab;
	first = (char *)page_address(slab) + s->red_left_pad;
	if (unlikely(flags & SLAB_DEBUG_FLAGS))
		slub_debug_set_up_slab(s, slab, first, objects);
	init_freelist(s, first, objects);
	slab->freelist = first;
	trace3(slab_new, objects, oo_order(oo), s);
	trace_step(s_new_slab, (u64)s, page_to_pfn(slab), oo_order(oo), objects, slab_gfp,
		   (u64)(s64)node);
	return slab;
}

/* Take all objects of a new slab for a CPU, and count the slab. */
static void *freeze_new_slab(struct kmem_cache *s, struct page *slab)
{
	u32 objects = counters_objects(slab->counters);
	struct kmem_cache_node *n = slab_node(s, slab);
	void *freelist = slab->freelist;

	slab->freelist = NULL;
	slab->counters = counters_make(objects, objects, true);
	atomic_inc(&n->nr_slabs);
	atomic_add(&n->total_objects, objects);
	return freelist;
}

/* ---- partial slabs of a node ---- */

/*
 * Take a slab off its node's list, under list_lock. With its objects (they
 * become the CPU freelist; all count as in use) or, for the CPU partial chain,
 * without. Returns how many are free; 0: another CPU freed into it at this moment.
 */
static u32 acquire_slab(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab,
			 bool with_objects, void **freelist)
{
	void *list = READ_ONCE(slab->freelist);
	u64 old = READ_ONCE(slab->counters);
	u32 objects = counters_objects(old);
	u64 new = with_objects ? counters_make(objects, objects, true) : old | COUNTERS_FROZEN;

	BUG_ON(counters_frozen(old));
	if (!slab_update(s, slab, list, old, with_objects ? NULL : list, new))
		return 0;
	slub_remove_partial(n, slab);
	trace_step(s_acquire, (u64)slab->slab_cache, page_to_pfn(slab), (u64)list, with_objects);
	*freelist = list;
	return objects - counters_inuse(old);
}

/* Half of what a CPU may keep is fetched: so many slabs beside the first, or objects in all. */
static bool taken_enough(const struct kmem_cache *s, u32 more_slabs, u32 objects)
{
	u32 limit;

	if (!has_cpu_partial(s))
		return true;
	limit = s->cpu_partial_slabs;
	return likely(limit) ? more_slabs > limit / 2 : objects > s->cpu_partial / 2;
}

/*
 * The first slab of the node's partial list and its freelist; some more slabs
 * go to this CPU's partial chain while the lock is held anyway. Of a debug
 * cache, only one object.
 */
static struct page *get_partial_node(struct kmem_cache *s, struct kmem_cache_node *n, int nid,
				     void **freelist)
{
	struct page *slab, *following, *first = NULL;
	u32 taken = 0, available = 0;
	bool debug;
	void *ignored;

	if (!READ_ONCE(n->nr_partial))
		return NULL;
	debug = cache_debug(s);
	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	list_for_each_entry_safe(slab, following, &n->partial, lru) {
		u32 objects;

		if (unlikely(debug)) {
			*freelist = slub_debug_take(s, n, slab);
			first = slab;
			break;
		}
		objects = acquire_slab(s, n, slab, !first, first ? &ignored : freelist);
		if (!objects)
			break;
		if (first)
			slub_put_cpu_partial(s, slab, false);
		else
			first = slab;
		taken++;
		available += objects;
		if (taken_enough(s, taken - 1, available))
			break;
	}
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	if (first)
		trace3(slab_node_partial, taken, nid, s);
	return first;
}

static int highest_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	return gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
}

/*
 * Search other nodes, nearest first. The kernel lets the low bits of the time
 * stamp counter refuse this now and then (with the default ratio 1000: values
 * 1001 to 1023 of 1024); here only ratio 0 refuses, so that results do not
 * hang on the cycle at which an operation happens to run.
 */
static struct page *get_any_partial(struct kmem_cache *s, gfp_t gfp, void **freelist)
{
	struct zoneref *z = kdata->node_data[numa_node_id()]->node_zonelists[0]._zonerefs;
	int highest = highest_zone(gfp);
	u64 ratio;

	ratio = READ_ONCE(s->remote_node_defrag_ratio);
	if (!ratio || trace_step_in(s_get_any, 0ul, (u64)s, ratio) > ratio)
		return NULL;
	for (; z->zone; z++) {
		int nid = z->zone->node;
		struct kmem_cache_node *n = s->node[nid];
		struct page *slab;

		if (z->zone_idx > highest || !n || READ_ONCE(n->nr_partial) <= s->min_partial)
			continue;
		slab = get_partial_node(s, n, nid, freelist);
		if (slab)
			return slab;
	}
	return NULL;
}

static struct page *get_partial(struct kmem_cache *s, gfp_t gfp, int node, void **freelist)
{
	int nid = node == NUMA_NO_NODE ? (int)numa_node_id() : node;
	struct kmem_cache_node *n = s->node[nid];
	struct page *slab = n ? get_partial_node(s, n, nid, freelist) : NULL;

	if (slab || node != NUMA_NO_NODE)
		return slab;
	return get_any_partial(s, gfp, freelist);
}

/* ---- the CPU slab ---- */

/*
 * All objects that the CPU slab's struct page holds; it stays frozen. NULL
 * when there are none: the slab is full, no CPU's and on no list from now on.
 */
static void *get_freelist(struct kmem_cache *s, struct page *slab)
{
	for (;;) {
		void *list = READ_ONCE(slab->freelist);
		u64 old = READ_ONCE(slab->counters);
		u32 objects = counters_objects(old);

		if (slab_update(s, slab, list, old, NULL, counters_make(objects, objects, list)))
			return list;
	}
}

/* First object of a CPU's new freelist; the rest becomes c->freelist. */
static void *load_freelist(struct kmem_cache *s, struct kmem_cache_cpu *c, void *freelist)
{
	c->freelist = get_freepointer(s, freelist);
	c->tid = next_tid(c->tid);
	return freelist;
}

/* An object of the CPU slab, or NULL when it is full: it is dropped then. */
static void *alloc_from_cpu_slab(struct kmem_cache *s, struct kmem_cache_cpu *c, struct page *slab)
{
	void *object;

	local_irq_save();
	object = c->freelist;
	if (!object) {
		object = get_freelist(s, slab);
		if (object)
			trace2(slab_refill, 0, s);
		trace_step(s_get_freelist, (u64)s, page_to_pfn(slab), (u64)object);
	}
	if (object) {
		load_freelist(s, c, object);
	} else {
		c->slab = NULL;
		c->tid = next_tid(c->tid);
		trace2(slab_cpu_slab_full, 0, s);
	}
	local_irq_restore();
	return object;
}

/* Detach the CPU slab with its freelist and put it away. */
static void drop_cpu_slab(struct kmem_cache *s, struct kmem_cache_cpu *c)
{
	struct page *slab;
	void *freelist;

	local_irq_save();
	slab = c->slab;
	freelist = c->freelist;
	c->slab = NULL;
	c->freelist = NULL;
	c->tid = next_tid(c->tid);
	trace_step(s_drop_cpuslab, (u64)s, page_to_pfn(slab), (u64)freelist);
	local_irq_restore();
	slub_deactivate(s, slab, freelist);
}

/* Make the newest slab of the CPU's partial chain the CPU slab. */
static struct page *pop_cpu_partial(struct kmem_cache *s, struct kmem_cache_cpu *c)
{
	struct page *slab;

	if (!c->partial)
		return NULL;
	local_irq_save();
	slab = c->partial;
	c->slab = slab;
	c->partial = slab->next;
	trace_step(s_partial_pop, (u64)s, page_to_pfn(slab), counters_inuse(slab->counters),
		   counters_frozen(slab->counters));
	local_irq_restore();
	trace2(slab_cpu_partial_pop, page_to_pfn(slab), s);
	return slab;
}

/* Make a slab the CPU slab; sleeping for it, the CPU may have got another one. */
static void *install_cpu_slab(struct kmem_cache *s, struct kmem_cache_cpu *c, struct page *slab,
			      void *freelist, int node)
{
	void *object;

	while (unlikely(c->slab)) {
		drop_cpu_slab(s, c);
		trace2(slab_flush, 0, s);
	}
	local_irq_save();
	c->slab = slab;
	object = load_freelist(s, c, freelist);
	trace_step(s_slow_alloc, (u64)s, (u64)object, page_to_pfn(slab), (u64)(s64)node);
	local_irq_restore();
	return object;
}

/* The slow path: an object from wherever there is one. NULL when memory is out. */
void *slub_alloc_slow(struct kmem_cache *s, gfp_t gfp, int node, struct kmem_cache_cpu *c)
{
	bool debug = cache_debug(s);
	struct page *slab;
	void *freelist;

	trace2(slab_alloc_slow, 0, s);
	trace_step(s_slow_begin, (u64)s, (u64)(s64)node);
	if (unlikely(node != NUMA_NO_NODE && !node_has_slabs(node)))
		node = NUMA_NO_NODE;
	for (slab = c->slab; slab || (slab = pop_cpu_partial(s, c)); slab = NULL) {
		if (unlikely(!node_match(slab, node))) {
			trace2(slab_node_mismatch, 0, s);
			drop_cpu_slab(s, c);
			continue;
		}
		freelist = alloc_from_cpu_slab(s, c, slab);
		if (freelist) {
			trace_step(s_slow_alloc, (u64)s, (u64)freelist, page_to_pfn(slab),
				   (u64)(s64)node);
			return freelist;
		}
	}
	slab = get_partial(s, gfp, node, &freelist);
	if (!slab) {
		slab = slub_new_slab(s, gfp, node);
		if (unlikely(!slab)) {
			trace_step(s_slow_fail, (u64)s, (u64)(s64)node);
			return NULL;
		}
		if (unlikely(debug))
			return slub_debug_take_new(s, slab);
		freelist = freeze_new_slab(s, slab);
	}
	return unlikely(debug) ? freelist : install_cpu_slab(s, c, slab, freelist, node);
}

/* ---- requests ---- */

/* Clears what the cache's objects are for, not only what this request asked for. */
void slub_zero_object(struct kmem_cache *s, gfp_t gfp, void *object)
{
	if (unlikely(gfp & __GFP_ZERO) && object) {
		u32 bytes = s->object_size;

		trace1(slab_zero, bytes);
		memset(object, 0, bytes);
	}
}

/* One object of the cache; node NUMA_NO_NODE: any. NULL when memory is out. */
void *slub_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	struct kmem_cache_cpu *c;
	struct page *slab;
	void *object, *next;
	u64 tid;

	gfp &= READ_ONCE(kdata->gfp_allowed_mask);
	do {
		c = this_cpu_ptr(s->cpu_slab);
		tid = READ_ONCE(c->tid);
		object = READ_ONCE(c->freelist);
		slab = READ_ONCE(c->slab);
		if (unlikely(!object || !slab || !node_match(slab, node))) {
			object = slub_alloc_slow(s, gfp, node, c);
			slub_zero_object(s, gfp, object);
			return object;
		}
		next = get_freepointer(s, object);
	} while (unlikely(!cpu_freelist_update(s, c, object, tid, next)));
	prefetchw((char *)next + s->offset);
	trace2(slab_alloc_fast, 0, s);
	trace_step(s_fast_alloc, (u64)s, (u64)object, (u64)(s64)node);
	slub_zero_object(s, gfp, object);
	return object;
}

void *slub_kmalloc(size_t size, u32 gfp, int node)
{
	struct kmem_cache *s;
	void *object;

	if (unlikely(size > KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_large_node(size, gfp, node);
	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	s = kmalloc_slab(size, gfp);
	object = slub_alloc_node(s, gfp, node);
	if (unlikely(kms_tunable(TUNE_SLUB_DEBUG) & SLAB_STORE_USER))
		slub_debug_requested(s, object, (u32)size);
	return object;
}

void *slub_cache_alloc(struct kmem_cache *s, u32 gfp, int node)
{
	return slub_alloc_node(s, gfp, node);
}
