/*
 * slab_grow.c - SLAB: slabs, their objects and their lists.
 *
 * A new slab's first object is shifted by a colour, so that the objects of
 * different slabs fall into different cache lines. Slabs that became empty are
 * given back when a node holds more free objects than its limit.
 *
 * Behaviour: Linux 6.1 (cache_grow_begin, cache_grow_end, free_block,
 * slab_destroy). Slabs of SLAB_TYPESAFE_BY_RCU caches are given back at once.
 * Slabs about to be given back, which the kernel lists on its stack, are
 * chained through themselves.
 */
#include "models/mm/slab.h"

/* Flags of a request that a new slab's pages are asked with. */
#define GFP_RECLAIM_MASK                                                                           \
	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | __GFP_FS | __GFP_NOWARN | __GFP_RETRY_MAYFAIL |   \
	 __GFP_NOFAIL | __GFP_NORETRY | __GFP_MEMALLOC | __GFP_NOMEMALLOC | __GFP_ATOMIC)
#define GFP_CONSTRAINT_MASK (__GFP_HARDWALL | __GFP_THISNODE)

/* ---- arrays ---- */

/* Copy to a place in front, in steps that never overlap. */
static void copy_down(void **to, void **from, u32 count)
{
	void *step[8];

	for (u32 i = 0; i < count; i += ARRAY_SIZE(step)) {
		u32 n = min(count - i, (u32)ARRAY_SIZE(step));

		memcpy(step, from + i, n * sizeof(void *));
		memcpy(to + i, step, n * sizeof(void *));
	}
}

/* Forget the first count entries of an array. */
void slab_drop_oldest(struct array_cache *ac, u32 count)
{
	u32 left = READ_ONCE(ac->avail) - count;

	WRITE_ONCE(ac->avail, left);
	copy_down(ac->entry, ac->entry + count, left);
}

/* Move the newest objects of one array to another, at most `most`, in their order. */
u32 slab_transfer(struct array_cache *to, struct array_cache *from, u32 most)
{
	u32 avail = READ_ONCE(from->avail), used = READ_ONCE(to->avail);
	u32 room = READ_ONCE(to->limit) - used, count = min(avail, most);

	count = min(count, room);
	if (!count)
		return 0;
	memcpy(&to->entry[used], &from->entry[avail - count], count * sizeof(void *));
	WRITE_ONCE(from->avail, avail - count);
	WRITE_ONCE(to->avail, used + count);
	return count;
}

/* ---- objects of a slab ---- */

/* pre: the slab has a free object. */
void *slab_get_object(struct slab_cache *s, struct page *slab)
{
	u32 active = READ_ONCE(slab->active);
	const u8 *index = READ_ONCE(slab->freelist);
	u32 nr = READ_ONCE(index[active]), size = READ_ONCE(s->size);

	WRITE_ONCE(slab->active, active + 1);
	return (char *)READ_ONCE(slab->s_mem) + (u64)nr * size;
}

/* Returns how many objects are still in use. */
static u32 put_object(struct slab_cache *s, struct page *slab, void *object)
{
	u32 offset = (u32)((u64)object - (u64)READ_ONCE(slab->s_mem));
	u32 nr = reciprocal_divide(offset, READ_ONCE(s->reciprocal));
	u32 active = READ_ONCE(slab->active) - 1;
	u8 *index;

	WRITE_ONCE(slab->active, active);
	index = READ_ONCE(slab->freelist);
	if (!index) {
		WRITE_ONCE(slab->freelist, object);
		index = object;
	}
	WRITE_ONCE(index[active], (u8)nr);
	return active;
}

/* ---- lists; under list_lock ---- */

/* A slab with free objects, partial before free; NULL when there is none. It stays on its list. */
struct page *slab_first(struct slab_node *n)
{
	struct page *slab = list_first_entry_or_null(&n->slabs_partial, struct page, lru);

	if (slab)
		return slab;
	WRITE_ONCE(n->free_touched, 1);
	slab = list_first_entry_or_null(&n->slabs_free, struct page, lru);
	if (slab)
		n->free_slabs--;
	return slab;
}

