/*
 * store_verbs.c - list, show, plot and digest on made-up runs: what they print, JSON that parses, refusals.
 */
#include "tests/unit/store_test.h"

#include <cjson/cJSON.h>
#include <fcntl.h>

#include "results/json.h"
#include "sim/cli/internal.h"

extern const struct cli_verb cli_verb_list, cli_verb_show, cli_verb_plot, cli_verb_digest;

#define ODD_NAME "na\"me\\ \033[31m\xff\xe2\x82\xac\n"

static struct kms_error err;

static int fill(void **state)
{
	struct sample_options a = {.name = "slub-up", .seed = UINT64_MAX},
			      b = {.name = "frag", .functional = true};
	struct sample_options c = {.name = ODD_NAME, .title = ODD_NAME, .seed = 3};
	struct kms_error e = {0};
	struct store *store;
	s64 run;

	if (make_test_dir(state) || store_open(&store, test_path("v.db"), STORE_WRITE, &e) ||
	    sample_run(store, &a, &run, &e) || sample_run(store, &b, &run, &e) ||
	    sample_run(store, &c, &run, &e) || sample_begin(store, &a, &run, &e))
		return -1;
	store_close(store, NULL);
	setenv("KMEMSIM_DB", test_path("v.db"), 1);
	return chdir(test_dir);
}

static int clear(void **state)
{
	return chdir("/") || remove_test_dir(state);
}

/* Run "verb args..." and return what it printed on stdout (the caller frees); its result is in *rc. */
static char *run_verb(const struct cli_verb *verb, const char *line, int *rc)
{
	char words[512], *argv[16] = {(char *)verb->name}, *save, *out;
	struct cli cli = {0};
	int argc = 1, saved, fd;
	off_t n;

	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	fflush(stdout);
	saved = dup(1);
	fd = open("stdout", O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, 1);
	memset(&err, 0, sizeof(err));
	*rc = cli_parse(&cli, verb, argc, argv, &err);
	if (!*rc)
		*rc = verb->run(&cli, &err);
	cli_parsed_free(&cli);
	fflush(stdout);
	n = lseek(fd, 0, SEEK_END);
	out = calloc(1, (size_t)n + 1);
	if (pread(fd, out, (size_t)n, 0) != n)
		*rc = -99;
	close(fd);
	dup2(saved, 1);
	close(saved);
	return out;
}

static char *ok(const struct cli_verb *verb, const char *line)
{
	char *out;
	int rc;

	out = run_verb(verb, line, &rc);
	if (rc)
		fail_msg("%s %s: %s", verb->name, line, err.text);
	return out;
}

static void refused(const struct cli_verb *verb, const char *line, const char *want)
{
	char *out;
	int rc;

	out = run_verb(verb, line, &rc);
	assert_int_equal(rc, KMS_EUSAGE);
	if (!strstr(err.text, want))
		fail_msg("'%s' is not in: %s", want, err.text);
	assert_string_equal(out, "");
	free(out);
}

static void prints(const struct cli_verb *verb, const char *line, const char *const *wants)
{
	char *out = ok(verb, line);

	for (; *wants; wants++)
		if (!strstr(out, *wants))
			fail_msg("'%s' is not in the output of %s %s:\n%s", *wants, verb->name, line, out);
	assert_null(strchr(out, '\033'));
	free(out);
}

#define PRINTS(verb, line, ...) prints(verb, line, (const char *const[]){__VA_ARGS__, NULL})

static void assert_utf8(const char *s)
{
	for (; *s; s += utf8_length(s))
		assert_int_not_equal(utf8_length(s), 0);
}

static cJSON *json(const struct cli_verb *verb, const char *line)
{
	char *out = ok(verb, line);
	const char *end;
	cJSON *j = cJSON_ParseWithOpts(out, &end, false);

	if (!j)
		fail_msg("no JSON: %s", out);
	assert_string_equal(end, "\n"); /* one object, nothing after it */
	assert_utf8(out);
	free(out);
	return j;
}

