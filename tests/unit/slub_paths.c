/*
 * The ways of objects and slabs through SLUB: every transition of a slab's
 * state, with the lists expected worked out by hand.
 */
#include "tests/unit/slub_fixture.h"

/* ---- freelists ---- */

static void a_new_slab_serves_ascending_addresses(void **state)
{
	set_up();
	fill_slabs(1);
	for (u32 i = 1; i < PER_SLAB; i++)
		assert_int_equal((u64)object(0, i) - (u64)object(0, 0), i * 256);
	assert_int_equal((u64)object(0, 0) % 4096, 0);
	tear_down();
}

static void frees_to_the_cpu_slab_come_back_last_in_first_out(void **state)
{
	void *a, *b, *c;

	set_up();
	a = alloc_one();
	b = alloc_one();
	c = alloc_one();
	free_one(a);
	free_one(c);
	free_one(b);
	assert_ptr_equal(alloc_one(), b);
	assert_ptr_equal(alloc_one(), c);
	assert_ptr_equal(alloc_one(), a);
	assert_int_equal((u64)alloc_one() - (u64)a, 3 * 256);
	tear_down();
}

static void every_operation_takes_a_transaction_id(void **state)
{
	u64 tid;

	set_up();
	free_one(alloc_one());
	tid = cpu_slab(0)->tid;
	free_one(alloc_one());
	assert_int_equal(cpu_slab(0)->tid, tid + 2);
	tear_down();
}

static void zeroing_clears_the_whole_object(void **state)
{
	u8 *p;

	set_up();
	p = alloc_one();
	memset(p, 0xaa, 256);
	free_one(p);
	assert_ptr_equal(f.m.slab->cache_alloc(f.s, GFP_KERNEL | __GFP_ZERO, MACHINE_NO_NODE), p);
	for (u32 i = 0; i < 256; i++)
		assert_int_equal(p[i], 0);
	tear_down();
}

/* ---- full slabs, CPU partial slabs ---- */

static void a_full_slab_is_on_no_list(void **state)
{
	set_up();
	fill_slabs(2);
	free_one(alloc_one()); /* now in a third slab */
	assert_false(counters_frozen(slab(0)->counters));
	assert_int_equal(counters_inuse(slab(0)->counters), PER_SLAB);
	assert_null(slab(0)->freelist);
	assert_int_equal(f.n->nr_partial, 0);
	assert_null(cpu_slab(0)->partial);
	assert_int_equal(f.n->nr_slabs, 3);
	assert_int_equal(f.n->total_objects, 3 * PER_SLAB);
	tear_down();
}

static void first_free_of_a_full_slab_makes_it_a_cpu_partial_slab(void **state)
{
	set_up();
	fill_slabs(4); /* slab 3 is the CPU slab */
	free_one(object(0, 3));
	free_one(object(2, 1));
	EXPECT_CPU_CHAIN(0, 2, 0);
	assert_int_equal(passed(TP_slab_free_cpu_partial), 2);
	/* further frees stay in the slab, newest first */
	free_one(object(0, 9));
	assert_ptr_equal(slab(0)->freelist, object(0, 9));
	assert_int_equal(counters_inuse(slab(0)->counters), PER_SLAB - 2);
	EXPECT_CPU_CHAIN(0, 2, 0);
	tear_down();
}

static void cpu_partial_slabs_are_used_newest_first(void **state)
{
	set_up();
	fill_slabs(4);
	free_one(object(0, 3));
	free_one(object(0, 5));
	free_one(object(2, 1));
	assert_ptr_equal(alloc_one(), object(2, 1)); /* slab 3 is exhausted */
	assert_ptr_equal(cpu_slab(0)->slab, slab(2));
	assert_ptr_equal(alloc_one(), object(0, 5));
	assert_ptr_equal(alloc_one(), object(0, 3));
	assert_int_equal(passed(TP_slab_cpu_partial_pop), 2);
	assert_null(cpu_slab(0)->partial);
	tear_down();
}

