/*
 * remote_frees.c - lab "remote-frees": the part of objects that another CPU
 * frees, from none to all, with three slab layers.
 */
#include "sim/labs/series.h"

#define STEPS 5
#define LAYERS 3

static const struct series_figure figures[] = {
	{.key = "latency", .heading = "a request takes", .unit = "ns", .digits = 1,
	 .sql = "SELECT value FROM metric_value WHERE run = ? AND phase = -1 AND name = 'latency_mean'"},
	{.key = "fast", .heading = "on the fast path", .unit = "%", .digits = 1,
	 .sql = "SELECT 100.0 * sum(count) FILTER (WHERE path IN ('fast', 'sheaf')) / sum(count) FROM latency "
		"WHERE run = ? AND phase = -1 AND operation IN ('kmalloc', 'kfree')"},
	{.key = "touch", .heading = "using it takes", .unit = "ns", .digits = 1,
	 .sql = "SELECT sum(sum_ps) / 1000.0 / sum(count) FROM latency WHERE run = ? AND phase = -1 "
		"AND operation = 'touch'"},
	{.key = "transfers", .heading = "cache lines moved between CPUs",
	 .sql = "SELECT value FROM metric_value WHERE run = ? AND phase = -1 AND name = 'line_transfers'"},
	{.key = "wait", .heading = "lock wait", .scale = 0.001, .unit = "us", .digits = 1,
	 .sql = "SELECT value FROM metric_value WHERE run = ? AND phase = -1 AND name = 'lock_wait'"},
};

static const char *const layers[LAYERS] = {"slub", "slab", "sheaves"};

static int run(struct lab_run *r, struct kms_error *err)
{
	long long bytes = lab_param(r, "bytes"), seed = lab_param(r, "run_seed");
	struct series s;
	char label[32];
	int rc = 0;

	lab_say(r, "Four CPUs, objects of %lld bytes; the percentage is freed by another CPU than allocated it. Each is written when it is new and read before it is freed:", bytes);
	series_init(&s, r, "remote", "slab layer, remote frees in %", figures, KMS_ARRAY_SIZE(figures));
	for (u32 i = 0; i < LAYERS * STEPS && !rc; i++) {
		u32 percent = i % STEPS * 25;

		snprintf(label, sizeof(label), "%s %u", layers[i / STEPS], percent);
		rc = series_run(&s, err, label,
				"seed=%lld allocator.slab=%s allocator.sheaf_caches=all workload.synthetic.size.a=%lld "
				"workload.synthetic.remote_free_share=%.2f", seed, layers[i / STEPS], bytes, percent / 100.0);
	}
	if (rc)
		return rc;
	series_show(&s);
	for (u32 l = 0; l < LAYERS; l++) {
		u32 none = l * STEPS, all = none + STEPS - 1;

		lab_check_that(r, series_found(&s, all, "transfers") > 2 * series_found(&s, none, "transfers"),
			       "%s: remote frees move more than twice the cache lines", layers[l]);
		lab_check_that(r, series_found(&s, all, "touch") > series_found(&s, none, "touch"),
			       "%s: objects that come from another CPU are slower to use", layers[l]);
	}
	lab_check_that(r, series_found(&s, STEPS - 1, "latency") > series_found(&s, 0, "latency"),
		       "SLUB pays for remote frees itself");
	lab_check_that(r, series_found(&s, 3 * STEPS - 1, "latency") < series_found(&s, STEPS - 1, "latency"),
		       "sheaves are faster than SLUB when all frees are remote");
	return series_picture(&s, "latency", "Cost of a request against the part of frees that are remote",
			      "set datafile separator '\\t'\nset xlabel 'objects freed by another CPU (%)'\n"
			      "set ylabel 'ns per request, mean'\nset yrange [0:*]\nset xrange [-5:105]\nset grid\n"
			      "set key top left\nplot 'remote-frees-latency.tsv' every ::0::4 using (25*$0):2 with linespoints "
			      "lw 2 pt 7 lc rgb '#0072b2' title 'SLUB', '' every ::5::9 using (25*$0):2 with linespoints "
			      "lw 2 pt 5 dt 2 lc rgb '#d55e00' title 'SLAB', '' every ::10::14 using (25*$0):2 with "
			      "linespoints lw 2 pt 9 dt 4 lc rgb '#009e73' title 'sheaves'\n", err);
}

const struct lab lab_remote_frees = {.name = "remote-frees", .run = run};
