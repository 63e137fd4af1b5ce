/*
 * compaction_zone.c - compaction of one zone, worked out by hand.
 *
 * The zone has 16 pageblocks (32 MiB: min 181, low 226, high 271). Every page is
 * owned, page i at frame i, and then pages are freed in a pattern that leaves
 * enough pages and no block of the size that is asked for.
 */
#include "tests/unit/reclaim_host.h"

#define BLOCKS 16u
#define PAGES (BLOCKS * 512u)

static struct zone *zone;

/* All of the zone in owned pages; their numbers are their frames. */
static void start_full(void)
{
	struct host h = one_zone(PAGES);
	u32 i;

	host_start(&h);
	own_start();
	zone = host_zone(0, ZONE_DMA32);
	/* nothing is reclaimed and nobody is woken while the zone fills */
	zone->_watermark[WMARK_MIN] = zone->_watermark[WMARK_LOW] = zone->_watermark[WMARK_HIGH] = 0;
	for (i = 0; i < PAGES; i++)
		assert_non_null(mm->alloc_pages(MOVABLE_FILE & ~__GFP_RECLAIM, 0, -1));
	for (i = 0; i < PAGES; i++) {
		owned[i] = page_at(i);
		task_of[i] = 1;
		mm->lru_cache_add(owned[i], i, i * 3ul, 1);
	}
	nr_owned = PAGES;
}

static void set_marks(u64 least)
{
	mm->drain_all_pages();
	mm->refresh_cpu_vm_stats();
	zone->_watermark[WMARK_MIN] = least;
	zone->_watermark[WMARK_LOW] = least;
	zone->_watermark[WMARK_HIGH] = least;
}

static void change_type(u32 frame_nr, u64 mt)
{
	u64 *word = pageblock_word(HOST_FIRST_PFN + frame_nr);
	u32 shift = pageblock_shift(HOST_FIRST_PFN + frame_nr);

	*word = (*word & ~(PAGEBLOCK_MASK << shift)) | mt << shift;
}

/* A page that stays where it is: its owner never listed it. */
static void pin(u32 i)
{
	struct page *page;

	disown(i);
	mm->drain_all_pages();
	while ((page = mm->alloc_pages(MOVABLE_FILE & ~__GFP_RECLAIM, 0, -1)) && frame(page) != i)
		;
	assert_non_null(page);
}

static u64 largest_free_order(void)
{
	u64 order = 0, o;

	for (o = 0; o < MAX_ORDER; o++)
		if (zone->free_area[o].nr_free)
			order = o;
	return order;
}

/* Nothing above order 0 is free. */
static void free_every_second(u32 from, u32 to)
{
	for (u32 i = from; i < to; i += 2)
		disown(i);
}

/*
 * Direct compaction for order 4, movable: 32 pages of the first pageblock move
 * to the highest free frames, the highest page first, and the two order-4 blocks
 * behind them... until the pageblock is done.
 */
static void pages_move_up_and_a_block_appears(void **state)
{
	struct page *page;
	u32 i;

	start_full();
	free_every_second(PAGES / 2, PAGES);
	set_marks(64);
	assert_int_equal(largest_free_order(), 0);
	page = mm->alloc_pages(MOVABLE_FILE | __GFP_NORETRY, 4, -1);
	assert_non_null(page);
	assert_int_equal(vm_event(COMPACTSTALL), 1);
	assert_int_equal(vm_event(COMPACTSUCCESS), 1);
	assert_int_equal(vm_event(ALLOCSTALL), 0);
	assert_int_equal(nr_moved, vm_event(PGMIGRATE_SUCCESS));
	assert_true(nr_moved >= 32 && nr_moved % 32 == 0);
	assert_true(page_to_pfn(page) < HOST_FIRST_PFN + PAGES / 2);
	/* those that moved are a stretch from the start, each now in the upper half */
	for (i = 0; i < nr_moved; i++)
		assert_true(frame(owned[i]) >= PAGES / 2);
	for (; i < PAGES / 2; i++)
		assert_int_equal(frame(owned[i]), i);
	mm->free_pages(page, 4);
	expect_sound();
}

