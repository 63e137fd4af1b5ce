/*
 * operations.c - putting lines together to operations; see operations.h.
 *
 * Each key (who does it) has a stack of operations. A line goes to the topmost
 * operation that can have it. Operations that cannot are over when they have
 * no definite end; inside those that have one (an allocation: its slow path
 * sleeps and reclaims) a new operation begins.
 */
#include "sim/validate/operations_layers.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 12
#define FPI_BOOT 4 /* set for memblock's release only */
#define SLAB_TYPESAFE_BY_RCU 0x80000u
#define CAN_TAKE_ORDER 8 /* isolating this or more sets pageblock types */

struct key {
	u64 id; /* + 1 */
	u32 depth;
	u32 stack[MAX_DEPTH];
};

struct sorter {
	struct operations *o;
	struct recording *r;
	struct key *keys;
	u32 nr_keys, max_keys;
	bool *rcu; /* by cache name: slabs are freed after a grace period */
	bool *off_slab; /* likewise: indices lie outside the slab */
	u32 kmem_cache, kmem_cache_node; /* name ids */
	bool booted, slab_up, pagesets_up;
	bool started; /* SLAB: its state is known from here on */
};

/* ---- who ---- */

/* A task keeps its identity when it changes CPU; interrupts and the idle task are their CPU's. */
static u64 key_of(const struct line *line)
{
	u32 level = line->ctx & 3;
	u64 reclaim = (u64)(line->ctx & CTX_MEMALLOC ? 1 : 0) << 40;

	if (level || !line->pid)
		return reclaim | 1ull << 41 | (u64)line->cpu << 2 | level;
	return reclaim | (u32)line->pid;
}

static struct key *find_key(struct sorter *s, u64 id)
{
	u32 slot = (u32)(id * 0x9e3779b97f4a7c15ull >> 40) & (s->max_keys - 1);

	while (s->keys[slot].id && s->keys[slot].id != id + 1)
		slot = (slot + 1) & (s->max_keys - 1);
	return &s->keys[slot];
}

static bool grow_keys(struct sorter *s)
{
	struct key *old = s->keys;
	u32 old_max = s->max_keys;

	s->max_keys = old_max ? old_max * 2 : 4096;
	s->keys = calloc(s->max_keys, sizeof(*s->keys));
	for (u32 i = 0; s->keys && i < old_max; i++)
		if (old[i].id)
			*find_key(s, old[i].id - 1) = old[i];
	free(old);
	return s->keys != NULL;
}

static struct key *key_for(struct sorter *s, u64 id)
{
	struct key *key = find_key(s, id);

	if (key->id)
		return key;
	if (s->nr_keys * 2 >= s->max_keys) {
		if (!grow_keys(s))
			return NULL;
		key = find_key(s, id);
	}
	key->id = id + 1;
	s->nr_keys++;
	return key;
}

/* ---- what ---- */

bool event_of_page_alloc(u32 event)
{
	switch (event) {
	case EV_WMARK_FAIL: case EV_RMQ_BULK: case EV_RMQ_BULK_END: case EV_BUDDY_DEL:
	case EV_EXTFRAG: case EV_BOOST: case EV_MOVE_FREE: case EV_SET_PB_MT: case EV_PCP_ALLOC:
	case EV_RMQ_BUDDY: case EV_HIGHATOMIC: case EV_UNRESERVE: case EV_PG_SLOW: case EV_PG_ALLOC:
		return true;
	default:
		return false;
	}
}

static bool tryfail(const struct sorter *s, const struct line *line, bool of_alloc)
{
	return line->event == EV_PCP_TRYFAIL && (line_arg(s->r, line, 4) == 0) == of_alloc;
}

static bool page_alloc_line(const struct sorter *s, const struct line *line)
{
	return event_of_page_alloc(line->event) || tryfail(s, line, true);
}

