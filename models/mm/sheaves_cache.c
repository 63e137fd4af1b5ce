/*
 * sheaves_cache.c - SLUB with sheaves: which slab caches have them, and what
 * creating, flushing, shrinking and destroying these means.
 *
 * sheaf_caches "6.18": the caches whose creator asks for sheaves
 * (kmem_cache_args.sheaf_capacity). "all": as in 7.0, every cache but the two
 * that SLUB boots with, with a capacity that depends on the object size.
 * Sheaf_capacity overrides either; a cache with debugging flags has none. What
 * 7.0 takes away in exchange, the CPU slab and the CPU partial slabs, stays.
 *
 * Behaviour: Linux 6.18 (slub.md 12).
 */
#include "models/mm/sheaves.h"

/* ---- capacity ---- */

static u32 bucket_bytes(u64 bytes)
{
	return kmalloc_index_size(kmalloc_index(bytes));
}

/* As in 7.0: by object size, then as many as the sheaf's own kmalloc object holds. */
static u32 capacity_by_size(u32 size)
{
	u32 capacity = 60;

	if (size >= PAGE_SIZE)
		capacity = 4;
	else if (size >= 1024)
		capacity = 12;
	else if (size >= 256)
		capacity = 26;
	return (bucket_bytes(sizeof(struct slab_sheaf) + capacity * sizeof(void *)) -
		(u32)sizeof(struct slab_sheaf)) / (u32)sizeof(void *);
}

/* 0: no sheaves. wanted: what the creator asks for. */
static u32 sheaf_capacity(u32 size, u32 flags, u32 wanted)
{
	bool all = kms_tunable(TUNE_SHEAF_CACHES) == SHEAF_CACHES_ALL;
	u32 given = kms_tunable(TUNE_SHEAF_CAPACITY);

	if ((slub_debug_flags(flags) & SLAB_DEBUG_FLAGS) || !given || (!all && !wanted))
		return 0;
	if (given != TUNE_UNSET)
		return given;
	return all ? capacity_by_size(size) : wanted;
}

/* ---- creation ---- */

static bool add_barns(struct kmem_cache *s)
{
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		struct kmem_cache_node *n = s->node[nid];

		if (!n)
			continue;
		container_of(n, struct barn_cache_node, n)->barn = new_barn((int)nid);
		if (!node_barn(s, nid))
			return false;
	}
	return true;
}

static bool add_main_sheaves(struct kmem_cache *s)
{
	u32 capacity = s->sheaf_capacity;

	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		struct slab_sheaf *sheaf = alloc_empty_sheaf(s, GFP_KERNEL, capacity);

		cpu_sheaves(s, cpu)->main = sheaf;
		if (!sheaf)
			return false;
	}
	return true;
}

/* Free what the cache has of sheaves, all of them empty, and make it a plain SLUB cache. */
static void remove_sheaves(struct kmem_cache *s)
{
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		struct slab_sheaf *sheaf = cpu_sheaves(s, cpu)->main;

		if (sheaf)
			free_empty_sheaf(sheaf);
	}
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		struct node_barn *barn = node_barn(s, nid);

		if (barn)
			slub_kfree(barn);
	}
	free_percpu((void __percpu *)(u64)s->cpu_sheaves, sizeof(struct slub_percpu_sheaves));
	WRITE_ONCE(s->cpu_sheaves, 0);
}

/* False: memory is out; the cache is then one without sheaves. */
static bool add_sheaves(struct kmem_cache *s, u32 capacity)
{
	void __percpu *pcs = __alloc_percpu(sizeof(struct slub_percpu_sheaves),
					    sizeof(struct slub_percpu_sheaves));

	if (!pcs)
		return false;
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++)
		if (s->node[nid])
			container_of(s->node[nid], struct barn_cache_node, n)->barn = NULL;
	s->sheaf_capacity = capacity;
	WRITE_ONCE(s->cpu_sheaves, (u32)(u64)pcs);
	if (likely(add_barns(s) && add_main_sheaves(s)))
		return true;
	remove_sheaves(s);
	return false;
}

/* A cache with sheaves is never merged. */
struct kmem_cache *sheaves_cache_create(const struct kmem_cache_args *args)
{
	u32 capacity = sheaf_capacity(ALIGN(args->size, 8u), args->flags, args->sheaf_capacity);
	struct kmem_cache_args own;
	struct kmem_cache *s;

