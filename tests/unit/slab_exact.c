/*
 * Every slab cache of a recorded kernel with SLAB (Linux 6.1.192, 1 CPU) is
 * created again and must get the same geometry, place of its index array and
 * array sizes. tests/exact/slab_policy_caches_1cpu.tsv: what the creator asked
 * for, then what the kernel made of it. Run from the top of the source tree.
 */
#include <stdio.h>
#include <stdlib.h>

#include "models/mm/slab.h"
#include "tests/unit/slub_machine.h"

#define RECORDED_CACHES 101

struct row {
	char name[64], align[8], place[8];
	u32 asked, flags, usersize, ctor;
	u32 object_size, size, out_align, num, order, colour, colour_off, limit, batchcount;
};

static bool parse_row(const char *line, struct row *r)
{
	return sscanf(line, "%63s %u %7s %x %u %u %u %u %u %u %u %u %u %7s %u %u", r->name, &r->asked, r->align,
		      &r->flags, &r->usersize, &r->ctor, &r->object_size, &r->size, &r->out_align, &r->num,
		      &r->order, &r->colour, &r->colour_off, r->place, &r->limit, &r->batchcount) == 16;
}

static const struct slab_cache *boot_cache(const char *name)
{
	struct mm_cache_info infos[256];
	u32 n = mm_inspect_caches(infos, 256);

	for (u32 i = 0; i < n; i++)
		if (infos[i].boot_cache && !strcmp(mm_boot_cache_name(infos[i].name), name))
			return to_slab_cache(infos[i].cache);
	fail_msg("no boot cache %s", name);
	return NULL;
}

static const struct slab_cache *recreate(struct machine *m, const struct row *r)
{
	struct kmem_cache_args args = { .size = r->asked, .flags = r->flags, .ctor = r->ctor,
					.usersize = r->usersize };

	if (!strcmp(r->align, "boot"))
		return boot_cache(r->name);
	args.align = (u32)atoi(r->align);
	return to_slab_cache(m->slab->cache_create(&args));
}

static void expect(const struct row *r, const char *what, u64 got, u64 expected)
{
	if (got != expected)
		fail_msg("%s: %s is %llu, the kernel's is %llu", r->name, what, (unsigned long long)got,
			 (unsigned long long)expected);
}

static void compare(const struct row *r, const struct slab_cache *s)
{
	const char *place = s->flags & CFLGS_OBJFREELIST ? "object" : s->flags & CFLGS_OFF_SLAB ? "off" : "end";

	expect(r, "object_size", s->object_size, r->object_size);
	expect(r, "size", s->size, r->size);
	expect(r, "align", s->align, r->out_align);
	expect(r, "num", s->num, r->num);
	expect(r, "order", s->gfporder, r->order);
	expect(r, "colour", s->colour, r->colour);
	expect(r, "colour_off", s->colour_off, r->colour_off);
	expect(r, "limit", s->limit, r->limit);
	expect(r, "batchcount", s->batchcount, r->batchcount);
	if (strcmp(place, r->place))
		fail_msg("%s: index array: %s, the kernel's: %s", r->name, place, r->place);
}

static void recorded_caches_get_the_kernels_geometry(void **state)
{
	struct mm_params params = machine_default_params();
	FILE *f = fopen("tests/exact/slab_policy_caches_1cpu.tsv", "r");
	u32 rows = 0;
	struct machine m;
	char line[512];

	assert_non_null(f);
	params.slab_nomerge = true; /* the file has caches, not aliases */
	m = machine_boot(&mm_ops_plain, "slab", 1, 1, 64, &params);
	while (fgets(line, sizeof(line), f)) {
		struct row r;
		const struct slab_cache *s;

		if (line[0] == '#')
			continue;
		assert_true(parse_row(line, &r));
		s = recreate(&m, &r);
		assert_non_null(s);
		compare(&r, s);
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, RECORDED_CACHES);
	machine_check_slabs();
	machine_off();
}

/* Boot order of the kernel: the class of nodes comes second. */
static void boot_creates_caches_in_the_kernels_order(void **state)
{
	static const char *const names[] = { "kmem_cache", "kmalloc-128", "kmalloc-32", "kmalloc-64", "kmalloc-96",
					     "kmalloc-192", "kmalloc-256" };
	struct mm_cache_info infos[64];

	machine_boot(&mm_ops_plain, "slab", 1, 1, 64, NULL);
	assert_int_equal(mm_inspect_caches(infos, 64), 1 + 3 * 11);
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(mm_boot_cache_name(infos[i].name), names[i]);
	machine_off();
}

/* Slabs of a machine of 32 MiB or less have order 0 wherever an object fits. */
static void small_machines_use_single_pages(void **state)
{
	struct machine m = machine_boot(&mm_ops_plain, "slab", 1, 1, 32, NULL);

	assert_int_equal(to_slab_cache(machine_cache(&m, 704, 8, 0))->gfporder, 0);
	assert_int_equal(to_slab_cache(machine_cache(&m, 5000, 8, 0))->gfporder, 1);
	machine_off();
	m = machine_boot(&mm_ops_plain, "slab", 1, 1, 64, NULL);
	assert_int_equal(to_slab_cache(machine_cache(&m, 704, 8, 0))->gfporder, 1);
	machine_off();
}

static void division_by_multiplication(void **state)
{
	for (u32 d = 1; d < 9000; d += d < 70 ? 1 : 37)
		for (u32 q = 0; q < 256; q++) {
			assert_int_equal(reciprocal_divide(q * d, reciprocal_value(d)), q);
			assert_int_equal(reciprocal_divide(q * d + d - 1, reciprocal_value(d)), q);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_caches_get_the_kernels_geometry),
		cmocka_unit_test(boot_creates_caches_in_the_kernels_order),
		cmocka_unit_test(small_machines_use_single_pages),
		cmocka_unit_test(division_by_multiplication),
	};

	return cmocka_run_group_tests_name("slab_exact", tests, NULL, NULL);
}
