/*
 * coherence.c - MESI through a directory at the LLC, and DRAM behind it.
 *
 * A request that leaves a CPU's L2 goes to its line's home: over the
 * interconnect, to the directory and LLC tags, and from there to the owner,
 * the sharers or DRAM. The whole transaction takes effect when it is made (no
 * transient states, but a line on its way to a CPU cannot be taken from it before it is
 * there: the next transaction of the line waits); what it costs is charged to the requester:
 *
 *   read, nobody has it       LLC data                 -> E
 *   read, others share it     LLC data                 -> S
 *   read, one owns it (E/M)   cache-to-cache           -> S, the owner too
 *   write, nobody has it      LLC data                 -> M
 *   write, others share it    LLC data + invalidation  -> M, they I
 *   write, one owns it        cache-to-cache           -> M, it I
 *   write, has it shared      upgrade (+ invalidation) -> M, others I
 *   not in the LLC            DRAM, LLC victim taken from all -> E or M
 *
 * An owner is asked even when its copy turns out clean: the directory cannot
 * know. Its modified data go to the LLC when it keeps a shared copy, and to
 * the requester when it loses the line.
 */
#include "models/hw/hierarchy.h"

/* One-way trips between nodes: requester to home, to a third party there, and back. */
static u32 crossings(u32 requester, u32 home, u32 third)
{
	return (requester != home) + (home != third) + (third != requester);
}

static void spend_crossings(struct hw_request *rq, u32 n)
{
	if (n)
		hw_spend(rq, PART_INTERCONNECT, n * rq->cpu->machine->cost.half_node);
}

static bool any_sharer(const struct machine *m, u32 slot)
{
	const u64 *sharers = hw_sharers(m, slot);
	u64 any = 0;

	for (u32 i = 0; i < m->sharer_words; i++)
		any |= sharers[i];
	return any;
}

static u32 first_sharer(const struct machine *m, u32 slot)
{
	const u64 *sharers = hw_sharers(m, slot);
	u32 i = 0;

	while (!sharers[i])
		i++;
	return i * 64 + (u32)__builtin_ctzll(sharers[i]);
}

static void set_sharer(const struct machine *m, u32 slot, u32 cpu)
{
	hw_sharers(m, slot)[cpu / 64] |= 1ull << cpu % 64;
}

static void clear_sharer(const struct machine *m, u32 slot, u32 cpu)
{
	hw_sharers(m, slot)[cpu / 64] &= ~(1ull << cpu % 64);
}

/* The longest way to any sharer, in one-way trips. */
static u32 farthest_sharer(const struct hw_request *rq, u32 home, u32 slot)
{
	const struct machine *m = rq->cpu->machine;
	const u64 *sharers = hw_sharers(m, slot);
	u32 most = crossings(rq->cpu->node, home, home);

	if (m->nr_nodes == 1)
		return 0;
	for (u32 node = 0; node < m->nr_nodes; node++) {
		u32 n = crossings(rq->cpu->node, home, node);
		u64 any = 0;

		for (u32 i = 0; i < m->sharer_words; i++)
			any |= sharers[i] & m->node_cpus[node][i];
		if (any && n > most)
			most = n;
	}
	return most;
}

/* Take a line from every CPU in its bitmap. Returns whether one had modified it. */
static bool drop_sharers(struct machine *m, u32 slot, u64 line, u64 *dropped)
{
	u64 *sharers = hw_sharers(m, slot);
	bool dirty = false;

	for (u32 i = 0; i < m->sharer_words; i++) {
		for (u64 left = sharers[i]; left; left &= left - 1) {
			u32 cpu = i * 64 + (u32)__builtin_ctzll(left);

			dirty |= private_drop(&m->cpus[cpu], line);
			++*dropped;
		}
		sharers[i] = 0;
	}
	return dirty;
}

