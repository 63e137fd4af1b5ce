/*
 * sandbox.c - sandbox.h: setting the machine up, and watching one operation.
 */
#include "sim/teach/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/mm/tracepoints.h"
#include "sim/engine/ram.h"

#define PS_PER_NS 1000.0
#define MAX_SETTINGS 128

const char *const sandbox_level_names[NR_SANDBOX_LEVELS] = {"L1", "L2", "LLC", "other CPU", "DRAM"};

const struct sandbox_tracepoint sandbox_tracepoints[] = {
#define TRACEPOINT(name, path, args, doc) {#name, args, doc},
#include "models/mm/tracepoints.def"
#undef TRACEPOINT
};

/* The sandbox whose operation is being watched: the engine knows only functions. */
static struct sandbox *watched;

/* ---- the log ---- */

/* Room for one more behind n entries: doubled at 64, 128, 256 ... */
static void *room(void *list, u32 n, size_t bytes, struct sandbox_log *log)
{
	void *more;

	if (n && (n < 64 || n & (n - 1)))
		return list;
	more = realloc(list, (n ? 2 * (size_t)n : 64) * bytes);
	if (!more)
		log->out_of_memory = true;
	return more ? more : list;
}

static void log_touch(struct sandbox_log *log, const struct sandbox_touch *touch)
{
	log->all_touches++;
	if (log->nr_touches >= SANDBOX_MOST)
		return;
	log->touches = room(log->touches, log->nr_touches, sizeof(*log->touches), log);
	if (!log->out_of_memory)
		log->touches[log->nr_touches++] = *touch;
}

static void log_mark(void *arg, u32 cpu, u64 a, u64 b, u64 c)
{
	struct sandbox_log *log = watched ? watched->log : NULL;
	u32 tracepoint = (u32)((const struct sandbox_tracepoint *)arg - sandbox_tracepoints);

	if (!log || log->all_marks++ >= SANDBOX_MOST)
		return;
	log->marks = room(log->marks, log->nr_marks, sizeof(*log->marks), log);
	if (!log->out_of_memory)
		log->marks[log->nr_marks++] = (struct sandbox_mark){tracepoint, log->nr_touches, a, b, c};
}

void sandbox_log_free(struct sandbox_log *log)
{
	free(log->touches);
	free(log->marks);
	*log = (struct sandbox_log){0};
}

/* ---- accesses ---- */

static enum sandbox_level level_of(const struct sim_cpu *cpu, const kms_ps before[NR_PARTS])
{
	static const struct {
		u32 part;
		enum sandbox_level level;
	} order[] = {{PART_DRAM, LEVEL_DRAM}, {PART_COHERENCE, LEVEL_COHERENCE}, {PART_LLC, LEVEL_LLC},
		     {PART_L2, LEVEL_L2}};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(order); i++)
		if (cpu->part[order[i].part] > before[order[i].part])
			return order[i].level;
	return LEVEL_L1;
}

static void watch_access(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	struct sandbox_touch touch = {.off = off, .size = size, .kind = (u8)kind};
	kms_ps before[NR_PARTS], start = cpu->clock;

	if (!watched || !watched->log) {
		machine_access(cpu, off, size, kind);
		return;
	}
	memcpy(before, cpu->part, sizeof(before));
	machine_access(cpu, off, size, kind);
	touch.cost = cpu->clock - start;
	touch.level = (u8)level_of(cpu, before);
	log_touch(watched->log, &touch);
}

/* ---- one operation ---- */

struct operation {
	struct sandbox *box;
	u32 cpu;
	void (*fn)(void *arg);
	void *arg;
};

static void begin(struct sandbox *box, u32 cpu)
{
	rt_begin_op(cpu);
	watched = box;
}

static void end(struct sandbox *box, u32 cpu)
{
	watched = NULL;
	if (!box->log)
		return;
	box->log->path = rt_op(cpu)->path;
	box->log->insns = (rt_op(cpu)->insns_x1024 + 512) >> 10;
}

static void timed(void *arg)
{
	const struct operation *o = arg;
	struct sim_cpu *cpu = sim_this_cpu();
	struct sandbox_log *log = o->box->log;
	kms_ps part[NR_PARTS], start = cpu->clock;
	u64 *fast = cpu->fast;

	memcpy(part, cpu->part, sizeof(part));
	if (log)
		cpu->fast = NULL;
	begin(o->box, o->cpu);
	o->fn(o->arg);
	end(o->box, o->cpu);
	cpu->fast = fast;
	if (!log)
		return;
	log->time = cpu->clock - start;
	for (u32 i = 0; i < NR_PARTS; i++)
		log->part[i] = cpu->part[i] - part[i];
}

static void untimed(void *arg)
{
	const struct operation *o = arg;

	rt_enter_cpu(o->cpu);
	begin(o->box, o->cpu);
	o->fn(o->arg);
	end(o->box, o->cpu);
}

/* Accesses to one cache's things come in rows: the name is looked up once for a row. */
static void find_places(struct sandbox_log *log)
{
	const struct kmem_cache *named = NULL;
	struct mm_cache_info info;
	char name[sizeof(log->touches->cache)] = "";

	for (u32 i = 0; i < log->nr_touches; i++) {
		struct sandbox_touch *t = &log->touches[i];

		mm_inspect_place(t->off, &t->place);
		if (!t->place.cache)
			continue;
		if (t->place.cache != named) {
			named = t->place.cache;
			snprintf(name, sizeof(name), "%s",
				 sandbox_cache(named, &info) ? sandbox_cache_name(&info) : "");
		}
		memcpy(t->cache, name, sizeof(name));
	}
}

int sandbox_do(struct sandbox *box, u32 cpu, void (*fn)(void *arg), void *arg,
	       struct sandbox_log *log, struct kms_error *err)
{
	struct operation o = {box, cpu, fn, arg};
	int rc;

	box->log = log;
	if (!box->sys.cycle) {
		rc = rt_protect(untimed, &o, err);
	} else if (!sim_thread_start(cpu, "operation", timed, &o)) {
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	} else {
		rc = engine_run(err);
	}
	watched = NULL;
	box->log = NULL;
	if (rc || !log)
		return rc;
	if (log->out_of_memory)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	find_places(log);
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
		.slab = box->config.allocator.slab, .costs = box->config.costs,
		.seed = box->config.seed, .cycle = !o->functional, .access = watch_access,
	};
	rc = system_start(&box->sys, &sc, err);
	if (rc)
		return rc;
	system_boot_rest(&box->sys);
	box->mm = box->sys.mm;
	box->slab = box->sys.policy->ops;
	for (u32 i = 0; i < NR_TRACEPOINTS; i++)
		rt_probe(i, log_mark, (void *)&sandbox_tracepoints[i]);
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

bool sandbox_cache(const struct kmem_cache *cache, struct mm_cache_info *info)
{
	u32 n = mm_inspect_caches(NULL, 0);
	struct mm_cache_info *all = calloc(n + 1, sizeof(*all));
	bool found = false;

	n = all ? mm_inspect_caches(all, n) : 0;
	for (u32 i = 0; i < n && !found; i++) {
		found = all[i].cache == cache;
		*info = all[i];
	}
	free(all);
	return found;
}

const char *sandbox_cache_name(const struct mm_cache_info *info)
{
	return info->boot_cache ? mm_boot_cache_name(info->name) : "the new cache";
}
