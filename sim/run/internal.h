/*
 * internal.h - what the files of sim/run share: one run in progress.
 */
#ifndef SIM_RUN_INTERNAL_H
#define SIM_RUN_INTERNAL_H

#include "models/hw/machine.h"
#include "models/mm/inspect.h"
#include "models/mm/mm.h"
#include "models/mm/tracepoints.h"
#include "models/rt/rt.h"
#include "sim/engine/lock.h"
#include "sim/engine/ram.h"
#include "sim/run/run.h"
#include "sim/run/slab_stats.h"
#include "workloads/request.h"

/* Operations are the workload's requests plus what replay itself does on a CPU. */
enum run_operation { OPERATION_TOUCH = NR_REQUESTS, OPERATION_VMSTAT, OPERATION_LRU_ADD,
		      OPERATION_KSWAPD, OPERATION_KCOMPACTD, OPERATION_SLAB_WORK,
		      NR_OPERATIONS };
const char *run_operation_name(u32 operation);

/* ---- objects.c: what the workload holds ---- */

/*
 * LISTING: on its way to an LRU list, not to be freed yet. FREEING: its free is
 * under way. GONE: the allocators took it back, its free is still to come.
 */
enum object_state {
	OBJECT_FREE, OBJECT_LIVE, OBJECT_FAILED, OBJECT_LISTING, OBJECT_FREEING, OBJECT_GONE
};

/* One allocation. Generations of a slot that overlap in simulated time are chained. */
struct object {
	u32 generation;
	u8 state;
	bool slab;	/* lies in a slab; otherwise whole pages */
	u8 order;	/* of the page block */
	bool lru;	/* a page on an LRU list (owner.c) */
	bool page_cache; /* of those: page cache; otherwise anonymous memory of task */
	u8 task;
	u32 cache;	/* the trace's cache, OBJECT_KMALLOC + class, or OBJECT_PAGES */
	u32 site;
	u32 pages_left; /* of a page block that is freed in parts */
	u32 next;	/* overflow chain, index + 1; 0 ends */
	void *memory;
	u64 requested;	/* bytes asked for and not yet freed */
	u64 held;	/* bytes taken for it: slab slot, or whole pages */
};
#define OBJECT_KMALLOC 0xffff0000u
#define OBJECT_PAGES 0xffffffffu
#define KMALLOC_CLASSES 64 /* 3 types of 16 sizes, and beyond the largest cache */

struct objects {
	struct object *slots;
	u64 nr_slots, used; /* used: slots that ever held an object lie below */
	struct object *overflow;
	u32 nr_overflow, free_overflow; /* free list: index + 1 */
};

int objects_init(struct objects *o, u64 nr_slots, struct kms_error *err);
void objects_free(struct objects *o);
/* The object a reference means, NULL when it has not been allocated yet. */
struct object *objects_find(const struct objects *o, struct kms_object_ref ref);
/* A fresh entry for a reference; NULL when host memory is out. */
struct object *objects_add(struct objects *o, struct kms_object_ref ref);
void objects_remove(struct objects *o, struct kms_object_ref ref);

/* ---- account.c: every byte of RAM in one state ---- */

enum byte_state {
	BYTES_REQUESTED, BYTES_ROUNDING, BYTES_SLAB_TAIL, BYTES_FREE_PARTIAL, BYTES_CPU_CACHED,
	BYTES_PAGE_ORDER, BYTES_FREE, BYTES_METADATA, BYTES_RESERVED, NR_BYTE_STATES
};
extern const char *const byte_state_series[NR_BYTE_STATES];

struct site_account {
	u64 allocs, frees, live, live_bytes, requested_bytes, waste_live, waste_total;
};

/* Allocations by size asked for: every size up to SIZES_EXACT, then steps of 1 KiB. */
#define SIZES_EXACT 8192u
#define SIZES_MAX (4096u + SIZES_EXACT)
enum size_kind { SIZE_KMALLOC, SIZE_CACHE, SIZE_PAGES, NR_SIZE_KINDS };
struct size_account {
	u64 count, requested, held;
};
u32 account_size_index(u64 size);

