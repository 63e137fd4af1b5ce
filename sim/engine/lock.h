/*
 * lock.h - spinlocks of simulated code, with queueing and accounting.
 *
 * A lock is a 32-bit word in simulated RAM (0 free, 1 held). Taking it costs
 * what an atomic on its line costs. When it is held, the whole CPU stalls in a
 * FIFO queue; the release hands the lock to the first in the queue, which pays
 * the transfer of the line. Waiting is charged to engine_config.lock_part and
 * accounted by the lock's class and by what the holder was doing (sim_cpu.tag).
 */
#ifndef SIM_ENGINE_LOCK_H
#define SIM_ENGINE_LOCK_H

#include "sim/engine/base.h"

#define SIM_MAX_LOCK_CLASSES 16
#define SIM_MAX_TAGS 32

struct sim_lock_stat {
	u64 acquired;
	u64 contended;
	kms_ps wait;			  /* sum of all waits */
	kms_ps wait_max;
	kms_ps wait_by_tag[SIM_MAX_TAGS]; /* split by what the holder was doing */
};

void sim_lock(u32 *word, u32 lock_class);
bool sim_trylock(u32 *word, u32 lock_class);
void sim_unlock(u32 *word, u32 lock_class);

const struct sim_lock_stat *sim_lock_stat(u32 lock_class);

#endif
