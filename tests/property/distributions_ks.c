/*
 * distributions_ks.c - what the generators draw has the distribution it should
 * have: Kolmogorov-Smirnov tests of 20,000 values against the formula, at a
 * level of 0.1 %. For distributions on a few values, a chi-squared test. The
 * tests themselves are tested: parameters that are a little off are noticed.
 */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort_double.h>
#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "sim/engine/rng.h"
#include "workloads/dist.h"
#include "workloads/touch.h"

#define N 20000
#define KS_CRITICAL 1.949 /* of sqrt(n) D at 0.1 % */

static double samples[N];

static void draw(const struct dist_config *c)
{
	gsl_rng *rng = rng_open(12345, "ks");
	struct dist d;

	assert_true(dist_init(&d, c));
	for (int i = 0; i < N; i++)
		samples[i] = dist_draw(&d, rng);
	dist_free(&d);
	gsl_rng_free(rng);
}

/* sqrt(n) D of the sorted samples. */
static double distance(double (*cdf)(double x, const struct dist_config *c), const struct dist_config *c)
{
	double most = 0;

	gsl_sort(samples, 1, N);
	for (int i = 0; i < N; i++) {
		double f = cdf(samples[i], c);

		most = fmax(most, fmax(f - (double)i / N, (double)(i + 1) / N - f));
	}
	return most * sqrt(N);
}

static double uniform(double x, const struct dist_config *c) { return gsl_cdf_flat_P(x, c->a, c->b); }
static double exponential(double x, const struct dist_config *c) { return gsl_cdf_exponential_P(x, c->a); }
static double lognormal(double x, const struct dist_config *c) { return gsl_cdf_lognormal_P(x, log(c->a), c->b); }
static double pareto(double x, const struct dist_config *c) { return gsl_cdf_pareto_P(x, c->b, c->a); }
static double weibull(double x, const struct dist_config *c) { return gsl_cdf_weibull_P(x, c->a, c->b); }

static double bimodal(double x, const struct dist_config *c)
{
	return (1 - c->share) * gsl_cdf_exponential_P(x, c->a) + c->share * gsl_cdf_exponential_P(x, c->b);
}

static double bounds[] = {0, 10, 15, 100}, parts[] = {5, 1, 4};

static double empirical(double x, const struct dist_config *c)
{
	double below = 0;

	for (int i = 0; i < 3; i++) {
		if (x < bounds[i + 1])
			return (below + parts[i] * (x - bounds[i]) / (bounds[i + 1] - bounds[i])) / 10;
		below += parts[i];
	}
	return 1;
}

static const struct {
	struct dist_config config, off; /* off: a little wrong */
	double (*cdf)(double x, const struct dist_config *c);
} continuous[] = {
	{{.kind = DIST_UNIFORM, .a = 10, .b = 30}, {.kind = DIST_UNIFORM, .a = 10, .b = 31}, uniform},
	{{.kind = DIST_EXPONENTIAL, .a = 40}, {.kind = DIST_EXPONENTIAL, .a = 42}, exponential},
	{{.kind = DIST_LOGNORMAL, .a = 100, .b = 0.5}, {.kind = DIST_LOGNORMAL, .a = 105, .b = 0.5}, lognormal},
	{{.kind = DIST_PARETO, .a = 10, .b = 1.5}, {.kind = DIST_PARETO, .a = 10, .b = 1.6}, pareto},
	{{.kind = DIST_WEIBULL, .a = 10, .b = 2}, {.kind = DIST_WEIBULL, .a = 10, .b = 2.2}, weibull},
	{{.kind = DIST_BIMODAL, .a = 10, .b = 1000, .share = 0.3},
	 {.kind = DIST_BIMODAL, .a = 10, .b = 1000, .share = 0.36}, bimodal},
	{{.kind = DIST_EMPIRICAL, .values = {bounds, 4}, .weights = {parts, 3}},
	 {.kind = DIST_EXPONENTIAL, .a = 20}, empirical},
};

static void test_continuous(void **state)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(continuous); i++) {
		double d;

		draw(&continuous[i].config);
		d = distance(continuous[i].cdf, &continuous[i].config);
		if (!(d < KS_CRITICAL))
			fail_msg("distribution %u: sqrt(n) D is %g", continuous[i].config.kind, d);
	}
}

static void test_notices_wrong_parameters(void **state)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(continuous); i++) {
		double d;

		draw(&continuous[i].off);
		d = distance(continuous[i].cdf, &continuous[i].config);
		if (!(d > KS_CRITICAL))
			fail_msg("distribution %u: not noticed, sqrt(n) D is %g", continuous[i].config.kind, d);
	}
}

static double classes[] = {8, 64, 256, 1024, 4096}, weights[] = {1, 5, 2, 1, 1};

/* p of the chi-squared test that values come with these probabilities. */
static double chi_squared(const double *expected)
{
	double counts[5] = {0}, sum = 0, x2 = 0;

	for (int i = 0; i < N; i++)
		for (int k = 0; k < 5; k++)
			counts[k] += samples[i] == classes[k];
	for (int k = 0; k < 5; k++)
		sum += expected[k];
	for (int k = 0; k < 5; k++)
		x2 += pow(counts[k] - N * expected[k] / sum, 2) / (N * expected[k] / sum);
	return gsl_cdf_chisq_Q(x2, 4);
}

