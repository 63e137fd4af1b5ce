/*
 * system.c - from configuration to a simulated machine with a booted kernel.
 */
#include "sim/run/system.h"

#include <stdlib.h>
#include <string.h>

#include "models/mm/tunables.h"
#include "models/rt/memblock.h"
#include "sim/engine/ram.h"

#define PS_PER_NS 1000.0

/* ---- boot memory ---- */

/* The shapes are equal; the types belong to different neighbours. */
static int recorded_memory(struct memblock *mb, const struct kms_workload_info *info, u32 nr_cpus,
			   u64 percpu_unit_bytes, struct kms_error *err)
{
	struct mm_zone_boot *zones = calloc(info->nr_zones + 1, sizeof(*zones));
	struct mm_range *free_ranges = calloc(info->nr_free + 1, sizeof(*free_ranges));
	struct mm_range *late = calloc(info->nr_late + 1, sizeof(*late));
	struct memblock_recording r = {
		.nr_cpus = nr_cpus, .nr_nodes = info->nr_nodes, .cpu_node = info->cpu_node, .zones = zones,
		.nr_zones = info->nr_zones, .free = free_ranges, .nr_free = info->nr_free, .late = late,
		.nr_late = info->nr_late, .percpu_unit_bytes = percpu_unit_bytes,
	};
	int ret = KMS_EFAIL;

	if (zones && free_ranges && late) {
		for (u32 i = 0; i < info->nr_zones; i++)
			zones[i] = (struct mm_zone_boot){ info->zones[i].node, info->zones[i].zone_idx,
							  info->zones[i].start_pfn, info->zones[i].spanned,
							  info->zones[i].present };
		for (u32 i = 0; i < info->nr_free; i++)
			free_ranges[i] = (struct mm_range){ info->free[i].pfn, info->free[i].end };
		for (u32 i = 0; i < info->nr_late; i++)
			late[i] = (struct mm_range){ info->late[i].pfn, info->late[i].end };
		ret = memblock_from_recording(mb, &r, err);
	} else {
		kms_fail(err, KMS_EFAIL, "no memory for the recorded memory map");
	}
	free(zones);
	free(free_ranges);
	free(late);
	return ret;
}

#define PERCPU_OTHERS 0x4000 /* zones, counters */
#define PERCPU_LITTLE 128    /* a slab cache, where the policy does not say */
#define SIZE_CLASS_TYPES 3
#define LARGEST_CLASS 8192
#define PAGE_BYTES (1ull << SIM_PAGE_SHIFT)

static u64 cache_percpu(const struct system *s, u32 object_size)
{
	bool says = s->policy_plain && s->policy_plain->percpu_bytes;

	return says ? s->policy_plain->percpu_bytes(object_size) : PERCPU_LITTLE;
}

/* A CPU's area has room for what all slab caches of the workload take if none are merged. */
static u64 percpu_bytes(const struct system *s, const struct system_config *c)
{
	u64 bytes = PERCPU_OTHERS + 2 * cache_percpu(s, 256);

	for (u32 size = 8; size <= LARGEST_CLASS; size *= 2)
		bytes += SIZE_CLASS_TYPES * cache_percpu(s, size);
	bytes += 2 * SIZE_CLASS_TYPES * cache_percpu(s, 96); /* and 192 */
	for (u32 i = 0; c->workload && i < c->workload->nr_caches; i++)
		bytes += cache_percpu(s, c->workload->caches[i].object_size);
	bytes = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	return bytes > MEMBLOCK_PERCPU_UNIT ? bytes : MEMBLOCK_PERCPU_UNIT;
}

static int set_up_memory(struct system *s, struct memblock *mb, const struct system_config *c,
			 struct kms_error *err)
{
	u64 unit = percpu_bytes(s, c);
	int ret = c->recorded ? recorded_memory(mb, c->recorded, s->nr_cpus, unit, err)
			      : memblock_from_config_sized(mb, &c->machine->memory, s->nr_cpus, unit, err);

	if (ret)
		return ret;
	ret = memblock_map(mb, err);
	if (ret) {
		memblock_free(mb);
		return ret;
	}
	s->ram_bytes = mb->ram_bytes;
	s->kernel_bytes = memblock_sizes.globals + mb->node_data_bytes + mb->percpu_bytes +
			  mb->section_bytes + mb->vmemmap_phys_bytes;
	return 0;
}

/* ---- engine, run time, hardware ---- */

static kms_ps cycles(const struct core_config *core, double n)
{
	return (kms_ps)(n * PS_PER_NS / core->ghz + 0.5);
}

static int start_run_time(struct system *s, const struct system_config *c, struct kms_error *err)
{
	const struct core_config *core = &c->machine->core;
	struct rt_config rt = {
		.ps_per_insn_x1024 = (kms_ps)(1024 * PS_PER_NS / core->ghz / core->ipc + 0.5),
		.irq_save_ps = cycles(core, core->irq_save_cycles),
		.irq_restore_ps = cycles(core, core->irq_restore_cycles),
		.cpu_relax_ps = cycles(core, core->pause_cycles),
	};

	if (c->cycle && c->costs) {
		int ret = costs_load(&s->costs, c->costs, err);

		if (ret)
			return ret;
		rt.costs = s->costs.costs;
	}
	return rt_init(&rt, s->nr_cpus, err);
}

static int start_engine(struct system *s, const struct system_config *c, struct kms_error *err)
{
	struct engine_config engine = {
		.nr_cpus = s->nr_cpus, .lock_part = PART_LOCK, .access = !c->cycle ? NULL : c->access ? c->access : machine_access,
	};
	int ret = engine_init(&engine, err);

	if (ret || !c->cycle)
		return ret;
	ret = machine_new(&s->machine, c->machine, c->seed, err);
	if (!ret)
		machine_attach(s->machine);
	return ret;
}

