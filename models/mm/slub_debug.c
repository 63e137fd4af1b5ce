/*
 * slub_debug.c - SLUB: slab caches with debug options.
 *
 * Red zones, a free pointer behind the object and tracks of its last users make
 * an object's slot larger, and every operation works on the slab itself under
 * the node's list_lock, one object at a time. The bytes of slub_debug.h are
 * written in every allocation and free, and checked there in caches with
 * SLAB_CONSISTENCY_CHECKS. Where the kernel reports a defect, mends it and goes
 * on, the run ends here with the report (kms_slab_bug()).
 *
 * Behaviour: Linux 6.1.
 */
#include "models/mm/slub_debug.h"

/* ---- the boot parameter ---- */

/* A new cache's flags with what slub_debug adds. Debugging tools' own caches track no users. */
u32 slub_debug_flags(u32 flags)
{
	u32 debug = kms_tunable(TUNE_SLUB_DEBUG) & SLAB_DEBUG_FLAGS;

	return flags | (flags & SLAB_NOLEAKTRACE ? debug & ~SLAB_STORE_USER : debug);
}

/* ---- layout ---- */

/* The free pointer may not lie in the object if its contents matter while it is free. */
static bool free_pointer_behind(const struct kmem_cache *s)
{
	u32 flags = READ_ONCE(s->flags);

	if ((flags & (SLAB_TYPESAFE_BY_RCU | SLAB_POISON)) || READ_ONCE(s->ctor))
		return true;
	return (flags & SLAB_RED_ZONE) && READ_ONCE(s->object_size) < sizeof(void *);
}

/*
 * An object's slot: left red zone, object, right red zone at least a word long,
 * free pointer, tracks, alignment. Sets inuse, offset (from the object's start)
 * and red_left_pad; returns the stride.
 */
u32 slub_object_layout(struct kmem_cache *s)
{
	u32 flags = READ_ONCE(s->flags), object_size = READ_ONCE(s->object_size);
	u32 align = READ_ONCE(s->align), word = (u32)sizeof(void *);
	u32 size = ALIGN(object_size, word), pad = 0;

	if ((flags & SLAB_RED_ZONE) && size == object_size)
		size += word;
	s->inuse = size;
	if (free_pointer_behind(s)) {
		s->offset = size;
		size += word;
	} else {
		s->offset = kms_tunable(TUNE_FREE_POINTER) == FREE_POINTER_START ? 0 :
			    ALIGN_DOWN(object_size / 2, word);
	}
	if (flags & SLAB_STORE_USER) {
		size += SLUB_TRACKS_BYTES;
		if (flags & SLAB_KMALLOC)
			size += (u32)sizeof(u32); /* the size that was asked for */
	}
	if (flags & SLAB_RED_ZONE) {
		pad = ALIGN(word, align);
		size += word + pad;
	}
	s->red_left_pad = pad;
	return ALIGN(size, align);
}

/* ---- bytes of a slot ---- */

static void fill(u64 at, u32 byte, u32 n)
{
	if (n)
		memset((void *)at, (int)byte, n);
}

/* Red zones, and poison in the object itself, for a free object or one in use. */
static void init_object(const struct slub_slot *slot, u64 object, u32 red)
{
	u32 bytes = slot->object_size;

	if (slot->flags & SLAB_RED_ZONE)
		fill(object - slot->pad, red, slot->pad);
	if (slub_object_poisoned(slot)) {
		fill(object, POISON_FREE, bytes - 1);
		fill(object + bytes - 1, POISON_END, 1);
	}
	if (slot->flags & SLAB_RED_ZONE)
		fill(object + bytes, red, slot->inuse - bytes);
}

