/*
 * run_mobility.c - pages that cannot be moved in movable pageblocks, counted as
 * they come and go, against a walk over all frames and against hand counts.
 */
#include "sim/run/internal.h"
#include "tests/unit/mm_host.h"

static struct mobility m;

static struct zone *start(void)
{
	struct host h = one_zone(4096);
	struct kms_error err = { 0 };

	host_start(&h);
	assert_int_equal(mobility_start(&m, &err), 0);
	return host_zone(0, ZONE_DMA32);
}

static int stop(void **state)
{
	mobility_stop(&m);
	host_stop();
	return 0;
}

/* All that can be had, as movable single pages, by frame. */
static void fill(struct page *pages[4096])
{
	struct page *page;

	memset(pages, 0, 4096 * sizeof(*pages));
	while ((page = mm->alloc_pages(MOVABLE | __GFP_MEMALLOC, 0, -1)))
		pages[frame(page)] = page;
	mm->drain_all_pages();
	assert_int_equal(m.in_movable, 0);
}

static void free_frames(struct page *pages[4096], u64 from, u64 to)
{
	for (u64 i = from; i < to; i++)
		mm->free_pages(pages[i], 0);
	mm->drain_all_pages();
}

/* One free page in a pageblock full of movable ones: the pageblock keeps its type. */
static void a_page_among_movable_ones(void **state)
{
	struct page *pages[4096], *page;

	start();
	fill(pages);
	free_frames(pages, 700, 701);
	page = mm->alloc_pages(GFP_KERNEL | __GFP_MEMALLOC, 0, -1);
	assert_int_equal(frame(page), 700);
	assert_int_equal(m.in_movable, 1);
	assert_int_equal(m.fallbacks[MIGRATE_UNMOVABLE][MIGRATE_MOVABLE], 1);
	assert_int_equal(m.fragmenting, 1);
	mm->free_pages(page, 0);
	assert_int_equal(m.in_movable, 0);
}

/* 300 free pages: most of the pageblock, which changes its type. Its page counts no more. */
static void the_pageblock_changes_hands(void **state)
{
	struct page *pages[4096], *first, *second;

	start();
	fill(pages);
	free_frames(pages, 700, 701);
	first = mm->alloc_pages(GFP_KERNEL | __GFP_MEMALLOC, 0, -1);
	assert_int_equal(frame(first), 700);
	assert_int_equal(m.in_movable, 1);
	free_frames(pages, 701, 1001);
	second = mm->alloc_pages(GFP_KERNEL | __GFP_MEMALLOC, 0, -1);
	assert_in_range(frame(second), 701, 1000);
	assert_int_equal(mm_inspect_pageblock_type(page_to_pfn(second)), MIGRATE_UNMOVABLE);
	assert_int_equal(m.in_movable, 0);
	assert_int_equal(m.unmovable.in_block[(HOST_FIRST_PFN + 700) / 512], 2);
}

/* Bits of the map over all frames of movable pageblocks. */
static u64 counted_by_walking(void)
{
	u64 n = 0;

	for (u64 pfn = HOST_FIRST_PFN; pfn < HOST_FIRST_PFN + 4096; pfn++)
		n += (m.unmovable.frames[pfn / 64] >> pfn % 64 & 1) && mm_inspect_pageblock_type(pfn) == MIGRATE_MOVABLE;
	return n;
}

static void counts_follow_random_requests(void **state)
{
	static const gfp_t gfps[] = { GFP_KERNEL, MOVABLE, RECLAIMABLE, GFP_KERNEL | __GFP_COMP };
	struct {
		struct page *page;
		u32 order;
	} live[2048];
	u32 n = 0, most = 0;
	u64 x = 1;

	start();
	for (u32 i = 0; i < 20000; i++) {
		u32 order;

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		order = x >> 40 & 7 ? 0 : (u32)(x >> 44) % 11;
		if (n < ARRAY_SIZE(live) && (x >> 60 > 6 || !n)) {
			live[n].order = order;
			live[n].page = mm->alloc_pages(gfps[x >> 33 & 3], order, -1);
			n += live[n].page != NULL;
		} else {
			u32 k = (u32)(x >> 34) % n;

			mm->free_pages(live[k].page, live[k].order);
			live[k] = live[--n];
		}
		if (i % 64 == 0)
			assert_int_equal(m.in_movable, counted_by_walking());
		most = max(most, (u32)m.in_movable);
	}
	assert_true(most > 0);
	while (n--)
		mm->free_pages(live[n].page, live[n].order);
	assert_int_equal(m.in_movable, 0);
	for (u64 i = 0; i < m.nr_pages / 64; i++)
		assert_int_equal(m.unmovable.frames[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_page_among_movable_ones, stop),
		cmocka_unit_test_teardown(the_pageblock_changes_hands, stop),
		cmocka_unit_test_teardown(counts_follow_random_requests, stop),
	};

	return cmocka_run_group_tests_name("run_mobility", tests, NULL, NULL);
}
