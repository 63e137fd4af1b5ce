/*
 * pcp.c - per-CPU page lists: most orders 0..3 and 9 never see the zone's lock.
 *
 * Each CPU has, for each zone, a list per order and migratetype. An empty list
 * is refilled with a batch from buddy.c (appended, then taken from the head);
 * freed pages go to the head, and when the CPU holds more than its high mark
 * the oldest go back in batches that grow while frees keep coming
 * (free_factor). page->index carries the migratetype while a page is here.
 */
#include "models/mm/page_internal.h"

static u32 order_to_pindex(u32 order, u32 mt)
{
	if (order > PAGE_ALLOC_COSTLY_ORDER)
		return 3 * (PAGE_ALLOC_COSTLY_ORDER + 1) + (mt == MIGRATE_MOVABLE);
	return MIGRATE_PCPTYPES * order + mt;
}

/* Types that have no list of their own travel with the movable pages. */
static u32 pcp_migratetype(u32 mt)
{
	return mt < MIGRATE_PCPTYPES ? mt : MIGRATE_MOVABLE;
}

/* ---- allocation ---- */

/* Fetch up to count blocks from the zone to the end of list; returns how many came. */
static u32 rmqueue_bulk(struct zone *zone, u32 order, u32 count, struct list_head *list, u32 mt,
			u32 alloc_flags)
{
	u32 mode = RMQUEUE_NORMAL, i;

	spin_lock_irqsave(&zone->lock, LOCK_ZONE);
	trace_step(rmq_bulk, zone_id(zone), order, mt, alloc_flags, count);
	for (i = 0; i < count; i++) {
		struct page *page = __rmqueue_mode(zone, order, mt, alloc_flags, &mode);

		if (!page)
			break;
		check_new_pages(page, order);
		list_add_tail(&page->lru, list);
	}
	__mod_zone_page_state(zone, NR_FREE_PAGES, -((s64)i << order));
	trace_step(rmq_bulk_end, zone_id(zone), i);
	spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
	trace3(mm_page_pcp_refill, i, order, mt);
	return i;
}

static u32 refill_count(struct per_cpu_pages *pcp, const struct zone *zone, u32 order)
{
	u32 batch, n;

	if (unlikely(pcp->free_factor < 0))
		return pcp_tune_refill(pcp, zone, order);
	batch = (u32)READ_ONCE(pcp->batch);
	if (batch <= 1)
		return batch;
	n = batch >> order;
	return max(n, 2u);
}

/* pre: pcp->lock is held */
static struct page *__rmqueue_pcplist(struct zone *zone, u32 order, u32 mt, u32 alloc_flags,
				      struct per_cpu_pages *pcp)
{
	struct list_head *list = &pcp->lists[order_to_pindex(order, mt)];
	struct page *page;

	if (list_empty(list)) {
		u32 n = refill_count(pcp, zone, order);

		pcp->count += (s32)(rmqueue_bulk(zone, order, n, list, mt, alloc_flags) << order);
		if (unlikely(list_empty(list)))
			return NULL;
	}
	page = list_first_entry(list, struct page, lru);
	list_del(&page->lru);
	pcp->count -= 1 << order;
	trace3(mm_page_pcp_alloc, page_to_pfn(page), order, mt);
	trace_step(pcp_alloc, page_to_pfn(page), order, mt, alloc_flags, zone_id(zone),
		   (u64)pcp->count, (u64)pcp->free_factor);
	return page;
}

/* What is freed in a row counts; auto-tuned lists keep count in pages. */
static void note_allocation(struct per_cpu_pages *pcp)
{
	s16 factor = pcp->free_factor;

	if (unlikely(factor < 0))
		pcp->free_count >>= 1;
	else
		pcp->free_factor = factor >> 1;
}

/*
 * The lock is only tried: an interrupt may have come inside its section. In a
 * replay the recording knows (kind: 0 allocation, 1 free, 2 free of a list).
 */
static bool pcp_trylock(struct per_cpu_pages *pcp, const struct zone *zone,
			const struct page *page, u32 order, u32 mt, u32 kind)
{
	if (stepping())
		return !trace_step_next(pcp_tryfail, page ? page_to_pfn(page) : 0, order, mt,
				     zone_id(zone), kind);
	return spin_trylock(&pcp->lock, LOCK_PCP);
}

