/*
 * mixed_owner.h - pages in user hands, for mixed_requests.c and mixed_pressure.c:
 * the allocators may take the page cache among them back and move all of them.
 *
 * Each has a slot; slot and generation name it to the allocators, so that one
 * that was freed meanwhile is not mistaken for its successor. What was reclaimed
 * or moved must have been in use, and go where nobody is.
 */
#ifndef TESTS_PROPERTY_MIXED_OWNER_H
#define TESTS_PROPERTY_MIXED_OWNER_H

#include "tests/property/mixed_model.h"

#define USER_PAGES 8192u
#define NR_TASKS 4u

enum user_state { ABSENT, LISTING, PRESENT, FREEING };

struct user_page {
	u8 *p;
	u32 generation;
	u8 state, fill;
	s8 task; /* -1: page cache */
};

static struct {
	struct user_page pages[USER_PAGES];
	u32 present, listing, cache; /* how many; cache: of those present, page cache that may go */
	u64 gone, moved;
} user;

/* Owners that never agree, and some that agree to be moved only. */
static bool stubborn(const struct user_page *u)
{
	return u->generation % 64 == 5;
}

static void user_fill(const struct user_page *u)
{
	fill(u->p, 16, u->fill);
	fill(u->p + 4080, 16, u->fill);
}

static void user_leaves(struct user_page *u, u8 state)
{
	verify(u->p, 16, u->fill);
	verify(u->p + 4080, 16, u->fill);
	own(u->p, 4096, 1, 0);
	user.present--;
	user.cache -= u->task < 0 && !stubborn(u);
	u->state = state;
}

/* ---- what the allocators say ---- */

static struct user_page *user_named(u64 mapping, u64 index)
{
	struct user_page *u = &user.pages[mapping % USER_PAGES];

	if (mapping >= USER_PAGES)
		wrong("a page was named by a word that is nobody's");
	if (u->generation != index || u->state != PRESENT || stubborn(u)) {
		t.kept_owner++;
		return NULL;
	}
	return u;
}

static bool user_lets_go(void *arg, u64 mapping, u64 index)
{
	struct user_page *u = user_named(mapping, index);

	if (!u)
		return false;
	if (u->task >= 0)
		wrong("anonymous memory was reclaimed");
	user_leaves(u, ABSENT);
	user.gone++;
	return true;
}

static bool user_moves(void *arg, u64 mapping, u64 index, u64 new_pfn)
{
	struct user_page *u = user_named(mapping, index);

	if (!u)
		return false;
	verify(u->p, 16, u->fill);
	verify(u->p + 4080, 16, u->fill);
	own(u->p, 4096, 1, 0);
	u->p = (u8 *)(PAGE_OFFSET + new_pfn * 4096);
	own(u->p, 4096, 0, 1);
	if (!t.why[0])
		user_fill(u);
	user.moved++;
	return true;
}

static u64 user_kill(void *arg, u32 task)
{
	u64 freed = 0;

	for (u32 i = 0; i < USER_PAGES; i++) {
		struct user_page *u = &user.pages[i];

		if (u->state != PRESENT || u->task != (s32)task)
			continue;
		user_leaves(u, FREEING);
		t.m.mm->put_page(virt_to_page(u->p));
		u->state = ABSENT;
		freed++;
	}
	return freed;
}

static void user_start(void)
{
	static const struct rt_owner owner = { .lets_go = user_lets_go, .moves = user_moves,
					       .kill = user_kill };

	memset(&user, 0, sizeof(user));
	rt_set_owner(&owner);
}

/* ---- what the owner does ---- */

/* pre: the page was just allocated, order 0 */
static void user_adopt(struct page *page, u32 pick, s8 task)
{
	struct user_page *u;
	u32 i = 0;

	while (i < USER_PAGES && user.pages[(pick + i) % USER_PAGES].state != ABSENT)
		i++;
	u = &user.pages[(pick + i) % USER_PAGES];
	u->p = page_address(page);
	u->generation++;
	u->fill = next_pattern();
	u->task = task;
	u->state = LISTING;
	own(u->p, 4096, 0, 1);
	if (t.why[0])
		return;
	user_fill(u);
	user.present++;
	user.cache += task < 0 && !stubborn(u);
	t.m.mm->lru_cache_add(page, (u64)(u - user.pages), u->generation, task);
	u->state = PRESENT;
}

/* A page that is there, from pick on; NULL: none */
static struct user_page *user_find(u32 pick)
{
	for (u32 i = 0; i < USER_PAGES; i++)
		if (user.pages[(pick + i) % USER_PAGES].state == PRESENT)
			return &user.pages[(pick + i) % USER_PAGES];
	return NULL;
}

static void user_access(u32 pick)
{
	struct user_page *u = user_find(pick);

	if (u)
		t.m.mm->mark_page_accessed(virt_to_page(u->p));
}

/* Up to n pages, singly or together. */
static void user_free(u32 pick, u32 n, bool together)
{
	struct user_page *of[64], *u;
	struct page *pages[64];
	u32 got = 0;

	while (got < n && (u = user_find(pick + got * 97))) {
		user_leaves(u, FREEING);
		of[got] = u;
		pages[got++] = virt_to_page(u->p);
	}
	if (together)
		t.m.mm->release_pages(pages, got);
	for (u32 i = 0; i < got; i++) {
		if (!together)
			t.m.mm->put_page(pages[i]);
		of[i]->state = ABSENT;
	}
}

#endif
