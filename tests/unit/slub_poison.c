/*
 * The bytes that debug options write into slabs, and every kind of defect that
 * they show: where it is found, and the message's offset, bytes and users.
 */
#include <stdio.h>

#include "tests/unit/slub_machine.h"

#define FZPU (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

static struct machine m;
static struct kmem_cache *cache;
static u8 *object;
static char text[512];

static struct kmem_cache *start(u32 size, u32 flags)
{
	m = machine_boot(&mm_ops_plain, "slub", 2, 1, 16, NULL);
	return machine_cache(&m, size, 0, flags);
}

static u8 *take(void)
{
	u8 *p = m.slab->cache_alloc(cache, GFP_KERNEL, -1);

	assert_non_null(p);
	return p;
}

static void do_free(void *p)
{
	m.slab->cache_free(cache, p);
}

static void do_take(void *p)
{
	(void)p;
	m.slab->cache_alloc(cache, GFP_KERNEL, -1);
}

static void do_validate(void *p)
{
	(void)p;
	m.slab->cache_validate(cache);
}

/* fn(arg) must be stopped with a message that has all of these parts. */
static void stops(void (*fn)(void *), void *arg, const char *part1, const char *part2, const char *part3)
{
	struct kms_error err = { 0 };
	const char *const parts[] = { part1, part2, part3 };

	assert_int_equal(rt_protect(fn, arg, &err), KMS_EFAIL);
	for (u32 i = 0; i < 3; i++)
		if (parts[i] && !strstr(err.text, parts[i]))
			fail_msg("found \"%s\", expected in it \"%s\"", err.text, parts[i]);
}

static void passes(void (*fn)(void *), void *arg)
{
	struct kms_error err = { 0 };

	if (rt_protect(fn, arg, &err))
		fail_msg("%s", err.text);
}

static void all(const u8 *p, u32 n, u8 byte)
{
	for (u32 i = 0; i < n; i++)
		assert_int_equal(p[i], byte);
}

/* 100 bytes: left red zone 8, object, 4 of red zone, free pointer, tracks, red zone word. */
static void bytes_are_the_kernels(void **state)
{
	cache = start(100, FZPU);
	assert_int_equal(cache->inuse, 104);
	object = take();
	all(object - 8, 8, 0xcc);
	all(object, 99, 0x6b);
	all(object + 99, 1, 0xa5);
	all(object + 100, 4, 0xcc);
	all(object + 104 + 8 + 64, cache->size - 8 - 176, 0x5a);
	all(object + cache->size - 8, 8, 0xbb); /* the next one is free */
	memset(object, 7, 100);
	do_free(object);
	all(object - 8, 8, 0xbb);
	all(object, 99, 0x6b);
	all(object + 99, 1, 0xa5);
	all(object + 100, 4, 0xbb);
	machine_check_slabs();
	machine_off();
}

static void zeroed_objects_are_zeroed(void **state)
{
	cache = start(100, FZPU);
	object = m.slab->cache_alloc(cache, GFP_KERNEL | __GFP_ZERO, -1);
	all(object, 100, 0);
	passes(do_free, object);
	machine_off();
}

static void an_overflow_is_found_in_the_free(void **state)
{
	cache = start(100, FZPU);
	rt_begin_op(0);
	object = take();
	memset(object, 0x41, 102);
	stops(do_free, object, "right red zone overwritten", "offset 100: found 0x41, expected 0xcc (2 bytes)",
	      "allocated by CPU 0 in operation 1; never freed; found in its free on CPU 0");
	machine_off();
}

static void an_underflow_is_found_in_the_free(void **state)
{
	cache = start(100, FZPU);
	object = take();
	object[-1] = 0;
	stops(do_free, object, "left red zone overwritten", "offset -1: found 0x00, expected 0xcc (1 byte)", NULL);
	machine_off();
}

static void a_use_after_free_is_found_in_the_allocation(void **state)
{
	cache = start(100, FZPU);
	object = take();
	do_free(object);
	object[17] = 0x42;
	stops(do_take, NULL, "use after free: poison overwritten", "offset 17: found 0x42, expected 0x6b (1 byte)",
	      "found in its allocation");
	object[17] = 0x6b;
	object[99] = 0;
	stops(do_take, NULL, "end poison overwritten", "offset 99: found 0x00, expected 0xa5", NULL);
	machine_off();
}

