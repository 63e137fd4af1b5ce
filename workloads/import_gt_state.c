/*
 * import_gt_state.c - the machine that was recorded, from the state dumps.
 *
 * state-before_mem_init tells zones and nodes; state-start, taken once the
 * machine is up, how many CPUs came online and min_free_kbytes. The kernel's
 * version comes from dmesg.txt where there is one.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/import_gt.h"

typedef unsigned long long ull;

#define MAX_NODES 64u
#define MAX_ZONES 4u
#define MAX_PAGES (1ull << 30) /* 4 TiB: a table of all frames is kept */

/* "... key=N ..." (base 10) or key=HEX; false: not on the line. */
static bool value_of(const char *line, const char *key, int base, u64 *value)
{
	const char *at = strstr(line, key);
	char *end;

	if (!at || (at != line && at[-1] != ' '))
		return false;
	at += strlen(key);
	*value = strtoull(at, &end, base);
	return isxdigit((u8)*at) && (*end == ' ' || !*end);
}

/* The words of a ZONE line; false: not all are there, or they make no zone. */
static bool parse_zone(struct kms_zone_def *zone, const char *line)
{
	u64 start, spanned, present;

	if (sscanf(line, "ZONE %u %u", &zone->node, &zone->zone_idx) != 2 ||
	    !value_of(line, "start_pfn=", 16, &start) || !value_of(line, "spanned=", 10, &spanned) ||
	    !value_of(line, "present=", 10, &present))
		return false;
	zone->start_pfn = start;
	zone->spanned = spanned;
	zone->present = present;
	return zone->node < MAX_NODES && zone->zone_idx < MAX_ZONES && start < MAX_PAGES && spanned < MAX_PAGES &&
	       start + spanned <= MAX_PAGES && present <= spanned;
}

static int add_zone(struct gt_import *im, const struct lines *l, const char *line)
{
	struct kms_zone_def zone, *grown;
	u64 start, spanned;

	if (!parse_zone(&zone, line))
		return kms_fail(im->err, KMS_EUSAGE,
				"%s:%llu: found \"%.60s\", expected ZONE node zone ... start_pfn= spanned= present=, with node below "
				"%u, zone below %u, no more pages present than spanned and none from frame %#llx on", l->path,
				(ull)l->number, line, MAX_NODES, MAX_ZONES, MAX_PAGES);
	start = zone.start_pfn;
	spanned = zone.spanned;
	if (!spanned)
		return 0;
	if (im->info.nr_zones == MAX_NODES * MAX_ZONES)
		return kms_fail(im->err, KMS_EUSAGE, "%s:%llu: found one more zone than the %u there can be", l->path,
				(ull)l->number, MAX_NODES * MAX_ZONES);
	grown = realloc(im->info.zones, (im->info.nr_zones + 1) * sizeof(*grown));
	if (!grown)
		return gt_no_memory(im);
	im->info.zones = grown;
	grown[im->info.nr_zones++] = zone;
	if (start + spanned > im->nr_pages)
		im->nr_pages = start + spanned;
	return 0;
}

/* Later dumps overwrite what earlier ones said. */
static int read_dump(struct gt_import *im, const char *directory, const char *name, bool zones)
{
	struct lines l;
	char *line;
	u64 value;
	int ret;

	if (!lines_exist(directory, name))
		return 0;
	ret = lines_open(&l, directory, name, im->err);
	if (ret)
		return ret;
	while ((ret = lines_next(&l, &line, im->err)) > 0) {
		ret = 0;
		if (!strncmp(line, "ZONE ", 5) && zones)
			ret = add_zone(im, &l, line);
		else if (!strncmp(line, "DUMP ", 5) && value_of(line, "nodes=", 10, &value))
			im->info.nr_nodes = (u32)value;
		if (!strncmp(line, "DUMP ", 5) && value_of(line, "online_cpus=", 10, &value) &&
		    value > im->info.nr_cpus)
			im->info.nr_cpus = (u32)value;
		if (!strncmp(line, "PARAM ", 6) && !zones && value_of(line, "min_free_kbytes=", 10, &value))
			im->info.min_free_kbytes = value;
		if (ret)
			break;
	}
	lines_close(&l);
	return ret;
}

static char *kernel_version(const char *directory)
{
	char *path = NULL, line[512], version[64], *text = NULL;
	FILE *f;

	if (asprintf(&path, "%s/dmesg.txt", directory) < 0)
		return NULL;
	f = fopen(path, "r");
	free(path);
	while (f && !text && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "Linux version ");

		if (at && sscanf(at, "Linux version %63s", version) == 1 &&
		    asprintf(&text, "Linux %s", version) < 0)
			text = NULL;
	}
	if (f)
		fclose(f);
	return text ? text : strdup("");
}

