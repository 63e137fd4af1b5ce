/*
 * compare_figures.c - figures of made-up runs side by side: values, order, best, differences.
 */
#include "tests/unit/store_test.h"

#include "results/compare.h"

static struct kms_error err;
static struct store *store;
static s64 slub, noslab, functional, other_seed;

static int fill(void **state)
{
	const struct sample_options a = {.name = "slub", .seed = 1}, b = {.name = "noslab", .seed = 1, .no_slab = true},
				    c = {.name = "f", .seed = 1, .functional = true},
				    d = {.name = "slub", .seed = 2};

	if (make_test_dir(state))
		return -1;
	store = test_open("c.db");
	return sample_run(store, &a, &slub, &err) || sample_run(store, &b, &noslab, &err) ||
	       sample_run(store, &c, &functional, &err) || sample_run(store, &d, &other_seed, &err);
}

static int clear(void **state)
{
	store_close(store, NULL);
	return remove_test_dir(state);
}

static struct comparison compare(const struct compare_column *columns, u32 n)
{
	struct comparison c;

	memset(&err, 0, sizeof(err));
	assert_ok(compare_columns(&c, store, columns, n, &err), &err);
	return c;
}

static const struct compare_row *row(const struct comparison *c, const char *name)
{
	const struct compare_row *r = comparison_find(c, name);

	if (!r)
		fail_msg("no figure '%s'", name);
	return r;
}

static void metrics_have_their_values(void **state)
{
	const struct compare_column columns[] = {{&slub, 1}, {&noslab, 1}};
	struct comparison c = compare(columns, 2);
	const struct compare_row *r = row(&c, "held_bytes_peak");

	assert_true(r->cells[0].interval.mean == 52e6 && r->cells[1].interval.mean == 107e6);
	assert_int_equal(r->best, 0);
	assert_true(fabs(compare_difference(r, 1) - 105.769) < 0.001);
	assert_true(isnan(compare_difference(r, 0)));
	assert_string_equal(r->figure.unit, "bytes");
	assert_int_equal(row(&c, "requests")->best, -1); /* neither better nor worse */
	assert_true(compare_difference(row(&c, "requests"), 1) == 0);
	assert_int_equal(row(&c, "latency_p99")->best, -1); /* equal */
	comparison_free(&c);
}

/* As the histogram in the database says; `show` computes the same. */
static void latencies_are_those_of_the_histogram(void **state)
{
	const struct compare_column columns[] = {{&slub, 1}, {&noslab, 1}};
	struct comparison c = compare(columns, 2);
	struct histogram *h = malloc(sizeof(*h));

	assert_ok(query_histogram(store, noslab, "kmalloc", NULL, h, &err), &err);
	assert_true(row(&c, "latency.kmalloc.p99")->cells[1].interval.mean ==
		    (double)histogram_quantile(h, 0.99) / 1000);
	assert_true(row(&c, "latency.kmalloc.p99.9")->cells[1].interval.mean ==
		    (double)histogram_quantile(h, 0.999) / 1000);
	assert_ok(query_histogram(store, slub, "kmalloc", "slow_partial", h, &err), &err);
	assert_true(row(&c, "latency.kmalloc.slow_partial.mean")->cells[0].interval.mean ==
		    (double)h->sum / (double)h->count / 1000);
	assert_true(fabs(row(&c, "latency.kmalloc.fast.share")->cells[0].interval.mean - 20000.0 / 20960) < 1e-3);
	assert_true(row(&c, "lock.zone->lock.wait")->cells[0].interval.mean == 45000);
	free(h);
	comparison_free(&c);
}

static void causes_are_those_at_the_peak(void **state)
{
	const struct compare_column columns[] = {{&slub, 1}, {&noslab, 1}};
	struct comparison c = compare(columns, 2);
	double held = 0;
	static const char *const all[] = {"requested",  "rounding",     "slab_tail",
					  "page_order", "free_partial", "cpu_cached"};
	s64 peak;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(all); i++) {
		char name[40];

		snprintf(name, sizeof(name), "peak.%s", all[i]);
		held += row(&c, name)->cells[0].interval.mean;
	}
	peak = test_int(store, "SELECT max(total - free - metadata - reserved) FROM byte_partition b"
			       " JOIN phase p USING (run, phase) WHERE b.run = 1 AND NOT warm_up");
	assert_true(held == (double)peak);
	comparison_free(&c);
}

