/*
 * dump.c - a dump of the kernel's state against the allocators' own: pages.
 *
 * Every list in order, every count and mark. What the dump does not mention
 * must be empty here. Left out: a CPU's `expire` (it counts rounds in which
 * counters changed that only a whole kernel has).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/validate/dump.h"

/* ---- counting ---- */

void dump_count(struct dump *d, bool equal, const char *what, const char *ours)
{
	struct replay *v = d->v;
	struct validate_result *result = v->result;
	struct validate_miss *miss;
	char text[256];

	d->snapshot->lists++;
	if (equal)
		return;
	d->snapshot->different++;
	if (result->nr_misses >= v->options->shown)
		return;
	if (!result->misses)
		result->misses = calloc(v->options->shown, sizeof(*result->misses));
	if (!result->misses)
		return;
	miss = &result->misses[result->nr_misses++];
	miss->line = v->cursor + 1;
	snprintf(text, sizeof(text), "%s:%u: %.*s%s", d->file, d->line, 160, what,
		 strlen(what) > 160 ? " ..." : "");
	miss->expected = strdup(text);
	miss->came = strdup(ours);
	miss->state = strdup("");
}

/* ---- words ---- */

bool dump_key(const char *line, const char *key, u64 *value, int base)
{
	size_t length = strlen(key);

	for (const char *at = line; (at = strstr(at, key)); at += length)
		if (at > line && at[-1] == ' ' && at[length] == '=') {
			*value = strtoull(at + length + 1, NULL, base);
			return true;
		}
	return false;
}

static u64 key(const char *line, const char *name, int base)
{
	u64 value = ~0ull;

	dump_key(line, name, &value, base);
	return value;
}

/* Unsigned numbers after the first word; returns the place behind them, or NULL. */
const char *dump_numbers(const char *line, u64 *numbers, u32 n)
{
	line = strchr(line, ' ');
	for (u32 i = 0; i < n; i++) {
		char *end;

		if (!line)
			return NULL;
		numbers[i] = strtoull(line, &end, 10);
		if (end == line)
			return NULL;
		line = end;
	}
	return line;
}

static struct zone *zone_at(const struct dump *d, u64 node, u64 idx)
{
	return node < d->v->nr_nodes && idx < MAX_NR_ZONES ? zone_of(node << 8 | idx) : NULL;
}

/* ---- lists of pages ---- */

/* Recorded frame as ours, if wrong answers are to be made good. */
static u64 frame(const struct dump *d, u64 recorded)
{
	return d->v->options->resync && renamed(d->v) ? page_to_pfn(page_of(d->v,
									    recorded)) : recorded;
}

static void compare_list(struct dump *d, const char *line, const char *pfns,
			 const struct list_head *list)
{
	const struct list_head *p = list->next;
	char ours[128] = "";
	u32 n = 0;

	for (;; p = p->next, n++) {
		char *end;
		u64 pfn = strtoull(pfns, &end, 16);
		bool ended = end == pfns;

		if (ended && p == list) {
			dump_count(d, true, line, "");
			return;
		}
		if (ended || p == list ||
		    page_to_pfn(container_of(p, struct page, lru)) != frame(d, pfn))
			break;
		pfns = end;
	}
	if (p == list)
		snprintf(ours, sizeof(ours), "ends after %u", n);
	else
		snprintf(ours, sizeof(ours), "entry %u is %llx", n,
			 (unsigned long long)page_to_pfn(container_of(p, struct page, lru)));
	dump_count(d, false, line, ours);
}

static const char *pfns_of(const char *at)
{
	at = at ? strchr(at, ':') : NULL;
	return at ? at + 1 : NULL;
}

static int dump_broken(struct dump *d, const char *line)
{
	return kms_fail(d->v->err, KMS_EUSAGE, "%s/%s:%u: found \"%.60s\", which makes no sense",
			d->v->r.dir, d->file, d->line, line);
}

static int compare_free(struct dump *d, const char *line)
{
	u64 w[4];
	const char *pfns = pfns_of(dump_numbers(line, w, 4));
	struct zone *zone;

	if (!pfns || w[2] >= MAX_ORDER || w[3] >= MIGRATE_TYPES)
		return dump_broken(d, line);
	zone = zone_at(d, w[0], w[1]);
	if (!zone)
		return dump_broken(d, line);
	d->free_seen[w[0]][w[1]][w[2]] |= (u8)(1u << w[3]);
	compare_list(d, line, pfns, &zone->free_area[w[2]].free_list[w[3]]);
	return 0;
}

