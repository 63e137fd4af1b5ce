/*
 * slots.h - dense numbers for the objects of a workload being made.
 *
 * A freed object's slot goes to the next object that the same CPU allocates,
 * last freed first. So the order of a slot's objects is one CPU's program order,
 * whatever the pace of the others in replay, and traces compress well (block.h).
 * Where one CPU only allocates and another only frees, slots are taken from the
 * richest CPU once more lie idle than are in use.
 */
#ifndef WORKLOADS_SLOTS_H
#define WORKLOADS_SLOTS_H

#include "workloads/request.h"

#define SLOTS_MAX_CPUS 256
#define SLOTS_IDLE_MIN 65536 /* idle slots that are always tolerated */

struct slot_stack {
	struct kms_object_ref *refs; /* with the generation of the next object */
	u32 n, capacity;
};

struct slot_pool {
	struct slot_stack cpus[SLOTS_MAX_CPUS];
	u64 next; /* never used yet; the size of the table so far */
	u64 idle;
};

void slot_pool_free(struct slot_pool *p);
/* A slot for a new object; false: out of host memory, or of slots. */
bool slot_take(struct slot_pool *p, u32 cpu, struct kms_object_ref *ref);
/* The object was freed by this CPU. */
bool slot_give(struct slot_pool *p, u32 cpu, struct kms_object_ref ref);
/* Undo slot_take(): there was no such object after all. */
bool slot_untake(struct slot_pool *p, u32 cpu, struct kms_object_ref ref);

#endif
