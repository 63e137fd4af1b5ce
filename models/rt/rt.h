/*
 * rt.h - the run time under the allocators: the other side of kernel.h.
 *
 * Provides simulated kernel code with CPUs, per-CPU offsets, locks, memory
 * copies and tracepoints, charges the instruction work of each tracepoint from
 * the cost table, and keeps the state of the operation that a CPU is in. Sits
 * between models/mm above and sim/engine below; knows no hardware model.
 *
 * Functional timing uses the same calls without an engine run: rt_enter_cpu()
 * then only says whose per-CPU data is meant.
 */
#ifndef MODELS_RT_RT_H
#define MODELS_RT_RT_H

#include "models/mm/mm.h"
#include "sim/engine/engine.h"

/* Where simulated time goes. Order is the order of every table and plot. */
enum rt_part {
	PART_EXEC, PART_TLB, PART_L1, PART_L2, PART_LLC, PART_COHERENCE, PART_INTERCONNECT,
	PART_DRAM, PART_LOCK, PART_RECLAIM,
	PART_WAIT, /* asleep inside an operation: work that it has other CPUs do */
	NR_PARTS
};
extern const char *const rt_part_names[NR_PARTS];
extern const char *const rt_path_names[];	/* [NR_MM_PATHS] */
extern const char *const rt_tracepoint_names[]; /* [NR_TRACEPOINTS] */
extern const char *const rt_lock_names[];	/* [rt_nr_locks] */
extern const u32 rt_nr_locks;

/* Instruction work charged at one tracepoint: base + per_arg * its first argument. */
struct rt_cost {
	double insns;
	double insns_per_arg;
};

struct rt_config {
	const struct rt_cost *costs; /* [NR_TRACEPOINTS], instructions */
	kms_ps ps_per_insn_x1024;    /* picoseconds per instruction, times 1024 */
	kms_ps irq_save_ps, irq_restore_ps, cpu_relax_ps;
};

/* What a CPU's current operation has met so far. Reset by rt_begin_op(). */
struct rt_op {
	u32 path; /* enum mm_path */
	u32 tracepoints;
	u64 insns_x1024; /* instructions charged at tracepoints; 0 in functional timing */
	u64 number; /* counted from 1 on, all CPUs */
};

/*
 * Forget everything and start with this configuration (costs may be NULL: all
 * zero). KMS_EUSAGE: more CPUs than SIM_MAX_CPUS, or a negative cost.
 */
int rt_init(const struct rt_config *config, u32 nr_cpus, struct kms_error *err);
/* Where a CPU's area lies: what kms_my_cpu_offset() returns, an address in simulated RAM. */
void rt_set_percpu(u32 cpu, u64 offset_address);
/* Functional timing: calls from now on are made by this CPU. */
void rt_enter_cpu(u32 cpu);
void rt_begin_op(u32 cpu);
const struct rt_op *rt_op(u32 cpu);

/*
 * Names of slab caches for messages, by the ids that their creators gave them;
 * NULL, or a NULL from it: the id itself.
 */
void rt_set_cache_names(const char *(*name)(void *arg, u64 id), void *arg);

/* Instruction work of the running CPU that no tracepoint stands for. Call sim_sync(), or an access, after it. */
void rt_work(u32 insns);

/* How often each tracepoint was passed, all CPUs: [NR_TRACEPOINTS], as of this call. */
const u64 *rt_trace_counts(void);

/*
 * Called at one tracepoint on every pass, uncharged, before the point's own work
 * is charged: it sees the allocators as they are at that moment. At most one per
 * tracepoint; NULL takes it away.
 */
typedef void rt_probe_fn(void *arg, u32 cpu, u64 a, u64 b, u64 c);
void rt_probe(u32 tracepoint, rt_probe_fn *fn, void *arg);
rt_probe_fn *rt_probe_of(u32 tracepoint, void **arg); /* the one that is there, for who calls it on */

/*
 * The owner of pages on LRU lists (mm.h: lru_cache_add()), called by simulated
 * code in the middle of reclaim and compaction, uncharged and in one go. lets_go
 * and moves: false when the owner has begun to free the page; true: it is gone,
 * or lies at new_pfn from now on. kill: free all pages of a task, return how many.
 * shrink_count: objects of a shrinker (mm.h) on a node; shrink_scan: free up to n
 * of them, return how many. kill and shrink_scan make ordinary, charged calls.
 */
struct rt_owner {
	bool (*lets_go)(void *arg, u64 mapping, u64 index);
	bool (*moves)(void *arg, u64 mapping, u64 index, u64 new_pfn);
	u64 (*kill)(void *arg, u32 task);
	u64 (*shrink_count)(void *arg, u32 shrinker, u32 node);
	u64 (*shrink_scan)(void *arg, u32 shrinker, u32 node, u64 n);
	void *arg;
};
void rt_set_owner(const struct rt_owner *owner); /* rt_init() takes it away */

/*
 * Kernel threads for the next engine run, two a node, on cpu[node]. begin and
 * end bracket each stretch in which one runs (kind: enum kms_kthread), napping
 * says that it has nothing in hand (true) or may have (false).
 */
struct rt_kthread_config {
	const struct mm_ops *mm;
	u32 nr_nodes;
	const u32 *cpu;
	void (*begin)(void *arg, u32 cpu, u32 kind);
	void (*end)(void *arg, u32 cpu, u32 kind);
	void (*napping)(void *arg, bool napping);
	void *arg;
};
/* pre: an engine; the threads stay until engine_exit(). KMS_EFAIL: no memory. */
int rt_start_kthreads(const struct rt_kthread_config *config, struct kms_error *err);

/* sim_sleep() inside an operation: other tasks of the CPU leave its state alone. */
void rt_sleep(void);

/*
 * The first kms_bug() of a functional run unwinds to here: runs fn(arg), 0 or
 * KMS_EFAIL. (In an engine run it ends the run: engine_stop().) A kms_bug()
 * outside both has nowhere to go: the program aborts.
 */
int rt_protect(void (*fn)(void *), void *arg, struct kms_error *err);
/* The same way out for a fault that is found outside allocator code. */
void rt_fail(const char *text) __attribute__((noreturn, cold));

/*
 * A replay of a recording (sim/validate): what the steps in the plain flavour
 * (models/mm/steps.h) call while it is set. NULL: steps are passed over.
 */
struct rt_stepper {
	u64 (*step)(u32 step, const u64 *args, u32 n, u64 usual);
	bool (*if_next)(u32 step, const u64 *args, u32 n);
	u32 (*retry)(u32 flags, u32 reserves, u32 last);
	u64 (*captured)(void);
	int (*node)(int usual);
	bool (*no_room)(void);
	bool (*watermark)(u64 zone, bool ok);	  /* what a test of the mark found here, or must have found; may be NULL */
	bool (*leaves_out)(u64 zone, u32 gfp); /* the attempt passes the zone over; NULL: never */
	void (*bug)(const char *what); /* a kms_bug(); must not return */
};
void rt_set_stepper(const struct rt_stepper *stepper);

#endif
