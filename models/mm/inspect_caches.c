/*
 * inspect_caches.c - all slab caches seen from outside, uncharged: names, the
 * table, invariants. What lies behind a cache's link is the business of the
 * slab layer in use (inspect_slab.c, inspect_slab_slab.c).
 */
#include "models/mm/inspect_internal.h"
#include "models/mm/slab_common.h"

/* ---- names of the caches that the slab layer itself creates ---- */

#define KMALLOC_NAMES(prefix)                                                                      \
	{ [1] = prefix "96", [2] = prefix "192", [3] = prefix "8", [4] = prefix "16",             \
	  [5] = prefix "32", [6] = prefix "64", [7] = prefix "128", [8] = prefix "256",           \
	  [9] = prefix "512", [10] = prefix "1k", [11] = prefix "2k", [12] = prefix "4k",         \
	  [13] = prefix "8k" }

static const char *const kmalloc_names[NR_KMALLOC_TYPES][KMALLOC_SHIFT_HIGH + 1] = {
	[KMALLOC_NORMAL] = KMALLOC_NAMES("kmalloc-"),
	[KMALLOC_RECLAIM] = KMALLOC_NAMES("kmalloc-rcl-"),
	[KMALLOC_DMA] = KMALLOC_NAMES("dma-kmalloc-"),
};

/* NULL: no boot cache has this id. */
const char *mm_boot_cache_name(u64 id)
{
	if (id == BOOT_NAME_KMEM_CACHE_NODE)
		return "kmem_cache_node";
	if (id == BOOT_NAME_KMEM_CACHE)
		return "kmem_cache";
	if (id >= NR_BOOT_NAMES)
		return NULL;
	id -= BOOT_NAME_KMALLOC(0, 0);
	return kmalloc_names[id / (KMALLOC_SHIFT_HIGH + 1)][id % (KMALLOC_SHIFT_HIGH + 1)];
}

/* ---- the table ---- */

/* What the layer itself keeps in size classes is nobody's request: it is counted once all are known. */
static void count_metadata(struct mm_cache_info *caches, u32 n)
{
	const struct list_head *pos;

	if (kdata->slab_policy != SLAB_POLICY_SLAB)
		return;
	list_for_each(pos, &kdata->slab_caches)
		slab_count_metadata(pos, caches, n);
}

u32 mm_inspect_caches(struct mm_cache_info *caches, u32 max)
{
	const struct list_head *head = &kdata->slab_caches, *pos;
	u32 n = 0, i;

	if (kdata->slab_state == SLAB_DOWN || !head->next)
		return 0;
	list_for_each(pos, head)
		n++;
	i = n;
	list_for_each(pos, head) { /* newest first */
		if (--i >= max)
			continue;
		if (kdata->slab_policy == SLAB_POLICY_SLAB)
			slab_describe(pos, &caches[i]);
		else
			slub_describe(pos, &caches[i]);
	}
	count_metadata(caches, n < max ? n : max);
	return n;
}

int mm_check_slabs(struct kms_error *err)
{
	const struct list_head *pos;

	if (kdata->slab_state == SLAB_DOWN || !kdata->slab_caches.next)
		return 0;
	if (kdata->slab_mutex.slock)
		return kms_fail(err, KMS_EFAIL, "slab_mutex is held between operations");
	list_for_each(pos, &kdata->slab_caches) {
		int ret = kdata->slab_policy == SLAB_POLICY_SLAB ? slab_check(pos, err) : slub_check(pos, err);

		if (ret)
			return ret;
	}
	return 0;
}
