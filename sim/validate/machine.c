/*
 * machine.c - the recorded machine: CPUs, nodes, zones, memory map.
 *
 * Zones come from the dump before memblock's release, free memory from the
 * release itself. The allocators' own data lies in frames that the recording
 * never gives to the buddy allocator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/validate/dump.h"

#define DUMP_LINE "MARK DUMP "

/* ---- dumps ---- */

/* Name of the file of the next dump that the folder has; false: there is none. */
static bool next_dump_file(const struct replay *v, u32 after, char *name, size_t size)
{
	char words[200];

	for (u32 at = after; at < v->r.nr_lines; at++) {
		if (v->r.lines[at].event != EV_MARK)
			continue;
		line_words(&v->r, &v->r.lines[at], words, sizeof(words));
		if (strncmp(words, DUMP_LINE, strlen(DUMP_LINE)) ||
		    strchr(words + strlen(DUMP_LINE), '/') ||
		    !recording_has(v->r.dir, words + strlen(DUMP_LINE)))
			continue;
		snprintf(name, size, "%s", words + strlen(DUMP_LINE));
		return true;
	}
	return false;
}

/* ---- zones and CPUs ---- */

static int read_zone(struct replay *v, const char *text)
{
	struct mm_zone_boot *z = &v->zones[v->nr_zones];
	unsigned long start, spanned, present;
	u32 node, idx;

	if (sscanf(text, "ZONE %u %u name=%*s start_pfn=%lx spanned=%lu present=%lu", &node, &idx,
		   &start, &spanned, &present) != 5 || node >= 64 || idx >= MAX_NR_ZONES ||
	    v->nr_zones == KMS_ARRAY_SIZE(v->zones))
		return -1;
	*z = (struct mm_zone_boot){ node, idx, start, spanned, present };
	v->nr_zones++;
	v->nr_nodes = node + 1 > v->nr_nodes ? node + 1 : v->nr_nodes;
	v->max_pfn = start + spanned > v->max_pfn ? start + spanned : v->max_pfn;
	return 0;
}

static int read_zones(struct replay *v)
{
	char *text, *line, *save = NULL, file[200];
	size_t bytes;
	u32 nr = 0;
	int rc;

	if (!next_dump_file(v, 0, file, sizeof(file)))
		return kms_fail(v->err, KMS_EUSAGE, "%s: none of the dumps that its trace names is "
				"there, expected state-before_mem_init.txt", v->r.dir);
	rc = recording_file(v->r.dir, file, &text, &bytes, v->err);
	if (rc)
		return rc;
	for (line = strtok_r(text, "\n", &save); line && !rc; line = strtok_r(NULL, "\n", &save)) {
		nr++;
		if (!strncmp(line, "ZONE ", 5) && read_zone(v, line))
			rc = kms_fail(v->err, KMS_EUSAGE,
				      "%s/%s:%u: found \"%.60s\", expected "
				      "\"ZONE node index name= start_pfn= spanned= present=\"",
				      v->r.dir, file, nr, line);
	}
	free(text);
	if (!rc && !v->nr_zones)
		rc = kms_fail(v->err, KMS_EUSAGE, "%s/%s: no zone in it", v->r.dir, file);
	return rc;
}

/* The dump's first line that begins with a word. */
static bool dump_value(struct replay *v, const char *file, const char *word, const char *key,
		       u64 *value)
{
	struct kms_error ignored = { 0 };
	char *text, *line;
	bool found = false;
	size_t bytes;

	if (recording_file(v->r.dir, file, &text, &bytes, &ignored))
		return false;
	for (line = text; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
		char *end = strchr(line, '\n');

		if (strncmp(line, word, strlen(word)))
			continue;
		if (end)
			*end = 0;
		found = dump_key(line, key, value, 10);
		break;
	}
	free(text);
	return found;
}