static void set_track(const struct slub_slot *slot, u64 object, u32 which)
{
	struct slub_track *track = slub_track(slot, object, which);
	u64 operation = kms_operation(), when = kms_jiffies();

	if (!(slot->flags & SLAB_STORE_USER))
		return;
	WRITE_ONCE(track->operation, operation);
	WRITE_ONCE(track->handle, 0);
	WRITE_ONCE(track->cpu, smp_processor_id());
	WRITE_ONCE(track->pid, 0);
	WRITE_ONCE(track->when, when);
}

/* A new slab before its objects are linked: padding everywhere, then every object as a free one. */
void slub_debug_set_up_slab(struct kmem_cache *s, struct page *slab, void *first, u32 objects)
{
	u64 object = (u64)first;
	struct slub_slot slot;

	slub_read_slot(s, &slot);
	if (slot.flags & SLAB_POISON)
		fill((u64)page_address(slab), POISON_INUSE, (u32)PAGE_SIZE << compound_order(slab));
	for (u32 i = 0; i < objects; i++, object += slot.size) {
		init_object(&slot, object, RED_INACTIVE);
		if (slot.flags & SLAB_STORE_USER)
			fill((u64)slub_track(&slot, object, TRACK_ALLOC), 0, SLUB_TRACKS_BYTES);
	}
}

/* The first kmem_cache_node of a node, taken from its slab by hand. */
void slub_debug_early_object(struct kmem_cache *s, void *object)
{
	struct slub_slot slot;

	slub_read_slot(s, &slot);
	init_object(&slot, (u64)object, RED_ACTIVE);
}

/* How many bytes a kmalloc() asked for, behind the tracks. */
void slub_debug_requested(struct kmem_cache *s, void *object, u32 bytes)
{
	struct slub_slot slot;

	if (!object)
		return;
	slub_read_slot(s, &slot);
	if (slot.flags & SLAB_STORE_USER)
		WRITE_ONCE(*(u32 *)slub_track(&slot, (u64)object, TRACK_FREE + 1), bytes);
}

/* ---- checks ---- */

/* A report ends the run, with list_lock free for whoever looks at the slabs afterwards. */
static void give_up(struct kmem_cache_node *locked, const struct kms_slab_bug *bug)
{
	if (locked)
		spin_unlock_irqrestore(&locked->list_lock, LOCK_SLAB_NODE);
	kms_slab_bug(bug);
}

static void report(const struct kmem_cache *s, struct kmem_cache_node *locked, u64 object,
		   const char *doing, const char *what)
{
	struct kms_slab_bug bug;

	slub_bug_init(s, object, doing, &bug);
	bug.what = what;
	give_up(locked, &bug);
}

static void report_double_free(const struct kmem_cache *s, struct kmem_cache_node *locked, u64 object)
{
	struct kms_slab_bug bug;
	struct slub_slot slot;

	slub_read_slot(s, &slot);
	slub_bug_init(s, object, "in its free", &bug);
	bug.what = "object is already free";
	slub_bug_users(&slot, &bug);
	give_up(locked, &bug);
}

static void check_object(struct kmem_cache *s, struct kmem_cache_node *locked, struct page *slab,
			 u64 object, bool active, const char *doing)
{
	struct kms_slab_bug bug;
	struct slub_slot slot;

	slub_read_slot(s, &slot);
	slub_bug_init(s, object, doing, &bug);
	if (!slub_check_object(&slot, slab, active, &bug))
		give_up(locked, &bug);
}

static bool valid_pointer(struct kmem_cache *s, struct page *slab, u64 object)
{
	struct slub_slot slot;

	slub_read_slot(s, &slot);
	return slub_valid_pointer(&slot, slab, object);
}

/* What the free list of a slab leads to next must be an object of it, and look like a free one. */
static void check_alloc(struct kmem_cache *s, struct kmem_cache_node *locked, struct page *slab,
			u64 object)
{
	if (!valid_pointer(s, slab, object))
		report(s, locked, object, "in an allocation", "free list leads to what is no object of its slab");
	check_object(s, locked, slab, object, false, "in its allocation");
}

