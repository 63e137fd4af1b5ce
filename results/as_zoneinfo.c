/*
 * as_zoneinfo.c - /proc/zoneinfo: every zone's state, counters and page lists.
 *
 * All rows of the kernel's file are there, in its order, so that its readers
 * work; counters of what the simulated kernel does not have (LRU lists, dirty
 * pages and the like) are 0.
 */
#include "results/as.h"

static const char *const zone_names[STORE_ZONES] = {"DMA", "DMA32", "Normal", "Movable"};

/* A NULL ends each list. */
static const char *const node_rows[] = {
	"nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file", "nr_unevictable",
	"nr_slab_reclaimable", "nr_slab_unreclaimable", "nr_isolated_anon", "nr_isolated_file",
	"workingset_nodes", "workingset_refault_anon", "workingset_refault_file",
	"workingset_activate_anon", "workingset_activate_file", "workingset_restore_anon",
	"workingset_restore_file", "workingset_nodereclaim", "nr_anon_pages", "nr_mapped",
	"nr_file_pages", "nr_dirty", "nr_writeback", "nr_writeback_temp", "nr_shmem",
	"nr_shmem_hugepages", "nr_shmem_pmdmapped", "nr_file_hugepages", "nr_file_pmdmapped",
	"nr_anon_transparent_hugepages", "nr_vmscan_write", "nr_vmscan_immediate_reclaim",
	"nr_dirtied", "nr_written", "nr_throttled_written", "nr_kernel_misc_reclaimable",
	"nr_foll_pin_acquired", "nr_foll_pin_released", "nr_kernel_stack", "nr_page_table_pages",
	"nr_sec_page_table_pages", "nr_swapcached", NULL,
};
static const char *const zone_rows[] = {
	"nr_free_pages", "nr_zone_inactive_anon", "nr_zone_active_anon", "nr_zone_inactive_file",
	"nr_zone_active_file", "nr_zone_unevictable", "nr_zone_write_pending", "nr_mlock", "nr_bounce",
	"nr_free_cma", "numa_hit", "numa_miss", "numa_foreign", "numa_interleave", "numa_local",
	"numa_other", NULL,
};

/* What all parts of one file need. */
struct zoneinfo {
	FILE *out;
	struct store *store;
	s64 run, node;
	struct kms_error *err;
};

static int print_counters(struct zoneinfo *z, const char *zone, const char *const *names)
{
	int rc = 0;

	for (; *names && !rc; names++) {
		struct query q;

		query_begin(&q, z->store, z->err,
			    "SELECT value FROM vm_counter WHERE run = ? AND node = ? AND zone = ? AND name = ?",
			    "iiss", z->run, z->node, zone, *names);
		fprintf(z->out, "\n      %-12s %lld", *names,
			query_next(&q) ? (long long)query_int(&q, 0) : 0ll);
		rc = query_end(&q);
	}
	return rc;
}

static int print_protection(struct zoneinfo *z, const char *zone)
{
	struct query q;
	int n = 0;

	query_begin(&q, z->store, z->err,
		    "SELECT pages FROM zone_reserve WHERE run = ? AND node = ? AND zone = ? ORDER BY class",
		    "iis", z->run, z->node, zone);
	fprintf(z->out, "\n        protection: (");
	for (; n < STORE_ZONES; n++)
		fprintf(z->out, "%s%lld", n ? ", " : "", query_next(&q) ? (long long)query_int(&q, 0) : 0ll);
	fputc(')', z->out);
	return query_end(&q);
}

static int print_pagesets(struct zoneinfo *z, const char *zone)
{
	struct query q;

	fprintf(z->out, "\n  pagesets");
	query_begin(&q, z->store, z->err,
		    "SELECT cpu, pages, high, batch, stat_threshold FROM zone_pcp"
		    " WHERE run = ? AND node = ? AND zone = ? ORDER BY cpu",
		    "iis", z->run, z->node, zone);
	while (query_next(&q)) {
		fprintf(z->out, "\n    cpu: %i", (int)query_int(&q, 0));
		fprintf(z->out, "\n              count: %i", (int)query_int(&q, 1));
		fprintf(z->out, "\n              high:  %i", (int)query_int(&q, 2));
		fprintf(z->out, "\n              batch: %i", (int)query_int(&q, 3));
		fprintf(z->out, "\n  vm stats threshold: %d", (int)query_int(&q, 4));
	}
	return query_end(&q);
}

#define FIRST_WORD 0 /* columns of the zone query */
#define NR_WORDS 8
#define START_PFN 8

static void print_pages(struct zoneinfo *z, const struct query *zone)
{
	static const char *const labels[NR_WORDS] = {
		"\n  pages free     ", "\n        boost    ", "\n        min      ", "\n        low      ",
		"\n        high     ", "\n        spanned  ", "\n        present  ", "\n        managed  ",
	};

	for (int i = 0; i < NR_WORDS; i++)
		fprintf(z->out, "%s%lld", labels[i], zone ? (long long)query_int(zone, FIRST_WORD + i) : 0ll);
	fprintf(z->out, "\n        cma      %d", 0);
}

static int print_zone(struct zoneinfo *z, const char *name, bool *first)
{
	struct query q;
	int rc = 0;
	bool populated;

	query_begin(&q, z->store, z->err,
		    "SELECT free_counter, watermark_boost, watermark_min + watermark_boost,"
		    " watermark_low + watermark_boost, watermark_high + watermark_boost, spanned, present,"
		    " managed, start_pfn FROM zone WHERE run = ? AND node = ? AND name = ?",
		    "iis", z->run, z->node, name);
	populated = query_next(&q);
	fprintf(z->out, "Node %d, zone %8s", (int)z->node, name);
	if (populated && *first) {
		fprintf(z->out, "\n  per-node stats");
		rc = print_counters(z, "", node_rows);
		*first = false;
	}
	print_pages(z, populated ? &q : NULL);
	if (!rc)
		rc = print_protection(z, name);
	if (populated && !rc)
		rc = print_counters(z, name, zone_rows);
	if (populated && !rc)
		rc = print_pagesets(z, name);
	if (populated)
		fprintf(z->out, "\n  node_unreclaimable:  %u\n  start_pfn:           %lld", 0u,
			(long long)query_int(&q, START_PFN));
	fputc('\n', z->out);
	return rc ? query_end(&q), rc : query_end(&q);
}

int as_zoneinfo(FILE *out, struct store *store, s64 run, struct kms_error *err)
{
	struct zoneinfo z = {.out = out, .store = store, .run = run, .err = err};
	s64 nodes;
	int rc;

	rc = as_require(store, run, "zoneinfo", "SELECT count(zone_index) FROM zone WHERE run = ?", err);
	if (!rc)
		rc = query_one_int(store, "SELECT max(node) + 1 FROM zone WHERE run = ?", run, 0, &nodes, err);
	for (z.node = 0; !rc && z.node < nodes; z.node++) {
		bool first = true;

		for (int i = 0; i < STORE_ZONES && !rc; i++)
			rc = print_zone(&z, zone_names[i], &first);
	}
	return rc;
}
