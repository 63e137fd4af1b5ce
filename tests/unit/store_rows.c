/*
 * store_rows.c - what goes into the store comes out: rows, exact sums, digests, run names, kills.
 */
#include "tests/unit/store_test.h"

#include <signal.h>
#include <sys/wait.h>

static struct kms_error err;

static s64 put_run(struct store *store, const char *name, u64 seed)
{
	struct sample_options o = {.name = name, .seed = seed};
	s64 run;

	assert_ok(sample_run(store, &o, &run, &err), &err);
	return run;
}

static void rows_come_out(void **state)
{
	struct store *store = test_open("rows.db");
	s64 run = put_run(store, "first", 3);

	assert_int_equal(run, 1);
	assert_int_equal(test_int(store, "SELECT count(*) FROM metric"), NR_METRICS);
	assert_int_equal(test_int(store, "SELECT count(*) FROM run WHERE status = 'complete' AND finished"
					 " >= started AND length(uuid) = 36"),
			 1);
	assert_int_equal(test_int(store, "SELECT count(*) FROM sample"),
			 (SAMPLE_POINTS + 1) * (9 + 2 * 11 + 1 + 5) + (SAMPLE_POINTS / 4 + 1) * NR_STORE_SLAB_FILLS);
	assert_int_equal(test_int(store, "SELECT count(*) FROM page_map"), 7 * 8);
	assert_int_equal(test_int(store, "SELECT count(*) FROM slab_fill"), 3 * NR_STORE_SLAB_FILLS);
	assert_int_equal(test_int(store, "SELECT count(*) FROM request_size"), 171);
	assert_int_equal(test_int(store, "SELECT requests FROM run_summary"), SAMPLE_REQUESTS);
	assert_int_equal(test_int(store, "SELECT sum(free_blocks) FROM zone_order WHERE zone = 'Normal'"),
			 1330);
	assert_int_equal(test_int(store, "SELECT wait_ps FROM lock_wait WHERE holder = 'rmqueue_bulk'"),
			 33000000);
	assert_int_equal(test_int(store, "SELECT count(*) FROM latency WHERE operation = 'kmalloc'"), 9);
	assert_int_equal(test_int(store, "PRAGMA foreign_key_check"), INT64_MIN);
	assert_ok(store_close(store, &err), &err);
}

static void sums_are_exact_and_checked(void **state)
{
	struct store *store = test_open("sums.db");

	put_run(store, "sums", 4);
	assert_int_equal(test_int(store, "SELECT count(*) FROM byte_partition"), SAMPLE_POINTS + 1);
	assert_int_equal(test_int(store, "SELECT count(*) FROM check_byte_partition"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) FROM check_latency_parts"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) FROM check_latency_buckets"), 0);
	test_sql(store, "UPDATE latency_part SET ps = ps + 1 WHERE latency = 5 AND part = 3;"
			"UPDATE sample SET value = value - 1 WHERE request = 0 AND series ="
			" (SELECT id FROM series WHERE name = 'bytes.free');"
			"UPDATE latency_bucket SET count = count + 1 WHERE latency = 2 AND low_ps ="
			" (SELECT min(low_ps) FROM latency_bucket WHERE latency = 2)");
	assert_int_equal(test_int(store, "SELECT excess_ps FROM check_latency_parts"), 1);
	assert_int_equal(test_int(store, "SELECT excess_bytes FROM check_byte_partition"), -1);
	assert_int_equal(test_int(store, "SELECT in_buckets - count FROM check_latency_buckets"), 1);
	assert_ok(store_close(store, &err), &err);
}

static void locks_of_one_name_add_up(void **state)
{
	struct store *store = test_open("locks.db");
	struct sample_options o = {.name = "locks", .functional = true, .seed = 1};
	struct store_lock lock = {"list_lock", "", 10, 3, 500, 40000};
	s64 run;

	assert_ok(sample_begin(store, &o, &run, &err), &err);
	assert_ok(store_lock(store, &lock, &err), &err);
	assert_ok(store_end_run(store, "complete", &err), &err);
	assert_int_equal(test_int(store, "SELECT acquired FROM lock_wait WHERE name = 'list_lock'"), 5010);
	assert_int_equal(test_int(store, "SELECT wait_ps FROM lock_wait WHERE name = 'list_lock'"), 900500);
	assert_int_equal(test_int(store, "SELECT wait_max_ps FROM lock_wait WHERE name = 'list_lock'"),
			 40000);
	assert_ok(store_close(store, &err), &err);
}

