/*
 * machine.c - the whole machine under a trace: cores, TLBs, caches, coherence, DRAM.
 *
 * Accesses are made in file order: none starts before the one before it in the
 * file has started, nor before its own CPU is free for it. Instructions between
 * accesses run at the core's width (ooo) or ipc (in-order).
 *
 * A program's addresses (lackey, bubbles, champsim) get memory page by page in
 * the order in which they are first touched, from 0 up; the pages are
 * tlb.trace_page large. Other formats hold addresses of memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/hw/machine.h"
#include "models/rt/rt.h"
#include "sim/config/cfg.h"
#include "sim/memtrace/format.h"
#include "sim/memtrace/memtrace.h"

#define LATENCIES 65536u /* in core cycles; longer ones count as the last */
#define STOP_EVERY 65536u
#define FIRST_PAGES 4096u
#define PAGE_BYTES 4096u
#define HW_PARTS (PART_DRAM + 1)

/* Pages of the program in the order of their first use; open addressing. */
struct pages {
	u32 shift;
	u64 *keys, *frames; /* keys: page + 1, 0 empty */
	u64 size, n, limit;
	u64 last_page, last_frame;
};

struct machine_run {
	const struct memtrace_options *o;
	struct machine_config config;
	struct cfg *cfg;
	struct machine *machine;
	struct sim_cpu *cpus;
	struct memtrace_reader *trace;
	struct pages pages;
	u64 ram_bytes;
	double cycle_ps, memory_ps, insn_ps;
	double *behind; /* per CPU: instruction time not charged yet, below 1 ps */
	kms_ps last_start;
	u64 accesses, insns, latency_sum, latency_max;
	u64 latencies[LATENCIES];
};

/* ---- a program's pages ---- */

static u64 hash(u64 page)
{
	return (page * 0x9e3779b97f4a7c15ull) >> 20;
}

static u64 find_slot(const struct pages *p, u64 page)
{
	u64 i = hash(page) & (p->size - 1);

	while (p->keys[i] && p->keys[i] != page + 1)
		i = (i + 1) & (p->size - 1);
	return i;
}

static int grow(struct pages *p, struct kms_error *err)
{
	struct pages old = *p;

	p->size = old.size ? old.size * 2 : FIRST_PAGES;
	p->keys = calloc(p->size, sizeof(*p->keys));
	p->frames = calloc(p->size, sizeof(*p->frames));
	for (u64 i = 0; p->keys && p->frames && i < old.size; i++) {
		u64 to = old.keys[i] ? find_slot(p, old.keys[i] - 1) : 0;

		if (old.keys[i]) {
			p->keys[to] = old.keys[i];
			p->frames[to] = old.frames[i];
		}
	}
	free(old.keys);
	free(old.frames);
	return p->keys && p->frames ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");
}

static int frame_of(struct machine_run *run, u64 page, u64 *frame, struct kms_error *err)
{
	struct pages *p = &run->pages;
	char where[300];
	u64 i;

	if (p->n && page == p->last_page) {
		*frame = p->last_frame;
		return 0;
	}
	if (p->n * 2 >= p->size && grow(p, err))
		return KMS_EFAIL;
	i = find_slot(p, page);
	if (!p->keys[i]) {
		memtrace_where(run->trace, where, sizeof(where));
		if (p->n == p->limit)
			return kms_fail(err, KMS_EUSAGE,
					"%s: the trace touches more pages than the machine's memory "
					"has (%llu); expected a larger memory.size",
					where, (unsigned long long)p->limit);
		p->keys[i] = page + 1;
		p->frames[i] = p->n++;
	}
	p->last_page = page;
	*frame = p->last_frame = p->frames[i];
	return 0;
}

