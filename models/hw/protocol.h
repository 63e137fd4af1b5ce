/*
 * protocol.h - coherence protocols as tables: MESI, MESIF and MOESI.
 *
 * Two levels. Here are the stable states: what one whole request does to the
 * requester, to the owner and to the other holders, who supplies the data and
 * whether memory is written. Who treats a transaction as one step (the machine
 * in coherence.c, `memtrace --coherence`) needs no more than protocol_step_of().
 * protocol_message.h takes each request apart into messages and transient
 * states; where the outcome differs between the protocols it asks this table.
 *
 * MESI: Papamarcos and Patel, ISCA 1984. MESIF: Goodman and Hum, 2009 (a clean
 * line held by several has one forwarder, the last reader). MOESI: Sweazey and
 * Smith, ISCA 1986, in the form of AMD's manual volume 2, section 7.3 (a
 * modified line that is read stays dirty with its owner; memory is not written).
 */
#ifndef MODELS_HW_PROTOCOL_H
#define MODELS_HW_PROTOCOL_H

#include "sim/engine/base.h"

enum protocol_kind { PROTOCOL_MESI, PROTOCOL_MESIF, PROTOCOL_MOESI, PROTOCOL_KINDS };

/* The first four as enum hw_state. */
enum protocol_state { PS_I, PS_S, PS_E, PS_M, PS_F, PS_O, PROTOCOL_STATES };

/* What a CPU wants of a line. */
enum protocol_request { PR_READ, PR_WRITE, PR_EVICT, PROTOCOL_REQUESTS };

/* What others see of it. PB_NONE: nothing, a hit or a silent change. */
enum protocol_bus { PB_NONE, PB_READ, PB_READ_EXCLUSIVE, PB_UPGRADE, PB_DROP, PB_WRITE_BACK };

/* Where the requester's data come from. PD_NONE: it needs none or has them. */
enum protocol_source { PD_NONE, PD_MEMORY, PD_OWNER };

struct protocol_step {
	u8 valid;	   /* 0: this pair of states cannot occur in this protocol */
	u8 bus;		   /* enum protocol_bus */
	u8 source;	   /* enum protocol_source */
	u8 requester;	   /* its next state */
	u8 owner;	   /* next state of the other CPU that held E, M, F or O, if any */
	u8 sharers;	   /* next state of the other CPUs that held S, if any */
	u8 memory_written; /* memory (the LLC) gets the owner's or the evicted data */
};

/*
 * own: the requester's state. other: the strongest state among the other CPUs;
 * M, E, O and F are held by one CPU, the owner. The result has valid 0 when the
 * protocol excludes the pair (e.g. own S while another has M).
 */
const struct protocol_step *protocol_step_of(enum protocol_kind kind, enum protocol_state own,
					     enum protocol_state other,
					     enum protocol_request request);

/* "mesi", "mesif", "moesi", NULL: for configuration enums and messages. */
extern const char *const protocol_names[];

/* 'I', 'S', 'E', 'M', 'F', 'O'. */
char protocol_letter(enum protocol_state state);

static inline bool protocol_owns(u32 state)
{
	return state >= PS_E;
}

static inline bool protocol_dirty(u32 state)
{
	return state == PS_M || state == PS_O;
}

static inline bool protocol_writable(u32 state)
{
	return state == PS_E || state == PS_M;
}

#endif
