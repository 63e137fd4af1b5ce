/*
 * Geometry of slab caches: sizes, alignment, orders, limits, merging.
 * Expectations are the tables of the kernel's behaviour, worked out by hand.
 */
#include "tests/unit/slub_machine.h"

static const u32 cpu_counts[] = { 1, 2, 4, 8, 16, 64 };

struct order_row {
	u32 size;
	struct {
		u32 order, objects;
	} at[6]; /* by cpu_counts */
};

static const struct order_row order_rows[] = {
	{ 8, { { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 } } },
	{ 96, { { 0, 42 }, { 0, 42 }, { 0, 42 }, { 0, 42 }, { 0, 42 }, { 0, 42 } } },
	{ 184, { { 0, 22 }, { 0, 22 }, { 0, 22 }, { 0, 22 }, { 1, 44 }, { 1, 44 } } },
	{ 192, { { 0, 21 }, { 0, 21 }, { 0, 21 }, { 0, 21 }, { 1, 42 }, { 1, 42 } } },
	{ 208, { { 0, 19 }, { 0, 19 }, { 0, 19 }, { 1, 39 }, { 1, 39 }, { 1, 39 } } },
	{ 256, { { 0, 16 }, { 0, 16 }, { 0, 16 }, { 1, 32 }, { 1, 32 }, { 1, 32 } } },
	{ 264, { { 0, 15 }, { 0, 15 }, { 1, 31 }, { 1, 31 }, { 1, 31 }, { 2, 62 } } },
	{ 384, { { 0, 10 }, { 1, 21 }, { 1, 21 }, { 1, 21 }, { 2, 42 }, { 2, 42 } } },
	{ 512, { { 0, 8 }, { 1, 16 }, { 1, 16 }, { 2, 32 }, { 2, 32 }, { 2, 32 } } },
	{ 576, { { 1, 14 }, { 1, 14 }, { 2, 28 }, { 2, 28 }, { 2, 28 }, { 3, 56 } } },
	{ 632, { { 2, 25 }, { 2, 25 }, { 2, 25 }, { 2, 25 }, { 2, 25 }, { 3, 51 } } },
	{ 704, { { 1, 11 }, { 2, 23 }, { 2, 23 }, { 2, 23 }, { 3, 46 }, { 3, 46 } } },
	{ 832, { { 2, 19 }, { 2, 19 }, { 2, 19 }, { 3, 39 }, { 3, 39 }, { 3, 39 } } },
	{ 1024, { { 1, 8 }, { 2, 16 }, { 2, 16 }, { 3, 32 }, { 3, 32 }, { 3, 32 } } },
	{ 1088, { { 2, 15 }, { 2, 15 }, { 3, 30 }, { 3, 30 }, { 3, 30 }, { 3, 30 } } },
	{ 1472, { { 2, 11 }, { 3, 22 }, { 3, 22 }, { 3, 22 }, { 3, 22 }, { 3, 22 } } },
	{ 2048, { { 2, 8 }, { 3, 16 }, { 3, 16 }, { 3, 16 }, { 3, 16 }, { 3, 16 } } },
	{ 2176, { { 3, 15 }, { 3, 15 }, { 3, 15 }, { 3, 15 }, { 3, 15 }, { 3, 15 } } },
	{ 3328, { { 3, 9 }, { 3, 9 }, { 3, 9 }, { 3, 9 }, { 3, 9 }, { 3, 9 } } },
	{ 8192, { { 3, 4 }, { 3, 4 }, { 3, 4 }, { 3, 4 }, { 3, 4 }, { 3, 4 } } },
	{ 12288, { { 3, 2 }, { 3, 2 }, { 3, 2 }, { 3, 2 }, { 3, 2 }, { 3, 2 } } },
};

static void orders_follow_the_number_of_cpus(void **state)
{
	struct mm_params params = machine_default_params();

	params.slab_nomerge = true;
	for (u32 c = 0; c < ARRAY_SIZE(cpu_counts); c++) {
		struct machine m = machine_boot(&mm_ops_plain, "slub", cpu_counts[c], 1, 16, &params);

		for (u32 i = 0; i < ARRAY_SIZE(order_rows); i++) {
			const struct order_row *row = &order_rows[i];
			struct mm_cache_info info = machine_cache_info(machine_cache(&m, row->size, 0, 0));

			assert_int_equal(info.order, row->at[c].order);
			assert_int_equal(info.objects_per_slab, row->at[c].objects);
		}
		machine_off();
	}
}

static const struct {
	u32 size, min_partial, cpu_partial, cpu_partial_slabs; /* one CPU */
} kmalloc_rows[] = {
	{ 8, 5, 120, 1 },    { 16, 5, 120, 1 },	  { 32, 5, 120, 2 },   { 64, 5, 120, 4 },
	{ 96, 5, 120, 6 },   { 128, 5, 120, 8 },  { 192, 5, 120, 12 }, { 256, 5, 52, 7 },
	{ 512, 5, 52, 13 },  { 1024, 5, 24, 6 },  { 2048, 5, 24, 6 },  { 4096, 6, 6, 2 },
	{ 8192, 6, 6, 3 },
};

