/*
 * workload.h - the micro-workloads of calibration, and the stage they run on:
 * a booted system, natively or on the simulated machine.
 */
#ifndef SIM_CALIBRATE_WORKLOAD_H
#define SIM_CALIBRATE_WORKLOAD_H

#include "sim/calibrate/calibrate.h"
#include "sim/calibrate/timed/loops.h"
#include "sim/config/experiment.h"
#include "sim/run/system.h"

struct calibrate_workload {
	const char *name, *slab;
	enum loop_id loop;
	u64 size;  /* bytes of an object */
	u32 order; /* of pages */
	u32 n;	   /* calls of each kind in a round */
	bool memory; /* larger than the private caches */
};

extern const struct calibrate_workload calibrate_workloads[];
extern const u32 calibrate_nr_workloads;

enum stage_kind {
	STAGE_NATIVE,	  /* native code, timed on this computer */
	STAGE_FUNCTIONAL, /* the hooked code without a simulated machine: tracepoints count */
	STAGE_CYCLE	  /* ... on it */
};

struct stage {
	struct cfg *cfg;
	struct experiment_config config;
	struct system sys;
	struct loop_job job;
	loop_fn *loop;
	enum stage_kind kind;
	u32 ops; /* calls in one round */
};

/*
 * Boot a system with the machine (JSON text, or a path) and prepare the workload.
 * costs NULL: instruction work costs nothing. KMS_EUSAGE: the machine does not load.
 */
int stage_open(struct stage *s, const struct calibrate_workload *w, enum stage_kind kind, const char *machine,
	       const char *costs, struct kms_error *err);
/* Rounds of the workload, not in STAGE_CYCLE. */
void stage_rounds(struct stage *s, u32 rounds);
/* STAGE_CYCLE: warm up, then simulated core cycles of one call; NULL parts. */
int stage_simulate(struct stage *s, double *cycles_per_op, struct kms_error *err);
void stage_close(struct stage *s);

#endif
