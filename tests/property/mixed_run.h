/*
 * mixed_run.h - runs random sequences of page and slab requests (mixed_steps.h),
 * atomically and in simulated time, and shrinks one that fails.
 *
 * A test says by struct mixed_test what machine a seed boots, which steps it
 * takes and, in the end, what must have happened. KMS_SEED=n runs that seed
 * alone, KMS_RUNS=n so many, KMS_SOAK=1 twenty times as many, KMS_HOURS=h as
 * many as that takes.
 */
#ifndef TESTS_PROPERTY_MIXED_RUN_H
#define TESTS_PROPERTY_MIXED_RUN_H

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tests/property/mixed_steps.h"

#define MAX_STEPS 1024u
#define MAX_ACCESSES 100000000ull /* of a sequence, that otherwise takes a hundredth */
#define MAX_SECONDS 30
#define STRETCH 32u /* steps of a sequence in simulated time: all CPUs meet, the state is looked at */

struct sequence {
	u64 seed;
	const struct step *steps;
	u32 nr;
	bool interleaved, idle; /* idle: whole, and put no pressure on memory */
};

struct mixed_test {
	u32 steps, runs;
	void (*machine)(u64 seed, const struct mm_ops *mm); /* boots into t.m */
	void (*generate)(u64 seed, struct step *steps);
	/* after each sequence that held, whole ones only; false: it did not do what it is for */
	bool (*ran)(const struct sequence *q);
};
static const struct mixed_test *mixed;

static u32 cpus_of(u64 seed)
{
	return 1 + (u32)(seed % 8);
}

static u32 nodes_of(u64 seed)
{
	return cpus_of(seed) % 2 ? 1 : 2;
}

/* ---- the state between operations ---- */

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

/* Pages that nobody in the model has and that are neither free nor in slabs: as many as at first. */
static u64 other_pages(void)
{
	struct mm_zone_info zones[8];
	u32 n = mm_inspect_zones(zones, 8);
	u64 rest = 0;

	for (u32 i = 0; i < n; i++)
		rest += zones[i].managed - zones[i].nr_free_pages - zones[i].pcp_pages;
	for (u64 pfn = MACHINE_FREE_PFN; pfn < t.m.max_pfn; pfn++) {
		const struct page *page = pfn_to_page(pfn);

		if (page->flags & PG_slab)
			rest -= page->flags & PG_head ? 1ull << page[1].compound_order : 1;
	}
	for (u32 i = 0; i < t.nr_live; i++) {
		const struct live *l = &t.live[i];

		if (l->kind <= SINGLE_PAGES)
			rest -= l->bytes >> PAGE_SHIFT;
		else if (!mm_object_is_slab(l->p))
			rest -= mm_object_held_bytes(l->kind == CACHE_OBJECT ? t.caches[l->cache].s : NULL,
						     l->p) >> PAGE_SHIFT;
	}
	return rest - user.present;
}

/* Where no cache merges into another, its objects in use are those that the model holds. */
static void check_objects(void)
{
	struct mm_cache_info infos[128];
	u32 n = mm_inspect_caches(infos, 128);
	char text[120];

	for (u32 i = 0; i < n; i++)
		for (u32 k = 0; k < NR_TEST_CACHES; k++) {
			const struct test_cache *c = &t.caches[k];

			if (infos[i].cache != c->s || infos[i].refcount != 1 ||
			    infos[i].inuse == c->live || infos[i].shared_pages || infos[i].whole_pages)
				continue;
			snprintf(text, sizeof(text), "slab cache %u has %lu objects in use, %u are", k,
				 (unsigned long)infos[i].inuse, c->live);
			wrong(text);
		}
}

static void check_state(void)
{
	struct mm_zone_info zones[8];
	struct kms_error err = { 0 };
	u32 n = mm_inspect_zones(zones, 8);
	u64 others = other_pages();
	char text[120];

	for (u32 i = 0; i < n; i++)
		t.reserves += zones[i].highatomic > 0;
	if (others != t.other_pages) {
		snprintf(text, sizeof(text), "%ld pages were lost", (long)(others - t.other_pages));
		wrong(text);
	}
	if (mm_check(&err))
		wrong(err.text);
	check_objects();
}

