/*
 * calibrate_count.c - counting instructions, cost tables from counts, and when a
 * comparison of native with simulated cycles is good.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/rt/costs.h"
#include "sim/calibrate/compare.h"
#include "sim/calibrate/count.h"

/* ---- counting ---- */

static void few(void *arg)
{
	(void)arg;
	__asm__ volatile(".rept 10\n\tnop\n\t.endr");
}

static void many(void *arg)
{
	(void)arg;
	__asm__ volatile(".rept 110\n\tnop\n\t.endr");
}

static void counts_every_instruction(void **state)
{
	struct kms_error err = {0};
	u64 a = 0, b = 0;

#ifdef __x86_64__
	assert_int_equal(count_instructions(few, NULL, &a, &err), 0);
	assert_int_equal(count_instructions(many, NULL, &b, &err), 0);
	assert_int_equal(b - a, 100);
#else
	assert_int_equal(count_instructions(few, NULL, &a, &err), KMS_EFAIL);
	(void)b, (void)many;
#endif
}

/* ---- fitting ---- */

/* A call: passes of kmalloc and of its fast or slow path, an argument, accesses. */
static struct count_observation call(u32 fast, u32 slow, u64 tails, double insns)
{
	struct count_observation o = {.accesses = 10, .insns = insns, .weight = 1, .wanted = true};

	o.passes[TP_slab_alloc_fast] = fast;
	o.passes[TP_slab_alloc_slow] = slow;
	o.passes[TP_mm_page_free] = tails > 0;
	o.args[TP_mm_page_free] = tails;
	return o;
}

/* fast 40, slow 90, 7 a tail page, nothing at the page itself; 10 of each call are accesses. */
static void finds_what_the_points_cost(void **state)
{
	struct count_observation list[] = {
		call(1, 0, 0, 50), call(0, 1, 0, 100), call(1, 1, 0, 140), call(1, 0, 8, 106), call(0, 1, 3, 121),
		call(0, 0, 100, 710),
	};
	struct count_table t = {list, KMS_ARRAY_SIZE(list), KMS_ARRAY_SIZE(list)};
	struct kms_error err = {0};
	struct count_fit fit;

	assert_int_equal(count_solve(&t, &fit, &err), 0);
	assert_float_equal(fit.costs[TP_slab_alloc_fast].insns, 40, 0.11);
	assert_float_equal(fit.costs[TP_slab_alloc_slow].insns, 90, 0.11);
	assert_float_equal(fit.costs[TP_mm_page_free].insns_per_arg, 7, 0.02);
	assert_float_equal(fit.mean_error, 0, 0.005);
	assert_int_equal(fit.calls, 6);
}

/* A bulk call's own cost is what is left when its points cost what they cost alone. */
static void bulk_calls_come_last(void **state)
{
	struct count_observation list[] = {call(1, 0, 0, 50), call(0, 1, 0, 100), call(0, 2, 0, 230)};
	struct count_table t = {list, KMS_ARRAY_SIZE(list), KMS_ARRAY_SIZE(list)};
	struct kms_error err = {0};
	struct count_fit fit;

	list[2].passes[TP_slab_bulk_free] = 1;
	assert_int_equal(count_solve(&t, &fit, &err), 0);
	assert_float_equal(fit.costs[TP_slab_alloc_slow].insns, 90, 0.11);
	assert_float_equal(fit.costs[TP_slab_bulk_free].insns, 40, 0.11);
}

static void a_table_that_loads(void **state)
{
	struct count_observation list[] = {call(1, 0, 0, 50), call(0, 1, 0, 100)};
	struct count_table t = {list, KMS_ARRAY_SIZE(list), KMS_ARRAY_SIZE(list)};
	struct cost_table costs;
	struct kms_error err = {0};
	struct count_fit fit;
	char *text;

	assert_int_equal(count_solve(&t, &fit, &err), 0);
	text = count_costs(&fit, "test");
	assert_non_null(text);
	assert_int_equal(costs_parse(&costs, text, "test", &err), 0);
	assert_int_equal(costs.nr_given, 2);
	assert_float_equal(costs.costs[TP_slab_alloc_slow].insns, 90, 0.11);
	costs_free(&costs);
	free(text);
}

static void nothing_counted_is_an_error(void **state)
{
	struct count_observation one = {.passes = {1}};
	struct count_table t = {&one, 1, 1};
	struct kms_error err = {0};
	struct count_fit fit;

	assert_int_equal(count_solve(&t, &fit, &err), KMS_EFAIL);
}

/* ---- judging ---- */

static void verdicts(void **state)
{
	const struct compare_limits limits = {.spread = 0.05, .mean = 0.15, .each = 0.30, .least = 12};
	struct compare_result r = {.n = 20, .judged = 15, .mean_error = 0.15, .worst_error = 0.3};
	char text[200];

	assert_null(compare_verdict(&r, &limits, text, sizeof(text)));
	r.mean_error = 0.151;
	assert_non_null(strstr(compare_verdict(&r, &limits, text, sizeof(text)), "15.1 %"));
	r.mean_error = 0.1;
	r.worst_error = 0.31;
	assert_non_null(strstr(compare_verdict(&r, &limits, text, sizeof(text)), "31.0 %"));
	r.worst_error = 0.1;
	r.judged = 11;
	assert_non_null(strstr(compare_verdict(&r, &limits, text, sizeof(text)), "at least 12"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_every_instruction),  cmocka_unit_test(finds_what_the_points_cost),
		cmocka_unit_test(bulk_calls_come_last),	     cmocka_unit_test(a_table_that_loads),
		cmocka_unit_test(nothing_counted_is_an_error), cmocka_unit_test(verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
