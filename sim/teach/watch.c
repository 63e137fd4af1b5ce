/*
 * watch.c - watch.h: keeping the log of one operation.
 */
#include "sim/teach/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/hw/machine.h"
#include "models/mm/tracepoints.h"

const char *const watch_level_names[NR_WATCH_LEVELS] = {"L1", "L2", "LLC", "other CPU", "DRAM"};

const struct watch_tracepoint watch_tracepoints[] = {
#define TRACEPOINT(name, path, args, doc) {#name, args, doc},
#include "models/mm/tracepoints.def"
#undef TRACEPOINT
};

/* What is being watched: the engine and the run time know only functions. */
static struct {
	struct watch_log *log;
	u32 cpu;
	u64 *fast; /* the CPU's short cut, to be given back */
	kms_ps start, part[NR_PARTS];
	const char *(*name)(void *arg, u64 id);
	void *name_arg;
} watched;

/* Who listened to each tracepoint before. */
static struct listener {
	rt_probe_fn *before;
	void *before_arg;
} listeners[NR_TRACEPOINTS];

/* ---- the log ---- */

/* Room for one more behind n entries: doubled at 64, 128, 256 ... */
static void *room(void *list, u32 n, size_t bytes, struct watch_log *log)
{
	void *more;

	if (n && (n < 64 || n & (n - 1)))
		return list;
	more = realloc(list, (n ? 2 * (size_t)n : 64) * bytes);
	if (!more)
		log->out_of_memory = true;
	return more ? more : list;
}

static void log_touch(struct watch_log *log, const struct watch_touch *touch)
{
	log->all_touches++;
	if (log->nr_touches >= WATCH_MOST)
		return;
	log->touches = room(log->touches, log->nr_touches, sizeof(*log->touches), log);
	if (!log->out_of_memory)
		log->touches[log->nr_touches++] = *touch;
}

static void log_mark(void *arg, u32 cpu, u64 a, u64 b, u64 c)
{
	struct listener *l = arg;
	u32 tracepoint = (u32)(l - listeners);
	struct watch_log *log = watched.log;

	if (l->before)
		l->before(l->before_arg, cpu, a, b, c);
	if (!log || cpu != watched.cpu || log->all_marks++ >= WATCH_MOST)
		return;
	log->marks = room(log->marks, log->nr_marks, sizeof(*log->marks), log);
	if (!log->out_of_memory)
		log->marks[log->nr_marks++] = (struct watch_mark){tracepoint, log->nr_touches, a, b, c};
}

void watch_log_free(struct watch_log *log)
{
	free(log->touches);
	free(log->marks);
	*log = (struct watch_log){0};
}

/* ---- accesses ---- */

static enum watch_level level_of(const struct sim_cpu *cpu, const kms_ps before[NR_PARTS])
{
	static const struct {
		u32 part;
		enum watch_level level;
	} order[] = {{PART_DRAM, LEVEL_DRAM}, {PART_COHERENCE, LEVEL_COHERENCE}, {PART_LLC, LEVEL_LLC},
		     {PART_L2, LEVEL_L2}};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(order); i++)
		if (cpu->part[order[i].part] > before[order[i].part])
			return order[i].level;
	return LEVEL_L1;
}

void watch_access(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	struct watch_touch touch = {.off = off, .size = size, .kind = (u8)kind};
	kms_ps before[NR_PARTS], start = cpu->clock;

	if (!watched.log || cpu->id != watched.cpu) {
		machine_access(cpu, off, size, kind);
		return;
	}
	memcpy(before, cpu->part, sizeof(before));
	machine_access(cpu, off, size, kind);
	touch.cost = cpu->clock - start;
	touch.level = (u8)level_of(cpu, before);
	log_touch(watched.log, &touch);
}

/* ---- one operation ---- */

void watch_install(void)
{
	for (u32 i = 0; i < NR_TRACEPOINTS; i++) {
		void *arg;
		rt_probe_fn *before = rt_probe_of(i, &arg);

		if (before == log_mark)
			continue;
		listeners[i] = (struct listener){before, arg};
		rt_probe(i, log_mark, &listeners[i]);
	}
}

static void empty(struct watch_log *log)
{
	log->nr_touches = log->nr_marks = 0;
	log->all_touches = log->all_marks = 0;
	log->time = 0;
	memset(log->part, 0, sizeof(log->part));
}

void watch_begin(struct watch_log *log, u32 cpu)
{
	struct sim_cpu *sim = sim_this_cpu();

	watched.log = log;
	watched.cpu = cpu;
	if (log)
		empty(log);
	if (!log || !sim)
		return;
	watched.fast = sim->fast;
	sim->fast = NULL;
	watched.start = sim->clock;
	memcpy(watched.part, sim->part, sizeof(watched.part));
}

void watch_end(u32 cpu)
{
	struct sim_cpu *sim = sim_this_cpu();
	struct watch_log *log = watched.log;

	watched.log = NULL;
	if (!log)
		return;
	log->path = rt_op(cpu)->path;
	log->insns = (rt_op(cpu)->insns_x1024 + 512) >> 10;
	if (!sim)
		return;
	sim->fast = watched.fast;
	log->time = sim->clock - watched.start;
	for (u32 i = 0; i < NR_PARTS; i++)
		log->part[i] = sim->part[i] - watched.part[i];
}

/* ---- afterwards ---- */

void watch_set_cache_names(const char *(*name)(void *arg, u64 id), void *arg)
{
	watched.name = name;
	watched.name_arg = arg;
}

bool watch_cache(const struct kmem_cache *cache, struct mm_cache_info *info)
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

const char *watch_cache_name(const struct mm_cache_info *info)
{
	const char *name;

	if (info->boot_cache)
		return mm_boot_cache_name(info->name);
	name = watched.name ? watched.name(watched.name_arg, info->name) : NULL;
	return name ? name : "the new cache";
}

/* Accesses to one cache's things come in rows: the name is looked up once for a row. */
void watch_find_places(struct watch_log *log)
{
	const struct kmem_cache *named = NULL;
	struct mm_cache_info info;
	char name[sizeof(log->touches->cache)] = "";

	for (u32 i = 0; i < log->nr_touches; i++) {
		struct watch_touch *t = &log->touches[i];

		mm_inspect_place(t->off, &t->place);
		*t->cache = 0;
		if (!t->place.cache)
			continue;
		if (t->place.cache != named) {
			named = t->place.cache;
			snprintf(name, sizeof(name), "%s", watch_cache(named, &info) ? watch_cache_name(&info) : "");
		}
		memcpy(t->cache, name, sizeof(name));
	}
}
