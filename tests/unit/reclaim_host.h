/*
 * reclaim_host.h - an owner of pages for tests of reclaim and compaction.
 *
 * own() allocates a page and lists it under the next number; the allocators'
 * messages keep owned[] up to date. A number in refuse[] is one that the owner
 * says it is just freeing.
 */
#ifndef TESTS_UNIT_RECLAIM_HOST_H
#define TESTS_UNIT_RECLAIM_HOST_H

#include "models/mm/compaction.h"
#include "tests/unit/mm_host.h"

#define OWN_MAX 0x8000u
#define FILE_PAGE (-1)
#define MOVABLE_FILE (GFP_KERNEL | __GFP_HIGHMEM | __GFP_MOVABLE)

static struct page *owned[OWN_MAX];
static u8 refuse[OWN_MAX];
static u32 nr_owned, nr_gone, nr_moved, nr_killed;
static s32 task_of[OWN_MAX];

static bool owner_lets_go(void *arg, u64 mapping, u64 index)
{
	if (!owned[mapping] || refuse[mapping])
		return false;
	assert_int_equal(index, mapping * 3);
	owned[mapping] = NULL;
	nr_gone++;
	return true;
}

static bool owner_moves(void *arg, u64 mapping, u64 index, u64 new_pfn)
{
	if (!owned[mapping] || refuse[mapping])
		return false;
	assert_int_equal(index, mapping * 3);
	owned[mapping] = pfn_to_page(new_pfn);
	nr_moved++;
	return true;
}

static u64 owner_kill(void *arg, u32 task)
{
	u64 freed = 0;

	for (u32 i = 0; i < nr_owned; i++)
		if (owned[i] && task_of[i] == (s32)task) {
			mm->put_page(owned[i]);
			owned[i] = NULL;
			freed++;
		}
	nr_killed++;
	return freed;
}

static inline void own_start(void)
{
	static const struct rt_owner owner = { .lets_go = owner_lets_go, .moves = owner_moves,
					       .kill = owner_kill };

	memset(owned, 0, sizeof(owned));
	memset(refuse, 0, sizeof(refuse));
	nr_owned = nr_gone = nr_moved = nr_killed = 0;
	rt_set_owner(&owner);
}

/* A page at a number of its own, task FILE_PAGE for page cache; NULL when there is none. */
static inline struct page *own(s32 task)
{
	struct page *page = mm->alloc_pages(MOVABLE_FILE, 0, -1);

	if (!page)
		return NULL;
	assert_true(nr_owned < OWN_MAX);
	owned[nr_owned] = page;
	task_of[nr_owned] = task;
	mm->lru_cache_add(page, nr_owned, nr_owned * 3ul, task);
	nr_owned++;
	return page;
}

static inline void disown(u32 i)
{
	struct page *page = owned[i];

	owned[i] = NULL;
	mm->put_page(page);
}

static inline u64 vm_event(u32 event)
{
	return mm_inspect_vm_event(event);
}

static inline struct pglist_data *host_node(u32 nid)
{
	return ram_ptr(HOST_NODE_DATA + nid * 0x10000ul);
}

static inline struct list_head *lru_list(u32 lru)
{
	return &host_node(0)->lruvec.lists[lru];
}

#endif
