/*
 * replay.c - operations in flight, and their steps against the recorded lines.
 *
 * Lines are taken in their order. A line's operation runs until it has passed
 * the step that the line reports and its next line is not the very next one:
 * there it waits, on a fiber of its own, while others go on. Operations that
 * nothing interrupts run without a fiber. An operation whose lines have all
 * been seen runs to its end at once.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/crash.h"
#include "sim/validate/replay.h"

#define STACK_BYTES (128u << 10)
#define SEARCH_BACK 4096u
#define LOOK_AHEAD 64u /* lines of its own that an operation may have skipped */

struct replay *replaying;

/* ---- fibers ---- */

static void set_cpu(struct replay *v, u32 cpu)
{
	if (v->cpu == cpu)
		return;
	v->cpu = cpu;
	rt_enter_cpu(cpu);
}

static void worker_main(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		struct replay *v = replaying;

		request_execute(v, w->op);
		w->op->ended = true;
		fiber_switch(w->fiber, &v->main);
	}
}

static struct worker *take_worker(struct replay *v)
{
	struct worker *w = v->idle;

	if (w) {
		v->idle = w->next_idle;
		return w;
	}
	w = calloc(1, sizeof(*w));
	if (w)
		w->fiber = fiber_new(STACK_BYTES, worker_main, w);
	if (!w || !w->fiber) {
		free(w);
		v->stopped = true;
		snprintf(v->result->stopped, sizeof(v->result->stopped),
			 "out of memory for fibers");
		return NULL;
	}
	w->next = v->workers;
	v->workers = w;
	return w;
}

/* ---- lines ---- */

static void pass(struct replay *v, struct op *op, u32 at, bool exact)
{
	struct line *line = &v->r.lines[at];

	line->passed = true;
	v->total[line->event]++;
	v->exact[line->event] += exact;
	op->next = line->next;
}

/* The lines of an operation that has nothing more to say: it should have passed them. */
static void miss_rest(struct replay *v, struct op *op)
{
	while (op->next != NO_LINE) {
		struct line *line = &v->r.lines[op->next];

		if (event_kinds[line->event].role != ROLE_INPUT)
			miss_text(v, line, "no such step");
		pass(v, op, op->next, event_kinds[line->event].role == ROLE_INPUT);
	}
}

static u32 next_to_pass(const struct replay *v, u32 at)
{
	while (at < v->r.nr_lines && v->r.lines[at].passed)
		at++;
	return at;
}

/* Wait until the operation's next line has its turn. */
static void wait_for_turn(struct replay *v, struct op *op)
{
	u32 next = next_to_pass(v, v->cursor);

	if (op->next == NO_LINE)
		return;
	if (next == op->next || op->alone) {
		v->cursor = op->next;
		set_cpu(v, v->r.lines[op->next].cpu);
		return;
	}
	fiber_switch(v->worker->fiber, &v->main);
}

const struct line *replay_next_line(struct replay *v)
{
	return v->op->next == NO_LINE ? NULL : &v->r.lines[v->op->next];
}

void replay_pass_line(struct replay *v, bool exact)
{
	struct op *op = v->op;

	if (op->next == NO_LINE)
		return;
	pass(v, op, op->next, exact);
	wait_for_turn(v, op);
}

/* ---- steps ---- */

static bool word_equal(struct replay *v, char letter, u64 recorded, u64 came)
{
	bool exchanged = v->options->resync && renamed(v) && recorded;

	switch (letter) {
	case 'o':
		came = came ? came - PAGE_OFFSET : 0;
		return came == (exchanged ? phys_of_object(v, recorded) : recorded);
	case 'p':
		if (exchanged && recorded != NO_PFN)
			recorded = page_to_pfn(page_of(v, recorded));
		return came == recorded;
	case 'c':
		return recorded == cache_name_id(v, (const struct kmem_cache *)came);
	default:
		return recorded == came;
	}
}

