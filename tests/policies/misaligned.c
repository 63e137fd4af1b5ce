/* Hands out addresses that are odd. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	void *p = simple_alloc(size + 8);

	return s.number == 1000 ? (char *)p + 4 : p;
}

static void release(void *p)
{
	simple_free((void *)((u64)p & ~7ul));
}

SIMPLE("misaligned", alloc, release);
