/*
 * lock.h - spinlocks of simulated code, with queueing and accounting.
 *
 * A lock is a 32-bit word in simulated RAM (0 free, 1 held). Taking it costs
 * what an atomic on its line costs, releasing it what a write costs. When it is
 * held, the whole CPU stalls in a FIFO queue; the release hands the lock to the
 * first in the queue, which then pays for an atomic again: the transfer of the
 * line. The wait lasts from the end of the first, failed atomic to the end of
 * the releasing write; it is charged to engine_config.lock_part and accounted
 * by the lock's class and by what the holders were doing meanwhile: sim_cpu.tag
 * as it was when each of them took the lock.
 *
 * Mistakes of simulated code end the run (engine_stop()): taking a lock that
 * the CPU already holds, releasing one that it does not hold, a word that says
 * "held" although nobody holds it, more than 16 locks at once. Outside a run
 * only the word changes.
 */
#ifndef SIM_ENGINE_LOCK_H
#define SIM_ENGINE_LOCK_H

#include "sim/engine/base.h"

#define SIM_MAX_LOCK_CLASSES 16
#define SIM_MAX_TAGS 32

struct sim_lock_stat {
	u64 acquired;
	u64 contended;			  /* acquisitions that had to wait */
	kms_ps wait;			  /* sum of all waits, those not yet over up to the last hand-over */
	kms_ps wait_max;
	kms_ps wait_by_tag[SIM_MAX_TAGS]; /* adds up to wait */
};

/* pre for all: lock_class < SIM_MAX_LOCK_CLASSES. Outside a run sim_lock() needs a free lock. */
void sim_lock(u32 *word, u32 lock_class);
/* False when it is held; that is no contention. */
bool sim_trylock(u32 *word, u32 lock_class);
void sim_unlock(u32 *word, u32 lock_class);

/* Since engine_init(). */
const struct sim_lock_stat *sim_lock_stat(u32 lock_class);

#endif
