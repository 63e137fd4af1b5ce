/*
 * slab_cache.c - SLAB: the geometry of slab caches, their creation, and the
 * sizes of their arrays.
 *
 * Where the array of indices goes decides how many objects fit: into one of
 * the free objects, into memory of its own, or, if both fail, at the end of
 * the slab.
 *
 * Behaviour: Linux 6.1 (__kmem_cache_create, calculate_slab_order,
 * enable_cpucache, do_tune_cpucache).
 */
#include "models/mm/slab.h"

#define SLAB_NEVER_MERGE                                                                           \
	(SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE | SLAB_TYPESAFE_BY_RCU |       \
	 SLAB_NOLEAKTRACE)
#define SLAB_MERGE_SAME                                                                            \
	(SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_ACCOUNT)

/* ---- geometry ---- */

/* Can the index arrays of num objects be kmalloc objects that are not too large beside a slab? */
static bool off_slab_possible(const struct slab_cache *s, u32 num)
{
	u32 index = kmalloc_index(num), half = READ_ONCE(s->size) / 2;
	struct slab_cache *class = to_slab_cache(READ_ONCE(kdata->kmalloc_caches[KMALLOC_NORMAL][index]));

	if (!class || (READ_ONCE(class->flags) & CFLGS_OFF_SLAB))
		return false;
	return READ_ONCE(class->size) <= half;
}

/*
 * The lowest order with little waste; sets num and gfporder, num 0 when no
 * order will do. place: CFLGS_OBJFREELIST, CFLGS_OFF_SLAB, or 0 for the slab's
 * end. Returns the bytes that are left over.
 */
static u64 calculate_slab_order(struct slab_cache *s, u32 size, u32 flags, u32 place)
{
	u64 left = 0, each = place ? size : size + 1;
	u32 max_order = READ_ONCE(kdata->slab_max_order);

	WRITE_ONCE(s->num, 0);
	for (u32 order = 0; order < MAX_ORDER; order++) {
		u64 bytes = PAGE_SIZE << order, num = bytes / each;

		if (!num)
			continue;
		if (num > SLAB_MAX_OBJECTS)
			break;
		if (place == CFLGS_OFF_SLAB && !off_slab_possible(s, (u32)num))
			continue;
		WRITE_ONCE(s->num, (u32)num);
		WRITE_ONCE(s->gfporder, order);
		left = bytes % each;
		if ((flags & SLAB_RECLAIM_ACCOUNT) || order >= max_order || left * 8 <= bytes)
			break;
	}
	return left;
}

/* Returns the place of the index array, or ~0 when a slab cannot hold an object. */
static u32 place_index_array(struct slab_cache *s, u32 size, u32 flags, u64 *left)
{
	u32 num;

	if (!READ_ONCE(s->ctor) && !(flags & SLAB_TYPESAFE_BY_RCU)) {
		*left = calculate_slab_order(s, size, flags, CFLGS_OBJFREELIST);
		num = READ_ONCE(s->num);
		if (num && num <= READ_ONCE(s->object_size))
			return CFLGS_OBJFREELIST;
	}
	if (!(flags & SLAB_NOLEAKTRACE)) {
		*left = calculate_slab_order(s, size, flags, CFLGS_OFF_SLAB);
		num = READ_ONCE(s->num);
		if (num && *left < num)
			return CFLGS_OFF_SLAB;
	}
	*left = calculate_slab_order(s, size, flags, 0);
	return READ_ONCE(s->num) ? 0 : ~0u;
}

static gfp_t slab_allocflags(u32 flags)
{
	gfp_t gfp = __GFP_COMP;

	if (flags & SLAB_CACHE_DMA)
		gfp |= __GFP_DMA;
	if (flags & SLAB_CACHE_DMA32)
		gfp |= __GFP_DMA32;
	return flags & SLAB_RECLAIM_ACCOUNT ? gfp | __GFP_RECLAIMABLE : gfp;
}