struct account {
	u64 ram_bytes;
	u64 kernel_bytes; /* vmemmap, per-CPU areas, node data ... */
	u64 slab_requested, slab_held, page_requested, page_blocks;
	u64 slab_free_cpu; /* bytes of free objects that CPUs keep, at the last partition */
	struct site_account *sites;
	struct size_account *sizes[NR_SIZE_KINDS];
	u32 nr_caches;			 /* of the trace; kmalloc classes follow */
	u64 *cache_allocs, *cache_frees; /* by account_cache() */
	u64 *cache_held;		 /* likewise: objects from before the run */
	struct mm_cache_info *caches;	 /* scratch for inspection */
	u32 max_caches;
};

struct run;
int account_init(struct run *run, struct kms_error *err);
void account_free(struct account *a);
void account_alloc(struct account *a, const struct object *object);
/* An object that was there before the run: held, but not one of its allocations. */
void account_held(struct account *a, const struct object *object);
void account_free_object(struct account *a, const struct object *object);
void account_free_part(struct account *a, struct object *object, u64 bytes);
/* Index of an object's cache in cache_allocs[]. */
u32 account_cache(const struct account *a, u32 object_cache);
/* kmalloc class of a cache or request: object bytes and type (0 normal, 1 DMA, 2 reclaimable). */
u32 account_kmalloc_class(u64 object_bytes, u32 type);
/* The partition now. All CPUs must be between operations. */
void account_bytes(struct run *run, s64 bytes[NR_BYTE_STATES]);

#define MOBILITY_TYPES 4
#define HUGE_PAGE_ORDER 9

/* ---- record.c: operations, samples, metrics ---- */

/* One operation kind on one path in one phase. */
struct op_record {
	struct histogram histogram; /* ps */
	u64 part[NR_PARTS];
};

struct phase_record {
	bool used, warm_up;
	struct op_record *ops[NR_OPERATIONS][NR_MM_PATHS];
	u64 count[NR_OPERATIONS][NR_MM_PATHS];
	u64 failed;
	u64 object_wait; /* ps: for what another CPU had not allocated yet */
	u64 sync_wait;	 /* ps: for the recorded order, phase borders and samples */
	u64 accesses;	 /* inside requests */
	u64 insns_x1024;
	u64 samples;
	double fragmentation_sum, utilisation_sum;
	u64 requested_peak, held_peak;
	u64 start_requests, end_requests;
	kms_ps start_time, end_time;
	struct hw_stats hw;
	u64 lock_wait, lock_contended;
	u64 trace_counts[NR_TRACEPOINTS];
	s64 bytes_end[NR_BYTE_STATES];
	double unusable_end, index_end;
	u64 fragmenting;	  /* fallbacks */
	u64 whole_new, whole_freed; /* objects that are whole pages */
	u64 unmovable_in_movable; /* pages, at the end */
};

struct recorder {
	struct phase_record *phases;
	u32 nr_phases, phase;
	bool closed; /* the last phase has ended */
	/* snapshot at the beginning of the phase */
	struct hw_stats hw;
	u64 lock_wait, lock_contended;
	u64 trace_counts[NR_TRACEPOINTS];
	u64 fragmenting, whole_new, whole_freed;
};

/* Where a CPU stood when its operation began. */
struct op_mark {
	kms_ps clock, idle;
	kms_ps part[NR_PARTS];
	u64 accesses;
};

int record_init(struct run *run, struct kms_error *err);
void record_free(struct recorder *r);
int record_phase(struct run *run, u32 phase, struct kms_error *err); /* ends the one before */
void record_begin(struct run *run, u32 cpu, u32 operation, struct op_mark *mark);
void record_end(struct run *run, u32 cpu, u32 operation, const struct op_mark *mark);
int record_sample(struct run *run, struct kms_error *err);
void record_close(struct run *run); /* ends the last phase */