/* A request that found its list locked has no frame yet: recorders write what they like. */
static bool no_frame_yet(const struct replay *v, const struct line *line, u32 word)
{
	return line->event == EV_PCP_TRYFAIL && !word && !line_arg(&v->r, line, 4);
}

static bool line_equal(struct replay *v, const struct line *line, const u64 *args)
{
	const u64 *recorded = v->r.args + line->args;

	for (const char *w = event_kinds[line->event].words; *w; w++) {
		if (*w == '.')
			continue;
		if (*w >= 'a' && !word_equal(v, *w, *recorded, *args++) &&
		    !no_frame_yet(v, line, (u32)(recorded - (v->r.args + line->args))))
			return false;
		recorded++;
	}
	return true;
}

/* After a wrong answer: what the recording calls `recorded` is what came. */
static void learn(struct replay *v, const struct line *line, const u64 *args)
{
	u64 recorded = line_arg(&v->r, line, 0);

	switch (line->event) {
	case EV_PCP_ALLOC: case EV_BUDDY_DEL: case EV_RMQ_BUDDY: case EV_PG_ALLOC:
		if (recorded != NO_PFN && args[0] != NO_PFN)
			rename_pages(v, recorded, args[0], 1ull << (args[1] & 15));
		break;
	case EV_O_KMALLOC: case EV_O_CACHE_ALLOC: case EV_O_ALLOC:
		if (recorded && args[0])
			rename_object(v, recorded, args[0] - PAGE_OFFSET);
		break;
	case EV_S_FAST_ALLOC: case EV_S_SLOW_ALLOC: case EV_S_BULK_ALLOC:
	case EV_L_ALLOC: case EV_L_ALLOC_BULK:
		recorded = line_arg(&v->r, line, 1);
		if (recorded && args[1])
			rename_object(v, recorded, args[1] - PAGE_OFFSET);
		break;
	}
}

static void compare(struct replay *v, struct op *op, u32 at, u32 step, const u64 *args, u32 n)
{
	const struct line *line = &v->r.lines[at];
	char why[400] = "";
	bool exact;

	if (event_kinds[line->event].role == ROLE_TEXT)
		exact = text_line_matches(v, line, args, why, sizeof(why));
	else
		exact = line_equal(v, line, args);
	if (!exact && why[0])
		miss_text(v, line, why);
	else if (!exact)
		miss_step(v, line, step, args, n);
	if (!exact)
		learn(v, line, args);
	pass(v, op, at, exact);
}

/* The operation's line that reports this step, a little further on at most. */
static u32 find_step(const struct replay *v, const struct op *op, u32 step)
{
	u32 at = op->next;

	for (u32 i = 0; i < LOOK_AHEAD && at != NO_LINE; i++, at = v->r.lines[at].next)
		if (event_kinds[v->r.lines[at].event].step == step)
			return at;
	return NO_LINE;
}

static void skip_to(struct replay *v, struct op *op, u32 at)
{
	while (op->next != at) {
		miss_text(v, &v->r.lines[op->next], "no such step");
		pass(v, op, op->next, false);
	}
}

/* Where in their critical section these are written is not laid down. */
static bool floats(const struct replay *v, u32 at)
{
	u32 event = v->r.lines[at].event;

	return event == EV_HIGHATOMIC || event == EV_UNRESERVE;
}

/* May the line be passed before those that come first? Then it is taken out of their row. */
static bool out_of_row(struct replay *v, const struct op *op, u32 at)
{
	bool may = true;
	u32 i, before = op->next;

	for (i = op->next; i != at; before = i, i = v->r.lines[i].next)
		may &= floats(v, i) || floats(v, at);
	if (may)
		v->r.lines[before].next = v->r.lines[at].next;
	return may;
}

static u64 told(const struct replay *v, u32 at, u64 usual)
{
	const struct line *line = &v->r.lines[at];

	if (line->event == EV_MOVE_FREE)
		return line_arg(&v->r, line, 4);
	if (line->event == EV_S_GET_ANY)
		return line_arg(&v->r, line, 1);
	return usual;
}

