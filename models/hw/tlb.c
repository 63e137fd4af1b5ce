/*
 * tlb.c - tlb.h: look-ups, walks, and what a lost translation takes along.
 */
#include "models/hw/tlb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/hw/hierarchy.h"

#define NO_TLB_SHIFT 63

static const u32 page_shift[HW_NR_PAGE_SIZES] = { 12, 21, 30 };

static u32 level_shift(u32 level)
{
	return SIM_PAGE_SHIFT + 9 * level;
}

/* ---- construction ---- */

static int init_array(struct tlb_array *a, const struct tlb_level_config *config)
{
	if (!config->entries)
		return 0;
	a->ways = (u32)config->ways;
	a->set_mask = (u32)(config->entries / config->ways) - 1;
	a->pages = malloc(config->entries * sizeof(*a->pages));
	a->next = calloc(a->set_mask + 1, sizeof(*a->next));
	if (!a->pages || !a->next)
		return KMS_EFAIL;
	memset(a->pages, 0xff, config->entries * sizeof(*a->pages));
	return 0;
}

static int init_l2(struct tlb *tlb, const struct tlb_config *config, u32 cpu, struct kms_error *err)
{
	const struct cache_config geometry = {
		.size_bytes = config->l2.entries * SIM_LINE_BYTES, .ways = config->l2.ways,
		.line_bytes = SIM_LINE_BYTES, .replacement = HW_LRU,
	};
	char name[32];

	tlb->has_l2 = config->l2.entries;
	tlb->l2_holds_1g = config->l2_holds_1g;
	if (!tlb->has_l2)
		return 0;
	snprintf(name, sizeof(name), "tlb.%u", cpu);
	return cache_init(&tlb->l2, &geometry, 1, name, 0, err);
}

int tlb_init(struct tlb *tlb, const struct tlb_config *config, u32 cpu, struct kms_error *err)
{
	const u32 pages[TLB_WINDOWS] = { config->direct_map_page, config->vmemmap_page };
	u64 entries = 0;
	int ret = 0;

	for (u32 i = 0; i < HW_NR_PAGE_SIZES; i++) {
		entries += config->l1[i].entries;
		ret |= init_array(&tlb->l1[i], &config->l1[i]);
	}
	if (ret)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for the TLB of CPU %u", cpu);
	for (u32 w = 0; w < TLB_WINDOWS; w++) {
		tlb->leaf[w] = pages[w];
		tlb->shift[w] = entries ? page_shift[pages[w]] : NO_TLB_SHIFT;
		tlb->last[w] = entries ? TLB_NONE : 0;
	}
	tlb->walk_entries = (u32)config->walk_entries;
	memset(tlb->walked, 0xff, sizeof(tlb->walked));
	return entries ? init_l2(tlb, config, cpu, err) : 0;
}

void tlb_exit(struct tlb *tlb)
{
	for (u32 i = 0; i < HW_NR_PAGE_SIZES; i++) {
		free(tlb->l1[i].pages);
		free(tlb->l1[i].next);
	}
	if (tlb->has_l2)
		cache_exit(&tlb->l2);
}

/* ---- first level ---- */

static u64 *array_set(const struct tlb_array *a, u64 page)
{
	return &a->pages[(page & a->set_mask) * a->ways];
}

bool tlb_find(struct tlb *tlb, u64 off)
{
	u32 window = tlb_window(off);
	u64 page = off >> tlb->shift[window];
	const struct tlb_array *a = &tlb->l1[tlb->leaf[window]];
	const u64 *set;

	if (tlb->shift[window] == NO_TLB_SHIFT)
		return true;
	set = array_set(a, page);
	for (u32 way = 0; way < a->ways; way++) {
		if (set[way] == page) {
			tlb->last[window] = page;
			return true;
		}
	}
	return false;
}

/* The short cut may serve the page's lines no longer. */
static void forget_page(struct hw_cpu *cpu, u64 page, u32 shift)
{
	for (u32 w = 0; w < TLB_WINDOWS; w++)
		if (cpu->tlb.last[w] == page && cpu->tlb.shift[w] == shift)
			cpu->tlb.last[w] = TLB_NONE;
	for (u32 i = 0; i <= cpu->l1.set_mask; i++) {
		u64 off = cpu->fast[i] >> 1 << SIM_LINE_SHIFT;

		if (cpu->fast[i] != HW_FAST_EMPTY && off >> shift == page)
			cpu->fast[i] = HW_FAST_EMPTY;
	}
}

