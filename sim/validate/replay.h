/*
 * replay.h - what the files of a replay share.
 *
 *   recording.c   files to lines of numbers
 *   operations.c  lines to operations; operations_slab.c, operations_slob.c: of these layers
 *   machine.c     the recorded machine, before its boot
 *   settings.c    boot parameters, and what was set by sysctl
 *   replay.c      operations in flight, one fiber each; steps against lines
 *   races.c       watermark tests that other CPUs overtook, zones passed over
 *   requests.c    what an operation asks of the allocators
 *   names.c       recorded frames, objects and caches to ours and back
 *   slab_restore.c  SLAB's state from a dump
 *   dump.c, dump_slab.c, dump_layers.c   dumps against the allocators' state
 *   counters.c    SLUB's event counters
 *   views.c       tables of /proc
 *   describe.c    differences in words
 *   validate.c    the whole, and its result
 */
#ifndef SIM_VALIDATE_REPLAY_H
#define SIM_VALIDATE_REPLAY_H

#ifndef KMS_FLAVOUR_PLAIN
#define KMS_FLAVOUR_PLAIN
#endif
#include "models/mm/page_internal.h"
#include "models/mm/slub.h"
#undef memset
#undef memcpy


#include "models/rt/memblock.h"
#include "models/rt/rt.h"
#include "sim/engine/fiber.h"
#include "sim/run/slab_stats.h"
#include "sim/validate/operations.h"
#include "sim/validate/validate.h"

struct worker {
	struct fiber *fiber;
	struct op *op;
	struct worker *next_idle;
	struct worker *next; /* of all */
};

/* Recorded numbers whose counterpart is another one: a permutation, empty while all is exact. */
struct renaming {
	u64 *keys, *values; /* open addressing; key ~0: free */
	u32 nr, max;
};

/* When a SLOB request's search was made, if that is not its operation's first line. */
struct early_search {
	u32 line, op;
};

struct replay {
	struct recording r;
	struct operations o;
	const struct validate_options *options;
	struct validate_result *result;
	struct kms_error *err;

	/* the machine */
	struct memblock mb;
	struct mm_params params;
	u32 nr_cpus, nr_nodes;
	u8 cpu_node[MEMBLOCK_MAX_CPUS];
	struct mm_zone_boot zones[4 * 64];
	u32 nr_zones;
	struct mm_range *free, *late;
	u32 nr_free, nr_late;
	u32 missing_blocks[64][MAX_NR_ZONES]; /* pageblocks of holes */
	u8 *released; /* by frame: the buddy allocator has had it */
	u64 max_pfn;
	u32 boot_over; /* line from which on requests may reclaim */
	u32 cpu_up[MEMBLOCK_MAX_CPUS + 1], next_cpu_up; /* line before which a CPU came up; NO_LINE: not shown */
	const struct slab_ops *slab;
	bool mapped, slab_up;

	/* names */
	struct kmem_cache **caches; /* by recorded name */
	u32 boot_names[NR_BOOT_NAMES];
	struct renaming pages, pages_back, objects, objects_back;
	u64 boosts[64][MAX_NR_ZONES]; /* kswapd's, of its current pass */
	u64 boosts_due[64][MAX_NR_ZONES]; /* to be taken back, of a pass that is over */
	s32 boost_pid[64];
	u32 nr_due;

	/* going on */
	u32 cursor;	/* line whose turn it is */
	u32 cpu;
	struct op *op;	/* running */
	struct fiber main;
	struct worker *worker, *idle, *workers;
	struct scratch *scratches; /* of requests.c */
	bool stopped;
	struct early_search *early; /* SLOB: by line, ends with NO_LINE */
	u32 next_early;
	struct slab_stats stats;
	u64 (*counters_before)[NR_SLAB_STATS]; /* of procfs-start.txt: before it, then by it */
	u32 counters_from, counters_to;	       /* lines between which it was written */
	struct views *views;		       /* of /proc, then */
	struct races *races;
	u64 total[NR_EVENTS], exact[NR_EVENTS];
	struct compactions *compactions; /* NULL: not asked for */
};

extern struct replay *replaying;

/* compaction.c: the model's own compaction, tried beside each recorded one */
int compactions_begin(struct replay *v);
void compactions_before_line(struct replay *v, u32 at);
int compactions_sum(struct replay *v, struct validate_result *result);
void compactions_end(struct replay *v);

