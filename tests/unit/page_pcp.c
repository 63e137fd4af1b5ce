/*
 * page_pcp.c - per-CPU page lists: refill, order of use, overflow, drain.
 *
 * 256 MiB in one zone: batch 15, and on one CPU high 640.
 */
#include "tests/unit/mm_host.h"

static struct zone *start_zone(u32 nr_cpus)
{
	struct host h = one_zone(65536);

	h.nr_cpus = nr_cpus;
	host_start(&h);
	return host_zone(0, ZONE_DMA32);
}

static struct page *take(u32 order)
{
	struct page *page = mm->alloc_pages(MOVABLE, order, -1);

	assert_non_null(page);
	return page;
}

/* A batch is appended and used from its front: frames ascend. */
static void refill_is_used_in_order(void **state)
{
	struct zone *zone = start_zone(1);
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	u32 i;

	assert_int_equal(frame(take(0)), 0);
	assert_int_equal(pcp->count, 14);
	EXPECT_LIST(&pcp->lists[1], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
	for (i = 1; i < 16; i++)
		assert_int_equal(frame(take(0)), i);
	assert_int_equal(pcp->count, 14);
	expect_sound();
}

/* Fewer large blocks per refill, but at least two. */
static void refill_count_by_order(void **state)
{
	static const struct {
		u32 order, list, blocks;
	} expected[] = { { 0, 1, 15 }, { 1, 4, 7 }, { 2, 7, 3 }, { 3, 10, 2 }, { 9, 13, 2 } };
	struct zone *zone = start_zone(1);

	for (u32 i = 0; i < ARRAY_SIZE(expected); i++) {
		s32 before = host_pcp(zone, 0)->count;

		take(expected[i].order);
		assert_int_equal(host_pcp(zone, 0)->count - before,
				 (expected[i].blocks - 1) << expected[i].order);
		assert_false(list_empty(&host_pcp(zone, 0)->lists[expected[i].list]));
	}
	expect_sound();
}

static void last_freed_is_first_used(void **state)
{
	struct page *a, *b;

	start_zone(1);
	a = take(0);
	b = take(0);
	mm->free_pages(a, 0);
	mm->free_pages(b, 0);
	assert_ptr_equal(take(0), b);
	assert_ptr_equal(take(0), a);
}

/*
 * 700 pages out of 47 batches leave 5. The lists reach 640 after 635 frees and
 * give back 15, after 15 more 30, after 30 more 60.
 */
static void overflow_batches_double(void **state)
{
	struct zone *zone = start_zone(1);
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	struct page *page[700];
	u32 i;

	for (i = 0; i < 700; i++)
		page[i] = take(0);
	assert_int_equal(pcp->count, 5);
	for (i = 0; i < 634; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 639);
	mm->free_pages(page[i++], 0);
	assert_int_equal(pcp->count, 625);
	assert_int_equal(pcp->free_factor, 1);
	/* the oldest went: what the refill had left, then the first ten freed */
	assert_int_equal(frame(list_last_entry(&pcp->lists[1], struct page, lru)), 10);
	for (; i < 650; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 610);
	for (; i < 680; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 580);
	for (; i < 700; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 600);
	assert_int_equal(pcp->free_factor, 3);
	take(0);
	assert_int_equal(pcp->free_factor, 1);
	expect_sound();
}

/* free_factor stops at 5, and a batch is at most high - batch. */
static void overflow_is_bounded(void **state)
{
	struct per_cpu_pages *pcp = host_pcp(start_zone(1), 0);
	struct page *page[105];
	u32 i;

	for (i = 0; i < 105; i++)
		page[i] = take(0);
	assert_int_equal(pcp->count, 0);
	for (i = 0; i < 99; i++)
		mm->free_pages(page[i], 0);
	pcp->high = 100;
	pcp->free_factor = 5; /* 15 << 5 = 480 */
	mm->free_pages(page[i], 0);
	assert_int_equal(pcp->count, 100 - (100 - 15));
	assert_int_equal(pcp->free_factor, 5);
	expect_sound();
}

/* While frees keep coming, a larger block takes all the CPU holds with it. */
static void higher_order_free_empties_the_lists(void **state)
{
	struct zone *zone = start_zone(1);
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	struct page *pair = take(1);

	take(0);
	mm->free_pages(pair, 1);
	assert_int_equal(pcp->count, 14 + 14);
	pair = take(1);
	pcp->free_factor = 1;
	mm->free_pages(pair, 1);
	assert_int_equal(pcp->count, 0);
	expect_sound();
}

/* While the zone is being reclaimed, a CPU keeps at most four batches. */
static void reclaim_lowers_the_mark(void **state)
{
	struct zone *zone = start_zone(1);
	struct page *page[100];
	u32 i;

	for (i = 0; i < 100; i++)
		page[i] = take(0);
	zone->flags |= 1ul << ZONE_RECLAIM_ACTIVE;
	for (i = 0; i < 54; i++)
		mm->free_pages(page[i], 0);
	assert_int_equal(host_pcp(zone, 0)->count, 59);
	mm->free_pages(page[i], 0);
	assert_int_equal(host_pcp(zone, 0)->count, 45);
}

/* The list freed to is emptied before the next one is touched. */
static void overflow_starts_with_its_own_list(void **state)
{
	struct zone *zone = start_zone(1);
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	struct page *movable = take(0), *unmovable = mm->alloc_pages(GFP_KERNEL, 0, -1);

	mm->free_pages(movable, 0);
	assert_int_equal(pcp->count, 15 + 14);
	pcp->high = 30;
	pcp->free_factor = 0;
	mm->free_pages(unmovable, 0); /* 30 pages; at most high - batch = 15 go */
	assert_int_equal(pcp->count, 15);
	EXPECT_EMPTY(&pcp->lists[0]);
	assert_false(list_empty(&pcp->lists[1]));
	expect_sound();
}

static void bulk_allocation(void **state)
{
	struct zone *zone = start_zone(1);
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	struct page *pages[20] = { 0 };
	u32 i;

	pcp->free_factor = 4;
	assert_int_equal(mm->alloc_pages_bulk(MOVABLE, -1, 20, pages), 20);
	assert_int_equal(pcp->free_factor, 4);
	assert_int_equal(pcp->count, 10);
	for (i = 0; i < 20; i++) {
		assert_int_equal(frame(pages[i]), i);
		assert_int_equal(pages[i]->_refcount, 1);
	}
	/* filled slots are left alone; a single page comes the ordinary way */
	pages[19] = NULL;
	assert_int_equal(mm->alloc_pages_bulk(MOVABLE, -1, 20, pages), 20);
	assert_int_equal(frame(pages[19]), 20);
	assert_int_equal(pcp->free_factor, 2);
	assert_int_equal(mm->alloc_pages_bulk(MOVABLE, -1, 20, pages), 20);
	expect_sound();
}

/* Interrupted in the middle of a list, the kernel goes to the zone itself. */
static void busy_list_is_passed_by(void **state)
{
	struct zone *zone = start_zone(1);
	struct per_cpu_pages *pcp = host_pcp(zone, 0);
	struct page *page = take(0), *pages[4] = { 0 };

	pcp->lock.slock = 1;
	mm->free_pages(page, 0);
	assert_int_equal(pcp->count, 14);
	EXPECT_LIST(free_list(zone, 0, MIGRATE_MOVABLE), 0, 15);
	assert_ptr_equal(take(0), page);
	assert_int_equal(mm->alloc_pages_bulk(MOVABLE, -1, 4, pages), 1);
	assert_int_equal(frame(pages[0]), 15);
	mm->free_page_list(&page, 1);
	EXPECT_LIST(free_list(zone, 0, MIGRATE_MOVABLE), 0);
	assert_int_equal(pcp->count, 14);
	pcp->lock.slock = 0;
	expect_sound();
}

/* Pages of a batch go to the head one after the other; those still in use stay. */
static void freeing_a_batch(void **state)
{
	struct zone *zone = start_zone(1);
	struct page *pages[40];
	u32 i;

	for (i = 0; i < 40; i++)
		pages[i] = take(0);
	pages[2]->_refcount = 2;
	mm->free_page_list(pages, 5);
	assert_int_equal(page_at(2)->_refcount, 1);
	EXPECT_LIST(&host_pcp(zone, 0)->lists[1], 4, 3, 1, 0, 40, 41, 42, 43, 44);
	mm->free_page_list(pages + 5, 35);
	assert_int_equal(host_pcp(zone, 0)->count, 44);
	expect_sound();
}

/* The type that counts is the pageblock's when the page was freed, not when it leaves the CPU. */
static void stale_migratetype(void **state)
{
	struct zone *zone = start_zone(1);
	struct page *page = take(0);

	mm->free_pages(page, 0);
	*pageblock_word(HOST_FIRST_PFN) &= ~0xful; /* unmovable now */
	mm->drain_all_pages();
	EXPECT_EMPTY(free_list(zone, 10, MIGRATE_UNMOVABLE));
	assert_int_equal(frame(list_first_entry(free_list(zone, 10, MIGRATE_MOVABLE), struct page,
						lru)), 0);
	expect_sound();
}

/* Pages of the reserve have no list of their own: they travel with the movable ones. */
static void reserve_travels_as_movable(void **state)
{
	struct zone *zone = start_zone(1);
	struct page *page = mm->alloc_pages(GFP_KERNEL, 0, -1), *pair = take(1);

	*pageblock_word(HOST_FIRST_PFN) |= MIGRATE_HIGHATOMIC; /* over 0, unmovable */
	zone->nr_reserved_highatomic = PAGEBLOCK_NR_PAGES;
	mm->free_pages(page, 0);
	EXPECT_LIST(&host_pcp(zone, 0)->lists[MIGRATE_MOVABLE], 0);
	assert_int_equal(page->index, MIGRATE_HIGHATOMIC);
	host_pcp(zone, 0)->free_factor = 1;
	mm->free_pages(pair, 1); /* empties all lists; frame 0 completes its pageblock */
	EXPECT_LIST(free_list(zone, 9, MIGRATE_HIGHATOMIC), 0);
	expect_sound();
}

static void drain_empties_every_cpu(void **state)
{
	struct zone *zone = start_zone(2);

	take(0);
	rt_enter_cpu(1);
	take(0);
	take(3);
	assert_int_equal(host_pcp(zone, 0)->count, 14);
	assert_int_equal(host_pcp(zone, 1)->count, 14 + 8);
	mm->drain_all_pages();
	assert_int_equal(host_pcp(zone, 0)->count, 0);
	assert_int_equal(host_pcp(zone, 1)->count, 0);
	expect_sound();
}

/* Pages of another node's zone go home a batch at a time once they lie idle for three rounds. */
static void remote_pages_expire(void **state)
{
	struct host h = { .nr_cpus = 2, .nr_nodes = 2, .cpu_node = { 0, 1 },
			  .zones = { { 0, ZONE_DMA32, HOST_FIRST_PFN, 0x8000, 0x8000 },
				     { 1, ZONE_DMA32, HOST_FIRST_PFN + 0x8000, 0x8000, 0x8000 } } };
	struct per_cpu_pages *pcp;

	host_start(&h);
	pcp = host_pcp(host_zone(1, ZONE_DMA32), 0);
	assert_int_equal(pcp->batch, 7);
	mm->alloc_pages(MOVABLE, 3, 1); /* two blocks fetched, 16 pages: beyond the threshold */
	mm->alloc_pages(MOVABLE, 0, 1); /* 7 pages: kept in the differential */
	assert_int_equal(pcp->count, 8 + 6);
	mm->refresh_cpu_vm_stats();
	assert_int_equal(pcp->expire, 2);
	mm->refresh_cpu_vm_stats();
	assert_int_equal(pcp->count, 14);
	mm->refresh_cpu_vm_stats(); /* 7 wanted: the 6 single pages, then a block of 8 */
	assert_int_equal(pcp->expire, 0);
	assert_int_equal(pcp->count, 0);
	expect_sound();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(refill_is_used_in_order),
		MM_TEST(refill_count_by_order),
		MM_TEST(last_freed_is_first_used),
		MM_TEST(overflow_batches_double),
		MM_TEST(overflow_is_bounded),
		MM_TEST(higher_order_free_empties_the_lists),
		MM_TEST(reclaim_lowers_the_mark),
		MM_TEST(overflow_starts_with_its_own_list),
		MM_TEST(bulk_allocation),
		MM_TEST(busy_list_is_passed_by),
		MM_TEST(freeing_a_batch),
		MM_TEST(stale_migratetype),
		MM_TEST(reserve_travels_as_movable),
		MM_TEST(drain_empties_every_cpu),
		MM_TEST(remote_pages_expire),
	};

	return cmocka_run_group_tests_name("page_pcp", tests, NULL, NULL);
}
