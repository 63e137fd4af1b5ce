/*
 * page_boot.c - from the memory map to zones: release, zonelists, watermarks.
 */
#include "tests/unit/mm_host.h"

/* A range is cut into the largest aligned blocks, and lists are in address order. */
static void release_cuts_aligned_blocks(void **state)
{
	struct host h = one_zone(0x1000);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	h.free[0] = (struct mm_range){ HOST_FIRST_PFN + 3, HOST_FIRST_PFN + 0xc24 };
	host_boot(&h);
	EXPECT_LIST(free_list(zone, 0, MIGRATE_MOVABLE), 3);
	EXPECT_EMPTY(free_list(zone, 1, MIGRATE_MOVABLE));
	EXPECT_LIST(free_list(zone, 2, MIGRATE_MOVABLE), 4, 0xc20);
	EXPECT_LIST(free_list(zone, 3, MIGRATE_MOVABLE), 8);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0x10);
	EXPECT_LIST(free_list(zone, 5, MIGRATE_MOVABLE), 0x20, 0xc00);
	EXPECT_LIST(free_list(zone, 6, MIGRATE_MOVABLE), 0x40);
	EXPECT_LIST(free_list(zone, 7, MIGRATE_MOVABLE), 0x80);
	EXPECT_LIST(free_list(zone, 8, MIGRATE_MOVABLE), 0x100);
	EXPECT_LIST(free_list(zone, 9, MIGRATE_MOVABLE), 0x200);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_MOVABLE), 0x400, 0x800);
	assert_int_equal(zone->managed_pages, 0xc21);
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 0xc21);
	expect_sound();
	host_stop();
}

/* Two ranges that meet inside a pair become one block. */
static void adjacent_ranges_merge(void **state)
{
	struct host h = one_zone(0x400);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	h.free[0] = (struct mm_range){ HOST_FIRST_PFN, HOST_FIRST_PFN + 0x200 };
	h.free[1] = (struct mm_range){ HOST_FIRST_PFN + 0x200, HOST_FIRST_PFN + 0x400 };
	host_boot(&h);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_MOVABLE), 0);
	assert_int_equal(zone->free_area[9].nr_free, 0);
	host_stop();
}

/* The pageblock that begins before its zone keeps type 0, as the one of frame 0 does on x86. */
static void first_partial_pageblock_is_unmovable(void **state)
{
	struct host h = { .zones = { { 0, ZONE_DMA, HOST_FIRST_PFN + 1, 0x7ff, 0x7ff } } };

	host_boot(&h);
	assert_int_equal(get_pageblock_migratetype(HOST_FIRST_PFN), MIGRATE_UNMOVABLE);
	assert_int_equal(get_pageblock_migratetype(HOST_FIRST_PFN + 0x200), MIGRATE_MOVABLE);
	assert_int_equal(get_pageblock_migratetype(HOST_FIRST_PFN + 0x600), MIGRATE_MOVABLE);
	EXPECT_LIST(free_list(host_zone(0, ZONE_DMA), 8, MIGRATE_UNMOVABLE), 0x100);
	host_stop();
}

/* Below 4 pageblocks, grouping by mobility is not worth it: nothing is movable then. */
static void small_machines_do_not_group(void **state)
{
	struct host small = one_zone(0x7ff), large = one_zone(0x900);

	host_boot(&small);
	assert_int_equal(kdata->page_group_by_mobility_disabled, 1);
	host_stop();
	host_boot(&large);
	assert_int_equal(kdata->page_group_by_mobility_disabled, 0);
	host_stop();
	large.no_mobility = true;
	host_boot(&large);
	assert_int_equal(kdata->page_group_by_mobility_disabled, 1);
	host_stop();
}

/* Until the real lists exist, a page is fetched alone and goes back at once. */
static void boot_lists_hold_nothing(void **state)
{
	struct host h = one_zone(0x1000);
	struct zone *zone = host_zone(0, ZONE_DMA32);
	struct page *page;

	host_boot(&h);
	page = mm->alloc_pages(MOVABLE, 0, -1);
	assert_int_equal(frame(page), 0);
	assert_int_equal(host_pcp(zone, 0)->count, 0);
	EXPECT_LIST(free_list(zone, 0, MIGRATE_MOVABLE), 1);
	mm->free_pages(page, 0);
	assert_int_equal(host_pcp(zone, 0)->count, 0);
	EXPECT_EMPTY(free_list(zone, 0, MIGRATE_MOVABLE));
	assert_int_equal(zone->free_area[10].nr_free, 4);
	host_stop();
}

