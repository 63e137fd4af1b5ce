/*
 * synthetic_config.c - the "synthetic" section of an experiment.
 */
#include <stdio.h>

#include "workloads/synthetic.h"

#define F(struct_, member) .key = #member, .offset = offsetof(struct struct_, member)

static const char *const dist_kinds[] = {
	[DIST_CONSTANT] = "constant",	[DIST_UNIFORM] = "uniform", [DIST_EXPONENTIAL] = "exponential",
	[DIST_LOGNORMAL] = "lognormal", [DIST_PARETO] = "pareto",   [DIST_WEIBULL] = "weibull",
	[DIST_DISCRETE] = "discrete",	[DIST_ZIPF] = "zipf",	    [DIST_EMPIRICAL] = "empirical",
	[DIST_BIMODAL] = "bimodal",	NULL,
};

#define NAMES(...) (const char *const[]){__VA_ARGS__, NULL}

static const struct cfg_field dist_fields[] = {
	{ F(dist_config, kind), .type = CFG_ENUM, .def = "\"constant\"", .choices = dist_kinds,
	  .doc = "Which distribution to draw from." },
	{ F(dist_config, a), .type = CFG_DOUBLE, .def = "0", .min = -1e15, .max = 1e15,
	  .doc = "constant: the value; uniform: lower bound; exponential: mean; lognormal: median; pareto: smallest value; weibull: scale; zipf: exponent; bimodal: mean of the first mode." },
	{ F(dist_config, b), .type = CFG_DOUBLE, .def = "0", .min = -1e15, .max = 1e15,
	  .doc = "uniform: upper bound; lognormal: standard deviation of the logarithm; pareto, weibull: exponent; bimodal: mean of the second mode." },
	{ F(dist_config, share), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "bimodal: part of the values that the second mode draws (both modes are exponential)." },
	{ F(dist_config, min), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1e15,
	  .doc = "Smaller values are raised to this." },
	{ F(dist_config, max), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1e15,
	  .doc = "Larger values are lowered to this; 0: no upper bound." },
	{ F(dist_config, values), .type = CFG_DOUBLES, 
	  .doc = "discrete: the values; zipf: the values, most frequent first; empirical: ascending bounds of intervals." },
	{ F(dist_config, weights), .type = CFG_DOUBLES,
	  .doc = "discrete: how often each value is drawn, relative to the others; empirical: the same for each interval, one fewer than values." },
};

static int check_weights(const struct dist_config *d, size_t n, struct cfg_ctx *ctx, struct kms_error *err)
{
	const double *weights = d->weights.items;
	double sum = 0;
	char key[64];

	if (d->weights.n != n)
		return cfg_fail(ctx, err, "weights", "expected %s (%zu), found %zu",
				d->kind == DIST_EMPIRICAL ? "one weight fewer than values" : "as many weights as values",
				n, d->weights.n);
	for (size_t i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "weights[%zu]", i);
		if (!(weights[i] >= 0))
			return cfg_fail(ctx, err, key, "expected a weight of 0 or more, found %g", weights[i]);
		sum += weights[i];
	}
	if (!(sum > 0))
		return cfg_fail(ctx, err, "weights", "expected at least one weight above 0");
	return 0;
}

/* Of discrete, zipf and empirical. */
static int check_values(const struct dist_config *d, struct cfg_ctx *ctx, struct kms_error *err)
{
	const double *values = d->values.items;
	const char *kind = dist_kinds[d->kind];
	size_t least = d->kind == DIST_EMPIRICAL ? 2 : 1;
	char key[64];

	if (d->values.n < least)
		return cfg_fail(ctx, err, "values", "%s %s distribution needs at least %s",
				d->kind == DIST_EMPIRICAL ? "an" : "a", kind, least == 1 ? "one value" : "two values");
	for (size_t i = 0; i < d->values.n; i++) {
		snprintf(key, sizeof(key), "values[%zu]", i);
		if (!(values[i] >= 0))
			return cfg_fail(ctx, err, key, "expected a value of 0 or more, found %g", values[i]);
		if (d->kind == DIST_EMPIRICAL && i && values[i] < values[i - 1])
			return cfg_fail(ctx, err, key, "expected at least the bound before it (%g), found %g",
					values[i - 1], values[i]);
	}
	if (d->kind == DIST_ZIPF) {
		if (d->weights.n)
			return cfg_fail(ctx, err, "weights", "a zipf distribution has its weights from a, the exponent");
		return d->a >= 0 ? 0 : cfg_fail(ctx, err, "a", "expected 0 or more for zipf, found %g", d->a);
	}
	return check_weights(d, d->values.n + 1 - least, ctx, err);
}

