/*
 * Page and slab requests mixed, on one to eight CPUs, against a model that
 * cannot be wrong: a map that says who owns each word of RAM.
 *
 * The same sequences run atomically (native code, one request after the other)
 * and in simulated time, where CPUs are switched between any two accesses to
 * simulated memory and access times are drawn at random. Nodes, CPUs and the
 * behaviours of other kernel versions change from seed to seed; every third has
 * watermarks so high that requests take the slow path (nothing can be
 * reclaimed here: pressure_smp.c has pages that can).
 *
 * What must hold: nothing is handed out twice, blocks are aligned and in one
 * piece, contents stay, all invariants of mm_check(), and when everything is
 * freed every zone has the free blocks it began with, merged to the last.
 *
 * A failing sequence is shrunk before it is reported. KMS_SEED=n runs that
 * seed alone, KMS_RUNS=n so many, KMS_SOAK=1 twenty times as many.
 */
#include "tests/property/mixed_model.h"

#define PRESSED_KBYTES 16384 /* of 24 MiB: many requests fail at first */

/* ---- the machine of a seed ---- */

static u32 cpus_of(u64 seed)
{
	return 1 + (u32)(seed % 8);
}

static void boot(u64 seed, const struct mm_ops *mm)
{
	struct mm_params params = machine_default_params();

	memset(&t, 0, sizeof(t));
	memset(owned, 0, WORDS);
	t.rnd = seed;
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
	t.m = machine_boot(mm, "slub", cpus_of(seed), cpus_of(seed) % 2 ? 1 : 2, FREE_MIB, &params);
	t.s[0] = machine_cache(&t.m, 1024, 0, 0);
	t.s[1] = machine_cache(&t.m, 72, 0, SLAB_HWCACHE_ALIGN);
	t.s[2] = machine_cache(&t.m, 2048, 0, SLAB_TYPESAFE_BY_RCU | SLAB_RECLAIM_ACCOUNT);
	t.s[3] = machine_cache(&t.m, 300, 0, SLAB_RED_ZONE | SLAB_POISON);
}

/* Slabs without objects and pages on CPUs' lists back to the zones. */
static void settle(void)
{
	struct mm_cache_info infos[128];
	u32 n = mm_inspect_caches(infos, 128);

	rt_enter_cpu(0);
	for (u32 i = 0; i < n; i++)
		t.m.slab->cache_shrink((struct kmem_cache *)infos[i].cache);
	t.m.mm->drain_all_pages();
	for (u32 cpu = 0; cpu < t.m.nr_cpus; cpu++) {
		rt_enter_cpu(cpu);
		t.m.mm->refresh_cpu_vm_stats();
	}
}

static void remember_free_blocks(void)
{
	struct mm_zone_info zones[8];
	u32 n = mm_inspect_zones(zones, 8);

	for (u32 i = 0; i < n; i++)
		memcpy(t.nr_free[i], zones[i].nr_free, sizeof(zones[i].nr_free));
}

static void check_invariants(void)
{
	struct kms_error err = { 0 };

	if (mm_check(&err))
		wrong(err.text);
}

/* Everything back: the zones are what they were, unless pageblocks are reserved. */
static void check_end(void)
{
	struct mm_zone_info zones[8];
	char text[160];
	u32 n;

	check_invariants();
	while (t.nr_live && !t.why[0]) {
		struct live l;

		rt_enter_cpu(t.nr_live % t.m.nr_cpus);
		if (!take_out(0, BLOCK, CACHE_OBJECT, -1, &l))
			return;
		if (l.kind <= SINGLE_PAGES)
			free_pages_of(&l);
		else
			free_object(&l);
	}
	settle();
	check_invariants();
	n = mm_inspect_zones(zones, 8);
	for (u32 i = 0; i < n; i++)
		for (u32 o = 0; o < 11 && !zones[i].highatomic; o++)
			if (zones[i].nr_free[o] != t.nr_free[i][o]) {
				snprintf(text, sizeof(text), "at the end zone %u has %lu blocks of order %u, had %lu",
					 i, (unsigned long)zones[i].nr_free[o], o, (unsigned long)t.nr_free[i][o]);
				wrong(text);
			}
}

