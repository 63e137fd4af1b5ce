/*
 * page_model.c - random requests to the page allocator against a trivial model.
 *
 * The model is one byte a frame: in use or not. After every step: what was
 * handed out was free, aligned and in a zone that the request may use; every
 * frame is in use, on a free list or on a CPU's list; mm_check_pages() holds.
 * At the end everything is freed and drained, and must have merged to the
 * blocks the machine booted with.
 *
 * A failing sequence is shrunk before it is reported. KMS_SEED=n runs that seed
 * alone, KMS_RUNS=n so many seeds.
 */
#include "tests/unit/mm_host.h"

#define MAX_STEPS 400u
#define MAX_LIVE 4096u
#define RUNS 60u

enum step_kind { ALLOC, FREE, EXACT, SPLIT, BULK, FREE_LIST, DRAIN, REFRESH, DAMAGE, NR_KINDS };

static const char *const kind_names[NR_KINDS] = { "alloc", "free", "exact", "split", "bulk",
						  "free_list", "drain", "refresh", "damage" };

struct step {
	u8 kind, cpu, order;
	gfp_t gfp;
	s8 node;
	u32 pick;
};

/* A thing to be freed: a block of 2^order pages, or pages of their own. */
struct live {
	struct page *page;
	u32 order, pages; /* pages: 0 for a block */
};

struct run {
	struct host host;
	const struct step *steps;
	u32 nr_steps, at;
	u64 first, end; /* frames of all zones */
	u8 *used;
	u64 nr_used, boot_free[HOST_MAX_ZONES][MAX_ORDER];
	struct live live[MAX_LIVE];
	u32 nr_live;
	char why[256];
};

static u64 next_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ul;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ z >> 27) * 0x94d049bb133111ebul;
	return z ^ z >> 31;
}

#define FAIL(r, ...)                                                                               \
	do {                                                                                       \
		if (!(r)->why[0])                                                                  \
			snprintf((r)->why, sizeof((r)->why), __VA_ARGS__);                         \
		return;                                                                            \
	} while (0)

/* ---- the model ---- */

static void check_placement(struct run *r, const struct step *s, struct page *page)
{
	const struct zone *zone;
	u64 pfn = page_to_pfn(page);

	for_each_populated_zone(zone)
		if (zone_spans_pfn(zone, pfn))
			break;
	if (!zone)
		FAIL(r, "frame 0x%lx is in no zone", (unsigned long)pfn);
	if (zone->zone_idx > gfp_zone(s->gfp))
		FAIL(r, "frame 0x%lx is in a zone above the one asked for", (unsigned long)pfn);
	if ((s->gfp & __GFP_THISNODE) && s->node >= 0 && zone->node != s->node)
		FAIL(r, "frame 0x%lx is on node %d", (unsigned long)pfn, zone->node);
}

static void take_frames(struct run *r, struct page *page, u64 n)
{
	u64 pfn = page_to_pfn(page), i;

	for (i = pfn; i < pfn + n; i++) {
		if (i < r->first || i >= r->end || r->used[i - r->first])
			FAIL(r, "frame 0x%lx was handed out twice", (unsigned long)i);
		r->used[i - r->first] = 1;
	}
	r->nr_used += n;
}

static void give_frames(struct run *r, struct page *page, u64 n)
{
	u64 pfn = page_to_pfn(page), i;

	for (i = pfn; i < pfn + n; i++)
		r->used[i - r->first] = 0;
	r->nr_used -= n;
}

static void check_sums(struct run *r)
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
		FAIL(r, "%lu free and %lu used pages of %lu", (unsigned long)spare,
		     (unsigned long)r->nr_used, (unsigned long)managed);
	if (mm_check_pages(&err))
		FAIL(r, "%.250s", err.text);
}

/* ---- steps ---- */

static void remember(struct run *r, struct page *page, u32 order, u32 pages)
{
	r->live[r->nr_live++] = (struct live){ page, order, pages };
}

static void do_alloc(struct run *r, const struct step *s)
{
	struct page *page = mm->alloc_pages(s->gfp, s->order, s->node);

	if (!page)
		return;
	check_placement(r, s, page);
	if (page_to_pfn(page) & ((1ul << s->order) - 1))
		FAIL(r, "frame 0x%lx is not aligned to order %u",
		     (unsigned long)page_to_pfn(page), s->order);
	take_frames(r, page, 1ul << s->order);
	if (s->kind == SPLIT && !(s->gfp & __GFP_COMP)) {
		mm->split_page(page, s->order);
		remember(r, page, 0, 1u << s->order);
	} else {
		remember(r, page, s->order, 0);
	}
}

static void do_exact(struct run *r, const struct step *s)
{
	u32 pages = 1 + s->pick % 70;
	struct page *page = mm->alloc_pages_exact(pages * PAGE_SIZE - s->pick % PAGE_SIZE, s->gfp);

	if (!page)
		return;
	take_frames(r, page, pages);
	remember(r, page, 0, pages);
}

