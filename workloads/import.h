/*
 * import.h - recordings into traces.
 *
 * One importer per source format, registered in import.c. Importing assigns
 * dense ids to objects, caches and call sites, turns what the recorded kernel's
 * callers asked for into requests, and leaves out what its slab layer did by
 * itself (pages for slabs, refills, drains): that is an outcome, which the
 * simulated allocator decides anew.
 */
#ifndef WORKLOADS_IMPORT_H
#define WORKLOADS_IMPORT_H

#include "workloads/request.h"

struct import_result {
	u64 events;	      /* lines or records read */
	u64 requests;	      /* requests written */
	u64 outcomes;	      /* events that are the recorded allocator's own steps */
	u64 slab_pages;	      /* page requests of the slab layer, left out */
	u64 frees_without_alloc;
	u64 live_at_end;
	u64 unknown;	      /* events not understood */
};

/* source: a recording's folder or file; the format is found from its content. */
int import_recording(const char *source, const char *output, struct import_result *result,
		     struct kms_error *err);

#endif
