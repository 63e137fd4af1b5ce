/*
 * compare.h - the allocators run natively on this computer beside the simulation
 * of the machine that was measured, workload by workload.
 */
#ifndef SIM_CALIBRATE_COMPARE_H
#define SIM_CALIBRATE_COMPARE_H

#include "sim/calibrate/workload.h"

#define COMPARE_MOST 64u
#define COMPARE_RUNS 9u

struct compare_row {
	const struct calibrate_workload *workload;
	struct calibrate_value native; /* core cycles of one call: median and quartiles of runs */
	double simulated;
	double error;  /* simulated / native - 1 */
	bool judged;   /* the spread is below the limit, and memory answers as when it was measured */
};

struct compare_result {
	struct compare_row rows[COMPARE_MOST];
	u32 n, judged;
	double mean_error, worst_error; /* of those judged, as magnitudes */
	double llc_ns, now_ns; /* a load from the last cache: the machine's, and at the time of the runs */
};

/* When a comparison is good: all figures are shares. */
struct compare_limits {
	double spread;	/* of a workload that is judged, at most */
	double mean, each; /* errors, at most */
	u32 least;	/* workloads that must be judged */
};

/*
 * machine: JSON text or a path; costs: a cost table of the native build. Runs of
 * all workloads are interleaved; those whose spread stays above the limit are run
 * again, in further rounds, up to `retries` times. Those that live on memory beyond
 * the private caches are judged only if the last cache answers as in the machine's
 * description: others on the same processor make it slower by any factor. KMS_EUSAGE: machine or table do
 * not load; KMS_EINTERRUPTED.
 */
int compare_run(struct compare_result *r, const char *machine, const char *costs, const struct compare_limits *limits,
		u32 retries, const volatile int *stop, struct kms_error *err);

/* NULL: within the limits; else what is beyond, in buf. */
const char *compare_verdict(const struct compare_result *r, const struct compare_limits *limits, char *buf, size_t n);

#endif
