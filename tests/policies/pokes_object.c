/* Looks into an object that its user holds. */
#include "simple.h"

static void *alloc(size_t size, gfp_t gfp, int node)
{
	static u64 *mine;
	void *p = simple_alloc(size);

	if (s.number == 900)
		*mine = 1;
	if (s.number == 800)
		mine = p;
	return p;
}

static void release(void *p)
{
	if (virt_to_page(p)->private != 99)
		simple_free(p);
}

SIMPLE("pokes_object", alloc, release);