static void expect_marks(const struct zone *zone, u64 least, u64 low, u64 high)
{
	assert_int_equal(zone->_watermark[WMARK_MIN], least);
	assert_int_equal(zone->_watermark[WMARK_LOW], low);
	assert_int_equal(zone->_watermark[WMARK_HIGH], high);
}

/* 256 MiB in one zone: sqrt(16 * 262144) = 2048 kB. */
static void marks_of_one_zone(void **state)
{
	struct host h = one_zone(65536);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	host_boot(&h);
	mm->setup_pagesets();
	assert_int_equal(zone->pageset_high, 4 * 15);
	mm->init_watermarks();
	assert_int_equal(kdata->min_free_kbytes, 2048);
	expect_marks(zone, 512, 640, 768);
	assert_int_equal(zone->pageset_batch, 15);
	assert_int_equal(zone->pageset_high, 640);
	/* 2 * fls(1 CPU) * (1 + fls(2 * 128 MiB)) */
	assert_int_equal(per_cpu_ptr(zone->per_cpu_zonestats, 0)->stat_threshold, 6);
	assert_int_equal(kdata->totalreserve_pages, 768);
	host_stop();
}

/* 1 GiB in two zones, and four CPUs that share what one had. */
static void marks_of_two_zones(void **state)
{
	struct host h = { .nr_cpus = 4, .nr_nodes = 1,
			  .zones = { { 0, ZONE_DMA, HOST_FIRST_PFN, 3840, 3840 },
				     { 0, ZONE_DMA32, HOST_FIRST_PFN + 4096, 258048, 258048 } } };
	struct zone *dma = host_zone(0, ZONE_DMA), *dma32 = host_zone(0, ZONE_DMA32);

	host_start(&h);
	assert_int_equal(kdata->min_free_kbytes, 4093);
	expect_marks(dma, 15, 18, 21);
	expect_marks(dma32, 1008, 1266, 1524);
	assert_int_equal(dma->lowmem_reserve[ZONE_DMA32], 1008);
	assert_int_equal(dma->lowmem_reserve[ZONE_MOVABLE], 1008);
	assert_int_equal(dma32->lowmem_reserve[ZONE_NORMAL], 0);
	assert_int_equal(dma->pageset_batch, 1);
	assert_int_equal(dma->pageset_high, 4);
	assert_int_equal(dma32->pageset_batch, 63);
	assert_int_equal(dma32->pageset_high, 316);
	assert_int_equal(host_pcp(dma32, 3)->high, 316);
	/* 2 * fls(4) * (1 + fls(7)); the drift mark dates from the CPUs' start, when marks were 0 */
	assert_int_equal(per_cpu_ptr(dma32->per_cpu_zonestats, 3)->stat_threshold, 24);
	assert_int_equal(dma32->percpu_drift_mark, 0 + 4 * 24);
	/* 4 * 6 pages hidden in counters are more than the 3 between its marks */
	assert_int_equal(dma->percpu_drift_mark, 21 + 4 * 6);
	host_stop();
}

static void refill_sizes_by_zone_size(void **state)
{
	static const struct {
		u64 pages;
		s32 batch;
	} sizes[] = { { 176128, 63 }, { 176127, 31 }, { 90112, 31 }, { 90111, 15 }, { 45056, 15 },
		      { 45055, 7 },   { 24576, 7 },   { 24575, 3 },  { 12288, 3 },  { 12287, 1 } };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct host h = one_zone(sizes[i].pages);

		host_start(&h);
		assert_int_equal(host_zone(0, ZONE_DMA32)->pageset_batch, sizes[i].batch);
		host_stop();
	}
}