static void count_contention(const struct hw_request *rq, u32 slot, u32 transfers,
			     u32 invalidations)
{
	struct machine *m = rq->cpu->machine;
	struct hw_contention *c = &m->contention[slot];

	m->llc.entries[slot] |= LLC_FOUGHT;
	c->off_line = rq->off_line;
	c->transfers += transfers;
	c->invalidations += invalidations;
	rq->cpu->stats.cache_to_cache += transfers;
	rq->cpu->stats.invalidations += invalidations;
}

/* A write to a shared line: all others' copies go, in parallel, before it proceeds. */
static void invalidate_sharers(struct hw_request *rq, u32 slot)
{
	struct machine *m = rq->cpu->machine;
	u64 dropped = 0;

	hw_spend(rq, PART_COHERENCE, m->cost.invalidate);
	drop_sharers(m, slot, rq->line, &dropped);
	count_contention(rq, slot, 0, (u32)dropped);
}

static enum hw_state grant_exclusive(struct hw_request *rq, u32 slot)
{
	struct machine *m = rq->cpu->machine;

	set_sharer(m, slot, rq->cpu->id);
	m->llc.entries[slot] |= LLC_EXCLUSIVE;
	*hw_busy(m, slot) = rq->now;
	return rq->write ? HW_M : HW_E;
}

/* Another CPU has the line E or M: it comes from there. */
static enum hw_state fetch_owned(struct hw_request *rq, u32 home, u32 slot)
{
	struct machine *m = rq->cpu->machine;
	u32 owner = first_sharer(m, slot);
	bool dirty;

	spend_crossings(rq, crossings(rq->cpu->node, home, m->cpus[owner].node));
	hw_spend(rq, PART_COHERENCE, m->cost.cache_to_cache);
	count_contention(rq, slot, 1, rq->write);
	if (rq->write) {
		private_drop(&m->cpus[owner], rq->line);
		clear_sharer(m, slot, owner);
		return grant_exclusive(rq, slot);
	}
	dirty = private_share(&m->cpus[owner], rq->line);
	m->llc.entries[slot] &= ~(u64)LLC_EXCLUSIVE;
	m->llc.entries[slot] |= dirty ? LLC_DIRTY : 0;
	*hw_busy(m, slot) = rq->now;
	set_sharer(m, slot, rq->cpu->id);
	return HW_S;
}

/* The line is on its way to another CPU: it cannot be asked for it before it has it. */
static void wait_for_line(struct hw_request *rq, u32 slot)
{
	u64 busy = *hw_busy(rq->cpu->machine, slot);

	if (busy > rq->now)
		hw_spend(rq, PART_COHERENCE, busy - rq->now);
}

static enum hw_state fetch_hit(struct hw_request *rq, u32 home, u32 slot)
{
	struct machine *m = rq->cpu->machine;
	bool shared = any_sharer(m, slot);

	rq->cpu->stats.llc_hits++;
	wait_for_line(rq, slot);
	if (m->llc.entries[slot] & LLC_EXCLUSIVE)
		return fetch_owned(rq, home, slot);
	if (shared && rq->write) {
		spend_crossings(rq, farthest_sharer(rq, home, slot));
		invalidate_sharers(rq, slot);
		return grant_exclusive(rq, slot);
	}
	spend_crossings(rq, crossings(rq->cpu->node, home, home));
	if (!shared)
		return grant_exclusive(rq, slot);
	set_sharer(m, slot, rq->cpu->id);
	return HW_S;
}

