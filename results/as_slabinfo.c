/*
 * as_slabinfo.c - /proc/slabinfo, version 2.1: slab caches, newest first.
 *
 * SLUB has no tunables: those columns are 0, as in the kernel.
 */
#include "results/as.h"

int as_slabinfo(FILE *out, struct store *store, s64 run, struct kms_error *err)
{
	struct query q;
	int rc = as_require(store, run, "slabinfo",
			    "SELECT count(active_objects) FROM slab_cache WHERE run = ?", err);

	if (rc)
		return rc;
	fputs("slabinfo - version: 2.1\n"
	      "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
	      " : tunables <limit> <batchcount> <sharedfactor>"
	      " : slabdata <active_slabs> <num_slabs> <sharedavail>\n", out);
	query_begin(&q, store, err,
		    "SELECT name, active_objects, objects, size, objects_per_slab, 1 << page_order, slabs"
		    " FROM slab_cache WHERE run = ? ORDER BY position DESC",
		    "i", run);
	while (query_next(&q)) {
		s64 slabs = query_int(&q, 6);
		char name[128];

		fprintf(out, "%-17s %6lld %6lld %6lld %4lld %4lld", as_word(name, sizeof(name), query_text(&q, 0)),
			(long long)query_int(&q, 1), (long long)query_int(&q, 2), (long long)query_int(&q, 3),
			(long long)query_int(&q, 4), (long long)query_int(&q, 5));
		fprintf(out, " : tunables %4u %4u %4u", 0u, 0u, 0u);
		fprintf(out, " : slabdata %6lld %6lld %6lld\n", (long long)slabs, (long long)slabs, 0ll);
	}
	return query_end(&q);
}
