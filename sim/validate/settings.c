/*
 * settings.c - what the recorded kernel was told: at boot, and by sysctl later.
 *
 * Boot parameters and options that change results come from cmdline.txt and
 * kernel.config, where the folder has them, constants of the build from the
 * first dump. What is not modelled is refused by name. Values that an
 * administrator or khugepaged changes while the kernel runs (min_free_kbytes,
 * watermark_scale_factor, watermark_boost_factor) are read off the marks that
 * were computed from them, or off the next dump.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/mm/inspect.h"
#include "sim/validate/replay.h"

#define FAST_PCP_LISTS 14 /* three types of four orders, huge pages of two kinds */
#define FULL_SCALE 10000

/* ---- cmdline.txt ---- */

static void set_number(u64 *to, const char *value)
{
	u64 number = strtoull(value, NULL, 0);

	*to = number ? number : MM_PARAM_ZERO;
}

static int boot_word(struct replay *v, const char *word)
{
	if (!strncmp(word, "slub_min_order=", 15))
		v->params.slub_min_order = strtoull(word + 15, NULL, 0);
	else if (!strncmp(word, "slub_max_order=", 15))
		set_number(&v->params.slub_max_order, word + 15);
	else if (!strncmp(word, "slub_min_objects=", 17))
		v->params.slub_min_objects = strtoull(word + 17, NULL, 0);
	else if (!strcmp(word, "slab_nomerge") || !strcmp(word, "slub_nomerge"))
		v->params.slab_nomerge = true;
	else if (!strcmp(word, "slab_merge") || !strcmp(word, "slub_merge"))
		v->params.slab_nomerge = false;
	else if (!strncmp(word, "slub_debug", 10) && strcmp(word, "slub_debug=-"))
		return kms_fail(v->err, KMS_EUSAGE, "%s/cmdline.txt: \"%.60s\": recordings with "
				"debugged slab caches cannot be replayed", v->r.dir, word);
	else if (!strcmp(word, "page_alloc.shuffle=1") || !strcmp(word, "page_alloc.shuffle=y"))
		return kms_fail(v->err, KMS_EUSAGE, "%s/cmdline.txt: \"%.60s\": shuffled free "
				"lists cannot be replayed", v->r.dir, word);
	return 0;
}

static int read_boot_parameters(struct replay *v)
{
	struct kms_error ignored = { 0 };
	char *text, *word, *save = NULL;
	size_t bytes;
	int rc = 0;

	if (recording_file(v->r.dir, "cmdline.txt", &text, &bytes, &ignored))
		return 0;
	for (word = strtok_r(text, " \n\t", &save); word && !rc;
	     word = strtok_r(NULL, " \n\t", &save))
		rc = boot_word(v, word);
	free(text);
	return rc;
}

/* ---- kernel.config ---- */

/* 'y', 'n' ("is not set"), or 0: not mentioned. */
static char option(const char *config, const char *name)
{
	char line[96];

	snprintf(line, sizeof(line), "\n%s=y", name);
	if (strstr(config, line))
		return 'y';
	snprintf(line, sizeof(line), "\n# %s is not set", name);
	return strstr(config, line) ? 'n' : 0;
}

static int read_options(struct replay *v)
{
	static const struct {
		const char *name, *what;
	} refused[] = {
		{"CONFIG_SLAB_FREELIST_RANDOM", "free lists of new slabs are random"},
		{"CONFIG_SLUB_DEBUG_ON", "debugged slab caches cannot be replayed"},
		{"CONFIG_SLUB_TINY", "SLUB without per-CPU slabs is not modelled"},
	};
	struct kms_error ignored = { 0 };
	size_t bytes;
	char *text;
	int rc = 0;

	if (recording_file(v->r.dir, "kernel.config", &text, &bytes, &ignored))
		return 0;
	v->params.slub_cpu_partial = option(text, "CONFIG_SLUB_CPU_PARTIAL") != 'n';
	v->params.slab_nomerge = option(text, "CONFIG_SLAB_MERGE_DEFAULT") == 'n';
	for (size_t i = 0; i < KMS_ARRAY_SIZE(refused) && !rc; i++)
		if (option(text, refused[i].name) == 'y')
			rc = kms_fail(v->err, KMS_EUSAGE, "%s/kernel.config: found \"%s=y\": %s",
				      v->r.dir, refused[i].name, refused[i].what);
	free(text);
	return rc;
}

/* ---- the first dump ---- */

