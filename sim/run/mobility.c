/*
 * mobility.c - pages and pageblocks of the wrong kind, followed as they change.
 *
 * Grouping by mobility works as long as what cannot be moved stays out of
 * movable pageblocks. How many such pages there are is kept up to date from
 * tracepoints, a bit a frame and a count a pageblock, because walking all
 * struct pages for every sample would take far longer than the run. The page
 * maps (page_map.c) are made of the same bits and counts.
 */
#include "sim/run/internal.h"

#include <stdlib.h>

enum { UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC };
const char *const mobility_type_names[MOBILITY_TYPES] = {
	[UNMOVABLE] = "unmovable", [MOVABLE] = "movable", [RECLAIMABLE] = "reclaimable",
	[HIGHATOMIC] = "highatomic",
};

static bool counts(u64 pfn)
{
	return mm_inspect_pageblock_type(pfn) == MOVABLE;
}

/* Set or clear the bits of a block that lies in one pageblock; by how many pages that changed. */
static u64 mark_in_block(struct frame_set *set, u32 pageblock_order, u64 pfn, u64 n, bool value)
{
	u16 *in_block = &set->in_block[pfn >> pageblock_order];
	u64 changed = 0;

	for (u64 i = pfn; i < pfn + n; i++) {
		if (frame_in_set(set, i) == value)
			continue;
		set->frames[i / 64] ^= 1ull << i % 64;
		changed++;
	}
	*in_block = (u16)(value ? *in_block + changed : *in_block - changed);
	return changed;
}

/* use: of the block from now on. */
static void mark(struct mobility *m, u64 pfn, u32 order, enum frame_use use)
{
	u64 n = 1ull << order, block = 1ull << m->pageblock_order, step = n < block ? n : block;

	if (pfn >= m->nr_pages)
		return; /* a failed allocation */
	for (; n; n -= step, pfn += step) {
		u64 changed = mark_in_block(&m->unmovable, m->pageblock_order, pfn, step,
					    use == FRAME_UNMOVABLE);
		u64 movable = mark_in_block(&m->movable, m->pageblock_order, pfn, step, use == FRAME_MOVABLE);

		if (use == FRAME_FREE && changed + movable < step) /* taken before watching began */
			m->managed[pfn >> m->pageblock_order] += (u16)(step - changed - movable);
		if (changed && counts(pfn))
			m->in_movable += use == FRAME_UNMOVABLE ? changed : -changed;
	}
}

static enum frame_use use_of(u64 migratetype)
{
	return migratetype == MOVABLE ? FRAME_MOVABLE : FRAME_UNMOVABLE;
}

void mobility_held(struct mobility *m, u64 pfn, u64 n, bool movable)
{
	u64 block = 1ull << m->pageblock_order;

	while (n) {
		u64 step = block - pfn % block;

		step = n < step ? n : step;
		mark_in_block(movable ? &m->movable : &m->unmovable, m->pageblock_order, pfn, step, true);
		if (!movable && counts(pfn))
			m->in_movable += step;
		pfn += step;
		n -= step;
	}
}

static void page_taken(void *arg, u32 cpu, u64 pfn, u64 order, u64 migratetype)
{
	mark(arg, pfn, (u32)order, use_of(migratetype));
}

static void block_taken(void *arg, u32 cpu, u64 order, u64 migratetype, u64 pfn)
{
	mark(arg, pfn, (u32)order, use_of(migratetype));
}

static void page_freed(void *arg, u32 cpu, u64 tail_pages, u64 order, u64 pfn)
{
	mark(arg, pfn, (u32)order, FRAME_FREE);
}

/* Seen just before it happens. */
static void pageblock_set(void *arg, u32 cpu, u64 pfn, u64 type, u64 old)
{
	struct mobility *m = arg;
	u16 pages = m->unmovable.in_block[pfn >> m->pageblock_order];

	if (old == MOVABLE && type != MOVABLE)
		m->in_movable -= pages;
	else if (old != MOVABLE && type == MOVABLE)
		m->in_movable += pages;
}

static void fallback(void *arg, u32 cpu, u64 orders, u64 start_type, u64 block_type)
{
	struct mobility *m = arg;

	m->fallbacks[start_type % MOBILITY_TYPES][block_type % MOBILITY_TYPES]++;
	m->fragmenting += (orders & 0xff) < m->pageblock_order;
}

static bool set_init(struct frame_set *set, const struct mobility *m)
{
	set->frames = calloc(m->nr_pages / 64 + 1, sizeof(*set->frames));
	set->in_block = calloc((m->nr_pages >> m->pageblock_order) + 1, sizeof(*set->in_block));
	return set->frames && set->in_block;
}

static void set_free(struct frame_set *set)
{
	free(set->frames);
	free(set->in_block);
}

int mobility_start(struct mobility *m, struct kms_error *err)
{
	m->nr_pages = mm_inspect_max_pfn();
	m->pageblock_order = mm_inspect_pageblock_order();
	m->managed = calloc((m->nr_pages >> m->pageblock_order) + 1, sizeof(*m->managed));
	if (!m->managed || !set_init(&m->unmovable, m) || !set_init(&m->movable, m))
		return kms_fail(err, KMS_EFAIL, "no memory for the map of %llu pages",
				(unsigned long long)m->nr_pages);
	mm_inspect_free_pages(m->managed);
	rt_probe(TP_mm_page_alloc, page_taken, m);
	rt_probe(TP_mm_page_pcp_alloc, page_taken, m);
	rt_probe(TP_mm_rmqueue_buddy, block_taken, m);
	rt_probe(TP_mm_page_free, page_freed, m);
	rt_probe(TP_mm_set_pageblock, pageblock_set, m);
	rt_probe(TP_mm_page_alloc_extfrag, fallback, m);
	return 0;
}

void mobility_stop(struct mobility *m)
{
	static const u32 points[] = { TP_mm_page_alloc, TP_mm_page_pcp_alloc, TP_mm_rmqueue_buddy,
				      TP_mm_page_free, TP_mm_set_pageblock, TP_mm_page_alloc_extfrag };

	for (size_t i = 0; i < KMS_ARRAY_SIZE(points); i++)
		rt_probe(points[i], NULL, NULL);
	set_free(&m->unmovable);
	set_free(&m->movable);
	free(m->managed);
	*m = (struct mobility){ 0 };
}
