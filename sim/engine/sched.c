/*
 * sched.c - simulated time: whose turn it is, threads, events, the end of a run.
 *
 * There is no scheduler loop. Whoever has to give way (sim_switch(), a thread
 * that sleeps, stalls or ends) runs the events that are due on its own stack,
 * asks the tournament for the earliest CPU and jumps straight to that CPU's
 * fiber. The main context is jumped to only when the run is over.
 *
 * Invariant while a thread runs: its CPU's (clock, id) was the smallest when
 * its clock was last compared with sim_horizon, and no event was due before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/event_heap.h"
#include "sim/engine/fiber.h"
#include "sim/engine/internal.h"
#include "sim/engine/tournament.h"

#define DEFAULT_STACK_BYTES (256u << 10)

enum thread_state {
	THREAD_READY,   /* in its CPU's queue */
	THREAD_TIMED,   /* in the queue as well, but asleep until ready_at */
	THREAD_RUNNING, /* cpu.pub.running */
	THREAD_SLEEPING /* only sim_wake() helps */
};

struct sim_thread {
	struct fiber *fiber;
	struct cpu *cpu;
	const char *name;
	sim_thread_fn *fn;
	void *arg;
	enum thread_state state;
	bool daemon;
	kms_ps ready_at;
	struct sim_thread *next_ready;
	struct sim_thread *next, **pprev; /* all threads */
};

/* A CPU as the engine sees it. */
struct cpu {
	struct sim_cpu pub;       /* first: sim_cpu pointers are converted back */
	struct sim_thread *ready; /* ascending ready_at, FIFO among equals */
	bool stalled;
	u32 stall_part;
};

struct sim_cpu *sim_current;
kms_ps sim_horizon = TOURNAMENT_NEVER;
sim_access_fn *engine_access;
u32 engine_lock_part;

static struct {
	struct cpu *cpus;
	u32 nr_cpus;
	size_t stack_bytes;
	kms_ps time_limit;
	struct tournament order;
	/* the fiber of each CPU's running thread, NULL without one: what a switch needs, densely */
	struct fiber *fibers[SIM_MAX_CPUS];
	kms_ps cutoff; /* the first event or the time limit: nobody gets there unnoticed */
	struct event_heap events;
	struct sim_thread *threads; /* newest first */
	u64 awake;                  /* threads that keep the run going */
	bool running, in_event;
	kms_ps event_time; /* of the event being run, or run last */
	struct kms_error stop;
	struct fiber main;
	struct fiber *on; /* whose stack this is */
	jmp_buf unwind;   /* out of an event on the main stack */
} eng;

/* ---- setting up ---- */

static void access_free_of_charge(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	(void)cpu, (void)off, (void)size, (void)kind;
}

int engine_init(const struct engine_config *config, struct kms_error *err)
{
	if (eng.cpus)
		return kms_fail(err, KMS_EFAIL, "the engine is already in use");
	if (!config->nr_cpus || config->nr_cpus > SIM_MAX_CPUS)
		return kms_fail(err, KMS_EUSAGE, "%u simulated CPUs, expected 1 to %u",
				config->nr_cpus, SIM_MAX_CPUS);
	if (config->lock_part >= SIM_MAX_PARTS)
		return kms_fail(err, KMS_EUSAGE, "lock part %u, expected less than %u",
				config->lock_part, SIM_MAX_PARTS);
	memset(&eng, 0, sizeof(eng));
	eng.cpus = calloc(config->nr_cpus, sizeof(*eng.cpus));
	if (!eng.cpus)
		return kms_fail(err, KMS_EFAIL, "out of memory for %u CPUs", config->nr_cpus);
	for (u32 i = 0; i < config->nr_cpus; i++)
		eng.cpus[i].pub.id = i;
	eng.nr_cpus = config->nr_cpus;
	eng.stack_bytes = config->stack_bytes ? config->stack_bytes : DEFAULT_STACK_BYTES;
	eng.time_limit = config->time_limit ? config->time_limit : TOURNAMENT_NEVER;
	eng.cutoff = eng.time_limit;
	eng.on = &eng.main;
	eng.main.started = true;
	engine_access = config->access ? config->access : access_free_of_charge;
	engine_lock_part = config->lock_part;
	tournament_init(&eng.order, config->nr_cpus);
	sim_locks_reset();
	return 0;
}

static void thread_free(struct sim_thread *thread)
{
	*thread->pprev = thread->next;
	if (thread->next)
		thread->next->pprev = thread->pprev;
	fiber_put(thread->fiber);
	free(thread);
}

