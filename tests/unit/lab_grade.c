/*
 * lab_grade.c - marking answer files: right, wrong, missing and hostile ones, and
 * which files are allocators.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/labs/grade.h"
#include "sim/labs/grade_policy.h"

static char path[64];

static int grade_bytes(struct grade *g, const char *text, size_t n, struct kms_error *err)
{
	const struct lab_options options = {.seed = 0};
	FILE *f;
	int fd, rc;

	snprintf(path, sizeof(path), "/tmp/lab_grade-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
	rc = grade_file(g, path, &options, err);
	unlink(path);
	return rc;
}

static int grade_text(struct grade *g, const char *text, struct kms_error *err)
{
	return grade_bytes(g, text, strlen(text), err);
}

#define SCENARIOS(answers) "{\"student\": \"A\", \"lab\": \"scenarios\", \"answers\": {" answers "}}"

static void right_answers_get_points(void **state)
{
	struct kms_error err;
	struct grade g;

	(void)state;
	assert_int_equal(grade_text(&g, SCENARIOS("\"q1\": 6, \"q2\": 126976, \"q3\": 48.4"), &err), 0);
	assert_int_equal(g.points, 3);
	assert_int_equal(g.most, 3);
	assert_string_equal(g.student, "A");
	grade_free(&g);
}

static void wrong_and_missing_answers_get_none_and_are_told(void **state)
{
	struct kms_error err;
	struct grade g;

	(void)state;
	assert_int_equal(grade_text(&g, SCENARIOS("\"q1\": 5, \"q2\": \"126976\""), &err), 0);
	assert_int_equal(g.points, 0);
	assert_non_null(strstr(g.answers[0].feedback, "not right"));
	assert_non_null(strstr(g.answers[1].feedback, "expected a number"));
	assert_non_null(strstr(g.answers[2].feedback, "no answer"));
	grade_free(&g);
}

static void numbers_that_are_none_are_wrong(void **state)
{
	struct kms_error err;
	struct grade g;

	(void)state;
	assert_int_equal(grade_text(&g, SCENARIOS("\"q1\": 1e999, \"q2\": -1e999, \"q3\": null"), &err), 0);
	assert_int_equal(g.points, 0);
	grade_free(&g);
}

static void bad_files_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "7", "null", "{\"labs\": [7]}", "{\"labs\": [{}]}", "{\"lab\": 3, \"answers\": {}}",
		"{\"lab\": \"scenarios\"}", "{\"lab\": \"scenarios\", \"answers\": [6]}",
		"{\"lab\": \"../../etc/passwd\", \"answers\": {}}", SCENARIOS("\"q9\": 6"),
		"{\"lab\": \"scenarios\", \"seed\": -1, \"answers\": {}}",
		"{\"lab\": \"scenarios\", \"seed\": \"x\", \"answers\": {}}", SCENARIOS("\"q1\": 6") " x",
	};

	(void)state;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(bad); i++) {
		struct kms_error err = {0};
		struct grade g;

		assert_int_equal(grade_text(&g, bad[i], &err), KMS_EUSAGE);
		assert_true(strlen(err.text) > 0);
		grade_free(&g);
	}
}

static void deep_large_and_binary_files_are_refused(void **state)
{
	static char text[(1 << 20) + 100];
	struct kms_error err = {0};
	struct grade g;

	(void)state;
	memset(text, '[', 200000);
	assert_int_equal(grade_bytes(&g, text, 200000, &err), KMS_EUSAGE);
	grade_free(&g);
	err = (struct kms_error){0};
	memset(text, ' ', sizeof(text));
	assert_int_equal(grade_bytes(&g, text, sizeof(text), &err), KMS_EUSAGE);
	assert_non_null(strstr(err.text, "1 MiB"));
	grade_free(&g);
	memset(text, 0, 1000);
	assert_int_equal(grade_bytes(&g, text, 1000, &err), KMS_EUSAGE);
	grade_free(&g);
}

static void allocators_are_known_by_their_names(void **state)
{
	(void)state;
	assert_true(grade_is_policy("mine.c"));
	assert_true(grade_is_policy("./a/mine.so"));
	assert_false(grade_is_policy("answers.json"));
	assert_false(grade_is_policy(".c"));
	assert_false(grade_is_policy(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_answers_get_points),
		cmocka_unit_test(wrong_and_missing_answers_get_none_and_are_told),
		cmocka_unit_test(numbers_that_are_none_are_wrong),
		cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(deep_large_and_binary_files_are_refused),
		cmocka_unit_test(allocators_are_known_by_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
