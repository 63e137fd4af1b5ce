/*
 * pressure_model.c - random requests under pressure against a trivial model.
 *
 * The model knows who holds each frame. Owners put pages on LRU lists; kswapd,
 * direct reclaim, compaction and the out-of-memory killer take and move them as
 * they see fit, and say so. After every step: what was handed out was free, what
 * was moved was held and went to a frame that was free, every frame is held, on
 * a free list or on a CPU's list, and mm_check_pages() holds, LRU lists
 * included. In the end everything is freed and must have merged.
 *
 * A failing sequence is shrunk before it is reported. KMS_SEED=n runs that seed
 * alone, KMS_RUNS=n so many seeds.
 */
#include "tests/unit/mm_host.h"

#define MAX_STEPS 3000u
#define MAX_LIVE 8192u
#define RUNS 48u

enum step_kind { ALLOC, LISTED, FREE, FREE_MANY, ACCESS, DRAIN, REFRESH, WAKE, DAMAGE, NR_KINDS };

static const char *const kind_names[NR_KINDS] = { "alloc",  "listed",  "free", "free_many", "access",
						  "drain", "refresh", "wake", "damage" };

struct step {
	u8 kind, cpu, order, repeat;
	s8 task;
	gfp_t gfp;
	u32 pick;
};

struct live {
	struct page *page; /* NULL: free entry */
	u32 order;
	bool listed;
	s8 task;
};

static struct run {
	struct host host;
	u64 first, end;
	u16 *holder; /* of each frame: entry of live[] + 1 */
	u64 nr_used, boot_free[HOST_MAX_ZONES][MAX_ORDER];
	struct live live[MAX_LIVE];
	u32 nr_live;
	u64 gone, moved, killed;
	const struct step *steps;
	u32 nr_steps;
	char why[256];
} *r;

static u64 next_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ul;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ z >> 27) * 0x94d049bb133111ebul;
	return z ^ z >> 31;
}

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		if (!r->why[0])                                                                    \
			snprintf(r->why, sizeof(r->why), __VA_ARGS__);                             \
	} while (0)

/* ---- the model ---- */

static void hold(u32 i, struct page *page, u32 order)
{
	u64 pfn = page_to_pfn(page), k;

	for (k = pfn; k < pfn + (1ul << order); k++) {
		if (k < r->first || k >= r->end || r->holder[k - r->first]) {
			FAIL("frame 0x%lx was handed out while it is held", (unsigned long)k);
			return;
		}
		r->holder[k - r->first] = (u16)(i + 1);
	}
	r->nr_used += 1ul << order;
}

static void let_go(u32 i)
{
	u64 pfn = page_to_pfn(r->live[i].page) - r->first, k;

	for (k = pfn; k < pfn + (1ul << r->live[i].order); k++) {
		if (r->holder[k] != i + 1)
			FAIL("frame 0x%lx is not held by who lets it go", (unsigned long)k);
		r->holder[k] = 0;
	}
	r->nr_used -= 1ul << r->live[i].order;
	r->live[i].page = NULL;
}

static bool lets_go(void *arg, u64 mapping, u64 index)
{
	struct live *l = &r->live[mapping];

	if (!l->page || !l->listed || l->task >= 0) {
		FAIL("entry %lu was reclaimed, which cannot be", (unsigned long)mapping);
		return false;
	}
	if (index % 64 == 5) /* some owners never agree */
		return false;
	let_go((u32)mapping);
	r->gone++;
	return true;
}

static bool moves(void *arg, u64 mapping, u64 index, u64 new_pfn)
{
	struct live *l = &r->live[mapping];

	if (!l->page || !l->listed) {
		FAIL("entry %lu was moved, which cannot be", (unsigned long)mapping);
		return false;
	}
	if (index % 64 == 7)
		return false;
	let_go((u32)mapping);
	l->page = pfn_to_page(new_pfn);
	hold((u32)mapping, l->page, 0);
	r->moved++;
	return true;
}

static u64 kill_task(void *arg, u32 task)
{
	u64 freed = 0;

	for (u32 i = 0; i < r->nr_live; i++) {
		struct page *page = r->live[i].page;

		if (!page || !r->live[i].listed || r->live[i].task != (s32)task)
			continue;
		let_go(i);
		mm->put_page(page);
		freed++;
	}
	r->killed++;
	return freed;
}