static bool page_free_line(const struct sorter *s, const struct line *line)
{
	switch (line->event) {
	case EV_PCP_FREE: case EV_PCP_BULK_FREE: case EV_BUDDY_FREE: case EV_PG_CAPTURE:
	case EV_PG_FREE_BATCHED:
		return true;
	default:
		return tryfail(s, line, false);
	}
}

/* What a request on one slab cache does concerns that cache alone. */
static bool other_cache(const struct sorter *s, const struct op *op, const struct line *line)
{
	return (op->kind == OP_SLAB_FREE || op->kind == OP_SLAB_ALLOC || op->kind == OP_FLUSH) &&
	       line_arg(s->r, line, 0) != line_arg(s->r, &s->r->lines[op->first], 0);
}

static bool slab_free_line(const struct sorter *s, const struct op *op, const struct line *line)
{
	switch (line->event) {
	case EV_S_PUT_CPU_PARTIAL: case EV_S_ADD_PARTIAL: case EV_S_REMOVE_PARTIAL:
	case EV_S_DISCARD:
		return !other_cache(s, op, line);
	case EV_S_FREE_SLAB:
		return !s->rcu[line_arg(s->r, line, 0)] && !other_cache(s, op, line);
	case EV_PG_FREE:
		return op->last_event == EV_S_FREE_SLAB || op->last_event == EV_K_LARGE_FREE;
	default:
		return page_free_line(s, line);
	}
}

static bool slab_slow_line(const struct sorter *s, const struct op *op, const struct line *line)
{
	switch (line->event) {
	case EV_S_GET_FREELIST: case EV_S_PARTIAL_POP: case EV_S_ACQUIRE: case EV_S_GET_ANY:
	case EV_S_NEW_SLAB: case EV_S_DROP_CPUSLAB: case EV_S_DEACT: case EV_S_SLOW_ALLOC:
	case EV_S_SLOW_FAIL:
		return true;
	default:
		return page_alloc_line(s, line) || slab_free_line(s, op, line);
	}
}

static struct sorted_line sorted(const struct sorter *s, const struct line *line)
{
	return (struct sorted_line){ s->r, line, s->rcu, s->off_slab, page_alloc_line(s, line),
				     page_free_line(s, line) };
}

static bool layer_takes(const struct sorter *s, const struct op *op, const struct line *line)
{
	const struct sorted_line l = sorted(s, line);

	return s->r->layer == LAYER_SLAB ? slab_takes(op, &l) : slob_takes(op, &l);
}

static bool own_cache(const struct sorter *s, const struct line *line)
{
	u64 cache = line_arg(s->r, line, 0);

	return cache == s->kmem_cache || cache == s->kmem_cache_node;
}

/* ---- may an operation have this line? ---- */

static bool layer_takes_pages(const struct sorter *s, const struct op *op, const struct line *line)
{
	const struct sorted_line l = sorted(s, line);

	return s->r->layer == LAYER_SLAB ? slab_takes_pages(op, &l) :
	       s->r->layer == LAYER_SLOB && slob_takes_pages(op, &l);
}

static bool page_op_takes(const struct sorter *s, const struct op *op, const struct line *line)
{
	const struct line *request;

	if (op->open)
		return page_alloc_line(s, line) || line->event == EV_PG_BULK;
	if (op->left)
		return line->event == EV_PG_FREE || line->event == EV_BUDDY_FREE;
	if (op->last_event != EV_PG_ALLOC)
		return false;
	if (layer_takes_pages(s, op, line))
		return true;
	request = &s->r->lines[op->last];
	if (line->event == EV_K_LARGE_ALLOC) {
		u64 pfn = line_arg(s->r, request, 0), object = line_arg(s->r, line, 0);

		return pfn == NO_PFN ? !object : pfn == object >> 12;
	}
	if (line->event == EV_PG_EXACT)
		return line_arg(s->r, line, 0) == line_arg(s->r, request, 0);
	return line->event == EV_PG_BULK && line_arg(s->r, line, 0) <= 1 && line_arg(s->r, line, 1);
}

