/*
 * protocol_states.c - every reachable state of three CPUs, one line, two values.
 *
 * Breadth-first over the message protocols: any message under way may be the
 * next to arrive, any CPU may begin any access, the home may take the line back
 * at any time. A write turns the value over. In every state: one writer and
 * nobody beside it, readable copies are the last write, no event without a
 * transition, and something can go on. States that differ only in the names of
 * the CPUs count once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/hw/protocol_message.h"

enum { CPUS = 3, MESSAGES = 12, TABLE = 1 << 22 };

struct msg {
	u8 event, from, to, requester, state, has_data, value;
	s8 acks;
};

struct state {
	struct { u8 state, value; s8 acks; } l1[CPUS];
	u8 present, dirty, busy, holders, value, memory, latest, nr;
	s8 owner, recall_acks;
	struct msg m[MESSAGES];
};

static struct state *queue;
static u32 *table, nr_states;
static enum protocol_kind kind;

static u8 rename_cpu(u8 cpu, const u8 *to)
{
	return cpu < CPUS ? to[cpu] : cpu;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct msg));
}

static void permute(const struct state *s, const u8 *to, struct state *out)
{
	*out = *s;
	out->holders = 0;
	for (u8 cpu = 0; cpu < CPUS; cpu++) {
		out->l1[to[cpu]] = s->l1[cpu];
		out->holders |= (u8)((s->holders >> cpu & 1) << to[cpu]);
	}
	out->owner = s->owner < 0 ? -1 : (s8)to[s->owner];
	for (u32 i = 0; i < s->nr; i++) {
		out->m[i].from = rename_cpu(s->m[i].from, to);
		out->m[i].to = rename_cpu(s->m[i].to, to);
		out->m[i].requester = rename_cpu(s->m[i].requester, to);
	}
	qsort(out->m, s->nr, sizeof(out->m[0]), compare);
}

static void canonical(struct state *s)
{
	static const u8 orders[6][CPUS] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					    { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct state best, other;

	memset(s->m + s->nr, 0, (MESSAGES - s->nr) * sizeof(s->m[0]));
	permute(s, orders[0], &best);
	for (u32 i = 1; i < 6; i++) {
		permute(s, orders[i], &other);
		if (memcmp(&other, &best, sizeof(best)) < 0)
			best = other;
	}
	*s = best;
}

static void add(struct state *s)
{
	u64 hash = 1469598103934665603ull;

	canonical(s);
	for (size_t i = 0; i < sizeof(*s); i++)
		hash = (hash ^ ((u8 *)s)[i]) * 1099511628211ull;
	for (u64 at = (hash ^ hash >> 29) & (TABLE - 1);; at = (at + 1) & (TABLE - 1)) {
		if (!table[at]) {
			assert_true(nr_states < TABLE / 2);
			queue[nr_states] = *s;
			table[at] = ++nr_states;
			return;
		}
		if (!memcmp(&queue[table[at] - 1], s, sizeof(*s)))
			return;
	}
}

/* ---- between the packed state and the controllers ---- */

static void collect(struct state *s, const struct protocol_out *out)
{
	for (u32 i = 0; i < out->n; i++) {
		const struct protocol_message *m = &out->messages[i];

		assert_true(s->nr < MESSAGES);
		s->m[s->nr++] = (struct msg){ m->event, m->from, m->to, m->requester, m->state,
					      m->has_data, (u8)m->words[0], (s8)m->acks };
	}
}

static struct protocol_message unpack(const struct msg *m)
{
	return (struct protocol_message){ .event = m->event, .from = m->from, .to = m->to,
					  .requester = m->requester, .state = m->state,
					  .has_data = m->has_data, .acks = m->acks,
					  .words = { m->value } };
}

static bool cache_event(struct state *s, u32 cpu, u32 event, const struct protocol_message *m)
{
	struct protocol_l1 l1 = { s->l1[cpu].state, s->l1[cpu].acks, { s->l1[cpu].value } };
	struct protocol_out out;
	enum protocol_done done;

	out.n = 0;
	done = protocol_l1_event(kind, &l1, cpu, event, m, &out);
	if (done == PROTOCOL_IMPOSSIBLE)
		fail_msg("%s: no transition from %s for event %u", protocol_names[kind],
			 protocol_l1_name(s->l1[cpu].state), event);
	if (done == PROTOCOL_WAIT)
		return false;
	if (done == PROTOCOL_LOADED || done == PROTOCOL_STORED)
		assert_int_equal(l1.words[0], s->latest);
	if (done == PROTOCOL_STORED)
		l1.words[0] = s->latest ^= 1;
	if (l1.state == PS_I)
		l1.words[0] = 0;
	s->l1[cpu].state = l1.state;
	s->l1[cpu].acks = (s8)l1.acks;
	s->l1[cpu].value = (u8)l1.words[0];
	collect(s, &out);
	return true;
}

