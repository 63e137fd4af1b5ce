/*
 * machine.c - the machine as a whole, and the way of an access through a CPU.
 *
 * machine_access() is called for what sim_cpu.fast[] does not serve: the first
 * touch of a line after another of its set, misses, writes to lines not yet
 * owned, atomics. It looks in L1 and L2 (here), fetches through the directory
 * (coherence.c), and leaves the line in fast[] as its L1 set's only entry,
 * since it is then the most recently used one there.
 */
#include "models/hw/hierarchy.h"

#include <string.h>

/* ---- access ---- */

/* The line is now the most recent of its L1 set: the next such access needs no model. */
static inline void remember_fast(struct hw_cpu *cpu, u32 l1_set, u64 off_line, bool writable)
{
	u32 slot = (u32)off_line & cpu->l1.set_mask;

	private_forget_fast(cpu, l1_set);
	cpu->fast[slot] = off_line << 1 | writable;
	cpu->fast_slot[l1_set] = slot;
}

/* Host memory, not simulated: what a miss will look at. */
static void prefetch_llc(const struct machine *m, u64 line)
{
	const u64 *entries;
	u32 set;

	if (KMS_UNLIKELY(!m->has_llc))
		return;
	set = hw_llc_set(m, hw_home(m, line), line);
	entries = &m->llc.entries[(size_t)set * m->llc.ways];
	__builtin_prefetch(entries);
	__builtin_prefetch(entries + 8);
	__builtin_prefetch(&m->llc.recency[set]);
}

static u32 take_l1_mshr(struct hw_request *rq)
{
	struct mshr *m = &rq->cpu->l1_mshr;
	kms_ps before = rq->now;
	u32 first = hw_take_mshr(rq, m);

	if (KMS_UNLIKELY(rq->now > before))
		hw_tail(m->part[first], rq->now - before, rq->waited);
	return first;
}

static void give_l1_mshr(struct hw_request *rq, u32 mshr)
{
	struct core *core = &rq->cpu->core;

	hw_give_mshr(rq, &rq->cpu->l1_mshr, mshr);
	if (rq->now > core->quiet_at)
		core->quiet_at = rq->now;
}

/* The same: the directory's slot of the line that will have to make room in the last level. */
static void prefetch_victim(const struct hw_cpu *cpu, struct cache *c, u32 set)
{
	const struct machine *m = cpu->machine;
	u32 way, slot;

	if (c->replacement >= HW_RANDOM) /* asking would choose */
		return;
	way = cache_victim(c, set);
	slot = cpu->slots[(size_t)set * c->ways + way];
	__builtin_prefetch(hw_sharers(m, slot), 1);
	__builtin_prefetch(&m->tags[slot], 1);
}

/* The CPU has the line in the entry of its last level and is to write it. */
static void own(struct hw_request *rq, size_t entry)
{
	struct hw_cpu *cpu = rq->cpu;
	enum hw_state state = hw_state_of(hw_last(cpu)->entries[entry]);

	if (hw_writable(state))
		return;
	coherence_upgrade(rq, cpu->slots[entry]);
	private_set(cpu, rq->line, state == HW_O ? HW_M : HW_E);
}

/* A private level has the line: bring it to those before it, up to level `to`. */
static enum hw_state found(struct hw_request *rq, u32 level, u32 set, u32 way, u32 to)
{
	struct hw_cpu *cpu = rq->cpu;
	const struct machine *m = cpu->machine;
	struct cache *c = &cpu->level[level];
	size_t entry = (size_t)set * c->ways + way;
	const u64 *tag = &c->entries[entry];
	enum hw_state state;

