/* Hands out an address that is not memory at all. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	return s.number == 700 ? (void *)(PAGE_OFFSET - 4096) : simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("outside", alloc, release);
