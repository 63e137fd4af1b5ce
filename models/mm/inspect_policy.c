/*
 * inspect_policy.c - which functions know the structures of the slab layer in
 * operation, and what all layers have in common: the list of slab caches.
 * A new slab layer with structures of its own adds its id
 * (mm_types.h), sets it in its init() and adds a row here.
 */
#include "models/mm/inspect_plugged.h"
#include "models/mm/inspect_internal.h"
#include "models/mm/inspect_slab.h"
#include "models/mm/internal.h"

static const struct {
	void (*describe)(const struct list_head *link, struct mm_cache_info *info);
	/* what the layer keeps in its own size classes, once all are described; NULL: nothing */
	void (*count_metadata)(const struct list_head *link, struct mm_cache_info *infos, u32 n);
	int (*check)(const struct list_head *link, struct kms_error *err); /* NULL: by check_all */
	int (*check_all)(struct kms_error *err);
	u32 (*object_size)(const struct kmem_cache *s);
} inspectors[NR_SLAB_POLICY_IDS] = {
	[SLAB_POLICY_SLUB] = { slub_describe, NULL, slub_check, NULL, slub_object_size },
	[SLAB_POLICY_NOSLAB] = { slub_describe, NULL, slub_check, NULL, slub_object_size },
	[SLAB_POLICY_SLAB] = { slab_describe, slab_count_metadata, slab_check, NULL, slab_object_size },
	[SLAB_POLICY_SLOB] = { slob_describe, NULL, NULL, slob_check_slabs, slob_object_size },
};

static bool layer_is_up(void)
{
	return kdata->slab_policy != SLAB_POLICY_NONE && kdata->slab_state != SLAB_DOWN &&
	       kdata->slab_caches.next;
}

/* The list has the newest first, the table the oldest. */
static u32 describe_caches(struct mm_cache_info *caches, u32 max)
{
	const struct list_head *head = &kdata->slab_caches, *pos;
	u32 policy = kdata->slab_policy, n = 0, i;

	list_for_each(pos, head)
		n++;
	i = n;
	list_for_each(pos, head)
		if (--i < max)
			inspectors[policy].describe(pos, &caches[i]);
	if (inspectors[policy].count_metadata)
		list_for_each(pos, head)
			inspectors[policy].count_metadata(pos, caches, n < max ? n : max);
	return n;
}

u32 mm_inspect_caches(struct mm_cache_info *caches, u32 max)
{
	if (kdata->slab_policy == SLAB_POLICY_PLUGGED)
		return mm_inspect_plugged()->caches(caches, max);
	return layer_is_up() ? describe_caches(caches, max) : 0;
}

static int check_caches(struct kms_error *err)
{
	u32 policy = kdata->slab_policy;
	const struct list_head *pos;

	if (kdata->slab_mutex.slock)
		return kms_fail(err, KMS_EFAIL, "slab_mutex is held between operations");
	list_for_each(pos, &kdata->slab_caches) {
		int ret = inspectors[policy].check(pos, err);

		if (ret)
			return ret;
	}
	return 0;
}

int mm_check_slabs(struct kms_error *err)
{
	u32 policy = kdata->slab_policy;

	if (policy == SLAB_POLICY_PLUGGED)
		return mm_inspect_plugged()->check(err);
	if (inspectors[policy].check_all)
		return inspectors[policy].check_all(err);
	return layer_is_up() ? check_caches(err) : 0;
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
