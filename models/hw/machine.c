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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- construction ---- */

static kms_ps ps_of_ns(double ns)
{
	return (kms_ps)(ns * 1e3 + 0.5);
}

static kms_ps ps_of_cycles(const struct core_config *core, double cycles)
{
	return (kms_ps)(cycles * 1e3 / core->ghz + 0.5);
}

/* Cache latencies are configured from the core; a look-up costs what it adds to the one above. */
static void init_costs(struct hw_costs *cost, const struct machine_config *config)
{
	const struct core_config *core = &config->core;
	kms_ps l1 = ps_of_cycles(core, (double)config->l1d.latency_cycles);
	kms_ps l2 = ps_of_cycles(core, (double)config->l2.latency_cycles);
	kms_ps llc = ps_of_cycles(core, (double)config->llc.latency_cycles);

	cost->l1_hit = ps_of_cycles(core, core->l1_hit_cycles);
	cost->l1 = l1;
	cost->l2 = l2 - l1;
	cost->llc = llc - l2;
	cost->directory = ps_of_ns(config->coherence.directory_ns);
	cost->cache_to_cache = ps_of_ns(config->coherence.cache_to_cache_ns);
	cost->invalidate = ps_of_ns(config->coherence.invalidate_ns);
	cost->upgrade = ps_of_ns(config->coherence.upgrade_ns);
	cost->write_back = ps_of_ns(config->coherence.write_back_ns);
	cost->hop = ps_of_ns(config->interconnect.hop_ns);
	cost->half_node = ps_of_ns(config->interconnect.node_ns / 2);
	cost->kind[SIM_ATOMIC] = ps_of_cycles(core, core->atomic_cycles);
	cost->kind[SIM_ATOMIC_LOCAL] = ps_of_cycles(core, core->local_rmw_cycles);
}

static int init_nodes(struct machine *m, const struct memory_config *memory, struct kms_error *err)
{
	const struct node_config all = { memory->size_bytes, m->nr_cpus };
	const struct node_config *nodes = memory->nodes.n ? memory->nodes.items : &all;
	u64 end = 0;
	u32 cpu = 0;

	m->nr_nodes = memory->nodes.n ? (u32)memory->nodes.n : 1;
	if (m->nr_nodes > HW_MAX_NODES)
		return kms_fail(err, KMS_EUSAGE, "the machine has %u nodes; at most %u can be "
						 "simulated",
				m->nr_nodes, HW_MAX_NODES);
	for (u32 node = 0; node < m->nr_nodes; node++) {
		end += nodes[node].memory_bytes >> SIM_LINE_SHIFT;
		m->node_end[node] = end;
		for (u64 i = 0; i < nodes[node].cpus && cpu < m->nr_cpus; i++, cpu++) {
			m->cpus[cpu].node = node;
			m->node_cpus[node][cpu / 64] |= 1ull << cpu % 64;
		}
	}
	if (cpu < m->nr_cpus)
		return kms_fail(err, KMS_EUSAGE, "the machine's nodes have %u CPUs together, not "
						 "%u",
				cpu, m->nr_cpus);
	return 0;
}

static int init_cpu(struct machine *m, u32 id, const struct machine_config *config, u64 seed,
		    struct kms_error *err)
{
	struct hw_cpu *cpu = &m->cpus[id];
	char l1[32], l2[32];
	u32 sets;
	int ret;

	snprintf(l1, sizeof(l1), "l1d.%u", id);
	snprintf(l2, sizeof(l2), "l2.%u", id);
	cpu->machine = m;
	cpu->id = id;
	cpu->hit_ps = m->cost.l1_hit;
	ret = cache_init(&cpu->l1, &config->l1d, 1, l1, seed, err);
	if (!ret)
		ret = cache_init(&cpu->l2, &config->l2, 1, l2, seed, err);
	if (ret)
		return ret;
	sets = cpu->l1.set_mask + 1;
	cpu->fast = malloc(sets * sizeof(*cpu->fast));
	cpu->fast_slot = calloc(sets, sizeof(*cpu->fast_slot));
	cpu->l2_slots = calloc(config->l2.size_bytes / SIM_LINE_BYTES, sizeof(*cpu->l2_slots));
	if (!cpu->fast || !cpu->fast_slot || !cpu->l2_slots)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for CPU %u", id);
	memset(cpu->fast, 0xff, sets * sizeof(*cpu->fast));
	return 0;
}

/* LLC slots are u32. */
static int init_llc(struct machine *m, const struct machine_config *config, u64 seed,
		    struct kms_error *err)
{
	u64 slots = config->llc.size_bytes / SIM_LINE_BYTES * m->nr_nodes;

