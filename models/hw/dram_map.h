/*
 * dram_map.h - which channel, rank, bank, row and column an address is in.
 *
 * The mapping is a string of letters, one per address bit, top bit first
 * (dram_config.c says which); bits above the string continue the row.
 */
#ifndef MODELS_HW_DRAM_MAP_H
#define MODELS_HW_DRAM_MAP_H

#include "models/hw/dram_config.h"
#include "sim/engine/base.h"

#define DRAM_LINE_SHIFT 6

enum dram_part { DRAM_ROW, DRAM_RANK, DRAM_BANK, DRAM_GROUP, DRAM_COLUMN, DRAM_CHANNEL, DRAM_NR_PARTS };

/* A run of address bits that goes to one part: part |= (address >> shift & mask) << to. */
struct dram_run {
	u64 mask;
	u8 part, shift, to;
};

struct dram_map {
	struct dram_run runs[64];
	u32 nr_runs, width[DRAM_NR_PARTS]; /* bits of each part; DRAM_ROW: of those in the string */
	u32 top;			   /* bits of the string */
	bool hash;
};

struct dram_place {
	u32 channel, rank, group, bank, column; /* bank: within its group; column: line of the row */
	u64 row;
};

/*
 * KMS_EUSAGE: letter unknown, or the bits do not agree with the counts of the
 * configuration (without prefix: the caller knows where the string stands).
 */
int dram_map_init(struct dram_map *map, const struct dram_config *config, struct kms_error *err);

/* address: bytes from the start of the node's memory. */
void dram_map_place(const struct dram_map *map, u64 address, struct dram_place *place);

#endif
