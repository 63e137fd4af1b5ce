/*
 * hw_access.c - host time of the access path: ns per simulated access.
 *
 * Drives machine_access() directly, on the default machine, without the
 * engine. Prints a table; takes the number of accesses per line as argument.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "models/hw/hierarchy.h"

static struct sim_cpu cpus[SIM_MAX_CPUS];
static struct machine *machine;
static u32 nr_cpus;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void open_machine(const char *settings)
{
	struct machine_config config;
	struct kms_error err = { 0 };
	struct cfg *cfg;
	double start = now_ns();

	if (cfg_load_text(&cfg, &machine_config_table, &config, settings, "bench", ".", NULL, 0,
			  &err) ||
	    machine_new(&machine, &config, 1, &err)) {
		fprintf(stderr, "hw_access: %s\n", err.text);
		exit(1);
	}
	nr_cpus = (u32)config.cpus;
	for (u32 i = 0; i < nr_cpus; i++) {
		cpus[i] = (struct sim_cpu){ .id = i };
		machine_attach_cpu(machine, &cpus[i], i);
	}
	printf("%s: built in %.2f ms\n", settings, (now_ns() - start) / 1e6);
	cfg_free(cfg);
}

/* Lines first, first + step, ... count of them, over and over, by CPUs in turn. */
static void walk(const char *what, u64 n, u64 first, u64 step, u64 count, u32 users,
		 enum sim_access kind)
{
	struct hw_stats before, after;
	double start;

	for (u64 i = 0; i < count && i < n; i++)
		machine_access(&cpus[i % users], (first + i * step) * 64, 8, kind);
	machine_stats(machine, -1, &before);
	start = now_ns();
	for (u64 i = 0, at = 0, cpu = 0; i < n; i++) {
		machine_access(&cpus[cpu], (first + at * step) * 64, 8, kind);
		at = at + 1 == count ? 0 : at + 1;
		cpu = cpu + 1 == users ? 0 : cpu + 1;
	}
	start = now_ns() - start;
	machine_stats(machine, -1, &after);
	printf("%-38s %7.2f ns/access  L1 %5.1f%%  L2 %5.1f%%  LLC %5.1f%%  DRAM %5.1f%%\n", what,
	       start / (double)n, 100. * (double)(after.l1_hits - before.l1_hits) / (double)n,
	       100. * (double)(after.l2_hits - before.l2_hits) / (double)n,
	       100. * (double)(after.llc_hits - before.llc_hits) / (double)n,
	       100. * (double)(after.llc_misses - before.llc_misses) / (double)n);
}

/* lines is a power of two, and writes a number of 128. */
static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 32;
}

static void random_stream(const char *what, u64 n, u64 lines, u32 users, u32 writes)
{
	struct hw_stats before, after;
	u64 random = 1;
	double start;

	machine_stats(machine, -1, &before);
	start = now_ns();
	for (u64 i = 0, cpu = 0; i < n; i++) {
		u64 dice = next_random(&random);

		machine_access(&cpus[cpu], (dice >> 7 & (lines - 1)) * 64, 8,
			       (dice & 127) < writes ? SIM_WRITE : SIM_READ);
		cpu = cpu + 1 == users ? 0 : cpu + 1;
	}
	start = now_ns() - start;
	machine_stats(machine, -1, &after);
	printf("%-38s %7.2f ns/access  %5.1f M/s  L1 %5.1f%%  c2c %5.1f%%  DRAM %5.1f%%\n", what,
	       start / (double)n, (double)n / start * 1e3,
	       100. * (double)(after.l1_hits - before.l1_hits) / (double)n,
	       100. * (double)(after.cache_to_cache - before.cache_to_cache) / (double)n,
	       100. * (double)(after.llc_misses - before.llc_misses) / (double)n);
}

int main(int argc, char **argv)
{
	u64 n = argc > 1 ? strtoull(argv[1], NULL, 0) : 5000000;

	open_machine("{\"cpus\": 1}");
	walk("L1 hit, same line", n, 0, 1, 1, 1, SIM_READ);
	walk("L1 hit, 256 lines read", n, 0, 1, 256, 1, SIM_READ);
	walk("L1 hit, 256 lines written", n, 0, 1, 256, 1, SIM_WRITE);
	walk("L1 hit, 8 ways of one set", n, 0, 64, 8, 1, SIM_READ);
	walk("L2 hit", n, 0, 1, 3000, 1, SIM_READ);
	walk("LLC hit", n, 0, 1, 50000, 1, SIM_READ);
	walk("DRAM, stream", n, 0, 1, 10000000, 1, SIM_READ);
	random_stream("random, 16 MiB, 30 % writes", n, 1 << 18, 1, 38);
	random_stream("random, 1 GiB, 30 % writes", n, 1 << 24, 1, 38);
	machine_free(machine);
	open_machine("{\"cpus\": 4}");
	walk("4 CPUs write one line", n, 0, 1, 1, 4, SIM_WRITE);
	random_stream("4 CPUs random, 64 KiB, 30 % writes", n, 1 << 10, 4, 38);
	random_stream("4 CPUs random, 16 MiB, 30 % writes", n, 1 << 18, 4, 38);
	machine_free(machine);
	open_machine("{\"cpus\": 16, \"llc\": {\"size\": \"32MiB\"}}");
	random_stream("16 CPUs random, 64 KiB, 30 % writes", n, 1 << 10, 16, 38);
	random_stream("16 CPUs random, 64 MiB, 30 % writes", n, 1 << 20, 16, 38);
	machine_free(machine);
	return 0;
}
