/*
 * machine_config.c - the machine's JSON: keys, defaults, ranges, what fits together.
 *
 * The defaults are a four-core desktop of the Skylake kind with DDR4-2400:
 * geometry and cache latencies as Intel publishes them (Intel 64 and IA-32
 * Architectures Optimization Reference Manual; L1D 4, L2 12, L3 42 cycles in
 * all), DRAM timing of JEDEC's 2400T bin (JESD79-4), transfers between cores
 * from Intel's Performance Analysis Guide for the Core i7 and Xeon 5500 (a
 * line modified in another core costs some 35 cycles more than a plain L3 hit,
 * a shared one 25 more, remote DRAM 40 ns more), interrupt switching from
 * measurements with the kernel on a Core i7-4790K (save and restore 37 cycles).
 * docs/hardware.md says which of them are only typical.
 */
#include "models/hw/machine_config.h"

#include <stdio.h>

#define MIB (1024ull * 1024)
#define TIB (MIB * MIB)
#define MIN_RAM (32 * MIB)
#define MAX_RAM (16 * TIB)
#define RAM_STEP (4 * MIB) /* the largest buddy block */
#define IMAGE_START (16 * MIB)
#define MAX_PLRU_WAYS 64
#define MAX_NODES 64

#define FIELD(struct_, member, ...) .offset = offsetof(struct struct_, member), __VA_ARGS__
#define TABLE(name_, struct_, doc_, check_) \
	.name = name_, .doc = doc_, .size = sizeof(struct struct_), .check = check_

static bool is_power_of_two(u64 n)
{
	return n && !(n & (n - 1));
}

/* ---- core ---- */

#define CYCLES(name, default_, max_, doc_)							 \
	{ .key = #name, .type = CFG_DOUBLE, .def = default_, .min = 0, .max = max_,		 \
	  .unit = "core cycles", .doc = doc_, .offset = offsetof(struct core_config, name) }

static const char *const core_models[] = { "in-order", "ooo", NULL };

static const struct cfg_field core_fields[] = {
	{ .key = "model", .type = CFG_ENUM, .def = "\"ooo\"", .choices = core_models,
	  .doc = "in-order: every miss stalls the CPU. ooo: an interval model of an out-of-order "
		 "core, whose independent misses overlap.",
	  FIELD(core_config, model) },
	{ .key = "width", .type = CFG_UINT, .def = "4", .min = 1, .max = 64,
	  .unit = "instructions per cycle",
	  .doc = "Dispatch width of an ooo core: ipc may not be higher, and instructions of a "
		 "memory trace that access no memory run at it.",
	  FIELD(core_config, width) },
	{ .key = "rob", .type = CFG_UINT, .def = "224", .min = 1, .max = 4096,
	  .unit = "instructions",
	  .doc = "Reorder buffer of an ooo core: it stalls when so many instructions follow a load "
		 "that waits for its data.",
	  FIELD(core_config, rob) },
	{ .key = "store_buffer", .type = CFG_UINT, .def = "56", .min = 1, .max = 128,
	  .unit = "stores",
	  .doc = "Stores of an ooo core that retired and wait for their line; full, the core "
		 "stalls.",
	  FIELD(core_config, store_buffer) },
	{ .key = "retire_width", .type = CFG_UINT, .def = "0", .min = 0, .max = 64,
	  .unit = "instructions per cycle",
	  .doc = "Instructions that leave the reorder buffer of an ooo core per cycle. Above ipc, work "
		 "that queued behind an atomic catches up, which hides part of the atomic; 0: it does not.",
	  FIELD(core_config, retire_width) },
	{ .key = "l1_dependences", .type = CFG_BOOL, .def = "false",
	  .doc = "Whether loads of an ooo core that hit L1D wait for the loads that their addresses come "
		 "from. Every access is then looked at, which takes the host more time.",
	  FIELD(core_config, l1_dependences) },
	{ .key = "ghz", .type = CFG_DOUBLE, .def = "4.0", .min = 0.01, .max = 20, .unit = "GHz",
	  .doc = "Core clock; turns every figure given in cycles into time.",
	  FIELD(core_config, ghz) },
	{ .key = "ipc", .type = CFG_DOUBLE, .def = "2.5", .min = 0.01, .max = 16,
	  .unit = "instructions per cycle",
	  .doc = "Speed of instruction work without its memory accesses.",
	  FIELD(core_config, ipc) },
	CYCLES(atomic_cycles, "18", 1e6,
	       "A locked read-modify-write of a line the CPU owns, beyond the access itself."),
	CYCLES(local_rmw_cycles, "8", 1e6,
	       "An unlocked compare-and-exchange on per-CPU data, beyond the access itself."),
	CYCLES(irq_save_cycles, "20", 1e6, "Saving the interrupt state and disabling interrupts."),
	CYCLES(irq_restore_cycles, "17", 1e6, "Restoring the interrupt state."),
	CYCLES(pause_cycles, "140", 1e6, "One pause instruction in a spin loop."),
	CYCLES(l1_hit_cycles, "0.5", 1e6,
	       "Charged for an access that hits L1D: its share of throughput, as latency is "
	       "hidden."),
	CYCLES(fence_cycles, "33", 1e6, "A full memory fence."),
};

