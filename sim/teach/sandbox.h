/*
 * sandbox.h - one simulated machine with a booted kernel, on which single
 * operations are carried out and watched.
 *
 * For `explain`, `step` and the labs. The allocators and models are those of
 * every run (sim/run/system.h); what is added is a log of one operation: the
 * tracepoints it passed and, in cycle timing, every access with its cost and
 * what lies there (models/mm/inspect.h: mm_inspect_place()).
 *
 * Watched operations make every access through the hardware model; the
 * engine's short cut for repeated hits is shut off for them, which changes no
 * cost. One sandbox at a time (there is one simulated RAM).
 */
#ifndef SIM_TEACH_SANDBOX_H
#define SIM_TEACH_SANDBOX_H

#include "models/mm/inspect.h"
#include "sim/config/cfg.h"
#include "sim/config/experiment.h"
#include "sim/run/system.h"

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
	struct sandbox_log *log; /* of the operation that is being watched */
};

/* KMS_EUSAGE: as cfg_load() and system_start(). Afterwards sandbox_close(), whatever the result. */
int sandbox_open(struct sandbox *box, const struct sandbox_options *options, struct kms_error *err);
void sandbox_close(struct sandbox *box);

/* ---- what an operation did ---- */

enum sandbox_level { LEVEL_L1, LEVEL_L2, LEVEL_LLC, LEVEL_COHERENCE, LEVEL_DRAM, NR_SANDBOX_LEVELS };
extern const char *const sandbox_level_names[NR_SANDBOX_LEVELS];

/* One access; off as hooks see it. */
struct sandbox_touch {
	u64 off;
	u32 size;
	u8 kind;  /* enum sim_access */
	u8 level; /* where it was served */
	kms_ps cost;
	struct mm_place place; /* what lay there when the operation had ended */
	char cache[32];	       /* name of the slab cache whose it is, "" if of none */
};

struct sandbox_mark {
	u32 tracepoint; /* TP_... */
	u32 touches;	/* made before it */
	u64 a, b, c;
};

/* Grown as needed; the first SANDBOX_MOST touches and marks are kept, the rest only counted. */
#define SANDBOX_MOST 20000u
struct sandbox_log {
	struct sandbox_touch *touches;
	struct sandbox_mark *marks;
	u32 nr_touches, nr_marks;
	u64 all_touches, all_marks;
	kms_ps time, part[NR_PARTS];
	u64 insns; /* charged at tracepoints */
	u32 path;  /* enum mm_path */
	bool out_of_memory;
};
void sandbox_log_free(struct sandbox_log *log);

/* Name and one-sentence meaning of a tracepoint and its arguments' names. */
struct sandbox_tracepoint {
	const char *name, *args, *doc;
};
extern const struct sandbox_tracepoint sandbox_tracepoints[];

/*
 * Carry out fn(arg) as one operation of a CPU and log it (log NULL: do not).
 * KMS_EFAIL: the kernel found a bug (double free, corrupted list ...); then the
 * sandbox can only be closed.
 */
int sandbox_do(struct sandbox *box, u32 cpu, void (*fn)(void *arg), void *arg,
	       struct sandbox_log *log, struct kms_error *err);

/* Picoseconds as cycles of the simulated core. */
double sandbox_cycles(const struct sandbox *box, kms_ps ps);

/* The description of one slab cache; false if there is none such. */
bool sandbox_cache(const struct kmem_cache *cache, struct mm_cache_info *info);
/* Its name: of a boot cache, else "the new cache". */
const char *sandbox_cache_name(const struct mm_cache_info *info);

#endif
