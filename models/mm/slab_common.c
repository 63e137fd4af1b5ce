/*
 * slab_common.c - what slab layers share: alignment, size classes, merging,
 * and allocations too large for any slab cache.
 *
 * Behaviour: Linux 6.1 (alignment, merging, kmalloc size classes). Flags that would keep
 * a slab cache from being merged for debugging are honoured though debugging
 * itself is not simulated.
 */
#include "models/mm/slab_common.h"

#define SLAB_FAILSLAB 0x02000000u
#define SLAB_NEVER_MERGE                                                                           \
	(SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE | SLAB_TYPESAFE_BY_RCU |       \
	 SLAB_NOLEAKTRACE | SLAB_FAILSLAB | SLAB_NO_MERGE)
#define SLAB_MERGE_SAME                                                                            \
	(SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_ACCOUNT)

/* ---- geometry ---- */

/* Alignment of a slab cache's objects in bytes; size is the size the user asked for. */
u32 calculate_alignment(u32 flags, u32 align, u32 size)
{
	if (flags & SLAB_HWCACHE_ALIGN) {
		u32 line = SMP_CACHE_BYTES;

		while (size <= line / 2)
			line /= 2;
		align = max(align, line);
	}
	align = max(align, (u32)ARCH_KMALLOC_MINALIGN);
	return ALIGN(align, (u32)sizeof(void *));
}

/* Fill in a zeroed kmem_cache with what its creator says. */
void kmem_cache_describe(struct kmem_cache *s, const struct kmem_cache_args *args)
{
	s->name = args->name;
	s->size = args->size;
	s->object_size = args->size;
	s->align = calculate_alignment(args->flags, args->align, args->size);
	s->ctor = args->ctor;
	s->useroffset = args->useroffset;
	s->usersize = args->usersize;
	s->refcount = 1;
}

/* ---- size classes ---- */

/* Classes 1 and 2 are the two that are no power of two. */
u32 kmalloc_index_size(u32 index)
{
	if (index == 1)
		return 96;
	if (index == 2)
		return 192;
	return index >= KMALLOC_SHIFT_LOW && index <= KMALLOC_SHIFT_HIGH ? 1u << index : 0;
}

/* The table is indexed by (size - 1) / 8 and ends at 192 bytes. */
void setup_kmalloc_cache_index_table(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(kdata->kmalloc_size_index); i++) {
		u32 size = (i + 1) * 8, index = max(fls(size - 1), KMALLOC_SHIFT_LOW);

		if (size > 64 && size <= 96)
			index = 1;
		else if (size > 128)
			index = 2;
		kdata->kmalloc_size_index[i] = (u8)index;
	}
}

/* Size class of 1..KMALLOC_MAX_CACHE_SIZE bytes. */
u32 kmalloc_index(u64 size)
{
	if (size <= 192)
		return kdata->kmalloc_size_index[(size - 1) / 8];
	return (u32)fls((u32)size - 1);
}

/* Without memory cgroups __GFP_ACCOUNT has no caches of its own. */
u32 kmalloc_type(gfp_t gfp)
{
	if (likely(!(gfp & (__GFP_DMA | __GFP_RECLAIMABLE))))
		return KMALLOC_NORMAL;
	return gfp & __GFP_DMA ? KMALLOC_DMA : KMALLOC_RECLAIM;
}

/* Slab cache that serves kmalloc(size); size is not 0 and not beyond the largest class. */
struct kmem_cache *kmalloc_slab(u64 size, gfp_t gfp)
{
	u32 index = kmalloc_index(size);

	trace2(kmalloc, size <= 192, index);
	return kdata->kmalloc_caches[kmalloc_type(gfp)][index];
}

/* ---- merging ---- */

static bool unmergeable(const struct kmem_cache *s)
{
	return (s->flags & SLAB_NEVER_MERGE) || s->ctor || s->usersize || s->refcount < 0;
}

static bool fits_into(const struct kmem_cache *s, u32 flags, u32 size, u32 align)
{
	return size <= s->size && (s->flags & SLAB_MERGE_SAME) == (flags & SLAB_MERGE_SAME) &&
	       !(s->size & (align - 1)) && s->size - size < sizeof(void *);
}

/*
 * The oldest slab cache that could hold the new one's objects as well, or
 * NULL. Caches are listed newest first.
 */
struct kmem_cache *find_mergeable(const struct kmem_cache_args *args)
{
	u32 size = ALIGN(args->size, (u32)sizeof(void *));
	u32 align = calculate_alignment(args->flags, args->align, size);
	struct list_head *pos;

	if (kdata->slab_nomerge || args->ctor || args->usersize || (args->flags & SLAB_NEVER_MERGE))
		return NULL;
	size = ALIGN(size, align);
	for (pos = kdata->slab_caches.prev; pos != &kdata->slab_caches; pos = pos->prev) {
		struct kmem_cache *s = list_entry(pos, struct kmem_cache, list);

		if (!unmergeable(s) && fits_into(s, args->flags, size, align))
			return s;
	}
	return NULL;
}

/* ---- pages ---- */

/* Slab bytes of the page's node, positive or negative. */
void account_slab_pages(struct page *page, s64 bytes, bool reclaimable)
{
	mod_node_page_state(kdata->node_data[page_to_nid(page)],
			    reclaimable ? NR_SLAB_RECLAIMABLE_B : NR_SLAB_UNRECLAIMABLE_B, bytes);
}

/* kmalloc() beyond the largest size class: whole pages. NULL when memory is out. */
void *kmalloc_large_node(u64 size, gfp_t gfp, int node)
{
	u32 order = (u32)get_order(size);
	struct page *page;

	if (order >= MAX_ORDER) {
		trace_step(k_large_alloc, 0, size);
		return NULL;
	}
	page = alloc_pages_node(gfp | __GFP_COMP, order, node);
	if (!page) {
		trace_step(k_large_alloc, 0, size);
		return NULL;
	}
	account_slab_pages(page, (s64)(PAGE_SIZE << order), false);
	trace3(kmalloc_large, order, size, true);
	trace_step(k_large_alloc, (u64)page_address(page), size);
	return page_address(page);
}

void free_large_kmalloc(struct page *head, void *object)
{
	u32 order = compound_order(head);

	(void)object;
	trace_step(k_large_free, (u64)object, order);
	account_slab_pages(head, -(s64)(PAGE_SIZE << order), false);
	trace3(kmalloc_large, order, PAGE_SIZE << order, false);
	__free_pages(head, order);
}
