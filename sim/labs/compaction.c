/*
 * compaction.c - lab "compaction": huge pages out of memory that is half free in
 * single pages; with compaction, without, and from memory that is tidy.
 */
#include "sim/labs/series.h"

#define PHASE_SQL(what)                                                                                \
	"SELECT " what " FROM latency l JOIN phase p USING (run, phase) "                                \
	"WHERE l.run = ? AND p.name = 'huge' AND l.operation = 'page_alloc'"

static const struct series_figure figures[] = {
	{.key = "failed", .heading = "failed",
	 .sql = "SELECT value FROM metric_value WHERE run = ? AND phase = -1 AND name = 'failed_allocations'"},
	{.key = "mean", .heading = "a huge page takes, mean", .unit = "us", .digits = 1,
	 .sql = PHASE_SQL("sum(sum_ps) / 1e6 / sum(count)")},
	{.key = "worst", .heading = "at most", .unit = "us", .digits = 1, .sql = PHASE_SQL("max(max_ps) / 1e6")},
	{.key = "moved", .heading = "pages moved",
	 .sql = "SELECT coalesce(sum(value), 0) FROM counter WHERE run = ? AND category = 'vmstat' AND name = 'pgmigrate_success'"},
	{.key = "scanned", .heading = "pages looked at",
	 .sql = "SELECT coalesce(sum(value), 0) FROM counter WHERE run = ? AND category = 'vmstat' AND name GLOB 'compact_*_scanned'"},
	{.key = "compacted", .heading = "requests that compacted",
	 .sql = PHASE_SQL("coalesce(sum(count) FILTER (WHERE path = 'compact'), 0)")},
	{.key = "compact_each", .heading = "each took", .unit = "us", .digits = 1,
	 .sql = PHASE_SQL("coalesce(sum(sum_ps) FILTER (WHERE path = 'compact') / 1e6 / "
			  "sum(count) FILTER (WHERE path = 'compact'), 0)")},
};

static const struct {
	const char *label, *reclaim;
	double drain;
} ways[] = {
	{"tidy", "own", 1},
	{"no compaction", "recorded", 0.5},
	{"compaction", "own", 0.5},
};

static int run(struct lab_run *r, struct kms_error *err)
{
	long long fill = lab_param(r, "fill"), wanted = lab_param(r, "wanted");
	struct series s;
	int rc = 0;

	lab_say(r, "%lld pages are filled with user memory, of which all (tidy) or every second one at random is freed. "
		   "Then %lld huge pages are asked for:", fill, wanted);
	series_init(&s, r, "huge", "memory", figures, KMS_ARRAY_SIZE(figures));
	for (u32 i = 0; i < KMS_ARRAY_SIZE(ways) && !rc; i++)
		rc = series_run(&s, err, ways[i].label,
				"seed=%lld workload.reclaim=%s workload.synthetic.requests=%lld "
				"workload.synthetic.phases[0].requests=%lld workload.synthetic.phases[0].drain=%.1f "
				"workload.synthetic.phases[1].requests=%lld", (long long)lab_param(r, "run_seed"), ways[i].reclaim,
				fill + wanted, fill, ways[i].drain, wanted);
	if (rc)
		return rc;
	series_show(&s);
	lab_value(r, "compact_us", "us", series_found(&s, 2, "compact_each"));
	lab_check(r, "tidy memory moves nothing", series_found(&s, 0, "moved"), 0);
	lab_check(r, "tidy memory gives all huge pages", series_found(&s, 0, "failed"), 0);
	lab_check(r, "compaction gives all huge pages", series_found(&s, 2, "failed"), 0);
	lab_check_that(r, series_found(&s, 1, "failed") > 0, "without it some fail, although half of memory is free");
	lab_check_that(r, series_found(&s, 2, "moved") > 0 && series_found(&s, 2, "scanned") > series_found(&s, 2, "moved"),
		       "more pages are looked at than moved");
	lab_check_that(r, series_found(&s, 2, "mean") > 5 * series_found(&s, 0, "mean"),
		       "a huge page costs more than five times as much");
	return series_picture(&s, "price", "Time for one huge page",
			      "set datafile separator '\\t'\nset logscale y\nset ylabel 'us (logarithmic)'\nset style data histograms\n"
			      "set style histogram clustered gap 1\nset style fill solid 0.9 border lt -1\nset key top left\n"
			      "set yrange [1:*]\nplot 'compaction-price.tsv' using 3:xtic(1) lc rgb '#0072b2' title 'mean', "
			      "'' using 4 lc rgb '#d55e00' fs pattern 2 title 'longest'\n", err);
}

const struct lab lab_compaction = {.name = "compaction", .run = run};
