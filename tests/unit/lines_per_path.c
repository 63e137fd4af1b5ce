/*
 * lines_per_path.c - which cache lines a path touches, structure by structure.
 *
 * Operations are carried out on a sandbox and watched; for each path the
 * distinct lines of every structure are counted and held against the ordered
 * touch lists of the Linux 6.1 sources (docs/validation-lines.md). `table`
 * prints the page's table, with the lines that a real kernel was measured to
 * touch in all: what is more there lies outside the allocators' structures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/teach/sandbox.h"

#define GFP 0xcc0u
#define OBJECTS 600

enum what { W_PAGE, W_ZONE, W_PCP, W_CACHE, W_CPU, W_NODE, W_OBJECT, W_GLOBAL, W_COUNTER, W_OTHER, NR_WHAT };

static const struct {
	const char *structure;
	enum what what;
} classes[] = {
	{"struct page", W_PAGE}, {"struct zone", W_ZONE}, {"struct per_cpu_pages", W_PCP},
	{"struct kmem_cache", W_CACHE}, {"struct kmem_cache_cpu", W_CPU}, {"struct kmem_cache_node", W_NODE},
	{"object", W_OBJECT}, {"kernel globals", W_GLOBAL}, {"struct per_cpu_zonestat", W_COUNTER},
	{"struct vm_event_state", W_COUNTER}, {"per-CPU area", W_COUNTER}, {"struct pglist_data", W_OTHER},
};
static const char *const headings[NR_WHAT] = {"page", "zone", "pcp", "kmem_cache", "cpu", "node", "object",
					      "globals", "counters", "others"};

struct lines {
	u32 n[NR_WHAT], all;
};

static enum what class_of(const struct mm_place *p)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(classes); i++)
		if (!strcmp(p->structure, classes[i].structure))
			return classes[i].what;
	return W_OTHER;
}

static struct lines count_lines(const struct watch_log *log)
{
	struct lines c = {.all = 0};

	for (u32 i = 0; i < log->nr_touches; i++) {
		bool seen = false;

		for (u32 k = 0; k < i && !seen; k++)
			seen = log->touches[k].off >> 6 == log->touches[i].off >> 6;
		if (seen)
			continue;
		c.n[class_of(&log->touches[i].place)]++;
		c.all++;
	}
	return c;
}

/*
 * ---- paths, and what the touch lists say ----
 *
 * The fewest lines of all operations that took the path: a freelist's last
 * object has no next one to prefetch, a slab alone on its list no neighbours.
 * ANY: more than one structure's state decides.
 */

#define ANY 999u
#define MOST_PATHS 24
static struct path {
	const char *call, *name;
	const char *path, *without; /* its name, and a tracepoint it must not pass */
	u32 expected[NR_WHAT - 3]; /* up to objects */
	u32 measured;	       /* data lines in the real kernel, median; 0: not measured */
	u32 seen;
	struct lines least;
} paths[] = {
	/*			                           page zone pcp cache cpu node object */
	{"kmalloc 64", "CPU freelist", "fast", NULL, {0, 0, 0, 1, 1, 0, 1}, 9, 0, {{0}, 0}},
	{"kmalloc 64", "CPU partial slab", "cpu_partial", NULL, {2, 0, 0, 1, 1, 0, 1}, 11, 0, {{0}, 0}},
	{"kmalloc 64", "node partial list", "node_partial", NULL, {ANY, 0, 0, 2, 1, 1, 1}, 18, 0, {{0}, 0}},
	{"kmalloc 64", "new slab", "new_slab", NULL, {ANY, ANY, 1, 4, 1, 1, 64}, 101, 0, {{0}, 0}},
	{"kfree 64", "own CPU slab", "fast", NULL, {1, 0, 0, 1, 1, 0, 1}, 9, 0, {{0}, 0}},
	{"kfree 64", "other slab", "free_slow", "slab_free_list_lock", {1, 0, 0, 1, 1, 0, 1}, 10, 0, {{0}, 0}},
	{"kfree 64", "full slab to CPU partial", "free_to_cpu_partial", NULL, {ANY, 0, 0, 1, 1, 0, 1}, 11, 0, {{0}, 0}},
	{"alloc_pages 0", "pcp hit", "pcp", NULL, {2, 4, 1, 0, 0, 0, 0}, 19, 0, {{0}, 0}},
	{"alloc_pages 4", "buddy", "buddy", "mm_expand", {16, ANY, 0, 0, 0, 0, 0}, 35, 0, {{0}, 0}},
	{"free_pages 0", "pcp", "pcp", NULL, {2, 2, 1, 0, 0, 0, 0}, 16, 0, {{0}, 0}},
	{"free_pages 4", "buddy", "buddy", NULL, {18, ANY, 0, 0, 0, 0, 0}, 38, 0, {{0}, 0}},
};