static int check_dist(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct dist_config *d = section;
	const char *kind = dist_kinds[d->kind];

	if (d->max > 0 && d->max < d->min)
		return cfg_fail(ctx, err, "max", "expected at least min (%g), or 0 for no upper bound; found %g",
				d->min, d->max);
	if (d->share > 0 && d->kind != DIST_BIMODAL)
		return cfg_fail(ctx, err, "share", "only a bimodal distribution has this, this one is %s", kind);
	if (d->kind == DIST_DISCRETE || d->kind == DIST_ZIPF || d->kind == DIST_EMPIRICAL)
		return check_values(d, ctx, err);
	if (d->values.n || d->weights.n)
		return cfg_fail(ctx, err, d->values.n ? "values" : "weights",
				"only a discrete distribution has these (or zipf, empirical), this one is %s", kind);
	if (d->kind <= DIST_UNIFORM ? d->a < 0 : !(d->a > 0))
		return cfg_fail(ctx, err, "a", "expected %s for %s, found %g",
				d->kind <= DIST_UNIFORM ? "0 or more" : "more than 0", kind, d->a);
	if (d->kind == DIST_UNIFORM && d->b < d->a)
		return cfg_fail(ctx, err, "b", "expected at least a (%g), found %g", d->a, d->b);
	if (d->kind == DIST_LOGNORMAL && d->b < 0)
		return cfg_fail(ctx, err, "b", "expected 0 or more for lognormal, found %g", d->b);
	if ((d->kind == DIST_PARETO || d->kind == DIST_WEIBULL || d->kind == DIST_BIMODAL) && !(d->b > 0))
		return cfg_fail(ctx, err, "b", "expected more than 0 for %s, found %g", kind, d->b);
	return 0;
}

const struct cfg_table synthetic_dist_table = {
	.name = "distribution",
	.doc = "A distribution to draw numbers from.",
	.fields = dist_fields,
	.nr_fields = KMS_ARRAY_SIZE(dist_fields),
	.size = sizeof(struct dist_config),
	.check = check_dist,
};

/* ---- classes of allocations ---- */

#define SIZE_DEFAULT "{\"kind\": \"lognormal\", \"a\": 128, \"b\": 1.2, \"min\": 8, \"max\": 8192}"
#define LIFETIME_DEFAULT "{\"kind\": \"exponential\", \"a\": 1000}"
#define FREE_ORDER                                                                                \
	.type = CFG_ENUM, .def = "\"lifetime\"",                                                  \
	.choices = NAMES("lifetime", "fifo", "lifo", "random"),                                   \
	.doc = "When objects are freed: each at the end of its lifetime; or a batch is allocated and " \
	       "then freed as a whole, first allocated first (fifo), last first (lifo), or in random order."
#define BATCH                                                                                     \
	.type = CFG_OBJECT, .table = &synthetic_dist_table, .unit = "objects",                              \
	.def = "{\"kind\": \"constant\", \"a\": 100}",                                           \
	.doc = "Objects that a CPU allocates before it frees them all, with free_order other than lifetime; what is begun when a phase ends goes on in the next."

