/*
 * protocol.c - the tables of protocol.h.
 *
 * A row is STEP(own, other, request) = requester, owner, sharers, bus, source,
 * memory written. Rows that all protocols share are in COMMON.
 */
#include "models/hw/protocol.h"

typedef struct protocol_step steps[PROTOCOL_STATES][PROTOCOL_STATES][PROTOCOL_REQUESTS];

#define STEP(own, other, request, requester, owner, sharers, bus, source, written) \
	[PS_##own][PS_##other][PR_##request] = \
		{ 1, PB_##bus, PD_##source, PS_##requester, PS_##owner, PS_##sharers, written }

/* The lines of a state that only one CPU can have: nothing but hits and evictions. */
#define ALONE(own, evict_bus, written) \
	STEP(own, I, READ, own, I, I, NONE, NONE, 0), \
	STEP(own, I, WRITE, M, I, I, NONE, NONE, 0), \
	STEP(own, I, EVICT, I, I, I, evict_bus, NONE, written)

/* A state that may be written only after an upgrade; other holders are in `other`. */
#define SHARED(own, other, evict_bus, written) \
	STEP(own, other, READ, own, other, S, NONE, NONE, 0), \
	STEP(own, other, WRITE, M, I, I, UPGRADE, NONE, 0), \
	STEP(own, other, EVICT, I, other, S, evict_bus, NONE, written)

/* Nothing happens to a line that the CPU has not got. */
#define ABSENT(other) STEP(I, other, EVICT, I, other, S, NONE, NONE, 0)

#define COMMON \
	ALONE(E, DROP, 0), ALONE(M, WRITE_BACK, 1), SHARED(S, I, DROP, 0), SHARED(S, S, DROP, 0), \
	ABSENT(I), ABSENT(S), ABSENT(E), ABSENT(M), \
	STEP(I, I, READ, E, I, I, READ, MEMORY, 0), \
	STEP(I, I, WRITE, M, I, I, READ_EXCLUSIVE, MEMORY, 0), \
	STEP(I, S, WRITE, M, I, I, READ_EXCLUSIVE, MEMORY, 0), \
	STEP(I, E, WRITE, M, I, I, READ_EXCLUSIVE, OWNER, 0)

static const steps tables[PROTOCOL_KINDS] = {
	[PROTOCOL_MESI] = {
		COMMON,
		STEP(I, S, READ, S, I, S, READ, MEMORY, 0),
		STEP(I, E, READ, S, S, I, READ, OWNER, 0),
		STEP(I, M, READ, S, S, I, READ, OWNER, 1),
		STEP(I, M, WRITE, M, I, I, READ_EXCLUSIVE, OWNER, 1),
	},
	[PROTOCOL_MESIF] = {
		COMMON,
		SHARED(S, F, DROP, 0), SHARED(F, I, DROP, 0), SHARED(F, S, DROP, 0), ABSENT(F),
		STEP(I, S, READ, F, I, S, READ, MEMORY, 0),
		STEP(I, E, READ, F, S, I, READ, OWNER, 0),
		STEP(I, F, READ, F, S, S, READ, OWNER, 0),
		STEP(I, M, READ, F, S, I, READ, OWNER, 1),
		STEP(I, F, WRITE, M, I, I, READ_EXCLUSIVE, OWNER, 0),
		STEP(I, M, WRITE, M, I, I, READ_EXCLUSIVE, OWNER, 1),
	},
	[PROTOCOL_MOESI] = {
		COMMON,
		SHARED(S, O, DROP, 0), SHARED(O, I, WRITE_BACK, 1), SHARED(O, S, WRITE_BACK, 1),
		ABSENT(O),
		STEP(I, S, READ, S, I, S, READ, MEMORY, 0),
		STEP(I, E, READ, S, S, I, READ, OWNER, 0),
		STEP(I, O, READ, S, O, S, READ, OWNER, 0),
		STEP(I, M, READ, S, O, I, READ, OWNER, 0),
		STEP(I, O, WRITE, M, I, I, READ_EXCLUSIVE, OWNER, 0),
		STEP(I, M, WRITE, M, I, I, READ_EXCLUSIVE, OWNER, 0),
	},
};

const char *const protocol_names[] = { "mesi", "mesif", "moesi", NULL };

const struct protocol_step *protocol_step_of(enum protocol_kind kind, enum protocol_state own,
					     enum protocol_state other,
					     enum protocol_request request)
{
	return &tables[kind][own][other][request];
}

char protocol_letter(enum protocol_state state)
{
	return "ISEMFO"[state];
}
