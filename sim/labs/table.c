/*
 * table.c - all labs, in the order in which `kmemsim lab list` shows them.
 */
#include "sim/labs/lab.h"

extern const struct lab lab_scenarios;
extern const struct lab lab_why_slabs;
extern const struct lab lab_lock_contention;
extern const struct lab lab_remote_frees;
extern const struct lab lab_fragmentation;
extern const struct lab lab_huge_pages;
extern const struct lab lab_compaction;
extern const struct lab lab_which_wins;
extern const struct lab lab_own_allocator;

const struct lab *const lab_table[] = {
	&lab_scenarios,
	&lab_why_slabs,
	&lab_lock_contention,
	&lab_remote_frees,
	&lab_fragmentation,
	&lab_huge_pages,
	&lab_compaction,
	&lab_which_wins,
	&lab_own_allocator,
	NULL,
};
