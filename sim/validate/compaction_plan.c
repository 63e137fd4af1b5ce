/*
 * compaction_plan.c - which lines of a trace are which compaction.
 *
 * A task's lines of compaction between two of its other steps are one
 * compaction. What it was asked for stands in the slow path's lines around it:
 * a request's first compaction is asynchronous, those after reclaim are not.
 */
#include <stdlib.h>
#include <string.h>

#include "models/mm/compaction.h"
#include "sim/validate/compaction.h"

/* A task that compacts, or is in the slow path. */
struct task {
	s32 pid;
	bool daemon, kswapd; /* kernel threads */
	bool slow;	     /* in a request's slow path */
	bool reclaimed;	     /* ... and has reclaimed */
	bool compacted;	     /* ... compacted since its last attempt at the free lists */
	u32 fails;	     /* zones that its current attempt found too low */
	u32 order, gfp, alloc_flags;
	int node;
	u32 call; /* under way + 1; 0: none */
};

struct planner {
	const struct replay *v;
	struct compaction_plan *plan;
	struct task *tasks;
	u32 nr_tasks, max_tasks;
	u32 orders;
	bool failed;
	u32 (*members)[2]; /* line, call: sorted by call in the end */
	u32 nr_members, max_members;
};

static void *grow(struct planner *p, void *array, u32 *max, u32 n, size_t size)
{
	u32 room = *max ? *max * 2 : 256;
	void *more;

	if (n < *max)
		return array;
	more = realloc(array, room * size);
	if (!more) {
		p->failed = true;
		return array;
	}
	*max = room;
	return more;
}

static struct task *task_of(struct planner *p, s32 pid)
{
	for (u32 i = 0; i < p->nr_tasks; i++)
		if (p->tasks[i].pid == pid)
			return &p->tasks[i];
	p->tasks = grow(p, p->tasks, &p->max_tasks, p->nr_tasks, sizeof(*p->tasks));
	if (p->failed)
		return NULL;
	p->tasks[p->nr_tasks] = (struct task){ .pid = pid };
	return &p->tasks[p->nr_tasks++];
}

static struct compaction_call *new_call(struct planner *p, u32 at, u32 kind)
{
	struct compaction_plan *plan = p->plan;
	struct compaction_call *call;

	plan->calls = grow(p, plan->calls, &plan->max_calls, plan->nr_calls, sizeof(*plan->calls));
	if (p->failed)
		return NULL;
	call = &plan->calls[plan->nr_calls++];
	*call = (struct compaction_call){ .at = at, .kind = kind, .cpu = p->v->r.lines[at].cpu,
					  .orders = p->orders | 1u << PAGEBLOCK_ORDER };
	return call;
}

static void begin_direct(struct planner *p, struct task *t, u32 at)
{
	struct compaction_call *call = new_call(p, at, COMPACTION_DIRECT);

	if (!call)
		return;
	call->order = t->order;
	call->gfp = t->gfp;
	call->alloc_flags = t->alloc_flags;
	call->node = t->node;
	call->priority = t->reclaimed ? COMPACT_PRIO_SYNC_LIGHT : COMPACT_PRIO_ASYNC;
	t->compacted = true;
	t->fails = 0;
}

static void begin_call(struct planner *p, struct task *t, u32 at)
{
	const struct line *line = &p->v->r.lines[at];
	struct compaction_call *call;

	if (t->slow) {
		begin_direct(p, t, at);
	} else {
		call = new_call(p, at, t->daemon ? COMPACTION_DAEMON : COMPACTION_NODE);
		if (call)
			call->node = p->v->cpu_node[line->cpu];
	}
	t->call = p->plan->nr_calls;
}

static void add_member(struct planner *p, struct task *t, u32 at)
{
	if (!t->call)
		begin_call(p, t, at);
	p->members = grow(p, p->members, &p->max_members, p->nr_members, sizeof(*p->members));
	if (p->failed)
		return;
	p->members[p->nr_members][0] = at;
	p->members[p->nr_members++][1] = t->call - 1;
}

static void enter_slow_path(struct planner *p, struct task *t, u32 at)
{
	const struct line *line = &p->v->r.lines[at];

	t->slow = true;
	t->reclaimed = t->compacted = false;
	t->fails = t->call = 0;
	t->order = (u32)line_arg(&p->v->r, line, 0);
	t->gfp = (u32)line_arg(&p->v->r, line, 1);
	t->alloc_flags = ALLOC_CPUSET;
	t->node = p->v->cpu_node[line->cpu];
	p->orders |= 1u << (t->order & 15);
}

static u32 zone_of_pfn(const struct replay *v, u64 pfn, int *node)
{
	for (u32 i = 0; i < v->nr_zones; i++)
		if (pfn >= v->zones[i].start_pfn && pfn < v->zones[i].start_pfn + v->zones[i].spanned) {
			*node = (int)v->zones[i].node;
			return v->zones[i].zone_idx;
		}
	*node = 0;
	return 0;
}

