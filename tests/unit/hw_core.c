/*
 * hw_core.c - cores, miss registers, TLBs and prefetchers, worked out by hand.
 *
 * The rig of hw_support.h (1 cycle = 1 ns): an L1 hit costs 1, an L2 hit 12
 * from the core, an LLC hit 38 with hop and directory, DRAM 54 more for a closed
 * row and 40 for an open one: 92 and 78 in all.
 */
#include "sim/engine/ram.h"
#include "tests/unit/hw_support.h"

#include <stdlib.h>

static struct rig rig;

static struct machine_config ooo_config(void)
{
	struct machine_config c = rig_config(1);

	c.core.model = HW_CORE_OOO;
	c.core.width = 4;
	c.core.rob = 1000;
	c.core.store_buffer = 8;
	c.core.fence_cycles = 33;
	return c;
}

static void begin(const struct machine_config *config)
{
	rig_open(&rig, config, 0);
	rig.shortcut = true;
}

static void touch(u64 line, enum sim_access kind)
{
	rig_touch(&rig, 0, LINE(line), kind);
	rig_check(&rig);
}

static void work(u64 ns)
{
	sim_charge(&rig.cpus[0], PART_EXEC, ns * NS);
}

static void drain(void)
{
	machine_drain(&rig.cpus[0]);
}

#define CLOCK(ns) assert_int_equal(rig.cpus[0].clock, (ns) * NS)

static struct hw_stats stats(void)
{
	struct hw_stats s;

	machine_stats(rig.machine, 0, &s);
	return s;
}

static void end(void)
{
	assert_int_equal(rig_parts_sum(&rig.cpus[0]), rig.cpus[0].clock - rig.cpus[0].idle);
	rig_close(&rig);
}

/* Two loads from two DRAM channels: the second is dispatched at 1 and there at 1 + 92. */
static void loads_overlap(void **state)
{
	struct machine_config c = ooo_config();

	begin(&c);
	touch(0, SIM_READ);
	CLOCK(1);
	touch(1, SIM_READ);
	CLOCK(2);
	drain();
	CLOCK(93);
	/* the ends are seen: 90 of the first, 1 of the second */
	assert_int_equal(rig.cpus[0].part[PART_DRAM], (54 + 1) * NS);
	end();
}

/* 100 instructions fit: dispatched at 0, full at 1 + 99 of work, stalls from 100 to 92: not at all. */
static void reorder_buffer_fills(void **state)
{
	struct machine_config c = ooo_config();

	c.core.rob = 50;
	begin(&c);
	touch(0, SIM_READ); /* there at 92 */
	work(30);
	touch(2, SIM_READ); /* 31: 31 of work behind it, fits; an open row: 31 + 78 = 109 */
	CLOCK(32);
	work(40);
	touch(0, SIM_READ); /* at 72 the buffer was full since 50: 22 too late, so waits 92 - 50 */
	CLOCK(72 + 42 + 1);
	drain();
	CLOCK(115);
	end();
}

/* A register per miss: with two, the third load waits for the first. */
static void miss_registers(void **state)
{
	struct machine_config c = ooo_config();

	c.l1d.mshrs = 2;
	begin(&c);
	touch(0, SIM_READ);  /* 0 .. 92 */
	touch(1, SIM_READ);  /* 1 .. 93 */
	touch(2, SIM_READ);  /* from 92 on: open row, 92 + 78 = 170 */
	CLOCK(93);
	assert_int_equal(stats().mshr_waits, 1);
	drain();
	CLOCK(170);
	end();
}

/* The same line again merges: no second miss, there when the first is. */
static void misses_merge(void **state)
{
	struct machine_config c = ooo_config();

	begin(&c);
	touch(0, SIM_READ);
	touch(0, SIM_READ);
	touch(0, SIM_READ);
	CLOCK(3);
	assert_int_equal(stats().l1_misses, 1);
	assert_int_equal(stats().mshr_merges, 2);
	drain();
	CLOCK(92);
	touch(0, SIM_READ);
	CLOCK(93);
	end();
}

/* Eight entries: the ninth store waits until the first is in the cache, at 92. */
static void store_buffer_fills(void **state)
{
	struct machine_config c = ooo_config();

	begin(&c);
	for (u64 i = 0; i < 8; i++)
		touch(2 * i, SIM_WRITE);
	CLOCK(8);
	touch(16, SIM_WRITE);
	CLOCK(93);
	drain();
	assert_int_equal(stats().l1_misses, 9);
	end();
}

/* Stores that hit queue behind one that missed. */
static void stores_stay_in_order(void **state)
{
	struct machine_config c = ooo_config();

	begin(&c);
	touch(1, SIM_WRITE);
	drain();
	CLOCK(92);
	touch(1, SIM_WRITE);
	touch(0, SIM_WRITE); /* 93 .. 185 */
	for (u64 i = 0; i < 7; i++)
		touch(1, SIM_WRITE);
	CLOCK(101);
	touch(1, SIM_WRITE); /* no entry before 185 */
	CLOCK(186);
	touch(1, SIM_READ);
	CLOCK(187);
	end();
}

