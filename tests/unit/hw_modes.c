/*
 * hw_modes.c - the machine's modes: kinds of LLC, protocols, ways of writing, levels, distances.
 *
 * Numbers of the rig, in ns: L1 hit 1; look-ups L1 4, L2 8 more, LLC 18 more;
 * directory 2, hop 6; cache-to-cache 40, invalidation 20, upgrade 10, write-back
 * 5; DRAM 54 (closed row) or 40 (open). L1: 8 sets of 2; L2: 16 sets of 4; LLC:
 * 128 sets of 8.
 */
#include "tests/unit/hw_support.h"

static struct rig rig;

static struct hw_stats stats(void)
{
	struct hw_stats s;

	machine_stats(rig.machine, -1, &s);
	return s;
}

/* What a touch takes, in ns, and what of it in a part. */
static u64 took(u32 cpu, u64 line, enum sim_access kind)
{
	kms_ps before;

	rig_take_turns(&rig, cpu);
	before = rig.cpus[cpu].clock;
	rig_touch(&rig, cpu, LINE(line), kind);
	rig_check(&rig);
	return (rig.cpus[cpu].clock - before) / NS;
}

static u64 took_in(enum rt_part part, u32 cpu, u64 line, enum sim_access kind)
{
	kms_ps before = rig.cpus[cpu].part[part];

	rig_touch(&rig, cpu, LINE(line), kind);
	rig_check(&rig);
	return (rig.cpus[cpu].part[part] - before) / NS;
}

static bool in_llc(u64 line)
{
	return llc_find(rig.machine, 0, line) >= 0;
}

static enum hw_state state(u32 cpu, u64 line)
{
	return private_state(&rig.machine->cpus[cpu], line);
}

/* Lines that share an L2 set: the fifth pushes the first out. */
static void push_out_of_l2(u32 cpu, u64 line)
{
	for (u64 i = 1; i <= 4; i++)
		rig_touch(&rig, cpu, LINE(line + 16 * i), SIM_READ);
}

/* The eight lines after it that share its LLC set. */
static void push_out_of_llc(u32 cpu, u64 line)
{
	for (u64 i = 1; i <= 8; i++)
		rig_touch(&rig, cpu, LINE(line + 128 * i), SIM_READ);
}

/* ---- the LLC ---- */

static void open_llc(enum hw_inclusion inclusion, u32 protocol)
{
	struct machine_config config = rig_config(4);

	config.llc.inclusion = inclusion;
	config.coherence.protocol = protocol;
	rig_open(&rig, &config, 0);
}

static void llc_throws_out(enum hw_inclusion inclusion, u64 then)
{
	open_llc(inclusion, PROTOCOL_MESI);
	took(0, 0, SIM_WRITE);
	push_out_of_llc(1, 0);
	assert_int_equal(took(0, 0, SIM_WRITE), then);
	rig_close(&rig);
}

/* The LLC needs room for what CPU 0 has: inclusive, CPU 0 loses it. */
static void what_the_llc_throws_out(void **unused)
{
	llc_throws_out(HW_INCLUSIVE, 4 + 8 + 18 + 6 + 2 + 40); /* its write has left the row open */
	llc_throws_out(HW_NON_INCLUSIVE, 1);
	llc_throws_out(HW_EXCLUSIVE, 1);
}

static void exclusive_is_a_victim_cache(void **unused)
{
	open_llc(HW_EXCLUSIVE, PROTOCOL_MESI);
	assert_int_equal(took(0, 0, SIM_WRITE), 4 + 8 + 18 + 6 + 2 + 54);
	assert_false(in_llc(0));
	push_out_of_l2(0, 0);
	assert_true(in_llc(0));
	assert_int_equal(stats().dram_writes, 0);
	assert_int_equal(took(1, 0, SIM_READ), 4 + 8 + 18 + 6 + 2);
	assert_false(in_llc(0));
	assert_int_equal(state(1, 0), HW_M); /* nobody else has the newer data now */
	took(2, 0, SIM_READ);
	assert_int_equal(stats().dram_writes, 1); /* MESI: none of the sharers may keep them */
	push_out_of_l2(1, 0);
	assert_false(in_llc(0)); /* CPU 2 still has it */
	push_out_of_l2(2, 0);
	assert_true(in_llc(0));
	rig_close(&rig);
}