static cJSON *at(cJSON *j, const char *key)
{
	cJSON *v = cJSON_GetObjectItemCaseSensitive(j, key);

	if (!v)
		fail_msg("no member '%s'", key);
	return v;
}

static void list_shows_all_runs(void **state)
{
	cJSON *j;

	PRINTS(&cli_verb_list, "", "slub-up", "complete", "incomplete", "400,000", "functional");
	j = json(&cli_verb_list, "--json");
	assert_int_equal(cJSON_GetArraySize(at(j, "runs")), 4);
	assert_string_equal(at(cJSON_GetArrayItem(at(j, "runs"), 3), "status")->valuestring, "incomplete");
	assert_true(cJSON_IsNull(at(cJSON_GetArrayItem(at(j, "runs"), 3), "digest")));
	assert_true(cJSON_IsNull(at(cJSON_GetArrayItem(at(j, "runs"), 1), "latency_mean_ns")));
	assert_int_equal(at(cJSON_GetArrayItem(at(j, "runs"), 0), "requests")->valuedouble, SAMPLE_REQUESTS);
	assert_string_equal(at(cJSON_GetArrayItem(at(j, "runs"), 2), "name")->valuestring,
			    "na\"me\\ \033[31m\xef\xbf\xbd\xe2\x82\xac\n");
	cJSON_Delete(j);
}

static void show_has_every_section(void **state)
{
	PRINTS(&cli_verb_show, "1", "slub-up", "18446744073709551615", "latency_p99", "untar",
	       "warm-up", "kmalloc", "slow_partial", "coherence", "lost to size rounding",
	       "inode_cache", "Normal", "700 350 120", "rmqueue_bulk", "alloc_skb+0x3f", "99.7 %",
	       "free of an object allocated before the trace");
	PRINTS(&cli_verb_show, "1 --section counters", "mm_page_alloc", "812,345");
	PRINTS(&cli_verb_show, "1 --metrics", "Median simulated latency of a request", "lower");
	PRINTS(&cli_verb_show, "4", "incomplete");
	PRINTS(&cli_verb_show, "3", "\\x1b[31m");
}

static void show_latency_values_are_right(void **state)
{
	cJSON *j = json(&cli_verb_show, "1 --json --section latency,parts"), *row;
	double total = 0, parts = 0;
	bool found = false;

	cJSON_ArrayForEach (row, at(j, "latency")) {
		if (cJSON_IsNull(at(row, "path")))
			total += at(row, "total_ns")->valuedouble;
		else if (!strcmp(at(row, "operation")->valuestring, "kmalloc") &&
			 !strcmp(at(row, "path")->valuestring, "fast")) {
			found = true;
			assert_int_equal(at(row, "count")->valuedouble, 2 * (20000 / 3 + 1));
			assert_true(at(row, "p50_ns")->valuedouble > 13 &&
				    at(row, "p50_ns")->valuedouble < 15);
			assert_true(at(row, "max_ns")->valuedouble >= at(row, "p999_ns")->valuedouble);
		}
	}
	cJSON_ArrayForEach (row, at(j, "parts"))
		parts += at(row, "ps")->valuedouble;
	assert_true(found);
	assert_true(fabs(total * 1000 - parts) < 1e-6 * parts);
	assert_null(cJSON_GetObjectItem(j, "zones"));
	cJSON_Delete(j);
}

