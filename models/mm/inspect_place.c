/*
 * inspect_place.c - what lies at an address of simulated memory: which
 * structure, whose, and which field.
 *
 * For contended lines, `explain` and `step`, which show people addresses as
 * what they mean. Nothing is recorded for it: the allocators' own structures
 * are followed from the globals on, so an answer holds for this moment and
 * takes a walk over CPUs and slab caches.
 */
#include <stdio.h>
#include <string.h>

#include "models/mm/inspect_slab.h"
#include "models/mm/sheaves.h"
#include "models/mm/slab.h"
#include "models/mm/slub.h"

/* ---- the structures and their fields ---- */

struct field {
	const char *name;
	u32 offset, size;
	u32 each; /* bytes of an element; 0: no array */
};

struct structure {
	const char *name;
	const struct field *fields;
	u32 nr_fields, size;
};

#define SCALAR(type, member) { #member, offsetof(type, member), sizeof(((type *)0)->member), 0 }
#define ARRAY(type, member)                                                                        \
	{ #member, offsetof(type, member), sizeof(((type *)0)->member),                            \
	  sizeof(((type *)0)->member[0]) }
#define STRUCTURE(type, table) { #type, table, ARRAY_SIZE(table), sizeof(type) }

static const struct field page_fields[] = {
	SCALAR(struct page, flags), SCALAR(struct page, lru), SCALAR(struct page, mapping),
	SCALAR(struct page, freelist), SCALAR(struct page, counters), SCALAR(struct page, page_type),
	SCALAR(struct page, _refcount),
};

static const struct field zone_fields[] = {
	ARRAY(struct zone, _watermark), SCALAR(struct zone, watermark_boost),
	SCALAR(struct zone, nr_reserved_highatomic), ARRAY(struct zone, lowmem_reserve),
	SCALAR(struct zone, node), SCALAR(struct zone, zone_idx), SCALAR(struct zone, zone_pgdat),
	SCALAR(struct zone, per_cpu_pageset), SCALAR(struct zone, per_cpu_zonestats),
	SCALAR(struct zone, pageset_high), SCALAR(struct zone, pageset_batch),
	SCALAR(struct zone, zone_start_pfn), SCALAR(struct zone, managed_pages),
	SCALAR(struct zone, spanned_pages), SCALAR(struct zone, present_pages),
	ARRAY(struct zone, free_area), SCALAR(struct zone, flags), SCALAR(struct zone, lock),
	SCALAR(struct zone, percpu_drift_mark), SCALAR(struct zone, compact_cached_free_pfn),
	ARRAY(struct zone, compact_cached_migrate_pfn), SCALAR(struct zone, compact_considered),
	SCALAR(struct zone, compact_defer_shift), SCALAR(struct zone, compact_order_failed),
	ARRAY(struct zone, vm_stat), ARRAY(struct zone, vm_numa_event),
};

static const struct field node_fields[] = {
	ARRAY(struct pglist_data, node_zonelists), SCALAR(struct pglist_data, nr_zones),
	SCALAR(struct pglist_data, node_id), SCALAR(struct pglist_data, kswapd_order),
	SCALAR(struct pglist_data, kswapd_highest_zoneidx),
	SCALAR(struct pglist_data, kswapd_failures), SCALAR(struct pglist_data, kswapd_awake),
	SCALAR(struct pglist_data, totalreserve_pages), SCALAR(struct pglist_data, lruvec),
	ARRAY(struct pglist_data, vm_stat),
};

static const struct field pcp_fields[] = {
	SCALAR(struct per_cpu_pages, lock), SCALAR(struct per_cpu_pages, count),
	SCALAR(struct per_cpu_pages, high), SCALAR(struct per_cpu_pages, batch),
	SCALAR(struct per_cpu_pages, free_factor), SCALAR(struct per_cpu_pages, expire),
	ARRAY(struct per_cpu_pages, lists),
};

static const struct field zonestat_fields[] = {
	ARRAY(struct per_cpu_zonestat, vm_stat_diff), SCALAR(struct per_cpu_zonestat, stat_threshold),
	ARRAY(struct per_cpu_zonestat, vm_numa_event),
};

static const struct field event_fields[] = { ARRAY(struct vm_event_state, event) };

