/*
 * inspect_slab_slob.c - SLOB seen from outside, uncharged.
 *
 * SLOB counts neither objects nor its full pages. What can be read is: the
 * slab caches' descriptors, the pages with free units and their free blocks,
 * and the size in front of a kmalloc() object.
 */
#include "models/mm/inspect_internal.h"
#include "models/mm/inspect_slab.h"
#include "models/mm/slob.h"

/* ---- tables ---- */

static void describe_cache(const struct slob_cache *s, struct mm_cache_info *info)
{
	*info = (struct mm_cache_info){
		.cache = (const struct kmem_cache *)s,
		.name = s->name & ~BOOT_NAME,
		.boot_cache = (s->name & BOOT_NAME) != 0,
		.shared_pages = s->size < PAGE_SIZE,
		.whole_pages = s->size >= PAGE_SIZE,
		.descriptor_bytes = sizeof(*s),
		.object_size = s->object_size,
		.size = s->size < PAGE_SIZE ? s->size : (u32)(PAGE_SIZE << get_order(s->size)),
		.align = s->align,
		.refcount = (u32)s->refcount,
		.flags = s->flags,
	};
}

void slob_describe(const struct list_head *link, struct mm_cache_info *info)
{
	describe_cache(list_entry(link, struct slob_cache, list), info);
}

void slob_inspect_pool(struct mm_pool_info *pool)
{
	const struct list_head *pos;

	pool->used = true;
	for (u32 i = 0; i < NR_SLOB_LISTS; i++)
		list_for_each(pos, &kdata->free_slob[i]) {
			pool->pages++;
			pool->free_bytes += (u64)list_entry(pos, struct page, lru)->units * SLOB_UNIT;
		}
}

u32 slob_object_size(const struct kmem_cache *s)
{
	return ((const struct slob_cache *)s)->object_size;
}

/* s NULL: the object has its size in front, in 8 bytes that are its as well. */
u64 slob_held_bytes(const struct kmem_cache *cache, const void *object)
{
	const struct slob_cache *s = (const struct slob_cache *)cache;
	const struct page *page = virt_to_head_page(object);
	u64 size = s ? s->size : 0;

	if (page->flags & PG_slab) {
		if (!s)
			size = *(const u32 *)((u64)object - ARCH_KMALLOC_MINALIGN) + ARCH_KMALLOC_MINALIGN;
		return (u64)slob_units(size) * SLOB_UNIT;
	}
	if (s)
		return PAGE_SIZE << get_order(size);
	return PAGE_SIZE << (page->flags & PG_head ? page[1].compound_order : 0);
}

/* ---- invariants ---- */

static int broken(struct kms_error *err, const struct page *page, const char *what)
{
	return kms_fail(err, KMS_EFAIL, "slob page pfn %llx: %s", (unsigned long long)page_to_pfn(page), what);
}

/* Free blocks ascend, are apart, stay in the page and add up to the page's count. */
static int check_blocks(const struct page *page, struct kms_error *err)
{
	const struct slob_block *start = page_address(page), *block = page->freelist, *end = NULL;
	s64 units = 0;

	while (block != start + SLOB_PAGE_UNITS) {
		s16 word = block->word;
		s32 has = slob_block_units(word);

		if (block < start || block > start + SLOB_PAGE_UNITS)
			return broken(err, page, "free list leads out of the page");
		if (end && block < end)
			return broken(err, page, "free blocks overlap or are out of order");
		if (end && block == end)
			return broken(err, page, "free blocks lie next to each other unjoined");
		units += has;
		end = block + has;
		if (end > start + SLOB_PAGE_UNITS)
			return broken(err, page, "free block reaches beyond the page");
		block = slob_block_next((struct slob_block *)block, word);
	}
	return units == page->units ? 0 : broken(err, page, "free blocks do not add up to its free units");
}

static int check_page(const struct page *page, struct kms_error *err)
{
	if (page->lru.next->prev != &page->lru || page->lru.prev->next != &page->lru)
		return broken(err, page, "list is torn");
	if (!(page->flags & PG_slab) || !(page->flags & PG_slob_free))
		return broken(err, page, "listed page is not marked as one");
	if (page->units <= 0 || page->units >= SLOB_PAGE_UNITS)
		return broken(err, page, "listed page is full, or empty and not given back");
	return check_blocks(page, err);
}

static int check_list(const struct list_head *list, struct kms_error *err)
{
	const struct list_head *pos;

	list_for_each(pos, list) {
		int ret = check_page(list_entry(pos, struct page, lru), err);

		if (ret)
			return ret;
	}
	return 0;
}

int slob_check_slabs(struct kms_error *err)
{
	int ret = 0;

	if (kdata->slob_lock.slock)
		return kms_fail(err, KMS_EFAIL, "slob_lock is held between operations");
	for (u32 i = 0; i < NR_SLOB_LISTS && !ret; i++)
		ret = check_list(&kdata->free_slob[i], err);
	return ret;
}
