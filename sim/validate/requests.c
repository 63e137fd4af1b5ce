/*
 * requests.c - what an operation asks of the allocators.
 *
 * Each operation's lines tell its request; here it is made. Zeroing is left
 * out: nothing compares contents.
 */
#include <stdlib.h>
#include <string.h>

#include "models/mm/inspect.h"
#include "sim/validate/replay.h"

#define NO_ZERO (~(u64)__GFP_ZERO)

static u64 arg(const struct replay *v, u32 at, u32 i)
{
	return line_arg(&v->r, &v->r.lines[at], i);
}

/* ---- lists that the allocators are given ---- */

#define MOST_SCRATCH (1u << 20)

/* Kept by the replay: a request that finds a bug does not come back. */
struct scratch {
	struct scratch *next;
	void *list[];
};

/* Room for n pointers; NULL: there is none, or no recording has that many in one request. */
static void *scratch(struct replay *v, u64 n)
{
	struct scratch *s = n <= MOST_SCRATCH ? calloc(1, sizeof(*s) + (n + 1) * sizeof(void *)) : NULL;

	if (!s)
		return NULL;
	s->next = v->scratches;
	v->scratches = s;
	return s->list;
}

static void scratch_done(struct replay *v, void *list)
{
	for (struct scratch **at = &v->scratches; *at; at = &(*at)->next) {
		struct scratch *s = *at;

		if (s->list != list)
			continue;
		*at = s->next;
		free(s);
		return;
	}
}

void requests_free(struct replay *v)
{
	while (v->scratches)
		scratch_done(v, v->scratches->list);
}

/* ---- pages ---- */

/* Node of the operation's first page: the bulk allocator's lines tell no other. */
static int first_node(const struct replay *v, const struct op *op)
{
	for (u32 at = op->first; at != NO_LINE; at = v->r.lines[at].next)
		if (v->r.lines[at].event == EV_PCP_ALLOC)
			return (int)(arg(v, at, 4) >> 8);
	return -1;
}

static u32 pages_shown(const struct replay *v, const struct op *op)
{
	u32 n = 0;

	for (u32 at = op->first; at != NO_LINE; at = v->r.lines[at].next)
		n += v->r.lines[at].event == EV_PCP_ALLOC || v->r.lines[at].event == EV_RMQ_BUDDY;
	return n;
}

/* The array may have been filled in part before the call. */
static void alloc_bulk(struct replay *v, const struct op *op)
{
	u32 got = (u32)arg(v, op->request, 0), wanted = (u32)arg(v, op->request, 1);
	u32 shown = pages_shown(v, op), filled = got > shown ? got - shown : 0;
	struct page **pages = scratch(v, wanted);

	for (u32 i = 0; pages && i < filled && i < wanted; i++)
		pages[i] = vmemmap;
	if (pages)
		mm_ops_plain.alloc_pages_bulk((u32)(arg(v, op->request, 4) & NO_ZERO),
					      first_node(v, op),
					      wanted, pages);
	scratch_done(v, pages);
}

/* Node of the zone that a line of an attempt is about; -1: not such a line. */
static int node_tried(const struct replay *v, u32 at)
{
	switch (v->r.lines[at].event) {
	case EV_WMARK_FAIL: case EV_RMQ_BULK:
		return (int)(arg(v, at, 0) >> 8);
	case EV_PCP_ALLOC:
		return (int)(arg(v, at, 4) >> 8);
	case EV_RMQ_BUDDY: case EV_EXTFRAG:
		return (int)(arg(v, at, 5) >> 8);
	default:
		return -1;
	}
}

/*
 * A recording tells that a request had a nodemask, not which. The first attempt
 * comes to the zones of just the nodes that it allows, up to the one that serves.
 */
static u64 nodemask(const struct replay *v, const struct op *op)
{
	u64 mask = 0;

	if (!(arg(v, op->request, 3) & NODEMASK_GIVEN))
		return 0;
	for (u32 at = op->first; at != NO_LINE && v->r.lines[at].event != EV_PG_SLOW;
	     at = v->r.lines[at].next)
		if (node_tried(v, at) >= 0)
			mask |= 1ull << (node_tried(v, at) & 63);
	return mask;
}

