/*
 * watch.h - a log of one operation: the tracepoints it passed and, in cycle
 * timing, every access with its cost and what lies there.
 *
 * For `explain` and the labs on a sandbox (sandbox.h), for `step` in a run. Watched
 * operations make every access through the hardware model; the engine's short
 * cut for repeated hits is shut off for them, which changes no cost.
 */
#ifndef SIM_TEACH_WATCH_H
#define SIM_TEACH_WATCH_H

#include "models/mm/inspect.h"
#include "models/rt/rt.h"
#include "sim/engine/engine.h"

/* ---- what an operation did ---- */

enum watch_level { LEVEL_L1, LEVEL_L2, LEVEL_LLC, LEVEL_COHERENCE, LEVEL_DRAM, NR_WATCH_LEVELS };
extern const char *const watch_level_names[NR_WATCH_LEVELS];

/* One access; off as hooks see it. */
struct watch_touch {
	u64 off;
	u32 size;
	u8 kind;  /* enum sim_access */
	u8 level; /* where it was served */
	kms_ps cost;
	struct mm_place place; /* what lay there when the operation had ended */
	char cache[32];	       /* name of the slab cache whose it is, "" if of none */
};

struct watch_mark {
	u32 tracepoint; /* TP_... */
	u32 touches;	/* made before it */
	u64 a, b, c;
};

/* Grown as needed; the first WATCH_MOST touches and marks are kept, the rest only counted. */
#define WATCH_MOST 20000u
struct watch_log {
	struct watch_touch *touches;
	struct watch_mark *marks;
	u32 nr_touches, nr_marks;
	u64 all_touches, all_marks;
	kms_ps time, part[NR_PARTS];
	u64 insns; /* charged at tracepoints */
	u32 path;  /* enum mm_path */
	bool out_of_memory;
};
void watch_log_free(struct watch_log *log);

/* Name and one-sentence meaning of a tracepoint and its arguments' names. */
struct watch_tracepoint {
	const char *name, *args, *doc;
};
extern const struct watch_tracepoint watch_tracepoints[];

/* The access function of a machine on which operations are watched. */
void watch_access(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind);
/* Listen to all tracepoints from now on, beside who does already. After rt_init(). */
void watch_install(void);

/* Around one operation of a CPU, on its thread; the log is emptied first. log NULL: none is kept. */
void watch_begin(struct watch_log *log, u32 cpu);
void watch_end(u32 cpu);
/* Afterwards, at leisure: what lies at the addresses that were touched. */
void watch_find_places(struct watch_log *log);

/* The description of one slab cache; false if there is none such. */
bool watch_cache(const struct kmem_cache *cache, struct mm_cache_info *info);
/* Its name: of a boot cache, else what the function set here says, else "the new cache". */
const char *watch_cache_name(const struct mm_cache_info *info);
void watch_set_cache_names(const char *(*name)(void *arg, u64 id), void *arg);

#endif