/* machine.c */
int machine_zones(struct replay *v); /* before lines are sorted out */
int machine_read(struct replay *v);  /* after that */
int machine_set_up(struct replay *v);
void machine_holes(struct replay *v); /* after the boot */
/* What the first dump after a line has as key= in its line that begins with a word. */
bool machine_next_dump(struct replay *v, u32 after, const char *word, const char *key, u64 *value);
bool machine_first_dump(struct replay *v, const char *word, const char *key, u64 *value);

/* settings.c */
int settings_read(struct replay *v); /* into v->params; KMS_EUSAGE: what cannot be replayed */
void settings_plan_cpus(struct replay *v); /* when CPUs come up */
void settings_cpus_up(struct replay *v, u32 at);
void settings_watermarks(struct replay *v, const struct op *op);
void settings_pageset(struct replay *v, u32 at);
void settings_at_dump(struct replay *v, u32 dump);

/* replay.c */
int validate_replay_run(struct replay *v);
void replay_end(struct replay *v);
/* The running operation's next line is passed without a step of the allocators. */
void replay_pass_line(struct replay *v, bool exact);
const struct line *replay_next_line(struct replay *v);

/* races.c */
void races_boost_over(struct replay *v, struct zone *zone, s32 kswapd);
void races_before(struct replay *v, u32 at); /* the line */
void races_look(struct replay *v, u32 at); /* after the line `at` */
bool races_watermark(struct replay *v, u64 zone, bool ok);
bool races_leave_out(struct replay *v, u64 zone, u32 gfp);

/* requests.c */
void request_execute(struct replay *v, struct op *op);
void requests_free(struct replay *v);

/* names.c */
/* node << 8 | index; NULL: there is no such zone, or no memory in it. */
struct zone *zone_of(u64 id);
struct page *page_of(struct replay *v, u64 recorded_pfn);
void *object_of(struct replay *v, u64 recorded);
u64 recorded_of_pfn(struct replay *v, u64 pfn);
u64 phys_of_object(struct replay *v, u64 recorded);
void rename_pages(struct replay *v, u64 recorded, u64 came, u64 n);
void rename_object(struct replay *v, u64 recorded, u64 came);
bool renamed(const struct replay *v);
u64 cache_name_id(struct replay *v, const struct kmem_cache *s);
void renamings_free(struct replay *v);

/* slab_restore.c: SLAB's state from the dump that the line names; an error is in v->err. */
void slab_restore(struct replay *v, const struct line *line);

/* describe_layers.c */
bool slab_geometry_equal(struct replay *v, const struct line *line, const struct kmem_cache *s, char *why,
			 size_t size);
bool slob_geometry_equal(struct replay *v, const struct line *line, const struct kmem_cache *s, char *why,
			 size_t size);
s32 cache_refcount(const struct replay *v, const struct kmem_cache *s);
u32 cache_object_size(const struct replay *v, const struct kmem_cache *s);

/* describe.c */
bool describe_field(struct replay *v, const struct line *line, const char *key, int base, u64 ours,
		    char *why, size_t size);
void miss_step(struct replay *v, const struct line *line, u32 step, const u64 *args, u32 n);
void miss_text(struct replay *v, const struct line *line, const char *came);
bool text_line_matches(struct replay *v, const struct line *line, const u64 *args, char *why,
		       size_t size);

/* counters.c */
void counters_plan(struct replay *v);
void counters_keep(struct replay *v);
void counters_at_dump(struct replay *v, const struct line *line);
void counters_compare(struct replay *v, const char *file, const char *name, bool at_end);

/* One more row of the result, without counts; NULL: no memory. */
struct validate_count *counters_new(struct replay *v, const char *name);
void counters_miss(struct replay *v, const char *expected, const char *came);

/* views.c */
void views_begin(struct replay *v);
void views_look(struct replay *v);
void views_end(struct replay *v);
void views_compare_end(struct replay *v);
void views_free(struct replay *v);

/* dump.c, dump_slab.c */
/* A dump's line of the trace. KMS_E... for a dump that is missing or damaged. */
int dump_compare(struct replay *v, const struct line *line);

#endif
