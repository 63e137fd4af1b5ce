/*
 * inspect_internal.h - what inspect_policy.c asks of each slab layer's part.
 *
 * kdata->slab_caches links the caches of whatever layer is in use through its
 * own structure; link is one such list_head.
 */
#ifndef MODELS_MM_INSPECT_INTERNAL_H
#define MODELS_MM_INSPECT_INTERNAL_H

#include "models/mm/inspect.h"
#include "models/mm/mm_types.h"

/* inspect_slab.c: SLUB, and the policy without slabs */
void slub_describe(const struct list_head *link, struct mm_cache_info *info);
int slub_check(const struct list_head *link, struct kms_error *err);

/* inspect_slab_slob.c: SLOB */
void slob_describe(const struct list_head *link, struct mm_cache_info *info);

/* inspect_slab_slab.c: SLAB */
void slab_describe(const struct list_head *link, struct mm_cache_info *info);
int slab_check(const struct list_head *link, struct kms_error *err);
void slab_count_metadata(const struct list_head *link, struct mm_cache_info *infos, u32 n);

#endif