static void a_double_free_is_found(void **state)
{
	cache = start(100, FZPU);
	object = take();
	rt_enter_cpu(1);
	rt_begin_op(1);
	passes(do_free, object);
	rt_enter_cpu(0);
	stops(do_free, object, "object is already free", "freed by CPU 1 in operation", "found in its free on CPU 0");
	machine_off();
}

static void wrong_addresses_are_found(void **state)
{
	struct kmem_cache *other;
	struct page *page;

	cache = start(100, FZPU);
	other = machine_cache(&m, 100, 0, FZPU);
	object = take();
	stops(do_free, object + 16, "freed address is not an object's beginning", NULL, NULL);
	object = m.slab->cache_alloc(other, GFP_KERNEL, -1);
	stops(do_free, object, "freed object is of another slab cache", NULL, NULL);
	page = m.mm->alloc_pages(GFP_KERNEL, 0, -1);
	stops(do_free, page_address(page), "freed address is in no slab", NULL, NULL);
	machine_off();
}

/* Without poison the free pointer lies in the object: 48 of 100 bytes. */
static void a_bad_free_pointer_is_found(void **state)
{
	cache = start(100, SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(cache->offset, 48);
	object = take();
	passes(do_free, object);
	*(u64 *)(object + 48) = 0x1234;
	stops(do_take, NULL, "free pointer overwritten", "offset 48: found 0x1234", NULL);
	machine_off();
}

/* Checked by hand: validate, mm_check(); F is not needed for these. */
static void validation_finds_what_nobody_touched_again(void **state)
{
	struct kms_error err = { 0 };

	cache = start(100, SLAB_RED_ZONE | SLAB_POISON);
	object = take();
	take();
	passes(do_validate, NULL);
	object[100] = 1;
	stops(do_validate, NULL, "right red zone overwritten", "offset 100", "found by validate");
	assert_int_equal(mm_check(&err), KMS_EFAIL);
	assert_non_null(strstr(err.text, "offset 100: found 0x01, expected 0xcc"));
	passes(do_free, object); /* not checked without F, and made good */
	passes(do_validate, NULL);
	machine_check_slabs();
	machine_off();
}

static void a_full_slab_is_validated_where_users_are_tracked(void **state)
{
	u8 *objects[64];
	u32 n;

	cache = start(512, FZPU);
	n = oo_objects(cache->oo);
	for (u32 i = 0; i < n; i++)
		objects[i] = take();
	passes(do_validate, NULL);
	objects[3][-2] = 9;
	stops(do_validate, NULL, "left red zone", "offset -2", NULL);
	machine_off();
}

static void a_bulk_free_checks_each_object(void **state)
{
	void *objects[8];

	cache = start(64, FZPU);
	assert_int_equal(m.slab->cache_alloc_bulk(cache, GFP_KERNEL, 8, objects), 8);
	m.slab->free_bulk(cache, 8, objects);
	machine_check_slabs();
	assert_int_equal(m.slab->cache_alloc_bulk(cache, GFP_KERNEL, 8, objects), 8);
	((u8 *)objects[5])[64] = 0;
	stops(do_free, objects[5], "right red zone", "offset 64: found 0x00", NULL);
	machine_off();
}

/* ---- the boot parameter ---- */

static struct mm_params debug_params(const char *letters)
{
	struct mm_params params = machine_default_params();

	params.slub_debug = letters;
	return params;
}

static void slub_debug_is_for_all_caches(void **state)
{
	struct mm_params params = debug_params("FZPU");
	const struct kmem_cache *s;
	u8 *p;

	m = machine_boot(&mm_ops_plain, "slub", 2, 1, 16, &params);
	cache = machine_cache(&m, 100, 0, 0);
	assert_int_equal(cache->flags & FZPU, FZPU);
	assert_ptr_not_equal(machine_cache(&m, 100, 0, 0), cache);
	p = m.slab->kmalloc(100, GFP_KERNEL, -1);
	s = machine_slab_of(p)->slab_cache;
	/* 128, red zone 8, free pointer 8, tracks and size 68, red zone 8, to the left 128: 352 aligned */
	assert_int_equal(s->size, 384);
	assert_int_equal(*(u32 *)(p + 136 + 8 + 64), 100);
	all(p + 128, 8, 0xcc);
	m.slab->kfree(p);
	m.slab->cache_destroy(cache);
	machine_check_slabs();
	machine_off();
}

static void the_letter_o_spares_caches_whose_slabs_would_grow(void **state)
{
	struct mm_params params = debug_params("FZPUO");

	m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, &params);
	assert_int_equal(machine_cache(&m, 4096, 0, 0)->flags & FZPU, SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(machine_cache(&m, 4096, 0, 0)->size, 4096);
	assert_int_equal(machine_cache(&m, 100, 0, 0)->flags & FZPU, FZPU);
	machine_off();
}

static void letters_are_checked(void **state)
{
	u32 flags;

	assert_true(kms_slub_debug_flags("fz", &flags));
	assert_int_equal(flags, SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE);
	assert_true(kms_slub_debug_flags("-", &flags));
	assert_int_equal(flags, 0);
	assert_false(kms_slub_debug_flags("FX", &flags));
}

/* ---- caches without debug options ---- */

static void a_hardened_free_list_shows_the_simplest_double_free(void **state)
{
	struct mm_params params = machine_default_params();
	struct kms_error err = { 0 };

	params.slab_freelist_hardened = true;
	m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, &params);
	cache = machine_cache(&m, 256, 0, 0);
	object = take();
	passes(do_free, object);
	stops(do_free, object, "object is already free", NULL, NULL);
	machine_off();

	cache = start(256, 0); /* not hardened: the list is a ring now, which mm_check() finds */
	object = take();
	take();
	passes(do_free, object);
	passes(do_free, object);
	assert_int_equal(mm_check(&err), KMS_EFAIL);
	assert_non_null(strstr(err.text, "object is on a freelist twice"));
	machine_off();
}

