/*
 * mixed_model.h - the trivially correct model of mixed page and slab requests.
 *
 * Every word of RAM has an owner: what is handed out must be free in the model,
 * aligned, where it was asked for, and hold what its owner wrote until it is
 * given back. mixed_owner.h adds pages that the allocators may take back or
 * move, mixed_steps.h what a random step does, mixed_run.h runs sequences.
 */
#ifndef TESTS_PROPERTY_MIXED_MODEL_H
#define TESTS_PROPERTY_MIXED_MODEL_H

#include <stdio.h>
#include <stdlib.h>

#include "sim/engine/engine.h"
#include "tests/unit/slub_machine.h"

#define MAX_LIVE 16384u
#define FREE_MIB 24ul
#define WORDS ((MACHINE_FREE_PFN + FREE_MIB * 256) * 4096 / 8)
#define NR_TEST_CACHES 6u
#define MANY 32u

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

/* A slab cache comes and goes: nobody uses it while it is created or destroyed. */
struct test_cache {
	struct kmem_cache *s;
	u32 size, live, users;
};

/* Host memory: the other side of the hooks, no simulated time passes in it. */
static struct {
	struct machine m;
	struct test_cache caches[NR_TEST_CACHES];
	bool keeps; /* the slab layer keeps memory for itself, anywhere */
	u64 split, normal; /* first frames of the second node and of zone NORMAL */
	struct live live[MAX_LIVE];
	u32 nr_live;
	u64 rnd, accesses; /* access times are random */
	u64 nr_free[8][11], other_pages; /* when the machine was fresh */
	u64 drained, refused, refused_high, kept_owner, remote_slabs, boosts, reserves, destroyed;
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

static bool all_equal(const u8 *p, u64 n, u8 with)
{
	return p[0] == with && !memcmp(p, p + 1, n - 1);
}

/* ---- who owns what ---- */

static void own(const u8 *p, u64 bytes, u8 from, u8 to)
{
	u64 first = ((u64)p - PAGE_OFFSET) / 8, words = (bytes + 7) / 8;

	if ((u64)p < PAGE_OFFSET || first < MACHINE_FREE_PFN * 512 || first + words > WORDS) {
		wrong("memory outside RAM was handed out");
		return;
	}
	if (!all_equal(owned + first, words, from))
		wrong(to ? "memory was handed out twice" : "memory freed is not in use");
	else
		memset(owned + first, to, words);
}

static void fill(u8 *p, u64 n, u8 with)
{
	memset(p, with, n);
}

static void verify(u8 *p, u64 n, u8 with)
{
	if (!all_equal(p, n, with))
		wrong("contents of live memory changed");
}

/* Where contents are kept: objects as a whole, of pages the first and the last bytes of each. */
static void each_range(const struct live *l, void (*fn)(u8 *, u64, u8))
{
	if (l->kind >= KMALLOC_OBJECT) {
		fn(l->p, l->bytes, l->fill);
		return;
	}
	for (u64 at = 0; at < l->bytes; at += 4096) {
		fn(l->p + at, 16, l->fill);
		fn(l->p + at + 4080, 16, l->fill);
	}
}

static u8 next_pattern(void)
{
	static u8 pattern;

	return ++pattern;
}

static void keep(void *p, u64 bytes, u32 align, u8 kind, u8 order, u8 cache)
{
	struct live l = { p, bytes, kind, order, cache, next_pattern() };

	if (!p || t.why[0])
		return;
	if ((u64)p & (align - 1))
		wrong("memory is not aligned");
	own(l.p, bytes, 0, 1);
	if (t.why[0])
		return;
	each_range(&l, fill);
	t.live[t.nr_live++] = l;
	if (kind == CACHE_OBJECT)
		t.caches[cache].live++;
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
		own(l->p, l->bytes, 1, 0);
		return !t.why[0];
	}
	return false;
}

/* ---- where it must lie ---- */

static u32 node_of(const void *p)
{
	return ((u64)p - PAGE_OFFSET) >> PAGE_SHIFT >= t.split;
}

/* node: asked for, or the caller's where none was */
static void check_place(const void *p, u32 gfp, u32 node)
{
	if (!p)
		return;
	if ((gfp & __GFP_THISNODE) && node_of(p) != node)
		wrong("memory is not on the node that was insisted on");
	if ((gfp & __GFP_DMA32) && ((u64)p - PAGE_OFFSET) >> PAGE_SHIFT >= t.normal)
		wrong("memory is in a zone above the one asked for");
}

#endif