static void an_overflowing_cpu_chain_moves_to_the_nodes_tail(void **state)
{
	set_up();
	fill_slabs(10);
	for (u32 i = 0; i < 7; i++)
		free_one(object(i, 0));
	assert_int_equal(f.n->nr_partial, 0);
	free_one(object(7, 0)); /* the eighth: the chain of seven is moved, newest first */
	EXPECT_CPU_CHAIN(0, 7);
	EXPECT_PARTIAL("after overflow", 6, 5, 4, 3, 2, 1, 0);
	assert_false(counters_frozen(slab(6)->counters));
	assert_int_equal(passed(TP_slab_unfreeze), 1);
	tear_down();
}

static void free_all_of(u32 i)
{
	for (u32 k = 0; k < PER_SLAB; k++)
		free_one(object(i, k));
}

/* Moving seven empty slabs: five fill the list up to min_partial, two are given back. */
static void overflow_gives_empty_slabs_back_beyond_min_partial(void **state)
{
	const struct page *third, *first;

	set_up();
	fill_slabs(10);
	first = slab(0);
	third = slab(1);
	for (u32 i = 0; i < 7; i++)
		free_all_of(i);
	assert_int_equal(passed(TP_slab_discard), 0);
	free_one(object(7, 0));
	EXPECT_PARTIAL("five stay", 6, 5, 4, 3, 2);
	assert_int_equal(passed(TP_slab_discard), 2);
	assert_false(first->flags & PG_slab);
	assert_false(third->flags & PG_slab);
	assert_int_equal(f.n->nr_slabs, 8);
	tear_down();
}

/* ---- node partial list ---- */

/* Seven slabs on the node's list (6 5 4 3 2 1 0), slab 7 on the CPU's chain, 9 the CPU slab. */
static void seven_on_the_node(void)
{
	set_up();
	fill_slabs(10);
	for (u32 i = 0; i < 8; i++)
		free_one(object(i, 0));
}

static void a_slab_on_the_list_stays_in_place_until_empty(void **state)
{
	seven_on_the_node();
	for (u32 k = 1; k < PER_SLAB - 1; k++)
		free_one(object(3, k));
	EXPECT_PARTIAL("still in place", 6, 5, 4, 3, 2, 1, 0);
	assert_int_equal(passed(TP_slab_free_list_lock), 0);
	free_one(object(3, PER_SLAB - 1)); /* empty, and 7 >= min_partial */
	EXPECT_PARTIAL("discarded", 6, 5, 4, 2, 1, 0);
	assert_int_equal(passed(TP_slab_free_list_lock), 1);
	assert_int_equal(passed(TP_slab_discard), 1);
	tear_down();
}

/* The slab that became empty counts itself: at five it goes, at four it stays. */
static void an_empty_slab_is_kept_below_min_partial(void **state)
{
	seven_on_the_node();
	for (u32 i = 0; i < 3; i++)
		for (u32 k = 1; k < PER_SLAB; k++)
			free_one(object(i, k));
	EXPECT_PARTIAL("7, 6, 5 were enough", 6, 5, 4, 3);
	for (u32 k = 1; k < PER_SLAB; k++)
		free_one(object(4, k));
	EXPECT_PARTIAL("kept", 6, 5, 4, 3);
	assert_int_equal(counters_inuse(slab(4)->counters), 0);
	assert_int_equal(passed(TP_slab_discard), 3);
	assert_int_equal(passed(TP_slab_free_list_lock), 4);
	tear_down();
}

/*
 * Refill from the node: the first slab with its objects, then floor(7/2) + 1 = 4
 * more for the CPU's chain, whose newest ends up at its head.
 */
static void a_refill_takes_several_slabs_from_the_node(void **state)
{
	seven_on_the_node();
	assert_ptr_equal(alloc_one(), object(7, 0)); /* the CPU's chain comes first */
	assert_ptr_equal(alloc_one(), object(6, 0));
	assert_ptr_equal(cpu_slab(0)->slab, slab(6));
	EXPECT_CPU_CHAIN(0, 2, 3, 4, 5);
	EXPECT_PARTIAL("what is left", 1, 0);
	assert_int_equal(counters_inuse(slab(6)->counters), PER_SLAB);
	assert_int_equal(counters_inuse(slab(5)->counters), PER_SLAB - 1);
	assert_ptr_equal(alloc_one(), object(2, 0));
	tear_down();
}

