/*
 * as.h - a run's end state in the kernel's own text formats.
 *
 * Each view prints what the file of that name under /proc (or debugfs) would
 * have shown at the end of the run, in the columns of Linux 6.1, so that tools
 * made for the kernel's files can read it. One file a view: as_*.c.
 */
#ifndef RESULTS_AS_H
#define RESULTS_AS_H

#include <stdio.h>

#include "results/query.h"

struct as_view {
	const char *name;
	const char *file; /* of a running kernel */
	/* KMS_EUSAGE when the run was stored without what the view needs. */
	int (*print)(FILE *out, struct store *store, s64 run, struct kms_error *err);
};

extern const struct as_view as_views[]; /* ends with name NULL */

int as_buddyinfo(FILE *out, struct store *store, s64 run, struct kms_error *err);
int as_pagetypeinfo(FILE *out, struct store *store, s64 run, struct kms_error *err);
int as_zoneinfo(FILE *out, struct store *store, s64 run, struct kms_error *err);
int as_slabinfo(FILE *out, struct store *store, s64 run, struct kms_error *err);
int as_extfrag_index(FILE *out, struct store *store, s64 run, struct kms_error *err);
int as_unusable_index(FILE *out, struct store *store, s64 run, struct kms_error *err);

/* Is there a row for the run? sql selects one value. The error says which view lacks what. */
int as_require(struct store *store, s64 run, const char *view, const char *sql, struct kms_error *err);

/* A name from a trace, control characters and blanks replaced: one word of a line. */
const char *as_word(char *buf, size_t size, const char *name);

/* Walk the free blocks of all zones; print is called once for each zone. */
typedef void as_zone_fn(FILE *out, s64 node, const char *zone, const u64 nr_free[11]);
int as_each_zone(FILE *out, struct store *store, s64 run, as_zone_fn *print, struct kms_error *err);

#endif
