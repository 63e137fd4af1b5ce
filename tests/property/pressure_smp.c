/*
 * pressure_smp.c - one to eight CPUs under pressure, interleaved at every access.
 *
 * Cycle flavour: each access costs time that depends on its address, so that
 * CPUs meet in the middle of each other's operations; kswapd and kcompactd of
 * each node are threads of their own. The model knows who holds each frame.
 * No frame may be held twice, reclaim and migration may take only what is held
 * and not just being freed, all invariants hold at the end, everything freed
 * merges, and the same run is the same again.
 */
#include "sim/engine/engine.h"
#include "sim/engine/lock.h"
#include "tests/unit/mm_host.h"

#define STEPS 2500u
#define PER_CPU 1500u
#define PAGES 0x1000u
#define ENTRIES (HOST_MAX_CPUS * PER_CPU)

enum state { FREE, LISTING, LIVE, FREEING, GONE };

struct entry {
	struct page *page;
	u32 order;
	u8 state;
	bool listed, file;
};

struct worker {
	u64 rng;
	u32 cpu, allocated, gone;
};

static struct entry entries[ENTRIES];
static u16 holder[PAGES];
static char why[256];
static u64 reclaimed, moved, refused, killed;

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		if (!why[0])                                                                       \
			snprintf(why, sizeof(why), __VA_ARGS__);                                   \
	} while (0)

/* Lines cost one to four nanoseconds by address: enough to drift apart. */
static void uneven_access(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	sim_charge(cpu, 0, 1000 * (1 + (off >> 6 & 3)));
}

static void hold(u32 i)
{
	u64 at = frame(entries[i].page), end = at + (1ul << entries[i].order);

	for (; at < end; at++) {
		if (at >= PAGES || holder[at])
			FAIL("frame 0x%lx is held twice", (unsigned long)at);
		else
			holder[at] = (u16)(i + 1);
	}
}

static void let_go(u32 i)
{
	u64 at = frame(entries[i].page), end = at + (1ul << entries[i].order);

	for (; at < end; at++) {
		if (holder[at] != i + 1)
			FAIL("frame 0x%lx is not held by entry %u", (unsigned long)at, i);
		holder[at] = 0;
	}
}

/* ---- the owner ---- */

static bool lets_go(void *arg, u64 mapping, u64 index)
{
	struct entry *e = &entries[mapping];

	if (e->state != LIVE) {
		refused++;
		return false;
	}
	if (!e->file || !e->listed)
		FAIL("entry %lu cannot be reclaimed", (unsigned long)mapping);
	let_go((u32)mapping);
	e->state = GONE;
	reclaimed++;
	return true;
}

static bool moves(void *arg, u64 mapping, u64 index, u64 new_pfn)
{
	struct entry *e = &entries[mapping];

	if (e->state != LIVE) {
		refused++;
		return false;
	}
	let_go((u32)mapping);
	e->page = pfn_to_page(new_pfn);
	hold((u32)mapping);
	moved++;
	return true;
}

static u64 kill_task(void *arg, u32 task)
{
	u64 freed = 0;

	for (u32 i = 0; i < ENTRIES; i++)
		if (entries[i].state == LIVE && entries[i].listed && !entries[i].file &&
		    i / PER_CPU == task) {
			entries[i].state = GONE;
			let_go(i);
			mm_ops_cycle.put_page(entries[i].page);
			freed++;
		}
	killed++;
	return freed;
}

/* ---- the CPUs ---- */

static u32 roll(struct worker *w)
{
	w->rng = w->rng * 6364136223846793005ul + 1442695040888963407ul;
	return (u32)(w->rng >> 33);
}

static void free_entry(struct worker *w, u32 i)
{
	struct entry *e = &entries[i];

	if (e->state == LIVE) {
		e->state = FREEING;
		let_go(i);
		if (e->listed)
			mm_ops_cycle.put_page(e->page);
		else
			mm_ops_cycle.free_pages(e->page, e->order);
	} else {
		w->gone++;
	}
	e->state = FREE;
}

static void allocate(struct worker *w, u32 i)
{
	static const u32 orders[] = { 0, 0, 0, 0, 1, 2, 3, 4, 6 };
	static const gfp_t gfps[] = { GFP_KERNEL, GFP_ATOMIC, MOVABLE | __GFP_COMP, RECLAIMABLE };
	struct entry *e = &entries[i];
	bool listed = roll(w) % 4;
	struct page *page;

	e->order = listed ? 0 : orders[roll(w) % ARRAY_SIZE(orders)];
	page = mm_ops_cycle.alloc_pages(listed ? MOVABLE | __GFP_HIGHMEM :
						 gfps[roll(w) % ARRAY_SIZE(gfps)],
					e->order, -1);
	if (!page)
		return;
	w->allocated++;
	e->page = page;
	e->listed = listed;
	e->file = roll(w) % 3;
	hold(i);
	if (listed) {
		e->state = LISTING;
		mm_ops_cycle.lru_cache_add(page, i, 0, e->file ? -1 : (s32)w->cpu);
	}
	e->state = LIVE;
}

