/* Writes to a page that is not its own. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	if (s.number == 900)
		*(u64 *)page_address(pfn_to_page(6000)) = 1;
	return simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("pokes_page", alloc, release);
