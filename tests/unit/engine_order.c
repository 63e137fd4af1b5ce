/*
 * engine_order.c - the two data structures behind the order of time, against
 * plain searches: the tournament of CPU clocks and the heap of events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/engine/event_heap.h"
#include "sim/engine/tournament.h"

static u64 next_random(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static u32 slow_winner(const u64 *keys, u32 n)
{
	u32 best = 0;

	for (u32 i = 1; i < n; i++)
		if (keys[i] < keys[best])
			best = i;
	return best;
}

/* First clock at which the winner, everybody else staying, would lose. */
static u64 slow_horizon(const u64 *keys, u32 n, u32 winner)
{
	u64 horizon = TOURNAMENT_NEVER;

	for (u32 i = 0; i < n; i++) {
		u64 key = keys[i] + (winner < i);

		if (i != winner && key < horizon)
			horizon = key;
	}
	return horizon;
}

static void check_tournament(u32 n)
{
	static struct tournament t;
	u64 keys[SIM_MAX_CPUS], x = 88172645463325252ull + n;

	tournament_init(&t, n);
	assert_int_equal(tournament_first(&t), TOURNAMENT_NEVER);
	for (u32 i = 0; i < n; i++)
		keys[i] = TOURNAMENT_NEVER;
	for (u32 step = 0; step < 3000; step++) {
		u32 cpu = (u32)(next_random(&x) % n), winner;

		/* few different values: ties are the hard part */
		keys[cpu] = next_random(&x) % 8 ? next_random(&x) % 16 : TOURNAMENT_NEVER;
		tournament_set(&t, cpu, keys[cpu]);
		winner = slow_winner(keys, n);
		assert_int_equal(tournament_first(&t), keys[winner]);
		if (keys[winner] == TOURNAMENT_NEVER)
			continue;
		assert_int_equal(tournament_winner(&t), winner);
		assert_int_equal(tournament_horizon(&t), slow_horizon(keys, n, winner));
	}
}

static void test_tournament_against_search(void **state)
{
	static const u32 sizes[] = {1, 2, 3, 4, 5, 8, 13, 16, 17, 64, 100, 255, 256};

	(void)state;
	for (u32 i = 0; i < KMS_ARRAY_SIZE(sizes); i++)
		check_tournament(sizes[i]);
}

static void test_events_come_in_time_and_order_made(void **state)
{
	struct event_heap heap = {0};
	u64 x = 7, last_at = 0, last_data = 0;
	struct event event;

	(void)state;
	for (u64 i = 0; i < 5000; i++)
		assert_true(event_heap_push(&heap, next_random(&x) % 50, NULL, NULL, i));
	for (u32 i = 0; i < 5000; i++) {
		event = event_heap_pop(&heap);
		assert_true(event.at >= last_at);
		assert_true(event.at > last_at || event.data >= last_data);
		last_at = event.at;
		last_data = event.data;
	}
	assert_int_equal(heap.n, 0);
	event_heap_free(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tournament_against_search),
	    cmocka_unit_test(test_events_come_in_time_and_order_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
