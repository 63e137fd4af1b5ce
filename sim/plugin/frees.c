/*
 * frees.c - does a loaded policy lose memory that is freed?
 *
 * A policy may keep freed memory for as long as it likes, so pages held say
 * nothing. What a policy may not do is need ever more pages for the same work:
 * when the run is over, all objects are freed, what the policy then has free is
 * used up, and the same allocations and frees are repeated. Each round the CPUs change places, so that over a cycle of
 * rounds every CPU has allocated and freed everything once, and memory that one
 * CPU keeps for itself is used again. A free is lost when four cycles in a row
 * each end with more pages held than the one before.
 *
 * So this finds frees that are lost steadily, not those that are lost only in a
 * state which this work does not lead to.
 */
#include "sim/plugin/internal.h"

#include <stdlib.h>

#define MAX_SET 1024
#define OPERATIONS 200000u
#define CYCLES 5
#define MAX_KEPT 4096 /* of a kind, a CPU */
#define MAX_EACH 24 /* objects alike in the set */

struct sample {
	struct plugin_cache *cache;
	u32 size, gfp;
	void *object;
};

struct trial {
	struct sample set[MAX_SET];
	u32 nr_set, nr_cpus;
	u64 pages[CYCLES];
	u64 operations;
	bool no_memory;
	struct book_object *live;
	u64 nr_live;
};

static int by_address(const void *a, const void *b)
{
	const struct book_object *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static void free_one(struct plugin_cache *cache, void *p)
{
	if (cache)
		plugin.slab_ops.cache_free((struct kmem_cache *)cache, p);
	else
		plugin.slab_ops.kfree(p);
}

/* Kinds of objects that the run left behind, a few of each; the usual sizes if there are none. */
static void choose_set(struct trial *t)
{
	for (u64 i = 0; i < t->nr_live && t->nr_set < MAX_SET; i++) {
		const struct book_object *o = &t->live[i];
		u32 alike = 0;

		for (u32 k = 0; k < t->nr_set; k++)
			alike += t->set[k].cache == o->cache && t->set[k].size == o->size;
		if (alike < MAX_EACH && o->size <= PAGE_SIZE && !(o->cache && o->cache->gone))
			t->set[t->nr_set++] = (struct sample){ .cache = o->cache, .size = o->size, .gfp = GFP_KERNEL };
	}
	for (u32 size = 8; size <= 4096 && t->nr_set + MAX_EACH < MAX_SET; size *= 2)
		for (u32 k = 0; k < MAX_EACH; k++)
			t->set[t->nr_set++] = (struct sample){ .size = size, .gfp = GFP_KERNEL };
	for (const struct plugin_cache *c = book.caches; c && t->nr_set + MAX_EACH < MAX_SET; c = c->next)
		for (u32 k = 0; k < MAX_EACH && !c->gone; k++)
			t->set[t->nr_set++] = (struct sample){ .cache = (struct plugin_cache *)c,
							       .size = c->args.size, .gfp = GFP_KERNEL };
}

static void *allocate(const struct sample *s)
{
	return s->cache ? plugin.slab_ops.cache_alloc((struct kmem_cache *)s->cache, s->gfp, -1)
			: plugin.slab_ops.kmalloc(s->size, s->gfp, -1);
}

/*
 * Use up what the policy has free of each kind, on each CPU, and keep it: from
 * here on every object that is lost has to be made up for with new memory.
 */
static void use_up(const struct trial *t)
{
	for (u32 i = 0; i < t->nr_set; i++) {
		const struct sample *s = &t->set[i];

		if (i && s[-1].cache == s->cache && s[-1].size == s->size)
			continue;
		for (u32 cpu = 0; cpu < t->nr_cpus; cpu++) {
			u64 before = book.pages_held;

			rt_enter_cpu(cpu);
			for (u32 k = 0; k < MAX_KEPT && book.pages_held == before; k++)
				if (!allocate(s))
					return;
		}
	}
}

static void one_round(struct trial *t, u32 round)
{
	for (u32 i = 0; i < t->nr_set && !t->no_memory; i++) {
		struct sample *s = &t->set[i];

		rt_enter_cpu((i + round) % t->nr_cpus);
		s->object = allocate(s);
		t->no_memory |= !s->object;
	}
	for (u32 i = 0; i < t->nr_set; i++) {
		struct sample *s = &t->set[i];

		/* every other round frees come from the neighbour CPU */
		rt_enter_cpu((i + round + (round / t->nr_cpus & 1)) % t->nr_cpus);
		if (s->object)
			free_one(s->cache, s->object);
		s->object = NULL;
	}
	t->operations += 2 * t->nr_set;
}

static void carry_out(void *arg)
{
	struct trial *t = arg;
	u32 cycle, round = 0, rounds;

	for (u64 i = 0; i < t->nr_live; i++) {
		rt_enter_cpu(t->live[i].cpu);
		free_one(t->live[i].cache, ram_ptr(t->live[i].off));
	}
	choose_set(t);
	use_up(t);
	rounds = 2 * t->nr_cpus; /* one cycle: each CPU, freed here and by the neighbour */
	while (rounds * t->nr_set * 2 * CYCLES < OPERATIONS)
		rounds += 2 * t->nr_cpus;
	for (cycle = 0; cycle < CYCLES && !t->no_memory; cycle++) {
		for (u32 i = 0; i < rounds && !t->no_memory; i++)
			one_round(t, round++);
		t->pages[cycle] = book.pages_held;
	}
	rt_enter_cpu(0);
}

static bool grows(const struct trial *t)
{
	for (u32 i = 1; i < CYCLES; i++)
		if (t->pages[i] <= t->pages[i - 1])
			return false;
	return true;
}

static int judge(const struct trial *t, struct kms_error *err)
{
	if (t->no_memory)
		return kms_fail(err, KMS_EFAIL,
				"policy '%s' loses frees: after the run, with everything freed, memory is out while %u "
				"objects are allocated and freed over and over (%llu pages held)",
				plugin.policy->name, t->nr_set, (unsigned long long)book.pages_held);
	if (!grows(t))
		return 0;
	return kms_fail(err, KMS_EFAIL,
			"policy '%s' loses frees: after the run, with everything freed, the same %u objects were "
			"allocated and freed over and over (%llu operations), and the pages held grew from %llu to "
			"%llu, %llu, %llu and %llu",
			plugin.policy->name, t->nr_set, (unsigned long long)t->operations,
			(unsigned long long)t->pages[0], (unsigned long long)t->pages[1],
			(unsigned long long)t->pages[2], (unsigned long long)t->pages[3],
			(unsigned long long)t->pages[4]);
}

int plugin_check_frees(struct kms_error *err)
{
	struct trial *t = calloc(1, sizeof(*t));
	int ret;

	if (t)
		t->live = calloc(book.nr_objects + 1, sizeof(*t->live));
	if (!t || !t->live) {
		free(t);
		return kms_fail(err, KMS_EFAIL, "no memory to look for lost frees");
	}
	t->nr_cpus = engine_nr_cpus() < mm_inspect_cpus() ? engine_nr_cpus() : mm_inspect_cpus();
	for (u64 i = 0; i < book.capacity; i++)
		if (book.objects[i].off)
			t->live[t->nr_live++] = book.objects[i];
	qsort(t->live, t->nr_live, sizeof(*t->live), by_address);
	plugin.request = NULL;
	plugin.booting = true; /* uncharged, by the plain page allocator */
	ret = rt_protect(carry_out, t, err);
	plugin.booting = false;
	if (!ret)
		ret = judge(t, err);
	free(t->live);
	free(t);
	return ret;
}