static void show_bytes_add_up(void **state)
{
	static const char *const all[] = {"requested",	"rounding",	"slab_tail",
					  "page_order", "free_partial", "cpu_cached",
					  "free",	"metadata",	"reserved"};
	cJSON *j = json(&cli_verb_show, "1 --json");
	double sum = 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(all); i++)
		sum += at(at(at(j, "bytes"), "peak"), all[i])->valuedouble;
	assert_true(sum == (double)SAMPLE_RAM);
	assert_true(at(at(at(j, "bytes"), "peak"), "held")->valuedouble >
		    at(at(at(j, "bytes"), "end"), "held")->valuedouble);
	assert_int_equal(at(at(at(j, "bytes"), "peak"), "phase")->valuedouble, 1); /* boot is warm-up */
	assert_int_equal(cJSON_GetArraySize(at(j, "caches")), 3);
	assert_int_equal(cJSON_GetArraySize(at(j, "sites")), 3);
	assert_true(cJSON_GetArraySize(at(j, "metrics")) > 20);
	assert_true(at(at(j, "summary"), "ram_bytes")->valuedouble == (double)SAMPLE_RAM);
	cJSON_Delete(j);
}

static void show_without_cycle_timing_says_so(void **state)
{
	cJSON *j;

	PRINTS(&cli_verb_show, "frag", "no latencies: the run had no cycle timing");
	j = json(&cli_verb_show, "2 --json");
	assert_int_equal(cJSON_GetArraySize(at(j, "latency")), 0);
	cJSON_Delete(j);
}

static void odd_names_survive_json(void **state)
{
	cJSON *j = json(&cli_verb_show, "3 --json");

	assert_string_equal(at(at(j, "summary"), "title")->valuestring,
			    "na\"me\\ \033[31m\xef\xbf\xbd\xe2\x82\xac\n");
	cJSON_Delete(j);
}

static void top_limits_rankings(void **state)
{
	char *out = ok(&cli_verb_show, "1 --section sites --top 1");

	assert_non_null(strstr(out, "getname_flags"));
	assert_null(strstr(out, "alloc_skb"));
	free(out);
	refused(&cli_verb_show, "1 --top 0", "expected a number from 1");
	refused(&cli_verb_show, "1 --top 5x", "expected a number from 1");
}

static void mistakes_are_named(void **state)
{
	refused(&cli_verb_show, "slub-pu", "did you mean 'slub-up'?");
	refused(&cli_verb_show, "1 --section latencies", "did you mean \"latency\"?");
	refused(&cli_verb_show, "99", "the newest is 4");
	refused(&cli_verb_digest, "nothing-like-it", "no run 'nothing-like-it'");
	refused(&cli_verb_plot, "1 --type latency-cfd", "did you mean 'latency-cdf'?");
	refused(&cli_verb_plot, "2 --type latency-cdf", "no cycle timing");
	refused(&cli_verb_plot, "1 --type ,", "names no plot type");
	refused(&cli_verb_plot, "1 --format gif", "svg, png, pdf, dumb");
	refused(&cli_verb_plot, "1 --format ,", "names no image format");
	refused(&cli_verb_list, "--db /tmp", "is a directory");
	refused(&cli_verb_show, "1 --db missing.db", "no database");
}

static void digest_is_stable_and_guards(void **state)
{
	struct store *store;
	char *a, *b;
	cJSON *j;
	int rc;

	a = ok(&cli_verb_digest, "1");
	assert_int_equal(strlen(a), 33);
	j = json(&cli_verb_digest, "slub-up --json"); /* the newest of that name: incomplete */
	assert_int_equal(at(j, "run")->valuedouble, 4);
	assert_false(cJSON_IsTrue(at(j, "complete")));
	cJSON_Delete(j);
	assert_ok(store_open(&store, test_path("v.db"), STORE_WRITE, &err), &err);
	test_sql(store, "UPDATE counter SET value = value + 1 WHERE run = 1 AND category = 'hardware'");
	b = run_verb(&cli_verb_digest, "1", &rc);
	assert_int_equal(rc, KMS_EFAIL);
	assert_non_null(strstr(err.text, "was changed after it ended"));
	assert_string_equal(b, "");
	test_sql(store, "UPDATE counter SET value = value - 1 WHERE run = 1 AND category = 'hardware'");
	store_close(store, NULL);
	free(b);
	b = ok(&cli_verb_digest, "1");
	assert_string_equal(a, b);
	free(a);
	free(b);
}