static int compare_nfree(struct dump *d, const char *line)
{
	u64 w[4];
	struct zone *zone;
	char ours[64];

	if (!dump_numbers(line, w, 4) || w[2] >= MAX_ORDER || !(zone = zone_at(d, w[0], w[1])))
		return dump_broken(d, line);
	snprintf(ours, sizeof(ours), "%llu", (unsigned long long)zone->free_area[w[2]].nr_free);
	dump_count(d, zone->free_area[w[2]].nr_free == w[3], line, ours);
	return 0;
}

static int compare_pcpl(struct dump *d, const char *line)
{
	u64 w[4];
	const char *pfns = pfns_of(dump_numbers(line, w, 4));
	struct zone *zone;

	if (!pfns || w[2] >= d->v->nr_cpus || w[3] >= NR_PCP_LISTS || !(zone = zone_at(d, w[0],
										       w[1])))
		return dump_broken(d, line);
	d->pcp_seen[w[0]][w[1]][w[2]] |= (u16)(1u << w[3]);
	compare_list(d, line, pfns, &per_cpu_ptr(zone->per_cpu_pageset, w[2])->lists[w[3]]);
	return 0;
}

static int compare_pcp(struct dump *d, const char *line)
{
	const struct per_cpu_zonestat *stat;
	const struct per_cpu_pages *pcp;
	struct zone *zone;
	char ours[160];
	u64 w[3];

	if (!dump_numbers(line, w, 3) || w[2] >= d->v->nr_cpus || !(zone = zone_at(d, w[0], w[1])))
		return dump_broken(d, line);
	pcp = per_cpu_ptr(zone->per_cpu_pageset, w[2]);
	stat = per_cpu_ptr(zone->per_cpu_zonestats, w[2]);
	snprintf(ours, sizeof(ours),
		 "count=%d high=%d batch=%d free_factor=%d nr_free_diff=%d stat_threshold=%d",
		 pcp->count, pcp->high, pcp->batch, pcp->free_factor, stat->vm_stat_diff[NR_FREE_PAGES],
		 stat->stat_threshold);
	dump_count(d, (s32)key(line, "count", 10) == pcp->count && (s32)key(line, "high",
									    10) == pcp->high &&
		   (s32)key(line, "batch", 10) == pcp->batch &&
		   (s16)key(line, "free_factor", 10) == pcp->free_factor &&
		   (s8)key(line, "nr_free_diff", 10) == stat->vm_stat_diff[NR_FREE_PAGES] &&
		   (s8)key(line, "stat_threshold", 10) == stat->stat_threshold, line, ours);
	return 0;
}

/* ---- zones ---- */

