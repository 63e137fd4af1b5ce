/*
 * state.h - the state of a run's memory in a file: age once, compare many.
 *
 * state_save.c writes it, state_load.c reads it and brings a freshly booted
 * machine into it, state_agree.c says whether it fits a run's configuration,
 * state_stream.c puts a workload behind it. docs/ageing.md describes file and
 * use; the bytes are little-endian and the same on every host.
 */
#ifndef SIM_RUN_STATE_H
#define SIM_RUN_STATE_H

#include <stdio.h>

#include "sim/run/internal.h"
#include "workloads/varint.h"

#define STATE_MAGIC "KMSSTATE"
#define STATE_END_MARK "KMSSTEND"
#define STATE_VERSION 1
#define STATE_HEADER_BYTES 64
#define STATE_CHUNK_HEADER_BYTES 32
#define STATE_FOOTER_BYTES 32
#define STATE_CHUNK_PAGES 256u
#define STATE_DESCRIPTION_MAX (4ull << 30)

/* Offsets in the file header. */
#define STATE_AT_VERSION 8
#define STATE_AT_LAYOUT 12 /* of the simulated kernel's structures */
#define STATE_AT_RAW 24	   /* description, uncompressed bytes; then compressed; then its XXH64 */
#define STATE_AT_PACKED 32
#define STATE_AT_DESCRIPTION_HASH 40
#define STATE_AT_HASH 56

struct state_worker {
	u64 next_vmstat, next_slab_work;
};

/* Everything but RAM itself. */
struct state {
	char *path;
	FILE *file; /* behind the description */
	struct bytes raw; /* description; what follows points into it or was made from it */
	char *program, *config, *trace_hash;
	struct kms_workload_info info;
	u64 requests;	   /* of the workload, carried out */
	u64 recorded_time; /* ns */
	u32 phase;
	bool recorded_memory, kernel_up;
	bool aged;	  /* its run itself began in a state, with another workload */
	u64 ram_bytes, kernel_bytes;
	u32 nr_cpus;
	struct state_worker workers[256];
	struct cursor rest; /* of the description: caches, objects, ... */
};

/* Of the build: what the structures in simulated RAM look like. */
u32 state_layout(void);

/* Checks the invariants first: a damaged memory is not saved. Nothing half-written is left. */
int state_save(struct run *run, const char *path, struct kms_error *err);

/* KMS_EUSAGE: not a state, damaged, of another version or layout. */
int state_open(struct state **state, const char *path, struct kms_error *err);
void state_close(struct state *state);

/* KMS_EUSAGE: the run's configuration differs in what the state is made of; says in what. */
int state_agrees(const struct state *state, const struct run *run, const char *config_json,
		 const char *trace_hash, struct kms_error *err);

/*
 * The run's stream behind the state: *stream is replaced. The workload's caches are
 * those of the state where they are the same, its objects come beside those that
 * are there. With workload.resume it is the same workload, from where it stood.
 */
int state_stream(struct kms_stream **stream, const struct state *state, bool resume, struct kms_error *err);

/* Simulated RAM, caches, objects, accounts. The machine is as system_start() left it. */
int state_load(struct run *run, struct kms_error *err);

#endif
