/*
 * replay.c - driving the simulated CPUs through the workload's requests.
 *
 * In cycle timing every CPU is a thread of the engine that carries out its own
 * requests in program order; in functional timing one loop merges them in
 * recorded order. A CPU waits, without that counting as latency,
 *   - for an object or slab cache that another CPU has not made yet,
 *   - at phase borders and boot steps, where all CPUs meet,
 *   - for its turn under global `order` pacing,
 *   - while the others finish their operations so that a sample is consistent.
 * Who waits is looked at again whenever a request is done.
 */
#include "sim/run/internal.h"

#include <stdlib.h>

#include "sim/run/state.h"

#define PROGRESS_EVERY 16384

/* ---- may this CPU go on? ---- */

static u64 earliest_pending(const struct replay *rp)
{
	u64 seq = ~0ull;

	for (u32 i = 0; i < rp->nr_cpus; i++)
		if (!rp->cpus[i].done && rp->cpus[i].request.seq < seq)
			seq = rp->cpus[i].request.seq;
	return seq;
}

static bool needs_objects(const struct kms_request *rq)
{
	return kms_request_classes[rq->op] == 'F' || rq->op == REQ_PAGE_SPLIT;
}

static bool needs_cache(const struct kms_request *rq)
{
	return rq->op == REQ_CACHE_ALLOC || rq->op == REQ_CACHE_ALLOC_BULK ||
	       rq->op == REQ_CACHE_DESTROY || rq->op == REQ_CACHE_SHRINK;
}

static bool objects_ready(const struct run *run, const struct kms_request *rq)
{
	if (needs_cache(rq) && !run->caches[rq->cache])
		return false;
	for (u32 i = 0; needs_objects(rq) && i < rq->n; i++) {
		const struct object *object = objects_find(&run->objects, rq->refs[i]);

		if (!object || object->state == OBJECT_LISTING)
			return false;
	}
	return true;
}

/* Its turn, as far as borders and pacing go. */
static bool turn_ready(const struct run *run, const struct kms_request *rq)
{
	const struct replay *rp = &run->replay;
	u64 border = rp->barrier < run->info->nr_barriers ? run->info->barriers[rp->barrier] : ~0ull;

	if (rp->sampling || rq->seq > border)
		return false;
	if (rq->seq == border || run->config->workload.pacing == PACING_ORDER || run->options->watch)
		return rq->seq == earliest_pending(rp);
	return true;
}

static void wake_ready(struct run *run)
{
	struct replay *rp = &run->replay;
	kms_ps now = sim_this_cpu()->clock;

	for (u32 i = 0; rp->waiting && i < rp->nr_cpus; i++) {
		struct replay_cpu *c = &rp->cpus[i];

		if (!c->waiting)
			continue;
		if (!rp->interrupted && !(turn_ready(run, &c->request) && objects_ready(run, &c->request)))
			continue;
		c->waiting = false;
		rp->waiting--;
		sim_wake(c->thread, now);
	}
}

/* Sleep until the CPU's request can be carried out; the time goes to *account. */
static void wait_until_ready(struct replay_cpu *c)
{
	struct run *run = c->run;
	struct replay *rp = &run->replay;

	while (!rp->interrupted) {
		bool turn = turn_ready(run, &c->request);
		struct phase_record *phase = &run->recorder.phases[run->recorder.phase];
		kms_ps since = sim_this_cpu()->clock;

		if (turn && objects_ready(run, &c->request))
			return;
		c->waiting = true;
		rp->waiting++;
		sim_sleep();
		*(turn ? &phase->object_wait : &phase->sync_wait) += sim_this_cpu()->clock - since;
	}
}

/* ---- after a request ---- */

static void show_progress(struct run *run)
{
	struct replay *rp = &run->replay;
	struct run_progress p = {
		.requests = rp->done,
		.total = rp->limit < run->info->requests ? rp->limit : run->info->requests,
		.time = run_time(run),
		.seconds = run_host_seconds() - run->started,
	};
	u32 phase = run->recorder.phase;

	rp->next_progress = rp->done + PROGRESS_EVERY;
	p.phase = phase < run->info->nr_phases ? run->info->phases[phase] : "";
	if (run->options->progress)
		run->options->progress(run->options->arg, &p);
	if (run->options->interrupted && *run->options->interrupted)
		rp->interrupted = true;
}

