/*
 * dram_random.c - random requests at random machines: every command legal, every read answered once.
 *
 * The judge of command sequences (models/hw/dram_check.h) listens to the
 * controller while geometry, scheduler, row policy, refresh and queues vary.
 * KMS_SOAK=1 runs a hundred times as many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "models/hw/dram_check.h"

enum { REQUESTS = 4000 };

struct watched {
	struct dram_check *check;
	struct kms_error err;
	u64 hash[2], commands; /* hash: of each channel's commands */
	u8 answered[REQUESTS];
	u64 answers, now;
};

static u32 pick(u64 *state, u32 n)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(*state >> 33) % n;
}

static void watch(void *arg, const struct dram_event *e)
{
	struct watched *w = arg;
	u64 *hash = &w->hash[e->channel];

	if (dram_check_command(w->check, e, &w->err))
		fail_msg("command %llu: %s", (unsigned long long)w->commands, w->err.text);
	*hash = (*hash ^ e->at ^ (u64)e->command << 60 ^ e->row << 20 ^ e->column ^
		   (u64)e->bank << 12 ^ (u64)e->group << 16) * 0x9e3779b97f4a7c15ull;
	w->commands++;
}

static void done(void *arg, const struct dram_answer *a)
{
	struct watched *w = arg;

	assert_in_range(a->cookie, 0, REQUESTS - 1);
	assert_int_equal(w->answered[a->cookie]++, 0);
	assert_true(a->at > a->accepted);
	w->answers++;
}

/* Small counts, so that queues are full and banks fought over. */
static struct dram_config random_config(u64 *seed)
{
	struct dram_config c = {
		.channels = 1u << pick(seed, 2), .ranks = 1u << pick(seed, 3), .banks = 8,
		.bank_groups = 1u << pick(seed, 3), .row_bytes = 1024, .clock_mhz = 1200,
		.tRCD = 10 + pick(seed, 10), .tRP = 10 + pick(seed, 10), .tCL = 8 + pick(seed, 20),
		.tCWL = 6 + pick(seed, 12), .tRAS = 25 + pick(seed, 20), .tWR = 5 + pick(seed, 20),
		.tBURST = 2 + 2 * pick(seed, 3), .tRRD_S = 2 + pick(seed, 5), .tFAW = pick(seed, 40),
		.tWTR_S = pick(seed, 8), .tRTP = 3 + pick(seed, 10), .tRTW = pick(seed, 4),
		.tRTRS = pick(seed, 4), .tREFI = pick(seed, 4) ? 4000 : 0, .tRFC = 200,
		.tRFCpb = 60, .refresh = pick(seed, 3), .row_policy = pick(seed, 3),
		.row_timeout = 20 + pick(seed, 200), .scheduler = pick(seed, 3),
		.hit_cap = pick(seed, 2) ? pick(seed, 8) : 0, .read_entries = 1 + pick(seed, 32),
		.write_entries = 1 + pick(seed, 32), .write_high = 0.8, .write_low = 0.2,
		.entry_release = pick(seed, 2), .command_clocks = 1 + pick(seed, 2),
		.row_column_buses = pick(seed, 2), .bank_hash = pick(seed, 2),
	};

	c.tCCD_S = c.tBURST + pick(seed, 2);
	c.tCCD_L = c.tCCD_S + pick(seed, 4);
	c.tRRD_L = c.tRRD_S + pick(seed, 4);
	c.tWTR_L = c.tWTR_S + pick(seed, 6);
	return c;
}

static void check(const struct dram_controller *c)
{
	struct kms_error err = {0};

	if (dram_controller_check(c, &err))
		fail_msg("%s", err.text);
}

/* What the commands were, as a number; step: how finely time is let pass. */
static u64 drive(const struct dram_config *config, u64 seed, bool fine)
{
	struct watched *w = calloc(1, sizeof(*w));
	u64 reads = 0, hash, gap = pick(&seed, 2) ? 3 : 60;
	struct dram_controller *c;
	struct dram_request r = {0, 0, 0, false};

	assert_int_equal(dram_check_new(&w->check, config, NULL), 0);
	assert_int_equal(dram_controller_new(&c, config, done, w, NULL), 0);
	dram_controller_watch(c, watch, w);
	for (u32 i = 0; i < REQUESTS; i++) {
		u64 to = r.at + pick(&seed, (u32)gap) + 1;

		r.address = (u64)pick(&seed, pick(&seed, 2) ? 64 : 65536) * 64;
		r.write = pick(&seed, 3) == 0;
		r.cookie = i;
		for (; fine && r.at < to; r.at++)
			dram_controller_advance(c, r.at);
		r.at = to;
		dram_controller_advance(c, to);
		while (!dram_controller_submit(c, &r)) {
			r.at = fine ? r.at + 1 : dram_controller_next_for(c, r.address);
			dram_controller_advance(c, r.at);
		}
		reads += !r.write;
		if (i % 64 == 0)
			check(c);
	}
	dram_controller_advance(c, r.at + 1000000);
	check(c);
	assert_int_equal(dram_controller_waiting(c), 0);
	assert_int_equal(w->answers, reads);
	hash = w->hash[0] + 3 * w->hash[1];
	dram_controller_free(c);
	dram_check_free(w->check);
	free(w);
	return hash;
}

static void legal_and_complete(void **state)
{
	u64 seed = 20, rounds = getenv("KMS_SOAK") ? 20000 : 200;

	for (u64 i = 0; i < rounds; i++) {
		struct dram_config config = random_config(&seed);
		u64 hash = drive(&config, i, false);

		if (i % 10 == 0)
			assert_true(drive(&config, i, true) == hash);
	}
}

/* Skipped refreshes are counted, and what follows them is as if they had been made. */
static void skipped_refreshes(void **state)
{
	u64 seed = 5;

	for (u32 i = 0; i < 50; i++) {
		struct dram_config config = random_config(&seed);
		struct dram_controller *c[2];
		struct dram_stats stats[2];

		config.tREFI = 4000;
		config.row_policy = HW_ROW_CLOSED;
		for (u32 k = 0; k < 2; k++) {
			struct watched w = {.answers = 0};
			struct dram_request r = {4096 * i, 7, 0, false};

			assert_int_equal(dram_controller_new(&c[k], &config, done, &w, NULL), 0);
			dram_controller_advance(c[k], r.at);
			assert_true(dram_controller_submit(c[k], &r));
			for (u64 at = 100; k && at < 1000003; at += 700)
				dram_controller_advance(c[k], at);
			dram_controller_advance(c[k], 1000003);
			r = (struct dram_request){64 * i, 1000003, 1, false};
			assert_true(dram_controller_submit(c[k], &r));
			dram_controller_advance(c[k], 1010000);
			dram_controller_stats(c[k], &stats[k]);
			check(c[k]);
		}
		assert_memory_equal(&stats[0], &stats[1], sizeof(stats[0]));
		dram_controller_free(c[0]);
		dram_controller_free(c[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legal_and_complete),
		cmocka_unit_test(skipped_refreshes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