/* ---- mobility.c: pages and pageblocks of the wrong kind ---- */

enum frame_use { FRAME_FREE, FRAME_UNMOVABLE, FRAME_MOVABLE };

struct frame_set {
	u64 *frames;   /* a bit each */
	u16 *in_block; /* how many of each pageblock are in the set */
};

static inline bool frame_in_set(const struct frame_set *set, u64 pfn)
{
	return set->frames[pfn / 64] >> pfn % 64 & 1;
}

struct mobility {
	u64 nr_pages;
	u32 pageblock_order;
	struct frame_set unmovable; /* in use by a request that was not movable */
	struct frame_set movable;   /* in use by one that was */
	u16 *managed;		    /* of each pageblock: pages known to be the page allocator's to give */
	u64 in_movable;		    /* frames of unmovable in movable pageblocks */
	u64 fragmenting; /* fallbacks to blocks smaller than a pageblock */
	u64 fallbacks[MOBILITY_TYPES][MOBILITY_TYPES]; /* by type wanted, type of the block */
};

/* Watch the page allocator from now on. Call once the memory map is there and before requests. */
int mobility_start(struct mobility *m, struct kms_error *err);
void mobility_stop(struct mobility *m);
/* Frames [pfn, pfn + n) have been in use since before the run. */
void mobility_held(struct mobility *m, u64 pfn, u64 n, bool movable);
extern const char *const mobility_type_names[MOBILITY_TYPES];

/* ---- page_map.c: what pageblocks hold and how full slabs are ---- */

struct page_map {
	u32 nr_cells, blocks_per_cell;
	struct store_page_cell *last; /* as stored, a cell each */
	u64 every, until_next;	      /* samples */
};

/* Which of the store_slab_fills a slab is in. */
u32 page_map_fill(const struct mm_slab_fill *fill);
/* Call f for every frame of slabs that has the slab's counts. */
void page_map_each_slab(const struct mobility *m, void (*f)(void *arg, const struct mm_slab_fill *fill),
			void *arg);
/* Part of a sample: a map where it is time for one. base: when. */
int page_map_sample(struct run *run, const struct store_sample *base, struct kms_error *err);
void page_map_free(struct page_map *map);

/* ---- report.c: metrics and tables into the store, after the replay ---- */

int report(struct run *run, struct kms_error *err);

/* ---- report_caches.c: slab caches ---- */

int report_caches(struct run *run, struct kms_error *err);

/* ---- report_zones.c: zones, page lists and the kernel's counters ---- */

int report_zones(struct run *run, struct kms_error *err);
int report_vm_counters(struct run *run, struct kms_error *err);

/* ---- report_lines.c: contended cache lines ---- */

int report_lines(struct run *run, struct kms_error *err);

/* ---- owner.c: the workload's pages that can be reclaimed and moved ---- */

struct owner_counts {
	u64 page_cache, anonymous; /* pages put on LRU lists */
	u64 reclaimed, moved;
	u64 frees_of_gone;	/* frees of pages that had been reclaimed or killed */
	u64 recorded_reclaim;	/* pages that the recorded kernel reclaimed: dropped */
	u64 kept_reclaim;	/* the same where the recording decides: freed */
	u64 killed_tasks, killed_pages;
	u64 shrunk; /* slab objects given back */
};

void owner_start(struct run *run);
/* After an allocation: its page goes on an LRU list if it is of that kind. */
void owner_list(struct run *run, u32 cpu, const struct kms_request *rq);
/* Its owner frees an object: false if there is nothing to free. */
bool owner_begins_free(struct run *run, struct object *object);
/* A recorded free by the recorded kernel's reclaim: not to be carried out. */
bool owner_drops(struct run *run, const struct kms_request *rq);

