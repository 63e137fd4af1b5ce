/*
 * page_watermark.c - which zone gives, and how far down for whom.
 */
#include "tests/unit/mm_host.h"

/* Allocate until it fails; how many came. */
static u32 exhaust(gfp_t gfp, u32 order)
{
	u32 n = 0;

	while (mm->alloc_pages(gfp, order, -1))
		n++;
	return n;
}

/* 256 MiB, min 512: a block of 16 needs more than mark + 15 free pages. */
static void each_request_to_its_mark(void **state)
{
	struct host h = one_zone(65536);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	host_start(&h);
	assert_int_equal(exhaust(GFP_KERNEL, 4), (65536 - 512) / 16);
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 512);
	assert_null(mm->alloc_pages(GFP_NOWAIT, 4, -1));
	/* half of min for __GFP_HIGH */
	assert_int_equal(exhaust(GFP_KERNEL | __GFP_HIGH, 4), (512 - 256) / 16);
	/* three eighths if it may not wait either */
	assert_int_equal(exhaust(GFP_ATOMIC, 4), (256 - 192) / 16);
	/* what is left is in the reserve of the last three: too large blocks are not taken from there */
	assert_int_equal(zone->nr_reserved_highatomic, 512);
	assert_int_equal(exhaust(GFP_KERNEL | __GFP_MEMALLOC, 4), 0);
	/* but who frees memory gets all of it once the reserve is dissolved */
	assert_int_equal(exhaust(GFP_KERNEL | __GFP_MEMALLOC, 3), 192 / 8);
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 0);
	expect_sound();
}

/* NOMEMALLOC takes the entitlement away again. */
static void nomemalloc_stays_above_min(void **state)
{
	struct host h = one_zone(65536);

	host_start(&h);
	assert_int_equal(exhaust(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOMEMALLOC, 4),
			 (65536 - 512) / 16);
	assert_null(mm->alloc_pages(GFP_NOWAIT | __GFP_HIGH | __GFP_NOMEMALLOC, 10, -1));
}

/* Order-0 pages come in batches of 15 while the counter says more than the low mark (640). */
static void low_mark_sends_to_the_slow_path(void **state)
{
	struct host h = one_zone(65536);
	struct zone *zone = host_zone(0, ZONE_DMA32);

	host_start(&h);
	/* after 4326 batches 646 are left; the next batch leaves 631, and its second page is refused */
	for (u32 i = 0; i < 4326 * 15 + 1; i++)
		assert_non_null(mm->alloc_pages(GFP_KERNEL, 0, -1));
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 631);
	assert_int_equal(rt_trace_counts()[TP_mm_page_alloc_slowpath], 0);
	mm->alloc_pages(GFP_KERNEL, 0, -1);
	assert_int_equal(rt_trace_counts()[TP_mm_page_alloc_slowpath], 1);
	expect_sound();
}

/* The pages a request finds on its CPU's list need a zone above the mark all the same. */
static void memory_beyond_the_mark_is_no_memory(void **state)
{
	struct host h = one_zone(65536);

	host_start(&h);
	exhaust(GFP_KERNEL, 0);
	assert_in_range(host_zone(0, ZONE_DMA32)->vm_stat[NR_FREE_PAGES], 512 - 15, 512);
	expect_sound();
}

static struct host gigabyte(void)
{
	return (struct host){ .zones = { { 0, ZONE_DMA, HOST_FIRST_PFN, 3840, 3840 },
					 { 0, ZONE_DMA32, HOST_FIRST_PFN + 4096, 258048,
					   258048 } } };
}

/*
 * 1 GiB: DMA32 gives blocks of 1024 down to 2048 free (low 1266), then DMA does,
 * which keeps 1008 pages back from requests that need not come here.
 */
