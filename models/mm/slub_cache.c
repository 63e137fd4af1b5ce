/*
 * slub_cache.c - SLUB: the geometry of slab caches, their creation, and how
 * the layer brings itself up.
 *
 * kmem_cache structures and their per-node parts are objects of two slab
 * caches, which therefore start as static structures whose first slab is
 * carved up by hand, and move into objects of their own as soon as they work.
 *
 * Behaviour: Linux 6.1 (calculate_sizes, calculate_order, bootstrap).
 */
#include "models/mm/slub.h"

/* With these the kernel changes freelist and counters under a lock. */
#define SLAB_NO_CMPXCHG (SLAB_CONSISTENCY_CHECKS | SLAB_STORE_USER | SLAB_TRACE)

#define SLAB_DEBUG_METADATA (SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

/* ---- geometry ---- */

/* Lowest order whose slab wastes at most 1/fraction of itself; max_order + 1: none. */
static u32 slab_order(u32 size, u32 min_objects, u32 max_order, u32 fraction)
{
	u32 least = READ_ONCE(kdata->slub_min_order);
	u32 order = max(least, (u32)get_order((u64)min_objects * size));

	if ((PAGE_SIZE << least) / size > MAX_OBJS_PER_PAGE)
		return (u32)get_order((u64)size * MAX_OBJS_PER_PAGE) - 1;
	for (; order <= max_order; order++) {
		u64 bytes = PAGE_SIZE << order;

		if (bytes % size <= bytes / fraction)
			return order;
	}
	return max_order + 1;
}

/* More CPUs, more objects in a slab: fewer trips to the shared lists. */
static u32 wanted_objects(void)
{
	u32 wanted = READ_ONCE(kdata->slub_min_objects);

	if (wanted)
		return wanted;
	return 4 * ((u32)fls(READ_ONCE(kdata->nr_cpu_ids)) + 1);
}

/* Since 6.8: the order that holds the wanted objects is the least that is looked at. */
static u32 order_for_objects(u32 size, u32 max_order, u32 objects)
{
	u32 lowest = READ_ONCE(kdata->slub_min_order);
	u32 least = max(lowest, (u32)get_order((u64)objects * size));

	for (u32 fraction = 16; fraction > 1; fraction /= 2) {
		for (u32 order = least; order <= max_order; order++) {
			u64 bytes = PAGE_SIZE << order;

			if (bytes % size <= bytes / fraction)
				return order;
		}
	}
	return max_order + 1;
}

/* Fewer objects rather than more waste, down to two. */
static u32 order_with_fewer(u32 size, u32 max_order, u32 most_objects)
{
	for (u32 objects = most_objects; objects > 1; objects--) {
		for (u32 fraction = 16; fraction >= 4; fraction /= 2) {
			u32 order = slab_order(size, objects, max_order, fraction);

			if (order <= max_order)
				return order;
		}
	}
	return max_order + 1;
}

/*
 * Order of a cache's slabs; MAX_ORDER or more when no slab could hold an
 * object. Tries to hold many objects with little waste, then gives way on
 * waste, then on the number of objects, then on the order.
 */
static u32 calculate_order(u32 size)
{
	u32 max_order = READ_ONCE(kdata->slub_max_order), order, wanted = wanted_objects();
	u32 most = (u32)((PAGE_SIZE << max_order) / size), objects = min(wanted, max(most, 1u));

	if (kms_tunable(TUNE_SLAB_ORDER) == SLAB_ORDER_6_8)
		order = order_for_objects(size, max_order, objects);
	else
		order = order_with_fewer(size, max_order, objects);
	if (order <= max_order)
		return order;
	order = slab_order(size, 1, max_order, 1);
	if (order <= max_order)
		return order;
	return slab_order(size, 1, MAX_ORDER, 1);
}

static void set_min_partial(struct kmem_cache *s)
{
	u32 given = kms_tunable(TUNE_MIN_PARTIAL);
	u64 half_log = (u64)ilog2(READ_ONCE(s->size)) / 2;

	s->min_partial = max((u64)MIN_PARTIAL, min((u64)MAX_PARTIAL, half_log));
	if (given != TUNE_UNSET)
		s->min_partial = given;
}

