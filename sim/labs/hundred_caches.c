/*
 * hundred_caches.c - lab "hundred-caches": a hundred slab caches of growing
 * objects, asked size against real size.
 */
#include "sim/labs/debug.h"

#include <stdlib.h>

#define FLAGS (KIT_SLAB_POISON | KIT_SLAB_RED_ZONE | KIT_SLAB_HWCACHE_ALIGN)
#define MOST 128

struct totals {
	u32 wrong, most_over, most_over_at;
	u64 overhead, tails;
	u32 single; /* caches with one object a slab */
};

static void add_row(struct lab_run *r, FILE *data, u32 i, const struct mm_cache_info *c, struct totals *t)
{
	u32 over = c->size - c->object_size, tail = (u32)(KIT_PAGE << c->order) - c->objects_per_slab * c->size;

	kit_row(r, "our_slab-%u\t%u\t%u\t%u\t%u\t%u\t%u", i, c->object_size, c->size, over, c->order,
		c->objects_per_slab, tail);
	fprintf(data, "%u\t%u\t%u\t%u\t%u\n", c->object_size, c->size, over, tail / c->objects_per_slab, c->objects_per_slab);
	t->wrong += c->size != debug_slot_rule(c->object_size);
	t->overhead += over;
	t->tails += tail;
	t->single += c->objects_per_slab == 1;
	if (over > t->most_over) {
		t->most_over = over;
		t->most_over_at = c->object_size;
	}
}

static int create_all(struct kit *k, u32 count, u32 step, FILE *data, struct totals *t, struct kmem_cache **caches,
		      struct kms_error *err)
{
	static const char *const headings[] = {"cache", "asked", "real size", "more", "order", "objects", "left over"};
	int rc = 0;

	lab_table_begin(k->r, "caches", headings, 7);
	for (u32 i = 0; i < count && !rc; i++) {
		struct kmem_cache_args args = {.name = i + 1, .size = step * (i + 1), .flags = FLAGS};
		struct mm_cache_info info;

		rc = kit_cache_create(k, &args, &caches[i], err);
		if (!rc && !watch_cache(caches[i], &info))
			rc = kms_fail(err, KMS_EFAIL, "the new slab cache is not listed");
		if (!rc)
			add_row(k->r, data, i, &info, t);
	}
	lab_table_end(k->r);
	return rc;
}

static int draw(struct lab_run *r, const char *data, struct kms_error *err)
{
	static const char commands[] =
		"set xlabel 'size asked for (bytes)'\nset ylabel 'bytes lost per object'\nset yrange [0:*]\nset grid\n"
		"set key top left\n"
		"plot 'hundred-caches-sizes.tsv' using 1:4 with linespoints pt 7 ps 0.6 lw 1.2 title 'share of the slab left over',"
		" '' using 1:3 with linespoints pt 4 ps 0.6 lw 1.2 title 'red zones, free pointer, alignment'\n";

	return lab_picture(r, "sizes", "A hundred slab caches: what an object costs beyond its size", data, commands, err);
}

static int destroy_all(struct kit *k, struct kmem_cache **caches, u32 count, struct kms_error *err)
{
	int rc = 0;

	for (u32 i = 0; i < count && !rc; i++)
		rc = kit_cache_destroy(k, caches[i], err);
	return rc;
}

static void check(struct lab_run *r, u32 count, u32 before, u32 created, const struct totals *t)
{
	lab_say(r, "%u caches; red zones, free pointer and alignment take %.0f bytes an object on average, at most %u (at %u bytes).",
		count, (double)t->overhead / count, t->most_over, t->most_over_at);
	lab_value(r, "most_over", "bytes", t->most_over);
	lab_value(r, "single", "caches", t->single);
	lab_value(r, "mean_over", "bytes", (double)t->overhead / count);
	lab_check(r, "no cache was merged with another", created - before, count);
	lab_check(r, "caches whose real size does not follow the layout rules", t->wrong, 0);
	lab_check_book(r, "caches", count, 100);
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u32 count = (u32)lab_param(r, "count"), step = (u32)lab_param(r, "step"), before;
	struct kmem_cache *caches[MOST];
	struct totals t = {.wrong = 0};
	char *data = NULL;
	size_t bytes;
	FILE *out;
	struct kit k;
	int rc = kit_open(&k, r, err);

	if (rc)
		return rc;
	if (!count || count > MOST)
		return kms_fail(err, KMS_EUSAGE, "count: found %u, expected 1 to %d", count, MOST);
	out = open_memstream(&data, &bytes);
	if (!out)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	fputs("# asked\treal size\tmore\tshare of what is left over\tobjects in a slab\n", out);
	before = mm_inspect_caches(NULL, 0);
	rc = create_all(&k, count, step, out, &t, caches, err);
	if (fclose(out) && !rc)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	if (!rc)
		check(r, count, before, mm_inspect_caches(NULL, 0), &t);
	if (!rc)
		rc = destroy_all(&k, caches, count, err);
	if (!rc) {
		lab_check(r, "destroyed, all are gone", mm_inspect_caches(NULL, 0), before);
		rc = draw(r, data, err);
	}
	free(data);
	return rc;
}

const struct lab lab_hundred_caches = {.name = "hundred-caches", .run = run};
