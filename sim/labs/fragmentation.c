/*
 * fragmentation.c - labs "fragmentation" and "huge-pages": what grouping pages by
 * mobility does for large blocks, over time and against the part of kernel pages.
 */
#include <math.h>
#include <stdlib.h>

#include "results/query.h"
#include "sim/labs/series.h"

#define HUGE_SQL "SELECT sum(free_blocks << (page_order - 9)) FROM zone_order WHERE page_order >= 9 AND run = ?"
#define FREE_SQL "SELECT sum(free_pages) / 512 FROM zone WHERE run = ?"

static const struct series_figure figures[] = {
	{.key = "huge", .heading = "huge pages free", .sql = HUGE_SQL},
	{.key = "possible", .heading = "as much memory is free as", .unit = "huge pages", .sql = FREE_SQL},
	{.key = "unusable", .heading = "free memory in smaller blocks", .unit = "%", .digits = 1,
	 .sql = "SELECT 100 * value FROM metric_value WHERE run = ? AND phase = -1 AND name = 'unusable_index_order9'"},
};

/* ---- fragmentation ---- */

/* Rows of day, and the index in its evening of each run. */
static char *over_time(const struct series *s, struct lab_run *r, struct kms_error *err)
{
	struct query q;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	fputs("# day\tgrouped, %\tmixed, %\n", out);
	query_begin(&q, lab_store(r), err,
		    "SELECT phase, max(value) FILTER (WHERE run = ?), max(value) FILTER (WHERE run = ?) FROM metric_value "
		    "WHERE name = 'unusable_index_order9' AND phase >= 0 GROUP BY phase ORDER BY phase",
		    "ii", s->run[0], s->run[1]);
	while (query_next(&q))
		fprintf(out, "%lld\t%.1f\t%.1f\n", (long long)query_int(&q, 0) + 1, 100 * query_double(&q, 1),
			100 * query_double(&q, 2));
	if (query_end(&q) || ferror(out)) {
		fclose(out);
		free(text);
		return NULL;
	}
	fclose(out);
	return text;
}

static int draw_over_time(const struct series *s, struct lab_run *r, struct kms_error *err)
{
	char *rows = over_time(s, r, err);
	int rc;

	if (!rows)
		return kms_fail(err, KMS_EFAIL, "no samples of the runs");
	rc = lab_picture(r, "over-time", "Free memory in blocks too small for a huge page", rows,
			 "set datafile separator '\\t'\nset xlabel 'evening of day'\nset ylabel 'part of free memory (%)'\n"
			 "set yrange [0:100]\nset xrange [0.5:8.5]\nset key top right\nset grid y\n"
			 "plot 'fragmentation-over-time.tsv' using 1:3 with linespoints lw 2 dt 2 pt 5 lc rgb '#d55e00' "
			 "title 'all pages mixed', '' using 1:2 with linespoints lw 2 pt 7 lc rgb '#0072b2' "
			 "title 'grouped by mobility'\n", err);
	free(rows);
	return rc;
}

static int run_days(struct lab_run *r, struct kms_error *err)
{
	static const char *const label[] = {"grouped", "mixed"};
	long long seed = lab_param(r, "run_seed");
	struct series s;
	int rc = 0;

	lab_say(r, "Eight days: programs fill memory, and end in the evening. A few kernel pages stay every day. "
		   "What is left in the last evening:");
	series_init(&s, r, "evening", "pages", figures, KMS_ARRAY_SIZE(figures));
	for (u32 i = 0; i < 2 && !rc; i++)
		rc = series_run(&s, err, label[i], "seed=%lld allocator.page_group_by_mobility=%s", seed, i ? "false" : "true");
	if (rc)
		return rc;
	series_show(&s);
	lab_value(r, "possible", "", series_found(&s, 0, "possible"));
	lab_check(r, "as much memory is free with grouping as without", series_found(&s, 0, "possible"),
		  series_found(&s, 1, "possible"));
	lab_check_that(r, series_found(&s, 0, "huge") >= 0.85 * series_found(&s, 0, "possible"),
		       "with grouping at least 85 %% of the possible huge pages are there");
	lab_check_that(r, series_found(&s, 1, "huge") <= 0.5 * series_found(&s, 1, "possible"),
		       "without it at most half of them");
	return draw_over_time(&s, r, err);
}