static void do_bulk(struct run *r, const struct step *s)
{
	struct page *pages[64] = { 0 };
	u32 n = 1 + s->pick % 64, got = mm->alloc_pages_bulk(s->gfp, s->node, n, pages), i;

	if (got > n)
		FAIL(r, "%u pages of %u", got, n);
	for (i = 0; i < got; i++) {
		check_placement(r, s, pages[i]);
		take_frames(r, pages[i], 1);
		remember(r, pages[i], 0, 1);
	}
}

static void free_live(struct run *r, u32 i)
{
	struct live l = r->live[i];
	u32 k;

	r->live[i] = r->live[--r->nr_live];
	give_frames(r, l.page, l.pages ? l.pages : 1ul << l.order);
	if (!l.pages)
		mm->free_pages(l.page, l.order);
	for (k = 0; k < l.pages; k++)
		mm->free_pages(l.page + k, 0);
}

/* Single pages that happen to be next to each other in the table, in one call. */
static void do_free_list(struct run *r, const struct step *s)
{
	struct page *pages[64];
	u32 n = 0, i = r->nr_live ? s->pick % r->nr_live : 0;

	while (i < r->nr_live && n < ARRAY_SIZE(pages)) {
		if (r->live[i].order || r->live[i].pages > 1) {
			i++;
			continue;
		}
		pages[n++] = r->live[i].page;
		give_frames(r, r->live[i].page, 1);
		r->live[i] = r->live[--r->nr_live];
	}
	mm->free_page_list(pages, n);
}

/* Only for the test of this test. */
static void do_damage(void)
{
	struct zone *zone = next_populated_zone(NULL);
	u32 order, mt;

	for (order = 0; order < MAX_ORDER; order++)
		for (mt = 0; mt < MIGRATE_TYPES; mt++)
			if (!list_empty(free_list(zone, order, mt))) {
				list_first_entry(free_list(zone, order, mt), struct page, lru)
					->private = MAX_ORDER;
				return;
			}
}

static void do_step(struct run *r, const struct step *s)
{
	rt_enter_cpu(s->cpu % r->host.nr_cpus);
	switch (s->kind) {
	case FREE:
		if (r->nr_live)
			free_live(r, s->pick % r->nr_live);
		break;
	case EXACT:
		do_exact(r, s);
		break;
	case BULK:
		do_bulk(r, s);
		break;
	case FREE_LIST:
		do_free_list(r, s);
		break;
	case DRAIN:
		mm->drain_all_pages();
		break;
	case REFRESH:
		mm->refresh_cpu_vm_stats();
		break;
	case DAMAGE:
		do_damage();
		break;
	default:
		do_alloc(r, s);
	}
}

/* ---- runs ---- */

/* Zone borders that fit no block, nodes, one to three CPUs. */
static void choose_machine(struct run *r, u64 seed)
{
	static const struct host machines[] = {
		{ .nr_cpus = 1, .nr_nodes = 1,
		  .zones = { { 0, ZONE_DMA32, HOST_FIRST_PFN, 0x1400, 0x1400 } } },
		{ .nr_cpus = 2, .nr_nodes = 1,
		  .zones = { { 0, ZONE_DMA, HOST_FIRST_PFN + 1, 0x3ff, 0x3ff },
			     { 0, ZONE_DMA32, HOST_FIRST_PFN + 0x400, 0xc48, 0xc48 },
			     { 0, ZONE_NORMAL, HOST_FIRST_PFN + 0x1048, 0x900, 0x900 } } },
		{ .nr_cpus = 3, .nr_nodes = 2, .cpu_node = { 0, 0, 1 },
		  .zones = { { 0, ZONE_DMA32, HOST_FIRST_PFN, 0x1000, 0x1000 },
			     { 1, ZONE_DMA32, HOST_FIRST_PFN + 0x1000, 0x600, 0x600 },
			     { 1, ZONE_NORMAL, HOST_FIRST_PFN + 0x1600, 0xa00, 0xa00 } } },
	};
	const struct mm_zone_boot *last;

	r->host = machines[seed % ARRAY_SIZE(machines)];
	for (last = r->host.zones; last[1].spanned; last++)
		;
	r->first = HOST_FIRST_PFN;
	r->end = last->start_pfn + last->spanned;
}

static void boot_run(struct run *r)
{
	struct mm_zone_info zones[HOST_MAX_ZONES];
	u32 n, i;

	host_start(&r->host);
	n = mm_inspect_zones(zones, HOST_MAX_ZONES);
	for (i = 0; i < n; i++)
		memcpy(r->boot_free[i], zones[i].nr_free, sizeof(zones[i].nr_free));
}

/* Everything back: each zone is what it was, unless pageblocks are still reserved. */
static void check_end(struct run *r)
{
	struct mm_zone_info zones[HOST_MAX_ZONES];
	const struct zone *zone;
	u32 n, i, order;

	while (r->nr_live)
		free_live(r, r->nr_live - 1);
	mm->drain_all_pages();
	check_sums(r);
	for_each_populated_zone(zone)
		if (zone->nr_reserved_highatomic)
			return;
	n = mm_inspect_zones(zones, HOST_MAX_ZONES);
	for (i = 0; i < n; i++)
		for (order = 0; order < MAX_ORDER; order++)
			if (zones[i].nr_free[order] != r->boot_free[i][order])
				FAIL(r, "at the end zone %u has %lu blocks of order %u, had %lu", i,
				     (unsigned long)zones[i].nr_free[order], order,
				     (unsigned long)r->boot_free[i][order]);
}

