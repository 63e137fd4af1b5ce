/*
 * protocol_l1.c - the private cache of protocol_message.h: state x event.
 */
#include "models/hw/protocol_message.h"

#include <string.h>

enum action {
	ACT_LOAD = 1, ACT_STORE = 2, ACT_GETS = 4, ACT_GETM = 8, ACT_PUT = 16,
	ACT_SUPPLY = 32, /* data to the requester, acknowledgement to the home */
	ACT_ACK = 64,	 /* an invalidation */
	ACT_TAKE = 128,	 /* the message's data */
	ACT_COUNT = 256, /* its acknowledgements; with all of them the write is done */
	ACT_GRANTED = 512, /* next state is the granted one */
	ACT_OWNER = 1024,  /* next state is what the protocol leaves the owner */
	ACT_STALE = 2048, ACT_WAIT = 4096, ACT_GONE = 8192,
};

struct cell {
	u8 valid, next;
	u16 act;
};

#define CELL(state, event, next_, act_) [state][PE_##event] = { 1, next_, act_ }
#define HITS(s) CELL(s, LOAD, s, ACT_LOAD)
#define WAITS(s) CELL(s, LOAD, s, ACT_WAIT), CELL(s, STORE, s, ACT_WAIT), CELL(s, EVICT, s, ACT_WAIT)
#define SUPPLIES(s, gone) \
	CELL(s, FWD_GETS, s, ACT_SUPPLY | ACT_OWNER), CELL(s, FWD_GETM, gone, ACT_SUPPLY)

static const struct cell table[PROTOCOL_L1_STATES][PROTOCOL_L1_EVENTS] = {
	CELL(PS_I, LOAD, PT_IS_D, ACT_GETS), CELL(PS_I, STORE, PT_IM_AD, ACT_GETM),
	CELL(PS_I, EVICT, PS_I, ACT_GONE),

	HITS(PS_S), CELL(PS_S, STORE, PT_SM_AD, ACT_GETM), CELL(PS_S, EVICT, PT_SI_A, ACT_PUT),
	CELL(PS_S, INV, PS_I, ACT_ACK),

	HITS(PS_E), CELL(PS_E, STORE, PS_M, ACT_STORE), CELL(PS_E, EVICT, PT_EI_A, ACT_PUT),
	SUPPLIES(PS_E, PS_I), CELL(PS_E, INV, PS_I, ACT_ACK),

	HITS(PS_M), CELL(PS_M, STORE, PS_M, ACT_STORE), CELL(PS_M, EVICT, PT_MI_A, ACT_PUT),
	SUPPLIES(PS_M, PS_I), CELL(PS_M, INV, PS_I, ACT_ACK),

	HITS(PS_F), CELL(PS_F, STORE, PT_FM_A, ACT_GETM), CELL(PS_F, EVICT, PT_FI_A, ACT_PUT),
	SUPPLIES(PS_F, PS_I), CELL(PS_F, INV, PS_I, ACT_ACK),

	HITS(PS_O), CELL(PS_O, STORE, PT_OM_A, ACT_GETM), CELL(PS_O, EVICT, PT_OI_A, ACT_PUT),
	SUPPLIES(PS_O, PS_I), CELL(PS_O, INV, PS_I, ACT_ACK),

	WAITS(PT_IS_D), CELL(PT_IS_D, INV, PT_IS_I, ACT_ACK),
	CELL(PT_IS_D, DATA, PS_S, ACT_TAKE | ACT_GRANTED | ACT_LOAD),
	WAITS(PT_IS_I), CELL(PT_IS_I, DATA, PS_I, ACT_TAKE | ACT_LOAD | ACT_STALE),

	WAITS(PT_IM_AD), CELL(PT_IM_AD, DATA, PT_IM_A, ACT_TAKE | ACT_COUNT),
	CELL(PT_IM_AD, INV_ACK, PT_IM_AD, ACT_COUNT),
	WAITS(PT_IM_A), CELL(PT_IM_A, INV_ACK, PT_IM_A, ACT_COUNT),

	WAITS(PT_SM_AD), CELL(PT_SM_AD, GRANT, PT_SM_A, ACT_COUNT),
	CELL(PT_SM_AD, INV_ACK, PT_SM_AD, ACT_COUNT), CELL(PT_SM_AD, INV, PT_IM_AD, ACT_ACK),
	WAITS(PT_SM_A), CELL(PT_SM_A, INV_ACK, PT_SM_A, ACT_COUNT),

	WAITS(PT_FM_A), CELL(PT_FM_A, GRANT, PT_SM_A, ACT_COUNT),
	CELL(PT_FM_A, INV_ACK, PT_FM_A, ACT_COUNT), CELL(PT_FM_A, INV, PT_IM_AD, ACT_ACK),
	SUPPLIES(PT_FM_A, PT_IM_AD),
	WAITS(PT_OM_A), CELL(PT_OM_A, GRANT, PT_SM_A, ACT_COUNT),
	CELL(PT_OM_A, INV_ACK, PT_OM_A, ACT_COUNT), CELL(PT_OM_A, INV, PT_IM_AD, ACT_ACK),
	SUPPLIES(PT_OM_A, PT_IM_AD),

#define LEAVING(s) WAITS(s), CELL(s, INV, PT_II_A, ACT_ACK), CELL(s, PUT_ACK, PS_I, ACT_GONE)
	LEAVING(PT_SI_A), LEAVING(PT_EI_A), SUPPLIES(PT_EI_A, PT_II_A),
	LEAVING(PT_FI_A), SUPPLIES(PT_FI_A, PT_II_A), LEAVING(PT_OI_A), SUPPLIES(PT_OI_A, PT_II_A),
	LEAVING(PT_MI_A), SUPPLIES(PT_MI_A, PT_II_A),
	WAITS(PT_II_A), CELL(PT_II_A, PUT_ACK, PS_I, ACT_GONE),
};

