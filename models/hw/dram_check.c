/*
 * dram_check.c - dram_check.h: the pairs of commands and their distances.
 */
#include "models/hw/dram_check.h"

#include <stdio.h>
#include <stdlib.h>

enum scope { SAME_BANK, SAME_GROUP, SAME_RANK, OTHER_RANK };
enum { MAX_RULES = 64, NONE = DRAM_NR_COMMANDS };

#define BIT(command) (1u << DRAM_##command)
#define READS (BIT(RD) | BIT(RDA))
#define WRITES (BIT(WR) | BIT(WRA))

struct rule {
	const char *name;
	u32 before, after; /* sets of commands */
	enum scope scope;
	s64 distance;
};

/* Times of the last command of each kind, + 1; 0: none yet. */
struct last {
	u64 at[DRAM_NR_COMMANDS];
};

struct check_bank {
	struct last last;
	bool open;
	u64 row;
	u64 closed; /* when the precharge begins, + 1 */
};

struct check_rank {
	struct last last;
	u64 activates[4]; /* + 1 */
	u32 next;
};

struct dram_check {
	struct dram_config config;
	u32 banks, per_group, groups, ranks, parts, nr_rules;
	struct rule rules[MAX_RULES];
	struct check_bank *bank; /* [channel][rank][bank] */
	struct last *group;
	struct check_rank *rank;
	u64 bus[DRAM_MAX_CHANNELS][2]; /* last command, + 1 */
};

static void rule(struct dram_check *c, const char *name, u32 before, u32 after, enum scope scope,
		 s64 distance)
{
	c->rules[c->nr_rules++] = (struct rule){name, before, after, scope, distance};
}

static void row_rules(struct dram_check *c, const struct dram_config *t)
{
	u32 precharges = BIT(PRE) | BIT(PREA);
	s64 write_end = (s64)(t->tCWL + t->tBURST);

	rule(c, "tRCD", BIT(ACT), READS | WRITES, SAME_BANK, (s64)t->tRCD);
	rule(c, "tRAS", BIT(ACT), precharges, SAME_BANK, (s64)t->tRAS);
	rule(c, "tRC", BIT(ACT), BIT(ACT) | BIT(REF), SAME_BANK, (s64)t->tRC);
	rule(c, "tRP", precharges, BIT(ACT) | BIT(REF), SAME_BANK, (s64)t->tRP);
	rule(c, "tRTP", READS, precharges, SAME_BANK, (s64)t->tRTP);
	rule(c, "tWR", WRITES, precharges, SAME_BANK, write_end + (s64)t->tWR);
	rule(c, "tRRD_S", BIT(ACT), BIT(ACT), SAME_RANK, (s64)t->tRRD_S);
	rule(c, "tRRD_L", BIT(ACT), BIT(ACT), SAME_GROUP, (s64)t->tRRD_L);
	rule(c, c->parts == 1 ? "tRFC" : "tRFCpb", BIT(REF), BIT(ACT) | BIT(REF), SAME_BANK,
	     (s64)(c->parts == 1 ? t->tRFC : t->tRFCpb));
}

static void column_rules(struct dram_check *c, const struct dram_config *t)
{
	s64 read_end = (s64)(t->tCL + t->tBURST), write_end = (s64)(t->tCWL + t->tBURST);
	s64 apart = (s64)t->tRTRS;

	rule(c, "tCCD_S", READS, READS, SAME_RANK, (s64)t->tCCD_S);
	rule(c, "tCCD_L", READS, READS, SAME_GROUP, (s64)t->tCCD_L);
	rule(c, "tCCD_S", WRITES, WRITES, SAME_RANK, (s64)t->tCCD_S);
	rule(c, "tCCD_L_WR", WRITES, WRITES, SAME_GROUP, (s64)t->tCCD_L_WR);
	rule(c, "tRTW", READS, WRITES, SAME_RANK, read_end + (s64)t->tRTW - (s64)t->tCWL);
	rule(c, "tWTR_S", WRITES, READS, SAME_RANK, write_end + (s64)t->tWTR_S);
	rule(c, "tWTR_L", WRITES, READS, SAME_GROUP, write_end + (s64)t->tWTR_L);
	rule(c, "tRTRS", READS, READS, OTHER_RANK, (s64)t->tBURST + apart);
	rule(c, "tRTRS", WRITES, WRITES, OTHER_RANK, (s64)t->tBURST + apart);
	rule(c, "tRTRS", READS, WRITES, OTHER_RANK, read_end + apart - (s64)t->tCWL);
	rule(c, "tRTRS", WRITES, READS, OTHER_RANK, write_end + apart - (s64)t->tCL);
}

