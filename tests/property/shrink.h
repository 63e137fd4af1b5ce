/*
 * shrink.h - a failing sequence of steps made short: parts are left out, large
 * ones first, while what remains still fails.
 *
 * A test defines struct step, MAX_STEPS and fails() before it includes this.
 */
#ifndef TESTS_PROPERTY_SHRINK_H
#define TESTS_PROPERTY_SHRINK_H

#include <string.h>

/* Shortens steps[n], which fails, in place; returns its length. */
static u32 shrink(u64 seed, struct step *steps, u32 n)
{
	static struct step trial[MAX_STEPS];

	for (u32 chunk = n / 2 ? n / 2 : 1; chunk; chunk /= 2)
		for (u32 from = 0; from + chunk <= n;) {
			memcpy(trial, steps, from * sizeof(*steps));
			memcpy(trial + from, steps + from + chunk, (n - from - chunk) * sizeof(*steps));
			if (!fails(seed, trial, n - chunk, NULL)) {
				from += chunk;
				continue;
			}
			n -= chunk;
			memcpy(steps, trial, n * sizeof(*steps));
		}
	return n;
}

#endif
