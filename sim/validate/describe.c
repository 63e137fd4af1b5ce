/*
 * describe.c - differences in words, and lines that are text.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/validate/replay.h"

/* ---- text that grows ---- */

struct text {
	char buf[1600];
	size_t used;
};

static void add(struct text *t, const char *fmt, ...) KMS_PRINTF(2, 3);

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->used, sizeof(t->buf) - t->used, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->used = t->used + (size_t)n < sizeof(t->buf) ? t->used + (size_t)n : sizeof(t->buf) - 1;
}

/* ---- the allocators' state around a line ---- */

static void add_pages(struct text *t, const char *what, const struct list_head *list)
{
	const struct list_head *p = list->next;
	int n = 0;

	add(t, "; %s:", what);
	for (; p != list && n < 6; p = p->next, n++)
		add(t, " %llx", (unsigned long long)page_to_pfn(container_of(p, struct page, lru)));
	add(t, p != list ? " ..." : n ? "" : " none");
}

static void add_zone(struct text *t, struct replay *v, u64 id, u32 order, u32 mt)
{
	struct zone *zone = zone_of(id);
	struct per_cpu_pages *pcp;
	char what[64];

	if (!zone || order >= MAX_ORDER || mt >= MIGRATE_TYPES)
		return;
	pcp = per_cpu_ptr(zone->per_cpu_pageset, v->cpu);
	add(t, "zone %u/%u: %lld free, blocks by order", (u32)(id >> 8), (u32)id & 0xff,
	    (long long)zone->vm_stat[NR_FREE_PAGES]);
	for (u32 o = 0; o < MAX_ORDER; o++)
		add(t, " %llu", (unsigned long long)zone->free_area[o].nr_free);
	snprintf(what, sizeof(what), "free list of order %u type %u", order, mt);
	add_pages(t, what, &zone->free_area[order].free_list[mt]);
	add(t, "; CPU %u: %d pages, high %d, batch %d, free_factor %d", v->cpu, pcp->count,
	    pcp->high,
	    pcp->batch, pcp->free_factor);
	if (order <= PAGE_ALLOC_COSTLY_ORDER && mt < MIGRATE_PCPTYPES)
		add_pages(t, "its list", &pcp->lists[order * MIGRATE_PCPTYPES + mt]);
}

static void add_objects(struct text *t, const struct kmem_cache *s, const void *list)
{
	int n = 0;

	for (; list && n < 6; list = get_freepointer(s, list), n++)
		add(t, " %llx", (unsigned long long)((u64)list - PAGE_OFFSET));
	add(t, list ? " ..." : n ? "" : " none");
}

static void add_cache(struct text *t, struct replay *v, u64 name)
{
	const struct kmem_cache *s = v->caches[name];
	struct kmem_cache_cpu *c;

	if (!s) {
		add(t, "slab cache %s: not there", v->r.names[name]);
		return;
	}
	if (v->r.layer != LAYER_SLUB) {
		add(t, "slab cache %s", v->r.names[name]);
		return;
	}
	c = per_cpu_ptr(s->cpu_slab, v->cpu);
	add(t, "slab cache %s, CPU %u: slab %llx, freelist", v->r.names[name], v->cpu,
	    (unsigned long long)(c->slab ? page_to_pfn(c->slab) : 0));
	add_objects(t, s, c->freelist);
	if (c->slab) {
		add(t, ", slab's own");
		add_objects(t, s, c->slab->freelist);
	}
	add(t, ", partial slabs");
	for (struct page *slab = c->partial; slab; slab = slab->next)
		add(t, " %llx", (unsigned long long)page_to_pfn(slab));
	for (u32 nid = 0; nid < v->nr_nodes; nid++)
		if (s->node[nid]) {
			add(t, "; node %u", nid);
			add_pages(t, "partial list", &s->node[nid]->partial);
		}
}

