/*
 * machine.h - the simulated hardware, put together.
 *
 * CPUs with one to three private levels of cache, a shared LLC if there is one,
 * the coherence directory, an interconnect and DRAM per node. machine_access() is the engine's access
 * function: it charges the accessing CPU, part by part (rt.h's enum rt_part),
 * and keeps sim_cpu.fast[] filled for lines that need no model.
 *
 * Interface for what comes later (exact DRAM scheduling, MSHRs, TLBs): the
 * access function runs in the accessing CPU's fiber and may stall it until an
 * event.
 */
#ifndef MODELS_HW_MACHINE_H
#define MODELS_HW_MACHINE_H

#include "models/hw/machine_config.h"
#include "sim/engine/engine.h"

struct machine;

/*
 * Counters of one CPU, or of all together: what its accesses caused, wherever.
 * An access that crosses lines counts once per line. Prefetches count in the
 * hits, misses and everything below as other accesses do.
 */
struct hw_stats {
	u64 reads, writes, atomics, prefetches;
	u64 l1_hits, l1_misses, l2_hits, l2_misses;
	u64 llc_hits, llc_misses; /* beyond the private levels: served without DRAM, and by it */
	u64 cache_to_cache; /* lines that came from another CPU that owned them */
	u64 invalidations;  /* copies that other CPUs lost to writes of this one */
	u64 upgrades;	    /* writes to lines held shared */
	u64 write_backs;    /* modified lines handed from L2 to the LLC to make room */
	u64 evictions;	    /* lines, modified or not, that left L2 to make room */
	u64 dram_reads, dram_writes, row_hits, row_misses, row_conflicts, refresh_stalls;
	u64 remote_node;    /* requests beyond L2 whose home is another node */
	u64 llc_evictions;
	u64 back_invalidations; /* copies CPUs lost because the LLC made room */
	u64 tlb_misses;		/* translations not in the first-level TLB */
	u64 tlb_walks;		/* nor in the second */
	u64 walk_reads;		/* page-table entries read; they count in the hits and misses too */
	u64 hw_prefetches;	/* by hardware; not in the hits and misses of L1 and L2 */
	u64 mshr_waits;		/* misses that waited for a miss register */
	u64 mshr_merges;	/* accesses to a line on its way that waited for it */
	u64 l3_hits, l3_misses; /* of a private L3 */
	u64 core_stalls;	/* times an out-of-order core's front end stood still for an access */
};

/* Build the machine for the engine's CPUs; node_of_cpu and node_of_phys give locality. */
int machine_new(struct machine **machine, const struct machine_config *config, u64 seed,
		struct kms_error *err);
void machine_free(struct machine *machine);

/* Give every engine CPU its caches and install the short cut. After engine_init(). */
void machine_attach(struct machine *machine);
void machine_access(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind);

/*
 * Without an engine (memory traces): a CPU of the caller's own, whose clock only
 * the caller and the machine advance. machine_timed_access() returns how long the data
 * took (an L1 hit: its full latency), machine_drain() waits for all that is under way.
 */
void machine_attach_cpu(struct machine *machine, struct sim_cpu *sim, u32 id);
kms_ps machine_timed_access(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind);
void machine_drain(struct sim_cpu *cpu);

/* cpu < 0: sum over all CPUs. */
void machine_stats(const struct machine *machine, int cpu, struct hw_stats *stats);

/* Which node's memory a physical address is. */
u32 machine_node_of(const struct machine *machine, u64 phys);

/* Contended lines: for each of the n lines with most transfers between CPUs, offset and count. */
struct hw_line_count {
	u64 off;
	u64 transfers, invalidations;
};
u32 machine_hot_lines(const struct machine *machine, struct hw_line_count *lines, u32 n);

/*
 * What CPUs did with the words of a contended line since it was watched: after
 * its first few transfers and invalidations. Conflicts are counted at the word
 * whose access took the line from others; those that are neither true nor false
 * sharing were not decided yet. Readers and writers are numbers of CPUs.
 */
#define HW_WORD_BYTES 8u
#define HW_LINE_WORDS 8u
struct hw_word_use {
	u64 reads, writes;
	u32 readers, writers;
	u32 caused, true_sharing, false_sharing;
};
struct hw_line_use {
	struct hw_word_use words[HW_LINE_WORDS];
};
/* false: the line was not watched, or lost its place to one that is fought over more. */
bool machine_line_use(const struct machine *machine, u64 off, struct hw_line_use *use);

/* Single writer, directory = union of the caches, inclusion. KMS_EFAIL says which line. */
int machine_check(const struct machine *machine, struct kms_error *err);

#endif