static const struct field usage_fields[] = { ARRAY(struct mem_section_usage, pageblock_flags) };

static const struct field cpu_slab_fields[] = {
	SCALAR(struct kmem_cache_cpu, freelist), SCALAR(struct kmem_cache_cpu, tid),
	SCALAR(struct kmem_cache_cpu, slab), SCALAR(struct kmem_cache_cpu, partial),
};

static const struct field cache_node_fields[] = {
	SCALAR(struct kmem_cache_node, list_lock), SCALAR(struct kmem_cache_node, nr_partial),
	SCALAR(struct kmem_cache_node, partial), SCALAR(struct kmem_cache_node, nr_slabs),
	SCALAR(struct kmem_cache_node, total_objects), SCALAR(struct kmem_cache_node, full),
};

static const struct field cache_fields[] = {
	SCALAR(struct kmem_cache, cpu_slab), SCALAR(struct kmem_cache, flags),
	SCALAR(struct kmem_cache, cpu_sheaves), SCALAR(struct kmem_cache, min_partial),
	SCALAR(struct kmem_cache, size), SCALAR(struct kmem_cache, object_size),
	SCALAR(struct kmem_cache, sheaf_capacity), SCALAR(struct kmem_cache, offset),
	SCALAR(struct kmem_cache, cpu_partial), SCALAR(struct kmem_cache, cpu_partial_slabs),
	SCALAR(struct kmem_cache, oo), SCALAR(struct kmem_cache, min),
	SCALAR(struct kmem_cache, allocflags), SCALAR(struct kmem_cache, refcount),
	SCALAR(struct kmem_cache, ctor), SCALAR(struct kmem_cache, inuse),
	SCALAR(struct kmem_cache, align), SCALAR(struct kmem_cache, red_left_pad),
	SCALAR(struct kmem_cache, list), SCALAR(struct kmem_cache, remote_node_defrag_ratio),
	ARRAY(struct kmem_cache, node),
};

static const struct field slab_cache_fields[] = {
	SCALAR(struct slab_cache, cpu_cache), SCALAR(struct slab_cache, batchcount),
	SCALAR(struct slab_cache, limit), SCALAR(struct slab_cache, shared),
	SCALAR(struct slab_cache, size), SCALAR(struct slab_cache, reciprocal),
	SCALAR(struct slab_cache, flags), SCALAR(struct slab_cache, num),
	SCALAR(struct slab_cache, gfporder), SCALAR(struct slab_cache, colour),
	SCALAR(struct slab_cache, object_size), ARRAY(struct slab_cache, node),
};

static const struct field slab_node_fields[] = {
	SCALAR(struct slab_node, list_lock), SCALAR(struct slab_node, slabs_partial),
	SCALAR(struct slab_node, slabs_full), SCALAR(struct slab_node, slabs_free),
	SCALAR(struct slab_node, total_slabs), SCALAR(struct slab_node, free_slabs),
	SCALAR(struct slab_node, free_objects), SCALAR(struct slab_node, free_limit),
	SCALAR(struct slab_node, colour_next), SCALAR(struct slab_node, shared),
	SCALAR(struct slab_node, alien), SCALAR(struct slab_node, next_reap),
	SCALAR(struct slab_node, free_touched),
};

/* entry[] is as long as the array that lies there. */
static const struct field array_fields[] = {
	SCALAR(struct array_cache, avail), SCALAR(struct array_cache, limit),
	SCALAR(struct array_cache, batchcount), SCALAR(struct array_cache, touched),
	{ "entry", offsetof(struct array_cache, entry), 1u << 20, sizeof(void *) },
};

static const struct field sheaf_fields[] = {
	SCALAR(struct slab_sheaf, barn_list), SCALAR(struct slab_sheaf, cache),
	SCALAR(struct slab_sheaf, size), SCALAR(struct slab_sheaf, node),
	{ "objects", offsetof(struct slab_sheaf, objects), 1u << 20, sizeof(void *) },
};

static const struct field cpu_sheaves_fields[] = {
	SCALAR(struct slub_percpu_sheaves, lock), SCALAR(struct slub_percpu_sheaves, main),
	SCALAR(struct slub_percpu_sheaves, spare), SCALAR(struct slub_percpu_sheaves, rcu_free),
};