/* The round takes pages 0..31; page 31 goes first and gets the highest frame that is free. */
static void highest_page_to_highest_frame(void **state)
{
	struct page *page;

	start_full();
	/* the last pageblock's frames 64..127 are free, as one block of order 6 */
	for (u32 i = 0; i < 64; i++)
		disown(PAGES - 512 + 64 + i);
	free_every_second(PAGES - 4 * 512, PAGES - 512);
	set_marks(16);
	page = mm->alloc_pages(MOVABLE_FILE | __GFP_NORETRY, 7, -1);
	assert_true(nr_moved >= 32);
	/* the fast search takes the block of order 6 whole; its last page is used first */
	assert_int_equal(frame(owned[31]), PAGES - 512 + 127);
	assert_int_equal(frame(owned[30]), PAGES - 512 + 126);
	assert_int_equal(frame(owned[0]), PAGES - 512 + 96);
	if (page)
		mm->free_pages(page, 7);
	expect_sound();
}

/* One page that cannot be moved spoils its block of the wanted order, no more. */
static void unmovable_pages_spoil_their_block(void **state)
{
	struct page *page;

	start_full();
	pin(5);
	free_every_second(PAGES / 2, PAGES);
	set_marks(64);
	page = mm->alloc_pages(MOVABLE_FILE | __GFP_NORETRY, 4, -1);
	assert_non_null(page);
	assert_true(frame(page) >= 16);
	for (u32 i = 0; i < 16; i++)
		if (i != 5)
			assert_int_equal(frame(owned[i]), i);
	assert_true(frame(owned[16]) >= PAGES / 2);
	expect_sound();
}

/* A move that the owner refuses is tried ten times and the page stays. */
static void refused_moves_are_retried(void **state)
{
	u64 tries;
	struct page *page;

	start_full();
	free_every_second(PAGES / 2, PAGES);
	refuse[3] = 1;
	set_marks(64);
	tries = rt_trace_counts()[TP_mm_migrate_page];
	page = mm->alloc_pages(MOVABLE_FILE | __GFP_NORETRY, 4, -1);
	assert_non_null(page);
	assert_int_equal(frame(owned[3]), 3);
	tries = rt_trace_counts()[TP_mm_migrate_page] - tries;
	assert_int_equal(tries, nr_moved + 10);
	assert_int_equal(vm_event(PGMIGRATE_FAIL), 1);
	expect_sound();
}

/* ---- deferral ---- */

/* Nothing can be moved: every page is pinned, every second one free. */
static void start_hopeless(void)
{
	struct host h = one_zone(PAGES);

	host_start(&h);
	own_start();
	zone = host_zone(0, ZONE_DMA32);
	zone->_watermark[WMARK_MIN] = zone->_watermark[WMARK_LOW] = zone->_watermark[WMARK_HIGH] = 0;
	own(1); /* the node has pages to move, this one */
	for (u32 i = 1; i < PAGES; i++)
		assert_non_null(mm->alloc_pages(MOVABLE_FILE & ~__GFP_RECLAIM, 0, -1));
	for (u32 i = 1; i < PAGES; i += 2)
		mm->free_pages(page_at(i), 0);
	set_marks(64);
}

/*
 * The first failure puts one attempt off, the next three: of attempts 1, 2, 3...
 * those made are 1, 3, 7, 15.
 */
static void failures_are_put_off(void **state)
{
	static const u32 made[] = { 1, 3, 7, 15 };
	u32 next = 0, i;

	start_hopeless();
	zone->compact_order_failed = 0;
	for (i = 1; i <= 15; i++) {
		u64 before = rt_trace_counts()[TP_mm_compaction_begin];
		bool begun;

		assert_null(mm->alloc_pages(MOVABLE_FILE | __GFP_NORETRY, 2, -1));
		begun = rt_trace_counts()[TP_mm_compaction_begin] != before;
		if (begun != (next < ARRAY_SIZE(made) && made[next] == i))
			fail_msg("attempt %u %s made", i, begun ? "was" : "was not");
		next += begun;
	}
	assert_int_equal(next, 4);
	assert_int_equal(zone->compact_defer_shift, 4);
	expect_sound();
}

