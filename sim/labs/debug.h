/*
 * debug.h - slab caches with debug flags in labs: creating them and hearing
 * what they report (models/mm/slub_check.c).
 */
#ifndef SIM_LABS_DEBUG_H
#define SIM_LABS_DEBUG_H

#include "sim/labs/kit.h"

enum debug_what { DEBUG_POISON, DEBUG_LEFT_ZONE, DEBUG_RIGHT_ZONE, DEBUG_ALREADY_FREE };

struct debug_report {
	u32 what; /* enum debug_what */
	const void *object;
	s64 offset; /* bytes from the object's start */
	u32 byte;   /* found there */
};

/* The kit with a log, freed with debug_close(). Needs slub_debug_checks in the lab's experiment. */
int debug_open(struct kit *k, struct watch_log *log, struct lab_run *r, struct kms_error *err);
void debug_close(struct kit *k);
/* Reports of the last operation: how many; the first of them into *report. */
u32 debug_reports(const struct kit *k, struct debug_report *report);
/* One table row for what an operation reported, or that it reported nothing. */
void debug_row(struct kit *k, const char *operation);
/* Slot size of an object with poison, red zones and cache-line alignment, reckoned apart from the allocator. */
u32 debug_slot_rule(u32 object_size);

#endif
