/*
 * coherence.c - the protocol through a directory: what a request does to others.
 *
 * A request that leaves a CPU's last private level goes to its line's home: over
 * the interconnect, to the directory and LLC tags, and from there to the owner,
 * the sharers or DRAM. What then happens to everybody's copies is the table's
 * business (protocol_step_of(): MESI, MESIF, MOESI); here is where the data come
 * from and what it costs the requester. The whole transaction takes effect when
 * it is made, but its line is busy until it is over: whoever asks for the line
 * before that waits. (A read that only adds one to those who share a line does
 * not make it busy.) protocol_message.h has the same protocols by messages.
 *
 *   nobody has it             LLC, else DRAM            -> E or M
 *   one owns it (E, M, O)     cache to cache            -> as the table says
 *   shared with a forwarder   LLC, else cache to cache
 *   shared                    LLC, else DRAM
 *   a write, others share it  their copies go, in parallel
 *   a write, has it shared    upgrade, others' copies go
 *
 * An owner is asked even when its copy turns out clean: the directory cannot
 * know. Modified data go to the LLC when the table says that memory is written
 * for a read, and only to the requester when it takes the line to write it. When
 * the last private levels write through, no CPU can keep them: they always go.
 */
#include "models/hw/hierarchy.h"

#define NOBODY (~0u)
#define NOWHERE (~0u)

/* The strongest state among the CPUs of a slot, and who has it if one alone can. */
struct others {
	u32 owner;
	enum protocol_state state;
};

/* ---- the directory's entries ---- */

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
	if (KMS_UNLIKELY(m->owner != NULL) && m->owner[slot] == cpu)
		m->owner[slot] = HW_NO_OWNER;
}

static struct others others_of(const struct machine *m, u32 slot, u64 line)
{
	struct others o = { NOBODY, PS_I };

	if (m->tags[slot] & LLC_EXCLUSIVE) {
		o.owner = first_sharer(m, slot);
		o.state = (enum protocol_state)private_state(&m->cpus[o.owner], line);
	} else if (KMS_UNLIKELY(m->owner != NULL) && m->owner[slot] != HW_NO_OWNER) {
		o.owner = m->owner[slot];
		o.state = m->protocol == PROTOCOL_MESIF ? PS_F : PS_O;
	} else if (hw_shared(m, slot)) {
		o.state = PS_S;
	}
	return o;
}

u32 coherence_slot(const struct machine *m, u64 line)
{
	int entry;

	if (!m->inclusive)
		return directory_find(&m->directory, m->tags, line);
	entry = llc_find(m, hw_home(m, line), line);
	return entry < 0 ? DIRECTORY_NONE : (u32)entry;
}

static u32 take_slot(struct machine *m, u64 line)
{
	u32 slot = directory_take(&m->directory, line);

	m->tags[slot] = line << CACHE_FLAG_BITS | LLC_VALID;
	*hw_busy(m, slot) = 0;
	return slot;
}

/* No CPU has the line any more. */
static void leave_slot(struct machine *m, u32 slot)
{
	if (m->tags[slot] & LLC_FOUGHT)
		hot_retire_slot(m, slot);
	directory_drop(&m->directory, m->tags, slot);
	m->tags[slot] = 0;
}

bool coherence_drop_all(struct machine *m, u32 slot, u32 to, u64 *dropped)
{
	u64 *sharers = hw_sharers(m, slot), line = cache_line_of(m->tags[slot]);
	bool any_dirty = false;

	for (u32 i = 0; i < m->sharer_words; i++) {
		for (u64 left = sharers[i]; left; left &= left - 1) {
			u32 cpu = i * 64 + (u32)__builtin_ctzll(left);
			bool dirty = private_set(&m->cpus[cpu], line, HW_I);

			if (dirty && to != NOWHERE)
				hw_moved(m, line, cpu, to);
			any_dirty |= dirty;
			++*dropped;
		}
		sharers[i] = 0;
	}
	m->tags[slot] &= ~(u64)LLC_EXCLUSIVE;
	if (m->owner)
		m->owner[slot] = HW_NO_OWNER;
	return any_dirty;
}

