/*
 * dram_command.c - what a command changes: rows, and the earliest times of what may follow.
 *
 * The intervals are JEDEC's (JESD79-3/-4/-5, JESD209-5, JESD235), counted from
 * command to command. RL and WL stand for tCL and tCWL, BL for tBURST:
 *   read to write, same rank     RL + BL + tRTW - WL
 *   write to read, same rank     WL + BL + tWTR
 *   write to precharge           WL + BL + tWR
 *   data of different ranks      tRTRS apart on the bus
 * An automatic precharge starts when an explicit one could.
 */
#include "models/hw/dram_channel.h"

static const char *const names[DRAM_NR_COMMANDS] = {"ACT", "PRE", "RD",	 "WR",
						    "RDA", "WRA", "REF", "PREA"};

const char *dram_command_name(enum dram_command command)
{
	return (unsigned)command < DRAM_NR_COMMANDS ? names[command] : "?";
}

static void tell(struct dram_channel *c, u32 bank, u8 command, const struct dram_entry *e)
{
	const struct dram_bank_state *b = &c->banks[bank];
	struct dram_event event = {
		.at = c->next.at,
		.row = e ? e->row : 0,
		.channel = c->id,
		.rank = b->rank,
		.group = b->group - b->rank * (c->banks_per_rank / c->banks_per_group),
		.bank = bank % c->banks_per_group,
		.column = e ? e->column : 0,
		.command = command,
	};

	c->controller->watch(c->controller->watch_arg, &event);
}

static void given(struct dram_channel *c, u32 bank, u8 command, const struct dram_entry *e)
{
	bool column = command >= DRAM_RD && command <= DRAM_WRA;
	u64 free_at = c->next.at + c->config->command_clocks;

	c->stats.commands[command]++;
	c->free_at[column] = free_at;
	if (!c->config->row_column_buses)
		c->free_at[!column] = free_at;
	if (KMS_UNLIKELY(c->controller->watch != NULL))
		tell(c, bank, command, e);
}

/* The first command for a request tells what it found. */
static void see(struct dram_channel *c, struct dram_entry *e, u8 found)
{
	if (e->seen)
		return;
	e->seen = true;
	e->found = found;
	if (found == DRAM_FOUND_CLOSED)
		c->stats.misses++;
	else if (found == DRAM_FOUND_OTHER)
		c->stats.conflicts++;
	else if (e->write)
		c->stats.write_hits++;
	else
		c->stats.read_hits++;
}

static void close_bank(struct dram_channel *c, u32 bank, u64 at)
{
	struct dram_bank_state *b = &c->banks[bank];

	dram_raise(&b->next_act, at + c->config->tRP);
	b->row = DRAM_NO_ROW;
	b->list[0].hit = b->list[0].other = b->list[1].hit = b->list[1].other = NULL;
	dram_clear_bit(c->open, bank);
	dram_schedule_bank(c, bank);
	c->stats.precharges++;
}

static void give_precharge(struct dram_channel *c)
{
	if (c->next.entry)
		see(c, c->next.entry, DRAM_FOUND_OTHER);
	given(c, c->next.bank, DRAM_PRE, NULL);
	close_bank(c, c->next.bank, c->next.at);
}

static void open_row(struct dram_channel *c, struct dram_bank_state *b, struct dram_entry *e)
{
	b->row = e->row;
	b->bypassed = 0;
	b->active = e;
	dram_set_bit(c->open, e->bank);
	dram_set_bit(c->active, e->bank);
	dram_channel_unlist(c, e);
	dram_channel_relook(b, 0);
	dram_channel_relook(b, 1);
	dram_schedule_bank(c, e->bank);
	if (c->config->entry_release == DRAM_RELEASE_ACTIVATE)
		c->count[e->write]--;
}

static void give_activate(struct dram_channel *c)
{
	const struct dram_config *t = c->config;
	struct dram_bank_state *b = &c->banks[c->next.bank];
	struct dram_rank_state *rank = &c->ranks[b->rank];
	u64 at = c->next.at;

	see(c, c->next.entry, DRAM_FOUND_CLOSED);
	given(c, c->next.bank, DRAM_ACT, c->next.entry);
	b->next_col[0] = b->next_col[1] = at + t->tRCD;
	b->next_pre = at + t->tRAS;
	b->next_act = at + t->tRC;
	dram_raise(&c->groups[b->group].next_act, at + t->tRRD_L);
	rank->faw[rank->faw_next] = at + t->tFAW;
	rank->faw_next = (rank->faw_next + 1) % 4;
	dram_raise(&rank->next_act, dram_later(at + t->tRRD_S, rank->faw[rank->faw_next]));
	open_row(c, b, c->next.entry);
}

/* When to give a command whose data come `latency` later, for data at `data`. */
static u64 command_for(u64 data, u64 latency)
{
	return data > latency ? data - latency : 0;
}

/* The other ranks share the data bus: their data start tRTRS after these end. */
static void keep_ranks_apart(struct dram_channel *c, u32 rank, u64 data_end)
{
	const struct dram_config *t = c->config;

	for (u32 i = 0; i < t->ranks; i++) {
		if (i == rank)
			continue;
		dram_raise(&c->ranks[i].next_col[0], command_for(data_end + t->tRTRS, t->tCL));
		dram_raise(&c->ranks[i].next_col[1], command_for(data_end + t->tRTRS, t->tCWL));
	}
}

