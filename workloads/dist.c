/*
 * dist.c - see dist.h.
 */
#include <math.h>

#include "workloads/dist.h"

bool dist_init(struct dist *d, const struct dist_config *config)
{
	*d = (struct dist){ .config = config };
	if (config->kind != DIST_DISCRETE)
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
	case DIST_DISCRETE:
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
