/*
 * histogram_buckets.c - bounds, quantiles and merging of the log-linear histogram.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_sort.h>

#include "results/histogram.h"

static void bounds_tile_all_values(void **state)
{
	u64 next = 0;

	for (u32 i = 0; i < HISTOGRAM_BUCKETS; i++) {
		assert_int_equal(histogram_low(i), next);
		assert_true(histogram_high(i) >= histogram_low(i));
		assert_int_equal(histogram_index(histogram_low(i)), i);
		assert_int_equal(histogram_index(histogram_high(i)), i);
		next = histogram_high(i) + 1;
	}
	assert_int_equal(next, 0); /* wrapped: the last bucket ends at 2^64 - 1 */
}

static void buckets_are_narrow(void **state)
{
	for (u32 i = 1; i < HISTOGRAM_BUCKETS; i++) {
		double low = (double)histogram_low(i), high = (double)histogram_high(i);

		assert_true((high - low) / low <= 1.0 / 64);
	}
}

static void quantile_of_few_values(void **state)
{
	struct histogram *h = calloc(1, sizeof(*h));

	assert_int_equal(histogram_quantile(h, 0.5), 0);
	histogram_add(h, 5);
	assert_int_equal(histogram_quantile(h, 0), 5);
	assert_int_equal(histogram_quantile(h, 0.5), 5);
	assert_int_equal(histogram_quantile(h, 1), 5);
	for (u64 v = 1; v <= 9; v++)
		histogram_add(h, v);
	assert_int_equal(h->count, 10);
	assert_int_equal(h->sum, 50);
	assert_int_equal(histogram_quantile(h, 0.1), 1);
	assert_int_equal(histogram_quantile(h, 0.5), 5);
	assert_int_equal(histogram_quantile(h, 0.6), 5);
	assert_int_equal(histogram_quantile(h, 0.61), 6);
	assert_int_equal(histogram_quantile(h, 1), 9);
	free(h);
}

static void quantile_never_exceeds_max(void **state)
{
	struct histogram *h = calloc(1, sizeof(*h));

	histogram_add(h, 1000001);
	assert_int_equal(histogram_quantile(h, 0.999), 1000001);
	histogram_add(h, UINT64_MAX);
	assert_true(histogram_quantile(h, 1) == UINT64_MAX);
	free(h);
}

/* Against sorted values: the histogram's answer holds the exact one in its bucket. */
static void quantiles_agree_with_sorting(void **state)
{
	static const double qs[] = {0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999};
	enum { N = 20000 };
	struct histogram *h = calloc(1, sizeof(*h));
	double *values = malloc(N * sizeof(*values));
	u64 x = 88172645463325252ull;

	for (int i = 0; i < N; i++) {
		u64 v;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v = (x >> 40) >> (x % 20);
		histogram_add(h, v);
		values[i] = (double)v;
	}
	gsl_sort(values, 1, N);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(qs); i++) {
		double rank = qs[i] * N;
		u32 k = (u32)rank + ((double)(u32)rank < rank);
		u64 exact = (u64)values[k - 1], got = histogram_quantile(h, qs[i]);

		assert_true(got >= exact);
		assert_int_equal(histogram_index(got), histogram_index(exact));
	}
	free(values);
	free(h);
}

static void merge_is_adding_both(void **state)
{
	struct histogram *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b)), *both = calloc(1, sizeof(*a));

	histogram_merge(a, b);
	assert_int_equal(a->count, 0);
	for (u64 v = 100; v < 5000; v += 7) {
		histogram_add(v % 2 ? a : b, v * v);
		histogram_add(both, v * v);
	}
	histogram_merge(a, b);
	assert_memory_equal(a, both, sizeof(*a));
	memset(b, 0, sizeof(*b));
	histogram_merge(b, both);
	assert_memory_equal(b, both, sizeof(*b));
	free(a);
	free(b);
	free(both);
}

int main(void)
{
	const struct CMUnitTest histogram_buckets[] = {
		cmocka_unit_test(bounds_tile_all_values),
		cmocka_unit_test(buckets_are_narrow),
		cmocka_unit_test(quantile_of_few_values),
		cmocka_unit_test(quantile_never_exceeds_max),
		cmocka_unit_test(quantiles_agree_with_sorting),
		cmocka_unit_test(merge_is_adding_both),
	};

	return cmocka_run_group_tests(histogram_buckets, NULL, NULL);
}
