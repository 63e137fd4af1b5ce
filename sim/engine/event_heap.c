/*
 * event_heap.c - see event_heap.h.
 */
#include "sim/engine/event_heap.h"

#include <stdlib.h>
#include <string.h>

static bool earlier(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

bool event_heap_push(struct event_heap *heap, kms_ps at, sim_event_fn *fn, void *arg, u64 data)
{
	struct event event = {at, heap->sequence++, fn, arg, data};
	size_t i = heap->n;

	if (heap->n == heap->capacity) {
		size_t capacity = heap->capacity ? heap->capacity * 2 : 64;
		struct event *events = realloc(heap->events, capacity * sizeof(*events));

		if (!events)
			return false;
		heap->events = events;
		heap->capacity = capacity;
	}
	heap->n++;
	for (; i && earlier(&event, &heap->events[(i - 1) / 2]); i = (i - 1) / 2)
		heap->events[i] = heap->events[(i - 1) / 2];
	heap->events[i] = event;
	return true;
}

struct event event_heap_pop(struct event_heap *heap)
{
	struct event first = heap->events[0];
	struct event last = heap->events[--heap->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < heap->n) {
		if (child + 1 < heap->n && earlier(&heap->events[child + 1], &heap->events[child]))
			child++;
		if (!earlier(&heap->events[child], &last))
			break;
		heap->events[i] = heap->events[child];
		i = child;
	}
	if (heap->n)
		heap->events[i] = last;
	return first;
}

void event_heap_free(struct event_heap *heap)
{
	free(heap->events);
	memset(heap, 0, sizeof(*heap));
}
