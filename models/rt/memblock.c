/*
 * memblock.c - places the kernel's boot-time data and derives zones; see memblock.h.
 *
 * Both kinds of machine end in the same step: every node has a list of gaps
 * (ranges it may put data into), from which pieces are cut first fit.
 */
#include "models/rt/memblock.h"

#include <stdlib.h>
#include <string.h>

#include "sim/engine/ram.h"

#define MIB (1ull << 20)
#define PFN(bytes) ((bytes) >> SIM_PAGE_SHIFT)
#define PFN_UP(bytes) PFN((bytes) + SIM_PAGE_BYTES - 1)
#define PAGES_PER_MAX_ORDER 1024u
/* struct pages that share a page of the vmemmap */
#define PFNS_PER_VMEMMAP_PAGE 64u
#define ZONE_KINDS 4u
enum { DMA, DMA32, NORMAL, MOVABLE };

struct gap_list {
	struct mm_range *ranges;
	u32 n, capacity;
};

struct layout {
	struct memblock *mb;
	struct gap_list gaps[MEMBLOCK_MAX_NODES];
	struct mm_range node[MEMBLOCK_MAX_NODES];
	u32 nr_nodes, nr_cpus;
	struct kms_error *err;
};

/* ---- gaps ---- */

static int gap_add(struct layout *l, u32 node, u64 pfn, u64 end)
{
	struct gap_list *list = &l->gaps[node];

	if (list->n == list->capacity) {
		u32 capacity = list->capacity ? 2 * list->capacity : 16;
		struct mm_range *ranges = realloc(list->ranges, capacity * sizeof(*ranges));

		if (!ranges)
			return kms_fail(l->err, KMS_EFAIL, "out of memory for a memory map");
		list->ranges = ranges;
		list->capacity = capacity;
	}
	list->ranges[list->n++] = (struct mm_range){ pfn, end };
	return 0;
}

static void gaps_free(struct layout *l)
{
	for (u32 i = 0; i < MEMBLOCK_MAX_NODES; i++)
		free(l->gaps[i].ranges);
}

/* First fit, from the lower end of the gap. 0: no room. */
static u64 gap_take(struct layout *l, u32 node, u64 pages)
{
	struct gap_list *list = &l->gaps[node];

	for (u32 i = 0; i < list->n; i++) {
		struct mm_range *gap = &list->ranges[i];

		if (gap->end - gap->pfn < pages)
			continue;
		gap->pfn += pages;
		return gap->pfn - pages;
	}
	return 0;
}

/* A place on the node, else on node 0. Bytes are rounded up to pages and added to *sum. */
static int place(struct layout *l, u32 node, u64 bytes, const char *what, u64 *phys, u64 *sum)
{
	u64 pages = PFN_UP(bytes), pfn = gap_take(l, node, pages);

	if (!pfn && node)
		pfn = gap_take(l, 0, pages);
	if (!pfn)
		return kms_fail(l->err, KMS_EUSAGE,
				"no room for %llu KiB of %s on node %u: expected RAM from 16 MiB up that the "
				"buddy allocator does not get",
				(unsigned long long)pages * 4, what, node);
	*phys = pfn << SIM_PAGE_SHIFT;
	*sum += pages << SIM_PAGE_SHIFT;
	return 0;
}

/* ---- the kernel's data ---- */

static int place_nodes_and_cpus(struct layout *l)
{
	struct memblock *mb = l->mb;
	u64 sections = (mb->boot.max_pfn + memblock_sizes.section_pages - 1) / memblock_sizes.section_pages;
	int rc = 0;

	for (u32 i = 0; i < l->nr_nodes && !rc; i++)
		rc = place(l, i, memblock_sizes.pgdat, "node data", &mb->boot.node_data_phys[i],
			   &mb->node_data_bytes);
	for (u32 i = 0; i < l->nr_cpus && !rc; i++)
		rc = place(l, mb->cpu_node[i], MEMBLOCK_PERCPU_UNIT, "per-CPU memory",
			   &mb->boot.percpu_phys[i], &mb->percpu_bytes);
	if (!rc)
		rc = place(l, 0, sections * (memblock_sizes.section + memblock_sizes.section_usage),
			   "section table", &mb->boot.mem_section_phys, &mb->section_bytes);
	return rc;
}

