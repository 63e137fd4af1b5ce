/*
 * cfg_errors.c - every way a configuration can be wrong, with the exact
 * message: where, what was expected, what was found, what is nearest.
 */
#include "cfg_common.h"

struct bad {
	const char *text;    /* the file */
	const char *setting; /* or NULL */
	const char *message;
};

static void expect(const struct bad *bad)
{
	struct kms_error err = {0};
	struct sample s;
	struct cfg *cfg;
	int rc = cfg_load_text(&cfg, &sample_table, &s, bad->text, "t.json", ".", &bad->setting, bad->setting != NULL,
			       &err);

	if (!rc)
		fail_msg("accepted: %s %s", bad->text, bad->setting ? bad->setting : "");
	assert_string_equal(err.text, bad->message);
	assert_int_equal(rc, KMS_EUSAGE);
	assert_int_equal(err.code, KMS_EUSAGE);
	assert_null(cfg);
	/* without anybody who wants to know */
	assert_int_equal(cfg_load_text(&cfg, &sample_table, &s, bad->text, "t.json", ".", &bad->setting,
				       bad->setting != NULL, NULL),
			 KMS_EUSAGE);
}

static void expect_all(const struct bad *bad, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(&bad[i]);
}

static void syntax(void **state)
{
	static const struct bad bad[] = {
		{"", NULL, "t.json:1:1: syntax error: expected a value, found the end of the text"},
		{"{\"on\": true", NULL, "t.json:1:12: syntax error: expected ',' or '}', found the end of the text"},
		{"{\"on\": true,\n}", NULL,
		 "t.json:2:1: syntax error: expected a key in double quotes, found '}' (no comma after the last one)"},
		{"{\"words\": [1,]}", NULL,
		 "t.json:1:14: syntax error: expected a value, found ']' (no comma after the last one)"},
		{"{\"on\": true\n \"count\": 1}", NULL, "t.json:2:2: syntax error: expected ',' or '}', found '\"'"},
		{"{on: true}", NULL, "t.json:1:2: syntax error: expected a key in double quotes, found \"on\""},
		{"{'on': true}", NULL,
		 "t.json:1:2: syntax error: expected a key in double quotes, found ''' (strings stand in double quotes)"},
		{"{\"on\" true}", NULL, "t.json:1:7: syntax error: expected ':' after the key, found \"true\""},
		{"{\"on\": }", NULL, "t.json:1:8: syntax error: expected a value, found '}' (no comma after the last one)"},
		{"{\n\t\"on\": yes}", NULL, "t.json:2:8: syntax error: expected a value, found \"yes\""},
		{"{\"on\": truely}", NULL, "t.json:1:8: syntax error: expected a value, found \"truely\""},
		{"{} // end", NULL, "t.json:1:4: syntax error: expected the end of the text, found '/' (JSON has no comments)"},
		{"{}}", NULL, "t.json:1:3: syntax error: expected the end of the text, found '}'"},
		{"{\"title\": \"abc\n\"}", NULL,
		 "t.json:1:15: syntax error: expected the closing '\"' of the string, found the end of the line"},
		{"{\"title\": \"\xc3\xa9\xe2\x82\xac\\x\"}", NULL,
		 "t.json:1:15: syntax error: expected one of \" \\ / b f n r t u after the backslash, found 'x'"},
		{"{\"title\": \"\xff\"}", NULL, "t.json:1:12: syntax error: expected UTF-8, found byte 0xff"},
		{"{\"title\": \"\xed\xa0\x80\"}", NULL, "t.json:1:12: syntax error: expected UTF-8, found byte 0xed"},
		{"{\"title\": \"\\u0000\"}", NULL,
		 "t.json:1:14: syntax error: expected a character other than \\u0000, found \"0000\""},
		{"{\"title\": \"\\ud800x\"}", NULL,
		 "t.json:1:18: syntax error: expected the second half of a surrogate pair (\\udc00 to \\udfff), found 'x'"},
		{"{\"count\": 012}", NULL, "t.json:1:12: syntax error: expected no digit after a leading 0, found \"12\""},
		{"{\"count\": 1.}", NULL, "t.json:1:13: syntax error: expected a digit after the decimal point, found '}'"},
		{"{\"count\": 1e}", NULL, "t.json:1:13: syntax error: expected a digit in the exponent, found '}'"},
		{"{\"count\": -}", NULL, "t.json:1:12: syntax error: expected a digit, found '}'"},
		{"{\"count\": +1}", NULL, "t.json:1:11: syntax error: expected a value, found \"+1\""},
		{"{\"count\": .5}", NULL, "t.json:1:11: syntax error: expected a value, found \".5\""},
		{"{\"count\": 0x10}", NULL, "t.json:1:12: syntax error: expected ',' or '}', found \"x10\""},
		{"\x01", NULL, "t.json:1:1: syntax error: expected a value, found byte 0x01"},
	};

	(void)state;
	expect_all(bad, KMS_ARRAY_SIZE(bad));
}

