/*
 * dist.c - see dist.h.
 */
#include <math.h>
#include <stdlib.h>

#include "workloads/dist.h"

/* The value of rank r (from 1) is drawn with a weight of 1 / r^a. */
static bool zipf_init(struct dist *d)
{
	size_t n = d->config->values.n;
	double *weights = malloc(n * sizeof(*weights));

	if (!weights)
		return false;
	for (size_t i = 0; i < n; i++)
		weights[i] = pow((double)(i + 1), -d->config->a);
	d->table = gsl_ran_discrete_preproc(n, weights);
	free(weights);
	return d->table;
}

bool dist_init(struct dist *d, const struct dist_config *config)
{
	*d = (struct dist){ .config = config };
	if (config->kind == DIST_ZIPF)
		return zipf_init(d);
	if (config->kind != DIST_DISCRETE && config->kind != DIST_EMPIRICAL)
		return true;
	d->table = gsl_ran_discrete_preproc(config->weights.n, config->weights.items);
	return d->table;
}

void dist_free(struct dist *d)
{
	if (d->table)
		gsl_ran_discrete_free(d->table);
	d->table = NULL;
}

/* An interval by its weight, then evenly within it. */
static double draw_empirical(const struct dist *d, gsl_rng *rng)
{
	const double *bounds = d->config->values.items;
	size_t i = gsl_ran_discrete(rng, d->table);

	return bounds[i] + (bounds[i + 1] - bounds[i]) * gsl_rng_uniform(rng);
}

static double draw(const struct dist *d, gsl_rng *rng)
{
	const struct dist_config *c = d->config;

	switch (c->kind) {
	case DIST_UNIFORM:
		return gsl_ran_flat(rng, c->a, c->b);
	case DIST_EXPONENTIAL:
		return gsl_ran_exponential(rng, c->a);
	case DIST_LOGNORMAL:
		return gsl_ran_lognormal(rng, log(c->a), c->b);
	case DIST_PARETO:
		return gsl_ran_pareto(rng, c->b, c->a);
	case DIST_WEIBULL:
		return gsl_ran_weibull(rng, c->a, c->b);
	case DIST_BIMODAL:
		return gsl_ran_exponential(rng, gsl_rng_uniform(rng) < c->share ? c->b : c->a);
	case DIST_EMPIRICAL:
		return draw_empirical(d, rng);
	case DIST_DISCRETE:
	case DIST_ZIPF:
		return ((const double *)c->values.items)[gsl_ran_discrete(rng, d->table)];
	default:
		return c->a;
	}
}

double dist_draw(const struct dist *d, gsl_rng *rng)
{
	double v = draw(d, rng);

	if (d->config->max > 0 && v > d->config->max)
		v = d->config->max;
	return v < d->config->min ? d->config->min : v;
}

u64 dist_draw_integer(const struct dist *d, gsl_rng *rng, u64 min, u64 max)
{
	double v = floor(dist_draw(d, rng) + 0.5);

	if (!(v > (double)min))
		return min;
	return v >= (double)max ? max : (u64)v;
}