	if (!capacity)
		return slub_cache_create(args);
	memcpy(&own, args, sizeof(own));
	own.flags |= SLAB_NO_MERGE;
	s = slub_cache_create(&own);
	if (s && unlikely(!add_sheaves(s, capacity))) {
		slub_cache_destroy(s);
		return NULL;
	}
	return s;
}

/* Bring the layer up as SLUB does; then the kmalloc caches get their sheaves, if they are to have any. */
void sheaves_init(void)
{
	slub_bootstrap(sizeof(struct barn_cache_node));
	if (kms_tunable(TUNE_SHEAF_CACHES) != SHEAF_CACHES_ALL)
		return;
	for (u32 type = 0; type < NR_KMALLOC_TYPES; type++) {
		for (u32 i = 0; i <= KMALLOC_SHIFT_HIGH; i++) {
			struct kmem_cache *s = kdata->kmalloc_caches[type][i];
			u32 capacity = s ? sheaf_capacity(s->size, s->flags, 0) : 0;
			bool added = !capacity || add_sheaves(s, capacity);

			BUG_ON(!added);
		}
	}
}

/* ---- flushing ---- */

/* This CPU's sheaves and slabs of the cache: the spare sheaf first, then the main one. */
static void flush_this_cpu(void *arg)
{
	struct kmem_cache *s = arg;
	struct slub_percpu_sheaves *pcs = this_cpu_sheaves(s);
	struct slab_sheaf *spare, *rcu_free;
	bool flushed = pcs_trylock(pcs);

	BUG_ON(!flushed); /* the CPU is between two operations */
	spare = READ_ONCE(pcs->spare);
	rcu_free = READ_ONCE(pcs->rcu_free);
	WRITE_ONCE(pcs->spare, NULL);
	WRITE_ONCE(pcs->rcu_free, NULL);
	pcs_unlock(pcs);
	if (spare) {
		flush_sheaf(s, spare);
		free_empty_sheaf(spare);
	}
	if (rcu_free) {
		flush_sheaf(s, rcu_free);
		free_empty_sheaf(rcu_free);
	}
	flushed = flush_main_sheaf(s);
	BUG_ON(!flushed);
	slub_flush_cpu(s, this_cpu_ptr(READ_ONCE(s->cpu_slab)));
}

static bool cpu_holds_objects(const struct kmem_cache *s, u32 cpu)
{
	const struct kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, cpu);
	const struct slub_percpu_sheaves *pcs = cpu_sheaves(s, cpu);

	return READ_ONCE(c->slab) || READ_ONCE(c->partial) || READ_ONCE(pcs->spare) ||
	       READ_ONCE(pcs->rcu_free) || READ_ONCE(READ_ONCE(pcs->main)->size);
}

static void flush_all(struct kmem_cache *s)
{
	u32 this_cpu = smp_processor_id();

	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		if (!cpu_holds_objects(s, cpu))
			continue;
		if (cpu == this_cpu)
			flush_this_cpu(s);
		else
			kms_run_on_cpu(cpu, flush_this_cpu, s);
	}
}

/* ---- shrinking and destroying ---- */

static void empty_barns(struct kmem_cache *s)
{
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		struct node_barn *barn = node_barn(s, nid);

		if (barn)
			barn_shrink(s, barn);
	}
}

/* Give back all sheaves but the main ones, all empty slabs, and sort the partial lists. */
void sheaves_cache_shrink(struct kmem_cache *s)
{
	if (!has_sheaves(s)) {
		slub_cache_shrink(s);
		return;
	}
	flush_all(s);
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		struct node_barn *barn = node_barn(s, nid);

		if (barn) {
			barn_shrink(s, barn);
			slub_shrink_node(s, READ_ONCE(s->node[nid]), nid);
		}
	}
}

/* A cache that still has objects stays, as in SLUB, but without sheaves. */
void sheaves_cache_destroy(struct kmem_cache *s)
{
	if (has_sheaves(s)) {
		flush_all(s);
		empty_barns(s);
		remove_sheaves(s);
	}
	slub_cache_destroy(s);
}
