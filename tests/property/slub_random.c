/*
 * slub_random.c - random sequences of requests to SLUB, SLOB and SLAB against a model that cannot be wrong: a
 * table of live objects and a map that says who owns each word of RAM.
 *
 * After every step: objects do not overlap and are aligned, contents of live
 * objects are what was written, each slab cache reports as many objects in use
 * as the model knows, mm_check_slabs() holds. At the end everything is freed
 * and all pages must be back. A failing sequence is shrunk by leaving parts
 * out for as long as it still fails, and printed.
 *
 * SLUB_RANDOM_SEED=n runs one sequence; SLUB_RANDOM_RUNS=n that many.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/slub_machine.h"

#define STEPS 400
#define MAX_LIVE 512
#define MAX_CACHES 10
#define FREE_MIB 16
#define BULK 24

enum op { OP_ALLOC, OP_ZALLOC, OP_FREE, OP_KMALLOC, OP_KFREE, OP_BULK_ALLOC, OP_BULK_FREE,
	  OP_KFREE_BULK, OP_SHRINK, OP_CREATE, OP_DESTROY, OP_WORK, NR_OPS };
/* What is drawn for one slab layer: the requests of either phase, and flags of new caches. */
struct layer {
	const char *policy;
	const u8 *filling, *draining;
	u32 nr_filling, nr_draining;
	u32 nr_flags; /* of cache_flags[] */
};

static const char *const op_names[] = { "alloc", "zalloc", "free", "kmalloc", "kfree", "bulk_alloc",
					"bulk_free", "kfree_bulk", "shrink", "create", "destroy", "work" };

/* a and b are raw random numbers; what they select depends on the state they meet. */
struct step {
	u8 op, cpu;
	u32 a, b;
};

struct object {
	u8 *p;
	u32 size;
	s32 cache; /* index, -1: kmalloc */
	u8 fill;
};

struct model {
	struct machine m;
	const struct layer *layer;
	u64 now_ns;
	struct {
		struct kmem_cache *s;
		struct kmem_cache_args args;
		u32 live;
	} caches[MAX_CACHES]; /* s NULL: free entry */
	struct object live[MAX_LIVE];
	u32 nr_live;
	u16 *owner; /* one per word of RAM: index in live[] + 1 */
	char why[1200];
};

static struct model model;

static u64 rnd(u64 *state) /* splitmix64 */
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static bool wrong(const char *why)
{
	if (!model.why[0])
		snprintf(model.why, sizeof(model.why), "%s", why);
	return false;
}

/* ---- the model ---- */

static bool mark_owner(const struct object *o, u16 from, u16 to)
{
	u64 first = ((u64)o->p - PAGE_OFFSET) / 8, words = ((u64)o->size + 7) / 8;

	for (u64 i = first; i < first + words; i++) {
		if (model.owner[i] != from)
			return wrong("object overlaps another");
		model.owner[i] = to;
	}
	return true;
}

static bool contents_kept(const struct object *o)
{
	for (u32 i = 0; i < o->size; i++)
		if (o->p[i] != o->fill)
			return wrong("contents of a live object changed");
	return true;
}

static bool add_object(u8 *p, u32 size, s32 cache, u32 align, u8 fill)
{
	struct object *o = &model.live[model.nr_live];

	if (!p)
		return true; /* out of memory is allowed */
	*o = (struct object){ p, size, cache, fill };
	if ((u64)p % align || (u64)p < PAGE_OFFSET + MACHINE_FREE_PFN * 4096 ||
	    (u64)p + size > PAGE_OFFSET + model.m.max_pfn * 4096)
		return wrong("object is misaligned or outside free memory");
	if (!mark_owner(o, 0, (u16)(model.nr_live + 1)))
		return false;
	memset(p, fill, size);
	model.nr_live++;
	if (cache >= 0)
		model.caches[cache].live++;
	return true;
}