static const struct cfg_field class_fields[] = {
	{ F(synthetic_class, name), .type = CFG_STRING, .def = "\"synthetic\"",
	  .doc = "Name of the class: the call site of its requests." },
	{ F(synthetic_class, weight), .type = CFG_DOUBLE, .def = "1", .min = 0, .max = 1e15,
	  .doc = "How often it allocates, relative to the other classes." },
	{ F(synthetic_class, from), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of its phase's allocations after which it begins to allocate." },
	{ F(synthetic_class, to), .type = CFG_DOUBLE, .def = "1", .min = 0, .max = 1,
	  .doc = "Part of its phase's allocations after which it stops; where no class allocates, all of the phase do." },
	{ F(synthetic_class, request), .type = CFG_ENUM, .def = "\"kmalloc\"",
	  .choices = NAMES("kmalloc", "cache", "pages"),
	  .doc = "What is asked for: kmalloc of some bytes, an object of a named slab cache, or a block of pages." },
	{ F(synthetic_class, cache), .type = CFG_STRING,
	  .doc = "cache: its name [the class's name]; classes may share one." },
	{ F(synthetic_class, size), .type = CFG_OBJECT, .table = &synthetic_dist_table, .unit = "bytes", .def = SIZE_DEFAULT,
	  .doc = "kmalloc: bytes asked for, 1 byte to 4 MiB; cache: size of its objects, a constant." },
	{ F(synthetic_class, align), .type = CFG_UINT, .def = "0", .max = 4096, .unit = "bytes",
	  .doc = "cache: alignment of its objects; 0: the slab layer's choice." },
	{ F(synthetic_class, flags), .type = CFG_UINT, .def = "0", .max = 4294967295.0,
	  .doc = "cache: SLAB_ flags, values of Linux 6.1." },
	{ F(synthetic_class, constructor), .type = CFG_BOOL, .def = "false",
	  .doc = "cache: has a constructor (and so is not merged with others)." },
	{ F(synthetic_class, order), .type = CFG_OBJECT, .table = &synthetic_dist_table,
	  .def = "{\"kind\": \"constant\", \"a\": 0}", .doc = "pages: order of the blocks, 0 to 10." },
	{ F(synthetic_class, mobility), .type = CFG_ENUM, .def = "\"unmovable\"",
	  .choices = NAMES("unmovable", "movable", "reclaimable"),
	  .doc = "From which GFP flags are made: kernel memory, user memory, or caches that can be shrunk." },
	{ F(synthetic_class, gfp), .type = CFG_UINT, .def = "0", .max = 4294967295.0,
	  .doc = "GFP flags, values of Linux 6.1; 0: by mobility." },
	{ F(synthetic_class, lifetime), .type = CFG_OBJECT, .table = &synthetic_dist_table, .unit = "allocations",
	  .def = LIFETIME_DEFAULT, .doc = "How many later allocations of the same CPU an object outlives." },
	{ F(synthetic_class, immortal), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of the objects that is never freed: a leak, or what outlives the workload." },
	{ F(synthetic_class, swept), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of the objects that lives until a sweep of the workload takes it, however long that is." },
	{ F(synthetic_class, sweeps), .type = CFG_UINTS,
	  .doc = "Numbers, from 0, of the workload's sweeps that take from this class; empty: all." },
	{ F(synthetic_class, sweep_shares), .type = CFG_DOUBLES,
	  .doc = "What each of these sweeps takes, as part of what waits then; empty: everything." },
	{ F(synthetic_class, sweep_remote_share), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of what a sweep takes that other CPUs than the sweep's own allocated, where it takes less than everything." },
	{ F(synthetic_class, sweep_order), .type = CFG_ENUM, .def = "\"fifo\"",
	  .choices = NAMES("fifo", "lifo", "random"),
	  .doc = "Which a sweep takes, and in what order: the first allocated (fifo), the last, or any." },
	{ F(synthetic_class, free_order), FREE_ORDER },
	{ F(synthetic_class, batch), BATCH },
	{ F(synthetic_class, remote_free_share), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of the objects that another CPU than the allocating one frees." },
	{ F(synthetic_class, cpus), .type = CFG_UINTS,
	  .doc = "CPUs that allocate from this class (producers); empty: all." },
	{ F(synthetic_class, free_cpus), .type = CFG_UINTS,
	  .doc = "CPUs that free its objects (consumers), each as often; empty: the allocating one, or another by remote_free_share." },
	{ F(synthetic_class, nodes), .type = CFG_UINTS,
	  .doc = "pages: nodes that the blocks may come from, as under a memory policy that binds a task, the nearest first; empty: all." },
};

static int check_class(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct synthetic_class *c = section;

	if (c->request == SYNTHETIC_CACHE && c->size.kind != DIST_CONSTANT)
		return cfg_fail(ctx, err, "size", "expected a constant: objects of a slab cache have one size");
	if (c->request == SYNTHETIC_CACHE && (c->size.a < 1 || c->size.a > 65536))
		return cfg_fail(ctx, err, "size.a", "expected 1 to 65536 bytes for objects of a slab cache, found %g",
				c->size.a);
	if (c->nodes.n && c->request != SYNTHETIC_PAGES)
		return cfg_fail(ctx, err, "nodes", "only a class with request pages has these");
	for (size_t i = 0; i < c->nodes.n; i++)
		if (((const u64 *)c->nodes.items)[i] > 63)
			return cfg_fail(ctx, err, "nodes", "expected nodes from 0 to 63, found %llu",
					((const unsigned long long *)c->nodes.items)[i]);
	if (!(c->from < c->to))
		return cfg_fail(ctx, err, "to", "expected more than from (%g), found %g", c->from, c->to);
	if (c->immortal + c->swept > 1 + 1e-9)
		return cfg_fail(ctx, err, "swept", "expected at most what immortal leaves (%g), found %g", 1 - c->immortal,
				c->swept);
	if (c->align & (c->align - 1))
		return cfg_fail(ctx, err, "align", "expected a power of two, found %llu", (unsigned long long)c->align);
	return 0;
}

static const struct cfg_table class_table = {
	.name = "class",
	.doc = "Allocations of one kind, with their own sizes and lifetimes.",
	.fields = class_fields,
	.nr_fields = KMS_ARRAY_SIZE(class_fields),
	.size = sizeof(struct synthetic_class),
	.check = check_class,
};

static const struct cfg_field phase_fields[] = {
	{ F(synthetic_phase, name), .type = CFG_STRING, .def = "\"phase\"", .doc = "Name, under which it is measured." },
	{ F(synthetic_phase, requests), .type = CFG_UINT, .def = "0", .max = 1e12, .unit = "allocations",
	  .doc = "Its allocations; 0: what is left of the workload's, in equal parts." },
	{ F(synthetic_phase, weights), .type = CFG_DOUBLES,
	  .doc = "Weights of the workload's classes in this phase; empty: their own." },
	{ F(synthetic_phase, classes), .type = CFG_ARRAY, .table = &class_table,
	  .doc = "Classes of this phase alone; empty: the workload's." },
	{ F(synthetic_phase, cpu_weights), .type = CFG_DOUBLES,
	  .doc = "Part of its allocations that each CPU makes, relative to the others; empty: as the workload says." },
	{ F(synthetic_phase, rate), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1e9, .unit = "allocations/s",
	  .doc = "Rate of arrivals in this phase, where they have one; 0: the workload's." },
	{ F(synthetic_phase, drain), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of the objects alive at its end, immortal ones aside, that is then freed in random order." },
};

static const struct cfg_table phase_table = {
	.name = "phase",
	.doc = "A part of the workload with its own mix; all CPUs meet where it begins.",
	.fields = phase_fields,
	.nr_fields = KMS_ARRAY_SIZE(phase_fields),
	.size = sizeof(struct synthetic_phase),
};

static const struct cfg_field sweep_fields[] = {
	{ F(sweep_config, at), .type = CFG_UINT, .def = "0", .max = 1e15, .unit = "allocations",
	  .doc = "When it happens: after so many allocations of the workload, over all CPUs." },
	{ F(sweep_config, every), .type = CFG_UINT, .def = "0", .max = 1e15, .unit = "allocations",
	  .doc = "Happens again each time so many more were made; 0: once." },
	{ F(sweep_config, cpus), .type = CFG_UINTS,
	  .doc = "CPUs that free, each as often; empty: as the class says." },
};

static const struct cfg_table sweep_table = {
	.name = "sweep",
	.doc = "A moment at which many objects are freed together: a process exits, a file system is unmounted.",
	.fields = sweep_fields,
	.nr_fields = KMS_ARRAY_SIZE(sweep_fields),
	.size = sizeof(struct sweep_config),
};

static const struct cfg_field arrivals_fields[] = {
	{ F(arrivals_config, kind), .type = CFG_ENUM, .def = "\"think\"",
	  .choices = NAMES("think", "poisson", "bursts", "diurnal"),
	  .doc = "think: the next allocation follows after a think time; poisson: at the rate, independently of each other; bursts: so during on, none during off; diurnal: poisson with a rate that rises and falls as a sine." },
	{ F(arrivals_config, rate), .type = CFG_DOUBLE, .def = "1e6", .min = 1e-3, .max = 1e9, .unit = "allocations/s",
	  .doc = "Mean rate of each CPU (during on)." },
	{ F(arrivals_config, on), .type = CFG_OBJECT, .table = &synthetic_dist_table, .unit = "ns",
	  .def = "{\"kind\": \"exponential\", \"a\": 1000000}", .doc = "bursts: how long one lasts." },
	{ F(arrivals_config, off), .type = CFG_OBJECT, .table = &synthetic_dist_table, .unit = "ns",
	  .def = "{\"kind\": \"exponential\", \"a\": 9000000}", .doc = "bursts: how long the pause after one is." },
	{ F(arrivals_config, period), .type = CFG_TIME, .def = "\"1s\"", .min = 1, .max = 1e15,
	  .doc = "diurnal: length of a day." },
	{ F(arrivals_config, swing), .type = CFG_DOUBLE, .def = "0.8", .min = 0, .max = 1,
	  .doc = "diurnal: how far the rate rises above and falls below its mean, as part of it." },
};

static const struct cfg_table arrivals_table = {
	.name = "arrivals",
	.doc = "When allocations arrive, in the workload's own time (replayed with pacing timestamps).",
	.fields = arrivals_fields,
	.nr_fields = KMS_ARRAY_SIZE(arrivals_fields),
	.size = sizeof(struct arrivals_config),
};

static const struct cfg_field synthetic_fields[] = {
	{ F(synthetic_config, requests), .type = CFG_UINT, .def = "1000000", .min = 1, .max = 1e12,
	  .unit = "allocations", .doc = "Allocations, over all CPUs; frees come on top." },
	{ F(synthetic_config, cpus), .type = CFG_UINT, .def = "1", .min = 1, .max = 256,
	  .doc = "CPUs that allocate, in turns of equal length." },
	{ F(synthetic_config, size), .type = CFG_OBJECT, .table = &synthetic_dist_table, .unit = "bytes",
	  .def = SIZE_DEFAULT,
	  .doc = "Bytes asked for by each kmalloc, 1 byte to 4 MiB." },
	{ F(synthetic_config, lifetime), .type = CFG_OBJECT, .table = &synthetic_dist_table, .unit = "allocations",
	  .def = "{\"kind\": \"exponential\", \"a\": 1000}",
	  .doc = "How many later allocations of the same CPU an object outlives." },
	{ F(synthetic_config, think), .type = CFG_OBJECT, .table = &synthetic_dist_table, .unit = "ns",
	  .def = "{\"kind\": \"constant\", \"a\": 100}",
	  .doc = "Time between two allocations of a CPU." },
	{ F(synthetic_config, page_share), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of the allocations that ask the page allocator for a block instead of kmalloc." },
	{ F(synthetic_config, order), .type = CFG_OBJECT, .table = &synthetic_dist_table,
	  .def = "{\"kind\": \"discrete\", \"values\": [0, 1, 2, 3], \"weights\": [90, 5, 3, 2]}",
	  .doc = "Order of the page blocks, 0 to 10." },
	{ F(synthetic_config, movable_share), .type = CFG_DOUBLE, .def = "0.5", .min = 0, .max = 1,
	  .doc = "Part of the page blocks that are movable (user memory)." },
	{ F(synthetic_config, remote_free_share), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of the objects that another CPU than the allocating one frees." },
	{ F(synthetic_config, free_order), FREE_ORDER },
	{ F(synthetic_config, batch), BATCH },
	{ F(synthetic_config, arrivals), .type = CFG_OBJECT, .table = &arrivals_table,
	  .doc = "When allocations arrive." },
	{ F(synthetic_config, cpu_weights), .type = CFG_DOUBLES,
	  .doc = "Part of the allocations that each CPU makes, relative to the others; empty: equal." },
	{ F(synthetic_config, classes), .type = CFG_ARRAY, .table = &class_table,
	  .doc = "Kinds of allocations; given, size, lifetime, page_share, order, movable_share, remote_free_share, free_order and batch above do not count." },
	{ F(synthetic_config, sweeps), .type = CFG_ARRAY, .table = &sweep_table,
	  .doc = "Moments at which objects die together; classes say with swept what waits for them." },
	{ F(synthetic_config, phases), .type = CFG_ARRAY, .table = &phase_table,
	  .doc = "Parts of the workload, one after the other; empty: a single one." },
};

static int check_cpus(const struct cfg_array *cpus, u64 nr_cpus, const char *where, size_t i, const char *key,
		      struct cfg_ctx *ctx, struct kms_error *err)
{
	const u64 *cpu = cpus->items;
	char path[80];

	for (size_t k = 0; k < cpus->n; k++) {
		if (cpu[k] < nr_cpus)
			continue;
		snprintf(path, sizeof(path), "%s[%zu].%s[%zu]", where, i, key, k);
		return cfg_fail(ctx, err, path, "expected a CPU from 0 to %llu, found %llu",
				(unsigned long long)nr_cpus - 1, (unsigned long long)cpu[k]);
	}
	return 0;
}

static int check_swept(const struct synthetic_config *c, const struct synthetic_class *class, const char *where,
		       size_t i, struct cfg_ctx *ctx, struct kms_error *err)
{
	size_t n = class->sweeps.n ? class->sweeps.n : c->sweeps.n;
	const double *shares = class->sweep_shares.items;
	const u64 *sweeps = class->sweeps.items;
	char path[96];

	snprintf(path, sizeof(path), "%s[%zu].swept", where, i);
	if (class->swept > 0 && !c->sweeps.n)
		return cfg_fail(ctx, err, path, "expected 0 in a workload without sweeps, found %g", class->swept);
	for (size_t k = 0; k < class->sweeps.n; k++) {
		snprintf(path, sizeof(path), "%s[%zu].sweeps[%zu]", where, i, k);
		if (sweeps[k] >= c->sweeps.n)
			return cfg_fail(ctx, err, path, "expected the number of one of the workload's %zu sweeps, from 0, found %llu",
					c->sweeps.n, (unsigned long long)sweeps[k]);
	}
	snprintf(path, sizeof(path), "%s[%zu].sweep_shares", where, i);
	if (class->sweep_shares.n && class->sweep_shares.n != n)
		return cfg_fail(ctx, err, path, "expected one for each of its %zu sweeps, found %zu", n,
				class->sweep_shares.n);
	for (size_t k = 0; k < class->sweep_shares.n; k++)
		if (!(shares[k] >= 0 && shares[k] <= 1))
			return cfg_fail(ctx, err, path, "expected numbers from 0 to 1, found %g", shares[k]);
	return 0;
}

static int check_classes(const struct synthetic_config *c, const struct cfg_array *classes, const char *where,
			 struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct synthetic_class *class = classes->items;
	char path[80];
	double sum = 0;

	for (size_t i = 0; i < classes->n; i++) {
		if (check_cpus(&class[i].cpus, c->cpus, where, i, "cpus", ctx, err) ||
		    check_cpus(&class[i].free_cpus, c->cpus, where, i, "free_cpus", ctx, err) ||
		    check_swept(c, &class[i], where, i, ctx, err))
			return KMS_EUSAGE;
		snprintf(path, sizeof(path), "%s[%zu].remote_free_share", where, i);
		if (class[i].remote_free_share > 0 && c->cpus < 2)
			return cfg_fail(ctx, err, path, "expected 0 with one CPU, found %g", class[i].remote_free_share);
		sum += class[i].weight;
	}
	if (classes->n && !(sum > 0))
		return cfg_fail(ctx, err, where, "expected at least one class with a weight above 0");
	return 0;
}

static int check_cpu_weights(const struct cfg_array *given, u64 nr_cpus, const char *key, struct cfg_ctx *ctx,
			     struct kms_error *err)
{
	const double *weights = given->items;
	double sum = 0;

	if (given->n && given->n != nr_cpus)
		return cfg_fail(ctx, err, key, "expected as many as CPUs (%llu), found %zu",
				(unsigned long long)nr_cpus, given->n);
	for (size_t i = 0; i < given->n; i++) {
		if (!(weights[i] >= 0))
			return cfg_fail(ctx, err, key, "expected weights of 0 or more, found %g", weights[i]);
		sum += weights[i];
	}
	if (given->n && !(sum > 0))
		return cfg_fail(ctx, err, key, "expected at least one weight above 0");
	return 0;
}

static int check_phases(const struct synthetic_config *c, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct synthetic_phase *phase = c->phases.items;
	u64 given = 0, open = 0;
	char path[80];

	for (size_t i = 0; i < c->phases.n; i++) {
		const double *weights = phase[i].weights.items;
		double sum = 0;

		snprintf(path, sizeof(path), "phases[%zu].classes", i);
		if (check_classes(c, &phase[i].classes, path, ctx, err))
			return KMS_EUSAGE;
		snprintf(path, sizeof(path), "phases[%zu].cpu_weights", i);
		if (check_cpu_weights(&phase[i].cpu_weights, c->cpus, path, ctx, err))
			return KMS_EUSAGE;
		snprintf(path, sizeof(path), "phases[%zu].weights", i);
		for (size_t k = 0; k < phase[i].weights.n; k++) {
			if (!(weights[k] >= 0))
				return cfg_fail(ctx, err, path, "expected weights of 0 or more, found %g", weights[k]);
			sum += weights[k];
		}
		if (phase[i].weights.n && (phase[i].classes.n || phase[i].weights.n != c->classes.n))
			return cfg_fail(ctx, err, path, "expected as many as the workload has classes (%zu) and no classes of the phase's own, found %zu",
					c->classes.n, phase[i].weights.n);
		if (phase[i].weights.n && !(sum > 0))
			return cfg_fail(ctx, err, path, "expected at least one weight above 0");
		given += phase[i].requests;
		open += !phase[i].requests;
	}
	if (open && given > c->requests)
		return cfg_fail(ctx, err, "phases", "their requests add up to %llu, more than the workload's %llu, and nothing is left for those without",
				(unsigned long long)given, (unsigned long long)c->requests);
	return 0;
}

static int check_synthetic(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct synthetic_config *c = section;

	if (c->remote_free_share > 0 && c->cpus < 2)
		return cfg_fail(ctx, err, "remote_free_share", "expected 0 with one CPU, found %g",
				c->remote_free_share);
	if (c->requests < c->cpus)
		return cfg_fail(ctx, err, "requests", "expected at least one for each of the %llu CPUs, found %llu",
				(unsigned long long)c->cpus, (unsigned long long)c->requests);
	for (size_t i = 0; i < c->sweeps.n; i++)
		if (check_cpus(&((const struct sweep_config *)c->sweeps.items)[i].cpus, c->cpus, "sweeps", i, "cpus",
			       ctx, err))
			return KMS_EUSAGE;
	if (check_cpu_weights(&c->cpu_weights, c->cpus, "cpu_weights", ctx, err) ||
	    check_classes(c, &c->classes, "classes", ctx, err))
		return KMS_EUSAGE;
	return check_phases(c, ctx, err);
}

const struct cfg_table synthetic_config_table = {
	.name = "synthetic",
	.doc = "A workload drawn from distributions: the same seed gives the same requests.",
	.fields = synthetic_fields,
	.nr_fields = KMS_ARRAY_SIZE(synthetic_fields),
	.size = sizeof(struct synthetic_config),
	.check = check_synthetic,
};
