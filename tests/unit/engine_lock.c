/*
 * engine_lock.c - spinlocks: hand-over, waits worked out by hand, mistakes.
 */
#include "tests/unit/engine_fixture.h"

#include "sim/engine/lock.h"

#define CLASS 2
#define OTHER_CLASS 3

/* The engine's tests call the lock directly: what an allocator calls ends there. */
static u32 *word(void)
{
	return ram_ptr(0x8000);
}

static void work(kms_ps ps)
{
	sim_charge(sim_current, FIX_PART_OTHER, ps);
	sim_sync();
}

struct plan {
	kms_ps before, inside;
	u32 tag;
	kms_ps got; /* result: when it had the lock */
};

static void follow_plan(void *arg)
{
	struct plan *plan = arg;

	work(plan->before);
	sim_current->tag = plan->tag;
	sim_lock(word(), CLASS);
	plan->got = sim_current->clock;
	assert_int_equal(*word(), 1);
	sim_current->tag = 31; /* the tag counts as it was when the lock was taken */
	work(plan->inside);
	sim_unlock(word(), CLASS);
}

/*
 * CPU 0: atomic 100: has it at 100; works 500; the releasing write ends at 620.
 * CPU 1: comes at 100 (the tie goes to CPU 0), waits 520, transfer: 720; 920; 940.
 * CPU 2: comes at 150 + 100 = 250, waits 370 for CPU 0 and 320 for CPU 1: 1040.
 */
static void test_waits_by_hand(void **state)
{
	struct plan plans[] = {{0, 500, 3, 0}, {0, 200, 5, 0}, {150, 10, 7, 0}};
	const struct sim_lock_stat *stat = sim_lock_stat(CLASS);

	(void)state;
	fix_start(3);
	for (u32 i = 0; i < 3; i++)
		sim_thread_start(i, "plan", follow_plan, &plans[i]);
	fix_run();
	assert_int_equal(plans[0].got, 100);
	assert_int_equal(plans[1].got, 720);
	assert_int_equal(plans[2].got, 1040);
	assert_int_equal(engine_cpu(0)->part[FIX_LOCK_PART], 0);
	assert_int_equal(engine_cpu(1)->part[FIX_LOCK_PART], 520);
	assert_int_equal(engine_cpu(2)->part[FIX_LOCK_PART], 690);
	assert_int_equal(engine_cpu(2)->clock, 1040 + 10 + FIX_WRITE_PS);
	assert_int_equal(stat->acquired, 3);
	assert_int_equal(stat->contended, 2);
	assert_int_equal(stat->wait, 520 + 690);
	assert_int_equal(stat->wait_max, 690);
	assert_int_equal(stat->wait_by_tag[3], 520 + 370);
	assert_int_equal(stat->wait_by_tag[5], 320);
	assert_int_equal(stat->wait_by_tag[31], 0);
	assert_int_equal(*word(), 0);
	fix_end();
}

/* Many CPUs come at different times: whoever came first gets it first. */
static void test_queue_order(void **state)
{
	struct plan plans[8];

	(void)state;
	fix_start(8);
	for (u32 i = 0; i < 8; i++) {
		/* arrival order 0 3 6 1 4 7 2 5 */
		plans[i] = (struct plan){i * 3 % 8 * 10, 1000, 0, 0};
		sim_thread_start(i, "plan", follow_plan, &plans[i]);
	}
	fix_run();
	for (u32 i = 0; i < 8; i++)
		for (u32 j = 0; j < 8; j++)
			assert_int_equal(plans[i].got < plans[j].got,
					 plans[i].before < plans[j].before);
	fix_end();
}

static void trylock(void *arg)
{
	work(300);
	assert_false(sim_trylock(word(), CLASS));
	work(1000);
	assert_true(sim_trylock(word(), CLASS));
	*(kms_ps *)arg = sim_current->clock;
	sim_unlock(word(), CLASS);
}

static void test_trylock(void **state)
{
	struct plan plan = {0, 500, 0, 0};
	kms_ps got = 0;

	(void)state;
	fix_start(2);
	sim_thread_start(0, "plan", follow_plan, &plan);
	sim_thread_start(1, "try", trylock, &got);
	fix_run();
	assert_int_equal(got, 300 + FIX_ATOMIC_PS + 1000 + FIX_ATOMIC_PS);
	assert_int_equal(sim_lock_stat(CLASS)->contended, 0);
	assert_int_equal(sim_lock_stat(CLASS)->acquired, 2);
	fix_end();
}

/* Two locks, released in the order they were taken, with a queue on each. */
static void take_two(void *arg)
{
	u32 *a = word(), *b = word() + 64;

	work((kms_ps)(uintptr_t)arg);
	sim_lock(a, CLASS);
	sim_lock(b, OTHER_CLASS);
	work(100);
	sim_unlock(a, CLASS);
	work(100);
	sim_unlock(b, OTHER_CLASS);
}

