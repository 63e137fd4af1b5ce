/*
 * merge.h - one results database into another.
 *
 * For runs that were made side by side, each process writing a database of its
 * own so that none waits for another's lock.
 */
#ifndef RESULTS_MERGE_H
#define RESULTS_MERGE_H

#include "results/store.h"

/*
 * Copy every run of the database at `from`, with all that hangs on it, into
 * `into`, in one transaction: all of it or nothing. Runs get new ids (in their
 * old order) and keep their uuids and digests. *first_run is the new id of the
 * first run copied (0: there was none). Refused: a run that is in `into`
 * already, a database that store_open() refuses.
 */
int store_merge(struct store *into, const char *from, s64 *first_run, struct kms_error *err);

#endif