const struct lab lab_fragmentation = {.name = "fragmentation", .run = run_days};

/* ---- huge-pages ---- */

static const u32 percents[] = {0, 1, 3, 10, 30};
#define STEPS KMS_ARRAY_SIZE(percents)

static int fill(struct series *s, const char *label, u32 percent, bool grouped, struct kms_error *err)
{
	return series_run(s, err, label,
			  "seed=%lld allocator.page_group_by_mobility=%s workload.synthetic.classes[0].weight=%u "
			  "workload.synthetic.classes[1].weight=%u", (long long)lab_param(s->r, "run_seed"),
			  grouped ? "true" : "false", 100 - percent, percent);
}

/* Both ways at each part of kernel pages; then at the student's own. */
static int fill_all(struct series *s, struct lab_run *r, struct kms_error *err)
{
	char label[32];
	int rc = 0;

	for (u32 i = 0; i < 2 * STEPS && !rc; i++) {
		u32 percent = percents[i % STEPS];

		snprintf(label, sizeof(label), "%s %u %%", i < STEPS ? "grouped" : "mixed", percent);
		rc = fill(s, label, percent, i < STEPS, err);
	}
	if (!rc)
		rc = fill(s, "grouped_param", (u32)lab_param(r, "percent"), true, err);
	return rc ? rc : fill(s, "mixed_param", (u32)lab_param(r, "percent"), false, err);
}

static int run_huge(struct lab_run *r, struct kms_error *err)
{
	struct series s;
	int rc;

	lab_say(r, "Memory is filled with user and kernel pages, then all user pages go. The percentage is that of "
		   "the kernel pages:");
	series_init(&s, r, "huge", "pages", figures, KMS_ARRAY_SIZE(figures));
	rc = fill_all(&s, r, err);
	if (rc)
		return rc;
	lab_value(r, "chance", "%", 100 * pow(1 - (double)lab_param(r, "percent") / 100, 512));
	s.nr -= 2; /* the student's own are answers */
	series_show(&s);
	lab_check(r, "without kernel pages grouping makes no difference", series_found(&s, 0, "huge"),
		  series_found(&s, STEPS, "huge"));
	for (u32 i = 1; i < STEPS; i++) {
		lab_check_that(r, series_found(&s, i, "huge") >= 0.9 * series_found(&s, i, "possible"),
			       "%u %% kernel pages, grouped: nine of ten huge pages are there", percents[i]);
		lab_check_that(r, series_found(&s, STEPS + i, "huge") <= 0.2 * series_found(&s, STEPS + i, "possible"),
			       "%u %% kernel pages, mixed: not one in five is", percents[i]);
	}
	return series_picture(&s, "left", "Huge pages left, against the part of pages that cannot be moved",
			      "set datafile separator '\\t'\nset style data histograms\nset style fill solid 0.9 border lt -1\n"
			      "set yrange [0:*]\nset xlabel 'kernel pages, of all pages allocated (%)'\n"
			      "set ylabel 'huge pages (2 MiB)'\nset key top right\n"
			      "array part[5] = ['0', '1', '3', '10', '30']\n"
			      "plot 'huge-pages-left.tsv' every ::0::4 using 3:xtic(part[int($0)+1]) lc rgb '#bbbbbb' "
			      "title 'as much memory is free', '' every ::0::4 using 2 lc rgb '#0072b2' fs pattern 3 "
			      "title 'free, grouped by mobility', '' every ::5::9 using 2 lc rgb '#d55e00' fs pattern 2 "
			      "title 'free, all mixed'\n", err);
}

const struct lab lab_huge_pages = {.name = "huge-pages", .run = run_huge};
