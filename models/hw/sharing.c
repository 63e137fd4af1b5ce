/*
 * sharing.c - which words of contended lines CPUs touch: true or false sharing.
 *
 * A line that CPUs have taken from each other a few times is watched: it stays
 * out of the short cut (sim_cpu.fast), so that every access to it comes by here
 * and leaves a mark on its words. That costs host time for these lines only and
 * changes no simulated time, since the short cut charges what a hit does.
 *
 * A conflict is a transfer from an owner, or a write that takes others' copies.
 * It is true sharing if the CPU, before it loses the line again, touches a word
 * that another touched since its own last touch, at least one of the two
 * writing: it had to hear of it (Dubois and others, "The detection and
 * elimination of useless misses in multiprocessors", 1993, with invalidating
 * writes judged like misses). Else the line came for the sake of its other
 * words: false sharing. Both are counted at the word whose access took the line.
 */
#include <string.h>

#include "models/hw/hierarchy.h"

static bool in(const u64 *set, u32 cpu)
{
	return set[cpu / 64] >> cpu % 64 & 1;
}

static void add(u64 *set, u32 cpu)
{
	set[cpu / 64] |= 1ull << cpu % 64;
}

static void take(u64 *set, u32 cpu)
{
	set[cpu / 64] &= ~(1ull << cpu % 64);
}

static bool any_but(const u64 *set, u32 cpu)
{
	u64 any = 0;

	for (u32 i = 0; i < HW_CPU_WORDS; i++)
		any |= set[i] & ~(i == cpu / 64 ? 1ull << cpu % 64 : 0ull);
	return any != 0;
}

static u32 members(const u64 *set)
{
	u32 n = 0;

	for (u32 i = 0; i < HW_CPU_WORDS; i++)
		n += (u32)__builtin_popcountll(set[i]);
	return n;
}

static struct hw_watched *find(struct machine *m, u64 off_line)
{
	u32 at = hw_watch_place(off_line);

	for (u32 way = 0; way < HW_WATCH_WAYS; way++) {
		if (m->watch_keys[at + way] == off_line)
			return &m->watched[at + way];
	}
	return NULL;
}

/* Watch a line, in the place of one that is fought over less. NULL: all are more. */
static struct hw_watched *begin(struct machine *m, u64 off_line, u64 conflicts)
{
	u32 at = hw_watch_place(off_line), least = at;
	struct hw_watched *w;

	for (u32 way = 1; way < HW_WATCH_WAYS; way++) {
		if (m->watched[at + way].conflicts < m->watched[least].conflicts)
			least = at + way;
	}
	w = &m->watched[least];
	if (w->conflicts >= conflicts)
		return NULL;
	memset(w, 0, sizeof(*w));
	m->watch_keys[least] = off_line;
	return w;
}

static void settle(struct hw_watched *w, u32 cpu, bool is_true)
{
	for (u32 i = 0; i < HW_LINE_WORDS; i++) {
		struct hw_watched_word *word = &w->words[i];

		if (is_true)
			word->true_sharing += w->pending[cpu][i];
		else
			word->false_sharing += w->pending[cpu][i];
		w->pending[cpu][i] = 0;
	}
	take(w->undecided, cpu);
}

/* All but this CPU lose the line: what they took it for is decided. */
static void settle_others(struct hw_watched *w, u32 cpu)
{
	for (u32 i = 0; i < HW_CPU_WORDS; i++) {
		for (u64 left = w->undecided[i]; left; left &= left - 1) {
			u32 other = i * 64 + (u32)__builtin_ctzll(left);

			if (other != cpu)
				settle(w, other, false);
		}
	}
}

void sharing_conflict(const struct hw_request *rq, const struct hw_contention *contention)
{
	struct machine *m = rq->cpu->machine;
	u64 conflicts = (u64)contention->transfers + contention->invalidations;
	struct hw_watched *w = find(m, rq->off_line);
	u32 cpu = rq->cpu->id;

	if (!w && conflicts >= m->watch_from)
		w = begin(m, rq->off_line, conflicts);
	if (!w)
		return;
	w->conflicts++;
	if (rq->write)
		settle_others(w, cpu);
	w->caused++;
}

static void touch_word(struct hw_watched *w, u32 at, u32 cpu, bool write)
{
	struct hw_watched_word *word = &w->words[at];
	bool met = write ? any_but(word->seen, cpu) : word->written && !in(word->seen, cpu);

	if (write) {
		memset(word->seen, 0, sizeof(word->seen));
		word->written = true;
		word->writes++;
		add(word->writers, cpu);
	} else {
		word->reads++;
		add(word->readers, cpu);
	}
	add(word->seen, cpu);
	if (met && in(w->undecided, cpu))
		settle(w, cpu, true);
}

void sharing_access(struct hw_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	struct hw_watched *w = find(cpu->machine, off >> SIM_LINE_SHIFT);
	u32 first = (u32)off % SIM_LINE_BYTES / HW_WORD_BYTES;
	u32 last = ((u32)off % SIM_LINE_BYTES + size - 1) / HW_WORD_BYTES;

	if (w->caused) {
		w->words[first].caused += w->caused;
		w->pending[cpu->id][first] += w->caused;
		add(w->undecided, cpu->id);
		w->caused = 0;
	}
	if (kind == SIM_PREFETCHW)
		return;
	for (u32 at = first; at <= last && at < HW_LINE_WORDS; at++)
		touch_word(w, at, cpu->id, kind != SIM_READ);
}

bool machine_line_use(const struct machine *m, u64 off, struct hw_line_use *use)
{
	const struct hw_watched *w = find((struct machine *)m, off >> SIM_LINE_SHIFT);

	memset(use, 0, sizeof(*use));
	if (!w)
		return false;
	for (u32 i = 0; i < HW_LINE_WORDS; i++) {
		const struct hw_watched_word *word = &w->words[i];

		use->words[i] = (struct hw_word_use){
			.reads = word->reads, .writes = word->writes,
			.readers = members(word->readers), .writers = members(word->writers),
			.caused = word->caused, .true_sharing = word->true_sharing,
			.false_sharing = word->false_sharing,
		};
	}
	return true;
}
