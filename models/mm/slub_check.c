/*
 * slub_check.c - SLUB: patterns in the objects of debug caches, and who broke them.
 *
 * Beside slub_debug.c, and only with the parameter slub_debug_checks: red zones
 * and free objects are filled with known bytes; when an object is handed out or
 * freed, and the cache has SLAB_CONSISTENCY_CHECKS, they are compared, and an
 * object that is freed is looked for among the free ones. What is found is told
 * at the tracepoint slab_debug_report.
 *
 * Behaviour: Linux 6.1. As there, a second free of an object is refused and the
 * slab's count put right, and bytes that were overwritten are restored. Left
 * out: the kernel also takes the slab of a broken object out of use, verifies
 * padding, free pointers and the trackers, and prints who used the object last.
 */
#include "models/mm/slub.h"

#define BYTE_FREE 0x6bu	    /* in free objects */
#define BYTE_END 0xa5u	    /* their last byte */
#define BYTE_INACTIVE 0xbbu /* red zones of free objects */
#define BYTE_ACTIVE 0xccu   /* red zones of objects in use */

bool slub_checks(void)
{
	return unlikely(kms_tunable(TUNE_SLUB_CHECKS));
}

/* Objects with a constructor keep their contents while they are free. */
static bool poisoned(const struct kmem_cache *s)
{
	return (s->flags & SLAB_POISON) && !s->ctor && !(s->flags & SLAB_TYPESAFE_BY_RCU);
}

static void fill(const struct kmem_cache *s, char *object, u32 zone)
{
	if (s->flags & SLAB_RED_ZONE) {
		memset(object - s->red_left_pad, (int)zone, s->red_left_pad);
		memset(object + s->object_size, (int)zone, s->inuse - s->object_size);
	}
	if (zone == BYTE_INACTIVE && poisoned(s)) {
		memset(object, (int)BYTE_FREE, s->object_size - 1);
		WRITE_ONCE(object[s->object_size - 1], (char)BYTE_END);
	}
}

void slub_check_new(struct kmem_cache *s, void *first, u32 objects)
{
	u32 i;

	for (i = 0; i < objects; i++)
		fill(s, (char *)first + (u64)i * s->size, BYTE_INACTIVE);
}

/* The first byte of [from, to) before or behind the object's start that is not `byte`: reported, and all are restored. */
static bool bytes_hold(char *object, s64 from, s64 to, u32 byte, u32 kind)
{
	s64 at;

	for (at = from; at < to; at++) {
		u32 found = (u8)READ_ONCE(object[at]);

		if (found == byte)
			continue;
		trace3(slab_debug_report, kind, object, (u64)at << 8 | found);
		memset(object + from, (int)byte, (u64)(to - from));
		return false;
	}
	return true;
}

static bool patterns_hold(const struct kmem_cache *s, char *object, u32 zone)
{
	s64 size = s->object_size, pad = s->red_left_pad;
	bool hold = true;

	if (s->flags & SLAB_RED_ZONE) {
		hold &= bytes_hold(object, -pad, 0, zone, SLUB_LEFT_ZONE);
		hold &= bytes_hold(object, size, s->inuse, zone, SLUB_RIGHT_ZONE);
	}
	if (zone == BYTE_INACTIVE && poisoned(s)) {
		hold &= bytes_hold(object, 0, size - 1, BYTE_FREE, SLUB_POISON);
		hold &= bytes_hold(object, size - 1, size, BYTE_END, SLUB_POISON);
	}
	return hold;
}

/* An object that is about to be handed out. */
void slub_check_alloc(struct kmem_cache *s, void *object)
{
	if (s->flags & SLAB_CONSISTENCY_CHECKS)
		patterns_hold(s, object, BYTE_INACTIVE);
	fill(s, object, BYTE_ACTIVE);
}

/* Is it among the slab's free objects? The count of those is put right on the way. */
static bool on_freelist(struct kmem_cache *s, struct page *slab, const void *object)
{
	u32 objects = counters_objects(READ_ONCE(slab->counters)), n = 0;
	char *at = slab->freelist;
	bool found = false;

	for (; at && n < objects; n++) {
		found |= at == object;
		at = get_freepointer(s, at);
	}
	if (found)
		WRITE_ONCE(slab->counters, counters_make(objects - n, objects, false));
	return found;
}

/* One object that is about to be freed, under list_lock; false: it may not be. */
bool slub_check_free(struct kmem_cache *s, struct page *slab, void *object)
{
	if (s->flags & SLAB_CONSISTENCY_CHECKS) {
		if (on_freelist(s, slab, object)) {
			trace3(slab_debug_report, SLUB_ALREADY_FREE, object, 0);
			return false;
		}
		patterns_hold(s, object, BYTE_ACTIVE);
	}
	fill(s, object, BYTE_INACTIVE);
	return true;
}
