/*
 * machine_recorder.h - writes what the plain flavour of the allocators does as a
 * recording: each step becomes the line that a recorder in the kernel would
 * write (docs/validation.md), the state at the start and end a dump.
 * validate_machines.c makes the requests.
 */
#ifndef TESTS_PROPERTY_MACHINE_RECORDER_H
#define TESTS_PROPERTY_MACHINE_RECORDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/mm/inspect.h"
#include "models/mm/steps.h"
#include "sim/engine/ram.h"
#include "sim/validate/replay.h"

#define MAX_LIVE 4000u
#define MAX_CACHES 24u
#define MAX_OBJECTS 6000u
#define MAX_PENDING 512u

struct machine {
	const char *name;
	u32 nr_cpus, nr_nodes;
	u8 cpu_node[16];
	struct mm_zone_boot zones[8];
	struct mm_range free[8];
	u32 nr_zones, nr_free;
};

struct live {
	u64 pfn;
	u32 order;
};

static struct recorder {
	const struct machine *machine;
	struct memblock mb;
	struct mm_params params;
	FILE *out;
	char dir[64];
	u64 random;
	u32 cpu, pid, gfp, attempts;
	int node;
	const char *request_name; /* of the cache being created */
	struct live live[MAX_LIVE];
	u32 nr_live;
	char names[MAX_CACHES * 8][24];
	u32 nr_names;
	struct kmem_cache *caches[MAX_CACHES];
	u32 cache_name[MAX_CACHES], nr_caches, objects_of[MAX_CACHES];
	struct {
		void *object;
		u32 cache;
	} objects[MAX_OBJECTS];
	u32 nr_objects;
	struct {
		struct kmem_cache *cache;
		u64 pfn;
	} pending[MAX_PENDING]; /* slabs that wait for a grace period */
	u32 nr_pending;
} rec;

static u32 draw(u32 n)
{
	rec.random = rec.random * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(rec.random >> 33) % n;
}

/* ---- lines ---- */

static const char *name_of(const struct kmem_cache *s)
{
	return s->name & BOOT_NAME ? mm_boot_cache_name(s->name & ~BOOT_NAME) : rec.names[s->name];
}

static void begin_line(void)
{
	fprintf(rec.out, "1 %u 0 %u ", rec.cpu, rec.pid);
}

static unsigned long long pointer(u64 address)
{
	return 0xffff888000000000ull + address - PAGE_OFFSET;
}

static void write_geometry(const struct kmem_cache *s)
{
	fprintf(rec.out, " refcount=%d object_size=%u size=%u align=%u inuse=%u offset=%u oo_order=%u "
		"oo_objects=%u min_order=%u min_objects=%u cpu_partial=%u cpu_partial_slabs=%u "
		"min_partial=%llu defrag=%u flags=%x allocflags=%x useroffset=%u usersize=%u",
		s->refcount, s->object_size, s->size, s->align, s->inuse, s->offset, oo_order(s->oo),
		oo_objects(s->oo), oo_order(s->min), oo_objects(s->min), s->cpu_partial,
		s->cpu_partial_slabs, (unsigned long long)s->min_partial,
		s->remote_node_defrag_ratio, s->flags, s->allocflags, s->useroffset, s->usersize);
}

static void write_text(u32 event, const u64 *args)
{
	const struct kmem_cache *s = (const struct kmem_cache *)args[0];

	fprintf(rec.out, "TEXT %s ", event_kinds[event].name);
	switch (event) {
	case EV_CACHE_BOOTSTRAP:
		fprintf(rec.out, "name=%s new=%llx", name_of(s), pointer(args[0]));
		break;
	case EV_CACHE_ALIAS:
		fprintf(rec.out, "name=%s to=%s ptr=%llx refcount=%d object_size=%u",
			rec.request_name, name_of(s), pointer(args[0]), s->refcount, s->object_size);
		break;
	case EV_EARLY_NODE_ALLOC:
		fprintf(rec.out, "slabpfn=%llx obj=%llx node=%llu", (unsigned long long)args[1],
			pointer(args[2]), (unsigned long long)args[3]);
		break;
	default:
		fprintf(rec.out, "%llx name=%s", pointer(args[0]), name_of(s));
		write_geometry(s);
	}
	fputc('\n', rec.out);
}

/* A word of the step's own. */
static void write_word(char letter, u64 value)
{
	switch (letter) {
	case 'x': case 'p':
		fprintf(rec.out, value == ~0ull ? " -1" : " %llx", (unsigned long long)value);
		break;
	case 'o':
		fprintf(rec.out, " %llx", value ? (unsigned long long)(value - PAGE_OFFSET) : 0);
		break;
	case 'z':
		fprintf(rec.out, " %llu/%llu", (unsigned long long)value >> 8,
			(unsigned long long)value & 255);
		break;
	case 'c':
		fprintf(rec.out, " %s", name_of((const struct kmem_cache *)value));
		break;
	case 'e':
		fprintf(rec.out, " node%llu", (unsigned long long)value);
		break;
	case 'l':
		fprintf(rec.out, " list%llu", (unsigned long long)value);
		break;
	default:
		fprintf(rec.out, " %lld", (long long)value);
	}
}