static int read_constants(struct replay *v)
{
	u64 value;

	if (machine_first_dump(v, "PARAM ", "nr_pcp_lists", &value) && value != FAST_PCP_LISTS)
		return kms_fail(v->err, KMS_EUSAGE, "%s: found \"nr_pcp_lists=%llu\" in its first "
				"dump, expected %d: kernels without huge pages are not modelled",
				v->r.dir, (unsigned long long)value, FAST_PCP_LISTS);
	if (machine_first_dump(v, "PARAM ", "pageblock_order", &value))
		v->params.pageblock_order = value;
	if (machine_first_dump(v, "PARAM ", "max_order", &value) && value)
		v->params.max_page_order = value - 1;
	if (v->params.max_page_order > 10 || v->params.pageblock_order > v->params.max_page_order)
		return kms_fail(v->err, KMS_EUSAGE, "%s: found pageblock_order=%llu and "
				"max_order=%llu in its first dump, expected at most 10 and 11",
				v->r.dir, (unsigned long long)v->params.pageblock_order,
				(unsigned long long)v->params.max_page_order + 1);
	if (machine_first_dump(v, "PARAM ", "mobility_disabled", &value))
		v->params.page_group_by_mobility = !value;
	if (machine_first_dump(v, "PARAM ", "boost_factor", &value))
		v->params.watermark_boost_factor = value ? value : MM_PARAM_ZERO;
	return 0;
}

int settings_read(struct replay *v)
{
	int rc;

	v->params.page_group_by_mobility = true;
	v->params.slub_cpu_partial = true;
	rc = read_constants(v);
	if (!rc)
		rc = read_options(v);
	return rc ? rc : read_boot_parameters(v);
}

/* ---- CPUs that come up ---- */

/*
 * Bringing a CPU up, init first makes its kernel threads, then its workers;
 * the CPU counts as online by init's next step: the next CPU's threads, or
 * after the last one the scheduler's domains. Callers in the lines show them.
 */
enum boot_step { STEP_OTHER, STEP_THREADS, STEP_WORKERS, STEP_DOMAINS };

static enum boot_step boot_step(const struct replay *v, const struct line *line)
{
	static const struct {
		const char *caller;
		enum boot_step step;
	} callers[] = {
		{"__smpboot_create_thread", STEP_THREADS},
		{"alloc_worker", STEP_WORKERS},
		{"sched_init_domains", STEP_DOMAINS},
	};
	char words[256];
	const char *caller;

	line_words(&v->r, line, words, sizeof(words));
	caller = strrchr(words, ' ');
	for (size_t i = 0; caller && i < KMS_ARRAY_SIZE(callers); i++)
		if (!strncmp(caller + 1, callers[i].caller, strlen(callers[i].caller)))
			return callers[i].step;
	return STEP_OTHER;
}

static u32 first_line(const struct replay *v, u32 at)
{
	u32 op = v->r.lines[at].op;

	return op == NO_OP ? at : v->o.ops[op].first;
}

void settings_plan_cpus(struct replay *v)
{
	enum boot_step last = STEP_OTHER;
	bool threads = false;
	u32 cpu = 1;

	for (u32 i = 0; i <= MEMBLOCK_MAX_CPUS; i++)
		v->cpu_up[i] = NO_LINE;
	v->next_cpu_up = 1;
	for (u32 at = 0; at < v->r.nr_lines && cpu < v->nr_cpus; at++) {
		const struct line *line = &v->r.lines[at];
		enum boot_step step;

		if (line->event == EV_WMARK_SET)
			break;
		step = line->pid == 1 ? boot_step(v, line) : STEP_OTHER;
		if (step == STEP_OTHER)
			continue;
		if (step == STEP_DOMAINS || (step == STEP_THREADS && threads && last == STEP_WORKERS))
			v->cpu_up[cpu++] = first_line(v, at);
		threads |= step == STEP_THREADS;
		last = step;
		if (step == STEP_DOMAINS)
			break;
	}
}

/* Before the line `at`: bring up the CPUs that came up until there. */
void settings_cpus_up(struct replay *v, u32 at)
{
	while (v->cpu_up[v->next_cpu_up] <= at)
		mm_ops_plain.cpu_online(v->next_cpu_up++);
}

/* ---- later on ---- */

/* The operation's marks of zones with memory, and these zones' sizes together. */
struct marks {
	struct zone *zone[4 * 64];
	u64 min[4 * 64], low[4 * 64];
	u32 nr;
	u64 lowmem_pages;
};

static void read_marks(struct replay *v, const struct op *op, struct marks *m)
{
	m->nr = 0;
	m->lowmem_pages = 0;
	for (u32 at = op->first; at != NO_LINE && m->nr < KMS_ARRAY_SIZE(m->zone);
	     at = v->r.lines[at].next) {
		const struct line *line = &v->r.lines[at];
		u64 id = line_arg(&v->r, line, 0);
		struct zone *zone;

		zone = line->event == EV_WMARK_SET ? zone_of(id) : NULL;
		if (!zone)
			continue;
		m->zone[m->nr] = zone;
		m->min[m->nr] = line_arg(&v->r, line, 1);
		m->low[m->nr++] = line_arg(&v->r, line, 2);
		m->lowmem_pages += zone->zone_idx == ZONE_MOVABLE ? 0 : zone->managed_pages;
	}
}

