/*
 * machine_random.c - the machine in every mode: random accesses by 2 to 64 CPUs to few lines.
 *
 * Each run has a configuration of its own, drawn from all private levels, kinds
 * of LLC, protocols, ways of writing, replacements, topologies, nodes and cores.
 * The machine holds no data, so the test keeps for each line the number of the
 * last write and which write each place has (CPUs, LLC, DRAM), and follows the
 * moves that the machine reports. After every access the touched line must be
 * whole: every copy that may be read is the last write; if no CPU has it
 * modified the LLC's is too, and if the LLC's is not marked as newer, DRAM's.
 * All invariants of machine_check() at every 16th access, and at the end.
 *
 * KMS_SOAK=1: 2 * 10^7 accesses.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/hw_support.h"

#define MOST_LINES 96u
#define RUN_STEPS 2500u

static struct rig rig;
static struct values {
	u32 latest[MOST_LINES];
	u32 at[MOST_LINES][HW_AT_STORE]; /* the write that each place has */
	u64 moves[4];			 /* CPU to CPU, to LLC, to DRAM, a store's own */
} values;

static struct {
	u64 accesses, transfers, upgrades, recalls, dram_writes, exclusive_hits;
	u32 configs[3][4], states[6], merges;
} seen;

static void moved(void *arg, u64 line, u32 from, u32 to)
{
	struct values *v = arg;
	u32 *at = v->at[line];

	v->moves[from == HW_AT_STORE ? 3 : to < HW_AT_LLC ? 0 : to - HW_AT_LLC + 1]++;
	if (from != HW_AT_STORE) {
		at[to] = at[from];
		return;
	}
	/* a word is written into a line whose other words must be the last ones; its own number follows */
	if (at[to] != v->latest[line] && at[to] != v->latest[line] + 1)
		fail_msg("line %llu: a store goes to a place that has write %u, the last is %u",
			 (unsigned long long)line, at[to], v->latest[line]);
	at[to] = v->latest[line] + 1;
}

/* ---- configurations ---- */

static u32 pick(u64 *random, u32 n)
{
	return rig_random(random) % n;
}

static struct cache_config random_cache(u64 *random, u32 lines, u32 cycles)
{
	const u32 all[] = { HW_LRU, HW_TREE_PLRU, HW_RANDOM, HW_SRRIP, HW_BRRIP };
	u32 ways = 1u << pick(random, 3);

	if (ways > lines)
		ways = lines;
	return rig_cache((u64)lines * 64, ways, cycles, all[pick(random, 5)]);
}

/* Levels that go around must be the first ones; the rest is free. */
static void random_writes(struct machine_config *c, u64 *random)
{
	struct cache_config *level[] = { &c->l1d, &c->l2, &c->l3, &c->llc };
	u32 around = pick(random, 3) ? 0 : pick(random, 5);

	for (u32 i = 0; i < 4; i++) {
		level[i]->write = !pick(random, 4);
		level[i]->write_miss = i < around;
	}
}

static void random_llc(struct machine_config *c, u64 *random, u32 private_lines)
{
	static struct llc_partition halves[2];
	u32 kind = pick(random, 4);

	c->llc = random_cache(random, private_lines * (kind == HW_INCLUSIVE ? 2 : 1), 40);
	if (c->llc.ways == 1 && pick(random, 2))
		c->llc.ways = 2;
	c->llc.inclusion = kind < 3 ? kind : 0;
	if (kind == 3)
		c->llc.size_bytes = 0;
	if (c->llc.ways > 1 && !pick(random, 4)) {
		halves[0] = (struct llc_partition){ 0, c->cpus / 2, 1 };
		halves[1] = (struct llc_partition){ c->cpus / 2, c->cpus - c->cpus / 2, 2 };
		c->llc.partition = (struct cfg_array){ halves, 2 };
	}
}

static struct machine_config random_config(u64 *random, u32 *lines)
{
	static struct node_config nodes[2];
	static const u32 cpus[] = { 2, 8, 16, 33, 64 };
	struct machine_config c = rig_config(cpus[pick(random, 5)]);
	u32 levels = 1 + pick(random, 3), last = 2;

	*lines = 8 + pick(random, MOST_LINES / 2 - 8) * 2;
	c.l1d = random_cache(random, 2, 4);
	c.l2.size_bytes = c.l3.size_bytes = 0;
	if (levels > 1)
		c.l2 = random_cache(random, last *= 2, 12);
	if (levels > 2)
		c.l3 = random_cache(random, last *= 2, 20);
	random_llc(&c, random, last);
	random_writes(&c, random);
	c.core.model = pick(random, 2);
	c.core.width = 4;
	c.core.rob = 32;
	c.core.store_buffer = 4;
	c.coherence.protocol = pick(random, PROTOCOL_KINDS);
	c.interconnect.topology = pick(random, 3);
	c.interconnect.stop_ns = 2;
	c.interconnect.inject_ns = 1;
	c.interconnect.flit_ns = pick(random, 2);
	if (!pick(random, 3)) {
		nodes[0] = (struct node_config){ *lines / 2 * 64, c.cpus / 2 };
		nodes[1] = (struct node_config){ *lines / 2 * 64, c.cpus - c.cpus / 2 };
		c.memory.nodes = (struct cfg_array){ nodes, 2 };
	}
	return c;
}