/* By size of object: 4096 and more, 1024, 256, less. */
static u32 size_step(u32 size)
{
	return size >= PAGE_SIZE ? 0 : size >= 1024 ? 1 : size >= 256 ? 2 : 3;
}

/*
 * How many free objects a CPU may keep in partial slabs: in slabs, guessing
 * them half full; or, as before 5.16, counted when a slab joins the chain
 * (cpu_partial_slabs is 0 then).
 */
static void set_cpu_partial(struct kmem_cache *s)
{
	const u8 in_slabs[] = { 6, 24, 52, 120 }, in_objects[] = { 2, 6, 13, 30 };
	bool by_objects = kms_tunable(TUNE_CPU_PARTIAL_LIMIT) == CPU_PARTIAL_OBJECTS;
	u32 step = size_step(READ_ONCE(s->size)), objects = by_objects ? in_objects[step] : in_slabs[step];
	u32 given = kms_tunable(TUNE_CPU_PARTIAL);

	if (!kdata->slub_cpu_partial || cache_debug(s))
		objects = 0;
	else if (given != TUNE_UNSET)
		objects = given;
	s->cpu_partial = objects;
	s->cpu_partial_slabs = by_objects ? 0 : DIV_ROUND_UP(objects * 2, oo_objects(s->oo));
}

static gfp_t slab_allocflags(u32 flags, u32 order)
{
	gfp_t gfp = order ? __GFP_COMP : 0;

	if (flags & SLAB_CACHE_DMA)
		gfp |= __GFP_DMA;
	if (flags & SLAB_CACHE_DMA32)
		gfp |= __GFP_DMA32;
	return flags & SLAB_RECLAIM_ACCOUNT ? gfp | __GFP_RECLAIMABLE : gfp;
}

/* Stride, free pointer, order. */
static bool calculate_sizes(struct kmem_cache *s)
{
	u32 size = slub_object_layout(s), order;

	s->size = size;
	order = calculate_order(size);
	if (order >= MAX_ORDER)
		return false;
	s->allocflags = slab_allocflags(s->flags, order);
	s->oo = oo_make(order, size);
	s->min = oo_make((u32)get_order(size), size);
	return oo_objects(s->oo) != 0;
}

/* ---- per-node and per-CPU parts ---- */

static void init_node(struct kmem_cache_node *n)
{
	n->nr_partial = 0;
	n->list_lock.slock = 0;
	INIT_LIST_HEAD(&n->partial);
	n->nr_slabs = 0;
	n->total_objects = 0;
	INIT_LIST_HEAD(&n->full);
}

/*
 * The first kmem_cache_node structures come before any cache works: the first
 * object of a fresh slab, whose other objects are left on the node's list.
 */
static bool early_node_alloc(struct kmem_cache *s, int nid)
{
	struct page *slab = slub_new_slab(s, GFP_NOWAIT, nid);
	struct kmem_cache_node *n;
	u32 objects;

	if (!slab)
		return false;
	objects = counters_objects(slab->counters);
	n = slab->freelist;
	slab->freelist = get_freepointer(s, n);
	slab->counters = counters_make(1, objects, false);
	s->node[nid] = n;
	if (unlikely(s->flags & SLAB_DEBUG_FLAGS))
		slub_debug_early_object(s, n);
	init_node(n);
	n->nr_slabs = 1;
	n->total_objects = objects;
	trace_step(early_node_alloc, (u64)s, page_to_pfn(slab), (u64)n, (u64)nid);
	slub_add_partial(n, slab, false);
	return true;
}

/* Free the per-node and per-CPU parts of a cache. */
void slub_free_nodes(struct kmem_cache *s)
{
	if (s->cpu_slab)
		free_percpu(s->cpu_slab, sizeof(struct kmem_cache_cpu));
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		struct kmem_cache_node *n = s->node[nid];

		s->node[nid] = NULL;
		if (n)
			slub_cache_free(kdata->kmem_cache_node, n);
	}
}

