/*
 * stream.c - the calls whose instructions are counted (count.h).
 *
 * The same random requests are carried out twice: by the hooked code on a
 * simulated machine, which tells what each call passed through and how often it
 * went to memory, and natively, where some of them are single-stepped. Memory
 * grows and shrinks in turns, so that slabs and lists fill and empty.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/calibrate/count.h"
#include "sim/engine/rng.h"

#define CALLS 12000u
#define TURN 600u /* calls */
#define LIVE 2000u
#define BULK 32u /* at most */
#define CACHES 3u
#define SAME 4u	   /* calls counted of those that passed the same points */
#define SHORT 100ull /* accesses of a call */
#define GFP_KERNEL_BITS 0xcc0u
#define GFP_ZERO_BIT 0x100u

enum kind { KMALLOC, CACHE, BULK_OBJECTS, PAGES, BULK_PAGES, NR_KINDS };

/* Something allocated. */
struct piece {
	enum kind kind;
	u32 order, cache, n;
	void *memory, *list[BULK];
};

typedef u64 any_call(u64 a, u64 b, u64 c, u64 d);

struct stream {
	struct stage stage;
	const struct slab_ops *slab;
	bool bulk; /* calls for several objects */
	struct kmem_cache *caches[CACHES];
	struct piece live[LIVE];
	u32 nr_live, turn;
	gsl_rng *rng;
	struct count_observation *at; /* of the call at hand */
	u64 overhead;		      /* instructions around a stepped call */
	struct kms_error *err;
	int rc;
	/* the call */
	any_call *fn;
	u64 arg[4], result;
};

void count_free(struct count_table *t)
{
	free(t->list);
	*t = (struct count_table){0};
}

static struct count_observation *add(struct count_table *t, u32 n)
{
	struct count_observation *list = realloc(t->list, (t->n + n) * sizeof(*list));

	if (!list)
		return NULL;
	t->list = list;
	memset(list + t->n, 0, n * sizeof(*list));
	t->n += n;
	return list + t->n - n;
}

/* ---- one call ---- */

static void make_call(void *arg)
{
	struct stream *s = arg;

	s->result = s->fn(s->arg[0], s->arg[1], s->arg[2], s->arg[3]);
}

static u64 call(struct stream *s, const void *fn, u64 a, u64 b, u64 c, u64 d)
{
	bool native = s->stage.kind == STAGE_NATIVE;
	u64 before = native ? 0 : sim_accesses(sim_this_cpu()), insns = 0;

	memcpy(&s->fn, &fn, sizeof(fn));
	memcpy(s->arg, (u64[]){a, b, c, d}, sizeof(s->arg));
	if (native && s->at->wanted && !s->rc) {
		s->rc = count_instructions(make_call, s, &insns, s->err);
		s->at->insns = (double)(insns - s->overhead);
	} else {
		make_call(s);
	}
	if (!native)
		s->at->accesses = sim_accesses(sim_this_cpu()) - before;
	return s->result;
}

static void note_pass(void *arg, u32 tracepoint, u64 a)
{
	struct count_observation *o = ((struct stream *)arg)->at;

	o->passes[tracepoint]++;
	o->args[tracepoint] += a;
}

