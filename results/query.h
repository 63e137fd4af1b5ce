/*
 * query.h - reading results: rows of a SQL query, and merged histograms.
 *
 * Verbs and plots read only through this and store_find_run(). A failed query
 * is remembered: a loop over query_next() may be written without error checks
 * if query_end() is checked.
 */
#ifndef RESULTS_QUERY_H
#define RESULTS_QUERY_H

#include "results/store.h"

struct query {
	struct store *store;
	struct sqlite3_stmt *stmt;
	int rc; /* 0 or the error */
	struct kms_error *err;
};

/* args: one letter a parameter: i s64, s const char *. */
void query_begin(struct query *q, struct store *store, struct kms_error *err, const char *sql,
		 const char *args, ...);
bool query_next(struct query *q);
int query_end(struct query *q); /* 0 or KMS_E...; frees */

s64 query_int(const struct query *q, int column);
double query_double(const struct query *q, int column);
/* Valid until the next row; "" for NULL. Not safe to print on a terminal. */
const char *query_text(const struct query *q, int column);
bool query_is_null(const struct query *q, int column);

/* Single values of one run, def when there is none. Errors as in query_end(). */
int query_one_int(struct store *store, const char *sql, s64 run, s64 def, s64 *value, struct kms_error *err);

/*
 * The measured latencies of an operation of a run, on one path or (path NULL)
 * on all, merged. Count 0 when there are none.
 */
int query_histogram(struct store *store, s64 run, const char *operation, const char *path,
		    struct histogram *h, struct kms_error *err);

/*
 * The sample of the measured part at which a run held most bytes from the buddy
 * allocator, and its last sample: request count, time and phase that identify them. Returns 1 when found,
 * 0 when the run has no byte partition.
 */
struct query_instant {
	s64 request, time_ps, phase;
};
int query_instants(struct store *store, s64 run, struct query_instant *peak, struct query_instant *end,
		   struct kms_error *err);

#endif