static bool alloc_nodes(struct kmem_cache *s)
{
	for (int nid = 0; nid < (int)kdata->nr_node_ids; nid++) {
		struct kmem_cache_node *n;

		if (!node_has_slabs(nid))
			continue;
		if (kdata->slab_state == SLAB_DOWN) {
			if (!early_node_alloc(s, nid))
				return false;
			continue;
		}
		n = slub_alloc_node(kdata->kmem_cache_node, GFP_KERNEL, nid);
		if (!n)
			return false;
		init_node(n);
		s->node[nid] = n;
	}
	return true;
}

static bool alloc_cpu_slabs(struct kmem_cache *s)
{
	s->cpu_slab = __alloc_percpu(sizeof(struct kmem_cache_cpu), 2 * sizeof(void *));
	if (!s->cpu_slab)
		return false;
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		per_cpu_ptr(s->cpu_slab, cpu)->tid = cpu;
	return true;
}

/* With slub_debug's letter O: do debug options make the smallest slab larger? */
static bool metadata_costs_order(const struct kmem_cache *s)
{
	return (kms_tunable(TUNE_SLUB_DEBUG) & SLUB_DEBUG_SAME_ORDER) &&
	       get_order(s->size) > get_order(s->object_size);
}

/* Complete a described kmem_cache. False: impossible geometry, or memory is out. */
static bool open_cache(struct kmem_cache *s, u32 flags)
{
	flags = slub_debug_flags(flags);
	s->flags = flags | (flags & SLAB_NO_CMPXCHG ? 0 : SLAB_CMPXCHG_DOUBLE);
	if (!calculate_sizes(s))
		return false;
	if (metadata_costs_order(s)) {
		s->flags &= ~SLAB_DEBUG_METADATA;
		if (!calculate_sizes(s))
			return false;
	}
	set_min_partial(s);
	set_cpu_partial(s);
	s->remote_node_defrag_ratio = 10 * kms_tunable(TUNE_REMOTE_NODE_DEFRAG_RATIO);
	return alloc_nodes(s) && alloc_cpu_slabs(s);
}

/* ---- creation ---- */

static struct kmem_cache *create_new(const struct kmem_cache_args *args)
{
	struct kmem_cache *s = slub_cache_alloc(kdata->kmem_cache, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE);

	if (!s)
		return NULL;
	kmem_cache_describe(s, args);
	if (!open_cache(s, args->flags)) {
		slub_free_nodes(s);
		slub_cache_free(kdata->kmem_cache, s);
		return NULL;
	}
	list_add(&s->list, &kdata->slab_caches);
	trace_step(cache_new, (u64)s);
	return s;
}

/* One more user of a cache of the same shape; its objects may get longer, never its stride. */
static void merge_into(struct kmem_cache *s, u32 size)
{
	s->refcount++;
	s->object_size = max(s->object_size, size);
	s->inuse = max(s->inuse, ALIGN(size, (u32)sizeof(void *)));
	trace_step(cache_alias, (u64)s);
}

/* A slab cache for the arguments: an existing one that fits, or a new one; NULL when there is none. */
struct kmem_cache *slub_cache_create(const struct kmem_cache_args *args)
{
	struct kmem_cache *s;
	bool merged;

	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	/* what is marked so keeps apart; F alone does not */
	s = kms_tunable(TUNE_SLUB_DEBUG) & SLAB_DEBUG_METADATA ? NULL : find_mergeable(args);
	merged = s != NULL;
	if (merged)
		merge_into(s, args->size);
	else
		s = create_new(args);
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	trace2(kmem_cache_create, merged, s);
	return s;
}

/* ---- bootstrap ---- */

/*
 * A cache the layer itself needs, in memory given by the caller. Power-of-two
 * objects are aligned to their size. The kernel cannot run without these.
 */
static void create_boot_cache(struct kmem_cache *s, u64 name, u32 size, u32 flags, u32 usersize)
{
	bool opened;

	s->name = BOOT_NAME | name;
	s->size = size;
	s->object_size = size;
	s->align = calculate_alignment(flags, size & (size - 1) ? ARCH_KMALLOC_MINALIGN : size, size);
	s->usersize = usersize;
	s->refcount = -1;
	opened = open_cache(s, flags);
	BUG_ON(!opened);
	trace_step(cache_boot, (u64)s);
}

