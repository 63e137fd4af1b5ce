/*
 * inspect_reclaim.c - reclaim and compaction seen from outside, uncharged.
 *
 * Compiled without instrumentation, like inspect_page.c.
 */
#include "models/mm/inspect.h"
#include "models/mm/page_internal.h"

static const char *const event_names[] = {
	[PGALLOC_DMA] = "pgalloc_dma",
	[PGALLOC_DMA32] = "pgalloc_dma32",
	[PGALLOC_NORMAL] = "pgalloc_normal",
	[PGALLOC_MOVABLE] = "pgalloc_movable",
	[PGFREE] = "pgfree",
	[ALLOCSTALL] = "allocstall",
	[PGSCAN_KSWAPD] = "pgscan_kswapd",
	[PGSCAN_DIRECT] = "pgscan_direct",
	[PGSTEAL_KSWAPD] = "pgsteal_kswapd",
	[PGSTEAL_DIRECT] = "pgsteal_direct",
	[PGSCAN_DIRECT_THROTTLE] = "pgscan_direct_throttle",
	[PGACTIVATE] = "pgactivate",
	[PGDEACTIVATE] = "pgdeactivate",
	[PAGEOUTRUN] = "pageoutrun",
	[KSWAPD_LOW_WMARK_HIT_QUICKLY] = "kswapd_low_wmark_hit_quickly",
	[KSWAPD_HIGH_WMARK_HIT_QUICKLY] = "kswapd_high_wmark_hit_quickly",
	[COMPACTMIGRATE_SCANNED] = "compact_migrate_scanned",
	[COMPACTFREE_SCANNED] = "compact_free_scanned",
	[COMPACTISOLATED] = "compact_isolated",
	[COMPACTSTALL] = "compact_stall",
	[COMPACTFAIL] = "compact_fail",
	[COMPACTSUCCESS] = "compact_success",
	[KCOMPACTD_WAKE] = "compact_daemon_wake",
	[KCOMPACTD_MIGRATE_SCANNED] = "compact_daemon_migrate_scanned",
	[KCOMPACTD_FREE_SCANNED] = "compact_daemon_free_scanned",
	[PGMIGRATE_SUCCESS] = "pgmigrate_success",
	[PGMIGRATE_FAIL] = "pgmigrate_fail",
	[OOM_KILL] = "oom_kill",
	[SLABS_SCANNED] = "slabs_scanned",
};

const char *mm_vm_event_name(u32 event)
{
	return event < ARRAY_SIZE(event_names) ? event_names[event] : NULL;
}

u64 mm_inspect_vm_event(u32 event)
{
	u64 sum = 0;
	u32 cpu;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		sum += per_cpu_ptr(kdata->vm_event_states, cpu)->event[event];
	return sum;
}

u32 mm_inspect_nodes(void)
{
	return kdata->nr_node_ids;
}

u32 mm_inspect_cpu_node(u32 cpu)
{
	return kdata->cpu_to_node[cpu];
}
