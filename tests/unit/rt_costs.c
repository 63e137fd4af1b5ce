/*
 * rt_costs.c - cost tables: what is read, and what every mistake is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KMS_FLAVOUR_PLAIN
#include "models/mm/kernel.h"
#undef memset
#undef memcpy

#include "models/rt/costs.h"

static const char good[] = "{\n"
			   "  \"name\": \"test\", \"source\": \"by hand\",\n"
			   "  \"segments\": {\n"
			   "    \"kmalloc\": { \"insns\": 12.5, \"doc\": \"class\" },\n"
			   "    \"slab_zero\": { \"insns\": 3, \"per\": 0.25 },\n"
			   "    \"kfree\": {}\n"
			   "  }\n"
			   "}\n";

static void check_good(const struct cost_table *table)
{
	assert_string_equal(table->name, "test");
	assert_string_equal(table->source, "by hand");
	assert_int_equal(table->nr_given, 3);
	assert_true(table->costs[TP_kmalloc].insns == 12.5);
	assert_true(table->costs[TP_kmalloc].insns_per_arg == 0);
	assert_true(table->costs[TP_slab_zero].insns_per_arg == 0.25);
	assert_true(table->costs[TP_slab_new].insns == 0);
}

static void test_good_table(void **state)
{
	char path[] = "/tmp/kms-costs-XXXXXX";
	int fd = mkstemp(path);
	struct cost_table table;

	(void)state;
	assert_int_equal(costs_parse(&table, good, "x.json", NULL), 0);
	check_good(&table);
	costs_free(&table);
	assert_int_equal(write(fd, good, strlen(good)), strlen(good));
	close(fd);
	assert_int_equal(costs_load(&table, path, NULL), 0);
	check_good(&table);
	costs_free(&table);
	unlink(path);
}

static void expect(const char *text, const char *message)
{
	struct kms_error err = {KMS_OK, ""};
	struct cost_table table;

	assert_int_equal(costs_parse(&table, text, "x.json", &err), KMS_EUSAGE);
	assert_string_equal(err.text, message);
	assert_null(table.costs);
}

static void test_every_mistake(void **state)
{
	(void)state;
	expect("{ \"segments\": {\n  \"kmaloc\": {} } }",
	       "x.json:2:3: unknown tracepoint \"kmaloc\", did you mean \"kmalloc\"?");
	expect("{ \"segments\": { \"qqqqqqqqqqqqqqqqqqq\": {} } }",
	       "x.json:1:17: unknown tracepoint \"qqqqqqqqqqqqqqqqqqq\"");
	expect("{ \"segments\": { \"kfree\": { \"insn\": 3 } } }",
	       "x.json:1:28: unknown key \"insn\", did you mean \"insns\"?");
	expect("{ \"segment\": {} }",
	       "x.json:1:3: unknown key \"segment\", did you mean \"segments\"?");
	expect("{ \"segments\": { \"kfree\": {\n \"insns\": \"3\" } } }",
	       "x.json:2:2: \"insns\" of segment \"kfree\": expected a number of instructions, 0 "
	       "or more");
	expect("{ \"segments\": { \"kfree\": { \"per\": -1 } } }",
	       "x.json:1:28: \"per\" of segment \"kfree\": expected a number of instructions, 0 or "
	       "more");
	expect("{ \"segments\": { \"kfree\": 3 } }",
	       "x.json:1:17: segment \"kfree\": expected an object {\"insns\": N, \"per\": N}");
	expect("{ \"segments\": { \"kfree\": {}, \"kfree\": {} } }",
	       "x.json:1:17: tracepoint \"kfree\" is given twice");
	expect("{ \"segments\": [] }",
	       "x.json:1:3: \"segments\": expected an object with a member per tracepoint");
	expect("{ \"name\": 3 }", "x.json:1:3: \"name\": expected a string");
	expect("{ \"name\": \"\" }", "x.json:1:1: \"segments\" is missing");
	expect("[]", "x.json:1:1: expected an object with \"segments\"");
	expect("{\n  \"segments\": {,} }", "x.json:2:17: found \"} }\", expected JSON, here or just before");
	expect("", "x.json:1:1: found the end of the text, expected a JSON object with \"segments\"");
	expect("{ \"segments\": {} } x", "x.json:1:20: found \"x\", expected JSON, here or just before");
}

static void test_unreadable_files(void **state)
{
	struct kms_error err = {KMS_OK, ""};
	struct cost_table table;

	(void)state;
	assert_int_equal(costs_load(&table, "/nonexistent/costs.json", &err), KMS_EUSAGE);
	assert_string_equal(
	    err.text,
	    "/nonexistent/costs.json: cannot read this cost table: No such file or directory");
	err.code = KMS_OK;
	assert_int_equal(costs_load(&table, "/", &err), KMS_EUSAGE);
	assert_string_equal(err.text, "/: cannot read this cost table: Is a directory");
	err.code = KMS_OK;
	assert_int_equal(costs_load(&table, "/dev/zero", &err), KMS_EUSAGE);
	assert_string_equal(err.text, "/dev/zero: more than 1 MiB, this is no cost table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good_table),
	    cmocka_unit_test(test_every_mistake),
	    cmocka_unit_test(test_unreadable_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
