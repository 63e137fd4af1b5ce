/*
 * views.c - the kernel's own tables in /proc against the allocators' state.
 *
 * procfs-start.txt was written by a task that the trace shows, just before the
 * dump "start": each of its figures must be what we have at some moment between
 * that task's first line and the dump; a row of buddyinfo, which is read under
 * the zone's lock, all at once. Rows are looked at after every line in between
 * until they fit. procfs-end.txt was written when the trace was over,
 * by a task that changed counts itself: only what it cannot change is compared
 * there (marks, sizes, reserves, geometry).
 *
 * Of the tables, the rows of zones without memory and counters of things that
 * are not recorded (LRU lists, NUMA hits, page tables) are left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/mm/inspect.h"
#include "models/mm/slab.h"
#include "sim/validate/replay.h"

#define MAX_ROW 12
#define SLUB_COLUMNS 7  /* of /proc/slabinfo */
#define SLAB_COLUMNS 11 /* the same, the three tunables, objects in shared arrays */

enum table { TABLE_BUDDYINFO, TABLE_PAGETYPEINFO, TABLE_ZONEINFO, TABLE_SLABINFO, NR_TABLES };
static const char *const table_names[NR_TABLES] = {
	"buddyinfo", "pagetypeinfo", "zoneinfo", "slabinfo",
};

enum row_kind { ROW_BLOCKS, ROW_TYPE_BLOCKS, ROW_PAGEBLOCKS, ROW_ZONE, ROW_PROTECTION, ROW_PAGESET,
		ROW_CACHE, NR_ROW_KINDS };

/* Columns that stay what they are while somebody reads: bit per column. */
static const u32 lasting[NR_ROW_KINDS] = {
	[ROW_ZONE] = 0xfc,	 /* not free pages and boost */
	[ROW_PROTECTION] = 0xf,
	[ROW_PAGESET] = 0xe,	 /* not the count */
	[ROW_CACHE] = 0x39c,	 /* not objects and slabs */
};

struct view_row {
	enum row_kind kind;
	enum table table;
	const struct zone *zone;
	const struct kmem_cache *cache;
	u32 which; /* migratetype, CPU */
	u32 n, line;
	u32 columns; /* to compare */
	u32 fitting; /* of these: have been equal */
	u64 shown[MAX_ROW], last[MAX_ROW];
	bool fits;
};

struct views {
	struct view_row *rows;
	u32 nr, max;
};

/* ---- what we have ---- */

static void slab_row(const struct kmem_cache *s, u64 *ours)
{
	u64 free_objects = 0, objects = 0, slabs = 0;

	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		const struct kmem_cache_node *n = s->node[nid];
		const struct list_head *p;

		if (!n)
			continue;
		objects += n->total_objects;
		slabs += n->nr_slabs;
		for (p = n->partial.next; p != &n->partial; p = p->next) {
			u64 counters = container_of(p, struct page, lru)->counters;

			free_objects += counters_objects(counters) - counters_inuse(counters);
		}
	}
	ours[0] = objects - free_objects;
	ours[1] = objects;
	ours[2] = s->size;
	ours[3] = oo_objects(s->oo);
	ours[4] = 1ull << oo_order(s->oo);
	ours[5] = slabs;
	ours[6] = slabs;
}

/* SLAB counts as in use what lies in its arrays. */
static void slab_layer_row(const struct slab_cache *s, u64 *ours)
{
	u64 slabs = 0, free_slabs = 0, free_objects = 0, shared = 0;

	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		const struct slab_node *n = s->node[nid];

		if (!n)
			continue;
		slabs += n->total_slabs;
		free_slabs += n->free_slabs;
		free_objects += n->free_objects;
		shared += n->shared ? n->shared->avail : 0;
	}
	ours[0] = slabs * s->num - free_objects;
	ours[1] = slabs * s->num;
	ours[2] = s->size;
	ours[3] = s->num;
	ours[4] = 1ull << s->gfporder;
	ours[5] = slabs - free_slabs;
	ours[6] = slabs;
	ours[7] = s->limit;
	ours[8] = s->batchcount;
	ours[9] = s->shared;
	ours[10] = shared;
}

static u64 list_length(const struct list_head *list)
{
	u64 n = 0;

	for (const struct list_head *p = list->next; p != list; p = p->next)
		n++;
	return n;
}

