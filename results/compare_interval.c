/*
 * compare_interval.c - what several seeds tell: means and their intervals.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "results/compare.h"
#include "sim/engine/rng.h"

#define TAIL 0.025

/*
 * The quantile to take on each side. Resampling n values underestimates how
 * far their mean may be off, the more the fewer there are; this widens the
 * interval to what Student's t would have for normal values.
 */
static double tail_of(u32 n)
{
	double t = gsl_cdf_tdist_Qinv(TAIL, n - 1);

	return gsl_cdf_ugaussian_Q(t * sqrt((double)n / (n - 1)));
}

static double resampled_mean(gsl_rng *rng, const double *values, u32 n)
{
	double sum = 0;

	for (u32 i = 0; i < n; i++)
		sum += values[gsl_rng_uniform_int(rng, n)];
	return sum / n;
}

static double mean_of(const double *values, u32 n)
{
	double sum = 0;

	for (u32 i = 0; i < n; i++)
		sum += values[i];
	return sum / n;
}

static bool all_equal(const double *values, u32 n)
{
	for (u32 i = 1; i < n; i++)
		if (values[i] != values[0])
			return false;
	return true;
}

static void set_bounds(struct interval *i, double *resampled, double tail)
{
	gsl_sort(resampled, 1, COMPARE_RESAMPLES);
	i->low = gsl_stats_quantile_from_sorted_data(resampled, 1, COMPARE_RESAMPLES, tail);
	i->high = gsl_stats_quantile_from_sorted_data(resampled, 1, COMPARE_RESAMPLES, 1 - tail);
}

struct interval interval_of(const double *values, u32 n)
{
	struct interval interval = {.n = n};
	double *means;
	gsl_rng *rng;

	if (!n)
		return interval;
	if (all_equal(values, n)) {
		interval.mean = interval.low = interval.high = values[0];
		return interval;
	}
	interval.mean = mean_of(values, n);
	interval.low = -INFINITY;
	interval.high = INFINITY;
	means = malloc(COMPARE_RESAMPLES * sizeof(*means));
	if (!means)
		return interval; /* knows nothing, claims nothing */
	rng = rng_open(1, "compare.bootstrap");
	for (u32 i = 0; i < COMPARE_RESAMPLES; i++)
		means[i] = resampled_mean(rng, values, n);
	set_bounds(&interval, means, tail_of(n));
	gsl_rng_free(rng);
	free(means);
	return interval;
}

struct interval interval_of_ratio(const double *above, u32 nr_above, const double *below, u32 nr_below)
{
	u32 least = nr_above < nr_below ? nr_above : nr_below;
	struct interval interval = {.n = least};
	double *ratios;
	gsl_rng *rng;

	if (!least)
		return interval;
	interval.mean = mean_of(above, nr_above) / mean_of(below, nr_below);
	interval.low = interval.high = interval.mean;
	if (least == 1 || (all_equal(above, nr_above) && all_equal(below, nr_below)))
		return interval;
	ratios = malloc(COMPARE_RESAMPLES * sizeof(*ratios));
	if (!ratios)
		return interval;
	rng = rng_open(1, "compare.bootstrap.ratio");
	for (u32 i = 0; i < COMPARE_RESAMPLES; i++)
		ratios[i] = resampled_mean(rng, above, nr_above) / resampled_mean(rng, below, nr_below);
	set_bounds(&interval, ratios, tail_of(least));
	gsl_rng_free(rng);
	free(ratios);
	return interval;
}

bool intervals_part(const struct interval *a, const struct interval *b)
{
	return a->n && b->n && (a->high < b->low || b->high < a->low);
}
