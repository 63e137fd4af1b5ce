/*
 * names.c - the words for parts, paths, tracepoints and lock classes.
 */
#include "models/rt/rt_internal.h"
#include "sim/engine/ram.h"

const char *const rt_part_names[NR_PARTS] = {
	[PART_EXEC] = "exec",
	[PART_TLB] = "tlb",
	[PART_L1] = "l1",
	[PART_L2] = "l2",
	[PART_LLC] = "llc",
	[PART_COHERENCE] = "coherence",
	[PART_INTERCONNECT] = "interconnect",
	[PART_DRAM] = "dram",
	[PART_LOCK] = "lock",
	[PART_RECLAIM] = "reclaim",
	[PART_WAIT] = "wait",
};

const char *const rt_path_names[] = {
#define MM_PATH(id, name, doc) [id] = name,
#include "models/mm/paths.def"
#undef MM_PATH
};

const char *const rt_tracepoint_names[] = {
#define TRACEPOINT(name, path, args, doc) [TP_##name] = #name,
#include "models/mm/tracepoints.def"
#undef TRACEPOINT
};

const char *const rt_lock_names[] = {
	[LOCK_ZONE] = "zone",
	[LOCK_PCP] = "pcp",
	[LOCK_SLAB_NODE] = "slab_node",
	[LOCK_SLAB_MUTEX] = "slab_mutex",
	[LOCK_SLOB] = "slob",
	[LOCK_POLICY] = "policy",
	[LOCK_LRU] = "lru",
	[LOCK_OOM] = "oom",
	[LOCK_BARN] = "barn",
};

const u32 rt_nr_locks = NR_LOCK_CLASSES;
_Static_assert(KMS_ARRAY_SIZE(rt_lock_names) == NR_LOCK_CLASSES, "a lock class has no name");
_Static_assert(NR_PARTS <= SIM_MAX_PARTS, "more parts than the engine sums up");
_Static_assert(PAGE_OFFSET == SIM_RAM_BASE, "kernel.h and ram.h disagree on the direct map");
_Static_assert(VMEMMAP_START == SIM_RAM_BASE + SIM_WINDOW2_OFF, "kernel.h and ram.h disagree on the vmemmap");
