/*
 * dram_controller.h - the memory controller of a node, event by event.
 *
 * A user submits line-sized requests in the order of time, asks when something
 * will happen next and lets time pass:
 *
 *   dram_controller_advance(c, now);        carry out all commands up to now
 *   dram_controller_submit(c, &request);    at request.at == now; false: queue full
 *   dram_controller_next(c)                 earliest time at which a command is due
 *
 * A request accepted at t can have its first command at t + 1. When the column
 * command of a read is given, done() is called with the time at which its data
 * are there, which then lies in the future. Writes are posted: nobody is told.
 * All times are command clocks of the DRAM. Work is per command, not per clock:
 * between two commands nothing is computed, and an idle controller skips its
 * refreshes arithmetically.
 *
 * Files: dram_channel.c (queues, a channel's events), dram_schedule.c (which
 * command is next), dram_command.c (what a command changes), dram_map.c
 * (addresses), dram_config.c (keys), dram_check.c (an independent judge of
 * command sequences), dram_port.c (the controller as simulated CPUs see it).
 */
#ifndef MODELS_HW_DRAM_CONTROLLER_H
#define MODELS_HW_DRAM_CONTROLLER_H

#include "models/hw/dram_config.h"
#include "models/hw/dram_map.h"
#include "sim/engine/base.h"

#define DRAM_NEVER (~0ull)

enum dram_command { DRAM_ACT, DRAM_PRE, DRAM_RD, DRAM_WR, DRAM_RDA, DRAM_WRA, DRAM_REF, DRAM_PREA,
		    DRAM_NR_COMMANDS };

/* What a request found when the first command was given for it; forwarded: in the write queue. */
enum dram_state { DRAM_FOUND_OPEN, DRAM_FOUND_CLOSED, DRAM_FOUND_OTHER, DRAM_FORWARDED };

struct dram_request {
	u64 address; /* bytes from the start of the node's memory */
	u64 at;	     /* not before an earlier request's, nor before the last advance */
	u64 cookie;  /* of reads: given back */
	bool write;
};

struct dram_answer {
	u64 cookie;
	u64 accepted, at; /* at: the last data are there */
	u8 found;	  /* enum dram_state */
	bool refresh;	  /* it came while its bank was about to be, or being, refreshed */
};

/* One command as given: for logs and checks. REF and PREA of a part name its first bank. */
struct dram_event {
	u64 at, row;
	u32 channel, rank, group, bank, column;
	enum dram_command command;
};

typedef void dram_done_fn(void *arg, const struct dram_answer *answer);
typedef void dram_event_fn(void *arg, const struct dram_event *event);

struct dram_stats {
	u64 reads, writes, forwarded; /* accepted; forwarded reads are reads too */
	u64 read_hits, write_hits, misses, conflicts;
	u64 refresh_stalls;
	u64 commands[DRAM_NR_COMMANDS]; /* RDA and WRA apart from RD and WR */
	u64 precharges;			/* banks closed, by whatever command */
};

struct dram_controller;

/* KMS_EUSAGE: mapping; KMS_EFAIL: no memory. config is copied (the mapping string read). */
int dram_controller_new(struct dram_controller **c, const struct dram_config *config,
			dram_done_fn *done, void *arg, struct kms_error *err);
void dram_controller_free(struct dram_controller *c);

/* See every command from now on; NULL ends it. Refreshes are then not skipped. */
void dram_controller_watch(struct dram_controller *c, dram_event_fn *fn, void *arg);

/* False: the channel's queue for its kind is full; nothing happened. pre: advanced to r->at. */
bool dram_controller_submit(struct dram_controller *c, const struct dram_request *r);

/* Earliest command due, refreshes of an idle machine left out; DRAM_NEVER: none. */
u64 dram_controller_next(const struct dram_controller *c);
/* The same for the channel that has the address: when might its queue have room again? */
u64 dram_controller_next_for(struct dram_controller *c, u64 address);

/* Carry out everything up to and including `to`. */
void dram_controller_advance(struct dram_controller *c, u64 to);

void dram_controller_stats(const struct dram_controller *c, struct dram_stats *stats);
/* Requests accepted whose column command is still to come. */
u64 dram_controller_waiting(const struct dram_controller *c);

/* Queue counts, lists and statistics add up. KMS_EFAIL: what does not. */
int dram_controller_check(const struct dram_controller *c, struct kms_error *err);

const char *dram_command_name(enum dram_command command);

#endif