/* Take a live object out of the model; its memory is about to be freed. */
static void *remove_object(u32 i)
{
	struct object *o = &model.live[i], *last = &model.live[--model.nr_live];
	void *p = o->p;

	if (!contents_kept(o) || !mark_owner(o, (u16)(i + 1), 0))
		return NULL;
	if (o->cache >= 0)
		model.caches[o->cache].live--;
	if (o != last) {
		mark_owner(last, (u16)(model.nr_live + 1), (u16)(i + 1));
		*o = *last;
	}
	return p;
}

/* The pick-th live object of a kind (cache index or -1), or MAX_LIVE. */
static u32 find_live(s32 cache, u32 pick)
{
	for (u32 i = 0; i < model.nr_live; i++) {
		u32 k = (i + pick) % model.nr_live;

		if (model.live[k].cache == cache)
			return k;
	}
	return MAX_LIVE;
}

static s32 find_cache(u32 pick)
{
	for (u32 i = 0; i < MAX_CACHES; i++)
		if (model.caches[(i + pick) % MAX_CACHES].s)
			return (s32)((i + pick) % MAX_CACHES);
	return -1;
}

/* ---- steps ---- */

static bool do_alloc(u32 a, u32 b, bool zero)
{
	s32 c = find_cache(a);
	u8 *p;

	if (c < 0 || model.nr_live == MAX_LIVE)
		return true;
	p = model.m.slab->cache_alloc(model.caches[c].s, GFP_KERNEL | (zero ? __GFP_ZERO : 0),
				      b % 8 ? -1 : (int)(b / 8 % kdata->nr_node_ids));
	for (u32 i = 0; zero && p && i < model.caches[c].args.size; i++)
		if (p[i])
			return wrong("zeroed object is not zero");
	return add_object(p, model.caches[c].args.size, c,
			  max(model.caches[c].args.align, 8u), (u8)b);
}

static bool do_free(u32 a)
{
	u32 i = model.nr_live ? a % model.nr_live : 0;
	s32 c;
	void *p;

	if (!model.nr_live)
		return true;
	c = model.live[i].cache;
	p = remove_object(i);
	if (!p)
		return false;
	if (c >= 0)
		model.m.slab->cache_free(model.caches[c].s, p);
	else
		model.m.slab->kfree(p);
	return true;
}

static bool do_kmalloc(u32 a, u32 b)
{
	u32 size = a % 16 ? 1 + a / 16 % 1500 : 1 + a / 16 % 20000;
	u32 gfp = GFP_KERNEL | (b % 16 ? 0 : __GFP_RECLAIMABLE);
	void *p;

	if (model.nr_live == MAX_LIVE)
		return true;
	p = model.m.slab->kmalloc(size, gfp, -1);
	if (p && model.m.slab->ksize(p) < size)
		return wrong("kmalloc gave less than was asked for");
	return add_object(p, size, -1, size & (size - 1) ? 8 : min(max(size, 8u), 4096u), (u8)b);
}

static bool do_bulk_alloc(u32 a, u32 b)
{
	u32 n = 1 + b % BULK;
	s32 c = find_cache(a);
	void *p[BULK];

	if (c < 0 || model.nr_live + n > MAX_LIVE)
		return true;
	if (!model.m.slab->cache_alloc_bulk(model.caches[c].s, GFP_KERNEL, n, p))
		return true;
	for (u32 i = 0; i < n; i++)
		if (!add_object(p[i], model.caches[c].args.size, c, 8, (u8)(b + i)))
			return false;
	return true;
}

/* c -1: kfree_bulk of kmalloc objects. */
static bool do_bulk_free(s32 c, u32 a, u32 b)
{
	u32 n = 0, want = 1 + b % BULK;
	void *p[BULK];

	while (n < want) {
		u32 i = find_live(c, a + n);

		if (i == MAX_LIVE)
			break;
		p[n] = remove_object(i);
		if (!p[n++])
			return false;
	}
	if (n)
		model.m.slab->free_bulk(c < 0 ? NULL : model.caches[c].s, n, p);
	return true;
}

