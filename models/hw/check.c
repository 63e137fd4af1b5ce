/*
 * check.c - what must hold between any two accesses.
 *
 * 1. A line is once in a set, in the set it belongs to.
 * 2. Inclusion: L1D in L2, L2 in the LLC at the slot it remembers.
 * 3. The directory is the union of the L2s: as many bits as lines, each true.
 * 4. Single writer: an E or M copy is the only one, and the directory says so.
 * 5. fast[] holds only lines that are most recent in their L1 set, writable
 *    only in state M and with no store waiting, arrived, of pages in the
 *    first-level TLB.
 * 6. The TLB holds a page once, in its set. Stores under way are in order and no
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

/* Both levels of a private hierarchy: tags where they belong, none twice. */
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

static int check_l1(const struct hw_cpu *cpu, struct kms_error *err)
{
	size_t lines = (size_t)(cpu->l1.set_mask + 1) * cpu->l1.ways;

	for (size_t i = 0; i < lines; i++) {
		u64 entry = cpu->l1.entries[i], line = cache_line_of(entry);
		u32 l1 = cache_flags_of(entry), l2 = flags_in(&cpu->l2, line);

		if (!entry)
			continue;
		if (!l2)
			return FAIL(err, cpu, line, "in L1D but not in L2");
		if (l1 != l2 && !(l1 == HW_M && l2 == HW_E))
			return FAIL(err, cpu, line, "its states in L1D and L2 do not go together");
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

static int check_l2(const struct hw_cpu *cpu, u64 *copies, struct kms_error *err)
{
	const struct machine *m = cpu->machine;
	size_t lines = (size_t)(cpu->l2.set_mask + 1) * cpu->l2.ways;

	for (size_t i = 0; i < lines; i++) {
		u64 entry = cpu->l2.entries[i], line = cache_line_of(entry);
		u64 llc = m->llc.entries[cpu->l2_slots[i]];
		bool exclusive = llc & LLC_EXCLUSIVE;

		if (!entry)
			continue;
		++*copies;
		if (!llc || cache_line_of(llc) != line)
			return FAIL(err, cpu, line, "in L2 but not at its slot of the LLC");
		if (!has_sharer(m, cpu->l2_slots[i], cpu->id))
			return FAIL(err, cpu, line, "in L2 but the directory does not know");
		if (exclusive != (cache_flags_of(entry) != HW_S))
			return FAIL(err, cpu, line, "owned here and shared in the directory, or "
						    "the reverse");
	}
	return 0;
}

static int check_llc(const struct machine *m, u64 copies, struct kms_error *err)
{
	u32 slice_sets = m->llc.set_mask + 1;
	u64 bits = 0;

	for (size_t slot = 0; slot < (size_t)m->nr_nodes * slice_sets * m->llc.ways; slot++) {
		u64 entry = m->llc.entries[slot], line = cache_line_of(entry);
		u32 set = (u32)(slot / m->llc.ways), n = nr_sharers(m, slot);

		bits += n;
		if (!entry && n)
			return kms_fail(err, KMS_EFAIL, "LLC slot %zu: empty but shared", slot);
		if (!entry)
			continue;
		if (set != hw_llc_set(m, hw_home(m, line), line) ||
		    cache_find(&m->llc, set, line) != (int)(slot % m->llc.ways))
			return FAIL(err, &m->cpus[0], line, "in the wrong set of the LLC, or "
							    "twice");
		if (entry & LLC_EXCLUSIVE && n != 1)
			return FAIL(err, &m->cpus[0], line, "owned, but not by exactly one CPU");
	}
	if (bits != copies)
		return kms_fail(err, KMS_EFAIL, "the directory knows %llu copies, the L2s hold "
						"%llu",
				(unsigned long long)bits, (unsigned long long)copies);
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

		ret = check_array(cpu, &cpu->l1, err);
		if (!ret)
			ret = check_array(cpu, &cpu->l2, err);
		if (!ret)
			ret = check_l1(cpu, err);
		if (!ret)
			ret = check_l2(cpu, &copies, err);
		if (!ret)
			ret = check_tlb(cpu, err);
		if (!ret)
			ret = check_core(cpu, err);
		if (!ret)
			ret = check_fast(cpu, err);
	}
	for (u32 node = 0; !ret && node < m->nr_nodes; node++)
		ret = dram_verify(&m->drams[node], err);
	return ret ? ret : check_llc(m, copies, err);
}