void engine_exit(void)
{
	while (eng.threads)
		thread_free(eng.threads);
	fiber_free_pool();
	event_heap_free(&eng.events);
	free(eng.cpus);
	memset(&eng, 0, sizeof(eng));
	sim_current = NULL;
	sim_horizon = TOURNAMENT_NEVER;
}

u32 engine_nr_cpus(void)
{
	return eng.nr_cpus;
}

struct sim_cpu *engine_cpu(u32 id)
{
	return &eng.cpus[id].pub;
}

bool engine_running(void)
{
	return eng.running;
}

/* ---- time ---- */

static kms_ps later(kms_ps a, kms_ps b)
{
	return a > b ? a : b;
}

/* Everything that happened in the runs so far happened by then. */
static kms_ps end_of_runs(void)
{
	kms_ps end = eng.event_time;

	for (u32 i = 0; i < eng.nr_cpus; i++)
		end = later(end, eng.cpus[i].pub.clock);
	return end;
}

kms_ps engine_now(void)
{
	kms_ps now;

	if (eng.in_event)
		return eng.event_time;
	if (!sim_current)
		return end_of_runs();
	tournament_set(&eng.order, sim_current->id, sim_current->clock);
	now = tournament_first(&eng.order);
	if (eng.events.n && eng.events.events[0].at < now)
		now = eng.events.events[0].at;
	return now;
}

/* Put a CPU where its state says it belongs; a running CPU may have to give way to it sooner. */
static void cpu_place(struct cpu *cpu)
{
	u64 key = TOURNAMENT_NEVER;

	if (cpu->stalled)
		;
	else if (cpu->pub.running)
		key = cpu->pub.clock;
	else if (cpu->ready)
		key = later(cpu->pub.clock, cpu->ready->ready_at);
	tournament_set(&eng.order, cpu->pub.id, key);
	if (sim_current && sim_current != &cpu->pub) {
		key += sim_current->id < cpu->pub.id;
		if (key < sim_horizon)
			sim_horizon = key;
	}
}

/* Who runs on the CPU now; NULL for nobody. */
static void set_running(struct cpu *cpu, struct sim_thread *thread)
{
	cpu->pub.running = thread;
	eng.fibers[cpu->pub.id] = thread ? thread->fiber : NULL;
}

/* ---- events ---- */

static void update_cutoff(void)
{
	eng.cutoff = eng.time_limit;
	if (eng.events.n && eng.events.events[0].at < eng.cutoff)
		eng.cutoff = eng.events.events[0].at;
}

void sim_event_at(kms_ps at, sim_event_fn *fn, void *arg, u64 data)
{
	at = later(at, engine_now());
	if (!event_heap_push(&eng.events, at, fn, arg, data))
		engine_stop(KMS_EFAIL, "out of memory for %zu pending events", eng.events.n);
	update_cutoff();
	if (at < sim_horizon)
		sim_horizon = at;
}

static void run_first_event(void)
{
	struct event event = event_heap_pop(&eng.events);

	update_cutoff();
	eng.event_time = event.at;
	eng.in_event = true;
	event.fn(event.arg, event.data);
	eng.in_event = false;
}

static void run_due_events(void)
{
	while (eng.events.n && eng.events.events[0].at <= tournament_first(&eng.order))
		run_first_event();
}

/* ---- the end of a run ---- */

/* Continue the main context in engine_run(), from wherever this is. */
static void leave_run(void)
{
	struct fiber *from = eng.on;

	eng.in_event = false;
	sim_current = NULL;
	if (from == &eng.main)
		longjmp(eng.unwind, 1);
	eng.on = &eng.main;
	fiber_switch(from, &eng.main);
	__builtin_unreachable();
}

void engine_stop(enum kms_code code, const char *fmt, ...)
{
	va_list ap;

	if (!eng.stop.code) {
		eng.stop.code = code;
		va_start(ap, fmt);
		vsnprintf(eng.stop.text, sizeof(eng.stop.text), fmt, ap);
		va_end(ap);
	}
	if (eng.running)
		leave_run();
}

static bool keeps_run_going(const struct sim_thread *thread)
{
	return !thread->daemon || thread->state == THREAD_READY || thread->state == THREAD_RUNNING;
}

static void describe_thread(const struct sim_thread *thread, char *text, size_t size)
{
	char lock[128];
	const char *does = "waits for its CPU";

	sim_lock_describe_wait(thread->cpu->pub.id, lock, sizeof(lock));
	if (thread->state == THREAD_SLEEPING)
		does = "sleeps";
	else if (thread->state == THREAD_RUNNING)
		does = lock[0] ? lock : "stalls";
	snprintf(text, size, "\"%s\" on CPU %u %s", thread->name, thread->cpu->pub.id, does);
}