static void plot_writes_where_told(void **state)
{
	cJSON *j, *plot;
	char *out;

	j = json(&cli_verb_plot, "2 --json -o figures");
	assert_int_equal(cJSON_GetArraySize(at(j, "plots")), 11); /* no latencies, no DRAM */
	cJSON_ArrayForEach (plot, at(j, "plots")) {
		assert_int_equal(access(at(plot, "svg")->valuestring, R_OK), 0);
		assert_int_equal(access(at(plot, "png")->valuestring, R_OK), 0);
		assert_int_equal(access(at(plot, "gp")->valuestring, R_OK), 0);
		assert_int_equal(access(at(plot, "tsv")->valuestring, R_OK), 0);
	}
	cJSON_Delete(j);
	out = ok(&cli_verb_plot, "1 2 --type fragmentation");
	assert_string_equal(out,
			    "plots/out/slub-up-1-2/fragmentation.svg\nplots/out/slub-up-1-2/fragmentation.png\n");
	free(out);
	assert_int_equal(access("plots/out/slub-up-1-2/fragmentation.png", R_OK), 0);
	PRINTS(&cli_verb_plot, "--list", "latency-cdf", "waste-compare", "1-4", "bytes.*", "page-map", "pareto");
	j = json(&cli_verb_plot, "--list --json");
	assert_int_equal(cJSON_GetArraySize(at(j, "types")), 18);
	cJSON_Delete(j);
}

static void numbers_keep_their_digits(void **state)
{
	char *text = NULL;
	struct json j;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	json_start(&j, f);
	json_open(&j, NULL, '{');
	json_uint(&j, "a", UINT64_MAX);
	json_int(&j, "b", INT64_MIN);
	json_double(&j, "c", 0.1);
	json_double(&j, "d", 1.0 / 3);
	json_double(&j, "e", NAN);
	json_double(&j, "f", -INFINITY);
	json_open(&j, "g", '[');
	json_close(&j, ']');
	json_close(&j, '}');
	fclose(f);
	assert_non_null(strstr(text, "\"a\": 18446744073709551615,"));
	assert_non_null(strstr(text, "\"b\": -9223372036854775808,"));
	assert_non_null(strstr(text, "\"c\": 0.1,"));
	assert_non_null(strstr(text, "\"d\": 0.3333333333333333,"));
	assert_non_null(strstr(text, "\"e\": null,"));
	assert_non_null(strstr(text, "\"f\": null,"));
	assert_non_null(strstr(text, "\"g\": []\n}\n"));
	free(text);
}

static void utf8_is_strict(void **state)
{
	static const char *const bad[] = {"\x80",
					  "\xc0\x80",
					  "\xc1\xbf",
					  "\xe0\x9f\xbf",
					  "\xed\xa0\x80",
					  "\xf0\x8f\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xe2\x82",
					  "\xff"};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(bad); i++)
		assert_int_equal(utf8_length(bad[i]), 0);
	assert_int_equal(utf8_length("a"), 1);
	assert_int_equal(utf8_length("\xc2\x80"), 2);
	assert_int_equal(utf8_length("\xef\xbf\xbf"), 3);
	assert_int_equal(utf8_length("\xf4\x8f\xbf\xbf"), 4);
}

int main(void)
{
	const struct CMUnitTest store_verbs[] = {
		cmocka_unit_test(list_shows_all_runs),
		cmocka_unit_test(show_has_every_section),
		cmocka_unit_test(show_latency_values_are_right),
		cmocka_unit_test(show_bytes_add_up),
		cmocka_unit_test(show_without_cycle_timing_says_so),
		cmocka_unit_test(odd_names_survive_json),
		cmocka_unit_test(top_limits_rankings),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(digest_is_stable_and_guards),
		cmocka_unit_test(plot_writes_where_told),
		cmocka_unit_test(numbers_keep_their_digits),
		cmocka_unit_test(utf8_is_strict),
	};

	return cmocka_run_group_tests(store_verbs, fill, clear);
}
