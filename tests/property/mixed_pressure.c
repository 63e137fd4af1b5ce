/*
 * Page and slab requests mixed while memory is out: kswapd, direct reclaim,
 * compaction and the out-of-memory killer at work among them.
 *
 * mixed_requests.c with memory full of pages in user hands, which the allocators
 * take back and move as they see fit (mixed_owner.h), and with all slab layers:
 * SLUB, its sheaves, SLAB, SLOB. Atomically, kernel threads do their work where
 * they are woken; in simulated time they are threads, and CPUs are switched at
 * every access.
 *
 * What happened is counted (cover_items below), printed, and must have happened:
 * a sequence in which kswapd reclaims nothing fails, as does a set of sequences
 * that leaves a kind of event out.
 */
#include "tests/property/mixed_run.h"

/* ---- what must happen ---- */

enum cover_from { FROM_TRACE, FROM_EVENT, FROM_COUNT };
enum own_count { COUNT_REFUSED, COUNT_REFUSED_HIGH, COUNT_KEPT, COUNT_BOOSTS, COUNT_RESERVES, COUNT_REMOTE,
		 COUNT_DRAINED, COUNT_DESTROYED };
enum when { ALWAYS, INTERLEAVED, NEVER_MIND };

static const struct {
	const char *what;
	enum cover_from from;
	u32 which;
	enum when needed;
} cover_items[] = {
	{ "kswapd woken", FROM_TRACE, TP_mm_vmscan_wakeup_kswapd, ALWAYS },
	{ "kswapd's balances", FROM_TRACE, TP_mm_vmscan_kswapd_wake, ALWAYS },
	{ "pages kswapd reclaimed", FROM_EVENT, PGSTEAL_KSWAPD, ALWAYS },
	{ "slow paths", FROM_TRACE, TP_mm_page_alloc_slowpath, ALWAYS },
	{ "direct reclaims", FROM_EVENT, ALLOCSTALL, ALWAYS },
	{ "pages reclaimed directly", FROM_EVENT, PGSTEAL_DIRECT, ALWAYS },
	{ "reclaimers throttled", FROM_TRACE, TP_mm_vmscan_throttled, NEVER_MIND },
	{ "pages activated", FROM_EVENT, PGACTIVATE, ALWAYS },
	{ "pages deactivated", FROM_EVENT, PGDEACTIVATE, ALWAYS },
	{ "owners that refused", FROM_COUNT, COUNT_KEPT, ALWAYS },
	{ "direct compactions", FROM_EVENT, COMPACTSTALL, ALWAYS },
	{ "that succeeded", FROM_EVENT, COMPACTSUCCESS, ALWAYS },
	{ "that failed", FROM_EVENT, COMPACTFAIL, ALWAYS },
	{ "compactions deferred", FROM_TRACE, TP_mm_compaction_deferred, ALWAYS },
	{ "blocks captured", FROM_TRACE, TP_mm_compaction_capture, ALWAYS },
	{ "kcompactd's runs", FROM_EVENT, KCOMPACTD_WAKE, ALWAYS },
	{ "pages migrated", FROM_EVENT, PGMIGRATE_SUCCESS, ALWAYS },
	{ "migrations that failed", FROM_EVENT, PGMIGRATE_FAIL, ALWAYS },
	{ "fallbacks to another type", FROM_TRACE, TP_mm_page_alloc_extfrag, ALWAYS },
	{ "pageblocks changed type", FROM_TRACE, TP_mm_set_pageblock, ALWAYS },
	{ "fallbacks under boost", FROM_COUNT, COUNT_BOOSTS, ALWAYS },
	{ "zones with a reserve", FROM_COUNT, COUNT_RESERVES, ALWAYS },
	{ "reserves given up", FROM_TRACE, TP_mm_highatomic_unreserve, ALWAYS },
	{ "tasks killed", FROM_EVENT, OOM_KILL, ALWAYS },
	{ "requests refused", FROM_COUNT, COUNT_REFUSED, ALWAYS },
	{ "of high orders", FROM_COUNT, COUNT_REFUSED_HIGH, ALWAYS },
	{ "new slabs", FROM_TRACE, TP_slab_new, ALWAYS },
	{ "slabs of a lower order", FROM_TRACE, TP_slab_order_fallback, ALWAYS },
	{ "slabs from another node", FROM_COUNT, COUNT_REMOTE, ALWAYS },
	{ "slabs given back", FROM_TRACE, TP_slab_discard, ALWAYS },
	{ "SLAB: slabs", FROM_TRACE, TP_ac_grow, ALWAYS },
	{ "SLAB: frees to another node", FROM_TRACE, TP_ac_alien_free, ALWAYS },
	{ "SLAB: reaps", FROM_TRACE, TP_ac_reap, ALWAYS },
	{ "SLOB: pages", FROM_TRACE, TP_slob_new_page, ALWAYS },
	{ "sheaves refilled", FROM_TRACE, TP_sheaf_refill, ALWAYS },
	{ "kmalloc of whole pages", FROM_TRACE, TP_kmalloc_large, ALWAYS },
	{ "slab caches destroyed", FROM_COUNT, COUNT_DESTROYED, ALWAYS },
	{ "drains of all CPUs", FROM_COUNT, COUNT_DRAINED, ALWAYS },
	{ "slab updates lost to another", FROM_TRACE, TP_slab_cmpxchg_fail, INTERLEAVED },
};

