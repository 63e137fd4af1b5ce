/*
 * numa.c - lab "numa": memory of the CPU's own node and of the other one, used
 * cold and hot.
 */
#include "sim/labs/bench.h"
#include "sim/labs/series.h"

#define OBJECTS 64u
#define BYTES 4096u

static const struct series_figure figures[] = {
	{.key = "cycles", .heading = "a line takes", .unit = "cycles", .digits = 1},
	{.key = "ns", .heading = "or", .unit = "ns", .digits = 1},
	{.key = "lines", .heading = "lines"},
	{.key = "remote", .heading = "asked for at the other node"},
	{.key = "dram", .heading = "from DRAM"},
};

static const struct {
	const char *label;
	int node;
} places[] = {{"own node", 0}, {"other node", 1}};

static void add(struct series *s, const struct bench *b, const char *place, const char *when, const struct bench_cost *cost)
{
	double lines = (double)(cost->hw.l1_hits + cost->hw.l1_misses), cycles = cost->cycles / lines;
	char label[32];

	snprintf(label, sizeof(label), "%s, %s", place, when);
	series_add(s, label, (const double[]){cycles, cycles / b->box->config.machine.core.ghz, lines,
		(double)cost->hw.remote_node, (double)cost->hw.dram_reads});
}

static int measure(struct series *s, u32 place, double *node_ns, struct kms_error *err)
{
	u32 cpu = (u32)lab_param(s->r, "cpu");
	void *objects[OBJECTS];
	struct bench_cost cost;
	struct bench b;
	int rc = bench_open(&b, s->r, "", err);

	for (u32 i = 0; i < OBJECTS && !rc; i++)
		rc = bench_kmalloc(&b, cpu, BYTES, places[place].node, &objects[i], err);
	if (!rc)
		rc = bench_touch(&b, cpu, objects, OBJECTS, BYTES, false, &cost, err);
	if (!rc)
		add(s, &b, places[place].label, "cold", &cost);
	if (!rc)
		rc = bench_touch(&b, cpu, objects, OBJECTS, BYTES, false, &cost, err);
	if (!rc)
		add(s, &b, places[place].label, "again", &cost);
	if (!rc)
		*node_ns = b.box->config.machine.interconnect.node_ns;
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	double node_ns = 0, lines = OBJECTS * (BYTES / 64 - 1), farther;
	struct series s;
	int rc = 0;

	lab_say(r, "CPU %lld, on node 0, allocates %u objects of %u bytes on either node and reads them, twice:",
		(long long)lab_param(r, "cpu"), OBJECTS, BYTES);
	series_init(&s, r, "places", "memory of the", figures, KMS_ARRAY_SIZE(figures));
	for (u32 i = 0; i < 2 && !rc; i++)
		rc = measure(&s, i, &node_ns, err);
	if (rc)
		return rc;
	series_show(&s);
	farther = series_found(&s, 2, "ns") - series_found(&s, 0, "ns");
	lab_value(r, "farther", "ns", farther);
	lab_value(r, "node_ns", "ns", node_ns);
	lab_value(r, "times", "", series_found(&s, 2, "ns") / series_found(&s, 0, "ns"));
	lab_check(r, "own memory: nothing is asked for at the other node", series_found(&s, 0, "remote"), 0);
	lab_check(r, "the other's: every line is, but those with the allocator's link", series_found(&s, 2, "remote"), lines);
	lab_check(r, "cold: all these come from DRAM", series_found(&s, 2, "dram"), lines);
	lab_check(r, "again: none does", series_found(&s, 3, "dram"), 0);
	lab_check_that(r, farther > 0 && farther < 1.2 * node_ns,
		       "a line of the other node takes longer, at most by the way there");
	lab_check_that(r, series_found(&s, 3, "cycles") < series_found(&s, 0, "cycles"),
		       "in the caches even the other node's memory is faster than one's own DRAM");
	return series_picture(&s, "distance", "Reading a cache line, by where its memory is",
			      "set datafile separator '\\t'\nset style fill solid 0.9 border lt -1\nset boxwidth 0.5\n"
			      "set ylabel 'ns per line'\nset yrange [0:*]\nset nokey\n"
			      "plot 'numa-distance.tsv' using 3:xtic(1) with boxes lc rgb '#0072b2', "
			      "'' using 0:3:(sprintf('%.1f ns', $3)) with labels offset 0,0.7\n", err);
}

const struct lab lab_numa = {.name = "numa", .run = run};
