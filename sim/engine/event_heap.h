/*
 * event_heap.h - pending events in time order; equal times in the order they were made.
 *
 * A binary heap with a sequence number as second key. Used by sched.c only.
 */
#ifndef SIM_ENGINE_EVENT_HEAP_H
#define SIM_ENGINE_EVENT_HEAP_H

#include "sim/engine/engine.h"

struct event {
	kms_ps at;
	u64 sequence;
	sim_event_fn *fn;
	void *arg;
	u64 data;
};

struct event_heap {
	struct event *events; /* events[0] is the earliest */
	size_t n, capacity;
	u64 sequence;
};

/* False when the host is out of memory. */
bool event_heap_push(struct event_heap *heap, kms_ps at, sim_event_fn *fn, void *arg, u64 data);

/* pre: heap->n > 0 */
struct event event_heap_pop(struct event_heap *heap);
void event_heap_free(struct event_heap *heap);

#endif
