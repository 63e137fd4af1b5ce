/*
 * golden_restore.c - a page allocator put into a given state is in that state,
 * works from there, and any change to it is seen.
 */
#include "tests/unit/mm_host.h"

#undef memset
#undef memcpy

#include "sim/validate/restore.h"

#define NODES 2u
#define CPUS 4u

static struct page_state saved;
static char seen[512];
static u32 nr_seen;

static void remember(void *arg, const char *what)
{
	(void)arg;
	snprintf(seen, sizeof(seen), "%s", what);
	nr_seen++;
}

static void add_zone(u32 node, u64 start, s64 nr_free)
{
	const struct mm_saved_zone z = { .node = node, .zone_idx = ZONE_NORMAL, .start_pfn = start,
					 .spanned = 4096, .present = 4096, .managed = 4000,
					 .watermark = { 10, 20, 30 }, .nr_free_pages = nr_free,
					 .pageset_high = 50, .pageset_batch = 7,
					 .highatomic_known = true };
	struct kms_error err = { 0 };

	if (page_state_add_zone(&saved, &z, &err))
		fail_msg("%s", err.text);
}

static void add_pcp(u32 zone, u32 cpu, s32 count)
{
	const struct mm_saved_pcp pcp = { .zone = zone, .cpu = cpu, .count = count, .high = 50,
					  .batch = 7, .stat_threshold = 2 };
	struct kms_error err = { 0 };

	if (page_state_add_pcp(&saved, &pcp, &err))
		fail_msg("%s", err.text);
}

static void add_list(struct mm_saved_list list, const u64 *pfns, u32 nr)
{
	struct kms_error err = { 0 };

	list.nr = nr;
	list.pfns = pfns;
	if (page_state_add_list(&saved, &list, &err))
		fail_msg("%s", err.text);
}

static void add_blocks(u32 zone, const u8 types[8])
{
	const struct mm_saved_blocks b = { .zone = zone, .nr = 8, .types = types };
	struct kms_error err = { 0 };

	if (page_state_add_blocks(&saved, &b, &err))
		fail_msg("%s", err.text);
}

/* Two nodes of two CPUs; the second node's memory is in one piece. */
static int set_up(void **state)
{
	static const u64 low[] = { 0x2005, 0x2001, 0x2003 }, big[] = { 0x2400, 0x2800 },
			 other[] = { 0x3000, 0x3400, 0x3800, 0x3c00 }, mine[] = { 0x2107, 0x2102 };
	const struct restore_config config = { .nr_cpus = CPUS, .nr_nodes = NODES,
					       .cpu_node = (const u8[]){ 0, 0, 1, 1 },
					       .params = { .page_group_by_mobility = true } };
	struct kms_error err = { 0 };

	add_zone(0, 0x2000, 3 + 2048);
	add_zone(1, 0x3000, 4096);
	for (u32 cpu = 0; cpu < CPUS; cpu++) {
		add_pcp(0, cpu, cpu == 1 ? 2 : 0);
		add_pcp(1, cpu, 0);
	}
	add_list((struct mm_saved_list){ .zone = 0, .cpu = MM_SAVED_BUDDY, .order = 0, .mt = 0 }, low, 3);
	add_list((struct mm_saved_list){ .zone = 0, .cpu = MM_SAVED_BUDDY, .order = 10, .mt = 1 }, big, 2);
	add_list((struct mm_saved_list){ .zone = 1, .cpu = MM_SAVED_BUDDY, .order = 10, .mt = 1 }, other,
		 4);
	add_list((struct mm_saved_list){ .zone = 0, .cpu = 1, .pindex = 0 }, mine, 2);
	add_blocks(0, (const u8[]){ 0, 1, 1, 1, 1, 1, 2, 1 });
	add_blocks(1, (const u8[]){ 1, 1, 1, 1, 1, 1, 1, 1 });
	nr_seen = 0;
	if (restore_machine(&saved, &config, &err))
		fail_msg("%s", err.text);
	return 0;
}

