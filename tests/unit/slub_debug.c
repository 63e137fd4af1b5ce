/*
 * Slab caches with debug options: the room an object takes, worked out by
 * hand, and the way every operation goes; krealloc().
 */
#include "tests/unit/slub_machine.h"

#define RED SLAB_RED_ZONE
#define POISON SLAB_POISON
#define USER SLAB_STORE_USER
#define LINE SLAB_HWCACHE_ALIGN

static const struct {
	u32 object_size, flags, ctor;
	u32 inuse, offset, pad, size;
} layouts[] = {
	{ 328, LINE, 0, 328, 160, 0, 384 },
	/* 328, red zone 8; free pointer 8; red zone 8; 64 to the left: 416, rounded to lines */
	{ 328, RED | POISON | LINE, 0, 336, 336, 64, 448 },
	{ 328, RED | POISON | USER | LINE, 0, 336, 336, 64, 512 }, /* 416 + 64 = 480 */
	{ 328, RED, 0, 336, 160, 8, 352 },
	{ 325, RED, 0, 328, 160, 8, 344 }, /* three bytes of rounding are red zone enough */
	{ 64, POISON, 0, 64, 64, 0, 72 },
	{ 64, USER, 0, 64, 32, 0, 128 },
	{ 64, USER | SLAB_KMALLOC, 0, 64, 32, 0, 136 }, /* and the size asked for: 132, rounded */
	{ 64, SLAB_CONSISTENCY_CHECKS, 0, 64, 32, 0, 64 },
	{ 64, RED, 1, 72, 72, 8, 96 },
	{ 64, SLAB_TYPESAFE_BY_RCU | RED, 0, 72, 72, 8, 96 },
	{ 4, RED, 0, 8, 8, 8, 32 }, /* too small to hold the free pointer */
	{ 8, RED, 0, 16, 0, 8, 32 },
};

static void objects_take_the_room_of_their_options(void **state)
{
	struct mm_params params = machine_default_params();
	struct machine m;

	params.slab_nomerge = true;
	m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, &params);
	for (u32 i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct kmem_cache_args args = { .name = i, .size = layouts[i].object_size,
						.flags = layouts[i].flags, .ctor = layouts[i].ctor };
		const struct kmem_cache *s = m.slab->cache_create(&args);

		if (s->inuse != layouts[i].inuse || s->offset != layouts[i].offset ||
		    s->red_left_pad != layouts[i].pad || s->size != layouts[i].size)
			fail_msg("row %u: inuse %u offset %u pad %u size %u", i, s->inuse, s->offset,
				 s->red_left_pad, s->size);
	}
	machine_off();
}

static struct machine m;

static struct kmem_cache *start(u32 size, u32 flags)
{
	m = machine_boot(&mm_ops_plain, "slub", 2, 1, 16, NULL);
	return machine_cache(&m, size, 0, flags);
}

static void *take(struct kmem_cache *s)
{
	void *object = m.slab->cache_alloc(s, GFP_KERNEL, -1);

	assert_non_null(object);
	return object;
}

/* 448 bytes each, 18 to a slab of two pages, the first behind its left red zone. */
static void slabs_belong_to_no_cpu(void **state)
{
	struct kmem_cache *s = start(328, RED | POISON | LINE);
	const struct kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, 0);
	void *object[19];
	u64 base;

	assert_int_equal(s->cpu_partial, 0);
	assert_int_equal(s->cpu_partial_slabs, 0);
	for (u32 i = 0; i < 18; i++) {
		object[i] = take(s);
		assert_null(c->slab);
		assert_null(c->freelist);
	}
	base = (u64)page_address(machine_slab_of(object[0]));
	for (u32 i = 0; i < 18; i++)
		assert_int_equal((u64)object[i] - base, 64 + 448 * i);
	assert_int_equal(s->node[0]->nr_partial, 0); /* full, and on no list */
	assert_int_equal(s->node[0]->nr_slabs, 1);
	object[18] = take(s);
	assert_int_equal(s->node[0]->nr_partial, 1);
	assert_int_equal(s->node[0]->nr_slabs, 2);
	m.slab->cache_free(s, object[4]);
	assert_null(c->partial);
	assert_int_equal(s->node[0]->nr_partial, 2);
	/* the slab that was full goes to the tail: the other one serves first */
	assert_ptr_equal(machine_slab_of(take(s)), machine_slab_of(object[18]));
	machine_check_slabs();
	machine_off();
}

/* With tracked users full slabs are listed, too. */
static void full_slabs_are_listed(void **state)
{
	struct kmem_cache *s = start(512, USER); /* 576: 7 in a page, 14 in two */
	u32 n = oo_objects(s->oo);
	void *object[64];

	for (u32 i = 0; i < n; i++)
		object[i] = take(s);
	assert_int_equal(s->node[0]->nr_partial, 0);
	assert_ptr_equal(s->node[0]->full.next, &machine_slab_of(object[0])->lru);
	m.slab->cache_free(s, object[0]);
	assert_ptr_equal(s->node[0]->full.next, &s->node[0]->full);
	assert_int_equal(s->node[0]->nr_partial, 1);
	machine_check_slabs();
	machine_off();
}

