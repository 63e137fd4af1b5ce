/*
 * restore.c - collecting a page allocator's state and booting a machine into it;
 * see restore.h.
 */
#include "sim/validate/restore.h"

#include <stdlib.h>
#include <string.h>

#include "models/mm/inspect.h"
#include "models/rt/memblock.h"
#include "models/rt/rt.h"
#include "sim/engine/ram.h"

#define MAX_ORDER_PAGES 1024ull
#define PAGEBLOCK_PAGES 512ull
#define NR_ORDERS 11
#define NR_TYPES 4
#define NR_PCP_LISTS 14
#define MAX_ZONE_KINDS 4
#define MAX_BATCH 4096
#define MAX_FREE_FACTOR 16
#define MAX_FRAMES (1ull << (44 - SIM_PAGE_SHIFT)) /* 16 TiB */

enum { ZONES, PCPS, LISTS, BLOCKS };

/* ---- collecting ---- */

/* Room for one more element of *array; NULL: no host memory. */
static void *grow(void **array, u32 *capacity, u32 nr, size_t size)
{
	u32 wanted = *capacity ? 2 * *capacity : 16;
	void *grown = *array;

	if (nr == *capacity) {
		grown = realloc(*array, wanted * size);
		if (!grown)
			return NULL;
		*array = grown;
		*capacity = wanted;
	}
	return (char *)grown + nr * size;
}

static int no_memory(struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "no host memory for the allocator's state");
}

int page_state_zone(const struct page_state *s, u32 node, u32 zone_idx)
{
	for (u32 i = 0; i < s->saved.nr_zones; i++)
		if (s->saved.zones[i].node == node && s->saved.zones[i].zone_idx == zone_idx)
			return (int)i;
	return -1;
}

static u64 zone_end(const struct mm_saved_zone *z)
{
	return z->start_pfn + z->spanned;
}

static int check_zone(const struct page_state *s, const struct mm_saved_zone *zone,
		      struct kms_error *err)
{
	if (zone->node >= MEMBLOCK_MAX_NODES || zone->zone_idx >= MAX_ZONE_KINDS)
		return kms_fail(err, KMS_EUSAGE, "zone %u of node %u, expected zones 0 to %d",
				zone->zone_idx, zone->node, MAX_ZONE_KINDS - 1);
	if (!zone->spanned || zone->spanned > MAX_FRAMES ||
	    zone->start_pfn > MAX_FRAMES - zone->spanned || zone->present > zone->spanned ||
	    zone->managed > zone->present)
		return kms_fail(err, KMS_EUSAGE,
				"a zone of %llu frames from %#llx (%llu present, %llu managed) is "
				"impossible",
				(unsigned long long)zone->spanned,
				(unsigned long long)zone->start_pfn,
				(unsigned long long)zone->present,
				(unsigned long long)zone->managed);
	for (u32 i = 0; i < s->saved.nr_zones; i++) {
		const struct mm_saved_zone *other = &s->saved.zones[i];

		if (zone->start_pfn < zone_end(other) && other->start_pfn < zone_end(zone))
			return kms_fail(err, KMS_EUSAGE, "zone %u of node %u overlaps zone %u of node %u",
					zone->zone_idx, zone->node, other->zone_idx, other->node);
		if (other->node > zone->node ||
		    (other->node == zone->node && other->zone_idx >= zone->zone_idx))
			return kms_fail(err, KMS_EUSAGE,
					"zone %u of node %u comes after zone %u of node %u, expected "
					"ascending order",
					zone->zone_idx, zone->node, other->zone_idx, other->node);
	}
	return 0;
}

int page_state_add_zone(struct page_state *s, const struct mm_saved_zone *zone,
			struct kms_error *err)
{
	int rc = check_zone(s, zone, err);
	struct mm_saved_zone *new;

	if (rc)
		return rc;
	new = grow((void **)&s->saved.zones, &s->capacity[ZONES], s->saved.nr_zones, sizeof(*new));
	if (!new)
		return no_memory(err);
	*new = *zone;
	s->saved.nr_zones++;
	return 0;
}

int page_state_add_pcp(struct page_state *s, const struct mm_saved_pcp *pcp, struct kms_error *err)
{
	struct mm_saved_pcp *new;

	if (pcp->stat_threshold < 0 || pcp->stat_threshold > 125 || pcp->nr_free_diff < -125 ||
	    pcp->nr_free_diff > 125)
		return kms_fail(err, KMS_EUSAGE,
				"free page differential %d with threshold %d, expected at most 125",
				pcp->nr_free_diff, pcp->stat_threshold);
	if (pcp->count < 0 || pcp->batch < 1 || pcp->batch > MAX_BATCH || pcp->high < 0 ||
	    pcp->free_factor < 0 || pcp->free_factor > MAX_FREE_FACTOR)
		return kms_fail(err, KMS_EUSAGE,
				"per-CPU lists with count %d, high %d, batch %d, free_factor %d, "
				"expected a batch of 1 to %d and a free_factor up to %d",
				pcp->count, pcp->high, pcp->batch, pcp->free_factor, MAX_BATCH,
				MAX_FREE_FACTOR);
	new = grow((void **)&s->saved.pcps, &s->capacity[PCPS], s->saved.nr_pcps, sizeof(*new));
	if (!new)
		return no_memory(err);
	*new = *pcp;
	s->saved.nr_pcps++;
	return 0;
}