/* ---- shrink.c: slab objects that it gives back ---- */

int shrink_check(const struct run *run, struct kms_error *err); /* workload.shrink against the workload */
int shrink_start(struct run *run, struct kms_error *err);
void shrink_stop(struct run *run);
/* An object of a slab cache is there, or its own free begins. */
void shrink_adds(struct run *run, const struct object *object, struct kms_object_ref ref);
void shrink_loses(struct run *run, const struct object *object);
/* What the allocators ask (rt.h); arg: the run */
u64 shrink_count(void *arg, u32 shrinker, u32 node);
u64 shrink_scan(void *arg, u32 shrinker, u32 node, u64 n);

/* ---- execute.c: one request on the allocators ---- */

/* All objects and caches it needs are there; runs on the current simulated CPU. */
void execute(struct run *run, const struct kms_request *request);

/* ---- replay.c ---- */

struct replay_cpu {
	struct run *run;
	u32 id;
	struct kms_request request;
	u64 next_vmstat; /* recorded ns */
	u64 next_proactive; /* likewise */
	u64 next_slab_work; /* likewise; 0: not scheduled yet */
	struct sim_thread *thread;
	bool waiting, done;
};

struct replay {
	struct replay_cpu *cpus;
	u32 nr_cpus;
	u32 nr_nodes;	       /* of the memory; a request of another takes any */
	u64 done;	       /* requests carried out */
	u64 limit;	       /* stop before this seq */
	u32 barrier;	       /* next entry of info->barriers */
	u32 waiting;	       /* CPUs that wait until something is ready */
	u64 next_sample;       /* take one when done reaches this; ~0 never */
	u64 sample_every;
	u32 in_operation;      /* CPUs inside a request, kernel threads at work */
	bool sampling;	       /* CPUs are being brought to a stop for a sample */
	u64 next_progress;
	struct op_mark *kthread_marks; /* by CPU: of the kernel thread that runs there */
	u64 time_base;	       /* ns, of requests when simulated time is 0 */
	u64 recorded_time;     /* ns, of the request just carried out */
	bool interrupted, out_of_memory;
	int wrong; /* a request could not be carried out: the error code, and why */
	char why[200];
};

int replay_run(struct run *run, struct kms_error *err);

/* ---- one run ---- */

struct state;
struct state_worker;

struct run {
	const struct experiment_config *config;
	const char *config_json, *trace_hash;
	struct state *state;	/* that it begins in; NULL: from boot */
	bool aged;		/* the state is of another workload */
	u32 held_caches;	/* slab caches below are that one's */
	u64 first_request;	/* seq at which it begins */
	struct state_worker *workers; /* [engine_nr_cpus()] after the replay: when periodic work is due */
	const struct run_options *options;
	struct store *store;
	struct kms_stream *stream;
	const struct kms_workload_info *info;
	const struct mm_ops *mm;	/* flavour that carries out requests */
	const struct slab_ops *slab;
	u64 slab_period; /* ns between its periodic work, 0 none */
	const struct slab_policy *policy, *policy_plain;
	bool cycle;
	struct machine *machine;
	bool recorded_memory; /* the recording's memory map, not the machine's own */
	bool kernel_up; /* per-CPU lists and workers are running */
	struct owner_counts owner;
	struct shrinkers *shrinkers; /* NULL: reclaim may have no slab objects */
	struct kmem_cache **caches; /* by the trace's cache; NULL: not created */
	bool *cache_gone;	    /* likewise: destroyed */
	struct objects objects;
	struct touch touch;
	struct account account;
	struct recorder recorder;
	struct mobility mobility;
	struct page_map page_map;
	struct slab_stats slab_stats;
	struct replay replay;
	double started; /* host seconds */
};

/* Simulated time for samples: the earliest CPU's clock, or recorded time without a clock. */
kms_ps run_time(const struct run *run);
double run_host_seconds(void);

#endif
