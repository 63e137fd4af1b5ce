/*
 * why_slabs.c - lab "why-slabs": the same requests with SLUB and with a slab
 * layer that rounds every object up to whole pages.
 */
#include "sim/labs/series.h"

static const struct series_figure memory_figures[] = {
	{.key = "requested_bytes_peak", .heading = "asked for, peak", .scale = 1.0 / (1 << 20), .unit = "MiB", .digits = 1},
	{.key = "held_bytes_peak", .heading = "held, peak", .scale = 1.0 / (1 << 20), .unit = "MiB", .digits = 1},
};

static const struct series_figure time_figures[] = {
	{.key = "latency_mean", .heading = "a request takes", .unit = "ns", .digits = 1},
	{.key = "memory_accesses", .heading = "memory accesses"},
};

static const char *const layers[] = {"noslab", "slub"};

static int measure_memory(struct lab_run *r, struct series *s, struct kms_error *err)
{
	long long requests = lab_param(r, "requests_k") * 1000;
	int rc = 0;

	series_init(s, r, "memory", "slab layer", memory_figures, KMS_ARRAY_SIZE(memory_figures));
	for (u32 i = 0; i < 2 && !rc; i++)
		rc = series_run(s, err, layers[i], "allocator.slab=%s workload.max_requests=%lld", layers[i], requests);
	if (!rc)
		series_show(s);
	return rc;
}

static int measure_time(struct lab_run *r, struct series *s, struct kms_error *err)
{
	long long bytes = lab_param(r, "pair_bytes");
	int rc = 0;

	series_init(s, r, "time", "slab layer", time_figures, KMS_ARRAY_SIZE(time_figures));
	for (u32 i = 0; i < 2 && !rc; i++)
		rc = series_run(s, err, layers[i],
				"allocator.slab=%s timing=cycle workload.trace=null workload.warm_up=[] "
				"workload.adversary=slab-pairs workload.parameters.size=%lld "
				"workload.parameters.objects=4000", layers[i], bytes);
	if (!rc)
		series_show(s);
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	struct series memory, time;
	double held[2], asked[2], took[2];
	int rc;

	lab_say(r, "A recorded workload, every object in a slab or in pages of its own:");
	rc = measure_memory(r, &memory, err);
	if (rc)
		return rc;
	lab_say(r, "Objects of %lld bytes, allocated and freed at once:", (long long)lab_param(r, "pair_bytes"));
	rc = measure_time(r, &time, err);
	if (rc)
		return rc;
	for (u32 i = 0; i < 2; i++) {
		held[i] = series_found(&memory, i, "held_bytes_peak");
		asked[i] = series_found(&memory, i, "requested_bytes_peak");
		took[i] = series_found(&time, i, "latency_mean");
	}
	lab_value(r, "times_memory", "", held[0] / held[1]);
	lab_value(r, "times_time", "", took[0] / took[1]);
	lab_check(r, "both are asked for the same", asked[0], asked[1]);
	lab_check_that(r, held[0] > 3 * held[1], "without slabs more than three times the memory is held");
	lab_check_that(r, held[1] < 1.5 * asked[1], "slabs hold less than half as much again as was asked for");
	lab_check_that(r, took[0] > took[1], "without slabs a request takes longer");
	return series_picture(&memory, "memory", "Memory at the peak of a recorded workload",
			      "set datafile separator '\\t'\nset yrange [0:*]\nset ylabel 'MiB'\n"
			      "set style data histograms\nset style histogram clustered gap 1\n"
			      "set style fill solid 0.9 border lt -1\nset key top right\n"
			      "plot 'why-slabs-memory.tsv' using 2:xtic(1) title 'asked for' lc rgb '#999999', "
			      "'' using 3 title 'held' lc rgb '#0072b2' fs pattern 2, "
			      "'' using 0:3:(sprintf('%.1f MiB', $3)) with labels offset 5,0.7 notitle\n", err);
}

const struct lab lab_why_slabs = {.name = "why-slabs", .run = run};
