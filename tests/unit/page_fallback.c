/*
 * page_fallback.c - pageblocks changing hands, boosts, the high-atomic reserve.
 *
 * Without watermarks (boot stopped after the release) unless a test needs them.
 */
#include "tests/unit/mm_host.h"

static struct page *take(gfp_t gfp, u32 order)
{
	struct page *page = mm->alloc_pages(gfp, order, -1);

	assert_non_null(page);
	return page;
}

static u32 type_of(u64 frame_nr)
{
	return get_pageblock_migratetype(HOST_FIRST_PFN + frame_nr);
}

/* A zone of 16 MiB of which only some frames are free. */
static struct zone *boot_with(u64 zone_start, const struct mm_range *frames)
{
	struct host h = { .zones = { { 0, ZONE_DMA32, HOST_FIRST_PFN + zone_start, 0x1000,
				       0x1000 } } };

	for (u32 i = 0; frames[i].end; i++)
		h.free[i] = (struct mm_range){ HOST_FIRST_PFN + frames[i].pfn,
					       HOST_FIRST_PFN + frames[i].end };
	host_boot(&h);
	return host_zone(0, ZONE_DMA32);
}

#define BOOT_WITH(start, ...) boot_with(start, (const struct mm_range[]){ __VA_ARGS__, { 0, 0 } })

/* A block of 4 MiB brings both its pageblocks along. */
static void large_block_changes_its_pageblocks(void **state)
{
	struct zone *zone = BOOT_WITH(0, { 0, 0x1000 });

	assert_int_equal(frame(take(GFP_KERNEL, 4)), 0);
	assert_int_equal(type_of(0), MIGRATE_UNMOVABLE);
	assert_int_equal(type_of(0x200), MIGRATE_UNMOVABLE);
	assert_int_equal(type_of(0x400), MIGRATE_MOVABLE);
	EXPECT_LIST(free_list(zone, 9, MIGRATE_UNMOVABLE), 0x200);
	EXPECT_LIST(free_list(zone, 10, MIGRATE_MOVABLE), 0x400, 0x800, 0xc00);
	expect_sound();
}

/* The largest order decides, the order of types only between lists of that order. */
static void largest_block_first(void **state)
{
	BOOT_WITH(0, { 0, 0x1000 });
	take(GFP_KERNEL, 4); /* unmovable, up to order 9, is now the first choice */
	assert_int_equal(frame(take(RECLAIMABLE, 4)), 0x400);
	assert_int_equal(type_of(0x400), MIGRATE_RECLAIMABLE);
	assert_int_equal(frame(take(GFP_KERNEL, 9)), 0x200);
	assert_int_equal(frame(take(MOVABLE, 9)), 0x800);
	take(MOVABLE, 9);
	take(MOVABLE, 10);
	/* movable has run out; of the lists of order 9 reclaimable comes first: none but that */
	assert_int_equal(frame(take(MOVABLE, 9)), 0x600);
	assert_int_equal(type_of(0x600), MIGRATE_MOVABLE);
	expect_sound();
}

/* Half of a pageblock free: the rest of it moves too, and it changes its type. */
static void half_a_pageblock_changes_type(void **state)
{
	struct zone *zone = BOOT_WITH(0, { 0x200, 0x400 });

	take(MOVABLE | __GFP_COMP, 8);
	assert_int_equal(frame(take(GFP_KERNEL, 4)), 0x300);
	assert_int_equal(type_of(0x200), MIGRATE_UNMOVABLE);
	EXPECT_LIST(free_list(zone, 7, MIGRATE_UNMOVABLE), 0x380);
	expect_sound();
}

/* Less than half, and the rest in use by movable pages: the free blocks move, the type stays. */
static void quarter_of_a_pageblock_keeps_type(void **state)
{
	struct zone *zone = BOOT_WITH(0, { 0x200, 0x400 });

	take(MOVABLE | __GFP_COMP, 8);
	take(MOVABLE | __GFP_COMP, 7);
	assert_int_equal(frame(take(GFP_KERNEL, 4)), 0x380);
	assert_int_equal(type_of(0x200), MIGRATE_MOVABLE);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_UNMOVABLE), 0x390);
	expect_sound();
}

