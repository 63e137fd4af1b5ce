/*
 * count.h - counting the instructions of our own native build.
 *
 * count.c counts, stream.c is the work that is counted, costs_fit.c makes a cost
 * table of the counts.
 */
#ifndef SIM_CALIBRATE_COUNT_H
#define SIM_CALIBRATE_COUNT_H

#include "models/mm/tracepoints.h"
#include "sim/calibrate/workload.h"

/*
 * Instructions that fn(arg) executes on this computer, by stopping after each
 * (the trap flag; x86-64 only). A repeated string instruction counts as one.
 * KMS_EFAIL: this processor or process cannot be single-stepped.
 */
int count_instructions(void (*fn)(void *arg), void *arg, u64 *insns, struct kms_error *err);

/* Native instructions of one of w->ops calls (or of an iteration of a kernel), the loop's own included. */
int count_loop(struct stage *s, double *insns_per_op, struct kms_error *err);

/* One call of an allocator: what it passed through, and what it executed. */
struct count_observation {
	u32 passes[NR_TRACEPOINTS];
	u64 args[NR_TRACEPOINTS]; /* sum of first arguments */
	u64 accesses;		  /* to simulated memory */
	double insns;		  /* native; 0: not counted */
	double weight;		  /* calls of the stream that it stands for */
	bool wanted;
};

struct count_table {
	struct count_observation *list;
	u32 n, room;
};

void count_free(struct count_table *t);
/*
 * A stream of random requests to a slab layer and the page allocator, each call an
 * observation that is added to t; of calls with the same passes a few are counted.
 */
int count_stream(struct count_table *t, const char *slab, const char *machine, const volatile int *stop,
		 struct kms_error *err);
/* The measuring loops' own instructions (harness_call). */
int count_loops(struct count_table *t, const char *machine, struct kms_error *err);

/* Instructions by tracepoint that explain the counts best: least squares of relative errors, none below 0. */
struct count_fit {
	struct rt_cost costs[NR_TRACEPOINTS];
	u32 seen[NR_TRACEPOINTS]; /* counted calls that passed there */
	u32 calls;		  /* counted */
	double mean_error, insns; /* mean of |charged / counted - 1|; mean instructions of a call */
};
int count_solve(const struct count_table *t, struct count_fit *fit, struct kms_error *err);
/* The cost table as JSON; caller frees. NULL: out of memory. */
char *count_costs(const struct count_fit *fit, const char *name);

#endif
