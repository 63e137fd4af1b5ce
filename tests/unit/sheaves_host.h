/*
 * sheaves_host.h - a machine with one slab cache whose sheaves hold four
 * objects, so that all of them can be seen at once. sheaves_paths.c walks single
 * requests through it, sheaves_owners.c arrays, nodes and callers' own sheaves.
 */
#ifndef TESTS_UNIT_SHEAVES_HOST_H
#define TESTS_UNIT_SHEAVES_HOST_H

#include "tests/unit/slub_machine.h"

#include "models/mm/sheaves.h"

#define CAP 4

static struct {
	struct machine m;
	struct kmem_cache *s;
	u8 *p[1024];
} f;

static inline struct kmem_cache *new_cache(u64 name, u32 size, u32 flags, u32 capacity)
{
	struct kmem_cache_args args = { .name = name, .size = size, .flags = flags,
					.sheaf_capacity = capacity };
	struct kmem_cache *s = f.m.slab->cache_create(&args);

	assert_non_null(s);
	return s;
}

static inline void set_up_machine(u32 nr_cpus, u32 nr_nodes, u64 capacity)
{
	struct mm_params params = machine_default_params();

	memset(&f, 0, sizeof(f));
	params.sheaf_capacity = capacity;
	f.m = machine_boot(&mm_ops_plain, "sheaves", nr_cpus, nr_nodes, 32, &params);
	f.s = new_cache(1, 256, 0, 32);
}

static inline void set_up(void)
{
	set_up_machine(1, 1, CAP);
}

static inline void check(void)
{
	struct mm_cache_info info = machine_cache_info(f.s);

	machine_check_slabs();
	assert_int_equal(info.inuse + info.free_cpu + info.free_partial, info.objects);
}

static inline void tear_down(void)
{
	check();
	machine_off();
}

static inline void *take(void)
{
	void *object = f.m.slab->cache_alloc(f.s, GFP_KERNEL, MACHINE_NO_NODE);

	assert_non_null(object);
	return object;
}

static inline void *take_atomic(void)
{
	return f.m.slab->cache_alloc(f.s, GFP_ATOMIC, MACHINE_NO_NODE);
}

static inline void give(void *object)
{
	f.m.slab->cache_free(f.s, object);
}

static inline struct slub_percpu_sheaves *pcs(u32 cpu)
{
	return cpu_sheaves(f.s, cpu);
}

static inline struct node_barn *barn(u32 nid)
{
	return node_barn(f.s, nid);
}

static inline u64 passed(u32 tracepoint)
{
	return rt_trace_counts()[tracepoint];
}

/* Sizes of the CPU's two sheaves (spare -1: none) and the barn's counts. */
static inline void expect(s32 main_size, s32 spare, u32 full, u32 empty)
{
	assert_int_equal(pcs(0)->main->size, main_size);
	assert_int_equal(pcs(0)->spare ? (s32)pcs(0)->spare->size : -1, spare);
	assert_int_equal(barn(0)->nr_full, full);
	assert_int_equal(barn(0)->nr_empty, empty);
	check();
}

/* n objects from the slabs, past the sheaves, as an interrupt handler without them would get. */
static inline void take_from_slabs(u32 n)
{
	pcs(0)->lock = 1;
	for (u32 i = 0; i < n; i++)
		f.p[i] = take();
	pcs(0)->lock = 0;
}

#endif