int dram_check_new(struct dram_check **out, const struct dram_config *config, struct kms_error *err)
{
	struct dram_check *c = calloc(1, sizeof(*c));
	size_t ranks;

	*out = c;
	if (!c)
		return kms_fail(err, KMS_EFAIL, "out of memory for the DRAM check");
	c->config = *config;
	dram_config_derive(&c->config);
	c->banks = (u32)config->banks;
	c->groups = (u32)c->config.bank_groups;
	c->per_group = c->banks / c->groups;
	c->ranks = (u32)config->ranks;
	c->parts = config->refresh == DRAM_REFRESH_ALL_BANK   ? 1
		   : config->refresh == DRAM_REFRESH_PER_BANK ? c->banks
							      : c->per_group;
	ranks = config->channels * config->ranks;
	c->bank = calloc(ranks * c->banks, sizeof(*c->bank));
	c->group = calloc(ranks * c->groups, sizeof(*c->group));
	c->rank = calloc(ranks, sizeof(*c->rank));
	row_rules(c, &c->config);
	column_rules(c, &c->config);
	if (c->bank && c->group && c->rank)
		return 0;
	dram_check_free(c);
	*out = NULL;
	return kms_fail(err, KMS_EFAIL, "out of memory for the DRAM check");
}

void dram_check_free(struct dram_check *c)
{
	if (!c)
		return;
	free(c->bank);
	free(c->group);
	free(c->rank);
	free(c);
}

static int broken(const struct dram_event *e, const char *why, struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "%s at %llu, channel %u rank %u group %u bank %u: %s",
			dram_command_name(e->command), (unsigned long long)e->at, e->channel, e->rank,
			e->group, e->bank, why);
}

static int check_last(const struct rule *r, const struct last *last, const struct dram_event *e,
		      struct kms_error *err)
{
	char why[120];

	for (u32 before = 0; before < DRAM_NR_COMMANDS; before++) {
		u64 at = last->at[before];

		if (!(r->before >> before & 1) || !at || (s64)(e->at - (at - 1)) >= r->distance)
			continue;
		snprintf(why, sizeof(why), "%s: %lld clocks after %s, expected %lld", r->name,
			 (long long)(e->at - (at - 1)), dram_command_name(before),
			 (long long)r->distance);
		return broken(e, why, err);
	}
	return 0;
}

static int check_rule(const struct dram_check *c, const struct rule *r, const struct dram_event *e,
		      u32 rank, u32 bank, struct kms_error *err)
{
	int rc = 0;

	switch (r->scope) {
	case SAME_BANK:
		return check_last(r, &c->bank[bank].last, e, err);
	case SAME_GROUP:
		return check_last(r, &c->group[bank / c->per_group], e, err);
	case SAME_RANK:
		return check_last(r, &c->rank[rank].last, e, err);
	case OTHER_RANK:
		for (u32 i = e->channel * c->ranks; !rc && i < (e->channel + 1) * c->ranks; i++)
			rc = i == rank ? 0 : check_last(r, &c->rank[i].last, e, err);
	}
	return rc;
}

static int check_rules(const struct dram_check *c, const struct dram_event *e, u32 rank, u32 bank,
		       struct kms_error *err)
{
	for (u32 i = 0; i < c->nr_rules; i++) {
		const struct rule *r = &c->rules[i];

		if (r->after >> e->command & 1 && check_rule(c, r, e, rank, bank, err))
			return KMS_EFAIL;
	}
	return 0;
}

