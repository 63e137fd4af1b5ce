/*
 * hw_dram.c - DRAM latencies worked out by hand.
 *
 * One command clock is 1 ns: tRCD 14, tRP 15, tCL 16, tCWL 12, tRAS 34, tWR 13,
 * tBURST 4, controller 10 + 10. Two channels, 8 banks, rows of 8 KiB, so 128
 * lines of a row, and line = row : bank (3 bits) : column (7) : channel (1).
 */
#include "tests/unit/hw_support.h"

#define AT(row, bank, column, channel)                                                             \
	((((u64)(row) << 3 | (bank)) << 7 | (column)) << 1 | (channel))

static void make(struct dram *dram, u64 tREFI, enum hw_row_policy policy)
{
	struct dram_config config = rig_config(1).dram;

	config.tREFI = tREFI;
	config.row_policy = policy;
	assert_int_equal(dram_init(dram, &config, NULL), 0);
}

static void expect(struct dram *dram, u64 line, bool write, u64 at_ns, u64 done_ns,
		   enum dram_outcome outcome)
{
	struct dram_result result = dram_access(dram, line, write, at_ns * NS, at_ns * NS);

	assert_int_equal(result.done, done_ns * NS);
	assert_int_equal(result.outcome, outcome);
}

static void hit_miss_conflict(void **state)
{
	struct dram d;

	make(&d, 0, HW_ROW_OPEN);
	/* closed: 10 + tRCD 14 + tCL 16 + burst 4 + 10 */
	expect(&d, AT(0, 0, 0, 0), false, 0, 54, DRAM_ROW_MISS);
	/* hit: 10 + 16 + 4 + 10 */
	expect(&d, AT(0, 0, 1, 0), false, 1000, 1040, DRAM_ROW_HIT);
	/* conflict, tRAS long past: 10 + tRP 15 + 14 + 16 + 4 + 10 */
	expect(&d, AT(1, 0, 0, 0), false, 2000, 2069, DRAM_ROW_CONFLICT);
	/* other bank, other channel: closed */
	expect(&d, AT(0, 1, 0, 0), false, 3000, 3054, DRAM_ROW_MISS);
	expect(&d, AT(0, 0, 0, 1), false, 4000, 4054, DRAM_ROW_MISS);
	dram_exit(&d);
}

/* Activate at 10, so precharge not before 10 + tRAS = 44, activate 59, column 73, data 89..93. */
static void conflict_waits_for_tras(void **state)
{
	struct dram d;

	make(&d, 0, HW_ROW_OPEN);
	expect(&d, AT(0, 0, 0, 0), false, 0, 54, DRAM_ROW_MISS);
	expect(&d, AT(1, 0, 0, 0), false, 0, 103, DRAM_ROW_CONFLICT);
	dram_exit(&d);
}

/* Write: column 24, data 36..40, precharge after tWR at 53 (tRAS: 44), activate 68, read at 82. */
static void conflict_waits_for_write_recovery(void **state)
{
	struct dram d;

	make(&d, 0, HW_ROW_OPEN);
	expect(&d, AT(0, 0, 0, 0), true, 0, 0, DRAM_POSTED);
	expect(&d, AT(1, 0, 0, 0), false, 20, 112, DRAM_ROW_CONFLICT);
	dram_exit(&d);
}

/* Two banks are opened at once, but their data share the bus: 40..44, then 44..48. */
static void bus_is_shared(void **state)
{
	struct dram d;

	make(&d, 0, HW_ROW_OPEN);
	expect(&d, AT(0, 0, 0, 0), false, 0, 54, DRAM_ROW_MISS);
	expect(&d, AT(0, 1, 0, 0), false, 0, 58, DRAM_ROW_MISS);
	expect(&d, AT(0, 0, 0, 1), false, 0, 54, DRAM_ROW_MISS);
	dram_exit(&d);
}

/* A stream of hits goes at bus speed. */
static void stream_is_bus_bound(void **state)
{
	struct dram d;

	make(&d, 0, HW_ROW_OPEN);
	for (u64 i = 0; i < 100; i++)
		expect(&d, AT(0, 0, i, 0), false, 0, 54 + 4 * i, i ? DRAM_ROW_HIT : DRAM_ROW_MISS);
	dram_exit(&d);
}

/* Closed, but not before the last that waits for the row. Later accesses always find the bank closed. */
static void closed_policy(void **state)
{
	struct dram d;

	make(&d, 0, HW_ROW_CLOSED);
	expect(&d, AT(0, 0, 0, 0), false, 0, 54, DRAM_ROW_MISS);
	expect(&d, AT(0, 0, 1, 0), false, 0, 58, DRAM_ROW_HIT);
	expect(&d, AT(0, 0, 2, 0), false, 1000, 1054, DRAM_ROW_MISS);
	dram_exit(&d);
}

