/*
 * inspect_policy.c - which functions know the structures of the slab layer in
 * operation. A new slab layer with structures of its own adds its id
 * (mm_types.h), sets it in its init() and adds a row here.
 */
#include "models/mm/inspect_plugged.h"
#include "models/mm/inspect_slab.h"
#include "models/mm/mm_types.h"

static const struct {
	u32 (*caches)(struct mm_cache_info *caches, u32 max);
	int (*check)(struct kms_error *err);
	u32 (*object_size)(const struct kmem_cache *s);
} inspectors[NR_SLAB_POLICY_IDS] = {
	[SLAB_POLICY_SLUB] = { slub_inspect_caches, slub_check_slabs, slub_object_size },
	[SLAB_POLICY_NOSLAB] = { slub_inspect_caches, slub_check_slabs, slub_object_size },
	[SLAB_POLICY_SLAB] = { slab_inspect_caches, slab_check_slabs, slab_object_size },
	[SLAB_POLICY_SLOB] = { slob_inspect_caches, slob_check_slabs, slob_object_size },
};

u32 mm_inspect_caches(struct mm_cache_info *caches, u32 max)
{
	u32 policy = kdata->slab_policy;

	if (policy == SLAB_POLICY_PLUGGED)
		return mm_inspect_plugged()->caches(caches, max);
	return policy == SLAB_POLICY_NONE ? 0 : inspectors[policy].caches(caches, max);
}

int mm_check_slabs(struct kms_error *err)
{
	u32 policy = kdata->slab_policy;

	if (policy == SLAB_POLICY_PLUGGED)
		return mm_inspect_plugged()->check(err);
	return policy == SLAB_POLICY_NONE ? 0 : inspectors[policy].check(err);
}

u32 mm_cache_object_size(const struct kmem_cache *s)
{
	if (kdata->slab_policy == SLAB_POLICY_PLUGGED)
		return mm_inspect_plugged()->object_size(s);
	return inspectors[kdata->slab_policy].object_size(s);
}

void mm_inspect_pool(struct mm_pool_info *pool)
{
	*pool = (struct mm_pool_info){ 0 };
	if (kdata->slab_policy == SLAB_POLICY_SLOB)
		slob_inspect_pool(pool);
	else if (kdata->slab_policy == SLAB_POLICY_PLUGGED)
		mm_inspect_plugged()->pool(pool);
}
