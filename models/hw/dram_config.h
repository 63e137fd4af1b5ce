/*
 * dram_config.h - what the DRAM of a node is made of: the "dram" section of a machine's JSON.
 *
 * Keys, defaults, ranges and documentation are in dram_config.c. Timing is in
 * command clocks; 0 stands for "derived from the others" where the
 * documentation says so, and dram_config_derive() fills it in.
 */
#ifndef MODELS_HW_DRAM_CONFIG_H
#define MODELS_HW_DRAM_CONFIG_H

#include "sim/config/cfg.h"

#define DRAM_MAX_CHANNELS 64
#define DRAM_MAX_BANKS 256 /* of a channel, over its ranks */
#define DRAM_MAX_RANKS 16

enum hw_row_policy { HW_ROW_OPEN, HW_ROW_CLOSED, HW_ROW_TIMEOUT };
enum dram_refresh { DRAM_REFRESH_ALL_BANK, DRAM_REFRESH_PER_BANK, DRAM_REFRESH_SAME_BANK };
enum dram_scheduler { DRAM_FR_FCFS, DRAM_FR_FCFS_HIT, DRAM_FCFS };
enum dram_release { DRAM_RELEASE_COLUMN, DRAM_RELEASE_ACTIVATE };

struct dram_config {
	char *source;
	u64 channels, ranks, banks, bank_groups, row_bytes; /* channels: per node; banks: per rank */
	double clock_mhz;				    /* of the command clock */
	u64 tRCD, tRP, tCL, tCWL, tRAS, tRC, tWR, tBURST;
	u64 tCCD_S, tCCD_L, tCCD_L_WR, tRRD_S, tRRD_L, tFAW;
	u64 tWTR_S, tWTR_L, tRTP, tRTW, tRTRS;
	u64 tREFI, tRFC, tRFCpb;
	u32 refresh;	/* enum dram_refresh */
	u32 row_policy; /* enum hw_row_policy */
	u64 row_timeout;
	u32 scheduler; /* enum dram_scheduler */
	u64 hit_cap;
	u64 read_entries, write_entries;
	double write_high, write_low; /* parts of write_entries */
	u32 entry_release;	      /* enum dram_release */
	u64 command_clocks;
	bool row_column_buses;
	char *mapping; /* one letter per address bit, top first; NULL: from the geometry */
	bool bank_hash;
	double controller_ns;
};

extern const struct cfg_table dram_config_table;

/* Replace every 0 that means "derived". pre: checked, or built by hand with counts of two. */
void dram_config_derive(struct dram_config *config);

#endif
