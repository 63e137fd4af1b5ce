/*
 * inspect_layout.c - how one object's slot and one slab of a slab cache are
 * laid out, for `explain`, `step` and the labs.
 */
#include "models/mm/inspect_slab.h"
#include "models/mm/slab.h"
#include "models/mm/slub.h"

static void add(struct mm_slot_layout *layout, const char *what, u32 bytes)
{
	if (!bytes || layout->nr_parts == MM_SLOT_PARTS)
		return;
	layout->parts[layout->nr_parts].what = what;
	layout->parts[layout->nr_parts++].bytes = bytes;
}

/* slub_debug.c: slub_object_layout() has the rules. */
static void slub_layout(const struct kmem_cache *s, struct mm_slot_layout *layout)
{
	u32 used = s->red_left_pad + s->inuse;
	bool behind = s->offset >= s->inuse;
	u32 zone = s->flags & SLAB_RED_ZONE ? s->inuse - s->object_size : 0;

	layout->free_pointer_inside = !behind;
	layout->free_pointer = s->offset;
	add(layout, "left red zone", s->red_left_pad);
	add(layout, "object", s->object_size);
	add(layout, zone ? "red zone" : "padding", s->inuse - s->object_size);
	if (behind) {
		add(layout, "free pointer", sizeof(void *));
		used += sizeof(void *);
	}
	if (s->flags & SLAB_STORE_USER) {
		u32 tracks = SLUB_TRACKS_BYTES + (s->flags & SLAB_KMALLOC ? sizeof(u32) : 0);

		add(layout, "last users", tracks);
		used += tracks;
	}
	add(layout, "alignment", s->size - used);
}

void mm_inspect_slot(const struct kmem_cache *s, struct mm_slot_layout *layout)
{
	*layout = (struct mm_slot_layout){ .nr_parts = 0 };
	switch (kdata->slab_policy) {
	case SLAB_POLICY_SLUB:
		slub_layout(s, layout);
		break;
	case SLAB_POLICY_SLAB: {
		const struct slab_cache *cache = (const struct slab_cache *)s;

		add(layout, "object", cache->object_size);
		add(layout, "alignment", cache->size - cache->object_size);
		layout->index_bytes = cache->flags & (CFLGS_OFF_SLAB | CFLGS_OBJFREELIST) ? 0 : cache->freelist_size;
		layout->colours = (u32)cache->colour;
		layout->colour_bytes = cache->colour_off;
		break;
	}
	default:
		break;
	}
}
