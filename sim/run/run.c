/*
 * run.c - one experiment: open the workload, start the machine, replay, report.
 */
#include "sim/run/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <xxhash.h>

#include "build_info.h"
#include "sim/config/data.h"
#include "sim/run/state.h"
#include "sim/run/system.h"
#include "workloads/trace.h"

kms_ps run_time(const struct run *run)
{
	return run->cycle ? engine_now() : run->replay.recorded_time * KMS_PS_PER_NS;
}

/* ---- the workload ---- */

int run_open_workload(struct kms_stream **stream, const struct experiment_config *config,
		      struct kms_error *err)
{
	const struct workload_config *w = &config->workload;
	char path[4096];

	if (w->adversary)
		return adversary_open(stream, w->adversary, &w->parameters, config->seed, err);
	if (w->has_synthetic)
		return synthetic_open(stream, &w->synthetic, config->seed, err);
	data_find(w->trace, path, sizeof(path));
	return trace_open(stream, path, err);
}

static int hash_workload(const struct workload_config *w, char trace_hash[33], struct kms_error *err)
{
	char path[4096];

	strcpy(trace_hash, "");
	if (!w->trace)
		return 0;
	data_find(w->trace, path, sizeof(path));
	return trace_file_hash(path, trace_hash, err);
}

static const char *workload_name(const struct workload_config *w)
{
	return w->adversary ? adversary_choices[w->adversary] : w->has_synthetic ? "synthetic" : w->trace;
}

#define LARGEST_OBJECT (4u << 20) /* of a slab cache: the page allocator's largest block */
#define LARGEST_ALIGN (64u << 10)

/* What no kernel could have created: the allocators trust their callers. */
static int check_caches(const struct kms_workload_info *info, struct kms_error *err)
{
	for (u32 i = 0; i < info->nr_caches; i++) {
		const struct kms_cache_def *d = &info->caches[i];

		if (!d->object_size || d->object_size > LARGEST_OBJECT || d->align > LARGEST_ALIGN ||
		    (d->align & (d->align - 1)) || d->usersize > d->object_size ||
		    d->useroffset > d->object_size - d->usersize)
			return kms_fail(err, KMS_EUSAGE,
					"the workload's slab cache %u, '%s', has objects of %u bytes, aligned to %u, "
					"with %u bytes for the user at %u; expected 1 to %u bytes, alignment 0 or a power "
					"of two up to %u, and the user's part inside", i, d->name, d->object_size, d->align,
					d->usersize, d->useroffset, LARGEST_OBJECT, LARGEST_ALIGN);
	}
	return 0;
}

