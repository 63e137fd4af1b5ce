/*
 * sheaves_owners.c - sheaves and requests for arrays, of other nodes and of
 * callers; flushing, grace periods. What is expected is worked out by hand.
 */
#include "tests/unit/sheaves_host.h"

/* ---- arrays ---- */

static void bulk_allocation_takes_slices_in_ascending_order(void **state)
{
	void *got[16];

	set_up();
	take_from_slabs(10);
	for (u32 i = 0; i < 10; i++)
		give(f.p[i]); /* spare 0..3, the barn 4..7, main 8 9 */
	expect(2, 4, 1, 0);
	assert_int_equal(f.m.slab->cache_alloc_bulk(f.s, GFP_KERNEL, 9, got), 9);
	assert_ptr_equal(got[0], f.p[8]);
	assert_ptr_equal(got[1], f.p[9]);
	for (u32 i = 0; i < 4; i++)
		assert_ptr_equal(got[2 + i], f.p[i]);
	/* the last three of the barn's sheaf */
	for (u32 i = 0; i < 3; i++)
		assert_ptr_equal(got[6 + i], f.p[5 + i]);
	expect(1, 0, 0, 1);
	/* one from the sheaf, the rest from slabs: sheaves are not refilled for arrays */
	assert_int_equal(f.m.slab->cache_alloc_bulk(f.s, GFP_KERNEL, 6, got), 6);
	assert_ptr_equal(got[0], f.p[4]);
	expect(0, 0, 0, 1);
	assert_int_equal(passed(TP_sheaf_refill), 0);
	tear_down();
}

static void bulk_free_fills_sheaves_and_spills_to_slabs(void **state)
{
	set_up();
	take_from_slabs(20);
	f.m.slab->free_bulk(f.s, 3, (void **)f.p);
	expect(3, -1, 0, 0);
	assert_ptr_equal(pcs(0)->main->objects[0], f.p[0]);
	assert_ptr_equal(pcs(0)->main->objects[2], f.p[2]);
	/* one more fits; the barn has no empty sheaf and none is allocated: the rest to slabs */
	f.m.slab->free_bulk(f.s, 6, (void **)f.p + 3);
	expect(4, -1, 0, 0);
	assert_int_equal(machine_cache_info(f.s).inuse, 11);
	assert_int_equal(passed(TP_sheaf_new), 1);
	tear_down();
}

/* ---- nodes ---- */

static u32 node_of(const void *object)
{
	return (u32)(machine_slab_of(object)->flags >> PAGE_NODE_SHIFT);
}

static void objects_of_other_nodes_bypass_sheaves(void **state)
{
	void *array[3], *remote, *local;

	set_up_machine(2, 2, CAP);
	local = f.m.slab->cache_alloc(f.s, GFP_KERNEL, 0);
	assert_int_equal(passed(TP_sheaf_alloc), 1);
	remote = f.m.slab->cache_alloc(f.s, GFP_KERNEL, 1);
	assert_int_equal(node_of(remote), 1);
	assert_int_equal(passed(TP_sheaf_alloc), 1);
	give(remote);
	assert_int_equal(passed(TP_sheaf_free), 0);
	remote = f.m.slab->cache_alloc(f.s, GFP_KERNEL, 1);
	array[0] = remote;
	array[1] = local;
	array[2] = take();
	f.m.slab->free_bulk(f.s, 3, array);
	assert_int_equal(pcs(0)->main->size, 4);
	check();
	/* a CPU of the other node has its own barn */
	rt_enter_cpu(1);
	remote = take();
	assert_int_equal(node_of(remote), 1);
	assert_int_equal(barn(1)->nr_empty, 1);
	give(remote);
	assert_int_equal(pcs(1)->main->size, 4);
	tear_down();
}

/* A sheaf is filled with whatever the CPU slab has, and that may be another node's. */
static void a_request_for_a_node_refuses_other_nodes_objects(void **state)
{
	set_up_machine(2, 2, CAP);
	assert_int_equal(node_of(f.m.slab->cache_alloc(f.s, GFP_KERNEL, 1)), 1);
	assert_int_equal(node_of(f.m.slab->cache_alloc(f.s, GFP_KERNEL, 0)), 0);
	assert_int_equal(passed(TP_sheaf_refill), 1);
	assert_int_equal(passed(TP_sheaf_alloc), 0);
	assert_int_equal(pcs(0)->main->size, 4);
	assert_int_equal(node_of(take()), 1);
	tear_down();
}

/* ---- flushing, shrinking, destroying ---- */

