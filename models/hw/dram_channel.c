/*
 * dram_channel.c - dram_channel.h: the queues of a channel and the course of its events.
 */
#include "models/hw/dram_channel.h"

#include <math.h>
#include <stdlib.h>

void dram_channel_relook(struct dram_bank_state *bank, u32 kind)
{
	struct dram_list *list = &bank->list[kind];

	list->hit = list->other = NULL;
	for (struct dram_entry *e = list->head; e && !(list->hit && list->other); e = e->next) {
		struct dram_entry **first = e->row == bank->row ? &list->hit : &list->other;

		if (!*first)
			*first = e;
	}
}

/* The next hit after one that goes; likewise for the others. */
static void pass_on(struct dram_bank_state *bank, struct dram_list *list, struct dram_entry *gone)
{
	struct dram_entry *e = gone->next;

	if (gone == list->hit) {
		while (e && e->row != bank->row)
			e = e->next;
		list->hit = e;
	} else if (gone == list->other) {
		while (e && e->row == bank->row)
			e = e->next;
		list->other = e;
	}
}

static void unlist_age(struct dram_channel *c, struct dram_entry *e)
{
	*(e->older ? &e->older->younger : &c->oldest[e->write]) = e->younger;
	*(e->younger ? &e->younger->older : &c->youngest[e->write]) = e->older;
}

void dram_channel_unlist(struct dram_channel *c, struct dram_entry *e)
{
	struct dram_bank_state *bank = &c->banks[e->bank];
	struct dram_list *list = &bank->list[e->write];

	pass_on(bank, list, e);
	*(e->prev ? &e->prev->next : &list->head) = e->next;
	*(e->next ? &e->next->prev : &list->tail) = e->prev;
	if (!list->head)
		dram_clear_bit(c->pending[e->write], e->bank);
	unlist_age(c, e);
	c->listed--;
}

static void append_age(struct dram_channel *c, struct dram_entry *e)
{
	e->older = c->youngest[e->write];
	e->younger = NULL;
	*(e->older ? &e->older->younger : &c->oldest[e->write]) = e;
	c->youngest[e->write] = e;
}

static void append(struct dram_channel *c, struct dram_entry *e)
{
	struct dram_bank_state *bank = &c->banks[e->bank];
	struct dram_list *list = &bank->list[e->write];

	e->next = NULL;
	e->prev = list->tail;
	*(list->tail ? &list->tail->next : &list->head) = e;
	list->tail = e;
	dram_set_bit(c->pending[e->write], e->bank);
	append_age(c, e);
	c->listed++;
	if (bank->row == DRAM_NO_ROW)
		return;
	if (e->row == bank->row)
		list->hit = list->hit ? list->hit : e;
	else
		list->other = list->other ? list->other : e;
}

/* The data of a read that waits to be written: from the queue, in one clock. */
static bool forward(struct dram_channel *c, const struct dram_request *r,
		    const struct dram_place *place, const struct dram_bank_state *bank)
{
	const struct dram_entry *e = bank->list[1].head, *active = bank->active;
	struct dram_answer a = {r->cookie, r->at, r->at + 1, DRAM_FORWARDED, false};

	while (e && !(e->row == place->row && e->column == place->column))
		e = e->next;
	if (!e && !(active && active->write && active->row == place->row &&
		    active->column == place->column))
		return false;
	c->stats.reads++;
	c->stats.forwarded++;
	if (c->controller->done)
		c->controller->done(c->controller->done_arg, &a);
	return true;
}

static struct dram_entry *make_entry(struct dram_channel *c, const struct dram_request *r,
				     const struct dram_place *place, u32 bank)
{
	struct dram_entry *e = c->free ? c->free : &c->entries[c->used++];
	struct dram_bank_state *b = &c->banks[bank];

	if (e == c->free)
		c->free = e->next;
	e->row = place->row;
	e->sequence = c->sequence++;
	e->accepted = r->at;
	e->cookie = r->cookie;
	e->column = place->column;
	e->bank = bank;
	e->found = 0;
	e->write = r->write;
	e->seen = false;
	e->refresh = b->refreshing || r->at + 1 < b->refresh_end;
	c->stats.refresh_stalls += e->refresh;
	return e;
}

bool dram_channel_submit(struct dram_channel *c, const struct dram_request *r,
			 const struct dram_place *place)
{
	u32 bank = place->rank * c->banks_per_rank + place->group * c->banks_per_group + place->bank;
	struct dram_entry *e;

	if (!r->write && (c->pending[1][bank / 64] | c->active[bank / 64]) >> bank % 64 & 1 &&
	    forward(c, r, place, &c->banks[bank]))
		return true;
	if (c->count[r->write] >= c->limit[r->write])
		return false;
	*(r->write ? &c->stats.writes : &c->stats.reads) += 1;
	e = make_entry(c, r, place, bank);
	c->count[r->write]++;
	dram_raise(&c->now, r->at + 1);
	append(c, e);
	dram_schedule_arrival(c, e);
	return true;
}

/* ---- refresh ---- */

/*
 * When the rank's n-th part, counted from 1, is due: with the last clock of its
 * interval. Ranks are spread over the interval.
 */
static u64 refresh_time(const struct dram_channel *c, u32 rank, u64 n)
{
	u64 tREFI = c->config->tREFI;

	return n * tREFI / c->nr_parts + rank * tREFI / (c->config->ranks * c->nr_parts) - 1;
}