static void work(void *arg)
{
	struct worker *w = arg;

	for (u32 i = 0; i < STEPS && !why[0]; i++) {
		u32 slot = w->cpu * PER_CPU + roll(w) % PER_CPU;

		if (entries[slot].state == FREE)
			allocate(w, slot);
		else if (roll(w) % 3 == 0)
			free_entry(w, slot);
		else if (entries[slot].state == LIVE && entries[slot].listed)
			mm_ops_cycle.mark_page_accessed(entries[slot].page);
		if (i % 700 == 699)
			mm_ops_cycle.drain_all_pages();
		if (i % 100 == 99)
			mm_ops_cycle.refresh_cpu_vm_stats();
		sim_resched();
	}
	for (u32 i = 0; i < PER_CPU; i++)
		if (entries[w->cpu * PER_CPU + i].state != FREE)
			free_entry(w, w->cpu * PER_CPU + i);
}

/* ---- runs ---- */

static void start_threads(struct worker *w, u32 cpus)
{
	static u32 cpu_of_node[1];
	struct rt_kthread_config config = { .mm = &mm_ops_cycle, .nr_nodes = 1, .cpu = cpu_of_node };
	struct kms_error err = { 0 };

	cpu_of_node[0] = cpus - 1;
	if (rt_start_kthreads(&config, &err))
		fail_msg("%s", err.text);
	for (u32 i = 0; i < cpus; i++) {
		w[i] = (struct worker){ .rng = w[i].rng + i, .cpu = i };
		assert_non_null(sim_thread_start(i, "worker", work, &w[i]));
	}
}

/* Everything was freed: whole blocks again, but for a pageblock in the reserve. */
static void check_end(void)
{
	struct zone *zone = host_zone(0, ZONE_DMA32);

	rt_enter_cpu(0);
	mm->drain_all_pages();
	expect_sound();
	if (!zone->nr_reserved_highatomic)
		assert_int_equal(zone->free_area[MAX_ORDER - 1].nr_free, PAGES >> (MAX_ORDER - 1));
	for (u32 i = 0; i < PAGES; i++)
		if (holder[i])
			fail_msg("frame 0x%x is still held", i);
}

static u64 run_once(u32 cpus, u64 seed)
{
	static const struct rt_owner owner = { .lets_go = lets_go, .moves = moves, .kill = kill_task };
	struct engine_config config = { .nr_cpus = cpus, .access = uneven_access,
					.time_limit = 1000000000000000ull };
	struct host h = one_zone(PAGES);
	struct worker w[HOST_MAX_CPUS];
	struct kms_error err = { 0 };
	u64 hash = 14695981039346656037ul;

	memset(entries, 0, sizeof(entries));
	memset(holder, 0, sizeof(holder));
	why[0] = 0;
	h.nr_cpus = cpus;
	host_start(&h);
	rt_set_owner(&owner);
	if (engine_init(&config, &err))
		fail_msg("%s", err.text);
	for (u32 i = 0; i < cpus; i++)
		w[i].rng = seed * 1000;
	start_threads(w, cpus);
	if (engine_run(&err))
		fail_msg("%u CPUs, seed %lu: %s", cpus, (unsigned long)seed, err.text);
	for (u32 i = 0; i < cpus; i++)
		hash = (hash ^ engine_cpu(i)->clock) * 1099511628211ul;
	engine_exit();
	if (why[0])
		fail_msg("%u CPUs, seed %lu: %s", cpus, (unsigned long)seed, why);
	check_end();
	host_stop();
	return hash;
}

static u64 from_environment(const char *name, u64 normal)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : normal;
}

static void cpus_do_not_trip_each_other(void **state)
{
	u64 seed = from_environment("KMS_SEED", 1);
	u64 last = seed + from_environment("KMS_RUNS", getenv("KMS_SOAK") ? 40 : 2);

	for (; seed < last; seed++)
		for (u32 cpus = 1; cpus <= HOST_MAX_CPUS; cpus++)
			run_once(cpus, seed);
	print_message("reclaimed %lu, moved %lu, refused %lu, tasks killed %lu\n",
		      (unsigned long)reclaimed, (unsigned long)moved, (unsigned long)refused,
		      (unsigned long)killed);
	assert_true(reclaimed > 1000);
	assert_true(moved > 1000);
	assert_true(refused > 0);
}

static void the_same_run_again(void **state)
{
	u64 first = run_once(4, 9);

	assert_int_equal(run_once(4, 9), first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(cpus_do_not_trip_each_other),
		MM_TEST(the_same_run_again),
	};

	return cmocka_run_group_tests_name("pressure_smp", tests, NULL, NULL);
}
