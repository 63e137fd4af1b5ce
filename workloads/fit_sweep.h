/*
 * fit_sweep.h - finds in a stream where many objects die together, for fit.c.
 *
 * A stretch of one CPU's requests in which frees outnumber its own allocations at
 * least eight times, and those of each other CPU twice (so that it is not the
 * other end of a pipe), is a sweep when it frees enough. Whether it does is known at its
 * end; until then its deaths wait here (at most as many as there were live objects).
 */
#ifndef WORKLOADS_FIT_SWEEP_H
#define WORKLOADS_FIT_SWEEP_H

#include "workloads/fit.h"

struct fit_death {
	u64 serial; /* of its allocation, over all CPUs */
	u32 class;
	u32 epoch;  /* sweeps known at its birth */
	u16 bucket; /* of its lifetime */
	bool remote;
};

struct fit_stretch { /* of one CPU */
	struct fit_death *deaths;
	u64 n, room;
	s32 credit;
};

/* False: out of host memory. */
bool fit_stretch_death(struct fit_stretch *s, const struct fit_death *death);
/* An allocation, by the stretch's CPU or (own false) another. */
bool fit_stretch_alloc(struct fit *fit, u32 cpu, struct fit_stretch *s, bool own);
/* Counts what waits: as a sweep, or each by its lifetime. */
bool fit_stretch_end(struct fit *fit, u32 cpu, struct fit_stretch *s);

/* A class's entry for a sweep, made when it is not there. NULL: out of host memory. */
struct fit_sweep *fit_sweep_of(struct fit_class *c, u32 sweep);

#endif
