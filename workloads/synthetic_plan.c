/*
 * synthetic_plan.c - see synthetic_plan.h.
 */
#include "workloads/synthetic_plan.h"

#include <stdlib.h>

#include "models/mm/mm_types.h"
#include "workloads/info.h"

static const u8 alloc_ops[] = {REQ_KMALLOC, REQ_CACHE_ALLOC, REQ_PAGE_ALLOC};
static const u8 free_ops[] = {REQ_KFREE, REQ_CACHE_FREE, REQ_PAGE_FREE};

/* Reclaimable objects have it from their cache's flags. */
static u32 flags_of(const struct synthetic_class *c)
{
	if (c->gfp)
		return (u32)c->gfp;
	if (c->request == SYNTHETIC_CACHE || c->mobility == MOBILITY_UNMOVABLE)
		return GFP_KERNEL;
	if (c->mobility == MOBILITY_RECLAIMABLE)
		return GFP_KERNEL | __GFP_RECLAIMABLE;
	return c->request == SYNTHETIC_PAGES ? GFP_HIGHUSER_MOVABLE : GFP_KERNEL;
}

/* 0: all */
static u64 nodemask_of(const struct synthetic_class *c)
{
	const u64 *node = c->nodes.items;
	u64 mask = 0;

	for (size_t i = 0; i < c->nodes.n; i++)
		mask |= 1ull << node[i];
	return mask;
}

static bool add_class(struct plan *plan, const struct synthetic_class *config, struct maker *maker)
{
	struct plan_class *c = &plan->classes[plan->nr_classes++];
	const char *name = config->name ? config->name : "synthetic";

	c->config = *config;
	c->weight = config->weight;
	c->gfp = flags_of(config);
	c->nodemask = nodemask_of(config);
	c->alloc_op = alloc_ops[config->request];
	c->free_op = free_ops[config->request];
	if (!dist_init(&c->size, &c->config.size) || !dist_init(&c->order, &c->config.order) ||
	    !dist_init(&c->lifetime, &c->config.lifetime) || !dist_init(&c->batch, &c->config.batch) ||
	    !maker_site(maker, name, &c->site))
		return false;
	if (config->request == SYNTHETIC_CACHE) {
		const struct kms_cache_def def = {
			.name = config->cache ? config->cache : (char *)name,
			.object_size = (u32)config->size.a, .align = (u32)config->align,
			.flags = (u32)config->flags, .ctor = config->constructor,
		};

		return maker_cache(maker, &def, &c->cache);
	}
	return true;
}

/* The three classes that the keys of the workload itself describe. */
static bool add_simple(struct plan *plan, struct maker *maker)
{
	const struct synthetic_config *c = plan->config;
	double pages = c->page_share;
	struct synthetic_class class = {
		.name = "synthetic.kmalloc", .weight = 1 - pages, .request = SYNTHETIC_KMALLOC,
		.size = c->size, .order = c->order, .lifetime = c->lifetime,
		.free_order = c->free_order, .batch = c->batch, .remote_free_share = c->remote_free_share,
	};

	if (class.weight > 0 && !add_class(plan, &class, maker))
		return false;
	class.request = SYNTHETIC_PAGES;
	class.name = "synthetic.pages.movable";
	class.mobility = MOBILITY_MOVABLE;
	class.weight = pages * c->movable_share;
	if (class.weight > 0 && !add_class(plan, &class, maker))
		return false;
	class.name = "synthetic.pages.unmovable";
	class.mobility = MOBILITY_UNMOVABLE;
	class.weight = pages * (1 - c->movable_share);
	return !(class.weight > 0) || add_class(plan, &class, maker);
}

static bool add_all(struct plan *plan, const struct cfg_array *classes, struct maker *maker)
{
	const struct synthetic_class *class = classes->items;

	for (size_t i = 0; i < classes->n; i++)
		if (!add_class(plan, &class[i], maker))
			return false;
	return true;
}

/* Phases without a number share what the others leave. */
static u64 open_share(const struct synthetic_config *c)
{
	const struct synthetic_phase *phase = c->phases.items;
	u64 given = 0, open = 0;

	for (size_t i = 0; i < c->phases.n; i++) {
		given += phase[i].requests;
		open += !phase[i].requests;
	}
	return open && c->requests > given ? (c->requests - given) / open : 0;
}

static bool add_phases(struct plan *plan, struct maker *maker, u32 nr_common)
{
	const struct synthetic_config *c = plan->config;
	const struct synthetic_phase *from = c->phases.items;
	u64 share = open_share(c);

	for (size_t i = 0; i < c->phases.n; i++) {
		struct plan_phase *p = &plan->phases[plan->nr_phases++];

		*p = (struct plan_phase){
			.name = from[i].name ? from[i].name : "phase", .nr_classes = nr_common,
			.requests = from[i].requests ? from[i].requests : share, .drain = from[i].drain,
			.rate = from[i].rate > 0 ? from[i].rate : c->arrivals.rate,
			.weights = from[i].weights.n ? from[i].weights.items : NULL,
			.cpu_weights = from[i].cpu_weights.n ? from[i].cpu_weights.items : c->cpu_weights.items,
		};
		if (from[i].classes.n) {
			p->first_class = plan->nr_classes;
			p->nr_classes = (u32)from[i].classes.n;
			if (!add_all(plan, &from[i].classes, maker))
				return false;
		}
		plan->requests += p->requests;
	}
	return true;
}

