/*
 * memblock_recording.c - the layout of a recorded machine; see memblock.h.
 */
#include <string.h>

#include "models/rt/memblock_internal.h"

static int check_zone(const struct memblock_recording *r, u32 i, struct kms_error *err)
{
	const struct mm_zone_boot *z = &r->zones[i];
	bool ascending =
	    !i || z[-1].node < z->node || (z[-1].node == z->node && z[-1].zone_idx < z->zone_idx);

	if (z->node >= r->nr_nodes || z->zone_idx >= ZONE_KINDS || !z->spanned ||
	    z->present > z->spanned || !ascending ||
	    z->start_pfn + z->spanned > PFN(SIM_WINDOW2_OFF))
		return kms_fail(err, KMS_EUSAGE,
				"recorded zone %u (node %u, zone %u, pfn %#llx, %llu pages "
				"spanned, %llu present) is "
				"impossible or out of order",
				i, z->node, z->zone_idx, (unsigned long long)z->start_pfn,
				(unsigned long long)z->spanned, (unsigned long long)z->present);
	return 0;
}

static int check_recording(const struct memblock_recording *r, struct kms_error *err)
{
	int rc = memblock_check_counts(r->nr_cpus, r->nr_nodes, err);

	if (!rc && (!r->nr_zones || r->nr_zones > ZONE_KINDS * MEMBLOCK_MAX_NODES))
		rc = kms_fail(err, KMS_EUSAGE, "%u recorded zones, expected 1 to %d", r->nr_zones,
			      ZONE_KINDS * MEMBLOCK_MAX_NODES);
	for (u32 i = 0; i < r->nr_zones && !rc; i++)
		rc = check_zone(r, i, err);
	for (u32 i = 0; i < r->nr_free && !rc; i++)
		if (r->free[i].end <= r->free[i].pfn || (i && r->free[i].pfn < r->free[i - 1].end))
			rc = kms_fail(err, KMS_EUSAGE,
				      "recorded free range %u (pfn %#llx to %#llx) is empty or "
				      "out of order",
				      i, (unsigned long long)r->free[i].pfn,
				      (unsigned long long)r->free[i].end);
	for (u32 i = 0; i < r->nr_cpus && !rc; i++)
		if (r->cpu_node[i] >= r->nr_nodes)
			rc = kms_fail(err, KMS_EUSAGE, "recorded CPU %u is on node %u of %u", i,
				      r->cpu_node[i], r->nr_nodes);
	return rc;
}

/* The lowest range that begins before `end` and ends after pfn, in either list. */
static const struct mm_range *next_taken(const struct memblock_recording *r, u64 pfn, u64 end)
{
	const struct mm_range *best = NULL;

	for (u32 i = 0; i < r->nr_free + r->nr_late; i++) {
		const struct mm_range *range =
		    i < r->nr_free ? &r->free[i] : &r->late[i - r->nr_free];

		if (range->end > pfn && range->pfn < end && (!best || range->pfn < best->pfn))
			best = range;
	}
	return best;
}

/* Gaps of one zone above the globals; below 16 MiB there is firmware and ZONE_DMA. */
static int add_zone_gaps(struct layout *l, const struct memblock_recording *r,
			 const struct mm_zone_boot *zone, u64 from)
{
	u64 pfn = zone->start_pfn > from ? zone->start_pfn : from,
	    end = zone->start_pfn + zone->spanned;
	int rc = 0;

	while (pfn < end && !rc) {
		const struct mm_range *taken = next_taken(r, pfn, end);

		if (!taken || taken->pfn > pfn)
			rc = memblock_add_gap(l, zone->node, pfn, taken ? taken->pfn : end);
		pfn = taken ? taken->end : end;
	}
	return rc;
}

static int add_gaps(struct layout *l, const struct memblock_recording *r)
{
	u64 globals = PFN(memblock_sizes.globals_phys),
	    end = globals + PFN_UP(memblock_sizes.globals);
	const struct mm_range *taken = next_taken(r, globals, end);
	int rc = 0;

	if (taken)
		return kms_fail(
		    l->err, KMS_EUSAGE,
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
	int rc = memblock_alloc_free_list(mb, r->nr_free, l->err);

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
	memblock_begin(&l, mb, recording->nr_cpus, recording->nr_nodes, 20, err);
	if (recording->percpu_unit_bytes)
		mb->boot.percpu_unit_bytes = recording->percpu_unit_bytes;
	rc = take_over(&l, recording);
	if (!rc)
		rc = add_gaps(&l, recording);
	if (!rc)
		rc = memblock_place_kernel_data(&l);
	if (!rc)
		sum_up_recording(mb);
	return memblock_finish(&l, rc);
}
