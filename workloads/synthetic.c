/*
 * synthetic.c - a workload from distributions, as a stream of requests.
 *
 * CPUs take turns by their own clocks, which advance by think time or by the
 * arrivals. In its turn a CPU frees what has reached its lifetime, counted in
 * its allocations, and allocates once from a class drawn from the phase's mix.
 * When all CPUs have made their part of a phase, what it drains is freed and
 * the next one begins. maker.c turns this one global order into a stream.
 *
 * Every use of randomness on every CPU has its own stream of numbers.
 */
#include "workloads/synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/engine/rng.h"
#include "workloads/synthetic_living.h"
#include "workloads/synthetic_plan.h"
#include "workloads/synthetic_sweep.h"

#define MAX_KMALLOC (4u << 20)
#define MAX_ORDER_ASKED 10
#define NS_PER_S 1e9

enum synthetic_stream {
	RNG_SIZE, RNG_LIFETIME, RNG_THINK, RNG_KIND, RNG_ORDER, RNG_REMOTE, RNG_BATCH, RNG_DRAIN, RNG_SWEEP,
	NR_RNGS
};

static const char *const rng_names[NR_RNGS] = {
	"size", "lifetime", "think", "kind", "order", "remote", "batch", "drain", "sweep",
};

struct batch {
	struct living_list list;
	u64 target;
};

struct synthetic_cpu {
	gsl_rng *rng[NR_RNGS];
	gsl_ran_discrete_t *mix; /* of the phase; NULL: nothing to draw */
	struct living_list heap;
	struct batch *batches;	 /* by class */
	u64 allocations;
	u64 quota; /* allocations until the phase ends for this CPU */
	double clock; /* ns */
	double pace; /* of its arrivals; 1: as described */
	double burst_end; /* ns */
};

struct synthetic {
	struct maker maker;
	struct synthetic_config config;
	struct plan plan;
	struct dist think, on, off;
	struct sweeps sweeps;
	struct living_list taken; /* by the sweep at work */
	struct synthetic_cpu *cpus;
	u32 nr_cpus;
	u64 serial;
	u64 phase_begin, next_mix; /* allocations over all CPUs */
	u32 phase; /* the next to begin */
};

/* ---- frees ---- */

static u32 freeing_cpu(struct synthetic *s, u32 owner, const struct synthetic_class *class)
{
	gsl_rng *rng = s->cpus[owner].rng[RNG_REMOTE];
	u32 cpu = owner;

	if (class->free_cpus.n)
		return (u32)((const u64 *)class->free_cpus.items)[gsl_rng_uniform_int(rng, class->free_cpus.n)];
	if (s->nr_cpus > 1 && gsl_rng_uniform(rng) < class->remote_free_share) {
		cpu = (u32)gsl_rng_uniform_int(rng, s->nr_cpus - 1);
		cpu += cpu >= owner;
	}
	return cpu;
}

static void free_object(struct synthetic *s, const struct living *object)
{
	const struct plan_class *class = &s->plan.classes[object->class];

	maker_release(&s->maker, freeing_cpu(s, object->cpu, &class->config), class->free_op, object->order,
		      object->ref);
}

static void free_batch(struct synthetic *s, u32 cpu, u32 class)
{
	struct batch *b = &s->cpus[cpu].batches[class];
	u32 order = s->plan.classes[class].config.free_order;
	u64 n = b->list.n;

	if (order == FREE_RANDOM && n > 1)
		gsl_ran_shuffle(s->cpus[cpu].rng[RNG_BATCH], b->list.items, n, sizeof(*b->list.items));
	for (u64 i = 0; i < n; i++)
		free_object(s, &b->list.items[order == FREE_LIFO ? n - 1 - i : i]);
	b->list.n = 0;
}

static void drain_list(struct synthetic *s, u32 cpu, struct living_list *list, double share, bool heap)
{
	struct synthetic_cpu *c = &s->cpus[cpu];
	struct living_list rest = {0};

	if (list->n > 1)
		gsl_ran_shuffle(c->rng[RNG_DRAIN], list->items, list->n, sizeof(*list->items));
	for (u64 i = 0; i < list->n; i++) {
		if (gsl_rng_uniform(c->rng[RNG_DRAIN]) < share)
			free_object(s, &list->items[i]);
		else
			s->maker.failed |= !(heap ? living_push : living_append)(&rest, list->items[i]);
	}
	free(list->items);
	*list = rest;
}