/* The stable state whose rights a state still has as an owner, and its family. */
static const struct {
	u8 stable, when_shared; /* when_shared: the transient state if only S is left */
} owning[PROTOCOL_L1_STATES] = {
	[PS_E] = { PS_E, PS_S }, [PS_M] = { PS_M, PS_S }, [PS_F] = { PS_F, PS_S },
	[PS_O] = { PS_O, PS_S }, [PT_FM_A] = { PS_F, PT_SM_AD }, [PT_OM_A] = { PS_O, PT_SM_AD },
	[PT_EI_A] = { PS_E, PT_SI_A }, [PT_FI_A] = { PS_F, PT_SI_A },
	[PT_OI_A] = { PS_O, PT_SI_A }, [PT_MI_A] = { PS_M, PT_SI_A },
};

static struct protocol_message *emit(struct protocol_out *out, enum protocol_event event, u32 from,
				     u32 to, u32 line)
{
	struct protocol_message *m = &out->messages[out->n++];

	*m = (struct protocol_message){ .event = (u8)event, .from = (u8)from, .to = (u8)to,
					.requester = (u8)from, .line = line };
	return m;
}

static void add_data(struct protocol_message *m, const struct protocol_l1 *l1)
{
	m->has_data = 1;
	memcpy(m->words, l1->words, sizeof(m->words));
}

/* Answer a forwarded request. Returns the state that remains after a read. */
static u8 supply(enum protocol_kind kind, const struct protocol_l1 *l1, u32 cpu,
		 enum protocol_event event, const struct protocol_message *m,
		 struct protocol_out *out)
{
	bool write = event == PE_FWD_GETM;
	u8 own = owning[l1->state].stable;
	const struct protocol_step *step =
		protocol_step_of(kind, PS_I, own, write ? PR_WRITE : PR_READ);
	struct protocol_message *data = emit(out, PE_DATA, cpu, m->requester, m->line), *ack;

	data->state = step->requester;
	data->acks = m->acks;
	add_data(data, l1);
	ack = emit(out, PE_OWNER_ACK, cpu, PROTOCOL_HOME, m->line);
	ack->state = step->owner;
	if (step->memory_written)
		add_data(ack, l1);
	if (step->owner == PS_S)
		return owning[l1->state].when_shared;
	if (own == PS_M && step->owner == PS_O)
		return l1->state == PT_MI_A ? PT_OI_A : PS_O;
	return l1->state;
}

