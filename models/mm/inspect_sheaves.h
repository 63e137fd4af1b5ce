/*
 * inspect_sheaves.h - what inspect_slab.c asks about a cache with sheaves.
 */
#ifndef MODELS_MM_INSPECT_SHEAVES_H
#define MODELS_MM_INSPECT_SHEAVES_H

#include "models/mm/inspect.h"

/* Add objects in sheaves (to free_cpu), in barns (to free_partial), and the memory of both. */
void mm_inspect_sheaves(const struct kmem_cache *s, struct mm_cache_info *info);
/* KMS_EFAIL with the first violation. Call between operations. */
int mm_check_sheaves(const struct kmem_cache *s, struct kms_error *err);

#endif