static void check_sums(void)
{
	struct mm_zone_info zones[HOST_MAX_ZONES];
	u32 n = mm_inspect_zones(zones, HOST_MAX_ZONES), i;
	u64 managed = 0, spare = 0;
	struct kms_error err = { 0 };

	for (i = 0; i < n; i++) {
		managed += zones[i].managed;
		spare += zones[i].nr_free_pages + zones[i].pcp_pages;
	}
	if (spare + r->nr_used != managed)
		FAIL("%lu free and %lu used pages of %lu", (unsigned long)spare,
		     (unsigned long)r->nr_used, (unsigned long)managed);
	if (mm_check_pages(&err))
		FAIL("%.250s", err.text);
}

/* ---- steps ---- */

static void do_alloc(const struct step *s)
{
	struct page *page = mm->alloc_pages(s->gfp, s->order, -1);
	u32 i = 0;

	if (!page)
		return;
	while (i < r->nr_live && r->live[i].page)
		i++;
	if (i == MAX_LIVE) {
		mm->free_pages(page, s->order);
		return;
	}
	r->nr_live = max(r->nr_live, i + 1);
	r->live[i] = (struct live){ page, s->order, s->kind == LISTED, s->task };
	hold(i, page, s->order);
	if (s->kind == LISTED)
		mm->lru_cache_add(page, i, s->pick, s->task);
}

static void free_live(u32 i)
{
	struct live l = r->live[i];

	if (!l.page)
		return;
	let_go(i);
	if (l.listed)
		mm->put_page(l.page);
	else
		mm->free_pages(l.page, l.order);
}

static void free_many(u32 from)
{
	struct page *pages[64];
	u32 n = 0, i;

	for (i = from; i < r->nr_live && n < ARRAY_SIZE(pages); i++)
		if (r->live[i].page && r->live[i].listed) {
			pages[n++] = r->live[i].page;
			let_go(i);
		}
	mm->release_pages(pages, n);
}

/* Only for the test of this test: a page leaves its list and nobody is told. */
static void do_damage(void)
{
	struct pglist_data *pgdat = ram_ptr(HOST_NODE_DATA);
	u32 lru;

	for (lru = 0; lru < NR_LRU_LISTS; lru++)
		if (!list_empty(&pgdat->lruvec.lists[lru])) {
			list_del(pgdat->lruvec.lists[lru].next);
			return;
		}
}

static void do_step(const struct step *s)
{
	u32 i = r->nr_live ? s->pick % r->nr_live : 0, k;

	for (k = 0; k < r->nr_live && !r->live[i].page; k++) /* the next that is held */
		i = (i + 1) % r->nr_live;
	switch (s->kind) {
	case ALLOC:
	case LISTED:
		do_alloc(s);
		break;
	case FREE:
		if (r->nr_live)
			free_live(i);
		break;
	case FREE_MANY:
		free_many(i);
		break;
	case ACCESS:
		if (r->nr_live && r->live[i].page && r->live[i].listed)
			mm->mark_page_accessed(r->live[i].page);
		break;
	case DRAIN:
		mm->drain_all_pages();
		break;
	case REFRESH:
		mm->refresh_cpu_vm_stats();
		break;
	case WAKE:
		mm->kswapd(0);
		break;
	default:
		do_damage();
	}
}

/* ---- runs ---- */

