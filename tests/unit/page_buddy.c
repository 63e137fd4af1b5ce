/*
 * page_buddy.c - free lists: which block is taken, where freed ones go.
 *
 * Most tests stop the boot after memblock's release: the per-CPU lists then
 * pass everything through, and orders 4..8 and 10 never use them anyway.
 */
#include "tests/unit/mm_host.h"

static struct zone *boot_zone(u64 pages)
{
	struct host h = one_zone(pages);

	host_boot(&h);
	return host_zone(0, ZONE_DMA32);
}

static struct page *take(gfp_t gfp, u32 order)
{
	struct page *page = mm->alloc_pages(gfp, order, -1);

	assert_non_null(page);
	return page;
}

/* The lowest part is handed out, the upper halves are what remains. */
static void split_keeps_upper_halves(void **state)
{
	struct zone *zone = boot_zone(0x1000);

	assert_int_equal(frame(take(MOVABLE, 4)), 0);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0x10);
	EXPECT_LIST(free_list(zone, 5, MIGRATE_MOVABLE), 0x20);
	EXPECT_LIST(free_list(zone, 8, MIGRATE_MOVABLE), 0x100);
	EXPECT_LIST(free_list(zone, 9, MIGRATE_MOVABLE), 0x200);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_MOVABLE), 0x400, 0x800, 0xc00);
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 0x1000 - 16);
	assert_int_equal(frame(take(MOVABLE, 4)), 0x10);
	assert_int_equal(frame(take(MOVABLE, 6)), 0x40);
	expect_sound();
}

/* A freed block goes to the head, unless the pair beside it is whole: then it waits at the tail. */
static void freed_block_goes_to_head_or_tail(void **state)
{
	struct zone *zone = boot_zone(0x1000);
	struct page *block[8];
	u32 i;

	for (i = 0; i < 8; i++) {
		block[i] = take(MOVABLE, 4);
		assert_int_equal(frame(block[i]), i * 0x10);
	}
	mm->free_pages(block[4], 4);
	mm->free_pages(block[2], 4);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0x20, 0x40);
	mm->free_pages(block[3], 4);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0x40);
	EXPECT_LIST(free_list(zone, 5, MIGRATE_MOVABLE), 0x20);
	mm->free_pages(block[0], 4);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0x40, 0);
	mm->free_pages(block[6], 4);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0x60, 0x40, 0);
	mm->free_pages(block[1], 4); /* 0..0x3f is whole, and the pair 0x40..0x7f is not */
	EXPECT_LIST(free_list(zone, 6, MIGRATE_MOVABLE), 0);
	mm->free_pages(block[7], 4);
	mm->free_pages(block[5], 4);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_MOVABLE), 0, 0x400, 0x800, 0xc00);
	expect_sound();
}

/* From order 9 on there is nothing to wait for. */
static void large_blocks_go_to_the_head(void **state)
{
	struct zone *zone = boot_zone(0x1000);
	struct page *block[4];
	u32 i;

	for (i = 0; i < 4; i++)
		block[i] = take(MOVABLE, 9);
	mm->free_pages(block[1], 9);
	mm->free_pages(block[2], 9);
	EXPECT_LIST(free_list(zone, 9, MIGRATE_MOVABLE), 0x400, 0x200);
	mm->free_pages(block[0], 9);
	EXPECT_LIST(free_list(zone, 9, MIGRATE_MOVABLE), 0x400);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_MOVABLE), 0, 0x800, 0xc00);
	expect_sound();
}

/* Two blocks side by side, one in each zone, stay apart. */
static void zones_do_not_merge(void **state)
{
	struct host h = { .zones = { { 0, ZONE_DMA, HOST_FIRST_PFN, 0x10, 0x10 },
				     { 0, ZONE_DMA32, HOST_FIRST_PFN + 0x10, 0x9f0, 0x9f0 } } };
	struct page *page;

	host_boot(&h);
	page = take(__GFP_DMA | MOVABLE, 4);
	assert_int_equal(frame(page), 0);
	mm->free_pages(page, 4);
	EXPECT_LIST(free_list(host_zone(0, ZONE_DMA), 4, MIGRATE_MOVABLE), 0);
	EXPECT_LIST(free_list(host_zone(0, ZONE_DMA32), 4, MIGRATE_MOVABLE), 0x10);
	assert_ptr_equal(host_zone(0, ZONE_DMA)->zone_pgdat->node_zones, host_zone(0, ZONE_DMA));
	expect_sound();
}

static void set_type(u64 frame_nr, u32 mt)
{
	u64 pfn = HOST_FIRST_PFN + frame_nr, *word = pageblock_word(pfn);

	*word = (*word & ~(PAGEBLOCK_MASK << pageblock_shift(pfn))) |
		(u64)mt << pageblock_shift(pfn);
}

/* Ordinary pageblocks of different types merge, the high-atomic reserve does not. */
static void reserve_does_not_merge(void **state)
{
	struct zone *zone = boot_zone(0x1000);
	struct page *block[4];
	u32 i;

	for (i = 0; i < 4; i++)
		block[i] = take(MOVABLE, 9);
	set_type(0x200, MIGRATE_HIGHATOMIC);
	set_type(0x600, MIGRATE_RECLAIMABLE);
	zone->nr_reserved_highatomic = PAGEBLOCK_NR_PAGES;
	for (i = 0; i < 4; i++)
		mm->free_pages(block[i], 9);
	EXPECT_LIST(free_list(zone, 9, MIGRATE_MOVABLE), 0);
	EXPECT_LIST(free_list(zone, 9, MIGRATE_HIGHATOMIC), 0x200);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_RECLAIMABLE), 0x400);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_MOVABLE), 0x800, 0xc00);
	expect_sound();
}

