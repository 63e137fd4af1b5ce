/*
 * protocol_system.h - CPUs' caches, homes and a network between them, with values.
 *
 * Delivers the messages of protocol_message.h after the time that the
 * interconnect takes, plus a random delay. Each word of a line holds the number
 * of writes to it, so that a read says which write it saw. Ticks are
 * picoseconds of the interconnect; delays up to PROTOCOL_WHEEL ticks.
 *
 * A CPU has at most one operation per line in flight, and at most as many as it
 * has MSHRs.
 */
#ifndef MODELS_HW_PROTOCOL_SYSTEM_H
#define MODELS_HW_PROTOCOL_SYSTEM_H

#include <gsl/gsl_rng.h>

#include "models/hw/interconnect.h"
#include "models/hw/protocol_message.h"

#define PROTOCOL_WHEEL 4096u
#define PROTOCOL_WATCHDOG 50000u /* ticks without an answer */

struct protocol_system_config {
	enum protocol_kind kind;
	u32 cpus, lines;
	u32 llc_lines; /* that the LLC holds at once; 0: all */
	struct interconnect_shape net;
	u32 mshrs;     /* operations in flight per CPU; 0: one per line */
	u32 jitter; /* up to so many ticks more per message, uniform */
	u64 seed;
};

struct protocol_node {
	struct protocol_message m;
	u32 next;
};

struct protocol_operation {
	u8 event; /* PE_LOAD, PE_STORE, PE_EVICT, or PROTOCOL_EVENTS: none */
	u8 word;
	u32 at_least; /* writes done when it was issued */
	u64 since;
	u32 value; /* that a load returned, or a store wrote */
};

struct protocol_system;
typedef void protocol_finished(void *arg, u32 cpu, u32 line, const struct protocol_operation *op);

struct protocol_system {
	struct protocol_system_config config;
	struct interconnect net;
	gsl_rng *rng;
	struct protocol_l1 *l1;		/* [line][cpu] */
	struct protocol_operation *ops; /* [line][cpu] */
	struct protocol_home *homes;	/* [line] */
	u32 (*latest)[PROTOCOL_WORDS];	/* [line] writes done */
	u32 *queue, *queue_end;		/* [line] requests that wait at the home */
	u32 *flying;			/* [line] messages under way */
	u32 *room;			/* lines that wait for room in the LLC, in turn */
	u32 nr_room;
	u32 outstanding[PROTOCOL_MAX_CPUS];
	u32 wheel[PROTOCOL_WHEEL], wheel_end[PROTOCOL_WHEEL];
	struct protocol_node *nodes;
	u32 nr_nodes, free_node, present;
	u64 now, in_flight, transactions, messages, loads, stores, stale_loads, recalls;
	u64 sent[PROTOCOL_EVENTS], sent_data[PROTOCOL_EVENTS]; /* messages; those with newer data */
	u64 transitions[PROTOCOL_L1_STATES][PROTOCOL_L1_EVENTS]; /* how often each was taken */
	protocol_finished *finished;
	void *arg;
	struct kms_error error; /* the first violation */
};

int protocol_system_new(struct protocol_system **out, const struct protocol_system_config *config,
			struct kms_error *err);
void protocol_system_free(struct protocol_system *s);

/* Begin an operation. False: the line has one in flight, or no MSHR is free. Finished at once or later: see `finished`. */
bool protocol_system_begin(struct protocol_system *s, u32 cpu, u32 line, enum protocol_event event,
			   u32 word);

/* Everything due at the next tick. KMS_EFAIL: a violated invariant, s->error says which. */
int protocol_system_tick(struct protocol_system *s);

/* Until nothing is under way. */
int protocol_system_drain(struct protocol_system *s);

/*
 * Single writer, data value, and, once nothing of the line is under way, the
 * directory equal to the union of the caches, inclusion, no transient state.
 */
int protocol_system_check(struct protocol_system *s, u32 line);
int protocol_system_check_all(struct protocol_system *s); /* and the watchdog */

static inline struct protocol_l1 *protocol_system_l1(struct protocol_system *s, u32 cpu, u32 line)
{
	return &s->l1[(size_t)line * s->config.cpus + cpu];
}

#endif
