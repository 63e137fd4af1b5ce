/*
 * percpu.c - memory that every CPU has its own copy of.
 *
 * A per-CPU pointer is an offset into each CPU's area (kernel.h). Areas are
 * filled from the front; what is given back waits on a list, whose links lie
 * in the first CPU's copy, for a request of the same size.
 */
#include "models/mm/page_internal.h"

#define PERCPU_FIRST_OFFSET 64 /* 0 is no pointer */

struct free_percpu_chunk {
	u64 next; /* offset, 0 ends */
	u64 size;
};

static struct free_percpu_chunk *chunk_at(u64 offset)
{
	return (struct free_percpu_chunk *)(READ_ONCE(kdata->per_cpu_offset[0]) + offset);
}

/* Chunks are at least as large as the link that they hold while free. */
static u64 chunk_size(u64 size)
{
	return ALIGN(max(size, (u64)sizeof(struct free_percpu_chunk)), 8ul);
}

static u64 take_freed(u64 size, u64 align)
{
	u64 *link = &kdata->percpu_free, offset;

	while ((offset = READ_ONCE(*link))) {
		struct free_percpu_chunk *chunk = chunk_at(offset);

		if (READ_ONCE(chunk->size) == size && offset % align == 0) {
			WRITE_ONCE(*link, READ_ONCE(chunk->next));
			return offset;
		}
		link = &chunk->next;
	}
	return 0;
}

static u64 take_fresh(u64 size, u64 align)
{
	u64 offset = ALIGN(max(kdata->percpu_used, (u64)PERCPU_FIRST_OFFSET), align);

	if (offset + size > kdata->percpu_unit_bytes)
		return 0;
	kdata->percpu_used = offset + size;
	return offset;
}

/* NULL when the areas are full. pre: align is a power of two. */
void __percpu *__alloc_percpu(u64 size, u64 align)
{
	u64 offset;
	u32 cpu;

	size = chunk_size(size);
	align = max(align, 8ul);
	offset = take_freed(size, align);
	if (!offset)
		offset = take_fresh(size, align);
	if (!offset)
		return NULL;
	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		memset((void *)(kdata->per_cpu_offset[cpu] + offset), 0, size);
	return (void __percpu *)offset;
}

/* size as given to __alloc_percpu() */
void free_percpu(void __percpu *p, u64 size)
{
	struct free_percpu_chunk *chunk;

	if (!p)
		return;
	chunk = chunk_at((u64)p);
	chunk->size = chunk_size(size);
	chunk->next = kdata->percpu_free;
	kdata->percpu_free = (u64)p;
}
