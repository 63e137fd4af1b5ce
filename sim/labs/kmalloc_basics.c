/*
 * kmalloc_basics.c - lab "kmalloc-basics": a buffer of a round size, and a
 * structure that is none; with and without zeroing.
 */
#include "sim/labs/kit.h"

#include <string.h>

/* 100 ints, 100 longs, a text of 128 and two of 16. */
struct record {
	s32 a[100];
	s64 b[100];
	char text[128], name[16], tag[16];
};

/* What stands in the first bytes of fresh memory: not 0 where somebody wrote before. */
static u64 dirty_bytes(const void *memory, u64 bytes)
{
	const u8 *at = memory;
	u64 n = 0;

	for (u64 i = 0; i < bytes; i++)
		n += at[i] != 0;
	return n;
}

static void row(struct kit *k, const char *call, u64 bytes, const void *memory, u64 dirty)
{
	char home[48];

	kit_row(k->r, "%s\t%llu\t%s\t%llu\t%llu\t%llu", call, (unsigned long long)bytes,
		kit_home(memory, home, sizeof(home)), (unsigned long long)kit_ksize(k, memory),
		(unsigned long long)(kit_ksize(k, memory) - bytes), (unsigned long long)dirty);
}

/* Memory that is written, freed and asked for again: the same object comes back. */
static int again(struct kit *k, u64 bytes, u32 gfp, const char *call, u64 *dirty, struct kms_error *err)
{
	void *first, *second = NULL;
	int rc = kit_kmalloc(k, bytes, KIT_GFP_KERNEL, &first, err);

	if (!rc && first) {
		memset(first, 'x', bytes);
		rc = kit_kfree(k, first, err);
	}
	if (!rc)
		rc = kit_kmalloc(k, bytes, gfp, &second, err);
	if (!rc && !second)
		rc = kms_fail(err, KMS_EFAIL, "%llu bytes were not to be had", (unsigned long long)bytes);
	if (rc)
		return rc;
	*dirty = dirty_bytes(second, bytes);
	row(k, call, bytes, second, *dirty);
	lab_check_that(k->r, first == second, "%s of %llu bytes: what was freed last is handed out first", call,
		       (unsigned long long)bytes);
	return kit_kfree(k, second, err);
}

static int run(struct lab_run *r, struct kms_error *err)
{
	static const char *const headings[] = {"call", "asked for", "slab cache", "got", "lost", "bytes not 0"};
	u64 buffer = (u64)lab_param(r, "buffer"), record = (u64)lab_param(r, "record"), dirty = 0, zeroed = 0;
	struct kit k;
	void *memory;
	int rc = kit_open(&k, r, err);

	if (rc)
		return rc;
	lab_table_begin(r, "calls", headings, 6);
	rc = again(&k, buffer, KIT_GFP_KERNEL, "kmalloc", &dirty, err);
	if (!rc)
		rc = again(&k, record, KIT_GFP_KERNEL | KIT_GFP_ZERO, "kzalloc", &zeroed, err);
	lab_table_end(r);
	if (!rc)
		rc = kit_kmalloc(&k, record, KIT_GFP_KERNEL, &memory, err);
	if (rc)
		return rc;
	lab_value(r, "record_got", "bytes", (double)kit_ksize(&k, memory));
	lab_value(r, "record_lost", "bytes", (double)(kit_ksize(&k, memory) - record));
	lab_value(r, "record_lost_percent", "%", 100.0 * (double)(kit_ksize(&k, memory) - record) / (double)record);
	lab_check(r, "kzalloc hands out nothing but zeros", (double)zeroed, 0);
	lab_check_that(r, dirty > 0, "kmalloc hands out what the last user left behind");
	lab_check_book(r, "the structure has 1,360 bytes", sizeof(struct record), (double)record);
	lab_check_book(r, "kmalloc-2k serves it", (double)kit_ksize(&k, memory), 2048);
	lab_check_book(r, "688 bytes are lost", (double)(kit_ksize(&k, memory) - record), 688);
	return kit_kfree(&k, memory, err);
}

const struct lab lab_kmalloc_basics = {.name = "kmalloc-basics", .run = run};
