/*
 * as_extfrag.c - debugfs extfrag/extfrag_index and extfrag/unusable_index.
 */
#include "results/as.h"
#include "results/extfrag.h"

static void print_index(FILE *out, s64 node, const char *zone, const u64 nr_free[11])
{
	fprintf(out, "Node %d, zone %8s ", (int)node, zone);
	for (u32 order = 0; order < EXTFRAG_ORDERS; order++) {
		int index = extfrag_index(nr_free, order);

		fprintf(out, "%2d.%03d ", index / 1000, index % 1000);
	}
	fputc('\n', out);
}

static void print_unusable(FILE *out, s64 node, const char *zone, const u64 nr_free[11])
{
	fprintf(out, "Node %d, zone %8s ", (int)node, zone);
	for (u32 order = 0; order < EXTFRAG_ORDERS; order++) {
		int index = extfrag_unusable(nr_free, order);

		fprintf(out, "%d.%03d ", index / 1000, index % 1000);
	}
	fputc('\n', out);
}

int as_extfrag_index(FILE *out, struct store *store, s64 run, struct kms_error *err)
{
	int rc = as_require(store, run, "extfrag_index", "SELECT count(*) FROM zone_order WHERE run = ?", err);

	return rc ? rc : as_each_zone(out, store, run, print_index, err);
}

int as_unusable_index(FILE *out, struct store *store, s64 run, struct kms_error *err)
{
	int rc = as_require(store, run, "unusable_index", "SELECT count(*) FROM zone_order WHERE run = ?", err);

	return rc ? rc : as_each_zone(out, store, run, print_unusable, err);
}
