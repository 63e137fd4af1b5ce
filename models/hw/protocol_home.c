/*
 * protocol_home.c - the home of a line: LLC slice, directory, memory behind it.
 *
 * The directory knows the holders exactly (evictions are announced) and the one
 * that owns the line, but not whether an exclusive copy has been written: that
 * the owner tells when it is asked.
 */
#include "models/hw/protocol_message.h"

#include <string.h>

static struct protocol_message *emit(struct protocol_out *out, enum protocol_event event,
				     const struct protocol_message *cause, u32 to)
{
	struct protocol_message *m = &out->messages[out->n++];

	*m = (struct protocol_message){ .event = (u8)event, .from = PROTOCOL_HOME, .to = (u8)to,
					.requester = cause->from, .line = cause->line };
	return m;
}

static void take_data(struct protocol_home *h, const struct protocol_message *m)
{
	if (!m->has_data)
		return;
	memcpy(h->words, m->words, sizeof(h->words));
	h->dirty = true;
}

static void send_data(const struct protocol_home *h, const struct protocol_message *cause, u32 state,
		      s16 acks, struct protocol_out *out)
{
	struct protocol_message *m = emit(out, PE_DATA, cause, cause->from);

	m->state = (u8)state;
	m->acks = acks;
	memcpy(m->words, h->words, sizeof(m->words));
}

static void gets(enum protocol_kind kind, struct protocol_home *h, const struct protocol_message *m,
		 struct protocol_out *out)
{
	const struct protocol_step *step =
		protocol_step_of(kind, PS_I, h->holders ? PS_S : PS_I, PR_READ);
	u64 self = 1ull << m->from;

	if (h->owner >= 0) {
		emit(out, PE_FWD_GETS, m, (u32)h->owner);
		h->wait_unblock = h->wait_owner = true;
	} else {
		send_data(h, m, step->requester, 0, out);
		h->wait_unblock = step->requester != PS_S;
		h->owner = step->requester == PS_S ? -1 : (s16)m->from;
	}
	h->holders |= self;
}

/* Tell `cpus` to give the line up and to acknowledge to the requester. */
static void invalidate(u64 cpus, const struct protocol_message *m, u32 requester,
		       struct protocol_out *out)
{
	for (; cpus; cpus &= cpus - 1)
		emit(out, PE_INV, m, (u32)__builtin_ctzll(cpus))->requester = (u8)requester;
}

static void getm(struct protocol_home *h, const struct protocol_message *m, struct protocol_out *out)
{
	u64 self = 1ull << m->from, others = h->holders & ~self;
	s16 acks = (s16)__builtin_popcountll(others);

	if (h->holders & self) {
		emit(out, PE_GRANT, m, m->from)->acks = acks;
	} else if (h->owner >= 0) {
		others &= ~(1ull << h->owner);
		emit(out, PE_FWD_GETM, m, (u32)h->owner)->acks = (s16)(acks - 1);
		h->wait_owner = true;
	} else {
		send_data(h, m, PS_M, acks, out);
	}
	invalidate(others, m, m->from, out);
	h->wait_unblock = true;
	h->holders = self;
	h->owner = (s16)m->from;
}

static void put(struct protocol_home *h, const struct protocol_message *m, struct protocol_out *out)
{
	if (h->owner == (s16)m->from) {
		take_data(h, m);
		h->owner = -1;
	}
	h->holders &= ~(1ull << m->from);
	emit(out, PE_PUT_ACK, m, m->from);
}

static void leave_llc(struct protocol_home *h)
{
	if (h->dirty)
		memcpy(h->memory, h->words, sizeof(h->memory));
	h->present = h->dirty = h->recalling = false;
	h->holders = 0;
	h->owner = -1;
}

static bool recall_ack(struct protocol_home *h, const struct protocol_message *m)
{
	if (!h->recalling || h->recall_acks <= 0)
		return false;
	take_data(h, m);
	if (!--h->recall_acks)
		leave_llc(h);
	return true;
}

bool protocol_home_event(enum protocol_kind kind, struct protocol_home *h,
			 const struct protocol_message *m, struct protocol_out *out)
{
	switch (m->event) {
	case PE_GETS:
		gets(kind, h, m, out);
		return true;
	case PE_GETM:
		getm(h, m, out);
		return true;
	case PE_PUT:
		put(h, m, out);
		return true;
	case PE_INV_ACK:
		return recall_ack(h, m);
	case PE_OWNER_ACK:
		if (!h->wait_owner)
			return false;
		take_data(h, m);
		if (h->owner == (s16)m->from && !protocol_owns(m->state))
			h->owner = -1;
		h->wait_owner = false;
		return true;
	case PE_UNBLOCK:
		if (!h->wait_unblock)
			return false;
		if (protocol_owns(m->state))
			h->owner = (s16)m->from;
		h->wait_unblock = false;
		return true;
	default:
		return false;
	}
}

void protocol_home_fill(struct protocol_home *h)
{
	memcpy(h->words, h->memory, sizeof(h->words));
	h->present = true;
	h->dirty = false;
	h->owner = -1;
	h->holders = 0;
}

void protocol_home_recall(struct protocol_home *h, u32 line, struct protocol_out *out)
{
	struct protocol_message cause = { .from = PROTOCOL_HOME, .line = line };

	h->recall_acks = (s16)__builtin_popcountll(h->holders);
	h->recalling = true;
	invalidate(h->holders, &cause, PROTOCOL_HOME, out);
	if (!h->recall_acks)
		leave_llc(h);
}
