/*
 * slab_common.h - what slab layers share, beyond internal.h: size classes,
 * the list of slab caches and merging.
 */
#ifndef MODELS_MM_SLAB_COMMON_H
#define MODELS_MM_SLAB_COMMON_H

#include "models/mm/internal.h"

/* slab_params.c: the rows of slab_params.def */
enum slab_param_row {
#define SLAB_PARAM(group, name, ...) SLAB_PARAM_ROW_##name,
#include "models/mm/slab_params.def"
#undef SLAB_PARAM
	NR_SLAB_PARAMS
};
extern const struct slab_param slab_param_table[NR_SLAB_PARAMS];
/* For a policy's descriptor: what it heeds, from the first row to the last. */
#define SLAB_PARAMS(first, last)                                                                   \
	.params = &slab_param_table[SLAB_PARAM_ROW_##first],                                       \
	.nr_params = SLAB_PARAM_ROW_##last - SLAB_PARAM_ROW_##first + 1

#ifndef NUMA_NO_NODE
#define NUMA_NO_NODE (-1)
#endif
#define ARCH_KMALLOC_MINALIGN 8

/* kmem_cache.name of caches that the slab layer itself creates: this bit and the id below. */
#define BOOT_NAME (1ull << 63)
#define BOOT_NAME_KMEM_CACHE_NODE 0
#define BOOT_NAME_KMEM_CACHE 1
#define BOOT_NAME_KMALLOC(type, index) (2 + (type) * (KMALLOC_SHIFT_HIGH + 1) + (index))
#define NR_BOOT_NAMES BOOT_NAME_KMALLOC(NR_KMALLOC_TYPES, 0)

/* kmem_cache.flags of 6.5 and later: never merged. */
#define SLAB_NO_MERGE 0x01000000u
/* kmem_cache.flags, beyond the kernel's: objects are page blocks (noslab.c). */
#define SLAB_WHOLE_PAGES 0x80000000u

static inline bool zero_or_null(const void *object)
{
	return (u64)object <= (u64)ZERO_SIZE_PTR;
}

static inline bool page_is_slab(struct page *head)
{
	return READ_ONCE(head->flags) & PG_slab;
}

/* Does the node have memory of its own, and so slabs? */
static inline bool node_has_slabs(int nid)
{
	return kdata->node_data[nid] && kdata->node_data[nid]->node_present_pages;
}

/*
 * What every kfree() begins with: the slab that an object lies in; NULL when there
 * is nothing left to do, for no object and for one that was whole pages.
 */
static inline struct page *kfree_slab(const void *object)
{
	struct page *slab;

	if (unlikely(zero_or_null(object)))
		return NULL;
	slab = virt_to_head_page(object);
	if (likely(page_is_slab(slab)))
		return slab;
	free_large_kmalloc(slab, (void *)object);
	return NULL;
}

/*
 * Change an object's size; usable is its ksize(). Shrinking never moves it, nor
 * does growing within ksize(). Size 0 frees it. NULL when memory is out: the object stays.
 * Inline, so that no function's address is taken in simulated code.
 */
static inline __attribute__((always_inline)) void *
krealloc_by(const void *object, size_t size, u32 gfp, size_t usable,
	    void *(*kmalloc)(size_t size, u32 gfp, int node), void (*kfree)(const void *object))
{
	void *new;

	if (!size) {
		kfree(object);
		return ZERO_SIZE_PTR;
	}
	if (!zero_or_null(object) && usable >= size)
		return (void *)object;
	new = kmalloc(size, gfp, NUMA_NO_NODE);
	if (!new || zero_or_null(object))
		return new;
	memcpy(new, object, usable);
	kfree(object);
	return new;
}

u32 kmalloc_index_size(u32 index); /* bytes of a size class; 0: no such class */
void setup_kmalloc_cache_index_table(void);
struct kmem_cache *kmalloc_slab(u64 size, gfp_t gfp);
void kmem_cache_describe(struct kmem_cache *s, const struct kmem_cache_args *args);
struct kmem_cache *find_mergeable(const struct kmem_cache_args *args);
void account_slab_pages(struct page *page, s64 bytes, bool reclaimable);

#endif