static u32 count_classes(const struct synthetic_config *c)
{
	const struct synthetic_phase *phase = c->phases.items;
	size_t n = c->classes.n + 3;

	for (size_t i = 0; i < c->phases.n; i++)
		n += phase[i].classes.n;
	return (u32)n;
}

bool plan_init(struct plan *plan, const struct synthetic_config *config, struct maker *maker)
{
	*plan = (struct plan){.config = config};
	plan->classes = calloc(count_classes(config), sizeof(*plan->classes));
	plan->phases = calloc(config->phases.n + 1, sizeof(*plan->phases));
	if (!plan->classes || !plan->phases)
		return false;
	if (config->classes.n ? !add_all(plan, &config->classes, maker) : !add_simple(plan, maker))
		return false;
	if (!config->phases.n) {
		plan->phases[plan->nr_phases++] = (struct plan_phase){
			.name = "synthetic", .nr_classes = plan->nr_classes, .requests = config->requests,
			.rate = config->arrivals.rate, .cpu_weights = config->cpu_weights.items};
		plan->requests = config->requests;
	} else if (!add_phases(plan, maker, plan->nr_classes)) {
		return false;
	}
	for (u32 i = 0; i < plan->nr_phases; i++)
		if (workload_info_add_phase(&maker->info, plan->phases[i].name) < 0)
			return false;
	return true;
}

void plan_free(struct plan *plan)
{
	for (u32 i = 0; i < plan->nr_classes; i++) {
		dist_free(&plan->classes[i].size);
		dist_free(&plan->classes[i].order);
		dist_free(&plan->classes[i].lifetime);
		dist_free(&plan->classes[i].batch);
	}
	free(plan->classes);
	free(plan->phases);
	*plan = (struct plan){0};
}

static bool on_cpu(const struct cfg_array *cpus, u32 cpu)
{
	const u64 *item = cpus->items;

	for (size_t i = 0; i < cpus->n; i++)
		if (item[i] == cpu)
			return true;
	return !cpus->n;
}

static u64 border(const struct plan_phase *phase, double part)
{
	return (u64)(part * (double)phase->requests + 0.5);
}

static bool active(const struct plan_phase *phase, const struct plan_class *c, u64 done)
{
	return border(phase, c->config.from) <= done && done < border(phase, c->config.to);
}

static double fill_weights(const struct plan *plan, const struct plan_phase *phase, u64 done, u32 cpu, bool all,
			   double *weights)
{
	double sum = 0;

	for (u32 i = 0; i < phase->nr_classes; i++) {
		const struct plan_class *c = &plan->classes[phase->first_class + i];
		bool has = on_cpu(&c->config.cpus, cpu) && (all || active(phase, c, done));

		weights[i] = !has ? 0 : phase->weights ? phase->weights[i] : c->weight;
		sum += weights[i];
	}
	return sum;
}

bool plan_table(const struct plan *plan, const struct plan_phase *phase, u64 done, u32 cpu,
		gsl_ran_discrete_t **table)
{
	double *weights = malloc(phase->nr_classes * sizeof(*weights));
	bool any;

	*table = NULL;
	if (!weights)
		return false;
	any = fill_weights(plan, phase, done, cpu, false, weights) > 0 ||
	      fill_weights(plan, phase, done, cpu, true, weights) > 0;
	if (any)
		*table = gsl_ran_discrete_preproc(phase->nr_classes, weights);
	free(weights);
	return !any || *table;
}

u64 plan_next_table(const struct plan *plan, const struct plan_phase *phase, u64 done)
{
	u64 next = UINT64_MAX;

	for (u32 i = 0; i < phase->nr_classes; i++) {
		const struct synthetic_class *c = &plan->classes[phase->first_class + i].config;
		u64 from = border(phase, c->from), to = border(phase, c->to);

		next = from > done && from < next ? from : next;
		next = to > done && to < next && to < phase->requests ? to : next;
	}
	return next;
}

static double cpu_weight(const struct plan_phase *phase, u32 cpu)
{
	return phase->cpu_weights ? phase->cpu_weights[cpu] : 1;
}

/* By cumulated weights, so that the quotas add up to the phase's requests. */
u64 plan_quota(const struct plan *plan, const struct plan_phase *phase, u32 cpu)
{
	const u64 cpus = plan->config->cpus;
	double before = 0, sum = 0;

	if (!phase->cpu_weights)
		return phase->requests / cpus + (cpu < phase->requests % cpus);
	for (u32 i = 0; i < cpus; i++) {
		before += i < cpu ? cpu_weight(phase, i) : 0;
		sum += cpu_weight(phase, i);
	}
	return (u64)((double)phase->requests * ((before + cpu_weight(phase, cpu)) / sum)) -
	       (u64)((double)phase->requests * (before / sum));
}

double plan_pace(const struct plan *plan, const struct plan_phase *phase, u32 cpu)
{
	double sum = 0;

	for (u32 i = 0; i < plan->config->cpus; i++)
		sum += cpu_weight(phase, i);
	return cpu_weight(phase, cpu) * (double)plan->config->cpus / sum;
}
