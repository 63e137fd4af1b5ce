/*
 * mshr.h - miss status holding registers: which misses a cache has under way.
 *
 * A register is busy from the miss until its line is there, and knows where
 * the time goes. A miss that finds all of them busy sets out when the first is
 * free; an access to a line that is under way merges: it waits for that one.
 */
#ifndef MODELS_HW_MSHR_H
#define MODELS_HW_MSHR_H

#include "models/rt/rt.h"

#define HW_NR_PARTS (PART_DRAM + 1) /* parts that a memory access is made of */
#define MSHR_MAX 64

struct mshr {
	u32 n; /* 1..MSHR_MAX */
	kms_ps quiet_at; /* nothing is under way from then on */
	kms_ps busy_until[MSHR_MAX];
	u64 line[MSHR_MAX];
	kms_ps part[MSHR_MAX][HW_NR_PARTS];
};

/* n == 0: as many as there can be. */
static inline void mshr_init(struct mshr *m, u64 n)
{
	m->n = n && n < MSHR_MAX ? (u32)n : MSHR_MAX;
}

/* The register that is free first. */
static inline u32 mshr_first(const struct mshr *m, kms_ps now)
{
	u32 first = 0;

	for (u32 i = 0; i < m->n; i++) {
		if (m->busy_until[i] <= now)
			return i;
		if (m->busy_until[i] < m->busy_until[first])
			first = i;
	}
	return first;
}

static inline bool mshr_has_free(const struct mshr *m, kms_ps now)
{
	return m->busy_until[mshr_first(m, now)] <= now;
}

/* The register that a line is on its way in, or -1. */
static inline int mshr_find(const struct mshr *m, u64 line, kms_ps now)
{
	if (m->quiet_at <= now)
		return -1;
	for (u32 i = 0; i < m->n; i++)
		if (m->line[i] == line && m->busy_until[i] > now)
			return (int)i;
	return -1;
}

/* Add the last `gap` of a latency made of parts; what is beyond it goes to the first look-up. */
static inline void hw_tail(const kms_ps from[HW_NR_PARTS], kms_ps gap, kms_ps to[HW_NR_PARTS])
{
	for (u32 p = HW_NR_PARTS; gap && p-- > 0;) {
		kms_ps n = from[p] < gap ? from[p] : gap;

		to[p] += n;
		gap -= n;
	}
	to[PART_L1] += gap;
}

#endif
