/*
 * check.c - what must hold between any two accesses.
 *
 * 1. A line is once in a set, in the set it belongs to.
 * 2. Inclusion: each private level in the next. Their tags go together: only
 *    levels that write back say M or E, and only of lines that the CPU owns.
 * 3. The directory is the union of the last private levels: as many bits as
 *    lines, each true, in the slot that the CPU remembers.
 * 4. Single writer: an E or M copy is the only one, and the directory says so;
 *    one F or O copy at most, and the directory knows whose. No state that the
 *    protocol has not got.
 * 5. LLC: inclusive, it is the directory, so it has what CPUs have; exclusive, it
 *    has nothing of that. Nothing newer than DRAM if it writes through.
 * 6. fast[] holds only lines that are most recent in their L1 set, writable
 *    only in state M and with no store waiting, arrived, of pages in the
 *    first-level TLB.
 * 7. The TLB holds a page once, in its set. Stores under way are in order and no
 *    more than the store buffer holds.
 */
#include "models/hw/hierarchy.h"

#define FAIL(err, cpu, line, what) \
	kms_fail(err, KMS_EFAIL, "cpu %u, line %#llx: %s", (cpu)->id, \
		 (unsigned long long)(line) << SIM_LINE_SHIFT, what)

static u32 flags_in(const struct cache *cache, u64 line)
{
	u32 set = cache_set_of(cache, line);
	int way = cache_find(cache, set, line);

	return way < 0 ? 0 : cache_flags_of(*cache_entry(cache, set, (u32)way));
}

/* A private level: tags where they belong, none twice. */
static int check_array(const struct hw_cpu *cpu, const struct cache *cache, struct kms_error *err)
{
	for (u32 set = 0; set <= cache->set_mask; set++) {
		for (u32 way = 0; way < cache->ways; way++) {
			u64 entry = *cache_entry(cache, set, way), line = cache_line_of(entry);

			if (!entry)
				continue;
			if (cache_set_of(cache, line) != set)
				return FAIL(err, cpu, line, "in a set it does not belong to");
			if (cache_find(cache, set, line) != (int)way)
				return FAIL(err, cpu, line, "twice in a set");
		}
	}
	return 0;
}

/* A line of a level before the last: in the next one, with a state that goes with the CPU's. */
static int check_inner(const struct hw_cpu *cpu, u32 level, u64 entry, struct kms_error *err)
{
	const struct machine *m = cpu->machine;
	u64 line = cache_line_of(entry);
	u32 flags = cache_flags_of(entry), next = flags_in(&cpu->level[level + 1], line);
	u32 state = hw_state_of(flags_in(&cpu->level[m->last], line));
	bool through = m->through >> level & 1, next_through = m->through >> (level + 1) & 1;

	if (!next)
		return level ? FAIL(err, cpu, line, "in L2 but not in L3") :
			       FAIL(err, cpu, line, "in L1D but not in L2");
	if (through ? flags != HW_S : hw_writable(flags) != hw_writable(state) || flags > HW_M)
		return FAIL(err, cpu, line, "the state in an inner level does not go with the CPU's");
	if (!through && !next_through && hw_writable(flags) && flags != next &&
	    !(flags == HW_M && next == HW_E))
		return FAIL(err, cpu, line, "its states in two levels do not go together");
	return 0;
}

static int check_private(const struct hw_cpu *cpu, struct kms_error *err)
{
	for (u32 level = 0; level < cpu->machine->last; level++) {
		const struct cache *c = &cpu->level[level];
		size_t lines = (size_t)(c->set_mask + 1) * c->ways;

		for (size_t i = 0; i < lines; i++)
			if (c->entries[i] && check_inner(cpu, level, c->entries[i], err))
				return KMS_EFAIL;
	}
	return 0;
}

static bool has_sharer(const struct machine *m, size_t slot, u32 cpu)
{
	return hw_sharers(m, (u32)slot)[cpu / 64] >> cpu % 64 & 1;
}

static u32 nr_sharers(const struct machine *m, size_t slot)
{
	u32 n = 0;

	for (u32 i = 0; i < m->sharer_words; i++)
		n += (u32)__builtin_popcountll(hw_sharers(m, (u32)slot)[i]);
	return n;
}

