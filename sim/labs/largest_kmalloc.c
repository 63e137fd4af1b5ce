/*
 * largest_kmalloc.c - lab "largest-kmalloc": ever larger requests until one is
 * refused, in the steps of both editions.
 */
#include "sim/labs/kit.h"

/* Steps up from 0; *most: the largest that came, *refused: the first that did not. */
static int climb(struct kit *k, u64 step, u64 *most, u64 *refused, struct kms_error *err)
{
	void *memory;
	int rc = 0;

	for (u64 bytes = 0; !rc && bytes < 1ull << 32; bytes += step) {
		rc = kit_kmalloc(k, bytes, KIT_GFP_KERNEL, &memory, err);
		if (rc)
			return rc;
		if (!memory) {
			*refused = bytes;
			return 0;
		}
		*most = bytes;
		rc = kit_kfree(k, memory, err);
	}
	return rc ? rc : kms_fail(err, KMS_EFAIL, "nothing was refused");
}

/* Bisection between the two: the largest size that is served, to the byte. */
static int find_limit(struct kit *k, u64 most, u64 refused, u64 *limit, struct kms_error *err)
{
	int rc = 0;

	while (refused - most > 1 && !rc) {
		u64 middle = most + (refused - most) / 2;
		void *memory;

		rc = kit_kmalloc(k, middle, KIT_GFP_KERNEL, &memory, err);
		if (!rc && memory) {
			most = middle;
			rc = kit_kfree(k, memory, err);
		} else {
			refused = middle;
		}
	}
	*limit = most;
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	static const char *const headings[] = {"edition", "step", "largest served", "first refused"};
	static const char *const params[] = {"step_1e", "step_2e"};
	static const double published[2][2] = {{4000000, 4200000}, {4096000, 4300800}};
	u64 most[2] = {0}, refused[2] = {0}, limit = 0;
	struct kit k;
	int rc = kit_open(&k, r, err);

	if (rc)
		return rc;
	lab_table_begin(r, "limits", headings, 4);
	for (u32 i = 0; i < 2 && !rc; i++) {
		u64 step = (u64)lab_param(r, params[i]);

		rc = step ? climb(&k, step, &most[i], &refused[i], err) : kms_fail(err, KMS_EUSAGE, "%s is 0", params[i]);
		kit_row(r, "%uE\t%llu\t%llu\t%llu", i + 1, (unsigned long long)step, (unsigned long long)most[i],
			(unsigned long long)refused[i]);
		lab_check_book(r, "largest size served", (double)most[i], published[i][0]);
		lab_check_book(r, "first size refused", (double)refused[i], published[i][1]);
	}
	lab_table_end(r);
	if (!rc)
		rc = find_limit(&k, most[0], refused[0], &limit, err);
	lab_say(r, "To the byte: %llu, which is the largest block of the page allocator, 2^10 pages.", (unsigned long long)limit);
	lab_value(r, "limit", "bytes", (double)limit);
	lab_value(r, "served_1e", "bytes", (double)most[0]);
	lab_value(r, "refused_1e", "bytes", (double)refused[0]);
	lab_value(r, "served_2e", "bytes", (double)most[1]);
	lab_check(r, "the limit is 4 MiB", (double)limit, 4 << 20);
	return rc;
}

const struct lab lab_largest_kmalloc = {.name = "largest-kmalloc", .run = run};
