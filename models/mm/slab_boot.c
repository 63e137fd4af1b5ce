/*
 * slab_boot.c - SLAB: how the layer brings itself up.
 *
 * The cache of caches and the size class of slab_node structures come first,
 * with nodes that lie in per-CPU memory until they can be allocated. All
 * arrays hold one object until slab_init_late().
 *
 * Behaviour: Linux 6.1 (kmem_cache_init, kmem_cache_init_late).
 */
#include "models/mm/slab.h"

#define INDEX_NODE 7 /* size class of struct slab_node: 128 bytes */
#define LARGE_MACHINE (32ul << 20) /* bytes of RAM beyond which slabs may have order 1 */

/* ---- nodes before there is an allocator ---- */

static struct slab_node *boot_nodes(void)
{
	return (struct slab_node *)(kdata->per_cpu_offset[0] + (u64)kdata->slab_reap_node);
}

/* which: 0 for the cache of caches, 1 for the size class of nodes. */
struct slab_node *slab_boot_node(int nid, u32 which)
{
	return boot_nodes() + which * kdata->nr_node_ids + (u32)nid;
}

static void move_list(struct list_head *from, struct list_head *to)
{
	INIT_LIST_HEAD(to);
	list_splice_init(from, to);
}

/* Move a cache's boot nodes into objects of their own. */
static void move_boot_nodes(struct slab_cache *s)
{
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		struct slab_node *from = s->node[nid], *n;

		if (!from)
			continue;
		n = slab_kmalloc(sizeof(*n), GFP_NOWAIT, (int)nid);
		BUG_ON(!n);
		memcpy(n, from, sizeof(*n));
		move_list(&from->slabs_partial, &n->slabs_partial);
		move_list(&from->slabs_full, &n->slabs_full);
		move_list(&from->slabs_free, &n->slabs_free);
		s->node[nid] = n;
	}
}

/* ---- caches of the layer itself ---- */

static void create_boot_cache(struct slab_cache *s, u64 name, u32 size, u32 flags, u32 usersize)
{
	u32 align = size & (size - 1) ? ARCH_KMALLOC_MINALIGN : max((u32)ARCH_KMALLOC_MINALIGN, size);
	bool opened;

	s->name = BOOT_NAME | name;
	s->size = size;
	s->object_size = size;
	s->align = calculate_alignment(flags, align, size);
	s->usersize = usersize;
	s->refcount = -1;
	opened = slab_open_cache(s, flags);
	BUG_ON(!opened);
}

static struct slab_cache *create_kmalloc_cache(u32 type, u32 index)
{
	struct slab_cache *s = slab_alloc_node(to_slab_cache(kdata->kmem_cache),
					       GFP_NOWAIT | __GFP_ZERO, NUMA_NO_NODE);
	u32 size = kmalloc_index_size(index), flags = SLAB_KMALLOC | SLAB_HWCACHE_ALIGN;

	BUG_ON(!s);
	if (type == KMALLOC_RECLAIM)
		flags |= SLAB_RECLAIM_ACCOUNT;
	else if (type == KMALLOC_DMA)
		flags |= SLAB_CACHE_DMA;
	create_boot_cache(s, BOOT_NAME_KMALLOC(type, index), size, flags, size);
	list_add(&s->list, &kdata->slab_caches);
	s->refcount = 1;
	kdata->kmalloc_caches[type][index] = to_kmem_cache(s);
	return s;
}

static void create_missing(u32 type, u32 index)
{
	if (!kdata->kmalloc_caches[type][index])
		create_kmalloc_cache(type, index);
}

/* In order of size: 96 comes after 64, 192 after 128. */
static void create_kmalloc_caches(void)
{
	for (u32 type = 0; type < NR_KMALLOC_TYPES; type++) {
		for (u32 shift = SLAB_KMALLOC_SHIFT_LOW; shift <= KMALLOC_SHIFT_HIGH; shift++) {
			create_missing(type, shift);
			if (shift == 6)
				create_missing(type, 1);
			else if (shift == 7)
				create_missing(type, 2);
		}
	}
}

/* The smallest class is 32 bytes. */
static void setup_size_index(void)
{
	setup_kmalloc_cache_index_table();
	for (u32 i = 0; i < (1u << SLAB_KMALLOC_SHIFT_LOW) / 8; i++)
		kdata->kmalloc_size_index[i] = SLAB_KMALLOC_SHIFT_LOW;
}

