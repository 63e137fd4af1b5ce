/*
 * core.c - the two core models: what overlaps, and when the clock has to wait.
 *
 * in-order: the CPU waits for every access; only prefetches are under way
 * beside it.
 *
 * ooo: an interval model of an out-of-order core. The clock is the front end's:
 * an access costs its share of throughput when it is dispatched and goes on by
 * itself. The clock stands still only when
 *   - the reorder buffer is full: rob instructions' worth of work was dispatched
 *     after a load whose data are not there. Seen at the next access that
 *     reaches the model and charged as if at the instant at which it filled, so
 *     the engine's short cut makes no difference;
 *   - an address depends on data that are not there. The stream of accesses
 *     has no registers, so this is decided by value: when a word that a load
 *     under way reads is a pointer into simulated memory, accesses within 2 KiB
 *     of where it points wait for it (pointer chase: serial). All others are
 *     independent (arrays, memset, copies: parallel). Branches are taken to be
 *     predicted;
 *   - the store buffer is full. Stores retire at once, ask for their line at
 *     once, and enter the cache in program order (TSO); loads find their data
 *     there at no cost;
 *   - a locked operation or a fence: waits for all loads and stores.
 * The contents of simulated memory do not follow the store buffer: they are
 * sequentially consistent, in clock order.
 *
 * What the CPU does not see of a latency is its beginning: a wait is charged to
 * the last parts of the flight waited for. So the parts add up to the clock.
 */
#include "models/hw/core.h"

#include <string.h>

#include "models/hw/hierarchy.h"

#define POINTER_REACH 2048u

void core_init(struct core *core, const struct core_config *config)
{
	double cycle_ps = 1e3 / config->ghz;

	core->model = config->model;
	core->store_buffer = (u32)config->store_buffer;
	core->rob_ps = (kms_ps)((double)config->rob / config->ipc * cycle_ps + 0.5);
	core->fence_ps = (kms_ps)(config->fence_cycles * cycle_ps + 0.5);
	if (config->model == HW_CORE_OOO && (double)config->retire_width > config->ipc)
		core->catch_up = 1 - config->ipc / (double)config->retire_width;
}

/* ---- time ---- */

static void charge_parts(struct sim_cpu *sim, const kms_ps part[HW_NR_PARTS])
{
	for (u32 p = 0; p < HW_NR_PARTS; p++)
		if (part[p])
			sim_charge(sim, p, part[p]);
}

/* Stand still for the last `gap` of a latency. */
static void stall(struct hw_cpu *cpu, const kms_ps latency[HW_NR_PARTS], kms_ps gap)
{
	kms_ps part[HW_NR_PARTS] = { 0 };

	hw_tail(latency, gap, part);
	charge_parts(cpu->sim, part);
	cpu->stats.core_stalls++;
}

static void wait_until(struct hw_cpu *cpu, kms_ps done, const kms_ps latency[HW_NR_PARTS])
{
	if (done > cpu->sim->clock)
		stall(cpu, latency, done - cpu->sim->clock);
}

/* Everything dispatched so far, as time at full speed. */
static kms_ps core_work(const struct hw_cpu *cpu)
{
	const struct sim_cpu *sim = cpu->sim;
	u64 n = 0;

	for (u32 kind = 0; kind < SIM_NR_ACCESS_KINDS; kind++)
		n += cpu->accesses[kind] + sim->fast_hits[kind];
	return sim->part[PART_EXEC] + n * cpu->hit_ps;
}

static u64 store_number(const struct hw_cpu *cpu)
{
	return cpu->accesses[SIM_WRITE] + cpu->sim->fast_hits[SIM_WRITE];
}

/* ---- what is under way ---- */

static void retire_loads(struct hw_cpu *cpu)
{
	struct core *core = &cpu->core;
	u32 kept = 0;

	for (u32 i = 0; i < core->nr_loads; i++) {
		if (core->loads[i].done <= cpu->sim->clock)
			continue;
		if (kept != i)
			core->loads[kept] = core->loads[i];
		kept++;
	}
	core->nr_loads = kept;
}

