/*
 * user_space.h - processes whose memory is given to them at the first touch, a
 * page at a time; for the lab "demand-paging".
 *
 * Of each process: how much it has asked for, and which page lies where. Faults,
 * LRU lists, and the choice whom to kill are the allocators' (models/mm/oom.c).
 * Left out: page tables, areas and their permissions, the zero page that
 * untouched memory reads from, fault-around, swap; memory itself is not written.
 */
#ifndef SIM_LABS_USER_SPACE_H
#define SIM_LABS_USER_SPACE_H

#include "sim/labs/kit.h"

struct process {
	u64 asked;  /* pages */
	u64 room;   /* entries of frame that there is memory for */
	u64 *frame; /* [asked]: physical page number + 1; 0: never touched */
	u64 resident, most_resident, faults;
	bool killed;
};

#define MOST_PROCESSES 4
struct user_space {
	struct kit *kit;
	struct process process[MOST_PROCESSES];
	u32 kills;
	u64 free_at_kill; /* pages */
};

/* Listens for the allocators' decisions until the sandbox is gone. */
void user_open(struct user_space *u, struct kit *k);
void user_close(struct user_space *u);

/* More memory for a process: addresses alone. */
int user_map(struct user_space *u, u32 process, u64 pages, struct kms_error *err);
/*
 * One access to a page; the first is a minor fault. *alive: false when there was no
 * memory and this process was chosen to be killed; if another was, it goes on.
 */
int user_touch(struct user_space *u, u32 process, u64 page, bool *alive, struct kms_error *err);

#endif