static void find_refresh(struct dram_channel *c)
{
	c->refresh_at = DRAM_NEVER;
	for (u32 i = 0; i < c->config->ranks; i++)
		if (!c->ranks[i].refresh_waits && c->ranks[i].refresh_due < c->refresh_at)
			c->refresh_at = c->ranks[i].refresh_due;
}

static void next_due(struct dram_channel *c, u32 rank, u64 parts)
{
	struct dram_rank_state *r = &c->ranks[rank];

	r->refresh_count += parts;
	r->refresh_due = refresh_time(c, rank, r->refresh_count + 1);
}

static void refresh_falls_due(struct dram_channel *c)
{
	for (u32 i = 0; i < c->config->ranks; i++) {
		struct dram_rank_state *r = &c->ranks[i];

		if (r->refresh_waits || r->refresh_due > c->refresh_at)
			continue;
		r->refresh_waits = true;
		c->refreshes_wait++;
		for (u32 b = 0; b < c->banks_per_rank; b++) {
			if (!dram_in_part(c, b, r->part))
				continue;
			c->banks[i * c->banks_per_rank + b].refreshing = true;
			dram_schedule_bank(c, i * c->banks_per_rank + b);
		}
		next_due(c, i, 1);
	}
	dram_raise(&c->now, c->refresh_at);
	find_refresh(c);
}

static bool idle(const struct dram_channel *c)
{
	u64 any = 0;

	if (c->listed || c->controller->watch || c->next.at != DRAM_NEVER)
		return false;
	for (u32 word = 0; word * 64 < c->nr_banks; word++)
		any |= c->open[word];
	return !any;
}

/*
 * With all banks closed and nothing waiting, refreshes follow one another as
 * due, each long over before the next: count those before the last two turns
 * before `to` without carrying them out.
 */
static void skip_refreshes(struct dram_channel *c, u64 to)
{
	u64 turn = c->config->tREFI, turns;

	for (u32 i = 0; i < c->config->ranks; i++)
		if (to <= c->ranks[i].refresh_due + 3 * turn)
			return;
	turns = (to - c->refresh_at) / turn - 2;
	for (u32 i = 0; i < c->config->ranks; i++)
		next_due(c, i, turns * c->nr_parts);
	c->stats.commands[DRAM_REF] += turns * c->nr_parts * c->config->ranks;
	find_refresh(c);
}

void dram_channel_advance(struct dram_channel *c, u64 to)
{
	for (;;) {
		if (c->refresh_at <= c->next.at) {
			if (c->refresh_at > to)
				return;
			if (c->next.at == DRAM_NEVER && idle(c))
				skip_refreshes(c, to);
			refresh_falls_due(c);
		} else {
			if (c->next.at > to)
				return;
			bool refresh = c->next.command == DRAM_REF;

			dram_command_give(c);
			if (refresh)
				find_refresh(c);
		}
		dram_schedule(c);
	}
}

/* ---- life ---- */

static int allocate(struct dram_channel *c, struct kms_error *err)
{
	u32 ranks = (u32)c->config->ranks;
	u32 n = c->limit[0] + c->limit[1] + c->nr_banks;

	c->banks = calloc(c->nr_banks, sizeof(*c->banks));
	c->groups = calloc(c->nr_banks / c->banks_per_group, sizeof(*c->groups));
	c->ranks = calloc(ranks, sizeof(*c->ranks));
	c->entries = calloc(n, sizeof(*c->entries));
	if (!c->banks || !c->groups || !c->ranks || !c->entries)
		return kms_fail(err, KMS_EFAIL, "out of memory for a DRAM channel");
	return 0;
}

static void set_up(struct dram_channel *c)
{
	for (u32 i = 0; i < c->nr_banks; i++) {
		c->banks[i].row = DRAM_NO_ROW;
		c->banks[i].rank = i / c->banks_per_rank;
		c->banks[i].group = i / c->banks_per_group;
	}
	for (u32 i = 0; i < c->config->ranks; i++)
		c->ranks[i].refresh_due = c->config->tREFI ? refresh_time(c, i, 1) : DRAM_NEVER;
	find_refresh(c);
	c->next.at = DRAM_NEVER;
	c->hits_first = c->config->scheduler == DRAM_FR_FCFS_HIT;
	c->unusual = c->config->scheduler == DRAM_FCFS || c->config->row_policy == HW_ROW_TIMEOUT;
}

static u32 refresh_parts(const struct dram_config *config)
{
	switch (config->refresh) {
	case DRAM_REFRESH_PER_BANK:
		return (u32)config->banks;
	case DRAM_REFRESH_SAME_BANK:
		return (u32)(config->banks / config->bank_groups);
	default:
		return 1;
	}
}

int dram_channel_init(struct dram_channel *c, struct dram_controller *controller, u32 id,
		      struct kms_error *err)
{
	const struct dram_config *config = &controller->config;

	*c = (struct dram_channel){
		.config = config,
		.controller = controller,
		.id = id,
		.nr_banks = (u32)(config->ranks * config->banks),
		.banks_per_rank = (u32)config->banks,
		.banks_per_group = (u32)(config->banks / config->bank_groups),
		.nr_parts = refresh_parts(config),
		.limit = {(u32)config->read_entries, (u32)config->write_entries},
		.high = (u32)floor(config->write_high * (double)config->write_entries),
		.low = (u32)ceil(config->write_low * (double)config->write_entries),
	};
	if (allocate(c, err))
		return KMS_EFAIL;
	set_up(c);
	return 0;
}

void dram_channel_exit(struct dram_channel *c)
{
	free(c->banks);
	free(c->groups);
	free(c->ranks);
	free(c->entries);
}
