/*
 * dram_rules.c - every timing constraint: illegal one clock early, legal on time.
 *
 * The judge (models/hw/dram_check.h) is given short command sequences of
 * DDR4-2400 with two ranks; the last command of each is moved. The second half
 * asks the controller for the same pairs and expects it to be on time exactly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/hw/dram_check.h"

struct step {
	u8 command, rank, group, bank;
	u16 row, at;
};

struct rule_case {
	const char *rule;
	struct step steps[6]; /* in order; ends with at == 0 after the first */
	void (*change)(struct dram_config *config);
};

static struct dram_config config_for_rules(void)
{
	return (struct dram_config){
		.channels = 1, .ranks = 2, .banks = 16, .bank_groups = 4, .row_bytes = 8192,
		.clock_mhz = 1200, .tRCD = 17, .tRP = 17, .tCL = 17, .tCWL = 12, .tRAS = 39,
		.tWR = 18, .tBURST = 4, .tCCD_S = 4, .tCCD_L = 6, .tRRD_S = 4, .tRRD_L = 6,
		.tFAW = 26, .tWTR_S = 3, .tWTR_L = 9, .tRTP = 9, .tRTW = 2, .tRTRS = 2,
		.tRFC = 420, .tREFI = 9360,
	};
}

static void longer_tRC(struct dram_config *c)
{
	c->tRC = 60;
}

static void longer_write_gap(struct dram_config *c)
{
	c->tCCD_L_WR = 11;
}

static void two_clock_commands(struct dram_config *c)
{
	c->command_clocks = 2;
}

static void per_bank_refresh(struct dram_config *c)
{
	c->refresh = DRAM_REFRESH_PER_BANK;
	c->tRFCpb = 200;
}

static void write_latency(struct dram_config *c)
{
	c->tCWL = 25;
}

#define ACT(r, g, b, t) {DRAM_ACT, r, g, b, 1, t}
#define PRE(r, g, b, t) {DRAM_PRE, r, g, b, 1, t}
#define RD(r, g, b, t) {DRAM_RD, r, g, b, 1, t}
#define WR(r, g, b, t) {DRAM_WR, r, g, b, 1, t}
#define RDA(r, g, b, t) {DRAM_RDA, r, g, b, 1, t}
#define WRA(r, g, b, t) {DRAM_WRA, r, g, b, 1, t}
#define REF(r, t) {DRAM_REF, r, 0, 0, 0, t}
#define PREA(r, t) {DRAM_PREA, r, 0, 0, 0, t}
#define OPEN_TWO(g1, b1, r1) ACT(0, 0, 0, 1), ACT(r1, g1, b1, 11)

