/*
 * tournament.h - which CPU is the earliest, and until when.
 *
 * A complete binary tree whose leaves are the CPUs' clocks; an inner node holds
 * the smaller of its two children, the left one (lower CPU number) when they
 * are equal. Changing one clock replays the matches on its way to the root;
 * the runner-up of the winner is the smallest of the siblings on its way. Both
 * take log2(CPUs) steps over a few cache lines: measured better than a heap
 * from four CPUs up, because the winner's clock usually moves back only a little.
 */
#ifndef SIM_ENGINE_TOURNAMENT_H
#define SIM_ENGINE_TOURNAMENT_H

#include "sim/engine/engine.h"

/* The key of a CPU that has nothing to run; + 1 must not overflow. */
#define TOURNAMENT_NEVER (~0ull - 1)

/* Two arrays: a 16-byte node would be stored in halves and loaded whole, which stalls. */
struct tournament {
	u32 leaves; /* power of two; leaf of CPU i is node leaves + i, the root is node 1 */
	u64 key[2 * SIM_MAX_CPUS];
	u32 cpu[2 * SIM_MAX_CPUS]; /* whose key that is */
};

static inline void tournament_init(struct tournament *t, u32 nr_cpus)
{
	t->leaves = 1;
	while (t->leaves < nr_cpus)
		t->leaves *= 2;
	for (u32 i = 2 * t->leaves; i-- > 1;) {
		t->key[i] = TOURNAMENT_NEVER;
		t->cpu[i] = i >= t->leaves ? i - t->leaves : t->cpu[2 * i];
	}
}

static inline void tournament_set(struct tournament *t, u32 cpu, u64 key)
{
	u32 i = t->leaves + cpu;

	t->key[i] = key;
	for (; i > 1; i /= 2) {
		u64 other = t->key[i ^ 1];
		/* all ones when the match is lost (the right one loses ties): who wins is hard to
		 * predict */
		u64 lost = -(u64)(other < key + (i & 1));

		key ^= (key ^ other) & lost;
		cpu ^= (cpu ^ t->cpu[i ^ 1]) & (u32)lost;
		t->key[i / 2] = key;
		t->cpu[i / 2] = cpu;
	}
}

static inline u32 tournament_winner(const struct tournament *t)
{
	return t->cpu[1];
}

static inline u64 tournament_first(const struct tournament *t)
{
	return t->key[1];
}

/* The clock at which the winner stops winning: a tie is won by the lower CPU number. */
static inline u64 tournament_horizon(const struct tournament *t)
{
	u64 horizon = TOURNAMENT_NEVER;

	for (u32 i = t->leaves + t->cpu[1]; i > 1; i /= 2) {
		u64 key = t->key[i ^ 1] + !(i & 1);

		horizon = key < horizon ? key : horizon;
	}
	return horizon;
}

#endif
