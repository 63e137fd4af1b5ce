/*
 * hierarchy.h - the parts of a machine and how they hang together.
 *
 * Internal to models/hw. One way down:
 *   machine.c    an access: L1D and L2 look-ups, the short cut, statistics
 *   core.c       what the CPU waits for: core models, store buffer, fences
 *   tlb.c        translation and page walks
 *   prefetch.c   hardware prefetchers
 *   private.c    one CPU's L1D and L2: fill, evict, take away
 *   coherence.c  the shared side: LLC, directory, DRAM behind it
 * plus build.c (construction), hot_lines.c (contended lines), check.c
 * (invariants), attach.c (engine).
 *
 * Inclusion: every line of an L1D is in its L2, every line of an L2 is in the
 * LLC. The directory is therefore part of the LLC entry: a bitmap of the CPUs
 * whose L2 holds the line, and a flag that says the only one of them may have
 * written it (E or M; E becomes M silently).
 *
 * With several nodes each line has a home, the node whose memory it is. The
 * LLC slice and directory of the home serve the line for everybody.
 *
 * "line" is a physical address / 64; "offset line" the same of an offset into
 * simulated RAM, which differs in the second window (sim/engine/ram.h).
 */
#ifndef MODELS_HW_HIERARCHY_H
#define MODELS_HW_HIERARCHY_H

#include "models/hw/cache.h"
#include "models/hw/core.h"
#include "models/hw/dram.h"
#include "models/hw/machine.h"
#include "models/hw/mshr.h"
#include "models/hw/prefetch.h"
#include "models/hw/tlb.h"
#include "models/rt/rt.h"
#include "sim/engine/ram.h"

#include <string.h>

#define HW_MAX_NODES 64
#define HW_FAST_EMPTY (~0ull)
#define HW_RETIRED 1024u
#define HW_RETIRED_WAYS 8u

/* Flags of private entries: the MESI state. */
enum hw_state { HW_I, HW_S, HW_E, HW_M };

/* Flags of LLC entries. FOUGHT: CPUs have taken the line from each other, contention[] counts. */
enum { LLC_VALID = 1, LLC_DIRTY = 2, LLC_EXCLUSIVE = 4, LLC_FOUGHT = 8 };

struct hw_costs {
	kms_ps l1_hit;		/* per access, pipelined */
	kms_ps l1, l2, llc;	/* what a look-up adds on the way down */
	kms_ps directory, cache_to_cache, invalidate, upgrade, write_back;
	kms_ps hop, half_node;	/* half_node: one way to another node */
	kms_ps kind[SIM_NR_ACCESS_KINDS]; /* PART_EXEC, beyond the access */
	kms_ps tlb_l2;		/* a translation from the second-level TLB */
};

struct hw_cpu {
	struct machine *machine;
	struct sim_cpu *sim; /* NULL before it is attached */
	kms_ps hit_ps; /* cost.l1_hit */
	kms_ps latency; /* the longest that access_slow() found since it was last 0 */
	u32 id, node;
	struct cache l1, l2;
	struct tlb tlb;
	struct core core;
	struct mshr l1_mshr, l2_mshr;
	struct prefetcher l1_prefetch, l2_prefetch;
	u64 *fast;	/* sim_cpu.fast */
	u32 *fast_slot; /* [L1 set]: index in fast[] of the set's only entry */
	u32 *l2_slots;	/* [L2 entry]: where the line is in the LLC */
	u64 accesses[SIM_NR_ACCESS_KINDS]; /* those that fast[] did not serve */
	struct hw_stats stats; /* without reads, writes, atomics, prefetches */
};

/* Contention of a line since it came into the LLC; what was before is in retired[]. */
struct hw_contention {
	u64 off_line; /* as it was last fought over */
	u32 transfers, invalidations;
};

struct hw_retired {
	u64 off_line;
	u64 transfers, invalidations; /* both 0: unused */
};

struct machine {
	u32 nr_cpus, nr_nodes, sharer_words;
	struct hw_costs cost;
	struct hw_cpu *cpus;
	struct cache llc;		  /* one slice per node */
	u64 *sharers;			  /* [LLC entry][sharer_words + 1], see hw_busy() */
	struct hw_contention *contention; /* [LLC entry] */
	struct dram *drams;		  /* per node */
	struct mshr *llc_mshrs;		  /* per node */
	u64 table_base[TLB_WINDOWS][TLB_LEVELS]; /* simulated addresses of the page tables */
	u64 node_end[HW_MAX_NODES];	  /* lines; node n starts where n - 1 ends */
	u64 node_cpus[HW_MAX_NODES][SIM_MAX_CPUS / 64];
	struct hw_retired retired[HW_RETIRED];
};

/*
 * One access on its way down: when it set out, where it is, and what the time
 * between went into. Who waits for it is decided at its end (core.c).
 */
