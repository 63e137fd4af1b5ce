/*
 * shrinker.c - slab objects that their owner can give back: shrink_slab().
 *
 * Directory entries, inodes and the like live in slab caches until somebody
 * needs the memory. Their owner registers a shrinker for each kind of object
 * (mm.h) and frees some when told to. Reclaim of a node (vmscan.c) asks every
 * shrinker for a part of its objects that doubles from priority to priority, in
 * batches; what does not fill a batch is left for the next time.
 *
 * Behaviour: Linux 6.1 (mm/vmscan.c), without memory cgroups.
 */
#include "models/mm/reclaim.h"

#define DEFAULT_SEEKS 2u
#define SHRINK_BATCH 128u

s32 register_shrinker(u32 seeks, u32 batch)
{
	u32 n = kdata->nr_shrinkers, i;

	if (n == NR_SHRINKERS)
		return -1;
	kdata->shrinkers[n].seeks = seeks == SEEKS_DEFAULT ? DEFAULT_SEEKS : seeks;
	kdata->shrinkers[n].batch = batch ? batch : SHRINK_BATCH;
	for (i = 0; i < MAX_NUMNODES; i++)
		kdata->shrinkers[n].nr_deferred[i] = 0;
	WRITE_ONCE(kdata->nr_shrinkers, n + 1);
	return (s32)n;
}

/* Slab pages of the node, with what this CPU has not yet added to its counters. */
static s64 node_slab_pages(struct pglist_data *pgdat)
{
	struct per_cpu_nodestat *stat =
		this_cpu_ptr((struct per_cpu_nodestat __percpu *)pgdat->per_cpu_nodestats);

	return READ_ONCE(pgdat->vm_stat[NR_SLAB_RECLAIMABLE_B]) +
	       READ_ONCE(pgdat->vm_stat[NR_SLAB_UNRECLAIMABLE_B]) +
	       READ_ONCE(stat->vm_node_stat_diff[NR_SLAB_RECLAIMABLE_B]) +
	       READ_ONCE(stat->vm_node_stat_diff[NR_SLAB_UNRECLAIMABLE_B]);
}

/*
 * How many objects a pass is to look at, of so many that could be freed: four of
 * 2^priority, by how many seeks one costs to make again; half, if none.
 */
static u64 new_work(const struct shrinker *s, u64 freeable, s32 priority)
{
	u32 seeks = READ_ONCE(s->seeks);

	return seeks ? (freeable >> priority) * 4 / seeks : freeable / 2;
}

/* One shrinker, one node; objects freed. */
static u64 do_shrink_slab(u32 id, u32 nid, s32 priority)
{
	struct shrinker *s = &kdata->shrinkers[id];
	u64 freeable = kms_shrink_count(id, nid), batch = READ_ONCE(s->batch);
	u64 deferred, delta, total, scanned = 0, freed = 0;

	if (!freeable)
		return 0;
	deferred = __atomic_exchange_n(&s->nr_deferred[nid], 0, __ATOMIC_SEQ_CST);
	delta = new_work(s, freeable, priority);
	total = min((deferred >> priority) + delta, 2 * freeable);
	while (total >= batch || total >= freeable) {
		u64 n = min(batch, total), got;

		if (!n)
			break;
		got = kms_shrink_scan(id, nid, n);
		if (got == SHRINK_STOP)
			break;
		freed += got;
		count_vm_events(SLABS_SCANNED, n);
		total -= n;
		scanned += n;
		kms_cond_resched();
	}
	deferred += delta;
	deferred = deferred > scanned ? min(deferred - scanned, 2 * freeable) : 0;
	__atomic_fetch_add(&s->nr_deferred[nid], deferred, __ATOMIC_SEQ_CST);
	trace3(mm_shrink_slab, id, scanned, freed);
	return freed;
}

/* All shrinkers for a node at a priority, 0 the most urgent; pages that the slab layer gave back. */
u64 shrink_slab(struct pglist_data *pgdat, s32 priority)
{
	u32 n = READ_ONCE(kdata->nr_shrinkers), i;
	s64 before, after;

	if (likely(!n))
		return 0;
	before = node_slab_pages(pgdat);
	for (i = 0; i < n; i++) {
		do_shrink_slab(i, (u32)pgdat->node_id, priority);
		kms_cond_resched();
	}
	after = node_slab_pages(pgdat);
	return before > after ? (u64)(before - after) : 0;
}