/* ---- atomically ---- */

struct sequence {
	u64 seed;
	const struct step *steps;
	u32 nr;
	bool interleaved;
};

static void run_atomically(void *arg)
{
	const struct sequence *q = arg;

	boot(q->seed, &mm_ops_plain);
	settle();
	remember_free_blocks();
	for (u32 i = 0; i < q->nr && !t.why[0]; i++) {
		rt_enter_cpu(q->steps[i].cpu % t.m.nr_cpus);
		do_step(&q->steps[i]);
		if (i % 8 == 0)
			check_invariants();
	}
	if (!t.why[0])
		check_end();
}

/* ---- interleaved at every access ---- */

static void random_cost(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	sim_charge(cpu, 0, 1000 + mix(&t.rnd) % 64 * 1000);
}

static void cpu_work(void *arg)
{
	u32 cpu = (u32)(u64)arg;

	for (u32 i = 0; i < t.nr_steps && !t.why[0]; i++) {
		if (t.steps[i].cpu % t.m.nr_cpus == cpu)
			do_step(&t.steps[i]);
		sim_resched(); /* other CPUs' work for this one */
	}
}

static void boot_interleaved(void *arg)
{
	const struct sequence *q = arg;

	boot(q->seed, &mm_ops_cycle);
	settle();
	remember_free_blocks();
	t.steps = q->steps;
	t.nr_steps = q->nr;
}

static void end_interleaved(void *arg)
{
	check_end();
}

static void run_interleaved(struct sequence *q, struct kms_error *err)
{
	struct engine_config config = { .nr_cpus = cpus_of(q->seed), .access = random_cost };
	u32 nr_nodes = cpus_of(q->seed) % 2 ? 1 : 2;
	u32 last_cpu[2] = { nr_nodes == 2 ? cpus_of(q->seed) / 2 - 1 : cpus_of(q->seed) - 1,
			    cpus_of(q->seed) - 1 };
	struct rt_kthread_config kthreads = { .mm = &mm_ops_cycle, .nr_nodes = nr_nodes,
					      .cpu = last_cpu };
	int rc = rt_protect(boot_interleaved, q, err);

	if (rc)
		return;
	rc = engine_init(&config, err);
	if (!rc)
		rc = rt_start_kthreads(&kthreads, err);
	for (u32 cpu = 0; cpu < config.nr_cpus && !rc; cpu++)
		sim_thread_start(cpu, "worker", cpu_work, (void *)(u64)cpu);
	if (!rc)
		rc = engine_run(err);
	engine_exit();
	if (!rc && !t.why[0])
		rt_protect(end_interleaved, q, err);
}

/* ---- sequences ---- */

static u64 slow_paths; /* of all sequences so far */

static bool fails(struct sequence *q)
{
	struct kms_error err = { 0 };

	if (q->interleaved)
		run_interleaved(q, &err);
	else
		rt_protect(run_atomically, q, &err);
	if (err.code)
		wrong(err.text);
	slow_paths += rt_trace_counts()[TP_mm_page_alloc_slowpath];
	machine_off();
	return t.why[0] != 0;
}

/* Leave out parts of that length while the rest still fails; returns how many steps stay. */
static u32 leave_out(struct sequence q, struct step *steps, u32 nr, u32 part)
{
	static struct step trial[STEPS];

	q.steps = trial;
	for (u32 at = 0; at + part <= nr;) {
		memcpy(trial, steps, at * sizeof(*steps));
		memcpy(trial + at, steps + at + part, (nr - at - part) * sizeof(*steps));
		q.nr = nr - part;
		if (!fails(&q)) {
			at += part;
			continue;
		}
		nr -= part;
		memcpy(steps, trial, nr * sizeof(*steps));
	}
	return nr;
}

