/*
 * describe_layers.c - what the recordings of SLAB and SLOB say of a new slab cache.
 */
#include "sim/validate/replay.h"

#include "models/mm/slab.h"

s32 cache_refcount(const struct replay *v, const struct kmem_cache *s)
{
	if (v->r.layer == LAYER_SLAB)
		return to_slab_cache(s)->refcount;
	return v->r.layer == LAYER_SLOB ? ((const struct slob_cache *)s)->refcount : s->refcount;
}

u32 cache_object_size(const struct replay *v, const struct kmem_cache *s)
{
	if (v->r.layer == LAYER_SLAB)
		return to_slab_cache(s)->object_size;
	return v->r.layer == LAYER_SLOB ? ((const struct slob_cache *)s)->object_size : s->object_size;
}

bool slab_geometry_equal(struct replay *v, const struct line *line, const struct kmem_cache *cache,
			 char *why, size_t size)
{
	const struct slab_cache *s = to_slab_cache(cache);
	const struct {
		const char *key;
		int base;
		u64 ours;
	} fields[] = {
		{"object_size", 10, s->object_size}, {"size", 10, s->size}, {"align", 10, s->align},
		{"num", 10, s->num}, {"gfporder", 10, s->gfporder}, {"colour", 10, s->colour},
		{"colour_off", 10, s->colour_off}, {"freelist_size", 10, s->freelist_size},
		{"batchcount", 10, s->batchcount}, {"limit", 10, s->limit},
		{"shared", 10, s->shared}, {"flags", 16, s->flags},
		{"allocflags", 16, s->allocflags},
		{"off_slab", 10, (s->flags & CFLGS_OFF_SLAB) != 0},
		{"objfreelist", 10, (s->flags & CFLGS_OBJFREELIST) != 0},
		{"useroffset", 10, s->useroffset}, {"usersize", 10, s->usersize},
	};
	bool equal = true;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(fields); i++)
		equal &= describe_field(v, line, fields[i].key, fields[i].base, fields[i].ours, why, size);
	return equal;
}

bool slob_geometry_equal(struct replay *v, const struct line *line, const struct kmem_cache *cache,
			 char *why, size_t size)
{
	const struct slob_cache *s = (const struct slob_cache *)cache;
	bool equal = describe_field(v, line, "object_size", 10, s->object_size, why, size);

	equal &= describe_field(v, line, "size", 10, s->size, why, size);
	equal &= describe_field(v, line, "align", 10, s->align, why, size);
	return equal & describe_field(v, line, "flags", 16, s->flags, why, size);
}
