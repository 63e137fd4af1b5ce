/*
 * slub_shrink.c - SLUB: taking back what CPUs and nodes hold.
 *
 * Flushing puts a CPU's slab and partial chain on the nodes' lists; shrinking
 * gives empty slabs back and sorts the rest, fullest first; destroying does
 * both and gives the slab cache itself back.
 *
 * Behaviour: Linux 6.1 (flush_all, __kmem_cache_do_shrink). Lists that the kernel keeps on its
 * stack while it sorts are chained through the slabs alone here, so that no
 * pointer in simulated memory leaves it.
 */
#include "models/mm/slub.h"

/* ---- flushing ---- */

/* Put away what one CPU holds; runs on that CPU. */
void slub_flush_cpu(struct kmem_cache *s, struct kmem_cache_cpu *c)
{
	struct page *slab, *chain;
	void *freelist;

	local_irq_save();
	slab = c->slab;
	freelist = c->freelist;
	c->slab = NULL;
	c->freelist = NULL;
	c->tid = next_tid(c->tid);
	if (slab)
		trace_step(s_flush, (u64)s, page_to_pfn(slab), (u64)freelist);
	local_irq_restore();
	if (slab) {
		slub_deactivate(s, slab, freelist);
		trace2(slab_flush, 0, s);
	}

	local_irq_save();
	chain = c->partial;
	c->partial = NULL;
	trace_step(s_unfreeze_all, (u64)s, chain ? page_to_pfn(chain) : 0);
	local_irq_restore();
	if (chain)
		slub_unfreeze(s, chain);
}

static void flush_this_cpu(void *arg)
{
	struct kmem_cache *s = arg;

	slub_flush_cpu(s, this_cpu_ptr(READ_ONCE(s->cpu_slab)));
}

/* Have every CPU that holds slabs of the cache put them away. */
static void flush_all(struct kmem_cache *s)
{
	u32 this_cpu = smp_processor_id();

	if (stepping()) /* a recording shows each CPU's flush by itself */
		return;
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		struct kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, cpu);

		if (!READ_ONCE(c->slab) && !READ_ONCE(c->partial))
			continue;
		if (cpu == this_cpu)
			flush_this_cpu(s);
		else
			kms_run_on_cpu(cpu, flush_this_cpu, s);
	}
}

/* ---- shrinking ---- */

/* Give back a chain of empty slabs; returns how many. Some recordings show a dying cache's ones. */
static u32 discard_chain(struct kmem_cache *s, struct page *chain)
{
	struct page *slab;
	u32 n = 0;

	while ((slab = chain)) {
		chain = slab->next;
		(void)trace_step_next(s_discard, (u64)s, page_to_pfn(slab), 0);
		slub_give_back(s, slab);
		n++;
	}
	return n;
}

/* Insert a chain behind pos, keeping its order; returns the last inserted. */
static struct list_head *insert_chain(struct list_head *pos, struct page *chain)
{
	struct page *slab;

	while ((slab = chain)) {
		chain = slab->next;
		list_add(&slab->lru, pos);
		pos = &slab->lru;
	}
	return pos;
}

/*
 * Sort a node's partial list: slabs with 1, 2, ... free objects first, within
 * the same number the later ones first; those with more than 32 stay behind,
 * as they were. Empty slabs are unlinked and returned as a chain.
 */
static struct page *sort_partial(struct kmem_cache_node *n, u32 *sorted)
{
	struct page *buckets[SHRINK_PROMOTE_MAX], *empty = NULL, *slab, *following;
	struct list_head *pos = &n->partial;

