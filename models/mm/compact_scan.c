/*
 * compact_scan.c - compaction's lower scanner: pages that can be moved.
 *
 * Goes up from the zone's start, a pageblock at a time, and takes pages off the
 * LRU lists, up to 32 in a round. Pageblocks in which nothing was found carry a
 * skip hint until kswapd goes to sleep. For large movable requests the free
 * lists tell which pageblocks are partly free already and cheap to empty.
 */
#include "models/mm/compaction.h"

/* ---- hints ---- */

void change_pageblock_skip(u64 pfn, bool skip)
{
	u64 *word = pageblock_word(pfn);
	u64 bit = PAGEBLOCK_SKIP << pageblock_shift(pfn);

	if (skip)
		__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
}

/* Scanned up to pfn, the end of a pageblock: the next compaction begins there (recordings show it). */
static void update_cached_migrate(const struct compact_control *cc, u64 next)
{
	struct zone *zone = cc->zone;

	if (next > READ_ONCE(zone->compact_cached_migrate_pfn[0]))
		WRITE_ONCE(zone->compact_cached_migrate_pfn[0], next);
	if (cc->mode != MIGRATE_ASYNC && next > READ_ONCE(zone->compact_cached_migrate_pfn[1]))
		WRITE_ONCE(zone->compact_cached_migrate_pfn[1], next);
}

/* ---- free lists ---- */

/* The list's head goes between page and its neighbour: nothing else moves. */
static void turn_list(struct list_head *head, struct list_head *before, struct list_head *after)
{
	list_del(head);
	after->prev = head;
	head->next = after;
	head->prev = before;
	WRITE_ONCE(before->next, head);
}

void move_freelist_head(struct list_head *freelist, struct page *page, u32 order)
{
	struct list_head *entry = &page->lru;

	if (freelist == entry)
		return;
	trace_step(fl_rotate, page_to_pfn(page), 0, order, MIGRATE_MOVABLE, zone_id(page_zone(page)));
	if (READ_ONCE(freelist->next) == entry)
		return;
	trace3(mm_compaction_rotate, page_to_pfn(page), 0, order);
	turn_list(freelist, READ_ONCE(entry->prev), entry);
}

void move_freelist_tail(struct list_head *freelist, struct page *page, u32 order)
{
	struct list_head *entry = &page->lru;

	if (freelist == entry)
		return;
	trace_step(fl_rotate, page_to_pfn(page), 1, order, MIGRATE_MOVABLE, zone_id(page_zone(page)));
	if (READ_ONCE(freelist->prev) == entry)
		return;
	trace3(mm_compaction_rotate, page_to_pfn(page), 1, order);
	turn_list(freelist, entry, READ_ONCE(entry->next));
}

/* ---- where to scan ---- */

static void update_fast_start_pfn(struct compact_control *cc, u64 pfn)
{
	if (cc->fast_start_pfn == ~0ul)
		return;
	if (!cc->fast_start_pfn)
		cc->fast_start_pfn = pfn;
	cc->fast_start_pfn = min(cc->fast_start_pfn, pfn);
}

/* The fast search has run dry: go on from the lowest place that it led to. */
static u64 reinit_migrate_pfn(struct compact_control *cc)
{
	if (!cc->fast_start_pfn || cc->fast_start_pfn == ~0ul)
		return cc->migrate_pfn;
	cc->migrate_pfn = cc->fast_start_pfn;
	cc->fast_start_pfn = ~0ul;
	return cc->migrate_pfn;
}

/* One order's free list, from its head; the pageblock found, or 0. zone->lock is held. */
static u64 search_free_list(struct compact_control *cc, u32 order, u64 high_pfn, u32 limit,
			    u32 *scanned)
{
	struct list_head *list = &cc->zone->free_area[order].free_list[MIGRATE_MOVABLE];
	struct page *page;

	list_for_each_entry(page, list, lru) {
		u64 pfn = page_to_pfn(page);

		if ((*scanned)++ >= limit) {
			move_freelist_tail(list, page, order);
			return 0;
		}
		if (pfn >= high_pfn || get_pageblock_skip(pfn))
			continue;
		move_freelist_tail(list, page, order);
		update_fast_start_pfn(cc, pfn);
		cc->fast_search_fail = 0;
		change_pageblock_skip(pfn, true);
		return max(pageblock_start_pfn(pfn), READ_ONCE(cc->zone->zone_start_pfn));
	}
	return 0;
}

