/*
 * trace_packed.c - the recorded traces in workloads/ are what they are said to be.
 *
 * Run from the top of the repository. The figures are the recordings' own
 * event counts (workloads/README.md), less what import leaves out.
 */
#include "trace_common.h"
#include "workloads/trace_info.h"

static void summarize(struct trace_summary *s, const char *path)
{
	struct kms_error err = { 0 };

	if (trace_summarize(s, path, &err))
		fail_msg("%s", err.text);
	assert_int_equal(s->inconsistent, 0);
	assert_string_equal(s->info->kernel, "Linux 6.1.192");
	assert_string_equal(s->info->allocator, "slub");
	assert_int_equal(s->info->nr_caches, 107);
	assert_string_equal(s->info->sites[0], "");
	assert_string_equal(s->phases[0].name, "boot");
	assert_int_equal(s->info->nr_zones, 2);
	assert_int_equal(s->allocs - s->frees, s->live_end);
}

static u64 left_out(const struct trace_summary *s, const char *what)
{
	for (u32 i = 0; i < s->info->nr_left_out; i++)
		if (!strcmp(s->info->left_out[i].what, what))
			return s->info->left_out[i].count;
	return 0;
}

static void test_one_cpu(void **state)
{
	struct trace_summary s;

	summarize(&s, "workloads/slub-up.kmt");
	assert_int_equal(s.info->nr_cpus, 1);
	assert_int_equal(s.info->requests, 557511);
	assert_int_equal(s.info->nr_boot_steps, 3);
	/* 113,976 page allocations: 3,165 slabs, 22 exact, 26 large kmallocs */
	assert_int_equal(s.ops[REQ_PAGE_ALLOC], 113976 - 3165 - 22 - 26);
	assert_int_equal(left_out(&s, "page allocations of the slab layer"), 3165);
	assert_int_equal(s.objects[REQ_PAGE_FREE_LIST], 83117);
	assert_int_equal(s.ops[REQ_PAGE_ALLOC_BULK], 438);
	assert_int_equal(s.ops[REQ_CACHE_ALLOC_BULK], 7600);
	assert_int_equal(s.objects[REQ_FREE_BULK], 20517);
	/* 202,962 fast, 10,012 slow, 25,861 bulk allocations; 211 for cache structures; 29 large */
	assert_int_equal(s.ops[REQ_KMALLOC] + s.ops[REQ_CACHE_ALLOC] + s.objects[REQ_CACHE_ALLOC_BULK],
			 202962 + 10012 + 25861 - 211 + 29);
	assert_int_equal(s.remote_frees, 0);
	assert_int_equal(s.info->slots, s.live_peak); /* one CPU never leaves a slot idle */
	trace_summary_free(&s);
}

static void test_four_cpus(void **state)
{
	struct trace_summary s;
	u64 free_pages = 0;

	summarize(&s, "workloads/slub-smp4.kmt");
	assert_int_equal(s.info->nr_cpus, 4);
	assert_int_equal(s.info->requests, 415482);
	assert_int_equal(s.info->nr_boot_steps, 6); /* and three CPUs came online */
	assert_int_equal(s.ops[REQ_PAGE_ALLOC], 90634 - 2308 - 22 - 26);
	assert_int_equal(s.objects[REQ_PAGE_FREE_LIST], 63276);
	assert_true(s.remote_frees > 50000);
	for (u32 i = 0; i < 4; i++)
		assert_true(s.cpu_requests[i] > 50000);
	for (u32 i = 0; i < s.info->nr_free; i++)
		free_pages += s.info->free[i].end - s.info->free[i].pfn;
	assert_true(free_pages > 50000 && free_pages < 65536);
	trace_summary_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_cpu),
		cmocka_unit_test(test_four_cpus),
	};

	return cmocka_run_group_tests_name("trace_packed", tests, make_dir, remove_dir);
}
