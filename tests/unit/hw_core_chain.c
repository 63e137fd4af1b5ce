/*
 * hw_core_chain.c - core.l1_dependences and core.retire_width, worked out by hand.
 *
 * The rig of hw_support.h with words in simulated RAM: an L1 hit costs 1 ns of
 * throughput and its data are there 4 ns after its address.
 */
#include "sim/engine/ram.h"
#include "tests/unit/hw_support.h"

#define ROB 20u
#define LOADS 1000u

static struct rig rig;

static void begin(bool dependences, u64 retire_width)
{
	struct machine_config c = rig_config(1);

	c.core.model = HW_CORE_OOO;
	c.core.width = 4;
	c.core.rob = ROB;
	c.core.store_buffer = 8;
	c.core.l1_dependences = dependences;
	c.core.retire_width = retire_width;
	rig_open(&rig, &c, 0);
	rig.shortcut = !dependences;
	assert_int_equal(ram_map(1 << 20, 0, 0, NULL), 0);
}

static void end(void)
{
	assert_int_equal(rig_parts_sum(&rig.cpus[0]), rig.cpus[0].clock - rig.cpus[0].idle);
	rig_close(&rig);
	ram_unmap();
}

static void touch(u64 off, enum sim_access kind)
{
	rig_touch(&rig, 0, off, kind);
}

static void put(u64 off, u64 points_to)
{
	*(void **)ram_ptr(off) = ram_ptr(points_to);
}

/* ns of LOADS loads that alternate between two words, after both are in L1. */
static u64 loads(u64 a, u64 b)
{
	u64 start;

	touch(a, SIM_READ);
	touch(b, SIM_READ);
	machine_drain(&rig.cpus[0]);
	start = rig.cpus[0].clock;
	for (u32 i = 0; i < LOADS / 2; i++) {
		touch(a, SIM_READ);
		touch(b, SIM_READ);
	}
	return (rig.cpus[0].clock - start) / NS;
}

static void chase_takes_the_latency(void **state)
{
	begin(true, 0);
	put(0, 8192);
	put(8192, 0);
	assert_in_range(loads(0, 8192), 4 * LOADS - 2 * ROB, 4 * LOADS);
	end();
}

static void without_it_throughput(void **state)
{
	begin(false, 0);
	put(0, 8192);
	put(8192, 0);
	assert_int_equal(loads(0, 8192), LOADS);
	end();
}

static void other_loads_do_not_wait(void **state)
{
	begin(true, 0);
	assert_int_equal(loads(0, 8192), LOADS); /* both words are 0 */
	end();
}

/* The chase of two loads a round is hidden by 10 ns of work beside it. */
static void work_hides_a_chain(void **state)
{
	u64 start;

	begin(true, 0);
	put(0, 8192);
	put(8192, 0);
	loads(0, 8192);
	sim_charge(&rig.cpus[0], PART_EXEC, 1000 * NS);
	start = rig.cpus[0].clock;
	for (u32 i = 0; i < LOADS; i++) {
		touch(0, SIM_READ);
		touch(8192, SIM_READ);
		sim_charge(&rig.cpus[0], PART_EXEC, 10 * NS);
	}
	assert_int_equal((rig.cpus[0].clock - start) / NS, 12 * LOADS);
	end();
}

/* A counter in memory: each load waits for the store before it, which waited for a load. */
static void stored_words_are_forwarded(void **state)
{
	u64 start;

	begin(true, 0);
	touch(64, SIM_WRITE);
	touch(64, SIM_READ);
	machine_drain(&rig.cpus[0]);
	start = rig.cpus[0].clock;
	for (u32 i = 0; i < LOADS; i++) {
		touch(64, SIM_READ);
		touch(64, SIM_WRITE);
	}
	assert_in_range((rig.cpus[0].clock - start) / NS, 4 * LOADS - 2 * ROB, 4 * LOADS + 2 * ROB);
	end();
}

/* 18 of an atomic and 1 of its access, beside `work` ns of work; one a round. */
static u64 atomics(u64 work)
{
	u64 start;

	touch(64, SIM_ATOMIC);
	start = rig.cpus[0].clock;
	for (u32 i = 0; i < LOADS; i++) {
		sim_charge(&rig.cpus[0], PART_EXEC, work * NS);
		touch(64, SIM_ATOMIC);
	}
	return (rig.cpus[0].clock - start) / NS / LOADS;
}

static void work_behind_an_atomic_catches_up(void **state)
{
	begin(false, 0);
	assert_int_equal(atomics(0), 19);
	assert_int_equal(atomics(16), 16 + 19);
	end();
	begin(false, 2); /* leaves twice as fast as it enters: half of the work hides the next atomic */
	assert_in_range(atomics(0), 18, 19);
	assert_in_range(atomics(16), 16 + 19 - 9, 16 + 19 - 8);
	assert_int_equal(atomics(100), 100 + 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chase_takes_the_latency),
		cmocka_unit_test(without_it_throughput),
		cmocka_unit_test(other_loads_do_not_wait),
		cmocka_unit_test(work_hides_a_chain),
		cmocka_unit_test(stored_words_are_forwarded),
		cmocka_unit_test(work_behind_an_atomic_catches_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
