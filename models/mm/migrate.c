/*
 * migrate.c - moving pages in user hands to other frames, for compaction.
 *
 * The owner is told old and new; from that moment the new page is what it
 * frees. The old one goes back to the allocator at once. Compaction holds a
 * reference to both while it works, so that an owner who frees in between
 * leaves the rest to the last who lets go (lru.c).
 */
#include "models/mm/compaction.h"

#define MIGRATE_PASSES 10 /* how often a page that could not be moved is tried */

static struct page *compaction_alloc(struct compact_control *cc)
{
	struct page *page;

	if (!cc->freepages)
		isolate_freepages(cc);
	page = cc->freepages;
	if (!page)
		return NULL;
	cc->freepages = (struct page *)READ_ONCE(page->lru.next);
	cc->nr_freepages--;
	return page;
}

static void compaction_free(struct compact_control *cc, struct page *page)
{
	page->lru.next = (struct list_head *)cc->freepages;
	cc->freepages = page;
	cc->nr_freepages++;
}

static void copy_state(struct page *to, const struct page *from)
{
	WRITE_ONCE(to->mapping, READ_ONCE(from->mapping));
	WRITE_ONCE(to->index, READ_ONCE(from->index));
	WRITE_ONCE(to->private, READ_ONCE(from->private));
	page_set_flags(to, READ_ONCE(from->flags) & (PG_anon | PG_active | PG_referenced));
}

static void clear_state(struct page *page)
{
	WRITE_ONCE(page->mapping, 0);
	WRITE_ONCE(page->private, 0);
	page_clear_flags(page, PG_anon | PG_active | PG_referenced);
}

/* The owner's reference to old becomes one to new. False: the owner is just freeing it. */
static bool move_page(struct page *old, struct page *new)
{
	u64 mapping = READ_ONCE(old->mapping), index = READ_ONCE(old->index);

	if (unlikely(!(READ_ONCE(new->flags) & PG_init)))
		init_page_zone(new, pfn_to_zone(page_to_pfn(new)));
	copy_state(new, old);
	WRITE_ONCE(new->_refcount, 2); /* the owner's and ours */
	if (!kms_owner_moves(mapping >> 2, index, page_to_pfn(new))) {
		WRITE_ONCE(new->_refcount, 1);
		clear_state(new);
		return false;
	}
	kms_copy_page(page_address(new), page_address(old));
	return true;
}

/* old is nobody's any more but ours. */
static void retire(struct page *old)
{
	u32 item = READ_ONCE(old->flags) & PG_anon ? NR_ISOLATED_ANON : NR_ISOLATED_FILE;

	mod_node_page_state(page_pgdat(old), item, -1);
	clear_state(old);
	BUG_ON(atomic_sub(&old->_refcount, 2) != 2);
	free_unref_page(old, 0);
}

/* new counts as isolated like old did, until putback_lru_pages() lists it. */
static void adopt(struct page *new)
{
	u32 item = READ_ONCE(new->flags) & PG_anon ? NR_ISOLATED_ANON : NR_ISOLATED_FILE;

	mod_node_page_state(page_pgdat(new), item, 1);
	putback_lru_pages(&new, 1);
}

enum attempt { MOVED, TRY_AGAIN, REFUSED, NO_TARGET };

static enum attempt migrate_page(struct compact_control *cc, struct page *old)
{
	struct page *new;

	if (READ_ONCE(old->_refcount) == 1) { /* the owner has gone: only ours is left */
		putback_lru_pages(&old, 1);
		return MOVED;
	}
	new = compaction_alloc(cc);
	if (!new)
		return NO_TARGET;
	trace_step(compact_alloc, page_to_pfn(new), page_to_pfn(old));
	if (!move_page(old, new)) {
		compaction_free(cc, new);
		trace3(mm_migrate_page, 0, page_to_pfn(old), page_to_pfn(new));
		return (enum attempt)trace_step_in(compact_free, TRY_AGAIN, page_to_pfn(new));
	}
	trace3(mm_migrate_page, 1, page_to_pfn(old), page_to_pfn(new));
	retire(old);
	adopt(new);
	return MOVED;
}

/*
 * One try for each page, the one isolated last first; those that are not to be
 * tried again (recordings know of them) are put back at once. Those that stay are left
 * in migratepages, in their order; without a target none of the others is tried.
 */
static u32 migrate_pass(struct compact_control *cc, u32 left, enum attempt *result, u32 *refused)
{
	struct page *kept[MAX_PAGEBLOCK_NR_PAGES];
	u32 nr_kept = 0, i = left;

	*result = MOVED;
	while (i-- > 0) {
		struct page *page = cc->migratepages[i];

		if (*result != NO_TARGET)
			*result = migrate_page(cc, page);
		if (*result == REFUSED) {
			putback_lru_pages(&page, 1);
			++*refused;
		} else if (*result != MOVED) {
			kept[nr_kept++] = page;
		}
	}
	for (i = 0; i < nr_kept; i++)
		cc->migratepages[nr_kept - 1 - i] = kept[i];
	return nr_kept;
}

/* Pages that could not be moved are tried again, and put back in the end. */
u32 migrate_pages(struct compact_control *cc)
{
	u32 left = cc->nr_migratepages, pass, refused = 0, failed;
	enum attempt result = MOVED;

	for (pass = 0; pass < MIGRATE_PASSES && left && result != NO_TARGET; pass++)
		left = migrate_pass(cc, left, &result, &refused);
	failed = left + refused;
	count_vm_events(PGMIGRATE_SUCCESS, cc->nr_migratepages - failed);
	count_vm_events(PGMIGRATE_FAIL, failed);
	cc->migrated += cc->nr_migratepages - failed;
	putback_lru_pages(cc->migratepages, left);
	cc->nr_migratepages = 0;
	if (result == NO_TARGET)
		return MIGRATE_NO_TARGET;
	return failed ? MIGRATE_SOME_FAILED : MIGRATE_DONE;
}
