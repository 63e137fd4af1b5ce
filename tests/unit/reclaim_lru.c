/*
 * reclaim_lru.c - LRU lists: order, what the owner frees, who goes last.
 */
#include "tests/unit/reclaim_host.h"

static void start(void)
{
	struct host h = one_zone(0x1000);

	host_start(&h);
	own_start();
}

/* New pages at the head of the inactive list of their kind. */
static void pages_are_listed_by_kind(void **state)
{
	struct page *a, *b, *c;

	start();
	a = own(FILE_PAGE);
	b = own(FILE_PAGE);
	c = own(3);
	EXPECT_LIST(lru_list(LRU_INACTIVE_FILE), (long)frame(b), (long)frame(a));
	EXPECT_LIST(lru_list(LRU_INACTIVE_ANON), (long)frame(c));
	EXPECT_EMPTY(lru_list(LRU_ACTIVE_FILE));
	assert_int_equal(kdata->oom_tasks[3].rss, 1);
	expect_sound();
}

static void frees_unlink(void **state)
{
	struct page *pages[2], *b;

	start();
	pages[0] = own(FILE_PAGE);
	b = own(5);
	pages[1] = own(FILE_PAGE);
	disown(1);
	assert_int_equal(b->mapping, 0);
	assert_int_equal(kdata->oom_tasks[5].rss, 0);
	EXPECT_EMPTY(lru_list(LRU_INACTIVE_ANON));
	mm->release_pages(pages, 2);
	EXPECT_EMPTY(lru_list(LRU_INACTIVE_FILE));
	/* to the CPU's list in the array's order: the last freed is at its head */
	EXPECT_LIST(&host_pcp(host_zone(0, ZONE_DMA32), 0)->lists[MIGRATE_MOVABLE], 2, 0, 1);
	expect_sound();
}

/* Once: referenced; twice: to the head of the active list; then nothing more. */
static void second_access_activates(void **state)
{
	struct page *a, *b;

	start();
	a = own(FILE_PAGE);
	b = own(FILE_PAGE);
	mm->mark_page_accessed(a);
	EXPECT_LIST(lru_list(LRU_INACTIVE_FILE), (long)frame(b), (long)frame(a));
	mm->mark_page_accessed(a);
	EXPECT_LIST(lru_list(LRU_INACTIVE_FILE), (long)frame(b));
	EXPECT_LIST(lru_list(LRU_ACTIVE_FILE), (long)frame(a));
	mm->mark_page_accessed(a);
	EXPECT_LIST(lru_list(LRU_ACTIVE_FILE), (long)frame(a));
	assert_int_equal(vm_event(PGACTIVATE), 1);
	expect_sound();
}

/* From the oldest on; what the owner refuses stays. Then kswapd gives up. */
static void reclaim_takes_the_oldest(void **state)
{
	struct zone *zone;

	start();
	zone = host_zone(0, ZONE_DMA32);
	for (u32 i = 0; i < 100; i++)
		assert_non_null(own(FILE_PAGE));
	mm->refresh_cpu_vm_stats();
	zone->_watermark[WMARK_HIGH] = 0x2000; /* nothing is enough: kswapd goes through all it may */
	assert_int_equal(zone->vm_stat[NR_ZONE_LRU_BASE + LRU_INACTIVE_FILE], 100);
	refuse[0] = 1; /* the oldest is just being freed: it goes round to the head */
	mm->kswapd(0);
	/* a list of one or two is not scanned: even the highest pressure halves it */
	assert_in_range(nr_gone, 96, 99);
	assert_int_equal(host_node(0)->kswapd_failures, MAX_RECLAIM_RETRIES);
	assert_non_null(owned[0]);
	for (u32 i = 1; i < 100; i++)
		assert_int_equal(owned[i] == NULL, i <= nr_gone);
	assert_int_equal(vm_event(PGSTEAL_KSWAPD), nr_gone);
	expect_sound();
}

/* The owner frees a page that reclaim has in hand: reclaim's reference is the last. */
static bool frees_it_now(void *arg, u64 mapping, u64 index)
{
	u32 *calls = arg;

	++*calls;
	if (mapping == 0) {
		disown(0);
		return false;
	}
	return owner_lets_go(NULL, mapping, index);
}

static void last_reference_frees(void **state)
{
	u32 calls = 0;
	struct rt_owner owner = { .lets_go = frees_it_now, .moves = owner_moves, .kill = owner_kill,
				   .arg = &calls };
	struct page *first;

	start();
	rt_set_owner(&owner);
	first = own(FILE_PAGE);
	for (u32 i = 0; i < 63; i++)
		own(FILE_PAGE);
	mm->refresh_cpu_vm_stats();
	host_zone(0, ZONE_DMA32)->watermark_boost = 0x1000;
	mm->kswapd(0);
	assert_true(calls > 0);
	assert_int_equal(first->_refcount, 0);
	assert_int_equal(first->mapping, 0);
	expect_sound();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(pages_are_listed_by_kind),
		MM_TEST(frees_unlink),
		MM_TEST(second_access_activates),
		MM_TEST(reclaim_takes_the_oldest),
		MM_TEST(last_reference_frees),
	};

	return cmocka_run_group_tests_name("reclaim_lru", tests, NULL, NULL);
}