/* A probe knows its tracepoint by being a function of its own. */
#define TRACEPOINT(name, path, args, doc)                                                          \
	static void probe_##name(void *arg, u32 cpu, u64 a, u64 b, u64 c)                          \
	{                                                                                          \
		(void)cpu, (void)b, (void)c;                                                       \
		note_pass(arg, TP_##name, a);                                                      \
	}
#include "models/mm/tracepoints.def"
#undef TRACEPOINT

static rt_probe_fn *const probes[NR_TRACEPOINTS] = {
#define TRACEPOINT(name, path, args, doc) probe_##name,
#include "models/mm/tracepoints.def"
#undef TRACEPOINT
};

/* ---- requests ---- */

#define FN(member) ((const void *)(size_t)(member))

static u32 random_below(struct stream *s, u32 n)
{
	return (u32)gsl_rng_uniform_int(s->rng, n);
}

static u32 random_order(struct stream *s)
{
	return random_below(s, 10) < 6 ? 0 : random_below(s, 10);
}

/* They are freed one by one: a list's frees pass the same points, but cost less. */
static void keep_pages(struct stream *s, const struct piece *bulk)
{
	for (u32 i = 0; i < bulk->n; i++)
		s->live[s->nr_live++] = (struct piece){.kind = PAGES, .memory = bulk->list[i]};
}

static void allocate(struct stream *s)
{
	static const u32 shares[NR_KINDS] = {[KMALLOC] = 50, [CACHE] = 20, [BULK_OBJECTS] = 5, [PAGES] = 20, [BULK_PAGES] = 5};
	const struct mm_ops *mm = s->stage.job.mm;
	u32 dice = random_below(s, 100), gfp = GFP_KERNEL_BITS | (random_below(s, 10) ? 0 : GFP_ZERO_BIT);
	u64 size = (8u << random_below(s, 10)) + random_below(s, 3) * 8;
	struct piece p = {.kind = KMALLOC, .order = random_order(s), .cache = random_below(s, CACHES), .n = 1 + random_below(s, BULK)};

	for (; dice >= shares[p.kind]; p.kind++)
		dice -= shares[p.kind];
	if (p.kind == BULK_OBJECTS && !s->bulk)
		p.kind = CACHE;
	if (s->turn % 4 >= 2) { /* one cache alone, so that its arrays and lists overflow */
		p.kind = CACHE;
		p.cache = s->turn / 4 % CACHES;
	}
	switch (p.kind) {
	case KMALLOC:
		p.memory = (void *)call(s, FN(s->slab->kmalloc), size, gfp, ~0ull, 0);
		break;
	case CACHE:
		p.memory = (void *)call(s, FN(s->slab->cache_alloc), (u64)s->caches[p.cache], gfp, ~0ull, 0);
		break;
	case BULK_OBJECTS:
		p.memory = call(s, FN(s->slab->cache_alloc_bulk), (u64)s->caches[p.cache], GFP_KERNEL_BITS, p.n, (u64)p.list) ? p.list : NULL;
		break;
	case PAGES:
		p.memory = (void *)call(s, FN(mm->alloc_pages), gfp, p.order, ~0ull, 0);
		break;
	default:
		p.memory = (u32)call(s, FN(mm->alloc_pages_bulk), GFP_KERNEL_BITS, ~0ull, p.n, (u64)p.list) == p.n ? p.list : NULL;
	}
	if (p.memory && p.kind == BULK_PAGES)
		keep_pages(s, &p);
	else if (p.memory)
		s->live[s->nr_live++] = p;
}

static void give_back(struct stream *s)
{
	const struct mm_ops *mm = s->stage.job.mm;
	u32 i = random_below(s, 2) ? s->nr_live - 1 : random_below(s, s->nr_live);
	struct piece *p = &s->live[i];

	if (p->kind == KMALLOC)
		call(s, FN(s->slab->kfree), (u64)p->memory, 0, 0, 0);
	else if (p->kind == CACHE)
		call(s, FN(s->slab->cache_free), (u64)s->caches[p->cache], (u64)p->memory, 0, 0);
	else if (p->kind == BULK_OBJECTS)
		call(s, FN(s->slab->free_bulk), (u64)s->caches[p->cache], p->n, (u64)p->list, 0);
	else
		call(s, FN(mm->free_pages), (u64)p->memory, p->order, 0, 0);
	*p = s->live[--s->nr_live];
}

static void all_requests(void *arg)
{
	struct stream *s = arg;
	struct count_observation *first = s->at;

	for (u32 i = 0; i < CALLS && !s->rc; i++) {
		bool grow;

		s->turn = i / TURN;
		grow = random_below(s, 10) < (s->turn % 2 ? 3u : 7u);
		s->at = first + i;
		if (!s->nr_live || (grow && s->nr_live + BULK < LIVE))
			allocate(s);
		else
			give_back(s);
	}
}

/* ---- both passes ---- */

static u64 nothing(u64 a, u64 b, u64 c, u64 d)
{
	(void)a, (void)b, (void)c, (void)d;
	__asm__ volatile("" : : : "memory");
	return 0;
}

/* What is counted around a call: all but the one instruction of nothing(). */
static int measure_overhead(struct stream *s)
{
	struct count_observation one = {.wanted = true};
	struct count_observation *at = s->at;

	s->at = &one;
	call(s, FN(nothing), 0, 0, 0, 0);
	s->overhead = (u64)one.insns - 2; /* xor, ret */
	s->at = at;
	return s->rc;
}

static void open_caches(struct stream *s, const char *slab)
{
	static const u32 sizes[CACHES] = {32, 192, 700};

	for (u32 i = 0; i < CACHES; i++) {
		struct kmem_cache_args args = {.name = i + 1, .size = sizes[i]};

		for (u32 k = 0; k < mm_ops_plain.nr_policies; k++)
			if (!strcmp(mm_ops_plain.policies[k]->name, slab))
				s->caches[i] = mm_ops_plain.policies[k]->ops->cache_create(&args);
	}
}

static int run_all(struct stream *s, struct kms_error *err)
{
	if (s->stage.kind == STAGE_NATIVE) {
		if (!measure_overhead(s))
			all_requests(s);
		return s->rc;
	}
	for (u32 i = 0; i < NR_TRACEPOINTS; i++)
		rt_probe(i, probes[i], s);
	if (!sim_thread_start(0, "count", all_requests, s))
		return kms_fail(err, KMS_EFAIL, "out of memory");
	return engine_run(err);
}

static int pass(struct count_observation *list, const char *slab, enum stage_kind kind, const char *machine,
		struct kms_error *err)
{
	const struct calibrate_workload w = {.name = "count", .slab = slab, .loop = LOOP_KMALLOC_PAIRS, .n = 1};
	struct stream *s = calloc(1, sizeof(*s));
	int rc = s ? stage_open(&s->stage, &w, kind, machine, NULL, err) : kms_fail(err, KMS_EFAIL, "out of memory");

	if (!rc) {
		s->rng = rng_open(1, "count");
		s->slab = s->stage.job.slab;
		/* SLAB's passes ac_alloc once an object, at a fraction of what it costs in a call of its own */
		s->bulk = !strcmp(slab, "slub");
		s->at = list;
		s->err = err;
		open_caches(s, slab);
		rc = run_all(s, err);
		gsl_rng_free(s->rng);
	}
	if (s)
		stage_close(&s->stage);
	free(s);
	return rc;
}

/* Did both pass the same points, however often? */
static bool same_points(const struct count_observation *a, const struct count_observation *b)
{
	for (u32 i = 0; i < NR_TRACEPOINTS; i++)
		if (!a->passes[i] != !b->passes[i])
			return false;
	return true;
}

/* Each call counts for its share of those that passed the same points. */
static void weigh(struct count_observation *list, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u32 all = 0, wanted = 0;

		for (u32 k = 0; list[i].wanted && k < n; k++) {
			bool same = same_points(&list[k], &list[i]);

			all += same;
			wanted += same && list[k].wanted;
		}
		list[i].weight = wanted ? (double)all / wanted : 0;
	}
}