/* As much free, but the rest in use by what looks like unmovable pages: it changes. */
static void alike_pages_count(void **state)
{
	BOOT_WITH(0, { 0x200, 0x400 });
	take(MOVABLE, 8); /* not compound: one movable page, the others do not say */
	take(MOVABLE, 7);
	take(GFP_KERNEL, 4); /* 128 free + 512 - (128 + 2) */
	assert_int_equal(type_of(0x200), MIGRATE_UNMOVABLE);
	expect_sound();
}

/*
 * All free blocks of the pageblock move, to their lists' tails and in address
 * order; the smallest that fits is then used, not the one that was found.
 */
static void whole_pageblock_is_moved(void **state)
{
	struct zone *zone = BOOT_WITH(0, { 0x202, 0x204 }, { 0x210, 0x220 }, { 0x240, 0x260 },
				      { 0x280, 0x300 });

	assert_int_equal(frame(take(GFP_KERNEL, 4)), 0x210);
	EXPECT_LIST(free_list(zone, 1, MIGRATE_UNMOVABLE), 0x202);
	EXPECT_LIST(free_list(zone, 5, MIGRATE_UNMOVABLE), 0x240);
	EXPECT_LIST(free_list(zone, 7, MIGRATE_UNMOVABLE), 0x280);
	assert_int_equal(zone->free_area[4].nr_free, 0);
	expect_sound();
}

/* A movable request takes the smallest of small blocks, alone. */
static void movable_takes_the_smallest(void **state)
{
	/* the zone begins inside the pageblock, which therefore is unmovable */
	struct zone *zone = BOOT_WITH(1, { 4, 8 }, { 0x10, 0x18 }, { 0x20, 0x22 });

	assert_int_equal(frame(take(MOVABLE, 1)), 0x20);
	EXPECT_LIST(free_list(zone, 2, MIGRATE_UNMOVABLE), 4);
	assert_int_equal(frame(take(MOVABLE, 1)), 4);
	EXPECT_LIST(free_list(zone, 1, MIGRATE_MOVABLE), 6);
	EXPECT_LIST(free_list(zone, 3, MIGRATE_UNMOVABLE), 0x10);
	assert_int_equal(type_of(0), MIGRATE_UNMOVABLE);
	expect_sound();
}

/* Of order 4 and more it takes the pageblock's other free blocks along, from the largest on. */
static void movable_steals_large_blocks(void **state)
{
	struct zone *zone = BOOT_WITH(1, { 0x100, 0x110 }, { 0x180, 0x188 });

	assert_int_equal(frame(take(MOVABLE, 1)), 0x180);
	EXPECT_LIST(free_list(zone, 1, MIGRATE_MOVABLE), 0x182);
	EXPECT_LIST(free_list(zone, 4, MIGRATE_MOVABLE), 0x100);
	assert_int_equal(type_of(0), MIGRATE_UNMOVABLE);
	expect_sound();
}

/* The high mark of 16 MiB: less than a pageblock, so the boost is one pageblock. */
static void stealing_boosts_the_marks(void **state)
{
	struct host h = one_zone(0x1000);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	host_start(&h);
	while (zone->free_area[9].nr_free + zone->free_area[10].nr_free)
		take(MOVABLE, 8);
	assert_int_equal(zone->watermark_boost, 0);
	take(__GFP_DIRECT_RECLAIM, 4); /* may not wake kswapd: the boost stays */
	assert_int_equal(zone->watermark_boost, 512);
	assert_false(zone_flag(zone, ZONE_BOOSTED_WATERMARK));
	expect_sound();
}

