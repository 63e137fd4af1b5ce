/*
 * golden_errors.c - bad golden files: where, what was found, what was expected;
 * and no crash, whatever is in them.
 */
#include "tests/unit/golden_fixture.h"

#define ZONE "Z pre 0 start 1024 span 4096 managed 4096 wm 10 20 30 boost 0 free %d " \
	     "lowres 0 0 0 0 high 20 batch 7\nD pre 0 diff 0 thr 2\nC pre 0 count %d high 20 batch 7 ff 0\n"

static const struct bad_file {
	const char *text, *message; /* without the path in front */
} bad_files[] = {
	{ "", ": no test in 0 lines, expected R, R2, S or K" },
	{ "X 1\n", ":1:1: found 'X', expected a test (R, R2, S, K, B) or a line of state" },
	{ "S 64 1 10 3\nSE\n", ":1: found 4 numbers, expected 'S size ncpu N seed cap, or" },
	{ "S 64 1 10 x 5\nSE\n", ":1:11: found 'x', expected a decimal number" },
	{ "S 64 1 10 3 5\n12 0\n", ":2: the file ends inside the test of line 1, expected 'SE'" },
	{ "S 64 1 10 3 5\n12\nSE\n", ":2:3: found the end of the line, expected an offset in hex" },
	{ "S 64 1 10 3 5\n12 0\nRE\n", ":3:1: found 'RE', expected 'SE'" },
	{ "S 64 1 10 3 5\n12 0\nSE\n", ":3: the test of line 1 ends after 1 answers, its steps ask for more" },
	{ "S 64 1 1 3 5\n12 0\n12 40\nSE\n", ":3: the test of line 1 has 2 answers, its steps ask for 1" },
	{ "S 64 0 10 3 5\nSE\n", ":1: found size 64, 0 CPUs, 10 steps, 5 objects, expected" },
	{ "R 1 2\nRE\n", ":1: found 2 numbers, expected 'R n1 n2 n3'" },
	{ "R 1 0 0\n12z\nRE\n", ":2:1: found '12z', expected an answer in hex" },
	{ "R 1 0 0\n12\nRE\n", ":1: a page test, but the file has no snapshot 'pre' to start from" },
	{ "L pre 0 0 0 0:\n", ":1:7: found '0', expected a zone whose Z line came before" },
	{ "Z pre 0 begin 1\n", ":1:9: found 'begin', expected 'start'" },
	{ "Z pre 9 start 1\n", ":1:7: found '9', expected a zone: 0 DMA" },
	{ ZONE "L pre 0 0 0 1: 1399 139a\n", ":1: snapshot 'pre' counts 1 free blocks of order 0 in its zone 0, but lists 2" },
	{ ZONE "L pre 0 1 0 1: 401\n", ":4: frame 0x401 is not aligned to order 1" },
	{ ZONE "L pre 0 0 0 1: 1400\n", ":4: frame 0x1400, order 0, lies outside its zone (0x400 to 0x13ff)" },
	{ ZONE "L pre 0 0 4 1: 400\n", ":4: there is no such list" },
	{ ZONE "L pre 0 11 0 1: 400\n", ":4:9: found '11', expected an order from 0 to 10" },
	{ ZONE "Q pre 0 0: 400\n", ":4:15: found the end of the line, expected '/'" },
	{ ZONE "Q pre 0 0: 400/7\n", ":4: frame 0x400 carries type 7, expected 0 to 3" },
	{ ZONE "T pre 0:0123\n", ":4: types of 4 pageblocks, expected 8" },
	{ ZONE "T pre 0:01230177\n", ":4:15: found '77', expected a pageblock's type" },
	{ ZONE ZONE, ":4: zone 0 of node 0 overlaps zone 0 of node 0" },
	{ "Z pre 0 start 1024 span 4096 managed 4096 wm 10 20 30 boost 0 free 0 lowres 0 0 0 0 high 2 "
	  "batch 7\nR 1 0 0\n12\nRE\n",
	  ":1: snapshot 'pre' has 1 zones (Z lines) and 0 C lines, expected one for each" },
	{ "G 3 1000 3: 0,3\nS 8 1 2 3 0 0 8\n8\nSE\n", ":1: found \" 3 1000 3: 0,3\", expected a list (0 to 2)" },
	{ "B\nG 0 1000 4: 0,3\nS 8 1 2 3 0 0 8\n8\nSE\n", ":2: found \" 0 1000 4: 0,3\", expected a list" },
	{ "G 0 1000 4: 2,2 0,2\nS 8 1 2 3 0 0 8\n8\nSE\n", ":1: found \" 0 1000 4: 2,2 0,2\", expected" },
	{ "R 1 0 0 \001\n", ":1:9: found '?', expected a decimal number" },
};

