/*
 * fiber.h - stacks that can be switched between, over libboost-context.
 *
 * Only the library's C symbols are used (it has no C header): make_fcontext
 * prepares a stack, jump_fcontext saves the running context on its own stack
 * and continues another, ontop_fcontext does so by way of a function. A switch
 * is a few nanoseconds; no signal masks, no system calls. Stacks are mapped with a guard page below and are reused.
 *
 * AddressSanitizer and valgrind are told about every stack, so both work
 * without false reports. Used by sched.c only.
 */
#ifndef SIM_ENGINE_FIBER_H
#define SIM_ENGINE_FIBER_H

#include "sim/engine/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#ifndef FIBER_ASAN
#define FIBER_ASAN 0
#endif

#if FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

struct fiber {
	void *context; /* where it goes on, while it is not running */
	bool started;
	void (*entry)(void *);
	void *arg;
	void *stack; /* lowest usable byte */
	size_t stack_bytes;
	void *fake_stack; /* ASan's */
	unsigned valgrind_id;
	struct fiber *jumped_to; /* last: how a new fiber learns who it is */
	struct fiber *next_free;
};

/* What a jump hands over: who jumped, and a pointer of theirs (boost's transfer_t). */
struct fiber_transfer {
	void *context;
	void *data;
};

struct fiber_transfer jump_fcontext(void *to, void *data);
struct fiber_transfer ontop_fcontext(void *to, void *data,
				     struct fiber_transfer (*fn)(struct fiber_transfer));
void *make_fcontext(void *stack_top, size_t stack_bytes, void (*entry)(struct fiber_transfer));

/*
 * A fiber that will run entry(arg) when first switched to; NULL when the host
 * has no memory. entry must not return: it ends in fiber_leave().
 */
struct fiber *fiber_new(size_t stack_bytes, void (*entry)(void *), void *arg);

/*
 * Call before the first switch of a run, and before making fibers (fiber_new()
 * does). A jump restores the floating-point control word; where its sticky
 * exception flags differ between two fibers, x86 processors flush their pipeline
 * at every switch (60 ns instead of 4). With all flags set everywhere no
 * operation changes them any more. Nothing here reads the flags.
 */
static inline void fiber_settle_float_state(void)
{
#if defined(__x86_64__)
	__builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x3f);
#endif
}

/* Give back a fiber that will never be switched to again. Its stack is reused. */
void fiber_put(struct fiber *fiber);

/* Unmap all stacks that were given back. */
void fiber_free_pool(void);

static inline void fiber_before_jump(struct fiber *from, struct fiber *to, bool dying)
{
#if FIBER_ASAN
	__sanitizer_start_switch_fiber(dying ? NULL : &from->fake_stack, to->stack,
				       to->stack_bytes);
#else
	(void)from, (void)to, (void)dying;
#endif
}

/* First thing on arrival in self, from another fiber's jump. */
static inline void fiber_after_jump(struct fiber *self, struct fiber_transfer transfer)
{
	struct fiber *from = transfer.data;

	from->context = transfer.context;
#if FIBER_ASAN
	/* tells the bottom of the stack just left: for the main one the only way to know */
	const void *bottom;
	size_t bytes;

	__sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &bytes);
	from->stack = (void *)bottom;
	from->stack_bytes = bytes;
#else
	(void)self;
#endif
}

/* Runs on the stack of the fiber being continued, just before it goes on. */
struct fiber_transfer fiber_arrive(struct fiber_transfer transfer);

/*
 * Continue `to`; returns when somebody switches back to `from`, the running fiber.
 *
 * Best called last in a function: then the compiler jumps to ontop_fcontext,
 * whose function returns straight to that function's caller, and calls and
 * returns stay paired for the processor's return predictor. A call of
 * jump_fcontext, which comes back by a jump, costs a misprediction at every
 * switch: three times the time. Fibers that were never entered, and
 * AddressSanitizer, need the plain way.
 */
static inline void fiber_switch(struct fiber *from, struct fiber *to)
{
	fiber_before_jump(from, to, false);
	if (FIBER_ASAN || KMS_UNLIKELY(!to->started)) {
		to->started = true;
		from->jumped_to = to;
		fiber_after_jump(from, jump_fcontext(to->context, from));
		return;
	}
	ontop_fcontext(to->context, from, fiber_arrive);
}

/* Continue `to` for good; `from` may have been given back already. */
static inline void fiber_leave(struct fiber *from, struct fiber *to)
{
	fiber_before_jump(from, to, true);
	to->started = true;
	from->jumped_to = to;
	jump_fcontext(to->context, from);
	__builtin_unreachable();
}

#endif
