/*
 * golden_replay.c - golden vectors give the kernel's answers, and a replay
 * notices when they do not.
 */
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/golden_fixture.h"

static void expect_all(const char *name, const char *kind, u64 answers, int final_state)
{
	struct kms_error err = { 0 };
	u64 total, exact;

	if (golden_validate(name, &report, &err))
		fail_msg("%s", err.text);
	golden_sum(&report, kind, &total, &exact);
	assert_int_equal(total, answers);
	if (report.nr_notes)
		fail_msg("%s: %s", name, report.notes[0]);
	assert_int_equal(exact, total);
	assert_int_equal(report.final_state, final_state);
	assert_true(report.ok);
}

/* ---- the kernel's answers ---- */

static void two_zones(void **state)
{
	expect_all(GOLDEN_DIR "page-r-2zones.txt.zst", "R", 26571, 1);
}

/* The no-fragment preference shows here: zone NORMAL above a populated DMA32. */
static void three_zones(void **state)
{
	expect_all(GOLDEN_DIR "page-r-3zones.txt.zst", "R", 33302, 1);
}

/* Exhaustion, watermark boost, urgent requests. */
static void movable_first(void **state)
{
	expect_all(GOLDEN_DIR "page-r2-movable.txt.zst", "R2", 190846, 1);
}

/* Small steals, high-atomic reserve. */
static void unmovable_first(void **state)
{
	expect_all(GOLDEN_DIR "page-r2-unmovable.txt.zst", "R2", 273372, 1);
}

/* Object sizes of one to many a slab, bulk, shrink. */
static void slub_plain(void **state)
{
	expect_all(GOLDEN_DIR "slub-plain.txt.zst", "S", 55684, -1);
	expect_all(GOLDEN_DIR "slab-plain.txt.zst", "S", 38559, -1);
	expect_all(GOLDEN_DIR "slob-plain.txt.zst", "S", 38559, -1);
	expect_all(GOLDEN_DIR "slob-plain.txt.zst", "K", 6019, -1);
}

static void slub_shuffled(void **state)
{
	expect_all(GOLDEN_DIR "slub-shuffled.txt.zst", "S", 23076, -1);
}

/* ---- it can fail ---- */

static void a_changed_frame_is_one_miss(void **state)
{
	size_t n;
	char *text = unpacked(GOLDEN_DIR "page-r-2zones.txt.zst", &n);
	char *line = strchr(strstr(text, "\nR ") + 1, '\n') + 1;

	for (int i = 0; i < 100; i++)
		line = strchr(line, '\n') + 1;
	*line = '7'; /* of a machine whose frames end at 3ffdf */
	validate_text(text);
	free(text);
	assert_int_equal(inexact("R"), 1);
	assert_int_equal(report.nr_notes, 1);
	assert_non_null(strstr(report.notes[0], "expected frame 0x7"));
	assert_int_equal(report.final_state, 1); /* the model went its own, right way */
	assert_false(report.ok);
}

/* The list's first two frames that take the same number of digits change places. */
static void exchange_neighbours(char *list)
{
	char *a = strstr(list, ": ") + 2, *b, frame[16];
	size_t n;

	for (;; a = b) {
		n = strcspn(a, " \n");
		assert_true(a[n] == ' ');
		b = a + n + 1;
		if (strcspn(b, " \n") == n)
			break;
	}
	memcpy(frame, a, n);
	memcpy(a, b, n);
	memcpy(b, frame, n);
}

static void a_changed_order_is_a_different_state(void **state)
{
	size_t n;
	char *text = unpacked(GOLDEN_DIR "page-r-2zones.txt.zst", &n);
	char *list = strstr(text, "\nL post 1 0 0 ");

	assert_non_null(list);
	exchange_neighbours(list);
	validate_text(text);
	free(text);
	assert_int_equal(inexact("R"), 0);
	assert_int_equal(report.final_state, 0);
	assert_int_equal(report.state_differs, 1);
	assert_non_null(strstr(report.notes[0], "free list of order 0 type 0: entry "));
	assert_false(report.ok);
}

/* The state before matters: start with two blocks of the first list exchanged. */
static void another_start_gives_other_answers(void **state)
{
	size_t n;
	char *text = unpacked(GOLDEN_DIR "page-r-2zones.txt.zst", &n);
	char *list = strstr(text, "\nL pre 1 10 1 ");

	assert_non_null(list);
	exchange_neighbours(list);
	validate_text(text);
	free(text);
	assert_true(inexact("R") > 100);
	assert_int_equal(report.final_state, 0);
}

static void without_a_final_state_there_is_none(void **state)
{
	size_t n;
	char *text = unpacked(GOLDEN_DIR "page-r-2zones.txt.zst", &n), *from, *to;

	from = strstr(text, "\nZ post ");
	to = strstr(text, "\nR ");
	memmove(from, to, strlen(to) + 1);
	validate_text(text);
	free(text);
	assert_int_equal(inexact(NULL), 0);
	assert_int_equal(report.final_state, -1);
	assert_true(report.ok);
}

/* ---- slabs ---- */

static void a_changed_object_of_others_is_noticed(void **state)
{
	static const char *const files[] = { GOLDEN_DIR "slab-plain.txt.zst", GOLDEN_DIR "slob-plain.txt.zst" };

	for (size_t i = 0; i < KMS_ARRAY_SIZE(files); i++) {
		size_t n;
		char *text = unpacked(files[i], &n), *line = line_at(text, 1002);
		char *digit = line + strcspn(line, "\n") - 2;

		*digit = *digit == '0' ? '1' : '0';
		validate_text(text);
		free(text);
		assert_true(inexact("S") >= 1);
		assert_false(report.ok);
	}
}

