/*
 * restore_page.c - the page allocator's state written and compared from outside.
 *
 * Compiled without instrumentation, as inspect_*.c: what is written here costs
 * no simulated time. Lists are rebuilt entry by entry in the recorded order,
 * so that they are linked as if the kernel had done it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "models/mm/page_internal.h"
#include "models/mm/restore.h"

static struct zone *saved_zone(const struct mm_saved_pages *s, u32 i)
{
	return &kdata->node_data[s->zones[i].node]->node_zones[s->zones[i].zone_idx];
}

static struct list_head *saved_list(const struct mm_saved_pages *s, const struct mm_saved_list *l)
{
	struct zone *zone = saved_zone(s, l->zone);

	if (l->cpu == MM_SAVED_BUDDY)
		return &zone->free_area[l->order].free_list[l->mt];
	return &per_cpu_ptr(zone->per_cpu_pageset, l->cpu)->lists[l->pindex];
}

/* ---- writing ---- */

static void empty_list(struct list_head *head)
{
	struct list_head *p, *next;

	for (p = head->next; p != head; p = next) {
		struct page *page = container_of(p, struct page, lru);

		next = p->next;
		page->page_type &= ~PAGE_TYPE_BUDDY;
		page->private = 0;
		p->next = LIST_POISON1;
		p->prev = LIST_POISON2;
	}
	INIT_LIST_HEAD(head);
}

static void empty_zone(struct zone *zone)
{
	u32 order, mt, cpu, i;

	for (order = 0; order < MAX_ORDER; order++) {
		for (mt = 0; mt < MIGRATE_TYPES; mt++)
			empty_list(&zone->free_area[order].free_list[mt]);
		zone->free_area[order].nr_free = 0;
	}
	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		for (i = 0; i < NR_PCP_LISTS; i++)
			empty_list(&per_cpu_ptr(zone->per_cpu_pageset, cpu)->lists[i]);
}

static void restore_zone(struct zone *zone, const struct mm_saved_zone *z)
{
	u32 i;

	zone->managed_pages = z->managed;
	for (i = 0; i < ARRAY_SIZE(z->watermark); i++)
		zone->_watermark[i] = z->watermark[i];
	zone->_watermark[WMARK_PROMO] = 2 * z->watermark[WMARK_HIGH] - z->watermark[WMARK_LOW];
	zone->watermark_boost = z->watermark_boost;
	for (i = 0; i < MAX_NR_ZONES; i++)
		zone->lowmem_reserve[i] = z->lowmem_reserve[i];
	zone->pageset_high = z->pageset_high;
	zone->pageset_batch = z->pageset_batch;
	zone->nr_reserved_highatomic = z->nr_reserved_highatomic;
	zone->flags = z->flags;
	kdata->vm_zone_stat[NR_FREE_PAGES] += z->nr_free_pages - zone->vm_stat[NR_FREE_PAGES];
	zone->vm_stat[NR_FREE_PAGES] = z->nr_free_pages;
}

static void restore_pcp(struct zone *zone, const struct mm_saved_pcp *p)
{
	struct per_cpu_pages *pcp = per_cpu_ptr(zone->per_cpu_pageset, p->cpu);
	struct per_cpu_zonestat *stat = per_cpu_ptr(zone->per_cpu_zonestats, p->cpu);

	pcp->count = p->count;
	pcp->high = p->high;
	pcp->batch = p->batch;
	pcp->free_factor = (s16)p->free_factor;
	pcp->expire = (s16)p->expire;
	stat->vm_stat_diff[NR_FREE_PAGES] = (s8)p->nr_free_diff;
	stat->stat_threshold = (s8)p->stat_threshold;
}

static u8 carried_type(const struct mm_saved_list *l, u32 i)
{
	if (l->types)
		return l->types[i];
	return (u8)(l->pindex < 12 ? l->pindex % MIGRATE_PCPTYPES : l->pindex - 12);
}

