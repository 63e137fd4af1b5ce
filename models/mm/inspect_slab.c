/*
 * inspect_slab.c - slab caches seen from outside, uncharged.
 *
 * Compiled without instrumentation. Lists are followed by their forward links
 * only: those are what the allocators write last, so that a walk is sound even
 * while a simulated CPU is in the middle of an update. slub_check_slabs() wants
 * more and is called between operations.
 *
 * Works for every policy that describes its caches by struct kmem_cache: SLUB,
 * and caches marked SLAB_WHOLE_PAGES (noslab.c).
 */
#include "models/mm/inspect_sheaves.h"
#include "models/mm/inspect_internal.h"
#include "models/mm/inspect_slab.h"
#include "models/mm/slub_debug.h"

/* ---- names of the caches that the slab layer itself creates ---- */

#define KMALLOC_NAMES(prefix)                                                                      \
	{ [1] = prefix "96", [2] = prefix "192", [3] = prefix "8", [4] = prefix "16",             \
	  [5] = prefix "32", [6] = prefix "64", [7] = prefix "128", [8] = prefix "256",           \
	  [9] = prefix "512", [10] = prefix "1k", [11] = prefix "2k", [12] = prefix "4k",         \
	  [13] = prefix "8k" }

static const char *const kmalloc_names[NR_KMALLOC_TYPES][KMALLOC_SHIFT_HIGH + 1] = {
	[KMALLOC_NORMAL] = KMALLOC_NAMES("kmalloc-"),
	[KMALLOC_RECLAIM] = KMALLOC_NAMES("kmalloc-rcl-"),
	[KMALLOC_DMA] = KMALLOC_NAMES("dma-kmalloc-"),
};

/* NULL: no boot cache has this id. */
const char *mm_boot_cache_name(u64 id)
{
	if (id == BOOT_NAME_KMEM_CACHE_NODE)
		return "kmem_cache_node";
	if (id == BOOT_NAME_KMEM_CACHE)
		return "kmem_cache";
	if (id >= NR_BOOT_NAMES)
		return NULL;
	id -= BOOT_NAME_KMALLOC(0, 0);
	return kmalloc_names[id / (KMALLOC_SHIFT_HIGH + 1)][id % (KMALLOC_SHIFT_HIGH + 1)];
}

/* ---- tables ---- */

static u32 free_objects(const struct page *slab)
{
	return counters_objects(slab->counters) - counters_inuse(slab->counters);
}

static u64 list_length(const struct kmem_cache *s, const void *freelist)
{
	u64 n = 0;

	for (; freelist && n <= MAX_OBJS_PER_PAGE; n++)
		freelist = get_freepointer(s, freelist);
	return n;
}

static void count_node(const struct kmem_cache *s, u32 nid, struct mm_cache_info *info)
{
	struct kmem_cache_node *n = s->node[nid];
	struct page *slab;

	info->slabs += n->nr_slabs;
	info->objects += n->total_objects;
	list_for_each_entry(slab, &n->partial, lru) {
		info->partial_slabs++;
		info->free_partial += free_objects(slab);
	}
}

static void count_cpu(const struct kmem_cache *s, u32 cpu, struct mm_cache_info *info)
{
	const struct kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, cpu);
	const struct page *slab;

	if (c->slab) {
		info->cpu_slabs++;
		info->free_cpu += list_length(s, c->freelist) + free_objects(c->slab);
	}
	for (slab = c->partial; slab; slab = slab->next) {
		info->cpu_slabs++;
		info->free_cpu += free_objects(slab);
	}
}

static void count_whole_pages(const struct kmem_cache *s, struct mm_cache_info *info)
{
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		info->objects += per_cpu_ptr(s->cpu_slab, cpu)->tid;
	info->slabs = info->objects;
	info->inuse = info->objects;
}

static void count_slabs(const struct kmem_cache *s, struct mm_cache_info *info)
{
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++)
		if (s->node[nid])
			count_node(s, nid, info);
	for (u32 cpu = 0; s->cpu_slab && cpu < kdata->nr_cpu_ids; cpu++)
		count_cpu(s, cpu, info);
	if (s->cpu_sheaves)
		mm_inspect_sheaves(s, info);
	info->inuse = info->objects - info->free_cpu - info->free_partial;
}

/*
 * Pages of all slabs. A slab is of the cache's order or, when memory was
 * fragmented, of the smallest that holds an object; how many of each follows
 * from the number of objects.
 */