	if (level != m->last)
		entry = hw_last_entry(cpu, rq->line);
	if (KMS_UNLIKELY(m->through >> level & 1)) /* it cannot tell */
		tag = &hw_last(cpu)->entries[entry];
	cpu->stats.l2_hits += !rq->prefetch & (level == 1);
	cpu->stats.l3_hits += !rq->prefetch & (level == 2);
	hw_merge(rq, &cpu->mshr[level]);
	cache_touch(c, set, way);
	if (rq->write)
		own(rq, entry);
	state = rq->write ? HW_M : hw_state_of(*tag);
	if (to < level)
		private_fill(rq, level - 1, to, 0, state);
	if (rq->write && KMS_UNLIKELY(m->through | m->fill_from))
		private_store(rq, level);
	return state;
}

/* No private level has the line. */
static enum hw_state fetch(struct hw_request *rq, u32 to, u32 *slot)
{
	if (KMS_LIKELY(to <= rq->cpu->machine->last))
		return coherence_fetch(rq, slot);
	coherence_write_around(rq);
	return HW_I;
}

/* Look the line up from level `from` on down, and bring it to the levels from `to` on. */
static enum hw_state look_below(struct hw_request *rq, u32 from, u32 to)
{
	struct hw_cpu *cpu = rq->cpu;
	const struct machine *m = cpu->machine;
	u32 mshr[HW_PRIVATE_LEVELS], level, set = 0, slot = 0;
	enum hw_state state;
	int way = -1;

	if (rq->store && m->fill_from > to)
		to = m->fill_from;
	for (level = from; level <= m->last; level++) {
		hw_spend(rq, PART_L2, m->cost.level[level]);
		set = cache_set_of(&cpu->level[level], rq->line);
		way = cache_find(&cpu->level[level], set, rq->line);
		if (way >= 0)
			break;
		cpu->stats.l2_misses += !rq->prefetch & (level == 1);
		cpu->stats.l3_misses += !rq->prefetch & (level == 2);
		mshr[level] = hw_take_mshr(rq, &cpu->mshr[level]);
	}
	if (way < 0)
		prefetch_victim(cpu, hw_last(cpu), set);
	state = way >= 0 ? found(rq, level, set, (u32)way, to) : fetch(rq, to, &slot);
	for (u32 l = level; l-- > from;)
		hw_give_mshr(rq, &cpu->mshr[l], mshr[l]);
	if (way >= 0 || to > m->last)
		return state;
	private_fill(rq, m->last, to, slot, state);
	if (rq->write && KMS_UNLIKELY(m->through))
		private_store(rq, m->last);
	return state;
}

void machine_fetch_l2(struct hw_request *rq)
{
	prefetch_llc(rq->cpu->machine, rq->line);
	look_below(rq, 1, 1);
}

static enum hw_state l1_miss(struct hw_request *rq)
{
	struct hw_cpu *cpu = rq->cpu;
	enum hw_state state;
	u32 mshr;

	prefetch_llc(cpu->machine, rq->line);
	cpu->stats.l1_misses += !rq->prefetch;
	mshr = take_l1_mshr(rq);
	hw_spend(rq, PART_L1, cpu->machine->cost.level[0]);
	state = look_below(rq, 1, 0);
	give_l1_mshr(rq, mshr);
	return state;
}

/* L1 has the line, but not for writing by itself. */
static void l1_write(struct hw_request *rq)
{
	struct hw_cpu *cpu = rq->cpu;
	size_t entry = hw_last_entry(cpu, rq->line);

	if (!hw_writable(hw_state_of(hw_last(cpu)->entries[entry]))) {
		u32 mshr = take_l1_mshr(rq);

		hw_spend(rq, PART_L1, cpu->machine->cost.level[0]);
		own(rq, entry);
		give_l1_mshr(rq, mshr);
	}
	private_store(rq, 0);
}

enum hw_state machine_lookup(struct hw_request *rq)
{
	struct hw_cpu *cpu = rq->cpu;
	u32 set = cache_set_of(&cpu->l1, rq->line);
	int way = cache_find(&cpu->l1, set, rq->line);
	u64 *entry;