/* Large parts first, and again until nothing more can go: what fails need not fail with more left out. */
static u32 shrink(struct sequence q, struct step *steps)
{
	u32 nr = q.nr, before;

	do {
		before = nr;
		for (u32 part = max(nr / 2, 1u); part; part /= 2)
			nr = leave_out(q, steps, nr, part);
	} while (nr < before);
	return nr;
}

/* Stretches that fill alternate with stretches that drain. */
static void generate(u64 seed, struct step *steps)
{
	static const u8 filling[] = { PAGES, PAGES, PAGES, PAGES_BULK, PAGES_EXACT, PAGES_SPLIT, KMALLOC,
				      KMALLOC, KREALLOC, OBJECT, OBJECT, OBJECTS_BULK, OBJECTS_BULK,
				      PAGES_FREE, OBJECT_FREE, VMSTAT };
	static const u8 draining[] = { PAGES_FREE, PAGES_FREE, PAGES_FREE, PAGES_LIST, OBJECT_FREE,
				       OBJECT_FREE, OBJECT_FREE, OBJECTS_FREE_BULK, OBJECTS_FREE_BULK,
				       PAGES, OBJECT, KREALLOC, SHRINK, DRAIN, VMSTAT };
	u64 state = seed * 77;

	for (u32 i = 0; i < STEPS; i++) {
		u64 r = mix(&state);
		bool fills = i / 40 % 2 == 0;

		steps[i] = (struct step){
			.op = fills ? filling[r % sizeof(filling)] : draining[r % sizeof(draining)],
			.cpu = (u8)(r >> 40), .a = (u32)mix(&state) >> 1, .b = (u32)mix(&state) >> 1,
		};
	}
}

static void report(struct sequence q, struct step *steps)
{
	q.nr = shrink(q, steps);
	q.steps = steps;
	fails(&q);
	for (u32 i = 0; i < q.nr; i++)
		print_error("  cpu %u %s a=%u b=%u\n", steps[i].cpu % cpus_of(q.seed), op_names[steps[i].op],
			    steps[i].a, steps[i].b);
	fail_msg("seed %lu on %u CPUs, %s, shrunk to %u steps: %s", (unsigned long)q.seed, cpus_of(q.seed),
		 q.interleaved ? "interleaved" : "atomically", q.nr, t.why);
}

static u64 from_environment(const char *name, u64 normal)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : normal;
}

static void run_seeds(bool interleaved)
{
	u64 seed = from_environment("KMS_SEED", 1), runs = RUNS;
	static struct step steps[STEPS];

	if (getenv("KMS_SOAK"))
		runs *= 20;
	runs = from_environment("KMS_RUNS", getenv("KMS_SEED") ? 1 : runs);
	for (u64 last = seed + runs; seed < last; seed++) {
		struct sequence q = { seed, steps, STEPS, interleaved };

		generate(seed, steps);
		if (fails(&q))
			report(q, steps);
	}
	if (runs >= RUNS)
		assert_true(slow_paths > 0);
}

static void one_after_the_other(void **state)
{
	run_seeds(false);
}

static void switched_at_every_access(void **state)
{
	run_seeds(true);
}

/* One bad step among hundreds is found and comes out nearly alone, in both ways. */
static void failures_are_shrunk(void **state)
{
	static struct step steps[STEPS];

	for (u32 interleaved = 0; interleaved < 2; interleaved++) {
		struct sequence q = { 3, steps, STEPS, interleaved };

		generate(3, steps);
		steps[150].op = DAMAGE;
		assert_true(fails(&q));
		q.nr = shrink(q, steps);
		q.steps = steps;
		assert_in_range(q.nr, 1, 2);
		assert_true(fails(&q));
	}
}

static int allocate_map(void **state)
{
	owned = calloc(WORDS, 1);
	return owned ? 0 : -1;
}

static int free_map(void **state)
{
	free(owned);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(switched_at_every_access),
		cmocka_unit_test(failures_are_shrunk),
	};

	return cmocka_run_group_tests_name("mixed_requests", tests, allocate_map, free_map);
}
