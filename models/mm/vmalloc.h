/*
 * vmalloc.h - memory in one piece of addresses but not of RAM: vmalloc() and
 * kvmalloc(), as a small model beside the allocators.
 *
 * An area is a range of vmalloc addresses, single pages from the page allocator,
 * and an array of them from the slab layer. Left out: page tables and the TLB
 * flushes that make freeing lazy, the tree by which the kernel finds a gap (here
 * a list in address order, first fit), huge mappings. Addresses are not mapped:
 * vmap_fault() says what an access would meet.
 *
 * Behaviour: Linux 6.1 (mm/vmalloc.c, kvmalloc_node()).
 */
#ifndef MODELS_MM_VMALLOC_H
#define MODELS_MM_VMALLOC_H

#include "models/mm/mm.h"

#define VMALLOC_FIRST 0xffffc90000000000ull /* where x86-64 has it */
#define VMALLOC_BYTES (1ull << 45)

struct vmap_space; /* in simulated RAM */

enum vmap_fault { VMAP_OK, VMAP_NOT_MAPPED, VMAP_READ_ONLY };

struct vmalloc_ops {
	/* An empty address space, NULL: no memory. layer: the slab layer that serves all its calls. */
	struct vmap_space *(*create)(const struct slab_ops *layer);
	void (*destroy)(struct vmap_space *v, const struct slab_ops *layer); /* pre: no areas */
	/* size in bytes, rounded up to pages; 0: no memory, or no addresses left */
	uint64_t (*vmalloc)(struct vmap_space *v, const struct slab_ops *layer, uint64_t size, uint32_t gfp,
			    bool read_only);
	void (*vfree)(struct vmap_space *v, const struct slab_ops *layer, uint64_t address);
	/* kmalloc() if it can, else vmalloc(); an address of either kind */
	uint64_t (*kvmalloc)(struct vmap_space *v, const struct slab_ops *layer, uint64_t size, uint32_t gfp);
	void (*kvfree)(struct vmap_space *v, const struct slab_ops *layer, uint64_t address);
	struct page *(*to_page)(struct vmap_space *v, uint64_t address); /* NULL: not mapped */
	uint32_t (*fault)(struct vmap_space *v, uint64_t address, bool write); /* enum vmap_fault */
};

#endif
