/*
 * hw_mesi.c - the coherence protocol: every transition of the stable states,
 * and random accesses with all invariants checked after every step.
 */
#include "tests/unit/hw_mesi_table.h"
#include "tests/unit/hw_support.h"

/* Caches of one line each, so that a CPU evicts a line by reading another. */
static struct machine_config one_line_config(void)
{
	struct machine_config config = rig_config(3);

	config.l1d = rig_cache(64, 1, 4, HW_LRU);
	config.l2 = rig_cache(64, 1, 12, HW_LRU);
	return config;
}

static char state_of(const struct rig *rig, u32 cpu, u64 line)
{
	const struct hw_cpu *c = &rig->machine->cpus[cpu];
	u32 l1 = 0, l2 = 0;
	int way;

	way = cache_find(&c->l1, cache_set_of(&c->l1, line), line);
	if (way >= 0)
		l1 = cache_flags_of(*cache_entry(&c->l1, cache_set_of(&c->l1, line), (u32)way));
	way = cache_find(&c->l2, cache_set_of(&c->l2, line), line);
	if (way >= 0)
		l2 = cache_flags_of(*cache_entry(&c->l2, cache_set_of(&c->l2, line), (u32)way));
	return "ISEM"[l1 > l2 ? l1 : l2];
}

static void apply(struct rig *rig, u32 cpu, char op)
{
	if (op == 'X')
		rig_touch(rig, cpu, LINE(1 + cpu), SIM_READ);
	else
		rig_touch(rig, cpu, 0, op == 'R' ? SIM_READ : SIM_WRITE);
	rig_check(rig);
}

static void reach(struct rig *rig, const char *states)
{
	u32 sharers = 0, last = 0;

	for (u32 cpu = 0; cpu < 3; cpu++) {
		if (states[cpu] != 'I')
			apply(rig, cpu, states[cpu] == 'M' ? 'W' : 'R');
		if (states[cpu] == 'S')
			sharers++, last = cpu;
	}
	if (sharers == 1) {
		apply(rig, (last + 1) % 3, 'R');
		apply(rig, (last + 1) % 3, 'X');
	}
}

static void expect_states(const struct rig *rig, const char *states)
{
	char now[4] = { 0 };

	for (u32 cpu = 0; cpu < 3; cpu++)
		now[cpu] = state_of(rig, cpu, 0);
	assert_string_equal(now, states);
}

static void check_transition(const struct mesi_transition *t)
{
	struct machine_config config = one_line_config();
	bool had_it = t->from[t->cpu] != 'I';
	struct hw_stats before, after;
	struct rig rig;

	rig_open(&rig, &config, 0);
	reach(&rig, t->from);
	expect_states(&rig, t->from);
	machine_stats(rig.machine, -1, &before);
	apply(&rig, t->cpu, t->op);
	machine_stats(rig.machine, -1, &after);
	expect_states(&rig, t->to);
	assert_int_equal(after.upgrades - before.upgrades, t->upgrades);
	assert_int_equal(after.invalidations - before.invalidations, t->invalidations);
	assert_int_equal(after.write_backs - before.write_backs, t->write_backs);
	if (t->op == 'X' && had_it)
		assert_int_equal(after.evictions - before.evictions, t->evictions);
	if (t->op != 'X')
		assert_int_equal(after.l2_misses - before.l2_misses, t->fetches);
	rig_close(&rig);
}

static void every_transition(void **state)
{
	assert_int_equal(KMS_ARRAY_SIZE(mesi_transitions), 126);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(mesi_transitions); i++)
		check_transition(&mesi_transitions[i]);
}

/* Modified data reach the LLC when the owner keeps a copy, and move on when it loses it. */
static void where_dirty_data_go(void **state)
{
	struct machine_config config = one_line_config();
	struct rig rig;

	rig_open(&rig, &config, 0);
	apply(&rig, 0, 'W');
	apply(&rig, 1, 'W');
	assert_false(rig.machine->llc.entries[0] & LLC_DIRTY);
	apply(&rig, 0, 'R');
	assert_true(rig.machine->llc.entries[0] & LLC_DIRTY);
	rig_close(&rig);
}

/* ---- random accesses, all invariants after every step ---- */

