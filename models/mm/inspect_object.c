/*
 * inspect_object.c - what an address handed out by an allocator is, uncharged.
 *
 * Used by replay to tell slab objects from page blocks and to know what a
 * request really holds.
 */
#include "models/mm/inspect_plugged.h"
#include "models/mm/inspect_slab.h"
#include "models/mm/mm_types.h"
#include "models/mm/slab.h"

static const struct page *head_of(const void *object)
{
	const struct page *page = virt_to_page(object);

	return page->compound_head & 1 ? (const struct page *)(page->compound_head - 1) : page;
}

/* What kmalloc(0) answers is no memory. */
static bool is_nothing(const void *object)
{
	return (u64)object <= (u64)ZERO_SIZE_PTR;
}

bool mm_object_is_slab(const void *object)
{
	if (is_nothing(object))
		return false;
	return kdata->slab_policy == SLAB_POLICY_PLUGGED || head_of(object)->flags & PG_slab;
}

const struct kmem_cache *mm_object_cache(const void *object)
{
	return head_of(object)->slab_cache;
}

u64 mm_object_held_bytes(const struct kmem_cache *s, const void *object)
{
	const struct page *head;
	u32 order;

	if (is_nothing(object))
		return 0;
	head = head_of(object);
	order = head->flags & PG_head ? head[1].compound_order : 0;
	if (kdata->slab_policy == SLAB_POLICY_PLUGGED)
		return mm_inspect_plugged()->held_bytes(object);
	if (kdata->slab_policy == SLAB_POLICY_SLOB)
		return slob_held_bytes(s, object);
	if (!(head->flags & PG_slab))
		return PAGE_SIZE << order;
	return kdata->slab_policy == SLAB_POLICY_SLAB ? slab_owner(head)->size : head->slab_cache->size;
}

void *mm_page_address(const struct page *page)
{
	return page_address(page);
}

struct page *mm_virt_to_page(const void *object)
{
	return virt_to_page(object);
}

u32 mm_object_node(const void *object)
{
	return (u32)(virt_to_page(object)->flags >> PAGE_NODE_SHIFT);
}
