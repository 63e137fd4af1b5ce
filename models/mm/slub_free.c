/*
 * slub_free.c - SLUB: freeing objects, and the ways a slab changes its place.
 *
 * An object of this CPU's own slab goes to the CPU freelist with one local
 * compare-and-exchange. Any other goes to its slab's freelist with a locked
 * one; when that makes a full slab partial, the slab joins this CPU's chain of
 * partial slabs, and when it makes a slab on a node's list empty, the slab may
 * go back to the page allocator.
 *
 * Behaviour: Linux 6.1 (do_slab_free, __slab_free, __unfreeze_partials). Slabs of
 * SLAB_TYPESAFE_BY_RCU caches are given back at once; the grace period that
 * the kernel waits first is not simulated.
 */
#include "models/mm/slub.h"

/* ---- partial lists of a node; both under list_lock ---- */

void slub_add_partial(struct kmem_cache_node *n, struct page *slab, bool tail)
{
	WRITE_ONCE(n->nr_partial, n->nr_partial + 1);
	if (tail)
		list_add_tail(&slab->lru, &n->partial);
	else
		list_add(&slab->lru, &n->partial);
	trace_step(s_add_partial, (u64)slab->slab_cache, page_to_pfn(slab),
		   counters_inuse(slab->counters), counters_frozen(slab->counters), tail,
		   n->nr_partial);
}

void slub_remove_partial(struct kmem_cache_node *n, struct page *slab)
{
	list_del(&slab->lru);
	WRITE_ONCE(n->nr_partial, n->nr_partial - 1);
	trace_step(s_remove_partial, (u64)slab->slab_cache, page_to_pfn(slab),
		   counters_inuse(slab->counters), counters_frozen(slab->counters), n->nr_partial);
}

/* An empty slab is given back only if the node has this many partial slabs without it or with it. */
static bool enough_partial(const struct kmem_cache *s, const struct kmem_cache_node *n)
{
	return READ_ONCE(n->nr_partial) >= s->min_partial;
}

/* ---- giving a slab back ---- */

void slub_free_slab(struct kmem_cache *s, struct page *slab, u32 order)
{
	u32 flags;

	trace_step(s_free_slab, (u64)s, page_to_pfn(slab), order);
	slab->flags &= ~PG_slab;
	slab->mapping = 0;
	flags = READ_ONCE(s->flags);
	if (unlikely(flags & SLAB_CONSISTENCY_CHECKS))
		slub_debug_check_empty(s, slab);
	account_slab_pages(slab, -(s64)(PAGE_SIZE << order), flags & SLAB_RECLAIM_ACCOUNT);
	__free_pages(slab, order);
}

/* Give an empty slab that is on no list back to the page allocator. */
void slub_give_back(struct kmem_cache *s, struct page *slab)
{
	struct kmem_cache_node *n = slab_node(s, slab);
	u32 objects = counters_objects(READ_ONCE(slab->counters));
	u32 order = compound_order(slab);

	atomic_dec(&n->nr_slabs);
	atomic_sub(&n->total_objects, objects);
	trace3(slab_discard, order, s, objects);
	/* a replay shows when the grace period is over */
	if (!stepping() || !(s->flags & SLAB_TYPESAFE_BY_RCU))
		slub_free_slab(s, slab, order);
}

/* The same, as the outcome of an operation on the slab's objects. */
void slub_discard(struct kmem_cache *s, struct page *slab)
{
	trace_step(s_discard, (u64)s, page_to_pfn(slab), counters_inuse(READ_ONCE(slab->counters)));
	slub_give_back(s, slab);
}

/* ---- the CPU's chain of partial slabs ---- */

/*
 * Move a detached chain of frozen slabs to their nodes' lists, newest first.
 * Empty slabs beyond the nodes' minimum are given back afterwards, outside the
 * locks, last found first.
 */
void slub_unfreeze(struct kmem_cache *s, struct page *chain)
{
	struct kmem_cache_node *n = NULL, *wanted;
	struct page *slab, *empty = NULL;
	u32 slabs = 0, spare = 0;
	void *list;
	u64 old, new;

	while ((slab = chain)) {
		chain = slab->next;
		wanted = slab_node(s, slab);
		if (wanted != n) {
			if (n)
				spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
			n = wanted;
			spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
		}
		do {
			list = READ_ONCE(slab->freelist);
			old = READ_ONCE(slab->counters);
			new = old & ~COUNTERS_FROZEN;
		} while (!slab_update(s, slab, list, old, list, new));
		if (!counters_inuse(new) && enough_partial(s, n)) {
			slab->next = empty;
			empty = slab;
			spare++;
		} else {
			slub_add_partial(n, slab, true);
		}
		slabs++;
	}
	if (n)
		spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	trace3(slab_unfreeze, slabs, s, spare);
	while ((slab = empty)) {
		empty = slab->next;
		slub_discard(s, slab);
	}
}

