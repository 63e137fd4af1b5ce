/*
 * mixed_model.h - the trivially correct model of mixed page and slab requests,
 * and one step of a random sequence, for mixed_requests.c.
 *
 * Every word of RAM has an owner: what is handed out must be free in the model,
 * aligned, and hold what its owner wrote until it is given back.
 */
#ifndef TESTS_PROPERTY_MIXED_MODEL_H
#define TESTS_PROPERTY_MIXED_MODEL_H

#include <stdio.h>
#include <stdlib.h>

#include "sim/engine/engine.h"
#include "tests/unit/slub_machine.h"

#define STEPS 320u
#define MAX_LIVE 4096u
#define FREE_MIB 24ul
#define WORDS ((MACHINE_FREE_PFN + FREE_MIB * 256) * 4096 / 8)
#define NR_TEST_CACHES 4
#define RUNS 50u
#define MANY 24u

enum op { PAGES, PAGES_FREE, PAGES_BULK, PAGES_LIST, PAGES_EXACT, PAGES_SPLIT, KMALLOC, KREALLOC,
	  OBJECT, OBJECT_FREE, OBJECTS_BULK, OBJECTS_FREE_BULK, SHRINK, DRAIN, VMSTAT, DAMAGE, NR_OPS };
static const char *const op_names[NR_OPS] = { "pages", "pages_free", "pages_bulk", "pages_list",
	"pages_exact", "pages_split", "kmalloc", "krealloc", "object", "object_free", "objects_bulk",
	"objects_free_bulk", "shrink", "drain", "vmstat", "damage" };

/* a and b are raw random numbers; what they select depends on the state they meet. */
struct step {
	u8 op, cpu;
	u32 a, b;
};

enum kind { BLOCK, SINGLE_PAGES, KMALLOC_OBJECT, CACHE_OBJECT };

struct live {
	u8 *p;
	u64 bytes;
	u8 kind, order, cache, fill;
};

/* Host memory: the other side of the hooks, no simulated time passes in it. */
static struct {
	struct machine m;
	struct kmem_cache *s[NR_TEST_CACHES];
	const struct step *steps;
	u32 nr_steps;
	struct live live[MAX_LIVE];
	u32 nr_live;
	u64 rnd; /* access times */
	u64 nr_free[8][11];
	char why[1200];
} t;
static u8 *owned; /* by word of RAM */

static u64 mix(u64 *state) /* splitmix64 */
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void wrong(const char *why)
{
	if (!t.why[0])
		snprintf(t.why, sizeof(t.why), "%s", why);
}

/* ---- the model ---- */

static void own(const struct live *l, u8 from, u8 to)
{
	u64 first = ((u64)l->p - PAGE_OFFSET) / 8, words = (l->bytes + 7) / 8;

	if ((u64)l->p < PAGE_OFFSET || first + words > WORDS) {
		wrong("memory outside RAM was handed out");
		return;
	}
	for (u64 i = first; i < first + words; i++) {
		if (owned[i] != from) {
			wrong(to ? "memory was handed out twice" : "memory freed is not in use");
			return;
		}
		owned[i] = to;
	}
}

/* Where contents are kept: objects as a whole, of pages the first and the last bytes of each. */
static void each_range(const struct live *l, void (*fn)(const struct live *, u8 *, u64))
{
	if (l->kind >= KMALLOC_OBJECT) {
		fn(l, l->p, l->bytes);
		return;
	}
	for (u64 at = 0; at < l->bytes; at += 4096) {
		fn(l, l->p + at, 16);
		fn(l, l->p + at + 4080, 16);
	}
}

static void fill(const struct live *l, u8 *p, u64 n)
{
	memset(p, l->fill, n);
}

static void verify(const struct live *l, u8 *p, u64 n)
{
	for (u64 i = 0; i < n; i++)
		if (p[i] != l->fill)
			wrong("contents of live memory changed");
}

static void keep(void *p, u64 bytes, u32 align, u8 kind, u8 order, u8 cache)
{
	static u8 pattern;
	struct live l = { p, bytes, kind, order, cache, ++pattern };

	if (!p || t.why[0])
		return;
	if ((u64)p & (align - 1))
		wrong("memory is not aligned");
	own(&l, 0, 1);
	if (t.why[0])
		return;
	each_range(&l, fill);
	t.live[t.nr_live++] = l;
}

/* Take a live entry of one of the kinds from `from` to `to` out of the table. */
static bool take_out(u32 pick, u8 from, u8 to, int cache, struct live *l)
{
	for (u32 i = 0; i < t.nr_live; i++) {
		u32 at = (pick + i) % t.nr_live;

		*l = t.live[at];
		if (l->kind < from || l->kind > to || (cache >= 0 && l->cache != cache))
			continue;
		t.live[at] = t.live[--t.nr_live];
		each_range(l, verify);
		own(l, 1, 0);
		return !t.why[0];
	}
	return false;
}

/* ---- steps ---- */

static u32 random_gfp(u32 x)
{
	static const u32 gfps[] = { GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE, GFP_KERNEL | __GFP_RECLAIMABLE,
				    GFP_KERNEL | __GFP_COMP, GFP_HIGHUSER_MOVABLE, GFP_NOWAIT, GFP_ATOMIC };

	return gfps[x % ARRAY_SIZE(gfps)];
}

static u32 random_order(u32 x)
{
	return x % 8 ? x / 8 % 4 : x / 8 % 11;
}

static void do_pages(const struct step *s)
{
	u32 order = random_order(s->a), gfp = random_gfp(s->b);
	bool split = s->op == PAGES_SPLIT && !(gfp & __GFP_COMP);
	struct page *page = t.m.mm->alloc_pages(gfp, order, -1);

	if (page && split)
		t.m.mm->split_page(page, order);
	if (page)
		keep(page_address(page), 4096ul << order, 4096u << order,
		     split ? SINGLE_PAGES : BLOCK, (u8)order, 0);
}