/* Is the object among the slab's free ones? A chain longer than the slab has objects ends the search. */
static bool on_freelist(struct kmem_cache *s, struct kmem_cache_node *locked, struct page *slab,
			u64 object)
{
	u32 objects = counters_objects(READ_ONCE(slab->counters)), n = 0;
	u64 free = (u64)READ_ONCE(slab->freelist);
	struct slub_slot slot;

	slub_read_slot(s, &slot);
	for (; free && n <= objects; n++) {
		if (free == object)
			return true;
		if (!slub_valid_pointer(&slot, slab, free))
			report(s, locked, free, NULL, "free list leads to what is no object of its slab");
		free = slub_next_free(&slot, free);
	}
	return false;
}

static void check_free(struct kmem_cache *s, struct kmem_cache_node *locked, struct page *slab,
		       u64 object)
{
	if (!page_is_slab(slab))
		report(s, locked, object, "in its free", "freed address is in no slab");
	if (READ_ONCE(slab->slab_cache) != s)
		report(s, locked, object, "in its free", "freed object is of another slab cache");
	if (!valid_pointer(s, slab, object))
		report(s, locked, object, "in its free", "freed address is not an object's beginning");
	if (on_freelist(s, locked, slab, object))
		report_double_free(s, locked, object);
	check_object(s, locked, slab, object, true, "in its free");
}

/* What SLAB_FREELIST_HARDENED sees of a double free: the object is the first of its free list. */
void slub_debug_double_free(struct kmem_cache *s, void *object)
{
	if (kms_tunable(TUNE_SLAB_HARDENED))
		report_double_free(s, NULL, (u64)object);
}

/* Pages go back: all objects must look free. Its mark as a slab is off already. */
void slub_debug_check_empty(struct kmem_cache *s, struct page *slab)
{
	u32 objects = counters_objects(READ_ONCE(slab->counters)), stride = READ_ONCE(s->size);
	u64 object = (u64)page_address(slab) + READ_ONCE(s->red_left_pad);

	for (u32 i = 0; i < objects; i++, object += stride)
		check_object(s, NULL, slab, object, false, "when its slab was given back");
}

static void validate_slab(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab)
{
	u32 objects = counters_objects(READ_ONCE(slab->counters)), stride = READ_ONCE(s->size);
	u64 object = (u64)page_address(slab) + READ_ONCE(s->red_left_pad);

	for (u32 i = 0; i < objects; i++, object += stride)
		check_object(s, n, slab, object, !on_freelist(s, n, slab, object), "by validate");
}

/*
 * Check every object of the cache's slabs on the nodes' lists, as writing to
 * /sys/kernel/slab/CACHE/validate does. Full slabs are listed only where users
 * are tracked. A cache without debug options has nothing that could be checked.
 */
void slub_cache_validate(struct kmem_cache *s)
{
	struct page *slab;

	if (!cache_debug(s))
		return;
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		struct kmem_cache_node *n = s->node[nid];

		if (!n)
			continue;
		spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
		list_for_each_entry(slab, &n->partial, lru)
			validate_slab(s, n, slab);
		list_for_each_entry(slab, &n->full, lru)
			validate_slab(s, n, slab);
		spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	}
}

/* ---- full slabs: listed only where users are tracked; under list_lock ---- */

static void add_full(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab)
{
	if (READ_ONCE(s->flags) & SLAB_STORE_USER)
		list_add(&slab->lru, &n->full);
}

static void remove_full(struct kmem_cache *s, struct page *slab)
{
	if (READ_ONCE(s->flags) & SLAB_STORE_USER)
		list_del(&slab->lru);
}

/* ---- allocation ---- */

