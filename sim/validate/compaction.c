/*
 * compaction.c - what our own compaction would have done, next to what a recording shows.
 *
 * A replay takes compaction's effects on the free lists from the recording
 * (requests.c). Here the model's compaction (models/mm/compact*.c) is tried at
 * each of them, on a copy of the whole replay: a child process, which starts
 * from the replayed state, runs compaction as the kernel was asked to, and tells
 * which blocks it isolates, how it turns the free lists, which target each page
 * gets, what it drains and captures. The parent compares, takes over what only
 * compaction knows (positions, skip hints, deferral) and goes on as recorded.
 *
 * compaction_plan.c says which lines are a compaction; docs/reclaim.md says what
 * is input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/mm/compaction.h"
#include "sim/validate/compaction.h"

#define MAX_FORETOLD 32768u
#define MAX_BLOCKS (1u << 20) /* pageblocks whose hints are handed over */
#define MAX_ROUNDS 200000u /* of one compaction: it would not end */
#define OUT_OF_ATTEMPTS 2

/* One line that the model would have made the recorder write. */
struct foretold {
	u32 event;
	u64 args[5];
};

struct zone_hints {
	u64 cached_free, cached_migrate[2], init_migrate, init_free;
	u32 considered, defer_shift;
	s32 order_failed;
	bool flush;
};

/* Written by the child, read by the parent. */
struct shadow {
	u32 n, result;
	bool ended;
	struct foretold lines[MAX_FORETOLD];
	struct zone_hints zones[64][MAX_NR_ZONES];
	u8 skip[MAX_BLOCKS];
};

/* An attempt to move a page that the recording shows. */
struct attempt_shown {
	u64 old;
	bool moved, used;
};

struct compactions {
	struct compaction_plan plan;
	u32 next; /* call */
	struct shadow *shadow;
	u32 daemon_order; /* of kcompactd, last time */
	u64 total[NR_EVENTS], exact[NR_EVENTS];
	u64 calls, calls_exact;
	/* in the child */
	struct attempt_shown *attempts;
	u32 nr_attempts, rounds;
};

/* What a recording does not say of a compaction. */
struct guess {
	u32 order;
	bool no_target; /* it ran out of targets */
	/* what compactions that show no line have done before: */
	bool no_hints;	 /* pageblocks' hints are forgotten */
	bool from_start; /* the scanners begin at the zone's ends */
};

static struct compactions *running; /* in the child */

/* ---- in the child: steps ---- */

static void foretell(u32 event, const u64 *args, u32 n)
{
	struct shadow *s = running->shadow;
	struct foretold *line = &s->lines[s->n];

	if (s->n == MAX_FORETOLD)
		_exit(1);
	s->n++;
	line->event = event;
	memcpy(line->args, args, min(n, 5u) * sizeof(*args));
}

/* Are there more attempts to move the page in the recording? */
static struct attempt_shown *next_attempt(u64 old)
{
	for (u32 i = 0; i < running->nr_attempts; i++)
		if (!running->attempts[i].used && running->attempts[i].old == old)
			return &running->attempts[i];
	return NULL;
}

static u64 tried_last, first_zone;

/* The zone that a call's first line is about; ~0: it has none that says. */
static u64 shown_zone(const struct replay *v, const struct compaction_call *call)
{
	const struct line *line;

	if (!call->nr_lines)
		return ~0ull;
	line = &v->r.lines[running->plan.lines[call->first_line]];
	switch (line->event) {
	case EV_FL_ROTATE: return line_arg(&v->r, line, 4);
	case EV_ISOLATE_FREE: return line_arg(&v->r, line, 3);
	case EV_DRAIN_PAGES_ZONE: return line_arg(&v->r, line, 0);
	default: return ~0ull;
	}
}

static u64 on_step(u32 step, const u64 *args, u32 n, u64 usual)
{
	switch (step) {
	case STEP_fl_rotate: foretell(EV_FL_ROTATE, args, n); break;
	case STEP_isolate_free: foretell(EV_ISOLATE_FREE, args, n); break;
	case STEP_compact_alloc:
		foretell(EV_COMPACT_ALLOC, args, n);
		tried_last = args[1];
		break;
	case STEP_compact_free:
		foretell(EV_COMPACT_FREE, args, n);
		return next_attempt(tried_last) ? usual : OUT_OF_ATTEMPTS;
	case STEP_compact_suitable: case STEP_compact_finished:
		if (++running->rounds > MAX_ROUNDS)
			_exit(1);
		if (args[0] != first_zone || running->shadow->n)
			return usual;
		return usual == COMPACT_SUCCESS || step == STEP_compact_suitable ? COMPACT_CONTINUE : usual;
	case STEP_pg_capture: foretell(EV_PG_CAPTURE, args, n); break;
	case STEP_drain_pages_zone: foretell(EV_DRAIN_PAGES_ZONE, args, n); break;
	}
	return usual;
}

