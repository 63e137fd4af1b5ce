/*
 * hw_machine.c - what an access costs, part by part, worked out by hand.
 *
 * The rig's numbers, in ns: L1 hit 1; look-ups L1 4, L2 8 more, LLC 18 more;
 * directory 2, hop 6, other node 100 (50 each way); cache-to-cache 40,
 * invalidation 20, upgrade 10, write-back 5; DRAM 54 (closed row) or 40 (hit).
 * L1: 8 sets of 2; L2: 16 sets of 4; LLC: 128 sets of 8.
 */
#include "sim/engine/ram.h"
#include "tests/unit/hw_support.h"

struct parts {
	u64 exec, l1, l2, llc, coherence, interconnect, dram; /* ns */
};

/* Touch and compare what each part and the clock grew by. */
static void expect(struct rig *rig, u32 cpu, u64 off, enum sim_access kind, struct parts want)
{
	struct sim_cpu *sim = &rig->cpus[cpu], before = *sim;

	rig_touch(rig, cpu, off, kind);
	assert_int_equal(sim->part[PART_EXEC] - before.part[PART_EXEC], want.exec * NS);
	assert_int_equal(sim->part[PART_L1] - before.part[PART_L1], want.l1 * NS);
	assert_int_equal(sim->part[PART_L2] - before.part[PART_L2], want.l2 * NS);
	assert_int_equal(sim->part[PART_LLC] - before.part[PART_LLC], want.llc * NS);
	assert_int_equal(sim->part[PART_COHERENCE] - before.part[PART_COHERENCE],
			 want.coherence * NS);
	assert_int_equal(sim->part[PART_INTERCONNECT] - before.part[PART_INTERCONNECT],
			 want.interconnect * NS);
	assert_int_equal(sim->part[PART_DRAM] - before.part[PART_DRAM], want.dram * NS);
	assert_int_equal(sim->part[PART_TLB] + sim->part[PART_LOCK] + sim->part[PART_RECLAIM], 0);
	assert_int_equal(rig_parts_sum(sim), sim->clock - sim->idle);
	rig_check(rig);
}

#define EXPECT(cpu, line, kind, ...) \
	expect(&rig, cpu, LINE(line), kind, (struct parts){ __VA_ARGS__ })
#define HIT .l1 = 1
#define L2_HIT .l1 = 4, .l2 = 8
#define LLC_HIT .l1 = 4, .l2 = 8, .llc = 18, .interconnect = 6

static struct rig rig;

static int open_four(void **state)
{
	struct machine_config config = rig_config(4);

	rig_open(&rig, &config, 0);
	return 0;
}

static int close_rig(void **state)
{
	rig_close(&rig);
	return 0;
}

static struct hw_stats stats(int cpu)
{
	struct hw_stats s;

	machine_stats(rig.machine, cpu, &s);
	return s;
}

static void miss_then_hits(void **state)
{
	EXPECT(0, 0, SIM_READ, LLC_HIT, .coherence = 2, .dram = 54);
	EXPECT(0, 0, SIM_READ, HIT);
	EXPECT(0, 0, SIM_WRITE, HIT); /* E to M, silently */
	EXPECT(0, 0, SIM_WRITE, HIT);
	EXPECT(0, 2, SIM_READ, LLC_HIT, .coherence = 2, .dram = 40); /* same DRAM row */
	EXPECT(0, 8, SIM_READ, LLC_HIT, .coherence = 2, .dram = 40);
	EXPECT(0, 16, SIM_READ, LLC_HIT, .coherence = 2, .dram = 40);
	EXPECT(0, 0, SIM_READ, L2_HIT); /* 8 and 16 pushed it out of L1 */
	EXPECT(0, 0, SIM_WRITE, HIT);	/* still M */
	assert_int_equal(stats(0).l1_hits, 4);
	assert_int_equal(stats(0).l1_misses, 5);
	assert_int_equal(stats(0).l2_hits, 1);
	assert_int_equal(stats(0).llc_misses, 4);
	assert_int_equal(stats(0).row_misses, 1);
	assert_int_equal(stats(0).row_hits, 3);
	assert_int_equal(stats(0).reads, 6);
	assert_int_equal(stats(0).writes, 3);
	assert_int_equal(hw_fast_hits(&rig.cpus[0]), 3); /* not E to M */
	assert_int_equal(rig.cpus[0].fast_hits[SIM_WRITE], 2);
	assert_int_equal(stats(1).l1_misses, 0);
	assert_int_equal(stats(-1).l1_misses, 5);
}