static u32 list_order(const struct mm_saved_list *l)
{
	if (l->cpu == MM_SAVED_BUDDY)
		return l->order;
	return l->pindex < 12 ? l->pindex / 3 : 9;
}

static int check_list(const struct page_state *s, const struct mm_saved_list *l,
		      struct kms_error *err)
{
	const struct mm_saved_zone *zone = &s->saved.zones[l->zone];
	u32 order;

	if (l->cpu == MM_SAVED_BUDDY ? l->order >= NR_ORDERS || l->mt >= NR_TYPES
				     : l->pindex >= NR_PCP_LISTS)
		return kms_fail(err, KMS_EUSAGE,
				"there is no such list: orders go to %d, migratetypes to %d, "
				"per-CPU lists to %d",
				NR_ORDERS - 1, NR_TYPES - 1, NR_PCP_LISTS - 1);
	order = list_order(l);
	for (u32 i = 0; i < l->nr; i++) {
		u64 pfn = l->pfns[i];

		if (pfn < zone->start_pfn || pfn + (1ull << order) > zone_end(zone))
			return kms_fail(err, KMS_EUSAGE,
					"frame %#llx, order %u, lies outside its zone (%#llx to %#llx)",
					(unsigned long long)pfn, order,
					(unsigned long long)zone->start_pfn,
					(unsigned long long)zone_end(zone) - 1);
		if (pfn & ((1ull << order) - 1))
			return kms_fail(err, KMS_EUSAGE, "frame %#llx is not aligned to order %u",
					(unsigned long long)pfn, order);
		if (l->types && l->types[i] >= NR_TYPES)
			return kms_fail(err, KMS_EUSAGE, "frame %#llx carries type %u, expected 0 to %d",
					(unsigned long long)pfn, l->types[i], NR_TYPES - 1);
	}
	return 0;
}

/* Copies bytes; NULL when there are none, too, with *ok telling which. */
static void *copy(const void *from, size_t bytes, bool *ok)
{
	void *to = from && bytes ? malloc(bytes) : NULL;

	if (to)
		memcpy(to, from, bytes);
	else if (from && bytes)
		*ok = false;
	return to;
}

int page_state_add_list(struct page_state *s, const struct mm_saved_list *list,
			struct kms_error *err)
{
	int rc = check_list(s, list, err);
	struct mm_saved_list *new;
	bool ok = true;

	if (rc)
		return rc;
	new = grow((void **)&s->saved.lists, &s->capacity[LISTS], s->saved.nr_lists, sizeof(*new));
	if (!new)
		return no_memory(err);
	*new = *list;
	new->pfns = copy(list->pfns, list->nr * sizeof(*list->pfns), &ok);
	new->types = copy(list->types, list->nr, &ok);
	s->saved.nr_lists++;
	return ok ? 0 : no_memory(err);
}

u32 page_state_nr_blocks(const struct mm_saved_zone *zone)
{
	u64 first = zone->start_pfn / PAGEBLOCK_PAGES;

	return (u32)((zone_end(zone) + PAGEBLOCK_PAGES - 1) / PAGEBLOCK_PAGES - first);
}

int page_state_add_blocks(struct page_state *s, const struct mm_saved_blocks *blocks,
			  struct kms_error *err)
{
	u32 expected = page_state_nr_blocks(&s->saved.zones[blocks->zone]);
	struct mm_saved_blocks *new;
	bool ok = true;

	if (blocks->nr != expected)
		return kms_fail(err, KMS_EUSAGE, "types of %u pageblocks, expected %u", blocks->nr,
				expected);
	for (u32 i = 0; i < blocks->nr; i++)
		if (blocks->types[i] >= NR_TYPES && blocks->types[i] != MM_SAVED_NO_SECTION)
			return kms_fail(err, KMS_EUSAGE, "pageblock %u has type %u, expected 0 to %d", i,
					blocks->types[i], NR_TYPES - 1);
	new = grow((void **)&s->saved.blocks, &s->capacity[BLOCKS], s->saved.nr_blocks,
		   sizeof(*new));
	if (!new)
		return no_memory(err);
	*new = *blocks;
	new->types = copy(blocks->types, blocks->nr, &ok);
	s->saved.nr_blocks++;
	return ok ? 0 : no_memory(err);
}

void page_state_free(struct page_state *s)
{
	for (u32 i = 0; i < s->saved.nr_lists; i++) {
		free((void *)s->saved.lists[i].pfns);
		free((void *)s->saved.lists[i].types);
	}
	for (u32 i = 0; i < s->saved.nr_blocks; i++)
		free((void *)s->saved.blocks[i].types);
	free(s->saved.zones);
	free(s->saved.pcps);
	free(s->saved.lists);
	free(s->saved.blocks);
	memset(s, 0, sizeof(*s));
}