static const enum sim_access kinds[] = { SIM_READ,	SIM_READ,	  SIM_READ,
					 SIM_READ,	SIM_WRITE,	  SIM_WRITE,
					 SIM_WRITE,	SIM_ATOMIC,	  SIM_ATOMIC_LOCAL,
					 SIM_PREFETCHW };

static void random_run(u64 cpus, u32 nodes, enum hw_replacement replacement, u32 lines, u32 steps)
{
	struct node_config node[4];
	struct machine_config config = rig_config(cpus);
	u64 random = cpus * 31 + lines;
	struct rig rig;

	config.l1d = rig_cache(256, 2, 4, replacement);
	config.l2 = rig_cache(512, 4, 12, replacement);
	config.llc = rig_cache(2048, 8, 30, replacement);
	for (u32 i = 0; i < nodes; i++)
		node[i] = (struct node_config){ lines / nodes * 64, cpus / nodes };
	if (nodes > 1)
		config.memory.nodes = (struct cfg_array){ node, nodes };
	rig_open(&rig, &config, cpus);
	for (u32 i = 0; i < steps; i++) {
		u32 cpu = rig_random(&random) % (u32)cpus;
		u64 off = rig_random(&random) % (lines * 64 - 8);

		rig_touch(&rig, cpu, off, kinds[rig_random(&random) % KMS_ARRAY_SIZE(kinds)]);
		rig_check(&rig);
	}
	for (u32 i = 0; i < rig.nr_cpus; i++)
		assert_int_equal(rig_parts_sum(&rig.cpus[i]),
				 rig.cpus[i].clock - rig.cpus[i].idle);
	rig_close(&rig);
}

static void random_few_lines(void **state)
{
	for (u64 cpus = 1; cpus <= 16; cpus++)
		random_run(cpus, 1, HW_LRU, 6, 3000);
}

static void random_many_lines(void **state)
{
	const u32 all[] = { HW_LRU, HW_TREE_PLRU, HW_RANDOM };

	for (u32 i = 0; i < 3; i++) {
		random_run(1, 1, all[i], 100, 2000);
		random_run(4, 1, all[i], 100, 4000);
		random_run(16, 1, all[i], 64, 3000);
	}
}

static void random_nodes_and_many_cpus(void **state)
{
	random_run(8, 2, HW_LRU, 64, 3000);
	random_run(16, 4, HW_TREE_PLRU, 128, 3000);
	random_run(130, 1, HW_LRU, 12, 600);
	random_run(256, 4, HW_LRU, 32, 600);
}

/* The checker itself: each kind of damage is seen. */
static void damage(struct rig *rig, u64 *word, u64 value)
{
	struct kms_error err = { 0 };
	u64 old = *word;

	rig_check(rig);
	*word = value;
	assert_int_equal(machine_check(rig->machine, &err), KMS_EFAIL);
	*word = old;
}

static void check_sees_damage(void **state)
{
	struct machine_config config = one_line_config();
	struct machine *m;
	struct rig rig;

	rig_open(&rig, &config, 0);
	m = rig.machine;
	apply(&rig, 0, 'W');
	apply(&rig, 1, 'X');
	damage(&rig, &m->cpus[0].l1.entries[0], 5ull << CACHE_FLAG_BITS | HW_M);
	damage(&rig, &m->cpus[0].l1.entries[0], HW_S);
	damage(&rig, &m->cpus[0].l2.entries[0], 0);
	damage(&rig, &m->cpus[0].l2.entries[0], HW_S);
	damage(&rig, &m->cpus[2].l2.entries[0], HW_M);
	damage(&rig, &m->llc.entries[0], 0);
	damage(&rig, &m->llc.entries[0], LLC_VALID);
	damage(&rig, &m->sharers[0], 0);
	damage(&rig, &m->sharers[0], 3);
	damage(&rig, &m->cpus[0].fast[0], 9 << 1);
	damage(&rig, &m->cpus[1].fast[0], 2 << 1 | 1);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_transition),  cmocka_unit_test(where_dirty_data_go),
		cmocka_unit_test(random_few_lines),  cmocka_unit_test(random_many_lines),
		cmocka_unit_test(check_sees_damage), cmocka_unit_test(random_nodes_and_many_cpus),
	};

	return cmocka_run_group_tests_name("hw_mesi", tests, NULL, NULL);
}
