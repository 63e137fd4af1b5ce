/*
 * SLUB's bulk calls, the end of memory, destruction of slab caches, two nodes.
 */
#include <stdlib.h>

#include "tests/unit/slub_fixture.h"

/* ---- bulk ---- */

static void bulk_allocation_follows_the_freelist(void **state)
{
	void *p[3 * PER_SLAB];
	u64 tid;

	set_up();
	free_one(alloc_one());
	tid = cpu_slab(0)->tid;
	assert_int_equal(f.m.slab->cache_alloc_bulk(f.s, GFP_KERNEL, 4, p), 4);
	assert_int_equal(cpu_slab(0)->tid, tid + 1);
	for (u32 i = 1; i < 4; i++)
		assert_int_equal((u64)p[i] - (u64)p[0], i * 256);
	assert_int_equal(f.m.slab->cache_alloc_bulk(f.s, GFP_KERNEL, 2 * PER_SLAB, p + 4), 2 * PER_SLAB);
	assert_int_equal(f.n->nr_slabs, 3);
	tear_down();
}

/* A list of one slab is turned round: the last of the array is allocated again first. */
static void bulk_free_reverses_the_detached_list(void **state)
{
	void *p[3];

	set_up();
	fill_slabs(1);
	memcpy(p, f.objects, sizeof(p));
	f.m.slab->free_bulk(f.s, 3, p);
	assert_int_equal(passed(TP_slab_free_fast), 1);
	assert_ptr_equal(alloc_one(), object(0, 2));
	assert_ptr_equal(alloc_one(), object(0, 1));
	assert_ptr_equal(alloc_one(), object(0, 0));
	tear_down();
}

/*
 * Array A0 B0 A1 B1 A2 (slabs A, B): from A2 backwards B1 and B0 are passed
 * over (two of a look-ahead of three), all of A goes in one list. Each A found
 * changes places with the entry before the gathered ones: A1 with B1, A0 with
 * that B1 again, which leaves B1 B0, so that B0 is taken first.
 */
static void bulk_free_looks_ahead_over_other_slabs(void **state)
{
	void *p[5];

	set_up();
	fill_slabs(3); /* neither 0 nor 1 is the CPU slab */
	p[0] = object(0, 0);
	p[1] = object(1, 0);
	p[2] = object(0, 1);
	p[3] = object(1, 1);
	p[4] = object(0, 2);
	f.m.slab->free_bulk(f.s, 5, p);
	assert_int_equal(passed(TP_slab_free_slow), 2);
	EXPECT_CPU_CHAIN(0, 1, 0);
	assert_ptr_equal(slab(0)->freelist, object(0, 2));
	assert_ptr_equal(get_freepointer(f.s, object(0, 2)), object(0, 1));
	assert_ptr_equal(get_freepointer(f.s, object(0, 1)), object(0, 0));
	assert_null(get_freepointer(f.s, object(0, 0)));
	assert_ptr_equal(slab(1)->freelist, object(1, 0));
	assert_ptr_equal(get_freepointer(f.s, object(1, 0)), object(1, 1));
	tear_down();
}

/* Three objects of other slabs end the look-ahead: A's first object is freed on its own. */
static void the_look_ahead_ends_after_three(void **state)
{
	void *p[5];

	set_up();
	fill_slabs(5);
	p[0] = object(0, 0);
	p[1] = object(1, 0);
	p[2] = object(2, 0);
	p[3] = object(3, 0);
	p[4] = object(0, 1);
	f.m.slab->free_bulk(f.s, 5, p);
	assert_int_equal(passed(TP_slab_free_slow), 5);
	tear_down();
}

static void kfree_bulk_takes_objects_of_any_cache(void **state)
{
	void *p[4];

	set_up();
	p[0] = f.m.slab->kmalloc(64, GFP_KERNEL, MACHINE_NO_NODE);
	p[1] = f.m.slab->kmalloc(20000, GFP_KERNEL, MACHINE_NO_NODE);
	p[2] = f.m.slab->kmalloc(512, GFP_KERNEL, MACHINE_NO_NODE);
	p[3] = alloc_one();
	f.m.slab->free_bulk(NULL, 4, p);
	assert_int_equal(machine_cache_info(f.s).inuse, 0);
	tear_down();
}

/* ---- memory runs out ---- */

