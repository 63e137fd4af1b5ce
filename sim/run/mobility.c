/*
 * mobility.c - pages and pageblocks of the wrong kind, followed as they change.
 *
 * Grouping by mobility works as long as what cannot be moved stays out of
 * movable pageblocks. How many such pages there are is kept up to date from
 * tracepoints, a bit a frame and a count a pageblock, because walking all
 * struct pages for every sample would take far longer than the run.
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

static bool is_marked(const struct mobility *m, u64 pfn)
{
	return m->unmovable[pfn / 64] >> pfn % 64 & 1;
}

/* Set or clear the bits of a block that lies in one pageblock. */
static void mark_in_block(struct mobility *m, u64 pfn, u64 n, bool unmovable)
{
	u16 *in_block = &m->in_block[pfn >> m->pageblock_order];
	u64 changed = 0;

	for (u64 i = pfn; i < pfn + n; i++) {
		if (is_marked(m, i) == unmovable)
			continue;
		m->unmovable[i / 64] ^= 1ull << i % 64;
		changed++;
	}
	if (!changed)
		return;
	*in_block = (u16)(unmovable ? *in_block + changed : *in_block - changed);
	if (counts(pfn))
		m->in_movable += unmovable ? changed : -changed;
}

static void mark(struct mobility *m, u64 pfn, u32 order, bool unmovable)
{
	u64 n = 1ull << order, block = 1ull << m->pageblock_order, step = n < block ? n : block;

	if (pfn >= m->nr_pages)
		return; /* a failed allocation */
	for (; n; n -= step, pfn += step)
		mark_in_block(m, pfn, step, unmovable);
}

void mobility_held(struct mobility *m, u64 pfn, u64 n)
{
	u64 block = 1ull << m->pageblock_order;

	while (n) {
		u64 step = block - pfn % block;

		step = n < step ? n : step;
		mark_in_block(m, pfn, step, true);
		pfn += step;
		n -= step;
	}
}

static void page_taken(void *arg, u32 cpu, u64 pfn, u64 order, u64 migratetype)
{
	mark(arg, pfn, (u32)order, migratetype != MOVABLE);
}

static void block_taken(void *arg, u32 cpu, u64 order, u64 migratetype, u64 pfn)
{
	mark(arg, pfn, (u32)order, migratetype != MOVABLE);
}

static void page_freed(void *arg, u32 cpu, u64 tail_pages, u64 order, u64 pfn)
{
	mark(arg, pfn, (u32)order, false);
}

/* Seen just before it happens. */
static void pageblock_set(void *arg, u32 cpu, u64 pfn, u64 type, u64 old)
{
	struct mobility *m = arg;
	u16 pages = m->in_block[pfn >> m->pageblock_order];

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

int mobility_start(struct mobility *m, struct kms_error *err)
{
	m->nr_pages = mm_inspect_max_pfn();
	m->pageblock_order = mm_inspect_pageblock_order();
	m->unmovable = calloc(m->nr_pages / 64 + 1, sizeof(*m->unmovable));
	m->in_block = calloc((m->nr_pages >> m->pageblock_order) + 1, sizeof(*m->in_block));
	if (!m->unmovable || !m->in_block)
		return kms_fail(err, KMS_EFAIL, "no memory for the map of %llu pages",
				(unsigned long long)m->nr_pages);
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
	free(m->unmovable);
	free(m->in_block);
	*m = (struct mobility){ 0 };
}
