/*
 * build.c - a machine from its configuration, and its end.
 *
 * Everything is allocated here; nothing after machine_new().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/hw/hierarchy.h"

static kms_ps ps_of_ns(double ns)
{
	return (kms_ps)(ns * 1e3 + 0.5);
}

static kms_ps ps_of_cycles(const struct core_config *core, double cycles)
{
	return (kms_ps)(cycles * 1e3 / core->ghz + 0.5);
}

/* Cache latencies are configured from the core; a look-up costs what it adds to the one above. */
static void init_costs(struct hw_costs *cost, const struct machine_config *config)
{
	const struct core_config *core = &config->core;
	const struct cache_config *level[HW_PRIVATE_LEVELS];
	u32 levels = machine_private_levels(config, level);
	kms_ps above = 0;

	cost->l1_hit = ps_of_cycles(core, core->l1_hit_cycles);
	for (u32 i = 0; i < levels; i++) {
		kms_ps hit = ps_of_cycles(core, (double)level[i]->latency_cycles);

		cost->level[i] = hit - above;
		above = hit;
	}
	if (config->llc.size_bytes)
		cost->llc = ps_of_cycles(core, (double)config->llc.latency_cycles) - above;
	cost->directory = ps_of_ns(config->coherence.directory_ns);
	cost->cache_to_cache = ps_of_ns(config->coherence.cache_to_cache_ns);
	cost->invalidate = ps_of_ns(config->coherence.invalidate_ns);
	cost->upgrade = ps_of_ns(config->coherence.upgrade_ns);
	cost->write_back = ps_of_ns(config->coherence.write_back_ns);
	cost->hop = ps_of_ns(config->interconnect.hop_ns);
	cost->half_node = ps_of_ns(config->interconnect.node_ns / 2);
	cost->tlb_l2 = ps_of_cycles(core, (double)config->tlb.l2_latency_cycles);
	cost->kind[SIM_ATOMIC] = ps_of_cycles(core, core->atomic_cycles);
	cost->kind[SIM_ATOMIC_LOCAL] = ps_of_cycles(core, core->local_rmw_cycles);
}

static int init_nodes(struct machine *m, const struct memory_config *memory, struct kms_error *err)
{
	const struct node_config all = { memory->size_bytes, m->nr_cpus };
	const struct node_config *nodes = memory->nodes.n ? memory->nodes.items : &all;
	u64 end = 0;
	u32 cpu = 0;

	m->nr_nodes = memory->nodes.n ? (u32)memory->nodes.n : 1;
	if (m->nr_nodes > HW_MAX_NODES)
		return kms_fail(err, KMS_EUSAGE, "the machine has %u nodes; at most %u can be "
						 "simulated",
				m->nr_nodes, HW_MAX_NODES);
	for (u32 node = 0; node < m->nr_nodes; node++) {
		end += nodes[node].memory_bytes >> SIM_LINE_SHIFT;
		m->node_end[node] = end;
		for (u64 i = 0; i < nodes[node].cpus && cpu < m->nr_cpus; i++, cpu++) {
			m->cpus[cpu].node = node;
			m->node_cpus[node][cpu / 64] |= 1ull << cpu % 64;
		}
	}
	if (cpu < m->nr_cpus)
		return kms_fail(err, KMS_EUSAGE, "the machine's nodes have %u CPUs together, not "
						 "%u",
				cpu, m->nr_cpus);
	return 0;
}

static int init_caches(struct machine *m, struct hw_cpu *cpu, const struct machine_config *config,
		       u64 seed, struct kms_error *err)
{
	static const char *const names[] = { "l1d", "l2", "l3" };
	const struct cache_config *level[HW_PRIVATE_LEVELS];
	u32 levels = machine_private_levels(config, level);
	char name[32];
	int ret = 0;

	for (u32 i = 0; !ret && i < levels; i++) {
		snprintf(name, sizeof(name), "%s.%u", names[i], cpu->id);
		ret = cache_init(&cpu->level[i], level[i], 1, name, seed, err);
		mshr_init(&cpu->mshr[i], level[i]->mshrs);
	}
	if (ret)
		return ret;
	cpu->slots = calloc(level[m->last]->size_bytes / SIM_LINE_BYTES, sizeof(*cpu->slots));
	return cpu->slots ? 0 : kms_fail(err, KMS_EFAIL, "not enough host memory for CPU %u", cpu->id);
}

static int init_cpu(struct machine *m, u32 id, const struct machine_config *config, u64 seed,
		    struct kms_error *err)
{
	struct hw_cpu *cpu = &m->cpus[id];
	u32 sets;
	int ret;

