/*
 * hierarchy.h - the parts of a machine and how they hang together.
 *
 * Internal to models/hw. One way down:
 *   machine.c    an access: L1D and L2 look-ups, the short cut, statistics
 *   core.c       what the CPU waits for: core models, store buffer, fences
 *   tlb.c        translation and page walks
 *   prefetch.c   hardware prefetchers
 *   private.c    one CPU's L1D, L2 and L3, as many as it has: fill, evict, take away
 *   coherence.c  the shared side: what a request does to other CPUs
 *   llc.c        the LLC's data and DRAM behind it
 *   directory.c  who has a line, where that does not stand in the LLC
 *   route.c      what the way between them takes
 * plus build.c (construction), hot_lines.c (contended lines), sharing.c (their
 * words), check.c (invariants), attach.c (engine).
 *
 * Inclusion: every line of a private level is in the next private one. So the
 * last of them knows all that the CPU has, and the state of its copy (any of
 * MESIFO). Levels before it say only S (may be read) or, where writes stay, E
 * and M (may be written).
 *
 * The directory knows for each line that CPUs have which ones do (a bitmap),
 * whether the only one of them may have written it (E or M; E becomes M
 * silently), and with MESIF and MOESI who has it F or O. A line's place in it
 * is its slot. With an inclusive LLC the slot is that of the LLC, whose tags
 * tell everything; else directory.c keeps slots of its own.
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
#include "models/hw/directory.h"
#include "models/hw/dram.h"
#include "models/hw/interconnect.h"
#include "models/hw/machine.h"
#include "models/hw/mshr.h"
#include "models/hw/prefetch.h"
#include "models/hw/protocol.h"
#include "models/hw/tlb.h"
#include "models/rt/rt.h"
#include "sim/engine/ram.h"

#include <string.h>

#define HW_MAX_NODES 64
#define HW_FAST_EMPTY (~0ull)
#define HW_RETIRED 1024u
#define HW_RETIRED_WAYS 8u
#define HW_CPU_WORDS (SIM_MAX_CPUS / 64)
#define HW_WATCHED 1024u
#define HW_WATCH_WAYS 4u
#define HW_WATCH_FROM 4u /* transfers and invalidations since the line came into the LLC */
#define HW_UNWATCHED (~0ull)

#define HW_NO_OWNER 0xffffu

/* Flags of private entries: as enum protocol_state, and E where a write may not stay. */
enum hw_state { HW_I, HW_S, HW_E, HW_M, HW_F, HW_O, HW_E_THROUGH };

/*
 * Flags of slots. FOUGHT: CPUs have taken the line from each other, contention[] counts. DIRTY:
 * newer than DRAM, of the LLC's entries only.
 */
enum { LLC_VALID = 1, LLC_DIRTY = 2, LLC_EXCLUSIVE = 4, LLC_FOUGHT = 8 };

/* Where data may be besides with the CPUs; STORE: in the hands of a CPU that writes. */
enum { HW_AT_LLC = SIM_MAX_CPUS, HW_AT_DRAM, HW_AT_STORE };