static void without_cpu_partial_lists_slabs_go_to_the_node(void **state)
{
	struct mm_params params = machine_default_params();

	params.slub_cpu_partial = false;
	set_up_cpus(1, 1, &params, 256);
	assert_int_equal(f.s->cpu_partial_slabs, 0);
	fill_slabs(4);
	free_one(object(1, 0));
	free_one(object(0, 0));
	EXPECT_PARTIAL("full slabs join at the tail", 1, 0);
	assert_ptr_equal(alloc_one(), object(1, 0));
	EXPECT_PARTIAL("one at a time", 0);
	assert_null(cpu_slab(0)->partial);
	tear_down();
}

/* ---- putting a CPU slab away ---- */

static void flushing_puts_the_cpu_slab_at_the_head(void **state)
{
	seven_on_the_node();
	free_one(object(9, 4));
	free_one(object(9, 2));
	f.m.slab->cache_shrink(f.s); /* flushes, then sorts: all have one free object but slab 9 */
	assert_null(cpu_slab(0)->slab);
	assert_null(cpu_slab(0)->partial);
	/* one free: later ones first (list was 9 6 5 4 3 2 1 0 7); then two free */
	EXPECT_PARTIAL("sorted", 7, 0, 1, 2, 3, 4, 5, 6, 9);
	assert_ptr_equal(slab(9)->freelist, object(9, 2));
	assert_int_equal(counters_inuse(slab(9)->counters), PER_SLAB - 2);
	tear_down();
}

static void shrinking_sorts_the_fullest_first_and_gives_empty_slabs_back(void **state)
{
	seven_on_the_node();
	free_one(object(5, 1));
	free_one(object(5, 2));
	free_one(object(2, 3));
	for (u32 k = 0; k < PER_SLAB; k++)
		free_one(object(9, k)); /* the CPU slab: empty after the flush */
	f.m.slab->cache_shrink(f.s);
	EXPECT_PARTIAL("1 free: 7 0 1 3 4 6, 2 free: 2, 3 free: 5", 7, 0, 1, 3, 4, 6, 2, 5);
	assert_int_equal(f.n->nr_slabs, 9);
	tear_down();
}

/* With more than 32 free objects a slab keeps its place behind the sorted ones. */
static void shrinking_leaves_mostly_free_slabs_in_order(void **state)
{
	void *keep[3];

	set_up_cpus(1, 1, NULL, 64);
	for (u32 i = 0; i < 3; i++) {
		keep[i] = alloc_one();
		for (u32 k = 1; k < 64; k++)
			f.objects[i * 64 + k] = alloc_one();
	}
	alloc_one();
	for (u32 i = 0; i < 3; i++)
		for (u32 k = 1; k < (i == 1 ? 3 : 40); k++)
			free_one(f.objects[i * 64 + k]);
	f.m.slab->cache_shrink(f.s);
	/* flush: CPU slab (63 free) at the head, then chain 2 1 0 at the tail; 1 has 2 free */
	assert_int_equal(f.n->nr_partial, 4);
	assert_ptr_equal(list_first_entry(&f.n->partial, struct page, lru), machine_slab_of(keep[1]));
	assert_ptr_equal(list_last_entry(&f.n->partial, struct page, lru), machine_slab_of(keep[0]));
	tear_down();
}

/*
 * Slab 9 is CPU 0's, seven slabs are on the list, slab 7 on the CPU's chain. A
 * request for node 1 puts the CPU slab away, then the chain's slab (which is
 * deactivated with objects in its own freelist: to the tail).
 */