static void a_changed_object_is_noticed(void **state)
{
	size_t n;
	char *text = unpacked(GOLDEN_DIR "slub-plain.txt.zst", &n);
	char *line = line_at(text, 1002);

	line[4] = line[4] == '0' ? '1' : '0'; /* 26x....: another object of the same slab */
	validate_text(text);
	free(text);
	assert_true(inexact("S") >= 1 && inexact("S") < 10);
	assert_non_null(strstr(report.notes[0], "line 1002: "));
	assert_false(report.ok);
}

/*
 * Exchange two objects of one slab wherever they occur: each binds to the
 * other's place and answers repeat as they should, but the slab's order is no
 * rotation of the others' any more.
 */
static void one_slab_of_another_order_is_noticed(void **state)
{
	size_t n;
	char *text = unpacked(GOLDEN_DIR "slub-shuffled.txt.zst", &n), *line, *end;
	char slab[8];
	u64 changed = 0;

	line = line_at(text, 900);
	snprintf(slab, sizeof(slab), "%.5s", line); /* "38a3 " */
	end = strstr(text, "SE\n");
	for (line = line_at(text, 2); line < end; line = strchr(line, '\n') + 1) {
		if (strncmp(line, slab, 5) || (strncmp(line + 5, "a00\n", 4) && strncmp(line + 5, "100\n", 4)))
			continue;
		line[5] = line[5] == 'a' ? '1' : 'a';
		changed++;
	}
	assert_true(changed > 2);
	validate_text(text);
	free(text);
	assert_true(inexact("S") > 0);
	assert_false(report.ok);
}

/* A slab recorded in two places at once: the second is refused. */
static void one_recorded_slab_is_not_two(void **state)
{
	size_t n;
	char *text = unpacked(GOLDEN_DIR "slub-plain.txt.zst", &n), *line, *end;
	char first[8] = "", second[8] = "";

	end = strstr(text, "SE\n");
	for (line = line_at(text, 3); line < end; line = strchr(line, '\n') + 1) {
		if (!*first)
			snprintf(first, sizeof(first), "%.4s", line);
		else if (!*second && strncmp(line, first, 4))
			snprintf(second, sizeof(second), "%.4s", line);
		if (*second && !strncmp(line, second, 4))
			memcpy(line, first, 4);
	}
	validate_text(text);
	free(text);
	assert_true(inexact("S") > 10);
}

/* ---- files ---- */

static void packed_files_are_the_same(void **state)
{
	struct kms_error err = { 0 };
	size_t n, packed_bytes;
	char *text = unpacked(GOLDEN_DIR "slub-shuffled.txt.zst", &n), *packed, path[64];
	gzFile gz;

	validate_text(text);
	assert_true(report.ok);
	temporary_file(path, "", 0);
	gz = gzopen(path, "wb");
	assert_int_equal(gzwrite(gz, text, (unsigned)n), n);
	gzclose(gz);
	assert_int_equal(golden_validate(path, &report, &err), 0);
	assert_true(report.ok);
	unlink(path);
	packed = malloc(ZSTD_compressBound(n));
	/* two frames in one file */
	packed_bytes = ZSTD_compress(packed, ZSTD_compressBound(n), text, n / 2, 3);
	packed_bytes += ZSTD_compress(packed + packed_bytes, ZSTD_compressBound(n) - packed_bytes,
				      text + n / 2, n - n / 2, 3);
	assert_int_equal(validate_bytes(packed, packed_bytes, path, &err), 0);
	assert_true(report.ok);
	free(packed);
	free(text);
}

static void truncated_files_are_refused(void **state)
{
	struct kms_error err = { 0 };
	char packed[60000], path[64];
	FILE *f = fopen(GOLDEN_DIR "page-r-2zones.txt.zst", "rb");
	size_t n = fread(packed, 1, sizeof(packed), f);

	fclose(f);
	assert_int_equal(n, sizeof(packed)); /* there is more */
	assert_int_equal(validate_bytes(packed, n, path, &err), KMS_EUSAGE);
	assert_non_null(strstr(err.text, "damaged"));
	assert_non_null(strstr(err.text, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_zones),
		cmocka_unit_test(three_zones),
		cmocka_unit_test(movable_first),
		cmocka_unit_test(unmovable_first),
		cmocka_unit_test(slub_plain),
		cmocka_unit_test(slub_shuffled),
		cmocka_unit_test(a_changed_frame_is_one_miss),
		cmocka_unit_test(a_changed_order_is_a_different_state),
		cmocka_unit_test(another_start_gives_other_answers),
		cmocka_unit_test(without_a_final_state_there_is_none),
		cmocka_unit_test(a_changed_object_is_noticed),
		cmocka_unit_test(a_changed_object_of_others_is_noticed),
		cmocka_unit_test(one_slab_of_another_order_is_noticed),
		cmocka_unit_test(one_recorded_slab_is_not_two),
		cmocka_unit_test(packed_files_are_the_same),
		cmocka_unit_test(truncated_files_are_refused),
	};

	return cmocka_run_group_tests_name("golden_replay", tests, NULL, NULL);
}
