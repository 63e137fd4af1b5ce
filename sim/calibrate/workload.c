/*
 * workload.c - see workload.h.
 */
#include "sim/calibrate/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "models/mm/inspect.h"
#include "sim/engine/ram.h"
#include "sim/engine/rng.h"

#define GFP_KERNEL_BITS 0xcc0u
#define SLOTS_ORDER 10u /* 4 MiB: 524288 slots */
#define PICK_ORDER 9u
#define MIXED_MOST 1024u

#define W(name_, slab_, loop_, ...) {.name = name_, .slab = slab_, .loop = LOOP_##loop_, __VA_ARGS__}
const struct calibrate_workload calibrate_workloads[] = {
	W("slub pairs 64", "slub", KMALLOC_PAIRS, .size = 64, .n = 256),
	W("slub pairs 256", "slub", KMALLOC_PAIRS, .size = 256, .n = 256),
	W("slub pairs 1024", "slub", KMALLOC_PAIRS, .size = 1024, .n = 256),
	W("slub cache pairs 192", "slub", CACHE_PAIRS, .size = 192, .n = 256),
	W("slub 64 x 32", "slub", KMALLOC_BATCH, .size = 32, .n = 64),
	W("slub 1000 x 64", "slub", KMALLOC_BATCH, .size = 64, .n = 1000),
	W("slub 1000 x 512", "slub", KMALLOC_BATCH, .size = 512, .n = 1000),
	W("slub 4000 x 256", "slub", KMALLOC_BATCH, .size = 256, .n = 4000),
	W("slub 200 x 4096", "slub", KMALLOC_BATCH, .size = 4096, .n = 200),
	W("slub 1000 x 128 random frees", "slub", KMALLOC_SHUFFLED, .size = 128, .n = 1000),
	W("slub 1000 x mixed random frees", "slub", KMALLOC_MIXED, .n = 1000),
	W("slub 64000 x 256 cold", "slub", KMALLOC_BATCH, .size = 256, .n = 64000, .memory = true),
	W("slub bulk 32 x 128", "slub", CACHE_BULK, .size = 128, .n = 32),
	W("slub bulk 1024 x 128", "slub", CACHE_BULK, .size = 128, .n = 1024),
	W("slab pairs 64", "slab", KMALLOC_PAIRS, .size = 64, .n = 256),
	W("slab pairs 1024", "slab", KMALLOC_PAIRS, .size = 1024, .n = 256),
	W("slab 1000 x 64", "slab", KMALLOC_BATCH, .size = 64, .n = 1000),
	W("slab 1000 x 512", "slab", KMALLOC_BATCH, .size = 512, .n = 1000),
	W("slab 1000 x 128 random frees", "slab", KMALLOC_SHUFFLED, .size = 128, .n = 1000),
	W("slob pairs 64", "slob", KMALLOC_PAIRS, .size = 64, .n = 256),
	W("slob 200 x 64", "slob", KMALLOC_BATCH, .size = 64, .n = 200),
	W("pages order 0 pairs", "slub", PAGE_PAIRS, .n = 256),
	W("pages order 0 x 40", "slub", PAGE_BATCH, .n = 40),
	W("pages order 0 x 1000", "slub", PAGE_BATCH, .n = 1000),
	W("pages order 3 pairs", "slub", PAGE_PAIRS, .order = 3, .n = 256),
	W("pages order 4 pairs", "slub", PAGE_PAIRS, .order = 4, .n = 256),
	W("pages order 4 x 100", "slub", PAGE_BATCH, .order = 4, .n = 100),
	W("pages order 9 pairs", "slub", PAGE_PAIRS, .order = 9, .n = 64),
	W("pages bulk 32 x 10", "slub", PAGE_BULK, .n = 320),
};
#undef W
const u32 calibrate_nr_workloads = KMS_ARRAY_SIZE(calibrate_workloads);

/* ---- setting up ---- */

/* What the native build does not do is no part of its machine: interrupts stay as they are. */
static const char *const settings[] = {
	"machine.cpus=1", "machine.memory.size=512MiB", "machine.core.irq_save_cycles=0",
	"machine.core.irq_restore_cycles=0", "machine.core.local_rmw_cycles=0",
	"machine.tlb.direct_map_page=2MiB", "machine.tlb.vmemmap_page=2MiB",
};

static int load(struct stage *s, const char *slab, const char *machine, struct kms_error *err)
{
	bool text = machine[strspn(machine, " \t\n")] == '{';
	char *json;
	int rc;

	if (asprintf(&json, "{\"machine\": %s%s%s, \"allocator\": {\"slab\": \"%s\"}, \"workload\": {\"synthetic\": {\"requests\": 1}}}",
		     text ? "" : "\"", machine, text ? "" : "\"", slab) < 0)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	rc = cfg_load_text(&s->cfg, &experiment_config_table, &s->config, json, "the measured machine", ".",
			   settings, KMS_ARRAY_SIZE(settings), err);
	free(json);
	return rc;
}