static void remember_free_blocks(void)
{
	struct mm_zone_info zones[8];
	u32 n = mm_inspect_zones(zones, 8);

	for (u32 i = 0; i < n; i++)
		memcpy(t.nr_free[i], zones[i].nr_free, sizeof(zones[i].nr_free));
	t.other_pages = other_pages();
}

static void free_everything(void)
{
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
	while (user_find(0) && !t.why[0])
		user_free(0, 64, true);
	for (u32 i = 0; i < NR_TEST_CACHES && !t.why[0]; i++)
		destroy_cache(i);
}

/* Blocks that pageblocks reserved for atomic requests keep apart are taken together. */
static void check_blocks(const struct mm_zone_info *zone, const u64 *had)
{
	char text[160];

	for (u32 o = 0; o < 11; o++) {
		u64 has = zone->nr_free[o], first = had[o];

		if (zone->highatomic && o >= 9) {
			has = zone->nr_free[9] + 2 * zone->nr_free[10];
			first = had[9] + 2 * had[10];
		}
		if (has == first)
			continue;
		snprintf(text, sizeof(text), "at the end zone %s of node %u has %lu blocks of order %u, had %lu",
			 zone->name, zone->node, (unsigned long)has, o, (unsigned long)first);
		wrong(text);
	}
}

/* Everything back: the zones are what they were, unless the slab layer keeps some for later. */
static void check_end(void)
{
	struct mm_zone_info zones[8];
	u32 n;

	check_state();
	free_everything();
	settle();
	check_state();
	n = mm_inspect_zones(zones, 8);
	for (u32 i = 0; i < n && !t.keeps; i++)
		check_blocks(&zones[i], t.nr_free[i]);
}

static void boot(u64 seed, const struct mm_ops *mm)
{
	u64 rnd = seed * 31;

	memset(&t, 0, sizeof(t));
	memset(owned, 0, WORDS);
	t.rnd = seed;
	t.split = t.normal = ~0ul;
	mixed->machine(seed, mm);
	user_start();
	settle();
	remember_free_blocks();
	for (u32 i = 0; i < NR_TEST_CACHES; i++) {
		u32 a = (u32)mix(&rnd), b = (u32)mix(&rnd);

		create_cache(i, a, b);
	}
}

/* ---- atomically ---- */

static void run_atomically(void *arg)
{
	const struct sequence *q = arg;

	boot(q->seed, &mm_ops_plain);
	for (u32 i = 0; i < q->nr && !t.why[0]; i++) {
		rt_enter_cpu(q->steps[i].cpu % t.m.nr_cpus);
		do_step(&q->steps[i]);
		if (i % 8 == 0)
			check_state();
	}
	if (!t.why[0])
		check_end();
}

/* ---- interleaved at every access ---- */

static struct {
	const struct step *steps;
	u32 from, to;
} stretch;

static const char endless[] = "it does not end";

static void random_cost(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	if (++t.accesses > MAX_ACCESSES)
		engine_stop(KMS_EFAIL, "%s", endless);
	sim_charge(cpu, 0, 1000 + mix(&t.rnd) % 64 * 1000);
}

static void cpu_work(void *arg)
{
	u32 cpu = (u32)(u64)arg;

	for (u32 i = stretch.from; i < stretch.to && !t.why[0]; i++) {
		if (stretch.steps[i].cpu % t.m.nr_cpus == cpu)
			do_step(&stretch.steps[i]);
		sim_resched(); /* other CPUs' work for this one */
	}
}

static void boot_interleaved(void *arg)
{
	const struct sequence *q = arg;

	boot(q->seed, &mm_ops_cycle);
}

static void look_in_between(void *arg)
{
	rt_enter_cpu(0);
	check_state();
}

static void end_interleaved(void *arg)
{
	check_end();
}

static int run_stretches(const struct sequence *q, struct kms_error *err)
{
	int rc = 0;

	stretch.steps = q->steps;
	for (u32 from = 0; from < q->nr && !rc && !t.why[0]; from += STRETCH) {
		stretch.from = from;
		stretch.to = min(from + STRETCH, q->nr);
		for (u32 cpu = 0; cpu < t.m.nr_cpus; cpu++)
			sim_thread_start(cpu, "worker", cpu_work, (void *)(u64)cpu);
		rc = engine_run(err);
		if (!rc && !t.why[0])
			rc = rt_protect(look_in_between, NULL, err);
	}
	return rc;
}

