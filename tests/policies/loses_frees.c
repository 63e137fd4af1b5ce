/* Forgets every eighth object that is freed. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	return simple_alloc(size);
}

static void release(void *p)
{
	static u64 n;

	if (++n % 8)
		simple_free(p);
}

SIMPLE("loses_frees", alloc, release);