/* So many lines over and over, with one set of 4 ways in L2 and one of 8 in the LLC: misses. */
static u64 misses_in_a_loop(enum hw_inclusion inclusion, u32 lines)
{
	struct machine_config config = rig_config(1);
	u64 misses = 0;

	config.l1d = rig_cache(128, 2, 4, HW_LRU);
	config.l2 = rig_cache(256, 4, 12, HW_LRU);
	config.llc = rig_cache(512, 8, 30, HW_LRU);
	config.llc.inclusion = inclusion;
	rig_open(&rig, &config, 0);
	for (u32 round = 0; round < 4; round++) {
		misses = stats().llc_misses;
		for (u32 i = 0; i < lines; i++)
			took(0, i, SIM_READ);
	}
	misses = stats().llc_misses - misses;
	rig_close(&rig);
	return misses;
}

static void capacities(void **unused)
{
	assert_int_equal(misses_in_a_loop(HW_INCLUSIVE, 8), 0);
	assert_int_equal(misses_in_a_loop(HW_INCLUSIVE, 9), 9);
	assert_int_equal(misses_in_a_loop(HW_NON_INCLUSIVE, 8), 0);
	assert_int_equal(misses_in_a_loop(HW_NON_INCLUSIVE, 9), 9);
	assert_int_equal(misses_in_a_loop(HW_EXCLUSIVE, 8 + 4), 0);
	assert_int_equal(misses_in_a_loop(HW_EXCLUSIVE, 8 + 5), 8 + 5);
}

static void no_llc(void **unused)
{
	struct machine_config config = rig_config(2);

	config.llc.size_bytes = 0;
	rig_open(&rig, &config, 0);
	assert_int_equal(took(0, 0, SIM_WRITE), 4 + 8 + 6 + 2 + 54);
	assert_int_equal(took(1, 0, SIM_WRITE), 4 + 8 + 6 + 2 + 40);
	push_out_of_l2(1, 0);
	assert_int_equal(stats().dram_writes, 1);
	assert_int_equal(stats().cache_to_cache, 1);
	rig_close(&rig);
}

static void partition(void **unused)
{
	struct llc_partition one = { 0, 1, 0x3 };
	struct machine_config config = rig_config(2);

	config.llc.partition = (struct cfg_array){ &one, 1 };
	rig_open(&rig, &config, 0);
	for (u64 i = 0; i < 6; i++)
		rig_touch(&rig, 1, LINE(128 * i), SIM_READ); /* ways 0 to 5 of set 0 */
	for (u64 i = 10; i < 20; i++)
		rig_touch(&rig, 0, LINE(128 * i), SIM_READ); /* the first two of them */
	rig_check(&rig);
	for (u64 i = 2; i < 6; i++)
		assert_true(in_llc(128 * i));
	assert_true(in_llc(128 * 18) && in_llc(128 * 19));
	assert_false(in_llc(0) || in_llc(128) || in_llc(128 * 17));
	assert_int_equal(took(0, 256, SIM_READ), 4 + 8 + 18 + 6 + 2 + 40); /* hits from any way: owned */
	rig_close(&rig);
}

/* ---- protocols ---- */

/* CPU 0 writes; 1 and 2 read; what the last read takes, and DRAM writes so far. */
static void three_share(u32 protocol, const char *states, u64 last, u64 writes)
{
	struct machine_config config = rig_config(4);
	char found[4] = "";

	config.coherence.protocol = protocol;
	config.llc.size_bytes = 0;
	rig_open(&rig, &config, 0);
	took(0, 0, SIM_WRITE);
	assert_int_equal(took(1, 0, SIM_READ), 4 + 8 + 6 + 2 + 40);
	rig.cpus[0].clock += 1000 * NS; /* the write to DRAM is over */
	rig.cpus[0].idle += 1000 * NS;
	assert_int_equal(took(2, 0, SIM_READ), last);
	for (u32 cpu = 0; cpu < 3; cpu++)
		found[cpu] = protocol_letter((enum protocol_state)state(cpu, 0));
	assert_string_equal(found, states);
	assert_int_equal(stats().dram_writes, writes);
	assert_int_equal(took(1, 0, SIM_WRITE), 4 + 6 + 2 + 10 + 20);
	assert_int_equal(state(1, 0), HW_M);
	assert_int_equal(state(0, 0) | state(2, 0), HW_I);
	rig_close(&rig);
}

