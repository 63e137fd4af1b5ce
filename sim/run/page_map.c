/*
 * page_map.c - what every pageblock holds, and how full slabs are, at some of the samples.
 *
 * The map is made of the sets that mobility.c keeps, so its cost is a walk over
 * pageblocks and over the frames that unmovable requests use; at most
 * PAGE_MAP_CELLS cells, several pageblocks in one where there are more. Only
 * cells that changed since the map before are stored.
 */
#include "sim/run/internal.h"

#include <stdlib.h>

#define PAGE_MAP_CELLS 256u

static u64 nr_blocks(const struct mobility *m)
{
	return (m->nr_pages + (1ull << m->pageblock_order) - 1) >> m->pageblock_order;
}

static int start(struct run *run, struct kms_error *err)
{
	struct page_map *map = &run->page_map;
	const struct sampling_config *c = &run->config->sampling;
	u64 blocks = nr_blocks(&run->mobility);

	map->every = c->page_maps && c->page_maps < c->samples ? (c->samples + c->page_maps - 1) / c->page_maps : 1;
	map->blocks_per_cell = (u32)((blocks + PAGE_MAP_CELLS - 1) / PAGE_MAP_CELLS);
	map->nr_cells = (u32)((blocks + map->blocks_per_cell - 1) / map->blocks_per_cell);
	map->last = calloc(map->nr_cells, sizeof(*map->last));
	if (!map->last)
		return kms_fail(err, KMS_EFAIL, "no memory for a map of %u cells", map->nr_cells);
	for (u32 i = 0; i < map->nr_cells; i++)
		map->last[i].migratetype = ~0u;
	return 0;
}

void page_map_free(struct page_map *map)
{
	free(map->last);
	*map = (struct page_map){ 0 };
}

/* ---- slabs ---- */

u32 page_map_fill(const struct mm_slab_fill *fill)
{
	if (fill->cpu)
		return STORE_SLAB_CPU;
	if (!fill->inuse)
		return STORE_SLAB_EMPTY;
	if (fill->inuse >= fill->objects)
		return STORE_SLAB_FULL;
	return STORE_SLAB_Q1 + fill->inuse * 4 / fill->objects;
}

/* One word of the set of unmovable frames: frames of slabs among them. */
static u32 slab_frames(const struct mobility *m, u64 word, void (*f)(void *, const struct mm_slab_fill *),
		       void *arg)
{
	u32 n = 0;

	for (u64 bits = m->unmovable.frames[word]; bits; bits &= bits - 1) {
		struct mm_slab_fill fill;

		if (!mm_inspect_slab_fill(word * 64 + (u64)__builtin_ctzll(bits), &fill))
			continue;
		n++;
		if (fill.cache && fill.objects)
			f(arg, &fill);
	}
	return n;
}

void page_map_each_slab(const struct mobility *m, void (*f)(void *arg, const struct mm_slab_fill *fill),
			void *arg)
{
	for (u64 word = 0; word <= m->nr_pages / 64; word++)
		slab_frames(m, word, f, arg);
}

static void count_fill(void *arg, const struct mm_slab_fill *fill)
{
	((u64 *)arg)[page_map_fill(fill)]++;
}

static int sample_fills(struct run *run, const struct store_sample *base, const u64 *slabs, struct kms_error *err)
{
	int ret = 0;

	for (u32 i = 0; i < NR_STORE_SLAB_FILLS && !ret; i++) {
		struct store_sample s = *base;

		s.series = store_slab_series[i];
		s.unit = "slabs";
		s.value = (s64)slabs[i];
		ret = store_sample(run->store, &s, err);
	}
	return ret;
}

/* ---- cells ---- */

/* Frames of slabs in a pageblock, and in slabs[] the slabs that begin there. */
static u32 slab_pages(const struct mobility *m, u64 block, u64 *slabs)
{
	u64 words = (1ull << m->pageblock_order) / 64, first = block * words;
	u32 n = 0;

	if (!m->unmovable.in_block[block])
		return 0;
	for (u64 word = first; word < first + words && word <= m->nr_pages / 64; word++)
		n += slab_frames(m, word, count_fill, slabs);
	return n;
}

static u32 most(const u32 *n, u32 count)
{
	u32 best = 0;

	for (u32 i = 1; i < count; i++)
		if (n[i] > n[best])
			best = i;
	return best;
}

static u32 most_of(u32 a, u32 b)
{
	return a > b ? a : b;
}

static struct store_page_cell read_cell(const struct run *run, u32 i, u64 *slabs)
{
	const struct mobility *m = &run->mobility;
	u64 from = (u64)i * run->page_map.blocks_per_cell, to = from + run->page_map.blocks_per_cell;
	u32 types[MOBILITY_TYPES] = { 0 }, managed = 0, unmovable = 0;
	struct store_page_cell cell = { .cell = i, .first_pfn = from << m->pageblock_order };

	for (u64 b = from; b < to && b < nr_blocks(m); b++) {
		u64 pfn = b << m->pageblock_order, left = m->nr_pages - pfn;

		cell.pages += (u32)(left < 1ull << m->pageblock_order ? left : 1ull << m->pageblock_order);
		managed += most_of(m->managed[b], m->unmovable.in_block[b] + m->movable.in_block[b]);
		unmovable += m->unmovable.in_block[b];
		cell.movable += m->movable.in_block[b];
		cell.slab += slab_pages(m, b, slabs);
		if (m->managed[b])
			types[mm_inspect_pageblock_type(pfn) % MOBILITY_TYPES]++;
	}
	cell.migratetype = managed ? most(types, MOBILITY_TYPES) : STORE_MIGRATETYPES;
	cell.other = unmovable - cell.slab;
	cell.free = managed > unmovable + cell.movable ? managed - unmovable - cell.movable : 0;
	return cell;
}

/* The place of a cell does not change. */
static bool same(const struct store_page_cell *a, const struct store_page_cell *b)
{
	return a->migratetype == b->migratetype && a->free == b->free && a->movable == b->movable &&
	       a->slab == b->slab && a->other == b->other;
}

static int take_map(struct run *run, const struct store_sample *base, struct kms_error *err)
{
	struct page_map *map = &run->page_map;
	u64 slabs[NR_STORE_SLAB_FILLS] = { 0 };
	int ret = 0;

	for (u32 i = 0; i < map->nr_cells && !ret; i++) {
		struct store_page_cell cell = read_cell(run, i, slabs);

		if (same(&cell, &map->last[i]))
			continue;
		map->last[i] = cell;
		ret = store_page_cell(run->store, base, &cell, err);
	}
	return ret ? ret : sample_fills(run, base, slabs, err);
}

int page_map_sample(struct run *run, const struct store_sample *base, struct kms_error *err)
{
	struct page_map *map = &run->page_map;
	int ret = 0;

	if (!run->config->sampling.page_maps)
		return 0;
	if (!map->last)
		ret = start(run, err);
	if (ret || map->until_next--)
		return ret;
	map->until_next = map->every - 1;
	return take_map(run, base, err);
}
