/*
 * inspect_slab_slab.c - SLAB's slab caches seen from outside, uncharged.
 *
 * Compiled without instrumentation. Every slab is on a list of its node, so
 * everything can be counted; totals come from the node's counters, which the
 * invariants hold against the lists.
 */
#include <string.h>

#include "models/mm/inspect_internal.h"
#include "models/mm/inspect_slab.h"
#include "models/mm/slab.h"

/* ---- the table ---- */

static u64 alien_objects(const struct slab_node *n)
{
	u64 objects = 0;

	for (u32 i = 0; n->alien && i < kdata->nr_node_ids; i++)
		if (n->alien[i])
			objects += n->alien[i]->ac.avail;
	return objects;
}

static void count_node(const struct slab_cache *s, const struct slab_node *n, struct mm_cache_info *info)
{
	const struct list_head *pos;

	info->slabs += n->total_slabs;
	info->objects += n->total_slabs * s->num;
	info->free_partial += n->free_objects;
	if (n->shared)
		info->free_cpu += n->shared->avail;
	info->free_cpu += alien_objects(n);
	list_for_each(pos, &n->slabs_partial)
		info->partial_slabs++;
}

void slab_describe(const struct list_head *link, struct mm_cache_info *info)
{
	struct slab_cache *s = list_entry(link, struct slab_cache, list);

	*info = (struct mm_cache_info){
		.cache = to_kmem_cache(s),
		.name = s->name & ~BOOT_NAME,
		.boot_cache = (s->name & BOOT_NAME) != 0,
		.object_size = s->object_size,
		.size = s->size,
		.align = s->align,
		.order = s->gfporder,
		.objects_per_slab = s->num,
		.refcount = (u32)s->refcount,
		.flags = s->flags & ~(CFLGS_OBJFREELIST | CFLGS_OFF_SLAB),
	};
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++)
		if (s->node[nid])
			count_node(s, s->node[nid], info);
	for (u32 cpu = 0; s->cpu_cache && cpu < kdata->nr_cpu_ids; cpu++)
		info->free_cpu += per_cpu_ptr(s->cpu_cache, cpu)->avail;
	info->inuse = info->objects - info->free_cpu - info->free_partial;
	info->slab_pages = info->slabs << s->gfporder;
}

/* One object of the layer's own, if it lies in a slab. */
static void add_metadata(const void *object, u64 count, struct mm_cache_info *infos, u32 n)
{
	const struct page *slab;

	if (!object || !count)
		return;
	slab = virt_to_head_page(object);
	for (u32 i = 0; (slab->flags & PG_slab) && i < n; i++)
		if (infos[i].cache == slab->slab_cache)
			infos[i].metadata += count;
}

/* Index arrays outside slabs: one per slab, all in the same size class. */
static void add_index_arrays(const struct slab_node *n, struct mm_cache_info *infos, u32 nr)
{
	const struct list_head *const lists[] = { &n->slabs_full, &n->slabs_partial, &n->slabs_free };

	for (u32 i = 0; i < ARRAY_SIZE(lists); i++) {
		if (lists[i]->next == lists[i])
			continue;
		add_metadata(list_entry(lists[i]->next, struct page, lru)->freelist, n->total_slabs, infos, nr);
		return;
	}
}

void slab_count_metadata(const struct list_head *link, struct mm_cache_info *infos, u32 nr)
{
	const struct slab_cache *s = list_entry(link, struct slab_cache, list);

	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		const struct slab_node *n = s->node[nid];

		if (!n)
			continue;
		add_metadata(n, (u64)n >= PAGE_OFFSET, infos, nr);
		add_metadata(n->shared, 1, infos, nr);
		add_metadata(n->alien, 1, infos, nr);
		for (u32 i = 0; n->alien && i < kdata->nr_node_ids; i++)
			add_metadata(n->alien[i], 1, infos, nr);
		if (s->flags & CFLGS_OFF_SLAB)
			add_index_arrays(n, infos, nr);
	}
}

