/*
 * Every slab cache of two recorded kernels (Linux 6.1.192, 1 and 4 CPUs) is
 * created again and must get the same geometry and limits.
 *
 * tests/exact/slab_caches_*.tsv: what the creator asked for, then what the
 * kernel made of it. Run from the top of the source tree.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/slub_machine.h"

struct row {
	char name[64], align[8];
	u32 object_size, flags, ctor, useroffset, usersize;
	u32 size, out_align, offset, order, objects, min_order, min_objects;
	u32 min_partial, cpu_partial, cpu_partial_slabs, allocflags;
};

static bool parse_row(const char *line, struct row *r)
{
	return sscanf(line, "%63s %u %7s %x %u %u %u %u %u %u %u %u %u %u %u %u %u %x", r->name,
		      &r->object_size, r->align, &r->flags, &r->ctor, &r->useroffset, &r->usersize,
		      &r->size, &r->out_align, &r->offset, &r->order, &r->objects, &r->min_order,
		      &r->min_objects, &r->min_partial, &r->cpu_partial, &r->cpu_partial_slabs,
		      &r->allocflags) == 18;
}

static const struct kmem_cache *boot_cache(const char *name)
{
	struct mm_cache_info infos[256];
	u32 n = mm_inspect_caches(infos, 256);

	for (u32 i = 0; i < n; i++)
		if (infos[i].boot_cache && !strcmp(mm_boot_cache_name(infos[i].name), name))
			return infos[i].cache;
	fail_msg("no boot cache %s", name);
	return NULL;
}

static const struct kmem_cache *recreate(struct machine *m, const struct row *r)
{
	struct kmem_cache_args args = { .size = r->object_size, .flags = r->flags, .ctor = r->ctor,
					.useroffset = r->useroffset, .usersize = r->usersize };

	if (!strcmp(r->align, "boot"))
		return boot_cache(r->name);
	args.align = (u32)atoi(r->align);
	return m->slab->cache_create(&args);
}

static void expect(const struct row *r, const char *what, u32 got, u32 expected)
{
	if (got != expected)
		fail_msg("%s: %s is %u, the kernel's is %u", r->name, what, got, expected);
}

static void compare(const struct row *r, const struct kmem_cache *s)
{
	expect(r, "size", s->size, r->size);
	expect(r, "align", s->align, r->out_align);
	expect(r, "offset", s->offset, r->offset);
	expect(r, "order", oo_order(s->oo), r->order);
	expect(r, "objects", oo_objects(s->oo), r->objects);
	expect(r, "min order", oo_order(s->min), r->min_order);
	expect(r, "min objects", oo_objects(s->min), r->min_objects);
	expect(r, "min_partial", (u32)s->min_partial, r->min_partial);
	expect(r, "cpu_partial", s->cpu_partial, r->cpu_partial);
	expect(r, "cpu_partial_slabs", s->cpu_partial_slabs, r->cpu_partial_slabs);
	expect(r, "allocflags", s->allocflags, r->allocflags);
}

static void check_file(const char *path, u32 nr_cpus, u32 expected_rows)
{
	struct machine m = machine_boot(&mm_ops_plain, "slub", nr_cpus, 1, 16, NULL);
	FILE *file = fopen(path, "r");
	char line[512];
	u32 rows = 0;

	if (!file)
		fail_msg("cannot open %s (run from the top of the source tree)", path);
	while (fgets(line, sizeof(line), file)) {
		struct row row;

		if (line[0] == '#')
			continue;
		assert_true(parse_row(line, &row));
		compare(&row, recreate(&m, &row));
		rows++;
	}
	fclose(file);
	assert_int_equal(rows, expected_rows);
	machine_off();
}

static void one_cpu(void **state)
{
	check_file("tests/exact/slab_caches_1cpu.tsv", 1, 106);
}

static void four_cpus(void **state)
{
	check_file("tests/exact/slab_caches_4cpu.tsv", 4, 106);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu),
		cmocka_unit_test(four_cpus),
	};

	return cmocka_run_group_tests_name("slub_exact", tests, NULL, NULL);
}
