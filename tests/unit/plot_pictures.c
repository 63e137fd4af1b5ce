/*
 * plot_pictures.c - every plot type drawn from made-up runs: files, byte stability, hostile text, failures.
 */
#include "tests/unit/store_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "plots/plot.h"

static struct kms_error err;
static struct store *pictures;
static s64 slub, noslab, functional, hostile;

#define HOSTILE                                                                                        \
	"it's \"q\" \\ back`touch owned`\\n _a ^b {c} @d %s <b>&amp; \033[31mred\n' ; system('touch owned'); # \xff\xc2\x9b end\\"

static int fill(void **state)
{
	struct sample_options a = {.name = "slub-up", .seed = 3},
			      b = {.name = "no-slab", .no_slab = true, .seed = 3};
	struct sample_options c = {.name = "frag only", .functional = true, .seed = 3};
	struct sample_options d = {.name = HOSTILE, .title = HOSTILE, .seed = 3};
	struct kms_error e = {0};

	/* what a later schema has of lines that move between CPUs */
	static const char lines[] =
		"CREATE TABLE IF NOT EXISTS hot_line (run, position, address, structure, owner, transfers, invalidations);"
		"CREATE TABLE IF NOT EXISTS hot_word (run, position, word, structure, owner, field, lock, reads, writes,"
		" readers, writers, caused, true_sharing, false_sharing);"
		"INSERT INTO hot_line (run, position, address, structure, owner, transfers, invalidations)"
		" SELECT id, 0, 64, 'struct zone', 'node 0', 900, 100 FROM run;"
		"INSERT INTO hot_word (run, position, word, structure, owner, field, lock, reads, writes, readers, writers,"
		" caused, true_sharing, false_sharing)"
		" SELECT id, 0, 1, 'struct zone', 'node 0', 'lock', 'zone', 50, 40, 4, 4, 90, 30, 50 FROM run;"
		"UPDATE slab_cache SET name = (SELECT name FROM run WHERE id = 4) || ' %s %d' WHERE run = 4 AND position = 0;"
		"UPDATE call_site SET name = (SELECT name FROM run WHERE id = 4) WHERE run = 4 AND name <> ''"
		" AND allocs = 90000;"
		"UPDATE lock_wait SET name = (SELECT name FROM run WHERE id = 4) WHERE run = 4 AND name = 'zone->lock'";

	if (make_test_dir(state) || store_open(&pictures, test_path("p.db"), STORE_WRITE, &e) ||
	    sample_run(pictures, &a, &slub, &e) || sample_run(pictures, &b, &noslab, &e) ||
	    sample_run(pictures, &c, &functional, &e) || sample_run(pictures, &d, &hostile, &e))
		return -1;
	return sqlite3_exec(store_db(pictures), lines, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static int clear(void **state)
{
	store_close(pictures, NULL);
	return remove_test_dir(state);
}

#define OPTIONS(name, axis) (&(struct plot_options){.dir = test_path(name), .x = (axis), .formats = 0xf})

static char *slurp(const char *dir, const char *name, size_t *n)
{
	char path[512], *text;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (stat(path, &st))
		return NULL;
	text = calloc(1, (size_t)st.st_size + 1);
	f = fopen(path, "r");
	*n = fread(text, 1, (size_t)st.st_size, f);
	fclose(f);
	return text;
}

static void draw(const char *type_name, const s64 *runs, u32 n, const char *dir)
{
	const struct plot_type *type;
	char why[256];

	memset(&err, 0, sizeof(err));
	assert_ok(plot_find_type(type_name, &type, &err), &err);
	if (plot_draw(pictures, type, runs, n, OPTIONS(dir, PLOT_X_DEFAULT), why, &err))
		fail_msg("%s: %s%s", type_name, err.text, why);
}

static void assert_same_file(const char *a, const char *b, const char *name)
{
	char *x, *y;
	size_t nx, ny;

	x = slurp(test_path(a), name, &nx);
	y = slurp(test_path(b), name, &ny);
	assert_non_null(x);
	assert_non_null(y);
	assert_int_equal(nx, ny);
	assert_memory_equal(x, y, nx);
	free(x);
	free(y);
}

static const char *const suffixes[] = {"tsv", "gp", "svg", "png", "pdf", "txt"};

static void all_types_draw_the_same_twice(void **state)
{
	s64 runs[] = {slub, noslab};

	for (size_t t = 0; plot_types[t]; t++) {
		const char *name = plot_types[t]->name;
		char file[64];

		draw(name, runs, plot_types[t]->min_runs, "one/folder");
		draw(name, runs, plot_types[t]->min_runs, "two");
		for (size_t s = 0; s < KMS_ARRAY_SIZE(suffixes); s++) {
			snprintf(file, sizeof(file), "%s.%s", name, suffixes[s]);
			assert_same_file("one/folder", "two", file);
		}
	}
}

static void images_are_images(void **state)
{
	char *image;
	size_t n;

	draw("free-blocks", &slub, 1, "img");
	image = slurp(test_path("img"), "free-blocks.png", &n);
	assert_true(n > 10000);
	assert_memory_equal(image, "\x89PNG\r\n\x1a\n", 8);
	assert_memory_equal(image + n - 8, "IEND", 4);
	free(image);
	image = slurp(test_path("img"), "free-blocks.svg", &n);
	assert_true(n > 10000);
	assert_non_null(strstr(image, "</svg>"));
	assert_non_null(strstr(image, "order 10 (4 MiB)"));
	assert_non_null(strstr(image, "free blocks"));
	assert_non_null(strstr(image, "untar"));
	free(image);
}

static void x_axis_as_asked(void **state)
{
	const struct plot_type *type;
	char why[256], *gp;
	size_t n;

	assert_ok(plot_find_type("free-blocks", &type, &err), &err);
	assert_ok(plot_draw(pictures, type, &slub, 1, OPTIONS("x", PLOT_X_TIME), why, &err), &err);
	gp = slurp(test_path("x"), "free-blocks.gp", &n);
	assert_non_null(strstr(gp, "simulated time [ms]"));
	free(gp);
	assert_ok(plot_draw(pictures, type, &slub, 1, OPTIONS("x", PLOT_X_DEFAULT), why, &err), &err);
	gp = slurp(test_path("x"), "free-blocks.gp", &n);
	assert_non_null(strstr(gp, "requests completed [thousands]"));
	free(gp);
	assert_ok(plot_draw(pictures, type, &functional, 1, OPTIONS("x", PLOT_X_TIME), why, &err), &err);
	gp = slurp(test_path("x"), "free-blocks.gp", &n);
	assert_non_null(strstr(gp, "requests completed")); /* time stands still */
	free(gp);
}

static void script_draws_again_by_itself(void **state)
{
	char command[512], *before, *after;
	size_t nb, na;

	draw("latency-split", &slub, 1, "again");
	before = slurp(test_path("again"), "latency-split.svg", &nb);
	snprintf(command, sizeof(command), "cd %s && rm *.svg *.png && gnuplot latency-split.gp",
		 test_path("again"));
	assert_int_equal(system(command), 0);
	after = slurp(test_path("again"), "latency-split.svg", &na);
	assert_non_null(after);
	assert_int_equal(nb, na);
	assert_memory_equal(before, after, nb);
	free(before);
	free(after);
}

static void several_runs_share_a_picture(void **state)
{
	s64 runs[] = {slub, noslab, functional};
	const struct plot_type *type;
	char why[256], *svg;
	size_t n;

	draw("fragmentation", runs, 2, "several");
	draw("waste-compare", runs, 3, "several");
	svg = slurp(test_path("several"), "waste-compare.svg", &n);
	assert_non_null(strstr(svg, "no-slab"));
	assert_non_null(strstr(svg, "frag only"));
	free(svg);
	assert_ok(plot_find_type("latency-cdf", &type, &err), &err);
	assert_int_equal(plot_draw(pictures, type, runs, 2, OPTIONS("several", PLOT_X_DEFAULT), why, &err),
			 PLOT_NO_DATA);
	assert_non_null(strstr(why, "it draws 1 run at once, not 2"));
}

static void run_without_timing_has_no_latencies(void **state)
{
	const struct plot_type *type;
	struct stat st;
	char why[256];

	assert_ok(plot_find_type("latency-cdf", &type, &err), &err);
	assert_int_equal(plot_draw(pictures, type, &functional, 1, OPTIONS("none", PLOT_X_DEFAULT), why, &err),
			 PLOT_NO_DATA);
	assert_non_null(strstr(why, "no cycle timing"));
	assert_int_not_equal(stat(test_path("none"), &st), 0);
	draw("fragmentation", &functional, 1, "functional");
}

static bool is_plain_text(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((u8)text[i] < ' ' && text[i] != '\n' && text[i] != '\t') || text[i] == 0x7f)
			return false;
	return true;
}

static void hostile_text_stays_text(void **state)
{
	static const char *const files[] = {"fragmentation.svg", "latency-cdf.svg", "waste-compare.svg",
					    "fragmentation.gp", "fragmentation.tsv", "waste-caches.gp",
					    "waste-caches.svg", "waste-caches.tsv", "waste-sites.svg",
					    "pareto.gp", "pareto.svg", "comparison.svg", "lock-wait.svg"};
	s64 runs[] = {hostile, slub};
	struct stat st;
	char *text;
	size_t n;

	for (size_t t = 0; plot_types[t]; t++)
		draw(plot_types[t]->name, runs, plot_types[t]->min_runs, "hostile");
	assert_int_not_equal(stat(test_path("hostile/owned"), &st), 0);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(files); i++) {
		text = slurp(test_path("hostile"), files[i], &n);
		assert_non_null(text);
		assert_true(is_plain_text(text, n));
		assert_null(strstr(text, "\xff"));
		assert_null(strstr(text, "\xc2\x9b"));
		free(text);
	}
	text = slurp(test_path("hostile"), "fragmentation.svg", &n);
	assert_non_null(strstr(text, "_a ^b {c} @d %s &lt;b>&amp;amp; \\x1B[31mred\\x0A"));
	assert_non_null(strstr(text, "back`touch owned`\\n"));
	free(text);
}

