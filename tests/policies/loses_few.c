/* Forgets one object in a thousand. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	return simple_alloc(size);
}

static void release(void *p)
{
	static u64 n;

	if (++n % 1000)
		simple_free(p);
}

SIMPLE("loses_few", alloc, release);
