/*
 * report_caches.c - every slab cache at the end of a run, into the database: its
 * geometry, its objects and what their slots waste, its slabs by how full they
 * are, and the slab layer's counters. report.c calls it.
 */
#include "sim/run/internal.h"

#include <stdlib.h>
#include <string.h>

/* Inspected caches by address, each with its place in the order of creation. */
struct cache_place {
	const struct kmem_cache *cache;
	u32 at;
};

static int by_address(const void *a, const void *b)
{
	const struct cache_place *x = a, *y = b;

	return x->cache < y->cache ? -1 : x->cache > y->cache;
}

/* Bytes asked for by the live objects of every inspected cache. */
static void sum_requested(const struct run *run, const struct cache_place *places, u32 n, u64 *requested)
{
	const struct objects *o = &run->objects;

	for (u64 i = 0; i < o->used; i++) {
		const struct object *e = &o->slots[i];

		for (; e; e = e->next ? &o->overflow[e->next - 1] : NULL) {
			struct cache_place key;
			const struct cache_place *c;

			if (e->state != OBJECT_LIVE || !e->slab)
				continue;
			key.cache = e->cache < run->info->nr_caches ? run->caches[e->cache] : mm_object_cache(e->memory);
			c = bsearch(&key, places, n, sizeof(*places), by_address);
			if (c)
				requested[c->at] += e->requested;
		}
	}
}

#define FLAG_CACHE_DMA 0x4000u
#define FLAG_RECLAIM_ACCOUNT 0x20000u
#define FLAG_INTERNAL 0xf0000000u /* set by the slab layers themselves */

/* Returns how many objects it has from before the run. */
static u64 cache_counts(const struct run *run, const struct mm_cache_info *c, struct store_cache *row)
{
	const struct account *a = &run->account;
	u32 type = c->flags & FLAG_CACHE_DMA ? 1 : c->flags & FLAG_RECLAIM_ACCOUNT ? 2 : 0;
	u64 held = 0;

	for (u32 i = 0; i < a->nr_caches; i++)
		if (run->caches[i] == c->cache) {
			row->allocs += a->cache_allocs[i];
			row->frees += a->cache_frees[i];
			held += a->cache_held[i];
		}
	if (c->boot_cache) {
		u32 i = a->nr_caches + account_kmalloc_class(c->object_size, type);

		if (strstr(row->name, "kmalloc")) {
			row->allocs += a->cache_allocs[i];
			row->frees += a->cache_frees[i];
			held += a->cache_held[i];
		}
	}
	return held;
}

static int store_one_cache(struct run *run, const struct mm_cache_info *c, u64 requested, struct kms_error *err)
{
	u64 held;
	struct store_cache row = {
		.name = c->boot_cache ? mm_boot_cache_name(c->name) : run->info->caches[c->name].name,
		.object_size = c->object_size, .size = c->size, .align = c->align, .order = c->order,
		.objects_per_slab = c->objects_per_slab, .slabs = c->slabs,
		.slab_bytes = c->slab_pages * SIM_PAGE_BYTES, .objects = c->objects, .inuse = c->inuse,
		.free_cpu = c->free_cpu, .free_partial = c->free_partial, .partial_slabs = c->partial_slabs,
		.active_objects = c->objects - c->free_partial, .cpu_slabs = c->cpu_slabs,
		.min_partial = c->min_partial, .cpu_partial = c->cpu_partial,
		.aliases = (s32)c->refcount > 0 ? c->refcount - 1 : 0, .flags = c->flags & ~FLAG_INTERNAL,
		.requested_bytes = requested, .tail_bytes = c->slab_pages * SIM_PAGE_BYTES - c->objects * c->size,
	};

	held = cache_counts(run, c, &row);
	if (c->shared_pages) { /* nobody but the workload knows how many there are */
		row.objects = row.inuse = held + row.allocs - row.frees;
		row.tail_bytes = 0;
	}
	/* the slab layer's own objects are nobody's request and waste nothing */
	row.rounding_bytes = requested ? (row.inuse - c->metadata) * c->size - requested : 0;
	return store_cache(run->store, &row, err);
}

static int store_slab_stats(struct run *run, const struct mm_cache_info *c, struct kms_error *err)
{
	const u64 *n = slab_stats_of(&run->slab_stats, c->cache);
	int ret = 0;

	for (u32 i = 0; i < NR_SLAB_STATS && !ret && !c->whole_pages; i++)
		ret = store_slab_stat(run->store, slab_stat_names[i], n[i], err);
	return ret;
}

/* Slabs of every inspected cache, by how full they are. */
struct fills {
	const struct cache_place *places;
	u32 n;
	u64 (*slabs)[NR_STORE_SLAB_FILLS];
};

static void add_fill(void *arg, const struct mm_slab_fill *fill)
{
	struct fills *f = arg;
	struct cache_place key = { .cache = fill->cache };
	const struct cache_place *c = bsearch(&key, f->places, f->n, sizeof(*f->places), by_address);

	if (c)
		f->slabs[c->at][page_map_fill(fill)]++;
}

static int store_fills(struct run *run, const u64 *slabs, struct kms_error *err)
{
	int ret = 0;

	for (u32 i = 0; i < NR_STORE_SLAB_FILLS && !ret; i++)
		if (slabs[i])
			ret = store_slab_fill(run->store, i, slabs[i], err);
	return ret;
}

struct tally {
	struct cache_place *places;
	u64 *requested;
	u64 (*slabs)[NR_STORE_SLAB_FILLS];
};

static int tally_caches(struct run *run, struct tally *t, u32 n, struct kms_error *err)
{
	const struct account *a = &run->account;
	struct fills fills = { .n = n };

	t->requested = calloc(n + 1, sizeof(*t->requested));
	t->places = calloc(n + 1, sizeof(*t->places));
	t->slabs = calloc(n + 1, sizeof(*t->slabs));
	if (!t->requested || !t->places || !t->slabs)
		return kms_fail(err, KMS_EFAIL, "no memory for %u slab caches", n);
	for (u32 i = 0; i < n; i++)
		t->places[i] = (struct cache_place){ a->caches[i].cache, i };
	qsort(t->places, n, sizeof(*t->places), by_address);
	sum_requested(run, t->places, n, t->requested);
	fills.places = t->places;
	fills.slabs = t->slabs;
	page_map_each_slab(&run->mobility, add_fill, &fills);
	return 0;
}

int report_caches(struct run *run, struct kms_error *err)
{
	struct account *a = &run->account;
	u32 found = mm_inspect_caches(a->caches, a->max_caches);
	u32 n = found < a->max_caches ? found : a->max_caches;
	struct tally t = { 0 };
	int ret = tally_caches(run, &t, n, err);

	for (u32 i = 0; i < n && !ret; i++) {
		ret = store_one_cache(run, &a->caches[i], t.requested[i], err);
		if (!ret)
			ret = store_slab_stats(run, &a->caches[i], err);
		if (!ret)
			ret = store_fills(run, t.slabs[i], err);
	}
	free(t.requested);
	free(t.places);
	free(t.slabs);
	return ret;
}
