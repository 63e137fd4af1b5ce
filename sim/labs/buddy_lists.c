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

static bool larger_changed(const u64 a[KIT_ORDERS], u32 order)
{
	u64 now[KIT_ORDERS];

	kit_count_blocks(now);
	while (++order < KIT_ORDERS)
		if (now[order] != a[order])
			return true;
	return false;
}

/* Takes blocks of an order until a larger one had to be split for one, and gives them back. */
static int take_and_return(struct kit *k, u32 order, u64 lists[3][KIT_ORDERS], u32 *taken, struct kms_error *err)
{
	struct page *blocks[256];
	u32 n = 0;
	int rc = 0;

	kit_count_blocks(lists[0]);
	while (!rc && n < KMS_ARRAY_SIZE(blocks) && !larger_changed(lists[0], order)) {
		rc = kit_pages(k, order, KIT_GFP_KERNEL, &blocks[n], err);
		if (!rc && !blocks[n])
			rc = kms_fail(err, KMS_EFAIL, "no block of order %u was to be had", order);
		n += !rc;
	}
	kit_count_blocks(lists[1]);
	*taken = n;
	while (!rc && n)
		rc = kit_free_pages(k, blocks[--n], order, err);
	kit_count_blocks(lists[2]);
	return rc;
}

/* Orders for which there are blocks: up to the largest that kmalloc() can pass on. */
static int count_orders(struct kit *k, u32 *orders, struct kms_error *err)
{
	void *memory;
	int rc = 0;

	for (*orders = 0; *orders < 20; ++*orders) {
		rc = kit_kmalloc(k, KIT_PAGE << *orders, KIT_GFP_KERNEL, &memory, err);
		if (rc || !memory)
			return rc;
		rc = kit_kfree(k, memory, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u32 order = (u32)lab_param(r, "order");
	u64 lists[3][KIT_ORDERS], taken;
	u32 blocks, orders;
	struct kit k;
	int rc = kit_open(&k, r, err);

	if (!rc)
		rc = take_and_return(&k, order, lists, &blocks, err);
	if (!rc)
		rc = count_orders(&k, &orders, err);
	if (rc)
		return rc;
	taken = pages_of(lists[0]) - pages_of(lists[1]);
	lab_say(r, "Free blocks over all zones: as booted; when so many of order %u are out (%u) that a larger"
		" one had to be split; and when all are back.", order, blocks);
	show(r, lists[0], lists[1], lists[2]);
	lab_value(r, "blocks_taken", "blocks", blocks);
	lab_value(r, "lists", "lists", orders);
	lab_value(r, "largest", "KiB", (double)((KIT_PAGE << (orders - 1)) >> 10));
	lab_value(r, "block", "KiB", (double)((KIT_PAGE << order) >> 10));
	lab_value(r, "taken_pages", "pages", (double)taken);
	lab_check(r, "there are 11 lists, orders 0 to 10", orders, 11);
	lab_check(r, "the largest block has 4 MiB", (double)(KIT_PAGE << (orders - 1)), 4 << 20);
	lab_check_that(r, lists[0][KIT_ORDERS - 1], "there are free blocks of the highest order");
	lab_check(r, "the blocks that are out are missing from the lists", (double)taken, (double)((u64)blocks << order));
	lab_check(r, "the split left one half on this list", (double)lists[1][order], (double)(lists[0][order] - (blocks - 1) + 1));
	lab_check(r, "buddies have merged again: all lists are as before", changed_orders(lists[0], lists[2]), 0);
	return 0;
}

const struct lab lab_buddy_lists = {.name = "buddy-lists", .run = run};
