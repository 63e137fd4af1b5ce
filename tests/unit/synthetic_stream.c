/*
 * synthetic_stream.c - drawn workloads: the same seed gives the same requests
 * whatever the pace, every object is used rightly, and what is drawn has the
 * distribution it should have.
 */
#include <math.h>

#include "trace_common.h"
#include "workloads/dist.h"
#include "workloads/synthetic.h"

#include "sim/engine/rng.h"

static double order_values[] = { 0, 1, 3 }, order_weights[] = { 6, 3, 1 };

static struct synthetic_config config(u64 requests, u64 cpus)
{
	return (struct synthetic_config){
		.requests = requests, .cpus = cpus,
		.size = { .kind = DIST_LOGNORMAL, .a = 128, .b = 1, .min = 8, .max = 8192 },
		.lifetime = { .kind = DIST_EXPONENTIAL, .a = 50 },
		.think = { .kind = DIST_UNIFORM, .a = 50, .b = 150 },
		.page_share = 0.25,
		.order = { .kind = DIST_DISCRETE, .values = { order_values, 3 }, .weights = { order_weights, 3 } },
		.movable_share = 0.5,
		.remote_free_share = cpus > 1 ? 0.3 : 0,
	};
}

static struct kept *all_of(const struct synthetic_config *c, u64 seed, size_t *n)
{
	struct kms_error err = { 0 };
	struct kms_stream *stream;
	struct kept *all;

	assert_int_equal(synthetic_open(&stream, c, seed, &err), 0);
	all = read_stream(stream, n);
	stream->close(stream);
	return all;
}

static void test_deterministic(void **state)
{
	const struct synthetic_config c = config(5000, 3);
	size_t na, nb, nc, differ = 0;
	struct kept *a = all_of(&c, 1, &na), *b = all_of(&c, 1, &nb), *other = all_of(&c, 2, &nc);

	assert_int_equal(na, nb);
	for (size_t i = 0; i < na; i++) {
		assert_same_request(&a[i].rq, &b[i].rq);
		differ += i >= nc || a[i].rq.size != other[i].rq.size;
	}
	assert_true(differ > na / 10);
	free_kept(a, na);
	free_kept(b, nb);
	free_kept(other, nc);
}

/* Whoever asks first, each CPU gets the same. */
static void test_pace_does_not_matter(void **state)
{
	const struct synthetic_config c = config(3000, 4);
	struct kms_error err = { 0 };
	struct kms_stream *stream;
	struct kms_request rq;
	bool done[4] = { false };
	size_t n, seen = 0;
	struct kept *expected = all_of(&c, 8, &n); /* CPU after CPU */
	u64 x = 3;

	assert_int_equal(synthetic_open(&stream, &c, 8, &err), 0);
	while (!done[0] || !done[1] || !done[2] || !done[3]) {
		u32 cpu = (u32)(next_random(&x) % 4);
		int got = stream->next(stream, cpu, &rq, &err);

		assert_true(got >= 0);
		if (!got) {
			done[cpu] = true;
			continue;
		}
		assert_same_request(&rq, &expected[rq.seq].rq);
		seen++;
	}
	assert_int_equal(seen, n);
	stream->close(stream);
	free_kept(expected, n);
}

struct slot {
	u32 generation;
	u8 op, order;
	u16 cpu;
	bool used, live;
};

/* In global order: nothing freed twice or by the wrong call, nothing allocated over a live object. */
static void test_consistent(void **state)
{
	const struct synthetic_config c = config(20000, 4);
	struct kms_error err = { 0 };
	struct kms_stream *stream;
	struct slot slots[2000] = { 0 }; /* about 4 * 50 live at a time */
	struct kept *all;
	u64 allocs = 0, pages = 0, movable = 0, frees = 0, remote = 0, time = 0, live_at_end = 0;
	size_t n;

	assert_int_equal(synthetic_open(&stream, &c, 4, &err), 0);
	assert_int_equal(stream->info->nr_cpus, 4);
	assert_true(stream->info->requests >= 20000); /* a bound until the end */
	all = read_stream(stream, &n);
	assert_int_equal(stream->info->requests, n);
	assert_true(stream->info->slots < 2000);
	assert_int_equal(all[0].rq.op, REQ_PHASE);
	for (size_t i = 1; i < n; i++) {
		const struct kms_request *rq = &all[i].rq;
		struct slot *s = &slots[rq->refs[0].slot];

		assert_int_equal(rq->n, 1);
		assert_true(rq->refs[0].slot < stream->info->slots);
		assert_true(rq->time >= time);
		time = rq->time;
		if (kms_request_classes[rq->op] == 'A') {
			assert_false(s->live);
			if (s->used)
				assert_int_equal(rq->refs[0].generation, s->generation + 1);
			*s = (struct slot){ rq->refs[0].generation, rq->op, rq->order, rq->cpu, true, true };
			allocs++;
			pages += rq->op == REQ_PAGE_ALLOC;
			movable += rq->op == REQ_PAGE_ALLOC && (rq->gfp & 8);
			if (rq->op == REQ_KMALLOC)
				assert_in_range(rq->size, 8, 8192);
			else
				assert_true(rq->order == 0 || rq->order == 1 || rq->order == 3);
			continue;
		}
		assert_true(s->live);
		assert_int_equal(s->generation, rq->refs[0].generation);
		assert_int_equal(rq->op, s->op == REQ_KMALLOC ? REQ_KFREE : REQ_PAGE_FREE);
		assert_int_equal(rq->order, s->order);
		remote += s->cpu != rq->cpu;
		s->live = false;
		frees++;
	}
	for (u64 i = 0; i < stream->info->slots; i++)
		live_at_end += slots[i].live;
	assert_int_equal(allocs, 20000);
	assert_int_equal(live_at_end, allocs - frees);
	assert_true(fabs((double)pages / (double)allocs - 0.25) < 0.02);
	assert_true(fabs((double)movable / (double)pages - 0.5) < 0.04);
	assert_true(fabs((double)remote / (double)frees - 0.3) < 0.02);
	/* Little's law: live objects = lifetime (50 allocations of its CPU) times 4 CPUs */
	assert_true(live_at_end > 100 && live_at_end < 320);
	/* 4 CPUs in parallel, 5000 turns each, 100 ns a turn */
	assert_true(fabs((double)stream->info->duration_ns / 500000.0 - 1) < 0.03);
	stream->close(stream);
	free_kept(all, n);
}