static u64 on_step(u32 step, const u64 *args, u32 n, u64 usual)
{
	struct replay *v = replaying;
	struct op *op = v->op;
	u32 at = find_step(v, op, step);

	if (at == NO_LINE) {
		miss_step(v, op->next == NO_LINE ? &v->r.lines[op->last] : &v->r.lines[op->next],
			  step, args, n);
		for (u32 i = 0; i < NR_EVENTS; i++) {
			if (event_kinds[i].step == step) {
				v->total[i]++;
				break;
			}
		}
		return usual;
	}
	if (at != op->next && out_of_row(v, op, at)) {
		u32 next = op->next;

		compare(v, op, at, step, args, n);
		op->next = next;
	} else {
		skip_to(v, op, at);
		compare(v, op, at, step, args, n);
	}
	usual = told(v, at, usual);
	wait_for_turn(v, op);
	return usual;
}

static bool on_step_if_next(u32 step, const u64 *args, u32 n)
{
	struct replay *v = replaying;
	struct op *op = v->op;
	const struct line *line;
	u32 at = op->next;

	if (at == NO_LINE || event_kinds[v->r.lines[at].event].step != step)
		return false;
	line = &v->r.lines[at];
	if (step == STEP_pg_capture) {
		if (!line_equal(v, line, args))
			return false;
		if (op->outer != NO_OP)
			v->o.ops[op->outer].captured = args[0];
	}
	compare(v, op, at, step, args, n);
	wait_for_turn(v, op);
	return true;
}

/* ---- the slow path ---- */

#define NO_ATTEMPT (~2u)

/* alloc_flags that a line of an attempt shows; ~0: it belongs to one but shows none. */
static u32 flags_shown(const struct replay *v, const struct line *line)
{
	switch (line->event) {
	case EV_WMARK_FAIL:
		return (u32)line_arg(&v->r, line, 2);
	case EV_PCP_ALLOC: case EV_RMQ_BULK:
		return (u32)line_arg(&v->r, line, 3);
	case EV_RMQ_BUDDY:
		return (u32)line_arg(&v->r, line, 4);
	case EV_EXTFRAG:
		return (u32)line_arg(&v->r, line, 6);
	case EV_UNRESERVE:
		return STEP_UNRESERVE;
	case EV_BUDDY_DEL: case EV_BOOST: case EV_PCP_TRYFAIL: case EV_SET_PB_MT:
	case EV_MOVE_FREE:
		return ~0u;
	default:
		return NO_ATTEMPT;
	}
}

/*
 * Flags that depend on who asks (a task that is being killed, a real-time task)
 * or on how often it failed (requests that may not fail): the recording tells.
 */
static bool told_by_recording(u32 shown, u32 flags)
{
	const u32 others[] = {
		ALLOC_OOM, ALLOC_MIN_RESERVE, ALLOC_MIN_RESERVE | ALLOC_CPUSET, ALLOC_NO_WATERMARKS,
		ALLOC_NO_WATERMARKS | ALLOC_CPUSET,
	};

	if (shown == (flags | ALLOC_MIN_RESERVE))
		return true;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(others); i++)
		if ((shown & ~ALLOC_KSWAPD) == others[i])
			return true;
	return false;
}

static u32 on_retry(u32 flags, u32 reserves, u32 last)
{
	struct replay *v = replaying;
	u32 at = v->op->next, shown = ~0u;

	if (at == v->op->tried) /* the last attempt had none of its lines: so would all others */
		return ~0u;
	v->op->tried = at;
	for (; at != NO_LINE && shown == ~0u; at = v->r.lines[at].next)
		shown = flags_shown(v, &v->r.lines[at]);
	if (shown == NO_ATTEMPT || shown == ~0u)
		return ~0u;
	if (shown == reserves || shown == STEP_UNRESERVE || shown == last)
		return shown;
	return told_by_recording(shown, flags) ? shown : flags;
}