	if (slots > 1ull << 31)
		return kms_fail(err, KMS_EUSAGE, "the LLC of all nodes together has %llu lines; at "
						 "most 2^31 can be simulated",
				(unsigned long long)slots);
	m->sharer_words = (m->nr_cpus + 63) / 64;
	m->sharers = calloc(slots, m->sharer_words * sizeof(*m->sharers));
	m->contention = calloc(slots, sizeof(*m->contention));
	if (!m->sharers || !m->contention)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for the directory (%llu "
						"lines)",
				(unsigned long long)slots);
	return cache_init(&m->llc, &config->llc, m->nr_nodes, "llc", seed, err);
}

static int init_machine(struct machine *m, const struct machine_config *config, u64 seed,
			struct kms_error *err)
{
	int ret;

	init_costs(&m->cost, config);
	ret = init_nodes(m, &config->memory, err);
	if (!ret)
		ret = init_llc(m, config, seed, err);
	for (u32 id = 0; !ret && id < m->nr_cpus; id++)
		ret = init_cpu(m, id, config, seed, err);
	if (ret)
		return ret;
	m->drams = calloc(m->nr_nodes, sizeof(*m->drams));
	if (!m->drams)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for %u nodes", m->nr_nodes);
	for (u32 node = 0; !ret && node < m->nr_nodes; node++)
		ret = dram_init(&m->drams[node], &config->dram, err);
	return ret;
}

int machine_new(struct machine **machine, const struct machine_config *config, u64 seed,
		struct kms_error *err)
{
	struct machine *m = calloc(1, sizeof(*m));
	int ret = 0;

	*machine = NULL;
	if (!config->cpus || config->cpus > SIM_MAX_CPUS)
		ret = kms_fail(err, KMS_EUSAGE, "a machine has 1 to %u CPUs, not "
						"%llu", SIM_MAX_CPUS,
			       (unsigned long long)config->cpus);
	if (!ret && m) {
		m->nr_cpus = (u32)config->cpus;
		m->cpus = calloc(m->nr_cpus, sizeof(*m->cpus));
	}
	if (!ret && (!m || !m->cpus))
		ret = kms_fail(err, KMS_EFAIL, "not enough host memory for a machine");
	if (!ret)
		ret = init_machine(m, config, seed, err);
	if (ret) {
		machine_free(m);
		return ret;
	}
	*machine = m;
	return 0;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	for (u32 i = 0; m->cpus && i < m->nr_cpus; i++) {
		cache_exit(&m->cpus[i].l1);
		cache_exit(&m->cpus[i].l2);
		free(m->cpus[i].fast);
		free(m->cpus[i].fast_slot);
		free(m->cpus[i].l2_slots);
	}
	for (u32 node = 0; m->drams && node < m->nr_nodes; node++)
		dram_exit(&m->drams[node]);
	cache_exit(&m->llc);
	free(m->sharers);
	free(m->contention);
	free(m->drams);
	free(m->cpus);
	free(m);
}

void machine_attach_cpu(struct machine *m, struct sim_cpu *sim, u32 id)
{
	struct hw_cpu *cpu = &m->cpus[id];

	cpu->sim = sim;
	sim->model = cpu;
	sim->fast = cpu->fast;
	sim->fast_mask = cpu->l1.set_mask;
	sim->fast_ps = m->cost.l1_hit;
	sim->local_rmw_ps = m->cost.kind[SIM_ATOMIC_LOCAL];
	sim->local_rmw_part = PART_EXEC;
	sim->fast_part = PART_L1;
}

/* ---- access ---- */

/* The line is now the most recent of its L1 set: the next such access needs no model. */
static inline void remember_fast(struct hw_cpu *cpu, u32 l1_set, u64 off_line, bool writable)
{
	u32 slot = (u32)off_line & cpu->l1.set_mask;

	private_forget_fast(cpu, l1_set);
	cpu->fast[slot] = off_line << 1 | writable;
	cpu->fast_slot[l1_set] = slot;
}

static void prefetch_llc(const struct machine *m, u64 line)
{
	u32 set = hw_llc_set(m, hw_home(m, line), line);
	const u64 *entries = &m->llc.entries[(size_t)set * m->llc.ways];

	__builtin_prefetch(entries);
	__builtin_prefetch(entries + 8);
	__builtin_prefetch(&m->llc.recency[set]);
}

static enum hw_state l1_miss(struct hw_request *rq)
{
	struct hw_cpu *cpu = rq->cpu;
	struct machine *m = cpu->machine;
	u32 set = cache_set_of(&cpu->l2, rq->line), slot;
	enum hw_state state;
	int way;

