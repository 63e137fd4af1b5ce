/*
 * on_cpu.c - work that one simulated CPU does for another.
 *
 * Stands for the kernel's per-CPU work items (schedule_work_on() and
 * flush_work()): in an engine run the work is a thread of the other CPU, which
 * gets its turn when that CPU's current thread gives way, and the caller
 * sleeps until it is done. Outside an engine run there is nobody to wait for.
 */
#include "models/rt/rt.h"

u32 kms_smp_processor_id(void);
void kms_run_on_cpu(u32 cpu, void (*fn)(void *arg), void *arg);

struct remote_work {
	void (*fn)(void *arg);
	void *arg;
	struct sim_thread *waiter;
	bool done;
};

static void do_remote_work(void *arg)
{
	struct remote_work *work = arg;

	work->fn(work->arg);
	work->done = true;
	sim_wake(work->waiter, sim_this_cpu()->clock);
}

void kms_run_on_cpu(u32 cpu, void (*fn)(void *arg), void *arg)
{
	struct remote_work work = { .fn = fn, .arg = arg };
	u32 self = kms_smp_processor_id();

	if (!sim_this_cpu()) {
		rt_enter_cpu(cpu);
		fn(arg);
		rt_enter_cpu(self);
		return;
	}
	work.waiter = sim_this_cpu()->running;
	sim_thread_start(cpu, "work for another CPU", do_remote_work, &work);
	while (!work.done)
		rt_sleep();
}