static const struct field barn_fields[] = {
	SCALAR(struct node_barn, lock), SCALAR(struct node_barn, sheaves_full),
	SCALAR(struct node_barn, sheaves_empty), SCALAR(struct node_barn, nr_full),
	SCALAR(struct node_barn, nr_empty),
};

#define GLOBAL(member) SCALAR(struct kernel_globals, member)
#define GLOBALS(member) ARRAY(struct kernel_globals, member)
static const struct field global_fields[] = {
	GLOBAL(gfp_allowed_mask), GLOBAL(nr_cpu_ids), GLOBAL(nr_node_ids), GLOBAL(nr_online_cpus),
	GLOBAL(nr_online_nodes), GLOBAL(page_group_by_mobility_disabled), GLOBAL(max_pfn),
	GLOBAL(mem_section), GLOBAL(vm_event_states), GLOBAL(percpu_used), GLOBAL(percpu_free),
	GLOBAL(totalreserve_pages), GLOBAL(min_free_kbytes), GLOBAL(watermark_scale_factor),
	GLOBAL(watermark_boost_factor), GLOBALS(lowmem_reserve_ratio), GLOBALS(cpu_to_node),
	GLOBALS(cpu_online), GLOBALS(node_data), GLOBALS(per_cpu_offset), GLOBAL(extfrag_threshold),
	GLOBALS(vm_zone_stat), GLOBAL(slab_state), GLOBAL(slub_min_order), GLOBAL(slub_max_order),
	GLOBAL(slub_min_objects), GLOBAL(slab_nomerge), GLOBAL(slub_cpu_partial),
	GLOBAL(kmem_cache), GLOBAL(kmem_cache_node), GLOBALS(kmalloc_caches),
	GLOBALS(kmalloc_size_index), GLOBAL(slab_caches), GLOBAL(slab_mutex),
	GLOBAL(boot_kmem_cache), GLOBAL(boot_kmem_cache_node), GLOBALS(oom_tasks),
	GLOBAL(oom_lock), GLOBALS(free_slob), GLOBAL(slob_lock), GLOBAL(slob_boot_cache),
	GLOBAL(slab_max_order), GLOBAL(use_alien_caches), GLOBAL(jiffies),
};

enum structure_id {
	S_PAGE, S_ZONE, S_NODE, S_PCP, S_ZONESTAT, S_EVENTS, S_USAGE, S_CPU_SLAB, S_CACHE_NODE, S_CACHE,
	S_SLAB_CACHE, S_SLAB_NODE, S_ARRAY, S_SHEAF, S_CPU_SHEAVES, S_BARN, S_GLOBALS
};

static const struct structure structures[] = {
	[S_PAGE] = STRUCTURE(struct page, page_fields),
	[S_ZONE] = STRUCTURE(struct zone, zone_fields),
	[S_NODE] = STRUCTURE(struct pglist_data, node_fields),
	[S_PCP] = STRUCTURE(struct per_cpu_pages, pcp_fields),
	[S_ZONESTAT] = STRUCTURE(struct per_cpu_zonestat, zonestat_fields),
	[S_EVENTS] = STRUCTURE(struct vm_event_state, event_fields),
	[S_USAGE] = STRUCTURE(struct mem_section_usage, usage_fields),
	[S_CPU_SLAB] = STRUCTURE(struct kmem_cache_cpu, cpu_slab_fields),
	[S_CACHE_NODE] = STRUCTURE(struct kmem_cache_node, cache_node_fields),
	[S_CACHE] = STRUCTURE(struct kmem_cache, cache_fields),
	[S_SLAB_CACHE] = { "struct kmem_cache", slab_cache_fields, ARRAY_SIZE(slab_cache_fields),
			   sizeof(struct slab_cache) },
	[S_SLAB_NODE] = { "struct kmem_cache_node", slab_node_fields, ARRAY_SIZE(slab_node_fields),
			  sizeof(struct slab_node) },
	[S_ARRAY] = STRUCTURE(struct array_cache, array_fields),
	[S_SHEAF] = STRUCTURE(struct slab_sheaf, sheaf_fields),
	[S_CPU_SHEAVES] = STRUCTURE(struct slub_percpu_sheaves, cpu_sheaves_fields),
	[S_BARN] = STRUCTURE(struct node_barn, barn_fields),
	[S_GLOBALS] = { "kernel globals", global_fields, ARRAY_SIZE(global_fields),
			sizeof(struct kernel_globals) },
};