/* Whether a state exists in the protocol, and with the way the last level writes. */
static bool possible(const struct machine *m, u32 state)
{
	if (hw_keeps_writes(m) ? state == HW_E_THROUGH : hw_dirty(state) || state == HW_E)
		return false;
	return state < HW_F || state == HW_E_THROUGH || (state == HW_F && m->protocol == PROTOCOL_MESIF) ||
	       (state == HW_O && m->protocol == PROTOCOL_MOESI);
}

static int check_copy(const struct hw_cpu *cpu, u64 entry, u32 slot, struct kms_error *err)
{
	const struct machine *m = cpu->machine;
	u64 line = cache_line_of(entry), tag = slot < m->nr_slots ? m->tags[slot] : 0;
	u32 state = hw_state_of(entry);
	bool exclusive = tag & LLC_EXCLUSIVE;
	bool owns = m->owner && tag && m->owner[slot] == cpu->id;

	if (!tag || cache_line_of(tag) != line)
		return FAIL(err, cpu, line, "in a CPU but not at its slot of the directory");
	if (!has_sharer(m, slot, cpu->id))
		return FAIL(err, cpu, line, "in a CPU but the directory does not know");
	if (!possible(m, cache_flags_of(entry)))
		return FAIL(err, cpu, line, "in a state that there is not");
	if (exclusive != hw_writable(state))
		return FAIL(err, cpu, line, "owned here and shared in the directory, or the reverse");
	if (owns != (state == HW_F || state == HW_O))
		return FAIL(err, cpu, line, "forwarded or owned here and not in the directory, or the "
					    "reverse");
	return 0;
}

static int check_last(const struct hw_cpu *cpu, u64 *copies, struct kms_error *err)
{
	const struct cache *c = &cpu->level[cpu->machine->last];
	size_t lines = (size_t)(c->set_mask + 1) * c->ways;

	for (size_t i = 0; i < lines; i++) {
		if (!c->entries[i])
			continue;
		++*copies;
		if (check_copy(cpu, c->entries[i], cpu->slots[i], err))
			return KMS_EFAIL;
	}
	return 0;
}

static int check_slots(const struct machine *m, u64 copies, struct kms_error *err)
{
	u64 bits = 0;

	for (u32 slot = 0; slot < m->nr_slots; slot++) {
		u64 tag = m->tags[slot];
		u32 n = nr_sharers(m, slot);
		bool owner = m->owner && m->owner[slot] != HW_NO_OWNER;

		bits += n;
		if (tag ? !m->inclusive && !n : n || owner)
			return kms_fail(err, KMS_EFAIL, "slot %u: empty but shared, or kept for "
							"nobody", slot);
		if (tag & LLC_EXCLUSIVE && n != 1)
			return FAIL(err, &m->cpus[0], cache_line_of(tag),
				    "owned, but not by exactly one CPU");
		if (owner && (tag & LLC_EXCLUSIVE || !has_sharer(m, slot, m->owner[slot])))
			return FAIL(err, &m->cpus[0], cache_line_of(tag),
				    "its owner has it alone, or not at all");
	}
	if (bits != copies)
		return kms_fail(err, KMS_EFAIL, "the directory knows %llu copies, the CPUs hold %llu",
				(unsigned long long)bits, (unsigned long long)copies);
	return m->inclusive ? 0 : directory_check(&m->directory, m->tags, err);
}

static int check_llc(const struct machine *m, struct kms_error *err)
{
	u32 slice_sets = m->llc.set_mask + 1;

	for (size_t i = 0; m->has_llc && i < (size_t)m->nr_nodes * slice_sets * m->llc.ways; i++) {
		u64 entry = m->llc.entries[i], line = cache_line_of(entry);
		u32 set = (u32)(i / m->llc.ways);

		if (!entry)
			continue;
		if (set != hw_llc_set(m, hw_home(m, line), line) ||
		    cache_find(&m->llc, set, line) != (int)(i % m->llc.ways))
			return FAIL(err, &m->cpus[0], line, "in the wrong set of the LLC, or twice");
		if (entry & LLC_DIRTY && m->llc_through)
			return FAIL(err, &m->cpus[0], line, "modified in an LLC that writes through");
		if (m->inclusion == HW_EXCLUSIVE &&
		    directory_find(&m->directory, m->tags, line) != DIRECTORY_NONE)
			return FAIL(err, &m->cpus[0], line, "in an exclusive LLC and in a CPU");
	}
	return 0;
}

