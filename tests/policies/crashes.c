/* Jumps to nowhere: no access, but a crash. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	void (*volatile fn)(void) = (void (*)(void))s.chain[0];

	if (s.number == 900)
		fn();
	return simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("crashes", alloc, release);
