/*
 * state_agree.c - does a saved state fit a run's configuration?
 *
 * What the booted kernel's structures were made from must be the same: CPUs,
 * memory, and the allocators' settings but those that are only looked at when
 * they are needed. Hardware caches, DRAM, timing and pacing are the run's own.
 */
#include "sim/run/state.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* Settings of the allocators that leave no trace in memory until they act. */
static const char *const free_to_change[] = {
	"source", "free_list_order", "no_merge_lookahead", "fallback", "freed_type", "pcp_drain",
	"pcp_free_batch",
};

/* Of the workload: what makes its requests. */
static const char *const makes_requests[] = { "synthetic", "adversary", "parameters" };

static bool may_change(const char *name)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(free_to_change); i++)
		if (!strcmp(name, free_to_change[i]))
			return true;
	return false;
}

struct difference {
	const struct state *state;
	struct kms_error *err;
};

/* "nothing" or the value as JSON, short. */
static void show(char *buf, size_t n, const cJSON *value)
{
	char *text = value ? cJSON_PrintUnformatted(value) : NULL;

	snprintf(buf, n, "%.80s%s", text ? text : "nothing", text && strlen(text) > 80 ? "..." : "");
	free(text);
}

static int differs(const struct difference *d, const char *path, const cJSON *was, const cJSON *now)
{
	char a[100], b[100];

	show(a, sizeof(a), was);
	show(b, sizeof(b), now);
	return kms_fail(d->err, KMS_EUSAGE, "the state '%s' does not fit: %s was %s when it was made, this run has %s",
			d->state->path, path, a, b);
}

static int compare(const struct difference *d, const char *path, const cJSON *was, const cJSON *now);

/* The one that has them all decides the order; a member that only one has differs. */
static int compare_members(const struct difference *d, const char *path, const cJSON *was, const cJSON *now)
{
	const cJSON *m;
	char below[512];
	int ret = 0;

	cJSON_ArrayForEach(m, was) {
		snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", m->string ? m->string : "[]");
		if (m->string && !may_change(m->string) && !ret)
			ret = compare(d, below, m, cJSON_GetObjectItemCaseSensitive(now, m->string));
	}
	cJSON_ArrayForEach(m, now) {
		snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", m->string ? m->string : "[]");
		if (!ret && m->string && !may_change(m->string) && !cJSON_GetObjectItemCaseSensitive(was, m->string))
			ret = differs(d, below, NULL, m);
	}
	return ret;
}

static int compare(const struct difference *d, const char *path, const cJSON *was, const cJSON *now)
{
	if (cJSON_IsObject(was) && cJSON_IsObject(now))
		return compare_members(d, path, was, now);
	if (!was == !now && (!was || cJSON_Compare(was, now, true)))
		return 0;
	if ((!was || cJSON_IsNull(was)) && (!now || cJSON_IsNull(now)))
		return 0;
	return differs(d, path, was, now);
}

static const cJSON *at(const cJSON *root, const char *section, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, section), key);
}

static int compare_layout(const struct difference *d, const cJSON *was, const cJSON *now)
{
	int ret = compare(d, "machine.cpus", at(was, "machine", "cpus"), at(now, "machine", "cpus"));

	if (!ret && !d->state->recorded_memory)
		ret = compare(d, "machine.memory", at(was, "machine", "memory"), at(now, "machine", "memory"));
	return ret ? ret : compare(d, "allocator", cJSON_GetObjectItemCaseSensitive(was, "allocator"),
				   cJSON_GetObjectItemCaseSensitive(now, "allocator"));
}

static int compare_workload(const struct difference *d, const cJSON *was, const cJSON *now, const char *trace_hash)
{
	int ret = 0;

	if (d->state->aged)
		return kms_fail(d->err, KMS_EUSAGE, "workload.resume: the state '%s' is of a run that itself began in a "
				"state; expected one of a run from boot", d->state->path);
	if (strcmp(d->state->trace_hash, trace_hash))
		return kms_fail(d->err, KMS_EUSAGE, "workload.resume: the state '%s' was made with another trace, hash %s; this "
				"run's has %s", d->state->path, *d->state->trace_hash ? d->state->trace_hash : "none",
				*trace_hash ? trace_hash : "none");
	for (size_t i = 0; i < KMS_ARRAY_SIZE(makes_requests) && !ret; i++) {
		char path[64];

		snprintf(path, sizeof(path), "workload.%s", makes_requests[i]);
		ret = compare(d, path, at(was, "workload", makes_requests[i]), at(now, "workload", makes_requests[i]));
	}
	return ret ? ret : compare(d, "seed", cJSON_GetObjectItemCaseSensitive(was, "seed"),
				   cJSON_GetObjectItemCaseSensitive(now, "seed"));
}

int state_agrees(const struct state *state, const struct run *run, const char *config_json,
		 const char *trace_hash, struct kms_error *err)
{
	struct difference d = { state, err };
	cJSON *was = cJSON_Parse(state->config), *now = cJSON_Parse(config_json);
	int ret;

	if (was && now)
		ret = compare_layout(&d, was, now);
	else
		ret = kms_fail(err, KMS_EUSAGE, "the state '%s' is damaged: its configuration is no JSON", state->path);
	if (!ret && run->config->workload.resume)
		ret = compare_workload(&d, was, now, trace_hash);
	cJSON_Delete(was);
	cJSON_Delete(now);
	return ret;
}