/* Objects were taken from a slab: put it where it belongs now. */
void slab_fixup_lists(struct slab_cache *s, struct slab_node *n, struct page *slab)
{
	u32 active;

	list_del(&slab->lru);
	active = READ_ONCE(slab->active);
	if (active == READ_ONCE(s->num)) {
		list_add(&slab->lru, &n->slabs_full);
		if (READ_ONCE(s->flags) & CFLGS_OBJFREELIST)
			WRITE_ONCE(slab->freelist, NULL);
	} else {
		list_add(&slab->lru, &n->slabs_partial);
	}
}

/* ---- new slabs ---- */

static struct page *get_slab_pages(struct slab_cache *s, gfp_t gfp, int nid)
{
	u32 order = READ_ONCE(s->gfporder);
	gfp_t allocflags = READ_ONCE(s->allocflags);
	u32 flags;
	struct page *slab = alloc_pages_node(gfp | allocflags, order, nid);

	if (!slab)
		return NULL;
	flags = READ_ONCE(s->flags);
	account_slab_pages(slab, (s64)(PAGE_SIZE << order), flags & SLAB_RECLAIM_ACCOUNT);
	slab->flags |= PG_slab;
	return slab;
}

/* Give an empty slab's pages back; no lock is held. */
void slab_put_pages(struct slab_cache *s, struct page *slab)
{
	u32 order = READ_ONCE(s->gfporder), flags = READ_ONCE(s->flags);

	trace_step(l_freepages, (u64)s, page_to_pfn(slab), order);

	slab->flags &= ~PG_slab;
	WRITE_ONCE(slab->page_type, 0);
	WRITE_ONCE(slab->mapping, 0);
	account_slab_pages(slab, -(s64)(PAGE_SIZE << order), flags & SLAB_RECLAIM_ACCOUNT);
	__free_pages(slab, order);
}

/* Bytes that this slab's objects are shifted by. Nobody locks the colour: a race costs nothing. */
static u64 next_colour(struct slab_cache *s, struct slab_node *n)
{
	u32 colour = READ_ONCE(n->colour_next) + 1;

	if (colour >= READ_ONCE(s->colour))
		colour = 0;
	WRITE_ONCE(n->colour_next, colour);
	return (u64)colour * READ_ONCE(s->colour_off);
}

/* Where the slab's index array lies; false: there is no memory for it. */
static bool place_freelist(struct slab_cache *s, struct page *slab, gfp_t gfp, int nid)
{
	u32 flags = READ_ONCE(s->flags), bytes = READ_ONCE(s->freelist_size), order = READ_ONCE(s->gfporder);
	char *end = (char *)page_address(slab) + (PAGE_SIZE << order);
	void *freelist = NULL;

	if (flags & CFLGS_OFF_SLAB) {
		freelist = slab_kmalloc(bytes, gfp, nid);
		if (!freelist)
			return false;
	} else if (!(flags & CFLGS_OBJFREELIST)) {
		freelist = end - bytes;
	}
	WRITE_ONCE(slab->freelist, freelist);
	return true;
}

/* Constructors are not run: they are ids. */
static void init_objects(struct slab_cache *s, struct page *slab)
{
	u32 num = READ_ONCE(s->num), size = READ_ONCE(s->size);
	u8 *index;

	if (READ_ONCE(s->flags) & CFLGS_OBJFREELIST) {
		char *first = READ_ONCE(slab->s_mem);

		WRITE_ONCE(slab->freelist, first + (u64)(num - 1) * size);
	}
	index = READ_ONCE(slab->freelist);
	for (u32 i = 0; i < num; i++)
		WRITE_ONCE(index[i], (u8)i);
}

/*
 * A new slab of the node with all objects free, on no list and not counted.
 * NULL when memory is out. Interrupts are off; they are let in while the page
 * allocator may sleep.
 */
struct page *slab_grow_begin(struct slab_cache *s, gfp_t gfp, int nid)
{
	struct page *slab;
	u64 shift;
	u32 num, order;
	gfp_t asked;

