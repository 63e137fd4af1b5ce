/*
 * cfg_load.c - values, layers and origins: what a configuration becomes.
 */
#include "cfg_common.h"

static struct cfg *load(struct sample *s, const char *text, const char *const *settings, size_t n)
{
	struct kms_error err = {0};
	struct cfg *cfg;
	int rc = cfg_load_text(&cfg, &sample_table, s, text, "t.json", ".", settings, n, &err);

	if (rc)
		fail_msg("%s", err.text);
	return cfg;
}

static void defaults(void **state)
{
	struct sample s;
	struct cfg *cfg = load(&s, "{}", NULL, 0);
	char **words = s.words.items;

	(void)state;
	assert_true(s.on);
	assert_int_equal(s.count, 3);
	assert_int_equal(s.offset, -1);
	assert_true(s.ratio == 0.1);
	assert_null(s.title);
	assert_null(s.file);
	assert_int_equal(s.color, 1);
	assert_int_equal(s.bytes, 4096);
	assert_int_equal(s.delay, KMS_PS_PER_US);
	assert_string_equal(s.part.name, "unnamed");
	assert_int_equal(s.part.size, 32768);
	assert_int_equal(s.parts.n, 0);
	assert_int_equal(s.words.n, 2);
	assert_string_equal(words[1], "b");
	assert_false(s.has_extra);
	assert_null(s.any);
	cfg_free(cfg);
}

static void values(void **state)
{
	struct sample s;
	struct cfg *cfg = load(&s,
		"{\"on\": false, \"count\": 18446744073709551615, \"offset\": -100, \"ratio\": 1e-3,"
		" \"title\": \"\\u00e9\\ud83d\\ude00\\n\", \"file\": \"a/../b/./c\", \"color\": \"blue\","
		" \"bytes\": \"1.5GiB\", \"delay\": \"1.5ns\","
		" \"part\": {\"ways\": 16}, \"parts\": [{\"ways\": 1}, {\"size\": \"1 mib\"}],"
		" \"words\": [], \"sizes\": [1, \"2KiB\", 1e3], \"weights\": [0.5, 10],"
		" \"any\": {\"x\": [1, {\"y\": null}]}, \"extra\": {\"ratio\": 1}}", NULL, 0);
	struct part *parts = s.parts.items;
	u64 *sizes = s.sizes.items;
	double *weights = s.weights.items;

	(void)state;
	assert_false(s.on);
	assert_true(s.count == UINT64_MAX);
	assert_int_equal(s.offset, -100);
	assert_true(s.ratio == 1e-3);
	assert_string_equal(s.title, "\xc3\xa9\xf0\x9f\x98\x80\n");
	assert_string_equal(s.file, "b/c");
	assert_int_equal(s.color, 2);
	assert_int_equal(s.bytes, 1610612736);
	assert_int_equal(s.delay, 1500);
	assert_int_equal(s.part.ways, 16);
	assert_int_equal(s.parts.n, 2);
	assert_int_equal(parts[0].ways, 1);
	assert_int_equal(parts[1].ways, 8);
	assert_int_equal(parts[1].size, 1048576);
	assert_int_equal(s.words.n, 0);
	assert_int_equal(sizes[1], 2048);
	assert_int_equal(sizes[2], 1000);
	assert_true(weights[0] == 0.5);
	assert_true(s.has_extra && s.extra.ratio == 1 && s.extra.deep);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(
		cJSON_GetArrayItem(cJSON_GetObjectItem(s.any, "x"), 1), "y")));
	cfg_free(cfg);
}

static void quantities(void **state)
{
	static const struct { const char *json; u64 bytes; } bytes[] = {
		{"0", 0}, {"1e3", 1000}, {"\"0x10\"", 16}, {"\"17\"", 17}, {"\"17B\"", 17}, {"\"64KiB\"", 65536},
		{"\"0.5 kib\"", 512}, {"\"1TiB\"", 1ull << 40}, {"\"16383PiB\"", 16383ull << 50},
		{"9007199254740993", 9007199254740993ull}, {"\"9007199254740993\"", 9007199254740993ull},
	};
	static const struct { const char *json; kms_ps ps; } times[] = {
		{"0", 0}, {"1.5", 1500}, {"0.0004", 0}, {"0.0006", 1}, {"\"10us\"", 10000000}, {"\"0.1us\"", 100000},
		{"\"7 ps\"", 7}, {"\"1s\"", 1000000000000}, {"\"2ms\"", 2000000000}, {"\"3\xc2\xb5s\"", 3000000},
		{"\"42\"", 42000},
	};
	struct sample s;
	char text[100];

	(void)state;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(bytes); i++) {
		snprintf(text, sizeof(text), "{\"bytes\": %s}", bytes[i].json);
		cfg_free(load(&s, text, NULL, 0));
		assert_int_equal(s.bytes, bytes[i].bytes);
	}
	for (size_t i = 0; i < KMS_ARRAY_SIZE(times); i++) {
		snprintf(text, sizeof(text), "{\"delay\": %s}", times[i].json);
		cfg_free(load(&s, text, NULL, 0));
		assert_int_equal(s.delay, times[i].ps);
	}
}

