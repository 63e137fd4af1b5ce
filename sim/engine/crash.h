/*
 * crash.h - a way out of native code that crashes or does not come back.
 *
 * Loaded policies (sim/plugin) and recordings that make no sense (sim/validate)
 * can lead the allocators anywhere. The guard's owner says whether a crash is his, and goes on
 * on a stack of its own: that of the code may be used up.
 */
#ifndef SIM_ENGINE_CRASH_H
#define SIM_ENGINE_CRASH_H

#include "sim/engine/base.h"

struct crash {
	int number;	   /* signal; SIGVTALRM: another second of processor time is over */
	u64 address, code; /* that was touched; of the instruction */
};

struct crash_guard {
	/* In the signal handler. False: as if there were no guard (SIGVTALRM: go on). */
	bool (*claims)(const struct crash *crash);
	/* Outside the handler; must leave by a jump or to another fiber. */
	void (*escape)(const struct crash *crash);
};

/*
 * Call fn(arg). False: it crashed, or did not come back within so many seconds of
 * processor time; what it did until then stays. Where a guard is up already, only that counts.
 */
bool crash_run(void (*fn)(void *arg), void *arg, u32 seconds);

/* One at a time; NULL ends it, and the handlers of before are back. */
void crash_catch(const struct crash_guard *guard);

#endif
