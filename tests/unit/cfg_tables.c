/*
 * cfg_tables.c - the program's own tables: complete, sound and documented; and
 * what the experiment's checks refuse.
 */
#include "cfg_common.h"

#include <sys/stat.h>

#include "sim/config/data.h"
#include "sim/config/experiment.h"

static int load(struct experiment_config *c, struct cfg **cfg, const char *text,
		struct kms_error *err)
{
	*err = (struct kms_error){0};
	return cfg_load_text(cfg, &experiment_config_table, c, text, "e.json", "", NULL, 0, err);
}

static void lint(const struct cfg_table *t, int depth)
{
	assert_true(depth < 20);
	assert_non_null(t->name);
	assert_true(t->doc && t->doc[strlen(t->doc) - 1] == '.');
	assert_true(t->nr_fields > 0 && t->size > 0);
	for (size_t i = 0; i < t->nr_fields; i++) {
		const struct cfg_field *f = &t->fields[i];

		if (!f->doc || f->doc[strlen(f->doc) - 1] != '.')
			fail_msg("%s.%s: no sentence of documentation", t->name, f->key);
		assert_true(f->offset < t->size);
		assert_true(f->min <= f->max);
		assert_int_equal(f->type == CFG_ENUM, f->choices != NULL);
		assert_int_equal(f->type == CFG_OBJECT || f->type == CFG_ARRAY, f->table != NULL);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(f->key, t->fields[j].key);
		if (f->table)
			lint(f->table, depth + 1);
	}
}

static void tables_are_sound(void **state)
{
	(void)state;
	lint(&experiment_config_table, 0);
}

static void experiment_defaults(void **state)
{
	struct experiment_config c;
	struct kms_error err;
	struct cfg *cfg;

	(void)state;
	if (load(&c, &cfg, "{\"workload\": {\"trace\": \"x.kmt\"}}", &err))
		fail_msg("%s", err.text);
	assert_string_equal(c.allocator.slab, "slub");
	assert_true(c.allocator.params.slub_cpu_partial &&
		    c.allocator.params.page_group_by_mobility);
	assert_int_equal(c.allocator.params.slub_max_order, 3);
	assert_int_equal(c.timing, TIMING_CYCLE);
	assert_int_equal(c.workload.pacing, PACING_ASAP);
	assert_int_equal(c.workload.memory, MEMORY_RECORDED);
	assert_false(c.workload.has_synthetic);
	assert_int_equal(c.sampling.samples, 400);
	assert_int_equal(c.periodic.vmstat, KMS_PS_PER_S);
	cfg_free(cfg);
	if (load(&c, &cfg, "{\"workload\": {\"synthetic\": {}}}", &err))
		fail_msg("%s", err.text);
	assert_true(c.workload.has_synthetic);
	assert_null(c.workload.trace);
	assert_true(c.workload.synthetic.requests > 0);
	cfg_free(cfg);
}

static void experiment_refusals(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"{\n\"workload\": {}}", "e.json:2:13: /workload: expected either \"trace\" or "
					 "\"synthetic\" or \"adversary\", found none of them"},
		{"{}", "e.json:1:1: /workload: expected either \"trace\" or \"synthetic\" or "
		       "\"adversary\", found none of them"},
		{"{\"workload\": {\"synthetic\": {}, \"adversary\": \"ping-pong\"}}",
		 "e.json:1:45: /workload/adversary: both \"synthetic\" and "
		 "\"adversary\" are given; expected one of them (null takes one back)"},
		{"{\"workload\": {\"synthetic\": {}, \"parameters\": {\"size\": 3}}}",
		 "e.json:1:46: /workload/parameters: only a named workload (adversary) has these"},
		{"{\"workload\": {\"trace\": \"x\", \"synthetic\": {}}}",
		 "e.json:1:42: /workload/synthetic: both \"trace\" and "
		 "\"synthetic\" are given; expected one of them (null takes one back)"},
		{"{\"workload\": {\"trace\": \"x\"}, \"timing\": \"cycels\"}",
		 "e.json:1:40: /timing: expected one of cycle, functional, found string "
		 "\"cycels\"; "
		 "did you mean \"cycle\"?"},
		{"{\"allocator\": {\"slub_min_order\": 4}}",
		 "e.json:1:34: /allocator/slub_min_order: 4 is above "
		 "slub_max_order, which is 3"},
		{"{\"allocator\": {\"percpu_pagelist_high_fraction\": 7}}",
		 "e.json:1:49: "
		 "/allocator/percpu_pagelist_high_fraction: expected 0 or at least 8, found 7"},
	};
	struct experiment_config c;
	struct kms_error err;
	struct cfg *cfg;

	(void)state;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(bad); i++) {
		assert_int_equal(load(&c, &cfg, bad[i].text, &err), KMS_EUSAGE);
		assert_string_equal(err.text, bad[i].message);
	}
}

/* ---- schema and reference ---- */