/* One block from this CPU's list of zone; NULL when the zone has none, or the list is locked. */
struct page *rmqueue_pcplist(struct zone *preferred, struct zone *zone, u32 order, u32 mt,
			     u32 alloc_flags)
{
	struct per_cpu_pages *pcp = this_cpu_ptr(zone->per_cpu_pageset);
	struct page *page;

	if (!pcp_trylock(pcp, zone, NULL, order, mt, 0))
		return NULL;
	note_allocation(pcp);
	page = __rmqueue_pcplist(zone, order, mt, alloc_flags, pcp);
	spin_unlock(&pcp->lock, LOCK_PCP);
	if (page) {
		count_vm_events(PGALLOC_DMA + zone->zone_idx, 1ul << order);
		zone_statistics(preferred, zone, 1);
	}
	return page;
}

/* Order-0 pages under one hold of the lock, for the bulk allocator; free_factor stays. */
u32 rmqueue_pcplist_many(struct zone *preferred, struct zone *zone, u32 mt, u32 alloc_flags,
			 struct page **pages, u32 n)
{
	struct per_cpu_pages *pcp = this_cpu_ptr(zone->per_cpu_pageset);
	u32 got;

	if (!pcp_trylock(pcp, zone, NULL, 0, mt, 0))
		return 0;
	for (got = 0; got < n; got++) {
		pages[got] = __rmqueue_pcplist(zone, 0, mt, alloc_flags, pcp);
		if (!pages[got])
			break;
	}
	spin_unlock(&pcp->lock, LOCK_PCP);
	if (got) {
		count_vm_events(PGALLOC_DMA + zone->zone_idx, got);
		zone_statistics(preferred, zone, got);
	}
	return got;
}

/* ---- freeing ---- */

/* Give the oldest block of a list back to the zone, whose lock is held; returns its pages. */
static s32 free_oldest(struct zone *zone, struct per_cpu_pages *pcp, struct list_head *list, u32 order)
{
	struct page *page = list_last_entry(list, struct page, lru);
	u32 mt = kms_tunable(TUNE_FREED_TYPE) == FREED_TYPE_EXACT ?
		 get_pageblock_migratetype(page_to_pfn(page)) : pcppage_migratetype(page);

	list_del(&page->lru);
	pcp->count -= 1 << order;
	check_free_page(page);
	trace3(mm_page_pcp_drain_one, order, page_to_pfn(page), mt);
	__free_one_page(page, page_to_pfn(page), zone, order, mt, FPI_NONE);
	return 1 << order;
}

/*
 * Before 5.18: lists in turn from the second on, from each as many blocks as
 * lists were looked at to find it; the only one with pages gives all of them.
 */
static s32 free_round_robin(struct zone *zone, struct per_cpu_pages *pcp, s32 count)
{
	u32 nr = kms_tunable(TUNE_PCP_ORDERS) == 1 ? MIGRATE_PCPTYPES : NR_PCP_LISTS, pindex = 0;
	s32 freed = 0, turn = 0;

	while (freed < count) {
		do {
			pindex = pindex + 1 < nr ? pindex + 1 : 0;
			turn++;
		} while (list_empty(&pcp->lists[pindex]));
		if (turn == (s32)nr)
			turn = count;
		do {
			freed += free_oldest(zone, pcp, &pcp->lists[pindex], pindex_to_order(pindex));
			turn--;
		} while (freed < count && turn && !list_empty(&pcp->lists[pindex]));
	}
	return freed;
}

/* A list is emptied before the next one is touched; the last block may overshoot. */
static s32 free_list_by_list(struct zone *zone, struct per_cpu_pages *pcp, s32 count, u32 pindex)
{
	s32 freed = 0;

	while (freed < count) {
		struct list_head *list = &pcp->lists[pindex];
		u32 order = pindex_to_order(pindex);

		while (freed < count && !list_empty(list))
			freed += free_oldest(zone, pcp, list, order);
		pindex = pindex + 1 < NR_PCP_LISTS ? pindex + 1 : 0;
	}
	return freed;
}

