/*
 * reader_findings.c - what the fuzzers (tests/fuzz) found in readers of outside data, each once
 * more, and what had to be there for it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "models/mm/inspect.h"
#include "sim/cli/cli.h"
#include "sim/config/cfg.h"
#include "sim/engine/crash.h"
#include "sim/memtrace/memtrace.h"
#include "sim/run/run.h"
#include "sim/validate/golden.h"
#include "sim/validate/validate.h"
#include "tests/unit/trace_common.h"
#include "workloads/import.h"
#include "workloads/text.h"

static struct kms_error err;

static void refused(int rc, const char *message)
{
	if (rc != KMS_EUSAGE || !strstr(err.text, message))
		fail_msg("returned %d (%s), expected \"%s\"", rc, err.text, message);
	err = (struct kms_error){0};
}

/* ---- crash.h ---- */

static void touch_nothing(void *arg)
{
	*(volatile int *)arg = 1;
}

static void stay(void *arg)
{
	for (volatile u64 i = 0;; i++)
		;
}

static void do_nothing(void *arg)
{
}

static void crashes_come_back(void **state)
{
	int here = 0;

	assert_true(crash_run(do_nothing, NULL, 1));
	assert_true(crash_run(touch_nothing, &here, 1));
	assert_int_equal(here, 1);
	assert_false(crash_run(touch_nothing, (void *)0x1000, 1));
	assert_false(crash_run(stay, NULL, 1));
	assert_true(crash_run(do_nothing, NULL, 1));
}

/* ---- outputs ---- */

static void only_files_are_replaced(void **state)
{
	struct stat st;

	write_file(in_dir("old"), "x", 1);
	assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
	assert_int_equal(kms_check_output(in_dir("old"), &err), 0);
	assert_int_equal(kms_check_output(in_dir("new"), &err), 0);
	refused(kms_check_output(test_dir, &err), "found a directory, expected a regular file");
	refused(kms_check_output(in_dir("pipe"), &err), "found a device or pipe");
	write_file(in_dir("a.rep"), "0\n1\n2\n1\na 0 10\nf 0\n", 20);
	refused(import_recording(in_dir("a.rep"), in_dir("pipe"), &(struct import_result){0}, &err), "a device or pipe");
	assert_int_equal(stat(in_dir("pipe"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

/* ---- recordings ---- */

static const char zones[] = "DUMP name=before_mem_init online_cpus=1 nodes=1\n"
			    "ZONE 0 1 name=DMA32 start_pfn=1000 spanned=4096 present=4096\n";

static int validate(const char *dump, const char *trace)
{
	const struct validate_options options = {.shown = 1};
	struct validate_result result;
	int rc;

	write_file(in_dir("state-before_mem_init.txt"), dump, strlen(dump));
	write_file(in_dir("trace.txt"), trace, strlen(trace));
	rc = validate_recording(test_dir, &options, &result, &err);
	validate_free(&result);
	return rc;
}

/* The last line ends within its first four numbers. */
static void recordings_that_end_early(void **state)
{
	static const char *const ends[] = {"5", "5 ", "5 0", "5 0 ", "5 0 c", "5 0 c ", "5 0 c 0"};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(ends); i++)
		refused(validate(zones, ends[i]), "trace.txt:1:");
}

static void zones_that_cannot_be(void **state)
{
	static const char *const bad[] = {
		"ZONE 0 1 name=DMA32 start_pfn=1000 spanned=61 present=61440",
		"ZONE 0 4 name=DMA32 start_pfn=1000 spanned=4096 present=4096",
		"ZONE 64 1 name=DMA32 start_pfn=1000 spanned=4096 present=4096",
		"ZONE 0 1 name=DMA32 start_pfn=1000 spanned=40z6 present=40",
		"ZONE 0 1 name=DMA32 start_pfn=1000 spanned=1099511627776 present=1",
		"ZONE 0 1 name=DMA32 start_pfn=ffffffffffffffff spanned=2 present=1",
	};
	char dump[400];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(bad); i++) {
		snprintf(dump, sizeof(dump), "DUMP name=before_mem_init online_cpus=1 nodes=1\n%s\n", bad[i]);
		write_file(in_dir("state-before_mem_init.txt"), dump, strlen(dump));
		write_file(in_dir("trace.txt"), "5 0 c 0 MARK init-start\n", 24);
		refused(import_recording(test_dir, in_dir("out.kmt"), &(struct import_result){0}, &err),
			"before_mem_init.txt:2: found \"ZONE");
		assert_int_not_equal(access(in_dir("out.kmt"), F_OK), 0);
	}
}

static void lists_beyond_their_page(void **state)
{
	static const char text[] = "B\nG 0 1000 119: 31,9223372036854775807\nS 8 1 2 3 0 0 8\n1000000\nSE\n";
	struct golden_report report;

	write_file(in_dir("golden"), text, sizeof(text) - 1);
	refused(golden_validate(in_dir("golden"), &report, &err), ":2: found");
}

/* ---- memory traces ---- */

static void accesses_beyond_the_address_space(void **state)
{
	static struct memtrace_result result;
	struct memtrace_options o = {.trace = in_dir("trace")};
	u64 words[3];

	write_file(o.trace, "I 1000,4\n L ffffffffffffffff,2\n", 31);
	refused(memtrace_cachegrind(&o, &result, &err), "trace:2:");
	memcpy(words, "KMSACC1\n", 8);
	words[1] = 0x1000ull << 14 | 1;
	words[2] = ~0ull << 14 | 1 << 2 | 1;
	write_file(o.trace, words, sizeof(words));
	refused(memtrace_cachegrind(&o, &result, &err), "record 2: found an access of 2 bytes at 0xffffffffffffffff");
	write_file(o.trace, "# nothing\n", 10);
	refused(memtrace_dram_only(&o, &result, &err), "no access in this trace");
}

/* ---- traces that no kernel made ---- */

#define HEAD "# kmemsim trace as text, version 1\nsource \"x\"\nkernel \"\"\nallocator \"\"\ncpus 1\nnodes 1\n" \
	     "min-free-kbytes 0\n"

static int run_text(const char *text, const char *layer)
{
	static struct experiment_config config;
	struct run_options options = {.check = true};
	char setting[64], trace[300];
	const char *settings[] = {setting, trace};
	struct store *store;
	struct cfg *cfg;
	u64 requests;
	char *json;
	s64 id;
	int rc;

	write_file(in_dir("trace.txt"), text, strlen(text));
	if (trace_from_text(in_dir("trace.txt"), in_dir("trace.kmt"), &requests, &err))
		return err.code;
	snprintf(setting, sizeof(setting), "allocator.slab=%s", layer);
	snprintf(trace, sizeof(trace), "workload.trace=%s", in_dir("trace.kmt"));
	rc = cfg_load_text(&cfg, &experiment_config_table, &config,
			   "{\"machine\": {\"cpus\": 1, \"memory\": {\"size\": \"64MiB\"}}, \"timing\": \"functional\","
			   " \"workload\": {\"trace\": \"x\", \"memory\": \"machine\"}}",
			   "text", ".", settings, 2, &err);
	assert_int_equal(rc, 0);
	json = cfg_resolved(cfg);
	assert_int_equal(store_open(&store, ":memory:", STORE_WRITE, &err), 0);
	rc = run_experiment(&config, json, store, &options, &id, &err);
	store_close(store, NULL);
	free(json);
	cfg_free(cfg);
	return rc;
}

static const char *const layers[] = {"slub", "slab", "slob", "sheaves", "noslab"};

static void slab_caches_that_cannot_be(void **state)
{
	static const char *const bad[] = {"0 8 0x0 0 0 0", "8388608 8 0x0 0 0 0", "64 3 0x0 0 0 0", "64 1048576 0x0 0 0 0",
					  "64 8 0x0 60 5 0"};
	char text[600];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), HEAD "cache 0 %s \"odd\"\nsite 0 \"\"\nphase 0 \"p\"\nrequests\n0 0 phase\n"
			 "10 0 cache_create cache=0\n", bad[i]);
		for (size_t k = 0; k < KMS_ARRAY_SIZE(layers); k++)
			refused(run_text(text, layers[k]), "slab cache 0, 'odd'");
	}
}

