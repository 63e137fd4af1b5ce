/*
 * engine_bench.c - what the engine itself costs the host.
 *
 * ns per hook: instrumented loads and stores that the short cut serves, on one
 * simulated CPU. ns per switch: CPUs that give way after every access. Locks
 * and tracepoints as the allocators call them. Best of five, because hosts are
 * shared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KMS_FLAVOUR_CYCLE
#include "models/mm/kernel.h"
#undef memset
#undef memcpy

#include "models/rt/rt.h"
#include "sim/engine/engine.h"
#include "sim/engine/ram.h"
#include "tests/sim/sim_code.h"

#define ROUNDS 5
#define HOOKS 20000000ull
#define SWITCHES 8000000ull

static double host_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void no_model(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	(void)off, (void)size, (void)kind;
	sim_charge(cpu, 0, 1000);
}

/* Each thread: nr calls of fn on a line of its own; volatile: the result is not wanted. */
struct job {
	void (*fn)(u64 *p, u64 n);
	u64 n;
};

static void run_job(void *arg)
{
	const struct job *job = arg;

	job->fn(ram_ptr(0x1000 * (sim_current->id + 1)), job->n);
}

static void sum(u64 *p, u64 n)
{
	sim_code_sum(p, n, 0);
}

static void write_words(u64 *p, u64 n)
{
	sim_code_write(p, n);
}

static void lock_free(u64 *p, u64 n)
{
	u32 *lock = (u32 *)(p + 8); /* p itself was written to */

	while (n--) {
		kms_spin_lock(lock, LOCK_ZONE);
		kms_spin_unlock(lock, LOCK_ZONE);
	}
}

static void lock_shared(u64 *p, u64 n)
{
	(void)p;
	lock_free(ram_ptr(0x100), n);
}

static void trace(u64 *p, u64 n)
{
	(void)p;
	while (n--)
		trace1(slab_alloc_fast, n);
}

/* ns per access of nr_cpus CPUs doing n accesses each; with the short cut or without. */
static double measure(u32 nr_cpus, u64 n, bool fast, void (*fn)(u64 *p, u64 n))
{
	struct engine_config config = {.nr_cpus = nr_cpus, .access = no_model};
	struct job job = {fn, n};
	struct kms_error err = {KMS_OK, ""};
	double best = 1e30;

	for (int round = 0; round < ROUNDS; round++) {
		u64 lines[SIM_MAX_CPUS];
		double start;

		if (engine_init(&config, NULL))
			exit(1);
		for (u32 i = 0; i < nr_cpus; i++) {
			struct sim_cpu *cpu = engine_cpu(i);

			lines[i] = (u64)0x1000 * (i + 1) / SIM_LINE_BYTES << 1 | 1;
			cpu->fast = fast ? &lines[i] : NULL;
			cpu->fast_ps = 1000;
			sim_thread_start(i, "bench", run_job, &job);
		}
		start = host_ns();
		if (engine_run(&err)) {
			fprintf(stderr, "%s\n", err.text);
			exit(1);
		}
		if ((host_ns() - start) / (double)(n * nr_cpus) < best)
			best = (host_ns() - start) / (double)(n * nr_cpus);
		engine_exit();
	}
	return best;
}

static double measure_functional_trace(void)
{
	double best = 1e30;

	for (int round = 0; round < ROUNDS; round++) {
		double start = host_ns();

		trace(NULL, HOOKS);
		if ((host_ns() - start) / (double)HOOKS < best)
			best = (host_ns() - start) / (double)HOOKS;
	}
	return best;
}

int main(void)
{
	static const u32 cpus[] = {2, 4, 16, 64};
	static const struct rt_cost costs[NR_TRACEPOINTS] = {[TP_slab_alloc_fast] = {20, 0}};
	const struct rt_config config = {.costs = costs, .ps_per_insn_x1024 = 100 << 10};

	if (ram_map(1 << 20, 0, 0, NULL) || rt_init(&config, SIM_MAX_CPUS, NULL))
		return 1;
	printf("hook, short cut, read      %6.2f ns\n", measure(1, HOOKS, true, sum));
	printf("hook, short cut, write     %6.2f ns\n", measure(1, HOOKS, true, write_words));
	printf("hook, empty model, read    %6.2f ns\n", measure(1, HOOKS, false, sum));
	for (u32 i = 0; i < KMS_ARRAY_SIZE(cpus); i++)
		printf("hook and switch, %2u CPUs   %6.2f ns\n", cpus[i],
		       measure(cpus[i], SWITCHES / cpus[i], true, sum));
	printf("free lock and unlock       %6.2f ns\n", measure(1, HOOKS / 4, false, lock_free));
	printf("lock of 4 CPUs and unlock  %6.2f ns\n", measure(4, SWITCHES / 8, false, lock_shared));
	printf("tracepoint, cycle          %6.2f ns\n", measure(1, HOOKS, false, trace));
	printf("tracepoint, functional     %6.2f ns\n", measure_functional_trace());
	ram_unmap();
	return 0;
}