/* Nothing can run any more, and threads are left. The text has the oldest of them. */
static void report_deadlock(void)
{
	struct sim_thread *stuck[6];
	char text[800] = "", one[256];
	u32 n = 0;

	for (struct sim_thread *t = eng.threads; t; t = t->next)
		if (keeps_run_going(t))
			stuck[n++ % KMS_ARRAY_SIZE(stuck)] = t;
	for (u32 i = 0; i < n && i < KMS_ARRAY_SIZE(stuck); i++) {
		size_t used = strlen(text);

		describe_thread(stuck[(n - 1 - i) % KMS_ARRAY_SIZE(stuck)], one, sizeof(one));
		snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "", one);
	}
	one[0] = 0;
	if (n > KMS_ARRAY_SIZE(stuck))
		snprintf(one, sizeof(one), " and %zu more", n - KMS_ARRAY_SIZE(stuck));
	kms_fail(&eng.stop, KMS_EFAIL, "deadlock at %llu ps: %s%s",
		 (unsigned long long)end_of_runs(), text, one);
}

/* ---- whose turn it is ---- */

static void start_next_thread(struct cpu *cpu, kms_ps at)
{
	struct sim_thread *thread = cpu->ready;

	cpu->ready = thread->next_ready;
	if (thread->state == THREAD_TIMED && thread->daemon)
		eng.awake++;
	thread->state = THREAD_RUNNING;
	set_running(cpu, thread);
	cpu->pub.idle += at - cpu->pub.clock;
	cpu->pub.clock = at;
}

static void stop_at_limit(const struct cpu *cpu)
{
	const struct sim_thread *thread = cpu->pub.running ? cpu->pub.running : cpu->ready;

	kms_fail(&eng.stop, KMS_EFAIL,
		 "simulated time reached the limit of %llu ps with \"%s\" on CPU %u still running",
		 (unsigned long long)eng.time_limit, thread->name, cpu->pub.id);
}

/* The winner of the tournament goes on, until its horizon. */
static inline void make_current(struct sim_cpu *cpu)
{
	kms_ps horizon = tournament_horizon(&eng.order);

	sim_horizon = horizon < eng.cutoff ? horizon : eng.cutoff;
	sim_current = cpu;
}

/* The fiber to continue, the main one at the end of the run. Makes its CPU current. */
static struct fiber *next_fiber(void)
{
	kms_ps first = tournament_first(&eng.order);
	struct cpu *cpu = &eng.cpus[tournament_winner(&eng.order)];

	if (!eng.awake && !eng.events.n)
		return &eng.main;
	if (first >= eng.time_limit) {
		if (first != TOURNAMENT_NEVER)
			stop_at_limit(cpu);
		return &eng.main;
	}
	if (!cpu->pub.running)
		start_next_thread(cpu, first);
	make_current(&cpu->pub);
	return cpu->pub.running->fiber;
}

/* Give way: to the earliest CPU, to the end of the run, or to nobody. */
static void dispatch(struct fiber *from)
{
	struct fiber *to;

	sim_current = NULL;
	run_due_events();
	to = next_fiber();
	if (to != from) {
		eng.on = to;
		fiber_switch(from, to);
	}
}

/* dispatch() for the commonest case: no event is due, and the earliest CPU is in a thread. */
void sim_switch(void)
{
	u32 self = sim_current->id, next;
	struct fiber *from = eng.fibers[self], *to;

	tournament_set(&eng.order, self, sim_current->clock);
	next = tournament_winner(&eng.order);
	to = eng.fibers[next];
	if (KMS_UNLIKELY(tournament_first(&eng.order) >= eng.cutoff || !to)) {
		dispatch(from);
		return;
	}
	make_current(&eng.cpus[next].pub);
	if (KMS_LIKELY(to != from)) {
		eng.on = to;
		fiber_switch(from, to);
	}
}

int engine_run(struct kms_error *err)
{
	eng.running = true;
	fiber_settle_float_state();
	if (!eng.stop.code && !setjmp(eng.unwind))
		dispatch(&eng.main);
	if (!eng.stop.code && eng.awake)
		report_deadlock();
	eng.running = false;
	sim_current = NULL;
	sim_horizon = TOURNAMENT_NEVER;
	return eng.stop.code ? kms_fail(err, eng.stop.code, "%s", eng.stop.text) : 0;
}

/* ---- threads ---- */