/* Atomics and fences wait for everything. */
static void atomics_drain(void **state)
{
	struct machine_config c = ooo_config();

	begin(&c);
	touch(1, SIM_ATOMIC); /* 18 + 92 */
	CLOCK(110);
	touch(0, SIM_WRITE); /* 110 .. 202 */
	touch(1, SIM_ATOMIC);
	CLOCK(202 + 1);
	assert_int_equal(rig.cpus[0].part[PART_EXEC], 36 * NS);
	touch(3, SIM_READ); /* open row: 78 */
	machine_access(&rig.cpus[0], 0, 0, SIM_FENCE);
	CLOCK(203 + 78 + 33);
	end();
}

/* A loaded pointer makes the access to its target wait; another address does not. */
static void pointers_are_chased(void **state)
{
	struct machine_config c = ooo_config();
	u64 target = SIM_RAM_BASE + LINE(512);

	assert_int_equal(ram_map(1 << 20, 1 << 12, 0, NULL), 0);
	memcpy(ram_ptr(0), &target, sizeof(target));
	begin(&c);
	touch(0, SIM_READ);  /* there at 92 */
	touch(257, SIM_READ); /* independent */
	CLOCK(2);
	touch(512, SIM_READ); /* not before 92 */
	CLOCK(93);
	drain();
	end();
	ram_unmap();
}

/* The short cut changes no result of an ooo core either. */
static void shortcut_is_exact(void **state)
{
	struct machine_config c = ooo_config();
	kms_ps clock[2], part[2][SIM_MAX_PARTS];

	c.core.rob = 60;
	c.l1d.mshrs = 4;
	c.tlb.l1[HW_PAGE_4K] = (struct tlb_level_config){ 4, 2 };
	c.tlb.l2 = (struct tlb_level_config){ 8, 2 };
	c.tlb.l2_latency_cycles = 7;
	c.tlb.walk_entries = 2;
	c.prefetch.l1 = HW_PREFETCH_NEXT_LINE;
	c.prefetch.l2 = HW_PREFETCH_STRIDE;
	c.prefetch.l1_degree = c.prefetch.l2_degree = 2;
	for (u32 run = 0; run < 2; run++) {
		u64 random = 7, off = 0;

		begin(&c);
		rig.shortcut = run;
		for (u32 i = 0; i < 40000; i++) {
			static const u32 kinds[] = { SIM_READ, SIM_READ, SIM_READ, SIM_WRITE,
						     SIM_WRITE, SIM_ATOMIC_LOCAL };
			u32 dice = rig_random(&random), kind = kinds[rig_random(&random) % 6];

			if (dice % 3 == 0)
				off = rig_random(&random) % (600 * 64);
			rig_touch(&rig, 0, off, dice % 97 ? kind : SIM_ATOMIC);
			if (dice % 7 == 0)
				work(dice % 20);
			if (i % 64 == 0)
				rig_check(&rig);
		}
		drain();
		clock[run] = rig.cpus[0].clock;
		memcpy(part[run], rig.cpus[0].part, sizeof(part[run]));
		assert_true(run == (hw_fast_hits(&rig.cpus[0]) > 1000));
		end();
	}
	assert_int_equal(clock[0], clock[1]);
	assert_memory_equal(part[0], part[1], sizeof(part[0]));
}

/* ---- TLB ---- */

static struct machine_config tlb_config(void)
{
	struct machine_config c = rig_config(1);

	c.tlb.l1[HW_PAGE_4K] = (struct tlb_level_config){ 2, 2 };
	c.tlb.l2 = (struct tlb_level_config){ 8, 8 };
	c.tlb.l2_latency_cycles = 7;
	c.tlb.walk_entries = 4;
	return c;
}

/*
 * The first walk reads root and three tables from DRAM, each in a row of its
 * own, the last one's bank the line's own (15 more: precharge); a neighbouring
 * page's entry lies in the same line and its upper levels
 * are kept: an L1 hit of 4 after the second level's 7.
 */
static void walks(void **state)
{
	struct machine_config c = tlb_config();
	u64 tlb;

	begin(&c);
	touch(0, SIM_READ);
	assert_int_equal(stats().walk_reads, 4);
	assert_int_equal(stats().tlb_walks, 1);
	assert_int_equal(rig.cpus[0].part[PART_TLB], rig.cpus[0].clock - (92 + 15) * NS);
	tlb = rig.cpus[0].part[PART_TLB];
	touch(64, SIM_READ); /* the next page */
	assert_int_equal(stats().walk_reads, 5);
	assert_int_equal(rig.cpus[0].part[PART_TLB] - tlb, (7 + 4) * NS);
	touch(128, SIM_READ); /* pushes the first page out of the first level */
	tlb = rig.cpus[0].part[PART_TLB];
	touch(0, SIM_READ); /* from the second level: 7, and an L1 hit */
	assert_int_equal(rig.cpus[0].part[PART_TLB] - tlb, 7 * NS);
	assert_int_equal(stats().tlb_walks, 3);
	assert_int_equal(stats().tlb_misses, 4);
	touch(0, SIM_READ);
	assert_int_equal(stats().tlb_misses, 4);
	end();
}

