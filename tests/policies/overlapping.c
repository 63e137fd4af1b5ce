/* Hands out the object before last a second time, now and then. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	static void *last;
	void *p = simple_alloc(size);

	if (s.number == 5000)
		return last;
	last = p;
	return p;
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("overlapping", alloc, release);
