/*
 * crash.c - crash.h: signals, and how the interrupted code goes on elsewhere.
 */
#include "sim/engine/crash.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <ucontext.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1 /* GCC defines it itself */
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#define FRAMES_LEFT (256u << 10) /* bytes of stack that a call may have used */

static char escape_stack[256 << 10] __attribute__((aligned(64)));
static char signal_stack[64 << 10] __attribute__((aligned(64)));

static const int caught[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGVTALRM };
static struct sigaction before[KMS_ARRAY_SIZE(caught)];
static stack_t stack_before;
static const struct crash_guard *catching;
static struct crash crash;

static __attribute__((noreturn)) void after_crash(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, crash.number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	catching->escape(&crash);
	abort();
}

static u64 code_at(const ucontext_t *u)
{
#if defined(__x86_64__)
	return (u64)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return u->uc_mcontext.pc;
#else
	return 0;
#endif
}

static void go_on_in_after_crash(ucontext_t *u)
{
#if defined(__x86_64__)
	u->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)after_crash;
	u->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)(escape_stack + sizeof(escape_stack) - 72);
#elif defined(__aarch64__)
	u->uc_mcontext.pc = (u64)(uintptr_t)after_crash;
	u->uc_mcontext.sp = (u64)(uintptr_t)(escape_stack + sizeof(escape_stack) - 64);
#else
	signal(crash.number, SIG_DFL);
#endif
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	const struct crash now = { number, (u64)(uintptr_t)info->si_addr, code_at(context) };

	if (catching->claims(&now)) {
		crash = now;
		go_on_in_after_crash(context);
	} else if (number != SIGVTALRM) {
		signal(number, SIG_DFL);
	}
}

void crash_catch(const struct crash_guard *guard)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
	struct itimerval every = { .it_interval = { .tv_sec = guard != NULL }, .it_value = { .tv_sec = guard != NULL } };
	stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
	bool on = guard && !catching, off = !guard && catching;

	if (off)
		setitimer(ITIMER_VIRTUAL, &every, NULL);
	if (on)
		sigaltstack(&stack, &stack_before);
	catching = guard ? guard : catching;
	for (size_t i = 0; (on || off) && i < KMS_ARRAY_SIZE(caught); i++)
		sigaction(caught[i], on ? &action : &before[i], on ? &before[i] : NULL);
	if (on)
		setitimer(ITIMER_VIRTUAL, &every, NULL);
	if (off)
		sigaltstack(&stack_before, NULL);
	catching = guard;
}

/* ---- one call ---- */

static struct call {
	jmp_buf unwind;
	u32 seconds;
} call;

static bool call_claims(const struct crash *now)
{
	return now->number != SIGVTALRM || !call.seconds--;
}

static void call_escape(const struct crash *now)
{
	longjmp(call.unwind, 1);
}

/* The address sanitizer does not notice that the frames which call_escape() left are gone. */
static __attribute__((noinline)) void forget_frames(void)
{
#ifdef __SANITIZE_ADDRESS__
	char *here = __builtin_frame_address(0);

	__asan_unpoison_memory_region(here - FRAMES_LEFT, FRAMES_LEFT);
#endif
}

bool crash_run(void (*fn)(void *arg), void *arg, u32 seconds)
{
	static const struct crash_guard guard = { call_claims, call_escape };
	volatile bool came_back = false; /* also read when fn was left by longjmp() */

	if (catching) {
		fn(arg);
		return true;
	}
	call.seconds = seconds;
	crash_catch(&guard);
	if (!setjmp(call.unwind)) {
		fn(arg);
		came_back = true;
	}
	crash_catch(NULL);
	if (!came_back)
		forget_frames();
	return came_back;
}