static const u32 cache_flags[] = { 0, 0, SLAB_HWCACHE_ALIGN, SLAB_TYPESAFE_BY_RCU, SLAB_RECLAIM_ACCOUNT,
				   /* debug caches; SLAB has none */
				   SLAB_RED_ZONE | SLAB_POISON | SLAB_HWCACHE_ALIGN,
				   SLAB_STORE_USER | SLAB_CONSISTENCY_CHECKS };

static bool do_create(u32 a, u32 b)
{
	u32 nr_flags = model.layer->nr_flags;
	struct kmem_cache_args args = { .name = a, .size = 8 + a % 24 * (1 + a / 24 % 90),
					.align = 8u << b % 4, .flags = cache_flags[b / 4 % nr_flags],
					.ctor = b / (4 * nr_flags) % 5 == 0 };

	for (u32 i = 0; i < MAX_CACHES; i++) {
		if (model.caches[i].s)
			continue;
		model.caches[i].s = model.m.slab->cache_create(&args);
		model.caches[i].args = args;
		model.caches[i].live = 0;
		return true;
	}
	return true;
}

static bool do_destroy(u32 a)
{
	s32 c = find_cache(a);

	if (c < 0)
		return true;
	while (model.caches[c].live)
		if (!do_bulk_free(c, a, BULK - 1))
			return false;
	model.m.slab->cache_destroy(model.caches[c].s);
	model.caches[c].s = NULL;
	return true;
}

static bool do_step(const struct step *step)
{
	s32 c = find_cache(step->a);

	rt_enter_cpu(step->cpu % model.m.nr_cpus);
	switch (step->op) {
	case OP_ALLOC:
	case OP_ZALLOC:
		return do_alloc(step->a, step->b, step->op == OP_ZALLOC);
	case OP_FREE:
	case OP_KFREE:
		return do_free(step->a);
	case OP_KMALLOC:
		return do_kmalloc(step->a, step->b);
	case OP_BULK_ALLOC:
		return do_bulk_alloc(step->a, step->b);
	case OP_BULK_FREE:
		return c < 0 || do_bulk_free(c, step->a / 16, step->b);
	case OP_KFREE_BULK:
		return do_bulk_free(-1, step->a, step->b);
	case OP_SHRINK:
		if (c >= 0)
			model.m.slab->cache_shrink(model.caches[c].s);
		return true;
	case OP_CREATE:
		return do_create(step->a, step->b);
	case OP_WORK: /* each in its own second, so that a node's turn comes as well */
		model.now_ns += 1000000000;
		if (model.m.slab->periodic)
			model.m.slab->periodic(model.now_ns);
		return true;
	default:
		return do_destroy(step->a);
	}
}

/* ---- what must hold ---- */

/* Merged caches are one kmem_cache: the model's entries that share it are added up. */
static bool objects_conserved(void)
{
	struct mm_cache_info infos[128];
	u32 n = mm_inspect_caches(infos, 128);

	for (u32 i = 0; i < n; i++) {
		u64 live = 0;
		bool mine = false;

		for (u32 c = 0; c < MAX_CACHES; c++) {
			if (model.caches[c].s == infos[i].cache) {
				mine = true;
				live += model.caches[c].live;
			}
		}
		if (infos[i].shared_pages || infos[i].whole_pages)
			continue; /* nobody counts them */
		if (mine && infos[i].inuse != live)
			return wrong("slab cache reports another number of objects in use");
		if (infos[i].objects != infos[i].inuse + infos[i].free_cpu + infos[i].free_partial)
			return wrong("objects are not conserved");
	}
	return true;
}

static bool invariants_hold(void)
{
	struct kms_error err = { 0 };

	if (mm_check_slabs(&err))
		return wrong(err.text);
	return objects_conserved();
}

