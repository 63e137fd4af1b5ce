/*
 * kthread.c - tasks of the simulated kernel: its threads, sleep, the owner of pages.
 *
 * In an engine run kswapd and kcompactd of each node are daemon threads of one
 * of the node's CPUs (rt_start_kthreads()). Several tasks share a CPU, so what
 * belongs to the running one - operation, lock-holder tag, capture - is put by
 * while another runs: rt_save_task() around everything that gives way.
 *
 * Without an engine run there is one task at a time, and a kernel thread's work
 * is done where it is woken.
 */
#include <stdlib.h>
#include <string.h>

#include "models/rt/rt_internal.h"
#include "sim/engine/ram.h"

#define MAX_NODES 64
#define PS_PER_MS 1000000000ull

struct kthread {
	struct sim_thread *thread;
	u32 kind, node, cpu;
	bool woken, napping;
};

static struct kthread kthreads[NR_KTHREADS][MAX_NODES];
static struct rt_kthread_config config;
static struct rt_owner owner;

/* Of the task that runs on each CPU. */
static struct task {
	void *capture;
	struct kthread *kthread;
	u32 reclaim_depth;
	kms_ps part[NR_PARTS]; /* when the outermost kms_reclaim_begin() was passed */
} tasks[SIM_MAX_CPUS];

void rt_reset_tasks(void)
{
	memset(kthreads, 0, sizeof(kthreads));
	memset(tasks, 0, sizeof(tasks));
	memset(&config, 0, sizeof(config));
	memset(&owner, 0, sizeof(owner));
}

static struct task *this_task(void)
{
	return &tasks[sim_current ? sim_current->id : rt.cpu];
}

/* ---- giving way ---- */

/* What other tasks of the CPU must not disturb. */
struct saved_task {
	struct rt_op op;
	struct task task;
	u32 tag;
};

static void save_task(struct saved_task *s)
{
	struct kthread *k = this_task()->kthread;

	if (k && config.end)
		config.end(config.arg, k->cpu, k->kind);
	s->op = *rt_op(sim_current->id);
	s->task = *this_task();
	s->tag = sim_current->tag;
	memset(this_task(), 0, sizeof(struct task));
}

static void restore_task(const struct saved_task *s)
{
	struct kthread *k = s->task.kthread;

	*this_task() = s->task;
	rt_set_op(sim_current->id, &s->op);
	sim_current->tag = s->tag;
	if (k && config.begin)
		config.begin(config.arg, k->cpu, k->kind);
}

void rt_sleep(void)
{
	struct saved_task saved;

	save_task(&saved);
	sim_sleep();
	restore_task(&saved);
}

void kms_cond_resched(void)
{
	struct saved_task saved;

	if (!sim_current || !sim_must_resched())
		return;
	save_task(&saved);
	sim_resched();
	restore_task(&saved);
}

bool kms_nap(u64 ms)
{
	struct saved_task saved;
	struct kthread *k;
	kms_ps until;

	if (!sim_current)
		return false;
	k = this_task()->kthread;
	until = sim_current->clock + ms * PS_PER_MS;
	save_task(&saved);
	if (k && config.napping)
		config.napping(config.arg, true);
	if (!k || !k->woken)
		sim_sleep_until(until);
	if (k && config.napping)
		config.napping(config.arg, false);
	restore_task(&saved);
	if (k)
		k->woken = false;
	return sim_current->clock < until;
}

/* ---- kernel threads ---- */

bool kms_in_kthread(void)
{
	return this_task()->kthread != NULL;
}

static void kthread_main(void *arg)
{
	struct kthread *k = arg;

	for (;;) {
		while (!k->woken)
			sim_sleep();
		k->woken = false;
		this_task()->kthread = k;
		if (config.napping)
			config.napping(config.arg, false);
		if (config.begin)
			config.begin(config.arg, k->cpu, k->kind);
		if (k->kind == KTHREAD_KSWAPD)
			config.mm->kswapd(k->node);
		else
			config.mm->kcompactd(k->node);
		if (config.end)
			config.end(config.arg, k->cpu, k->kind);
		if (config.napping)
			config.napping(config.arg, true);
		memset(this_task(), 0, sizeof(struct task));
	}
}

