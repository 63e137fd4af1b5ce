/*
 * synthetic_config.c - the "synthetic" section of an experiment.
 */
#include <stdio.h>

#include "workloads/synthetic.h"

#define F(struct_, member) .key = #member, .offset = offsetof(struct struct_, member)

static const char *const dist_kinds[] = {
	[DIST_CONSTANT] = "constant",	[DIST_UNIFORM] = "uniform", [DIST_EXPONENTIAL] = "exponential",
	[DIST_LOGNORMAL] = "lognormal", [DIST_PARETO] = "pareto",   [DIST_WEIBULL] = "weibull",
	[DIST_DISCRETE] = "discrete",	NULL,
};

static const struct cfg_field dist_fields[] = {
	{ F(dist_config, kind), .type = CFG_ENUM, .def = "\"constant\"", .choices = dist_kinds,
	  .doc = "Which distribution to draw from." },
	{ F(dist_config, a), .type = CFG_DOUBLE, .def = "0", .min = -1e15, .max = 1e15,
	  .doc = "constant: the value; uniform: lower bound; exponential: mean; lognormal: median; pareto: smallest value; weibull: scale." },
	{ F(dist_config, b), .type = CFG_DOUBLE, .def = "0", .min = -1e15, .max = 1e15,
	  .doc = "uniform: upper bound; lognormal: standard deviation of the logarithm; pareto, weibull: exponent." },
	{ F(dist_config, min), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1e15,
	  .doc = "Smaller values are raised to this." },
	{ F(dist_config, max), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1e15,
	  .doc = "Larger values are lowered to this; 0: no upper bound." },
	{ F(dist_config, values), .type = CFG_DOUBLES, .doc = "discrete: the values." },
	{ F(dist_config, weights), .type = CFG_DOUBLES,
	  .doc = "discrete: how often each value is drawn, relative to the others." },
};

static int check_discrete(const struct dist_config *d, struct cfg_ctx *ctx, struct kms_error *err)
{
	const double *weights = d->weights.items, *values = d->values.items;
	double sum = 0;
	char key[64];

	if (!d->values.n)
		return cfg_fail(ctx, err, "values", "a discrete distribution needs at least one value");
	if (d->weights.n != d->values.n)
		return cfg_fail(ctx, err, "weights", "expected as many weights as values (%zu), found %zu",
				d->values.n, d->weights.n);
	for (size_t i = 0; i < d->values.n; i++) {
		snprintf(key, sizeof(key), "weights[%zu]", i);
		if (!(weights[i] >= 0))
			return cfg_fail(ctx, err, key, "expected a weight of 0 or more, found %g", weights[i]);
		snprintf(key, sizeof(key), "values[%zu]", i);
		if (!(values[i] >= 0))
			return cfg_fail(ctx, err, key, "expected a value of 0 or more, found %g", values[i]);
		sum += weights[i];
	}
	if (!(sum > 0))
		return cfg_fail(ctx, err, "weights", "expected at least one weight above 0");
	return 0;
}

static int check_dist(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct dist_config *d = section;
	const char *kind = dist_kinds[d->kind];

	if (d->max > 0 && d->max < d->min)
		return cfg_fail(ctx, err, "max", "expected at least min (%g), or 0 for no upper bound; found %g",
				d->min, d->max);
	if (d->kind == DIST_DISCRETE)
		return check_discrete(d, ctx, err);
	if (d->values.n || d->weights.n)
		return cfg_fail(ctx, err, d->values.n ? "values" : "weights",
				"only a discrete distribution has these, this one is %s", kind);
	if (d->kind <= DIST_UNIFORM ? d->a < 0 : !(d->a > 0))
		return cfg_fail(ctx, err, "a", "expected %s for %s, found %g",
				d->kind <= DIST_UNIFORM ? "0 or more" : "more than 0", kind, d->a);
	if (d->kind == DIST_UNIFORM && d->b < d->a)
		return cfg_fail(ctx, err, "b", "expected at least a (%g), found %g", d->a, d->b);
	if (d->kind == DIST_LOGNORMAL && d->b < 0)
		return cfg_fail(ctx, err, "b", "expected 0 or more for lognormal, found %g", d->b);
	if ((d->kind == DIST_PARETO || d->kind == DIST_WEIBULL) && !(d->b > 0))
		return cfg_fail(ctx, err, "b", "expected more than 0 for %s, found %g", kind, d->b);
	return 0;
}

static const struct cfg_table dist_table = {
	.name = "distribution",
	.doc = "A distribution to draw numbers from.",
	.fields = dist_fields,
	.nr_fields = KMS_ARRAY_SIZE(dist_fields),
	.size = sizeof(struct dist_config),
	.check = check_dist,
};

static const struct cfg_field synthetic_fields[] = {
	{ F(synthetic_config, requests), .type = CFG_UINT, .def = "1000000", .min = 1, .max = 1e12,
	  .unit = "allocations", .doc = "Allocations, over all CPUs; frees come on top." },
	{ F(synthetic_config, cpus), .type = CFG_UINT, .def = "1", .min = 1, .max = 256,
	  .doc = "CPUs that allocate, in turns of equal length." },
	{ F(synthetic_config, size), .type = CFG_OBJECT, .table = &dist_table, .unit = "bytes",
	  .def = "{\"kind\": \"lognormal\", \"a\": 128, \"b\": 1.2, \"min\": 8, \"max\": 8192}",
	  .doc = "Bytes asked for by each kmalloc, 1 byte to 4 MiB." },
	{ F(synthetic_config, lifetime), .type = CFG_OBJECT, .table = &dist_table, .unit = "allocations",
	  .def = "{\"kind\": \"exponential\", \"a\": 1000}",
	  .doc = "How many later allocations of the same CPU an object outlives." },
	{ F(synthetic_config, think), .type = CFG_OBJECT, .table = &dist_table, .unit = "ns",
	  .def = "{\"kind\": \"constant\", \"a\": 100}",
	  .doc = "Time between two allocations of a CPU." },
	{ F(synthetic_config, page_share), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of the allocations that ask the page allocator for a block instead of kmalloc." },
	{ F(synthetic_config, order), .type = CFG_OBJECT, .table = &dist_table,
	  .def = "{\"kind\": \"discrete\", \"values\": [0, 1, 2, 3], \"weights\": [90, 5, 3, 2]}",
	  .doc = "Order of the page blocks, 0 to 10." },
	{ F(synthetic_config, movable_share), .type = CFG_DOUBLE, .def = "0.5", .min = 0, .max = 1,
	  .doc = "Part of the page blocks that are movable (user memory)." },
	{ F(synthetic_config, remote_free_share), .type = CFG_DOUBLE, .def = "0", .min = 0, .max = 1,
	  .doc = "Part of the objects that another CPU than the allocating one frees." },
};

static int check_synthetic(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct synthetic_config *c = section;

	if (c->remote_free_share > 0 && c->cpus < 2)
		return cfg_fail(ctx, err, "remote_free_share", "expected 0 with one CPU, found %g",
				c->remote_free_share);
	if (c->requests < c->cpus)
		return cfg_fail(ctx, err, "requests", "expected at least one for each of the %llu CPUs, found %llu",
				(unsigned long long)c->cpus, (unsigned long long)c->requests);
	return 0;
}

const struct cfg_table synthetic_config_table = {
	.name = "synthetic",
	.doc = "A workload drawn from distributions: the same seed gives the same requests.",
	.fields = synthetic_fields,
	.nr_fields = KMS_ARRAY_SIZE(synthetic_fields),
	.size = sizeof(struct synthetic_config),
	.check = check_synthetic,
};