/* Move a static boot cache into an object of its own. */
static struct kmem_cache *move_boot_cache(struct kmem_cache *from)
{
	struct kmem_cache *s = slub_cache_alloc(kdata->kmem_cache, GFP_NOWAIT | __GFP_ZERO, NUMA_NO_NODE);
	struct page *slab;

	BUG_ON(!s);
	memcpy(s, from, kdata->kmem_cache->object_size);
	slub_flush_cpu(s, this_cpu_ptr(s->cpu_slab));
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		if (!s->node[nid])
			continue;
		list_for_each_entry(slab, &s->node[nid]->partial, lru)
			slab->slab_cache = s;
		if (!(s->flags & SLAB_STORE_USER))
			continue;
		list_for_each_entry(slab, &s->node[nid]->full, lru)
			slab->slab_cache = s;
	}
	list_add(&s->list, &kdata->slab_caches);
	trace_step(cache_bootstrap, (u64)s);
	return s;
}

static void create_kmalloc_cache(u32 type, u32 index)
{
	struct kmem_cache *s = slub_cache_alloc(kdata->kmem_cache, GFP_NOWAIT | __GFP_ZERO, NUMA_NO_NODE);
	u32 size = kmalloc_index_size(index), flags = SLAB_KMALLOC;

	BUG_ON(!s);
	if (type == KMALLOC_RECLAIM)
		flags |= SLAB_RECLAIM_ACCOUNT;
	else if (type == KMALLOC_DMA)
		flags |= SLAB_CACHE_DMA;
	create_boot_cache(s, BOOT_NAME_KMALLOC(type, index), size, flags, size);
	list_add(&s->list, &kdata->slab_caches);
	s->refcount = 1;
	kdata->kmalloc_caches[type][index] = s;
}

/* In order of size: 96 comes after 64, 192 after 128. */
static void create_kmalloc_caches(void)
{
	for (u32 type = 0; type < NR_KMALLOC_TYPES; type++) {
		for (u32 shift = KMALLOC_SHIFT_LOW; shift <= KMALLOC_SHIFT_HIGH; shift++) {
			create_kmalloc_cache(type, shift);
			if (shift == 6)
				create_kmalloc_cache(type, 1);
			else if (shift == 7)
				create_kmalloc_cache(type, 2);
		}
	}
}

/*
 * Bring the slab layer up, on the first CPU, once pages can be allocated.
 * node_bytes: of the objects of the cache kmem_cache_node, which a layer above
 * may want larger.
 */
void slub_bootstrap(u32 node_bytes)
{
	struct kmem_cache *nodes = &kdata->boot_kmem_cache_node, *caches = &kdata->boot_kmem_cache;
	u32 cache_bytes = (u32)(offsetof(struct kmem_cache, node) +
				kdata->nr_node_ids * sizeof(struct kmem_cache_node *));

	kdata->slab_state = SLAB_DOWN;
	kdata->slab_policy = SLAB_POLICY_SLUB;
	INIT_LIST_HEAD(&kdata->slab_caches);
	kdata->kmem_cache = caches;
	kdata->kmem_cache_node = nodes;
	create_boot_cache(nodes, BOOT_NAME_KMEM_CACHE_NODE, node_bytes, SLAB_HWCACHE_ALIGN, 0);
	kdata->slab_state = SLAB_PARTIAL;
	create_boot_cache(caches, BOOT_NAME_KMEM_CACHE, cache_bytes, SLAB_HWCACHE_ALIGN, 0);
	kdata->kmem_cache = move_boot_cache(caches);
	kdata->kmem_cache_node = move_boot_cache(nodes);
	setup_kmalloc_cache_index_table();
	create_kmalloc_caches();
	kdata->slab_state = SLAB_UP;
}

void slub_init(void)
{
	slub_bootstrap(sizeof(struct kmem_cache_node));
}
