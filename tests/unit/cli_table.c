/*
 * cli_table.c - figures, tables and the progress line as people see them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/cli/internal.h"

static void figures(void **state)
{
	static const struct { double value; const char *text; } bytes[] = {
		{0, "0 B"}, {1, "1 B"}, {1023, "1023 B"}, {1024, "1 KiB"}, {1536, "1.50 KiB"}, {10240, "10 KiB"},
		{10300, "10.1 KiB"}, {1048575, "1.00 MiB"}, {123456789, "118 MiB"}, {1.5 * (1ull << 40), "1.50 TiB"},
		{-2048, "-2 KiB"}, {NAN, "-"}, {INFINITY, "-"},
	};
	static const struct { double value; const char *text; } times[] = {
		{0, "0 ns"}, {0.25, "0.25 ns"}, {456, "456 ns"}, {999.4, "999 ns"}, {999.6, "1.00 us"},
		{1500, "1.50 us"}, {12345, "12.3 us"}, {2e6, "2 ms"}, {1e9, "1 s"}, {86400e9, "86400 s"},
	};
	static const struct { u64 value; const char *text; } counts[] = {
		{0, "0"}, {999, "999"}, {1000, "1,000"}, {12345678, "12,345,678"},
		{UINT64_MAX, "18,446,744,073,709,551,615"},
	};
	char buf[40];

	(void)state;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(bytes); i++)
		assert_string_equal(cli_bytes(buf, sizeof(buf), bytes[i].value), bytes[i].text);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(times); i++)
		assert_string_equal(cli_time_ns(buf, sizeof(buf), times[i].value), times[i].text);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(counts); i++)
		assert_string_equal(cli_count(buf, sizeof(buf), counts[i].value), counts[i].text);
}

static void safe_text(void **state)
{
	static const struct { const char *text, *safe; } cases[] = {
		{"plain", "plain"},
		{"\x1b[31mred\x07", "\\x1b[31mred\\x07"},
		{"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
		{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xff\xc3(", "\\xff\\xc3("},			     /* no UTF-8 */
		{"\xc2\x9b" "31m", "\\xc2\\x9b" "31m"},		     /* a one-character escape sequence */
		{"\xe2\x80\xae", "\\xe2\\x80\\xae"},		     /* turns the writing direction */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},		     /* a surrogate */
		{"\xc0\xaf", "\\xc0\\xaf"},			     /* overlong */
	};
	char buf[100];

	(void)state;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(cases); i++)
		assert_string_equal(cli_safe(buf, sizeof(buf), cases[i].text), cases[i].safe);
	assert_string_equal(cli_safe(buf, 4, "abcdef"), "abc");
	assert_string_equal(cli_safe(buf, 4, "ab\xe2\x82\xac"), "ab"); /* never half a character */
	assert_string_equal(cli_safe(buf, 6, "ab\x1b"), "ab");
}

static void widths(void **state)
{
	(void)state;
	assert_int_equal(cli_width(""), 0);
	assert_int_equal(cli_width("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(cli_width("\xe5\x86\x85\xe5\xad\x98"), 4); /* two wide characters */
	assert_int_equal(cli_width("e\xcc\x81"), 1);		    /* e and a combining accent */
}

static char *print(struct cli_table *t)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cli_table_print(t, out);
	fclose(out);
	return text;
}

static void table(void **state)
{
	static const char *const headings[] = {"name", "bytes", "note", "n"};
	struct cli_table *t = cli_table_new(headings, 4);
	char *text;

	(void)state;
	cli_table_row(t, (const char *const[]){"gr\xc3\xbc\xc3\x9f", "1.50 KiB", "", "12,345"});
	cli_table_row(t, (const char *const[]){"\xe5\x86\x85\xe5\xad\x98", "-", "two words", "-1"});
	cli_table_row(t, (const char *const[]){"x\x1b", "10 B", "3 figures?", NULL});
	text = print(t);
	assert_string_equal(text, "name      bytes  note             n\n"
				  "gr\xc3\xbc\xc3\x9f   1.50 KiB              12,345\n"
				  "\xe5\x86\x85\xe5\xad\x98          -  two words       -1\n"
				  "x\\x1b      10 B  3 figures?\n");
	free(text);
	text = print(cli_table_new(headings, 2));
	assert_string_equal(text, "name  bytes\n");
	free(text);
}

static void wrapping(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	fputs("ab  ", out);
	cli_wrap(out, "one two three averyverylongword x", 4, 4, 14);
	fclose(out);
	assert_string_equal(text, "ab  one two\n    three\n    averyverylongword\n    x\n");
	free(text);
}

static void progress(void **state)
{
	struct run_progress now = {
		.requests = 1500000, .total = 4000000, .time = 1230 * KMS_PS_PER_MS, .seconds = 3, .phase = "fork\x1b"};
	char line[400];
	int n;

	(void)state;
	n = cli_progress_line(line, sizeof(line), "slub-up", &now, true, 200);
	assert_string_equal(line, "slub-up [=======>            ]  38 %  fork\\x1b  500.0 krequests/s  1.23 s simulated  5 s left");
	assert_int_equal(n, strlen(line));
	n = cli_progress_line(line, sizeof(line), "slub-up", &now, true, 40);
	assert_int_equal(n, 39);
	cli_progress_line(line, sizeof(line), "slub-up", &now, false, 0);
	assert_memory_equal(line, "slub-up: 38 %, 1,500,000 of 4,000,000 requests, phase fork\\x1b, 500.0 krequests/s, "
				  "1.23 s simulated, ", 100);
	assert_non_null(strstr(line, "B resident, 5 s left"));
	now = (struct run_progress){0}; /* nothing known yet: no division by zero, no nonsense */
	cli_progress_line(line, sizeof(line), "x", &now, true, 200);
	assert_string_equal(line, "x [>                   ]   0 %    0 requests/s  0 ns simulated");
	now = (struct run_progress){.requests = 11, .total = 10, .seconds = 1, .phase = "p"};
	cli_progress_line(line, sizeof(line), "x", &now, true, 200);
	assert_string_equal(line, "x [====================] 100 %  p  11 requests/s  0 ns simulated");
	now = (struct run_progress){.requests = 1, .total = 1000000, .seconds = 1}; /* too early to guess */
	cli_progress_line(line, sizeof(line), "x", &now, true, 200);
	assert_null(strstr(line, "left"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures), cmocka_unit_test(safe_text), cmocka_unit_test(widths),
		cmocka_unit_test(table),   cmocka_unit_test(wrapping),	cmocka_unit_test(progress),
	};

	return cmocka_run_group_tests_name("cli_table", tests, NULL, NULL);
}
