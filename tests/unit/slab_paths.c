/*
 * SLAB's ways of serving requests, object by object. Expectations are worked
 * out by hand from array limits (120/60/8 up to 256 bytes, 54/27 up to 1 KiB)
 * and the order in which index stacks and arrays hand out objects.
 */
#include "models/mm/page_internal.h"
#include "models/mm/slab.h"
#include "tests/unit/slub_machine.h"

#define SECOND 1000000000ull

static struct machine m;

static struct slab_cache *new_cache(u32 size, u32 flags)
{
	return to_slab_cache(machine_cache(&m, size, 8, flags));
}

static void boot(u32 cpus, u32 nodes)
{
	struct mm_params params = machine_default_params();

	params.slab_nomerge = true;
	m = machine_boot(&mm_ops_plain, "slab", cpus, nodes, 64, &params);
}

static struct array_cache *array_of(const struct slab_cache *s, u32 cpu)
{
	return per_cpu_ptr(s->cpu_cache, cpu);
}

static char *take(struct slab_cache *s)
{
	char *object = m.slab->cache_alloc(to_kmem_cache(s), GFP_KERNEL, -1);

	assert_non_null(object);
	return object;
}

static void give(struct slab_cache *s, void *object)
{
	m.slab->cache_free(to_kmem_cache(s), object);
}

/* An idle array gets 16 objects, a used one a batch; each is popped from the end. */
static void objects_come_in_descending_order(void **state)
{
	struct slab_cache *s;
	char *base, *object;

	boot(1, 1);
	s = new_cache(64, 0); /* 64 in a slab */
	object = take(s);
	base = page_address(virt_to_head_page(object));
	assert_ptr_equal(object, base + 15 * 64);
	for (int i = 14; i >= 0; i--)
		assert_ptr_equal(take(s), base + i * 64);
	/* 48 are left in the slab; a batch would be 60, but no other slab has any */
	assert_ptr_equal(take(s), base + 63 * 64);
	assert_int_equal(array_of(s, 0)->avail, 47);
	for (int i = 62; i >= 16; i--)
		assert_ptr_equal(take(s), base + i * 64);
	assert_null(virt_to_page(base)->freelist); /* the last object was the index array's place */
	object = take(s);			   /* a new slab: 60 of 64 */
	assert_ptr_equal(object, (char *)page_address(virt_to_head_page(object)) + 59 * 64);
	machine_check_slabs();
	machine_off();
}

/* 704 bytes: 11 in two pages, 448 bytes left, 7 colours: 1, 2, ... 6, 0, 1. */
static void slabs_are_coloured(void **state)
{
	static const u32 colours[] = { 1, 2, 3, 4, 5, 6, 0, 1 };
	struct slab_cache *s;

	boot(1, 1);
	s = new_cache(704, 0);
	assert_int_equal(s->colour, 7);
	for (u32 i = 0; i < ARRAY_SIZE(colours); i++) {
		for (u32 k = 0; k < 11; k++) {
			char *object = take(s);
			struct page *slab = virt_to_head_page(object);

			assert_int_equal((char *)slab->s_mem - (char *)page_address(slab), colours[i] * 64);
		}
	}
	machine_off();
}

/* One CPU has no shared array: the oldest 60 of a full array go to their slabs. */
static void a_full_array_gives_back_its_oldest(void **state)
{
	char *objects[128];
	struct slab_cache *s;
	u64 before;

	boot(1, 1);
	s = new_cache(64, 0);
	for (u32 i = 0; i < 128; i++)
		objects[i] = take(s); /* two slabs: 16 + 48 + 60 + 4 */
	before = s->node[0]->free_objects + array_of(s, 0)->avail;
	assert_int_equal(before, 0);
	for (u32 i = 0; i < 120; i++)
		give(s, objects[i]);
	assert_int_equal(array_of(s, 0)->avail, 120);
	give(s, objects[120]);
	assert_int_equal(array_of(s, 0)->avail, 61);
	assert_ptr_equal(array_of(s, 0)->entry[0], objects[60]);
	assert_ptr_equal(array_of(s, 0)->entry[60], objects[120]);
	assert_int_equal(s->node[0]->free_objects, 60);
	assert_int_equal(s->node[0]->free_limit, 2 * 60 + 64);
	machine_check_slabs();
	machine_off();
}

