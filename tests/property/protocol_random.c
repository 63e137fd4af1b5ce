/*
 * protocol_random.c - random accesses by many CPUs to few lines, by messages.
 *
 * Every transaction is followed by the invariants of its line, every 10^4 by
 * those of all lines. KMS_SOAK=1: 10^8 transactions altogether. Half the runs
 * have as many operations under way as there are CPUs and lines, so that every
 * home always has requests waiting and lines wait for room in the LLC: nobody
 * may wait for ever. At the end every transition of the caches' table, and so every
 * race, has been taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "models/hw/protocol_system.h"

static u64 total, stale, recalls;
static u64 taken[PROTOCOL_L1_STATES][PROTOCOL_L1_EVENTS];

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

static void begin_some(struct protocol_system *s, u64 *random)
{
	for (u32 n = s->config.cpus / 8 + 1; n--;) {
		u32 cpu = (u32)(next_random(random) % s->config.cpus);
		u32 line = (u32)(next_random(random) % s->config.lines);
		u64 dice = next_random(random) % 100;

		protocol_system_begin(s, cpu, line,
				      dice < 45 ? PE_LOAD : dice < 80 ? PE_STORE : PE_EVICT,
				      (u32)(next_random(random) % PROTOCOL_WORDS));
	}
}

static void one_run(const struct protocol_system_config *config, u64 transactions)
{
	struct kms_error err = { 0 };
	struct protocol_system *s;
	u64 random = config->seed * 977 + 5, next_full = 10000;

	assert_int_equal(protocol_system_new(&s, config, &err), 0);
	while (s->transactions < transactions && !s->error.code) {
		begin_some(s, &random);
		protocol_system_tick(s);
		if (s->transactions >= next_full) {
			protocol_system_check_all(s);
			next_full += 10000;
		}
	}
	if (!s->error.code && !protocol_system_drain(s))
		protocol_system_check_all(s);
	if (s->error.code)
		fail_msg("%s", s->error.text);
	assert_true(s->loads && s->stores);
	total += s->transactions;
	stale += s->stale_loads;
	recalls += s->recalls;
	for (u32 state = 0; state < PROTOCOL_L1_STATES; state++) {
		for (u32 event = 0; event < PROTOCOL_L1_EVENTS; event++)
			taken[state][event] += s->transitions[state][event];
	}
	protocol_system_free(s);
}

/* Transactions of all runs together; under a sanitizer fewer, but enough to take every transition. */
static u64 wanted(void)
{
#ifdef __SANITIZE_ADDRESS__
	return getenv("KMS_SOAK") ? 10000000 : 250000;
#else
	return getenv("KMS_SOAK") ? 100000000 : 350000;
#endif
}

static void random_runs(enum protocol_kind kind)
{
	static const u32 cpus[] = { 2, 8, 16, 33, 64 };
	u64 each = wanted() / 44;

	for (u32 i = 0; i < KMS_ARRAY_SIZE(cpus); i++) {
		for (u32 shape = 0; shape < 3; shape++) {
			struct protocol_system_config config = {
				.kind = kind, .cpus = cpus[i], .lines = 2 + 3 * shape,
				.mshrs = (i + shape) % 2 ? 2 : 0, .llc_lines = shape ? 1 + 3 * (shape - 1) : 0,
				.net = { .kind = (enum interconnect_kind)shape, .stops = cpus[i],
					 .nodes = cpus[i] % 2 ? 1 : 2, .hop = 2, .inject = 1,
					 .node_link = 20, .ps_per_flit = shape == 1 },
				.jitter = shape == 2 ? 100 : 12, .seed = i * 3 + shape + 1,
			};

			one_run(&config, each);
		}
	}
}

static void random_mesi(void **state)
{
	random_runs(PROTOCOL_MESI);
}

static void random_mesif(void **state)
{
	random_runs(PROTOCOL_MESIF);
}

static void random_moesi(void **state)
{
	random_runs(PROTOCOL_MOESI);
	printf("%llu transactions, %llu loads older than an invalidation, %llu recalls\n",
	       (unsigned long long)total, (unsigned long long)stale, (unsigned long long)recalls);
	assert_true(total >= wanted());
}

/* MSHR states refuse a second operation before it reaches the table: rows WAIT need not be taken. */
static void every_transition_taken(void **state)
{
	u32 missing = 0;

	for (u32 from = 0; from < PROTOCOL_L1_STATES; from++) {
		for (u32 event = 0; event < PROTOCOL_L1_EVENTS; event++) {
			bool waits = from >= PROTOCOL_STATES && event <= PE_EVICT;

			if (!protocol_l1_possible(from, event) || waits || taken[from][event])
				continue;
			print_message("never taken: %s, event %u\n", protocol_l1_name(from), event);
			missing++;
		}
	}
	assert_int_equal(missing, 0);
	assert_true(stale && recalls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_mesi), cmocka_unit_test(random_mesif),
		cmocka_unit_test(random_moesi), cmocka_unit_test(every_transition_taken),
	};

	return cmocka_run_group_tests_name("protocol_random", tests, NULL, NULL);
}