/* Larger pages: fewer misses, fewer steps. */
static void page_sizes(void **state)
{
	static const struct {
		u32 size, steps, misses;
	} cases[] = { { HW_PAGE_4K, 4, 16 }, { HW_PAGE_2M, 3, 1 }, { HW_PAGE_1G, 2, 1 } };

	for (u32 i = 0; i < 3; i++) {
		struct machine_config c = tlb_config();

		c.tlb.l1[cases[i].size] = (struct tlb_level_config){ 2, 2 };
		c.tlb.direct_map_page = c.tlb.vmemmap_page = cases[i].size;
		begin(&c);
		touch(0, SIM_READ);
		assert_int_equal(stats().walk_reads, cases[i].steps);
		for (u64 page = 1; page < 16; page++)
			touch(64 * page, SIM_READ);
		assert_int_equal(stats().tlb_misses, cases[i].misses);
		end();
	}
}

/* ---- prefetchers ---- */

static void next_line(void **state)
{
	struct machine_config c = rig_config(1);

	c.prefetch.l1 = HW_PREFETCH_NEXT_LINE;
	c.prefetch.l1_degree = 1;
	begin(&c);
	touch(0, SIM_READ); /* and line 1, from the other channel: there as soon */
	CLOCK(92);
	assert_int_equal(stats().hw_prefetches, 1);
	touch(1, SIM_READ);
	CLOCK(93);
	assert_int_equal(stats().l1_misses, 1);
	touch(63, SIM_READ); /* the page ends here */
	assert_int_equal(stats().hw_prefetches, 1);
	end();
}

static void strides(void **state)
{
	struct machine_config c = rig_config(1);

	c.prefetch.l2 = HW_PREFETCH_STRIDE;
	c.prefetch.l2_degree = 2;
	begin(&c);
	touch(0, SIM_READ);
	touch(5, SIM_READ);
	assert_int_equal(stats().hw_prefetches, 0);
	touch(10, SIM_READ); /* the second distance of 5: fetches 15 and 20 */
	assert_int_equal(stats().hw_prefetches, 2);
	touch(15, SIM_READ);
	assert_int_equal(stats().l2_hits, 1);
	touch(20, SIM_READ);
	assert_int_equal(stats().l2_hits, 2);
	touch(22, SIM_READ); /* no longer */
	assert_int_equal(stats().l2_hits, 2);
	end();
}

/* Everything at once, several CPUs, all invariants every few accesses. */
static void random_machine(void **state)
{
	static const u32 kinds[] = { SIM_READ, SIM_READ, SIM_READ, SIM_WRITE, SIM_WRITE, SIM_ATOMIC,
				     SIM_ATOMIC_LOCAL, SIM_PREFETCHW, SIM_FENCE };
	u32 steps = getenv("KMS_SOAK") ? 2000000 : 20000;

	for (u32 cpus = 1; cpus <= 16; cpus *= 4) {
		struct machine_config c = tlb_config();
		u64 random = cpus;

		c.cpus = cpus;
		c.core = ooo_config().core;
		c.core.rob = 40;
		c.l1d.mshrs = 4;
		c.l2.mshrs = 6;
		c.llc.mshrs = 8;
		c.prefetch = (struct prefetch_config){ HW_PREFETCH_STRIDE, HW_PREFETCH_NEXT_LINE, 2, 3 };
		c.dram.tREFI = 7800;
		begin(&c);
		for (u32 i = 0; i < steps; i++) {
			u32 cpu = rig_random(&random) % cpus, kind = kinds[rig_random(&random) % 9];

			if (kind == SIM_FENCE)
				machine_access(&rig.cpus[cpu], 0, 0, SIM_FENCE);
			else
				rig_touch(&rig, cpu, rig_random(&random) % (2000 * 64 - 8), kind);
			if (i % 16 == 0)
				rig_check(&rig);
		}
		for (u32 i = 0; i < cpus; i++) {
			machine_drain(&rig.cpus[i]);
			assert_int_equal(rig_parts_sum(&rig.cpus[i]),
					 rig.cpus[i].clock - rig.cpus[i].idle);
		}
		rig_check(&rig);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_overlap),	cmocka_unit_test(reorder_buffer_fills),
		cmocka_unit_test(miss_registers),	cmocka_unit_test(misses_merge),
		cmocka_unit_test(store_buffer_fills),	cmocka_unit_test(stores_stay_in_order),
		cmocka_unit_test(atomics_drain),	cmocka_unit_test(pointers_are_chased),
		cmocka_unit_test(shortcut_is_exact),	cmocka_unit_test(walks),
		cmocka_unit_test(page_sizes),		cmocka_unit_test(next_line),
		cmocka_unit_test(strides),		cmocka_unit_test(random_machine),
	};

	return cmocka_run_group_tests_name("hw_core", tests, NULL, NULL);
}
