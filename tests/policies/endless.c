/* Loops for ever, touching nothing. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	while (s.number > 3000)
		;
	return simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("endless", alloc, release);