static bool marks_fit(const struct marks *m, u64 kbytes)
{
	for (u32 i = 0; i < m->nr; i++)
		if ((kbytes >> 2) * m->zone[i]->managed_pages / m->lowmem_pages != m->min[i])
			return false;
	return true;
}

/* min_free_kbytes that the marks were computed from: as the next dump has it, or the least that fits. */
static u64 kbytes_of(struct replay *v, const struct op *op, const struct marks *m)
{
	u64 kbytes = kdata->min_free_kbytes, pages = 0;

	if (marks_fit(m, kbytes))
		return kbytes;
	if (machine_next_dump(v, op->first, "PARAM ", "min_free_kbytes", &kbytes) &&
	    marks_fit(m, kbytes))
		return kbytes;
	for (u32 i = 0; i < m->nr; i++) {
		u64 managed = m->zone[i]->managed_pages;
		u64 least = managed ? DIV_ROUND_UP(m->min[i] * m->lowmem_pages, managed) : 0;

		pages = least > pages ? least : pages;
	}
	return marks_fit(m, pages << 2) ? pages << 2 : kbytes;
}

/* The factor that gives the recorded distance of a zone's marks, if that is not due to its size. */
static u64 scale_of(const struct marks *m)
{
	u64 scale = kdata->watermark_scale_factor;

	for (u32 i = 0; i < m->nr; i++) {
		u64 managed = m->zone[i]->managed_pages, distance = m->low[i] - m->min[i];
		u64 usual = mult_frac(managed, scale, FULL_SCALE);

		if (!managed || distance == max(m->min[i] >> 2, usual))
			continue;
		scale = DIV_ROUND_UP(distance * FULL_SCALE, managed);
	}
	return scale;
}

/* The marks are computed when all CPUs are up (also those not seen coming), and again whenever somebody sets what they depend on. */
void settings_watermarks(struct replay *v, const struct op *op)
{
	u64 cpus = v->nr_cpus;
	struct marks m;

	machine_next_dump(v, op->first, "DUMP ", "online_cpus", &cpus);
	for (u32 cpu = 1; cpu < cpus && cpu < v->nr_cpus; cpu++)
		if (!kdata->cpu_online[cpu])
			mm_ops_plain.cpu_online(cpu);
	if (!kdata->min_free_kbytes) {
		mm_ops_plain.init_watermarks();
		return;
	}
	read_marks(v, op, &m);
	kdata->watermark_scale_factor = scale_of(&m);
	mm_replay_ops.set_watermarks(m.lowmem_pages ? kbytes_of(v, op, &m) : kdata->min_free_kbytes);
}

/* High mark of a zone's per-CPU lists for a share of the zone, as zone_pcp_update() computes it. */
static u64 high_for(const struct replay *v, const struct zone *zone, u64 fraction)
{
	u64 cpus = 0, high;

	for (u32 cpu = 0; cpu < v->nr_cpus; cpu++)
		cpus += kdata->cpu_online[cpu] && v->cpu_node[cpu] == zone->node;
	high = zone->managed_pages / fraction / (cpus ? cpus : kdata->nr_online_cpus);
	return max(high, 4ul * (u64)zone->pageset_batch);
}

/* The share that gives the sizes which zones have now; 0: they go by the low marks. */
static u64 fraction_of(const struct replay *v, const struct zone *shown)
{
	u64 first = 0;

	for (u64 fraction = 8; fraction <= shown->managed_pages; fraction++) {
		struct zone *zone;
		bool fits = true;

		if (high_for(v, shown, fraction) != (u64)shown->pageset_high)
			continue;
		first = first ? first : fraction;
		for_each_populated_zone(zone)
			fits &= high_for(v, zone, fraction) == (u64)zone->pageset_high;
		if (fits)
			return fraction;
	}
	return first;
}

/* Somebody set the size of per-CPU lists (percpu_pagelist_high_fraction). */
void settings_pageset(struct replay *v, u32 at)
{
	u64 id = line_arg(&v->r, &v->r.lines[at], 0);
	struct zone *zone = zone_of(id);

	if (!zone)
		return;
	zone->pageset_high = (s32)line_arg(&v->r, &v->r.lines[at], 1);
	zone->pageset_batch = (s32)line_arg(&v->r, &v->r.lines[at], 2);
	for (u32 cpu = 0; cpu < v->nr_cpus; cpu++) {
		struct per_cpu_pages *pcp = per_cpu_ptr(zone->per_cpu_pageset, cpu);

		pcp->high = zone->pageset_high;
		pcp->batch = zone->pageset_batch;
	}
	kdata->percpu_pagelist_high_fraction = fraction_of(v, zone);
}

/* A dump shows the factor that holds then; what the next one shows holds from here on. */
void settings_at_dump(struct replay *v, u32 dump)
{
	u64 factor;

	if (machine_next_dump(v, dump + 1, "PARAM ", "boost_factor", &factor))
		kdata->watermark_boost_factor = factor;
}
