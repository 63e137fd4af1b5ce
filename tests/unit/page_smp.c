/*
 * page_smp.c - four CPUs in the page allocator at once, cycle flavour.
 *
 * Every access costs time and may switch CPUs, so that locks are contended and
 * lists change hands in the middle of operations. No frame may be handed out
 * twice, all invariants hold at the end, and the same run is the same again.
 */
#include "sim/engine/engine.h"
#include "sim/engine/lock.h"
#include "tests/unit/mm_host.h"

#define CPUS 4u
#define STEPS 3000u
#define LIVE 64u
#define PAGES 0x2000u

static u8 used[PAGES];
static bool overlap;

struct worker {
	u64 rng;
	struct page *page[LIVE];
	u32 order[LIVE];
	u32 allocated;
};

/* Lines cost one to four nanoseconds by address: enough to drift apart. */
static void uneven_access(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	sim_charge(cpu, 0, 1000 * (1 + (off >> 6 & 3)));
}

static void mark(struct page *page, u32 order, u8 value)
{
	u64 i;

	for (i = frame(page); i < frame(page) + (1ul << order); i++) {
		overlap |= used[i] == value;
		used[i] = value;
	}
}

static u32 roll(struct worker *w)
{
	w->rng = w->rng * 6364136223846793005ul + 1442695040888963407ul;
	return (u32)(w->rng >> 33);
}

static void step(struct worker *w)
{
	static const u32 orders[] = { 0, 0, 0, 0, 1, 2, 3, 4, 5 };
	u32 slot = roll(w) % LIVE;

	if (w->page[slot]) {
		mark(w->page[slot], w->order[slot], 0);
		mm_ops_cycle.free_pages(w->page[slot], w->order[slot]);
		w->page[slot] = NULL;
		return;
	}
	w->order[slot] = orders[roll(w) % ARRAY_SIZE(orders)];
	w->page[slot] = mm_ops_cycle.alloc_pages(roll(w) % 2 ? MOVABLE : GFP_ATOMIC,
						 w->order[slot], -1);
	if (!w->page[slot])
		return;
	mark(w->page[slot], w->order[slot], 1);
	w->allocated++;
}

static void work(void *arg)
{
	struct worker *w = arg;
	u32 i;

	for (i = 0; i < STEPS; i++) {
		step(w);
		if (i % 500 == 499)
			mm_ops_cycle.drain_all_pages();
		if (i % 100 == 99)
			mm_ops_cycle.refresh_cpu_vm_stats();
	}
	for (i = 0; i < LIVE; i++)
		if (w->page[i]) {
			mark(w->page[i], w->order[i], 0);
			mm_ops_cycle.free_pages(w->page[i], w->order[i]);
		}
}

/* One run from boot to the end; what is left of it in a number. */
static u64 run_once(void)
{
	struct engine_config config = { .nr_cpus = CPUS, .access = uneven_access };
	struct host h = one_zone(PAGES);
	struct worker *w = calloc(CPUS, sizeof(*w));
	struct kms_error err = { 0 };
	u64 hash = 14695981039346656037ul;
	u32 i;

	h.nr_cpus = CPUS;
	host_start(&h);
	if (engine_init(&config, &err))
		fail_msg("%s", err.text);
	for (i = 0; i < CPUS; i++) {
		w[i].rng = i + 1;
		assert_non_null(sim_thread_start(i, "worker", work, &w[i]));
	}
	if (engine_run(&err))
		fail_msg("%s", err.text);
	for (i = 0; i < CPUS; i++) {
		assert_true(w[i].allocated > STEPS / 4);
		hash = (hash ^ engine_cpu(i)->clock) * 1099511628211ul;
		hash = (hash ^ (u64)host_pcp(host_zone(0, ZONE_DMA32), i)->count) * 1099511628211ul;
	}
	assert_true(sim_lock_stat(LOCK_ZONE)->contended > 0);
	engine_exit();
	rt_enter_cpu(0);
	expect_sound();
	mm->drain_all_pages();
	expect_sound();
	assert_false(overlap);
	host_stop();
	free(w);
	return hash;
}

static void cpus_do_not_trip_each_other(void **state)
{
	u64 first = run_once();

	assert_int_equal(run_once(), first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(cpus_do_not_trip_each_other),
	};

	return cmocka_run_group_tests_name("page_smp", tests, NULL, NULL);
}
