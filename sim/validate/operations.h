/*
 * operations.h - which lines of a trace belong to one operation.
 *
 * A trace interleaves CPUs, tasks and interrupt levels, and one request shows
 * as many lines, the request itself often last. Here lines are put together to
 * operations: the lines of each (task or CPU, interrupt level, inside reclaim
 * or not) by themselves are nested operations, one after the other.
 */
#ifndef SIM_VALIDATE_OPERATIONS_H
#define SIM_VALIDATE_OPERATIONS_H

#include "sim/validate/recording.h"

struct fiber;

enum op_kind {
	OP_BOOT,	/* zones and memblock's release */
	OP_SLAB_INIT,	/* bootstrap of the slab layer */
	OP_PAGESETS,	/* per-CPU lists get their sizes */
	OP_WATERMARKS,
	OP_PAGE,	/* page allocation, also bulk, exact and large kmalloc */
	OP_FREE,	/* of one block, or of a list of pages */
	OP_SLAB_ALLOC, OP_BULK_ALLOC, OP_SLAB_FREE, OP_BULK_FREE,
	OP_LARGE_NONE,	/* large kmalloc beyond the largest order */
	OP_LARGE_FREE,
	OP_FLUSH,	/* a CPU's slabs of one cache */
	OP_CREATE, OP_SHRINK, OP_DESTROY,
	OP_RCU_FREE,	/* of a slab whose grace period is over */
	OP_L_ALLOC, OP_L_FREE, /* SLAB: one object */
	OP_L_REAP,	/* one CPU's periodic pass over one cache */
	OP_L_DRAIN,	/* a CPU's array of one cache */
	OP_L_RCU_FREE,
	OP_SLOB_ALLOC, OP_SLOB_FREE, OP_SLOB_RCU_FREE,
	OP_DRAIN, OP_DRAIN_REMOTE, OP_FOLD, OP_ISOLATE, OP_SPLIT,
	OP_INPUT,	/* one line that is told to the allocators' state directly */
	OP_DUMP,
};

struct op {
	u8 kind;
	bool open;	 /* lines are still to come, others may nest inside */
	bool collecting; /* the list of a free is not complete */
	bool alone;	 /* nothing else happens between its lines */
	bool started, ended;
	u8 depth;	 /* OP_CREATE: inside a slow allocation of its own */
	u8 last_event;	 /* NO_EVENT: its first line is being entered */
	bool reaped;	 /* OP_L_REAP: the node had its turn too */
	bool new_page;	 /* OP_SLOB_ALLOC: found no room, got a page */
	u32 tried;	 /* next line at the slow path's last attempt */
	bool no_room;	 /* ... before what happened just before its first line */
	u32 cache;	 /* SLAB: name of its first line, or NO_CACHE */
	u32 first, last, next; /* lines; next: not yet passed */
	u32 request;	 /* line that tells what was asked; NO_LINE: none did */
	u32 outer;	 /* task's operation outside reclaim that this one is part of, or NO_OP */
	s64 left;	 /* objects or pages still to come */
	u64 captured;	 /* page that compaction set aside for it, or NO_PFN */
	struct fiber *fiber;
};

#define NO_EVENT 0xffu
#define NO_CACHE 0xffffffffu

struct operations {
	struct op *ops;
	u32 nr, max;
};

/* Fills in op and next of every line. KMS_EFAIL: memory. */
int operations_find(struct operations *o, struct recording *r, struct kms_error *err);
void operations_free(struct operations *o);

/* Events that only an allocation of pages shows. */
bool event_of_page_alloc(u32 event);

#endif