static u64 on_captured(void)
{
	struct op *op = replaying->op;
	u64 pfn = op->captured;

	op->captured = NO_PFN;
	return pfn;
}

static int on_node(int usual)
{
	struct replay *v = replaying;

	for (u32 at = v->op->next; at != NO_LINE; at = v->r.lines[at].next)
		if (v->r.lines[at].event == EV_PG_ALLOC)
			return (int)(u32)line_arg(&v->r, &v->r.lines[at], 3);
	return usual;
}

/* A SLOB request that got a new page may have searched before others made room. */
static bool on_no_room(void)
{
	const struct op *op = replaying->op;

	return op && op->no_room;
}

static bool on_watermark(u64 zone, bool ok)
{
	return races_watermark(replaying, zone, ok);
}

static bool on_leaves_out(u64 zone, u32 gfp)
{
	return races_leave_out(replaying, zone, gfp);
}

static int by_line(const void *a, const void *b)
{
	const struct early_search *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

/* The lines before an operation's first that its search may have come before. */
static u32 search_line(const struct replay *v, const struct op *op)
{
	const struct line *first = &v->r.lines[op->first], *line = first;

	while (line > v->r.lines && op->first - (u32)(line - v->r.lines) < SEARCH_BACK &&
	       (line[-1].cpu != first->cpu || (line[-1].ctx & 3) > (first->ctx & 3)))
		line--;
	return (u32)(line - v->r.lines);
}

static int plan_searches(struct replay *v)
{
	u32 n = 0;

	if (v->r.layer != LAYER_SLOB)
		return 0;
	v->early = calloc(v->o.nr + 1u, sizeof(*v->early));
	if (!v->early)
		return kms_fail(v->err, KMS_EFAIL, "out of memory");
	for (u32 i = 0; i < v->o.nr; i++) {
		const struct op *op = &v->o.ops[i];
		u32 line = op->new_page ? search_line(v, op) : op->first;

		if (line != op->first)
			v->early[n++] = (struct early_search){ line, i };
	}
	qsort(v->early, n, sizeof(*v->early), by_line);
	v->early[n].line = NO_LINE;
	return 0;
}

static void search_early(struct replay *v, u32 at)
{
	for (; v->early[v->next_early].line <= at; v->next_early++) {
		struct op *op = &v->o.ops[v->early[v->next_early].op];
		u32 line = op->first;

		while (line != NO_LINE && v->r.lines[line].event != EV_O_ALLOC)
			line = v->r.lines[line].next;
		if (line != NO_LINE)
			op->no_room = !mm_replay_ops.slob_has_room(
				line_arg(&v->r, &v->r.lines[line], 1),
				(u32)line_arg(&v->r, &v->r.lines[line], 2),
				(int)line_arg(&v->r, &v->r.lines[line], 4),
				(u32)line_arg(&v->r, &v->r.lines[line], 3));
	}
}

/* ---- the end of it ---- */

static jmp_buf direct_end;
static bool direct;

static void on_bug(const char *what)
{
	struct replay *v = replaying;

	snprintf(v->result->stopped, sizeof(v->result->stopped), "trace line %u: %s",
		 v->cursor + 1, what);
	v->stopped = true;
	if (direct)
		longjmp(direct_end, 1);
	fiber_leave(v->worker->fiber, &v->main);
}

/*
 * A recording that is damaged can lead the allocators anywhere. Such a crash ends the replay
 * like a bug that they found themselves; so does a line that takes too long.
 */
#define MAX_SECONDS 2
static bool running; /* an operation */

static bool claims(const struct crash *crash)
{
	static u32 last, ticks;

	if (crash->number != SIGVTALRM)
		return running;
	ticks = replaying->cursor == last ? ticks + 1 : 0;
	last = replaying->cursor;
	return running && ticks >= MAX_SECONDS;
}

static void escape(const struct crash *crash)
{
	char what[100];

	running = false;
	if (crash->number == SIGVTALRM)
		snprintf(what, sizeof(what), "the allocator does not come back");
	else
		snprintf(what, sizeof(what), "the allocator crashes (%s, touching %#llx)",
			 strsignal(crash->number), (unsigned long long)crash->address);
	on_bug(what);
}

/* ---- all lines ---- */

static void run_direct(struct replay *v, struct op *op)
{
	direct = true;
	if (!setjmp(direct_end))
		request_execute(v, op);
	direct = false;
	op->ended = true;
}

static void run_on_fiber(struct replay *v, struct op *op)
{
	struct worker *w;

	if (!op->started) {
		w = take_worker(v);
		if (!w)
			return;
		op->started = true;
		op->fiber = (struct fiber *)w;
		w->op = op;
	}
	w = (struct worker *)op->fiber;
	v->worker = w;
	fiber_switch(&v->main, w->fiber);
	if (op->ended && !v->stopped) {
		w->next_idle = v->idle;
		v->idle = w;
	}
}

static void run_line(struct replay *v, u32 at)
{
	struct line *line = &v->r.lines[at];
	struct op *op;

	if (line->op == NO_OP) {
		if (event_kinds[line->event].role != ROLE_INPUT) {
			miss_text(v, line, "belongs to no operation");
			v->total[line->event]++;
		}
		line->passed = true;
		return;
	}
	op = &v->o.ops[line->op];
	if (at == v->boot_over)
		kdata->gfp_allowed_mask = ~0u;
	if (at == v->counters_from) {
		counters_keep(v);
		views_begin(v);
	}
	v->cursor = at;
	v->op = op;
	set_cpu(v, line->cpu);
	running = true;
	if (op->alone)
		run_direct(v, op);
	else if (!op->ended)
		run_on_fiber(v, op);
	running = false;
	if (op->ended)
		miss_rest(v, op);
}

void replay_end(struct replay *v)
{
	rt_set_stepper(NULL);
	while (v->workers) {
		struct worker *next = v->workers->next;

		fiber_put(v->workers->fiber);
		free(v->workers);
		v->workers = next;
	}
	fiber_free_pool();
}

int validate_replay_run(struct replay *v)
{
	static const struct crash_guard guard = { claims, escape };
	static const struct rt_stepper stepper = {
		.step = on_step, .if_next = on_step_if_next, .retry = on_retry,
		.captured = on_captured, .node = on_node, .no_room = on_no_room,
		.watermark = on_watermark, .leaves_out = on_leaves_out, .bug = on_bug,
	};

	if (plan_searches(v))
		return v->err->code;
	replaying = v;
	fiber_settle_float_state();
	rt_set_stepper(&stepper);
	crash_catch(&guard);
	for (u32 at = 0; at < v->r.nr_lines && !v->stopped && !v->err->code; at++) {
		if (v->early)
			search_early(v, at);
		if (v->r.lines[at].passed)
			continue;
		if (v->options->stop && *v->options->stop)
			kms_fail(v->err, KMS_EINTERRUPTED, "interrupted at line %u of the trace",
				 at + 1);
		if (v->compactions)
			compactions_before_line(v, at);
		if (v->cpu_up[v->next_cpu_up] <= at) {
			rt_set_stepper(NULL);
			settings_cpus_up(v, at);
			rt_set_stepper(&stepper);
		}
		if (v->nr_due)
			races_before(v, at);
		run_line(v, at);
		races_look(v, at);
		if (at >= v->counters_from && at <= v->counters_to)
			views_look(v);
	}
	crash_catch(NULL);
	rt_set_stepper(NULL);
	counters_compare(v, "procfs-end.txt", "slub_stats_end", true);
	views_compare_end(v);
	for (u32 at = 0; at < v->r.nr_lines && v->stopped; at++)
		if (!v->r.lines[at].passed)
			v->total[v->r.lines[at].event]++;
	return v->err->code;
}
