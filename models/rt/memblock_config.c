/*
 * memblock_config.c - the layout of a configured machine; see memblock.h.
 */
#include <string.h>

#include "models/rt/memblock_internal.h"

#define PAGES_PER_MAX_ORDER 1024u

static int read_node(struct layout *l, const struct node_config *node, u32 i, u32 *cpu)
{
	u64 start = i ? l->node[i - 1].end : 0;

	if (!node->memory_bytes || node->memory_bytes % MIB || node->memory_bytes > SIM_WINDOW2_OFF)
		return kms_fail(l->err, KMS_EUSAGE,
				"node %u has %llu bytes of memory, expected whole MiB, at least 1",
				i, (unsigned long long)node->memory_bytes);
	l->node[i] = (struct mm_range){start, start + PFN(node->memory_bytes)};
	for (u64 n = 0; n < node->cpus && *cpu < l->nr_cpus; n++)
		l->mb->cpu_node[(*cpu)++] = (u8)i;
	return 0;
}

static int read_nodes(struct layout *l, const struct memory_config *memory)
{
	const struct node_config *nodes = memory->nodes.items;
	struct node_config single = {memory->size_bytes, l->nr_cpus};
	u64 cpus = 0;
	u32 cpu = 0;
	int rc = 0;

	if (!memory->nodes.n)
		nodes = &single;
	for (u32 i = 0; i < l->nr_nodes && !rc; i++) {
		rc = read_node(l, &nodes[i], i, &cpu);
		cpus += nodes[i].cpus;
	}
	if (!rc && cpus != l->nr_cpus)
		return kms_fail(l->err, KMS_EUSAGE,
				"the nodes have %llu CPUs together, expected the machine's %u",
				(unsigned long long)cpus, l->nr_cpus);
	return rc;
}

/* Ends of the zones in pfns: [zone], ZONE_MOVABLE taken from the top of the highest other zone. */
static int zone_limits(struct layout *l, const struct memory_config *memory, u64 *limits)
{
	u64 max_pfn = l->mb->boot.max_pfn, movable = PFN_UP(memory->movable_bytes), lower;
	u32 highest = ZONE_KIND_NORMAL;

	limits[ZONE_KIND_DMA] = PFN(memory->dma_limit_bytes);
	limits[ZONE_KIND_DMA32] = PFN(memory->dma32_limit_bytes);
	limits[ZONE_KIND_NORMAL] = max_pfn;
	limits[ZONE_KIND_MOVABLE] = max_pfn;
	if (limits[ZONE_KIND_DMA32] < limits[ZONE_KIND_DMA])
		return kms_fail(l->err, KMS_EUSAGE,
				"ZONE_DMA32 ends at %llu MiB, below the end of ZONE_DMA",
				(unsigned long long)(memory->dma32_limit_bytes / MIB));
	while (highest && limits[highest - 1] >= max_pfn)
		highest--;
	lower = highest ? limits[highest - 1] : 0;
	if (movable > max_pfn - lower ||
	    (movable && max_pfn - movable <= PFN_UP(memblock_sizes.globals_phys)))
		return kms_fail(
		    l->err, KMS_EUSAGE,
		    "%llu MiB of ZONE_MOVABLE, expected at most the %llu MiB of the highest zone",
		    (unsigned long long)(memory->movable_bytes / MIB),
		    (unsigned long long)((max_pfn - lower) * SIM_PAGE_BYTES / MIB));
	if (movable)
		for (u32 z = highest; z <= ZONE_KIND_NORMAL; z++)
			limits[z] = (max_pfn - movable) / PAGES_PER_MAX_ORDER * PAGES_PER_MAX_ORDER;
	return 0;
}

static void make_zones(struct layout *l, const u64 *limits)
{
	struct memblock *mb = l->mb;

	for (u32 node = 0; node < l->nr_nodes; node++) {
		/* page 0 is the firmware's: the kernel never counts it as memory */
		u64 at = node ? l->node[node].pfn : 1;

		for (u32 z = 0; z < ZONE_KINDS; z++) {
			u64 end = limits[z] < l->node[node].end ? limits[z] : l->node[node].end;

			if (end <= at)
				continue;
			mb->zones[mb->boot.nr_zones++] =
			    (struct mm_zone_boot){node, z, at, end - at, end - at};
			at = end;
		}
	}
}

