/*
 * show_memory.c - sections of `show` about where the bytes are: states, slab caches, zones, call sites.
 */
#include <string.h>

#include "sim/cli/show.h"

static const struct state {
	const char *column, *label;
	bool held;
} states[] = {
	{"requested", "requested", true},
	{"rounding", "lost to size rounding", true},
	{"slab_tail", "lost in slab tails", true},
	{"page_order", "lost to page-order rounding", true},
	{"free_partial", "free objects in partial slabs", true},
	{"cpu_cached", "cached per CPU", true},
	{"free", "free", false},
	{"metadata", "metadata", false},
	{"reserved", "reserved", false},
};
#define NR_STATES KMS_ARRAY_SIZE(states)

static int read_states(struct show *s, const struct query_instant *at, s64 value[NR_STATES])
{
	struct query q;

	query_begin(&q, s->store, s->err,
		    "SELECT requested, rounding, slab_tail, page_order, free_partial, cpu_cached, free, metadata,"
		    " reserved FROM byte_partition WHERE run = ? AND request = ? AND time_ps = ? AND phase = ?",
		    "iiii", s->run, at->request, at->time_ps, at->phase);
	if (query_next(&q))
		for (size_t i = 0; i < NR_STATES; i++)
			value[i] = query_int(&q, (int)i);
	return query_end(&q);
}

static s64 held(const s64 value[NR_STATES])
{
	s64 sum = 0;

	for (size_t i = 0; i < NR_STATES; i++)
		sum += states[i].held ? value[i] : 0;
	return sum;
}

static void json_states(struct show *s, const char *key, const struct query_instant *at,
			const s64 value[NR_STATES])
{
	json_open(&s->json, key, '{');
	json_int(&s->json, "request", at->request);
	json_int(&s->json, "time_ps", at->time_ps);
	json_int(&s->json, "phase", at->phase);
	for (size_t i = 0; i < NR_STATES; i++)
		json_int(&s->json, states[i].column, value[i]);
	json_int(&s->json, "held", held(value));
	json_close(&s->json, '}');
}

static const char *share_of_held(char cell[SHOW_CELL], s64 value, s64 whole)
{
	return show_cell(cell, SHOW_SHARE, whole ? (double)value / (double)whole : 0);
}

static void states_table(const s64 peak[NR_STATES], const s64 end[NR_STATES])
{
	static const char *const headings[] = {"state", "at the peak", "of held", "at the end", "of held"};
	struct cli_table *t = cli_table_new(headings, 5);
	char c[4][SHOW_CELL];

	for (size_t i = 0; i < NR_STATES; i++) {
		const char *cells[] = {
			states[i].label,
			show_cell(c[0], SHOW_BYTES, (double)peak[i]),
			states[i].held ? share_of_held(c[1], peak[i], held(peak)) : "",
			show_cell(c[2], SHOW_BYTES, (double)end[i]),
			states[i].held ? share_of_held(c[3], end[i], held(end)) : "",
		};

		cli_table_row(t, cells);
	}
	cli_table_row(t, (const char *const[]){"held (the first six)",
					       show_cell(c[0], SHOW_BYTES, (double)held(peak)), "",
					       show_cell(c[2], SHOW_BYTES, (double)held(end)), ""});
	cli_table_print(t, stdout);
}

int show_bytes(struct show *s)
{
	s64 peak[NR_STATES] = {0}, end[NR_STATES] = {0};
	struct query_instant at_peak, at_end;
	int found, rc;

	found = query_instants(s->store, s->run, &at_peak, &at_end, s->err);
	if (found < 0)
		return found;
	rc = found ? read_states(s, &at_peak, peak) : 0;
	if (!rc && found)
		rc = read_states(s, &at_end, end);
	if (rc)
		return rc;
	if (s->cli->json) {
		json_open(&s->json, "bytes", '{');
		if (found) {
			json_states(s, "peak", &at_peak, peak);
			json_states(s, "end", &at_end, end);
		}
		json_close(&s->json, '}');
	} else if (found) {
		states_table(peak, end);
	} else {
		printf("no samples of the byte partition\n");
	}
	return 0;
}

