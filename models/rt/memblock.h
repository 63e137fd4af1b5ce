/*
 * memblock.h - what firmware and early boot leave to the allocators.
 *
 * From a configured machine, or from the zones and free ranges of a recorded
 * one, to struct mm_boot: zones, memory to hand to the buddy allocator, and the
 * places of the kernel's own data, which live in simulated RAM like everything
 * else: the globals at 16 MiB, node data, per-CPU areas, the section table and
 * the struct pages, each on its node. What is placed is in no free range.
 *
 * A configured machine's node 0 is, from below: firmware (low_reserved_bytes),
 * free, at 16 MiB the kernel image (globals first), node data, per-CPU areas,
 * section table, struct pages, free. Other nodes start with their own data.
 * A recorded machine's map is not touched: its free ranges are handed over as
 * they are, and the data goes into the gaps between them.
 */
#ifndef MODELS_RT_MEMBLOCK_H
#define MODELS_RT_MEMBLOCK_H

#include "models/hw/machine_config.h"
#include "models/mm/mm.h"
#include "sim/engine/base.h"

#define MEMBLOCK_MAX_NODES 64
#define MEMBLOCK_MAX_CPUS 256
#define MEMBLOCK_PERCPU_UNIT (128u << 10)

/* Bytes of the kernel's structures (mm_types.h). */
struct memblock_sizes {
	u64 globals_phys, globals, pgdat, page, section, section_usage;
	u64 section_pages;
	u32 max_nodes;
};
extern const struct memblock_sizes memblock_sizes;
/* A memory section's share of the section table, which depends on pageblock_order (kms_set_params()). */
u64 memblock_section_bytes(void);

/* A stretch of struct pages and where it lies. */
struct memblock_piece {
	u64 start, bytes; /* in the second window */
	u64 phys;
};

/* The result. boot points into it: do not copy; valid until memblock_free(). */
struct memblock {
	struct mm_boot boot;          /* params is left NULL for the caller */
	u64 ram_bytes, vmemmap_bytes; /* sizes of the two windows */
	struct memblock_piece pieces[2 * MEMBLOCK_MAX_NODES]; /* of the second window, ascending */
	u32 nr_pieces;
	/* where RAM that the buddy allocator never gets went; all pages, they add up to its size */
	u64 firmware_bytes; /* below 1 MiB, configured machines */
	u64 image_bytes;    /* kernel text and data, the globals included */
	u64 node_data_bytes, percpu_bytes, section_bytes, vmemmap_phys_bytes;
	u64 other_reserved_bytes; /* recorded machines: in no free range and not used by us */
	u8 cpu_node[MEMBLOCK_MAX_CPUS];
	u8 node_distance[MEMBLOCK_MAX_NODES * MEMBLOCK_MAX_NODES];
	struct mm_zone_boot zones[4 * MEMBLOCK_MAX_NODES];
	struct mm_range *free;
};

/* A recorded machine. Zones ascending by node and zone, ranges ascending. */
struct memblock_recording {
	u32 nr_cpus, nr_nodes;
	const u8 *cpu_node; /* [nr_cpus] */
	const struct mm_zone_boot *zones;
	u32 nr_zones;
	const struct mm_range *free; /* what memblock released */
	u32 nr_free;
	const struct mm_range *late; /* boot memory that is given to the buddy allocator later on */
	u32 nr_late;
	u64 percpu_unit_bytes; /* a CPU's area; 0: MEMBLOCK_PERCPU_UNIT */
};

/*
 * Errors (KMS_EUSAGE): nodes and CPUs that do not add up, sizes that are no
 * whole MiB, RAM too small for the kernel's data, ZONE_MOVABLE larger than the
 * highest zone; for a recording: no room between its free ranges.
 * On failure there is nothing to free.
 */
int memblock_from_config(struct memblock *mb, const struct memory_config *memory, u32 nr_cpus,
			 struct kms_error *err);
/* With another size of a CPU's area than MEMBLOCK_PERCPU_UNIT. */
int memblock_from_config_sized(struct memblock *mb, const struct memory_config *memory, u32 nr_cpus,
			       u64 percpu_unit_bytes, struct kms_error *err);
int memblock_from_recording(struct memblock *mb, const struct memblock_recording *recording,
			    struct kms_error *err);

/* Map both windows (ram_map()) as the layout wants them. */
int memblock_map(const struct memblock *mb, struct kms_error *err);
void memblock_free(struct memblock *mb);

#endif