static bool passes(const struct watch_log *log, const char *tracepoint)
{
	for (u32 i = 0; tracepoint && i < log->nr_marks; i++)
		if (!strcmp(watch_tracepoints[log->marks[i].tracepoint].name, tracepoint))
			return true;
	return false;
}

static void note(const char *call, const struct watch_log *log)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(paths); i++) {
		struct path *p = &paths[i];
		struct lines c;

		if (strcmp(call, p->call) || strcmp(p->path, rt_path_names[log->path]) || passes(log, p->without))
			continue;
		c = count_lines(log);
		if (!p->seen++)
			p->least = c;
		for (u32 k = 0; k < NR_WHAT; k++)
			if (c.n[k] < p->least.n[k])
				p->least.n[k] = c.n[k];
		if (c.all < p->least.all)
			p->least.all = c.all;
	}
}

/* ---- driving them ---- */

static struct {
	struct sandbox box;
	struct watch_log log;
	void *objects[OBJECTS];
	u32 at, order;
} rig;

static void do_kmalloc(void *arg)
{
	rig.objects[rig.at] = rig.box.slab->kmalloc(64, GFP, -1);
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

static void act(const char *call, void (*fn)(void *arg))
{
	struct kms_error err = {0};

	if (sandbox_do(&rig.box, 0, fn, NULL, &rig.log, &err)) {
		fprintf(stderr, "%s\n", err.text);
		fail();
	}
	note(call, &rig.log);
}

/* All of one kind, freed in an order that fills, empties and mixes slabs; twice. */
static void objects(void)
{
	for (u32 round = 0; round < 3; round++) {
		for (rig.at = 0; rig.at < OBJECTS; rig.at++)
			act("kmalloc 64", do_kmalloc);
		for (u32 i = 0; i < OBJECTS; i++) {
			rig.at = round == 2 ? i : (u32)((u64)i * 127 % OBJECTS);
			act("kfree 64", do_kfree);
		}
	}
}

static void pages(const char *alloc, const char *release, u32 order)
{
	rig.order = order;
	for (u32 round = 0; round < 2; round++) {
		for (rig.at = 0; rig.at < 40; rig.at++)
			act(alloc, do_pages);
		for (rig.at = 40; rig.at-- > 0;)
			act(release, do_free_pages);
	}
}

static int set_up(void **state)
{
	struct sandbox_options options = {.machine = "configs/machines/desktop-1cpu.json"};
	struct kms_error err = {0};

	if (sandbox_open(&rig.box, &options, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	objects();
	pages("alloc_pages 0", "free_pages 0", 0);
	pages("alloc_pages 4", "free_pages 4", 4);
	return 0;
}

static int tear_down(void **state)
{
	watch_log_free(&rig.log);
	sandbox_close(&rig.box);
	return 0;
}

/* ---- what must hold ---- */

static void every_path_is_met(void **state)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(paths); i++) {
		if (!paths[i].seen)
			fprintf(stderr, "%s, %s: never taken\n", paths[i].call, paths[i].name);
		assert_true(paths[i].seen);
	}
}

static void touches_are_as_listed(void **state)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(paths); i++) {
		const struct path *p = &paths[i];

		for (u32 k = 0; k < KMS_ARRAY_SIZE(p->expected); k++) {
			if (p->expected[k] == ANY || p->least.n[k] == p->expected[k])
				continue;
			fprintf(stderr, "%s, %s: %u lines of %s, the touch list has %u\n", p->call, p->name,
				p->least.n[k], headings[k], p->expected[k]);
			fail();
		}
	}
}

/* The real kernel touches globals and per-CPU data that are not modelled: never fewer lines than we. */
static void real_kernels_touch_more(void **state)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(paths); i++)
		if (paths[i].measured)
			assert_true(paths[i].least.all <= paths[i].measured + 1);
}

static void print_table(void)
{
	printf("| call | path |");
	for (u32 k = 0; k < NR_WHAT; k++)
		printf(" %s |", headings[k]);
	printf(" in all | measured |\n|---|---|");
	for (u32 k = 0; k < NR_WHAT + 2; k++)
		printf("---:|");
	printf("\n");
	for (size_t i = 0; i < KMS_ARRAY_SIZE(paths); i++) {
		printf("| %s | %s |", paths[i].call, paths[i].name);
		for (u32 k = 0; k < NR_WHAT; k++)
			printf(" %u |", paths[i].least.n[k]);
		printf(" %u | %u |\n", paths[i].least.all, paths[i].measured);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_path_is_met),
		cmocka_unit_test(touches_are_as_listed),
		cmocka_unit_test(real_kernels_touch_more),
	};
	void *none = NULL;

	if (argc > 1 && !strcmp(argv[1], "table")) {
		if (set_up(&none))
			return 1;
		print_table();
		tear_down(&none);
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
