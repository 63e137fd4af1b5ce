/* Nothing wrong: what the others are when they are not spoilt. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	return simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("sound", alloc, release);
