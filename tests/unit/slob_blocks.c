/*
 * SLOB block by block: where each request goes, worked out by hand on a page.
 *
 * Offsets are bytes in the page. A page's free blocks are written as
 * offset+bytes, as expect_blocks() reads them from the free memory itself.
 */
#include "tests/unit/slub_machine.h"
#include "models/mm/slob.h"

#undef memset
#undef memcpy

static struct machine m;

static int set_up(void **state)
{
	m = machine_boot(&mm_ops_plain, "slob", 1, 1, 16, NULL);
	return 0;
}

static int tear_down(void **state)
{
	machine_off();
	return 0;
}

static u8 *get(u32 size)
{
	u8 *p = m.slab->kmalloc(size, GFP_KERNEL, MACHINE_NO_NODE);

	assert_non_null(p);
	machine_check_slabs();
	return p;
}

static void put(void *p)
{
	m.slab->kfree(p);
	machine_check_slabs();
}

static u64 offset(const void *p)
{
	return (u64)p % 4096;
}

struct block {
	s32 offset, bytes;
};

static void expect_blocks(const void *in_page, const struct block *want, u32 nr, s64 bytes)
{
	const struct page *page = virt_to_page(in_page);
	struct slob_block *b = page->freelist, *base = page_address(page);

	for (u32 i = 0; i < nr; i++) {
		if ((b - base) * 2 != want[i].offset || slob_block_units(b->word) * 2 != want[i].bytes)
			fail_msg("free block %u is %d+%d, expected %d+%d", i, (int)(b - base) * 2,
				 slob_block_units(b->word) * 2, want[i].offset, want[i].bytes);
		b = slob_block_next(b, b->word);
	}
	assert_ptr_equal(b, base + SLOB_PAGE_UNITS);
	assert_int_equal(page->units * 2, bytes);
}
#define EXPECT_BLOCKS(in_page, bytes, ...)                                                         \
	do {                                                                                       \
		static const struct block want_[] = { __VA_ARGS__ };                               \
		expect_blocks(in_page, want_, ARRAY_SIZE(want_), bytes);                           \
	} while (0)

static const struct page *first_of(enum slob_list list)
{
	const struct list_head *head = &kdata->free_slob[list];

	return head->next == head ? NULL : list_entry(head->next, const struct page, lru);
}

static void objects_follow_each_other_behind_their_headers(void **state)
{
	u8 *a = get(20), *b = get(7), *c = get(100);

	assert_int_equal(offset(a), 8); /* header at 0, 28 bytes */
	assert_int_equal(offset(b), 40); /* 28 + 8 is not aligned: header at 32 */
	assert_int_equal(offset(c), 56); /* 32 + 15 bytes in units of 2: 48 */
	assert_int_equal(*(u32 *)(c - 8), 100);
	EXPECT_BLOCKS(a, 4 + 4096 - 156, { 28, 4 }, { 156, 4096 - 156 });
	assert_int_equal(m.slab->ksize(b), 8);
	assert_int_equal(m.slab->ksize(a), 20);
}

static void powers_of_two_align_the_object_not_the_header(void **state)
{
	u8 *a = get(2048);

	assert_int_equal(offset(a), 2048);
	EXPECT_BLOCKS(a, 2040, { 0, 2040 });
	assert_int_equal(offset(get(64)) % 64, 0);
	assert_ptr_equal(first_of(SLOB_LARGE), virt_to_page(a)); /* 64 bytes went to another page */
	assert_int_equal(first_of(SLOB_SMALL)->units * 2, 4096 - 72);
}

static void lists_are_chosen_by_size_with_the_header(void **state)
{
	const struct page *small = virt_to_page(get(247)), *medium = virt_to_page(get(248));
	const struct page *large = virt_to_page(get(1016));

	assert_ptr_equal(first_of(SLOB_SMALL), small);
	assert_ptr_equal(first_of(SLOB_MEDIUM), medium);
	assert_ptr_equal(first_of(SLOB_LARGE), large);
	assert_ptr_equal(virt_to_page(get(1015)), medium);
}

