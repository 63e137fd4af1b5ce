/*
 * own_allocator.c - lab "own-allocator": the tutorial's hundred lines against
 * SLUB: faster where frees come from other CPUs, worse with memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/config/data.h"
#include "sim/labs/series.h"
#include "sim/plugin/plugin.h"

#define TUTORIAL "docs/tutorial-policy.c"

static const struct series_figure figures[] = {
	{.key = "remote", .heading = "freed by another CPU", .unit = "ns", .digits = 1},
	{.key = "pairs", .heading = "alloc, free at once", .unit = "ns", .digits = 1},
	{.key = "memory", .heading = "objects of 132 bytes hold", .unit = "KiB"},
};
#define FIGURES KMS_ARRAY_SIZE(figures)

static const char *const settings[FIGURES] = {
	"workload.adversary=ping-pong workload.parameters.cpus=4",
	"workload.adversary=slab-pairs workload.parameters.objects=4000",
	"timing=functional workload.adversary=slab-batch workload.parameters.objects=4000",
};

static int measure(struct series *s, const char *label, const char *slab, struct kms_error *err)
{
	static const struct series_figure time = {.key = "latency_mean", .heading = ""};
	static const struct series_figure memory = {.key = "held_bytes_peak", .heading = "", .scale = 1.0 / 1024};
	double found[FIGURES];
	int rc = 0;

	for (u32 i = 0; i < FIGURES && !rc; i++) {
		struct series one;

		series_init(&one, s->r, "", "", i == 2 ? &memory : &time, 1);
		rc = series_run(&one, err, label, "allocator.slab=%s workload.parameters.size=%lld %s", slab,
				i == 2 ? 132ll : (long long)lab_param(s->r, "bytes"), settings[i]);
		found[i] = rc ? 0 : one.found[0][0];
	}
	if (!rc)
		series_add(s, label, found);
	return rc;
}

static int compare(struct lab_run *r, const char *mine, struct kms_error *err)
{
	struct series s;
	int rc;

	lab_say(r, "%s, built as `kmemsim policy build` does, and SLUB; objects of %lld bytes, ns are those of a "
		   "request on average:", TUTORIAL, (long long)lab_param(r, "bytes"));
	series_init(&s, r, "compared", "slab layer", figures, FIGURES);
	rc = measure(&s, "slub", "slub", err);
	if (!rc)
		rc = measure(&s, "mine", mine, err);
	if (rc)
		return rc;
	series_show(&s);
	lab_value(r, "times_memory", "", series_found(&s, 1, "memory") / series_found(&s, 0, "memory"));
	lab_check_that(r, series_found(&s, 1, "remote") < series_found(&s, 0, "remote"),
		       "it beats SLUB at objects that another CPU frees");
	lab_check_that(r, series_found(&s, 1, "memory") > series_found(&s, 0, "memory"), "and holds more memory");
	return series_picture(&s, "compared", "The tutorial's allocator and SLUB",
			      "set datafile separator '\\t'\nset style data histograms\nset style histogram clustered gap 1\n"
			      "set style fill solid 0.9 border lt -1\nset yrange [0:*]\nset ylabel 'ns per request'\n"
			      "plot 'own-allocator-compared.tsv' using 2:xtic(1) lc rgb '#0072b2' title 'freed by another CPU', "
			      "'' using 3 lc rgb '#d55e00' fs pattern 2 title 'allocated and freed at once'\n", err);
}

static int run(struct lab_run *r, struct kms_error *err)
{
	const char *tmp = getenv("TMPDIR");
	char source[512], dir[400], so[440];
	int rc;

	if (!data_find(TUTORIAL, source, sizeof(source)))
		return kms_fail(err, KMS_EFAIL, "%s was not found", TUTORIAL);
	snprintf(dir, sizeof(dir), "%s/kmemsim-lab-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return kms_fail(err, KMS_EFAIL, "cannot make a folder for the allocator below %s", dir);
	snprintf(so, sizeof(so), "%s/mine.so", dir);
	rc = plugin_build(source, so, NULL, false, err);
	if (!rc) {
		plugin_unload();
		rc = compare(r, so, err);
	}
	unlink(so);
	rmdir(dir);
	return rc;
}

const struct lab lab_own_allocator = {.name = "own-allocator", .run = run};