/* Give about count pages back to the zone, the oldest of list pindex first. */
void free_pcppages_bulk(struct zone *zone, s32 count, struct per_cpu_pages *pcp, u32 pindex)
{
	s32 freed;

	count = min(count, pcp->count);
	spin_lock_irqsave(&zone->lock, LOCK_ZONE);
	trace_step(pcp_bulk_free, zone_id(zone), (u64)count, pindex, (u64)pcp->count);
	if (kms_tunable(TUNE_PCP_DRAIN) == PCP_DRAIN_ROUND_ROBIN)
		freed = free_round_robin(zone, pcp, count);
	else
		freed = free_list_by_list(zone, pcp, count, pindex);
	spin_unlock_irqrestore(&zone->lock, LOCK_ZONE);
	trace2(mm_page_pcp_drain, freed, pindex);
}

static s32 nr_pcp_high(const struct per_cpu_pages *pcp, const struct zone *zone, bool free_high)
{
	s32 high = READ_ONCE(pcp->high), limit;

	if (!high || free_high)
		return 0;
	if (!zone_flag(zone, ZONE_RECLAIM_ACTIVE))
		return high;
	limit = READ_ONCE(pcp->batch) << 2;
	return min(limit, high);
}

static s32 free_factor_max(void)
{
	switch (kms_tunable(TUNE_PCP_FREE_BATCH)) {
	case PCP_FREE_FIXED:
		return 0;
	case PCP_FREE_UNCAPPED:
		return 16; /* batch << 16 is beyond any high mark */
	default:
		return PCP_BATCH_SCALE_MAX;
	}
}

/* How many pages an overflow gives back; the batch doubles from one overflow to the next. */
static s32 nr_pcp_free(struct per_cpu_pages *pcp, s32 high, bool free_high)
{
	s32 batch = READ_ONCE(pcp->batch), most = high - batch, n;

	if (free_high)
		return pcp->count;
	if (high < batch)
		return 1;
	n = batch << pcp->free_factor;
	if (n < most && pcp->free_factor < free_factor_max())
		pcp->free_factor++;
	n = max(n, batch);
	return min(n, most);
}

static void free_tuned(struct zone *zone, struct per_cpu_pages *pcp, u32 order, u32 pindex)
{
	s32 n = pcp_tune_free(pcp, zone, order);

	if (!n)
		return;
	free_pcppages_bulk(zone, n, pcp, pindex);
	pcp_tune_freed(zone);
}

/* pre: pcp->lock is held; the page is prepared, page->index is its pageblock's type. */
static void free_unref_page_commit(struct zone *zone, struct per_cpu_pages *pcp, struct page *page,
				   u32 order, u32 mt)
{
	u32 pindex = order_to_pindex(order, mt);
	s16 factor;
	bool free_high;
	s32 high;

	count_vm_events(PGFREE, 1ul << order);
	list_add(&page->lru, &pcp->lists[pindex]);
	pcp->count += 1 << order;
	trace3(mm_page_pcp_free, page_to_pfn(page), order, mt);
	factor = pcp->free_factor;
	if (unlikely(factor < 0)) {
		free_tuned(zone, pcp, order, pindex);
		return;
	}
	free_high = factor && order && order <= PAGE_ALLOC_COSTLY_ORDER;
	high = nr_pcp_high(pcp, zone, free_high);
	/* while the step waits for its turn kswapd may begin or end on another CPU */
	trace_step(pcp_free, page_to_pfn(page), order, mt, pindex, zone_id(zone), (u64)pcp->count,
		   (u64)pcp->free_factor, zone_flag(zone, ZONE_RECLAIM_ACTIVE));
	if (pcp->count >= high)
		free_pcppages_bulk(zone, nr_pcp_free(pcp, high, free_high), pcp, pindex);
}

/* Prepare a page for a per-CPU list; returns its pageblock's type. */
static u32 free_unref_page_prepare(struct page *page, u32 order)
{
	u32 mt;

	free_pages_prepare(page, order, false);
	if (order)
		trace2(mm_page_free_order, (1ul << order) - 1, order);
	mt = get_pageblock_migratetype(page_to_pfn(page));
	page->index = mt;
	return mt;
}

