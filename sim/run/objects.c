/*
 * objects.c - the table of what the workload holds, indexed by slot.
 *
 * A slot's generations normally follow each other. Where CPUs run at another
 * pace than when they were recorded, a slot's next object can be allocated
 * before the last one is freed; such objects go to a small overflow pool and
 * are chained to the slot, so that replay neither waits nor mixes them up.
 */
#include "sim/run/internal.h"

#include <stdlib.h>
#include <sys/mman.h>

/*
 * nr_slots may be an upper bound, as of workloads that are made while they run:
 * host memory is taken only for slots that are used.
 */
int objects_init(struct objects *o, u64 nr_slots, struct kms_error *err)
{
	*o = (struct objects){ .nr_slots = nr_slots ? nr_slots : 1 };
	o->slots = mmap(NULL, o->nr_slots * sizeof(*o->slots), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (o->slots != MAP_FAILED)
		return 0;
	o->slots = NULL;
	return kms_fail(err, KMS_EFAIL, "no memory for %llu objects", (unsigned long long)nr_slots);
}

void objects_free(struct objects *o)
{
	if (o->slots)
		munmap(o->slots, o->nr_slots * sizeof(*o->slots));
	free(o->overflow);
	*o = (struct objects){ 0 };
}

struct object *objects_find(const struct objects *o, struct kms_object_ref ref)
{
	struct object *e = &o->slots[ref.slot];

	if (e->state != OBJECT_FREE && e->generation == ref.generation)
		return e;
	while (e->next) {
		e = &o->overflow[e->next - 1];
		if (e->generation == ref.generation)
			return e;
	}
	return NULL;
}

/* An unused overflow entry (index + 1); 0 when host memory is out. */
static u32 overflow_get(struct objects *o)
{
	u32 at = o->free_overflow;

	if (!at) {
		u32 n = o->nr_overflow ? 2 * o->nr_overflow : 64;
		struct object *grown = realloc(o->overflow, n * sizeof(*grown));

		if (!grown)
			return 0;
		o->overflow = grown;
		for (u32 i = n; i > o->nr_overflow; i--) {
			grown[i - 1] = (struct object){ .next = o->free_overflow };
			o->free_overflow = i;
		}
		o->nr_overflow = n;
		at = o->free_overflow;
	}
	o->free_overflow = o->overflow[at - 1].next;
	return at;
}

struct object *objects_add(struct objects *o, struct kms_object_ref ref)
{
	struct object *head = &o->slots[ref.slot], *e = head;

	if (ref.slot >= o->used)
		o->used = (u64)ref.slot + 1;
	if (head->state != OBJECT_FREE) {
		u32 at = overflow_get(o);

		if (!at)
			return NULL;
		e = &o->overflow[at - 1];
		*e = (struct object){ .next = head->next };
		head->next = at;
	} else {
		*e = (struct object){ .next = head->next };
	}
	e->generation = ref.generation;
	e->state = OBJECT_LIVE;
	return e;
}

static void overflow_put(struct objects *o, u32 at)
{
	o->overflow[at - 1] = (struct object){ .next = o->free_overflow };
	o->free_overflow = at;
}

void objects_remove(struct objects *o, struct kms_object_ref ref)
{
	struct object *e = &o->slots[ref.slot];
	u32 at;

	if (e->state != OBJECT_FREE && e->generation == ref.generation) {
		at = e->next;
		if (!at) {
			e->state = OBJECT_FREE;
			return;
		}
		*e = o->overflow[at - 1];
		overflow_put(o, at);
		return;
	}
	for (; e->next; e = &o->overflow[e->next - 1]) {
		at = e->next;
		if (o->overflow[at - 1].generation == ref.generation) {
			e->next = o->overflow[at - 1].next;
			overflow_put(o, at);
			return;
		}
	}
}
