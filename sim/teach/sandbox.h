/*
 * sandbox.h - one simulated machine with a booted kernel, on which single
 * operations are carried out and watched.
 *
 * For `explain`, `step` and the labs. The allocators and models are those of
 * every run (sim/run/system.h); watch.h keeps the log of an operation. One sandbox at a time (there is one simulated RAM).
 */
#ifndef SIM_TEACH_SANDBOX_H
#define SIM_TEACH_SANDBOX_H

#include "models/mm/inspect.h"
#include "sim/config/cfg.h"
#include "sim/config/experiment.h"
#include "sim/run/system.h"
#include "sim/teach/watch.h"

struct sandbox_options {
	const char *experiment;	      /* its machine, allocator, seed and costs; NULL: defaults */
	const char *text;	      /* an experiment as JSON text instead of a file */
	const char *text_name, *text_dir; /* for its errors, and where its relative paths start */
	const char *machine;	      /* machine file that replaces it; NULL: none */
	const char *slab;	      /* slab policy that replaces it; NULL: none */
	const char *const *settings;  /* path=value, as of `run --set` */
	size_t nr_settings;
	bool functional;	      /* no hardware models: no accesses, no time */
};

struct sandbox {
	struct cfg *cfg;
	struct experiment_config config;
	struct system sys;
	const struct mm_ops *mm;
	const struct slab_ops *slab;
};

/* KMS_EUSAGE: as cfg_load() and system_start(). Afterwards sandbox_close(), whatever the result. */
int sandbox_open(struct sandbox *box, const struct sandbox_options *options, struct kms_error *err);
void sandbox_close(struct sandbox *box);

/*
 * Carry out fn(arg) as one operation of a CPU and log it (log NULL: do not).
 * KMS_EFAIL: the kernel found a bug (double free, corrupted list ...); then the
 * sandbox can only be closed.
 */
int sandbox_do(struct sandbox *box, u32 cpu, void (*fn)(void *arg), void *arg,
	       struct watch_log *log, struct kms_error *err);

/* Picoseconds as cycles of the simulated core. */
double sandbox_cycles(const struct sandbox *box, kms_ps ps);

#endif
