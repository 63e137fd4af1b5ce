/*
 * hw_sharing.c - which words CPUs fight over: sharing made by hand, and judged.
 *
 * Whole machine (hw_support.h). A line is watched from its fourth transfer or
 * invalidation on, so each stream begins with two rounds that make it hot.
 */
#include "tests/unit/hw_support.h"

static struct rig rig;

static int open_four(void **state)
{
	struct machine_config config = rig_config(4);

	rig_open(&rig, &config, 0);
	return 0;
}

static int close_rig(void **state)
{
	rig_close(&rig);
	return 0;
}

#define WORD(line, n) (LINE(line) + 8 * (n))

/* Two CPUs write one word in turn until the line is watched; nothing is left undecided. */
static void heat(u64 off)
{
	for (u32 i = 0; i < 2 + HW_WATCH_FROM / 2; i++)
		rig_touch(&rig, i % 2, off, SIM_WRITE);
}

struct judged {
	u32 caused, true_sharing, false_sharing;
};

static struct judged sum(u64 off)
{
	struct hw_line_use use;
	struct judged all = { 0 };

	assert_true(machine_line_use(rig.machine, off, &use));
	for (u32 i = 0; i < HW_LINE_WORDS; i++) {
		all.caused += use.words[i].caused;
		all.true_sharing += use.words[i].true_sharing;
		all.false_sharing += use.words[i].false_sharing;
	}
	return all;
}

/* What it became beyond what it was. */
static void expect(u64 off, struct judged before, struct judged more)
{
	struct judged now = sum(off);

	assert_int_equal(now.caused - before.caused, more.caused);
	assert_int_equal(now.true_sharing - before.true_sharing, more.true_sharing);
	assert_int_equal(now.false_sharing - before.false_sharing, more.false_sharing);
}

static void a_counter_of_all_is_true_sharing(void **state)
{
	struct judged before;

	heat(WORD(5, 0));
	before = sum(WORD(5, 0));
	for (u32 i = 0; i < 40; i++)
		rig_touch(&rig, i % 4, WORD(5, 0), SIM_ATOMIC);
	expect(WORD(5, 0), before, (struct judged){ 40, 40, 0 });
}

/* Each CPU has a counter of its own in one line: the first touch of each is all that is new. */
static void counters_side_by_side_are_false_sharing(void **state)
{
	struct hw_line_use use;
	struct judged before;

	heat(WORD(5, 7));
	before = sum(WORD(5, 0));
	for (u32 i = 0; i < 40; i++)
		rig_touch(&rig, i % 4, WORD(5, i % 4), SIM_ATOMIC);
	/* of the last access nobody knows yet; the first settles what heat() left open */
	expect(WORD(5, 0), before, (struct judged){ 40, 0, 39 });
	machine_line_use(rig.machine, WORD(5, 0), &use);
	for (u32 i = 0; i < 4; i++) {
		assert_int_equal(use.words[i].caused, 10);
		assert_int_equal(use.words[i].writes, 10);
		assert_int_equal(use.words[i].writers, 1);
		assert_int_equal(use.words[i].readers, 0);
	}
	assert_int_equal(use.words[4].caused, 0);
	assert_int_equal(use.words[7].writers, 2);
}

/* The word that takes the line is one's own, what makes it true sharing is touched later. */
static void a_later_touch_makes_it_true(void **state)
{
	struct judged before;

	heat(WORD(5, 7));
	before = sum(WORD(5, 0));
	for (u32 i = 0; i < 10; i++) {
		rig_touch(&rig, 0, WORD(5, 0), SIM_WRITE);
		rig_touch(&rig, 0, WORD(5, 3), SIM_WRITE);
		rig_touch(&rig, 1, WORD(5, 1), SIM_READ);
		rig_touch(&rig, 1, WORD(5, 3), SIM_READ);
	}
	/*
	 * A read by 1, a write by 0 that takes it back, each with what the other did to word 3.
	 * The first write finds nothing new, but 0 keeps a copy until it learns more.
	 */
	expect(WORD(5, 0), before, (struct judged){ 20, 20, 0 });
}

/* A reader of a word that is never written, beside one that is. */
static void a_constant_beside_a_counter(void **state)
{
	struct hw_line_use use;

	heat(WORD(5, 7));
	for (u32 i = 0; i < 20; i++) {
		rig_touch(&rig, 0, WORD(5, 0), SIM_WRITE);
		rig_touch(&rig, 2, WORD(5, 1), SIM_READ);
	}
	machine_line_use(rig.machine, WORD(5, 0), &use);
	assert_int_equal(use.words[1].caused, 20);
	assert_int_equal(use.words[1].true_sharing, 0);
	assert_int_equal(use.words[1].false_sharing, 19);
	assert_int_equal(use.words[1].readers, 1);
	assert_int_equal(use.words[1].writers, 0);
	assert_int_equal(use.words[0].true_sharing, 0);
}

/* An access over two lines marks the words of each; a wide one all its words. */
static void wide_accesses(void **state)
{
	struct hw_line_use use;

	heat(WORD(5, 0));
	heat(WORD(6, 7));
	rig_touch_size(&rig, 3, LINE(6) - 4, 8, SIM_WRITE);
	rig_touch_size(&rig, 3, WORD(6, 2), 16, SIM_READ);
	machine_line_use(rig.machine, LINE(5), &use);
	assert_int_equal(use.words[7].writes, 1);
	assert_int_equal(use.words[6].writes, 0);
	machine_line_use(rig.machine, LINE(6), &use);
	assert_int_equal(use.words[0].writes, 1);
	assert_int_equal(use.words[2].reads, 1);
	assert_int_equal(use.words[3].reads, 1);
	assert_int_equal(use.words[4].reads, 0);
}

static void quiet_lines_are_not_watched(void **state)
{
	struct hw_line_use use;

	for (u32 i = 0; i < 1000; i++) {
		rig_touch(&rig, 0, WORD(5, i % 8), SIM_WRITE);
		rig_touch(&rig, i % 4, WORD(9, i % 8), SIM_READ);
	}
	assert_false(machine_line_use(rig.machine, LINE(5), &use));
	assert_false(machine_line_use(rig.machine, LINE(9), &use));
	assert_int_equal(use.words[0].caused, 0);
}

/* More lines than places: the one that is fought over most keeps its. */
static void places_are_bounded(void **state)
{
	struct hw_line_use use;
	u32 watched = 0;

	for (u32 i = 0; i < 100; i++)
		rig_touch(&rig, i % 2, WORD(1000000, 0), SIM_WRITE);
	for (u64 line = 0; line < 4 * HW_WATCHED; line++)
		for (u32 i = 0; i < 8; i++)
			rig_touch(&rig, i % 2, LINE(line), SIM_WRITE);
	for (u64 line = 0; line < 4 * HW_WATCHED; line++)
		watched += machine_line_use(rig.machine, LINE(line), &use);
	assert_in_range(watched, HW_WATCHED / 2, HW_WATCHED - 1);
	assert_true(machine_line_use(rig.machine, LINE(1000000), &use));
	assert_in_range(use.words[0].true_sharing, 90, 100);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_four, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_counter_of_all_is_true_sharing),
		TEST(counters_side_by_side_are_false_sharing),
		TEST(a_later_touch_makes_it_true),
		TEST(a_constant_beside_a_counter),
		TEST(wide_accesses),
		TEST(quiet_lines_are_not_watched),
		TEST(places_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