static void alloc_pages(struct replay *v, const struct op *op)
{
	u32 at = op->request, before = op->first;

	if (at == NO_LINE)
		return;
	switch (v->r.lines[at].event) {
	case EV_PG_BULK:
		alloc_bulk(v, op);
		return;
	case EV_K_LARGE_ALLOC:
		v->slab->kmalloc(arg(v, at, 1), (u32)(arg(v, at, 2) & NO_ZERO), (int)arg(v, at, 3));
		return;
	case EV_PG_EXACT:
		while (v->r.lines[before].event != EV_PG_ALLOC)
			before = v->r.lines[before].next;
		mm_ops_plain.alloc_pages_exact(arg(v, at, 2), (u32)(arg(v, before, 5) & NO_ZERO));
		return;
	default:
		mm_ops_plain.alloc_pages_nodemask((u32)(arg(v, at, 5) & NO_ZERO), (u32)arg(v, at, 1),
						  (int)(u32)arg(v, at, 3), nodemask(v, op));
	}
}

/* A block as its owner has it: one reference; what owners do to tail pages is undone. */
static struct page *page_to_free(struct replay *v, u64 pfn, u32 order)
{
	struct page *page = page_of(v, pfn);

	if (pfn >= v->max_pfn || order >= MAX_ORDER || PageBuddy(page))
		return NULL;
	if (!order) {
		page->flags &= ~PG_head;
		page->compound_head = 0;
		page->mapping = 0;
	}
	for (u64 i = 1; i < 1ull << order && !PageHead(page); i++)
		page[i]._refcount = 0;
	page->_refcount = 1;
	return page;
}

static void free_single(struct replay *v, u64 pfn, u32 order)
{
	struct page *page;

	if (pfn < v->max_pfn && order < MAX_ORDER && !v->released[pfn]) {
		for (u64 i = 0; i < 1ull << order; i++)
			v->released[pfn + i] = 1;
		mm_ops_plain.release_reserved(pfn, order);
		return;
	}
	page = page_to_free(v, pfn, order);
	if (page)
		mm_ops_plain.free_pages(page, order);
}

/* More than one page before the first is put away: free_unref_page_list(). */
static void free_block_or_list(struct replay *v, const struct op *op)
{
	u32 n = 0, at, i = 0;
	struct page **pages;

	for (at = op->first; at != NO_LINE &&
	     v->r.lines[at].event == EV_PG_FREE; at = v->r.lines[at].next)
		n++;
	if (at != NO_LINE && n == 1 && v->r.lines[at].event != EV_PG_FREE_BATCHED &&
	    !(v->r.lines[at].event == EV_PCP_TRYFAIL && arg(v, at, 4) == 2)) {
		free_single(v, arg(v, op->first, 0), (u32)arg(v, op->first, 1));
		return;
	}
	pages = scratch(v, n);
	for (at = op->first; pages && at != NO_LINE &&
	     v->r.lines[at].event == EV_PG_FREE; at = v->r.lines[at].next) {
		pages[i] = page_to_free(v, arg(v, at, 0), 0);
		i += pages[i] != NULL;
	}
	if (pages)
		mm_ops_plain.free_page_list(pages, i);
	scratch_done(v, pages);
}

/* ---- objects ---- */

static struct kmem_cache *cache(const struct replay *v, u32 at)
{
	return v->caches[arg(v, at, 0)];
}

static void alloc_object(struct replay *v, const struct op *op)
{
	bool fast = v->r.lines[op->first].event == EV_S_FAST_ALLOC;
	u32 first = fast ? 2 : 1;
	struct kmem_cache *s = cache(v, op->first);

	if (s)
		v->slab->cache_alloc(s, (u32)(arg(v, op->first, first) & NO_ZERO),
				     (int)arg(v, op->first, first + 1));
}

static void alloc_objects(struct replay *v, const struct op *op)
{
	size_t n = arg(v, op->first, 1);
	void **objects = scratch(v, n);
	struct kmem_cache *s = cache(v, op->first);

	if (s && objects)
		v->slab->cache_alloc_bulk(s, (u32)(arg(v, op->first, 2) & NO_ZERO), n, objects);
	scratch_done(v, objects);
}

static bool object_in_use(const void *object)
{
	return mm_object_is_slab(object);
}

static void free_object(struct replay *v, const struct op *op)
{
	struct kmem_cache *s = cache(v, op->first);
	void *object = object_of(v, arg(v, op->first, 1));

	if (s && object_in_use(object))
		v->slab->cache_free(s, object);
}

