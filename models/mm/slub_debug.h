/*
 * slub_debug.h - SLUB: the bytes that debug options put into a slab, and how
 * they are checked.
 *
 * One slot holds, from its beginning on: left red zone, object, right red zone
 * (or padding to a word), free pointer if it lies behind the object, tracks of
 * the last users, padding. slub_debug.c writes these bytes and checks them in
 * allocations and frees; inspect_slab.c checks them from outside. The checks
 * are inline functions here because both are compiled in their own way.
 *
 * Values and order of the checks: Linux 6.1, include/linux/poison.h and check_object().
 */
#ifndef MODELS_MM_SLUB_DEBUG_H
#define MODELS_MM_SLUB_DEBUG_H

#include "models/mm/slub.h"

#define RED_INACTIVE 0xbbu /* around a free object */
#define RED_ACTIVE 0xccu   /* around one in use */
#define POISON_INUSE 0x5au /* padding, and what a new slab is filled with */
#define POISON_FREE 0x6bu  /* in a free object */
#define POISON_END 0xa5u   /* its last byte */

/* The user of an object that allocated or freed it last. */
struct slub_track {
	u64 operation; /* 0: none yet; the kernel has the caller's address here */
	u32 handle;    /* of the kernel's stack depot: 0 */
	u32 cpu;
	u32 pid;       /* tasks have none: 0 */
	u32 __gap;
	u64 when; /* jiffies */
};
_Static_assert(sizeof(struct slub_track) == SLUB_TRACK_BYTES, "tracks have the kernel's size");
enum { TRACK_ALLOC, TRACK_FREE };

/* A slab cache's geometry, read once and in one order: compilers must agree on the accesses. */
struct slub_slot {
	u64 ctor;
	u32 flags, size, object_size, offset, inuse, pad;
};

static inline void slub_read_slot(const struct kmem_cache *s, struct slub_slot *slot)
{
	slot->flags = READ_ONCE(s->flags);
	slot->size = READ_ONCE(s->size);
	slot->object_size = READ_ONCE(s->object_size);
	slot->offset = READ_ONCE(s->offset);
	slot->ctor = READ_ONCE(s->ctor);
	slot->inuse = READ_ONCE(s->inuse);
	slot->pad = READ_ONCE(s->red_left_pad);
}

/* May the object's own bytes be poisoned? Not where they have a meaning while it is free. */
static inline bool slub_object_poisoned(const struct slub_slot *slot)
{
	return (slot->flags & (SLAB_POISON | SLAB_TYPESAFE_BY_RCU)) == SLAB_POISON && !slot->ctor;
}

/* Bytes from the object's start up to the tracks. */
static inline u32 slub_info_end(const struct slub_slot *slot)
{
	return slot->offset >= slot->inuse ? slot->inuse + (u32)sizeof(void *) : slot->inuse;
}

static inline struct slub_track *slub_track(const struct slub_slot *slot, u64 object, u32 which)
{
	return (struct slub_track *)(object + slub_info_end(slot)) + which;
}

/* Bytes from the object's start up to the slot's padding. */
static inline u32 slub_padding_start(const struct slub_slot *slot)
{
	u32 bytes = slub_info_end(slot);

	if (slot->flags & SLAB_STORE_USER) {
		bytes += SLUB_TRACKS_BYTES;
		if (slot->flags & SLAB_KMALLOC)
			bytes += (u32)sizeof(u32);
	}
	return bytes;
}

/* The link of a free object; the offset is not read again. */
static inline u64 slub_next_free(const struct slub_slot *slot, u64 object)
{
	return READ_ONCE(*(u64 *)(object + slot->offset));
}

/* Is it NULL or an object's beginning? slab: with its head page's address and objects. */
static inline bool slub_valid_pointer(const struct slub_slot *slot, struct page *slab, u64 object)
{
	u64 first = (u64)page_address(slab) + slot->pad, offset = object - first, objects;

	if (!object)
		return true;
	objects = counters_objects(READ_ONCE(slab->counters));
	return object >= first && offset < objects * slot->size && !(offset % slot->size);
}

