/*
 * hw_cache.c - replacement, against sequences worked out by hand and against a
 * plain list for exact LRU.
 */
#include "tests/unit/hw_support.h"

static struct cache make(u32 sets, u32 ways, enum hw_replacement replacement, u64 seed)
{
	struct cache_config config = rig_cache((u64)sets * ways * 64, ways, 1, replacement);
	struct cache cache;

	assert_int_equal(cache_init(&cache, &config, 1, "test", seed, NULL), 0);
	return cache;
}

/* Access a line as a cache does: fill it if need be, touch it. Returns the way filled or -1. */
static int use(struct cache *cache, u64 line)
{
	u32 set = cache_set_of(cache, line);
	int way = cache_find(cache, set, line), filled = -1;

	if (way < 0) {
		way = filled = (int)cache_victim(cache, set);
		cache_put(cache, set, (u32)way, line, 1);
	}
	cache_touch(cache, set, (u32)way);
	if (cache->replacement < HW_SRRIP)
		assert_true(cache_is_mru(cache, set, (u32)way));
	return filled;
}

/* a..d fill ways 0..3, a is used again: b goes first, then c, then (d used) a. */
static void lru_by_hand(void **state)
{
	struct cache c = make(1, 4, HW_LRU, 0);

	for (int i = 0; i < 4; i++)
		assert_int_equal(use(&c, 10 + (u64)i), i);
	assert_int_equal(use(&c, 10), -1);
	assert_int_equal(use(&c, 20), 1);
	assert_int_equal(use(&c, 21), 2);
	assert_int_equal(use(&c, 13), -1);
	assert_int_equal(use(&c, 22), 0);
	assert_int_equal(use(&c, 23), 1);
	assert_int_equal(cache_find(&c, 0, 10), -1);
	assert_int_equal(cache_find(&c, 0, 13), 3);
	cache_exit(&c);
}

/*
 * Four ways, tree of three bits. After filling 0,1,2,3 all point to 0. Using 0
 * points the root right and the left pair to 1; the victim is 2. Then the root
 * points left: 1, then right: 3, then left: 0. (True LRU would give 1, 2, 3.)
 */
static void tree_plru_by_hand(void **state)
{
	struct cache c = make(1, 4, HW_TREE_PLRU, 0);

	for (int i = 0; i < 4; i++)
		assert_int_equal(use(&c, 10 + (u64)i), i);
	assert_int_equal(cache_victim(&c, 0), 0);
	assert_int_equal(use(&c, 10), -1);
	assert_int_equal(use(&c, 20), 2);
	assert_int_equal(use(&c, 21), 1);
	assert_int_equal(use(&c, 22), 3);
	assert_int_equal(use(&c, 23), 0);
	cache_exit(&c);
}

/* Eight ways, in order 0..7, then 3: root right, so 4 of the right half (oldest there). */
static void tree_plru_eight(void **state)
{
	struct cache c = make(1, 8, HW_TREE_PLRU, 0);

	for (int i = 0; i < 8; i++)
		assert_int_equal(use(&c, 10 + (u64)i), i);
	use(&c, 13);
	assert_int_equal(use(&c, 30), 4);
	/* left half: 3 was last, so its pair (2,3) is avoided, and 1 before 0 in (0,1) */
	assert_int_equal(use(&c, 31), 0);
	cache_exit(&c);
}

static void empty_ways_first(void **state)
{
	const enum hw_replacement all[] = { HW_LRU, HW_TREE_PLRU, HW_RANDOM, HW_SRRIP, HW_BRRIP };

	for (u32 i = 0; i < 5; i++) {
		struct cache c = make(1, 4, all[i], 1);

		for (int way = 0; way < 4; way++)
			use(&c, 10 + (u64)way);
		*cache_entry(&c, 0, 2) = 0;
		assert_int_equal(use(&c, 50), 2);
		cache_exit(&c);
	}
}

/* Plain list, most recent first. */
struct list {
	u64 line[64];
	u32 n;
};

