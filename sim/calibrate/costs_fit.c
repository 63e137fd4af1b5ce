/*
 * costs_fit.c - from counted calls to a cost table (count.h).
 *
 * Every counted call is an equation: passes and arguments of its tracepoints,
 * times what each costs, are its native instructions beyond the accesses that
 * the memory hierarchy charges. The solution has no negative costs; it is found
 * coordinate by coordinate. Points that are always passed together share what
 * they cost. Bulk calls come last: inside one the other points cost less than in
 * calls of their own, and what is charged too much there the bulk points lack.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/calibrate/count.h"

#define UNKNOWNS (2 * NR_TRACEPOINTS) /* per pass, per argument */
#define SWEEPS 20000u
#define LEAST_INSNS 8.0 /* weights: shorter calls count like these */
#define KEPT 0.05	/* instructions: less is dropped */

struct system_of {
	double matrix[UNKNOWNS][UNKNOWNS], right[UNKNOWNS], solution[UNKNOWNS];
};

static double coefficient(const struct count_observation *o, u32 i)
{
	return i < NR_TRACEPOINTS ? o->passes[i] : (double)o->args[i - NR_TRACEPOINTS];
}

/* First arguments that are frame numbers, cache ids and the like are no amount of work. */
static bool is_amount(const struct count_table *t, u32 tracepoint)
{
	for (u32 k = 0; k < t->n; k++)
		if (t->list[k].args[tracepoint] > 100000ull * t->list[k].passes[tracepoint])
			return false;
	return true;
}

/* Accesses that are instructions: lines that memset() clears are charged by the hierarchy, but take none. */
static double access_insns(const struct count_observation *o)
{
	double cleared = (double)o->args[TP_slab_zero] / 64 + (double)o->args[TP_mm_prep_zero] * 64;

	return fmax(0, (double)o->accesses - cleared);
}

static bool is_bulk_point(u32 tracepoint)
{
	return tracepoint == TP_slab_bulk_alloc || tracepoint == TP_slab_bulk_free ||
	       tracepoint == TP_mm_page_alloc_bulk;
}

static bool is_bulk(const struct count_observation *o)
{
	return o->passes[TP_slab_bulk_alloc] || o->passes[TP_slab_bulk_free] || o->passes[TP_mm_page_alloc_bulk];
}

static void add_equation(struct system_of *s, const struct count_observation *o, const bool *known)
{
	double y = fmax(0, o->insns - access_insns(o)), weight = o->weight / pow(fmax(LEAST_INSNS, o->insns), 2);
	u32 used[UNKNOWNS], n = 0;

	for (u32 i = 0; i < UNKNOWNS; i++)
		if (known[i] && coefficient(o, i) > 0)
			used[n++] = i;
	for (u32 a = 0; a < n; a++) {
		double x = coefficient(o, used[a]) * weight;

		s->right[used[a]] += x * y;
		for (u32 b = 0; b < n; b++)
			s->matrix[used[a]][used[b]] += x * coefficient(o, used[b]);
	}
}

/* The coordinate that fits best while all others stay. */
static double best(const struct system_of *s, u32 i)
{
	double rest = s->right[i];

	for (u32 k = 0; k < UNKNOWNS; k++)
		rest -= k == i ? 0 : s->matrix[i][k] * s->solution[k];
	return fmax(0, rest / s->matrix[i][i]);
}

/* One kind of calls, bulk or not; the other's unknowns stay as they are. */
static void solve(struct system_of *s, const struct count_table *t, const bool *known, bool bulk)
{
	memset(s->matrix, 0, sizeof(s->matrix));
	memset(s->right, 0, sizeof(s->right));
	for (u32 k = 0; k < t->n; k++)
		if (t->list[k].wanted && is_bulk(&t->list[k]) == bulk)
			add_equation(s, &t->list[k], known);
	for (u32 sweep = 0; sweep < SWEEPS; sweep++) {
		double change = 0;

		for (u32 i = 0; i < UNKNOWNS; i++) {
			double new;

			if (s->matrix[i][i] <= 0 || is_bulk_point(i % NR_TRACEPOINTS) != bulk)
				continue;
			new = best(s, i);
			change = fmax(change, fabs(new - s->solution[i]));
			s->solution[i] = new;
		}
		if (change < 1e-4)
			break;
	}
}

static double charged(const struct count_fit *fit, const struct count_observation *o)
{
	double insns = access_insns(o);

	for (u32 i = 0; i < NR_TRACEPOINTS; i++)
		insns += o->passes[i] * fit->costs[i].insns + (double)o->args[i] * fit->costs[i].insns_per_arg;
	return insns;
}

static void judge(const struct count_table *t, struct count_fit *fit)
{
	double weights = 0;

	for (u32 k = 0; k < t->n; k++) {
		const struct count_observation *o = &t->list[k];

		if (!o->wanted)
			continue;
		fit->calls++;
		weights += o->weight;
		fit->insns += o->weight * o->insns;
		fit->mean_error += o->weight * fabs(charged(fit, o) / o->insns - 1);
		for (u32 i = 0; i < NR_TRACEPOINTS; i++)
			fit->seen[i] += o->passes[i] > 0;
	}
	fit->insns /= weights;
	fit->mean_error /= weights;
}

int count_solve(const struct count_table *t, struct count_fit *fit, struct kms_error *err)
{
	struct system_of *s = calloc(1, sizeof(*s));
	bool known[UNKNOWNS];

	*fit = (struct count_fit){.calls = 0};
	if (!s)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	for (u32 i = 0; i < NR_TRACEPOINTS; i++) {
		known[i] = true;
		known[i + NR_TRACEPOINTS] = is_amount(t, i);
	}
	solve(s, t, known, false);
	solve(s, t, known, true);
	for (u32 i = 0; i < NR_TRACEPOINTS; i++) {
		double once = s->solution[i], per = s->solution[i + NR_TRACEPOINTS];

		fit->costs[i] = (struct rt_cost){round(once * 10) / 10 >= KEPT ? round(once * 10) / 10 : 0,
						 per >= KEPT / 10 ? round(per * 1000) / 1000 : 0};
	}
	free(s);
	judge(t, fit);
	return fit->calls ? 0 : kms_fail(err, KMS_EFAIL, "nothing was counted");
}

char *count_costs(const struct count_fit *fit, const char *name)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	bool first = true;

	if (!out)
		return NULL;
	fprintf(out, "{\n\t\"name\": \"%s\",\n", name);
	fprintf(out,
		"\t\"source\": \"instructions of kmemsim's own native allocators (" __VERSION__
		"), %u calls single-stepped by `kmemsim calibrate --count`; accesses to simulated memory are charged by the memory hierarchy and not in here; a call's total is met within %.1f %% on average\",\n",
		fit->calls, 100 * fit->mean_error);
	fprintf(out, "\t\"segments\": {");
	for (u32 i = 0; i < NR_TRACEPOINTS; i++) {
		if (!fit->seen[i])
			continue;
		fprintf(out, "%s\n\t\t\"%s\": {\"insns\": %g, \"per\": %g, \"doc\": \"%u calls\"}", first ? "" : ",",
			rt_tracepoint_names[i], fit->costs[i].insns, fit->costs[i].insns_per_arg, fit->seen[i]);
		first = false;
	}
	fprintf(out, "\n\t}\n}\n");
	return fclose(out) ? NULL : text;
}
