/*
 * rt_memblock.c - machine layouts: zones, free ranges, and no page used twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/rt/memblock.h"
#include "sim/engine/ram.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define PAGE 4096u

static const struct memory_config defaults = {
    .size_bytes = GIB,
    .dma_limit_bytes = 16 * MIB,
    .dma32_limit_bytes = 4 * GIB,
    .kernel_image_bytes = 8 * MIB,
    .low_reserved_bytes = MIB,
    .node_distance = 21,
};

/* ---- every page has one use ---- */

static u8 *used;

static void use(const struct memblock *mb, u64 phys, u64 bytes)
{
	assert_true(phys % PAGE == 0);
	assert_true(phys + bytes <= mb->ram_bytes);
	for (u64 pfn = phys / PAGE; pfn < (phys + bytes + PAGE - 1) / PAGE; pfn++) {
		assert_int_equal(used[pfn], 0);
		used[pfn] = 1;
	}
}

static u64 use_data(const struct memblock *mb)
{
	u64 sections = (mb->boot.max_pfn + 32767) / 32768, before = 0, after = 0;

	used = calloc(mb->boot.max_pfn, 1);
	use(mb, 16 * MIB, mb->image_bytes);
	before = mb->image_bytes / PAGE;
	for (u32 i = 0; i < mb->boot.nr_nodes; i++)
		use(mb, mb->boot.node_data_phys[i], memblock_sizes.pgdat);
	for (u32 i = 0; i < mb->boot.nr_cpus; i++)
		use(mb, mb->boot.percpu_phys[i], mb->boot.percpu_unit_bytes);
	use(mb, mb->boot.mem_section_phys, sections * 88);
	for (u32 i = 0; i < mb->nr_pieces; i++)
		use(mb, mb->pieces[i].phys, mb->pieces[i].bytes);
	for (u64 pfn = 0; pfn < mb->boot.max_pfn; pfn++)
		after += used[pfn];
	return (after - before) * PAGE;
}

/* Each zone's struct pages are backed, and nothing overlaps. Frees `used`. */
static void check_layout(const struct memblock *mb)
{
	u64 data = use_data(mb), last = 0;

	assert_int_equal(data, mb->node_data_bytes + mb->percpu_bytes + mb->section_bytes +
				   mb->vmemmap_phys_bytes);
	for (u32 i = 0; i < mb->boot.nr_free; i++) {
		const struct mm_range *range = &mb->boot.free[i];

		assert_true(range->pfn >= last && range->pfn < range->end);
		last = range->end;
		use(mb, range->pfn * PAGE, (range->end - range->pfn) * PAGE);
	}
	for (u32 i = 0; i < mb->boot.nr_zones; i++) {
		const struct mm_zone_boot *z = &mb->boot.zones[i];
		u64 at = z->start_pfn * 64, end = (z->start_pfn + z->spanned) * 64;

		for (u32 p = 0; p < mb->nr_pieces && at < end; p++)
			if (at >= mb->pieces[p].start &&
			    at < mb->pieces[p].start + mb->pieces[p].bytes)
				at = mb->pieces[p].start + mb->pieces[p].bytes;
		assert_true(at >= end);
	}
	free(used);
}

static u64 free_bytes(const struct memblock *mb)
{
	u64 pages = 0;

	for (u32 i = 0; i < mb->boot.nr_free; i++)
		pages += mb->boot.free[i].end - mb->boot.free[i].pfn;
	return pages * PAGE;
}

static void check_partition(const struct memblock *mb)
{
	assert_int_equal(mb->ram_bytes, free_bytes(mb) + mb->firmware_bytes + mb->image_bytes +
					    mb->node_data_bytes + mb->percpu_bytes +
					    mb->section_bytes + mb->vmemmap_phys_bytes +
					    mb->other_reserved_bytes);
}

