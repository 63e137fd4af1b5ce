/*
 * engine_sched.c - whose turn it is: clocks, ties, events, sleep, stall, the end.
 */
#include "tests/unit/engine_fixture.h"

#include <stdio.h>
#include <stdlib.h>

/* What happened, in the order it happened. */
static char story[8192];

static void tell(const char *fmt, ...) KMS_PRINTF(1, 2);

static void tell(const char *fmt, ...)
{
	size_t n = strlen(story);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(story + n, sizeof(story) - n, fmt, ap);
	va_end(ap);
}

static void work(kms_ps ps)
{
	sim_charge(sim_current, 0, ps);
	sim_sync();
}

/* Three steps of arg ps each; told when the step's time has come. */
static void stepper(void *arg)
{
	for (int i = 0; i < 3; i++) {
		work((kms_ps)(uintptr_t)arg);
		tell("%u@%llu ", sim_current->id, (unsigned long long)sim_current->clock);
	}
}

static void begin(u32 nr_cpus)
{
	story[0] = 0;
	fix_start(nr_cpus);
}

static void test_earliest_first(void **state)
{
	(void)state;
	begin(3);
	sim_thread_start(0, "slow", stepper, (void *)100);
	sim_thread_start(1, "fast", stepper, (void *)30);
	sim_thread_start(2, "middle", stepper, (void *)45);
	fix_run();
	assert_string_equal(story, "1@30 2@45 1@60 1@90 2@90 0@100 2@135 0@200 0@300 ");
	fix_end();
}

static void test_ties_go_to_the_lower_cpu(void **state)
{
	(void)state;
	begin(3);
	/* started the other way round: only the number counts */
	sim_thread_start(2, "c", stepper, (void *)10);
	sim_thread_start(1, "b", stepper, (void *)10);
	sim_thread_start(0, "a", stepper, (void *)10);
	fix_run();
	assert_string_equal(story, "0@10 1@10 2@10 0@20 1@20 2@20 0@30 1@30 2@30 ");
	fix_end();
}

static void test_threads_of_a_cpu_run_to_completion(void **state)
{
	(void)state;
	begin(2);
	sim_thread_start(0, "first", stepper, (void *)10);
	sim_thread_start(0, "second", stepper, (void *)1);
	fix_run();
	assert_string_equal(story, "0@10 0@20 0@30 0@31 0@32 0@33 ");
	assert_int_equal(engine_cpu(0)->idle, 0);
	assert_int_equal(engine_cpu(1)->clock, 0);
	fix_end();
}

/* A thread that is entered by the end of another one gives way and comes back like any. */
static void test_generations_of_threads(void **state)
{
	(void)state;
	begin(2);
	for (u32 i = 0; i < 4; i++)
		sim_thread_start(i % 2, "short", stepper, (void *)(uintptr_t)(10 + i));
	fix_run();
	assert_string_equal(story, "0@10 1@11 0@20 1@22 0@30 1@33 0@42 1@46 0@54 1@59 0@66 1@72 ");
	fix_end();
}

static void rescheduler(void *arg)
{
	for (int i = 0; i < 2; i++) {
		work(5);
		tell("%s@%llu ", (char *)arg, (unsigned long long)sim_current->clock);
		sim_resched();
	}
}

static void test_resched_is_fifo(void **state)
{
	(void)state;
	begin(1);
	sim_thread_start(0, "a", rescheduler, "a");
	sim_thread_start(0, "b", rescheduler, "b");
	sim_thread_start(0, "c", rescheduler, "c");
	fix_run();
	assert_string_equal(story, "a@5 b@10 c@15 a@20 b@25 c@30 ");
	fix_end();
}

/* ---- events ---- */

static void tell_event(void *arg, u64 data)
{
	tell("%s%llu@%llu ", (char *)arg, (unsigned long long)data,
	     (unsigned long long)engine_now());
	assert_null(sim_current);
	assert_null(sim_this_thread());
}

static void event_maker(void *arg)
{
	(void)arg;
	sim_event_at(40, tell_event, "late", 1);
	sim_event_at(20, tell_event, "e", 1);
	sim_event_at(20, tell_event, "e", 2);
	work(10);
	tell("t@10 ");
	sim_event_at(5, tell_event, "past", 0); /* means now */
	work(10);
	tell("t@20 ");
}

static void test_events_before_cpus_in_order_made(void **state)
{
	(void)state;
	begin(1);
	sim_thread_start(0, "maker", event_maker, NULL);
	fix_run();
	assert_string_equal(story, "t@10 past0@10 e1@20 e2@20 t@20 late1@40 ");
	assert_int_equal(engine_now(), 40);
	fix_end();
}

static void chain_event(void *arg, u64 data)
{
	tell("%llu@%llu ", (unsigned long long)data, (unsigned long long)engine_now());
	if (data)
		sim_event_at(engine_now() + 7, chain_event, arg, data - 1);
	else
		sim_thread_start(0, "from an event", stepper, (void *)100);
}