static void put_cpu_slab_away(bool remote_free)
{
	set_up_cpus(4, 2, NULL, 256); /* CPUs 0 and 1 on node 0 */
	fill_slabs(9);
	f.objects[9 * PER_SLAB] = alloc_one();
	f.objects[9 * PER_SLAB + 1] = alloc_one();
	for (u32 i = 0; i < 8; i++)
		free_one(object(i, 0));
	if (remote_free) {
		rt_enter_cpu(1);
		free_one(object(9, 0));
		rt_enter_cpu(0);
		assert_ptr_equal(slab(9)->freelist, object(9, 0));
	}
	assert_non_null(f.m.slab->cache_alloc(f.s, GFP_KERNEL, 1));
}

static void a_cpu_slab_goes_to_the_head_of_the_list(void **state)
{
	put_cpu_slab_away(false);
	EXPECT_PARTIAL("head", 9, 6, 5, 4, 3, 2, 1, 0, 7);
	assert_int_equal(counters_inuse(slab(9)->counters), 2);
	tear_down();
}

/* The CPU's free objects come before what others freed. */
static void remote_frees_send_a_cpu_slab_to_the_tail(void **state)
{
	const void *link;

	put_cpu_slab_away(true);
	EXPECT_PARTIAL("tail", 6, 5, 4, 3, 2, 1, 0, 9, 7);
	assert_int_equal(counters_inuse(slab(9)->counters), 1);
	assert_ptr_equal(slab(9)->freelist, (char *)object(9, 0) + 2 * 256);
	for (link = slab(9)->freelist; get_freepointer(f.s, link); link = get_freepointer(f.s, link))
		;
	assert_ptr_equal(link, object(9, 0));
	tear_down();
}

static void a_cpu_refills_from_what_others_freed_to_its_slab(void **state)
{
	set_up_cpus(2, 1, NULL, 256);
	fill_slabs(1);
	rt_enter_cpu(1);
	free_one(object(0, 5));
	free_one(object(0, 6));
	assert_null(cpu_slab(1)->partial); /* frozen by CPU 0: it stays there */
	rt_enter_cpu(0);
	assert_ptr_equal(alloc_one(), object(0, 6));
	assert_ptr_equal(cpu_slab(0)->slab, slab(0));
	assert_ptr_equal(cpu_slab(0)->freelist, object(0, 5));
	assert_null(slab(0)->freelist);
	assert_ptr_equal(alloc_one(), object(0, 5));
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_slab_serves_ascending_addresses),
		cmocka_unit_test(frees_to_the_cpu_slab_come_back_last_in_first_out),
		cmocka_unit_test(every_operation_takes_a_transaction_id),
		cmocka_unit_test(zeroing_clears_the_whole_object),
		cmocka_unit_test(a_full_slab_is_on_no_list),
		cmocka_unit_test(first_free_of_a_full_slab_makes_it_a_cpu_partial_slab),
		cmocka_unit_test(cpu_partial_slabs_are_used_newest_first),
		cmocka_unit_test(an_overflowing_cpu_chain_moves_to_the_nodes_tail),
		cmocka_unit_test(overflow_gives_empty_slabs_back_beyond_min_partial),
		cmocka_unit_test(a_slab_on_the_list_stays_in_place_until_empty),
		cmocka_unit_test(an_empty_slab_is_kept_below_min_partial),
		cmocka_unit_test(a_refill_takes_several_slabs_from_the_node),
		cmocka_unit_test(without_cpu_partial_lists_slabs_go_to_the_node),
		cmocka_unit_test(flushing_puts_the_cpu_slab_at_the_head),
		cmocka_unit_test(shrinking_sorts_the_fullest_first_and_gives_empty_slabs_back),
		cmocka_unit_test(shrinking_leaves_mostly_free_slabs_in_order),
		cmocka_unit_test(a_cpu_slab_goes_to_the_head_of_the_list),
		cmocka_unit_test(remote_frees_send_a_cpu_slab_to_the_tail),
		cmocka_unit_test(a_cpu_refills_from_what_others_freed_to_its_slab),
	};

	return cmocka_run_group_tests_name("slub_paths", tests, NULL, NULL);
}