static void follow_read(struct dram_channel *c, struct dram_bank_state *b, u64 at)
{
	const struct dram_config *t = c->config;
	struct dram_rank_state *rank = &c->ranks[b->rank];
	u64 data_end = at + t->tCL + t->tBURST;

	dram_raise(&b->next_pre, at + t->tRTP);
	dram_raise(&c->groups[b->group].next_col[0], at + t->tCCD_L);
	dram_raise(&rank->next_col[0], at + t->tCCD_S);
	dram_raise(&rank->next_col[1], command_for(data_end + t->tRTW, t->tCWL));
	keep_ranks_apart(c, b->rank, data_end);
}

static void follow_write(struct dram_channel *c, struct dram_bank_state *b, u64 at)
{
	const struct dram_config *t = c->config;
	struct dram_rank_state *rank = &c->ranks[b->rank];
	u64 data_end = at + t->tCWL + t->tBURST;

	dram_raise(&b->next_pre, data_end + t->tWR);
	dram_raise(&c->groups[b->group].next_col[1], at + t->tCCD_L_WR);
	dram_raise(&rank->next_col[1], at + t->tCCD_S);
	dram_raise(&c->groups[b->group].next_col[0], data_end + t->tWTR_L);
	dram_raise(&rank->next_col[0], data_end + t->tWTR_S);
	keep_ranks_apart(c, b->rank, data_end);
}

static void answer(struct dram_channel *c, const struct dram_entry *e, u64 at)
{
	struct dram_answer a = {e->cookie, e->accepted, at, e->found, e->refresh};

	if (!e->write && c->controller->done)
		c->controller->done(c->controller->done_arg, &a);
}

/* The request is out of its list and its bank; forget it. */
static void release(struct dram_channel *c, struct dram_bank_state *b, struct dram_entry *e)
{
	bool counted = true;

	if (b->active == e) {
		b->active = NULL;
		dram_clear_bit(c->active, e->bank);
		counted = c->config->entry_release == DRAM_RELEASE_COLUMN;
	} else {
		const struct dram_entry *other = b->list[e->write].other;

		b->bypassed += other && other->sequence < e->sequence;
		dram_channel_unlist(c, e);
	}
	c->count[e->write] -= counted;
	e->next = c->free;
	c->free = e;
}

static void give_column(struct dram_channel *c)
{
	struct dram_entry *e = c->next.entry;
	struct dram_bank_state *b = &c->banks[c->next.bank];
	u64 at = c->next.at;
	bool last;

	see(c, e, DRAM_FOUND_OPEN);
	release(c, b, e);
	last = c->config->row_policy == HW_ROW_CLOSED && !b->list[0].hit && !b->list[1].hit &&
	       !b->active;
	given(c, c->next.bank, (u8)((e->write ? DRAM_WR : DRAM_RD) + (last ? 2 : 0)), e);
	b->last_use = at;
	if (e->write)
		follow_write(c, b, at);
	else
		follow_read(c, b, at);
	if (last)
		close_bank(c, c->next.bank, b->next_pre);
	else
		dram_schedule_bank(c, c->next.bank);
	answer(c, e, at + c->config->tCL + c->config->tBURST);
}

static void give_precharge_part(struct dram_channel *c)
{
	u32 first = c->next.bank * c->banks_per_rank, part = c->ranks[c->next.bank].part;

	given(c, first + part, DRAM_PREA, NULL);
	for (u32 i = 0; i < c->banks_per_rank; i++)
		if (dram_in_part(c, i, part) && c->banks[first + i].row != DRAM_NO_ROW)
			close_bank(c, first + i, c->next.at);
}

static void give_refresh(struct dram_channel *c)
{
	const struct dram_config *t = c->config;
	struct dram_rank_state *rank = &c->ranks[c->next.bank];
	u32 first = c->next.bank * c->banks_per_rank;
	u64 end = c->next.at + (c->nr_parts == 1 ? t->tRFC : t->tRFCpb);

	given(c, first + rank->part, DRAM_REF, NULL);
	for (u32 i = 0; i < c->banks_per_rank; i++) {
		struct dram_bank_state *b = &c->banks[first + i];

		if (!dram_in_part(c, i, rank->part))
			continue;
		b->next_act = b->refresh_end = end;
		b->refreshing = false;
		dram_schedule_bank(c, first + i);
	}
	dram_raise(&rank->next_act, c->next.at + t->tRRD_S);
	rank->refresh_waits = false;
	c->refreshes_wait--;
	rank->part = (rank->part + 1) % c->nr_parts;
}

void dram_command_give(struct dram_channel *c)
{
	switch (c->next.command) {
	case DRAM_ACT:
		give_activate(c);
		break;
	case DRAM_PRE:
		give_precharge(c);
		break;
	case DRAM_PREA:
		give_precharge_part(c);
		break;
	case DRAM_REF:
		give_refresh(c);
		break;
	default:
		give_column(c);
	}
}
