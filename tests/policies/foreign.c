/* Hands out a page that it never got from the page allocator. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	return s.number == 700 ? page_address(pfn_to_page(5000)) : simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("foreign", alloc, release);