/* Where the words of a line name a zone, an order and a type, or a slab cache. */
static void add_state(struct text *t, struct replay *v, const struct line *line)
{
	const char *words = event_kinds[line->event].words;
	u64 zone = ~0ull, values[16];
	u32 n = 0, kept = 0;

	for (const char *w = words; *w; w++) {
		if (*w == '.')
			continue;
		if (*w == 'z')
			zone = line_arg(&v->r, line, kept);
		if (*w == 'd' && n < 16)
			values[n++] = line_arg(&v->r, line, kept);
		kept++;
	}
	if (words[0] == 'c' && v->slab_up)
		add_cache(t, v, line_arg(&v->r, line, 0));
	else if (zone != ~0ull)
		add_zone(t, v, zone, n ? (u32)values[0] : 0, n > 1 ? (u32)values[1] : 0);
	else if (line->event == EV_PG_ALLOC)
		add_zone(t, v, (u64)(u32)line_arg(&v->r, line, 3) << 8 | ZONE_DMA32, (u32)values[0],
			 (u32)values[1]);
}

/* ---- differences ---- */

static struct validate_miss *new_miss(struct replay *v, const struct line *line)
{
	struct validate_result *result = v->result;
	struct validate_miss *miss;
	char words[600];
	struct text state = { .used = 0 };

	if (result->nr_misses >= v->options->shown)
		return NULL;
	if (!result->misses)
		result->misses = calloc(v->options->shown, sizeof(*result->misses));
	if (!result->misses)
		return NULL;
	miss = &result->misses[result->nr_misses++];
	miss->line = (u64)(line - v->r.lines) + 1;
	line_words(&v->r, line, words, sizeof(words));
	add_state(&state, v, line);
	miss->expected = strdup(words);
	miss->state = strdup(state.buf);
	return miss;
}

void miss_text(struct replay *v, const struct line *line, const char *came)
{
	struct validate_miss *miss = new_miss(v, line);

	if (miss)
		miss->came = strdup(came);
}

static void add_word(struct text *t, struct replay *v, char letter, u64 value)
{
	switch (letter) {
	case 'x': case 'p':
		if (value == NO_PFN)
			add(t, " -1");
		else
			add(t, " %llx", (unsigned long long)value);
		break;
	case 'o':
		add(t, " %llx", (unsigned long long)(value ? value - PAGE_OFFSET : 0));
		break;
	case 'z':
		add(t, " %llu/%llu", (unsigned long long)(value >> 8),
		    (unsigned long long)(value & 0xff));
		break;
	case 'c': {
		u64 name = cache_name_id(v, (const struct kmem_cache *)value);

		add(t, " %s", name < v->r.nr_names ? v->r.names[name] : "?");
		break;
	}
	default:
		add(t, " %lld", (long long)value);
	}
}

/* A step of the allocators as the recording would have written it; * where it has more. */
void miss_step(struct replay *v, const struct line *line, u32 step, const u64 *args, u32 n)
{
	struct validate_miss *miss = new_miss(v, line);
	struct text came = { .used = 0 };
	u32 kind = 0, used = 0;

	if (!miss)
		return;
	while (kind < NR_EVENTS && event_kinds[kind].step != step)
		kind++;
	if (kind == NR_EVENTS)
		return;
	add(&came, "%s", event_kinds[kind].name);
	for (const char *w = event_kinds[kind].words; *w; w++) {
		if (*w >= 'a' && used < n)
			add_word(&came, v, *w, args[used++]);
		else
			add(&came, " *");
	}
	miss->came = strdup(came.buf);
}

/* ---- lines that are text ---- */

bool describe_field(struct replay *v, const struct line *line, const char *key, int base, u64 ours,
		    char *why, size_t size)
{
	u64 recorded = line_number(&v->r, line, key, base);

	if (recorded == ours)
		return true;
	if (!why[0])
		snprintf(why, size, base == 16 ? "%s=%llx" : "%s=%lld", key,
			 (unsigned long long)ours);
	return false;
}

static bool pointer_equal(const char *recorded, const void *ours, char *why, size_t size)
{
	u64 phys = strtoull(recorded, NULL, 16) - 0xffff888000000000ull;

	if (phys == (u64)ours - PAGE_OFFSET)
		return true;
	if (!why[0])
		snprintf(why, size, "its structure is at ffff888%09llx",
			 (unsigned long long)((u64)ours - PAGE_OFFSET));
	return false;
}