int show_caches(struct show *s)
{
	static const struct show_column columns[] = {
		{"cache", "name", SHOW_TEXT},
		{"object", "object_size", SHOW_COUNT},
		{"size", "size", SHOW_COUNT},
		{"slabs", "slabs", SHOW_COUNT},
		{"in use", "inuse", SHOW_COUNT},
		{"slab bytes", "slab_bytes", SHOW_BYTES},
		{"requested", "requested_bytes", SHOW_BYTES},
		{"waste", "waste_bytes", SHOW_BYTES},
		{"rounding", "rounding_bytes", SHOW_BYTES},
		{"tail", "tail_bytes", SHOW_BYTES},
		{"partial", "partial_bytes", SHOW_BYTES},
		{"CPU", "cpu_bytes", SHOW_BYTES},
	};

	return show_query(s, "caches", "no slab caches", columns, KMS_ARRAY_SIZE(columns),
			  "SELECT c.name, c.object_size, c.size, c.slabs, c.inuse, c.slab_bytes, c.requested_bytes,"
			  " w.waste_bytes, c.rounding_bytes, c.tail_bytes, w.partial_bytes, w.cpu_bytes"
			  " FROM slab_cache c JOIN slab_cache_waste w ON w.run = c.run AND w.position = c.position"
			  " WHERE c.run = ?1 ORDER BY w.waste_bytes DESC, c.position LIMIT ?2");
}

int show_zones(struct show *s)
{
	static const struct show_column columns[] = {
		{"node", "node", SHOW_COUNT},
		{"zone", "name", SHOW_TEXT},
		{"managed", "managed", SHOW_COUNT},
		{"free", "free_pages", SHOW_COUNT},
		{"on CPUs", "pcp_pages", SHOW_COUNT},
		{"min", "watermark_min", SHOW_COUNT},
		{"low", "watermark_low", SHOW_COUNT},
		{"high", "watermark_high", SHOW_COUNT},
		{"free blocks, order 0 to 10", "free_blocks", SHOW_TEXT},
	};

	return show_query(s, "zones", "no zones were recorded", columns, KMS_ARRAY_SIZE(columns),
			  "SELECT node, name, managed, free_pages, pcp_pages, watermark_min, watermark_low,"
			  " watermark_high, (SELECT group_concat(free_blocks, ' ') FROM (SELECT free_blocks FROM"
			  " zone_order o WHERE o.run = z.run AND o.node = z.node AND o.zone = z.name"
			  " ORDER BY page_order)) FROM zone z WHERE run = ?1 ORDER BY node, position");
}

/*
 * Kernel and modules ("name [module]") apart. waste=total/each is what the
 * kernel's alloc_traces says of live objects; ~: they do not all waste the same.
 */
int show_sites(struct show *s)
{
	static const struct show_column columns[] = {
		{"call site", "name", SHOW_TEXT},
		{"of", "of", SHOW_TEXT},
		{"allocations", "allocs", SHOW_COUNT},
		{"live", "live", SHOW_COUNT},
		{"live bytes", "live_bytes", SHOW_BYTES},
		{"waste=total/each", "waste", SHOW_TEXT},
		{"waste of live", "waste_bytes", SHOW_BYTES},
		{"waste, all", "waste_bytes_total", SHOW_BYTES},
	};

	return show_query(s, "sites", "no call sites were recorded", columns, KMS_ARRAY_SIZE(columns),
			  "SELECT CASE name WHEN '' THEN '(unknown)' ELSE name END,"
			  " CASE WHEN module THEN 'module' ELSE 'kernel' END, allocs, live, live_bytes,"
			  " CASE WHEN live > 0 THEN printf('%lld/%s%g', waste_bytes,"
			  " CASE WHEN waste_bytes % live THEN '~' ELSE '' END, round(waste_bytes * 1.0 / live, 1)) END,"
			  " waste_bytes, waste_bytes_total FROM"
			  " (SELECT *, row_number() OVER (PARTITION BY module ORDER BY waste_bytes_total DESC, name) AS place"
			  " FROM (SELECT *, name LIKE '%[%]%' AS module FROM call_site WHERE run = ?1))"
			  " WHERE ?2 < 0 OR place <= ?2 ORDER BY module, place");
}
