/*
 * sheaves_paths.c - the ways of objects through sheaves and barns: every
 * transition of a single request, with what is expected worked out by hand.
 */
#include "tests/unit/sheaves_host.h"

/* ---- who has sheaves ---- */

static void caches_have_what_their_creator_asks_for(void **state)
{
	set_up_machine(1, 1, 0);
	assert_int_equal(f.s->sheaf_capacity, 32);
	assert_true(has_sheaves(f.s));
	assert_false(has_sheaves(new_cache(2, 256, 0, 0)));
	assert_false(has_sheaves(new_cache(3, 256, SLAB_POISON, 32)));
	assert_false(has_sheaves(kdata->kmalloc_caches[KMALLOC_NORMAL][6]));
	tear_down();
	set_up_machine(1, 1, MM_PARAM_ZERO);
	assert_false(has_sheaves(f.s));
	machine_off();
}

static void caches_with_sheaves_are_not_merged(void **state)
{
	struct kmem_cache *plain;

	set_up();
	plain = new_cache(2, 256, 0, 0);
	assert_ptr_not_equal(plain, f.s);
	assert_ptr_not_equal(new_cache(3, 256, 0, 32), f.s);
	assert_ptr_equal(new_cache(4, 256, 0, 0), plain);
	tear_down();
}

/* 7.0: 60, 26, 12, 4 by size, then as many as the sheaf's kmalloc object holds. */
static void all_caches_have_sheaves_by_size(void **state)
{
	static const struct {
		u32 size, capacity;
	} rows[] = { { 64, 60 }, { 248, 60 }, { 256, 28 }, { 1016, 28 }, { 1024, 12 }, { 4096, 4 } };
	struct mm_params params = machine_default_params();

	memset(&f, 0, sizeof(f));
	params.sheaf_caches = SHEAF_CACHES_ALL;
	f.m = machine_boot(&mm_ops_plain, "sheaves", 2, 1, 32, &params);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(new_cache(i, rows[i].size, 0, 0)->sheaf_capacity, rows[i].capacity);
	assert_int_equal(kdata->kmalloc_caches[KMALLOC_NORMAL][6]->sheaf_capacity, 60);
	assert_int_equal(kdata->kmalloc_caches[KMALLOC_NORMAL][1]->sheaf_capacity, 60);
	assert_int_equal(kdata->kmalloc_caches[KMALLOC_RECLAIM][13]->sheaf_capacity, 4);
	assert_false(has_sheaves(kdata->kmem_cache));
	assert_false(has_sheaves(kdata->kmem_cache_node));
	f.p[0] = f.m.slab->kmalloc(64, GFP_KERNEL, -1);
	f.m.slab->kfree(f.p[0]);
	assert_int_equal(passed(TP_sheaf_alloc), 1);
	assert_int_equal(passed(TP_sheaf_free), 1);
	assert_ptr_equal(f.m.slab->kmalloc(64, GFP_KERNEL, -1), f.p[0]);
	machine_check_slabs();
	machine_off();
}

/* ---- allocation ---- */

static void a_blocking_request_fills_a_whole_sheaf(void **state)
{
	set_up();
	expect(0, -1, 0, 0);
	f.p[0] = take();
	/* the old main sheaf went to the barn, the new one lost one object */
	expect(3, -1, 0, 1);
	assert_int_equal(passed(TP_sheaf_barn_get_fail), 1);
	assert_int_equal(passed(TP_sheaf_refill), 1);
	/* the last pointer first: the slab's objects from the fourth down */
	for (u32 i = 1; i < CAP; i++) {
		f.p[i] = take();
		assert_int_equal((u64)f.p[i - 1] - (u64)f.p[i], 256);
	}
	expect(0, -1, 0, 1);
	/* again: the barn's empty sheaf is filled, the exhausted one takes its place */
	take();
	expect(3, -1, 0, 1);
	assert_int_equal(passed(TP_sheaf_new), 2);
	tear_down();
}

static void last_freed_is_first_allocated(void **state)
{
	void *a, *b;

	set_up();
	a = take();
	b = take();
	give(a);
	give(b);
	assert_ptr_equal(take(), b);
	assert_ptr_equal(take(), a);
	tear_down();
}

static void a_request_that_must_not_sleep_goes_to_slabs(void **state)
{
	set_up();
	assert_non_null(take_atomic());
	expect(0, -1, 0, 0);
	assert_int_equal(passed(TP_sheaf_alloc), 0);
	assert_int_equal(passed(TP_sheaf_barn_get_fail), 1);
	assert_int_equal(passed(TP_sheaf_refill), 0);
	tear_down();
}