static void protocols(void **unused)
{
	three_share(PROTOCOL_MESI, "SSS", 4 + 8 + 6 + 2 + 40, 1);  /* DRAM, its row still open */
	three_share(PROTOCOL_MESIF, "SSF", 4 + 8 + 6 + 2 + 40, 1); /* CPU 1 forwards */
	three_share(PROTOCOL_MOESI, "OSS", 4 + 8 + 6 + 2 + 40, 0); /* CPU 0 still owns it */
}

static void who_supplies(void **unused)
{
	static const u64 transfers[] = { 1, 2, 2 }, reads[] = { 2, 1, 1 };

	for (u32 protocol = 0; protocol < PROTOCOL_KINDS; protocol++) {
		struct machine_config config = rig_config(4);

		config.coherence.protocol = protocol;
		config.llc.size_bytes = 0;
		rig_open(&rig, &config, 0);
		took(0, 0, SIM_WRITE);
		took(1, 0, SIM_READ);
		took(2, 0, SIM_READ);
		assert_int_equal(stats().cache_to_cache, transfers[protocol]);
		assert_int_equal(stats().dram_reads, reads[protocol]);
		rig_close(&rig);
	}
}

/* MOESI: the owner gives the line up, its data go down, the sharers stay. */
static void an_owner_leaves(void **unused)
{
	open_llc(HW_NON_INCLUSIVE, PROTOCOL_MOESI);
	took(0, 0, SIM_WRITE);
	took(1, 0, SIM_READ);
	assert_int_equal(state(0, 0), HW_O);
	push_out_of_l2(0, 0);
	assert_int_equal(state(0, 0), HW_I);
	assert_int_equal(state(1, 0), HW_S);
	assert_true(rig.machine->llc.entries[llc_find(rig.machine, 0, 0)] & LLC_DIRTY);
	assert_int_equal(took(2, 0, SIM_READ), 4 + 8 + 18 + 6 + 2); /* from the LLC now */
	rig_close(&rig);
}

/* Data from the owner and invalidations are under way at once: the later counts. */
static void write_to_owned_and_shared(void **unused)
{
	open_llc(HW_INCLUSIVE, PROTOCOL_MOESI);
	took(0, 0, SIM_WRITE);
	took(1, 0, SIM_READ);
	assert_int_equal(took(2, 0, SIM_WRITE), 4 + 8 + 18 + 6 + 2 + 40);
	assert_int_equal(stats().invalidations, 2);
	rig_close(&rig);
}

/* ---- ways of writing ---- */

static void open_writes(u32 l1, u32 l2, u32 llc, u32 l1_miss)
{
	struct machine_config config = rig_config(2);

	config.l1d.write = l1;
	config.l2.write = l2;
	config.llc.write = llc;
	config.l1d.write_miss = l1_miss;
	rig_open(&rig, &config, 0);
}

static void write_through(void **unused)
{
	open_writes(HW_WRITE_THROUGH, HW_WRITE_BACK, HW_WRITE_BACK, HW_WRITE_ALLOCATE);
	took(0, 0, SIM_READ);
	assert_int_equal(took(0, 0, SIM_WRITE), 1 + 8); /* to L2, every time */
	assert_int_equal(took(0, 0, SIM_WRITE), 1 + 8);
	assert_int_equal(took(0, 0, SIM_READ), 1);
	assert_int_equal(hw_fast_hits(&rig.cpus[0]), 1); /* the read */
	push_out_of_l2(0, 0);
	assert_int_equal(stats().write_backs, 1);
	rig_close(&rig);

	open_writes(HW_WRITE_THROUGH, HW_WRITE_THROUGH, HW_WRITE_BACK, HW_WRITE_ALLOCATE);
	took(0, 0, SIM_READ);
	assert_int_equal(took(0, 0, SIM_WRITE), 1 + 8 + 6 + 18);
	assert_int_equal(stats().dram_writes, 0);
	assert_int_equal(state(0, 0), HW_E); /* the LLC has what it wrote */
	push_out_of_l2(0, 0);
	assert_int_equal(stats().write_backs, 0);
	rig_close(&rig);

	open_writes(HW_WRITE_THROUGH, HW_WRITE_THROUGH, HW_WRITE_THROUGH, HW_WRITE_ALLOCATE);
	took(0, 0, SIM_READ);
	for (u32 i = 1; i < 4; i++) {
		took(0, 0, SIM_WRITE);
		assert_int_equal(stats().dram_writes, i);
	}
	rig_close(&rig);
}

