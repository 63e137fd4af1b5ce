/*
 * adversary.c - moves carried out, as a stream of requests (adversary.h).
 *
 * A step makes one object's requests on each CPU of the current move. Memory is
 * bounded by the objects in groups.
 */
#include "workloads/adversary.h"

#include <gsl/gsl_randist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/rng.h"
#include "workloads/adversary_program.h"
#include "workloads/info.h"

#define STEP_NS 100 /* of recorded time, for each object */
#define MAX_NESTING 8

struct held {
	struct kms_object_ref ref;
	u32 thing;
};

struct held_list {
	struct held *items;
	u64 n, capacity;
	u64 at; /* of victims: the next */
};

struct loop {
	u32 begin; /* the move behind MOVE_REPEAT */
	u64 left;
};

struct runner {
	struct maker maker;
	struct program program;
	struct held_list *groups[PROGRAM_GROUPS]; /* by CPU */
	struct held_list *victims;		  /* of the free under way, by owner */
	struct loop loops[MAX_NESTING];
	u32 depth;
	u32 at;	   /* move */
	u64 done;  /* objects of it, for each CPU */
	bool begun;
	gsl_rng *rng;
};

static bool hold(struct held_list *l, struct held h)
{
	if (l->n == l->capacity) {
		u64 capacity = l->capacity ? 2 * l->capacity : 64;
		struct held *grown = realloc(l->items, capacity * sizeof(*grown));

		if (!grown)
			return false;
		l->items = grown;
		l->capacity = capacity;
	}
	l->items[l->n++] = h;
	return true;
}

static struct held take(struct runner *r, u32 cpu, u32 thing)
{
	struct held h = {.thing = thing};

	maker_alloc(&r->maker, cpu, r->program.things[thing].request, &h.ref);
	return h;
}

static void give_back(struct runner *r, u32 cpu, struct held h)
{
	const struct thing *t = &r->program.things[h.thing];

	maker_release(&r->maker, cpu, t->free_op, t->request.order, h.ref);
}

/* ---- frees: first the victims are chosen ---- */

static u32 owner_of(const struct runner *r, const struct move *m, u32 cpu)
{
	u32 nr_cpus = r->program.nr_cpus;

	return m->owner >= 0 ? (u32)m->owner : (cpu + nr_cpus - m->shift % nr_cpus) % nr_cpus;
}

static void sort_victims(struct runner *r, const struct move *m, struct held_list *v)
{
	if (m->order == SHUFFLED && v->n > 1)
		gsl_ran_shuffle(r->rng, v->items, v->n, sizeof(*v->items));
	for (u64 i = 0; m->order == REVERSED && i < v->n / 2; i++) {
		struct held h = v->items[i];

		v->items[i] = v->items[v->n - 1 - i];
		v->items[v->n - 1 - i] = h;
	}
}

/* Chosen objects leave the group; beyond the move's number they go back to its end. */
static void choose(struct runner *r, const struct move *m, u32 owner)
{
	struct held_list *from = &r->groups[m->group][owner], *v = &r->victims[owner];
	u64 kept = 0;

	if (v->n)
		return; /* chosen already, for another CPU */
	for (u64 i = 0; i < from->n; i++) {
		bool chosen = !m->every || (i % m->every == 0) != m->but;

		if (chosen)
			r->maker.failed |= !hold(v, from->items[i]);
		else
			from->items[kept++] = from->items[i];
	}
	from->n = kept;
	sort_victims(r, m, v);
	while (m->n && v->n > m->n)
		r->maker.failed |= !hold(from, v->items[--v->n]);
}

static void begin_free(struct runner *r, const struct move *m)
{
	for (u32 i = 0; i < r->program.nr_cpus; i++)
		r->victims[i].n = r->victims[i].at = 0;
	for (u32 i = 0; i < m->nr_cpus; i++)
		choose(r, m, owner_of(r, m, m->first_cpu + i));
}

/* One object for each CPU; false when there was none. */
static bool free_round(struct runner *r, const struct move *m)
{
	bool any = false;

	for (u32 i = 0; i < m->nr_cpus; i++) {
		u32 cpu = m->first_cpu + i;
		struct held_list *v = &r->victims[owner_of(r, m, cpu)];

		if (v->at == v->n)
			continue;
		give_back(r, cpu, v->items[v->at++]);
		any = true;
	}
	return any;
}

/* ---- the other moves ---- */