static int take_sample(struct run *run, struct kms_error *err)
{
	struct replay *rp = &run->replay;

	rp->sampling = false;
	rp->next_sample = rp->done + rp->sample_every;
	if (run->options->check || run->config->check) {
		if (mm_check(err))
			return kms_fail_in(err, "after request %llu", (unsigned long long)rp->done);
		if (run->machine && machine_check(run->machine, err))
			return kms_fail_in(err, "after request %llu", (unsigned long long)rp->done);
	}
	return record_sample(run, err);
}

static int finish_request(struct run *run, const struct kms_request *rq, struct kms_error *err)
{
	struct replay *rp = &run->replay;

	rp->done++;
	rp->recorded_time = rq->time;
	if (rp->barrier < run->info->nr_barriers && rq->seq == run->info->barriers[rp->barrier])
		rp->barrier++;
	if (rp->wrong)
		return kms_fail(err, rp->wrong, "request %llu (%s): %s", (unsigned long long)rq->seq,
				kms_request_names[rq->op], rp->why);
	if (rp->out_of_memory)
		return kms_fail(err, KMS_EFAIL, "the host has no memory left for the table of objects");
	if (rp->done >= rp->next_progress)
		show_progress(run);
	if (rp->done >= rp->next_sample)
		rp->sampling = true;
	if (rp->sampling && !rp->in_operation)
		return take_sample(run, err);
	return 0;
}

/* ---- one request on its CPU ---- */

static void run_vmstat(struct run *run, u32 cpu)
{
	struct op_mark mark;

	record_begin(run, cpu, OPERATION_VMSTAT, &mark);
	run->mm->refresh_cpu_vm_stats();
	record_end(run, cpu, OPERATION_VMSTAT, &mark);
}

/* The CPU's vmstat worker, when its interval has passed since it last ran. */
static void vmstat_work(struct replay_cpu *c, u64 now)
{
	u64 interval = c->run->config->periodic.vmstat / KMS_PS_PER_NS;

	if (!interval || now < c->next_vmstat)
		return;
	c->next_vmstat = now - now % interval + interval;
	run_vmstat(c->run, c->id);
}

#define SECOND_NS 1000000000
#define CPU_SKEW_NS 30000000 /* 3 jiffies: CPUs do not all work at once */

#define PROACTIVE_NS 500000000 /* kcompactd's look at how fragmented its node is */

/* On the last CPU of each node, where its kernel threads run. */
static void proactive_work(struct replay_cpu *c, u64 now)
{
	struct run *run = c->run;
	u32 node = mm_inspect_cpu_node(c->id);
	struct op_mark mark;

	if (run->config->workload.reclaim != RECLAIM_OWN || now < c->next_proactive)
		return;
	c->next_proactive = now - now % PROACTIVE_NS + PROACTIVE_NS;
	if (c->id + 1 < run->replay.nr_cpus && mm_inspect_cpu_node(c->id + 1) == node)
		return;
	record_begin(run, c->id, OPERATION_KCOMPACTD, &mark);
	run->mm->proactive_compact(node);
	record_end(run, c->id, OPERATION_KCOMPACTD, &mark);
}

/*
 * The slab layer's own periodic work, first after half its period, then at
 * whole seconds plus the CPU's skew, as the kernel rounds such timers.
 */
static void slab_work(struct replay_cpu *c, u64 now)
{
	struct run *run = c->run;
	u64 due = c->next_slab_work, period = run->slab_period, next = now + period;
	struct op_mark mark;

	if (!period || now < due)
		return;
	if (!due)
		next = now + period / 2;
	if (period >= SECOND_NS)
		next -= next % SECOND_NS;
	c->next_slab_work = next + c->id * CPU_SKEW_NS;
	if (!due)
		return;
	record_begin(run, c->id, OPERATION_SLAB_WORK, &mark);
	run->slab->periodic(now);
	record_end(run, c->id, OPERATION_SLAB_WORK, &mark);
}

