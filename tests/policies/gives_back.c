/* Gives the page of an object back while others lie in it. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	return simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
	if (s.number > 2000)
		__free_pages(virt_to_page(p), 0);
}

SIMPLE("gives_back", alloc, release);
