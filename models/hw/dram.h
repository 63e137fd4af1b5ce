/*
 * dram.h - the DRAM of one node as the rest of the machine sees it: ask, and be told when.
 *
 * Behind it works the memory controller of dram_controller.h with its queues,
 * scheduling and refresh. Accesses come in the order in which CPUs make them,
 * which is not quite the order of time: each is some way down from a CPU when
 * it gets here. So a channel can be put back: from time to time, while it is run
 * on for an answer, a copy is made of it, and an access that comes before the
 * moment up to which it was run puts it back to the last copy before that, from
 * where everything happens anew. Copies are kept back to the moment before
 * which no access can come any more. A read is answered at once: the channel is
 * run on, with all accesses known, until the read's data come. What comes later
 * still finds the channel as it then really is; only an answer already given
 * does not change any more when a later access overtakes (docs/dram.md).
 *
 * Writes are posted and take nobody's time.
 */
#ifndef MODELS_HW_DRAM_H
#define MODELS_HW_DRAM_H

#include "models/hw/machine_config.h"
#include "sim/engine/base.h"

/* POSTED: a write; what it will find is not known yet. */
enum dram_outcome { DRAM_ROW_HIT, DRAM_ROW_MISS, DRAM_ROW_CONFLICT, DRAM_POSTED };

struct dram_result {
	kms_ps done; /* data at the requester (read); handed over (write) */
	enum dram_outcome outcome;
	bool refresh_stall; /* came when its bank was, or was about to be, refreshed */
};

struct dram_lane; /* a channel and what waits for it */
struct dram_controller;

struct dram {
	struct dram_controller *controller;
	struct dram_lane *lanes; /* [channel] */
	u64 clock_hz;
	kms_ps request, response; /* the controller's and PHY's two halves */
};

/* pre: counts are powers of two (dram_config.c). KMS_EFAIL: out of host memory. */
int dram_init(struct dram *dram, const struct dram_config *config, struct kms_error *err);
void dram_exit(struct dram *dram);

/*
 * One line's read or write that reaches the controller at time `at`, on behalf
 * of a CPU that sends none any more that come before `since`.
 */
struct dram_result dram_access(struct dram *dram, u64 line_in_node, bool write, kms_ps at,
			       kms_ps since);

/* Do queues, lists and counts add up? */
int dram_verify(const struct dram *dram, struct kms_error *err);

#endif
