/*
 * vmalloc.c - vmalloc.h: areas, their pages, and the gaps between them.
 */
#include "models/mm/vmalloc.h"

#include "models/mm/internal.h"

#define GUARD PAGE_SIZE /* an address range that is never mapped ends every area */

struct vmap_space {
	struct list_head areas; /* in address order */
};

struct vmap_area {
	struct list_head list;
	u64 start, pages;
	struct page **page;
	bool read_only;
};

static bool is_vmalloc_addr(u64 address)
{
	return address >= VMALLOC_FIRST && address < VMALLOC_FIRST + VMALLOC_BYTES;
}

static struct vmap_space *vmap_create(const struct slab_ops *layer)
{
	struct vmap_space *v = layer->kmalloc(sizeof(*v), GFP_KERNEL, -1);

	if (v)
		INIT_LIST_HEAD(&v->areas);
	return v;
}

static void vmap_destroy(struct vmap_space *v, const struct slab_ops *layer)
{
	BUG_ON(READ_ONCE(v->areas.next) != &v->areas);
	layer->kfree(v);
}

static u64 area_end(const struct vmap_area *area)
{
	return area->start + area->pages * PAGE_SIZE + GUARD;
}

/* The first gap that is large enough; the area is put before the one behind it. */
static bool place(struct vmap_space *v, struct vmap_area *area)
{
	u64 bytes = area->pages * PAGE_SIZE + GUARD, at = VMALLOC_FIRST;
	struct vmap_area *other;

	list_for_each_entry(other, &v->areas, list) {
		if (other->start - at >= bytes)
			break;
		at = area_end(other);
	}
	if (VMALLOC_FIRST + VMALLOC_BYTES - at < bytes)
		return false;
	area->start = at;
	list_add_tail(&area->list, &other->list);
	return true;
}

static void free_area(struct vmap_area *area, const struct slab_ops *layer, u64 pages)
{
	while (pages) {
		pages--;
		__free_pages(READ_ONCE(area->page[pages]), 0);
	}
	layer->kfree(area->page);
	layer->kfree(area);
}

static bool fill(struct vmap_area *area, gfp_t gfp, const struct slab_ops *layer)
{
	u64 i;

	for (i = 0; i < area->pages; i++) {
		struct page *page = alloc_pages_node(gfp, 0, -1);

		if (!page) {
			free_area(area, layer, i);
			return false;
		}
		WRITE_ONCE(area->page[i], page);
	}
	return true;
}

static u64 vmap_alloc(struct vmap_space *v, const struct slab_ops *layer, u64 size, u32 gfp, bool read_only)
{
	u64 pages = DIV_ROUND_UP(size, PAGE_SIZE);
	gfp_t plain = gfp & ~__GFP_ZERO;
	struct vmap_area *area;

	if (!pages || pages > VMALLOC_BYTES / PAGE_SIZE)
		return 0;
	area = layer->kmalloc(sizeof(*area), plain, -1);
	if (!area)
		return 0;
	area->pages = pages;
	area->read_only = read_only;
	area->page = layer->kmalloc(pages * sizeof(*area->page), plain, -1);
	if (!area->page) {
		layer->kfree(area);
		return 0;
	}
	if (!fill(area, gfp, layer))
		return 0;
	if (!place(v, area)) {
		free_area(area, layer, pages);
		return 0;
	}
	return area->start;
}

static struct vmap_area *find_area(struct vmap_space *v, u64 address)
{
	struct vmap_area *area;

	list_for_each_entry(area, &v->areas, list)
		if (address >= area->start && address < area_end(area) - GUARD)
			return area;
	return NULL;
}

static void vmap_free(struct vmap_space *v, const struct slab_ops *layer, u64 address)
{
	struct vmap_area *area = find_area(v, address);

	BUG_ON(!area || area->start != address);
	list_del(&area->list);
	free_area(area, layer, area->pages);
}

/* kmalloc() is asked first, without trying hard for more than a page. */
static u64 vmap_kvmalloc(struct vmap_space *v, const struct slab_ops *layer, u64 size, u32 gfp)
{
	gfp_t first = size > PAGE_SIZE ? gfp | __GFP_NOWARN | __GFP_NORETRY : gfp;
	void *memory = layer->kmalloc(size, first, -1);

	if (memory || size <= PAGE_SIZE)
		return (u64)memory;
	return vmap_alloc(v, layer, size, gfp, false);
}

static void vmap_kvfree(struct vmap_space *v, const struct slab_ops *layer, u64 address)
{
	if (is_vmalloc_addr(address))
		vmap_free(v, layer, address);
	else
		layer->kfree((void *)address);
}

static struct page *vmap_to_page(struct vmap_space *v, u64 address)
{
	struct vmap_area *area = find_area(v, address);

	return area ? READ_ONCE(area->page[(address - area->start) / PAGE_SIZE]) : NULL;
}

static u32 vmap_fault(struct vmap_space *v, u64 address, bool write)
{
	const struct vmap_area *area = find_area(v, address);

	if (!area)
		return VMAP_NOT_MAPPED;
	return write && area->read_only ? VMAP_READ_ONLY : VMAP_OK;
}

const struct vmalloc_ops vmalloc_ops = {
	.create = vmap_create,
	.destroy = vmap_destroy,
	.vmalloc = vmap_alloc,
	.vfree = vmap_free,
	.kvmalloc = vmap_kvmalloc,
	.kvfree = vmap_kvfree,
	.to_page = vmap_to_page,
	.fault = vmap_fault,
};