static bool free_op_takes(const struct sorter *s, const struct op *op, const struct line *line)
{
	if (line->event == EV_PG_FREE)
		return op->collecting;
	return page_free_line(s, line);
}

/* Goes on while its last look at the count left pages: others may have changed it since. */
static bool drain_op_takes(const struct sorter *s, const struct op *op, const struct line *line)
{
	if (line->event == EV_DRAIN_PAGES_ZONE)
		return op->left > 0 &&
		       line_arg(s->r, line, 0) == line_arg(s->r, &s->r->lines[op->first], 0) &&
		       line_arg(s->r, line, 1) == line_arg(s->r, &s->r->lines[op->first], 1);
	return page_free_line(s, line) && line->event != EV_PCP_FREE;
}

static bool create_op_takes(const struct sorter *s, const struct op *op, const struct line *line)
{
	char ours[256], its[256];

	if (s->r->layer == LAYER_SLOB)
		return layer_takes(s, op, line);
	switch (line->event) {
	case EV_S_FAST_ALLOC: case EV_S_SLOW_BEGIN:
		return own_cache(s, line);
	case EV_CACHE_NEW: case EV_CACHE_ALIAS:
		line_value(s->r, &s->r->lines[op->first], "name", ours, sizeof(ours));
		return !strcmp(ours, line_value(s->r, line, "name", its, sizeof(its)));
	default:
		if (s->r->layer != LAYER_SLUB)
			return layer_takes(s, op, line);
		return op->depth && slab_slow_line(s, op, line);
	}
}

/*
 * Between the slabs and the structures of a cache its sysfs entries go, with frees of their own.
 * What structures a cache with a grace period has are freed by somebody else, later.
 */
static bool destroy_op_takes(const struct sorter *s, const struct op *op, const struct line *line)
{
	if (line->event == EV_S_FREE_FAST || line->event == EV_S_FREE_SLOW)
		return op->open && own_cache(s, line);
	return slab_free_line(s, op, line);
}

static bool destroys_last(const struct sorter *s, const struct line *line)
{
	char name[256];
	u32 id;

	line_value(s->r, line, "name", name, sizeof(name));
	id = recording_name(s->r, name, strlen(name));
	return line_number(s->r, line, "refcount", 10) <= 1 && !s->rcu[id];
}

static bool bulk_free_op_takes(const struct sorter *s, const struct op *op, const struct line *line)
{
	switch (line->event) {
	case EV_S_BULK_FREE:
		return op->collecting;
	case EV_S_FREE_FAST: case EV_S_FREE_SLOW: case EV_K_LARGE_FREE:
		return op->left > 0;
	default:
		return slab_free_line(s, op, line);
	}
}