static void periodic_work(struct replay_cpu *c)
{
	struct run *run = c->run;
	u64 now = c->request.time;

	if (!run->kernel_up)
		return;
	if (run->cycle && run->config->workload.pacing == PACING_TIMESTAMPS)
		now = sim_this_cpu()->clock / KMS_PS_PER_NS + run->replay.time_base;
	run->replay.in_operation++;
	vmstat_work(c, now);
	slab_work(c, now);
	proactive_work(c, now);
	run->replay.in_operation--;
}

static void touch_object(struct touch *t, const struct kms_request *rq, u32 i, const struct object *object,
			 enum sim_access kind)
{
	u64 reach = touch_reach(t, kind == SIM_WRITE, rq->seq, i, object->requested), at = ram_off(object->memory);
	u64 stride = t->config->stride;

	if (stride <= TOUCH_PIECE) {
		sim_access_range(at, reach, kind);
		return;
	}
	for (u64 done = 0; done < reach; done += stride)
		sim_access_range(at + done, reach - done < TOUCH_PIECE ? reach - done : TOUCH_PIECE, kind);
}

static void touch_memory(struct run *run, u32 cpu, const struct kms_request *rq, enum sim_access kind)
{
	struct op_mark mark;

	if (!run->cycle || !touch_any(&run->touch, kind == SIM_WRITE))
		return;
	record_begin(run, cpu, OPERATION_TOUCH, &mark);
	for (u32 i = 0; i < rq->n; i++) {
		const struct object *object = objects_find(&run->objects, rq->refs[i]);

		if (object && object->state == OBJECT_LIVE)
			touch_object(&run->touch, rq, i, object, kind);
	}
	record_end(run, cpu, OPERATION_TOUCH, &mark);
}

static void report_answers(struct run *run, const struct kms_request *rq)
{
	for (u32 i = 0; i < rq->n; i++) {
		const struct object *object = objects_find(&run->objects, rq->refs[i]);
		bool live = object && object->state == OBJECT_LIVE;

		run->options->answer(run->options->answer_arg, rq, i,
				     live ? ram_off(object->memory) : ~0ull);
	}
}

/* The watcher's turn; what it says may end the run. */
static void watch(struct run *run, const struct kms_request *rq, bool after)
{
	struct run_view view = {.info = run->info, .request = rq, .done = run->replay.done, .after = after};
	const struct object *object;

	if (!run->options->watch)
		return;
	if (rq->op == REQ_CACHE_ALLOC || rq->op == REQ_CACHE_ALLOC_BULK)
		view.cache = run->caches[rq->cache];
	object = rq->n && after == (kms_request_classes[rq->op] == 'A') ?
			 objects_find(&run->objects, rq->refs[0]) : NULL;
	if (object && object->state == OBJECT_LIVE)
		view.memory = object->memory;
	if (!run->options->watch(run->options->watch_arg, &view))
		run->replay.interrupted = true;
}

static int carry_out(struct replay_cpu *c, struct kms_error *err)
{
	struct run *run = c->run;
	const struct kms_request *rq = &c->request;
	char class = kms_request_classes[rq->op];
	struct op_mark mark;
	int ret = 0;

	run->replay.in_operation++;
	if (rq->op == REQ_PHASE) {
		ret = record_phase(run, rq->part, err);
	} else {
		if (class == 'F')
			touch_memory(run, c->id, rq, SIM_READ);
		record_begin(run, c->id, rq->op, &mark);
		watch(run, rq, false);
		execute(run, rq);
		watch(run, rq, true);
		record_end(run, c->id, rq->op, &mark);
		if (class == 'A' && run->options->answer)
			report_answers(run, rq);
		if (class == 'A')
			touch_memory(run, c->id, rq, SIM_WRITE);
		owner_list(run, c->id, rq);
	}
	run->replay.in_operation--;
	return ret ? ret : finish_request(run, rq, err);
}

/* Load the CPU's next request; false when it has none left to carry out. */
static bool next_request(struct replay_cpu *c, struct kms_error *err)
{
	struct run *run = c->run;
	int got = run->stream->next(run->stream, c->id, &c->request, err);

	if (got > 0 && c->request.node >= (s32)run->replay.nr_nodes)
		c->request.node = -1;
	c->done = got <= 0 || c->request.seq >= run->replay.limit;
	return !c->done;
}

