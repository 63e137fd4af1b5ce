/*
 * dist.h - numbers from the distributions of synthetic.h.
 *
 *	kind		a		b
 *	constant	the value	-
 *	uniform		lower bound	upper bound (not reached)
 *	exponential	mean		-
 *	lognormal	median		standard deviation of the logarithm
 *	pareto		smallest value	exponent (below 1 the mean is infinite)
 *	weibull		scale		exponent
 *	bimodal		mean of the first mode, mean of the second, drawn with probability share;
 *			both are exponential
 *	zipf		exponent: values[i] with a weight of 1 / (i + 1)^a
 *	empirical	- evenly in [values[i], values[i + 1]], by weights[i]
 *	discrete	- values[i] with a probability of weights[i] / sum of the weights
 *
 * Drawn by GSL, then clamped to [min, max]; max 0 is no upper bound.
 */
#ifndef WORKLOADS_DIST_H
#define WORKLOADS_DIST_H

#include <gsl/gsl_randist.h>

#include "workloads/synthetic.h"

struct dist {
	const struct dist_config *config;
	gsl_ran_discrete_t *table; /* of one with values */
};

/* pre: the config passed its check. False: out of host memory. */
bool dist_init(struct dist *d, const struct dist_config *config);
void dist_free(struct dist *d);
double dist_draw(const struct dist *d, gsl_rng *rng);
/* Rounded to the nearest number within [min, max]. */
u64 dist_draw_integer(const struct dist *d, gsl_rng *rng, u64 min, u64 max);

#endif