static void test_events_alone_keep_a_run_going(void **state)
{
	(void)state;
	begin(2);
	sim_event_at(3, chain_event, NULL, 2);
	fix_run();
	assert_string_equal(story, "2@3 1@10 0@17 0@117 0@217 0@317 ");
	assert_int_equal(engine_cpu(0)->idle, 17);
	fix_end();
}

/* ---- sleeping ---- */

static struct sim_thread *sleeper_thread;

static void sleeper(void *arg)
{
	(void)arg;
	work(10);
	sim_sleep();
	tell("woken@%llu ", (unsigned long long)sim_current->clock);
	work(1);
	sim_sleep_until(500);
	tell("timer@%llu ", (unsigned long long)sim_current->clock);
	sim_sleep_until(100); /* has passed */
	tell("on@%llu ", (unsigned long long)sim_current->clock);
}

static void waker(void *arg)
{
	work(70);
	sim_wake(sleeper_thread, (kms_ps)(uintptr_t)arg);
	sim_wake(sleeper_thread, 1000); /* it is awake: no effect */
	tell("waker@%llu ", (unsigned long long)sim_current->clock);
}

static void sleep_and_wake(kms_ps at, const char *expected, kms_ps idle)
{
	begin(2);
	sleeper_thread = sim_thread_start(1, "sleeper", sleeper, NULL);
	sim_thread_start(0, "waker", waker, (void *)(uintptr_t)at);
	fix_run();
	assert_string_equal(story, expected);
	assert_int_equal(engine_cpu(1)->idle, idle);
	assert_int_equal(engine_cpu(1)->clock, 500);
	fix_end();
}

static void test_wake_moves_the_clock_and_counts_as_idle(void **state)
{
	(void)state;
	sleep_and_wake(70, "waker@70 woken@70 timer@500 on@500 ", 60 + 429);
	sleep_and_wake(90, "waker@70 woken@90 timer@500 on@500 ", 80 + 409);
	sleep_and_wake(20, "waker@70 woken@70 timer@500 on@500 ", 60 + 429); /* not into the past */
}

static void long_runner(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		work(20);
	tell("runner@%llu ", (unsigned long long)sim_current->clock);
}

/* The CPU's other thread runs while one sleeps, and is not interrupted. */
static void test_cpu_works_while_a_thread_sleeps(void **state)
{
	(void)state;
	begin(2);
	sleeper_thread = sim_thread_start(1, "sleeper", sleeper, NULL);
	sim_thread_start(1, "runner", long_runner, NULL);
	sim_thread_start(0, "waker", waker, (void *)70);
	fix_run();
	assert_string_equal(story, "waker@70 runner@210 woken@210 timer@500 on@500 ");
	assert_int_equal(engine_cpu(1)->idle, 500 - 211);
	fix_end();
}

static void timed(void *arg)
{
	sim_sleep_until(1000);
	tell("%s@%llu ", (char *)arg, (unsigned long long)sim_current->clock);
}

static void wake_timed(void *arg)
{
	(void)arg;
	work(10);
	sim_wake(sleeper_thread, 300);
}

static void test_wake_ends_a_timed_sleep_early(void **state)
{
	(void)state;
	begin(2);
	sim_thread_start(1, "other", timed, "other");
	sleeper_thread = sim_thread_start(1, "early", timed, "early");
	sim_thread_start(0, "waker", wake_timed, NULL);
	fix_run();
	assert_string_equal(story, "early@300 other@1000 ");
	fix_end();
}

/* ---- stalls ---- */

static void unstall_event(void *arg, u64 data)
{
	sim_unstall(arg, data);
}

static void staller(void *arg)
{
	(void)arg;
	work(10);
	sim_event_at(50, unstall_event, sim_current, 65);
	sim_stall(3);
	tell("stalled until %llu ", (unsigned long long)sim_current->clock);
}

static void test_stall_stops_the_cpu_and_is_charged(void **state)
{
	(void)state;
	begin(2);
	sim_thread_start(0, "staller", staller, NULL);
	sim_thread_start(0, "next", stepper, (void *)10); /* must not get in between */
	sim_thread_start(1, "other", stepper, (void *)20);
	fix_run();
	assert_string_equal(story, "1@20 1@40 1@60 stalled until 65 0@75 0@85 0@95 ");
	assert_int_equal(engine_cpu(0)->part[3], 55);
	assert_int_equal(engine_cpu(0)->idle, 0);
	fix_end();
}

/* A memory controller: every access stalls its CPU until the one channel is free. */
static kms_ps channel_free;

static void stalling_model(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	kms_ps begin_at = channel_free > cpu->clock ? channel_free : cpu->clock;

	channel_free = begin_at + 100;
	sim_event_at(channel_free, unstall_event, cpu, channel_free);
	sim_stall(2);
}

