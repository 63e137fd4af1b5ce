/*
 * reclaim_vmscan.c - direct reclaim and kswapd: how much, how long, for whom.
 *
 * Zones of one node and one CPU; page counters are folded (refresh) before what
 * depends on them, so that expectations can be worked out by hand.
 */
#include "tests/unit/reclaim_host.h"

#define WHOLE 0x4000ul /* 64 MiB: min 256, low 320, high 384 */

static struct zone *start(u64 pages)
{
	struct host h = one_zone(pages);

	host_start(&h);
	own_start();
	return host_zone(0, ZONE_DMA32);
}

/* Own pages until so many are left. */
static void fill(struct zone *zone, s32 task, u64 left)
{
	while ((u64)zone->vm_stat[NR_FREE_PAGES] > left)
		assert_non_null(own(task));
	mm->drain_all_pages();
	mm->refresh_cpu_vm_stats();
}

static void marks_are_as_the_tests_assume(void **state)
{
	struct zone *zone = start(WHOLE);

	assert_int_equal(zone->_watermark[WMARK_MIN], 256);
	assert_int_equal(zone->_watermark[WMARK_LOW], 320);
	assert_int_equal(zone->_watermark[WMARK_HIGH], 384);
}

/* Below the low mark kswapd is woken; it reclaims until the high mark is passed. */
static void kswapd_restores_the_high_mark(void **state)
{
	struct zone *zone = start(WHOLE);
	u64 pages;

	while (!vm_event(PAGEOUTRUN))
		assert_non_null(own(FILE_PAGE));
	pages = nr_owned;
	mm->drain_all_pages();
	mm->refresh_cpu_vm_stats();
	assert_true(zone->vm_stat[NR_FREE_PAGES] > 384);
	assert_int_equal(vm_event(PGSTEAL_KSWAPD), nr_gone);
	assert_int_equal(vm_event(ALLOCSTALL), 0);
	assert_false(zone_flag(zone, ZONE_RECLAIM_ACTIVE));
	assert_int_equal(host_node(0)->kswapd_awake, 0);
	/* the oldest went, and only they */
	for (u32 i = 0; i < pages; i++)
		assert_int_equal(owned[i] == NULL, i < nr_gone);
	expect_sound();
}

/* A boost is worked off, taken back and not worked for again. */
static void boost_is_handed_over(void **state)
{
	struct zone *zone = start(WHOLE);
	s64 before;

	fill(zone, FILE_PAGE, 500);
	before = zone->vm_stat[NR_FREE_PAGES];
	zone->watermark_boost = 300;
	mm->kswapd(0);
	assert_int_equal(zone->watermark_boost, 0);
	assert_true(nr_gone >= 684 - 500 - 8);
	mm->drain_all_pages();
	mm->refresh_cpu_vm_stats();
	assert_true(zone->vm_stat[NR_FREE_PAGES] > before);
	before = (s64)nr_gone;
	mm->kswapd(0);
	assert_int_equal(nr_gone, before);
	expect_sound();
}

/* Anonymous memory cannot be reclaimed: after 16 vain passes kswapd is left alone. */
static void hopeless_nodes_are_left_alone(void **state)
{
	struct zone *zone = start(WHOLE);
	u64 passes;

	while (host_node(0)->kswapd_failures < MAX_RECLAIM_RETRIES)
		assert_non_null(own(1));
	passes = vm_event(PAGEOUTRUN);
	assert_int_equal(passes, MAX_RECLAIM_RETRIES);
	assert_non_null(own(1));
	assert_int_equal(vm_event(PAGEOUTRUN), passes);
	assert_true(zone->vm_stat[NR_FREE_PAGES] > 256);
	expect_sound();
}

/*
 * Direct reclaim without kswapd (the flag says not to wake it). Of 8192 pages
 * priority 12 scans 2; the list's size is folded every third page, so the next
 * see 8192, 8186, 8180 and 8165: 4, 7, 15 and 31, and 59 are more than 32.
 */
static void priorities_double_the_scan(void **state)
{
	struct zone *zone = start(WHOLE);
	const gfp_t gfp = (MOVABLE_FILE & ~__GFP_KSWAPD_RECLAIM) | __GFP_NORETRY;
	struct page *page;

	while (nr_owned < 8192)
		assert_non_null(own(FILE_PAGE));
	/* the rest is nobody's */
	while ((page = mm->alloc_pages(MOVABLE_FILE & ~__GFP_RECLAIM, 0, -1)))
		;
	mm->drain_all_pages();
	mm->refresh_cpu_vm_stats();
	assert_int_equal(zone->vm_stat[NR_ZONE_LRU_BASE + LRU_INACTIVE_FILE], 8192);
	assert_int_equal(nr_gone, 0);
	zone->_watermark[WMARK_MIN] = (u64)zone->vm_stat[NR_FREE_PAGES];
	page = mm->alloc_pages(gfp, 0, -1);
	assert_int_equal(vm_event(ALLOCSTALL), 1);
	assert_int_equal(vm_event(PGSCAN_DIRECT), 59);
	assert_int_equal(vm_event(PGSTEAL_DIRECT), 59);
	assert_int_equal(nr_gone, 59);
	assert_non_null(page);
	assert_int_equal(vm_event(PAGEOUTRUN), 0);
	expect_sound();
}

