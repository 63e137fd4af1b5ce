/*
 * adversary_program.h - the moves that adversaries are written in.
 *
 * Objects are kept in groups, one list a group and CPU. A move is done by some
 * CPUs at once, object by object in turn; repeats nest.
 */
#ifndef WORKLOADS_ADVERSARY_PROGRAM_H
#define WORKLOADS_ADVERSARY_PROGRAM_H

#include "workloads/maker.h"

enum move_kind { MOVE_PHASE, MOVE_ALLOC, MOVE_FREE, MOVE_PAIRS, MOVE_REPEAT, MOVE_END_REPEAT };
enum move_order { IN_ORDER, REVERSED, SHUFFLED };

#define PROGRAM_GROUPS 8
#define PROGRAM_MOVES 128
#define PROGRAM_THINGS 32
#define PROGRAM_LEAK PROGRAM_GROUPS /* as a group: never to be freed */

struct move {
	enum move_kind kind;
	u32 thing, group;
	u64 n;		/* objects for each CPU; of a free: at most, 0 all; of a repeat: times */
	u32 first_cpu, nr_cpus;
	/* of a free */
	enum move_order order;
	u32 every;	/* 0: all; otherwise every so many-th object of the list ... */
	bool but;	/* ... or all but those */
	s32 owner;	/* whose list: a CPU, or -1: that of the CPU `shift` before the freeing one */
	u32 shift;
	u32 phase;
};

/* Something to allocate. */
struct thing {
	struct kms_request request;
	u8 free_op;
};

struct program {
	struct maker *maker;
	struct move moves[PROGRAM_MOVES];
	u32 nr_moves;
	struct thing things[PROGRAM_THINGS];
	u32 nr_things;
	u32 nr_cpus;
	bool failed; /* host memory ran out */
};

u32 thing_kmalloc(struct program *p, const char *site, u64 size);
u32 thing_object(struct program *p, const char *cache, u32 size, u32 flags);
u32 thing_pages(struct program *p, const char *site, u32 order, u32 gfp);
/* The move that was added, to be completed by the caller; by CPU 0 unless it says otherwise. */
struct move *move_phase(struct program *p, const char *name);
struct move *move_alloc(struct program *p, u32 thing, u32 group, u64 n);
struct move *move_free(struct program *p, u32 group, enum move_order order);
struct move *move_pairs(struct program *p, u32 thing, u64 n);
void move_repeat(struct program *p, u64 times);
void move_end_repeat(struct program *p);

#endif
