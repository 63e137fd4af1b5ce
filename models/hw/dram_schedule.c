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

static inline void consider(struct dram_channel *c, u64 at, u64 class, u8 command,
			    struct dram_entry *e, u32 bank)
{
	u64 order = class << CLASS_SHIFT | (e ? e->sequence : bank);

	if (at < c->next.at || (at == c->next.at && order < c->next.order))
		c->next = (struct dram_choice){at, order, e, bank, command};
}

/* Row and column commands share a bus unless they have one each. */
static inline u64 bus_time(const struct dram_channel *c, bool column)
{
	return dram_later(c->now, c->free_at[column]);
}

static inline u64 column_time(const struct dram_channel *c, const struct dram_bank_state *b, u32 kind)
{
	u64 at = dram_later(b->next_col[kind], c->groups[b->group].next_col[kind]);

	return dram_later(dram_later(at, c->ranks[b->rank].next_col[kind]), bus_time(c, true));
}

static inline u64 activate_time(const struct dram_channel *c, const struct dram_bank_state *b)
{
	u64 at = dram_later(b->next_act, c->groups[b->group].next_act);

	return dram_later(dram_later(at, c->ranks[b->rank].next_act), bus_time(c, false));
}

static inline void consider_column(struct dram_channel *c, struct dram_entry *e, u32 bank, u64 class)
{
	consider(c, column_time(c, &c->banks[bank], e->write), class, e->write ? DRAM_WR : DRAM_RD, e,
		 bank);
}

static inline void consider_precharge(struct dram_channel *c, struct dram_entry *e, u32 bank)
{
	consider(c, dram_later(c->banks[bank].next_pre, bus_time(c, false)), CLASS_OTHER, DRAM_PRE, e,
		 bank);
}

static inline bool capped(const struct dram_channel *c, const struct dram_bank_state *b,
			  const struct dram_list *list)
{
	return c->config->hit_cap && list->other && b->bypassed >= c->config->hit_cap &&
	       list->other->sequence < list->hit->sequence;
}

static inline void consider_open(struct dram_channel *c, u32 bank, const struct dram_list *list)
{
	struct dram_bank_state *b = &c->banks[bank];
	bool hits_first = c->config->scheduler == DRAM_FR_FCFS_HIT;
	bool hit = list->hit && !capped(c, b, list);

	if (hit)
		consider_column(c, list->hit, bank, hits_first ? CLASS_HIT : CLASS_OTHER);
	if (list->other && !b->active && !(hit && hits_first))
		consider_precharge(c, list->other, bank);
}

static inline void consider_bank(struct dram_channel *c, u32 bank, u32 kind)
{
	struct dram_bank_state *b = &c->banks[bank];
	const struct dram_list *list = &b->list[kind];

	if (b->refreshing)
		return;
	if (b->row != DRAM_NO_ROW)
		consider_open(c, bank, list);
	else
		consider(c, activate_time(c, b), CLASS_OTHER, DRAM_ACT, list->head, bank);
}

static bool any_active(const struct dram_channel *c)
{
	u64 any = 0;

	for (u32 word = 0; word * 64 < c->nr_banks; word++)
		any |= c->active[word];
	return any;
}

/* In order: nobody's data before those of a request whose row is being opened. */
static void consider_oldest(struct dram_channel *c, u32 kind)
{
	struct dram_entry *e = c->oldest[kind];
	struct dram_bank_state *b;

	if (!e || c->banks[e->bank].refreshing)
		return;
	b = &c->banks[e->bank];
	if (b->row == e->row) {
		if (!any_active(c))
			consider_column(c, e, e->bank, CLASS_OTHER);
	} else if (b->row == DRAM_NO_ROW) {
		consider(c, activate_time(c, b), CLASS_OTHER, DRAM_ACT, e, e->bank);
	} else if (!b->active) {
		consider_precharge(c, e, e->bank);
	}
}

/* The banks of a part: closed first, all at once, then refreshed. */
static void consider_refresh(struct dram_channel *c, u32 rank)
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
	consider(c, dram_later(open ? open_until : ready, bus_time(c, false)), CLASS_REFRESH,
		 open ? DRAM_PREA : DRAM_REF, NULL, rank);
}

static void consider_timeouts(struct dram_channel *c)
{
	for (u32 bank = 0; bank < c->nr_banks; bank++) {
		struct dram_bank_state *b = &c->banks[bank];
		u64 at = dram_later(b->next_pre, b->last_use + c->config->row_timeout);

		if (b->row == DRAM_NO_ROW || b->active || b->refreshing || b->list[0].hit ||
		    b->list[1].hit)
			continue;
		consider(c, dram_later(at, bus_time(c, false)), CLASS_TIMEOUT, DRAM_PRE, NULL, bank);
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

static void consider_lists(struct dram_channel *c, u32 kind)
{
	for (u32 word = 0; word * 64 < c->nr_banks; word++)
		for (u64 left = c->pending[kind][word]; left; left &= left - 1)
			consider_bank(c, word * 64 + (u32)__builtin_ctzll(left), kind);
}

static void consider_active(struct dram_channel *c)
{
	for (u32 word = 0; word * 64 < c->nr_banks; word++)
		for (u64 left = c->active[word]; left; left &= left - 1) {
			u32 bank = word * 64 + (u32)__builtin_ctzll(left);

			consider_column(c, c->banks[bank].active, bank, CLASS_ACTIVE);
		}
}

void dram_schedule(struct dram_channel *c)
{
	c->next = (struct dram_choice){.at = DRAM_NEVER, .order = DRAM_NEVER};
	choose_kind(c);
	consider_active(c);
	for (u32 rank = 0; rank < c->config->ranks; rank++)
		if (c->ranks[rank].refresh_waits)
			consider_refresh(c, rank);
	if (c->config->scheduler == DRAM_FCFS)
		consider_oldest(c, c->draining);
	else
		consider_lists(c, c->draining);
	if (c->config->row_policy == HW_ROW_TIMEOUT)
		consider_timeouts(c);
}

void dram_schedule_arrival(struct dram_channel *c, const struct dram_entry *e)
{
	bool was = c->draining;

	choose_kind(c);
	if (c->draining != was || c->next.bank == e->bank || c->config->scheduler == DRAM_FCFS) {
		dram_schedule(c);
		return;
	}
	if (c->draining == e->write)
		consider_bank(c, e->bank, e->write);
}
