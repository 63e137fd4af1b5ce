/*
 * fiber.c - making fibers and keeping their stacks for reuse.
 */
#include "sim/engine/fiber.h"

#include <stdlib.h>
#include <sys/mman.h>

#if FIBER_ASAN
#include <sanitizer/asan_interface.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef VALGRIND_STACK_REGISTER
#define VALGRIND_STACK_REGISTER(low, high) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#define GUARD_BYTES 4096u

static struct fiber *pool;

static void fiber_first(struct fiber_transfer transfer)
{
	const struct fiber *from = transfer.data;
	struct fiber *self = from->jumped_to;

	fiber_after_jump(self, transfer);
	self->entry(self->arg);
	__builtin_trap(); /* entry returned */
}

struct fiber_transfer fiber_arrive(struct fiber_transfer transfer)
{
	struct fiber *from = transfer.data;

	from->context = transfer.context;
	return transfer;
}

static struct fiber *fiber_map(size_t stack_bytes)
{
	struct fiber *fiber = calloc(1, sizeof(*fiber));
	char *low;

	if (!fiber)
		return NULL;
	low = mmap(NULL, GUARD_BYTES + stack_bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (low == MAP_FAILED) {
		free(fiber);
		return NULL;
	}
	mprotect(low, GUARD_BYTES, PROT_NONE);
	fiber->stack = low + GUARD_BYTES;
	fiber->stack_bytes = stack_bytes;
	fiber->valgrind_id =
	    VALGRIND_STACK_REGISTER(low + GUARD_BYTES, low + GUARD_BYTES + stack_bytes);
	return fiber;
}

static void fiber_unmap(struct fiber *fiber)
{
	VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
	munmap((char *)fiber->stack - GUARD_BYTES, GUARD_BYTES + fiber->stack_bytes);
	free(fiber);
}

struct fiber *fiber_new(size_t stack_bytes, void (*entry)(void *), void *arg)
{
	struct fiber *fiber = pool;

	stack_bytes = (stack_bytes + GUARD_BYTES - 1) & ~(size_t)(GUARD_BYTES - 1);
	if (fiber && fiber->stack_bytes == stack_bytes)
		pool = fiber->next_free;
	else
		fiber = fiber_map(stack_bytes);
	if (!fiber)
		return NULL;
#if FIBER_ASAN
	/* frames that were left for good keep their red zones, also across munmap() */
	__asan_unpoison_memory_region(fiber->stack, stack_bytes);
#endif
	fiber->entry = entry;
	fiber->arg = arg;
	fiber->fake_stack = NULL;
	fiber->started = false;
	fiber_settle_float_state();
	fiber->context =
	    make_fcontext((char *)fiber->stack + stack_bytes, stack_bytes, fiber_first);
	return fiber;
}

void fiber_put(struct fiber *fiber)
{
	fiber->next_free = pool;
	pool = fiber;
}

void fiber_free_pool(void)
{
	while (pool) {
		struct fiber *next = pool->next_free;

		fiber_unmap(pool);
		pool = next;
	}
}
