/*
 * as_buddyinfo.c - /proc/buddyinfo: free blocks of each order on the buddy lists.
 */
#include "results/as.h"

static void print_zone(FILE *out, s64 node, const char *zone, const u64 nr_free[11])
{
	fprintf(out, "Node %d, zone %8s ", (int)node, zone);
	for (int order = 0; order < 11; order++)
		fprintf(out, "%6llu ", (unsigned long long)nr_free[order]);
	fputc('\n', out);
}

int as_buddyinfo(FILE *out, struct store *store, s64 run, struct kms_error *err)
{
	int rc = as_require(store, run, "buddyinfo", "SELECT count(*) FROM zone_order WHERE run = ?", err);

	return rc ? rc : as_each_zone(out, store, run, print_zone, err);
}
