/*
 * step.c - step.h: following a run and stopping it where it is wanted.
 */
#include "sim/teach/step.h"

#include <stdlib.h>
#include <string.h>

#include "models/mm/tracepoints.h"
#include "sim/engine/ram.h"

/* ---- the allocators at a moment ---- */

static u64 slab_of(const struct step *s, const struct run_view *v)
{
	const struct kms_request *rq = v->request;
	const struct kmem_cache *cache = v->cache;

	if (v->memory)
		return ram_phys(ram_off(v->memory)) >> SIM_PAGE_SHIFT;
	if (v->after)
		return s->before.has_slab ? s->before.slab.pfn : ~0ull;
	if (rq->op == REQ_KMALLOC)
		cache = mm_inspect_kmalloc_cache(rq->size, rq->gfp);
	return cache ? mm_inspect_next_slab(cache, rq->cpu) : ~0ull;
}

static void take_state(const struct step *s, const struct run_view *v, struct step_state *state)
{
	u64 pfn = slab_of(s, v);
	u32 n = mm_inspect_zones(state->zones, STEP_ZONES);

	state->nr_zones = n < STEP_ZONES ? n : STEP_ZONES;
	for (u32 i = 0; i < state->nr_zones; i++)
		mm_inspect_pcp(state->zones[i].node, state->zones[i].zone_idx, v->request->cpu, &state->pcp[i]);
	state->has_slab = pfn != ~0ull && mm_inspect_slab_map(pfn, &state->slab);
}

static void name_cache(struct step *s)
{
	const struct step_state *state = s->after.has_slab ? &s->after : &s->before;

	s->cache_name[0] = 0;
	if (state->has_slab && watch_cache(state->slab.cache, &s->cache))
		snprintf(s->cache_name, sizeof(s->cache_name), "%s", watch_cache_name(&s->cache));
}

/* ---- where to stop ---- */

static bool slow(u32 path)
{
	return path != PATH_NONE && path != PATH_SLAB_FAST && path != PATH_PCP && path != PATH_SHEAF &&
	       path != PATH_SLOB;
}

static bool matches(const struct step *s)
{
	if (!strcmp(s->find, kms_request_names[s->request.op]) || !strcmp(s->find, rt_path_names[s->log.path]))
		return true;
	for (u32 i = 0; i < s->log.nr_marks; i++)
		if (!strcmp(s->find, watch_tracepoints[s->log.marks[i].tracepoint].name))
			return true;
	return false;
}

/* The request about to be carried out, the done-th from 0, may be the one: then it is logged. */
static bool of_interest(const struct step *s, u64 done)
{
	return s->goal != STEP_TO || done + 1 >= s->target;
}

static bool reached(const struct step *s)
{
	switch (s->goal) {
	case STEP_TO:
		return s->position >= s->target;
	case STEP_SLOW:
		return slow(s->log.path);
	case STEP_FIND:
		return matches(s);
	}
	return true;
}

/* ---- the run's view ---- */

static const char *cache_name(void *arg, u64 id)
{
	const struct kms_workload_info *info = ((struct step *)arg)->info;

	return info && id < info->nr_caches ? info->caches[id].name : NULL;
}

static void begin(struct step *s, const struct run_view *v)
{
	if (!s->listening) {
		watch_install();
		watch_set_cache_names(cache_name, s);
		s->listening = true;
	}
	if (!of_interest(s, v->done)) {
		watch_begin(NULL, v->request->cpu);
		return;
	}
	take_state(s, v, &s->before);
	s->address = v->memory ? ram_phys(ram_off(v->memory)) : ~0ull;
	watch_begin(&s->log, v->request->cpu);
}

static bool follow(void *arg, const struct run_view *v)
{
	struct step *s = arg;

	s->info = v->info;
	s->total = v->info->requests;
	if (!v->after) {
		begin(s, v);
		return true;
	}
	watch_end(v->request->cpu);
	s->position = v->done + 1;
	s->request = *v->request;
	if (!reached(s))
		return true;
	take_state(s, v, &s->after);
	if (v->memory)
		s->address = ram_phys(ram_off(v->memory));
	name_cache(s);
	watch_find_places(&s->log);
	s->stopped(s, false);
	return !s->quit && !s->restart;
}

/* ---- goals ---- */

void step_forward(struct step *s, u64 n)
{
	step_goto(s, s->position + n);
}

void step_goto(struct step *s, u64 position)
{
	s->goal = STEP_TO;
	s->target = position ? position : 1;
	s->restart = s->target <= s->position;
}

int step_run(struct step *s, struct kms_error *err)
{
	struct run_options options = {.watch = follow, .watch_arg = s, .access = watch_access,
				      .interrupted = s->interrupted};
	s64 id;
	int rc;

	s->ghz = s->config->machine.core.ghz;
	if (!s->target)
		s->target = 1;
	do {
		s->restart = s->listening = false;
		s->position = 0;
		rc = run_experiment(s->config, s->config_json, s->store, &options, &id, err);
		watch_begin(NULL, 0);
		watch_set_cache_names(NULL, NULL);
		s->info = NULL;
		if (rc == KMS_EINTERRUPTED && (s->restart || s->quit)) {
			*err = (struct kms_error){0};
			rc = 0;
		}
		if (!rc && !s->quit && !s->restart)
			s->stopped(s, true);
	} while (!rc && s->restart && !s->quit);
	return rc;
}

void step_free(struct step *s)
{
	watch_log_free(&s->log);
}