static u64 covered[2][ARRAY_SIZE(cover_items)]; /* atomically, interleaved */
static u32 sequences[2];

static u64 count_of(u32 i)
{
	const u64 counts[] = { t.refused, t.refused_high, t.kept_owner, t.boosts, t.reserves,
			       t.remote_slabs, t.drained, t.destroyed };

	switch (cover_items[i].from) {
	case FROM_TRACE:
		return rt_trace_counts()[cover_items[i].which];
	case FROM_EVENT:
		return mm_inspect_vm_event(cover_items[i].which);
	default:
		return counts[cover_items[i].which];
	}
}

static void on_node_partial(void *arg, u32 cpu, u64 slabs, u64 node, u64 cache)
{
	t.remote_slabs += node != mm_inspect_cpu_node(cpu);
}

static void on_fallback(void *arg, u32 cpu, u64 orders, u64 wanted, u64 found)
{
	struct mm_zone_info zones[8];
	u32 n = mm_inspect_zones(zones, 8);

	for (u32 i = 0; i < n; i++)
		t.boosts += zones[i].watermark_boost != 0;
}

/* A sequence's share of all that happened. Did it press? */
static bool add_up(const struct sequence *q)
{
	for (u32 i = 0; i < ARRAY_SIZE(cover_items); i++)
		covered[q->interleaved][i] += count_of(i);
	sequences[q->interleaved]++;
	return mm_inspect_vm_event(PGSTEAL_KSWAPD) &&
	       (!q->interleaved || rt_trace_counts()[TP_mm_page_alloc_slowpath]);
}

static void everything_happened(void **state)
{
	u32 missing = 0;

	print_message("%-30s %14s %14s\n", "", "atomically", "interleaved");
	print_message("%-30s %14u %14u\n", "sequences", sequences[0], sequences[1]);
	for (u32 i = 0; i < ARRAY_SIZE(cover_items); i++) {
		const u64 n[2] = { covered[0][i], covered[1][i] };
		bool bad = cover_items[i].needed != NEVER_MIND &&
			   (!n[1] || (!n[0] && cover_items[i].needed == ALWAYS));

		print_message("%-30s %14lu %14lu%s\n", cover_items[i].what, (unsigned long)n[0],
			      (unsigned long)n[1], bad ? "  <- never" : "");
		missing += bad;
	}
	if (!getenv("KMS_SEED") && !getenv("KMS_RUNS"))
		assert_int_equal(missing, 0);
}

/* ---- machines ---- */

static const char *layer_of(u64 seed)
{
	static const char *const layers[] = { "slub", "slub", "sheaves", "slub", "slab", "slub", "slob" };

	return layers[seed / 2 % ARRAY_SIZE(layers)];
}