static int boot(struct stage *s, const char *costs, struct kms_error *err)
{
	const struct experiment_config *c = &s->config;
	struct system_config sc = {
		.machine = &c->machine, .params = &c->allocator.params,
		.lowmem_reserve_ratio = &c->allocator.lowmem_reserve_ratio, .slab = c->allocator.slab,
		.costs = costs, .seed = c->seed, .cycle = s->kind == STAGE_CYCLE,
	};
	int rc = system_start(&s->sys, &sc, err);

	if (!rc)
		rc = system_boot_rest(&s->sys, err);
	return rc;
}

static const struct slab_ops *slab_of(const struct mm_ops *mm, const char *name)
{
	for (u32 i = 0; i < mm->nr_policies; i++)
		if (!strcmp(mm->policies[i]->name, name))
			return mm->policies[i]->ops;
	return NULL;
}

static void *pages(u32 order)
{
	struct page *page = mm_ops_plain.alloc_pages(GFP_KERNEL_BITS, order, -1);

	return page ? mm_page_address(page) : NULL;
}

static int make_lists(struct loop_job *job, u32 n, struct kms_error *err)
{
	u32 *pick = pages(PICK_ORDER), *sizes = pages(PICK_ORDER);
	gsl_rng *rng = rng_open(1, "calibrate");

	job->slots = pages(SLOTS_ORDER);
	if (!rng || !pick || !sizes || !job->slots) {
		gsl_rng_free(rng);
		return kms_fail(err, KMS_EFAIL, "no memory for the workload's lists");
	}
	calibrate_cycle(pick, n, rng);
	for (u32 i = 0; i < n; i++)
		sizes[i] = 8u << gsl_rng_uniform_int(rng, 8);
	gsl_rng_free(rng);
	job->pick = pick;
	job->sizes = sizes;
	return 0;
}

static void make_cache(struct stage *s, const struct calibrate_workload *w)
{
	struct kmem_cache_args args = {.name = 1, .size = (u32)w->size};
	const struct slab_ops *plain = slab_of(&mm_ops_plain, w->slab);

	if (w->loop == LOOP_CACHE_PAIRS || w->loop == LOOP_CACHE_BATCH || w->loop == LOOP_CACHE_BULK)
		s->job.cache = plain->cache_create(&args);
}

int stage_open(struct stage *s, const struct calibrate_workload *w, enum stage_kind kind, const char *machine,
	       const char *costs, struct kms_error *err)
{
	const struct mm_ops *mm = kind == STAGE_NATIVE ? &mm_ops_native : &mm_ops_cycle;
	int rc;

	*s = (struct stage){.kind = kind, .ops = 2 * w->n};
	rc = load(s, w->slab, machine, err);
	if (rc)
		return rc;
	rc = boot(s, costs, err);
	if (rc)
		return rc;
	if (kind == STAGE_NATIVE)
		madvise(ram_ptr(0), ram_bytes(), MADV_HUGEPAGE);
	s->job = (struct loop_job){.mm = mm, .slab = slab_of(mm, w->slab), .size = w->size, .order = w->order, .n = w->n};
	s->loop = kind == STAGE_NATIVE ? calibrate_loops_native[w->loop] : calibrate_loops_cycle[w->loop];
	rt_enter_cpu(0);
	rc = make_lists(&s->job, w->n, err);
	if (!rc)
		make_cache(s, w);
	return rc;
}

void stage_close(struct stage *s)
{
	if (s->sys.mm)
		system_stop(&s->sys);
	cfg_free(s->cfg);
	*s = (struct stage){0};
}

/* ---- running ---- */

void stage_rounds(struct stage *s, u32 rounds)
{
	s->job.rounds = rounds;
	s->loop(&s->job);
}

static void run(void *arg)
{
	struct stage *s = arg;

	s->loop(&s->job);
}

static int rounds(struct stage *s, u32 n, kms_ps *time, struct kms_error *err)
{
	struct sim_cpu *cpu = engine_cpu(0);
	kms_ps start = cpu->clock;
	int rc;

	s->job.rounds = n;
	if (!sim_thread_start(0, "calibrate", run, s))
		return kms_fail(err, KMS_EFAIL, "out of memory");
	rc = engine_run(err);
	*time = cpu->clock - start;
	return rc;
}

int stage_simulate(struct stage *s, double *cycles_per_op, struct kms_error *err)
{
	u32 n = s->ops > 20000 ? 1 : 20000 / s->ops + 1;
	kms_ps time;
	int rc = rounds(s, n + 1, &time, err);

	if (!rc)
		rc = rounds(s, n, &time, err);
	*cycles_per_op = (double)time / 1000 * s->config.machine.core.ghz / n / s->ops;
	return rc;
}