/* Has the chain reached its limit, in slabs or (limit 0) in objects? */
static bool chain_full(const struct kmem_cache *s, const struct page *chain, s32 slabs, s32 limit)
{
	u32 objects;

	if (likely(limit))
		return slabs >= limit;
	objects = (u32)chain->pobjects;
	return objects > s->cpu_partial;
}

/* Free objects of the chain as they were when its slabs joined it. */
static void count_chain_objects(struct page *slab, const struct page *chain)
{
	u64 counters = READ_ONCE(slab->counters);
	s32 before = chain ? chain->pobjects : 0;

	slab->pobjects = before + (s32)(counters_objects(counters) - counters_inuse(counters));
}

/*
 * Put a frozen slab at the head of this CPU's chain. drain: a chain that has
 * reached its limit is moved to the nodes first.
 */
void slub_put_cpu_partial(struct kmem_cache *s, struct page *slab, bool drain)
{
	struct page *old, *overflow = NULL;
	struct kmem_cache_cpu *c;
	s32 slabs = 0, limit;

	local_irq_save();
	c = this_cpu_ptr(s->cpu_slab);
	limit = (s32)s->cpu_partial_slabs;
	old = c->partial;
	if (old) {
		slabs = old->slabs;
		if (drain && chain_full(s, old, slabs, limit)) {
			overflow = old;
			old = NULL;
			slabs = 0;
		}
	}
	if (unlikely(!limit))
		count_chain_objects(slab, old);
	slab->slabs = slabs + 1;
	slab->next = old;
	c->partial = slab;
	trace_step(s_put_cpu_partial, (u64)s, page_to_pfn(slab), counters_inuse(slab->counters),
		   counters_frozen(slab->counters), drain, (u64)slab->slabs,
		   overflow ? page_to_pfn(overflow) : 0);
	local_irq_restore();
	if (overflow) {
		trace2(slab_cpu_partial_drain, 0, s);
		slub_unfreeze(s, overflow);
	}
}

/* ---- putting a CPU slab away ---- */

/* Last object of a list; *count is set to the list's length. */
static void *freelist_end(const struct kmem_cache *s, void *freelist, u32 *count)
{
	void *last = NULL;
	u32 n = 0;

	for (; freelist; freelist = get_freepointer(s, freelist)) {
		last = freelist;
		n++;
	}
	*count = n;
	return last;
}

enum slab_fate { SLAB_IS_FULL, SLAB_IS_PARTIAL, SLAB_IS_SPARE };

/*
 * Unfreeze a slab that was taken from a CPU together with its CPU freelist
 * (may be NULL), which goes in front of what others freed meanwhile.
 */
void slub_deactivate(struct kmem_cache *s, struct page *slab, void *freelist)
{
	struct kmem_cache_node *n = slab_node(s, slab);
	bool tail = READ_ONCE(slab->freelist) != NULL;
	enum slab_fate fate;
	void *last, *old_list, *list;
	u64 old, new;
	u32 count;
	bool done;

	last = freelist_end(s, freelist, &count);
	do {
		old_list = READ_ONCE(slab->freelist);
		old = READ_ONCE(slab->counters);
		new = (old - count) & ~COUNTERS_FROZEN;
		list = last ? freelist : old_list;
		if (last)
			set_freepointer(s, last, old_list);
		fate = list ? SLAB_IS_PARTIAL : SLAB_IS_FULL;
		if (!counters_inuse(new) && enough_partial(s, n))
			fate = SLAB_IS_SPARE;
		/* Whoever sees it unfrozen with free objects must find it on the list. */
		if (fate == SLAB_IS_PARTIAL)
			spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
		done = slab_update(s, slab, old_list, old, list, new);
		if (done)
			trace_step(s_deact, (u64)s, page_to_pfn(slab), (u64)freelist,
				   fate == SLAB_IS_FULL ? 4 : fate == SLAB_IS_SPARE ? 3 : 1, tail,
				   count);
		if (done && fate == SLAB_IS_PARTIAL)
			slub_add_partial(n, slab, tail);
		if (fate == SLAB_IS_PARTIAL)
			spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	} while (!done);
	trace3(slab_deactivate, count, (u32)tail | (u32)fate << 8, s);
	if (fate == SLAB_IS_SPARE)
		slub_discard(s, slab);
}

/* ---- freeing objects ---- */