/* struct pages for [pfn, end), which may begin in the middle of a page that is there already. */
static int place_vmemmap(struct layout *l, u32 node, u64 pfn, u64 end)
{
	struct memblock *mb = l->mb;
	struct memblock_piece *v = &mb->pieces[mb->nr_pieces];
	u64 start = pfn / PFNS_PER_VMEMMAP_PAGE * PFNS_PER_VMEMMAP_PAGE * memblock_sizes.page;
	u64 stop = PFN_UP(end * memblock_sizes.page) << SIM_PAGE_SHIFT;

	if (mb->nr_pieces && start < v[-1].start + v[-1].bytes)
		start = v[-1].start + v[-1].bytes;
	if (start >= stop)
		return 0;
	if (mb->nr_pieces == KMS_ARRAY_SIZE(mb->pieces))
		return kms_fail(l->err, KMS_EUSAGE, "the memory map is in more than %zu pieces",
				KMS_ARRAY_SIZE(mb->pieces));
	v->start = start;
	v->bytes = stop - start;
	mb->nr_pieces++;
	mb->vmemmap_bytes = stop;
	return place(l, node, v->bytes, "struct pages", &v->phys, &mb->vmemmap_phys_bytes);
}

/* Zones that touch share a stretch; a hole between zones has no struct pages. */
static int place_all_vmemmap(struct layout *l)
{
	const struct mm_boot *boot = &l->mb->boot;
	int rc = 0;

	for (u32 i = 0; i < boot->nr_zones && !rc;) {
		const struct mm_zone_boot *first = &boot->zones[i];
		u64 end = first->start_pfn + first->spanned;

		for (i++; i < boot->nr_zones && boot->zones[i].node == first->node &&
			  boot->zones[i].start_pfn == end; i++)
			end += boot->zones[i].spanned;
		rc = place_vmemmap(l, first->node, first->start_pfn, end);
	}
	return rc;
}

static int place_kernel_data(struct layout *l)
{
	int rc = place_nodes_and_cpus(l);

	return rc ? rc : place_all_vmemmap(l);
}

/* ---- what both kinds of machine have in common ---- */

static void begin(struct layout *l, struct memblock *mb, u32 nr_cpus, u32 nr_nodes, u64 distance,
		  struct kms_error *err)
{
	memset(l, 0, sizeof(*l));
	memset(mb, 0, sizeof(*mb));
	l->mb = mb;
	l->nr_cpus = nr_cpus;
	l->nr_nodes = nr_nodes;
	l->err = err;
	for (u32 i = 0; i < nr_nodes * nr_nodes; i++)
		mb->node_distance[i] = i / nr_nodes == i % nr_nodes ? 10 : (u8)distance;
	mb->boot.nr_cpus = nr_cpus;
	mb->boot.nr_nodes = nr_nodes;
	mb->boot.cpu_node = mb->cpu_node;
	mb->boot.node_distance = mb->node_distance;
	mb->boot.zones = mb->zones;
	mb->boot.percpu_unit_bytes = MEMBLOCK_PERCPU_UNIT;
}

static int finish(struct layout *l, int rc)
{
	if (rc)
		memblock_free(l->mb);
	gaps_free(l);
	return rc;
}

static int check_counts(u32 nr_cpus, u64 nr_nodes, struct kms_error *err)
{
	if (!nr_cpus || nr_cpus > MEMBLOCK_MAX_CPUS)
		return kms_fail(err, KMS_EUSAGE, "%u CPUs, expected 1 to %d", nr_cpus, MEMBLOCK_MAX_CPUS);
	if (!nr_nodes || nr_nodes > MEMBLOCK_MAX_NODES)
		return kms_fail(err, KMS_EUSAGE, "%llu nodes, expected 1 to %d",
				(unsigned long long)nr_nodes, MEMBLOCK_MAX_NODES);
	return 0;
}

static int free_list_alloc(struct memblock *mb, u32 n, struct kms_error *err)
{
	mb->free = calloc(n ? n : 1, sizeof(*mb->free));
	mb->boot.free = mb->free;
	return mb->free ? 0 : kms_fail(err, KMS_EFAIL, "out of memory for a memory map");
}

void memblock_free(struct memblock *mb)
{
	free(mb->free);
	memset(mb, 0, sizeof(*mb));
}