static void drain(struct synthetic *s, double share)
{
	for (u32 cpu = 0; cpu < s->nr_cpus && share > 0; cpu++) {
		drain_list(s, cpu, &s->cpus[cpu].heap, share, true);
		for (u32 class = 0; class < s->plan.nr_classes; class++)
			drain_list(s, cpu, &s->cpus[cpu].batches[class].list, share, false);
	}
	for (u32 class = 0; class < s->plan.nr_classes && share > 0; class++)
		drain_list(s, 0, &s->sweeps.pools[class], share, false);
}

/* Randomness that belongs to no CPU is the first one's. */
static void sweep(struct synthetic *s, s64 number)
{
	const struct cfg_array *cpus = &((const struct sweep_config *)s->config.sweeps.items)[number].cpus;
	const struct sweep *sweep = &s->sweeps.sweeps[number];
	gsl_rng *rng = s->cpus[0].rng[RNG_SWEEP];

	for (u32 i = 0; i < sweep->nr_parts; i++) {
		const struct plan_class *class = &s->plan.classes[sweep->parts[i].class];

		s->maker.failed |= !sweeps_take(&s->sweeps, (u32)number, &sweep->parts[i], rng, &s->taken);
		for (u64 k = 0; k < s->taken.n; k++) {
			const struct living *o = &s->taken.items[k];

			if (cpus->n)
				maker_release(&s->maker, (u32)((const u64 *)cpus->items)[gsl_rng_uniform_int(rng, cpus->n)],
					      class->free_op, o->order, o->ref);
			else
				free_object(s, o);
		}
	}
}

static void sweep_due(struct synthetic *s)
{
	s64 number;

	while ((number = sweeps_due(&s->sweeps, s->serial)) >= 0)
		sweep(s, number);
}

/* ---- allocations ---- */

static void keep(struct synthetic *s, u32 cpu, struct living object)
{
	struct synthetic_cpu *c = &s->cpus[cpu];
	const struct plan_class *class = &s->plan.classes[object.class];
	struct batch *b = &c->batches[object.class];
	double doomed = class->config.immortal + class->config.swept;
	double fate = doomed > 0 ? gsl_rng_uniform(c->rng[RNG_LIFETIME]) : 1;

	if (fate < class->config.immortal)
		return;
	if (fate < doomed) {
		s->maker.failed |= !living_append(&s->sweeps.pools[object.class], object);
		return;
	}
	if (class->config.free_order == FREE_BY_LIFETIME) {
		object.death = c->allocations +
			       dist_draw_integer(&class->lifetime, c->rng[RNG_LIFETIME], 0, 1ull << 62);
		s->maker.failed |= !living_push(&c->heap, object);
		return;
	}
	if (!b->list.n)
		b->target = dist_draw_integer(&class->batch, c->rng[RNG_BATCH], 1, 1ull << 32);
	if (!living_append(&b->list, object))
		s->maker.failed = true;
	else if (b->list.n >= b->target)
		free_batch(s, cpu, object.class);
}

static void allocate(struct synthetic *s, u32 cpu)
{
	struct synthetic_cpu *c = &s->cpus[cpu];
	u32 class = s->plan.phases[s->phase - 1].first_class + (u32)gsl_ran_discrete(c->rng[RNG_KIND], c->mix);
	const struct plan_class *p = &s->plan.classes[class];
	struct kms_request rq = {.op = p->alloc_op, .gfp = p->gfp, .site = p->site, .cache = p->cache};
	struct living object = {.serial = s->serial++, .class = class, .cpu = (u16)cpu};

	if (rq.op == REQ_PAGE_ALLOC) {
		rq.order = (u8)dist_draw_integer(&p->order, c->rng[RNG_ORDER], 0, MAX_ORDER_ASKED);
		rq.nodemask = p->nodemask;
	} else {
		rq.size = dist_draw_integer(&p->size, c->rng[RNG_SIZE], 1, MAX_KMALLOC);
	}
	object.order = rq.order;
	c->allocations++;
	maker_alloc(&s->maker, cpu, rq, &object.ref);
	keep(s, cpu, object);
}

/* ---- time ---- */

