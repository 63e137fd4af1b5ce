/*
 * store_test.h - a temporary folder and a few words for tests of the store.
 */
#ifndef TESTS_UNIT_STORE_TEST_H
#define TESTS_UNIT_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "results/query.h"
#include "tests/unit/sample_run.h"

static char test_dir[64];

static int make_test_dir(void **state)
{
	strcpy(test_dir, "/tmp/kmemsim-test-XXXXXX");
	return mkdtemp(test_dir) ? 0 : -1;
}

static int remove_test_dir(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", test_dir);
	return system(command);
}

static inline const char *test_path(const char *name)
{
	static char path[2][256];
	static int which;

	which = !which;
	snprintf(path[which], sizeof(path[which]), "%s/%s", test_dir, name);
	return path[which];
}

#define assert_ok(call, err)                                                                           \
	do {                                                                                           \
		if ((call) != 0)                                                                       \
			fail_msg("%s: %s", #call, (err)->text);                                        \
	} while (0)

/* The call fails with this code, and its message holds this text. */
#define assert_refused(call, err, want_code, want)                                                     \
	do {                                                                                           \
		memset((err), 0, sizeof(*(err)));                                                      \
		assert_int_equal((call), (want_code));                                                 \
		assert_int_equal((err)->code, (want_code));                                            \
		if (!strstr((err)->text, want))                                                        \
			fail_msg("'%s' is not in: %s", want, (err)->text);                             \
	} while (0)

static inline struct store *test_open(const char *name)
{
	struct kms_error err = {0};
	struct store *store;

	assert_ok(store_open(&store, test_path(name), STORE_WRITE, &err), &err);
	return store;
}

static inline void test_sql(struct store *store, const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(store_db(store), sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
}

static inline s64 test_int(struct store *store, const char *sql)
{
	struct kms_error err = {0};
	struct query q;
	s64 value = INT64_MIN;

	query_begin(&q, store, &err, sql, "");
	if (query_next(&q))
		value = query_int(&q, 0);
	assert_ok(query_end(&q), &err);
	return value;
}

#endif