static void cache_to_cache(void **state)
{
	EXPECT(0, 0, SIM_WRITE, LLC_HIT, .coherence = 2, .dram = 54);
	EXPECT(1, 0, SIM_READ, LLC_HIT, .coherence = 2 + 40);
	EXPECT(2, 0, SIM_READ, LLC_HIT, .coherence = 2); /* shared: from the LLC */
	EXPECT(0, 0, SIM_READ, HIT);
	EXPECT(1, 0, SIM_WRITE, .l1 = 4, .interconnect = 6, .coherence = 2 + 10 + 20);
	EXPECT(1, 0, SIM_WRITE, HIT);
	EXPECT(2, 0, SIM_WRITE, LLC_HIT, .coherence = 2 + 40);
	assert_int_equal(stats(-1).cache_to_cache, 2);
	assert_int_equal(stats(-1).invalidations, 3);
	assert_int_equal(stats(1).upgrades, 1);
}

static void write_to_shared(void **state)
{
	EXPECT(0, 0, SIM_READ, LLC_HIT, .coherence = 2, .dram = 54);
	EXPECT(1, 0, SIM_READ, LLC_HIT, .coherence = 2 + 40); /* E: the directory has to ask */
	EXPECT(2, 0, SIM_WRITE, LLC_HIT, .coherence = 2 + 20);
	assert_int_equal(stats(2).invalidations, 2);
	assert_int_equal(stats(2).upgrades, 0);
}

static void upgrades(void **state)
{
	EXPECT(0, 0, SIM_READ, LLC_HIT, .coherence = 2, .dram = 54);
	EXPECT(1, 0, SIM_READ, LLC_HIT, .coherence = 2 + 40);
	/* push it out of cpu 1's L2 altogether: nobody else shares it any more */
	for (u64 i = 1; i <= 4; i++)
		rig_touch(&rig, 1, LINE(16 * i), SIM_READ);
	EXPECT(0, 0, SIM_WRITE, .l1 = 4, .interconnect = 6, .coherence = 2 + 10);
	/* shared again, and then only in cpu 0's L2 */
	EXPECT(1, 0, SIM_READ, LLC_HIT, .coherence = 2 + 40);
	rig_touch(&rig, 0, LINE(8), SIM_READ);
	rig_touch(&rig, 0, LINE(24), SIM_READ);
	EXPECT(0, 0, SIM_WRITE, L2_HIT, .interconnect = 6, .coherence = 2 + 10 + 20);
	EXPECT(0, 0, SIM_WRITE, HIT);
}

static void write_back(void **state)
{
	rig_touch(&rig, 0, LINE(0), SIM_WRITE);
	for (u64 i = 1; i <= 3; i++)
		rig_touch(&rig, 0, LINE(16 * i), SIM_READ);
	EXPECT(0, 64, SIM_READ, LLC_HIT, .coherence = 2 + 5, .dram = 40); /* 0 leaves, dirty */
	EXPECT(0, 80, SIM_READ, LLC_HIT, .coherence = 2, .dram = 40);	  /* 16 leaves, clean */
	EXPECT(0, 0, SIM_READ, LLC_HIT, .coherence = 2);		  /* no DRAM: in the LLC */
	assert_int_equal(stats(0).write_backs, 1);
	assert_int_equal(stats(0).evictions, 3);
	assert_int_equal(stats(0).dram_writes, 0);
}

/* Lines k * 128 share an LLC set. CPU 1's eighth pushes out the one that CPU 0 holds modified. */
static void back_invalidation(void **state)
{
	rig_touch(&rig, 0, LINE(0), SIM_WRITE);
	for (u64 i = 1; i <= 7; i++)
		rig_touch(&rig, 1, LINE(128 * i), SIM_READ);
	/* row 0 of bank 4 is closed: 54, and the victim's write goes to bank 0 behind our back */
	EXPECT(1, 1024, SIM_READ, LLC_HIT, .coherence = 2 + 20 + 5, .dram = 54);
	assert_int_equal(stats(1).back_invalidations, 1);
	assert_int_equal(stats(1).llc_evictions, 1);
	assert_int_equal(stats(1).dram_writes, 1);
	rig.cpus[0].clock += 10000 * NS; /* the write is over, its row still open */
	rig.cpus[0].idle += 10000 * NS;
	EXPECT(0, 0, SIM_READ, LLC_HIT, .coherence = 2, .dram = 40);
}