static void zone_row(const struct zone *zone, u64 *ours)
{
	s64 free_pages = zone->vm_stat[NR_FREE_PAGES];

	ours[0] = free_pages < 0 ? 0 : (u64)free_pages;
	ours[1] = zone->watermark_boost;
	for (u32 i = 0; i < 3; i++) /* the marks are shown with the boost */
		ours[2 + i] = zone->_watermark[i] + zone->watermark_boost;
	ours[5] = zone->spanned_pages;
	ours[6] = zone->present_pages;
	ours[7] = zone->managed_pages;
}

static void pageset_row(const struct zone *zone, u32 cpu, u64 *ours)
{
	const struct per_cpu_pages *pcp = per_cpu_ptr(zone->per_cpu_pageset, cpu);

	ours[0] = (u64)pcp->count;
	ours[1] = (u64)pcp->high;
	ours[2] = (u64)pcp->batch;
	ours[3] = (u64)per_cpu_ptr(zone->per_cpu_zonestats, cpu)->stat_threshold;
}

static void our_row(const struct view_row *row, u64 *ours)
{
	u32 count[4];

	switch (row->kind) {
	case ROW_BLOCKS:
		for (u32 order = 0; order < MAX_ORDER; order++)
			ours[order] = row->zone->free_area[order].nr_free;
		break;
	case ROW_TYPE_BLOCKS:
		for (u32 order = 0; order < MAX_ORDER; order++)
			ours[order] = list_length(&row->zone->free_area[order].free_list[row->which]);
		break;
	case ROW_PAGEBLOCKS:
		mm_inspect_pageblocks((u32)row->zone->node, row->zone->zone_idx, count);
		for (u32 mt = 0; mt < 4; mt++)
			ours[mt] = count[mt];
		ours[MIGRATE_MOVABLE] -= replaying->missing_blocks[row->zone->node][row->zone->zone_idx];
		break;
	case ROW_ZONE:
		zone_row(row->zone, ours);
		break;
	case ROW_PROTECTION:
		for (u32 i = 0; i < MAX_NR_ZONES; i++)
			ours[i] = row->zone->lowmem_reserve[i];
		break;
	case ROW_PAGESET:
		pageset_row(row->zone, row->which, ours);
		break;
	default:
		if (row->n > SLUB_COLUMNS)
			slab_layer_row(to_slab_cache(row->cache), ours);
		else
			slab_row(row->cache, ours);
	}
}

/* ---- what /proc had ---- */

struct view_reader {
	struct replay *v;
	struct views *views;
	bool at_end;
	int table;	     /* whose rows come; -1: none of ours */
	struct zone *zone;   /* zoneinfo: of the lines that come */
	struct view_row row; /* being put together */
	u32 line;
};

static void add_row(struct view_reader *r, enum row_kind kind, u32 n)
{
	struct views *views = r->views;

	r->row.kind = kind;
	r->row.table = (enum table)r->table;
	r->row.n = n;
	r->row.line = r->line;
	r->row.columns = (r->at_end ? lasting[kind] : ~0u) & ((1u << n) - 1);
	if (!r->row.columns)
		return;
	if (views->nr == views->max) {
		u32 max = views->max ? views->max * 2 : 256;
		struct view_row *more = realloc(views->rows, max * sizeof(*more));

		if (!more)
			return;
		views->rows = more;
		views->max = max;
	}
	views->rows[views->nr++] = r->row;
}

/* Up to n numbers; returns how many there are. */
static u32 numbers(const char *at, u64 *out, u32 n)
{
	u32 found = 0;

	while (found < n) {
		char *end;

		at += strspn(at, " ,(>");
		out[found] = strtoull(at, &end, 10);
		if (end == at)
			break;
		found++;
		at = end;
	}
	return found;
}

/* "Node 0, zone    DMA32": our zone, or NULL; *rest is what follows. */
static struct zone *zone_of_line(const char *line, const char **rest)
{
	static const char *const names[MAX_NR_ZONES] = {"DMA", "DMA32", "Normal", "Movable"};
	u32 node;
	char name[16];
	int length = 0;

