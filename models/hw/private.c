/*
 * private.c - one CPU's own caches, each inclusive of those before it.
 *
 * What a tag says of a line: the last level has the state of the CPU's copy,
 * the ones before it S, E or M (hierarchy.h); M in one and E in a later one when
 * the CPU wrote a line that it owned: the later one hears of it when the line is
 * handed down. A level that writes through never says that a line may be
 * written, so every write comes by and goes on; if it is the last one it says
 * E_THROUGH of a line that the CPU owns.
 * Handing a modified line from one private level to the next costs nothing: it
 * stays in the core.
 */
#include "models/hw/hierarchy.h"

static bool writes_through(const struct machine *m, u32 level)
{
	return m->through >> level & 1;
}

static u32 tag_of(const struct machine *m, u32 level, enum hw_state state)
{
	if (level == m->last)
		return hw_writable(state) && writes_through(m, level) ? HW_E_THROUGH : state;
	return hw_writable(state) && !writes_through(m, level) ? state : HW_S;
}

/* Take a line from the levels before `level`. Returns whether one had modified it. */
static bool take_inner(struct hw_cpu *cpu, u32 level, u64 line)
{
	bool dirty = false;

	while (level-- > 0) {
		struct cache *c = &cpu->level[level];
		u32 set = cache_set_of(c, line);
		int way = cache_find(c, set, line);

		if (way < 0)
			break;
		dirty |= cache_flags_of(*cache_entry(c, set, (u32)way)) == HW_M;
		*cache_entry(c, set, (u32)way) = 0;
		if (!level)
			private_forget_fast(cpu, set);
	}
	return dirty;
}

/* A level's modifications go to the next one that keeps any, which has the line. */
static void hand_down(struct hw_request *rq, u32 level, u64 line)
{
	struct hw_cpu *cpu = rq->cpu;

	for (; level <= cpu->machine->last; level++) {
		struct cache *c = &cpu->level[level];
		u32 set = cache_set_of(c, line);

		if (writes_through(cpu->machine, level))
			continue;
		cache_put(c, set, (u32)cache_find(c, set, line), line, HW_M);
		return;
	}
	cpu->stats.write_backs++;
	hw_spend(rq, PART_COHERENCE, cpu->machine->cost.write_back);
	llc_write(rq, line, cpu->id, true);
}

static void evict(struct hw_request *rq, u32 level, u32 set, u32 way)
{
	struct hw_cpu *cpu = rq->cpu;
	struct cache *c = &cpu->level[level];
	u64 entry = *cache_entry(c, set, way), line = cache_line_of(entry);
	enum hw_state state = hw_state_of(entry);

	if (take_inner(cpu, level, line))
		state = HW_M;
	if (level == cpu->machine->last)
		coherence_evicted(rq, cpu->slots[(size_t)set * c->ways + way], state);
	else if (state == HW_M)
		hand_down(rq, level + 1, line);
}

static void fill(struct hw_request *rq, u32 level, u32 slot, enum hw_state state)
{
	struct hw_cpu *cpu = rq->cpu;
	struct cache *c = &cpu->level[level];
	u32 set = cache_set_of(c, rq->line);
	u32 way = cache_victim(c, set);

	if (*cache_entry(c, set, way))
		evict(rq, level, set, way);
	cache_put(c, set, way, rq->line, tag_of(cpu->machine, level, state));
	cache_touch(c, set, way);
	if (level == cpu->machine->last)
		cpu->slots[(size_t)set * c->ways + way] = slot;
	if (!level)
		private_forget_fast(cpu, set);
}

void private_fill(struct hw_request *rq, u32 from, u32 to, u32 slot, enum hw_state state)
{
	for (u32 level = from + 1; level-- > to;)
		fill(rq, level, slot, state);
}

void private_store(struct hw_request *rq, u32 reached)
{
	struct hw_cpu *cpu = rq->cpu;

	for (u32 level = 0; level <= cpu->machine->last; level++) {
		struct cache *c = &cpu->level[level];
		u32 set = cache_set_of(c, rq->line);
		int way = cache_find(c, set, rq->line);

		if (level > reached)
			hw_spend(rq, PART_L2, cpu->machine->cost.level[level]);
		if (way < 0 || writes_through(cpu->machine, level))
			continue;
		cache_put(c, set, (u32)way, rq->line, HW_M);
		return;
	}
	coherence_write_through(rq);
}

bool private_set(struct hw_cpu *cpu, u64 line, enum hw_state state)
{
	bool dirty = false;

	for (u32 level = cpu->machine->last + 1; level-- > 0;) {
		struct cache *c = &cpu->level[level];
		u32 set = cache_set_of(c, line);
		int way = cache_find(c, set, line);
		u64 *entry;

		if (way < 0)
			break;
		entry = cache_entry(c, set, (u32)way);
		dirty |= hw_dirty(cache_flags_of(*entry));
		*entry = 0;
		if (state != HW_I)
			cache_put(c, set, (u32)way, line, tag_of(cpu->machine, level, state));
		if (!level)
			private_forget_fast(cpu, set);
	}
	return dirty;
}

enum hw_state private_state(struct hw_cpu *cpu, u64 line)
{
	enum hw_state state = HW_I;

	for (u32 level = cpu->machine->last + 1; level-- > 0;) {
		const struct cache *c = &cpu->level[level];
		u32 set = cache_set_of(c, line);
		int way = cache_find(c, set, line);
		enum hw_state now;

		if (way < 0)
			break;
		now = hw_state_of(*cache_entry(c, set, (u32)way));
		if (now == HW_M)
			return HW_M;
		if (level == cpu->machine->last)
			state = now;
	}
	return state;
}
