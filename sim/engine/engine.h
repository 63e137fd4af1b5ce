/*
 * engine.h - the discrete-event engine: simulated CPUs, their clocks and order.
 *
 * Everything that will happen in a run is ordered by time here and nowhere
 * else. A simulated CPU has a clock in picoseconds; its threads are fibers.
 * The engine always resumes the CPU whose (clock, id) is smallest, and a
 * running CPU goes on without a switch as long as it stays the smallest. So
 * simulated memory is sequentially consistent, in clock order, and the same
 * run is the same run on every host.
 *
 * The engine knows nothing of Linux, caches or databases: what an access
 * costs is told by the access function that a hardware model installs
 * (models/hw), what a part of the time is called by whoever sums it up.
 *
 * Neighbours: ram.h maps simulated memory; hooks.c turns the compiler's
 * __tsan_... calls into accesses; lock.h parks fibers on spinlocks.
 *
 * There is one engine per process: simulated RAM lies at a fixed host address
 * so that pointers repeat from run to run. Parallel runs are processes.
 */
#ifndef SIM_ENGINE_ENGINE_H
#define SIM_ENGINE_ENGINE_H

#include "sim/engine/base.h"

#define SIM_MAX_CPUS 256
#define SIM_MAX_PARTS 12

/* What the running code does to memory. */
enum sim_access {
	SIM_READ,
	SIM_WRITE,
	SIM_ATOMIC,	  /* locked read-modify-write: drains the pipeline, owns the line */
	SIM_ATOMIC_LOCAL, /* unlocked read-modify-write (cmpxchg16b on per-CPU data) */
	SIM_PREFETCHW,	  /* a hint: fetches the line for writing, off the critical path */
	SIM_FENCE,	  /* a full memory fence; offset and size mean nothing */
	SIM_NR_ACCESS_KINDS
};

struct sim_thread;

/*
 * One simulated CPU. The hardware model charges time through sim_charge();
 * the sum of part[] equals clock - idle at every moment.
 *
 * fast[] is the hardware model's short cut for the commonest access. Entry
 * (line & fast_mask) holds line << 1 | writable for a line whose next access
 * by this CPU changes no model state (most recently used in its set, owned if
 * writable); such an access costs fast_ps, charged to fast_part, and the model
 * function is not called. fast == NULL: no short cut. An empty entry is ~0.
 * Accesses that cross a line and atomics always go to the model.
 */
struct sim_cpu {
	kms_ps clock;
	kms_ps idle;		   /* time without anything to run */
	kms_ps part[SIM_MAX_PARTS];
	u64 *fast;
	u64 fast_mask;
	kms_ps fast_ps;
	u32 fast_part;
	u32 id;
	kms_ps local_rmw_ps;	   /* an unlocked read-modify-write costs this on top of a write */
	u32 local_rmw_part;
	u64 fast_hits[SIM_NR_ACCESS_KINDS]; /* accesses served by fast[] */
	u64 accesses;		   /* accesses that the model served; sim_accesses() has all */
	u32 tag;		   /* what it is doing, for lock-holder accounting (models' enum) */
	void *model;		   /* the hardware model's per-CPU state */
	void *user;		   /* whoever drives the CPU (replay) */
	struct sim_thread *running;
};

/*
 * Called for every access to simulated memory that fast[] does not serve.
 * off is relative to SIM_RAM_BASE; the access may cross lines. Charges
 * cpu->clock through sim_charge(); may park the CPU (e.g. on a DRAM event).
 */
typedef void sim_access_fn(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind);

struct engine_config {
	u32 nr_cpus;
	u32 lock_part;	       /* part[] index charged with spinlock waits */
	size_t stack_bytes;    /* per fiber; 0: 256 KiB */
	sim_access_fn *access; /* NULL: accesses cost nothing */
	kms_ps time_limit;     /* a run that gets this far is stopped as endless; 0: no limit */
};

/* The running CPU; NULL outside engine_run() and in events. Use sim_this_cpu() elsewhere. */
extern struct sim_cpu *sim_current;
/* The running CPU goes on while its clock is below this. */
extern kms_ps sim_horizon;

/* KMS_EUSAGE: number of CPUs outside 1..SIM_MAX_CPUS; KMS_EFAIL: no memory, or in use. */
int engine_init(const struct engine_config *config, struct kms_error *err);
void engine_exit(void);
u32 engine_nr_cpus(void);
struct sim_cpu *engine_cpu(u32 id);