static void check_zone(const struct memblock *mb, u32 i, u32 node, u32 zone, u64 start, u64 end)
{
	assert_true(i < mb->boot.nr_zones);
	assert_int_equal(mb->boot.zones[i].node, node);
	assert_int_equal(mb->boot.zones[i].zone_idx, zone);
	assert_int_equal(mb->boot.zones[i].start_pfn, start);
	assert_int_equal(mb->boot.zones[i].spanned, end - start);
	assert_int_equal(mb->boot.zones[i].present, end - start);
}

/* ---- configured machines ---- */

static void test_one_node(void **state)
{
	struct memblock mb;

	(void)state;
	assert_int_equal(memblock_from_config(&mb, &defaults, 4, NULL), 0);
	check_layout(&mb);
	check_partition(&mb);
	assert_int_equal(mb.boot.max_pfn, GIB / PAGE);
	assert_int_equal(mb.boot.nr_zones, 2);
	check_zone(&mb, 0, 0, 0, 1, 0x1000);
	check_zone(&mb, 1, 0, 1, 0x1000, 0x40000);
	assert_int_equal(mb.boot.nr_free, 2);
	assert_int_equal(mb.boot.free[0].pfn, 0x100);
	assert_int_equal(mb.boot.free[0].end, 0x1000);
	assert_int_equal(mb.boot.free[1].end, 0x40000);
	/* image, node data, 4 x 128 KiB, sections, 16 MiB of struct pages */
	assert_int_equal(mb.boot.node_data_phys[0], 24 * MIB);
	assert_int_equal(mb.boot.percpu_phys[0], 24 * MIB + 4 * PAGE);
	assert_int_equal(mb.boot.percpu_phys[3], 24 * MIB + 4 * PAGE + 3 * 128 * 1024);
	assert_int_equal(mb.vmemmap_bytes, 16 * MIB);
	assert_int_equal(mb.boot.free[1].pfn, mb.pieces[0].phys / PAGE + 0x1000);
	memblock_free(&mb);
}

static void test_nodes_and_all_zones(void **state)
{
	struct node_config nodes[] = {{3 * GIB, 2}, {5 * GIB, 1}, {GIB, 0}};
	struct memory_config config = defaults;
	struct memblock mb;

	(void)state;
	config.nodes = (struct cfg_array){nodes, 3};
	config.movable_bytes = 2 * GIB;
	assert_int_equal(memblock_from_config(&mb, &config, 3, NULL), 0);
	check_layout(&mb);
	check_partition(&mb);
	assert_int_equal(mb.boot.nr_zones, 6);
	check_zone(&mb, 0, 0, 0, 1, 0x1000);
	check_zone(&mb, 1, 0, 1, 0x1000, 0xc0000);
	check_zone(&mb, 2, 1, 1, 0xc0000, 0x100000);
	check_zone(&mb, 3, 1, 2, 0x100000, 0x1c0000);
	check_zone(&mb, 4, 1, 3, 0x1c0000, 0x200000);
	check_zone(&mb, 5, 2, 3, 0x200000, 0x240000);
	assert_int_equal(mb.cpu_node[0], 0);
	assert_int_equal(mb.cpu_node[1], 0);
	assert_int_equal(mb.cpu_node[2], 1);
	assert_int_equal(mb.node_distance[0 * 3 + 0], 10);
	assert_int_equal(mb.node_distance[1 * 3 + 0], 21);
	/* data on its node; node 2 is all movable, so its data is on node 0 */
	assert_in_range(mb.boot.node_data_phys[1], 3 * GIB, 8 * GIB);
	assert_in_range(mb.boot.percpu_phys[2], 3 * GIB, 8 * GIB);
	assert_in_range(mb.boot.node_data_phys[2], 16 * MIB, 3 * GIB);
	assert_int_equal(mb.nr_pieces, 3);
	assert_in_range(mb.pieces[1].phys, 3 * GIB, 8 * GIB);
	memblock_free(&mb);
}

