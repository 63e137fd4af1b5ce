/*
 * slob.c - SLOB: first fit in pages that everybody shares, behind one lock.
 *
 * Three global lists hold the pages with free units, by the size of request
 * that put them there. A search walks the list, and in each page with enough
 * units in total the free blocks by address; the list is then turned so that
 * the next search begins where this one ended. An empty page goes back at once.
 *
 * The free blocks lie in the free memory itself (slob.h). kmalloc() and slab
 * caches are in slob_cache.c.
 *
 * Behaviour: Linux 6.1 (the allocator was removed in 6.4).
 */
#include "models/mm/slob.h"

/* ---- free blocks ---- */

static void set_block(struct slob_block *block, s32 units, struct slob_block *next)
{
	s16 offset = (s16)(next - (struct slob_block *)((u64)block & PAGE_MASK));

	if (units > 1) {
		WRITE_ONCE(block[0].word, (s16)units);
		WRITE_ONCE(block[1].word, offset);
	} else {
		WRITE_ONCE(block[0].word, (s16)-offset);
	}
}

/* Where in a page a request goes: a free block, the ones around it, units to skip in it. */
struct fit {
	struct slob_block *prev; /* NULL: the block is the page's first */
	struct slob_block *block, *next;
	s32 units, skip;
	s32 looked; /* free blocks looked at */
};

/* Units to skip so that align_offset bytes behind the block's start there is an aligned address. */
static s32 units_to_skip(const struct slob_block *block, u32 align, u32 align_offset)
{
	u64 start = (u64)block;

	if (align == SLOB_ANY_ALIGN)
		return 0;
	return (s32)((ALIGN(start + align_offset, (u64)align) - align_offset - start) / SLOB_UNIT);
}

/* First block by address that has room; false: none in this page. */
static bool find_fit(struct page *page, s32 units, u32 align, u32 align_offset, struct fit *fit)
{
	struct slob_block *block = READ_ONCE(page->freelist), *prev = NULL;

	for (fit->looked = 1;; fit->looked++) {
		s16 word = READ_ONCE(block->word);
		struct slob_block *next = slob_block_next(block, word);
		s32 has = slob_block_units(word), skip = units_to_skip(block, align, align_offset);

		if (has >= units + skip) {
			fit->prev = prev;
			fit->block = block;
			fit->next = next;
			fit->units = has;
			fit->skip = skip;
			return true;
		}
		if (slob_is_page_end(next))
			return false;
		BUG_ON(fit->looked >= SLOB_PAGE_UNITS);
		prev = block;
		block = next;
	}
}

/* The units before an aligned start become a free block of their own. */
static void split_head(struct fit *fit)
{
	struct slob_block *head = fit->block, *aligned = head + fit->skip;

	set_block(aligned, fit->units - fit->skip, fit->next);
	set_block(head, fit->skip, aligned);
	fit->prev = head;
	fit->block = aligned;
	fit->units -= fit->skip;
	trace1(slob_split, fit->skip);
}

/* Take units from the start of the block; what remains stays on the page's list in its place. */
static struct slob_block *cut(struct page *page, struct fit *fit, s32 units)
{
	struct slob_block *after = fit->next;

	if (fit->skip)
		split_head(fit);
	if (fit->units > units) {
		after = fit->block + units;
		set_block(after, fit->units - units, fit->next);
	}
	if (fit->prev)
		set_block(fit->prev, slob_block_units(READ_ONCE(fit->prev->word)), after);
	else
		WRITE_ONCE(page->freelist, after);
	return fit->block;
}

/* ---- pages ---- */

static void list_page(struct page *page, struct list_head *list)
{
	u64 flags;

	list_add(&page->lru, list);
	flags = READ_ONCE(page->flags);
	WRITE_ONCE(page->flags, flags | PG_slob_free);
}

static void unlist_page(struct page *page)
{
	u64 flags;

	list_del(&page->lru);
	flags = READ_ONCE(page->flags);
	WRITE_ONCE(page->flags, flags & ~PG_slob_free);
}

