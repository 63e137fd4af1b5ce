/*
 * page_variants.c - the page allocator with other rules than the kernel's, as
 * parameters: each against lists worked out by hand.
 */
#include "tests/unit/mm_host.h"

static struct zone *boot_with(u64 pages, const struct mm_params *params)
{
	struct host h = one_zone(pages);

	h.params = *params;
	host_boot(&h);
	return host_zone(0, ZONE_DMA32);
}

static struct zone *start_with(u64 pages, const struct mm_params *params)
{
	struct host h = one_zone(pages);

	h.params = *params;
	host_start(&h);
	return host_zone(0, ZONE_DMA32);
}

static struct page *take(gfp_t gfp, u32 order)
{
	struct page *page = mm->alloc_pages(gfp, order, -1);

	assert_non_null(page);
	return page;
}

/* Blocks 0..7 of 16 pages in use, 8..63 free as blocks of 128, 256 and 512. */
static void take_eight(struct page **block)
{
	for (u32 i = 0; i < 8; i++) {
		block[i] = take(MOVABLE, 4);
		assert_int_equal(frame(block[i]), i * 0x10);
	}
}

/* ---- order of the free lists ---- */

/* As in page_buddy.c, where block 0 goes to the tail because 2 and 3 beside it are whole. */
static void without_look_ahead_every_block_goes_to_the_head(void **state)
{
	struct zone *zone = boot_with(0x1000, &(struct mm_params){ .no_merge_lookahead = true });
	struct page *block[8];

	take_eight(block);
	mm->free_pages(block[4], 4);
	mm->free_pages(block[2], 4);
	mm->free_pages(block[3], 4);
	mm->free_pages(block[0], 4);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0, 0x40);
	EXPECT_LIST(free_list(zone, 5, MIGRATE_MOVABLE), 0x20);
	expect_sound();
}

static void fifo_lists_give_the_block_freed_first(void **state)
{
	struct zone *zone = boot_with(0x1000, &(struct mm_params){ .free_list_order = FREE_LIST_FIFO });
	struct page *block[8];

	take_eight(block);
	mm->free_pages(block[4], 4);
	mm->free_pages(block[2], 4);
	mm->free_pages(block[6], 4);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0x40, 0x20, 0x60);
	assert_int_equal(frame(take(MOVABLE, 4)), 0x40);
	assert_int_equal(frame(take(MOVABLE, 3)), 0x20);
	EXPECT_LIST(free_list(zone, 3, MIGRATE_MOVABLE), 0x28);
	expect_sound();
}

static void sorted_lists_give_the_lowest_block(void **state)
{
	struct zone *zone = boot_with(0x1000, &(struct mm_params){ .free_list_order = FREE_LIST_ADDRESS });
	struct page *block[8];

	take_eight(block);
	mm->free_pages(block[4], 4);
	mm->free_pages(block[2], 4);
	mm->free_pages(block[6], 4);
	mm->free_pages(block[0], 4);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0, 0x20, 0x40, 0x60);
	assert_int_equal(frame(take(MOVABLE, 4)), 0);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_MOVABLE), 0x400, 0x800, 0xc00);
	expect_sound();
}

/* Two requests of another type take one block each; its remainders come back between the others. */
static void blocks_of_another_type_are_sorted_in(void **state)
{
	struct zone *zone = boot_with(0x1000, &(struct mm_params){ .free_list_order = FREE_LIST_ADDRESS });
	struct page *page, *low;

	low = take(GFP_KERNEL, 10);
	assert_int_equal(frame(low), 0);
	page = take(GFP_KERNEL, 10);
	assert_int_equal(frame(page), 0x400);
	mm->free_pages(page, 10);
	mm->free_pages(low, 10);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_UNMOVABLE), 0, 0x400);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_MOVABLE), 0x800, 0xc00);
	expect_sound();
}

/* ---- per-CPU lists ---- */

static void without_per_cpu_lists_pages_come_from_the_zone(void **state)
{
	struct zone *zone = start_with(0x10000, &(struct mm_params){ .no_pcp_lists = true });
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	struct page *pages[8] = { 0 }, *page = take(MOVABLE, 0);

	assert_int_equal(frame(page), 0);
	assert_int_equal(pcp->count, 0);
	EXPECT_LIST(free_list(zone, 0, MIGRATE_MOVABLE), 1);
	mm->free_pages(page, 0);
	EXPECT_EMPTY(free_list(zone, 0, MIGRATE_MOVABLE));
	assert_int_equal(mm->alloc_pages_bulk(MOVABLE, -1, 8, pages), 8);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(frame(pages[i]), i);
	mm->free_page_list(pages, 8);
	assert_int_equal(pcp->count, 0);
	assert_int_equal(rt_trace_counts()[TP_mm_page_pcp_refill], 0);
	EXPECT_EMPTY(free_list(zone, 3, MIGRATE_MOVABLE));
	expect_sound();
}

