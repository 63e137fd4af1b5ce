/*
 * page_api.c - lab "page-api": five ways to get whole pages, where they lie,
 * and the direct map they are seen through.
 */
#include "sim/labs/kit.h"

#include "sim/engine/ram.h"

#define ROWS_OF_MAP 5

struct request {
	const char *call;
	u32 gfp;
	bool exact;
	u64 pages; /* as asked */
	struct page *page;
};

static void frame_row(struct lab_run *r, const char *what, const char *address)
{
	u64 off = ram_off(address), phys = ram_phys(off);

	kit_row(r, "%s\t0x%llx\t0x%llx\t%llu", what, (unsigned long long)(SIM_RAM_BASE + off),
		(unsigned long long)phys, (unsigned long long)(phys / KIT_PAGE));
	lab_check(r, "address - PAGE_OFFSET is the physical address", (double)off, (double)phys);
}

static void show_direct_map(struct lab_run *r)
{
	static const char *const headings[] = {"page", "address", "physical", "frame"};
	char what[32];

	lab_say(r, "The direct map: the first %u pages from PAGE_OFFSET on.", ROWS_OF_MAP);
	lab_table_begin(r, "direct_map", headings, 4);
	for (u32 i = 0; i < ROWS_OF_MAP; i++) {
		snprintf(what, sizeof(what), "%u", i);
		frame_row(r, what, (char *)ram_ptr(0) + i * KIT_PAGE);
	}
	lab_table_end(r);
}

static int take(struct kit *k, struct request *q, struct kms_error *err)
{
	int rc = q->exact ? kit_exact(k, q->pages * KIT_PAGE, &q->page, err) :
			    kit_pages(k, kit_order_of(q->pages * KIT_PAGE), q->gfp, &q->page, err);

	return !rc && !q->page ? kms_fail(err, KMS_EFAIL, "%s got nothing", q->call) : rc;
}

static int give_back(struct kit *k, struct request *q, struct kms_error *err)
{
	return q->exact ? kit_free_exact(k, q->page, q->pages * KIT_PAGE, err) :
			  kit_free_pages(k, q->page, kit_order_of(q->pages * KIT_PAGE), err);
}

static void show(struct lab_run *r, const struct request *q)
{
	char *first = mm_page_address(q->page);
	char what[96];
	bool contiguous = true;

	for (u64 i = 0; i < q->pages; i++) {
		snprintf(what, sizeof(what), "%s%s", i ? "  ..." : q->call, "");
		frame_row(r, what, first + i * KIT_PAGE);
		contiguous &= (u64)((char *)mm_page_address(mm_virt_to_page(first + i * KIT_PAGE)) - first) == i * KIT_PAGE;
	}
	lab_check_that(r, contiguous, "%s: its pages follow each other in physical memory", q->call);
	lab_check_that(r, q->exact || !(ram_phys(ram_off(first)) % (q->pages * KIT_PAGE)),
		       "%s: the block is aligned to its size", q->call);
}

/* A zeroed page has no byte that is not 0. */
static bool all_zero(const struct page *page)
{
	const u64 *words = mm_page_address(page);

	for (u32 i = 0; i < KIT_PAGE / sizeof(*words); i++)
		if (words[i])
			return false;
	return true;
}

static void show_all(struct lab_run *r, const struct request *q, u32 n)
{
	static const char *const headings[] = {"call", "address", "physical", "frame"};

	lab_table_begin(r, "pages", headings, 4);
	for (u32 i = 0; i < n; i++)
		show(r, &q[i]);
	lab_table_end(r);
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u64 block = 1ull << lab_param(r, "order"), exact = (u64)lab_param(r, "exact_pages"), free[3];
	struct request q[] = {
		{"__get_free_page", KIT_GFP_KERNEL, false, 1, NULL},
		{"__get_free_pages", KIT_GFP_KERNEL, false, block, NULL},
		{"get_zeroed_page", KIT_GFP_KERNEL | KIT_GFP_ZERO, false, 1, NULL},
		{"alloc_page", KIT_GFP_KERNEL, false, 1, NULL},
		{"alloc_pages_exact", KIT_GFP_KERNEL, true, exact, NULL},
	};
	u32 n = KMS_ARRAY_SIZE(q), i;
	struct kit k;
	int rc = kit_open(&k, r, err);

	if (rc)
		return rc;
	show_direct_map(r);
	free[0] = kit_free_page_count();
	for (i = 0; i < n && !rc; i++)
		rc = take(&k, &q[i], err);
	if (rc)
		return rc;
	free[1] = kit_free_page_count();
	lab_say(r, "Five calls, and where each page of theirs lies.");
	show_all(r, q, n);
	lab_check_that(r, all_zero(q[2].page), "get_zeroed_page: every byte is 0");
	while (i-- && !rc)
		rc = give_back(&k, &q[i], err);
	if (rc)
		return rc;
	free[2] = kit_free_page_count();
	lab_value(r, "pages", "pages", (double)(free[0] - free[1]));
	lab_value(r, "block_pages", "pages", (double)block);
	lab_value(r, "block_bytes", "bytes", (double)(block * KIT_PAGE));
	lab_check(r, "the five calls hold what they asked for", (double)(free[0] - free[1]), (double)(3 + block + exact));
	lab_check_book(r, "1 + 8 + 1 + 1 + 8 pages are 19", (double)(free[0] - free[1]), 19);
	lab_check_book(r, "order 3 is 32,768 bytes", (double)(block * KIT_PAGE), 32768);
	lab_check(r, "freed in reverse order, all pages are back", (double)free[2], (double)free[0]);
	return 0;
}

const struct lab lab_page_api = {.name = "page-api", .run = run};
