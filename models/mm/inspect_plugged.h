/*
 * inspect_plugged.h - how the rest of the program reads a slab layer that was
 * loaded from a file, and what the loader needs of the kernel's structures.
 */
#ifndef MODELS_MM_INSPECT_PLUGGED_H
#define MODELS_MM_INSPECT_PLUGGED_H

#include "models/mm/inspect.h"

struct mm_plugged {
	u32 (*caches)(struct mm_cache_info *caches, u32 max);
	int (*check)(struct kms_error *err);
	u32 (*object_size)(const struct kmem_cache *s);
	u64 (*held_bytes)(const void *object);
	void (*pool)(struct mm_pool_info *pool);
};

/* How to read the loaded slab layer; NULL: there is none. */
void mm_inspect_plug(const struct mm_plugged *plugged);
const struct mm_plugged *mm_inspect_plugged(void);
/* Its init() has been called: it is the slab layer in operation. */
void mm_plugged_begins(void);

/* Address of a CPU's area, and of the kernel's global variables. */
u64 mm_percpu_base(u32 cpu);
bool mm_is_kernel_global(const void *address);

#endif