/* The LLC's recency follows what reaches it: 0 is used again, so 128 makes room for 1024. */
static void llc_recency(void **state)
{
	for (u64 i = 0; i < 8; i++)
		rig_touch(&rig, 0, LINE(128 * i), SIM_READ);
	rig_touch(&rig, 1, LINE(0), SIM_READ);
	rig_touch(&rig, 2, LINE(1024), SIM_READ);
	assert_int_equal(stats(2).llc_evictions, 1);
	rig_touch(&rig, 3, LINE(0), SIM_READ);
	assert_int_equal(stats(3).llc_misses, 0);
	rig_touch(&rig, 3, LINE(128), SIM_READ);
	assert_int_equal(stats(3).llc_misses, 1);
}

static void atomics(void **state)
{
	EXPECT(0, 0, SIM_ATOMIC, LLC_HIT, .exec = 18, .coherence = 2, .dram = 54);
	EXPECT(0, 0, SIM_ATOMIC, HIT, .exec = 18);
	EXPECT(0, 0, SIM_ATOMIC_LOCAL, HIT, .exec = 8);
	EXPECT(0, 0, SIM_WRITE, HIT);
	EXPECT(1, 0, SIM_ATOMIC, LLC_HIT, .exec = 18, .coherence = 2 + 40);
	assert_int_equal(stats(0).atomics, 3);
	assert_int_equal(stats(1).atomics, 1);
}

static void idle(u32 cpu, u64 ns)
{
	rig.cpus[cpu].clock += ns * NS;
	rig.cpus[cpu].idle += ns * NS;
}

/*
 * Takes the line, moves everybody's state, but the CPU goes on after one look-up. The line is
 * there 92 ns later: 4 + 8 + 18 + 6 + 2 + 54.
 */
static void prefetch(void **state)
{
	EXPECT(0, 0, SIM_PREFETCHW, .l1 = 1);
	idle(0, 60);
	EXPECT(0, 0, SIM_WRITE, .l1 = 1, .dram = 32); /* the rest of its way */
	EXPECT(0, 0, SIM_WRITE, HIT);
	EXPECT(1, 0, SIM_READ, LLC_HIT, .coherence = 2 + 40);
	EXPECT(1, 0, SIM_PREFETCHW, .l1 = 1); /* upgrade */
	idle(1, 42);
	EXPECT(1, 0, SIM_WRITE, HIT);
	assert_int_equal(stats(0).mshr_merges, 1);
	EXPECT(0, 0, SIM_READ, LLC_HIT, .coherence = 2 + 40);
	assert_int_equal(stats(0).prefetches, 1);
	assert_int_equal(stats(0).dram_reads, 1);
	assert_int_equal(stats(1).upgrades, 1);
}

/*
 * The prefetch sets out at 1 behind its look-up, and after 38 of them (hidden:
 * 4 + 8 + 18 + 2 + 6) is at DRAM: bank from 49, column 63, data 79..83. The
 * read sets out at 1, is there at 39, its bank takes the next column at 67:
 * data 83..87, answer at 97, 58 after 39.
 */
static void prefetch_takes_bandwidth(void **state)
{
	EXPECT(0, 0, SIM_PREFETCHW, .l1 = 1);
	EXPECT(1, 2, SIM_READ, LLC_HIT, .coherence = 2, .dram = 58);
}

static void crossing_lines(void **state)
{
	rig_touch_size(&rig, 0, 60, 8, SIM_READ);
	assert_int_equal(stats(0).reads, 2);
	assert_int_equal(stats(0).l1_misses, 2);
	rig_touch_size(&rig, 0, 64, 64, SIM_READ);
	assert_int_equal(stats(0).reads, 3);
	rig_touch_size(&rig, 0, 127, 16, SIM_ATOMIC);
	assert_int_equal(stats(0).atomics, 2);
	assert_int_equal(rig.cpus[0].part[PART_EXEC], 18 * NS);
}

