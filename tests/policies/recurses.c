/* Calls itself until the stack is used up. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	volatile char frame[4096];

	frame[0] = 1;
	if (s.number >= 900)
		return (char *)alloc(size, gfp, node) + frame[0];
	return simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("recurses", alloc, release);
