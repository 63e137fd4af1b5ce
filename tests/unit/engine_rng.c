/*
 * engine_rng.c - random streams: repeatable, and independent of each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/engine/rng.h"

#define DRAWS 20000

static void test_same_use_repeats(void **state)
{
	gsl_rng *a = rng_open(42, "workload.size"), *b = rng_open(42, "workload.size");

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(gsl_rng_get(a), gsl_rng_get(b));
	gsl_rng_free(a);
	gsl_rng_free(b);
}

/* The numbers themselves are part of every recorded result: they must never change. */
static void test_known_numbers(void **state)
{
	gsl_rng *a = rng_open(1, "test");

	(void)state;
	assert_int_equal(gsl_rng_get(a), 3035885708ul);
	assert_int_equal(gsl_rng_get(a), 3732829463ul);
	gsl_rng_free(a);
}

/* Correlation of two uniform streams of n draws is normal with variance 1/n: 5 sigma. */
static void assert_independent(gsl_rng *a, gsl_rng *b)
{
	double sum = 0;
	int equal = 0;

	for (int i = 0; i < DRAWS; i++) {
		unsigned long x = gsl_rng_get(a), y = gsl_rng_get(b);

		equal += x == y;
		sum += ((double)x / 4294967295.0 - 0.5) * ((double)y / 4294967295.0 - 0.5) * 12;
	}
	assert_in_range(equal, 0, 2);
	assert_true(sum * sum / DRAWS < 25);
	gsl_rng_free(a);
	gsl_rng_free(b);
}

static void test_uses_and_seeds_are_independent(void **state)
{
	(void)state;
	assert_independent(rng_open(42, "workload.size"), rng_open(42, "workload.sizf"));
	assert_independent(rng_open(42, "workload.size"), rng_open(43, "workload.size"));
	assert_independent(rng_open(0, "a"), rng_open(1ull << 63, "a"));
	assert_independent(rng_open(0, ""), rng_open(0, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_use_repeats),
	    cmocka_unit_test(test_known_numbers),
	    cmocka_unit_test(test_uses_and_seeds_are_independent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