static void free_objects(struct replay *v, const struct op *op)
{
	size_t n = arg(v, op->first, 2), i = 0;
	void **objects = scratch(v, n);
	struct kmem_cache *s = cache(v, op->first);

	while (objects && i < n && replay_next_line(v) &&
	       replay_next_line(v)->event == EV_S_BULK_FREE) {
		objects[i++] = object_of(v, line_arg(&v->r, replay_next_line(v), 1));
		replay_pass_line(v, true);
	}
	if (i)
		v->slab->free_bulk(s, i, objects);
	scratch_done(v, objects);
}

static void create_cache(struct replay *v, const struct op *op)
{
	bool begins = v->r.layer != LAYER_SLOB; /* else its lines are those of an allocation */
	const struct line *line = begins ? replay_next_line(v) : &v->r.lines[op->request];
	struct kmem_cache_args args = { 0 };
	char name[256];

	line_value(&v->r, line, "name", name, sizeof(name));
	args.name = recording_name(&v->r, name, strlen(name));
	args.size = (u32)line_number(&v->r, line, "size", 10);
	args.align = (u32)line_number(&v->r, line, "align", 10);
	args.flags = (u32)line_number(&v->r, line, "flags", 16);
	args.useroffset = (u32)line_number(&v->r, line, "useroffset", 10);
	args.usersize = (u32)line_number(&v->r, line, "usersize", 10);
	args.ctor = line_number(&v->r, line, "ctor", 10);
	if (begins)
		replay_pass_line(v, true);
	v->slab->cache_create(&args);
}

/* Shrinking and destroying name the cache by its address as well as by its name. */
static void change_cache(struct replay *v, void (*change)(struct kmem_cache *))
{
	char name[256];
	struct kmem_cache *s;

	line_value(&v->r, replay_next_line(v), "name", name, sizeof(name));
	s = v->caches[recording_name(&v->r, name, strlen(name))];
	replay_pass_line(v, true);
	if (s)
		change(s);
}

/* ---- SLAB and SLOB ---- */

static bool shows(const struct replay *v, const struct op *op, u32 event, u32 *where)
{
	for (u32 at = op->first; at != NO_LINE; at = v->r.lines[at].next)
		if (v->r.lines[at].event == event) {
			*where = at;
			return true;
		}
	return false;
}

/* The flags of a new slab's line have the request's zeroing. */
static void alloc_slab_object(struct replay *v, const struct op *op)
{
	u32 at = op->request, grow;
	u64 kept = shows(v, op, EV_L_GROW, &grow) ? ~0ull : NO_ZERO;

	if (at != NO_LINE && cache(v, at))
		v->slab->cache_alloc(cache(v, at), (u32)(arg(v, at, 2) & kept), (int)arg(v, at, 3));
}

/* Objects of another node that the pass sends home show in no line but this. */
static int alien_node(const struct replay *v, const struct op *op)
{
	u32 at = op->first;

	return v->r.lines[at].event == EV_L_FREE_BLOCK ? (int)arg(v, at, 1) : -1;
}

static void reap(struct replay *v, const struct op *op)
{
	u32 at;

	if (cache(v, op->first))
		mm_replay_ops.slab_reap(cache(v, op->first), alien_node(v, op),
					shows(v, op, EV_L_REAP, &at));
}

static void alloc_block(struct replay *v, const struct op *op)
{
	u32 at;

	if (shows(v, op, EV_O_KMALLOC, &at))
		v->slab->kmalloc(arg(v, at, 1), (u32)(arg(v, at, 2) & NO_ZERO), (int)arg(v, at, 3));
	else if (shows(v, op, EV_O_CACHE_ALLOC, &at) && v->caches[arg(v, at, 1)])
		v->slab->cache_alloc(v->caches[arg(v, at, 1)], (u32)(arg(v, at, 2) & NO_ZERO),
				     (int)arg(v, at, 3));
}

static void free_slob(struct replay *v, const struct op *op)
{
	u32 at = op->first;
	void *object = object_of(v, arg(v, at, 0));

	if (v->r.lines[at].event == EV_O_KFREE)
		v->slab->kfree(object);
	else if (v->caches[arg(v, at, 1)])
		v->slab->cache_free(v->caches[arg(v, at, 1)], object);
}

