/*
 * import_gt_slab_slab.c - SLAB's lines into requests (see import_gt_slab.c).
 *
 * An allocation's own line, L_ALLOC, is the last of its operation. What SLAB
 * allocates for itself is no request of anybody's: node structures, shared and
 * alien arrays, index arrays outside their slabs, and the slabs.
 */
#include <string.h>

#include "workloads/import_gt.h"

/* Callers of kmalloc() that are SLAB. */
static const char *const slab_layer[] = {
	"init_list", "setup_cpu_cache", "init_cache_node", "setup_kmem_cache_node", "alloc_arraycache",
	"alloc_alien_cache", "__alloc_alien_cache", "enable_cpucache", "do_tune_cpucache",
	"__do_tune_cpucache", "cache_grow_begin", "alloc_slabmgmt",
};

/* A compiler's copy of a function has a dot and more after its name. */
static bool of_slab_layer(const struct gt_import *im, u32 site)
{
	const char *name = im->sites.texts[site];
	size_t length = strcspn(name, ".+");

	for (size_t i = 0; i < KMS_ARRAY_SIZE(slab_layer); i++)
		if (strlen(slab_layer[i]) == length && !memcmp(name, slab_layer[i], length))
			return true;
	return false;
}

/* Pages from here to the object's own line are for a slab. */
int gt_l_refill(struct gt_import *im)
{
	im->flow->slow = true;
	return gt_slab_init(im);
}

int gt_l_grow(struct gt_import *im)
{
	size_t length;
	u64 pfn;

	gt_word(im, &length);
	pfn = gt_hex(im);
	return im->bad ? 0 : gt_take_slab(im, pfn);
}

int gt_l_alloc(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_KMALLOC);
	struct gt_cache *cache;
	const char *name;
	size_t length;
	u64 address;
	bool bulk;
	int ret = gt_take_cache(im, &name, &length, &cache);

	if (ret)
		return ret;
	address = gt_hex(im);
	rq.gfp = (u32)gt_hex(im);
	rq.node = (s16)gt_dec(im);
	rq.size = (u64)gt_dec(im);
	bulk = gt_dec(im) != 0;
	rq.site = gt_site(im);
	if (im->bad)
		return 0;
	if (cache->kind == GT_CACHE_KMALLOC && of_slab_layer(im, rq.site)) {
		gt_leave_out(im, REASON_SLAB_LAYER);
		return address ? gt_address_add(im, address, GT_INTERNAL) : 0;
	}
	im->flow->slow = false;
	if (bulk && address && cache->kind == GT_CACHE_USER && cache->created)
		return gt_bulk_allocated(im, cache, address, &rq);
	return gt_allocated(im, name, length, address, &rq);
}

int gt_l_free(struct gt_import *im)
{
	struct gt_cache *cache;
	const char *name;
	size_t length;
	u64 address;
	int ret = gt_take_cache(im, &name, &length, &cache);

	if (ret)
		return ret;
	address = gt_hex(im);
	return im->bad ? 0 : gt_freed(im, address, cache);
}