static bool calculate_sizes(struct slab_cache *s, u32 flags)
{
	u32 align = max(READ_ONCE(s->align), (u32)sizeof(void *)), size = READ_ONCE(s->size), place;
	u32 colour_off = max(align, (u32)SMP_CACHE_BYTES);
	u64 left = 0;

	WRITE_ONCE(s->align, align);
	WRITE_ONCE(s->colour_off, colour_off);
	size = ALIGN(size, (u32)sizeof(void *));
	size = ALIGN(size, align);
	if (size < 16)
		size = ALIGN(16u, align);
	place = place_index_array(s, size, flags, &left);
	if (place == ~0u)
		return false;
	WRITE_ONCE(s->colour, left / colour_off);
	WRITE_ONCE(s->freelist_size, READ_ONCE(s->num));
	WRITE_ONCE(s->flags, flags | place);
	WRITE_ONCE(s->allocflags, slab_allocflags(flags));
	WRITE_ONCE(s->size, size);
	WRITE_ONCE(s->reciprocal, reciprocal_value(size));
	return true;
}

/* ---- arrays ---- */

static void init_array(struct array_cache *ac, u32 limit, u32 batch)
{
	WRITE_ONCE(ac->avail, 0);
	WRITE_ONCE(ac->limit, limit);
	WRITE_ONCE(ac->batchcount, batch);
	WRITE_ONCE(ac->touched, 0);
}

static struct array_cache __percpu *alloc_cpu_arrays(u32 entries, u32 batch)
{
	struct array_cache __percpu *arrays = __alloc_percpu(array_bytes(entries), sizeof(void *));

	u32 nr = READ_ONCE(kdata->nr_cpu_ids);

	for (u32 cpu = 0; arrays && cpu < nr; cpu++)
		init_array(cpu_array(arrays, cpu), entries, batch);
	return arrays;
}

static struct array_cache *alloc_shared_array(struct slab_cache *s, int nid, gfp_t gfp)
{
	u32 shared = READ_ONCE(s->shared), entries = shared * READ_ONCE(s->batchcount);
	struct array_cache *ac = slab_kmalloc(array_bytes(entries), gfp, nid);

	if (ac)
		init_array(ac, entries, SHARED_BATCHCOUNT);
	return ac;
}

static void free_aliens(struct alien_cache **aliens)
{
	u32 nodes = READ_ONCE(kdata->nr_node_ids);

	for (u32 i = 0; aliens && i < nodes; i++)
		slab_kfree(READ_ONCE(aliens[i]));
	slab_kfree(aliens);
}

/* One array for each other node; NULL when memory is out. */
static struct alien_cache **alloc_aliens(struct slab_cache *s, int nid, gfp_t gfp)
{
	u32 nodes = READ_ONCE(kdata->nr_node_ids), limit = min(READ_ONCE(s->limit), 2u);
	struct alien_cache **aliens = slab_kmalloc(nodes * sizeof(void *), gfp | __GFP_ZERO, nid);

	limit = limit > 1 ? ALIEN_LIMIT : limit;
	for (u32 i = 0; aliens && i < nodes; i++) {
		struct alien_cache *alien;

		if ((int)i == nid || !READ_ONCE(kdata->node_data[i]))
			continue;
		alien = slab_kmalloc(sizeof(struct alien_cache) + limit * sizeof(void *), gfp, nid);
		WRITE_ONCE(aliens[i], alien);
		if (!alien) {
			free_aliens(aliens);
			return NULL;
		}
		WRITE_ONCE(alien->lock.slock, 0);
		init_array(&alien->ac, limit, SHARED_BATCHCOUNT);
	}
	return aliens;
}

/* ---- per-node parts ---- */

static u64 next_reap_after(const struct slab_cache *s)
{
	/* Spread by the address that the cache has in the kernel's direct map. */
	u64 address = (u64)s - PAGE_OFFSET + 0xffff888000000000ul;

	return READ_ONCE(kdata->jiffies) + NODE_REAP_JIFFIES + address % NODE_REAP_JIFFIES;
}

void slab_node_init(struct slab_cache *s, struct slab_node *n)
{
	memset(n, 0, sizeof(*n));
	INIT_LIST_HEAD(&n->slabs_full);
	INIT_LIST_HEAD(&n->slabs_partial);
	INIT_LIST_HEAD(&n->slabs_free);
	WRITE_ONCE(n->next_reap, next_reap_after(s));
}