struct hw_costs {
	kms_ps l1_hit;		/* per access, pipelined */
	kms_ps level[HW_PRIVATE_LEVELS], llc; /* what a look-up adds on the way down */
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
	kms_ps since;	/* when the access at hand began */
	u32 id, node, stop; /* stop: of the node's ring or mesh */
	u64 *fast;	/* sim_cpu.fast */
	u32 *fast_slot; /* [L1 set]: index in fast[] of the set's only entry */
	u32 *slots;	/* [entry of the last private level] */
	u64 accesses[SIM_NR_ACCESS_KINDS]; /* those that fast[] did not serve */
	union {
		struct cache level[HW_PRIVATE_LEVELS];
		struct {
			struct cache l1, l2, l3;
		};
	};
	struct tlb tlb;
	struct core core;
	union {
		struct mshr mshr[HW_PRIVATE_LEVELS];
		struct {
			struct mshr l1_mshr, l2_mshr, l3_mshr;
		};
	};
	struct prefetcher l1_prefetch, l2_prefetch;
	u64 llc_ways;	/* that it may fill; 0: all */
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

/* Sets of CPUs. Since a word was last written: who has touched it, the writer included. */
struct hw_watched_word {
	u64 seen[HW_CPU_WORDS], readers[HW_CPU_WORDS], writers[HW_CPU_WORDS];
	u64 reads, writes;
	u32 caused, true_sharing, false_sharing; /* conflicts */
	bool written;
};

/* A contended line, see sharing.c. */
struct hw_watched {
	u64 conflicts;
	struct hw_watched_word words[HW_LINE_WORDS];
	u64 undecided[HW_CPU_WORDS]; /* CPUs that took the line, true or false sharing still open */
	u8 pending[SIM_MAX_CPUS][HW_LINE_WORDS]; /* conflicts of each of them, by word */
	u32 caused; /* by the access that is going on */
};

struct machine {
	u32 nr_cpus, nr_nodes, sharer_words;
	struct hw_costs cost;
	struct hw_cpu *cpus;
	u32 last;			  /* private level, 0: L1D */
	u32 through;			  /* private levels that write through, a bit each */
	u32 fill_from;			  /* first private level that a store's miss fills */
	u32 protocol;			  /* enum protocol_kind */
	u32 inclusion;			  /* enum hw_inclusion, if there is an LLC */
	bool has_llc, inclusive;	  /* inclusive: the slots are the LLC's */
	bool llc_through, llc_around;
	struct cache llc;		  /* one slice per node */
	kms_ps *llc_busy;		  /* [LLC entry] until when it is being filled; unless inclusive */
	struct directory directory;	  /* unless inclusive */
	u32 nr_slots;
	u64 *tags;			  /* [slot] line and flags, the LLC's or the directory's */
	u64 *sharers;			  /* [slot][sharer_words + 1], see hw_busy() */
	u16 *owner;			  /* [slot] CPU with F or O, or HW_NO_OWNER; NULL: MESI */
	struct hw_contention *contention; /* [slot] */
	struct interconnect *nets;	  /* per node; NULL: flat */
	struct dram *drams;		  /* per node */
	struct mshr *llc_mshrs;		  /* per node */
	u64 table_base[TLB_WINDOWS][TLB_LEVELS]; /* simulated addresses of the page tables */
	u64 node_end[HW_MAX_NODES];	  /* lines; node n starts where n - 1 ends */
	u64 node_cpus[HW_MAX_NODES][SIM_MAX_CPUS / 64];
	/* Tests: data of the line go from a place to another (CPUs by number, HW_AT_...). */
	void (*moved)(void *arg, u64 line, u32 from, u32 to);
	void *moved_arg;
	struct hw_retired retired[HW_RETIRED];
	u32 watch_from;		    /* conflicts; HW_WATCH_FROM but in tests */
	u64 watch_keys[HW_WATCHED]; /* offset lines, HW_UNWATCHED: free */
	struct hw_watched watched[HW_WATCHED];
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
	bool store;	      /* a write that needs no answer: may go around caches */
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

/* Whether any CPU has the slot's line. */
static inline bool hw_shared(const struct machine *m, u32 slot)
{
	const u64 *sharers = hw_sharers(m, slot);
	u64 any = 0;

	for (u32 i = 0; i < m->sharer_words; i++)
		any |= sharers[i];
	return any;
}

/* Until when the line is on its way to a CPU, which cannot give it up before. */
static inline u64 *hw_busy(const struct machine *m, u32 slot)
{
	return hw_sharers(m, slot) + m->sharer_words;
}

static inline bool hw_writable(u32 state)
{
	return state - HW_E <= HW_M - HW_E;
}

/* What a tag of the last private level says of the CPU's copy. */
static inline enum hw_state hw_state_of(u64 tag)
{
	u32 flags = cache_flags_of(tag);

	return flags == HW_E_THROUGH ? HW_E : (enum hw_state)flags;
}

static inline bool hw_dirty(u32 state)
{
	return state == HW_M || state == HW_O;
}

/* Whether a CPU's last private level can have lines that are newer than what is behind it. */
static inline bool hw_keeps_writes(const struct machine *m)
{
	return !(m->through >> m->last & 1);
}

static inline void hw_moved(const struct machine *m, u64 line, u32 from, u32 to)
{
	if (KMS_UNLIKELY(m->moved != NULL))
		m->moved(m->moved_arg, line, from, to);
}

/* The last private level, which knows the state of all lines that the CPU has. */
static inline struct cache *hw_last(struct hw_cpu *cpu)
{
	return &cpu->level[cpu->machine->last];
}

/* Index of the line's entry in it; pre: the CPU has the line. */
static inline size_t hw_last_entry(struct hw_cpu *cpu, u64 line)
{
	const struct cache *c = hw_last(cpu);
	u32 set = cache_set_of(c, line);

	return (size_t)set * c->ways + (u32)cache_find(c, set, line);
}

static inline enum rt_part hw_part_of(u32 level)
{
	return level ? PART_L2 : PART_L1;
}

/* ---- private.c ---- */

/* Put a line of the directory's slot into private levels from `to` up to `from`, the last first. */
void private_fill(struct hw_request *rq, u32 from, u32 to, u32 slot, enum hw_state state);
/* The CPU has the line and may write it: where that leaves its mark. Levels to `reached` are paid. */
void private_store(struct hw_request *rq, u32 reached);
/* Give a CPU's copy another state; I takes it away. Returns whether it was modified. */
bool private_set(struct hw_cpu *cpu, u64 line, enum hw_state state);
/* The state of its copy; M also when only a level before the last knows. */
enum hw_state private_state(struct hw_cpu *cpu, u64 line);

static inline void private_forget_fast(struct hw_cpu *cpu, u32 l1_set)
{
	cpu->fast[cpu->fast_slot[l1_set]] = HW_FAST_EMPTY;
}

/* ---- coherence.c ---- */

/* Get a line that the CPU does not have, for reading or writing: its new state and slot. */
enum hw_state coherence_fetch(struct hw_request *rq, u32 *slot);
/* Make a shared line of the CPU its own. */
void coherence_upgrade(struct hw_request *rq, u32 slot);
/* The CPU's last private level has given a line up. */
void coherence_evicted(struct hw_request *rq, u32 slot, enum hw_state state);
/* A store that no private level keeps: the CPU has the line (slot), or not and wants it not. */
void coherence_write_through(struct hw_request *rq);
void coherence_write_around(struct hw_request *rq);

/* The line's slot, or DIRECTORY_NONE. */
u32 coherence_slot(const struct machine *m, u64 line);
/* All CPUs lose the slot's line; modified data are said to move to `to`. Returns whether any were. */
bool coherence_drop_all(struct machine *m, u32 slot, u32 to, u64 *dropped);

/* ---- llc.c ---- */

/* The line's entry in its home's slice, or -1. */
int llc_find(const struct machine *m, u32 home, u64 line);
/* Wait for a miss register and read the line from DRAM. Returns when it set out. */
kms_ps llc_read_dram(struct hw_request *rq, u32 home);
/* Room for the line in its slice and the line in it; what has to leave does, at time `at`. */
u32 llc_fill(struct hw_request *rq, u32 home, u64 line, bool dirty, kms_ps at);
/* Newer data of a line for the level behind the private ones. may_fill: it may bring the line in. */
void llc_write(struct hw_request *rq, u64 line, u32 from, bool may_fill);
/* The same of a line that the LLC has, in that entry. */
void llc_update(struct hw_request *rq, u32 entry, u32 from);
/* A line that the last CPU gave up, for an exclusive LLC. */
void llc_take_victim(struct hw_request *rq, u64 line, bool dirty);
/* The data of an entry go to the CPU, with an exclusive LLC for good. Returns whether newer than DRAM. */
bool llc_give(struct hw_request *rq, u32 entry);
/* ---- route.c ---- */

/* From the CPU to the line's home. */
void route_request(struct hw_request *rq, u32 home);
/* The line from the home, which need not ask others. */
void route_answer(struct hw_request *rq, u32 home);
/* Before and after the home's DRAM is read. */
void route_to_dram(struct hw_request *rq, u32 home);
void route_from_dram(struct hw_request *rq, u32 home);
/* The line by way of the CPU that owns it. */
void route_by_owner(struct hw_request *rq, u32 home, u32 owner);
/* To all CPUs of the slot, if any, and their acknowledgements; data: with the line from the home. */
void route_by_all(struct hw_request *rq, u32 home, u32 slot, bool data);
/* When the home hears that the request is over. */
kms_ps route_done(const struct hw_request *rq, u32 home);
/* A line that the CPU hands down: it takes its way, nobody waits for it. */
void route_post(const struct hw_request *rq, u64 line);

/* ---- hot_lines.c ---- */

/* The slot's line leaves the directory; its counts are kept if they are worth it. */
void hot_retire_slot(struct machine *m, u32 slot);

/* ---- sharing.c ---- */

/* Count a conflict that a request had over a line; contention has it already. */
void sharing_conflict(const struct hw_request *rq, const struct hw_contention *contention);
/* Mark an access to a watched line. */
void sharing_access(struct hw_cpu *cpu, u64 off, u32 size, enum sim_access kind);

/* First of the HW_WATCH_WAYS places where a line may be watched. */
static inline u32 hw_watch_place(u64 off_line)
{
	u32 hash = (u32)(off_line * 0x9e3779b97f4a7c15ull >> 32);

	return hash % HW_WATCHED / HW_WATCH_WAYS * HW_WATCH_WAYS;
}

static inline bool hw_is_watched(const struct machine *m, u64 off_line)
{
	const u64 *key = &m->watch_keys[hw_watch_place(off_line)];

	return (key[0] == off_line) | (key[1] == off_line) | (key[2] == off_line) |
	       (key[3] == off_line);
}

/* ---- machine.c ---- */

/*
 * Look a line up from L1 down and bring it there, for reading or writing. Returns
 * its new state.
 */
enum hw_state machine_lookup(struct hw_request *rq);
/* L2's share of it, for its prefetcher: bring the line to L2 from beyond, not to L1. */
void machine_fetch_l2(struct hw_request *rq);

#endif