/* A stop takes microseconds, so that long calls are chosen only if nothing shorter passed there. */
static void choose(struct count_observation *list, u32 n)
{
	for (u64 most = SHORT; most <= SHORT << 6; most *= 4) {
		for (u32 i = 0; i < n; i++) {
			u32 same = 0;

			if (list[i].accesses > most || list[i].wanted)
				continue;
			for (u32 k = 0; k < n && same < SAME; k++)
				same += list[k].wanted && same_points(&list[k], &list[i]);
			list[i].wanted = same < (most == SHORT ? SAME : 1);
		}
	}
}

int count_stream(struct count_table *t, const char *slab, const char *machine, const volatile int *stop,
		 struct kms_error *err)
{
	struct count_observation *list = add(t, CALLS);
	int rc;

	if (!list)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	rc = pass(list, slab, STAGE_CYCLE, machine, err);
	choose(list, CALLS);
	weigh(list, CALLS);
	if (!rc)
		rc = pass(list, slab, STAGE_NATIVE, machine, err);
	if (!rc && stop && *stop)
		rc = kms_fail(err, KMS_EINTERRUPTED, "interrupted; nothing was written");
	return rc;
}

/* ---- the loops' own ---- */

static void *no_memory(size_t size, u32 gfp, int node)
{
	(void)size, (void)gfp, (void)node;
	return NULL;
}

static void no_free(const void *object)
{
	(void)object;
	__asm__ volatile("" : : : "memory");
}

int count_loops(struct count_table *t, const char *machine, struct kms_error *err)
{
	static const struct slab_ops empty = {.kmalloc = no_memory, .kfree = no_free};
	static const struct calibrate_workload loops[] = {
		{.name = "pairs", .slab = "slub", .loop = LOOP_KMALLOC_PAIRS, .size = 8, .n = 32},
		{.name = "batch", .slab = "slub", .loop = LOOP_KMALLOC_BATCH, .size = 8, .n = 32},
		{.name = "shuffled", .slab = "slub", .loop = LOOP_KMALLOC_SHUFFLED, .size = 8, .n = 32},
		{.name = "mixed", .slab = "slub", .loop = LOOP_KMALLOC_MIXED, .n = 32},
	};
	static const double accesses[] = {0, 1, 1.5, 2};
	struct count_observation *o = add(t, KMS_ARRAY_SIZE(loops));
	int rc = o ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");

	for (u32 i = 0; i < KMS_ARRAY_SIZE(loops) && !rc; i++) {
		struct stage s;

		rc = stage_open(&s, &loops[i], STAGE_NATIVE, machine, NULL, err);
		s.job.slab = &empty;
		o[i].wanted = true;
		o[i].weight = 100;
		o[i].passes[TP_harness_call] = s.ops;
		o[i].accesses = o[i].args[TP_harness_call] = (u64)(accesses[i] * s.ops);
		if (!rc)
			rc = count_loop(&s, &o[i].insns, err);
		o[i].insns = (o[i].insns - 1.5) * s.ops; /* the empty calls' own: xor and ret, ret */
		stage_close(&s);
	}
	return rc;
}
