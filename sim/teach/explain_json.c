/*
 * explain_json.c - explain.h for programs.
 */
#include "results/json.h"
#include "sim/teach/explain.h"

#define PS_PER_NS 1000.0

static double cycles(const struct explained *x, kms_ps ps)
{
	return (double)ps / PS_PER_NS * x->ghz;
}

static void json_slab(struct json *j, const struct explained *x)
{
	json_open(j, "slab_cache", '{');
	json_text(j, "name", x->call.kind == CALL_CACHE_CREATE && !x->merged ? x->call.name : watch_cache_name(&x->cache));
	json_uint(j, "object_size", x->cache.object_size);
	json_uint(j, "size", x->cache.size);
	json_uint(j, "align", x->cache.align);
	json_uint(j, "order", x->cache.order);
	json_uint(j, "objects_per_slab", x->cache.objects_per_slab);
	json_uint(j, "slab_bytes", x->slab_bytes);
	json_uint(j, "slab_tail", x->slab_tail);
	json_bool(j, "merged", x->merged);
	json_open(j, "slot", '[');
	for (u32 i = 0; i < x->slot.nr_parts; i++) {
		json_open(j, NULL, '{');
		json_text(j, "what", x->slot.parts[i].what);
		json_uint(j, "bytes", x->slot.parts[i].bytes);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void json_touches(struct json *j, const struct explained *x, const struct watch_log *log)
{
	static const char *const kinds[] = {"read", "write", "atomic", "atomic_local", "prefetch"};

	json_open(j, "accesses", '[');
	for (u32 i = 0; i < log->nr_touches; i++) {
		const struct watch_touch *t = &log->touches[i];

		json_open(j, NULL, '{');
		json_text(j, "kind", kinds[t->kind]);
		json_uint(j, "line", t->off >> 6);
		json_uint(j, "bytes", t->size);
		json_text(j, "structure", t->place.structure);
		json_text(j, "owner", t->place.owner);
		json_text(j, "field", t->place.field);
		json_text(j, "slab_cache", t->cache);
		json_text(j, "level", watch_level_names[t->level]);
		json_double(j, "cycles", cycles(x, t->cost));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_operation(struct json *j, const char *key, const struct explained *x, const struct watch_log *log)
{
	json_open(j, key, '{');
	json_text(j, "path", rt_path_names[log->path]);
	json_double(j, "cycles", cycles(x, log->time));
	json_uint(j, "instructions", log->insns);
	json_open(j, "parts_cycles", '{');
	for (u32 i = 0; i < NR_PARTS; i++)
		json_double(j, rt_part_names[i], cycles(x, log->part[i]));
	json_close(j, '}');
	json_open(j, "tracepoints", '[');
	for (u32 i = 0; i < log->nr_marks; i++)
		json_text(j, NULL, watch_tracepoints[log->marks[i].tracepoint].name);
	json_close(j, ']');
	json_touches(j, x, log);
	json_close(j, '}');
}

void explain_json(const struct explained *x, FILE *out)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_text(&j, "call", x->text);
	json_text(&j, "machine", x->machine);
	json_text(&j, "policy", x->policy);
	json_bool(&j, "failed", x->failed);
	json_uint(&j, "requested", x->requested);
	json_uint(&j, "held", x->held);
	json_uint(&j, "waste", explained_waste(x));
	json_double(&j, "waste_percent", explained_waste_percent(x));
	json_uint(&j, "order", x->order);
	json_uint(&j, "pages", (x->slab ? x->slab_bytes : x->held) / 4096);
	if (x->slab)
		json_slab(&j, x);
	json_operation(&j, "cold", x, &x->cold);
	json_operation(&j, "warm", x, &x->warm);
	json_operation(&j, "release", x, &x->release);
	json_close(&j, '}');
}
