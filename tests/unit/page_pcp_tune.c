/*
 * page_pcp_tune.c - per-CPU lists that find their own size: sequences computed
 * by hand from the rules (Linux 6.7 and later).
 *
 * 256 MiB in one zone, one CPU: batch 15, high_min 640 (the low watermark),
 * high_max 8192 (an eighth of the zone).
 */
#include "tests/unit/mm_host.h"

static struct per_cpu_pages *start(void)
{
	struct host h = one_zone(65536);

	h.params.pcp_auto_tune = true;
	host_start(&h);
	return host_pcp(host_zone(0, ZONE_DMA32), 0);
}

static struct page *take(u32 order)
{
	struct page *page = mm->alloc_pages(MOVABLE, order, -1);

	assert_non_null(page);
	return page;
}

static void limits(void **state)
{
	struct per_cpu_pages *pcp = start();

	assert_int_equal(pcp->batch, 15);
	assert_int_equal(pcp->high_min, 640);
	assert_int_equal(pcp->high_max, 8192);
}

/* The administrator's share leaves nothing to tune. */
static void a_given_share_is_kept(void **state)
{
	struct host h = one_zone(65536);
	struct per_cpu_pages *pcp;

	h.params.pcp_auto_tune = true;
	h.params.percpu_pagelist_high_fraction = 16;
	host_start(&h);
	pcp = host_pcp(host_zone(0, ZONE_DMA32), 0);
	assert_int_equal(pcp->high_min, 4096);
	assert_int_equal(pcp->high_max, 4096);
	take(0);
	assert_int_equal(pcp->high, 4096);
}

/* Each refill is twice the last, up to 32 batches, and high rises by as much. */
static void refills_double(void **state)
{
	static const struct {
		s32 pages, high, factor;
	} expected[] = { { 15, 655, 1 },   { 30, 685, 2 },   { 60, 745, 3 },  { 120, 865, 4 },
			 { 240, 1105, 5 }, { 480, 1585, 5 }, { 480, 2065, 5 } };
	struct per_cpu_pages *pcp = start();

	for (u32 i = 0; i < ARRAY_SIZE(expected); i++) {
		take(0);
		assert_int_equal(pcp->count, expected[i].pages - 1);
		assert_int_equal(pcp->high, expected[i].high);
		assert_int_equal(pcp->alloc_factor, expected[i].factor);
		while (pcp->count)
			take(0);
	}
	expect_sound();
}

/* A free halves the factor; larger blocks come in plain batches. */
static void frees_and_orders_slow_refills(void **state)
{
	struct per_cpu_pages *pcp = start();
	struct page *page;

	page = take(0);
	while (pcp->count)
		take(0);
	take(0); /* 30; the factor is 2 */
	mm->free_pages(page, 0);
	assert_int_equal(pcp->alloc_factor, 1);
	while (pcp->count)
		take(0);
	take(0);
	assert_int_equal(pcp->count, 29);
	while (pcp->count)
		take(0);
	take(1);
	assert_int_equal(pcp->count, 6 * 2); /* 15 >> 1 blocks of two pages */
}

/* 105 pages in hand, nothing on the lists, marks 40 to 200. */
static struct per_cpu_pages *with_pages(struct page *page[105])
{
	struct per_cpu_pages *pcp = start();

	for (u32 i = 0; i < 105; i++)
		page[i] = take(0);
	assert_int_equal(pcp->count, 0);
	pcp->high_min = pcp->high = 40;
	pcp->high_max = 200;
	pcp->alloc_factor = 0;
	pcp->free_count = 0;
	return pcp;
}

/*
 * The 40th free finds 40 pages: 25 go (all but a batch), and high becomes
 * 40 + 15. The 80th finds 55: 40 go, high becomes 80 + 15.
 */
static void bursts_of_frees_raise_high(void **state)
{
	struct page *page[105];
	struct per_cpu_pages *pcp = with_pages(page);
	u32 i;

	for (i = 0; i < 39; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 39);
	mm->free_pages(page[i++], 0);
	assert_int_equal(pcp->count, 15);
	assert_int_equal(pcp->high, 55);
	for (; i < 79; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 54);
	mm->free_pages(page[i++], 0);
	assert_int_equal(pcp->count, 15);
	assert_int_equal(pcp->high, 95);
	assert_int_equal(pcp->free_count, 80);
	take(0);
	assert_int_equal(pcp->free_count, 40);
	expect_sound();
}

/* Below the zone's high mark lists go down to high_min, and the zone is looked at again. */
static void lists_shrink_below_the_high_mark(void **state)
{
	struct page *page[105];
	struct per_cpu_pages *pcp = with_pages(page);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	for (u32 i = 0; i < 30; i++)
		mm->free_pages(page[i], 0);
	pcp->high = 95;
	zone->flags |= 1ul << ZONE_BELOW_HIGH;
	mm->free_pages(page[30], 0); /* 31 pages, under high_min: they stay */
	assert_int_equal(pcp->high, 64); /* 95 - 31 */
	assert_int_equal(pcp->count, 31);
	for (u32 i = 31; i < 39; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->high, 40);
	assert_int_equal(pcp->count, 39);
	mm->free_pages(page[39], 0);
	assert_int_equal(pcp->count, 15); /* 40 freed in a row, all but a batch go */
	assert_int_equal(zone->flags & 1ul << ZONE_BELOW_HIGH, 0);
	expect_sound();
}

static void reclaim_leaves_four_batches(void **state)
{
	struct page *page[105];
	struct per_cpu_pages *pcp = with_pages(page);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	pcp->high = 200;
	zone->flags |= 1ul << ZONE_RECLAIM_ACTIVE;
	for (u32 i = 0; i < 10; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->high, 50); /* ten times down by a batch: the burst is shorter */
	assert_int_equal(pcp->count, 10);
}

