/*
 * calibrate.h - a machine description for the computer this runs on.
 *
 * host.c measures (pointer chases over sizes, streams, atomics, a line that two
 * cores fight for), topology.c asks hwloc what there is, fit.c turns both into a
 * machine JSON, check.c runs the same chases on the simulated machine, so that
 * one sees how near it comes. compare.c runs the allocators natively and on that
 * machine (workload.c), charged with instructions counted from the native build
 * (count.c, stream.c, costs_fit.c).
 *
 * All times are medians of several runs; how far the runs lie apart is kept
 * with each and told. A busy or virtual host gives what it gives.
 */
#ifndef SIM_CALIBRATE_CALIBRATE_H
#define SIM_CALIBRATE_CALIBRATE_H

#include <gsl/gsl_rng.h>
#include <stdio.h>

#include "sim/engine/base.h"

#define CALIBRATE_SIZES 24
#define CALIBRATE_RUNS 9

/* Median, and the distance of the quartiles as a share of it. */
struct calibrate_value {
	double median, spread;
};

struct calibrate_cache {
	u64 size, ways, line; /* size 0: there is none */
};

struct calibrate_topology {
	char cpu[128];
	u32 cores; /* that this process may use */
	u32 nodes;
	u64 memory;
	struct calibrate_cache l1d, l2, llc;
};

struct calibrate_host {
	struct calibrate_topology topology;
	struct calibrate_value ghz; /* of a chain of dependent additions, one a cycle */
	struct calibrate_value dispatch; /* instructions a cycle that enter the core */
	struct calibrate_value retire;	 /* ... that leave it when they queue; 0: not seen */
	u32 nr_sizes;
	u64 size[CALIBRATE_SIZES];	/* bytes, ascending */
	struct calibrate_value chase[CALIBRATE_SIZES]; /* ns a load, huge pages where the host gives them */
	struct calibrate_value walk;	/* ns more a load when each lies on another 4 KiB page */
	struct calibrate_value hit;	/* ns a load from L1 when loads are independent */
	struct calibrate_value atomic;	/* ns, an uncontended locked addition */
	struct calibrate_value fence;	/* ns */
	struct calibrate_value transfer; /* ns for a line from one core's cache to another's; 0: one core only */
	struct calibrate_value read_stream, write_stream; /* GB/s of one core */
};

/* KMS_EFAIL: no memory, or hwloc cannot tell anything. */
int calibrate_topology(struct calibrate_topology *t, struct kms_error *err);
/* most: bytes of the largest chase (0: 4 times the LLC, at most 512 MiB). Some seconds. */
int calibrate_measure(struct calibrate_host *host, u64 most, const volatile int *stop, struct kms_error *err);

/* ns a load of a chase over so many bytes alone. KMS_EFAIL: no memory. */
int calibrate_chase(u64 bytes, double *ns, struct kms_error *err);

/* The n numbers below n in the order of one random cycle (Sattolo's shuffle). */
void calibrate_cycle(u32 *order, u64 n, gsl_rng *rng);

/* The machine as JSON text; caller frees. NULL: out of memory. */
char *calibrate_machine(const struct calibrate_host *host, const char *name);

/* Simulated ns a load of the same chases on this machine text. KMS_EUSAGE: it does not load. */
int calibrate_simulate(const struct calibrate_host *host, const char *machine,
		       double chase[CALIBRATE_SIZES], struct kms_error *err);

#endif