static bool page_is_listed(const struct page *page)
{
	return READ_ONCE(page->flags) & PG_slob_free;
}

static struct list_head *list_of(u64 size)
{
	if (size < kms_tunable(TUNE_SLOB_BREAK1))
		return &kdata->free_slob[SLOB_SMALL];
	if (size < kms_tunable(TUNE_SLOB_BREAK2))
		return &kdata->free_slob[SLOB_MEDIUM];
	return &kdata->free_slob[SLOB_LARGE];
}

/* Take a block from one page, or NULL. A page without free units leaves its list. */
static struct slob_block *alloc_in_page(struct page *page, s32 units, u32 align, u32 align_offset)
{
	struct slob_block *block;
	struct fit fit;
	bool found = find_fit(page, units, align, align_offset, &fit);
	s64 left;

	trace2(slob_walk, fit.looked, page_to_pfn(page));
	if (!found)
		return NULL;
	block = cut(page, &fit, units);
	left = READ_ONCE(page->units) - units;
	WRITE_ONCE(page->units, left);
	if (!left)
		unlist_page(page);
	return block;
}

/* The next search on this list begins with page. */
static void rotate_to_front(struct page *page, struct list_head *list)
{
	if (READ_ONCE(page->lru.prev) == list)
		return;
	list_move_tail(list, &page->lru);
	trace1(slob_rotate, page_to_pfn(page));
}

static struct slob_block *search(struct list_head *list, s32 units, u32 align, int node, u32 align_offset)
{
	struct slob_block *block = NULL;
	struct page *page;
	u64 passed = 0, probed = 0;

	list_for_each_entry(page, list, lru) {
		if ((node != NUMA_NO_NODE && page_to_nid(page) != (u32)node) ||
		    READ_ONCE(page->units) < units) {
			passed++;
			continue;
		}
		block = alloc_in_page(page, units, align, align_offset);
		if (block)
			break;
		probed++;
	}
	trace2(slob_search, passed + probed, probed);
	if (block && page_is_listed(page))
		rotate_to_front(page, list);
	return block;
}

/* A fresh page for a request that found no room. NULL when memory is out. */
static struct page *new_page(gfp_t gfp, int node)
{
	struct page *page = alloc_pages_node(gfp & ~__GFP_ZERO, 0, node);
	u64 flags;

	if (!page)
		return NULL;
	account_slab_pages(page, PAGE_SIZE, false);
	flags = READ_ONCE(page->flags);
	WRITE_ONCE(page->flags, flags | PG_slab);
	trace1(slob_new_page, page_to_pfn(page));
	return page;
}

static struct slob_block *alloc_from_new(struct page *page, struct list_head *list, u64 size, u32 align,
					 u32 align_offset, int node)
{
	struct slob_block *start = page_address(page), *block;

	spin_lock_irqsave(&kdata->slob_lock, LOCK_SLOB);
	trace_step(o_newpage, (u64)start, size);
	WRITE_ONCE(page->units, SLOB_PAGE_UNITS);
	WRITE_ONCE(page->freelist, start);
	set_block(start, SLOB_PAGE_UNITS, start + SLOB_PAGE_UNITS);
	list_page(page, list);
	block = alloc_in_page(page, slob_units(size), align, align_offset);
	BUG_ON(!block);
	trace_step(o_alloc, (u64)block, size, align, align_offset, (u64)(s64)node);
	spin_unlock_irqrestore(&kdata->slob_lock, LOCK_SLOB);
	return block;
}

/*
 * A block of size bytes (less than a page) in which the byte at align_offset
 * is aligned; align is a power of two or SLOB_ANY_ALIGN. The search and a new
 * page are two lock sections: room that others make in between is not used.
 */
