/*
 * validate_replay.c - recordings of real kernels are replayed exactly, and
 * recordings that were tampered with are found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/validate/recording.h"
#include "sim/validate/validate.h"

#define UP "tests/exact/slub-up-boot"

static const char *const dumps[] = {"state-before_mem_init.txt", "state-after_mem_init.txt",
				    "state-after_kmem_cache_init.txt", "state-start.txt"};

static const struct validate_options plainly = {.shown = 5}, resynced = {.shown = 5, .resync = true};

static u64 exact(const struct validate_count *counts, size_t n, const char *name, u64 *total)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(counts[i].name, name)) {
			*total = counts[i].total;
			return counts[i].exact;
		}
	fail_msg("no count %s", name);
	return 0;
}

/* ---- a copy of the recording to change ---- */

struct copy {
	char dir[64];
	char *trace;
};

static void put(const struct copy *c, const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", c->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	fclose(file);
}

static void copy_file(const struct copy *c, const char *name)
{
	struct kms_error err = {0};
	char *text;
	size_t bytes;

	assert_int_equal(recording_file(UP, name, &text, &bytes, &err), 0);
	put(c, name, text);
	free(text);
}

static void make_copy(struct copy *c)
{
	struct kms_error err = {0};
	size_t bytes;

	strcpy(c->dir, "/tmp/kmemsim-validate-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	for (size_t i = 0; i < KMS_ARRAY_SIZE(dumps); i++)
		copy_file(c, dumps[i]);
	assert_int_equal(recording_file(UP, "trace.txt", &c->trace, &bytes, &err), 0);
}

static void remove_copy(struct copy *c)
{
	char path[200];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(dumps); i++) {
		snprintf(path, sizeof(path), "%s/%s", c->dir, dumps[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/trace.txt", c->dir);
	unlink(path);
	rmdir(c->dir);
	free(c->trace);
}

/* The n-th line (from 1) with this text in it. */
static char *nth(char *text, const char *what, int n)
{
	char *at = text - 1;

	while (n--) {
		at = strstr(at + 1, what);
		assert_non_null(at);
	}
	return at;
}

static int run(struct copy *c, const struct validate_options *options, struct validate_result *result,
	       struct kms_error *err)
{
	put(c, "trace.txt", c->trace);
	memset(err, 0, sizeof(*err));
	return validate_recording(c->dir, options, result, err);
}

/* ---- recordings as they are ---- */

static void check_exact(const char *dir)
{
	struct validate_result result;
	struct kms_error err = {0};
	int rc = validate_recording(dir, &plainly, &result, &err);

	if (rc)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < result.nr_misses; i++)
		print_message("line %llu: expected %s, came %s\n", (unsigned long long)result.misses[i].line,
			      result.misses[i].expected, result.misses[i].came);
	assert_true(result.ok);
	assert_true(result.exact == 100.0);
	assert_true(result.nr_snapshots >= 3);
	for (size_t i = 0; i < result.nr_snapshots; i++) {
		assert_true(result.snapshots[i].lists > 40);
		assert_int_equal(result.snapshots[i].different, 0);
	}
	validate_free(&result);
}

static void up_is_exact(void **state)
{
	(void)state;
	check_exact(UP);
}

static void smp_is_exact(void **state)
{
	(void)state;
	check_exact("tests/exact/slub-smp4-boot");
}

static void pressure_is_exact(void **state)
{
	(void)state;
	check_exact("tests/exact/slub-pressure-p3");
}

/* Four CPUs that overtake each other at watermarks, reclaim and compact. */
static void pressure_on_four_cpus_is_exact(void **state)
{
	(void)state;
	check_exact("tests/exact/slub-press4-p2");
}

/* Caches made, shrunk and destroyed while two CPUs work. */
static void dying_caches_are_exact(void **state)
{
	(void)state;
	check_exact("tests/exact/slub-smp2-p3");
}

/* Three nodes, CPUs that come up one by one, memory policies. */
static void three_nodes_are_exact(void **state)
{
	(void)state;
	check_exact("tests/exact/slub-numa3-p1");
}

/* slub_min_order, slub_max_order, slub_min_objects and the page allocator's sysctls. */
static void other_orders_are_exact(void **state)
{
	(void)state;
	check_exact("tests/exact/slub-orders8-start");
}

/* ZONE_NORMAL behind a hole of 3.9 GiB. */
static void zone_normal_is_exact(void **state)
{
	(void)state;
	check_exact("tests/exact/slub-normal-start");
}

/* Every line that reports something is accounted for once. */
static void every_line_counts(void **state)
{
	struct validate_result result;
	struct kms_error err = {0};
	u64 total = 0, lines = 0, n, good;
	char *text;
	size_t bytes;

	(void)state;
	assert_int_equal(validate_recording(UP, &plainly, &result, &err), 0);
	for (size_t i = 0; i < result.nr_answers; i++)
		total += result.answers[i].total;
	for (size_t i = 0; i < result.nr_steps; i++)
		total += result.steps[i].total;
	assert_int_equal(recording_file(UP, "trace.txt", &text, &bytes, &err), 0);
	for (const char *at = text; (at = strstr(at, " PG_ALLOC ")); at++)
		lines++;
	good = exact(result.answers, result.nr_answers, "page_alloc", &n);
	assert_int_equal(good, lines);
	assert_int_equal(n, lines);
	/* inputs, texts and what comes before the first dump are not counted */
	assert_true(total > result.events * 95 / 100);
	assert_true(total < result.events);
	free(text);
	validate_free(&result);
}

/* ---- tampered with ---- */

/* A page's number in an answer, nowhere else: one answer is wrong, all else is as it was. */
static void a_wrong_answer_is_found(void **state)
{
	struct validate_result result;
	struct kms_error err;
	struct copy c;
	char *line;
	u64 total, good, line_number = 1;

	(void)state;
	make_copy(&c);
	line = nth(c.trace, " S_FAST_ALLOC kmalloc-64 ", 200);
	for (char *at = c.trace; at < line; at++)
		line_number += *at == '\n';
	line = strchr(line + 25, ' ') - 2; /* last but one digit of the object */
	*line = *line == '4' ? '8' : '4';
	assert_int_equal(run(&c, &plainly, &result, &err), 0);
	assert_false(result.ok);
	good = exact(result.answers, result.nr_answers, "slab_alloc", &total);
	assert_true(good < total);
	assert_true(result.nr_misses > 0);
	assert_int_equal(result.misses[0].line, line_number);
	assert_non_null(strstr(result.misses[0].expected, "S_FAST_ALLOC kmalloc-64"));
	assert_non_null(strstr(result.misses[0].came, "S_FAST_ALLOC kmalloc-64"));
	assert_non_null(strstr(result.misses[0].state, "freelist"));
	validate_free(&result);
	remove_copy(&c);
}

/* Exchange the objects of two requests throughout: free-running stays wrong, resynchronised does not. */
static void resync_goes_on_exactly(void **state)
{
	struct validate_result free_running, resync;
	struct kms_error err;
	struct copy c;
	char *line, digits[2];

	(void)state;
	make_copy(&c);
	/* two successive objects of one cache that are taken from the same freelist */
	line = nth(c.trace, " S_FAST_ALLOC kmalloc-32 ", 60);
	line = strchr(line + 25, ' ') - 2;
	memcpy(digits, line, 2);
	line[0] = digits[0] == 'e' ? 'c' : 'e';
	assert_int_equal(run(&c, &plainly, &free_running, &err), 0);
	assert_int_equal(run(&c, &resynced, &resync, &err), 0);
	assert_false(free_running.ok);
	assert_false(resync.ok);
	assert_true(resync.exact >= free_running.exact);
	validate_free(&free_running);
	validate_free(&resync);
	remove_copy(&c);
}

static void a_wrong_step_is_found(void **state)
{
	struct validate_result result;
	struct kms_error err;
	struct copy c;
	u64 total, good;
	char *line;

	(void)state;
	make_copy(&c);
	line = nth(c.trace, " BUDDY_FREE ", 300);
	line = strchr(line + 12, '\n') - 4;
	while (line[-1] != ' ')
		line--;
	line[0] = line[0] == '3' ? '2' : '3'; /* the merged block's number */
	assert_int_equal(run(&c, &plainly, &result, &err), 0);
	assert_false(result.ok);
	good = exact(result.steps, result.nr_steps, "buddy_free", &total);
	assert_int_equal(good, total - 1);
	validate_free(&result);
	remove_copy(&c);
}

/* A line that the kernel wrote is missing: the step that belongs to it is one too many. */
static void a_missing_line_is_found(void **state)
{
	struct validate_result result;
	struct kms_error err;
	struct copy c;
	char *line, *end;

	(void)state;
	make_copy(&c);
	line = nth(c.trace, " S_GET_FREELIST ", 100);
	while (line[-1] != '\n')
		line--;
	end = strchr(line, '\n') + 1;
	memmove(line, end, strlen(end) + 1);
	assert_int_equal(run(&c, &plainly, &result, &err), 0);
	assert_false(result.ok);
	assert_true(result.exact < 100);
	assert_true(result.exact > 99.9);
	validate_free(&result);
	remove_copy(&c);
}

static void a_wrong_snapshot_is_found(void **state)
{
	struct validate_result result;
	struct kms_error err = {0};
	struct copy c;
	char *text, *line;
	size_t bytes;

	(void)state;
	make_copy(&c);
	assert_int_equal(recording_file(UP, "state-start.txt", &text, &bytes, &err), 0);
	line = nth(text, "\nPCPL ", 1);
	line = strchr(line, ':') + 2;
	*line = *line == '3' ? '2' : '3';
	put(&c, "state-start.txt", text);
	free(text);
	assert_int_equal(run(&c, &plainly, &result, &err), 0);
	assert_false(result.ok);
	assert_int_equal(result.snapshots[result.nr_snapshots - 1].different, 1);
	assert_string_equal(result.snapshots[result.nr_snapshots - 1].name, "start");
	assert_non_null(strstr(result.misses[0].expected, "state-start.txt:"));
	validate_free(&result);
	remove_copy(&c);
}

/* ---- damaged ---- */

static void expect_error(struct copy *c, const char *words)
{
	struct validate_result result;
	struct kms_error err;

	assert_int_equal(run(c, &plainly, &result, &err), KMS_EUSAGE);
	if (!strstr(err.text, words))
		fail_msg("expected \"%s\" in \"%s\"", words, err.text);
	validate_free(&result);
}

static void damage_is_refused(void **state)
{
	struct copy c;
	char *line, saved;

	(void)state;
	make_copy(&c);
	line = nth(c.trace, " PCP_ALLOC ", 10);
	line[5] = 'E'; /* PCP_ELLOC */
	expect_error(&c, "unknown event \"PCP_ELLOC\", did you mean \"PCP_ALLOC\"?");
	line[5] = 'A';
	saved = line[11];
	line[11] = 'q';
	expect_error(&c, "expected a hexadecimal number");
	line[11] = saved;
	line = nth(c.trace, " S_FAST_ALLOC ", 5);
	memcpy(line, " L_", 3);
	expect_error(&c, "unknown event \"L_FAST_ALLOC\"");
	memcpy(line, " S_", 3);
	line = nth(c.trace, "MARK DUMP state-before", 1);
	memcpy(line, "MARK JUMP", 9);
	expect_error(&c, "has to begin with empty free lists");
	memcpy(line, "MARK DUMP", 9);
	line = nth(c.trace, "\n", 1000);
	line[5] = 0; /* the end of the file in the middle of a line */
	expect_error(&c, "trace.txt:1001:");
	remove_copy(&c);
}

/* The zones of the machine come from any other dump then. */
static void missing_dumps_are_told(void **state)
{
	struct validate_result result;
	struct kms_error err;
	struct copy c;
	char path[200];

	(void)state;
	make_copy(&c);
	snprintf(path, sizeof(path), "%s/state-before_mem_init.txt", c.dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/state-after_kmem_cache_init.txt", c.dir);
	unlink(path);
	assert_int_equal(run(&c, &plainly, &result, &err), 0);
	assert_true(result.ok);
	assert_int_equal(result.missing_dumps, 1);
	assert_int_equal(result.nr_snapshots, 2);
	validate_free(&result);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(dumps); i++) {
		snprintf(path, sizeof(path), "%s/%s", c.dir, dumps[i]);
		unlink(path);
	}
	expect_error(&c, "none of the dumps that its trace names");
	remove_copy(&c);
}

/* ---- settings ---- */

static void expect_setting_refused(struct copy *c, const char *file, const char *text,
				   const char *words)
{
	char path[200];

	put(c, file, text);
	expect_error(c, words);
	snprintf(path, sizeof(path), "%s/%s", c->dir, file);
	unlink(path);
}

static void what_cannot_be_replayed_is_refused(void **state)
{
	struct copy c;

	(void)state;
	make_copy(&c);
	expect_setting_refused(&c, "cmdline.txt", "quiet slub_debug=FZ rdinit=/init\n",
			       "cmdline.txt: \"slub_debug=FZ\"");
	expect_setting_refused(&c, "cmdline.txt", "page_alloc.shuffle=1", "shuffled");
	expect_setting_refused(&c, "kernel.config",
			       "#\nCONFIG_SLUB=y\nCONFIG_SLAB_FREELIST_RANDOM=y\n",
			       "kernel.config: found \"CONFIG_SLAB_FREELIST_RANDOM=y\"");
	remove_copy(&c);
}

/* A setting that changes results does: the recorded kernel did not have it. */
static void settings_are_heeded(void **state)
{
	static const char *const lines[][2] = {
		{"cmdline.txt", "slub_min_objects=32"},
		{"cmdline.txt", "slub_min_order=1"}, {"cmdline.txt", "slub_max_order=1"},
		{"kernel.config", "\n# CONFIG_SLUB_CPU_PARTIAL is not set\n"},
	};
	struct validate_result result;
	struct kms_error err;
	char path[200];
	struct copy c;

	(void)state;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(lines); i++) {
		make_copy(&c);
		strchr(nth(c.trace, "MARK DUMP state-after_kmem", 1), '\n')[1] = 0;
		put(&c, lines[i][0], lines[i][1]);
		assert_int_equal(run(&c, &plainly, &result, &err), 0);
		assert_false(result.ok);
		validate_free(&result);
		snprintf(path, sizeof(path), "%s/%s", c.dir, lines[i][0]);
		unlink(path);
		remove_copy(&c);
	}
}

/* A table of /proc: right as recorded, and a wrong figure in it is found. */
static void a_wrong_view_is_found(void **state)
{
	static const char *const wrong[][2] = {
		{"Node 0, zone    DMA32 ", "buddyinfo"}, {"zone    DMA32, type      Movable ", "pagetypeinfo"},
		{"        spanned  ", "zoneinfo"}, {"\nkmalloc-64    ", "slabinfo"},
	};
	struct kms_error err = {0};
	struct copy c;
	char *text;
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(wrong); i++) {
		struct validate_result result;
		char *at, path[200];

		make_copy(&c);
		assert_int_equal(recording_file(UP, "procfs-start.txt", &text, &bytes, &err), 0);
		at = nth(text, wrong[i][0], 1) + strlen(wrong[i][0]);
		at += strspn(at, " ");
		*at = *at == '9' ? '8' : (char)(*at + 1);
		put(&c, "procfs-start.txt", text);
		free(text);
		assert_int_equal(run(&c, &plainly, &result, &err), 0);
		assert_false(result.ok);
		assert_int_equal(result.nr_misses, 1);
		assert_non_null(strstr(result.misses[0].expected, wrong[i][1]));
		validate_free(&result);
		snprintf(path, sizeof(path), "%s/procfs-start.txt", c.dir);
		unlink(path);
		remove_copy(&c);
	}
}

