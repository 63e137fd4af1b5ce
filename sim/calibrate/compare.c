/*
 * compare.c - see compare.h.
 */
#include "sim/calibrate/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/calibrate/timing.h"

#define PROBE_BYTES (32ull << 20)
#define MOST_SLOWER 1.25

struct samples {
	double cycles[COMPARE_RUNS];
	u32 n;
};

static void one_round(void *arg)
{
	stage_rounds(arg, 1);
}

/* One native run, in a system booted for it: where its memory lies on the host is part of the spread. */
static int run_native(const struct compare_row *row, const char *machine, struct samples *s, struct kms_error *err)
{
	struct stage stage;
	int rc = stage_open(&stage, row->workload, STAGE_NATIVE, machine, NULL, err);

	if (!rc)
		s->cycles[s->n++] = timing_cycles(one_round, &stage) / stage.ops;
	stage_close(&stage);
	return rc;
}

/* All workloads not judged yet, one run of each after the other, COMPARE_RUNS times. */
static int run_rounds(struct compare_result *r, const char *machine, const struct compare_limits *limits,
		      const volatile int *stop, struct kms_error *err)
{
	struct samples samples[COMPARE_MOST] = {{.n = 0}};

	for (u32 k = 0; k < COMPARE_RUNS; k++) {
		for (u32 i = 0; i < r->n; i++) {
			int rc = r->rows[i].judged ? 0 : run_native(&r->rows[i], machine, &samples[i], err);

			if (rc)
				return rc;
			if (stop && *stop)
				return kms_fail(err, KMS_EINTERRUPTED, "interrupted");
		}
	}
	for (u32 i = 0; i < r->n; i++) {
		struct compare_row *row = &r->rows[i];

		if (row->judged)
			continue;
		row->native = timing_summary(samples[i].cycles, samples[i].n);
		row->judged = row->native.spread < limits->spread;
	}
	return 0;
}

static int simulate(struct compare_result *r, u32 i, const char *machine, const char *costs, struct kms_error *err)
{
	const struct machine_config *m;
	struct stage stage;
	int rc = stage_open(&stage, r->rows[i].workload, STAGE_CYCLE, machine, costs, err);

	if (!rc)
		rc = stage_simulate(&stage, &r->rows[i].simulated, err);
	m = &stage.config.machine;
	if (!rc)
		r->llc_ns = (double)m->llc.latency_cycles / m->core.ghz + m->interconnect.hop_ns + m->coherence.directory_ns;
	stage_close(&stage);
	return rc;
}

/* Is the last cache what it was when the machine was measured? */
static int look_at_memory(struct compare_result *r, struct kms_error *err)
{
	int rc = calibrate_chase(PROBE_BYTES, &r->now_ns, err);
	bool same = r->now_ns < r->llc_ns * MOST_SLOWER && r->now_ns > r->llc_ns / MOST_SLOWER;

	for (u32 i = 0; i < r->n; i++)
		r->rows[i].judged &= same || !r->rows[i].workload->memory;
	return rc;
}

static void sum_up(struct compare_result *r)
{
	r->judged = 0;
	r->mean_error = r->worst_error = 0;
	for (u32 i = 0; i < r->n; i++) {
		struct compare_row *row = &r->rows[i];

		row->error = row->simulated / row->native.median - 1;
		if (!row->judged)
			continue;
		r->judged++;
		r->mean_error += fabs(row->error);
		r->worst_error = fmax(r->worst_error, fabs(row->error));
	}
	if (r->judged)
		r->mean_error /= r->judged;
}

int compare_run(struct compare_result *r, const char *machine, const char *costs, const struct compare_limits *limits,
		u32 retries, const volatile int *stop, struct kms_error *err)
{
	bool all = false;
	int rc = 0;

	*r = (struct compare_result){.n = calibrate_nr_workloads < COMPARE_MOST ? calibrate_nr_workloads : COMPARE_MOST};
	for (u32 i = 0; i < r->n && !rc; i++) {
		r->rows[i].workload = &calibrate_workloads[i];
		rc = simulate(r, i, machine, costs, err);
	}
	for (u32 k = 0; k <= retries && !rc && !all; k++) {
		rc = run_rounds(r, machine, limits, stop, err);
		all = true;
		for (u32 i = 0; i < r->n; i++)
			all &= r->rows[i].judged;
	}
	if (!rc)
		rc = look_at_memory(r, err);
	if (!rc)
		sum_up(r);
	return rc;
}

const char *compare_verdict(const struct compare_result *r, const struct compare_limits *limits, char *buf, size_t n)
{
	if (r->judged < limits->least)
		snprintf(buf, n, "%u workloads have a spread below %g %%, expected at least %u: this computer is too busy to judge",
			 r->judged, 100 * limits->spread, limits->least);
	else if (r->mean_error > limits->mean)
		snprintf(buf, n, "the mean error is %.1f %%, expected at most %g %%", 100 * r->mean_error, 100 * limits->mean);
	else if (r->worst_error > limits->each)
		snprintf(buf, n, "the largest error is %.1f %%, expected at most %g %%", 100 * r->worst_error, 100 * limits->each);
	else
		return NULL;
	return buf;
}
