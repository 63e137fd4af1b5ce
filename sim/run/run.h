/*
 * run.h - one experiment from configuration to database.
 *
 * run.c puts machine, allocators, workload and store together; replay.c drives
 * the simulated CPUs through the workload's requests; account.c keeps what
 * every object asked for and takes the byte partition; record.c turns it all
 * into metrics, samples and histograms.
 */
#ifndef SIM_RUN_RUN_H
#define SIM_RUN_RUN_H

#include "results/store.h"
#include "sim/config/experiment.h"
#include "sim/engine/engine.h"

struct kms_request;
struct kms_stream;
struct kms_workload_info;
struct kmem_cache;

/* A request before and after it is carried out, for who follows a run step by step. */
struct run_view {
	const struct kms_workload_info *info;
	const struct kms_request *request;
	const struct kmem_cache *cache; /* that it names; NULL: none */
	void *memory;			/* of its first object: before a free, after an allocation; NULL: none */
	u64 done;			/* requests carried out before it */
	bool after;
};

/* How far a run has come; called every few ten thousand requests. */
struct run_progress {
	u64 requests, total;
	kms_ps time;	   /* simulated */
	double seconds;	   /* host time so far */
	const char *phase;
};

struct run_options {
	void (*progress)(void *arg, const struct run_progress *p); /* may be NULL */
	void *arg;
	const volatile int *interrupted; /* stop cleanly when it becomes non-zero; may be NULL */
	bool check;			 /* verify all invariants at every sample */
	/* What every allocation answered, object by object: offset in RAM, ~0 if it failed; may be NULL. */
	void (*answer)(void *answer_arg, const struct kms_request *request, u32 object, u64 answer);
	void *answer_arg;
	/*
	 * Called on the simulated CPU around every request, which then are carried out one
	 * at a time in the workload's order; false ends the run behind it. May be NULL.
	 */
	bool (*watch)(void *watch_arg, const struct run_view *view);
	void *watch_arg;
	const char *save_state; /* file for the state of memory at the end; NULL: not saved */
	sim_access_fn *access; /* in place of machine_access(), which it calls; NULL: none */
};

/*
 * Carry out one experiment. config_json is its resolved form (cfg_resolved()).
 * The run is in the store whatever happens after it began; *run_id is set then.
 */
int run_experiment(const struct experiment_config *config, const char *config_json, struct store *store,
		   const struct run_options *options, s64 *run_id, struct kms_error *err);

/* The workload's requests, wherever they come from; close the stream when done. */
int run_open_workload(struct kms_stream **stream, const struct experiment_config *config,
		      struct kms_error *err);

/* XXH3-128 of a resolved configuration, 32 hex digits: column config_hash of the run's row. */
void run_config_hash(const char *config_json, char hex[33]);
/* The same of the cost table's file; "" in functional timing. */
int run_cost_hash(const struct experiment_config *config, char hex[33], struct kms_error *err);

#endif
