/*
 * owners.c - whose it is: waste by slab cache and by call site, how full the slabs
 * of each cache are, waiting by lock, cache lines that CPUs take from each other.
 */
#include "plots/plot_internal.h"

#include <string.h>

static int no_memory(struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "out of memory");
}

static void bytes_text(double bytes, char *buf, size_t n)
{
	const char *unit;
	double divide = plot_byte_unit(bytes, &unit);

	snprintf(buf, n, bytes / divide < 100 && divide > 1 ? "%.1f %s" : "%.0f %s", bytes / divide, unit);
}

/* Rows of every run from a query of: name, the parts, then what note makes its text of. */
struct source {
	const char *sql;
	void (*note)(const struct query *q, int first, double sum, char *buf, size_t n);
};

static int fill_column(struct plot *p, struct plot_rows *rows, u32 r, const struct source *from, struct kms_error *err)
{
	struct query q;

	query_begin(&q, p->store, err, from->sql, "i", p->runs[r].id);
	while (query_next(&q)) {
		const char *name = query_text(&q, 0);
		struct plot_row *row = plot_row_of(rows, *name ? name : "(unknown)");
		double sum = 0;

		if (!row) {
			query_end(&q);
			return no_memory(err);
		}
		for (u32 k = 0; k < rows->nr_parts; k++) {
			row->part[r][k] += query_double(&q, (int)k + 1);
			sum += row->part[r][k];
		}
		from->note(&q, (int)rows->nr_parts + 1, sum, row->note[r], sizeof(row->note[r]));
	}
	return query_end(&q);
}

static int draw_rows(struct plot *p, struct plot_rows *rows, const struct source *from, const char *headline,
		     const char *columns, struct kms_error *err)
{
	int rc = 0;

	for (u32 r = 0; r < p->nr_runs && !rc; r++)
		rc = fill_column(p, rows, r, from, err);
	if (!rc)
		rc = plot_rows_draw(p, rows, headline, columns);
	plot_rows_free(rows);
	return rc;
}

/* ---- waste by slab cache ---- */

static void share_note(const struct query *q, int first, double sum, char *buf, size_t n)
{
	char bytes[32];
	double whole = query_double(q, first);

	bytes_text(sum, bytes, sizeof(bytes));
	snprintf(buf, n, "%s, %.0f %%", bytes, whole > 0 ? 100 * sum / whole : 0);
}

static int draw_caches(struct plot *p, struct kms_error *err)
{
	static const struct source from = {
		"SELECT name, rounding_bytes, tail_bytes, free_partial * size, free_cpu * size, slab_bytes"
		" FROM slab_cache WHERE run = ? ORDER BY position",
		share_note,
	};
	static const struct plot_part parts[] = {
		{"size rounding", PLOT_ORANGE, 3},
		{"slab tail", PLOT_BLACK, 1},
		{"free in partial slabs", PLOT_BLUE, 5},
		{"cached per CPU", PLOT_GREEN, 3},
	};
	struct plot_rows rows = {
		.parts = parts, .nr_parts = KMS_ARRAY_SIZE(parts), .what = "waste at the end", .room = 0.34,
		.none = "no slab cache wasted anything: the run has none, or was recorded by another allocator",
		.footnote = "per cent: of the bytes of the cache\u2019s slabs",
	};

	return draw_rows(p, &rows, &from, "Waste by slab cache at the end of the run, by cause",
			 "row\tsize rounding\t+slab tail\t+free in partial slabs\t+cached per CPU (bytes, each column with those before it)",
			 err);
}

const struct plot_type plot_type_waste_caches = {
	.name = "waste-caches",
	.summary = "waste of each slab cache at the end, by cause; the caches that waste most",
	.needs = "slab_cache",
	.min_runs = 1,
	.max_runs = 3,
	.draw = draw_caches,
};

/* ---- waste by call site ---- */

static void each_note(const struct query *q, int first, double sum, char *buf, size_t n)
{
	double count = query_double(q, first);
	double each = count > 0 ? sum / count : 0;
	char bytes[32], of_each[32];

	bytes_text(sum, bytes, sizeof(bytes));
	if (each < 999.5)
		snprintf(of_each, sizeof(of_each), "%.3g bytes", each);
	else
		bytes_text(each, of_each, sizeof(of_each));
	snprintf(buf, n, "%s: %.0f \u00d7 %s", bytes, count, of_each);
}

