/*
 * Databases of schema version 1 (tests/exact/schema-1.sql, as it was) become
 * what a new database is, keep their rows, and say what older runs lack. Run
 * from the top of the source tree.
 */
#include "results/as.h"
#include "results/store_internal.h"
#include "tests/unit/store_test.h"

static struct kms_error err;

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	if (!f)
		fail_msg("cannot open %s (run from the top of the source tree)", path);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 1000);
	fclose(f);
	return text;
}

static void make_version_1(const char *path)
{
	char *schema = read_text("tests/exact/schema-1.sql");
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
		"PRAGMA application_id = 0x6b6d656d; PRAGMA user_version = 1;"
		"INSERT INTO run (uuid, started, status, name, title, tool_version, compiler, compiler_flags,"
		" host, config, config_hash, trace_hash, workload, machine, policy, timing, pacing, seed,"
		" ram_bytes) VALUES ('u', 't', 'complete', 'old', '', '', '', '', '', '{}', '', '', '', '', '',"
		" 'functional', 'order', 1, 4096);"
		"INSERT INTO zone VALUES (1, 0, 0, 'DMA', 1, 2, 2, 2, 1, 0, 0, 0, 0);"
		"INSERT INTO zone_order SELECT 1, 0, 'DMA', value, value FROM json_each('[0,1,2,3,4,5,6,7,8,9,10]');"
		"INSERT INTO slab_cache VALUES (1, 0, 'dentry', 192, 192, 8, 0, 21, 1, 4096, 21, 20, 1, 0, 0, 0, 0, 0, 0, 0)",
		NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(schema);
}

/* Tables, columns, types, keys: one text. */
static char *shape(const char *path)
{
	static const char sql[] =
		"SELECT group_concat(t.name || '.' || c.cid || ' ' || c.name || ' ' || c.type || ' ' || c.\"notnull\""
		" || ' ' || c.pk, '\n') FROM (SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name) t,"
		" pragma_table_info(t.name) c";
	sqlite3_stmt *stmt;
	sqlite3 *db;
	char *text;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	text = strdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return text;
}

static void migrated_is_like_new(void **state)
{
	struct store *store;
	char *migrated, *fresh;

	make_version_1(test_path("v1.db"));
	assert_ok(store_open(&store, test_path("v1.db"), STORE_READ, &err), &err);
	assert_ok(store_close(store, &err), &err);
	assert_ok(store_open(&store, test_path("new.db"), STORE_WRITE, &err), &err);
	assert_ok(store_close(store, &err), &err);
	migrated = shape(test_path("v1.db"));
	fresh = shape(test_path("new.db"));
	assert_string_equal(migrated, fresh);
	free(migrated);
	free(fresh);
}

static void old_runs_stay(void **state)
{
	struct store *store;
	char digest[33];
	s64 n;

	make_version_1(test_path("old.db"));
	assert_ok(store_open(&store, test_path("old.db"), STORE_WRITE, &err), &err);
	assert_ok(query_one_int(store, "SELECT count(*) FROM slab_cache WHERE run = ? AND active_objects IS NULL",
				1, 0, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_ok(store_digest(store, 1, digest, &err), &err);
	/* computed by the program that wrote version 1 */
	assert_string_equal(digest, "4c9bce45aff3359dfa1a863c063bba2e");
	assert_ok(store_close(store, &err), &err);
}

static void views_say_what_an_old_run_lacks(void **state)
{
	struct store *store;
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	make_version_1(test_path("views.db"));
	assert_ok(store_open(&store, test_path("views.db"), STORE_READ, &err), &err);
	assert_refused(as_slabinfo(out, store, 1, &err), &err, KMS_EUSAGE, "nothing to show as slabinfo");
	assert_refused(as_pagetypeinfo(out, store, 1, &err), &err, KMS_EUSAGE, "pagetypeinfo");
	assert_refused(as_zoneinfo(out, store, 1, &err), &err, KMS_EUSAGE, "zoneinfo");
	memset(&err, 0, sizeof(err));
	assert_ok(as_buddyinfo(out, store, 1, &err), &err);
	fclose(out);
	assert_string_equal(text, "Node 0, zone      DMA      0      1      2      3      4      5      6      7"
				  "      8      9     10 \n");
	assert_ok(store_close(store, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(migrated_is_like_new),
		cmocka_unit_test(old_runs_stay),
		cmocka_unit_test(views_say_what_an_old_run_lacks),
	};

	return cmocka_run_group_tests_name("store_migrate", tests, make_test_dir, remove_test_dir);
}
