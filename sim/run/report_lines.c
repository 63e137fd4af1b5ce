/*
 * report_lines.c - the cache lines that CPUs fought over, to the database.
 *
 * The hardware model (models/hw/sharing.c) knows addresses and words; what lies
 * there is asked of the allocators' state at the end of the run. A line whose
 * memory changed hands meanwhile goes under its last use.
 */
#include "sim/run/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINES 256 /* stored, the hottest */

/* Which field of which structure a class of locks is. */
static const struct {
	const char *structure, *field, *lock;
} locks[] = {
	{ "struct zone", "lock", "zone" },
	{ "struct per_cpu_pages", "lock", "pcp" },
	{ "struct kmem_cache_node", "list_lock", "slab_node" },
	{ "struct node_barn", "lock", "barn" },
	{ "struct pglist_data", "lruvec", "lru" },
	{ "kernel globals", "slab_mutex", "slab_mutex" },
	{ "kernel globals", "slob_lock", "slob" },
	{ "kernel globals", "oom_lock", "oom" },
};

static const char *cache_name(const struct run *run, const struct kmem_cache *cache)
{
	const struct account *a = &run->account;
	u32 n = mm_inspect_caches(a->caches, a->max_caches);

	for (u32 i = 0; i < n && i < a->max_caches; i++) {
		const struct mm_cache_info *c = &a->caches[i];

		if (c->cache == cache)
			return c->boot_cache ? mm_boot_cache_name(c->name)
					     : run->info->caches[c->name].name;
	}
	return "";
}

/* "node 0, dentry"; an object's owner is its slab cache. */
static void owner_text(const struct run *run, const struct mm_place *place, char *text, size_t n)
{
	const char *cache = place->cache ? cache_name(run, place->cache) : "";

	snprintf(text, n, "%s%s%s", place->owner, *place->owner && *cache ? ", " : "", cache);
}

/* A word's two halves may be two fields: "lock, count". */
static void field_text(u64 off, const struct mm_place *place, char *text, size_t n)
{
	struct mm_place second;

	mm_inspect_place(off + HW_WORD_BYTES / 2, &second);
	if (!strcmp(second.field, place->field) || !*second.field ||
	    strcmp(second.structure, place->structure))
		snprintf(text, n, "%s", place->field);
	else
		snprintf(text, n, "%s%s%s", place->field, *place->field ? ", " : "", second.field);
}

static bool has_field(const char *fields, const char *field)
{
	size_t n = strlen(field);

	for (const char *p = fields; (p = strstr(p, field)); p += n)
		if ((p == fields || p[-1] == ' ') && (!p[n] || p[n] == ','))
			return true;
	return false;
}

static const char *lock_of(const char *structure, const char *fields)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(locks); i++)
		if (!strcmp(locks[i].structure, structure) && has_field(fields, locks[i].field))
			return locks[i].lock;
	return "";
}

static int report_word(struct run *run, u32 position, u32 at, u64 off, const struct hw_word_use *use,
		       struct kms_error *err)
{
	struct mm_place place;
	char owner[160], field[96];
	struct store_hot_word row = {
		.position = position, .word = at, .owner = owner, .field = field, .reads = use->reads,
		.writes = use->writes, .readers = use->readers, .writers = use->writers,
		.caused = use->caused, .true_sharing = use->true_sharing,
		.false_sharing = use->false_sharing,
	};

	mm_inspect_place(off, &place);
	owner_text(run, &place, owner, sizeof(owner));
	field_text(off, &place, field, sizeof(field));
	row.structure = place.structure;
	row.lock = lock_of(place.structure, field);
	return store_hot_word(run->store, &row, err);
}

static int report_line(struct run *run, u32 position, const struct hw_line_count *line,
		       struct kms_error *err)
{
	struct hw_line_use use;
	struct mm_place place;
	char owner[160];
	struct store_hot_line row = {
		.position = position, .address = line->off, .structure = place.structure, .owner = owner,
		.transfers = line->transfers, .invalidations = line->invalidations,
	};
	int ret;

	mm_inspect_place(line->off, &place);
	owner_text(run, &place, owner, sizeof(owner));
	ret = store_hot_line(run->store, &row, err);
	if (ret || !machine_line_use(run->machine, line->off, &use))
		return ret;
	for (u32 i = 0; i < HW_LINE_WORDS && !ret; i++)
		if (use.words[i].reads || use.words[i].writes || use.words[i].caused)
			ret = report_word(run, position, i, line->off + i * HW_WORD_BYTES,
					  &use.words[i], err);
	return ret;
}

int report_lines(struct run *run, struct kms_error *err)
{
	struct hw_line_count *lines;
	int ret = 0;
	u32 n;

	if (!run->cycle)
		return 0;
	lines = calloc(MAX_LINES, sizeof(*lines));
	if (!lines)
		return kms_fail(err, KMS_EFAIL, "no memory for contended lines");
	n = machine_hot_lines(run->machine, lines, MAX_LINES);
	for (u32 i = 0; i < n && !ret; i++)
		ret = report_line(run, i, &lines[i], err);
	free(lines);
	return ret;
}