static void machine_of(u64 seed, const struct mm_ops *mm)
{
	struct mm_params params = machine_default_params();
	u64 half = MACHINE_FREE_PFN + FREE_MIB * 128;

	params.slab_nomerge = seed % 3;
	params.slub_cpu_partial = seed % 5 != 4;
	params.pcp_auto_tune = seed % 7 == 1;
	params.fallback = seed % 9 == 2 ? FALLBACK_CLAIM : FALLBACK_STEAL;
	params.pcp_order0_only = seed % 11 == 3;
	params.pcp_drain = seed % 6 == 2 ? PCP_DRAIN_ROUND_ROBIN : PCP_DRAIN_LIST_BY_LIST;
	params.freed_type = seed % 10 == 3 ? FREED_TYPE_EXACT : FREED_TYPE_CACHED;
	params.sheaf_caches = SHEAF_CACHES_ALL;
	params.sheaf_capacity = 2 + seed % 9;
	params.remote_node_defrag_ratio = 100;
	if (nodes_of(seed) == 2)
		t.split = half;
	if (seed % 4 >= 2)
		t.normal = seed % 4 == 2 ? half : half - 1024;
	t.keeps = !strcmp(layer_of(seed), "sheaves");
	t.m = machine_boot_zones(mm, layer_of(seed), cpus_of(seed), nodes_of(seed), FREE_MIB, t.normal,
				 &params);
	rt_probe(TP_slab_node_partial, on_node_partial, NULL);
	rt_probe(TP_mm_page_alloc_extfrag, on_fallback, NULL);
}

/* ---- sequences ---- */

#define USER NR_OPS /* file or anonymous pages */

/*
 * Memory is filled first; then kernel and users compete, the ones or the others
 * stronger; in every fourth seed the kernel, until there is nothing left.
 */
static u8 random_op(u64 seed, u32 i, u64 r)
{
	static const u8 filling[] = { USER, USER, USER, USER, USER, PAGES, KMALLOC, OBJECTS_BULK };
	static const u8 kernel[] = { PAGES, PAGES, PAGES, PAGES_BULK, PAGES_EXACT, PAGES_SPLIT, KMALLOC,
				     KMALLOC, KMALLOC, KREALLOC, OBJECT, OBJECTS_BULK, OBJECTS_BULK,
				     OBJECTS_BULK, PAGES_FREE, OBJECT_FREE, OBJECTS_FREE_BULK, OBJECTS_FREE_MANY, VMSTAT,
				     DRAIN, USER, USER, USER, PERIODIC, CACHE_CREATE };
	static const u8 users[] = { USER, USER, USER, USER_FREE, USER_ACCESS, USER_ACCESS, USER_ACCESS,
				    PAGES, PAGES_FREE, OBJECT, OBJECT_FREE, KMALLOC, SHRINK };
	static const u8 draining[] = { PAGES_FREE, PAGES_FREE, PAGES_FREE, PAGES_LIST, PAGES_LIST,
				       OBJECT_FREE, OBJECT_FREE, OBJECTS_FREE_BULK, OBJECTS_FREE_MANY, OBJECTS_FREE_MANY,
				       USER_FREE, PAGES, OBJECT, KREALLOC, SHRINK, DRAIN, VMSTAT,
				       CACHE_DESTROY, CACHE_CREATE, PERIODIC, USER };

	if (i < mixed->steps / 3)
		return filling[r % sizeof(filling)];
	if (seed % 4 == 1 && i > mixed->steps / 2)
		return kernel[r % sizeof(kernel)];
	switch ((i / 32 + seed) % 4) {
	case 0:
		return users[r % sizeof(users)];
	case 3:
		return draining[r % sizeof(draining)];
	default:
		return kernel[r % sizeof(kernel)];
	}
}

/* In every third seed there is more anonymous memory than page cache: nothing soon helps. */
static u8 user_kind(u64 seed, u64 r)
{
	return r % 8 < (seed % 3 ? 2 : 6) ? ANON_PAGES : FILE_PAGES;
}

static void generate(u64 seed, struct step *steps)
{
	u64 state = seed * 77;

	for (u32 i = 0; i < mixed->steps; i++) {
		u64 r = mix(&state);

		u8 op = random_op(seed, i, r % 1000003);

		steps[i] = (struct step){ .op = op == USER ? user_kind(seed, r >> 48) : op, .cpu = (u8)(r >> 40),
					  .a = (u32)mix(&state) >> 1, .b = (u32)mix(&state) >> 1 };
		heat(&steps[i], i);
	}
}

int main(void)
{
	static const struct mixed_test test = {
		.steps = 768, .runs = 56, .machine = machine_of, .generate = generate, .ran = add_up,
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(switched_at_every_access),
		cmocka_unit_test(everything_happened),
		cmocka_unit_test(failures_are_shrunk),
	};

	mixed = &test;
	return cmocka_run_group_tests_name("mixed_pressure", tests, allocate_map, free_map);
}