static void restore_list(const struct mm_saved_pages *s, const struct mm_saved_list *l)
{
	struct list_head *head = saved_list(s, l);
	u32 i;

	for (i = 0; i < l->nr; i++) {
		struct page *page = pfn_to_page(l->pfns[i]);

		page->_refcount = 0;
		if (l->cpu == MM_SAVED_BUDDY) {
			page->page_type |= PAGE_TYPE_BUDDY;
			page->private = l->order;
		} else {
			page->index = carried_type(l, i);
		}
		list_add_tail(&page->lru, head);
	}
	if (l->cpu == MM_SAVED_BUDDY)
		saved_zone(s, l->zone)->free_area[l->order].nr_free += l->nr;
}

static void restore_blocks(const struct zone *zone, const struct mm_saved_blocks *b)
{
	u64 pfn = ALIGN_DOWN(zone->zone_start_pfn, PAGEBLOCK_NR_PAGES);
	u32 i;

	for (i = 0; i < b->nr; i++, pfn += PAGEBLOCK_NR_PAGES) {
		u64 *word, type = b->types[i];

		if (type == MM_SAVED_NO_SECTION)
			continue;
		word = pageblock_word(pfn);
		*word &= ~(PAGEBLOCK_MASK << pageblock_shift(pfn));
		*word |= type << pageblock_shift(pfn);
	}
}

void mm_restore_pages(const struct mm_saved_pages *s)
{
	u32 i;

	kdata->gfp_allowed_mask = ~0u; /* recorded states are from after the early boot */
	for (i = 0; i < s->nr_zones; i++) {
		empty_zone(saved_zone(s, i));
		restore_zone(saved_zone(s, i), &s->zones[i]);
	}
	for (i = 0; i < s->nr_pcps; i++)
		restore_pcp(saved_zone(s, s->pcps[i].zone), &s->pcps[i]);
	for (i = 0; i < s->nr_lists; i++)
		restore_list(s, &s->lists[i]);
	for (i = 0; i < s->nr_blocks; i++)
		restore_blocks(saved_zone(s, s->blocks[i].zone), &s->blocks[i]);
}

void mm_page_off_lru(struct page *page)
{
	page->flags &= ~PG_lru;
}

/* ---- comparing ---- */

struct comparison {
	mm_differs_fn *differs;
	void *arg;
	u64 differences;
};

KMS_PRINTF(2, 3) static void differs(struct comparison *c, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	c->differences++;
	if (c->differs)
		c->differs(c->arg, what);
}

static void compare(struct comparison *c, const struct zone *zone, const char *what, s64 expected,
		    s64 found)
{
	if (expected != found)
		differs(c, "node %d zone %u: %s is %" PRId64 ", expected %" PRId64, zone->node,
			zone->zone_idx, what, found, expected);
}

static void compare_zone(struct comparison *c, const struct zone *zone,
			 const struct mm_saved_zone *z)
{
	static const char *const marks[] = { "min watermark", "low watermark", "high watermark" };
	static const char *const reserves[] = { "lowmem_reserve[0]", "lowmem_reserve[1]",
						"lowmem_reserve[2]", "lowmem_reserve[3]" };
	u32 i;

	compare(c, zone, "managed", (s64)z->managed, (s64)zone->managed_pages);
	for (i = 0; i < ARRAY_SIZE(marks); i++)
		compare(c, zone, marks[i], (s64)z->watermark[i], (s64)zone->_watermark[i]);
	compare(c, zone, "watermark boost", (s64)z->watermark_boost, (s64)zone->watermark_boost);
	compare(c, zone, "free pages", z->nr_free_pages, zone->vm_stat[NR_FREE_PAGES]);
	for (i = 0; i < ARRAY_SIZE(reserves); i++)
		compare(c, zone, reserves[i], (s64)z->lowmem_reserve[i], (s64)zone->lowmem_reserve[i]);
	compare(c, zone, "pageset high", z->pageset_high, zone->pageset_high);
	compare(c, zone, "pageset batch", z->pageset_batch, zone->pageset_batch);
	if (!z->highatomic_known)
		return;
	compare(c, zone, "high-atomic reserve", (s64)z->nr_reserved_highatomic,
		(s64)zone->nr_reserved_highatomic);
	compare(c, zone, "zone flags", (s64)z->flags, (s64)zone->flags);
}