static void count_contention(const struct hw_request *rq, u32 slot, u32 transfers,
			     u32 invalidations)
{
	struct machine *m = rq->cpu->machine;
	struct hw_contention *c = &m->contention[slot];

	m->tags[slot] |= LLC_FOUGHT;
	c->off_line = rq->off_line;
	c->transfers += transfers;
	c->invalidations += invalidations;
	rq->cpu->stats.cache_to_cache += transfers;
	rq->cpu->stats.invalidations += invalidations;
	sharing_conflict(rq, c);
}

/* The line is on its way to another CPU: it cannot be asked for it before it has it. */
static void wait_until(struct hw_request *rq, kms_ps busy)
{
	if (busy > rq->now)
		hw_spend(rq, PART_COHERENCE, busy - rq->now);
}

/* The CPU gets the line in that state, the last of what happens. */
static enum hw_state grant(struct hw_request *rq, u32 home, u32 slot, enum hw_state state, bool busy)
{
	struct machine *m = rq->cpu->machine;

	set_sharer(m, slot, rq->cpu->id);
	if (hw_writable(state))
		m->tags[slot] |= LLC_EXCLUSIVE;
	else if (state != HW_S)
		m->owner[slot] = (u16)rq->cpu->id;
	if (busy)
		*hw_busy(m, slot) = route_done(rq, home);
	return state;
}

/* ---- reading and writing what the CPU has not got ---- */

/* Two things happen at once: the request waits for the one that is over later. */
static void wait_for_later(struct hw_request *rq, const struct hw_request *beside)
{
	if (beside->now <= rq->now)
		return;
	rq->now = beside->now;
	memcpy(rq->part, beside->part, sizeof(rq->part));
}

/* Nobody's copy is asked for: DRAM, and on the way the LLC as far as it takes part. */
static u32 read_dram(struct hw_request *rq, u32 home)
{
	struct machine *m = rq->cpu->machine;
	kms_ps at = llc_read_dram(rq, home);
	u32 entry = DIRECTORY_NONE;

	hw_moved(m, rq->line, HW_AT_DRAM, rq->cpu->id);
	if (m->has_llc && m->inclusion != HW_EXCLUSIVE && !(m->llc_around && rq->store)) {
		hw_moved(m, rq->line, HW_AT_DRAM, HW_AT_LLC);
		entry = llc_fill(rq, home, rq->line, false, at);
	}
	return entry;
}

/* No CPU has the line. */
static enum hw_state fetch_unheld(struct hw_request *rq, u32 home, int entry, u32 *slot)
{
	struct machine *m = rq->cpu->machine;
	bool dirty = false;

	if (entry >= 0) {
		rq->cpu->stats.llc_hits++;
		wait_until(rq, m->inclusive ? *hw_busy(m, (u32)entry) : m->llc_busy[entry]);
		route_answer(rq, home);
		dirty = llc_give(rq, (u32)entry);
		if (dirty && !hw_keeps_writes(m))
			llc_write(rq, rq->line, rq->cpu->id, false);
	} else {
		u32 filled = read_dram(rq, home);

		route_from_dram(rq, home);
		*slot = m->inclusive ? filled : DIRECTORY_NONE;
	}
	if (!m->inclusive)
		*slot = take_slot(m, rq->line);
	return grant(rq, home, *slot, rq->write || dirty ? HW_M : HW_E, true);
}

