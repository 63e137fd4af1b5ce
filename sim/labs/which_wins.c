/*
 * which_wins.c - lab "which-wins": four slab layers, six tasks.
 */
#include "sim/labs/series.h"

#define LAYERS 4
#define TASKS 6
static const char *const layers[LAYERS] = {"slub", "sheaves", "slab", "slob"};

/* Columns of the table, in the order of tasks[]. */
static const struct series_figure figures[TASKS] = {
	{.key = "pairs", .heading = "alloc, free at once", .unit = "ns", .digits = 1},
	{.key = "batch", .heading = "1,000, then free them", .unit = "ns", .digits = 1},
	{.key = "storm", .heading = "freed by other CPUs", .unit = "ns", .digits = 1},
	{.key = "together", .heading = "4 CPUs at once", .unit = "ns", .digits = 1},
	{.key = "memory", .heading = "recorded workload holds", .unit = "KiB"},
	{.key = "few", .heading = "200 objects hold", .unit = "KiB"},
};

/* settings have room for the object's bytes in front */
static const struct task {
	const char *metric, *settings;
	double scale;
} tasks[TASKS] = {
	{"latency_mean", "workload.adversary=slab-pairs workload.parameters.objects=2000", 1},
	{"latency_mean", "workload.adversary=slab-batch workload.parameters.objects=1000", 1},
	{"latency_mean", "workload.adversary=remote-free-storm workload.parameters.rounds=4", 1},
	{"latency_mean", "workload.adversary=slab-concurrent workload.parameters.objects=300", 1},
	{"held_bytes_peak", "workload.adversary=none workload.parameters.size=0 timing=functional machine.cpus=1 "
			    "workload.pacing=order workload.warm_up=[\"boot\"] "
			    "workload.trace=workloads/slub-up.kmt", 1.0 / 1024},
	{"held_bytes_peak", "workload.adversary=none workload.parameters.size=0 timing=functional machine.cpus=1 "
			    "workload.synthetic={\"requests\":200,\"lifetime\":{\"kind\":\"constant\",\"a\":1e6}}",
	 1.0 / 1024},
};

static int measure(struct series *s, u32 layer, struct kms_error *err)
{
	struct series one;
	double found[TASKS];
	int rc = 0;

	for (u32 t = 0; t < TASKS && !rc; t++) {
		const struct series_figure figure = {.key = tasks[t].metric, .heading = "", .scale = tasks[t].scale};

		series_init(&one, s->r, "", "", &figure, 1);
		rc = series_run(&one, err, layers[layer],
				"allocator.slab=%s allocator.sheaf_caches=all workload.parameters.size=%lld %s",
				layers[layer], (long long)lab_param(s->r, "bytes"), tasks[t].settings);
		found[t] = rc ? 0 : one.found[0][0];
	}
	if (!rc)
		series_add(s, layers[layer], found);
	return rc;
}

static void name_winners(struct series *s)
{
	for (u32 t = 0; t < TASKS; t++) {
		u32 best = 0;

		for (u32 l = 1; l < LAYERS; l++)
			if (s->found[l][t] < s->found[best][t])
				best = l;
		lab_say(s->r, "best at \"%s\": %s", figures[t].heading, layers[best]);
	}
}

/* A row a task: every layer relative to SLUB. */
static int draw(const struct series *s, struct kms_error *err)
{
	static const char *const names[TASKS] = {"pairs", "batch", "remote frees", "4 CPUs", "memory: trace", "memory: 200"};
	char rows[1024];
	size_t at = (size_t)snprintf(rows, sizeof(rows), "# task\tslub\tsheaves\tslab\tslob\n");

	for (u32 t = 0; t < TASKS; t++) {
		at += (size_t)snprintf(rows + at, sizeof(rows) - at, "%s", names[t]);
		for (u32 l = 0; l < LAYERS; l++)
			at += (size_t)snprintf(rows + at, sizeof(rows) - at, "\t%.3f", s->found[l][t] / s->found[0][t]);
		at += (size_t)snprintf(rows + at, sizeof(rows) - at, "\n");
	}
	return lab_picture(s->r, "tasks", "Four slab layers at six tasks, relative to SLUB", rows,
			   "set datafile separator '\\t'\nset style data histograms\nset style histogram clustered gap 2\n"
			   "set style fill solid 0.9 border lt -1\nset logscale y 2\nset key top left maxrows 2\nset grid y\nset xtics font ',10'\n"
			   "set ylabel 'times SLUB (below 1 is better)'\nset yrange [0.125:64]\n"
			   "plot 'which-wins-tasks.tsv' using 2:xtic(1) lc rgb '#999999' title 'SLUB', "
			   "'' using 3 lc rgb '#009e73' fs pattern 1 title 'sheaves', "
			   "'' using 4 lc rgb '#0072b2' fs pattern 2 title 'SLAB', "
			   "'' using 5 lc rgb '#d55e00' fs pattern 4 title 'SLOB'\n", err);
}

static int run(struct lab_run *r, struct kms_error *err)
{
	struct series s;
	int rc = 0;

	lab_say(r, "Objects of %lld bytes; ns are those of a request on average, KiB those at the peak:",
		(long long)lab_param(r, "bytes"));
	series_init(&s, r, "tasks", "slab layer", figures, TASKS);
	for (u32 l = 0; l < LAYERS && !rc; l++)
		rc = measure(&s, l, err);
	if (rc)
		return rc;
	series_show(&s);
	name_winners(&s);
	lab_value(r, "slob_slowdown", "", series_found(&s, 3, "together") / series_found(&s, 0, "together"));
	for (u32 l = 0; l < LAYERS - 1; l++) {
		lab_check_that(r, series_found(&s, 3, "few") < series_found(&s, l, "few"),
			       "SLOB holds less for a few objects of many sizes than %s", layers[l]);
		lab_check_that(r, series_found(&s, 3, "together") > 2 * series_found(&s, l, "together"),
			       "on four CPUs SLOB takes more than twice as long as %s", layers[l]);
	}
	lab_check_that(r, series_found(&s, 1, "storm") < series_found(&s, 0, "storm"),
		       "sheaves free objects of other CPUs faster than SLUB");
	return draw(&s, err);
}

const struct lab lab_which_wins = {.name = "which-wins", .run = run};