	cpu->machine = m;
	cpu->id = id;
	cpu->hit_ps = m->cost.l1_hit;
	ret = init_caches(m, cpu, config, seed, err);
	if (!ret)
		ret = tlb_init(&cpu->tlb, &config->tlb, id, err);
	if (ret)
		return ret;
	core_init(&cpu->core, &config->core);
	chain_init(&cpu->core.chain, &config->core, &config->l1d);
	cpu->l1_prefetch.kind = config->prefetch.l1;
	cpu->l1_prefetch.degree = (u32)config->prefetch.l1_degree;
	cpu->l2_prefetch.kind = config->prefetch.l2;
	cpu->l2_prefetch.degree = (u32)config->prefetch.l2_degree;
	sets = cpu->l1.set_mask + 1;
	cpu->fast = malloc(sets * sizeof(*cpu->fast));
	cpu->fast_slot = calloc(sets, sizeof(*cpu->fast_slot));
	if (!cpu->fast || !cpu->fast_slot)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for CPU %u", id);
	memset(cpu->fast, 0xff, sets * sizeof(*cpu->fast));
	return 0;
}

/* What the caches do with writes, and who holds what: the modes of the configuration. */
static void init_modes(struct machine *m, const struct machine_config *config)
{
	const struct cache_config *level[HW_PRIVATE_LEVELS];
	u32 levels = machine_private_levels(config, level);
	const struct llc_partition *p = config->llc.partition.items;

	m->last = levels - 1;
	for (u32 i = 0; i < levels; i++) {
		m->through |= (u32)(level[i]->write == HW_WRITE_THROUGH) << i;
		m->fill_from += level[i]->write_miss == HW_WRITE_AROUND;
	}
	m->protocol = config->coherence.protocol;
	m->inclusion = config->llc.inclusion;
	m->has_llc = config->llc.size_bytes;
	m->inclusive = m->has_llc && m->inclusion == HW_INCLUSIVE;
	m->llc_through = config->llc.write == HW_WRITE_THROUGH;
	m->llc_around = config->llc.write_miss == HW_WRITE_AROUND;
	for (size_t i = 0; i < config->llc.partition.n; i++)
		for (u64 cpu = p[i].cpu; cpu < p[i].cpu + p[i].cpus && cpu < m->nr_cpus; cpu++)
			m->cpus[cpu].llc_ways = p[i].ways;
}

/* Every CPU's lines at once, and one on its way to each. */
static u64 private_lines(const struct machine_config *config)
{
	const struct cache_config *level[HW_PRIVATE_LEVELS];
	u32 levels = machine_private_levels(config, level);

	return config->cpus * (level[levels - 1]->size_bytes / SIM_LINE_BYTES + 1);
}

static int init_slots(struct machine *m, const struct machine_config *config, struct kms_error *err)
{
	u64 llc_lines = config->llc.size_bytes / SIM_LINE_BYTES * m->nr_nodes;
	u64 slots = m->inclusive ? llc_lines : private_lines(config);
	int ret = 0;

	if (slots > 1ull << 31 || llc_lines > 1ull << 31)
		return kms_fail(err, KMS_EUSAGE, "the %s of all nodes together has %llu lines; at "
						 "most 2^31 can be simulated",
				llc_lines > slots ? "LLC" : "directory",
				(unsigned long long)(llc_lines > slots ? llc_lines : slots));
	m->nr_slots = (u32)slots;
	m->sharer_words = (m->nr_cpus + 63) / 64;
	m->sharers = calloc(slots, (m->sharer_words + 1) * sizeof(*m->sharers));
	m->contention = calloc(slots, sizeof(*m->contention));
	if (m->protocol != PROTOCOL_MESI)
		m->owner = malloc(slots * sizeof(*m->owner));
	if (!m->inclusive) {
		m->tags = calloc(slots, sizeof(*m->tags));
		m->llc_busy = calloc(llc_lines + 1, sizeof(*m->llc_busy));
		ret = directory_init(&m->directory, m->nr_slots, err);
	}
	if (ret)
		return ret;
	if (!m->sharers || !m->contention || (m->protocol != PROTOCOL_MESI && !m->owner) ||
	    (!m->inclusive && (!m->tags || !m->llc_busy)))
		return kms_fail(err, KMS_EFAIL, "not enough host memory for the directory (%llu "
						"lines)",
				(unsigned long long)slots);
	if (m->owner)
		memset(m->owner, 0xff, slots * sizeof(*m->owner)); /* HW_NO_OWNER */
	return 0;
}

/* Slots and entries are u32. */
static int init_llc(struct machine *m, const struct machine_config *config, u64 seed,
		    struct kms_error *err)
{
	int ret = init_slots(m, config, err);

	if (!ret && m->has_llc)
		ret = cache_init(&m->llc, &config->llc, m->nr_nodes, "llc", seed, err);
	if (m->inclusive)
		m->tags = m->llc.entries;
	return ret;
}

static int init_nets(struct machine *m, const struct interconnect_config *config,
		     struct kms_error *err)
{
	int ret = 0;