static bool list_use(struct list *list, u64 line, u32 ways)
{
	u32 at = 0;
	bool hit;

	while (at < list->n && list->line[at] != line)
		at++;
	hit = at < list->n;
	if (!hit)
		at = list->n < ways ? list->n++ : ways - 1;
	memmove(list->line + 1, list->line, at * sizeof(u64));
	list->line[0] = line;
	return hit;
}

static void lru_is_exact(void **state)
{
	static const u32 all_ways[] = { 1, 2, 3, 8, 12, 15, 16, 17, 20, 64 };
	u64 random = 7;

	for (u32 i = 0; i < KMS_ARRAY_SIZE(all_ways); i++) {
		struct cache c = make(4, all_ways[i], HW_LRU, 0);
		struct list lists[4] = { 0 };

		for (int n = 0; n < 20000; n++) {
			u64 line = rig_random(&random) % (all_ways[i] * 6);
			bool hit = list_use(&lists[line & 3], line, all_ways[i]);

			assert_int_equal(use(&c, line) < 0, hit);
		}
		cache_exit(&c);
	}
}

/*
 * Four ways, fills at 2. a is hit (0); e: nobody at 3, so all but a go to 3 (a
 * 1) and b leaves, then c for f. e is hit (0); g takes d, the last at 3. Now a 1,
 * e 0, f 2, g 2: for h all grow by one and f leaves.
 */
static void srrip_by_hand(void **state)
{
	struct cache c = make(1, 4, HW_SRRIP, 0);

	for (int i = 0; i < 4; i++)
		assert_int_equal(use(&c, 10 + (u64)i), i);
	assert_int_equal(use(&c, 10), -1);
	assert_true(cache_is_mru(&c, 0, 0));
	assert_int_equal(use(&c, 20), 1);
	assert_int_equal(use(&c, 21), 2);
	assert_int_equal(use(&c, 20), -1);
	assert_int_equal(use(&c, 22), 3);
	assert_int_equal(use(&c, 23), 2);
	assert_int_equal(cache_find(&c, 0, 10), 0);
	cache_exit(&c);
}

/* A scan over a working set that is hit: SRRIP keeps it, LRU does not. */
static void rrip_resists_scans(void **state)
{
	const enum hw_replacement all[] = { HW_LRU, HW_SRRIP, HW_BRRIP };
	u32 hits[3] = { 0 };

	for (u32 i = 0; i < 3; i++) {
		struct cache c = make(1, 8, all[i], 3);

		for (u64 n = 0; n < 1000; n++) {
			for (u64 line = 1; line <= 4; line++)
				hits[i] += use(&c, line) < 0;
			for (u64 line = 1; line <= 4; line++)
				hits[i] += use(&c, line) < 0;
			for (u64 line = 0; line < 6; line++)
				use(&c, 100 + n * 6 + line);
		}
		cache_exit(&c);
	}
	assert_int_equal(hits[0], 4000);
	assert_in_range(hits[1], 7900, 7996);
	assert_in_range(hits[2], 7900, 7996);
}

/* A cyclic walk over twice the cache: LRU and SRRIP never hit, BRRIP keeps a part. */
static void brrip_resists_thrashing(void **state)
{
	const enum hw_replacement all[] = { HW_LRU, HW_SRRIP, HW_BRRIP };
	u32 hits[3] = { 0 };

	for (u32 i = 0; i < 3; i++) {
		struct cache c = make(1, 8, all[i], 3);

		for (u64 n = 0; n < 16000; n++)
			hits[i] += use(&c, 1 + n % 16) < 0;
		cache_exit(&c);
	}
	assert_int_equal(hits[0], 0);
	assert_int_equal(hits[1], 0);
	assert_true(hits[2] > 16000 / 4);
}