/* Rate of a day at time t, in allocations per ns; its maximum is at (1 + swing). */
static double diurnal_rate(const struct arrivals_config *a, double rate, double t)
{
	double period = (double)a->period / KMS_PS_PER_NS;

	return rate / NS_PER_S * (1 + a->swing * sin(2 * M_PI * fmod(t, period) / period));
}

/* Thinning (Lewis and Shedler): draw at the highest rate, keep in proportion. */
static double next_diurnal(const struct arrivals_config *a, double rate, gsl_rng *rng, double t)
{
	double most = rate / NS_PER_S * (1 + a->swing);

	do
		t += gsl_ran_exponential(rng, 1 / most);
	while (gsl_rng_uniform(rng) * most > diurnal_rate(a, rate, t));
	return t;
}

/* Exponential gaps have no memory, so what is left of one at a burst's end goes on in the next. */
static double next_in_bursts(struct synthetic *s, struct synthetic_cpu *c, double rate)
{
	gsl_rng *rng = c->rng[RNG_THINK];
	double t = c->clock, left = gsl_ran_exponential(rng, NS_PER_S / rate);

	while (t + left > c->burst_end) {
		left -= fmax(c->burst_end - t, 0);
		t = fmax(t, c->burst_end) + dist_draw(&s->off, rng);
		c->burst_end = t + fmax(dist_draw(&s->on, rng), 1);
	}
	return t + left;
}

static double next_arrival(struct synthetic *s, struct synthetic_cpu *c)
{
	const struct arrivals_config *a = &s->config.arrivals;
	double rate = s->plan.phases[s->phase - 1].rate * c->pace;
	gsl_rng *rng = c->rng[RNG_THINK];

	switch (a->kind) {
	case ARRIVALS_POISSON:
		return c->clock + gsl_ran_exponential(rng, NS_PER_S / rate);
	case ARRIVALS_BURSTS:
		return next_in_bursts(s, c, rate);
	case ARRIVALS_DIURNAL:
		return next_diurnal(a, rate, rng, c->clock);
	default:
		return c->clock + dist_draw(&s->think, rng) / c->pace;
	}
}

/* ---- turns and phases ---- */

/* The CPU whose turn it is, or -1 at the end of the phase. Ties: the lower number. */
static s32 whose_turn(const struct synthetic *s)
{
	s32 best = -1;

	for (u32 cpu = 0; cpu < s->nr_cpus; cpu++)
		if (s->cpus[cpu].allocations < s->cpus[cpu].quota &&
		    (best < 0 || s->cpus[cpu].clock < s->cpus[best].clock))
			best = (s32)cpu;
	return best;
}

/* What each CPU draws from now, until next_mix. */
static void mix(struct synthetic *s, u32 number)
{
	const struct plan_phase *phase = &s->plan.phases[number];
	u64 done = s->serial - s->phase_begin, next = plan_next_table(&s->plan, phase, done);

	for (u32 i = 0; i < s->nr_cpus; i++) {
		struct synthetic_cpu *c = &s->cpus[i];

		if (c->mix)
			gsl_ran_discrete_free(c->mix);
		s->maker.failed |= !plan_table(&s->plan, phase, done, i, &c->mix);
	}
	s->next_mix = next < UINT64_MAX ? s->phase_begin + next : next;
}

static void begin_phase(struct synthetic *s)
{
	const struct plan_phase *phase = &s->plan.phases[s->phase];
	double now = (double)s->maker.time;

	for (u32 i = 0; i < s->nr_cpus; i++)
		now = fmax(now, s->cpus[i].clock);
	if (s->phase)
		s->maker.time = (u64)now;
	maker_phase(&s->maker, s->phase);
	for (u32 i = 0; !s->phase && i < s->maker.info.nr_caches; i++)
		maker_create_cache(&s->maker, i);
	s->phase_begin = s->serial;
	mix(s, s->phase);
	for (u32 i = 0; i < s->nr_cpus; i++) {
		struct synthetic_cpu *c = &s->cpus[i];

		c->clock = now;
		c->pace = plan_pace(&s->plan, phase, i);
		c->quota = c->allocations + (c->mix ? plan_quota(&s->plan, phase, i) : 0);
	}
	s->phase++;
}

