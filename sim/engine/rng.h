/*
 * rng.h - random numbers: one independent GSL stream per use, all from one seed.
 *
 * Streams are named ("workload.size", "cache.l1d.replacement"); adding a user
 * of randomness does not shift the numbers any other user sees.
 */
#ifndef SIM_ENGINE_RNG_H
#define SIM_ENGINE_RNG_H

#include <gsl/gsl_rng.h>

#include "sim/engine/base.h"

/* A stream for this use; never NULL. Free with gsl_rng_free(). */
gsl_rng *rng_open(u64 seed, const char *use);

#endif