	if (way < 0)
		return l1_miss(rq);
	entry = cache_entry(&cpu->l1, set, (u32)way);
	cpu->stats.l1_hits++;
	hw_merge(rq, &cpu->l1_mshr);
	if (rq->write && !hw_writable(cache_flags_of(*entry)))
		l1_write(rq);
	else if (rq->write)
		*entry |= HW_M; /* of E (2) or M (3) */
	cache_touch(&cpu->l1, set, (u32)way);
	private_forget_fast(cpu, set);
	return cache_flags_of(*entry);
}

/* The short cut may serve the line, unless it is still on its way or prefetches pushed it out. */
static void remember(struct hw_cpu *cpu, const struct hw_request *rq)
{
	u32 set = cache_set_of(&cpu->l1, rq->line);
	int way = cache_find(&cpu->l1, set, rq->line);

	if (mshr_find(&cpu->l1_mshr, rq->line, cpu->sim->clock) >= 0)
		private_forget_fast(cpu, set);
	else if (way >= 0 && cache_is_mru(&cpu->l1, set, (u32)way))
		remember_fast(cpu, set, rq->off_line,
			      cache_flags_of(*cache_entry(&cpu->l1, set, (u32)way)) == HW_M &&
				      !cpu->core.nr_stores);
}

/* Anything but a plain hit with nothing under way. */
static __attribute__((noinline)) void access_slow(struct hw_cpu *cpu, u64 off, enum sim_access kind)
{
	u64 off_line = off >> SIM_LINE_SHIFT;
	struct hw_request rq = { .cpu = cpu, .line = hw_line(off_line), .off_line = off_line,
				 .write = kind != SIM_READ, .store = kind == SIM_WRITE };
	kms_ps start;
	u64 misses;

	if (cpu->core.nr_loads | cpu->core.nr_stores)
		core_before(cpu, off, kind);
	if (kind == SIM_PREFETCHW)
		sim_charge(cpu->sim, PART_L1, cpu->machine->cost.l1_hit);
	start = rq.now = cpu->since = cpu->sim->clock;
	if (!tlb_has(&cpu->tlb, off))
		tlb_miss(&rq, off);
	misses = cpu->stats.l1_misses;
	machine_lookup(&rq);
	misses = cpu->stats.l1_misses - misses;
	if (rq.now - start > cpu->latency)
		cpu->latency = rq.now - start;
	core_after(&rq, off, kind, start);
	if (misses && (cpu->l1_prefetch.kind | cpu->l2_prefetch.kind))
		prefetch_miss(&rq, start);
	remember(cpu, &rq);
}

/* An L1 hit makes no calls. */
static inline __attribute__((always_inline)) void access_line(struct sim_cpu *sim, u64 off,
							      enum sim_access kind)
{
	struct hw_cpu *cpu = sim->model;
	u64 off_line = off >> SIM_LINE_SHIFT, line = hw_line(off_line), *entry;
	u32 set = cache_set_of(&cpu->l1, line);
	int way = cache_find(&cpu->l1, set, line);

	cpu->accesses[kind]++;
	if (KMS_UNLIKELY(way < 0 || !core_is_quiet(&cpu->core, sim->clock) ||
			 !tlb_has(&cpu->tlb, off)))
		return access_slow(cpu, off, kind);
	entry = cache_entry(&cpu->l1, set, (u32)way);
	if (kind != SIM_READ) {
		if (KMS_UNLIKELY(!hw_writable(cache_flags_of(*entry))))
			return access_slow(cpu, off, kind);
		*entry |= HW_M; /* of E (2) or M (3) */
	}
	cpu->stats.l1_hits++;
	sim_charge(sim, PART_L1, cpu->hit_ps);
	cache_touch(&cpu->l1, set, (u32)way);
	remember_fast(cpu, set, off_line, cache_flags_of(*entry) == HW_M);
}