static void expect_zonelist(u32 node, u32 list, const int (*expected)[2])
{
	const struct zoneref *ref = kdata->node_data[node]->node_zonelists[list]._zonerefs;

	for (; expected[0][0] >= 0; expected++, ref++) {
		assert_non_null(ref->zone);
		assert_int_equal(ref->zone->node, expected[0][0]);
		assert_int_equal(ref->zone_idx, expected[0][1]);
	}
	assert_null(ref->zone);
}

/* Nearest first; of equally near ones the next higher, and those that began fewer lists. */
static void zonelists_of_four_nodes(void **state)
{
	static const u8 distance[16] = { 10, 20, 20, 20, 20, 10, 20, 20,
					 20, 20, 10, 20, 20, 20, 20, 10 };
	struct host h = { .nr_cpus = 4, .nr_nodes = 4, .cpu_node = { 0, 1, 2, 3 },
			  .node_distance = distance };
	u32 n;

	h.zones[0] = (struct mm_zone_boot){ 0, ZONE_DMA32, HOST_FIRST_PFN, 0x400, 0x400 };
	for (n = 0; n < 4; n++)
		h.zones[n + 1] = (struct mm_zone_boot){ n, ZONE_NORMAL, HOST_FIRST_PFN +
							(n + 1) * 0x400, 0x400, 0x400 };
	host_boot(&h);
	expect_zonelist(0, 0, (const int[][2]){ { 0, 2 }, { 0, 1 }, { 1, 2 }, { 2, 2 }, { 3, 2 },
						{ -1, 0 } });
	expect_zonelist(1, 0, (const int[][2]){ { 1, 2 }, { 2, 2 }, { 3, 2 }, { 0, 2 }, { 0, 1 },
						{ -1, 0 } });
	expect_zonelist(2, 0, (const int[][2]){ { 2, 2 }, { 3, 2 }, { 0, 2 }, { 0, 1 }, { 1, 2 },
						{ -1, 0 } });
	expect_zonelist(3, 0, (const int[][2]){ { 3, 2 }, { 0, 2 }, { 0, 1 }, { 1, 2 }, { 2, 2 },
						{ -1, 0 } });
	expect_zonelist(0, 1, (const int[][2]){ { 0, 2 }, { 0, 1 }, { -1, 0 } });
	expect_zonelist(3, 1, (const int[][2]){ { 3, 2 }, { -1, 0 } });
	host_stop();
}

/* Memory freed late in boot adds to the zone and travels over the CPU's lists. */
static void late_memory_is_added(void **state)
{
	struct host h = one_zone(0x1000);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	h.free[0] = (struct mm_range){ HOST_FIRST_PFN + 0x400, HOST_FIRST_PFN + 0x1000 };
	host_start(&h);
	mm->release_reserved(HOST_FIRST_PFN + 0x10, 1);
	assert_int_equal(zone->managed_pages, 0xc02);
	assert_int_equal(host_pcp(zone, 0)->count, 2);
	EXPECT_LIST(&host_pcp(zone, 0)->lists[MIGRATE_MOVABLE], 0x11, 0x10);
	expect_sound();
	host_stop();
}

/* 64 GiB boot without touching more of their struct pages than one per free block. */
static void large_machine_stays_untouched(void **state)
{
	const u64 blocks = 1ul << 14;
	struct host h = { .zones = { { 0, ZONE_NORMAL, 0x100000, blocks << 10, blocks << 10 } } };

	host_start(&h);
	assert_int_equal(host_zone(0, ZONE_NORMAL)->free_area[10].nr_free, blocks);
	/* a host page per block, and a little for the kernel's data */
	if (ram_resident_bytes())
		assert_in_range(ram_resident_bytes(), 1, blocks * 4096 + (4ul << 20));
	host_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(release_cuts_aligned_blocks),
		MM_TEST(adjacent_ranges_merge),
		MM_TEST(first_partial_pageblock_is_unmovable),
		MM_TEST(small_machines_do_not_group),
		MM_TEST(boot_lists_hold_nothing),
		MM_TEST(marks_of_one_zone),
		MM_TEST(marks_of_two_zones),
		MM_TEST(refill_sizes_by_zone_size),
		MM_TEST(zonelists_of_four_nodes),
		MM_TEST(late_memory_is_added),
		MM_TEST(large_machine_stays_untouched),
	};

	return cmocka_run_group_tests_name("page_boot", tests, NULL, NULL);
}
