/*
 * inspect.c - all invariants of the allocators in one call.
 */
#include "models/mm/inspect.h"

int mm_check(struct kms_error *err)
{
	int rc = mm_check_pages(err);

	return rc ? rc : mm_check_slabs(err);
}