/*
 * Run until no thread is left that could run and no event is pending, or until
 * engine_stop(). Threads marked by sim_thread_daemon() do not keep the run
 * going. Returns the error given to engine_stop(), or KMS_EFAIL naming the
 * threads that wait for ever (deadlock) or still run at the time limit.
 * After a run that ended well more threads can be started and run: clocks and
 * sleeping daemons are kept. After a failed one only engine_exit() is left.
 */
int engine_run(struct kms_error *err);

/*
 * End the run from inside it (a thread, an event or the access function); does
 * not return there. Outside a run it makes the next engine_run() fail.
 */
void engine_stop(enum kms_code code, const char *fmt, ...) KMS_PRINTF(2, 3);

/* Between the beginning and the end of engine_run(), events included. */
bool engine_running(void);

/*
 * The time of the event being run; else the earliest clock of all CPUs that
 * have something to run: no event before it can happen any more.
 */
kms_ps engine_now(void);

/* ---- threads: run to completion on one CPU, in FIFO order with its others ---- */

typedef void sim_thread_fn(void *arg);

/*
 * Make a thread runnable on a CPU, from now on. name is kept by reference (for
 * error texts). The handle is valid until fn returns. NULL: the host is out of memory.
 */
struct sim_thread *sim_thread_start(u32 cpu, const char *name, sim_thread_fn *fn, void *arg);

/* A service (kswapd, a periodic worker): the run may end while it sleeps. Call before it runs. */
void sim_thread_daemon(struct sim_thread *thread);

/* The thread that is running; NULL outside threads. */
struct sim_thread *sim_this_thread(void);

/* Let the CPU's other runnable threads go first; nothing happens when there are none. */
void sim_resched(void);
bool sim_must_resched(void); /* are there any? */

/* Sleep until sim_wake(); the CPU runs its other threads or idles. */
void sim_sleep(void);

/*
 * Idle until the given time (no effect when it has passed); other threads of
 * the CPU run meanwhile, and sim_wake() ends it early.
 */
void sim_sleep_until(kms_ps at);

/*
 * Wake a sleeping thread at time `at`, never before its CPU's clock nor before
 * now. No effect if it is awake.
 */
void sim_wake(struct sim_thread *thread, kms_ps at);

/*
 * Stall the whole CPU (no other thread runs) until sim_unstall(), which charges
 * the time in between to part. For hardware and spinning. No effect on a CPU
 * that is not stalled.
 */
void sim_stall(u32 part);
void sim_unstall(struct sim_cpu *cpu, kms_ps at);

/* ---- events: callbacks in time order; equal times in the order they were made ---- */

/*
 * An event at time t runs before any CPU does anything at t. It may wake, stall
 * and start; memory it touches is not charged. A time that has passed means now.
 */
typedef void sim_event_fn(void *arg, u64 data);
void sim_event_at(kms_ps at, sim_event_fn *fn, void *arg, u64 data);

/* ---- time ---- */

static inline struct sim_cpu *sim_this_cpu(void)
{
	return sim_current;
}

/*
 * Advance a CPU's clock; every advance but idling comes through here. The code
 * that charges the running CPU outside an access calls sim_sync() afterwards.
 */
static inline void sim_charge(struct sim_cpu *cpu, u32 part, kms_ps ps)
{
	cpu->clock += ps;
	cpu->part[part] += ps;
}

/* All accesses of a CPU to simulated memory so far. */
static inline u64 sim_accesses(const struct sim_cpu *cpu)
{
	u64 n = cpu->accesses;

	for (u32 kind = 0; kind < SIM_NR_ACCESS_KINDS; kind++)
		n += cpu->fast_hits[kind];
	return n;
}

/* Out of line: another CPU is now behind; let it catch up. */
void sim_switch(void);

/*
 * After charging time outside the hooks: give way if this CPU is no longer the
 * earliest. pre: in a thread
 */
static inline void sim_sync(void)
{
	if (KMS_UNLIKELY(sim_current->clock >= sim_horizon))
		sim_switch();
}

/*
 * One access by the running CPU, charged and ordered; the hooks are thin
 * wrappers around it. When it returns it is this CPU's turn: what the caller
 * then does to the memory happens at the CPU's clock, before anything later.
 * pre: in a thread, off < sim_ram_limit
 */
void sim_access(u64 off, u32 size, enum sim_access kind);

/*
 * Charge a range line by line (memset, memcpy, the touch model), giving way
 * between lines; the caller then moves the bytes in one go. Same pre-condition.
 */
void sim_access_range(u64 off, u64 bytes, enum sim_access kind);

#endif