/* Boot order: the two caches of the layer itself, then by type 8..8192 with 96 and 192 in place. */
static void boot_creates_the_kmalloc_caches_in_order(void **state)
{
	static const char *const prefix[] = { "kmalloc-", "kmalloc-rcl-", "dma-kmalloc-" };
	struct machine m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, NULL);
	struct mm_cache_info infos[64];

	assert_int_equal(mm_inspect_caches(infos, 64), 2 + 3 * 13);
	assert_string_equal(mm_boot_cache_name(infos[0].name), "kmem_cache");
	assert_string_equal(mm_boot_cache_name(infos[1].name), "kmem_cache_node");
	assert_int_equal(infos[0].object_size, 208);
	assert_int_equal(infos[0].size, 256);
	assert_int_equal(infos[1].size, 64);
	for (u32 i = 0; i < 3 * 13; i++) {
		const struct mm_cache_info *info = &infos[2 + i];
		const char *name = mm_boot_cache_name(info->name);

		assert_true(info->boot_cache);
		assert_int_equal(strncmp(name, prefix[i / 13], strlen(prefix[i / 13])), 0);
		assert_int_equal(info->object_size, kmalloc_rows[i % 13].size);
		assert_int_equal(info->size, kmalloc_rows[i % 13].size);
		assert_int_equal(info->min_partial, kmalloc_rows[i % 13].min_partial);
		assert_int_equal(info->cpu_partial, kmalloc_rows[i % 13].cpu_partial);
		assert_int_equal(info->cpu_partial_slabs, kmalloc_rows[i % 13].cpu_partial_slabs);
	}
	assert_null(mm_boot_cache_name(NR_BOOT_NAMES));
	machine_check_slabs();
	(void)m;
	machine_off();
}

static void sizes_and_free_pointer_offsets(void **state)
{
	static const struct {
		u32 object_size, flags, size, align, offset;
		bool ctor;
	} rows[] = {
		{ 8, 0, 8, 8, 0, false },
		{ 20, 0, 24, 8, 8, false },
		{ 104, 0, 104, 8, 48, false },
		{ 192, SLAB_RECLAIM_ACCOUNT, 200, 8, 192, true },
		{ 136, SLAB_HWCACHE_ALIGN, 192, 64, 64, false },
		{ 24, SLAB_HWCACHE_ALIGN, 32, 32, 8, false },
		{ 2080, SLAB_HWCACHE_ALIGN | SLAB_TYPESAFE_BY_RCU, 2112, 64, 2080, true },
		{ 96, SLAB_TYPESAFE_BY_RCU, 104, 8, 96, false },
	};
	struct mm_params params = machine_default_params();
	struct machine m;

	params.slab_nomerge = true;
	m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, &params);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kmem_cache_args args = { .size = rows[i].object_size, .flags = rows[i].flags,
						.ctor = rows[i].ctor };
		struct kmem_cache *s = m.slab->cache_create(&args);

		assert_int_equal(s->size, rows[i].size);
		assert_int_equal(s->align, rows[i].align);
		assert_int_equal(s->offset, rows[i].offset);
		assert_int_equal(s->inuse, ALIGN(rows[i].object_size, 8));
	}
	machine_off();
}

/* ---- merging ---- */

static struct kmem_cache *create(struct machine *m, struct kmem_cache_args args)
{
	return m->slab->cache_create(&args);
}

static void equal_shapes_are_merged_into_the_oldest(void **state)
{
	struct machine m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, NULL);
	struct kmem_cache *a = create(&m, (struct kmem_cache_args){ .size = 256, .align = 256 });
	struct kmem_cache *hw = create(&m, (struct kmem_cache_args){ .size = 200, .flags = SLAB_HWCACHE_ALIGN });
	struct kmem_cache *b = create(&m, (struct kmem_cache_args){ .size = 56 });

	assert_ptr_equal(hw, a); /* 200 rounds up to 256 at 64-byte alignment */
	assert_int_equal(a->refcount, 2);
	assert_int_equal(a->object_size, 256);
	/* 49 bytes round up to the same stride; the object's length grows, not the stride */
	assert_ptr_equal(create(&m, (struct kmem_cache_args){ .size = 49 }), b);
	assert_int_equal(b->object_size, 56);
	/* a whole word less than the stride is too much waste */
	assert_ptr_not_equal(create(&m, (struct kmem_cache_args){ .size = 48 }), b);
	/* stride 56 is no multiple of 16 */
	assert_ptr_not_equal(create(&m, (struct kmem_cache_args){ .size = 56, .align = 16 }), b);
	machine_off();
}

static void aliases_lengthen_the_object(void **state)
{
	struct machine m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, NULL);
	struct kmem_cache *s = create(&m, (struct kmem_cache_args){ .size = 112, .align = 8,
								     .flags = SLAB_HWCACHE_ALIGN });

	assert_int_equal(s->size, 128);
	assert_int_equal(s->offset, 56);
	assert_ptr_equal(create(&m, (struct kmem_cache_args){ .size = 128 }), s);
	assert_int_equal(s->object_size, 128);
	assert_int_equal(s->inuse, 128);
	assert_int_equal(s->offset, 56);
	machine_off();
}