/* Index of the first of n bytes that is another one; n: none. */
static inline u32 slub_other_byte(u64 at, u32 byte, u32 n)
{
	u64 word = 0x0101010101010101ul * byte;
	u32 i = 0;

	for (; i < n && ((at + i) & 7); i++)
		if (READ_ONCE(*(const u8 *)(at + i)) != byte)
			return i;
	for (; i + 8 <= n && READ_ONCE(*(const u64 *)(at + i)) == word; i += 8)
		;
	for (; i < n; i++)
		if (READ_ONCE(*(const u8 *)(at + i)) != byte)
			return i;
	return n;
}

/* Are n bytes of an object's slot, from offset on, all `byte`? Else bug says where not. */
static inline bool slub_check_bytes(struct kms_slab_bug *bug, const char *what, s64 offset,
				    u32 byte, u32 n)
{
	u64 at = bug->object + (u64)offset;
	u32 other = slub_other_byte(at, byte, n);

	if (other == n)
		return true;
	bug->what = what;
	bug->bytes = 0;
	for (u32 i = other; i < n; i++)
		bug->bytes += READ_ONCE(*(const u8 *)(at + i)) != byte;
	bug->offset = offset + other;
	bug->found = READ_ONCE(*(const u8 *)(at + other));
	bug->expected = byte;
	return false;
}

static inline bool slub_check_red_zones(const struct slub_slot *slot, bool active,
					struct kms_slab_bug *bug)
{
	u32 red = active ? RED_ACTIVE : RED_INACTIVE, behind = slot->inuse - slot->object_size;
	s64 pad = slot->pad, end = slot->object_size;

	if (slot->flags & SLAB_RED_ZONE)
		return slub_check_bytes(bug, "left red zone overwritten", -pad, red, (u32)pad) &&
		       slub_check_bytes(bug, "right red zone overwritten", end, red, behind);
	return !(slot->flags & SLAB_POISON) ||
	       slub_check_bytes(bug, "alignment padding overwritten", end, POISON_INUSE, behind);
}

static inline bool slub_check_poison(const struct slub_slot *slot, bool active,
				     struct kms_slab_bug *bug)
{
	u32 bytes = slot->object_size, padding = slub_padding_start(slot);
	u32 end = slot->size - slot->pad; /* of the slot, from the object's start on */

	if (!(slot->flags & SLAB_POISON))
		return true;
	if (!active && slub_object_poisoned(slot) &&
	    (!slub_check_bytes(bug, "use after free: poison overwritten", 0, POISON_FREE, bytes - 1) ||
	     !slub_check_bytes(bug, "use after free: end poison overwritten", bytes - 1, POISON_END, 1)))
		return false;
	return slub_check_bytes(bug, "object padding overwritten", padding, POISON_INUSE, end - padding);
}

static inline void slub_bug_init(const struct kmem_cache *s, u64 object, const char *doing,
				 struct kms_slab_bug *bug)
{
	bug->doing = doing;
	bug->cache = s->name;
	bug->object = object;
	bug->offset = 0;
	bug->bytes = 0;
	bug->found = 0;
	bug->expected = 0;
	bug->tracked = 0;
}

/* Copy who used the object last, if that is known. bug->object: a valid one. */
static inline void slub_bug_users(const struct slub_slot *slot, struct kms_slab_bug *bug)
{
	if (!(slot->flags & SLAB_STORE_USER))
		return;
	bug->tracked = 1;
	for (u32 i = 0; i < 2; i++) {
		const struct slub_track *track = slub_track(slot, bug->object, i);

		bug->operation[i] = READ_ONCE(track->operation);
		bug->cpu[i] = READ_ONCE(track->cpu);
		bug->when[i] = READ_ONCE(track->when);
	}
}

/*
 * Is an object of a slab as a used or a free one must be? bug was begun
 * with slub_bug_init(); false: it says what is wrong.
 */
static inline bool slub_check_object(const struct slub_slot *slot, struct page *slab, bool active,
				     struct kms_slab_bug *bug)
{
	u64 next;

	if (!slub_check_red_zones(slot, active, bug) || !slub_check_poison(slot, active, bug)) {
		slub_bug_users(slot, bug);
		return false;
	}
	if (active && slot->offset < slot->inuse) /* the free pointer's place is the owner's */
		return true;
	next = slub_next_free(slot, bug->object);
	if (slub_valid_pointer(slot, slab, next))
		return true;
	bug->what = "free pointer overwritten";
	bug->offset = slot->offset;
	bug->word = next;
	slub_bug_users(slot, bug);
	return false;
}

#endif