static int check_tlb(const struct hw_cpu *cpu, struct kms_error *err)
{
	for (u32 size = 0; size < HW_NR_PAGE_SIZES; size++) {
		const struct tlb_array *a = &cpu->tlb.l1[size];
		u64 entries = a->pages ? (u64)(a->set_mask + 1) * a->ways : 0;

		for (u64 i = 0; i < entries; i++) {
			if (a->pages[i] == TLB_NONE)
				continue;
			if ((a->pages[i] & a->set_mask) != i / a->ways)
				return FAIL(err, cpu, a->pages[i], "a page in the wrong set of the TLB");
			for (u64 j = i + 1; j < (i / a->ways + 1) * a->ways; j++)
				if (a->pages[j] == a->pages[i])
					return FAIL(err, cpu, a->pages[i], "a page twice in the TLB");
		}
	}
	return 0;
}

static int check_core(const struct hw_cpu *cpu, struct kms_error *err)
{
	const struct core *core = &cpu->core;
	kms_ps last = 0;

	if (core->nr_loads > CORE_LOADS || core->nr_stores > core->store_buffer)
		return FAIL(err, cpu, 0ull, "more loads or stores under way than there can be");
	for (u32 i = 0; i < core->nr_stores; i++) {
		const struct core_store *s = &core->stores[(core->first_store + i) % CORE_STORES];

		if (s->done < last)
			return FAIL(err, cpu, 0ull, "stores out of order");
		last = s->done;
	}
	return 0;
}

static int check_fast(const struct hw_cpu *cpu, struct kms_error *err)
{
	struct tlb tlb = cpu->tlb; /* looking a page up remembers it */

	for (u32 i = 0; i <= cpu->l1.set_mask; i++) {
		u64 line, entry = cpu->fast[i];
		u32 set;
		int way;

		if (entry == HW_FAST_EMPTY)
			continue;
		line = hw_line(entry >> 1);
		set = cache_set_of(&cpu->l1, line);
		way = cache_find(&cpu->l1, set, line);
		if (way < 0)
			return FAIL(err, cpu, line, "in the short cut but not in L1D");
		if (!cache_is_mru(&cpu->l1, set, (u32)way))
			return FAIL(err, cpu, line, "in the short cut but not the set's most "
						    "recent");
		if (!tlb_find(&tlb, entry >> 1 << SIM_LINE_SHIFT))
			return FAIL(err, cpu, line, "in the short cut but its page is not in the TLB");
		if (cpu->sim && mshr_find(&cpu->l1_mshr, line, cpu->sim->clock) >= 0)
			return FAIL(err, cpu, line, "in the short cut but still on its way");
		if (entry & 1 && cpu->core.nr_stores)
			return FAIL(err, cpu, line, "writable in the short cut before stores under way");
		if (entry & 1 && cache_flags_of(*cache_entry(&cpu->l1, set, (u32)way)) != HW_M)
			return FAIL(err, cpu, line, "writable in the short cut but not modified");
	}
	return 0;
}

int machine_check(const struct machine *m, struct kms_error *err)
{
	u64 copies = 0;
	int ret = 0;

	for (u32 i = 0; !ret && i < m->nr_cpus; i++) {
		const struct hw_cpu *cpu = &m->cpus[i];

		for (u32 level = 0; !ret && level <= m->last; level++)
			ret = check_array(cpu, &cpu->level[level], err);
		if (!ret)
			ret = check_private(cpu, err);
		if (!ret)
			ret = check_last(cpu, &copies, err);
		if (!ret)
			ret = check_tlb(cpu, err);
		if (!ret)
			ret = check_core(cpu, err);
		if (!ret)
			ret = check_fast(cpu, err);
	}
	for (u32 node = 0; !ret && node < m->nr_nodes; node++)
		ret = dram_verify(&m->drams[node], err);
	if (!ret)
		ret = check_slots(m, copies, err);
	return ret ? ret : check_llc(m, err);
}
