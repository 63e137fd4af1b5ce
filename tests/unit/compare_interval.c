/*
 * compare_interval.c - means, their intervals, and how often these are right.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_randist.h>

#include "results/compare.h"
#include "sim/engine/rng.h"

static void one_value_is_its_own_interval(void **state)
{
	struct interval i = interval_of((const double[]){42}, 1);

	assert_int_equal(i.n, 1);
	assert_true(i.mean == 42 && i.low == 42 && i.high == 42);
	assert_int_equal(interval_of(NULL, 0).n, 0);
}

static void equal_values_have_no_width(void **state)
{
	struct interval i = interval_of((const double[]){0.1, 0.1, 0.1}, 3);

	assert_true(i.mean == 0.1 && i.low == 0.1 && i.high == 0.1);
}

static void same_values_same_interval(void **state)
{
	const double values[] = {3, 1, 4, 1, 5};
	struct interval a = interval_of(values, 5), b = interval_of(values, 5);

	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(fabs(a.mean - 2.8) < 1e-12);
	assert_true(a.low >= 1 && a.low < a.mean && a.mean < a.high && a.high <= 5);
}

static void scales_with_the_values(void **state)
{
	struct interval a = interval_of((const double[]){3, 1, 4, 1, 5}, 5);
	struct interval b = interval_of((const double[]){3000, 1000, 4000, 1000, 5000}, 5);

	assert_true(fabs(b.low - 1000 * a.low) < 1e-6 && fabs(b.high - 1000 * a.high) < 1e-6);
}

/* Of so many intervals over n normal values, the share that holds the true mean. */
static double coverage(u32 n, u32 trials)
{
	gsl_rng *rng = rng_open(7, "test.coverage");
	u32 right = 0;

	for (u32 t = 0; t < trials; t++) {
		double values[32];
		struct interval i;

		for (u32 k = 0; k < n; k++)
			values[k] = 10 + gsl_ran_gaussian(rng, 2);
		i = interval_of(values, n);
		right += i.low <= 10 && 10 <= i.high;
	}
	gsl_rng_free(rng);
	return (double)right / trials;
}

/* The plain percentile interval would be at 0.84 and 0.90 here. */
static void intervals_hold_the_true_mean_as_often_as_they_say(void **state)
{
	double five = coverage(5, 600), ten = coverage(10, 600);

	print_message("coverage with 5 values %.3f, with 10 values %.3f\n", five, ten);
	assert_true(five > 0.91 && five < 0.99);
	assert_true(ten > 0.925 && ten < 0.985);
}

static void parting(void **state)
{
	struct interval a = {3, 2, 1, 3}, b = {3, 5, 4, 6}, c = {3, 3, 2, 4}, none = {0, 0, 0, 0};

	assert_true(intervals_part(&a, &b) && intervals_part(&b, &a));
	assert_false(intervals_part(&a, &c) || intervals_part(&b, &c)); /* touching is overlapping */
	assert_false(intervals_part(&a, &none));
}

static void ratios(void **state)
{
	const double above[] = {20, 22, 18, 21, 19}, below[] = {10, 10.5, 9.5, 10.2, 9.8};
	struct interval r = interval_of_ratio(above, 5, below, 5);

	assert_true(fabs(r.mean - 2) < 1e-12);
	assert_true(r.low > 1.7 && r.low < 2 && r.high > 2 && r.high < 2.3);
	r = interval_of_ratio((const double[]){6}, 1, (const double[]){2}, 1);
	assert_true(r.mean == 3 && r.low == 3 && r.high == 3);
	r = interval_of_ratio((const double[]){6}, 1, (const double[]){0}, 1);
	assert_true(isinf(r.mean));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_value_is_its_own_interval),
		cmocka_unit_test(equal_values_have_no_width),
		cmocka_unit_test(same_values_same_interval),
		cmocka_unit_test(scales_with_the_values),
		cmocka_unit_test(intervals_hold_the_true_mean_as_often_as_they_say),
		cmocka_unit_test(parting),
		cmocka_unit_test(ratios),
	};

	return cmocka_run_group_tests_name("compare_interval", tests, NULL, NULL);
}
