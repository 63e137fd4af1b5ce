/*
 * cli_parse.c - command lines: options, values, counts, what is said about
 * wrong ones; and the help text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/cli/internal.h"

static int nothing(struct cli *cli, struct kms_error *err)
{
	return 0;
}

static const struct cli_option options[] = {
	CLI_OPTION_DB,
	{"set", 's', "PATH=VALUE", "set a value"},
	{"list", 0, "X", "another that repeats"},
	{"fast", 'f', NULL, "be fast"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_verb verb = {
	.name = "work",
	.args = "FILE...",
	.summary = "do the work",
	.examples = "kmemsim work a   first\nkmemsim work b   second",
	.options = options,
	.min_args = 1,
	.max_args = 2,
	.run = nothing,
};

/* Parse the words (NULL-terminated) after "work". */
static int parse(struct cli *cli, struct kms_error *err, const char *const *words)
{
	char *argv[20] = {(char *)"work"};
	int argc = 1;

	while (words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	*cli = (struct cli){0};
	*err = (struct kms_error){0};
	/* argv is permuted; keep it where it can be seen until the next call */
	static char *kept[20];

	memcpy(kept, argv, sizeof(kept));
	return cli_parse(cli, &verb, argc, kept, err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void options_and_arguments(void **state)
{
	struct kms_error err;
	struct cli cli;
	const char *const *list;
	size_t n;

	(void)state;
	assert_int_equal(parse(&cli, &err,
			       WORDS("a", "--db=x.db", "-sone", "--json", "-fq", "b", "--set",
				     "two", "--list", "u", "--color", "always")),
			 0);
	assert_int_equal(cli.nr_args, 2);
	assert_string_equal(cli.args[0], "a");
	assert_string_equal(cli.args[1], "b");
	assert_true(cli.json && cli.quiet && cli.color && cli_flag(&cli, "fast"));
	assert_string_equal(cli_db(&cli), "x.db");
	assert_string_equal(cli_value(&cli, "set", "none"), "two");
	list = cli_values(&cli, "list", &n);
	assert_int_equal(n, 1);
	assert_int_equal((cli_values(&cli, "set", &n), n), 2);
	assert_string_equal(cli_values(&cli, "set", &n)[0], "one");
	assert_string_equal(cli_values(&cli, "set", &n)[1], "two");
	assert_string_equal(list[0], "u"); /* still valid */
	cli_parsed_free(&cli);

	assert_int_equal(parse(&cli, &err, WORDS("--", "--json")), 0);
	assert_string_equal(cli.args[0], "--json");
	assert_false(cli.json || cli_flag(&cli, "fast"));
	assert_string_equal(cli_value(&cli, "set", "none"), "none");
	assert_int_equal((cli_values(&cli, "set", &n), n), 0);
	cli_parsed_free(&cli);
}

static void database_from_environment(void **state)
{
	struct kms_error err;
	struct cli cli;

	(void)state;
	unsetenv("KMEMSIM_DB");
	assert_int_equal(parse(&cli, &err, WORDS("a")), 0);
	assert_string_equal(cli_db(&cli), "results/kmemsim.db");
	setenv("KMEMSIM_DB", "e.db", 1);
	assert_string_equal(cli_db(&cli), "e.db");
	cli_parsed_free(&cli);
	assert_int_equal(parse(&cli, &err, WORDS("a", "--db", "o.db")), 0);
	assert_string_equal(cli_db(&cli), "o.db");
	cli_parsed_free(&cli);
	unsetenv("KMEMSIM_DB");
}

static void mistakes(void **state)
{
	static const struct {
		const char *words[4], *message;
	} bad[] = {
		{{NULL},
		 "expected FILE... after \"work\", found nothing (kmemsim work --help shows "
		 "examples)"},
		{{"a", "b", "c"}, "work takes FILE...; \"c\" is too many"},
		{{"a", "--jsno"}, "work has no option --jsno; did you mean --json?"},
		{{"a", "--sett=x"}, "work has no option --sett; did you mean --set?"},
		{{"a", "--zzzzzz"}, "work has no option --zzzzzz (kmemsim work --help lists them)"},
		{{"a", "-x"}, "work has no option -x (kmemsim work --help lists them)"},
		{{"a", "--set"}, "--set needs a value: PATH=VALUE"},
		{{"a", "-s"}, "--set needs a value: PATH=VALUE"},
		{{"a", "--fast=1"}, "--fast takes no value"},
		{{"a", "--color", "allways"},
		 "unknown value of --color \"allways\"; did you mean \"always\"?"},
		{{"a", "--\x1b[31m"},
		 "work has no option --\\x1b[31m (kmemsim work --help lists them)"},
	};
	struct kms_error err;
	struct cli cli;

	(void)state;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse(&cli, &err, bad[i].words), KMS_EUSAGE);
		assert_string_equal(err.text, bad[i].message);
		cli_parsed_free(&cli);
	}
}

static void verbs(void **state)
{
	static const struct cli_verb other = {.name = "show"};
	static const struct cli_verb *const list[] = {&verb, &other, NULL};
	struct kms_error err = {0};

	(void)state;
	assert_ptr_equal(cli_find_verb(list, "show", &err), &other);
	assert_null(cli_find_verb(list, "shwo", &err));
	assert_string_equal(err.text, "unknown command \"shwo\"; did you mean \"show\"?");
	err = (struct kms_error){0};
	assert_null(cli_find_verb(list, "zzzzzzz", &err));
	assert_string_equal(err.text, "unknown command \"zzzzzzz\"; there are: work, show");
}

static void help_begins_with_examples(void **state)
{
	static const char expected[] =
		"Examples:\n"
		"  kmemsim work a   first\n"
		"  kmemsim work b   second\n"
		"\n"
		"Usage: kmemsim work [OPTION...] FILE...\n"
		"\n"
		"do the work\n"
		"\n"
		"Options:\n"
		"      --db FILE           database to use [results/kmemsim.db, or $KMEMSIM_DB]\n"
		"  -s, --set PATH=VALUE    set a value\n"
		"      --list X            another that repeats\n"
		"  -f, --fast              be fast\n"
		"      --json              ";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	cli_help_verb(&verb, out);
	fclose(out);
	assert_memory_equal(text, expected, sizeof(expected) - 1);
	free(text);
}

/* Every command of the program: examples of itself, a summary, options that do not clash. */
static void all_verbs_are_described(void **state)
{
	(void)state;
	for (size_t i = 0; cli_verbs[i]; i++) {
		const struct cli_verb *v = cli_verbs[i];
		char letters[128] = "";
		int examples = 1;

		assert_non_null(strstr(v->examples, v->name));
		assert_memory_equal(v->examples, "kmemsim ", 8);
		for (const char *p = strchr(v->examples, '\n'); p; p = strchr(p + 1, '\n'))
			examples++;
		assert_true(examples >= 2);
		assert_in_range(v->summary[0], 'a', 'z');
		assert_int_not_equal(v->summary[strlen(v->summary) - 1], '.');
		assert_true(v->max_args < 0 || v->max_args >= v->min_args);
		for (int list = 0; list < 2; list++)
			for (const struct cli_option *o = list ? cli_common_options : v->options;
			     o && o->name; o++) {
				assert_non_null(o->help);
				assert_true(!o->letter || !strchr(letters, o->letter));
				letters[strlen(letters)] = o->letter;
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_arguments),
		cmocka_unit_test(database_from_environment),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(verbs),
		cmocka_unit_test(help_begins_with_examples),
		cmocka_unit_test(all_verbs_are_described),
	};

	return cmocka_run_group_tests_name("cli_parse", tests, NULL, NULL);
}