static void messages(void **state)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(bad_files); i++) {
		struct kms_error err = { 0 };
		const char *expected = bad_files[i].message;
		char text[2048], path[64];
		int rc;

		snprintf(text, sizeof(text), bad_files[i].text, 0, 0, 0, 0);
		rc = validate_bytes(text, strlen(text), path, &err);
		if (rc != KMS_EUSAGE)
			fail_msg("case %zu: returned %d (%s), expected %s", i, rc, err.text, expected);
		if (strncmp(err.text, path, strlen(path)) ||
		    strncmp(err.text + strlen(path), expected, strlen(expected)))
			fail_msg("case %zu: \"%s\", expected \"%s\"", i, err.text, expected);
	}
}

/* Lists that contradict each other are found before anything is replayed. */
static void contradictions(void **state)
{
	static const char *const lists[][2] = {
		{ "L pre 0 0 0 2: 500 500\n", "" }, /* twice on a list */
		{ "L pre 0 0 0 1: 502\nL pre 0 2 0 1: 500\n", "is free twice" },
		{ "L pre 0 0 0 2: 500 501\n", "and its buddy are free and not merged" },
		{ "L pre 0 0 0 1: 500\n", "NR_FREE_PAGES is" },
		{ "Q pre 0 0: 500/0\n", "" },
	};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(lists); i++) {
		struct kms_error err = { 0 };
		char text[2048], path[64];
		int n = snprintf(text, sizeof(text), ZONE "%sR 1 0 0\n12\nRE\n", i == 3 ? 7 : i == 1 ? 5 : i == 4 ? 0 : 2, 0,
				 lists[i][0]);

		assert_int_equal(validate_bytes(text, (size_t)n, path, &err), KMS_EUSAGE);
		if (!strstr(err.text, ":1: snapshot 'pre': the recorded state contradicts itself: ") ||
		    !strstr(err.text, lists[i][1]))
			fail_msg("case %zu: \"%s\"", i, err.text);
	}
}

static void no_such_file(void **state)
{
	struct kms_error err = { 0 };

	assert_int_equal(golden_validate("/nonexistent/file", &report, &err), KMS_EUSAGE);
	assert_string_equal(err.text, "cannot read '/nonexistent/file': No such file or directory");
	err = (struct kms_error){ 0 };
	assert_int_equal(golden_validate("/tmp", &report, &err), KMS_EUSAGE);
	assert_string_equal(err.text, "cannot read '/tmp': Is a directory");
}

/* ---- anything else ---- */

static const char seed_file[] =
	"Z pre 0 start 1024 span 4096 managed 4096 wm 10 20 30 boost 0 free 1541 lowres 0 0 0 0 high 30 batch 7\n"
	"D pre 0 diff 1 thr 2\n"
	"C pre 0 count 2 high 30 batch 7 ff 0 ha 0 fl 0\n"
	"L pre 0 0 0 2: 500 502\nL pre 0 2 1 1: 504\nL pre 0 9 1 1: 600\nL pre 0 10 1 1: 800\n"
	"Q pre 0 0: 508/0\nQ pre 0 1: 50a/1\nT pre 0:01111111\n"
	"R 12 8 8\n50a\n500\n502\n508\n800\n600\n610\n504\n900\n901\n902\n903\n904\n905\n906\n907\nRE\n"
	"S 64 1 8 3 5\n12 0\n12 40\n12 80\n12 c0\n13 0\nSE\n";

static u64 roll(u64 *x)
{
	*x = *x * 6364136223846793005ull + 1442695040888963407ull;
	return *x >> 33;
}

/* Results do not matter; sanitizers and the test's end do. */
static void any_bytes(void **state)
{
	static const char alphabet[] = "0123456789abcdef :/\nRSLQTZDCE";
	u32 rounds = getenv("KMS_SOAK") ? 20000 : 1500, accepted = 0;
	u64 x = 1;

	validate_text(seed_file); /* as it stands it is replayed, to wrong answers */
	assert_false(report.ok);

	for (u32 i = 0; i < rounds; i++) {
		char bytes[sizeof(seed_file)], path[64];
		struct kms_error err = { 0 };
		size_t n = sizeof(seed_file) - 1;

		memcpy(bytes, seed_file, sizeof(bytes));
		for (u64 k = roll(&x) % 4; k != ~0ull; k--)
			bytes[roll(&x) % n] = roll(&x) % 8 ? alphabet[roll(&x) % (sizeof(alphabet) - 1)]
							   : (char)roll(&x);
		if (!(roll(&x) % 4))
			n = roll(&x) % n;
		accepted += !validate_bytes(bytes, n, path, &err);
		assert_true(err.code == KMS_OK || err.code == KMS_EUSAGE);
	}
	assert_true(accepted > 0 && accepted < rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(no_such_file),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests_name("golden_errors", tests, NULL, NULL);
}
