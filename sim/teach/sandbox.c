/*
 * sandbox.c - sandbox.h: setting the machine up, and watching one operation.
 */
#include "sim/teach/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define PS_PER_NS 1000.0
#define MAX_SETTINGS 128

/* ---- one operation ---- */

struct operation {
	u32 cpu;
	struct watch_log *log;
	void (*fn)(void *arg);
	void *arg;
};

static void timed(void *arg)
{
	const struct operation *o = arg;

	rt_begin_op(o->cpu);
	watch_begin(o->log, o->cpu);
	o->fn(o->arg);
	watch_end(o->cpu);
}

static void untimed(void *arg)
{
	const struct operation *o = arg;

	rt_enter_cpu(o->cpu);
	timed(arg);
}

int sandbox_do(struct sandbox *box, u32 cpu, void (*fn)(void *arg), void *arg,
	       struct watch_log *log, struct kms_error *err)
{
	struct operation o = {cpu, log, fn, arg};
	int rc;

	if (!box->sys.cycle)
		rc = rt_protect(untimed, &o, err);
	else if (!sim_thread_start(cpu, "operation", timed, &o))
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	else
		rc = engine_run(err);
	watch_begin(NULL, 0); /* an operation that met a bug did not end */
	if (rc || !log)
		return rc;
	if (log->out_of_memory)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	watch_find_places(log);
	return 0;
}

/* ---- setting up ---- */

struct settings {
	char *list[MAX_SETTINGS];
	size_t n;
};

static int add(struct settings *s, const char *path, const char *value, struct kms_error *err)
{
	if (s->n == MAX_SETTINGS)
		return kms_fail(err, KMS_EUSAGE, "more than %d settings", MAX_SETTINGS);
	if (asprintf(&s->list[s->n], "%s%s%s", path, *path ? "=" : "", value) < 0)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	s->n++;
	return 0;
}

static int load(struct sandbox *box, const struct sandbox_options *o, const struct settings *s,
		struct kms_error *err)
{
	static const char text[] =
		"{\"machine\": \"configs/machines/desktop-4cpu.json\", \"allocator\": {\"slab\": \"slub\"},"
		" \"workload\": {\"synthetic\": {\"requests\": 1}}}";

	if (o->experiment)
		return cfg_load(&box->cfg, &experiment_config_table, &box->config, o->experiment,
				(const char *const *)s->list, s->n, err);
	return cfg_load_text(&box->cfg, &experiment_config_table, &box->config, o->text ? o->text : text,
			     o->text ? o->text_name : "sandbox", o->text ? o->text_dir : ".",
			     (const char *const *)s->list, s->n, err);
}

static int configure(struct sandbox *box, const struct sandbox_options *o, struct kms_error *err)
{
	struct settings s = {.n = 0};
	int rc = 0;

	if (o->machine)
		rc = add(&s, "machine", o->machine, err);
	if (!rc && o->slab)
		rc = add(&s, "allocator.slab", o->slab, err);
	for (size_t i = 0; i < o->nr_settings && !rc; i++)
		rc = add(&s, "", o->settings[i], err);
	if (!rc)
		rc = load(box, o, &s, err);
	for (size_t i = 0; i < s.n; i++)
		free(s.list[i]);
	return rc;
}

int sandbox_open(struct sandbox *box, const struct sandbox_options *o, struct kms_error *err)
{
	int rc;

	*box = (struct sandbox){0};
	rc = configure(box, o, err);
	if (rc)
		return rc;
	struct system_config sc = {
		.machine = &box->config.machine, .params = &box->config.allocator.params,
		.lowmem_reserve_ratio = &box->config.allocator.lowmem_reserve_ratio,
		.slab = box->config.allocator.slab,
		.policy_params = box->config.allocator.policy_params, .costs = box->config.costs,
		.seed = box->config.seed, .cycle = !o->functional, .access = watch_access,
	};
	rc = system_start(&box->sys, &sc, err);
	if (!rc)
		rc = system_boot_rest(&box->sys, err);
	if (rc)
		return rc;
	box->mm = box->sys.mm;
	box->slab = box->sys.policy->ops;
	watch_set_cache_names(NULL, NULL);
	watch_install();
	return 0;
}

void sandbox_close(struct sandbox *box)
{
	if (box->sys.mm)
		system_stop(&box->sys);
	cfg_free(box->cfg);
	*box = (struct sandbox){0};
}

/* ---- questions ---- */

double sandbox_cycles(const struct sandbox *box, kms_ps ps)
{
	return (double)ps / PS_PER_NS * box->config.machine.core.ghz;
}
