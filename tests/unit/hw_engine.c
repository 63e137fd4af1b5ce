/*
 * hw_engine.c - the machine under the engine: accesses in clock order, by way
 * of the engine's short cut, with all time accounted for.
 */
#include "sim/engine/ram.h"
#include "tests/unit/hw_support.h"

#define CPUS 4
#define STEPS 5000

static void worker(void *arg)
{
	u64 random = (u64)(uintptr_t)arg;

	for (u32 i = 0; i < STEPS; i++) {
		u32 dice = rig_random(&random);
		u64 off = dice % 4 ? sim_this_cpu()->id * 4096 + dice % 512 : dice % 256;

		sim_access(off, 4, dice % 3 ? SIM_READ : SIM_WRITE);
	}
}

static void run(struct hw_stats *stats, kms_ps *clocks)
{
	struct machine_config config = rig_config(CPUS);
	struct engine_config engine = { .nr_cpus = CPUS, .lock_part = PART_LOCK,
					.access = machine_access };
	struct kms_error err = { 0 };
	struct machine *machine;

	assert_int_equal(ram_map(1 << 24, 0, 0, &err), 0);
	assert_int_equal(engine_init(&engine, &err), 0);
	assert_int_equal(machine_new(&machine, &config, 1, &err), 0);
	machine_attach(machine);
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		sim_thread_start(cpu, "worker", worker, (void *)(uintptr_t)(cpu + 1));
	if (engine_run(&err))
		fail_msg("%s", err.text);
	if (machine_check(machine, &err))
		fail_msg("%s", err.text);
	machine_stats(machine, -1, stats);
	for (u32 cpu = 0; cpu < CPUS; cpu++) {
		struct sim_cpu *sim = engine_cpu(cpu);

		clocks[cpu] = sim->clock;
		assert_int_equal(rig_parts_sum(sim), sim->clock - sim->idle);
		assert_true(sim->fast_hits[SIM_READ] > 0);
		assert_int_equal(sim_accesses(sim), STEPS);
	}
	machine_free(machine);
	engine_exit();
	ram_unmap();
}

static void runs_and_repeats(void **state)
{
	kms_ps clocks[2][CPUS];
	struct hw_stats stats[2];

	run(&stats[0], clocks[0]);
	run(&stats[1], clocks[1]);
	assert_memory_equal(clocks[0], clocks[1], sizeof(clocks[0]));
	assert_memory_equal(&stats[0], &stats[1], sizeof(stats[0]));
	assert_true(stats[0].cache_to_cache > 100);
	assert_true(stats[0].reads + stats[0].writes >= CPUS * STEPS);
	assert_int_equal(stats[0].l1_hits + stats[0].l1_misses,
			 stats[0].reads + stats[0].writes);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(runs_and_repeats) };

	return cmocka_run_group_tests_name("hw_engine", tests, NULL, NULL);
}
