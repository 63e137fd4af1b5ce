/*
 * races.c - what an operation decided before its first line was written.
 *
 * A watermark test leaves a line only when it fails. Between a passed test and
 * the allocation's first line other CPUs and interrupts may change the zone's
 * count of free pages; then the test made at the line's turn (replay.c) goes
 * another way. What the zone had since the operation can have begun tells
 * whether that is so. What kswapd takes back of a boost shows in no line either. Two more reasons to pass a zone over leave no line:
 * the allowed nodes of a task's memory policy, and too many dirty pages.
 */
#include <stdlib.h>

#include "models/mm/inspect.h"
#include "sim/validate/replay.h"

#define PAST 4096u	 /* changes of a zone's count that are kept */
#define BACK (1u << 16)	 /* lines */
#define GFP_WRITE 0x1000u

struct past {
	s64 room; /* free pages without the boost of the marks, from this line's end on */
	u32 line;
};

struct races {
	struct {
		u64 id;
		s64 room;
		struct zone *zone;
		u32 nr; /* of all changes; the last PAST of them are there */
		struct past past[PAST];
	} zones[64];
	u32 nr;
};

static void find_zones(struct replay *v)
{
	v->races = calloc(1, sizeof(*v->races));
	for (u64 nid = 0; v->races && nid < v->nr_nodes; nid++)
		for (u64 i = 0; i < MAX_NR_ZONES && v->races->nr < KMS_ARRAY_SIZE(v->races->zones); i++) {
			struct zone *zone = &kdata->node_data[nid]->node_zones[i];

			if (!populated_zone(zone))
				continue;
			v->races->zones[v->races->nr].id = nid << 8 | i;
			v->races->zones[v->races->nr++].zone = zone;
		}
}

void races_look(struct replay *v, u32 at)
{
	if (unlikely(!v->races)) {
		if (v->slab_up)
			find_zones(v);
		return;
	}
	for (u32 i = 0; i < v->races->nr; i++) {
		const struct zone *zone = v->races->zones[i].zone;
		s64 room = zone->vm_stat[NR_FREE_PAGES] - (s64)zone->watermark_boost;

		if (likely(room == v->races->zones[i].room))
			continue;
		v->races->zones[i].room = room;
		v->races->zones[i].past[v->races->zones[i].nr++ % PAST] = (struct past){ room, at };
	}
}

/* ---- boosts that a pass of kswapd takes back, some time after its last line ---- */

void races_boost_over(struct replay *v, struct zone *zone, s32 kswapd)
{
	u64 *boost = &v->boosts[zone->node][zone->zone_idx];
	u64 *due = &v->boosts_due[zone->node][zone->zone_idx];

	v->nr_due += *boost && !*due;
	*due += *boost;
	*boost = 0;
	v->boost_pid[zone->node] = kswapd;
}

static u64 reduced(const struct replay *v, const struct zone *zone)
{
	u64 due = v->boosts_due[zone->node][zone->zone_idx];

	return zone->watermark_boost - min(zone->watermark_boost, due);
}

static void take_back(struct replay *v, struct zone *zone)
{
	u64 *due = &v->boosts_due[zone->node][zone->zone_idx];

	if (!*due)
		return;
	zone->watermark_boost = reduced(v, zone);
	*due = 0;
	v->nr_due--;
}

/* What a line shows of a zone's boost: has it been taken back? */
static bool shows_taken(const struct replay *v, const struct line *line, const struct zone *zone)
{
	u64 shown;

	if (line->event == EV_WMARK_FAIL) {
		shown = line_arg(&v->r, line, 3) -
			zone->_watermark[line_arg(&v->r, line, 2) & ALLOC_WMARK_MASK];
		return shown != zone->watermark_boost && shown == reduced(v, zone);
	}
	shown = line_arg(&v->r, line, 1); /* EV_BOOST: one pageblock more, up to a limit */
	return shown < zone->watermark_boost + (1ull << v->params.pageblock_order) &&
	       shown <= reduced(v, zone) + (1ull << v->params.pageblock_order);
}

void races_before(struct replay *v, u32 at)
{
	const struct line *line = &v->r.lines[at];
	struct zone *zone;

	if (line->event == EV_WMARK_FAIL || line->event == EV_BOOST) {
		zone = zone_of(line_arg(&v->r, line, 0));
		if (zone && shows_taken(v, line, zone))
			take_back(v, zone);
	}
	for (u32 nid = 0; nid < v->nr_nodes; nid++) {
		if (line->event != EV_MARK &&
		    (line->pid != v->boost_pid[nid] || line->event == EV_RECLAIM_ACTIVE))
			continue;
		for (u32 i = 0; i < MAX_NR_ZONES; i++)
			take_back(v, &kdata->node_data[nid]->node_zones[i]);
	}
}

