/*
 * buddy_lists.c - lab "buddy-lists": the page allocator's free lists, and what
 * one block taken and given back does to them.
 */
#include "sim/labs/kit.h"

static void show(struct lab_run *r, const u64 before[KIT_ORDERS], const u64 taken[KIT_ORDERS],
		 const u64 after[KIT_ORDERS])
{
	static const char *const headings[] = {"order", "pages", "block", "free", "one block out", "given back"};

	lab_table_begin(r, "lists", headings, 6);
	for (u32 order = 0; order < KIT_ORDERS; order++)
		kit_row(r, "%u\t%llu\t%llu KiB\t%llu\t%llu\t%llu", order, 1ull << order, (KIT_PAGE << order) >> 10,
			(unsigned long long)before[order], (unsigned long long)taken[order],
			(unsigned long long)after[order]);
	lab_table_end(r);
}

static u64 pages_of(const u64 blocks[KIT_ORDERS])
{
	u64 pages = 0;

	for (u32 order = 0; order < KIT_ORDERS; order++)
		pages += blocks[order] << order;
	return pages;
}

static u32 changed_orders(const u64 a[KIT_ORDERS], const u64 b[KIT_ORDERS])
{
	u32 n = 0;

	for (u32 order = 0; order < KIT_ORDERS; order++)
		n += a[order] != b[order];
	return n;
}

/* Takes all free blocks of an order, one more (which splits a larger one), and gives them back. */
static int take_and_return(struct kit *k, u32 order, u64 lists[3][KIT_ORDERS], struct kms_error *err)
{
	struct page *blocks[256];
	u32 n = 0;
	int rc = 0;

	kit_count_blocks(lists[0]);
	while (!rc && n < KMS_ARRAY_SIZE(blocks) && n <= lists[0][order]) {
		rc = kit_pages(k, order, KIT_GFP_KERNEL, &blocks[n], err);
		if (!rc && !blocks[n])
			rc = kms_fail(err, KMS_EFAIL, "no block of order %u was to be had", order);
		n += !rc;
	}
	kit_count_blocks(lists[1]);
	lab_value(k->r, "blocks_taken", "blocks", n);
	while (!rc && n)
		rc = kit_free_pages(k, blocks[--n], order, err);
	kit_count_blocks(lists[2]);
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u32 order = (u32)lab_param(r, "order");
	u64 lists[3][KIT_ORDERS], taken;
	struct kit k;
	int rc = kit_open(&k, r, err);

	if (!rc)
		rc = take_and_return(&k, order, lists, err);
	if (rc)
		return rc;
	taken = pages_of(lists[0]) - pages_of(lists[1]);
	lab_say(r, "Free blocks over all zones: as booted; when the free blocks of order %u and one more are out,"
		" so that a larger one had to be split; and when all are back.", order);
	show(r, lists[0], lists[1], lists[2]);
	lab_value(r, "lists", "lists", KIT_ORDERS);
	lab_value(r, "largest", "KiB", (double)((KIT_PAGE << (KIT_ORDERS - 1)) >> 10));
	lab_value(r, "block", "KiB", (double)((KIT_PAGE << order) >> 10));
	lab_value(r, "taken_pages", "pages", (double)taken);
	lab_check(r, "there are 11 lists, orders 0 to 10", mm_inspect_pageblock_order() + 2, KIT_ORDERS);
	lab_check(r, "the largest block has 4 MiB", (double)(KIT_PAGE << (KIT_ORDERS - 1)), 4 << 20);
	lab_check_that(r, lists[0][KIT_ORDERS - 1], "there are free blocks of the highest order");
	lab_check(r, "the blocks that are out are missing from the lists", (double)taken,
		  (double)((lists[0][order] + 1) << order));
	lab_check(r, "none of that order is left but the split one's other halves", (double)lists[1][order], 1);
	lab_check(r, "buddies have merged again: all lists are as before", changed_orders(lists[0], lists[2]), 0);
	return 0;
}

const struct lab lab_buddy_lists = {.name = "buddy-lists", .run = run};
