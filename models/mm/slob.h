/*
 * slob.h - what the files of the SLOB allocator share: units, the encoding of
 * free blocks inside free memory, and the block interface of slob.c on which
 * slob_cache.c builds kmalloc() and slab caches.
 *
 * A page's free blocks form a list in ascending address order, never adjacent.
 * A block of more than one unit says its size and the offset of the next block
 * from the page's start, in units; a block of one unit only has room for the
 * offset, negated. The offset of the page's end closes the list.
 */
#ifndef MODELS_MM_SLOB_H
#define MODELS_MM_SLOB_H

#include "models/mm/slab_common.h"

#define SLOB_UNIT 2
#define SLOB_PAGE_UNITS ((s32)(PAGE_SIZE / SLOB_UNIT))
#define SLOB_ANY_ALIGN 0

struct slob_block {
	s16 word; /* units in the block, or minus the next block's offset */
};

/* What a typesafe-by-RCU slab cache keeps behind each object: an rcu_head and the block's size. */
struct slob_rcu {
	u64 next, func;
	u32 size;
	u32 __gap;
};

static inline s32 slob_units(u64 bytes)
{
	return (s32)DIV_ROUND_UP(bytes, SLOB_UNIT);
}

/* Units in a free block whose first word is word. */
static inline s32 slob_block_units(s16 word)
{
	return word > 0 ? word : 1;
}

/* The free block behind one whose first word is word; the page's end behind the last. */
static inline struct slob_block *slob_block_next(struct slob_block *block, s16 word)
{
	struct slob_block *page = (struct slob_block *)((u64)block & PAGE_MASK);

	return page + (word < 0 ? -word : READ_ONCE(block[1].word));
}

static inline bool slob_is_page_end(const struct slob_block *next)
{
	return !((u64)next & ~PAGE_MASK);
}

/* slob.c: blocks of any size below a page */
void *slob_alloc(u64 size, gfp_t gfp, u32 align, int node, u32 align_offset);
void slob_free(void *block, u64 size);
/* Would a request find room in the pages there are? Changes nothing. */
bool slob_has_room(u64 size, u32 align, int node, u32 align_offset);

#endif