static void shrink_empties_cpus_and_the_barn(void **state)
{
	struct mm_cache_info info;

	set_up();
	take_from_slabs(19);
	for (u32 i = 0; i < 19; i++)
		give(f.p[i]);
	expect(3, 4, 3, 0);
	info = machine_cache_info(f.s);
	assert_int_equal(info.inuse, 0);
	assert_true(info.free_cpu >= 7);
	assert_true(info.free_partial >= 12);
	/* 5 sheaves of 64 bytes and a barn of 48, which takes 64 */
	assert_int_equal(info.own_bytes, 6 * 64);
	f.m.slab->cache_shrink(f.s);
	expect(0, -1, 0, 0);
	info = machine_cache_info(f.s);
	assert_int_equal(info.slabs, 0);
	assert_int_equal(info.own_bytes, 2 * 64);
	tear_down();
}

static void destroying_gives_everything_back(void **state)
{
	struct kmem_cache *sheaf_slabs;
	struct mm_cache_info before, after;

	set_up();
	sheaf_slabs = kdata->kmalloc_caches[KMALLOC_NORMAL][6];
	before = machine_cache_info(sheaf_slabs);
	f.s = new_cache(2, 512, 0, 32);
	take_from_slabs(9);
	for (u32 i = 0; i < 9; i++)
		give(f.p[i]);
	f.m.slab->cache_destroy(f.s);
	after = machine_cache_info(sheaf_slabs);
	assert_int_equal(after.inuse, before.inuse);
	machine_check_slabs();
	machine_off();
}

/* ---- sheaves of a caller's ---- */

static const struct sheaf_ops *ops(void)
{
	return f.m.slab->sheaves;
}

static void a_prefilled_sheaf_comes_from_spare_barn_or_memory(void **state)
{
	struct slab_sheaf *sheaf, *spare;

	set_up();
	sheaf = ops()->prefill(f.s, GFP_KERNEL, 3); /* allocated, filled completely */
	assert_int_equal(sheaf->size, 4);
	assert_int_equal(sheaf->capacity, 4);
	expect(0, -1, 0, 0);
	f.p[0] = ops()->alloc(f.s, GFP_KERNEL, sheaf);
	for (u32 i = 1; i < 4; i++)
		f.p[i] = ops()->alloc(f.s, GFP_KERNEL, sheaf);
	assert_int_equal((u64)f.p[0] - (u64)f.p[3], 3 * 256);
	assert_null(ops()->alloc(f.s, GFP_KERNEL, sheaf));
	ops()->return_sheaf(f.s, GFP_KERNEL, sheaf); /* no spare: it becomes that */
	expect(0, 0, 0, 0);
	spare = pcs(0)->spare;
	assert_ptr_equal(spare, sheaf);
	assert_ptr_equal(ops()->prefill(f.s, GFP_KERNEL, 1), spare);
	assert_int_equal(spare->size, 4);
	ops()->return_sheaf(f.s, GFP_KERNEL, spare);
	expect(0, 4, 0, 0);
	/* the spare first, then (with a second one out) a new one; returned beside a spare it is topped up */
	sheaf = ops()->prefill(f.s, GFP_KERNEL, 4);
	spare = ops()->prefill(f.s, GFP_KERNEL, 4);
	ops()->return_sheaf(f.s, GFP_KERNEL, sheaf);
	f.p[4] = ops()->alloc(f.s, GFP_KERNEL, spare);
	ops()->return_sheaf(f.s, GFP_KERNEL, spare);
	expect(0, 4, 1, 0);
	/* from the barn, when there is no spare */
	sheaf = ops()->prefill(f.s, GFP_KERNEL, 2);
	assert_ptr_equal(ops()->prefill(f.s, GFP_KERNEL, 2), spare);
	ops()->return_sheaf(f.s, GFP_KERNEL, sheaf);
	ops()->return_sheaf(f.s, GFP_KERNEL, spare);
	tear_down();
}

static void a_sheaf_of_unusual_size_is_not_kept(void **state)
{
	struct slab_sheaf *sheaf;

	set_up();
	sheaf = ops()->prefill(f.s, GFP_KERNEL, 10);
	assert_int_equal(sheaf->size, 10);
	assert_int_equal(sheaf->capacity, 10);
	for (u32 i = 0; i < 6; i++)
		give(ops()->alloc(f.s, GFP_KERNEL, sheaf));
	ops()->return_sheaf(f.s, GFP_KERNEL, sheaf);
	assert_int_equal(machine_cache_info(f.s).inuse, 0);
	sheaf = ops()->prefill(f.s, GFP_KERNEL, 2);
	for (u32 i = 0; i < 3; i++)
		give(ops()->alloc(f.s, GFP_KERNEL, sheaf));
	assert_true(ops()->refill(f.s, GFP_KERNEL, &sheaf, 1)); /* one is left: nothing to do */
	assert_int_equal(sheaf->size, 1);
	assert_true(ops()->refill(f.s, GFP_KERNEL, &sheaf, 2));
	assert_int_equal(sheaf->size, 4);
	assert_true(ops()->refill(f.s, GFP_KERNEL, &sheaf, 6));
	assert_int_equal(sheaf->size, 6);
	ops()->return_sheaf(f.s, GFP_KERNEL, sheaf);
	assert_int_equal(machine_cache_info(f.s).inuse, 0);
	tear_down();
}

