/*
 * memblock.c - places the kernel's boot-time data; see memblock.h.
 *
 * Both kinds of machine (memblock_config.c, memblock_recording.c) end in the
 * same step: every node has a list of gaps, from which pieces are cut first fit.
 */
#include <stdlib.h>
#include <string.h>

#include "models/rt/memblock_internal.h"

/* struct pages that share a page of the vmemmap */
#define PFNS_PER_VMEMMAP_PAGE 64u

/* ---- gaps ---- */

int memblock_add_gap(struct layout *l, u32 node, u64 pfn, u64 end)
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
	list->ranges[list->n++] = (struct mm_range){pfn, end};
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
		return kms_fail(
		    l->err, KMS_EUSAGE,
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
	u64 sections =
	    (mb->boot.max_pfn + memblock_sizes.section_pages - 1) / memblock_sizes.section_pages;
	int rc = 0;

	for (u32 i = 0; i < l->nr_nodes && !rc; i++)
		rc = place(l, i, memblock_sizes.pgdat, "node data", &mb->boot.node_data_phys[i],
			   &mb->node_data_bytes);
	for (u32 i = 0; i < l->nr_cpus && !rc; i++)
		rc = place(l, mb->cpu_node[i], mb->boot.percpu_unit_bytes, "per-CPU memory",
			   &mb->boot.percpu_phys[i], &mb->percpu_bytes);
	if (!rc)
		rc = place(l, 0, sections * memblock_section_bytes(),
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
			  boot->zones[i].start_pfn == end;
		     i++)
			end += boot->zones[i].spanned;
		rc = place_vmemmap(l, first->node, first->start_pfn, end);
	}
	return rc;
}

int memblock_place_kernel_data(struct layout *l)
{
	int rc = place_nodes_and_cpus(l);

	return rc ? rc : place_all_vmemmap(l);
}

/* ---- what both kinds of machine have in common ---- */

void memblock_begin(struct layout *l, struct memblock *mb, u32 nr_cpus, u32 nr_nodes, u64 distance,
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

int memblock_finish(struct layout *l, int rc)
{
	if (rc)
		memblock_free(l->mb);
	gaps_free(l);
	return rc;
}

int memblock_check_counts(u32 nr_cpus, u64 nr_nodes, struct kms_error *err)
{
	if (!nr_cpus || nr_cpus > MEMBLOCK_MAX_CPUS)
		return kms_fail(err, KMS_EUSAGE, "%u CPUs, expected 1 to %d", nr_cpus,
				MEMBLOCK_MAX_CPUS);
	if (!nr_nodes || nr_nodes > MEMBLOCK_MAX_NODES)
		return kms_fail(err, KMS_EUSAGE, "%llu nodes, expected 1 to %d",
				(unsigned long long)nr_nodes, MEMBLOCK_MAX_NODES);
	return 0;
}

int memblock_alloc_free_list(struct memblock *mb, u32 n, struct kms_error *err)
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
		rc = ram_back_window2(mb->pieces[i].start, mb->pieces[i].bytes, mb->pieces[i].phys,
				      err);
	return rc;
}