static void other_folders_are_refused(void **state)
{
	struct validate_result result;
	struct kms_error err = {0};

	(void)state;
	assert_int_equal(validate_recording("tests/unit", &plainly, &result, &err), KMS_EUSAGE);
	assert_non_null(strstr(err.text, "tests/unit is no recording"));
	validate_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_is_exact), cmocka_unit_test(smp_is_exact),
		cmocka_unit_test(pressure_is_exact),
		cmocka_unit_test(pressure_on_four_cpus_is_exact),
		cmocka_unit_test(dying_caches_are_exact),
		cmocka_unit_test(three_nodes_are_exact),
		cmocka_unit_test(other_orders_are_exact),
		cmocka_unit_test(zone_normal_is_exact), cmocka_unit_test(every_line_counts),
		cmocka_unit_test(a_wrong_answer_is_found), cmocka_unit_test(resync_goes_on_exactly),
		cmocka_unit_test(a_wrong_step_is_found), cmocka_unit_test(a_missing_line_is_found),
		cmocka_unit_test(a_wrong_snapshot_is_found), cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(missing_dumps_are_told), cmocka_unit_test(other_folders_are_refused),
		cmocka_unit_test(what_cannot_be_replayed_is_refused),
		cmocka_unit_test(settings_are_heeded), cmocka_unit_test(a_wrong_view_is_found),
	};

	return cmocka_run_group_tests_name("validate_replay", tests, NULL, NULL);
}