/* ---- bootstrap ---- */

static u64 managed_bytes(void)
{
	u64 pages = 0;

	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++)
		for (u32 i = 0; kdata->node_data[nid] && i < MAX_NR_ZONES; i++)
			pages += kdata->node_data[nid]->node_zones[i].managed_pages;
	return pages * PAGE_SIZE;
}

static void init_globals(void)
{
	u32 max_order = kms_tunable(TUNE_SLAB_MAX_ORDER);

	kdata->slab_policy = SLAB_POLICY_SLAB;
	kdata->slab_state = SLAB_DOWN;
	kdata->slab_max_order = max_order != TUNE_UNSET ? max_order : managed_bytes() > LARGE_MACHINE ? 1 : 0;
	kdata->use_alien_caches = kdata->nr_node_ids > 1 && !kms_tunable(TUNE_NOALIENCACHE);
	INIT_LIST_HEAD(&kdata->slab_caches);
}

/* The word that says whose alien cache comes next; starts behind the CPU's own node. */
static void init_reap_nodes(void)
{
	kdata->slab_reap_node = __alloc_percpu(sizeof(u32), sizeof(u32));
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		*per_cpu_ptr(kdata->slab_reap_node, cpu) = (cpu_to_node(cpu) + 1) % kdata->nr_node_ids;
}

/* Bring the slab layer up, on the first CPU, once pages can be allocated. */
void slab_init(void)
{
	struct slab_cache *caches = to_slab_cache(&kdata->boot_kmem_cache), *nodes;
	u64 boot_bytes = 2 * kdata->nr_node_ids * sizeof(struct slab_node);
	u32 cache_bytes = (u32)(offsetof(struct slab_cache, node) +
				kdata->nr_node_ids * sizeof(struct slab_node *));

	init_globals();
	kdata->boot_cpu_apart = 1;
	kdata->slab_reap_node = __alloc_percpu(boot_bytes, 8); /* boot_nodes(), for now */
	BUG_ON(!kdata->slab_reap_node);
	kdata->kmem_cache = to_kmem_cache(caches);
	create_boot_cache(caches, BOOT_NAME_KMEM_CACHE, cache_bytes, SLAB_HWCACHE_ALIGN, 0);
	list_add(&caches->list, &kdata->slab_caches);
	kdata->slab_state = SLAB_PARTIAL;
	nodes = create_kmalloc_cache(KMALLOC_NORMAL, INDEX_NODE);
	kdata->slab_state = SLAB_PARTIAL_NODE;
	setup_size_index();
	move_boot_nodes(caches);
	move_boot_nodes(nodes);
	free_percpu(kdata->slab_reap_node, boot_bytes);
	init_reap_nodes();
	create_kmalloc_caches();
	kdata->slab_state = SLAB_UP;
}

/*
 * Begin in the middle, without caches: whoever restores a recorded state enters
 * them. Arrays are made in full size from here on.
 */
void slab_enter_running(void)
{
	init_globals();
	setup_size_index();
	init_reap_nodes();
	kdata->kmem_cache = &kdata->boot_kmem_cache;
	kdata->slab_state = SLAB_FULL;
}

/* Real arrays for every cache there is. */
void slab_init_late(void)
{
	struct list_head *pos;

	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	for (pos = kdata->slab_caches.next; pos != &kdata->slab_caches; pos = READ_ONCE(pos->next)) {
		bool enabled = slab_enable_arrays(list_entry(pos, struct slab_cache, list), GFP_NOWAIT);

		BUG_ON(!enabled);
	}
	kdata->slab_state = SLAB_FULL;
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
}

/*
 * Prepare for one more CPU of a node, which may then keep more free objects.
 * The CPU joins its node later, when it runs: the limit is that of the CPUs
 * before it, as in the kernel.
 */
void slab_cpu_prepare(u32 cpu)
{
	struct list_head *pos;

	kdata->boot_cpu_apart = 0; /* the first CPU has long been identified */
	if (kdata->slab_state != SLAB_FULL)
		return;
	spin_lock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
	for (pos = kdata->slab_caches.next; pos != &kdata->slab_caches; pos = READ_ONCE(pos->next))
		slab_setup_node(list_entry(pos, struct slab_cache, list), (int)cpu_to_node(cpu), GFP_KERNEL, false);
	spin_unlock(&kdata->slab_mutex, LOCK_SLAB_MUTEX);
}