static void acknowledge(const struct protocol_l1 *l1, u32 cpu, const struct protocol_message *m,
			struct protocol_out *out)
{
	struct protocol_message *ack = emit(out, PE_INV_ACK, cpu, m->requester, m->line);

	if (m->requester == PROTOCOL_HOME && protocol_dirty(owning[l1->state].stable))
		add_data(ack, l1);
}

static void request(const struct protocol_l1 *l1, u32 cpu, u32 act,
		    const struct protocol_message *m, struct protocol_out *out)
{
	struct protocol_message *put;

	if (act & ACT_GETS)
		emit(out, PE_GETS, cpu, PROTOCOL_HOME, m->line);
	if (act & ACT_GETM)
		emit(out, PE_GETM, cpu, PROTOCOL_HOME, m->line);
	if (!(act & ACT_PUT))
		return;
	put = emit(out, PE_PUT, cpu, PROTOCOL_HOME, m->line);
	if (protocol_dirty(l1->state))
		add_data(put, l1);
}

static void unblock(const struct protocol_l1 *l1, u32 cpu, u32 line, struct protocol_out *out)
{
	emit(out, PE_UNBLOCK, cpu, PROTOCOL_HOME, line)->state = l1->state;
}

static bool count(struct protocol_l1 *l1, u32 cpu, const struct protocol_message *m,
		  struct protocol_out *out)
{
	l1->acks = (s16)(l1->acks + (m->event == PE_INV_ACK ? -1 : m->acks));
	if ((l1->state != PT_IM_A && l1->state != PT_SM_A) || l1->acks)
		return false;
	l1->state = PS_M;
	unblock(l1, cpu, m->line, out);
	return true;
}

enum protocol_done protocol_l1_event(enum protocol_kind kind, struct protocol_l1 *l1, u32 cpu,
				     enum protocol_event event, const struct protocol_message *m,
				     struct protocol_out *out)
{
	const struct cell *c = &table[l1->state][event];
	u8 next = c->next;

	if (!c->valid)
		return PROTOCOL_IMPOSSIBLE;
	request(l1, cpu, c->act, m, out);
	if (c->act & ACT_SUPPLY) {
		u8 shared = supply(kind, l1, cpu, event, m, out);

		next = c->act & ACT_OWNER ? shared : next;
	}
	if (c->act & ACT_ACK)
		acknowledge(l1, cpu, m, out);
	if (c->act & ACT_TAKE)
		memcpy(l1->words, m->words, sizeof(l1->words));
	l1->state = c->act & ACT_GRANTED ? m->state : next;
	if (c->act & ACT_GRANTED && l1->state != PS_S)
		unblock(l1, cpu, m->line, out);
	else if (c->act & ACT_GRANTED && m->from != PROTOCOL_HOME)
		unblock(l1, cpu, m->line, out);
	if (c->act & ACT_COUNT)
		return count(l1, cpu, m, out) ? PROTOCOL_STORED : PROTOCOL_NOTHING;
	if (c->act & ACT_WAIT)
		return PROTOCOL_WAIT;
	if (c->act & ACT_LOAD)
		return c->act & ACT_STALE ? PROTOCOL_LOADED_STALE : PROTOCOL_LOADED;
	if (c->act & ACT_GONE)
		return PROTOCOL_EVICTED;
	return c->act & ACT_STORE ? PROTOCOL_STORED : PROTOCOL_NOTHING;
}

const char *protocol_l1_name(u32 state)
{
	static const char *const names[] = {
		"I", "S", "E", "M", "F", "O", "IS_D", "IS_I", "IM_AD", "IM_A", "SM_AD", "SM_A", "FM_A",
		"OM_A", "SI_A", "FI_A", "EI_A", "OI_A", "MI_A", "II_A",
	};

	return state < PROTOCOL_L1_STATES ? names[state] : "?";
}

bool protocol_l1_possible(u32 state, u32 event)
{
	return table[state][event].valid;
}
