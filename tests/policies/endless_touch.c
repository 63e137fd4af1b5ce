/* Walks a list that has become a ring. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	void **p = simple_alloc(size);

	if (s.number == 3000) {
		*p = p;
		while (*p)
			p = *p;
	}
	return p;
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("endless_touch", alloc, release);
