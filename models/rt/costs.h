/*
 * costs.h - the instruction work of path segments, read from JSON.
 *
 *   { "name": "...", "source": "where the counts come from",
 *     "segments": { "TRACEPOINT": { "insns": N, "per": N, "doc": "..." } } }
 *
 * "insns" is charged at every pass of the tracepoint (models/mm/tracepoints.def),
 * "per" times its first argument. Tracepoints that are not listed cost nothing.
 */
#ifndef MODELS_RT_COSTS_H
#define MODELS_RT_COSTS_H

#include "models/rt/rt.h"

struct cost_table {
	char *name, *source;   /* "" when the file does not say */
	struct rt_cost *costs; /* [NR_TRACEPOINTS], for rt_config */
	u32 nr_given;          /* tracepoints that the table names */
};

/*
 * Read a table. KMS_EUSAGE with file:line:column: unreadable, no JSON, unknown
 * or repeated key or tracepoint (with the nearest one there is), wrong type,
 * negative number. On failure there is nothing to free.
 */
int costs_load(struct cost_table *table, const char *path, struct kms_error *err);
/* The same from text; name stands for the file in errors. */
int costs_parse(struct cost_table *table, const char *text, const char *name,
		struct kms_error *err);
void costs_free(struct cost_table *table);

#endif
