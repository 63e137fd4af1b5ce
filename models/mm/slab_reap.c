/*
 * slab_reap.c - SLAB: taking back what CPUs and nodes hold.
 *
 * Every two seconds each CPU looks over all slab caches: an array that was not
 * used since the last look loses a fifth of its limit, the oldest objects
 * first; a node whose free slabs were not needed loses some of them. Shrinking
 * takes back everything that is free; destroying does so before the cache
 * itself goes.
 *
 * Behaviour: Linux 6.1 (cache_reap, drain_array, drain_freelist, __kmem_cache_shrink).
 */
#include "models/mm/slab.h"

#define NS_PER_JIFFY (1000000000ul / HZ)

/* ---- arrays ---- */

/* Free the oldest count objects of an array; under list_lock. Returns slabs to destroy. */
static struct page *drain_oldest(struct slab_cache *s, struct slab_node *n, struct array_cache *ac,
				 u32 count, int nid)
{
	struct page *empty = slab_free_block(s, n, ac->entry, count, nid);

	slab_drop_oldest(ac, count);
	return empty;
}

/* Part of an array that nobody touched since the last time. */
static void drain_array(struct slab_cache *s, struct slab_node *n, struct array_cache *ac, int nid)
{
	struct page *empty;
	u32 avail = ac ? READ_ONCE(ac->avail) : 0, count;

	if (!avail)
		return;
	if (READ_ONCE(ac->touched)) {
		WRITE_ONCE(ac->touched, 0);
		trace_step(l_untouch, (u64)s, avail, (u64)(s64)nid);
		return;
	}
	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	avail = READ_ONCE(ac->avail);
	count = (READ_ONCE(ac->limit) + 4) / 5;
	if (count > avail)
		count = (avail + 1) / 2;
	if (count)
		trace_step(l_drain_array, (u64)s, count, avail, 0);
	empty = count ? drain_oldest(s, n, ac, count, nid) : NULL;
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	trace2(ac_drain_array, avail - count, count);
	slab_destroy_chain(s, empty);
}

/* ---- free slabs ---- */

/* Destroy up to most free slabs of a node, the longest unused first. */
static void drain_freelist(struct slab_cache *s, struct slab_node *n, u32 most)
{
	u32 freed, num;

	for (freed = 0; freed < most && !list_empty(&n->slabs_free); freed++) {
		struct page *slab = NULL;

		spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
		if (!list_empty(&n->slabs_free)) {
			slab = list_last_entry(&n->slabs_free, struct page, lru);
			list_del(&slab->lru);
			n->free_slabs--;
			n->total_slabs--;
			num = READ_ONCE(s->num);
			n->free_objects -= num;
			trace_step(l_drain_freelist, (u64)s, page_to_pfn(slab), n->free_objects, most);
		}
		spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
		if (!slab)
			break;
		WRITE_ONCE(slab->next, NULL);
		slab_destroy_chain(s, slab);
	}
	if (freed)
		trace1(ac_drain_freelist, freed);
}

/* ---- the reaper ---- */

/* Empty this CPU's node's array of objects of another node, unless it is busy. */
void slab_reap_alien(struct slab_cache *s, struct slab_node *n, u32 nid)
{
	struct alien_cache **aliens = READ_ONCE(n->alien);
	struct alien_cache *alien = aliens ? READ_ONCE(aliens[nid]) : NULL;
	struct page *empty;

	if (!alien || !READ_ONCE(alien->ac.avail))
		return;
	local_irq_save();
	if (spin_trylock(&alien->lock, LOCK_POLICY)) {
		empty = slab_drain_alien(s, &alien->ac, (int)nid);
		spin_unlock(&alien->lock, LOCK_POLICY);
		local_irq_restore();
		slab_destroy_chain(s, empty);
	} else {
		local_irq_restore();
	}
}

/* What one cache holds for the node: its shared array, free slabs that nobody needed. */
void slab_reap_node(struct slab_cache *s, struct slab_node *n, int nid)
{
	u32 num = READ_ONCE(s->num);

	drain_array(s, n, READ_ONCE(n->shared), nid);
	trace_step(l_reap, (u64)s, n->free_touched, n->free_objects, n->free_limit);
	if (READ_ONCE(n->free_touched))
		WRITE_ONCE(n->free_touched, 0);
	else
		drain_freelist(s, n, (READ_ONCE(n->free_limit) + 5 * num - 1) / (5 * num));
}

static bool node_is_due(struct slab_node *n, u64 now)
{
	if ((s64)(READ_ONCE(n->next_reap) - now) > 0)
		return false;
	WRITE_ONCE(n->next_reap, now + NODE_REAP_JIFFIES);
	return true;
}

/* What one cache holds for this CPU. */
void slab_reap_array(struct slab_cache *s, struct slab_node *n, int nid)
{
	drain_array(s, n, this_cpu_ptr(READ_ONCE(s->cpu_cache)), nid);
}

static void next_reap_node(void)
{
	u32 *node = this_cpu_ptr(READ_ONCE(kdata->slab_reap_node));
	u32 next = READ_ONCE(*node);

	do
		next = (next + 1) % READ_ONCE(kdata->nr_node_ids);
	while (!READ_ONCE(kdata->node_data[next]));
	WRITE_ONCE(*node, next);
}

