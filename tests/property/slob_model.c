/*
 * Random kmalloc() and slab cache requests on SLOB against a naive model that
 * says where each object must be: a map of free units for each page, and the
 * three lists as arrays. The model knows nothing of free blocks in memory.
 *
 * After every step the answer, the lists in order and each page's free units
 * are the model's, objects keep their contents, mm_check_slabs() holds; at the
 * end no page is left. SLOB_MODEL_SEED=n runs one sequence.
 */
#include <stdlib.h>

#include "tests/unit/slub_machine.h"

#define STEPS 3000
#define MAX_LIVE 400
#define MAX_PAGES 1024

struct model_page {
	u64 pfn;
	bool taken[2048];
	u32 free;
};

struct live {
	u8 *p; /* as handed out */
	u64 start;
	u32 bytes, fill, cache; /* cache 0: kmalloc */
};

static struct machine m;
static struct model_page pages[MAX_PAGES];
static u32 lists[3][MAX_PAGES], length[3]; /* indexes into pages[], head first */
static struct live live[MAX_LIVE];
static u32 nr_live;
static struct kmem_cache *caches[5];
static const struct {
	u32 size, align, flags, bytes, aligned;
} shapes[5] = { [1] = { 24, 0, 0, 24, 8 }, [2] = { 333, 0, SLAB_HWCACHE_ALIGN, 334, 64 },
		[3] = { 100, 0, SLAB_TYPESAFE_BY_RCU, 124, 8 }, [4] = { 1500, 32, 0, 1500, 32 } };

static u64 rnd(u64 *state) /* splitmix64 */
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static u32 list_for(u32 bytes)
{
	return bytes < 256 ? 0 : bytes < 1024 ? 1 : 2;
}

static void insert_at_head(u32 list, u32 page)
{
	memmove(&lists[list][1], &lists[list][0], length[list] * sizeof(u32));
	lists[list][0] = page;
	length[list]++;
}

static void remove_at(u32 list, u32 i)
{
	length[list]--;
	memmove(&lists[list][i], &lists[list][i + 1], (length[list] - i) * sizeof(u32));
}

/* First unit of a page where the request fits, or 2048. */
static u32 fits_at(const struct model_page *page, u32 units, u32 align, u32 ahead)
{
	for (u32 at = 0; at + units <= 2048; at++) {
		u32 n = 0;

		if ((at * 2 + ahead) % align)
			continue;
		while (n < units && !page->taken[at + n])
			n++;
		if (n == units)
			return at;
	}
	return 2048;
}

static u64 take(u32 list, u32 i, u32 at, u32 units)
{
	u32 turned[MAX_PAGES], n = length[list];
	struct model_page *page = &pages[lists[list][i]];

	memset(&page->taken[at], 1, units);
	page->free -= units;
	if (!page->free) {
		remove_at(list, i);
	} else {
		for (u32 k = 0; k < n; k++)
			turned[k] = lists[list][(i + k) % n];
		memcpy(lists[list], turned, n * sizeof(u32));
	}
	return page->pfn * 4096 + at * 2;
}

/* Where a request must go; got says which page is the new one if there is none with room. */
static u64 model_alloc(u32 bytes, u32 align, u32 ahead, u64 got)
{
	u32 list = list_for(bytes), units = (bytes + 1) / 2, fresh = 0;

	for (u32 i = 0; i < length[list]; i++) {
		u32 at = fits_at(&pages[lists[list][i]], units, align, ahead);

		if (at < 2048)
			return take(list, i, at, units);
	}
	while (pages[fresh].pfn)
		fresh++;
	assert_true(fresh < MAX_PAGES - 1);
	pages[fresh] = (struct model_page){ .pfn = got / 4096, .free = 2048 };
	insert_at_head(list, fresh);
	return take(list, 0, fits_at(&pages[fresh], units, align, ahead), units);
}

static void model_free(u64 start, u32 bytes)
{
	u32 units = (bytes + 1) / 2, i = 0;
	struct model_page *page;

	while (pages[i].pfn != start / 4096)
		i++;
	page = &pages[i];
	memset(&page->taken[start % 4096 / 2], 0, units);
	if (!page->free)
		insert_at_head(list_for(bytes), i);
	page->free += units;
	if (page->free < 2048)
		return;
	page->pfn = 0;
	for (u32 list = 0; list < 3; list++)
		for (u32 k = 0; k < length[list]; k++)
			if (lists[list][k] == i)
				remove_at(list, k--);
}

