/*
 * slots.c - handing out object slots (slots.h).
 */
#include <stdlib.h>

#include "workloads/slots.h"

void slot_pool_free(struct slot_pool *p)
{
	for (u32 i = 0; i < SLOTS_MAX_CPUS; i++)
		free(p->cpus[i].refs);
	*p = (struct slot_pool){ 0 };
}

static struct slot_stack *richest(struct slot_pool *p)
{
	struct slot_stack *best = &p->cpus[0];

	for (u32 i = 1; i < SLOTS_MAX_CPUS; i++)
		if (p->cpus[i].n > best->n)
			best = &p->cpus[i];
	return best;
}

bool slot_take(struct slot_pool *p, u32 cpu, struct kms_object_ref *ref)
{
	struct slot_stack *s = &p->cpus[cpu];

	if (!s->n && p->idle > SLOTS_IDLE_MIN && p->idle > p->next / 2)
		s = richest(p);
	if (s->n) {
		*ref = s->refs[--s->n];
		p->idle--;
		return true;
	}
	if (p->next > UINT32_MAX)
		return false;
	*ref = (struct kms_object_ref){ (u32)p->next++, 0 };
	return true;
}

bool slot_untake(struct slot_pool *p, u32 cpu, struct kms_object_ref ref)
{
	struct slot_stack *s = &p->cpus[cpu];

	if (s->n == s->capacity) {
		u32 capacity = s->capacity ? 2 * s->capacity : 64;
		struct kms_object_ref *grown = realloc(s->refs, capacity * sizeof(*grown));

		if (!grown)
			return false;
		s->refs = grown;
		s->capacity = capacity;
	}
	s->refs[s->n++] = ref;
	p->idle++;
	return true;
}

bool slot_give(struct slot_pool *p, u32 cpu, struct kms_object_ref ref)
{
	ref.generation++;
	return slot_untake(p, cpu, ref);
}