/* ---- a run ---- */

static void stale(u64 line, const char *what, u32 found)
{
	fail_msg("line %llu: %s has write %u, the last is %u", (unsigned long long)line, what, found,
		 values.latest[line]);
}

static void check_line(const struct machine *m, u64 line)
{
	int entry = llc_find(m, hw_home(m, line), line);
	u32 latest = values.latest[line], *at = values.at[line];
	bool dirty = false, newer = entry >= 0 && m->llc.entries[entry] & LLC_DIRTY;

	for (u32 cpu = 0; cpu < m->nr_cpus; cpu++) {
		enum hw_state state = private_state(&m->cpus[cpu], line);

		seen.states[state]++;
		dirty |= hw_dirty(state);
		if (state != HW_I && at[cpu] != latest)
			stale(line, "a CPU", at[cpu]);
	}
	if (dirty)
		return;
	if (entry >= 0 && at[HW_AT_LLC] != latest)
		stale(line, "the LLC", at[HW_AT_LLC]);
	if (!newer && at[HW_AT_DRAM] != latest)
		stale(line, "DRAM", at[HW_AT_DRAM]);
}

static void step(u64 *random, u32 cpus, u32 lines)
{
	static const enum sim_access kinds[] = { SIM_READ, SIM_READ, SIM_READ, SIM_READ, SIM_WRITE,
						 SIM_WRITE, SIM_WRITE, SIM_ATOMIC, SIM_ATOMIC_LOCAL,
						 SIM_PREFETCHW };
	u32 cpu = pick(random, pick(random, 4) ? cpus : 2), kind = kinds[pick(random, 10)];
	u64 line = pick(random, pick(random, 3) ? lines : 4);

	rig_touch(&rig, cpu, LINE(line), kind);
	if (kind != SIM_READ) {
		values.latest[line]++;
		values.at[line][cpu] = values.latest[line];
	}
	check_line(rig.machine, line);
}

static void count(const struct machine *m)
{
	struct hw_stats s;

	machine_stats(m, -1, &s);
	seen.transfers += s.cache_to_cache;
	seen.upgrades += s.upgrades;
	seen.recalls += s.back_invalidations;
	seen.dram_writes += s.dram_writes;
	seen.exclusive_hits += m->has_llc && m->inclusion == HW_EXCLUSIVE ? s.llc_hits : 0;
	seen.configs[m->protocol][m->has_llc ? m->inclusion : 3]++;
}

static void one_run(u64 seed)
{
	u64 random = seed * 7919 + 1;
	u32 lines;
	struct machine_config config = random_config(&random, &lines);

	rig_open(&rig, &config, seed);
	memset(&values, 0, sizeof(values));
	rig.machine->moved = moved;
	rig.machine->moved_arg = &values;
	rig.shortcut = pick(&random, 2);
	for (u32 i = 0; i < RUN_STEPS; i++) {
		step(&random, rig.nr_cpus, lines);
		if (i % 16 == 0)
			rig_check(&rig);
	}
	for (u32 i = 0; i < rig.nr_cpus; i++)
		machine_drain(&rig.cpus[i]);
	rig_check(&rig);
	for (u32 i = 0; i < rig.nr_cpus; i++)
		assert_int_equal(rig_parts_sum(&rig.cpus[i]), rig.cpus[i].clock - rig.cpus[i].idle);
	seen.accesses += RUN_STEPS;
	count(rig.machine);
	rig_close(&rig);
}

static void every_mode(void **state)
{
	u64 runs = getenv("KMS_SOAK") ? 20000000 / RUN_STEPS : 400;

	for (u64 seed = 1; seed <= runs; seed++)
		one_run(seed);
	printf("%llu accesses, %llu lines from other CPUs, %llu upgrades, %llu recalls, %llu writes to "
	       "DRAM\n",
	       (unsigned long long)seen.accesses, (unsigned long long)seen.transfers,
	       (unsigned long long)seen.upgrades, (unsigned long long)seen.recalls,
	       (unsigned long long)seen.dram_writes);
}

/* The runs have been where they should. */
static void all_was_there(void **state)
{
	for (u32 protocol = 0; protocol < 3; protocol++)
		for (u32 kind = 0; kind < 4; kind++)
			assert_true(seen.configs[protocol][kind] > 5);
	for (u32 s = 0; s < 6; s++)
		assert_true(seen.states[s] > 100);
	assert_true(seen.transfers && seen.upgrades && seen.recalls && seen.dram_writes &&
		    seen.exclusive_hits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mode), cmocka_unit_test(all_was_there),
	};

	return cmocka_run_group_tests_name("machine_random", tests, NULL, NULL);
}
