/*
 * slub_machine.h - a small machine for the slab layer's tests.
 *
 * Boots zones DMA and DMA32 in simulated RAM (a second node, when asked for,
 * has the upper half) with per-CPU lists in operation, and brings up one slab
 * policy. Everything lies in the first 64 MiB of physical memory that the
 * buddy allocator never gets: kernel data at 16 MiB, what follows it behind.
 */
#ifndef TESTS_UNIT_SLUB_MACHINE_H
#define TESTS_UNIT_SLUB_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/mm/inspect.h"
#include "models/mm/mm.h"
#include "models/mm/slub.h"
#include "models/rt/rt.h"
#include "sim/engine/ram.h"

/* kernel.h maps these to the simulated ones; tests mean the host's. */
#undef memset
#undef memcpy

#define MACHINE_KERNEL_PFN 0x1000ull /* 16 MiB */
#define MACHINE_FREE_PFN 0x4000ull   /* 64 MiB: from here on free */
#define MACHINE_PERCPU_BYTES (256ull << 10)
#define MACHINE_NO_NODE (-1)

struct machine {
	const struct mm_ops *mm;
	const struct slab_ops *slab;
	u64 max_pfn;
	u32 nr_cpus;
};

static inline const struct slab_ops *machine_policy(const struct mm_ops *mm, const char *name)
{
	for (u32 i = 0; i < mm->nr_policies; i++)
		if (!strcmp(mm->policies[i]->name, name))
			return mm->policies[i]->ops;
	fail_msg("no slab policy %s", name);
	return NULL;
}

/* Lay out what boot firmware and early allocations would have set aside. */
static inline void machine_memory_map(struct machine *m, u32 nr_nodes, struct mm_boot *boot,
				      u64 memmap_phys)
{
	u64 phys = KERNEL_DATA_PHYS + KERNEL_DATA_BYTES;

	for (u32 nid = 0; nid < nr_nodes; nid++, phys += 16384)
		boot->node_data_phys[nid] = phys;
	for (u32 cpu = 0; cpu < m->nr_cpus; cpu++, phys += MACHINE_PERCPU_BYTES)
		boot->percpu_phys[cpu] = phys;
	boot->mem_section_phys = phys;
	boot->percpu_unit_bytes = MACHINE_PERCPU_BYTES;
	assert_true(phys + 65536 <= memmap_phys);
}

static inline struct mm_params machine_default_params(void)
{
	return (struct mm_params){ .slub_cpu_partial = true, .page_group_by_mobility = true };
}

/*
 * DMA and DMA32, the upper half of what is free on the second node if there is one; memory
 * from frame normal on is in zone NORMAL. Returns how many zones.
 */
static inline u32 machine_zones(struct mm_zone_boot *zones, u32 nr_nodes, u64 end, u64 normal)
{
	u64 split = nr_nodes == 2 ? (MACHINE_FREE_PFN + end) / 2 : end, border = min(normal, end);
	u64 cuts[] = { 0x1000, min(split, border), max(split, border), end };
	u32 n = 0;

	zones[n++] = (struct mm_zone_boot){ 0, ZONE_DMA, 1, 0xfff, 0xf00 };
	for (u32 i = 0; i < 3; i++)
		if (cuts[i] < cuts[i + 1])
			zones[n++] = (struct mm_zone_boot){ cuts[i] >= split,
							    cuts[i] >= normal ? ZONE_NORMAL : ZONE_DMA32,
							    cuts[i], cuts[i + 1] - cuts[i],
							    cuts[i + 1] - cuts[i] };
	return n;
}

/*
 * free_mib: what the buddy allocator gets; a multiple of 4, of 8 with two nodes.
 * normal: first frame of zone NORMAL, a multiple of 1024; ~0 without one.
 */
static inline struct machine machine_boot_zones(const struct mm_ops *mm, const char *policy,
						u32 nr_cpus, u32 nr_nodes, u64 free_mib, u64 normal,
						const struct mm_params *params)
{
	struct machine m = { .mm = mm, .nr_cpus = nr_cpus };
	u64 end = MACHINE_FREE_PFN + free_mib * 256;
	u64 memmap_bytes = ALIGN(end * sizeof(struct page), 4096ul);
	u64 memmap_phys = MACHINE_FREE_PFN * 4096 - memmap_bytes;
	struct mm_params usual = machine_default_params();
	struct mm_zone_boot zones[4];
	struct mm_range free = { MACHINE_FREE_PFN, end };
	static u8 cpu_node[256];
	static const u8 distance[4] = { 10, 20, 20, 10 };
	struct mm_boot boot = { .nr_cpus = nr_cpus, .nr_nodes = nr_nodes, .cpu_node = cpu_node,
				.node_distance = distance, .max_pfn = end, .zones = zones,
				.free = &free, .nr_free = 1 };
	struct kms_error err = { 0 };

	boot.params = params ? params : &usual;
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		cpu_node[cpu] = nr_nodes == 2 && cpu >= nr_cpus / 2;
	boot.nr_zones = machine_zones(zones, nr_nodes, end, normal);
	m.max_pfn = end;
	ram_unmap(); /* left over when a test failed */
	if (ram_map(end * 4096, memmap_bytes, memmap_phys, &err))
		fail_msg("%s", err.text);
	machine_memory_map(&m, nr_nodes, &boot, memmap_phys);
	assert_int_equal(rt_init(&(struct rt_config){ 0 }, nr_cpus, &err), 0);
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		rt_set_percpu(cpu, PAGE_OFFSET + boot.percpu_phys[cpu]);
	rt_enter_cpu(0);
	mm->boot(&boot);
	m.slab = machine_policy(mm, policy);
	m.slab->init();
	if (m.slab->init_late)
		m.slab->init_late();
	mm->setup_pagesets();
	mm->init_watermarks();
	for (u32 cpu = 1; cpu < nr_cpus; cpu++) {
		if (m.slab->cpu_prepare)
			m.slab->cpu_prepare(cpu);
		mm->cpu_online(cpu);
	}
	return m;
}

static inline struct machine machine_boot(const struct mm_ops *mm, const char *policy, u32 nr_cpus,
					  u32 nr_nodes, u64 free_mib, const struct mm_params *params)
{
	return machine_boot_zones(mm, policy, nr_cpus, nr_nodes, free_mib, ~0ull, params);
}

static inline void machine_off(void)
{
	ram_unmap();
}

/* The invariants of the slab layer, or a failed test. */
static inline void machine_check_slabs(void)
{
	struct kms_error err = { 0 };

	if (mm_check_slabs(&err))
		fail_msg("%s", err.text);
}

static inline struct kmem_cache *machine_cache(struct machine *m, u32 size, u32 align, u32 flags)
{
	struct kmem_cache_args args = { .name = 1, .size = size, .align = align, .flags = flags };
	struct kmem_cache *s = m->slab->cache_create(&args);

	assert_non_null(s);
	return s;
}

static inline struct mm_cache_info machine_cache_info(const struct kmem_cache *s)
{
	struct mm_cache_info infos[256];
	u32 n = mm_inspect_caches(infos, 256);

	assert_true(n <= 256);
	for (u32 i = 0; i < n; i++)
		if (infos[i].cache == s)
			return infos[i];
	fail_msg("slab cache is not listed");
	return infos[0];
}

static inline const struct page *machine_slab_of(const void *object)
{
	return virt_to_head_page(object);
}

#endif