bool machine_next_dump(struct replay *v, u32 after, const char *word, const char *key, u64 *value)
{
	char file[200];

	return next_dump_file(v, after, file, sizeof(file)) && dump_value(v, file, word, key, value);
}

bool machine_first_dump(struct replay *v, const char *word, const char *key, u64 *value)
{
	return machine_next_dump(v, 0, word, key, value);
}

/* ---- pageblocks ---- */

static void holes_of_zone(struct replay *v, const char *digit, u64 pfn, bool first, u32 *missing)
{
	for (; *digit && *digit != '\n'; digit++, pfn += PAGEBLOCK_NR_PAGES) {
		if (*digit == 'x') {
			++*missing;
		} else if (first && *digit >= '0' && *digit <= '7' && pfn < v->max_pfn) {
			u64 *word = pageblock_word(pfn);

			*word &= ~(PAGEBLOCK_MASK << pageblock_shift(pfn));
			*word |= (u64)(*digit - '0') << pageblock_shift(pfn);
		}
	}
}

/*
 * Zones span holes: pageblocks there have no type given, which only the dump of the
 * empty buddy allocator tells, or do not exist at all, which every dump tells.
 */
void machine_holes(struct replay *v)
{
	bool first;
	struct kms_error ignored = { 0 };
	char file[200] = "", *text;
	size_t bytes;

	if (!next_dump_file(v, 0, file, sizeof(file)) ||
	    recording_file(v->r.dir, file, &text, &bytes, &ignored))
		return;
	first = strstr(file, "before_mem_init");
	for (char *line = text; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
		const char *digits = strchr(line, ':');
		u32 node, zone;

		if (!digits || sscanf(line, "PB %u %u", &node, &zone) != 2 || node >= v->nr_nodes ||
		    zone >= MAX_NR_ZONES)
			continue;
		digits += 1 + (digits[1] == ' ');
		holes_of_zone(v, digits,
			      ALIGN_DOWN(kdata->node_data[node]->node_zones[zone].zone_start_pfn,
					 PAGEBLOCK_NR_PAGES), first, &v->missing_blocks[node][zone]);
	}
	free(text);
}

/* ---- CPUs ---- */

/* CPUs that have per-CPU lists in the last dump: all that are possible. */
static void find_dumped_cpus(struct replay *v)
{
	struct kms_error ignored = { 0 };
	char file[200] = "", *text;
	size_t bytes;

	for (u32 at = v->r.nr_lines; at-- > 0 && !file[0];)
		if (v->r.lines[at].event == EV_MARK)
			next_dump_file(v, at, file, sizeof(file));
	if (!file[0] || recording_file(v->r.dir, file, &text, &bytes, &ignored))
		return;
	for (char *line = text; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
		u32 cpu;

		if (sscanf(line, "PCP %*u %*u %u", &cpu) == 1 && cpu < MEMBLOCK_MAX_CPUS &&
		    cpu >= v->nr_cpus)
			v->nr_cpus = cpu + 1;
	}
	free(text);
}

/*
 * The size of slabs depends on the CPUs that are present, if that is more than
 * one; all possible ones usually are.
 */
static void find_present_cpus(struct replay *v, const char *dmesg)
{
	const char *at = strstr(dmesg, "smpboot: Allowing ");
	u32 allowed, absent;

	if (!at || sscanf(at, "smpboot: Allowing %u CPUs, %u hotplug CPUs", &allowed, &absent) != 2 ||
	    !absent || absent >= allowed || allowed - absent < 2 || v->params.slub_min_objects)
		return;
	v->params.slub_min_objects = 4 * ((u64)fls(allowed - absent) + 1);
}

/* Possible CPUs, also those that never showed up: slab geometry depends on their number. */
static void find_possible_cpus(struct replay *v)
{
	struct kms_error ignored = { 0 };
	const char *at;
	size_t bytes;
	char *text;

	if (recording_file(v->r.dir, "dmesg.txt", &text, &bytes, &ignored))
		return;
	at = strstr(text, "nr_cpu_ids:");
	find_present_cpus(v, text);
	if (at && strtoul(at + 11, NULL, 10) <= MEMBLOCK_MAX_CPUS && strtoul(at + 11, NULL,
									     10) > v->nr_cpus)
		v->nr_cpus = (u32)strtoul(at + 11, NULL, 10);
	free(text);
}