/* ---- invariants ---- */

/* Objects in arrays, to find one that is in two; emptied again after each cache. */
#define SEEN_SLOTS (1u << 16)
static const void *seen[SEEN_SLOTS];

struct check {
	const struct slab_cache *s;
	struct kms_error *err;
	u32 cached; /* entries of seen[] */
};

static int broken(const struct check *check, const struct page *slab, const char *what)
{
	const char *boot = check->s->name & BOOT_NAME ? mm_boot_cache_name(check->s->name & ~BOOT_NAME) : NULL;
	unsigned long long pfn = slab ? page_to_pfn(slab) : 0;

	if (boot)
		return kms_fail(check->err, KMS_EFAIL, "slab cache %s, slab pfn %llx: %s", boot, pfn, what);
	return kms_fail(check->err, KMS_EFAIL, "slab cache id %llu, slab pfn %llx: %s",
			(unsigned long long)check->s->name, pfn, what);
}

static int check_index_array(const struct check *check, const struct page *slab)
{
	const struct slab_cache *s = check->s;
	const u8 *index = slab->freelist;
	u64 used[4] = { 0 };

	if (!index)
		return slab->active == s->num && (s->flags & CFLGS_OBJFREELIST) ?
			       0 : broken(check, slab, "slab with free objects has no index array");
	for (u32 i = slab->active; i < s->num; i++) {
		if (index[i] >= s->num)
			return broken(check, slab, "index of a free object is out of range");
		if (used[index[i] / 64] >> (index[i] % 64) & 1)
			return broken(check, slab, "object is free twice");
		used[index[i] / 64] |= 1ull << (index[i] % 64);
	}
	return 0;
}

static int check_one_slab(const struct check *check, const struct page *slab, u32 nid)
{
	const struct slab_cache *s = check->s;
	u64 shift = (u64)slab->s_mem - (u64)page_address(slab);

	if (slab->lru.next->prev != &slab->lru || slab->lru.prev->next != &slab->lru)
		return broken(check, slab, "slab list is torn");
	if (!(slab->flags & PG_slab))
		return broken(check, slab, "page is not marked as a slab");
	if (slab->slab_cache != to_kmem_cache((struct slab_cache *)s))
		return broken(check, slab, "slab belongs to another slab cache");
	if (slab->flags >> PAGE_NODE_SHIFT != nid)
		return broken(check, slab, "slab is on another node's list");
	if (shift % s->colour_off || (shift && shift / s->colour_off >= s->colour) ||
	    shift + (u64)s->num * s->size > PAGE_SIZE << s->gfporder)
		return broken(check, slab, "objects do not fit into the slab");
	if (slab->active > s->num)
		return broken(check, slab, "more objects in use than there are");
	return check_index_array(check, slab);
}

enum list_kind { LIST_FULL, LIST_PARTIAL, LIST_FREE };

/* One of a node's lists; *slabs and *free count up. */
static int check_list(const struct check *check, u32 nid, const struct list_head *head, enum list_kind kind,
		      u64 *slabs, u64 *free)
{
	const struct page *slab;
	int err;

	list_for_each_entry(slab, head, lru) {
		enum list_kind is = slab->active == check->s->num ? LIST_FULL :
				    slab->active		  ? LIST_PARTIAL : LIST_FREE;

		err = check_one_slab(check, slab, nid);
		if (err)
			return err;
		if (is != kind)
			return broken(check, slab, "slab is on the wrong one of its node's lists");
		++*slabs;
		*free += check->s->num - slab->active;
	}
	return 0;
}