static void run_interleaved(struct sequence *q, struct kms_error *err)
{
	struct engine_config config = { .nr_cpus = cpus_of(q->seed), .access = random_cost };
	u32 last_cpu[2] = { cpus_of(q->seed) / nodes_of(q->seed) - 1, cpus_of(q->seed) - 1 };
	struct rt_kthread_config kthreads = { .mm = &mm_ops_cycle, .nr_nodes = nodes_of(q->seed),
					      .cpu = last_cpu };
	int rc = rt_protect(boot_interleaved, q, err);

	if (rc)
		return;
	rc = engine_init(&config, err);
	if (!rc)
		rc = rt_start_kthreads(&kthreads, err);
	if (!rc)
		rc = run_stretches(q, err);
	engine_exit();
	if (!rc && !t.why[0])
		rt_protect(end_interleaved, q, err);
}

/* ---- sequences ---- */

/* A fault and a loop without end are failures like others: they have a seed, and are shrunk. */
static void on_signal(int signal)
{
	rt_fail(signal == SIGALRM ? endless : "it accesses memory that is not there");
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	alarm(MAX_SECONDS);
}

static bool fails(struct sequence *q)
{
	struct kms_error err = { 0 };

	catch_signals();
	if (q->interleaved)
		run_interleaved(q, &err);
	else
		rt_protect(run_atomically, q, &err);
	if (err.code)
		wrong(err.text);
	q->idle = q->nr == mixed->steps && !t.why[0] && !mixed->ran(q);
	machine_off();
	alarm(0);
	return t.why[0] != 0;
}

/* Leave out parts of that length while the rest still fails; returns how many steps stay. */
static u32 leave_out(struct sequence q, struct step *steps, u32 nr, u32 part)
{
	static struct step trial[MAX_STEPS];

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

static void report(struct sequence q, struct step *steps)
{
	char whole[sizeof(t.why)];

	memcpy(whole, t.why, sizeof(whole));
	if (!getenv("KMS_NO_SHRINK") && strcmp(whole, endless)) /* too long to try it often */
		q.nr = shrink(q, steps);
	q.steps = steps;
	fails(&q);
	for (u32 i = 0; i < q.nr; i++)
		print_error("  cpu %u %s a=%u b=%u\n", steps[i].cpu % cpus_of(q.seed), op_names[steps[i].op],
			    steps[i].a, steps[i].b);
	fail_msg("seed %lu on %u CPUs, %s: %s; shrunk to %u steps: %s", (unsigned long)q.seed,
		 cpus_of(q.seed), q.interleaved ? "interleaved" : "atomically", whole, q.nr, t.why);
}

static u64 from_environment(const char *name, u64 normal)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : normal;
}

static void run_seeds(bool interleaved)
{
	u64 seed = from_environment("KMS_SEED", 1), runs = mixed->runs * (getenv("KMS_SOAK") ? 20 : 1);
	u64 seconds = from_environment("KMS_HOURS", 0) * 3600;
	static struct step steps[MAX_STEPS];
	time_t start = time(NULL);

	runs = from_environment("KMS_RUNS", getenv("KMS_SEED") && !seconds ? 1 : runs);
	for (u64 last = seed + runs; seed < last || (u64)(time(NULL) - start) < seconds; seed++) {
		struct sequence q = { seed, steps, mixed->steps, interleaved, false };

		mixed->generate(seed, steps);
		if (fails(&q))
			report(q, steps);
		if (q.idle)
			fail_msg("seed %lu puts no pressure on memory", (unsigned long)seed);
	}
}

/* In every other step the objects come from or go to one cache, all CPUs' for a while: races. */
static inline void heat(struct step *s, u32 i)
{
	if (is_slab_step(s->op) && s->op >= OBJECT && s->b & 1)
		s->a = s->a / NR_TEST_CACHES * NR_TEST_CACHES + i / STRETCH % NR_TEST_CACHES;
}

/* One bad step among hundreds is found and comes out nearly alone, in both ways. */
static void failures_are_shrunk(void **state)
{
	static struct step steps[MAX_STEPS];

	for (u32 interleaved = 0; interleaved < 2; interleaved++) {
		struct sequence q = { 3, steps, mixed->steps, interleaved, false };

		mixed->generate(3, steps);
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

static inline void one_after_the_other(void **state)
{
	run_seeds(false);
}

static inline void switched_at_every_access(void **state)
{
	run_seeds(true);
}

#endif