static void choose_machine(u64 seed)
{
	static const struct host machines[] = {
		{ .nr_cpus = 1, .nr_nodes = 1,
		  .zones = { { 0, ZONE_DMA32, HOST_FIRST_PFN, 0x1000, 0x1000 } } },
		{ .nr_cpus = 2, .nr_nodes = 1,
		  .zones = { { 0, ZONE_DMA, HOST_FIRST_PFN + 1, 0x3ff, 0x3ff },
			     { 0, ZONE_DMA32, HOST_FIRST_PFN + 0x400, 0x800, 0x800 },
			     { 0, ZONE_NORMAL, HOST_FIRST_PFN + 0xc00, 0x748, 0x748 } } },
		{ .nr_cpus = 3, .nr_nodes = 2, .cpu_node = { 0, 0, 1 },
		  .zones = { { 0, ZONE_DMA32, HOST_FIRST_PFN, 0x800, 0x800 },
			     { 1, ZONE_DMA32, HOST_FIRST_PFN + 0x800, 0x600, 0x600 },
			     { 1, ZONE_NORMAL, HOST_FIRST_PFN + 0xe00, 0x800, 0x800 } } },
	};
	const struct mm_zone_boot *last;

	r->host = machines[seed % ARRAY_SIZE(machines)];
	for (last = r->host.zones; last[1].spanned; last++)
		;
	r->first = HOST_FIRST_PFN;
	r->end = last->start_pfn + last->spanned;
}

static void boot_run(void)
{
	static const struct rt_owner owner = { .lets_go = lets_go, .moves = moves, .kill = kill_task };
	struct mm_zone_info zones[HOST_MAX_ZONES];
	u32 n, i;

	host_start(&r->host);
	rt_set_owner(&owner);
	n = mm_inspect_zones(zones, HOST_MAX_ZONES);
	for (i = 0; i < n; i++)
		memcpy(r->boot_free[i], zones[i].nr_free, sizeof(zones[i].nr_free));
}

static void check_end(void)
{
	struct mm_zone_info zones[HOST_MAX_ZONES];
	const struct zone *zone;
	u32 n, i, order;

	for (i = 0; i < r->nr_live; i++)
		free_live(i);
	mm->drain_all_pages();
	check_sums();
	for_each_populated_zone(zone)
		if (zone->nr_reserved_highatomic)
			return;
	n = mm_inspect_zones(zones, HOST_MAX_ZONES);
	for (i = 0; i < n; i++)
		for (order = 0; order < MAX_ORDER; order++)
			if (zones[i].nr_free[order] != r->boot_free[i][order])
				FAIL("at the end zone %u has %lu blocks of order %u, had %lu", i,
				     (unsigned long)zones[i].nr_free[order], order,
				     (unsigned long)r->boot_free[i][order]);
}

static void run_steps(void *arg)
{
	u32 at, k;

	boot_run();
	for (at = 0; at < r->nr_steps && !r->why[0]; at++) {
		rt_enter_cpu(r->steps[at].cpu % r->host.nr_cpus);
		for (k = 0; k <= r->steps[at].repeat && !r->why[0]; k++) {
			struct step s = r->steps[at];

			s.pick += k * 7919;
			do_step(&s);
		}
		if (!r->why[0])
			check_sums();
	}
	if (!r->why[0])
		check_end();
}

/* What the runs did, so that a test can tell that there was pressure. */
static u64 total_gone, total_moved, total_killed, total_captured, total_stalls;

static bool fails(u64 seed, const struct step *steps, u32 n, char *why)
{
	struct kms_error err = { 0 };
	bool failed;

	r = calloc(1, sizeof(*r));
	assert_non_null(r);
	choose_machine(seed);
	r->steps = steps;
	r->nr_steps = n;
	r->holder = calloc(r->end - r->first, sizeof(*r->holder));
	if (rt_protect(run_steps, NULL, &err) && !r->why[0])
		snprintf(r->why, sizeof(r->why), "%.250s", err.text);
	failed = r->why[0] != 0;
	if (why)
		snprintf(why, sizeof(r->why), "%s", r->why);
	total_gone += r->gone;
	total_moved += r->moved;
	total_killed += r->killed;
	total_captured += rt_trace_counts()[TP_mm_compaction_capture];
	total_stalls += rt_trace_counts()[TP_mm_vmscan_direct_reclaim_begin];
	host_stop();
	free(r->holder);
	free(r);
	return failed;
}

#include "tests/property/shrink.h"

static void report(u64 seed, struct step *steps, u32 n)
{
	char why[256];

	n = shrink(seed, steps, n);
	fails(seed, steps, n, why);
	for (u32 i = 0; i < n && i < 60; i++)
		print_error("  %s cpu %u order %u gfp 0x%x task %d repeat %u pick %u\n",
			    kind_names[steps[i].kind], steps[i].cpu, steps[i].order, steps[i].gfp,
			    steps[i].task, steps[i].repeat, steps[i].pick);
	fail_msg("seed %lu, shrunk to %u steps: %s", (unsigned long)seed, n, why);
}

