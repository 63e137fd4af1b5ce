/*
 * The policy without slab caches: what it takes, and that it gives it back.
 */
#include "tests/unit/slub_machine.h"

static u64 free_pages(void)
{
	s64 n = 0;

	for (u32 i = 0; i < MAX_NR_ZONES; i++)
		n += kdata->node_data[0]->node_zones[i].vm_stat[NR_FREE_PAGES];
	return (u64)n;
}

static void every_object_is_whole_pages(void **state)
{
	struct machine m = machine_boot(&mm_ops_plain, "noslab", 1, 1, 16, NULL);
	static const struct {
		u32 size, pages;
	} rows[] = { { 1, 1 }, { 64, 1 }, { 4096, 1 }, { 4097, 2 }, { 20000, 8 } };

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		void *p = m.slab->kmalloc(rows[i].size, GFP_KERNEL, MACHINE_NO_NODE);

		assert_int_equal((u64)p % (rows[i].pages * 4096), 0);
		assert_int_equal(m.slab->ksize(p), rows[i].pages * 4096);
		m.slab->kfree(p);
	}
	assert_ptr_equal(m.slab->kmalloc(0, GFP_KERNEL, MACHINE_NO_NODE), ZERO_SIZE_PTR);
	m.slab->kfree(ZERO_SIZE_PTR);
	assert_null(m.slab->kmalloc((4u << 20) + 1, GFP_KERNEL, MACHINE_NO_NODE));
	machine_off();
}

static void caches_are_descriptors_that_count_their_objects(void **state)
{
	struct machine m = machine_boot(&mm_ops_plain, "noslab", 2, 1, 16, NULL);
	struct kmem_cache *s = machine_cache(&m, 200, 0, SLAB_HWCACHE_ALIGN);
	struct kmem_cache *t = machine_cache(&m, 9000, 0, 0);
	struct mm_cache_info infos[4];
	void *p[10];

	assert_ptr_not_equal(machine_cache(&m, 200, 0, SLAB_HWCACHE_ALIGN), s); /* nothing is merged */
	assert_int_equal((u64)s % 4096, 0);
	assert_int_equal(m.slab->cache_alloc_bulk(s, GFP_KERNEL, 10, p), 10);
	for (u32 i = 0; i < 10; i++)
		assert_int_equal((u64)p[i] % 4096, 0);
	rt_enter_cpu(1); /* freed by another CPU than allocated */
	m.slab->free_bulk(s, 7, p);
	assert_int_equal(mm_inspect_caches(infos, 4), 3);
	assert_ptr_equal(infos[0].cache, s);
	assert_ptr_equal(infos[1].cache, t);
	assert_int_equal(infos[0].inuse, 3);
	assert_int_equal(infos[0].slab_pages, 3);
	assert_int_equal(infos[0].objects_per_slab, 1);
	assert_int_equal(infos[0].flags, SLAB_HWCACHE_ALIGN);
	assert_int_equal(infos[1].size, 16384);
	assert_int_equal(infos[1].inuse, 0);
	machine_check_slabs();
	machine_off();
}

static void zeroed_objects_are_zero(void **state)
{
	struct machine m = machine_boot(&mm_ops_plain, "noslab", 1, 1, 16, NULL);
	u8 *p = m.slab->kmalloc(100, GFP_KERNEL, MACHINE_NO_NODE), *q;

	memset(p, 0x55, 4096);
	m.slab->kfree(p);
	q = m.slab->kmalloc(100, GFP_KERNEL | __GFP_ZERO, MACHINE_NO_NODE);
	assert_ptr_equal(p, q);
	for (u32 i = 0; i < 100; i++)
		assert_int_equal(q[i], 0);
	machine_off();
}

static void everything_comes_back(void **state)
{
	struct machine m = machine_boot(&mm_ops_plain, "noslab", 1, 1, 16, NULL);
	struct kmem_cache *s;
	void *p[100];
	u64 before, during;

	m.mm->drain_all_pages();
	m.mm->refresh_cpu_vm_stats();
	before = free_pages();
	s = machine_cache(&m, 64, 0, 0);
	assert_int_equal(m.slab->cache_alloc_bulk(s, GFP_KERNEL, 100, p), 100);
	m.mm->drain_all_pages();
	m.mm->refresh_cpu_vm_stats();
	during = free_pages();
	assert_int_equal(before - during, 101); /* one for the descriptor */
	m.slab->free_bulk(s, 100, p);
	m.slab->cache_destroy(s);
	m.mm->drain_all_pages();
	m.mm->refresh_cpu_vm_stats();
	assert_int_equal(free_pages(), before);
	machine_off();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_object_is_whole_pages),
		cmocka_unit_test(caches_are_descriptors_that_count_their_objects),
		cmocka_unit_test(zeroed_objects_are_zero),
		cmocka_unit_test(everything_comes_back),
	};

	return cmocka_run_group_tests_name("slub_noslab", tests, NULL, NULL);
}
