/*
 * dram_channel.h - one channel of a memory controller: internal to dram_*.c.
 *
 * Each bank has its waiting requests in a list by age, reads and writes apart,
 * with the oldest that hits its open row and the oldest that does not known at
 * all times; so the next command is found by looking at two requests of each
 * bank that has any. A request for which a row was opened becomes the bank's
 * `active` one: its column command goes before everything, and the row stays
 * until then.
 */
#ifndef MODELS_HW_DRAM_CHANNEL_H
#define MODELS_HW_DRAM_CHANNEL_H

#include "models/hw/dram_controller.h"

#define DRAM_NO_ROW (~0ull)

struct dram_entry {
	u64 row, sequence, accepted, cookie;
	u32 column, bank;	       /* bank: of the channel */
	struct dram_entry *next, *prev; /* of the bank's list; free list */
	struct dram_entry *younger, *older; /* of the channel's list, FCFS only */
	u8 found;
	bool write, seen, refresh;
};

struct dram_list {
	struct dram_entry *head, *tail, *hit, *other; /* hit, other: NULL while closed */
};

struct dram_bank_state {
	u64 row;			  /* open, or DRAM_NO_ROW */
	u64 next_act, next_pre, next_col[2]; /* earliest; [0] read, [1] write */
	struct dram_list list[2];
	struct dram_entry *active;
	u64 last_use; /* last column command */
	u64 refresh_end;
	u32 rank, group; /* group: of the channel */
	u32 bypassed;	 /* hits served before an older request for another row */
	bool refreshing; /* a refresh waits for this bank */
};

struct dram_group_state {
	u64 next_act, next_col[2];
};

struct dram_rank_state {
	u64 next_act, next_col[2];
	u64 faw[4]; /* the last four activates, + tFAW */
	u32 faw_next;
	u64 refresh_due, refresh_count; /* due: of the part refreshed next */
	u32 part;
	bool refresh_waits;
};

/* The command to be given next. */
struct dram_choice {
	u64 at, order; /* order: class and age, smaller first */
	struct dram_entry *entry;
	u32 bank; /* or rank, of a refresh */
	u8 command;
};

struct dram_channel {
	const struct dram_config *config;
	struct dram_controller *controller;
	u32 id, nr_banks, banks_per_rank, banks_per_group, nr_parts;
	u64 free_at[2]; /* command buses: row, column (the same unless row_column_buses) */
	u64 now;	/* earliest time of the next command */
	u64 refresh_at; /* earliest due refresh */
	struct dram_choice next;
	u32 count[2], limit[2], listed;
	u32 high, low; /* writes: drained from more than high until less than low */
	bool draining;
	bool hits_first;    /* fr-fcfs-hit */
	bool unusual;	    /* FCFS, or rows that time out */
	u32 refreshes_wait; /* ranks */
	u64 pending[2][DRAM_MAX_BANKS / 64]; /* banks with a list that is not empty */
	u64 active[DRAM_MAX_BANKS / 64], open[DRAM_MAX_BANKS / 64];
	/* Banks of which a request waits for its column command, a precharge, an activate. */
	u64 want_column[2][DRAM_MAX_BANKS / 64], want_close[2][DRAM_MAX_BANKS / 64];
	u64 want_open[2][DRAM_MAX_BANKS / 64];
	struct dram_bank_state *banks;
	struct dram_group_state *groups;
	struct dram_rank_state *ranks;
	struct dram_entry *entries, *free;
	u32 used; /* entries[] from here on have never been used, and are not in free */
	struct dram_entry *oldest[2], *youngest[2];
	u64 sequence;
	struct dram_stats stats;
};

struct dram_controller {
	struct dram_config config;
	struct dram_map map;
	u32 nr_channels;
	struct dram_channel *channels;
	u64 placed_address; /* the last one, and where it is: requests are offered again */
	struct dram_place placed;
	dram_done_fn *done;
	void *done_arg;
	dram_event_fn *watch;
	void *watch_arg;
};

static inline u64 dram_later(u64 a, u64 b)
{
	return a > b ? a : b;
}

static inline void dram_raise(u64 *time, u64 to)
{
	if (*time < to)
		*time = to;
}

static inline void dram_set_bit(u64 *bits, u32 n)
{
	bits[n / 64] |= 1ull << n % 64;
}

static inline void dram_clear_bit(u64 *bits, u32 n)
{
	bits[n / 64] &= ~(1ull << n % 64);
}

/* Is the bank of this index in its rank in a part that is refreshed as one? */
static inline bool dram_in_part(const struct dram_channel *c, u32 bank_in_rank, u32 part)
{
	return c->nr_parts == 1 || bank_in_rank % c->nr_parts == part;
}

/* ---- dram_channel.c ---- */

int dram_channel_init(struct dram_channel *c, struct dram_controller *controller, u32 id,
		      struct kms_error *err);
void dram_channel_exit(struct dram_channel *c);
bool dram_channel_submit(struct dram_channel *c, const struct dram_request *r,
			 const struct dram_place *place);
void dram_channel_advance(struct dram_channel *c, u64 to);
/* A request leaves its bank's list (it stays allocated). */
void dram_channel_unlist(struct dram_channel *c, struct dram_entry *e);
/* hit and other of a list, after the bank's row changed. */
void dram_channel_relook(struct dram_bank_state *bank, u32 kind);

/* ---- dram_schedule.c ---- */

/* Something of a bank has changed: what it wants now. Not needed before dram_schedule_arrival(). */
void dram_schedule_bank(struct dram_channel *c, u32 bank);
/* Find c->next from scratch. */
void dram_schedule(struct dram_channel *c);
/* A request has come to a bank: is something of that bank now sooner than c->next? */
void dram_schedule_arrival(struct dram_channel *c, const struct dram_entry *e);

/* ---- dram_command.c ---- */

/* Give c->next at its time. */
void dram_command_give(struct dram_channel *c);

#endif
