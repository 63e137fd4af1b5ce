/*
 * hw_protocol.c - the protocols: every transition and every short sequence of
 * MESI through the messages, and what MESIF and MOESI do differently.
 *
 * tests/hw/mesi_transitions.csv: the closure from III, 126 transitions.
 * tests/hw/mesi_vectors.csv: all 729 sequences of three accesses to one line,
 * with states, bus events, the value read (rN: written in step N) and memory (mN).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/hw/protocol_system.h"
#include "tests/unit/hw_support.h"

struct bench {
	struct protocol_system *s;
	u32 read; /* what the last load returned */
};

static void note(void *arg, u32 cpu, u32 line, const struct protocol_operation *op)
{
	((struct bench *)arg)->read = op->value;
}

static void open_bench(struct bench *b, enum protocol_kind kind)
{
	struct protocol_system_config config = {
		.kind = kind, .cpus = 3, .lines = 1, .jitter = 7, .seed = 3,
		.net = { .kind = INTERCONNECT_RING, .stops = 3, .hop = 1 },
	};
	struct kms_error err = { 0 };

	assert_int_equal(protocol_system_new(&b->s, &config, &err), 0);
	b->s->finished = note;
	b->s->arg = b;
}

static void states_of(struct bench *b, char text[4])
{
	for (u32 cpu = 0; cpu < 3; cpu++)
		text[cpu] = protocol_letter(protocol_system_l1(b->s, cpu, 0)->state);
	text[3] = 0;
}

/* One whole access. events: in the words of the tables. */
static void step(struct bench *b, u32 cpu, char op, char *events, size_t n)
{
	struct protocol_system *s = b->s;
	bool had = protocol_system_l1(s, cpu, 0)->state != PS_I;
	u64 sent[PROTOCOL_EVENTS], data[PROTOCOL_EVENTS], inv;
	size_t used = 0;

	memcpy(sent, s->sent, sizeof(sent));
	memcpy(data, s->sent_data, sizeof(data));
	assert_true(protocol_system_begin(s, cpu, 0, op == 'R' ? PE_LOAD : op == 'W' ? PE_STORE : PE_EVICT,
					  0));
	protocol_system_drain(s);
	protocol_system_check_all(s);
	if (s->error.code)
		fail_msg("%s", s->error.text);
	inv = s->sent[PE_INV] - sent[PE_INV] + s->sent[PE_FWD_GETM] - sent[PE_FWD_GETM];
	*events = 0;
#define ADD(...) (used += (size_t)snprintf(events + used, n - used, __VA_ARGS__))
	if (s->sent[PE_GETS] != sent[PE_GETS])
		ADD("BusRd");
	if (s->sent[PE_GETM] != sent[PE_GETM])
		ADD(had ? "BusUpgr" : "BusRdX");
	if (s->sent_data[PE_OWNER_ACK] != data[PE_OWNER_ACK])
		ADD("+Flush");
	if (inv)
		ADD("+Inv%d", (int)inv);
	if (s->sent[PE_PUT] != sent[PE_PUT])
		ADD(s->sent_data[PE_PUT] != data[PE_PUT] ? "WB" : "Drop");
	if (!used)
		ADD("-");
}

static void reach(struct bench *b, const char *states)
{
	char events[64], now[4];
	u32 last = 0, sharers = 0;

	for (u32 cpu = 0; cpu < 3; cpu++) {
		if (states[cpu] != 'I')
			step(b, cpu, states[cpu] == 'M' ? 'W' : 'R', events, sizeof(events));
		if (states[cpu] == 'S')
			sharers++, last = cpu;
	}
	if (sharers == 1) {
		step(b, (last + 1) % 3, 'R', events, sizeof(events));
		step(b, (last + 1) % 3, 'X', events, sizeof(events));
	}
	states_of(b, now);
	assert_string_equal(now, states);
}