/* A word that only the recorder in the kernel knows. */
static void write_other(char letter, u64 usual)
{
	if (letter == 'X')
		fprintf(rec.out, " %x", rec.gfp & kdata->gfp_allowed_mask);
	else if (letter == 'N')
		fprintf(rec.out, " nid%d", rec.node < 0 ? rec.machine->cpu_node[rec.cpu] : rec.node);
	else if (letter == '.')
		fprintf(rec.out, " -");
	else
		fprintf(rec.out, " %llu", (unsigned long long)usual);
}

static u32 event_of(u32 step)
{
	for (u32 i = 0; i < NR_EVENTS; i++)
		if (event_kinds[i].step == step)
			return i;
	fail_msg("no line shows step %u", step);
	return 0;
}

/* A slab whose pages are to be freed after a grace period. */
static void note_discarded(struct kmem_cache *s, u64 pfn)
{
	if (!(s->flags & SLAB_TYPESAFE_BY_RCU))
		return;
	assert_true(rec.nr_pending < MAX_PENDING);
	rec.pending[rec.nr_pending].cache = s;
	rec.pending[rec.nr_pending++].pfn = pfn;
}

static u64 on_step(u32 step, const u64 *args, u32 n, u64 usual)
{
	u32 event = event_of(step), used = 0;

	(void)n;
	if (step == STEP_pg_slow)
		rec.attempts = 0;
	begin_line();
	if (event_kinds[event].role == ROLE_TEXT) {
		write_text(event, args);
		return usual;
	}
	fprintf(rec.out, "%s", event == EV_S_SHRINK_BEGIN ? "S_SHRINK" : event_kinds[event].name);
	for (const char *w = event_kinds[event].words; *w; w++) {
		if (*w >= 'a')
			write_word(*w, args[used++]);
		else
			write_other(*w, usual);
	}
	fputc('\n', rec.out);
	if (step == STEP_s_discard || (step == STEP_s_shrink && !args[3]))
		note_discarded((struct kmem_cache *)args[0], args[1]);
	return usual;
}

static bool on_step_if_next(u32 step, const u64 *args, u32 n)
{
	(void)step, (void)args, (void)n;
	return false;
}

static u32 on_retry(u32 flags, u32 reserves, u32 last)
{
	switch (rec.attempts++) {
	case 0:
		return flags;
	case 1:
		return draw(2) ? STEP_UNRESERVE : last;
	case 2:
		return draw(2) ? flags : reserves;
	default:
		return ~0u;
	}
}

static u64 on_captured(void)
{
	return ~0ull;
}

static int on_node(int usual)
{
	rec.node = usual;
	return usual;
}

static void on_bug(const char *what)
{
	fail_msg("%s", what);
	abort();
}

static void mark(const char *dump)
{
	begin_line();
	fprintf(rec.out, "MARK DUMP state-%s.txt\n", dump);
}

/* ---- dumps ---- */

static void write_list(FILE *file, const struct list_head *list)
{
	for (const struct list_head *p = list->next; p != list; p = p->next)
		fprintf(file, " %llx", (unsigned long long)page_to_pfn(container_of(p, struct page, lru)));
	fputc('\n', file);
}

static void write_zone(FILE *file, const struct zone *z)
{
	fprintf(file, "ZONE %d %u name=Z start_pfn=%llx spanned=%llu present=%llu managed=%llu wmin=%llu "
		"wlow=%llu whigh=%llu wpromo=%llu boost=%llu nr_free_pages=%lld flags=%llx "
		"nr_highatomic=%llu pageset_high=%d pageset_batch=%d lowmem_reserve=",
		z->node, z->zone_idx, (unsigned long long)z->zone_start_pfn,
		(unsigned long long)z->spanned_pages, (unsigned long long)z->present_pages,
		(unsigned long long)z->managed_pages, (unsigned long long)z->_watermark[0],
		(unsigned long long)z->_watermark[1], (unsigned long long)z->_watermark[2],
		(unsigned long long)z->_watermark[3], (unsigned long long)z->watermark_boost,
		(long long)z->vm_stat[NR_FREE_PAGES], (unsigned long long)z->flags,
		(unsigned long long)z->nr_reserved_highatomic, z->pageset_high, z->pageset_batch);
	for (u32 i = 0; i < MAX_NR_ZONES; i++)
		fprintf(file, "%llu,", (unsigned long long)z->lowmem_reserve[i]);
	fputc('\n', file);
	for (u32 order = 0; order < MAX_ORDER; order++)
		for (u32 mt = 0; mt < 4; mt++) {
			if (list_empty(&z->free_area[order].free_list[mt]))
				continue;
			fprintf(file, "FREE %d %u %u %u :", z->node, z->zone_idx, order, mt);
			write_list(file, &z->free_area[order].free_list[mt]);
		}
	for (u32 cpu = 0; cpu < rec.machine->nr_cpus; cpu++) {
		const struct per_cpu_pages *pcp = per_cpu_ptr(z->per_cpu_pageset, cpu);

		for (u32 i = 0; i < NR_PCP_LISTS; i++) {
			if (list_empty(&pcp->lists[i]))
				continue;
			fprintf(file, "PCPL %d %u %u %u :", z->node, z->zone_idx, cpu, i);
			write_list(file, &pcp->lists[i]);
		}
	}
}