/* ---- tests ---- */

/* The line after which the operation's next test can have been made at the earliest. */
static u32 earliest(const struct replay *v, const struct op *op)
{
	const struct line *first = &v->r.lines[op->first], *line = first;
	u32 at = op->first;

	if (op->next != op->first) {
		while (at != NO_LINE && v->r.lines[at].next != op->next)
			at = v->r.lines[at].next;
		return at == NO_LINE ? op->first : at;
	}
	while (line > v->r.lines && op->first - (u32)(line - v->r.lines) < BACK &&
	       (line[-1].cpu != first->cpu || (line[-1].ctx & 3) > (first->ctx & 3)))
		line--;
	return line > v->r.lines ? (u32)(line - v->r.lines) - 1 : 0;
}

/* Had the zone more (or less) room at some time since that line? */
static bool had(const struct replay *v, u64 id, u32 since, bool more)
{
	for (u32 i = 0; v->races && i < v->races->nr; i++) {
		u32 nr = v->races->zones[i].nr, n = nr < PAST ? nr : PAST;

		if (v->races->zones[i].id != id)
			continue;
		for (u32 k = 1; k <= n; k++) {
			const struct past *past = &v->races->zones[i].past[(nr - k) % PAST];

			if (more ? past->room > v->races->zones[i].room :
				   past->room < v->races->zones[i].room)
				return true;
			if (past->line <= since)
				return false;
		}
	}
	return false;
}

bool races_watermark(struct replay *v, u64 zone, bool ok)
{
	const struct op *op = v->op;
	const struct line *next = op->next == NO_LINE ? NULL : &v->r.lines[op->next];
	bool failed = next && next->event == EV_WMARK_FAIL && line_arg(&v->r, next, 0) == zone;

	if (!next || ok == !failed)
		return ok;
	if (had(v, zone, earliest(v, op), !ok))
		return !ok;
	if (!failed && v->nr_due && zone_of(zone) && v->boosts_due[zone >> 8][zone & 3]) {
		take_back(v, zone_of(zone));
		return true;
	}
	return ok;
}

/* Zone that the operation's next line names; ~0: none. */
static u64 next_zone(const struct replay *v)
{
	u32 at = v->op->next;

	if (at == NO_LINE)
		return ~0ull;
	switch (v->r.lines[at].event) {
	case EV_WMARK_FAIL: case EV_RMQ_BULK: return line_arg(&v->r, &v->r.lines[at], 0);
	case EV_PCP_TRYFAIL: return line_arg(&v->r, &v->r.lines[at], 3);
	case EV_PCP_ALLOC: return line_arg(&v->r, &v->r.lines[at], 4);
	case EV_EXTFRAG: case EV_RMQ_BUDDY: return line_arg(&v->r, &v->r.lines[at], 5);
	case EV_BUDDY_DEL: return line_arg(&v->r, &v->r.lines[at], 4);
	default: return ~0ull;
	}
}

static bool masked(const struct replay *v)
{
	for (u32 at = v->op->next; at != NO_LINE; at = v->r.lines[at].next)
		if (v->r.lines[at].event == EV_PG_ALLOC)
			return line_arg(&v->r, &v->r.lines[at], 3) & NODEMASK_GIVEN;
	return false;
}

/* What the operation is about to show of the zone's boost. */
static void settle_boost(struct replay *v, u64 id)
{
	struct zone *zone = zone_of(id);
	u32 at = v->op->next;

	if (!zone || !v->boosts_due[id >> 8][id & 3])
		return;
	for (u32 i = 0; i < 4 && at != NO_LINE; i++, at = v->r.lines[at].next) {
		const struct line *line = &v->r.lines[at];

		if ((line->event != EV_WMARK_FAIL && line->event != EV_BOOST) ||
		    line_arg(&v->r, line, 0) != id)
			continue;
		if (shows_taken(v, line, zone))
			take_back(v, zone);
		return;
	}
}

/* Called before the test: is the zone passed over? */
bool races_leave_out(struct replay *v, u64 zone, u32 gfp)
{
	u64 next = next_zone(v);

	if (v->nr_due)
		settle_boost(v, zone);
	if (next == zone)
		return false;
	if (gfp == ~0u) /* its free lists, after a locked per-CPU list: a search that fails leaves no line */
		return next != ~0ull && had(v, zone, earliest(v, v->op), false);
	if ((gfp & GFP_WRITE) && next >> 8 != zone >> 8)
		return true;
	return next != ~0ull && next >> 8 != zone >> 8 && masked(v);
}
