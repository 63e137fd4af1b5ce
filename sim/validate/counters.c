/*
 * counters.c - SLUB's event counters against what sysfs showed.
 *
 * procfs-start.txt was written by a task just before the dump "start", while
 * the trace went on: a counter shown there lies between its value when that
 * task's first line was written and its value at the dump. procfs-end.txt was
 * written after the trace's end by the same program: its counters are at least
 * those of the end. It allocates not much more than it did the first time;
 * frees that grace periods held up may add any number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/validate/replay.h"

#define CTX_KTHREAD 8u
#define READER_SLACK 64u

/* ---- when ---- */

/* First line of the task that ran last before the dump, init aside. */
static u32 first_line_of_reader(const struct replay *v, u32 dump)
{
	u32 first = dump, at;
	s32 reader = 0;

	for (at = dump; at-- > 0 && !reader;)
		if (v->r.lines[at].pid > 1 && !(v->r.lines[at].ctx & (3 | CTX_KTHREAD)))
			reader = v->r.lines[at].pid;
	for (at = dump; at-- > 0 && reader;)
		if (v->r.lines[at].pid == reader && !(v->r.lines[at].ctx & 3))
			first = at;
	return first;
}

static bool is_start_dump(const struct replay *v, const struct line *line)
{
	char words[64];

	line_words(&v->r, line, words, sizeof(words));
	return !strcmp(words, "MARK DUMP state-start.txt");
}

void counters_plan(struct replay *v)
{
	v->counters_from = NO_LINE;
	for (u32 at = 0; at < v->r.nr_lines; at++)
		if (v->r.lines[at].event == EV_MARK && is_start_dump(v, &v->r.lines[at])) {
			v->counters_from = first_line_of_reader(v, at);
			v->counters_to = at;
		}
}

/* Keep the counters of this moment. */
void counters_keep(struct replay *v)
{
	size_t bytes = v->stats.slots * sizeof(*v->stats.count);

	free(v->counters_before);
	v->counters_before = malloc(bytes);
	if (v->counters_before)
		memcpy(v->counters_before, v->stats.count, bytes);
}

/* ---- what sysfs showed ---- */

struct shown {
	struct replay *v;
	const char *file;
	struct validate_count *count;
	bool at_end;
	struct {
		char id[64];
		const struct kmem_cache *cache;
	} ids[512]; /* of merged caches: ":0000064" */
	u32 nr_ids;
};

/* Name between brackets at a line's start. */
static bool bracketed(const char *line, char *name, size_t size)
{
	const char *end = strchr(line, ']');

	if (line[0] != '[' || !end || (size_t)(end - line) > size)
		return false;
	snprintf(name, size, "%.*s", (int)(end - line - 1), line + 1);
	return true;
}

/* "[alias] -> :target" */
static void note_alias(struct shown *s, const char *line)
{
	const char *target = strstr(line, "] -> ");
	char name[64];
	u32 id;

	if (!target || !bracketed(line, name, sizeof(name)) || s->nr_ids == KMS_ARRAY_SIZE(s->ids))
		return;
	id = recording_name(&s->v->r, name, strlen(name));
	if (!s->v->caches[id])
		return;
	snprintf(s->ids[s->nr_ids].id, sizeof(s->ids[0].id), "%s", target + 5);
	s->ids[s->nr_ids++].cache = s->v->caches[id];
}

static const struct kmem_cache *cache_shown(const struct shown *s, const char *name)
{
	for (u32 i = 0; i < s->nr_ids; i++)
		if (!strcmp(s->ids[i].id, name))
			return s->ids[i].cache;
	return s->v->caches[recording_name(&s->v->r, name, strlen(name))];
}

static bool possible(const struct shown *s, u32 slot, u32 stat, u64 shown)
{
	u64 now = s->v->stats.count[slot][stat], reader = s->v->counters_before[slot][stat];

	if (s->at_end && strncmp(slab_stat_names[stat], "alloc_", 6))
		return shown >= now;
	if (s->at_end)
		return shown >= now && shown - now <= 2 * reader + READER_SLACK;
	return shown <= now && shown >= s->v->counters_before[slot][stat];
}