static int check_workload(struct run *run, struct kms_error *err)
{
	const struct experiment_config *c = run->config;
	const struct kms_workload_info *info = run->info;

	if (info->nr_cpus > c->machine.cpus)
		return kms_fail(err, KMS_EUSAGE,
				"the workload needs %u CPUs, machine '%s' has %llu (machine.cpus)",
				info->nr_cpus, c->machine.name ? c->machine.name : "",
				(unsigned long long)c->machine.cpus);
	if (c->workload.memory == MEMORY_RECORDED && !info->nr_zones && !run->state)
		return kms_fail(err, KMS_EUSAGE,
				"workload.memory is 'recorded', but this workload brings no memory map; use 'machine'");
	if (check_caches(info, err) || shrink_check(run, err))
		return KMS_EUSAGE;
	for (size_t i = 0; i < c->workload.warm_up.n; i++) {
		const char *name = ((char **)c->workload.warm_up.items)[i];
		u32 p = 0;

		while (p < info->nr_phases && strcmp(info->phases[p], name))
			p++;
		if (p == info->nr_phases) {
			const char *near = kms_nearest(name, (const char *const *)info->phases, info->nr_phases);

			return kms_fail(err, KMS_EUSAGE, "workload.warm_up: the workload has no phase '%s'%s%s%s", name,
					near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
		}
	}
	return 0;
}

/* ---- the run's row ---- */

void run_config_hash(const char *text, char hex[33])
{
	XXH128_hash_t h = XXH3_128bits(text, strlen(text));

	snprintf(hex, 33, "%016llx%016llx", (unsigned long long)h.high64, (unsigned long long)h.low64);
}

int run_cost_hash(const struct experiment_config *config, char hex[33], struct kms_error *err)
{
	char path[4096];

	*hex = 0;
	if (config->timing != TIMING_CYCLE || !config->costs)
		return 0;
	data_find(config->costs, path, sizeof(path));
	return trace_file_hash(path, hex, err) ? kms_fail_in(err, "costs") : 0;
}

static int begin(struct run *run, const char *config_json, const char *trace_hash, s64 *run_id,
		 struct kms_error *err)
{
	const struct experiment_config *c = run->config;
	static const char *const timings[] = { "cycle", "functional" };
	static const char *const pacings[] = { "asap", "order", "timestamps" };
	struct utsname host = { 0 };
	char host_text[256], hash[33], cost_hash[33];
	struct run_info info = {
		.name = c->name, .title = c->title, .tool_version = KMS_VERSION " (" KMS_GIT ")",
		.compiler = KMS_COMPILER, .compiler_flags = KMS_SIM_FLAGS, .host = host_text,
		.config_json = config_json, .config_hash = hash, .trace_hash = trace_hash,
		.cost_hash = cost_hash, .model_hash = KMS_MODEL,
		.workload = workload_name(&c->workload),
		.machine = c->machine.name, .policy = run->policy->name,
		.timing = timings[c->timing], .pacing = run->cycle ? pacings[c->workload.pacing] : "order",
		.seed = c->seed, .ram_bytes = run->account.ram_bytes,
		.part_names = rt_part_names, .nr_parts = NR_PARTS,
	};

	uname(&host);
	snprintf(host_text, sizeof(host_text), "%s %s %s", host.sysname, host.release, host.machine);
	run_config_hash(config_json, hash);
	if (run_cost_hash(c, cost_hash, err))
		return err->code;
	return store_begin_run(run->store, &info, run_id, err);
}

static int host_facts(struct run *run, double start_up, struct kms_error *err)
{
	double seconds = run_host_seconds() - run->started - start_up;
	struct {
		const char *name;
		double value;
		const char *unit;
	} facts[] = {
		{ "start_up", start_up, "s" },
		{ "replay", seconds, "s" },
		{ "requests_per_second", seconds > 0 ? (double)run->replay.done / seconds : 0, "requests/s" },
		{ "simulated_ram_resident", (double)ram_resident_bytes(), "bytes" },
	};
	int ret = 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(facts) && !ret; i++)
		ret = store_host(run->store, facts[i].name, facts[i].value, facts[i].unit, err);
	return ret;
}

/* ---- from start to end ---- */

/* ns between the slab layer's periodic work; 0: there is none. */
static u64 slab_period(const struct run *run)
{
	if (!run->slab->periodic)
		return 0;
	if (!strcmp(run->policy->name, "slab"))
		return run->config->allocator.params.cache_reap_ms * 1000000;
	return run->slab->periodic_ns;
}

static const char *cache_name(void *arg, u64 id)
{
	const struct run *run = arg;

	return id < run->info->nr_caches ? run->info->caches[id].name : NULL;
}

static int start_system(struct run *run, struct system *system, struct kms_error *err)
{
	const struct experiment_config *c = run->config;
	char costs[4096] = "";
	struct system_config sc = {
		.machine = &c->machine, .params = &c->allocator.params, .slab = c->allocator.slab,
		.lowmem_reserve_ratio = &c->allocator.lowmem_reserve_ratio,
		.policy_params = c->allocator.policy_params, .checked = c->check || run->options->check,
		.workload = run->info,
		.recorded = (run->state ? run->state->recorded_memory : c->workload.memory == MEMORY_RECORDED) ?
				    run->info : NULL,
		.seed = c->seed, .cycle = run->cycle, .access = run->options->access,
	};
	int ret;

	if (run->cycle && c->costs) {
		data_find(c->costs, costs, sizeof(costs));
		sc.costs = costs;
	}
	ret = system_start(system, &sc, err);
	if (ret)
		return ret;
	rt_set_cache_names(cache_name, run);
	run->machine = system->machine;
	run->recorded_memory = sc.recorded != NULL;
	run->mm = system->mm;
	run->policy = system->policy;
	run->policy_plain = system->policy_plain;
	run->slab = run->policy->ops;
	run->slab_period = slab_period(run);
	run->account.ram_bytes = system->ram_bytes;
	run->account.kernel_bytes = system->kernel_bytes;
	return 0;
}

/* A workload that brings no boot steps gets a booted kernel. */
static int finish_boot(struct run *run, struct system *system, struct kms_error *err)
{
	if (run->state)
		return state_load(run, err);
	if (run->info->nr_boot_steps)
		return 0;
	run->kernel_up = true;
	return system_boot_rest(system, err);
}

/* For the reports of a loaded policy: the trace's number of a CPU's request. */
static u64 request_number(void *arg, u32 cpu)
{
	const struct run *run = arg;

	return run->replay.cpus && cpu < run->replay.nr_cpus ? run->replay.cpus[cpu].request.seq : ~0ull;
}

