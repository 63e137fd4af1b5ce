/*
 * inspect_map.c - one slab as a map of its objects, and which slab a CPU takes
 * objects from next, for `step` and the labs; how full it is, for samples. SLUB and SLAB; other layers have
 * no such maps.
 */
#include "models/mm/inspect_slab.h"
#include "models/mm/slab.h"
#include "models/mm/slub.h"

static const struct page *head_page(u64 address)
{
	const struct page *page = virt_to_page((void *)address);

	return page->compound_head & 1 ? (const struct page *)(page->compound_head - 1) : page;
}

static bool slub_like(void)
{
	return kdata->slab_policy == SLAB_POLICY_SLUB;
}

/* ---- SLUB ---- */

static void mark_list(const struct kmem_cache *s, u64 first, const void *object, u8 state,
		      struct mm_slab_map *map)
{
	for (u32 n = 0; object && n < map->objects; n++) {
		u64 index = ((u64)object - first) / s->size;

		if (index < MM_MAP_OBJECTS)
			map->state[index] = state;
		object = get_freepointer(s, object);
	}
}

static void slub_map(const struct page *head, struct mm_slab_map *map)
{
	const struct kmem_cache *s = head->slab_cache;
	u64 first = (u64)page_address(head) + s->red_left_pad;

	map->objects = counters_objects(head->counters);
	map->size = s->size;
	map->cache = s;
	mark_list(s, first, head->freelist, MM_MAP_FREE, map);
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		const struct kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, cpu);

		if (c->slab != head)
			continue;
		map->cpu = (s32)cpu;
		mark_list(s, first, c->freelist, MM_MAP_CPU, map);
	}
}

/* ---- SLAB ---- */

static void slab_array(const struct array_cache *ac, const struct page *head, struct mm_slab_map *map)
{
	u64 first = (u64)head->s_mem;

	for (u32 i = 0; ac && i < ac->avail; i++) {
		u64 index = ((u64)ac->entry[i] - first) / map->size;

		if ((u64)ac->entry[i] >= first && index < map->objects && index < MM_MAP_OBJECTS)
			map->state[index] = MM_MAP_CPU;
	}
}

static void slab_map(const struct page *head, struct mm_slab_map *map)
{
	const struct slab_cache *s = to_slab_cache(head->slab_cache);
	const u8 *indices = head->freelist;

	map->objects = s->num;
	map->size = s->size;
	map->cache = head->slab_cache;
	for (u32 i = head->active; indices && i < s->num; i++)
		map->state[indices[i]] = MM_MAP_FREE;
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		if (kdata->cpu_online[cpu] && s->cpu_cache)
			slab_array(cpu_array(s->cpu_cache, cpu), head, map);
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++)
		if (s->node[nid])
			slab_array(s->node[nid]->shared, head, map);
}

/* ---- */

bool mm_inspect_slab_map(u64 pfn, struct mm_slab_map *map)
{
	const struct page *head = head_page(PAGE_OFFSET + (pfn << PAGE_SHIFT));

	*map = (struct mm_slab_map){ .cpu = -1, .pfn = page_to_pfn(head) };
	if (!(head->flags & PG_slab) || !head->slab_cache)
		return false;
	if (slub_like())
		slub_map(head, map);
	else if (kdata->slab_policy == SLAB_POLICY_SLAB)
		slab_map(head, map);
	return map->objects;
}

bool mm_inspect_slab_fill(u64 pfn, struct mm_slab_fill *fill)
{
	const struct page *head = head_page(PAGE_OFFSET + (pfn << PAGE_SHIFT));

	*fill = (struct mm_slab_fill){ 0 };
	if (!(head->flags & PG_slab))
		return false;
	if (page_to_pfn(head) != pfn || !head->slab_cache)
		return true;
	if (slub_like()) {
		fill->cache = head->slab_cache;
		fill->objects = counters_objects(head->counters);
		fill->inuse = counters_inuse(head->counters);
		fill->cpu = counters_frozen(head->counters);
	} else if (kdata->slab_policy == SLAB_POLICY_SLAB) {
		fill->cache = head->slab_cache;
		fill->objects = to_slab_cache(head->slab_cache)->num;
		fill->inuse = head->active;
	}
	return true;
}

u64 mm_inspect_next_slab(const struct kmem_cache *s, u32 cpu)
{
	if (slub_like()) {
		const struct kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, cpu);

		return c->slab ? page_to_pfn(c->slab) : ~0ull;
	}
	if (kdata->slab_policy == SLAB_POLICY_SLAB) {
		const struct slab_cache *cache = (const struct slab_cache *)s;
		const struct array_cache *ac = cache->cpu_cache ? cpu_array(cache->cpu_cache, cpu) : NULL;

		if (ac && ac->avail)
			return page_to_pfn(head_page((u64)ac->entry[ac->avail - 1]));
	}
	return ~0ull;
}

const struct kmem_cache *mm_inspect_kmalloc_cache(u64 size, u32 gfp)
{
	u32 index = !size ? 0 : size <= 192 ? kdata->kmalloc_size_index[(size - 1) / 8] : (u32)fls((u32)size - 1);

	if (!slub_like() && kdata->slab_policy != SLAB_POLICY_SLAB)
		return NULL;
	if (!index || size > KMALLOC_MAX_CACHE_SIZE)
		return NULL;
	return kdata->kmalloc_caches[gfp & __GFP_DMA ? KMALLOC_DMA :
				     gfp & __GFP_RECLAIMABLE ? KMALLOC_RECLAIM : KMALLOC_NORMAL][index];
}
