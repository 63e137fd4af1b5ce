/*
 * mm_host.h - a small machine for tests of the allocators, plain flavour.
 *
 * Frames below HOST_FIRST_PFN belong to the kernel's own data; a test's zones
 * start there. host_start() maps RAM, boots and leaves CPU 0 current;
 * host_stop() takes all of it away. Allocators are called through mm_ops_plain
 * and their state is read in place.
 */
#ifndef TESTS_UNIT_MM_HOST_H
#define TESTS_UNIT_MM_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/mm/inspect.h"
#include "models/mm/page_internal.h"
#include "models/rt/rt.h"
#include "sim/engine/ram.h"

#define HOST_FIRST_PFN 0x8000ul /* 128 MiB */
#define HOST_MAX_CPUS 8u
#define HOST_MAX_ZONES 16u
#define HOST_MAX_RANGES 16u

#define HOST_NODE_DATA (24ul << 20)
#define HOST_SECTIONS (32ul << 20)
#define HOST_PERCPU (40ul << 20)
#define HOST_PERCPU_UNIT (256ul << 10)
#define HOST_VMEMMAP (64ul << 20)

static const struct mm_ops *mm = &mm_ops_plain;

/* What a test says; zeros are one CPU, one node, no zone. */
struct host {
	u32 nr_cpus, nr_nodes;
	struct mm_zone_boot zones[HOST_MAX_ZONES];
	struct mm_range free[HOST_MAX_RANGES]; /* none: all of every zone */
	u8 cpu_node[HOST_MAX_CPUS];
	const u8 *node_distance;
	struct mm_params params;
	bool no_mobility;
};

static inline void host_layout(const struct host *h, struct mm_boot *boot)
{
	u32 i;

	for (i = 0; i < HOST_MAX_ZONES && h->zones[i].spanned; i++)
		boot->max_pfn = max(boot->max_pfn, h->zones[i].start_pfn + h->zones[i].spanned);
	boot->nr_zones = i;
	for (i = 0; i < boot->nr_nodes; i++)
		boot->node_data_phys[i] = HOST_NODE_DATA + i * 0x10000ul;
	for (i = 0; i < boot->nr_cpus; i++)
		boot->percpu_phys[i] = HOST_PERCPU + i * HOST_PERCPU_UNIT;
	boot->percpu_unit_bytes = HOST_PERCPU_UNIT;
	boot->mem_section_phys = HOST_SECTIONS;
}

static inline void host_ranges(struct host *h, struct mm_boot *boot)
{
	u32 i;

	if (!h->free[0].end)
		for (i = 0; i < boot->nr_zones; i++)
			h->free[i] = (struct mm_range){ h->zones[i].start_pfn,
							h->zones[i].start_pfn + h->zones[i].spanned };
	for (i = 0; i < HOST_MAX_RANGES && h->free[i].end; i++)
		;
	boot->nr_free = i;
}

static inline void host_map(u64 max_pfn, u32 nr_cpus)
{
	const struct rt_config config = { 0 };
	u64 frames = ALIGN(max_pfn, 1024ul);
	struct kms_error err = { 0 };

	if (ram_map(frames << PAGE_SHIFT, frames * sizeof(struct page), HOST_VMEMMAP, &err) ||
	    rt_init(&config, nr_cpus, &err))
		fail_msg("%s", err.text);
	for (u32 i = 0; i < nr_cpus; i++)
		rt_set_percpu(i, SIM_RAM_BASE + HOST_PERCPU + i * HOST_PERCPU_UNIT);
	rt_enter_cpu(0);
}

/* Boot as far as memblock's release. */
static inline void host_boot(struct host *h)
{
	struct mm_boot boot = { .nr_cpus = max(h->nr_cpus, 1u), .nr_nodes = max(h->nr_nodes, 1u) };

	h->params.page_group_by_mobility = !h->no_mobility;
	boot.cpu_node = h->cpu_node;
	boot.node_distance = h->node_distance;
	boot.zones = h->zones;
	boot.free = h->free;
	boot.params = &h->params;
	host_layout(h, &boot);
	host_ranges(h, &boot);
	host_map(boot.max_pfn, boot.nr_cpus);
	mm->boot(&boot);
}

/* The rest of the boot: per-CPU lists, all CPUs, watermarks. */
static inline void host_finish_boot(const struct host *h)
{
	mm->setup_pagesets();
	for (u32 cpu = 1; cpu < h->nr_cpus; cpu++)
		mm->cpu_online(cpu);
	mm->init_watermarks();
}

static inline void host_start(struct host *h)
{
	host_boot(h);
	host_finish_boot(h);
}

static inline void host_stop(void)
{
	ram_unmap();
}

/* After a test that failed half-way too. */
static inline int host_teardown(void **state)
{
	(void)state;
	host_stop();
	return 0;
}
#define MM_TEST(fn) cmocka_unit_test_teardown(fn, host_teardown)

/* One node, one zone DMA32 of that many frames from HOST_FIRST_PFN on. */
static inline struct host one_zone(u64 pages)
{
	return (struct host){ .nr_cpus = 1, .nr_nodes = 1,
			      .zones = { { 0, ZONE_DMA32, HOST_FIRST_PFN, pages, pages } } };
}

/* ---- looking at it ---- */

static inline struct zone *host_zone(u32 node, u32 idx)
{
	struct pglist_data *pgdat = ram_ptr(HOST_NODE_DATA + node * 0x10000ul);

	return &pgdat->node_zones[idx];
}

static inline struct per_cpu_pages *host_pcp(const struct zone *zone, u32 cpu)
{
	return per_cpu_ptr(zone->per_cpu_pageset, cpu);
}

static inline struct list_head *free_list(struct zone *zone, u32 order, u32 mt)
{
	return &zone->free_area[order].free_list[mt];
}

/* A list's frames, counted from HOST_FIRST_PFN, head to tail, against a list that ends with -1. */
static inline void expect_frames(const struct list_head *head, const char *what, const long *frames)
{
	const struct list_head *p = head->next;
	u32 i;

	for (i = 0; frames[i] >= 0; i++, p = p->next) {
		u64 pfn = page_to_pfn(container_of(p, const struct page, lru)) - HOST_FIRST_PFN;

		if (p == head)
			fail_msg("%s: %u entries, expected frame 0x%lx next", what, i, frames[i]);
		if (pfn != (u64)frames[i])
			fail_msg("%s: entry %u is frame 0x%lx, expected 0x%lx", what, i,
				 (unsigned long)pfn, frames[i]);
	}
	if (p != head)
		fail_msg("%s: more than the %u expected entries", what, i);
}

#define EXPECT_LIST(head, ...) expect_frames(head, #head, (const long[]){ __VA_ARGS__, -1 })
#define EXPECT_EMPTY(head) expect_frames(head, #head, (const long[]){ -1 })

/* Frame of a page, counted from HOST_FIRST_PFN. */
static inline u64 frame(const struct page *page)
{
	return page_to_pfn(page) - HOST_FIRST_PFN;
}

static inline struct page *page_at(u64 frame_nr)
{
	return pfn_to_page(HOST_FIRST_PFN + frame_nr);
}

static inline void expect_sound(void)
{
	struct kms_error err = { 0 };

	if (mm_check_pages(&err))
		fail_msg("%s", err.text);
}

#define MOVABLE (GFP_KERNEL | __GFP_MOVABLE)
#define RECLAIMABLE (GFP_KERNEL | __GFP_RECLAIMABLE)

#endif