/* The slab was on no list or on its node's, and list_lock is held. */
static void finish_free_locked(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab,
			       bool was_full, bool empty)
{
	bool spare = empty && enough_partial(s, n);

	trace3(slab_free_list_lock, 0, s,
	       (!spare && was_full) | (spare && !was_full) << 1 | spare << 2);
	if (spare && !was_full)
		slub_remove_partial(n, slab);
	else if (!spare && was_full)
		slub_add_partial(n, slab, true);
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	if (spare)
		slub_discard(s, slab);
}

/* Objects of a slab that is not this CPU's: they go in front of the slab's own freelist. */
static void free_slow(struct kmem_cache *s, struct page *slab, void *head, void *tail, u32 count)
{
	struct kmem_cache_node *locked = NULL;
	void *prior;
	u64 old, new;

	trace2(slab_free_slow, count, s);
	if (unlikely(cache_debug(s))) {
		slub_debug_free(s, slab, head, tail, count);
		return;
	}
	for (;;) {
		prior = READ_ONCE(slab->freelist);
		old = READ_ONCE(slab->counters);
		if (unlikely(tail == prior))
			slub_debug_double_free(s, tail);
		set_freepointer(s, tail, prior);
		new = old - count;
		if (!counters_frozen(old)) {
			if (!prior && has_cpu_partial(s))
				new |= COUNTERS_FROZEN;
			else if (!prior || !counters_inuse(new))
				locked = slab_node(s, slab);
		}
		if (locked)
			spin_lock_irqsave(&locked->list_lock, LOCK_SLAB_NODE);
		if (slab_update(s, slab, prior, old, head, new))
			break;
		if (locked)
			spin_unlock_irqrestore(&locked->list_lock, LOCK_SLAB_NODE);
		locked = NULL;
	}
	trace_step(s_free_slow, (u64)s, (u64)head, (u64)tail, count, counters_frozen(old),
		   counters_frozen(new), locked != NULL, prior != NULL, counters_inuse(new));
	if (locked) {
		finish_free_locked(s, locked, slab, !prior, !counters_inuse(new));
	} else if (counters_frozen(old)) {
		trace2(slab_free_frozen, 0, s);
	} else if (counters_frozen(new)) {
		trace2(slab_free_cpu_partial, page_to_pfn(slab), s);
		slub_put_cpu_partial(s, slab, true);
	}
}

/*
 * Turn a detached list round (the kernel's free hook does). The end of the
 * result is the old head. A list of one only gets its end mark.
 */
static void *reverse_freelist(const struct kmem_cache *s, void *head, const void *tail)
{
	void *list = NULL, *object = head;

	while (object != tail) {
		void *next = get_freepointer(s, object);

		set_freepointer(s, object, list);
		list = object;
		object = next;
	}
	set_freepointer(s, object, list);
	return object;
}

/* Free a list of count objects of one slab, linked from head to tail. */
void slub_free_list(struct kmem_cache *s, struct page *slab, void *head, void *tail, u32 count)
{
	void *first = reverse_freelist(s, head, tail), *last = head, *freelist;
	struct kmem_cache_cpu *c;
	u64 tid;

	do {
		c = this_cpu_ptr(s->cpu_slab);
		tid = READ_ONCE(c->tid);
		if (unlikely(slab != READ_ONCE(c->slab))) {
			free_slow(s, slab, first, last, count);
			return;
		}
		freelist = READ_ONCE(c->freelist);
		if (unlikely(last == freelist))
			slub_debug_double_free(s, last);
		set_freepointer(s, last, freelist);
	} while (unlikely(!cpu_freelist_update(s, c, freelist, tid, first)));
	trace2(slab_free_fast, count, s);
	trace_step(s_free_fast, (u64)s, (u64)first, (u64)last, count);
}

/* ---- requests ---- */

void slub_kfree(const void *object)
{
	struct page *slab = kfree_slab(object);

	if (unlikely(!slab))
		return;
	trace0(kfree);
	slub_free_list(slab->slab_cache, slab, (void *)object, (void *)object, 1);
}

void slub_cache_free(struct kmem_cache *s, void *object)
{
	slub_free_list(s, virt_to_head_page(object), object, object, 1);
}

/* Bytes that the owner of an object may use. */
size_t slub_ksize(const void *object)
{
	struct page *slab;
	struct kmem_cache *s;

	if (zero_or_null(object))
		return 0;
	slab = virt_to_head_page(object);
	if (!page_is_slab(slab))
		return PAGE_SIZE << compound_order(slab);
	s = slab->slab_cache;
	if (s->flags & (SLAB_RED_ZONE | SLAB_POISON))
		return s->object_size;
	return s->flags & (SLAB_TYPESAFE_BY_RCU | SLAB_STORE_USER) ? s->inuse : s->size;
}

void *slub_krealloc(const void *object, size_t size, u32 gfp)
{
	return krealloc_by(object, size, gfp, slub_ksize(object), slub_kmalloc, slub_kfree);
}
