/*
 * engine_hooks.c - what the compiler's hooks report, charge and carry out.
 *
 * The simulated code is tests/sim/sim_code.c, instrumented like the allocators.
 */
#include <stdbool.h>

#include "tests/unit/engine_fixture.h"

#include "models/rt/rt.h"
#include "tests/sim/sim_code.h"

#define AT 0x2000

/* ---- run one function on CPU 0 ---- */

static void run_on_cpu0(sim_thread_fn *fn, void *arg)
{
	fix_start(1);
	sim_thread_start(0, "test", fn, arg);
	fix_run();
}

static void check_access(u32 i, u64 off, u32 size, enum sim_access kind)
{
	assert_true(i < fix_logged);
	assert_int_equal(fix_log[i].off, off);
	assert_int_equal(fix_log[i].size, size);
	assert_int_equal(fix_log[i].kind, kind);
}

static void every_size(void *arg)
{
	memset(ram_ptr(AT), 0x55, 64);
	sim_code_every_size(ram_ptr((u64)(uintptr_t)arg));
}

static void check_every_size(u64 base)
{
	static const struct {
		u32 read, write, size;
	} expected[] = {{0, 1, 1}, {2, 4, 2}, {8, 12, 4}, {16, 24, 8}, {32, 48, 16}, {16, 20, 4}};

	run_on_cpu0(every_size, (void *)(uintptr_t)base);
	assert_int_equal(fix_logged, 2 * KMS_ARRAY_SIZE(expected));
	for (u32 i = 0; i < KMS_ARRAY_SIZE(expected); i++) {
		check_access(2 * i, base + expected[i].read, expected[i].size, SIM_READ);
		check_access(2 * i + 1, base + expected[i].write, expected[i].size, SIM_WRITE);
	}
	assert_int_equal(engine_cpu(0)->clock, 6 * (FIX_READ_PS + FIX_WRITE_PS));
	assert_int_equal(engine_cpu(0)->accesses, 12);
	fix_end();
}

static void test_every_size_in_both_windows(void **state)
{
	(void)state;
	check_every_size(AT);
	check_every_size(SIM_WINDOW2_OFF + AT);
}

static void straddle(void *arg)
{
	*(u64 *)arg = sim_code_straddle(ram_ptr(AT), 0x1122334455667788ull);
	*(u64 *)arg += sim_code_straddle(ram_ptr(AT), 0);
}

static void test_a_word_across_lines_is_one_access(void **state)
{
	u64 got;

	(void)state;
	run_on_cpu0(straddle, &got);
	assert_int_equal(got, 0x1122334455667788ull);
	assert_int_equal(fix_logged, 4);
	check_access(0, AT + 61, 8, SIM_READ);
	check_access(1, AT + 61, 8, SIM_WRITE);
	fix_end();
}

static void copy_and_clear(void *arg)
{
	(void)arg;
	memset(ram_ptr(AT), 7, 256);
	sim_code_copy(ram_ptr(AT + 0x1010), ram_ptr(AT + 60), 70); /* lines 3, 2 */
	assert_int_equal(*(char *)ram_ptr(AT + 0x1010 + 69), 7);
	sim_code_clear(ram_ptr(AT), 128);
	assert_int_equal(*(char *)ram_ptr(AT + 127), 0);
	assert_int_equal(*(char *)ram_ptr(AT + 128), 7);
}

static void test_ranges_line_by_line(void **state)
{
	(void)state;
	run_on_cpu0(copy_and_clear, NULL);
	assert_int_equal(fix_logged, 3 + 2 + 2);
	check_access(0, AT + 60, 4, SIM_READ);
	check_access(1, AT + 64, 64, SIM_READ);
	check_access(2, AT + 128, 2, SIM_READ);
	check_access(3, AT + 0x1010, 48, SIM_WRITE);
	check_access(4, AT + 0x1040, 22, SIM_WRITE);
	check_access(5, AT, 64, SIM_WRITE);
	check_access(6, AT + 64, 64, SIM_WRITE);
	fix_end();
}

static void host_stack(void *arg)
{
	*(int *)arg = sim_code_host_stack(50);
}

static void test_host_memory_costs_nothing(void **state)
{
	int count = 0;

	(void)state;
	run_on_cpu0(host_stack, &count);
	assert_int_equal(count, 50);
	assert_int_equal(fix_logged, 0);
	assert_int_equal(engine_cpu(0)->clock, 0);
	fix_end();
}

