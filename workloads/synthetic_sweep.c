/*
 * synthetic_sweep.c - see synthetic_sweep.h.
 */
#include "workloads/synthetic_sweep.h"

#include <gsl/gsl_randist.h>
#include <stdlib.h>

static const struct sweep_config *configs(const struct sweeps *s)
{
	return s->plan->config->sweeps.items;
}

static void find_next(struct sweeps *s)
{
	s->next = UINT64_MAX;
	for (size_t i = 0; i < s->plan->config->sweeps.n; i++)
		if (s->sweeps[i].due < s->next)
			s->next = s->sweeps[i].due;
}

static bool add_part(struct sweep *sweep, u32 class, double share)
{
	struct sweep_part *grown;

	if (!(sweep->nr_parts & (sweep->nr_parts - 1))) {
		grown = realloc(sweep->parts, (sweep->nr_parts ? 2ul * sweep->nr_parts : 1) * sizeof(*grown));
		if (!grown)
			return false;
		sweep->parts = grown;
	}
	sweep->parts[sweep->nr_parts++] = (struct sweep_part){class, share};
	return true;
}

/* A class without a list is in all sweeps. */
static bool add_class(struct sweeps *s, u32 class)
{
	const struct synthetic_class *c = &s->plan->classes[class].config;
	const u64 *in = c->sweeps.items;
	const double *shares = c->sweep_shares.items;
	size_t n = c->sweeps.n ? c->sweeps.n : s->plan->config->sweeps.n;

	for (size_t i = 0; c->swept > 0 && i < n; i++)
		if (!add_part(&s->sweeps[in ? in[i] : i], class, shares ? shares[i] : 1))
			return false;
	return true;
}

bool sweeps_init(struct sweeps *s, const struct plan *plan)
{
	const struct cfg_array *list = &plan->config->sweeps;

	s->plan = plan;
	s->sweeps = calloc(list->n + 1, sizeof(*s->sweeps));
	s->pools = calloc(plan->nr_classes + 1ul, sizeof(*s->pools));
	if (!s->sweeps || !s->pools)
		return false;
	for (size_t i = 0; i < list->n; i++)
		s->sweeps[i].due = configs(s)[i].at;
	for (u32 i = 0; i < plan->nr_classes; i++)
		if (!add_class(s, i))
			return false;
	find_next(s);
	return true;
}

void sweeps_free(struct sweeps *s)
{
	for (size_t i = 0; s->sweeps && i < s->plan->config->sweeps.n; i++)
		free(s->sweeps[i].parts);
	for (u32 i = 0; s->pools && i < s->plan->nr_classes; i++)
		free(s->pools[i].items);
	free(s->sweeps);
	free(s->pools);
}

s64 sweeps_due(struct sweeps *s, u64 allocations)
{
	size_t i = 0;

	if (allocations < s->next)
		return -1;
	while (s->sweeps[i].due != s->next)
		i++;
	s->sweeps[i].due = configs(s)[i].every ? s->next + configs(s)[i].every : UINT64_MAX;
	find_next(s);
	return (s64)i;
}

static bool on_cpu(const struct cfg_array *cpus, u32 cpu)
{
	for (size_t i = 0; i < cpus->n; i++)
		if (((const u64 *)cpus->items)[i] == cpu)
			return true;
	return false;
}

static void reverse(struct living_list *list)
{
	for (u64 i = 0, k = list->n; i + 1 < k; i++) {
		struct living swap = list->items[i];

		list->items[i] = list->items[--k];
		list->items[k] = swap;
	}
}

enum whose { ANYONES, OWN, OTHERS };

/* Moves up to n objects from the list's front to out; what stays keeps its order. */
static bool move(struct living_list *list, u64 n, const struct cfg_array *cpus, enum whose whose,
		 struct living_list *out)
{
	u64 stay = 0;

	for (u64 i = 0; i < list->n; i++) {
		if (!n || (whose != ANYONES && on_cpu(cpus, list->items[i].cpu) != (whose == OWN))) {
			list->items[stay++] = list->items[i];
			continue;
		}
		if (!living_append(out, list->items[i]))
			return false;
		n--;
	}
	list->n = stay;
	return true;
}

bool sweeps_take(struct sweeps *s, u32 sweep, const struct sweep_part *part, gsl_rng *rng, struct living_list *out)
{
	const struct cfg_array *cpus = &configs(s)[sweep].cpus;
	struct living_list *pool = &s->pools[part->class];
	const struct synthetic_class *class = &s->plan->classes[part->class].config;
	u32 order = class->sweep_order;
	u64 n = (u64)(part->share * (double)pool->n + gsl_rng_uniform(rng));
	bool ok = true;

	out->n = 0;
	if (order == SWEEP_RANDOM && pool->n > 1)
		gsl_ran_shuffle(rng, pool->items, pool->n, sizeof(*pool->items));
	if (order == SWEEP_LIFO)
		reverse(pool);
	if (cpus->n && n < pool->n)
		ok = move(pool, (u64)((double)n * class->sweep_remote_share + 0.5), cpus, OTHERS, out) &&
		     move(pool, n - out->n, cpus, OWN, out);
	ok = ok && move(pool, n - out->n, cpus, ANYONES, out);
	if (order == SWEEP_LIFO)
		reverse(pool);
	return ok;
}
