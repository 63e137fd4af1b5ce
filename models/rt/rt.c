/*
 * rt.c - the state under the allocators: operations, per-CPU offsets, tracepoints.
 *
 * kms_trace() is the only call that allocator code makes of its own accord, in
 * both flavours, so it is kept short: a counter, the path, a probe if there is
 * one, and in an engine run the instruction work in integer picoseconds.
 */
#include "models/rt/rt_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything one pass needs, on one cache line. */
struct tracepoint {
	u64 ps_x1024, ps_x1024_per_arg;
	u64 insns_x1024, insns_x1024_per_arg;
	rt_probe_fn *probe;
	void *arg;
	u64 passed;
	u32 path;
} __attribute__((aligned(64)));

struct rt_state rt;

static struct tracepoint points[NR_TRACEPOINTS];
static struct rt_op ops[SIM_MAX_CPUS];
static struct rt_op *functional_op = ops; /* of the CPU entered last */

static const u8 tracepoint_paths[] = {
#define TRACEPOINT(name, path, args, doc) path,
#include "models/mm/tracepoints.def"
#undef TRACEPOINT
};

static int set_cost(struct tracepoint *point, const char *name, const struct rt_cost *cost,
		    kms_ps ps_per_insn_x1024, struct kms_error *err)
{
	double ps = (double)ps_per_insn_x1024;

	if (!(cost->insns >= 0 && cost->insns_per_arg >= 0))
		return kms_fail(err, KMS_EUSAGE,
				"cost of tracepoint %s: %g + %g per argument instructions, "
				"expected no negative numbers",
				name, cost->insns, cost->insns_per_arg);
	point->ps_x1024 = (u64)llround(cost->insns * ps);
	point->ps_x1024_per_arg = (u64)llround(cost->insns_per_arg * ps);
	point->insns_x1024 = (u64)llround(cost->insns * 1024);
	point->insns_x1024_per_arg = (u64)llround(cost->insns_per_arg * 1024);
	return 0;
}

int rt_init(const struct rt_config *config, u32 nr_cpus, struct kms_error *err)
{
	int rc = 0;

	if (nr_cpus > SIM_MAX_CPUS)
		return kms_fail(err, KMS_EUSAGE, "%u simulated CPUs, expected at most %u", nr_cpus,
				SIM_MAX_CPUS);
	memset(&rt, 0, sizeof(rt));
	memset(points, 0, sizeof(points));
	memset(ops, 0, sizeof(ops));
	functional_op = ops;
	rt_reset_tasks();
	rt.ps_per_insn_x1024 = config->costs ? config->ps_per_insn_x1024 : 0;
	rt.irq_save_ps = config->irq_save_ps;
	rt.irq_restore_ps = config->irq_restore_ps;
	rt.cpu_relax_ps = config->cpu_relax_ps ? config->cpu_relax_ps : 1;
	for (u32 i = 0; i < NR_TRACEPOINTS && !rc; i++) {
		points[i].path = tracepoint_paths[i];
		if (config->costs)
			rc = set_cost(&points[i], rt_tracepoint_names[i], &config->costs[i],
				      config->ps_per_insn_x1024, err);
	}
	return rc;
}

void rt_set_percpu(u32 cpu, u64 offset_address)
{
	rt.percpu[cpu] = offset_address;
	if (cpu == rt.cpu)
		rt.cpu_percpu = offset_address;
}

void rt_enter_cpu(u32 cpu)
{
	rt.cpu = cpu;
	rt.cpu_percpu = rt.percpu[cpu];
	functional_op = &ops[cpu];
}

void rt_begin_op(u32 cpu)
{
	ops[cpu] = (struct rt_op){ .number = ++rt.operations };
}

void rt_set_op(u32 cpu, const struct rt_op *op)
{
	ops[cpu] = *op;
}

const struct rt_op *rt_op(u32 cpu)
{
	return &ops[cpu];
}

void rt_work(u32 insns)
{
	ops[sim_current->id].insns_x1024 += (u64)insns << 10;
	sim_charge(sim_current, PART_EXEC, (insns * rt.ps_per_insn_x1024 + 512) >> 10);
}

const u64 *rt_trace_counts(void)
{
	static u64 counts[NR_TRACEPOINTS];

	for (u32 i = 0; i < NR_TRACEPOINTS; i++)
		counts[i] = points[i].passed;
	return counts;
}

void rt_probe(u32 tracepoint, rt_probe_fn *fn, void *arg)
{
	points[tracepoint].probe = fn;
	points[tracepoint].arg = arg;
}

rt_probe_fn *rt_probe_of(u32 tracepoint, void **arg)
{
	*arg = points[tracepoint].arg;
	return points[tracepoint].probe;
}

static inline void note_pass(struct tracepoint *point, struct rt_op *op)
{
	point->passed++;
	op->tracepoints++;
	if (point->path > op->path)
		op->path = point->path;
}

void kms_trace(u32 tracepoint, u64 a, u64 b, u64 c)
{
	struct tracepoint *point = &points[tracepoint];
	struct sim_cpu *cpu = sim_current;
	struct rt_op *op;

	if (!cpu) {
		note_pass(point, functional_op);
		if (KMS_UNLIKELY(point->probe))
			point->probe(point->arg, rt.cpu, a, b, c);
		return;
	}
	op = &ops[cpu->id];
	note_pass(point, op);
	if (KMS_UNLIKELY(point->probe))
		point->probe(point->arg, cpu->id, a, b, c);
	op->insns_x1024 += point->insns_x1024 + point->insns_x1024_per_arg * a;
	sim_charge(cpu, PART_EXEC, (point->ps_x1024 + point->ps_x1024_per_arg * a + 512) >> 10);
	sim_sync();
}

/* ---- errors in allocator code ---- */

/* The innermost rt_protect(). */
static struct protection {
	jmp_buf unwind;
	struct kms_error error;
	struct protection *outer;
} * protection;

int rt_protect(void (*fn)(void *), void *arg, struct kms_error *err)
{
	struct protection self;

	self.error.code = KMS_OK;
	self.outer = protection;
	protection = &self;
	if (!setjmp(self.unwind))
		fn(arg);
	protection = self.outer;
	return self.error.code ? kms_fail(err, self.error.code, "%s", self.error.text) : 0;
}

void rt_fail(const char *text)
{
	if (engine_running()) {
		engine_stop(KMS_EFAIL, "%s", text);
	} else if (protection) {
		kms_fail(&protection->error, KMS_EFAIL, "%s", text);
		longjmp(protection->unwind, 1);
	}
	fprintf(stderr, "outside any run: %s\n", text);
	abort();
}

void kms_bug(const char *file, int line, const char *what)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s:%d: allocator check failed on CPU %u", file, line,
			 kms_smp_processor_id());

	rt_replay_bug(file, line, what);
	if (engine_running())
		n += snprintf(text + n, sizeof(text) - (size_t)n, " at %llu ps",
			      (unsigned long long)engine_now());
	snprintf(text + n, sizeof(text) - (size_t)n, ": %s", what);
	rt_fail(text);
}