static int draw_sites(struct plot *p, struct kms_error *err)
{
	static const struct source from = {
		"SELECT name, max(waste_bytes, 0), max(waste_bytes_total - max(waste_bytes, 0), 0), allocs"
		" FROM call_site WHERE run = ? ORDER BY name",
		each_note,
	};
	static const struct plot_part parts[] = {
		{"of live objects at the end", PLOT_RED, 4},
		{"of objects freed since", PLOT_SKY, 3},
	};
	struct plot_rows rows = {
		.parts = parts, .nr_parts = KMS_ARRAY_SIZE(parts), .what = "bytes held beyond those asked for",
		.room = 0.55,
		.none = "no call site wasted anything: its trace names none, or every size was an exact fit",
		.footnote = "total waste over the run: allocations \u00d7 waste of each on average",
	};

	return draw_rows(p, &rows, &from, "Waste by call site: what its allocations held beyond what they asked for",
			 "row\tof live objects\t+of objects freed since (bytes, each column with those before it)", err);
}

const struct plot_type plot_type_waste_sites = {
	.name = "waste-sites",
	.summary = "waste of each call site over the run, and of each of its allocations",
	.needs = "call_site",
	.min_runs = 1,
	.max_runs = 3,
	.draw = draw_sites,
};

/* ---- how full slabs are ---- */

const struct plot_part plot_fills[PLOT_FILLS] = {
	{"a CPU\u2019s slab", PLOT_GREEN, 3},
	{"full", PLOT_GREY, 3},
	{"75 % and more", PLOT_SKY, 3},
	{"50 to 75 %", PLOT_BLUE, 5},
	{"25 to 50 %", PLOT_ORANGE, 4},
	{"up to 25 %", PLOT_RED, 3},
	{"empty", PLOT_BLACK, 1},
};

static void slabs_note(const struct query *q, int first, double sum, char *buf, size_t n)
{
	char count[32];

	plot_with_commas((u64)sum, count, sizeof(count));
	snprintf(buf, n, "%s", count);
}

#define FILL(name) ", sum(f.slabs) FILTER (WHERE f.fill = '" name "')"
#define FILLS FILL("cpu") FILL("full") FILL("q4") FILL("q3") FILL("q2") FILL("q1") FILL("empty")

static int draw_occupancy(struct plot *p, struct kms_error *err)
{
	static const struct source from = {
		"SELECT c.name" FILLS " FROM slab_fill f JOIN slab_cache c ON c.run = f.run AND c.position = f.position"
		" WHERE f.run = ?1 GROUP BY c.position UNION ALL SELECT 'all caches'" FILLS
		" FROM slab_fill f WHERE f.run = ?1",
		slabs_note,
	};
	struct plot_rows rows = {
		.parts = plot_fills, .nr_parts = PLOT_FILLS, .share = true, .room = 0.12, .divide = 1,
		.x_label = "share of the slabs [%], and their number", .legend = "objects in use",
		.none = "no record of how full slabs are: run it again with this version (SLUB or SLAB)",
		.footnote = "free objects that CPUs keep in arrays of their own (SLAB) count as in use",
	};

	return draw_rows(p, &rows, &from, "How full the slabs of each cache are at the end of the run",
			 "row\ta CPU's\t+full\t+75 % and more\t+50 to 75 %\t+25 to 50 %\t+up to 25 %\t+empty (% of the slabs, each column with those before it)",
			 err);
}

const struct plot_type plot_type_slab_occupancy = {
	.name = "slab-occupancy",
	.summary = "how full the slabs of each cache are at the end: empty, by quarters, full",
	.needs = "slab_fill",
	.min_runs = 1,
	.max_runs = 3,
	.draw = draw_occupancy,
};

/* ---- waiting by lock ---- */

static void lock_note(const struct query *q, int first, double sum, char *buf, size_t n)
{
	char waited[32], acquired[32];

	plot_with_commas((u64)query_int(q, first), waited, sizeof(waited));
	plot_with_commas((u64)query_int(q, first + 1), acquired, sizeof(acquired));
	snprintf(buf, n, "%s of %s waited", waited, acquired);
}

#define HELD_BY(what) ", coalesce(sum(wait_ps) FILTER (WHERE holder " what "), 0)"