static void test_nested_locks_in_any_order(void **state)
{
	(void)state;
	fix_start(6);
	for (u32 i = 0; i < 6; i++)
		sim_thread_start(i, "two", take_two, (void *)(uintptr_t)(i * 7));
	fix_run();
	assert_int_equal(sim_lock_stat(CLASS)->acquired, 6);
	assert_int_equal(sim_lock_stat(OTHER_CLASS)->acquired, 6);
	assert_int_equal(word()[0], 0);
	assert_int_equal(word()[64], 0);
	fix_end();
}

/* Whatever happens, the waits of the CPUs are those of the locks. */
static void hammer(void *arg)
{
	u64 x = (u64)(uintptr_t)arg;

	for (int i = 0; i < 300; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		work(x >> 56);
		sim_current->tag = x >> 40 & 7;
		sim_lock(word() + (x >> 48 & 3) * 16, CLASS);
		work(x >> 57);
		sim_unlock(word() + (x >> 48 & 3) * 16, CLASS);
	}
}

static void test_waits_add_up(void **state)
{
	const struct sim_lock_stat *stat = sim_lock_stat(CLASS);
	kms_ps by_cpu = 0, by_tag = 0;

	(void)state;
	fix_start(16);
	for (u32 i = 0; i < 16; i++)
		sim_thread_start(i, "hammer", hammer, (void *)(uintptr_t)(i + 1));
	fix_run();
	for (u32 i = 0; i < 16; i++)
		by_cpu += engine_cpu(i)->part[FIX_LOCK_PART];
	for (u32 i = 0; i < SIM_MAX_TAGS; i++)
		by_tag += stat->wait_by_tag[i];
	assert_true(stat->contended > 1000);
	assert_int_equal(stat->acquired, 16 * 300);
	assert_int_equal(stat->wait, by_cpu);
	assert_int_equal(stat->wait, by_tag);
	fix_end();
}

/* ---- mistakes of simulated code ---- */

static void lock_twice(void *arg)
{
	(void)arg;
	sim_lock(word(), CLASS);
	sim_lock(word(), CLASS);
}

static void unlock_free(void *arg)
{
	(void)arg;
	sim_unlock(word(), CLASS);
}

static void lock_scribbled(void *arg)
{
	(void)arg;
	*word() = 0xdead;
	sim_lock(word(), CLASS);
}

static void nest_too_deep(void *arg)
{
	(void)arg;
	for (u32 i = 0;; i++)
		sim_lock(word() + i, CLASS);
}

static void expect_mistake(sim_thread_fn *fn, const char *text)
{
	struct kms_error err = {KMS_OK, ""};

	fix_start(2);
	sim_thread_start(1, "mistake", fn, NULL);
	assert_int_equal(engine_run(&err), KMS_EFAIL);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" not in \"%s\"", text, err.text);
	fix_end();
}

static void test_mistakes_stop_the_run(void **state)
{
	(void)state;
	expect_mistake(lock_twice,
		       "CPU 1 takes the lock at offset 0x8000 (class 2) that it already holds");
	expect_mistake(unlock_free,
		       "CPU 1 releases the lock at offset 0x8000 (class 2) that it does not hold");
	expect_mistake(lock_scribbled, "whose word is 57005 although no CPU holds it");
	expect_mistake(nest_too_deep, "CPU 1 holds more than 16 spinlocks");
}

/* ABBA: each holds what the other waits for. */
static void take_in_order(void *arg)
{
	u32 *first = arg, *second = first == word() ? word() + 64 : word();

	sim_lock(first, CLASS);
	work(1000);
	sim_lock(second, CLASS);
}

static void test_deadlock_says_who_holds_what(void **state)
{
	struct kms_error err = {KMS_OK, ""};

	(void)state;
	fix_start(2);
	sim_thread_start(0, "ab", take_in_order, word());
	sim_thread_start(1, "ba", take_in_order, word() + 64);
	assert_int_equal(engine_run(&err), KMS_EFAIL);
	assert_string_equal(
	    err.text,
	    "deadlock at 1200 ps: \"ab\" on CPU 0 waits for the lock at offset 0x8100 held by "
	    "CPU 1, \"ba\" on CPU 1 waits for the lock at offset 0x8000 held by CPU 0");
	fix_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_waits_by_hand),
	    cmocka_unit_test(test_queue_order),
	    cmocka_unit_test(test_trylock),
	    cmocka_unit_test(test_nested_locks_in_any_order),
	    cmocka_unit_test(test_waits_add_up),
	    cmocka_unit_test(test_mistakes_stop_the_run),
	    cmocka_unit_test(test_deadlock_says_who_holds_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