static void a_spare_sheaf_is_used_before_the_barn(void **state)
{
	struct slab_sheaf *old_main;

	set_up();
	take_from_slabs(5);
	for (u32 i = 0; i < 5; i++)
		give(f.p[i]); /* four fill the sheaf, the fifth gets a new one: spare full, main 1 */
	expect(1, 4, 0, 0);
	old_main = pcs(0)->main;
	assert_ptr_equal(take(), f.p[4]);
	assert_ptr_equal(take(), f.p[3]);
	assert_int_equal(passed(TP_sheaf_swap), 1);
	assert_ptr_equal(pcs(0)->spare, old_main);
	expect(3, 0, 0, 0);
	tear_down();
}

static void the_barns_newest_full_sheaf_comes_for_the_empty_one(void **state)
{
	struct slab_sheaf *first, *second, *main_sheaf;

	set_up();
	take_from_slabs(17);
	for (u32 i = 0; i < 17; i++)
		give(f.p[i]); /* spare: objects 0..3; the barn: 4..7, then 8..11, 12..15; main: 16 */
	expect(1, 4, 3, 0);
	first = list_first_entry(&barn(0)->sheaves_full, struct slab_sheaf, barn_list);
	second = list_next_entry(first, barn_list);
	assert_ptr_equal(first->objects[0], f.p[12]);
	assert_ptr_equal(second->objects[0], f.p[8]);
	for (u32 i = 0; i < 5; i++)
		take(); /* 16, then the spare sheaf */
	main_sheaf = pcs(0)->main;
	expect(0, 0, 3, 0);
	assert_ptr_equal(take(), f.p[15]);
	assert_ptr_equal(pcs(0)->main, first);
	assert_ptr_equal(list_first_entry(&barn(0)->sheaves_empty, struct slab_sheaf, barn_list), main_sheaf);
	expect(3, 0, 2, 1);
	assert_int_equal(passed(TP_sheaf_barn_get), 1);
	tear_down();
}

/* With an empty spare sheaf at hand, that is the one to be filled. */
static void an_empty_spare_sheaf_is_refilled(void **state)
{
	struct slab_sheaf *spare;
	u64 made;

	set_up();
	take_from_slabs(5);
	for (u32 i = 0; i < 5; i++)
		give(f.p[i]);
	for (u32 i = 0; i < 5; i++)
		take();
	expect(0, 0, 0, 0);
	spare = pcs(0)->spare;
	made = passed(TP_sheaf_new);
	take();
	assert_ptr_equal(pcs(0)->main, spare);
	assert_int_equal(passed(TP_sheaf_new), made);
	expect(3, -1, 0, 1); /* the old main sheaf is among the barn's empty ones */
	tear_down();
}

static void a_locked_cpu_falls_back_to_slabs(void **state)
{
	void *object;

	set_up();
	object = take();
	expect(3, -1, 0, 1);
	pcs(0)->lock = 1;
	f.p[0] = take();
	give(object);
	pcs(0)->lock = 0;
	expect(3, -1, 0, 1);
	assert_int_equal(passed(TP_sheaf_alloc), 1);
	assert_int_equal(passed(TP_sheaf_free), 0);
	tear_down();
}

/* ---- free ---- */

static void a_full_main_sheaf_gets_an_empty_spare(void **state)
{
	struct slab_sheaf *full;

	set_up();
	take_from_slabs(5);
	for (u32 i = 0; i < 4; i++)
		give(f.p[i]);
	expect(4, -1, 0, 0);
	full = pcs(0)->main;
	give(f.p[4]); /* the barn has none: one is allocated */
	assert_ptr_equal(pcs(0)->spare, full);
	expect(1, 4, 0, 0);
	tear_down();
}

static void an_empty_sheaf_of_the_barn_is_preferred_to_a_new_one(void **state)
{
	struct slab_sheaf *empty;
	u64 made;

	set_up();
	take_from_slabs(5);
	take(); /* main 3 objects, the barn has one empty sheaf */
	empty = list_first_entry(&barn(0)->sheaves_empty, struct slab_sheaf, barn_list);
	made = passed(TP_sheaf_new);
	give(f.p[0]);
	give(f.p[1]);
	assert_ptr_equal(pcs(0)->main, empty);
	assert_int_equal(passed(TP_sheaf_new), made);
	expect(1, 4, 0, 0);
	tear_down();
}

static void a_spare_that_is_not_full_is_swapped_in(void **state)
{
	set_up();
	take_from_slabs(5);
	for (u32 i = 0; i < 5; i++)
		give(f.p[i]);
	take();
	take(); /* now main 3 (the former spare), spare empty */
	expect(3, 0, 0, 0);
	give(f.p[4]);
	give(f.p[3]);
	assert_int_equal(passed(TP_sheaf_swap), 2);
	expect(1, 4, 0, 0);
	tear_down();
}