/* One rank: refreshes due at 999, 1999, ... for 350, after a precharge of 15 if a row is open. */
static void refresh(void **state)
{
	struct dram d;
	struct dram_result result;

	make(&d, 1000, HW_ROW_OPEN);
	expect(&d, AT(0, 0, 0, 0), false, 900, 954, DRAM_ROW_MISS);
	/* reaches the bank at 1010, waits until 999 + 15 + 350, finds the row closed */
	result = dram_access(&d, AT(0, 0, 1, 0), false, 1000 * NS, 1000 * NS);
	assert_int_equal(result.done, (1364 + 14 + 16 + 4 + 10) * NS);
	assert_int_equal(result.outcome, DRAM_ROW_MISS);
	assert_true(result.refresh_stall);
	/* the other channel's rank is refreshed at the same time */
	assert_true(dram_access(&d, AT(0, 0, 1, 1), false, 1330 * NS, 1330 * NS).refresh_stall);
	assert_false(dram_access(&d, AT(0, 0, 1, 1), false, 1600 * NS, 1600 * NS).refresh_stall);
	/* many refreshes later, the last one over: closed, no wait */
	result = dram_access(&d, AT(0, 0, 1, 0), false, 50500 * NS, 50500 * NS);
	assert_int_equal(result.done, 50554 * NS);
	assert_false(result.refresh_stall);
	/* exactly at the end of one */
	result = dram_access(&d, AT(0, 0, 2, 0), false, (51364 - 10) * NS, (51364 - 10) * NS);
	assert_false(result.refresh_stall);
	assert_int_equal(result.done, (51364 + 44) * NS);
	dram_exit(&d);
}

/* A row held open by a conflict's wait across a refresh is lost to it. */
static void refresh_after_bank_wait(void **state)
{
	struct dram d;

	make(&d, 1000, HW_ROW_OPEN);
	/* activate 975, precharge not before 1009: for the refresh due at 999, made at 1024 */
	expect(&d, AT(0, 0, 0, 0), false, 965, 1019, DRAM_ROW_MISS);
	expect(&d, AT(1, 0, 0, 0), false, 965, 1418, DRAM_ROW_MISS);
	dram_exit(&d);
}

static void ranks_are_staggered(void **state)
{
	struct dram_config config = rig_config(1).dram;
	struct dram d;
	u64 rank1 = 1ull << 11; /* above channel 1, column 7, bank 3 */

	config.ranks = 2;
	config.tREFI = 1000;
	assert_int_equal(dram_init(&d, &config, NULL), 0);
	assert_true(dram_access(&d, 0, false, 1000 * NS, 1000 * NS).refresh_stall);
	assert_false(dram_access(&d, rank1, false, 1000 * NS, 1000 * NS).refresh_stall);
	assert_true(dram_access(&d, rank1, false, 1500 * NS, 1500 * NS).refresh_stall);
	assert_false(dram_access(&d, 0, false, 1500 * NS, 1500 * NS).refresh_stall);
	dram_exit(&d);
}

/* DDR4-2400 17-17-17 without a controller: 21, 38 and 55 clocks of 1/1.2 ns. */
static void ddr4_2400(void **state)
{
	struct dram_config config = { .channels = 1, .ranks = 1, .banks = 16, .row_bytes = 8192,
				      .clock_mhz = 1200, .tRCD = 17, .tRP = 17, .tCL = 17,
				      .tCWL = 12, .tRAS = 39, .tWR = 18, .tBURST = 4 };
	struct dram d;

	assert_int_equal(dram_init(&d, &config, NULL), 0);
	assert_int_equal(dram_access(&d, 0, false, 500000, 500000).done, 500000 + 14167 + 14167 + 3333);
	assert_int_equal(dram_access(&d, 1, false, 1000000, 1000000).done, 1000000 + 14167 + 3333);
	assert_int_equal(dram_access(&d, 128 * 16, false, 2000000, 2000000).done,
			 2000000 + 3 * 14167 + 3333);
	dram_exit(&d);
}

/* Row 1 of bank 0 lies in bank 1 when hashed: no conflict with row 0 of bank 0, but with row 0 of bank 1. */
static void hash_moves_rows_to_other_banks(void **state)
{
	struct dram_config config = rig_config(1).dram;
	struct dram d;

	config.tREFI = 0;
	config.bank_hash = true;
	assert_int_equal(dram_init(&d, &config, NULL), 0);
	expect(&d, AT(0, 0, 0, 0), false, 0, 54, DRAM_ROW_MISS);
	expect(&d, AT(1, 0, 0, 0), false, 1000, 1054, DRAM_ROW_MISS);
	expect(&d, AT(0, 0, 1, 0), false, 2000, 2040, DRAM_ROW_HIT);
	expect(&d, AT(0, 1, 0, 0), false, 3000, 3069, DRAM_ROW_CONFLICT);
	dram_exit(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hit_miss_conflict),
		cmocka_unit_test(hash_moves_rows_to_other_banks),
		cmocka_unit_test(conflict_waits_for_tras),
		cmocka_unit_test(conflict_waits_for_write_recovery),
		cmocka_unit_test(bus_is_shared),
		cmocka_unit_test(stream_is_bus_bound),
		cmocka_unit_test(closed_policy),
		cmocka_unit_test(refresh),
		cmocka_unit_test(refresh_after_bank_wait),
		cmocka_unit_test(ranks_are_staggered),
		cmocka_unit_test(ddr4_2400),
	};

	return cmocka_run_group_tests_name("hw_dram", tests, NULL, NULL);
}