static void null_takes_back(void **state)
{
	static const char *const settings[] = {"extra=null", "count=null"};
	struct sample s;

	(void)state;
	cfg_free(load(&s, "{\"count\": 5, \"part\": null, \"extra\": {\"ratio\": 1}}", settings, 2));
	assert_int_equal(s.count, 3);
	assert_int_equal(s.part.ways, 8);
	assert_false(s.has_extra);
}

static void settings(void **state)
{
	static const char *const sets[] = {
		"on=false", "count=12", "title=123", "file=x=y", "color=red", "bytes=8KiB", "delay=\"5us\"",
		"part.ways=32", "part={\"size\": 4096}", "parts[1].ways=2", "parts[2].name=third", "words[2]=c",
		"words[0]=\"A\"", "sizes=[1,2]", "any.deep[0].x=1", "any.word=hello", "extra.ratio=0.5", "offset=-7",
	};
	struct sample s;
	struct cfg *cfg = load(&s, "{\"parts\": [{\"name\": \"first\"}, {}]}", sets, KMS_ARRAY_SIZE(sets));
	struct part *parts = s.parts.items;
	char **words = s.words.items, *text;

	(void)state;
	assert_false(s.on);
	assert_int_equal(s.count, 12);
	assert_string_equal(s.title, "123");
	assert_string_equal(s.file, "x=y");
	assert_int_equal(s.color, 0);
	assert_int_equal(s.bytes, 8192);
	assert_int_equal(s.delay, 5000000);
	assert_int_equal(s.part.ways, 32); /* the object written later merges */
	assert_int_equal(s.part.size, 4096);
	assert_int_equal(s.parts.n, 3);
	assert_string_equal(parts[0].name, "first");
	assert_int_equal(parts[1].ways, 2);
	assert_string_equal(parts[2].name, "third");
	assert_int_equal(s.words.n, 3);
	assert_string_equal(words[0], "A");
	assert_string_equal(words[2], "c");
	assert_int_equal(s.sizes.n, 2);
	assert_true(s.has_extra && s.extra.ratio == 0.5);
	assert_int_equal(s.offset, -7);
	text = cJSON_PrintUnformatted(s.any);
	assert_string_equal(text, "{\"deep\":[{\"x\":1}],\"word\":\"hello\"}");
	cJSON_free(text);
	cfg_free(cfg);
}

/* The line that begins with value ends with "# origin". */
static void assert_origin(const char *print, const char *value, const char *origin)
{
	const char *line = strstr(print, value), *hash = line ? strstr(line, "# ") : NULL;
	char found[200] = "";

	assert_non_null(line);
	assert_true(line == print || line[-1] == '\n');
	sscanf(hash, "# %199[^\n]", found);
	assert_string_equal(found, origin);
}