/* ---- what the kernel does of its own accord ---- */

/*
 * kswapd reclaims: per-CPU lists are kept short meanwhile, and what the
 * watermarks were boosted by when its pass began is taken back after its end.
 */
static void set_reclaim_active(struct replay *v, u32 at)
{
	struct zone *zone = zone_of(arg(v, at, 0));
	u64 *boost = &v->boosts[zone->node][zone->zone_idx];

	if (arg(v, at, 1)) {
		if (!zone_flag(zone, ZONE_RECLAIM_ACTIVE))
			*boost = zone->watermark_boost;
		zone->flags |= 1ul << ZONE_RECLAIM_ACTIVE;
	} else {
		zone->flags &= ~(1ul << ZONE_RECLAIM_ACTIVE);
		races_boost_over(v, zone, v->r.lines[at].pid);
	}
}

static void set_threshold(struct replay *v, u32 at)
{
	struct zone *zone = zone_of(arg(v, at, 0));

	for (u32 cpu = 0; cpu < v->nr_cpus; cpu++)
		per_cpu_ptr(zone->per_cpu_zonestats, cpu)->stat_threshold = (s8)arg(v, at, 1);
}

/* Compaction turns a free list: a block becomes its first, or its last. */
static bool rotate(struct replay *v, u32 at)
{
	struct zone *zone = zone_of(arg(v, at, 4));
	struct list_head *list = &zone->free_area[arg(v, at, 2) % MAX_ORDER].free_list[arg(v, at,
											   3) & 3];
	struct list_head *block = &page_of(v, arg(v, at, 0))->lru, *p = list->next;

	while (p != list && p != block)
		p = p->next;
	if (p == list)
		return false;
	while (arg(v, at, 1) ? list->prev != block : list->next != block)
		list_move_tail(list->next, list);
	return true;
}

static void tell(struct replay *v, const struct op *op)
{
	u32 at = op->first;
	bool good = true;

	switch (v->r.lines[at].event) {
	case EV_RECLAIM_ACTIVE:
		if (zone_of(arg(v, at, 0)))
			set_reclaim_active(v, at);
		break;
	case EV_STAT_THRESH:
		if (zone_of(arg(v, at, 0)))
			set_threshold(v, at);
		break;
	case EV_PCP_HIGH_BATCH:
		if (zone_of(arg(v, at, 0)))
			settings_pageset(v, at);
		break;
	case EV_FL_ROTATE:
		good = zone_of(arg(v, at, 4)) && rotate(v, at);
		if (!good)
			miss_text(v, &v->r.lines[at], "the block is not on that list");
		break;
	}
	replay_pass_line(v, good);
}

static void isolate(struct replay *v, const struct op *op)
{
	u64 pfn = arg(v, op->first, 0);
	struct page *page = page_of(v, pfn);

	if (pfn < v->max_pfn && PageBuddy(page))
		mm_replay_ops.isolate_free_block(page_to_pfn(page));
}

static void free_slab(struct replay *v, const struct op *op)
{
	struct page *slab = page_of(v, arg(v, op->first, 1));

	if (cache(v, op->first))
		mm_replay_ops.free_slab(cache(v, op->first), page_to_pfn(slab));
}

static void work_on_zone(struct replay *v, const struct op *op)
{
	u32 node = (u32)(arg(v, op->first, 0) >> 8), idx = (u32)arg(v, op->first, 0) & 0xff;

	if (op->kind == OP_DRAIN)
		mm_replay_ops.drain_pages_zone((u32)arg(v, op->first, 1), node, idx);
	else if (op->kind == OP_DRAIN_REMOTE)
		mm_replay_ops.drain_zone_pages(node, idx);
	else
		mm_replay_ops.fold_zone(node, idx);
}

/* ---- boot ---- */

static void boot(struct replay *v)
{
	replay_pass_line(v, true); /* the dump of nothing */
	mm_ops_plain.boot(&v->mb.boot);
	machine_holes(v);
	slab_stats_start(&v->stats, v->err); /* its size is known from here on */
}

static void name_boot_caches(struct replay *v)
{
	for (u32 i = 0; i < NR_BOOT_NAMES; i++) {
		const char *name = mm_boot_cache_name(i);

		v->boot_names[i] = name ? recording_name(&v->r, name, strlen(name)) : ~0u;
	}
}

