/*
 * compaction.h - the compactions that a recording shows, and how the model's compare.
 */
#ifndef SIM_VALIDATE_COMPACTION_H
#define SIM_VALIDATE_COMPACTION_H

#include "sim/validate/replay.h"

enum compaction_kind {
	COMPACTION_DIRECT, /* for an allocation */
	COMPACTION_DAEMON, /* kcompactd's */
	COMPACTION_NODE,   /* the administrator's */
	COMPACTION_SUCCEEDED, /* no compaction: an allocation got its page after one */
	COMPACTION_KSWAPD_SLEEPS,
};

/* It begins in the state before line `at`; its lines in plan->lines. */
struct compaction_call {
	u32 at, kind;
	u32 first_line, nr_lines; /* none: the recording shows only that there was one */
	u32 order, gfp, alloc_flags, priority, cpu, zone_idx;
	u32 orders; /* asked for up to here, one bit each */
	int node;
};

struct compaction_plan {
	struct compaction_call *calls;
	u32 nr_calls, max_calls;
	u32 *lines;
	u32 nr_lines, max_lines;
};

/* compaction_plan.c: from the trace's lines; < 0: no memory */
int compaction_plan(const struct replay *v, struct compaction_plan *plan);

#endif