/* Two zones of 16 MiB: Normal has a quarter of a pageblock left, DMA32 is free. */
static void start_two_zones(struct host *h, u64 dma32_end)
{
	*h = (struct host){ .zones = { { 0, ZONE_DMA32, HOST_FIRST_PFN, 0x1000, 0x1000 },
				       { 0, ZONE_NORMAL, HOST_FIRST_PFN + 0x1000, 0x1000,
					 0x1000 } },
			    .free = { { HOST_FIRST_PFN, HOST_FIRST_PFN + dma32_end },
				      { HOST_FIRST_PFN + 0x1000, HOST_FIRST_PFN + 0x1080 } } };
	host_boot(h);
}

/* Rather the lower zone than a mixed pageblock in the preferred one... */
static void no_fragment_goes_to_the_lower_zone(void **state)
{
	struct host h;

	start_two_zones(&h, 0x400);
	assert_int_equal(frame(take(GFP_KERNEL, 4)), 0);
	assert_int_equal(frame(take(MOVABLE, 4)), 0x1000);
	assert_int_equal(type_of(0x1000), MIGRATE_MOVABLE);
	expect_sound();
}

/* ...but rather a mixed pageblock than nothing. */
static void no_fragment_gives_way(void **state)
{
	struct host h;

	start_two_zones(&h, 8);
	assert_int_equal(frame(take(GFP_KERNEL, 4)), 0x1000);
	expect_sound();
}

/* ---- the reserve ---- */

/* 32 MiB down to their min mark, 181 pages: 192 free, in blocks of order 4 and more. */
static struct zone *start_at_min_mark(void)
{
	struct host h = one_zone(0x2000);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	host_start(&h);
	assert_int_equal(zone->_watermark[WMARK_MIN], 181);
	while (mm->alloc_pages(MOVABLE | __GFP_NORETRY, 4, -1))
		;
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 192);
	return zone;
}

static void atomic_request_reserves_a_pageblock(void **state)
{
	struct zone *zone = start_at_min_mark();
	struct page *page = take(GFP_ATOMIC, 4);
	u64 block = frame(page) & ~0x1fful;

	assert_int_equal(zone->nr_reserved_highatomic, 512);
	assert_int_equal(type_of(block), MIGRATE_HIGHATOMIC);
	/* the next one is served from there */
	page = take(GFP_ATOMIC, 4);
	assert_int_equal(frame(page) & ~0x1fful, block);
	assert_int_equal(zone->nr_reserved_highatomic, 512);
	expect_sound();
}

/* A request that may wait gets the reserve dissolved before it fails. */
static void reserve_is_given_up(void **state)
{
	struct zone *zone = start_at_min_mark();
	struct page *page = take(GFP_ATOMIC, 4);

	assert_null(mm->alloc_pages(GFP_NOWAIT, 0, -1));
	assert_int_equal(zone->nr_reserved_highatomic, 512);
	assert_null(mm->alloc_pages(GFP_KERNEL, 0, -1));
	assert_int_equal(zone->nr_reserved_highatomic, 0);
	assert_int_equal(type_of(frame(page)), MIGRATE_UNMOVABLE);
	EXPECT_EMPTY(free_list(zone, 4, MIGRATE_HIGHATOMIC));
	expect_sound();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(large_block_changes_its_pageblocks),
		MM_TEST(largest_block_first),
		MM_TEST(half_a_pageblock_changes_type),
		MM_TEST(quarter_of_a_pageblock_keeps_type),
		MM_TEST(alike_pages_count),
		MM_TEST(whole_pageblock_is_moved),
		MM_TEST(movable_takes_the_smallest),
		MM_TEST(movable_steals_large_blocks),
		MM_TEST(stealing_boosts_the_marks),
		MM_TEST(no_fragment_goes_to_the_lower_zone),
		MM_TEST(no_fragment_gives_way),
		MM_TEST(atomic_request_reserves_a_pageblock),
		MM_TEST(reserve_is_given_up),
	};

	return cmocka_run_group_tests_name("page_fallback", tests, NULL, NULL);
}
