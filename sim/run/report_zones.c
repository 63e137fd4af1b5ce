/*
 * report_zones.c - the page allocator's end state to the database: zones, free
 * blocks, pageblocks, per-CPU lists and the kernel's own counters.
 */
#include "sim/run/internal.h"

#include <string.h>

#define MAX_ZONES 256

static int report_pcp(struct run *run, const struct mm_zone_info *z, struct kms_error *err)
{
	int ret = 0;

	for (u32 cpu = 0; cpu < mm_inspect_cpus() && !ret; cpu++) {
		struct mm_pcp_info pcp;
		struct store_pcp row = { .node = z->node, .zone = z->name, .cpu = cpu };

		mm_inspect_pcp(z->node, z->zone_idx, cpu, &pcp);
		row.pages = pcp.count;
		row.high = pcp.high;
		row.batch = pcp.batch;
		row.high_min = pcp.high_min;
		row.high_max = pcp.high_max;
		row.stat_threshold = pcp.stat_threshold;
		ret = store_pcp(run->store, &row, err);
	}
	return ret;
}

static int report_zone(struct run *run, const struct mm_zone_info *z, struct kms_error *err)
{
	struct mm_zone_types types;
	struct store_zone row = {
		.node = z->node, .index = z->zone_idx, .name = z->name, .start_pfn = z->start_pfn,
		.spanned = z->spanned, .present = z->present, .managed = z->managed,
		.free_pages = z->nr_free_pages, .pcp_pages = z->pcp_pages,
		.watermark_min = z->watermark[0], .watermark_low = z->watermark[1],
		.watermark_high = z->watermark[2], .watermark_promo = z->watermark[3],
		.watermark_boost = z->watermark_boost, .free_counter = z->free_counter,
		.highatomic = z->highatomic,
	};
	int ret;

	mm_inspect_zone_types(z->node, z->zone_idx, &types);
	memcpy(row.nr_free, z->nr_free, sizeof(row.nr_free));
	memcpy(row.nr_free_type, types.nr_free, sizeof(row.nr_free_type));
	for (u32 mt = 0; mt < STORE_MIGRATETYPES; mt++)
		row.pageblocks[mt] = types.pageblocks[mt];
	memcpy(row.reserve, z->reserve, sizeof(row.reserve));
	ret = store_zone(run->store, &row, err);
	return ret ? ret : report_pcp(run, z, err);
}

int report_zones(struct run *run, struct kms_error *err)
{
	static struct mm_zone_info zones[MAX_ZONES];
	u32 n = mm_inspect_zones(zones, MAX_ZONES);
	int ret = 0;

	for (u32 i = 0; i < n && !ret; i++)
		ret = report_zone(run, &zones[i], err);
	return ret;
}

/* Where the counters that are being listed belong. */
struct counter_rows {
	struct run *run;
	int node;
	const char *zone;
	struct kms_error *err;
	int ret;
};

static void store_one(void *arg, const char *name, s64 value)
{
	struct counter_rows *r = arg;

	if (!r->ret)
		r->ret = store_vm_counter(r->run->store, r->node, r->zone, name, value, r->err);
}

int report_vm_counters(struct run *run, struct kms_error *err)
{
	static struct mm_zone_info zones[MAX_ZONES];
	struct counter_rows rows = { run, -1, "", err, 0 };
	u32 n = mm_inspect_zones(zones, MAX_ZONES);
	int last_node = -1;

	mm_inspect_events(store_one, &rows);
	for (u32 i = 0; i < n; i++) {
		rows.node = (int)zones[i].node;
		rows.zone = "";
		if (rows.node != last_node)
			mm_inspect_node_counters(zones[i].node, store_one, &rows);
		last_node = rows.node;
		rows.zone = zones[i].name;
		mm_inspect_zone_counters(zones[i].node, zones[i].zone_idx, store_one, &rows);
	}
	return rows.ret;
}
