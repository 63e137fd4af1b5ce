/*
 * lines.c - lines.h: a log told in tracepoints and cache lines.
 */
#include "sim/teach/lines.h"

#include <string.h>

#include "models/mm/tracepoints.h"

#define PS_PER_NS 1000.0

/* The tracepoints in the order in which they were first passed, each once. */
void lines_show_marks(const struct watch_log *log, FILE *out)
{
	u32 passes[NR_TRACEPOINTS] = {0};

	for (u32 i = 0; i < log->nr_marks; i++)
		passes[log->marks[i].tracepoint]++;
	for (u32 i = 0; i < log->nr_marks; i++) {
		u32 id = log->marks[i].tracepoint;

		if (!passes[id])
			continue;
		fprintf(out, "      %-26s %s", watch_tracepoints[id].name, watch_tracepoints[id].doc);
		if (passes[id] > 1)
			fprintf(out, " (%u times)", passes[id]);
		fputc('\n', out);
		passes[id] = 0;
	}
}

void lines_show_parts(const struct watch_log *log, double ghz, FILE *out)
{
	bool first = true;

	for (u32 i = 0; i < NR_PARTS; i++) {
		if (!log->part[i])
			continue;
		fprintf(out, "%s%s %.0f", first ? "" : ", ", rt_part_names[i], (double)log->part[i] / PS_PER_NS * ghz);
		first = false;
	}
}

#define FIELDS 3 /* named of one line */
struct line {
	u64 line;
	u32 touches, level, lines;
	kms_ps cost;
	const struct watch_touch *fields[FIELDS]; /* accesses to different fields, the first one first */
	u32 nr_fields;
	bool more;
};

static void add_field(struct line *line, const struct watch_touch *t)
{
	for (u32 i = 0; i < line->nr_fields; i++)
		if (!strcmp(line->fields[i]->place.field, t->place.field))
			return;
	if (line->nr_fields < FIELDS)
		line->fields[line->nr_fields++] = t;
	else
		line->more = true;
}

/* Distinct lines in the order in which they were first touched. */
static u32 find_lines(const struct watch_log *log, struct line *lines, u32 most)
{
	u32 n = 0;

	for (u32 i = 0; i < log->nr_touches; i++) {
		const struct watch_touch *t = &log->touches[i];
		u32 at = 0;

		while (at < n && lines[at].line != t->off >> 6)
			at++;
		if (at == most)
			continue;
		if (at == n)
			lines[n++] = (struct line){.line = t->off >> 6, .level = t->level};
		lines[at].touches++;
		lines[at].cost += t->cost;
		add_field(&lines[at], t);
	}
	return n;
}

static void say_place(const struct line *line, FILE *out)
{
	const struct mm_place *p = &line->fields[0]->place;

	fprintf(out, "%s", p->structure);
	for (u32 i = 0; i < line->nr_fields; i++)
		if (*line->fields[i]->place.field)
			fprintf(out, "%s%s", i ? ", " : ": ", line->fields[i]->place.field);
	fprintf(out, "%s", line->more ? " ..." : "");
	if (*p->owner)
		fprintf(out, " (%s)", p->owner);
	if (*line->fields[0]->cache)
		fprintf(out, " of %s", line->fields[0]->cache);
	fputc('\n', out);
}

/* Rows of objects or of struct pages that were met alike are told as one. */
static bool alike(const struct line *a, const struct line *b)
{
	const struct watch_touch *x = a->fields[0], *y = b->fields[0];

	if (a->level != b->level || strcmp(x->place.structure, y->place.structure) || strcmp(x->cache, y->cache))
		return false;
	return !strcmp(x->place.structure, "object") || !strcmp(x->place.structure, "struct page");
}

static u32 merge_alike(struct line *lines, u32 n)
{
	u32 kept = 0;

	for (u32 i = 0; i < n; i++) {
		if (kept && alike(&lines[kept - 1], &lines[i])) {
			lines[kept - 1].lines++;
			lines[kept - 1].touches += lines[i].touches;
			lines[kept - 1].cost += lines[i].cost;
			continue;
		}
		lines[kept] = lines[i];
		lines[kept++].lines = 1;
	}
	return kept;
}

void lines_show(const struct watch_log *log, double ghz, u32 most, FILE *out)
{
	struct line lines[256];
	u32 n = find_lines(log, lines, KMS_ARRAY_SIZE(lines)), rows = merge_alike(lines, n);
	u32 shown = rows <= most + 4ull ? rows : most;

	fprintf(out, "    %llu accesses to %u%s cache lines; the cycles are those of all accesses to a line\n",
		(unsigned long long)log->all_touches, n, n == KMS_ARRAY_SIZE(lines) ? " or more" : "");
	fprintf(out, "      %-9s %6s %8s  %s\n", "first in", "cycles", "accesses", "what lies there");
	for (u32 i = 0; i < shown; i++) {
		fprintf(out, "      %-9s %6.0f %8u  ", watch_level_names[lines[i].level],
			(double)lines[i].cost / PS_PER_NS * ghz, lines[i].touches);
		if (lines[i].lines > 1)
			fprintf(out, "%u lines, the first: ", lines[i].lines);
		say_place(&lines[i], out);
	}
	if (shown < rows)
		fprintf(out, "      ... and %u more rows\n", rows - shown);
}