static void sections_are_in_order(void **state)
{
	const struct compare_column columns[] = {{&functional, 1}, {&slub, 1}};
	struct comparison c = compare(columns, 2);
	u32 ranks = 0;

	for (u32 i = 1; i < c.nr_rows; i++) {
		const struct compare_figure *f = &c.rows[i].figure, *before = &c.rows[i - 1].figure;

		assert_true(f->section >= before->section);
		if (f->section == COMPARE_LATENCY && f->rank > ranks)
			ranks = f->rank;
		for (u32 k = 0; k < i; k++)
			assert_string_not_equal(f->name, c.rows[k].figure.name);
	}
	assert_int_equal(ranks, 7); /* eight operations, though the first column has none */
	comparison_free(&c);
}

static void a_column_may_lack_a_figure(void **state)
{
	const struct compare_column columns[] = {{&functional, 1}, {&slub, 1}};
	struct comparison c = compare(columns, 2);
	const struct compare_row *r = row(&c, "latency_p99");

	assert_int_equal(r->cells[0].interval.n, 0);
	assert_int_equal(r->cells[1].interval.n, 1);
	assert_true(isnan(compare_difference(r, 1)));
	assert_false(compare_parts(r, 1));
	assert_int_equal(r->best, -1); /* alone is not best */
	comparison_free(&c);
}

static void several_seeds_are_one_column(void **state)
{
	s64 both[] = {slub, other_seed};
	const struct compare_column columns[] = {{both, 2}, {&slub, 1}, {&noslab, 1}};
	struct comparison c = compare(columns, 3);
	const struct compare_cell *cell = &row(&c, "latency.touch.mean")->cells[0];

	assert_int_equal(cell->interval.n, 2);
	assert_true(cell->values[0] != cell->values[1]);
	assert_true(cell->interval.mean == (cell->values[0] + cell->values[1]) / 2);
	assert_true(cell->interval.low < cell->interval.mean && cell->interval.mean < cell->interval.high);
	/* one of the two seeds, and so neither is better */
	assert_int_equal(row(&c, "latency.touch.mean")->best, -1);
	assert_false(compare_parts(row(&c, "latency.touch.mean"), 1));
	assert_true(compare_parts(row(&c, "held_bytes_peak"), 2));
	comparison_free(&c);
}

static void where_runs_part(void **state)
{
	struct compare_instant at[2];
	u32 cause;
	s64 before, first;

	assert_int_equal(compare_diverge(store, slub, other_seed, 0.01, at, &cause, &before, &err), 0);
	assert_int_equal(compare_diverge(store, slub, noslab, 0.01, at, &cause, &before, &err), 1);
	first = at[0].request;
	assert_true(before < first);
	assert_true(at[0].held > at[0].waste[0]);
	/* a higher threshold is passed later, one of 100 % of held never */
	assert_int_equal(compare_diverge(store, slub, noslab, 0.6, at, &cause, &before, &err), 1);
	assert_true(at[0].request > first);
	assert_int_equal(cause, 2);
	assert_true(before >= first);
	assert_int_equal(compare_diverge(store, slub, noslab, 1, at, &cause, &before, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_have_their_values),
		cmocka_unit_test(latencies_are_those_of_the_histogram),
		cmocka_unit_test(causes_are_those_at_the_peak),
		cmocka_unit_test(sections_are_in_order),
		cmocka_unit_test(a_column_may_lack_a_figure),
		cmocka_unit_test(several_seeds_are_one_column),
		cmocka_unit_test(where_runs_part),
	};

	return cmocka_run_group_tests_name("compare_figures", tests, fill, clear);
}