static void mistakes_of_the_caller(void **state)
{
	struct store *store = test_open("mistakes.db");
	struct sample_options o = {.name = "m", .functional = true, .seed = 1};
	struct store_sample s = {.series = "bytes.free", .unit = "bytes", .phase = 9, .node = -1};
	s64 run;

	assert_refused(store_sample(store, &s, &err), &err, KMS_EFAIL, "no run");
	assert_refused(store_end_run(store, "complete", &err), &err, KMS_EFAIL, "no run");
	memset(&err, 0, sizeof(err));
	assert_ok(sample_begin(store, &o, &run, &err), &err);
	assert_refused(store_counter(store, "path", "mm_page_alloc", 1, &err), &err, KMS_EFAIL,
		       "counter 'mm_page_alloc' of 'path' is stored twice");
	assert_refused(store_counter(store, "path", "huge", UINT64_MAX, &err), &err, KMS_EFAIL, "exceeds");
	assert_refused(store_metric(store, 9, M_REQUESTS, 1, &err), &err, KMS_EFAIL, "not declared");
	memset(&err, 0, sizeof(err));
	assert_ok(store_metric(store, 1, M_HELD, NAN, &err), &err);
	assert_int_equal(test_int(store, "SELECT count(*) FROM metric_value WHERE name = 'held_bytes'"), 0);
	assert_ok(store_sample(store, &s, &err), &err);
	assert_refused(store_flush(store, &err), &err, KMS_EFAIL, "not declared");
	assert_refused(store_begin_run(store, &(struct run_info){0}, &run, &err), &err, KMS_EFAIL,
		       "has not ended");
	memset(&err, 0, sizeof(err));
	assert_ok(store_end_run(store, "failed", &err), &err);
	assert_ok(store_close(store, &err), &err);
	assert_ok(store_open(&store, test_path("mistakes.db"), STORE_READ, &err), &err);
	assert_refused(store_begin_run(store, &(struct run_info){0}, &run, &err), &err, KMS_EFAIL,
		       "opened for reading");
	store_close(store, NULL);
}

static void a_run_without_details_is_stored(void **state)
{
	struct store *store = test_open("bare.db");
	s64 run;

	memset(&err, 0, sizeof(err));
	assert_ok(store_begin_run(store, &(struct run_info){.name = "bare"}, &run, &err), &err);
	assert_ok(store_end_run(store, "interrupted", &err), &err);
	assert_int_equal(test_int(store, "SELECT count(*) FROM run_summary WHERE status = 'interrupted'"),
			 1);
	assert_ok(store_close(store, &err), &err);
}

static void same_run_same_digest(void **state)
{
	char a[33], b[33], c[33], d[33];
	struct store *store = test_open("digest.db"), *other = test_open("digest2.db");
	s64 first = put_run(store, "x", 11), again, alone;

	put_run(store, "between", 12);
	again = put_run(store, "renamed", 11);
	alone = put_run(other, "x", 11);
	assert_ok(store_digest(store, first, a, &err), &err);
	assert_ok(store_digest(store, again, b, &err), &err);
	assert_ok(store_digest(other, alone, c, &err), &err);
	assert_string_equal(a, b);
	assert_string_equal(a, c);
	assert_int_equal(strlen(a), 32);
	assert_ok(store_digest(store, 2, d, &err), &err);
	assert_string_not_equal(a, d);
	assert_int_equal(test_int(store, "SELECT count(DISTINCT digest) FROM run"), 2);
	assert_refused(store_digest(store, 77, d, &err), &err, KMS_EUSAGE, "no run 77");
	store_close(store, NULL);
	store_close(other, NULL);
}

