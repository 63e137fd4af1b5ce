/*
 * rt_kernel.c - tracepoints and the kernel's calls: work, paths, probes, errors.
 */
#include "tests/unit/engine_fixture.h"

#define KMS_FLAVOUR_CYCLE
#include "models/mm/kernel.h"
#undef memset
#undef memcpy

#include "models/rt/rt.h"

#define AT 0x2000

static const struct rt_cost costs[NR_TRACEPOINTS] = {
    [TP_kmalloc] = {10, 0},
    [TP_slab_zero] = {4, 0.5},
    [TP_slab_new] = {100, 2},
};

static void begin(u32 nr_cpus)
{
	struct rt_config config = {
	    .costs = costs,
	    .ps_per_insn_x1024 = 250 * 1024, /* 4 GHz, one instruction a cycle */
	    .irq_save_ps = 700,
	    .irq_restore_ps = 300,
	    .cpu_relax_ps = 5,
	};

	fix_start(nr_cpus);
	assert_int_equal(rt_init(&config, nr_cpus, NULL), 0);
}

static void pass_tracepoints(void *arg)
{
	(void)arg;
	trace1(kmalloc, 7);
	trace1(slab_zero, 64);
	trace2(slab_new, 32, 1);
	trace1(slab_alloc_fast, ~0ull); /* no cost: its argument must not matter */
}

static void test_work_is_charged_in_a_run(void **state)
{
	const struct rt_op *op;

	(void)state;
	begin(2);
	sim_thread_start(1, "t", pass_tracepoints, NULL);
	fix_run();
	op = rt_op(1);
	assert_int_equal(engine_cpu(1)->clock, (10 + 4 + 32 + 100 + 64) * 250);
	assert_int_equal(engine_cpu(1)->part[PART_EXEC], engine_cpu(1)->clock);
	assert_int_equal(op->insns_x1024, 210 * 1024);
	assert_int_equal(op->tracepoints, 4);
	assert_int_equal(op->path, PATH_SLAB_NEW); /* the last in the list, not the last passed */
	assert_int_equal(rt_op(0)->tracepoints, 0);
	rt_begin_op(1);
	assert_int_equal(op->path, PATH_NONE);
	assert_int_equal(op->insns_x1024, 0);
	fix_end();
}

static void test_functional_counts_but_does_not_charge(void **state)
{
	/* the compiler may take the answer of a direct call for constant */
	u64 (*volatile my_cpu_offset)(void) = kms_my_cpu_offset;
	u32 (*volatile my_cpu)(void) = kms_smp_processor_id;

	(void)state;
	begin(2);
	rt_set_percpu(0, 0x1000);
	rt_set_percpu(1, 0x5000);
	assert_int_equal(my_cpu_offset(), 0x1000);
	rt_enter_cpu(1);
	assert_int_equal(my_cpu(), 1);
	assert_int_equal(my_cpu_offset(), 0x5000);
	pass_tracepoints(NULL);
	assert_int_equal(rt_op(1)->path, PATH_SLAB_NEW);
	assert_int_equal(rt_op(1)->insns_x1024, 0);
	assert_int_equal(rt_trace_counts()[TP_kmalloc], 1);
	assert_int_equal(rt_trace_counts()[TP_kfree], 0);
	assert_int_equal(engine_cpu(1)->clock, 0);
	fix_end();
}

/* ---- probes ---- */

struct seen {
	u32 calls, cpu;
	u64 a, b, c;
	kms_ps clock;
};

static void probe(void *arg, u32 cpu, u64 a, u64 b, u64 c)
{
	struct seen *seen = arg;

	*seen = (struct seen){seen->calls + 1, cpu, a, b, c, sim_current ? sim_current->clock : 0};
}

static void test_probe_sees_arguments_before_the_charge(void **state)
{
	struct seen seen = {0};

	(void)state;
	begin(2);
	rt_probe(TP_slab_new, probe, &seen);
	sim_thread_start(1, "t", pass_tracepoints, NULL);
	fix_run();
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.cpu, 1);
	assert_int_equal(seen.a, 32);
	assert_int_equal(seen.b, 1);
	assert_int_equal(seen.c, 0);
	assert_int_equal(seen.clock, (10 + 4 + 32) * 250);
	rt_probe(TP_slab_new, NULL, NULL);
	pass_tracepoints(NULL);
	assert_int_equal(seen.calls, 1);
	fix_end();
}

/* ---- the architecture's calls ---- */

static void kernel_calls(void *arg)
{
	u64 *p = ram_ptr(AT);

	(void)arg;
	assert_int_equal(kms_smp_processor_id(), 1);
	assert_int_equal(kms_my_cpu_offset(), 0x5000);
	kms_local_irq_save();
	kms_local_irq_restore();
	kms_cpu_relax();
	assert_int_equal(sim_current->clock, 1005);
	p[0] = 1;
	p[1] = 2;
	assert_false(kms_cmpxchg_double(p, 1, 3, 8, 9));
	assert_int_equal(p[0], 1);
	assert_true(kms_cmpxchg_double(p, 1, 2, 8, 9));
	assert_true(kms_cmpxchg_double_local(p, 8, 9, 10, 11));
	assert_false(kms_cmpxchg_double_local(p, 8, 11, 0, 0));
	assert_int_equal(p[0], 10);
	assert_int_equal(p[1], 11);
	kms_prefetchw(p + 1);
}

