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
extern const struct lab lab_hot_objects;
extern const struct lab lab_false_sharing;
extern const struct lab lab_colouring;
extern const struct lab lab_numa;
extern const struct lab lab_dram_rows;

const struct lab *const lab_table[] = {
	&lab_scenarios,
	&lab_why_slabs,
	&lab_hot_objects,
	&lab_false_sharing,
	&lab_colouring,
	&lab_lock_contention,
	&lab_remote_frees,
	&lab_fragmentation,
	&lab_huge_pages,
	&lab_compaction,
	&lab_numa,
	&lab_dram_rows,
	&lab_which_wins,
	&lab_own_allocator,
	NULL,
};
