/*
 * inspect_slab.h - one set of functions for each kind of slab layer that
 * inspect.h can look into; inspect_policy.c chooses among them.
 */
#ifndef MODELS_MM_INSPECT_SLAB_H
#define MODELS_MM_INSPECT_SLAB_H

#include "models/mm/inspect.h"

/* inspect_slab.c: SLUB, and caches of whole pages (noslab) */
u32 slub_object_size(const struct kmem_cache *s);

/* inspect_slab_slab.c */
u32 slab_object_size(const struct kmem_cache *s);

/* inspect_slab_slob.c */
int slob_check_slabs(struct kms_error *err);
u32 slob_object_size(const struct kmem_cache *s);
void slob_inspect_pool(struct mm_pool_info *pool);
u64 slob_held_bytes(const struct kmem_cache *s, const void *object);

#endif
