/*
 * table.c - all labs, in the order in which `kmemsim lab list` shows them.
 */
#include "sim/labs/lab.h"

extern const struct lab lab_scenarios;

const struct lab *const lab_table[] = {
	&lab_scenarios,
	NULL,
};