/* Is a search worth it: a large movable request, at the beginning of a pageblock or the zone. */
static bool can_search(const struct compact_control *cc)
{
	if (cc->ignore_skip_hint || cc->order <= PAGE_ALLOC_COSTLY_ORDER)
		return false;
	if (cc->migrate_pfn != READ_ONCE(cc->zone->zone_start_pfn) &&
	    cc->migrate_pfn != pageblock_start_pfn(cc->migrate_pfn))
		return false;
	return !cc->direct || cc->migratetype == MIGRATE_MOVABLE;
}

/*
 * The first pageblock with a free block not much smaller than wanted, in the
 * first half of what lies between the scanners (an eighth, once they moved).
 */
static u64 fast_find_migrateblock(struct compact_control *cc)
{
	u32 limit = freelist_scan_limit(cc), scanned = 0, order;
	u64 distance = (cc->free_pfn - cc->migrate_pfn) >> 1, found = 0, high_pfn;

	if (!can_search(cc))
		return cc->migrate_pfn;
	if (cc->migrate_pfn != READ_ONCE(cc->zone->zone_start_pfn))
		distance >>= 2;
	high_pfn = pageblock_start_pfn(cc->migrate_pfn + distance);
	for (order = (u32)cc->order - 1; order >= PAGE_ALLOC_COSTLY_ORDER && !found && scanned < limit;
	     order--) {
		if (!READ_ONCE(cc->zone->free_area[order].nr_free))
			continue;
		spin_lock_irqsave(&cc->zone->lock, LOCK_ZONE);
		found = search_free_list(cc, order, high_pfn, limit, &scanned);
		spin_unlock_irqrestore(&cc->zone->lock, LOCK_ZONE);
	}
	cc->migrate_scanned += scanned;
	trace3(mm_compaction_fast_search, scanned, found != 0, found);
	if (found)
		return found;
	cc->fast_search_fail++;
	return reinit_migrate_pfn(cc);
}

/* Asynchronous direct compaction keeps to pageblocks of the type that is wanted. */
static bool suitable_migration_source(const struct compact_control *cc, u64 pfn)
{
	if (cc->mode != MIGRATE_ASYNC || !cc->direct)
		return true;
	return get_pageblock_migratetype(pfn) == cc->migratetype;
}

/* ---- one pageblock ---- */

/*
 * Take a page off its LRU list, with a reference; false if it cannot be moved.
 * References are only taken from pages that are listed, under the lock: so a
 * page off the lists has its owner's and one other.
 */
static bool isolate_page(struct page *page)
{
	struct lruvec *lruvec;
	bool taken;

	if (!PageLRU(page))
		return false;
	lruvec = &page_pgdat(page)->lruvec;
	spin_lock_irqsave(&lruvec->lru_lock, LOCK_LRU);
	taken = PageLRU(page) && get_page_unless_zero(page);
	if (taken)
		del_page_from_lru_list(page);
	spin_unlock_irqrestore(&lruvec->lru_lock, LOCK_LRU);
	return taken;
}

/* A free block is stepped over as a whole, whatever its (unlocked) order says. */
static u64 free_block_pages(const struct page *page)
{
	u64 order = READ_ONCE(page->private);

	return order < MAX_ORDER ? 1ul << order : 1;
}

/* Give up what was collected in a block that cannot be emptied. */
static void putback_all(struct compact_control *cc)
{
	putback_lru_pages(cc->migratepages, cc->nr_migratepages);
	cc->nr_migratepages = 0;
}

/* More pages are off the node's lists, for reclaim or compaction, than half of those on them? */
static bool too_many_isolated(const struct zone *zone)
{
	const struct pglist_data *pgdat = READ_ONCE(zone->zone_pgdat);
	u64 listed = 0, isolated = node_page_state(pgdat, NR_ISOLATED_ANON) +
				   node_page_state(pgdat, NR_ISOLATED_FILE);
	u32 lru;

	for (lru = LRU_INACTIVE_ANON; lru <= LRU_ACTIVE_FILE; lru++)
		listed += node_page_state(pgdat, NR_LRU_BASE + lru);
	return isolated > listed / 2;
}

/* One pageblock's scan. */
struct block_scan {
	u64 block, next_block; /* the pageblock; by_block: where the next block of the order begins */
	u32 isolated;
	bool by_block;
	bool from_start; /* the pageblock's first page was looked at */
	bool updated;	 /* a page was taken: what the hint is to be is settled */
};

/*
 * Page pfn was taken. The first one settles the pageblock's hint: set, if that is
 * the pageblock's first page.
 */
static void page_isolated(struct compact_control *cc, struct block_scan *s, struct page *page, u64 pfn)
{
	if (!s->updated && pfn == s->block && !cc->ignore_skip_hint)
		change_pageblock_skip(s->block, true);
	s->updated = true;
	cc->migratepages[cc->nr_migratepages++] = page;
	s->isolated++;
}