static void run_steps(void *arg)
{
	struct run *r = arg;

	boot_run(r);
	for (r->at = 0; r->at < r->nr_steps && !r->why[0]; r->at++) {
		if (r->nr_live + 64 > MAX_LIVE)
			break;
		do_step(r, &r->steps[r->at]);
		if (!r->why[0])
			check_sums(r);
	}
	if (!r->why[0])
		check_end(r);
}

/* True if the sequence fails; why says how. */
static bool fails(u64 seed, const struct step *steps, u32 n, char *why)
{
	struct run *r = calloc(1, sizeof(*r));
	struct kms_error err = { 0 };
	bool failed;

	assert_non_null(r);
	choose_machine(r, seed);
	r->steps = steps;
	r->nr_steps = n;
	r->used = calloc(r->end - r->first, 1);
	if (rt_protect(run_steps, r, &err) && !r->why[0])
		snprintf(r->why, sizeof(r->why), "%.250s", err.text);
	failed = r->why[0] != 0;
	if (why)
		snprintf(why, sizeof(r->why), "%s", r->why);
	host_stop();
	free(r->used);
	free(r);
	return failed;
}

#include "tests/property/shrink.h"

static void report(u64 seed, struct step *steps, u32 n)
{
	char why[256];

	n = shrink(seed, steps, n);
	fails(seed, steps, n, why);
	for (u32 i = 0; i < n; i++)
		print_error("  %s cpu %u order %u gfp 0x%x node %d pick %u\n",
			    kind_names[steps[i].kind], steps[i].cpu, steps[i].order, steps[i].gfp,
			    steps[i].node, steps[i].pick);
	fail_msg("seed %lu, shrunk to %u steps: %s", (unsigned long)seed, n, why);
}

static gfp_t random_gfp(u64 *rng)
{
	static const gfp_t gfps[] = { GFP_KERNEL, MOVABLE, MOVABLE | __GFP_HIGHMEM, RECLAIMABLE,
				      GFP_KERNEL | __GFP_COMP, GFP_ATOMIC, GFP_NOWAIT,
				      GFP_KERNEL | __GFP_DMA, MOVABLE | __GFP_DMA32,
				      GFP_KERNEL | __GFP_MEMALLOC, MOVABLE | __GFP_COMP,
				      GFP_KERNEL | __GFP_THISNODE };

	return gfps[next_random(rng) % ARRAY_SIZE(gfps)];
}

/* Small orders are common, and some stretches free more than they take. */
static void random_steps(u64 seed, struct step *steps)
{
	u64 rng = seed;
	bool shrinking = false;
	u32 i;

	for (i = 0; i < MAX_STEPS; i++) {
		u64 x = next_random(&rng);
		struct step *s = &steps[i];

		if (x % 50 == 0)
			shrinking = !shrinking;
		*s = (struct step){ .cpu = (u8)(x >> 8), .node = -1, .pick = (u32)(x >> 32) };
		s->kind = (u8)(x >> 16 & 0xff) % DAMAGE;
		if (shrinking && s->kind != FREE_LIST && (x >> 24 & 3))
			s->kind = FREE;
		s->order = (u8)(next_random(&rng) % 4 ? next_random(&rng) % 4 :
							next_random(&rng) % MAX_ORDER);
		s->gfp = random_gfp(&rng);
		if (seed % 3 == 2 && next_random(&rng) % 2)
			s->node = (s8)(next_random(&rng) % 2);
	}
}

static u64 from_environment(const char *name, u64 normal)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : normal;
}

static void random_requests_keep_the_books(void **state)
{
	u64 seed = from_environment("KMS_SEED", 1), last = seed + from_environment("KMS_RUNS", RUNS);
	struct step steps[MAX_STEPS];

	if (getenv("KMS_SEED") && !getenv("KMS_RUNS"))
		last = seed + 1;
	for (; seed < last; seed++) {
		random_steps(seed, steps);
		if (fails(seed, steps, MAX_STEPS, NULL))
			report(seed, steps, MAX_STEPS);
	}
}

/* A violated invariant among hundreds of steps is found and comes out alone. */
static void failures_are_shrunk(void **state)
{
	struct step steps[MAX_STEPS];
	char why[256];

	random_steps(4, steps);
	steps[150].kind = DAMAGE;
	assert_true(fails(4, steps, MAX_STEPS, why));
	assert_non_null(strstr(why, "marked with another order"));
	assert_int_equal(shrink(4, steps, MAX_STEPS), 1);
	assert_int_equal(steps[0].kind, DAMAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(random_requests_keep_the_books),
		MM_TEST(failures_are_shrunk),
	};

	return cmocka_run_group_tests_name("page_model", tests, NULL, NULL);
}