/* base <- exp; exp names part files; a file replaces, an object overrides. */
static void layers(void **state)
{
	struct kms_error err = {0};
	struct sample s;
	struct part *parts;
	struct cfg *cfg;
	char *print;

	(void)state;
	put_file("big.json", "{\"name\": \"big\", \"ways\": 64}");
	put_file("small.json", "{\"extends\": \"big.json\",\n \"name\": \"small\", \"size\": 4096}");
	put_file("list.json", "[\"big.json\", {\"extends\": \"small.json\", \"ways\": 4}]");
	put_file("base.json", "{\"count\": 1, \"offset\": 5, \"part\": \"small.json\",\n\"extra\": {\"ratio\": 0}}");
	put_file("exp.json",
		 "{\"extends\": \"base.json\",\n \"count\": 2,\n \"part\": {\"size\": 8192},\n"
		 " \"parts\": \"list.json\",\n \"file\": \"data/x.bin\"}");
	if (cfg_load(&cfg, &sample_table, &s, "exp.json", NULL, 0, &err))
		fail_msg("%s", err.text);
	parts = s.parts.items;
	assert_int_equal(s.count, 2);
	assert_int_equal(s.offset, 5);
	assert_string_equal(s.part.name, "small");
	assert_int_equal(s.part.ways, 64);
	assert_int_equal(s.part.size, 8192);
	assert_string_equal(parts[0].name, "big");
	assert_string_equal(parts[1].name, "small");
	assert_int_equal(parts[1].ways, 4);
	assert_true(s.has_extra && s.extra.ratio == 0);
	assert_string_equal(s.file, "data/x.bin");
	print = cfg_print(cfg);
	assert_origin(print, "part.name = \"small\"", "small.json:2");
	assert_origin(print, "part.size = 8KiB", "exp.json:3");
	assert_origin(print, "color = \"green\"", "default");
	free(print);
	cfg_free(cfg);

	/* naming another file leaves nothing of the first */
	put_file("exp2.json", "{\"extends\": \"exp.json\", \"part\": \"big.json\"}");
	if (cfg_load(&cfg, &sample_table, &s, "exp2.json", NULL, 0, &err))
		fail_msg("%s", err.text);
	assert_int_equal(s.part.size, 32768);
	cfg_free(cfg);
}

static void set_origin(void **state)
{
	static const char *const sets[] = {"count=9", "parts[0].ways=2"};
	struct sample s;
	struct cfg *cfg = load(&s, "{}", sets, 2);
	char *print = cfg_print(cfg);

	(void)state;
	assert_origin(print, "count = 9", "--set");
	assert_origin(print, "parts[0].ways = 2", "--set");
	assert_origin(print, "parts[0].size = 32KiB", "default");
	free(print);
	cfg_free(cfg);
}

/* Resolved text loads to the same structure and the same text. */
static void round_trip(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"count\": 18446744073709551615, \"bytes\": 9007199254740993, \"ratio\": 0.30000000000000004,"
		" \"delay\": \"18446744073709551615ps\", \"offset\": -7, \"title\": \"\\\"\\\\\\u0001\xc3\xa9\","
		" \"weights\": [1e-300, 0.1, 2.2250738585072014e-308, 5e-324, 3.3333333333333335],"
		" \"any\": {\"d\": 0.1234567890123456789, \"e\": [1e300, \"x\"]}, \"extra\": {\"ratio\": 0.7},"
		" \"parts\": [{\"name\": \"p\"}], \"file\": \"../x\", \"sizes\": [18446744073709551615, 3]}",
	};

	(void)state;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(texts); i++) {
		struct sample a, b;
		struct cfg *first = load(&a, texts[i], NULL, 0), *second;
		char *one = cfg_resolved(first), *two;

		second = load(&b, one, NULL, 0);
		two = cfg_resolved(second);
		assert_string_equal(one, two);
		assert_true(a.count == b.count && a.bytes == b.bytes && a.ratio == b.ratio && a.delay == b.delay);
		assert_true(a.weights.n == b.weights.n && a.sizes.n == b.sizes.n);
		if (a.weights.n)
			assert_memory_equal(a.weights.items, b.weights.items, a.weights.n * sizeof(double));
		if (a.sizes.n)
			assert_memory_equal(a.sizes.items, b.sizes.items, a.sizes.n * sizeof(u64));
		assert_true(cJSON_Compare(a.any, b.any, true) || (!a.any && !b.any));
		free(one);
		free(two);
		cfg_free(first);
		cfg_free(second);
	}
}

/* Any double survives. */
static void doubles_round_trip(void **state)
{
	u64 x = 88172645463325252ull;
	struct sample a, b;
	double d;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char text[100], *one;
		struct cfg *cfg;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(&d, &x, sizeof(d));
		if (!(d >= 0 && d <= 1e308)) /* the field's range; leaves out NaN as well */
			continue;
		snprintf(text, sizeof(text), "{\"ratio\": %.17g}", d);
		cfg = load(&a, text, NULL, 0);
		assert_true(a.ratio == d);
		one = cfg_resolved(cfg);
		cfg_free(cfg);
		cfg_free(load(&b, one, NULL, 0));
		assert_true(b.ratio == d);
		free(one);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values),
		cmocka_unit_test(quantities),
		cmocka_unit_test(null_takes_back),
		cmocka_unit_test(settings),
		cmocka_unit_test_setup_teardown(layers, folder_make, folder_remove),
		cmocka_unit_test(set_origin),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(doubles_round_trip),
	};

	return cmocka_run_group_tests_name("cfg_load", tests, NULL, NULL);
}