static void reader(void *arg)
{
	for (int i = 0; i < 2; i++) {
		sim_access((u64)(uintptr_t)arg, 8, SIM_READ);
		tell("%u@%llu ", sim_current->id, (unsigned long long)sim_current->clock);
	}
}

static void test_model_may_stall_inside_an_access(void **state)
{
	struct engine_config config = {.nr_cpus = 2, .access = stalling_model};

	(void)state;
	story[0] = 0;
	channel_free = 0;
	assert_int_equal(ram_map(1 << 20, 0, 0, NULL), 0);
	assert_int_equal(engine_init(&config, NULL), 0);
	sim_thread_start(0, "a", reader, (void *)0x1000);
	sim_thread_start(1, "b", reader, (void *)0x2000);
	fix_run();
	assert_string_equal(story, "0@100 1@200 0@300 1@400 ");
	assert_int_equal(engine_cpu(0)->part[2], 300);
	assert_int_equal(engine_cpu(1)->accesses, 2);
	fix_end();
}

/* ---- daemons, several runs, the end ---- */

static void periodic(void *arg)
{
	(void)arg;
	for (;;) {
		sim_sleep_until(sim_current->clock + 100);
		work(3);
		tell("tick@%llu ", (unsigned long long)sim_current->clock);
	}
}

static void test_daemons_do_not_keep_a_run_going(void **state)
{
	(void)state;
	begin(2);
	sim_thread_daemon(sim_thread_start(1, "periodic", periodic, NULL));
	sim_thread_start(0, "main", stepper, (void *)90);
	fix_run();
	assert_string_equal(story, "0@90 tick@103 0@180 tick@206 0@270 ");
	/* the next run begins where everything had happened; the daemon goes on */
	story[0] = 0;
	sim_thread_start(0, "main", stepper, (void *)20);
	sim_thread_start(1, "main", stepper, (void *)20);
	fix_run();
	assert_string_equal(story, "0@290 1@290 0@310 1@310 0@330 1@330 ");
	fix_end();
}

static void stopper(void *arg)
{
	(void)arg;
	work(10);
	engine_stop(KMS_EINTERRUPTED, "stopped at %d", 10);
	tell("never ");
}

static void stop_event(void *arg, u64 data)
{
	(void)arg, (void)data;
	engine_stop(KMS_EFAIL, "stopped by an event");
	tell("never ");
}

static void expect_failure(enum kms_code code, const char *text)
{
	struct kms_error err = {KMS_OK, ""};

	assert_int_equal(engine_run(&err), code);
	assert_string_equal(err.text, text);
	assert_null(sim_current);
	/* it stays failed */
	err.code = KMS_OK;
	assert_int_equal(engine_run(&err), code);
	assert_string_equal(err.text, text);
}

static void test_stop(void **state)
{
	(void)state;
	begin(2);
	sim_thread_start(0, "stopper", stopper, NULL);
	sim_thread_start(1, "other", stepper, (void *)6);
	expect_failure(KMS_EINTERRUPTED, "stopped at 10");
	assert_string_equal(story, "1@6 ");
	fix_check_parts();
	fix_end();

	begin(1);
	sim_event_at(0, stop_event, NULL, 0); /* on the main stack */
	sim_thread_start(0, "other", stepper, (void *)6);
	expect_failure(KMS_EFAIL, "stopped by an event");
	assert_string_equal(story, "");
	fix_end();

	begin(1);
	sim_event_at(8, stop_event, NULL, 0); /* on a thread's stack */
	sim_thread_start(0, "other", stepper, (void *)6);
	expect_failure(KMS_EFAIL, "stopped by an event");
	assert_string_equal(story, "0@6 ");
	fix_end();
}

static void sleep_for_ever(void *arg)
{
	(void)arg;
	work(10);
	sim_sleep();
}

static void stall_for_ever(void *arg)
{
	(void)arg;
	work(25);
	sim_stall(0);
}

static void test_deadlock_names_the_threads(void **state)
{
	(void)state;
	begin(2);
	sim_thread_start(0, "flusher", sleep_for_ever, NULL);
	sim_thread_start(1, "dma", stall_for_ever, NULL);
	sim_thread_daemon(sim_thread_start(0, "daemon", sleep_for_ever, NULL));
	expect_failure(KMS_EFAIL,
		       "deadlock at 25 ps: \"flusher\" on CPU 0 sleeps, \"dma\" on CPU 1 stalls");
	fix_end();
}

static void test_deadlock_of_many_is_cut_short(void **state)
{
	struct kms_error err = {KMS_OK, ""};

	(void)state;
	begin(20);
	for (u32 i = 0; i < 20; i++)
		sim_thread_start(i, "t", sleep_for_ever, NULL);
	assert_int_equal(engine_run(&err), KMS_EFAIL);
	assert_non_null(strstr(err.text, "\"t\" on CPU 5 sleeps and 14 more"));
	fix_end();
}