static void fill_l1(struct hw_cpu *cpu, u32 window, u64 page)
{
	struct tlb *tlb = &cpu->tlb;
	struct tlb_array *a = &tlb->l1[tlb->leaf[window]];
	u64 *set = array_set(a, page);
	u32 *next = &a->next[page & a->set_mask];

	if (set[*next] != TLB_NONE)
		forget_page(cpu, set[*next], tlb->shift[window]);
	set[*next] = page;
	*next = *next + 1 == a->ways ? 0 : *next + 1;
	tlb->last[window] = page;
}

/* ---- second level ---- */

/* Pages of different sizes never look alike. */
static u64 l2_tag(const struct tlb *tlb, u32 window, u64 page)
{
	return page << 2 | tlb->leaf[window];
}

/* The low bits of the page, not of the tag, choose the set. */
static u32 l2_set(const struct tlb *tlb, u64 page)
{
	return (u32)page & tlb->l2.set_mask;
}

static bool l2_holds(const struct tlb *tlb, u32 window)
{
	return tlb->has_l2 && (tlb->leaf[window] != HW_PAGE_1G || tlb->l2_holds_1g);
}

static bool l2_find(struct tlb *tlb, u32 window, u64 page)
{
	u32 set = l2_set(tlb, page);
	int way = cache_find(&tlb->l2, set, l2_tag(tlb, window, page));

	if (way < 0)
		return false;
	cache_touch(&tlb->l2, set, (u32)way);
	return true;
}

static void l2_fill(struct tlb *tlb, u32 window, u64 page)
{
	u32 set = l2_set(tlb, page), way = cache_victim(&tlb->l2, set);

	cache_put(&tlb->l2, set, way, l2_tag(tlb, window, page), 1);
	cache_touch(&tlb->l2, set, way);
}

/* ---- walk ---- */

static void read_entry(struct hw_request *rq, u32 window, u32 level, u64 off)
{
	u64 in_window = window ? off - SIM_WINDOW2_OFF : off;
	u64 at = rq->cpu->machine->table_base[window][level] + (in_window >> level_shift(level)) * 8;
	struct hw_request step = { .cpu = rq->cpu, .line = at >> SIM_LINE_SHIFT,
				   .off_line = at >> SIM_LINE_SHIFT, .now = rq->now };

	rq->cpu->stats.walk_reads++;
	machine_lookup(&step);
	if (step.now == rq->now)
		step.now += rq->cpu->machine->cost.level[0];
	hw_spend(rq, PART_TLB, step.now - rq->now);
}

static u64 *walked_slot(struct tlb *tlb, u32 level, u64 off)
{
	return &tlb->walked[level][(off >> level_shift(level)) % tlb->walk_entries];
}

/* The level whose entry the walk reads first: below the lowest one that the walker keeps. */
static u32 first_level(struct tlb *tlb, u32 leaf, u64 off)
{
	u32 level = leaf + 1;

	while (tlb->walk_entries && level < TLB_LEVELS &&
	       *walked_slot(tlb, level, off) != off >> level_shift(level))
		level++;
	return tlb->walk_entries ? level - 1 : TLB_LEVELS - 1;
}

static void walk(struct hw_request *rq, u32 window, u64 off)
{
	struct tlb *tlb = &rq->cpu->tlb;
	u32 leaf = tlb->leaf[window], level = first_level(tlb, leaf, off);

	rq->cpu->stats.tlb_walks++;
	for (;; level--) {
		read_entry(rq, window, level, off);
		if (level == leaf)
			return;
		if (tlb->walk_entries)
			*walked_slot(tlb, level, off) = off >> level_shift(level);
	}
}

void tlb_miss(struct hw_request *rq, u64 off)
{
	struct tlb *tlb = &rq->cpu->tlb;
	u32 window = tlb_window(off);
	u64 page = off >> tlb->shift[window];
	bool held = l2_holds(tlb, window);

	rq->cpu->stats.tlb_misses++;
	if (held)
		hw_spend(rq, PART_TLB, rq->cpu->machine->cost.tlb_l2);
	if (!held || !l2_find(tlb, window, page)) {
		walk(rq, window, off);
		if (held)
			l2_fill(tlb, window, page);
	}
	fill_l1(rq->cpu, window, page);
}
