/*
 * dram.c - places accesses on the timelines of banks, ranks and data buses.
 *
 * Rules (names as in JEDEC JESD79): a column command needs its row open for
 * tRCD; an activate needs the bank precharged for tRP; a row stays open for at
 * least tRAS, and until tWR after the last write data; data follow the column
 * command by tCL (read) or tCWL (write) and occupy the bus for tBURST. Every
 * tREFI a rank is refreshed: its rows are closed and it takes no command for
 * tRFC. Not modelled: tRRD, tFAW, tCCD_L, bus turn-around (docs/hardware.md).
 */
#include "models/hw/dram.h"

#include <stdlib.h>
#include <string.h>

#define NEVER (~0ull)

static inline kms_ps later(kms_ps a, kms_ps b)
{
	return a > b ? a : b;
}

static u32 log2_of(u64 n)
{
	return 63 - (u32)__builtin_clzll(n);
}

static kms_ps clocks(const struct dram_config *config, u64 n)
{
	return (kms_ps)((double)n * 1e6 / config->clock_mhz + 0.5);
}

static void init_timing(struct dram_timing *t, const struct dram_config *config)
{
	kms_ps controller = (kms_ps)(config->controller_ns * 1e3 + 0.5);

	t->tRCD = clocks(config, config->tRCD);
	t->tRP = clocks(config, config->tRP);
	t->tCL = clocks(config, config->tCL);
	t->tCWL = clocks(config, config->tCWL);
	t->tRAS = clocks(config, config->tRAS);
	t->tWR = clocks(config, config->tWR);
	t->tBURST = clocks(config, config->tBURST);
	t->tREFI = clocks(config, config->tREFI);
	t->tRFC = clocks(config, config->tRFC);
	t->request = controller / 2;
	t->response = controller - t->request;
}

/* Refreshes of a channel's ranks are spread evenly over tREFI. */
static void init_ranks(struct dram *dram, u32 channels, u32 ranks)
{
	for (u32 i = 0; i < channels * ranks; i++) {
		u32 rank = i & (ranks - 1);

		dram->ranks[i].next_refresh =
			dram->t.tREFI ? dram->t.tREFI * (rank + 1) / ranks : NEVER;
	}
}

int dram_init(struct dram *dram, const struct dram_config *config, struct kms_error *err)
{
	u32 ranks = (u32)(config->channels * config->ranks);
	u32 banks = ranks * (u32)config->banks;

	memset(dram, 0, sizeof(*dram));
	init_timing(&dram->t, config);
	dram->channel_bits = log2_of(config->channels);
	dram->column_bits = log2_of(config->row_bytes / 64);
	dram->bank_bits = log2_of(config->banks);
	dram->rank_bits = log2_of(config->ranks);
	dram->row_policy = config->row_policy;
	dram->bank_hash = config->bank_hash;
	dram->banks = calloc(banks, sizeof(*dram->banks));
	dram->ranks = calloc(ranks, sizeof(*dram->ranks));
	dram->bus_free = calloc(config->channels, sizeof(*dram->bus_free));
	if (!dram->banks || !dram->ranks || !dram->bus_free) {
		dram_exit(dram);
		return kms_fail(err, KMS_EFAIL, "not enough host memory for %u DRAM banks", banks);
	}
	for (u32 i = 0; i < banks; i++)
		dram->banks[i].row = DRAM_NO_ROW;
	init_ranks(dram, (u32)config->channels, (u32)config->ranks);
	return 0;
}

void dram_exit(struct dram *dram)
{
	free(dram->banks);
	free(dram->ranks);
	free(dram->bus_free);
	memset(dram, 0, sizeof(*dram));
}