static u64 all_free_pages(void)
{
	s64 n = 0;

	model.m.mm->drain_all_pages();
	for (u32 cpu = 0; cpu < model.m.nr_cpus; cpu++) {
		rt_enter_cpu(cpu);
		model.m.mm->refresh_cpu_vm_stats();
	}
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++)
		for (u32 i = 0; i < MAX_NR_ZONES; i++)
			n += kdata->node_data[nid]->node_zones[i].vm_stat[NR_FREE_PAGES];
	return (u64)n;
}

/* Free everything and give back every slab that can be. */
static void release_all(void)
{
	struct mm_cache_info infos[128];
	u32 n;

	while (model.nr_live && do_free(0))
		;
	for (u32 c = 0; c < MAX_CACHES; c++)
		if (model.caches[c].s)
			do_destroy(c);
	n = mm_inspect_caches(infos, 128);
	for (u32 i = 0; i < n; i++)
		model.m.slab->cache_shrink((struct kmem_cache *)infos[i].cache);
}

/* ---- one sequence ---- */

struct sequence {
	const struct step *steps;
	u32 nr;
	u64 seed;
	u32 at; /* where it failed */
	bool ok;
};

static void boot_model(u64 seed)
{
	struct mm_params params = machine_default_params();
	const struct layer *layer = model.layer;
	u16 *owner = model.owner;

	params.slub_cpu_partial = seed % 5 != 0;
	params.slab_nomerge = seed % 7 == 0;
	params.slub_max_order = seed % 3 ? 0 : 1;
	memset(&model, 0, sizeof(model));
	model.owner = owner;
	model.layer = layer;
	memset(owner, 0, (MACHINE_FREE_PFN + FREE_MIB * 256) * 4096 / 8 * sizeof(*owner));
	model.m = machine_boot(&mm_ops_plain, layer->policy, 4, seed % 2 ? 2 : 1, FREE_MIB, &params);
}

static void run_steps(void *arg)
{
	struct sequence *q = arg;
	struct mm_cache_info infos[128];
	struct kms_error err = { 0 };
	u64 pages, slab_pages = 0;
	u32 n;

	boot_model(q->seed);
	q->ok = false;
	release_all();
	pages = all_free_pages();
	for (q->at = 0; q->at < q->nr; q->at++)
		if (!do_step(&q->steps[q->at]) || !invariants_hold())
			return;
	for (u32 i = 0; i < model.nr_live; i++)
		if (!contents_kept(&model.live[i]))
			return;
	release_all();
	n = mm_inspect_caches(infos, 128);
	for (u32 i = 2; i < n; i++) /* behind kmem_cache and kmem_cache_node, which stay in use */
		if (!infos[i].metadata)
			slab_pages += infos[i].slab_pages;
	if (mm_check(&err)) { /* the page allocator's lists as well */
		wrong(err.text);
		return;
	}
	q->ok = invariants_hold() && (!slab_pages || wrong("slabs are left after everything was freed"));
	/* descriptors of destroyed caches may have spread the two remaining caches over more slabs */
	if (q->ok && all_free_pages() + 8 < pages)
		q->ok = wrong("pages were lost");
}

static bool sequence_fails(struct sequence *q)
{
	struct kms_error err = { 0 };

	if (rt_protect(run_steps, q, &err)) {
		wrong(err.text);
		return true;
	}
	return !q->ok;
}

/* Leave out parts of a failing sequence, from large to single steps. */
static u32 shrink_sequence(struct step *steps, u32 nr, u64 seed)
{
	static struct step trial[STEPS];

	for (u32 part = nr / 2; part; part /= 2) {
		for (u32 at = 0; at + part <= nr;) {
			struct sequence q = { trial, nr - part, seed, 0, false };

			memcpy(trial, steps, at * sizeof(*steps));
			memcpy(trial + at, steps + at + part, (nr - at - part) * sizeof(*steps));
			if (sequence_fails(&q)) {
				nr -= part;
				memcpy(steps, trial, nr * sizeof(*steps));
			} else {
				at += part;
			}
		}
	}
	return nr;
}

