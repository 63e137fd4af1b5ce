/*
 * dram_schedule.c - which command a channel gives next, and when.
 *
 * Every request that waits wants one command: its column command if its row is
 * open, a precharge if another one is, an activate if none is. Each has an
 * earliest time, from its bank, bank group, rank and the command bus. The next
 * command is the one possible first; of several, in this order
 *   1. column commands for requests whose row was opened for them,
 *   2. refreshes that are due (their banks take nothing new until then),
 *   3. with fr-fcfs-hit, other column commands,
 *   4. the oldest,
 *   5. precharges of rows that time out.
 * First-ready, first-come first-served: Rixner et al., Memory Access
 * Scheduling, ISCA 2000.
 */
#include "models/hw/dram_channel.h"

enum { CLASS_ACTIVE, CLASS_REFRESH, CLASS_HIT, CLASS_OTHER, CLASS_TIMEOUT };
enum { CLASS_SHIFT = 60 };

/* The best choice so far is passed down to code that is all inlined, so that it stays in registers. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void consider(struct dram_choice *best, u64 at, u64 class, u8 command,
			    struct dram_entry *e, u32 bank)
{
	u64 order = class << CLASS_SHIFT | (e ? e->sequence : bank);

	if (at < best->at || (at == best->at && order < best->order))
		*best = (struct dram_choice){at, order, e, bank, command};
}

/* Row and column commands share a bus unless they have one each. */
ALWAYS_INLINE u64 bus_time(const struct dram_channel *c, bool column)
{
	return dram_later(c->now, c->free_at[column]);
}

ALWAYS_INLINE u64 column_time(const struct dram_channel *c, const struct dram_bank_state *b, u32 kind)
{
	u64 at = dram_later(b->next_col[kind], c->groups[b->group].next_col[kind]);

	return dram_later(dram_later(at, c->ranks[b->rank].next_col[kind]), bus_time(c, true));
}

ALWAYS_INLINE u64 activate_time(const struct dram_channel *c, const struct dram_bank_state *b)
{
	u64 at = dram_later(b->next_act, c->groups[b->group].next_act);

	return dram_later(dram_later(at, c->ranks[b->rank].next_act), bus_time(c, false));
}

ALWAYS_INLINE void consider_column(const struct dram_channel *c, struct dram_choice *best, struct dram_entry *e, u32 bank, u64 class)
{
	consider(best, column_time(c, &c->banks[bank], e->write), class, e->write ? DRAM_WR : DRAM_RD, e,
		 bank);
}

ALWAYS_INLINE void consider_precharge(const struct dram_channel *c, struct dram_choice *best, struct dram_entry *e, u32 bank)
{
	consider(best, dram_later(c->banks[bank].next_pre, bus_time(c, false)), CLASS_OTHER, DRAM_PRE, e,
		 bank);
}

ALWAYS_INLINE bool capped(const struct dram_channel *c, const struct dram_bank_state *b,
			  const struct dram_list *list)
{
	return c->config->hit_cap && list->other && b->bypassed >= c->config->hit_cap &&
	       list->other->sequence < list->hit->sequence;
}

ALWAYS_INLINE void consider_open(const struct dram_channel *c, struct dram_choice *best, u32 bank, const struct dram_list *list)
{
	struct dram_bank_state *b = &c->banks[bank];
	bool hits_first = c->config->scheduler == DRAM_FR_FCFS_HIT;
	bool hit = list->hit && !capped(c, b, list);

	if (hit)
		consider_column(c, best, list->hit, bank, hits_first ? CLASS_HIT : CLASS_OTHER);
	if (list->other && !b->active && !(hit && hits_first))
		consider_precharge(c, best, list->other, bank);
}

ALWAYS_INLINE u64 consider_closed(const struct dram_channel *c, struct dram_choice *best, u32 bank, const struct dram_list *list)
{
	u64 at = activate_time(c, &c->banks[bank]);

	consider(best, at, CLASS_OTHER, DRAM_ACT, list->head, bank);
	return at;
}

ALWAYS_INLINE void consider_bank(const struct dram_channel *c, struct dram_choice *best, u32 bank, u32 kind)
{
	struct dram_bank_state *b = &c->banks[bank];

	if (b->refreshing)
		return;
	if (b->row != DRAM_NO_ROW)
		consider_open(c, best, bank, &b->list[kind]);
	else
		consider_closed(c, best, bank, &b->list[kind]);
}

static bool any_active(const struct dram_channel *c)
{
	u64 any = 0;

	for (u32 word = 0; word * 64 < c->nr_banks; word++)
		any |= c->active[word];
	return any;
}

/* In order: nobody's data before those of a request whose row is being opened. */
static void consider_oldest(const struct dram_channel *c, struct dram_choice *best, u32 kind)
{
	struct dram_entry *e = c->oldest[kind];
	struct dram_bank_state *b;

	if (!e || c->banks[e->bank].refreshing)
		return;
	b = &c->banks[e->bank];
	if (b->row == e->row) {
		if (!any_active(c))
			consider_column(c, best, e, e->bank, CLASS_OTHER);
	} else if (b->row == DRAM_NO_ROW) {
		consider(best, activate_time(c, b), CLASS_OTHER, DRAM_ACT, e, e->bank);
	} else if (!b->active) {
		consider_precharge(c, best, e, e->bank);
	}
}