static void zones_in_turn_with_their_reserve(void **state)
{
	struct host h = gigabyte();
	struct zone *dma = host_zone(0, ZONE_DMA), *dma32 = host_zone(0, ZONE_DMA32);
	u32 i;

	host_start(&h);
	for (i = 0; i < 250; i++)
		assert_ptr_not_equal(mm->alloc_pages(GFP_KERNEL, 10, -1), NULL);
	assert_int_equal(dma32->vm_stat[NR_FREE_PAGES], 2048);
	mm->alloc_pages(GFP_KERNEL, 10, -1);
	mm->alloc_pages(GFP_KERNEL, 10, -1);
	assert_int_equal(dma32->vm_stat[NR_FREE_PAGES], 2048);
	assert_int_equal(dma->vm_stat[NR_FREE_PAGES], 3840 - 2 * 1024);
	/* both below low now; above min (1008) DMA32 has one more */
	assert_int_equal(rt_trace_counts()[TP_mm_page_alloc_slowpath], 0);
	mm->alloc_pages(GFP_KERNEL, 10, -1);
	assert_int_equal(rt_trace_counts()[TP_mm_page_alloc_slowpath], 1);
	assert_int_equal(dma32->vm_stat[NR_FREE_PAGES], 1024);
	assert_null(mm->alloc_pages(GFP_KERNEL, 10, -1));
	/* who asks for DMA memory has no reserve to respect */
	assert_non_null(mm->alloc_pages(GFP_KERNEL | __GFP_DMA, 10, -1));
	assert_int_equal(dma->vm_stat[NR_FREE_PAGES], 3840 - 3 * 1024);
	expect_sound();
}

static void zone_of_a_request(void **state)
{
	struct host h = { .zones = { { 0, ZONE_DMA, HOST_FIRST_PFN, 0x1000, 0x1000 },
				     { 0, ZONE_DMA32, HOST_FIRST_PFN + 0x1000, 0x1000, 0x1000 },
				     { 0, ZONE_NORMAL, HOST_FIRST_PFN + 0x2000, 0x1000, 0x1000 },
				     { 0, ZONE_MOVABLE, HOST_FIRST_PFN + 0x3000, 0x1000,
				       0x1000 } } };
	static const struct {
		gfp_t gfp;
		u64 frame;
	} cases[] = { { __GFP_DMA, 0 }, { __GFP_DMA32, 0x1000 }, { 0, 0x2000 },
		      { __GFP_HIGHMEM, 0x2000 }, { __GFP_MOVABLE, 0x2000 },
		      { __GFP_MOVABLE | __GFP_HIGHMEM, 0x3000 },
		      { __GFP_MOVABLE | __GFP_DMA, 0 }, { __GFP_MOVABLE | __GFP_DMA32, 0x1000 } };

	host_start(&h);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(frame(mm->alloc_pages(GFP_KERNEL | cases[i].gfp, 4, -1)) & ~0xffful,
				 cases[i].frame);
}

static void nodes_and_their_counters(void **state)
{
	struct host h = { .nr_cpus = 2, .nr_nodes = 2, .cpu_node = { 0, 1 },
			  .zones = { { 0, ZONE_NORMAL, HOST_FIRST_PFN, 0x2000, 0x2000 },
				     { 1, ZONE_NORMAL, HOST_FIRST_PFN + 0x2000, 0x2000, 0x2000 } } };
	u64 *local, *remote;
	u32 n = 0;

	host_start(&h);
	local = per_cpu_ptr(host_zone(0, ZONE_NORMAL)->per_cpu_zonestats, 0)->vm_numa_event;
	remote = per_cpu_ptr(host_zone(1, ZONE_NORMAL)->per_cpu_zonestats, 0)->vm_numa_event;
	assert_int_equal(page_to_pfn(mm->alloc_pages(GFP_KERNEL, 4, -1)), HOST_FIRST_PFN);
	assert_int_equal(frame(mm->alloc_pages(GFP_KERNEL, 4, 1)), 0x2000);
	assert_int_equal(local[NUMA_HIT], 1);
	assert_int_equal(local[NUMA_LOCAL], 1);
	assert_int_equal(remote[NUMA_HIT], 1);
	assert_int_equal(remote[NUMA_OTHER], 1);
	while (mm->alloc_pages(GFP_KERNEL | __GFP_THISNODE | __GFP_NORETRY, 4, 0))
		n++;
	assert_int_equal(host_zone(1, ZONE_NORMAL)->vm_stat[NR_FREE_PAGES], 0x2000 - 16);
	assert_true(frame(mm->alloc_pages(GFP_KERNEL, 4, 0)) > 0x2000);
	assert_int_equal(remote[NUMA_MISS], 1);
	assert_int_equal(local[NUMA_FOREIGN], 1);
	assert_int_equal(local[NUMA_HIT], n + 1);
	expect_sound();
}