static struct core_store *store_at(struct core *core, u32 i)
{
	return &core->stores[(core->first_store + i) % CORE_STORES];
}

static void retire_stores(struct hw_cpu *cpu)
{
	struct core *core = &cpu->core;

	while (core->nr_stores && store_at(core, 0)->done <= cpu->sim->clock) {
		core->first_store = (core->first_store + 1) % CORE_STORES;
		core->nr_stores--;
	}
}

/* ---- before an access ---- */

/* Loads that filled the reorder buffer before their data came, oldest first. */
static void wait_for_room(struct hw_cpu *cpu)
{
	struct core *core = &cpu->core;
	kms_ps work = core_work(cpu);

	for (u32 i = 0; i < core->nr_loads; i++) {
		const struct core_load *l = &core->loads[i];
		kms_ps full_at;

		if (work - l->work < core->rob_ps)
			break;
		full_at = cpu->sim->clock - (work - l->work - core->rob_ps);
		if (l->done > full_at)
			stall(cpu, l->part, l->done - full_at);
	}
}

static bool depends(const struct core_load *l, u64 off)
{
	for (u32 i = 0; i < l->nr_pointers; i++)
		if (off - l->pointers[i] + POINTER_REACH < 2 * POINTER_REACH)
			return true;
	return false;
}

static void wait_for_pointers(struct hw_cpu *cpu, u64 off)
{
	for (u32 i = 0; i < cpu->core.nr_loads; i++)
		if (depends(&cpu->core.loads[i], off))
			wait_until(cpu, cpu->core.loads[i].done, cpu->core.loads[i].part);
}

/* A store needs an entry: it waits until the oldest has left. */
static void wait_for_entry(struct hw_cpu *cpu)
{
	struct core *core = &cpu->core;

	while (core->nr_stores &&
	       store_number(cpu) - store_at(core, 0)->number >= core->store_buffer) {
		wait_until(cpu, store_at(core, 0)->done, store_at(core, 0)->part);
		retire_stores(cpu);
	}
}

static void wait_for_all(struct hw_cpu *cpu)
{
	struct core *core = &cpu->core;

	for (u32 i = 0; i < core->nr_loads; i++)
		wait_until(cpu, core->loads[i].done, core->loads[i].part);
	if (core->nr_stores) {
		const struct core_store *last = store_at(core, core->nr_stores - 1);

		wait_until(cpu, last->done, last->part);
	}
}

void core_before(struct hw_cpu *cpu, u64 off, enum sim_access kind)
{
	struct core *core = &cpu->core;

	wait_for_room(cpu);
	retire_loads(cpu);
	wait_for_pointers(cpu, off);
	if (kind == SIM_ATOMIC)
		wait_for_all(cpu);
	retire_stores(cpu);
	if (kind == SIM_WRITE)
		wait_for_entry(cpu);
	if (core->nr_loads == CORE_LOADS)
		wait_until(cpu, core->loads[0].done, core->loads[0].part);
	retire_loads(cpu);
	retire_stores(cpu);
}

/* ---- after it ---- */

/* Lines near the pointer may no longer be served without asking. */
static void forget_near(struct hw_cpu *cpu, u64 pointer)
{
	for (u32 i = 0; i <= cpu->l1.set_mask; i++) {
		u64 off = cpu->fast[i] >> 1 << SIM_LINE_SHIFT;

		if (off - pointer + POINTER_REACH + SIM_LINE_BYTES < 2 * POINTER_REACH + SIM_LINE_BYTES)
			cpu->fast[i] = HW_FAST_EMPTY;
	}
}