static void unknown_type_offers_the_nearest(void **state)
{
	const struct plot_type *type;

	assert_refused(plot_find_type("latency-cfd", &type, &err), &err, KMS_EUSAGE,
		       "did you mean 'latency-cdf'?");
	assert_refused(plot_find_type("zzzzzzzzzzzzz", &type, &err), &err, KMS_EUSAGE, "plot --list");
	memset(&err, 0, sizeof(err));
}

/* A gnuplot of ours first in PATH, or none at all. */
static void gnuplot_missing_or_failing(void **state)
{
	char *path = strdup(getenv("PATH")), why[256], program[256];
	const struct plot_type *type;
	struct stat st;
	FILE *f;

	assert_ok(plot_find_type("free-blocks", &type, &err), &err);
	assert_int_equal(mkdir(test_path("bin"), 0755), 0);
	setenv("PATH", test_path("bin"), 1);
	assert_refused(plot_draw(pictures, type, &slub, 1, OPTIONS("bad", PLOT_X_DEFAULT), why, &err),
		       &err, KMS_EFAIL, "gnuplot was not found; install the Debian package gnuplot-nox");
	snprintf(program, sizeof(program), "%s", test_path("bin/gnuplot"));
	f = fopen(program, "w");
	fputs("#!/bin/sh\n: > free-blocks.png\nprintf '\\n\\tset x\\n\\t^\\nline 7: no such \\033[1mterminal\\n\\n' >&2\nexit 1\n",
	      f);
	fclose(f);
	chmod(program, 0755);
	assert_refused(plot_draw(pictures, type, &slub, 1, OPTIONS("bad", PLOT_X_DEFAULT), why, &err),
		       &err, KMS_EFAIL, "line 7: no such ?[1mterminal");
	assert_int_not_equal(stat(test_path("bad/free-blocks.png"), &st), 0);
	assert_int_equal(stat(test_path("bad/free-blocks.gp"), &st), 0);
	setenv("PATH", path, 1);
	free(path);
	memset(&err, 0, sizeof(err));
}

