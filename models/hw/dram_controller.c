/*
 * dram_controller.c - dram_controller.h: the channels of a node together.
 */
#include "models/hw/dram_channel.h"

#include <stdlib.h>

int dram_controller_new(struct dram_controller **out, const struct dram_config *config,
			dram_done_fn *done, void *arg, struct kms_error *err)
{
	struct dram_controller *c = calloc(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (!c)
		return kms_fail(err, KMS_EFAIL, "out of memory for the DRAM controller");
	c->config = *config;
	dram_config_derive(&c->config);
	c->done = done;
	c->done_arg = arg;
	rc = dram_map_init(&c->map, &c->config, err);
	dram_map_place(&c->map, 0, &c->placed);
	c->channels = calloc(config->channels, sizeof(*c->channels));
	if (!rc && !c->channels)
		rc = kms_fail(err, KMS_EFAIL, "out of memory for the DRAM controller");
	for (u32 i = 0; !rc && i < config->channels; i++) {
		c->nr_channels++;
		rc = dram_channel_init(&c->channels[i], c, i, err);
	}
	if (rc) {
		dram_controller_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void dram_controller_free(struct dram_controller *c)
{
	if (!c)
		return;
	for (u32 i = 0; i < c->nr_channels; i++)
		dram_channel_exit(&c->channels[i]);
	free(c->channels);
	free(c);
}

void dram_controller_watch(struct dram_controller *c, dram_event_fn *fn, void *arg)
{
	c->watch = fn;
	c->watch_arg = arg;
}

static const struct dram_place *find_place(struct dram_controller *c, u64 address)
{
	if (c->placed_address == address)
		return &c->placed;
	c->placed_address = address;
	dram_map_place(&c->map, address, &c->placed);
	return &c->placed;
}

bool dram_controller_submit(struct dram_controller *c, const struct dram_request *r)
{
	const struct dram_place *place = find_place(c, r->address);

	return dram_channel_submit(&c->channels[place->channel], r, place);
}

u64 dram_controller_next(const struct dram_controller *c)
{
	u64 next = DRAM_NEVER;

	for (u32 i = 0; i < c->nr_channels; i++) {
		const struct dram_channel *channel = &c->channels[i];
		u64 at = channel->next.at;

		if (channel->listed && channel->refresh_at < at)
			at = channel->refresh_at;
		next = at < next ? at : next;
	}
	return next;
}

u64 dram_controller_next_for(struct dram_controller *c, u64 address)
{
	const struct dram_channel *channel = &c->channels[find_place(c, address)->channel];

	return channel->next.at < channel->refresh_at ? channel->next.at : channel->refresh_at;
}

void dram_controller_advance(struct dram_controller *c, u64 to)
{
	for (u32 i = 0; i < c->nr_channels; i++)
		dram_channel_advance(&c->channels[i], to);
}

static void add_stats(struct dram_stats *sum, const struct dram_stats *s)
{
	sum->reads += s->reads;
	sum->writes += s->writes;
	sum->forwarded += s->forwarded;
	sum->read_hits += s->read_hits;
	sum->write_hits += s->write_hits;
	sum->misses += s->misses;
	sum->conflicts += s->conflicts;
	sum->refresh_stalls += s->refresh_stalls;
	sum->precharges += s->precharges;
	for (u32 i = 0; i < DRAM_NR_COMMANDS; i++)
		sum->commands[i] += s->commands[i];
}

void dram_controller_stats(const struct dram_controller *c, struct dram_stats *stats)
{
	*stats = (struct dram_stats){0};
	for (u32 i = 0; i < c->nr_channels; i++)
		add_stats(stats, &c->channels[i].stats);
}

static u32 actives(const struct dram_channel *c, bool *write_only)
{
	u32 n = 0;

	for (u32 i = 0; i < c->nr_banks; i++)
		n += c->banks[i].active && (!write_only || c->banks[i].active->write == *write_only);
	return n;
}

u64 dram_controller_waiting(const struct dram_controller *c)
{
	u64 n = 0;

	for (u32 i = 0; i < c->nr_channels; i++)
		n += c->channels[i].listed + actives(&c->channels[i], NULL);
	return n;
}

/* ---- check ---- */

static int check_list(const struct dram_channel *c, u32 bank, u32 kind, u32 *found,
		      struct kms_error *err)
{
	const struct dram_bank_state *b = &c->banks[bank];
	const struct dram_list *list = &b->list[kind];
	const struct dram_entry *hit = NULL, *other = NULL;
	u64 last = 0;
	bool pending = c->pending[kind][bank / 64] >> bank % 64 & 1;

	for (const struct dram_entry *e = list->head; e; e = e->next, ++*found) {
		const struct dram_entry **first = e->row == b->row ? &hit : &other;

		*first = *first ? *first : e;
		if (e->bank != bank || e->write != kind || (e != list->head && e->sequence <= last))
			return kms_fail(err, KMS_EFAIL, "DRAM channel %u bank %u: request in the wrong list",
					c->id, bank);
		last = e->sequence;
	}
	if (b->row == DRAM_NO_ROW)
		hit = other = NULL;
	if (pending != !!list->head || list->hit != hit || list->other != other)
		return kms_fail(err, KMS_EFAIL, "DRAM channel %u bank %u: the list of %s does not add up",
				c->id, bank, kind ? "writes" : "reads");
	return 0;
}

static int check_counts(const struct dram_channel *c, const u32 *listed, struct kms_error *err)
{
	const struct dram_stats *s = &c->stats;
	u64 columns = s->commands[DRAM_RD] + s->commands[DRAM_RDA] + s->commands[DRAM_WR] +
		      s->commands[DRAM_WRA];
	u64 open = 0, waiting = listed[0] + listed[1] + actives(c, NULL);

	for (u32 word = 0; word * 64 < c->nr_banks; word++)
		open += (u32)__builtin_popcountll(c->open[word]);
	for (u32 kind = 0; kind < 2; kind++) {
		bool write = kind;
		u32 active = c->config->entry_release == DRAM_RELEASE_COLUMN ? actives(c, &write) : 0;

		if (c->count[kind] != listed[kind] + active || c->count[kind] > c->limit[kind])
			return kms_fail(err, KMS_EFAIL,
					"DRAM channel %u: %u %s counted in the queue, %u found", c->id,
					c->count[kind], kind ? "writes" : "reads", listed[kind] + active);
	}
	if (s->reads + s->writes != s->forwarded + columns + waiting || c->listed != listed[0] + listed[1])
		return kms_fail(err, KMS_EFAIL,
				"DRAM channel %u: %llu requests accepted, %llu served, %llu waiting", c->id,
				(unsigned long long)(s->reads + s->writes),
				(unsigned long long)(s->forwarded + columns), (unsigned long long)waiting);
	if (s->commands[DRAM_ACT] != s->precharges + open)
		return kms_fail(err, KMS_EFAIL,
				"DRAM channel %u: %llu rows opened, %llu closed, %llu open", c->id,
				(unsigned long long)s->commands[DRAM_ACT],
				(unsigned long long)s->precharges, (unsigned long long)open);
	return 0;
}

static int check_channel(const struct dram_channel *c, struct kms_error *err)
{
	u32 listed[2] = {0, 0};

	for (u32 bank = 0; bank < c->nr_banks; bank++)
		for (u32 kind = 0; kind < 2; kind++)
			if (check_list(c, bank, kind, &listed[kind], err))
				return KMS_EFAIL;
	return check_counts(c, listed, err);
}

int dram_controller_check(const struct dram_controller *c, struct kms_error *err)
{
	for (u32 i = 0; i < c->nr_channels; i++)
		if (check_channel(&c->channels[i], err))
			return KMS_EFAIL;
	return 0;
}
