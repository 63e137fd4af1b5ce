/*
 * boot.c - from the firmware's memory map to running zones.
 *
 * mm_boot() lays out nodes, zones, memory sections and the first per-CPU
 * lists, builds the zonelists and hands free memory over to the buddy
 * allocator; setup_per_cpu_pageset(), mm_cpu_online() and
 * init_per_zone_wmark_min() follow when the machine's boot gets there.
 *
 * The memory map must cover whole blocks of the largest order: struct pages up
 * to max_pfn rounded up to 1024 are read as possible buddies.
 */
#include "models/mm/page_internal.h"

#define BOOT_FORBIDDEN_GFP (__GFP_RECLAIM | __GFP_IO | __GFP_FS)

static void *phys_to_virt(u64 phys)
{
	return (void *)(PAGE_OFFSET + phys);
}

/* 0 stands for the default, MM_PARAM_ZERO for 0. */
static u64 or_default(u64 value, u64 normal)
{
	if (value == MM_PARAM_ZERO)
		return 0;
	return value ? value : normal;
}

/* ---- globals ---- */

static void init_params(const struct mm_params *p)
{
	static const u32 lowmem_ratios[MAX_NR_ZONES] = {
		[ZONE_DMA] = 256, [ZONE_DMA32] = 256, [ZONE_NORMAL] = 32, [ZONE_MOVABLE] = 0,
	};

	kdata->min_free_kbytes = p->min_free_kbytes;
	kdata->watermark_scale_factor = or_default(p->watermark_scale_factor, 10);
	kdata->watermark_boost_factor = or_default(p->watermark_boost_factor, 15000);
	kdata->percpu_pagelist_high_fraction = p->percpu_pagelist_high_fraction;
	for (u32 i = 0; i < MAX_NR_ZONES; i++)
		kdata->lowmem_reserve_ratio[i] = or_default(p->lowmem_reserve_ratio[i], lowmem_ratios[i]);
	kdata->extfrag_threshold = 500;
	kdata->compaction_proactiveness = (u32)or_default(p->compaction_proactiveness, 20);
	kdata->slub_min_order = (u32)p->slub_min_order;
	kdata->slub_max_order = (u32)or_default(p->slub_max_order, PAGE_ALLOC_COSTLY_ORDER);
	kdata->slub_min_objects = (u32)p->slub_min_objects;
	kdata->slab_nomerge = p->slab_nomerge;
	kdata->slub_cpu_partial = p->slub_cpu_partial;
}

static void init_globals(const struct mm_boot *boot)
{
	u32 i;

	kdata->gfp_allowed_mask = ~BOOT_FORBIDDEN_GFP;
	kdata->nr_cpu_ids = boot->nr_cpus;
	kdata->nr_node_ids = boot->nr_nodes;
	kdata->nr_online_nodes = boot->nr_nodes;
	kdata->nr_online_cpus = 1;
	kdata->cpu_online[0] = 1;
	kdata->max_pfn = boot->max_pfn;
	for (i = 0; i < boot->nr_cpus; i++) {
		kdata->cpu_to_node[i] = boot->cpu_node[i];
		kdata->per_cpu_offset[i] = (u64)phys_to_virt(boot->percpu_phys[i]);
	}
	for (i = 0; i < boot->nr_nodes; i++)
		kdata->node_data[i] = phys_to_virt(boot->node_data_phys[i]);
	kdata->percpu_unit_bytes = boot->percpu_unit_bytes;
	init_params(boot->params);
}

/* ---- sections and pageblocks ---- */

static void init_sections(const struct mm_boot *boot)
{
	u64 nr = DIV_ROUND_UP(boot->max_pfn, 1ul << SECTION_PFN_SHIFT), i;
	u64 usage, usage_bytes = section_usage_bytes();

	kdata->mem_section = phys_to_virt(boot->mem_section_phys);
	usage = (u64)(kdata->mem_section + nr);
	for (i = 0; i < nr; i++) {
		kdata->mem_section[i].section_mem_map = (u64)pfn_to_page(i << SECTION_PFN_SHIFT);
		kdata->mem_section[i].usage =
			(struct mem_section_usage *)(usage + i * usage_bytes);
	}
}

/*
 * Every pageblock that begins in the zone starts as movable. One that begins
 * before it (x86: the zone starts at frame 1) keeps 0, unmovable. Nothing else
 * uses the bits yet, so whole words are written where the zone fills them.
 */