static void some_caches_are_never_merged(void **state)
{
	struct machine m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, NULL);
	struct kmem_cache *plain = create(&m, (struct kmem_cache_args){ .size = 64 });
	static const struct kmem_cache_args different[] = {
		{ .size = 64, .ctor = 1 },
		{ .size = 64, .flags = SLAB_TYPESAFE_BY_RCU },
		{ .size = 64, .flags = SLAB_RECLAIM_ACCOUNT },
		{ .size = 64, .flags = SLAB_ACCOUNT },
		{ .size = 64, .usersize = 8 },
		{ .size = 64, .flags = SLAB_NOLEAKTRACE },
	};

	/* not into kmalloc-64 either, which is older: kmalloc caches are open to user copies */
	assert_false(plain->flags & SLAB_KMALLOC);
	for (u32 i = 0; i < ARRAY_SIZE(different); i++) {
		struct kmem_cache *s = create(&m, different[i]);

		assert_ptr_not_equal(s, plain);
		assert_int_equal(s->refcount, 1);
	}
	assert_int_equal(plain->refcount, 1);
	machine_off();
}

static void an_impossible_cache_is_refused(void **state)
{
	struct machine m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, NULL);
	struct kmem_cache_args args = { .size = 5u << 20 };

	assert_null(m.slab->cache_create(&args));
	machine_check_slabs();
	machine_off();
}

/* ---- kmalloc ---- */

static void kmalloc_sizes_go_to_their_classes(void **state)
{
	static const struct {
		u32 size, class;
	} rows[] = { { 1, 8 },	   { 8, 8 },	 { 9, 16 },    { 24, 32 },     { 33, 64 },   { 64, 64 },
		     { 65, 96 },   { 96, 96 },	 { 97, 128 },  { 129, 192 },   { 192, 192 }, { 193, 256 },
		     { 257, 512 }, { 1000, 1024 }, { 4097, 8192 }, { 8192, 8192 }, { 8193, 16384 },
		     { 20000, 32768 }, { 4194304, 4194304 } };
	struct machine m = machine_boot(&mm_ops_plain, "slub", 1, 1, 32, NULL);

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		void *object = m.slab->kmalloc(rows[i].size, GFP_KERNEL, MACHINE_NO_NODE);

		assert_non_null(object);
		assert_int_equal(m.slab->ksize(object), rows[i].class);
		if (!(rows[i].class & (rows[i].class - 1)))
			assert_int_equal((u64)object % min(rows[i].class, 4096u), 0);
		m.slab->kfree(object);
	}
	assert_ptr_equal(m.slab->kmalloc(0, GFP_KERNEL, MACHINE_NO_NODE), ZERO_SIZE_PTR);
	m.slab->kfree(ZERO_SIZE_PTR);
	m.slab->kfree(NULL);
	assert_null(m.slab->kmalloc(4194305, GFP_KERNEL, MACHINE_NO_NODE));
	machine_check_slabs();
	machine_off();
}

static void kmalloc_types_follow_the_flags(void **state)
{
	static const struct {
		u32 gfp;
		const char *name;
	} rows[] = { { GFP_KERNEL, "kmalloc-64" }, { GFP_KERNEL | __GFP_ACCOUNT, "kmalloc-64" },
		     { GFP_KERNEL | __GFP_RECLAIMABLE, "kmalloc-rcl-64" },
		     { GFP_KERNEL | __GFP_DMA | __GFP_RECLAIMABLE, "dma-kmalloc-64" } };
	struct machine m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, NULL);

	for (u32 i = 0; i < 3; i++) { /* the machine's DMA zone has no free memory */
		void *object = m.slab->kmalloc(64, rows[i].gfp, MACHINE_NO_NODE);
		const struct kmem_cache *s = machine_slab_of(object)->slab_cache;

		assert_string_equal(mm_boot_cache_name(s->name & ~BOOT_NAME), rows[i].name);
		m.slab->kfree(object);
	}
	assert_null(m.slab->kmalloc(64, rows[3].gfp, MACHINE_NO_NODE));
	machine_off();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_follow_the_number_of_cpus),
		cmocka_unit_test(boot_creates_the_kmalloc_caches_in_order),
		cmocka_unit_test(sizes_and_free_pointer_offsets),
		cmocka_unit_test(equal_shapes_are_merged_into_the_oldest),
		cmocka_unit_test(aliases_lengthen_the_object),
		cmocka_unit_test(some_caches_are_never_merged),
		cmocka_unit_test(an_impossible_cache_is_refused),
		cmocka_unit_test(kmalloc_sizes_go_to_their_classes),
		cmocka_unit_test(kmalloc_types_follow_the_flags),
	};

	return cmocka_run_group_tests_name("slub_geometry", tests, NULL, NULL);
}