static void generate(struct step *steps, u64 seed)
{
	const struct layer *layer = model.layer;
	u64 state = seed;

	for (u32 i = 0; i < STEPS; i++) {
		bool fill = i / 50 % 2 == 0; /* phases alternate, so that lists fill and drain */
		u64 r = rnd(&state);

		steps[i] = (struct step){
			.op = fill ? layer->filling[r % layer->nr_filling] : layer->draining[r % layer->nr_draining],
			.cpu = (u8)(r >> 40), .a = (u32)rnd(&state) >> 1, .b = (u32)rnd(&state) >> 1,
		};
		if (i < 3)
			steps[i].op = OP_CREATE;
	}
}

static void run_seed(u64 seed)
{
	static struct step steps[STEPS];
	struct sequence q = { steps, STEPS, seed, 0, false };
	u32 nr;

	generate(steps, seed);
	if (!sequence_fails(&q)) {
		machine_off();
		return;
	}
	nr = shrink_sequence(steps, q.at < STEPS ? q.at + 1 : STEPS, seed);
	q.nr = nr;
	sequence_fails(&q);
	for (u32 i = 0; i < nr; i++)
		fprintf(stderr, "  %u: cpu %u %s a=%u b=%u\n", i, steps[i].cpu % 4,
			op_names[steps[i].op], steps[i].a, steps[i].b);
	fail_msg("seed %llu, step %u: %s", (unsigned long long)seed, q.at, model.why);
}

static void random_requests_match_the_model(const struct layer *layer)
{
	const char *seed = getenv("SLUB_RANDOM_SEED"), *runs = getenv("SLUB_RANDOM_RUNS");
	u64 first = seed ? strtoull(seed, NULL, 0) : 1;
	u64 nr = runs ? strtoull(runs, NULL, 0) : seed ? 1 : 200;

	model.owner = calloc((MACHINE_FREE_PFN + FREE_MIB * 256) * 4096 / 8, sizeof(*model.owner));
	assert_non_null(model.owner);
	model.layer = layer;
	for (u64 i = 0; i < nr; i++)
		run_seed(first + i);
	free(model.owner);
}

#define FILLING                                                                                    \
	OP_ALLOC, OP_ALLOC, OP_ALLOC, OP_ZALLOC, OP_KMALLOC, OP_KMALLOC, OP_BULK_ALLOC,            \
		OP_BULK_ALLOC, OP_FREE, OP_CREATE
#define DRAINING                                                                                   \
	OP_FREE, OP_FREE, OP_FREE, OP_KFREE, OP_BULK_FREE, OP_KFREE_BULK, OP_ALLOC, OP_SHRINK, OP_DESTROY
static const u8 filling[] = { FILLING }, draining[] = { DRAINING };
static const u8 filling_reaped[] = { FILLING, OP_WORK }, draining_reaped[] = { OP_WORK, DRAINING };

static void slub_matches_the_model(void **state)
{
	static const struct layer slub = { "slub", filling, draining, sizeof(filling),
					   sizeof(draining), ARRAY_SIZE(cache_flags) };

	random_requests_match_the_model(&slub);
}

static void slob_matches_the_model(void **state)
{
	static const struct layer slob = { "slob", filling, draining, sizeof(filling),
					   sizeof(draining), ARRAY_SIZE(cache_flags) };

	random_requests_match_the_model(&slob);
}

static void slab_matches_the_model(void **state)
{
	static const struct layer slab = { "slab", filling_reaped, draining_reaped,
					   sizeof(filling_reaped), sizeof(draining_reaped), 5 };

	random_requests_match_the_model(&slab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slub_matches_the_model),
		cmocka_unit_test(slob_matches_the_model),
		cmocka_unit_test(slab_matches_the_model),
	};

	return cmocka_run_group_tests_name("slub_random", tests, NULL, NULL);
}