/* One pass of this CPU over all slab caches, newest first; not while caches are created. */
void slab_reap(u64 now_ns)
{
	u64 now = now_ns / NS_PER_JIFFY;
	int nid = (int)numa_node_id();
	struct list_head *pos;
	u32 caches = 0;

	WRITE_ONCE(kdata->jiffies, now);
	if (READ_ONCE(kdata->slab_state) != SLAB_FULL || !spin_trylock(&kdata->slab_mutex, LOCK_SLAB_MUTEX))
		return;
	for (pos = READ_ONCE(kdata->slab_caches.next); pos != &kdata->slab_caches; pos = READ_ONCE(pos->next)) {
		struct slab_cache *s = list_entry(pos, struct slab_cache, list);
		struct slab_node *n = READ_ONCE(s->node[nid]);
		u32 *alien_nid = this_cpu_ptr(READ_ONCE(kdata->slab_reap_node));

		slab_reap_alien(s, n, READ_ONCE(*alien_nid));
		slab_reap_array(s, n, nid);
		if (node_is_due(n, now))
			slab_reap_node(s, n, nid);
		caches++;
	}
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	next_reap_node();
	trace1(ac_reap, caches);
}

/* ---- shrinking ---- */

/* Empty this CPU's array. */
void slab_drain_this_cpu(void *cache)
{
	struct slab_cache *s = cache;
	struct array_cache *ac = this_cpu_ptr(READ_ONCE(s->cpu_cache));
	int nid = (int)numa_node_id();
	struct slab_node *n = READ_ONCE(s->node[nid]);
	struct page *empty;

	trace_step(l_do_drain, (u64)s, ac->avail);
	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	empty = slab_free_block(s, n, ac->entry, READ_ONCE(ac->avail), nid);
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	WRITE_ONCE(ac->avail, 0);
	slab_destroy_chain(s, empty);
}

static void drain_aliens(struct slab_cache *s, struct slab_node *n)
{
	struct alien_cache **aliens = READ_ONCE(n->alien);

	for (u32 nid = 0; aliens && nid < READ_ONCE(kdata->nr_node_ids); nid++) {
		struct alien_cache *alien = READ_ONCE(aliens[nid]);
		struct page *empty;

		if (!alien)
			continue;
		spin_lock_irqsave(&alien->lock, LOCK_POLICY);
		empty = slab_drain_alien(s, &alien->ac, (int)nid);
		spin_unlock_irqrestore(&alien->lock, LOCK_POLICY);
		slab_destroy_chain(s, empty);
	}
}

static void drain_shared(struct slab_cache *s, struct slab_node *n, int nid)
{
	struct page *empty = NULL;
	struct array_cache *shared;
	u32 avail;

	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	shared = READ_ONCE(n->shared);
	avail = shared ? READ_ONCE(shared->avail) : 0;
	if (avail) {
		trace_step(l_drain_array, (u64)s, avail, avail, 1);
		empty = drain_oldest(s, n, shared, avail, nid);
	}
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	slab_destroy_chain(s, empty);
}

/* Everything that CPUs, aliens and shared arrays hold goes back to the slabs. */
static void drain_arrays(struct slab_cache *s)
{
	u32 this_cpu = smp_processor_id(), nr = READ_ONCE(kdata->nr_cpu_ids);

	for (u32 cpu = 0; cpu < nr; cpu++) {
		struct array_cache *ac = cpu_array(READ_ONCE(s->cpu_cache), cpu);

		if (!READ_ONCE(ac->avail) && !stepping())
			continue;
		if (cpu == this_cpu)
			slab_drain_this_cpu(s);
		else if (!stepping()) /* a recording shows each CPU's part by itself */
			kms_run_on_cpu(cpu, slab_drain_this_cpu, s);
	}
	for (u32 nid = 0; nid < READ_ONCE(kdata->nr_node_ids); nid++)
		if (READ_ONCE(s->node[nid]))
			drain_aliens(s, READ_ONCE(s->node[nid]));
	for (u32 nid = 0; nid < READ_ONCE(kdata->nr_node_ids); nid++)
		if (READ_ONCE(s->node[nid]))
			drain_shared(s, READ_ONCE(s->node[nid]), (int)nid);
}

/* Give all free slabs back; true when no slab is left. */
static bool shrink(struct slab_cache *s)
{
	bool all = true;

	drain_arrays(s);
	for (u32 nid = 0; nid < READ_ONCE(kdata->nr_node_ids); nid++) {
		struct slab_node *n = READ_ONCE(s->node[nid]);

		if (!n)
			continue;
		drain_freelist(s, n, INT32_MAX);
		if (!list_empty(&n->slabs_full) || !list_empty(&n->slabs_partial))
			all = false;
	}
	return all;
}

void slab_cache_shrink(struct kmem_cache *s)
{
	shrink(to_slab_cache(s));
}

/* ---- destroying ---- */

/* Count one user of the cache less; true for the last. Nothing merges into a dying cache. */
static bool drop_reference(struct slab_cache *s)
{
	bool last;
	s32 left;

	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	left = READ_ONCE(s->refcount) - 1;
	last = left == 0;
	WRITE_ONCE(s->refcount, last ? -1 : left);
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	return last;
}

/*
 * Give a slab cache back, or one alias of it. A cache that still has objects
 * stays, as in the kernel. slab_mutex is not held while other CPUs drain.
 */
void slab_cache_destroy(struct kmem_cache *cache)
{
	struct slab_cache *s = to_slab_cache(cache);
	bool unlink;

	trace0(kmem_cache_destroy);
	if (!drop_reference(s))
		return;
	unlink = shrink(s);
	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	if (unlink)
		list_del(&s->list);
	else
		WRITE_ONCE(s->refcount, 0);
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	if (!unlink)
		return;
	slab_release_cache(s);
	slab_cache_free(kdata->kmem_cache, s);
}