static void keys(void **state)
{
	static const struct bad bad[] = {
		{"{\"colour\": \"red\"}", NULL, "t.json:1:2: unknown key \"colour\"; did you mean \"color\"?"},
		{"{\n  \"part\": {\"way\": 1}}", NULL,
		 "t.json:2:12: /part: unknown key \"way\"; did you mean \"ways\"? (part has: name, ways, size)"},
		{"{\"part\": {\"zzzzzzzz\": 1}}", NULL,
		 "t.json:1:11: /part: unknown key \"zzzzzzzz\" (part has: name, ways, size)"},
		{"{\"parts\": [{}, {\"Ways\": 1}]}", NULL,
		 "t.json:1:17: /parts/1: unknown key \"Ways\"; did you mean \"ways\"? (part has: name, ways, size)"},
		{"{\"a/b~c\\u001b\": 1}", NULL,
		 "t.json:1:2: unknown key \"a/b~c\\x1b\" (sample has: on, count, offset, ratio, title, file, color, bytes, "
		 "delay, part, parts, words, sizes, weights, any, extra)"},
		{"{\"count\": 1,\n\"on\": true,\n \"count\": 1}", NULL, "t.json:3:2: duplicate key \"count\", first given on line 1"},
		{"{\"any\": [{\"x\": 1, \"\\u0078\": 2}]}", NULL,
		 "t.json:1:19: /any/0: duplicate key \"x\", first given on line 1"},
		{"{\"extra\": {}}", NULL, "t.json:1:11: /extra: missing \"ratio\": expected a number from 0 to 1 - Must be given."},
		{"{}", "extra={}", "--set extra={}: /extra: missing \"ratio\": expected a number from 0 to 1 - Must be given."},
	};

	(void)state;
	expect_all(bad, KMS_ARRAY_SIZE(bad));
}

static void types(void **state)
{
	static const struct bad bad[] = {
		{"[]", NULL, "t.json:1:1: expected an object, or the name of a .json file, found an array"},
		{"{\"on\": 1}", NULL, "t.json:1:8: /on: expected true or false, found 1"},
		{"{\"count\": \"many\"}", NULL, "t.json:1:11: /count: expected a whole number from 0, found string \"many\""},
		{"{\"count\": 1.5}", NULL, "t.json:1:11: /count: expected a whole number from 0, found 1.5"},
		{"{\"count\": -1}", NULL, "t.json:1:11: /count: expected a whole number from 0, found -1"},
		{"{\"count\": 18446744073709551616}", NULL,
		 "t.json:1:11: /count: expected a whole number from 0, found 18446744073709551616"},
		{"{\"count\": 1e30}", NULL, "t.json:1:11: /count: expected a whole number from 0, found 1e30"},
		{"{\"count\": \"0x1g\"}", NULL, "t.json:1:11: /count: expected a whole number from 0, found string \"0x1g\""},
		{"{\"count\": [1]}", NULL, "t.json:1:11: /count: expected a whole number from 0, found an array"},
		{"{\"offset\": 101}", NULL, "t.json:1:12: /offset: expected a whole number from -100 to 100, found 101"},
		{"{\"ratio\": \"1\"}", NULL, "t.json:1:11: /ratio: expected a number from 0 to 1e+308 of all, found string \"1\""},
		{"{\"ratio\": 1e999}", NULL, "t.json:1:11: /ratio: expected a number from 0 to 1e+308 of all, found 1e999"},
		{"{\"title\": 7}", NULL, "t.json:1:11: /title: expected a string, found 7"},
		{"{\"file\": \"\"}", NULL, "t.json:1:10: /file: expected a file name (a string), found string \"\""},
		{"{\"color\": \"gren\"}", NULL,
		 "t.json:1:11: /color: expected one of red, green, blue, found string \"gren\"; did you mean \"green\"?"},
		{"{\"color\": \"purple\"}", NULL, "t.json:1:11: /color: expected one of red, green, blue, found string \"purple\""},
		{"{\"color\": 1}", NULL, "t.json:1:11: /color: expected one of red, green, blue, found 1"},
		{"{\"part\": []}", NULL, "t.json:1:10: /part: expected an object, or the name of a .json file, found an array"},
		{"{\"parts\": {}}", NULL,
		 "t.json:1:11: /parts: expected an array of objects, or the name of a .json file, found an object"},
		{"{\"parts\": [null]}", NULL,
		 "t.json:1:12: /parts/0: expected an object, or the name of a .json file, found null"},
		{"{\"words\": \"a\"}", NULL, "t.json:1:11: /words: expected an array of strings, found string \"a\""},
		{"{\"words\": [\"a\", 2]}", NULL, "t.json:1:17: /words/1: expected a string, found 2"},
		{"{\"weights\": [1, 11]}", NULL, "t.json:1:17: /weights/1: expected a number from 0 to 10, found 11"},
		{"{\"title\": 1, \"extends\": 3}", NULL, "t.json:1:25: /extends: expected the name of a .json file, found 3"},
	};

	(void)state;
	expect_all(bad, KMS_ARRAY_SIZE(bad));
}