static void random_alloc(struct step *s, u64 *rng)
{
	static const gfp_t gfps[] = { GFP_KERNEL, GFP_KERNEL | __GFP_COMP, GFP_ATOMIC,
				      GFP_KERNEL | __GFP_NORETRY, RECLAIMABLE,
				      GFP_KERNEL | __GFP_RETRY_MAYFAIL,
				      MOVABLE | __GFP_HIGHMEM | __GFP_COMP, MOVABLE,
				      GFP_KERNEL & ~__GFP_FS, GFP_KERNEL | __GFP_NOFAIL };

	s->gfp = gfps[next_random(rng) % ARRAY_SIZE(gfps)];
	s->order = (u8)(next_random(rng) % 4 ? next_random(rng) % 4 : next_random(rng) % MAX_ORDER);
}

/* Pages on lists, up to 32 at a time, soon fill memory; how much of it others take depends on the seed. */
static void random_steps(u64 seed, struct step *steps)
{
	u64 rng = seed;
	u32 i;

	for (i = 0; i < MAX_STEPS; i++) {
		u64 x = next_random(&rng);
		struct step *s = &steps[i];
		u32 what = (u32)(x >> 16) % 100;

		*s = (struct step){ .cpu = (u8)(x >> 8), .pick = (u32)(x >> 32), .task = -1 };
		s->kind = what < 30 ? LISTED : what < 42 + seed % 8 * 5 ? ALLOC : what < 85 ? FREE :
			  what < 90 ? FREE_MANY : what < 96 ? ACCESS : what < 97 ? DRAIN :
			  what < 99 ? REFRESH : WAKE;
		random_alloc(s, &rng);
		if (s->kind == LISTED) {
			s->gfp = MOVABLE | __GFP_HIGHMEM;
			s->order = 0;
			s->task = next_random(&rng) % 3 ? -1 : (s8)(next_random(&rng) % 4);
			s->repeat = (u8)(next_random(&rng) % 32);
		} else if (s->kind == FREE || s->kind == ACCESS) {
			s->repeat = (u8)(next_random(&rng) % 6);
		}
	}
}

static u64 from_environment(const char *name, u64 normal)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : normal;
}

static void random_pressure_keeps_the_books(void **state)
{
	u64 seed = from_environment("KMS_SEED", 1), runs = getenv("KMS_SOAK") ? 20 * RUNS : RUNS;
	u64 last = seed + from_environment("KMS_RUNS", runs);
	static struct step steps[MAX_STEPS];

	if (getenv("KMS_SEED") && !getenv("KMS_RUNS"))
		last = seed + 1;
	for (; seed < last; seed++) {
		random_steps(seed, steps);
		if (fails(seed, steps, MAX_STEPS, NULL))
			report(seed, steps, MAX_STEPS);
	}
	print_message("reclaimed %lu, moved %lu, captured %lu, direct reclaims %lu, killed %lu\n",
		      (unsigned long)total_gone, (unsigned long)total_moved,
		      (unsigned long)total_captured, (unsigned long)total_stalls,
		      (unsigned long)total_killed);
	if (getenv("KMS_SEED"))
		return;
	assert_true(total_gone > 1000);
	assert_true(total_moved > 1000);
	assert_true(total_stalls > 100);
	assert_true(total_killed > 0);
}

static void failures_are_shrunk(void **state)
{
	static struct step steps[MAX_STEPS];
	char why[256];
	u32 n = 200;

	random_steps(4, steps);
	steps[150].kind = DAMAGE;
	steps[150].repeat = 0;
	assert_true(fails(4, steps, n, why));
	assert_non_null(strstr(why, "LRU list"));
	n = shrink(4, steps, n);
	assert_int_equal(n, 2); /* a page on a list, and the damage */
	assert_int_equal(steps[1].kind, DAMAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(random_pressure_keeps_the_books),
		MM_TEST(failures_are_shrunk),
	};

	return cmocka_run_group_tests_name("pressure_model", tests, NULL, NULL);
}