static void leave_slow_path(struct planner *p, struct task *t, u32 at)
{
	const struct line *line = &p->v->r.lines[at];
	u64 pfn = line_arg(&p->v->r, line, 0);
	bool helped = t->compacted && t->fails < p->v->nr_zones && pfn != NO_PFN;
	struct compaction_call *call;

	t->slow = false;
	t->call = 0;
	if (!helped)
		return;
	call = new_call(p, at, COMPACTION_SUCCEEDED);
	if (!call)
		return;
	call->zone_idx = zone_of_pfn(p->v, pfn, &call->node);
	call->order = (u32)line_arg(&p->v->r, line, 1);
}

/* An attempt at the free lists. */
static void note_attempt(struct planner *p, struct task *t, u32 at)
{
	const struct line *line = &p->v->r.lines[at];

	t->call = 0;
	if (line->event != EV_WMARK_FAIL)
		return;
	if (t->fails >= p->v->nr_zones) {
		t->fails = 0;
		t->compacted = t->compacted && t->reclaimed;
	}
	t->fails++;
	t->alloc_flags = (u32)line_arg(&p->v->r, line, 2);
}

static void note_line(struct planner *p, u32 at)
{
	const struct line *line = &p->v->r.lines[at];
	bool memalloc = line->ctx & CTX_MEMALLOC;
	struct task *t = task_of(p, line->pid);

	if (!t)
		return;
	switch (line->event) {
	case EV_PG_SLOW:
		enter_slow_path(p, t, at);
		break;
	case EV_PG_ALLOC:
		if (t->slow && !memalloc)
			leave_slow_path(p, t, at);
		break;
	case EV_WMARK_FAIL: case EV_PCP_ALLOC: case EV_RMQ_BUDDY: case EV_RMQ_BULK:
		if (t->slow && !memalloc)
			note_attempt(p, t, at);
		break;
	case EV_PG_FREE_BATCHED:
		if (t->slow && memalloc) {
			t->reclaimed = true;
			t->call = 0;
		}
		break;
	case EV_RECLAIM_ACTIVE:
		t->kswapd = true;
		break;
	case EV_DRAIN_PAGES_ZONE:
		if (t->call || t->daemon)
			add_member(p, t, at);
		break;
	case EV_PG_CAPTURE:
		if (t->call)
			add_member(p, t, at);
		break;
	case EV_FL_ROTATE: case EV_ISOLATE_FREE: case EV_COMPACT_ALLOC: case EV_COMPACT_FREE:
		add_member(p, t, at);
		break;
	case EV_S_FAST_ALLOC: case EV_S_SLOW_BEGIN:
		if (!t->slow)
			t->call = 0;
		break;
	}
}

/* Kernel threads that compact for nobody in particular. */
static void find_daemons(struct planner *p)
{
	for (u32 at = 0; at < p->v->r.nr_lines && !p->failed; at++) {
		const struct line *line = &p->v->r.lines[at];
		struct task *t;

		if ((line->event != EV_FL_ROTATE && line->event != EV_ISOLATE_FREE) || (line->ctx & 3) ||
		    !(line->ctx & 8) || (line->ctx & CTX_MEMALLOC))
			continue;
		t = task_of(p, line->pid);
		if (t)
			t->daemon = true;
	}
}

/* Others run: kcompactd's work is done. */
static void other_task(struct planner *p, const struct line *line)
{
	for (u32 i = 0; i < p->nr_tasks; i++)
		if (p->tasks[i].daemon && p->tasks[i].pid != line->pid)
			p->tasks[i].call = 0;
}

static int by_call(const void *a, const void *b)
{
	const u32 *x = a, *y = b;

	if (x[1] != y[1])
		return x[1] < y[1] ? -1 : 1;
	return x[0] < y[0] ? -1 : x[0] > y[0];
}

static void hand_out_lines(struct planner *p)
{
	struct compaction_plan *plan = p->plan;

	plan->lines = calloc(p->nr_members + 1, sizeof(*plan->lines));
	if (!plan->lines) {
		p->failed = true;
		return;
	}
	if (p->nr_members)
		qsort(p->members, p->nr_members, sizeof(*p->members), by_call);
	for (u32 i = 0; i < p->nr_members; i++) {
		struct compaction_call *call = &plan->calls[p->members[i][1]];

		if (!call->nr_lines++)
			call->first_line = i;
		plan->lines[i] = p->members[i][0];
	}
	plan->nr_lines = p->nr_members;
}

int compaction_plan(const struct replay *v, struct compaction_plan *plan)
{
	struct planner p = { .v = v, .plan = plan };

	memset(plan, 0, sizeof(*plan));
	find_daemons(&p);
	for (u32 at = 0; at < v->r.nr_lines && !p.failed; at++) {
		const struct line *line = &v->r.lines[at];

		if (line->ctx & 3)
			continue;
		other_task(&p, line);
		note_line(&p, at);
	}
	if (!p.failed)
		hand_out_lines(&p);
	free(p.tasks);
	free(p.members);
	return p.failed ? -1 : 0;
}