static void quantities(void **state)
{
	static const struct bad bad[] = {
		{"{\"bytes\": \"64KB\"}", NULL, "t.json:1:11: /bytes: expected bytes, as a number or like \"64KiB\", found "
		 "string \"64KB\"; did you mean \"64KiB\"?"},
		{"{\"bytes\": \"0.1KiB\"}", NULL,
		 "t.json:1:11: /bytes: expected bytes, as a number or like \"64KiB\", found string \"0.1KiB\""},
		{"{\"bytes\": \"16384PiB\"}", NULL,
		 "t.json:1:11: /bytes: expected bytes, as a number or like \"64KiB\", found string \"16384PiB\""},
		{"{\"bytes\": -4}", NULL, "t.json:1:11: /bytes: expected bytes, as a number or like \"64KiB\", found -4"},
		{"{\"delay\": \"3 msec\"}", NULL, "t.json:1:11: /delay: expected a time, as a number of ns or like \"10us\", "
		 "from 0 to 1.9e+16 ns, found string \"3 msec\"; did you mean \"3 ms\"?"},
		{"{\"delay\": \"soon\"}", NULL, "t.json:1:11: /delay: expected a time, as a number of ns or like \"10us\", "
		 "from 0 to 1.9e+16 ns, found string \"soon\""},
		{"{\"part\": {\"size\": 63}}", NULL, "t.json:1:19: /part/size: expected bytes, as a number or like \"64KiB\", "
		 "from 64 to 1073741824 bytes, found 63"},
		{"{\"part\": {\"ways\": 12}}", NULL,
		 "t.json:1:19: /part/ways: expected a power of two, found 12 (the nearest are 8 and 16)"},
		{"{\"part\": {\"ways\": 128}}", NULL, "t.json:1:19: /part/ways: expected a power of two from 1 to 64, found 128"},
	};

	(void)state;
	expect_all(bad, KMS_ARRAY_SIZE(bad));
}

static void settings(void **state)
{
	static const struct bad bad[] = {
		{"{}", "count", "--set count: expected path=value, found no '='"},
		{"{}", "=1", "--set =1: no key at \"\"; expected path=value, where a path is like machine.cpus or nodes[0].cpus"},
		{"{}", "part.=1", "--set part.=1: no further key at \".\"; expected path=value, where a path is like "
		 "machine.cpus or nodes[0].cpus"},
		{"{}", "parts[x]=1", "--set parts[x]=1: no index at \"parts[x]\"; expected path=value, where a path is like "
		 "machine.cpus or nodes[0].cpus"},
		{"{}", "cuont=1", "--set cuont=1: unknown key \"cuont\"; did you mean \"count\"?"},
		{"{}", "part.wais=1",
		 "--set part.wais=1: /part: unknown key \"wais\"; did you mean \"ways\"? (part has: name, ways, size)"},
		{"{}", "count=x", "--set count=x: /count: expected a whole number from 0, found string \"x\""},
		{"{}", "count.x=1", "--set count.x=1: /count: this has no members, but \"x\" is asked for"},
		{"{}", "part[0].x=1", "--set part[0].x=1: /part: this is not an array"},
		{"{}", "parts.name=1", "--set parts.name=1: /parts: this has no members, but \"name\" is asked for"},
		{"{\"parts\": [{}]}", "parts[2].ways=1",
		 "--set parts[2].ways=1: \"parts\" has 1 elements; expected an index up to 1"},
		{"{}", "part={\"ways\": 3}",
		 "--set part={\"ways\": 3}: /part/ways: expected a power of two, found 3 (the nearest are 2 and 4)"},
		{"{}", "part={ways: 3}",
		 "--set part={ways: 3}: syntax error: expected a key in double quotes, found \"ways\""},
		{"{}", "part=/nowhere/x.json", "--set part=/nowhere/x.json: /part: cannot read the file /nowhere/x.json named "
		 "here: No such file or directory"},
	};

	(void)state;
	expect_all(bad, KMS_ARRAY_SIZE(bad));
}