/* What the word at off points at, if simulated memory is there to look into. */
static void note_pointer(struct hw_cpu *cpu, struct core_load *l, u64 off)
{
	u64 word, pointer;

	off &= ~7ull;
	if (off >= sim_ram_limit || l->nr_pointers == CORE_POINTERS)
		return;
	memcpy(&word, ram_ptr(off), sizeof(word));
	pointer = word - SIM_RAM_BASE;
	if (pointer >= sim_ram_limit)
		return;
	l->pointers[l->nr_pointers++] = pointer;
	forget_near(cpu, pointer);
}

/* Stores reach the cache one after the other; while any waits, all others queue behind it. */
static void add_store(struct hw_request *rq)
{
	struct hw_cpu *cpu = rq->cpu;
	struct core *core = &cpu->core;
	const struct core_store *last = store_at(core, core->nr_stores - 1);
	struct core_store *s = store_at(core, core->nr_stores);
	bool behind = core->nr_stores && last->done > rq->now;

	s->done = behind ? last->done : rq->now;
	s->number = store_number(cpu);
	memcpy(s->part, behind ? last->part : rq->part, sizeof(s->part));
	for (u32 i = 0; !core->nr_stores && i <= cpu->l1.set_mask; i++)
		if (cpu->fast[i] != HW_FAST_EMPTY)
			cpu->fast[i] &= ~1ull;
	core->nr_stores++;
}

static void add_load(struct hw_request *rq, u64 off)
{
	struct hw_cpu *cpu = rq->cpu;
	struct core *core = &cpu->core;
	struct core_load *l = NULL;

	for (u32 i = 0; i < core->nr_loads && !l; i++)
		if (core->loads[i].line == rq->line && core->loads[i].done >= rq->now)
			l = &core->loads[i];
	if (!l) {
		l = &core->loads[core->nr_loads++];
		l->line = rq->line;
		l->done = rq->now;
		l->work = core_work(cpu);
		l->nr_pointers = 0;
		memcpy(l->part, rq->part, sizeof(l->part));
	}
	note_pointer(cpu, l, off);
}

/* A load that found no miss register holds the front end up; a store waits in its buffer. */
static void wait_for_register(struct hw_request *rq)
{
	kms_ps part[HW_NR_PARTS] = { 0 };

	for (u32 p = 0; p < HW_NR_PARTS; p++) {
		part[p] = rq->waited[p];
		rq->part[p] -= rq->waited[p];
	}
	charge_parts(rq->cpu->sim, part);
}

void core_after(struct hw_request *rq, u64 off, enum sim_access kind, kms_ps start)
{
	struct hw_cpu *cpu = rq->cpu;
	bool waits = cpu->core.model == HW_CORE_IN_ORDER || kind == SIM_ATOMIC;

	if (kind == SIM_PREFETCHW)
		return;
	if (!waits || !rq->part[PART_L1])
		sim_charge(cpu->sim, PART_L1, cpu->hit_ps);
	if (waits) {
		charge_parts(cpu->sim, rq->part);
	} else if (rq->now > start && kind == SIM_WRITE) {
		add_store(rq);
	} else if (rq->now > start) {
		wait_for_register(rq);
		add_load(rq, off);
	}
}

kms_ps core_atomic(struct hw_cpu *cpu, kms_ps alone)
{
	struct core *core = &cpu->core;
	kms_ps work = core_work(cpu), hidden;

	hidden = (kms_ps)((double)(work - core->atomic_work) * core->catch_up);
	if (core->chain.bound + hidden > cpu->sim->clock) /* loads that wait for each other do not catch up */
		hidden = cpu->sim->clock > core->chain.bound ? cpu->sim->clock - core->chain.bound : 0;
	alone -= hidden < alone ? hidden : alone;
	core->atomic_work = work + alone;
	return alone;
}

void core_drain(struct hw_cpu *cpu)
{
	wait_for_room(cpu);
	wait_for_all(cpu);
	retire_loads(cpu);
	retire_stores(cpu);
}

void core_fence(struct hw_cpu *cpu)
{
	core_drain(cpu);
	sim_charge(cpu->sim, PART_EXEC, cpu->core.fence_ps);
}
