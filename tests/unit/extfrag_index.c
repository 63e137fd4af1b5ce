/*
 * Indices of external fragmentation, worked out by hand from their formulas
 * with truncating divisions, as the kernel computes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results/extfrag.h"

/* 4 + 2 * 2 + 1 * 4 = 12 pages in 7 blocks. */
static const u64 mixed[EXTFRAG_ORDERS] = { 4, 2, 1 };

static void unusable_share_by_order(void **state)
{
	static const int expected[EXTFRAG_ORDERS] = { 0, 333, 666, 1000, 1000, 1000, 1000, 1000, 1000,
						      1000, 1000 };

	for (u32 order = 0; order < EXTFRAG_ORDERS; order++)
		assert_int_equal(extfrag_unusable(mixed, order), expected[order]);
}

/* Order 3: 1000 - (1000 + 12000 / 8) / 7; order 10: 1000 - (1000 + 12000 / 1024) / 7. */
static void index_where_a_request_would_fail(void **state)
{
	for (u32 order = 0; order < 3; order++)
		assert_int_equal(extfrag_index(mixed, order), -1000);
	assert_int_equal(extfrag_index(mixed, 3), 643);
	assert_int_equal(extfrag_index(mixed, 10), 856);
}

static void nothing_free(void **state)
{
	static const u64 none[EXTFRAG_ORDERS];

	assert_int_equal(extfrag_unusable(none, 0), 1000);
	assert_int_equal(extfrag_index(none, 0), 0);
}

/* One free page: the request of two fails for lack of memory more than for fragmentation. */
static void lack_of_memory_is_below_zero(void **state)
{
	static const u64 one[EXTFRAG_ORDERS] = { 1 };

	assert_int_equal(extfrag_index(one, 1), -500);
	assert_int_equal(extfrag_index(one, 0), -1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unusable_share_by_order),
		cmocka_unit_test(index_where_a_request_would_fail),
		cmocka_unit_test(nothing_free),
		cmocka_unit_test(lack_of_memory_is_below_zero),
	};

	return cmocka_run_group_tests_name("extfrag_index", tests, NULL, NULL);
}