static u64 slab_pages(const struct kmem_cache *s, const struct mm_cache_info *info)
{
	u64 usual = oo_objects(s->oo), fewer = oo_objects(s->min), small = 0;

	if (usual != fewer)
		small = (info->slabs * usual - info->objects) / (usual - fewer);
	return ((info->slabs - small) << oo_order(s->oo)) + (small << oo_order(s->min));
}

static void describe_cache(const struct kmem_cache *s, struct mm_cache_info *info)
{
	*info = (struct mm_cache_info){
		.cache = s,
		.name = s->name & ~BOOT_NAME,
		.boot_cache = (s->name & BOOT_NAME) != 0,
		.object_size = s->object_size,
		.size = s->size,
		.align = s->align,
		.order = oo_order(s->oo),
		.objects_per_slab = oo_objects(s->oo),
		.refcount = (u32)s->refcount,
		.min_partial = (u32)s->min_partial,
		.cpu_partial = s->cpu_partial,
		.cpu_partial_slabs = s->cpu_partial_slabs,
		.flags = s->flags & ~SLAB_WHOLE_PAGES,
	};
	info->whole_pages = (s->flags & SLAB_WHOLE_PAGES) != 0;
	info->descriptor_bytes = info->whole_pages ? PAGE_SIZE : 0;
	if (info->whole_pages)
		count_whole_pages(s, info);
	else
		count_slabs(s, info);
	info->slab_pages = slab_pages(s, info);
}

void slub_describe(const struct list_head *link, struct mm_cache_info *info)
{
	describe_cache(list_entry(link, struct kmem_cache, list), info);
}

u32 slub_object_size(const struct kmem_cache *s)
{
	return s->object_size;
}

/* ---- invariants ---- */

