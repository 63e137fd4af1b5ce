/*
 * protocol_message.h - the protocols of protocol.h taken apart into messages.
 *
 * Two controllers as pure functions on the state of one line: a private cache
 * (protocol_l1.c, a table of state x event) and the line's home, LLC slice with
 * directory (protocol_home.c). Both put messages into a list; who delivers them
 * (protocol_system.c, or a test that tries every order) may delay and reorder
 * them at will: nothing relies on the order of the network.
 *
 * The home is blocking: while a line is busy, further requests for it wait (the
 * deliverer keeps them). A read of a line that others merely share does not
 * block, so an invalidation may overtake its data (state IS_I). The requester
 * counts the acknowledgements of invalidations itself and then unblocks the
 * home. Evictions are announced, clean ones too, and wait for the home's answer.
 */
#ifndef MODELS_HW_PROTOCOL_MESSAGE_H
#define MODELS_HW_PROTOCOL_MESSAGE_H

#include "models/hw/protocol.h"

#define PROTOCOL_MAX_CPUS 64u
#define PROTOCOL_WORDS 4u
#define PROTOCOL_HOME 255u /* as sender, receiver or requester */

/* Transient states of a cache, after enum protocol_state. xy_D waits for data, _A for acknowledgements. */
enum protocol_transient {
	PT_IS_D = PROTOCOL_STATES, PT_IS_I, PT_IM_AD, PT_IM_A, PT_SM_AD, PT_SM_A, PT_FM_A, PT_OM_A,
	PT_SI_A, PT_FI_A, PT_EI_A, PT_OI_A, PT_MI_A, PT_II_A, PROTOCOL_L1_STATES
};

enum protocol_event {
	/* from the CPU */
	PE_LOAD, PE_STORE, PE_EVICT,
	/* messages to a cache */
	PE_FWD_GETS, PE_FWD_GETM, PE_INV, PE_DATA, PE_GRANT, PE_INV_ACK, PE_PUT_ACK,
	PROTOCOL_L1_EVENTS,
	/* messages to the home; PE_INV_ACK too */
	PE_GETS = PROTOCOL_L1_EVENTS, PE_GETM, PE_PUT, PE_OWNER_ACK, PE_UNBLOCK, PROTOCOL_EVENTS
};

struct protocol_message {
	u8 event, from, to, requester;
	u8 state;    /* granted (DATA), kept (OWNER_ACK) or reached (UNBLOCK) */
	u8 has_data; /* words are valid and newer than the home's */
	s16 acks;    /* that the requester has to wait for */
	u32 line;
	u32 words[PROTOCOL_WORDS];
};

struct protocol_out {
	u32 n;
	struct protocol_message messages[PROTOCOL_MAX_CPUS + 4];
};

struct protocol_l1 {
	u8 state;
	s16 acks; /* still to come; negative before the number is known */
	u32 words[PROTOCOL_WORDS];
};

/* What an event did for the CPU. STALE: the load is older than an invalidation already answered. */
enum protocol_done {
	PROTOCOL_NOTHING, PROTOCOL_LOADED, PROTOCOL_LOADED_STALE, PROTOCOL_STORED,
	PROTOCOL_EVICTED, PROTOCOL_WAIT, PROTOCOL_IMPOSSIBLE
};

/*
 * An event at cpu's cache. m: the message (CPU events: line only). LOADED: the
 * words may be read now; STORED: written now; WAIT: a CPU event must be tried
 * again later; IMPOSSIBLE: the protocol has no such transition (a bug).
 */
enum protocol_done protocol_l1_event(enum protocol_kind kind, struct protocol_l1 *l1, u32 cpu,
				     enum protocol_event event, const struct protocol_message *m,
				     struct protocol_out *out);
const char *protocol_l1_name(u32 state);
/* Whether the table has the transition at all (for some protocol). */
bool protocol_l1_possible(u32 state, u32 event);

struct protocol_home {
	bool present;		 /* in the LLC */
	bool dirty;		 /* LLC newer than memory */
	bool wait_unblock, wait_owner, recalling;
	s16 owner;		 /* who has it E, M, F or O, or -1 */
	s16 recall_acks;
	u64 holders;		 /* the owner too */
	u32 words[PROTOCOL_WORDS];  /* LLC */
	u32 memory[PROTOCOL_WORDS];
};

static inline bool protocol_home_busy(const struct protocol_home *h)
{
	return h->wait_unblock || h->wait_owner || h->recalling;
}

/* A request that has to wait while the line is busy. */
static inline bool protocol_is_request(u32 event)
{
	return event == PE_GETS || event == PE_GETM || event == PE_PUT;
}

/* pre: requests only when not busy; GETS and GETM only when present. False: impossible. */
bool protocol_home_event(enum protocol_kind kind, struct protocol_home *h,
			 const struct protocol_message *m, struct protocol_out *out);

/* Bring the line in from memory. pre: not present, not busy. */
void protocol_home_fill(struct protocol_home *h);

/* Begin to take the line from everybody and out of the LLC. pre: present, not busy. */
void protocol_home_recall(struct protocol_home *h, u32 line, struct protocol_out *out);

#endif