static void spin_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		work(10);
}

static void test_time_limit_ends_an_endless_run(void **state)
{
	(void)state;
	story[0] = 0;
	fix_start_limited(2, 1000);
	sim_thread_start(0, "spinner", spin_for_ever, NULL);
	expect_failure(
	    KMS_EFAIL,
	    "simulated time reached the limit of 1000 ps with \"spinner\" on CPU 0 still running");
	fix_end();
}

static void test_wrong_configurations(void **state)
{
	struct engine_config config = {.nr_cpus = 0};
	struct kms_error err = {KMS_OK, ""};

	(void)state;
	assert_int_equal(engine_init(&config, &err), KMS_EUSAGE);
	assert_string_equal(err.text, "0 simulated CPUs, expected 1 to 256");
	config.nr_cpus = SIM_MAX_CPUS + 1;
	assert_int_equal(engine_init(&config, NULL), KMS_EUSAGE);
	config.nr_cpus = SIM_MAX_CPUS;
	assert_int_equal(engine_init(&config, NULL), 0);
	assert_int_equal(engine_init(&config, NULL), KMS_EFAIL);
	engine_exit();
}

/* ---- determinism under load ---- */

struct mix {
	u64 x;
	u32 steps;
};

static u64 fingerprint;
static kms_ps last_time; /* simulated time never goes back, whoever looks */

static void check_time(kms_ps now)
{
	assert_true(now >= last_time);
	last_time = now;
}

static u64 mix_random(struct mix *mix)
{
	mix->x = mix->x * 6364136223846793005ull + 1442695040888963407ull;
	return mix->x >> 40;
}

static void count_event(void *arg, u64 data)
{
	(void)arg;
	check_time(engine_now());
	fingerprint = fingerprint * 31 + engine_now() + data;
}

static void mixer(void *arg)
{
	struct mix *mix = arg;

	while (mix->steps--) {
		work(mix_random(mix) % 50);
		assert_int_equal(engine_now(), sim_current->clock);
		check_time(sim_current->clock);
		fingerprint = fingerprint * 31 + sim_current->clock * 257 + sim_current->id;
		switch (mix_random(mix) % 8) {
		case 0:
			sim_sleep_until(sim_current->clock + mix_random(mix) % 200);
			break;
		case 1:
			sim_resched();
			break;
		case 2:
			sim_event_at(sim_current->clock + mix_random(mix) % 100, count_event, NULL,
				     mix->steps);
			break;
		default:
			break;
		}
	}
}

static u64 run_mix(u64 *clocks)
{
	static struct mix mixes[64];

	fingerprint = last_time = 0;
	begin(13);
	for (u32 i = 0; i < 64; i++) {
		mixes[i] = (struct mix){i, 500};
		sim_thread_start(i % 13, "mix", mixer, &mixes[i]);
	}
	fix_run();
	*clocks = 0;
	for (u32 i = 0; i < 13; i++)
		*clocks = *clocks * 1000003 + engine_cpu(i)->clock * 7 + engine_cpu(i)->idle;
	fix_end();
	return fingerprint;
}

static void test_same_run_twice(void **state)
{
	u64 clocks[2], first = run_mix(&clocks[0]);
	void *other_heap = malloc(1000001);

	(void)state;
	assert_int_equal(run_mix(&clocks[1]), first);
	assert_int_equal(clocks[0], clocks[1]);
	free(other_heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_earliest_first),
	    cmocka_unit_test(test_ties_go_to_the_lower_cpu),
	    cmocka_unit_test(test_threads_of_a_cpu_run_to_completion),
	    cmocka_unit_test(test_generations_of_threads),
	    cmocka_unit_test(test_resched_is_fifo),
	    cmocka_unit_test(test_events_before_cpus_in_order_made),
	    cmocka_unit_test(test_events_alone_keep_a_run_going),
	    cmocka_unit_test(test_wake_moves_the_clock_and_counts_as_idle),
	    cmocka_unit_test(test_cpu_works_while_a_thread_sleeps),
	    cmocka_unit_test(test_wake_ends_a_timed_sleep_early),
	    cmocka_unit_test(test_stall_stops_the_cpu_and_is_charged),
	    cmocka_unit_test(test_model_may_stall_inside_an_access),
	    cmocka_unit_test(test_daemons_do_not_keep_a_run_going),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_deadlock_names_the_threads),
	    cmocka_unit_test(test_deadlock_of_many_is_cut_short),
	    cmocka_unit_test(test_time_limit_ends_an_endless_run),
	    cmocka_unit_test(test_wrong_configurations),
	    cmocka_unit_test(test_same_run_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
