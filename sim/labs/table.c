/*
 * table.c - all labs, in the order in which `kmemsim lab list` shows them.
 */
#include "sim/labs/lab.h"

extern const struct lab lab_buddy_lists, lab_scenarios, lab_page_api, lab_exact_pages,
	lab_kmalloc_basics, lab_double_free, lab_largest_kmalloc, lab_actual_size, lab_saw_tooth,
	lab_wasters, lab_ptr_array, lab_custom_cache, lab_poison, lab_hundred_caches, lab_vmalloc,
	lab_demand_paging, lab_quiz;
extern const struct lab lab_why_slabs, lab_hot_objects, lab_false_sharing, lab_colouring,
	lab_lock_contention, lab_remote_frees, lab_fragmentation, lab_huge_pages, lab_compaction,
	lab_numa, lab_dram_rows, lab_which_wins, lab_own_allocator;

const struct lab *const lab_table[] = {
	/* the book's */
	&lab_buddy_lists,
	&lab_scenarios,
	&lab_page_api,
	&lab_exact_pages,
	&lab_kmalloc_basics,
	&lab_double_free,
	&lab_largest_kmalloc,
	&lab_actual_size,
	&lab_saw_tooth,
	&lab_wasters,
	&lab_ptr_array,
	&lab_custom_cache,
	&lab_poison,
	&lab_hundred_caches,
	&lab_vmalloc,
	&lab_demand_paging,
	&lab_quiz,
	/* beyond the book */
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