/* An automatic precharge counts from where an explicit one could have been. */
static int check_closed(const struct dram_check *c, const struct dram_event *e,
			const struct check_bank *b, struct kms_error *err)
{
	if (b->open)
		return broken(e, "the bank is open", err);
	if (b->closed && e->at < b->closed - 1 + c->config.tRP)
		return broken(e, "tRP: too soon after an automatic precharge", err);
	return 0;
}

static int check_state(const struct dram_check *c, const struct dram_event *e,
		       const struct check_bank *b, struct kms_error *err)
{
	switch (e->command) {
	case DRAM_ACT:
	case DRAM_REF:
		return check_closed(c, e, b, err);
	case DRAM_PRE:
		return b->open ? 0 : broken(e, "the bank is closed", err);
	case DRAM_PREA:
		return 0;
	default:
		if (!b->open)
			return broken(e, "the bank is closed", err);
		return b->row == e->row ? 0 : broken(e, "another row is open", err);
	}
}

static int check_window(struct dram_check *c, const struct dram_event *e, u32 rank,
			struct kms_error *err)
{
	struct check_rank *r = &c->rank[rank];
	u64 fourth = r->activates[r->next];

	r->activates[r->next] = e->at + 1;
	r->next = (r->next + 1) % 4;
	if (fourth && e->at - (fourth - 1) < c->config.tFAW)
		return broken(e, "tFAW: a fifth activate in the window", err);
	return 0;
}

static int check_bus(struct dram_check *c, const struct dram_event *e, struct kms_error *err)
{
	bool column = e->command >= DRAM_RD && e->command <= DRAM_WRA;
	u64 *last = &c->bus[e->channel][c->config.row_column_buses && column], before = *last;

	*last = e->at + 1;
	if (before && e->at < before - 1 + c->config.command_clocks)
		return broken(e, "the command bus is taken", err);
	return 0;
}

static void note(struct dram_check *c, const struct dram_event *e, u32 rank, u32 bank)
{
	const struct dram_config *t = &c->config;
	struct check_bank *b = &c->bank[bank];
	u64 ready = e->command == DRAM_RDA ? e->at + t->tRTP : e->at + t->tCWL + t->tBURST + t->tWR;
	u64 *act = &b->last.at[DRAM_ACT];

	b->last.at[e->command] = e->at + 1;
	c->group[bank / c->per_group].at[e->command] = e->at + 1;
	c->rank[rank].last.at[e->command] = e->at + 1;
	if (e->command == DRAM_ACT) {
		b->open = true;
		b->row = e->row;
		b->closed = 0;
	} else if (e->command == DRAM_RDA || e->command == DRAM_WRA) {
		b->open = false;
		b->closed = (ready > *act - 1 + t->tRAS ? ready : *act - 1 + t->tRAS) + 1;
	} else if (e->command == DRAM_PRE || e->command == DRAM_PREA) {
		b->open = false;
	}
}

static int check_bank(struct dram_check *c, const struct dram_event *e, u32 rank, u32 bank,
		      struct kms_error *err)
{
	int rc = check_state(c, e, &c->bank[bank], err);

	/* a bank that is closed already is not concerned by a precharge of several */
	if (!rc && !(e->command == DRAM_PREA && !c->bank[bank].open))
		rc = check_rules(c, e, rank, bank, err);
	note(c, e, rank, bank);
	return rc;
}

int dram_check_command(struct dram_check *c, const struct dram_event *e, struct kms_error *err)
{
	u32 rank = e->channel * c->ranks + e->rank;
	u32 in_rank = e->group * c->per_group + e->bank, first = rank * c->banks;
	int rc = check_bus(c, e, err);

	if (e->command == DRAM_ACT && check_window(c, e, rank, err))
		rc = KMS_EFAIL;
	if (e->command != DRAM_REF && e->command != DRAM_PREA)
		return check_bank(c, e, rank, first + in_rank, err) ? KMS_EFAIL : rc;
	for (u32 i = 0; i < c->banks; i++)
		if ((c->parts == 1 || i % c->parts == in_rank % c->parts) &&
		    check_bank(c, e, rank, first + i, err))
			rc = KMS_EFAIL;
	return rc;
}