static void write_around(void **unused)
{
	const struct cache *l1;

	open_writes(HW_WRITE_BACK, HW_WRITE_BACK, HW_WRITE_BACK, HW_WRITE_AROUND);
	l1 = &rig.machine->cpus[0].l1;
	took(0, 0, SIM_WRITE);
	assert_int_equal(state(0, 0), HW_M); /* in L2 */
	assert_int_equal(cache_find(l1, 0, 0), -1);
	assert_int_equal(took(0, 0, SIM_WRITE), 4 + 8);
	took(0, 0, SIM_READ);
	assert_int_equal(took(0, 0, SIM_WRITE), 1);
	took(0, 1, SIM_ATOMIC); /* has to have the line */
	assert_true(cache_find(l1, cache_set_of(l1, 1), 1) >= 0);
	rig_close(&rig);
}

/* A store that no level takes: others lose the line, their newer data first. */
static void write_around_everything(void **unused)
{
	struct machine_config config = rig_config(2);

	config.l1d.write_miss = config.l2.write_miss = config.llc.write_miss = HW_WRITE_AROUND;
	rig_open(&rig, &config, 0);
	took(0, 0, SIM_WRITE);
	assert_false(in_llc(0));
	assert_int_equal(stats().dram_writes, 1);
	assert_int_equal(stats().dram_reads, 0);
	took(1, 0, SIM_READ);
	took(1, 0, SIM_WRITE); /* a hit */
	assert_int_equal(state(1, 0), HW_M);
	took(0, 0, SIM_WRITE);
	assert_int_equal(state(1, 0), HW_I);
	assert_true(rig.machine->llc.entries[llc_find(rig.machine, 0, 0)] & LLC_DIRTY);
	rig_close(&rig);
}

/* ---- levels ---- */

static void one_level(void **unused)
{
	struct machine_config config = rig_config(2);

	config.l2.size_bytes = 0;
	rig_open(&rig, &config, 0);
	assert_int_equal(took(0, 0, SIM_WRITE), 4 + 26 + 6 + 2 + 54); /* the LLC is 30 from the core */
	assert_int_equal(took(1, 0, SIM_READ), 4 + 26 + 6 + 2 + 40);
	assert_int_equal(took(1, 0, SIM_WRITE), 4 + 6 + 2 + 10 + 20);
	assert_int_equal(took(1, 0, SIM_WRITE), 1);
	rig_close(&rig);
}

static void three_levels(void **unused)
{
	struct machine_config config = rig_config(2);

	config.l3 = rig_cache(8192, 8, 20, HW_SRRIP); /* 16 sets */
	rig_open(&rig, &config, 0);
	took(0, 0, SIM_WRITE);
	for (u64 i = 1; i <= 4; i++)
		rig_touch(&rig, 0, LINE(16 * i), SIM_READ);
	assert_int_equal(state(0, 0), HW_M); /* only L3 has it now */
	assert_int_equal(took(0, 0, SIM_READ), 4 + 8 + 8);
	assert_int_equal(stats().l3_hits, 1);
	assert_int_equal(stats().l3_misses, 5);
	assert_int_equal(stats().write_backs, 0);
	rig_close(&rig);
}

/* ---- distances ---- */

static void open_net(u64 cpus, u32 topology, double flit)
{
	struct machine_config config = rig_config(cpus);

	config.interconnect.topology = topology;
	config.interconnect.stop_ns = 2;
	config.interconnect.inject_ns = 1;
	config.interconnect.flit_ns = flit;
	rig_open(&rig, &config, 0);
}

/* To a slice h stops away and back: 2 * (1 + 2 h). On a ring of 4, h is 0, 1, 2 or 1. */
static void ring_distances(void **unused)
{
	u32 seen[3] = { 0 };

	open_net(4, HW_RING, 0);
	for (u64 line = 0; line < 400; line++) {
		u64 ns = took_in(PART_INTERCONNECT, 0, line, SIM_READ);

		assert_true(ns == 2 || ns == 6 || ns == 10);
		seen[ns / 4]++;
	}
	assert_in_range(seen[0], 70, 130);
	assert_in_range(seen[1], 150, 250);
	assert_in_range(seen[2], 70, 130);
	rig_close(&rig);
}