static bool alloc_round(struct runner *r, const struct move *m)
{
	if (r->done++ == m->n)
		return false;
	for (u32 i = 0; i < m->nr_cpus; i++) {
		u32 cpu = m->first_cpu + i;
		struct held h = take(r, cpu, m->thing);

		if (m->kind == MOVE_PAIRS)
			give_back(r, cpu, h);
		else if (m->group != PROGRAM_LEAK)
			r->maker.failed |= !hold(&r->groups[m->group][cpu], h);
	}
	return true;
}

static void phase(struct runner *r, const struct move *m)
{
	bool first = !r->maker.seq;

	maker_phase(&r->maker, m->phase);
	for (u32 i = 0; first && i < r->maker.info.nr_caches; i++)
		maker_create_cache(&r->maker, i);
}

/* Past MOVE_REPEAT, or past its end when there is nothing to repeat. */
static void begin_repeat(struct runner *r, const struct move *m)
{
	if (m->n) {
		r->loops[r->depth++] = (struct loop){r->at, m->n};
		return;
	}
	for (u32 open = 1; open; r->at++) {
		open += r->program.moves[r->at].kind == MOVE_REPEAT;
		open -= r->program.moves[r->at].kind == MOVE_END_REPEAT;
	}
}

static void end_repeat(struct runner *r)
{
	struct loop *l = &r->loops[r->depth - 1];

	if (--l->left)
		r->at = l->begin;
	else
		r->depth--;
}

static bool step(struct maker *maker)
{
	struct runner *r = KMS_CONTAINER_OF(maker, struct runner, maker);
	const struct move *m = &r->program.moves[r->at];
	bool begins = !r->begun;

	if (r->at == r->program.nr_moves)
		return false;
	r->begun = true;
	if (m->kind == MOVE_ALLOC || m->kind == MOVE_PAIRS || m->kind == MOVE_FREE) {
		if (m->kind == MOVE_FREE && begins)
			begin_free(r, m);
		maker->time += STEP_NS;
		if (m->kind == MOVE_FREE ? free_round(r, m) : alloc_round(r, m))
			return true;
	}
	r->begun = false;
	r->done = 0;
	r->at++;
	if (m->kind == MOVE_PHASE)
		phase(r, m);
	else if (m->kind == MOVE_REPEAT)
		begin_repeat(r, m);
	else if (m->kind == MOVE_END_REPEAT)
		end_repeat(r);
	return true;
}

/* ---- writing a program ---- */

static u32 add_thing(struct program *p, const char *site, struct kms_request rq, u8 free_op)
{
	struct thing *t = &p->things[p->nr_things];

	*t = (struct thing){rq, free_op};
	p->failed |= !maker_site(p->maker, site, &t->request.site);
	return p->nr_things++;
}

#define KERNEL_GFP 0xcc0u /* GFP_KERNEL of Linux 6.1 */

u32 thing_kmalloc(struct program *p, const char *site, u64 size)
{
	return add_thing(p, site, (struct kms_request){.op = REQ_KMALLOC, .size = size, .gfp = KERNEL_GFP},
			 REQ_KFREE);
}

u32 thing_object(struct program *p, const char *cache, u32 size, u32 flags)
{
	const struct kms_cache_def def = {.name = (char *)cache, .object_size = size, .flags = flags};
	struct kms_request rq = {.op = REQ_CACHE_ALLOC, .size = size, .gfp = KERNEL_GFP};

	p->failed |= !maker_cache(p->maker, &def, &rq.cache);
	return add_thing(p, cache, rq, REQ_CACHE_FREE);
}

u32 thing_pages(struct program *p, const char *site, u32 order, u32 gfp)
{
	return add_thing(p, site, (struct kms_request){.op = REQ_PAGE_ALLOC, .order = (u8)order, .gfp = gfp},
			 REQ_PAGE_FREE);
}

static struct move *add_move(struct program *p, enum move_kind kind)
{
	struct move *m = &p->moves[p->nr_moves++];

	*m = (struct move){.kind = kind, .nr_cpus = 1, .owner = -1};
	return m;
}

struct move *move_phase(struct program *p, const char *name)
{
	s64 index = workload_info_add_phase(&p->maker->info, name);
	struct move *m = add_move(p, MOVE_PHASE);

	p->failed |= index < 0;
	m->phase = (u32)index;
	return m;
}

struct move *move_alloc(struct program *p, u32 thing, u32 group, u64 n)
{
	struct move *m = add_move(p, MOVE_ALLOC);

	m->thing = thing;
	m->group = group;
	m->n = n;
	return m;
}

struct move *move_free(struct program *p, u32 group, enum move_order order)
{
	struct move *m = add_move(p, MOVE_FREE);

	m->group = group;
	m->order = order;
	return m;
}

struct move *move_pairs(struct program *p, u32 thing, u64 n)
{
	struct move *m = add_move(p, MOVE_PAIRS);

