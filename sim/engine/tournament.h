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

struct tournament {
	u32 leaves; /* power of two; leaf of CPU i is node leaves + i, the root is node 1 */
	struct {
		u64 key;
		u32 cpu;
	} node[2 * SIM_MAX_CPUS];
};

static inline void tournament_init(struct tournament *t, u32 nr_cpus)
{
	t->leaves = 1;
	while (t->leaves < nr_cpus)
		t->leaves *= 2;
	for (u32 i = 2 * t->leaves; i-- > 1;) {
		t->node[i].key = TOURNAMENT_NEVER;
		t->node[i].cpu = i >= t->leaves ? i - t->leaves : t->node[2 * i].cpu;
	}
}

static inline void tournament_set(struct tournament *t, u32 cpu, u64 key)
{
	u32 i = t->leaves + cpu;

	t->node[i].key = key;
	for (i /= 2; i; i /= 2) {
		u32 child = 2 * i + (t->node[2 * i + 1].key < t->node[2 * i].key);

		t->node[i] = t->node[child];
	}
}

static inline u32 tournament_winner(const struct tournament *t)
{
	return t->node[1].cpu;
}

static inline u64 tournament_first(const struct tournament *t)
{
	return t->node[1].key;
}

/* The clock at which the winner stops winning: a tie is won by the lower CPU number. */
static inline u64 tournament_horizon(const struct tournament *t)
{
	u64 horizon = TOURNAMENT_NEVER;

	for (u32 i = t->leaves + t->node[1].cpu; i > 1; i /= 2) {
		u64 key = t->node[i ^ 1].key + !(i & 1);

		if (key < horizon)
			horizon = key;
	}
	return horizon;
}

#endif
