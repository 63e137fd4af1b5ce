/*
 * SLUB, with sheaves and without, under real interleaving: simulated CPUs allocate, hand objects to each
 * other and free them, switched between any two accesses to simulated memory,
 * with access times drawn at random so that every seed gives other orders.
 *
 * Whatever the order: no object is handed out twice, contents of live objects
 * stay, nothing is lost, and all lists are sound at the end.
 */
#include <stdlib.h>

#include "sim/engine/engine.h"
#include "tests/unit/slub_machine.h"

#define NR_CPUS_TESTED 4
#define OPS 1500
#define POOL 192
#define NR_TEST_CACHES 3
#define NR_SEEDS 80

struct held {
	u8 *p;
	u32 size, cache; /* NR_TEST_CACHES: kmalloc */
	u8 fill;
};

/* Host memory: the other side of the hooks, no simulated time passes in it. */
static struct {
	struct machine m;
	struct kmem_cache *s[NR_TEST_CACHES];
	struct held pool[POOL]; /* any CPU may free them */
	u32 nr;
	u64 rnd;
	u64 ops;
	const char *why;
} t;

static u64 rnd(void)
{
	u64 z = t.rnd += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void random_cost(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	(void)off, (void)size, (void)kind;
	sim_charge(cpu, 0, 1000 + rnd() % 64 * 1000);
}

static bool overlaps(const struct held *h)
{
	for (u32 i = 0; i < t.nr; i++)
		if (h->p < t.pool[i].p + t.pool[i].size && t.pool[i].p < h->p + h->size)
			return true;
	return false;
}

static void keep(u8 *p, u32 size, u32 cache)
{
	struct held h = { p, size, cache, (u8)rnd() };

	if (!p)
		return;
	if (overlaps(&h))
		t.why = "object handed out twice";
	memset(p, h.fill, size);
	if (t.nr < POOL)
		t.pool[t.nr++] = h;
	else
		t.why = "pool is full";
}

static struct held take(u32 i)
{
	struct held h = t.pool[i];

	t.pool[i] = t.pool[--t.nr];
	for (u32 k = 0; k < h.size; k++)
		if (h.p[k] != h.fill)
			t.why = "contents of a live object changed";
	return h;
}

static void alloc_some(void)
{
	u32 cache = rnd() % (NR_TEST_CACHES + 1), n = rnd() % 4 ? 1 : 1 + rnd() % 6;
	void *p[6];

	if (t.nr + n + 6 * NR_CPUS_TESTED > POOL) /* others may be at it as well */
		return;
	if (cache == NR_TEST_CACHES) {
		u32 size = 1 + rnd() % 600;

		keep(t.m.slab->kmalloc(size, GFP_KERNEL, -1), size, cache);
	} else if (n == 1) {
		keep(t.m.slab->cache_alloc(t.s[cache], GFP_KERNEL, -1), t.s[cache]->object_size, cache);
	} else if (t.m.slab->cache_alloc_bulk(t.s[cache], GFP_KERNEL, n, p)) {
		for (u32 i = 0; i < n; i++)
			keep(p[i], t.s[cache]->object_size, cache);
	}
}

static void free_some(void)
{
	struct held h;
	void *p[6];
	u32 n = 0;

	if (!t.nr)
		return;
	h = take((u32)(rnd() % t.nr));
	if (h.cache == NR_TEST_CACHES) {
		t.m.slab->kfree(h.p);
		return;
	}
	p[n++] = h.p;
	for (u32 i = 0; rnd() % 3 == 0 && i < t.nr && n < 6; i++)
		if (t.pool[i].cache == h.cache)
			p[n++] = take(i).p;
	if (n == 1)
		t.m.slab->cache_free(t.s[h.cache], h.p);
	else
		t.m.slab->free_bulk(t.s[h.cache], n, p);
}

static void cpu_work(void *arg)
{
	(void)arg;
	for (u32 i = 0; i < OPS && !t.why; i++) {
		u64 r = rnd() % 64;

		/* filling and draining take turns, at other times on each CPU */
		if (r == 0)
			t.m.slab->cache_shrink(t.s[rnd() % NR_TEST_CACHES]);
		else if (r % 8 < (i / 100 % 2 ? 3 : 5))
			alloc_some();
		else
			free_some();
		t.ops++;
		sim_resched(); /* other CPUs' work for this one */
	}
}

static void boot(u64 seed, const char *policy, bool cpu_partial, u32 nr_nodes)
{
	struct mm_params params = machine_default_params();

	memset(&t, 0, sizeof(t));
	t.rnd = seed;
	params.slub_cpu_partial = cpu_partial;
	params.sheaf_caches = SHEAF_CACHES_ALL;
	params.sheaf_capacity = 2 + seed % 9; /* small: sheaves change hands all the time */
	params.slab_nomerge = true;
	t.m = machine_boot(&mm_ops_cycle, policy, NR_CPUS_TESTED, nr_nodes, 16, &params);
	t.s[0] = machine_cache(&t.m, 1024, 0, 0); /* few objects in a slab: slow paths all the time */
	t.s[1] = machine_cache(&t.m, 2048, 0, SLAB_TYPESAFE_BY_RCU);
	t.s[2] = machine_cache(&t.m, 256, 0, 0);
}

static void run_interleaved(u64 seed, const char *policy, bool cpu_partial, u32 nr_nodes)
{
	struct engine_config config = { .nr_cpus = NR_CPUS_TESTED, .access = random_cost };
	struct kms_error err = { 0 };
	u64 expected[NR_TEST_CACHES] = { 0 };

	boot(seed, policy, cpu_partial, nr_nodes);
	assert_int_equal(engine_init(&config, &err), 0);
	for (u32 cpu = 0; cpu < NR_CPUS_TESTED; cpu++)
		sim_thread_start(cpu, "worker", cpu_work, NULL);
	if (engine_run(&err))
		fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
	engine_exit();
	if (t.why)
		fail_msg("seed %llu: %s", (unsigned long long)seed, t.why);
	assert_int_equal(t.ops, NR_CPUS_TESTED * OPS);
	machine_check_slabs();
	for (u32 i = 0; i < t.nr; i++)
		if (t.pool[i].cache < NR_TEST_CACHES)
			expected[t.pool[i].cache]++;
	for (u32 i = 0; i < NR_TEST_CACHES; i++)
		assert_int_equal(machine_cache_info(t.s[i]).inuse, expected[i]);
	machine_off();
}

static void interleaved_cpus_do_not_corrupt_slabs(void **state)
{
	for (u64 seed = 1; seed <= NR_SEEDS; seed++)
		run_interleaved(seed, "slub", true, 1 + seed % 2);
}

static void nor_without_cpu_partial_lists(void **state)
{
	for (u64 seed = 1; seed <= NR_SEEDS / 2; seed++)
		run_interleaved(seed, "slub", false, 1);
}

/* Sheaves go from CPU to CPU through the barns, while others shrink the cache. */
static void nor_with_sheaves(void **state)
{
	static const u32 expected[] = { TP_sheaf_swap, TP_sheaf_barn_get, TP_sheaf_barn_put,
					TP_sheaf_barn_put_fail, TP_sheaf_refill, TP_sheaf_flush,
					TP_sheaf_discard };
	u64 passed[NR_TRACEPOINTS] = { 0 };

	for (u64 seed = 1; seed <= NR_SEEDS / 2; seed++) {
		run_interleaved(seed, "sheaves", seed % 5 != 0, 1 + seed % 2);
		for (u32 i = 0; i < NR_TRACEPOINTS; i++)
			passed[i] += rt_trace_counts()[i];
	}
	for (u32 i = 0; i < ARRAY_SIZE(expected); i++)
		assert_true(passed[expected[i]] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interleaved_cpus_do_not_corrupt_slabs),
		cmocka_unit_test(nor_without_cpu_partial_lists),
		cmocka_unit_test(nor_with_sheaves),
	};

	return cmocka_run_group_tests_name("slub_smp", tests, NULL, NULL);
}
