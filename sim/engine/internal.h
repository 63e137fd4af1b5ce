/*
 * internal.h - what the engine's files share: sched.c, hooks.c and lock.c.
 */
#ifndef SIM_ENGINE_INTERNAL_H
#define SIM_ENGINE_INTERNAL_H

#include "sim/engine/engine.h"

/* The access function of engine_config, never NULL. */
extern sim_access_fn *engine_access;
/* part[] index of spinlock waits. */
extern u32 engine_lock_part;

/* lock.c: forget all locks and statistics. */
void sim_locks_reset(void);
/* lock.c: what a CPU stalls for, as text; "" when it is no lock. */
void sim_lock_describe_wait(u32 cpu, char *text, size_t size);

#endif
