/*
 * adversary.h - named workloads that hurt an allocator in one known way, and
 * the kernel's classical micro-benchmarks, both as programs of a few moves.
 *
 * adversary_table.c has their names, what they show and their defaults;
 * adversary_programs.c writes each one's moves; adversary.c carries moves out,
 * as a stream of requests (maker.h).
 */
#ifndef WORKLOADS_ADVERSARY_H
#define WORKLOADS_ADVERSARY_H

#include "sim/config/cfg.h"
#include "workloads/request.h"

/* 0: the workload's own default. */
struct adversary_params {
	u64 cpus, objects, rounds, size, order, every;
};

#define ADVERSARY_PARAMS 6
extern const char *const adversary_param_names[ADVERSARY_PARAMS]; /* in the order of the struct */

struct program;

struct adversary {
	const char *name, *group; /* group: "adversary" or "micro-benchmark" */
	const char *summary;	  /* one sentence */
	const char *effect;	  /* where it shows */
	const char *docs[ADVERSARY_PARAMS]; /* what a parameter means; NULL: not used */
	struct adversary_params defaults;
	void (*write)(struct program *program, const struct adversary_params *params);
};

extern const struct adversary adversaries[];
extern const u32 nr_adversaries;
/* "none", then the names, NULL: the choices of workload.adversary. */
extern const char *const adversary_choices[];

extern const struct cfg_table adversary_params_table;

/* choice: index into adversary_choices, not 0. Errors: a parameter it does not have. */
int adversary_open(struct kms_stream **stream, u32 choice, const struct adversary_params *params,
		   u64 seed, struct kms_error *err);

#endif
