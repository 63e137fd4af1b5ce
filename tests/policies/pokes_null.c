/* Follows a NULL pointer. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	struct page *page = NULL;

	if (s.number == 900)
		return (void *)page->private;
	return simple_alloc(size);
}

static void release(void *p)
{
	simple_free(p);
}

SIMPLE("pokes_null", alloc, release);
