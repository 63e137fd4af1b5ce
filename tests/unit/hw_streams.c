/*
 * hw_streams.c - bandwidth beyond the caches, on the Haswell machine: 25.6 GB/s of DRAM.
 *
 * Streams over 32 MiB, four times the LLC. A store to a line that is nowhere
 * reads it first and writes it back later, so DRAM carries twice the stream.
 */
#include "tests/unit/hw_support.h"

#define LINES (32u << 14)

static double stream(enum sim_access first, bool copy)
{
	struct machine_config config;
	struct kms_error err = { 0 };
	struct machine *machine;
	struct sim_cpu cpu = { 0 };
	struct cfg *cfg;
	double gbs;

	if (cfg_load(&cfg, &machine_config_table, &config, "configs/machines/haswell-i7-4790k.json", NULL, 0,
		     &err) ||
	    machine_new(&machine, &config, 1, &err))
		fail_msg("%s", err.text);
	machine_attach_cpu(machine, &cpu, 0);
	for (u64 i = 0; i < LINES; i++) {
		machine_access(&cpu, LINE(i), 8, first);
		if (copy)
			machine_access(&cpu, LINE(i + 4 * LINES + 0x4200), 8, SIM_WRITE);
	}
	machine_drain(&cpu);
	gbs = (copy ? 2. : 1.) * LINES * 64 / ((double)cpu.clock / 1e3);
	machine_free(machine);
	cfg_free(cfg);
	print_message("%s: %.1f GB/s\n", copy ? "copy" : first == SIM_READ ? "read" : "write", gbs);
	return gbs;
}

static void streams(void **state)
{
	double read = stream(SIM_READ, false), write = stream(SIM_WRITE, false);
	double copy = stream(SIM_READ, true);

	assert_true(read > 12 && read < 25.6);	 /* prefetchers keep DRAM busy */
	assert_true(write > 6 && write < 12.8);	 /* at most half of DRAM's */
	assert_true(copy > 8 && copy < 17.1);	 /* at most two thirds */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(streams) };

	return cmocka_run_group_tests_name("hw_streams", tests, NULL, NULL);
}