/* The data for a line that CPUs have, and for a write their copies. Returns whether it came from a CPU. */
static bool fetch_data(struct hw_request *rq, u32 home, int entry, u32 slot, struct others o)
{
	bool by_owner = o.owner != NOBODY && (o.state != PS_F || entry < 0);
	struct hw_request beside;

	if (!by_owner && entry >= 0) {
		rq->cpu->stats.llc_hits++;
		hw_moved(rq->cpu->machine, rq->line, HW_AT_LLC, rq->cpu->id);
		if (rq->write)
			route_by_all(rq, home, slot, true);
		else
			route_answer(rq, home);
		return false;
	}
	if (rq->write && !hw_writable(o.state)) {
		beside = *rq;
		route_by_all(&beside, home, slot, false);
	}
	if (by_owner) {
		rq->cpu->stats.llc_hits++;
		hw_moved(rq->cpu->machine, rq->line, o.owner, rq->cpu->id);
		route_by_owner(rq, home, o.owner);
	} else {
		read_dram(rq, home);
		route_from_dram(rq, home);
	}
	if (rq->write && !hw_writable(o.state))
		wait_for_later(rq, &beside);
	return by_owner;
}

/* What a read leaves the owner. */
static void leave_owner(struct hw_request *rq, u32 slot, u32 owner, enum hw_state state)
{
	struct machine *m = rq->cpu->machine;

	if (state == HW_O && !hw_keeps_writes(m))
		state = HW_S;
	private_set(&m->cpus[owner], rq->line, state);
	m->tags[slot] &= ~(u64)LLC_EXCLUSIVE;
	if (m->owner)
		m->owner[slot] = state == HW_O ? (u16)owner : HW_NO_OWNER;
}

static enum hw_state fetch_held(struct hw_request *rq, u32 home, int entry, u32 slot)
{
	struct machine *m = rq->cpu->machine;
	struct others o = others_of(m, slot, rq->line);
	const struct protocol_step *step = protocol_step_of(m->protocol, PS_I, o.state,
							    rq->write ? PR_WRITE : PR_READ);
	u64 dropped = 0;
	bool owned;

	wait_until(rq, *hw_busy(m, slot));
	owned = fetch_data(rq, home, entry, slot, o);
	if (hw_dirty(o.state) && (hw_keeps_writes(m) ? step->memory_written && !rq->write : true))
		llc_write(rq, rq->line, o.owner, true);
	if (rq->write)
		coherence_drop_all(m, slot, NOWHERE, &dropped);
	else if (o.owner != NOBODY)
		leave_owner(rq, slot, o.owner, step->owner);
	if (owned | (dropped > 0))
		count_contention(rq, slot, owned, (u32)dropped);
	return grant(rq, home, slot, step->requester, owned || step->requester != PS_S);
}

enum hw_state coherence_fetch(struct hw_request *rq, u32 *slot)
{
	struct machine *m = rq->cpu->machine;
	u32 home = hw_home(m, rq->line);
	int entry = llc_find(m, home, rq->line);

	rq->cpu->stats.remote_node += home != rq->cpu->node;
	route_request(rq, home);
	hw_spend(rq, PART_COHERENCE, m->cost.directory);
	hw_spend(rq, PART_LLC, m->cost.llc);
	if (entry >= 0)
		cache_touch(&m->llc, (u32)entry / m->llc.ways, (u32)entry % m->llc.ways);
	*slot = m->inclusive ? (u32)entry : directory_find(&m->directory, m->tags, rq->line);
	if (*slot != DIRECTORY_NONE && hw_shared(m, *slot))
		return fetch_held(rq, home, entry, *slot);
	return fetch_unheld(rq, home, entry, slot);
}

void coherence_upgrade(struct hw_request *rq, u32 slot)
{
	struct machine *m = rq->cpu->machine;
	u32 home = hw_home(m, rq->line);
	u64 dropped = 0;

	rq->cpu->stats.upgrades++;
	rq->cpu->stats.remote_node += home != rq->cpu->node;
	route_request(rq, home);
	hw_spend(rq, PART_COHERENCE, m->cost.directory);
	hw_spend(rq, PART_COHERENCE, m->cost.upgrade);
	wait_until(rq, *hw_busy(m, slot));
	clear_sharer(m, slot, rq->cpu->id);
	route_by_all(rq, home, slot, false);
	if (hw_shared(m, slot)) {
		coherence_drop_all(m, slot, NOWHERE, &dropped);
		count_contention(rq, slot, 0, (u32)dropped);
	}
	grant(rq, home, slot, HW_M, true);
}

