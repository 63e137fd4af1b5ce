/* Gives a page for whatever is larger. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	return simple_alloc(min(size, PAGE_SIZE));
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("too_small", alloc, release);
