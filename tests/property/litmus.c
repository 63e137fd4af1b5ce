/*
 * litmus.c - litmus tests under TSO: CPUs with store buffers over the messages
 * of each protocol. Of the outcomes named here only that of SB (store
 * buffering) may be seen, and it must be seen.
 *
 * A CPU takes its program in order. A store goes into a first-in first-out
 * buffer and on; a load waits for its value, which an own buffered store to the
 * same location supplies. Each location is a line; a value is the number of
 * writes to its location, so that a load says which store it saw.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/hw/protocol_system.h"

enum { CPUS = 4, OPS = 3, X = 0, Y = 1, LOCATIONS = 2 };

struct op {
	char kind; /* 'R', 'W' or 0 */
	u32 at;
};

/* value[cpu][op]: what the load saw or the store wrote, from 1; 0 is the initial value. */
typedef u32 values[CPUS][OPS];

struct litmus {
	const char *name;
	bool allowed;
	struct op program[CPUS][OPS];
	bool (*seen)(values v);
};

static bool mp(values v) { return v[1][0] == v[0][1] && v[1][1] == 0; }
static bool sb(values v) { return v[0][1] == 0 && v[1][1] == 0; }
static bool lb(values v) { return v[0][0] == v[1][1] && v[1][0] == v[0][1]; }
static bool iriw(values v)
{
	return v[2][0] == 1 && v[2][1] == 0 && v[3][0] == 1 && v[3][1] == 0;
}
static bool two_two_w(values v) { return v[0][0] > v[1][1] && v[1][0] > v[0][1]; }
static bool wrc(values v) { return v[1][0] == 1 && v[2][0] == 1 && v[2][1] == 0; }
static bool corr(values v) { return v[1][1] < v[1][0]; }
static bool coww(values v) { return v[0][1] < v[0][0]; }
static bool corw(values v) { return v[0][0] >= v[0][1]; }
static bool cowr(values v) { return v[0][1] < v[0][0]; }

static const struct litmus tests[] = {
	{ "SB", true, { { { 'W', X }, { 'R', Y } }, { { 'W', Y }, { 'R', X } } }, sb },
	{ "MP", false, { { { 'W', X }, { 'W', Y } }, { { 'R', Y }, { 'R', X } } }, mp },
	{ "LB", false, { { { 'R', X }, { 'W', Y } }, { { 'R', Y }, { 'W', X } } }, lb },
	{ "IRIW", false, { { { 'W', X } }, { { 'W', Y } }, { { 'R', X }, { 'R', Y } },
			   { { 'R', Y }, { 'R', X } } }, iriw },
	{ "2+2W", false, { { { 'W', X }, { 'W', Y } }, { { 'W', Y }, { 'W', X } } }, two_two_w },
	{ "WRC", false, { { { 'W', X } }, { { 'R', X }, { 'W', Y } }, { { 'R', Y }, { 'R', X } } }, wrc },
	{ "CoRR", false, { { { 'W', X } }, { { 'R', X }, { 'R', X } } }, corr },
	{ "CoWW", false, { { { 'W', X }, { 'W', X } }, { { 'R', X } } }, coww },
	{ "CoRW", false, { { { 'R', X }, { 'W', X } }, { { 'W', X } } }, corw },
	{ "CoWR", false, { { { 'W', X }, { 'R', X } }, { { 'W', X } } }, cowr },
};

struct cpu {
	u32 next;		/* op of the program */
	bool loading, draining; /* an operation of the coherence is under way */
	u32 buffer[OPS], first, last; /* ops whose store is buffered */
	u64 start;
};

struct run {
	struct protocol_system *s;
	const struct litmus *test;
	struct cpu cpus[CPUS];
	u32 base[LOCATIONS];
	values values;
	bool running, in_order; /* in_order: no store buffer, to see that the test can tell */
	u64 random;
};

static u32 dice(struct run *r, u32 n)
{
	r->random = r->random * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(r->random >> 33) % n;
}

static void finished(void *arg, u32 cpu, u32 line, const struct protocol_operation *op)
{
	struct run *r = arg;
	struct cpu *c = &r->cpus[cpu];

	if (!r->running || op->event == PE_EVICT)
		return;
	if (op->event == PE_LOAD) {
		r->values[cpu][c->next++] = op->value - r->base[line];
		c->loading = false;
	} else {
		r->values[cpu][c->buffer[c->first++]] = op->value - r->base[line];
		c->draining = false;
	}
}