/* What is being looked at, for messages. */
struct check {
	const struct kmem_cache *s;
	struct kms_error *err;
	u64 slabs;   /* found on lists and CPUs */
	u64 objects; /* in them */
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

/* Count a freelist's objects, marking them in seen[]; < 0 when it is not one. */
static int check_freelist(const struct check *check, const struct page *slab, const void *freelist,
			  u64 *seen, u32 *count)
{
	u32 objects = counters_objects(slab->counters);
	u64 base = (u64)page_address(slab) + check->s->red_left_pad;

	for (*count = 0; freelist; freelist = get_freepointer(check->s, freelist), ++*count) {
		u64 offset = (u64)freelist - base, i = offset / check->s->size;

		if ((u64)freelist < base || i >= objects)
			return broken(check, slab, "free pointer leads out of the slab");
		if (offset % check->s->size)
			return broken(check, slab, "free pointer is not at an object's start");
		if (seen[i / 64] >> (i % 64) & 1)
			return broken(check, slab, "object is on a freelist twice");
		seen[i / 64] |= 1ull << (i % 64);
	}
	return 0;
}

/* Debug options: the bytes in and around every object; seen: which are free. */
static int check_objects(const struct check *check, struct page *slab, const u64 *seen)
{
	u64 first = (u64)page_address(slab) + check->s->red_left_pad;
	u32 objects = counters_objects(slab->counters);
	struct kms_slab_bug bug;
	struct slub_slot slot;
	char text[400];

	slub_read_slot(check->s, &slot);
	for (u32 i = 0; i < objects; i++) {
		slub_bug_init(check->s, first + (u64)i * check->s->size, NULL, &bug);
		if (slub_check_object(&slot, slab, !(seen[i / 64] >> (i % 64) & 1), &bug))
			continue;
		kms_slab_bug_text(&bug, text, sizeof(text));
		return kms_fail(check->err, KMS_EFAIL, "%s", text);
	}
	return 0;
}

/* A slab with its own freelist and, for a CPU slab, the CPU's. */
static int check_slab(struct check *check, struct page *slab, const void *cpu_freelist,
		      bool frozen)
{
	u64 seen[(MAX_OBJS_PER_PAGE + 64) / 64];
	u32 objects = counters_objects(slab->counters), own, cpu;
	int err;

	if (!(slab->flags & PG_slab))
		return broken(check, slab, "page is not marked as a slab");
	if (slab->slab_cache != check->s)
		return broken(check, slab, "slab belongs to another slab cache");
	if (counters_frozen(slab->counters) != frozen)
		return broken(check, slab, frozen ? "slab of a CPU is not frozen" : "slab on a node's list is frozen");
	if (counters_inuse(slab->counters) > objects)
		return broken(check, slab, "more objects in use than there are");
	for (u32 i = 0; i <= objects / 64; i++)
		seen[i] = 0;
	err = check_freelist(check, slab, slab->freelist, seen, &own);
	if (!err)
		err = check_freelist(check, slab, cpu_freelist, seen, &cpu);
	if (err)
		return err;
	if (own != free_objects(slab))
		return broken(check, slab, "length of the freelist differs from objects - inuse");
	check->slabs++;
	check->objects += objects;
	return cache_debug(check->s) ? check_objects(check, slab, seen) : 0;
}

/* Full slabs, which are listed only where users are tracked. */
static int check_full(struct check *check, struct kmem_cache_node *n)
{
	struct page *slab;
	int err = 0;

	if (!(check->s->flags & SLAB_STORE_USER))
		return 0;
	list_for_each_entry(slab, &n->full, lru) {
		err = slab->freelist ? broken(check, slab, "slab with free objects on the list of full ones") :
				       check_slab(check, slab, NULL, false);
		if (err)
			break;
	}
	return err;
}

static int check_node(struct check *check, u32 nid)
{
	struct kmem_cache_node *n = check->s->node[nid];
	struct page *slab;
	u64 count = 0;
	int err;

	if (n->list_lock.slock)
		return broken(check, NULL, "list_lock is held between operations");
	list_for_each_entry(slab, &n->partial, lru) {
		if (slab->lru.next->prev != &slab->lru || slab->lru.prev->next != &slab->lru)
			return broken(check, slab, "partial list is torn");
		if (slab->flags >> PAGE_NODE_SHIFT != nid)
			return broken(check, slab, "slab is on another node's list");
		if (!slab->freelist)
			return broken(check, slab, "full slab on a partial list");
		err = check_slab(check, slab, NULL, false);
		if (err)
			return err;
		count++;
	}
	if (count != n->nr_partial)
		return broken(check, NULL, "nr_partial differs from the list's length");
	return check_full(check, n);
}

static int check_cpu(struct check *check, u32 cpu)
{
	const struct kmem_cache_cpu *c = per_cpu_ptr(check->s->cpu_slab, cpu);
	struct page *slab;
	s32 slabs = c->partial ? c->partial->slabs : 0;
	int err = 0;

	if (c->freelist && !c->slab)
		return broken(check, NULL, "CPU freelist without a CPU slab");
	if (c->slab)
		err = check_slab(check, c->slab, c->freelist, true);
	for (slab = c->partial; slab && !err; slab = slab->next) {
		if (slab->slabs != slabs--)
			return broken(check, slab, "CPU partial chain is miscounted");
		err = check_slab(check, slab, NULL, true);
	}
	return err;
}

static int check_geometry(const struct check *check)
{
	const struct kmem_cache *s = check->s;

	if (s->size % s->align || s->offset + sizeof(void *) > s->size || s->object_size > s->size)
		return broken(check, NULL, "object layout is impossible");
	if ((u64)oo_objects(s->oo) * s->size > PAGE_SIZE << oo_order(s->oo))
		return broken(check, NULL, "objects do not fit into the slab");
	return 0;
}

static int check_cache(const struct kmem_cache *s, struct kms_error *err)
{
	struct check check = { .s = s, .err = err };
	u64 slabs = 0, objects = 0;
	int ret = check_geometry(&check);

	for (u32 nid = 0; nid < kdata->nr_node_ids && !ret; nid++) {
		if (!s->node[nid])
			continue;
		slabs += s->node[nid]->nr_slabs;
		objects += s->node[nid]->total_objects;
		ret = check_node(&check, nid);
	}
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids && !ret; cpu++)
		ret = check_cpu(&check, cpu);
	if (!ret && (check.slabs > slabs || check.objects > objects))
		ret = broken(&check, NULL, "more slabs or objects on lists than were counted");
	return ret;
}

int slub_check(const struct list_head *link, struct kms_error *err)
{
	const struct kmem_cache *s = list_entry(link, struct kmem_cache, list);
	int ret = s->flags & SLAB_WHOLE_PAGES ? 0 : check_cache(s, err);

	return !ret && s->cpu_sheaves ? mm_check_sheaves(s, err) : ret;
}