static int translate(struct machine_run *run, u64 address, u64 *off, struct kms_error *err)
{
	char where[300];
	u64 frame = 0;

	if (memtrace_is_virtual(run->trace)) {
		if (frame_of(run, address >> run->pages.shift, &frame, err))
			return KMS_EUSAGE;
		*off = frame << run->pages.shift | (address & ((1ull << run->pages.shift) - 1));
		return 0;
	}
	*off = address;
	if (address < run->ram_bytes)
		return 0;
	memtrace_where(run->trace, where, sizeof(where));
	return kms_fail(err, KMS_EUSAGE,
			"%s: address %#llx lies beyond the machine's memory of %llu MiB; expected a "
			"larger memory.size (--set memory.size=64GiB)",
			where, (unsigned long long)address, (unsigned long long)run->ram_bytes >> 20);
}

/* ---- the run ---- */

static void charge_insns(struct machine_run *run, u32 cpu, u64 insns)
{
	double ps = run->behind[cpu] + (double)insns * run->insn_ps;
	kms_ps whole = (kms_ps)ps;

	run->behind[cpu] = ps - (double)whole;
	run->insns += insns;
	sim_charge(&run->cpus[cpu], PART_EXEC, whole);
}

static void wait_until(struct sim_cpu *cpu, kms_ps at)
{
	if (at > cpu->clock) {
		cpu->idle += at - cpu->clock;
		cpu->clock = at;
	}
}

static void count_latency(struct machine_run *run, kms_ps ps)
{
	u64 cycles = (u64)((double)ps / run->cycle_ps + 0.5);

	run->accesses++;
	run->latency_sum += ps;
	if (cycles > run->latency_max)
		run->latency_max = cycles;
	run->latencies[cycles < LATENCIES ? cycles : LATENCIES - 1]++;
}

/* The bytes of one page; an access that leaves its page is two. */
static int access_part(struct machine_run *run, const struct memtrace_record *r, u64 address, u32 size,
		       kms_ps *longest, struct kms_error *err)
{
	struct sim_cpu *cpu = &run->cpus[r->cpu];
	kms_ps latency;
	u64 off;

	if (translate(run, address, &off, err))
		return KMS_EUSAGE;
	latency = machine_timed_access(cpu, off, size, r->kind == MEMTRACE_WRITE ? SIM_WRITE : SIM_READ);
	if (latency > *longest)
		*longest = latency;
	if (r->kind == MEMTRACE_MODIFY)
		machine_timed_access(cpu, off, size, SIM_WRITE);
	return 0;
}

static int make_access(struct machine_run *run, const struct memtrace_record *r, struct kms_error *err)
{
	struct sim_cpu *cpu = &run->cpus[r->cpu];
	u64 room = PAGE_BYTES - (r->address & (PAGE_BYTES - 1));
	u32 first = r->size < room ? r->size : (u32)room;
	kms_ps longest = 0;

	wait_until(cpu, (kms_ps)((double)r->cycle * run->memory_ps));
	wait_until(cpu, run->last_start);
	run->last_start = cpu->clock;
	if (access_part(run, r, r->address, first, &longest, err))
		return KMS_EUSAGE;
	if (first < r->size &&
	    access_part(run, r, r->address + first, r->size - first, &longest, err))
		return KMS_EUSAGE;
	count_latency(run, longest);
	return 0;
}

static int run_record(struct machine_run *run, const struct memtrace_record *r, struct kms_error *err)
{
	char where[300];

	if (r->cpu >= run->config.cpus) {
		memtrace_where(run->trace, where, sizeof(where));
		return kms_fail(err, KMS_EUSAGE,
				"%s: found CPU %u, but the machine has %llu; expected a machine with "
				"more (--set cpus=%u)",
				where, r->cpu, (unsigned long long)run->config.cpus, r->cpu + 1);
	}
	if (r->insns)
		charge_insns(run, r->cpu, r->insns);
	return r->kind == MEMTRACE_INSN ? 0 : make_access(run, r, err);
}

static int run_trace(struct machine_run *run, struct memtrace_result *result, struct kms_error *err)
{
	struct memtrace_record record;
	bool more = true;
	int rc = 0;

	for (u64 n = 0; !rc && (!run->o->limit || run->accesses < run->o->limit); n++) {
		if (n % STOP_EVERY == 0 && run->o->stop && *run->o->stop) {
			result->stopped = true;
			break;
		}
		rc = memtrace_next(run->trace, &record, &more, err);
		if (rc || !more)
			break;
		rc = run_record(run, &record, err);
	}
	for (u32 i = 0; !rc && i < run->config.cpus; i++)
		machine_drain(&run->cpus[i]);
	if (!rc)
		rc = machine_check(run->machine, err);
	return rc;
}