/*
 * A compaction that shows lines of a zone was not put off there, was worth it and
 * had not finished before the first of them: kswapd may have run in between.
 */
static void allow(struct replay *v, const struct compaction_call *call)
{
	for (u32 i = 0; i < v->nr_zones && call->nr_lines; i++) {
		struct zone *z = &kdata->node_data[v->zones[i].node]->node_zones[v->zones[i].zone_idx];

		if (shown_zone(v, call) == zone_id(z))
			z->compact_considered = 1u << z->compact_defer_shift;
	}
}

static bool never_next(u32 step, const u64 *args, u32 n)
{
	(void)step, (void)args, (void)n;
	return false;
}

static void on_bug(const char *what)
{
	(void)what;
	_exit(1);
}

/* The owner of the pages is the recording. */
static bool on_moves(void *arg, u64 mapping, u64 index, u64 new_pfn)
{
	struct attempt_shown *a = next_attempt(mapping);

	(void)arg, (void)index, (void)new_pfn;
	if (!a)
		return false;
	a->used = true;
	return a->moved;
}

/* ---- in the child: what the recording knows ---- */

static bool shown_moved(const struct replay *v, const struct compaction_call *call, u32 i)
{
	const u32 *lines = running->plan.lines + call->first_line;

	return i + 1 >= call->nr_lines || v->r.lines[lines[i + 1]].event != EV_COMPACT_FREE;
}

static void list_page(struct replay *v, u64 pfn)
{
	struct page *page = page_of(v, pfn);

	if (PageBuddy(page) || PageHead(page) || !page->_refcount || (page->flags & PG_lru_listed))
		return;
	page->_refcount = 1;
	mm_ops_plain.lru_cache_add(page, pfn, 0, -1);
}

/*
 * A compaction that has run out of targets does not show the pages for which there
 * was none: the movable ones of the last page's pageblock, below it.
 */
static void list_without_target(struct replay *v, u64 last)
{
	for (u64 pfn = pageblock_start_pfn(last); pfn < last && last < v->max_pfn; pfn++)
		if (page_of(v, pfn)->flags & PG_lru)
			list_page(v, pfn);
}

/* Pages that the recorded compaction tried to move are listed; no others are. */
static void list_pages(struct replay *v, const struct compaction_call *call, bool no_target)
{
	u64 last = NO_PFN;
	const u32 *lines = running->plan.lines + call->first_line;

	running->attempts = calloc(call->nr_lines + 1, sizeof(*running->attempts));
	if (!running->attempts)
		_exit(1);
	for (u32 i = 0; i < call->nr_lines; i++) {
		const struct line *line = &v->r.lines[lines[i]];
		u64 old;

		if (line->event != EV_COMPACT_ALLOC)
			continue;
		old = line_arg(&v->r, line, 1);
		running->attempts[running->nr_attempts++] =
			(struct attempt_shown){ old, shown_moved(v, call, i), false };
		last = old;
		if (old < v->max_pfn)
			list_page(v, old);
	}
	if (no_target)
		list_without_target(v, last);
}

static void set_hint(u64 pfn, bool skip)
{
	u64 bit = PAGEBLOCK_SKIP << pageblock_shift(pfn), *word = pageblock_word(pfn);

	*word = skip ? *word | bit : *word & ~bit;
}

static void tell_hints(const struct replay *v, struct shadow *s)
{
	for (u32 i = 0; i < v->nr_zones; i++) {
		u32 node = v->zones[i].node, idx = v->zones[i].zone_idx;
		const struct zone *z = &kdata->node_data[node]->node_zones[idx];

		s->zones[node][idx] = (struct zone_hints){
			.cached_free = z->compact_cached_free_pfn,
			.cached_migrate = { z->compact_cached_migrate_pfn[0],
					    z->compact_cached_migrate_pfn[1] },
			.init_migrate = z->compact_init_migrate_pfn,
			.init_free = z->compact_init_free_pfn,
			.considered = z->compact_considered,
			.defer_shift = z->compact_defer_shift,
			.order_failed = z->compact_order_failed,
			.flush = z->compact_blockskip_flush,
		};
	}
	for (u64 pfn = 0; pfn < v->max_pfn && pfn / PAGEBLOCK_NR_PAGES < MAX_BLOCKS;
	     pfn += PAGEBLOCK_NR_PAGES)
		s->skip[pfn / PAGEBLOCK_NR_PAGES] = get_pageblock_skip(pfn);
}