/* A watched line stays out of the short cut, so that each access comes by here. */
static inline void note_sharing(struct sim_cpu *sim, u64 off, u32 size, enum sim_access kind)
{
	struct hw_cpu *cpu = sim->model;
	u64 off_line = off >> SIM_LINE_SHIFT;

	if (KMS_LIKELY(!hw_is_watched(cpu->machine, off_line)))
		return;
	private_forget_fast(cpu, cache_set_of(&cpu->l1, hw_line(off_line)));
	sharing_access(cpu, off, size, kind);
}

static __attribute__((noinline)) void access_lines(struct sim_cpu *sim, u64 off, u32 size,
						   enum sim_access kind)
{
	u64 end = off + size;

	while (off < end) {
		u64 next = ((off >> SIM_LINE_SHIFT) + 1) << SIM_LINE_SHIFT;

		access_line(sim, off, kind);
		note_sharing(sim, off, (u32)((next < end ? next : end) - off), kind);
		off = next;
	}
}

static __attribute__((noinline)) void note_access(struct sim_cpu *sim, u64 off, u32 size, enum sim_access kind)
{
	struct hw_cpu *cpu = sim->model;

	note_sharing(sim, off, size, kind);
	if (cpu->core.chain.on)
		chain_access(&cpu->core.chain, sim, off, kind);
}

void machine_access(struct sim_cpu *sim, u64 off, u32 size, enum sim_access kind)
{
	struct hw_cpu *cpu = sim->model;

	if (KMS_UNLIKELY(kind == SIM_FENCE))
		return core_fence(sim->model);
	if (kind == SIM_ATOMIC)
		sim_charge(sim, PART_EXEC, core_atomic(cpu, cpu->machine->cost.kind[kind]));
	else if (kind == SIM_ATOMIC_LOCAL)
		sim_charge(sim, PART_EXEC, cpu->machine->cost.kind[kind]);
	if (KMS_UNLIKELY((off & (SIM_LINE_BYTES - 1)) + size > SIM_LINE_BYTES))
		return access_lines(sim, off, size, kind);
	access_line(sim, off, kind);
	if (KMS_UNLIKELY(hw_is_watched(cpu->machine, off >> SIM_LINE_SHIFT) | cpu->core.chain.on))
		note_access(sim, off, size, kind);
}

kms_ps machine_timed_access(struct sim_cpu *sim, u64 off, u32 size, enum sim_access kind)
{
	struct hw_cpu *cpu = sim->model;

	cpu->latency = 0;
	machine_access(sim, off, size, kind);
	return cpu->latency ? cpu->latency : cpu->machine->cost.level[0];
}

void machine_drain(struct sim_cpu *sim)
{
	core_drain(sim->model);
}

/* ---- questions ---- */

static void add_cpu(const struct hw_cpu *cpu, struct hw_stats *sum)
{
	const u64 *from = (const u64 *)&cpu->stats;
	u64 *to = (u64 *)sum;
	u64 all[SIM_NR_ACCESS_KINDS], fast_hits = 0;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
	for (u32 kind = 0; kind < SIM_NR_ACCESS_KINDS; kind++) {
		u64 fast = cpu->sim ? cpu->sim->fast_hits[kind] : 0;

		all[kind] = cpu->accesses[kind] + fast;
		fast_hits += fast;
	}
	sum->reads += all[SIM_READ];
	sum->writes += all[SIM_WRITE];
	sum->atomics += all[SIM_ATOMIC] + all[SIM_ATOMIC_LOCAL];
	sum->prefetches += all[SIM_PREFETCHW];
	sum->l1_hits += fast_hits;
}

void machine_stats(const struct machine *m, int cpu, struct hw_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	for (u32 i = 0; i < m->nr_cpus; i++) {
		if (cpu < 0 || i == (u32)cpu)
			add_cpu(&m->cpus[i], stats);
	}
}

u32 machine_node_of(const struct machine *m, u64 phys)
{
	return hw_home(m, phys >> SIM_LINE_SHIFT);
}