/* CPU n on node n; node n has lines 16384 n ... */
static void nodes(void **state)
{
	struct node_config node[3] = { { 1 << 20, 1 }, { 1 << 20, 1 }, { 1 << 20, 1 } };
	struct machine_config config = rig_config(3);

	config.memory.nodes = (struct cfg_array){ node, 3 };
	rig_open(&rig, &config, 0);
	assert_int_equal(machine_node_of(rig.machine, (1 << 20) - 1), 0);
	assert_int_equal(machine_node_of(rig.machine, 1 << 20), 1);
	assert_int_equal(machine_node_of(rig.machine, 9 << 20), 2);
	EXPECT(0, 0, SIM_READ, LLC_HIT, .coherence = 2, .dram = 54);
	EXPECT(1, 16384, SIM_READ, LLC_HIT, .coherence = 2, .dram = 54); /* its own DRAM */
	EXPECT(0, 16386, SIM_READ, .l1 = 4, .l2 = 8, .llc = 18, .coherence = 2,
	       .interconnect = 6 + 100, .dram = 40);
	/* home 0, owner 0: there and back */
	EXPECT(1, 0, SIM_READ, .l1 = 4, .l2 = 8, .llc = 18, .coherence = 2 + 40,
	       .interconnect = 6 + 100);
	/* home 1, owner 0, requester 2: three ways */
	EXPECT(2, 16386, SIM_WRITE, .l1 = 4, .l2 = 8, .llc = 18, .coherence = 2 + 40,
	       .interconnect = 6 + 150);
	/* home 0, shared by 0 and 1: from 0 there and back, but by way of 1 for its copy */
	EXPECT(2, 0, SIM_WRITE, .l1 = 4, .l2 = 8, .llc = 18, .coherence = 2 + 20,
	       .interconnect = 6 + 150);
	assert_int_equal(stats(0).remote_node, 1);
	assert_int_equal(stats(2).remote_node, 2);
	rig_close(&rig);
}

/* ---- the short cut changes nothing but host time ---- */

static void run_stream(struct rig *r, u64 cpus, u32 lines, bool window2, bool shortcut)
{
	static const u32 kinds[] = { SIM_READ, SIM_READ, SIM_READ, SIM_WRITE, SIM_WRITE, SIM_ATOMIC,
				     SIM_PREFETCHW };
	u64 random = 3, off = 0;
	u32 cpu = 0;

	r->shortcut = shortcut;
	for (u32 i = 0; i < 60000; i++) {
		u32 dice = rig_random(&random);

		if (dice % 3 == 0) { /* else the same line again */
			off = rig_random(&random) % (lines * 64);
			cpu = rig_random(&random) % (u32)cpus;
			if (window2 && dice & 64)
				off += SIM_WINDOW2_OFF;
		}
		rig_touch_size(r, cpu, off, 1 + dice % 16,
			       kinds[rig_random(&random) % KMS_ARRAY_SIZE(kinds)]);
		if (i % 64 == 0)
			rig_check(r);
	}
}

