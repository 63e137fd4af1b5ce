/*
 * compact_daemon.c - compaction that no allocation waits for (page_alloc.md 19).
 *
 * kcompactd of a node makes room for whoever woke it through kswapd; every half
 * second it looks whether the node has become too fragmented for huge pages and
 * compacts ahead of need; compact_node() does all of a node, by order.
 */
#include "models/mm/compaction.h"

#define HUGE_PAGE_ORDER 9u /* of what proactive compaction wants more */

/* ---- on request ---- */

static bool kcompactd_node_suitable(struct pglist_data *pgdat, u32 order, u32 highest_zoneidx)
{
	u32 i;

	for (i = 0; i <= highest_zoneidx && i < MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->node_zones[i];

		if (populated_zone(zone) &&
		    compaction_suitable(zone, order, 0, highest_zoneidx) == COMPACT_CONTINUE)
			return true;
	}
	return false;
}

void wakeup_kcompactd(struct pglist_data *pgdat, u32 order, u32 highest_zoneidx)
{
	if (!order || !READ_ONCE(pgdat->lru_used))
		return;
	if (READ_ONCE(pgdat->kcompactd_max_order) < (s32)order)
		WRITE_ONCE(pgdat->kcompactd_max_order, (s32)order);
	if (READ_ONCE(pgdat->kcompactd_highest_zoneidx) > highest_zoneidx)
		WRITE_ONCE(pgdat->kcompactd_highest_zoneidx, highest_zoneidx);
	if (READ_ONCE(pgdat->kcompactd_awake))
		return;
	order = (u32)READ_ONCE(pgdat->kcompactd_max_order);
	highest_zoneidx = READ_ONCE(pgdat->kcompactd_highest_zoneidx);
	if (!kcompactd_node_suitable(pgdat, order, highest_zoneidx))
		return;
	kms_wake_kthread(KTHREAD_KCOMPACTD, (u32)pgdat->node_id, kcompactd);
}

static void count_daemon(const struct compact_control *cc)
{
	count_vm_events(KCOMPACTD_MIGRATE_SCANNED, cc->migrate_scanned);
	count_vm_events(KCOMPACTD_FREE_SCANNED, cc->free_scanned);
}

static void kcompactd_zone(struct compact_control *cc, struct zone *zone)
{
	u32 order = (u32)cc->order, status;

	if (compaction_deferred(zone, order))
		return;
	status = compaction_suitable(zone, order, 0, zone->zone_idx);
	if (trace_step_in(compact_suitable, status, zone_id(zone), order, status) != COMPACT_CONTINUE)
		return;
	status = compact_zone(cc, zone, NULL);
	if (status == COMPACT_SUCCESS) {
		compaction_defer_reset(zone, order, false);
	} else if (status == COMPACT_PARTIAL_SKIPPED || status == COMPACT_COMPLETE) {
		drain_zone_all_cpus(zone); /* free pages stranded there might have merged */
		defer_compaction(zone, order);
	}
	count_daemon(cc);
}

/* The zones up to an index, each for a block of the order: how the searches fared in one is known in the next. */
void kcompactd_compact(struct pglist_data *pgdat, u32 order, u32 highest_zoneidx)
{
	struct compact_control cc;
	u32 i;

	init_compact_control(&cc, (s32)order, GFP_KERNEL);
	cc.highest_zoneidx = highest_zoneidx;
	for (i = 0; i <= highest_zoneidx && i < MAX_NR_ZONES; i++)
		if (populated_zone(&pgdat->node_zones[i]))
			kcompactd_zone(&cc, &pgdat->node_zones[i]);
}

/* What kcompactd of a node does each time it is woken. */
void kcompactd(u32 nid)
{
	struct pglist_data *pgdat = READ_ONCE(kdata->node_data[nid]);
	u32 order = (u32)READ_ONCE(pgdat->kcompactd_max_order);
	u32 highest_zoneidx = READ_ONCE(pgdat->kcompactd_highest_zoneidx);

	if (!order || READ_ONCE(pgdat->kcompactd_awake))
		return;
	WRITE_ONCE(pgdat->kcompactd_awake, 1);
	count_vm_events(KCOMPACTD_WAKE, 1);
	trace2(mm_compaction_kcompactd_wake, nid, order);
	kcompactd_compact(pgdat, order, highest_zoneidx);
	if (READ_ONCE(pgdat->kcompactd_max_order) <= (s32)order)
		WRITE_ONCE(pgdat->kcompactd_max_order, 0);
	if (READ_ONCE(pgdat->kcompactd_highest_zoneidx) >= highest_zoneidx)
		WRITE_ONCE(pgdat->kcompactd_highest_zoneidx, (u32)pgdat->nr_zones - 1);
	WRITE_ONCE(pgdat->kcompactd_awake, 0);
}

