/*
 * quiz.c - lab "quiz": the book's questions that have a number as answer, each
 * answered by trying it.
 */
#include "sim/labs/kit.h"

#define GFP_DIRECT_RECLAIM 0x400u

/* The largest request that a slab cache serves, by trying sizes. */
static int slab_limit(struct kit *k, u64 *limit, struct kms_error *err)
{
	bool slab = true;
	int rc = 0;

	for (u64 bytes = 1024; slab && !rc; bytes += 1024) {
		void *memory;

		rc = kit_kmalloc(k, bytes, KIT_GFP_KERNEL, &memory, err);
		if (!rc && !memory)
			rc = kms_fail(err, KMS_EFAIL, "%llu bytes were not to be had", (unsigned long long)bytes);
		if (rc)
			return rc;
		slab = mm_object_is_slab(memory);
		if (slab)
			*limit = bytes;
		rc = kit_kfree(k, memory, err);
	}
	return rc;
}

static int pages_of_order(struct kit *k, u32 order, u32 gfp, u64 *pages, struct kms_error *err)
{
	u64 before = kit_free_page_count();
	struct page *page;
	int rc = kit_pages(k, order, gfp, &page, err);

	if (!rc && !page)
		rc = kms_fail(err, KMS_EFAIL, "no block of order %u was to be had", order);
	*pages = before - kit_free_page_count();
	return rc ? rc : kit_free_pages(k, page, order, err);
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u64 atomic = 0, five = 0, limit = 0, smallest = 0;
	struct kit k;
	void *memory;
	int rc = kit_open(&k, r, err);

	if (!rc)
		rc = pages_of_order(&k, 0, KIT_GFP_ATOMIC, &atomic, err);
	if (!rc)
		rc = pages_of_order(&k, kit_order_of(5 * KIT_PAGE), KIT_GFP_KERNEL, &five, err);
	if (!rc)
		rc = slab_limit(&k, &limit, err);
	if (!rc)
		rc = kit_kmalloc(&k, 1, KIT_GFP_KERNEL, &memory, err);
	if (rc)
		return rc;
	smallest = kit_ksize(&k, memory);
	lab_value(r, "atomic_bytes", "bytes", (double)(atomic * KIT_PAGE));
	lab_value(r, "atomic_sleeps", "", (KIT_GFP_ATOMIC & GFP_DIRECT_RECLAIM) != 0);
	lab_value(r, "kernel_sleeps", "", (KIT_GFP_KERNEL & GFP_DIRECT_RECLAIM) != 0);
	lab_value(r, "slab_limit", "bytes", (double)limit);
	lab_value(r, "smallest", "bytes", (double)smallest);
	lab_value(r, "five_pages", "pages", (double)five);
	lab_say(r, "Answer the questions first; then look with --answers.");
	lab_check(r, "GFP_ATOMIC, order 0, is 4,096 bytes", (double)(atomic * KIT_PAGE), 4096);
	lab_check(r, "slab caches serve up to 8 KiB", (double)limit, 8192);
	lab_check(r, "SLUB's smallest object has 8 bytes", (double)smallest, 8);
	lab_check(r, "5 pages need a block of 8", (double)five, 8);
	return kit_kfree(&k, memory, err);
}

const struct lab lab_quiz = {.name = "quiz", .run = run};
