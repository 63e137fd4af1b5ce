/* Gives the same pages back twice. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	if (s.number == 900) {
		struct page *page = alloc_pages(gfp, 0);

		__free_pages(page, 0);
		kms_policy_free_pages(page, 0);
	}
	return simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("double_free", alloc, release);