/* Batch 4 and high 6: four come, one is used; the sixth on the list sends two back (high - batch). */
static void batch_and_high_can_be_given(void **state)
{
	struct zone *zone = start_with(0x10000, &(struct mm_params){ .pcp_batch = 4, .pcp_high = 6 });
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	struct page *page[8];

	assert_int_equal(pcp->batch, 4);
	assert_int_equal(pcp->high, 6);
	for (u32 i = 0; i < 8; i++)
		page[i] = take(MOVABLE, 0);
	assert_int_equal(pcp->count, 0);
	for (u32 i = 0; i < 5; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 5);
	mm->free_pages(page[5], 0);
	assert_int_equal(pcp->count, 4);
	EXPECT_LIST(&pcp->lists[1], 5, 4, 3, 2);
	EXPECT_LIST(free_list(zone, 1, MIGRATE_MOVABLE), 0);
	expect_sound();
}

/* ---- sizes ---- */

/* Blocks of at most 64 pages, pageblocks of 16: a movable block of 16 changes hands as a whole. */
static void smaller_blocks_and_pageblocks(void **state)
{
	struct zone *zone = boot_with(0x1000, &(struct mm_params){ .pageblock_order = 4, .max_page_order = 6 });
	struct mm_zone_types types;
	struct page *page;

	assert_int_equal(zone->free_area[6].nr_free, 64);
	assert_null(mm->alloc_pages(MOVABLE, 7, -1));
	mm_inspect_zone_types(0, ZONE_DMA32, &types);
	assert_int_equal(types.pageblocks[MIGRATE_MOVABLE], 256);
	page = take(GFP_KERNEL, 0);
	/* a block of order 6 was taken: four pageblocks of order 4 became unmovable */
	mm_inspect_zone_types(0, ZONE_DMA32, &types);
	assert_int_equal(types.pageblocks[MIGRATE_UNMOVABLE], 4);
	assert_int_equal(types.pageblocks[MIGRATE_MOVABLE], 252);
	EXPECT_LIST(free_list(zone, 5, MIGRATE_UNMOVABLE), 0x20);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_UNMOVABLE), 0x10);
	mm->free_pages(page, 0);
	assert_int_equal(zone->free_area[6].nr_free, 64);
	assert_int_equal(zone->free_area[7].nr_free, 0);
	expect_sound();
}

/* Pageblocks of 1024: half as many, and the highest order is one of them. */
static void larger_pageblocks(void **state)
{
	struct zone *zone = boot_with(0x1000, &(struct mm_params){ .pageblock_order = 10 });
	struct mm_zone_types types;

	take(GFP_KERNEL, 0);
	mm_inspect_zone_types(0, ZONE_DMA32, &types);
	assert_int_equal(types.pageblocks[MIGRATE_MOVABLE], 3);
	assert_int_equal(types.pageblocks[MIGRATE_UNMOVABLE], 1);
	assert_int_equal(zone->free_area[10].nr_free, 3);
	expect_sound();
}

/* Without grouping all requests are served from one list, and nothing is ever stolen. */
static void without_grouping_there_is_one_type(void **state)
{
	struct host h = one_zone(0x10000);
	struct mm_zone_types types;

	h.no_mobility = true;
	host_start(&h);
	assert_int_equal(frame(take(MOVABLE, 4)), 0);
	assert_int_equal(frame(take(GFP_KERNEL, 4)), 0x10);
	assert_int_equal(frame(take(RECLAIMABLE, 4)), 0x20);
	mm_inspect_zone_types(0, ZONE_DMA32, &types);
	for (u32 order = 0; order < MAX_ORDER; order++)
		assert_int_equal(types.nr_free[order][MIGRATE_RECLAIMABLE], 0);
	/* the first request changed what memblock had released as movable */
	assert_true(rt_trace_counts()[TP_mm_page_alloc_extfrag] <= 1);
	expect_sound();
}