/* ---- ahead of need ---- */

/* 0..100: how much of the zone's free memory lies in blocks too small for a huge page. */
u32 fragmentation_score_zone(const struct zone *zone)
{
	u64 pages = 0, suitable = 0;
	u32 o;

	for (o = 0; o < MAX_ORDER; o++) {
		u64 n = READ_ONCE(zone->free_area[o].nr_free);

		pages += n << o;
		if (o >= HUGE_PAGE_ORDER)
			suitable += n << o;
	}
	return pages ? (u32)((pages - suitable) * 100 / pages) : 0;
}

/* The zones' scores by their part of the node. */
static u32 fragmentation_score_node(const struct pglist_data *pgdat)
{
	u64 all = READ_ONCE(pgdat->node_present_pages) + 1, score = 0;
	u32 i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		const struct zone *zone = &pgdat->node_zones[i];
		u64 present = READ_ONCE(zone->present_pages);

		if (present)
			score += present * fragmentation_score_zone(zone) / all;
	}
	return (u32)score;
}

/* Compaction begins above the high mark and goes on to the low one. */
u32 fragmentation_score_wmark(bool low)
{
	u32 proactiveness = READ_ONCE(kdata->compaction_proactiveness);
	u32 mark = proactiveness > 95 ? 5 : 100 - proactiveness;

	return low ? mark : min(mark + 10, 100u);
}

static void compact_all_zones(struct pglist_data *pgdat, u32 mode, bool proactive)
{
	struct compact_control cc;
	u32 i;

	init_compact_control(&cc, WHOLE_ZONE_ORDER, GFP_KERNEL);
	cc.mode = mode;
	cc.ignore_skip_hint = cc.whole_zone = true;
	cc.proactive = proactive;
	for (i = 0; i < MAX_NR_ZONES; i++) {
		if (!populated_zone(&pgdat->node_zones[i]))
			continue;
		compact_zone(&cc, &pgdat->node_zones[i], NULL);
		if (proactive)
			count_daemon(&cc);
	}
}

/*
 * What kcompactd does unasked, every 500 ms: compact a node whose score is above
 * the high mark. Without progress it leaves out the next 63 times.
 */
void proactive_compact(u32 nid)
{
	struct pglist_data *pgdat = READ_ONCE(kdata->node_data[nid]);
	u32 before;

	if (!READ_ONCE(kdata->compaction_proactiveness) || !READ_ONCE(pgdat->lru_used) ||
	    READ_ONCE(pgdat->kcompactd_awake))
		return;
	if (READ_ONCE(pgdat->proactive_deferred)) {
		WRITE_ONCE(pgdat->proactive_deferred, READ_ONCE(pgdat->proactive_deferred) - 1);
		return;
	}
	if (READ_ONCE(pgdat->kswapd_awake))
		return;
	before = fragmentation_score_node(pgdat);
	if (before <= fragmentation_score_wmark(false))
		return;
	WRITE_ONCE(pgdat->kcompactd_awake, 1);
	trace2(mm_compaction_kcompactd_wake, nid, 0);
	compact_all_zones(pgdat, MIGRATE_SYNC_LIGHT, true);
	if (fragmentation_score_node(pgdat) >= before)
		WRITE_ONCE(pgdat->proactive_deferred, (1u << COMPACT_MAX_DEFER_SHIFT) - 1);
	WRITE_ONCE(pgdat->kcompactd_awake, 0);
}

/* The administrator's order: compact all zones of a node as far as it goes. */
void compact_node(u32 nid)
{
	compact_all_zones(READ_ONCE(kdata->node_data[nid]), MIGRATE_SYNC, false);
}
