/*
 * fit_sweep.c - see fit_sweep.h; and what a class's sweeps say about it.
 */
#include "workloads/fit_sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CREDIT_MAX 64 /* frees' worth of memory: eight allocations in a row end any stretch */
#define OWN_COSTS 8
#define OTHER_COSTS 2

struct fit_sweep *fit_sweep_of(struct fit_class *c, u32 sweep)
{
	u32 low = 0, high = c->nr_sweeps;
	struct fit_sweep *grown;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (c->sweeps[mid].sweep < sweep)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < c->nr_sweeps && c->sweeps[low].sweep == sweep)
		return &c->sweeps[low];
	if (!(c->nr_sweeps & (c->nr_sweeps - 1))) {
		grown = realloc(c->sweeps, (c->nr_sweeps ? 2ul * c->nr_sweeps : 1) * sizeof(*grown));
		if (!grown)
			return NULL;
		c->sweeps = grown;
	}
	memmove(&c->sweeps[low + 1], &c->sweeps[low], (c->nr_sweeps++ - low) * sizeof(*grown));
	c->sweeps[low] = (struct fit_sweep){.sweep = sweep};
	return &c->sweeps[low];
}

static void count_single(struct fit *f, const struct fit_death *d)
{
	struct fit_class *c = &f->classes[d->class];

	c->lifetimes[d->bucket]++;
	c->frees++;
	c->remote_frees += d->remote;
}

static bool count_swept(struct fit *f, const struct fit_death *d, u32 number)
{
	struct fit_class *c = &f->classes[d->class];
	struct fit_sweep *at = fit_sweep_of(c, d->epoch);

	if (!at)
		return false;
	at->born++;
	at->born_sum += (double)d->serial;
	at->born_squares += (double)d->serial * (double)d->serial;
	at = fit_sweep_of(c, number);
	if (!at)
		return false;
	at->died++;
	at->died_sum += (double)d->serial;
	c->swept++;
	c->remote_swept += d->remote;
	return true;
}

static bool new_moment(struct fit *f, u32 cpu, u64 frees)
{
	struct fit_moment *grown;

	if (!(f->nr_moments & (f->nr_moments - 1))) {
		grown = realloc(f->moments, (f->nr_moments ? 2ul * f->nr_moments : 1) * sizeof(*grown));
		if (!grown)
			return false;
		f->moments = grown;
	}
	f->moments[f->nr_moments++] = (struct fit_moment){.at = f->allocs, .frees = frees, .cpu = cpu};
	f->swept += frees;
	return true;
}

bool fit_stretch_end(struct fit *f, u32 cpu, struct fit_stretch *s)
{
	bool sweep = s->n >= f->sweep_least, ok = !sweep || new_moment(f, cpu, s->n);

	for (u64 i = 0; i < s->n && ok; i++) {
		if (sweep)
			ok = count_swept(f, &s->deaths[i], f->nr_moments - 1);
		else
			count_single(f, &s->deaths[i]);
	}
	s->n = 0;
	s->credit = 0;
	return ok;
}

bool fit_stretch_death(struct fit_stretch *s, const struct fit_death *death)
{
	if (s->n == s->room) {
		u64 room = s->room ? 2 * s->room : 256;
		struct fit_death *grown = realloc(s->deaths, room * sizeof(*grown));

		if (!grown)
			return false;
		s->deaths = grown;
		s->room = room;
	}
	s->deaths[s->n++] = *death;
	s->credit += s->credit < CREDIT_MAX;
	return true;
}

bool fit_stretch_alloc(struct fit *f, u32 cpu, struct fit_stretch *s, bool own)
{
	if (!s->n)
		return true;
	s->credit -= own ? OWN_COSTS : OTHER_COSTS;
	return s->credit > 0 || fit_stretch_end(f, cpu, s);
}

/* ---- what comes of it ---- */

/*
 * Whether victims are younger or older than what waits, in standard deviations
 * of it: of a uniform pool's ends, sqrt(3) times the part that stays; the middle
 * between that and 0 decides.
 */
static double age_of_victims(const struct fit_sweep *at, double pool, double sum, double squares)
{
	double mean = sum / pool, deviation = sqrt(fmax(squares / pool - mean * mean, 0));
	double stays = 1 - (double)at->died / pool;

	if (!(deviation > 0) || stays < 0.02)
		return 0;
	return (at->died_sum / (double)at->died - mean) / (deviation * sqrt(3) * stays);
}

enum fit_victims fit_sweep_shares(struct fit_class *c)
{
	double pool = 0, sum = 0, squares = 0, age = 0, weight = 0;

	for (u32 i = 0; i < c->nr_sweeps; i++) {
		struct fit_sweep *at = &c->sweeps[i];

		pool += (double)at->born;
		sum += at->born_sum;
		squares += at->born_squares;
		at->share = pool > 0 ? fmin((double)at->died / pool, 1) : 0;
		if (!at->died || !(pool > 0))
			continue;
		age += age_of_victims(at, pool, sum, squares) * (double)at->died;
		weight += (double)at->died;
		squares *= 1 - at->share;
		pool -= (double)at->died;
		sum -= at->died_sum;
	}
	age = weight > 0 ? age / weight : 0;
	return age > 0.5 ? FIT_YOUNGEST : age < -0.5 || !(weight > 0) ? FIT_OLDEST : FIT_ANY;
}