static void expect_lists(void)
{
	struct kms_error err = { 0 };

	for (u32 list = 0; list < 3; list++) {
		const struct list_head *pos;
		u32 i = 0;

		list_for_each(pos, &kdata->free_slob[list]) {
			const struct page *page = list_entry(pos, const struct page, lru);

			assert_true(i < length[list]);
			assert_int_equal(page_to_pfn(page), pages[lists[list][i]].pfn);
			assert_int_equal(page->units, pages[lists[list][i]].free);
			i++;
		}
		assert_int_equal(i, length[list]);
	}
	if (mm_check_slabs(&err))
		fail_msg("%s", err.text);
}

static void check_fill(const struct live *o)
{
	u32 n = o->cache ? shapes[o->cache].size : o->bytes - 8;

	for (u32 i = 0; i < n; i++)
		assert_int_equal(o->p[i], (u8)o->fill);
}

static void do_alloc(u64 r)
{
	struct live *o = &live[nr_live];
	u32 size = r % 3 ? 1 + (u32)(r >> 8) % 300 : 1 + (u32)(r >> 8) % 4000, align = 8, ahead = 0;

	o->cache = r >> 40 & 1 ? 1 + (u32)(r >> 41) % 4 : 0;
	o->fill = (u32)r;
	if (o->cache) {
		o->p = m.slab->cache_alloc(caches[o->cache], GFP_KERNEL, -1);
		o->bytes = shapes[o->cache].bytes;
		align = shapes[o->cache].aligned;
		size = shapes[o->cache].size;
	} else {
		size = r >> 50 & 3 ? size : 1u << size % 12;
		o->p = m.slab->kmalloc(size, GFP_KERNEL, -1);
		o->bytes = size + 8;
		align = size & (size - 1) ? 8 : max(size, 8u);
		ahead = 8;
	}
	assert_non_null(o->p);
	o->start = (u64)o->p - PAGE_OFFSET - ahead;
	assert_int_equal(o->start, model_alloc(o->bytes, align, ahead, o->start));
	memset(o->p, (u8)o->fill, size);
	nr_live++;
}

static void do_free(u64 r)
{
	struct live *o = &live[r % nr_live];

	check_fill(o);
	model_free(o->start, o->bytes);
	if (o->cache)
		m.slab->cache_free(caches[o->cache], o->p);
	else
		m.slab->kfree(o->p);
	*o = live[--nr_live];
}

static void boot(void)
{
	m = machine_boot(&mm_ops_plain, "slob", 1, 1, 16, NULL);
	memset(pages, 0, sizeof(pages));
	memset(length, 0, sizeof(length));
	nr_live = 0;
	for (u32 i = 1; i < 5; i++) {
		caches[i] = machine_cache(&m, shapes[i].size, shapes[i].align, shapes[i].flags);
		assert_int_equal((u64)caches[i] - PAGE_OFFSET,
				 model_alloc(64, 8, 0, (u64)caches[i] - PAGE_OFFSET));
	}
}

static void run_seed(u64 seed)
{
	u64 state = seed;

	boot();
	for (u32 i = 0; i < STEPS; i++) {
		bool filling = i / 300 % 2 == 0;
		u64 r = rnd(&state);

		if (nr_live < MAX_LIVE && (!nr_live || r % 8 < (filling ? 6 : 2)))
			do_alloc(r >> 3);
		else
			do_free(r >> 3);
		expect_lists();
	}
	while (nr_live)
		do_free(0);
	for (u32 i = 4; i; i--) {
		model_free((u64)caches[i] - PAGE_OFFSET, 64);
		m.slab->cache_destroy(caches[i]);
	}
	expect_lists();
	assert_int_equal(length[0] + length[1] + length[2], 0);
	machine_off();
}

static void every_address_is_the_models(void **state)
{
	const char *seed = getenv("SLOB_MODEL_SEED");
	u64 first = seed ? strtoull(seed, NULL, 0) : 1;

	for (u64 i = 0; i < (seed ? 1 : 10); i++) {
		print_message("seed %llu\n", (unsigned long long)(first + i));
		run_seed(first + i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_is_the_models),
	};

	return cmocka_run_group_tests_name("slob_model", tests, NULL, NULL);
}