/* kmalloc(0) answers an address that is no memory. */
static void nothing_can_be_asked_for(void **state)
{
	static const char text[] = HEAD "site 0 \"\"\nphase 0 \"p\"\nrequests\n0 0 phase\n10 0 kmalloc gfp=0xcc0 0.0\n"
					"20 0 kmalloc size=8 gfp=0xcc0 1.0\n30 0 kfree 0.0\n40 0 kfree 1.0\n";

	for (size_t k = 0; k < KMS_ARRAY_SIZE(layers); k++)
		if (run_text(text, layers[k]))
			fail_msg("%s: %s", layers[k], err.text);
}

static void frees_of_another_kind(void **state)
{
	static const char *const bad[] = {
		"10 0 page_alloc gfp=0xcc0 0.0\n20 0 kfree 0.0\n",
		"10 0 page_alloc gfp=0xcc0 0.0\n20 0 cache_free 0.0\n",
		"10 0 kmalloc size=64 gfp=0xcc0 0.0\n20 0 page_free 0.0\n",
		"10 0 kmalloc size=64 gfp=0xcc0 0.0\n20 0 page_split 0.0\n",
		"10 0 page_alloc order=1 gfp=0xcc0 0.0\n15 0 page_split 0.0\n20 0 page_free_part part=2 0.0\n",
	};
	char text[600];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), HEAD "site 0 \"\"\nphase 0 \"p\"\nrequests\n0 0 phase\n%s", bad[i]);
		for (size_t k = 0; k < KMS_ARRAY_SIZE(layers); k++)
			refused(run_text(text, layers[k]), "does not suit what was allocated");
	}
}

/* ---- figures ---- */

static void counts_of_no_count(void **state)
{
	static const struct { double value; const char *text; } cases[] = {
		{1234.5, "1,235"}, {-1234.4, "-1,234"}, {0, "0"}, {-0.4, "0"}, {1e300, "1e+300"}, {-1e300, "-1e+300"},
	};
	char buf[32];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(cases); i++)
		assert_string_equal(cli_rounded(buf, sizeof(buf), cases[i].value), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crashes_come_back),
		cmocka_unit_test(only_files_are_replaced),
		cmocka_unit_test(recordings_that_end_early),
		cmocka_unit_test(zones_that_cannot_be),
		cmocka_unit_test(lists_beyond_their_page),
		cmocka_unit_test(accesses_beyond_the_address_space),
		cmocka_unit_test(slab_caches_that_cannot_be),
		cmocka_unit_test(nothing_can_be_asked_for),
		cmocka_unit_test(frees_of_another_kind),
		cmocka_unit_test(counts_of_no_count),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