/* Every simulated value counts; what the host did does not. */
static void digest_sees_each_change(void **state)
{
	static const char *const simulated[] = {
		"UPDATE run SET seed = seed + 1",
		"UPDATE run SET ram_bytes = ram_bytes + 4096",
		"UPDATE run SET trace_hash = 'x'",
		"UPDATE run SET timing = 'functional'",
		"UPDATE run SET pacing = 'order'",
		"UPDATE run SET status = 'interrupted'",
		"UPDATE phase SET name = 'tar' WHERE phase = 1",
		"UPDATE phase SET warm_up = 1 WHERE phase = 1",
		"UPDATE run_metric SET value = value + 1e-9 WHERE phase = -1 AND metric = 5",
		"UPDATE sample SET value = value + 1 WHERE request = 0 AND series = 3",
		"UPDATE sample SET time_ps = time_ps + 1 WHERE request = 0 AND series = 3",
		"DELETE FROM sample WHERE request = 0 AND series = 3",
		"UPDATE series SET unit = 'KiB' WHERE id = 3",
		"UPDATE latency SET max_ps = max_ps + 1 WHERE id = 4",
		"UPDATE latency SET path = 'p' WHERE id = 4",
		"UPDATE latency_part SET ps = ps + 1 WHERE latency = 4 AND part = 2",
		"UPDATE latency_bucket SET count = count + 1 WHERE latency = 4 AND low_ps ="
		" (SELECT min(low_ps) FROM latency_bucket WHERE latency = 4)",
		"UPDATE slab_cache SET frees = frees + 1 WHERE position = 1",
		"UPDATE slab_cache SET free_cpu = free_cpu + 1 WHERE position = 1",
		"UPDATE zone SET free_pages = free_pages + 1 WHERE name = 'Normal'",
		"UPDATE zone_order SET free_blocks = free_blocks + 1 WHERE zone = 'Normal' AND page_order = 3",
		"UPDATE call_site SET waste_bytes = waste_bytes + 1 WHERE name = ''",
		"UPDATE lock_wait SET wait_ps = wait_ps + 1 WHERE holder = ''",
		"UPDATE counter SET value = value + 1 WHERE category = 'hardware'",
		"UPDATE counter SET name = 'l2' WHERE category = 'hardware'",
	};
	static const char *const others[] = {
		"UPDATE run SET uuid = 'u', started = 's', finished = NULL, name = 'n', title = 't',"
		" tool_version = '9', compiler = 'clang', compiler_flags = '', host = 'h', config_hash = 'c',"
		" machine = 'm', policy = 'p', workload = 'w', config = '{}', digest = 'x'",
		"DELETE FROM host_fact",
		"UPDATE metric SET definition = 'reworded' || id",
	};
	struct store *store = test_open("changes.db");
	char before[33], after[33];
	s64 run = put_run(store, "x", 21);

	assert_ok(store_digest(store, run, before, &err), &err);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(simulated) + KMS_ARRAY_SIZE(others); i++) {
		bool counts = i < KMS_ARRAY_SIZE(simulated);
		const char *sql = counts ? simulated[i] : others[i - KMS_ARRAY_SIZE(simulated)];

		test_sql(store, "BEGIN");
		test_sql(store, sql);
		assert_true(sqlite3_changes(store_db(store)) > 0);
		assert_ok(store_digest(store, run, after, &err), &err);
		if (counts == !strcmp(before, after))
			fail_msg("digest %s after: %s", counts ? "the same" : "another", sql);
		test_sql(store, "ROLLBACK");
	}
	store_close(store, NULL);
}

static void runs_are_found(void **state)
{
	struct store *store = test_open("find.db");
	char prefix[9] = "";
	struct query q;
	s64 id = 0;

	assert_refused(store_find_run(store, "latest", &id, &err), &err, KMS_EUSAGE, "holds no runs");
	memset(&err, 0, sizeof(err));
	put_run(store, "slub-smp4", 1);
	put_run(store, "noslab", 2);
	put_run(store, "slub-smp4", 3);
	assert_ok(store_find_run(store, "2", &id, &err), &err);
	assert_int_equal(id, 2);
	assert_ok(store_find_run(store, "latest", &id, &err), &err);
	assert_int_equal(id, 3);
	assert_ok(store_find_run(store, "slub-smp4", &id, &err), &err);
	assert_int_equal(id, 3);
	query_begin(&q, store, &err, "SELECT upper(substr(uuid, 1, 8)) FROM run WHERE id = 2", "");
	assert_true(query_next(&q));
	strcpy(prefix, query_text(&q, 0));
	assert_ok(query_end(&q), &err);
	assert_ok(store_find_run(store, prefix, &id, &err), &err);
	assert_int_equal(id, 2);
	assert_refused(store_find_run(store, "slub-smp5", &id, &err), &err, KMS_EUSAGE,
		       "did you mean 'slub-smp4'?");
	assert_refused(store_find_run(store, "17", &id, &err), &err, KMS_EUSAGE, "the newest is 3");
	assert_refused(store_find_run(store, "", &id, &err), &err, KMS_EUSAGE, "no run ''");
	assert_refused(store_find_run(store, "99999999999999999999999", &id, &err), &err, KMS_EUSAGE,
		       "no run");
	test_sql(store, "UPDATE run SET uuid = 'abcd' || substr(uuid, 5) WHERE id < 3");
	assert_refused(store_find_run(store, "abcd", &id, &err), &err, KMS_EUSAGE, "fits 2 runs");
	store_close(store, NULL);
}