static void test_outside_a_run_nothing_is_charged(void **state)
{
	u64 *p = ram_ptr(AT);

	(void)state;
	fix_start(1);
	sim_code_increment(p, 5);
	sim_code_increment_atomic(p, 5);
	sim_code_increment_locked(p, 5, ram_ptr(AT + 64));
	assert_int_equal(*p, 15);
	assert_int_equal(fix_logged, 0);
	fix_end();
}

/* ---- the short cut ---- */

static u64 fast_hits(const struct sim_cpu *cpu)
{
	return sim_accesses(cpu) - cpu->accesses;
}

static void set_fast(u64 line, u64 writable)
{
	sim_current->fast[line & sim_current->fast_mask] = line << 1 | writable;
}

static void use_short_cut(void *arg)
{
	struct sim_cpu *cpu = sim_current;
	u64 line = AT >> SIM_LINE_SHIFT, *p = ram_ptr(AT);

	(void)arg;
	sim_code_sum(p, 3, 1);
	assert_int_equal(fast_hits(cpu), 0);
	set_fast(line, 0);
	sim_code_sum(p, 8, 1); /* all in the line */
	assert_int_equal(fast_hits(cpu), 8);
	sim_code_sum(p, 9, 1); /* one in the next */
	assert_int_equal(fast_hits(cpu), 16);
	sim_code_write(p, 2); /* not writable */
	assert_int_equal(fast_hits(cpu), 16);
	set_fast(line, 1);
	sim_code_write(p, 2);
	sim_code_sum(p, 2, 1);
	assert_int_equal(fast_hits(cpu), 20);
	sim_code_increment_atomic(p, 2); /* never */
	sim_code_straddle(ram_ptr(AT), 0);
	assert_int_equal(fast_hits(cpu), 20);
	sim_code_sum(ram_ptr(AT + 4 * SIM_LINE_BYTES), 1, 1); /* same entry, another line */
	assert_int_equal(fast_hits(cpu), 20);
	sim_code_clear(p, 64); /* ranges too */
	assert_int_equal(fast_hits(cpu), 21);
}

static void test_short_cut(void **state)
{
	u64 table[4] = {~0ull, ~0ull, ~0ull, ~0ull};
	struct sim_cpu *cpu;

	(void)state;
	fix_start(1);
	cpu = engine_cpu(0);
	cpu->fast = table;
	cpu->fast_mask = 3;
	cpu->fast_ps = 3;
	cpu->fast_part = 5;
	sim_thread_start(0, "fast", use_short_cut, NULL);
	fix_run();
	assert_int_equal(cpu->part[5], 21 * 3);
	assert_int_equal(sim_accesses(cpu), 21 + fix_logged);
	fix_end();
}

/* ---- interleaving ---- */

#define INCREMENTS 500

struct counter_job {
	void (*fn)(u64 *p, u64 n);
};

static void increment_locked(u64 *p, u64 n)
{
	sim_code_increment_locked(p, n, ram_ptr(AT + 0x100));
}

static void run_counter(void *arg)
{
	((struct counter_job *)arg)->fn(ram_ptr(AT), INCREMENTS);
}

static u64 count_on_two_cpus(void (*fn)(u64 *p, u64 n))
{
	struct counter_job job = {fn};
	u64 result;

	fix_start(2);
	sim_thread_start(0, "a", run_counter, &job);
	sim_thread_start(1, "b", run_counter, &job);
	fix_run();
	result = *(u64 *)ram_ptr(AT);
	fix_end();
	return result;
}

/*
 * Without a lock both CPUs read at 10, 40, 70 ..., and both write at 30, 60, 90
 * ...: exactly every second update is lost.
 */
static void test_counter_races_without_a_lock(void **state)
{
	(void)state;
	assert_int_equal(count_on_two_cpus(sim_code_increment), INCREMENTS);
}

static void test_counter_is_right_with_lock_or_atomic(void **state)
{
	(void)state;
	assert_int_equal(count_on_two_cpus(increment_locked), 2 * INCREMENTS);
	assert_int_equal(count_on_two_cpus(sim_code_increment_atomic), 2 * INCREMENTS);
}

static void wait_for_flag(void *arg)
{
	sim_code_wait(ram_ptr(AT));
	*(kms_ps *)arg = sim_current->clock;
}

static void set_flag(void *arg)
{
	(void)arg;
	sim_charge(sim_current, FIX_PART_OTHER, 1000);
	sim_sync();
	sim_code_write(ram_ptr(AT + 8), 1); /* the write ends at 1020 */
	*(u32 *)ram_ptr(AT) = 1;
}