void counters_miss(struct replay *v, const char *expected, const char *came)
{
	struct validate_result *result = v->result;
	struct validate_miss *miss;

	if (result->nr_misses >= v->options->shown)
		return;
	if (!result->misses)
		result->misses = calloc(v->options->shown, sizeof(*result->misses));
	if (!result->misses)
		return;
	miss = &result->misses[result->nr_misses++];
	miss->line = v->cursor + 1;
	miss->expected = strdup(expected);
	miss->came = strdup(came);
	miss->state = strdup("");
}

static void describe(struct shown *s, const char *name, u32 slot, u32 stat, u64 shown)
{
	char expected[200], came[32];

	snprintf(expected, sizeof(expected), "%s: [%s] %s=%llu", s->file, name,
		 slab_stat_names[stat], (unsigned long long)shown);
	snprintf(came, sizeof(came), "%llu", (unsigned long long)s->v->stats.count[slot][stat]);
	counters_miss(s->v, expected, came);
}

static void compare_cache(struct shown *s, const char *line)
{
	const struct kmem_cache *cache;
	char name[64], key[64];
	u32 slot;

	if (!bracketed(line, name, sizeof(name)) || !strstr(line, " alloc_fastpath="))
		return;
	cache = cache_shown(s, name);
	if (!cache)
		return;
	slot = mm_inspect_cache_slot(cache);
	for (u32 i = 0; i < NR_SLAB_STATS; i++) {
		const char *at;
		u64 shown;
		bool good;

		snprintf(key, sizeof(key), " %s=", slab_stat_names[i]);
		at = strstr(line, key);
		if (!at)
			continue;
		shown = strtoull(at + strlen(key), NULL, 10);
		good = possible(s, slot, i, shown);
		s->count->total++;
		s->count->exact += good;
		if (!good)
			describe(s, name, slot, i, shown);
	}
}

struct validate_count *counters_new(struct replay *v, const char *name)
{
	struct validate_result *result = v->result;
	size_t n = result->nr_counters;
	struct validate_count *more = realloc(result->counters, (n + 1) * sizeof(*more));

	if (!more)
		return NULL;
	result->counters = more;
	more[n] = (struct validate_count){ strdup(name), 0, 0 };
	result->nr_counters++;
	return &more[n];
}

static void compare_text(struct shown *s, char *text)
{
	char *save = NULL, *copy = strdup(text), *line;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		note_alias(s, line);
	save = NULL;
	line = copy ? strtok_r(copy, "\n", &save) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &save))
		compare_cache(s, line);
	free(copy);
}

/* A folder need not have these files. */
void counters_compare(struct replay *v, const char *file, const char *name, bool at_end)
{
	struct kms_error ignored = { 0 };
	struct shown *s;
	char *text;
	size_t bytes;

	if (!v->slab_up || v->stopped || !v->counters_before ||
	    recording_file(v->r.dir, file, &text, &bytes, &ignored))
		return;
	s = calloc(1, sizeof(*s));
	if (s) {
		s->v = v;
		s->file = file;
		s->at_end = at_end;
		s->count = counters_new(v, name);
	}
	if (s && s->count)
		compare_text(s, text);
	if (s && s->count && !s->count->total)
		free((char *)v->result->counters[--v->result->nr_counters].name);
	free(s);
	free(text);
}

/* Called after a dump was compared. From then on what the reader has counted is kept. */
void counters_at_dump(struct replay *v, const struct line *line)
{
	if (!is_start_dump(v, line))
		return;
	counters_compare(v, "procfs-start.txt", "slub_stats_start", false);
	for (u32 slot = 0; v->counters_before && slot < v->stats.slots; slot++)
		for (u32 i = 0; i < NR_SLAB_STATS; i++)
			v->counters_before[slot][i] = v->stats.count[slot][i] - v->counters_before[slot][i];
}