static int check_node(const struct check *check, u32 nid)
{
	const struct slab_node *n = check->s->node[nid];
	u64 slabs = 0, free_slabs = 0, free = 0;
	int err;

	if (n->list_lock.slock)
		return broken(check, NULL, "list_lock is held between operations");
	err = check_list(check, nid, &n->slabs_free, LIST_FREE, &free_slabs, &free);
	if (!err)
		err = check_list(check, nid, &n->slabs_full, LIST_FULL, &slabs, &free);
	if (!err)
		err = check_list(check, nid, &n->slabs_partial, LIST_PARTIAL, &slabs, &free);
	if (err)
		return err;
	if (free_slabs != n->free_slabs)
		return broken(check, NULL, "free_slabs differs from the list's length");
	if (slabs + free_slabs != n->total_slabs)
		return broken(check, NULL, "total_slabs differs from the lists' length");
	return free == n->free_objects ? 0 : broken(check, NULL, "free_objects differs from what the slabs hold");
}

/* An object in an array is, to its slab, in use. */
static int check_cached_object(struct check *check, const void *object, s32 nid)
{
	const struct slab_cache *s = check->s;
	const struct page *slab = virt_to_head_page(object);
	u64 offset = (u64)object - (u64)slab->s_mem;
	const u8 *index = slab->freelist;
	u32 slot = (u32)((u64)object >> 3) * 2654435761u >> 16;

	if (!(slab->flags & PG_slab) || slab->slab_cache != to_kmem_cache((struct slab_cache *)s))
		return broken(check, slab, "array holds an object of another slab cache");
	if (offset % s->size || offset / s->size >= s->num)
		return broken(check, slab, "array holds what is no object's address");
	if (nid >= 0 && slab->flags >> PAGE_NODE_SHIFT != (u64)nid)
		return broken(check, slab, "array holds an object of another node");
	for (u32 i = slab->active; i < s->num; i++)
		if (index[i] == offset / s->size)
			return broken(check, slab, "object in an array is free in its slab as well");
	if (check->cached > SEEN_SLOTS / 2)
		return 0;
	for (; seen[slot]; slot = (slot + 1) % SEEN_SLOTS)
		if (seen[slot] == object)
			return broken(check, slab, "object is in arrays twice");
	seen[slot] = object;
	check->cached++;
	return 0;
}

/* nid: the node that all objects must be of. */
static int check_array(struct check *check, const struct array_cache *ac, u32 nid)
{
	int err = 0;

	if (ac->avail > ac->limit)
		return broken(check, NULL, "array holds more than its limit");
	for (u32 i = 0; i < ac->avail && !err; i++)
		err = check_cached_object(check, ac->entry[i], kdata->nr_online_nodes > 1 ? (s32)nid : -1);
	return err;
}

static int check_arrays(struct check *check)
{
	const struct slab_cache *s = check->s;
	int err = 0;

	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids && !err; cpu++)
		err = check_array(check, per_cpu_ptr(s->cpu_cache, cpu), cpu_to_node(cpu));
	for (u32 nid = 0; nid < kdata->nr_node_ids && !err; nid++) {
		const struct slab_node *n = s->node[nid];

		if (n && n->shared)
			err = check_array(check, n->shared, nid);
		for (u32 i = 0; n && n->alien && i < kdata->nr_node_ids && !err; i++)
			if (n->alien[i])
				err = check_array(check, &n->alien[i]->ac, i);
	}
	if (check->cached)
		memset(seen, 0, sizeof(seen));
	return err;
}

int slab_check(const struct list_head *link, struct kms_error *err)
{
	struct check check = { .s = list_entry(link, struct slab_cache, list), .err = err };
	const struct slab_cache *s = check.s;
	int ret = 0;

	if (s->size % s->align || s->object_size > s->size || !s->num || s->num > SLAB_MAX_OBJECTS)
		return broken(&check, NULL, "geometry is impossible");
	for (u32 nid = 0; nid < kdata->nr_node_ids && !ret; nid++)
		if (s->node[nid])
			ret = check_node(&check, nid);
	return ret ? ret : check_arrays(&check);
}

u32 slab_object_size(const struct kmem_cache *s)
{
	return ((const struct slab_cache *)s)->object_size;
}