/* A page that stays spoils its block of the wanted order; pfn: its last page. Returns where to go on from. */
static u64 block_spoilt(struct compact_control *cc, struct block_scan *s, u64 pfn)
{
	putback_all(cc);
	s->isolated = 0;
	if (pfn < s->next_block) {
		pfn = s->next_block - 1;
		s->next_block += 1ul << cc->order;
	}
	return pfn;
}

/*
 * Scan [low_pfn, end_pfn). Asynchronous direct compaction goes by blocks of the
 * wanted order: a page that stays spoils its block, whose others are put back,
 * and a block with pages to move ends the round. Sets migrate_pfn.
 */
static void isolate_migratepages_block(struct compact_control *cc, u64 low_pfn, u64 end_pfn)
{
	struct block_scan s = {
		.block = pageblock_start_pfn(low_pfn),
		.by_block = cc->direct && cc->mode == MIGRATE_ASYNC,
	};
	u64 scanned = 0;

	s.from_start = low_pfn == s.block;
	if (s.from_start && !cc->ignore_skip_hint && get_pageblock_skip(s.block)) {
		cc->migrate_pfn = end_pfn;
		cc->migrate_scanned++;
		update_cached_migrate(cc, end_pfn);
		return;
	}
	s.next_block = s.by_block ? block_end_pfn(low_pfn, cc->order) : end_pfn;
	for (; low_pfn < end_pfn; low_pfn++) {
		struct page *page = pfn_to_page(low_pfn);

		if (s.by_block && low_pfn >= s.next_block) {
			if (s.isolated)
				break;
			s.next_block = block_end_pfn(low_pfn, cc->order);
		}
		if (low_pfn % COMPACT_CLUSTER_MAX == 0)
			kms_cond_resched();
		scanned++;
		if (PageBuddy(page)) {
			low_pfn += free_block_pages(page) - 1;
			continue;
		}
		if (PageHead(page)) {
			low_pfn += (1ul << compound_order(page)) - 1;
		} else if (isolate_page(page)) {
			page_isolated(cc, &s, page, low_pfn);
			if (cc->nr_migratepages < COMPACT_CLUSTER_MAX || cc->rescan)
				continue;
			low_pfn++;
			break;
		}
		if (s.by_block)
			low_pfn = block_spoilt(cc, &s, low_pfn);
	}
	low_pfn = min(low_pfn, end_pfn);
	if (low_pfn == end_pfn && (!s.isolated || cc->rescan)) {
		if (s.from_start && !s.updated)
			change_pageblock_skip(s.block, true);
		update_cached_migrate(cc, low_pfn);
	}
	cc->migrate_scanned += scanned;
	trace3(mm_compaction_isolate_migratepages, scanned, s.isolated, low_pfn);
	count_vm_events(COMPACTISOLATED, s.isolated);
	cc->migrate_pfn = low_pfn;
}

/* Naps until few enough pages are off the lists; false: an asynchronous compactor does not wait. */
static bool wait_for_isolated(const struct compact_control *cc)
{
	u32 naps;

	for (naps = 0; naps < MAX_THROTTLE_NAPS && too_many_isolated(cc->zone); naps++) {
		if (cc->mode == MIGRATE_ASYNC)
			return false;
		kms_nap(HZ_MS);
	}
	return true;
}

/* Up to the first pageblock that is worth a scan, and through it. */
u32 isolate_migratepages(struct compact_control *cc)
{
	u64 low_pfn = fast_find_migrateblock(cc), end;
	bool found = low_pfn != cc->migrate_pfn && !cc->fast_search_fail;

	for (end = pageblock_end_pfn(low_pfn); end <= cc->free_pfn;
	     found = false, low_pfn = cc->migrate_pfn = end, end += PAGEBLOCK_NR_PAGES) {
		u64 zone_start = READ_ONCE(cc->zone->zone_start_pfn);

		if (low_pfn % (COMPACT_CLUSTER_MAX * PAGEBLOCK_NR_PAGES) == 0)
			kms_cond_resched();
		if ((pageblock_start_pfn(low_pfn) == low_pfn || low_pfn == zone_start) && !found &&
		    !cc->ignore_skip_hint && get_pageblock_skip(low_pfn))
			continue;
		if (!suitable_migration_source(cc, low_pfn)) {
			update_cached_migrate(cc, end);
			continue;
		}
		if (!wait_for_isolated(cc))
			return ISOLATE_ABORT;
		isolate_migratepages_block(cc, low_pfn, end);
		break;
	}
	return cc->nr_migratepages;
}