static void take_hints(const struct replay *v, const struct shadow *s)
{
	for (u32 i = 0; i < v->nr_zones; i++) {
		u32 node = v->zones[i].node, idx = v->zones[i].zone_idx;
		struct zone *z = &kdata->node_data[node]->node_zones[idx];
		const struct zone_hints *h = &s->zones[node][idx];

		z->compact_cached_free_pfn = h->cached_free;
		z->compact_cached_migrate_pfn[0] = h->cached_migrate[0];
		z->compact_cached_migrate_pfn[1] = h->cached_migrate[1];
		z->compact_init_migrate_pfn = h->init_migrate;
		z->compact_init_free_pfn = h->init_free;
		z->compact_considered = h->considered;
		z->compact_defer_shift = h->defer_shift;
		z->compact_order_failed = h->order_failed;
		z->compact_blockskip_flush = h->flush;
	}
	for (u64 pfn = 0; pfn < v->max_pfn && pfn / PAGEBLOCK_NR_PAGES < MAX_BLOCKS;
	     pfn += PAGEBLOCK_NR_PAGES)
		set_hint(pfn, s->skip[pfn / PAGEBLOCK_NR_PAGES]);
}

static void begin_at_ends(struct zone *z)
{
	z->compact_cached_migrate_pfn[0] = z->compact_cached_migrate_pfn[1] = z->zone_start_pfn;
	z->compact_cached_free_pfn = pageblock_start_pfn(zone_end(z) - 1);
}

static void carry_out(struct replay *v, const struct compaction_call *call, struct guess g)
{
	static const struct rt_stepper stepper = {
		.step = on_step, .if_next = never_next, .bug = on_bug,
	};
	static const struct rt_owner owner = { .moves = on_moves };
	struct shadow *s = running->shadow;

	list_pages(v, call, g.no_target);
	for (u64 pfn = 0; g.no_hints && pfn < v->max_pfn; pfn += PAGEBLOCK_NR_PAGES)
		set_hint(pfn, false);
	for (u32 i = 0; g.from_start && i < v->nr_zones; i++)
		begin_at_ends(&kdata->node_data[v->zones[i].node]->node_zones[v->zones[i].zone_idx]);
	first_zone = shown_zone(v, call);
	allow(v, call);
	rt_set_stepper(&stepper);
	rt_set_owner(&owner);
	rt_enter_cpu(call->cpu);
	if (call->kind == COMPACTION_DIRECT)
		s->result = mm_replay_ops.compact(call->gfp, g.order, call->alloc_flags, call->node,
						  call->priority);
	else if (call->kind == COMPACTION_DAEMON)
		mm_replay_ops.compact_daemon((u32)call->node, g.order, MAX_NR_ZONES - 1);
	else
		mm_ops_plain.compact_node((u32)call->node);
	tell_hints(v, s);
	s->ended = true;
}

/* ---- in the parent ---- */

static bool line_foretold(const struct replay *v, const struct line *line, const struct foretold *f)
{
	u32 n = 0;

	if (line->event != f->event)
		return false;
	for (const char *w = event_kinds[line->event].words; *w; w++)
		n += *w != '.';
	for (u32 i = 0; i < n && i < 5; i++)
		if (line_arg(&v->r, line, i) != f->args[i])
			return false;
	return true;
}

/* Lines foretold from the first on; all lines of the call come in one order. */
static u32 lines_foretold(const struct replay *v, const struct compactions *c,
			  const struct compaction_call *call)
{
	u32 i = 0;

	while (i < call->nr_lines && i < c->shadow->n &&
	       line_foretold(v, &v->r.lines[c->plan.lines[call->first_line + i]], &c->shadow->lines[i]))
		i++;
	return i;
}

/* Try a call on a copy; lines foretold, -1: it could not be tried. */
static s64 try_call(struct replay *v, struct compactions *c, const struct compaction_call *call, struct guess g)
{
	pid_t child;
	int status;

	c->shadow->n = 0;
	c->shadow->ended = false;
	fflush(NULL);
	child = fork();
	if (!child) {
		running = c;
		carry_out(v, call, g);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !c->shadow->ended)
		return -1;
	return lines_foretold(v, c, call);
}

/* The whole call foretold, and nothing more. */
static bool all_foretold(const struct compactions *c, const struct compaction_call *call, s64 n)
{
	return n == call->nr_lines && c->shadow->n == call->nr_lines;
}