struct hw_request {
	struct hw_cpu *cpu;
	u64 line, off_line;
	kms_ps now;
	bool write, prefetch; /* prefetch: by hardware, counted apart */
	kms_ps part[HW_NR_PARTS];
	kms_ps waited[HW_NR_PARTS]; /* of it, for a miss register of L1 */
};

static inline void hw_spend(struct hw_request *rq, enum rt_part part, kms_ps ps)
{
	rq->now += ps;
	rq->part[part] += ps;
}

/* A register for a miss, waited for if need be; its index. */
static inline u32 hw_take_mshr(struct hw_request *rq, const struct mshr *m)
{
	u32 first = mshr_first(m, rq->now);

	if (KMS_UNLIKELY(m->busy_until[first] > rq->now)) {
		rq->cpu->stats.mshr_waits++;
		hw_tail(m->part[first], m->busy_until[first] - rq->now, rq->part);
		rq->now = m->busy_until[first];
	}
	return first;
}

/* The miss is over when the request is. */
static inline void hw_give_mshr(const struct hw_request *rq, struct mshr *m, u32 i)
{
	m->line[i] = rq->line;
	m->busy_until[i] = rq->now;
	memcpy(m->part[i], rq->part, sizeof(m->part[i]));
	if (rq->now > m->quiet_at)
		m->quiet_at = rq->now;
}

/* Wait for a line that is on its way in a register of m. */
static inline void hw_merge(struct hw_request *rq, const struct mshr *m)
{
	int i = mshr_find(m, rq->line, rq->now);

	if (i < 0)
		return;
	hw_tail(m->part[i], m->busy_until[i] - rq->now, rq->part);
	rq->now = m->busy_until[i];
	rq->cpu->stats.mshr_merges++;
}

/* The line behind an offset line of either window. */
static inline u64 hw_line(u64 off_line)
{
	if (KMS_LIKELY(off_line < SIM_WINDOW2_OFF >> SIM_LINE_SHIFT))
		return off_line;
	return ram_phys(off_line << SIM_LINE_SHIFT) >> SIM_LINE_SHIFT;
}

/* The node whose memory it is; beyond the last node's end: the last. */
static inline u32 hw_home(const struct machine *m, u64 line)
{
	u32 node = 0;

	while (node + 1 < m->nr_nodes && line >= m->node_end[node])
		node++;
	return node;
}

static inline u32 hw_llc_set(const struct machine *m, u32 home, u64 line)
{
	return home * (m->llc.set_mask + 1) + cache_set_of(&m->llc, line);
}

static inline u64 *hw_sharers(const struct machine *m, u32 slot)
{
	return &m->sharers[(size_t)slot * (m->sharer_words + 1)];
}

/* Until when the line is on its way to a CPU, which cannot give it up before. */
static inline u64 *hw_busy(const struct machine *m, u32 slot)
{
	return hw_sharers(m, slot) + m->sharer_words;
}

/* ---- private.c ---- */

/* Put a line that the LLC holds at slot into L2 and L1, evicting what is there. */
void private_fill(struct hw_request *rq, u32 slot, enum hw_state state);
/* The same into L2 alone. */
void private_fill_l2(struct hw_request *rq, u32 slot, enum hw_state state);
/* Put a line that L2 holds into L1. */
void private_fill_l1(struct hw_cpu *cpu, u64 line, enum hw_state state);
/* Take a line away from a CPU that has it. Returns whether it was modified. */
bool private_drop(struct hw_cpu *cpu, u64 line);
/* Leave the CPU a shared copy. Returns whether it was modified. */
bool private_share(struct hw_cpu *cpu, u64 line);

static inline void private_forget_fast(struct hw_cpu *cpu, u32 l1_set)
{
	cpu->fast[cpu->fast_slot[l1_set]] = HW_FAST_EMPTY;
}

/* ---- coherence.c ---- */

/* Get a line that the CPU does not have, for reading or writing: its new state and LLC slot. */
enum hw_state coherence_fetch(struct hw_request *rq, u32 *slot);
/* Make a shared line of the CPU its own. */
void coherence_upgrade(struct hw_request *rq, u32 slot);
/* The CPU's L2 has given a line up. */
void coherence_evicted(struct hw_request *rq, u32 slot, bool dirty);

/* ---- hot_lines.c ---- */

/* The line leaves the LLC; its counts are kept if they are worth it. */
void hot_retire(struct machine *m, const struct hw_contention *contention);

/* ---- machine.c ---- */

/*
 * Look a line up from L1 down and bring it there, for reading or writing. Returns
 * its new state.
 */
enum hw_state machine_lookup(struct hw_request *rq);
/* L2's share of it: bring the line to L2 from beyond, not to L1. */
void machine_fetch_l2(struct hw_request *rq);

#endif