static char *source_name(const char *directory)
{
	size_t n = strlen(directory), start;
	char *text;

	while (n > 1 && directory[n - 1] == '/')
		n--;
	for (start = n; start && directory[start - 1] != '/';)
		start--;
	if (asprintf(&text, "kernel recording %.*s", (int)(n - start), directory + start) < 0)
		return NULL;
	return text;
}

/* ---- recordings that begin after boot ---- */

static const char *const boot_dumps[] = {
	"state-before_mem_init.txt", "state-after_mem_init.txt", "state-after_kmem_cache_init.txt",
	"state-start.txt", "state-p1.txt",
};

const char *gt_first_dump(const char *directory)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(boot_dumps); i++)
		if (lines_exist(directory, boot_dumps[i]))
			return boot_dumps[i];
	return NULL;
}

/* Frames of a "FREE node zone order type :" or "PCPL node zone cpu list :" line. */
static void mark_free(const struct gt_import *im, const char *line, u8 *free_pages)
{
	const char *at = strchr(line, ':');
	u32 a, b, c, d, order;
	char *end;

	if (!at || sscanf(line, "%*s %u %u %u %u", &a, &b, &c, &d) != 4)
		return;
	order = line[0] == 'F' ? c : d < 12 ? d / 3 : 9;
	for (at++;; at = end) {
		u64 pfn = strtoull(at, &end, 16), n = 1ull << (order & 15);

		if (end == at)
			return;
		if (pfn + n <= im->nr_pages)
			memset(free_pages + pfn, 1, n);
	}
}

/* What is free when the recording begins is the trace's memory; frames that are freed later join it then. */
static int free_ranges(struct gt_import *im, const char *directory, const char *name)
{
	u8 *free_pages = calloc(im->nr_pages + 1, 1);
	struct kms_workload_info *info = &im->info;
	struct lines l;
	char *line;
	int ret = free_pages ? lines_open(&l, directory, name, im->err) : gt_no_memory(im);

	if (ret) {
		free(free_pages);
		return ret;
	}
	while ((ret = lines_next(&l, &line, im->err)) > 0)
		if (!strncmp(line, "FREE ", 5) || !strncmp(line, "PCPL ", 5))
			mark_free(im, line, free_pages);
	lines_close(&l);
	for (u64 pfn = 0, end; pfn < im->nr_pages && !ret; pfn = end) {
		struct kms_range *grown;

		for (end = pfn + 1; end < im->nr_pages && free_pages[end] == free_pages[pfn];)
			end++;
		if (!free_pages[pfn])
			continue;
		grown = realloc(info->free, (info->nr_free + 1) * sizeof(*grown));
		if (!grown) {
			ret = gt_no_memory(im);
			break;
		}
		info->free = grown;
		grown[info->nr_free++] = (struct kms_range){ pfn, end };
		gt_set_pages(im, pfn, end - pfn, (struct gt_page){ .known = true });
	}
	free(free_pages);
	return ret;
}

/* The kernel is up: the run boots it by itself. */
static int begin_in_middle(struct gt_import *im, const char *directory, const char *dump)
{
	char what[120];

	im->slab_ready = im->pagesets_ready = im->watermarks_ready = true;
	memset(im->cpu_seen, 1, sizeof(im->cpu_seen));
	im->result->begins_in_middle = 1;
	snprintf(what, sizeof(what), "boot, and what was in use before %.60s", dump);
	if (workload_info_leave_out(&im->info, what, 1))
		return gt_no_memory(im);
	return free_ranges(im, directory, dump);
}

int gt_read_state(struct gt_import *im, const char *directory)
{
	const char *first = gt_first_dump(directory);
	int ret = first ? read_dump(im, directory, first, true) :
			  kms_fail(im->err, KMS_EUSAGE, "'%s': there is no state dump", directory);

	if (!ret)
		ret = read_dump(im, directory, "state-start.txt", false);
	if (ret)
		return ret;
	if (!im->info.nr_zones || !im->info.nr_cpus || im->info.nr_cpus > SLOTS_MAX_CPUS ||
	    !im->info.nr_nodes || im->info.nr_nodes > MAX_NODES)
		return kms_fail(im->err, KMS_EUSAGE,
				"'%s': the state dumps tell of %u zones, %u CPUs and %u nodes; expected ZONE lines, and online_cpus= and nodes= on the DUMP line",
				directory, im->info.nr_zones, im->info.nr_cpus, im->info.nr_nodes);
	im->pages = calloc(im->nr_pages, sizeof(*im->pages));
	im->info.source = source_name(directory);
	im->info.kernel = kernel_version(directory);
	if (!im->pages || !im->info.source || !im->info.kernel)
		return gt_no_memory(im);
	return strcmp(first, boot_dumps[0]) ? begin_in_middle(im, directory, first) : 0;
}