/* Is the guess better than the best so far? True: no other can be. */
static bool guess_more(struct replay *v, struct compactions *c, const struct compaction_call *call,
		       struct guess g, struct guess *best, s64 *most)
{
	s64 n = try_call(v, c, call, g), score = 2 * n + all_foretold(c, call, n);

	if (score > *most) {
		*most = score;
		*best = g;
	}
	return all_foretold(c, call, n);
}

/*
 * kcompactd's order stands in no line: it is one that an allocation has asked
 * for, or a pageblock's. Nor does the end for want of targets. Whichever
 * foretells most.
 */
static struct guess guess_call(struct replay *v, struct compactions *c, const struct compaction_call *call)
{
	bool daemon = call->kind == COMPACTION_DAEMON;
	struct guess best, first = { daemon ? c->daemon_order : call->order, false, false, false };
	s64 most = -4;

	best = first;
	for (u32 tried = 0; tried < (call->nr_lines ? 8 : 1); tried++) {
		struct guess g = { first.order, tried & 1, tried & 2, tried & 4 };

		if (guess_more(v, c, call, g, &best, &most))
			break;
		for (g.order = 1; daemon && g.order < MAX_ORDER; g.order++)
			if ((call->orders >> g.order & 1) && g.order != first.order &&
			    guess_more(v, c, call, g, &best, &most))
				return best;
	}
	return best;
}

static void judge(struct replay *v, struct compactions *c, const struct compaction_call *call)
{
	struct guess g = guess_call(v, c, call);
	s64 n = try_call(v, c, call, g);

	if (call->kind == COMPACTION_DAEMON)
		c->daemon_order = g.order;
	if (n < 0)
		n = 0;
	else
		take_hints(v, c->shadow);
	for (u32 i = 0; i < call->nr_lines; i++) {
		u32 event = v->r.lines[c->plan.lines[call->first_line + i]].event;

		c->total[event]++;
		c->exact[event] += i < n;
	}
	c->calls++;
	c->calls_exact += all_foretold(c, call, n);
}

void compactions_before_line(struct replay *v, u32 at)
{
	struct compactions *c = v->compactions;

	for (; c->next < c->plan.nr_calls && c->plan.calls[c->next].at <= at; c->next++) {
		const struct compaction_call *call = &c->plan.calls[c->next];

		if (call->at < at)
			continue;
		if (call->kind == COMPACTION_SUCCEEDED)
			mm_replay_ops.compact_succeeded((u32)call->node, call->zone_idx, call->order);
		else if (call->kind == COMPACTION_KSWAPD_SLEEPS)
			mm_replay_ops.kswapd_sleeps((u32)call->node);
		else
			judge(v, c, call);
	}
}

int compactions_begin(struct replay *v)
{
	struct compactions *c = calloc(1, sizeof(*c));

	v->compactions = c;
	if (!c || compaction_plan(v, &c->plan))
		return kms_fail(v->err, KMS_EFAIL, "out of memory");
	c->daemon_order = PAGEBLOCK_ORDER;
	c->shadow = mmap(NULL, sizeof(*c->shadow), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	if (c->shadow == MAP_FAILED) {
		c->shadow = NULL;
		return kms_fail(v->err, KMS_EFAIL, "out of memory");
	}
	return 0;
}

void compactions_end(struct replay *v)
{
	struct compactions *c = v->compactions;

	if (!c)
		return;
	if (c->shadow)
		munmap(c->shadow, sizeof(*c->shadow));
	free(c->plan.calls);
	free(c->plan.lines);
	free(c);
	v->compactions = NULL;
}

int compactions_sum(struct replay *v, struct validate_result *result)
{
	static const u32 events[] = { EV_FL_ROTATE, EV_ISOLATE_FREE, EV_COMPACT_ALLOC, EV_COMPACT_FREE,
				      EV_DRAIN_PAGES_ZONE, EV_PG_CAPTURE };
	const struct compactions *c = v->compactions;
	struct validate_count *counts;

	if (!c)
		return 0;
	counts = calloc(KMS_ARRAY_SIZE(events) + 1, sizeof(*counts));
	if (!counts)
		return kms_fail(v->err, KMS_EFAIL, "out of memory");
	result->compaction = counts;
	counts[result->nr_compaction++] = (struct validate_count){ strdup("compactions"), c->calls, c->calls_exact };
	for (u32 i = 0; i < KMS_ARRAY_SIZE(events); i++)
		if (c->total[events[i]])
			counts[result->nr_compaction++] = (struct validate_count){
				strdup(event_kinds[events[i]].name), c->total[events[i]], c->exact[events[i]] };
	return 0;
}