/* Five are enough for a node, the one just emptied among them: it goes back, four stay. */
static void empty_slabs_beyond_the_minimum_go_back(void **state)
{
	struct kmem_cache *s = start(2000, RED | POISON);
	u32 n = oo_objects(s->oo) * 7;
	void *object[256];

	assert_true(n <= ARRAY_SIZE(object));
	for (u32 i = 0; i < n; i++)
		object[i] = take(s);
	for (u32 i = 0; i < n; i++)
		m.slab->cache_free(s, object[i]);
	assert_int_equal(s->node[0]->nr_partial, 4);
	assert_int_equal(s->node[0]->nr_slabs, 4);
	m.slab->cache_destroy(s);
	machine_check_slabs();
	machine_off();
}

static void bulk_calls_work(void **state)
{
	struct kmem_cache *s = start(100, RED | USER);
	void *object[40];

	assert_int_equal(m.slab->cache_alloc_bulk(s, GFP_KERNEL, 40, object), 40);
	assert_int_equal(machine_cache_info(s).inuse, 40);
	m.slab->free_bulk(s, 40, object);
	assert_int_equal(machine_cache_info(s).inuse, 0);
	machine_check_slabs();
	machine_off();
}

static void debug_caches_are_not_merged(void **state)
{
	static const u32 flags[] = { RED, POISON, USER };
	struct kmem_cache *plain = start(200, 0);

	assert_ptr_equal(machine_cache(&m, 200, 0, 0), plain);
	for (u32 i = 0; i < ARRAY_SIZE(flags); i++) {
		struct kmem_cache *s = machine_cache(&m, 200, 0, flags[i]);

		assert_ptr_not_equal(s, plain);
		assert_ptr_not_equal(machine_cache(&m, 200, 0, flags[i]), s);
	}
	machine_off();
}

/* The owner may use what no option guards. */
static void ksize_by_options(void **state)
{
	static const struct {
		u32 flags, usable;
	} rows[] = { { 0, 104 }, { RED, 100 }, { POISON, 100 }, { RED | USER, 100 },
		     { USER, 104 }, { SLAB_TYPESAFE_BY_RCU, 104 } };
	struct mm_params params = machine_default_params();

	params.slab_nomerge = true;
	m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, &params);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(m.slab->ksize(take(machine_cache(&m, 100, 0, rows[i].flags))),
				 rows[i].usable);
	machine_off();
}

/* ---- krealloc ---- */

static bool filled(const u8 *p, u8 byte, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (p[i] != byte)
			return false;
	return true;
}

static void check_krealloc(const char *policy, u32 first, u32 fits, u32 grows)
{
	u8 *object, *moved;

	m = machine_boot(&mm_ops_plain, policy, 1, 1, 16, NULL);
	object = m.slab->krealloc(NULL, first, GFP_KERNEL);
	assert_non_null(object);
	memset(object, 0x5a, fits);
	assert_ptr_equal(m.slab->krealloc(object, fits, GFP_KERNEL), object);
	assert_ptr_equal(m.slab->krealloc(object, 1, GFP_KERNEL), object);
	moved = m.slab->krealloc(object, grows, GFP_KERNEL);
	assert_ptr_not_equal(moved, object);
	assert_true(filled(moved, 0x5a, fits));
	assert_true(m.slab->ksize(moved) >= grows);
	assert_ptr_equal(m.slab->krealloc(moved, 0, GFP_KERNEL), ZERO_SIZE_PTR);
	assert_non_null(m.slab->krealloc(ZERO_SIZE_PTR, 8, GFP_KERNEL));
	machine_off();
}

static void krealloc_stays_where_it_fits(void **state)
{
	check_krealloc("slub", 40, 64, 65);
	check_krealloc("slub", 5000, 8192, 8193);
	check_krealloc("slub", 9000, 16384, 16385);
	check_krealloc("noslab", 40, 4096, 4097);
	check_krealloc("slab", 40, 64, 65);
	check_krealloc("slab", 9000, 16384, 16385);
	check_krealloc("slob", 40, 40, 41);
	check_krealloc("slob", 5000, 8192, 8193);
}

static void krealloc_leaves_the_object_when_memory_is_out(void **state)
{
	u8 *object;

	m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, NULL);
	object = m.slab->kmalloc(100, GFP_KERNEL, -1);
	memset(object, 0x77, 100);
	assert_null(m.slab->krealloc(object, 32ul << 20, GFP_KERNEL));
	assert_true(filled(object, 0x77, 100));
	m.slab->kfree(object);
	machine_check_slabs();
	machine_off();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_take_the_room_of_their_options),
		cmocka_unit_test(slabs_belong_to_no_cpu),
		cmocka_unit_test(full_slabs_are_listed),
		cmocka_unit_test(empty_slabs_beyond_the_minimum_go_back),
		cmocka_unit_test(bulk_calls_work),
		cmocka_unit_test(debug_caches_are_not_merged),
		cmocka_unit_test(ksize_by_options),
		cmocka_unit_test(krealloc_stays_where_it_fits),
		cmocka_unit_test(krealloc_leaves_the_object_when_memory_is_out),
	};

	return cmocka_run_group_tests_name("slub_debug", tests, NULL, NULL);
}