/*
 * A booting CPU 0 joins its node when the kernel has looked at what it can do,
 * after ACPI's early start and before the process ids' cache is made.
 */
static u32 online_cpus_of(int nid)
{
	u32 n = 0, nr = READ_ONCE(kdata->nr_cpu_ids);

	if (READ_ONCE(kdata->slab_state) != SLAB_FULL)
		return 0;
	for (u32 cpu = READ_ONCE(kdata->boot_cpu_apart); cpu < nr; cpu++)
		if (READ_ONCE(kdata->cpu_online[cpu]) && READ_ONCE(kdata->cpu_to_node[cpu]) == nid)
			n++;
	return n;
}

/*
 * The node's structure with its limit of free objects; NULL when memory is out.
 */
static struct slab_node *init_cache_node(struct slab_cache *s, int nid, gfp_t gfp)
{
	u32 shares = 1 + online_cpus_of(nid), batch = READ_ONCE(s->batchcount);
	u32 free_limit = shares * batch + READ_ONCE(s->num);
	struct slab_node *n = READ_ONCE(s->node[nid]);

	if (n) {
		spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
		WRITE_ONCE(n->free_limit, free_limit);
		spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
		return n;
	}
	n = slab_kmalloc(sizeof(*n), gfp, nid);
	if (!n)
		return NULL;
	slab_node_init(s, n);
	WRITE_ONCE(n->free_limit, free_limit);
	WRITE_ONCE(s->node[nid], n);
	return n;
}

/* Hand a node its arrays; what it does not take is left in *shared and *aliens. */
static void install_arrays(struct slab_cache *s, struct slab_node *n, int nid, bool replace,
			   struct array_cache **shared, struct alien_cache ***aliens)
{
	struct array_cache *old, *new = *shared;
	struct page *empty = NULL;

	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	old = READ_ONCE(n->shared);
	if (old && replace) {
		empty = slab_free_block(s, n, old->entry, READ_ONCE(old->avail), nid);
		WRITE_ONCE(old->avail, 0);
	}
	if (!old || replace) {
		WRITE_ONCE(n->shared, new);
		*shared = old;
	}
	if (!READ_ONCE(n->alien)) {
		WRITE_ONCE(n->alien, *aliens);
		*aliens = NULL;
	}
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	slab_destroy_chain(s, empty);
}

/*
 * A cache's structure, shared array and alien arrays on one node. replace: a
 * shared array that is there already gives way to one of the present size.
 */
bool slab_setup_node(struct slab_cache *s, int nid, gfp_t gfp, bool replace)
{
	struct alien_cache **aliens = NULL;
	struct array_cache *shared = NULL;
	struct slab_node *n = NULL;
	bool ready = true;

	if (READ_ONCE(kdata->use_alien_caches)) {
		aliens = alloc_aliens(s, nid, gfp);
		ready = aliens != NULL;
	}
	if (ready && READ_ONCE(s->shared)) {
		shared = alloc_shared_array(s, nid, gfp);
		ready = shared != NULL;
	}
	if (ready)
		n = init_cache_node(s, nid, gfp);
	if (n)
		install_arrays(s, n, nid, replace, &shared, &aliens);
	slab_kfree(shared);
	free_aliens(aliens);
	return n != NULL;
}

static bool setup_nodes(struct slab_cache *s, gfp_t gfp)
{
	int nodes = (int)READ_ONCE(kdata->nr_node_ids);

	for (int nid = 0; nid < nodes; nid++)
		if (READ_ONCE(kdata->node_data[nid]) && !slab_setup_node(s, nid, gfp, true))
			return false;
	return true;
}

/* ---- sizes of arrays ---- */