static const char *named(void *arg, u64 id)
{
	snprintf(arg, sizeof(text), "mine%llu", (unsigned long long)id);
	return arg;
}

static void caches_have_names_in_messages(void **state)
{
	struct kmem_cache_args args = { .name = 77, .size = 64, .flags = FZPU };
	struct mm_params params = debug_params("F");
	u8 *p;

	m = machine_boot(&mm_ops_plain, "slub", 1, 1, 16, &params);
	cache = m.slab->cache_create(&args);
	rt_set_cache_names(named, text);
	stops(do_free, take() + 8, "slab cache mine77: ", NULL, NULL);
	rt_set_cache_names(NULL, NULL);
	stops(do_free, take() + 8, "slab cache id 77: ", NULL, NULL);
	p = m.slab->kmalloc(64, GFP_KERNEL, -1);
	stops((void (*)(void *))(void (*)(void))m.slab->kfree, p + 8, "slab cache kmalloc-64: ", NULL, NULL);
	machine_off();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_the_kernels),
		cmocka_unit_test(zeroed_objects_are_zeroed),
		cmocka_unit_test(an_overflow_is_found_in_the_free),
		cmocka_unit_test(an_underflow_is_found_in_the_free),
		cmocka_unit_test(a_use_after_free_is_found_in_the_allocation),
		cmocka_unit_test(a_double_free_is_found),
		cmocka_unit_test(wrong_addresses_are_found),
		cmocka_unit_test(a_bad_free_pointer_is_found),
		cmocka_unit_test(validation_finds_what_nobody_touched_again),
		cmocka_unit_test(a_full_slab_is_validated_where_users_are_tracked),
		cmocka_unit_test(a_bulk_free_checks_each_object),
		cmocka_unit_test(slub_debug_is_for_all_caches),
		cmocka_unit_test(the_letter_o_spares_caches_whose_slabs_would_grow),
		cmocka_unit_test(letters_are_checked),
		cmocka_unit_test(a_hardened_free_list_shows_the_simplest_double_free),
		cmocka_unit_test(caches_have_names_in_messages),
	};

	return cmocka_run_group_tests_name("slub_poison", tests, NULL, NULL);
}