/* A nodemask holds a request to its nodes, the nearest first; one that may use reserves is not held. */
static void a_nodemask_restricts_the_walk(void **state)
{
	struct host h = { .nr_cpus = 2, .nr_nodes = 2, .cpu_node = { 0, 1 },
			  .zones = { { 0, ZONE_NORMAL, HOST_FIRST_PFN, 0x2000, 0x2000 },
				     { 1, ZONE_NORMAL, HOST_FIRST_PFN + 0x2000, 0x2000, 0x2000 } } };
	u64 *remote;

	host_start(&h);
	remote = per_cpu_ptr(host_zone(1, ZONE_NORMAL)->per_cpu_zonestats, 0)->vm_numa_event;
	assert_true(frame(mm->alloc_pages_nodemask(GFP_KERNEL, 4, 0, 3)) < 0x2000);
	assert_true(frame(mm->alloc_pages_nodemask(GFP_KERNEL, 4, 0, 2)) >= 0x2000);
	assert_int_equal(remote[NUMA_HIT], 1); /* it got what it preferred of what it may use */
	while (mm->alloc_pages_nodemask(GFP_KERNEL | __GFP_NORETRY, 4, 0, 1))
		;
	assert_int_equal(host_zone(1, ZONE_NORMAL)->vm_stat[NR_FREE_PAGES], 0x2000 - 16);
	while (frame(mm->alloc_pages_nodemask(GFP_ATOMIC, 4, 0, 1)) < 0x2000)
		;
	assert_true(frame(mm->alloc_pages(GFP_KERNEL, 4, 0)) >= 0x2000);
	assert_null(mm->alloc_pages_nodemask(GFP_KERNEL, 4, 0, 4));
	expect_sound();
}

/* A CPU's differential reaches the zone when it exceeds the threshold (6), or by the worker. */
static void counters_lag_behind(void **state)
{
	struct host h = one_zone(65536);
	struct zone *zone = host_zone(0, ZONE_DMA32);
	struct page *page[3];
	s8 *diff;
	u32 i;

	host_start(&h);
	diff = &per_cpu_ptr(zone->per_cpu_zonestats, 0)->vm_stat_diff[NR_FREE_PAGES];
	for (i = 0; i < 3; i++)
		page[i] = mm->alloc_pages(GFP_KERNEL, 4, -1);
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 65536 - 48);
	host_pcp(zone, 0)->lock.slock = 1; /* single pages straight to and from the zone */
	for (i = 0; i < 3; i++)
		page[i] = mm->alloc_pages(GFP_KERNEL, 1, -1);
	assert_int_equal(*diff, -6);
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 65536 - 48);
	mm->alloc_pages(GFP_KERNEL, 0, -1);
	assert_int_equal(*diff, 0);
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 65536 - 55);
	mm->free_pages(page[0], 1);
	assert_int_equal(*diff, 2);
	host_pcp(zone, 0)->lock.slock = 0;
	mm->refresh_cpu_vm_stats();
	assert_int_equal(zone->vm_stat[NR_FREE_PAGES], 65536 - 53);
	assert_int_equal(kdata->vm_zone_stat[NR_FREE_PAGES], 65536 - 53);
	expect_sound();
}

static void impossible_orders(void **state)
{
	struct host h = one_zone(0x1000);

	host_start(&h);
	assert_null(mm->alloc_pages(GFP_KERNEL, 11, -1));
	assert_null(mm->alloc_pages(GFP_KERNEL | __GFP_NOFAIL, ~0u, -1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(each_request_to_its_mark),
		MM_TEST(nomemalloc_stays_above_min),
		MM_TEST(low_mark_sends_to_the_slow_path),
		MM_TEST(memory_beyond_the_mark_is_no_memory),
		MM_TEST(zones_in_turn_with_their_reserve),
		MM_TEST(zone_of_a_request),
		MM_TEST(nodes_and_their_counters),
		MM_TEST(a_nodemask_restricts_the_walk),
		MM_TEST(counters_lag_behind),
		MM_TEST(impossible_orders),
	};

	return cmocka_run_group_tests_name("page_watermark", tests, NULL, NULL);
}