static void test_kernel_calls_are_charged(void **state)
{
	static const enum sim_access kinds[] = {SIM_ATOMIC, SIM_ATOMIC, SIM_ATOMIC_LOCAL,
						SIM_ATOMIC_LOCAL, SIM_PREFETCHW};

	(void)state;
	begin(2);
	rt_set_percpu(1, 0x5000);
	sim_thread_start(1, "t", kernel_calls, NULL);
	fix_run();
	assert_int_equal(fix_logged, KMS_ARRAY_SIZE(kinds));
	for (u32 i = 0; i < fix_logged; i++) {
		assert_int_equal(fix_log[i].kind, kinds[i]);
		assert_int_equal(fix_log[i].size, i < 4 ? 16 : 1);
		assert_int_equal(fix_log[i].off, i < 4 ? AT : AT + 8);
	}
	fix_end();
}

static void take_lock(void *arg)
{
	kms_spin_lock(arg, LOCK_ZONE);
	assert_false(kms_spin_trylock(arg, LOCK_ZONE));
	kms_spin_unlock(arg, LOCK_ZONE);
}

static void test_lock_calls(void **state)
{
	(void)state;
	begin(1);
	sim_thread_start(0, "t", take_lock, ram_ptr(AT));
	fix_run();
	take_lock(ram_ptr(AT)); /* outside a run */
	assert_int_equal(*(u32 *)ram_ptr(AT), 0);
	fix_end();
}

/* ---- errors in allocator code ---- */

static void buggy(void *arg)
{
	BUG_ON(*(int *)arg == 1);
	*(int *)arg = 2;
}

static void lock_held(void *arg)
{
	kms_spin_lock(arg, LOCK_ZONE);
	kms_spin_lock(arg, LOCK_ZONE);
}

static void test_bug_outside_a_run_unwinds(void **state)
{
	struct kms_error err = {KMS_OK, ""};
	int value = 1;

	(void)state;
	begin(1);
	assert_int_equal(rt_protect(buggy, &value, &err), KMS_EFAIL);
	assert_non_null(strstr(err.text, "rt_kernel.c:"));
	assert_non_null(strstr(err.text, "allocator check failed on CPU 0: *(int *)arg == 1"));
	value = 0;
	assert_int_equal(rt_protect(buggy, &value, NULL), 0);
	assert_int_equal(value, 2);
	assert_int_equal(rt_protect(lock_held, ram_ptr(AT), NULL), KMS_EFAIL);
	fix_end();
}

static void test_bug_in_a_run_ends_it(void **state)
{
	struct kms_error err = {KMS_OK, ""};
	int value = 1;

	(void)state;
	begin(2);
	sim_thread_start(1, "t", buggy, &value);
	assert_int_equal(engine_run(&err), KMS_EFAIL);
	assert_non_null(
	    strstr(err.text, "allocator check failed on CPU 1 at 0 ps: *(int *)arg == 1"));
	assert_int_equal(value, 1);
	fix_end();
}

static void test_wrong_configurations(void **state)
{
	struct rt_cost bad[NR_TRACEPOINTS] = {[TP_kfree] = {-1, 0}};
	struct rt_config config = {.costs = bad};
	struct kms_error err = {KMS_OK, ""};

	(void)state;
	assert_int_equal(rt_init(&config, 1, &err), KMS_EUSAGE);
	assert_non_null(strstr(err.text, "kfree"));
	assert_int_equal(rt_init(&config, SIM_MAX_CPUS + 1, NULL), KMS_EUSAGE);
}

static void test_everything_has_a_name(void **state)
{
	(void)state;
	for (u32 i = 0; i < NR_PARTS; i++)
		assert_non_null(rt_part_names[i]);
	for (u32 i = 0; i < NR_LOCK_CLASSES; i++)
		assert_non_null(rt_lock_names[i]);
	assert_string_equal(rt_path_names[PATH_SLAB_NEW], "new_slab");
	assert_string_equal(rt_tracepoint_names[TP_vmstat_refresh], "vmstat_refresh");
	assert_string_equal(rt_lock_names[LOCK_SLAB_NODE], "slab_node");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_work_is_charged_in_a_run),
	    cmocka_unit_test(test_functional_counts_but_does_not_charge),
	    cmocka_unit_test(test_probe_sees_arguments_before_the_charge),
	    cmocka_unit_test(test_kernel_calls_are_charged),
	    cmocka_unit_test(test_lock_calls),
	    cmocka_unit_test(test_bug_outside_a_run_unwinds),
	    cmocka_unit_test(test_bug_in_a_run_ends_it),
	    cmocka_unit_test(test_wrong_configurations),
	    cmocka_unit_test(test_everything_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
