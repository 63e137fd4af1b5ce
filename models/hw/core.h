/*
 * core.h - what a CPU waits for.
 *
 * machine.c finds out how long an access takes and where the time goes; the
 * core decides how much of it the CPU's clock sees. An in-order core waits for
 * everything but prefetches; core.c says what an out-of-order one overlaps.
 */
#ifndef MODELS_HW_CORE_H
#define MODELS_HW_CORE_H

#include "models/hw/core_chain.h"
#include "models/hw/machine_config.h"
#include "models/hw/mshr.h"
#include "sim/engine/engine.h"

#define CORE_LOADS 72u
#define CORE_STORES 128u /* a power of two, the most that store_buffer may be */
#define CORE_POINTERS 4u

/* A load whose data are not there yet. */
struct core_load {
	u64 line;
	kms_ps done;
	kms_ps work; /* core_work() when it was dispatched */
	u32 nr_pointers;
	u64 pointers[CORE_POINTERS]; /* offsets that the data point at */
	kms_ps part[HW_NR_PARTS];
};

/* A store that waits for its line, or for one before it. */
struct core_store {
	kms_ps done;
	u64 number; /* among the CPU's stores */
	kms_ps part[HW_NR_PARTS];
};

struct core {
	kms_ps quiet_at; /* no line is on its way to the CPU from then on */
	u32 nr_loads, nr_stores, first_store;
	u32 model; /* enum hw_core_model */
	u32 store_buffer;
	kms_ps rob_ps; /* the work that fills the reorder buffer */
	kms_ps fence_ps;
	double catch_up;     /* share of the work since the last atomic that hides part of the next */
	kms_ps atomic_work;  /* core_work() after the last atomic */
	struct core_load loads[CORE_LOADS];
	struct core_store stores[CORE_STORES]; /* a ring, in program order */
	struct core_chain chain;
};

struct hw_cpu;
struct hw_request;

void core_init(struct core *core, const struct core_config *config);

/* Before an access to off: let what is over go, wait for what the access depends on. */
void core_before(struct hw_cpu *cpu, u64 off, enum sim_access kind);
/* After it: charge what the CPU sees and note the rest. It set out at start. */
void core_after(struct hw_request *rq, u64 off, enum sim_access kind, kms_ps start);
/* What an atomic that costs so much alone costs here: work queued behind the last one caught up. */
kms_ps core_atomic(struct hw_cpu *cpu, kms_ps alone);
/* A full fence. */
void core_fence(struct hw_cpu *cpu);
/* Wait for everything that is under way: the end of a stream of accesses. */
void core_drain(struct hw_cpu *cpu);

/* Nothing is under way that an access could have to do with. */
static inline bool core_is_quiet(const struct core *core, kms_ps now)
{
	return !(core->nr_loads | core->nr_stores) && core->quiet_at <= now;
}

#endif