static void compare_pcp(struct comparison *c, const struct zone *zone, const struct mm_saved_pcp *p)
{
	const struct per_cpu_pages *pcp = per_cpu_ptr(zone->per_cpu_pageset, p->cpu);
	const struct per_cpu_zonestat *stat = per_cpu_ptr(zone->per_cpu_zonestats, p->cpu);

	compare(c, zone, "a CPU's count", p->count, pcp->count);
	compare(c, zone, "a CPU's high", p->high, pcp->high);
	compare(c, zone, "a CPU's batch", p->batch, pcp->batch);
	compare(c, zone, "a CPU's free_factor", p->free_factor, pcp->free_factor);
	compare(c, zone, "a CPU's expire", p->expire, pcp->expire);
	compare(c, zone, "a CPU's free page differential", p->nr_free_diff,
		stat->vm_stat_diff[NR_FREE_PAGES]);
	compare(c, zone, "a CPU's stat threshold", p->stat_threshold, stat->stat_threshold);
}

static void name_list(char *name, size_t bytes, const struct zone *zone,
		      const struct mm_saved_list *l)
{
	if (l->cpu == MM_SAVED_BUDDY)
		snprintf(name, bytes, "node %d zone %u: free list of order %u type %u", zone->node,
			 zone->zone_idx, l->order, l->mt);
	else
		snprintf(name, bytes, "node %d zone %u: list %u of CPU %u", zone->node,
			 zone->zone_idx, l->pindex, l->cpu);
}

/* The first difference of a list is the one that counts. */
static void compare_list(struct comparison *c, const struct mm_saved_pages *s,
			 const struct mm_saved_list *l)
{
	const struct list_head *head = saved_list(s, l), *p = head->next;
	char name[96];
	u32 i;

	name_list(name, sizeof(name), saved_zone(s, l->zone), l);
	for (i = 0; i < l->nr && p != head; i++, p = p->next) {
		const struct page *page = container_of(p, const struct page, lru);

		if (page_to_pfn(page) != l->pfns[i]) {
			differs(c, "%s: entry %u is frame %#" PRIx64 ", expected %#" PRIx64, name,
				i, page_to_pfn(page), l->pfns[i]);
			return;
		}
		if (l->types && page->index != l->types[i]) {
			differs(c, "%s: frame %#" PRIx64 " carries type %" PRIu64 ", expected %u",
				name, l->pfns[i], page->index, l->types[i]);
			return;
		}
	}
	if (i < l->nr)
		differs(c, "%s: ends after %u entries, expected %u", name, i, l->nr);
	else if (p != head)
		differs(c, "%s: goes on after the %u expected entries", name, l->nr);
}

static void compare_blocks(struct comparison *c, const struct zone *zone,
			   const struct mm_saved_blocks *b)
{
	u64 pfn = ALIGN_DOWN(zone->zone_start_pfn, PAGEBLOCK_NR_PAGES);
	u32 i;

	for (i = 0; i < b->nr; i++, pfn += PAGEBLOCK_NR_PAGES) {
		if (b->types[i] == MM_SAVED_NO_SECTION ||
		    get_pageblock_migratetype(pfn) == b->types[i])
			continue;
		differs(c, "node %d zone %u: pageblock of frame %#" PRIx64 " has type %u, expected %u",
			zone->node, zone->zone_idx, pfn, get_pageblock_migratetype(pfn), b->types[i]);
		return;
	}
}

u64 mm_compare_pages(const struct mm_saved_pages *s, mm_differs_fn *fn, void *arg)
{
	struct comparison c = { .differs = fn, .arg = arg };
	u32 i;

	for (i = 0; i < s->nr_zones; i++)
		compare_zone(&c, saved_zone(s, i), &s->zones[i]);
	for (i = 0; i < s->nr_pcps; i++)
		compare_pcp(&c, saved_zone(s, s->pcps[i].zone), &s->pcps[i]);
	for (i = 0; i < s->nr_lists; i++)
		compare_list(&c, s, &s->lists[i]);
	for (i = 0; i < s->nr_blocks; i++)
		compare_blocks(&c, saved_zone(s, s->blocks[i].zone), &s->blocks[i]);
	return c.differences;
}
