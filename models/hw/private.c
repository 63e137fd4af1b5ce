/*
 * private.c - one CPU's L1D and L2, L2 inclusive of L1D.
 *
 * States of a line present in both: equal, or M in L1 and E in L2 (the CPU
 * wrote a line that it owned; L2 hears of it when L1 hands the line down).
 * Handing a modified line from L1 to L2 costs nothing: it stays in the core.
 */
#include "models/hw/hierarchy.h"

static void evict_l2(struct hw_request *rq, u32 set, u32 way)
{
	struct hw_cpu *cpu = rq->cpu;
	u64 entry = *cache_entry(&cpu->l2, set, way);
	u64 line = cache_line_of(entry);
	u32 l1_set = cache_set_of(&cpu->l1, line);
	int l1_way = cache_find(&cpu->l1, l1_set, line);
	bool dirty = cache_flags_of(entry) == HW_M;

	if (l1_way >= 0) {
		u64 *l1 = cache_entry(&cpu->l1, l1_set, (u32)l1_way);

		dirty |= cache_flags_of(*l1) == HW_M;
		*l1 = 0;
		private_forget_fast(cpu, l1_set);
	}
	coherence_evicted(rq, cpu->l2_slots[(size_t)set * cpu->l2.ways + way], dirty);
}

/* The L1 victim's modifications go to L2, which has the line. */
static void evict_l1(struct hw_cpu *cpu, u64 entry)
{
	u64 line = cache_line_of(entry);
	u32 set = cache_set_of(&cpu->l2, line);

	if (cache_flags_of(entry) == HW_M)
		cache_put(&cpu->l2, set, (u32)cache_find(&cpu->l2, set, line), line, HW_M);
}

void private_fill_l1(struct hw_cpu *cpu, u64 line, enum hw_state state)
{
	u32 set = cache_set_of(&cpu->l1, line);
	u32 way = cache_victim(&cpu->l1, set);
	u64 old = *cache_entry(&cpu->l1, set, way);

	if (old)
		evict_l1(cpu, old);
	cache_put(&cpu->l1, set, way, line, state);
	cache_touch(&cpu->l1, set, way);
	private_forget_fast(cpu, set);
}

void private_fill_l2(struct hw_request *rq, u32 slot, enum hw_state state)
{
	struct hw_cpu *cpu = rq->cpu;
	u32 set = cache_set_of(&cpu->l2, rq->line);
	u32 way = cache_victim(&cpu->l2, set);

	if (*cache_entry(&cpu->l2, set, way))
		evict_l2(rq, set, way);
	cache_put(&cpu->l2, set, way, rq->line, state);
	cache_touch(&cpu->l2, set, way);
	cpu->l2_slots[(size_t)set * cpu->l2.ways + way] = slot;
}

void private_fill(struct hw_request *rq, u32 slot, enum hw_state state)
{
	private_fill_l2(rq, slot, state);
	private_fill_l1(rq->cpu, rq->line, state);
}

/* Set the state of a line that L2 has; I removes it. Returns whether it was modified. */
static bool set_state(struct hw_cpu *cpu, u64 line, enum hw_state state)
{
	u32 l1_set = cache_set_of(&cpu->l1, line), l2_set = cache_set_of(&cpu->l2, line);
	int l1_way = cache_find(&cpu->l1, l1_set, line);
	u64 *l2 = cache_entry(&cpu->l2, l2_set, (u32)cache_find(&cpu->l2, l2_set, line));
	u64 new = state == HW_I ? 0 : line << CACHE_FLAG_BITS | state;
	bool dirty = cache_flags_of(*l2) == HW_M;

	*l2 = new;
	if (l1_way >= 0) {
		u64 *l1 = cache_entry(&cpu->l1, l1_set, (u32)l1_way);

		dirty |= cache_flags_of(*l1) == HW_M;
		*l1 = new;
		private_forget_fast(cpu, l1_set);
	}
	return dirty;
}

bool private_drop(struct hw_cpu *cpu, u64 line)
{
	return set_state(cpu, line, HW_I);
}

bool private_share(struct hw_cpu *cpu, u64 line)
{
	return set_state(cpu, line, HW_S);
}