/* What is left of the gaps goes to the buddy allocator, cut where zones end. */
static void add_free(struct memblock *mb, u64 pfn, u64 end)
{
	for (u32 i = 0; i < mb->boot.nr_zones; i++) {
		const struct mm_zone_boot *zone = &mb->zones[i];
		u64 from = pfn > zone->start_pfn ? pfn : zone->start_pfn;
		u64 zone_end = zone->start_pfn + zone->spanned,
		    to = end < zone_end ? end : zone_end;

		if (from < to)
			mb->free[mb->boot.nr_free++] = (struct mm_range){from, to};
	}
}

static int release_rest(struct layout *l, u64 low_end)
{
	struct memblock *mb = l->mb;
	u64 image = PFN(memblock_sizes.globals_phys);
	/* every node has one gap left; node 0 has another below the image */
	int rc = memblock_alloc_free_list(mb, (l->nr_nodes + 1) * ZONE_KINDS, l->err);

	if (rc)
		return rc;
	add_free(mb, low_end, image);
	for (u32 i = 0; i < l->nr_nodes; i++)
		add_free(mb, l->gaps[i].ranges[0].pfn, l->gaps[i].ranges[0].end);
	return 0;
}

/*
 * Memory above the last directly usable zone must not hold kernel data: gaps
 * end where ZONE_MOVABLE begins, and get the rest back afterwards.
 */
static int make_gaps(struct layout *l, u64 image_end, u64 movable_start)
{
	int rc = 0;

	for (u32 i = 0; i < l->nr_nodes && !rc; i++) {
		u64 start = i ? l->node[i].pfn : image_end;
		u64 end = l->node[i].end < movable_start ? l->node[i].end : movable_start;

		if (start >= end && !i)
			return kms_fail(l->err, KMS_EUSAGE,
					"node 0 has %llu MiB of RAM, expected more than the %llu "
					"MiB up to the end "
					"of the kernel image",
					(unsigned long long)(l->node[0].end * SIM_PAGE_BYTES / MIB),
					(unsigned long long)(image_end * SIM_PAGE_BYTES / MIB));
		/* a node of movable memory only: its data goes to node 0 */
		rc = memblock_add_gap(l, i, start, end > start ? end : start);
	}
	return rc;
}

static int lay_out(struct layout *l, const struct memory_config *memory)
{
	struct memblock *mb = l->mb;
	u64 limits[ZONE_KINDS], image = memory->kernel_image_bytes,
				low = PFN_UP(memory->low_reserved_bytes);
	u64 image_pfn = PFN(memblock_sizes.globals_phys), image_end;
	int rc = zone_limits(l, memory, limits);

	if (rc)
		return rc;
	if (image < memblock_sizes.globals)
		image = memblock_sizes.globals;
	image_end = image_pfn + PFN_UP(image);
	low = low ? low : 1;
	if (low > image_pfn)
		return kms_fail(l->err, KMS_EUSAGE,
				"%llu MiB reserved for firmware, expected at most 16 MiB",
				(unsigned long long)(memory->low_reserved_bytes / MIB));
	make_zones(l, limits);
	mb->firmware_bytes = low << SIM_PAGE_SHIFT;
	mb->image_bytes = (image_end - image_pfn) << SIM_PAGE_SHIFT;
	rc = make_gaps(l, image_end, limits[ZONE_KIND_NORMAL]);
	if (!rc)
		rc = memblock_place_kernel_data(l);
	for (u32 i = 0; i < l->nr_nodes && !rc; i++)
		l->gaps[i].ranges[0].end = l->node[i].end;
	return rc ? rc : release_rest(l, low);
}

int memblock_from_config(struct memblock *mb, const struct memory_config *memory, u32 nr_cpus,
			 struct kms_error *err)
{
	return memblock_from_config_sized(mb, memory, nr_cpus, MEMBLOCK_PERCPU_UNIT, err);
}

int memblock_from_config_sized(struct memblock *mb, const struct memory_config *memory, u32 nr_cpus,
			       u64 percpu_unit_bytes, struct kms_error *err)
{
	u64 nr_nodes = memory->nodes.n ? memory->nodes.n : 1;
	int rc = memblock_check_counts(nr_cpus, nr_nodes, err);
	struct layout l;

	memset(mb, 0, sizeof(*mb));
	if (rc)
		return rc;
	memblock_begin(&l, mb, nr_cpus, (u32)nr_nodes,
		       memory->node_distance ? memory->node_distance : 20, err);
	mb->boot.percpu_unit_bytes = percpu_unit_bytes;
	rc = read_nodes(&l, memory);
	if (!rc) {
		mb->boot.max_pfn = l.node[nr_nodes - 1].end;
		mb->ram_bytes = mb->boot.max_pfn << SIM_PAGE_SHIFT;
		rc = lay_out(&l, memory);
	}
	return memblock_finish(&l, rc);
}
