/*
 * count.c - see count.h. A handler for SIGTRAP sees every instruction.
 */
#include "sim/calibrate/count.h"

#include <signal.h>
#include <ucontext.h>

#ifdef __x86_64__
#define CAN_STEP 1
#else
#define CAN_STEP 0
#endif

#if CAN_STEP
static volatile u64 steps, last_at;

static void on_step(int number, siginfo_t *info, void *context)
{
	const ucontext_t *c = context;
	u64 at = (u64)c->uc_mcontext.gregs[REG_RIP];

	(void)number, (void)info;
	steps = steps + (at != last_at);
	last_at = at;
}

static void trap_flag(bool on)
{
	if (on)
		__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
	else
		__asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
}

static void step_through(void (*fn)(void *arg), void *arg)
{
	steps = 0;
	trap_flag(true);
	fn(arg);
	trap_flag(false);
}
#endif

int count_instructions(void (*fn)(void *arg), void *arg, u64 *insns, struct kms_error *err)
{
#if CAN_STEP
	struct sigaction on = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO}, before;

	sigaction(SIGTRAP, &on, &before);
	step_through(fn, arg);
	sigaction(SIGTRAP, &before, NULL);
	*insns = steps;
	return steps ? 0 : kms_fail(err, KMS_EFAIL, "this computer does not stop after each instruction (trap flag): nothing can be counted");
#else
	(void)fn, (void)arg, (void)insns;
	return kms_fail(err, KMS_EFAIL, "instructions can be counted on x86-64 only");
#endif
}

static void one_round(void *arg)
{
	stage_rounds(arg, 1);
}

static void more_rounds(void *arg)
{
	stage_rounds(arg, 3);
}

/* Two rounds more, so that what is around the rounds falls out. */
int count_loop(struct stage *s, double *insns_per_op, struct kms_error *err)
{
	u64 one = 0, three = 0;
	int rc;

	stage_rounds(s, 3);
	rc = count_instructions(one_round, s, &one, err);
	if (!rc)
		rc = count_instructions(more_rounds, s, &three, err);
	*insns_per_op = (double)(three - one) / 2 / s->ops;
	return rc;
}