/* A CPU's node is the one it prefers most often. */
static void find_cpus(struct replay *v)
{
	static u32 votes[MEMBLOCK_MAX_CPUS][64];

	memset(votes, 0, sizeof(votes));
	for (u32 i = 0; i < v->r.nr_lines; i++) {
		const struct line *line = &v->r.lines[i];

		if (line->cpu >= v->nr_cpus)
			v->nr_cpus = line->cpu + 1u;
		if (line->event == EV_PG_ALLOC)
			votes[line->cpu][line_arg(&v->r, line, 3) & 63]++;
	}
	find_possible_cpus(v);
	find_dumped_cpus(v);
	for (u32 cpu = 0; cpu < v->nr_cpus; cpu++)
		for (u32 node = 1; node < v->nr_nodes; node++)
			if (votes[cpu][node] > votes[cpu][v->cpu_node[cpu]])
				v->cpu_node[cpu] = (u8)node;
}

/* ---- memory ---- */

static int by_pfn(const void *a, const void *b)
{
	const struct mm_range *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static void add_range(struct mm_range *ranges, u32 *nr, u64 pfn, u64 end)
{
	if (*nr && ranges[*nr - 1].end == pfn)
		ranges[*nr - 1].end = end;
	else
		ranges[(*nr)++] = (struct mm_range){ pfn, end };
}

static void merge_ranges(struct mm_range *ranges, u32 *nr)
{
	u32 kept = 0;

	qsort(ranges, *nr, sizeof(*ranges), by_pfn);
	for (u32 i = 0; i < *nr; i++)
		add_range(ranges, &kept, ranges[i].pfn, ranges[i].end);
	*nr = kept;
}

/* What memblock released, and what came to the buddy allocator later without an allocation. */
static int find_memory(struct replay *v)
{
	struct recording *r = &v->r;
	u8 *known = calloc(v->max_pfn + 1024, 1);
	u32 frees = 0;

	for (u32 i = 0; i < r->nr_lines; i++)
		frees += r->lines[i].event == EV_PG_FREE;
	v->free = calloc(frees + 1, sizeof(*v->free));
	v->late = calloc(frees + 1, sizeof(*v->late));
	v->released = calloc(v->max_pfn + 1024, 1);
	if (!known || !v->free || !v->late || !v->released) {
		free(known);
		return kms_fail(v->err, KMS_EFAIL, "out of memory for the memory map");
	}
	for (u32 i = 0; i < r->nr_lines; i++) {
		const struct line *line = &r->lines[i];
		u64 pfn, n;
		bool boot;

		if (line->event != EV_PG_FREE || line->passed)
			continue;
		pfn = line_arg(r, line, 0);
		n = 1ull << (line_arg(r, line, 1) & 15);
		if (pfn + n > v->max_pfn || known[pfn])
			continue;
		boot = line->op != NO_OP && v->o.ops[line->op].kind == OP_BOOT;
		memset(known + pfn, 1, n);
		if (boot) {
			memset(v->released + pfn, 1, n);
			add_range(v->free, &v->nr_free, pfn, pfn + n);
		} else {
			add_range(v->late, &v->nr_late, pfn, pfn + n);
		}
	}
	free(known);
	merge_ranges(v->free, &v->nr_free);
	merge_ranges(v->late, &v->nr_late);
	return 0;
}

static bool zone_populated(const struct replay *v, u64 zone)
{
	for (u32 i = 0; i < v->nr_zones; i++)
		if (v->zones[i].node == zone >> 8 && v->zones[i].zone_idx == (zone & 0xff))
			return true;
	return false;
}

/* The kernel also computes marks and list sizes of zones without memory; here nothing does. */
static void pass_empty_zones(struct replay *v)
{
	for (u32 i = 0; i < v->r.nr_lines; i++) {
		struct line *line = &v->r.lines[i];

		if (line->event == EV_PCP_HIGH_BATCH || line->event == EV_WMARK_SET)
			line->passed = !zone_populated(v, line_arg(&v->r, line, 0));
	}
}

/*
 * While it boots, the kernel takes the flags that allow reclaim and I/O out of
 * every request; it is over when the first request that had them keeps them.
 */
static void find_end_of_boot(struct replay *v)
{
	v->boot_over = v->r.nr_lines;
	for (u32 i = 0; i < v->r.nr_lines && v->boot_over == v->r.nr_lines; i++) {
		const struct line *line = &v->r.lines[i];

		if (line->event == EV_PG_ALLOC && line->op != NO_OP &&
		    (line_arg(&v->r, line, 6) & (__GFP_RECLAIM | __GFP_IO | __GFP_FS)))
			v->boot_over = v->o.ops[line->op].first;
	}
}

int machine_zones(struct replay *v)
{
	int rc = read_zones(v);

	if (!rc)
		rc = settings_read(v);
	if (!rc)
		pass_empty_zones(v);
	return rc;
}

int machine_read(struct replay *v)
{
	find_cpus(v);
	find_end_of_boot(v);
	return find_memory(v);
}

/*
 * How far nodes lie apart is not recorded, only in which order each one's
 * requests try the others. Distances that grow along that order give it again.
 */
static void set_distances(struct replay *v)
{
	struct kms_error ignored = { 0 };
	char file[200], *text, *line;
	size_t bytes;

	if (v->nr_nodes < 3 || !next_dump_file(v, 0, file, sizeof(file)) ||
	    recording_file(v->r.dir, file, &text, &bytes, &ignored))
		return;
	for (line = text; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
		u32 node, list, rank = 0, length;
		int at = 0;
		u64 seen = 0, other, zone;

		if (sscanf(line, "ZONELIST nid=%u list=%u :%n", &node, &list, &at) != 2 || !at ||
		    list || node >= v->nr_nodes)
			continue;
		for (char *word = line + at; sscanf(word, " %llu/%llu%n", (unsigned long long *)&other,
						    (unsigned long long *)&zone,
						    (int *)&length) == 2; word += length) {
			if (other >= v->nr_nodes || seen >> other & 1)
				continue;
			seen |= 1ull << other;
			v->mb.node_distance[node * v->nr_nodes + other] = (u8)(10 + 3 * rank++);
		}
	}
	free(text);
}

int machine_set_up(struct replay *v)
{
	const struct memblock_recording recorded = {
		.nr_cpus = v->nr_cpus, .nr_nodes = v->nr_nodes, .cpu_node = v->cpu_node,
		.zones = v->zones, .nr_zones = v->nr_zones, .free = v->free, .nr_free = v->nr_free,
		.late = v->late, .nr_late = v->nr_late,
		/* SLAB: a kilobyte an array, one for each slab cache */
		.percpu_unit_bytes = v->r.layer == LAYER_SLAB ? 512u << 10 : 0,
	};
	const struct rt_config config = { 0 };
	int rc;

	kms_set_params(&v->params);
	rc = memblock_from_recording(&v->mb, &recorded, v->err);
	if (rc)
		return rc;
	v->mapped = true;
	set_distances(v);
	rc = memblock_map(&v->mb, v->err);
	if (!rc)
		rc = rt_init(&config, v->nr_cpus, v->err);
	if (rc)
		return rc;
	for (u32 cpu = 0; cpu < v->nr_cpus; cpu++)
		rt_set_percpu(cpu, PAGE_OFFSET + v->mb.boot.percpu_phys[cpu]);
	v->mb.boot.params = &v->params;
	rt_enter_cpu(0);
	return 0;
}
