/*
 * validate.c - a recording from its folder to a result.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/engine/ram.h"
#include "sim/validate/replay.h"

static const char *const answer_names[NR_ROLES] = {
	[ROLE_ANSWER_PAGE] = "page_alloc",
	[ROLE_ANSWER_PAGE_BULK] = "page_bulk",
	[ROLE_ANSWER_SLAB] = "slab_alloc",
	[ROLE_ANSWER_SLAB_BULK] = "slab_bulk",
	[ROLE_ANSWER_SLOB] = "slob_alloc",
	[ROLE_ANSWER_KMALLOC_LARGE] = "kmalloc_large",
};

static const char *const step_names[NR_EVENTS] = {
#define EVENT(name, step, words, role) [EV_##name] = #name,
#include "sim/validate/events.def"
#undef EVENT
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

/* ---- the sums ---- */

static char *lower_case(const char *name)
{
	char *copy = strdup(name);

	for (char *c = copy; c && *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
	return copy;
}

static void add_count(struct validate_count *counts, size_t *nr, char *name, u64 total, u64 exact)
{
	for (size_t i = 0; i < *nr; i++) {
		if (strcmp(counts[i].name, name))
			continue;
		counts[i].total += total;
		counts[i].exact += exact;
		free(name);
		return;
	}
	counts[(*nr)++] = (struct validate_count){ name, total, exact };
}

static int sum_up(const struct replay *v, struct validate_result *result)
{
	u64 total = 0, exact = 0, different = 0;

	result->answers = calloc(NR_ROLES, sizeof(*result->answers));
	result->steps = calloc(NR_EVENTS, sizeof(*result->steps));
	if (!result->answers || !result->steps)
		return kms_fail(v->err, KMS_EFAIL, "out of memory");
	for (u32 i = 0; i < NR_EVENTS; i++) {
		enum event_role role = event_kinds[i].role;

		if (!v->total[i] || role == ROLE_INPUT)
			continue;
		if (answer_names[role])
			add_count(result->answers, &result->nr_answers, strdup(answer_names[role]),
				  v->total[i], v->exact[i]);
		else
			add_count(result->steps, &result->nr_steps, lower_case(step_names[i]),
				  v->total[i], v->exact[i]);
		total += v->total[i];
		exact += v->exact[i];
	}
	for (size_t i = 0; i < result->nr_snapshots; i++)
		different += result->snapshots[i].different;
	for (size_t i = 0; i < result->nr_counters; i++)
		different += result->counters[i].total - result->counters[i].exact;
	result->exact = total ? 100.0 * (double)exact / (double)total : 0;
	result->ok = total && total == exact && !different && !result->stopped[0];
	return 0;
}

/* ---- the whole ---- */

static const struct slab_ops *policy(enum layer layer)
{
	static const char *const names[] = { [LAYER_SLUB] = "slub", [LAYER_SLAB] = "slab",
					     [LAYER_SLOB] = "slob" };

	for (u32 i = 0; i < mm_ops_plain.nr_policies; i++)
		if (!strcmp(mm_ops_plain.policies[i]->name, names[layer]))
			return mm_ops_plain.policies[i]->ops;
	return NULL;
}

static int replay(struct replay *v)
{
	int rc = machine_zones(v);

	v->slab = policy(v->r.layer);
	if (!rc)
		rc = operations_find(&v->o, &v->r, v->err);
	if (!rc)
		rc = machine_read(v);
	if (!rc)
		rc = machine_set_up(v);
	if (rc)
		return rc;
	v->caches = calloc(v->r.max_names, sizeof(struct kmem_cache *));
	if (!v->caches)
		return kms_fail(v->err, KMS_EFAIL, "out of memory");
	counters_plan(v);
	if (v->options->compaction && compactions_begin(v))
		return v->err->code;
	settings_plan_cpus(v);
	return validate_replay_run(v);
}

static void give_back(struct replay *v)
{
	replay_end(v);
	requests_free(v);
	ram_unmap();
	if (v->mapped)
		memblock_free(&v->mb);
	renamings_free(v);
	free(v->free);
	free(v->late);
	free(v->released);
	if (v->stats.count)
		slab_stats_stop(&v->stats);
	free(v->counters_before);
	views_free(v);
	compactions_end(v);
	free(v->races);
	free(v->caches);
	free(v->early);
	operations_free(&v->o);
	recording_close(&v->r);
	free(v);
}

int validate_recording(const char *dir, const struct validate_options *options,
		       struct validate_result *result, struct kms_error *err)
{
	struct replay *v = calloc(1, sizeof(*v));
	u64 start = now_ns();
	int rc;

	memset(result, 0, sizeof(*result));
	if (!v)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	v->options = options;
	v->result = result;
	v->err = err;
	rc = recording_open(&v->r, dir, err);
	if (!rc)
		rc = replay(v);
	result->events = v->r.nr_lines;
	result->wall_ns = now_ns() - start;
	if (!rc)
		rc = sum_up(v, result);
	if (!rc)
		rc = compactions_sum(v, result);
	give_back(v);
	return rc;
}

static void free_counts(struct validate_count *counts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)counts[i].name);
	free(counts);
}

void validate_free(struct validate_result *result)
{
	free_counts(result->answers, result->nr_answers);
	free_counts(result->steps, result->nr_steps);
	free_counts(result->counters, result->nr_counters);
	free_counts(result->compaction, result->nr_compaction);
	free(result->snapshots);
	for (size_t i = 0; i < result->nr_misses; i++) {
		free(result->misses[i].expected);
		free(result->misses[i].came);
		free(result->misses[i].state);
	}
	free(result->misses);
	memset(result, 0, sizeof(*result));
}
