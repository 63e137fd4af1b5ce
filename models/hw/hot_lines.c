/*
 * hot_lines.c - which lines CPUs fight over, in bounded memory.
 *
 * Transfers and invalidations are counted in the line's directory entry, which
 * is exact while the line stays there. When it leaves, its counts go to a
 * table of fixed size, 8 places for each hash of the line; when those are full
 * it replaces the least contended of them if it is more contended itself. So a
 * line's count is a lower bound, and exact for any that never lost its place.
 */
#include <string.h>

#include "models/hw/hierarchy.h"

static bool used(const struct hw_retired *r)
{
	return r->transfers || r->invalidations;
}

static u32 first_place(u64 off_line)
{
	u32 hash = (u32)(off_line * 0x9e3779b97f4a7c15ull >> 32);

	return hash % HW_RETIRED / HW_RETIRED_WAYS * HW_RETIRED_WAYS;
}

/* The line's entry, else an unused one, else the least contended of its places. */
static struct hw_retired *retired_entry(struct machine *m, u64 off_line)
{
	struct hw_retired *place = &m->retired[first_place(off_line)], *least = place;

	for (struct hw_retired *r = place; r < place + HW_RETIRED_WAYS; r++) {
		if (r->off_line == off_line && used(r))
			return r;
		if (r->transfers + r->invalidations < least->transfers + least->invalidations)
			least = r;
	}
	return least;
}

void hot_retire_slot(struct machine *m, u32 slot)
{
	struct hw_contention *contention = &m->contention[slot];
	struct hw_retired *r = retired_entry(m, contention->off_line);
	u64 conflicts = (u64)contention->transfers + contention->invalidations;

	if (r->off_line != contention->off_line && r->transfers + r->invalidations < conflicts)
		*r = (struct hw_retired){ .off_line = contention->off_line };
	if (r->off_line == contention->off_line) {
		r->transfers += contention->transfers;
		r->invalidations += contention->invalidations;
	}
	*contention = (struct hw_contention){ 0 };
}

static bool is_retired(const struct machine *m, u64 off_line)
{
	const struct hw_retired *place = &m->retired[first_place(off_line)];

	for (const struct hw_retired *r = place; r < place + HW_RETIRED_WAYS; r++) {
		if (r->off_line == off_line && used(r))
			return true;
	}
	return false;
}

static bool hotter(const struct hw_line_count *a, const struct hw_line_count *b)
{
	if (a->transfers != b->transfers)
		return a->transfers > b->transfers;
	if (a->invalidations != b->invalidations)
		return a->invalidations > b->invalidations;
	return a->off < b->off;
}

/* Insert into lines[0..have), sorted, at most n. Returns the new number. */
static u32 insert(struct hw_line_count *lines, u32 have, u32 n, struct hw_line_count line)
{
	u32 at = have;

	while (at > 0 && hotter(&line, &lines[at - 1]))
		at--;
	if (at >= n)
		return have;
	have += have < n;
	memmove(&lines[at + 1], &lines[at], (have - 1 - at) * sizeof(*lines));
	lines[at] = line;
	return have;
}

/* Counts of a line that is now in the directory, or zeros. */
static struct hw_contention live_counts(const struct machine *m, u64 off_line)
{
	u32 slot = coherence_slot(m, hw_line(off_line));

	return slot == DIRECTORY_NONE ? (struct hw_contention){ 0 } : m->contention[slot];
}

u32 machine_hot_lines(const struct machine *m, struct hw_line_count *lines, u32 n)
{
	u32 have = 0;

	for (u32 i = 0; i < HW_RETIRED; i++) {
		const struct hw_retired *r = &m->retired[i];
		struct hw_contention live = live_counts(m, r->off_line);
		struct hw_line_count line = { r->off_line << SIM_LINE_SHIFT,
					      r->transfers + live.transfers,
					      r->invalidations + live.invalidations };

		if (used(r))
			have = insert(lines, have, n, line);
	}
	for (size_t slot = 0; slot < m->nr_slots; slot++) {
		const struct hw_contention *c = &m->contention[slot];
		struct hw_line_count line = { c->off_line << SIM_LINE_SHIFT, c->transfers,
					      c->invalidations };

		if (!c->transfers && !c->invalidations)
			continue;
		if (!is_retired(m, c->off_line))
			have = insert(lines, have, n, line);
	}
	return have;
}
