/*
 * table.c - all labs, in the order in which `kmemsim lab list` shows them.
 */
#include "sim/labs/lab.h"

extern const struct lab lab_buddy_lists, lab_scenarios, lab_page_api, lab_exact_pages, lab_kmalloc_basics,
	lab_largest_kmalloc, lab_actual_size, lab_saw_tooth, lab_ptr_array;

const struct lab *const lab_table[] = {
	/* the book's */
	&lab_buddy_lists,
	&lab_scenarios,
	&lab_page_api,
	&lab_exact_pages,
	&lab_kmalloc_basics,
	&lab_largest_kmalloc,
	&lab_actual_size,
	&lab_saw_tooth,
	&lab_ptr_array,
	NULL,
};