static void a_block_is_joined_with_its_neighbours(void **state)
{
	u8 *a = get(56), *b = get(56), *c = get(56), *d = get(56); /* 64 bytes each with header */

	assert_int_equal(offset(d), 200);
	put(b);
	EXPECT_BLOCKS(a, 3904, { 64, 64 }, { 256, 3840 });
	put(a); /* with the next */
	EXPECT_BLOCKS(d, 3968, { 0, 128 }, { 256, 3840 });
	put(c); /* with both */
	EXPECT_BLOCKS(d, 4032, { 0, 192 }, { 256, 3840 });
}

static void a_free_block_of_one_unit_keeps_only_the_next_offset(void **state)
{
	u8 *a = get(5), *b = get(5); /* 13 bytes are 7 units: 14, and the next header is at 16 */
	const struct page *page = virt_to_page(a);
	const struct slob_block *first = page->freelist;

	assert_int_equal(offset(b), 24);
	EXPECT_BLOCKS(a, 4096 - 28, { 14, 2 }, { 30, 4096 - 30 });
	assert_int_equal(first->word, -15);
	put(b); /* joins both: one block from 14 on */
	EXPECT_BLOCKS(a, 4096 - 14, { 14, 4096 - 14 });
	assert_int_equal(first->word, 2041);
	assert_int_equal(first[1].word, 2048);
}

static void a_full_page_leaves_its_list_and_comes_back(void **state)
{
	u8 *a = get(2000), *b = get(2080); /* 2008 and 2088 bytes: all of a page */

	assert_ptr_equal(virt_to_page(a), virt_to_page(b));
	assert_null(first_of(SLOB_LARGE));
	assert_false(virt_to_page(a)->flags & PG_slob_free);
	put(a);
	assert_ptr_equal(first_of(SLOB_LARGE), virt_to_page(b));
	EXPECT_BLOCKS(b, 2008, { 0, 2008 });
}

static void the_list_turns_to_the_page_that_served(void **state)
{
	struct kmem_cache *s = machine_cache(&m, 1400, 8, 0);
	const struct list_head *large = &kdata->free_slob[SLOB_LARGE];
	const struct page *p[3];

	for (u32 i = 0; i < 3; i++) { /* two fit into each page; new pages go to the head */
		p[i] = virt_to_page(m.slab->cache_alloc(s, GFP_KERNEL, -1));
		m.slab->cache_alloc(s, GFP_KERNEL, -1);
	}
	assert_ptr_equal(large->next, &p[2]->lru);
	m.slab->cache_free(s, page_address(p[1])); /* list: 2 1 0 */
	assert_ptr_equal(virt_to_page(m.slab->cache_alloc(s, GFP_KERNEL, -1)), p[1]);
	assert_ptr_equal(large->next, &p[1]->lru); /* 1 0 2 */
	assert_ptr_equal(p[1]->lru.next, &p[0]->lru);
	assert_ptr_equal(p[0]->lru.next, &p[2]->lru);
	assert_ptr_equal(large->prev, &p[2]->lru);
}

static void an_empty_page_goes_back_at_once(void **state)
{
	u64 before = rt_trace_counts()[TP_slob_free_page];
	u8 *a = get(100), *b = get(100);

	put(a);
	assert_int_equal(rt_trace_counts()[TP_slob_free_page], before);
	put(b);
	assert_int_equal(rt_trace_counts()[TP_slob_free_page], before + 1);
	assert_null(first_of(SLOB_SMALL));
	assert_false(virt_to_page(b)->flags & (PG_slab | PG_slob_free));
}