int memblock_map(const struct memblock *mb, struct kms_error *err)
{
	int rc = ram_map(mb->ram_bytes, mb->vmemmap_bytes, mb->pieces[0].phys, err);

	for (u32 i = 0; i < mb->nr_pieces && !rc; i++)
		rc = ram_back_window2(mb->pieces[i].start, mb->pieces[i].bytes, mb->pieces[i].phys, err);
	return rc;
}

/* ---- configured machines ---- */

static int read_node(struct layout *l, const struct node_config *node, u32 i, u32 *cpu)
{
	u64 start = i ? l->node[i - 1].end : 0;

	if (!node->memory_bytes || node->memory_bytes % MIB || node->memory_bytes > SIM_WINDOW2_OFF)
		return kms_fail(l->err, KMS_EUSAGE,
				"node %u has %llu bytes of memory, expected whole MiB, at least 1", i,
				(unsigned long long)node->memory_bytes);
	l->node[i] = (struct mm_range){ start, start + PFN(node->memory_bytes) };
	for (u64 n = 0; n < node->cpus && *cpu < l->nr_cpus; n++)
		l->mb->cpu_node[(*cpu)++] = (u8)i;
	return 0;
}

static int read_nodes(struct layout *l, const struct memory_config *memory)
{
	const struct node_config *nodes = memory->nodes.items;
	struct node_config single = { memory->size_bytes, l->nr_cpus };
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
		return kms_fail(l->err, KMS_EUSAGE, "the nodes have %llu CPUs together, expected the machine's %u",
				(unsigned long long)cpus, l->nr_cpus);
	return rc;
}

/* Ends of the zones in pfns: [zone], ZONE_MOVABLE taken from the top of the highest other zone. */
static int zone_limits(struct layout *l, const struct memory_config *memory, u64 *limits)
{
	u64 max_pfn = l->mb->boot.max_pfn, movable = PFN_UP(memory->movable_bytes), lower;
	u32 highest = NORMAL;

	limits[DMA] = PFN(memory->dma_limit_bytes);
	limits[DMA32] = PFN(memory->dma32_limit_bytes);
	limits[NORMAL] = max_pfn;
	limits[MOVABLE] = max_pfn;
	if (limits[DMA32] < limits[DMA])
		return kms_fail(l->err, KMS_EUSAGE, "ZONE_DMA32 ends at %llu MiB, below the end of ZONE_DMA",
				(unsigned long long)(memory->dma32_limit_bytes / MIB));
	while (highest && limits[highest - 1] >= max_pfn)
		highest--;
	lower = highest ? limits[highest - 1] : 0;
	if (movable > max_pfn - lower || (movable && max_pfn - movable <= PFN_UP(memblock_sizes.globals_phys)))
		return kms_fail(l->err, KMS_EUSAGE,
				"%llu MiB of ZONE_MOVABLE, expected at most the %llu MiB of the highest zone",
				(unsigned long long)(memory->movable_bytes / MIB),
				(unsigned long long)((max_pfn - lower) * SIM_PAGE_BYTES / MIB));
	if (movable)
		for (u32 z = highest; z <= NORMAL; z++)
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
			mb->zones[mb->boot.nr_zones++] = (struct mm_zone_boot){ node, z, at, end - at, end - at };
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
		u64 zone_end = zone->start_pfn + zone->spanned, to = end < zone_end ? end : zone_end;

		if (from < to)
			mb->free[mb->boot.nr_free++] = (struct mm_range){ from, to };
	}
}

static int release_rest(struct layout *l, u64 low_end)
{
	struct memblock *mb = l->mb;
	u64 image = PFN(memblock_sizes.globals_phys);
	/* every node has one gap left; node 0 has another below the image */
	int rc = free_list_alloc(mb, (l->nr_nodes + 1) * ZONE_KINDS, l->err);

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
					"node 0 has %llu MiB of RAM, expected more than the %llu MiB up to the end "
					"of the kernel image",
					(unsigned long long)(l->node[0].end * SIM_PAGE_BYTES / MIB),
					(unsigned long long)(image_end * SIM_PAGE_BYTES / MIB));
		/* a node of movable memory only: its data goes to node 0 */
		rc = gap_add(l, i, start, end > start ? end : start);
	}
	return rc;
}

