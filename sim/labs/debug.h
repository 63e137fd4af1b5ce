/*
 * debug.h - slab caches with debug flags in labs: creating them and hearing
 * what they report (docs/slub-debug.md): the report ends an operation, the lab goes on.
 */
#ifndef SIM_LABS_DEBUG_H
#define SIM_LABS_DEBUG_H

#include "sim/labs/kit.h"

enum debug_what { DEBUG_POISON, DEBUG_LEFT_ZONE, DEBUG_RIGHT_ZONE, DEBUG_ALREADY_FREE };

struct debug_report {
	u32 what; /* enum debug_what */
	u64 object; /* its address */
	s64 offset; /* bytes from the object's start */
	u32 byte;   /* found there */
};

/* The kit with a log, freed with debug_close(). */
int debug_open(struct kit *k, struct watch_log *log, struct lab_run *r, struct kms_error *err);
void debug_close(struct kit *k);
/* Did the last operation end with a report? */
bool debug_reported(const struct kit *k, struct debug_report *report);
/* One table row for what an operation reported, or that it reported nothing. */
void debug_row(struct kit *k, const char *operation);
/* Slot size of an object with poison, red zones and cache-line alignment, reckoned apart from the allocator. */
u32 debug_slot_rule(u32 object_size);

#endif