static void large_requests_are_whole_pages(void **state)
{
	u8 *a = get(4087), *b = get(4088), *c = get(9000);

	assert_int_equal(offset(a), 8); /* 4095 bytes: one unit less than the page's 4096 is left */
	assert_true(mm_object_is_slab(a));
	assert_int_equal(m.slab->ksize(a), 4088);
	assert_int_equal(offset(b), 0);
	assert_false(mm_object_is_slab(b));
	assert_int_equal(m.slab->ksize(b), 4096);
	assert_int_equal(m.slab->ksize(c), 16384);
	assert_int_equal(mm_object_held_bytes(NULL, a), 4096);
	assert_int_equal(mm_object_held_bytes(NULL, c), 16384);
	put(a);
	put(b);
	put(c);
	assert_ptr_equal(m.slab->kmalloc(0, GFP_KERNEL, -1), ZERO_SIZE_PTR);
	m.slab->kfree(ZERO_SIZE_PTR);
	assert_null(m.slab->kmalloc((4u << 20) + 1, GFP_KERNEL, -1));
}

static void slab_caches_are_a_size_and_an_alignment(void **state)
{
	struct kmem_cache *odd = machine_cache(&m, 201, 0, 0), *rcu = machine_cache(&m, 100, 0, SLAB_TYPESAFE_BY_RCU);
	struct kmem_cache *line = machine_cache(&m, 920, 0, SLAB_HWCACHE_ALIGN), *big = machine_cache(&m, 5000, 0, 0);
	struct mm_cache_info infos[4];
	void *p;

	assert_int_equal(mm_inspect_caches(infos, 4), 4);
	assert_ptr_equal(infos[0].cache, odd);
	assert_int_equal(infos[0].size, 202);
	assert_int_equal(infos[1].size, 124);
	assert_int_equal(infos[1].object_size, 100);
	assert_ptr_equal(infos[2].cache, line);
	assert_int_equal(infos[2].align, 64);
	p = m.slab->cache_alloc(rcu, GFP_KERNEL, -1);
	assert_int_equal(mm_object_held_bytes(rcu, p), 124);
	m.slab->cache_free(rcu, p);
	p = m.slab->cache_alloc(big, GFP_KERNEL, -1);
	assert_int_equal(mm_object_held_bytes(big, p), 8192);
	assert_int_equal(offset(p), 0);
	m.slab->cache_free(big, p);
	assert_ptr_not_equal(machine_cache(&m, 201, 0, 0), odd); /* nothing is merged */
}

static void zeroed_memory_is_zero(void **state)
{
	u8 *keep = get(8), *p = get(300), *q;

	memset(p, 0x55, 300);
	put(p);
	q = m.slab->kmalloc(300, GFP_KERNEL | __GFP_ZERO, -1);
	assert_ptr_equal(p, q);
	for (u32 i = 0; i < 300; i++)
		assert_int_equal(q[i], 0);
	put(q);
	put(keep);
}

static void damage_is_found(void **state)
{
	struct kms_error err = { 0 };
	u8 *a = get(100), *b = get(100);
	struct page *page = virt_to_page(a);

	put(a);
	((struct slob_block *)(a - 8))->word += 2;
	assert_int_not_equal(mm_check_slabs(&err), 0);
	((struct slob_block *)(a - 8))->word -= 2;
	page->units++;
	assert_int_not_equal(mm_check_slabs(&err), 0);
	page->units--;
	page->flags &= ~PG_slob_free;
	assert_int_not_equal(mm_check_slabs(&err), 0);
	page->flags |= PG_slob_free;
	put(b);
}

#define SLOB_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SLOB_TEST(objects_follow_each_other_behind_their_headers),
		SLOB_TEST(powers_of_two_align_the_object_not_the_header),
		SLOB_TEST(lists_are_chosen_by_size_with_the_header),
		SLOB_TEST(a_block_is_joined_with_its_neighbours),
		SLOB_TEST(a_free_block_of_one_unit_keeps_only_the_next_offset),
		SLOB_TEST(a_full_page_leaves_its_list_and_comes_back),
		SLOB_TEST(the_list_turns_to_the_page_that_served),
		SLOB_TEST(an_empty_page_goes_back_at_once),
		SLOB_TEST(large_requests_are_whole_pages),
		SLOB_TEST(slab_caches_are_a_size_and_an_alignment),
		SLOB_TEST(zeroed_memory_is_zero),
		SLOB_TEST(damage_is_found),
	};

	return cmocka_run_group_tests_name("slob_blocks", tests, NULL, NULL);
}