static int lay_out(struct layout *l, const struct memory_config *memory)
{
	struct memblock *mb = l->mb;
	u64 limits[ZONE_KINDS], image = memory->kernel_image_bytes, low = PFN_UP(memory->low_reserved_bytes);
	u64 image_pfn = PFN(memblock_sizes.globals_phys), image_end;
	int rc = zone_limits(l, memory, limits);

	if (rc)
		return rc;
	if (image < memblock_sizes.globals)
		image = memblock_sizes.globals;
	image_end = image_pfn + PFN_UP(image);
	low = low ? low : 1;
	if (low > image_pfn)
		return kms_fail(l->err, KMS_EUSAGE, "%llu MiB reserved for firmware, expected at most 16 MiB",
				(unsigned long long)(memory->low_reserved_bytes / MIB));
	make_zones(l, limits);
	mb->firmware_bytes = low << SIM_PAGE_SHIFT;
	mb->image_bytes = (image_end - image_pfn) << SIM_PAGE_SHIFT;
	rc = make_gaps(l, image_end, limits[NORMAL]);
	if (!rc)
		rc = place_kernel_data(l);
	for (u32 i = 0; i < l->nr_nodes && !rc; i++)
		l->gaps[i].ranges[0].end = l->node[i].end;
	return rc ? rc : release_rest(l, low);
}

int memblock_from_config(struct memblock *mb, const struct memory_config *memory, u32 nr_cpus,
			 struct kms_error *err)
{
	u64 nr_nodes = memory->nodes.n ? memory->nodes.n : 1;
	int rc = check_counts(nr_cpus, nr_nodes, err);
	struct layout l;

	memset(mb, 0, sizeof(*mb));
	if (rc)
		return rc;
	begin(&l, mb, nr_cpus, (u32)nr_nodes, memory->node_distance ? memory->node_distance : 20, err);
	rc = read_nodes(&l, memory);
	if (!rc) {
		mb->boot.max_pfn = l.node[nr_nodes - 1].end;
		mb->ram_bytes = mb->boot.max_pfn << SIM_PAGE_SHIFT;
		rc = lay_out(&l, memory);
	}
	return finish(&l, rc);
}

/* ---- recorded machines ---- */

static int check_zone(const struct memblock_recording *r, u32 i, struct kms_error *err)
{
	const struct mm_zone_boot *z = &r->zones[i];
	bool ascending = !i || z[-1].node < z->node || (z[-1].node == z->node && z[-1].zone_idx < z->zone_idx);

	if (z->node >= r->nr_nodes || z->zone_idx >= ZONE_KINDS || !z->spanned || z->present > z->spanned ||
	    !ascending || z->start_pfn + z->spanned > PFN(SIM_WINDOW2_OFF))
		return kms_fail(err, KMS_EUSAGE,
				"recorded zone %u (node %u, zone %u, pfn %#llx, %llu pages spanned, %llu present) is "
				"impossible or out of order",
				i, z->node, z->zone_idx, (unsigned long long)z->start_pfn,
				(unsigned long long)z->spanned, (unsigned long long)z->present);
	return 0;
}

static int check_recording(const struct memblock_recording *r, struct kms_error *err)
{
	int rc = check_counts(r->nr_cpus, r->nr_nodes, err);

	if (!rc && (!r->nr_zones || r->nr_zones > ZONE_KINDS * MEMBLOCK_MAX_NODES))
		rc = kms_fail(err, KMS_EUSAGE, "%u recorded zones, expected 1 to %d", r->nr_zones,
			      ZONE_KINDS * MEMBLOCK_MAX_NODES);
	for (u32 i = 0; i < r->nr_zones && !rc; i++)
		rc = check_zone(r, i, err);
	for (u32 i = 0; i < r->nr_free && !rc; i++)
		if (r->free[i].end <= r->free[i].pfn || (i && r->free[i].pfn < r->free[i - 1].end))
			rc = kms_fail(err, KMS_EUSAGE, "recorded free range %u (pfn %#llx to %#llx) is empty or "
				      "out of order", i, (unsigned long long)r->free[i].pfn,
				      (unsigned long long)r->free[i].end);
	for (u32 i = 0; i < r->nr_cpus && !rc; i++)
		if (r->cpu_node[i] >= r->nr_nodes)
			rc = kms_fail(err, KMS_EUSAGE, "recorded CPU %u is on node %u of %u", i, r->cpu_node[i],
				      r->nr_nodes);
	return rc;
}