static const cJSON *member(const cJSON *json, const char *path)
{
	char key[40];

	while (json && *path) {
		size_t n = strcspn(path, "/");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		json = cJSON_GetObjectItemCaseSensitive(json, key);
		path += n + (path[n] == '/');
	}
	return json;
}

static void schema(void **state)
{
	char *text = cfg_schema(&sample_table);
	cJSON *json = cJSON_Parse(text);

	(void)state;
	assert_non_null(json);
	assert_string_equal(member(json, "$schema")->valuestring,
			    "https://json-schema.org/draft/2020-12/schema");
	assert_true(cJSON_IsFalse(member(json, "$defs/part/additionalProperties")));
	assert_string_equal(member(json, "$defs/sample/properties/color/default")->valuestring,
			    "green");
	assert_int_equal(cJSON_GetArraySize(member(json, "$defs/sample/properties/color/enum")),
			 4); /* and null */
	assert_true(member(json, "$defs/part/properties/ways/maximum")->valuedouble == 64);
	assert_non_null(member(json, "$defs/part/properties/extends"));
	assert_null(member(json, "$defs/sample/properties/count/maximum"));
	cJSON_Delete(json);
	free(text);
	text = cfg_schema(&experiment_config_table);
	json = cJSON_Parse(text);
	assert_non_null(member(json, "$defs/machine/properties/cpus"));
	cJSON_Delete(json);
	free(text);
}

static void reference(void **state)
{
	char *text = cfg_reference(&sample_table);

	(void)state;
	assert_memory_equal(text, "### sample\n\nOne of everything.\n\n| key |", 38);
	assert_non_null(
		strstr(text, "| `color` | `red`, `green`, `blue` | `\"green\"` |  | Color. |\n"));
	assert_non_null(strstr(text, "| `title` | string |  |  | Title \\| or not. |\n"));
	assert_non_null(strstr(text, "| `ways` | whole number, 1 to 64, power of two | `8` |"));
	assert_non_null(strstr(text, "| `part` | object [part](#part) |"));
	assert_non_null(strstr(text, "| `ratio` | number, 0 to 1 | must be given |"));
	/* each table once, though part is used twice */
	assert_null(strstr(strstr(text, "### part\n") + 1, "### part\n"));
	free(text);
}

/* ---- the search list ---- */

static void make_folders(void)
{
	assert_int_equal(mkdir("data", 0700), 0);
	assert_int_equal(mkdir("data/configs", 0700), 0);
}

static void search_list(void **state)
{
	char buf[300], expected[200];

	(void)state;
	make_folders();
	put_file("data/configs/only-there.json", "{}");
	put_file("here.json", "{}");
	snprintf(expected, sizeof(expected), "%s/data", folder);
	setenv("KMEMSIM_DATA", expected, 1);
	assert_true(data_find("here.json", buf, sizeof(buf)));
	assert_string_equal(buf, "here.json");
	assert_true(data_find("configs/only-there.json", buf, sizeof(buf)));
	snprintf(expected, sizeof(expected), "%s/data/configs/only-there.json", folder);
	assert_string_equal(buf, expected);
	assert_false(data_find("configs/nowhere.json", buf, sizeof(buf)));
	assert_string_equal(buf, "configs/nowhere.json");
	unsetenv("KMEMSIM_DATA");
	assert_false(data_find("configs/only-there.json", buf, sizeof(buf)));
}

/* A path found on the list is used from there, and written as it was named. */
static void search_list_in_configurations(void **state)
{
	static const char *const set[] = {"file=configs/d.bin", "part=configs/part.json"};
	char data[200], expected[300], *one;
	struct kms_error err = {0};
	struct sample s;
	struct cfg *cfg;

	(void)state;
	make_folders();
	put_file("data/configs/d.bin", "");
	put_file("data/configs/part.json", "{\"ways\": 2}");
	snprintf(data, sizeof(data), "%s/data", folder);
	setenv("KMEMSIM_DATA", data, 1);
	if (cfg_load_text(&cfg, &sample_table, &s, "{}", "t.json", ".", set, 2, &err))
		fail_msg("%s", err.text);
	snprintf(expected, sizeof(expected), "%s/configs/d.bin", data);
	assert_string_equal(s.file, expected);
	assert_int_equal(s.part.ways, 2);
	one = cfg_resolved(cfg);
	assert_non_null(strstr(one, "\"configs/d.bin\""));
	assert_null(strstr(one, folder));
	free(one);
	cfg_free(cfg);
	unsetenv("KMEMSIM_DATA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(experiment_defaults),
		cmocka_unit_test(experiment_refusals),
		cmocka_unit_test(schema),
		cmocka_unit_test(reference),
		cmocka_unit_test_setup_teardown(search_list, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(search_list_in_configurations, folder_make,
						folder_remove),
	};

	return cmocka_run_group_tests_name("cfg_tables", tests, NULL, NULL);
}
