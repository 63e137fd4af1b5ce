/*
 * route.c - what the ways between CPUs, homes and DRAM take.
 *
 * Flat: every CPU is as far from every part of its node's LLC, there and back
 * paid at once (hop_ns); what lies between nodes is paid by the one-way trip.
 *
 * Ring and mesh (interconnect.h): each CPU has a stop, and beside it a slice of
 * its node's LLC and directory. A hash of the line says which slice is its home.
 * Every message of a transaction that the requester waits for takes its way:
 *
 *   request        CPU -> home
 *   answer         home -> CPU, with the line or without
 *   by the owner   home -> owner -> CPU
 *   by all         home -> each that shares the line -> CPU, and the answer beside
 *   done           CPU -> home; until it is there the line is busy
 *
 * Messages to other nodes go by stop 0 of both. DRAM is next to the home.
 */
#include "models/hw/hierarchy.h"

enum { CONTROL_BYTES = 8, DATA_BYTES = 72 };

struct place {
	u32 node, stop;
};

/* ---- flat ---- */

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

/* ---- ring and mesh ---- */

static struct place place_of(const struct hw_cpu *cpu)
{
	return (struct place){ cpu->node, cpu->stop };
}

static struct place slice_of(const struct machine *m, u32 home, u64 line)
{
	u64 hash = line * 0x9e3779b97f4a7c15ull >> 32;

	return (struct place){ home, (u32)(hash * m->nets[home].shape.stops >> 32) };
}

/* When a message sent at `now` is there. */
static kms_ps flight(const struct machine *m, struct place from, struct place to, u32 bytes, kms_ps now)
{
	if (from.node == to.node)
		return interconnect_send(&m->nets[from.node], from.stop, to.stop, bytes, now);
	now = interconnect_send(&m->nets[from.node], from.stop, 0, bytes, now);
	return interconnect_send(&m->nets[to.node], 0, to.stop, bytes, now + m->cost.half_node);
}

static void fly(struct hw_request *rq, struct place from, struct place to, u32 bytes)
{
	kms_ps there = flight(rq->cpu->machine, from, to, bytes, rq->now);

	hw_spend(rq, PART_INTERCONNECT, there - rq->now);
}

/* When the last of the slot's CPUs, asked by the home at `now`, has told the requester. */
static kms_ps all_told(const struct hw_request *rq, struct place home, u32 slot, kms_ps now)
{
	const struct machine *m = rq->cpu->machine;
	kms_ps last = now;

	for (u32 i = 0; i < m->sharer_words; i++) {
		for (u64 left = hw_sharers(m, slot)[i]; left; left &= left - 1) {
			const struct hw_cpu *cpu = &m->cpus[i * 64 + (u32)__builtin_ctzll(left)];
			kms_ps at = flight(m, home, place_of(cpu), CONTROL_BYTES, now);

			at = flight(m, place_of(cpu), place_of(rq->cpu), CONTROL_BYTES,
				    at + m->cost.invalidate);
			last = at > last ? at : last;
		}
	}
	return last;
}

/* ---- both ---- */

void route_request(struct hw_request *rq, u32 home)
{
	const struct machine *m = rq->cpu->machine;

	if (KMS_LIKELY(!m->nets))
		hw_spend(rq, PART_INTERCONNECT, m->cost.hop);
	else
		fly(rq, place_of(rq->cpu), slice_of(m, home, rq->line), CONTROL_BYTES);
}

void route_answer(struct hw_request *rq, u32 home)
{
	const struct machine *m = rq->cpu->machine;

	if (KMS_LIKELY(!m->nets))
		spend_crossings(rq, crossings(rq->cpu->node, home, home));
	else
		fly(rq, slice_of(m, home, rq->line), place_of(rq->cpu), DATA_BYTES);
}

void route_to_dram(struct hw_request *rq, u32 home)
{
	if (KMS_LIKELY(!rq->cpu->machine->nets))
		spend_crossings(rq, crossings(rq->cpu->node, home, home));
}

void route_from_dram(struct hw_request *rq, u32 home)
{
	if (KMS_UNLIKELY(rq->cpu->machine->nets != NULL))
		route_answer(rq, home);
}

void route_by_owner(struct hw_request *rq, u32 home, u32 owner)
{
	const struct machine *m = rq->cpu->machine;
	const struct hw_cpu *cpu = &m->cpus[owner];

	if (KMS_LIKELY(!m->nets))
		spend_crossings(rq, crossings(rq->cpu->node, home, cpu->node));
	else
		fly(rq, slice_of(m, home, rq->line), place_of(cpu), CONTROL_BYTES);
	hw_spend(rq, PART_COHERENCE, m->cost.cache_to_cache);
	if (KMS_UNLIKELY(m->nets != NULL))
		fly(rq, place_of(cpu), place_of(rq->cpu), DATA_BYTES);
}

void route_by_all(struct hw_request *rq, u32 home, u32 slot, bool data)
{
	const struct machine *m = rq->cpu->machine;
	bool any = hw_shared(m, slot);
	kms_ps coherence = any ? m->cost.invalidate : 0, answer, told;
	struct place slice;

	if (KMS_LIKELY(!m->nets)) {
		spend_crossings(rq, farthest_sharer(rq, home, slot));
		if (any)
			hw_spend(rq, PART_COHERENCE, coherence);
		return;
	}
	slice = slice_of(m, home, rq->line);
	answer = flight(m, slice, place_of(rq->cpu), data ? DATA_BYTES : CONTROL_BYTES, rq->now);
	told = all_told(rq, slice, slot, rq->now);
	if (told <= answer) {
		hw_spend(rq, PART_INTERCONNECT, answer - rq->now);
		return;
	}
	hw_spend(rq, PART_COHERENCE, coherence);
	hw_spend(rq, PART_INTERCONNECT, told - rq->now);
}

kms_ps route_done(const struct hw_request *rq, u32 home)
{
	const struct machine *m = rq->cpu->machine;

	if (KMS_LIKELY(!m->nets))
		return rq->now;
	return flight(m, place_of(rq->cpu), slice_of(m, home, rq->line), CONTROL_BYTES, rq->now);
}

void route_post(const struct hw_request *rq, u64 line)
{
	const struct machine *m = rq->cpu->machine;
	u32 home;

	if (KMS_LIKELY(!m->nets))
		return;
	home = hw_home(m, line);
	flight(m, place_of(rq->cpu), slice_of(m, home, line), DATA_BYTES, rq->now);
}