/* Active pages are not touched while there are more inactive ones; then they go inactive first. */
static void active_pages_come_later(void **state)
{
	struct zone *zone = start(WHOLE);
	u32 i;

	fill(zone, FILE_PAGE, 4000);
	for (i = 0; i < 1000; i++) {
		mm->mark_page_accessed(owned[i]);
		mm->mark_page_accessed(owned[i]);
	}
	while (nr_gone < 3000)
		assert_non_null(own(FILE_PAGE));
	for (i = 0; i < 1000; i++)
		assert_non_null(owned[i]);
	assert_int_equal(vm_event(PGDEACTIVATE), 0);
	expect_sound();
}

/* The largest task goes; who is protected stays; adjustment is in thousandths of all memory. */
static void oom_takes_the_worst(void **state)
{
	struct zone *zone = start(WHOLE);
	u32 i;

	for (i = 0; i < 1000; i++)
		own(1);
	for (i = 0; i < 900; i++)
		own(2);
	for (i = 0; i < 4000; i++)
		own(4);
	kdata->oom_tasks[4].oom_score_adj = OOM_SCORE_ADJ_MIN;
	kdata->oom_tasks[2].oom_score_adj = 7; /* 900 + 7 * 16 > 1000 */
	/* kernel memory that nobody can take away */
	while (!nr_killed)
		assert_non_null(mm->alloc_pages(GFP_KERNEL, 0, -1));
	assert_int_equal(vm_event(OOM_KILL), 1);
	assert_int_equal(kdata->oom_tasks[2].rss, 0);
	assert_int_equal(kdata->oom_tasks[2].killed, 1);
	assert_int_equal(kdata->oom_tasks[1].rss, 1000);
	assert_int_equal(kdata->oom_tasks[4].rss, 4000);
	assert_true(zone->vm_stat[NR_FREE_PAGES] > 0);
	while (nr_killed < 2)
		assert_non_null(mm->alloc_pages(GFP_KERNEL, 0, -1));
	assert_int_equal(kdata->oom_tasks[1].rss, 0);
	/* nobody left to kill: requests fail, but reserves are kept for those entitled to them */
	while (mm->alloc_pages(GFP_KERNEL, 0, -1))
		;
	assert_int_equal(nr_killed, 2);
	assert_non_null(mm->alloc_pages(GFP_ATOMIC, 0, -1));
	expect_sound();
}

/* Neither large requests nor those that may fail kill anybody. */
static void oom_is_not_for_everybody(void **state)
{
	start(WHOLE);
	for (u32 i = 0; i < 1000; i++)
		own(1);
	while (mm->alloc_pages(GFP_KERNEL | __GFP_RETRY_MAYFAIL, 0, -1))
		;
	assert_null(mm->alloc_pages(GFP_KERNEL | __GFP_NORETRY, 0, -1));
	assert_null(mm->alloc_pages(GFP_KERNEL, 4, -1));
	assert_null(mm->alloc_pages(GFP_KERNEL & ~__GFP_FS, 0, -1));
	assert_null(mm->alloc_pages(GFP_KERNEL | __GFP_DMA32, 0, -1));
	assert_int_equal(nr_killed, 0);
	assert_int_equal(kdata->oom_tasks[1].rss, 1000);
	expect_sound();
}

/* Page cache is worth more tries than a kill: all of it goes first. */
static void page_cache_goes_before_tasks(void **state)
{
	start(WHOLE);
	for (u32 i = 0; i < 2000; i++) {
		own(1);
		own(FILE_PAGE);
	}
	while (!nr_killed)
		assert_non_null(mm->alloc_pages(GFP_KERNEL, 0, -1));
	assert_true(nr_gone >= 1990);
	expect_sound();
}

/* Shrinkers are asked for 4 x objects >> priority / seeks, in batches; the rest of a batch waits. */
static u64 shrinkable, shrink_calls, shrink_asked;

static u64 count_objects(void *arg, u32 shrinker, u32 node)
{
	return shrinkable;
}

static u64 scan_objects(void *arg, u32 shrinker, u32 node, u64 n)
{
	assert_true(n <= 128);
	shrinkable -= n;
	shrink_asked += n;
	shrink_calls++;
	return n;
}

static void shrinkers_are_asked_in_batches(void **state)
{
	const struct rt_owner owner = { .lets_go = owner_lets_go, .moves = owner_moves, .kill = owner_kill,
					.shrink_count = count_objects, .shrink_scan = scan_objects };
	struct zone *zone = start(WHOLE);

	rt_set_owner(&owner);
	assert_int_equal(mm->register_shrinker(SEEKS_DEFAULT, 0), 0);
	shrinkable = 4096 * 100; /* at the first priority 200 objects */
	shrink_calls = shrink_asked = 0;
	fill(zone, NO_TASK, 321);
	assert_int_equal(shrink_calls, 0);
	assert_non_null(own(NO_TASK));
	assert_non_null(own(NO_TASK));
	assert_true(shrink_calls > 0);
	assert_int_equal(shrink_asked, shrink_calls * 128); /* 72 are put off until they make a batch */
	for (u32 i = 1; i < NR_SHRINKERS; i++)
		assert_int_equal(mm->register_shrinker(0, 0), (int)i);
	assert_int_equal(mm->register_shrinker(0, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(marks_are_as_the_tests_assume),
		MM_TEST(kswapd_restores_the_high_mark),
		MM_TEST(shrinkers_are_asked_in_batches),
		MM_TEST(boost_is_handed_over),
		MM_TEST(hopeless_nodes_are_left_alone),
		MM_TEST(priorities_double_the_scan),
		MM_TEST(active_pages_come_later),
		MM_TEST(oom_takes_the_worst),
		MM_TEST(oom_is_not_for_everybody),
		MM_TEST(page_cache_goes_before_tasks),
	};

	return cmocka_run_group_tests_name("reclaim_vmscan", tests, NULL, NULL);
}