void *slob_alloc(u64 size, gfp_t gfp, u32 align, int node, u32 align_offset)
{
	struct list_head *list = list_of(size);
	s32 units = slob_units(size);
	struct slob_block *block;
	struct page *page;

	spin_lock_irqsave(&kdata->slob_lock, LOCK_SLOB);
	block = kms_step_no_room() ? NULL : search(list, units, align, node, align_offset);
	if (block)
		trace_step(o_alloc, (u64)block, size, align, align_offset, (u64)(s64)node);
	spin_unlock_irqrestore(&kdata->slob_lock, LOCK_SLOB);
	if (!block) {
		page = new_page(gfp, node);
		if (!page)
			return NULL;
		block = alloc_from_new(page, list, size, align, align_offset, node);
	}
	trace2(slob_alloc, size, align);
	if (unlikely(gfp & __GFP_ZERO)) {
		memset(block, 0, size);
		trace1(slab_zero, size);
	}
	return block;
}

bool slob_has_room(u64 size, u32 align, int node, u32 align_offset)
{
	struct list_head *list = list_of(size);
	struct page *page;

	list_for_each_entry(page, list, lru) {
		struct fit fit;

		if ((node == NUMA_NO_NODE || page_to_nid(page) == (u32)node) &&
		    page->units >= slob_units(size) &&
		    find_fit(page, slob_units(size), align, align_offset, &fit))
			return true;
	}
	return false;
}

/* ---- freeing ---- */

static void release_page(struct page *page)
{
	u64 flags = READ_ONCE(page->flags);

	WRITE_ONCE(page->flags, flags & ~PG_slab);
	account_slab_pages(page, -(s64)PAGE_SIZE, false);
	trace1(slob_free_page, page_to_pfn(page));
	__free_pages(page, 0);
}

/* The page was full: block is now its only free one, and its size says on which list it goes. */
static void open_page(struct page *page, struct slob_block *block, s32 units, u64 size)
{
	WRITE_ONCE(page->units, units);
	WRITE_ONCE(page->freelist, block);
	set_block(block, units, (struct slob_block *)((u64)block & PAGE_MASK) + SLOB_PAGE_UNITS);
	list_page(page, list_of(size));
	trace1(slob_open_page, page_to_pfn(page));
}

/* Put a block back by address and join it with its neighbours. */
static void insert_block(struct page *page, struct slob_block *block, s32 units)
{
	struct slob_block *prev = NULL, *next = READ_ONCE(page->freelist);
	s32 prev_units = 0, walked = 0, merged = 0;

	for (; next < block; walked++) {
		s16 word = READ_ONCE(next->word);

		BUG_ON(walked >= SLOB_PAGE_UNITS);
		prev = next;
		prev_units = slob_block_units(word);
		next = slob_block_next(prev, word);
	}
	if (block + units == next && !slob_is_page_end(next)) {
		s16 word = READ_ONCE(next->word);

		units += slob_block_units(word);
		next = slob_block_next(next, word);
		merged++;
	}
	set_block(block, units, next);
	if (!prev) {
		WRITE_ONCE(page->freelist, block);
	} else if (prev + prev_units == block) {
		set_block(prev, prev_units + units, next);
		merged++;
	} else {
		set_block(prev, prev_units, block);
	}
	trace2(slob_insert, walked, merged);
}

/* Give back a block of slob_alloc(), with the size it was allocated with. */
void slob_free(void *block, u64 size)
{
	struct page *page = virt_to_page(block);
	s32 units = slob_units(size);
	s64 free_units;

	trace1(slob_free, size);
	spin_lock_irqsave(&kdata->slob_lock, LOCK_SLOB);
	trace_step(o_free, (u64)block, size, (u64)page->units, page_is_listed(page));
	free_units = READ_ONCE(page->units) + units;
	if (free_units == SLOB_PAGE_UNITS) {
		if (page_is_listed(page))
			unlist_page(page);
		spin_unlock_irqrestore(&kdata->slob_lock, LOCK_SLOB);
		release_page(page);
		return;
	}
	if (!page_is_listed(page)) {
		open_page(page, block, units, size);
	} else {
		WRITE_ONCE(page->units, free_units);
		insert_block(page, block, units);
	}
	spin_unlock_irqrestore(&kdata->slob_lock, LOCK_SLOB);
}