static void two_full_sheaves_send_one_to_the_barn(void **state)
{
	struct slab_sheaf *full;
	void *got[6];

	set_up();
	take_from_slabs(13);
	for (u32 i = 0; i < 8; i++)
		give(f.p[i]);
	full = pcs(0)->main;
	expect(4, 4, 0, 0);
	give(f.p[8]); /* no empty sheaf there: a new one, and the full main one to the barn's head */
	expect(1, 4, 1, 0);
	assert_ptr_equal(list_first_entry(&barn(0)->sheaves_full, struct slab_sheaf, barn_list), full);
	assert_int_equal(passed(TP_sheaf_barn_put), 1);
	/* an empty one there is exchanged for the full one */
	for (u32 i = 0; i < 6; i++)
		got[i] = take(); /* main, spare, then the barn's full sheaf, for which an empty one goes there */
	expect(3, 0, 0, 1);
	for (u32 i = 0; i < 6; i++)
		give(got[i]); /* into main, the swapped spare; then the empty one comes for a full one */
	expect(1, 4, 1, 0);
	assert_int_equal(passed(TP_sheaf_new), 3);
	tear_down();
}

/* Ten full sheaves in the barn: the spare one is emptied to slabs and becomes the main one. */
static void a_full_barn_makes_the_spare_sheaf_flush(void **state)
{
	struct slab_sheaf *main_sheaf, *spare;

	set_up();
	take_from_slabs(49);
	for (u32 i = 0; i < 48; i++)
		give(f.p[i]);
	expect(4, 4, 10, 0);
	main_sheaf = pcs(0)->main;
	spare = pcs(0)->spare;
	assert_int_equal(passed(TP_sheaf_flush), 0);
	give(f.p[48]);
	assert_int_equal(passed(TP_sheaf_flush), 1);
	assert_int_equal(passed(TP_sheaf_barn_put_fail), 1);
	assert_ptr_equal(pcs(0)->main, spare);
	assert_ptr_equal(pcs(0)->spare, main_sheaf);
	expect(1, 4, 10, 0);
	assert_ptr_equal(pcs(0)->main->objects[0], f.p[48]);
	/* the objects flushed, 0..3, are free in their slabs */
	assert_int_equal(machine_cache_info(f.s).inuse, 0);
	tear_down();
}

/* No memory for another sheaf: the main one is emptied, the object goes into it. */
static void without_memory_the_main_sheaf_is_flushed(void **state)
{
	struct page *pages[20000];
	u32 n = 0;

	set_up();
	take_from_slabs(5);
	for (u32 i = 0; i < 4; i++)
		give(f.p[i]);
	/* sheaves of 4 are objects of kmalloc-64: fill those slabs and then all memory */
	while (n < ARRAY_SIZE(pages) && (pages[n] = f.m.mm->alloc_pages(GFP_ATOMIC, 0, -1)))
		n++;
	while (f.m.slab->kmalloc(64, GFP_NOWAIT, -1))
		;
	give(f.p[4]);
	assert_int_equal(passed(TP_sheaf_flush), 1);
	expect(1, -1, 0, 0);
	assert_ptr_equal(pcs(0)->main->objects[0], f.p[4]);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caches_have_what_their_creator_asks_for),
		cmocka_unit_test(caches_with_sheaves_are_not_merged),
		cmocka_unit_test(all_caches_have_sheaves_by_size),
		cmocka_unit_test(a_blocking_request_fills_a_whole_sheaf),
		cmocka_unit_test(last_freed_is_first_allocated),
		cmocka_unit_test(a_request_that_must_not_sleep_goes_to_slabs),
		cmocka_unit_test(a_spare_sheaf_is_used_before_the_barn),
		cmocka_unit_test(the_barns_newest_full_sheaf_comes_for_the_empty_one),
		cmocka_unit_test(an_empty_spare_sheaf_is_refilled),
		cmocka_unit_test(a_locked_cpu_falls_back_to_slabs),
		cmocka_unit_test(a_full_main_sheaf_gets_an_empty_spare),
		cmocka_unit_test(an_empty_sheaf_of_the_barn_is_preferred_to_a_new_one),
		cmocka_unit_test(a_spare_that_is_not_full_is_swapped_in),
		cmocka_unit_test(two_full_sheaves_send_one_to_the_barn),
		cmocka_unit_test(a_full_barn_makes_the_spare_sheaf_flush),
		cmocka_unit_test(without_memory_the_main_sheaf_is_flushed),
	};

	return cmocka_run_group_tests_name("sheaves_paths", tests, NULL, NULL);
}
