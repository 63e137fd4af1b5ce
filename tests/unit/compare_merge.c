/*
 * compare_merge.c - one database into another: everything arrives, or nothing.
 */
#include "tests/unit/store_test.h"

#include "results/merge.h"

static struct kms_error err;

/* A database with these runs; digests by position. */
static void make(const char *name, const struct sample_options *o, int n, char digests[][33])
{
	struct store *store = test_open(name);
	s64 run;

	for (int i = 0; i < n; i++) {
		assert_ok(sample_run(store, &o[i], &run, &err), &err);
		assert_ok(store_digest(store, run, digests[i], &err), &err);
	}
	assert_ok(store_close(store, &err), &err);
}

static s64 rows_of(struct store *store)
{
	static const char *const tables[] = {"run",	      "host_fact",	"metric",	  "phase",
					     "run_metric",    "series",		"sample",	  "latency",
					     "latency_part",  "latency_bucket", "slab_cache",	  "zone",
					     "zone_order",    "call_site",	"lock_wait",	  "counter"};
	char sql[80];
	s64 sum = 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(tables); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i]);
		sum += test_int(store, sql);
	}
	return sum;
}

static void runs_arrive_whole(void **state)
{
	const struct sample_options mine = {.name = "mine", .seed = 1};
	const struct sample_options theirs[] = {{.name = "a", .seed = 2, .no_slab = true},
						{.name = "b", .seed = 3, .functional = true}};
	char before[3][33], after[33];
	struct store *store;
	s64 first;

	make("into.db", &mine, 1, before);
	make("from.db", theirs, 2, &before[1]);
	store = test_open("into.db");
	assert_ok(store_merge(store, test_path("from.db"), &first, &err), &err);
	assert_int_equal(first, 2);
	for (int i = 0; i < 3; i++) {
		assert_ok(store_digest(store, i + 1, after, &err), &err);
		assert_string_equal(after, before[i]);
	}
	assert_int_equal(test_int(store, "SELECT count(*) FROM run"), 3);
	assert_int_equal(test_int(store, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) FROM check_latency_parts"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) FROM check_latency_buckets"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) FROM check_byte_partition"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) - count(DISTINCT name) FROM metric"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) FROM sqlite_temp_schema"), 0);
	assert_ok(store_close(store, &err), &err);
}

/* The target's names have other ids than the source's: rows must follow the names. */
static void names_are_mapped_by_what_they_say(void **state)
{
	const struct sample_options o = {.name = "x", .seed = 5};
	char before[33], after[33];
	struct store *store;
	s64 first;

	make("from.db", &o, 1, &before);
	store = test_open("odd.db");
	test_sql(store, "INSERT INTO metric (id, name, unit, better, definition) VALUES"
			" (90, 'latency_p99', 'ns', -1, 'another definition'), (91, 'own', 'x', 0, 'own');"
			"INSERT INTO series (id, name, unit) VALUES (70, 'bytes.free', 'bytes')");
	assert_ok(store_merge(store, test_path("from.db"), &first, &err), &err);
	assert_ok(store_digest(store, first, after, &err), &err);
	assert_string_equal(after, before);
	assert_int_equal(test_int(store, "SELECT count(*) FROM metric WHERE name = 'latency_p99'"), 2);
	assert_int_equal(test_int(store, "SELECT count(*) FROM series WHERE name = 'bytes.free'"), 1);
	assert_int_not_equal(test_int(store, "SELECT count(*) FROM sample WHERE series = 70"), 0);
	assert_ok(store_close(store, &err), &err);
}

static void a_table_of_a_newer_schema_comes_along(void **state)
{
	static const char *const table =
		"CREATE TABLE later (run INTEGER NOT NULL, phase INTEGER NOT NULL, metric INTEGER REFERENCES"
		" metric (id), note TEXT, FOREIGN KEY (run, phase) REFERENCES phase (run, phase))";
	const struct sample_options o = {.name = "x", .seed = 5};
	char digest[33];
	struct store *store;
	s64 first;

	make("from.db", &o, 1, &digest);
	make("into.db", &o, 1, &digest);
	store = test_open("from.db");
	test_sql(store, table);
	test_sql(store, "INSERT INTO later SELECT 1, 1, id, name FROM metric");
	store_close(store, NULL);
	store = test_open("into.db");
	test_sql(store, table);
	assert_ok(store_merge(store, test_path("from.db"), &first, &err), &err);
	assert_int_not_equal(test_int(store, "SELECT count(*) FROM later"), 0);
	assert_int_equal(test_int(store, "SELECT count(*) FROM later l JOIN metric m ON m.id = l.metric"
					 " WHERE l.run <> 2 OR l.note <> m.name"),
			 0);
	store_close(store, NULL);
}

static void twice_is_refused_and_changes_nothing(void **state)
{
	const struct sample_options o = {.name = "x", .seed = 5};
	char digest[33];
	struct store *store;
	s64 first, rows;

	make("from.db", &o, 1, &digest);
	store = test_open("into.db");
	assert_ok(store_merge(store, test_path("from.db"), &first, &err), &err);
	rows = rows_of(store);
	assert_refused(store_merge(store, test_path("from.db"), &first, &err), &err, KMS_EUSAGE, "already");
	assert_int_equal(rows_of(store), rows);
	memset(&err, 0, sizeof(err));
	assert_ok(sample_run(store, &o, &first, &err), &err); /* and the database is as usable as before */
	store_close(store, NULL);
}

/* A row that cannot be inserted late in the copy takes all the others with it. */
static void a_failure_leaves_nothing(void **state)
{
	const struct sample_options o = {.name = "x", .seed = 5};
	char digest[33];
	struct store *store;
	s64 first, rows;

	make("from.db", &o, 1, &digest);
	store = test_open("into.db");
	test_sql(store, "CREATE TRIGGER no BEFORE INSERT ON counter BEGIN SELECT RAISE(ABORT, 'full'); END");
	rows = rows_of(store);
	assert_refused(store_merge(store, test_path("from.db"), &first, &err), &err, KMS_EFAIL, "merging");
	assert_int_equal(rows_of(store), rows);
	store_close(store, NULL);
}

static void what_is_no_database_is_refused(void **state)
{
	struct store *store = test_open("into.db");
	FILE *f = fopen(test_path("text.db"), "w");
	s64 first;

	fputs("this is no database, but long enough to be looked at as one by SQLite", f);
	fclose(f);
	assert_refused(store_merge(store, test_path("text.db"), &first, &err), &err, KMS_EUSAGE,
		       "not a SQLite database");
	store_close(store, NULL);
}

static int clean(void **state)
{
	memset(&err, 0, sizeof(err));
	return make_test_dir(state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, clean, remove_test_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(runs_arrive_whole),
		TEST(names_are_mapped_by_what_they_say),
		TEST(a_table_of_a_newer_schema_comes_along),
		TEST(twice_is_refused_and_changes_nothing),
		TEST(a_failure_leaves_nothing),
		TEST(what_is_no_database_is_refused),
	};

	return cmocka_run_group_tests_name("compare_merge", tests, NULL, NULL);
}
