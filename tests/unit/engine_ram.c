/*
 * engine_ram.c - simulated RAM: windows, translation, refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "sim/engine/fiber.h"
#include "sim/engine/ram.h"

#define GIB (1ull << 30)

static void test_map_and_translate(void **state)
{
	assert_int_equal(sim_ram_limit, 0);
	assert_false(ram_contains(ram_ptr(0)));
	assert_int_equal(ram_map(GIB, 16 << 20, 0x1000000, NULL), 0);
	assert_int_equal(ram_bytes(), GIB);
	assert_int_equal((uintptr_t)ram_ptr(0), SIM_RAM_BASE);
	assert_true(ram_contains(ram_ptr(GIB - 1)));
	assert_true(ram_contains(ram_ptr(SIM_WINDOW2_OFF + (16 << 20) - 1)));
	assert_false(ram_contains(ram_ptr(SIM_WINDOW2_OFF + (16 << 20))));
	assert_false(ram_contains(state));
	assert_int_equal(ram_phys(0x12345), 0x12345);
	assert_int_equal(ram_phys(SIM_WINDOW2_OFF + 0x40), 0x1000040);
	assert_int_equal(ram_back_window2(0x8000, 0x1000, 0x5000000, NULL), 0);
	assert_int_equal(ram_phys(SIM_WINDOW2_OFF + 0x7fff), 0x1007fff);
	assert_int_equal(ram_phys(SIM_WINDOW2_OFF + 0x8010), 0x5000010);
	assert_int_equal(ram_phys(SIM_WINDOW2_OFF + 0x9000), 0x1009000);
	ram_unmap();
	assert_int_equal(sim_ram_limit, 0);
	assert_int_equal(ram_bytes(), 0);
}

static void test_memory_is_zero_and_sparse(void **state)
{
	(void)state;
	assert_int_equal(ram_map(64 * GIB, GIB, 0, NULL), 0);
	assert_int_equal(ram_resident_bytes(), 0);
	for (u64 i = 0; i < 100; i++)
		*(u64 *)ram_ptr(i * 64 * 1024 * 1024) = i;
	*(u64 *)ram_ptr(SIM_WINDOW2_OFF) = 1;
	assert_int_equal(*(u64 *)ram_ptr(GIB + 8), 0);
	/* one host page each: a huge page would give 200 MiB */
	assert_in_range(ram_resident_bytes(), 101 * 4096, 103 * 4096);
	ram_unmap();
	assert_int_equal(ram_map(GIB, 0, 0, NULL), 0);
	assert_int_equal(*(u64 *)ram_ptr(64 * 1024 * 1024), 0);
	ram_unmap();
}

static void test_big_machine_maps_at_once(void **state)
{
	struct timespec before, after;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(ram_map(1024 * GIB, 16 * GIB, 0, NULL), 0);
	*(char *)ram_ptr(1024 * GIB - 1) = 1;
	assert_int_equal(ram_resident_bytes(), 4096);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(after.tv_sec - before.tv_sec, 0, 2);
	ram_unmap();
}

static void expect_refusal(u64 bytes, enum kms_code code, const char *text)
{
	struct kms_error err = {KMS_OK, ""};

	assert_int_equal(ram_map(bytes, GIB, 0, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" not in \"%s\"", text, err.text);
	assert_int_equal(sim_ram_limit, 0);
}

static void test_impossible_sizes(void **state)
{
	(void)state;
	expect_refusal(0, KMS_EUSAGE, "at most 16 TiB");
	expect_refusal(SIM_WINDOW2_OFF + 1, KMS_EUSAGE, "at most 16 TiB");
}

static void test_addresses_in_use(void **state)
{
	void *page =
	    mmap(ram_ptr(GIB), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	(void)state;
	assert_ptr_equal(page, ram_ptr(GIB));
	expect_refusal(2 * GIB, KMS_EFAIL, "in use");
	munmap(page, 4096);
	/* the second window taken: the first must be given back */
	page = mmap(ram_ptr(SIM_WINDOW2_OFF), 4096, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	expect_refusal(2 * GIB, KMS_EFAIL, "in use");
	munmap(page, 4096);
	assert_int_equal(ram_map(2 * GIB, GIB, 0, NULL), 0);
	assert_int_equal(ram_map(GIB, 0, 0, NULL), KMS_EFAIL);
	ram_unmap();
}

static void test_address_space_limit(void **state)
{
	struct rlimit old, tight;

	(void)state;
	if (FIBER_ASAN)
		skip(); /* its shadow alone is beyond any limit */
	getrlimit(RLIMIT_AS, &old);
	tight = old;
	tight.rlim_cur = 4 * GIB;
	setrlimit(RLIMIT_AS, &tight);
	expect_refusal(8 * GIB, KMS_EFAIL, "limited to 4.0 GiB (ulimit -v)");
	setrlimit(RLIMIT_AS, &old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_map_and_translate),
	    cmocka_unit_test(test_memory_is_zero_and_sparse),
	    cmocka_unit_test(test_big_machine_maps_at_once),
	    cmocka_unit_test(test_impossible_sizes),
	    cmocka_unit_test(test_addresses_in_use),
	    cmocka_unit_test(test_address_space_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