static void folders_that_cannot_be_made(void **state)
{
	const struct plot_type *type;
	char why[256];
	FILE *f = fopen(test_path("file"), "w");

	fclose(f);
	assert_ok(plot_find_type("free-blocks", &type, &err), &err);
	assert_refused(plot_draw(pictures, type, &slub, 1, OPTIONS("file/sub", PLOT_X_DEFAULT), why, &err),
		       &err, KMS_EUSAGE, "cannot create folder");
	assert_refused(plot_draw(pictures, type, &slub, 1, &(struct plot_options){.dir = ""}, why, &err), &err,
		       KMS_EUSAGE, "empty");
	assert_refused(plot_draw(pictures, type, &(s64){99}, 1, OPTIONS("x", PLOT_X_DEFAULT), why, &err),
		       &err, KMS_EUSAGE, "no run 99");
	memset(&err, 0, sizeof(err));
}

static void default_folder_is_a_plain_name(void **state)
{
	s64 two[] = {slub, noslab};
	char dir[512];

	assert_ok(plot_default_dir(pictures, &slub, 1, dir, sizeof(dir), &err), &err);
	assert_string_equal(dir, "plots/out/slub-up-1");
	assert_ok(plot_default_dir(pictures, two, 2, dir, sizeof(dir), &err), &err);
	assert_string_equal(dir, "plots/out/slub-up-1-2");
	assert_ok(plot_default_dir(pictures, &hostile, 1, dir, sizeof(dir), &err), &err);
	assert_null(strpbrk(dir, " '\"\\`\n{}<>;"));
	test_sql(pictures, "UPDATE run SET name = '../../etc' WHERE id = 4");
	assert_ok(plot_default_dir(pictures, &hostile, 1, dir, sizeof(dir), &err), &err);
	assert_string_equal(dir, "plots/out/_._.._etc-4");
}

int main(void)
{
	const struct CMUnitTest plot_pictures[] = {
		cmocka_unit_test(all_types_draw_the_same_twice),
		cmocka_unit_test(images_are_images),
		cmocka_unit_test(x_axis_as_asked),
		cmocka_unit_test(script_draws_again_by_itself),
		cmocka_unit_test(several_runs_share_a_picture),
		cmocka_unit_test(run_without_timing_has_no_latencies),
		cmocka_unit_test(hostile_text_stays_text),
		cmocka_unit_test(unknown_type_offers_the_nearest),
		cmocka_unit_test(gnuplot_missing_or_failing),
		cmocka_unit_test(folders_that_cannot_be_made),
		cmocka_unit_test(default_folder_is_a_plain_name),
	};

	if (getenv("KMEMSIM_KEEP_PICTURES"))
		return cmocka_run_group_tests(plot_pictures, fill, NULL);
	return cmocka_run_group_tests(plot_pictures, fill, clear);
}