	m->thing = thing;
	m->n = n;
	return m;
}

void move_repeat(struct program *p, u64 times)
{
	add_move(p, MOVE_REPEAT)->n = times;
}

void move_end_repeat(struct program *p)
{
	add_move(p, MOVE_END_REPEAT);
}

/* ---- opening ---- */

static void destroy(struct maker *maker)
{
	struct runner *r = KMS_CONTAINER_OF(maker, struct runner, maker);

	for (u32 g = 0; g < PROGRAM_GROUPS; g++) {
		for (u32 i = 0; r->groups[g] && i < r->program.nr_cpus; i++)
			free(r->groups[g][i].items);
		free(r->groups[g]);
	}
	for (u32 i = 0; r->victims && i < r->program.nr_cpus; i++)
		free(r->victims[i].items);
	free(r->victims);
	if (r->rng)
		gsl_rng_free(r->rng);
	free(r);
}

/* Bounds, from the moves: an allocation makes at most two requests. */
static void estimate(struct runner *r)
{
	struct kms_workload_info *info = &r->maker.info;
	double factor[MAX_NESTING + 1] = {1}, objects = 0, kept = 0;
	u32 depth = 0;

	for (u32 i = 0; i < r->program.nr_moves; i++) {
		const struct move *m = &r->program.moves[i];
		double n = (double)m->n * m->nr_cpus * factor[depth];

		if (m->kind == MOVE_REPEAT)
			factor[depth + 1] = factor[depth] * (double)m->n, depth++;
		else if (m->kind == MOVE_END_REPEAT)
			depth--;
		objects += m->kind == MOVE_ALLOC || m->kind == MOVE_PAIRS ? n : 0;
		kept += m->kind == MOVE_ALLOC ? n : m->kind == MOVE_PAIRS ? m->nr_cpus : 0;
	}
	info->requests = (u64)(2 * objects) + info->nr_phases + info->nr_caches;
	info->slots = kept < 4294967295.0 ? (u64)kept + 1 : 1ull << 32;
}

static bool runner_init(struct runner *r, const struct adversary *a, const struct adversary_params *params,
			u64 seed)
{
	char source[100];

	r->maker.step = step;
	r->maker.destroy = destroy;
	r->program.maker = &r->maker;
	r->program.nr_cpus = (u32)params->cpus;
	snprintf(source, sizeof(source), "%s %s", a->group, a->name);
	if (!maker_init(&r->maker, (u32)params->cpus, source, PROGRAM_MOVES))
		return false;
	for (u32 g = 0; g < PROGRAM_GROUPS; g++) {
		r->groups[g] = calloc(params->cpus, sizeof(*r->groups[g]));
		if (!r->groups[g])
			return false;
	}
	r->victims = calloc(params->cpus, sizeof(*r->victims));
	r->rng = rng_open(seed, "adversary");
	a->write(&r->program, params);
	estimate(r);
	return r->victims && !r->program.failed;
}

static int complete(const struct adversary *a, const struct adversary_params *given,
		    struct adversary_params *params, struct kms_error *err)
{
	const u64 *from = (const u64 *)given, *defaults = (const u64 *)&a->defaults;
	u64 *to = (u64 *)params;

	for (u32 i = 0; i < ADVERSARY_PARAMS; i++) {
		if (from[i] && !a->docs[i])
			return kms_fail(err, KMS_EUSAGE,
					"workload.parameters.%s: %s does not have this parameter "
					"(kmemsim workloads %s lists what it has)",
					adversary_param_names[i], a->name, a->name);
		to[i] = from[i] ? from[i] : defaults[i];
	}
	if (params->cpus < a->defaults.cpus && a->defaults.cpus == 2)
		return kms_fail(err, KMS_EUSAGE, "workload.parameters.cpus: %s needs at least 2, found %llu",
				a->name, (unsigned long long)params->cpus);
	return 0;
}

int adversary_open(struct kms_stream **stream, u32 choice, const struct adversary_params *given, u64 seed,
		   struct kms_error *err)
{
	const struct adversary *a = &adversaries[choice - 1];
	struct adversary_params params;
	struct runner *r;

	*stream = NULL;
	if (complete(a, given, &params, err))
		return KMS_EUSAGE;
	r = calloc(1, sizeof(*r));
	if (r && runner_init(r, a, &params, seed)) {
		*stream = &r->maker.stream;
		return 0;
	}
	if (r) {
		maker_free(&r->maker);
		destroy(&r->maker);
	}
	return kms_fail(err, KMS_EFAIL, "no host memory for the workload");
}
