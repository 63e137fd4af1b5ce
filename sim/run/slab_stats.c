/*
 * slab_stats.c - SLUB's event counters from its tracepoints, and for all policies
 * the objects that are whole pages.
 */
#include "sim/run/slab_stats.h"

#include <stdlib.h>

#include "models/mm/tracepoints.h"
#include "models/rt/rt.h"

const char *const slab_stat_names[NR_SLAB_STATS] = {
	"alloc_fastpath", "alloc_slowpath", "free_fastpath", "free_slowpath", "free_frozen",
	"free_add_partial", "free_remove_partial", "alloc_from_partial", "alloc_slab", "alloc_refill",
	"alloc_node_mismatch", "free_slab", "cpuslab_flush", "deactivate_full", "deactivate_empty",
	"deactivate_to_head", "deactivate_to_tail", "deactivate_remote_frees", "deactivate_bypass",
	"order_fallback", "cmpxchg_double_cpu_fail", "cmpxchg_double_fail", "cpu_partial_alloc",
	"cpu_partial_free", "cpu_partial_node", "cpu_partial_drain",
};

/* A cache without per-CPU part yet (its first slab, at boot) has slot 0, which nobody reads. */
static u64 *counts_of(const void *stats, u64 cache)
{
	const struct slab_stats *s = stats;

	return s->count[mm_inspect_cache_slot((const struct kmem_cache *)cache)];
}

/* Tracepoints that mean one event: the cache is their second argument. */
#define ONE_EVENT(point, stat)                                                                     \
	static void on_##point(void *arg, u32 cpu, u64 a, u64 cache, u64 c)                        \
	{                                                                                          \
		counts_of(arg, cache)[stat]++;                                                     \
	}
ONE_EVENT(slab_alloc_fast, STAT_ALLOC_FASTPATH)
ONE_EVENT(slab_alloc_slow, STAT_ALLOC_SLOWPATH)
ONE_EVENT(slab_refill, STAT_ALLOC_REFILL)
ONE_EVENT(slab_cpu_slab_full, STAT_DEACTIVATE_BYPASS)
ONE_EVENT(slab_cpu_partial_pop, STAT_CPU_PARTIAL_ALLOC)
ONE_EVENT(slab_free_fast, STAT_FREE_FASTPATH)
ONE_EVENT(slab_free_slow, STAT_FREE_SLOWPATH)
ONE_EVENT(slab_free_frozen, STAT_FREE_FROZEN)
ONE_EVENT(slab_free_cpu_partial, STAT_CPU_PARTIAL_FREE)
ONE_EVENT(slab_cpu_partial_drain, STAT_CPU_PARTIAL_DRAIN)
ONE_EVENT(slab_flush, STAT_CPUSLAB_FLUSH)
ONE_EVENT(slab_node_mismatch, STAT_ALLOC_NODE_MISMATCH)
ONE_EVENT(slab_order_fallback, STAT_ORDER_FALLBACK)
ONE_EVENT(slab_cmpxchg_cpu_fail, STAT_CMPXCHG_DOUBLE_CPU_FAIL)
ONE_EVENT(slab_cmpxchg_fail, STAT_CMPXCHG_DOUBLE_FAIL)

static void on_slab_node_partial(void *arg, u32 cpu, u64 taken, u64 node, u64 cache)
{
	u64 *n = counts_of(arg, cache);

	if (!taken) /* a debug cache takes objects, not slabs */
		return;
	n[STAT_ALLOC_FROM_PARTIAL]++;
	n[STAT_CPU_PARTIAL_NODE] += taken - 1;
}

static void on_slab_new(void *arg, u32 cpu, u64 objects, u64 order, u64 cache)
{
	counts_of(arg, cache)[STAT_ALLOC_SLAB]++;
}

static void on_slab_deactivate(void *arg, u32 cpu, u64 walked, u64 how, u64 cache)
{
	u64 *n = counts_of(arg, cache);
	bool tail = how & 1;

	n[STAT_DEACTIVATE_REMOTE_FREES] += tail;
	switch (how >> 8) {
	case 0:
		n[STAT_DEACTIVATE_FULL]++;
		break;
	case 1:
		n[tail ? STAT_DEACTIVATE_TO_TAIL : STAT_DEACTIVATE_TO_HEAD]++;
		break;
	default:
		n[STAT_DEACTIVATE_EMPTY]++;
		n[STAT_FREE_SLAB]++;
	}
}

static void on_slab_free_list_lock(void *arg, u32 cpu, u64 a, u64 cache, u64 what)
{
	u64 *n = counts_of(arg, cache);

	n[STAT_FREE_ADD_PARTIAL] += what & 1;
	n[STAT_FREE_REMOVE_PARTIAL] += what >> 1 & 1;
	n[STAT_FREE_SLAB] += what >> 2 & 1;
}

static void on_slab_unfreeze(void *arg, u32 cpu, u64 slabs, u64 cache, u64 given_back)
{
	u64 *n = counts_of(arg, cache);

	n[STAT_FREE_ADD_PARTIAL] += slabs - given_back;
	n[STAT_DEACTIVATE_EMPTY] += given_back;
	n[STAT_FREE_SLAB] += given_back;
}

static void on_kmalloc_large(void *arg, u32 cpu, u64 order, u64 bytes, u64 allocated)
{
	struct slab_stats *s = arg;

	s->whole_new += allocated;
	s->whole_freed += !allocated;
}

/* A destroyed cache may have had the same slot. */
static void on_kmem_cache_create(void *arg, u32 cpu, u64 merged, u64 cache, u64 c)
{
	u64 *n;

	if (merged || !cache)
		return;
	n = counts_of(arg, cache);
	for (u32 i = 0; i < NR_SLAB_STATS; i++)
		n[i] = 0;
}

static const struct {
	u32 point;
	rt_probe_fn *fn;
} probes[] = {
#define PROBE(name) { TP_##name, on_##name }
	PROBE(slab_alloc_fast), PROBE(slab_alloc_slow), PROBE(slab_refill), PROBE(slab_cpu_slab_full),
	PROBE(slab_cpu_partial_pop), PROBE(slab_free_fast), PROBE(slab_free_slow),
	PROBE(slab_free_frozen), PROBE(slab_free_cpu_partial), PROBE(slab_cpu_partial_drain),
	PROBE(slab_flush), PROBE(slab_node_mismatch), PROBE(slab_order_fallback),
	PROBE(slab_cmpxchg_cpu_fail), PROBE(slab_cmpxchg_fail), PROBE(slab_node_partial),
	PROBE(slab_new), PROBE(slab_deactivate), PROBE(slab_free_list_lock), PROBE(slab_unfreeze),
	PROBE(kmem_cache_create), PROBE(kmalloc_large),
#undef PROBE
};

int slab_stats_start(struct slab_stats *s, struct kms_error *err)
{
	s->slots = mm_inspect_cache_slots();
	s->count = calloc(s->slots, sizeof(*s->count));
	if (!s->count)
		return kms_fail(err, KMS_EFAIL, "no memory for the slab statistics");
	for (size_t i = 0; i < KMS_ARRAY_SIZE(probes); i++)
		rt_probe(probes[i].point, probes[i].fn, s);
	return 0;
}

void slab_stats_stop(struct slab_stats *s)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(probes); i++)
		rt_probe(probes[i].point, NULL, NULL);
	free(s->count);
	*s = (struct slab_stats){ 0 };
}

const u64 *slab_stats_of(const struct slab_stats *s, const struct kmem_cache *cache)
{
	return s->count[mm_inspect_cache_slot(cache)];
}