static bool reserves_equal(const struct zone *zone, const char *line)
{
	const char *at = strstr(line, "lowmem_reserve=");

	at = at ? at + 15 : NULL;
	for (u32 i = 0; at && i < MAX_NR_ZONES; i++) {
		if (strtoull(at, NULL, 10) != zone->lowmem_reserve[i])
			return false;
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return true;
}

static int compare_zone(struct dump *d, const char *line)
{
	struct zone *zone;
	char ours[400];
	u64 w[2];

	if (!dump_numbers(line, w, 2) || !(zone = zone_at(d, w[0], w[1])))
		return dump_broken(d, line);
	snprintf(ours, sizeof(ours),
		 "managed=%llu wmin=%llu wlow=%llu whigh=%llu wpromo=%llu boost=%llu "
		 "nr_free_pages=%lld flags=%llx nr_highatomic=%llu lowmem_reserve=%llu,%llu,%llu,%llu",
		 (unsigned long long)zone->managed_pages, (unsigned long long)zone->_watermark[WMARK_MIN],
		 (unsigned long long)zone->_watermark[WMARK_LOW], (unsigned long long)zone->_watermark[WMARK_HIGH],
		 (unsigned long long)zone->_watermark[WMARK_PROMO], (unsigned long long)zone->watermark_boost,
		 (long long)zone->vm_stat[NR_FREE_PAGES], (unsigned long long)zone->flags,
		 (unsigned long long)zone->nr_reserved_highatomic,
		 (unsigned long long)zone->lowmem_reserve[0], (unsigned long long)zone->lowmem_reserve[1],
		 (unsigned long long)zone->lowmem_reserve[2], (unsigned long long)zone->lowmem_reserve[3]);
	dump_count(d, key(line, "start_pfn", 16) == zone->zone_start_pfn &&
		   key(line, "spanned", 10) == zone->spanned_pages &&
		   key(line, "present", 10) == zone->present_pages &&
		   key(line, "managed", 10) == zone->managed_pages &&
		   key(line, "wmin", 10) == zone->_watermark[WMARK_MIN] &&
		   key(line, "wlow", 10) == zone->_watermark[WMARK_LOW] &&
		   key(line, "whigh", 10) == zone->_watermark[WMARK_HIGH] &&
		   key(line, "wpromo", 10) == zone->_watermark[WMARK_PROMO] &&
		   key(line, "boost", 10) == zone->watermark_boost &&
		   (s64)key(line, "nr_free_pages", 10) == zone->vm_stat[NR_FREE_PAGES] &&
		   key(line, "flags", 16) == zone->flags &&
		   key(line, "nr_highatomic", 10) == zone->nr_reserved_highatomic &&
		   (s32)key(line, "pageset_high", 10) == zone->pageset_high &&
		   (s32)key(line, "pageset_batch", 10) == zone->pageset_batch &&
		   reserves_equal(zone, line), line, ours);
	return 0;
}

/* One digit a pageblock; x where there is no memory. */
static int compare_pageblocks(struct dump *d, const char *line)
{
	const char *digit = pfns_of(line);
	struct zone *zone;
	char ours[64] = "";
	u64 w[2], pfn;

	if (!digit || !dump_numbers(line, w, 2) || !(zone = zone_at(d, w[0], w[1])))
		return dump_broken(d, line);
	pfn = ALIGN_DOWN(zone->zone_start_pfn, PAGEBLOCK_NR_PAGES);
	for (; *digit && !ours[0]; digit++, pfn += PAGEBLOCK_NR_PAGES)
		if (*digit != 'x' && *digit != ' ' &&
		    (u32)(*digit - '0') != get_pageblock_migratetype(pfn))
			snprintf(ours, sizeof(ours), "pageblock at %llx is of type %u",
				 (unsigned long long)pfn, get_pageblock_migratetype(pfn));
	dump_count(d, !ours[0], line, ours);
	return 0;
}

static int compare_zonelist(struct dump *d, const char *line)
{
	const char *at = pfns_of(line);
	const struct zoneref *ref;
	u64 node, list, w, idx;

	if (!at || !dump_key(line, "nid", &node, 10) || !dump_key(line, "list", &list, 10) ||
	    node >= d->v->nr_nodes || list > 1)
		return dump_broken(d, line);
	ref = kdata->node_data[node]->node_zonelists[list]._zonerefs;
	for (;; ref++) {
		char *end;

		w = strtoull(at, &end, 10);
		if (end == at || *end != '/')
			break;
		idx = strtoull(end + 1, &end, 10);
		if (!ref->zone || (u64)ref->zone->node != w || (u64)ref->zone_idx != idx) {
			dump_count(d, false, line, "another zone comes");
			return 0;
		}
		at = end;
	}
	dump_count(d, !ref->zone, line, "there are more");
	return 0;
}

static int compare_param(struct dump *d, const char *line)
{
	/* before its computation min_free_kbytes has a fixed value that nothing uses */
	bool early = !kdata->min_free_kbytes;
	char ours[128];

	snprintf(ours, sizeof(ours), "min_free_kbytes=%llu totalreserve_pages=%llu gfp_allowed=%x",
		 (unsigned long long)kdata->min_free_kbytes, (unsigned long long)kdata->totalreserve_pages,
		 kdata->gfp_allowed_mask);
	dump_count(d, (early || key(line, "min_free_kbytes", 10) == kdata->min_free_kbytes) &&
		   key(line, "totalreserve_pages", 10) == kdata->totalreserve_pages &&
		   key(line, "mobility_disabled",
		       10) == kdata->page_group_by_mobility_disabled, line, ours);
	return 0;
}

/* ---- what was not mentioned ---- */

static void check_unseen_free(struct dump *d, const struct zone *zone)
{
	char what[96];

	for (u32 order = 0; order < MAX_ORDER; order++)
		for (u32 mt = 0; mt < MIGRATE_TYPES; mt++) {
			if (d->free_seen[zone->node][zone->zone_idx][order] >> mt & 1 ||
			    list_empty(&zone->free_area[order].free_list[mt]))
				continue;
			snprintf(what, sizeof(what), "nothing about zone %d/%u, order %u, type %u",
				 zone->node, zone->zone_idx, order, mt);
			dump_count(d, false, what, "the list is not empty");
		}
}

static void check_unseen_pcp(struct dump *d, const struct zone *zone)
{
	char what[96];

	for (u32 cpu = 0; cpu < d->v->nr_cpus; cpu++)
		for (u32 i = 0; i < NR_PCP_LISTS; i++) {
			if (d->pcp_seen[zone->node][zone->zone_idx][cpu] >> i & 1 ||
			    list_empty(&per_cpu_ptr(zone->per_cpu_pageset, cpu)->lists[i]))
				continue;
			snprintf(what, sizeof(what), "nothing about zone %d/%u, CPU %u, list %u",
				 zone->node, zone->zone_idx, cpu, i);
			dump_count(d, false, what, "the list is not empty");
		}
}

static void check_unseen(struct dump *d)
{
	for (u32 nid = 0; nid < d->v->nr_nodes; nid++)
		for (u32 idx = 0; idx < MAX_NR_ZONES; idx++) {
			const struct zone *zone = zone_at(d, nid, idx);

			if (!zone)
				continue;
			check_unseen_free(d, zone);
			check_unseen_pcp(d, zone);
		}
}

/* ---- the whole dump ---- */

static int compare_line(struct dump *d, char *line)
{
	static const struct {
		const char *word;
		int (*compare)(struct dump *d, const char *line);
	} kinds[] = {
		{"FREE ", compare_free}, {"NFREE ", compare_nfree}, {"PCPL ", compare_pcpl},
		{"PCP ", compare_pcp}, {"ZONE ", compare_zone}, {"PB ", compare_pageblocks},
		{"ZONELIST ", compare_zonelist}, {"PARAM ", compare_param}, {"CACHE ", dump_cache},
		{"CPUSLAB ", dump_cpu_slab}, {"CPUPART ", dump_cpu_partial}, {"NODE ", dump_node},
		{"NPART ", dump_node_partial}, {"SLABPAGE ", dump_slab_page},
	};
	int rc = 0;

	if (d->v->r.layer != LAYER_SLUB && dump_layer_line(d, line, &rc))
		return rc;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(kinds); i++)
		if (!strncmp(line, kinds[i].word, strlen(kinds[i].word)))
			return kinds[i].compare(d, line);
	return 0;
}