/* Times are worked out by hand: the last one is the earliest legal. */
static const struct rule_case cases[] = {
	{"tRCD", {ACT(0, 0, 0, 1), RD(0, 0, 0, 18)}, NULL},
	{"tRCD", {ACT(0, 0, 0, 1), WR(0, 0, 0, 18)}, NULL},
	{"tRAS", {ACT(0, 0, 0, 1), PRE(0, 0, 0, 40)}, NULL},
	{"tRAS", {ACT(0, 0, 0, 1), PREA(0, 40)}, NULL},
	{"tRC", {ACT(0, 0, 0, 1), PRE(0, 0, 0, 40), ACT(0, 0, 0, 61)}, longer_tRC},
	{"tRP", {ACT(0, 0, 0, 1), PRE(0, 0, 0, 60), ACT(0, 0, 0, 77)}, NULL},
	{"tRP", {ACT(0, 0, 0, 1), PREA(0, 60), REF(0, 77)}, NULL},
	{"tRP", {ACT(0, 0, 0, 1), RDA(0, 0, 0, 41), ACT(0, 0, 0, 67)}, NULL},
	/* the automatic precharge waits for tRAS at 40, tRC is 56 too */
	{"tRP", {ACT(0, 0, 0, 1), WRA(0, 0, 0, 18), ACT(0, 0, 0, 69)}, NULL},
	{"tRTP", {ACT(0, 0, 0, 1), RD(0, 0, 0, 41), PRE(0, 0, 0, 50)}, NULL},
	{"tWR", {ACT(0, 0, 0, 1), WR(0, 0, 0, 18), PRE(0, 0, 0, 52)}, NULL},
	{"tRRD_S", {ACT(0, 0, 0, 1), ACT(0, 1, 0, 5)}, NULL},
	{"tRRD_L", {ACT(0, 0, 0, 1), ACT(0, 0, 1, 7)}, NULL},
	{"tFAW", {ACT(0, 0, 0, 1), ACT(0, 1, 0, 5), ACT(0, 2, 0, 9), ACT(0, 3, 0, 13), ACT(0, 0, 1, 27)},
	 NULL},
	{"tCCD_S", {OPEN_TWO(1, 0, 0), RD(0, 0, 0, 51), RD(0, 1, 0, 55)}, NULL},
	{"tCCD_L", {OPEN_TWO(0, 1, 0), RD(0, 0, 0, 51), RD(0, 0, 1, 57)}, NULL},
	{"tCCD_S", {OPEN_TWO(1, 0, 0), WR(0, 0, 0, 51), WR(0, 1, 0, 55)}, NULL},
	{"tCCD_L_WR", {OPEN_TWO(0, 1, 0), WR(0, 0, 0, 51), WR(0, 0, 1, 62)}, longer_write_gap},
	{"tWTR_S", {OPEN_TWO(1, 0, 0), WR(0, 0, 0, 51), RD(0, 1, 0, 70)}, NULL},
	{"tWTR_L", {OPEN_TWO(0, 1, 0), WR(0, 0, 0, 51), RD(0, 0, 1, 76)}, NULL},
	{"tRTW", {OPEN_TWO(1, 0, 0), RD(0, 0, 0, 51), WR(0, 1, 0, 62)}, NULL},
	{"tRTRS", {OPEN_TWO(0, 0, 1), RD(0, 0, 0, 51), RD(1, 0, 0, 57)}, NULL},
	{"tRTRS", {OPEN_TWO(0, 0, 1), WR(0, 0, 0, 51), WR(1, 0, 0, 57)}, NULL},
	{"tRTRS", {OPEN_TWO(0, 0, 1), RD(0, 0, 0, 51), WR(1, 0, 0, 62)}, NULL},
	{"tRTRS", {OPEN_TWO(0, 0, 1), WR(0, 0, 0, 51), RD(1, 0, 0, 65)}, write_latency},
	{"tRFC", {REF(0, 1), ACT(0, 0, 0, 421)}, NULL},
	{"tRFC", {REF(0, 1), REF(0, 421)}, NULL},
	{"tRFCpb", {REF(0, 1), ACT(0, 0, 0, 201)}, per_bank_refresh},
	{"the command bus", {ACT(0, 0, 0, 1), ACT(1, 0, 0, 3)}, two_clock_commands},
	{"the command bus", {ACT(0, 0, 0, 1), ACT(1, 0, 0, 2)}, NULL},
};

static int play(const struct rule_case *rc, u32 early, struct kms_error *err)
{
	struct dram_config config = config_for_rules();
	struct dram_check *check;
	int n = 0, ret = 0;

	if (rc->change)
		rc->change(&config);
	assert_int_equal(dram_check_new(&check, &config, NULL), 0);
	while (n < 6 && rc->steps[n].at)
		n++;
	for (int i = 0; i < n; i++) {
		const struct step *s = &rc->steps[i];
		struct dram_event e = {.at = s->at - (i == n - 1 ? early : 0), .row = s->row,
				       .rank = s->rank, .group = s->group, .bank = s->bank,
				       .command = s->command};

		ret = dram_check_command(check, &e, err);
		if (i < n - 1 && ret)
			fail_msg("%s: step %d: %s", rc->rule, i, err->text);
	}
	dram_check_free(check);
	return ret;
}

static void each_rule(void **state)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(cases); i++) {
		struct kms_error err = {0};

		if (play(&cases[i], 0, &err))
			fail_msg("case %zu, %s, on time: %s", i, cases[i].rule, err.text);
		if (!play(&cases[i], 1, &err))
			fail_msg("case %zu, %s: one clock early was not seen", i, cases[i].rule);
		if (!strstr(err.text, cases[i].rule))
			fail_msg("case %zu, %s: %s", i, cases[i].rule, err.text);
	}
}

/* Not when but whether. */
static void states(void **state)
{
	static const struct {
		const char *text;
		struct step first, then;
	} wrong[] = {
		{"the bank is closed", REF(1, 1), RD(0, 0, 0, 600)},
		{"the bank is closed", REF(1, 1), PRE(0, 0, 0, 600)},
		{"the bank is open", ACT(0, 0, 0, 1), ACT(0, 0, 0, 600)},
		{"the bank is open", ACT(0, 2, 1, 1), REF(0, 600)},
		{"another row is open", ACT(0, 0, 0, 1), {DRAM_RD, 0, 0, 0, 2, 600}},
	};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(wrong); i++) {
		struct rule_case rc = {"", {wrong[i].first, wrong[i].then}, NULL};
		struct kms_error err = {0};

		assert_int_equal(play(&rc, 0, &err), KMS_EFAIL);
		assert_non_null(strstr(err.text, wrong[i].text));
	}
}