static struct dram_result access_dram(struct hw_request *rq, u32 home, u64 line, bool write,
				      kms_ps at)
{
	struct machine *m = rq->cpu->machine;
	struct hw_stats *stats = &rq->cpu->stats;
	u64 base = home ? m->node_end[home - 1] : 0;
	struct dram_result result = dram_access(&m->drams[home], line - base, write, at);

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

/*
 * A line leaves the LLC, so it leaves every CPU (inclusion); modified data go to DRAM, posted at
 * the time at which the miss that needs the room went there.
 */
static void evict_llc(struct hw_request *rq, u32 home, u32 slot, kms_ps at)
{
	struct machine *m = rq->cpu->machine;
	u64 entry = m->llc.entries[slot], line = cache_line_of(entry), dropped = 0;
	bool dirty = entry & LLC_DIRTY;

	if (any_sharer(m, slot)) {
		hw_spend(rq, PART_COHERENCE, m->cost.invalidate);
		dirty |= drop_sharers(m, slot, line, &dropped);
		rq->cpu->stats.back_invalidations += dropped;
	}
	if (dirty) {
		hw_spend(rq, PART_COHERENCE, m->cost.write_back);
		access_dram(rq, home, line, true, at);
	}
	rq->cpu->stats.llc_evictions++;
	if (entry & LLC_FOUGHT) {
		hot_retire(m, &m->contention[slot]);
		m->contention[slot] = (struct hw_contention){ 0 };
	}
}

static enum hw_state fetch_miss(struct hw_request *rq, u32 home, u32 set, u32 *slot)
{
	struct machine *m = rq->cpu->machine;
	u32 way = cache_victim(&m->llc, set);
	u32 mshr = hw_take_mshr(rq, &m->llc_mshrs[home]);
	kms_ps at;

	*slot = set * m->llc.ways + way;
	rq->cpu->stats.llc_misses++;
	spend_crossings(rq, crossings(rq->cpu->node, home, home));
	at = rq->now;
	hw_spend(rq, PART_DRAM, access_dram(rq, home, rq->line, false, at).done - at);
	hw_give_mshr(rq, &m->llc_mshrs[home], mshr);
	if (m->llc.entries[*slot])
		evict_llc(rq, home, *slot, at);
	cache_put(&m->llc, set, way, rq->line, LLC_VALID);
	cache_touch(&m->llc, set, way);
	return grant_exclusive(rq, *slot);
}

enum hw_state coherence_fetch(struct hw_request *rq, u32 *slot)
{
	struct machine *m = rq->cpu->machine;
	u32 home = hw_home(m, rq->line), set = hw_llc_set(m, home, rq->line);
	int way = cache_find(&m->llc, set, rq->line);

	rq->cpu->stats.remote_node += home != rq->cpu->node;
	hw_spend(rq, PART_INTERCONNECT, m->cost.hop);
	hw_spend(rq, PART_COHERENCE, m->cost.directory);
	hw_spend(rq, PART_LLC, m->cost.llc);
	if (way < 0)
		return fetch_miss(rq, home, set, slot);
	cache_touch(&m->llc, set, (u32)way);
	*slot = set * m->llc.ways + (u32)way;
	return fetch_hit(rq, home, *slot);
}

void coherence_upgrade(struct hw_request *rq, u32 slot)
{
	struct machine *m = rq->cpu->machine;
	u32 home = hw_home(m, rq->line);

	rq->cpu->stats.upgrades++;
	rq->cpu->stats.remote_node += home != rq->cpu->node;
	hw_spend(rq, PART_INTERCONNECT, m->cost.hop);
	hw_spend(rq, PART_COHERENCE, m->cost.directory);
	hw_spend(rq, PART_COHERENCE, m->cost.upgrade);
	wait_for_line(rq, slot);
	clear_sharer(m, slot, rq->cpu->id);
	spend_crossings(rq, farthest_sharer(rq, home, slot));
	if (any_sharer(m, slot))
		invalidate_sharers(rq, slot);
	grant_exclusive(rq, slot);
}

void coherence_evicted(struct hw_request *rq, u32 slot, bool dirty)
{
	struct machine *m = rq->cpu->machine;

	rq->cpu->stats.evictions++;
	clear_sharer(m, slot, rq->cpu->id);
	m->llc.entries[slot] &= ~(u64)LLC_EXCLUSIVE;
	if (dirty) {
		m->llc.entries[slot] |= LLC_DIRTY;
		rq->cpu->stats.write_backs++;
		hw_spend(rq, PART_COHERENCE, m->cost.write_back);
	}
}