/* The first free object of a slab, which has one, made one in use. */
static void *take_first(struct kmem_cache *s, struct kmem_cache_node *locked, struct page *slab)
{
	void *object = READ_ONCE(slab->freelist), *next;
	struct slub_slot slot;
	u64 counters;

	slub_read_slot(s, &slot);
	if (slot.flags & SLAB_CONSISTENCY_CHECKS)
		check_alloc(s, locked, slab, (u64)object);
	next = (void *)slub_next_free(&slot, (u64)object);
	WRITE_ONCE(slab->freelist, next);
	counters = READ_ONCE(slab->counters) + 1;
	WRITE_ONCE(slab->counters, counters);
	init_object(&slot, (u64)object, RED_ACTIVE);
	set_track(&slot, (u64)object, TRACK_ALLOC);
	return object;
}

static bool slab_full(const struct page *slab)
{
	u64 counters = READ_ONCE(slab->counters);

	return counters_inuse(counters) == counters_objects(counters);
}

/* One object of a slab on the node's partial list; list_lock is held. */
void *slub_debug_take(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab)
{
	void *object = take_first(s, n, slab);

	if (slab_full(slab)) {
		slub_remove_partial(n, slab);
		add_full(s, n, slab);
	}
	return object;
}

/* One object of a new slab, which goes to its node's list and is counted there. */
void *slub_debug_take_new(struct kmem_cache *s, struct page *slab)
{
	struct kmem_cache_node *n = slab_node(s, slab);
	u32 objects = counters_objects(READ_ONCE(slab->counters));
	void *object = take_first(s, NULL, slab);

	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	if (slab_full(slab))
		add_full(s, n, slab);
	else
		slub_add_partial(n, slab, false);
	atomic_inc(&n->nr_slabs);
	atomic_add(&n->total_objects, objects);
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	return object;
}

/* ---- freeing ---- */

/* Put a slab that has got free objects where it belongs; true: it is to be given back. */
static bool replace_slab(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab,
			 bool was_full)
{
	bool spare = !counters_inuse(READ_ONCE(slab->counters));

	if (spare) {
		u64 partial = READ_ONCE(n->nr_partial), least = READ_ONCE(s->min_partial);

		spare = partial >= least;
	}
	if (was_full) {
		remove_full(s, slab);
		if (!spare)
			slub_add_partial(n, slab, true);
	} else if (spare) {
		slub_remove_partial(n, slab);
	}
	trace3(slab_free_list_lock, 0, s,
	       (!spare && was_full) | (spare && !was_full) << 1 | spare << 2);
	return spare;
}

/* The objects from head to tail, linked, become free ones. */
static void retire_objects(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab,
			   void *head, void *tail)
{
	void *object = head, *next;
	struct slub_slot slot;

	slub_read_slot(s, &slot);
	for (;;) {
		if (slot.flags & SLAB_CONSISTENCY_CHECKS)
			check_free(s, n, slab, (u64)object);
		next = object == tail ? NULL : (void *)slub_next_free(&slot, (u64)object);
		set_track(&slot, (u64)object, TRACK_FREE);
		init_object(&slot, (u64)object, RED_INACTIVE);
		if (object == tail)
			break;
		object = next;
	}
}

/* Free count linked objects of one slab. */
void slub_debug_free(struct kmem_cache *s, struct page *slab, void *head, void *tail, u32 count)
{
	struct kmem_cache_node *n = slab_node(s, slab);
	void *prior;
	u64 counters;
	bool spare;

	spin_lock_irqsave(&n->list_lock, LOCK_SLAB_NODE);
	retire_objects(s, n, slab, head, tail);
	prior = READ_ONCE(slab->freelist);
	set_freepointer(s, tail, prior);
	WRITE_ONCE(slab->freelist, head);
	counters = READ_ONCE(slab->counters) - count;
	WRITE_ONCE(slab->counters, counters);
	spare = replace_slab(s, n, slab, !prior);
	spin_unlock_irqrestore(&n->list_lock, LOCK_SLAB_NODE);
	if (spare)
		slub_discard(s, slab);
}