static int check_core(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct core_config *c = section;

	if (c->model == HW_CORE_OOO && c->ipc > (double)c->width)
		return cfg_fail(ctx, err, "ipc",
				"%g instructions per cycle are more than the core's width (%llu)", c->ipc,
				(unsigned long long)c->width);
	return 0;
}

static const struct cfg_table core_table = {
	TABLE("core", core_config, "The CPU cores, all alike.", check_core),
	.fields = core_fields, .nr_fields = KMS_ARRAY_SIZE(core_fields),
};

/* ---- TLB ---- */

static const char *const page_sizes[] = { "4KiB", "2MiB", "1GiB", NULL };

#define TLB_LEVEL(key_, member_, entries_, ways_, what_)					    \
	{ .key = key_ "_entries", .type = CFG_UINT, .def = entries_, .min = 0, .max = 65536,	    \
	  .doc = what_ ": translations held; 0: none.",						    \
	  .offset = offsetof(struct tlb_config, member_.entries) },				    \
	{ .key = key_ "_ways", .type = CFG_UINT, .def = ways_, .min = 1, .max = 1024,		    \
	  .doc = what_ ": associativity.", .offset = offsetof(struct tlb_config, member_.ways) }

static const struct cfg_field tlb_fields[] = {
	TLB_LEVEL("l1_4k", l1[HW_PAGE_4K], "64", "4", "First level for 4 KiB pages"),
	TLB_LEVEL("l1_2m", l1[HW_PAGE_2M], "32", "4", "First level for 2 MiB pages"),
	TLB_LEVEL("l1_1g", l1[HW_PAGE_1G], "4", "4", "First level for 1 GiB pages"),
	TLB_LEVEL("l2", l2, "1536", "12", "Second level, shared by the page sizes it holds"),
	{ .key = "l2_latency_cycles", .type = CFG_UINT, .def = "7", .min = 0, .max = 1e6,
	  .unit = "core cycles", .doc = "What a translation from the second level costs.",
	  FIELD(tlb_config, l2_latency_cycles) },
	{ .key = "l2_holds_1g", .type = CFG_BOOL, .def = "false",
	  .doc = "Whether the second level holds 1 GiB pages.", FIELD(tlb_config, l2_holds_1g) },
	{ .key = "walk_entries", .type = CFG_UINT, .def = "16", .min = 0, .max = 64,
	  .doc = "Entries of each upper level of the page tables that the walker keeps; 0: every "
		 "walk starts at the root.",
	  FIELD(tlb_config, walk_entries) },
	{ .key = "direct_map_page", .type = CFG_ENUM, .def = "\"1GiB\"", .choices = page_sizes,
	  .doc = "Pages that map RAM into the kernel's address space.",
	  FIELD(tlb_config, direct_map_page) },
	{ .key = "vmemmap_page", .type = CFG_ENUM, .def = "\"2MiB\"", .choices = page_sizes,
	  .doc = "Pages that map the array of struct page.", FIELD(tlb_config, vmemmap_page) },
	{ .key = "trace_page", .type = CFG_ENUM, .def = "\"4KiB\"", .choices = page_sizes,
	  .doc = "Pages of a program whose memory trace is run (memtrace).",
	  FIELD(tlb_config, trace_page) },
};

