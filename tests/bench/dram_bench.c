/*
 * dram_bench.c - requests per second of the DRAM controller, DDR4-2400 with refresh.
 *
 * Requests are made on the fly; the time is the program's own processor time,
 * median of five. Measured peers on one machine: 0.66 million requests/s sequential,
 * 0.37 random, 0.22 at one request in 200 clocks (DRAMsim3, Ramulator 2.1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "models/hw/dram_controller.h"

enum { REQUESTS = 1000000, ROUNDS = 5 };

static const struct load {
	const char *name;
	u64 gap; /* clocks between requests */
	bool random, writes;
} loads[] = {
	{"random reads, saturated", 0, true, false},
	{"sequential reads, saturated", 0, false, false},
	{"random, 30 % writes, saturated", 0, true, true},
	{"random reads, one in 200 clocks", 200, true, false},
};

static const struct dram_config config = {
	.channels = 1, .ranks = 1, .banks = 16, .bank_groups = 4, .row_bytes = 8192,
	.clock_mhz = 1200, .tRCD = 17, .tRP = 17, .tCL = 17, .tCWL = 12, .tRAS = 39, .tWR = 18,
	.tBURST = 4, .tCCD_S = 4, .tCCD_L = 6, .tRRD_S = 4, .tRRD_L = 6, .tFAW = 26, .tWTR_S = 3,
	.tWTR_L = 9, .tRTP = 9, .tRTW = 2, .tRTRS = 2, .tREFI = 9360, .tRFC = 420,
};

static void done(void *arg, const struct dram_answer *answer)
{
	*(u64 *)arg += answer->at - answer->accepted;
}

static double seconds(const struct load *load)
{
	u64 sum = 0, state = 1, now = 0;
	struct dram_controller *c;
	clock_t start = clock();

	if (dram_controller_new(&c, &config, done, &sum, NULL))
		exit(1);
	for (u64 i = 0; i < REQUESTS; i++, now++) {
		struct dram_request r = {i * 64, load->gap * i > now ? load->gap * i : now, 0, false};

		state = state * 6364136223846793005ull + 1442695040888963407ull;
		if (load->random)
			r.address = (state >> 40) * 64;
		r.write = load->writes && (state >> 8) % 10 < 3;
		dram_controller_advance(c, r.at);
		while (!dram_controller_submit(c, &r)) {
			r.at = dram_controller_next_for(c, r.address);
			dram_controller_advance(c, r.at);
		}
		now = r.at;
	}
	dram_controller_free(c);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	puts("DRAM controller, requests/s");
	for (size_t i = 0; i < KMS_ARRAY_SIZE(loads); i++) {
		double times[ROUNDS];

		for (int k = 0; k < ROUNDS; k++)
			times[k] = seconds(&loads[i]);
		qsort(times, ROUNDS, sizeof(times[0]), by_size);
		printf("%-34s %8.2f million (%.2f to %.2f)\n", loads[i].name,
		       REQUESTS / times[ROUNDS / 2] / 1e6, REQUESTS / times[ROUNDS - 1] / 1e6,
		       REQUESTS / times[0] / 1e6);
	}
	return 0;
}