/* Smaller orders than the one that failed are not put off. */
static void smaller_orders_are_not_put_off(void **state)
{
	start_hopeless();
	zone->compact_defer_shift = 6;
	zone->compact_order_failed = 2;
	assert_null(mm->alloc_pages(MOVABLE_FILE | __GFP_NORETRY, 2, -1));
	assert_int_equal(rt_trace_counts()[TP_mm_compaction_begin], 0);
	mm->alloc_pages(MOVABLE_FILE | __GFP_NORETRY, 1, -1);
	assert_int_equal(rt_trace_counts()[TP_mm_compaction_begin], 1);
	expect_sound();
}

/* ---- skip hints ---- */

static bool skipped(u32 block)
{
	return get_pageblock_skip(HOST_FIRST_PFN + block * 512);
}

/*
 * Pageblocks without a page to move are marked; kswapd going to sleep takes the
 * marks away from those where every eighth page shows something: here a page to
 * move at frame 16, while free frames are odd. Frames were freed upwards, so the ends of the free lists lie low:
 * none of the first 256 entries is in the upper half, and the free scanner
 * begins in the middle, where the other meets it.
 */
static void hints_are_set_and_cleared(void **state)
{
	u32 marked = 0;

	start_hopeless();
	assert_null(mm->alloc_pages(MOVABLE_FILE | __GFP_NORETRY, 2, -1));
	for (u32 i = 0; i < BLOCKS; i++)
		marked += skipped(i);
	assert_int_equal(marked, BLOCKS / 2);
	assert_true(zone->compact_blockskip_flush);
	owned[1] = page_at(16);
	task_of[1] = 1;
	mm->lru_cache_add(owned[1], 1, 3, 1);
	mm->kswapd(0);
	assert_false(zone->compact_blockskip_flush);
	for (u32 i = 0; i < BLOCKS; i++)
		assert_int_equal(skipped(i), i > 0 && i < BLOCKS / 2);
	assert_int_equal(zone->compact_init_migrate_pfn, HOST_FIRST_PFN);
	expect_sound();
}

/* ---- who gets it ---- */

/* An unmovable request catches its block as it merges; it never reaches the free lists. */
static void unmovable_requests_capture(void **state)
{
	struct page *page;

	start_full();
	free_every_second(PAGES / 2, PAGES);
	set_marks(64);
	for (u32 i = 0; i < PAGES; i += 512)
		change_type(i, MIGRATE_UNMOVABLE);
	page = mm->alloc_pages(GFP_KERNEL | __GFP_NORETRY, 3, -1);
	assert_non_null(page);
	assert_int_equal(page->_refcount, 1);
	assert_int_equal(rt_trace_counts()[TP_mm_compaction_capture], 1);
	mm->free_pages(page, 3);
	expect_sound();
}

/* kcompactd does for pageblocks what nobody may wait for. */
static void kcompactd_makes_a_pageblock(void **state)
{
	start_full();
	free_every_second(0, PAGES);
	set_marks(64);
	host_node(0)->kcompactd_max_order = 9;
	host_node(0)->kcompactd_highest_zoneidx = ZONE_NORMAL;
	mm->kcompactd(0);
	assert_int_equal(vm_event(KCOMPACTD_WAKE), 1);
	assert_true(largest_free_order() >= 9);
	assert_int_equal(host_node(0)->kcompactd_max_order, 0);
	assert_int_equal(nr_moved, vm_event(PGMIGRATE_SUCCESS));
	expect_sound();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(pages_move_up_and_a_block_appears),
		MM_TEST(highest_page_to_highest_frame),
		MM_TEST(unmovable_pages_spoil_their_block),
		MM_TEST(refused_moves_are_retried),
		MM_TEST(failures_are_put_off),
		MM_TEST(smaller_orders_are_not_put_off),
		MM_TEST(hints_are_set_and_cleared),
		MM_TEST(unmovable_requests_capture),
		MM_TEST(kcompactd_makes_a_pageblock),
	};

	return cmocka_run_group_tests_name("compaction_zone", tests, NULL, NULL);
}