	for (u32 i = 0; i < SHRINK_PROMOTE_MAX; i++)
		buckets[i] = NULL;
	*sorted = 0;
	list_for_each_entry_safe(slab, following, &n->partial, lru) {
		u64 counters = READ_ONCE(slab->counters);
		u32 free = counters_objects(counters) - counters_inuse(counters);
		struct page **chain;

		++*sorted;
		if (free == counters_objects(counters)) {
			list_del(&slab->lru);
			WRITE_ONCE(n->nr_partial, n->nr_partial - 1);
			chain = &empty;
		} else if (free <= SHRINK_PROMOTE_MAX) {
			list_del(&slab->lru);
			chain = &buckets[free - 1];
		} else {
			continue;
		}
		slab->next = *chain;
		*chain = slab;
	}
	for (u32 i = 0; i < SHRINK_PROMOTE_MAX; i++)
		pos = insert_chain(pos, buckets[i]);
	return empty;
}

/* What a recording shows of the sorted list, and before it what left it. */
static void show_sorted(struct kmem_cache *s, struct kmem_cache_node *n, u32 nid,
			struct page *empty)
{
	struct page *slab;
	u64 i = 0;

	if (!stepping())
		return;
	trace_step(s_shrink_begin, (u64)s, nid, n->nr_partial);
	for (slab = empty; slab; slab = slab->next)
		trace_step(s_shrink, (u64)s, page_to_pfn(slab), counters_inuse(slab->counters), 0,
			   i++);
	i = 0;
	list_for_each_entry(slab, &n->partial, lru)
		trace_step(s_shrink, (u64)s, page_to_pfn(slab), counters_inuse(slab->counters), 1,
			   i++);
}

/* Give back a node's empty slabs and sort its partial list. */
void slub_shrink_node(struct kmem_cache *s, struct kmem_cache_node *n, u32 nid)
{
	struct page *empty;
	u32 sorted, discarded;

	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	empty = sort_partial(n, &sorted);
	show_sorted(s, n, nid, empty);
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	discarded = discard_chain(s, empty);
	trace3(slab_shrink, sorted, discarded, nid);
}

/* Give back all empty slabs of a cache and sort its partial lists. */
void slub_cache_shrink(struct kmem_cache *s)
{
	flush_all(s);
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		struct kmem_cache_node *n = s->node[nid];

		if (n)
			slub_shrink_node(s, n, nid);
	}
}

/* ---- destroying ---- */

/* Give back a node's empty slabs; true when none is left. */
static bool free_node_slabs(struct kmem_cache *s, struct kmem_cache_node *n)
{
	struct page *slab, *following, *empty = NULL;

	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	list_for_each_entry_safe(slab, following, &n->partial, lru) {
		if (counters_inuse(READ_ONCE(slab->counters)))
			continue;
		slub_remove_partial(n, slab);
		slab->next = empty;
		empty = slab;
	}
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	discard_chain(s, empty);
	return !READ_ONCE(n->nr_slabs);
}

static bool free_all_slabs(struct kmem_cache *s)
{
	bool all = true;

	flush_all(s);
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++)
		if (s->node[nid] && !free_node_slabs(s, s->node[nid]))
			all = false;
	return all;
}

/* Count one user of the cache less; true for the last. Nothing merges into a dying cache. */
static bool drop_reference(struct kmem_cache *s)
{
	bool last;

	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	last = --s->refcount == 0;
	if (last)
		s->refcount = -1;
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	return last;
}

/*
 * Give a slab cache back, or one alias of it. A cache that still has objects
 * stays, as in the kernel. slab_mutex is not held while other CPUs flush: a
 * CPU waiting for it could not do that work.
 */
void slub_cache_destroy(struct kmem_cache *s)
{
	bool unlink;

	trace0(kmem_cache_destroy);
	if (!drop_reference(s))
		return;
	unlink = free_all_slabs(s);
	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	if (unlink)
		list_del(&s->list);
	else
		s->refcount = 0;
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	/* a recording shows what a worker frees after the grace period */
	if (!unlink || (stepping() && (s->flags & SLAB_TYPESAFE_BY_RCU)))
		return;
	slub_free_nodes(s);
	slub_cache_free(kdata->kmem_cache, s);
}