static bool takes(const struct sorter *s, const struct op *op, const struct line *line)
{
	switch (op->kind) {
	case OP_BOOT:
		return line->event == EV_PG_FREE ||
		       (line->event == EV_BUDDY_FREE && (line_arg(s->r, line, 5) & FPI_BOOT));
	case OP_SLAB_INIT:
		return line->event != EV_MARK;
	case OP_PAGESETS:
		return line->event == EV_PCP_HIGH_BATCH;
	case OP_WATERMARKS:
		/* zones come in order, their marks before their list sizes */
		return line->event == EV_PCP_HIGH_BATCH ||
		       (line->event == EV_WMARK_SET && op->last_event == EV_WMARK_SET &&
			line_arg(s->r, line, 0) > line_arg(s->r, &s->r->lines[op->last], 0));
	case OP_PAGE:
		return page_op_takes(s, op, line);
	case OP_FREE:
		return free_op_takes(s, op, line);
	case OP_SLAB_ALLOC:
		return op->open && slab_slow_line(s, op, line);
	case OP_BULK_ALLOC:
		return op->open && (line->event == EV_S_BULK_ALLOC ||
				    line->event == EV_S_SLOW_BEGIN ||
				    slab_slow_line(s, op, line));
	case OP_BULK_FREE:
		return bulk_free_op_takes(s, op, line);
	case OP_CREATE:
		return op->open && create_op_takes(s, op, line);
	case OP_SLAB_FREE: case OP_RCU_FREE: case OP_LARGE_FREE:
		return slab_free_line(s, op, line) && line->event != EV_PG_FREE_BATCHED;
	case OP_FLUSH:
		return line->event == EV_S_DEACT || slab_free_line(s, op, line) ||
		       (line->event == EV_S_UNFREEZE_ALL && op->left > 0);
	case OP_SHRINK:
		if (s->r->layer != LAYER_SLUB)
			return layer_takes(s, op, line);
		return line->event == EV_S_SHRINK_BEGIN || line->event == EV_S_SHRINK ||
		       (!op->open && slab_free_line(s, op, line));
	case OP_DESTROY:
		return s->r->layer != LAYER_SLUB ? layer_takes(s, op, line) : destroy_op_takes(s, op, line);
	case OP_DRAIN: case OP_DRAIN_REMOTE:
		return drain_op_takes(s, op, line);
	case OP_ISOLATE:
		return line->event == EV_SET_PB_MT &&
		       line_arg(s->r, &s->r->lines[op->first], 1) >= CAN_TAKE_ORDER;
	default:
		return op->kind >= OP_L_ALLOC && op->kind <= OP_SLOB_RCU_FREE &&
		       layer_takes(s, op, line);
	}
}

/* ---- what a line does to its operation ---- */

static void note_page_line(const struct sorter *s, struct op *op, u32 at, const struct line *line)
{
	switch (line->event) {
	case EV_PG_ALLOC: case EV_PG_BULK:
		op->open = false;
		op->request = at;
		break;
	case EV_K_LARGE_ALLOC:
		op->request = at;
		break;
	case EV_PG_EXACT:
		op->request = at;
		op->left = (1ll << line_arg(s->r, line, 1)) - (s64)line_arg(s->r, line, 3);
		break;
	case EV_BUDDY_FREE:
		op->left--;
		break;
	}
}

static void note_create_line(struct op *op, const struct line *line)
{
	if (line->event == EV_S_SLOW_BEGIN)
		op->depth++;
	else if (line->event == EV_S_SLOW_ALLOC || line->event == EV_S_SLOW_FAIL)
		op->depth--;
	else if (line->event == EV_CACHE_NEW || line->event == EV_CACHE_ALIAS)
		op->open = false;
}

static void note_bulk_free_line(const struct sorter *s, struct op *op, const struct line *line)
{
	if (line->event == EV_S_BULK_FREE)
		op->collecting = line_arg(s->r, line, 3) + 1 < line_arg(s->r, line, 2);
	else if (line->event == EV_S_FREE_FAST || line->event == EV_S_FREE_SLOW)
		op->left -= (s64)line_arg(s->r, line, 3);
	else if (line->event == EV_K_LARGE_FREE)
		op->left--;
}