/* ---- cycle timing: a thread per CPU ---- */

static void pace(struct replay_cpu *c)
{
	const struct workload_config *w = &c->run->config->workload;

	if (w->pacing == PACING_TIMESTAMPS)
		sim_sleep_until((kms_ps)((double)(c->request.time - c->run->replay.time_base) * w->time_scale *
					 KMS_PS_PER_NS));
	else if (w->think_time)
		sim_sleep_until(sim_this_cpu()->clock + w->think_time);
}

static void cpu_thread(void *arg)
{
	struct replay_cpu *c = arg;
	struct run *run = c->run;
	struct kms_error err = { 0 };

	while (!c->done && !run->replay.interrupted) {
		pace(c);
		wait_until_ready(c);
		if (run->replay.interrupted)
			break;
		periodic_work(c);
		if (carry_out(c, &err) || (!next_request(c, &err) && err.code))
			engine_stop(err.code, "%s", err.text);
		wake_ready(run);
		sim_resched();
	}
	c->done = true;
	wake_ready(run);
}

/* ---- the node's kernel threads ---- */

static void kthread_begins(void *arg, u32 cpu, u32 kind)
{
	struct run *run = arg;

	record_begin(run, cpu, OPERATION_KSWAPD + kind, &run->replay.kthread_marks[cpu]);
}

static void kthread_ends(void *arg, u32 cpu, u32 kind)
{
	struct run *run = arg;

	record_end(run, cpu, OPERATION_KSWAPD + kind, &run->replay.kthread_marks[cpu]);
}

/* A thread with pages in hand holds up samples like an operation does. */
static void kthread_naps(void *arg, bool napping)
{
	struct run *run = arg;
	struct replay *rp = &run->replay;
	struct kms_error err = { 0 };

	if (!napping) {
		rp->in_operation++;
		return;
	}
	rp->in_operation--;
	if (!rp->sampling || rp->in_operation)
		return;
	if (take_sample(run, &err))
		engine_stop(err.code, "%s", err.text);
	wake_ready(run);
}

/* On the last CPU of each node: if any idles, that one. */
static int start_kthreads(struct run *run, struct kms_error *err)
{
	u32 cpu_of_node[64] = { 0 }, nr_nodes = mm_inspect_nodes();
	struct rt_kthread_config config = {
		.mm = run->mm, .nr_nodes = nr_nodes, .cpu = cpu_of_node, .begin = kthread_begins,
		.end = kthread_ends, .napping = kthread_naps, .arg = run,
	};

	for (u32 cpu = 0; cpu < engine_nr_cpus(); cpu++)
		cpu_of_node[mm_inspect_cpu_node(cpu)] = cpu;
	run->replay.kthread_marks = calloc(engine_nr_cpus(), sizeof(struct op_mark));
	if (!run->replay.kthread_marks)
		return kms_fail(err, KMS_EFAIL, "no memory for kernel threads");
	return rt_start_kthreads(&config, err);
}

static int run_cycle(struct run *run, struct kms_error *err)
{
	struct replay *rp = &run->replay;
	int ret = start_kthreads(run, err);

	for (u32 i = 0; i < rp->nr_cpus; i++)
		if (!rp->cpus[i].done)
			rp->cpus[i].thread = sim_thread_start(i, "replay", cpu_thread, &rp->cpus[i]);
	return ret ? ret : engine_run(err);
}

/* ---- functional timing: one loop in recorded order ---- */

struct functional {
	struct run *run;
	struct kms_error *err;
};

static struct replay_cpu *next_in_order(struct replay *rp)
{
	struct replay_cpu *first = NULL;

	for (u32 i = 0; i < rp->nr_cpus; i++) {
		struct replay_cpu *c = &rp->cpus[i];

		if (!c->done && (!first || c->request.seq < first->request.seq))
			first = c;
	}
	return first;
}