static int tear_down(void **state)
{
	restore_machine_off();
	page_state_free(&saved);
	return 0;
}

static u64 compare(void)
{
	nr_seen = 0;
	return mm_compare_pages(&saved.saved, remember, NULL);
}

static void what_was_restored_is_there(void **state)
{
	if (compare())
		fail_msg("%s", seen);
	assert_int_equal(nr_seen, 0);
	expect_sound();
}

/* Lists are served from their heads, each CPU's own first. */
static void it_works_from_there(void **state)
{
	rt_enter_cpu(1);
	assert_int_equal(page_to_pfn(mm->alloc_pages(GFP_NOWAIT, 0, -1)), 0x2107);
	rt_enter_cpu(0);
	assert_int_equal(page_to_pfn(mm->alloc_pages(GFP_NOWAIT, 0, -1)), 0x2005);
	rt_enter_cpu(3);
	assert_int_equal(page_to_pfn(mm->alloc_pages(GFP_NOWAIT | __GFP_MOVABLE, 10, -1)), 0x3000);
	expect_sound();
	assert_true(compare() > 3);
}

static void it_can_be_restored_again(void **state)
{
	struct page *page = mm->alloc_pages(GFP_NOWAIT, 3, 0);

	assert_non_null(page);
	mm->free_pages(page, 3);
	assert_true(compare() > 0);
	mm_restore_pages(&saved.saved);
	if (compare())
		fail_msg("%s", seen);
	expect_sound();
}

/* ---- every part is compared ---- */

static struct zone *zone_0(void)
{
	return &kdata->node_data[0]->node_zones[ZONE_NORMAL];
}

static void expect_one(const char *what)
{
	assert_int_equal(compare(), 1);
	assert_int_equal(nr_seen, 1);
	assert_string_equal(seen, what);
}

static void a_zone_field(void **state)
{
	zone_0()->watermark_boost = 512;
	expect_one("node 0 zone 2: watermark boost is 512, expected 0");
}

static void the_reserve(void **state)
{
	zone_0()->nr_reserved_highatomic = 512;
	expect_one("node 0 zone 2: high-atomic reserve is 512, expected 0");
	saved.saved.zones[0].highatomic_known = false;
	assert_int_equal(compare(), 0);
}

static void a_cpu_field(void **state)
{
	host_pcp(zone_0(), 1)->free_factor = 3;
	expect_one("node 0 zone 2: a CPU's free_factor is 3, expected 0");
}

static void an_order(void **state)
{
	struct list_head *list = free_list(zone_0(), 0, 0);

	list_move_tail(list->next, list);
	expect_one("node 0 zone 2: free list of order 0 type 0: entry 0 is frame 0x2001, expected 0x2005");
}

static void a_missing_entry(void **state)
{
	struct list_head *list = &host_pcp(zone_0(), 1)->lists[0];

	list_del(list->prev);
	expect_one("node 0 zone 2: list 0 of CPU 1: ends after 1 entries, expected 2");
}

static void an_extra_entry(void **state)
{
	struct list_head *list = free_list(zone_0(), 10, 1);

	list_add_tail(&pfn_to_page(0x2c00)->lru, list);
	expect_one("node 0 zone 2: free list of order 10 type 1: goes on after the 2 expected entries");
}

static void a_pageblock(void **state)
{
	*pageblock_word(0x2e00) ^= 3ul << pageblock_shift(0x2e00);
	expect_one("node 0 zone 2: pageblock of frame 0x2e00 has type 2, expected 1");
}

#define RESTORED(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESTORED(what_was_restored_is_there),
		RESTORED(it_works_from_there),
		RESTORED(it_can_be_restored_again),
		RESTORED(a_zone_field),
		RESTORED(the_reserve),
		RESTORED(a_cpu_field),
		RESTORED(an_order),
		RESTORED(a_missing_entry),
		RESTORED(an_extra_entry),
		RESTORED(a_pageblock),
	};

	return cmocka_run_group_tests_name("golden_restore", tests, NULL, NULL);
}