void free_unref_page(struct page *page, u32 order)
{
	u32 mt = free_unref_page_prepare(page, order);
	struct zone *zone = page_zone(page);
	struct per_cpu_pages *pcp = this_cpu_ptr(zone->per_cpu_pageset);

	if (!pcp_trylock(pcp, zone, page, order, mt, 1)) {
		free_one_page(zone, page, page_to_pfn(page), order, mt, FPI_NONE);
		return;
	}
	free_unref_page_commit(zone, pcp, page, order, pcp_migratetype(mt));
	spin_unlock(&pcp->lock, LOCK_PCP);
}

/* Prepared order-0 pages to their per-CPU lists, in the array's order. */
static void commit_prepared(struct page **pages, u32 n)
{
	struct per_cpu_pages *pcp = NULL;
	struct zone *locked = NULL;
	u32 batch = 0, i;

	if (unlikely(!pcp_allowed_order(0))) {
		for (i = 0; i < n; i++) {
			u64 pfn = page_to_pfn(pages[i]);
			struct zone *zone = page_zone(pages[i]);
			u32 mt = pcppage_migratetype(pages[i]);

			free_one_page(zone, pages[i], pfn, 0, mt, FPI_NONE);
			count_vm_events(PGFREE, 1);
		}
		return;
	}
	for (i = 0; i < n; i++) {
		struct page *page = pages[i];
		struct zone *zone = page_zone(page);
		u32 mt = pcppage_migratetype(page);

		if (zone != locked || batch == SWAP_CLUSTER_MAX) {
			if (locked)
				spin_unlock(&pcp->lock, LOCK_PCP);
			batch = 0;
			locked = zone;
			pcp = this_cpu_ptr(zone->per_cpu_pageset);
			if (unlikely(!pcp_trylock(pcp, zone, page, 0, mt, 2))) {
				free_one_page(zone, page, page_to_pfn(page), 0, mt, FPI_NONE);
				locked = NULL;
				continue;
			}
		}
		trace_step(pg_free_batched, page_to_pfn(page), batch);
		free_unref_page_commit(zone, pcp, page, 0, pcp_migratetype(mt));
		batch++;
	}
	if (locked)
		spin_unlock(&pcp->lock, LOCK_PCP);
}

/*
 * Free order-0 pages in the array's order, as the release of a batch of page
 * cache or anonymous pages does: each loses one reference first, those that
 * somebody else still holds are passed over. The lock is let go every 32 pages.
 */
void free_unref_page_list(struct page **pages, u32 n)
{
	u32 kept = 0, i;

	for (i = 0; i < n; i++) {
		if (!atomic_dec_and_test(&pages[i]->_refcount))
			continue;
		free_unref_page_prepare(pages[i], 0);
		pages[kept++] = pages[i];
	}
	commit_prepared(pages, kept);
}

/* The same for pages whose last reference is gone already. */
void free_unref_pages(struct page **pages, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		free_unref_page_prepare(pages[i], 0);
	commit_prepared(pages, n);
}

/* ---- draining ---- */

void drain_pages_zone(u32 cpu, struct zone *zone)
{
	struct per_cpu_pages *pcp = per_cpu_ptr(READ_ONCE(zone->per_cpu_pageset), cpu);
	s32 left;

	do {
		s32 most;

		spin_lock(&pcp->lock, LOCK_PCP);
		left = pcp->count;
		most = pcp->batch << PCP_BATCH_SCALE_MAX;
		if (left) {
			trace_step(drain_pages_zone, zone_id(zone), cpu, (u64)left);
			free_pcppages_bulk(zone, min(left, most), pcp, 0);
			left -= min(left, most);
		}
		spin_unlock(&pcp->lock, LOCK_PCP);
	} while (left);
}

static bool cpu_has_pcp_pages(u32 cpu)
{
	struct zone *zone;

	for_each_populated_zone(zone)
		if (READ_ONCE(per_cpu_ptr(READ_ONCE(zone->per_cpu_pageset), cpu)->count))
			return true;
	return false;
}

