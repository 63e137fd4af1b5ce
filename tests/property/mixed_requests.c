/*
 * Page and slab requests mixed, on one to eight CPUs, against a model that
 * cannot be wrong: a map that says who owns each word of RAM.
 *
 * The same sequences run atomically (native code, one request after the other)
 * and in simulated time, where CPUs are switched between any two accesses to
 * simulated memory and access times are drawn at random. Nodes, CPUs and the
 * behaviours of other kernel versions change from seed to seed; every third has
 * watermarks so high that requests take the slow path, with hardly anything to
 * reclaim (mixed_pressure.c has memory full of pages that can be).
 *
 * What must hold: nothing is handed out twice, blocks are aligned and in one
 * piece, contents stay, no page is lost, all invariants of mm_check(), and when
 * everything is freed every zone has the free blocks it began with, merged to
 * the last. A failing sequence is shrunk before it is reported.
 */
#include "tests/property/mixed_run.h"

#define PRESSED_KBYTES 16384 /* of 24 MiB: many requests fail at first */

static void machine_of(u64 seed, const struct mm_ops *mm)
{
	struct mm_params params = machine_default_params();

	params.slab_nomerge = true;
	params.slub_cpu_partial = seed % 5 != 4;
	params.pcp_auto_tune = seed % 3 == 1;
	params.fallback = seed % 4 == 2 ? FALLBACK_CLAIM : FALLBACK_STEAL;
	params.pcp_order0_only = seed % 7 == 3;
	params.pcp_drain = seed % 5 == 2 ? PCP_DRAIN_ROUND_ROBIN : PCP_DRAIN_LIST_BY_LIST;
	params.freed_type = seed % 4 == 3 ? FREED_TYPE_EXACT : FREED_TYPE_CACHED;
	params.pcp_free_high_batch = seed % 6 == 1;
	params.min_free_kbytes = seed % 3 == 0 ? PRESSED_KBYTES : 0;
	params.slub_cpu_partial_limit = seed % 6 == 5 ? CPU_PARTIAL_OBJECTS : CPU_PARTIAL_SLABS;
	if (nodes_of(seed) == 2)
		t.split = MACHINE_FREE_PFN + FREE_MIB * 128;
	t.m = machine_boot(mm, "slub", cpus_of(seed), nodes_of(seed), FREE_MIB, &params);
}

/* Stretches that fill alternate with stretches that drain. */
static void generate(u64 seed, struct step *steps)
{
	static const u8 filling[] = { PAGES, PAGES, PAGES, PAGES_BULK, PAGES_EXACT, PAGES_SPLIT, KMALLOC,
				      KMALLOC, KREALLOC, OBJECT, OBJECT, OBJECTS_BULK, OBJECTS_BULK,
				      PAGES_FREE, OBJECT_FREE, VMSTAT };
	static const u8 draining[] = { PAGES_FREE, PAGES_FREE, PAGES_FREE, PAGES_LIST, OBJECT_FREE,
				       OBJECT_FREE, OBJECT_FREE, OBJECTS_FREE_BULK, OBJECTS_FREE_MANY, OBJECTS_FREE_MANY,
				       PAGES, OBJECT, KREALLOC, SHRINK, DRAIN, VMSTAT, CACHE_DESTROY,
				       CACHE_CREATE, CACHE_CREATE };
	u64 state = seed * 77;

	for (u32 i = 0; i < mixed->steps; i++) {
		u64 r = mix(&state);
		bool fills = i / 40 % 2 == 0;

		steps[i] = (struct step){
			.op = fills ? filling[r % sizeof(filling)] : draining[r % sizeof(draining)],
			.cpu = (u8)(r >> 40), .a = (u32)mix(&state) >> 1, .b = (u32)mix(&state) >> 1,
		};
		heat(&steps[i], i);
	}
}

static u64 slow_paths; /* of all sequences so far */

static bool count_slow_paths(const struct sequence *q)
{
	slow_paths += rt_trace_counts()[TP_mm_page_alloc_slowpath];
	return true;
}

static void the_slow_path_was_taken(void **state)
{
	assert_true(slow_paths > 0 || getenv("KMS_SEED"));
}

int main(void)
{
	static const struct mixed_test test = {
		.steps = 320, .runs = 50, .machine = machine_of, .generate = generate,
		.ran = count_slow_paths,
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(switched_at_every_access),
		cmocka_unit_test(the_slow_path_was_taken),
		cmocka_unit_test(failures_are_shrunk),
	};

	mixed = &test;
	return cmocka_run_group_tests_name("mixed_requests", tests, allocate_map, free_map);
}
