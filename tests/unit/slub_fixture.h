/*
 * slub_fixture.h - one slab cache under the microscope: slabs filled one after
 * the other, and expectations about where each of them is. Slabs are of 16
 * objects of 256 bytes (cpu_partial_slabs 7, min_partial 5) unless a test
 * says otherwise.
 */
#ifndef TESTS_UNIT_SLUB_FIXTURE_H
#define TESTS_UNIT_SLUB_FIXTURE_H

#include "tests/unit/slub_machine.h"

#define PER_SLAB 16 /* objects of 256 bytes */

struct fixture {
	struct machine m;
	struct kmem_cache *s;
	struct kmem_cache_node *n;
	void *objects[64 * PER_SLAB];
	u32 nr;
};

static struct fixture f;

static inline void set_up_cpus(u32 nr_cpus, u32 nr_nodes, const struct mm_params *params, u32 size)
{
	memset(&f, 0, sizeof(f));
	f.m = machine_boot(&mm_ops_plain, "slub", nr_cpus, nr_nodes, 32, params);
	f.s = machine_cache(&f.m, size, 0, 0);
	f.n = f.s->node[0];
}

static inline void set_up(void)
{
	set_up_cpus(1, 1, NULL, 256);
	assert_int_equal(oo_objects(f.s->oo), PER_SLAB);
	assert_int_equal(f.s->cpu_partial_slabs, 7);
	assert_int_equal(f.s->min_partial, 5);
}

static inline void tear_down(void)
{
	machine_check_slabs();
	machine_off();
}

static inline void *alloc_one(void)
{
	return f.m.slab->cache_alloc(f.s, GFP_KERNEL, MACHINE_NO_NODE);
}

static inline void free_one(void *object)
{
	f.m.slab->cache_free(f.s, object);
}

/* Fill whole slabs: objects[slab * PER_SLAB + i] is object i of the slab-th slab. */
static inline void fill_slabs(u32 slabs)
{
	for (f.nr = 0; f.nr < slabs * PER_SLAB; f.nr++) {
		f.objects[f.nr] = alloc_one();
		assert_non_null(f.objects[f.nr]);
	}
}

static inline void *object(u32 slab, u32 i)
{
	return f.objects[slab * PER_SLAB + i];
}

static inline const struct page *slab(u32 i)
{
	return machine_slab_of(object(i, 0));
}

static inline struct kmem_cache_cpu *cpu_slab(u32 cpu)
{
	return per_cpu_ptr(f.s->cpu_slab, cpu);
}

static inline u64 passed(u32 tracepoint)
{
	return rt_trace_counts()[tracepoint];
}

/* The node's partial list, as indexes into the slabs filled. */
static inline void expect_partial(const char *what, const u32 *slabs, u32 nr)
{
	const struct page *p;
	u32 i = 0;

	list_for_each_entry(p, &f.n->partial, lru) {
		if (i >= nr || p != slab(slabs[i]))
			fail_msg("%s: entry %u of the partial list is wrong", what, i);
		i++;
	}
	assert_int_equal(i, nr);
	assert_int_equal(f.n->nr_partial, nr);
}
#define EXPECT_PARTIAL(what, ...)                                                                  \
	do {                                                                                       \
		static const u32 expected[] = { __VA_ARGS__ };                                     \
		expect_partial(what, expected, ARRAY_SIZE(expected));                              \
	} while (0)

static inline void expect_cpu_chain(u32 cpu, const u32 *slabs, u32 nr)
{
	const struct page *p = cpu_slab(cpu)->partial;

	for (u32 i = 0; i < nr; i++, p = p->next) {
		assert_ptr_equal(p, slab(slabs[i]));
		assert_int_equal(p->slabs, nr - i);
		assert_true(counters_frozen(p->counters));
	}
	assert_null(p);
}
#define EXPECT_CPU_CHAIN(cpu, ...)                                                                 \
	do {                                                                                       \
		static const u32 expected[] = { __VA_ARGS__ };                                     \
		expect_cpu_chain(cpu, expected, ARRAY_SIZE(expected));                             \
	} while (0)

#endif
