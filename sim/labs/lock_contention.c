/*
 * lock_contention.c - lab "lock-contention": 1 to 64 CPUs allocate and free
 * pages, with per-CPU page lists and without.
 */
#include "sim/labs/series.h"

#define STEPS 7 /* 1, 2 ... 64 CPUs */

static const struct series_figure figures[] = {
	{.key = "requests", .heading = "requests"},
	{.key = "latency", .heading = "a request takes", .unit = "ns", .digits = 1,
	 .sql = "SELECT value FROM metric_value WHERE run = ? AND phase = -1 AND name = 'latency_mean'"},
	{.key = "wait", .heading = "of it for locks", .unit = "%", .digits = 1,
	 .sql = "SELECT 100.0 * max(value) FILTER (WHERE name = 'lock_wait') / max(value) FILTER (WHERE name = 'cpu_time') "
		"FROM metric_value WHERE run = ? AND phase = -1"},
	{.key = "rate", .heading = "requests a us, all CPUs", .digits = 1,
	 .sql = "SELECT 1000.0 * max(value) FILTER (WHERE name = 'requests') * max(value) FILTER (WHERE name = 'cpus') "
		"/ max(value) FILTER (WHERE name = 'cpu_time') FROM (SELECT run, name, value FROM metric_value "
		"WHERE phase = -1 UNION ALL SELECT id, 'cpus', json_extract(config, '$.machine.cpus') FROM run) "
		"WHERE run = ?"},
	{.key = "transfers", .heading = "cache lines moved between CPUs",
	 .sql = "SELECT value FROM metric_value WHERE run = ? AND phase = -1 AND name = 'line_transfers'"},
};

static int measure(struct lab_run *r, struct series *s, const char *name, bool lists, struct kms_error *err)
{
	long long pairs = lab_param(r, "pairs");
	char label[32];
	int rc = 0;

	for (u32 cpus = 1; cpus <= 1u << (STEPS - 1) && !rc; cpus *= 2) {
		snprintf(label, sizeof(label), "%s %u", name, cpus);
		rc = series_run(s, err, label,
				"machine.cpus=%u workload.parameters.cpus=%u workload.parameters.objects=%lld "
				"workload.max_requests=%lld allocator.no_pcp_lists=%s",
				cpus, cpus, pairs, 2 * pairs * cpus, lists ? "false" : "true");
	}
	return rc;
}

static void check(struct lab_run *r, const struct series *s)
{
	const u32 last = STEPS - 1;
	double with = series_found(s, last, "rate") / series_found(s, 0, "rate");
	double without = series_found(s, STEPS + last, "rate") / series_found(s, STEPS, "rate");

	lab_value(r, "speedup_lists", "", with);
	lab_value(r, "speedup_no_lists", "", without);
	lab_check(r, "one CPU never waits for a lock", series_found(s, STEPS, "wait"), 0);
	lab_check_that(r, with > 16, "with lists 64 CPUs do more than 16 times the work of one");
	lab_check_that(r, without < 2, "without lists they do less than twice the work of one");
	lab_check_that(r, series_found(s, STEPS + last, "wait") > 50,
		       "64 CPUs without lists spend more than half of their time waiting");
	for (u32 i = 1; i <= last; i++)
		lab_check_that(r, series_found(s, STEPS + i, "latency") > series_found(s, STEPS + i - 1, "latency"),
			       "without lists, %u CPUs are slower each than %u", 1u << i, 1u << (i - 1));
}

static int run(struct lab_run *r, struct kms_error *err)
{
	struct series s;
	int rc;

	lab_say(r, "Each CPU allocates a page and frees it, over and over; with a list of pages for each CPU, "
		   "and straight from the zone's free lists, which one lock protects:");
	series_init(&s, r, "cpus", "CPUs", figures, KMS_ARRAY_SIZE(figures));
	rc = measure(r, &s, "lists", true, err);
	if (!rc)
		rc = measure(r, &s, "no lists", false, err);
	if (rc)
		return rc;
	series_show(&s);
	check(r, &s);
	return series_picture(&s, "rate", "Pages allocated and freed, against the number of CPUs",
			      "set datafile separator '\\t'\nset logscale xy 2\nset xlabel 'CPUs'\n"
			      "set ylabel 'requests per us, all CPUs together'\nset key top left\nset grid\n"
			      "plot 'lock-contention-rate.tsv' every ::0::6 using (2**$0):5 with linespoints lw 2 pt 7 "
			      "lc rgb '#0072b2' title 'a list for each CPU', '' every ::7::13 using (2**$0):5 with "
			      "linespoints lw 2 pt 5 dt 2 lc rgb '#d55e00' title 'one lock for all'\n", err);
}

const struct lab lab_lock_contention = {.name = "lock-contention", .run = run};