/* The old per-CPU arrays are out of use: their objects go back to their slabs. */
static void retire_cpu_arrays(struct slab_cache *s, struct array_cache __percpu *old)
{
	u64 bytes = array_bytes(READ_ONCE(cpu_array(old, 0)->limit));
	u32 nr = READ_ONCE(kdata->nr_cpu_ids);

	for (u32 cpu = 0; cpu < nr; cpu++) {
		struct array_cache *ac = cpu_array(old, cpu);
		int nid = READ_ONCE(kdata->cpu_to_node[cpu]);
		struct slab_node *n = READ_ONCE(s->node[nid]);
		struct page *empty;

		if (!READ_ONCE(kdata->cpu_online[cpu]))
			continue;
		spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
		empty = slab_free_block(s, n, ac->entry, READ_ONCE(ac->avail), nid);
		spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
		slab_destroy_chain(s, empty);
	}
	free_percpu(old, bytes);
}

/* Change a cache's array sizes; false when memory is out. */
static bool tune_arrays(struct slab_cache *s, u32 limit, u32 batch, u32 shared, gfp_t gfp)
{
	struct array_cache __percpu *arrays = alloc_cpu_arrays(limit, batch), *old = READ_ONCE(s->cpu_cache);

	if (!arrays)
		return false;
	WRITE_ONCE(s->cpu_cache, arrays);
	WRITE_ONCE(s->batchcount, batch);
	WRITE_ONCE(s->limit, limit);
	WRITE_ONCE(s->shared, shared);
	if (old)
		retire_cpu_arrays(s, old);
	return setup_nodes(s, gfp);
}

static u32 limit_for(u32 size)
{
	if (size > 131072)
		return 1;
	if (size > PAGE_SIZE)
		return 8;
	if (size > 1024)
		return 24;
	return size > 256 ? 54 : 120;
}

static u32 unless_tuned(enum kms_tunable tunable, u32 normal)
{
	u32 value = kms_tunable(tunable);

	return value == TUNE_UNSET ? normal : value;
}

/* Its array, and the one of one object that it may have had before. */
u64 slab_percpu_bytes(u32 object_size)
{
	return array_bytes(unless_tuned(TUNE_SLAB_LIMIT, limit_for(object_size))) + array_bytes(1);
}

/* Give a cache arrays of the size that fits its objects, or that the parameters say. */
bool slab_enable_arrays(struct slab_cache *s, gfp_t gfp)
{
	u32 size = READ_ONCE(s->size), limit = limit_for(size);
	u32 shared = READ_ONCE(kdata->nr_cpu_ids) > 1 && size <= PAGE_SIZE ? 8 : 0;
	u32 batch;

	limit = unless_tuned(TUNE_SLAB_LIMIT, limit);
	batch = min(unless_tuned(TUNE_SLAB_BATCHCOUNT, (limit + 1) / 2), limit);
	shared = unless_tuned(TUNE_SLAB_SHARED, shared);
	return tune_arrays(s, limit, batch, shared, gfp);
}

/* Before all size classes work: arrays of one object, nodes as far as they can be had. */
bool slab_setup_boot_arrays(struct slab_cache *s)
{
	u32 which = kdata->slab_state == SLAB_DOWN ? 0 : 1;

	s->cpu_cache = alloc_cpu_arrays(1, 1);
	s->limit = 1;
	s->batchcount = 1;
	for (int nid = 0; nid < (int)kdata->nr_node_ids; nid++) {
		struct slab_node *n;

		if (!kdata->node_data[nid])
			continue;
		if (kdata->slab_state == SLAB_DOWN || kdata->slab_state == SLAB_PARTIAL)
			n = slab_boot_node(nid, which);
		else
			n = slab_kmalloc(sizeof(*n), GFP_NOWAIT, nid);
		if (!n)
			return false;
		slab_node_init(s, n);
		s->node[nid] = n;
	}
	return s->cpu_cache != NULL;
}

/* ---- creation ---- */

/* Give back what a cache consists of, itself not; it has no slabs. */
void slab_release_cache(struct slab_cache *s)
{
	struct array_cache __percpu *arrays = READ_ONCE(s->cpu_cache);
	u32 nodes = READ_ONCE(kdata->nr_node_ids);

	if (arrays)
		free_percpu(arrays, array_bytes(READ_ONCE(s->limit)));
	for (u32 nid = 0; nid < nodes; nid++) {
		struct slab_node *n = READ_ONCE(s->node[nid]);

		if (!n)
			continue;
		slab_kfree(READ_ONCE(n->shared));
		free_aliens(READ_ONCE(n->alien));
		slab_kfree(n);
		WRITE_ONCE(s->node[nid], NULL);
	}
}