/*
 * What the run measured goes to the store also when it ended early; the
 * error of the replay itself is the one that is returned.
 */
static int replay_and_report(struct run *run, double start_up, struct kms_error *err)
{
	struct kms_error late = { 0 };
	const char *status;
	int ret = replay_run(run, err);

	if (!ret || ret == KMS_EINTERRUPTED) {
		record_close(run);
		if (report(run, ret ? &late : err) && !ret)
			ret = err->code;
	}
	if (!ret && run->options->save_state) /* before what the check of the frees does to it */
		ret = state_save(run, run->options->save_state, err);
	if (!ret && run->policy == plugin_policy())
		ret = plugin_check_frees(err);
	host_facts(run, start_up, &late);
	status = !ret ? "complete" : ret == KMS_EINTERRUPTED ? "interrupted" : "failed";
	if (store_end_run(run->store, status, ret ? &late : err) && !ret)
		ret = err->code;
	return ret;
}

static int run_on_system(struct run *run, struct system *system, const char *config_json,
			 const char *trace_hash, s64 *run_id, struct kms_error *err)
{
	double start_up;
	int ret = objects_init(&run->objects, run->info->slots, err);

	if (!ret)
		ret = account_init(run, err);
	if (!ret)
		ret = record_init(run, err);
	if (!ret)
		ret = mobility_start(&run->mobility, err);
	if (!ret)
		ret = slab_stats_start(&run->slab_stats, err);
	if (!ret && system->plugged)
		plugin_set_requests(request_number, run);
	if (!ret && run->state) /* a file that turns out to be damaged makes no run */
		ret = finish_boot(run, system, err);
	if (!ret)
		ret = begin(run, config_json, trace_hash, run_id, err);
	if (ret)
		return ret;
	if (!run->state)
		ret = finish_boot(run, system, err);
	start_up = run_host_seconds() - run->started;
	if (!ret)
		ret = record_phase(run, run->state && !run->aged ? run->state->phase : 0, err);
	return ret ? ret : replay_and_report(run, start_up, err);
}

/* Open the state that the run begins in, see that it fits, and put the workload behind it. */
static int begin_in_state(struct run *run, struct kms_error *err)
{
	const struct workload_config *w = &run->config->workload;
	int ret;

	if (!w->start_state)
		return w->resume ? kms_fail(err, KMS_EUSAGE, "workload.resume: expected \"start_state\" with it, found none") : 0;
	ret = state_open(&run->state, w->start_state, err);
	if (!ret)
		ret = state_agrees(run->state, run, run->config_json, run->trace_hash, err);
	if (!ret)
		ret = state_stream(&run->stream, run->state, w->resume, err);
	if (ret)
		return ret;
	run->aged = !w->resume;
	run->held_caches = run->aged ? run->state->info.nr_caches : 0;
	run->first_request = run->aged ? 0 : run->state->requests;
	return 0;
}

int run_experiment(const struct experiment_config *config, const char *config_json, struct store *store,
		   const struct run_options *options, s64 *run_id, struct kms_error *err)
{
	struct run run = { .config = config, .options = options, .store = store,
			   .cycle = config->timing == TIMING_CYCLE, .started = run_host_seconds() };
	struct system system = { 0 };
	char trace_hash[33] = "";
	int ret = run_open_workload(&run.stream, config, err);

	if (ret)
		return ret;
	run.config_json = config_json;
	run.trace_hash = trace_hash;
	ret = hash_workload(&config->workload, trace_hash, err);
	if (!ret)
		ret = begin_in_state(&run, err);
	if (ret) {
		run.stream->close(run.stream);
		state_close(run.state);
		return ret;
	}
	run.info = run.stream->info;
	run.caches = calloc(run.info->nr_caches + 1, sizeof(*run.caches));
	run.cache_gone = calloc(run.info->nr_caches + 1, sizeof(*run.cache_gone));
	ret = run.caches && run.cache_gone ? check_workload(&run, err) : kms_fail(err, KMS_EFAIL, "no memory for slab caches");
	if (!ret)
		ret = start_system(&run, &system, err);
	if (!ret)
		ret = run_on_system(&run, &system, config_json, trace_hash, run_id, err);
	slab_stats_stop(&run.slab_stats);
	page_map_free(&run.page_map);
	mobility_stop(&run.mobility);
	record_free(&run.recorder);
	account_free(&run.account);
	objects_free(&run.objects);
	free(run.caches);
	free(run.cache_gone);
	free(run.workers);
	rt_set_cache_names(NULL, NULL);
	system_stop(&system);
	run.stream->close(run.stream);
	state_close(run.state);
	return ret;
}