static void note_line(const struct sorter *s, struct op *op, u32 at, const struct line *line)
{
	const struct sorted_line l = sorted(s, line);

	if (s->r->layer == LAYER_SLAB)
		slab_note(op, at, &l);
	else if (s->r->layer == LAYER_SLOB)
		slob_note(op, at, &l);
	switch (op->kind) {
	case OP_PAGE:
		note_page_line(s, op, at, line);
		break;
	case OP_FREE:
		op->collecting &= line->event == EV_PG_FREE;
		break;
	case OP_SLAB_ALLOC:
		op->open &= line->event != EV_S_SLOW_ALLOC && line->event != EV_S_SLOW_FAIL;
		break;
	case OP_BULK_ALLOC:
		op->left -= line->event == EV_S_BULK_ALLOC || line->event == EV_S_SLOW_ALLOC;
		op->open = op->left > 0 && line->event != EV_S_SLOW_FAIL;
		break;
	case OP_BULK_FREE:
		note_bulk_free_line(s, op, line);
		break;
	case OP_CREATE:
		note_create_line(op, line);
		break;
	case OP_SHRINK:
		op->open &= line->event != EV_S_SHRINK_BEGIN;
		break;
	case OP_DESTROY:
		if (line->event == EV_S_FREE_FAST || line->event == EV_S_FREE_SLOW)
			op->open &= line_arg(s->r, line, 0) != s->kmem_cache;
		break;
	case OP_FLUSH:
		op->left -= line->event == EV_S_UNFREEZE_ALL;
		break;
	case OP_DRAIN:
		if (line->event == EV_DRAIN_PAGES_ZONE)
			op->left = (s64)line_arg(s->r, line, 2);
		else if (line->event == EV_PCP_BULK_FREE)
			op->left -= (s64)line_arg(s->r, line, 1);
		break;
	}
	op->last_event = line->event;
}

/* ---- beginnings ---- */

/* Kind of operation that begins with this line; -1: none. */
static int kind_of(const struct sorter *s, const struct line *line)
{
	const struct sorted_line l = sorted(s, line);
	int kind = s->r->layer == LAYER_SLAB ? slab_kind_of(&l) :
		   s->r->layer == LAYER_SLOB ? slob_kind_of(&l) : -1;

	if (kind >= 0)
		return kind;
	switch (line->event) {
	case EV_PG_FREE: return OP_FREE;
	case EV_PG_BULK: return OP_PAGE; /* nothing was missing */
	case EV_S_FAST_ALLOC: case EV_S_SLOW_BEGIN: return OP_SLAB_ALLOC;
	case EV_S_BULK_BEGIN: return OP_BULK_ALLOC;
	case EV_S_FREE_FAST: case EV_S_FREE_SLOW: return OP_SLAB_FREE;
	case EV_S_BULK_FREE: return OP_BULK_FREE;
	case EV_K_LARGE_ALLOC: return OP_LARGE_NONE;
	case EV_K_LARGE_FREE: return OP_LARGE_FREE;
	case EV_S_FLUSH: case EV_S_UNFREEZE_ALL: return OP_FLUSH;
	case EV_CACHE_CREATE_REQ: return OP_CREATE;
	case EV_CACHE_SHRINK: return OP_SHRINK;
	case EV_CACHE_DESTROY: return OP_DESTROY;
	case EV_S_FREE_SLAB: return OP_RCU_FREE;
	case EV_DRAIN_PAGES_ZONE: return OP_DRAIN;
	case EV_DRAIN_ZONE_PAGES: return OP_DRAIN_REMOTE;
	case EV_VMSTAT_FOLD: return OP_FOLD;
	case EV_ISOLATE_FREE: return OP_ISOLATE;
	case EV_PG_SPLIT: return OP_SPLIT;
	case EV_FL_ROTATE: case EV_RECLAIM_ACTIVE: case EV_STAT_THRESH: return OP_INPUT;
	case EV_PCP_HIGH_BATCH: return s->pagesets_up ? OP_INPUT : OP_PAGESETS;
	case EV_WMARK_SET: return OP_WATERMARKS;
	default: return page_alloc_line(s, line) ? OP_PAGE : -1;
	}
}

static u32 new_op(struct sorter *s, u32 kind, u32 at)
{
	struct operations *o = s->o;
	struct op *op;

	if (o->nr == o->max) {
		u32 max = o->max ? o->max * 2 : 1u << 16;
		struct op *more = realloc(o->ops, max * sizeof(*more));

		if (!more)
			return NO_OP;
		o->ops = more;
		o->max = max;
	}
	op = &o->ops[o->nr];
	*op = (struct op){ .kind = (u8)kind, .first = at, .last = NO_LINE, .request = NO_LINE,
			   .outer = NO_OP, .captured = NO_PFN, .next = at, .alone = true,
			   .last_event = NO_EVENT, .cache = NO_CACHE, .tried = NO_LINE };
	return o->nr++;
}