/* ---- tunables ---- */

/* 65536 pages, min_free_kbytes 2048: min 512; 500 of 10000 are 3276; high 65536 / 8. */
static void watermarks_and_pcp_high_follow_the_tunables(void **state)
{
	struct zone *zone = start_with(0x10000, &(struct mm_params){
		.min_free_kbytes = 2048, .watermark_scale_factor = 500, .percpu_pagelist_high_fraction = 8 });

	assert_int_equal(zone->_watermark[WMARK_MIN], 512);
	assert_int_equal(zone->_watermark[WMARK_LOW], 512 + 3276);
	assert_int_equal(zone->_watermark[WMARK_HIGH], 512 + 2 * 3276);
	assert_int_equal(host_pcp(zone, 0)->high, 8192);
}

/* One zone: 11 pageblocks of 512 pages; nothing on a machine below 512 MiB, and never less than before. */
static void khugepaged_raises_min_free_kbytes(void **state)
{
	static const struct {
		u64 pages;
		u32 thp;
		u64 given, kbytes;
	} rows[] = {
		{ 0x40000, THP_ALWAYS, 0, 11 * 512 * 4 }, { 0x40000, THP_MADVISE, 0, 11 * 512 * 4 },
		{ 0x40000, THP_NEVER, 0, 4096 }, { 0x10000, THP_ALWAYS, 0, 2048 },
		{ 0x40000, THP_ALWAYS, 50000, 50000 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct zone *zone = start_with(rows[i].pages, &(struct mm_params){
			.transparent_hugepage = rows[i].thp, .min_free_kbytes = rows[i].given });

		assert_int_equal(kdata->min_free_kbytes, rows[i].kbytes);
		assert_int_equal(zone->_watermark[WMARK_MIN], rows[i].kbytes / 4);
		host_stop();
	}
	start_with(0x10000, &(struct mm_params){ 0 });
}

static void boost_can_be_turned_off(void **state)
{
	start_with(0x10000, &(struct mm_params){ .watermark_boost_factor = MM_PARAM_ZERO });
	assert_int_equal(kdata->watermark_boost_factor, 0);
	host_stop();
	start_with(0x10000, &(struct mm_params){ 0 });
	assert_int_equal(kdata->watermark_boost_factor, 15000);
}

/* ---- other versions ---- */

/* Somebody gives a pageblock another type. */
static void retype(u64 pfn, u32 mt)
{
	u64 *word = pageblock_word(pfn);
	u32 shift = pageblock_shift(pfn);

	*word = (*word & ~(PAGEBLOCK_MASK << shift)) | (u64)mt << shift;
}

/*
 * Ten pages on the lists, five go back. Lists in turn: movable (found at once)
 * one, then unmovable, behind the empty reclaimable one, two, movable one, and
 * of the two of unmovable the fifth.
 */
static void round_robin_takes_from_every_list(void **state)
{
	struct zone *zone = start_with(0x4000, &(struct mm_params){
		.pcp_order0_only = true, .pcp_free_batch = PCP_FREE_FIXED, .pcp_batch = 5,
		.pcp_high = 10, .pcp_drain = PCP_DRAIN_ROUND_ROBIN });
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	struct page *movable[10], *unmovable[5];

	for (u32 i = 0; i < 10; i++)
		movable[i] = take(MOVABLE, 0);
	for (u32 i = 0; i < 5; i++)
		unmovable[i] = take(GFP_KERNEL, 0);
	assert_int_equal(pcp->count, 0);
	for (u32 i = 0; i < 6; i++)
		mm->free_pages(movable[i], 0);
	for (u32 i = 0; i < 4; i++)
		mm->free_pages(unmovable[i], 0);
	EXPECT_LIST(&pcp->lists[MIGRATE_MOVABLE], (long)frame(movable[5]), (long)frame(movable[4]),
		    (long)frame(movable[3]), (long)frame(movable[2]));
	EXPECT_LIST(&pcp->lists[MIGRATE_UNMOVABLE], (long)frame(unmovable[3]));
	expect_sound();
}

/* The same, list by list: all of the four just freed to, then one of the next that has any. */
static void list_by_list_empties_the_first(void **state)
{
	struct zone *zone = start_with(0x4000, &(struct mm_params){
		.pcp_order0_only = true, .pcp_free_batch = PCP_FREE_FIXED, .pcp_batch = 5,
		.pcp_high = 10 });
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	struct page *movable[10], *unmovable[5];

	for (u32 i = 0; i < 10; i++)
		movable[i] = take(MOVABLE, 0);
	for (u32 i = 0; i < 5; i++)
		unmovable[i] = take(GFP_KERNEL, 0);
	for (u32 i = 0; i < 6; i++)
		mm->free_pages(movable[i], 0);
	for (u32 i = 0; i < 4; i++)
		mm->free_pages(unmovable[i], 0);
	EXPECT_LIST(&pcp->lists[MIGRATE_MOVABLE], (long)frame(movable[5]), (long)frame(movable[4]),
		    (long)frame(movable[3]), (long)frame(movable[2]), (long)frame(movable[1]));
	assert_true(list_empty(&pcp->lists[MIGRATE_UNMOVABLE]));
	expect_sound();
}

/* A page on a per-CPU list whose pageblock becomes of another type meanwhile. */
static void expect_type_of_drained_page(enum mm_freed_type rule, u32 expected)
{
	struct zone *zone = start_with(0x4000, &(struct mm_params){ .freed_type = rule });
	struct page *page = take(MOVABLE, 0), *other = take(MOVABLE, 0);
	u64 pfn = frame(page) + HOST_FIRST_PFN;

	mm->free_pages(page, 0);
	retype(pfn, MIGRATE_UNMOVABLE);
	mm->drain_all_pages();
	assert_true(PageBuddy(page));
	EXPECT_LIST(free_list(zone, 0, expected), (long)frame(page));
	retype(pfn, MIGRATE_MOVABLE);
	(void)other;
	host_stop();
}

static void drained_pages_keep_their_type_until_6_10(void **state)
{
	expect_type_of_drained_page(FREED_TYPE_CACHED, MIGRATE_MOVABLE);
	expect_type_of_drained_page(FREED_TYPE_EXACT, MIGRATE_UNMOVABLE);
	start_with(0x1000, &(struct mm_params){ 0 });
}

/*
 * Two pageblocks, the first unmovable and free, the second movable, is freed:
 * they merge under the second's type. Since 6.10 the first takes it on.
 */
static void expect_types_of_merged(enum mm_freed_type rule, u32 expected)
{
	struct zone *zone = boot_with(0x1000, &(struct mm_params){ .freed_type = rule });
	struct page *first = take(MOVABLE, 9), *second = take(MOVABLE, 9);
	u64 pfn = frame(first) + HOST_FIRST_PFN;

	assert_int_equal(frame(second), frame(first) + 512);
	retype(pfn, MIGRATE_UNMOVABLE);
	mm->free_pages(first, 9);
	mm->free_pages(second, 9);
	assert_int_equal(zone->free_area[9].nr_free, 0);
	assert_int_equal(get_pageblock_migratetype(pfn), expected);
	assert_int_equal(get_pageblock_migratetype(pfn + 512), MIGRATE_MOVABLE);
	host_stop();
}

static void merged_pageblocks_are_of_one_type_since_6_10(void **state)
{
	expect_types_of_merged(FREED_TYPE_CACHED, MIGRATE_UNMOVABLE);
	expect_types_of_merged(FREED_TYPE_EXACT, MIGRATE_MOVABLE);
	start_with(0x1000, &(struct mm_params){ 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(without_look_ahead_every_block_goes_to_the_head),
		MM_TEST(fifo_lists_give_the_block_freed_first),
		MM_TEST(sorted_lists_give_the_lowest_block),
		MM_TEST(blocks_of_another_type_are_sorted_in),
		MM_TEST(without_per_cpu_lists_pages_come_from_the_zone),
		MM_TEST(batch_and_high_can_be_given),
		MM_TEST(smaller_blocks_and_pageblocks),
		MM_TEST(larger_pageblocks),
		MM_TEST(without_grouping_there_is_one_type),
		MM_TEST(watermarks_and_pcp_high_follow_the_tunables),
		MM_TEST(khugepaged_raises_min_free_kbytes),
		MM_TEST(boost_can_be_turned_off),
		MM_TEST(round_robin_takes_from_every_list),
		MM_TEST(list_by_list_empties_the_first),
		MM_TEST(drained_pages_keep_their_type_until_6_10),
		MM_TEST(merged_pageblocks_are_of_one_type_since_6_10),
	};

	return cmocka_run_group_tests_name("page_variants", tests, NULL, NULL);
}