static void set_field(struct mm_place *place, const struct structure *s, u32 offset)
{
	for (u32 i = 0; i < s->nr_fields; i++) {
		const struct field *f = &s->fields[i];

		if (offset - f->offset >= f->size)
			continue;
		if (f->each)
			snprintf(place->field, sizeof(place->field), "%s[%u]", f->name,
				 (offset - f->offset) / f->each);
		else
			snprintf(place->field, sizeof(place->field), "%s", f->name);
		return;
	}
}

/* address lies in a structure of this kind at `start`. */
static void set(struct mm_place *place, enum structure_id id, u64 address, u64 start)
{
	snprintf(place->structure, sizeof(place->structure), "%s", structures[id].name);
	place->offset = address - start;
	set_field(place, &structures[id], (u32)place->offset);
}

/* "CPU 3, kmalloc-64" and the like; the slab cache's name comes from whoever gave it. */
static void set_owner(struct mm_place *place, const struct kmem_cache *s, const char *fmt, u64 a)
{
	snprintf(place->owner, sizeof(place->owner), fmt, (unsigned long long)a);
	place->cache = s;
}

static bool within(u64 address, u64 start, u64 bytes)
{
	return address - start < bytes;
}

/* ---- per-CPU areas ---- */

static u64 next_cache(const struct list_head **link)
{
	*link = (*link)->next;
	return *link == &kdata->slab_caches ? 0 : (u64)*link;
}

static const struct list_head *first_link(void)
{
	return kdata->slab_caches.next ? &kdata->slab_caches : NULL;
}

/* A layer with struct kmem_cache as SLUB has it (inspect_policy.c). */
static bool caches_as_slub(void)
{
	return kdata->slab_policy == SLAB_POLICY_SLUB || kdata->slab_policy == SLAB_POLICY_NOSLAB;
}

static bool find_cpu_caches(struct mm_place *place, u64 address, u64 offset, u32 cpu)
{
	const struct list_head *link = first_link();
	u64 at;

	while (link && (at = next_cache(&link))) {
		if (caches_as_slub()) {
			const struct kmem_cache *s = container_of(link, struct kmem_cache, list);

			if (within(offset, (u64)s->cpu_slab, sizeof(struct kmem_cache_cpu))) {
				set(place, S_CPU_SLAB, address, address - (offset - (u64)s->cpu_slab));
				set_owner(place, s, "CPU %llu", cpu);
				return true;
			}
			if (s->cpu_sheaves && within(offset, s->cpu_sheaves, sizeof(struct slub_percpu_sheaves))) {
				set(place, S_CPU_SHEAVES, address, address - (offset - s->cpu_sheaves));
				set_owner(place, s, "CPU %llu", cpu);
				return true;
			}
		} else if (kdata->slab_policy == SLAB_POLICY_SLAB) {
			struct slab_cache *s = container_of(link, struct slab_cache, list);

			if (within(offset, (u64)s->cpu_cache, array_bytes(s->limit))) {
				set(place, S_ARRAY, address, address - (offset - (u64)s->cpu_cache));
				set_owner(place, to_kmem_cache(s), "CPU %llu", cpu);
				return true;
			}
		}
	}
	return false;
}

static bool find_cpu_zones(struct mm_place *place, u64 address, u64 offset, u32 cpu)
{
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		const struct pglist_data *node = kdata->node_data[nid];

		for (u32 z = 0; node && z < MAX_NR_ZONES; z++) {
			const struct zone *zone = &node->node_zones[z];
			u64 pcp = (u64)zone->per_cpu_pageset, stat = (u64)zone->per_cpu_zonestats;

			if (!zone->present_pages)
				continue;
			if (within(offset, pcp, sizeof(struct per_cpu_pages)))
				set(place, S_PCP, address, address - (offset - pcp));
			else if (within(offset, stat, sizeof(struct per_cpu_zonestat)))
				set(place, S_ZONESTAT, address, address - (offset - stat));
			else
				continue;
			snprintf(place->owner, sizeof(place->owner), "CPU %u, node %u %s", cpu, nid,
				 mm_zone_name(z));
			return true;
		}
	}
	return false;
}