static void test_on_few_values(void **state)
{
	const double zipf[] = {1, pow(2, -1.2), pow(3, -1.2), pow(4, -1.2), pow(5, -1.2)};

	draw(&(struct dist_config){.kind = DIST_DISCRETE, .values = {classes, 5}, .weights = {weights, 5}});
	assert_true(chi_squared(weights) > 0.001);
	assert_true(chi_squared(zipf) < 0.001);
	draw(&(struct dist_config){.kind = DIST_ZIPF, .a = 1.2, .values = {classes, 5}});
	assert_true(chi_squared(zipf) > 0.001);
	assert_true(chi_squared(weights) < 0.001);
}

/* ---- arrivals, from the stream itself ---- */

static struct synthetic_config base(void)
{
	return (struct synthetic_config){
		.requests = N + 1, .cpus = 1, .size = {.kind = DIST_CONSTANT, .a = 64},
		.lifetime = {.kind = DIST_CONSTANT, .a = 5}, .think = {.kind = DIST_CONSTANT, .a = 100},
		.arrivals = {.kind = ARRIVALS_POISSON, .rate = 1000, .on = {.kind = DIST_CONSTANT, .a = 1e8},
			     .off = {.kind = DIST_CONSTANT, .a = 9e8}, .period = KMS_PS_PER_S, .swing = 0.8},
	};
}

/* Times of the allocations, in ns. */
static void arrivals(const struct synthetic_config *c, double *times)
{
	struct kms_error err = {0};
	struct kms_stream *stream;
	struct kms_request rq;
	int n = 0;

	assert_int_equal(synthetic_open(&stream, c, 99, &err), 0);
	while (stream->next(stream, 0, &rq, &err) == 1)
		if (rq.op == REQ_KMALLOC)
			times[n++] = (double)rq.time;
	assert_int_equal(n, N + 1);
	stream->close(stream);
}

static double times[N + 1];

static void test_poisson(void **state)
{
	struct synthetic_config c = base();
	const struct dist_config gaps = {.kind = DIST_EXPONENTIAL, .a = 1e6};

	arrivals(&c, times);
	for (int i = 0; i < N; i++)
		samples[i] = times[i + 1] - times[i];
	assert_true(distance(exponential, &gaps) < KS_CRITICAL);
}

/* Of every second, 100 ms are on: no arrival in the 900 ms that begin it, evenly spread in the rest. */
static void test_bursts(void **state)
{
	struct synthetic_config c = base();
	const struct dist_config spread = {.kind = DIST_UNIFORM, .a = 9e8, .b = 1e9};

	c.arrivals.kind = ARRIVALS_BURSTS;
	arrivals(&c, times);
	for (int i = 0; i < N; i++)
		samples[i] = fmod(times[i], 1e9);
	assert_true(distance(uniform, &spread) < KS_CRITICAL);
}

/* The integral of 1 + swing sin(2 pi t) over a day of one second. */
static double day(double x, const struct dist_config *c)
{
	double t = x / 1e9;

	return t + 0.8 * (1 - cos(2 * M_PI * t)) / (2 * M_PI);
}

static void test_diurnal(void **state)
{
	struct synthetic_config c = base();

	c.arrivals.kind = ARRIVALS_DIURNAL;
	arrivals(&c, times);
	for (int i = 0; i < N; i++)
		samples[i] = fmod(times[i], 1e9);
	assert_true(distance(day, NULL) < KS_CRITICAL);
}

/* The part of objects that is touched; the same for a request whenever it is asked; clamped to the object. */
static void test_touched_share(void **state)
{
	const struct touch_config config = {
		.write_share = {.kind = DIST_UNIFORM, .a = 0, .b = 1},
		.read_share = {.kind = DIST_WEIBULL, .a = 0.2, .b = 1.5}, .read_bytes = 64,
	};
	const u64 size = 1ull << 30;
	struct touch t;

	assert_true(touch_init(&t, &config, 7) && touch_any(&t, true) && touch_any(&t, false));
	for (int i = 0; i < N; i++)
		samples[i] = (double)touch_reach(&t, true, (u64)i, 0, size) / (double)size;
	assert_true(touch_reach(&t, true, 17, 0, size) == (u64)(samples[17] * (double)size));
	assert_true(distance(uniform, &config.write_share) < KS_CRITICAL);
	for (int i = 0; i < N; i++)
		samples[i] = (double)touch_reach(&t, false, (u64)i / 4, (u32)i % 4, size) / (double)size;
	gsl_sort(samples, 1, N);
	assert_true(samples[N - 1] <= 1);
	assert_true(distance(weibull, &config.read_share) < KS_CRITICAL);
	assert_int_equal(touch_reach(&t, false, 1, 0, 48), 48);
	touch_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_touched_share),
		cmocka_unit_test(test_continuous),
		cmocka_unit_test(test_notices_wrong_parameters),
		cmocka_unit_test(test_on_few_values),
		cmocka_unit_test(test_poisson),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_diurnal),
	};

	return cmocka_run_group_tests_name("distributions_ks", tests, NULL, NULL);
}