static void drain_buffer(struct run *r, u32 cpu)
{
	struct cpu *c = &r->cpus[cpu];

	if (c->draining || c->first == c->last || (!r->in_order && dice(r, 4)))
		return;
	c->draining = true;
	if (!protocol_system_begin(r->s, cpu, r->test->program[cpu][c->buffer[c->first]].at, PE_STORE, 0))
		c->draining = false;
}

/* The newest buffered store to the same location, or -1. */
static int forwarded(const struct run *r, u32 cpu, u32 at)
{
	const struct cpu *c = &r->cpus[cpu];
	int found = -1;

	for (u32 i = c->first; i < c->last; i++)
		found = r->test->program[cpu][c->buffer[i]].at == at ? (int)c->buffer[i] : found;
	return found;
}

static void next_op(struct run *r, u32 cpu)
{
	struct cpu *c = &r->cpus[cpu];
	const struct op *op = &r->test->program[cpu][c->next];

	if (c->next == OPS || !op->kind || c->loading || r->s->now < c->start)
		return;
	if (op->kind == 'W') {
		c->buffer[c->last++] = c->next++;
		return;
	}
	if (r->in_order && c->first != c->last)
		return;
	if (forwarded(r, cpu, op->at) >= 0) {
		r->values[cpu][c->next++] = ~0u; /* its own store: settled when that has its number */
		return;
	}
	c->loading = true;
	if (!protocol_system_begin(r->s, cpu, op->at, PE_LOAD, 0))
		c->loading = false;
}

static bool done(const struct run *r)
{
	for (u32 cpu = 0; cpu < CPUS; cpu++) {
		const struct cpu *c = &r->cpus[cpu];

		if (c->first != c->last || c->loading || (c->next < OPS && r->test->program[cpu][c->next].kind))
			return false;
	}
	return true;
}

/* Some copies in some caches beforehand, and different starting times. */
static void prepare(struct run *r)
{
	r->running = false;
	for (u32 n = dice(r, 8); n--;)
		protocol_system_begin(r->s, dice(r, CPUS), dice(r, LOCATIONS), dice(r, 3) ? PE_LOAD : PE_EVICT, 0);
	assert_int_equal(protocol_system_drain(r->s), 0);
	memset(r->cpus, 0, sizeof(r->cpus));
	memset(r->values, 0, sizeof(r->values));
	for (u32 i = 0; i < LOCATIONS; i++)
		r->base[i] = r->s->latest[i][0];
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		r->cpus[cpu].start = r->s->now + dice(r, 60);
	r->running = true;
}

static bool once(struct run *r)
{
	prepare(r);
	while (!done(r)) {
		for (u32 cpu = 0; cpu < CPUS; cpu++) {
			drain_buffer(r, cpu);
			next_op(r, cpu);
		}
		if (!dice(r, 8))
			protocol_system_begin(r->s, dice(r, CPUS), dice(r, LOCATIONS), PE_EVICT, 0);
		assert_int_equal(protocol_system_tick(r->s), 0);
	}
	return r->test->seen(r->values);
}

static u64 count_seen(const struct litmus *test, enum protocol_kind kind, bool in_order)
{
	struct protocol_system_config config = {
		.kind = kind, .cpus = CPUS, .lines = LOCATIONS, .jitter = 40, .seed = 11,
		.net = { .kind = INTERCONNECT_MESH, .stops = CPUS, .hop = 2, .inject = 1 },
	};
	u64 seen = 0, times = getenv("KMS_SOAK") ? 100000 : 3000;
	struct run r = { .test = test, .in_order = in_order, .random = kind + 1 };

	assert_int_equal(protocol_system_new(&r.s, &config, NULL), 0);
	r.s->finished = finished;
	r.s->arg = &r;
	while (times--)
		seen += once(&r);
	protocol_system_free(r.s);
	return seen;
}

static void only_store_buffering(void **state)
{
	for (u32 kind = 0; kind < PROTOCOL_KINDS; kind++) {
		for (u32 i = 0; i < KMS_ARRAY_SIZE(tests); i++) {
			u64 seen = count_seen(&tests[i], kind, false);

			print_message("%-6s %-5s %llu\n", protocol_names[kind], tests[i].name,
				      (unsigned long long)seen);
			assert_int_equal(seen != 0, tests[i].allowed);
		}
	}
}

/* Without store buffers the machine is sequentially consistent: SB is not seen either. */
static void none_without_store_buffer(void **state)
{
	assert_int_equal(count_seen(&tests[0], PROTOCOL_MESI, true), 0);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(only_store_buffering), cmocka_unit_test(none_without_store_buffer),
	};

	return cmocka_run_group_tests_name("litmus", all, NULL, NULL);
}