/* After 15 pages freed in a row the second larger block takes all there is along. */
static void larger_blocks_empty_the_lists(void **state)
{
	struct page *page[105], *pair[3];
	struct per_cpu_pages *pcp;

	pcp = with_pages(page);
	for (u32 i = 0; i < 3; i++)
		pair[i] = take(1);
	pcp->high_min = pcp->high = 640;
	pcp->high_max = 8192;
	pcp->free_count = 0;
	mm->drain_all_pages();
	mm->free_pages(pair[0], 1);
	mm->free_pages(pair[1], 1);
	assert_int_equal(pcp->count, 4); /* but four pages are no burst */
	for (u32 i = 0; i < 15; i++)
		mm->free_pages(page[i], 0);
	mm->free_pages(pair[2], 1);
	assert_int_equal(pcp->count, 21); /* single pages came between */
	pair[0] = take(1);
	pcp->free_count = 15;
	pcp->flags = 1;
	mm->free_pages(pair[0], 1);
	assert_int_equal(pcp->count, 0);
	assert_int_equal(pcp->high, 640);
	expect_sound();
}

/* 80 - 80/8 = 70; of 100 pages 30 go. Then 70 - 8 = 62. */
static void high_decays_with_time(void **state)
{
	struct page *page[105];
	struct per_cpu_pages *pcp = with_pages(page);

	pcp->high_min = pcp->high = 200;
	pcp->high_max = 400;
	for (u32 i = 0; i < 100; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 100);
	pcp->high_min = 10;
	pcp->high = 80;
	mm->refresh_cpu_vm_stats();
	assert_int_equal(pcp->high, 70);
	assert_int_equal(pcp->count, 70);
	mm->refresh_cpu_vm_stats();
	assert_int_equal(pcp->high, 62);
	assert_int_equal(pcp->count, 62);
	expect_sound();
}

/* An allocation that finds the zone under its high mark says so. */
static void allocations_watch_the_high_mark(void **state)
{
	struct zone *zone;

	start();
	zone = host_zone(0, ZONE_DMA32);
	take(0);
	assert_int_equal(zone->flags & 1ul << ZONE_BELOW_HIGH, 0);
	zone->_watermark[WMARK_HIGH] = 65536;
	take(0);
	assert_int_not_equal(zone->flags & 1ul << ZONE_BELOW_HIGH, 0);
}

/* ---- other versions' lists ---- */

/* Six batches, and one batch at a time goes back. */
static void lists_before_5_14(void **state)
{
	struct host h = one_zone(65536);
	struct per_cpu_pages *pcp;
	struct page *page[200], *pair;

	h.params.pcp_order0_only = true;
	h.params.pcp_high_from = PCP_HIGH_SIX_BATCHES;
	h.params.pcp_free_batch = PCP_FREE_FIXED;
	host_start(&h);
	pcp = host_pcp(host_zone(0, ZONE_DMA32), 0);
	assert_int_equal(pcp->high, 90);
	pair = take(1);
	assert_int_equal(pcp->count, 0);
	for (u32 i = 0; i < 180; i++)
		page[i] = take(0);
	assert_int_equal(pcp->count, 0);
	for (u32 i = 0; i < 89; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 89);
	for (u32 i = 89; i < 164; i += 15) {
		mm->free_pages(page[i], 0);
		assert_int_equal(pcp->count, 75);
		for (u32 k = 1; k < 15; k++)
			mm->free_pages(page[i + k], 0);
	}
	mm->free_pages(pair, 1);
	assert_int_equal(pcp->count, 89);
	expect_sound();
}

/* 3000 pages may stay; the factor of the first 6.1 releases goes beyond 5: 960 go back. */
static void overflow_with_factor_6(u32 rule, s32 left)
{
	static struct page *page[3000];
	struct host h = one_zone(65536);
	struct per_cpu_pages *pcp;

	h.params.pcp_free_batch = rule;
	host_start(&h);
	pcp = host_pcp(host_zone(0, ZONE_DMA32), 0);
	for (u32 i = 0; i < 3000; i++)
		page[i] = take(0);
	assert_int_equal(pcp->count, 0);
	pcp->high = 3000;
	for (u32 i = 0; i < 2999; i++)
		mm->free_pages(page[i], 0);
	pcp->free_factor = rule == PCP_FREE_UNCAPPED ? 6 : 5;
	mm->free_pages(page[2999], 0);
	assert_int_equal(pcp->count, left);
	assert_int_equal(pcp->free_factor, rule == PCP_FREE_UNCAPPED ? 7 : 5);
	host_stop();
}

static void growth_and_its_limit(void **state)
{
	overflow_with_factor_6(PCP_FREE_UNCAPPED, 3000 - (15 << 6));
	overflow_with_factor_6(PCP_FREE_GROWING, 3000 - (15 << 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(limits),
		MM_TEST(a_given_share_is_kept),
		MM_TEST(refills_double),
		MM_TEST(frees_and_orders_slow_refills),
		MM_TEST(bursts_of_frees_raise_high),
		MM_TEST(lists_shrink_below_the_high_mark),
		MM_TEST(reclaim_leaves_four_batches),
		MM_TEST(larger_blocks_empty_the_lists),
		MM_TEST(high_decays_with_time),
		MM_TEST(allocations_watch_the_high_mark),
		MM_TEST(lists_before_5_14),
		MM_TEST(growth_and_its_limit),
	};

	return cmocka_run_group_tests_name("page_pcp_tune", tests, NULL, NULL);
}
