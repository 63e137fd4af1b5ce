/* Takes its lock twice. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	if (s.number == 900)
		spin_lock(&s.lock, LOCK_POLICY);
	return simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("deadlocks", alloc, release);