static void init_slab(struct replay *v, const struct op *op)
{
	dump_compare(v, &v->r.lines[op->first]);
	replay_pass_line(v, true);
	name_boot_caches(v);
	for (u32 i = 0; i < v->r.nr_names; i++) /* SLOB's recorder has no name for the cache of caches */
		if (v->r.names[i][0] == '?')
			v->boot_names[BOOT_NAME_KMEM_CACHE] = i;
	v->slab->init();
	if (v->r.layer == LAYER_SLOB) /* nothing else shows where its own cache is */
		v->caches[v->boot_names[BOOT_NAME_KMEM_CACHE]] = kdata->kmem_cache;
	v->slab_up = true;
}

/* The dump with which SLAB's replay begins. */
static bool slab_begins(const struct replay *v, const struct line *line)
{
	char text[64];

	line_words(&v->r, line, text, sizeof(text));
	return !v->slab_up && !strcmp(text, "MARK DUMP state-start.txt");
}

/* A recorded dump is compared with our state; the one that SLAB's recording begins with is taken over. */
static void dump(struct replay *v, u32 line)
{
	if (v->r.layer == LAYER_SLAB && slab_begins(v, &v->r.lines[line])) {
		name_boot_caches(v);
		slab_restore(v, &v->r.lines[line]);
	}
	dump_compare(v, &v->r.lines[line]);
	counters_at_dump(v, &v->r.lines[line]);
	if (line == v->counters_to)
		views_end(v);
	settings_at_dump(v, line);
	replay_pass_line(v, true);
}

void request_execute(struct replay *v, struct op *op)
{
	u32 first = op->first;

	switch (op->kind) {
	case OP_BOOT: boot(v); break;
	case OP_SLAB_INIT: init_slab(v, op); break;
	case OP_PAGESETS: mm_ops_plain.setup_pagesets(); break;
	case OP_WATERMARKS: settings_watermarks(v, op); break;
	case OP_PAGE: alloc_pages(v, op); break;
	case OP_FREE: free_block_or_list(v, op); break;
	case OP_SLAB_ALLOC: alloc_object(v, op); break;
	case OP_BULK_ALLOC: alloc_objects(v, op); break;
	case OP_SLAB_FREE: free_object(v, op); break;
	case OP_BULK_FREE: free_objects(v, op); break;
	case OP_LARGE_NONE:
		v->slab->kmalloc(arg(v, first, 1), (u32)arg(v, first, 2), (int)arg(v, first, 3));
		break;
	case OP_LARGE_FREE: v->slab->kfree(object_of(v, arg(v, first, 0))); break;
	case OP_FLUSH:
		if (cache(v, first))
			mm_replay_ops.flush_cpu(cache(v, first));
		break;
	case OP_CREATE: create_cache(v, op); break;
	case OP_SHRINK: change_cache(v, v->slab->cache_shrink); break;
	case OP_DESTROY: change_cache(v, v->slab->cache_destroy); break;
	case OP_RCU_FREE: free_slab(v, op); break;
	case OP_L_ALLOC: alloc_slab_object(v, op); break;
	case OP_L_FREE: free_object(v, op); break;
	case OP_L_REAP: reap(v, op); break;
	case OP_L_DRAIN:
		if (cache(v, first))
			mm_replay_ops.slab_drain_cpu(cache(v, first));
		break;
	case OP_L_RCU_FREE:
		if (cache(v, first))
			mm_replay_ops.slab_free_pages(cache(v, first), arg(v, first, 1));
		break;
	case OP_SLOB_ALLOC: alloc_block(v, op); break;
	case OP_SLOB_FREE: free_slob(v, op); break;
	case OP_SLOB_RCU_FREE:
		mm_replay_ops.slob_free(object_of(v, arg(v, first, 0)), arg(v, first, 1));
		break;
	case OP_DRAIN: case OP_DRAIN_REMOTE: case OP_FOLD:
		if (zone_of(arg(v, first, 0)))
			work_on_zone(v, op);
		break;
	case OP_ISOLATE: isolate(v, op); break;
	case OP_SPLIT: mm_ops_plain.split_page(page_of(v, arg(v, first, 0)), (u32)arg(v, first,
										      1)); break;
	case OP_INPUT: tell(v, op); break;
	case OP_DUMP: dump(v, first); break;
	}
}