static bool find_percpu(struct mm_place *place, u64 address)
{
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		u64 offset = address - kdata->per_cpu_offset[cpu], events = (u64)kdata->vm_event_states;

		if (!kdata->per_cpu_offset[cpu] || offset >= kdata->percpu_unit_bytes)
			continue;
		if (find_cpu_zones(place, address, offset, cpu) || find_cpu_caches(place, address, offset, cpu))
			return true;
		set_owner(place, NULL, "CPU %llu", cpu);
		if (within(offset, events, sizeof(struct vm_event_state)))
			set(place, S_EVENTS, address, address - (offset - events));
		else
			snprintf(place->structure, sizeof(place->structure), "per-CPU area");
		return true;
	}
	return false;
}

/* ---- nodes, zones, globals, page structures ---- */

static bool find_node(struct mm_place *place, u64 address)
{
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		u64 node = (u64)kdata->node_data[nid], offset = address - node;

		if (!node || offset >= sizeof(struct pglist_data))
			continue;
		if (offset >= sizeof(struct zone) * MAX_NR_ZONES) {
			set(place, S_NODE, address, node);
			set_owner(place, NULL, "node %llu", nid);
			return true;
		}
		set(place, S_ZONE, address, node + offset / sizeof(struct zone) * sizeof(struct zone));
		snprintf(place->owner, sizeof(place->owner), "node %u %s", nid,
			 mm_zone_name((u32)(offset / sizeof(struct zone))));
		return true;
	}
	return false;
}

static bool find_section(struct mm_place *place, u64 address)
{
	u64 nr = (kdata->max_pfn >> SECTION_PFN_SHIFT) + 1, table = (u64)kdata->mem_section;

	if (within(address, table, nr * sizeof(struct mem_section))) {
		snprintf(place->structure, sizeof(place->structure), "struct mem_section");
		place->offset = (address - table) % sizeof(struct mem_section);
		set_owner(place, NULL, "section %llu", (address - table) / sizeof(struct mem_section));
		return true;
	}
	for (u64 i = 0; table && i < nr; i++) {
		u64 usage = (u64)kdata->mem_section[i].usage;

		if (!usage || !within(address, usage, section_usage_bytes()))
			continue;
		set(place, S_USAGE, address, usage);
		set_owner(place, NULL, "section %llu", i);
		return true;
	}
	return false;
}

static bool find_global(struct mm_place *place, u64 address)
{
	if (!within(address, (u64)kdata, sizeof(struct kernel_globals)))
		return false;
	set(place, S_GLOBALS, address, (u64)kdata);
	return true;
}

static bool find_page_struct(struct mm_place *place, u64 address)
{
	if (address < VMEMMAP_START)
		return false;
	u64 pfn = (address - VMEMMAP_START) / sizeof(struct page);

	set(place, S_PAGE, address, VMEMMAP_START + pfn * sizeof(struct page));
	set_owner(place, NULL, "pfn 0x%llx", pfn);
	return true;
}

/* ---- slab objects, which may be structures of the slab layer ---- */

/* The slab cache whose node structure, array or sheaf starts at `start`. */
static bool find_layer_object(struct mm_place *place, u64 address, u64 start)
{
	const struct list_head *link = first_link();
	u64 at;

	while (link && (at = next_cache(&link))) {
		for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
			if (caches_as_slub()) {
				const struct kmem_cache *s = container_of(link, struct kmem_cache, list);
				u64 barn = has_sheaves(s) ? (u64)node_barn(s, nid) : 0;

				if ((u64)s->node[nid] == start)
					set(place, S_CACHE_NODE, address, start);
				else if (barn && barn == start)
					set(place, S_BARN, address, start);
				else
					continue;
				set_owner(place, s, "node %llu", nid);
				return true;
			}
			const struct slab_cache *s = container_of(link, struct slab_cache, list);
			struct slab_node *n = s->node[nid];

			if (kdata->slab_policy != SLAB_POLICY_SLAB || !n)
				continue;
			if ((u64)n == start)
				set(place, S_SLAB_NODE, address, start);
			else if (n->shared && (u64)n->shared == start)
				set(place, S_ARRAY, address, start);
			else
				continue;
			set_owner(place, (const struct kmem_cache *)s, "node %llu", nid);
			return true;
		}
	}
	return false;
}

