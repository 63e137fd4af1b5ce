/*
 * sheaves_barn.c - barns, and what fills, empties and makes sheaves.
 *
 * A barn's two lists are stacks: what was put there last is taken first. The
 * counts are read without the lock to see whether it is worth taking.
 *
 * Behaviour: Linux 6.18 (slub.md 12). A sheaf's own memory comes from the
 * layer underneath, also where kmalloc caches have sheaves themselves, so that
 * no sheaf is needed to get one.
 */
#include "models/mm/sheaves.h"

_Static_assert(sizeof(struct slab_sheaf) == 32, "60 objects and the header fill 512 bytes");
_Static_assert(sizeof(struct slub_percpu_sheaves) == 32, "layout of 6.18");
_Static_assert(sizeof(struct node_barn) == 48, "layout of 6.18");
_Static_assert(offsetof(struct barn_cache_node, barn) == 64, "layout of 6.18");

/* What does not concern the memory of the sheaf itself. */
#define SHEAF_GFP_CLEAR                                                                            \
	(__GFP_DMA | __GFP_DMA32 | __GFP_RECLAIMABLE | __GFP_ACCOUNT | __GFP_NOFAIL | __GFP_THISNODE)

/* ---- nodes ---- */

/* The nearest node with memory. */
int numa_mem_id(void)
{
	u32 nid = numa_node_id();
	struct pglist_data *pgdat = READ_ONCE(kdata->node_data[nid]);

	if (likely(READ_ONCE(pgdat->node_present_pages)))
		return (int)nid;
	return pgdat->node_zonelists[0]._zonerefs[0].zone->node;
}

struct node_barn *local_barn(const struct kmem_cache *s)
{
	return node_barn(s, (u32)numa_mem_id());
}

/* ---- sheaves ---- */

/* NULL when memory is out. */
struct slab_sheaf *alloc_empty_sheaf(struct kmem_cache *s, gfp_t gfp, u32 capacity)
{
	u64 bytes = sizeof(struct slab_sheaf) + capacity * sizeof(void *);
	struct slab_sheaf *sheaf =
		slub_kmalloc(bytes, (gfp & ~SHEAF_GFP_CLEAR) | __GFP_ZERO, NUMA_NO_NODE);

	if (unlikely(!sheaf))
		return NULL;
	sheaf->cache = s;
	trace1(sheaf_new, capacity);
	return sheaf;
}

void free_empty_sheaf(struct slab_sheaf *sheaf)
{
	trace0(sheaf_discard);
	slub_kfree(sheaf);
}

/* Fill a sheaf up from slabs: all that is missing, or (false: memory is out) nothing. */
bool refill_sheaf(struct kmem_cache *s, struct slab_sheaf *sheaf, u32 capacity, gfp_t gfp)
{
	u32 size = READ_ONCE(sheaf->size), missing = capacity - size;
	int got;

	if (!missing)
		return true;
	got = slub_alloc_bulk(s, gfp & ~__GFP_ZERO, missing, &sheaf->objects[size]);
	WRITE_ONCE(sheaf->size, size + (u32)got);
	trace1(sheaf_refill, got);
	return (u32)got == missing;
}

/* Give all objects of a sheaf that is in nobody's hands back to their slabs. */
void flush_sheaf(struct kmem_cache *s, struct slab_sheaf *sheaf)
{
	u32 size = READ_ONCE(sheaf->size);

	if (!size)
		return;
	slub_free_bulk(s, size, sheaf->objects);
	WRITE_ONCE(sheaf->size, 0);
	trace1(sheaf_flush, size);
}

/* ---- barns ---- */

struct node_barn *new_barn(int nid)
{
	struct node_barn *barn = slub_kmalloc(sizeof(*barn), GFP_KERNEL, nid);

	if (!barn)
		return NULL;
	barn->lock.slock = 0;
	INIT_LIST_HEAD(&barn->sheaves_full);
	INIT_LIST_HEAD(&barn->sheaves_empty);
	barn->nr_full = 0;
	barn->nr_empty = 0;
	return barn;
}

static struct slab_sheaf *pop(struct list_head *list, u32 *nr)
{
	struct slab_sheaf *sheaf = list_first_entry(list, struct slab_sheaf, barn_list);

	list_del(&sheaf->barn_list);
	WRITE_ONCE(*nr, READ_ONCE(*nr) - 1);
	return sheaf;
}

static void push(struct list_head *list, u32 *nr, struct slab_sheaf *sheaf)
{
	list_add(&sheaf->barn_list, list);
	WRITE_ONCE(*nr, READ_ONCE(*nr) + 1);
}

/* NULL: it has none. */
struct slab_sheaf *barn_get_empty(struct node_barn *barn)
{
	struct slab_sheaf *sheaf = NULL;

