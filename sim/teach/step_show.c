/*
 * step_show.c - a stop of `step`, as text: the request, its path, the lines it
 * touched, and the allocators before and after it. Changes are marked with *.
 */
#include "sim/teach/step.h"

#include <string.h>

#include "models/mm/tracepoints.h"
#include "sim/teach/call.h"
#include "sim/teach/lines.h"

#define ORDERS 11
#define MAP_ROW 64
#define PS_PER_NS 1000.0

/* ---- the request ---- */

static void what_for(const struct step *s, FILE *out)
{
	const struct kms_request *rq = &s->request;
	char flags[400];
	bool alloc = kms_request_classes[rq->op] == 'A';

	if (rq->op == REQ_PAGE_ALLOC || rq->op == REQ_PAGE_FREE_PART)
		fprintf(out, ", order %u", rq->order);
	else if (alloc && rq->size)
		fprintf(out, " of %llu bytes", (unsigned long long)rq->size);
	if (rq->n > 1)
		fprintf(out, ", %u at once", rq->n);
	if (s->info && (rq->op == REQ_CACHE_ALLOC || rq->op == REQ_CACHE_ALLOC_BULK || rq->op == REQ_CACHE_CREATE))
		fprintf(out, ", slab cache %s", s->info->caches[rq->cache].name);
	if (alloc)
		fprintf(out, ", %s", call_gfp_text(flags, sizeof(flags), rq->gfp));
	if (s->info && rq->site != KMS_NO_SITE && rq->site < s->info->nr_sites)
		fprintf(out, ", from %s", s->info->sites[rq->site]);
}

void step_show_request(const struct step *s, FILE *out)
{
	fprintf(out, "request %llu of %llu, CPU %u: %s", (unsigned long long)s->position,
		(unsigned long long)s->total, s->request.cpu, kms_request_names[s->request.op]);
	what_for(s, out);
	fputc('\n', out);
	if (s->address != ~0ull)
		fprintf(out, "  at 0x%llx, page frame 0x%llx%s%s\n", (unsigned long long)s->address,
			(unsigned long long)s->address >> 12, *s->cache_name ? ", slab cache " : "", s->cache_name);
	fprintf(out, "  path %s", rt_path_names[s->log.path]);
	if (s->log.time)
		fprintf(out, ", %.0f cycles, %llu accesses", (double)s->log.time / PS_PER_NS * s->ghz,
			(unsigned long long)s->log.all_touches);
	fputc('\n', out);
}

void step_show_path(const struct step *s, FILE *out)
{
	fprintf(out, "tracepoints\n");
	lines_show_marks(&s->log, out);
	if (s->log.time) {
		fprintf(out, "cycles: ");
		lines_show_parts(&s->log, s->ghz, out);
		fputc('\n', out);
	}
}

void step_show_lines(const struct step *s, FILE *out, u32 most)
{
	if (s->log.nr_touches)
		lines_show(&s->log, s->ghz, most, out);
	else
		fprintf(out, "no accesses are seen in functional timing\n");
}

/* ---- zones ---- */

static void change(FILE *out, const char *what, s64 before, s64 after)
{
	if (before == after)
		fprintf(out, "%s %lld", what, (long long)after);
	else
		fprintf(out, "%s %lld -> %lld *", what, (long long)before, (long long)after);
}

static void one_zone(const struct mm_zone_info *b, const struct mm_zone_info *a, FILE *out)
{
	fprintf(out, "zone %s, node %u: ", a->name, a->node);
	change(out, "free pages", (s64)b->nr_free_pages, (s64)a->nr_free_pages);
	fprintf(out, "\n  order ");
	for (u32 o = 0; o < ORDERS; o++)
		fprintf(out, "%6u", o);
	fprintf(out, "\n  before");
	for (u32 o = 0; o < ORDERS; o++)
		fprintf(out, "%6llu", (unsigned long long)b->nr_free[o]);
	fprintf(out, "\n  after ");
	for (u32 o = 0; o < ORDERS; o++) {
		char cell[24];

		snprintf(cell, sizeof(cell), "%s%llu", a->nr_free[o] != b->nr_free[o] ? "*" : "",
			 (unsigned long long)a->nr_free[o]);
		fprintf(out, "%6s", cell);
	}
	fputc('\n', out);
}

void step_show_zone(const struct step *s, FILE *out)
{
	for (u32 i = 0; i < s->after.nr_zones && i < s->before.nr_zones; i++)
		if (s->after.zones[i].managed)
			one_zone(&s->before.zones[i], &s->after.zones[i], out);
}

void step_show_pcp(const struct step *s, FILE *out)
{
	for (u32 i = 0; i < s->after.nr_zones && i < s->before.nr_zones; i++) {
		const struct mm_pcp_info *b = &s->before.pcp[i], *a = &s->after.pcp[i];

		if (!s->after.zones[i].managed)
			continue;
		fprintf(out, "per-CPU pages of CPU %u, zone %s, node %u: ", s->request.cpu, s->after.zones[i].name,
			s->after.zones[i].node);
		change(out, "count", b->count, a->count);
		fprintf(out, ", high %d, batch %d\n", a->high, a->batch);
	}
}

/* ---- the slab ---- */

static void map_row(const struct mm_slab_map *map, u32 from, u32 n, const char *when, FILE *out)
{
	static const char signs[] = {'#', '.', 'c'};

	fprintf(out, "  %-7s", when);
	for (u32 i = from; i < from + n; i++)
		fputc(signs[map->state[i]], out);
	fputc('\n', out);
}

static void marks_row(const struct mm_slab_map *b, const struct mm_slab_map *a, u32 from, u32 n, FILE *out)
{
	bool any = false;

	for (u32 i = from; i < from + n; i++)
		any |= b->state[i] != a->state[i];
	if (!any)
		return;
	fprintf(out, "  %-7s", "");
	for (u32 i = from; i < from + n; i++)
		fputc(b->state[i] != a->state[i] ? '*' : ' ', out);
	fputc('\n', out);
}

void step_show_slab(const struct step *s, FILE *out)
{
	const struct mm_slab_map *b = &s->before.slab, *a = &s->after.slab;
	bool compare = s->before.has_slab && s->after.has_slab && a->pfn == b->pfn;
	const struct mm_slab_map *map = s->after.has_slab ? a : b;
	u32 shown;

	if (!s->after.has_slab && !s->before.has_slab) {
		fprintf(out, "the request worked on no slab\n");
		return;
	}
	shown = map->objects < MM_MAP_OBJECTS ? map->objects : MM_MAP_OBJECTS;
	fprintf(out, "slab at page frame 0x%llx of %s: %u objects of %u bytes%s\n", (unsigned long long)map->pfn,
		*s->cache_name ? s->cache_name : "a slab cache", map->objects, map->size,
		!s->after.has_slab ? ", given back now" : compare ? "" : ", not the one that objects came from before");
	for (u32 from = 0; from < shown; from += MAP_ROW) {
		u32 n = shown - from < MAP_ROW ? shown - from : MAP_ROW;

		if (compare || !s->after.has_slab)
			map_row(b, from, n, "before", out);
		if (s->after.has_slab)
			map_row(a, from, n, "after", out);
		if (compare)
			marks_row(b, a, from, n, out);
	}
	fprintf(out, "  # in use  c free, a CPU's to hand out  . free in the slab");
	if (map->cpu >= 0)
		fprintf(out, "; it is CPU %d's slab", map->cpu);
	fputc('\n', out);
}