/* Until the kernel has identified its first CPU, that one does not count for its node. */
static void the_boot_cpu_joins_its_node_late(void **state)
{
	struct slab_cache *early, *late;

	boot(1, 1);
	kdata->boot_cpu_apart = 1;
	early = new_cache(64, 0);
	m.mm->cpu_online(0);
	late = new_cache(64, 0x2000);
	assert_int_equal(early->node[0]->free_limit, 60 + 64);
	assert_int_equal(late->node[0]->free_limit, 2 * 60 + 64);
	machine_off();
}

/* Four CPUs share an array of 8 * 60 per node; its newest objects go out first, in order. */
static void cpus_exchange_objects_through_the_shared_array(void **state)
{
	char *objects[121];
	struct slab_cache *s;
	struct array_cache *shared;

	boot(4, 1);
	s = new_cache(64, 0);
	for (u32 i = 0; i < 121; i++)
		objects[i] = take(s);
	shared = s->node[0]->shared;
	assert_int_equal(shared->limit, 480);
	while (array_of(s, 0)->avail) /* what the last refill left over is not part of this */
		take(s);
	for (u32 i = 0; i < 121; i++)
		give(s, objects[i]);
	assert_int_equal(shared->avail, 60);
	assert_ptr_equal(shared->entry[0], objects[0]);
	rt_enter_cpu(1);
	assert_ptr_equal(take(s), objects[59]); /* an idle array: the newest 16 */
	assert_int_equal(array_of(s, 1)->avail, 15);
	assert_int_equal(shared->avail, 44);
	assert_int_equal(shared->touched, 1);
	assert_ptr_equal(take(s), objects[58]);
	machine_check_slabs();
	machine_off();
}

/* A first look clears `touched`; the next frees (120 + 4) / 5 = 24; less than that: half. */
static void the_reaper_frees_a_fifth_of_an_idle_array(void **state)
{
	char *objects[64];
	struct slab_cache *s;
	struct array_cache *ac;

	boot(1, 1);
	s = new_cache(64, 0);
	for (u32 i = 0; i < 64; i++)
		objects[i] = take(s);
	for (u32 i = 0; i < 64; i++)
		give(s, objects[i]);
	ac = array_of(s, 0);
	assert_int_equal(ac->avail, 64);
	m.slab->periodic(2 * SECOND);
	assert_int_equal(ac->avail, 64);
	assert_int_equal(ac->touched, 0);
	m.slab->periodic(4 * SECOND);
	assert_int_equal(ac->avail, 40);
	assert_ptr_equal(ac->entry[0], objects[24]);
	m.slab->periodic(6 * SECOND);
	assert_int_equal(ac->avail, 16);
	m.slab->periodic(8 * SECOND);
	assert_int_equal(ac->avail, 8); /* (16 + 1) / 2 */
	machine_check_slabs();
	machine_off();
}

/* Free slabs that nobody needed between two of a node's looks (4 s apart) go back. */
static void the_reaper_gives_free_slabs_back(void **state)
{
	struct slab_cache *s;
	char *object;

	boot(1, 1);
	s = new_cache(64, 0);
	object = take(s);
	give(s, object);
	for (u32 i = 1; i < 20 && s->node[0]->total_slabs; i++)
		m.slab->periodic(2 * i * SECOND);
	assert_int_equal(s->node[0]->total_slabs, 0);
	assert_int_equal(array_of(s, 0)->avail, 0);
	machine_check_slabs();
	machine_off();
}

/* The 13th object of the other node makes 12 go there; they land in its shared array. */
static void objects_of_another_node_collect_in_an_alien_array(void **state)
{
	char *objects[13];
	struct slab_cache *s;
	struct alien_cache *alien;

	boot(4, 2); /* CPUs 0 and 1 on node 0, 2 and 3 on node 1 */
	s = new_cache(64, 0);
	for (u32 i = 0; i < 13; i++)
		objects[i] = take(s);
	rt_enter_cpu(2);
	alien = s->node[1]->alien[0];
	assert_int_equal(alien->ac.limit, 12);
	for (u32 i = 0; i < 12; i++)
		give(s, objects[i]);
	assert_int_equal(alien->ac.avail, 12);
	assert_int_equal(s->node[0]->shared->avail, 0);
	give(s, objects[12]);
	assert_int_equal(alien->ac.avail, 1);
	assert_int_equal(s->node[0]->shared->avail, 12);
	assert_ptr_equal(s->node[0]->shared->entry[11], objects[11]);
	machine_check_slabs();
	machine_off();
}