	asked = gfp;
	gfp &= GFP_RECLAIM_MASK | GFP_CONSTRAINT_MASK;
	if (gfp & __GFP_DIRECT_RECLAIM)
		local_irq_restore();
	slab = get_slab_pages(s, gfp, nid);
	if (slab) {
		nid = (int)page_to_nid(slab);
		shift = next_colour(s, READ_ONCE(s->node[nid]));
		trace_step(l_grow, (u64)s, page_to_pfn(slab), shift, s->node[nid]->colour_next, (u64)(s64)nid, asked);
		WRITE_ONCE(slab->s_mem, (char *)page_address(slab) + shift);
		WRITE_ONCE(slab->active, 0);
		if (!place_freelist(s, slab, gfp & ~GFP_CONSTRAINT_MASK, nid)) {
			slab_put_pages(s, slab);
			slab = NULL;
		}
	}
	if (slab) {
		WRITE_ONCE(slab->slab_cache, to_kmem_cache(s));
		init_objects(s, slab);
		num = READ_ONCE(s->num);
		order = READ_ONCE(s->gfporder);
		trace3(ac_grow, num, order, s);
	}
	if (gfp & __GFP_DIRECT_RECLAIM)
		local_irq_save();
	return slab;
}

/* Enter a new slab, of which objects may have been taken, into its node. */
void slab_grow_end(struct slab_cache *s, struct page *slab)
{
	u32 nid = page_to_nid(slab), active, num;
	struct slab_node *n = READ_ONCE(s->node[nid]);

	INIT_LIST_HEAD(&slab->lru);
	spin_lock(&n->list_lock, LOCK_SLAB_NODE);
	n->total_slabs++;
	active = READ_ONCE(slab->active);
	if (!active) {
		list_add_tail(&slab->lru, &n->slabs_free);
		n->free_slabs++;
	} else {
		slab_fixup_lists(s, n, slab);
	}
	num = READ_ONCE(s->num);
	n->free_objects += num - active;
	trace_step(l_grow_end, (u64)s, page_to_pfn(slab), active, n->free_objects);
	spin_unlock(&n->list_lock, LOCK_SLAB_NODE);
}

/* ---- objects come back ---- */

/* Detach empty slabs, the longest unused first, while the node has too many free objects. */
static struct page *detach_surplus(struct slab_cache *s, struct slab_node *n)
{
	struct page *chain = NULL;

	for (;;) {
		u64 objects = READ_ONCE(n->free_objects);
		struct page *slab;

		if (objects <= READ_ONCE(n->free_limit) || list_empty(&n->slabs_free))
			break;
		slab = list_last_entry(&n->slabs_free, struct page, lru);
		WRITE_ONCE(n->free_objects, objects - READ_ONCE(s->num));
		list_del(&slab->lru);
		WRITE_ONCE(slab->next, chain);
		chain = slab;
		n->free_slabs--;
		n->total_slabs--;
	}
	return chain;
}

/*
 * Objects go back to their slabs, all of node nid, under its list_lock.
 * Returns a chain of slabs to destroy once the lock is released.
 */
struct page *slab_free_block(struct slab_cache *s, struct slab_node *n, void **objects, u32 count, int nid)
{
	trace2(ac_free_block, count, nid);
	n->free_objects += count;
	trace_step(l_free_block, (u64)s, (u64)(s64)nid, count, n->free_objects);
	for (u32 i = 0; i < count; i++) {
		void *object = READ_ONCE(objects[i]);
		struct page *slab = virt_to_head_page(object);

		list_del(&slab->lru);
		if (put_object(s, slab, object)) {
			list_add_tail(&slab->lru, &n->slabs_partial);
		} else {
			list_add(&slab->lru, &n->slabs_free);
			n->free_slabs++;
		}
	}
	return detach_surplus(s, n);
}

static void destroy_slab(struct slab_cache *s, struct page *slab)
{
	void *freelist = READ_ONCE(slab->freelist);
	u32 order = READ_ONCE(s->gfporder), num = READ_ONCE(s->num);

	trace3(ac_destroy, order, s, num);
	trace_step(l_destroy, (u64)s, page_to_pfn(slab));
	if (!stepping() || !(s->flags & SLAB_TYPESAFE_BY_RCU)) /* else a recording shows when */
		slab_put_pages(s, slab);
	if (READ_ONCE(s->flags) & CFLGS_OFF_SLAB)
		slab_kfree(freelist);
}

/* Give empty slabs back; no lock is held. */
void slab_destroy_chain(struct slab_cache *s, struct page *chain)
{
	struct page *slab;

	while ((slab = chain)) {
		chain = READ_ONCE(slab->next);
		destroy_slab(s, slab);
	}
}