static void enqueue(struct sim_thread *thread, enum thread_state state, kms_ps ready_at)
{
	struct sim_thread **at = &thread->cpu->ready;

	while (*at && (*at)->ready_at <= ready_at)
		at = &(*at)->next_ready;
	thread->state = state;
	thread->ready_at = ready_at;
	thread->next_ready = *at;
	*at = thread;
}

static void dequeue(struct sim_thread *thread)
{
	struct sim_thread **at = &thread->cpu->ready;

	while (*at != thread)
		at = &(*at)->next_ready;
	*at = thread->next_ready;
}

/* The running thread of a CPU has been queued or put to sleep: somebody else's turn. */
static void give_up_cpu(struct cpu *cpu)
{
	struct fiber *from = cpu->pub.running->fiber;

	set_running(cpu, NULL);
	cpu_place(cpu);
	dispatch(from);
}

static void thread_main(void *arg)
{
	struct sim_thread *thread = arg;
	struct cpu *cpu = thread->cpu;
	struct fiber *from = thread->fiber, *to;

	thread->fn(thread->arg);
	eng.awake--;
	set_running(cpu, NULL);
	cpu_place(cpu);
	sim_current = NULL;
	run_due_events(); /* on this stack: it must not be given back before */
	to = next_fiber();
	eng.on = to;
	thread_free(thread);
	fiber_leave(from, to);
}

struct sim_thread *sim_thread_start(u32 cpu, const char *name, sim_thread_fn *fn, void *arg)
{
	struct sim_thread *thread = calloc(1, sizeof(*thread));

	if (!thread)
		return NULL;
	thread->fiber = fiber_new(eng.stack_bytes, thread_main, thread);
	if (!thread->fiber) {
		free(thread);
		return NULL;
	}
	thread->cpu = &eng.cpus[cpu];
	thread->name = name;
	thread->fn = fn;
	thread->arg = arg;
	thread->next = eng.threads;
	thread->pprev = &eng.threads;
	if (eng.threads)
		eng.threads->pprev = &thread->next;
	eng.threads = thread;
	eng.awake++;
	enqueue(thread, THREAD_READY, later(thread->cpu->pub.clock, engine_now()));
	cpu_place(thread->cpu);
	return thread;
}

void sim_thread_daemon(struct sim_thread *thread)
{
	thread->daemon = true;
}

struct sim_thread *sim_this_thread(void)
{
	return sim_current ? sim_current->running : NULL;
}

static struct cpu *this_cpu(void)
{
	return KMS_CONTAINER_OF(sim_current, struct cpu, pub);
}

bool sim_must_resched(void)
{
	const struct cpu *cpu = this_cpu();

	return cpu->ready && cpu->ready->ready_at <= cpu->pub.clock;
}

void sim_resched(void)
{
	struct cpu *cpu = this_cpu();

	if (!sim_must_resched())
		return;
	enqueue(cpu->pub.running, THREAD_READY, cpu->pub.clock);
	give_up_cpu(cpu);
}

void sim_sleep(void)
{
	struct cpu *cpu = this_cpu();

	cpu->pub.running->state = THREAD_SLEEPING;
	eng.awake -= cpu->pub.running->daemon;
	give_up_cpu(cpu);
}

void sim_sleep_until(kms_ps at)
{
	struct cpu *cpu = this_cpu();

	if (at <= cpu->pub.clock)
		return;
	eng.awake -= cpu->pub.running->daemon;
	enqueue(cpu->pub.running, THREAD_TIMED, at);
	give_up_cpu(cpu);
}

void sim_wake(struct sim_thread *thread, kms_ps at)
{
	struct cpu *cpu = thread->cpu;

	at = later(at, later(cpu->pub.clock, engine_now()));
	if (thread->state == THREAD_TIMED && at < thread->ready_at)
		dequeue(thread);
	else if (thread->state != THREAD_SLEEPING)
		return;
	eng.awake += thread->daemon;
	enqueue(thread, THREAD_READY, at);
	if (sim_current != &cpu->pub)
		cpu_place(cpu);
}

void sim_stall(u32 part)
{
	struct cpu *cpu = this_cpu();

	cpu->stalled = true;
	cpu->stall_part = part;
	cpu_place(cpu);
	dispatch(cpu->pub.running->fiber);
}

void sim_unstall(struct sim_cpu *sim_cpu, kms_ps at)
{
	struct cpu *cpu = KMS_CONTAINER_OF(sim_cpu, struct cpu, pub);

	if (!cpu->stalled)
		return;
	at = later(at, later(sim_cpu->clock, engine_now()));
	sim_charge(sim_cpu, cpu->stall_part, at - sim_cpu->clock);
	cpu->stalled = false;
	cpu_place(cpu);
}