	if (!READ_ONCE(barn->nr_empty))
		return NULL;
	spin_lock_irqsave(&barn->lock, LOCK_BARN);
	if (likely(READ_ONCE(barn->nr_empty)))
		sheaf = pop(&barn->sheaves_empty, &barn->nr_empty);
	spin_unlock_irqrestore(&barn->lock, LOCK_BARN);
	return sheaf;
}

/* A full sheaf if there is one, else an empty one, else NULL. */
struct slab_sheaf *barn_get_any(struct node_barn *barn)
{
	struct slab_sheaf *sheaf = NULL;

	if (!READ_ONCE(barn->nr_full) && !READ_ONCE(barn->nr_empty))
		return NULL;
	spin_lock_irqsave(&barn->lock, LOCK_BARN);
	if (READ_ONCE(barn->nr_full))
		sheaf = pop(&barn->sheaves_full, &barn->nr_full);
	else if (READ_ONCE(barn->nr_empty))
		sheaf = pop(&barn->sheaves_empty, &barn->nr_empty);
	spin_unlock_irqrestore(&barn->lock, LOCK_BARN);
	return sheaf;
}

void barn_put_empty(struct node_barn *barn, struct slab_sheaf *sheaf)
{
	spin_lock_irqsave(&barn->lock, LOCK_BARN);
	push(&barn->sheaves_empty, &barn->nr_empty, sheaf);
	spin_unlock_irqrestore(&barn->lock, LOCK_BARN);
}

void barn_put_full(struct node_barn *barn, struct slab_sheaf *sheaf)
{
	spin_lock_irqsave(&barn->lock, LOCK_BARN);
	push(&barn->sheaves_full, &barn->nr_full, sheaf);
	spin_unlock_irqrestore(&barn->lock, LOCK_BARN);
	trace0(sheaf_barn_put);
}

/* A full sheaf in exchange for an empty one; NULL: it has none, and empty stays the caller's. */
struct slab_sheaf *barn_replace_empty(struct node_barn *barn, struct slab_sheaf *empty)
{
	struct slab_sheaf *full = NULL;

	if (READ_ONCE(barn->nr_full)) {
		spin_lock_irqsave(&barn->lock, LOCK_BARN);
		if (likely(READ_ONCE(barn->nr_full))) {
			full = pop(&barn->sheaves_full, &barn->nr_full);
			push(&barn->sheaves_empty, &barn->nr_empty, empty);
		}
		spin_unlock_irqrestore(&barn->lock, LOCK_BARN);
	}
	if (full)
		trace0(sheaf_barn_get);
	else
		trace0(sheaf_barn_get_fail);
	return full;
}

/* An empty sheaf in exchange for a full one; NULL: it has none, or (*too_many) no place for another full one. */
struct slab_sheaf *barn_replace_full(struct node_barn *barn, struct slab_sheaf *full, bool *too_many)
{
	struct slab_sheaf *empty = NULL;

	*too_many = READ_ONCE(barn->nr_full) >= MAX_FULL_SHEAVES;
	if (*too_many || !READ_ONCE(barn->nr_empty))
		return NULL;
	spin_lock_irqsave(&barn->lock, LOCK_BARN);
	if (likely(READ_ONCE(barn->nr_empty))) {
		empty = pop(&barn->sheaves_empty, &barn->nr_empty);
		push(&barn->sheaves_full, &barn->nr_full, full);
	}
	spin_unlock_irqrestore(&barn->lock, LOCK_BARN);
	if (empty)
		trace0(sheaf_barn_put);
	return empty;
}

/* Detach a list: its first entry; the last one still points to the head. */
static struct list_head *detach(struct list_head *list, u32 *nr)
{
	struct list_head *first = READ_ONCE(list->next);

	INIT_LIST_HEAD(list);
	WRITE_ONCE(*nr, 0);
	return first;
}

static void give_back(struct kmem_cache *s, struct list_head *first, const struct list_head *head)
{
	struct list_head *pos = first, *following;

	for (; pos != head; pos = following) {
		struct slab_sheaf *sheaf = list_entry(pos, struct slab_sheaf, barn_list);

		following = READ_ONCE(pos->next);
		flush_sheaf(s, sheaf);
		free_empty_sheaf(sheaf);
	}
}

/* Give everything in a barn back: full sheaves first, their objects to the slabs. */
void barn_shrink(struct kmem_cache *s, struct node_barn *barn)
{
	struct list_head *full, *empty;

	spin_lock_irqsave(&barn->lock, LOCK_BARN);
	full = detach(&barn->sheaves_full, &barn->nr_full);
	empty = detach(&barn->sheaves_empty, &barn->nr_empty);
	spin_unlock_irqrestore(&barn->lock, LOCK_BARN);
	give_back(s, full, &barn->sheaves_full);
	give_back(s, empty, &barn->sheaves_empty);
}
