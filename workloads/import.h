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

/* What was read and what became of it; docs/importing.md defines every number. */
struct import_result {
	u64 events;	      /* events understood */
	u64 requests;	      /* requests written */
	u64 outcomes;	      /* events that are the recorded allocator's own steps, or left out for a cause */
	u64 slab_pages;	      /* page requests of the slab layer, left out */
	u64 frees_without_alloc;
	u64 live_at_start;    /* objects whose first event is a free */
	u64 live_at_end;
	u64 unknown;	      /* lines or records not understood */
	u64 begins_in_middle; /* 1: the recording begins after the kernel's boot */
	u64 lost;	      /* events that the recording says it lost */
	u64 null_frees;
	u64 alloc_over_live;  /* allocations of an address whose free was not recorded */
	u64 frees_matched;    /* frees whose allocation was seen */
	const char *format;   /* name of the importer */
};

struct import_options {
	const char *format; /* NULL: found from the content */
	bool strict;	    /* stop at the first malformed record, instead of counting it */
	const char *slabs;  /* the machine's slab caches: slab.tsv of a capture or slabinfo; NULL: not known */
};

/* source: a recording's folder or file. options may be NULL. */
int import_recording_with(const char *source, const char *output, const struct import_options *options,
			  struct import_result *result, struct kms_error *err);
int import_recording(const char *source, const char *output, struct import_result *result,
		     struct kms_error *err);
/* Share of the frees whose allocation was seen; 1 where there are no frees. */
double import_matched(const struct import_result *result);
/* Share of the events, without frees of nothing, that were understood. */
double import_coverage(const struct import_result *result);
/* The i-th format's name, NULL after the last. */
const char *import_format_name(u32 i);

#endif