/* Sets 0 to 2 (or 11) by line modulo sets; lines 3 and 6 meet line 0. */
static void sets_of_any_number(void **state)
{
	static const u32 all_sets[] = { 1, 3, 12, 100 };

	for (u32 i = 0; i < KMS_ARRAY_SIZE(all_sets); i++) {
		struct cache c = make(all_sets[i], 3, HW_LRU, 0);
		struct list lists[100] = { 0 };
		u64 random = 5;

		for (int n = 0; n < 20000; n++) {
			u64 line = rig_random(&random) % (all_sets[i] * 9);

			assert_int_equal(use(&c, line) < 0,
					 list_use(&lists[line % all_sets[i]], line, 3));
		}
		cache_exit(&c);
	}
}

/* Whatever the replacement, a fill with a mask takes a way of the mask, LRU the least recent of it. */
static void partitions_hold(void **state)
{
	const enum hw_replacement all[] = { HW_LRU, HW_TREE_PLRU, HW_RANDOM, HW_SRRIP, HW_BRRIP };
	u64 random = 9;

	for (u32 i = 0; i < KMS_ARRAY_SIZE(all); i++) {
		struct cache c = make(1, 16, all[i], 3);

		for (u64 n = 0; n < 5000; n++) {
			u64 mask = n & 1 ? cache_ways_mask(0, 4) : rig_random(&random) % 65535 + 1;
			u32 way = cache_victim_within(&c, 0, mask);

			assert_true(mask >> way & 1);
			cache_put(&c, 0, way, 100 + n, 1);
			cache_touch(&c, 0, way);
		}
		cache_exit(&c);
	}
}

static void lru_partition_by_hand(void **state)
{
	struct cache c = make(1, 4, HW_LRU, 0);

	for (u64 i = 0; i < 4; i++)
		use(&c, 10 + i);
	use(&c, 12);
	assert_int_equal(cache_victim(&c, 0), 0);
	assert_int_equal(cache_victim_within(&c, 0, cache_ways_mask(2, 2)), 3);
	assert_int_equal(cache_victim_within(&c, 0, cache_ways_mask(1, 2)), 1);
	assert_int_equal(cache_victim_within(&c, 0, cache_ways_mask(2, 1)), 2);
	cache_exit(&c);
}

/* The same seed gives the same victims, another others; every way is taken about as often. */
static void random_repeats(void **state)
{
	struct cache a = make(1, 8, HW_RANDOM, 5), b = make(1, 8, HW_RANDOM, 5);
	struct cache other = make(1, 8, HW_RANDOM, 6);
	u32 count[8] = { 0 }, differ = 0;

	for (u64 line = 0; line < 8008; line++) {
		int way = use(&a, line);

		assert_int_equal(way, use(&b, line));
		differ += way != use(&other, line);
		count[way]++;
	}
	assert_true(differ > 5000);
	for (u32 i = 0; i < 8; i++)
		assert_in_range(count[i], 850, 1150);
	cache_exit(&a);
	cache_exit(&b);
	cache_exit(&other);
}

static void line_zero_and_large_lines(void **state)
{
	struct cache c = make(2, 2, HW_LRU, 0);

	assert_int_equal(cache_find(&c, 0, 0), -1);
	use(&c, 0);
	assert_int_equal(cache_find(&c, 0, 0), 0);
	use(&c, 1ull << 38);
	assert_int_equal(cache_find(&c, 0, 1ull << 38), 1);
	assert_int_equal(cache_find(&c, 0, 2), -1);
	cache_exit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lru_by_hand),	      cmocka_unit_test(tree_plru_by_hand),
		cmocka_unit_test(tree_plru_eight),    cmocka_unit_test(empty_ways_first),
		cmocka_unit_test(lru_is_exact),	      cmocka_unit_test(random_repeats),
		cmocka_unit_test(line_zero_and_large_lines), cmocka_unit_test(srrip_by_hand),
		cmocka_unit_test(rrip_resists_scans), cmocka_unit_test(brrip_resists_thrashing),
		cmocka_unit_test(sets_of_any_number), cmocka_unit_test(partitions_hold),
		cmocka_unit_test(lru_partition_by_hand),
	};

	return cmocka_run_group_tests_name("hw_cache", tests, NULL, NULL);
}