static void test_spinning_lets_time_pass(void **state)
{
	struct rt_config config = {.cpu_relax_ps = 4};
	kms_ps seen = 0;

	(void)state;
	assert_int_equal(rt_init(&config, 2, NULL), 0);
	fix_start_limited(2, 100000);
	sim_thread_start(0, "spinner", wait_for_flag, &seen);
	sim_thread_start(1, "setter", set_flag, NULL);
	fix_run();
	/* it looks every 14 ps: at 10, 24, ... 1018 still clear, 1032 set */
	assert_int_equal(seen, 1032);
	fix_end();
}

/* ---- atomics ---- */

static void atomics(void *arg)
{
	*(u64 *)arg = sim_code_atomics(ram_ptr(AT));
}

static void test_atomics_as_compiled(void **state)
{
	static const enum sim_access kinds[] = {SIM_WRITE,  SIM_ATOMIC, SIM_ATOMIC,
						SIM_ATOMIC, SIM_READ,   SIM_ATOMIC};
	u64 got = 0;

	(void)state;
	run_on_cpu0(atomics, &got);
	assert_int_equal(got, 10 * 100 + 9);
	assert_int_equal(fix_logged, KMS_ARRAY_SIZE(kinds));
	for (u32 i = 0; i < fix_logged; i++)
		check_access(i, AT + (i == 3 || i == 5 ? 8 : 0), 8, kinds[i]);
	fix_end();
}

#define SIGN_BITS(T) ((T)((T)1 << (sizeof(T) * 8 - 1)))