static void write_and_die(bool kill_hard)
{
	struct sample_options o = {.name = "dying", .seed = 5};
	struct kms_error e = {0};
	struct store *store;
	s64 run;

	if (store_open(&store, test_path("killed.db"), STORE_WRITE, &e) || sample_begin(store, &o, &run, &e))
		_exit(3);
	if (store_flush(store, &e) || store_counter(store, "path", "uncommitted", 1, &e))
		_exit(4);
	if (kill_hard)
		kill(getpid(), SIGKILL);
	_exit(0);
}

static void killed_run_is_readable(void **state)
{
	struct store *store;
	int status;

	for (int hard = 0; hard < 2; hard++) {
		pid_t pid = fork();

		if (!pid)
			write_and_die(hard);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(hard ? WIFSIGNALED(status) : WIFEXITED(status) && !WEXITSTATUS(status));
	}
	assert_ok(store_open(&store, test_path("killed.db"), STORE_READ, &err), &err);
	assert_int_equal(test_int(store, "SELECT count(*) FROM run_summary WHERE status = 'incomplete'"), 2);
	assert_int_equal(test_int(store, "SELECT count(*) FROM run WHERE digest IS NULL"), 2);
	assert_int_equal(test_int(store, "SELECT count(*) FROM counter WHERE name = 'uncommitted'"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) FROM counter WHERE name = 'mm_page_alloc'"), 2);
	assert_int_equal(test_int(store, "SELECT count(*) FROM check_byte_partition"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) > 400 FROM byte_partition"), 1);
	store_close(store, NULL);
	store = test_open("killed.db");
	assert_int_equal(put_run(store, "after", 6), 3);
	store_close(store, NULL);
}

/* Two writers at once: the lock is not held between bursts. */
static void two_runs_share_a_database(void **state)
{
	struct store *a = test_open("shared.db"), *b = test_open("shared.db");
	struct sample_options o = {.name = "a", .seed = 5};
	struct store_sample s = {
		.series = "extra", .unit = "bytes", .phase = 1, .node = -1, .zone = -1, .order = -1};
	char ha[33], hb[33];
	s64 run_a, run_b;

	sqlite3_busy_timeout(store_db(a), 100);
	sqlite3_busy_timeout(store_db(b), 100);
	assert_ok(sample_begin(a, &o, &run_a, &err), &err);
	assert_ok(store_flush(a, &err), &err);
	assert_ok(store_sample(a, &s, &err), &err);
	assert_ok(sample_begin(b, &o, &run_b, &err), &err);
	assert_ok(store_flush(b, &err), &err);
	assert_ok(store_sample(b, &s, &err), &err);
	assert_ok(store_end_run(a, "complete", &err), &err);
	assert_ok(store_end_run(b, "complete", &err), &err);
	assert_ok(store_digest(a, run_a, ha, &err), &err);
	assert_ok(store_digest(a, run_b, hb, &err), &err);
	assert_string_equal(ha, hb);
	store_close(a, NULL);
	store_close(b, NULL);
}

static void merged_histogram_reads_back(void **state)
{
	struct store *store = test_open("merge.db");
	struct histogram *h = malloc(sizeof(*h)), *path = malloc(sizeof(*h));
	s64 run = put_run(store, "merge", 9);
	u64 in_buckets = 0;

	assert_ok(query_histogram(store, run, "kmalloc", NULL, h, &err), &err);
	assert_ok(query_histogram(store, run, "kmalloc", "fast", path, &err), &err);
	for (u32 i = 0; i < HISTOGRAM_BUCKETS; i++)
		in_buckets += h->bucket[i];
	assert_int_equal(in_buckets, h->count);
	assert_int_equal(path->count, 2 * (20000 / 3 + 1)); /* the boot phase is warm-up */
	assert_int_equal(h->count, path->count + 2 * (900 / 3 + 1) + 2 * (60 / 3 + 1));
	assert_true(histogram_quantile(path, 0.5) > 13000 && histogram_quantile(path, 0.5) < 15000);
	test_sql(store, "INSERT INTO latency (run, phase, operation, path, count, sum_ps, min_ps, max_ps)"
			" VALUES (1, -1, 'kmalloc', 'fast', 3, 3, 1, 1);"
			"INSERT INTO latency_bucket VALUES (last_insert_rowid(), 1, 1, 3)");
	assert_ok(query_histogram(store, run, "kmalloc", NULL, h, &err), &err);
	assert_int_equal(h->count, 3); /* the whole measured part wins over its phases */
	assert_ok(query_histogram(store, run, "munmap", NULL, h, &err), &err);
	assert_int_equal(h->count, 0);
	free(h);
	free(path);
	store_close(store, NULL);
}

static void peak_and_end_are_found(void **state)
{
	struct store *store = test_open("instants.db");
	struct query_instant peak, end;
	s64 run = put_run(store, "x", 9);

	assert_int_equal(query_instants(store, run, &peak, &end, &err), 1);
	assert_int_equal(end.request, SAMPLE_REQUESTS);
	assert_int_equal(end.phase, 2);
	assert_true(peak.request < end.request && peak.request > 0);
	assert_int_equal(query_instants(store, run + 1, &peak, &end, &err), 0);
	store_close(store, NULL);
}

static void metrics_page_has_all(void **state)
{
	char *page = metrics_reference();

	assert_non_null(page);
	for (u32 i = 0; i < NR_METRICS; i++) {
		assert_non_null(strstr(page, metric_defs[i].name));
		assert_non_null(strstr(page, metric_defs[i].definition));
		assert_non_null(metric_defs[i].unit);
		assert_true(metric_defs[i].better >= -1 && metric_defs[i].better <= 1);
	}
	free(page);
}

/* A file of the repository; tests run in its top folder. */
static char *read_doc(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("%s: not found; tests run in the repository's top folder", path);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

static void metrics_page_is_current(void **state)
{
	char *page = metrics_reference(), *doc = read_doc("docs/metrics.md");

	assert_string_equal(doc, page);
	free(page);
	free(doc);
}

/* Runs one statement; returns its rows, and the last column of its last row. */
static int run_statement(struct store *store, const char **sql, s64 *last)
{
	sqlite3_stmt *stmt;
	int rows = 0;

	if (sqlite3_prepare_v2(store_db(store), *sql, -1, &stmt, sql) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(store_db(store)));
	while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		*last = sqlite3_column_int64(stmt, sqlite3_column_count(stmt) - 1);
		rows++;
	}
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	return rows;
}

static void documented_queries_work(void **state)
{
	struct store *store = test_open("doc.db");
	char *doc = read_doc("docs/results.md"), *at = doc;
	int blocks = 0;

	put_run(store, "first", 1);
	put_run(store, "second", 2);
	for (; (at = strstr(at, "```sql\n")); blocks++) {
		const char *sql = at + 7;
		char *end = strstr(sql, "```");
		s64 wrong = -1;

		assert_non_null(end);
		*end = 0;
		at = end + 1;
		while (*sql) {
			int rows = run_statement(store, &sql, &wrong);

			while (*sql == '\n')
				sql++;
			if (blocks == 0) /* the two exact sums */
				assert_true(rows == 1 && wrong == 0);
			else if (blocks == 1) /* the same without views: violations */
				assert_int_equal(rows, 0);
			else
				assert_true(rows > 0);
		}
	}
	assert_true(blocks >= 8);
	free(doc);
	store_close(store, NULL);
}

int main(void)
{
	const struct CMUnitTest store_rows[] = {
		cmocka_unit_test(metrics_page_is_current),
		cmocka_unit_test(documented_queries_work),
		cmocka_unit_test(rows_come_out),
		cmocka_unit_test(sums_are_exact_and_checked),
		cmocka_unit_test(locks_of_one_name_add_up),
		cmocka_unit_test(mistakes_of_the_caller),
		cmocka_unit_test(a_run_without_details_is_stored),
		cmocka_unit_test(same_run_same_digest),
		cmocka_unit_test(digest_sees_each_change),
		cmocka_unit_test(runs_are_found),
		cmocka_unit_test(killed_run_is_readable),
		cmocka_unit_test(two_runs_share_a_database),
		cmocka_unit_test(merged_histogram_reads_back),
		cmocka_unit_test(peak_and_end_are_found),
		cmocka_unit_test(metrics_page_has_all),
	};

	return cmocka_run_group_tests(store_rows, make_test_dir, remove_test_dir);
}
