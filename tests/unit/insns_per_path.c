/*
 * insns_per_path.c - the instruction work charged per path and size against
 * counts of a real kernel (tests/exact/insns-6.1.tsv): within 5 %.
 *
 * Operations are carried out on a sandbox and watched, in patterns that meet
 * every path; the median of what is charged on a path is compared. `table`
 * prints all rows. Paths whose work depends on how many objects, slabs or
 * merges an operation meets are compared in docs/costs-*.md instead.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/teach/sandbox.h"

#define GFP 0xcc0u
#define OBJECTS 1200
#define MOST_ROWS 256
#define MOST_COUNTS 4096
#define TOLERANCE 0.05

struct row {
	char layer[8], call[24], path[32];
	u64 size;
	double measured;
	u32 counts[MOST_COUNTS], n;
};

static struct row *rows;
static u32 nr_rows;

static struct {
	struct sandbox box;
	struct watch_log log;
	void *objects[OBJECTS];
	u32 at, order;
	u64 size;
	const char *layer;
} rig;

/* ---- the table ---- */

static void read_rows(void)
{
	FILE *f = fopen("tests/exact/insns-6.1.tsv", "r");
	char line[256];

	rows = calloc(MOST_ROWS, sizeof(*rows));
	assert_non_null(f);
	assert_non_null(rows);
	while (fgets(line, sizeof(line), f) && nr_rows < MOST_ROWS) {
		struct row *r = &rows[nr_rows];
		unsigned long long size;

		if (*line != '#' && sscanf(line, "%7s %23s %llu %31s %lf", r->layer, r->call, &size, r->path, &r->measured) == 5) {
			r->size = size;
			nr_rows++;
		}
	}
	fclose(f);
}

static bool passes(const char *tracepoint)
{
	for (u32 i = 0; i < rig.log.nr_marks; i++)
		if (!strcmp(watch_tracepoints[rig.log.marks[i].tracepoint].name, tracepoint))
			return true;
	return false;
}

/* Work that the path's name does not tell: a slab listed on the way, a block split. */
static bool has_more(const struct row *r)
{
	if (!strcmp(r->path, "free_slow"))
		return passes("slab_free_list_lock");
	return !strcmp(r->path, "buddy") && passes("mm_expand");
}

static void note(const char *call, u64 size)
{
	for (u32 i = 0; i < nr_rows; i++) {
		struct row *r = &rows[i];

		if (r->n < MOST_COUNTS && r->size == size && !strcmp(r->layer, rig.layer) && !strcmp(r->call, call) &&
		    !strcmp(r->path, rt_path_names[rig.log.path]) && !has_more(r))
			r->counts[r->n++] = (u32)rig.log.insns;
	}
}

/* ---- driving ---- */

static void do_kmalloc(void *arg)
{
	rig.objects[rig.at] = rig.box.slab->kmalloc(rig.size, GFP, -1);
}

static void do_kfree(void *arg)
{
	rig.box.slab->kfree(rig.objects[rig.at]);
}

static void do_pages(void *arg)
{
	rig.objects[rig.at] = mm_page_address(rig.box.mm->alloc_pages(GFP, rig.order, -1));
}

static void do_free_pages(void *arg)
{
	rig.box.mm->free_pages(mm_virt_to_page(rig.objects[rig.at]), rig.order);
}

static void act(const char *call, u64 size, void (*fn)(void *arg))
{
	struct kms_error err = {0};

	if (sandbox_do(&rig.box, 0, fn, NULL, &rig.log, &err)) {
		fprintf(stderr, "%s\n", err.text);
		fail();
	}
	note(call, size);
}

static void objects(u64 size)
{
	u32 n = size > 1024 ? OBJECTS / 4 : OBJECTS;

	rig.size = size;
	for (u32 round = 0; round < 3; round++) {
		for (rig.at = 0; rig.at < n; rig.at++)
			act("kmalloc", size, do_kmalloc);
		for (u32 i = 0; i < n; i++) {
			rig.at = round == 2 ? i : (u32)((u64)i * 127 % n);
			act("kfree", size, do_kfree);
		}
	}
}

static void pages(u32 order)
{
	rig.order = order;
	for (u32 round = 0; round < 2; round++) {
		for (rig.at = 0; rig.at < 24; rig.at++)
			act("alloc_pages", order, do_pages);
		for (rig.at = 24; rig.at-- > 0;)
			act("free_pages", order, do_free_pages);
	}
}

static void layer(const char *name)
{
	static const u64 sizes[] = {8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192};
	struct sandbox_options options = {.machine = "configs/machines/desktop-1cpu.json", .slab = name};
	struct kms_error err = {0};

	rig.layer = name;
	if (sandbox_open(&rig.box, &options, &err)) {
		fprintf(stderr, "%s\n", err.text);
		fail();
	}
	for (size_t i = 0; i < KMS_ARRAY_SIZE(sizes); i++)
		objects(sizes[i]);
	for (u32 order = 0; order <= 8; order++)
		pages(order);
	sandbox_close(&rig.box);
}

static int by_value(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static int set_up(void **state)
{
	read_rows();
	layer("slub");
	layer("slab");
	for (u32 i = 0; i < nr_rows; i++)
		qsort(rows[i].counts, rows[i].n, sizeof(u32), by_value);
	return 0;
}

static int tear_down(void **state)
{
	watch_log_free(&rig.log);
	free(rows);
	return 0;
}

static double charged(const struct row *r)
{
	return r->n ? r->counts[r->n / 2] : 0;
}

static void within_five_percent(void **state)
{
	u32 beyond = 0, compared = 0;

	for (u32 i = 0; i < nr_rows; i++) {
		const struct row *r = &rows[i];
		double difference = charged(r) / r->measured - 1;

		if (!r->n)
			continue;
		compared++;
		if (fabs(difference) <= TOLERANCE)
			continue;
		fprintf(stderr, "%s %s %llu, %s: measured %.0f, charged %.0f (%+.1f %%)\n", r->layer, r->call,
			(unsigned long long)r->size, r->path, r->measured, charged(r), 100 * difference);
		beyond++;
	}
	assert_true(compared >= nr_rows * 9 / 10); /* the patterns meet the paths */
	assert_int_equal(beyond, 0);
}

static void print_table(void)
{
	printf("| layer | call | size or order | path | measured | calls | charged | difference |\n|---|---|---:|---|---:|---:|---:|---:|\n");
	for (u32 i = 0; i < nr_rows; i++) {
		const struct row *r = &rows[i];

		if (r->n)
			printf("| %s | %s | %llu | %s | %.0f | %u | %.0f | %+.1f %% |\n", r->layer, r->call,
			       (unsigned long long)r->size, r->path, r->measured, r->n, charged(r),
			       100 * (charged(r) / r->measured - 1));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(within_five_percent)};
	void *none = NULL;

	if (argc > 1 && !strcmp(argv[1], "table")) {
		set_up(&none);
		print_table();
		return tear_down(&none);
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
