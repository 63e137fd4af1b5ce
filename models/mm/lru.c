/*
 * lru.c - lists of the pages that their owners can let go of.
 *
 * Each node has an inactive and an active list for anonymous pages and for page
 * cache; new pages go to the head of the inactive one, reclaim (vmscan.c) takes
 * from the tail. Whoever works on a page off the lists (reclaim, migration)
 * holds a reference; if the owner frees the page meanwhile, the last one to let
 * go frees it. The kernel collects additions per CPU, fifteen at a time; here
 * they go to the list at once.
 *
 * While a page is listed, page->mapping has the owner's word << 2 (bit 0:
 * anonymous), page->index the owner's second word, page->private the task.
 */
#include "models/mm/reclaim.h"

static struct lruvec *page_lruvec(struct page *page)
{
	return &page_pgdat(page)->lruvec;
}

static u32 page_lru(const struct page *page)
{
	u64 flags = READ_ONCE(page->flags);

	return (flags & PG_anon ? LRU_INACTIVE_ANON : LRU_INACTIVE_FILE) + !!(flags & PG_active);
}

static void update_lru_size(struct page *page, u32 lru, s64 n)
{
	struct zone *zone = page_zone(page);

	mod_node_page_state(READ_ONCE(zone->zone_pgdat), NR_LRU_BASE + lru, n);
	__mod_zone_page_state(zone, NR_ZONE_LRU_BASE + lru, n);
}

static void count_isolated(struct page *page, s64 n)
{
	u32 item = READ_ONCE(page->flags) & PG_anon ? NR_ISOLATED_ANON : NR_ISOLATED_FILE;

	mod_node_page_state(page_pgdat(page), item, n);
}

/* pre: lru_lock is held, PG_lru_listed is set */
static void add_page_to_lru_list(struct page *page, struct lruvec *lruvec)
{
	u32 lru = page_lru(page);

	list_add(&page->lru, &lruvec->lists[lru]);
	update_lru_size(page, lru, 1);
}

static void unlink_page(struct page *page)
{
	list_del(&page->lru);
	update_lru_size(page, page_lru(page), -1);
	page_clear_flags(page, PG_lru | PG_lru_listed);
}

void del_page_from_lru_list(struct page *page)
{
	unlink_page(page);
	count_isolated(page, 1);
}

/* ---- the owner's side ---- */

/*
 * The owner's single page becomes reclaimable (task NO_TASK: page cache) or at
 * least movable (anonymous memory of a task). mapping and index name it to the
 * owner. pre: mapping < 2^62, task < NR_OOM_TASKS, order 0
 */
void lru_cache_add(struct page *page, u64 mapping, u64 index, s32 task)
{
	struct lruvec *lruvec = page_lruvec(page);
	struct pglist_data *pgdat = page_pgdat(page);
	bool anon = task != NO_TASK;

	WRITE_ONCE(page->mapping, mapping << 2 | anon);
	WRITE_ONCE(page->index, index);
	WRITE_ONCE(page->private, anon ? (u64)task : 0);
	page_set_flags(page, PG_lru | PG_lru_listed | (anon ? PG_anon : 0));
	if (anon)
		atomic_add(&kdata->oom_tasks[task].rss, 1);
	if (!READ_ONCE(pgdat->lru_used))
		WRITE_ONCE(pgdat->lru_used, 1);
	trace2(mm_lru_add, page_to_pfn(page), page_lru(page));
	spin_lock_irqsave(&lruvec->lru_lock, LOCK_LRU);
	add_page_to_lru_list(page, lruvec);
	spin_unlock_irqrestore(&lruvec->lru_lock, LOCK_LRU);
}

