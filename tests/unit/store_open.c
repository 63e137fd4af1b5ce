/*
 * store_open.c - databases that open, and those that are refused, each in its own words.
 */
#include "tests/unit/store_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "results/store_internal.h"

static struct kms_error err;

static void write_file(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void raw_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void new_database_is_ours(void **state)
{
	struct store *store = test_open("new.db");

	assert_int_equal(test_int(store, "PRAGMA application_id"), STORE_APPLICATION_ID);
	assert_int_equal(test_int(store, "PRAGMA user_version"), STORE_SCHEMA_VERSION);
	assert_int_equal(test_int(store, "PRAGMA foreign_keys"), 1);
	assert_int_equal(test_int(store, "PRAGMA journal_mode = 'wal'"), 0); /* text "wal" */
	assert_int_equal(test_int(store, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND"
					 " sql NOT LIKE '%STRICT%'"),
			 0);
	assert_ok(store_close(store, &err), &err);
	assert_ok(store_open(&store, test_path("new.db"), STORE_READ, &err), &err);
	assert_ok(store_close(store, &err), &err);
}

static void paths_that_are_no_files(void **state)
{
	struct store *store;

	assert_refused(store_open(&store, test_dir, STORE_WRITE, &err), &err, KMS_EUSAGE, "is a directory");
	assert_refused(store_open(&store, test_dir, STORE_READ, &err), &err, KMS_EUSAGE, "is a directory");
	assert_refused(store_open(&store, test_path("none/x.db"), STORE_WRITE, &err), &err, KMS_EUSAGE,
		       "/none' does not exist");
	assert_refused(store_open(&store, test_path("absent.db"), STORE_READ, &err), &err, KMS_EUSAGE,
		       "no database");
	assert_refused(store_open(&store, "", STORE_READ, &err), &err, KMS_EUSAGE, "empty");
	assert_refused(store_open(&store, "/dev/null", STORE_WRITE, &err), &err, KMS_EUSAGE,
		       "not a regular file");
	assert_null(store);
}

static void files_that_are_no_databases(void **state)
{
	char noise[5000];
	struct store *store;

	memset(noise, 'x', sizeof(noise));
	write_file(test_path("noise.db"), noise, sizeof(noise));
	assert_refused(store_open(&store, test_path("noise.db"), STORE_WRITE, &err), &err, KMS_EUSAGE,
		       "is not a SQLite database");
	assert_refused(store_open(&store, test_path("noise.db"), STORE_READ, &err), &err, KMS_EUSAGE,
		       "is not a SQLite database");
	write_file(test_path("short.db"), "name,value\n", 11);
	assert_refused(store_open(&store, test_path("short.db"), STORE_WRITE, &err), &err, KMS_EUSAGE,
		       "is not a SQLite database");
	write_file(test_path("empty.db"), "", 0);
	assert_refused(store_open(&store, test_path("empty.db"), STORE_READ, &err), &err, KMS_EUSAGE,
		       "is empty");
}

static void other_programs_databases(void **state)
{
	struct store *store;

	raw_sql(test_path("other.db"), "CREATE TABLE bookmark (url TEXT)");
	assert_refused(store_open(&store, test_path("other.db"), STORE_WRITE, &err), &err, KMS_EUSAGE,
		       "another program");
	raw_sql(test_path("other2.db"), "CREATE TABLE t (x); PRAGMA application_id = 77");
	assert_refused(store_open(&store, test_path("other2.db"), STORE_READ, &err), &err, KMS_EUSAGE,
		       "0x4d");
}

static void newer_schema_names_both_versions(void **state)
{
	struct store *store = test_open("newer.db");

	test_sql(store, "PRAGMA user_version = 7777");
	assert_ok(store_close(store, &err), &err);
	assert_refused(store_open(&store, test_path("newer.db"), STORE_READ, &err), &err, KMS_EUSAGE,
		       "schema version 7777, but this kmemsim knows versions up to ");
	assert_refused(store_open(&store, test_path("newer.db"), STORE_WRITE, &err), &err, KMS_EUSAGE,
		       "schema version 7777");
}

#define NEXT (STORE_SCHEMA_VERSION + 1)

static const struct store_migration steps[] = {
	{NEXT, "ALTER TABLE run ADD COLUMN mood TEXT"},
	{NEXT + 1, "CREATE TABLE extra (x INTEGER) STRICT; INSERT INTO extra VALUES (1)"},
};
static const struct store_migration broken_steps[] = {
	{NEXT, "ALTER TABLE run ADD COLUMN mood TEXT"},
	{NEXT + 1, "CREATE TABLE run (x)"},
};

static void older_schema_is_migrated(void **state)
{
	struct store_schema third = {.version = NEXT + 1, .sql = "", .steps = steps, .nr_steps = 2};
	struct sample_options o = {.name = "old", .seed = 1};
	struct store *store = test_open("old.db");
	s64 run;

	assert_ok(sample_run(store, &o, &run, &err), &err);
	assert_ok(store_close(store, &err), &err);
	assert_ok(store_open_schema(&store, test_path("old.db"), STORE_READ, &third, &err), &err);
	assert_int_equal(test_int(store, "PRAGMA user_version"), NEXT + 1);
	assert_int_equal(test_int(store, "SELECT count(*) FROM extra"), 1);
	assert_int_equal(test_int(store, "SELECT count(*) FROM run WHERE mood IS NULL"), 1);
	assert_ok(store_close(store, &err), &err);
}

static void failed_migration_changes_nothing(void **state)
{
	struct store_schema third = {.version = NEXT + 1, .sql = "", .steps = broken_steps, .nr_steps = 2};
	struct store *store = test_open("broken.db");

	assert_ok(store_close(store, &err), &err);
	assert_refused(store_open_schema(&store, test_path("broken.db"), STORE_WRITE, &third, &err),
		       &err, KMS_EFAIL, "creating or migrating");
	store = test_open("broken.db");
	assert_int_equal(test_int(store, "PRAGMA user_version"), STORE_SCHEMA_VERSION);
	assert_int_equal(test_int(store, "SELECT count(*) FROM pragma_table_info('run') WHERE name = 'mood'"),
			 0);
	assert_ok(store_close(store, &err), &err);
}

static void gap_in_migrations_is_an_error(void **state)
{
	struct store_schema third = {.version = NEXT + 1, .sql = "", .steps = steps + 1, .nr_steps = 1};
	struct store *store = test_open("gap.db");

	assert_ok(store_close(store, &err), &err);
	assert_refused(store_open_schema(&store, test_path("gap.db"), STORE_WRITE, &third, &err), &err,
		       KMS_EUSAGE, "cannot be brought from schema version");
}

static void locked_database(void **state)
{
	struct sample_options o = {.name = "late", .seed = 1};
	struct store *store = test_open("locked.db");
	sqlite3 *other;
	s64 run;

	sqlite3_busy_timeout(store_db(store), 50);
	assert_int_equal(sqlite3_open(test_path("locked.db"), &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	assert_refused(sample_run(store, &o, &run, &err), &err, KMS_EFAIL, "is locked by another process");
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	assert_ok(store_close(store, &err), &err);
}

/* The five seconds are real: somebody else holds the file while it is being created. */
static void locked_while_opening(void **state)
{
	struct store *store;
	sqlite3 *other;

	raw_sql(test_path("held.db"), "PRAGMA application_id = 0");
	assert_int_equal(sqlite3_open(test_path("held.db"), &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE; PRAGMA user_version = 0", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_refused(store_open(&store, test_path("held.db"), STORE_WRITE, &err), &err, KMS_EUSAGE,
		       "is locked by another process (waited 5 s)");
	sqlite3_close(other);
}

static void disk_full(void **state)
{
	struct sample_options o = {.name = "big", .seed = 1};
	struct store *store = test_open("full.db");
	s64 run;

	test_sql(store, "PRAGMA max_page_count = 60");
	assert_refused(sample_run(store, &o, &run, &err), &err, KMS_EFAIL, "disk full");
	memset(&err, 0, sizeof(err));
	store_end_run(store, "failed", &err); /* may or may not fit */
	memset(&err, 0, sizeof(err));
	store_close(store, NULL);
	assert_ok(store_open(&store, test_path("full.db"), STORE_READ, &err), &err);
	assert_int_equal(test_int(store, "SELECT count(*) FROM run WHERE status = 'complete'"), 0);
	assert_ok(store_close(store, &err), &err);
}

/* Runs the check as a user without rights where the tests run as root. */
static int as_nobody(int (*check)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
			_exit(99);
		_exit(check());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int check_read_only(void)
{
	struct store *store;

	memset(&err, 0, sizeof(err));
	if (store_open(&store, test_path("ro/ro.db"), STORE_WRITE, &err) != KMS_EUSAGE ||
	    !strstr(err.text, "is read-only"))
		return 1;
	memset(&err, 0, sizeof(err));
	if (store_open(&store, test_path("ro/ro.db"), STORE_READ, &err))
		return 2;
	if (test_int(store, "SELECT count(*) FROM run") != 1)
		return 3;
	store_close(store, NULL);
	if (store_open(&store, test_path("ro/new.db"), STORE_WRITE, &err) != KMS_EUSAGE ||
	    !strstr(err.text, "folder"))
		return 4;
	memset(&err, 0, sizeof(err));
	if (store_open(&store, test_path("ro/secret.db"), STORE_READ, &err) != KMS_EUSAGE ||
	    !strstr(err.text, "cannot be read"))
		return 5;
	return 0;
}

/* A read-only file in a read-only folder: reading works all the same. */
static void read_only_database(void **state)
{
	struct sample_options o = {.name = "kept", .functional = true, .seed = 1};
	struct store *store;
	s64 run;

	assert_int_equal(chmod(test_dir, 0755), 0);
	assert_int_equal(mkdir(test_path("ro"), 0755), 0);
	write_file(test_path("ro/secret.db"), "", 0);
	store = test_open("ro/ro.db");
	assert_ok(sample_run(store, &o, &run, &err), &err);
	assert_ok(store_close(store, &err), &err);
	chmod(test_path("ro/ro.db"), 0444);
	chmod(test_path("ro/secret.db"), 0);
	chmod(test_path("ro"), 0555);
	assert_int_equal(as_nobody(check_read_only), 0);
	chmod(test_path("ro"), 0755);
}

static void damaged_database(void **state)
{
	struct sample_options o = {.name = "hit", .seed = 1};
	struct store *store = test_open("damaged.db");
	char hex[33], noise[4096];
	s64 run;
	int fd;

	assert_ok(sample_run(store, &o, &run, &err), &err);
	assert_ok(store_close(store, &err), &err);
	fd = open(test_path("damaged.db"), O_WRONLY);
	memset(noise, 0xa5, sizeof(noise));
	for (int page = 40; page < 400; page++)
		assert_int_equal(pwrite(fd, noise, sizeof(noise), page * 4096), sizeof(noise));
	close(fd);
	assert_ok(store_open(&store, test_path("damaged.db"), STORE_READ, &err), &err);
	assert_refused(store_digest(store, run, hex, &err), &err, KMS_EUSAGE, "is damaged");
	store_close(store, NULL);
}

int main(void)
{
	const struct CMUnitTest store_open_tests[] = {
		cmocka_unit_test(new_database_is_ours),
		cmocka_unit_test(paths_that_are_no_files),
		cmocka_unit_test(files_that_are_no_databases),
		cmocka_unit_test(other_programs_databases),
		cmocka_unit_test(newer_schema_names_both_versions),
		cmocka_unit_test(older_schema_is_migrated),
		cmocka_unit_test(failed_migration_changes_nothing),
		cmocka_unit_test(gap_in_migrations_is_an_error),
		cmocka_unit_test(locked_database),
		cmocka_unit_test(locked_while_opening),
		cmocka_unit_test(disk_full),
		cmocka_unit_test(read_only_database),
		cmocka_unit_test(damaged_database),
	};

	return cmocka_run_group_tests(store_open_tests, make_test_dir, remove_test_dir);
}