/* ---- the controller is on time ---- */

struct heard {
	struct dram_event events[64];
	u32 n;
};

static void hear(void *arg, const struct dram_event *e)
{
	struct heard *h = arg;

	if (h->n < 64)
		h->events[h->n++] = *e;
}

/* rank : row : bank : group : column, so that addresses are easy to write down. */
#define ADDRESS(rank, row, group, bank, column)                                                    \
	((((((u64)(rank) << 16 | (row)) << 2 | (bank)) << 2 | (group)) << 7 | (column)) << 6)

struct request_pair {
	const char *rule;
	u64 first, second;
	bool first_write, second_write;
	u8 before, after; /* commands whose distance is asked for */
	u32 distance;
	void (*change)(struct dram_config *config);
};

static const struct request_pair pairs[] = {
	{"tRCD", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 1, 0, 0, 1), 0, 0, DRAM_ACT, DRAM_RD, 17, NULL},
	{"tCCD_L", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 1, 0, 0, 1), 0, 0, DRAM_RD, DRAM_RD, 6, NULL},
	{"tCCD_L_WR", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 1, 0, 0, 1), 1, 1, DRAM_WR, DRAM_WR, 11,
	 longer_write_gap},
	{"tRRD_S", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 1, 1, 0, 0), 0, 0, DRAM_ACT, DRAM_ACT, 4, NULL},
	{"tRRD_L", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 1, 0, 1, 0), 0, 0, DRAM_ACT, DRAM_ACT, 6, NULL},
	{"tRAS", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 2, 0, 0, 0), 0, 0, DRAM_ACT, DRAM_PRE, 39, NULL},
	{"tRP", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 2, 0, 0, 0), 0, 0, DRAM_PRE, DRAM_ACT, 17, NULL},
	{"tRC", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 2, 0, 0, 0), 0, 0, DRAM_ACT, DRAM_ACT, 60, longer_tRC},
	{"tWR", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 2, 0, 0, 0), 1, 1, DRAM_WR, DRAM_PRE, 34, NULL},
	{"tWTR_L", ADDRESS(0, 1, 0, 0, 0), ADDRESS(0, 1, 0, 0, 1), 1, 0, DRAM_WR, DRAM_RD, 25, NULL},
	{"tRTRS", ADDRESS(0, 1, 0, 0, 0), ADDRESS(1, 1, 0, 0, 0), 0, 0, DRAM_RD, DRAM_RD, 6, NULL},
	{"tRTRS", ADDRESS(0, 1, 0, 0, 0), ADDRESS(1, 1, 0, 0, 0), 1, 1, DRAM_WR, DRAM_WR, 6, NULL},
};

static u64 distance(const struct heard *h, u8 before, u8 after)
{
	u64 last = DRAM_NEVER;

	for (u32 i = 0; i < h->n; i++) {
		if (last != DRAM_NEVER && h->events[i].command == after)
			return h->events[i].at - last;
		if (last == DRAM_NEVER && h->events[i].command == before)
			last = h->events[i].at;
	}
	return DRAM_NEVER;
}

static void on_time(void **state)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(pairs); i++) {
		const struct request_pair *p = &pairs[i];
		struct dram_config config = config_for_rules();
		struct dram_request r = {p->first, 0, 0, p->first_write};
		struct heard heard = {.n = 0};
		struct dram_controller *c;

		config.mapping = "k1 r16 b2 g2 c7 x6";
		if (p->change)
			p->change(&config);
		assert_int_equal(dram_controller_new(&c, &config, NULL, NULL, NULL), 0);
		dram_controller_watch(c, hear, &heard);
		assert_true(dram_controller_submit(c, &r));
		r = (struct dram_request){p->second, 1, 0, p->second_write};
		dram_controller_advance(c, 1);
		assert_true(dram_controller_submit(c, &r));
		dram_controller_advance(c, 1000);
		if (distance(&heard, p->before, p->after) != p->distance)
			fail_msg("%s: %s to %s in %llu clocks, expected %u", p->rule,
				 dram_command_name(p->before), dram_command_name(p->after),
				 (unsigned long long)distance(&heard, p->before, p->after), p->distance);
		dram_controller_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule),
		cmocka_unit_test(states),
		cmocka_unit_test(on_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