static int check_tlb_level(const struct tlb_level_config *l, struct cfg_ctx *ctx, const char *key,
			   struct kms_error *err)
{
	if (l->entries % l->ways == 0 && (!l->entries || is_power_of_two(l->entries / l->ways)))
		return 0;
	return cfg_fail(ctx, err, key,
			"%llu entries in %llu ways make no power of two of sets; expected ways "
			"times a power of two",
			(unsigned long long)l->entries, (unsigned long long)l->ways);
}

static int check_tlb(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	static const char *const keys[] = { "l1_4k_entries", "l1_2m_entries", "l1_1g_entries" };
	const struct tlb_config *t = section;
	u64 entries = 0;

	for (u32 i = 0; i < HW_NR_PAGE_SIZES; i++) {
		if (check_tlb_level(&t->l1[i], ctx, keys[i], err))
			return KMS_EUSAGE;
		entries += t->l1[i].entries;
	}
	if (check_tlb_level(&t->l2, ctx, "l2_entries", err))
		return KMS_EUSAGE;
	if (t->l2.ways > MAX_PLRU_WAYS)
		return cfg_fail(ctx, err, "l2_ways", "at most %d ways can be simulated", MAX_PLRU_WAYS);
	if (entries && !t->l1[t->direct_map_page].entries)
		return cfg_fail(ctx, err, "direct_map_page",
				"the first level has no entries for pages of %s",
				page_sizes[t->direct_map_page]);
	if (entries && !t->l1[t->vmemmap_page].entries)
		return cfg_fail(ctx, err, "vmemmap_page",
				"the first level has no entries for pages of %s",
				page_sizes[t->vmemmap_page]);
	return 0;
}

static const struct cfg_table tlb_table = {
	TABLE("tlb", tlb_config, "Each CPU's address translation; with no first-level entries at all "
				 "none is modelled.", check_tlb),
	.fields = tlb_fields, .nr_fields = KMS_ARRAY_SIZE(tlb_fields),
};

/* ---- prefetchers ---- */

static const char *const prefetchers[] = { "none", "next-line", "stride", NULL };

