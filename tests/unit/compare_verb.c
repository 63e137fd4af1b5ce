/*
 * compare_verb.c - `compare` on made-up runs: what it prints, judges and refuses.
 */
#include "tests/unit/store_test.h"

#include <cjson/cJSON.h>
#include <fcntl.h>

#include "sim/cli/internal.h"

extern const struct cli_verb cli_verb_compare;

static struct kms_error err;
static int exit_status;

static int fill(void **state)
{
	const struct sample_options a = {.name = "base", .seed = 1},
				    b = {.name = "od|d \033[31m", .seed = 1, .no_slab = true},
				    c = {.name = "fun", .seed = 1, .functional = true};
	struct kms_error e = {0};
	struct store *store;
	s64 run;

	if (make_test_dir(state) || store_open(&store, test_path("v.db"), STORE_WRITE, &e) ||
	    sample_run(store, &a, &run, &e) || sample_run(store, &b, &run, &e) ||
	    sample_run(store, &c, &run, &e))
		return -1;
	store_close(store, NULL);
	setenv("KMEMSIM_DB", test_path("v.db"), 1);
	return chdir(test_dir);
}

static int clear(void **state)
{
	return chdir("/") || remove_test_dir(state);
}

/* Run "compare args...", words parted by spaces; what it printed (the caller frees). */
static char *run(const char *line, int *rc)
{
	char words[512], *argv[20] = {(char *)"compare"}, *save, *out;
	struct cli cli = {.quiet = true};
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
	*rc = cli_parse(&cli, &cli_verb_compare, argc, argv, &err);
	if (!*rc)
		*rc = cli_verb_compare.run(&cli, &err);
	exit_status = cli.exit_status;
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

static char *ok(const char *line)
{
	int rc;
	char *out = run(line, &rc);

	if (rc)
		fail_msg("%s: %s", line, err.text);
	return out;
}

static void refused(const char *line, const char *want)
{
	int rc;
	char *out = run(line, &rc);

	assert_int_equal(rc, KMS_EUSAGE);
	if (!strstr(err.text, want))
		fail_msg("%s: '%s' is not in: %s", line, want, err.text);
	free(out);
}

static void exits(const char *line, int want)
{
	free(ok(line));
	if (exit_status != want)
		fail_msg("%s: exit status %d, expected %d", line, exit_status, want);
}

static bool has_line(const char *text, const char *line)
{
	char want[300];

	snprintf(want, sizeof(want), "\n%s\n", line);
	return strstr(text, want) != NULL;
}

static void table_has_figures_differences_and_words(void **state)
{
	char *out = ok("1 2");

	assert_true(has_line(out, "Memory"));
	assert_true(strstr(out, "49.6 MiB *") && strstr(out, "102 MiB") && strstr(out, "+106 %"));
	assert_true(strstr(out, "+53 pp")); /* internal fragmentation 10 to 63 % */
	assert_non_null(strstr(out, "base used 2.06 times less memory at the peak than od|d \\x1b[31m."));
	assert_non_null(strstr(out, "No column stands out in mean latency."));
	assert_null(strchr(out, '\033'));
	for (char *c = out; (c = strchr(c, '\n')); c++)
		assert_true(c == out || c[-1] != ' ');
	free(out);
}

static void sections_can_be_chosen(void **state)
{
	char *out = ok("1 2 --section memory,waste");

	assert_true(has_line(out, "Memory"));
	assert_false(has_line(out, "Latency"));
	free(out);
	refused("1 2 --section memroy", "did you mean \"memory\"?");
}

static void all_shows_what_the_table_leaves_out(void **state)
{
	char *few = ok("1 2 --top 1"), *many = ok("1 2 --all");

	assert_null(strstr(few, "vmstat"));
	assert_non_null(strstr(many, "vmstat"));
	assert_true(strlen(many) > 2 * strlen(few));
	free(few);
	free(many);
}

static void json_has_every_figure(void **state)
{
	char *out = ok("1 2 --json");
	cJSON *j = cJSON_Parse(out), *figure;
	bool found = false;

	assert_non_null(j);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(j, "columns")), 2);
	cJSON_ArrayForEach (figure, cJSON_GetObjectItem(j, "figures")) {
		cJSON *cells = cJSON_GetObjectItem(figure, "columns");

		if (strcmp(cJSON_GetObjectItem(figure, "name")->valuestring, "held_bytes_peak"))
			continue;
		found = true;
		assert_int_equal(cJSON_GetObjectItem(figure, "best")->valueint, 0);
		assert_true(cJSON_GetObjectItem(cJSON_GetArrayItem(cells, 1), "mean")->valuedouble == 107e6);
		assert_true(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetArrayItem(cells, 1), "parts")));
	}
	assert_true(found);
	cJSON_Delete(j);
	free(out);
}

