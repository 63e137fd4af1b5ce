/*
 * user_space.c - user_space.h: page faults, and the owner that the allocators ask.
 */
#include "sim/labs/user_space.h"

#include <stdlib.h>
#include <string.h>

#include "models/rt/rt.h"
#include "sim/engine/ram.h"

#define GFP_USER_PAGE 0x100ccau /* GFP_HIGHUSER_MOVABLE */

struct fault {
	struct user_space *u;
	u32 process;
	u64 page;
	bool served;
};

static struct page *page_of(const struct process *p, u64 page)
{
	return mm_virt_to_page(ram_ptr((p->frame[page] - 1) << SIM_PAGE_SHIFT));
}

/* ---- what the allocators ask of the owner ---- */

static bool lets_go(void *arg, u64 mapping, u64 index)
{
	return false; /* without swap a process's page cannot be reclaimed */
}

static bool moves(void *arg, u64 mapping, u64 index, u64 new_pfn)
{
	struct user_space *u = arg;

	u->process[mapping].frame[index] = new_pfn + 1;
	return true;
}

static u64 kill_process(void *arg, u32 task)
{
	struct user_space *u = arg;
	struct process *p = &u->process[task];
	u64 freed = 0;

	u->free_at_kill = kit_free_page_count();
	for (u64 page = 0; page < p->asked; page++) {
		struct page *frame = p->frame[page] ? page_of(p, page) : NULL;

		p->frame[page] = 0;
		if (!frame)
			continue;
		u->kit->box->mm->put_page(frame);
		freed++;
	}
	p->resident = 0;
	p->killed = true;
	u->kills++;
	return freed;
}

void user_open(struct user_space *u, struct kit *k)
{
	*u = (struct user_space){.kit = k};
	rt_set_owner(&(struct rt_owner){.lets_go = lets_go, .moves = moves, .kill = kill_process, .arg = u});
}

void user_close(struct user_space *u)
{
	for (u32 i = 0; i < MOST_PROCESSES; i++)
		free(u->process[i].frame);
}

/* ---- processes ---- */

int user_map(struct user_space *u, u32 process, u64 pages, struct kms_error *err)
{
	struct process *p = &u->process[process];

	if (p->asked + pages > p->room) {
		u64 room = 2 * p->room + pages;
		u64 *more = realloc(p->frame, room * sizeof(*more));

		if (!more)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		p->frame = more;
		p->room = room;
	}
	memset(p->frame + p->asked, 0, pages * sizeof(*p->frame));
	p->asked += pages;
	return 0;
}

static void do_fault(void *arg)
{
	struct fault *f = arg;
	const struct mm_ops *mm = f->u->kit->box->mm;
	struct process *p = &f->u->process[f->process];
	struct page *page = mm->alloc_pages(GFP_USER_PAGE, 0, -1);

	f->served = page;
	if (!page)
		return;
	if (p->killed) { /* chosen while it asked: what it got goes back */
		mm->free_pages(page, 0);
		return;
	}
	p->frame[f->page] = (ram_phys(ram_off(mm_page_address(page))) >> SIM_PAGE_SHIFT) + 1;
	mm->lru_cache_add(page, f->process, f->page, (s32)f->process);
	p->resident++;
	p->most_resident = p->resident > p->most_resident ? p->resident : p->most_resident;
}

int user_touch(struct user_space *u, u32 process, u64 page, bool *alive, struct kms_error *err)
{
	struct process *p = &u->process[process];
	struct fault f = {.u = u, .process = process, .page = page};
	int rc;

	*alive = true;
	if (p->frame[page])
		return 0;
	p->faults++;
	rc = lab_do(u->kit->r, do_fault, &f, err);
	if (!rc && !f.served && !p->killed)
		rc = kms_fail(err, KMS_EFAIL, "no page was to be had, and nobody was killed for one");
	*alive = !p->killed;
	return rc;
}