static void a_node_can_be_asked_for(void **state)
{
	struct slab_cache *s;
	struct page *slab;
	char *object;

	boot(4, 2);
	s = new_cache(64, 0);
	object = m.slab->cache_alloc(to_kmem_cache(s), GFP_KERNEL, 1);
	slab = virt_to_head_page(object);
	assert_int_equal(slab->flags >> PAGE_NODE_SHIFT, 1);
	assert_ptr_equal(object, page_address(slab)); /* the first of its slab: no array is involved */
	assert_int_equal(s->node[1]->free_objects, 63);
	machine_check_slabs();
	machine_off();
}

/* 256 bytes that may not be written while free: 16 indices in an object of kmalloc-32. */
static void index_arrays_outside_slabs_are_metadata(void **state)
{
	struct slab_cache *s;
	struct page *slab;
	struct mm_cache_info before, after;
	const struct kmem_cache *class;
	char *object;

	boot(1, 1);
	s = new_cache(256, SLAB_TYPESAFE_BY_RCU);
	assert_true(s->flags & CFLGS_OFF_SLAB);
	class = kdata->kmalloc_caches[KMALLOC_NORMAL][5];
	before = machine_cache_info(class);
	object = take(s);
	slab = virt_to_head_page(object);
	assert_ptr_equal(virt_to_head_page(slab->freelist)->slab_cache, class);
	after = machine_cache_info(class);
	assert_int_equal(after.metadata, before.metadata + 1);
	assert_int_equal(after.inuse, before.inuse + 1);
	give(s, object);
	m.slab->cache_shrink(to_kmem_cache(s));
	assert_int_equal(machine_cache_info(class).inuse, before.inuse);
	assert_int_equal(machine_cache_info(to_kmem_cache(s)).slabs, 0);
	machine_check_slabs();
	machine_off();
}

static void sizes_of_kmalloc(void **state)
{
	static const u32 rows[][2] = { { 1, 32 }, { 32, 32 }, { 33, 64 }, { 72, 96 }, { 97, 128 }, { 129, 192 },
				       { 193, 256 }, { 8192, 8192 }, { 8193, 16384 } };

	boot(1, 1);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		void *object = m.slab->kmalloc(rows[i][0], GFP_KERNEL, -1);

		assert_int_equal(m.slab->ksize(object), rows[i][1]);
		m.slab->kfree(object);
	}
	machine_check_slabs();
	machine_off();
}

static void destroying_gives_everything_back(void **state)
{
	struct slab_cache *s;
	char *objects[200];
	u64 used;

	boot(4, 2);
	used = machine_cache_info(kdata->kmem_cache).inuse;
	s = new_cache(104, 0);
	for (u32 i = 0; i < 200; i++)
		objects[i] = take(s);
	for (u32 i = 0; i < 200; i++) {
		rt_enter_cpu(i % 4);
		give(s, objects[i]);
	}
	m.slab->cache_destroy(to_kmem_cache(s));
	assert_int_equal(machine_cache_info(kdata->kmem_cache).inuse, used);
	machine_check_slabs();
	machine_off();
}

/* The count of objects in use shares a word with the mark of free blocks, whatever it is. */
static void no_slab_looks_like_a_free_block(void **state)
{
	struct slab_cache *s;

	boot(1, 1);
	s = new_cache(16, 0); /* 256 in a slab */
	for (u32 i = 0; i < 250; i++) {
		const struct page *slab = virt_to_head_page(take(s));

		assert_true(slab->active > 0);
		assert_false(PageBuddy(slab));
	}
	machine_off();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_come_in_descending_order),
		cmocka_unit_test(slabs_are_coloured),
		cmocka_unit_test(a_full_array_gives_back_its_oldest),
		cmocka_unit_test(the_boot_cpu_joins_its_node_late),
		cmocka_unit_test(cpus_exchange_objects_through_the_shared_array),
		cmocka_unit_test(the_reaper_frees_a_fifth_of_an_idle_array),
		cmocka_unit_test(the_reaper_gives_free_slabs_back),
		cmocka_unit_test(objects_of_another_node_collect_in_an_alien_array),
		cmocka_unit_test(a_node_can_be_asked_for),
		cmocka_unit_test(index_arrays_outside_slabs_are_metadata),
		cmocka_unit_test(sizes_of_kmalloc),
		cmocka_unit_test(no_slab_looks_like_a_free_block),
		cmocka_unit_test(destroying_gives_everything_back),
	};

	return cmocka_run_group_tests_name("slab_paths", tests, NULL, NULL);
}