static bool find_cpu_sheaf(struct mm_place *place, u64 address, u64 start)
{
	const struct list_head *link = first_link();
	u64 at;

	while (link && (at = next_cache(&link))) {
		const struct kmem_cache *s = container_of(link, struct kmem_cache, list);

		for (u32 cpu = 0; has_sheaves(s) && cpu < kdata->nr_cpu_ids; cpu++) {
			const struct slub_percpu_sheaves *pcs = cpu_sheaves(s, cpu);

			if ((u64)pcs->main != start && (u64)pcs->spare != start)
				continue;
			set(place, S_SHEAF, address, start);
			set_owner(place, s, "CPU %llu", cpu);
			return true;
		}
	}
	return false;
}

static u64 slab_base(const struct page *head)
{
	return (u64)page_address(head);
}

static void object_of(struct mm_place *place, u64 address, const struct page *head)
{
	bool slub = caches_as_slub();
	const struct kmem_cache *s = head->slab_cache;
	u32 size = slub ? s->size : to_slab_cache(s)->size;
	u64 first = slub ? slab_base(head) : (u64)head->s_mem;
	u64 start = size && address >= first ? first + (address - first) / size * size : slab_base(head);
	const struct kmem_cache *descriptors = kdata->kmem_cache;

	if (find_layer_object(place, address, start) || (slub && find_cpu_sheaf(place, address, start)))
		return;
	if (s == descriptors) {
		set(place, slub ? S_CACHE : S_SLAB_CACHE, address, start);
		place->cache = (const struct kmem_cache *)start;
		return;
	}
	snprintf(place->structure, sizeof(place->structure), "object");
	place->offset = address - start;
	set_owner(place, s, "", 0);
}

/* The hardware's page tables lie behind RAM; no struct page describes them. */
static bool find_page_table(struct mm_place *place, u64 address)
{
	if ((address - PAGE_OFFSET) >> PAGE_SHIFT < mm_inspect_max_pfn())
		return false;
	snprintf(place->structure, sizeof(place->structure), "page table");
	place->offset = address & ~PAGE_MASK;
	return true;
}

static void memory_of(struct mm_place *place, u64 address)
{
	const struct page *page = virt_to_page((void *)address);
	const struct page *head =
		page->compound_head & 1 ? (const struct page *)(page->compound_head - 1) : page;

	if ((head->flags & PG_slab) && kdata->slab_policy != SLAB_POLICY_SLOB && head->slab_cache) {
		object_of(place, address, head);
		return;
	}
	snprintf(place->structure, sizeof(place->structure), "%s",
		 head->flags & PG_slab ? "SLOB page" : "page");
	place->offset = address & ~PAGE_MASK;
	set_owner(place, NULL, "pfn 0x%llx", (address - PAGE_OFFSET) >> PAGE_SHIFT);
}

void mm_inspect_place(u64 off, struct mm_place *place)
{
	u64 address = PAGE_OFFSET + off;

	*place = (struct mm_place){ .structure = "" };
	if (!find_page_struct(place, address) && !find_global(place, address) &&
	    !find_node(place, address) && !find_section(place, address) && !find_percpu(place, address) &&
	    !find_page_table(place, address))
		memory_of(place, address);
}

u32 mm_inspect_line_fields(u64 off, char *text, size_t n)
{
	struct mm_place place, last = { .structure = "" };
	u64 line = off & ~(u64)(SMP_CACHE_BYTES - 1);
	u32 fields = 0;
	size_t used = 0;

	*text = 0;
	for (u32 byte = 0; byte < SMP_CACHE_BYTES; byte += 4) {
		mm_inspect_place(line + byte, &place);
		if (!*place.field || (!strcmp(place.field, last.field) && !strcmp(place.owner, last.owner)))
			continue;
		last = place;
		fields++;
		if (used < n)
			used += (size_t)snprintf(text + used, n - used, "%s%s", used ? ", " : "", place.field);
	}
	return fields;
}