/* ---- figures ---- */

static double percentile(const struct machine_run *run, double share)
{
	u64 want = (u64)((double)run->accesses * share), seen = 0;

	for (u32 i = 0; i < LATENCIES; i++) {
		seen += run->latencies[i];
		if (seen > want)
			return i;
	}
	return 0;
}

static double ratio(u64 part, u64 whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void time_figures(const struct machine_run *run, struct memtrace_result *r)
{
	kms_ps end = 0, parts[SIM_MAX_PARTS] = { 0 };
	double cycles;

	for (u32 i = 0; i < run->config.cpus; i++) {
		end = run->cpus[i].clock > end ? run->cpus[i].clock : end;
		for (u32 p = 0; p < HW_PARTS; p++)
			parts[p] += run->cpus[i].part[p];
	}
	cycles = (double)end / run->cycle_ps;
	memtrace_count(r, "cycles", "core cycles", (u64)(cycles + 0.5));
	memtrace_number(r, "time_ns", "ns", (double)end / 1e3);
	if (memtrace_has_insns(run->trace)) {
		memtrace_count(r, "instructions", "", run->insns);
		memtrace_number(r, "cpi", "cycles per instruction",
				run->insns ? cycles / (double)run->insns : 0);
	}
	memtrace_number(r, "cycles_per_access", "core cycles",
			run->accesses ? cycles / (double)run->accesses : 0);
	memtrace_number(r, "lat_avg", "core cycles",
			run->accesses ? (double)run->latency_sum / run->cycle_ps / (double)run->accesses : 0);
	memtrace_number(r, "p50", "core cycles", percentile(run, .5));
	memtrace_number(r, "p99", "core cycles", percentile(run, .99));
	memtrace_count(r, "lat_max", "core cycles", run->latency_max);
	for (u32 p = 0; p < HW_PARTS; p++) {
		char name[40];

		snprintf(name, sizeof(name), "cpu_cycles_%s", rt_part_names[p]);
		for (char *c = name; *c; c++)
			*c = *c == ' ' || *c == '-' ? '_' : *c;
		memtrace_number(r, name, "core cycles, all CPUs", (double)parts[p] / run->cycle_ps);
	}
}

static void hardware_figures(const struct machine_run *run, struct memtrace_result *r)
{
	struct hw_stats s;

	machine_stats(run->machine, -1, &s);
#define COUNT(field, unit) memtrace_count(r, #field, unit, s.field)
	COUNT(reads, "lines"); COUNT(writes, "lines");
	COUNT(l1_hits, ""); COUNT(l1_misses, ""); COUNT(l2_hits, ""); COUNT(l2_misses, "");
	if (run->config.l3.size_bytes) {
		COUNT(l3_hits, ""); COUNT(l3_misses, "");
	}
	COUNT(llc_hits, ""); COUNT(llc_misses, "");
	COUNT(tlb_misses, "first level"); COUNT(tlb_walks, ""); COUNT(walk_reads, "");
	COUNT(hw_prefetches, ""); COUNT(mshr_waits, ""); COUNT(mshr_merges, "");
	COUNT(core_stalls, "");
	COUNT(cache_to_cache, ""); COUNT(invalidations, ""); COUNT(upgrades, "");
	COUNT(write_backs, ""); COUNT(back_invalidations, ""); COUNT(remote_node, "");
	COUNT(dram_reads, ""); COUNT(dram_writes, "");
	COUNT(row_hits, ""); COUNT(row_misses, ""); COUNT(row_conflicts, "");
#undef COUNT
	memtrace_number(r, "row_hit_rate", "",
			ratio(s.row_hits, s.row_hits + s.row_misses + s.row_conflicts));
}

/* ---- set-up ---- */

static int open_machine(struct machine_run *run, struct kms_error *err)
{
	static const u32 shifts[] = { 12, 21, 30 };
	const struct memtrace_options *o = run->o;
	struct machine_config *c = &run->config;
	const struct node_config *nodes;

	if (!o->machine)
		return kms_fail(err, KMS_EUSAGE, "expected --machine FILE (configs/machines), or one of "
						 "--dram-only, --cachegrind, --coherence");
	if (cfg_load(&run->cfg, &machine_config_table, c, o->machine, o->set, o->nr_set, err))
		return KMS_EUSAGE;
	nodes = c->memory.nodes.items;
	run->ram_bytes = c->memory.nodes.n ? 0 : c->memory.size_bytes;
	for (size_t i = 0; i < c->memory.nodes.n; i++)
		run->ram_bytes += nodes[i].memory_bytes;
	run->pages.shift = shifts[c->tlb.trace_page];
	run->pages.limit = run->ram_bytes >> run->pages.shift;
	return 0;
}

static int start_machine(struct machine_run *run, struct kms_error *err)
{
	struct machine_config *c = &run->config;
	double ipc = c->core.model == HW_CORE_OOO ? (double)c->core.width : c->core.ipc;

	if (memtrace_is_virtual(run->trace)) {
		c->tlb.direct_map_page = c->tlb.trace_page;
		if (!c->tlb.l1[c->tlb.trace_page].entries &&
		    (c->tlb.l1[0].entries || c->tlb.l1[1].entries || c->tlb.l1[2].entries))
			return kms_fail(err, KMS_EUSAGE, "%s: tlb.trace_page: the first level has no "
							 "entries for pages of this size", run->o->machine);
	}
	if (machine_new(&run->machine, c, run->o->seed, err))
		return KMS_EFAIL;
	run->cpus = calloc(c->cpus, sizeof(*run->cpus));
	run->behind = calloc(c->cpus, sizeof(*run->behind));
	if (!run->cpus || !run->behind)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	for (u32 i = 0; i < c->cpus; i++) {
		run->cpus[i].id = i;
		machine_attach_cpu(run->machine, &run->cpus[i], i);
	}
	run->cycle_ps = 1e3 / c->core.ghz;
	run->insn_ps = run->cycle_ps / ipc;
	run->memory_ps = 1e6 / c->dram.clock_mhz;
	return 0;
}

static void close_run(struct machine_run *run)
{
	memtrace_close(run->trace);
	machine_free(run->machine);
	cfg_free(run->cfg);
	free(run->pages.keys);
	free(run->pages.frames);
	free(run->behind);
	free(run->cpus);
	free(run);
}

/* The format shows with the first record; an empty trace is refused. */
static int first_record(struct machine_run *run, struct kms_error *err)
{
	struct memtrace_record record;
	bool more;

	if (memtrace_next(run->trace, &record, &more, err))
		return KMS_EUSAGE;
	if (!more)
		return kms_fail(err, KMS_EUSAGE, "%s: the trace is empty, expected at least one record",
				run->o->trace);
	if (start_machine(run, err))
		return err->code;
	return run_record(run, &record, err);
}

int memtrace_machine(const struct memtrace_options *o, struct memtrace_result *r,
		     struct kms_error *err)
{
	struct machine_run *run = calloc(1, sizeof(*run));
	int rc;

	if (!run)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	run->o = o;
	rc = open_machine(run, err);
	if (!rc)
		rc = memtrace_open(&run->trace, o->trace, o->format, err);
	if (!rc)
		rc = first_record(run, err);
	if (!rc)
		rc = run_trace(run, r, err);
	if (!rc) {
		memtrace_text(r, "machine", run->config.name);
		memtrace_text(r, "format", memtrace_format_name(run->trace));
		memtrace_count(r, "cpus", "", run->config.cpus);
		memtrace_count(r, "accesses", "", run->accesses);
		time_figures(run, r);
		hardware_figures(run, r);
	}
	close_run(run);
	return rc;
}