static void begin(struct sorter *s, struct op *op, const struct line *line)
{
	switch (op->kind) {
	case OP_PAGE: case OP_CREATE: case OP_SLAB_INIT:
		op->open = true;
		break;
	case OP_SHRINK:
		op->open = s->r->layer == LAYER_SLUB;
		break;
	case OP_SLAB_ALLOC:
		op->open = line->event == EV_S_SLOW_BEGIN;
		break;
	case OP_DESTROY:
		op->open = destroys_last(s, line);
		break;
	case OP_FREE:
		op->collecting = true;
		break;
	case OP_BULK_ALLOC:
		op->left = (s64)line_arg(s->r, line, 1) + 0;
		op->open = true;
		break;
	case OP_BULK_FREE:
		op->left = (s64)line_arg(s->r, line, 2);
		break;
	case OP_FLUSH:
		op->left = 1;
		break;
	case OP_PAGESETS:
		s->pagesets_up = true;
		break;
	}
}

/*
 * Reclaim's own work belongs to the task's allocation that waits for it. So do
 * the frees of interrupts that come meanwhile: compaction may capture their pages.
 */
static u32 outer_op(struct sorter *s, const struct line *line)
{
	struct key *key;

	if (!line->pid || !(line->ctx & CTX_MEMALLOC))
		return NO_OP;
	key = find_key(s, (u32)line->pid);
	return key->id && key->depth ? key->stack[key->depth - 1] : NO_OP;
}

static void add_line(struct sorter *s, u32 id, u32 at)
{
	struct line *line = &s->r->lines[at];
	struct op *op = &s->o->ops[id];

	line->op = id;
	if (op->last != NO_LINE) {
		s->r->lines[op->last].next = at;
		for (u32 i = op->last + 1; i < at && op->alone; i++)
			op->alone = s->r->lines[i].op == NO_OP && s->r->lines[i].passed;
	}
	note_line(s, op, at, line);
	op->last = at;
}

static int start_op(struct sorter *s, struct key *key, u32 kind, u32 at)
{
	const struct line *line = &s->r->lines[at];
	u32 id = new_op(s, kind, at);

	if (id == NO_OP)
		return -1;
	begin(s, &s->o->ops[id], line);
	s->o->ops[id].outer = outer_op(s, line);
	add_line(s, id, at);
	if (key->depth == MAX_DEPTH)
		memmove(key->stack, key->stack + 1, --key->depth * sizeof(*key->stack));
	key->stack[key->depth++] = id;
	return 0;
}

/* ---- lines that concern everybody ---- */

static bool dump_called(const struct sorter *s, const struct line *line, const char *name)
{
	char text[128];

	line_words(s->r, line, text, sizeof(text));
	return !strncmp(text, "MARK DUMP state-", 16) && !strcmp(text + 16, name);
}

static int sort_mark(struct sorter *s, struct key *key, u32 at)
{
	struct line *line = &s->r->lines[at];
	char text[128];

	line_words(s->r, line, text, sizeof(text));
	line->passed = strncmp(text, "MARK DUMP ", 10) != 0;
	if (line->passed)
		return 0;
	key->depth = 0;
	if (dump_called(s, line, "before_mem_init.txt") && !s->booted) {
		s->booted = true;
		return start_op(s, key, OP_BOOT, at);
	}
	s->started |= dump_called(s, line, "start.txt");
	if (dump_called(s, line, "after_mem_init.txt") && !s->slab_up && s->r->layer != LAYER_SLAB) {
		s->slab_up = true;
		return start_op(s, key, OP_SLAB_INIT, at);
	}
	return start_op(s, key, OP_DUMP, at);
}