	if (sscanf(line, "Node %u, zone %15[A-Za-z0-9]%n", &node, name, &length) != 2 || !length ||
	    node >= kdata->nr_node_ids)
		return NULL;
	*rest = line + length;
	for (u32 i = 0; i < MAX_NR_ZONES; i++)
		if (!strcmp(names[i], name))
			return zone_of((u64)node << 8 | i);
	return NULL;
}

static void read_blocks(struct view_reader *r, const char *line)
{
	static const char *const types[4] = {"Unmovable", "Movable", "Reclaimable", "HighAtomic"};
	const char *rest = NULL;
	char name[16];
	int length = 0;

	r->row.zone = zone_of_line(line, &rest);
	if (!r->row.zone)
		return;
	if (r->table == TABLE_BUDDYINFO) {
		if (numbers(rest, r->row.shown, MAX_ORDER) == MAX_ORDER)
			add_row(r, ROW_BLOCKS, MAX_ORDER);
		return;
	}
	if (sscanf(rest, ", type %15[A-Za-z]%n", name, &length) != 1 || !length) {
		if (numbers(rest, r->row.shown, 4) == 4)
			add_row(r, ROW_PAGEBLOCKS, 4);
		return;
	}
	for (u32 mt = 0; mt < 4; mt++) {
		if (strcmp(types[mt], name))
			continue;
		r->row.which = mt;
		if (numbers(rest + length, r->row.shown, MAX_ORDER) == MAX_ORDER)
			add_row(r, ROW_TYPE_BLOCKS, MAX_ORDER);
	}
}

static void read_zone(struct view_reader *r, const char *line)
{
	static const char *const keys[] = {
		"pages free", "boost", "min", "low", "high", "spanned", "present", "managed",
	};
	const char *rest = NULL, *word = line + strspn(line, " ");

	if (!strncmp(line, "Node ", 5)) {
		r->zone = zone_of_line(line, &rest);
		r->row.which = ~0u;
	}
	r->row.zone = r->zone;
	if (!r->zone)
		return;
	if (!strncmp(word, "protection:", 11)) {
		if (numbers(word + 11, r->row.shown, MAX_NR_ZONES) == MAX_NR_ZONES)
			add_row(r, ROW_PROTECTION, MAX_NR_ZONES);
		return;
	}
	if (sscanf(word, "cpu: %u", &r->row.which) == 1)
		return;
	if (r->row.which != ~0u) {
		if (!strncmp(word, "count:", 6))
			numbers(word + 6, &r->row.shown[0], 1);
		else if (!strncmp(word, "high:", 5))
			numbers(word + 5, &r->row.shown[1], 1);
		else if (!strncmp(word, "batch:", 6))
			numbers(word + 6, &r->row.shown[2], 1);
		else if (!strncmp(word, "vm stats threshold:", 19) && r->row.which < r->v->nr_cpus &&
			 numbers(word + 19, &r->row.shown[3], 1))
			add_row(r, ROW_PAGESET, 4);
		return;
	}
	for (u32 i = 0; i < KMS_ARRAY_SIZE(keys); i++) {
		size_t length = strlen(keys[i]);

		if (strncmp(word, keys[i], length) || word[length] != ' ')
			continue;
		numbers(word + length, &r->row.shown[i], 1);
		if (i + 1 == KMS_ARRAY_SIZE(keys))
			add_row(r, ROW_ZONE, i + 1);
	}
}

/* Name, 5 numbers, ": tunables", 3 numbers (SLUB: 0), ": slabdata", 3 numbers (SLUB: the third is 0). */
static void read_cache(struct view_reader *r, const char *line)
{
	size_t length = strcspn(line, " ");
	const char *slabs = strstr(line, ": slabdata "), *tunables = strstr(line, ": tunables ");
	bool slab = r->v->r.layer == LAYER_SLAB;
	u64 data[3];
	u32 id;

	if (!slabs || !tunables || !length || line[0] == '#' || r->v->r.layer == LAYER_SLOB)
		return;
	id = recording_name(&r->v->r, line, length);
	r->row.cache = r->v->caches[id];
	if (!r->row.cache || numbers(line + length, r->row.shown, 5) != 5 ||
	    numbers(slabs + 11, data, 3) != 3 || numbers(tunables + 11, r->row.shown + 7, 3) != 3)
		return;
	r->row.shown[5] = data[0];
	r->row.shown[6] = data[1];
	r->row.shown[10] = data[2];
	add_row(r, ROW_CACHE, slab ? SLAB_COLUMNS : SLUB_COLUMNS);
}