static double mean_of(const struct dist_config *c)
{
	gsl_rng *rng = rng_open(1, "test");
	double sum = 0;
	struct dist d;

	assert_true(dist_init(&d, c));
	for (int i = 0; i < 200000; i++)
		sum += dist_draw(&d, rng);
	dist_free(&d);
	gsl_rng_free(rng);
	return sum / 200000;
}

static void assert_near(double a, double b, double relative)
{
	if (!(fabs(a / b - 1) < relative))
		fail_msg("%g is not within %g of %g", a, relative, b);
}

/* Means against the distributions' formulas. */
static void test_distributions(void **state)
{
	assert_near(mean_of(&(struct dist_config){ .kind = DIST_CONSTANT, .a = 7 }), 7, 1e-12);
	assert_near(mean_of(&(struct dist_config){ .kind = DIST_UNIFORM, .a = 10, .b = 30 }), 20, 0.01);
	assert_near(mean_of(&(struct dist_config){ .kind = DIST_EXPONENTIAL, .a = 40 }), 40, 0.01);
	assert_near(mean_of(&(struct dist_config){ .kind = DIST_LOGNORMAL, .a = 100, .b = 0.5 }),
		    100 * exp(0.125), 0.01);
	assert_near(mean_of(&(struct dist_config){ .kind = DIST_PARETO, .a = 10, .b = 3 }), 15, 0.01);
	assert_near(mean_of(&(struct dist_config){ .kind = DIST_WEIBULL, .a = 10, .b = 2 }),
		    10 * tgamma(1.5), 0.01);
	assert_near(mean_of(&(struct dist_config){ .kind = DIST_DISCRETE, .values = { order_values, 3 },
						   .weights = { order_weights, 3 } }), 0.6, 0.01);
	assert_near(mean_of(&(struct dist_config){ .kind = DIST_EXPONENTIAL, .a = 40, .min = 1e6, .max = 1e6 }),
		    1e6, 1e-12);
}

static void test_integers(void **state)
{
	const struct dist_config c = { .kind = DIST_CONSTANT, .a = 2.6 };
	gsl_rng *rng = rng_open(1, "test");
	struct dist d;

	assert_true(dist_init(&d, &c));
	assert_int_equal(dist_draw_integer(&d, rng, 0, 10), 3);
	assert_int_equal(dist_draw_integer(&d, rng, 5, 10), 5);
	assert_int_equal(dist_draw_integer(&d, rng, 0, 2), 2);
	dist_free(&d);
	gsl_rng_free(rng);
}

/* ---- configuration ---- */

static void load(const char *json, const char *expected)
{
	struct synthetic_config c;
	struct kms_error err = { 0 };
	struct cfg *cfg;
	int ret = cfg_load_text(&cfg, &synthetic_config_table, &c, json, "s.json", ".", NULL, 0, &err);

	if (!expected) {
		if (ret)
			fail_msg("%s", err.text);
		assert_int_equal(c.size.kind, DIST_LOGNORMAL);
		assert_int_equal(c.order.values.n, 4);
		cfg_free(cfg);
		return;
	}
	assert_int_equal(ret, KMS_EUSAGE);
	if (!strstr(err.text, expected))
		fail_msg("expected '%s' in '%s'", expected, err.text);
}

static void test_config(void **state)
{
	load("{}", NULL);
	load("{\"cpus\": 0}", "cpus");
	load("{\"size\": {\"kind\": \"zipf\"}}", "zipf");
	load("{\"size\": {\"kind\": \"discrete\"}}", "needs at least one value");
	load("{\"size\": {\"kind\": \"discrete\", \"values\": [1, 2], \"weights\": [1]}}",
	     "expected as many weights as values (2), found 1");
	load("{\"size\": {\"kind\": \"discrete\", \"values\": [1, 2], \"weights\": [1, -1]}}", "expected a weight of 0 or more");
	load("{\"size\": {\"kind\": \"discrete\", \"values\": [1, 2], \"weights\": [0, 0]}}", "at least one weight above 0");
	load("{\"size\": {\"kind\": \"exponential\", \"a\": 0}}", "more than 0 for exponential");
	load("{\"size\": {\"kind\": \"uniform\", \"a\": 5, \"b\": 4}}", "expected at least a (5)");
	load("{\"size\": {\"kind\": \"pareto\", \"a\": 5, \"b\": 0}}", "more than 0 for pareto");
	load("{\"size\": {\"kind\": \"constant\", \"a\": 5, \"min\": 4, \"max\": 3}}", "expected at least min");
	load("{\"size\": {\"kind\": \"constant\", \"values\": [5]}}", "only a discrete distribution has these");
	load("{\"remote_free_share\": 0.5}", "expected 0 with one CPU");
	load("{\"cpus\": 8, \"requests\": 3}", "at least one for each of the 8 CPUs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_pace_does_not_matter),
		cmocka_unit_test(test_consistent),
		cmocka_unit_test(test_distributions),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests_name("synthetic_stream", tests, make_dir, remove_dir);
}