/* ---- booting ---- */

static u64 page_up(u64 bytes)
{
	return (bytes + SIM_PAGE_BYTES - 1) & ~(u64)(SIM_PAGE_BYTES - 1);
}

/* The kernel's data from phys on. Returns where it ends. */
static u64 lay_out(struct mm_boot *boot, u64 phys)
{
	u64 sections = (boot->max_pfn + memblock_sizes.section_pages - 1) /
		       memblock_sizes.section_pages;

	for (u32 i = 0; i < boot->nr_nodes; i++, phys += page_up(memblock_sizes.pgdat))
		boot->node_data_phys[i] = phys;
	boot->percpu_unit_bytes = MEMBLOCK_PERCPU_UNIT;
	for (u32 i = 0; i < boot->nr_cpus; i++, phys += MEMBLOCK_PERCPU_UNIT)
		boot->percpu_phys[i] = phys;
	boot->mem_section_phys = phys;
	return phys + page_up(sections * (memblock_sizes.section + memblock_sizes.section_usage));
}

static void describe_zones(const struct page_state *s, struct mm_boot *boot,
			   struct mm_zone_boot *zones)
{
	for (u32 i = 0; i < s->saved.nr_zones; i++) {
		const struct mm_saved_zone *z = &s->saved.zones[i];

		zones[i] = (struct mm_zone_boot){ z->node, z->zone_idx, z->start_pfn, z->spanned,
						  z->present };
		if (zone_end(z) > boot->max_pfn)
			boot->max_pfn = zone_end(z);
	}
	boot->zones = zones;
	boot->nr_zones = s->saved.nr_zones;
}

static int start(struct mm_boot *boot, struct kms_error *err)
{
	u64 frames = (boot->max_pfn + MAX_ORDER_PAGES - 1) & ~(MAX_ORDER_PAGES - 1);
	u64 least = memblock_sizes.globals_phys + memblock_sizes.globals;
	u64 base = frames << SIM_PAGE_SHIFT, struct_pages = frames * memblock_sizes.page, end;
	int rc;

	end = lay_out(boot, base > least ? base : page_up(least));
	rc = ram_map(end + struct_pages, struct_pages, end, err);
	if (!rc)
		rc = rt_init(&(struct rt_config){ 0 }, boot->nr_cpus, err);
	if (rc)
		return rc;
	for (u32 i = 0; i < boot->nr_cpus; i++)
		rt_set_percpu(i, SIM_RAM_BASE + boot->percpu_phys[i]);
	rt_enter_cpu(0);
	mm_ops_plain.boot(boot);
	mm_ops_plain.setup_pagesets();
	for (u32 i = 1; i < boot->nr_cpus; i++)
		mm_ops_plain.cpu_online(i);
	return 0;
}

static int check_cpus(const struct page_state *s, u32 nr_cpus, struct kms_error *err)
{
	u32 most = 0;

	for (u32 i = 0; i < s->saved.nr_pcps; i++)
		most = s->saved.pcps[i].cpu > most ? s->saved.pcps[i].cpu : most;
	for (u32 i = 0; i < s->saved.nr_lists; i++)
		if (s->saved.lists[i].cpu != MM_SAVED_BUDDY && s->saved.lists[i].cpu > most)
			most = s->saved.lists[i].cpu;
	if (most < nr_cpus)
		return 0;
	return kms_fail(err, KMS_EUSAGE, "the state has lists of CPU %u, but there are %u CPUs", most,
			nr_cpus);
}

int restore_machine(const struct page_state *s, const struct restore_config *config,
		    struct kms_error *err)
{
	static const u8 node_0[MEMBLOCK_MAX_CPUS];
	struct mm_zone_boot *zones = calloc(s->saved.nr_zones + 1, sizeof(*zones));
	struct mm_boot *boot = calloc(1, sizeof(*boot));
	struct kms_error found = { 0 };
	int rc = zones && boot ? 0 : no_memory(err);

	if (!rc && !s->saved.nr_zones)
		rc = kms_fail(err, KMS_EUSAGE, "the state has no zones");
	if (!rc)
		rc = check_cpus(s, config->nr_cpus, err);
	if (!rc) {
		boot->nr_cpus = config->nr_cpus;
		boot->nr_nodes = config->nr_nodes;
		boot->cpu_node = config->cpu_node ? config->cpu_node : node_0;
		boot->node_distance = config->node_distance;
		boot->params = &config->params;
		describe_zones(s, boot, zones);
		rc = start(boot, err);
	}
	free(zones);
	free(boot);
	if (rc)
		return rc;
	mm_restore_pages(&s->saved);
	if (!mm_check_pages(&found))
		return 0;
	return kms_fail(err, KMS_EUSAGE, "the recorded state contradicts itself: %s", found.text);
}

void restore_machine_off(void)
{
	ram_unmap();
}