static void read_line(struct view_reader *r, const char *line)
{
	const char *path = strstr(line, " /proc/");

	r->line++;
	if (!strncmp(line, "=== ", 4)) {
		r->table = -1;
		for (int i = 0; path && i < NR_TABLES; i++)
			if (!strcmp(path + 7, table_names[i]))
				r->table = i;
		r->zone = NULL;
		return;
	}
	if (r->table == TABLE_BUDDYINFO || r->table == TABLE_PAGETYPEINFO)
		read_blocks(r, line);
	else if (r->table == TABLE_ZONEINFO)
		read_zone(r, line);
	else if (r->table == TABLE_SLABINFO)
		read_cache(r, line);
}

static void read_file(struct replay *v, const char *file, bool at_end)
{
	struct view_reader r = { .v = v, .views = v->views, .at_end = at_end, .table = -1 };
	struct kms_error ignored = { 0 };
	size_t bytes;
	char *text;

	if (recording_file(v->r.dir, file, &text, &bytes, &ignored))
		return;
	for (char *line = text, *end; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = 0;
		read_line(&r, line);
	}
	free(text);
}

/* ---- comparing ---- */

static void look(struct views *views)
{
	u64 ours[MAX_ROW];

	for (u32 i = 0; i < views->nr; i++) {
		struct view_row *row = &views->rows[i];
		u32 equal = 0;

		if (row->fits)
			continue;
		our_row(row, ours);
		for (u32 k = 0; k < row->n; k++)
			equal |= (u32)(ours[k] == row->shown[k]) << k & row->columns;
		row->fitting = row->kind == ROW_BLOCKS ? equal : row->fitting | equal;
		row->fits = row->fitting == row->columns;
		memcpy(row->last, ours, sizeof(ours));
	}
}

static void row_text(const struct view_row *row, const u64 *values, char *text, size_t size)
{
	size_t at = 0;

	text[0] = 0;
	for (u32 k = 0; k < row->n && at < size; k++)
		if (row->columns >> k & 1)
			at += (size_t)snprintf(text + at, size - at, " %llu",
					       (unsigned long long)values[k]);
}

static void report(struct replay *v, const char *file, const char *moment)
{
	struct views *views = v->views;
	char name[64], numbers_text[200], text[400];

	for (u32 t = 0; t < NR_TABLES; t++) {
		struct validate_count *count = NULL;

		for (u32 i = 0; i < views->nr; i++) {
			const struct view_row *row = &views->rows[i];

			if (row->table != t)
				continue;
			snprintf(name, sizeof(name), "%s_%s", table_names[t], moment);
			count = count ? count : counters_new(v, name);
			if (!count)
				return;
			count->total++;
			count->exact += row->fits;
			if (row->fits)
				continue;
			row_text(row, row->shown, numbers_text, sizeof(numbers_text));
			snprintf(text, sizeof(text), "%s:%u: %s%s", file, row->line, table_names[t],
				 numbers_text);
			row_text(row, row->last, numbers_text, sizeof(numbers_text));
			counters_miss(v, text, numbers_text[0] ? numbers_text + 1 : "");
		}
	}
	views->nr = 0;
}

void views_free(struct replay *v)
{
	if (v->views)
		free(v->views->rows);
	free(v->views);
	v->views = NULL;
}

/* Called before the reader's first line. */
void views_begin(struct replay *v)
{
	v->views = calloc(1, sizeof(*v->views));
	if (!v->views)
		return;
	read_file(v, "procfs-start.txt", false);
	look(v->views);
}

void views_look(struct replay *v)
{
	if (v->views)
		look(v->views);
}

/* Called after the dump "start". */
void views_end(struct replay *v)
{
	if (v->views)
		report(v, "procfs-start.txt", "start");
}

/* Called after the last line. */
void views_compare_end(struct replay *v)
{
	if (!v->views || v->stopped)
		return;
	read_file(v, "procfs-end.txt", true);
	look(v->views);
	report(v, "procfs-end.txt", "end");
}
