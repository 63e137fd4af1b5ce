/*
 * slab_alien.c - SLAB on machines with several nodes.
 *
 * Objects are allocated from the arrays of the CPU's own node only; one of
 * another node comes straight from that node's slabs. A freed object of
 * another node is collected in an alien array of the CPU's node, which is
 * emptied to its node when it is full.
 *
 * Behaviour: Linux 6.1 (____cache_alloc_node, fallback_alloc, __cache_free_alien).
 */
#include "models/mm/slab.h"

/* A request that must be served by one node and may not reclaim for it. */
gfp_t slab_exact_node(gfp_t gfp)
{
	return (gfp | __GFP_THISNODE | __GFP_NOWARN) & ~(__GFP_RECLAIM | __GFP_NOFAIL);
}

/* ---- allocation ---- */

static void *take_from_lists(struct slab_cache *s, struct slab_node *n)
{
	struct page *slab;
	void *object = NULL;

	spin_lock(&n->list_lock, LOCK_SLAB_NODE);
	slab = slab_first(n);
	if (slab) {
		object = slab_get_object(s, slab);
		n->free_objects--;
		slab_fixup_lists(s, n, slab);
	}
	spin_unlock(&n->list_lock, LOCK_SLAB_NODE);
	return object;
}

static void *take_from_new_slab(struct slab_cache *s, gfp_t gfp, int nid)
{
	struct page *slab = slab_grow_begin(s, gfp, nid);
	void *object;

	if (!slab)
		return NULL;
	object = slab_get_object(s, slab);
	slab_grow_end(s, slab);
	return object;
}

/* An object of the node's slabs; from anywhere when it has no memory. Interrupts are off. */
void *slab_alloc_from_node(struct slab_cache *s, gfp_t gfp, int nid)
{
	void *object = take_from_lists(s, READ_ONCE(s->node[nid]));

	trace1(ac_node_alloc, nid);
	if (!object)
		object = take_from_new_slab(s, slab_exact_node(gfp), nid);
	if (!object && !(gfp & __GFP_THISNODE))
		object = slab_alloc_anywhere(s, gfp);
	return object;
}

static int highest_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	return gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
}

/* Nodes that hold free objects, nearest first; then a new slab wherever pages can be had. */
void *slab_alloc_anywhere(struct slab_cache *s, gfp_t gfp)
{
	struct zoneref *z = kdata->node_data[numa_node_id()]->node_zonelists[0]._zonerefs;
	int highest = highest_zone(gfp);

	if (gfp & __GFP_THISNODE)
		return NULL;
	for (;; z++) {
		struct zone *zone = READ_ONCE(z->zone);
		struct slab_node *n;
		void *object;

		if (!zone)
			break;
		n = READ_ONCE(s->node[zone->node]);
		if (READ_ONCE(z->zone_idx) > highest || !n || !READ_ONCE(n->free_objects))
			continue;
		object = take_from_lists(s, n);
		if (object)
			return object;
	}
	return take_from_new_slab(s, gfp, (int)numa_node_id());
}

/* ---- freeing ---- */

/*
 * Empty an alien array of objects of node nid to that node: its shared array
 * as far as that has room, then the slabs. Under the alien array's lock;
 * returns a chain of slabs to destroy.
 */
struct page *slab_drain_alien(struct slab_cache *s, struct array_cache *ac, int nid)
{
	struct slab_node *n = READ_ONCE(s->node[nid]);
	u32 avail = READ_ONCE(ac->avail);
	struct array_cache *shared;
	struct page *empty;

	if (!avail)
		return NULL;
	trace2(ac_alien_drain, avail, nid);
	spin_lock(&n->list_lock, LOCK_SLAB_NODE);
	shared = READ_ONCE(n->shared);
	if (shared)
		slab_transfer(shared, ac, READ_ONCE(ac->limit));
	avail = READ_ONCE(ac->avail);
	empty = slab_free_block(s, n, ac->entry, avail, nid);
	WRITE_ONCE(ac->avail, 0);
	spin_unlock(&n->list_lock, LOCK_SLAB_NODE);
	return empty;
}

/* Free an object of node nid, which is not this CPU's. Interrupts are off. */
void slab_free_alien(struct slab_cache *s, void *object, int nid)
{
	struct slab_node *local = READ_ONCE(s->node[numa_node_id()]), *n = READ_ONCE(s->node[nid]);
	struct alien_cache **aliens = local ? READ_ONCE(local->alien) : NULL;
	struct alien_cache *alien = aliens ? READ_ONCE(aliens[nid]) : NULL;
	struct page *empty = NULL;
	u32 avail;

	trace1(ac_alien_free, nid);
	if (!alien) {
		spin_lock(&n->list_lock, LOCK_SLAB_NODE);
		empty = slab_free_block(s, n, &object, 1, nid);
		spin_unlock(&n->list_lock, LOCK_SLAB_NODE);
		slab_destroy_chain(s, empty);
		return;
	}
	spin_lock(&alien->lock, LOCK_POLICY);
	if (READ_ONCE(alien->ac.avail) == READ_ONCE(alien->ac.limit))
		empty = slab_drain_alien(s, &alien->ac, nid);
	avail = READ_ONCE(alien->ac.avail);
	WRITE_ONCE(alien->ac.avail, avail + 1);
	WRITE_ONCE(alien->ac.entry[avail], object);
	spin_unlock(&alien->lock, LOCK_POLICY);
	slab_destroy_chain(s, empty);
}
