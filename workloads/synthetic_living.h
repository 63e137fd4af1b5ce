/*
 * synthetic_living.h - the objects of a synthetic workload that will be freed:
 * a heap by time of death, and batches that are freed as a whole.
 */
#ifndef WORKLOADS_SYNTHETIC_LIVING_H
#define WORKLOADS_SYNTHETIC_LIVING_H

#include "workloads/request.h"

/* An object and when it dies. Ties: allocated first, freed first. */
struct living {
	u64 death; /* allocations of its CPU */
	u64 serial;
	struct kms_object_ref ref;
	u32 class;
	u16 cpu; /* that allocated it */
	u8 order;
};

struct living_list {
	struct living *items;
	u64 n, capacity;
};

bool living_append(struct living_list *list, struct living object);
/* As a heap, earliest death first. */
bool living_push(struct living_list *heap, struct living object);
struct living living_pop(struct living_list *heap);

#endif