static void note_cache_flags(struct sorter *s, const struct line *line)
{
	char name[256];
	u32 id;

	line_value(s->r, line, "name", name, sizeof(name));
	id = recording_name(s->r, name, strlen(name));
	s->rcu[id] = line_number(s->r, line, "flags", 16) & SLAB_TYPESAFE_BY_RCU;
	s->off_slab[id] = line_number(s->r, line, "off_slab", 10) != 0;
}

/* ---- all lines ---- */

/* SLAB is entered in the state of the dump `start`; until then only pages are replayed. */
static bool before_slab(const struct sorter *s, const struct line *line)
{
	if (s->r->layer != LAYER_SLAB || s->started)
		return false;
	return (line->event >= EV_L_ALLOC && line->event <= EV_L_FROM_SHARED) ||
	       event_kinds[line->event].role == ROLE_TEXT || line->event == EV_CACHE_CREATE_REQ ||
	       line->event == EV_CACHE_DESTROY || line->event == EV_CACHE_SHRINK;
}

/* Lines of paths whose effect other lines show. */
static bool tells_nothing(const struct sorter *s, u32 event)
{
	if (event == EV_CACHE_CREATE_REQ)
		return s->r->layer == LAYER_SLOB;
	return event == EV_TEXT || event == EV_CACHE_TUNE || event == EV_COMPACT_ALLOC ||
	       event == EV_COMPACT_FREE || (event >= EV_L_NODE_ALLOC && event <= EV_L_FROM_SHARED);
}

static int sort_line(struct sorter *s, u32 at)
{
	struct line *line = &s->r->lines[at];
	struct key *key = key_for(s, key_of(line));
	int kind;

	if (!key)
		return -1;
	if (line->passed)
		return 0;
	if (line->event == EV_MARK)
		return sort_mark(s, key, at);
	if (line->event == EV_CACHE_NEW || line->event == EV_CACHE_BOOT)
		note_cache_flags(s, line);
	if (!s->booted || before_slab(s, line) || tells_nothing(s, line->event)) {
		line->passed = true;
		return 0;
	}
	while (key->depth) {
		u32 id = key->stack[key->depth - 1];

		if (takes(s, &s->o->ops[id], line)) {
			add_line(s, id, at);
			return 0;
		}
		if (s->o->ops[id].open)
			break;
		key->depth--;
	}
	kind = kind_of(s, line);
	return kind < 0 ? 0 : start_op(s, key, (u32)kind, at);
}

int operations_find(struct operations *o, struct recording *r, struct kms_error *err)
{
	struct sorter s = { .o = o, .r = r };
	bool ok;

	memset(o, 0, sizeof(*o));
	s.rcu = calloc(r->max_names, sizeof(*s.rcu));
	s.off_slab = calloc(r->max_names, sizeof(*s.off_slab));
	ok = s.rcu && s.off_slab && grow_keys(&s);
	s.kmem_cache = recording_name(r, "kmem_cache", 10);
	s.kmem_cache_node = recording_name(r, "kmem_cache_node", 15);
	for (u32 i = 0; i < r->nr_lines && ok; i++)
		ok = !sort_line(&s, i);
	free(s.keys);
	free(s.rcu);
	free(s.off_slab);
	if (!ok)
		return kms_fail(err, KMS_EFAIL, "out of memory for %u operations", o->nr);
	if (!s.booted)
		return kms_fail(err, KMS_EUSAGE, "%s/trace.txt: no line \"MARK DUMP "
				"state-before_mem_init.txt\": the recording begins after boot, but a "
				"replay has to begin with empty free lists (import and run take it)",
				r->dir);
	if (r->layer == LAYER_SLAB && !s.started)
		return kms_fail(err, KMS_EUSAGE, "%s/trace.txt: no line \"MARK DUMP state-start.txt\", "
				"with which the replay of SLAB begins", r->dir);
	return 0;
}

void operations_free(struct operations *o)
{
	free(o->ops);
	memset(o, 0, sizeof(*o));
}
