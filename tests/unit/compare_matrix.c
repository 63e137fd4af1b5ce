/*
 * compare_matrix.c - lists of settings and their product.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/config/matrix.h"

static struct kms_error err;

static void refused(struct cfg_matrix *m, const char *text, const char *want)
{
	memset(&err, 0, sizeof(err));
	assert_int_equal(cfg_matrix_add(m, text, &err), KMS_EUSAGE);
	if (!strstr(err.text, want))
		fail_msg("'%s' is not in: %s", want, err.text);
}

static void no_axis_is_one_point(void **state)
{
	struct cfg_matrix m = {0};
	char label[64];

	assert_int_equal(cfg_matrix_points(&m), 1);
	cfg_matrix_label(&m, 0, label, sizeof(label));
	assert_string_equal(label, "");
}

static void last_axis_changes_fastest(void **state)
{
	static const char *const want[] = {"slub, slub_max_order=0",   "slub, slub_max_order=3",
					   "noslab, slub_max_order=0", "noslab, slub_max_order=3"};
	struct cfg_matrix m = {0};
	char label[64];

	assert_int_equal(cfg_matrix_add(&m, "allocator.slab=slub,noslab", &err), 0);
	assert_int_equal(cfg_matrix_add(&m, "allocator.slub_max_order=0,3", &err), 0);
	assert_int_equal(cfg_matrix_points(&m), 4);
	for (size_t i = 0; i < 4; i++) {
		cfg_matrix_label(&m, i, label, sizeof(label));
		assert_string_equal(label, want[i]);
	}
	assert_string_equal(cfg_matrix_value(&m, 2, 0), "noslab");
	assert_string_equal(cfg_matrix_value(&m, 2, 1), "0");
	cfg_matrix_free(&m);
}

static void commas_inside_values_stay(void **state)
{
	struct cfg_matrix m = {0};

	assert_int_equal(cfg_matrix_add(&m, "a=[1,2],{\"x\":\"},\\\"\",\"y\":2},\"p,q\"", &err), 0);
	assert_int_equal(m.axes[0].n, 3);
	assert_string_equal(m.axes[0].values[0], "[1,2]");
	assert_string_equal(m.axes[0].values[1], "{\"x\":\"},\\\"\",\"y\":2}");
	assert_string_equal(m.axes[0].values[2], "\"p,q\"");
	cfg_matrix_free(&m);
}

static void a_list_given_again_replaces(void **state)
{
	struct cfg_matrix m = {0};
	cJSON *json = cJSON_Parse("{\"a\": [7], \"b\": [true, \"x\", 1.5]}");

	assert_int_equal(cfg_matrix_add(&m, "a=1,2,3", &err), 0);
	assert_int_equal(cfg_matrix_add(&m, "a=4,5", &err), 0);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.axes[0].n, 2);
	assert_int_equal(cfg_matrix_add_json(&m, json, "f.json", &err), 0); /* does not replace */
	assert_int_equal(cfg_matrix_points(&m), 6);
	assert_string_equal(cfg_matrix_value(&m, 0, 0), "4");
	assert_string_equal(cfg_matrix_value(&m, 0, 1), "true");
	assert_string_equal(cfg_matrix_value(&m, 4, 1), "x");
	assert_string_equal(cfg_matrix_value(&m, 5, 1), "1.5");
	cJSON_Delete(json);
	cfg_matrix_free(&m);
}

static void what_is_wrong_is_said(void **state)
{
	struct cfg_matrix m = {0};
	cJSON *json = cJSON_Parse("{\"a\": 5}");

	refused(&m, "allocator.slab", "path=value,value");
	refused(&m, "=1", "path=value,value");
	refused(&m, "a=1,,2", "empty");
	refused(&m, "b=", "empty");
	refused(&m, "c=1,2,1", "twice");
	cfg_matrix_free(&m);
	memset(&err, 0, sizeof(err));
	assert_int_equal(cfg_matrix_add_json(&m, json, "f.json", &err), KMS_EUSAGE);
	assert_non_null(strstr(err.text, "f.json: /matrix/a: expected an array"));
	cJSON_Delete(json);
	cfg_matrix_free(&m);
}

static void too_many_points_are_refused(void **state)
{
	struct cfg_matrix m = {0};
	char text[200];

	for (int i = 0; i < 5; i++) {
		memset(&err, 0, sizeof(err));
		snprintf(text, sizeof(text), "a%d=0,1,2,3,4,5,6,7,8,9", i);
		assert_int_equal(cfg_matrix_add(&m, text, &err), i < 4 ? 0 : KMS_EUSAGE);
	}
	assert_non_null(strstr(err.text, "more than 10000 combinations"));
	cfg_matrix_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_axis_is_one_point),	    cmocka_unit_test(last_axis_changes_fastest),
		cmocka_unit_test(commas_inside_values_stay), cmocka_unit_test(a_list_given_again_replaces),
		cmocka_unit_test(what_is_wrong_is_said),     cmocka_unit_test(too_many_points_are_refused),
	};

	return cmocka_run_group_tests_name("compare_matrix", tests, NULL, NULL);
}
