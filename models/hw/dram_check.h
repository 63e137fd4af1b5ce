/*
 * dram_check.h - is a sequence of DRAM commands legal?
 *
 * Written apart from the controller, on purpose another way: a list of pairs
 * "command A, then B in the same bank / group / rank / other rank: at least so
 * many clocks", plus the window of four activates, the command buses, and what
 * state a bank must be in. It keeps the last time of each command and nothing
 * else.
 */
#ifndef MODELS_HW_DRAM_CHECK_H
#define MODELS_HW_DRAM_CHECK_H

#include "models/hw/dram_controller.h"

struct dram_check;

int dram_check_new(struct dram_check **check, const struct dram_config *config,
		   struct kms_error *err);
void dram_check_free(struct dram_check *check);

/*
 * The next command, in order of time for each channel. KMS_EFAIL: what it breaks, by how much;
 * the command is then taken as given.
 */
int dram_check_command(struct dram_check *check, const struct dram_event *e, struct kms_error *err);

#endif
