/*
 * explain.h - one allocator call, carried out and taken apart.
 *
 * explain.c makes the call on a freshly booted machine (sandbox.h), once while
 * nothing is cached yet and once after repetition, and collects the facts;
 * explain_text.c tells them to people, explain_json.c to programs.
 */
#ifndef SIM_TEACH_EXPLAIN_H
#define SIM_TEACH_EXPLAIN_H

#include <stdio.h>

#include "sim/teach/call.h"
#include "sim/teach/sandbox.h"

/* How often a call is made and undone before it counts as warm. */
#define EXPLAIN_REPEATS 8

struct explained {
	struct call call;
	char text[200]; /* as it was asked */
	char machine[64], policy[64];
	double ghz;
	u32 nr_cpus;
	bool failed;	/* the allocator said no */
	bool refused;	/* larger than anything can be: no call was made */
	u64 limit;	/* largest request that the allocator takes */
	u64 requested, held;
	u64 address;	/* physical, of the first call's memory */
	u32 order;	/* of page blocks */
	bool slab;	/* from a slab cache */
	struct mm_cache_info cache;
	struct mm_slot_layout slot;
	bool merged;	/* kmem_cache_create(): shares another cache */
	bool shared_pages; /* SLOB: no caches of their own */
	u64 slab_bytes, slab_tail;
	struct watch_log cold, warm, release; /* release: undoing the warm call */
};

/* KMS_EUSAGE: bad call or configuration. Afterwards explained_free(), whatever the result. */
int explain(struct explained *x, const char *text, const struct sandbox_options *options,
	    struct kms_error *err);
void explained_free(struct explained *x);

void explain_print(const struct explained *x, FILE *out, bool lines);
void explain_json(const struct explained *x, FILE *out);

/* Bytes lost for one call, and its share of what is held in percent. */
u64 explained_waste(const struct explained *x);
double explained_waste_percent(const struct explained *x);

#endif