static void test_sizes_and_mapping(void **state)
{
	static const u64 sizes[] = {32 * MIB, 64 * MIB,      100 * MIB,
				    4 * GIB,  4 * GIB + MIB, 64 * GIB};
	struct memory_config config = defaults;
	struct memblock mb;

	(void)state;
	for (u32 i = 0; i < KMS_ARRAY_SIZE(sizes); i++) {
		config.size_bytes = sizes[i];
		assert_int_equal(memblock_from_config(&mb, &config, 1, NULL), 0);
		check_layout(&mb);
		check_partition(&mb);
		memblock_free(&mb);
	}
}

static void test_struct_pages_translate(void **state)
{
	struct node_config nodes[] = {{GIB, 1}, {GIB, 1}};
	struct memory_config config = defaults;
	struct memblock mb;

	(void)state;
	config.nodes = (struct cfg_array){nodes, 2};
	assert_int_equal(memblock_from_config(&mb, &config, 2, NULL), 0);
	assert_int_equal(memblock_map(&mb, NULL), 0);
	assert_int_equal(ram_bytes(), 2 * GIB);
	assert_int_equal(ram_phys(SIM_WINDOW2_OFF), mb.pieces[0].phys);
	assert_int_equal(ram_phys(SIM_WINDOW2_OFF + 0x40000 * 64 - 1),
			 mb.pieces[0].phys + 16 * MIB - 1);
	assert_int_equal(ram_phys(SIM_WINDOW2_OFF + 0x40000 * 64), mb.pieces[1].phys);
	assert_in_range(mb.pieces[1].phys, GIB, 2 * GIB);
	ram_unmap();
	memblock_free(&mb);
}

static void expect_refusal(const struct memory_config *config, u32 cpus, const char *text)
{
	struct kms_error err = {KMS_OK, ""};
	struct memblock mb;

	assert_int_equal(memblock_from_config(&mb, config, cpus, &err), KMS_EUSAGE);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" not in \"%s\"", text, err.text);
	assert_null(mb.free);
}

static void test_impossible_machines(void **state)
{
	struct node_config nodes[] = {{GIB, 2}, {GIB, 1}};
	struct memory_config config = defaults;

	(void)state;
	config.size_bytes = 20 * MIB;
	expect_refusal(&config, 1, "node 0 has 20 MiB of RAM, expected more than the 24 MiB");
	config.size_bytes = 25 * MIB;
	expect_refusal(&config, 8, "no room for");
	config.size_bytes = GIB + 1;
	expect_refusal(&config, 4, "node 0 has 1073741825 bytes of memory, expected whole MiB");
	config.size_bytes = GIB;
	expect_refusal(&config, 0, "0 CPUs");
	expect_refusal(&config, 257, "257 CPUs, expected 1 to 256");
	config.movable_bytes = GIB;
	expect_refusal(&config, 1, "1024 MiB of ZONE_MOVABLE, expected at most the 1008 MiB");
	config.movable_bytes = 0;
	config.dma32_limit_bytes = MIB;
	expect_refusal(&config, 1, "ZONE_DMA32 ends at 1 MiB, below the end of ZONE_DMA");
	config = defaults;
	config.low_reserved_bytes = 17 * MIB;
	expect_refusal(&config, 1, "17 MiB reserved for firmware");
	config = defaults;
	config.nodes = (struct cfg_array){nodes, 2};
	expect_refusal(&config, 4, "the nodes have 3 CPUs together, expected the machine's 4");
	nodes[1].memory_bytes = 0;
	expect_refusal(&config, 3, "node 1 has 0 bytes");
}

/* ---- recorded machines ---- */

