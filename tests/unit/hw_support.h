/*
 * hw_support.h - a machine with round numbers and CPUs without an engine.
 *
 * One core cycle is 1 ns and one DRAM command clock is 1 ns, so that latencies
 * can be worked out by hand. rig_touch() does what the engine's hooks do with
 * an access: try the short cut, else call the model.
 */
#ifndef TESTS_UNIT_HW_SUPPORT_H
#define TESTS_UNIT_HW_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/hw/hierarchy.h"

#define NS KMS_PS_PER_NS
#define LINE(n) ((u64)(n) * 64)

struct rig {
	struct machine *machine;
	struct sim_cpu cpus[SIM_MAX_CPUS];
	u32 nr_cpus;
	bool shortcut;
};

static inline struct cache_config rig_cache(u64 size, u64 ways, u64 cycles, u32 replacement)
{
	return (struct cache_config){ .size_bytes = size, .ways = ways, .line_bytes = 64,
				      .latency_cycles = cycles, .replacement = replacement };
}

static inline struct machine_config rig_config(u64 cpus)
{
	return (struct machine_config){
		.cpus = cpus,
		.core = { .ghz = 1, .ipc = 1, .atomic_cycles = 18, .local_rmw_cycles = 8,
			  .l1_hit_cycles = 1 },
		.l1d = rig_cache(1024, 2, 4, HW_LRU),
		.l2 = rig_cache(4096, 4, 12, HW_LRU),
		.llc = rig_cache(65536, 8, 30, HW_LRU),
		.coherence = { .cache_to_cache_ns = 40, .invalidate_ns = 20, .upgrade_ns = 10,
			       .write_back_ns = 5, .directory_ns = 2 },
		.interconnect = { .hop_ns = 6, .node_ns = 100 },
		.dram = { .channels = 2, .ranks = 1, .banks = 8, .row_bytes = 8192,
			  .clock_mhz = 1000, .tRCD = 14, .tRP = 15, .tCL = 16, .tCWL = 12,
			  .tRAS = 34, .tWR = 13, .tBURST = 4, .tREFI = 0, .tRFC = 350,
			  .controller_ns = 20 },
		.memory = { .size_bytes = 1ull << 30 },
	};
}

static inline void rig_open(struct rig *rig, const struct machine_config *config, u64 seed)
{
	struct kms_error err = { 0 };

	memset(rig, 0, sizeof(*rig));
	rig->nr_cpus = (u32)config->cpus;
	rig->shortcut = true;
	if (machine_new(&rig->machine, config, seed, &err))
		fail_msg("%s", err.text);
	for (u32 i = 0; i < rig->nr_cpus; i++) {
		rig->cpus[i].id = i;
		machine_attach_cpu(rig->machine, &rig->cpus[i], i);
	}
}

static inline void rig_close(struct rig *rig)
{
	machine_free(rig->machine);
}

/* Accesses that the short cut served. */
static inline u64 hw_fast_hits(const struct sim_cpu *cpu)
{
	return sim_accesses(cpu) - cpu->accesses;
}

static inline bool rig_fast(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	u64 line = off >> 6, entry = cpu->fast[line & cpu->fast_mask];

	if (kind == SIM_ATOMIC || (off & 63) + size > 64)
		return false;
	if (kind == SIM_READ ? entry >> 1 != line : entry != (line << 1 | 1))
		return false;
	cpu->fast_hits[kind]++;
	sim_charge(cpu, cpu->fast_part, cpu->fast_ps);
	if (kind == SIM_ATOMIC_LOCAL)
		sim_charge(cpu, cpu->local_rmw_part, cpu->local_rmw_ps);
	return true;
}

/* Nobody starts before the last one has ended, as if the CPUs took turns. */
static inline void rig_take_turns(struct rig *rig, u32 cpu)
{
	kms_ps latest = 0;

	for (u32 i = 0; i < rig->nr_cpus; i++)
		latest = rig->cpus[i].clock > latest ? rig->cpus[i].clock : latest;
	rig->cpus[cpu].idle += latest - rig->cpus[cpu].clock;
	rig->cpus[cpu].clock = latest;
}

static inline void rig_touch_size(struct rig *rig, u32 cpu, u64 off, u32 size, enum sim_access kind)
{
	struct sim_cpu *sim = &rig->cpus[cpu];

	rig_take_turns(rig, cpu);
	if (rig->shortcut && rig_fast(sim, off, size, kind))
		return;
	sim->accesses++;
	machine_access(sim, off, size, kind);
}

static inline void rig_touch(struct rig *rig, u32 cpu, u64 off, enum sim_access kind)
{
	rig_touch_size(rig, cpu, off, 8, kind);
}

static inline void rig_check(const struct rig *rig)
{
	struct kms_error err = { 0 };

	if (machine_check(rig->machine, &err))
		fail_msg("%s", err.text);
}

static inline kms_ps rig_parts_sum(const struct sim_cpu *cpu)
{
	kms_ps sum = 0;

	for (u32 i = 0; i < SIM_MAX_PARTS; i++)
		sum += cpu->part[i];
	return sum;
}

/* Small and fixed: tests must not depend on anybody's generator. */
static inline u32 rig_random(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(*state >> 33);
}

#endif
