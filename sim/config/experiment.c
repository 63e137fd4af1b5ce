/*
 * experiment.c - the tables of experiment.h: keys, defaults, ranges, meaning.
 *
 * The machine's tables are in models/hw/machine_config.c, the synthetic
 * workload's in workloads/synthetic.c.
 */
#include "sim/config/experiment.h"

#include "models/mm/tunables.h"

#define F(struct_, member) .key = #member, .offset = offsetof(struct struct_, member)
#define PARAM(name) .key = #name, .offset = offsetof(struct allocator_config, params.name)

static const char *const timings[] = {
	[TIMING_CYCLE] = "cycle", [TIMING_FUNCTIONAL] = "functional", NULL};
static const char *const pacings[] = {
	[PACING_ASAP] = "asap", [PACING_ORDER] = "order", [PACING_TIMESTAMPS] = "timestamps", NULL};
static const char *const memories[] = {
	[MEMORY_RECORDED] = "recorded", [MEMORY_MACHINE] = "machine", NULL};

static const char *const reclaims[] = {
	[RECLAIM_RECORDED] = "recorded", [RECLAIM_OWN] = "own", NULL};

/* ---- allocator ---- */

static const char *const pcp_highs[] = {
	[PCP_HIGH_LOW_WATERMARK] = "low_watermark", [PCP_HIGH_SIX_BATCHES] = "six_batches", NULL};
static const char *const pcp_free_batches[] = {
	[PCP_FREE_GROWING] = "growing", [PCP_FREE_UNCAPPED] = "growing_uncapped",
	[PCP_FREE_FIXED] = "fixed", NULL};
static const char *const pcp_drains[] = {
	[PCP_DRAIN_LIST_BY_LIST] = "list_by_list", [PCP_DRAIN_ROUND_ROBIN] = "round_robin", NULL};
static const char *const freed_types[] = {
	[FREED_TYPE_CACHED] = "cached", [FREED_TYPE_EXACT] = "exact", NULL};
static const char *const fallbacks[] = {
	[FALLBACK_STEAL] = "steal", [FALLBACK_CLAIM] = "claim", NULL};
static const char *const slab_orders[] = {
	[SLAB_ORDER_6_1] = "6.1", [SLAB_ORDER_6_8] = "6.8", NULL};
static const char *const free_pointers[] = {
	[FREE_POINTER_MIDDLE] = "middle", [FREE_POINTER_START] = "start", NULL};
static const char *const cpu_partial_limits[] = {
	[CPU_PARTIAL_SLABS] = "slabs", [CPU_PARTIAL_OBJECTS] = "objects", NULL};
static const char *const hugepages[] = {
	[THP_NEVER] = "never", [THP_MADVISE] = "madvise", [THP_ALWAYS] = "always", NULL};
static const char *const list_orders[] = {
	[FREE_LIST_LIFO] = "lifo", [FREE_LIST_FIFO] = "fifo", [FREE_LIST_ADDRESS] = "address", NULL};

