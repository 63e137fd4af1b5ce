/*
 * SLUB of other kernel versions: order calculation, the free pointer's place,
 * the limit of a CPU's partial chain.
 */
#include "tests/unit/slub_machine.h"

static struct machine m;

static struct kmem_cache *start(const struct mm_params *params, u32 size)
{
	m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, params);
	return machine_cache(&m, size, 0, 0);
}

/*
 * Two objects of 12000 bytes in 32 KiB waste 8768, more than a quarter: 6.1
 * goes down to one object in 16 KiB, 6.8 accepts up to half.
 */
static void order_rather_wastes_since_6_8(void **state)
{
	struct mm_params params = machine_default_params();
	struct kmem_cache *s = start(&params, 12000);

	assert_int_equal(oo_order(s->oo), 2);
	assert_int_equal(oo_objects(s->oo), 1);
	machine_off();
	params.slab_order_calculation = SLAB_ORDER_6_8;
	s = start(&params, 12000);
	assert_int_equal(oo_order(s->oo), 3);
	assert_int_equal(oo_objects(s->oo), 2);
	machine_off();
}

/* Where little is wasted, both agree. */
static void common_sizes_keep_their_order(void **state)
{
	static const u32 rows[][3] = { { 64, 0, 64 }, { 184, 0, 22 }, { 632, 2, 25 }, { 1024, 1, 8 },
				       { 2176, 3, 15 }, { 8192, 3, 4 } };
	struct mm_params params = machine_default_params();

	params.slab_order_calculation = SLAB_ORDER_6_8;
	params.slab_nomerge = true;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kmem_cache *s = start(&params, rows[i][0]);

		assert_int_equal(oo_order(s->oo), rows[i][1]);
		assert_int_equal(oo_objects(s->oo), rows[i][2]);
		machine_off();
	}
	start(&params, 100000); /* larger than any slab of the usual orders */
	machine_off();
}

static void free_pointer_was_at_the_start(void **state)
{
	struct mm_params params = machine_default_params();
	struct kmem_cache *s;
	void *first, *second;

	params.slub_free_pointer = FREE_POINTER_START;
	s = start(&params, 200);
	assert_int_equal(s->offset, 0);
	first = m.slab->cache_alloc(s, GFP_KERNEL, -1);
	second = m.slab->cache_alloc(s, GFP_KERNEL, -1);
	m.slab->cache_free(s, first);
	m.slab->cache_free(s, second);
	assert_ptr_equal(*(void **)second, first);
	machine_check_slabs();
	machine_off();
}

/* One object is freed in each of many full slabs: how many slabs make the chain overflow? */
static u32 slabs_until_overflow(struct kmem_cache *s)
{
	struct kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, 0);
	u32 per_slab = oo_objects(s->oo), chain = 0;
	static void *object[40 * 64];

	for (u32 i = 0; i < 40 * per_slab; i++)
		object[i] = m.slab->cache_alloc(s, GFP_KERNEL, -1);
	for (u32 i = 0; i < 40; i++) {
		m.slab->cache_free(s, object[i * per_slab]);
		if (c->partial->slabs <= (s32)chain)
			return chain;
		chain = (u32)c->partial->slabs;
	}
	return 0;
}

/* 512 bytes, eight to a slab: 13 slabs (52 objects, half full); 13 free objects, looked at first. */
static void chains_are_limited_by_slabs_or_objects(void **state)
{
	struct mm_params params = machine_default_params();
	struct kmem_cache *s = start(&params, 512);

	assert_int_equal(s->cpu_partial_slabs, 13);
	assert_int_equal(slabs_until_overflow(s), 13);
	machine_check_slabs();
	machine_off();
	params.slub_cpu_partial_limit = CPU_PARTIAL_OBJECTS;
	s = start(&params, 512);
	assert_int_equal(s->cpu_partial, 13);
	assert_int_equal(slabs_until_overflow(s), 14);
	machine_check_slabs();
	machine_off();
}

static void limits_in_objects_by_size(void **state)
{
	static const u32 rows[][2] = { { 248, 30 }, { 256, 13 }, { 1016, 13 }, { 1024, 6 }, { 4096, 2 } };
	struct mm_params params = machine_default_params();

	params.slub_cpu_partial_limit = CPU_PARTIAL_OBJECTS;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(start(&params, rows[i][0])->cpu_partial, rows[i][1]);
		machine_off();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_rather_wastes_since_6_8),
		cmocka_unit_test(common_sizes_keep_their_order),
		cmocka_unit_test(free_pointer_was_at_the_start),
		cmocka_unit_test(chains_are_limited_by_slabs_or_objects),
		cmocka_unit_test(limits_in_objects_by_size),
	};

	return cmocka_run_group_tests_name("slub_versions", tests, NULL, NULL);
}