/* ---- policies ---- */

static const struct slab_policy *find_policy(const struct mm_ops *mm, const char *name)
{
	for (u32 i = 0; i < mm->nr_policies; i++)
		if (!strcmp(mm->policies[i]->name, name))
			return mm->policies[i];
	return NULL;
}

/* Both flavours keep static variables of their own: one of them serves for the whole run. */
static int load_policy(struct system *s, const struct system_config *c, struct kms_error *err)
{
	int ret = plugin_load(c->slab, err);

	if (!ret)
		ret = plugin_start(c->policy_params, s->mm, c->cycle || c->checked, err);
	s->policy = s->policy_plain = plugin_policy();
	s->plugged = !ret;
	return ret;
}

static int choose_policy(struct system *s, const struct system_config *c, struct kms_error *err)
{
	const char *names[64], *near;
	const char *name = c->slab;
	u32 n = mm_ops_plain.nr_policies < 64 ? mm_ops_plain.nr_policies : 64;

	if (plugin_is_file(name))
		return load_policy(s, c, err);
	if (c->policy_params && !cJSON_IsNull(c->policy_params))
		return kms_fail(err, KMS_EUSAGE,
				"allocator.policy_params: expected nothing with policy '%s', whose parameters stand "
				"below \"allocator\" itself", name);
	s->policy = find_policy(s->mm, name);
	s->policy_plain = find_policy(&mm_ops_plain, name);
	if (s->policy)
		return 0;
	for (u32 i = 0; i < n; i++)
		names[i] = mm_ops_plain.policies[i]->name;
	near = kms_nearest(name, names, n);
	return kms_fail(err, KMS_EUSAGE, "allocator.slab: there is no slab policy '%s'%s%s%s (`kmemsim policies` lists them)",
			name, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* ---- parameters ---- */

/* Where 0 says something else than "the default". */
static u64 given(u64 value)
{
	return value ? value : MM_PARAM_ZERO;
}

/* -1 in the configuration: as the kernel chooses. */
static u64 given_or_default(u64 value)
{
	return value == ~0ull ? 0 : given(value);
}

static struct mm_params kernel_params(const struct system_config *c)
{
	struct mm_params p = *c->params;

	for (size_t i = 0; c->lowmem_reserve_ratio && i < c->lowmem_reserve_ratio->n; i++)
		p.lowmem_reserve_ratio[i] = given(((const u64 *)c->lowmem_reserve_ratio->items)[i]);

	p.watermark_boost_factor = given(p.watermark_boost_factor);
	p.compaction_proactiveness = given(p.compaction_proactiveness);
	p.slub_max_order = given(p.slub_max_order);
	p.remote_node_defrag_ratio = given(p.remote_node_defrag_ratio);
	p.slab_max_order = given_or_default(p.slab_max_order);
	p.slab_limit = given_or_default(p.slab_limit);
	p.slab_batchcount = given_or_default(p.slab_batchcount);
	p.slab_shared = given_or_default(p.slab_shared);
	p.cpu_partial = given_or_default(p.cpu_partial);
	p.min_partial = given_or_default(p.min_partial);
	p.sheaf_capacity = given_or_default(p.sheaf_capacity);
	return p;
}

/* ---- */

int system_start(struct system *s, const struct system_config *c, struct kms_error *err)
{
	struct mm_params params = kernel_params(c);
	struct memblock *mb = calloc(1, sizeof(*mb));
	int ret;

	*s = (struct system){ .cycle = c->cycle, .nr_cpus = (u32)c->machine->cpus,
			      .mm = c->cycle ? &mm_ops_cycle : &mm_ops_plain };
	if (!mb)
		return kms_fail(err, KMS_EFAIL, "no memory for the boot memory map");
	kms_set_params(&params);
	ret = choose_policy(s, c, err);
	if (!ret)
		ret = start_run_time(s, c, err);
	if (!ret)
		ret = start_engine(s, c, err);
	if (!ret)
		ret = set_up_memory(s, mb, c, err);
	if (!ret && s->plugged)
		ret = plugin_watch(err);
	if (!ret) {
		for (u32 cpu = 0; cpu < s->nr_cpus; cpu++)
			rt_set_percpu(cpu, SIM_RAM_BASE + mb->boot.percpu_phys[cpu]);
		mb->boot.params = &params;
		rt_enter_cpu(0);
		mm_ops_plain.boot(&mb->boot);
		memblock_free(mb);
	}
	free(mb);
	return ret;
}

static void boot_rest(void *arg)
{
	const struct system *s = arg;
	const struct slab_ops *slab = s->policy_plain->ops;

	rt_enter_cpu(0);
	slab->init();
	if (slab->init_late)
		slab->init_late();
	mm_ops_plain.setup_pagesets();
	for (u32 cpu = 1; cpu < s->nr_cpus; cpu++) {
		if (slab->cpu_prepare)
			slab->cpu_prepare(cpu);
		mm_ops_plain.cpu_online(cpu);
	}
	mm_ops_plain.init_watermarks();
}

int system_boot_rest(struct system *s, struct kms_error *err)
{
	return rt_protect(boot_rest, s, err);
}

void system_stop(struct system *s)
{
	if (s->plugged)
		plugin_unload();
	machine_free(s->machine);
	engine_exit();
	costs_free(&s->costs);
	ram_unmap();
	*s = (struct system){ 0 };
}