/* A refresh began since the rank was last looked at: only the latest one still matters. */
static void refresh(struct dram *dram, u32 rank_index, kms_ps at)
{
	struct dram_rank *rank = &dram->ranks[rank_index];
	struct dram_bank *bank = &dram->banks[(size_t)rank_index << dram->bank_bits];
	kms_ps begun = at - (at - rank->next_refresh) % dram->t.tREFI;

	rank->next_refresh = begun + dram->t.tREFI;
	rank->busy_until = begun + dram->t.tRFC;
	for (u32 i = 0; i < 1u << dram->bank_bits; i++) {
		if (bank[i].row != DRAM_NO_ROW)
			bank[i].activate_ok = bank[i].precharge_ok + dram->t.tRP;
		bank[i].row = DRAM_NO_ROW;
		bank[i].activate_ok = later(bank[i].activate_ok, rank->busy_until);
	}
}

/* When the bank could take the first command of an access to the row. */
static kms_ps bank_ready(const struct dram_bank *bank, u64 row)
{
	if (bank->row == row)
		return bank->column_ok;
	return bank->row == DRAM_NO_ROW ? bank->activate_ok : bank->precharge_ok;
}

/* When the rank takes a command that arrives at `at`. */
static kms_ps rank_ready(struct dram *dram, u32 rank_index, kms_ps at, struct dram_result *result)
{
	struct dram_rank *rank = &dram->ranks[rank_index];

	if (KMS_UNLIKELY(at >= rank->next_refresh))
		refresh(dram, rank_index, at);
	if (KMS_LIKELY(at >= rank->busy_until))
		return at;
	result->refresh_stall = true;
	return rank->busy_until;
}

/* Open the row if need be. Returns when the column command may be given. */
static kms_ps open_row(const struct dram_timing *t, struct dram_bank *bank, u64 row, kms_ps at,
		       struct dram_result *result)
{
	kms_ps activate;

	if (bank->row == row) {
		result->outcome = DRAM_ROW_HIT;
		return later(at, bank->column_ok);
	}
	if (bank->row == DRAM_NO_ROW) {
		result->outcome = DRAM_ROW_MISS;
		activate = later(at, bank->activate_ok);
	} else {
		result->outcome = DRAM_ROW_CONFLICT;
		activate = later(at, bank->precharge_ok) + t->tRP;
	}
	bank->row = row;
	bank->precharge_ok = activate + t->tRAS;
	return activate + t->tRCD;
}

static void after_column(struct dram *dram, struct dram_bank *bank, bool write, kms_ps column,
			 kms_ps data_end)
{
	const struct dram_timing *t = &dram->t;

	bank->column_ok = column + t->tBURST;
	bank->precharge_ok =
		later(bank->precharge_ok, write ? data_end + t->tWR : column + t->tBURST);
	if (dram->row_policy == HW_ROW_CLOSED) {
		bank->row = DRAM_NO_ROW;
		bank->activate_ok = bank->precharge_ok + t->tRP;
	}
}

struct dram_result dram_access(struct dram *dram, u64 line_in_node, bool write, kms_ps at)
{
	const struct dram_timing *t = &dram->t;
	struct dram_result result = { 0 };
	u32 channel = (u32)line_in_node & ((1u << dram->channel_bits) - 1);
	u64 above = line_in_node >> (dram->channel_bits + dram->column_bits);
	u32 bank_mask = (1u << (dram->bank_bits + dram->rank_bits)) - 1;
	u64 row = above >> (dram->bank_bits + dram->rank_bits);
	u32 bank_in_channel = ((u32)above ^ (dram->bank_hash ? (u32)row : 0)) & bank_mask;
	u32 bank_index = channel << (dram->bank_bits + dram->rank_bits) | bank_in_channel;
	struct dram_bank *bank = &dram->banks[bank_index];
	kms_ps to_data = write ? t->tCWL : t->tCL;
	kms_ps start, column, data;

	start = later(at + t->request, bank_ready(bank, row));
	start = rank_ready(dram, bank_index >> dram->bank_bits, start, &result);
	column = open_row(t, bank, row, start, &result);
	data = later(column + to_data, dram->bus_free[channel]);
	dram->bus_free[channel] = data + t->tBURST;
	after_column(dram, bank, write, data - to_data, data + t->tBURST);
	result.done = data + t->tBURST + t->response;
	return result;
}
