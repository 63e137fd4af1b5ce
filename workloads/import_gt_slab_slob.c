/*
 * import_gt_slab_slob.c - SLOB's lines into requests (see import_gt_slab.c).
 *
 * The API's lines (O_KMALLOC, O_CACHE_ALLOC, O_KFREE, O_CACHE_FREE) are the
 * requests. Objects of a page and more are pages of their own, whose page request
 * comes just before; smaller ones lie in pages that O_NEWPAGE enters.
 */
#include <string.h>

#include "workloads/import_gt.h"

#define PAGE_BITS 12

int gt_o_newpage(struct gt_import *im)
{
	u64 address = gt_hex(im);

	return im->bad ? 0 : gt_take_slab(im, address >> PAGE_BITS);
}

/* The page request before was for this object, or for a page that was to hold it. */
static int own_pages_of(struct gt_import *im, u64 address)
{
	u64 pfn = address >> PAGE_BITS;

	if (!address)
		return gt_take_back_failed(im);
	return (address & ((1u << PAGE_BITS) - 1)) || pfn >= im->nr_pages ? 0 : gt_take_slab(im, pfn);
}

static bool is_site(const struct gt_import *im, u32 site, const char *name)
{
	return !strcmp(im->sites.texts[site], name);
}

/* The name under which kmalloc() objects are entered. */
static const char any_kmalloc[] = "kmalloc-any";

int gt_o_kmalloc(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_KMALLOC);
	u64 address = gt_hex(im);
	int ret;

	rq.size = (u64)gt_dec(im);
	rq.gfp = (u32)gt_hex(im);
	rq.node = (s16)gt_dec(im);
	rq.site = gt_site(im);
	if (im->bad)
		return 0;
	ret = own_pages_of(im, address);
	return ret ? ret : gt_allocated(im, any_kmalloc, sizeof(any_kmalloc) - 1, address, &rq);
}

int gt_o_cache_alloc(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_CACHE_ALLOC);
	u64 address = gt_hex(im);
	struct gt_cache *cache;
	const char *name;
	size_t length;
	int ret = gt_take_cache(im, &name, &length, &cache);

	if (ret)
		return ret;
	rq.gfp = (u32)gt_hex(im);
	rq.node = (s16)gt_dec(im);
	rq.size = (u64)gt_dec(im);
	rq.site = gt_site(im);
	if (im->bad)
		return 0;
	ret = own_pages_of(im, address);
	if (ret)
		return ret;
	if (address && cache->kind == GT_CACHE_USER && cache->created &&
	    is_site(im, rq.site, "kmem_cache_alloc_bulk"))
		return gt_bulk_allocated(im, cache, address, &rq);
	return gt_allocated(im, name, length, address, &rq);
}

/* Pages that are an object by themselves have a line of their own, K_LARGE_FREE. */
static bool is_large(const struct gt_import *im, u64 address)
{
	u64 pfn = address >> PAGE_BITS;

	return pfn < im->nr_pages && im->pages[pfn].kind == GT_PAGE_OBJECT &&
	       im->objects[im->pages[pfn].slot].large;
}

static int freed(struct gt_import *im, u64 address, struct gt_cache *cache, u32 site)
{
	return is_site(im, site, "kmem_cache_free_bulk") ? gt_bulk_freed(im, address, cache) :
							    gt_freed(im, address, cache);
}

int gt_o_kfree(struct gt_import *im)
{
	u64 address = gt_hex(im);
	u32 site = gt_site(im);
	struct gt_cache *cache = gt_cache_at(im, any_kmalloc, sizeof(any_kmalloc) - 1);

	if (!cache)
		return KMS_EFAIL;
	if (im->bad || is_large(im, address))
		return 0;
	return freed(im, address, cache, site);
}

int gt_o_cache_free(struct gt_import *im)
{
	u64 address = gt_hex(im);
	struct gt_cache *cache;
	const char *name;
	size_t length;
	int ret = gt_take_cache(im, &name, &length, &cache);

	gt_dec(im);
	if (ret || im->bad)
		return ret;
	return freed(im, address, cache, gt_site(im));
}
