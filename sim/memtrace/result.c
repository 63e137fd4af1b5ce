/*
 * result.c - the list of figures that a mode of memtrace fills.
 */
#include <stdio.h>

#include "sim/memtrace/memtrace.h"

static struct memtrace_figure *next(struct memtrace_result *r, const char *name, const char *unit)
{
	struct memtrace_figure *f = &r->figures[r->nr_figures];

	if (r->nr_figures < MEMTRACE_MAX_FIGURES - 1)
		r->nr_figures++;
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->unit = unit;
	return f;
}

void memtrace_count(struct memtrace_result *r, const char *name, const char *unit, u64 value)
{
	struct memtrace_figure *f = next(r, name, unit);

	f->kind = MEMTRACE_COUNT;
	f->count = value;
}

void memtrace_number(struct memtrace_result *r, const char *name, const char *unit, double value)
{
	struct memtrace_figure *f = next(r, name, unit);

	f->kind = MEMTRACE_NUMBER;
	f->number = value;
}

void memtrace_text(struct memtrace_result *r, const char *name, const char *value)
{
	struct memtrace_figure *f = next(r, name, "");

	f->kind = MEMTRACE_TEXT;
	snprintf(f->text, sizeof(f->text), "%s", value);
}