static void init_pageblocks(const struct zone *zone)
{
	u64 pfn = ALIGN(zone->zone_start_pfn, PAGEBLOCK_NR_PAGES), end = zone_end_pfn(zone);
	const u64 per_word = 16 * PAGEBLOCK_NR_PAGES;

	while (pfn < end) {
		struct mem_section *section = &kdata->mem_section[pfn >> SECTION_PFN_SHIFT];
		u64 word = (pfn & ((1ul << SECTION_PFN_SHIFT) - 1)) / per_word;

		if (pfn % per_word == 0 && pfn + per_word <= end) {
			pageblock_words(section->usage)[word] = 0x1111111111111111ul * MIGRATE_MOVABLE;
			pfn += per_word;
		} else {
			pageblock_words(section->usage)[word] |=
				(u64)MIGRATE_MOVABLE << pfn % per_word / PAGEBLOCK_NR_PAGES * 4;
			pfn += PAGEBLOCK_NR_PAGES;
		}
	}
}

/* ---- nodes and zones ---- */

static void init_zone(struct pglist_data *pgdat, u32 idx)
{
	struct zone *zone = &pgdat->node_zones[idx];
	u32 order, mt;

	zone->node = pgdat->node_id;
	zone->zone_idx = idx;
	zone->name = idx;
	zone->zone_pgdat = pgdat;
	zone->pageset_batch = 1;
	for (order = 0; order < MAX_ORDER; order++)
		for (mt = 0; mt < MIGRATE_TYPES; mt++)
			INIT_LIST_HEAD(&zone->free_area[order].free_list[mt]);
}

static void init_node(u32 nid)
{
	struct pglist_data *pgdat = kdata->node_data[nid];
	u32 i;

	pgdat->node_id = (s32)nid;
	pgdat->kswapd_highest_zoneidx = MAX_NR_ZONES;
	pgdat->kcompactd_highest_zoneidx = MAX_NR_ZONES - 1;
	for (i = 0; i < NR_LRU_LISTS; i++)
		INIT_LIST_HEAD(&pgdat->lruvec.lists[i]);
	for (i = 0; i < MAX_NR_ZONES; i++)
		init_zone(pgdat, i);
}

static void populate_zone(const struct mm_zone_boot *z)
{
	struct pglist_data *pgdat = kdata->node_data[z->node];
	struct zone *zone = &pgdat->node_zones[z->zone_idx];
	u64 memmap = DIV_ROUND_UP(z->spanned * sizeof(struct page), PAGE_SIZE);

	zone->zone_start_pfn = z->start_pfn;
	zone->spanned_pages = z->spanned;
	zone->present_pages = z->present;
	/* an estimate, until memblock's release counts */
	zone->managed_pages = z->present > memmap ? z->present - memmap : 0;
	zone->initialized = 1;
	if (!pgdat->node_spanned_pages)
		pgdat->node_start_pfn = z->start_pfn;
	pgdat->node_spanned_pages = zone_end_pfn(zone) - pgdat->node_start_pfn;
	pgdat->node_present_pages += z->present;
	pgdat->nr_zones = (s32)z->zone_idx + 1;
	init_pageblocks(zone);
}

/* Too little memory for grouping by mobility: every pageblock is then unmovable. */
static void init_mobility(const struct mm_params *p)
{
	u64 pages = nr_free_zone_pages(ZONE_MOVABLE);

	kdata->page_group_by_mobility_disabled =
		!p->page_group_by_mobility || pages < PAGEBLOCK_NR_PAGES * MIGRATE_TYPES;
}

/* ---- per-CPU lists ---- */

static void init_pageset(struct per_cpu_pages __percpu *pageset)
{
	u32 cpu, i;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		struct per_cpu_pages *pcp = per_cpu_ptr(pageset, cpu);

		pcp->batch = 1;
		if (kms_tunable(TUNE_PCP_AUTO_TUNE))
			pcp->free_factor = PCP_AUTO_TUNED;
		for (i = 0; i < NR_PCP_LISTS; i++)
			INIT_LIST_HEAD(&pcp->lists[i]);
	}
}

static struct per_cpu_pages __percpu *new_pageset(void)
{
	struct per_cpu_pages __percpu *pageset =
		__alloc_percpu(sizeof(struct per_cpu_pages), SMP_CACHE_BYTES);

	BUG_ON(!pageset);
	init_pageset(pageset);
	return pageset;
}

/*
 * Until the real ones exist, all zones share one set of lists with high 0 and
 * batch 1: what comes goes on to the buddy lists at once. Thresholds of 0 keep
 * nothing back in the counters either.
 */