static void same_outcome(const struct rig *x, const struct rig *y)
{
	struct hw_stats a, b;

	for (u32 i = 0; i < x->nr_cpus; i++) {
		assert_int_equal(x->cpus[i].clock, y->cpus[i].clock);
		assert_memory_equal(x->cpus[i].part, y->cpus[i].part, sizeof(x->cpus[i].part));
		machine_stats(x->machine, (int)i, &a);
		machine_stats(y->machine, (int)i, &b);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

/* With and without the short cut, and with contended lines kept out of it. */
static void compare(struct machine_config *config, u32 lines, bool window2)
{
	static struct rig with, without, watching;

	rig_open(&with, config, 1);
	rig_open(&without, config, 1);
	rig_open(&watching, config, 1);
	with.machine->watch_from = without.machine->watch_from = ~0u;
	run_stream(&with, config->cpus, lines, window2, true);
	run_stream(&without, config->cpus, lines, window2, false);
	run_stream(&watching, config->cpus, lines, window2, true);
	same_outcome(&with, &without);
	same_outcome(&with, &watching);
	for (u32 i = 0; i < config->cpus; i++) {
		assert_true(hw_fast_hits(&with.cpus[i]) > with.cpus[i].accesses / 4);
		assert_int_equal(hw_fast_hits(&without.cpus[i]), 0);
	}
	rig_close(&with);
	rig_close(&without);
	rig_close(&watching);
}

static void shortcut_is_exact(void **state)
{
	const u32 all[] = { HW_LRU, HW_TREE_PLRU, HW_RANDOM, HW_SRRIP, HW_BRRIP };

	for (u32 i = 0; i < KMS_ARRAY_SIZE(all); i++) {
		for (u64 cpus = 1; cpus <= 4; cpus += 3) {
			struct machine_config config = rig_config(cpus);

			config.l1d.replacement = config.l2.replacement = all[i];
			config.llc.replacement = all[i];
			config.dram.tREFI = 7800;
			compare(&config, 20, false);
			compare(&config, 2000, false);
		}
	}
}

/* Two windows on the same memory, at an odd distance for an L1 with more than 64 sets. */
static void shortcut_and_window2(void **state)
{
	struct machine_config config = rig_config(2);

	config.l1d = rig_cache(32768, 2, 4, HW_LRU);
	config.l2 = rig_cache(65536, 4, 12, HW_LRU);
	config.llc.size_bytes = 1 << 20;
	assert_int_equal(ram_map(1 << 24, 1 << 20, 4096, NULL), 0);
	compare(&config, 600, true);
	rig_open(&rig, &config, 0);
	EXPECT(0, 64, SIM_WRITE, LLC_HIT, .coherence = 2, .dram = 54);
	EXPECT(0, SIM_WINDOW2_OFF / 64, SIM_READ, HIT); /* the same line */
	EXPECT(1, SIM_WINDOW2_OFF / 64, SIM_READ, LLC_HIT, .coherence = 2 + 40);
	rig_close(&rig);
	ram_unmap();
}

/* ---- contended lines ---- */

static void hot_lines(void **state)
{
	struct hw_line_count lines[3];

	for (u32 i = 0; i < 10; i++) {
		rig_touch(&rig, i % 2, LINE(5), SIM_WRITE);
		if (i < 6)
			rig_touch(&rig, i % 2, LINE(77), SIM_WRITE);
	}
	rig_touch(&rig, 0, LINE(9), SIM_READ);
	rig_touch(&rig, 1, LINE(9), SIM_READ);
	rig_touch(&rig, 1, LINE(3), SIM_READ); /* nobody fights for it */
	assert_int_equal(machine_hot_lines(rig.machine, lines, 2), 2);
	assert_int_equal(lines[0].off, LINE(5));
	assert_int_equal(lines[0].transfers, 9);
	assert_int_equal(lines[0].invalidations, 9);
	assert_int_equal(lines[1].off, LINE(77));
	assert_int_equal(lines[1].transfers, 5);
	/* pushed out of the LLC, counts are kept, and go on when it is back */
	for (u64 i = 1; i <= 8; i++)
		rig_touch(&rig, 2, LINE(5 + 128 * i), SIM_READ);
	rig_touch(&rig, 0, LINE(5), SIM_WRITE);
	rig_touch(&rig, 1, LINE(5), SIM_WRITE);
	assert_int_equal(machine_hot_lines(rig.machine, lines, 3), 3);
	assert_int_equal(lines[0].off, LINE(5));
	assert_int_equal(lines[0].transfers, 10);
	assert_int_equal(lines[2].off, LINE(9));
	assert_int_equal(lines[2].invalidations, 0);
	assert_int_equal(machine_hot_lines(rig.machine, lines, 0), 0);
}

/* More contended lines than the table holds: the most contended survive. */
static void hot_lines_are_bounded(void **state)
{
	struct hw_line_count lines[2];

	for (u32 i = 0; i < 20; i++)
		rig_touch(&rig, i % 2, LINE(1000000), SIM_WRITE);
	for (u64 line = 0; line < 6 * HW_RETIRED; line++) {
		rig_touch(&rig, 0, LINE(line), SIM_WRITE);
		rig_touch(&rig, 1, LINE(line), SIM_WRITE);
	}
	assert_int_equal(machine_hot_lines(rig.machine, lines, 2), 2);
	assert_int_equal(lines[0].off, LINE(1000000));
	assert_int_equal(lines[0].transfers, 19);
	assert_int_equal(lines[1].transfers, 1);
}

static void refuses_nonsense(void **state)
{
	struct machine_config config = rig_config(0);
	struct node_config node[1] = { { 1 << 20, 3 } };
	struct kms_error err = { 0 };
	struct machine *machine;

	assert_int_equal(machine_new(&machine, &config, 0, &err), KMS_EUSAGE);
	assert_null(machine);
	config.cpus = 257;
	assert_int_equal(machine_new(&machine, &config, 0, NULL), KMS_EUSAGE);
	config.cpus = 4;
	config.memory.nodes = (struct cfg_array){ node, 1 };
	err = (struct kms_error){ 0 };
	assert_int_equal(machine_new(&machine, &config, 0, &err), KMS_EUSAGE);
	assert_non_null(strstr(err.text, "3 CPUs"));
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, open_four, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(miss_then_hits),
		WITH_RIG(cache_to_cache),
		WITH_RIG(write_to_shared),
		WITH_RIG(upgrades),
		WITH_RIG(write_back),
		WITH_RIG(back_invalidation),
		WITH_RIG(llc_recency),
		WITH_RIG(atomics),
		WITH_RIG(prefetch),
		WITH_RIG(prefetch_takes_bandwidth),
		WITH_RIG(crossing_lines),
		cmocka_unit_test(nodes),
		cmocka_unit_test(shortcut_is_exact),
		cmocka_unit_test(shortcut_and_window2),
		WITH_RIG(hot_lines),
		WITH_RIG(hot_lines_are_bounded),
		cmocka_unit_test(refuses_nonsense),
	};

	return cmocka_run_group_tests_name("hw_machine", tests, NULL, NULL);
}