static void functional_loop(void *arg)
{
	struct functional *f = arg;
	struct run *run = f->run;
	struct replay_cpu *c;

	while (!run->replay.interrupted && (c = next_in_order(&run->replay))) {
		rt_enter_cpu(c->id);
		periodic_work(c);
		if (!objects_ready(run, &c->request)) {
			kms_fail(f->err, KMS_EUSAGE,
				 "request %llu (%s) needs an object or slab cache that no request before it made",
				 (unsigned long long)c->request.seq, kms_request_names[c->request.op]);
			return;
		}
		if (carry_out(c, f->err))
			return;
		next_request(c, f->err);
		if (f->err->code)
			return;
	}
}

static int run_functional(struct run *run, struct kms_error *err)
{
	struct functional f = { run, err };
	int ret = rt_protect(functional_loop, &f, err);

	return ret ? ret : (int)err->code;
}

/* ---- */

static int load_first(struct run *run, struct kms_error *err)
{
	struct replay *rp = &run->replay;

	for (u32 i = 0; i < rp->nr_cpus; i++) {
		rp->cpus[i].run = run;
		rp->cpus[i].id = i;
		if (run->state && i < run->state->nr_cpus) {
			rp->cpus[i].next_vmstat = run->state->workers[i].next_vmstat;
			rp->cpus[i].next_slab_work = run->state->workers[i].next_slab_work;
		}
		next_request(&rp->cpus[i], err);
		if (err->code)
			return err->code;
	}
	return 0;
}

/* Where the replay begins, in a state: its clock, and the borders that are passed. */
static void begin_in_state(struct run *run)
{
	struct replay *rp = &run->replay;

	if (!run->state)
		return;
	rp->time_base = rp->recorded_time = run->state->recorded_time;
	while (rp->barrier < run->info->nr_barriers && run->info->barriers[rp->barrier] < run->first_request)
		rp->barrier++;
}

/* For a state that is saved: when each CPU's periodic work is due. */
static void keep_workers(struct run *run)
{
	u32 n = engine_nr_cpus();

	run->workers = calloc(n, sizeof(*run->workers));
	for (u32 i = 0; run->workers && i < n && i < run->replay.nr_cpus; i++)
		run->workers[i] = (struct state_worker){ run->replay.cpus[i].next_vmstat,
							 run->replay.cpus[i].next_slab_work };
}

int replay_run(struct run *run, struct kms_error *err)
{
	struct replay *rp = &run->replay;
	u64 total, samples = run->config->sampling.samples;
	int ret;

	rp->nr_cpus = run->info->nr_cpus;
	rp->nr_nodes = run->config->machine.memory.nodes.n ? (u32)run->config->machine.memory.nodes.n : 1;
	if (run->recorded_memory)
		rp->nr_nodes = run->info->nr_nodes;
	rp->limit = run->config->workload.max_requests ? run->config->workload.max_requests : ~0ull;
	total = rp->limit < run->info->requests ? rp->limit : run->info->requests;
	total -= total < run->first_request ? total : run->first_request;
	rp->sample_every = samples ? total / samples + 1 : ~0ull;
	rp->next_sample = samples ? rp->sample_every : ~0ull;
	rp->cpus = calloc(rp->nr_cpus, sizeof(*rp->cpus));
	if (!rp->cpus)
		return kms_fail(err, KMS_EFAIL, "no memory for %u CPUs", rp->nr_cpus);
	if (!touch_init(&run->touch, &run->config->workload.touch, run->config->seed)) {
		free(rp->cpus);
		return kms_fail(err, KMS_EFAIL, "no memory for what callers touch");
	}
	owner_start(run);
	begin_in_state(run);
	ret = shrink_start(run, err);
	if (!ret)
		ret = load_first(run, err);
	if (!ret)
		ret = run->cycle ? run_cycle(run, err) : run_functional(run, err);
	if (!ret && rp->interrupted)
		ret = kms_fail(err, KMS_EINTERRUPTED, "interrupted after %llu requests",
			       (unsigned long long)rp->done);
	keep_workers(run);
	touch_free(&run->touch);
	shrink_stop(run);
	free(rp->cpus);
	free(rp->kthread_marks);
	rp->cpus = NULL;
	rp->kthread_marks = NULL;
	return ret;
}