/* 5 of 8 pages are kept; the others go to the ends of the lists, merging as they can. */
static void exact_surplus_goes_to_tails(void **state)
{
	struct zone *zone = boot_zone(0x1000);
	struct page *single = take(MOVABLE, 0), *exact;
	u32 i;

	exact = mm->alloc_pages_exact(4 * PAGE_SIZE + 1, MOVABLE | __GFP_COMP);
	assert_int_equal(frame(exact), 8);
	EXPECT_LIST(free_list(zone, 0, MIGRATE_MOVABLE), 1, 0xd);
	EXPECT_LIST(free_list(zone, 1, MIGRATE_MOVABLE), 2, 0xe);
	for (i = 0; i < 5; i++)
		assert_int_equal(exact[i]._refcount, 1);
	expect_sound();
	for (i = 0; i < 5; i++)
		mm->free_pages(exact + i, 0);
	mm->free_pages(single, 0);
	assert_int_equal(zone->free_area[10].nr_free, 4);
	expect_sound();
}

/* While somebody else holds the first page, the rest of a plain block is freed without it. */
static void referenced_head_stays(void **state)
{
	struct zone *zone = boot_zone(0x1000);
	struct page *page = take(MOVABLE, 3);

	page->_refcount++;
	mm->free_pages(page, 3);
	assert_int_equal(page->_refcount, 1);
	EXPECT_LIST(free_list(zone, 0, MIGRATE_MOVABLE), 1);
	EXPECT_LIST(free_list(zone, 1, MIGRATE_MOVABLE), 2);
	EXPECT_LIST(free_list(zone, 2, MIGRATE_MOVABLE), 4);
	mm->free_pages(page, 0);
	assert_int_equal(zone->free_area[10].nr_free, 4);
	expect_sound();
}

static void compound_page_knows_its_head(void **state)
{
	struct zone *zone = boot_zone(0x1000);
	struct page *page = take(GFP_KERNEL | __GFP_COMP, 3);
	u32 i;

	assert_true(PageHead(page));
	assert_int_equal(page[1].compound_order, 3);
	for (i = 1; i < 8; i++) {
		assert_int_equal(page[i].compound_head, (u64)page | 1);
		assert_int_equal(page[i].mapping, TAIL_MAPPING);
		assert_ptr_equal(virt_to_head_page(page_address(page + i)), page);
	}
	page->_refcount++;
	mm->free_pages(page, 3); /* the other holder frees all of it */
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 0x1000 - 8);
	mm->free_pages(page, 3);
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 0x1000);
	for (i = 0; i < 8; i++) {
		assert_int_equal(page[i].mapping, 0);
		assert_int_equal(page[i].flags & PG_head, 0);
	}
	expect_sound();
}

static void split_page_makes_single_pages(void **state)
{
	struct zone *zone = boot_zone(0x1000);
	struct page *page = take(MOVABLE, 2);
	u32 i;

	mm->split_page(page, 2);
	for (i = 4; i-- > 0;)
		mm->free_pages(page + i, 0);
	assert_int_equal(zone->free_area[10].nr_free, 4);
	expect_sound();
}

static void free_twice(void *arg)
{
	mm->free_pages(arg, 4);
	mm->free_pages(arg, 4);
}

static void free_with_wrong_order(void *arg)
{
	mm->free_pages(arg, 5);
}

static void misuse_is_reported(void **state)
{
	struct kms_error err = { 0 };

	boot_zone(0x1000);
	take(MOVABLE, 4);
	assert_int_equal(rt_protect(free_twice, take(MOVABLE, 4), &err), KMS_EFAIL);
	assert_non_null(strstr(err.text, "page_alloc.c"));
	host_stop();

	boot_zone(0x1000);
	err.code = KMS_OK;
	assert_int_equal(rt_protect(free_with_wrong_order, take(MOVABLE, 4), &err), KMS_EFAIL);
}

/* Whatever is wrong with a list or a count, mm_check_pages() says so. */
static void damage_is_found(void **state)
{
	struct kms_error err = { 0 };
	struct zone *zone = boot_zone(0x1000);

	take(MOVABLE, 4);
	page_at(0x10)->private = 5;
	assert_int_equal(mm_check_pages(&err), KMS_EFAIL);
	assert_non_null(strstr(err.text, "frame 0x8010, order 4: is on a free list and marked with"));
	page_at(0x10)->private = 4;

	err.code = KMS_OK;
	zone->free_area[4].nr_free++;
	assert_int_equal(mm_check_pages(&err), KMS_EFAIL);
	assert_non_null(strstr(err.text, "nr_free of an order is 2, expected 1"));
	zone->free_area[4].nr_free--;

	err.code = KMS_OK;
	zone->vm_stat[NR_FREE_PAGES]++;
	assert_int_equal(mm_check_pages(&err), KMS_EFAIL);
	zone->vm_stat[NR_FREE_PAGES]--;

	err.code = KMS_OK;
	page_at(0x10)->lru.prev = &page_at(0x20)->lru;
	assert_int_equal(mm_check_pages(&err), KMS_EFAIL);
	assert_non_null(strstr(err.text, "broken list links"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(split_keeps_upper_halves),
		MM_TEST(freed_block_goes_to_head_or_tail),
		MM_TEST(large_blocks_go_to_the_head),
		MM_TEST(zones_do_not_merge),
		MM_TEST(reserve_does_not_merge),
		MM_TEST(exact_surplus_goes_to_tails),
		MM_TEST(referenced_head_stays),
		MM_TEST(compound_page_knows_its_head),
		MM_TEST(split_page_makes_single_pages),
		MM_TEST(misuse_is_reported),
		MM_TEST(damage_is_found),
	};

	return cmocka_run_group_tests_name("page_buddy", tests, NULL, NULL);
}
