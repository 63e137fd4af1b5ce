/*
 * custom_cache.c - lab "custom-cache": a slab cache of one's own, with debug
 * flags, alignment and constructor: its slots, its slabs.
 */
#include "sim/labs/debug.h"

#include <string.h>

#include "models/mm/tracepoints.h"

#define FLAGS (KIT_SLAB_POISON | KIT_SLAB_RED_ZONE | KIT_SLAB_HWCACHE_ALIGN)
#define LINE 64u
#define MOST 512

/* 10 ints, 10 longs, texts of 128 and 16, 8 more longs. */
struct record {
	s32 a[10];
	s64 b[10];
	char text[128], name[16];
	s64 c[8];
};

static int create(struct kit *k, u32 size, u32 flags, u64 ctor, struct kmem_cache **cache, struct mm_cache_info *info,
		  struct kms_error *err)
{
	struct kmem_cache_args args = {.name = 1, .size = size, .flags = flags, .ctor = ctor};
	int rc = kit_cache_create(k, &args, cache, err);

	if (!rc && !watch_cache(*cache, info))
		rc = kms_fail(err, KMS_EFAIL, "the new slab cache is not listed");
	return rc;
}

/* ---- what the flags cost ---- */

static int flags_row(struct kit *k, const char *what, u32 size, u32 flags, u64 ctor, struct mm_cache_info *info, struct kms_error *err)
{
	struct kmem_cache *cache;
	int rc = create(k, size, flags, ctor, &cache, info, err);

	if (!rc)
		kit_row(k->r, "%s\t%u\t%u\t%u\t%u", what, info->object_size, info->size, info->order, info->objects_per_slab);
	return rc;
}

static int compare_flags(struct kit *k, u32 size, u32 *slot, struct kms_error *err)
{
	static const char *const headings[] = {"flags", "object", "slot", "order of a slab", "objects in it"};
	struct mm_cache_info plain, ctor, aligned, all;
	int rc;

	lab_table_begin(k->r, "flags", headings, 5);
	rc = flags_row(k, "none", size, 0, 0, &plain, err);
	if (!rc)
		rc = flags_row(k, "none, with a constructor", size, 0, 1, &ctor, err);
	if (!rc)
		rc = flags_row(k, "cache lines", size, KIT_SLAB_HWCACHE_ALIGN, 0, &aligned, err);
	if (!rc)
		rc = flags_row(k, "poison, red zones, cache lines", size, FLAGS, 1, &all, err);
	lab_table_end(k->r);
	if (rc)
		return rc;
	*slot = all.size;
	lab_value(k->r, "aligned_slot", "bytes", aligned.size);
	lab_check(k->r, "a constructor moves the free pointer behind the object", ctor.size - plain.size, 8);
	lab_check(k->r, "cache-line alignment rounds up to 64 bytes", aligned.size, (size + LINE - 1) / LINE * LINE);
	lab_check(k->r, "with all three flags the slot is as the layout rules say", all.size, debug_slot_rule(size));
	return 0;
}

static void show_slot(struct lab_run *r, const struct kmem_cache *cache, u32 slot)
{
	static const char *const headings[] = {"from byte", "bytes", "what"};
	struct mm_slot_layout layout;
	u32 at = 0;

	mm_inspect_slot(cache, &layout);
	lab_table_begin(r, "slot", headings, 3);
	for (u32 i = 0; i < layout.nr_parts; i++) {
		kit_row(r, "%u\t%u\t%s", at, layout.parts[i].bytes, layout.parts[i].what);
		at += layout.parts[i].bytes;
	}
	lab_table_end(r);
	lab_check(r, "the parts add up to the slot", at, slot);
}

/* ---- the constructor ---- */

/* Objects of slabs that the last operation made: each is constructed once, then. */
static u32 constructed(const struct kit *k, const struct kmem_cache *cache)
{
	u32 n = 0;

	for (u32 i = 0; i < k->log->nr_marks; i++) {
		const struct watch_mark *m = &k->log->marks[i];

		if (m->tracepoint == TP_slab_new && m->c == (u64)(uintptr_t)cache)
			n += (u32)m->a;
	}
	return n;
}

static int use_objects(struct kit *k, struct kmem_cache *cache, u32 objects, u32 *first, u32 *all, bool *aligned,
		       struct kms_error *err)
{
	void *object[MOST];
	u32 n = 0;
	int rc = 0;

	for (*all = 0; n < objects && n < MOST && !rc; n++) {
		rc = kit_cache_alloc(k, cache, &object[n], err);
		if (rc || !object[n])
			return rc ? rc : kms_fail(err, KMS_EFAIL, "no object was to be had");
		*all += constructed(k, cache);
		if (!n)
			*first = *all;
		*aligned &= !((uintptr_t)object[n] % LINE);
	}
	while (n-- && !rc)
		rc = kit_cache_free(k, cache, object[n], err);
	return rc;
}