static struct protocol_home home_of(const struct state *s)
{
	return (struct protocol_home){ .present = s->present, .dirty = s->dirty,
		.wait_unblock = s->busy & 1, .wait_owner = s->busy & 2, .recalling = s->busy & 4,
		.owner = s->owner, .recall_acks = s->recall_acks, .holders = s->holders,
		.words = { s->value }, .memory = { s->memory } };
}

static void put_home(struct state *s, const struct protocol_home *h)
{
	s->present = h->present;
	s->dirty = h->dirty;
	s->busy = (u8)(h->wait_unblock | h->wait_owner << 1 | h->recalling << 2);
	s->owner = (s8)h->owner;
	s->recall_acks = (s8)h->recall_acks;
	s->holders = (u8)h->holders;
	s->value = (u8)h->words[0];
	s->memory = (u8)h->memory[0];
}

/* Whether the home takes the message in this state. */
static bool home_event(struct state *s, const struct protocol_message *m)
{
	struct protocol_home h = home_of(s);
	struct protocol_out out;

	if (protocol_is_request(m->event) && protocol_home_busy(&h))
		return false;
	if (!h.present && (m->event == PE_GETS || m->event == PE_GETM))
		protocol_home_fill(&h);
	out.n = 0;
	if (!protocol_home_event(kind, &h, m, &out))
		fail_msg("%s: the home got event %u unasked", protocol_names[kind], m->event);
	put_home(s, &h);
	collect(s, &out);
	return true;
}

static void recall(const struct state *from)
{
	struct state s = *from;
	struct protocol_home h = home_of(&s);
	struct protocol_out out;

	if (!h.present || protocol_home_busy(&h))
		return;
	out.n = 0;
	protocol_home_recall(&h, 0, &out);
	put_home(&s, &h);
	collect(&s, &out);
	add(&s);
}

static void check(const struct state *s)
{
	u32 readers = 0, writers = 0, transient = 0;

	for (u32 cpu = 0; cpu < CPUS; cpu++) {
		u32 state = s->l1[cpu].state;

		transient += state >= PROTOCOL_STATES;
		if (state == PS_I || state >= PROTOCOL_STATES)
			continue;
		readers++;
		writers += protocol_writable(state);
		assert_int_equal(s->l1[cpu].value, s->latest);
	}
	assert_true(!writers || readers == 1);
	if (s->nr)
		return;
	assert_int_equal(transient, 0);
	assert_int_equal(s->busy, 0);
	assert_int_equal(readers, __builtin_popcount(s->holders));
	if (s->owner < 0)
		assert_int_equal(s->present ? s->value : s->memory, s->latest);
}

static void successors(const struct state *from)
{
	const u8 accesses[] = { PE_LOAD, PE_STORE, PE_EVICT };
	struct protocol_message m = { 0 };
	u32 taken = 0;
	struct state s;

	for (u32 i = 0; i < from->nr; i++) {
		m = unpack(&from->m[i]);
		s = *from;
		s.m[i] = s.m[--s.nr];
		if (m.to == PROTOCOL_HOME ? !home_event(&s, &m) : !cache_event(&s, m.to, m.event, &m))
			continue;
		taken++;
		add(&s);
	}
	assert_true(taken || !from->nr);
	memset(&m, 0, sizeof(m));
	for (u32 cpu = 0; cpu < CPUS; cpu++) {
		for (u32 i = 0; i < 3; i++) {
			s = *from;
			if (cache_event(&s, cpu, accesses[i], &m))
				add(&s);
		}
	}
	recall(from);
}

static void explore(enum protocol_kind which)
{
	struct state first;

	kind = which;
	nr_states = 0;
	table = calloc(TABLE, sizeof(*table));
	queue = malloc(sizeof(*queue) * (TABLE / 2));
	memset(&first, 0, sizeof(first));
	first.owner = -1;
	add(&first);
	for (u32 i = 0; i < nr_states; i++) {
		struct state s = queue[i];

		check(&s);
		successors(&s);
	}
	print_message("%s: %u states\n", protocol_names[which], nr_states);
	assert_true(nr_states > 1000);
	free(table);
	free(queue);
}

static void mesi(void **state)
{
	explore(PROTOCOL_MESI);
}

static void mesif(void **state)
{
	explore(PROTOCOL_MESIF);
}

static void moesi(void **state)
{
	explore(PROTOCOL_MOESI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mesi), cmocka_unit_test(mesif), cmocka_unit_test(moesi),
	};

	return cmocka_run_group_tests_name("protocol_states", tests, NULL, NULL);
}