/* Errors that checks report, wherever the member was written. */
static void checks(void **state)
{
	static const struct bad bad[] = {
		{"{\"on\": true,\n \"count\": 77}", NULL, "t.json:2:11: /count: 77 is taken"},
		{"{}", "count=77", "--set count=77: /count: 77 is taken"},
		{"{\"count\": 78, \"part\": {\"size\": 640}}", NULL, "t.json:1:32: /part/size: too small for 78"},
		{"{\"count\": 78, \"part\": {}}", NULL, "t.json:1:23: /part/size: too small for 78 (the default)"},
		{"{\"count\": 79}", NULL, "t.json:1:1: nothing fits"},
		{"{\"parts\": [{}, {}, {},\n {\"ways\": 4}]}", NULL, "t.json:2:11: /parts/3/ways: a fourth part has no room"},
		{"{\"parts\": [{\"ways\": 4, \"size\": 64}]}", NULL,
		 "t.json:1:32: /parts/0/size: expected at least 256 bytes"},
	};

	(void)state;
	expect_all(bad, KMS_ARRAY_SIZE(bad));
}

/* ---- several files ---- */

static void expect_file(const char *path, const char *message)
{
	struct kms_error err = {0};
	struct sample s;
	struct cfg *cfg;

	if (!cfg_load(&cfg, &sample_table, &s, path, NULL, 0, &err))
		fail_msg("accepted: %s; expected %s", path, message);
	assert_string_equal(err.text, message);
	assert_int_equal(err.code, KMS_EUSAGE);
}

static void included(void **state)
{
	(void)state;
	put_file("part.json", "{\"name\": \"p\",\n  \"way\": 1}");
	put_file("top.json", "{\"part\": \"part.json\"}");
	expect_file("top.json", "part.json:2:3: /part: unknown key \"way\"; did you mean \"ways\"? "
		    "(part has: name, ways, size)");
	put_file("part.json", "{\"name\": \"p\",\n  \"ways\": 3}");
	put_file("top.json", "{\"extends\": \"base.json\"}");
	put_file("base.json", "{\"part\": \"part.json\"}");
	expect_file("top.json",
		    "part.json:2:11: /part/ways: expected a power of two, found 3 (the nearest are 2 and 4)");
	put_file("top.json", "{\n \"part\": \"none.json\"}");
	expect_file("./top.json", "./top.json:2:10: /part: cannot read the file none.json named here: "
		    "No such file or directory");
	put_file("top.json", "{\n \"extends\": \"none.json\"}");
	expect_file("top.json", "top.json:2:13: /extends: cannot read the file none.json named here: "
		    "No such file or directory");
}

static void cycles(void **state)
{
	(void)state;
	put_file("self.json", "{\"extends\": \"self.json\"}");
	expect_file("self.json", "self.json:1:13: /extends: self.json includes itself, by way of this place");
	put_file("b.json", "{\"extends\": \"./a.json\"}");
	put_file("a.json", "{\"extends\": \"b.json\"}");
	expect_file("a.json", "b.json:1:13: /extends: a.json includes itself, by way of this place");
	put_file("list.json", "[{\"extends\": \"list.json\"}]");
	put_file("top.json", "{\"parts\": \"list.json\"}");
	expect_file("top.json", "list.json:1:14: /parts/0/extends: list.json includes itself, by way of this place");
}

static void unreadable(void **state)
{
	static const char nul[] = "{\"title\": \"a\0b\"}";
	FILE *f;

	(void)state;
	expect_file("none.json", "none.json: cannot read this file: No such file or directory");
	expect_file(".", ".: cannot read this file: it is a directory");
	f = fopen("nul.json", "w");
	assert_non_null(f);
	fwrite(nul, 1, sizeof(nul) - 1, f);
	fclose(f);
	expect_file("nul.json",
		    "nul.json:1:13: syntax error: expected the closing '\"' of the string, found byte 0x00");
}

/* Nesting that would overflow a careless reader. */
static void deep(void **state)
{
	char text[4000] = "{\"any\": ";
	struct bad bad = {text, NULL, "t.json:1:73: syntax error: expected at most 64 levels of nesting, found '['"};

	(void)state;
	memset(text + 8, '[', 3000);
	expect(&bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syntax),
		cmocka_unit_test(keys),
		cmocka_unit_test(types),
		cmocka_unit_test(quantities),
		cmocka_unit_test(settings),
		cmocka_unit_test(checks),
		cmocka_unit_test_setup_teardown(included, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(cycles, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(unreadable, folder_make, folder_remove),
		cmocka_unit_test(deep),
	};

	return cmocka_run_group_tests_name("cfg_errors", tests, NULL, NULL);
}