/* Empty every CPU's lists; the caller takes the other CPUs' locks itself. */
void drain_all_pages(void)
{
	struct zone *zone;
	u32 cpu;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		if (!kdata->cpu_online[cpu] || !cpu_has_pcp_pages(cpu))
			continue;
		for_each_populated_zone(zone)
			drain_pages_zone(cpu, zone);
	}
}

/* The same for one zone. */
void drain_zone_all_cpus(struct zone *zone)
{
	u32 cpu;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		if (kdata->cpu_online[cpu] &&
		    READ_ONCE(per_cpu_ptr(READ_ONCE(zone->per_cpu_pageset), cpu)->count))
			drain_pages_zone(cpu, zone);
}

/* The vmstat worker's look at a remote zone whose pages have lain idle: one batch goes back. */
void drain_zone_pages(struct zone *zone, struct per_cpu_pages *pcp)
{
	s32 count = pcp->count, batch = READ_ONCE(pcp->batch);
	s32 n = min(count, batch);

	if (n <= 0)
		return;
	trace_step(drain_zone_pages, zone_id(zone), (u64)n);
	spin_lock(&pcp->lock, LOCK_PCP);
	free_pcppages_bulk(zone, n, pcp, 0);
	spin_unlock(&pcp->lock, LOCK_PCP);
}

/* ---- sizes ---- */

/* Pages per refill: a quarter of a thousandth of the zone, at most 1 MiB, 2^n - 1. */
static u32 zone_batchsize(const struct zone *zone)
{
	u64 batch = min(zone->managed_pages >> 10, 256ul) / 4;

	batch = max(batch, 1ul);
	batch = (1ul << ilog2(batch + batch / 2)) - 1;
	return (u32)max(batch, 1ul);
}

static u32 node_cpus_online(u32 nid)
{
	u32 cpu, n = 0;

	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++)
		n += kdata->cpu_online[cpu] && cpu_to_node(cpu) == nid;
	return n;
}

/* The node's CPUs share its low watermark, or the share that the administrator gave. */
static u32 zone_highsize(const struct zone *zone, u32 batch, u32 coming_cpus, u64 fraction)
{
	u64 total = fraction ? zone->managed_pages / fraction : wmark_pages(zone, WMARK_LOW);
	u32 cpus = node_cpus_online((u32)zone->node) + coming_cpus;
	u64 high = total / (cpus ? cpus : kdata->nr_online_cpus);

	return (u32)max(high, 4ul * batch);
}

/* Auto-tuned lists may grow to this, each CPU to its share of an eighth of the zone. */
#define HIGH_MAX_FRACTION 8

/* Recompute high and batch of every possible CPU. coming_cpus: 1 while a CPU is brought up. */
void zone_pcp_update(struct zone *zone, u32 coming_cpus)
{
	u64 fraction = kdata->percpu_pagelist_high_fraction;
	u32 batch = kms_tunable(TUNE_PCP_BATCH), high = kms_tunable(TUNE_PCP_HIGH), most = high, cpu;
	bool tuned = kms_tunable(TUNE_PCP_AUTO_TUNE);

	if (!batch)
		batch = zone_batchsize(zone);
	if (!high) {
		high = zone_highsize(zone, batch, coming_cpus, fraction);
		most = zone_highsize(zone, batch, coming_cpus, fraction ? fraction : HIGH_MAX_FRACTION);
		if (kms_tunable(TUNE_PCP_HIGH_FROM) == PCP_HIGH_SIX_BATCHES && !fraction)
			high = 6 * batch;
	}
	if (zone->pageset_high == (s32)high && zone->pageset_batch == (s32)batch && !tuned)
		return;
	zone->pageset_high = (s32)high;
	zone->pageset_batch = (s32)batch;
	trace_step(pcp_high_batch, zone_id(zone), high, batch);
	for (cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		struct per_cpu_pages *pcp = per_cpu_ptr(READ_ONCE(zone->per_cpu_pageset), cpu);

		WRITE_ONCE(pcp->batch, (s32)batch);
		if (tuned) {
			WRITE_ONCE(pcp->high_min, (s32)high);
			WRITE_ONCE(pcp->high_max, (s32)most);
		} else {
			WRITE_ONCE(pcp->high, (s32)high);
		}
	}
}