/* Every operation of one size, against its definition, on values that use all bits. */
#define ATOMIC_TEST(bits, T)                                                                       \
	T __tsan_atomic##bits##_load(const volatile void *p, int order);                           \
	void __tsan_atomic##bits##_store(volatile void *p, T v, int order);                        \
	T __tsan_atomic##bits##_exchange(volatile void *p, T v, int order);                        \
	T __tsan_atomic##bits##_fetch_add(volatile void *p, T v, int order);                       \
	T __tsan_atomic##bits##_fetch_sub(volatile void *p, T v, int order);                       \
	T __tsan_atomic##bits##_fetch_and(volatile void *p, T v, int order);                       \
	T __tsan_atomic##bits##_fetch_or(volatile void *p, T v, int order);                        \
	T __tsan_atomic##bits##_fetch_xor(volatile void *p, T v, int order);                       \
	T __tsan_atomic##bits##_fetch_nand(volatile void *p, T v, int order);                      \
	T __tsan_atomic##bits##_compare_exchange_val(volatile void *p, T old, T v, int, int);      \
	bool __tsan_atomic##bits##_compare_exchange_strong(volatile void *p, void *old, T v, int,  \
							   int);                                   \
	bool __tsan_atomic##bits##_compare_exchange_weak(volatile void *p, void *old, T v, int,    \
							 int);                                     \
	static void atomic_##bits(void *arg)                                                       \
	{                                                                                          \
		volatile T *p = ram_ptr(AT);                                                       \
		T a = (T)(SIGN_BITS(T) | 0x35), b = (T)(SIGN_BITS(T) | 0x53), expected = b;        \
                                                                                                   \
		(void)arg;                                                                         \
		__tsan_atomic##bits##_store(p, a, __ATOMIC_RELEASE);                               \
		assert_true(__tsan_atomic##bits##_load(p, __ATOMIC_ACQUIRE) == a);                 \
		assert_true(__tsan_atomic##bits##_exchange(p, b, 5) == a && *p == b);              \
		assert_true(__tsan_atomic##bits##_fetch_add(p, a, 5) == b && *p == (T)(a + b));    \
		assert_true(__tsan_atomic##bits##_fetch_sub(p, b, 5) == (T)(a + b) && *p == a);    \
		assert_true(__tsan_atomic##bits##_fetch_and(p, b, 5) == a && *p == (T)(a & b));    \
		assert_true(__tsan_atomic##bits##_fetch_or(p, a, 5) == (T)(a & b) && *p == a);     \
		assert_true(__tsan_atomic##bits##_fetch_xor(p, b, 5) == a && *p == (T)(a ^ b));    \
		__tsan_atomic##bits##_store(p, a, 5);                                              \
		assert_true(__tsan_atomic##bits##_fetch_nand(p, b, 5) == a && *p == (T) ~(a & b)); \
		__tsan_atomic##bits##_store(p, a, 5);                                              \
		assert_true(__tsan_atomic##bits##_compare_exchange_val(p, b, 0, 5, 5) == a);       \
		assert_true(*p == a);                                                              \
		assert_true(__tsan_atomic##bits##_compare_exchange_val(p, a, b, 5, 5) == a);       \
		assert_true(*p == b);                                                              \
		assert_true(__tsan_atomic##bits##_compare_exchange_strong(p, &expected, a, 5, 5)); \
		assert_true(*p == a && expected == b);                                             \
		assert_false(__tsan_atomic##bits##_compare_exchange_weak(p, &expected, b, 5, 5));  \
		assert_true(*p == a && expected == a);                                             \
	}

ATOMIC_TEST(8, u8)
ATOMIC_TEST(16, u16)
ATOMIC_TEST(32, u32)
ATOMIC_TEST(64, u64)
ATOMIC_TEST(128, unsigned __int128)

static void test_every_atomic(void **state)
{
	static sim_thread_fn *const sizes[] = {atomic_8, atomic_16, atomic_32, atomic_64,
					       atomic_128};

	(void)state;
	for (u32 i = 0; i < KMS_ARRAY_SIZE(sizes); i++) {
		run_on_cpu0(sizes[i], NULL);
		/* one relaxed store, one load, 13 that lock the line; sizes as they should be */
		assert_int_equal(fix_logged, 15);
		for (u32 j = 0; j < fix_logged; j++)
			check_access(j, AT, 1u << i,
				     j == 0   ? SIM_WRITE
				     : j == 1 ? SIM_READ
					      : SIM_ATOMIC);
		fix_end();
	}
}

/* ---- hooks that no compiler at hand emits here ---- */

void __tsan_unaligned_read16(void *p);
void __tsan_unaligned_write2(void *p);
void __tsan_unaligned_volatile_read4(void *p);
void __tsan_read_write4(void *p);
void __tsan_read_range(void *p, long bytes);
void __tsan_write_range(void *p, long bytes);
void __tsan_vptr_update(void *p, void *value);
void *__tsan_memmove(void *to, const void *from, size_t bytes);

static void direct_calls(void *arg)
{
	char *p = ram_ptr(AT);

	(void)arg;
	__tsan_unaligned_read16(p + 3);
	__tsan_unaligned_write2(p + 63);
	__tsan_unaligned_volatile_read4(p + 1);
	__tsan_read_write4(p);
	__tsan_read_range(p + 60, 8);
	__tsan_write_range(p + 32, 64);
	__tsan_vptr_update(p, NULL);
	p[0] = 'x';
	p[1] = 'y';
	__tsan_memmove(p + 1, p, 2);
	assert_int_equal(p[1], 'x');
	assert_int_equal(p[2], 'y');
}

static void test_rare_hooks(void **state)
{
	(void)state;
	run_on_cpu0(direct_calls, NULL);
	assert_int_equal(fix_logged, 11);
	check_access(0, AT + 3, 16, SIM_READ);
	check_access(1, AT + 63, 2, SIM_WRITE);
	check_access(2, AT + 1, 4, SIM_READ);
	check_access(3, AT, 4, SIM_READ);
	check_access(4, AT, 4, SIM_WRITE);
	check_access(5, AT + 60, 8, SIM_READ);
	check_access(6, AT + 32, 32, SIM_WRITE);
	check_access(7, AT + 64, 32, SIM_WRITE);
	check_access(8, AT, 8, SIM_WRITE);
	check_access(9, AT, 2, SIM_READ);
	check_access(10, AT + 1, 2, SIM_WRITE);
	fix_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_size_in_both_windows),
	    cmocka_unit_test(test_a_word_across_lines_is_one_access),
	    cmocka_unit_test(test_ranges_line_by_line),
	    cmocka_unit_test(test_host_memory_costs_nothing),
	    cmocka_unit_test(test_outside_a_run_nothing_is_charged),
	    cmocka_unit_test(test_short_cut),
	    cmocka_unit_test(test_counter_races_without_a_lock),
	    cmocka_unit_test(test_counter_is_right_with_lock_or_atomic),
	    cmocka_unit_test(test_spinning_lets_time_pass),
	    cmocka_unit_test(test_atomics_as_compiled),
	    cmocka_unit_test(test_every_atomic),
	    cmocka_unit_test(test_rare_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