static bool synthetic_step(struct maker *maker)
{
	struct synthetic *s = KMS_CONTAINER_OF(maker, struct synthetic, maker);
	s32 cpu = s->phase ? whose_turn(s) : -1;
	struct synthetic_cpu *c;

	if (cpu < 0) {
		sweep_due(s);
		if (s->phase)
			drain(s, s->plan.phases[s->phase - 1].drain);
		if (s->phase == s->plan.nr_phases)
			return false;
		begin_phase(s);
		return true;
	}
	c = &s->cpus[cpu];
	maker->time = (u64)c->clock;
	sweep_due(s);
	if (s->serial >= s->next_mix)
		mix(s, s->phase - 1);
	while (c->heap.n && c->heap.items[0].death <= c->allocations) {
		struct living object = living_pop(&c->heap);

		free_object(s, &object);
	}
	allocate(s, (u32)cpu);
	c->clock = next_arrival(s, c);
	return true;
}

/* ---- making and unmaking ---- */

static void cpu_free(struct synthetic *s, struct synthetic_cpu *c)
{
	for (u32 r = 0; r < NR_RNGS; r++)
		if (c->rng[r])
			gsl_rng_free(c->rng[r]);
	for (u32 i = 0; c->batches && i < s->plan.nr_classes; i++)
		free(c->batches[i].list.items);
	if (c->mix)
		gsl_ran_discrete_free(c->mix);
	free(c->batches);
	free(c->heap.items);
}

static void synthetic_destroy(struct maker *maker)
{
	struct synthetic *s = KMS_CONTAINER_OF(maker, struct synthetic, maker);

	for (u32 i = 0; s->cpus && i < s->nr_cpus; i++)
		cpu_free(s, &s->cpus[i]);
	free(s->cpus);
	free(s->taken.items);
	sweeps_free(&s->sweeps);
	plan_free(&s->plan);
	dist_free(&s->think);
	dist_free(&s->on);
	dist_free(&s->off);
	free(s);
}

static bool cpus_init(struct synthetic *s, u64 seed)
{
	char use[64];

	s->cpus = calloc(s->nr_cpus, sizeof(*s->cpus));
	for (u32 i = 0; s->cpus && i < s->nr_cpus; i++) {
		s->cpus[i].batches = calloc(s->plan.nr_classes, sizeof(*s->cpus[i].batches));
		if (!s->cpus[i].batches)
			return false;
		for (u32 r = 0; r < NR_RNGS; r++) {
			snprintf(use, sizeof(use), "synthetic.cpu%u.%s", i, rng_names[r]);
			s->cpus[i].rng[r] = rng_open(seed, use);
		}
	}
	return s->cpus;
}

/* What can be said before anything was made: bounds. */
static void estimate(struct synthetic *s)
{
	struct kms_workload_info *info = &s->maker.info;
	u64 slots = s->plan.requests + 1;

	info->requests = 2 * s->plan.requests + s->plan.nr_phases + info->nr_caches;
	info->slots = slots < 1ull << 32 ? slots : 1ull << 32;
}

static bool synthetic_init(struct synthetic *s, const struct synthetic_config *config, u64 seed)
{
	s->config = *config;
	s->nr_cpus = (u32)config->cpus;
	s->maker.step = synthetic_step;
	s->maker.destroy = synthetic_destroy;
	if (!maker_init(&s->maker, s->nr_cpus, "synthetic", (u32)config->phases.n + 1) ||
	    !plan_init(&s->plan, &s->config, &s->maker) || !cpus_init(s, seed) ||
	    !sweeps_init(&s->sweeps, &s->plan) ||
	    !dist_init(&s->think, &s->config.think) || !dist_init(&s->on, &s->config.arrivals.on) ||
	    !dist_init(&s->off, &s->config.arrivals.off))
		return false;
	estimate(s);
	return true;
}

int synthetic_open(struct kms_stream **stream, const struct synthetic_config *config, u64 seed,
		   struct kms_error *err)
{
	struct synthetic *s = calloc(1, sizeof(*s));

	*stream = NULL;
	if (!s)
		return kms_fail(err, KMS_EFAIL, "no host memory for the synthetic workload");
	if (!synthetic_init(s, config, seed)) {
		maker_free(&s->maker);
		synthetic_destroy(&s->maker);
		return kms_fail(err, KMS_EFAIL, "no host memory for the synthetic workload");
	}
	*stream = &s->maker.stream;
	return 0;
}
