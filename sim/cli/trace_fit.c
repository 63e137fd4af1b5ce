/*
 * trace_fit.c - `trace fit`: a trace's statistics (workloads/fit.h) written as
 * the JSON of a synthetic workload, and how near that workload comes to it.
 */
#include <errno.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "results/json.h"
#include "sim/cli/trace.h"
#include "workloads/fit.h"
#include "workloads/synthetic.h"
#include "workloads/trace.h"

static double share(u64 part, u64 all)
{
	return all ? (double)part / (double)all : 0;
}

/* ---- the profile ---- */

/* Buckets that are written: those counted, and of a row of empty ones the first. */
static bool written(const u64 counts[FIT_LIFETIMES], u32 i, u32 first)
{
	return counts[i] || i == first || counts[i - 1];
}

/* Bounds half a unit around whole numbers, so that rounding hits each as often as it was counted. */
static void put_lifetime(struct json *j, const u64 counts[FIT_LIFETIMES])
{
	u32 first = 0, last = FIT_LIFETIMES - 1;

	while (first < FIT_LIFETIMES && !counts[first])
		first++;
	if (first == FIT_LIFETIMES)
		return;
	while (!counts[last])
		last--;
	json_open(j, "lifetime", '{');
	json_text(j, "kind", "empirical");
	json_open(j, "values", '[');
	for (u32 i = first; i <= last + 1; i++)
		if (i > last || written(counts, i, first))
			json_double(j, NULL, fmax((double)fit_lifetime_low(i) - 0.5, 0));
	json_close(j, ']');
	json_open(j, "weights", '[');
	for (u32 i = first; i <= last; i++)
		if (written(counts, i, first))
			json_uint(j, NULL, counts[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_constant(struct json *j, const char *key, u64 value)
{
	json_open(j, key, '{');
	json_text(j, "kind", "constant");
	json_uint(j, "a", value);
	json_close(j, '}');
}

static void put_sizes(struct json *j, const struct fit_class *c)
{
	json_open(j, "size", '{');
	json_text(j, "kind", "discrete");
	json_open(j, "values", '[');
	for (u32 i = 0; i < c->nr_sizes; i++)
		json_uint(j, NULL, c->sizes[i].size ? c->sizes[i].size : 1);
	json_close(j, ']');
	json_open(j, "weights", '[');
	for (u32 i = 0; i < c->nr_sizes; i++)
		json_uint(j, NULL, c->sizes[i].n);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_cache(struct json *j, const struct kms_cache_def *d, u64 size)
{
	json_text(j, "cache", d->name);
	put_constant(j, "size", d->object_size ? d->object_size : size);
	if (d->align && !(d->align & (d->align - 1)) && d->align <= 4096)
		json_uint(j, "align", d->align);
	json_uint(j, "flags", d->flags);
	json_bool(j, "constructor", d->ctor);
}

static void put_swept(struct json *j, struct fit_class *c)
{
	static const char *const orders[] = {[FIT_OLDEST] = "fifo", [FIT_YOUNGEST] = "lifo", [FIT_ANY] = "random"};

	json_double(j, "swept", (double)c->swept / (double)c->allocs);
	if (c->remote_swept)
		json_double(j, "sweep_remote_share", share(c->remote_swept, c->swept));
	json_text(j, "sweep_order", orders[fit_sweep_shares(c)]);
	json_open(j, "sweeps", '[');
	for (u32 i = 0; i < c->nr_sweeps; i++)
		if (c->sweeps[i].died)
			json_uint(j, NULL, c->sweeps[i].sweep);
	json_close(j, ']');
	json_open(j, "sweep_shares", '[');
	for (u32 i = 0; i < c->nr_sweeps; i++)
		if (c->sweeps[i].died)
			json_double(j, NULL, c->sweeps[i].share);
	json_close(j, ']');
}

static void put_window(struct json *j, const struct fit_phase *phase, const struct fit_part *part)
{
	double from = share(part->begin - phase->first, phase->allocs);
	double to = share(part->end - phase->first, phase->allocs);

	if (from > 0)
		json_double(j, "from", from);
	if (to < 1)
		json_double(j, "to", to);
}

static void put_class(struct json *j, const struct fit *f, struct fit_class *c, const struct kms_workload_info *info)
{
	static const char *const requests[] = {"kmalloc", "cache", "pages"};
	const char *site = c->key.site < info->nr_sites ? info->sites[c->key.site] : "";

	json_open(j, NULL, '{');
	json_text(j, "name", *site ? site : "(rare)");
	json_uint(j, "weight", c->allocs);
	put_window(j, &f->phases[c->key.phase], &f->parts[c->key.part]);
	json_text(j, "request", requests[c->key.kind]);
	if (c->key.kind == 0)
		put_sizes(j, c);
	else if (c->key.kind == 1)
		put_cache(j, &info->caches[c->key.what], c->sizes[0].size);
	else
		put_constant(j, "order", c->key.what);
	json_uint(j, "gfp", c->key.gfp);
	if (c->frees)
		put_lifetime(j, c->lifetimes);
	json_double(j, "immortal", (double)(c->allocs - c->frees - c->swept) / (double)c->allocs);
	if (c->swept)
		put_swept(j, c);
	if (info->nr_cpus > 1 && c->remote_frees)
		json_double(j, "remote_free_share", (double)c->remote_frees / (double)c->frees);
	json_close(j, '}');
}

static void put_phase(struct json *j, const struct fit *f, u32 phase, const struct kms_workload_info *info)
{
	const struct fit_phase *p = &f->phases[phase];
	double seconds = (double)(p->end - p->begin) / 1e9;

	json_open(j, NULL, '{');
	json_text(j, "name", info->nr_phases ? info->phases[phase] : "all");
	json_uint(j, "requests", p->allocs);
	if (seconds > 0)
		json_double(j, "rate", fmin((double)p->allocs / seconds / info->nr_cpus, 1e9));
	if (info->nr_cpus > 1) {
		json_open(j, "cpu_weights", '[');
		for (u32 i = 0; i < info->nr_cpus; i++)
			json_uint(j, NULL, p->cpu_allocs[i]);
		json_close(j, ']');
	}
	json_open(j, "classes", '[');
	for (u32 i = 0; i < f->nr_classes; i++)
		if (f->classes[i].key.phase == phase)
			put_class(j, f, &f->classes[i], info);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_sweep(struct json *j, const struct fit_moment *m, bool cpus)
{
	json_open(j, NULL, '{');
	json_uint(j, "at", m->at);
	if (cpus) {
		json_open(j, "cpus", '[');
		json_uint(j, NULL, m->cpu);
		json_close(j, ']');
	}
	json_close(j, '}');
}

static void put_profile(FILE *out, const struct fit *f, const struct kms_workload_info *info)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_uint(&j, "requests", f->allocs);
	json_uint(&j, "cpus", info->nr_cpus);
	json_open(&j, "arrivals", '{');
	json_text(&j, "kind", "poisson");
	json_close(&j, '}');
	json_open(&j, "sweeps", '[');
	for (u32 i = 0; i < f->nr_moments; i++)
		put_sweep(&j, &f->moments[i], info->nr_cpus > 1);
	json_close(&j, ']');
	json_open(&j, "phases", '[');
	for (u32 i = 0; i < f->nr_phases; i++)
		if (f->phases[i].allocs)
			put_phase(&j, f, i, info);
	json_close(&j, ']');
	json_close(&j, '}');
}

static int write_file(const char *path, const char *text, size_t n, struct kms_error *err)
{
	char *partial = NULL;
	FILE *out;
	bool ok;

	if (kms_check_output(path, err))
		return KMS_EUSAGE;
	if (asprintf(&partial, "%s.partial", path) < 0)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	out = fopen(partial, "w");
	ok = out && fwrite(text, 1, n, out) == n;
	ok = out && !fclose(out) && ok && !rename(partial, path);
	if (!ok) {
		kms_fail(err, out ? KMS_EFAIL : KMS_EUSAGE, "cannot write '%s': %s", path, strerror(errno));
		unlink(partial);
	}
	free(partial);
	return ok ? 0 : err->code;
}

/* ---- how near it comes ---- */

struct nearness {
	double sizes, lifetimes; /* Kolmogorov-Smirnov distances */
	double classes;		 /* correlation of the kinds' numbers */
	u64 allocs, synthetic_allocs;
	double freed, synthetic_freed;
	double swept, synthetic_swept; /* of frees: together with at least sweep_least others */
	double peak, synthetic_peak;   /* bytes */
	double curve;		       /* mean distance of bytes alive, as part of the mean */
	double remote, synthetic_remote;
};

/* Numbers by size class and order, as two vectors. */
static double correlate(const struct fit *a, const struct fit *b)
{
	double x[KMS_ARRAY_SIZE(a->sizes)], y[KMS_ARRAY_SIZE(a->sizes)];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(a->sizes); i++) {
		x[i] = (double)a->sizes[i];
		y[i] = (double)b->sizes[i];
	}
	return gsl_stats_correlation(x, 1, y, 1, KMS_ARRAY_SIZE(a->sizes));
}

static int measure(struct nearness *n, const struct fit *real, const char *profile, const char *name, u64 seed,
		   struct kms_error *err)
{
	struct synthetic_config config;
	struct kms_stream *stream;
	struct fit drawn;
	struct cfg *cfg;
	int rc = cfg_load_text(&cfg, &synthetic_config_table, &config, profile, name, ".", NULL, 0, err);

	if (rc)
		return rc;
	rc = synthetic_open(&stream, &config, seed, err);
	if (!rc) {
		rc = fit_stream(&drawn, stream, real->sweep_least, err);
		stream->close(stream);
	}
	cfg_free(cfg);
	if (rc)
		return rc;
	*n = (struct nearness){
		.sizes = fit_distance(real->sizes, drawn.sizes, KMS_ARRAY_SIZE(drawn.sizes)),
		.lifetimes = fit_distance(real->lifetimes, drawn.lifetimes, FIT_LIFETIMES),
		.classes = correlate(real, &drawn),
		.allocs = real->allocs, .synthetic_allocs = drawn.allocs,
		.freed = share(real->frees, real->allocs), .synthetic_freed = share(drawn.frees, drawn.allocs),
		.swept = share(real->swept, real->frees), .synthetic_swept = share(drawn.swept, drawn.frees),
		.peak = (double)real->curve.peak, .synthetic_peak = (double)drawn.curve.peak,
		.curve = fit_curve_distance(&real->curve, &drawn.curve),
		.remote = share(real->remote_frees, real->frees),
		.synthetic_remote = share(drawn.remote_frees, drawn.frees),
	};
	fit_free(&drawn);
	return 0;
}

static void share_row(struct cli_table *t, const char *what, double real, double drawn)
{
	char a[32], b[32];

	snprintf(a, sizeof(a), "%.2f %%", 100 * real);
	snprintf(b, sizeof(b), "%.2f %%", 100 * drawn);
	cli_table_row(t, (const char *const[]){what, a, b});
}

static void print_nearness(const struct cli *cli, const struct nearness *n, const struct fit *f, const char *output)
{
	static const char *const headings[] = {"", "trace", "profile"};
	char a[64], b[64];
	struct cli_table *t;
	struct json j;

	if (cli->json) {
		json_start(&j, stdout);
		json_open(&j, NULL, '{');
		json_text(&j, "profile", output);
		json_uint(&j, "classes", f->nr_classes);
		json_uint(&j, "allocations", n->allocs);
		json_uint(&j, "profile_allocations", n->synthetic_allocs);
		json_double(&j, "freed_share", n->freed);
		json_double(&j, "profile_freed_share", n->synthetic_freed);
		json_double(&j, "remote_free_share", n->remote);
		json_double(&j, "profile_remote_free_share", n->synthetic_remote);
		json_uint(&j, "sweeps", f->nr_moments);
		json_double(&j, "swept_share", n->swept);
		json_double(&j, "profile_swept_share", n->synthetic_swept);
		json_double(&j, "live_bytes_peak", n->peak);
		json_double(&j, "profile_live_bytes_peak", n->synthetic_peak);
		json_double(&j, "live_bytes_distance", n->curve);
		json_double(&j, "ks_sizes", n->sizes);
		json_double(&j, "ks_lifetimes", n->lifetimes);
		json_double(&j, "size_correlation", n->classes);
		json_close(&j, '}');
		return;
	}
	t = cli_table_new(headings, 3);
	cli_table_row(t, (const char *const[]){"objects allocated", cli_count(a, sizeof(a), n->allocs),
					       cli_count(b, sizeof(b), n->synthetic_allocs)});
	share_row(t, "of them freed", n->freed, n->synthetic_freed);
	share_row(t, "frees on another CPU", n->remote, n->synthetic_remote);
	share_row(t, "frees of many together", n->swept, n->synthetic_swept);
	cli_table_row(t, (const char *const[]){"most bytes alive", cli_bytes(a, sizeof(a), n->peak),
					       cli_bytes(b, sizeof(b), n->synthetic_peak)});
	cli_table_print(t, stdout);
	printf("\n%u classes, %u sweeps. Between trace and profile:\n"
	       "  sizes        Kolmogorov-Smirnov distance %.4f, correlation %.4f\n"
	       "  lifetimes    Kolmogorov-Smirnov distance %.4f\n"
	       "  bytes alive  mean distance %.4f of their mean\n",
	       f->nr_classes, f->nr_moments, n->sizes, n->classes, n->lifetimes, n->curve);
}

/* ---- the action ---- */

static int number_option(const struct cli *cli, const char *name, double def, double max, double *value,
			 struct kms_error *err)
{
	const char *text = cli_value(cli, name, NULL);
	char *end;

	*value = def;
	if (!text)
		return 0;
	*value = strtod(text, &end);
	if (end == text || *end || !(*value >= 0 && *value <= max))
		return kms_fail(err, KMS_EUSAGE, "--%s: expected a number from 0 to %g, found \"%s\"", name, max, text);
	return 0;
}

static int fit_trace(struct cli *cli, struct fit *f, struct kms_stream *stream, const char *output, double seed,
		     struct kms_error *err)
{
	struct nearness n;
	size_t length;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);
	int rc;

	if (!out)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	if (!f->allocs) {
		fclose(out);
		free(text);
		return kms_fail(err, KMS_EUSAGE, "'%s': the trace allocates nothing", cli->args[1]);
	}
	put_profile(out, f, stream->info);
	if (fclose(out)) {
		free(text);
		return kms_fail(err, KMS_EFAIL, "out of memory");
	}
	rc = measure(&n, f, text, output, (u64)seed, err);
	if (!rc)
		rc = write_file(output, text, length, err);
	free(text);
	if (!rc)
		print_nearness(cli, &n, f, output);
	return rc;
}

int cli_trace_fit(struct cli *cli, struct kms_error *err)
{
	struct kms_stream *stream;
	const char *output;
	double rare, seed, least;
	struct fit f;
	int rc;

	if (cli_trace_output(cli, &output, err) || number_option(cli, "rare", 0.002, 1, &rare, err) ||
	    number_option(cli, "sweep", 128, 9e15, &least, err) || number_option(cli, "seed", 1, 9e15, &seed, err))
		return KMS_EUSAGE;
	rc = trace_open(&stream, cli->args[1], err);
	if (rc)
		return rc;
	rc = fit_stream(&f, stream, (u64)least, err);
	if (!rc) {
		rc = fit_merge_rare(&f, rare) ? fit_trace(cli, &f, stream, output, seed, err) :
						kms_fail(err, KMS_EFAIL, "out of memory");
		fit_free(&f);
	}
	stream->close(stream);
	return rc;
}
