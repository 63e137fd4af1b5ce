/*
 * synthetic_living.c - see synthetic_living.h.
 */
#include "workloads/synthetic_living.h"

#include <stdlib.h>

bool living_append(struct living_list *list, struct living object)
{
	if (list->n == list->capacity) {
		u64 capacity = list->capacity ? 2 * list->capacity : 256;
		struct living *grown = realloc(list->items, capacity * sizeof(*grown));

		if (!grown)
			return false;
		list->items = grown;
		list->capacity = capacity;
	}
	list->items[list->n++] = object;
	return true;
}

static bool dies_before(const struct living *a, const struct living *b)
{
	return a->death != b->death ? a->death < b->death : a->serial < b->serial;
}

bool living_push(struct living_list *heap, struct living object)
{
	struct living *items;
	u64 at = heap->n;

	if (!living_append(heap, object))
		return false;
	items = heap->items;
	for (; at && dies_before(&object, &items[(at - 1) / 2]); at = (at - 1) / 2)
		items[at] = items[(at - 1) / 2];
	items[at] = object;
	return true;
}

struct living living_pop(struct living_list *heap)
{
	struct living *items = heap->items, first = items[0], last = items[--heap->n];
	u64 at = 0;

	for (;;) {
		u64 child = 2 * at + 1;

		if (child >= heap->n)
			break;
		if (child + 1 < heap->n && dies_before(&items[child + 1], &items[child]))
			child++;
		if (!dies_before(&items[child], &last))
			break;
		items[at] = items[child];
		at = child;
	}
	items[at] = last;
	return first;
}
