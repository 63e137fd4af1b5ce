/*
 * kernel_sizes.c - how big the kernel's boot-time structures are.
 *
 * A file of its own because mm_types.h speaks kernel, and the rest of the
 * program does not.
 */
#define KMS_FLAVOUR_PLAIN
#include "models/mm/mm_types.h"
#undef memset
#undef memcpy
#undef min
#undef max

#include "models/rt/memblock.h"

const struct memblock_sizes memblock_sizes = {
    .globals_phys = KERNEL_DATA_PHYS,
    .globals = KERNEL_DATA_BYTES,
    .pgdat = sizeof(struct pglist_data),
    .page = sizeof(struct page),
    .section = sizeof(struct mem_section),
    .section_usage = sizeof(struct mem_section_usage),
    .section_pages = 1ull << SECTION_PFN_SHIFT,
    .max_nodes = MAX_NUMNODES,
};

u64 memblock_section_bytes(void)
{
	return sizeof(struct mem_section) + section_usage_bytes();
}