static int draw_locks(struct plot *p, struct kms_error *err)
{
	static const struct source from = {
		"SELECT name" HELD_BY("IN ('page_alloc', 'page_bulk', 'page_exact')")
			HELD_BY("IN ('page_free', 'page_free_list', 'page_free_exact')")
			HELD_BY("IN ('kmalloc', 'cache_alloc', 'cache_bulk')")
			HELD_BY("IN ('kfree', 'cache_free', 'free_bulk')")
			HELD_BY("IN ('vmstat', 'lru_add', 'kswapd', 'kcompactd', 'slab_work')")
			", max(0, sum(wait_ps) FILTER (WHERE holder = '') - coalesce(sum(wait_ps) FILTER (WHERE holder IN"
			" ('page_alloc', 'page_bulk', 'page_exact', 'page_free', 'page_free_list', 'page_free_exact',"
			" 'kmalloc', 'cache_alloc', 'cache_bulk', 'kfree', 'cache_free', 'free_bulk', 'vmstat', 'lru_add',"
			" 'kswapd', 'kcompactd', 'slab_work')), 0))"
			", max(contended) FILTER (WHERE holder = ''), max(acquired) FILTER (WHERE holder = '')"
			" FROM lock_wait WHERE run = ? GROUP BY name",
		lock_note,
	};
	static const struct plot_part parts[] = {
		{"allocating pages", PLOT_BLUE, 3},   {"freeing pages", PLOT_SKY, 5},
		{"allocating objects", PLOT_RED, 3},  {"freeing objects", PLOT_ORANGE, 4},
		{"kernel threads", PLOT_PURPLE, 2}, {"others", PLOT_GREY, 3},
	};
	struct plot_rows rows = {
		.parts = parts, .nr_parts = KMS_ARRAY_SIZE(parts), .divide = 1e6, .room = 0.45,
		.x_label = "time that CPUs spun for it [\u00b5s]", .legend = "while it was held for",
		.none = "no CPU waited for a lock: one CPU alone, functional timing, or no contention",
	};

	return draw_rows(p, &rows, &from, "Time spent waiting for each lock, by what its holder was doing",
			 "row\tallocating pages\t+freeing pages\t+allocating objects\t+freeing objects\t+kernel threads\t+others (ps, each column with those before it)",
			 err);
}

const struct plot_type plot_type_lock_wait = {
	.name = "lock-wait",
	.summary = "time that CPUs waited for each lock, by what its holder was doing",
	.needs = "lock_wait (cycle timing)",
	.min_runs = 1,
	.max_runs = 3,
	.draw = draw_locks,
};

/* ---- cache lines that move ---- */

static void line_note(const struct query *q, int first, double sum, char *buf, size_t n)
{
	plot_with_commas((u64)sum, buf, n);
}

/* Databases from before there was such a table have none. */
static int has_words(struct plot *p, s64 *yes, struct kms_error *err)
{
	return query_one_int(p->store, "SELECT count(*) FROM sqlite_schema WHERE name = 'hot_word' AND ? > 0",
			     p->runs[0].id, 0, yes, err);
}

static int draw_lines(struct plot *p, struct kms_error *err)
{
	static const struct source from = {
		"SELECT CASE WHEN field <> '' THEN structure || ': ' || field WHEN structure = 'object'"
		" THEN 'object of ' || owner ELSE structure END AS what, sum(true_sharing), sum(false_sharing),"
		" max(sum(caused) - sum(true_sharing) - sum(false_sharing), 0)"
		" FROM hot_word WHERE run = ? GROUP BY what ORDER BY what",
		line_note,
	};
	static const struct plot_part parts[] = {
		{"true: same words", PLOT_BLUE, 3},
		{"false: other words", PLOT_ORANGE, 4},
		{"not told apart", PLOT_GREY, 3},
	};
	struct plot_rows rows = {
		.parts = parts, .nr_parts = KMS_ARRAY_SIZE(parts), .divide = 1, .room = 0.2,
		.x_label = "transfers and invalidations caused [times]", .legend = "sharing",
		.none = "no record of lines that moved between CPUs: one CPU alone, functional timing, or an older version",
		.footnote = "of the lines that moved most often",
	};
	s64 yes = 0;
	int rc = has_words(p, &yes, err);

	if (rc || !yes)
		return rc ? rc : plot_no_data(p, "%s", rows.none);
	return draw_rows(p, &rows, &from, "Cache lines that CPUs took from each other, by structure and field",
			 "row\ttrue sharing\t+false sharing\t+not told apart (times, each column with those before it)", err);
}

const struct plot_type plot_type_line_transfers = {
	.name = "line-transfers",
	.summary = "cache lines that CPUs take from each other, by structure and field, true and false sharing",
	.needs = "hot_word (cycle timing)",
	.min_runs = 1,
	.max_runs = 3,
	.draw = draw_lines,
};