	if (config->topology == HW_FLAT)
		return 0;
	m->nets = calloc(m->nr_nodes, sizeof(*m->nets));
	if (!m->nets)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for %u nodes", m->nr_nodes);
	for (u32 node = 0; !ret && node < m->nr_nodes; node++) {
		struct interconnect_shape shape = {
			.kind = config->topology == HW_RING ? INTERCONNECT_RING : INTERCONNECT_MESH,
			.inject = ps_of_ns(config->inject_ns), .hop = ps_of_ns(config->stop_ns),
			.ps_per_flit = ps_of_ns(config->flit_ns),
		};

		for (u32 cpu = 0; cpu < m->nr_cpus; cpu++)
			if (m->cpus[cpu].node == node)
				m->cpus[cpu].stop = shape.stops++;
		shape.stops += !shape.stops; /* memory alone */
		ret = interconnect_init(&m->nets[node], &shape, err);
	}
	return ret;
}

/* Page tables of both windows lie behind RAM, leaf tables first. The vmemmap is 1/64 of RAM. */
static void init_tables(struct machine *m)
{
	u64 at = m->node_end[m->nr_nodes - 1] << SIM_LINE_SHIFT, bytes = at;

	for (u32 w = 0; w < TLB_WINDOWS; w++, bytes /= 64) {
		for (u32 level = 0; level < TLB_LEVELS; level++) {
			u64 table = (bytes >> (SIM_PAGE_SHIFT + 9 * level)) * 8;

			m->table_base[w][level] = at;
			at += (table + SIM_PAGE_BYTES) & ~(u64)(SIM_PAGE_BYTES - 1);
		}
	}
}

static int init_machine(struct machine *m, const struct machine_config *config, u64 seed,
			struct kms_error *err)
{
	int ret;

	init_costs(&m->cost, config);
	init_modes(m, config);
	ret = init_nodes(m, &config->memory, err);
	if (!ret)
		ret = init_nets(m, &config->interconnect, err);
	if (!ret)
		ret = init_llc(m, config, seed, err);
	for (u32 id = 0; !ret && id < m->nr_cpus; id++)
		ret = init_cpu(m, id, config, seed, err);
	if (ret)
		return ret;
	init_tables(m);
	m->drams = calloc(m->nr_nodes, sizeof(*m->drams));
	m->llc_mshrs = calloc(m->nr_nodes, sizeof(*m->llc_mshrs));
	if (!m->drams || !m->llc_mshrs)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for %u nodes", m->nr_nodes);
	for (u32 node = 0; node < m->nr_nodes; node++)
		mshr_init(&m->llc_mshrs[node], config->llc.mshrs);
	for (u32 node = 0; !ret && node < m->nr_nodes; node++)
		ret = dram_init(&m->drams[node], &config->dram, err);
	return ret;
}

int machine_new(struct machine **machine, const struct machine_config *config, u64 seed,
		struct kms_error *err)
{
	struct machine *m = calloc(1, sizeof(*m));
	int ret = 0;

	*machine = NULL;
	if (!config->cpus || config->cpus > SIM_MAX_CPUS)
		ret = kms_fail(err, KMS_EUSAGE, "a machine has 1 to %u CPUs, not "
						"%llu", SIM_MAX_CPUS,
			       (unsigned long long)config->cpus);
	if (!ret && m) {
		m->watch_from = HW_WATCH_FROM;
		memset(m->watch_keys, 0xff, sizeof(m->watch_keys)); /* HW_UNWATCHED */
		m->nr_cpus = (u32)config->cpus;
		m->cpus = calloc(m->nr_cpus, sizeof(*m->cpus));
	}
	if (!ret && (!m || !m->cpus))
		ret = kms_fail(err, KMS_EFAIL, "not enough host memory for a machine");
	if (!ret)
		ret = init_machine(m, config, seed, err);
	if (ret) {
		machine_free(m);
		return ret;
	}
	*machine = m;
	return 0;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	for (u32 i = 0; m->cpus && i < m->nr_cpus; i++) {
		for (u32 level = 0; level < HW_PRIVATE_LEVELS; level++)
			cache_exit(&m->cpus[i].level[level]);
		tlb_exit(&m->cpus[i].tlb);
		free(m->cpus[i].fast);
		free(m->cpus[i].fast_slot);
		free(m->cpus[i].slots);
	}
	for (u32 node = 0; m->drams && node < m->nr_nodes; node++)
		dram_exit(&m->drams[node]);
	for (u32 node = 0; m->nets && node < m->nr_nodes; node++)
		interconnect_exit(&m->nets[node]);
	cache_exit(&m->llc);
	directory_exit(&m->directory);
	if (!m->inclusive)
		free(m->tags);
	free(m->nets);
	free(m->llc_busy);
	free(m->owner);
	free(m->sharers);
	free(m->contention);
	free(m->drams);
	free(m->llc_mshrs);
	free(m->cpus);
	free(m);
}

void machine_attach_cpu(struct machine *m, struct sim_cpu *sim, u32 id)
{
	struct hw_cpu *cpu = &m->cpus[id];

	cpu->sim = sim;
	sim->model = cpu;
	sim->fast = cpu->core.chain.on ? NULL : cpu->fast;
	sim->fast_mask = cpu->l1.set_mask;
	sim->fast_ps = m->cost.l1_hit;
	sim->local_rmw_ps = m->cost.kind[SIM_ATOMIC_LOCAL];
	sim->local_rmw_part = PART_EXEC;
	sim->fast_part = PART_L1;
}
