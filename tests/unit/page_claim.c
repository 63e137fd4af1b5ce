/*
 * page_claim.c - fallback "claim": a pageblock changes hands as a whole or not
 * at all, and a stolen block's remainder stays what it was.
 *
 * 4096 frames in eight pageblocks, batch 1: requests go one by one.
 */
#include "tests/unit/mm_host.h"

#define UNMOVABLE (GFP_KERNEL | __GFP_MEMALLOC)

static struct page *pages[4096];

static struct zone *start_with(u32 fallback, u32 min_free_kbytes)
{
	struct host h = one_zone(4096);
	struct page *page;

	h.params.fallback = fallback;
	h.params.min_free_kbytes = min_free_kbytes;
	host_start(&h);
	while ((page = mm->alloc_pages(MOVABLE | __GFP_MEMALLOC, 0, -1)))
		pages[frame(page)] = page;
	return host_zone(0, ZONE_DMA32);
}

static struct zone *start(u32 fallback)
{
	return start_with(fallback, 0);
}

static void free_frames(u64 from, u64 to)
{
	for (u64 i = from; i < to; i++)
		mm->free_pages(pages[i], 0);
	mm->drain_all_pages();
}

static u32 block_type(u64 frame_nr)
{
	return mm_inspect_pageblock_type(HOST_FIRST_PFN + frame_nr);
}

/* 300 of 512 pages are free: the pageblock is claimed, its smallest block serves first. */
static void half_a_free_pageblock_is_claimed(void **state)
{
	struct zone *zone = start(FALLBACK_CLAIM);

	free_frames(512, 812);
	assert_int_equal(frame(mm->alloc_pages(UNMOVABLE, 0, -1)), 808);
	assert_int_equal(block_type(512), MIGRATE_UNMOVABLE);
	EXPECT_EMPTY(free_list(zone, 8, MIGRATE_MOVABLE));
	EXPECT_LIST(free_list(zone, 8, MIGRATE_UNMOVABLE), 512);
	EXPECT_LIST(free_list(zone, 1, MIGRATE_UNMOVABLE), 810);
	EXPECT_LIST(free_list(zone, 0, MIGRATE_UNMOVABLE), 809);
	expect_sound();
}

/* 9 free pages are too few: nothing moves, and the smallest block is taken. */
static void else_the_smallest_block_is_stolen(void **state)
{
	struct zone *zone = start(FALLBACK_CLAIM);

	free_frames(704, 712);
	free_frames(900, 901);
	assert_int_equal(frame(mm->alloc_pages(UNMOVABLE, 0, -1)), 900);
	EXPECT_LIST(free_list(zone, 3, MIGRATE_MOVABLE), 704);
	assert_int_equal(block_type(512), MIGRATE_MOVABLE);
	/* what is cut off the next one stays movable */
	assert_int_equal(frame(mm->alloc_pages(UNMOVABLE, 0, -1)), 704);
	EXPECT_LIST(free_list(zone, 0, MIGRATE_MOVABLE), 705);
	EXPECT_LIST(free_list(zone, 2, MIGRATE_MOVABLE), 708);
	EXPECT_EMPTY(free_list(zone, 0, MIGRATE_UNMOVABLE));
	expect_sound();
}

/* The same with 6.1's rule: the largest block is moved over with what is free around it. */
static void stealing_moves_what_is_there(void **state)
{
	struct zone *zone = start(FALLBACK_STEAL);

	free_frames(704, 712);
	free_frames(900, 901);
	assert_int_equal(frame(mm->alloc_pages(UNMOVABLE, 0, -1)), 900);
	EXPECT_EMPTY(free_list(zone, 3, MIGRATE_MOVABLE));
	EXPECT_LIST(free_list(zone, 3, MIGRATE_UNMOVABLE), 704);
	assert_int_equal(block_type(512), MIGRATE_MOVABLE);
	expect_sound();
}

/* A movable request does not claim on account of a small block. */
static void movable_requests_do_not_claim_for_small_blocks(void **state)
{
	struct host h = one_zone(4096);
	struct page *page;
	struct zone *zone;

	h.params.fallback = FALLBACK_CLAIM;
	host_start(&h);
	zone = host_zone(0, ZONE_DMA32);
	while ((page = mm->alloc_pages(UNMOVABLE, 0, -1)))
		pages[frame(page)] = page;
	free_frames(704, 712);
	assert_int_equal(frame(mm->alloc_pages(MOVABLE | __GFP_MEMALLOC, 0, -1)), 704);
	EXPECT_LIST(free_list(zone, 2, MIGRATE_UNMOVABLE), 708);
	assert_int_equal(block_type(512), MIGRATE_UNMOVABLE);
	/* order 4 is worth looking at, but 16 pages are not half a pageblock */
	free_frames(1024, 1040);
	assert_int_equal(frame(mm->alloc_pages(MOVABLE | __GFP_MEMALLOC, 3, -1)), 1024);
	EXPECT_LIST(free_list(zone, 3, MIGRATE_UNMOVABLE), 1032);
	expect_sound();
}

/* Whole pageblocks change their type at once. */
static void pageblocks_are_taken_directly(void **state)
{
	struct zone *zone = start(FALLBACK_CLAIM);

	free_frames(2048, 3072);
	assert_int_equal(frame(mm->alloc_pages(UNMOVABLE, 0, -1)), 2048);
	assert_int_equal(block_type(2048), MIGRATE_UNMOVABLE);
	assert_int_equal(block_type(2560), MIGRATE_UNMOVABLE);
	EXPECT_LIST(free_list(zone, 9, MIGRATE_UNMOVABLE), 2560);
	expect_sound();
}

/*
 * A page that lay on a CPU's list while its pageblock was reserved comes back under the type
 * it had: the reserve is no less one for it.
 */
static void a_reserve_is_not_claimed(void **state)
{
	struct zone *zone = start_with(FALLBACK_CLAIM, 1200);

	free_frames(512, 812);
	mm->free_pages(pages[900], 0);
	assert_non_null(mm->alloc_pages(GFP_ATOMIC | __GFP_MOVABLE, 1, -1));
	assert_int_equal(block_type(512), MIGRATE_HIGHATOMIC);
	mm->drain_all_pages();
	EXPECT_LIST(free_list(zone, 0, MIGRATE_MOVABLE), 900);
	assert_int_equal(frame(mm->alloc_pages(UNMOVABLE, 0, -1)), 900);
	assert_int_equal(block_type(512), MIGRATE_HIGHATOMIC);
	expect_sound();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(half_a_free_pageblock_is_claimed),
		MM_TEST(else_the_smallest_block_is_stolen),
		MM_TEST(stealing_moves_what_is_there),
		MM_TEST(movable_requests_do_not_claim_for_small_blocks),
		MM_TEST(pageblocks_are_taken_directly),
		MM_TEST(a_reserve_is_not_claimed),
	};

	return cmocka_run_group_tests_name("page_claim", tests, NULL, NULL);
}