static void do_exact(const struct step *s)
{
	u64 bytes = (1 + s->a % 40) * 4096ul;
	struct page *page = t.m.mm->alloc_pages_exact(bytes, random_gfp(s->b));

	if (page)
		keep(page_address(page), bytes, 4096, SINGLE_PAGES, 0, 0);
}

static void do_pages_bulk(const struct step *s)
{
	struct page *pages[MANY] = { 0 };
	u32 got = t.m.mm->alloc_pages_bulk(random_gfp(s->b), -1, 1 + s->a % MANY, pages);

	for (u32 i = 0; i < got; i++)
		keep(page_address(pages[i]), 4096, 4096, BLOCK, 0, 0);
}

static void free_pages_of(const struct live *l)
{
	if (l->kind == BLOCK) {
		t.m.mm->free_pages(virt_to_page(l->p), l->order);
		return;
	}
	for (u64 at = 0; at < l->bytes; at += 4096)
		t.m.mm->free_pages(virt_to_page(l->p + at), 0);
}

static void do_pages_list(const struct step *s)
{
	struct page *pages[MANY];
	struct live l;
	u32 n = 0;

	while (n < 1 + s->b % MANY && take_out(s->a + n, BLOCK, BLOCK, -1, &l)) {
		if (l.order)
			free_pages_of(&l);
		else
			pages[n++] = virt_to_page(l.p);
	}
	t.m.mm->free_page_list(pages, n);
}

static void do_kmalloc(const struct step *s)
{
	u32 size = s->a % 16 ? 1 + s->a / 16 % 2000 : 1 + s->a / 16 % 20000;
	void *p = t.m.slab->kmalloc(size, GFP_KERNEL | (s->b % 8 ? 0 : __GFP_RECLAIMABLE), -1);

	keep(p, size, size & (size - 1) ? 8 : min(max(size, 8u), 4096u), KMALLOC_OBJECT, 0, 0);
}

static void do_krealloc(const struct step *s)
{
	u64 size = 1 + s->b % 6000, kept;
	struct live l;
	u8 *p;

	if (!take_out(s->a, KMALLOC_OBJECT, KMALLOC_OBJECT, -1, &l))
		return;
	kept = min(l.bytes, size);
	p = t.m.slab->krealloc(l.p, size, GFP_KERNEL);
	if (!p)
		t.m.slab->kfree(l.p);
	for (u64 i = 0; p && i < kept; i++)
		if (p[i] != l.fill)
			wrong("krealloc lost contents");
	keep(p, size, 8, KMALLOC_OBJECT, 0, 0);
}

static void do_objects(const struct step *s)
{
	u32 cache = s->a % NR_TEST_CACHES, n = s->op == OBJECT ? 1 : 1 + s->b % MANY;
	struct kmem_cache *c = t.s[cache];
	void *p[MANY];

	if (n == 1)
		p[0] = t.m.slab->cache_alloc(c, GFP_KERNEL, -1);
	else if (!t.m.slab->cache_alloc_bulk(c, GFP_KERNEL, n, p))
		return;
	for (u32 i = 0; i < n; i++)
		keep(p[i], c->object_size, 8, CACHE_OBJECT, 0, (u8)cache);
}

static void free_object(const struct live *l)
{
	if (l->kind == KMALLOC_OBJECT)
		t.m.slab->kfree(l->p);
	else
		t.m.slab->cache_free(t.s[l->cache], l->p);
}

static void do_objects_free_bulk(const struct step *s)
{
	int cache = (int)(s->a % NR_TEST_CACHES);
	struct live l;
	void *p[MANY];
	u32 n = 0;

	while (n < 1 + s->b % MANY && take_out(s->a / 8 + n, CACHE_OBJECT, CACHE_OBJECT, cache, &l))
		p[n++] = l.p;
	if (n)
		t.m.slab->free_bulk(t.s[cache], n, p);
}

/* Only for the test of this test: a count that nothing sets right again. */
static void do_damage(void)
{
	kdata->node_data[0]->node_zones[ZONE_DMA32].free_area[5].nr_free++;
}

static void do_step(const struct step *s)
{
	struct live l;

	/* room for what this step and those of the other CPUs may get */
	if (t.nr_live + 9 * MANY > MAX_LIVE)
		return;
	switch (s->op) {
	case PAGES:
	case PAGES_SPLIT:
		do_pages(s);
		break;
	case PAGES_FREE:
		if (take_out(s->a, BLOCK, SINGLE_PAGES, -1, &l))
			free_pages_of(&l);
		break;
	case PAGES_BULK:
		do_pages_bulk(s);
		break;
	case PAGES_LIST:
		do_pages_list(s);
		break;
	case PAGES_EXACT:
		do_exact(s);
		break;
	case KMALLOC:
		do_kmalloc(s);
		break;
	case KREALLOC:
		do_krealloc(s);
		break;
	case OBJECT:
	case OBJECTS_BULK:
		do_objects(s);
		break;
	case OBJECT_FREE:
		if (take_out(s->a, KMALLOC_OBJECT, CACHE_OBJECT, -1, &l))
			free_object(&l);
		break;
	case OBJECTS_FREE_BULK:
		do_objects_free_bulk(s);
		break;
	case SHRINK:
		t.m.slab->cache_shrink(t.s[s->a % NR_TEST_CACHES]);
		break;
	case DRAIN:
		t.m.mm->drain_all_pages();
		break;
	case VMSTAT:
		t.m.mm->refresh_cpu_vm_stats();
		break;
	default:
		do_damage();
	}
}

#endif