static void write_zonelists(FILE *file)
{
	for (u32 nid = 0; nid < rec.machine->nr_nodes; nid++)
		for (u32 list = 0; list < 2; list++) {
			const struct zoneref *ref =
				kdata->node_data[nid]->node_zonelists[list]._zonerefs;

			fprintf(file, "ZONELIST nid=%u list=%u :", nid, list);
			for (; ref->zone; ref++)
				fprintf(file, " %d/%u", ref->zone->node, ref->zone->zone_idx);
			fputc('\n', file);
		}
}

static void write_partial(FILE *file, const struct kmem_cache *s, u32 nid)
{
	const struct kmem_cache_node *n = s->node[nid];

	fprintf(file, "NODE %llx %u nr_partial=%llu nr_slabs=%llu total_objects=%llu\n", pointer((u64)s),
		nid, (unsigned long long)n->nr_partial, (unsigned long long)n->nr_slabs,
		(unsigned long long)n->total_objects);
	for (const struct list_head *p = n->partial.next; p != &n->partial; p = p->next) {
		const struct page *slab = container_of(p, struct page, lru);

		fprintf(file, "NPART %llx %u %llx inuse=%u objects=%u frozen=%u :", pointer((u64)s), nid,
			(unsigned long long)page_to_pfn(slab), counters_inuse(slab->counters),
			counters_objects(slab->counters), counters_frozen(slab->counters));
		for (const void *o = slab->freelist; o; o = get_freepointer(s, o))
			fprintf(file, " %llu",
				(unsigned long long)((u64)o - (u64)page_address(slab)) / s->size);
		fputc('\n', file);
	}
}

static void write_slabs(FILE *file)
{
	for (u32 i = 0; i < rec.nr_caches; i++)
		for (u32 nid = 0; nid < rec.machine->nr_nodes; nid++)
			write_partial(file, rec.caches[i], nid);
	for (u64 pfn = 0; pfn < mm_inspect_max_pfn(); pfn++) {
		const struct page *slab = pfn_to_page(pfn);

		if (!(slab->flags & PG_slab))
			continue;
		fprintf(file, "SLABPAGE %llx %llx inuse=%u objects=%u frozen=%u order=%u\n",
			(unsigned long long)pfn, pointer((u64)slab->slab_cache),
			counters_inuse(slab->counters), counters_objects(slab->counters),
			counters_frozen(slab->counters),
			slab->flags & PG_head ? slab[1].compound_order : 0);
	}
}

static FILE *open_dump(const char *name)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/state-%s.txt", rec.dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	return file;
}

static void write_first_dump(void)
{
	FILE *file = open_dump("before_mem_init");

	fprintf(file, "DUMP name=before_mem_init online_cpus=1 nodes=%u\n", rec.machine->nr_nodes);
	fprintf(file, "PARAM min_free_kbytes=1024 totalreserve_pages=0 pageblock_order=9 max_order=11 "
		"nr_pcp_lists=14 mobility_disabled=0 boost_factor=15000\n");
	for (u32 i = 0; i < rec.machine->nr_zones; i++) {
		const struct mm_zone_boot *z = &rec.machine->zones[i];

		fprintf(file, "ZONE %u %u name=Z start_pfn=%llx spanned=%llu present=%llu\n", z->node,
			z->zone_idx, (unsigned long long)z->start_pfn, (unsigned long long)z->spanned,
			(unsigned long long)z->present);
	}
	fclose(file);
}

static void write_dump(const char *name)
{
	FILE *file = open_dump(name);
	struct zone *zone;

	fprintf(file, "DUMP name=%s online_cpus=%u nodes=%u\n", name, rec.machine->nr_cpus,
		rec.machine->nr_nodes);
	fprintf(file, "PARAM min_free_kbytes=%llu totalreserve_pages=%llu mobility_disabled=0 "
		"boost_factor=15000\n", (unsigned long long)kdata->min_free_kbytes,
		(unsigned long long)kdata->totalreserve_pages);
	write_zonelists(file);
	for_each_populated_zone(zone)
		write_zone(file, zone);
	write_slabs(file);
	fclose(file);
	mark(name);
}

#endif
