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

ALWAYS_INLINE void consider_column(const struct dram_channel *c, struct dram_choice *best,
				   struct dram_entry *e, u64 class)
{
	consider(best, column_time(c, &c->banks[e->bank], e->write), class,
		 e->write ? DRAM_WR : DRAM_RD, e, e->bank);
}

ALWAYS_INLINE void consider_precharge(const struct dram_channel *c, struct dram_choice *best,
				      struct dram_entry *e)
{
	consider(best, dram_later(c->banks[e->bank].next_pre, bus_time(c, false)), CLASS_OTHER,
		 DRAM_PRE, e, e->bank);
}

/* Returns when it is possible. */
ALWAYS_INLINE u64 consider_activate(const struct dram_channel *c, struct dram_choice *best,
				    struct dram_entry *e)
{
	u64 at = activate_time(c, &c->banks[e->bank]);

	consider(best, at, CLASS_OTHER, DRAM_ACT, e, e->bank);
	return at;
}

/* ---- what the banks want ---- */

static bool capped(const struct dram_channel *c, const struct dram_bank_state *b,
		   const struct dram_list *list)
{
	return c->config->hit_cap && list->other && b->bypassed >= c->config->hit_cap &&
	       list->other->sequence < list->hit->sequence;
}

static void put_bit(u64 *bits, u32 n, bool value)
{
	bits[n / 64] = (bits[n / 64] & ~(1ull << n % 64)) | (u64)value << n % 64;
}

ALWAYS_INLINE bool has_bit(const u64 *bits, u32 n)
{
	return bits[n / 64] >> n % 64 & 1;
}

void dram_schedule_bank(struct dram_channel *c, u32 bank)
{
	const struct dram_bank_state *b = &c->banks[bank];
	bool open = b->row != DRAM_NO_ROW, closable = !b->active && !b->refreshing;

	for (u32 kind = 0; kind < 2; kind++) {
		const struct dram_list *list = &b->list[kind];
		bool hit = list->hit && !b->refreshing && !capped(c, b, list);
		bool kept = hit && c->hits_first;

		put_bit(c->want_column[kind], bank, hit);
		put_bit(c->want_close[kind], bank, list->other && closable && !kept);
		put_bit(c->want_open[kind], bank, list->head && !open && !b->refreshing);
	}
}

/* ---- by bank ---- */

#define FOR_EACH_BANK(bank, bits)                                                                  	for (u32 word_ = 0, bank; word_ * 64 < c->nr_banks; word_++)                               		for (u64 left_ = (bits)[word_];                                                    		     left_ && (bank = word_ * 64 + (u32)__builtin_ctzll(left_), true);             		     left_ &= left_ - 1)

/* No activate is possible before this. */
static u64 earliest_activate(const struct dram_channel *c)
{
	u64 at = c->ranks[0].next_act;

	for (u32 rank = 1; rank < c->config->ranks; rank++)
		at = at < c->ranks[rank].next_act ? at : c->ranks[rank].next_act;
	return dram_later(at, bus_time(c, false));
}

static bool any(const struct dram_channel *c, const u64 *bits)
{
	u64 sum = 0;

	for (u32 word = 0; word * 64 < c->nr_banks; word++)
		sum |= bits[word];
	return sum;
}

/*
 * By age: the oldest request that its rank's and the bus's times allow wins,
 * and ends the search. Under load most wait for their rank and need no look
 * while something else comes before that.
 */
ALWAYS_INLINE void consider_activates(const struct dram_channel *c, struct dram_choice *best, u32 kind)
{
	u64 earliest = earliest_activate(c);

	if (best->at < earliest || !any(c, c->want_open[kind]))
		return;
	for (struct dram_entry *e = c->oldest[kind]; e; e = e->younger)
		if (has_bit(c->want_open[kind], e->bank) &&
		    consider_activate(c, best, e) == earliest)
			return;
}

ALWAYS_INLINE void consider_lists(const struct dram_channel *c, struct dram_choice *best, u32 kind)
{
	u64 class = c->hits_first ? CLASS_HIT : CLASS_OTHER;

	FOR_EACH_BANK(bank, c->want_column[kind])
		consider_column(c, best, c->banks[bank].list[kind].hit, class);
	FOR_EACH_BANK(bank, c->want_close[kind])
		consider_precharge(c, best, c->banks[bank].list[kind].other);
	consider_activates(c, best, kind);
}

static void consider_bank(const struct dram_channel *c, struct dram_choice *best, u32 bank, u32 kind)
{
	const struct dram_list *list = &c->banks[bank].list[kind];

	if (has_bit(c->want_column[kind], bank))
		consider_column(c, best, list->hit, c->hits_first ? CLASS_HIT : CLASS_OTHER);
	if (has_bit(c->want_close[kind], bank))
		consider_precharge(c, best, list->other);
	if (has_bit(c->want_open[kind], bank))
		consider_activate(c, best, list->head);
}

/* ---- what only some configurations and moments need ---- */

/* In order: nobody's data before those of a request whose row is being opened. */
static void consider_oldest(const struct dram_channel *c, struct dram_choice *best, u32 kind)
{
	struct dram_entry *e = c->oldest[kind];
	struct dram_bank_state *b;

	if (!e || c->banks[e->bank].refreshing)
		return;
	b = &c->banks[e->bank];
	if (b->row == e->row) {
		if (!any(c, c->active))
			consider_column(c, best, e, CLASS_OTHER);
	} else if (b->row == DRAM_NO_ROW) {
		consider_activate(c, best, e);
	} else if (!b->active) {
		consider_precharge(c, best, e);
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

/* ---- the choice ---- */

/* Writes are drained from the high mark to the low one, and while no read waits. */
static void choose_kind(struct dram_channel *c)
{
	if (!c->draining)
		c->draining = c->count[1] > c->high || !c->count[0];
	else
		c->draining = !(c->count[1] < c->low && c->count[0]);
}

void dram_schedule(struct dram_channel *c)
{
	struct dram_choice best = {.at = DRAM_NEVER, .order = DRAM_NEVER};

	choose_kind(c);
	FOR_EACH_BANK(bank, c->active)
		consider_column(c, &best, c->banks[bank].active, CLASS_ACTIVE);
	if (KMS_UNLIKELY(c->unusual || c->refreshes_wait))
		best = consider_rest(c, best);
	if (KMS_LIKELY(c->config->scheduler != DRAM_FCFS))
		consider_lists(c, &best, c->draining);
	c->next = best;
}

void dram_schedule_arrival(struct dram_channel *c, const struct dram_entry *e)
{
	bool was = c->draining;

	dram_schedule_bank(c, e->bank);
	choose_kind(c);
	if (c->draining != was || c->next.bank == e->bank || c->config->scheduler == DRAM_FCFS)
		dram_schedule(c);
	else if (c->draining == e->write)
		consider_bank(c, &c->next, e->bank, e->write);
}