/* Complete a described cache. False: impossible geometry, or memory is out. */
bool slab_open_cache(struct slab_cache *s, u32 flags)
{
	if (!calculate_sizes(s, flags))
		return false;
	if (READ_ONCE(kdata->slab_state) == SLAB_FULL)
		return slab_enable_arrays(s, GFP_KERNEL);
	return slab_setup_boot_arrays(s);
}

static struct slab_cache *create_new(const struct kmem_cache_args *args)
{
	struct slab_cache *cache = to_slab_cache(READ_ONCE(kdata->kmem_cache)), *s;

	s = slab_alloc_node(cache, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE);
	if (!s)
		return NULL;
	WRITE_ONCE(s->name, args->name);
	WRITE_ONCE(s->size, args->size);
	WRITE_ONCE(s->object_size, args->size);
	WRITE_ONCE(s->align, calculate_alignment(args->flags, args->align, args->size));
	WRITE_ONCE(s->ctor, args->ctor);
	WRITE_ONCE(s->useroffset, args->useroffset);
	WRITE_ONCE(s->usersize, args->usersize);
	WRITE_ONCE(s->refcount, 1);
	if (!slab_open_cache(s, args->flags)) {
		slab_release_cache(s);
		slab_cache_free(to_kmem_cache(cache), s);
		return NULL;
	}
	list_add(&s->list, &kdata->slab_caches);
	trace_step(cache_new, (u64)s);
	return s;
}

/* ---- merging ---- */

static bool unmergeable(const struct slab_cache *s)
{
	return (READ_ONCE(s->flags) & SLAB_NEVER_MERGE) || READ_ONCE(s->ctor) || READ_ONCE(s->usersize) ||
	       READ_ONCE(s->refcount) < 0;
}

/* As in every slab layer, and the alignment must be a multiple of what is asked for. */
static bool fits_into(const struct slab_cache *s, u32 flags, u32 size, u32 align)
{
	u32 stride = READ_ONCE(s->size);

	return size <= stride && (READ_ONCE(s->flags) & SLAB_MERGE_SAME) == (flags & SLAB_MERGE_SAME) &&
	       !(stride & (align - 1)) && stride - size < sizeof(void *) && READ_ONCE(s->align) % align == 0;
}

/* The oldest slab cache that could hold the new one's objects as well, or NULL. */
static struct slab_cache *find_cache_to_merge(const struct kmem_cache_args *args)
{
	u32 size = ALIGN(args->size, (u32)sizeof(void *));
	u32 align = calculate_alignment(args->flags, args->align, size);
	struct list_head *pos;

	if (READ_ONCE(kdata->slab_nomerge) || args->ctor || args->usersize || (args->flags & SLAB_NEVER_MERGE))
		return NULL;
	size = ALIGN(size, align);
	for (pos = READ_ONCE(kdata->slab_caches.prev); pos != &kdata->slab_caches; pos = READ_ONCE(pos->prev)) {
		struct slab_cache *s = list_entry(pos, struct slab_cache, list);

		if (!unmergeable(s) && fits_into(s, args->flags, size, align))
			return s;
	}
	return NULL;
}

/* A slab cache for the arguments: an existing one that fits, or a new one; NULL when there is none. */
struct kmem_cache *slab_cache_create(const struct kmem_cache_args *args)
{
	struct slab_cache *s;
	bool merged;

	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	s = find_cache_to_merge(args);
	merged = s != NULL;
	if (merged) {
		u32 object_size = READ_ONCE(s->object_size);

		s->refcount++;
		WRITE_ONCE(s->object_size, max(object_size, args->size));
		trace_step(cache_alias, (u64)s);
	} else {
		s = create_new(args);
	}
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	trace1(kmem_cache_create, merged);
	return to_kmem_cache(s);
}