static bool slub_geometry_equal(struct replay *v, const struct line *line, const struct kmem_cache *s,
				char *why, size_t size)
{
	const struct {
		const char *key;
		int base;
		u64 ours;
	} fields[] = {
		{"object_size", 10, s->object_size}, {"size", 10, s->size}, {"align", 10, s->align},
		{"inuse", 10, s->inuse}, {"offset", 10, s->offset}, {"oo_order", 10,
								     oo_order(s->oo)},
		{"oo_objects", 10, oo_objects(s->oo)}, {"min_order", 10, oo_order(s->min)},
		{"min_objects", 10, oo_objects(s->min)}, {"cpu_partial", 10, s->cpu_partial},
		{"cpu_partial_slabs", 10, s->cpu_partial_slabs}, {"min_partial", 10,
								  s->min_partial},
		{"defrag", 10, s->remote_node_defrag_ratio}, {"flags", 16, s->flags},
		{"allocflags", 16, s->allocflags}, {"useroffset", 10, s->useroffset},
		{"usersize", 10, s->usersize},
	};
	bool equal = true;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(fields); i++)
		equal &= describe_field(v, line, fields[i].key, fields[i].base, fields[i].ours, why, size);
	return equal;
}

static bool geometry_equal(struct replay *v, const struct line *line, const struct kmem_cache *s,
			   char *why, size_t size)
{
	switch (v->r.layer) {
	case LAYER_SLAB: return slab_geometry_equal(v, line, s, why, size);
	case LAYER_SLOB: return slob_geometry_equal(v, line, s, why, size);
	default: return slub_geometry_equal(v, line, s, why, size);
	}
}

static u32 named(struct replay *v, const struct line *line, const char *key)
{
	char name[256];

	line_value(&v->r, line, key, name, sizeof(name));
	return recording_name(&v->r, name, strlen(name));
}

/* The pointer that follows the event's name; a static structure's is not in the direct map. */
static bool own_pointer_equal(struct replay *v, const struct line *line, const struct kmem_cache *s,
			      char *why, size_t size)
{
	const char *word = strchr(v->r.text + line->text, ' ');

	word = word ? strchr(word + 1, ' ') : NULL;
	return !word || strncmp(word + 1, "ffff8", 5) || pointer_equal(word + 1, s, why, size);
}

/* why: what is different, when it can be said. */
bool text_line_matches(struct replay *v, const struct line *line, const u64 *args, char *why,
		       size_t size)
{
	struct kmem_cache *s = (struct kmem_cache *)args[0];
	char value[64];
	bool equal;

	switch (line->event) {
	case EV_CACHE_BOOT:
		v->caches[named(v, line, "name")] = s;
		equal = cache_name_id(v, s) == named(v, line, "name");
		return own_pointer_equal(v, line, s, why, size) && geometry_equal(v, line, s, why,
										  size) && equal;
	case EV_CACHE_NEW:
		v->caches[named(v, line, "name")] = s;
		equal = describe_field(v, line, "refcount", 10, (u64)cache_refcount(v, s), why, size);
		return own_pointer_equal(v, line, s, why, size) && geometry_equal(v, line, s, why,
										  size) && equal;
	case EV_CACHE_BOOTSTRAP:
		v->caches[named(v, line, "name")] = s;
		return pointer_equal(line_value(&v->r, line, "new", value, sizeof(value)), s, why,
				     size);
	case EV_CACHE_ALIAS:
		return pointer_equal(line_value(&v->r, line, "ptr", value, sizeof(value)), s, why,
				     size) &&
		       describe_field(v, line, "refcount", 10, (u64)cache_refcount(v, s), why, size) &&
		       describe_field(v, line, "object_size", 10, cache_object_size(v, s), why, size) &&
		       cache_name_id(v, s) == named(v, line, "to");
	case EV_EARLY_NODE_ALLOC:
		return pointer_equal(line_value(&v->r, line, "obj", value, sizeof(value)),
				     (const void *)args[2], why, size) &&
		       describe_field(v, line, "slabpfn", 16, args[1], why, size) &&
		       describe_field(v, line, "node", 10, args[3], why, size);
	default:
		return false;
	}
}
