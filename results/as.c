/*
 * as.c - the list of views, and what several of them need.
 */
#include "results/as.h"

const struct as_view as_views[] = {
	{"slabinfo", "/proc/slabinfo", as_slabinfo},
	{"buddyinfo", "/proc/buddyinfo", as_buddyinfo},
	{"pagetypeinfo", "/proc/pagetypeinfo", as_pagetypeinfo},
	{"zoneinfo", "/proc/zoneinfo", as_zoneinfo},
	{"extfrag_index", "/sys/kernel/debug/extfrag/extfrag_index", as_extfrag_index},
	{"unusable_index", "/sys/kernel/debug/extfrag/unusable_index", as_unusable_index},
	{NULL, NULL, NULL},
};

int as_require(struct store *store, s64 run, const char *view, const char *sql, struct kms_error *err)
{
	s64 found;
	int rc = query_one_int(store, sql, run, 0, &found, err);

	if (rc || found)
		return rc;
	return kms_fail(err, KMS_EUSAGE,
			"run %lld has nothing to show as %s: it ended before its tables were stored,"
			" or an older kmemsim stored it; run it again", (long long)run, view);
}

const char *as_word(char *buf, size_t size, const char *name)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < size; i++)
		buf[i] = name[i] > ' ' && name[i] != 127 ? name[i] : '?';
	buf[i] = 0;
	return buf;
}

int as_each_zone(FILE *out, struct store *store, s64 run, as_zone_fn *print, struct kms_error *err)
{
	u64 nr_free[11] = {0};
	struct query q;

	query_begin(&q, store, err,
		    "SELECT z.node, z.name, o.page_order, o.free_blocks FROM zone z JOIN zone_order o"
		    " ON o.run = z.run AND o.node = z.node AND o.zone = z.name WHERE z.run = ?"
		    " ORDER BY z.position, o.page_order",
		    "i", run);
	while (query_next(&q)) {
		s64 order = query_int(&q, 2);

		nr_free[order] = (u64)query_int(&q, 3);
		if (order == 10)
			print(out, query_int(&q, 0), query_text(&q, 1), nr_free);
	}
	return query_end(&q);
}
