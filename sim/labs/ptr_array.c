/*
 * ptr_array.c - lab "ptr-array": an array of buffers, and the way back when one
 * of them is not to be had.
 */
#include "sim/labs/sizes.h"

#include <string.h>

#define MOST 64
#define TOO_LARGE (5ull << 20)

/* Objects in use of the slab cache that serves this size. */
static u64 in_use(u64 bytes)
{
	struct mm_cache_info info;
	const struct kmem_cache *cache = mm_inspect_kmalloc_cache(bytes, KIT_GFP_KERNEL);

	return cache && watch_cache(cache, &info) ? info.inuse : 0;
}

/* Fills the array; at `fails` (from 1 on; 0: never) the allocator is asked for more than it can give. */
static int fill(struct kit *k, void *array[MOST], u32 count, u64 bytes, u32 fails, u32 *got, struct kms_error *err)
{
	int rc = 0;

	for (*got = 0; *got < count && !rc; ++*got) {
		rc = kit_kmalloc(k, *got + 1 == fails ? TOO_LARGE : bytes, KIT_GFP_KERNEL, &array[*got], err);
		if (rc || !array[*got])
			return rc;
		memset(array[*got], 'a' + (int)(*got % 26), bytes);
	}
	return rc;
}

static int release(struct kit *k, void *array[MOST], u32 got, struct kms_error *err)
{
	int rc = 0;

	while (got-- && !rc)
		rc = kit_kfree(k, array[got], err);
	return rc;
}

static bool letters_right(void *const array[MOST], u32 got, u64 bytes)
{
	for (u32 i = 0; i < got; i++)
		for (u64 b = 0; b < bytes; b++)
			if (((const char *)array[i])[b] != 'a' + (int)(i % 26))
				return false;
	return true;
}

static int attempt(struct kit *k, const char *what, u32 count, u64 bytes, u32 fails, u32 *got, struct kms_error *err)
{
	u64 before = in_use(bytes), during;
	void *array[MOST];
	char home[48] = "-";
	int rc = fill(k, array, count, bytes, fails, got, err);

	if (rc)
		return rc;
	during = in_use(bytes);
	if (*got)
		kit_home(array[0], home, sizeof(home));
	lab_check_that(k->r, letters_right(array, *got, bytes), "%s: every buffer holds its own letter", what);
	rc = release(k, array, *got, err);
	kit_row(k->r, "%s\t%u\t%u\t%s\t%llu\t%llu\t%llu", what, count, *got, home, (unsigned long long)before,
		(unsigned long long)during, (unsigned long long)in_use(bytes));
	lab_check(k->r, "buffers in use while the array is held", (double)(during - before), *got);
	lab_check(k->r, "nothing is left behind", (double)in_use(bytes), (double)before);
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	static const char *const headings[] = {"attempt", "wanted", "got", "slab cache", "in use before", "with them", "at the end"};
	u32 count = (u32)lab_param(r, "count"), fails = (u32)lab_param(r, "fails_at"), got[2] = {0};
	u64 bytes = (u64)lab_param(r, "bytes");
	struct kit k;
	int rc = kit_open(&k, r, err);

	if (!rc && (count > MOST || bytes > 8192))
		rc = kms_fail(err, KMS_EUSAGE, "at most %d buffers of at most 8,192 bytes", MOST);
	lab_table_begin(r, "attempts", headings, 7);
	if (!rc)
		rc = attempt(&k, "all come", count, bytes, 0, &got[0], err);
	if (!rc)
		rc = attempt(&k, "one is refused", count, bytes, fails, &got[1], err);
	lab_table_end(r);
	if (rc)
		return rc;
	lab_value(r, "got", "buffers", got[0]);
	lab_value(r, "to_free", "buffers", got[1]);
	lab_value(r, "leak", "bytes", (double)(got[1] * sizes_rule(bytes)));
	lab_check(r, "without an error all come", got[0], count);
	lab_check(r, "the error path frees those before the refused one", got[1], fails - 1);
	lab_check_book(r, "5 objects of kmalloc-1k", got[0], 5);
	return 0;
}

const struct lab lab_ptr_array = {.name = "ptr-array", .run = run};