static void setup_boot_pagesets(void)
{
	struct per_cpu_pages __percpu *pageset = new_pageset();
	struct per_cpu_zonestat __percpu *zonestats =
		__alloc_percpu(sizeof(*zonestats), SMP_CACHE_BYTES);
	struct per_cpu_nodestat __percpu *nodestats = __alloc_percpu(sizeof(*nodestats), 8);
	struct zone *zone;
	u32 nid;

	kdata->vm_event_states = __alloc_percpu(sizeof(struct vm_event_state), SMP_CACHE_BYTES);
	BUG_ON(!zonestats || !nodestats || !kdata->vm_event_states);
	for (nid = 0; nid < kdata->nr_node_ids; nid++)
		kdata->node_data[nid]->per_cpu_nodestats = (u64)nodestats;
	for_each_populated_zone(zone) {
		zone->per_cpu_pageset = pageset;
		zone->per_cpu_zonestats = zonestats;
	}
}

static bool pagesets_set_up(void)
{
	return next_populated_zone(NULL)->pageset_high != 0;
}

void setup_per_cpu_pageset(void)
{
	struct zone *zone;
	u32 nid;

	for_each_populated_zone(zone) {
		zone->per_cpu_zonestats =
			__alloc_percpu(sizeof(struct per_cpu_zonestat), SMP_CACHE_BYTES);
		BUG_ON(!zone->per_cpu_zonestats);
		zone->per_cpu_pageset = new_pageset();
		zone_pcp_update(zone, 0);
	}
	for (nid = 0; nid < kdata->nr_node_ids; nid++) {
		struct per_cpu_nodestat __percpu *nodestats = __alloc_percpu(sizeof(*nodestats), 8);

		BUG_ON(!nodestats);
		kdata->node_data[nid]->per_cpu_nodestats = (u64)nodestats;
	}
}

/* A CPU comes up: lists are resized with it, on every node, before it counts as online. */
void mm_cpu_online(u32 cpu)
{
	bool set_up = pagesets_set_up();
	struct zone *zone;

	if (!cpu)
		kdata->boot_cpu_apart = 0;
	if (kdata->cpu_online[cpu])
		return;
	if (set_up)
		for_each_populated_zone(zone)
			zone_pcp_update(zone, 1);
	kdata->cpu_online[cpu] = 1;
	kdata->nr_online_cpus++;
	if (set_up)
		refresh_zone_stat_thresholds();
}

/* ---- memory for the buddy allocator ---- */

/*
 * One block of the release. The kernel also writes all its struct pages (not
 * reserved any more, no references) and passes them through the checks of a
 * free; untouched ones are valid as zeros here, so only the first is written.
 */
static void memblock_free_block(struct zone *zone, u64 pfn, u32 order)
{
	zone->managed_pages += 1ul << order;
	trace_step(pg_free, pfn, order);
	spin_lock_irqsave(&zone->lock, LOCK_ZONE);
	__free_one_page(pfn_to_page(pfn), pfn, zone, order, get_pageblock_migratetype(pfn),
			FPI_TO_TAIL | FPI_SKIP_POISON);
	spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
	count_vm_events(PGFREE, 1ul << order);
}

static u32 largest_order(u64 pfn, u64 end)
{
	u32 most = kms_tunable(TUNE_MAX_PAGE_ORDER);
	u32 order = pfn ? (u32)__builtin_ctzl(pfn) : most;

	order = min(order, most);
	while (pfn + (1ul << order) > end)
		order--;
	return order;
}

/* The largest naturally aligned blocks, ascending: their lists end up in address order. */
static void memblock_free_all(const struct mm_range *ranges, u32 nr)
{
	struct zone *zone;
	u32 i;

	for_each_populated_zone(zone)
		zone->managed_pages = 0;
	for (i = 0, zone = NULL; i < nr; i++) {
		u64 pfn = ranges[i].pfn;

		while (pfn < ranges[i].end) {
			u32 order = largest_order(pfn, ranges[i].end);

			if (!zone || !zone_spans_pfn(zone, pfn))
				zone = pfn_to_zone(pfn);
			memblock_free_block(zone, pfn, order);
			pfn += 1ul << order;
		}
	}
}

/* Boot code and data that are not needed any more: page by page through the per-CPU lists. */
void free_reserved_block(u64 pfn, u32 order)
{
	struct page *page = pfn_to_page(pfn);
	u64 i;

	for (i = 0; i < 1ul << order; i++, page++) {
		struct zone *zone = page_zone(page);

		page->flags &= ~PG_reserved;
		WRITE_ONCE(page->_refcount, 1);
		__free_pages(page, 0);
		atomic_add(&zone->managed_pages, 1);
	}
}

void mm_boot(const struct mm_boot *boot)
{
	u32 i;

	kms_set_params(boot->params);
	init_globals(boot);
	init_sections(boot);
	for (i = 0; i < boot->nr_nodes; i++)
		init_node(i);
	for (i = 0; i < boot->nr_zones; i++)
		populate_zone(&boot->zones[i]);
	setup_boot_pagesets();
	build_all_zonelists(boot);
	init_mobility(boot->params);
	memblock_free_all(boot->free, boot->nr_free);
}