/* 4 by 4: the farthest corner is 6 stops away. */
static void mesh_distances(void **unused)
{
	u64 least = ~0ull, most = 0;

	open_net(16, HW_MESH, 0);
	for (u64 line = 0; line < 400; line++) {
		u64 ns = took_in(PART_INTERCONNECT, 0, line, SIM_READ);

		least = ns < least ? ns : least;
		most = ns > most ? ns : most;
	}
	assert_int_equal(least, 2);
	assert_int_equal(most, 2 * (1 + 6 * 2));
	rig_close(&rig);
}

/* Home to owner to requester: the sum depends on who they are, each leg 1 + 2 h. */
static void by_way_of_the_owner(void **unused)
{
	u64 near, far;

	open_net(8, HW_RING, 0);
	for (u64 line = 0; line < 20; line++) {
		u64 request = took_in(PART_INTERCONNECT, 0, line, SIM_WRITE) / 2;

		near = took_in(PART_INTERCONNECT, 1, line, SIM_WRITE); /* from CPU 0 */
		assert_true(near >= 3 + 2 && near <= 3 + 2 * (4 + 4 + 1));
		far = took_in(PART_INTERCONNECT, 0, line, SIM_WRITE);
		assert_true(far > request);
		assert_int_equal(far % 2, 1); /* three messages */
	}
	rig_close(&rig);
}

/* The line is busy until the home hears that it is there: a second reader waits. */
static void a_busy_line(void **unused)
{
	kms_ps start;

	open_net(4, HW_RING, 0);
	rig_touch(&rig, 0, LINE(0), SIM_READ);
	start = rig.cpus[1].clock = 0;
	machine_access(&rig.cpus[1], 0, 8, SIM_READ); /* at the same time, without taking turns */
	assert_true(rig.cpus[1].clock - start > rig.cpus[0].clock);
	assert_true(rig.cpus[1].part[PART_COHERENCE] > (40 + 2) * NS);
	rig_check(&rig);
	rig_close(&rig);
}

/* Data keep a link busy for 5 flits: of two answers that need it at once one waits. */
static u64 two_answers(double flit)
{
	kms_ps latest = 0;

	open_net(8, HW_RING, flit);
	for (u32 cpu = 0; cpu < 8; cpu++)
		rig_touch(&rig, cpu, LINE(0), SIM_READ);
	for (u32 cpu = 0; cpu < 8; cpu++)
		rig.cpus[cpu].clock = 100000 * NS;
	for (u32 cpu = 0; cpu < 8; cpu++)
		for (u64 line = 1; line < 9; line++)
			machine_access(&rig.cpus[cpu], LINE(line), 8, SIM_READ);
	for (u32 cpu = 0; cpu < 8; cpu++)
		latest = rig.cpus[cpu].part[PART_INTERCONNECT] > latest ?
				 rig.cpus[cpu].part[PART_INTERCONNECT] : latest;
	rig_check(&rig);
	rig_close(&rig);
	return latest / NS;
}

static void busy_links(void **unused)
{
	assert_true(two_answers(20) > two_answers(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_llc_throws_out),
		cmocka_unit_test(exclusive_is_a_victim_cache),
		cmocka_unit_test(capacities),
		cmocka_unit_test(no_llc),
		cmocka_unit_test(partition),
		cmocka_unit_test(protocols),
		cmocka_unit_test(who_supplies),
		cmocka_unit_test(an_owner_leaves),
		cmocka_unit_test(write_to_owned_and_shared),
		cmocka_unit_test(write_through),
		cmocka_unit_test(write_around),
		cmocka_unit_test(write_around_everything),
		cmocka_unit_test(one_level),
		cmocka_unit_test(three_levels),
		cmocka_unit_test(ring_distances),
		cmocka_unit_test(mesh_distances),
		cmocka_unit_test(by_way_of_the_owner),
		cmocka_unit_test(a_busy_line),
		cmocka_unit_test(busy_links),
	};

	return cmocka_run_group_tests_name("hw_modes", tests, NULL, NULL);
}