static void out_of_memory_is_null_and_loses_nothing(void **state)
{
	struct kmem_cache *big;
	void **objects = calloc(20000, sizeof(void *));
	u32 n = 0, again = 0;

	set_up();
	big = machine_cache(&f.m, 8192, 0, 0);
	while ((objects[n] = f.m.slab->cache_alloc(big, GFP_KERNEL, MACHINE_NO_NODE)))
		n++;
	assert_true(n > 3000 && n < 4096); /* of 32 MiB */
	assert_int_equal(f.m.slab->cache_alloc_bulk(big, GFP_KERNEL, 3, objects + n), 0);
	machine_check_slabs();
	for (u32 i = 0; i < n; i++)
		f.m.slab->cache_free(big, objects[i]);
	f.m.slab->cache_shrink(big);
	assert_int_equal(big->node[0]->nr_slabs, 0);
	while ((objects[again] = f.m.slab->cache_alloc(big, GFP_KERNEL, MACHINE_NO_NODE)))
		again++;
	assert_int_equal(again, n);
	free(objects);
	tear_down();
}

/* ---- destroying ---- */

static void destroying_gives_everything_back(void **state)
{
	struct mm_cache_info before, after;

	set_up();
	before = machine_cache_info(kdata->kmem_cache);
	assert_ptr_equal(machine_cache(&f.m, 256, 0, 0), f.s); /* an alias */
	fill_slabs(3);
	f.m.slab->free_bulk(f.s, f.nr, f.objects);
	f.m.slab->cache_destroy(f.s);
	assert_int_equal(f.s->refcount, 1);
	f.m.slab->cache_destroy(f.s);
	after = machine_cache_info(kdata->kmem_cache);
	assert_int_equal(after.inuse, before.inuse - 1);
	assert_int_equal(machine_cache_info(kdata->kmem_cache_node).inuse, after.inuse);
	tear_down();
}

static void a_cache_with_objects_survives_its_destruction(void **state)
{
	set_up();
	alloc_one();
	f.m.slab->cache_destroy(f.s);
	assert_int_equal(machine_cache_info(f.s).inuse, 1);
	tear_down();
}

/* ---- two nodes ---- */

static u32 node_of(const void *p)
{
	return (u32)(machine_slab_of(p)->flags >> PAGE_NODE_SHIFT);
}

static void objects_come_from_the_node_asked_for(void **state)
{
	void *local, *remote;

	set_up_cpus(4, 2, NULL, 256);
	local = alloc_one();
	assert_int_equal(node_of(local), 0);
	remote = f.m.slab->cache_alloc(f.s, GFP_KERNEL, 1);
	assert_int_equal(node_of(remote), 1);
	/* the local CPU slab was put away for it */
	assert_ptr_equal(list_first_entry(&f.s->node[0]->partial, struct page, lru),
			 machine_slab_of(local));
	rt_enter_cpu(3);
	assert_int_equal(node_of(alloc_one()), 1);
	tear_down();
}

/* Another node's partial slabs are used only if it has more than min_partial (5) of them. */
static void other_nodes_slabs_are_used_when_there_are_many(void **state)
{
	for (u32 slabs = 5; slabs <= 6; slabs++) {
		set_up_cpus(4, 2, NULL, 256);
		fill_slabs(slabs + 1);
		for (u32 i = 0; i < slabs; i++)
			free_one(object(i, 0));
		f.m.slab->cache_shrink(f.s);
		assert_int_equal(f.n->nr_partial, slabs);
		rt_enter_cpu(2);
		assert_int_equal(node_of(alloc_one()), slabs == 5 ? 1 : 0);
		tear_down();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk_allocation_follows_the_freelist),
		cmocka_unit_test(bulk_free_reverses_the_detached_list),
		cmocka_unit_test(bulk_free_looks_ahead_over_other_slabs),
		cmocka_unit_test(the_look_ahead_ends_after_three),
		cmocka_unit_test(kfree_bulk_takes_objects_of_any_cache),
		cmocka_unit_test(out_of_memory_is_null_and_loses_nothing),
		cmocka_unit_test(destroying_gives_everything_back),
		cmocka_unit_test(a_cache_with_objects_survives_its_destruction),
		cmocka_unit_test(objects_come_from_the_node_asked_for),
		cmocka_unit_test(other_nodes_slabs_are_used_when_there_are_many),
	};

	return cmocka_run_group_tests_name("slub_bulk", tests, NULL, NULL);
}