/* The rows of slab_params.def. */
#define SLAB_PARAM(group, name, type_, def_, min_, max_, choices_, unit_, doc_)                    \
	{PARAM(name), .type = CFG_##type_, .def = def_, .min = min_, .max = max_,                  \
	 .choices = CHOICES_##type_ choices_, .unit = unit_[0] ? unit_ : NULL, .doc = doc_},
#define CHOICES_BOOL
#define CHOICES_UINT
#define CHOICES_INT
#define CHOICES_STRING
#define CHOICES_ENUM(...) (const char *const[]){__VA_ARGS__, NULL}
#define NONE NULL

static const struct cfg_field allocator_fields[] = {
	{F(allocator_config, source), .type = CFG_STRINGS,
	 .doc = "Where the values come from, for people."},
	{F(allocator_config, slab), .type = CFG_STRING, .def = "\"slub\"",
	 .file_suffix = ".so",
	 .doc = "Slab layer: one of the names that `kmemsim policies` lists, or the file of a policy "
		"of your own (\"./mine.so\", see docs/tutorial-policy.md)."},
	{F(allocator_config, policy_params), .type = CFG_JSON,
	 .doc = "Parameters of a policy of your own, by the names that `kmemsim policies FILE.so` "
		"lists."},
	{PARAM(min_free_kbytes), .type = CFG_UINT, .def = "0", .max = 1ull << 32, .unit = "KiB",
	 .doc = "vm.min_free_kbytes, from which the watermarks come; 0: as the kernel computes it "
		"from the memory size."},
	{PARAM(transparent_hugepage), .type = CFG_ENUM, .def = "\"never\"", .choices = hugepages,
	 .doc = "Boot parameter transparent_hugepage: with madvise or always khugepaged runs and raises "
		"min_free_kbytes on machines with 512 MiB and more. Huge pages themselves are up to the "
		"workload."},
	{PARAM(watermark_scale_factor), .type = CFG_UINT, .def = "10", .min = 1, .max = 3000,
	 .unit = "1/10000 of a zone",
	 .doc = "vm.watermark_scale_factor: distance between the watermarks."},
	{PARAM(watermark_boost_factor), .type = CFG_UINT, .def = "15000", .max = 1e9,
	 .unit = "1/10000 of the high watermark",
	 .doc = "vm.watermark_boost_factor: how far watermarks rise after a pageblock was stolen; "
		"0 turns it off."},
	{F(allocator_config, lowmem_reserve_ratio), .type = CFG_UINTS, .def = "[256, 256, 32, 0]", .max = 1ull << 31,
	 .doc = "vm.lowmem_reserve_ratio, for the zones DMA, DMA32, Normal and Movable: a zone keeps 1/n "
		"of the memory above it back from requests that could have used that; 0: nothing."},
	{PARAM(compaction_proactiveness), .type = CFG_UINT, .def = "20", .max = 100,
	 .doc = "vm.compaction_proactiveness: how eagerly kcompactd keeps huge pages' size free ahead of "
		"need, looking every 500 ms; 0: not at all. Only with pages that can be moved "
		"(workload.reclaim own)."},
	{PARAM(percpu_pagelist_high_fraction), .type = CFG_UINT, .def = "0", .max = 1e9,
	 .doc = "vm.percpu_pagelist_high_fraction: per-CPU page lists may hold 1/n of a zone; 0: "
		"the kernel's default, otherwise at least 8."},
#include "models/mm/slab_params.def"
	{PARAM(page_group_by_mobility), .type = CFG_BOOL, .def = "true",
	 .doc = "Pages grouped by migratetype; the kernel turns this off by itself on machines "
		"with very little memory."},
	{PARAM(no_pcp_lists), .type = CFG_BOOL, .def = "false",
	 .doc = "No per-CPU page lists: every page comes straight from the buddy lists, under the "
		"zone's lock."},
	{PARAM(pcp_batch), .type = CFG_UINT, .def = "0", .max = 1 << 20, .unit = "pages",
	 .doc = "Pages that a per-CPU list is refilled with or gives back at a time; 0: from the "
		"zone's size, as the kernel computes it."},
	{PARAM(pcp_high), .type = CFG_UINT, .def = "0", .max = 1 << 30, .unit = "pages",
	 .doc = "Pages that a CPU's lists of a zone may hold; 0: from the watermarks, as the "
		"kernel computes it."},
	{PARAM(no_merge_lookahead), .type = CFG_BOOL, .def = "false",
	 .doc = "Do not look whether a freed block may soon merge again, in which case it would be "
		"put where it is used last."},
	{PARAM(free_list_order), .type = CFG_ENUM, .def = "\"lifo\"", .choices = list_orders,
	 .doc = "Which free block of an order is used first: the one freed last (lifo, the "
		"kernel's), the one freed first (fifo), or the one of the lowest address."},
	{PARAM(pageblock_order), .type = CFG_UINT, .def = "9", .min = 4, .max = 10, .unit = "order",
	 .doc = "Size of a pageblock, the unit of grouping by migratetype."},
	{PARAM(max_page_order), .type = CFG_UINT, .def = "10", .min = 4, .max = 10, .unit = "order",
	 .doc = "Largest order of a block (MAX_PAGE_ORDER; MAX_ORDER - 1 in 6.1)."},
	{PARAM(pcp_auto_tune), .type = CFG_BOOL, .def = "false",
	 .doc = "Per-CPU page lists find their size by themselves, between their share of the low "
		"watermark and of an eighth of the zone (Linux 6.7 and later)."},
	{PARAM(pcp_order0_only), .type = CFG_BOOL, .def = "false",
	 .doc = "Per-CPU lists hold single pages only, none of orders 1 to 3 and 9 (before 5.14)."},
	{PARAM(pcp_high_from), .type = CFG_ENUM, .def = "\"low_watermark\"", .choices = pcp_highs,
	 .doc = "High mark of per-CPU lists: a share of the zone's low watermark, or six batches "
		"(before 5.14)."},
	{PARAM(pcp_free_batch), .type = CFG_ENUM, .def = "\"growing\"", .choices = pcp_free_batches,
	 .doc = "Pages that a full per-CPU list gives back: growing, a batch that doubles while frees "
		"keep coming, at most 32 times; growing_uncapped, without that limit (first 6.1 "
		"releases); fixed, always one batch (before 5.14)."},
	{PARAM(pcp_drain), .type = CFG_ENUM, .def = "\"list_by_list\"", .choices = pcp_drains,
	 .doc = "Which pages a per-CPU list that is too long gives back: list_by_list, all of the list "
		"just freed to before the next one is touched; round_robin, some of each list in turn, "
		"more after lists that are empty (before 5.18)."},
	{PARAM(pcp_free_high_batch), .type = CFG_BOOL, .def = "false",
	 .doc = "With pcp_auto_tune: blocks of orders 1 to 3 freed in a row go back at once only if a "
		"batch of pages is there (6.7 and later, where a CPU's cache holds more than three batches)."},
	{PARAM(freed_type), .type = CFG_ENUM, .def = "\"cached\"", .choices = freed_types,
	 .doc = "To which migratetype's list a freed block goes: cached, that of its pageblock when it was "
		"freed, even if it lay on a per-CPU list since; exact, what the pageblock is then, pageblock "
		"by pageblock, and pageblocks that merge become of one type (6.10 and later)."},
	{PARAM(fallback), .type = CFG_ENUM, .def = "\"steal\"", .choices = fallbacks,
	 .doc = "A migratetype without free blocks: steal, moves the free blocks of another type's "
		"pageblock over and its type if half of it goes along; claim, takes a pageblock as a whole "
		"or not at all, and then the smallest block that will do (6.12 stable and later)."},
	{PARAM(slab_order_calculation), .type = CFG_ENUM, .def = "\"6.1\"", .choices = slab_orders,
	 .doc = "Which order a slab gets: 6.1, rather fewer objects than more waste; 6.8, at least the "
		"order that holds the wanted objects."},
	{PARAM(slub_free_pointer), .type = CFG_ENUM, .def = "\"middle\"", .choices = free_pointers,
	 .doc = "Where in a free object SLUB keeps its link: in the middle, or at the start (before 5.7)."},
	{PARAM(slub_cpu_partial_limit), .type = CFG_ENUM, .def = "\"slabs\"", .choices = cpu_partial_limits,
	 .doc = "What limits a CPU's chain of partial slabs: slabs, or free objects as they were when "
		"their slab joined it (before 5.16)."},
};

static int check_allocator(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct allocator_config *a = section;
	const struct mm_params *p = &a->params;
	u32 flags;

	if (!kms_slub_debug_flags(p->slub_debug, &flags))
		return cfg_fail(ctx, err, "slub_debug",
				"expected letters out of FZPUO, or \"-\", found \"%s\"", p->slub_debug);
	if (p->slub_min_order > p->slub_max_order)
		return cfg_fail(ctx, err, "slub_min_order",
				"%llu is above slub_max_order, which is %llu",
				(unsigned long long)p->slub_min_order,
				(unsigned long long)p->slub_max_order);
	if (p->percpu_pagelist_high_fraction && p->percpu_pagelist_high_fraction < 8)
		return cfg_fail(ctx, err, "percpu_pagelist_high_fraction",
				"expected 0 or at least 8, found %llu",
				(unsigned long long)p->percpu_pagelist_high_fraction);
	if (a->lowmem_reserve_ratio.n != KMS_ARRAY_SIZE(p->lowmem_reserve_ratio))
		return cfg_fail(ctx, err, "lowmem_reserve_ratio", "expected %zu numbers, one a zone, found %zu",
				KMS_ARRAY_SIZE(p->lowmem_reserve_ratio), a->lowmem_reserve_ratio.n);
	if (!p->slab_limit || !p->slab_batchcount)
		return cfg_fail(ctx, err, p->slab_limit ? "slab_batchcount" : "slab_limit",
				"expected -1 or at least 1, found 0");
	if (p->slab_limit != ~0ull && p->slab_batchcount != ~0ull && p->slab_batchcount > p->slab_limit)
		return cfg_fail(ctx, err, "slab_batchcount", "%llu is above slab_limit, which is %llu",
				(unsigned long long)p->slab_batchcount, (unsigned long long)p->slab_limit);
	if (p->slob_break1 > p->slob_break2)
		return cfg_fail(ctx, err, "slob_break1", "%llu is above slob_break2, which is %llu",
				(unsigned long long)p->slob_break1, (unsigned long long)p->slob_break2);
	if (p->pageblock_order > p->max_page_order)
		return cfg_fail(ctx, err, "pageblock_order",
				"%llu is above max_page_order, which is %llu",
				(unsigned long long)p->pageblock_order,
				(unsigned long long)p->max_page_order);
	return 0;
}

static const struct cfg_table allocator_table = {
	.name = "allocator",
	.doc = "The slab layer and the tunables of the page allocator and SLUB, by the kernel's "
	       "names.",
	.fields = allocator_fields,
	.nr_fields = KMS_ARRAY_SIZE(allocator_fields),
	.size = sizeof(struct allocator_config),
	.check = check_allocator,
};

/* ---- workload ---- */

static const struct cfg_field touch_fields[] = {
	{F(touch_config, write_bytes), .type = CFG_BYTES, .def = "0", .unit = "bytes",
	 .doc = "Written by the caller after each allocation, at most the object's size."},
	{F(touch_config, read_bytes), .type = CFG_BYTES, .def = "0", .unit = "bytes",
	 .doc = "Read by the caller before each free, at most the object's size."},
	{F(touch_config, write_share), .type = CFG_OBJECT, .table = &synthetic_dist_table,
	 .def = "{\"kind\": \"constant\", \"a\": 0}",
	 .doc = "Part of each object, 0 to 1, that is written after its allocation, drawn for each; the larger of this and write_bytes counts."},
	{F(touch_config, read_share), .type = CFG_OBJECT, .table = &synthetic_dist_table,
	 .def = "{\"kind\": \"constant\", \"a\": 0}",
	 .doc = "Part of each object, 0 to 1, that is read before its free, drawn for each; the larger of this and read_bytes counts."},
	{F(touch_config, stride), .type = CFG_BYTES, .def = "0", .unit = "bytes",
	 .doc = "Of that part, eight bytes are touched at every stride; 0: all of it."},
};

static const struct cfg_table touch_table = {
	.name = "touch",
	.doc = "What the callers do with the memory they get, in cycle timing.",
	.fields = touch_fields,
	.nr_fields = KMS_ARRAY_SIZE(touch_fields),
	.size = sizeof(struct touch_config),
};

static const struct cfg_field workload_fields[] = {
	{F(workload_config, trace), .type = CFG_PATH,
	 .doc = "Trace file made by `kmemsim import`; either this, synthetic or adversary."},
	{F(workload_config, synthetic), .type = CFG_OBJECT, .table = &synthetic_config_table,
	 .present = offsetof(struct workload_config, has_synthetic),
	 .doc = "Requests drawn from distributions; either this, trace or adversary."},
	{F(workload_config, adversary), .type = CFG_ENUM, .def = "\"none\"", .choices = adversary_choices,
	 .doc = "A named workload that hurts in one known way, or a micro-benchmark; `kmemsim workloads` "
		"lists them."},
	{F(workload_config, parameters), .type = CFG_OBJECT, .table = &adversary_params_table,
	 .doc = "Of the named workload."},
	{F(workload_config, pacing), .type = CFG_ENUM, .def = "\"asap\"", .choices = pacings,
	 .doc = "When a CPU's next request comes: asap, when the last one is done; order, in the "
		"recorded order over all CPUs; timestamps, at the recorded times."},
	{F(workload_config, time_scale), .type = CFG_DOUBLE, .def = "1", .min = 1e-6, .max = 1e6,
	 .doc = "With pacing timestamps: recorded times are multiplied by this."},
	{F(workload_config, think_time), .type = CFG_TIME, .def = "0", .max = 1e12,
	 .doc = "With pacing asap: time a CPU spends between two requests."},
	{F(workload_config, warm_up), .type = CFG_STRINGS,
	 .doc = "Phases, by name, that are carried out but not measured."},
	{F(workload_config, max_requests), .type = CFG_UINT, .def = "0", .unit = "requests",
	 .doc = "Stop after so many; 0: the whole workload."},
	{F(workload_config, touch), .type = CFG_OBJECT, .table = &touch_table,
	 .doc = "What the callers do with the memory they get."},
	{F(workload_config, reclaim), .type = CFG_ENUM, .def = "\"recorded\"", .choices = reclaims,
	 .doc = "Who decides which page cache goes and which pages move when memory is short: "
		"recorded, what the recording freed so is freed as any other request, and pages "
		"in use stay; own, single movable pages go on LRU lists, and the simulated "
		"kernel's reclaim and compaction decide."},
	{F(workload_config, shrink), .type = CFG_STRINGS,
	 .doc = "With reclaim own: slab caches, by name, at most 8, whose objects the workload gives "
		"back when memory is short, oldest first, as a kernel's directory entries and inodes."},
	{F(workload_config, start_state), .type = CFG_PATH,
	 .doc = "State of memory to begin in, saved by `kmemsim run --save-state`: what it holds "
		"stays, the requests come on top. CPUs, memory and allocator must be those it was "
		"made with, but for free_list_order, no_merge_lookahead, fallback, freed_type, "
		"pcp_drain and pcp_free_batch."},
	{F(workload_config, resume), .type = CFG_BOOL, .def = "false",
	 .doc = "With start_state: the workload is the one that the state was saved in, and goes on "
		"from there; otherwise it is another one, from its beginning."},
	{F(workload_config, memory), .type = CFG_ENUM, .def = "\"recorded\"", .choices = memories,
	 .doc = "Whose memory map the run starts with: that of the machine the trace was recorded "
		"on, or the configured machine's. A synthetic workload always has the configured "
		"machine's."},
};

static int check_workload(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct workload_config *w = section;

	const u64 *parameters = (const u64 *)&w->parameters;
	bool given = false;

	if (w->trace && w->has_synthetic)
		return cfg_fail(ctx, err, "synthetic",
				"both \"trace\" and \"synthetic\" are given; expected one of them "
				"(null takes one back)");
	if (w->adversary && (w->trace || w->has_synthetic))
		return cfg_fail(ctx, err, "adversary",
				"both \"%s\" and \"adversary\" are given; expected one of them "
				"(null takes one back)", w->trace ? "trace" : "synthetic");
	if (!w->trace && !w->has_synthetic && !w->adversary)
		return cfg_fail(ctx, err, "",
				"expected either \"trace\" or \"synthetic\" or \"adversary\", found none of them");
	for (u32 i = 0; i < ADVERSARY_PARAMS; i++)
		given |= parameters[i] != 0;
	if (given && !w->adversary)
		return cfg_fail(ctx, err, "parameters", "only a named workload (adversary) has these");
	return 0;
}

static const struct cfg_table workload_table = {
	.name = "workload",
	.doc = "The requests: where they come from and when they are made.",
	.fields = workload_fields,
	.nr_fields = KMS_ARRAY_SIZE(workload_fields),
	.size = sizeof(struct workload_config),
	.check = check_workload,
};

/* ---- sampling, periodic work ---- */

static const struct cfg_field sampling_fields[] = {
	{F(sampling_config, samples), .type = CFG_UINT, .def = "400", .min = 1, .max = 1000000,
	 .unit = "samples", .doc = "About this many points of each time series over the run."},
	{F(sampling_config, page_maps), .type = CFG_UINT, .def = "100", .max = 1000000, .unit = "samples",
	 .doc = "About this many of these points with a map of what each pageblock holds and how full the "
		"slabs are; 0 none."},
};

static const struct cfg_table sampling_table = {
	.name = "sampling",
	.doc = "Time series: the byte partition, free blocks and the like.",
	.fields = sampling_fields,
	.nr_fields = KMS_ARRAY_SIZE(sampling_fields),
	.size = sizeof(struct sampling_config),
};

static const struct cfg_field periodic_fields[] = {
	{F(periodic_config, vmstat), .type = CFG_TIME, .def = "\"1s\"", .max = 3.6e12,
	 .doc = "Interval at which each CPU folds its counters and drains idle page lists; 0: "
		"never."},
};

static const struct cfg_table periodic_table = {
	.name = "periodic",
	.doc = "The kernel's periodic work: on recorded time under pacing asap and order, on "
	       "simulated time under timestamps.",
	.fields = periodic_fields,
	.nr_fields = KMS_ARRAY_SIZE(periodic_fields),
	.size = sizeof(struct periodic_config),
};

/* ---- the whole ---- */

static const struct cfg_field experiment_fields[] = {
	{F(experiment_config, name), .type = CFG_STRING, .def = "\"experiment\"",
	 .doc = "Short name, by which `kmemsim show` finds the run."},
	{F(experiment_config, title), .type = CFG_STRING, .def = "\"\"",
	 .doc = "One line for people: what this run is to show."},
	{F(experiment_config, machine), .type = CFG_OBJECT, .table = &machine_config_table,
	 .doc = "The simulated hardware."},
	{F(experiment_config, allocator), .type = CFG_OBJECT, .table = &allocator_table,
	 .doc = "Allocator policy and its tunables."},
	{F(experiment_config, workload), .type = CFG_OBJECT, .table = &workload_table,
	 .doc = "The requests."},
	{F(experiment_config, timing), .type = CFG_ENUM, .def = "\"cycle\"", .choices = timings,
	 .doc = "cycle: every access is timed by the hardware models; functional: the allocators "
		"run natively, without time."},
	{F(experiment_config, seed), .type = CFG_UINT, .def = "1",
	 .doc = "Seed of all random numbers."},
	{F(experiment_config, costs), .type = CFG_PATH, .def = "\"configs/costs/linux-6.1.json\"",
	 .doc = "Cost table: instructions per path of each operation, in cycle timing."},
	{F(experiment_config, sampling), .type = CFG_OBJECT, .table = &sampling_table,
	 .doc = "Time series."},
	{F(experiment_config, periodic), .type = CFG_OBJECT, .table = &periodic_table,
	 .doc = "Periodic kernel work."},
	{F(experiment_config, check), .type = CFG_BOOL, .def = "false",
	 .doc = "Verify all invariants of the allocators at every sample; slow."},
	{F(experiment_config, matrix), .type = CFG_JSON,
	 .doc = "Many runs from one file: values by path, as in {\"allocator.slab\": [\"slub\", "
		"\"noslab\"]}; `run` and `compare` carry out the product of the lists."},
};

const struct cfg_table experiment_config_table = {
	.name = "experiment",
	.doc = "One run: a machine, an allocator, a workload and a timing mode.",
	.fields = experiment_fields,
	.nr_fields = KMS_ARRAY_SIZE(experiment_fields),
	.size = sizeof(struct experiment_config),
};
