/*
 * dram.h - the DRAM of one node: channels, ranks, banks, rows, refresh.
 *
 * A timeline model: an access is placed, in the order in which accesses are
 * made, at the earliest instant at which its bank, its rank and its channel's
 * data bus can serve it, and its completion time is known at once. So nothing
 * is reordered (first come, first served) and no event is needed. The
 * interface leaves room for a queueing controller: the caller treats the
 * returned time as "when the data is there".
 *
 * Address mapping, from the node's first byte, low bits first:
 *   line offset (6) : channel : column : bank : rank : row
 * so neighbouring lines alternate between channels, a stream stays in an open
 * row for a row's length, and the next row's worth lies in another bank. With
 * bank_hash the bank and rank bits are XORed with the lowest row bits (Zhang,
 * Zhu, Zhang: permutation-based page interleaving, MICRO 2000), so that a line
 * and the victim it replaces in a cache, which differ only above the cache's
 * index, do not always fight for one bank.
 */
#ifndef MODELS_HW_DRAM_H
#define MODELS_HW_DRAM_H

#include "models/hw/machine_config.h"
#include "sim/engine/base.h"

enum dram_outcome { DRAM_ROW_HIT, DRAM_ROW_MISS, DRAM_ROW_CONFLICT };

struct dram_result {
	kms_ps done; /* data at the requester (read) or in the array's buffer (write) */
	enum dram_outcome outcome;
	bool refresh_stall; /* waited for a refresh to end */
};

#define DRAM_NO_ROW (~0ull)

struct dram_bank {
	kms_ps column_ok;    /* earliest next column command to the open row */
	kms_ps precharge_ok; /* earliest precharge of the open row */
	kms_ps activate_ok;  /* earliest activate of a closed bank */
	u64 row;	     /* open row or DRAM_NO_ROW */
};

struct dram_rank {
	kms_ps next_refresh; /* ~0: never */
	kms_ps busy_until;   /* end of the last refresh */
};

/* Times in ps, from the configured command clocks. */
struct dram_timing {
	kms_ps tRCD, tRP, tCL, tCWL, tRAS, tWR, tBURST, tREFI, tRFC;
	kms_ps request, response; /* the controller's two halves */
};

struct dram {
	struct dram_timing t;
	struct dram_bank *banks; /* [channel][rank][bank] */
	struct dram_rank *ranks; /* [channel][rank] */
	kms_ps *bus_free;	 /* [channel] */
	u32 channel_bits, column_bits, bank_bits, rank_bits;
	u32 row_policy;
	bool bank_hash;
};

/* pre: counts are powers of two (machine_config.c). KMS_EFAIL: out of host memory. */
int dram_init(struct dram *dram, const struct dram_config *config, struct kms_error *err);
void dram_exit(struct dram *dram);

/* Place one line's read or write that reaches the controller at time `at`. */
struct dram_result dram_access(struct dram *dram, u64 line_in_node, bool write, kms_ps at);

#endif