	prefetch_llc(m, rq->line);
	cpu->stats.l1_misses++;
	hw_spend(rq, PART_L1, m->cost.l1);
	hw_spend(rq, PART_L2, m->cost.l2);
	way = cache_find(&cpu->l2, set, rq->line);
	if (way < 0) {
		cpu->stats.l2_misses++;
		state = coherence_fetch(rq, &slot);
		private_fill(rq, slot, state);
		return state;
	}
	cpu->stats.l2_hits++;
	cache_touch(&cpu->l2, set, (u32)way);
	state = cache_flags_of(*cache_entry(&cpu->l2, set, (u32)way));
	if (rq->write && state == HW_S) {
		coherence_upgrade(rq, cpu->l2_slots[(size_t)set * cpu->l2.ways + (u32)way]);
		cache_put(&cpu->l2, set, (u32)way, rq->line, HW_E);
	}
	state = rq->write ? HW_M : state;
	private_fill_l1(cpu, rq->line, state);
	return state;
}

/* L1 has the line shared and the CPU writes it. L2 is known to have it. */
static void l1_upgrade(struct hw_request *rq)
{
	struct hw_cpu *cpu = rq->cpu;
	u32 set = cache_set_of(&cpu->l2, rq->line);
	u32 way = (u32)cache_find(&cpu->l2, set, rq->line);

	cpu->stats.l1_hits++;
	hw_spend(rq, PART_L1, cpu->machine->cost.l1);
	coherence_upgrade(rq, cpu->l2_slots[(size_t)set * cpu->l2.ways + way]);
	cache_put(&cpu->l2, set, way, rq->line, HW_E);
}

/* L1 does not have the line (way < 0), or not for writing. */
static __attribute__((noinline)) void beyond_l1(struct hw_cpu *cpu, u64 off_line, int way,
						enum sim_access kind)
{
	struct hw_request rq = { .cpu = cpu, .line = hw_line(off_line), .off_line = off_line,
				 .write = kind != SIM_READ, .hidden = kind == SIM_PREFETCHW };
	u32 set = cache_set_of(&cpu->l1, rq.line);
	enum hw_state state = HW_M;

	if (rq.hidden)
		sim_charge(cpu->sim, PART_L1, cpu->machine->cost.l1_hit);
	rq.now = cpu->sim->clock;
	if (way < 0) {
		state = l1_miss(&rq);
	} else {
		l1_upgrade(&rq);
		cache_put(&cpu->l1, set, (u32)way, rq.line, HW_M);
		cache_touch(&cpu->l1, set, (u32)way);
	}
	remember_fast(cpu, set, off_line, state == HW_M);
}

/* An L1 hit makes no calls. */
static inline __attribute__((always_inline)) void access_line(struct sim_cpu *sim, u64 off_line,
							      enum sim_access kind)
{
	struct hw_cpu *cpu = sim->model;
	u64 line = hw_line(off_line), *entry;
	u32 set = cache_set_of(&cpu->l1, line);
	int way = cache_find(&cpu->l1, set, line);

	cpu->accesses[kind]++;
	if (KMS_UNLIKELY(way < 0))
		return beyond_l1(cpu, off_line, way, kind);
	entry = cache_entry(&cpu->l1, set, (u32)way);
	if (kind != SIM_READ) {
		if (KMS_UNLIKELY(cache_flags_of(*entry) == HW_S))
			return beyond_l1(cpu, off_line, way, kind);
		*entry |= HW_M; /* of E (2) or M (3) */
	}
	cpu->stats.l1_hits++;
	sim_charge(sim, PART_L1, cpu->hit_ps);
	cache_touch(&cpu->l1, set, (u32)way);
	remember_fast(cpu, set, off_line, cache_flags_of(*entry) == HW_M);
}

static __attribute__((noinline)) void access_lines(struct sim_cpu *sim, u64 off, u32 size,
						   enum sim_access kind)
{
	u64 line = off >> SIM_LINE_SHIFT, last = (off + size - 1) >> SIM_LINE_SHIFT;

	do {
		access_line(sim, line, kind);
	} while (line++ != last);
}

void machine_access(struct sim_cpu *sim, u64 off, u32 size, enum sim_access kind)
{
	if (kind == SIM_ATOMIC || kind == SIM_ATOMIC_LOCAL)
		sim_charge(sim, PART_EXEC, ((struct hw_cpu *)sim->model)->machine->cost.kind[kind]);
	if (KMS_UNLIKELY((off & (SIM_LINE_BYTES - 1)) + size > SIM_LINE_BYTES))
		return access_lines(sim, off, size, kind);
	access_line(sim, off >> SIM_LINE_SHIFT, kind);
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