/* The banks of a part: closed first, all at once, then refreshed. */
static void consider_refresh(const struct dram_channel *c, struct dram_choice *best, u32 rank)
{
	struct dram_rank_state *r = &c->ranks[rank];
	u64 open_until = 0, ready = 0;
	bool open = false;

	for (u32 i = 0; i < c->banks_per_rank; i++) {
		const struct dram_bank_state *b = &c->banks[rank * c->banks_per_rank + i];

		if (!dram_in_part(c, i, r->part))
			continue;
		if (b->active)
			return;
		open |= b->row != DRAM_NO_ROW;
		ready = dram_later(ready, b->next_act);
		if (b->row != DRAM_NO_ROW)
			open_until = dram_later(open_until, b->next_pre);
	}
	consider(best, dram_later(open ? open_until : ready, bus_time(c, false)), CLASS_REFRESH,
		 open ? DRAM_PREA : DRAM_REF, NULL, rank);
}

static void consider_timeouts(const struct dram_channel *c, struct dram_choice *best)
{
	for (u32 bank = 0; bank < c->nr_banks; bank++) {
		struct dram_bank_state *b = &c->banks[bank];
		u64 at = dram_later(b->next_pre, b->last_use + c->config->row_timeout);

		if (b->row == DRAM_NO_ROW || b->active || b->refreshing || b->list[0].hit ||
		    b->list[1].hit)
			continue;
		consider(best, dram_later(at, bus_time(c, false)), CLASS_TIMEOUT, DRAM_PRE, NULL, bank);
	}
}

/* Writes are drained from the high mark to the low one, and while no read waits. */
static void choose_kind(struct dram_channel *c)
{
	if (!c->draining)
		c->draining = c->count[1] > c->high || !c->count[0];
	else
		c->draining = !(c->count[1] < c->low && c->count[0]);
}

/* No activate is possible before this. */
static u64 earliest_activate(const struct dram_channel *c)
{
	u64 at = c->ranks[0].next_act;

	for (u32 rank = 1; rank < c->config->ranks; rank++)
		at = at < c->ranks[rank].next_act ? at : c->ranks[rank].next_act;
	return dram_later(at, bus_time(c, false));
}

ALWAYS_INLINE bool has_bit(const u64 *bits, u32 n)
{
	return bits[n / 64] >> n % 64 & 1;
}

/* By age: the oldest request that its rank's and the bus's times allow wins, and ends the search. */
ALWAYS_INLINE void consider_activates(const struct dram_channel *c, struct dram_choice *best, u32 kind)
{
	u64 earliest = earliest_activate(c);
	const struct dram_entry *e = c->oldest[kind];

	for (; e && !(best->at < earliest); e = e->younger) {
		if (has_bit(c->open, e->bank) || has_bit(c->blocked, e->bank) ||
		    c->banks[e->bank].list[kind].head != e)
			continue;
		if (consider_closed(c, best, e->bank, &c->banks[e->bank].list[kind]) == earliest)
			return;
	}
}

/*
 * Open banks first: under load most others wait for their rank to allow an
 * activate, and need no look while something else comes before that.
 */
ALWAYS_INLINE void consider_lists(const struct dram_channel *c, struct dram_choice *best, u32 kind)
{
	for (u32 word = 0; word * 64 < c->nr_banks; word++)
		for (u64 left = c->pending[kind][word] & c->open[word] & ~c->blocked[word]; left;
		     left &= left - 1) {
			u32 bank = word * 64 + (u32)__builtin_ctzll(left);

			consider_open(c, best, bank, &c->banks[bank].list[kind]);
		}
	consider_activates(c, best, kind);
}

ALWAYS_INLINE void consider_active(const struct dram_channel *c, struct dram_choice *best)
{
	for (u32 word = 0; word * 64 < c->nr_banks; word++)
		for (u64 left = c->active[word]; left; left &= left - 1) {
			u32 bank = word * 64 + (u32)__builtin_ctzll(left);

			consider_column(c, best, c->banks[bank].active, bank, CLASS_ACTIVE);
		}
}

/* What only some configurations and moments need, out of the way of the rest. */
static __attribute__((noinline)) struct dram_choice consider_rest(const struct dram_channel *c,
								  struct dram_choice best)
{
	for (u32 rank = 0; rank < c->config->ranks; rank++)
		if (c->ranks[rank].refresh_waits)
			consider_refresh(c, &best, rank);
	if (c->config->scheduler == DRAM_FCFS)
		consider_oldest(c, &best, c->draining);
	if (c->config->row_policy == HW_ROW_TIMEOUT)
		consider_timeouts(c, &best);
	return best;
}

void dram_schedule(struct dram_channel *c)
{
	struct dram_choice best = {.at = DRAM_NEVER, .order = DRAM_NEVER};

	choose_kind(c);
	consider_active(c, &best);
	if (c->unusual || c->refreshes_wait)
		best = consider_rest(c, best);
	if (c->config->scheduler != DRAM_FCFS)
		consider_lists(c, &best, c->draining);
	c->next = best;
}

void dram_schedule_arrival(struct dram_channel *c, const struct dram_entry *e)
{
	bool was = c->draining;

	choose_kind(c);
	if (c->draining != was || c->next.bank == e->bank || c->config->scheduler == DRAM_FCFS)
		dram_schedule(c);
	else if (c->draining == e->write)
		consider_bank(c, &c->next, e->bank, e->write);
}