/* The lowest range that begins before `end` and ends after pfn, in either list. */
static const struct mm_range *next_taken(const struct memblock_recording *r, u64 pfn, u64 end)
{
	const struct mm_range *best = NULL;

	for (u32 i = 0; i < r->nr_free + r->nr_late; i++) {
		const struct mm_range *range = i < r->nr_free ? &r->free[i] : &r->late[i - r->nr_free];

		if (range->end > pfn && range->pfn < end && (!best || range->pfn < best->pfn))
			best = range;
	}
	return best;
}

/* Gaps of one zone above the globals; below 16 MiB there is firmware and ZONE_DMA. */
static int add_zone_gaps(struct layout *l, const struct memblock_recording *r,
			 const struct mm_zone_boot *zone, u64 from)
{
	u64 pfn = zone->start_pfn > from ? zone->start_pfn : from, end = zone->start_pfn + zone->spanned;
	int rc = 0;

	while (pfn < end && !rc) {
		const struct mm_range *taken = next_taken(r, pfn, end);

		if (!taken || taken->pfn > pfn)
			rc = gap_add(l, zone->node, pfn, taken ? taken->pfn : end);
		pfn = taken ? taken->end : end;
	}
	return rc;
}

static int add_gaps(struct layout *l, const struct memblock_recording *r)
{
	u64 globals = PFN(memblock_sizes.globals_phys), end = globals + PFN_UP(memblock_sizes.globals);
	const struct mm_range *taken = next_taken(r, globals, end);
	int rc = 0;

	if (taken)
		return kms_fail(l->err, KMS_EUSAGE,
				"the recorded free range pfn %#llx to %#llx covers the kernel's data at 16 MiB",
				(unsigned long long)taken->pfn, (unsigned long long)taken->end);
	l->mb->image_bytes = memblock_sizes.globals;
	for (u32 i = 0; i < r->nr_zones && !rc; i++)
		rc = add_zone_gaps(l, r, &r->zones[i], end);
	return rc;
}

static void sum_up_recording(struct memblock *mb)
{
	u64 known = mb->image_bytes + mb->node_data_bytes + mb->percpu_bytes + mb->section_bytes +
		    mb->vmemmap_phys_bytes;

	for (u32 i = 0; i < mb->boot.nr_free; i++)
		known += (mb->free[i].end - mb->free[i].pfn) << SIM_PAGE_SHIFT;
	mb->other_reserved_bytes = mb->ram_bytes - known;
}

static int take_over(struct layout *l, const struct memblock_recording *r)
{
	struct memblock *mb = l->mb;
	int rc = free_list_alloc(mb, r->nr_free, l->err);

	if (rc)
		return rc;
	memcpy(mb->zones, r->zones, r->nr_zones * sizeof(*r->zones));
	memcpy(mb->cpu_node, r->cpu_node, r->nr_cpus);
	if (r->nr_free)
		memcpy(mb->free, r->free, r->nr_free * sizeof(*r->free));
	mb->boot.nr_zones = r->nr_zones;
	mb->boot.nr_free = r->nr_free;
	for (u32 i = 0; i < r->nr_zones; i++) {
		u64 end = r->zones[i].start_pfn + r->zones[i].spanned;

		if (end > mb->boot.max_pfn)
			mb->boot.max_pfn = end;
	}
	mb->ram_bytes = mb->boot.max_pfn << SIM_PAGE_SHIFT;
	return 0;
}

int memblock_from_recording(struct memblock *mb, const struct memblock_recording *recording,
			    struct kms_error *err)
{
	int rc = check_recording(recording, err);
	struct layout l;

	memset(mb, 0, sizeof(*mb));
	if (rc)
		return rc;
	begin(&l, mb, recording->nr_cpus, recording->nr_nodes, 20, err);
	rc = take_over(&l, recording);
	if (!rc)
		rc = add_gaps(&l, recording);
	if (!rc)
		rc = place_kernel_data(&l);
	if (!rc)
		sum_up_recording(mb);
	return finish(&l, rc);
}