static FILE *open_table(const char *name)
{
	char line[256];
	FILE *f = fopen(name, "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	return f;
}

static void every_transition(void **state)
{
	FILE *f = open_table("tests/hw/mesi_transitions.csv");
	char from[4], op, to[4], wanted[64], events[64], now[4];
	u32 cpu, n = 0;

	for (; fscanf(f, " %3[^,],%u,%c,%3[^,],%63[^\r\n]", from, &cpu, &op, to, wanted) == 5; n++) {
		struct bench b;

		open_bench(&b, PROTOCOL_MESI);
		reach(&b, from);
		step(&b, cpu, op, events, sizeof(events));
		states_of(&b, now);
		assert_string_equal(now, to);
		assert_string_equal(events, wanted);
		protocol_system_free(b.s);
	}
	fclose(f);
	assert_int_equal(n, 126);
}

/* One cell of a vector: states/events/rN/mN or states/events/mN. */
static void check_cell(struct bench *b, u32 number, const char *op, u32 *writer, const char *wanted)
{
	char events[64], now[4], found[96], read[16] = "";
	const struct protocol_home *h = &b->s->homes[0];

	step(b, (u32)(op[0] - '0'), op[1], events, sizeof(events));
	if (op[1] == 'W')
		writer[b->s->latest[0][0]] = number;
	if (op[1] == 'R')
		snprintf(read, sizeof(read), "/r%u", writer[b->read]);
	states_of(b, now);
	snprintf(found, sizeof(found), "%s/%s%s/m%u", now, events, read, writer[h->words[0]]);
	assert_string_equal(found, wanted);
}

static void every_vector(void **state)
{
	FILE *f = open_table("tests/hw/mesi_vectors.csv");
	char op[3][3], wanted[3][64];
	u32 n = 0;

	for (; fscanf(f, " %2s %2s %2[^,],%63[^,],%63[^,],%63[^\r\n]", op[0], op[1], op[2], wanted[0],
		      wanted[1], wanted[2]) == 6; n++) {
		u32 writer[8] = { 0 };
		struct bench b;

		open_bench(&b, PROTOCOL_MESI);
		for (u32 i = 0; i < 3; i++)
			check_cell(&b, i + 1, op[i], writer, wanted[i]);
		protocol_system_free(b.s);
	}
	fclose(f);
	assert_int_equal(n, 729);
}

/* Steps "0W 1R ...", each with the states and events expected after it. */
static void by_hand(enum protocol_kind kind, const char *const (*steps)[3], u32 n)
{
	char events[64], now[4];
	struct bench b;

	open_bench(&b, kind);
	for (u32 i = 0; i < n; i++) {
		step(&b, (u32)(steps[i][0][0] - '0'), steps[i][0][1], events, sizeof(events));
		states_of(&b, now);
		assert_string_equal(now, steps[i][1]);
		assert_string_equal(events, steps[i][2]);
	}
	protocol_system_free(b.s);
}

/* The last reader forwards; a modified line that is read goes to memory. */
static void mesif_by_hand(void **state)
{
	static const char *const steps[][3] = {
		{ "0R", "EII", "BusRd" }, { "1R", "SFI", "BusRd" }, { "2R", "SSF", "BusRd" },
		{ "2X", "SSI", "Drop" }, { "2R", "SSF", "BusRd" }, { "2W", "IIM", "BusUpgr+Inv2" },
		{ "0R", "FIS", "BusRd+Flush" }, { "2W", "IIM", "BusUpgr+Inv1" },
		{ "1W", "IMI", "BusRdX+Flush+Inv1" }, { "1X", "III", "WB" },
	};

	by_hand(PROTOCOL_MESIF, steps, KMS_ARRAY_SIZE(steps));
}

/* A modified line that is read stays with its owner; memory hears of it when it leaves. */
static void moesi_by_hand(void **state)
{
	static const char *const steps[][3] = {
		{ "0W", "MII", "BusRdX" }, { "1R", "OSI", "BusRd" }, { "2R", "OSS", "BusRd" },
		{ "0X", "ISS", "WB" }, { "1W", "IMI", "BusUpgr+Inv1" }, { "0R", "SOI", "BusRd" },
		{ "0W", "MII", "BusUpgr+Inv1" }, { "1R", "OSI", "BusRd" },
		{ "0W", "MII", "BusUpgr+Inv1" }, { "1R", "OSI", "BusRd" },
		{ "2W", "IIM", "BusRdX+Inv2" }, { "2X", "III", "WB" }, { "0R", "EII", "BusRd" },
		{ "1R", "SSI", "BusRd" },
	};

	by_hand(PROTOCOL_MOESI, steps, KMS_ARRAY_SIZE(steps));
}

/* Every step of the tables leaves a pair of states that the protocol allows. */
static void tables_are_closed(void **state)
{
	for (u32 kind = 0; kind < PROTOCOL_KINDS; kind++) {
		for (u32 i = 0; i < PROTOCOL_STATES * PROTOCOL_STATES * PROTOCOL_REQUESTS; i++) {
			u32 own = i / 18, other = i / 3 % 6, request = i % 3;
			const struct protocol_step *s = protocol_step_of(kind, own, other, request);

			if (!s->valid || request == PR_EVICT)
				continue;
			assert_true(protocol_step_of(kind, s->requester, other == PS_I ? PS_I : s->owner,
						     PR_READ)->valid);
			assert_false(protocol_writable(s->requester) && s->owner != PS_I);
			assert_true(request == PR_READ || s->requester == PS_M);
		}
	}
}

/* ---- interconnect ---- */

static void hops_by_hand(void **state)
{
	struct interconnect_shape shape = { .kind = INTERCONNECT_RING, .stops = 8, .hop = 3, .inject = 1 };
	struct interconnect net;

	assert_int_equal(interconnect_init(&net, &shape, NULL), 0);
	assert_int_equal(interconnect_hops(&net, 0, 7), 1);
	assert_int_equal(interconnect_hops(&net, 1, 5), 4);
	assert_int_equal(interconnect_send(&net, 6, 1, 8, 100), 100 + 1 + 3 * 3);
	shape = (struct interconnect_shape){ .kind = INTERCONNECT_MESH, .stops = 11, .hop = 1 };
	assert_int_equal(interconnect_init(&net, &shape, NULL), 0);
	assert_int_equal(interconnect_hops(&net, 0, 10), 2 + 2);
	assert_int_equal(interconnect_hops(&net, 10, 3), 1 + 2);
	assert_int_equal(interconnect_hops(&net, 8, 3), 3 + 2);
	shape = (struct interconnect_shape){ .kind = INTERCONNECT_NODES, .stops = 8, .nodes = 2,
					     .hop = 2, .node_link = 50 };
	assert_int_equal(interconnect_init(&net, &shape, NULL), 0);
	assert_int_equal(interconnect_send(&net, 0, 3, 8, 0), 2);
	assert_int_equal(interconnect_send(&net, 0, 4, 8, 0), 50);
	assert_int_equal(interconnect_send(&net, 5, 5, 8, 7), 7);
	shape.nodes = 3;
	assert_int_equal(interconnect_init(&net, &shape, NULL), KMS_EUSAGE);
}

/* Two messages over one link: the second waits until the first has left it. */
static void links_are_shared(void **state)
{
	struct interconnect_shape shape = { .kind = INTERCONNECT_RING, .stops = 4, .hop = 5,
					    .ps_per_flit = 2 };
	struct interconnect net;

	assert_int_equal(interconnect_init(&net, &shape, NULL), 0);
	assert_int_equal(interconnect_send(&net, 0, 1, 72, 0), 5);
	assert_int_equal(interconnect_send(&net, 0, 1, 8, 0), 5 * 2 + 5);
	assert_int_equal(interconnect_send(&net, 1, 0, 8, 0), 5);
	interconnect_exit(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_transition), cmocka_unit_test(every_vector),
		cmocka_unit_test(mesif_by_hand),    cmocka_unit_test(moesi_by_hand),
		cmocka_unit_test(tables_are_closed), cmocka_unit_test(hops_by_hand),
		cmocka_unit_test(links_are_shared),
	};

	return cmocka_run_group_tests_name("hw_protocol", tests, NULL, NULL);
}
