/*
 * import_gt_compact.c - pages that the recorded kernel's compaction moved.
 *
 * Compaction takes free blocks off the lists, moves pages into them and frees
 * what it did not need. A moved page stays the same object; all else is left out.
 */
#include "workloads/import_gt.h"

int gt_isolate(struct gt_import *im)
{
	u64 pfn = gt_hex(im);
	s64 order = gt_dec(im);
	struct gt_page *page;
	int ret;

	if (im->bad)
		return 0;
	if (!gt_is_order(im, order))
		return gt_bad_order(im, order);
	ret = gt_page_at(im, pfn, 1ull << order, &page);
	if (!ret)
		gt_set_pages(im, pfn, 1ull << order, (struct gt_page){ .kind = GT_PAGE_COMPACT });
	return ret;
}

int gt_compact_alloc(struct gt_import *im)
{
	u64 to = gt_hex(im), from = gt_hex(im);
	struct gt_page *page;
	int ret;

	if (im->bad)
		return 0;
	ret = gt_page_at(im, to, 1, &page);
	if (!ret)
		ret = gt_page_at(im, from, 1, &page);
	if (ret || page->kind != GT_PAGE_OBJECT || im->objects[page->slot].pages != 1)
		return ret;
	im->objects[page->slot].moving_to = to;
	gt_set_pages(im, to, 1, (struct gt_page){ .slot = page->slot, .kind = GT_PAGE_TARGET });
	return 0;
}

int gt_compact_free(struct gt_import *im)
{
	u64 pfn = gt_hex(im);
	struct gt_page *page;
	int ret;

	if (im->bad)
		return 0;
	ret = gt_page_at(im, pfn, 1, &page);
	if (!ret)
		gt_set_pages(im, pfn, 1, (struct gt_page){ .kind = GT_PAGE_COMPACT });
	return ret;
}

/* A page that compaction moved: the object lives on at its target. */
bool gt_migrated(struct gt_import *im, u64 pfn)
{
	u32 slot = im->pages[pfn].slot;
	struct gt_object *object = &im->objects[slot];
	u64 to = object->moving_to;

	if (!to || im->pages[to].kind != GT_PAGE_TARGET || im->pages[to].slot != slot)
		return false;
	object->pfn = to;
	object->moving_to = 0;
	gt_set_pages(im, to, 1, (struct gt_page){ .slot = slot, .kind = GT_PAGE_OBJECT });
	gt_set_pages(im, pfn, 1, (struct gt_page){ .kind = GT_PAGE_NONE });
	gt_leave_out(im, REASON_MIGRATED);
	return true;
}
