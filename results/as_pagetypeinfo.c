/*
 * as_pagetypeinfo.c - /proc/pagetypeinfo: free blocks and pageblocks by migratetype.
 */
#include "results/as.h"

#define COUNT_LIMIT 100000 /* the kernel stops counting a list there */

static const char *const type_names[STORE_MIGRATETYPES] = {"Unmovable", "Movable", "Reclaimable",
							   "HighAtomic"};

static int print_free(FILE *out, struct store *store, s64 run, struct kms_error *err)
{
	struct query q;

	fprintf(out, "%-43s ", "Free pages count per migrate type at order");
	for (int order = 0; order < 11; order++)
		fprintf(out, "%6d ", order);
	fputc('\n', out);
	query_begin(&q, store, err,
		    "SELECT z.node, z.name, t.migratetype, t.page_order, t.free_blocks FROM zone z"
		    " JOIN zone_order_type t ON t.run = z.run AND t.node = z.node AND t.zone = z.name"
		    " WHERE z.run = ? ORDER BY z.position, t.migratetype, t.page_order",
		    "i", run);
	while (query_next(&q)) {
		s64 order = query_int(&q, 3), blocks = query_int(&q, 4);

		if (!order)
			fprintf(out, "Node %4d, zone %8s, type %12s ", (int)query_int(&q, 0), query_text(&q, 1),
				type_names[query_int(&q, 2) % STORE_MIGRATETYPES]);
		fprintf(out, "%s%6lld ", blocks < COUNT_LIMIT ? "" : ">",
			(long long)(blocks < COUNT_LIMIT ? blocks : COUNT_LIMIT));
		if (order == 10)
			fputc('\n', out);
	}
	return query_end(&q);
}

static int print_pageblocks(FILE *out, struct store *store, s64 run, struct kms_error *err)
{
	struct query q;

	fprintf(out, "\n%-23s", "Number of blocks type ");
	for (int mt = 0; mt < STORE_MIGRATETYPES; mt++)
		fprintf(out, "%12s ", type_names[mt]);
	fputc('\n', out);
	query_begin(&q, store, err,
		    "SELECT z.node, z.name, b.migratetype, b.blocks FROM zone z JOIN zone_pageblock b"
		    " ON b.run = z.run AND b.node = z.node AND b.zone = z.name"
		    " WHERE z.run = ? ORDER BY z.position, b.migratetype",
		    "i", run);
	while (query_next(&q)) {
		s64 mt = query_int(&q, 2);

		if (!mt)
			fprintf(out, "Node %d, zone %8s ", (int)query_int(&q, 0), query_text(&q, 1));
		fprintf(out, "%12lld ", (long long)query_int(&q, 3));
		if (mt == STORE_MIGRATETYPES - 1)
			fputc('\n', out);
	}
	return query_end(&q);
}

int as_pagetypeinfo(FILE *out, struct store *store, s64 run, struct kms_error *err)
{
	s64 order;
	int rc = as_require(store, run, "pagetypeinfo",
			    "SELECT count(*) FROM zone_order_type WHERE run = ?", err);

	if (rc)
		return rc;
	rc = query_one_int(store, "SELECT json_extract(config, '$.allocator.pageblock_order') FROM run WHERE id = ?",
			   run, 9, &order, err);
	if (rc)
		return rc;
	order = order < 1 || order > 10 ? 9 : order;
	fprintf(out, "Page block order: %d\nPages per block:  %lu\n\n", (int)order, 1ul << order);
	rc = print_free(out, store, run, err);
	return rc ? rc : print_pageblocks(out, store, run, err);
}