/* A machine of 2 x 128 MiB as a kernel recorded it. */
static const struct mm_zone_boot numa_zones[] = {
    {0, 0, 0x1, 4095, 3998},
    {0, 1, 0x1000, 28672, 28672},
    {1, 1, 0x8000, 32768, 32768},
};
static const struct mm_range numa_free[] = {
    {0x100, 0x1000},  {0x2208, 0x7a00}, {0x7a31, 0x7b00}, {0x7b31, 0x7c00}, {0x7e00, 0x7ff8},
    {0x8000, 0xfa00}, {0xfa31, 0xfb00}, {0xfb31, 0xfc00}, {0xfe00, 0xfff3},
};
static const struct mm_range numa_late[] = {{0x1802, 0x1a00}, {0x1b65, 0x1c00}, {0x1f5f, 0x203f}};
static const u8 numa_cpu_node[] = {0, 0, 1, 1};

static const struct memblock_recording numa = {
    .nr_cpus = 4,
    .nr_nodes = 2,
    .cpu_node = numa_cpu_node,
    .zones = numa_zones,
    .nr_zones = 3,
    .free = numa_free,
    .nr_free = KMS_ARRAY_SIZE(numa_free),
    .late = numa_late,
    .nr_late = KMS_ARRAY_SIZE(numa_late),
};

static void test_recorded_map_is_kept(void **state)
{
	struct memblock mb;

	(void)state;
	assert_int_equal(memblock_from_recording(&mb, &numa, NULL), 0);
	check_layout(&mb);
	check_partition(&mb);
	assert_int_equal(mb.boot.max_pfn, 0x10000);
	assert_int_equal(mb.boot.nr_free, numa.nr_free);
	assert_memory_equal(mb.boot.free, numa_free, sizeof(numa_free));
	assert_memory_equal(mb.boot.zones, numa_zones, sizeof(numa_zones));
	/* node 1 has room for its struct pages between its free ranges */
	assert_in_range(mb.boot.node_data_phys[1] / PAGE, 0x8000, 0xffff);
	assert_int_equal(mb.pieces[1].phys / PAGE, 0xfc00);
	/* memory that is released later must stay clear */
	use_data(&mb);
	for (u32 i = 0; i < numa.nr_late; i++)
		for (u64 pfn = numa_late[i].pfn; pfn < numa_late[i].end; pfn++)
			assert_int_equal(used[pfn], 0);
	free(used);
	memblock_free(&mb);
}

static void expect_no_room(const struct memblock_recording *recording, const char *text)
{
	struct kms_error err = {KMS_OK, ""};
	struct memblock mb;

	assert_int_equal(memblock_from_recording(&mb, recording, &err), KMS_EUSAGE);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" not in \"%s\"", text, err.text);
	assert_null(mb.free);
}

static void test_impossible_recordings(void **state)
{
	struct mm_range everything[] = {{1, 0x10000}}, much[] = {{0x1010, 0x10000}};
	struct mm_range wrong[] = {{0x2000, 0x3000}, {0x2fff, 0x4000}};
	struct memblock_recording r = numa;
	const u8 cpu_node[] = {0, 0, 2, 1};

	(void)state;
	r.free = everything;
	r.nr_free = 1;
	expect_no_room(&r, "covers the kernel's data at 16 MiB");
	r.free = much;
	expect_no_room(&r, "no room for");
	r.free = wrong;
	r.nr_free = 2;
	expect_no_room(&r, "recorded free range 1 (pfn 0x2fff to 0x4000) is empty or out of order");
	r = numa;
	r.cpu_node = cpu_node;
	expect_no_room(&r, "recorded CPU 2 is on node 2 of 2");
	r = numa;
	r.nr_zones = 0;
	expect_no_room(&r, "0 recorded zones");
	r = numa;
	r.nr_nodes = 1;
	expect_no_room(&r, "recorded zone 2 (node 1, zone 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_node),
	    cmocka_unit_test(test_nodes_and_all_zones),
	    cmocka_unit_test(test_sizes_and_mapping),
	    cmocka_unit_test(test_struct_pages_translate),
	    cmocka_unit_test(test_impossible_machines),
	    cmocka_unit_test(test_recorded_map_is_kept),
	    cmocka_unit_test(test_impossible_recordings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
