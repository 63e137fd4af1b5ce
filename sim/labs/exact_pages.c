/*
 * exact_pages.c - lab "exact-pages": the same size, several times, as a block of
 * the buddy lists and from the allocator that gives its tail back.
 */
#include "sim/labs/kit.h"

#define MOST 16

static void row(struct lab_run *r, const char *how, u64 turn, u64 bytes, u64 pages)
{
	kit_row(r, "%s\t%llu\t%llu\t%llu\t%llu\t%llu\t%.1f %%", how, (unsigned long long)turn,
		(unsigned long long)bytes, (unsigned long long)pages, (unsigned long long)(pages * KIT_PAGE),
		(unsigned long long)(pages * KIT_PAGE - bytes), 100.0 * (double)(pages * KIT_PAGE - bytes) / (double)bytes);
}

/* One turn of each kind; how many pages were gone meanwhile. */
static int turn(struct kit *k, bool exact, u64 bytes, struct page **page, u64 *pages, struct kms_error *err)
{
	u64 before = kit_free_page_count();
	int rc = exact ? kit_exact(k, bytes, page, err) :
			 kit_pages(k, kit_order_of(bytes), KIT_GFP_KERNEL, page, err);

	if (!rc && !*page)
		rc = kms_fail(err, KMS_EFAIL, "%llu bytes were not to be had", (unsigned long long)bytes);
	*pages = before - kit_free_page_count();
	return rc;
}

/* All turns of one kind, then everything is given back. */
static int loop(struct kit *k, bool exact, u64 bytes, u64 turns, u64 *held, struct kms_error *err)
{
	struct page *page[MOST];
	u64 n = 0, pages = 0;
	int rc = 0;

	for (*held = 0; n < turns && !rc; n++) {
		rc = turn(k, exact, bytes, &page[n], &pages, err);
		if (!rc)
			row(k->r, exact ? "exact" : "block", n + 1, bytes, pages);
		*held += pages * KIT_PAGE;
	}
	while (n-- && !rc)
		rc = exact ? kit_free_exact(k, page[n], bytes, err) : kit_free_pages(k, page[n], kit_order_of(bytes), err);
	return rc;
}

static void check(struct lab_run *r, u64 bytes, u64 turns, u64 block, u64 exact)
{
	u64 pages = (bytes + KIT_PAGE - 1) / KIT_PAGE;

	lab_value(r, "whole_pages", "pages", (double)(bytes / KIT_PAGE));
	lab_value(r, "remainder", "bytes", (double)(bytes % KIT_PAGE));
	lab_value(r, "block_lost", "bytes", (double)(block / turns - bytes));
	lab_value(r, "exact_bytes", "bytes", (double)(exact / turns));
	lab_value(r, "exact_lost", "bytes", (double)(exact / turns - bytes));
	lab_value(r, "saved", "bytes", (double)(block - exact));
	lab_check_book(r, "33 KiB are 8 pages", (double)(bytes / KIT_PAGE), 8);
	lab_check_book(r, "... and 1,024 bytes", (double)(bytes % KIT_PAGE), 1024);
	lab_check_book(r, "a block loses 31,744 bytes", (double)(block / turns - bytes), 31744);
	lab_check_book(r, "... 93.9 % of the request, in tenths", (double)((block / turns - bytes) * 1000 / bytes), 939);
	lab_check_book(r, "exact: 9 pages, 36,864 bytes", (double)(exact / turns), 36864);
	lab_check_book(r, "... of which 3,072 are lost", (double)(exact / turns - bytes), 3072);
	lab_check_book(r, "... 9.1 % of the request (9.09, in tenths, rounded)",
		       (double)(((exact / turns - bytes) * 10000 / bytes + 5) / 10), 91);
	lab_check(r, "a block is a power of two of pages", (double)block, (double)(turns * (KIT_PAGE << kit_order_of(bytes))));
	lab_check(r, "exact is the pages needed and none more", (double)exact, (double)(turns * pages * KIT_PAGE));
}

static int run(struct lab_run *r, struct kms_error *err)
{
	static const char *const headings[] = {"how", "turn", "asked for", "pages", "bytes held", "lost", "of request"};
	u64 bytes = (u64)lab_param(r, "kib") << 10, turns = (u64)lab_param(r, "turns"), block, exact, before;
	struct kit k;
	int rc = kit_open(&k, r, err);

	if (rc)
		return rc;
	if (!turns || turns > MOST)
		return kms_fail(err, KMS_EUSAGE, "turns: found %llu, expected 1 to %d", (unsigned long long)turns, MOST);
	before = kit_free_page_count();
	lab_table_begin(r, "turns", headings, 7);
	rc = loop(&k, false, bytes, turns, &block, err);
	if (!rc)
		rc = loop(&k, true, bytes, turns, &exact, err);
	lab_table_end(r);
	if (rc)
		return rc;
	check(r, bytes, turns, block, exact);
	lab_check(r, "all pages are back", (double)kit_free_page_count(), (double)before);
	return 0;
}

const struct lab lab_exact_pages = {.name = "exact-pages", .run = run};