static void a_full_barn_does_not_take_a_returned_sheaf(void **state)
{
	struct slab_sheaf *sheaf;

	set_up();
	take_from_slabs(49);
	for (u32 i = 0; i < 48; i++)
		give(f.p[i]);
	expect(4, 4, 10, 0);
	sheaf = ops()->prefill(f.s, GFP_KERNEL, 4); /* the spare one */
	give(f.p[48]);
	expect(1, 4, 10, 0);
	ops()->return_sheaf(f.s, GFP_KERNEL, sheaf);
	expect(1, 4, 10, 0);
	assert_int_equal(machine_cache_info(f.s).inuse, 0);
	tear_down();
}

/* ---- frees after a grace period ---- */

static void rcu_frees_gather_and_go_to_the_barn(void **state)
{
	struct slab_sheaf *sheaf;

	set_up();
	take_from_slabs(8);
	for (u32 i = 0; i < 3; i++)
		ops()->kfree_rcu(f.s, f.p[i]);
	sheaf = pcs(0)->rcu_free;
	assert_int_equal(sheaf->size, 3);
	expect(0, -1, 0, 0);
	ops()->kfree_rcu(f.s, f.p[3]);
	assert_null(pcs(0)->rcu_free);
	expect(0, -1, 1, 0);
	assert_ptr_equal(take(), f.p[3]); /* the exhausted main sheaf is now the barn's empty one */
	expect(3, -1, 0, 1);
	ops()->kfree_rcu(f.s, f.p[4]); /* which is taken for the next */
	assert_int_equal(pcs(0)->rcu_free->size, 1);
	expect(3, -1, 0, 0);
	f.m.slab->cache_shrink(f.s);
	assert_null(pcs(0)->rcu_free);
	expect(0, -1, 0, 0);
	tear_down();
}

static void rcu_frees_to_a_full_barn_are_flushed(void **state)
{
	set_up();
	take_from_slabs(52);
	for (u32 i = 0; i < 48; i++)
		give(f.p[i]);
	expect(4, 4, 10, 0);
	for (u32 i = 48; i < 52; i++)
		ops()->kfree_rcu(f.s, f.p[i]);
	assert_int_equal(passed(TP_sheaf_flush), 1);
	expect(4, 4, 10, 1); /* flushed, it is an empty sheaf */
	tear_down();
}

/* ---- what the caller sees ---- */

static void zeroed_objects_are_zero(void **state)
{
	u8 *p, *q[2];

	set_up();
	p = take();
	memset(p, 0x55, 256);
	give(p);
	assert_ptr_equal(f.m.slab->cache_alloc(f.s, GFP_KERNEL | __GFP_ZERO, -1), p);
	for (u32 i = 0; i < 256; i++)
		assert_int_equal(p[i], 0);
	memset(p, 0x55, 256);
	give(p);
	assert_int_equal(f.m.slab->cache_alloc_bulk(f.s, GFP_KERNEL | __GFP_ZERO, 2, (void **)q), 2);
	assert_ptr_equal(q[1], p);
	for (u32 i = 0; i < 256; i++)
		assert_int_equal(p[i], 0);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk_allocation_takes_slices_in_ascending_order),
		cmocka_unit_test(bulk_free_fills_sheaves_and_spills_to_slabs),
		cmocka_unit_test(objects_of_other_nodes_bypass_sheaves),
		cmocka_unit_test(a_request_for_a_node_refuses_other_nodes_objects),
		cmocka_unit_test(shrink_empties_cpus_and_the_barn),
		cmocka_unit_test(destroying_gives_everything_back),
		cmocka_unit_test(a_prefilled_sheaf_comes_from_spare_barn_or_memory),
		cmocka_unit_test(a_sheaf_of_unusual_size_is_not_kept),
		cmocka_unit_test(a_full_barn_does_not_take_a_returned_sheaf),
		cmocka_unit_test(rcu_frees_gather_and_go_to_the_barn),
		cmocka_unit_test(rcu_frees_to_a_full_barn_are_flushed),
		cmocka_unit_test(zeroed_objects_are_zero),
	};

	return cmocka_run_group_tests_name("sheaves_owners", tests, NULL, NULL);
}
