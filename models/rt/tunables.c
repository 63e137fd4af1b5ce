/*
 * tunables.c - parameters that simulated code reads without touching memory
 * (models/mm/tunables.h), and how they follow from the configuration's.
 */
#include "models/rt/rt_internal.h"

#define DEFAULT_PAGEBLOCK_ORDER 9
#define DEFAULT_MAX_PAGE_ORDER 10
#define DEFAULT_SLOB_BREAK1 256
#define DEFAULT_SLOB_BREAK2 1024
#define PCP_SMALL_ORDERS 0xfu /* 0..3 */

uint32_t kms_tunables[NR_TUNABLES] = {
	[TUNE_PCP_ORDERS] = PCP_SMALL_ORDERS | 1u << DEFAULT_PAGEBLOCK_ORDER,
	[TUNE_MERGE_LOOKAHEAD] = 1,
	[TUNE_FREE_LIST_ORDER] = FREE_LIST_LIFO,
	[TUNE_PAGEBLOCK_ORDER] = DEFAULT_PAGEBLOCK_ORDER,
	[TUNE_MAX_PAGE_ORDER] = DEFAULT_MAX_PAGE_ORDER,
	[TUNE_CPU_PARTIAL] = TUNE_UNSET,
	[TUNE_MIN_PARTIAL] = TUNE_UNSET,
	[TUNE_REMOTE_NODE_DEFRAG_RATIO] = 100,
	[TUNE_SLAB_MAX_ORDER] = TUNE_UNSET,
	[TUNE_SLAB_LIMIT] = TUNE_UNSET,
	[TUNE_SLAB_BATCHCOUNT] = TUNE_UNSET,
	[TUNE_SLAB_SHARED] = TUNE_UNSET,
	[TUNE_SLOB_BREAK1] = DEFAULT_SLOB_BREAK1,
	[TUNE_SLOB_BREAK2] = DEFAULT_SLOB_BREAK2,
	[TUNE_SHEAF_CAPACITY] = TUNE_UNSET,
};

uint32_t kms_tunable(enum kms_tunable tunable)
{
	return kms_tunables[tunable];
}

/* 0 stands for the default, MM_PARAM_ZERO for 0. */
static u32 or_else(u64 value, u32 normal)
{
	if (value == MM_PARAM_ZERO)
		return 0;
	return value ? (u32)value : normal;
}

void kms_set_params(const struct mm_params *p)
{
	u32 pageblock_order = or_else(p->pageblock_order, DEFAULT_PAGEBLOCK_ORDER);
	u32 *t = kms_tunables, debug;

	t[TUNE_PCP_ORDERS] = p->no_pcp_lists ? 0 : p->pcp_order0_only ? 1 : PCP_SMALL_ORDERS | 1u << pageblock_order;
	t[TUNE_PCP_BATCH] = (u32)p->pcp_batch;
	t[TUNE_PCP_HIGH] = (u32)p->pcp_high;
	t[TUNE_MERGE_LOOKAHEAD] = !p->no_merge_lookahead;
	t[TUNE_FREE_LIST_ORDER] = p->free_list_order;
	t[TUNE_PAGEBLOCK_ORDER] = pageblock_order;
	t[TUNE_MAX_PAGE_ORDER] = or_else(p->max_page_order, DEFAULT_MAX_PAGE_ORDER);
	t[TUNE_CPU_PARTIAL] = or_else(p->cpu_partial, TUNE_UNSET);
	t[TUNE_MIN_PARTIAL] = or_else(p->min_partial, TUNE_UNSET);
	t[TUNE_REMOTE_NODE_DEFRAG_RATIO] = or_else(p->remote_node_defrag_ratio, 100);
	t[TUNE_SLAB_MAX_ORDER] = or_else(p->slab_max_order, TUNE_UNSET);
	t[TUNE_SLAB_LIMIT] = or_else(p->slab_limit, TUNE_UNSET);
	t[TUNE_SLAB_BATCHCOUNT] = or_else(p->slab_batchcount, TUNE_UNSET);
	t[TUNE_SLAB_SHARED] = or_else(p->slab_shared, TUNE_UNSET);
	t[TUNE_NOALIENCACHE] = p->noaliencache;
	t[TUNE_SLOB_BREAK1] = or_else(p->slob_break1, DEFAULT_SLOB_BREAK1);
	t[TUNE_SLOB_BREAK2] = or_else(p->slob_break2, DEFAULT_SLOB_BREAK2);
	t[TUNE_SHEAF_CAPACITY] = or_else(p->sheaf_capacity, TUNE_UNSET);
	t[TUNE_SHEAF_CACHES] = p->sheaf_caches;
	t[TUNE_PCP_AUTO_TUNE] = p->pcp_auto_tune;
	t[TUNE_PCP_HIGH_FROM] = p->pcp_high_from;
	t[TUNE_PCP_FREE_BATCH] = p->pcp_free_batch;
	t[TUNE_PCP_DRAIN] = p->pcp_drain;
	t[TUNE_PCP_FREE_HIGH_BATCH] = p->pcp_free_high_batch;
	t[TUNE_FREED_TYPE] = p->freed_type;
	t[TUNE_FALLBACK] = p->fallback;
	t[TUNE_SLAB_ORDER] = p->slab_order_calculation;
	t[TUNE_FREE_POINTER] = p->slub_free_pointer;
	t[TUNE_CPU_PARTIAL_LIMIT] = p->slub_cpu_partial_limit;
	t[TUNE_TRANSPARENT_HUGEPAGE] = p->transparent_hugepage != THP_NEVER;
	t[TUNE_SLUB_DEBUG] = kms_slub_debug_flags(p->slub_debug, &debug) ? debug : 0;
	t[TUNE_SLAB_HARDENED] = p->slab_freelist_hardened;
}