#define PREFETCHER(key_, member_, degree_, what_)						    \
	{ .key = key_, .type = CFG_ENUM, .def = "\"none\"", .choices = prefetchers,		    \
	  .doc = "Prefetcher into " what_ ", trained by its misses: the next lines of the page, or "    \
		 "the next ones at the distance at which the page was walked twice.",		    \
	  FIELD(prefetch_config, member_) },							    \
	{ .key = key_ "_degree", .type = CFG_UINT, .def = degree_, .min = 1, .max = 32,		    \
	  .unit = "lines", .doc = "How many lines the prefetcher into " what_ " runs ahead.",	    \
	  FIELD(prefetch_config, member_##_degree) }

static const struct cfg_field prefetch_fields[] = {
	PREFETCHER("l1", l1, "1", "L1D"),
	PREFETCHER("l2", l2, "4", "L2"),
};

static const struct cfg_table prefetch_table = {
	TABLE("prefetch", prefetch_config, "Each CPU's hardware prefetchers.", NULL),
	.fields = prefetch_fields, .nr_fields = KMS_ARRAY_SIZE(prefetch_fields),
};

/* ---- memory ---- */

static const struct cfg_field node_fields[] = {
	{ .key = "memory", .type = CFG_BYTES, .min = 4 * MIB, .max = MAX_RAM, .unit = "bytes",
	  .doc = "RAM of the node; nodes follow one another in physical memory.",
	  FIELD(node_config, memory_bytes) },
	{ .key = "cpus", .type = CFG_UINT, .min = 0, .max = 256, .def = "0",
	  .doc = "CPUs of the node; CPUs are numbered node by node.", FIELD(node_config, cpus) },
};

static const struct cfg_table node_table = {
	TABLE("node", node_config, "One NUMA node.", NULL),
	.fields = node_fields, .nr_fields = KMS_ARRAY_SIZE(node_fields),
};

static const struct cfg_field memory_fields[] = {
	{ .key = "size", .type = CFG_BYTES, .def = "\"1GiB\"", .min = MIN_RAM, .max = MAX_RAM,
	  .unit = "bytes", .doc = "RAM of a machine without nodes; ignored when nodes are given.",
	  FIELD(memory_config, size_bytes) },
	{ .key = "dma_limit", .type = CFG_BYTES, .def = "\"16MiB\"", .min = 0, .max = MAX_RAM,
	  .unit = "bytes", .doc = "End of ZONE_DMA; 0: no such zone.",
	  FIELD(memory_config, dma_limit_bytes) },
	{ .key = "dma32_limit", .type = CFG_BYTES, .def = "\"4GiB\"", .min = 0, .max = MAX_RAM,
	  .unit = "bytes", .doc = "End of ZONE_DMA32; what lies above is ZONE_NORMAL.",
	  FIELD(memory_config, dma32_limit_bytes) },
	{ .key = "kernel_image", .type = CFG_BYTES, .def = "\"16MiB\"", .min = 0, .max = MAX_RAM,
	  .unit = "bytes",
	  .doc = "Kernel text and data, from 16 MiB up; never given to the page allocator.",
	  FIELD(memory_config, kernel_image_bytes) },
	{ .key = "movable", .type = CFG_BYTES, .def = "0", .min = 0, .max = MAX_RAM, .unit = "bytes",
	  .doc = "Top of RAM that becomes ZONE_MOVABLE.", FIELD(memory_config, movable_bytes) },
	{ .key = "low_reserved", .type = CFG_BYTES, .def = "\"1MiB\"", .min = 0, .max = 16 * MIB,
	  .unit = "bytes", .doc = "Firmware area at address 0.",
	  FIELD(memory_config, low_reserved_bytes) },
	{ .key = "nodes", .type = CFG_ARRAY, .table = &node_table,
	  .doc = "NUMA nodes; without any, all CPUs and RAM are one node.",
	  FIELD(memory_config, nodes) },
	{ .key = "node_distance", .type = CFG_UINT, .def = "20", .min = 10, .max = 254,
	  .doc = "Distance between any two nodes as the kernel counts it; 10 is local.",
	  FIELD(memory_config, node_distance) },
};

static int check_step(struct cfg_ctx *ctx, struct kms_error *err, const char *key, u64 bytes)
{
	u64 below = bytes / RAM_STEP * 4;

	if (bytes % RAM_STEP == 0)
		return 0;
	return cfg_fail(ctx, err, key,
			"%llu bytes are not a multiple of 4 MiB, the largest block of the page "
			"allocator; nearest: %llu or %llu MiB",
			(unsigned long long)bytes, (unsigned long long)below,
			(unsigned long long)below + 4);
}

/* The size of RAM and whether it is one, with or without nodes. */
static int check_ram(const struct memory_config *m, struct cfg_ctx *ctx, struct kms_error *err,
		     u64 *bytes)
{
	const struct node_config *nodes = m->nodes.items;
	char key[64];

	*bytes = m->size_bytes;
	if (!m->nodes.n)
		return check_step(ctx, err, "size", m->size_bytes);
	if (m->nodes.n > MAX_NODES)
		return cfg_fail(ctx, err, "nodes", "at most %d nodes can be simulated, found %zu",
				MAX_NODES, m->nodes.n);
	*bytes = 0;
	for (size_t i = 0; i < m->nodes.n; i++) {
		snprintf(key, sizeof(key), "nodes[%zu].memory", i);
		if (check_step(ctx, err, key, nodes[i].memory_bytes))
			return KMS_EUSAGE;
		*bytes += nodes[i].memory_bytes;
	}
	if (*bytes < MIN_RAM || *bytes > MAX_RAM)
		return cfg_fail(ctx, err, "nodes",
				"the nodes have %g MiB of memory together; expected 32 MiB to 16 "
				"TiB",
				(double)*bytes / MIB);
	return 0;
}

static int check_memory(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct memory_config *m = section;
	u64 bytes;
	int ret = check_ram(m, ctx, err, &bytes);

	if (ret)
		return ret;
	if (m->movable_bytes > bytes)
		return cfg_fail(ctx, err, "movable",
				"a movable zone of %g MiB is larger than RAM (%g MiB)",
				(double)m->movable_bytes / MIB, (double)bytes / MIB);
	if (IMAGE_START + m->kernel_image_bytes > bytes - m->movable_bytes)
		return cfg_fail(ctx, err, "kernel_image",
				"a kernel image of %g MiB from 16 MiB up does not fit below the "
				"movable zone or the end of RAM at %g MiB",
				(double)m->kernel_image_bytes / MIB,
				(double)(bytes - m->movable_bytes) / MIB);
	if (m->dma32_limit_bytes && m->dma_limit_bytes > m->dma32_limit_bytes)
		return cfg_fail(ctx, err, "dma_limit",
				"ZONE_DMA ends at %g MiB, above the end of ZONE_DMA32 at %g MiB",
				(double)m->dma_limit_bytes / MIB, (double)m->dma32_limit_bytes / MIB);
	if (check_step(ctx, err, "dma_limit", m->dma_limit_bytes) ||
	    check_step(ctx, err, "dma32_limit", m->dma32_limit_bytes))
		return KMS_EUSAGE;
	return check_step(ctx, err, "movable", m->movable_bytes);
}

static const struct cfg_table memory_table = {
	TABLE("memory", memory_config, "Physical memory and its zones.", check_memory),
	.fields = memory_fields, .nr_fields = KMS_ARRAY_SIZE(memory_fields),
};

/* ---- machine ---- */

#define PART(key_, member, table_, doc_)							 \
	{ .key = key_, .type = CFG_OBJECT, .table = &table_, .doc = doc_,			 \
	  FIELD(machine_config, member) }

static const struct cfg_field machine_fields[] = {
	{ .key = "name", .type = CFG_STRING, .def = "\"desktop\"", .doc = "A short name for tables "
									  "and plots.",
	  FIELD(machine_config, name) },
	{ .key = "source", .type = CFG_STRING,
	  .def = "\"defaults: typical four-core desktop, Skylake-like caches, DDR4-2400; see "
		 "docs/hardware.md\"",
	  .doc = "Where the machine's numbers come from.", FIELD(machine_config, source) },
	{ .key = "cpus", .type = CFG_UINT, .def = "4", .min = 1, .max = 256, .doc = "Simulated CPUs.",
	  FIELD(machine_config, cpus) },
	PART("core", core, core_table, "The CPU cores, all alike."),
	PART("tlb", tlb, tlb_table, "Each CPU's address translation."),
	PART("l1d", l1d, cache_l1d_table, "Each CPU's first-level data cache."),
	PART("l2", l2, cache_l2_table, "Each CPU's second-level cache."),
	PART("l3", l3, cache_l3_table, "Each CPU's own third-level cache, if it has one."),
	PART("llc", llc, cache_llc_table, "The shared last-level cache, per node."),
	PART("prefetch", prefetch, prefetch_table, "Each CPU's hardware prefetchers."),
	PART("coherence", coherence, coherence_table, "How the private caches are kept coherent."),
	PART("interconnect", interconnect, interconnect_table, "The ways between cores, LLC and "
							       "nodes."),
	PART("dram", dram, dram_config_table, "The DRAM of each node."),
	PART("memory", memory, memory_table, "Physical memory and its zones."),
};

static const char *const level_keys[] = { "l1d", "l2", "l3" };
static const char *const level_names[] = { "L1D", "L2", "L3" };

static int fail_level(struct cfg_ctx *ctx, struct kms_error *err, const char *level, const char *key,
		      const char *text)
{
	char path[40];

	snprintf(path, sizeof(path), "%s.%s", level, key);
	return cfg_fail(ctx, err, path, "%s", text);
}

/* A level may not be faster than the one above. */
static int check_latency(const struct cache_config *c, const char *key, const char *name,
			 const struct cache_config *above, const char *above_name,
			 struct cfg_ctx *ctx, struct kms_error *err)
{
	char text[160];

	if (c->latency_cycles >= above->latency_cycles)
		return 0;
	snprintf(text, sizeof(text),
		 "an %s hit (%llu cycles from the core) cannot be faster than an %s hit (%llu)", name,
		 (unsigned long long)c->latency_cycles, above_name,
		 (unsigned long long)above->latency_cycles);
	return fail_level(ctx, err, key, "latency_cycles", text);
}

/* Nor, being inclusive, smaller; nor without the lines that the one above brings in. */
static int check_holds(const struct cache_config *c, const char *key, const char *name,
		       const struct cache_config *above, const char *above_name,
		       struct cfg_ctx *ctx, struct kms_error *err)
{
	char text[200];

	snprintf(text, sizeof(text), "%s (%llu bytes) contains %s (%llu bytes) and cannot be smaller",
		 name, (unsigned long long)c->size_bytes, above_name,
		 (unsigned long long)above->size_bytes);
	if (c->size_bytes < above->size_bytes)
		return fail_level(ctx, err, key, "size", text);
	snprintf(text, sizeof(text),
		 "found \"around\", but %s contains %s, which brings lines in that stores miss; "
		 "expected \"allocate\" here or \"around\" there too",
		 name, above_name);
	if (c->write_miss == HW_WRITE_AROUND && above->write_miss == HW_WRITE_ALLOCATE)
		return fail_level(ctx, err, key, "write_miss", text);
	return 0;
}

static int check_levels(const struct machine_config *c, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct cache_config *level[HW_PRIVATE_LEVELS];
	u32 n = machine_private_levels(c, level), last = n - 1;

	if (n == 1 && c->l3.size_bytes)
		return cfg_fail(ctx, err, "l3.size", "an L3 needs an L2 before it; l2.size is 0");
	for (u32 i = 1; i < n; i++)
		if (check_latency(level[i], level_keys[i], level_names[i], level[i - 1],
				  level_names[i - 1], ctx, err) ||
		    check_holds(level[i], level_keys[i], level_names[i], level[i - 1],
				level_names[i - 1], ctx, err))
			return KMS_EUSAGE;
	if (n == 1 && c->prefetch.l2)
		return cfg_fail(ctx, err, "prefetch.l2", "a prefetcher into L2 needs one; l2.size is 0");
	if (!c->llc.size_bytes)
		return 0;
	if (check_latency(&c->llc, "llc", "LLC", level[last], level_names[last], ctx, err))
		return KMS_EUSAGE;
	return c->llc.inclusion != HW_INCLUSIVE ? 0 :
	       check_holds(&c->llc, "llc", "the LLC", level[last], level_names[last], ctx, err);
}

/* Every CPU of a partition is there, and none in two. */
static int check_partition(const struct machine_config *c, struct cfg_ctx *ctx,
			   struct kms_error *err)
{
	const struct llc_partition *p = c->llc.partition.items;
	char key[48];

	for (size_t i = 0; i < c->llc.partition.n; i++) {
		snprintf(key, sizeof(key), "llc.partition[%zu].cpu", i);
		if (p[i].cpu + p[i].cpus > c->cpus)
			return cfg_fail(ctx, err, key,
					"it is for the CPUs %llu to %llu, but the machine has %llu CPUs",
					(unsigned long long)p[i].cpu,
					(unsigned long long)(p[i].cpu + p[i].cpus - 1),
					(unsigned long long)c->cpus);
		for (size_t j = 0; j < i; j++)
			if (p[i].cpu < p[j].cpu + p[j].cpus && p[j].cpu < p[i].cpu + p[i].cpus)
				return cfg_fail(ctx, err, key,
						"CPU %llu is in partition %zu already; expected each "
						"CPU once",
						(unsigned long long)(p[i].cpu > p[j].cpu ? p[i].cpu :
											   p[j].cpu),
						j);
	}
	return 0;
}

static int check_machine(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct machine_config *c = section;
	const struct node_config *nodes = c->memory.nodes.items;
	u64 cpus = 0;

	if (check_levels(c, ctx, err) || check_partition(c, ctx, err))
		return KMS_EUSAGE;
	for (size_t i = 0; i < c->memory.nodes.n; i++)
		cpus += nodes[i].cpus;
	if (c->memory.nodes.n && cpus != c->cpus)
		return cfg_fail(ctx, err, "memory.nodes",
				"the nodes have %llu CPUs together, the machine has %llu",
				(unsigned long long)cpus, (unsigned long long)c->cpus);
	return 0;
}

const struct cfg_table machine_config_table = {
	TABLE("machine", machine_config, "The simulated hardware.", check_machine),
	.fields = machine_fields, .nr_fields = KMS_ARRAY_SIZE(machine_fields),
};