static int constructor(struct kit *k, u32 size, struct kms_error *err)
{
	struct mm_cache_info info;
	struct kmem_cache *cache;
	u32 first = 0, all = 0, per_slab;
	bool aligned = true;
	int rc = create(k, size, FLAGS, 1, &cache, &info, err);

	if (rc)
		return rc;
	per_slab = info.objects_per_slab;
	show_slot(k->r, cache, info.size);
	rc = use_objects(k, cache, per_slab + 1, &first, &all, &aligned, err);
	if (rc)
		return rc;
	lab_say(k->r, "The first allocation makes a slab and constructs all its objects: %u. %u allocations: %u constructed.",
		first, per_slab + 1, all);
	lab_value(k->r, "ctor_first", "objects", first);
	lab_value(k->r, "ctor_all", "objects", all);
	lab_value(k->r, "asked", "objects", per_slab + 1);
	lab_check(k->r, "constructors that run at the first allocation are the slab's objects", first, per_slab);
	lab_check(k->r, "one object more takes a second slab", all, 2.0 * per_slab);
	lab_check_that(k->r, aligned, "every object starts on a cache line");
	return kit_cache_destroy(k, cache, err);
}

/* ---- slabs of other orders ---- */

static int one_order(struct lab_run *r, u32 order, u32 size, u32 slot, struct kms_error *err)
{
	char least[64], largest[64];
	const char *settings[] = {least, largest};
	static const double published[] = {9, 18, 36};
	struct mm_cache_info info;
	struct kmem_cache *cache;
	struct kit k;
	int rc;

	snprintf(least, sizeof(least), "allocator.slub_min_order=%u", order);
	snprintf(largest, sizeof(largest), "allocator.slub_max_order=%u", order);
	rc = lab_sandbox_with(r, settings, 2, err) ? kit_open(&k, r, err) : KMS_EFAIL;
	if (!rc)
		rc = create(&k, size, FLAGS, 1, &cache, &info, err);
	if (rc)
		return rc;
	kit_row(r, "%u\t%u\t%u", info.order, info.objects_per_slab, (u32)(KIT_PAGE << info.order) - info.objects_per_slab * slot);
	lab_check(r, "order of the slabs", info.order, order);
	lab_check(r, "objects are what fits", info.objects_per_slab, (double)((KIT_PAGE << order) / slot));
	lab_check_book(r, "objects in a slab of order 0, 1, 2: 9, 18, 36", info.objects_per_slab, published[order]);
	return 0;
}

static int orders(struct lab_run *r, u32 size, u32 slot, struct kms_error *err)
{
	static const char *const headings[] = {"order", "objects", "bytes left over"};
	int rc = 0;

	lab_table_begin(r, "orders", headings, 3);
	for (u32 order = 0; order < 3 && !rc; order++)
		rc = one_order(r, order, size, slot, err);
	lab_table_end(r);
	return rc;
}

static int cpus(struct lab_run *r, u32 size, struct kms_error *err)
{
	static const char *const headings[] = {"CPUs", "order", "objects"};
	u32 before = 0;
	bool grows = true;
	int rc = 0;

	lab_table_begin(r, "cpus", headings, 3);
	for (u32 n = 1; n <= 64 && !rc; n *= 4) {
		char setting[32];
		const char *settings[] = {setting};
		struct mm_cache_info info;
		struct kmem_cache *cache;
		struct kit k;

		snprintf(setting, sizeof(setting), "machine.cpus=%u", n);
		rc = lab_sandbox_with(r, settings, 1, err) ? kit_open(&k, r, err) : KMS_EFAIL;
		if (!rc)
			rc = create(&k, size, FLAGS, 1, &cache, &info, err);
		if (rc)
			break;
		kit_row(r, "%u\t%u\t%u", n, info.order, info.objects_per_slab);
		grows &= info.order >= before;
		before = info.order;
	}
	lab_table_end(r);
	lab_check_that(r, grows, "more CPUs never make slabs smaller");
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u32 size = (u32)lab_param(r, "bytes"), slot = 0;
	struct watch_log log;
	struct kit k;
	int rc = debug_open(&k, &log, r, err);

	if (!rc)
		rc = compare_flags(&k, size, &slot, err);
	if (!rc)
		rc = constructor(&k, size, err);
	debug_close(&k);
	if (rc)
		return rc;
	lab_check_book(r, "the structure has 328 bytes", sizeof(struct record), size);
	lab_check_book(r, "its slot has 448", slot, 448);
	lab_value(r, "slot", "bytes", slot);
	lab_value(r, "per_page", "objects", (double)(KIT_PAGE / slot));
	rc = orders(r, size, slot, err);
	return rc ? rc : cpus(r, size, err);
}

const struct lab lab_custom_cache = {.name = "custom-cache", .run = run};