static void csv_has_a_line_a_cell(void **state)
{
	char *out = ok("1 2 --csv"), *line;

	line = strstr(out, "\n\"held_bytes_peak\",memory,bytes,-1,\"base\",1,52000000,52000000,52000000,,0,1\n");
	assert_non_null(line);
	assert_non_null(strstr(line, "107000000,105.769,1,0\n"));
	free(out);
	refused("1 2 --csv --json", "expected one of");
}

static void markdown_escapes(void **state)
{
	char *out = ok("1 2 --markdown");

	assert_non_null(strstr(out, "od\\|d"));
	assert_non_null(strstr(out, "| **49.6 MiB** | 102 MiB | +106 % |"));
	free(out);
}

static void rules_are_judged(void **state)
{
	exits("1 2 --fail-on held_bytes_peak>+5%", EXIT_BEYOND);
	exits("1 2 --fail-on held_bytes_peak>+200%", EXIT_DONE);
	exits("2 1 --fail-on held_bytes_peak>+5%", EXIT_DONE); /* it became better */
	exits("2 1 --fail-on held_bytes_peak<-50%", EXIT_BEYOND);
	exits("1 2 --fail-on held_bytes_peak>107000000", EXIT_DONE); /* not above */
	exits("1 2 --fail-on held_bytes_peak>106999999", EXIT_BEYOND);
	exits("1 2 --fail-on held_bytes_peak>102MiB", EXIT_BEYOND);
	exits("1 2 --fail-on held_bytes_peak>103MiB", EXIT_DONE);
	exits("1 2 --fail-on internal_fragmentation>62%", EXIT_BEYOND);
	exits("1 2 --fail-on internal_fragmentation>64%", EXIT_DONE);
	exits("1 2 --fail-on latency.kmalloc.fast.p99>1us", EXIT_DONE);
	exits("1 2 --fail-on latency.kmalloc.p99.9<1s", EXIT_BEYOND);
	exits("1 2 --fail-on latency_p99>+0% --fail-on held_bytes_peak>+5%", EXIT_BEYOND);
	exits("1 2 --fail-on latency_p99>+0%", EXIT_DONE); /* equal */
}

static void rules_are_checked_first(void **state)
{
	refused("1 2 --fail-on held_bytes_peek>+5%", "did you mean \"held_bytes_peak\"?");
	refused("1 2 --fail-on latency.kmaloc.p99>+5%", "did you mean \"latency.kmalloc.p99\"?");
	refused("1 2 --fail-on latency_p99", "neither > nor <");
	refused("1 2 --fail-on latency_p99>", "no number");
	refused("1 2 --fail-on latency_p99>=5", ">= or <=");
	refused("1 2 --fail-on >5", "no figure");
	refused("1 2 --fail-on latency_p99>+5", "relative and ends in %");
	refused("1 2 --fail-on latency_p99>5parsec", "unknown unit");
	refused("1 2 --fail-on latency_p99>5%", "has a sign");
	refused("1 2 --fail-on latency_p99>5MiB", "measured in ns");
	refused("1 3 --fail-on latency_p99>+5%", "was not measured in column \"fun\"");
	refused("no-such-run x --fail-on latency_p9>+5%", "did you mean \"latency_p99\"?"); /* before all else */
}

static void arguments_are_checked(void **state)
{
	refused("1", "nothing to compare with");
	refused("1 99", "no run '99'");
	refused("1 bass", "did you mean 'base'?");
	refused("1 2 --vary allocator.slab=slub,noslab", "--vary is about a configuration");
	refused("1 2 --seeds 5", "--seeds is about a configuration");
	refused("1 2 --top 0", "from 1");
	refused("missing.json --vary a=1,2", "missing.json");
	refused("1 2 3 --diverge", "two columns, found 3");
	refused("1 2 --diverge --threshold x", "per cent");
}

static void a_run_with_itself_is_equal(void **state)
{
	char *out = ok("1 1");

	assert_non_null(strstr(out, "No column stands out in memory at the peak."));
	assert_null(strstr(out, "+"));
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_has_figures_differences_and_words),
		cmocka_unit_test(sections_can_be_chosen),
		cmocka_unit_test(all_shows_what_the_table_leaves_out),
		cmocka_unit_test(json_has_every_figure),
		cmocka_unit_test(csv_has_a_line_a_cell),
		cmocka_unit_test(markdown_escapes),
		cmocka_unit_test(rules_are_judged),
		cmocka_unit_test(rules_are_checked_first),
		cmocka_unit_test(arguments_are_checked),
		cmocka_unit_test(a_run_with_itself_is_equal),
	};

	return cmocka_run_group_tests_name("compare_verb", tests, fill, clear);
}
