/*
 * llc.c - what the shared cache holds, and DRAM behind it.
 *
 * Inclusive: filled from DRAM on the way to a CPU; its tags are the directory,
 * and what it throws out leaves every CPU. Non-inclusive: filled likewise, but
 * CPUs keep what it throws out. Exclusive: filled with what the last private
 * levels give up when no other CPU has it; given to a CPU, a line is no longer
 * here. Without an LLC all of it goes to DRAM. An LLC that writes through never
 * has anything newer than DRAM.
 */
#include "models/hw/hierarchy.h"

int llc_find(const struct machine *m, u32 home, u64 line)
{
	u32 set;
	int way;

	if (KMS_UNLIKELY(!m->has_llc))
		return -1;
	set = hw_llc_set(m, home, line);
	way = cache_find(&m->llc, set, line);
	return way < 0 ? -1 : (int)(set * m->llc.ways + (u32)way);
}

/* ---- DRAM ---- */

static struct dram_result access_dram(struct hw_request *rq, u32 home, u64 line, bool write,
				      kms_ps at)
{
	struct machine *m = rq->cpu->machine;
	struct hw_stats *stats = &rq->cpu->stats;
	u64 base = home ? m->node_end[home - 1] : 0;
	struct dram_result result = dram_access(&m->drams[home], line - base, write, at,
						rq->cpu->since);

	stats->row_hits += result.outcome == DRAM_ROW_HIT;
	stats->row_misses += result.outcome == DRAM_ROW_MISS;
	stats->row_conflicts += result.outcome == DRAM_ROW_CONFLICT;
	stats->refresh_stalls += result.refresh_stall;
	if (write)
		stats->dram_writes++;
	else
		stats->dram_reads++;
	return result;
}

/* Host memory, not simulated: the directory's slot of the line that will have to make room. */
static void prefetch_victim(struct machine *m, u32 home, u64 line)
{
	u32 set;

	if (!m->inclusive || m->llc.replacement >= HW_RANDOM) /* asking would choose */
		return;
	set = hw_llc_set(m, home, line);
	__builtin_prefetch(hw_sharers(m, set * m->llc.ways + cache_victim(&m->llc, set)), 1);
}

kms_ps llc_read_dram(struct hw_request *rq, u32 home)
{
	struct machine *m = rq->cpu->machine;
	u32 mshr = hw_take_mshr(rq, &m->llc_mshrs[home]);
	kms_ps at;

	prefetch_victim(m, home, rq->line);
	rq->cpu->stats.llc_misses++;
	route_to_dram(rq, home);
	at = rq->now;
	hw_spend(rq, PART_DRAM, access_dram(rq, home, rq->line, false, at).done - at);
	hw_give_mshr(rq, &m->llc_mshrs[home], mshr);
	return at;
}

static void write_dram(struct hw_request *rq, u32 home, u64 line, u32 from, kms_ps at)
{
	access_dram(rq, home, line, true, at);
	hw_moved(rq->cpu->machine, line, from, HW_AT_DRAM);
}

/* ---- filling ---- */

/* With an inclusive LLC the line leaves every CPU. Returns whether one had modified it. */
static bool drop_copies(struct hw_request *rq, u32 entry)
{
	struct machine *m = rq->cpu->machine;
	u64 dropped = 0;
	bool dirty;

	hw_spend(rq, PART_COHERENCE, m->cost.invalidate);
	dirty = coherence_drop_all(m, entry, HW_AT_LLC, &dropped);
	rq->cpu->stats.back_invalidations += dropped;
	return dirty;
}

/*
 * A line leaves the LLC; modified data go to DRAM, posted at the time at which the miss that needs
 * the room went there.
 */
static void evict(struct hw_request *rq, u32 home, u32 entry, kms_ps at)
{
	struct machine *m = rq->cpu->machine;
	u64 tag = m->llc.entries[entry], line = cache_line_of(tag);
	bool dirty = tag & LLC_DIRTY;

	if (m->inclusive && hw_shared(m, entry))
		dirty |= drop_copies(rq, entry);
	if (dirty) {
		hw_spend(rq, PART_COHERENCE, m->cost.write_back);
		write_dram(rq, home, line, HW_AT_LLC, at);
	}
	rq->cpu->stats.llc_evictions++;
	if (tag & LLC_FOUGHT)
		hot_retire_slot(m, entry);
}

u32 llc_fill(struct hw_request *rq, u32 home, u64 line, bool dirty, kms_ps at)
{
	struct machine *m = rq->cpu->machine;
	u32 set = hw_llc_set(m, home, line), way, entry;

	if (KMS_UNLIKELY(rq->cpu->llc_ways != 0))
		way = cache_victim_within(&m->llc, set, rq->cpu->llc_ways);
	else
		way = cache_victim(&m->llc, set);
	entry = set * m->llc.ways + way;
	if (m->llc.entries[entry])
		evict(rq, home, entry, at);
	cache_put(&m->llc, set, way, line, LLC_VALID | (dirty ? LLC_DIRTY : 0));
	cache_touch(&m->llc, set, way);
	if (m->llc_busy)
		m->llc_busy[entry] = rq->now;
	return entry;
}

/* ---- data from and for CPUs ---- */

void llc_update(struct hw_request *rq, u32 entry, u32 from)
{
	struct machine *m = rq->cpu->machine;
	u64 line;

	if (KMS_LIKELY(!m->nets && !m->llc_through && !m->moved)) {
		m->llc.entries[entry] |= LLC_DIRTY;
		return;
	}
	line = cache_line_of(m->llc.entries[entry]);
	route_post(rq, line);
	hw_moved(m, line, from, HW_AT_LLC);
	if (m->llc_through)
		write_dram(rq, hw_home(m, line), line, HW_AT_LLC, rq->now);
	else
		m->llc.entries[entry] |= LLC_DIRTY;
}

void llc_write(struct hw_request *rq, u64 line, u32 from, bool may_fill)
{
	struct machine *m = rq->cpu->machine;
	u32 home = hw_home(m, line);
	int entry = llc_find(m, home, line);

	if (entry < 0 && may_fill && m->has_llc && m->inclusion == HW_NON_INCLUSIVE && !m->llc_around)
		entry = (int)llc_fill(rq, home, line, false, rq->now);
	if (entry >= 0) {
		llc_update(rq, (u32)entry, from);
		return;
	}
	route_post(rq, line);
	write_dram(rq, home, line, from, rq->now);
}

void llc_take_victim(struct hw_request *rq, u64 line, bool dirty)
{
	struct machine *m = rq->cpu->machine;
	u32 home = hw_home(m, line);

	route_post(rq, line);
	llc_fill(rq, home, line, dirty && !m->llc_through, rq->now);
	hw_moved(m, line, rq->cpu->id, HW_AT_LLC);
	if (dirty && m->llc_through)
		write_dram(rq, home, line, HW_AT_LLC, rq->now);
}

bool llc_give(struct hw_request *rq, u32 entry)
{
	struct machine *m = rq->cpu->machine;
	bool dirty = m->llc.entries[entry] & LLC_DIRTY;

	hw_moved(m, rq->line, HW_AT_LLC, rq->cpu->id);
	if (m->inclusion != HW_EXCLUSIVE)
		return false;
	m->llc.entries[entry] = 0;
	return dirty;
}