/* ---- giving up ---- */

static void charge_write_back(struct hw_request *rq)
{
	rq->cpu->stats.write_backs++;
	hw_spend(rq, PART_COHERENCE, rq->cpu->machine->cost.write_back);
}

void coherence_evicted(struct hw_request *rq, u32 slot, enum hw_state state)
{
	struct machine *m = rq->cpu->machine;
	u64 line;
	struct others o;
	bool dirty;

	rq->cpu->stats.evictions++;
	clear_sharer(m, slot, rq->cpu->id);
	m->tags[slot] &= ~(u64)LLC_EXCLUSIVE;
	if (KMS_LIKELY(m->inclusive)) {
		if (hw_dirty(state)) {
			charge_write_back(rq);
			llc_update(rq, slot, rq->cpu->id);
		}
		return;
	}
	line = cache_line_of(m->tags[slot]);
	o = others_of(m, slot, line);
	dirty = protocol_step_of(m->protocol, (enum protocol_state)state, o.state,
				 PR_EVICT)->memory_written;
	if (dirty)
		charge_write_back(rq);
	if (m->has_llc && m->inclusion == HW_EXCLUSIVE && o.state == PS_I)
		llc_take_victim(rq, line, dirty);
	else if (dirty)
		llc_write(rq, line, rq->cpu->id, true);
	if (o.state == PS_I)
		leave_slot(m, slot);
}

/* ---- stores that private levels do not keep ---- */

void coherence_write_through(struct hw_request *rq)
{
	struct machine *m = rq->cpu->machine;

	route_request(rq, hw_home(m, rq->line));
	hw_spend(rq, PART_LLC, m->cost.llc);
	llc_write(rq, rq->line, HW_AT_STORE, true);
}

/* Whoever has the line loses it; modified data go down before the store's. */
static void take_from_others(struct hw_request *rq, u32 home, u32 slot)
{
	struct machine *m = rq->cpu->machine;
	struct others o = others_of(m, slot, rq->line);
	u64 dropped = 0;

	wait_until(rq, *hw_busy(m, slot));
	route_by_all(rq, home, slot, false);
	if (hw_dirty(o.state))
		llc_write(rq, rq->line, o.owner, true);
	coherence_drop_all(m, slot, NOWHERE, &dropped);
	count_contention(rq, slot, 0, (u32)dropped);
	if (!m->inclusive)
		leave_slot(m, slot);
}

void coherence_write_around(struct hw_request *rq)
{
	struct machine *m = rq->cpu->machine;
	u32 home = hw_home(m, rq->line), slot = coherence_slot(m, rq->line);
	int entry;

	rq->cpu->stats.remote_node += home != rq->cpu->node;
	route_request(rq, home);
	hw_spend(rq, PART_COHERENCE, m->cost.directory);
	hw_spend(rq, PART_LLC, m->cost.llc);
	if (slot != DIRECTORY_NONE && hw_shared(m, slot))
		take_from_others(rq, home, slot);
	entry = llc_find(m, home, rq->line);
	if (entry >= 0) {
		rq->cpu->stats.llc_hits++;
		cache_touch(&m->llc, (u32)entry / m->llc.ways, (u32)entry % m->llc.ways);
	} else if (m->has_llc && m->inclusion != HW_EXCLUSIVE && !m->llc_around) {
		kms_ps at = llc_read_dram(rq, home);

		hw_moved(m, rq->line, HW_AT_DRAM, HW_AT_LLC);
		llc_fill(rq, home, rq->line, false, at);
	} else {
		rq->cpu->stats.llc_misses++;
	}
	llc_write(rq, rq->line, HW_AT_STORE, false);
}