/* The second access within a round of the inactive list makes a page active. */
void mark_page_accessed(struct page *page)
{
	struct lruvec *lruvec = page_lruvec(page);

	spin_lock_irqsave(&lruvec->lru_lock, LOCK_LRU);
	if (!PageLRU(page) || (READ_ONCE(page->flags) & PG_active)) {
		;
	} else if (!(READ_ONCE(page->flags) & PG_referenced)) {
		page_set_flags(page, PG_referenced);
	} else {
		unlink_page(page);
		page_clear_flags(page, PG_referenced);
		page_set_flags(page, PG_active | PG_lru | PG_lru_listed);
		add_page_to_lru_list(page, lruvec);
		count_vm_events(PGACTIVATE, 1);
	}
	spin_unlock_irqrestore(&lruvec->lru_lock, LOCK_LRU);
}

/* The last reference is gone: the page is no owner's any more. */
static void forget_owner(struct page *page)
{
	struct lruvec *lruvec = page_lruvec(page);

	if (PageLRU(page)) {
		spin_lock_irqsave(&lruvec->lru_lock, LOCK_LRU);
		trace2(mm_lru_del, page_to_pfn(page), page_lru(page));
		unlink_page(page);
		spin_unlock_irqrestore(&lruvec->lru_lock, LOCK_LRU);
	}
	if (READ_ONCE(page->flags) & PG_anon)
		atomic_sub(&kdata->oom_tasks[READ_ONCE(page->private)].rss, 1);
	WRITE_ONCE(page->mapping, 0);
}

/* The owner's free of a page that it had put on a list. */
void put_page(struct page *page)
{
	if (!atomic_dec_and_test(&page->_refcount))
		return;
	forget_owner(page);
	free_unref_page(page, 0);
}

/* The same for many, which go to the per-CPU lists together. The array is overwritten. */
void release_pages(struct page **pages, u32 n)
{
	u32 kept = 0, i;

	for (i = 0; i < n; i++) {
		struct page *page = pages[i];

		if (!atomic_dec_and_test(&page->_refcount))
			continue;
		forget_owner(page);
		pages[kept++] = page;
	}
	free_unref_pages(pages, kept);
}

/* ---- the other side ---- */

bool get_page_unless_zero(struct page *page)
{
	s32 count = READ_ONCE(page->_refcount);

	do {
		if (!count)
			return false;
	} while (!__atomic_compare_exchange_n(&page->_refcount, &count, count + 1, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	return true;
}

u32 isolate_lru_pages(struct lruvec *lruvec, u32 lru, u32 nr, u32 reclaim_idx, struct page **taken,
		      u32 *scanned)
{
	struct list_head *list = &lruvec->lists[lru];
	const struct page *first_passed = NULL;
	u32 n = 0, scan = 0;

	while (scan < nr && !list_empty(list)) {
		struct page *page = list_last_entry(list, struct page, lru);

		if (page == first_passed)
			break;
		if (page_zone(page)->zone_idx > reclaim_idx) {
			first_passed = first_passed ? first_passed : page;
			list_move(&page->lru, list);
			continue;
		}
		scan++;
		if (!get_page_unless_zero(page)) {
			list_move(&page->lru, list); /* its owner is about to unlink it */
			continue;
		}
		del_page_from_lru_list(page);
		taken[n++] = page;
	}
	trace3(mm_vmscan_lru_isolate, scan, n, lru);
	*scanned = scan;
	return n;
}

/* False: the owner has gone, and the page is ours to free. */
static bool relink(struct page *page, struct lruvec *lruvec)
{
	count_isolated(page, -1);
	page_set_flags(page, PG_lru | PG_lru_listed); /* before the reference goes: an owner that */
	if (atomic_dec_and_test(&page->_refcount)) {
		page_clear_flags(page, PG_lru | PG_lru_listed);
		return false;
	}
	add_page_to_lru_list(page, lruvec); /* frees now waits for the lock to unlink it */
	return true;
}

void putback_lru_pages(struct page **pages, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		struct page *page = pages[i];
		struct lruvec *lruvec = page_lruvec(page);
		bool listed;

		spin_lock_irqsave(&lruvec->lru_lock, LOCK_LRU);
		listed = relink(page, lruvec);
		spin_unlock_irqrestore(&lruvec->lru_lock, LOCK_LRU);
		if (listed)
			continue;
		forget_owner(page);
		free_unref_page(page, 0);
	}
}