int rt_start_kthreads(const struct rt_kthread_config *c, struct kms_error *err)
{
	static const char *const names[NR_KTHREADS] = { "kswapd", "kcompactd" };

	config = *c;
	for (u32 kind = 0; kind < NR_KTHREADS; kind++)
		for (u32 node = 0; node < c->nr_nodes && node < MAX_NODES; node++) {
			struct kthread *k = &kthreads[kind][node];

			*k = (struct kthread){ .kind = kind, .node = node, .cpu = c->cpu[node] };
			k->thread = sim_thread_start(k->cpu, names[kind], kthread_main, k);
			if (!k->thread)
				return kms_fail(err, KMS_EFAIL, "no memory for kernel threads");
			sim_thread_daemon(k->thread);
		}
	return 0;
}

void kms_wake_kthread(u32 kind, u32 nid, void (*work)(u32 nid))
{
	struct kthread *k = &kthreads[kind][nid];
	struct task *task = this_task();
	void *capture = task->capture;
	struct kthread *outer = task->kthread;
	static struct kthread in_place; /* says "a kernel thread", no more */

	if (sim_current && k->thread) {
		k->woken = true;
		sim_wake(k->thread, sim_current->clock);
		return;
	}
	task->capture = NULL;
	task->kthread = &in_place;
	work(nid);
	task = this_task();
	task->kthread = outer;
	task->capture = capture;
}

/* ---- time in reclaim ---- */

void kms_reclaim_begin(void)
{
	struct task *task = this_task();

	if (sim_current && !task->reclaim_depth++)
		memcpy(task->part, sim_current->part, sizeof(task->part));
}

/* What passed since the beginning, waits apart, becomes time of reclaim: sums stay as they are. */
void kms_reclaim_end(void)
{
	struct task *task = this_task();

	if (!sim_current || --task->reclaim_depth)
		return;
	for (u32 i = 0; i < NR_PARTS; i++) {
		kms_ps spent = sim_current->part[i] - task->part[i];

		if (i == PART_LOCK || i == PART_RECLAIM || i == PART_WAIT)
			continue;
		sim_current->part[i] -= spent;
		sim_current->part[PART_RECLAIM] += spent;
	}
}

/* ---- capture ---- */

void kms_set_capture(void *capture)
{
	this_task()->capture = capture;
}

void *kms_capture(void)
{
	return this_task()->capture;
}

/* ---- the owner ---- */

void rt_set_owner(const struct rt_owner *o)
{
	owner = *o;
}

bool kms_owner_lets_go(u64 mapping, u64 index)
{
	return owner.lets_go && owner.lets_go(owner.arg, mapping, index);
}

bool kms_owner_moves(u64 mapping, u64 index, u64 new_pfn)
{
	return owner.moves && owner.moves(owner.arg, mapping, index, new_pfn);
}

u64 kms_owner_kill(u32 task)
{
	return owner.kill ? owner.kill(owner.arg, task) : 0;
}

u64 kms_shrink_count(u32 shrinker, u32 nid)
{
	return owner.shrink_count ? owner.shrink_count(owner.arg, shrinker, nid) : 0;
}

u64 kms_shrink_scan(u32 shrinker, u32 nid, u64 n)
{
	return owner.shrink_scan ? owner.shrink_scan(owner.arg, shrinker, nid, n) : SHRINK_STOP;
}

void kms_copy_page(void *d, const void *s)
{
	if (!sim_current)
		return;
	sim_access_range(ram_off(s), SIM_PAGE_BYTES, SIM_READ);
	sim_access_range(ram_off(d), SIM_PAGE_BYTES, SIM_WRITE);
}