static struct validate_snapshot *new_snapshot(struct validate_result *result, const char *file)
{
	size_t n = result->nr_snapshots, length = strlen(file);
	struct validate_snapshot *more = realloc(result->snapshots, (n + 1) * sizeof(*more));

	if (!more)
		return NULL;
	result->snapshots = more;
	result->nr_snapshots++;
	memset(&more[n], 0, sizeof(more[n]));
	if (length > 4 && !strcmp(file + length - 4, ".txt"))
		length -= 4;
	if (!strncmp(file, "state-", 6)) {
		file += 6;
		length -= 6;
	}
	snprintf(more[n].name, sizeof(more[n].name), "%.*s", (int)length, file);
	return &more[n];
}

static int compare_text(struct dump *d, char *text)
{
	char *save = NULL;
	int rc = 0;

	for (char *line = strtok_r(text, "\n", &save); line && !rc; line = strtok_r(NULL, "\n",
										    &save)) {
		d->line++;
		rc = compare_line(d, line);
	}
	if (!rc) {
		check_unseen(d);
		if (d->v->r.layer == LAYER_SLUB)
			dump_check_slab_pages(d);
		else
			dump_layer_end(d);
	}
	return rc;
}

/* line: "MARK DUMP state-NAME.txt" */
int dump_compare(struct replay *v, const struct line *line)
{
	char words[200], *file, *text;
	struct dump *d;
	size_t bytes;
	int rc;

	line_words(&v->r, line, words, sizeof(words));
	file = words + strlen("MARK DUMP ");
	if (strchr(file, '/'))
		return kms_fail(v->err, KMS_EUSAGE,
				"%s/trace.txt:%u: found \"%s\", expected the name of "
				"a dump", v->r.dir, (u32)(line - v->r.lines) + 1, words);
	if (!recording_has(v->r.dir, file)) {
		v->result->missing_dumps++;
		return 0;
	}
	rc = recording_file(v->r.dir, file, &text, &bytes, v->err);
	if (rc)
		return rc;
	d = calloc(1, sizeof(*d));
	if (d) {
		d->v = v;
		d->file = file;
		d->snapshot = new_snapshot(v->result, file);
	}
	rc = d && d->snapshot ? compare_text(d, text) : kms_fail(v->err, KMS_EFAIL,
								 "out of memory");
	free(d);
	free(text);
	return rc;
}
